"""Episodes of alerts told to people: logged always, and sent where it is asked for.

`Episodes` folds what a session is told and asks for; `Delivery` logs every change of an episode
(logger `cross_market.alerts`) and sends what people must know through apprise (extra `alerts`) from
a thread of its own: nothing here waits for a network or raises into a trading loop.
"""

import contextlib
import itertools
import logging
import queue
import threading
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

from cross_market._values import wrong, wrong_type
from cross_market.audit.episode import Episode, Rung, rank
from cross_market.audit.folding import Due, Episodes
from cross_market.config import Config
from cross_market.contracts.units import parse_span
from cross_market.errors import UsageError

if TYPE_CHECKING:
    import apprise

__all__ = ["Counts", "Delivery", "Episode", "Episodes", "Rung", "next_open"]

LOGGER = logging.getLogger("cross_market.alerts")

MINUTE_NS = 60 * 10**9
# Messages that wait for the thread; more are dropped aloud.
WAITING_MAX = 256
TRIES = 3
OPEN, SHUT = ("auction", "continuous"), ("overnight", "holiday")


@dataclass(frozen=True, slots=True)
class Counts:
    """What has become of messages.

    delivered: int – accepted by every service. failed: int – not by every one, after all tries.
    held_back: int – repeated too soon, or beyond the rate.
    dropped: int – not sent since too many were waiting, or after `close`.
    """

    delivered: int
    failed: int
    held_back: int
    dropped: int


class Delivery:
    """Logs changes of episodes and sends those that people must know.

    Sent are: that an episode began, that it got worse, that it is over. One that begins again
    within `quiet`, no worse than before, is held back; so is what is beyond the rate, and the next
    message says how many were. Everything is logged: 'warn' as WARNING, 'alarm' as ERROR, a HALT as
    CRITICAL, what is over as INFO. Addresses are secrets: repr and log show their scheme alone.
    (At DEBUG the logger `apprise` may write more; leave it above.)
    """

    def __init__(
        self,
        to: Iterable[str] = (),
        *,
        per_minute: int = 20,
        alarm_reserve: int = 10,
        quiet: str = "5 min",
        timeout: str = "10 s",
    ) -> None:
        """Begin; nothing is sent yet.

        to: list of str – addresses of apprise, such as 'mailto://…' or 'json://127.0.0.1:8080/'.
        per_minute: int – most messages in a minute of engine time.
        alarm_reserve: int – how many of them only alarms may use.
        quiet: str, time – how long one that begins again is held back.
        timeout: str, time – longest time that one try of a message may take.
        Raises UsageError when the extra `alerts` is not installed, ConfigError or InputTypeError
        for what is wrong in an argument.
        """
        for name, given in (("per_minute", per_minute), ("alarm_reserve", alarm_reserve)):
            if type(given) is not int:
                raise wrong_type(given, f"delivery.{name}", "a whole number of messages")
        if not 0 <= alarm_reserve < per_minute:
            expected = f"at least 0 and less than per_minute, {per_minute}"
            raise wrong(alarm_reserve, "delivery.alarm_reserve", expected)
        self._most = {"warn": per_minute - alarm_reserve, "alarm": per_minute}
        self._quiet_ns = parse_span(quiet, "delivery.quiet")
        self._timeout_s = parse_span(timeout, "delivery.timeout") / 10**9
        if self._timeout_s <= 0:
            raise wrong(timeout, "delivery.timeout", "a time above 0")
        self._services, self._schemes = services_of(to)
        self._sent: deque[int] = deque()
        # What was told of an episode that is not over: how bad; None where it was held back.
        self._told: dict[int, int | None] = {}
        # When an episode of a metric and scope was last told to begin, and how bad it got.
        self._last: dict[tuple[object, object], tuple[int, int]] = {}
        self._silent = 0
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Message | None] = queue.Queue(WAITING_MAX)
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def counts(self) -> Counts:
        """What has become of messages so far."""
        with self._lock:
            found = dict(self._counts)
        return Counts(*(found.get(name, 0) for name in Counts.__slots__))

    def tell(self, episodes: Iterable[Episode], *, now: int) -> None:
        """Log changed episodes, and send what is news of them. Never raises, never waits.

        episodes: list of Episode – what `Episodes.take` returned.
        now: int, ns – engine time.
        """
        try:
            for episode in episodes:
                LOGGER.log(log_level(episode), "%s", text_of(episode))
                self._send(episode, now)
        except Exception:  # a trading loop calls this: what is wrong here must not stop it
            LOGGER.exception("alerts could not be told")
            self._count("failed")

    def close(self, *, timeout: str) -> Counts:
        """Send what waits, end the thread and return what has become of messages.

        timeout: str, time – how long to wait for it; what waits still is dropped.
        returns: Counts.
        Raises ConfigError or InputTypeError for what is no time.
        """
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is not None:
            wait_s = parse_span(timeout, "close.timeout") / 10**9
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=wait_s)
            thread.join(wait_s)
            if thread.is_alive():
                self._drop()
        return self.counts

    def _drop(self) -> None:
        """Let the thread end with the message that it is sending now."""
        with contextlib.suppress(queue.Empty):
            while True:
                if self._waiting.get_nowait() is not None:
                    self._count("dropped")
        self._waiting.put_nowait(None)

    def __enter__(self) -> "Delivery":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(timeout=f"{self._timeout_s * TRIES:f} s")

    def __repr__(self) -> str:
        """Return where it sends, without secrets, and what has become of messages."""
        to = ", ".join(f"{scheme}://…" for scheme in self._schemes) or "the log alone"
        return f"<Delivery to {to}: {self.counts}>"

    def _count(self, what: str, times: int = 1) -> None:
        with self._lock:
            self._counts[what] += times

    def _send(self, episode: Episode, now: int) -> None:
        news = None if self._services is None else self._news(episode, now)
        if news is None:
            return
        while self._sent and self._sent[0] <= now - MINUTE_NS:
            self._sent.popleft()
        if len(self._sent) >= self._most[episode.urgency]:
            self._silent += 1
            self._count("held_back")
            return
        body = text_of(episode)
        if self._silent:
            body += f"\n{self._silent} more were held back."
        if self._put(Message(f"{news}: {title_of(episode)}", body, kind_of(episode))):
            self._sent.append(now)
            self._silent = 0

    def _news(self, episode: Episode, now: int) -> str | None:
        """Return what is new for people in an episode; None where nothing is."""
        bad = rank(episode.worst.level)
        if episode.number not in self._told:
            return self._begins(episode, bad, now)
        before = self._told[episode.number]
        if not episode.is_open:
            del self._told[episode.number]
            return None if before is None else "over"
        if bad > (before or 0):
            self._told[episode.number] = bad
            self._last[episode.metric, episode.scope] = now, bad
            return "worse"
        return None

    def _begins(self, episode: Episode, bad: int, now: int) -> str | None:
        """Return that an episode began, unless one like it was told a short while ago."""
        for key, (at, _) in list(self._last.items()):
            if at <= now - self._quiet_ns:
                del self._last[key]
        key = episode.metric, episode.scope
        at, told = self._last.get(key, (now, 0))
        is_again = bad <= told
        if episode.is_open:
            self._told[episode.number] = bad if not is_again else None
        if is_again:
            self._count("held_back")
            return None
        self._last[key] = now, bad
        return "alert"

    def _put(self, message: "Message") -> bool:
        if self._closed:
            self._count("dropped")
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            LOGGER.error("an alert is not sent: %s are waiting", WAITING_MAX)  # noqa: TRY400
            self._count("dropped")
            return False
        return True

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            is_sent = any(self._try(message) for _ in range(TRIES))
            self._count("delivered" if is_sent else "failed")
            if not is_sent:
                LOGGER.error("an alert was not accepted after %s tries: %s", TRIES, message.title)

    def _try(self, message: "Message") -> bool:
        try:
            assert self._services is not None
            return bool(
                self._services.notify(
                    title=message.title,
                    body=message.body,
                    notify_type=message.kind,
                    timeout=self._timeout_s,
                )
            )
        except Exception as error:  # whatever a service's library raises; its text may hold secrets
            LOGGER.error("an alert could not be sent: %s", type(error).__name__)  # noqa: TRY400
            return False


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `kind` is one of apprise's types."""

    title: str
    body: str
    kind: str


def services_of(to: Iterable[str]) -> "tuple[apprise.Apprise | None, tuple[str, ...]]":
    """Return what sends to addresses, and their schemes."""
    addresses = [to] if isinstance(to, str) else list(to)
    if not addresses:
        return None, ()
    services = library().Apprise()
    schemes = []
    with unlogged():
        for at, address in enumerate(addresses):
            scheme = address.partition("://")[0] if type(address) is str else ""
            if not scheme.isalnum() or not services.add(address):
                # An address may hold a password anywhere: nothing of it is shown.
                expected = "an address of apprise, such as 'json://127.0.0.1:8080/', as str"
                message = f"delivery.to[{at}]: apprise does not take it; expected {expected}"
                raise UsageError(message, call="Delivery", expected=expected)
            schemes.append(scheme)
    return services, tuple(schemes)


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """Keep apprise from logging meanwhile: an address that it does not take it would log whole."""

    def keep(_record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger("apprise")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def library() -> ModuleType:
    """Return apprise; UsageError names the extra without it."""
    try:
        import apprise
    except ImportError as error:
        message = "Delivery: apprise is not installed; expected the extra 'alerts' of cross-market"
        expected = "the extra 'alerts' of cross-market"
        raise UsageError(message, call="Delivery", expected=expected) from error
    return apprise


def is_over(episode: Episode) -> bool:
    """Return whether an episode lasted and is over; one of a moment tells only that it was."""
    return episode.ended is not None and episode.ended > episode.recognised


def log_level(episode: Episode) -> int:
    """Return the level at which a change of an episode is logged."""
    if is_over(episode):
        return logging.INFO
    if episode.metric == "halted" or episode.level == "halt":
        return logging.CRITICAL
    return logging.ERROR if episode.urgency == "alarm" else logging.WARNING


def kind_of(episode: Episode) -> str:
    """Return apprise's type of a message."""
    if is_over(episode):
        return "success"
    return "failure" if episode.urgency == "alarm" else "warning"


def title_of(episode: Episode) -> str:
    """Return an episode in a few words."""
    kind, name = episode.scope
    of = kind if name is None else f"{kind} {name}"
    return f"{episode.metric} of {of}, {episode.level}"


def text_of(episode: Episode) -> str:
    """Return an episode on one line, with its numbers and what followed."""
    rung = episode.path[-1]
    parts = [f"#{episode.number} {title_of(episode)}: {rung.value}, limit {rung.limit}"]
    if episode.due is not None:
        parts.append(f"due {episode.due} ns")
    if episode.cancelled:
        parts.append(f"{len(episode.cancelled)} orders cancelled")
    if episode.reduced:
        parts.append(f"{episode.reduced} sets to be given back")
    if episode.transfers:
        parts.append(f"{len(episode.transfers)} transfers asked for")
    if episode.to_handled_ns is not None:
        parts.append(f"handled {episode.to_handled_ns} ns after its onset")
    if is_over(episode):
        parts.append("over")
    return ", ".join(parts)


def next_open(config: Config) -> Due:
    """Return a function that says when an account's markets open next, for margin calls.

    config: Config – whose instruments state their phases; what always trades never opens.
    returns: function of (account, now in ns) – the next start of an auction or of continuous
        trading behind a night or a holiday of what its legs trade, ns; None where none is stated.
    Raises InputTypeError for another configuration.
    """
    if type(config) is not Config:
        raise wrong_type(config, "config", "a Config")
    opens: dict[str, set[int]] = {}
    for leg in (leg for hedge in config.hedges for leg in hedge.legs):
        phases = leg.instrument.phases
        found = opens.setdefault(leg.account.name, set())
        if phases != "always":
            pairs = itertools.pairwise(phases)
            found |= {start for (_, was), (start, is_) in pairs if was in SHUT and is_ in OPEN}
    sorted_opens = {name: sorted(found) for name, found in opens.items()}

    def due(account: str, now: int) -> int | None:
        found = sorted_opens.get(account, [])
        at = bisect_right(found, now)
        return found[at] if at < len(found) else None

    return due

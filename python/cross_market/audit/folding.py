"""Alerts as episodes: one for each thing that went wrong, from its onset until it is over.

An engine tells every change of a level and every state. Folded, they are what a person works with:
since when, how bad, what followed, and how long each of it took.

A threshold's episode begins when its number leaves NORMAL and is over when it is back. It is
*handled* when what its level asks for is proven: at `warn` and `restrict` at once; from `cancel` on
when every order that entered is proven dead; at `reduce` moreover when an attempt that gives sets
back has ended, or the number has come below. States that end by themselves (a link, a HALT) are
open until the word that ends them, what is told of an attempt until that has ended; everything else
lasts a moment.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cross_market import _core
from cross_market._files import path_text
from cross_market._values import wrong_type
from cross_market.audit.episode import LADDER, Episode, Rung, Scope, rank, rung_of
from cross_market.audit.steps import Step, steps
from cross_market.commands import Alert, Cancel, Command, Place, Transfer
from cross_market.config import Config
from cross_market.errors import JournalError
from cross_market.events import Event
from cross_market.policy.threshold import METRICS

__all__ = ["Due", "Episodes", "episodes"]

Due = Callable[[str, int], int | None]

KINDS = tuple(METRICS)
CANCEL, REDUCE = LADDER.index("cancel"), LADDER.index("reduce")

# A state, and what ends it where it is told of the same.
ENDS = {
    "link_up": ("link_down",),
    "unrestricted": ("restricted", "shortfall"),
    "unlatched": ("halted",),
    "resumed": ("stopped",),
    "whole": ("gap",),
    "transfer_arrived": ("transfer_late",),
    "transfer_failed": ("transfer_late",),
}
# States of an order, which end with it.
OF_ORDERS = ("order_unknown", "cancel_stuck", "query_stuck")
LASTING = {code for codes in ENDS.values() for code in codes} | set(OF_ORDERS)

# Where the number of the hedge stands in an order's id.
HEDGE_AT, HEDGE_BITS = 34, 10
# The kind of an attempt that gives sets back because a limit asks for it.
REDUCES = 3


@dataclass(slots=True)
class Order:
    """An order that may be alive."""

    hedge: str
    lots: int
    enters: bool
    traded: dict[str, int] = field(default_factory=dict)


class Desk:
    """Which hedges an alert's scope concerns."""

    def __init__(self, stated: bytes) -> None:
        found = json.loads(stated)
        accounts = {each["name"]: each for each in found["accounts"]}
        products = {each["name"]: each["product"] for each in found["instruments"]}
        self.hedges = [str(hedge["name"]) for hedge in found["hedges"]]
        legs = {hedge["name"]: [*hedge["legs"]] for hedge in found["hedges"]}
        for hedge in found["hedges"]:
            legs[hedge["name"]] += legs.get(hedge.get("next"), [])[: len(hedge["legs"])]
        # Scopes of a leg, and which accounts and instruments any leg of a scope stands on.
        self._of: dict[Scope, set[str]] = {("engine", None): set(self.hedges)}
        self._on: dict[tuple[str, Scope], set[str]] = {}
        self._legs: dict[str, list[tuple[str, str]]] = {}
        for hedge in found["hedges"]:
            name = hedge["name"]
            self._of.setdefault(("hedge", name), set()).add(name)
            for leg in legs[name]:
                account, instrument = leg["account"], leg["instrument"]
                self._legs.setdefault(name, []).append((account, instrument))
                for scope in (
                    ("account", account),
                    ("instrument", instrument),
                    ("venue", accounts[account]["venue"]),
                    ("product", products[instrument]),
                    ("group", accounts[account]["group"]),
                    ("strategy", hedge.get("strategy")),
                ):
                    self._of.setdefault(scope, set()).add(name)
                    self._on.setdefault(("account", scope), set()).add(account)
                    self._on.setdefault(("instrument", scope), set()).add(instrument)

    def concerns(self, metric: str, scope: Scope, hedge: str) -> bool:
        """Return whether what is told of a metric and a scope concerns a hedge.

        Of several accounts or instruments together it does where a leg stands on any of them.
        """
        if hedge in self._of.get(scope, ()):
            return True
        kind = METRICS[metric][0] if metric in METRICS else "hedge"
        on = self._on.get((kind, scope), set())
        at = 0 if kind == "account" else 1
        return kind != "hedge" and any(leg[at] in on for leg in self._legs.get(hedge, ()))

    def hedge_of(self, decision: int) -> str:
        """Return the hedge of an attempt or order; '' for one that is not in the configuration."""
        at = (decision >> HEDGE_AT) & ((1 << HEDGE_BITS) - 1)
        return self.hedges[at] if at < len(self.hedges) else ""


class Episodes:
    """Folds what an engine is told and asks for into episodes.

    Give it every event with what was returned for it, and what `release` returned with None; it
    reads no clock. A metric that a new policy no longer watches leaves its episode open.
    """

    def __init__(
        self,
        config: Config,
        *,
        due: Due | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> None:
        """Begin without episodes, or where a journal stands.

        config: Config – of the engine or session.
        due: function of (account, now in ns) – when a margin call of the account must be met, ns;
            such as `cross_market.live.alerts.next_open(config)`. None: nobody says.
        journal: path – the file of a session that goes on (`Session.path`); none when None.
        Raises InputTypeError for another configuration, JournalError for a journal that cannot be
        read or trusted.
        """
        if type(config) is not Config:
            raise wrong_type(config, "config", "a Config")
        self._begin(config.to_json(), due)
        if journal is not None:
            steps(journal, self.step)

    @classmethod
    def _stated(cls, stated: bytes, due: Due | None) -> "Episodes":
        made = cls.__new__(cls)
        made._begin(stated, due)
        return made

    def _begin(self, stated: bytes, due: Due | None) -> None:
        self._desk = Desk(stated)
        self._due = due
        self._count = 0
        self._now: dict[int, Episode] = {}
        self._open: dict[tuple[str, Scope], int] = {}
        # What is still to be proven before an episode is handled: orders, attempts, words.
        self._awaited: dict[int, set[int | str]] = {}
        self._orders: dict[int, Order] = {}

    @property
    def open(self) -> tuple[Episode, ...]:
        """Those that are not over, or not handled, in the order in which they began."""
        return tuple(self._now[number] for number in sorted(self._now))

    def take(self, now: int, event: Event | None, commands: Sequence[Command]) -> list[Episode]:
        """Return the episodes that changed with an event, as they are now.

        now: int, ns – engine time.
        event: one of `cross_market.events` – None for what `release` returned.
        commands: list of `cross_market.commands` – what was returned.
        """
        return self.step(Step.of(now, event, commands))

    def step(self, step: Step) -> list[Episode]:
        """Return the episodes that changed in a step, as they are now.

        step: Step – of `take`, or of a journal.
        """
        changed: set[int] = set()
        if step.news is not None:
            changed |= self._told(step)
        for command in step.commands:
            if isinstance(command, Alert):
                changed |= self._alert(step, command)
        climbed = set(changed)
        for command in step.commands:
            changed |= self._command(step.now, command, climbed)
        return [self._settled(number, step.now) for number in sorted(changed)]

    def _settled(self, number: int, now: int) -> Episode:
        """Return an episode with what is proven of it now, and forget it when nothing is left."""
        episode, awaited = self._now[number], self._awaited[number]
        if awaited and episode.handled is not None:
            episode = replace(episode, handled=None)
        elif not awaited and episode.handled is None:
            episode = replace(episode, handled=now)
        self._now[number] = episode
        if episode.ended is not None and not awaited:
            del self._now[number], self._awaited[number]
        return episode

    def _told(self, step: Step) -> set[int]:
        """Take in news of an order; the episodes that waited for its end."""
        news = step.news
        order = None if news is None else self._orders.get(news.order)
        if news is None or order is None:
            return set()
        if news.trade_id is not None:
            order.traded[news.trade_id] = news.lots
            if sum(order.traded.values()) < order.lots:
                return set()
        del self._orders[news.order]
        found = self._prove(news.order)
        for code in OF_ORDERS:
            found |= self._over(step.now, code, ("order", news.order))
        return found

    def _prove(self, awaited: int | str, numbers: set[int] | None = None) -> set[int]:
        """Wait no more for something; the episodes that did."""
        among = self._awaited if numbers is None else numbers
        found = {number for number in among if awaited in self._awaited[number]}
        for number in found:
            self._awaited[number].discard(awaited)
        return found

    def _over(self, now: int, metric: str, scope: Scope) -> set[int]:
        number = self._open.pop((metric, scope), None)
        if number is None:
            return set()
        self._now[number] = replace(self._now[number], ended=now)
        self._awaited[number].discard("end")
        return {number}

    def _alert(self, step: Step, alert: Alert) -> set[int]:
        if alert.code in ("threshold", "threshold_left"):
            return self._threshold(step, alert)
        if alert.code in ("attempt_started", "attempt_ended"):
            found = self._attempt(step.now, alert)
        else:
            codes = ENDS.get(alert.code, ())
            found = set().union(*(self._over(step.now, code, alert.subject) for code in codes))
        if alert.urgency == "info":
            return found
        rung = rung_of(step.now, alert.code, alert.urgency, alert)
        number = self._open.get((alert.code, alert.subject))
        if number is None:
            return found | {self._begun(step, alert.code, alert, rung)}
        self._climb(number, rung, alert.urgency)
        return found | {number}

    def _begun(self, step: Step, metric: str, alert: Alert, rung: Rung) -> int:
        self._count += 1
        number, now = self._count, step.now
        onset = now if step.exchange is None else min(step.exchange, now)
        kind, name = alert.subject
        due = None
        if metric == "shortfall" and self._due is not None and kind == "account":
            due = self._due(str(name), now)
        episode = Episode(
            number=number,
            metric=metric,
            scope=alert.subject,
            urgency=alert.urgency,
            cause=step.cause,
            path=(rung,),
            onset=onset,
            recognised=now,
            due=due,
        )
        self._awaited[number] = set()
        lasts = metric in METRICS or metric in LASTING or is_of_attempt(metric, alert)
        if lasts:
            self._open[metric, alert.subject] = number
        else:
            episode = replace(episode, ended=now)
        # A state that nobody acts on is dealt with when it is over.
        if lasts and metric not in METRICS and metric != "halted":
            self._awaited[number].add("end")
        self._now[number] = episode
        return number

    def _climb(self, number: int, rung: Rung, urgency: str) -> None:
        episode = self._now[number]
        worse = max(episode.urgency, urgency, key=rank)
        before = episode.path
        if episode.level == rung.level:  # told again, with other numbers
            before = before[:-1]
        self._now[number] = replace(episode, path=(*before, rung), urgency=worse)

    def _threshold(self, step: Step, alert: Alert) -> set[int]:
        metric, level = KINDS[alert.detail // 8], alert.detail % 8
        rung = rung_of(step.now, metric, LADDER[level], alert)
        number = self._open.get((metric, alert.subject))
        if number is None:
            if level == 0:  # it began before the stream did
                return set()
            number = self._begun(step, metric, alert, rung)
        else:
            self._climb(number, rung, alert.urgency)
        awaited = self._awaited[number]
        if level == 0:
            self._over(step.now, metric, alert.subject)
        if level != REDUCE:  # below nothing is to be given back; in a HALT nothing can be
            awaited.discard("reduce")
        if alert.code == "threshold" and level >= CANCEL:
            awaited.update(self._entering(metric, alert.subject))
            if level == REDUCE:
                awaited.add("reduce")
        return {number}

    def _entering(self, metric: str, scope: Scope) -> Iterator[int]:
        for number, order in self._orders.items():
            if order.enters and self._desk.concerns(metric, scope, order.hedge):
                yield number

    def _attempt(self, now: int, alert: Alert) -> set[int]:
        """Take in that an attempt began or ended that gives sets back because a level asks for it.

        An attempt whose beginning was not one of these is not awaited by anybody.
        """
        decision = int(alert.subject[1] or 0)
        if alert.code == "attempt_ended":
            found = self._prove(decision)
            if alert.value != 0:
                self._prove("reduce", found)
            for metric, scope in [key for key in self._open if key[1] == alert.subject]:
                found |= self._over(now, metric, scope)
            return found
        if alert.detail != REDUCES:
            return set()
        found = self._concerned(self._desk.hedge_of(decision), REDUCE)
        for number in found:
            episode = self._now[number]
            reduced = episode.reduced + abs(alert.limit - alert.value)
            self._now[number] = replace(
                episode, reduced=reduced, commanded=first(episode.commanded, now)
            )
            self._awaited[number].add(decision)
        return found

    def _concerned(self, hedge: str, level: int) -> set[int]:
        """The episodes of thresholds that concern a hedge and stand at a level or above."""
        return {
            number
            for (metric, scope), number in self._open.items()
            if metric in METRICS
            and rank(self._now[number].level) >= level
            and self._desk.concerns(metric, scope, hedge)
        }

    def _command(self, now: int, command: Command, climbed: set[int]) -> set[int]:
        if isinstance(command, Place):
            enters = command.kind == "enter" and command.purpose in ("work", "quote")
            self._orders[command.order] = Order(command.hedge, command.qty, enters)
            return set()
        if isinstance(command, Cancel):
            return self._cancel(now, command.order, climbed)
        if isinstance(command, Transfer):
            scope: Scope = ("account", command.target)
            found = {number for (_, of), number in self._open.items() if of == scope}
            for number in found:
                episode = self._now[number]
                moved = (*episode.transfers, command.id)
                self._now[number] = replace(
                    episode, transfers=moved, commanded=first(episode.commanded, now)
                )
            return found
        return set()

    def _cancel(self, now: int, order: int, climbed: set[int]) -> set[int]:
        """Note a cancel for the episodes that wait for the order, or that asked for it now."""
        hedge = self._desk.hedge_of(order)
        found = {number for number, awaited in self._awaited.items() if order in awaited}
        for number in climbed & set(self._now):
            episode = self._now[number]
            asks = episode.metric == "halted" or (
                episode.is_threshold and rank(episode.level) >= CANCEL
            )
            if asks and self._desk.concerns(episode.metric, episode.scope, hedge):
                found.add(number)
        for number in found:
            episode = self._now[number]
            cancelled = tuple(dict.fromkeys((*episode.cancelled, order)))
            self._now[number] = replace(
                episode, cancelled=cancelled, commanded=first(episode.commanded, now)
            )
            if order in self._orders:
                self._awaited[number].add(order)
        return found


def is_of_attempt(metric: str, alert: Alert) -> bool:
    """Return whether an alert tells of an attempt that goes on."""
    return alert.subject[0] == "attempt" and metric != "attempt_ended"


def first(before: int | None, now: int) -> int:
    """Return when something was done first."""
    return now if before is None else before


def episodes(path: str | os.PathLike[str], *, due: Due | None = None) -> tuple[Episode, ...]:
    """Return all episodes of a journal, in the order in which they began.

    path: path – the journal's file; it is only read.
    due: function of (account, now in ns) – as for `Episodes`.
    Raises JournalError when the journal cannot be read or trusted.
    """
    where = path_text(path, "path")
    stated = _core.verify(where)["config"]
    if stated is None:
        message = "episodes: this is no journal that can be read; `audit.verify` says why"
        raise JournalError(message, path=where)
    fold = Episodes._stated(stated, due)
    found: dict[int, Episode] = {}

    def take(step: Step) -> None:
        found.update((each.number, each) for each in fold.step(step))

    steps(where, take)
    return tuple(found[number] for number in sorted(found))

"""An engine with its journal, and the verbs of an operator."""

import os
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from cross_market import _core
from cross_market._arrow import arrow
from cross_market._files import path_text
from cross_market._pnl import pnl
from cross_market._values import note
from cross_market.commands import Command
from cross_market.config import Config
from cross_market.contracts.units import parse_span
from cross_market.errors import CrossMarketError, UsageError
from cross_market.events import (
    Adopt,
    Control,
    Enter,
    Event,
    Exit,
    Flatten,
    Forfeit,
    Freeze,
    Kill,
    Lease,
    Number,
    Override,
    Policy,
    Resume,
    Roll,
    Scope,
    Stop,
    Transfer,
    Unlatch,
    Unrestrict,
    Verb,
)
from cross_market.what_if import WhatIf, told

if TYPE_CHECKING:
    import pyarrow as pa


class Session:
    """An engine together with its append-only, hash-chained journal.

    A folder that holds a journal is continued: it is replayed, what a crash left unfinished is cut
    off aloud, and `first` holds what the restart asks of the venues. Every login and every feed
    counts as down until its `Link` event comes. One process writes at a time.
    Closing makes the journal durable, so what waited for that may leave: `close` returns it, and
    `last` holds it behind a `with`. Not pickled, not used after a fork, one call at a time.

    Every call but `link` raises UsageError after `close`, in another process, while another call is
    under way, and for a time that steps back; ConfigError or InputTypeError, naming the field, for
    what is wrong in an argument: then nothing has changed. JournalError or InternalError mean that
    the session cannot go on; what must leave all the same is in their `commands`. What calls share:
    now: int, ns – engine time, never before an earlier one.
    hedge, account, venue: str – names of the configuration; where None is taken it means all.
    returns: list of `cross_market.commands` – what may leave now; the rest comes from `release`.
    """

    def __init__(
        self,
        config: Config,
        *,
        journal: str | os.PathLike[str],
        now: int,
        durable: str = "5 ms",
        actor: str = "operator",
    ) -> None:
        """Open the journal.

        config: Config – what is traded; the one of the folder's journal but for limits.
        journal: path – its folder, made when missing.
        now: int, ns – engine time, never before the journal's last event.
        durable: str – 'os' (orders leave once the operating system has the record), or the longest
            time that orders wait for a sync they share, such as '5 ms'.
        actor: str – who speaks through the verbs; in the journal with each of them: one line in
            any language, up to 120 bytes of UTF-8.
        Raises JournalError when the folder is in use, or its journal cannot be trusted.
        """
        is_os = type(durable) is str and durable == "os"
        group = None if is_os else parse_span(durable, "durable")
        self._actor = note(actor, "actor")
        folder = path_text(journal, "journal")
        self._core = _core.Session(config, journal=folder, now=now, group_ns=group)
        # The fast doors are the native ones themselves: a call around them costs as much as they.
        self.id = self._core.id
        self.level = self._core.level
        self.row = self._core.row
        self.message = self._core.message
        self.columns = self._core.columns
        self.take = self._core.take

    @property
    def first(self) -> list[Command]:
        """What a restart asks of the venues; empty for a new journal."""
        return self._core.first

    @property
    def last(self) -> list[Command]:
        """What waited for the journal when it was closed, and may leave; empty before."""
        return self._core.last

    @property
    def recovered(self) -> dict[str, int | str | None] | None:
        """What a restart found: records, events, bytes cut off; None for a new journal."""
        return self._core.recovered

    @property
    def path(self) -> str:
        """The journal's file."""
        return self._core.path

    @property
    def run(self) -> int:
        """The run's number, part of every order id."""
        return self._core.run

    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event and return what may leave now; the rest comes from `release`.

        now: int, ns – engine time, never before an earlier one.
        event: one of the classes of `cross_market.events` – what happened.
        returns: list of `cross_market.commands`; first those of an earlier call that an exception
            kept from being handed over.
        Raises ConfigError or InputTypeError for what is wrong in the event, UsageError for a call
        that is wrong here; then nothing has changed.
        """
        return self._core.handle(now, event)

    def release(self, now: int) -> list[Command]:
        """Return what waited for the journal to be durable, as far as it is now.

        now: int, ns – engine time, from 1970 to 2200.
        """
        return self._core.release(now)

    def deadline(self) -> int | None:
        """Return a lower bound (ns) of the next moment at which something is due."""
        return self._core.deadline()

    def digest(self) -> bytes:
        """Return the SHA-256 of the whole state."""
        return self._core.digest()

    def link(self) -> bytes:
        """Return the journal's last link; kept elsewhere, it shows a shortened journal later.

        The one call that works after `close` too: only then is it the last one.
        """
        return self._core.link()

    def seq(self) -> int:
        """Return the number of the last event."""
        return self._core.seq()

    def positions(self) -> "pa.Table":
        """Return what every account holds now, and what of it belongs to no hedge."""
        return arrow(self._core.tables()["positions"])

    def hedges(self) -> "pa.Table":
        """Return what every hedge holds now: signed sets, and the residual in common units."""
        return arrow(self._core.tables()["hedges"])

    def funds(self) -> "pa.Table":
        """Return the money of every account now, by cause."""
        return arrow(self._core.tables()["funds"])

    def monitors(self) -> "pa.Table":
        """Return where every monitored number stands now.

        returns: Arrow table – metric, kind and of (what it is of: 'account' and its name, …;
            'venue' and the like for several together, 'all accounts' without a name), value (a
            fraction, money, common units, a size, a count or seconds; null for a share of
            nothing), level.
        """
        return arrow(self._core.tables()["monitors"])

    def leases(self) -> "pa.Table":
        """Return what may be used of the accounts that draw on a pool (`Account.leased`).

        returns: Arrow table – account; amount, posted, epoch and until as they were told last (null
            and epoch 0 before); posted_before, what the lease before had posted; brought, what the
            run has brought since it began; room, what may still be bound now.
        """
        return arrow(self._core.tables()["leases"])

    def what_if(self, hedge: str, *, sets: int) -> WhatIf:
        """Return what trading so many sets of a hedge now would come to; nothing changes.

        sets: int – signed, not 0; against the sets that are held it gives back, at most all.
        """
        return told(hedge, sets, self._core.what_if(hedge, sets))

    def pnl(self, *, by: str) -> "pa.Table":
        """Return what was earned since the journal began, by cause, hedge, account or day.

        by: str – 'cause', 'hedge', 'account' or 'day' (UTC). What is held counts at mid prices.
        returns: Arrow table – `by`, `currency`, `amount`; gains are positive, one row for each
            currency. A restart of the journal changes nothing.
        Raises ConfigError for another word.
        """
        return pnl(arrow(self._core.attribution()), by)

    def enter(
        self,
        hedge: str,
        *,
        sets: int,
        now: int,
        at_least: Number | None = None,
        over: str = "0 s",
    ) -> list[Command]:
        """Start an Enter of signed sets; `at_least` replaces the configured band.

        sets: int, sets – how many; below zero for the mirror direction.
        at_least: number, unit of the signal – the level that is asked for.
        over: str, time – its slices begin evenly over so long.
        """
        over_ns = parse_span(over, "enter.over")
        return self._say(now, Enter(hedge=hedge, sets=sets, at_least=at_least, over_ns=over_ns))

    def exit(
        self, hedge: str, *, now: int, sets: int | None = None, over: str = "0 s"
    ) -> list[Command]:
        """Start an Exit of sets.

        sets: int, sets – how many, above zero; all when None.
        over: str, time – its slices begin evenly over so long.
        """
        over_ns = parse_span(over, "exit.over")
        return self._say(now, Exit(hedge=hedge, sets=sets, over_ns=over_ns))

    def freeze(self, hedge: str, *, lasts: str, adverse: int, now: int) -> list[Command]:
        """Keep the quotes of a hedge where they are, for a time.

        lasts: str, time – how long.
        adverse: int, ticks – most that a quote may give up meanwhile; beyond, it moves.
        """
        lasts_ns = parse_span(lasts, "freeze.lasts")
        return self._say(now, Freeze(hedge=hedge, lasts_ns=lasts_ns, adverse=adverse))

    def forfeit(self, hedge: str, *, reason: str, now: int) -> list[Command]:
        """Give up what the attempt of a hedge has not traded yet; recorded with its reason.

        No order of it leaves any more, what rests is cancelled, and it ends in what is so:
        `residual_held`, and the hedge restricted, where a residual beyond its limit is left.
        reason: str – why: one line in any language, up to 120 bytes of UTF-8.
        """
        return self._say(now, Forfeit(hedge=hedge, reason=reason))

    def transfer(
        self, transfer: int, *, source: str, target: str, amount: Number, now: int
    ) -> list[Command]:
        """Move money over a declared route; nothing is moved twice for one number.

        transfer: int – its number, above all that were used before.
        source, target: str – names of accounts.
        amount: number – in the currency of `source`.
        Raises ConfigError where no route leads or its amounts do not allow it; what only this
        moment is against (its window, what may be taken out) is told by an alert,
        `transfer_refused`.
        """
        moved = Transfer(id=transfer, source=source, target=target, amount=amount)
        return self._say(now, moved)

    def lease(
        self,
        account: str,
        *,
        amount: Number,
        posted: Number,
        epoch: int,
        until: int,
        now: int,
    ) -> list[Command]:
        """Say what may be used of an account that draws on a pool (`Account.leased`).

        amount: number – how much its positions and orders may bind together. What the run has lost
            and `posted` does not contain counts against it, as do losses on paper.
        posted: number – what of the results of this run, the column `brought` of `funds`, the
            amount contains by now.
        epoch: int – the epoch that the pool has given this process.
        until: int, ns since 1970 – when it is over, by the engine's clock: from then on nothing is
            entered, and what enters and rests is cancelled (alert `lease_over`).
        Raises ConfigError for an epoch before the last one, and for an account that is not leased.
        """
        lease = Lease(account=account, amount=amount, posted=posted, epoch=epoch, until=until)
        return self._say(now, lease)

    def roll(self, hedge: str, *, now: int) -> list[Command]:
        """Move all sets of a hedge to the next contract: to the hedge that its `next` names.

        A slice that would cost more than the hedge's max_roll_cost is not begun.
        """
        return self._say(now, Roll(hedge=hedge))

    def adopt(self, hedge: str, lots: dict[str, int], *, now: int) -> list[Command]:
        """Move lots from unassigned into a hedge: of all its legs or of none.

        lots: dict from instrument to int, lots – signed; a leg that is not named gets none.
        """
        return self._say(now, Adopt(hedge=hedge, lots=lots))

    def stop(self, hedge: str | None = None, *, now: int) -> list[Command]:
        """Let nothing be entered, in one hedge or all; Exit and repair go on."""
        return self._say(now, Stop(scope=Scope(hedge=hedge)))

    def resume(self, hedge: str | None = None, *, now: int) -> list[Command]:
        """Take `stop` back."""
        return self._say(now, Resume(scope=Scope(hedge=hedge)))

    def kill(
        self,
        *,
        now: int,
        venue: str | None = None,
        account: str | None = None,
        hedge: str | None = None,
    ) -> list[Command]:
        """Set a HALT latch and cancel at once; of everything when no scope is named."""
        return self._say(now, Kill(scope=Scope(venue=venue, account=account, hedge=hedge)))

    def unlatch(
        self,
        *,
        now: int,
        venue: str | None = None,
        account: str | None = None,
        hedge: str | None = None,
    ) -> list[Command]:
        """End a HALT latch, once nothing is unknown in its scope."""
        return self._say(now, Unlatch(scope=Scope(venue=venue, account=account, hedge=hedge)))

    def flatten(self, hedge: str | None = None, *, now: int) -> list[Command]:
        """Give all sets back; inside HALT only orders that reduce pass."""
        return self._say(now, Flatten(scope=Scope(hedge=hedge)))

    def unrestrict(
        self, *, now: int, account: str | None = None, hedge: str | None = None
    ) -> list[Command]:
        """End RESTRICT of a hedge or an account."""
        return self._say(now, Unrestrict(scope=Scope(account=account, hedge=hedge)))

    def override(
        self, order: int, *, status: str, cum: int, reason: str, now: int
    ) -> list[Command]:
        """Say where an order stands whose outcome is unknown; recorded with its reason.

        order: int – our id.
        status: str – filled, cancelled, rejected or expired. cum: int, lots.
        reason: str – why: one line in any language, up to 120 bytes of UTF-8.
        """
        verb = Override(order=order, status=status, cum=cum, reason=reason)
        return self._say(now, verb)

    def policy(self, config: Config, *, now: int) -> list[Command]:
        """Replace limits and execution values.

        config: Config – the run's own but for them.
        """
        return self._say(now, Policy(config=config))

    def close(self) -> list[Command]:
        """Close the journal durably and return what waited for that, to be sent; `last` keeps it.

        returns: list of `cross_market.commands`; empty when it was closed before.
        Raises UsageError while another call is under way, JournalError when the journal could not
        be written: then no order leaves, and what must leave all the same is in its `commands`.
        """
        return self._core.close()

    def _say(self, now: int, verb: Verb) -> list[Command]:
        return self.handle(now, Control(actor=self._actor, verb=verb))

    def __repr__(self) -> str:
        """Return where the session stands: its journal, run and last event."""
        try:
            state = f"event {self.seq()}"
        except UsageError:
            state = "closed"
        except CrossMarketError as error:
            state = type(error).__name__
        return f"<Session run {self.run}, journal {self.path}: {state}>"

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("_core", "_actor"):  # a subclass that has not called this class's __init__
            message = "session: it is not open; expected super().__init__ before any other call"
            expected = "super().__init__ before any other call"
            raise UsageError(message, call=name, state="not open", expected=expected)
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def __reduce__(self) -> NoReturn:
        message = "pickle: the session is alive and owns its state; expected its Config"
        raise UsageError(message, call="pickle", state="alive", expected="its Config")

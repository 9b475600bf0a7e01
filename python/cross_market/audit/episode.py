"""What an episode is: one thing that went wrong, from its onset until it is over."""

from dataclasses import dataclass
from decimal import Decimal

from cross_market.commands import Alert
from cross_market.policy.threshold import LEVELS, METRICS

__all__ = ["Episode", "Rung", "Scope"]

Scope = tuple[str, str | int | None]

LADDER = ("normal", *LEVELS)
# How bad the words are with which other alerts come.
URGENCIES = {"info": 0, "warn": 1, "alarm": 2}

# Those whose numbers are in 10⁻⁹: money, fractions, common units.
SCALED = {metric for metric, (_, unit) in METRICS.items() if unit not in ("size", "count")} | {
    "shortfall",
    "cash_drift",
    "repair_chosen",
    "forfeited",
    "transfer_refused",
    "transfer_failed",
    "transfer_late",
}
# A share of nothing is told as a number beyond any bound.
BEYOND = 1 << 119


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of an episode: up or down its ladder, or the one word of another alert.

    at: int, ns – when.
    level: str – 'normal', 'warn', 'restrict', 'cancel', 'reduce' or 'halt'; of other alerts their
        urgency.
    value, limit: Decimal or int – the number, and the bound it reached or left: fractions, money
        and common units as Decimal, counts and lots as int; None for a share of nothing. Of other
        alerts what their code says.
    """

    at: int
    level: str
    value: Decimal | int | None
    limit: Decimal | int | None


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that went wrong, from its onset until it is over.

    number: int – its number in its stream, from 1 in the order in which they began.
    metric: str – the threshold's metric, or the code of another alert.
    scope: (kind, name or id) – what it is about, such as ('account', 'sh').
    urgency: str – 'warn' or 'alarm': the worst so far.
    cause: (kind, name) – the event that brought it: its class in lower case, and what it is of.
    path: tuple of Rung – every change of its level.
    onset: int, ns – when the venue said what brought it; when we saw it where no venue did, or its
        clock is ahead.
    recognised: int, ns – engine time of the step that told it.
    commanded: int, ns – of the first command that its level asked for; None while there is none.
    handled: int, ns – when what it asks for was proven; None until then.
    ended: int, ns – when it was over; None until then.
    cancelled: tuple of int – orders that were cancelled for it.
    reduced: int, sets – how many were asked to be given back for it.
    transfers: tuple of int – numbers of transfers to its account that were asked for meanwhile.
    due: int, ns – of a margin call: when it must be met; None where nobody said.
    """

    number: int
    metric: str
    scope: Scope
    urgency: str
    cause: tuple[str, str]
    path: tuple[Rung, ...]
    onset: int
    recognised: int
    commanded: int | None = None
    handled: int | None = None
    ended: int | None = None
    cancelled: tuple[int, ...] = ()
    reduced: int = 0
    transfers: tuple[int, ...] = ()
    due: int | None = None

    @property
    def level(self) -> str:
        """Where it stands now."""
        return self.path[-1].level

    @property
    def worst(self) -> Rung:
        """The step at which it was worst."""
        return max(self.path, key=lambda rung: rank(rung.level))

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.ended is None

    @property
    def is_threshold(self) -> bool:
        """Whether a threshold tells it."""
        return self.metric in METRICS

    @property
    def to_action_ns(self) -> int:
        """How long from the onset to the first command, or to the step that told it without one."""
        return (self.recognised if self.commanded is None else self.commanded) - self.onset

    @property
    def to_handled_ns(self) -> int | None:
        """How long from the onset until it was handled; None until then."""
        return None if self.handled is None else self.handled - self.onset


def rank(level: str) -> int:
    """Return how bad a level or urgency is."""
    return URGENCIES[level] if level in URGENCIES else LADDER.index(level)


def rung_of(now: int, metric: str, level: str, alert: Alert) -> Rung:
    """Return the step of a ladder that an alert tells, its numbers in their unit."""

    def in_unit(number: int) -> Decimal | int | None:
        if abs(number) >= BEYOND:
            return None
        return nanos(number) if metric in SCALED else number

    return Rung(now, level, in_unit(alert.value), in_unit(alert.limit))


def nanos(number: int) -> Decimal:
    """Return so many 10⁻⁹, exactly: arithmetic of decimals would round to their context."""
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -9))

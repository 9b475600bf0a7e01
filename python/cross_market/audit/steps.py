"""What an engine was told and asked for, step by step: while it trades, or from a journal."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cross_market import _core
from cross_market._files import path_text
from cross_market.commands import Command
from cross_market.events import (
    Answer,
    Cancelled,
    Clock,
    Control,
    Estimate,
    Event,
    Expired,
    Fill,
    Link,
    Override,
    ProvenAbsent,
    Reference,
    Rejected,
    Report,
    Settle,
    Status,
)

__all__ = ["OrderNews", "Step", "steps"]


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What an event says of one order.

    order: int – our id.
    trade_id: str – the execution it tells of; None where it says that the order is done.
    lots: int, lots – of the execution, or what the order has traded in all.
    """

    order: int
    trade_id: str | None
    lots: int


@dataclass(frozen=True, slots=True)
class Step:
    """One event, and what was asked for in its step.

    now: int, ns – engine time.
    exchange: int, ns – when the venue said it; None where no venue did.
    cause: (kind, name) – the event: its class in lower case, and the account, instrument, hedge,
        venue or actor it is of, '' without; 'release' for what waited for the journal.
    news: OrderNews – what it says of an order; None where it says nothing that changes one.
    commands: list of `cross_market.commands` – what was asked for.
    """

    now: int
    exchange: int | None
    cause: tuple[str, str]
    news: OrderNews | None
    commands: Sequence[Command]

    @classmethod
    def of(cls, now: int, event: Event | None, commands: Sequence[Command]) -> "Step":
        """Return the step of an event that an engine or session has just taken.

        now: int, ns – engine time. event: one of `cross_market.events` – None for `release`.
        commands: list of `cross_market.commands` – what was returned.
        """
        if event is None:
            return cls(now, None, ("release", ""), None, commands)
        exchange = getattr(event, "exchange", 0) or None
        return cls(now, exchange, cause_of(event), news_of(event), commands)


def cause_of(event: Event) -> tuple[str, str]:
    """Return the kind of an event and the name that it is of."""
    kind = type(event).__name__.lower()
    if isinstance(event, Control):
        return kind, event.actor
    if isinstance(event, Settle | Reference):
        return kind, event.instrument
    if isinstance(event, Estimate):
        return kind, event.hedge
    if isinstance(event, Link):
        return kind, event.account or event.instrument or ""
    if isinstance(event, Clock):
        return kind, event.venue or ""
    of: str | None = getattr(event, "account", None) or getattr(event, "instrument", None)
    return kind, of or ""


def news_of(event: Event) -> OrderNews | None:
    """Return what an event says of an order; None where it changes none."""
    if isinstance(event, Control):
        verb = event.verb
        return OrderNews(verb.order, None, verb.cum) if isinstance(verb, Override) else None
    if isinstance(event, Answer):
        said: object = event.found
    elif isinstance(event, Report):
        said = event.news
    else:
        return None
    if event.order is None:
        return None
    if isinstance(said, Fill):
        return OrderNews(event.order, said.trade_id, said.qty)
    if isinstance(said, Rejected | ProvenAbsent):
        return OrderNews(event.order, None, 0)
    is_end = isinstance(said, Cancelled | Expired)
    if is_end or (isinstance(said, Status) and said.status != "working"):
        return OrderNews(event.order, None, said.cum)  # type: ignore[attr-defined]
    return None


def steps(path: str | os.PathLike[str], each: Callable[[Step], object]) -> None:
    """Call a function with every step of a journal that asked for something or changed an order.

    path: path – the journal's file; it is only read, and every record is proven.
    each: function of Step.
    Raises JournalError when the journal cannot be read or trusted.
    """

    def told(
        _seq: int,
        now: int,
        exchange: int,
        cause: tuple[str, str],
        news: tuple[int, str, str, int] | None,
        commands: list[Command],
        _told: object,
    ) -> None:
        each(Step(now, exchange if exchange > 0 else None, cause, order_news(news), commands))

    _core.steps(path_text(path, "path"), told)


def order_news(news: tuple[int, str, str, int] | None) -> OrderNews | None:
    """Return what the native module says of an order."""
    if news is None:
        return None
    order, kind, trade_id, lots = news
    return OrderNews(order, trade_id if kind == "fill" else None, lots)

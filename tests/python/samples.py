"""One good event of every kind, and a walk over all that can be wrong in them."""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import cross_market as cm
from cross_market import events as ev
from test_any_event import GOLD, opened
from test_engine import START
from test_hand_over import ENTER

# Behind the time in which the orders of ENTER should have been answered: they are unknown.
NOW = START + 3_000_000_000


def trading(engine: Any) -> list[int]:  # noqa: ANN401
    """Bring an engine or a session to NOW, with orders whose outcome is unknown; return them."""
    opened(engine)
    placed = [each for each in engine.handle(START + 1, ENTER) if type(each) is cm.commands.Place]
    if hasattr(engine, "release"):
        placed += [
            each for each in engine.release(START + 10**8) if type(each) is cm.commands.Place
        ]
    engine.handle(NOW, ev.Tick())
    assert len(placed) == 2
    return [each.order for each in placed]


def engine() -> tuple[cm.Engine, list[int]]:
    """Return an engine with orders that are unknown, and these."""
    found = cm.Engine(GOLD, start=START - 10**9)
    return found, trading(found)


def samples(order: int) -> dict[str, ev.Event]:
    """Return one event of every kind that an engine as above takes; `order` is Shanghai's."""
    where: dict[str, Any] = {"account": "sh", "exchange": START}
    stamps: dict[str, Any] = {"exchange": START, "receive": START}
    about: dict[str, Any] = {**where, "instrument": "SHFE.au2602", "receive": START, "order": order}
    trade: dict[str, Any] = {"trade_id": "T1", "side": "sell"}
    news: list[ev.News] = [
        ev.Accepted(),
        ev.Rejected(reason="money", code=3),
        ev.Fill(**trade, price=30884, qty=1, cum=1, fee="1.5", fee_currency="CNY"),
        ev.Cancelled(cum=0),
        ev.Expired(cum=0),
        ev.CancelRejected(reason="too_late", code=3),
        ev.Status(status="working", cum=0),
        ev.Bust(**trade),
        ev.Correct(**trade, price=30884, qty=1),
        ev.FeeOf(**trade, amount="1.5", currency="CNY"),
    ]
    changes: list[Any] = [
        ev.Phase(phase="break", until=START + 10**12),
        ev.PriceBand(low=30000, high=32000),
        ev.MarginRate(long="0.1", short="0.1", floor_per_lot="100", flag="hedge"),
    ]
    scope = ev.Scope(hedge="gold")
    verbs: list[ev.Verb] = [
        ev.Stop(scope=scope),
        ev.Resume(scope=scope),
        ev.Kill(scope=scope),
        ev.Unlatch(scope=scope),
        ev.Flatten(scope=scope),
        ev.Unrestrict(scope=scope),
        ev.Enter(hedge="gold", sets=1, at_least="1.5"),
        ev.Exit(hedge="gold", sets=1),
        ev.Override(order=order, status="cancelled", cum=0, reason="by phone"),
        ev.Forfeit(hedge="gold", reason="by hand"),
        ev.Policy(config=GOLD),
    ]
    book = {"instrument": "SHFE.au2602", "side": "bid", "price": 30884, "qty": 3}
    found: list[tuple[str, ev.Event]] = [
        ("Book", ev.Book(**book, row="delta", last=True, seq=0, step=0, **stamps)),  # type: ignore[arg-type]
        ("Link", ev.Link(state="up", account="sh")),
        ("Feed", ev.Link(state="up", instrument="SHFE.au2602")),
        *((type(each).__name__, ev.Report(**about, news=each)) for each in news),
        *(
            (
                f"Answer {type(each).__name__}",
                ev.Answer(**where, receive=START, order=order, found=each),
            )
            for each in (ev.Status(status="working", cum=0), ev.ProvenAbsent(), ev.Inconclusive())
        ),
        ("Cash", ev.Cash(**where, kind="balance", amount="50000000")),
        (
            "Position",
            ev.Position(
                **where, instrument="SHFE.au2602", kind="compare", long=0, short=0, price=30884
            ),
        ),
        ("Settle", ev.Settle(instrument="SHFE.au2602", price=30884, day=20_500, exchange=START)),
        *(
            (
                type(each).__name__,
                ev.Reference(instrument="SHFE.au2602", exchange=START, change=each),
            )
            for each in changes
        ),
        ("Estimate", ev.Estimate(hedge="gold", value="0.5", expires=START + 10**12)),
        ("Clock", ev.Clock(offset_ns=5, uncertainty_ns=5, venue="SHFE")),
        ("Tick", ev.Tick()),
        *((type(each).__name__, ev.Control(actor="desk", verb=each)) for each in verbs),
    ]
    names = dict(found)
    assert len(names) == len(found)
    return names


@dataclass(frozen=True)
class Place:
    """One field of an event: its class, its name, what it takes, and the event with another."""

    event: str
    of: type
    name: str
    takes: frozenset[Any]
    change: Callable[[ev.Event, Any], ev.Event]

    def __str__(self) -> str:
        return f"{self.event}-{self.of.__name__}.{self.name}"


def places(event: str, sample: object) -> Iterator[Place]:
    """Yield every field of a value, and of the values of this module in it."""
    kind: Any = type(sample)
    hints = typing.get_type_hints(kind, localns={"Config": cm.Config})
    for each in dataclasses.fields(kind):

        def change(base: Any, value: object, name: str = each.name) -> Any:  # noqa: ANN401
            return dataclasses.replace(base, **{name: value})

        hint = hints[each.name]
        takes = frozenset(typing.get_args(hint) or (hint,))
        yield Place(event, kind, each.name, takes, change)
        inner = getattr(sample, each.name)
        if type(inner).__module__ == ev.__name__:
            for place in places(event, inner):

                def through(
                    base: Any,  # noqa: ANN401
                    value: object,
                    name: str = each.name,
                    place: Place = place,
                ) -> Any:  # noqa: ANN401
                    return dataclasses.replace(
                        base, **{name: place.change(getattr(base, name), value)}
                    )

                yield dataclasses.replace(place, change=through)


NUMBER = frozenset({int, str, Decimal})
# Every field of every event; those that several events share are walked in each.
PLACES = [place for name, sample in samples(1).items() for place in places(name, sample)]

"""Bad input at `handle` (B01–B15, B40–B52): every field of every event against every bad value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bad
import cross_market as cm
from bad import refused
from cross_market import events as ev
from samples import NOW, NUMBER, PLACES, Place, engine, samples, trading
from test_any_event import GOLD
from test_engine import START

STAMPS = {"exchange", "receive", "until", "expires"}
NOTES = {"actor", "reason"}
IDS = {"trade_id", "venue_order_id"}
TEXTS = [*bad.THINGS, *bad.FLOATS, *bad.ALMOST, bad.SlyText("desk"), "", " ", "\t", "\udc80"]
# What an operator writes is one line in any language: these are none.
BAD_NOTES = [
    *TEXTS,
    "a\nb",
    "a\x00b",
    "a\x1b[31mb",
    "a\rb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u202eb",
    "a\u200bb",
    "\ufeffa",
    "x" * 121,
    "\u5b57" * 41,
    "x" * 65_536,
]


def fits_id(text: str) -> bool:
    """Return whether a venue may number an order or a trade so."""
    return 0 < len(text) <= 40 and all("!" <= each <= "~" for each in text)


def is_last(value: object) -> bool:
    """Return whether a value is the last moment of 64 bits."""
    return type(value) is int and value == 2**63 - 1


# Beyond what a field can be, on top of what no int can be.
BEYOND: dict[str, list[int]] = {
    "price": [2**62, -(2**62), 2**63, 2**63 - 1, -(2**63)],
    "low": [2**62, -(2**62), 2**63, 2**63 - 1, 40_000_000, 32_001],
    "high": [2**62, -(2**62), 2**63, 2**63 - 1, 40_000_000, 29_999],
    "qty": [-1, 2**63 - 1, 2**63, 2**53],
    "cum": [-1, 2**63 - 1, 2**63, 2**53],
    "long": [-1, 2**63 - 1, 2**63, 2**53],
    "short": [-1, 2**63 - 1, 2**63, 2**53],
    "seq": [-1, 2**64],
    "step": [-1, 2**32, 2**63],
    "code": [-1, 2**32, 2**63],
    "order": [-1, 2**64],
    "day": [-1, 20_600, 2**31, 2**63, START],
    "sets": [0, 28, -28, 2**62, 2**63, -(2**63)],
    "offset_ns": [2**63, -(2**63) - 1],
    "uncertainty_ns": [-1, 2**63],
}
# Exact, but no amount, rate or level of this field.
UNFIT: dict[str, list[object]] = {
    "amount": ["0.0000000001", 10**30, "-" + "9" * 38, 10**38 - 1],
    "fee": ["0.0000000001", 10**30, "9" * 38],
    "value": ["0.0000000001", 10**10, "-9999999999.5"],
    "long": ["1.1", "-0.1", 10**30],
    "short": ["1.1", "-0.1", 10**30],
    "long_per_lot": ["-1", "0.0000000001", 10**30],
    "short_per_lot": ["-1", "0.0000000001", 10**30],
    "floor_per_lot": ["-1", "0.0000000001", 10**30],
    "at_least": [10**30, "9" * 38],
}


def bad_values(place: Place) -> Iterator[object]:
    """Yield everything that a field must refuse."""
    takes, name = place.takes, place.name
    if type(None) not in takes:
        yield None
    if takes >= NUMBER:
        yield from bad.NUMBERS
        yield from UNFIT[name]
    elif int in takes:
        values = bad.STAMPS if name in STAMPS else bad.WHOLES
        # The last moment there is stands for a phase of which no end is known.
        yield from (each for each in values if not (name == "until" and is_last(each)))
        at_exit = place.of is ev.Exit and name == "sets"
        yield from [0, -1, 2**63] if at_exit else BEYOND.get(name, [])
    elif bool in takes:
        yield from [*bad.THINGS, *bad.FLOATS, *bad.ALMOST[1:], 1, 0, "True", ""]
    elif str in takes and name in NOTES and place.of in (ev.Control, ev.Override, ev.Forfeit):
        yield from BAD_NOTES
    elif str in takes and name in IDS:
        for each in bad.NAMES:
            is_text = type(each) is str
            if not is_text or not (fits_id(each) or (name == "venue_order_id" and not each)):
                yield each
    elif str in takes:
        yield from [
            *bad.NAMES,
            "GOLD",
            "Gold",
            "shfe.au2602",
            "SHFE.au2602 ",
            "sh\u0131",
            "\u0455h",
        ]
    else:
        yield from [*bad.THINGS, *bad.FLOATS, *bad.ALMOST, "x", 1, ev.Book, ev.Tick]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Any, int]]]:
    """An engine and a session, each with an order that is unknown; nothing here changes them."""
    value, orders = engine()
    folder = tmp_path_factory.mktemp("bad") / "run"
    with cm.Session(GOLD, journal=folder, now=START - 10**9) as session:
        yield [(value, orders[0]), (session, trading(session)[0])]


def state(door: Any) -> object:  # noqa: ANN401
    """Return all that a refused event must leave as it was."""
    if isinstance(door, cm.Engine):
        return door.digest(), door.deadline()
    path = Path(door.path)
    return door.digest(), door.seq(), door.link(), path.stat().st_size


def test_the_samples_are_good() -> None:
    for name in samples(1):
        value, orders = engine()
        value.handle(NOW, samples(orders[0])[name])


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_bad_value_is_refused_at_its_field(
    doors: list[tuple[Any, int]], place: Place
) -> None:
    for door, order in doors:
        sample, before = samples(order)[place.event], state(door)
        for value in bad_values(place):
            event = place.change(sample, value)
            error = refused(lambda door=door, event=event: door.handle(NOW, event))  # type: ignore[misc]
            if isinstance(error, cm.InputTypeError):
                assert str(error.field).endswith(place.name)
        assert state(door) == before


@pytest.mark.parametrize("now", [*bad.STAMPS, NOW - 1, 0], ids=bad.identity)
def test_a_bad_now_is_refused(doors: list[tuple[Any, int]], now: Any) -> None:  # noqa: ANN401
    for door, _ in doors:
        before = state(door)
        refused(lambda door=door: door.handle(now, ev.Tick()))  # type: ignore[misc]
        assert state(door) == before


EVENTS: list[Any] = [*bad.THINGS, *bad.FLOATS, *bad.ALMOST, None, ev.Book, ev, ev.Stop(), ev.Fill]


@pytest.mark.parametrize("event", EVENTS, ids=bad.identity)
def test_what_is_no_event_is_refused(doors: list[tuple[Any, int]], event: Any) -> None:  # noqa: ANN401
    for door, _ in doors:
        before = state(door)
        refused(
            lambda door=door: door.handle(NOW, event),  # type: ignore[misc]
            field="event",
            kinds=cm.InputTypeError,
        )
        assert state(door) == before


BAD_LOTS: list[Any] = [
    *bad.THINGS,
    {},
    {"SHFE.au2602": 0},
    {"SHFE.au2602": 1.0},
    {"SHFE.au2602": True},
    {"SHFE.au2602": bad.SlyInt(1)},
    {"SHFE.au2602": 2**63},
    {"SHFE.au2602": 10**5000},
    {"SHFE.au2602": 1},  # nothing is unassigned
    {"SHFE.AU2602": 1},
    {"FX.USDCNY": 1},
    {"\udc80": 1},
    {"\u202e": 1},
    {"x" * 65_536: 1},
    {bad.SlyText("SHFE.au2602"): 1},
    {1: 1},
]


@pytest.mark.parametrize("lots", BAD_LOTS, ids=bad.identity)
def test_bad_lots_are_not_adopted(doors: list[tuple[Any, int]], lots: Any) -> None:  # noqa: ANN401
    for door, _ in doors:
        before = state(door)
        verb = ev.Adopt(hedge="gold", lots=lots)
        refused(lambda door=door, verb=verb: door.handle(NOW, ev.Control(actor="desk", verb=verb)))  # type: ignore[misc]
        assert state(door) == before

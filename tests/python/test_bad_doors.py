"""Bad input at the fast doors, the verbs and the plain calls: refused, and nothing has changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bad
import cross_market as cm
from bad import refused
from parts import instrument
from samples import NOW, engine, trading
from test_any_event import GOLD
from test_bad_events import BAD_LOTS, BAD_NOTES, state
from test_doors import START as BEGIN
from test_doors import arrays, rows_of, spread_config
from test_engine import START

Door = Any
# The arguments of a good row, in their order; `level` takes the first five, a market no `now`.
ROW = {
    "now": NOW,
    "instrument": 0,
    "side": 0,
    "price": 30884,
    "qty": 3,
    "row": 5,
    "seq": 0,
    "step": 0,
    "exchange": START,
    "receive": START,
}
BEYOND: dict[str, list[Any]] = {
    "instrument": [-1, 3, 65_535, 65_536, 2**63],
    "side": [-1, 2, 255, 256],
    "price": [2**62, -(2**62), 2**63 - 1, -(2**63), 2**63],
    "qty": [-1, 2**53, 2**63 - 1, 2**63],
    "row": [-1, 6, 255, 1, 4],
    "seq": [-1, 2**64],
    "step": [-1, 2**32, 2**63],
}
STAMPS = ("now", "exchange", "receive")


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Door]]:
    """An engine, a session and a market that have seen books; nothing here changes them."""
    market = cm.Market(GOLD)
    market.level(0, 0, 30884, 5)
    folder = tmp_path_factory.mktemp("bad") / "run"
    with cm.Session(GOLD, journal=folder, now=START - 10**9) as session:
        trading(session)
        yield {"engine": engine()[0], "session": session, "market": market}


def seen(door: Door) -> object:
    """Return all that a refused call must leave as it was."""
    if isinstance(door, cm.Market):
        return [(door.touch(at), door.state(at), door.ladder(at).to_pylist()) for at in range(3)]
    return state(door)


def bad_of(name: str) -> list[Any]:
    """Return everything that an argument of a row must refuse."""
    return [*(bad.STAMPS if name in STAMPS else bad.WHOLES), None, *BEYOND.get(name, [])]


PLACES = [
    (kind, call, name)
    for kind in ("engine", "session", "market")
    for call, names in (("level", list(ROW)[:5]), ("row", list(ROW)))
    for name in names
    if not (kind == "market" and name == "now")
]


@pytest.mark.parametrize(("kind", "call", "name"), PLACES)
def test_every_bad_argument_of_a_row_is_refused(
    doors: dict[str, Door], kind: str, call: str, name: str
) -> None:
    door = doors[kind]
    before = seen(door)
    for value in bad_of(name):
        given = list((ROW | {name: value}).values())[: 5 if call == "level" else 10]
        given = given[1:] if kind == "market" else given
        error = refused(lambda given=given: getattr(door, call)(*given))  # type: ignore[misc]
        if isinstance(error, cm.InputTypeError):
            assert error.field == name
    assert seen(door) == before
    if kind != "market":
        assert door.take() == []


@pytest.mark.parametrize("kind", ["engine", "session"])
@pytest.mark.parametrize("name", ["now", "instrument", "seq", "step", "exchange"])
def test_every_bad_argument_of_a_message_is_refused(
    doors: dict[str, Door], kind: str, name: str
) -> None:
    door = doors[kind]
    before = seen(door)
    for value in bad_of(name):
        if value is None and name in ("seq", "step", "exchange"):
            continue  # not given
        given: dict[str, Any] = {"now": NOW, "instrument": 0, name: value}
        refused(lambda given=given: door.message(rows=[(0, 30884, 1)], **given))  # type: ignore[misc]
    assert seen(door) == before


GOOD = (0, 30880, 1)
BAD_ROWS: list[Any] = [
    *bad.THINGS,
    [],
    (),
    [[0, 30884, 1]],
    [(0, 30884)],
    [(0, 30884, 1, 1)],
    *([GOOD, (value, 30884, 1)] for value in (*bad.WHOLES, -1, 2, 256)),
    *([GOOD, (0, value, 1)] for value in (*bad.WHOLES, 2**62, 2**63 - 1)),
    *([GOOD, (0, 30884, value)] for value in (*bad.WHOLES, -1, 2**53, 2**63 - 1)),
    np.array([[0, 30880, 1], [2, 30884, 1]]),
    np.array([[0, 30880, 1], [0, 2**62, 1]]),
    np.array([[0, 30880, 1], [0, 30884, -1]]),
    np.array([[0, 30880, 1], [0, 30884, 2**62]]),
    np.array([[0, 30880, 1]], dtype=np.int32),
    np.array([[0, 30880, 1]], dtype=np.uint64),
    np.array([[0, 30880, 1]], dtype=">i8"),
    np.array([[0.0, 30880.0, 1.0]]),
    np.array([0, 30880, 1]),
    np.array([[[0, 30880, 1]]]),
    np.zeros((0, 3), dtype=np.int64),
]


@pytest.mark.parametrize("kind", ["engine", "session"])
@pytest.mark.parametrize("snapshot", [True, False])
def test_a_message_with_a_bad_row_is_refused_whole(
    doors: dict[str, Door],
    kind: str,
    snapshot: bool,  # noqa: FBT001
) -> None:
    door = doors[kind]
    before = seen(door)
    for rows in BAD_ROWS:
        refused(lambda rows=rows: door.message(NOW, 0, rows, snapshot=snapshot))  # type: ignore[misc]
        assert seen(door) == before
    for flag in (1, 0, None, "yes", *bad.THINGS, np.bool_(True)):  # noqa: FBT003
        refused(lambda flag=flag: door.message(NOW, 0, [GOOD], snapshot=flag))  # type: ignore[misc]
    assert seen(door) == before


def test_what_follows_a_message_that_was_refused_is_taken() -> None:
    # A part of it would have stayed open, and nothing that came later would have fitted it.
    config = spread_config()
    value, twin = (cm.Engine(config, start=BEGIN) for _ in range(2))
    error = refused(lambda: value.message(BEGIN + 1, 0, [(0, 999, 1), (1, 2**62, 1)]))
    assert "row 1 of the message" in error.__notes__[0]
    assert error.row == 1  # type: ignore[attr-defined]
    for each in (value, twin):
        each.message(BEGIN + 2, 0, [(0, 999, 1), (1, 1001, 1)], snapshot=True)
    assert value.digest() == twin.digest()


def test_a_message_may_cross_the_book_only_as_far_as_its_rows_may() -> None:
    # Which rows are near depends on those before them: the same rows, one by one and as a message.
    config = spread_config()
    random = np.random.default_rng(5)
    taken = 0
    for trial in range(60):
        one, whole = (cm.Engine(config, start=BEGIN) for _ in range(2))
        for each in (one, whole):
            each.message(BEGIN, 0, [(0, 999, 1), (1, 1001, 1)], snapshot=True)
        rows = [
            (int(random.integers(2)), int(random.integers(1, 20000)), int(random.integers(3)))
            for _ in range(int(random.integers(1, 5)))
        ]
        snapshot = bool(random.integers(2))
        said = ""
        for at, (side, price, qty) in enumerate(rows):
            code = (0 if at == 0 else 1) if snapshot else 2
            code += 3 if at == len(rows) - 1 else 0
            try:
                one.row(BEGIN + 1, 0, side, price, qty, code, 0, 0, BEGIN + 1, BEGIN + 1)
            except cm.ConfigError as error:
                said = str(error)
                break
        if said:
            before = whole.digest()
            with pytest.raises(cm.ConfigError) as caught:
                whole.message(BEGIN + 1, 0, rows, snapshot=snapshot)
            assert str(caught.value) == said, trial
            assert whole.digest() == before
            continue
        whole.message(BEGIN + 1, 0, rows, snapshot=snapshot)
        assert whole.digest() == one.digest(), trial
        taken += 1
    assert 5 < taken < 55  # both ways were gone


# Columns: one value of one column is wrong, in the last row of the second batch.

BAD_CELLS: list[tuple[str, int]] = [
    ("instrument", 9),
    ("instrument", 65_535),
    ("side", 2),
    ("side", 255),
    ("row", 6),
    ("row", 255),
    ("price", 2**62),
    ("price", -(2**63)),
    ("qty", -1),
    ("qty", 2**63 - 1),
    ("exchange", -1),
    ("exchange", 1_700_000_000),
    ("exchange", 1_700_000_000_000),
    ("exchange", 1_700_000_000_000_000),
    ("exchange", 2**63 - 1),
    ("receive", -1),
    ("receive", 1_700_000_000_000),
    ("receive", 2**63 - 1),
]


@pytest.mark.parametrize(("name", "value"), BAD_CELLS)
@pytest.mark.parametrize("kind", ["engine", "session", "arrow"])
def test_a_bad_cell_is_named_by_its_row(name: str, value: int, kind: str, tmp_path: Path) -> None:
    config = spread_config()
    rows = rows_of(config, 40, seed=1)
    place = 1 + max(at for at in range(25) if rows[at]["row"] >= 3)
    clean, count = arrays(rows[:place]), place
    rows[place][name] = value
    columns: Any = arrays(rows)
    if kind == "arrow":
        table = pa.table(columns)
        columns = pa.concat_tables([table.slice(0, 10), table.slice(10)])
    twin = cm.Engine(config, start=BEGIN)
    door: Any = cm.Engine(config, start=BEGIN)
    if kind == "session":
        door = cm.Session(config, journal=tmp_path / "run", now=BEGIN)
    took(twin, clean, count)
    error: Any = refused(lambda: took(door, columns, len(rows)))
    assert error.row == place
    assert f"row {place} of the columns" in error.__notes__[0]
    assert door.digest() == twin.digest()
    if kind == "session":
        door.close()


def took(door: Door, given: Any, count: int) -> None:  # noqa: ANN401
    """Let a door take columns to their end."""
    first = 0
    while first < count:
        first, _ = door.columns(given, first=first)


@pytest.mark.parametrize("first", [*bad.WHOLES, -1, 2**63], ids=bad.identity)
def test_a_bad_place_is_refused(first: Any) -> None:  # noqa: ANN401
    config = spread_config()
    value = cm.Engine(config, start=BEGIN)
    before = value.digest()
    refused(lambda: value.columns(arrays(rows_of(config, 9, seed=1)), first=first), field="first")
    assert value.digest() == before


# The verbs of a session, and its other calls.

HEDGES = [*bad.NAMES, "GOLD"]
VERBS: dict[str, tuple[Callable[[Door, Any], object], list[Any]]] = {
    "enter.hedge": (lambda it, x: it.enter(x, sets=1, now=NOW), [*HEDGES, None]),
    "enter.sets": (
        lambda it, x: it.enter("gold", sets=x, now=NOW),
        [*bad.WHOLES, None, 0, 28, -28, 2**62],
    ),
    "enter.at_least": (
        lambda it, x: it.enter("gold", sets=1, at_least=x, now=NOW),
        [*bad.NUMBERS, 10**30, "9" * 38],
    ),
    "enter.now": (lambda it, x: it.enter("gold", sets=1, now=x), [*bad.STAMPS, None, NOW - 1]),
    "exit.hedge": (lambda it, x: it.exit(x, now=NOW), [*HEDGES, None]),
    "exit.sets": (lambda it, x: it.exit("gold", sets=x, now=NOW), [*bad.WHOLES, 0, -1, 2**63]),
    "adopt.hedge": (lambda it, x: it.adopt(x, {"SHFE.au2602": 1}, now=NOW), [*HEDGES, None]),
    "adopt.lots": (lambda it, x: it.adopt("gold", x, now=NOW), [*BAD_LOTS, None]),
    "stop.hedge": (lambda it, x: it.stop(x, now=NOW), HEDGES),
    "resume.hedge": (lambda it, x: it.resume(x, now=NOW), HEDGES),
    "flatten.hedge": (lambda it, x: it.flatten(x, now=NOW), HEDGES),
    "kill.venue": (lambda it, x: it.kill(venue=x, now=NOW), HEDGES),
    "kill.account": (lambda it, x: it.kill(account=x, now=NOW), HEDGES),
    "kill.hedge": (lambda it, x: it.kill(hedge=x, now=NOW), HEDGES),
    "kill.now": (lambda it, x: it.kill(now=x), [*bad.STAMPS, None, NOW - 1]),
    "unlatch.venue": (lambda it, x: it.unlatch(venue=x, now=NOW), HEDGES),
    "unlatch.account": (lambda it, x: it.unlatch(account=x, now=NOW), HEDGES),
    "unrestrict.account": (lambda it, x: it.unrestrict(account=x, now=NOW), HEDGES),
    "unrestrict.hedge": (lambda it, x: it.unrestrict(hedge=x, now=NOW), [*HEDGES, None]),
    "override.order": (
        lambda it, x: it.override(x, status="cancelled", cum=0, reason="why", now=NOW),
        [*bad.WHOLES, None, -1, 2**64, 0],
    ),
    "policy.config": (
        lambda it, x: it.policy(x, now=NOW),
        [*bad.THINGS, *bad.FLOATS, None, "gold", cm.Config, spread_config()],
    ),
    "handle.now": (lambda it, x: it.handle(x, cm.events.Tick()), [*bad.STAMPS, None, NOW - 1]),
    "release.now": (lambda it, x: it.release(x), [*bad.WHOLES, None, -1, 2**63 - 1, 2**63]),
}


@pytest.mark.parametrize("name", VERBS)
def test_every_bad_argument_of_a_verb_is_refused(doors: dict[str, Door], name: str) -> None:
    call, values = VERBS[name]
    door = doors["session"]
    before = seen(door)
    for value in values:
        refused(lambda value=value: call(door, value))  # type: ignore[misc]
        assert seen(door) == before


BAD_WORDS = [*bad.NAMES, None, "FILLED", "working"]


def test_a_bad_word_of_an_operator_is_refused(tmp_path: Path) -> None:
    with cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9) as session:
        order = trading(session)[0]
        before = seen(session)
        good: dict[str, Any] = {"status": "cancelled", "cum": 0, "reason": "why", "now": NOW}
        table = {
            "status": BAD_WORDS,
            "cum": [*bad.WHOLES, None, -1, 1, 2**63],
            "reason": [*BAD_NOTES, None],
        }
        for name, values in table.items():
            for value in values:
                given = good | {name: value}
                refused(lambda given=given: session.override(order, **given))  # type: ignore[misc]
        assert seen(session) == before


OPENINGS: dict[str, list[Any]] = {
    "now": [*bad.STAMPS, None, 0],
    "durable": [
        *bad.THINGS,
        *bad.NUMBERS,
        None,
        "5",
        "5 MS",
        "5 msec",
        "-1 ms",
        "1 y",
        "OS",
        "os ",
    ],
    "actor": [*BAD_NOTES, None],
    "journal": [*bad.THINGS, *bad.FLOATS, *bad.ALMOST, None, "", "a\x00b"],
    "config": [*bad.THINGS, *bad.FLOATS, None, "gold", cm.Config, {}],
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_session_that_is_refused_leaves_no_file(name: str, tmp_path: Path) -> None:
    for value in OPENINGS[name]:
        given = {"config": GOLD, "journal": tmp_path / "run", "now": START} | {name: value}
        refused(lambda given=given: cm.Session(**given))  # type: ignore[misc]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("start", [*bad.STAMPS, None, 0], ids=bad.identity)
def test_an_engine_begins_at_a_time_in_ns(start: Any) -> None:  # noqa: ANN401
    refused(lambda: cm.Engine(GOLD, start=start), field="start")


AU = instrument("SHFE.au2602", "CNY/g")
MARKET = cm.Market(GOLD)
GRID = np.array([0.1, 0.3])
CALLS: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
    "order_text": (cm.order_text, [*bad.WHOLES, None, -1, 2**64]),
    "Instrument.ticks": (AU.ticks, [*bad.NUMBERS, None, "0.01", 10**37]),
    "Instrument.lots": (AU.lots, [*bad.NUMBERS, None, "0.5", 10**37]),
    "Instrument.price": (AU.price, [*bad.WHOLES, None, 2**63, -(2**63)]),
    "Instrument.amount": (AU.amount, [*bad.WHOLES, None, 2**63, -(2**63)]),
    "Engine.id": (engine()[0].id, [*bad.NAMES, None, 0]),
    "Market.id": (MARKET.id, [*bad.NAMES, None, -1, 3]),
    "Market.touch": (MARKET.touch, [*bad.NAMES, None, -1, 3]),
    "Market.state": (MARKET.state, [*bad.NAMES, None, -1, 3]),
    "Market.spread": (MARKET.spread, [*bad.NAMES, None, -1, 1]),
    "Market.tops": (MARKET.tops, [*bad.NAMES, None, -1, 1]),
    "Market.merged": (MARKET.merged, [*bad.NAMES, None, -1, 1]),
    "Market.denominator": (MARKET.denominator, [*bad.NAMES, None, -1, 1]),
    "Market.ladder": (MARKET.ladder, [*bad.NAMES, None, -1, 3]),
    "Market.ladder depth": (lambda x: MARKET.ladder(0, x), [*bad.WHOLES, None, 0, -1, 2**40]),
    "Market.consolidated": (MARKET.consolidated, [*bad.NAMES, None, -1, 1]),
    "Market.walk": (lambda x: MARKET.walk(x, "buy", 1), [*bad.NAMES, None, -1, 3]),
    "Market.walk side": (lambda x: MARKET.walk(0, x, 1), [*bad.NAMES, None, "bid", "BUY"]),
    "Market.walk lots": (lambda x: MARKET.walk(0, "buy", x), [*bad.WHOLES, None, -1, 2**63]),
    "Market.columns hedges": (
        lambda x: MARKET.columns(arrays([]), hedges=x),
        [["silver"], [1], [-1], [None], [1.0], ["\udc80"], ["\u202e"], 1],
    ),
    "Market.columns sizes": (
        lambda x: MARKET.columns(arrays([]), sizes=x),
        [
            *([{"SHFE.au2602": x}] for x in (0, -1, 1.0, True, "1", None, 2**63)),
            {"silver": 1},
            {"\udc80": 1},
            {"\x1b[31m" * 1000: 0},
            {1: 1},
            ["SHFE.au2602"],
        ],
    ),
    "Engine.restart run": (
        lambda x: engine()[0].restart(NOW, x),
        [*bad.WHOLES, None, 0, 1, -1, 4096, 65_537],
    ),
    "Engine.restart now": (
        lambda x: engine()[0].restart(x, 2),
        [*bad.STAMPS, None, NOW - 1],
    ),
    "limits.template": (cm.limits.template, [*bad.NAMES, None, "Small desk"]),
    "to_grid step": (
        lambda x: cm.to_grid(GRID, x, "price"),
        [*bad.NUMBERS, None, 0, "-0.1", "0." + "0" * 25 + "1"],
    ),
    "to_grid values": (
        lambda x: cm.to_grid(x, "0.1", "price"),
        [
            *(each for each in bad.THINGS if type(each) is not np.ndarray),
            None,
            [0.1],
            np.array(0.1),
            np.array([[0.1]]),
            np.array([0.1 + 0j]),
            np.array([True]),
            np.array(["0.1"]),
            np.array([object()]),
            np.array([0.1], dtype=np.longdouble),
            np.ma.masked_array([0.1], mask=[True]),
            *(np.array([x]) for x in (np.nan, np.inf, 5e-324, 1e308, 1e-30, 0.05)),
            np.array([0.1], dtype=np.float32),
            np.array([2**63], dtype=np.uint64),
            np.array([2**62]),
        ],
    ),
    "to_grid what": (lambda x: cm.to_grid(np.array([0.05]), "0.1", x), [*bad.NAMES, None]),
    "to_grid row_of": (
        lambda x: cm.to_grid(np.array([0.05]), "0.1", "price", x),
        [np.array([], dtype=np.int64), np.array([1, 2])],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_bad_argument_of_a_call_is_refused(name: str) -> None:
    call, values = CALLS[name]
    for value in values:
        refused(lambda value=value: call(value))  # type: ignore[misc]


def test_a_column_is_called_as_it_is_seen() -> None:
    error = refused(lambda: cm.to_grid(np.array([0.05]), "0.1", "price\x1b[31m\n" * 1000))
    assert isinstance(error, cm.ConfigError)
    assert "price\\x1b[31m\\n" in str(error)

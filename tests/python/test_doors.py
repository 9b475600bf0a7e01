"""The fast doors: the same turns as `handle`, nothing copied, nothing skipped."""

import _thread
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import cross_market as cm
from parts import gold_config, instrument

START = 1_700_000_000_000_000_000
TYPES = {"instrument": "u2", "side": "u1", "row": "u1", "price": "i8", "qty": "i8"}
MORE = {"seq": "u8", "step": "u4", "exchange": "i8", "receive": "i8"}
KINDS = ("snapshot", "level", "delta")


def spread_config(**changed: Any) -> cm.Config:  # noqa: ANN401
    """Return two equal contracts of two venues, entered where both touches are near."""
    legs = [instrument(f"{name}.x", "USD/g", size="1 g", tick="1") for name in "AB"]
    accounts = [
        cm.Account(name, venue=name, currency="USD", island="i", flag="arbitrage") for name in "AB"
    ]
    hedge = cm.Hedge(
        "h",
        legs=[
            cm.Leg(legs[0], side="sell", account=accounts[0]),
            cm.Leg(legs[1], side="buy", account=accounts[1]),
        ],
        unit="g",
        currency="USD",
        basis="physical",
        signal=cm.Spread(**{"enter": "-4 USD/g", "exit": "-12 USD/g", **changed}),
        size=cm.Size(clip=1, max=1, overnight=1, holiday=1),
        execution=cm.Simultaneous(
            max_residual="1 g",
            live_residual="2 g",
            finish_within="2 s",
            repair=cm.CheaperOf("supplement", "unwind"),
            max_loss="1000 USD",
        ),
        slippage="0.1 USD/g",
    )
    venues = [cm.Venue(name, netting="net") for name in "AB"]
    limits = cm.limits.template("small desk")
    return cm.Config(venues=venues, accounts=accounts, hedges=[hedge], limits=limits)


def rows_of(config: cm.Config, count: int, seed: int) -> list[dict[str, int]]:
    """Return made rows of messages of one to four levels that hold both books around 1000."""
    random = np.random.default_rng(seed)
    found: list[dict[str, int]] = []
    seqs = [0] * len(config.instruments)
    now = START
    while len(found) < count:
        at = int(random.integers(len(config.instruments)))
        now += int(random.integers(1, 1000))
        is_snapshot = seqs[at] == 0 or random.random() < 0.02
        seqs[at] += 1 if random.random() < 0.995 else 2  # now and then one is lost
        size = int(random.integers(2, 5)) if is_snapshot else int(random.integers(1, 5))
        for place in range(size):
            side = place % 2
            price = 1000 + (1 if side else -1) * int(random.integers(1, 9))
            row = (0 if place == 0 else 1) if is_snapshot else 2
            row += 3 if place == size - 1 else 0
            qty = int(random.integers(0, 5)) + (1 if is_snapshot else 0)
            head = {"instrument": at, "side": side, "row": row, "price": price, "qty": qty}
            stamps = {"seq": seqs[at], "step": 1, "exchange": now - 5, "receive": now}
            found.append(head | stamps)
    return found


def arrays(rows: list[dict[str, int]]) -> dict[str, Any]:
    """Return rows as columns of the types that the doors take."""
    types = TYPES | MORE
    return {name: np.array([row[name] for row in rows], types[name]) for name in types}


def event(config: cm.Config, row: dict[str, int]) -> cm.events.Book:
    """Return a row as the event that `handle` takes."""
    return cm.events.Book(
        instrument=config.instruments[row["instrument"]].name,
        side=("bid", "ask")[row["side"]],
        price=row["price"],
        qty=row["qty"],
        row=KINDS[row["row"] % 3],
        last=row["row"] >= 3,
        **{name: row[name] for name in MORE},
    )


def plain(row: dict[str, int]) -> list[int]:
    """Return a row as the arguments of `row`."""
    names = ("instrument", "side", "price", "qty", "row", "seq", "step", "exchange", "receive")
    return [row[name] for name in names]


def messages(rows: list[dict[str, int]]) -> Iterator[list[dict[str, int]]]:
    """Yield the rows of each message."""
    begin = 0
    for at, row in enumerate(rows):
        if row["row"] >= 3:
            yield rows[begin : at + 1]
            begin = at + 1


def by_handle(engine: Any, config: cm.Config, rows: list[dict[str, int]]) -> list[Any]:  # noqa: ANN401
    return [
        command for row in rows for command in engine.handle(row["receive"], event(config, row))
    ]


def by_row(engine: Any, config: cm.Config, rows: list[dict[str, int]]) -> list[Any]:  # noqa: ANN401
    found: list[Any] = []
    for row in rows:
        waiting = engine.row(row["receive"], *plain(row))
        taken = engine.take() if waiting else []
        assert len(taken) == waiting
        found += taken
    return found


def by_message(engine: Any, config: cm.Config, rows: list[dict[str, int]]) -> list[Any]:  # noqa: ANN401
    found: list[Any] = []
    for at, message in enumerate(messages(rows)):
        first = message[0]
        levels: Any = [(row["side"], row["price"], row["qty"]) for row in message]
        if at % 2:
            levels = np.array(levels, dtype=np.int64)
        head = {name: first[name] for name in ("seq", "step", "exchange")}
        is_snapshot = first["row"] % 3 == 0
        at_once = engine.message(
            first["receive"], first["instrument"], levels, **head, snapshot=is_snapshot
        )
        found += engine.take() if at_once else []
    return found


def by_columns(engine: Any, config: cm.Config, rows: list[dict[str, int]]) -> list[Any]:  # noqa: ANN401
    columns, first = arrays(rows), 0
    found: list[Any] = []
    while first < len(rows):
        first, waiting = engine.columns(columns, first=first)
        found += engine.take() if waiting else []
    return found


def by_batches(engine: Any, config: cm.Config, rows: list[dict[str, int]]) -> list[Any]:  # noqa: ANN401
    whole = pa.table(arrays(rows))
    parts = [whole.slice(at, 700) for at in range(0, len(rows), 700)]
    table, first = pa.concat_tables(parts), 0
    found: list[Any] = []
    while first < len(rows):
        first, waiting = engine.columns(table, first=first)
        found += engine.take() if waiting else []
    return found


DOORS: dict[str, Callable[..., list[Any]]] = {
    "row": by_row,
    "message": by_message,
    "columns": by_columns,
    "arrow": by_batches,
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_makes_the_turns_of_handle(name: str) -> None:
    config = spread_config()
    rows = rows_of(config, 4000, seed=7)
    slow, fast = (cm.Engine(config, start=START) for _ in range(2))
    expected = by_handle(slow, config, rows)
    assert expected  # at least a refusal or an order, or nothing would be compared
    assert DOORS[name](fast, config, rows) == expected
    assert fast.digest() == slow.digest()
    assert fast.deadline() == slow.deadline()


@pytest.mark.parametrize("name", DOORS)
def test_every_door_of_a_session_is_journaled_as_handle_is(name: str, tmp_path: Path) -> None:
    config = spread_config()
    rows = rows_of(config, 1500, seed=8)
    links = []
    for way, folder in ((by_handle, "slow"), (DOORS[name], "fast")):
        with cm.Session(config, journal=tmp_path / folder, now=START, durable="os") as session:
            found = way(session, config, rows)
        links.append((session.link(), found))
    assert links[0] == links[1]


def test_a_level_is_a_message_of_its_own() -> None:
    config = spread_config()
    fast, slow = (cm.Engine(config, start=START) for _ in range(2))
    for at, (side, price) in enumerate([(0, 999), (1, 1001), (1, 1000), (1, 1000)]):
        now, qty = START + at, 0 if at == 3 else 4
        row = {"instrument": 0, "side": side, "row": 5, "price": price, "qty": qty}
        stamps = {"seq": 0, "step": 0, "exchange": now, "receive": now}
        assert fast.level(now, fast.id("A.x"), side, price, qty) == 0
        slow.handle(now, event(config, row | stamps))
    assert fast.digest() == slow.digest()


def test_commands_wait_until_they_are_taken() -> None:
    config = spread_config()
    engine = cm.Engine(config, start=START)
    # A number missing: the book has a gap, and a snapshot has to be asked for.
    engine.message(START, 0, [(0, 999, 1), (1, 1001, 1)], seq=1, snapshot=True)
    assert engine.message(START + 1, 0, [(0, 998, 1)], seq=5, step=1) == 2
    commands = engine.take()
    assert [type(command).__name__ for command in commands] == ["Resync", "Alert"]
    assert engine.take() == []


def test_columns_go_on_after_the_row_that_caused_commands() -> None:
    config = spread_config()
    rows = rows_of(config, 400, seed=3)
    columns, count = arrays(rows), len(rows)
    engine, twin = (cm.Engine(config, start=START) for _ in range(2))
    first, waiting = engine.columns(columns)
    assert 0 < first < count
    assert waiting > 0
    # What waits is not taken yet; the next call counts it too.
    second, more = engine.columns(columns, first=first)
    assert second > first
    assert more >= waiting
    while second < count:
        second, more = engine.columns(columns, first=second)
    assert engine.columns(columns, first=count) == (count, more)
    commands, place = [], 0
    while place < count:
        place, _ = twin.columns(columns, first=place)
        commands += twin.take()
    assert engine.take() == commands
    with pytest.raises(cm.ConfigError):
        engine.columns(columns, first=-1)


def made(columns: dict[str, Any], **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    return {**columns, **changed}


BAD_COLUMNS: dict[str, tuple[Callable[[dict[str, Any]], Any], type[Exception], str]] = {
    "float prices": (
        lambda it: made(it, price=it["price"].astype(float)),
        cm.InputTypeError,
        "columns.price",
    ),
    "other width": (
        lambda it: made(it, qty=it["qty"].astype("i4")),
        cm.InputTypeError,
        "columns.qty",
    ),
    "other byte order": (
        lambda it: made(it, qty=it["qty"].astype(">i8")),
        cm.InputTypeError,
        "columns.qty",
    ),
    "bool sides": (
        lambda it: made(it, side=it["side"].astype(bool)),
        cm.InputTypeError,
        "columns.side",
    ),
    "a list": (lambda it: made(it, price=it["price"].tolist()), cm.InputTypeError, "columns.price"),
    "strided": (
        lambda it: made(it, price=np.repeat(it["price"], 2)[::2]),
        cm.ConfigError,
        "columns.price",
    ),
    "unaligned": (
        lambda it: made(it, price=np.frombuffer(b"x" + it["price"].tobytes(), "u1")[1:].view("i8")),
        cm.ConfigError,
        "columns.price",
    ),
    "two dimensions": (
        lambda it: made(it, price=it["price"].reshape(-1, 1)),
        cm.InputTypeError,
        "columns.price",
    ),
    "one row short": (lambda it: made(it, qty=it["qty"][1:]), cm.ConfigError, "columns.qty"),
    "unknown column": (lambda it: made(it, volume=it["qty"]), cm.ConfigError, "columns"),
    "no price": (
        lambda it: {name: it[name] for name in it if name != "price"},
        cm.ConfigError,
        "columns.price",
    ),
    "no stamps": (
        lambda it: {name: it[name] for name in it if name != "receive"},
        cm.ConfigError,
        "columns.receive",
    ),
    "side 2": (lambda it: made(it, side=it["side"] + 2), cm.ConfigError, "columns.side[0]"),
    "row 6": (lambda it: made(it, row=it["row"] + 6), cm.ConfigError, "columns.row[0]"),
    "negative lots": (lambda it: made(it, qty=it["qty"] - 99), cm.ConfigError, "columns.qty[0]"),
    "unknown instrument": (
        lambda it: made(it, instrument=it["instrument"] + 9),
        cm.ConfigError,
        "instrument",
    ),
    "price beyond bounds": (
        lambda it: made(it, price=it["price"] + 2**60),
        cm.ConfigError,
        "price",
    ),
    "stamp before 1970": (
        lambda it: made(it, exchange=it["exchange"] * -1),
        cm.ConfigError,
        "exchange",
    ),
    "nulls": (
        lambda it: pa.table(it).set_column(3, "price", pa.array([None] * len(it["price"]), "i8")),
        cm.ConfigError,
        "columns.price",
    ),
    "text": (
        lambda it: pa.table(it).set_column(3, "price", pa.array(["1"] * len(it["price"]))),
        cm.InputTypeError,
        "columns.price",
    ),
    "masked": (
        lambda it: made(it, price=np.ma.masked_array(it["price"], mask=it["price"] > 0)),
        cm.InputTypeError,
        "columns.price",
    ),
    "two of one name": (
        lambda it: pa.table(it).append_column("price", pa.array(it["price"])),
        cm.ConfigError,
        "columns",
    ),
    "nothing of the kind": (lambda it: list(it.items()), cm.InputTypeError, "columns"),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_bad_columns_are_refused_and_change_nothing(name: str) -> None:
    spoil, kind, field = BAD_COLUMNS[name]
    config = spread_config()
    engine = cm.Engine(config, start=START)
    before = engine.digest()
    with pytest.raises(kind) as caught:
        engine.columns(spoil(arrays(rows_of(config, 20, seed=1))))
    assert getattr(caught.value, "field", None) == field
    assert engine.digest() == before
    assert engine.take() == []


def test_a_row_that_is_refused_in_columns_is_named() -> None:
    config = spread_config()
    rows = rows_of(config, 30, seed=1)
    place = next(at for at in range(9, 30) if rows[at - 1]["row"] >= 3)
    rows[place]["price"] = 2**60
    engine, twin = (cm.Engine(config, start=START) for _ in range(2))
    with pytest.raises(cm.ConfigError) as caught:
        engine.columns(arrays(rows))
    assert caught.value.row == place  # type: ignore[attr-defined]
    assert f"row {place} of the columns" in caught.value.__notes__[0]
    twin.columns(arrays(rows[:place]))
    assert engine.digest() == twin.digest()


PLAIN = {"now": START + 1, "instrument": 0, "side": 0, "price": 999, "qty": 1}


class Sly(int):
    """An int whose index lies."""

    def __index__(self) -> int:
        return 7


BAD_LEVELS: list[tuple[str, object, type[Exception]]] = [
    ("now", True, cm.InputTypeError),
    ("now", 1.5e18, cm.InputTypeError),
    ("now", START - 1, cm.UsageError),
    ("now", 2**63, cm.ConfigError),
    ("instrument", -1, cm.ConfigError),
    ("instrument", 2, cm.ConfigError),
    ("instrument", 65536, cm.ConfigError),
    ("instrument", "A.x", cm.InputTypeError),
    ("side", 2, cm.ConfigError),
    ("side", False, cm.InputTypeError),
    ("price", 999.0, cm.InputTypeError),
    ("price", np.int64(999), cm.InputTypeError),
    ("price", Sly(999), cm.InputTypeError),
    ("price", 2**63, cm.ConfigError),
    ("price", 2**62, cm.ConfigError),
    ("price", None, cm.InputTypeError),
    ("qty", -1, cm.ConfigError),
    ("qty", "1", cm.InputTypeError),
    ("qty", 2**63 - 1, cm.ConfigError),
]


@pytest.mark.parametrize(("field", "value", "kind"), BAD_LEVELS)
def test_a_bad_level_is_refused_and_changes_nothing(
    field: str, value: object, kind: type[Exception]
) -> None:
    config = spread_config()
    engine, market = cm.Engine(config, start=START), cm.Market(config)
    before = engine.digest()
    given: list[Any] = list((PLAIN | {field: value}).values())
    with pytest.raises(kind):
        engine.level(*given)
    assert engine.digest() == before
    if field != "now":
        with pytest.raises(kind):
            market.level(*given[1:])
        assert market.state(0) == "empty"


BAD_MESSAGES: list[tuple[object, dict[str, Any], type[Exception]]] = [
    ([], {}, cm.ConfigError),
    ([(0, 999)], {}, cm.ConfigError),
    ([[0, 999, 1]], {}, cm.InputTypeError),
    ([(0, 999, 1), (1, 1001, -1)], {}, cm.ConfigError),
    ([(0, 999, 1), (2, 1001, 1)], {}, cm.ConfigError),
    ([(0, 999, 1), (1, 1001.0, 1)], {}, cm.InputTypeError),
    (np.array([[0, 999, 1], [1, 1001, -1]]), {}, cm.ConfigError),
    (np.array([[0, 999, 1], [9, 1001, 1]]), {}, cm.ConfigError),
    (np.array([[0, 999]]), {}, cm.ConfigError),
    (np.array([[0.0, 999.0, 1.0]]), {}, cm.InputTypeError),
    ("rows", {}, cm.InputTypeError),
    ([(0, 999, 1)], {"seq": -1}, cm.ConfigError),
    ([(0, 999, 1)], {"step": 2**32}, cm.ConfigError),
    ([(0, 999, 1)], {"exchange": 1.0}, cm.InputTypeError),
    ([(0, 999, 1)], {"seqs": 1}, TypeError),
]


@pytest.mark.parametrize("at", range(len(BAD_MESSAGES)))
def test_a_bad_message_is_refused_whole(at: int) -> None:
    rows, more, kind = BAD_MESSAGES[at]
    engine = cm.Engine(spread_config(), start=START)
    before = engine.digest()
    with pytest.raises(kind):
        engine.message(START + 1, 0, rows, **more)  # type: ignore[arg-type]
    assert engine.digest() == before


def address(array: Any) -> int:  # noqa: ANN401
    return int(array.__array_interface__["data"][0])


def test_arrow_columns_come_in_without_a_copy() -> None:
    from cross_market._arrow import batches

    config = spread_config()
    table = pa.table(arrays(rows_of(config, 2000, seed=5)))
    parts = pa.concat_tables([table.slice(0, 500), table.slice(500)])
    names = tuple(table.column_names)
    seen = 0
    for at, batch in enumerate(batches(parts, names)):
        for name in names:
            source = parts.column(name).chunk(at)
            offset = source.offset * source.type.bit_width // 8
            assert address(batch[name]) == source.buffers()[1].address + offset
            seen += 1
    assert seen == 2 * len(names)


def test_numpy_columns_are_read_where_they_are() -> None:
    """The core reads the caller's own memory: with a column on a file, no more of it is in use."""
    import resource

    config = spread_config()
    count = 3_000_000
    columns = {
        "instrument": np.zeros(count, "u2"),
        "side": np.zeros(count, "u1"),
        "row": np.full(count, 5, "u1"),
        "price": np.full(count, 999),
        "qty": np.ones(count, "i8"),
        "exchange": np.arange(START, START + count),
        "receive": np.arange(START, START + count),
    }
    engine = cm.Engine(config, start=START)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert engine.columns(columns) == (count, 0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # One copied column alone would be 24 MB.
    assert grown < 8_000


def test_results_are_arrays_of_the_native_module() -> None:
    config = spread_config()
    found = cm.Market(config).columns(arrays(rows_of(config, 2000, seed=5)))
    for name, array in found.items():
        assert not array.flags.owndata, name  # its memory is the one that the core filled
    table = pa.table({name: found[name] for name in ("at", "bid", "ask")})
    for name in table.column_names:
        assert table[name].chunk(0).buffers()[1].address == address(found[name])


def test_another_thread_runs_while_columns_are_taken() -> None:
    config = spread_config()
    count = 4_000_000
    columns = {
        "instrument": np.zeros(count, "u2"),
        "side": np.zeros(count, "u1"),
        "row": np.full(count, 5, "u1"),
        "price": 900 + np.arange(count) % 64,
        "qty": np.ones(count, "i8"),
    }
    market, begun, refused = cm.Market(config), threading.Event(), []

    def work() -> None:
        begun.set()
        market.columns(columns, hedges=())

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    while thread.is_alive():
        try:
            market.touch(0)
        except cm.UsageError as error:
            refused.append(error)
    thread.join()
    # Without the lock released this thread would not have had a turn in between.
    assert refused
    assert refused[0].expected == "one call at a time"


def test_market_sees_what_an_engine_would() -> None:
    config = gold_config()
    market = cm.Market(config)
    au, gc, fx = (market.id(each.name) for each in config.instruments)
    for book, bid in ((au, 24000), (gc, 20000), (fx, 71000)):
        for side in (0, 1):
            assert market.level(book, side, bid + side, 10) == 1
    assert market.level(au, 0, 23999, 5) == 0
    assert market.touch(au) == (24000, 24001)
    assert market.walk(au, "sell", 12) == (10 * 24000 + 2 * 23999, 12)
    assert market.walk(au, "buy", 12) == (10 * 24001, 10)
    merged = market.merged("gold")
    assert merged is not None
    # Sold at the bid of Shanghai, bought at the ask of New York with the rate's ask.
    assert float(merged.enter.sold) == pytest.approx(24000 * 0.02)
    assert float(merged.enter.bought) == pytest.approx(2000.1 * 7.1001 / 31.1034768)
    assert merged.enter.difference == merged.enter.sold - merged.enter.bought
    assert market.spread("gold") == max(
        merged.enter.difference * market.denominator(0),
        -merged.exit.difference * market.denominator(0),
    )
    ladder = market.ladder(au, 2).to_pylist()
    assert [(row["side"], row["ticks"], row["lots"]) for row in ladder] == [
        ("bid", 24000, 10),
        ("bid", 23999, 5),
        ("ask", 24001, 10),
    ]
    both = market.consolidated("gold").to_pylist()
    assert next(row["instrument"] for row in both if row["side"] == "bid") == "SHFE.au2602"
    assert market.state(fx) == "whole"
    assert market.level(fx, 1, 70999, 1) == 1
    assert (market.state(fx), market.touch(fx), market.merged("gold")) == ("crossed", None, None)


def test_market_columns_give_every_message() -> None:
    config = spread_config()
    rows = rows_of(config, 3000, seed=11)
    whole, stepwise = cm.Market(config), cm.Market(config)
    found = whole.columns(arrays(rows), sizes={"B.x": 3})
    seen = 0
    for at, row in enumerate(rows):
        stepwise.row(*plain(row))
        if row["row"] < 3:
            continue
        assert found["at"][seen] == at
        touch = stepwise.touch(row["instrument"])
        assert bool(found["whole"][seen]) == (touch is not None)
        if touch is not None:
            assert (found["bid"][seen], found["ask"][seen]) == touch
        tops = stepwise.tops("h")
        assert bool(found["valid"][seen, 0]) == (tops is not None)
        if tops is not None:
            (sold, bought), (exit_sold, exit_bought) = tops
            assert found["enter"][seen, 0] == sold - bought
            assert found["exit"][seen, 0] == exit_sold - exit_bought
        for place, (column, side) in enumerate((("sell_cost", "sell"), ("buy_cost", "buy"))):
            cost, lots = stepwise.walk("B.x", side, 3)
            assert (found[column][seen, 0], bool(found["full"][seen, 0, place])) == (
                cost,
                lots == 3,
            )
        seen += 1
    assert seen == len(found["at"]) > 500


def test_what_is_asked_of_a_market_is_proven() -> None:
    config = spread_config()
    market = cm.Market(config)
    columns = arrays(rows_of(config, 20, seed=1))
    for wrong in ("C.x", 2, -1, True, 1.0, None):
        with pytest.raises(cm.CrossMarketError):
            market.touch(wrong)  # type: ignore[arg-type]
        with pytest.raises(cm.CrossMarketError):
            market.merged(wrong)  # type: ignore[arg-type]
    for sizes in ({"C.x": 1}, {"A.x": 0}, {"A.x": 1.0}, ["A.x"]):
        with pytest.raises(cm.CrossMarketError):
            market.columns(columns, sizes=sizes)  # type: ignore[arg-type]
    for depth in (0, -1, True, 2.0, 2**40):
        with pytest.raises(cm.CrossMarketError):
            market.ladder("A.x", depth)  # type: ignore[arg-type]
    with pytest.raises(cm.CrossMarketError):
        market.walk("A.x", "bid", 1)
    with pytest.raises(cm.UsageError):
        pickle.dumps(market)


def test_a_call_of_columns_can_be_interrupted() -> None:
    """Ctrl-C ends it at a row that is told, from which it goes on as if nothing had been."""
    config = spread_config()
    count = 6_000_000
    columns = {
        "instrument": np.zeros(count, "u2"),
        "side": np.zeros(count, "u1"),
        "row": np.full(count, 5, "u1"),
        "price": 900 + np.arange(count) % 64,
        "qty": np.ones(count, "i8"),
        "exchange": np.arange(START, START + count),
        "receive": np.arange(START, START + count),
    }
    engine, twin = cm.Engine(config, start=START), cm.Engine(config, start=START)

    def for_ever() -> None:
        while True:
            engine.columns(columns, first=0 if not seen else count)
            seen.append(count)

    seen: list[int] = []
    # A shell starts what runs in the background with interrupts ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.01, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            for_ever()
    finally:
        signal.signal(signal.SIGINT, before)
    # Where the call was over before, the interrupt came between two.
    place = getattr(caught.value, "row", count)
    engine.columns(columns, first=place)
    twin.columns(columns)
    assert engine.digest() == twin.digest()


def two_batches(rows: list[dict[str, int]], at: int) -> pa.Table:
    """Return rows as a table of two record batches, the second from row `at` on."""
    parts = [arrays(rows[:at]), arrays(rows[at:])]
    return pa.Table.from_batches(
        [pa.record_batch({name: pa.array(part[name]) for name in part}) for part in parts]
    )


BAD_IN_SECOND = [
    ("side", 7, "columns.side[25]"),
    ("row", 9, "columns.row[25]"),
    ("price", 2**60, "price"),
]


@pytest.mark.parametrize(("field", "value", "named"), BAD_IN_SECOND)
@pytest.mark.parametrize("kind", ["engine", "market"])
def test_a_row_of_a_later_batch_is_named_by_its_place_in_all(
    kind: str, field: str, value: int, named: str
) -> None:
    config = spread_config(enter="900 USD/g", exit="-900 USD/g")
    rows = rows_of(config, 40, seed=1)
    rows[25][field] = value
    door = cm.Market(config) if kind == "market" else cm.Engine(config, start=START)
    with pytest.raises(cm.ConfigError) as caught:
        door.columns(two_batches(rows, 20))
    assert caught.value.field == named
    assert caught.value.row == 25  # type: ignore[attr-defined]
    assert caught.value.__notes__ == ["row 25 of the columns; the rows before it were taken"]


def test_market_columns_of_mixed_messages_show_the_books_as_they_are() -> None:
    """In the middle of its message a book counts for nothing, in costs as in merged prices."""
    config = spread_config()
    heads = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 0), (0, 0), (0, 0), (1, 0)]
    codes = [0, 4, 0, 4, 2, 5, 5, 5]
    rows = [
        {"instrument": name, "side": side, "row": code, "price": 1000 + 2 * side, "qty": 3}
        | {"seq": 0, "step": 0, "exchange": START, "receive": START}
        for (name, side), code in zip(heads, codes, strict=True)
    ]
    found = cm.Market(config).columns(arrays(rows), sizes={"B.x": 3})
    stepwise, costs = cm.Market(config), []
    for row in rows:
        stepwise.row(*plain(row))
        if row["row"] >= 3:
            costs.append(stepwise.walk("B.x", "sell", 3)[0])
    assert costs == [0, 3000, 0, 0, 3000]
    assert found["sell_cost"][:, 0].tolist() == costs
    assert found["full"][:, 0, 0].tolist() == [cost > 0 for cost in costs]
    assert found["valid"][:, 0].tolist() == [cost > 0 for cost in costs]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_market_columns_trust_no_book_after_a_gap(levels: int) -> None:
    config = spread_config()
    rows = [
        {"instrument": name, "side": side, "row": 4 * side, "price": 1000 + 2 * side, "qty": 3}
        | {"seq": 1, "step": 1, "exchange": START, "receive": START}
        for name in (0, 1)
        for side in (0, 1)
    ]
    late = {**rows[-1], "row": 2, "price": 1001, "seq": 3}
    rows += [{**late, "row": 5 if place == levels else 2} for place in range(1, levels + 1)]
    found = cm.Market(config).columns(arrays(rows), sizes={"B.x": 3})
    assert found["whole"].tolist() == [True, True, False]
    assert found["valid"][:, 0].tolist() == [False, True, False]
    assert found["full"][:, 0, 1].tolist() == [False, True, False]


class Fickle(dict[str, Any]):
    """A mapping whose prices are fewer when they are asked for the first time."""

    asked = 0

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        found = super().__getitem__(name)
        self.asked += name == "price"
        return found[:7] if name == "price" and self.asked == 1 else found


def test_a_mapping_that_changes_between_reads_loses_no_rows() -> None:
    config = spread_config()
    columns = Fickle(arrays(rows_of(config, 20, seed=1)))
    with pytest.raises(cm.ConfigError) as caught:
        cm.Engine(config, start=START).columns(columns)
    assert (caught.value.field, caught.value.value) == ("columns.price", 7)


def test_market_columns_in_pieces_say_the_same_as_whole() -> None:
    config = spread_config()
    rows = rows_of(config, 600, seed=11)
    # Numbers without gaps, so that both books stay whole.
    for row in rows:
        row["seq"] = row["step"] = 0
    whole = cm.Market(config).columns(arrays(rows), sizes={"A.x": 2, "B.x": 3})
    market, pieces = cm.Market(config), []
    for at in range(0, len(rows), 7):
        pieces.append(market.columns(arrays(rows[at : at + 7]), sizes={"A.x": 2, "B.x": 3}))
    for name in whole:
        if name != "at":
            assert np.array_equal(whole[name], np.concatenate([each[name] for each in pieces]))

"""Signals, prices, usage and inventories over time, recomputed from the rows that went in."""

import dataclasses
import itertools
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

import pytest

import cross_market as cm
from cross_market import demo

BUCKETS_MAX = 2_048
EURO, DOLLAR, ABROAD = "WARSAW.EURPLN", "WARSAW.USDPLN", "FRANKFURT.EURUSD"
Row = dict[str, Any]
Point = tuple[int, tuple[Decimal, ...]]


def simulated(days: int) -> cm.Result:
    """Return a run of so many days without faults: the engine saw what was recorded."""
    calm = dataclasses.replace(demo.venues(1), faults=[])
    given = demo.fixings()[:days]
    return cm.simulate(demo.config(), demo.quotes(given), venues=calm, verbs=demo.operator(given))


@pytest.fixture(scope="module")
def short() -> cm.Result:
    return simulated(60)


@pytest.fixture(scope="module")
def long() -> cm.Result:
    return simulated(1_500)


def places(value: Fraction) -> Decimal:
    """Return 12 places of a number, rounded down."""
    exact = Decimal(value.numerator * 10**12 // value.denominator)
    return exact.scaleb(-12, context=Context(prec=40, rounding=ROUND_FLOOR))


def touches(days: int) -> Iterator[tuple[int, dict[str, tuple[Fraction, Fraction]]]]:
    """Yield the best bid and ask of every book after each message, in the order of its receipt."""
    rows = demo.quotes(demo.fixings()[:days]).to_pylist()
    messages = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["msg"])]
    messages.sort(key=lambda message: message[0]["ts_receive_ns"])
    books: dict[str, tuple[Fraction, Fraction]] = {}
    for message in messages:
        if message[0]["kind"] == "snapshot":
            sides: dict[str, list[Fraction]] = {"bid": [], "ask": []}
            for row in message:
                sides[row["side"]].append(Fraction(str(row["price"])))
            books[message[0]["instrument"]] = max(sides["bid"]), min(sides["ask"])
            yield message[0]["ts_receive_ns"], books


def priced(days: int) -> tuple[list[Point], list[Point], list[Point]]:
    """Return when what was seen: the leg at home, the leg abroad, and enter and exit values."""
    home: list[Point] = []
    abroad: list[Point] = []
    signals: list[Point] = []
    for now, books in touches(days):
        first = second = None
        if EURO in books:
            first = books[EURO]
            news(home, now, first)
        if ABROAD in books and DOLLAR in books:
            (bid, ask), (low, high) = books[ABROAD], books[DOLLAR]
            second = bid * low, ask * high
            news(abroad, now, second)
        if first and second:
            news(signals, now, (first[0] / second[1], first[1] / second[0]))
    return home, abroad, signals


def news(points: list[Point], now: int, values: tuple[Fraction, Fraction]) -> None:
    shown = tuple(places(value) for value in values)
    if not points or points[-1][1] != shown:
        points.append((now, shown))


def agree(rows: list[Row], points: list[Point], columns: tuple[str, ...], place: int) -> None:
    """Hold every row against the points that lie in it."""
    least, greatest, last = columns
    at = 0
    for row in rows:
        assert row["from_ns"] == points[at][0]
        inside = []
        while at < len(points) and points[at][0] < row["until_ns"]:
            inside.append(points[at][1][place])
            at += 1
        if least:
            assert row[least] == min(inside)
        if greatest:
            assert row[greatest] == max(inside)
        assert row[last] == inside[-1]
    assert at == len(points)


@pytest.mark.parametrize(("name", "days"), [("short", 60), ("long", 1_500)])
def test_prices_and_signals_are_those_of_the_books(
    name: str, days: int, request: pytest.FixtureRequest
) -> None:
    result = request.getfixturevalue(name)
    home, abroad, signals = priced(days)
    for leg, points in enumerate((home, abroad)):
        rows = [row for row in result.prices.to_pylist() if row["leg"] == leg]
        agree(rows, points, ("bid_min", "", "bid_last"), 0)
        agree(rows, points, ("", "ask_max", "ask_last"), 1)
        assert {row["instrument"] for row in rows} == {(EURO, ABROAD)[leg]}
    rows = result.signals.to_pylist()
    agree(rows, signals, ("enter_min", "enter_max", "enter_last"), 0)
    agree(rows, signals, ("exit_min", "exit_max", "exit_last"), 1)
    for one, two in itertools.pairwise(rows):
        assert one["until_ns"] == two["from_ns"]


def test_many_rows_are_few_buckets(long: cm.Result) -> None:
    _, _, signals = priced(1_500)
    assert len(signals) > BUCKETS_MAX
    assert BUCKETS_MAX // 2 - 1 <= long.signals.num_rows <= BUCKETS_MAX


def test_bands_are_those_of_the_configuration(short: cm.Result) -> None:
    for row in short.signals.to_pylist():
        bands = ("plus_enter", "plus_exit", "mirror_enter", "mirror_exit")
        shown = tuple(row[band] for band in bands)
        assert shown == tuple(map(Decimal, ("1.004", "1.0005", "0.996", "0.9995")))


def test_usage_has_its_peak_and_its_cap(long: cm.Result) -> None:
    rows = long.usage.to_pylist()
    for account in long.funds.to_pylist():
        of = [row for row in rows if row["account"] == account["account"]]
        peak = max(row["usage_max"] for row in of)
        assert 0 < peak == account["peak_usage"]
        used = account["held"] + account["quarantine"] + account["margin"]
        at_last = places(Fraction(used) / Fraction(account["balance"]))
        assert of[-1]["usage_last"] == at_last
        assert {row["cap"] for row in of} == {Decimal("0.8")}


def test_inventory_follows_the_fills(long: cm.Result) -> None:
    lots = {EURO: Fraction(0), ABROAD: Fraction(0)}
    seen: dict[int, tuple[int, Fraction]] = {}
    fills = sorted(long.fills.to_pylist(), key=lambda row: row["receive_ns"])
    assert fills
    for fill in fills:
        sign = 1 if fill["side"] == "buy" else -1
        lots[fill["instrument"]] += sign * Fraction(fill["qty"])
        sold, bought = -lots[EURO], lots[ABROAD]
        middle, half = abs(sold + bought), Fraction(1, 2)
        # +1 set is a lot of each; a half goes toward zero.
        sets = max(0, -((half - middle / 2) // 1)) * (1 if sold + bought > 0 else -1)
        seen[fill["receive_ns"]] = int(sets), abs(sold - bought) * 1000
    rows = long.inventory.to_pylist()
    assert (rows[0]["sets"], rows[0]["residual"]) == (0, 0)
    told = {row["now_ns"]: (row["sets"], Fraction(row["residual"])) for row in rows[1:]}
    expected = {}
    standing = (0, Fraction(0))
    for now in sorted(seen):
        if seen[now] != standing:
            expected[now] = standing = seen[now]
    assert told == expected
    (last,) = long.hedges.to_pylist()
    assert (rows[-1]["sets"], rows[-1]["residual"]) == (last["sets"], last["residual"])


def test_refusals_have_their_times(long: cm.Result) -> None:
    rows = long.refusals.to_pylist()
    assert rows
    for row in rows:
        assert row["first_ns"] <= row["last_ns"]
        assert (row["count"] == 1) <= (row["first_ns"] == row["last_ns"])


def test_a_series_does_not_depend_on_the_run(short: cm.Result) -> None:
    again = simulated(60)
    for name in ("signals", "prices", "usage", "inventory"):
        assert again.tables[name].equals(short.tables[name])

"""The benches work: one small turn of each, all ways of a row end alike. No time is judged."""

from typing import Any

import numpy as np
import pytest

import cross_market as cm
import desk
import limits
import tails
import ways
from figures import Figures
from turns import ASIDE, Ends, Turns, once
from workload import Workload, config, workload

ROWS = 1_500


@pytest.fixture(scope="module")
def work() -> Workload:
    return workload(ROWS)


@pytest.fixture(scope="module")
def built() -> None:
    """The limits in C, where this machine has a compiler."""
    if limits.compiler() is None:
        pytest.skip("no C compiler: the limits of the benches were not tried")
    limits.limits()


def test_the_workload_is_one_of_two_markets_that_never_cross(work: Workload) -> None:
    rows = work.records
    assert len(rows) >= ROWS
    assert set(rows["market"].tolist()) == set(rows["side"].tolist()) == {0, 1}
    books: list[list[dict[int, int]]] = [[{}, {}], [{}, {}]]
    for _, _, price, lots, _, market, side, _, _ in rows.tolist():
        book = books[market][side]
        assert lots or price in book
        book[price] = lots
        if not lots:
            del book[price]
        if all(books[market]):
            bids, asks = books[market]
            assert max(bids) < min(asks)
    assert np.array_equal(rows, workload.__wrapped__(ROWS).records)
    assert [(max(bids), min(asks)) for bids, asks in books] == work.touches


@pytest.mark.parametrize("name", ["W1", "W1a", "W2", "W3", "W3p", "W4p"])
@pytest.mark.usefixtures("built")
def test_a_row_of_books_ends_the_same_by_every_way(name: str, work: Workload) -> None:
    turns = Turns(ways.rows(work)[name], len(work))
    turns.warm()
    turns.turn()
    figures = Figures()
    found = figures.pair(f"bench.{name}.py", turns, "ours", "limit", "limit")
    assert found["ours_ns"] > 0
    assert figures.lines[0].startswith(f"FIGURE bench.{name}.py ours_ns=")
    assert "ratio" in figures.told("limit")


def test_our_ways_end_as_plain_dicts_do(work: Workload) -> None:
    ours = ways.Ours(work)
    for way in (ours.read_when_moved, ours.read_always, ours.apply, lambda: ours.columns(())):
        assert once(way)[1] == work.touches


@pytest.mark.parametrize("name", ["W6", "W8"])
@pytest.mark.usefixtures("built")
def test_a_row_of_the_engine_takes_its_attempts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "ENGINES", 2)
    short = desk.attempts(3)
    monkeypatch.setattr(desk, "attempts", lambda: short)
    rows, _ = desk.rows()
    turns = Turns(rows[name], 6)
    turns.warm()
    turns.turn()
    assert turns.taken["ours"].ended == 6


@pytest.mark.usefixtures("built")
def test_tails_are_of_calls_that_end_the_same(work: Workload) -> None:
    found = {name: way() for name, way in tails.ways(work).items()}
    assert all(touches == work.touches for _, touches in found.values())
    assert all(tail["p50"] <= tail["p99"] <= tail["p999"] for tail, _ in found.values())


def test_ways_that_end_differently_are_told() -> None:
    def ends(what: int) -> Ends:
        yield ASIDE
        yield None
        return what

    Turns({"a": lambda: ends(1), "b": lambda: ends(1)}, 1).warm()
    with pytest.raises(AssertionError, match="differently"):
        Turns({"a": lambda: ends(1), "b": lambda: ends(2)}, 1).warm()
    assert [len(once(lambda: ends(1))[0]), once(lambda: ends(1))[1]] == [1, 1]


def test_each_tells_every_message_end(work: Workload) -> None:
    market, twin = cm.Market(config()), cm.Market(config())
    told: list[tuple[Any, ...]] = []
    for columns in work.messages:
        assert market.each(columns, lambda *of: told.append(of)) == len(
            found := twin.columns(columns)["at"]
        )
    assert len(told) == len(found)
    assert told[-1][:3] == (told[-1][0], *(market.touch(told[-1][0]) or ()))
    assert told[-1][3] == int(work.records["receive"][-1])


def test_each_refuses_calls_from_inside_and_passes_errors_on(work: Workload) -> None:
    market = cm.Market(config())

    def inside(at: int, bid: int | None, ask: int | None, receive: int) -> None:
        market.touch(at)

    with pytest.raises(cm.UsageError, match="under way"):
        market.each(work.messages[0], inside)
    with pytest.raises(ZeroDivisionError):
        market.each(work.messages[0], lambda *of: 1 // 0)
    with pytest.raises(cm.InputTypeError):
        market.each(work.messages[0], None)  # type: ignore[arg-type]
    # What came before the error was taken; the market goes on.
    assert market.state(0) == "whole"


def test_columns_merge_as_row_by_row_even_when_messages_are_mixed() -> None:
    """Rows of both instruments in between one another: a book counts for nothing in mid-message."""
    random = np.random.default_rng(5)
    slow, fast = cm.Market(config()), cm.Market(config())
    rows: list[tuple[int, ...]] = []
    for at in (0, 1):
        rows += [(at, 0, 0, 995, 5), (at, 1, 4, 1005, 5)]
    for _ in range(3_000):
        at, side = int(random.integers(2)), int(random.integers(2))
        last = bool(random.random() < 0.6)
        price = (996 + int(random.integers(4))) if side == 0 else 1001 + int(random.integers(4))
        rows.append((at, side, 5 if last else 2, price, int(random.integers(3))))
    expected = []
    for at, side, row, price, lots in rows:
        slow.row(at, side, price, lots, row, 0, 0, 0, 0)
        if row >= 3:
            tops = slow.tops(0)
            both = [0, 0] if tops is None else [sold - bought for sold, bought in tops]
            expected.append((*both, tops is not None))
    cut = len(rows) // 2
    found: list[tuple[int, int, bool]] = []
    for part in (rows[:cut], rows[cut:]):
        names = {"instrument": "u2", "side": "u1", "row": "u1", "price": "i8", "qty": "i8"}
        places = (0, 1, 2, 3, 4)
        columns = {
            name: np.array([row[place] for row in part], names[name])
            for name, place in zip(names, places, strict=True)
        }
        out = fast.columns(columns)
        found += zip(
            out["enter"][:, 0].tolist(),
            out["exit"][:, 0].tolist(),
            out["valid"][:, 0].tolist(),
            strict=True,
        )
    assert found == expected
    assert {valid for *_, valid in expected} == {True, False}

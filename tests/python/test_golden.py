"""The recorded markets: the small sets here, all of them by `make golden`; and the comparison."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import __main__ as program
from golden import data
from golden import market as replays
from golden.feed import Columns, Leg
from golden.figures import Figures
from golden.market import levels, market
from golden.stand_in import SlowMarket

SMALL = (
    "binance_delivery_20210722",
    "krakenf_20210722",
    "bitflyer_20210722",
    "okx_20220513",
    "cffex_if_20210104",
    "ticks_bitflyer_btcbox_20180812",
    "snapshot_bitstamp_kraken_2013",
    "bars_btc_bybit_spot_linear_20221213",
    "bars_copper_shfe_lme_comex_2019",
    "bars_crude_ine_brent_daily",
    "bars_hsi_index_future_2013",
    "bars_shell_royaldutch_daily",
)

recorded = pytest.mark.skipif(
    data.data_folder() is None, reason="the recorded markets, ../shared/data, are not there"
)


@recorded
@pytest.mark.parametrize("name", SMALL)
def test_every_figure_of_a_recorded_set_is_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "SPEED_LEAST_S", 0)
    figures = program.runs()[name]()
    assert figures.mismatched == []
    reference = data.golden(name)
    assert figures.checked > 20
    # What is left out are sentences, and counts of the catalogue that say not what they count.
    for where in figures.left_out:
        assert where.endswith("definition") or where.startswith("catalogue: ")
    assert reference["set"] == name


@recorded
def test_every_recorded_set_is_compared() -> None:
    assert set(data.set_names()) == set(program.runs())


def compared(ours: object, theirs: object) -> Figures:
    """Return a comparison of prices around 60,000."""
    figures = Figures("set", 60_000.0)
    figures.compare(ours, theirs)
    return figures


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        ({"a": 1}, {"a": 1}, 0),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": 1}, {"a": None}, 1),
        ({"a": None}, {"a": None}, 0),
        ({"a": True}, {"a": 1}, 1),
        ({}, {"a": 1}, 1),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, 1),
        ({"a": []}, {"a": {}}, 0),
        ({"a": "x"}, {"a": "y"}, 1),
        # The reference's own noise, and a tenth of the finest tick.
        ({"a": 26.245}, {"a": 26.244999999995343}, 0),
        ({"a": 26.245}, {"a": 26.2450001}, 1),
        ({"a": float("nan")}, {"a": 1.0}, 1),
    ],
)
def test_a_figure_that_differs_or_lacks_is_counted(
    ours: object, theirs: object, differ: int
) -> None:
    assert len(compared(ours, theirs).mismatched) == differ


def test_a_comparison_says_how_many_are_equal_to_the_last_digit() -> None:
    figures = compared({"a": 26.245, "b": 3}, {"a": 26.244999999995343, "b": 3})
    line = "FIGURE golden.set checked=2 mismatched=0 exact=1 not_compared=0"
    assert figures.lines() == [line]
    figures.leave_out("c", "a sentence")
    figures.replay = (7, 2.5e6)
    assert figures.lines() == [
        line.replace("not_compared=0", "not_compared=1"),
        "FIGURE replay.set updates=7 per_second=2500000",
    ]


@pytest.mark.parametrize(("theirs", "code"), [({"a": 1}, 0), ({"a": 2}, 1)])
def test_the_program_fails_where_a_figure_differs(
    theirs: object, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def runs() -> dict[str, Callable[[], Figures]]:
        return {"set": lambda: compared({"a": 1}, theirs)}

    monkeypatch.setattr(program, "runs", runs)
    monkeypatch.setattr(data, "data_folder", lambda: data.ROOT)
    monkeypatch.setattr(data, "set_names", lambda: ["set"])
    assert program.main([]) == code
    assert f"checked=1 mismatched={code}" in capsys.readouterr().out
    # A set that nothing compares is no success either.
    monkeypatch.setattr(data, "set_names", lambda: ["set", "new"])
    assert program.main([]) == 1
    assert program.main(["none"]) == program.NO_DATA


def test_the_program_says_that_there_is_no_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "data_folder", lambda: None)
    assert program.main([]) == program.NO_DATA
    assert "../shared/data is not there" in capsys.readouterr().err


LEGS = [Leg("a", "A", "X", "0.5"), Leg("b", "B", "X", "1")]


@st.composite
def messages(draw: st.DrawFn) -> Columns:
    """Return messages of two legs, books that cross themselves among them."""
    rows: list[tuple[int, int, int, int, int]] = []
    for at in range(draw(st.integers(len(LEGS), 30))):
        leg = at if at < len(LEGS) else draw(st.integers(0, 1))
        snapshot = at < len(LEGS) or draw(st.integers(0, 9)) == 0
        count = draw(st.integers(1, 4))
        for place in range(count):
            code = (0 if place == 0 else 1) if snapshot else 2
            last = 3 if place == count - 1 else 0
            side, price = draw(st.integers(0, 1)), draw(st.integers(-3, 8))
            rows.append((leg, side, code + last, price, draw(st.integers(0, 3))))
    names = ("instrument", "side", "row", "price", "qty")
    kinds = (np.uint16, np.uint8, np.uint8, np.int64, np.int64)
    both = zip(names, kinds, zip(*rows, strict=True), strict=True)
    return {name: np.array(column, dtype=kind) for name, kind, column in both}


@cache
def one_market() -> Any:  # noqa: ANN401
    """Return a market that all examples use: each begins with snapshots of both books."""
    return market(LEGS)


@settings(deadline=None)
@given(messages())
def test_market_is_what_plain_dicts_are(columns: Columns) -> None:
    ours, slow = one_market(), SlowMarket(LEGS)
    mine, theirs = ours.columns(columns), slow.columns(columns)
    for key in ("at", "instrument", "bid", "ask", "whole"):
        assert mine[key].tolist() == theirs[key].tolist()
    for leg in LEGS:
        found = levels(ours, leg, 100)
        assert found == levels(slow, leg, 100)
        if found[0] and found[1] and found[0][0][0] <= found[1][0][0]:
            for taker in ("buy", "sell"):
                for lots in (1, 2, 5, 100):
                    assert ours.walk(leg.key, taker, lots) == slow.walk(leg.key, taker, lots)

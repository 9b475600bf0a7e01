"""Pairs of bars: their spread and ratio as the library's hedge has them, and the statistics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from cross_market.research.rows import to_grid
from golden import moments
from golden.feed import Leg
from golden.market import market

Json = dict[str, Any]

HOUR_NS = 3_600_000_000_000
SIDES = ("bid", "ask")


@dataclass(frozen=True)
class Series:
    """The bars of one instrument, in file order.

    key: list – what they are joined by: dates as text, or stamps.
    bid, ask: list – both the close where the file has no quotes.
    """

    key: list[Any]
    bid: list[float]
    ask: list[float]
    rows: list[Json]

    def __len__(self) -> int:
        return len(self.key)


def series(table: pa.Table, venue: str, instrument: str, by: str) -> Series:
    """Return the bars of one instrument; `by` names the column they are joined by."""
    rows = [
        row
        for row in table.to_pylist()
        if row["venue"] == venue and row["instrument"] == instrument
    ]
    sides = [
        [row["close"] if row[side] is None else row[side] for row in rows]
        for side in ("bid", "ask")
    ]
    return Series([row[by] for row in rows], sides[0], sides[1], rows)


@dataclass(frozen=True)
class Joined:
    """Two series on their common keys, after they have gone through a Market.

    a, b: middles. spread: sold − bought of the hedge at the middles. edges: at the tops, both ways:
    sell a and buy b, then sell b and buy a. Where the hedge has a price, it is these.
    """

    key: list[Any]
    a: list[float]
    b: list[float]
    spread: list[float]
    edges: tuple[list[float], list[float]]
    # In how many states the hedge has no price, because a book is crossed with itself.
    refused: int = 0


def joined(
    first: tuple[Leg, Series], second: tuple[Leg, Series], currency: str, unit: str, shift: int = 0
) -> Joined:
    """Return two series joined on equal keys, the second's moved by `shift`.

    A key that the first has twice stands twice.
    """
    places = {key + shift if shift else key: at for at, key in enumerate(second[1].key)}
    mine = [at for at, key in enumerate(first[1].key) if key in places]
    keys = [first[1].key[at] for at in mine]
    if not keys:
        return Joined([], [], [], [], ([], []))
    at = (mine, [places[key] for key in keys])
    legs = [first[0], second[0]]
    book = market(legs, currency, unit)
    found = book.columns(columns(legs, (first[1], second[1]), at))
    # The second leg's message ends each step.
    over, valid = book.denominator(0), found["valid"][1::2, 0]
    touch = [
        [[Fraction(leg.tick) * int(each) for each in found[side][number::2]] for side in SIDES]
        for number, leg in enumerate(legs)
    ]
    (bid_a, ask_a), (bid_b, ask_b) = touch
    enter = [bid - ask for bid, ask in zip(bid_a, ask_b, strict=True)]
    leave = [ask - bid for ask, bid in zip(ask_a, bid_b, strict=True)]
    for key, ours in (("enter", enter), ("exit", leave)):
        merged = found[key][1::2, 0]
        assert all(
            Fraction(int(merged[at]), over) == each for at, each in enumerate(ours) if valid[at]
        )
    return Joined(
        key=keys,
        a=[float((bid + ask) / 2) for bid, ask in zip(bid_a, ask_a, strict=True)],
        b=[float((bid + ask) / 2) for bid, ask in zip(bid_b, ask_b, strict=True)],
        spread=[float((x + y) / 2) for x, y in zip(enter, leave, strict=True)],
        edges=([float(each) for each in enter], [float(-each) for each in leave]),
        refused=int((~valid).sum()),
    )


def columns(legs: list[Leg], both: tuple[Series, Series], at: tuple[list[int], list[int]]) -> Json:
    """Return rows for a Market: at each step a snapshot of the first leg, then of the second."""
    steps = len(at[0])
    price = np.zeros((steps, 2, 2), dtype=np.int64)
    for number, (leg, one, places) in enumerate(zip(legs, both, at, strict=True)):
        for side, values in enumerate((one.bid, one.ask)):
            chosen = np.array([values[place] for place in places])
            price[:, number, side] = to_grid(chosen, leg.tick, leg.key)
    return {
        "instrument": np.tile(np.repeat(np.arange(2, dtype=np.uint16), 2), steps),
        "side": np.tile(np.array([0, 1], dtype=np.uint8), 2 * steps),
        "row": np.tile(np.array([0, 4], dtype=np.uint8), 2 * steps),
        "price": price.reshape(-1),
        "qty": np.ones(4 * steps, dtype=np.int64),
    }


def pair(found: Joined, window: int, ratio: Sequence[float] | None = None) -> Json:
    """Return the statistics of a joined pair."""
    keys = [str(key) for key in found.key]
    ratios = list(ratio or [a / b for a, b in zip(found.a, found.b, strict=True)])
    scores = moments.scores(found.spread, window)
    return {
        "n": len(keys),
        "first": keys[0],
        "last": keys[-1],
        "spread": extremes(keys, found.spread),
        "ratio": extremes(keys, ratios),
        "ols": moments.fit(found.a, found.b),
        "corr_levels": moments.correlation(found.a, found.b),
        "corr_log_returns": log_returns(found.a, found.b),
        "z": {
            "window": window,
            "n": len(scores),
            "last": scores[-1],
            "min": min(scores),
            "max": max(scores),
            "abs_gt_2": sum(abs(each) > 2 for each in scores),
            "abs_gt_3": sum(abs(each) > 3 for each in scores),
        },
        "marks": [
            {
                "key": keys[at],
                "a": found.a[at],
                "b": found.b[at],
                "spread": found.spread[at],
                "ratio": ratios[at],
            }
            for at in range(0, len(keys), len(keys) // 5)
        ],
    }


def extremes(keys: list[str], values: list[float]) -> Json:
    """Return mean, deviation, bounds with their keys, and ends."""
    low, high = min(values), max(values)
    return {
        "mean": moments.mean(values),
        "sd": moments.deviation(values),
        "min": low,
        "max": high,
        "argmin": keys[values.index(low)],
        "argmax": keys[values.index(high)],
        "first": values[0],
        "last": values[-1],
    }


def log_returns(a: list[float], b: list[float]) -> float:
    """Return the correlation of logarithmic returns where all four prices have a logarithm."""
    both: tuple[list[float], list[float]] = ([], [])
    for at in range(1, len(a)):
        values = (a[at - 1], a[at], b[at - 1], b[at])
        if min(values) > 0:
            both[0].append(math.log(values[1] / values[0]))
            both[1].append(math.log(values[3] / values[2]))
    return moments.correlation(both[0], both[1])

"""Crossings after each message: exact, on one grid of prices for all legs."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.feed import Ints, Merged

Json = dict[str, Any]
LOWEST, HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Tops:
    """Best prices of every leg after every message, on the common grid.

    bid, ask: arrays (legs, messages), in `unit`.
    ready: array by message – whether every leg has both sides.
    """

    merged: Merged
    bid: Ints
    ask: Ints
    ready: NDArray[np.bool_]
    unit: Fraction

    @property
    def names(self) -> list[str]:
        """Names of the legs."""
        return [each.leg.name for each in self.merged.feeds]


def tops(merged: Merged, found: dict[str, Any]) -> Tops:
    """Return what Market said after each message, held until the leg's next one."""
    legs = [each.leg for each in merged.feeds]
    unit = common(Fraction(leg.tick) for leg in legs)
    count = len(merged)
    bid, ask = (np.zeros((len(legs), count), dtype=np.int64) for _ in range(2))
    whole = np.zeros((len(legs), count), dtype=bool)
    for at, leg in enumerate(legs):
        factor = int(Fraction(leg.tick) / unit)
        mine = merged.leg == at
        place = np.maximum.accumulate(np.where(mine, np.arange(count), -1))
        seen = place >= 0
        held = np.where(seen, place, 0)
        both = [found[key][held] for key in ("bid", "ask")]
        # A side that has no level; a book that is crossed with itself has both, and counts.
        has = seen & (both[0] != LOWEST) & (both[1] != HIGHEST)
        bid[at], ask[at] = (np.where(has, each, 0) * factor for each in both)
        whole[at] = has
    return Tops(merged, bid, ask, np.asarray(whole.all(axis=0)), unit)


def common(ticks: Any) -> Fraction:
    """Return the largest step on which every tick lies."""
    found = Fraction(0)
    for tick in ticks:
        a, b = found, tick
        while b:
            a, b = b, a % b
        found = a
    return found


def crossings(tops: Tops) -> Json:
    """Return counts, episodes, times and largest edges of every ordered pair of legs."""
    stamp, ready = tops.merged.stamp, tops.ready
    at = np.flatnonzero(ready)
    until = np.append(np.diff(stamp), 0)
    best_bid, best_ask = tops.bid.max(axis=0), tops.ask.min(axis=0)
    # Between two legs: a book that is crossed with itself is counted apart.
    crossed = np.zeros(len(ready), dtype=bool)
    for buy, sell in permutations(range(len(tops.names)), 2):
        crossed |= ready & (tops.bid[sell] > tops.ask[buy])
    moved = (np.diff(best_bid[at]) != 0) | (np.diff(best_ask[at]) != 0)
    return {
        "clock": tops.merged.clock,
        "messages": len(tops.merged),
        "evaluated": len(at),
        "first_evaluated_ts": int(stamp[at[0]]),
        "last_ts": int(stamp[-1]),
        "consolidated_crossed_events": int(crossed.sum()),
        "consolidated_crossed_ns": int(until[crossed].sum()),
        # The first state counts: before it there was none.
        "consolidated_bbo_changes": int(moved.sum()) + 1,
        "pairs": [
            pair(tops, buy, sell, until) for buy, sell in permutations(range(len(tops.names)), 2)
        ],
        "internal_crossed_or_locked": internal(tops),
    }


def internal(tops: Tops) -> dict[str, int]:
    """Return how often a message left its own book crossed or locked."""
    found = {}
    for at, name in enumerate(tops.names):
        mine = tops.merged.leg == at
        found[name] = int((mine & (tops.bid[at] >= tops.ask[at])).sum())
    return found


def pair(tops: Tops, buy: int, sell: int, until: Ints) -> Json:
    """Return the figures of buying on one leg and selling on another."""
    edge = tops.bid[sell] - tops.ask[buy]
    crossed = tops.ready & (edge > 0)
    begins = crossed.copy()
    begins[1:] &= ~crossed[:-1]
    at = largest(tops, edge)
    ask, bid = int(tops.ask[buy, at]), int(tops.bid[sell, at])
    stamp = tops.merged.stamp
    return {
        "buy": tops.names[buy],
        "sell": tops.names[sell],
        "crossed_events": int(crossed.sum()),
        "locked_events": int((tops.ready & (edge == 0)).sum()),
        "episodes": int(begins.sum()),
        "crossed_ns": int(until[crossed].sum()),
        "max_edge": float((bid - ask) * tops.unit),
        "max_edge_ts": int(stamp[at]),
        "max_edge_ask": float(ask * tops.unit),
        "max_edge_bid": float(bid * tops.unit),
        "first_cross_ts": int(stamp[np.argmax(crossed)]) if crossed.any() else None,
        "max_edge_bps": float(Fraction(bid - ask, ask) * 10_000),
    }


def largest(tops: Tops, edge: Ints) -> int:
    """Return the first message at which an edge is largest."""
    at = np.flatnonzero(tops.ready)
    return int(at[np.argmax(edge[at])])


def latencies(exchange: Ints, receive: Ints, none: int) -> Json | None:
    """Return what a leg's messages took; None where nothing has both stamps."""
    both = (exchange != none) & (receive != none)
    took = np.sort((receive - exchange)[both])
    if not len(took):
        return None

    def rank(percent: int) -> int:
        """Return the nearest rank: the least that at least so many percent do not exceed."""
        return int(took[-(-percent * len(took) // 100) - 1])

    return {
        "n": len(took),
        "min": int(took[0]),
        "p01": rank(1),
        "p50": rank(50),
        "p99": rank(99),
        "max": int(took[-1]),
        "negative": int((took < 0).sum()),
        "receive_goes_back": int((np.diff(receive[receive != none]) < 0).sum()),
        "exchange_goes_back": int((np.diff(exchange[exchange != none]) < 0).sum()),
    }

"""Every figure of an order-book or quote set that is merged by a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import numpy as np

from golden import moments
from golden.feed import NONE, Feed, Leg, Merged, merge
from golden.figures import Figures
from golden.ladders import average, final_book, library_ladder, merged_ladder, natively
from golden.market import Found, hedge_name, levels, market, replay
from golden.states import Tops, crossings, largest, latencies, tops

Json = dict[str, Any]

SECOND = 10**9


@dataclass(frozen=True)
class Asked:
    """What the reference has of one merged stream beside the crossings.

    step_ns: int – of its grid; 0 where it has none.
    sizes: tuple of str – base sizes whose prices the grid has.
    ladder: tuple of int – stamps of its merged ladders.
    currency, unit: str – what all legs are compared in.
    """

    step_ns: int = 0
    sizes: tuple[str, ...] = ()
    ladder: tuple[int, ...] = ()
    currency: str = "USD"
    unit: str = "BTC"


@dataclass(frozen=True)
class Streamed:
    """What came of one merged stream."""

    figures: Json
    grid: list[Json]
    ladders: list[Json]
    tops: Tops
    found: Found
    denominators: list[int]
    consolidated: bool


def leg_figures(feed: Feed) -> Json:
    """Return what the reference says of one leg alone."""
    stamps = {}
    for key in ("receive", "exchange"):
        known = getattr(feed, key)
        known = known[known != NONE]
        stamps[f"first_{key}"] = int(known[0]) if len(known) else None
        stamps[f"last_{key}"] = int(known[-1]) if len(known) else None
    return {
        "name": feed.leg.name,
        "venue": feed.leg.venue,
        "instrument": feed.leg.instrument,
        "rows_by_kind": feed.kinds,
        "book_messages": len(feed),
        "level_updates": len(feed.message),
        "snapshots": int(feed.snapshot.sum()),
        **stamps,
        "latency_ns": latencies(feed.exchange, feed.receive, NONE),
    }


def legs_figures(feeds: list[Feed]) -> Json:
    """Return the figures of all legs, and how their latencies differ."""
    legs = [leg_figures(feed) for feed in feeds]
    took = {each["name"]: each["latency_ns"] for each in legs if each["latency_ns"]}
    skews: dict[str, dict[str, int]] = {"p50": {}, "min": {}}
    for a, b in combinations(sorted(took), 2):
        for key, found in skews.items():
            found[f"{a}-{b}"] = took[a][key] - took[b][key]
    return {
        "legs": legs,
        "latency": {},
        "median_latency_skew_ns": skews["p50"],
        "min_latency_skew_ns": skews["min"],
    }


def stream(feeds: list[Feed], clock: str, asked: Asked) -> Streamed:
    """Return every figure of the legs merged by one clock, out of replays through Market."""
    merged = merge(feeds, clock)
    legs = [feed.leg for feed in feeds]
    book = market(legs, asked.currency, asked.unit)
    found = replay(book, merged)
    over = [book.denominator(each) for each in range(len(list(combinations(legs, 2))))]
    top = tops(merged, found)
    figures = crossings(top)
    at_largest = {
        pair: largest(top, top.bid[pair[1]] - top.ask[pair[0]])
        for pair in permutations(range(len(legs)), 2)
    }
    grid_at = instants(top, asked.step_ns) if asked.step_ns else {}
    ladder_at = {stamp: state_at(merged, stamp) for stamp in asked.ladder}
    seen = visited(feeds, merged, asked, (at_largest, grid_at, ladder_at))
    for each, (pair, at) in zip(figures["pairs"], at_largest.items(), strict=True):
        for key, leg, side in (("buy", pair[0], 1), ("sell", pair[1], 0)):
            lots = seen.tops[at][leg][side]
            size = None if feeds[leg].unsized else legs[leg].size(lots)
            each[f"max_edge_top_qty_{key}"] = size
    figures["final_books"] = seen.final
    rows = [grid_row(stamp, top, feeds, seen, at) for stamp, at in grid_at.items()]
    if rows:
        figures["grid"] = grid_figures(rows, legs, asked)
    ladders = [{"ts_ns": stamp, **seen.ladders[at]} for stamp, at in ladder_at.items()]
    return Streamed(figures, rows, ladders, top, found, over, seen.equal)


@dataclass
class Seen:
    """What was read from the books at the messages where the replay stopped."""

    tops: dict[int, list[tuple[int, int]]]
    prices: dict[int, dict[str, Fraction | None]]
    ladders: dict[int, Json]
    final: Json
    # Whether the library's own merged ladders of two legs are the same.
    equal: bool


def visited(
    feeds: list[Feed],
    merged: Merged,
    asked: Asked,
    stops: tuple[dict[tuple[int, int], int], dict[int, int], dict[int, int]],
) -> Seen:
    """Replay once more, stopping where something is to be read from the books."""
    legs = [feed.leg for feed in feeds]
    book = market(legs, asked.currency, asked.unit)
    of_largest, of_grid, of_ladder = (set(each.values()) for each in stops)
    seen = Seen({}, {}, {}, {}, equal=True)

    def visit(at: int) -> None:
        best = [levels(book, leg, 1) for leg in legs]
        seen.tops[at] = [(sides[0][0][1], sides[1][0][1]) for sides in best if all(sides)]
        if at in of_grid:
            seen.prices[at] = prices(book, legs, asked.sizes)
        if at in of_ladder:
            seen.ladders[at] = merged_ladder(book, legs)
            if len(legs) == 2:
                seen.equal &= natively(seen.ladders[at]) == library_ladder(book, legs)

    replay(book, merged, of_largest | of_grid | of_ladder, visit, hedges=[])
    seen.final = {feed.leg.name: final_book(book, feed) for feed in feeds}
    return seen


def prices(book: Any, legs: list[Leg], sizes: tuple[str, ...]) -> dict[str, Fraction | None]:
    """Return what selling a size on one leg brings over buying it on another, by base."""
    found: dict[str, Fraction | None] = {}
    taken = {
        (leg.name, taker, size): average(book, leg, taker, size)
        for leg in legs
        for taker in ("buy", "sell")
        for size in sizes
    }
    for buy, sell in permutations(legs, 2):
        for size in sizes:
            paid, got = taken[buy.name, "buy", size], taken[sell.name, "sell", size]
            both = None if paid is None or got is None else got - paid
            found[f"exec_buy_{buy.name}_sell_{sell.name}_q{size}"] = both
    return found


def state_at(merged: Merged, stamp: int) -> int:
    """Return the last message whose clock is not beyond a stamp."""
    return int(np.searchsorted(merged.stamp, stamp, side="right")) - 1


def instants(top: Tops, step: int) -> dict[int, int]:
    """Return the last message at every whole step of the clock, from the first full state."""
    stamps = top.merged.stamp
    first = int(stamps[int(np.argmax(top.ready))])
    grid = range(-(-first // step) * step, int(stamps[-1]) + 1, step)
    return {stamp: state_at(top.merged, stamp) for stamp in grid}


def grid_row(stamp: int, top: Tops, feeds: list[Feed], seen: Seen, at: int) -> Json:
    """Return one row of the grid, as its file has it."""
    row: Json = {"ts_ns": stamp}
    for leg, feed in enumerate(feeds):
        name = feed.leg.name
        sizes = [None if feed.unsized else feed.leg.size(each) for each in seen.tops[at][leg]]
        row |= {
            f"{name}_bid": float(int(top.bid[leg, at]) * top.unit),
            f"{name}_bidsz": sizes[0],
            f"{name}_ask": float(int(top.ask[leg, at]) * top.unit),
            f"{name}_asksz": sizes[1],
        }
    return row | {
        key: None if value is None else float(value) for key, value in seen.prices[at].items()
    }


def grid_figures(rows: list[Json], legs: list[Leg], asked: Asked) -> Json:
    """Return the statistics of the grid: middles, their differences and ratios, sizes' prices."""
    middles = {
        leg.name: [(row[f"{leg.name}_bid"] + row[f"{leg.name}_ask"]) / 2 for row in rows]
        for leg in legs
    }
    mid = {
        name: {"first": each[0], "last": each[-1], "min": min(each), "max": max(each)}
        for name, each in middles.items()
    }
    found: Json = {"rows": len(rows), "step_ns": asked.step_ns, "mid": mid}
    kinds: tuple[tuple[str, str, Callable[[float, float], float]], ...] = (
        ("mid_spread", "-", lambda a, b: a - b),
        ("mid_ratio", "/", lambda a, b: a / b),
    )
    for key, sign, compared in kinds:
        found[key] = {
            f"{a.name}{sign}{b.name}": moments.spread(
                [compared(x, y) for x, y in zip(middles[a.name], middles[b.name], strict=True)]
            )
            for a, b in combinations(legs, 2)
        }
    names = [key for key in rows[0] if key.startswith("exec_")]
    if names:
        found["exec"] = {name: sized(rows, name) for name in names}
    return found


def sized(rows: list[Json], name: str) -> Json:
    """Return the statistics of one size's price over the grid."""
    known = [(row[name], row["ts_ns"]) for row in rows if row[name] is not None]
    values = [value for value, _ in known]
    top = max(values)
    return {
        "n": len(values),
        "positive": sum(value > 0 for value in values),
        "max": top,
        "max_ts": next(stamp for value, stamp in known if value == top),
        "mean": moments.mean(values),
    }


def edges_of_hedges(streamed: Streamed, legs: list[Leg], figures: Figures) -> None:
    """Compare the edges that the library's hedges give with those of the touches.

    Entering a hedge sells its first leg at the bid and buys its second at the ask; `valid` says
    that both books are whole, so a book crossed with itself prices nothing.
    """
    top, found = streamed.tops, streamed.found
    for number, (a, b) in enumerate(combinations(range(len(legs)), 2)):
        valid = found["valid"][:, number]
        name = hedge_name(legs[a], legs[b])
        factor = top.unit * streamed.denominators[number]
        for key, touch in (
            ("enter", top.bid[a] - top.ask[b]),
            ("exit", top.ask[a] - top.bid[b]),
        ):
            mine = found[key][:, number][valid] * factor.denominator
            same = bool((mine == touch[valid] * factor.numerator).all())
            figures.equal(f"{name}.{key} of the hedge in every state", same, theirs=True)

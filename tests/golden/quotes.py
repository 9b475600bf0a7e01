"""Sets that are no merged order books: lags, single ticks, last prints, two full books at once."""

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from golden.etf import SECOND, clock
from golden.feed import NONE, Feed, Ints, Leg
from golden.market import levels
from golden.moments import deviation, mean
from golden.raw.wondertrader import Tick
from golden.states import Tops

Json = dict[str, Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def middles(top: Tops, leg: int, at: Ints) -> Floats:
    """Return the middle of a leg in the last state not beyond each stamp."""
    place = np.searchsorted(top.merged.stamp, at, side="right") - 1
    unit = top.unit / 2
    both = top.bid[leg, place] + top.ask[leg, place]
    found: Floats = both * unit.numerator / unit.denominator
    return found


def lag(top: Tops, step_ms: int = 200, reach_ms: int = 3000, margin_s: int = 10) -> Json:
    """Return how far the second leg follows the first: the shift at which they differ least.

    The grid of one second begins a margin after the first state and ends as long before the last.
    """
    stamps = top.merged.stamp
    first = int(stamps[int(np.argmax(top.ready))])
    margin = margin_s * SECOND
    grid = np.arange(first + margin, int(stamps[-1]) - margin + 1, SECOND)
    mine = middles(top, 0, grid)
    curve = []
    for shift in range(-reach_ms, reach_ms + 1, step_ms):
        theirs = middles(top, 1, grid + shift * 1_000_000)
        curve.append([shift, float(np.abs(mine - theirs).mean())])
    best = min(curve, key=lambda each: each[1])
    return {
        "best_lag_ms": best[0],
        "best_mean_abs": best[1],
        "zero_lag_mean_abs": next(value for shift, value in curve if shift == 0),
        "curve": curve,
    }


def single(top: Tops, ticks: list[Tick], leg: Leg) -> Json:
    """Return the figures of one contract's ticks; quotes as Market has them."""
    stamps = np.array([each.stamp for each in ticks])
    between = np.diff(stamps)
    prices = [each.price for each in ticks]
    unit = top.unit
    wide = [float(int(each) * unit) for each in top.ask[0] - top.bid[0]]
    volume = sum(each.volume for each in ticks)
    turnover = sum(Fraction(str(each.turnover)) for each in ticks)
    codes: dict[str, int] = {}
    for each in ticks:
        codes[each.code] = codes.get(each.code, 0) + 1
    return {
        "ticks": len(ticks),
        "codes": codes,
        "first_ts": int(stamps[0]),
        "last_ts": int(stamps[-1]),
        "first": clock(int(stamps[0])),
        "last": clock(int(stamps[-1])),
        "volume_sum": volume,
        "last_total_volume": ticks[-1].total_volume,
        "last_price": prices[-1],
        "max_price": max(prices),
        "min_price": min(prices),
        "mean_spread": mean(wide),
        "one_sided": int((~top.ready).sum()),
        "dup_ts": int((between == 0).sum()),
        "back_ts": int((between < 0).sum()),
        "interarrival_median_ms": float(np.median(between) / 1e6),
        "interarrival_max_s": float(between.max() / SECOND),
        "open_interest_last": ticks[-1].open_interest,
        "vwap": float(turnover / volume / leg.mult),
    }


def prints(top: Tops, feeds: list[Feed]) -> Json:
    """Return the difference of two legs' last prints; each print stands as a locked quote."""
    ready = np.flatnonzero(top.ready)
    values = [float(int(each) * top.unit) for each in (top.bid[0] - top.bid[1])[ready]]
    largest = max(range(len(values)), key=lambda at: abs(values[at]))
    names = [feed.leg.name for feed in feeds]
    between = [np.diff(feed.exchange) for feed in feeds]
    return {
        "prints": {name: len(feed) for name, feed in zip(names, feeds, strict=True)},
        "dup_second": {n: int((each == 0).sum()) for n, each in zip(names, between, strict=True)},
        "back": {n: int((each < 0).sum()) for n, each in zip(names, between, strict=True)},
        "states": len(values),
        "mean": mean(values),
        "sd": deviation(values),
        "min": min(values),
        "max": max(values),
        "largest_abs": {
            "value": values[largest],
            "ts": int(top.merged.stamp[ready[largest]]),
        },
    }


def as_quotes(table: pa.Table) -> pa.Table:
    """Return prints as messages of a bid and an ask at the printed price."""
    doubled = table.take(pa.array(np.repeat(np.arange(table.num_rows), 2)))
    count = table.num_rows
    for key, column in (
        ("side", pa.array(["bid", "ask"] * count)),
        ("kind", pa.array(["snapshot"] * (2 * count))),
    ):
        place = doubled.schema.get_field_index(key)
        doubled = doubled.set_column(place, key, column)
    return doubled


def two_books(book: Any, legs: list[Leg]) -> Json:
    """Return what buying on one leg and selling on the other would make, both ways."""
    return {
        f"buy {buy.name} sell {sell.name}": greedy(book, buy, sell)
        for buy, sell in ((legs[0], legs[1]), (legs[1], legs[0]))
    }


def greedy(book: Any, buy: Leg, sell: Leg) -> Json:
    """Walk both books while the bid exceeds the ask; the library prices what was found."""
    asks = levels(book, buy, 10_000)[1]
    bids = levels(book, sell, 10_000)[0]
    edge = Fraction(sell.tick) * bids[0][0] - Fraction(buy.tick) * asks[0][0]
    lots = ask_at = bid_at = 0
    left = [asks[0][1], bids[0][1]]
    while ask_at < len(asks) and bid_at < len(bids):
        paid, got = (
            Fraction(leg.tick) * each[at][0]
            for leg, each, at in ((buy, asks, ask_at), (sell, bids, bid_at))
        )
        if got <= paid:
            break
        some = min(left)
        lots += some
        left = [each - some for each in left]
        if not left[0]:
            ask_at += 1
            left[0] = asks[ask_at][1] if ask_at < len(asks) else 0
        if not left[1]:
            bid_at += 1
            left[1] = bids[bid_at][1] if bid_at < len(bids) else 0
    cost = Fraction(buy.tick) * book.walk(buy.key, "buy", lots)[0] * Fraction(buy.lot)
    proceeds = Fraction(sell.tick) * book.walk(sell.key, "sell", lots)[0] * Fraction(sell.lot)
    size = Fraction(buy.lot) * lots
    return {
        "top_edge": float(edge),
        "executable_qty": float(size),
        "gross_profit": float(proceeds - cost),
        "cost": float(cost),
        "vwap_buy": float(cost / size) if lots else None,
        # Levels that are used up; a last one of which something is left does not count.
        "ask_levels_used": ask_at,
        "bid_levels_used": bid_at,
    }


def stamped(feed: Feed) -> Ints:
    """Return the exchange stamps of a leg that has them all."""
    assert (feed.exchange != NONE).all()
    return feed.exchange

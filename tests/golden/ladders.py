"""What stands in the books at one moment: final books, merged ladders, prices of a whole size."""

import hashlib
from decimal import Decimal
from fractions import Fraction
from typing import Any

from golden.feed import Feed, Leg
from golden.market import Levels, levels, plain

Json = dict[str, Any]

DEPTH = 1_000_000


def text(step: str, count: int) -> str:
    """Return so many steps in plain decimal without trailing zeros."""
    number = plain(Fraction(step) * count)
    return number.rstrip("0").rstrip(".") if "." in number else number


def final_book(book: Any, feed: Feed) -> Json:
    """Return counts, best levels and the SHA-256 of a book's lines."""
    leg = feed.leg
    bids, asks = levels(book, leg, DEPTH)

    def size(lots: int) -> float | None:
        return None if feed.unsized else leg.size(lots)

    def lines(side: str, found: Levels) -> str:
        return "".join(
            f"{side},{text(leg.tick, ticks)},{'' if feed.unsized else text(leg.lot, lots)}\n"
            for ticks, lots in found
        )

    written = lines("bid", bids) + lines("ask", asks)
    return {
        "bid_levels": len(bids),
        "ask_levels": len(asks),
        "best_bid": leg.price(bids[0][0]),
        "best_ask": leg.price(asks[0][0]),
        "top5_bids": [[leg.price(ticks), size(lots)] for ticks, lots in bids[:5]],
        "top5_asks": [[leg.price(ticks), size(lots)] for ticks, lots in asks[:5]],
        "sha256": hashlib.sha256(written.encode()).hexdigest(),
    }


def merged_ladder(book: Any, legs: list[Leg], depth: int = 10) -> Json:
    """Return the best levels over all legs; equal prices are one level, sizes in base."""
    found: Json = {}
    both = [levels(book, leg, depth) for leg in legs]
    for key, side, best_first in (("bids", 0, -1), ("asks", 1, 1)):
        prices: dict[Fraction, tuple[Fraction, dict[str, float]]] = {}
        for leg, sides in zip(legs, both, strict=True):
            for ticks, lots in sides[side]:
                price = Fraction(leg.tick) * ticks
                base, native = prices.get(price, (Fraction(0), {}))
                prices[price] = (base + leg.base(ticks, lots), {**native, leg.name: leg.size(lots)})
        best = sorted(prices, key=lambda price: best_first * price)[:depth]
        found[key] = [[float(price), float(prices[price][0]), prices[price][1]] for price in best]
    return found


def library_ladder(book: Any, legs: list[Leg], depth: int = 10) -> Json:
    """Return the same for two legs as the library's first hedge puts their levels together.

    Sizes are those of the legs alone: what a lot of an inverse contract is worth it is not told.
    """
    table = book.consolidated(0, 2 * depth)
    names = {leg.key: leg for leg in legs}
    found: Json = {"bids": [], "asks": []}
    columns = ("side", "instrument", "price", "lots")
    for side, key, price, lots in zip(*(table[name].to_pylist() for name in columns), strict=True):
        leg, levels_of = names[key], found[f"{side}s"]
        if not levels_of or levels_of[-1][0] != float(price):
            levels_of.append([float(price), {}])
        levels_of[-1][1][leg.name] = leg.size(lots)
    return {side: each[:depth] for side, each in found.items()}


def natively(ladder: Json) -> Json:
    """Return a merged ladder without what its levels are in base."""
    return {
        side: [[price, native] for price, _, native in ladder[side]] for side in ("bids", "asks")
    }


def average(book: Any, leg: Leg, taker: str, base: str) -> Fraction | None:
    """Return the average price of taking so much base; None where it is not all there.

    A linear leg is walked by the library; an inverse one from its ladder, because its lots are not
    base.
    """
    wanted = Fraction(Decimal(base))
    if not leg.inverse:
        lots = wanted / (Fraction(leg.lot) * leg.mult)
        assert lots.denominator == 1
        cost, taken = book.walk(leg.key, taker, int(lots))
        return Fraction(leg.tick) * cost / taken if taken == lots else None
    depth, there = 50, -1
    while True:
        side = levels(book, leg, depth)[taker == "buy"]
        found = walked(leg, side, wanted)
        if found is not None or len(side) == there:
            return found
        depth, there = depth * 10, len(side)


def walked(leg: Leg, side: Levels, wanted: Fraction) -> Fraction | None:
    """Return the average price of taking so much base out of levels."""
    cost, left = Fraction(0), wanted
    for ticks, lots in side:
        taken = min(left, leg.base(ticks, lots))
        cost += taken * ticks * Fraction(leg.tick)
        left -= taken
        if not left:
            return cost / wanted
    return None

"""A slow, obvious market: what `cm.Market` is checked against where the two can be compared."""

from typing import Any

import numpy as np
import pyarrow as pa

from golden.feed import Columns, Leg

Side = dict[int, int]
LOWEST, HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class SlowMarket:
    """Books as plain dicts, with the same calls as `cm.Market`; instruments by leg."""

    def __init__(self, legs: list[Leg]) -> None:
        self.legs = legs
        self.books: list[tuple[Side, Side]] = [({}, {}) for _ in legs]
        self.best: list[list[int | None]] = [[None, None] for _ in legs]

    def id(self, name: str) -> int:
        """Return the number of an instrument."""
        return [leg.key for leg in self.legs].index(name)

    def take(self, leg: int, side: int, row: int, price: int, qty: int) -> None:
        """Apply one row."""
        if row in (0, 3):
            self.books[leg] = ({}, {})
            self.best[leg] = [None, None]
        levels, best = self.books[leg][side], self.best[leg][side]
        better = max if side == 0 else min
        if qty:
            levels[price] = qty
            self.best[leg][side] = price if best is None else better(best, price)
        elif levels.pop(price, None) is not None and price == best:
            self.best[leg][side] = better(levels, default=None)

    def columns(self, columns: Columns) -> dict[str, Any]:
        """Apply rows; returns best prices after each message."""
        found: list[tuple[int, int, int, int, bool]] = []
        names = ("instrument", "side", "row", "price", "qty")
        rows = zip(*(columns[name].tolist() for name in names), strict=True)
        for at, (leg, side, row, price, qty) in enumerate(rows):
            self.take(leg, side, row, price, qty)
            if row >= 3:
                bid, ask = self.best[leg]
                whole = bid is not None and ask is not None and bid <= ask
                found.append(
                    (
                        at,
                        leg,
                        LOWEST if bid is None else bid,
                        HIGHEST if ask is None else ask,
                        whole,
                    )
                )
        columns_found = list(zip(*found, strict=True)) or [()] * 5
        kinds = (np.int64, np.uint16, np.int64, np.int64, np.bool_)
        keys = ("at", "instrument", "bid", "ask", "whole")
        return {
            key: np.array(column, dtype=kind)
            for key, column, kind in zip(keys, columns_found, kinds, strict=True)
        }

    def ladder(self, name: str, depth: int = 10) -> pa.Table:
        """Return the best levels, best first."""
        bids, asks = self.books[self.id(name)]
        rows = [("bid", price, bids[price]) for price in sorted(bids, reverse=True)[:depth]]
        rows += [("ask", price, asks[price]) for price in sorted(asks)[:depth]]
        side, ticks, lots = zip(*rows, strict=True) if rows else [()] * 3
        return pa.table({"side": list(side), "ticks": list(ticks), "lots": list(lots)})

    def walk(self, name: str, taker: str, lots: int) -> tuple[int, int]:
        """Return the cost, ticks times lots, of taking lots, and the lots that were there."""
        bids, asks = self.books[self.id(name)]
        ordered = sorted(asks.items()) if taker == "buy" else sorted(bids.items(), reverse=True)
        cost = taken = 0
        for price, there in ordered:
            some = min(there, lots - taken)
            cost, taken = cost + some * price, taken + some
        return cost, taken

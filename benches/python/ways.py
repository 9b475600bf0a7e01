"""Ways through books and merged prices: ours by each door, and the limits in C.

Each is a generator as `turns` wants it, and ends with the touches of both markets or with a count
that all of its kind must agree on.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import cross_market as cm
from limits import limits
from turns import Ends, Way
from workload import Touch, Workload, config

Callback = Callable[[int, Any, Any, int], object]


class Ours:
    """The doors of `Market`."""

    def __init__(self, work: Workload) -> None:
        self.work = work

    def touches(self, market: cm.Market) -> list[Touch | None]:
        return [market.touch(0), market.touch(1)]

    def read_when_moved(self) -> Ends:
        """W1: one row a call; the touch is read when the call says that it moved."""
        market = cm.Market(config())
        level, touch = market.level, market.touch
        touches: list[Any] = [None, None]
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                if level(at, side, price, lots):
                    touches[at] = touch(at)
        yield None
        return touches

    def read_always(self) -> Ends:
        """W1, read after every row."""
        market = cm.Market(config())
        level, touch = market.level, market.touch
        touches: list[Any] = [None, None]
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                level(at, side, price, lots)
                touches[at] = touch(at)
        yield None
        return touches

    def apply(self) -> Ends:
        """W1a: one row a call, nothing is read."""
        market = cm.Market(config())
        level = market.level
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                level(at, side, price, lots)
        yield None
        return self.touches(market)

    def spread(self) -> Ends:
        """W3p: one row a call; the better cross spread is read when a touch moved."""
        market = cm.Market(config())
        level, spread = market.level, market.spread
        better: Any = None
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                if level(at, side, price, lots):
                    better = spread(0)
        yield None
        return better // market.denominator(0)

    def columns(self, hedges: tuple[str, ...]) -> Ends:
        """W2 without hedges, W3 with one: columns in, columns out."""
        market = cm.Market(config())
        found: Any = {}
        for columns in self.work.columns:
            yield None
            found = market.columns(columns, hedges=hedges)
        yield None
        if hedges:
            assert found["valid"][-1].all()
            over = market.denominator(0)
            return [int(found["enter"][-1, 0]) // over, -int(found["exit"][-1, 0]) // over]
        last = len(found["at"]) - 1
        assert found["whole"][last]
        touch = (int(found["bid"][last]), int(found["ask"][last]))
        assert touch == market.touch(int(found["instrument"][last]))
        return self.touches(market)

    def each(self) -> Ends:
        """W4p: columns in, a Python strategy called at each message end."""
        market = cm.Market(config())
        strategy = Strategy()
        for columns in self.work.messages:
            yield None
            strategy.calls += market.each(columns, strategy.told)
        yield None
        return strategy.ended


class Strategy:
    """Counts the messages after which one market's bid is above the other's ask by over a tick."""

    def __init__(self) -> None:
        bid, ask = [0, 0], [1 << 40, 1 << 40]
        self.calls = 0
        self.hits = hits = [0]

        def told(at: int, best_bid: Any, best_ask: Any, receive: int) -> None:  # noqa: ANN401
            bid[at] = best_bid
            ask[at] = best_ask
            if bid[0] - ask[1] > 1 or bid[1] - ask[0] > 1:
                hits[0] += 1

        self.told: Callback = told

    @property
    def ended(self) -> tuple[int, int]:
        return self.calls, self.hits[0]


class Limits:
    """The same by hand in C."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.c: ModuleType = limits()

    def touches(self) -> list[Touch]:
        return [self.c.touch(0), self.c.touch(1)]

    def read_always(self) -> Ends:
        self.c.reset(self.work.low)
        apply = self.c.apply_touch
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                bid, ask = apply(at, side, price, lots)
        yield None
        assert (bid, ask) in self.touches()
        return self.touches()

    def apply(self) -> Ends:
        self.c.reset(self.work.low)
        apply = self.c.apply
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                apply(at, side, price, lots)
        yield None
        return self.touches()

    def spread(self) -> Ends:
        self.c.reset(self.work.low)
        apply = self.c.apply_spread
        for columns in self.work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                better = apply(at, side, price, lots)
        yield None
        return better

    def batch(self, *, is_of_spreads: bool = False) -> Ends:
        self.c.reset(self.work.low)
        batch = self.c.batch_spreads if is_of_spreads else self.c.batch_touch
        for rows in self.work.raw:
            yield None
            out = np.empty((len(rows), 2), np.int32)
            batch(rows, out)
        yield None
        return out[-1].tolist() if is_of_spreads else self.touches()

    def columns(self) -> Ends:
        """The columns of W2 as they are given, and the same columns out."""
        self.c.reset(self.work.low)
        for columns in self.work.columns:
            yield None
            rows = len(columns["side"])
            kinds = ("i8", "u2", "i8", "i8", "?")
            given = [columns[name] for name in ("instrument", "side", "price", "qty")]
            self.c.columns_touch(*given, *(np.empty(rows, kind) for kind in kinds))
        yield None
        return self.touches()

    def each(self) -> Ends:
        self.c.reset(self.work.low)
        strategy = Strategy()
        for rows in self.work.raw:
            yield None
            strategy.calls += self.c.replay(rows, strategy.told)
        yield None
        return strategy.ended


def rows(work: Workload) -> dict[str, dict[str, Way]]:
    """Return the ways of each row of the table: `ours`, `limit`, and what else is worth knowing."""
    ours, c = Ours(work), Limits(work)
    return {
        "W1": {"ours": ours.read_when_moved, "always": ours.read_always, "limit": c.read_always},
        "W1a": {"ours": ours.apply, "limit": c.apply},
        "W2": {"ours": lambda: ours.columns(()), "columns": c.columns, "limit": c.batch},
        "W3": {
            "ours": lambda: ours.columns(("h",)),
            "limit": lambda: c.batch(is_of_spreads=True),
        },
        "W3p": {"ours": ours.spread, "limit": c.spread},
        "W4p": {"ours": ours.each, "limit": c.each},
    }

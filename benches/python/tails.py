"""W9: the time of single calls, with the clock's own two readings in it."""

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np

import cross_market as cm
from limits import limits
from workload import Workload, config

QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
Tail = dict[str, int]


def measured(call: Callable[..., object], rows: list[tuple[Any, ...]]) -> Tail:
    """Return quantiles of the time of one call, ns."""
    clock = perf_counter_ns
    taken = np.zeros(len(rows), np.int64)
    times = taken.tolist()
    for at, row in enumerate(rows):
        begin = clock()
        call(*row)
        times[at] = clock() - begin
    ordered = np.sort(np.array(times))
    return {name: int(ordered[int(len(ordered) * part)]) for name, part in QUANTILES.items()}


def ways(work: Workload) -> dict[str, Callable[[], tuple[Tail, Any]]]:
    """Return what is measured; each gives its tail, and the touches it ended with."""
    rows = [row for columns in work.plain for row in zip(*columns, strict=True)]
    c = limits()

    def ours() -> tuple[Tail, Any]:
        market = cm.Market(config())
        level, touch = market.level, market.touch

        def call(at: int, side: int, price: int, lots: int) -> Any:  # noqa: ANN401
            return touch(at) if level(at, side, price, lots) else None

        return measured(call, rows), [touch(0), touch(1)]

    def limit() -> tuple[Tail, Any]:
        c.reset(work.low)
        apply = c.apply_touch

        def call(at: int, side: int, price: int, lots: int) -> Any:  # noqa: ANN401
            return apply(at, side, price, lots)

        return measured(call, rows), [c.touch(0), c.touch(1)]

    def nothing() -> tuple[Tail, Any]:
        def call(at: int, side: int, price: int, lots: int) -> Any:  # noqa: ANN401
            return None

        return measured(call, rows), work.touches

    return {"ours": ours, "limit": limit, "clock": nothing}

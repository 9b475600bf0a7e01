"""Plans, made in a stated time."""

import time
from dataclasses import replace
from importlib import import_module
from types import ModuleType

from cross_market.contracts.units import TIMES, parse_span
from cross_market.errors import InternalError, UsageError
from cross_market.funds.allocation.model import Model, compiled
from cross_market.funds.allocation.proof import mended, proven
from cross_market.funds.allocation.reasons import told, value
from cross_market.funds.allocation.solver import Found, Solver
from cross_market.funds.allocation.values import Plan, Snapshot

# The share of the time that proof and reasons have in any case; beside it they have as long as the
# snapshot took to be read, since they grow with it.
RESERVE = 0.15


class Allocator:
    """Makes plans, and keeps the last good one.

    time_limit: str, time – of one plan, from the snapshot to what is returned.
    """

    def __init__(self, *, time_limit: str = "1 s") -> None:
        self._limit = parse_span(time_limit, "time_limit") / TIMES["s"]
        self._last: Plan | None = None
        try:
            self._highs: ModuleType = import_module("highspy")
        except ImportError as error:
            install = "pip install 'cross-market[solver]'"
            text = f"a plan needs highspy: {install}"
            raise UsageError(text, call="Allocator") from error

    def plan(self, snapshot: Snapshot) -> Plan:
        """Return the best plan that was found in time, or the last good one.

        Raises ConfigError for a snapshot that does not fit itself, UsageError when no plan was
        found and there was none before.
        """
        begun = time.monotonic()
        model = compiled(snapshot)
        solver = Solver(self._highs, model)
        reserve = self._limit * RESERVE + time.monotonic() - begun
        until = begun + self._limit - reserve / 2
        found = solver.best(search_until=until - reserve / 2, until=until)
        if found is None:
            if self._last is None:
                text = "no plan was found in time"
                raise UsageError(text, call="Allocator.plan")
            return replace(self._last, is_last=True)
        sets, moved = settled(model, solver, found, until)
        if not proven(model, sets, moved):
            text = "a plan was mended and does not hold"
            raise InternalError(text, invariant="allocation proven")
        self._last = told(model, sets, moved, found.bound)
        return self._last


def settled(
    model: Model, solver: Solver, found: Found, until: float
) -> tuple[list[int], list[int]]:
    """Return what was found in whole numbers: it holds, and of plans as good it moves less."""
    parts = []
    # Where steps or rates make amounts that are not whole, a hair of room lets them be rounded.
    for is_narrow in (False, True):
        less = solver.least_moved(found.sets, found.moved, is_narrow=is_narrow, until=until)
        parts.append(mended(model, found.sets, found.moved if less is None else less))
        if all(kept >= wanted for kept, wanted in zip(parts[-1][0], found.sets, strict=True)):
            break
    return max(parts, key=lambda each: value(model, *each))

"""The solver: a model in, sets and amounts out, as far as floating numbers say.

HiGHS on one thread with a fixed seed. Its start is the relaxation rounded down: from the first
moment there is a plan to give back, and looking for one at the root costs more than it brings.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from types import ModuleType
from typing import TYPE_CHECKING

from cross_market.funds.allocation.model import Model
from cross_market.funds.allocation.programme import Programme
from cross_market.funds.allocation.values import UNIT

if TYPE_CHECKING:
    from highspy import Highs

# How far a number may be from whole, or beyond a bound, in the scales of the programme.
TOLERANCE = 1e-8
OPTIONS = {
    "threads": 1,
    "random_seed": 0,
    "mip_rel_gap": 1e-6,
    "mip_allow_restart": False,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_rens": False,
    "mip_pscost_minreliable": 4,
    "primal_feasibility_tolerance": TOLERANCE,
}


@dataclass(slots=True)
class Found:
    """What was found. bound: float, 10⁻⁹ of the report's currency – no plan has more."""

    sets: list[int]
    moved: list[int]
    bound: float


class Solver:
    """Solves programmes of one model.

    highspy: module.
    """

    def __init__(self, highspy: ModuleType, model: Model) -> None:
        self._highspy = highspy
        self._model = model
        self._programme = Programme(model, is_narrow=False)

    def best(self, *, search_until: float, until: float) -> Found | None:
        """Return the best plan that was found in time, or None.

        search_until: float, s – on the monotonic clock, when the search for a better one ends.
        until: float, s – when the relaxation, from which it starts, is given up.
        """
        programme = self._programme
        if not programme.width:
            return Found([], [0] * len(self._model.ways), 0.0)
        costs, most = worth(programme), programme.upper()
        least = [0.0] * programme.width
        relaxed = self._run(programme, costs, least, most, until=until)
        if relaxed is None:
            return None
        values = relaxed.getSolution().col_value
        sets = [float(floor(value + TOLERANCE)) for value in values[: programme.moves]]
        uses = [float(ceil(value - TOLERANCE)) for value in values[programme.uses :]]
        values = [*sets, *values[programme.moves : programme.uses], *uses]
        bound = relaxed.getInfo().objective_function_value
        # Where the time is over before the first step of the search, the start is what there is.
        solved = self._run(programme, costs, least, most, until=search_until, start=values)
        if solved is not None:
            values = solved.getSolution().col_value
            bound = max(bound, solved.getInfo().mip_dual_bound)
        return Found(
            [round(value) for value in values[: programme.moves]],
            amounts(programme, values),
            -float(bound) * UNIT,
        )

    def least_moved(
        self, sets: Sequence[int], moved: Sequence[int], *, is_narrow: bool, until: float
    ) -> list[int] | None:
        """Return the least amounts that carry these sets, using no way that costs and is not used.

        is_narrow: bool – see `Programme`. until: float, s – on the monotonic clock.
        """
        programme = Programme(self._model, is_narrow=True) if is_narrow else self._programme
        model, most = self._model, programme.upper()
        costs = [0.0] * programme.width
        for place, at in enumerate(programme.ways):
            source = model.ways[at].source
            worth_of = model.report[model.currency[source]]
            costs[programme.moves + place] = float(worth_of) / programme.of(UNIT, source)
        for use, place in enumerate(programme.fixed, programme.uses):
            most[use] = float(moved[programme.ways[place]] > 0)
        fixed = [float(count) for count in sets]
        least = [*fixed, *([0.0] * len(programme.ways)), *most[programme.uses :]]
        most[: programme.moves] = fixed
        found = self._run(programme, costs, least, most, until=until)
        return None if found is None else amounts(programme, found.getSolution().col_value)

    def _run(
        self,
        programme: Programme,
        costs: Sequence[float],
        least: Sequence[float],
        most: Sequence[float],
        *,
        until: float,
        start: Sequence[float] | None = None,
    ) -> "Highs | None":
        """Return the solver with a solution, or None; whole numbers where there is a start."""
        left = until - time.monotonic()
        if left <= 0:
            return None
        highspy = self._highspy
        lp = highspy.HighsLp()
        rows = len(programme.bounds)
        lp.num_col_, lp.num_row_ = programme.width, rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, least, most
        lp.row_lower_, lp.row_upper_ = [-highspy.kHighsInf] * rows, programme.bounds
        starts = [0]
        for columns in programme.columns:
            starts.append(starts[-1] + len(columns))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = starts
        lp.a_matrix_.index_ = [at for columns in programme.columns for at in columns]
        lp.a_matrix_.value_ = [value for values in programme.values for value in values]
        highs = highspy.Highs()
        highs.silent()
        for name, value in OPTIONS.items():
            highs.setOptionValue(name, value)
        highs.setOptionValue("time_limit", left)
        if start is not None:
            whole, broken = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
            lp.integrality_ = [
                broken if programme.moves <= at < programme.uses else whole
                for at in range(programme.width)
            ]
        highs.passModel(lp)
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start
            highs.setSolution(solution)
        highs.run()
        is_feasible = (
            highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        )
        return highs if is_feasible else None


def worth(programme: Programme) -> list[float]:
    """Return what one of every column costs, in the report's currency; sets earn."""
    model = programme.model
    uses = [model.cost(programme.ways[place]) for place in programme.fixed]
    sets = [-edge for edge in model.edges]
    return [
        *(float(each) / UNIT for each in sets),
        *([0.0] * len(programme.ways)),
        *(float(each) / UNIT for each in uses),
    ]


def amounts(programme: Programme, values: Sequence[float]) -> list[int]:
    """Return what the columns of a solution move over every way of the model, in 10⁻⁹."""
    found = [0] * len(programme.model.ways)
    for place, at in enumerate(programme.ways):
        code = programme.model.currency[programme.model.ways[at].source]
        found[at] = round(values[programme.moves + place] * programme.scale[code])
    return found

"""The rows of the table that Python can reach, each beside its limit in C, by pytest-benchmark.

A round of the benchmark is one turn of all ways; what a single way took is in `extra_info`.
"""

import statistics
from typing import Any

import pytest

import desk
import tails
import ways
from figures import Figures
from turns import Turns, quiet
from workload import Workload

BOOKS = ("W1", "W1a", "W2", "W3", "W3p", "W4p")
MONEY = ("W6", "W8")
BESIDE = {"always": "W1.always", "columns": "W2.columns", "call": "W8.call"}


def taken(turns: Turns, benchmark: Any, figures: Figures, rounds: int) -> None:  # noqa: ANN401
    """Take turns, and keep the figures of the row that the benchmark is named after."""
    name = benchmark.param
    turns.warm()
    with quiet():
        benchmark.pedantic(turns.turn, rounds=rounds, iterations=1)
    found = figures.pair(f"bench.{name}.py", turns, "ours", "limit", "limit")
    benchmark.extra_info.update(found)
    for way, row in BESIDE.items():
        if way in turns.ways:
            pair = ("always", "limit") if way == "always" else ("ours", way)
            figures.pair(f"bench.{row}.py", turns, *pair, "limit")


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.timeout(600)
def test_books(name: str, work: Workload, benchmark: Any, figures: Figures, rounds: int) -> None:  # noqa: ANN401
    benchmark.param = name
    taken(Turns(ways.rows(work)[name], len(work)), benchmark, figures, rounds)


@pytest.mark.parametrize("name", MONEY)
@pytest.mark.timeout(600)
def test_engine(name: str, benchmark: Any, figures: Figures, rounds: int) -> None:  # noqa: ANN401
    benchmark.param = name
    rows, counts = desk.rows()
    taken(Turns(rows[name], counts[name]), benchmark, figures, rounds)


@pytest.mark.timeout(600)
def test_tails(work: Workload, benchmark: Any, figures: Figures, rounds: int) -> None:  # noqa: ANN401
    """W9: of several rounds the one in the middle, by each quantile."""
    runs: dict[str, list[tails.Tail]] = {}

    def turn() -> None:
        ends = []
        for name, way in tails.ways(work).items():
            tail, touches = way()
            runs.setdefault(name, []).append(tail)
            ends.append(touches)
        assert all(end == ends[0] for end in ends)

    with quiet():
        benchmark.pedantic(turn, rounds=max(rounds // 2, 1), iterations=1)
    middle = {
        f"{name}_{part}_ns": int(statistics.median(tail[part] for tail in found))
        for name, found in runs.items()
        for part in tails.QUANTILES
    }
    benchmark.extra_info.update(middle)
    figures.line("bench.W9.py", **middle)

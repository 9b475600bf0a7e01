"""Times that bear being taken on a machine that others use too.

A way of doing a piece of work is a generator: it prepares itself, yields, then does a slice of the
work before each further yield, and returns what it ended with; what was done before it yields ASIDE
does not count. The ways take turns, whole rounds of one after whole rounds of the other, so that a
slow minute meets all of them. Processor time counts, not waiting for a processor; of each slice the
median over the rounds, and the slices are added up: what disturbs a slice now and then is outvoted.
"""

import gc
import statistics
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time_ns
from typing import Any

ASIDE = "aside"

Ends = Generator[str | None, None, Any]
Way = Callable[[], Ends]


@dataclass
class Taken:
    """The times of one way, ns: of each round, by slice; and what it ended with."""

    name: str
    count: int
    rounds: list[list[int]] = field(default_factory=list)
    ended: Any = None

    @property
    def each_ns(self) -> float:
        """Return the time of one operation."""
        slices = zip(*self.rounds, strict=True)
        return float(sum(statistics.median(times) for times in slices)) / self.count


def once(way: Way) -> tuple[list[int], Any]:
    """Return the times of the slices of a way, and what it ended with."""
    times: list[int] = []
    work = way()
    next(work)
    begin = process_time_ns()
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            return times, end.value
        now = process_time_ns()
        if done != ASIDE:
            times.append(now - begin)
        begin = process_time_ns()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the collector of garbage from what is measured."""
    gc.collect()
    gc.freeze()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield None
    finally:
        if was_on:
            gc.enable()
        gc.unfreeze()


class Turns:
    """Ways that take turns; all that do the same work must end the same."""

    def __init__(self, ways: dict[str, Way], counts: int | dict[str, int]) -> None:
        of = counts if isinstance(counts, dict) else dict.fromkeys(ways, counts)
        self.ways = ways
        self.taken = {name: Taken(name, of[name]) for name in ways}

    def warm(self, *, is_loose: bool = False) -> None:
        """Do everything once without a time, and hold the ends against one another.

        is_loose: bool – those of peers that count otherwise are printed instead.
        """
        for name, way in self.ways.items():
            _, self.taken[name].ended = once(way)
        ends = {name: taken.ended for name, taken in self.taken.items()}
        first = next(iter(ends.values()))
        if is_loose:
            print("ended with:", ends)
            return
        assert all(end == first for end in ends.values()), f"they end differently: {ends}"

    def turn(self) -> None:
        """Do everything once more and note the times."""
        for name, way in self.ways.items():
            times, ended = once(way)
            taken = self.taken[name]
            assert ended == taken.ended, f"{name} ended with {ended}, before with {taken.ended}"
            taken.rounds.append(times)

    def each_ns(self, name: str) -> float:
        return self.taken[name].each_ns

    def ratio(self, name: str, to: str) -> float:
        return self.each_ns(name) / self.each_ns(to)

    def spread(self, name: str, to: str) -> tuple[float, float]:
        """Return the least and the largest ratio of one round, by operation."""
        ours, theirs = self.taken[name], self.taken[to]
        of = [
            sum(a) / ours.count / (sum(b) / theirs.count)
            for a, b in zip(ours.rounds, theirs.rounds, strict=True)
        ]
        return min(of), max(of)

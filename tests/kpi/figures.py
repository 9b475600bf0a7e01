"""The figures of one seed, in every arm."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeAlias

from kpi import demands, measure
from kpi.arms import Integrated, Naive, Oracle, Separate
from kpi.assumed import Assumed, Terminals, load
from kpi.desk import Call, Counts, Desk, Replay
from kpi.tape import Tape, drawn

FAILURES = ("0", "1/100", "1/50", "1/20")
ARMS = ("I", "S0", "S1")

# What of separate terminals is how many times as long.
Swept: TypeAlias = tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one arm has come to on one tape.

    k1 – of the list that was executed by the engine, as are `replayed`. k2 – by month. k3 – while
        demand reaches what is allotted (None where it never does), and always.
    risk, replayed: (shortfalls, forced closes). met, arrived: (count, of) by rate of failures.
    """

    k1: Fraction
    k2: list[Fraction]
    k3: tuple[Fraction | None, Fraction]
    risk: tuple[int, int]
    replayed: tuple[int, int]
    met: list[tuple[int, int]]
    arrived: list[tuple[int, int]]
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One seed. asked: Fraction – of the open hours in which demand reached what the engine had."""

    seed: int
    arms: dict[str, Figures]
    naive: list[tuple[int, int]]
    asked: Fraction


OfSeed: TypeAlias = Callable[[int], Row]
# Runs a tape in one arm: with a list to replay, demands, and a rate of failures.
Arm: TypeAlias = Callable[..., Desk]


@cache
def assumptions() -> Assumed:
    return load()


def arms(tape: Tape, swept: Swept) -> dict[str, Arm]:
    """Return how each arm is run on a tape."""

    def separate(terminals: Terminals) -> Arm:
        if swept is not None:
            terminals = terminals.times(swept[0], Fraction(swept[1]))
        return lambda **given: Separate(tape, terminals, **given).run()

    return {
        "I": lambda **given: Integrated(tape, **given).run(),
        "S0": separate(tape.assumed.person),
        "S1": separate(tape.assumed.scripts),
    }


def of_seed(seed: int, swept: Swept = None) -> Row:
    """Return the figures of a seed."""
    known = assumptions()
    tape = drawn(known, seed)
    usual = Fraction(known.tape["failures"])
    run = arms(tape, swept)
    own = {name: arm(failures=usual) for name, arm in run.items()}
    oracle = Oracle(tape, failures=usual).run()
    calls = demands.drawn(list(own.values()))
    executed = own["I"].executed
    asked = measure.k3(own["I"], oracle)[2]
    return Row(
        seed=seed,
        arms={name: figures(run[name], own[name], executed, oracle, calls) for name in ARMS},
        naive=[met(Naive(tape, failures=Fraction(rate), calls=calls).run()) for rate in FAILURES],
        asked=asked,
    )


def figures(arm: Arm, own: Desk, executed: Replay, oracle: Desk, calls: list[Call]) -> Figures:
    usual = own.failures
    again = arm(failures=usual, replay=executed)
    called = [arm(failures=Fraction(rate), calls=calls) for rate in FAILURES]
    while_asked, always, _ = measure.k3(own, oracle)
    return Figures(
        k1=measure.k1(again),
        k2=measure.k2(own),
        k3=(while_asked, always),
        risk=(own.counts.shortfalls, own.counts.forced),
        replayed=(again.counts.shortfalls, again.counts.forced),
        met=[met(each) for each in called],
        arrived=[(each.counts.arrived, each.counts.moved) for each in called],
        counts=own.counts,
    )


def met(desk: Desk) -> tuple[int, int]:
    return desk.counts.met, desk.counts.called

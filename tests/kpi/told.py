"""What is printed of all seeds: spread, risk beside every figure, and the lines that count."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from kpi.arms import quantile
from kpi.figures import ARMS, FAILURES, Figures, Row

PARTS = 10**6


def of(rows: Iterable[Row], arm: str, what: Callable[[Figures], Fraction | None]) -> list[Fraction]:
    """Return one number of every seed; seeds that have none are left out, and counted elsewhere."""
    found = (what(row.arms[arm]) for row in rows)
    return [each for each in found if each is not None]


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / max(1, len(values))


def shown(value: Fraction) -> str:
    return f"{float(value):.4f}"


def spread(values: Sequence[Fraction]) -> str:
    """Return the mean, and the 5th and 95th of a hundred."""
    parts = [int(each * PARTS) for each in values]
    low, high = (Fraction(quantile(parts, Fraction(share, 100)), PARTS) for share in (5, 95))
    return f"{shown(mean(values))} ({shown(low)} .. {shown(high)})"


def share(rows: Iterable[Row], arm: str, what: str, at: int) -> Fraction:
    """Return how many of all demands were met, or transfers arrived, at a rate of failures."""
    pairs = [getattr(row.arms[arm], what)[at] for row in rows]
    return Fraction(sum(pair[0] for pair in pairs), max(1, sum(pair[1] for pair in pairs)))


def risk(rows: Iterable[Row], arm: str, what: str) -> tuple[int, int]:
    pairs = [getattr(row.arms[arm], what) for row in rows]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def same_risk(rows: Sequence[Row], what: str) -> str:
    """Return whether the engine had no more shortfalls and forced closes than any other arm."""
    own = risk(rows, "I", what)
    others = [risk(rows, arm, what) for arm in ARMS if arm != "I"]
    fits = all(mine <= theirs for other in others for mine, theirs in zip(own, other, strict=True))
    return "yes" if fits else "no"


NUMBERS: dict[str, tuple[Callable[[Figures], Fraction | None], str]] = {
    "K1": (lambda of: of.k1, "replayed"),
    "K2": (lambda of: mean(of.k2), "risk"),
    "K3": (lambda of: of.k3[0], "risk"),
    "K3 always": (lambda of: of.k3[1], "risk"),
}


def tables(rows: Sequence[Row]) -> None:
    """Print every figure of every arm with its spread over seeds, and the risk in the same row."""
    for name, (what, of_risk) in NUMBERS.items():
        for arm in ARMS:
            values = of(rows, arm, what)
            short, forced = risk(rows, arm, of_risk)
            print(
                f"{name:10} {arm:3} {spread(values)} seeds={len(values)}"
                f" shortfalls={short} forced={forced}"
            )
    months = max(len(row.arms["I"].k2) for row in rows)
    for month in range(months):
        line = [f"{arm} {spread([row.arms[arm].k2[month] for row in rows])}" for arm in ARMS]
        print(f"K2 month {month + 1}  " + "  ".join(line))
    for at, rate in enumerate(FAILURES):
        line = [
            f"{arm} met={shown(share(rows, arm, 'met', at))}"
            f" arrived={shown(share(rows, arm, 'arrived', at))}"
            for arm in ARMS
        ]
        naive = [row.naive[at] for row in rows]
        simple = Fraction(sum(each[0] for each in naive), max(1, sum(each[1] for each in naive)))
        print(f"K8 failures {rate:5} {'  '.join(line)}  naive met={shown(simple)}")
    asked = shown(mean([row.asked for row in rows]))
    print(f"demand reached what the engine had in {asked} of the time")


def figures(rows: Sequence[Row]) -> None:
    """Print the lines that are kept."""
    for name in ("K1", "K2", "K3"):
        what, of_risk = NUMBERS[name]
        ours, first, second = (shown(mean(of(rows, arm, what))) for arm in ARMS)
        more = ""
        if name == "K3":
            always = mean(of(rows, "I", NUMBERS["K3 always"][0]))
            more = f" unconditional={shown(always)} seeds_asked={len(of(rows, 'I', what))}"
        print(
            f"FIGURE kpi.{name} ours={ours} s0={first} s1={second}{more} seeds={len(rows)}"
            f" same_risk={same_risk(rows, of_risk)}"
        )
    for at, rate in enumerate(FAILURES):
        ours, first, second = (shown(share(rows, arm, "met", at)) for arm in ARMS)
        naive = [row.naive[at] for row in rows]
        simple = Fraction(sum(each[0] for each in naive), max(1, sum(each[1] for each in naive)))
        print(
            f"FIGURE kpi.K8 failures={rate} ours={ours} s0={first} s1={second}"
            f" naive={shown(simple)} arrived={shown(share(rows, 'I', 'arrived', at))}"
            f" seeds={len(rows)}"
        )


def line(rows: Sequence[Row]) -> str:
    """Return the means of all figures in one line."""
    found = []
    for name, (what, of_risk) in NUMBERS.items():
        means = " ".join(shown(mean(of(rows, arm, what))) for arm in ARMS)
        found.append(f"{name} {means} same_risk={same_risk(rows, of_risk)}")
    met = " ".join(shown(share(rows, arm, "met", 1)) for arm in ARMS)
    return "; ".join([*found, f"K8 {met}"])

"""Plain statistics in the order in which anybody would write them."""

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample."""
    middle = mean(values)
    return math.sqrt(math.fsum((each - middle) ** 2 for each in values) / (len(values) - 1))


def median(values: Sequence[float]) -> float:
    """Return the median."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean, deviation, median, bounds and ends."""
    return {
        "mean": mean(values),
        "sd": deviation(values),
        "median": median(values),
        "min": min(values),
        "max": max(values),
        "first": values[0],
        "last": values[-1],
    }


def correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the correlation of two series."""
    over = math.sqrt(covariance(a, a) * covariance(b, b))
    return covariance(a, b) / over


def covariance(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the sum of products of deviations."""
    mean_a, mean_b = mean(a), mean(b)
    return math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))


def fit(a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    """Return the least squares of the first series on the second."""
    beta = covariance(a, b) / covariance(b, b)
    return {
        "beta": beta,
        "alpha": mean(a) - beta * mean(b),
        "r2": correlation(a, b) ** 2,
    }


def scores(values: Sequence[float], window: int) -> list[float]:
    """Return the distance of each value from the mean of its window, in deviations of it."""
    found = []
    for end in range(window, len(values) + 1):
        part = values[end - window : end]
        found.append((part[-1] - mean(part)) / deviation(part))
    return found

"""Thresholds as the core reads them: one row for every account, hedge or instrument they are of."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from cross_market._values import unknown, wrong
from cross_market.contracts.units import parse_money, parse_span
from cross_market.policy.signal import Estimate
from cross_market.policy.threshold import LEVELS, METRICS, Threshold

if TYPE_CHECKING:
    from cross_market.config import Account, Config, Hedge
    from cross_market.contracts.instrument import Instrument

Json = dict[str, Any]
Subject: TypeAlias = "Account | Hedge | Instrument"


def thresholds_json(config: "Config") -> list[Json]:
    """Return the rows of a configuration's thresholds.

    config: Config – its thresholds, and what they are of.
    Raises ConfigError for a name that is not there, a currency or unit that does not fit, and two
    thresholds of one metric for the same.
    """
    kinds: dict[str, dict[str, Subject]] = {
        "account": {each.name: each for each in config.accounts},
        "hedge": {each.name: each for each in config.hedges},
        "instrument": {each.name: each for each in config.instruments},
    }
    thresholds = config.thresholds
    for at, threshold in enumerate(thresholds):
        known = kinds[METRICS[threshold.metric][0]]
        where = f"thresholds[{at}]"
        if threshold.of is not None and threshold.of not in known:
            raise unknown(threshold.of, f"{where}.of", known, "a configured name")
        if threshold.metric == "verdict":
            refuse_estimates(threshold, subjects(threshold, thresholds, kinds), where)
        same = [(other.metric, other.of) for other in thresholds[:at]]
        if (threshold.metric, threshold.of) in same:
            expected = "each metric once for each, and once for each name"
            raise wrong(threshold.metric, f"{where}.metric", expected)
    return [
        row_json(threshold, subject, f"thresholds[{at}]")
        for at, threshold in enumerate(thresholds)
        for subject in subjects(threshold, thresholds, kinds)
    ]


def refuse_estimates(threshold: Threshold, hedges: Iterable[Any], where: str) -> None:
    """Raise ConfigError for a hedge whose signal reads estimates: there one is a price."""
    for hedge in hedges:
        if isinstance(hedge.signal, Estimate):
            expected = f"another metric: the signal of {hedge.name} reads the estimates"
            raise wrong(threshold.metric, f"{where}.metric", expected)


def subjects(
    threshold: Threshold,
    thresholds: Iterable[Threshold],
    kinds: Mapping[str, Mapping[str, Subject]],
) -> Iterator[Subject]:
    """Yield what a threshold is of: the one it names, or each that none names."""
    known = kinds[METRICS[threshold.metric][0]]
    named = {other.of for other in thresholds if other.metric == threshold.metric}
    for name, subject in known.items():
        if threshold.of == name or (threshold.of is None and name not in named):
            yield subject


def row_json(threshold: Threshold, subject: Subject, where: str) -> Json:
    bounds = {
        level: value_json(threshold.metric, getattr(threshold, level), subject, f"{where}.{level}")
        for level in LEVELS
    }
    clear = value_json(threshold.metric, threshold.clear, subject, f"{where}.clear")
    nothing = 0 if METRICS[threshold.metric][1] in ("count", "time") else "0"
    return {
        "metric": threshold.metric,
        "of": subject.name,
        **bounds,
        "clear": nothing if clear is None else clear,
        "dwell_ns": parse_span(threshold.dwell, f"{where}.dwell"),
    }


def value_json(
    metric: str, given: str | tuple[str, ...] | None, subject: Subject, where: str
) -> str | int | None:
    """Return a bound as the core reads it, in the unit and currency of what it is of."""
    if given is None:
        return None
    unit = METRICS[metric][1]
    if unit == "count":
        return int(Fraction(str(given)))
    if unit == "time":
        return parse_span(str(given), where)
    if unit == "quantity":
        hedge: Any = subject
        return str(hedge.units(given, where))
    if unit == "money":
        for text in given if isinstance(given, tuple) else (given,):
            amount, code = parse_money(text, where)
            if code == subject.currency:
                return f"{amount:f}"
        raise wrong(given, where, f"an amount in {subject.currency}, as {subject.name}")
    return str(given)

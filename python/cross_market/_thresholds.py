"""Thresholds as the core reads them: one row for everything that a ladder is of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from cross_market._values import unknown, wrong
from cross_market.contracts.units import parse_money, parse_span
from cross_market.policy.signal import Estimate
from cross_market.policy.threshold import CLASSES, KINDS, LEVELS, METRICS, Formula, Threshold

if TYPE_CHECKING:
    from cross_market.config import Account, Config, Hedge
    from cross_market.contracts.instrument import Instrument

Json = dict[str, Any]
Subject: TypeAlias = "Account | Hedge | Instrument"

# Of which class each is looked at by itself, the most specific first.
RANKS = ("product", "strategy", "venue", "group")


@dataclass(frozen=True)
class Scope:
    """What one ladder is of.

    stated: as the core reads it – the name of one, or the kind and name of several together.
    members: tuple – the accounts, hedges or instruments.
    """

    stated: str | Json
    members: tuple[Subject, ...]

    @property
    def of(self) -> str | tuple[str, str]:
        """What a threshold names to be of this; ('all', kind) is for `all`."""
        if isinstance(self.stated, str):
            return self.stated
        [(kind, name)] = self.stated.items()
        return kind, name


class Scopes:
    """What the thresholds of a configuration can be of."""

    def __init__(self, config: "Config") -> None:
        """Begin with a configuration."""
        self.thresholds = config.thresholds
        self.kinds: dict[str, dict[str, Subject]] = {
            "account": {each.name: each for each in config.accounts},
            "hedge": {each.name: each for each in config.hedges},
            "instrument": {each.name: each for each in config.instruments},
        }
        # Classes by kind and name, with what belongs to each by kind.
        self.classes: dict[str, dict[str, dict[str, set[str]]]] = {kind: {} for kind in CLASSES}
        for venue in config.venues:
            self._add("venue", venue.name)
        for account in config.accounts:
            self._add("venue", account.venue, account=account.name)
            self._add("group", group_of(account), account=account.name)
        for instrument in config.instruments:
            self._add("venue", instrument.venue, instrument=instrument.name)
            self._add("product", instrument.product, instrument=instrument.name)
        # By the legs of hedges, those of the next contract included.
        by_name = {hedge.name: hedge for hedge in config.hedges}
        for hedge in config.hedges:
            legs = hedge.legs
            if hedge.next in by_name:
                legs = (*legs, *by_name[hedge.next].legs)
            if hedge.strategy is not None:
                self._add("strategy", hedge.strategy, hedge=hedge.name)
            for leg in legs:
                account, instrument = leg.account, leg.instrument
                own = {"account": account.name, "instrument": instrument.name}
                for kind, name in (
                    ("venue", account.venue),
                    ("product", instrument.product),
                    ("group", group_of(account)),
                    ("strategy", hedge.strategy),
                ):
                    if name is None:
                        continue
                    self._add(kind, name, hedge=hedge.name)
                    if kind == "product":
                        self._add(kind, name, account=own["account"])
                    elif kind == "group":
                        self._add(kind, name, instrument=own["instrument"])
                    elif kind == "strategy":
                        self._add(kind, name, **own)

    def _add(self, kind: str, name: str, **belongs: str) -> None:
        members = self.classes[kind].setdefault(name, {each: set() for each in KINDS})
        for each, member in belongs.items():
            members[each].add(member)

    def members(self, of: str, kind: str, name: str) -> tuple[Subject, ...]:
        """The accounts, hedges or instruments of a class, in the order of the configuration."""
        there = self.classes[kind][name][of]
        return tuple(subject for each, subject in self.kinds[of].items() if each in there)

    def of(self, threshold: Threshold) -> Iterator[Scope]:
        """Yield what a threshold has ladders for."""
        kind = METRICS[threshold.metric][0]
        if threshold.all is not None:
            yield Scope({"all": kind}, tuple(self.kinds[kind].values()))
        elif threshold.each in CLASSES:
            named = {other.of for other in self._same(threshold) if other.is_sum}
            for name in self.classes[threshold.each]:
                members = self.members(kind, threshold.each, name)
                if members and (threshold.each, name) not in named:
                    yield Scope({threshold.each: name}, members)
        elif threshold.is_sum:
            (group, name) = threshold.of
            yield Scope({group: name}, self.members(kind, group, name))
        else:
            rank = rank_of(threshold)
            taken = {
                subject.name
                for other in self._same(threshold)
                if not other.is_sum and rank_of(other) < rank
                for subject in self.singles(other)
            }
            for subject in self.singles(threshold):
                if subject.name not in taken:
                    yield Scope(subject.name, (subject,))

    def _same(self, threshold: Threshold) -> Iterator[Threshold]:
        return (other for other in self.thresholds if other.metric == threshold.metric)

    def singles(self, threshold: Threshold) -> tuple[Subject, ...]:
        """What a threshold is of, each by itself, whatever others are of."""
        known = self.kinds[METRICS[threshold.metric][0]]
        if type(threshold.of) is str:
            return (known[threshold.of],)
        if threshold.of is None:
            return tuple(known.values())
        return self.members(METRICS[threshold.metric][0], *threshold.of)

    def check(self, threshold: Threshold, where: str) -> None:
        """Raise ConfigError for a name that is not there, or a class without members."""
        if threshold.of is None:
            return
        kind = METRICS[threshold.metric][0]
        if type(threshold.of) is str:
            if threshold.of not in self.kinds[kind]:
                raise unknown(threshold.of, f"{where}.of", self.kinds[kind], "a configured name")
            return
        group, name = threshold.of
        if name not in self.classes[group]:
            raise unknown(name, f"{where}.of[1]", self.classes[group], f"a configured {group}")
        if not self.members(kind, group, name):
            raise wrong(name, f"{where}.of[1]", f"a {group} that any {kind} belongs to")


def group_of(account: "Account") -> str:
    """Return under whose control an account is."""
    return account.group or account.entity or account.name


def rank_of(threshold: Threshold) -> int:
    """Return how specific a threshold of each by itself is; less is more."""
    if type(threshold.of) is str:
        return 0
    return 1 + (RANKS.index(threshold.of[0]) if threshold.of is not None else len(RANKS))


def thresholds_json(config: "Config") -> list[Json]:
    """Return the rows of a configuration's thresholds.

    config: Config – its thresholds, and what they are of.
    Raises ConfigError for a name that is not there, a currency or unit that does not fit, and two
    thresholds of one metric for the same.
    """
    scopes = Scopes(config)
    rows: list[Json] = []
    known: set[tuple[Any, ...]] = set()
    for at, threshold in enumerate(config.thresholds):
        where = f"thresholds[{at}]"
        scopes.check(threshold, where)
    for at, threshold in enumerate(config.thresholds):
        where = f"thresholds[{at}]"
        found = list(scopes.of(threshold))
        if threshold.metric == "verdict":
            refuse_estimates(threshold, (each for of in found for each in of.members), where)
        stated = (threshold.metric, threshold.each, threshold.all, threshold.of)
        keys = {stated, *((threshold.metric, scope.of) for scope in found)}
        if keys & known:
            expected = "each metric once for each, and once for each name"
            raise wrong(threshold.metric, f"{where}.metric", expected)
        known |= keys
        rows += [row_json(threshold, scope, where) for scope in found]
    return rows


def refuse_estimates(threshold: Threshold, hedges: Iterable[Any], where: str) -> None:
    """Raise ConfigError for a hedge whose signal reads estimates: there one is a price."""
    for hedge in hedges:
        if isinstance(hedge.signal, Estimate):
            expected = f"another metric: the signal of {hedge.name} reads the estimates"
            raise wrong(threshold.metric, f"{where}.metric", expected)


def row_json(threshold: Threshold, scope: Scope, where: str) -> Json:
    bounds = {
        level: bound_json(threshold.metric, getattr(threshold, level), scope, f"{where}.{level}")
        for level in LEVELS
    }
    clear = value_json(threshold.metric, threshold.clear, scope, f"{where}.clear")
    nothing = 0 if METRICS[threshold.metric][1] in ("count", "time") else "0"
    return {
        "metric": threshold.metric,
        "of": scope.stated,
        **bounds,
        "clear": nothing if clear is None else clear,
        "dwell_ns": parse_span(threshold.dwell, f"{where}.dwell"),
    }


def bound_json(
    metric: str, given: str | tuple[str, ...] | Formula | None, scope: Scope, where: str
) -> str | int | Json | None:
    """Return a bound as the core reads it, a value or a formula with its ends."""
    if not isinstance(given, Formula):
        return value_json(metric, given, scope, where)
    return {
        "formula": given.text,
        "least": value_json(metric, given.least, scope, f"{where}.least"),
        "most": value_json(metric, given.most, scope, f"{where}.most"),
    }


def value_json(
    metric: str, given: str | tuple[str, ...] | None, scope: Scope, where: str
) -> str | int | None:
    """Return a value as the core reads it, in the unit and currency of what it is of."""
    if given is None:
        return None
    unit = METRICS[metric][1]
    if unit == "count":
        return int(Fraction(str(given)))
    if unit == "time":
        return parse_span(str(given), where)
    if unit == "quantity":
        hedge: Any = scope.members[0]
        return str(hedge.units(given, where))
    if unit == "money":
        codes = {subject.currency for subject in scope.members}
        if len(codes) > 1:
            expected = f"what has one currency, not {' and '.join(sorted(codes))}"
            raise wrong(scope.of, where, expected)
        [currency] = codes
        for text in given if isinstance(given, tuple) else (given,):
            amount, code = parse_money(text, where)
            if code == currency:
                return f"{amount:f}"
        named = ", ".join(subject.name for subject in scope.members)
        raise wrong(given, where, f"an amount in {currency}, as {named}")
    return str(given)

"""Monitored numbers, and what follows when one touches a level of its ladder.

The engine looks at each with every event that moves it and acts in that step. See
`docs/thresholds.md`.
"""

from dataclasses import field
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from cross_market._values import (
    Reader,
    choice,
    fraction_text,
    name,
    optional,
    ratio,
    value,
    wrong,
    wrong_type,
)
from cross_market.contracts.units import parse_money, quantity, span

__all__ = ["METRICS", "Threshold"]

# What each metric is of, and how its values are written.
METRICS: dict[str, tuple[str, str]] = {
    "capital_usage": ("account", "fraction"),
    "projected_usage": ("account", "fraction"),
    "margin_ratio": ("account", "fraction"),
    "available": ("account", "money"),
    "withdrawable": ("account", "money"),
    "day_loss": ("account", "money"),
    "repair_loss": ("hedge", "money"),
    "residual": ("hedge", "quantity"),
    "position": ("instrument", "size"),
    "orders": ("instrument", "count"),
    "cancels": ("instrument", "count"),
}

# Those of which less is worse.
FALLING = ("margin_ratio", "available", "withdrawable")

LEVELS = ("warn", "restrict", "cancel", "reduce", "halt")

NAME = name()


def bound() -> Reader:
    """Read a number, a text, or a list of texts; what it may be depends on the metric."""
    expected = "a value of the metric: a number, or a text with its unit"

    def read(given: object, where: str) -> object:
        if type(given) is int or type(given) is Decimal:
            return fraction_text(Fraction(given))
        if type(given) is str:
            return given
        if isinstance(given, (list, tuple)) and all(type(each) is str for each in given):
            return tuple(given)
        raise wrong_type(given, where, expected)

    return Reader(read, expected)


Bound = Annotated[Any, optional(bound())]


@value
class Threshold:
    """A monitored number and its ladder. State at least one level.

    metric: str – of each account: 'capital_usage' (margin / equity), 'projected_usage' (the same
        after a settlement at present prices), 'margin_ratio' (equity / margin), 'available' (for
        new orders), 'withdrawable', 'day_loss'; of each hedge: 'repair_loss' (today), 'residual'
        (at rest); of each instrument: 'position' (long and short, all accounts), 'orders',
        'cancels' (today).
    each: str – 'account', 'hedge' or 'instrument': one ladder for each that no other threshold of
        the metric names. Exactly one of `each` and `of` is stated.
    of: str – the one that it is of, by name.
    warn: value – from here on it is told. Values are numbers for fractions, sizes and counts,
        amounts such as '20000 CNY' (one for each currency) for money, quantities such as '500 g'
        for residuals.
    restrict: value – nothing is entered.
    cancel: value – what enters is cancelled; what it has traded is completed or unwound.
    reduce: value – whole sets are given back, of the hedge of the last priority first.
    halt: value – no order leaves until a person has lifted the HALT.
    clear: value – a level is left when the number is better than its bound by so much; nothing when
        None.
    dwell: str, time – and has been for so long.
    """

    metric: Annotated[str, choice(*METRICS)] = field(kw_only=False)
    each: Annotated[str | None, optional(choice("account", "hedge", "instrument"))] = None
    of: Annotated[str | None, optional(NAME)] = None
    warn: Bound = None
    restrict: Bound = None
    cancel: Bound = None
    reduce: Bound = None
    halt: Bound = None
    clear: Bound = None
    dwell: Annotated[str, span()] = "0 s"

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        kind, unit = METRICS[self.metric]
        if (self.each is None) == (self.of is None):
            raise wrong(self.each, "threshold.each", f"each={kind!r}, or of= and the name of one")
        if self.each not in (None, kind):
            raise wrong(self.each, "threshold.each", f"{kind!r}, which {self.metric} is of")
        stated = [level for level in LEVELS if getattr(self, level) is not None]
        if not stated:
            raise wrong(None, "threshold.warn", "at least one of " + ", ".join(LEVELS))
        for level in [*stated, *(["clear"] if self.clear is not None else [])]:
            read_bound(unit, getattr(self, level), f"threshold.{level}")


def read_bound(unit: str, given: object, where: str) -> None:
    """Raise ConfigError unless a value is written as its metric's values are."""
    if unit == "money":
        texts = given if type(given) is tuple else (given,)
        codes = [parse_money(text, where)[1] for text in texts]
        if not codes or len(set(codes)) < len(codes):
            raise wrong(given, where, "one amount for each currency, such as '20000 CNY'")
    elif unit == "quantity":
        quantity().read(given, where)
    elif unit == "count":
        number = ratio(least=0).read(given, where)
        if Fraction(str(number)).denominator != 1:
            raise wrong(given, where, "a whole number")
    else:
        ratio(least=0).read(given, where)

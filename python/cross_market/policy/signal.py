"""When a hedge wants to trade.

Signs: *proceeds* are the weighted prices of the sold legs, *cost* those of the bought legs, both
for one common unit in the hedge's currency. The enter value sells at bids and buys at asks; the
exit value buys back at asks and sells out at bids. +sets are entered when the enter value is at or
above `enter` and given back when the exit value is at or below `exit`; `mirror` is the same for
-sets with the comparisons turned round.
"""

import re
from fractions import Fraction
from typing import Annotated

from cross_market._values import (
    DIGITS_MAX,
    Number,
    Reader,
    count,
    decimal,
    flag,
    fraction_text,
    one,
    optional,
    ratio,
    read_decimal,
    value,
    wrong,
)
from cross_market.contracts.units import counted, span

LEVEL = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z][A-Z0-9]{1,9}/\S+)")


def level() -> Reader:
    """Read a band's value: a plain number for ratios, 'number CURRENCY/unit' for spreads."""
    expected = "a plain number such as '1.004' (ratios), or '0.80 CNY/g' (spreads)"

    def read(given: object, where: str) -> str:
        if (
            type(given) is str
            and len(given) <= 2 * DIGITS_MAX
            and (found := LEVEL.fullmatch(given))
        ):
            return f"{read_decimal(found[1], where):f} {found[2]}"
        if type(given) is str and "/" not in given and " " in given:
            raise wrong(given, where, expected)
        return f"{read_decimal(given, where, expected):f}"

    return Reader(read, expected)


Level = Annotated[Number, level()]
Persist = Annotated[str, counted("update", "updates")]
Within = Annotated[str | None, optional(span(above=True))]


@value
class Band:
    """Where one direction enters and where it gives back.

    enter: number or str, level – where it enters.
    exit: number or str, level – where it leaves.
    """

    enter: Level
    exit: Level


@value
class Deviation:
    """A further condition on entering: the mid value stands so far from its running mean.

    enter: number – standard deviations, at least.
    alpha: number – weight of a new observation, above 0 and below 1.
    warm: int – observations before it counts.
    """

    enter: Annotated[Number, decimal(above=0)]
    alpha: Annotated[Number, ratio(above=0)]
    warm: Annotated[int, count(least=1)]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if Fraction(self.alpha) >= 1:
            raise wrong(self.alpha, "deviation.alpha", "a number above 0 and below 1")


OptionalLevel = Annotated[Number | None, optional(level())]
OptionalBand = Annotated[Band | None, optional(one(Band))]
OptionalDeviation = Annotated[Deviation | None, optional(one(Deviation))]


class _Signal:
    """What all signals share: bands that fit each other."""

    enter: Number | None
    exit: Number | None
    mirror: Band | None

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        where = type(self).__name__.lower()
        if (self.enter is None) != (self.exit is None):
            raise wrong(self.exit, f"{where}.exit", "enter and exit together, or neither")
        if self.enter is None and self.mirror is None:
            raise wrong(None, f"{where}.enter", "enter and exit, or mirror, or both")
        plus, mirror = self.plus(), self.mirror
        if plus is not None and number_of(plus.enter) <= number_of(plus.exit):
            raise wrong(plus.exit, f"{where}.exit", f"less than enter, {plus.enter}")
        if mirror is not None and number_of(mirror.enter) >= number_of(mirror.exit):
            raise wrong(mirror.exit, f"{where}.mirror.exit", f"more than enter, {mirror.enter}")

    def plus(self) -> Band | None:
        """Return the band of +sets, None when they are never entered."""
        if self.enter is None or self.exit is None:
            return None
        return Band(enter=self.enter, exit=self.exit)


@value
class Ratio(_Signal):
    """proceeds ÷ cost, walked for the aligned size and net of fees.

    enter, exit: number – bands of +sets; plain numbers.
    mirror: Band – bands of -sets.
    gross: bool – compare at the tops without fees; the edge gate asks the net figure all the same.
    persist: str – fresh updates in a row for which it must stand, such as '2 updates'.
    persist_within: str – longest time from the first to the last of them.
    deviation: Deviation – a further condition on entering.
    """

    enter: OptionalLevel = None
    exit: OptionalLevel = None
    mirror: OptionalBand = None
    gross: Annotated[bool, flag()] = False
    persist: Persist = "1 updates"
    persist_within: Within = None
    deviation: OptionalDeviation = None


@value
class Spread(_Signal):
    """proceeds − cost for one common unit at the tops, gross.

    enter, exit: str, currency per unit – bands of +sets, such as '0.80 CNY/g'.
    The other arguments are those of Ratio.
    """

    enter: OptionalLevel = None
    exit: OptionalLevel = None
    mirror: OptionalBand = None
    persist: Persist = "1 updates"
    persist_within: Within = None
    deviation: OptionalDeviation = None


@value
class CounterPrice(_Signal):
    """proceeds − cost for one common unit, walked for the aligned size and net of fees.

    enter, exit: str, currency per unit – bands of +sets, such as '0.80 CNY/g'.
    The other arguments are those of Ratio.
    """

    enter: OptionalLevel = None
    exit: OptionalLevel = None
    mirror: OptionalBand = None
    persist: Persist = "1 updates"
    persist_within: Within = None
    deviation: OptionalDeviation = None


@value
class Estimate(_Signal):
    """CounterPrice less the last Estimate event that has not expired; no value without one.

    enter, exit: str, currency per unit – bands of +sets, such as '0.80 CNY/g'.
    The other arguments are those of Ratio.
    """

    enter: OptionalLevel = None
    exit: OptionalLevel = None
    mirror: OptionalBand = None
    persist: Persist = "1 updates"
    persist_within: Within = None
    deviation: OptionalDeviation = None


Signal = Ratio | Spread | CounterPrice | Estimate


def number_of(text: Number) -> Fraction:
    """Return the number of a canonical level, without its unit."""
    return Fraction(str(text).partition(" ")[0])


def level_in(text: Number, unit: str | None, where: str) -> str:
    """Return the number of a level after proving its unit.

    unit: str – the unit it must have, such as 'CNY/g'; None for a plain number.
    """
    _, _, have = str(text).partition(" ")
    if have != (unit or ""):
        raise wrong(text, where, f"a number of {unit}" if unit else "a plain number, no unit")
    return fraction_text(number_of(text))

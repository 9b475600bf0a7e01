"""How much stays in an account: what its own legs took out while a refill was on its way."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from cross_market._values import read_decimal, wrong, wrong_type
from cross_market.funds.allocation.values import UNIT, decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OutrightLeg:
    """What one instrument in an account holds, and what it cost day by day.

    prices: list of number – daily, oldest first, in the account's currency for a unit of goods.
    lots: int – held; below zero when sold. size: number – units of goods in one lot.
    """

    prices: Sequence[object]
    lots: int
    size: object


def buffer(moves: Sequence[int], quantile: object, days: int) -> int:
    """Return the quantile of what an account's own legs took out over a refill's days.

    moves – daily variation of the account's outright legs, oldest first, in any whole unit; losses
        are below zero. Never the spread's: one leg's losses are paid before the other's gains come.
    quantile: number – such as '0.99'. days: int – of one refill.
    returns: int, the unit of `moves`, at least zero: the smallest amount that covered that share of
        all windows, rounded up.
    """
    share = Fraction(read_decimal(quantile, "buffer.quantile"))
    for given in (days, *moves):
        if type(given) is not int:
            raise wrong_type(given, "buffer", "whole numbers, as int")
    if not 0 < share <= 1 or days < 1 or len(moves) < days:
        raise wrong(quantile, "buffer", "a quantile in (0, 1] and at least one window of days")
    worst = []
    for first in range(len(moves) - days + 1):
        low = total = 0
        for move in moves[first : first + days]:
            total += move
            low = min(low, total)
        worst.append(-low)
    worst.sort()
    return worst[-(-share.numerator * len(worst) // share.denominator) - 1]


def outright_buffer(legs: Sequence[OutrightLeg], *, quantile: object, days: int) -> Decimal:
    """Return the buffer of an account that holds these legs, in its currency.

    legs: list of OutrightLeg – all of the account, with prices of the same days.
    quantile: number – such as '0.99'. days: int – of one refill.
    returns: Decimal – as `PoolState.buffer` takes it; variation finer than 10⁻⁹ counts against it.
    Raises ConfigError for legs without prices of the same days, InputTypeError for a float.
    """
    days_of = {len(leg.prices) for leg in legs}
    if len(days_of) != 1 or min(days_of) < 2:
        raise wrong(sorted(days_of), "legs", "prices of the same days, two at least")
    total = [Fraction(0)] * (min(days_of) - 1)
    for place, leg in enumerate(legs):
        where = f"legs[{place}]"
        if type(leg.lots) is not int:
            raise wrong_type(leg.lots, f"{where}.lots", "whole lots, as int")
        size = Fraction(read_decimal(leg.size, f"{where}.size"))
        if size <= 0:
            raise wrong(leg.size, f"{where}.size", "a size above zero")
        prices = [Fraction(read_decimal(each, f"{where}.prices")) for each in leg.prices]
        for day in range(len(total)):
            total[day] += (prices[day + 1] - prices[day]) * leg.lots * size
    return decimal(buffer([floor(each * UNIT) for each in total], quantile, days))

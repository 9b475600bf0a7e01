"""Exact units: goods, money and time as text with a unit, and no rounding between them.

A unit is a multiple of the base unit of its dimension. What has no exact relation (barrels and
tonnes of oil, an ounce of gold and a dollar) has another dimension and is refused.

Sources: 1 lb = 0.45359237 kg, 1 troy oz = 31.1034768 g (international yard and pound agreement,
1959); bushels by weight: soybeans and wheat 60 lb, corn 56 lb (USDA, 7 CFR 810); 1 bbl of oil =
42 US gallons; 1 short ton = 2000 lb.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, NamedTuple

from cross_market._values import (
    DIGITS_MAX,
    Reader,
    fraction_text,
    read_decimal,
    suggestion,
    wrong,
    wrong_type,
)

POUND_IN_GRAMS = Fraction("453.59237")
TROY_OUNCE_IN_GRAMS = Fraction("31.1034768")


class Unit(NamedTuple):
    """A unit: what it measures, and how many of the base unit of that it is."""

    dimension: str
    size: Fraction


UNITS = {
    "mg": Unit("mass", Fraction(1, 1000)),
    "g": Unit("mass", Fraction(1)),
    "kg": Unit("mass", Fraction(1000)),
    "t": Unit("mass", Fraction(1_000_000)),
    "lb": Unit("mass", POUND_IN_GRAMS),
    "short_ton": Unit("mass", 2000 * POUND_IN_GRAMS),
    "ozt": Unit("mass", TROY_OUNCE_IN_GRAMS),
    "bu_soy": Unit("mass", 60 * POUND_IN_GRAMS),
    "bu_wheat": Unit("mass", 60 * POUND_IN_GRAMS),
    "bu_corn": Unit("mass", 56 * POUND_IN_GRAMS),
    "gal": Unit("volume of oil", Fraction(1, 42)),
    "bbl": Unit("volume of oil", Fraction(1)),
    "MMBtu": Unit("energy", Fraction(1)),
    "share": Unit("shares", Fraction(1)),
    "point": Unit("index points", Fraction(1)),
}

TIMES = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
# How units are written elsewhere: only to say how they are written here.
SAID = {
    "gram": "g",
    "gramme": "g",
    "kilo": "kg",
    "kilogram": "kg",
    "ton": "t",
    "tonne": "t",
    "pound": "lb",
    "ounce": "ozt",
    "oz": "ozt",
    "toz": "ozt",
    "barrel": "bbl",
    "gallon": "gal",
    "bushel": "bu_wheat",
    "nanosecond": "ns",
    "microsecond": "us",
    "µs": "us",
    "usec": "us",
    "millisecond": "ms",
    "msec": "ms",
    "second": "s",
    "sec": "s",
    "minute": "min",
    "m": "min",
    "hour": "h",
    "hr": "h",
    "day": "d",
}
LONGEST_NS = 40 * TIMES["d"]

CODE = re.compile(r"[A-Z][A-Z0-9]{1,9}")
QUOTE = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?) )?([A-Z][A-Z0-9]{1,9})/(\S+)")
SPLIT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) (\S+)")
RATE = re.compile(r"([0-9]{1,9})/s")


class Quantity(NamedTuple):
    """An exact number of one unit."""

    number: Fraction
    unit: str

    def __str__(self) -> str:
        return f"{fraction_text(self.number)} {self.unit}"

    def to(self, unit: str, where: str) -> Fraction:
        """Return how many of `unit` this is, exactly.

        unit: str – the unit wanted.
        where: str – the field this quantity comes from.
        Raises ConfigError when the two units measure different things.

        Example:
            >>> parse_quantity("1 ozt", "size").to("g", "size")
            Fraction(19439673, 625000)
        """
        have, want = unit_of(self.unit, where), unit_of(unit, where)
        if have.dimension != want.dimension:
            expected = f"a quantity in {unit} or another unit of {want.dimension}"
            hint = meant(self.unit, UNITS) if self.unit not in UNITS else ""
            raise wrong(str(self), where, expected, hint)
        return self.number * have.size / want.size


class Quote(NamedTuple):
    """What one unit of price means: `scale` of `currency` for one `unit` of goods."""

    scale: Fraction
    currency: str
    unit: str


def unit_of(text: str, where: str) -> Unit:
    """Return the unit called `text`; any currency or coin code is a unit of its own."""
    if type(text) is not str:
        raise wrong_type(text, where, "the name of a unit, such as 'g'")
    if text in UNITS:
        return UNITS[text]
    if CODE.fullmatch(text):
        return Unit(text, Fraction(1))
    expected = "a unit: " + ", ".join(UNITS) + ", or a currency code such as EUR or BTC"
    raise wrong(text, where, expected, meant(text, UNITS))


def meant(text: str, known: Mapping[str, object]) -> str:
    """Return ` Did you mean …?` for a unit that is written another way here, else nothing."""
    word = text.lower()
    for each in (word, word.removesuffix("s")):
        if SAID.get(each) in known:
            return f" Did you mean {SAID[each]!r}?"
    return suggestion(text, known)


def code_of(text: str) -> list[str]:
    """Return the currency code that differs from `text` only in its capitals, if there is one."""
    return [text.upper()] if CODE.fullmatch(text.upper()) else []


def split(given: object, where: str, expected: str) -> tuple[Fraction, str]:
    """Return number and unit of a text such as '500 g'."""
    if type(given) is not str:
        raise wrong_type(given, where, expected)
    found = SPLIT.fullmatch(given) if len(given) <= 2 * DIGITS_MAX else None
    if found is None:
        raise wrong(given, where, expected)
    return Fraction(read_decimal(found[1], where)), found[2]


def parse_quantity(given: object, where: str) -> Quantity:
    """Return the quantity that a text such as '3.2 kg' states, exactly.

    Example:
        >>> parse_quantity("500 g", "max_residual")
        Quantity(number=Fraction(500, 1), unit='g')
    """
    number, unit = split(given, where, "a number and a unit, such as '500 g'")
    unit_of(unit, where)
    return Quantity(number, unit)


def parse_money(given: object, where: str) -> tuple[Decimal, str]:
    """Return amount and currency of a text such as '20000 CNY'."""
    expected = "an amount and its currency, such as '20000 CNY'"
    number, currency = split(given, where, expected)
    if CODE.fullmatch(currency) is None or currency in UNITS:
        raise wrong(given, where, expected, suggestion(currency, code_of(currency)))
    return Decimal(fraction_text(number)), currency


def parse_span(given: object, where: str) -> int:
    """Return the ns of a text such as '250 ms'.

    Example:
        >>> parse_span("250 ms", "age")
        250000000
    """
    expected = "a length of time with its unit (" + ", ".join(TIMES) + "), such as '250 ms'"
    number, unit = split(given, where, expected)
    if unit not in TIMES:
        raise wrong(given, where, expected, meant(unit, TIMES))
    span = number * TIMES[unit]
    if span.denominator != 1 or not 0 <= span <= LONGEST_NS:
        raise wrong(given, where, "whole ns from 0 ns to 40 d")
    return int(span)


def span_text(span_ns: int) -> str:
    """Return ns in the largest unit that states them as a whole number."""
    for unit, size in reversed(TIMES.items()):
        if span_ns and span_ns % size == 0:
            return f"{span_ns // size} {unit}"
    return f"{span_ns} ns"


def parse_quote(given: object, where: str) -> Quote:
    """Return what a price means: 'CNY/g', or '0.01 USD/bu_soy' for one quoted in cents."""
    expected = "what one unit of price means, such as 'CNY/g' or '0.01 USD/bu_soy'"
    if type(given) is not str:
        raise wrong_type(given, where, expected)
    found = QUOTE.fullmatch(given) if len(given) <= 2 * DIGITS_MAX else None
    if found is None:
        raise wrong(given, where, expected)
    scale = Fraction(found[1]) if found[1] else Fraction(1)
    if scale == 0:
        raise wrong(given, where, expected)
    unit_of(found[3], where)
    return Quote(scale, found[2], found[3])


# Readers of these texts, for the fields of values.


def quantity() -> Reader:
    """Read a quantity above zero; canonical such as '3.2 kg'."""
    expected = "a quantity above zero with its unit, such as '500 g'"

    def read(given: object, where: str) -> str:
        found = parse_quantity(given, where)
        if found.number <= 0:
            raise wrong(given, where, expected)
        return str(found)

    return Reader(read, expected)


def unit() -> Reader:
    """Read the name of a unit."""

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, "the name of a unit, such as 'g'")
        unit_of(given, where)
        return given

    return Reader(read, "the name of a unit, such as 'g'")


def currency() -> Reader:
    """Read a currency or coin code."""
    expected = "a currency code of 2 to 10 capital letters and digits, such as CNY"

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, expected)
        if CODE.fullmatch(given) is None:
            raise wrong(given, where, expected, suggestion(given, code_of(given)))
        return given

    return Reader(read, expected)


def money(*, signed: bool = False, above: bool = False) -> Reader:
    """Read an amount with its currency, zero or more unless `signed`."""
    kind = "an amount" if signed else "an amount above zero" if above else "an amount, zero or more"
    expected = f"{kind}, with its currency, such as '20000 CNY'"

    def read(given: object, where: str) -> str:
        amount, code = parse_money(given, where)
        if (amount < 0 and not signed) or (amount == 0 and above):
            raise wrong(given, where, expected)
        return f"{amount:f} {code}"

    return Reader(read, expected)


def moneys() -> Reader:
    """Read one amount above zero, or a tuple of amounts with one for each currency."""
    expected = "an amount above zero for each currency, such as ('20000 CNY', '3000 USD')"
    each = money(above=True)

    def read(given: object, where: str) -> tuple[str, ...]:
        items = [given] if type(given) is str else given
        if type(items) not in (list, tuple):
            raise wrong_type(given, where, expected)
        found: dict[str, str] = {}
        for item in items:  # type: ignore[attr-defined]
            text = each.read(item, where)
            code = text.partition(" ")[2]
            if code in found:
                raise wrong(given, where, "one amount for each currency")
            found[code] = text
        if not found:
            raise wrong(given, where, expected)
        return tuple(found[code] for code in sorted(found))

    return Reader(read, expected)


def span(*, above: bool = False) -> Reader:
    """Read a length of time; canonical such as '250 ms'."""
    expected = "a length of time" + (" above zero" if above else "") + ", such as '250 ms'"

    def read(given: object, where: str) -> str:
        found = parse_span(given, where)
        if above and found == 0:
            raise wrong(given, where, expected)
        return span_text(found)

    return Reader(read, expected)


def counted(*units: str, least: int = 1, most: int = 2**31 - 1) -> Reader:
    """Read a whole number of things, such as '2 updates'; canonical uses the last name."""
    bounds = f"from {least} to {most}" if least < 0 else f"of at least {least}"
    example = 2 if least < 0 else least + 1
    expected = f"a whole number {bounds} with its unit, such as '{example} {units[-1]}'"

    def read(given: object, where: str) -> str:
        number, what = split(given, where, expected)
        if what not in units and number.denominator == 1:
            raise wrong(given, where, expected, suggestion(what, units))
        if what not in units or number.denominator != 1 or not least <= number <= most:
            raise wrong(given, where, expected)
        return f"{number} {units[-1]}"

    return Reader(read, expected)


def rate() -> Reader:
    """Read a number in each second, such as '20/s'."""
    expected = "a whole number above zero in each second, such as '20/s'"

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, expected)
        found = RATE.fullmatch(given)
        if found is None or int(found[1]) == 0:
            raise wrong(given, where, expected)
        return f"{int(found[1])}/s"

    return Reader(read, expected)


def quote() -> Reader:
    """Read what one unit of price means, such as 'CNY/g'."""

    def read(given: object, where: str) -> str:
        found = parse_quote(given, where)
        scale = "" if found.scale == 1 else fraction_text(found.scale) + " "
        return f"{scale}{found.currency}/{found.unit}"

    return Reader(read, "what one unit of price means, such as 'CNY/g'")


CurrencyCode = Annotated[str, currency()]
UnitName = Annotated[str, unit()]
PriceOf = Annotated[str, quote()]


def whole(text: str) -> int:
    """Return the number of a canonical counted or rate text."""
    return int(re.split(r"[ /]", text, maxsplit=1)[0])

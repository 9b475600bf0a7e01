"""Monitored numbers, and what follows when one touches a level of its ladder.

The engine looks at each with every event that moves it and acts in that step. See
`docs/thresholds.md`. `template("small desk")` returns a tuple of thresholds whose repr shows every
value.
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
    suggestion,
    value,
    wrong,
    wrong_type,
)
from cross_market.contracts.units import parse_money, quantity, span

__all__ = ["METRICS", "Threshold", "template"]

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
    "verdict": ("hedge", "fraction"),
    "attempt_loss": ("hedge", "money"),
    "drift": ("account", "money"),
    "data_age": ("instrument", "time"),
    "latency": ("account", "time"),
    "messages": ("account", "count"),
    "slippage": ("hedge", "money"),
    "slippage_expected": ("hedge", "money"),
}

# Those of which less is worse.
FALLING = ("margin_ratio", "available", "withdrawable")

# What metrics are of, and what those may have in common.
KINDS = ("account", "hedge", "instrument")
CLASSES = ("venue", "product", "group", "strategy")

LEVELS = ("warn", "restrict", "cancel", "reduce", "halt")

NAME = name()


def plain() -> Reader:
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


PLAIN = plain()


def words() -> Reader:
    """Read the text of a formula."""
    expected = "a formula, such as '0.95 - 2 * volatility'"

    def read(given: object, where: str) -> object:
        if type(given) is not str:
            raise wrong_type(given, where, expected)
        if not given.isascii() or not 1 <= len(given) <= 200:
            raise wrong(given, where, f"{expected}, of 1 to 200 ASCII characters")
        return given

    return Reader(read, expected)


@value
class Formula:
    """A bound that follows a market, evaluated by the engine at each look.

    text: str – numbers, + - * /, brackets, min(…, …), max(…, …) and of what the threshold is of:
        margin_ratio (equity / margin), volatility (standard deviation over an hour / price, as
        `Config.waiting` measures it), tolerance (`Hedge.slippage`) and hours_to_close. Money is in
        the currency of what it is of, times in seconds, sizes and quantities in its own unit.
    least: value – the bound is never below this.
    most: value – nor above this. While an input is not known the stricter of the two counts.
    """

    text: Annotated[str, words()] = field(kw_only=False)
    least: Annotated[Any, PLAIN]
    most: Annotated[Any, PLAIN]


def bound() -> Reader:
    """Read a value of the metric, or a formula of it."""
    expected = f"{PLAIN.expected}, or a Formula"

    def read(given: object, where: str) -> object:
        return given if type(given) is Formula else PLAIN.read(given, where)

    return Reader(read, expected, (Formula,), plain=True)


Bound = Annotated[Any, optional(bound())]


def place() -> Reader:
    """Read a name, or the kind and name of a class."""
    expected = "a name, or (kind, name) with the kind " + ", ".join(CLASSES)

    def read(given: object, where: str) -> object:
        if type(given) is str:
            return NAME.read(given, where)
        if not isinstance(given, (list, tuple)) or len(given) != 2:
            raise wrong_type(given, where, expected)
        kind, name = given
        if kind not in CLASSES:
            raise wrong(kind, f"{where}[0]", "one of " + ", ".join(CLASSES))
        return (kind, NAME.read(name, f"{where}[1]"))

    return Reader(read, expected)


@value
class Threshold:
    """A monitored number and its ladder. State at least one level.

    metric: str – of each account: 'capital_usage' (margin / equity), 'projected_usage' (the same
        after a settlement at present prices), 'margin_ratio' (equity / margin), 'available' (for
        new orders), 'withdrawable', 'day_loss', 'drift' (booked for differences to the venue's
        word), 'latency' (the longest that an order has no answer), 'messages' (in the last second);
        of each hedge: 'attempt_loss' (by repair, of the attempt that lives), 'repair_loss' (today),
        'residual' (at rest), 'slippage' (what orders traded today worse than the books displayed
        when they were decided), 'slippage_expected' (what a clip would cost now beyond the tops),
        'verdict' (what a judge outside said last, see `cross_market.policy.verdict`); of each
        instrument: 'position' (long and short, all accounts), 'orders', 'cancels' (today),
        'data_age' (since its book was heard of, while it trades).
    each: str – 'account', 'hedge' or 'instrument', whichever the metric is of: one ladder for each
        that no more specific threshold of the metric is of; with `of` for each that belongs there.
        'venue', 'product', 'group' or 'strategy': one ladder for each of those, over all that
        belongs to it together.
    all: str – 'account', 'hedge' or 'instrument': one ladder for all of them together.
    of: str or (str, str) – the one that it is of, by name; or a venue, product, group or strategy,
        such as ('venue', 'SHFE'): all that belongs to it together, or each with `each`. An account
        belongs to a venue and a group, an instrument to a venue and a product, a hedge to a
        strategy; to the others by what the legs of hedges trade.
    warn: value – from here on it is told. Values are numbers for fractions, sizes, counts and
        verdicts, amounts such as '20000 CNY' (one for each currency) for money, quantities such as
        '500 g' for residuals, times such as '2 s'; or a Formula.
    restrict: value – nothing is entered.
    cancel: value – what enters is cancelled; what it has traded is completed or unwound.
    reduce: value – whole sets are given back, of the hedge of the last priority first.
    halt: value – no order leaves until a person has lifted the HALT.
    clear: value – a level is left when the number is better than its bound by so much; nothing when
        None.
    dwell: str, time – and has been for so long.
    """

    metric: Annotated[str, choice(*METRICS)] = field(kw_only=False)
    each: Annotated[str | None, optional(choice(*KINDS, *CLASSES))] = None
    all: Annotated[str | None, optional(choice(*KINDS))] = None
    of: Annotated[Any, optional(place())] = None
    warn: Bound = None
    restrict: Bound = None
    cancel: Bound = None
    reduce: Bound = None
    halt: Bound = None
    clear: Annotated[Any, optional(PLAIN)] = None
    dwell: Annotated[str, span()] = "0 s"

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        kind, unit = METRICS[self.metric]
        self._check_scope(kind)
        stated = [level for level in LEVELS if getattr(self, level) is not None]
        if not stated:
            raise wrong(None, "threshold.warn", "at least one of " + ", ".join(LEVELS))
        for level in [*stated, *(["clear"] if self.clear is not None else [])]:
            given, where = getattr(self, level), f"threshold.{level}"
            if type(given) is Formula:
                read_bound(unit, given.least, f"{where}.least")
                read_bound(unit, given.most, f"{where}.most")
            else:
                read_bound(unit, given, where)

    def _check_scope(self, kind: str) -> None:
        if self.all is not None:
            if self.each is not None or self.of is not None:
                raise wrong(self.all, "threshold.all", "nothing beside each= and of=")
        elif self.each is None and self.of is None:
            expected = f"each={kind!r}, all={kind!r}, or of= and the name of one"
            raise wrong(self.each, "threshold.each", expected)
        for part in ("each", "all"):
            found = getattr(self, part)
            if found not in (None, kind) and (part == "all" or found in KINDS):
                raise wrong(found, f"threshold.{part}", f"{kind!r}, which {self.metric} is of")
        if self.of is not None and self.each is not None:
            if self.each in CLASSES:
                raise wrong(
                    self.of, "threshold.of", f"None: there is a ladder for each {self.each}"
                )
            if type(self.of) is str:
                expected = "a class and a name, such as ('venue', 'SHFE'): each of it"
                raise wrong(self.of, "threshold.of", expected)
        if self.metric == "residual" and self.is_sum:
            raise wrong(
                self.of or self.all or self.each, "threshold.of", "one hedge: no sum of them"
            )

    @property
    def is_sum(self) -> bool:
        """Whether it looks at several together."""
        several = self.each is None and type(self.of) is tuple
        return self.all is not None or self.each in CLASSES or several


def read_bound(unit: str, given: object, where: str) -> None:
    """Raise ConfigError unless a value is written as its metric's values are."""
    if unit == "money":
        texts = given if type(given) is tuple else (given,)
        codes = [parse_money(text, where)[1] for text in texts]
        if not codes or len(set(codes)) < len(codes):
            raise wrong(given, where, "one amount for each currency, such as '20000 CNY'")
    elif unit == "quantity":
        quantity().read(given, where)
    elif unit == "time":
        span().read(given, where)
    elif unit == "count":
        number = ratio(least=0).read(given, where)
        if Fraction(str(number)).denominator != 1:
            raise wrong(given, where, "a whole number")
    else:
        ratio(least=0).read(given, where)


def _small_desk() -> tuple[Threshold, ...]:
    return (
        Threshold(
            "capital_usage",
            each="account",
            warn="0.70",
            restrict="0.80",
            cancel="0.90",
            halt="0.97",
            clear="0.02",
            dwell="5 s",
        ),
        Threshold(
            "projected_usage",
            each="account",
            warn="0.85",
            restrict="0.95",
            clear="0.02",
            dwell="5 s",
        ),
        Threshold(
            "day_loss",
            each="account",
            warn=("50000 CNY", "7500 USD", "7500 USDT", "7500 EUR", "30000 PLN"),
            restrict=("80000 CNY", "12000 USD", "12000 USDT", "12000 EUR", "48000 PLN"),
            cancel=("100000 CNY", "15000 USD", "15000 USDT", "15000 EUR", "60000 PLN"),
        ),
        Threshold(
            "repair_loss",
            each="hedge",
            warn=("25000 CNY", "3750 USD", "3750 USDT", "3750 EUR", "15000 PLN"),
            restrict=("40000 CNY", "6000 USD", "6000 USDT", "6000 EUR", "24000 PLN"),
        ),
        Threshold("cancels", each="instrument", warn=300, restrict=400),
    )


def _broker_client() -> tuple[Threshold, ...]:
    # No `halt`: where the broker would close positions, giving sets back must go on.
    return (
        Threshold(
            "capital_usage",
            each="account",
            warn="0.75",
            restrict="0.80",
            cancel="0.90",
            reduce="0.95",
            clear="0.02",
            dwell="10 s",
        ),
        Threshold(
            "projected_usage",
            each="account",
            warn="0.85",
            restrict="0.95",
            clear="0.02",
            dwell="10 s",
        ),
        Threshold(
            "day_loss",
            each="account",
            warn=("30000 CNY", "4500 USD", "4000 EUR", "35000 HKD", "600000 JPY"),
            restrict=("48000 CNY", "7200 USD", "6400 EUR", "56000 HKD", "960000 JPY"),
            cancel=("60000 CNY", "9000 USD", "8000 EUR", "70000 HKD", "1200000 JPY"),
        ),
        Threshold(
            "repair_loss",
            each="hedge",
            warn=("15000 CNY", "2250 USD", "2000 EUR", "17500 HKD", "300000 JPY"),
            restrict=("24000 CNY", "3600 USD", "3200 EUR", "28000 HKD", "480000 JPY"),
        ),
        Threshold("cancels", each="instrument", warn=300, restrict=400),
    )


def _crypto() -> tuple[Threshold, ...]:
    # Venues liquidate at a ratio near 1; no `halt`, for the same reason.
    return (
        Threshold(
            "margin_ratio",
            each="account",
            warn="3",
            restrict="2",
            cancel="1.5",
            reduce="1.25",
            clear="0.1",
            dwell="5 s",
        ),
        Threshold(
            "day_loss",
            each="account",
            warn=("5000 USDT", "5000 USDC", "5000 USD"),
            restrict=("8000 USDT", "8000 USDC", "8000 USD"),
            cancel=("10000 USDT", "10000 USDC", "10000 USD"),
        ),
        Threshold(
            "repair_loss",
            each="hedge",
            warn=("2500 USDT", "2500 USDC", "2500 USD"),
            restrict=("4000 USDT", "4000 USDC", "4000 USD"),
        ),
    )


TEMPLATES = {
    "small desk": _small_desk,
    "futures broker client": _broker_client,
    "crypto": _crypto,
}


def template(name: str) -> tuple[Threshold, ...]:
    """Return a set of thresholds by name, beside the limits of that name; its repr shows them all.

    name: str – 'small desk', 'futures broker client' or 'crypto'.
    Raises ConfigError when there is no such template.
    """
    if type(name) is not str:
        raise wrong_type(name, "thresholds.template", "the name of a template, as str")
    if name not in TEMPLATES:
        expected = "a template: " + ", ".join(TEMPLATES)
        raise wrong(name, "thresholds.template", expected, suggestion(name, TEMPLATES))
    return TEMPLATES[name]()

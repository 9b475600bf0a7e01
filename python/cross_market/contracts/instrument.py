"""One tradable contract: its size, its price, its costs, its hours."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import field
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from cross_market._values import (
    Name,
    Number,
    Reader,
    choice,
    decimal,
    flag,
    fraction_text,
    many,
    one,
    optional,
    ratio,
    read_decimal,
    value,
    wrong,
    wrong_type,
)
from cross_market.contracts.units import (
    PriceOf,
    Quote,
    money,
    parse_money,
    parse_quantity,
    parse_quote,
    quantity,
)

SETTLEMENTS = ("upfront", "daily_vm", "on_close", "prompt_forward", "coin")
PHASES = ("continuous", "auction", "break", "overnight", "holiday", "halted")
LATEST_NS = 7_258_118_400_000_000_000  # 2200-01-01
FINE = re.compile(r"[.,][0-9]{7}")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def time_ns(given: object, where: str) -> int:
    """Return a moment in ns since the Unix epoch.

    given: int or datetime – ns, or a datetime that knows its zone; files write the latter as text.
    Raises InputTypeError for floats, ConfigError for a datetime without zone or out of range, and
    for one that its clock shows twice or never.
    """
    expected = "ns since 1970 as int, or a datetime with a zone; from 1970 to 2200"
    if type(given) is str:
        given = read_datetime(given, where, expected)
    # Those of other libraries count ns, which the arithmetic of datetime would drop.
    if type(given) is datetime.datetime:
        if given.utcoffset() is None:
            raise wrong(given, where, expected + "; this one does not say its zone")
        if given.replace(fold=0).utcoffset() != given.replace(fold=1).utcoffset():
            why = "; clocks are changed at this one: give it in UTC"
            raise wrong(given, where, expected + why)
        since = given - EPOCH
        stamp = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
    elif type(given) is int:
        stamp = given
    else:
        raise wrong_type(given, where, expected)
    if not 0 <= stamp < LATEST_NS:
        raise wrong(given, where, expected)
    return stamp


def read_datetime(given: str, where: str, expected: str) -> datetime.datetime:
    """Return the datetime that a text states, in full."""
    if FINE.search(given) is not None:
        raise wrong(given, where, expected + "; a text states at most µs")
    try:
        return datetime.datetime.fromisoformat(given)
    except ValueError as error:
        raise wrong(given, where, expected) from error


def phases() -> Reader:
    """Read 'always', or a list of (start, phase) in ascending order."""
    expected = "'always', or a list of (start, phase) with the starts ascending"

    def read(given: object, where: str) -> object:
        if type(given) is str and given == "always":
            return given
        if type(given) not in (list, tuple):
            raise wrong_type(given, where, expected)
        found: list[tuple[int, str]] = []
        for at, pair in enumerate(given):  # type: ignore[arg-type, var-annotated]
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise wrong(pair, f"{where}[{at}]", "a pair of start and phase")
            start = time_ns(pair[0], f"{where}[{at}]")
            if found and start <= found[-1][0]:
                raise wrong(pair[0], f"{where}[{at}]", "a start after the one before it")
            found.append((start, choice(*PHASES).read(pair[1], f"{where}[{at}]")))
        if not found:
            raise wrong(given, where, expected)
        return tuple(found)

    return Reader(read, expected)


def windows() -> Reader:
    """Read 'always', or a list of (start, end) that follow each other."""
    expected = "'always', or a list of (start, end), each after the one before it"

    def read(given: object, where: str) -> object:
        if type(given) is str and given == "always":
            return given
        if type(given) not in (list, tuple):
            raise wrong_type(given, where, expected)
        found: list[tuple[int, int]] = []
        for at, pair in enumerate(given):  # type: ignore[arg-type, var-annotated]
            place = f"{where}[{at}]"
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise wrong(pair, place, "a pair of start and end")
            start, end = time_ns(pair[0], place), time_ns(pair[1], place)
            if end <= start or (found and start < found[-1][1]):
                raise wrong(pair, place, "an end after its start, at or after the end before it")
            found.append((start, end))
        if not found:
            raise wrong(given, where, expected)
        return tuple(found)

    return Reader(read, expected)


def band() -> Reader:
    """Read the day's price band as (low, high)."""
    expected = "the lowest and highest price of the day, such as ('600', '640')"

    def read(given: object, where: str) -> tuple[str, str]:
        if type(given) not in (list, tuple) or len(given) != 2:  # type: ignore[arg-type]
            raise wrong_type(given, where, expected)
        low, high = (read_decimal(each, where) for each in given)  # type: ignore[attr-defined]
        if low >= high:
            raise wrong(given, where, expected)
        return f"{low:f}", f"{high:f}"

    return Reader(read, expected)


def prompts() -> Reader:
    """Read a list of (from, prompt) as days since 1970."""
    expected = "a list of (from, prompt), days that ascend, each prompt after its day"

    def read(given: object, where: str) -> object:
        if type(given) not in (list, tuple):
            raise wrong_type(given, where, expected)
        found: list[tuple[int, int]] = []
        for at, pair in enumerate(given):  # type: ignore[arg-type, var-annotated]
            place = f"{where}[{at}]"
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise wrong(pair, place, "a pair of a trading day and its prompt")
            start, prompt = day_number(pair[0], place), day_number(pair[1], place)
            if prompt <= start or (found and (start <= found[-1][0] or prompt < found[-1][1])):
                raise wrong(pair, place, expected)
            found.append((start, prompt))
        if not found:
            raise wrong(given, where, expected)
        return tuple(found)

    return Reader(read, expected)


def day_number(given: object, where: str) -> int:
    """Return a day as days since 1970.

    given: date, or str such as '2026-02-10'; int – days since 1970.
    """
    expected = "a date, a text such as '2026-02-10', or days since 1970 as int; up to 2199"
    if type(given) is str:
        try:
            given = datetime.date.fromisoformat(given)
        except ValueError as error:
            raise wrong(given, where, expected) from error
    if type(given) is datetime.date:
        given = (given - EPOCH.date()).days
    if type(given) is not int:
        raise wrong_type(given, where, expected)
    if not 0 <= given < LATEST_NS // 86_400_000_000_000:
        raise wrong(given, where, expected)
    return given


def day() -> Reader:
    """Read a day as days since 1970."""
    return Reader(day_number, "a date, or a text such as '2026-02-10'")


Phases = Annotated[Any, phases()]
Prompts = Annotated[Any, optional(prompts())]
Windows = Annotated[Any, windows()]
PriceBand = Annotated[Any, optional(band())]


@value
class Fee:
    """What one trade costs: so much for each lot, and so much of its value.

    per_lot: str, money – in the instrument's currency; negative is a rebate.
    rate: number – of the absolute value; negative is a rebate.
    """

    per_lot: Annotated[str | None, optional(money(signed=True))] = None
    rate: Annotated[Number, ratio()] = "0"


@value
class Fees:
    """Fees by position effect, the taker's.

    open: Fee – for opening, and for every order where positions are netted.
    close: Fee – for closing lots of an earlier day; as `open` when None.
    close_today: Fee – for closing today's lots; as `open` when None.
    """

    open: Annotated[Fee, one(Fee)]
    close: Annotated[Fee | None, optional(one(Fee))] = None
    close_today: Annotated[Fee | None, optional(one(Fee))] = None


@value
class MarginStep:
    """What replaces a margin with the settlement of a trading day, as exchanges announce it.

    settles: day, date or text – with the settlement of which trading day, such as '2026-02-12'.
    long, short: number – fraction of the absolute value from then on.
    long_per_lot, short_per_lot, floor_per_lot: str, money – as those of Margin; none when left out.
    """

    settles: Annotated[Any, day()]
    long: Annotated[Number, ratio(least=0)]
    short: Annotated[Number, ratio(least=0)]
    long_per_lot: Annotated[str | None, optional(money())] = None
    short_per_lot: Annotated[str | None, optional(money())] = None
    floor_per_lot: Annotated[str | None, optional(money())] = None


@value
class Margin:
    """What is set aside for a position.

    long, short: number – fraction of the absolute value, by direction.
    long_per_lot, short_per_lot: str, money – added for each lot; 0 as a fraction where it is all.
    floor_per_lot: str, money – both together are at least so much a lot, which binds at prices of
        zero and below.
    steps: list of MarginStep – what replaces it later, before holidays and towards delivery,
        with `settles` ascending. A run that begins on such a day counts the larger of every number
        until that settlement is told, or the day is over in UTC.
    """

    long: Annotated[Number, ratio(least=0)]
    short: Annotated[Number, ratio(least=0)]
    long_per_lot: Annotated[str | None, optional(money())] = None
    short_per_lot: Annotated[str | None, optional(money())] = None
    floor_per_lot: Annotated[str | None, optional(money())] = None
    steps: Annotated[Sequence[MarginStep], many(MarginStep)] = ()


@value
class Instrument:
    """One tradable contract.

    name: str – such as 'SHFE.au2602'; recorded data finds it as venue and symbol with a dot.
    venue: str – where it trades.
    product: str – the goods it stands for; limits are summed over it.
    size: str, quantity – goods in 1 of the venue's size, such as '1000 g'.
    quote: str – what one unit of price means, such as 'CNY/g', or '0.01 USD/bu_soy' for cents.
    tick: number, price – smallest price step.
    lot: number, venue's size – smallest size step, such as '0.00001' for coins.
    settlement: str – when which money is paid: 'upfront' (the whole value with the trade),
        'daily_vm' (the variation at every settlement), 'on_close' (the result with the close),
        'prompt_forward' (the result at the prompt of the lots, as on the LME), or 'coin' (on close,
        of a contract whose value is its size ÷ price, in the coin; no leg can be on it).
    fees: Fees – what trading costs.
    margin: Margin – required, but refused for 'upfront'.
    matching: str – against which lots a close is counted: 'first_in' (those of the first trade) or
        'average' (all, at one price); required for 'on_close', refused for others.
    prompts: list of (from, prompt), days – from which trading day on a trade has which prompt: one
        pair is a fixed prompt, one a day a rolling 3M contract; required for 'prompt_forward',
        refused for others. Orders of a day without a prompt that is known and still to come are
        refused.
    phases: 'always' or list of (start, phase) – trading phases.
    band: (low, high) – the day's price band, where the venue has one.
    own_in_book: bool – whether the feed's levels count our own resting orders too.
    speculation_margin, arbitrage_margin, hedge_margin: Margin – for accounts of that flag; as
        `margin` when None.
    maintenance: number – fraction of the margin below which open positions are short of money.
    larger_side: bool – whether an account needs margin for its longs or its shorts in all such
        contracts of the product, whichever need more, and not for both.
    min_qty: number, venue's size – smallest order; one lot when None.
    price_max, qty_max: number – largest price and size for which the arithmetic is proven; 10⁷
        ticks and 10⁶ lots when None. What is beyond is refused, not rounded.
    """

    name: Name = field(kw_only=False)
    venue: Name
    product: Name
    size: Annotated[str, quantity()]
    quote: PriceOf
    tick: Annotated[Number, decimal(above=0)]
    lot: Annotated[Number, decimal(above=0)] = "1"
    settlement: Annotated[str, choice(*SETTLEMENTS)]
    fees: Annotated[Fees, one(Fees)]
    margin: Annotated[Margin | None, optional(one(Margin))] = None
    matching: Annotated[str | None, optional(choice("first_in", "average"))] = None
    prompts: Prompts = None
    phases: Phases = "always"
    band: PriceBand = None
    own_in_book: Annotated[bool, flag()] = False
    speculation_margin: Annotated[Margin | None, optional(one(Margin))] = None
    arbitrage_margin: Annotated[Margin | None, optional(one(Margin))] = None
    hedge_margin: Annotated[Margin | None, optional(one(Margin))] = None
    maintenance: Annotated[Number, ratio(above=0)] = "1"
    larger_side: Annotated[bool, flag()] = False
    min_qty: Annotated[Number | None, optional(decimal(above=0))] = None
    price_max: Annotated[Number | None, optional(decimal(above=0))] = None
    qty_max: Annotated[Number | None, optional(decimal(above=0))] = None

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        where = "instrument"
        if (self.settlement == "upfront") != (self.margin is None):
            expected = "a Margin, or None for settlement 'upfront'"
            raise wrong(self.margin, f"{where}.margin", expected)
        if (self.settlement == "on_close") != (self.matching is not None):
            expected = "'first_in' or 'average' for settlement 'on_close', None for others"
            raise wrong(self.matching, f"{where}.matching", expected)
        if (self.settlement == "prompt_forward") != (self.prompts is not None):
            expected = "a list of (from, prompt) for settlement 'prompt_forward', None for others"
            raise wrong(self.prompts, f"{where}.prompts", expected)
        if self.settlement == "coin":
            self._check_face(f"{where}.size")
        else:
            parse_quantity(self.size, f"{where}.size").to(self.price_of.unit, f"{where}.size")
        for each in ("open", "close", "close_today"):
            fee = getattr(self.fees, each)
            if fee is not None and fee.per_lot is not None:
                self._own_currency(fee.per_lot, f"{where}.fees.{each}.per_lot")
        for each in ("margin", "speculation_margin", "arbitrage_margin", "hedge_margin"):
            margin = getattr(self, each)
            if margin is not None and self.settlement == "upfront":
                raise wrong(margin, f"{where}.{each}", "None for settlement 'upfront'")
            if margin is not None:
                self._check_margin(margin, f"{where}.{each}")
                self._check_steps(margin.steps, f"{where}.{each}.steps")
        grids = (
            ("band", self.band or (), self.tick),
            ("min_qty", self._given(self.min_qty), self.lot),
        )
        for each, numbers, step in grids:
            for number in numbers:
                if (Fraction(number) / Fraction(step)).denominator != 1:
                    raise wrong(number, f"{where}.{each}", f"a whole multiple of {step}")

    def _check_face(self, where: str) -> None:
        face = parse_quantity(self.size, where)
        if face.unit != self.price_of.currency:
            raise wrong(self.size, where, f"an amount in {self.price_of.currency}")

    def _given(self, number: Number | None) -> tuple[Number, ...]:
        return () if number is None else (number,)

    def _check_steps(self, steps: Sequence[MarginStep], where: str) -> None:
        for at, step in enumerate(steps):
            self._check_margin(step, f"{where}[{at}]")
            if at > 0 and step.settles <= steps[at - 1].settles:
                expected = "a day after that of the step before it"
                raise wrong(step.settles, f"{where}[{at}].settles", expected)

    def _check_margin(self, margin: Margin | MarginStep, where: str) -> None:
        for direction in ("long", "short"):
            rate, per_lot = getattr(margin, direction), getattr(margin, f"{direction}_per_lot")
            by_lot = per_lot is not None and parse_money(per_lot, where)[0] > 0
            if Fraction(rate) == 0 and not by_lot:
                expected = f"margin above 0, or {direction}_per_lot above 0"
                raise wrong(rate, f"{where}.{direction}", expected)
        for each in ("long_per_lot", "short_per_lot", "floor_per_lot"):
            amount = getattr(margin, each)
            if amount is not None:
                self._own_currency(amount, f"{where}.{each}")

    def _own_currency(self, text: str, where: str) -> None:
        if parse_money(text, where)[1] != self.currency:
            raise wrong(text, where, f"an amount in {self.currency}")

    @property
    def price_of(self) -> Quote:
        """What one unit of price means."""
        return parse_quote(self.quote, "instrument.quote")

    @property
    def currency(self) -> str:
        """The currency of its money: that of its prices, or the coin that it is settled in."""
        quote = self.price_of
        return quote.unit if self.settlement == "coin" else quote.currency

    @property
    def multiplier(self) -> Fraction:
        """Value of one unit of price for 1 of the venue's size, in the currency.

        Of a coin contract its value at a price of one.
        """
        quote = self.price_of
        if self.settlement == "coin":
            return parse_quantity(self.size, "instrument.size").number * quote.scale
        return (
            parse_quantity(self.size, "instrument.size").to(quote.unit, "instrument.size")
            * quote.scale
        )

    def lot_in(self, unit: str) -> Fraction:
        """Return how many of `unit` one lot stands for, exactly."""
        size = parse_quantity(self.size, "instrument.size")
        return Fraction(self.lot) * size.to(unit, "instrument.size")

    def ticks(self, price: Number) -> int:
        """Return a price in ticks.

        price: number – in the instrument's quote.
        Raises ConfigError when it is not on the grid.

        Example:
            >>> gold.ticks("617.70")
            30885
        """
        return steps(price, str(self.tick), "price", "tick")

    def lots(self, size: Number) -> int:
        """Return a size in lots.

        size: number – in the venue's size.
        Raises ConfigError when it is not on the grid.
        """
        return steps(size, str(self.lot), "size", "lot")

    def price(self, ticks: int) -> Decimal:
        """Return the price of a number of ticks.

        ticks: int – how many.
        Raises ConfigError or InputTypeError for what is no whole number of 64 bits.
        """
        return Decimal(fraction_text(whole(ticks, "ticks") * Fraction(self.tick)))

    def amount(self, lots: int) -> Decimal:
        """Return the size of a number of lots, in the venue's size.

        lots: int – how many.
        Raises ConfigError or InputTypeError for what is no whole number of 64 bits.
        """
        return Decimal(fraction_text(whole(lots, "lots") * Fraction(self.lot)))


def whole(given: object, where: str) -> int:
    """Return `given` when it is an int that can be a number of steps."""
    expected = "a whole number of 64 bits, as int"
    if type(given) is not int:
        raise wrong_type(given, where, expected)
    if abs(given) >= 2**63:
        raise wrong(given, where, expected)
    return given


def steps(given: Number, step: str, where: str, what: str) -> int:
    """Return `given` as a whole number of steps; raises ConfigError when it is not on the grid."""
    count = Fraction(read_decimal(given, where)) / Fraction(step)
    if count.denominator != 1:
        raise wrong(given, where, f"a whole multiple of the {what}, {step}")
    if abs(count) >= 2**63:
        raise wrong(given, where, f"fewer than 2^63 times the {what}, {step}")
    return int(count)

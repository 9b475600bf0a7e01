"""How a hedge trades: its sizes, its mode, and what repair may do."""

from dataclasses import field
from fractions import Fraction
from typing import Annotated, Any

from cross_market._values import (
    Name,
    Number,
    choice,
    count,
    flag,
    keyed,
    missing,
    names,
    one,
    optional,
    ratio,
    value,
    wrong,
)
from cross_market.contracts.units import counted, money, quantity, span, whole
from cross_market.policy.signal import level, number_of

TICKS_MAX = 1_000_000_000  # most ticks, or lots, that a value here may count
STEPS_MAX = 1_000  # most steps after which a leg takes

Quantity = Annotated[str, quantity()]
Within = Annotated[str, span(above=True)]
Slop = Annotated[Number | None, optional(level())]
SIGNED = counted("tick", "ticks", least=-TICKS_MAX, most=TICKS_MAX)
Signed = Annotated[str, SIGNED]
Ticks = Annotated[str, counted("tick", "ticks", least=0, most=TICKS_MAX)]
Shown = Annotated[str, counted("lot", "lots", least=0, most=TICKS_MAX)]
Lots = Annotated[str, counted("lot", "lots", most=TICKS_MAX)]


@value
class Size:
    """How large a hedge may grow, in sets.

    clip: int, sets – most sent at once.
    max: int, sets – most held, either way.
    overnight: int, sets – most held when a leg's market shuts overnight.
    holiday: int, sets – most held when it shuts for a weekend or holiday.
    """

    clip: Annotated[int, count(least=1, most=1_000_000)]
    max: Annotated[int, count(least=1, most=1_000_000)]
    overnight: Annotated[int, count(most=1_000_000)]
    holiday: Annotated[int, count(most=1_000_000)]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        for name in ("clip", "overnight", "holiday"):
            if getattr(self, name) > self.max:
                raise wrong(getattr(self, name), f"size.{name}", f"at most max, {self.max}")


@value
class Waiting:
    """What waiting is expected to cost, for the choice between completing and unwinding.

    A price that moves with standard deviation s in a second has moved by s·√t after t seconds:
    every lot that repair would trade costs `deviations` times that, rounded up to ticks, at most
    the collar. s is measured on the middle of each book, sampled once in the instrument's `age`; t
    on each account's orders, from being sent to the first word of them (until `warm` of them were
    heard: the venue's `ack_timeout`).

    deviations: number – standard deviations that count as the cost.
    alpha: number – weight of a new observation, above 0 and below 1.
    warm: int – observations before a price's moves, or an account's delays, count.
    """

    deviations: Annotated[Number, ratio(above=0)]
    alpha: Annotated[Number, ratio(above=0)]
    warm: Annotated[int, count(least=2)]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if Fraction(self.alpha) >= 1:
            raise wrong(self.alpha, "waiting.alpha", "a number above 0 and below 1")


@value
class CheaperOf:
    """Repair by whichever of the two is expected to cost less now.

    first, second: str – 'supplement' and 'unwind', in either order; the first wins a tie.
    """

    first: Annotated[str, choice("supplement", "unwind")] = field(kw_only=False)
    second: Annotated[str, choice("supplement", "unwind")] = field(kw_only=False)

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if self.first == self.second:
            raise wrong(self.second, "cheaper_of.second", "the other of supplement and unwind")


@value
class Supplement:
    """Repair only by trading the missing leg."""


@value
class Unwind:
    """Repair only by trading the filled leg back."""


Repair = CheaperOf | Supplement | Unwind
Repairs = Annotated[Repair, one(CheaperOf, Supplement, Unwind)]
Loss = Annotated[str, money()]


@value
class LegRule:
    """How one leg follows the others; prices in ticks of its instrument.

    after: str, time – how long after the first leg it is sent, so that slow venues go first; only
        with Simultaneous.
    pay_up: str, ticks – how far beyond the price leaned on it follows; negative is more passive. It
        may be changed while an attempt lives.
    chase: str, ticks – added each time that an order of it did not trade whole.
    slip: str, ticks – furthest beyond the price leaned on, then repair decides. Of this and the two
        below the least of those that are given binds; `pay_up` when all are None.
    slip_money: str, money – the same for one lot, in the hedge's currency.
    slip_percent: number – the same in per cent of the price leaned on.
    rests: bool – its orders rest for `order_timeout` instead of trading at once or not at all.
    convert: str – what becomes of its own quote when another one has traded, where it shows no more
        lots than are missing: 'never' (it goes, and an order follows once its end is proven),
        'attempt' (it stays as that order while its price reaches the limit of that one), 'always'
        (it stays as that order, for `order_timeout`) or 'keep_queue' (it stays while what would be
        taken instead is within `slip`); only where several legs rest.
    chase_away: str, ticks – an order of it that rests goes for the next step once it is so far
        behind the best price of its side; never when '0 ticks'.
    chase_ahead: str, lots – the same once others show so many before it, at better prices and at
        its own; never when '0 lots'.
    take_after: int, steps – after so many its orders trade at once instead of resting; never when
        0.
    hedge_from: str, lots – fewer that are missing wait for more while the leg that leads may still
        trade, and never more than `max_residual` does; none wait when '0 lots'.
    """

    after: Annotated[str, span()] = "0 ns"
    pay_up: Signed = "0 ticks"
    chase: Ticks = "0 ticks"
    slip: Annotated[str | None, optional(SIGNED)] = None
    slip_money: Annotated[str | None, optional(money(above=True))] = None
    slip_percent: Annotated[Number | None, optional(ratio(above=0))] = None
    rests: Annotated[bool, flag()] = False
    convert: Annotated[str, choice("never", "attempt", "always", "keep_queue")] = "never"
    chase_away: Ticks = "0 ticks"
    chase_ahead: Shown = "0 lots"
    take_after: Annotated[int, count(most=STEPS_MAX)] = 0
    hedge_from: Shown = "0 lots"

    @property
    def furthest(self) -> int | None:
        """The most ticks beyond the price leaned on; None where only other bounds are given."""
        if self.slip is None and (self.slip_money is not None or self.slip_percent is not None):
            return None
        return whole(self.pay_up if self.slip is None else self.slip)

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if self.slip_percent is not None and number_of(self.slip_percent) > 100:
            raise wrong(self.slip_percent, "leg_rule.slip_percent", "at most 100")
        self.check_resting()
        if self.furthest is not None:
            self.check_ticks(self.furthest)

    def check_resting(self) -> None:
        """Raise ConfigError for what is said of orders that rest and cannot come about."""
        plain_ones = {"chase_away": "0 ticks", "chase_ahead": "0 lots", "take_after": 0}
        for name, plain in plain_ones.items():
            found = getattr(self, name)
            if found != plain and not self.rests:
                raise wrong(found, f"leg_rule.{name}", f"{plain} unless rests is true")
            if name != "take_after" and found != plain and not (self.chases or self.take_after):
                expected = f"{plain} without a chase or take_after: there is no next step"
                raise wrong(found, f"leg_rule.{name}", expected)

    @property
    def chases(self) -> bool:
        """Whether an order that did not trade whole is followed by a dearer one."""
        return whole(self.chase) > 0

    def check_ticks(self, furthest: int) -> None:
        """Raise ConfigError for ticks that do not fit each other.

        furthest: int, ticks – how far `slip` lets orders that follow go; pay_up without it.
        """
        chases = self.chases
        if self.slip is None and chases:
            expected = f"how far chase may go, more than pay_up, {self.pay_up}"
            raise missing(expected, "leg_rule.slip")
        if furthest < whole(self.pay_up):
            raise wrong(self.slip, "leg_rule.slip", f"at least pay_up, {self.pay_up}")
        if chases and furthest == whole(self.pay_up):
            raise wrong(self.slip, "leg_rule.slip", f"more than pay_up, {self.pay_up}, to chase to")
        if not chases and furthest > whole(self.pay_up):
            expected = "above 0 ticks: without it nothing goes from pay_up to slip"
            raise wrong(self.chase, "leg_rule.chase", expected)


Rules = Annotated[Any, keyed(LegRule)]


@value
class Simultaneous:
    """Send all legs at once, each after its own time, then complete or unwind.

    max_residual: str, quantity – largest residual at rest, at least half a lot of the finest leg.
    live_residual: str, quantity – largest while an attempt lives, at least one lot of the coarsest.
    finish_within: str, time – from the first order to the end; where legs rest, from the first
        trade of one.
    repair: CheaperOf, Supplement or Unwind – what repair may choose.
    max_loss: str, money – most that repair of one attempt may lose, in the hedge's currency.
    legs: dict from instruments of legs to LegRule – how legs follow those before them.
    crossing: bool – lots that another hedge with `crossing` wants the other way at the same moment
        go from one to the other at mid, without an order; only where no leg has a time of its own.
    """

    max_residual: Quantity
    live_residual: Quantity
    finish_within: Within
    repair: Repairs
    max_loss: Loss
    legs: Rules = ()
    crossing: Annotated[bool, flag()] = False


@value
class Sequential:
    """Send one leg first, and the others after each of its trades, for as much as it traded.

    leader: str – instrument of the leg that goes first.
    The other arguments are those of Simultaneous.
    """

    leader: Name
    max_residual: Quantity
    live_residual: Quantity
    finish_within: Within
    repair: Repairs
    max_loss: Loss
    legs: Rules = ()


@value
class Lean:
    """What a quote leans on: the other legs' books, as far as their collars.

    price: str – 'worst' (of the levels that the size needs), 'average' (over them) or 'touch' (the
        best level, and nothing behind it).
    times: number – they must show so many times the lots that they would be hedged with, plus
        `base`.
    base: str, lots – shown beyond that.
    when_thin: str – when they show less: 'pull' (it goes, and the hedge is stopped until somebody
        resumes it), 'return' (it goes, and comes back with the depth), 'shrink_to_touch' (to what
        the best levels can hedge; it grows again only after a trade) or 'shrink_to_depth' (to what
        the books can hedge).
    """

    price: Annotated[str, choice("worst", "average", "touch")]
    times: Annotated[Number, ratio(above=0)]
    base: Annotated[str, counted("lot", "lots", least=0, most=TICKS_MAX)] = "0 lots"
    when_thin: Annotated[str, choice("pull", "return", "shrink_to_touch", "shrink_to_depth")]


@value
class Quoting:
    """Rest one or several legs where the set, hedged in the others' books, reaches its band.

    A trade of one is hedged at the prices leaned on; the others of `quotes` go at once.

    quotes: list of str – instruments of the legs that rest.
    lean: Lean – what their prices are solved from.
    rest_within: str, time – how long they may wait; then the attempt ends with what it has.
    slop_inside: number or str – how much of the band a quote may give up before it is moved: a
        plain number for ratios, such as '0.05 CNY/g' for spreads; nothing when None.
    slop_outside: number or str – how much more than the band it may ask before it is moved; nothing
        when None.
    reload: number or str – how much more than the band each further slice asks. Negative: the first
        asks the most, each further one less, the last the band itself. All ask the same when None.
    min_reprice: str, ticks – fewer do not move it.
    max_reprice: str, ticks – one that would move by more at once ends the attempt with an alarm.
    raise_by: str, lots – it grows only by so many at least; it shrinks at once.
    range: str, ticks – it is worked only within so many of the best price of its side.
    outside: str – beyond that: 'pull' (it goes), 'leave' (it stays where it is, none is made) or
        'away' (the same, but one is made).
    refresh: str, time – it is put where it belongs at least so often; never when None.
    The other arguments are those of Simultaneous.
    """

    quotes: Annotated[Any, names(least=1, most=8)]
    lean: Annotated[Lean, one(Lean)]
    rest_within: Within
    slop_inside: Slop = None
    slop_outside: Slop = None
    reload: Slop = None
    min_reprice: Ticks = "0 ticks"
    max_reprice: Annotated[str, counted("tick", "ticks", most=TICKS_MAX)]
    raise_by: Lots = "1 lots"
    range: Ticks
    outside: Annotated[str, choice("pull", "leave", "away")]
    refresh: Annotated[str | None, optional(span(above=True))] = None
    max_residual: Quantity
    live_residual: Quantity
    finish_within: Within
    repair: Repairs
    max_loss: Loss
    legs: Rules = ()

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        for name in ("slop_inside", "slop_outside"):
            slop = getattr(self, name)
            if slop is not None and number_of(slop) < 0:
                raise wrong(slop, f"quoting.{name}", "a distance of 0 or more")
        if whole(self.min_reprice) > whole(self.max_reprice):
            expected = f"at most max_reprice, {self.max_reprice}"
            raise wrong(self.min_reprice, "quoting.min_reprice", expected)


Execution = Simultaneous | Sequential | Quoting

"""How a hedge trades: its sizes, its mode, and what repair may do."""

from dataclasses import field
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

Quantity = Annotated[str, quantity()]
Within = Annotated[str, span(above=True)]
Slop = Annotated[Number | None, optional(level())]
SIGNED = counted("tick", "ticks", least=-TICKS_MAX, most=TICKS_MAX)
Signed = Annotated[str, SIGNED]
Ticks = Annotated[str, counted("tick", "ticks", least=0, most=TICKS_MAX)]
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
    slip: str, ticks – furthest beyond the price leaned on, then repair decides; `pay_up` when None.
    rests: bool – its orders rest for `order_timeout` instead of trading at once or not at all.
    """

    after: Annotated[str, span()] = "0 ns"
    pay_up: Signed = "0 ticks"
    chase: Ticks = "0 ticks"
    slip: Annotated[str | None, optional(SIGNED)] = None
    rests: Annotated[bool, flag()] = False

    @property
    def furthest(self) -> int:
        """The most ticks beyond the price leaned on."""
        return whole(self.pay_up if self.slip is None else self.slip)

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        chases = whole(self.chase) > 0
        if self.slip is None and chases:
            expected = f"how far chase may go, more than pay_up, {self.pay_up}"
            raise missing(expected, "leg_rule.slip")
        if self.furthest < whole(self.pay_up):
            raise wrong(self.slip, "leg_rule.slip", f"at least pay_up, {self.pay_up}")
        if chases and self.furthest == whole(self.pay_up):
            raise wrong(self.slip, "leg_rule.slip", f"more than pay_up, {self.pay_up}, to chase to")
        if not chases and self.furthest > whole(self.pay_up):
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
    min_reprice: str, ticks – fewer do not move it.
    max_reprice: str, ticks – more at once end the attempt with an alarm.
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

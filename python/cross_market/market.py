"""Books and merged prices of a configuration, with nothing that trades around them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cross_market import _core
from cross_market._arrow import arrow
from cross_market._values import wrong, wrong_type
from cross_market.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

DEPTH_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """What the legs of one common unit come to, in the hedge's currency.

    sold: Fraction – what the legs that +1 set sells come to.
    bought: Fraction – what those that it buys come to.
    """

    sold: Fraction
    bought: Fraction

    @property
    def difference(self) -> Fraction:
        """Return sold − bought, exact."""
        return self.sold - self.bought

    @property
    def ratio(self) -> Fraction | None:
        """Return sold ÷ bought, exact; None unless bought is more than zero."""
        return self.sold / self.bought if self.bought > 0 else None


@dataclass(frozen=True, slots=True)
class Merged:
    """The tops of all legs in one unit and currency, each way; FX on the adverse side.

    enter: Pair – trading toward +sets: sold at bids, bought at asks.
    exit: Pair – the way back: sold legs bought at asks, bought legs sold at bids.
    """

    enter: Pair
    exit: Pair


class Market(_core.Market):
    """The books of a configuration's instruments, merged as its hedges see them.

    The door is the engine's: the same bounds and the same errors. Nothing is traded, no money is
    known and no time passes. Numbers of the fast calls are plain ints: instruments by their number
    from `id`, prices in ticks, sizes in lots. One call at a time; not pickled.

    Every call raises ConfigError or InputTypeError, naming the field, for what is wrong in an
    argument, UsageError while another call is under way; then nothing has changed. What they share:
    instrument: str or int – its name or its number; the calls of numbers alone take the number.
    hedge, hedges: str or int – its name or its place in the configuration.
    side: int – 0 bid, 1 ask; for `walk` str, 'buy' takes asks and 'sell' takes bids.
    price: int, ticks. qty, lots: int, lots – a size of 0 takes the level away.
    row: int – 0 snapshot, 1 level, 2 delta, and 3 to 5 the same where the message ends.
    seq, step: int – number of the message, and how far it is from the one before; 0 without.
    exchange, receive: int, ns – when it was sent, when it was received.
    columns: dict from name to numpy array, or what speaks the Arrow capsule protocol – `instrument
        side row price qty`, and `seq step exchange receive` where they are known.
    sizes: dict from instrument to int, lots – sizes whose cost is wanted at every message.
    callback: function of instrument, bid, ask (int, ticks; None and None as for `touch`) and
        receive, called by `each` at every message end. The market is busy meanwhile: it refuses
        calls from inside. What the function raises ends `each`; the rows before stay taken.

    config: Config – its instruments and hedges.

    Example:
        market = cm.Market(config)
        if market.level(market.id("SHFE.au2602"), 0, 48_312, 5): print(market.touch(0))
    """

    __slots__ = ()

    def merged(self, hedge: str | int) -> Merged | None:
        """Return the tops of a hedge, exact; None while a book it needs is not whole.

        hedge: str or int – its name, or its place in the configuration.
        returns: Merged, in the hedge's currency per common unit.
        Raises ConfigError for a hedge that is not in the configuration.
        """
        tops = self.tops(hedge)
        if tops is None:
            return None
        over = self.denominator(hedge)
        pairs = [Pair(Fraction(sold, over), Fraction(bought, over)) for sold, bought in tops]
        return Merged(enter=pairs[0], exit=pairs[1])

    def ladder(self, instrument: str | int, depth: int = 10) -> "pa.Table":
        """Return the best levels of a book, bids then asks, each from the best.

        instrument: str or int – its name or number. depth: int – most levels a side.
        returns: table – `side price size ticks lots`; price in the quote currency, exact.
        Raises ConfigError for an instrument that is not in the configuration.
        """
        return arrow(self._ladder(instrument, depth_of(depth)))

    def consolidated(self, hedge: str | int, depth: int = 10) -> "pa.Table":
        """Return the best levels of all legs together, in the hedge's unit and currency.

        hedge: str or int – its name or place. depth: int – most levels a side.
        returns: table – `side instrument price units ticks lots`; price per common unit with FX on
            the adverse side (rounded down in its 12th place), units in common units.
        Raises ConfigError for a hedge that is not in the configuration.
        """
        return arrow(self._consolidated(hedge, depth_of(depth)))

    def plot(
        self,
        instrument: str | int | None = None,
        *,
        hedge: str | int | None = None,
        depth: int = 50,
        lang: str = "en",
    ) -> Any:  # noqa: ANN401
        """Return the depth of a book, or of all legs of a hedge together, as a plotly figure.

        instrument: str or int – the book. hedge: str or int – the hedge, where no book is named.
        depth: int – most levels a side. lang: str – 'en' or 'zh'.
        returns: plotly Figure, which a notebook shows.
        Raises ConfigError for a name that is not in the configuration, UsageError unless exactly
        one of the two is named, or when the extra `report` is not installed.

        Example:
            market.plot("BINANCE_SPOT.BTCUSDT")
            market.plot(hedge="btc", depth=200)
        """
        from cross_market.report import plots

        if instrument is not None and hedge is None:
            return plots.ladder(self.ladder(instrument, depth), lang=lang, title=str(instrument))
        if hedge is not None and instrument is None:
            return plots.ladder(self.consolidated(hedge, depth), lang=lang, title=str(hedge))
        expected = "an instrument, or hedge=…"
        message = f"plot: expected {expected}"
        raise UsageError(message, call="plot", expected=expected)


def depth_of(given: object) -> int:
    """Return a number of levels."""
    if type(given) is not int:
        raise wrong_type(given, "depth", "a number of levels, as int")
    if not 0 < given <= DEPTH_MAX:
        raise wrong(given, "depth", f"1 to {DEPTH_MAX} levels")
    return given

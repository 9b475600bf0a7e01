"""How a hedge trades: its sizes, its mode, and what repair may do."""

from dataclasses import field
from typing import Annotated

from cross_market._values import choice, count, one, value, wrong
from cross_market.contracts.units import money, quantity, span


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


@value
class Simultaneous:
    """Send all legs at once, then complete or unwind.

    max_residual: str, quantity – largest residual at rest, at least half a lot of the finest leg.
    live_residual: str, quantity – largest while an attempt lives, at least one lot of the coarsest.
    finish_within: str, time – from the first order to the end.
    repair: CheaperOf, Supplement or Unwind – what repair may choose.
    max_loss: str, money – most that repair of one attempt may lose, in the hedge's currency.
    """

    max_residual: Annotated[str, quantity()]
    live_residual: Annotated[str, quantity()]
    finish_within: Annotated[str, span(above=True)]
    repair: Annotated[Repair, one(CheaperOf, Supplement, Unwind)]
    max_loss: Annotated[str, money()]

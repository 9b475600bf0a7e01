"""What exchanges count of one contract in a trading day, and how much of it may be used.

Every number is required. Where an exchange has no such rule, somebody says so: 'none' (or None).
"""

from typing import Annotated

from cross_market._values import NONE, Reader, count, flag, missing, stated, value, wrong

__all__ = ["Conduct"]

# A number, or the word that there is no such rule.
Stated = int | str | None


def _most() -> Reader:
    return stated(count(least=1, most=1_000_000_000))


def _kept() -> Reader:
    return stated(count(most=1_000_000_000))


@value
class Conduct:
    """Budgets of one instrument, for all accounts of one `group` together, from settlement on.

    An order leaves only where the day has room for all that it may come to, so that no cancel lacks
    room. What enters leaves the reserves to repair and exits. A kill cancels whatever is used.
    cancels_per_day: int – most orders cancelled in a day; below the number that is reported.
    cancels_reserve: int – how many of them nothing that enters may use.
    large_lots: int – from how many lots left on a cancel is a large one.
    large_cancels_per_day: int – most large cancels in a day.
    large_cancels_reserve: int – how many of them nothing that enters may use.
    opens_per_day: int – most lots opened in a day, long and short together; where the venue nets
        positions there is no such rule.
    opens_reserve: int – how many of them nothing that enters may use.
    self_trades_per_day: int – trades of the group with itself from which on nothing is entered.
    bursts_per_day: int – bursts of ten orders and cancels within one second, over all contracts of
        the venue, from which on nothing is entered.
    counts_ioc: bool – whether what is left of an order that trades at once (FAK) is a cancel.
    counts_fok: bool – whether an order that trades whole or not at all, and did not, is a cancel.
    counts_hedging: bool – whether orders of accounts with flag 'hedge' count.
    """

    cancels_per_day: Annotated[Stated, _most()]
    cancels_reserve: Annotated[Stated, _kept()]
    large_lots: Annotated[Stated, _most()]
    large_cancels_per_day: Annotated[Stated, _most()]
    large_cancels_reserve: Annotated[Stated, _kept()]
    opens_per_day: Annotated[Stated, _most()]
    opens_reserve: Annotated[Stated, _kept()]
    self_trades_per_day: Annotated[Stated, _most()]
    bursts_per_day: Annotated[Stated, _most()]
    counts_ioc: Annotated[bool, flag()]
    counts_fok: Annotated[bool, flag()]
    counts_hedging: Annotated[bool, flag()]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        for what in ("cancels", "large_cancels", "opens"):
            most, kept = getattr(self, f"{what}_per_day"), getattr(self, f"{what}_reserve")
            where = f"conduct.{what}_reserve"
            _check_beside(most, kept, where)
            if most != NONE and kept >= most:
                raise wrong(kept, where, f"less than {what}_per_day, {most}")
        _check_beside(self.large_cancels_per_day, self.large_lots, "conduct.large_lots")


def _check_beside(most: Stated, item: Stated, where: str) -> None:
    if most == NONE and item != NONE:
        raise wrong(item, where, f"{NONE!r}: there is no such budget")
    if most != NONE and item == NONE:
        expected = "a whole number beside its budget"
        raise missing(expected, where)

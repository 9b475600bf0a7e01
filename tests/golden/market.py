"""A configuration for the legs of a set, its Market, and replays that stop to look at the books.

The core refuses a leg on an inverse contract, because its value does not follow its price. Its
book is a book all the same: here it stands as a linear contract of the same grid, so that ticks
and lots go through the library, and what a lot is worth is computed by `Leg.base`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

import cross_market as cm
from golden.feed import Columns, Leg, Merged

Found = dict[str, Any]
Levels = list[tuple[int, int]]

SPEED_LEAST_S = 0.3
PRICE_TICKS_MAX, SIZE_LOTS_MAX, SIZE_MAX = 10**8, 10**13, 10**8


@dataclass(frozen=True)
class Bounds:
    """Largest price and size in ticks and lots; 128 bits hold what they come to in money."""

    ticks: int = PRICE_TICKS_MAX
    lots: int | None = None


def instrument(leg: Leg, currency: str, unit: str, bounds: Bounds) -> cm.Instrument:
    """Return a leg's instrument: free of costs, wide bounds, one unit a contract."""
    tick, lot = Fraction(leg.stated or leg.tick), Fraction(leg.lot)
    lots = bounds.lots or min(SIZE_LOTS_MAX, int(SIZE_MAX / lot))
    return cm.Instrument(
        leg.key,
        venue=leg.venue,
        product=unit,
        size=f"1 {unit}",
        quote=f"{currency}/{unit}",
        tick=plain(tick),
        lot=leg.lot,
        settlement="upfront",
        fees=cm.Fees(open=cm.Fee(rate="0")),
        price_max=plain(tick * bounds.ticks),
        qty_max=plain(lot * lots),
    )


def plain(number: Fraction) -> str:
    """Return a number whose denominator is a power of ten as plain text."""
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    digits = str(int(number * 10**places)).rjust(places + 1, "0")
    return digits if not places else f"{digits[:-places]}.{digits[-places:]}"


def hedge_name(sell: Leg, buy: Leg) -> str:
    """Return the name of the hedge whose +1 set sells the first leg and buys the second."""
    return f"{sell.name}-{buy.name}"


def config(
    legs: list[Leg], currency: str, unit: str, bounds: dict[str, Bounds] | None = None
) -> cm.Config:
    """Return a configuration with a hedge for every pair of legs, the earlier one sold.

    bounds: by name of a leg, where they are not the usual ones.
    """
    own = bounds or {}
    instruments = [instrument(leg, currency, unit, own.get(leg.name, Bounds())) for leg in legs]
    accounts = {
        leg.venue: cm.Account(
            leg.venue.lower(), venue=leg.venue, currency=currency, island="one", flag="arbitrage"
        )
        for leg in legs
    }
    hedges = []
    for (sell, sold), (buy, bought) in combinations(zip(legs, instruments, strict=True), 2):
        coarsest = max((leg.lot for leg in (sell, buy)), key=Fraction)
        hedges.append(
            cm.Hedge(
                hedge_name(sell, buy),
                legs=[
                    cm.Leg(sold, side="sell", account=accounts[sell.venue]),
                    cm.Leg(bought, side="buy", account=accounts[buy.venue]),
                ],
                unit=unit,
                currency=currency,
                basis="physical",
                signal=cm.Spread(enter=f"2 {currency}/{unit}", exit=f"1 {currency}/{unit}"),
                size=cm.Size(clip=1, max=1, overnight=1, holiday=1),
                execution=cm.Simultaneous(
                    max_residual=f"{coarsest} {unit}",
                    live_residual=f"{plain(2 * Fraction(coarsest))} {unit}",
                    finish_within="2 s",
                    repair=cm.Unwind(),
                    max_loss=f"100 {currency}",
                ),
            )
        )
    return cm.Config(
        venues=[cm.Venue(name, netting="net") for name in accounts],
        accounts=list(accounts.values()),
        hedges=hedges,
        limits=wide(currency),
    )


def wide(currency: str, collar: int = PRICE_TICKS_MAX) -> cm.Limits:
    """Return the template with amounts in the set's currency and collars that no price meets."""
    found = cm.limits.template("small desk")
    assert found.each_instrument is not None
    assert found.each_account is not None
    assert found.each_hedge is not None
    amount = f"1000000 {currency}"
    return replace(
        found,
        each_instrument=replace(
            found.each_instrument, order_value=amount, collar=f"{collar} ticks"
        ),
        each_account=replace(found.each_account, day_loss=amount),
        each_hedge=replace(found.each_hedge, max_loss_per_day=amount),
    )


def market(
    legs: list[Leg],
    currency: str = "USD",
    unit: str = "BTC",
    bounds: dict[str, Bounds] | None = None,
) -> Any:
    """Return a market of the legs; their places are their numbers."""
    made = cm.Market(config(legs, currency, unit, bounds))
    assert [made.id(leg.key) for leg in legs] == list(range(len(legs)))
    return made


def replay(
    book: Any,
    merged: Merged,
    stops: Iterable[int] = (),
    visit: Callable[[int], None] | None = None,
    **asked: Any,
) -> Found:
    """Return what Market says after each message; `visit` is called after each message in `stops`.

    stops: numbers of messages. asked: what else `Market.columns` is asked for.
    """
    places = sorted(set(stops))
    ends = [int(merged.last[at]) + 1 for at in places]
    bounds = [0, *ends, len(merged.columns["row"])]
    parts = []
    for number, (first, last) in enumerate(pairwise(bounds)):
        if first < last:
            part = {
                key: np.ascontiguousarray(each[first:last]) for key, each in merged.columns.items()
            }
            parts.append(book.columns(part, **asked))
        if visit is not None and number < len(places):
            visit(places[number])
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def speed(book: Any, columns: Columns) -> tuple[int, float]:
    """Return how many rows one call of `columns` takes, and how many a second in the fastest.

    The first message of every leg is a snapshot, so the same rows can be taken again; they are,
    until enough time has passed to tell.
    """
    count, took, best = len(columns["row"]), 0.0, float("inf")
    while took <= SPEED_LEAST_S:
        began = time.perf_counter()
        book.columns(columns)
        each = time.perf_counter() - began
        took, best = took + each, min(best, each)
    return count, count / best


def levels(book: Any, leg: Leg, depth: int) -> tuple[Levels, Levels]:
    """Return the best levels of a leg's book as ticks and lots: bids, then asks."""
    table: pa.Table = book.ladder(leg.key, depth)
    rows = zip(*(table[key].to_pylist() for key in ("side", "ticks", "lots")), strict=True)
    found: tuple[Levels, Levels] = ([], [])
    for side, ticks, lots in rows:
        found[side == "ask"].append((ticks, lots))
    return found

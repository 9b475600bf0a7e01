"""One good at home and abroad: units, currency and tax put together by the library's own hedge.

The reference takes the pound as 1/2204.62262185 t, rounded in its twelfth digit, and a rate that
is the quotient of two fixings. The library's pound is exact and its rates lie on a grid of
10⁻¹⁰; so these figures agree to ten digits of a price, not to sixteen.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import cross_market as cm
from golden.bars import Joined, Series
from golden.feed import Leg
from golden.figures import Figures
from golden.market import plain, wide

Json = dict[str, Any]

CLOSE = 2e-10
RATE_TICK = "0.0000000001"
POUNDS = 2204.62262185  # in a tonne, as the reference has it
MONEY = Fraction(1, 10**9)  # the finest amount of money there is


@dataclass(frozen=True)
class Market:
    """A good's quotation: leg, currency and unit of its price, and its weight in the comparison."""

    leg: Leg
    currency: str
    unit: str
    weight: str = "1"


def instrument(leg: Leg, currency: str, unit: str, product: str) -> cm.Instrument:
    """Return a contract of as many units as make a tick an amount of money."""
    quoted = max(1, int(MONEY / Fraction(leg.tick)))
    return cm.Instrument(
        leg.key,
        venue=leg.venue,
        product=product,
        size=f"{quoted} {unit}",
        quote=f"{currency}/{unit}",
        tick=leg.tick,
        settlement="upfront",
        fees=cm.Fees(open=cm.Fee(rate="0")),
        price_max=plain(Fraction(leg.tick) * price_ticks(leg)),
        qty_max="2",
    )


def price_ticks(leg: Leg) -> int:
    """Return a bound of prices, the smaller the finer the grid: 128 bits hold the products."""
    tick = Fraction(leg.tick)
    bound = 100_000 if tick > Fraction("0.001") else 10_000 if tick > Fraction("0.0000001") else 100
    return int(bound / tick)


def config(home: Market, abroad: Market, rate: Leg | None) -> cm.Config:
    """Return a hedge that sells at home and buys abroad, priced in the home currency and unit.

    rate: Leg – of the currency abroad; None where it is the same.
    """
    legs = []
    accounts = []
    for market, side in ((home, "sell"), (abroad, "buy")):
        account = cm.Account(
            market.leg.venue.lower(),
            venue=market.leg.venue,
            currency=market.currency,
            island=market.leg.venue.lower(),
            flag="arbitrage",
        )
        accounts.append(account)
        made = instrument(market.leg, market.currency, market.unit, "goods")
        legs.append(cm.Leg(made, side=side, account=account, lots="1", weight=market.weight))
    fx = {}
    if rate is not None:
        fx[abroad.currency] = instrument(rate, home.currency, abroad.currency, abroad.currency)
    hedge = cm.Hedge(
        "parity",
        legs=legs,
        unit=home.unit,
        currency=home.currency,
        fx=fx,
        basis="lots",
        signal=cm.Spread(
            enter=f"2 {home.currency}/{home.unit}", exit=f"1 {home.currency}/{home.unit}"
        ),
        size=cm.Size(clip=1, max=1, overnight=1, holiday=1),
        execution=cm.Simultaneous(
            max_residual=f"100 {home.unit}",
            live_residual=f"200 {home.unit}",
            finish_within="2 s",
            repair=cm.Unwind(),
            max_loss=f"100 {home.currency}",
        ),
    )
    names = [leg.venue for leg in (home.leg, abroad.leg, rate) if leg is not None]
    limits = wide(home.currency, collar=10_000)
    limits = limits.for_instrument(abroad.leg.key, order_value=f"1000000 {abroad.currency}")
    for account in accounts:
        limits = limits.for_account(account.name, day_loss=f"1000000 {account.currency}")
    return cm.Config(
        venues=[cm.Venue(name, netting="net") for name in names],
        accounts=accounts,
        hedges=[hedge],
        limits=limits,
    )


def compared(
    home: tuple[Market, Series], abroad: tuple[Market, Series], rate: tuple[Leg, Series] | None
) -> Joined:
    """Return both prices of every common day in home money and units, out of a Market."""
    book = cm.Market(config(home[0], abroad[0], rate[0] if rate is not None else None))
    prices = [dict(zip(each.key, each.bid, strict=True)) for _, each in (home, abroad)]
    keys = [key for key in home[1].key if key in prices[1]]
    rates = last_known(rate[1], keys) if rate is not None else []
    found = Joined(keys, [], [], [], ([], []))
    for at, key in enumerate(keys):
        locked(book, home[0].leg, prices[0][key])
        locked(book, abroad[0].leg, prices[1][key])
        if rate is not None:
            locked(book, rate[0], rates[at])
        merged = book.merged("parity")
        assert merged is not None
        found.a.append(float(merged.enter.sold))
        found.b.append(float(merged.enter.bought))
        found.spread.append(float(merged.enter.difference))
    return found


def locked(book: cm.Market, leg: Leg, price: float) -> None:
    """Set a book to one price, bid and ask, the nearest on its grid."""
    ticks = round(Fraction(price) / Fraction(leg.tick))
    number = book.id(leg.key)
    for side, row in ((0, 0), (1, 4)):
        book.row(number, side, ticks, 1, row, 0, 0, 0, 0)


def last_known(rate: Series, keys: list[str]) -> list[float]:
    """Return the last fixing not after each day."""
    at = np.searchsorted(np.array(rate.key), np.array(keys), side="right") - 1
    return [rate.bid[place] for place in at]


def per_tonne(pounds: Series, close: tuple[Market, Series]) -> Series:
    """Return prices a pound as prices a tonne, by the library's pound.

    Its hedge needs a second leg, which is the other foreign venue's; 64 bits of denominator do not
    hold these decimals, the pound and a rate at once, so the rate comes in a second step.
    """
    market = Market(Leg("hg", "COMEX", "HG1", "0.00000000001"), "USD", "lb")
    same = (close[0], Series(pounds.key, [1.0] * len(pounds), [1.0] * len(pounds), []))
    found = compared(same, (market, pounds), None)
    return Series(found.key, found.b, found.b, [])


def plainly(
    home: Series, abroad: Series, rate: Series, tax: float = 1.0, factor: float = 1.0
) -> Joined:
    """Return both prices of every common day as the reference has them, in floating point."""
    prices = dict(zip(abroad.key, abroad.bid, strict=True))
    keys = [key for key in home.key if key in prices and prices[key] > 0]
    mine = dict(zip(home.key, home.bid, strict=True))
    a = [mine[key] / tax for key in keys]
    rates = last_known(rate, keys)
    b = [prices[key] * factor * each for key, each in zip(keys, rates, strict=True)]
    return Joined(keys, a, b, [x - y for x, y in zip(a, b, strict=True)], ([], []))


def by_library(
    figures: Figures,
    plain: Joined,
    home: tuple[Market, Series],
    abroad: tuple[Market, Series],
    rate: Series,
) -> None:
    """Compare both prices and the spread of every day with those of the library's hedge."""
    name = rate_leg()
    found = compared(home, abroad, (name, rate))
    figures.equal(f"days of {home[0].leg.name} and {abroad[0].leg.name}", found.key, plain.key)
    for key in ("a", "b", "spread"):
        mine, theirs = getattr(found, key), getattr(plain, key)
        size = max(abs(each) for each in (*plain.a, *plain.b))
        far = max(abs(x - y) for x, y in zip(mine, theirs, strict=True)) / size
        where = f"{home[0].leg.name} and {abroad[0].leg.name}: {key} by the library"
        figures.equal(f"{where}, apart by less than {CLOSE}", far < CLOSE, theirs=True)


def rate_leg() -> Leg:
    """Return the rate's leg, on a grid fine enough for a quotient."""
    return Leg("fx", "ECB", "USDCNY", RATE_TICK)

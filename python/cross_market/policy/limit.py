"""Hard caps that the gates check. Every one is required; nothing is filled in silently.

`template("small desk")` returns a `Limits` whose repr shows every value it holds; `for_instrument`,
`for_venue`, `for_account` and `for_hedge` return a copy with some of them replaced for one name.
"""

import dataclasses
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from cross_market._values import (
    Number,
    count,
    decimal,
    keyed,
    many,
    missing,
    name,
    one,
    optional,
    stated,
    suggestion,
    value,
    wrong,
    wrong_type,
)
from cross_market.contracts.units import counted, currency, moneys, quantity, rate, span, whole
from cross_market.policy.conduct import Conduct

__all__ = [
    "AccountLimits",
    "HedgeLimits",
    "InstrumentLimits",
    "Limits",
    "SumResidual",
    "VenueLimits",
    "template",
]

Money = str | tuple[str, ...]
T = TypeVar("T")
Named = tuple[tuple[str, T], ...]

NAME = name()


def _check_messages(message_rate: str, cancel_reserve: int, of: str) -> None:
    if cancel_reserve >= whole(message_rate):
        raise wrong(
            cancel_reserve, f"{of}.cancel_reserve", f"less than message_rate, {message_rate}"
        )


@value
class VenueLimits:
    """Limits of one venue: of all accounts there together.

    message_rate: str – most messages in a second, such as '20/s'.
    cancel_reserve: int – how many of them only cancels may use.
    """

    message_rate: Annotated[str, rate()]
    cancel_reserve: Annotated[int, count(least=1)]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        _check_messages(self.message_rate, self.cancel_reserve, "venue_limits")


@value
class InstrumentLimits:
    """Limits of one instrument.

    order_value: str or tuple of str, money – largest value of one order; one for each currency.
    collar: str, ticks – furthest an order's price may be from the touch it meets.
    age: str, time – oldest book a decision may use.
    skew: str, time – largest difference between the ages of two legs' books.
    limit_distance: str, ticks – least distance of the touch from the day's price band in the
        direction that a repair needs.
    message_rate: str – most messages about it in a second, such as '20/s'.
    cancel_reserve: int – how many of them only cancels may use.
    conduct: Conduct – what accounts of one group may use of it in a trading day; 'none' where its
        exchange has no such rules. `cm.conduct` knows those of some exchanges.
    """

    order_value: Annotated[Money, moneys()]
    collar: Annotated[str, counted("tick", "ticks")]
    age: Annotated[str, span(above=True)]
    skew: Annotated[str, span(above=True)]
    limit_distance: Annotated[str, counted("tick", "ticks", least=0)]
    message_rate: Annotated[str, rate()]
    cancel_reserve: Annotated[int, count(least=1)]
    conduct: Annotated[Conduct | str | None, stated(one(Conduct))]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        _check_messages(self.message_rate, self.cancel_reserve, "instrument_limits")


@value
class AccountLimits:
    """Limits of one account.

    usage_cap: number – largest (margin + held) ÷ equity, a fraction up to 1.
    day_loss: str or tuple of str, money – largest loss since the day began; one for each currency.
    message_rate: str – most messages in a second, such as '20/s'.
    cancel_reserve: int – how many of them only cancels may use.
    """

    usage_cap: Annotated[Number, decimal(above=0)]
    day_loss: Annotated[Money, moneys()]
    message_rate: Annotated[str, rate()]
    cancel_reserve: Annotated[int, count()]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if Decimal(self.usage_cap) > 1:
            expected = "a fraction above 0 and up to 1; '0.90' means 90 %"
            raise wrong(self.usage_cap, "account_limits.usage_cap", expected)
        _check_messages(self.message_rate, self.cancel_reserve, "account_limits")


@value
class HedgeLimits:
    """Limits of one hedge beside its own size and execution.

    max_loss_per_day: str or tuple of str, money – most that repair may lose in one trading day.
    tries: int – most orders a leg of one attempt may send.
    messages: int – most messages one attempt may send: orders, cancels, queries.
    trims_per_day: int – most attempts in one trading day that trade a residual away.
    order_timeout: str, time – how long an order that rests may live.
    before_break: str, time – how long before a leg's market shuts nothing new is entered.
    max_roll_cost: str or tuple of str, money – most that moving one set to the next contract may
        cost: what is lost against the mids of both contracts, and all fees. Required where the
        hedge names its next.
    """

    max_loss_per_day: Annotated[Money, moneys()]
    tries: Annotated[int, count(least=1, most=8191)]
    messages: Annotated[int, count(least=1)]
    trims_per_day: Annotated[int, count()]
    order_timeout: Annotated[str, span(above=True)]
    before_break: Annotated[str, span()]
    max_roll_cost: Annotated[Money | None, optional(moneys())] = None


@value
class SumResidual:
    """Largest sum of the residuals of all hedges of one product and currency.

    product: str – the product.
    currency: str – the currency of the hedges.
    limit: str, quantity – such as '5 kg'.
    """

    product: Annotated[str, name()]
    currency: Annotated[str, currency()]
    limit: Annotated[str, quantity()]


@value
class Limits:
    """Every limit: what holds for each, and what is replaced for some by name.

    each_venue, each_instrument, each_account, each_hedge: what holds where no name is replaced.
    venues, instruments, accounts, hedges: dict from names – replaced whole for these names.
    sum_residual: list of SumResidual – for these products.
    each_sum_residual: int – for all others, this many times the largest `live_residual`.
    A name without a limit is refused when the configuration is made.
    """

    each_venue: Annotated[VenueLimits | None, optional(one(VenueLimits))] = None
    each_instrument: Annotated[InstrumentLimits | None, optional(one(InstrumentLimits))] = None
    each_account: Annotated[AccountLimits | None, optional(one(AccountLimits))] = None
    each_hedge: Annotated[HedgeLimits | None, optional(one(HedgeLimits))] = None
    venues: Annotated[Any, keyed(VenueLimits)] = ()
    instruments: Annotated[Any, keyed(InstrumentLimits)] = ()
    accounts: Annotated[Any, keyed(AccountLimits)] = ()
    hedges: Annotated[Any, keyed(HedgeLimits)] = ()
    sum_residual: Annotated[Any, many(SumResidual)] = ()
    each_sum_residual: Annotated[int | None, optional(count(least=1, most=1000))] = None

    def for_venue(self, name: str, **changed: object) -> "Limits":
        """Return these limits with some values replaced for one venue.

        name: str – its name.
        changed – arguments of VenueLimits.
        Raises ConfigError, InputTypeError or UsageError for what is wrong in an argument.
        """
        now = dict(self.venues)
        NAME.read(name, "limits.for_venue")
        now[name] = _changed(VenueLimits, now.get(name, self.each_venue), changed)
        return dataclasses.replace(self, venues=now)

    def for_instrument(self, name: str, **changed: object) -> "Limits":
        """Return these limits with some values replaced for one instrument.

        name: str – its name.
        changed – arguments of InstrumentLimits.
        Raises ConfigError, InputTypeError or UsageError for what is wrong in an argument.
        """
        now = dict(self.instruments)
        NAME.read(name, "limits.for_instrument")
        now[name] = _changed(InstrumentLimits, now.get(name, self.each_instrument), changed)
        return dataclasses.replace(self, instruments=now)

    def for_account(self, name: str, **changed: object) -> "Limits":
        """Return these limits with some values replaced for one account.

        name: str – its name.
        changed – arguments of AccountLimits.
        Raises ConfigError, InputTypeError or UsageError for what is wrong in an argument.
        """
        now = dict(self.accounts)
        NAME.read(name, "limits.for_account")
        now[name] = _changed(AccountLimits, now.get(name, self.each_account), changed)
        return dataclasses.replace(self, accounts=now)

    def for_hedge(self, name: str, **changed: object) -> "Limits":
        """Return these limits with some values replaced for one hedge.

        name: str – its name.
        changed – arguments of HedgeLimits.
        Raises ConfigError, InputTypeError or UsageError for what is wrong in an argument.
        """
        now = dict(self.hedges)
        NAME.read(name, "limits.for_hedge")
        now[name] = _changed(HedgeLimits, now.get(name, self.each_hedge), changed)
        return dataclasses.replace(self, hedges=now)

    def of_venue(self, name: str) -> VenueLimits:
        """Return the limits of one venue; raises ConfigError when there are none.

        name: str – its name.
        """
        named: Named[VenueLimits] = self.venues
        return _found("venues", name, named, self.each_venue)

    def of_instrument(self, name: str) -> InstrumentLimits:
        """Return the limits of one instrument; raises ConfigError when there are none.

        name: str – its name.
        """
        named: Named[InstrumentLimits] = self.instruments
        return _found("instruments", name, named, self.each_instrument)

    def of_account(self, name: str) -> AccountLimits:
        """Return the limits of one account; raises ConfigError when there are none.

        name: str – its name.
        """
        named: Named[AccountLimits] = self.accounts
        return _found("accounts", name, named, self.each_account)

    def of_hedge(self, name: str) -> HedgeLimits:
        """Return the limits of one hedge; raises ConfigError when there are none.

        name: str – its name.
        """
        named: Named[HedgeLimits] = self.hedges
        return _found("hedges", name, named, self.each_hedge)


def _changed(kind: type[T], now: T | None, changed: dict[str, object]) -> T:
    if now is None:
        return kind(**changed)
    given = {each.name: getattr(now, each.name) for each in dataclasses.fields(now)}  # type: ignore[arg-type]
    return kind(**{**given, **changed})


def _found(where: str, name: str, named: Named[T], each: T | None) -> T:
    NAME.read(name, f"limits.{where}")
    found = dict(named).get(name, each)
    if found is None:
        expected = f"limits of {name}, or for each of the {where}; there is no unlimited default"
        raise missing(expected, f"limits.{where}.{name}")
    return found


def amount_in(amounts: Money, currency: str, where: str) -> str:
    """Return the amount in `currency`, as plain text without its unit."""
    for text in amounts:
        amount, _, code = text.partition(" ")
        if code == currency:
            return amount
    raise wrong(amounts, where, f"an amount in {currency}")


def _small_desk() -> Limits:
    return Limits(
        each_venue=VenueLimits(message_rate="40/s", cancel_reserve=10),
        each_instrument=InstrumentLimits(
            order_value=("5000000 CNY", "700000 USD", "700000 USDT", "600000 EUR", "2500000 PLN"),
            collar="40 ticks",
            age="2 s",
            skew="2 s",
            limit_distance="20 ticks",
            message_rate="20/s",
            cancel_reserve=5,
            conduct=Conduct(
                cancels_per_day=400,
                cancels_reserve=100,
                large_lots="none",
                large_cancels_per_day="none",
                large_cancels_reserve="none",
                opens_per_day="none",
                opens_reserve="none",
                self_trades_per_day=3,
                bursts_per_day="none",
                counts_ioc=True,
                counts_fok=True,
                counts_hedging=True,
            ),
        ),
        each_account=AccountLimits(
            usage_cap="0.80",
            day_loss=("100000 CNY", "15000 USD", "15000 USDT", "15000 EUR", "60000 PLN"),
            message_rate="20/s",
            cancel_reserve=5,
        ),
        each_hedge=HedgeLimits(
            max_loss_per_day=("50000 CNY", "7500 USD", "7500 USDT", "7500 EUR", "30000 PLN"),
            tries=20,
            messages=120,
            trims_per_day=10,
            order_timeout="1 s",
            before_break="5 min",
        ),
        each_sum_residual=3,
    )


def _broker_client() -> Limits:
    """Return limits for fronts that take few messages and feeds that send two snapshots a second.

    What no exchange or broker decides is as for a small desk.
    """
    desk = _small_desk()
    assert desk.each_instrument is not None
    return Limits(
        each_venue=VenueLimits(message_rate="6/s", cancel_reserve=2),
        each_instrument=replace(
            desk.each_instrument,
            order_value=("3000000 CNY", "450000 USD", "400000 EUR", "3500000 HKD", "60000000 JPY"),
            collar="20 ticks",
            age="3 s",
            skew="3 s",
            limit_distance="30 ticks",
            message_rate="4/s",
            cancel_reserve=1,
        ),
        each_account=AccountLimits(
            usage_cap="0.70",
            day_loss=("60000 CNY", "9000 USD", "8000 EUR", "70000 HKD", "1200000 JPY"),
            message_rate="6/s",
            cancel_reserve=2,
        ),
        each_hedge=HedgeLimits(
            max_loss_per_day=("30000 CNY", "4500 USD", "4000 EUR", "35000 HKD", "600000 JPY"),
            tries=12,
            messages=60,
            trims_per_day=5,
            order_timeout="2 s",
            before_break="10 min",
        ),
        each_sum_residual=3,
    )


def _crypto() -> Limits:
    """Return limits for markets that never shut, with small ticks and leverage that is at hand."""
    desk = _small_desk()
    assert desk.each_instrument is not None
    return Limits(
        each_venue=VenueLimits(message_rate="30/s", cancel_reserve=10),
        each_instrument=replace(
            desk.each_instrument,
            order_value=("100000 USDT", "100000 USDC", "100000 USD"),
            collar="200 ticks",
            age="1 s",
            skew="1 s",
            limit_distance="0 ticks",
            message_rate="20/s",
            cancel_reserve=5,
        ),
        each_account=AccountLimits(
            usage_cap="0.50",
            day_loss=("10000 USDT", "10000 USDC", "10000 USD"),
            message_rate="20/s",
            cancel_reserve=5,
        ),
        each_hedge=HedgeLimits(
            max_loss_per_day=("5000 USDT", "5000 USDC", "5000 USD"),
            tries=20,
            messages=120,
            trims_per_day=10,
            order_timeout="1 s",
            before_break="0 s",
        ),
        each_sum_residual=3,
    )


TEMPLATES = {
    "small desk": _small_desk,
    "futures broker client": _broker_client,
    "crypto": _crypto,
}


def template(name: str) -> Limits:
    """Return a set of limits by name, every value of it visible in its repr.

    name: str – 'small desk': small orders, tight collars, in CNY, USD, USDT, EUR and PLN;
        'futures broker client': few messages, in CNY, USD, EUR, HKD and JPY; 'crypto': in USDT,
        USDC and USD.
    Raises ConfigError when there is no such template.
    """
    if type(name) is not str:
        raise wrong_type(name, "limits.template", "the name of a template, as str")
    if name not in TEMPLATES:
        expected = "a template: " + ", ".join(TEMPLATES)
        raise wrong(name, "limits.template", expected, suggestion(name, TEMPLATES))
    return TEMPLATES[name]()

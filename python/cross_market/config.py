"""The configuration of a run: venues, accounts, hedges and limits, checked when it is made."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from cross_market import _core, _legging
from cross_market._conduct import conduct_json, ungrouped
from cross_market._files import moved
from cross_market._thresholds import thresholds_json
from cross_market._values import (
    Name,
    Number,
    choice,
    count,
    flag,
    fraction_text,
    keyed,
    many,
    missing,
    name,
    one,
    optional,
    ratio,
    reference,
    unknown,
    value,
    wrong,
)
from cross_market.contracts.instrument import Fee, Instrument, Margin, MarginStep, Windows
from cross_market.contracts.units import (
    CurrencyCode,
    UnitName,
    money,
    parse_money,
    parse_quantity,
    parse_span,
    span,
    whole,
)
from cross_market.errors import ConfigError, InputTypeError
from cross_market.policy.execution import (
    CheaperOf,
    Execution,
    Quoting,
    Sequential,
    Simultaneous,
    Size,
    Supplement,
    Waiting,
)
from cross_market.policy.limit import HedgeLimits, Limits, amount_in
from cross_market.policy.signal import (
    Band,
    CounterPrice,
    Estimate,
    Ratio,
    Signal,
    Spread,
    level,
    level_in,
)
from cross_market.policy.threshold import Threshold

T = TypeVar("T")
Json = dict[str, Any]


# A field of a class that is called `name` hides the reader.
NAMED = name()


@value
class Venue:
    """A place where orders go, and what it can do.

    name: str – its name.
    netting: str – 'net', 'gross' (orders say whether they open or close), or 'gross_by_day' (and
        today's lots are closed by an effect of their own).
    tif: str – 'ioc' where the venue knows it; else 'gtc' or 'day', cancelled after `order_timeout`.
    rests: str – how orders that rest are sent, 'gtc' or 'day'; none may rest when None.
    ack_timeout: str, time – an order without an answer for so long is asked about.
    max_delay: str, time – an order may surface so late; before that "absent" proves nothing.
    query_interval: str, time – between two queries about one order; doubles with each.
    cancels_max: int – cancels sent for one order before the alarm.
    """

    name: Name = field(kw_only=False)
    netting: Annotated[str, choice("net", "gross", "gross_by_day")]
    tif: Annotated[str, choice("ioc", "day", "gtc")] = "ioc"
    rests: Annotated[str | None, optional(choice("day", "gtc"))] = None
    ack_timeout: Annotated[str, span(above=True)] = "2 s"
    max_delay: Annotated[str, span(above=True)] = "10 s"
    query_interval: Annotated[str, span(above=True)] = "1 s"
    cancels_max: Annotated[int, count(least=1, most=65_535)] = 8


@value
class Account:
    """Whose money, at which venue, in which currency.

    name: str – its name.
    venue: str – the venue it trades at.
    currency: str – the currency of its money.
    island: str – where its money can be without a border in between; it moves over declared routes
        alone, see `Route`.
    flag: str – what the exchange is told: 'speculation', 'arbitrage' or 'hedge'.
    cash_tolerance: str, money – largest difference to the venue's balance that is not drift;
        nothing when None.
    entity: str – whose it is in law; the account's own name when None.
    group: str – accounts under the same actual control, which exchanges count as one; the entity
        when None.
    unrealised: str – which unrealised results of positions with margin count for opening (CTP
        `Algorithm`): 'neither', 'losses' or 'both'.
    close_profit: bool – whether what the day has realised counts for opening (CTP
        `AvailIncludeCloseProfit`).
    withdraw_profit: bool – whether what the day has realised may be taken out the same day.
    haircut: number – the fraction of collateral that does not count, 0 to 1.
    freezes: str – what the venue freezes for orders: the margin of 'each' in full, or what all of
        them may come to 'together', where contracts are netted or charged on their larger side.
    leased: bool – whether it draws on a pool with others: nothing is entered beyond what
        `Session.lease` says.
    """

    name: Name = field(kw_only=False)
    venue: Name
    currency: CurrencyCode
    island: Name
    flag: Annotated[str, choice("speculation", "arbitrage", "hedge")]
    cash_tolerance: Annotated[str | None, optional(money())] = None
    entity: Annotated[str | None, optional(NAMED)] = None
    group: Annotated[str | None, optional(NAMED)] = None
    unrealised: Annotated[str, choice("neither", "losses", "both")] = "losses"
    close_profit: Annotated[bool, flag()] = False
    withdraw_profit: Annotated[bool, flag()] = False
    haircut: Annotated[Number, ratio(least=0, most=1)] = "1"
    freezes: Annotated[str, choice("each", "together")] = "each"
    leased: Annotated[bool, flag()] = False

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if self.cash_tolerance is not None:
            where = "account.cash_tolerance"
            if parse_money(self.cash_tolerance, where)[1] != self.currency:
                raise wrong(self.cash_tolerance, where, f"an amount in {self.currency}")


@value
class OffsetLeg:
    """Lots of one contract in a set of an `Offset`.

    instrument: Instrument – margined each side by itself, in the currency of the account.
    lots: int – bought above 0, sold below.
    """

    instrument: Annotated[Instrument, reference(Instrument)] = field(kw_only=False)
    lots: Annotated[int, count(least=-1_000_000, most=1_000_000)] = field(kw_only=False)

    def check(self) -> None:
        """Raise ConfigError for lots that are none."""
        if self.lots == 0:
            raise wrong(self.lots, "offset_leg.lots", "lots other than 0")


@value
class Offset:
    """What a clearing house leaves of the margin of one set of positions against each other.

    account: Account – whose positions.
    legs: list of OffsetLeg – bought and sold, each contract once; the other way round counts too.
    credit: str, money – the amount for one set. Rows of an account are matched in their order, each
        with the lots that those before it left over; margin is never below 0.
    """

    account: Annotated[Account, reference(Account)] = field(kw_only=False)
    legs: Annotated[Any, many(OffsetLeg, least=2, most=16)]
    credit: Annotated[str, money(above=True)]

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if {leg.lots > 0 for leg in self.legs} != {True, False}:
            raise wrong(self.legs, "offset.legs", "contracts bought and contracts sold")
        if parse_money(self.credit, "offset.credit")[1] != self.account.currency:
            expected = f"an amount in {self.account.currency}"
            raise wrong(self.credit, "offset.credit", expected)


@value
class TopUp:
    """When money is asked for over a route without a person, and how much.

    at: str – from this level on of any threshold of the account that the route leads to: 'warn',
        'restrict', 'cancel', 'reduce' or 'halt'. A shortfall asks too.
    usage: number – to where the usage of that account, margin / equity, is to come, now and as if
        it were settled at present prices; above 0, at most 1.
    step: str, money – amounts are whole multiples of this.
    keep: str, money – what stays withdrawable in the account that the money leaves.
    """

    at: Annotated[str, choice("warn", "restrict", "cancel", "reduce", "halt")]
    usage: Annotated[Number, ratio(above=0, most=1)]
    step: Annotated[str, money(above=True)]
    keep: Annotated[str, money()]


@value
class Route:
    """A way for money from one account to another; without one no money moves between them.

    source: Account – where it leaves. target: Account – where it arrives.
    lead: str, time – how long it takes; what has not arrived by then is late.
    most: str, money – the largest amount, in the currency of `source`.
    least: str, money – the smallest; the smallest unit when None.
    cost: str, money – what a transfer is expected to cost; nothing when None.
    windows: 'always' or list of (start, end) – when a transfer may begin.
    haircut: number – the fraction that does not count in plans while it is on its way, 0 to 1.
    top_up: TopUp – when the session asks for money over it by itself; never when None.
    """

    source: Annotated[Account, reference(Account)]
    target: Annotated[Account, reference(Account)]
    lead: Annotated[str, span(above=True)]
    most: Annotated[str, money(above=True)]
    least: Annotated[str | None, optional(money(above=True))] = None
    cost: Annotated[str | None, optional(money())] = None
    windows: Windows = "always"
    haircut: Annotated[Number, ratio(least=0, most=1)] = "0"
    top_up: Annotated[TopUp | None, optional(one(TopUp))] = None

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if self.top_up is not None:
            check_top_up(self.top_up, self.source, self.target)
        for part in ("most", "least", "cost"):
            stated, where = getattr(self, part), f"route.{part}"
            if stated is not None and parse_money(stated, where)[1] != self.source.currency:
                raise wrong(stated, where, f"an amount in {self.source.currency}")


def check_top_up(top_up: TopUp, source: Account, target: Account) -> None:
    """Raise ConfigError where a route between two accounts cannot top up so."""
    if source.currency != target.currency:
        expected = "None: the accounts have two currencies"
        raise wrong(top_up, "route.top_up", expected)
    for part in ("step", "keep"):
        stated, where = getattr(top_up, part), f"route.top_up.{part}"
        if parse_money(stated, where)[1] != source.currency:
            raise wrong(stated, where, f"an amount in {source.currency}")


@value
class Leg:
    """An instrument in an account, with the side that +1 set trades.

    instrument: Instrument – what is traded.
    side: str – 'buy' or 'sell'.
    account: Account – where the money is.
    lots: number – lots in one set with basis 'lots', 0 for a leg that only prices; None with basis
        'physical'.
    weight: number – weight of its price in the signal; it sizes nothing.
    """

    instrument: Annotated[Instrument, reference(Instrument)] = field(kw_only=False)
    side: Annotated[str, choice("buy", "sell")]
    account: Annotated[Account, reference(Account)]
    lots: Annotated[Number | None, optional(ratio(least=0))] = None
    weight: Annotated[Number, ratio(above=0)] = "1"

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        if self.account.venue != self.instrument.venue:
            expected = f"an account at {self.instrument.venue}, where {self.instrument.name} trades"
            raise wrong(self.account.name, "leg.account", expected)
        if self.account.currency != self.instrument.currency:
            expected = f"an account in {self.instrument.currency}, as {self.instrument.name}"
            raise wrong(self.account.name, "leg.account", expected)
        if self.instrument.settlement == "coin":
            expected = "a linear instrument; the value of an inverse one does not follow its price"
            raise wrong(self.instrument.name, "leg.instrument", expected)


@value
class Hedge:
    """The configured relation: legs, unit, currency, FX, signal, sizes, execution.

    name: str – its name.
    legs: list of Leg – 2 to 8, at least one bought and one sold.
    unit: str – the common unit, such as 'g'.
    currency: str – the currency in which values are compared.
    fx: dict from currency to Instrument – the instrument that prices that currency in `currency`.
    basis: str – 'physical' (lots from contract sizes; +1 set = 1 lot of the coarsest leg) or
        'lots' (as the legs say).
    signal: Ratio, Spread, CounterPrice or Estimate – when it trades.
    size: Size – how large it may grow, in sets.
    execution: Simultaneous, Sequential or Quoting – how it trades.
    slippage: number or str – bands must be further apart than this: a plain number for ratios,
        such as '0.50 CNY/g' for spreads; nothing when None.
    priority: int – lower goes first.
    next: str – the hedge of the next contract, which a Roll moves its sets to: as many legs, each
        of the same side, lots and units; the instruments of those that expire are others.
    strategy: str – hedges that follow one idea, for thresholds over all of them.
    """

    name: Name = field(kw_only=False)
    legs: Annotated[Any, many(Leg, least=2, most=8)]
    unit: UnitName
    currency: CurrencyCode
    fx: Annotated[Any, keyed(Instrument, refers=True)] = ()
    basis: Annotated[str, choice("physical", "lots")]
    signal: Annotated[Signal, one(Ratio, Spread, CounterPrice, Estimate)]
    size: Annotated[Size, one(Size)]
    execution: Annotated[Execution, one(Simultaneous, Sequential, Quoting)]
    slippage: Annotated[Number | None, optional(level())] = None
    priority: Annotated[int, count(most=1_000_000)] = 0
    next: Annotated[str | None, optional(NAMED)] = None
    strategy: Annotated[str | None, optional(NAMED)] = None

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        sides = {leg.side for leg in self.legs}
        if sides != {"buy", "sell"}:
            raise wrong(sorted(sides), "hedge.legs", "at least one bought and one sold leg")
        for at, leg in enumerate(self.legs):
            where = f"hedge.legs[{at}]"
            leg.instrument.lot_in(self.unit)
            if (leg.lots is None) != (self.basis == "physical"):
                expected = "None with basis 'physical', lots in one set with basis 'lots'"
                raise wrong(leg.lots, f"{where}.lots", expected)
        self._check_fx()
        where = "hedge.execution"
        for each in ("max_residual", "live_residual"):
            self.units(getattr(self.execution, each), f"{where}.{each}")
        self.amount(self.execution.max_loss, f"{where}.max_loss")
        self._levels()
        _legging.check(self)

    def _check_fx(self) -> None:
        foreign = {leg.instrument.currency for leg in self.legs} - {self.currency}
        there = dict(self.fx)
        for code in sorted(foreign - set(there)):
            expected = f"an instrument that prices 1 {code} in {self.currency}"
            raise wrong(None, f"hedge.fx.{code}", expected)
        for code, instrument in there.items():
            if code not in foreign:
                raise unknown(code, f"hedge.fx.{code}", sorted(foreign), "a currency of the legs")
            price = instrument.price_of
            if (price.currency, price.unit) != (self.currency, code):
                expected = f"an instrument quoted in {self.currency}/{code}"
                raise wrong(instrument.quote, f"hedge.fx.{code}", expected)

    def units(self, text: str, where: str) -> str:
        """Return a quantity in the common unit, as exact text.

        text: str, quantity – such as '500 g'.
        where: str – the field that it comes from, for errors.
        Raises ConfigError when it is no quantity of the same kind.
        """
        return fraction_text(parse_quantity(text, where).to(self.unit, where))

    def amount(self, text: str, where: str) -> str:
        """Return an amount of money that must be in the hedge's currency, as plain text.

        text: str, money – such as '20000 CNY'.
        where: str – the field that it comes from, for errors.
        Raises ConfigError when it is another currency.
        """
        number, code = parse_money(text, where)
        if code != self.currency:
            raise wrong(text, where, f"an amount in {self.currency}")
        return f"{number:f}"

    @property
    def band_unit(self) -> str | None:
        """The unit of its bands, such as 'CNY/g'; None for those of a ratio, plain numbers."""
        return None if isinstance(self.signal, Ratio) else f"{self.currency}/{self.unit}"

    def _levels(self) -> tuple[Json, str]:
        """Return the signal and the slippage as the core reads them."""
        signal, unit = self.signal, self.band_unit

        def read(band: Band | None, where: str) -> Json | None:
            if band is None:
                return None
            pairs = (("enter", band.enter), ("exit", band.exit))
            return {key: level_in(text, unit, f"{where}.{key}") for key, text in pairs}

        deviation = signal.deviation
        within = signal.persist_within
        stated = {
            "measure": measure(signal),
            "plus": read(signal.plus(), "hedge.signal"),
            "mirror": read(signal.mirror, "hedge.signal.mirror"),
            "persist": whole(signal.persist),
            "persist_within_ns": None if within is None else parse_span(within, "persist_within"),
            "deviation": None
            if deviation is None
            else {
                "enter": deviation.enter,
                "alpha": deviation.alpha,
                "warm": deviation.warm,
            },
        }
        slippage = "0" if self.slippage is None else level_in(self.slippage, unit, "hedge.slippage")
        return stated, slippage


def measure(signal: Signal) -> str:
    """Return the core's word for what a signal compares."""
    if isinstance(signal, Ratio):
        return "gross_ratio" if signal.gross else "ratio"
    words = {Spread: "spread", CounterPrice: "counter_price", Estimate: "estimate"}
    return words[type(signal)]


@value
class Config:
    """Everything that is fixed for a run, and the limits it starts with.

    venues: list of Venue – where orders go.
    accounts: list of Account – whose money.
    hedges: list of Hedge – what is traded.
    limits: Limits – every limit; `limits.template(…)` fills them visibly.
    engine: int – number of the engine, part of every order id.
    run: int – number of the run, part of every order id; a journal folder hands out its own.
    orders, executions: int – how many are kept; memory for them is taken at the start. Each hedge
        has the same share of the orders, which must hold those of one attempt. The second
        settlement of its instrument after its end frees an order; where nothing settles none is
        ever freed, and a used-up share lets nothing be entered.
    waiting: Waiting – how the cost of waiting is measured where repair chooses by cost; None: it is
        what crossing the touch once more costs for what the books cannot supply.
    routes: list of Route – ways for money between accounts; where none leads none moves.
    offsets: list of Offset – what is left of margin where positions stand against each other.
    thresholds: list of Threshold – what is monitored, and what follows.
    """

    venues: Annotated[Any, many(Venue, least=1)]
    accounts: Annotated[Any, many(Account, least=1)]
    hedges: Annotated[Any, many(Hedge, least=1, most=1024)]
    limits: Annotated[Limits, one(Limits)]
    engine: Annotated[int, count(most=255)] = 1
    run: Annotated[int, count(most=4095)] = 1
    orders: Annotated[int, count(least=1, most=1 << 20)] = 4096
    executions: Annotated[int, count(least=1, most=1 << 24)] = 65_536
    waiting: Annotated[Waiting | None, optional(one(Waiting))] = None
    routes: Annotated[Any, many(Route)] = ()
    offsets: Annotated[Any, many(Offset)] = ()
    thresholds: Annotated[Any, many(Threshold)] = ()

    def check(self) -> None:
        """Raise ConfigError for fields that do not fit each other."""
        parts = {"venues": self.venues, "accounts": self.accounts, "hedges": self.hedges}
        for error in disagreements(parts, self.limits):
            raise error
        for error in astray_offsets(self.offsets, self.accounts, self.instruments):
            raise error
        for error in astray(self.routes, self.accounts):
            raise error
        try:
            _core.check_config(self.to_json())
        except ConfigError as error:
            raise self._named(error) from error

    def _named(self, error: ConfigError) -> ConfigError | InputTypeError:
        """Return an error of the core with the names of this configuration."""
        field = error.field or ""
        stated = _legging.stated_at(field, self.hedges)
        if stated is not None:
            return moved(error, field, stated)
        for at, each in enumerate(self.instruments):  # in an order of the core's own
            if field.startswith(f"instruments[{at}]"):
                return moved(error, f"instruments[{at}]", f"instruments.{each.name}")
        return error

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every instrument of the hedges, in the order in which they first stand there."""
        return instruments_of(self.hedges)

    def to_json(self) -> bytes:
        """Return the configuration as the core reads it."""
        stated = {
            "engine": self.engine,
            "run": self.run,
            "venues": [venue_json(venue) for venue in self.venues],
            "accounts": [account_json(account) for account in self.accounts],
            "routes": [route_json(route) for route in self.routes],
            **({"offsets": [offset_json(each) for each in self.offsets]} if self.offsets else {}),
            "instruments": [instrument_json(instrument) for instrument in self.instruments],
            "hedges": [hedge_json(hedge) for hedge in self.hedges],
            "limits": limits_json(self),
            "counts": {"orders": self.orders, "executions": self.executions},
            "waiting": None if self.waiting is None else waiting_json(self.waiting),
        }
        return json.dumps(stated, ensure_ascii=True, separators=(",", ":")).encode()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Config":
        """Return the configuration that a TOML file states.

        path: str or path – a file that not everybody may write; its table [simulation] is left to
            `SimVenues.load`.
        Raises ConfigError or InputTypeError with the path of the key that is wrong, the file and
        the line; `cross-market config check` tells all of them.
        """
        from cross_market._config_file import load

        return load(path)

    def __str__(self) -> str:
        """Return the configuration as TOML, as `dump` writes it."""
        from cross_market._config_file import text_of

        return text_of(self).rstrip()

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write the configuration as TOML, every limit visible; `load` reads it back equal.

        path: path – the file to write.
        """
        from cross_market._config_file import dump

        dump(self, path)


def by_name(items: Iterable[T], where: str) -> dict[str, T]:
    """Return values by their names; raises ConfigError when two have the same."""
    for error in named_twice(items, where):
        raise error
    return {item.name: item for item in items}  # type: ignore[attr-defined]


def named_twice(items: Iterable[object], where: str) -> Iterator[ConfigError]:
    """Yield an error for every value whose name another one has."""
    found = set()
    for at, item in enumerate(items):
        name = getattr(item, "name", None)  # what could not be made has none
        if name is not None and name in found:
            yield wrong(name, f"{where}[{at}].name", "a name that no other of them has")
        found.add(name)


def instruments_of(hedges: Iterable[Hedge]) -> tuple[Instrument, ...]:
    """Return every instrument of hedges, in the order in which they first stand there."""
    found: dict[Instrument, None] = {}
    for hedge in hedges:
        found.update(dict.fromkeys(leg.instrument for leg in hedge.legs))
        found.update(dict.fromkeys(instrument for _, instrument in hedge.fx))
    return tuple(found)


def astray_offsets(
    offsets: Iterable[Offset], accounts: Iterable[Account], instruments: Iterable[Instrument]
) -> Iterator[ConfigError]:
    """Yield an error for each account and instrument of an offset that is not configured so."""
    purses = {account.name: account for account in accounts}
    listed = {instrument.name: instrument for instrument in instruments}
    for at, offset in enumerate(offsets):
        account = offset.account
        if purses.get(account.name) != account:
            where = f"offsets[{at}].account"
            yield wrong(account.name, where, "one of the configured accounts")
        for place, leg in enumerate(offset.legs):
            if listed.get(leg.instrument.name) != leg.instrument:
                where = f"offsets[{at}].legs[{place}].instrument"
                yield wrong(leg.instrument.name, where, "an instrument that a hedge names")


def astray(routes: Iterable[Route], accounts: Iterable[Account]) -> Iterator[ConfigError]:
    """Yield an error for every end of a route that is not one of the accounts."""
    known = {each.name: each for each in accounts}
    for at, route in enumerate(routes):
        for end, account in (("source", route.source), ("target", route.target)):
            if known.get(account.name) != account:
                where = f"routes[{at}].{end}"
                yield unknown(account.name, where, known, "one of the accounts")


Parts = Mapping[str, Sequence[Any]]


def disagreements(
    parts: Parts, limits: Limits | None, broken: Mapping[str, Iterable[str]] = MappingProxyType({})
) -> Iterator[ConfigError]:
    """Yield what does not fit between the parts of a configuration.

    parts – its venues, accounts and hedges; None stands for one that could not be made.
    limits: Limits – None when they could not be made.
    broken – names of what could not be made, by kind: they are known all the same.
    """
    hedges = [each for each in parts["hedges"] if each is not None]
    instruments = instruments_of(hedges)
    kinds = {**parts, "instruments": instruments}
    for kind, items in kinds.items():
        yield from named_twice(items, kind)
    known = {
        kind: [*(each.name for each in items if each is not None), *broken.get(kind, ())]
        for kind, items in kinds.items()
    }
    venues = known["venues"]
    for at, account in enumerate(parts["accounts"]):
        if account is not None and account.venue not in venues:
            yield unknown(account.venue, f"accounts[{at}].venue", venues, "one of the venues")
    for instrument in instruments:
        if instrument.venue not in venues:
            where = f"instruments.{instrument.name}.venue"
            yield unknown(instrument.venue, where, venues, "one of the venues")
    yield from strangers(parts)
    rests = {venue.name: venue.rests for venue in parts["venues"] if venue is not None}
    for at, hedge in enumerate(parts["hedges"]):
        for error in _legging.nowhere_to_rest(hedge, rests) if hedge is not None else ():
            yield moved(error, "hedge", f"hedges[{at}]")  # type: ignore[misc]
    if limits is not None:
        for kind in ("venues", "instruments", "accounts", "hedges"):
            for key, _ in getattr(limits, kind):
                if key not in known[kind]:
                    yield unknown(key, f"limits.{kind}.{key}", known[kind], f"one of the {kind}")
        yield from unlimited(parts["venues"], parts["accounts"], hedges, limits)
        yield from ungrouped(hedges, limits)


def strangers(parts: Parts) -> Iterator[ConfigError]:
    """Yield an error for every leg whose account is none of the configuration's."""
    accounts = {each.name: each for each in parts["accounts"] if each is not None}
    if None in parts["accounts"]:
        return
    for at, hedge in enumerate(parts["hedges"]):
        for leg_at, leg in enumerate(hedge.legs if hedge is not None else ()):
            if accounts.get(leg.account.name) != leg.account:
                where = f"hedges[{at}].legs[{leg_at}].account"
                yield unknown(leg.account.name, where, accounts, "one of the accounts")


def unlimited(
    venues: Iterable[Venue | None],
    accounts: Iterable[Account | None],
    hedges: Iterable[Hedge],
    limits: Limits,
) -> Iterator[ConfigError]:
    """Yield an error for everything whose limits are missing or in another currency."""
    checks: list[Callable[[], object]] = [
        partial(instrument_limits_json, each, limits) for each in instruments_of(hedges)
    ]
    checks += [partial(venue_limits_json, each, limits) for each in venues if each is not None]
    checks += [partial(account_limits_json, each, limits) for each in accounts if each is not None]
    checks += [partial(hedge_limits_json, each, limits) for each in hedges]
    for each in checks:
        try:
            each()
        except ConfigError as error:
            yield error


# What the core reads.


def venue_json(venue: Venue) -> Json:
    return {
        "name": venue.name,
        "netting": venue.netting,
        "tif": venue.tif,
        "rests": venue.rests,
        "ack_timeout_ns": parse_span(venue.ack_timeout, "venue.ack_timeout"),
        "max_delay_ns": parse_span(venue.max_delay, "venue.max_delay"),
        "query_interval_ns": parse_span(venue.query_interval, "venue.query_interval"),
        "cancels_max": venue.cancels_max,
    }


def account_json(account: Account) -> Json:
    tolerance = account.cash_tolerance
    return {
        "name": account.name,
        "venue": account.venue,
        "currency": account.currency,
        "island": account.island,
        "entity": account.entity or account.name,
        "group": account.group or account.entity or account.name,
        "flag": account.flag,
        "cash_tolerance": amount_text(tolerance),
        "unrealised": account.unrealised,
        "close_profit": account.close_profit,
        "withdraw_profit": account.withdraw_profit,
        "haircut": str(account.haircut),
        "freezes": account.freezes,
        **({"leased": True} if account.leased else {}),
    }


def route_json(route: Route) -> Json:
    windows = route.windows
    return {
        "from": route.source.name,
        "to": route.target.name,
        "windows": windows if windows == "always" else [list(pair) for pair in windows],
        "lead_ns": parse_span(route.lead, "route.lead"),
        "least": "0.000000001" if route.least is None else amount_text(route.least),
        "most": amount_text(route.most),
        "cost": amount_text(route.cost),
        "haircut": str(route.haircut),
        **({} if route.top_up is None else {"top_up": top_up_json(route.top_up)}),
    }


def offset_json(offset: Offset) -> Json:
    return {
        "account": offset.account.name,
        "legs": [{"instrument": leg.instrument.name, "lots": leg.lots} for leg in offset.legs],
        "credit": amount_text(offset.credit),
    }


def top_up_json(top_up: TopUp) -> Json:
    return {
        "at": top_up.at,
        "usage": str(top_up.usage),
        "step": amount_text(top_up.step),
        "keep": amount_text(top_up.keep),
    }


def amount_text(text: str | None) -> str:
    """Return an amount as plain text, '0' for none."""
    return "0" if text is None else text.partition(" ")[0]


def fee_json(fee: Fee) -> Json:
    return {"per_lot": amount_text(fee.per_lot), "rate": str(fee.rate)}


def instrument_json(instrument: Instrument) -> Json:
    fees = instrument.fees
    tick, lot = Fraction(str(instrument.tick)), Fraction(str(instrument.lot))
    price_max, qty_max = instrument.price_max, instrument.qty_max
    phases = instrument.phases
    return {
        "name": instrument.name,
        "venue": instrument.venue,
        "product": instrument.product,
        "currency": instrument.currency,
        "tick": str(instrument.tick),
        "lot": str(instrument.lot),
        "multiplier": fraction_text(instrument.multiplier),
        "settlement": instrument.settlement,
        **({} if instrument.matching is None else {"matching": instrument.matching}),
        **({} if instrument.prompts is None else {"prompts": pairs_json(instrument.prompts)}),
        "fees": {
            "open": fee_json(fees.open),
            "close": fee_json(fees.close or fees.open),
            "close_today": fee_json(fees.close_today or fees.open),
        },
        "margin": margins_json(instrument),
        "phases": phases if phases == "always" else pairs_json(phases),
        "band": None if instrument.band is None else list(instrument.band),
        "own_in_book": instrument.own_in_book,
        **({"maintenance": instrument.maintenance} if instrument.maintenance != "1" else {}),
        **({"larger_side": True} if instrument.larger_side else {}),
        "min_qty": str(instrument.min_qty or instrument.lot),
        "price_max": fraction_text(tick * 10**7) if price_max is None else str(price_max),
        "qty_max": fraction_text(lot * 10**6) if qty_max is None else str(qty_max),
    }


def pairs_json(pairs: Iterable[tuple[object, object]]) -> list[list[object]]:
    return [list(pair) for pair in pairs]


def margins_json(instrument: Instrument) -> Json:
    by_flag = {
        "speculation": instrument.speculation_margin,
        "arbitrage": instrument.arbitrage_margin,
        "hedge": instrument.hedge_margin,
    }
    own = {flag: margin_json(margin) for flag, margin in by_flag.items() if margin is not None}
    usual = margin_json(instrument.margin)
    return {**usual, "by_flag": own} if own else usual


def margin_json(margin: Margin | None) -> Json:
    if margin is None:
        return {"long": "0", "short": "0", "floor_per_lot": "0"}
    steps = [[step.settles, rates_json(step)] for step in margin.steps]
    return {**rates_json(margin), **({"steps": steps} if steps else {})}


def rates_json(margin: Margin | MarginStep) -> Json:
    by_lot = {"long_per_lot": margin.long_per_lot, "short_per_lot": margin.short_per_lot}
    return {
        "long": str(margin.long),
        "short": str(margin.short),
        "floor_per_lot": amount_text(margin.floor_per_lot),
        # What is not there is left out, so that the text of others stays as it was.
        **{key: amount_text(amount) for key, amount in by_lot.items() if amount is not None},
    }


def hedge_json(hedge: Hedge) -> Json:
    signal, slippage = hedge._levels()
    legs = [
        {
            "instrument": leg.instrument.name,
            "account": leg.account.name,
            "side": leg.side,
            "lots": leg.lots,
            "weight": leg.weight,
            "units_per_lot": fraction_text(leg.instrument.lot_in(hedge.unit)),
        }
        for leg in hedge.legs
    ]
    return {
        "name": hedge.name,
        "priority": hedge.priority,
        "currency": hedge.currency,
        "fx": {code: instrument.name for code, instrument in hedge.fx},
        "legs": legs,
        "signal": signal,
        "slippage": slippage,
        "next": hedge.next,
        **({} if hedge.strategy is None else {"strategy": hedge.strategy}),
    }


def limits_json(config: Config) -> Json:
    limits = config.limits
    return {
        "venues": {each.name: venue_limits_json(each, limits) for each in config.venues},
        "instruments": {
            each.name: instrument_limits_json(each, limits) for each in config.instruments
        },
        "accounts": {each.name: account_limits_json(each, limits) for each in config.accounts},
        "hedges": {each.name: hedge_limits_json(each, limits) for each in config.hedges},
        "sums": sums_json(config),
        "thresholds": thresholds_json(config),
    }


def venue_limits_json(venue: Venue, limits: Limits) -> Json:
    own = limits.of_venue(venue.name)
    return {"message_rate": whole(own.message_rate), "cancel_reserve": own.cancel_reserve}


def instrument_limits_json(instrument: Instrument, limits: Limits) -> Json:
    own, where = limits.of_instrument(instrument.name), f"limits.instruments.{instrument.name}"
    tick = Fraction(str(instrument.tick))
    return {
        "order_value": amount_in(own.order_value, instrument.currency, f"{where}.order_value"),
        "collar": fraction_text(whole(own.collar) * tick),
        "age_ns": parse_span(own.age, f"{where}.age"),
        "skew_ns": parse_span(own.skew, f"{where}.skew"),
        "limit_distance": fraction_text(whole(own.limit_distance) * tick),
        "message_rate": whole(own.message_rate),
        "cancel_reserve": own.cancel_reserve,
        "conduct": conduct_json(own.conduct),
    }


def account_limits_json(account: Account, limits: Limits) -> Json:
    own, where = limits.of_account(account.name), f"limits.accounts.{account.name}"
    return {
        "usage_cap": str(own.usage_cap),
        "day_loss": amount_in(own.day_loss, account.currency, f"{where}.day_loss"),
        "message_rate": whole(own.message_rate),
        "cancel_reserve": own.cancel_reserve,
    }


def hedge_limits_json(hedge: Hedge, limits: Limits) -> Json:
    own, where = limits.of_hedge(hedge.name), f"limits.hedges.{hedge.name}"
    size, execution = hedge.size, hedge.execution
    repair = execution.repair
    word = "supplement" if isinstance(repair, Supplement) else "unwind"
    loss = amount_in(own.max_loss_per_day, hedge.currency, f"{where}.max_loss_per_day")
    kept = (2 * own.tries + 4) * len(hedge.legs)
    if _legging.is_staged(hedge) and own.messages <= kept:
        expected = f"more than {kept}: so many are kept for repair, two for each try of each leg"
        raise wrong(own.messages, f"{where}.messages", expected)
    return {
        "clip": size.clip,
        "max": size.max,
        "overnight": size.overnight,
        "holiday": size.holiday,
        "before_break_ns": parse_span(own.before_break, f"{where}.before_break"),
        "max_residual": hedge.units(execution.max_residual, f"{where}.max_residual"),
        "live_residual": hedge.units(execution.live_residual, f"{where}.live_residual"),
        "finish_within_ns": parse_span(execution.finish_within, f"{where}.finish_within"),
        "order_timeout_ns": parse_span(own.order_timeout, f"{where}.order_timeout"),
        "repair": "cheaper_of" if isinstance(repair, CheaperOf) else word,
        "max_loss": hedge.amount(execution.max_loss, f"{where}.max_loss"),
        "max_loss_per_day": loss,
        "tries": own.tries,
        "messages": own.messages,
        "trims_per_day": own.trims_per_day,
        "max_roll_cost": roll_cost_json(hedge, own, f"{where}.max_roll_cost"),
        "crossing": _legging.crosses(hedge),
        "legging": _legging.legging_json(hedge),
    }


def waiting_json(waiting: Waiting) -> Json:
    return {
        "deviations": waiting.deviations,
        "alpha": waiting.alpha,
        "warm": waiting.warm,
    }


def roll_cost_json(hedge: Hedge, own: HedgeLimits, where: str) -> str | None:
    """Return what moving one set may cost, of a hedge that names its next."""
    if hedge.next is None:
        return None
    if own.max_roll_cost is None:
        expected = f"an amount in {hedge.currency}: the hedge names its next"
        raise missing(expected, where)
    return amount_in(own.max_roll_cost, hedge.currency, where)


def sums_json(config: Config) -> list[Json]:
    """Return the limit of the summed residual for every product and currency that hedges have."""
    limits = config.limits
    given = {(each.product, each.currency): each for each in limits.sum_residual}
    largest: dict[tuple[str, str], tuple[Fraction, Hedge]] = {}
    for hedge in config.hedges:
        key = (hedge.legs[0].instrument.product, hedge.currency)
        live = Fraction(hedge.units(hedge.execution.live_residual, "live_residual"))
        # The engine sums plain numbers: grams beside kilograms would be limited by neither.
        if key in largest and hedge.unit != largest[key][1].unit:
            other = largest[key][1]
            expected = f"{other.unit!r}, the unit of hedge {other.name!r}: residuals are summed"
            raise wrong(hedge.unit, f"hedges.{hedge.name}.unit", expected)
        if key not in largest or live > largest[key][0]:
            largest[key] = (live, hedge)
    for at, each in enumerate(limits.sum_residual):
        if (each.product, each.currency) not in largest:
            where = f"limits.sum_residual[{at}]"
            raise wrong(each, where, "the product and currency of some hedge")
    found = []
    for (product, code), (live, hedge) in largest.items():
        where = f"limits.sum_residual.{product}.{code}"
        if (product, code) in given:
            limit = hedge.units(given[(product, code)].limit, where)
        elif limits.each_sum_residual is not None:
            limit = fraction_text(live * limits.each_sum_residual)
        else:
            raise wrong(None, where, "a SumResidual for them, or each_sum_residual")
        found.append({"product": product, "currency": code, "limit": limit})
    return found

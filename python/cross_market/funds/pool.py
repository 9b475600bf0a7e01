"""The pool as a report: what every account has, and what accounts have together.

Amounts of two currencies are never added. What they come to in one is a report that needs a dated
rate for each of them; no check of an order asks for it. See `docs/pool.md`.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Annotated

from cross_market._values import (
    Number,
    Reader,
    choice,
    decimal,
    missing,
    note,
    unknown,
    value,
    wrong,
    wrong_type,
)
from cross_market.config import Account
from cross_market.contracts.instrument import time_ns
from cross_market.contracts.units import currency, parse_span, span_text
from cross_market.funds.allocation.values import EXACT

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BY", "AccountMoney", "Amounts", "Pool", "Rate", "Stated", "Total", "Valuation", "pool"]

# What accounts may be added up by.
BY = ("account", "currency", "venue", "entity", "group", "island")

GRAIN = Decimal("1E-9")
Moment = int | str | datetime.datetime
MOMENT = Reader(time_ns, "a moment with its zone, such as '2026-02-10T09:15+08:00', or ns")
WORDS = Reader(note, "text on one line")
CODE = currency()


@value
class Rate:
    """What one unit of a currency was worth in another at a moment, and who said so.

    currency: str – whose worth it is.
    base: str – the currency it is told in.
    worth: number – of `base` for one of `currency`.
    dated: datetime, str with its zone, or int in ns – when it was so.
    source: str – who said so, on one line.
    """

    currency: Annotated[str, CODE] = field(kw_only=False)
    base: Annotated[str, CODE]
    worth: Annotated[Number, decimal(above=0)]
    dated: Annotated[Moment, MOMENT]
    source: Annotated[str, WORDS]

    def check(self) -> None:
        """Raise ConfigError for a currency in itself."""
        if self.currency == self.base:
            raise wrong(self.base, "rate.base", f"another currency than {self.currency}")


@value
class Stated:
    """When the balance of an account was last told, and by whom.

    at: datetime, str with its zone, or int in ns – the moment that it describes.
    source: str – who told it, on one line.
    """

    at: Annotated[Moment, MOMENT]
    source: Annotated[str, WORDS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Money at one moment, in one currency.

    equity: Decimal – cash, unrealised results, what was paid for, what counts of collateral;
        without money in transit.
    cash: Decimal – the balance: all that is ours and paid.
    margin: Decimal – of positions. frozen: Decimal – for orders that may still trade.
    to_open: Decimal – for new orders; below zero where money is short.
    withdrawable: Decimal – may be taken out now.
    in_transit: Decimal – has left or was asked to, and has not arrived; free in no account.
    """

    equity: Decimal
    cash: Decimal
    margin: Decimal
    frozen: Decimal
    to_open: Decimal
    withdrawable: Decimal
    in_transit: Decimal


AMOUNTS = tuple(each.name for each in fields(Amounts))
# What is read of a table of funds.
COLUMNS = (
    *("account", "currency", "equity", "balance", "margin", "held", "quarantine", "relief"),
    *("to_open", "withdrawable", "in_transit"),
)
# Of these more is worse, so they are rounded up.
USED = ("margin", "frozen")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMoney(Amounts):
    """The money of one account, in its own currency.

    account, currency, venue, entity, group, island: str – as in the configuration.
    stated: Stated – when its balance was last told, and by whom; None where nobody has.
    age_ns: int, ns – since then, below zero where that clock was ahead; None where nobody has.
    The other arguments are those of `Amounts`.
    """

    account: str
    currency: str
    venue: str
    entity: str
    group: str
    island: str
    stated: Stated | None
    age_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(Amounts):
    """What some accounts have together, in one currency.

    by: str – what they share. name: str – which one. accounts: int – how many.
    currency: str – of the amounts.
    oldest_ns: int, ns – age of the balance that was told longest ago; None where of one of them
        nobody has told any.
    The other arguments are those of `Amounts`.
    """

    by: str
    name: str
    accounts: int
    currency: str
    oldest_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """What a pool comes to in one currency: a report, and no ground for any order.

    base: str – the currency. rates: tuple of Rate – those that were used, by currency.
    pool: Pool – what was valued.
    Each amount of each account is converted exactly and rounded against us to 10⁻⁹, margin and
    frozen up, all else down; totals are sums of these, so they are equal however they are made.
    """

    base: str
    rates: tuple[Rate, ...]
    pool: "Pool"

    def totals(self, by: str) -> tuple[Total, ...]:
        """Return what accounts have together, in the base currency.

        by: str – 'account', 'currency' (its own), 'venue', 'entity', 'group' or 'island'.
        returns: tuple of Total, by name.
        Raises ConfigError for another word.
        """
        key = key_of(by)
        return tuple(
            total(by, name, self.base, rows, self._converted)
            for name, rows in parted(self.pool.accounts, key)
        )

    @property
    def total(self) -> Total:
        """All of it; `by` and `name` say 'pool'."""
        return total("pool", "pool", self.base, self.pool.accounts, self._converted)

    def _converted(self, row: AccountMoney, what: str) -> Decimal:
        amount: Decimal = getattr(row, what)
        if row.currency == self.base:
            return amount
        (rate,) = (each for each in self.rates if each.currency == row.currency)
        exact = EXACT.multiply(amount, Decimal(rate.worth))
        rounding = ROUND_CEILING if what in USED else ROUND_FLOOR
        return exact.quantize(GRAIN, rounding, EXACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The money of all accounts at one moment, each in its own currency.

    at: int, ns – the moment. accounts: tuple of AccountMoney – in the order of the configuration.
    """

    at: int
    accounts: tuple[AccountMoney, ...]

    def totals(self, by: str) -> tuple[Total, ...]:
        """Return what accounts have together: one row for each name and currency, never two added.

        by: str – 'account', 'currency', 'venue', 'entity', 'group' or 'island'.
        returns: tuple of Total, by name and currency.
        Raises ConfigError for another word.
        """
        key = key_of(by)
        return tuple(
            total(by, name, code, found, getattr)
            for name, rows in parted(self.accounts, key)
            for code, found in parted(rows, "currency")
        )

    def valued(self, base: str, *, rates: Sequence[Rate], oldest: str) -> Valuation:
        """Return what the pool comes to in one currency.

        base: str – the currency.
        rates: list of Rate – one for every other currency of the pool.
        oldest: str, time – the greatest age that a rate may have at the pool's moment.
        Raises ConfigError naming the currency where a rate is missing, told twice, told in another
        currency, older than that, or of a later moment; no rate is ever taken to be 1.
        """
        CODE.read(base, "valued.base")
        most = parse_span(oldest, "valued.oldest")
        needed = {row.currency for row in self.accounts} - {base}
        found = {}
        for at, rate in enumerate(rates):
            if type(rate) is not Rate:
                raise wrong_type(rate, f"valued.rates[{at}]", "a Rate")
            if rate.currency in found:
                raise wrong(rate, where_of(rate.currency), "one rate for each currency")
            found[rate.currency] = rate
        for code in sorted(needed):
            if code not in found:
                expected = f"a dated rate of {code} in {base}"
                raise missing(expected, where_of(code))
            self._check_rate(found[code], base, most)
        return Valuation(base=base, rates=tuple(found[code] for code in sorted(needed)), pool=self)

    def _check_rate(self, rate: Rate, base: str, most: int) -> None:
        where, age = where_of(rate.currency), self.at - moment_of(rate.dated)
        if rate.base != base:
            raise wrong(rate.base, f"{where}.base", f"a rate in {base}")
        if age < 0:
            expected = f"a moment that is not after the pool's, {self.at}"
            raise wrong(rate.dated, f"{where}.dated", expected)
        if age > most:
            expected = f"a rate at most {span_text(most)} old; this one is {span_text(age)} old"
            raise wrong(rate.dated, f"{where}.dated", expected)


def pool(
    funds: "pa.Table",
    *,
    accounts: Sequence[Account],
    stated: Mapping[str, Stated | None],
    at: Moment,
) -> Pool:
    """Return the money of all accounts at one moment, each in its own currency.

    funds: Arrow table – such as `Session.funds()` or `Result.funds`.
    accounts: list of Account – those of the configuration.
    stated: dict of account to Stated – when each balance was last told, and by whom; None states
        that nobody has told it.
    at: datetime, str with its zone, or int in ns – the moment of the table.
    Raises ConfigError or InputTypeError naming what is missing, unknown or of another type.
    """
    import pyarrow as pa

    if not isinstance(funds, pa.Table):
        raise wrong_type(funds, "pool.funds", "an Arrow table, such as Session.funds()")
    for column in COLUMNS:
        if column not in funds.column_names:
            expected = "a column of it"
            raise missing(expected, f"pool.funds.{column}")
    moment = time_ns(at, "pool.at")
    rows = {row["account"]: row for row in funds.to_pylist()}
    known = [each.name for each in accounts]
    for name in rows:
        if name not in known:
            raise unknown(name, "pool.funds", known, "accounts of the configuration")
    for name in stated:
        if name not in known:
            raise unknown(name, "pool.stated", known, "accounts of the configuration")
    return Pool(
        at=moment,
        accounts=tuple(money_of(each, rows, stated, moment) for each in accounts),
    )


def money_of(
    account: Account,
    rows: Mapping[str, Mapping[str, Decimal]],
    stated: Mapping[str, Stated | None],
    at: int,
) -> AccountMoney:
    """Return the money of one account."""
    name = account.name
    if name not in rows:
        expected = "a row of it"
        raise missing(expected, f"pool.funds.{name}")
    if name not in stated:
        expected = "when its balance was told, or None where nobody has"
        raise missing(expected, f"pool.stated.{name}")
    told, row = stated[name], rows[name]
    if told is not None and type(told) is not Stated:
        raise wrong_type(told, f"pool.stated.{name}", "a Stated or None")
    if row["currency"] != account.currency:
        raise wrong(row["currency"], f"pool.funds.{name}", f"an amount in {account.currency}")
    entity = account.entity or name
    return AccountMoney(
        account=name,
        currency=account.currency,
        venue=account.venue,
        entity=entity,
        group=account.group or entity,
        island=account.island,
        stated=told,
        age_ns=None if told is None else at - moment_of(told.at),
        equity=row["equity"],
        cash=row["balance"],
        margin=row["margin"],
        # What several orders cannot need together is not frozen: its column is below zero.
        frozen=summed([row["held"], row["quarantine"], row["relief"]]),
        to_open=row["to_open"],
        withdrawable=row["withdrawable"],
        in_transit=row["in_transit"],
    )


def total(
    by: str,
    name: str,
    code: str,
    rows: Sequence[AccountMoney],
    amount: Callable[[AccountMoney, str], Decimal],
) -> Total:
    """Return the sum of some accounts; `amount` gives each amount in the currency `code`."""
    ages = [row.age_ns for row in rows]
    told = [age for age in ages if age is not None]
    return Total(
        by=by,
        name=name,
        accounts=len(rows),
        currency=code,
        oldest_ns=max(told) if told and len(told) == len(ages) else None,
        **{what: summed(amount(row, what) for row in rows) for what in AMOUNTS},
    )


def parted(rows: Iterable[AccountMoney], key: str) -> list[tuple[str, list[AccountMoney]]]:
    """Return rows by what they have there, in its order."""
    found: dict[str, list[AccountMoney]] = {}
    for row in rows:
        found.setdefault(getattr(row, key), []).append(row)
    return sorted(found.items())


def summed(amounts: Iterable[Decimal]) -> Decimal:
    """Return an exact sum; the usual context would round it."""
    found = Decimal(0)
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found


def moment_of(given: Moment) -> int:
    """Return a moment that was read before, in ns."""
    return time_ns(given, "moment")


def key_of(by: object) -> str:
    """Return `by` where accounts can be added up by it."""
    key: str = choice(*BY).read(by, "totals.by")
    return key


def where_of(code: str) -> str:
    """Return how errors name the rate of a currency."""
    return f"rates.{code}"

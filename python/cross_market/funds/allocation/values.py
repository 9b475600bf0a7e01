"""What a plan is made from, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal

from cross_market._values import read_decimal, tidy, wrong

# Amounts are kept in 10⁻⁹ of their currency.
UNIT = 10**9
# More digits than any amount or sum of amounts has: nothing is rounded unseen.
EXACT = Context(prec=90)


def nano(given: object, where: str, *, above: bool = False) -> int:
    """Return an amount in 10⁻⁹; raises ConfigError below zero or finer than that."""
    number = read_decimal(given, where, "an amount").scaleb(9, EXACT)
    if number != int(number) or number < 0 or (above and number == 0):
        expected = f"an amount {'above' if above else 'of at least'} zero, no finer than 10⁻⁹"
        raise wrong(given, where, expected)
    return int(number)


def decimal(units: int) -> Decimal:
    """Return 10⁻⁹ as an amount."""
    return tidy(Decimal(units).scaleb(-9, EXACT))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """The money of one account now.

    account, currency, island: str.
    free: amount – may be used or moved. minimum: amount – must stay. buffer: amount – must stay
        while nothing is short: see `buffer`. withdrawable: amount – may be moved away; free when
        None.
    """

    account: str
    currency: str
    island: str
    free: object
    minimum: object
    buffer: object
    withdrawable: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRoute:
    """A declared way for money between two accounts of one island; none is implied.

    source, target: str. lead: str, time – how long it takes. most: amount. least: amount.
    cost: amount in the source's currency, for each transfer.
    rate: number – target's currency for one of the source's, with `dated`, where they differ.
    is_open: bool – whether it can be used at all.
    windows: 'always' or list of (start, end) – when a transfer may begin, as in `Route`: cut-offs
        are their ends, and a holiday has none. They are looked at from the snapshot's `now`.
    step: amount – what is moved is a multiple of it, such as '0.01'; 10⁻⁹ when None.
    """

    source: str
    target: str
    lead: str
    most: object
    least: object = 0
    cost: object = 0
    rate: object = None
    dated: str | None = None
    is_open: bool = True
    windows: object = "always"
    step: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a strategy would hold.

    name, strategy: str. sets: int – the most. needs: dict of account to amount – of one set, in all
        of these accounts at once. edge: amount – expected of one set, in the report's currency.
    within: str, time – when the money must be there.
    mirror: dict of account to amount – what one set held the other way round would need; with it
        the plan says how many sets each way its money could carry, see `Skew`.
    """

    name: str
    strategy: str
    sets: int
    needs: Mapping[str, object]
    edge: object
    within: str
    mirror: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a plan is made from.

    rates: dict of currency to number – of the report's currency for one; with `dated`.
    now: int or datetime – the moment it describes; needed where a route has windows.
    """

    accounts: Sequence[PoolState]
    routes: Sequence[PoolRoute]
    demands: Sequence[Demand]
    rates: Mapping[str, object]
    dated: str
    now: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money to be moved.

    amount: Decimal – leaves. arrives: Decimal – at least, `lead` after it began.
    wait: str, time – until it may begin: '0 ns' when now.
    """

    source: str
    target: str
    amount: Decimal
    arrives: Decimal
    cost: Decimal
    lead: str
    wait: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A word to a person: money that no route can bring.

    amount: Decimal – by `within` from the snapshot that is `dated`.
    by: str – the same as a moment in UTC; None where the snapshot does not say `now`.
    """

    account: str
    currency: str
    amount: Decimal
    within: str
    why: str
    dated: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """How many more sets of a demand each way its money could carry, and which way to lean.

    written: int, sets – as its needs say. mirrored: int, sets – the other way round.
    middle: int, sets – from what is held now to where there is as much room either way, rounded
        to zero: below zero mirrored. Bands that are skewed so lead the inventory there.
    why: str – the account and island that end each way.
    Both ways draw on the same money: one or the other, not both.
    """

    written: int
    mirrored: int
    middle: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A proven plan.

    sets: dict of demand to int. allotments: dict of (demand, account) to Decimal.
    transfers, requests: tuples. unmet: dict of demand to the reason, one sentence.
    idle: dict of account to Decimal – beyond minimum, buffer and allotments, once all has arrived.
    value: Decimal – expected, less costs, in the report's currency.
    bound: Decimal – no plan has more.
    skews: dict of demand to Skew – for those that say what their mirror needs.
    is_last: bool – it is the last good plan, since no new one was found in time.
    """

    sets: Mapping[str, int]
    allotments: Mapping[tuple[str, str], Decimal]
    transfers: tuple[Transfer, ...]
    requests: tuple[Request, ...]
    unmet: Mapping[str, str]
    idle: Mapping[str, Decimal]
    value: Decimal
    bound: Decimal
    skews: Mapping[str, Skew] = field(default_factory=dict)
    is_last: bool = False

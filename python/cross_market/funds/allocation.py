"""Where the pool's money goes: which sets to fund, and what to move for them.

A plan is found as a mixed-integer programme and then proven in whole numbers: what is returned
keeps every account above its minimum and buffer, funds all accounts of a set together and uses
declared routes alone, exactly. A plan that cannot be proven is not returned. highspy is the extra
`solver`, imported on use. See `docs/allocation.md`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from fractions import Fraction
from importlib import import_module
from math import gcd
from types import ModuleType
from typing import TYPE_CHECKING

from cross_market._values import read_decimal, tidy, wrong
from cross_market.contracts.units import parse_span
from cross_market.errors import UsageError

if TYPE_CHECKING:
    from highspy import Highs

__all__ = [
    "Allocator",
    "Demand",
    "Plan",
    "PoolRoute",
    "PoolState",
    "Request",
    "Snapshot",
    "Transfer",
    "buffer",
    "has_moved",
]

# Amounts are kept in 10⁻⁹ of their currency.
UNIT = 10**9

# What a second try of the solver leaves of every account and route, in units of its currency.
ROOM = 0.001


def nano(given: object, where: str, *, above: bool = False) -> int:
    """Return an amount in 10⁻⁹; raises ConfigError below zero or finer than that."""
    number = read_decimal(given, where, "an amount") * UNIT
    if number != number.to_integral_value() or number < 0 or (above and number == 0):
        raise wrong(given, where, f"an amount {'above' if above else 'of at least'} zero")
    return int(number)


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
    """A declared way for money; none is implied.

    source, target: str. lead: str, time – how long it takes. most: amount. least: amount.
    cost: amount in the source's currency, for each transfer.
    rate: number – target's currency for one of the source's, with `dated`, where they differ.
    is_open: bool – whether a transfer may begin now.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a strategy would hold.

    name, strategy: str. sets: int – the most. needs: dict of account to amount – of one set, in all
        of these accounts at once. edge: amount – expected of one set, in the report's currency.
    within: str, time – when the money must be there.
    """

    name: str
    strategy: str
    sets: int
    needs: Mapping[str, object]
    edge: object
    within: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a plan is made from.

    rates: dict of currency to number – of the report's currency for one; with `dated`.
    """

    accounts: Sequence[PoolState]
    routes: Sequence[PoolRoute]
    demands: Sequence[Demand]
    rates: Mapping[str, object]
    dated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money to be moved. amount: Decimal – leaves. arrives: Decimal – at least, after `lead`."""

    source: str
    target: str
    amount: Decimal
    arrives: Decimal
    cost: Decimal
    lead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A word to a person: money that no route can bring. amount: Decimal – by `within`."""

    account: str
    currency: str
    amount: Decimal
    within: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A proven plan.

    sets: dict of demand to int. allotments: dict of (demand, account) to Decimal.
    transfers, requests: tuples. unmet: dict of demand to the reason, one sentence.
    idle: dict of account to Decimal – beyond minimum, buffer and allotments, once all has arrived.
    value: Decimal – expected, less costs, in the report's currency.
    bound: Decimal – no plan has more.
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
    is_last: bool = False


def buffer(moves: Sequence[int], quantile: object, days: int) -> int:
    """Return the quantile of what an account's own legs took out over a refill's days.

    moves – daily variation of the account's outright legs, oldest first, in any whole unit; losses
        are below zero. Never the spread's: one leg's losses are paid before the other's gains come.
    quantile: number – such as '0.99'. days: int – of one refill.
    returns: int, the unit of `moves`, at least zero: the smallest amount that covered that share of
        all windows, rounded up.
    """
    share = Fraction(read_decimal(quantile, "buffer.quantile"))
    if not 0 < share <= 1 or days < 1 or len(moves) < days:
        raise wrong(quantile, "buffer", "a quantile in (0, 1] and at least one window of days")
    windows = [list(moves[at : at + days]) for at in range(len(moves) - days + 1)]
    worst = []
    for window in windows:
        low = total = 0
        for move in window:
            total += move
            low = min(low, total)
        worst.append(-low)
    worst.sort()
    place = -(-share.numerator * len(worst) // share.denominator) - 1
    return worst[place]


def has_moved(before: Snapshot, now: Snapshot, tolerance: object) -> bool:
    """Return whether money, rates or needs moved by more than a fraction since a plan was made."""
    limit = Fraction(read_decimal(tolerance, "tolerance"))

    def far(one: object, other: object) -> bool:
        left, right = Fraction(str(one)), Fraction(str(other))
        return abs(left - right) > limit * max(abs(left), abs(right))

    olds = {each.account: each for each in before.accounts}
    news = {each.account: each for each in now.accounts}
    asked = {each.name: each for each in before.demands}
    asks = {each.name: each for each in now.demands}
    if olds.keys() != news.keys() or asked.keys() != asks.keys() or before.routes != now.routes:
        return True
    if before.rates.keys() != now.rates.keys():
        return True
    if any(far(before.rates[key], now.rates[key]) for key in now.rates):
        return True
    if any(far(olds[key].free, news[key].free) for key in news):
        return True
    for name, new in asks.items():
        old = asked[name]
        if (old.sets, old.needs.keys()) != (new.sets, new.needs.keys()):
            return True
        if any(far(old.needs[key], new.needs[key]) for key in new.needs):
            return True
    return False


@dataclass(slots=True)
class Model:
    """A snapshot in whole numbers, in an order that its own names give."""

    accounts: list[str]
    currency: dict[str, str]
    island: dict[str, str]
    spare: dict[str, int]
    movable: dict[str, int]
    routes: list[PoolRoute]
    leads: list[int]
    least: list[int]
    most: list[int]
    costs: list[int]
    rates: list[Fraction]
    demands: list[Demand]
    needs: list[dict[str, int]]
    within: list[int]
    edges: list[Fraction]
    report: dict[str, Fraction]
    short: list[str] = field(default_factory=list)

    def arrives(self, at: int, amount: int) -> int:
        """Return what arrives of an amount, rounded down."""
        return int(amount * self.rates[at].numerator // self.rates[at].denominator)

    def cost(self, at: int) -> Fraction:
        """Return what a transfer costs in the report's currency, in 10⁻⁹."""
        return self.costs[at] * self.report[self.currency[self.routes[at].source]]


def compiled(snapshot: Snapshot) -> Model:
    """Return a snapshot in whole numbers; raises ConfigError for what does not fit."""
    states = {each.account: each for each in snapshot.accounts}
    if len(states) < len(snapshot.accounts) or not states:
        raise wrong(sorted(states), "accounts", "at least one, each once")
    report = {}
    for code, rate in snapshot.rates.items():
        report[code] = Fraction(read_decimal(rate, f"rates.{code}"))
    spare, movable, short = {}, {}, []
    for name, each in sorted(states.items()):
        if report.get(each.currency, 0) <= 0:
            raise wrong(each.currency, f"accounts.{name}", "a currency with a rate above zero")
        kept = nano(each.minimum, f"{name}.minimum") + nano(each.buffer, f"{name}.buffer")
        free = nano(each.free, f"{name}.free")
        out = free if each.withdrawable is None else nano(each.withdrawable, f"{name}.withdrawable")
        spare[name] = free - kept
        movable[name] = max(0, min(out, free - kept))
        if free < kept:
            short.append(name)
    routes = sorted(snapshot.routes, key=lambda each: (each.source, each.target))
    if len({(each.source, each.target) for each in routes}) < len(routes):
        raise wrong(len(routes), "routes", "each pair of accounts once")
    rates = []
    for way in routes:
        where = f"route {way.source} to {way.target}"
        for end in (way.source, way.target):
            if end not in states:
                raise wrong(end, where, "an account of the snapshot")
        same = states[way.source].currency == states[way.target].currency
        if same != (way.rate is None) or (not same and not way.dated):
            raise wrong(way.rate, where, "a rate and its date where currencies differ, else none")
        rate = Fraction(1) if way.rate is None else Fraction(read_decimal(way.rate, where))
        if rate <= 0:
            raise wrong(way.rate, where, "a rate above zero")
        rates.append(rate)
    demands = sorted(snapshot.demands, key=lambda each: each.name)
    if len({each.name for each in demands}) < len(demands):
        raise wrong(len(demands), "demands", "each name once")
    needs = []
    for demand in demands:
        where = f"demand {demand.name}"
        if type(demand.sets) is not int or demand.sets < 0 or not demand.needs:
            raise wrong(demand.sets, where, "whole sets, and what one needs")
        for account in demand.needs:
            if account not in states:
                raise wrong(account, where, "an account of the snapshot")
        needs.append(
            {key: nano(value, where, above=True) for key, value in sorted(demand.needs.items())}
        )
    return Model(
        accounts=sorted(states),
        currency={name: each.currency for name, each in states.items()},
        island={name: each.island for name, each in states.items()},
        spare=spare,
        movable=movable,
        routes=routes,
        leads=[parse_span(each.lead, "route.lead") for each in routes],
        least=[nano(each.least, "route.least") for each in routes],
        most=[nano(each.most, "route.most") if each.is_open else 0 for each in routes],
        costs=[nano(each.cost, "route.cost") for each in routes],
        rates=rates,
        demands=demands,
        needs=needs,
        within=[parse_span(each.within, "demand.within") for each in demands],
        edges=[Fraction(nano(each.edge, "demand.edge")) for each in demands],
        report=report,
        short=short,
    )


def proven(model: Model, sets: Sequence[int], moved: Sequence[int]) -> bool:
    """Return whether a plan holds, in whole numbers, whenever money must be there."""
    for at, amount in enumerate(moved):
        if amount and not model.least[at] <= amount <= model.most[at]:
            return False
    if any(not 0 <= count <= of.sets for count, of in zip(sets, model.demands, strict=True)):
        return False
    return not any(lacks(model, sets, moved).values())


def lacks(
    model: Model, sets: Sequence[int], moved: Sequence[int], only: Iterable[str] = ()
) -> dict[tuple[str, int], int]:
    """Return what accounts lack at each deadline, and what is moved that may not leave.

    only – these accounts; all when empty.
    """
    found = {}
    used = [at for at, amount in enumerate(moved) if amount]
    for account in only or model.accounts:
        out = sum(moved[at] + model.costs[at] for at in used if model.routes[at].source == account)
        found[account, -1] = max(0, out - model.movable[account])
        for limit in sorted({0, *model.within}):
            there = model.spare[account] - out
            for at in used:
                if model.routes[at].target == account and model.leads[at] <= limit:
                    there += model.arrives(at, moved[at])
            needed = sum(
                count * needs.get(account, 0)
                for count, needs, by in zip(sets, model.needs, model.within, strict=True)
                if by <= limit
            )
            # An account below its minimum is not used until a person has filled it.
            found[account, limit] = needed if account in model.short else max(0, needed - there)
            if not needed:
                found[account, limit] = 0
    return found


class Allocator:
    """Makes plans, and keeps the last good one.

    time_limit: str, time – of one plan.
    """

    def __init__(self, *, time_limit: str = "1 s") -> None:
        self._limit = parse_span(time_limit, "time_limit") / 1_000_000_000
        self._last: Plan | None = None
        try:
            self._highs: ModuleType = import_module("highspy")
        except ImportError as error:
            install = "pip install 'cross-market[solver]'"
            text = f"a plan needs highspy: {install}"
            raise UsageError(text, call="Allocator") from error

    def plan(self, snapshot: Snapshot) -> Plan:
        """Return the best plan that was found in time, or the last good one.

        Raises ConfigError for a snapshot that does not fit itself, UsageError when no plan was
        found and there was none before.
        """
        model = compiled(snapshot)
        solved = self._solve(model, 0.0, 0.6)
        if solved is not None and not proven(model, *rounded(model, *solved[:2])):
            # Where a rate makes amounts that are not whole, a hair of room lets them be rounded.
            narrow = self._solve(model, ROOM, 0.25)
            solved = solved if narrow is None else (*narrow[:2], solved[2])
        if solved is None:
            if self._last is None:
                text = "no plan was found in time"
                raise UsageError(text, call="Allocator.plan")
            return replace(self._last, is_last=True)
        sets, moved, bound = solved
        sets, moved = exact(model, sets, moved)
        found = told(model, sets, moved, bound)
        self._last = found
        return found

    def _solve(
        self, model: Model, room: float, share: float
    ) -> tuple[list[int], list[int], float] | None:
        """Return sets, transfers in 10⁻⁹ and a bound; None when nothing was found in time.

        room: float – so much less than there is may be used of every account and route.
        share: float – of the time limit.
        """
        highs = self._highs.Highs()
        highs.silent()
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("random_seed", 0)
        highs.setOptionValue("time_limit", self._limit * share)
        highs.setOptionValue("mip_rel_gap", 1e-6)
        build(self._highs, highs, model, room)
        highs.run()
        info = highs.getInfo()
        values = list(highs.getSolution().col_value)
        if not values or info.primal_solution_status != 2:
            return None
        count = len(model.demands)
        sets = [round(value) for value in values[:count]]
        moved = [round(value * UNIT) for value in values[count : count + len(model.routes)]]
        return sets, moved, float(info.mip_dual_bound)


def build(highspy: ModuleType, highs: "Highs", model: Model, room: float) -> None:
    """Write the programme: sets, amounts that move, and whether each route is used."""
    import numpy as np

    demands, routes = len(model.demands), len(model.routes)
    integer = highspy.HighsVarType.kInteger
    # A hair on what moves: of plans as good the one that moves less.
    hair = 1e-7
    for at, demand in enumerate(model.demands):
        highs.addVar(0, demand.sets)
        highs.changeColCost(at, -float(model.edges[at]) / UNIT)
        highs.changeColIntegrality(at, integer)
    for at in range(routes):
        worth = float(model.report[model.currency[model.routes[at].source]])
        highs.addVar(0, max(0.0, model.most[at] / UNIT - room))
        highs.changeColCost(demands + at, hair * worth)
    for at in range(routes):
        highs.addVar(0, 1)
        column = demands + routes + at
        highs.changeColCost(column, float(model.cost(at)) / UNIT + hair)
        highs.changeColIntegrality(column, integer)
        pair = np.array([demands + at, column], dtype=np.int32)
        infinite = highspy.kHighsInf
        highs.addRow(-infinite, 0, 2, pair, np.array([1.0, -model.most[at] / UNIT]))
        highs.addRow(0, infinite, 2, pair, np.array([1.0, -model.least[at] / UNIT]))
    for account in model.accounts:
        for limit in (-1, *sorted(set(model.within))):
            columns, values = [], []
            if limit >= 0:
                for at, needs in enumerate(model.needs):
                    if model.within[at] <= limit and account in needs:
                        columns.append(at)
                        values.append(needs[account] / UNIT)
            for at, route in enumerate(model.routes):
                if route.source == account:
                    columns += [demands + at, demands + routes + at]
                    values += [1.0, model.costs[at] / UNIT]
                elif account in model.short:
                    continue
                elif route.target == account and 0 <= model.leads[at] <= limit:
                    columns.append(demands + at)
                    values.append(-float(model.rates[at]))
            most = model.movable[account] if limit < 0 else max(0, model.spare[account])
            if columns:
                highs.addRow(
                    -highspy.kHighsInf,
                    max(0.0, most / UNIT - room),
                    len(columns),
                    np.array(columns, dtype=np.int32),
                    np.array(values),
                )


def exact(model: Model, sets: list[int], moved: list[int]) -> tuple[list[int], list[int]]:
    """Return the solver's plan in whole numbers, mended by as little as makes it hold."""
    sets, moved = rounded(model, sets, moved)
    while True:
        topped = top_up(model, sets, moved)
        if proven(model, sets, topped):
            return sets, trimmed(model, sets, topped)
        # The least that is earned goes first.
        ranked = [at for at, count in enumerate(sets) if count]
        if not ranked:
            return sets, [0] * len(moved)
        last = min(ranked, key=lambda at: (model.edges[at], model.demands[at].name))
        sets[last] -= 1


def rounded(model: Model, sets: list[int], moved: list[int]) -> tuple[list[int], list[int]]:
    """Return a solver's numbers in the coarsest grain of all amounts, within their bounds.

    A flow whose amounts are all whole is whole itself: what is not is the solver's noise.
    """
    grain = gcd(
        *model.spare.values(),
        *model.movable.values(),
        *model.most,
        *model.least,
        *model.costs,
        *(need for needs in model.needs for need in needs.values()),
    )
    whole = grain or 1
    near = [(amount + whole // 2) // whole * whole for amount in moved]
    kept = [
        0 if amount <= 0 else min(max(amount, least), most)
        for amount, least, most in zip(near, model.least, model.most, strict=True)
    ]
    counts = [min(max(0, count), of.sets) for count, of in zip(sets, model.demands, strict=True)]
    return counts, kept


def top_up(model: Model, sets: list[int], moved: list[int]) -> list[int]:
    """Return transfers raised by what roundings left short, where a route that is used has room."""
    found = list(moved)
    for (account, limit), short in lacks(model, sets, found).items():
        if limit < 0 or not short:
            continue
        for at, route in enumerate(model.routes):
            if route.target == account and model.leads[at] <= limit and found[at]:
                more = int(-(-short * model.rates[at].denominator // model.rates[at].numerator)) + 1
                found[at] = min(model.most[at], found[at] + more)
                break
    return found


def trimmed(model: Model, sets: list[int], moved: list[int]) -> list[int]:
    """Return transfers without those that the plan holds without."""
    found = list(moved)
    for at in range(len(found)):
        without = [*found[:at], 0, *found[at + 1 :]]
        if found[at] and proven(model, sets, without):
            found = without
    return found


def told(model: Model, sets: list[int], moved: list[int], bound: float) -> Plan:
    """Return a proven plan as people read it."""
    value = sum((edge * count for edge, count in zip(model.edges, sets, strict=True)), Fraction())
    transfers = []
    for at, amount in enumerate(moved):
        if amount:
            route = model.routes[at]
            value -= model.cost(at)
            transfers.append(
                Transfer(
                    source=route.source,
                    target=route.target,
                    amount=decimal(amount),
                    arrives=decimal(model.arrives(at, amount)),
                    cost=decimal(model.costs[at]),
                    lead=route.lead,
                )
            )
    allotments = {
        (demand.name, account): decimal(count * need)
        for demand, count, needs in zip(model.demands, sets, model.needs, strict=True)
        for account, need in needs.items()
        if count
    }
    unmet, requests = {}, []
    for account in model.short:
        requests.append(
            Request(
                account=account,
                currency=model.currency[account],
                amount=decimal(-model.spare[account]),
                within="0 s",
                why=f"{account} is below its minimum and buffer, and is not used until it is not",
            )
        )
    for at, demand in enumerate(model.demands):
        if sets[at] < demand.sets:
            unmet[demand.name], asked = reason(model, sets, moved, at)
            requests += asked
    return Plan(
        sets={of.name: count for of, count in zip(model.demands, sets, strict=True)},
        allotments=allotments,
        transfers=tuple(transfers),
        requests=tuple(requests),
        unmet=unmet,
        idle={account: decimal(left(model, sets, moved, account)) for account in model.accounts},
        value=decimal(int(value)),
        bound=max(decimal(int(value)), -Decimal(str(round(bound, 9)))),
    )


def left(model: Model, sets: list[int], moved: list[int], account: str) -> int:
    """Return what lies idle in an account once all has arrived."""
    there = model.spare[account]
    for at, amount in enumerate(moved):
        if amount and model.routes[at].source == account:
            there -= amount + model.costs[at]
        if amount and model.routes[at].target == account:
            there += model.arrives(at, amount)
    used = sum(
        count * needs.get(account, 0) for count, needs in zip(sets, model.needs, strict=True)
    )
    return max(0, there - used)


def reason(model: Model, sets: list[int], moved: list[int], at: int) -> tuple[str, list[Request]]:
    """Return why no more of a demand is funded, and what a person could bring."""
    demand, more = model.demands[at], list(sets)
    more[at] += 1
    short = {
        account: amount
        for (account, limit), amount in lacks(model, more, moved, model.needs[at]).items()
        if amount and limit >= 0
    }
    if not short:
        return "the solver's time was over before it was looked at", []
    wanted = demand.sets - sets[at]
    requests, said = [], []
    for account, amount in sorted(short.items(), key=lambda item: (-item[1], item[0])):
        currency = model.currency[account]
        lack = f"one more set lacks {decimal(amount)} {currency} in {account}"
        if account in model.short:
            said.append(f"{lack}, which is below its minimum and buffer")
            continue
        ways = [
            place
            for place, route in enumerate(model.routes)
            if route.target == account and model.leads[place] <= model.within[at]
        ]
        if not ways:
            why = f"{lack}, and no route brings money there within {demand.within}"
            said.append(why)
            requests.append(
                Request(
                    account=account,
                    currency=currency,
                    amount=decimal(amount + (wanted - 1) * model.needs[at][account]),
                    within=demand.within,
                    why=f"demand {demand.name}: {why}",
                )
            )
        elif all(moved[place] >= model.most[place] for place in ways):
            names = ", ".join(model.routes[place].source for place in ways)
            said.append(f"{lack}, and every route there is shut or at its most (from {names})")
        else:
            said.append(f"{lack}, and what other accounts could send is used better or not there")
    return "; ".join(said), requests


def decimal(units: int) -> Decimal:
    """Return 10⁻⁹ as an amount."""
    return tidy(Decimal(units).scaleb(-9, Context(prec=60)))

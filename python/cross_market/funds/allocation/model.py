"""A snapshot in whole numbers: read once, refused by name where it does not fit itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from cross_market._values import name, read_decimal, wrong, wrong_type
from cross_market.contracts.instrument import time_ns, windows
from cross_market.contracts.units import currency, parse_span
from cross_market.funds.allocation.values import Demand, PoolRoute, PoolState, Snapshot, nano

NAME, CURRENCY, WINDOWS = name(), currency(), windows()
ONE = Fraction(1)


@dataclass(slots=True)
class Way:
    """A route in whole numbers.

    wait: int, ns – until a transfer may begin; None when it never may. reach: int, ns – from now
    until what is sent at the first chance has arrived.
    """

    source: str
    target: str
    lead: str
    least: int
    most: int
    cost: int
    step: int
    rate: Fraction
    wait: int | None
    reach: int

    def arrives(self, amount: int) -> int:
        """Return what arrives of an amount, rounded down."""
        return int(amount * self.rate.numerator // self.rate.denominator)

    def sends(self, amount: int) -> int:
        """Return the least that brings an amount, in whole steps."""
        least = -(-amount * self.rate.denominator // self.rate.numerator)
        return -(-least // self.step) * self.step


@dataclass(slots=True)
class Model:
    """A snapshot in whole numbers, in an order that its own names give.

    money – (free, kept, may be taken out) of each account. spare – free beyond what is kept.
    movable – of that, what may leave. into, out_of, users – places of ways and demands by account.
    """

    accounts: list[str]
    currency: dict[str, str]
    island: dict[str, str]
    money: dict[str, tuple[int, int, int]]
    spare: dict[str, int]
    movable: dict[str, int]
    short: list[str]
    ways: list[Way]
    demands: list[Demand]
    needs: list[dict[str, int]]
    mirrors: list[dict[str, int]]
    within: list[int]
    edges: list[Fraction]
    report: dict[str, Fraction]
    dated: str
    now: int | None
    into: dict[str, list[int]] = field(init=False)
    out_of: dict[str, list[int]] = field(init=False)
    users: dict[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.into = {each: [] for each in self.accounts}
        self.out_of = {each: [] for each in self.accounts}
        self.users = {each: [] for each in self.accounts}
        for at, way in enumerate(self.ways):
            self.into[way.target].append(at)
            self.out_of[way.source].append(at)
        for at, needs in enumerate(self.needs):
            for account in needs:
                self.users[account].append(at)

    def cost(self, at: int) -> Fraction:
        """Return what a transfer costs in the report's currency, in 10⁻⁹."""
        return self.ways[at].cost * self.report[self.currency[self.ways[at].source]]


def compiled(snapshot: Snapshot) -> Model:
    """Return a snapshot in whole numbers; raises ConfigError for what does not fit."""
    now = None if snapshot.now is None else time_ns(snapshot.now, "snapshot.now")
    if type(snapshot.dated) is not str or not snapshot.dated:
        raise wrong(snapshot.dated, "snapshot.dated", "the date of its rates, as text")
    report = {code: above_zero(rate, f"rates.{code}") for code, rate in snapshot.rates.items()}
    states = {each.account: each for each in snapshot.accounts}
    if len(states) < len(snapshot.accounts) or not states:
        raise wrong(sorted(states), "accounts", "at least one, each once")
    money = {account: state(each, report) for account, each in states.items()}
    spare = {account: free - kept for account, (free, kept, _) in money.items()}
    # Leads are few and routes may be thousands: each text is read once.
    leads: dict[str, int] = {}
    ways = [way(each, states, now, leads) for each in snapshot.routes]
    if len({(each.source, each.target) for each in ways}) < len(ways):
        raise wrong(len(ways), "routes", "each pair of accounts once")
    for demand in snapshot.demands:
        NAME.read(demand.name, "demand.name")
        if type(demand.sets) is not int or demand.sets < 0:
            raise wrong(demand.sets, f"demand {demand.name}.sets", "whole sets, zero or more")
    demands = sorted(snapshot.demands, key=lambda each: each.name)
    if len({each.name for each in demands}) < len(demands):
        raise wrong([each.name for each in demands], "demands", "each name once")
    return Model(
        accounts=sorted(states),
        currency={account: each.currency for account, each in states.items()},
        island={account: each.island for account, each in states.items()},
        money=money,
        spare=spare,
        movable={
            account: max(0, min(out, spare[account])) for account, (_, _, out) in money.items()
        },
        short=[account for account in sorted(states) if spare[account] < 0],
        ways=sorted(ways, key=lambda each: (each.source, each.target)),
        demands=demands,
        needs=[needed(each.needs, f"demand {each.name}.needs", states) for each in demands],
        mirrors=[
            {} if each.mirror is None else needed(each.mirror, f"demand {each.name}.mirror", states)
            for each in demands
        ],
        within=[parse_span(each.within, f"demand {each.name}.within") for each in demands],
        edges=[Fraction(nano(each.edge, f"demand {each.name}.edge")) for each in demands],
        report=report,
        dated=snapshot.dated,
        now=now,
    )


def above_zero(given: object, where: str) -> Fraction:
    """Return a rate; raises ConfigError unless it is above zero."""
    rate = Fraction(read_decimal(given, where))
    if rate <= 0:
        raise wrong(given, where, "a rate above zero")
    return rate


def state(given: PoolState, report: Mapping[str, Fraction]) -> tuple[int, int, int]:
    """Return what an account has, what of it stays, and what may be taken out."""
    where = f"account {NAME.read(given.account, 'account')}"
    NAME.read(given.island, f"{where}.island")
    CURRENCY.read(given.currency, f"{where}.currency")
    if given.currency not in report:
        raise wrong(given.currency, f"{where}.currency", "a currency with a rate")
    free = nano(given.free, f"{where}.free")
    kept = nano(given.minimum, f"{where}.minimum") + nano(given.buffer, f"{where}.buffer")
    out = free
    if given.withdrawable is not None:
        out = nano(given.withdrawable, f"{where}.withdrawable")
    return free, kept, out


def way(
    given: PoolRoute, states: Mapping[str, PoolState], now: int | None, leads: dict[str, int]
) -> Way:
    """Return a route in whole numbers."""
    where = f"route {given.source} to {given.target}"
    for end in (given.source, given.target):
        if end not in states:
            raise wrong(end, where, "an account of the snapshot")
    source, target = states[given.source], states[given.target]
    if given.source == given.target:
        raise wrong(given.target, where, "another account than its source")
    if source.island != target.island:
        expected = f"both ends on {source.island}; across islands a person moves money"
        raise wrong(target.island, where, expected)
    same = source.currency == target.currency
    if same != (given.rate is None) or (not same and not given.dated):
        raise wrong(given.rate, where, "a rate and its date where currencies differ, else none")
    if type(given.is_open) is not bool:
        raise wrong_type(given.is_open, f"{where}.is_open", "True or False")
    if given.lead not in leads:
        leads[given.lead] = parse_span(given.lead, f"{where}.lead")
    wait = until_open(given, where, now)
    most, least = nano(given.most, f"{where}.most"), nano(given.least, f"{where}.least")
    if least > most:
        raise wrong(given.least, f"{where}.least", f"at most what it may move, {given.most}")
    step = 1 if given.step is None else nano(given.step, f"{where}.step", above=True)
    return Way(
        source=given.source,
        target=given.target,
        lead=given.lead,
        least=-(-least // step) * step,
        most=0 if wait is None else most // step * step,
        cost=nano(given.cost, f"{where}.cost"),
        step=step,
        rate=ONE if given.rate is None else above_zero(given.rate, f"{where}.rate"),
        wait=wait,
        reach=leads[given.lead] + (wait or 0),
    )


def until_open(given: PoolRoute, where: str, now: int | None) -> int | None:
    """Return the ns until a transfer may begin; None when it never may."""
    rows = WINDOWS.read(given.windows, f"{where}.windows")
    wait: int | None = 0
    if rows != "always":
        if now is None:
            raise wrong(now, "snapshot.now", f"the moment it describes; {where} has windows")
        wait = next((max(0, start - now) for start, end in rows if now < end), None)
    return wait if given.is_open else None


def needed(
    given: Mapping[str, object], where: str, states: Mapping[str, PoolState]
) -> dict[str, int]:
    """Return what one set needs of each account, by their names."""
    for account in given:
        if account not in states:
            raise wrong(account, where, "an account of the snapshot")
    if not given:
        raise wrong(given, where, "what one set needs, in at least one account")
    return {
        account: nano(amount, f"{where}.{account}", above=True)
        for account, amount in sorted(given.items())
    }

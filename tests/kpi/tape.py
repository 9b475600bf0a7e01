"""One tape: the desk, its prices, opportunities, routes and demands; the same for every arm.

Drawn from the assumptions and a seed, but for the prices, which move as real ones did: blocks of
days of the record, all legs of a product together. Money is in 10⁻⁹ of its currency, time in ms
from midnight before the first day, in one clock.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import exp, log

from cross_market.funds import allocation as al
from kpi.assumed import DAY, Assumed, clock, ms
from kpi.record import Moves, moved

UNIT = 10**9
# Pips of a rate: CNY for one of another currency, in 1/10000.
PIPS = 10_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """tick: int – 10⁻⁹ that one tick of one lot is worth. margin: int – 1/10000 of the value."""

    name: str
    product: str
    tick: int
    margin: int
    lots: int


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    island: str
    currency: str
    instrument: Instrument


@dataclass(frozen=True, slots=True)
class Hedge:
    """accounts: places of its two legs. sides: what +1 set does there, 1 bought or -1 sold."""

    name: str
    strategy: int
    accounts: tuple[int, int]
    sides: tuple[int, int]
    edge: int


@dataclass(frozen=True, slots=True)
class Opportunity:
    """From `time` for `life` ms; what was entered goes back at `until`."""

    time: int
    life: int
    until: int
    hedge: int
    sets: int


@dataclass(frozen=True, slots=True)
class Route:
    source: int
    target: int
    lead: int
    cost: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an island settles: prices by instrument, in ticks."""

    time: int
    island: str
    due: int
    prices: dict[str, int]


@dataclass(kw_only=True)
class Tape:
    """See the module.

    start, end: int, ms – what is measured. rates: day by day, in pips. first: prices in ticks
    before the first day. buffers: by instrument and side, day by day: of one lot. shut: days by
    island.
    """

    assumed: Assumed
    seed: int
    start: int
    end: int
    accounts: list[Account] = field(default_factory=list)
    hedges: list[Hedge] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    opportunities: list[Opportunity] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)
    buffers: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    rates: list[int] = field(default_factory=list)
    shut: dict[str, set[int]] = field(default_factory=dict)
    equity: list[int] = field(default_factory=list)

    @property
    def days(self) -> int:
        return len(self.rates)

    def rate(self, account: int, day: int) -> int:
        """Return what an account's currency is worth on a day, in pips of CNY."""
        return PIPS if self.accounts[account].currency == "CNY" else self.rates[day]

    def margin(self, account: int, price: int) -> int:
        """Return the margin of one set's lots in an account at a price in ticks."""
        of = self.accounts[account].instrument
        return price * of.tick * of.lots * of.margin // 10_000

    @cached_property
    def windows(self) -> list[tuple[int, int]]:
        """When hedges trade, over the whole tape: the open hours."""
        found = []
        for day in range(self.days):
            if day not in self.shut["onshore"]:
                for start, end in self.assumed.tape["windows"]:
                    found.append((day * DAY + clock(start), day * DAY + clock(end)))
        return found

    @cached_property
    def _before(self) -> list[int]:
        total, found = 0, []
        for start, end in self.windows:
            found.append(total)
            total += end - start
        return found

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.windows]

    def opened(self, time: int) -> int:
        """Return how many open ms there were before a moment."""
        at = bisect_right(self._starts, time) - 1
        if at < 0:
            return 0
        start, end = self.windows[at]
        return self._before[at] + min(time, end) - start

    def after(self, opened: int) -> int:
        """Return the moment with so many open ms before it; the tape's end where there is none."""
        at = bisect_right(self._before, opened) - 1
        start, end = self.windows[at]
        time = start + opened - self._before[at]
        return time if time < end else self.days * DAY

    def route_open(self, island: str, time: int) -> int:
        """Return the first moment, not before `time`, at which a transfer there may begin."""
        start, end = (clock(each) for each in self.assumed.islands[island]["window"])
        for day in range(max(0, time // DAY - 1), self.days + 2):
            if day not in self.shut[island] and time < day * DAY + end:
                return max(time, day * DAY + start)
        return time + 2 * DAY


def drawn(assumed: Assumed, seed: int) -> Tape:
    """Return the tape of a seed."""
    draw = random.Random(seed)
    given = assumed.tape
    days = given["warm"] + given["days"]
    tape = Tape(assumed=assumed, seed=seed, start=given["warm"] * DAY, end=days * DAY)
    holidays(tape, draw, days)
    desk(tape, draw)
    prices(tape, draw, days)
    opportunities(tape, draw, days)
    routes(tape, draw)
    fund(tape)
    return tape


def holidays(tape: Tape, draw: random.Random, days: int) -> None:
    warm, length = tape.assumed.tape["warm"], tape.assumed.tape["holidays"]
    first = draw.randrange(warm, days - length)
    tape.shut = {island: {draw.randrange(warm, days)} for island in tape.assumed.islands}
    tape.shut["onshore"] = set(range(first, first + length))


def desk(tape: Tape, draw: random.Random) -> None:
    """Draw accounts, and hedges over two of them each; every account has one at least."""
    assumed = tape.assumed
    names = list(assumed.islands)
    if draw.random() < 0.5:
        names.remove("newyork")
    for island in names:
        of = assumed.islands[island]
        for exchange in of["exchanges"][: draw.randint(*of["accounts"])]:
            at = assumed.instruments[exchange]
            worth = Fraction(at["tick"]) * Fraction(at["goods"].split()[0]) * UNIT
            made = Instrument(exchange, at["product"], int(worth), at["margin"], at["lots"])
            name = f"{island[:2]}{len(tape.accounts)}"
            tape.accounts.append(Account(name, island, of["currency"], made))
    home = [at for at, each in enumerate(tape.accounts) if each.island == "onshore"]
    away = [at for at, each in enumerate(tape.accounts) if each.island != "onshore"]

    def others(at: int, side: list[int]) -> list[int]:
        product = tape.accounts[at].instrument.product
        return [each for each in side if tape.accounts[each].instrument.product == product]

    pairs = [(at, draw.choice(others(at, away))) for at in home]
    used = {at for pair in pairs for at in pair}
    pairs += [(draw.choice(others(at, home)), at) for at in away if at not in used]
    many = draw.randint(*assumed.tape["hedges"])
    while len(pairs) < many:
        one = draw.choice(home)
        pairs.append((one, draw.choice(others(one, away))))
    count = draw.randint(*assumed.tape["strategies"])
    # Every other hedge of a product is the other way round, so that a trend does not carry all
    # money over a border that none may cross.
    sides = {name: draw.choice((1, -1)) for name in ("copper", "crude")}
    for number, pair in enumerate(pairs):
        product = tape.accounts[pair[0]].instrument.product
        side = sides[product] = -sides[product]
        edge = draw.randint(*assumed.tape["edges"]) * UNIT
        tape.hedges.append(Hedge(f"h{number}", number % count, pair, (side, -side), edge))


def path(draw: random.Random, record: Moves, days: int, block: int) -> Moves:
    """Return moves of so many days: blocks of the record, put in a row."""
    found: Moves = []
    while len(found) < days:
        at = draw.randrange(len(record) - block + 1)
        found += record[at : at + block]
    return found[:days]


def prices(tape: Tape, draw: random.Random, days: int) -> None:
    """Draw prices and rates, what settles when, and the buffer of one lot of each instrument."""
    assumed = tape.assumed
    past, block = assumed.money["buffer_days"], assumed.tape["block"]
    levels: dict[str, list[int]] = {}
    rate = [PIPS * 6_7062 // 10_000]
    for product, record in moved().items():
        row = path(draw, record, past + days, block)
        for name, each in assumed.instruments.items():
            if each["product"] == product:
                line = [int(Fraction(each["start"]) / Fraction(each["tick"]))]
                for move in row:
                    line.append(max(1, round(line[-1] * move[name])))
                levels[name] = line
        if product == "copper":
            for move in row:
                rate.append(round(rate[-1] * move["USDCNY"]))
    tape.rates = rate[past : past + days]
    tape.first = {name: line[past] for name, line in levels.items()}
    share, refill = assumed.money["buffer_share"], -(-ms(assumed.money["refill"]) // DAY)
    for of in {own.instrument.name: own.instrument for own in tape.accounts}.values():
        line = levels[of.name]
        for side in (1, -1):
            steps = []
            for day in range(days + 1):
                seen = line[day : past + day + 1]
                ticks = [side * (new - old) for old, new in pairwise(seen)]
                steps.append(al.buffer(ticks, share, refill) * of.tick)
            tape.buffers[of.name, side] = steps
    for island in {account.island for account in tape.accounts}:
        of_island = assumed.islands[island]
        for day in range(days):
            if day not in tape.shut[island]:
                time = day * DAY + clock(of_island["settled"])
                due = time + clock(of_island["due"])
                now = {
                    own.instrument.name: levels[own.instrument.name][past + day + 1]
                    for own in tape.accounts
                    if own.island == island
                }
                tape.settlements.append(Settlement(time, island, due, now))
    tape.settlements.sort(key=lambda each: (each.time, each.island))


def opportunities(tape: Tape, draw: random.Random, days: int) -> None:
    """Draw what could be entered: hedges are active for days on end, then quiet."""
    given = tape.assumed.tape
    busy, turn = float(given["busy_days"]), float(given["turn"])
    low, high = (log(ms(each)) for each in given["lives"])
    for at, hedge in enumerate(tape.hedges):
        shut = set.union(*(tape.shut[tape.accounts[each].island] for each in hedge.accounts))
        is_active = draw.random() < busy
        for day in range(days):
            chance = turn if is_active else turn * busy / (1 - busy)
            is_active ^= draw.random() < chance
            mean = float(given["active"] if is_active else given["quiet"])
            begun, ended = tape.opened(day * DAY), tape.opened((day + 1) * DAY)
            length = ended - begun
            moment = draw.expovariate(mean)
            while moment < 1:
                opened = begun + int(moment * length)
                moment += draw.expovariate(mean)
                held = 1 + int(draw.expovariate(1) * ms(given["hold"]))
                life = int(exp(draw.uniform(low, high)))
                sets = draw.randint(*given["sets"])
                if day not in shut:
                    time, until = tape.after(opened), tape.after(opened + held)
                    tape.opportunities.append(Opportunity(time, life, until, at, sets))
    tape.opportunities.sort(key=lambda each: (each.time, each.hedge))


def routes(tape: Tape, draw: random.Random) -> None:
    for one, source in enumerate(tape.accounts):
        of = tape.assumed.islands[source.island]
        for other, target in enumerate(tape.accounts):
            if one != other and source.island == target.island:
                lead = draw.randrange(*(ms(each) for each in of["lead"]))
                tape.routes.append(Route(one, other, lead, of["cost"] * UNIT))


def fund(tape: Tape) -> None:
    """Give every account its share of what the assumptions say is needed on average."""
    given = tape.assumed.tape
    busy = float(given["busy_days"])
    daily = busy * float(given["active"]) + (1 - busy) * float(given["quiet"])
    a_day = sum(clock(end) - clock(start) for start, end in given["windows"])
    sets = daily * sum(given["sets"]) / 2 * ms(given["hold"]) / a_day
    tape.equity = [0] * len(tape.accounts)
    for hedge in tape.hedges:
        for at in hedge.accounts:
            one = tape.margin(at, tape.first[tape.accounts[at].instrument.name])
            tape.equity[at] += int(sets * float(given["equity"]) * one)

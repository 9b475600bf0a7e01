"""The arms: separate terminals worked by a person or by scripts, one engine, and two yardsticks."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from cross_market.funds import allocation as al
from kpi.assumed import DAY, Terminals, clock, ms
from kpi.desk import Attempt, Call, Desk, Moving, Replay
from kpi.tape import PIPS, UNIT, Opportunity, Tape

# What came before the first look at an account: cash, need, buffer, uses and earmarks by strategy.
View = tuple[int, int, list[int], list[int]]
# Where plans begin to count time; any moment that is a midnight does.
EPOCH_NS = 1_767_571_200 * 10**9
# What a plan is told that money is worth, in CNY: for an account's buffer, for a demand, and for
# what is kept beyond the buffer.
WHOLE, CALLED, SPARE = 1_000_000, 100_000, 10_000
PARTS = 10


class Separate(Desk):
    """Terminals by venue: earmarks by strategy, legs one after the other, rounds of transfers."""

    def __init__(
        self,
        tape: Tape,
        terminals: Terminals,
        *,
        failures: Fraction,
        replay: Replay | None = None,
        calls: Sequence[Call] = (),
    ) -> None:
        super().__init__(tape, failures=failures, replay=replay, calls=calls)
        self.terminals = terminals
        self.is_busy = [False for _ in self.strategies]
        self.due = [0 for _ in tape.accounts]
        self.looked: list[tuple[int, View] | None] = [None for _ in tape.accounts]
        for island in sorted({account.island for account in tape.accounts}):
            self.later(clock(tape.assumed.islands[island]["window"][0]), self.round, island)

    def delay(self, opportunity: Opportunity) -> int | None:
        given = self.terminals
        first = given.notice + given.keying + self.filled_after
        return given.notice if first <= opportunity.life else None

    # What is seen of money: as it was at the last look.

    def look(self, account: int) -> View:
        uses = [self.used(account, each) for each in self.strategies]
        return self.cash[account], self.need(account), uses, list(self.earmarks[account])

    def before(self, account: int) -> None:
        last = self.now // self.terminals.looks
        kept = self.looked[account]
        if kept is None or kept[0] != last:
            self.looked[account] = last, self.look(account)

    def room(self, account: int, strategy: int) -> int:
        """Return what a strategy may use: what is there less what is earmarked for others."""
        kept = self.looked[account]
        is_stale = kept is not None and kept[0] == self.now // self.terminals.looks
        cash, need, uses, earmarks = kept[1] if kept and is_stale else self.look(account)
        others = sum(
            max(0, earmarks[each] - uses[each]) for each in self.strategies if each != strategy
        )
        return cash - need - others - self.due[account]

    # Opportunities.

    def seen(self, opportunity: Opportunity) -> None:
        of = self.tape.hedges[opportunity.hedge]
        if self.is_busy[of.strategy]:
            self.count("missed")
            return
        limit = self.tape.assumed.tape["max_sets"] - max(self.have[opportunity.hedge])
        wanted = min(opportunity.sets, limit)
        self.wanted(opportunity.hedge, wanted)
        rooms = [self.room(account, of.strategy) for account in of.accounts]
        for sets in range(wanted, 0, -1):
            if all(
                room
                >= sets * self.unit[account] + self.buffer_with(account, opportunity.hedge, sets)
                for room, account in zip(rooms, of.accounts, strict=True)
            ):
                break
        else:
            self.count("refused")
            return
        self.is_busy[of.strategy] = True
        dies = opportunity.time + opportunity.life
        self.enter(Attempt(self.now, opportunity.hedge, sets, opportunity.until, dies))

    def enter(self, attempt: Attempt) -> None:
        self.later(self.now + self.terminals.keying, self.order, attempt, 0, 0)

    def order(self, attempt: Attempt, side: int, tries: int) -> None:
        of = self.tape.hedges[attempt.hedge]
        account = of.accounts[side]
        amount = attempt.sets * self.unit[account]
        if self.replay is None and self.free(account) < amount:
            self.failed(attempt, side, tries)
            return
        self.keep(account, of.strategy, amount)
        self.later(self.now + self.filled_after, self.answer, attempt, side, tries, amount)

    def answer(self, attempt: Attempt, side: int, tries: int, amount: int) -> None:
        of = self.tape.hedges[attempt.hedge]
        is_late = self.replay is None and self.now > attempt.dies
        self.fill(attempt.hedge, side, 0 if is_late else attempt.sets, amount)
        if is_late:
            self.failed(attempt, side, tries)
        elif side == 0:
            self.later(self.now + self.terminals.second_leg, self.order, attempt, 1, 0)
        else:
            self.is_busy[of.strategy] = False
            self.aligned(attempt)
            given = self.terminals
            leaves = max(self.now, attempt.until + given.notice + given.keying)
            self.later(leaves, self.leave, attempt, given.second_leg)

    def failed(self, attempt: Attempt, side: int, tries: int) -> None:
        """An order did not trade: its sibling's lots are worked again, then given back."""
        self.count("missed")
        if side == 0:
            self.free_up(attempt)
        elif tries < self.terminals.retries:
            self.later(self.now + self.terminals.second_leg, self.order, attempt, 1, tries + 1)
        else:
            self.later(self.now + self.terminals.busy, self.unwind, attempt)

    def unwind(self, attempt: Attempt) -> None:
        self.hold_sets(attempt.hedge, 0, -attempt.sets)
        self.free_up(attempt)

    def free_up(self, attempt: Attempt) -> None:
        self.is_busy[self.tape.hedges[attempt.hedge].strategy] = False

    # Money: earmarks and transfers, a round at a time.

    def round(self, island: str) -> None:
        """Set the earmarks of an island's accounts anew, then fill those that lack."""
        self.later(self.now + self.terminals.transfers, self.round, island)
        days = self.history[-self.terminals.earmark_days :]
        share = Fraction(self.tape.assumed.money["earmark_share"])
        wants, lacks = {}, {}
        for account, of in enumerate(self.tape.accounts):
            if of.island != island:
                continue
            marks = [
                quantile([day[account][each] for day in days], share) for each in self.strategies
            ]
            due = sum(each.amount for each in self.known if each.account == account)
            there = self.cash[account] + self.coming(account)
            wants[account] = max(sum(marks), self.need(account)) + self.buffer[account] + due
            lacks[account] = wants[account] - there
            most, total = max(0, there - self.buffer[account] - due), max(sum(marks), 1)
            self.before(account)
            self.earmarks[account] = [min(mark, mark * most // total) for mark in marks]
            self.due[account] = due
            self.touch(account)
        if self.replay is None:
            self.even_out(wants, lacks)

    def even_out(self, wants: dict[int, int], lacks: dict[int, int]) -> None:
        """Fill the accounts that lack most from those that have most to spare."""
        for target in sorted(lacks, key=lambda each: -lacks[each]):
            ways = [each for each in self.tape.routes if each.target == target]
            ways.sort(key=lambda each: wants[each.source] - self.cash[each.source])
            for way in ways:
                spare = self.cash[way.source] - wants[way.source] - way.cost
                amount = min(lacks[target], spare) // UNIT * UNIT
                if amount > 0:
                    lacks[target] -= amount
                    wants[way.source] += amount + way.cost
                    begins = self.tape.route_open(self.tape.accounts[target].island, self.now)
                    self.send(way, amount, promised=begins + way.lead)


class Integrated(Desk):
    """One engine: a hold for all legs while an attempt lives, one pool, plans as things move."""

    def __init__(
        self,
        tape: Tape,
        *,
        failures: Fraction,
        replay: Replay | None = None,
        calls: Sequence[Call] = (),
    ) -> None:
        super().__init__(tape, failures=failures, replay=replay, calls=calls)
        given = tape.assumed.integrated
        self.decision = ms(given["decision"])
        self.leaving = self.decision + self.filled_after
        self.collar, self.kept = given["collar"], Fraction(given["keep"])
        self.least = Fraction(given["reduce"])
        self.allocator = al.Allocator(time_limit="1 s")
        self.pledged = [0 for _ in tape.accounts]

    def delay(self, opportunity: Opportunity) -> int | None:
        is_there = self.decision + self.filled_after <= opportunity.life
        return self.decision if is_there else None

    def held(self, hedge: int, sets: int) -> tuple[int, int]:
        """Return what both legs of an attempt hold: margin, and the coarsest leg's repair."""
        of = self.tape.hedges[hedge]
        amounts = [sets * self.unit[account] for account in of.accounts]
        side = coarsest(self.tape, hedge)
        legs = self.tape.accounts[of.accounts[side]].instrument
        amounts[side] += self.collar * legs.tick * legs.lots * sets
        return amounts[0], amounts[1]

    def room(self, account: int) -> int:
        """Return what may be used: free, and neither demanded here nor pledged elsewhere."""
        due = sum(each.amount for each in self.known if each.account == account)
        return self.free(account) - due - self.pledged[account]

    def seen(self, opportunity: Opportunity) -> None:
        at, of = opportunity.hedge, self.tape.hedges[opportunity.hedge]
        wanted = min(opportunity.sets, self.tape.assumed.tape["max_sets"] - max(self.have[at]))
        self.wanted(at, wanted)
        for sets in range(wanted, 0, -1):
            if all(
                self.room(account) >= amount + self.kept * self.buffer_with(account, at, sets)
                for account, amount in zip(of.accounts, self.held(at, sets), strict=True)
            ):
                break
        else:
            sets = 0
        if sets:
            self.enter(Attempt(self.now, at, sets, opportunity.until))
        if sets < wanted:
            self.count("refused")

    def enter(self, attempt: Attempt) -> None:
        of, amounts = self.tape.hedges[attempt.hedge], self.held(attempt.hedge, attempt.sets)
        for account, amount in zip(of.accounts, amounts, strict=True):
            self.keep(account, of.strategy, amount)
        self.later(self.now + self.filled_after, self.answer, attempt, amounts)

    def answer(self, attempt: Attempt, amounts: tuple[int, int]) -> None:
        for side, amount in enumerate(amounts):
            self.fill(attempt.hedge, side, attempt.sets, amount)
        self.aligned(attempt)
        leaves = max(self.now, attempt.until + self.leaving)
        self.later(leaves, self.leave, attempt, 0)

    # Money: plans, and fewer sets where money has become too little and none comes.

    def settled(self, account: int) -> None:
        self.later(self.tape.after(self.tape.opened(self.now)), self.reduce, account)

    def reduce(self, account: int) -> None:
        """Give sets back while less than a part of the buffer is free, or on its way."""

        def lack() -> int:
            there = self.free(account) + self.coming(account)
            return int(self.least * self.buffer[account]) - there

        if lack() > 0 and self.give_back(account, lack):
            self.count("reduced")

    def opened(self, day: int) -> None:
        for island in {account.island for account in self.tape.accounts}:
            begins = self.timetable(island, day)
            if begins is not None:
                self.later(begins, self.plan)

    def came_back(self, moving: Moving) -> None:
        self.plan()

    def asked(self, call: Call) -> None:
        self.plan()

    def plan(self) -> None:
        """Plan, and send what may leave now; what waits for a window is planned anew there."""
        if self.replay is not None:
            return
        states, demands = [], []
        for account, of in enumerate(self.tape.accounts):
            free = max(0, self.free(account))
            stays, lacks = self.obligations(account)
            demands += lacks
            states.append(
                al.PoolState(
                    account=of.name,
                    currency=of.currency,
                    island=of.island,
                    free=decimal(free),
                    minimum=0,
                    buffer=decimal(min(free, stays)),
                )
            )
        if not self.calls:
            demands += self.hopes()
        self.pledged = [0 for _ in self.pledged]
        if demands:
            self.follow(self.allocator.plan(self.snapshot(states, demands)))

    def snapshot(self, states: list[al.PoolState], demands: list[al.Demand]) -> al.Snapshot:
        day = self.now // DAY
        return al.Snapshot(
            accounts=states,
            routes=self.ways(),
            demands=demands,
            rates={"CNY": 1, "USD": Decimal(self.tape.rates[day]) / PIPS},
            dated=f"day {day}",
            now=EPOCH_NS + self.now * 10**6,
        )

    def follow(self, plan: al.Plan) -> None:
        names = {of.name: account for account, of in enumerate(self.tape.accounts)}
        ways = {(each.source, each.target): each for each in self.tape.routes}
        for each in plan.transfers:
            route = ways[names[each.source], names[each.target]]
            amount = int(each.amount * UNIT)
            if each.wait == "0 ns":
                self.send(route, amount, promised=self.now + route.lead)
            elif self.calls:
                self.pledged[route.source] += amount + route.cost

    def obligations(self, account: int) -> tuple[int, list[al.Demand]]:
        """Return what must stay in an account, and demands for what it lacks, in their order."""
        name, buffer = self.tape.accounts[account].name, self.buffer[account]
        asked = [(f"whole.{name}", buffer, PARTS, WHOLE, DAY)]
        for number, call in enumerate(sorted(self.known, key=lambda each: each.due)):
            if call.account == account:
                asked.append((f"call.{number}", call.amount, 1, CALLED, call.due - self.now))
        asked.append((f"spare.{name}", int((self.kept - 1) * buffer), PARTS, SPARE, DAY))
        there, stays, lacks = self.free(account) + self.coming(account), 0, []
        for what, amount, parts, worth, within in asked:
            covered = min(amount, max(0, there - stays))
            # Short of its need, an account lacks that before its buffer.
            lack = amount - covered + max(0, -there) * (worth == WHOLE)
            stays += covered
            if lack:
                part = -(-lack // (parts * UNIT)) * UNIT
                lacks.append(demand(what, parts, {name: decimal(part)}, worth * UNIT, within))
        return stays, lacks

    def hopes(self) -> list[al.Demand]:
        """Return what hedges are expected to want next: as much as in the busier of two days."""
        found = []
        for at, of in enumerate(self.tape.hedges):
            limit = self.tape.assumed.tape["max_sets"] - max(self.have[at])
            sets = min(limit, max(day[at] for day in self.flows[-2:]))
            if sets > 0:
                needs = {
                    self.tape.accounts[account].name: decimal(
                        self.unit[account] + self.margin_of(account, at)
                    )
                    for account in of.accounts
                }
                found.append(demand(f"hope.{of.name}", sets, needs, of.edge, DAY))
        return found

    def margin_of(self, account: int, hedge: int) -> int:
        """Return how much the buffer of an account grows with one set more of a hedge."""
        more = self.buffer_with(account, hedge, 1) - self.buffer[account]
        return int(max(0, more) * self.kept)

    def ways(self) -> list[al.PoolRoute]:
        found = []
        for each in self.tape.routes:
            source = self.tape.accounts[each.source]
            begins = EPOCH_NS + self.tape.route_open(source.island, self.now) * 10**6
            found.append(
                al.PoolRoute(
                    source=source.name,
                    target=self.tape.accounts[each.target].name,
                    lead=f"{each.lead} ms",
                    most=10**9,
                    cost=decimal(each.cost),
                    windows=[(begins, begins + 10**9)],
                    step=1,
                )
            )
        return found


class Naive(Integrated):
    """The engine with the simplest schedule: what is asked for is sent once, from who has most."""

    def room(self, account: int) -> int:
        return self.free(account)

    def opened(self, day: int) -> None:
        """Nothing is planned."""

    def came_back(self, moving: Moving) -> None:
        """Nothing is sent again."""

    def asked(self, call: Call) -> None:
        lack = call.amount - self.free(call.account)
        ways = [each for each in self.tape.routes if each.target == call.account]
        if lack > 0 and ways:
            way = max(ways, key=lambda each: self.free(each.source))
            amount = -(-lack // UNIT) * UNIT
            self.send(way, amount, promised=self.now + way.lead)


class Oracle(Desk):
    """Who enters every opportunity whole and at once, whatever there is: the demand."""

    def seen(self, opportunity: Opportunity) -> None:
        limit = self.tape.assumed.tape["max_sets"] - min(self.have[opportunity.hedge])
        sets = min(opportunity.sets, limit)
        if sets:
            attempt = Attempt(self.now, opportunity.hedge, sets, opportunity.until)
            for side in (0, 1):
                self.hold_sets(opportunity.hedge, side, sets)
            self.aligned(attempt)
            self.later(opportunity.until, self.leave, attempt, 0)

    def _due(self, account: int) -> None:
        """Demand is not cut."""


def coarsest(tape: Tape, hedge: int) -> int:
    """Return the leg with the largest lot, the first of equals."""
    lots = [tape.accounts[at].instrument.lots for at in tape.hedges[hedge].accounts]
    return lots.index(min(lots))


def demand(name: str, sets: int, needs: dict[str, Decimal], edge: int, within: int) -> al.Demand:
    return al.Demand(
        name=name,
        strategy=name,
        sets=sets,
        needs=dict(needs),
        edge=decimal(edge),
        within=f"{max(0, within)} ms",
    )


def decimal(amount: int) -> Decimal:
    """Return 10⁻⁹ as an amount."""
    return Decimal(amount).scaleb(-9)


def quantile(values: Sequence[int], share: Fraction) -> int:
    """Return the least value that covers a share of all; 0 of none."""
    if not values:
        return 0
    place = -(-share.numerator * len(values) // share.denominator) - 1
    return sorted(values)[place]

"""The money of a desk over one tape, event by event: what every arm has in common.

Cash, margin, holds, money on its way, settlements, margin calls and demands. An arm says what it
does with an opportunity, and when it moves money. Nothing here is drawn: which transfers come back
is fixed by the tape's seed and the number of the transfer on its route, so that arms and rates are
paired.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from kpi.assumed import DAY, clock, ms
from kpi.tape import UNIT, Opportunity, Route, Settlement, Tape

# A moment of an account, from there on: time, equity, need (margin and holds), buffer, earmarks.
Point = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Call:
    """A demand: an amount that must be free in an account at a time, known from `known` on."""

    known: int
    due: int
    account: int
    amount: int


@dataclass(slots=True)
class Attempt:
    """Sets of a hedge that were decided at a time and go back at another; sets still held."""

    time: int
    hedge: int
    sets: int
    until: int
    dies: int = 0
    left: int = 0


@dataclass(slots=True, eq=False)
class Moving:
    """A transfer. asked: int – what was instructed; promised: int, ms – when it should be there.

    comes_back: bool – how it ends; None while that is not known.
    is_replayed: bool – another run made it.
    """

    route: Route
    asked: int
    promised: int
    left: int = 0
    amount: int = 0
    is_counted: bool = False
    comes_back: bool | None = None
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """What one run did, for others to do again: what was entered, and what was moved."""

    entered: list[Attempt]
    moved: list[Moving]


@dataclass(slots=True)
class Counts:
    """What happened while it was measured."""

    shortfalls: int = 0
    forced: int = 0
    reduced: int = 0
    moved: int = 0
    arrived: int = 0
    called: int = 0
    met: int = 0
    entered: int = 0
    refused: int = 0
    missed: int = 0


@dataclass(slots=True)
class Books:
    """What must be there: at the start, paid by settlements, paid for transfers; by currency."""

    opening: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)


class Desk:
    """One run over a tape, from its first day to its last.

    failures: Fraction – share of transfers that come back. calls: list – demands to be met.
    replay: Replay – of another run: its attempts are entered whatever there is, its transfers are
        made again, and nothing else is decided.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        failures: Fraction,
        replay: Replay | None = None,
        calls: Sequence[Call] = (),
    ) -> None:
        self.tape, self.failures, self.replay, self.calls = tape, failures, replay, calls
        accounts = range(len(tape.accounts))
        self.now = self.leaving = 0
        self.cash = list(tape.equity)
        self.out, self.margin, self.buffer = ([0 for _ in accounts] for _ in range(3))
        self.strategies = range(1 + max(each.strategy for each in tape.hedges))
        self.holds, self.earmarks, self.peaks = (
            [[0 for _ in self.strategies] for _ in accounts] for _ in range(3)
        )
        self.have = [[0, 0] for _ in tape.hedges]
        self.legs = [
            [
                (at, side)
                for at, hedge in enumerate(tape.hedges)
                for side in (0, 1)
                if hedge.accounts[side] == account
            ]
            for account in accounts
        ]
        self.price = dict(tape.first)
        self.unit = [tape.margin(at, self.price_of(at)) for at in accounts]
        self.paths: list[list[Point]] = [[] for _ in accounts]
        self.is_short = [False for _ in accounts]
        self.history: list[list[list[int]]] = []
        self.flows: list[list[int]] = [[0 for _ in tape.hedges]]
        self.open: list[Attempt] = []
        self.executed = Replay([], [])
        self.moving: list[Moving] = []
        self.sent: dict[Route, int] = {}
        self.known: list[Call] = []
        self.counts = Counts()
        self.books = Books()
        for at, account in enumerate(tape.accounts):
            self.add(self.books.opening, account.currency, tape.equity[at])
        self._events: list[tuple[int, bool, int, Callable[..., None], tuple[object, ...]]] = []
        self._number = 0

    # What an arm says.

    def seen(self, opportunity: Opportunity) -> None:
        """Decide about an opportunity."""

    def enter(self, attempt: Attempt) -> None:
        """Enter what was decided."""

    def delay(self, opportunity: Opportunity) -> int | None:
        """Return the ms until an opportunity is seen; None when it is gone by then."""
        return 0

    def came_back(self, moving: Moving) -> None:
        """Hear of a transfer that came back."""

    def asked(self, call: Call) -> None:
        """Hear of a demand."""

    def opened(self, day: int) -> None:
        """Begin a day: the arm's own timetable."""

    def settled(self, account: int) -> None:
        """Hear that an account was settled."""

    # Time.

    def later(self, time: int, what: Callable[..., None], *given: object) -> None:
        """Do something at a time; money leaves after all else of that moment."""
        self._number += 1
        rank = what == self._leave
        heapq.heappush(self._events, (time, rank, self._number, what, given))

    def run(self) -> "Desk":
        """Play the tape to its end; the books are compared every day."""
        tape = self.tape
        for day in range(tape.days):
            self.later(day * DAY, self._day, day)
        for settlement in tape.settlements:
            self.later(settlement.time, self.settle, settlement)
        if self.replay is None:
            for each in tape.opportunities:
                delay = self.delay(each)
                if delay is None:
                    self.later(each.time, self._gone)
                else:
                    self.later(each.time + delay, self.seen, each)
        else:
            for one in self.replay.entered:
                again = Attempt(one.time, one.hedge, one.sets, one.until)
                self.later(one.time, self.enter, again)
            for done in self.replay.moved:
                moving = replace(done, asked=done.amount, amount=0, is_replayed=True)
                self.moving.append(moving)
                self.later(done.left, self._leave, moving)
        for call in self.calls:
            self.later(call.known, self._known, call)
        while self._events and self._events[0][0] < tape.end:
            self.now, _, _, what, given = heapq.heappop(self._events)
            what(*given)
        self.now = tape.end
        for account in range(len(tape.accounts)):
            self.touch(account)
        self.compare()
        return self

    def _day(self, day: int) -> None:
        self.compare()
        self.history.append([list(each) for each in self.peaks])
        for account in range(len(self.cash)):
            self.peaks[account] = [0 for _ in self.strategies]
            self.touch(account)
        self.flows.append([0 for _ in self.tape.hedges])
        self.opened(day)

    def _gone(self) -> None:
        self.count("missed")

    @property
    def is_measured(self) -> bool:
        return self.now >= self.tape.start

    def count(self, name: str) -> None:
        if self.is_measured:
            setattr(self.counts, name, getattr(self.counts, name) + 1)

    # Money.

    def price_of(self, account: int) -> int:
        return self.price[self.tape.accounts[account].instrument.name]

    def need(self, account: int) -> int:
        return self.margin[account] + sum(self.holds[account])

    def free(self, account: int) -> int:
        """Return what is neither needed nor on its way; below zero where money is short."""
        return self.cash[account] - self.need(account)

    def used(self, account: int, strategy: int) -> int:
        """Return what one strategy needs in an account."""
        hedges = self.tape.hedges
        sets = sum(
            self.have[at][side]
            for at, side in self.legs[account]
            if hedges[at].strategy == strategy
        )
        return sets * self.unit[account] + self.holds[account][strategy]

    def buffer_with(self, account: int, hedge: int = 0, sets: int = 0) -> int:
        """Return the buffer of what an account holds, and of so many sets more of a hedge."""
        hedges, of = self.tape.hedges, self.tape.accounts[account].instrument
        net = sum(hedges[at].sides[side] * self.have[at][side] for at, side in self.legs[account])
        if sets:
            net += hedges[hedge].sides[hedges[hedge].accounts.index(account)] * sets
        side = 1 if net > 0 else -1
        day = min(self.now // DAY, self.tape.days)
        return abs(net) * of.lots * self.tape.buffers[of.name, side][day]

    def touch(self, account: int) -> None:
        """Take down how an account stands now."""
        sets = sum(self.have[at][side] for at, side in self.legs[account])
        self.margin[account] = sets * self.unit[account]
        self.buffer[account] = self.buffer_with(account)
        need = self.need(account)
        is_short = self.cash[account] < need
        if is_short and not self.is_short[account]:
            self.count("shortfalls")
        self.is_short[account] = is_short
        peaks = self.peaks[account]
        for strategy in self.strategies:
            peaks[strategy] = max(peaks[strategy], self.used(account, strategy))
        path, equity = self.paths[account], self.cash[account] + self.out[account]
        point = (self.now, equity, need, self.buffer[account], sum(self.earmarks[account]))
        if path and path[-1][0] == self.now:
            path[-1] = point
        else:
            path.append(point)

    def before(self, account: int) -> None:
        """Be told that an account is about to change."""

    def keep(self, account: int, strategy: int, amount: int) -> None:
        """Hold money for an order."""
        self.before(account)
        self.holds[account][strategy] += amount
        self.touch(account)

    def fill(self, hedge: int, side: int, sets: int, amount: int) -> None:
        """Book what an order traded in the place of what was held for it."""
        of = self.tape.hedges[hedge]
        self.before(of.accounts[side])
        self.holds[of.accounts[side]][of.strategy] -= amount
        self.hold_sets(hedge, side, sets)

    def hold_sets(self, hedge: int, side: int, sets: int) -> None:
        """Book lots of one leg; below zero they were given back."""
        account = self.tape.hedges[hedge].accounts[side]
        self.before(account)
        self.have[hedge][side] += sets
        self.touch(account)

    def wanted(self, hedge: int, sets: int) -> None:
        """Take down what would have been needed, filled or not."""
        of = self.tape.hedges[hedge]
        self.flows[-1][hedge] += sets
        for account in of.accounts:
            peaks, use = self.peaks[account], self.used(account, of.strategy)
            peaks[of.strategy] = max(peaks[of.strategy], use + sets * self.unit[account])

    def settle(self, settlement: Settlement) -> None:
        """Pay what an island's accounts have won and lost, and ask for margin at the new prices."""
        tape = self.tape
        for at, account in enumerate(tape.accounts):
            if account.island != settlement.island:
                continue
            self.before(at)
            of = account.instrument
            move = settlement.prices[of.name] - self.price[of.name]
            net = sum(
                tape.hedges[each].sides[side] * self.have[each][side]
                for each, side in self.legs[at]
            )
            paid = net * of.lots * of.tick * move
            self.cash[at] += paid
            self.add(self.books.paid, account.currency, paid)
        self.price.update(settlement.prices)
        for at, account in enumerate(tape.accounts):
            if account.island == settlement.island:
                self.unit[at] = tape.margin(at, self.price_of(at))
                self.touch(at)
                if self.cash[at] < self.margin[at]:
                    self.later(settlement.due, self._due, at)
                if self.replay is None:
                    self.settled(at)

    def _due(self, account: int) -> None:
        """A margin call has not been met: sets are closed, the newest first, until it is."""
        if not self.margin[account] or self.cash[account] >= self.margin[account]:
            return
        self.count("forced")
        if self.replay is None:
            self.give_back(account, lambda: self.margin[account] - self.cash[account])

    def give_back(self, account: int, lack: Callable[[], int]) -> int:
        """Close sets over an account, the newest first, while it lacks money; return how many."""
        closed = 0
        for attempt in reversed(self.open[:]):
            lacks = lack()
            if lacks > 0 and account in self.tape.hedges[attempt.hedge].accounts:
                sets = min(attempt.left, -(-lacks // self.unit[account]))
                self.cut(attempt, sets)
                closed += sets
        return closed

    def cut(self, attempt: Attempt, sets: int) -> None:
        """Give sets of an attempt back now."""
        for side in (0, 1):
            self.hold_sets(attempt.hedge, side, -sets)
        attempt.left -= sets
        attempt.sets -= sets
        # Whoever does it again gives back as much later as it takes this arm to see that it should.
        until = self.now - self.leaving
        self.executed.entered.append(Attempt(attempt.time, attempt.hedge, sets, until))

    def add(self, table: dict[str, int], currency: str, amount: int) -> None:
        table[currency] = table.get(currency, 0) + amount

    def compare(self) -> None:
        """Prove that no money was lost or made."""
        there: dict[str, int] = {}
        for at, account in enumerate(self.tape.accounts):
            self.add(there, account.currency, self.cash[at] + self.out[at])
        for currency, amount in there.items():
            right = self.books.opening[currency] + self.books.paid.get(currency, 0)
            if amount != right - self.books.costs.get(currency, 0):
                message = f"{currency} {amount - right} came from nowhere on seed {self.tape.seed}"
                raise ArithmeticError(message)

    # Money on its way.

    def send(self, route: Route, amount: int, *, promised: int) -> None:
        """Instruct a transfer; the bank makes it when its window is open."""
        begins = self.tape.route_open(self.tape.accounts[route.source].island, self.now)
        moving = Moving(route, amount, promised)
        self.moving.append(moving)
        self.later(begins, self._leave, moving)

    def _leave(self, moving: Moving) -> None:
        source = moving.route.source
        most = (self.free(source) - moving.route.cost) // UNIT * UNIT
        moving.amount, moving.left = max(0, min(moving.asked, most)), self.now
        moving.is_counted = self.is_measured and not moving.is_replayed
        if moving.is_counted:
            self.count("moved")
        if not moving.amount:
            self.moving.remove(moving)
            return
        self.executed.moved.append(moving)
        self.before(source)
        self.cash[source] -= moving.amount + moving.route.cost
        self.out[source] += moving.amount
        currency = self.tape.accounts[source].currency
        self.add(self.books.costs, currency, moving.route.cost)
        self.touch(source)
        self.later(self.now + moving.route.lead, self._arrive, moving)

    def _arrive(self, moving: Moving) -> None:
        route = moving.route
        if moving.comes_back is None:
            moving.comes_back = self.fails(route)
        end = route.source if moving.comes_back else route.target
        for account in {route.source, end}:
            self.before(account)
        self.out[route.source] -= moving.amount
        self.cash[end] += moving.amount
        for account in {route.source, end}:
            self.touch(account)
        self.moving.remove(moving)
        if moving.is_replayed:
            return
        if moving.comes_back:
            self.came_back(moving)
        elif moving.is_counted and self.now <= moving.promised and moving.amount == moving.asked:
            self.count("arrived")

    def fails(self, route: Route) -> bool:
        """Return whether the next transfer of a route comes back."""
        number = self.sent[route] = self.sent.get(route, 0) + 1
        fate = f"{self.tape.seed} {route.source} {route.target} {number}"
        return random.Random(fate).random() < self.failures

    def coming(self, account: int) -> int:
        """Return what is on its way to an account, instructed or sent; not what is replayed."""
        return sum(
            each.amount or each.asked
            for each in self.moving
            if each.route.target == account and (each.amount or not each.is_replayed)
        )

    # Demands.

    def _known(self, call: Call) -> None:
        self.known.append(call)
        self.later(call.due, self._judge, call)
        self.asked(call)

    def _judge(self, call: Call) -> None:
        self.known.remove(call)
        self.count("called")
        if self.free(call.account) >= call.amount:
            self.count("met")

    # Sets.

    def aligned(self, attempt: Attempt) -> None:
        """Both legs of an attempt are filled."""
        attempt.left = attempt.sets
        self.open.append(attempt)
        self.executed.entered.append(attempt)
        self.count("entered")

    def leave(self, attempt: Attempt, gap: int) -> None:
        """Give all sets of an attempt back, the second leg so many ms after the first."""
        self.open.remove(attempt)
        self.hold_sets(attempt.hedge, 0, -attempt.left)
        self.later(self.now + gap, self.hold_sets, attempt.hedge, 1, -attempt.left)

    def timetable(self, island: str, day: int) -> int | None:
        """Return when transfers on an island may begin on a day; None on a holiday."""
        if day in self.tape.shut[island]:
            return None
        return day * DAY + clock(self.tape.assumed.islands[island]["window"][0])

    @property
    def filled_after(self) -> int:
        """The ms from an order to its fill."""
        return ms(self.tape.assumed.money["fill"])

"""Venues that match orders against a schedule's books and do to them what the schedule says.

One `Desk` holds the venues of all legs, the clock and what is on its way. It tells the truth in the
end: positions and money are its own, whatever a model believes. Whole numbers throughout: ticks,
lots, and ticks x lots of money.
"""

import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from legs.schedule import (
    DECISION,
    FEED,
    LIMIT,
    MILLI,
    PULL,
    RATE,
    SECOND,
    START,
    Book,
    Fate,
    Level,
    Schedule,
)

FEE = 1
RACE = 500 * MILLI


@dataclass(frozen=True, slots=True)
class Trade:
    """An execution."""

    id: str
    price: int
    lots: int
    cum: int


@dataclass(slots=True)
class Order:
    """An order as its venue knows it; `told` is how many of its trades were told."""

    id: int
    leg: int
    side: int
    lots: int
    price: int | None
    rests: bool
    fate: Fate
    sent: int
    is_there: bool = False
    is_done: bool = False
    status: str = ""
    trades: list[Trade] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    @property
    def cum(self) -> int:
        return self.trades[-1].cum if self.trades else 0

    @property
    def leaves(self) -> int:
        return self.lots - self.cum

    def takes(self, price: int) -> bool:
        return self.price is None or (self.price - price) * self.side >= 0


class Model(ABC):
    """A way to work legs: what it is told are its `on_` methods, what it does calls of its desk."""

    desk: "Desk"

    @abstractmethod
    def start(self) -> None:
        """Decide now: the signal stands."""

    @abstractmethod
    def is_over(self) -> bool:
        """Return whether, without further news, it will do nothing more."""

    def pull(self) -> None:  # noqa: B027
        """Enter no more: ten seconds have passed."""

    def on_book(self, leg: int) -> None:  # noqa: B027
        """A new book of a leg; `desk.book` has it."""

    def on_ack(self, order: Order) -> None:  # noqa: B027
        """The order stands."""

    def on_reject(self, order: Order, reason: str) -> None:  # noqa: B027
        """The order was refused."""

    def on_trade(self, order: Order, trade: Trade) -> None:  # noqa: B027
        """The order traded."""

    def on_end(self, order: Order, cum: int) -> None:  # noqa: B027
        """The order was cancelled, having traded so much."""

    def on_cancel_reject(self, order: Order) -> None:  # noqa: B027
        """There was nothing to cancel."""

    def on_answer(self, order: Order, status: str | None, cum: int) -> None:  # noqa: B027
        """What a query found; None when the venue does not know it. Its trades were told before."""


class Desk:
    """Everything between a model and its venues, and their truth."""

    def __init__(self, schedule: Schedule, model: Model) -> None:
        self.schedule = schedule
        self.shape = schedule.shape
        count = len(self.shape.legs)
        self.model = model
        model.desk = self
        self.now = START
        self.orders: list[Order] = []
        self.numbers = [0] * count
        self.positions = [0] * count
        self.money = [0] * count
        self.fees = 0
        self.messages = 0
        self.last_message = self.last_change = DECISION
        # Books at the venue, what was taken from them, and as last seen.
        self.books = list(schedule.decision)
        self.taken: list[dict[int, int]] = [{} for _ in range(count)]
        self.seen = list(schedule.decision)
        self.recent: list[deque[int]] = [deque() for _ in range(count)]
        self.flying = 0
        self.live: dict[int, Order] = {}
        self._heap: list[tuple[int, int, bool, Callable[[], None]]] = []
        self._count = 0

    # What a model may do.

    def book(self, leg: int) -> Book:
        """Return the last book of a leg that came."""
        return self.seen[leg]

    def after(self, span: int, work: Callable[[], None]) -> None:
        """Do something later; a timer of the model."""
        self._at(self.now + span, work, flies=False)

    def send(self, leg: int, side: int, lots: int, price: int | None, *, rests: bool) -> Order:
        """Send an order; without a price it takes any."""
        assert lots > 0
        fate = self.schedule.fate(leg, self.numbers[leg])
        self.numbers[leg] += 1
        order = Order(len(self.orders), leg, side, lots, price, rests, fate, self.now)
        self.orders.append(order)
        self._message()
        if not fate.is_lost:
            self._at(self.now + fate.there + fate.late, lambda: self._arrive(order))
        return order

    def cancel(self, order: Order) -> None:
        """Ask for an order to be cancelled."""
        self._message()
        if not (order.fate.loses_cancel or order.fate.is_lost):
            self._at(self.now + order.fate.there, lambda: self._cancel(order))
        elif order.fate.is_lost:
            back = order.fate.there + order.fate.back
            self._at(self.now + back, lambda: self.model.on_cancel_reject(order))

    def query(self, order: Order) -> None:
        """Ask what has become of an order."""
        self._message()
        self._at(self.now + order.fate.there, lambda: self._answer(order))

    # The run.

    def run(self) -> bool:
        """Run until nothing more can happen, or to the limit; return whether it ended."""
        for leg, path in enumerate(self.schedule.paths):
            self._walk(leg, path, 1)
        self._at(DECISION, self.model.start)
        self._at(PULL, self.model.pull, flies=False)
        while self._heap:
            at, _, flies, work = heapq.heappop(self._heap)
            if at > LIMIT:
                break
            self.now = at
            self.flying -= flies
            work()
            if not self.flying and not self.live and self.model.is_over():
                return True
        return False

    def _at(self, at: int, work: Callable[[], None], *, flies: bool = True) -> None:
        self._count += 1
        self.flying += flies
        heapq.heappush(self._heap, (at, self._count, flies, work))

    def _message(self) -> None:
        self.messages += 1
        self.last_message = self.last_change = self.now

    # The venues.

    def _walk(self, leg: int, path: tuple[tuple[int, Book], ...], step: int) -> None:
        if step < len(path):
            at, book = path[step]

            def moved() -> None:
                self.books[leg], self.taken[leg] = book, {}
                if self.live:
                    for order in [each for each in self.live.values() if each.leg == leg]:
                        self._match(order)
                self._publish(leg)
                self._walk(leg, path, step + 1)

            self._at(at, moved, flies=False)

    def left(self, leg: int, side: int) -> tuple[Level, ...]:
        """Return the levels that a buyer or seller meets, without what was taken."""
        taken = self.taken[leg]
        levels = self.books[leg].met_by(side)
        if not taken:
            return levels
        found = [(price, lots - taken.get(price, 0)) for price, lots in levels]
        return tuple(level for level in found if level[1] > 0)

    def _publish(self, leg: int) -> None:
        if self.schedule.is_halted(leg, self.now):
            return
        book = self.books[leg]
        if self.taken[leg]:
            book = Book(self.left(leg, -1), self.left(leg, 1))
            if not book.bids or not book.asks:
                return

        def seen() -> None:
            self.seen[leg] = book
            self.model.on_book(leg)

        self._at(self.now + FEED, seen, flies=False)

    def _refusal(self, order: Order) -> str | None:
        if self.schedule.is_halted(order.leg, self.now):
            return "phase"
        if order.fate.reject is not None:
            return order.fate.reject
        if self.schedule.fault == "throttled":
            recent = self.recent[order.leg]
            while recent and recent[0] <= self.now - SECOND:
                recent.popleft()
            if len(recent) >= RATE:
                return "rate"
            recent.append(self.now)
        return None

    def _arrive(self, order: Order) -> None:
        order.is_there = True
        self.last_change = self.now
        reason = self._refusal(order)
        if reason is not None:
            order.is_done, order.status = True, "rejected"
            self._tell(order, lambda: self.model.on_reject(order, reason))
            return
        self._tell(order, lambda: self.model.on_ack(order))
        self.live[order.id] = order
        most = order.lots
        if order.fate.part is not None:
            most = order.lots * order.fate.part // 1000
        self._match(order, most)
        if order.leaves and (not order.rests or order.fate.part is not None):
            self._end(order)

    def _match(self, order: Order, most: int | None = None) -> None:
        if self.schedule.is_halted(order.leg, self.now):
            return
        left = order.leaves if most is None else min(most, order.leaves)
        for price, lots in self.left(order.leg, order.side):
            if not left or not order.takes(price):
                break
            taken = min(left, lots)
            self._trade(order, price, taken)
            left -= taken

    def _trade(self, order: Order, price: int, lots: int) -> None:
        leg = order.leg
        self.taken[leg][price] = self.taken[leg].get(price, 0) + lots
        self.positions[leg] += order.side * lots
        self.money[leg] -= order.side * lots * price
        self.fees += FEE * lots
        self.last_change = self.now
        trade = Trade(f"{order.id}.{len(order.trades)}", price, lots, order.cum + lots)
        order.trades.append(trade)
        if not order.leaves:
            order.is_done, order.status = True, "filled"
            self.live.pop(order.id, None)
        late = RACE if order.fate.races else 0
        self._tell(order, lambda: self._told(order, trade), late)
        self._publish(leg)

    def _told(self, order: Order, trade: Trade) -> None:
        if trade.id not in order.told:
            order.told.add(trade.id)
            self.model.on_trade(order, trade)

    def _end(self, order: Order) -> None:
        order.is_done, order.status = True, "cancelled"
        self.live.pop(order.id, None)
        self.last_change = self.now
        cum = order.cum
        self._tell(order, lambda: self.model.on_end(order, cum))

    def _tell(self, order: Order, work: Callable[[], None], late: int = 0) -> None:
        fate = order.fate
        if not fate.is_silent:
            self._at(self.now + fate.back + fate.news_late + late, work)

    def _cancel(self, order: Order) -> None:
        back = self.now + order.fate.back
        if self.schedule.is_halted(order.leg, self.now) or not order.is_there or order.is_done:
            self._at(back, lambda: self.model.on_cancel_reject(order))
            return
        if order.fate.races:
            levels = self.left(order.leg, order.side)
            price = levels[0][0] if order.price is None or not levels else order.price
            self._trade(order, price, (order.leaves + 1) // 2)
        if not order.is_done:
            self._end(order)

    def _answer(self, order: Order) -> None:
        """Answer with the truth of this moment; executions that were not told come before it."""
        status: str | None = None
        if order.is_there:
            status = order.status if order.is_done else "working"
        trades, cum = list(order.trades), order.cum

        def answered() -> None:
            for trade in trades:
                self._told(order, trade)
            self.model.on_answer(order, status, cum)

        self._at(self.now + order.fate.back, answered)

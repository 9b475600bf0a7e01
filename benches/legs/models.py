"""Reference models: ways of working legs, written from what their makers document or publish.

Each is the rule alone, on the legs of any hedge; its docstring says where the rule is written down
and what is simplified. None of them is the product itself: those that install run in `packages.py`.
"""

from collections.abc import Callable

from legs.schedule import SECOND, Schedule
from legs.venue import Model, Order, Trade


class Legs(Model):
    """What the models share: targets, what was told of trades, who is alive by their own word."""

    def __init__(self, schedule: Schedule) -> None:
        self.shape = schedule.shape
        self.range = range(len(self.shape.legs))
        self.target = [leg.side * leg.lots * self.shape.sets for leg in self.shape.legs]
        self.traded = [0 for _ in self.range]
        self.alive: dict[int, Order] = {}

    def touch(self, leg: int, side: int) -> int:
        """Return the price that a buyer or seller meets."""
        return self.desk.book(leg).met_by(side)[0][0]

    def trade(self, leg: int, lots: int, price: int | None, *, rests: bool) -> Order:
        """Send signed lots."""
        side = 1 if lots > 0 else -1
        order = self.desk.send(leg, side, abs(lots), price, rests=rests)
        self.alive[order.id] = order
        return order

    def on_trade(self, order: Order, trade: Trade) -> None:
        self.traded[order.leg] += order.side * trade.lots
        if trade.cum == order.lots:
            self.alive.pop(order.id, None)
        self.moved(order)

    def on_end(self, order: Order, cum: int) -> None:
        self.alive.pop(order.id, None)
        self.ended(order)

    def on_reject(self, order: Order, reason: str) -> None:
        self.alive.pop(order.id, None)
        self.failed(order)

    def moved(self, order: Order) -> None:
        """An order traded."""

    def ended(self, order: Order) -> None:
        """An order was cancelled, by us or by its venue."""

    def failed(self, order: Order) -> None:
        """An order is taken for failed."""


class RetryThenStop(Legs):
    """All legs at market at once; what fails is sent again in full, and after three tries it stops.

    hummingbot, `strategy_v2/executors/arbitrage_executor/arbitrage_executor.py`: a failure places
    the same amount again and counts one; `control_task`, once a second, stops at more than three
    (`max_retries=3`). It is complete when both orders are filled; a cancelled order is not handled,
    and the executor waits (120 s by default, beyond the limit here). `connector/
    client_order_tracker.py`: an order that a status poll does not find more than three times is
    failed. Simplified: any number of legs; polls every 5 s; a failure that comes after it stopped
    is not answered.
    """

    RETRIES = 3
    POLL = 5 * SECOND

    def start(self) -> None:
        self.failures = 0
        self.is_stopped = False
        self.missed: dict[int, int] = {}
        self.current: list[Order | None] = [None for _ in self.range]
        self.filled = [0 for _ in self.range]
        for leg in self.range:
            self.place(leg)
        self.desk.after(SECOND, self.control)

    def place(self, leg: int) -> None:
        order = self.trade(leg, self.target[leg], None, rests=False)
        self.current[leg] = order
        self.filled[leg] = 0
        self.missed[order.id] = 0
        self.desk.after(self.POLL, lambda: self.poll(order))

    def poll(self, order: Order) -> None:
        if not self.is_stopped and order.id in self.alive:
            self.desk.query(order)
            self.desk.after(self.POLL, lambda: self.poll(order))

    def on_answer(self, order: Order, status: str | None, cum: int) -> None:
        if order.id not in self.alive:
            return
        if status is None:
            self.missed[order.id] += 1
            if self.missed[order.id] > 3:
                self.on_reject(order, "lost")
        elif status == "rejected":
            self.on_reject(order, status)
        elif status == "cancelled":
            self.on_end(order, cum)

    def on_trade(self, order: Order, trade: Trade) -> None:
        if self.current[order.leg] is order:
            self.filled[order.leg] += trade.lots
        super().on_trade(order, trade)

    def failed(self, order: Order) -> None:
        if not self.is_stopped and self.current[order.leg] is order:
            self.failures += 1
            self.place(order.leg)

    def control(self) -> None:
        if self.failures > self.RETRIES or self.is_complete():
            self.is_stopped = True
        if not self.is_stopped:
            self.desk.after(SECOND, self.control)

    def is_complete(self) -> bool:
        return all(self.filled[leg] == abs(self.target[leg]) for leg in self.range)

    def is_over(self) -> bool:
        return self.is_stopped


class ChaseForever(Legs):
    """The active leg first; the other legs are sent again until they are hedged, without end.

    vnpy_spreadtrading, `algo.py` (SpreadTakerAlgo) and `template.py`: orders rest at the touch plus
    `payup` ticks, are all cancelled every `interval` seconds, and are sent anew at the next tick or
    order event as long as a passive leg is behind the whole sets of the active one. A rejection
    counts as an order that is done; there is no cap. An order without news stays active. A stop
    cancels everything, sends no more on the active leg and goes on hedging; what is below a whole
    set counts as hedged. payup 10 and interval 5 are the defaults of its BasicSpreadStrategy.
    """

    PAYUP = 10
    INTERVAL = 5 * SECOND

    def start(self) -> None:
        self.is_stopped = False
        self.bound = self.spread()
        self.desk.after(self.INTERVAL, self.on_interval)
        self.step()

    def spread(self) -> int:
        """Return what a set costs at the touch."""
        legs = enumerate(self.shape.legs)
        return sum(leg.side * leg.lots * self.touch(at, leg.side) for at, leg in legs)

    def sets_shown(self) -> int:
        """Return how many whole sets the touches show."""
        legs = enumerate(self.shape.legs)
        return min(self.desk.book(at).met_by(leg.side)[0][1] // leg.lots for at, leg in legs)

    def on_interval(self) -> None:
        for order in list(self.alive.values()):
            self.desk.cancel(order)
        if not self.is_over():
            self.desk.after(self.INTERVAL, self.on_interval)

    def whole_sets(self) -> int:
        return abs(self.traded[0]) // self.shape.legs[0].lots

    def behind(self) -> list[tuple[int, int]]:
        """Return the passive legs that are behind the active one, and by how much."""
        goals = [leg.side * leg.lots * self.whole_sets() for leg in self.shape.legs]
        found = [(leg, goals[leg] - self.traded[leg]) for leg in self.range[1:]]
        return [(leg, lots) for leg, lots in found if lots * self.shape.legs[leg].side > 0]

    def step(self) -> None:
        if self.alive or self.is_over():
            return
        behind = self.behind()
        for leg, lots in behind:
            self.pay(leg, lots)
        sets = min(self.shape.sets - self.whole_sets(), self.sets_shown())
        if not behind and sets > 0 and not self.is_stopped and self.spread() <= self.bound:
            left = self.target[0] - self.traded[0]
            wanted = self.shape.legs[0].side * self.shape.legs[0].lots * sets
            self.pay(0, min(wanted, left, key=abs))

    def pay(self, leg: int, lots: int) -> None:
        side = 1 if lots > 0 else -1
        self.trade(leg, lots, self.touch(leg, side) + side * self.PAYUP, rests=True)

    def pull(self) -> None:
        self.is_stopped = True
        for order in list(self.alive.values()):
            self.desk.cancel(order)

    def on_book(self, leg: int) -> None:
        if hasattr(self, "bound"):
            self.step()

    def moved(self, order: Order) -> None:
        if order.leg == 0 and self.behind():
            self.step()

    ended = moved

    def failed(self, order: Order) -> None:
        # As in the original, a rejected passive leg waits for the next tick.
        if order.leg == 0 and self.behind():
            self.step()

    def is_over(self) -> bool:
        is_whole = self.whole_sets() >= self.shape.sets and not self.behind()
        return is_whole or (self.is_stopped and not self.alive and not self.behind())


class RevertFull(Legs):
    """All legs at once; when one fails, what the others have traded until then is sent back.

    FLOX (now lrvx), `include/flox/execution/order_group.h`, policy AllOrNothing: once a leg is
    Failed or Cancelled, every leg that is Filled or PartiallyFilled gets one market order back over
    its filled quantity, every leg without a fill that is open gets one cancel. A leg that traded in
    part and was cancelled is Cancelled: nothing is sent back. What becomes of the orders back is
    not tracked, and nothing is asked about an order without news. Simplified: nothing.
    """

    def start(self) -> None:
        self.states = ["submitted" for _ in self.range]
        self.cancelled: set[int] = set()
        self.reverted: set[int] = set()
        self.first = [self.trade(leg, self.target[leg], None, rests=False) for leg in self.range]

    def moved(self, order: Order) -> None:
        if self.first[order.leg] is order:
            is_full = abs(self.traded[order.leg]) >= order.lots
            self.states[order.leg] = "filled" if is_full else "partial"
            self.act()

    def ended(self, order: Order) -> None:
        if self.first[order.leg] is order:
            self.states[order.leg] = "cancelled"
            self.act()

    def failed(self, order: Order) -> None:
        if self.first[order.leg] is order:
            self.states[order.leg] = "failed"
            self.act()

    def act(self) -> None:
        if not {"failed", "cancelled"} & set(self.states):
            return
        for leg in self.range:
            if self.states[leg] == "submitted" and leg not in self.cancelled:
                self.cancelled.add(leg)
                self.desk.cancel(self.first[leg])
            elif self.states[leg] in ("filled", "partial") and leg not in self.reverted:
                self.reverted.add(leg)
                self.trade(leg, -self.traded[leg], None, rests=False)

    def is_over(self) -> bool:
        return all(state in ("filled", "cancelled", "failed") for state in self.states)


class TimeoutRejects(Legs):
    """An order without an answer is asked about, and after five questions it counts as rejected.

    nautilus_trader, `docs/concepts/live.md` and `crates/live/src/execution/manager.rs`: a submit
    without an answer for 5 s is asked about every 2 s; unconfirmed beyond `inflight_check_retries`
    (5) it becomes OrderRejected. What is found is reconciled, fills included. Legs are left to the
    user's code there: the simplest stands here, all legs at market, and what a leg is short of
    when its order is done is sent again, five orders a leg at most.
    """

    THRESHOLD = 5 * SECOND
    INTERVAL = 2 * SECOND
    RETRIES = 5
    ORDERS = 5

    def start(self) -> None:
        self.asked: dict[int, int] = {}
        self.sent = [0 for _ in self.range]
        for leg in self.range:
            self.fill_up(leg)

    def fill_up(self, leg: int) -> None:
        short = self.target[leg] - self.traded[leg]
        if short * self.target[leg] <= 0 or self.sent[leg] == self.ORDERS:
            return
        self.sent[leg] += 1
        order = self.trade(leg, short, None, rests=False)
        self.asked[order.id] = 0
        self.desk.after(self.THRESHOLD, lambda: self.check(order))

    def check(self, order: Order) -> None:
        if order.id not in self.alive:
            return
        if self.asked[order.id] == self.RETRIES:
            self.on_reject(order, "INFLIGHT_TIMEOUT")
            return
        self.asked[order.id] += 1
        self.desk.query(order)
        self.desk.after(self.INTERVAL, lambda: self.check(order))

    def on_answer(self, order: Order, status: str | None, cum: int) -> None:
        if order.id in self.alive and status == "rejected":
            self.on_reject(order, status)
        elif order.id in self.alive and status == "cancelled":
            self.on_end(order, cum)

    def moved(self, order: Order) -> None:
        if order.id not in self.alive and not self.is_busy(order.leg):
            self.fill_up(order.leg)

    ended = failed = moved

    def is_busy(self, leg: int) -> bool:
        return any(order.leg == leg for order in self.alive.values())

    def is_over(self) -> bool:
        return not self.alive


class DoNothing(Legs):
    """All legs at their decision price; when one is incomplete, nothing is done.

    CQG Spreader's incomplete-order parameters are off by default (`ifincompleteparameters.htm` of
    its help). Interactive Brokers, ibkr.info article 1323: a non-guaranteed combination may trade
    in part and unevenly, what is left works on until it is done or cancelled. Simplified: the legs
    go out as limit orders at the touch of the decision; the operator's pull cancels what is left.
    """

    def start(self) -> None:
        self.is_pulled = False
        for leg in self.range:
            lots = self.target[leg]
            self.trade(leg, lots, self.touch(leg, 1 if lots > 0 else -1), rests=True)

    def pull(self) -> None:
        self.is_pulled = True
        for order in list(self.alive.values()):
            self.desk.cancel(order)

    def on_cancel_reject(self, order: Order) -> None:
        self.alive.pop(order.id, None)

    def is_over(self) -> bool:
        return not self.alive


class PayupUnbounded(Legs):
    """The first leg is quoted; every fill is hedged a payup beyond the touch, then ever further.

    TT Autospreader (`as-autospreader-orders.html`, `as-spread-configuration-order-execution.html`):
    hedges are sent per fill of the quoting leg at the price leaned on plus Payup Ticks; removing
    the spread pulls the quotes, hedge orders go on working. A post-hedge rule may pay up a tick
    for every so many seconds that a hedge works; it knows no end. Simplified: the quote meets the
    market; payup 2; a tick more every 5 s by cancel and new order; a rejected hedge, of which the
    pages say nothing, is sent again after the same 5 s.
    """

    PAYUP = 2
    PATIENCE = 5 * SECOND

    def start(self) -> None:
        self.hedged = [0 for _ in self.range]
        self.waiting = 0
        self.leaned_on = [self.touch(leg, each.side) for leg, each in enumerate(self.shape.legs)]
        self.paid: dict[int, int] = {}
        self.quote = self.trade(0, self.target[0], self.leaned_on[0], rests=True)

    def on_trade(self, order: Order, trade: Trade) -> None:
        super().on_trade(order, trade)
        if order.leg:
            return
        for leg in self.range[1:]:
            each = self.shape.legs[leg]
            due = abs(self.traded[0]) * each.lots // self.shape.legs[0].lots
            if due > self.hedged[leg]:
                lots, self.hedged[leg] = due - self.hedged[leg], due
                self.hedge(leg, lots, self.PAYUP)

    def hedge(self, leg: int, lots: int, payup: int) -> None:
        side = self.shape.legs[leg].side
        price = self.leaned_on[leg] + side * payup
        order = self.trade(leg, side * lots, price, rests=True)
        self.paid[order.id] = payup
        self.desk.after(self.PATIENCE, lambda: self.reprice(order))

    def reprice(self, order: Order) -> None:
        if order.id in self.alive:
            self.desk.cancel(order)
            self.desk.after(self.PATIENCE, lambda: self.reprice(order))

    def on_end(self, order: Order, cum: int) -> None:
        super().on_end(order, cum)
        if order.leg and cum < order.lots:
            self.hedge(order.leg, order.lots - cum, self.paid[order.id] + 1)

    def failed(self, order: Order) -> None:
        if order.leg:
            self.waiting += 1

            def again() -> None:
                self.waiting -= 1
                self.hedge(order.leg, order.lots, self.paid[order.id] + 1)

            self.desk.after(self.PATIENCE, again)

    def pull(self) -> None:
        if self.quote.id in self.alive:
            self.desk.cancel(self.quote)

    def is_over(self) -> bool:
        return not self.alive and not self.waiting


REFERENCES: dict[str, Callable[[Schedule], Model]] = {
    "retry_then_stop": RetryThenStop,
    "chase_forever": ChaseForever,
    "revert_full": RevertFull,
    "timeout_rejects": TimeoutRejects,
    "do_nothing": DoNothing,
    "payup_unbounded": PayupUnbounded,
}

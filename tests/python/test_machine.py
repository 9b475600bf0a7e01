"""Any sequence of operations: an engine, the same behind other doors, and a slow plain model.

After every step the digests of both engines are equal, the tables say what the model says, money to
the last digit, and every command keeps what always holds. The quick profile is the same every time;
`pytest tests/python/test_machine.py --hypothesis-profile=long` looks further.
"""

import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import cross_market as cm
import plain
from cross_market import events as ev
from cross_market.commands import Alert, Cancel, Command, Place, Query, Resync
from plain import COLLAR, LEGS, NAMES, ORDER_VALUE, VENUES, Desk, Fill, Order
from test_engine import START
from test_stories import KINDS

CONFIG = plain.config()
IDS = {name: at for at, name in enumerate(each.name for each in CONFIG.instruments)}
MIDDLE = 1000

SCOPES = [("engine", None), ("venue", "A"), ("account", "B"), ("hedge", "h"), ("hedge", "k")]
NEWS = [
    "accept",
    "cancelled",
    "expired",
    "status",
    "tell_late",
    "reject",
    "repeat",
    "fee",
    "answer",
]

names = st.sampled_from(NAMES)
hedges = st.sampled_from(sorted(LEGS))
sizes = st.integers(1, 6)
levels = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-12, 12), st.integers(0, 6)), min_size=1, max_size=5
)


def columns(rows: list[tuple[int, ...]], kinds: list[int], head: dict[str, int]) -> dict[str, Any]:
    """Return the rows of one message as columns."""
    count = len(rows)
    found = {
        "instrument": np.full(count, head["instrument"], "u2"),
        "row": np.array(kinds, "u1"),
        "seq": np.full(count, head["seq"], "u8"),
        "step": np.full(count, head["step"], "u4"),
        "exchange": np.full(count, head["now"], "i8"),
        "receive": np.full(count, head["now"], "i8"),
    }
    for at, (name, kind) in enumerate((("side", "u1"), ("price", "i8"), ("qty", "i8"))):
        found[name] = np.array([row[at] for row in rows], kind)
    return found


class Machine(RuleBasedStateMachine):
    """An operator, three venues, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.now = START
        self.session = cm.Session(CONFIG, journal=self.folder, now=START, durable="os")
        self.twin = cm.Engine(CONFIG, start=START)
        self.market = cm.Market(CONFIG)
        self.desk = Desk()
        self.logins = dict.fromkeys(VENUES, "resynced")
        self.days = dict.fromkeys(NAMES, START // (86_400 * 10**9))
        self.stopped: set[str] = set()
        # What is latched, and which hedges were told to flatten behind it.
        self.halted: set[tuple[str, str | None]] = set()
        self.flattened: set[str] = set()
        # Attempts that live: decision id, hedge, kind and sets.
        self.alive: dict[int, tuple[str, str, int]] = {}
        self.trades = 0
        # The feed that comes up in this step.
        self.came_up: str | None = None
        # Books of the market stand for those of the engine until a feed was down.
        self.was_down: set[str] = set()

    # Both doors.

    def say(self, event: ev.Event) -> list[Command]:
        """Give an event to both; return the commands, which are equal."""
        found = self.session.handle(self.now, event)
        assert self.twin.handle(self.now, event) == found
        self.obey(found)
        return found

    def refused(self, event: ev.Event) -> bool:
        """Give an event to both; return whether it was refused, by both alike and in vain."""
        before = self.session.digest()
        try:
            found = self.session.handle(self.now, event)
        except cm.ConfigError as error:
            text = str(error)
        else:
            assert self.twin.handle(self.now, event) == found
            self.obey(found)
            return False
        assert self.session.digest() == before
        with pytest.raises(cm.ConfigError) as caught:
            self.twin.handle(self.now, event)
        assert str(caught.value) == text
        return True

    def control(self, verb: ev.Verb) -> list[Command]:
        return self.say(ev.Control(actor="值班 desk", verb=verb))

    # What commands must keep.

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Place():
                    self.place(command)
                case Cancel():
                    self.desk.orders[command.order].cancel_asked = True
                case Query():
                    self.desk.orders[command.order].asked = True
                case Alert():
                    self.alert(command)
                case Resync():
                    # A feed that comes up is asked too: what happened in between is not known.
                    is_asked = command.instrument == self.came_up
                    assert is_asked or not self.book(command.instrument).is_whole
                case other:
                    raise AssertionError(other)

    def book(self, name: str) -> plain.Book:
        return self.desk.books[name]

    def place(self, place: Place) -> None:
        order, name = place.order, place.instrument
        assert order not in self.desk.orders
        assert place.account == name[0]
        assert name in LEGS[place.hedge]
        attempt = order & ~0xFFFF
        hedge, kind, sets = self.alive[attempt]
        assert (place.hedge, place.kind) == (hedge, kind)
        # Limits: size, value, distance from the touch that it meets.
        buys = place.side == "buy"
        leg = abs(LEGS[hedge][name])
        assert 0 < place.qty <= 2 * leg * (2 if kind == "enter" else 3) + 1
        assert place.qty * place.price * plain.TICK[name] <= ORDER_VALUE
        assert self.book(name).state == "whole"
        met = self.book(name).asks if buys else self.book(name).bids
        assert met
        best = min(met) if buys else max(met)
        assert (place.price - best) * (1 if buys else -1) <= COLLAR
        # Links, latches.
        assert self.logins[place.account] == "resynced"
        if self.is_halted(hedge):
            assert hedge in self.flattened
            held = self.desk.inventory[hedge][name]
            assert (held < 0) == buys
            assert place.qty <= abs(held)
        self.desk.orders[order] = Order(place, attempt)
        # What filled, works and is unknown never passes the goal of its leg.
        own = [
            each
            for each in self.desk.orders.values()
            if each.attempt == attempt and each.place.instrument == name
        ]
        if kind == "enter":
            sent = sum(each.sign * (each.cum + each.leaves) for each in own)
            assert abs(sent) <= sets * leg + 1

    def is_halted(self, hedge: str) -> bool:
        legs = LEGS[hedge]
        scopes: set[tuple[str, str | None]] = {("engine", None), ("hedge", hedge)}
        scopes |= {(kind, name[0]) for name in legs for kind in ("venue", "account")}
        return bool(scopes & self.halted)

    def alert(self, alert: Alert) -> None:
        assert alert.code != "poisoned"
        kind, name = alert.subject
        if alert.code == "attempt_started":
            assert type(name) is int
            hedge = sorted(LEGS)[name >> 34 & 1023]
            self.start(name, hedge, KINDS[alert.detail], alert)
        elif alert.code == "attempt_ended":
            assert type(name) is int
            del self.alive[name]
        elif alert.code == "halted":
            self.halted.add((kind, name if type(name) is str else None))
        elif alert.code == "unlatched":
            self.halted.discard((kind, name if type(name) is str else None))

    def start(self, attempt: int, hedge: str, kind: str, alert: Alert) -> None:
        assert attempt not in self.alive
        assert hedge not in [of for of, *_ in self.alive.values()]  # at most one a hedge
        self.alive[attempt] = (hedge, kind, abs(alert.limit - alert.value))
        if kind != "enter":
            return
        assert hedge not in self.stopped
        assert not self.is_halted(hedge)
        assert abs(alert.limit) <= 3
        for name in LEGS[hedge]:
            book = self.book(name)
            # What it trades is there, so that each leg can be completed; what it would have to
            # trade to go back may be missing.
            assert book.state == "whole"
            buys = (LEGS[hedge][name] > 0) == (alert.limit > alert.value)
            assert book.asks if buys else book.bids
            assert self.now - book.receive <= plain.AGE
            assert self.logins[name[0]] == "resynced"

    # Rules: the beginning.

    @initialize(long=st.integers(0, 3), short=st.integers(0, 3), cash=st.integers(0, 4))
    def begin(self, long: int, short: int, cash: int) -> None:
        for venue in VENUES:
            self.say(ev.Cash(account=venue, exchange=self.now, kind="opening", amount=300_000))
            self.desk.money[venue].opening = plain.OPENING
        for name, lots in (("A.x", (0, 0)), ("B.x", (long, short)), ("C.x", (cash, 0))):
            where: dict[str, Any] = {"account": name[0], "instrument": name, "exchange": self.now}
            held: dict[str, Any] = {"long": lots[0], "short": lots[1], "price": MIDDLE}
            self.say(ev.Position(**where, kind="opening", **held))
            self.desk.open_position(name, *lots, MIDDLE)
        self.quote()

    # Rules: the market.

    @rule(
        name=names,
        rows=levels,
        door=st.sampled_from(["message", "array", "row", "columns", "handle"]),
        snapshot=st.booleans(),
        step=st.sampled_from([0, 1, 1, 1, 2]),
        wait=st.sampled_from([0, 1, 10**6, 10**8]),
    )
    def message(
        self,
        name: str,
        rows: list[tuple[int, int, int]],
        *,
        door: str,
        snapshot: bool,
        step: int,
        wait: int,
    ) -> None:
        """A message comes: row by row to the session, by another door to the twin."""
        self.now += wait
        book, count = self.book(name), len(rows)
        # A step of 2 that is 1 away is a gap.
        seq = book.seq + (1 if step != 2 else 3)
        placed = [(side, MIDDLE + away, qty) for side, away, qty in rows]
        kinds = [(0 if at == 0 else 1) if snapshot else 2 for at in range(count)]
        kinds[-1] += 3
        head = {"instrument": IDS[name], "seq": seq, "step": step, "now": self.now}
        # Between the rows nothing is decided, so the model may have the whole message at once.
        book.message(placed, snapshot=snapshot, seq=seq, step=step, receive=self.now)
        found = self.by_rows(name, placed, kinds, seq, step)
        assert self.by_door(door, name, placed, kinds, head) == found
        self.obey(found)
        for kind, (side, price, qty) in zip(kinds, placed, strict=True):
            self.market.row(IDS[name], side, price, qty, kind, seq, step, self.now, self.now)
        if snapshot and not book.is_down:
            self.was_down.discard(name)

    def by_rows(
        self, name: str, rows: list[tuple[int, int, int]], kinds: list[int], seq: int, step: int
    ) -> list[Command]:
        found: list[Command] = []
        for kind, (side, price, qty) in zip(kinds, rows, strict=True):
            row = ev.Book(
                instrument=name,
                side=("bid", "ask")[side],
                price=price,
                qty=qty,
                row=("snapshot", "level", "delta")[kind % 3],
                last=kind >= 3,
                seq=seq,
                step=step,
                exchange=self.now,
                receive=self.now,
            )
            found += self.session.handle(self.now, row)
        return found

    def by_door(
        self,
        door: str,
        name: str,
        rows: list[tuple[int, int, int]],
        kinds: list[int],
        head: dict[str, int],
    ) -> list[Command]:
        now, at, seq, step = (head[key] for key in ("now", "instrument", "seq", "step"))
        if door in ("message", "array"):
            given: Any = rows if door == "message" else np.array(rows, dtype=np.int64)
            more = {"seq": seq, "step": step, "snapshot": kinds[0] % 3 == 0}
            self.twin.message(now, at, given, **more)  # type: ignore[arg-type]
        elif door == "columns":
            first, data = 0, columns(rows, kinds, head)  # type: ignore[arg-type]
            while first < len(rows):
                first, _ = self.twin.columns(data, first=first)
        else:
            for kind, (side, price, qty) in zip(kinds, rows, strict=True):
                self.twin.row(now, at, side, price, qty, kind, seq, step, now, now)
        return self.twin.take()

    @rule(name=names, state=st.sampled_from(["down", "up", "resynced"]))
    def feed(self, name: str, state: str) -> None:
        book = self.book(name)
        if state == "down":
            book.set_down()
            self.was_down.add(name)
        elif book.is_down:
            book.is_down = False
        self.came_up = name if state != "down" else None
        self.say(ev.Link(state=state, instrument=name))
        self.came_up = None

    @rule(venue=st.sampled_from(VENUES), state=st.sampled_from(["down", "up", "resynced"]))
    def login(self, venue: str, state: str) -> None:
        self.logins[venue] = state
        self.say(ev.Link(state=state, account=venue))

    @rule(wait=st.sampled_from([0, 1, 10**6, 10**8, 10**9, 3 * 10**9, 20 * 10**9]))
    def tick(self, wait: int) -> None:
        due = self.twin.deadline()
        assert due is None or due > self.now
        self.now += wait
        found = self.say(ev.Tick())
        if due is None or self.now < due:
            assert found == []

    @rule(
        name=names,
        away=st.integers(-20, 20),
        price=st.none() | st.just(1),
    )
    def settle(self, name: str, away: int, price: int | None) -> None:
        day = self.days[name]
        if day > START // (86_400 * 10**9) + 10:
            return
        self.days[name] += 1
        self.desk.settle(name, MIDDLE + away)
        self.say(ev.Settle(instrument=name, price=MIDDLE + away, day=day, exchange=self.now))

    # Rules: money.

    @rule(
        venue=st.sampled_from(VENUES),
        kind=st.sampled_from(["transfer", "funding", "interest", "fee"]),
        nanos=st.integers(-(10**11), 10**11),
    )
    def cash(self, venue: str, kind: str, nanos: int) -> None:
        amount = Decimal(nanos).scaleb(-9)
        money = self.desk.money[venue]
        name = "fees" if kind == "fee" else kind
        sign = -1 if kind == "fee" else 1
        setattr(money, name, getattr(money, name) + sign * Fraction(amount))
        self.say(ev.Cash(account=venue, exchange=self.now, kind=kind, amount=amount))

    # Rules: the operator.

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["stop", "resume", "kill", "unlatch", "flatten", "unrestrict", "adopt"]
        ),
    )
    def operate(self, data: st.DataObject, what: str) -> None:
        hedge = data.draw(st.none() | hedges)
        if what in ("stop", "resume", "flatten"):
            getattr(self, what)(hedge)
        elif what == "kill":
            self.kill(data.draw(st.sampled_from(SCOPES)))
        elif what == "adopt":
            self.adopt(data.draw(hedges), data.draw(st.integers(-2, 2)))
        elif what == "unrestrict":
            self.unrestrict(data.draw(st.sampled_from(["account", "hedge"])), data)
        elif self.halted:
            self.unlatch(data)

    @rule()
    def calm(self) -> None:
        """All that hinders is taken back, and the books are good again."""
        for name in NAMES:
            self.feed(name, "up")
            self.feed(name, "resynced")
            self.login(name[0], "up")
            self.login(name[0], "resynced")
        self.resume(None)
        for scope in sorted(self.halted, key=str):
            self.control(ev.Unlatch(scope=self.scope(scope)))
        for kind, known in (("account", VENUES), ("hedge", tuple(LEGS))):
            for name in known:
                self.control(ev.Unrestrict(scope=self.scope((kind, name))))
        self.quote()

    @rule()
    def quote(self) -> None:
        """Books in which both hedges are worth entering."""
        for name, bid in (("A.x", 6), ("B.x", -2), ("C.x", -10)):
            rows = [(0, bid, 6), (0, bid - 1, 6), (1, bid + 2, 6), (1, bid + 3, 6)]
            self.message(name, rows, door="array", snapshot=True, step=1, wait=0)

    @rule(
        hedge=hedges,
        sets=st.sampled_from([-2, -1, 1, 2, 3, 4]),
        least=st.sampled_from(["1", "1", None]),
    )
    def enter(self, hedge: str, sets: int, least: str | None) -> None:
        verb = ev.Enter(hedge=hedge, sets=sets, at_least=least if sets > 0 else None)
        event = ev.Control(actor="desk", verb=verb)
        assert self.refused(event) == (abs(sets) > 3)

    @rule(hedge=hedges, sets=st.none() | st.integers(1, 3))
    def exit(self, hedge: str, sets: int | None) -> None:
        self.control(ev.Exit(hedge=hedge, sets=sets))

    def adopt(self, hedge: str, lots: int) -> None:
        event = ev.Control(actor="desk", verb=ev.Adopt(hedge=hedge, lots={"B.x": lots}))
        there = self.desk.unassigned["B.x"]
        fits = lots != 0 and lots * there > 0 and abs(lots) <= abs(there)
        is_free = hedge not in [of for of, *_ in self.alive.values()]
        # The model first: what the engine does at once, a Trim, is already of the new inventory.
        if fits and is_free:
            self.desk.unassigned["B.x"] -= lots
            self.desk.inventory[hedge]["B.x"] += lots
        assert self.refused(event) == (not (fits and is_free))

    def stop(self, hedge: str | None) -> None:
        self.stopped |= set(LEGS) if hedge is None else {hedge}
        self.control(ev.Stop(scope=ev.Scope(hedge=hedge)))

    def resume(self, hedge: str | None) -> None:
        self.stopped -= set(LEGS) if hedge is None else {hedge}
        self.control(ev.Resume(scope=ev.Scope(hedge=hedge)))

    def kill(self, scope: tuple[str, str | None]) -> None:
        self.halted.add(scope)
        self.flattened -= {hedge for hedge in LEGS if self.is_halted(hedge)}
        found = self.control(ev.Kill(scope=self.scope(scope)))
        assert not [each for each in found if type(each) is Place and self.is_halted(each.hedge)]

    def unlatch(self, data: st.DataObject) -> None:
        scope = data.draw(st.sampled_from(sorted(self.halted, key=str)))
        self.control(ev.Unlatch(scope=self.scope(scope)))

    def flatten(self, hedge: str | None) -> None:
        self.flattened |= set(LEGS) if hedge is None else {hedge}
        self.control(ev.Flatten(scope=ev.Scope(hedge=hedge)))

    def unrestrict(self, kind: str, data: st.DataObject) -> None:
        known = VENUES if kind == "account" else tuple(LEGS)
        name = data.draw(st.sampled_from(known))
        self.control(ev.Unrestrict(scope=self.scope((kind, name))))

    @staticmethod
    def scope(scope: tuple[str, str | None]) -> ev.Scope:
        kind, name = scope
        return ev.Scope() if kind == "engine" else ev.Scope(**{kind: name})

    # Rules: the venues. They know the truth, and tell it in their own time.

    @precondition(lambda self: any(not each.is_done for each in self.desk.orders.values()))
    @rule(data=st.data(), every=st.booleans())
    def work(self, data: st.DataObject, every: bool) -> None:  # noqa: FBT001
        """An order trades, or every order that works trades whole."""
        if not every:
            self.trade(data, data.draw(st.sampled_from([0, 10**6])))
            return
        for order in list(self.desk.orders.values()):
            if order.leaves > 0 and not order.late:
                self.trades += 1
                fill = Fill(f"T{self.trades}", order.place.price, order.leaves, Fraction(2))
                order.cum, order.is_done = order.place.qty, True
                self.tell(order, fill, with_cum=True)

    @precondition(lambda self: self.desk.orders)
    @rule(data=st.data(), what=st.sampled_from(NEWS))
    def hear(self, data: st.DataObject, what: str) -> None:
        """News of some order, or the answer to a question about one."""
        if what in ("cancelled", "expired", "status"):
            self.end(data, what)
        elif what == "reject":
            self.reject(data, data.draw(st.sampled_from(["money", "price", "rate", "self_trade"])))
        elif what == "fee":
            self.fee(data, data.draw(st.integers(-5, 9)))
        elif what == "answer":
            self.answer(data, data.draw(st.booleans()))
        else:
            getattr(self, what)(data)

    def choose(self, data: st.DataObject, fits: Callable[[Order], bool]) -> Order | None:
        found = [order for order in self.desk.known() if fits(order)]
        return data.draw(st.sampled_from(found)) if found else None

    def report(self, order: Order, news: ev.News) -> list[Command]:
        place = order.place
        return self.say(
            ev.Report(
                account=place.account,
                instrument=place.instrument,
                exchange=self.now,
                receive=self.now,
                news=news,
                order=place.order,
                venue_order_id=f"V{place.order}",
            )
        )

    def told(self, order: Order, fill: Fill, cum: int | None) -> ev.Fill:
        place = order.place
        fee = None if fill.fee is None else str(fill.fee.numerator)
        return ev.Fill(
            trade_id=fill.trade,
            side=place.side,
            price=fill.price,
            qty=fill.qty,
            cum=cum,
            fee=fee,
            fee_currency=None if fee is None else "USD",
        )

    def made(self, data: st.DataObject, order: Order) -> Fill:
        """Return a new execution of an order, at its price or better."""
        self.trades += 1
        better = data.draw(st.integers(0, 3)) * -order.sign
        qty = order.leaves if data.draw(st.booleans()) else data.draw(st.integers(1, order.leaves))
        fee = data.draw(st.sampled_from([None, Fraction(3), Fraction(-1)]))
        order.cum += qty
        return Fill(f"T{self.trades}", order.place.price + better, qty, fee)

    def accept(self, data: st.DataObject) -> None:
        order = self.choose(data, lambda each: not each.is_done)
        if order is not None:
            self.report(order, ev.Accepted())

    def trade(self, data: st.DataObject, wait: int) -> None:
        order = self.choose(data, lambda each: each.leaves > 0 and not each.late)
        if order is None:
            return
        self.now += wait
        fill = self.made(data, order)
        order.is_done = order.cum == order.place.qty
        self.tell(order, fill, with_cum=data.draw(st.booleans()))

    def tell(self, order: Order, fill: Fill, *, with_cum: bool) -> None:
        self.desk.fill(order, fill)
        self.report(order, self.told(order, fill, order.told if with_cum else None))

    def end(self, data: st.DataObject, word: str) -> None:
        """An order ends; what it traded shortly before may come later."""
        order = self.choose(data, lambda each: not each.is_done and not each.late)
        if order is None:
            return
        if order.leaves > 1 and data.draw(st.booleans()):
            order.late.append(self.made(data, order))
        order.is_done = True
        cum = order.cum
        news: ev.News = ev.Cancelled(cum=cum) if word == "cancelled" else ev.Expired(cum=cum)
        if word == "status":
            news = ev.Status(status="filled" if cum == order.place.qty else "cancelled", cum=cum)
        self.report(order, news)

    def tell_late(self, data: st.DataObject) -> None:
        order = self.choose(data, lambda each: bool(each.late))
        if order is not None:
            self.tell(order, order.late.pop(0), with_cum=False)

    def reject(self, data: st.DataObject, reason: str) -> None:
        order = self.choose(data, lambda each: not each.is_done and each.cum == 0)
        if order is not None:
            order.is_done = True
            self.report(order, ev.Rejected(reason=reason, code=7))

    def repeat(self, data: st.DataObject) -> None:
        """A fill is told again: nothing of the money moves."""
        order = self.choose(data, lambda each: bool(each.fills))
        if order is not None:
            fill = data.draw(st.sampled_from(order.fills))
            self.report(order, self.told(order, fill, None))

    def fee(self, data: st.DataObject, amount: int) -> None:
        """The fee of an execution comes that was pending."""
        order = self.choose(data, lambda each: any(fill.fee is None for fill in each.fills))
        if order is None:
            return
        fill = next(each for each in order.fills if each.fee is None)
        self.desk.fee(order, fill, Fraction(amount))
        trade = {"trade_id": fill.trade, "side": order.place.side}
        self.report(order, ev.FeeOf(**trade, amount=amount, currency="USD"))

    def answer(self, data: st.DataObject, says: bool) -> None:  # noqa: FBT001
        order = self.choose(data, lambda each: each.asked and not each.late)
        if order is None:
            return
        order.asked = False
        status = "working"
        if order.is_done:
            status = "filled" if order.cum == order.place.qty else "cancelled"
        found = ev.Status(status=status, cum=order.cum) if says else ev.Inconclusive()
        self.say(
            ev.Answer(
                order=order.place.order,
                account=order.place.account,
                exchange=self.now,
                receive=self.now,
                found=found,
                venue_order_id=f"V{order.place.order}",
            )
        )

    @rule(name=names, bad=st.sampled_from(["price", "qty", "order", "day", "float", "back"]))
    def wrong(self, name: str, bad: str) -> None:
        """What is wrong is refused by both, and nothing changes."""
        before = self.session.digest()
        stamps: dict[str, Any] = {"exchange": self.now, "receive": self.now}
        about: dict[str, Any] = {"instrument": name, "side": "bid", "row": "snapshot", **stamps}
        about |= {"price": MIDDLE, "qty": 1, "last": True}
        events: dict[str, ev.Event] = {
            "price": ev.Book(**about | {"price": 2**40}),
            "qty": ev.Book(**about | {"qty": 2**40}),
            "float": ev.Book(**about | {"price": 1000.0}),
            "order": ev.Answer(order=7, account="A", **stamps, found=ev.ProvenAbsent()),
            "day": ev.Settle(instrument=name, price=MIDDLE, day=10**6, exchange=self.now),
            "back": ev.Tick(),
        }
        now = self.now - 1 if bad == "back" else self.now
        for door in (self.session, self.twin):
            with pytest.raises((cm.ConfigError, cm.InputTypeError, cm.UsageError)):
                door.handle(now, events[bad])
        assert self.session.digest() == before

    # What holds after every step.

    @invariant()
    def all_agrees(self) -> None:
        assert self.session.digest() == self.twin.digest()
        due = self.twin.deadline()
        assert due is None or due > self.now
        self.books_are_those_of_the_model()
        self.positions_are_those_of_the_model()
        self.inventories_are_those_of_the_model()
        self.money_is_that_of_the_model()

    def positions_are_those_of_the_model(self) -> None:
        found = {row["instrument"]: row for row in self.session.positions().to_pylist()}
        for name, row in found.items():
            long, short = self.desk.gross(name)
            assert (row["long"], row["short"]) == (long, short), name
            assert row["unassigned"] == self.desk.unassigned[name], name
            owned = sum(legs.get(name, 0) for legs in self.desk.inventory.values())
            assert long - short == owned + self.desk.unassigned[name], name
        assert set(found) == set(NAMES)

    def inventories_are_those_of_the_model(self) -> None:
        for row in self.session.hedges().to_pylist():
            assert row["sets"] == self.desk.sets(row["hedge"]), row
            assert Fraction(row["residual"]) == self.desk.residual(row["hedge"]), row

    def money_is_that_of_the_model(self) -> None:
        for row in self.session.funds().to_pylist():
            money = self.desk.money[row["account"]]
            for cause, amount in vars(money).items():
                assert Fraction(row[cause]) == amount, (row["account"], cause)
            assert row["adjustment"] == row["dust"] == 0
            assert Fraction(row["balance"]) == money.balance
            ours = sum(row[key] for key in ("available", "held", "quarantine", "margin", "relief"))
            assert ours == row["balance"]
            assert min(row["held"], row["quarantine"], row["margin"]) >= 0

    def books_are_those_of_the_model(self) -> None:
        for name, book in self.desk.books.items():
            if name in self.was_down:
                continue
            assert self.market.state(name) == book.state, name
            rows = self.market.ladder(name).to_pylist()
            for at, side in enumerate(("bid", "ask")):
                seen = [(row["ticks"], row["lots"]) for row in rows if row["side"] == side]
                mine = sorted(book.side(at).items(), reverse=at == 0)
                assert seen == mine, (name, side)

    def teardown(self) -> None:
        try:
            digest = self.session.digest()
            self.session.close()
            found = cm._core.replay(self.session.path)
            assert found["digest"] == digest
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


QUICK = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    # Without the phase that explains failures, which traces every line of the model.
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
TestMachine.settings = (
    settings.get_profile("long") if settings.get_current_profile_name() == "long" else QUICK
)

"""Ours: an engine with the same sizes, told what every model is told."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import cross_market as cm
from cross_market import events as ev
from cross_market.commands import Alert, Cancel, Command, Place, Query
from legs.schedule import DELAY_MAX, SECOND, START, Schedule, Shape
from legs.venue import FEE, Model, Order, Trade

MONEY = 10_000_000
# What repair of one attempt may lose, in ticks x lots, which are USD here.
MAX_LOSS = 300
FINISH = "45 s"


Repair = cm.CheaperOf | cm.Supplement
CHEAPER = cm.CheaperOf("supplement", "unwind")


@cache
def config(shape: Shape, repair: Repair = CHEAPER) -> cm.Config:
    """Return a hedge of this shape: one gram a lot, one dollar a tick, nothing enters by itself."""
    things = [
        cm.Instrument(
            leg.name,
            venue=leg.name[0],
            product="gold",
            size="1 g",
            quote="USD/g",
            tick="1",
            settlement="daily_vm",
            fees=cm.Fees(open=cm.Fee(per_lot=f"{FEE} USD")),
            margin=cm.Margin(long="0.1", short="0.1"),
        )
        for leg in shape.legs
    ]
    accounts = [
        cm.Account(leg.name[0], venue=leg.name[0], currency="USD", island="i", flag="arbitrage")
        for leg in shape.legs
    ]
    sides = {1: "buy", -1: "sell"}
    legs = [
        cm.Leg(thing, side=sides[leg.side], account=account, lots=leg.lots)
        for leg, thing, account in zip(shape.legs, things, accounts, strict=True)
    ]
    # A set stands for as many grams as the last of its legs that are equally coarse has lots. Half
    # a lot of the finest leg is then the tolerance, so that no whole lot is within it.
    grams = shape.legs[-1].lots
    finest = Decimal(grams) / shape.most / 2
    hedge = cm.Hedge(
        "h",
        legs=legs,
        unit="g",
        currency="USD",
        basis="lots",
        signal=cm.Spread(enter="1000000 USD/g", exit="-1000000 USD/g"),
        size=cm.Size(clip=shape.sets, max=shape.sets, overnight=0, holiday=0),
        execution=cm.Simultaneous(
            max_residual=f"{finest} g",
            live_residual=f"{grams * shape.sets} g",
            finish_within=FINISH,
            repair=repair,
            max_loss=f"{MAX_LOSS} USD",
        ),
    )
    venues = [
        cm.Venue(leg.name[0], netting="net", max_delay=f"{DELAY_MAX // SECOND} s")
        for leg in shape.legs
    ]
    limits = cm.limits.template("small desk")
    return cm.Config(
        venues=venues, accounts=accounts, hedges=[hedge], limits=limits, orders=256, executions=2048
    )


class Ours(Model):
    """cross_market.Engine, `Simultaneous` with `CheaperOf`; IOC orders, limits of a small desk."""

    def __init__(self, schedule: Schedule, repair: Repair = CHEAPER) -> None:
        self.shape = schedule.shape
        self.engine = cm.Engine(config(self.shape, repair), start=START - SECOND)
        self.numbers = [self.engine.id(leg.name) for leg in self.shape.legs]
        self.by_name = {leg.name: at for at, leg in enumerate(self.shape.legs)}
        self.ours: dict[int, Order] = {}
        self.theirs: dict[int, int] = {}
        self.unknown: set[int] = set()
        self.attempts: set[int] = set()
        self.alerts: list[Alert] = []
        self.due: int | None = None
        self.has_begun = False

    def start(self) -> None:
        self.has_begun = True
        for leg in self.shape.legs:
            account = leg.name[0]
            self.say(ev.Link(state="up", account=account))
            self.say(ev.Link(state="resynced", account=account))
            self.say(ev.Cash(account=account, exchange=START, kind="opening", amount=MONEY))
        for at in range(len(self.shape.legs)):
            self.on_book(at)
        enter = ev.Enter(hedge="h", sets=self.shape.sets, at_least="-1000000")
        self.say(ev.Control(actor="desk", verb=enter))

    def is_over(self) -> bool:
        return self.has_begun and not self.attempts and not self.unknown

    def on_book(self, leg: int) -> None:
        if not self.has_begun:
            return
        book = self.desk.book(leg)
        rows = [(0, *level) for level in book.bids] + [(1, *level) for level in book.asks]
        self.engine.message(self.desk.now, self.numbers[leg], rows, snapshot=True)
        self.obey(self.engine.take())

    def say(self, event: ev.Event) -> None:
        self.obey(self.engine.handle(self.desk.now, event))

    def tick(self, due: int) -> None:
        if self.due == due:
            self.due = None
            self.say(ev.Tick())

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Place():
                    self.place(command)
                case Cancel():
                    self.desk.cancel(self.ours[command.order])
                case Query():
                    self.desk.query(self.ours[command.order])
                case Alert():
                    self.heed(command)
        due = self.engine.deadline()
        if due is not None and (self.due is None or due < self.due):
            self.due = due = max(due, self.desk.now)
            self.desk.after(due - self.desk.now, lambda: self.tick(due))

    def heed(self, alert: Alert) -> None:
        self.alerts.append(alert)
        _, number = alert.subject
        if alert.code == "attempt_started":
            assert isinstance(number, int)
            self.attempts.add(number)
        elif alert.code == "attempt_ended":
            assert isinstance(number, int)
            self.attempts.discard(number)

    def place(self, place: Place) -> None:
        side = 1 if place.side == "buy" else -1
        leg = self.by_name[place.instrument]
        order = self.desk.send(leg, side, place.qty, place.price, rests=place.tif != "ioc")
        self.ours[place.order] = order
        self.theirs[order.id] = place.order
        self.unknown.add(order.id)

    # What comes back.

    def where(self, order: Order) -> dict[str, Any]:
        now, account = self.desk.now, self.shape.legs[order.leg].name[0]
        number = self.theirs[order.id]
        return {"order": number, "account": account, "exchange": now, "receive": now}

    def report(self, order: Order, news: ev.News) -> None:
        name = self.shape.legs[order.leg].name
        self.say(ev.Report(**self.where(order), instrument=name, news=news))

    def on_ack(self, order: Order) -> None:
        self.report(order, ev.Accepted())

    def on_reject(self, order: Order, reason: str) -> None:
        self.unknown.discard(order.id)
        self.report(order, ev.Rejected(reason=reason))

    def on_trade(self, order: Order, trade: Trade) -> None:
        if len(order.told) == len(order.trades) and order.is_done:
            self.unknown.discard(order.id)
        fill = ev.Fill(
            trade_id=trade.id,
            side="buy" if order.side > 0 else "sell",
            price=trade.price,
            qty=trade.lots,
            cum=trade.cum,
            fee=FEE * trade.lots,
            fee_currency="USD",
        )
        self.report(order, fill)

    def on_end(self, order: Order, cum: int) -> None:
        if len(order.told) == len(order.trades):
            self.unknown.discard(order.id)
        self.report(order, ev.Cancelled(cum=cum))

    def on_cancel_reject(self, order: Order) -> None:
        self.report(order, ev.CancelRejected(reason="unknown_order"))

    def on_answer(self, order: Order, status: str | None, cum: int) -> None:
        found: ev.Status | ev.ProvenAbsent | ev.Inconclusive
        if status is not None:
            found = ev.Status(status=status, cum=cum)
        elif self.desk.now - order.sent > DELAY_MAX:
            found = ev.ProvenAbsent()
        else:
            found = ev.Inconclusive()
        if status is not None and status != "working":
            self.unknown.discard(order.id)
        if isinstance(found, ev.ProvenAbsent):
            self.unknown.discard(order.id)
        self.say(ev.Answer(**self.where(order), found=found))


def supplementing(schedule: Schedule) -> Model:
    """Return ours with repair that only ever completes: what the choice by cost is worth."""
    return Ours(schedule, cm.Supplement())


OURS: dict[str, Callable[[Schedule], Model]] = {"ours": Ours, "ours_supplement": supplementing}

"""A session on the small configuration that a test leads by hand, with its alerts folded."""

import dataclasses
from pathlib import Path

import cross_market as cm
from cross_market import events as ev
from cross_market import testing
from cross_market.commands import Cancel, Command, Place

MS = 1_000_000
NORTH, SOUTH = "NORTH.GOLD", "SOUTH.GOLD"
ACCOUNT = {NORTH: "one", SOUTH: "two"}


def config(*thresholds: cm.Threshold, sets: int = 3) -> cm.Config:
    """Return the small configuration with thresholds and room for more sets."""
    made = testing.config()
    size = cm.Size(clip=1, max=sets, overnight=sets, holiday=sets)
    hedge = dataclasses.replace(made.hedges[0], size=size)
    return dataclasses.replace(made, hedges=[hedge], thresholds=list(thresholds))


class Desk:
    """Leads a session: `ms` is its clock, `sent` and `changed` what has come of the last event."""

    def __init__(self, made: cm.Config, folder: Path, *, money: int = 20_000) -> None:
        """Open the session, its links and accounts."""
        self.session = cm.Session(made, journal=folder, now=testing.START, durable="os")
        self.episodes = cm.live.alerts.Episodes(made, due=lambda account, now: now + 1)
        self.ms = 0
        self.trades = 0
        self.history: list[cm.audit.Episode] = []
        for account in ACCOUNT.values():
            self.say(ev.Link(state="resynced", account=account))
            self.say(
                ev.Cash(account=account, exchange=self.now, kind="opening", amount=money),
            )

    @property
    def now(self) -> int:
        """Engine time."""
        return testing.START + self.ms * MS

    def say(self, event: ev.Event) -> list[Command]:
        """Give the session an event, a millisecond after the last."""
        self.ms += 1
        self.sent = self.session.handle(self.now, event)
        self.changed = self.episodes.take(self.now, event, self.sent)
        self.history += self.changed
        return self.sent

    def quote(self, instrument: str, price: int) -> list[Command]:
        """A book of one level: `price` and two ticks above."""
        both, stamp = [], self.now
        for side, at in (("bid", price), ("ask", price + 2)):
            row = ev.Book(
                instrument=instrument,
                side=side,
                price=at,
                qty=9,
                row="snapshot" if side == "bid" else "level",
                last=side == "ask",
                exchange=stamp,
                receive=stamp,
            )
            both += self.say(row)
        return both

    def places(self, *, kind: str = "enter") -> list[Place]:
        """The orders of a kind that were sent last."""
        return [each for each in self.sent if isinstance(each, Place) and each.kind == kind]

    def cancels(self) -> list[Cancel]:
        """The cancels that were sent last."""
        return [each for each in self.sent if isinstance(each, Cancel)]

    def report(self, order: Place, news: ev.News) -> list[Command]:
        """Say something of an order."""
        return self.say(
            ev.Report(
                account=order.account,
                instrument=order.instrument,
                exchange=self.now - 1,
                receive=self.now,
                order=order.order,
                news=news,
            )
        )

    def fill(self, order: Place) -> list[Command]:
        """Fill an order whole."""
        self.trades += 1
        return self.report(
            order,
            ev.Fill(
                trade_id=f"t{self.trades}",
                side=order.side,
                price=order.price,
                qty=order.qty,
                cum=order.qty,
                fee=0,
                fee_currency="USD",
            ),
        )

    def entered(self) -> None:
        """Enter one set: dear in the north, cheap in the south, both filled."""
        self.quote(NORTH, 10_100)
        self.quote(SOUTH, 10_000)
        for order in self.places():
            self.fill(order)

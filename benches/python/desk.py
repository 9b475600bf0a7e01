"""Attempts that begin and come to nothing, as an engine sees them and as a table would.

Python has no door to the money alone or to one order's machine alone: what a user can do is to
have the engine enter, and to tell it news. So W6 is the word to enter, which asks every gate, holds
money for both legs and makes two orders, and the two news that end them and give the money back;
W8 is the news that an order stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import cross_market as cm
from cross_market import events as ev
from limits import limits
from turns import ASIDE, Ends, Way
from workload import BASE, START, config

ENGINES = 32
ATTEMPTS = 12
SECOND = 10**9


@dataclass(frozen=True)
class Attempt:
    """The events of one attempt, at one moment."""

    now: int
    books: list[ev.Book]
    enter: ev.Control
    accepted: list[ev.Report]
    cancelled: list[ev.Report]


def books(now: int) -> list[ev.Book]:
    """Return a snapshot of each book."""
    return [
        ev.Book(
            instrument=f"{name}.x",
            side=side,
            price=BASE + away,
            qty=50,
            row=row,
            last=row == "level",
            exchange=now,
            receive=now,
        )
        for name in "AB"
        for side, away, row in (("bid", -1, "snapshot"), ("ask", 1, "level"))
    ]


def opened() -> cm.Engine:
    """Return an engine that may trade."""
    engine = cm.Engine(config(), start=START - SECOND)
    for account in "AB":
        for state in ("up", "resynced"):
            engine.handle(START, ev.Link(state=state, account=account))
        cash = ev.Cash(account=account, exchange=START, kind="opening", amount=50_000_000)
        engine.handle(START, cash)
    return engine


@lru_cache(maxsize=1)
def attempts(count: int = ATTEMPTS) -> list[Attempt]:
    """Return attempts that every new engine goes through alike: ids of orders repeat."""
    return list(made(count))


def made(count: int) -> Iterator[Attempt]:
    engine = opened()
    enter = ev.Control(actor="desk", verb=ev.Enter(hedge="h", sets=1, at_least="-1000"))
    for at in range(count):
        now = START + (at + 1) * SECOND
        for row in books(now):
            engine.handle(now, row)
        commands = engine.handle(now, enter)
        orders = [each for each in commands if isinstance(each, cm.commands.Place)]
        assert len(orders) == 2, commands

        def told(news: Any, orders: Any = orders, now: int = now) -> list[ev.Report]:  # noqa: ANN401
            return [
                ev.Report(
                    account=order.account,
                    instrument=order.instrument,
                    exchange=now,
                    receive=now,
                    order=order.order,
                    news=news,
                )
                for order in orders
            ]

        attempt = Attempt(now, books(now), enter, told(ev.Accepted()), told(ev.Cancelled(cum=0)))
        for report in (*attempt.accepted, *attempt.cancelled):
            last = engine.handle(now, report)
        assert [type(each) for each in last] == [cm.commands.Alert], last
        yield attempt


def ours(*, is_of_money: bool) -> Ends:
    """Take engines through the attempts; only the money counts, or only the news."""
    engines = [opened() for _ in range(ENGINES)]
    handles = [engine.handle for engine in engines]
    money, news = (None, ASIDE) if is_of_money else (ASIDE, None)
    yield ASIDE
    for attempt in attempts():
        now, enter = attempt.now, attempt.enter
        for handle in handles:
            for row in attempt.books:
                handle(now, row)
        yield ASIDE
        for handle in handles:
            handle(now, enter)
        yield money
        for report in attempt.accepted:
            for handle in handles:
                handle(now, report)
        yield news
        for report in attempt.cancelled:
            for handle in handles:
                handle(now, report)
        yield money
    digests = {engine.digest() for engine in engines}
    assert len(digests) == 1
    return len(attempts()) * ENGINES


def limit_money() -> Ends:
    """Hold for two legs, then void both."""
    c: ModuleType = limits()
    c.reset_money(1 << 40)
    hold, finish = c.hold, c.finish
    yield ASIDE
    for _ in attempts():
        held = []
        for at in range(ENGINES):
            held.append(hold(at, 10_000, at + 512, 20_000))
        yield None
        yield ASIDE
        for at in held:
            finish(at, 0, 0, 0)
        for at in held:
            finish(at, 1, 0, 1)
        yield None
    assert c.money() == (1024 << 40, 0)
    return len(attempts()) * ENGINES


def limit_news() -> Ends:
    """Look the next state up."""
    c: ModuleType = limits()
    c.reset_machines()
    step = c.transition
    yield ASIDE
    for attempt in attempts():
        now = attempt.now
        for leg in (0, 512):
            for at in range(ENGINES):
                step(leg + at, 4 if attempt.now < 0 else 0, 0, now)
        yield None
    return len(attempts()) * ENGINES


def call() -> Ends:
    """Call with four ints, for nothing."""
    fast4 = limits().fast4
    yield ASIDE
    for attempt in attempts():
        now = attempt.now
        for _ in range(2):
            for at in range(ENGINES):
                fast4(at, 0, 0, now)
        yield None
    return len(attempts()) * ENGINES


def rows() -> tuple[dict[str, dict[str, Way]], dict[str, int]]:
    """Return the ways of W6 and W8, and how many operations each has."""
    count = len(attempts()) * ENGINES
    ways: dict[str, dict[str, Way]] = {
        "W6": {"ours": lambda: ours(is_of_money=True), "limit": limit_money},
        "W8": {"ours": lambda: ours(is_of_money=False), "call": call, "limit": limit_news},
    }
    return ways, {"W6": count, "W8": 2 * count}

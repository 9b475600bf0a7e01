"""Windows, cut-offs and holidays; what binds, in plain words; requests to a person, dated."""

import datetime
from decimal import Decimal

import pytest

import cross_market as cm
from allocation_parts import State, demand, plan, route, snapshot, state
from cross_market.funds import allocation as al

UTC = datetime.UTC
TRANSFERS = "09:00", "15:30"


def at(day: int, clock: str) -> datetime.datetime:
    """Return a moment of January 2026."""
    hour, minute = map(int, clock.split(":"))
    return datetime.datetime(2026, 1, day, hour, minute, tzinfo=UTC)


# Thursday, then a Friday that is a holiday and a weekend, then Monday.
WINDOWS = [tuple(at(day, clock) for clock in TRANSFERS) for day in (8, 12)]


def moved(now: object, within: str, **changed: object) -> tuple[int, list[str], list[str]]:
    """Return the sets that are funded, how long transfers wait, and what is asked of a person."""
    way = route("a", "b", 100, windows=WINDOWS, **changed)
    asks = [demand("x", 3, 5, within, b=10)]
    found = plan(snapshot([state("a", 100), state("b", 0)], asks, (way,), now=now))
    waits = [each.wait for each in found.transfers]
    return found.sets["x"], waits, [each.why for each in found.requests]


@pytest.mark.parametrize(
    ("day", "clock", "within", "sets", "wait"),
    [
        (8, "09:00", "30 min", 3, "0 ns"),  # the first moment of the window
        (8, "08:59", "31 min", 3, "1 min"),  # it opens in time
        (8, "08:59", "30 min", 0, None),  # a minute too late
        (8, "15:29", "30 min", 3, "0 ns"),  # begun before the cut-off, arrives behind it
        (8, "15:30", "4 h", 0, None),  # the cut-off itself is shut
        (8, "15:30", "90 h", 3, "5370 min"),  # over holiday and weekend, to Monday
        (9, "10:00", "2 d", 0, None),  # a holiday: no window however long the day
        (9, "10:00", "72 h", 3, "71 h"),
        (12, "15:30", "40 d", 0, None),  # the last window is over
    ],
)
def test_windows_cut_offs_and_holidays(
    day: int, clock: str, within: str, sets: int, wait: str | None
) -> None:
    found, waits, asked = moved(at(day, clock), within)
    assert (found, waits) == (sets, [] if wait is None else [wait])
    assert bool(asked) == (sets == 0)


def test_what_binds_a_window_is_said() -> None:
    assert (
        "no route brings money there within 4 h: from a takes 90 h"
        in moved(at(8, "15:30"), "4 h")[2][0]
    )
    assert "from a is shut" in moved(at(12, "15:30"), "4 h")[2][0]
    assert "from a is shut" in moved(at(8, "10:00"), "4 h", is_open=False)[2][0]


def test_windows_need_the_moment() -> None:
    with pytest.raises(cm.ConfigError, match=r"snapshot\.now.*route a to b has windows"):
        moved(None, "4 h")
    with pytest.raises(cm.ConfigError, match="zone"):
        moved(datetime.datetime(2026, 1, 8, 10), "4 h")
    with pytest.raises(cm.InputTypeError):
        moved(1.5, "4 h")


def test_a_request_across_islands_is_dated() -> None:
    accounts = [state("a", 100), state("b", 10, island="off", currency="USD")]
    asks = [demand("x", 3, 5, "4 h", a=10, b=10)]
    (request,) = plan(snapshot(accounts, asks, now=at(8, "23:30"))).requests
    assert (request.account, request.currency, int(request.amount)) == ("b", "USD", 20)
    assert (request.dated, request.within) == ("2026-02-10", "4 h")
    assert request.by == "2026-01-09T03:30:00Z"
    (request,) = plan(snapshot(accounts, asks, now=10**18 + 5)).requests
    assert request.by == "2001-09-09T05:46:40.000000005Z"
    (request,) = plan(snapshot(accounts, asks)).requests
    assert request.by is None


def test_an_island_without_money_is_a_request_whatever_routes_are_inside() -> None:
    accounts = [state("a", 5), state("b", 0), state("u", 100, island="off")]
    asks = [demand("x", 4, 5, b=10, u=10)]
    found = plan(snapshot(accounts, asks, (route("a", "b", 100),)))
    assert found.sets == {"x": 0}
    (request,) = found.requests
    assert (request.account, int(request.amount)) == ("b", 40)
    assert "no route brings more: a has not enough" in found.unmet["x"]


@pytest.mark.parametrize(
    ("ways", "edge", "said", "asked"),
    [
        ((), 5, "no route brings money there within 1 h", True),
        ((route("a", "b", 100, lead="2 h"),), 5, "from a takes 2 h", True),
        ((route("a", "b", 9),), 5, "a has not enough", True),
        ((route("a", "b", 15),), 5, "a has not enough", True),
        ((route("a", "b", 20),), 5, "from a is at its most", True),
        ((route("a", "b", 100, cost=50),), 5, "which a could send, but not for less", False),
        ((route("a", "b", 100, least=100, cost=1),), 5, "a has no more to send", True),
    ],
)
def test_what_binds_is_said_in_plain_words(
    ways: tuple[al.PoolRoute, ...],
    edge: int,
    said: str,
    asked: bool,  # noqa: FBT001
) -> None:
    given = snapshot([state("a", 100), state("b", 0)], [demand("x", 5, edge, b=10)], ways)
    found = plan(given)
    assert said in found.unmet["x"]
    assert bool(found.requests) == asked
    assert found.unmet["x"].startswith("one more set lacks ")


def test_what_is_moved_is_a_multiple_of_its_step() -> None:
    accounts = [state("a", 100), state("b", 0, currency="USD")]
    way = route("a", "b", "99.999", rate="0.142857", dated="2026-02-10", step="0.01")
    found = plan(snapshot(accounts, [demand("x", 9, 90, b="1.43")], (way,)))
    (transfer,) = found.transfers
    assert found.sets == {"x": 9}
    assert transfer.amount == Decimal("90.1")
    assert transfer.arrives == Decimal("12.8714157")


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("route a to off", {"routes": (route("a", "off", 1),)}),
        ("across islands a person moves money", {"routes": (route("a", "off", 1),)}),
        ("route a to usd.*a rate and its date", {"routes": (route("a", "usd", 1),)}),
        ("its date", {"routes": (route("a", "usd", 1, rate=7),)}),
        ("a rate above zero", {"routes": (route("a", "usd", 1, rate=0, dated="d"),)}),
        ("another account", {"routes": (route("a", "a", 1),)}),
        ("'z'.*an account of the snapshot", {"routes": (route("z", "a", 1),)}),
        (r"route a to b\.most", {"routes": (route("a", "b", -1),)}),
        (r"route a to b\.least", {"routes": (route("a", "b", 1, least="-0.5"),)}),
        (r"route a to b\.least", {"routes": (route("a", "b", 1, least=2),)}),
        (r"route a to b\.cost", {"routes": (route("a", "b", 1, cost=-1),)}),
        (r"route a to b\.step.*above zero", {"routes": (route("a", "b", 1, step=0),)}),
        (r"route a to b\.lead", {"routes": (route("a", "b", 1, lead="soon"),)}),
        ("each pair", {"routes": (route("a", "b", 1), route("a", "b", 1))}),
        (r"account a\.minimum", {"accounts": [state("a", 1, minimum=-1)]}),
        (r"account a\.buffer", {"accounts": [state("a", 1, buffer=-1)]}),
        (r"account a\.withdrawable", {"accounts": [state("a", 1, withdrawable=-1)]}),
        ("accounts.*each once", {"accounts": [state("a", 1), state("a", 1)]}),
        ("accounts", {"accounts": []}),
        ("account: found 'a b'", {"accounts": [state("a b", 1)]}),
        (r"snapshot\.dated", {"dated": ""}),
        ("account: found", {"accounts": [state("", 1)]}),
        (r"rates\.CNY.*above zero", {"rates": {"CNY": 0, "USD": 7}}),
        ("a currency with a rate", {"rates": {"CNY": 1}}),
        ("each name once", {"demands": [demand("x", 1, 1, a=1), demand("x", 2, 1, a=1)]}),
        (r"demand x\.needs.*'z'|'z'.*account of", {"demands": [demand("x", 1, 1, z=1)]}),
        (r"demand x\.needs\.a.*above zero", {"demands": [demand("x", 1, 1, a=0)]}),
        (r"demand x\.needs", {"demands": [demand("x", 1, 1)]}),
        (r"demand x\.edge", {"demands": [demand("x", 1, -1, a=1)]}),
        (r"demand x\.sets", {"demands": [demand("x", sets=True, edge=1, a=1)]}),
        (r"demand x\.within", {"demands": [demand("x", 1, 1, "1 hour ago", a=1)]}),
    ],
)
def test_what_does_not_fit_is_refused_by_name(said: str, changed: dict[str, object]) -> None:
    given: State = {
        "accounts": [
            state("a", 1),
            state("b", 1),
            state("off", 1, island="off"),
            state("usd", 1, currency="USD"),
        ],
        "demands": [demand("x", 1, 1, a=1)],
        "routes": (),
        **changed,
    }
    with pytest.raises(cm.ConfigError, match=said):
        plan(snapshot(**given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"accounts": [state("a", 1.0)]},
        {"accounts": [state("a", 1, minimum=0.5)]},
        {"accounts": [state("a", 1, buffer=0.5)]},
        {"accounts": [state("a", 1, withdrawable=0.5)]},
        {"rates": {"CNY": 1.0}},
        {"demands": [demand("x", 1, 0.1, a=1)]},
        {"demands": [demand("x", 1, 1, a=0.1)]},
        {"routes": (route("a", "b", 1.5),)},
        {"routes": (route("a", "b", 1, cost=0.1),)},
        {"routes": (route("a", "b", 1, is_open=1),)},
    ],
)
def test_a_float_is_refused_wherever_it_stands(changed: dict[str, object]) -> None:
    given: State = {
        "accounts": [state("a", 1), state("b", 1)],
        "demands": [demand("x", 1, 1, a=1)],
        "routes": (),
        **changed,
    }
    with pytest.raises(cm.InputTypeError):
        plan(snapshot(**given))  # type: ignore[arg-type]

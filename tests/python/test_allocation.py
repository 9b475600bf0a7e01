"""Plans for the pool: best against every other one on small cases, proven, told in plain words."""

import itertools
import random
from decimal import Decimal
from fractions import Fraction

import pytest

import cross_market as cm
from allocation_parts import State, demand, plan, route, snapshot, state
from cross_market.funds import allocation as al


def test_all_accounts_of_a_set_are_funded_together() -> None:
    found = plan(snapshot([state("a", 100), state("b", 25)], [demand("x", 9, 5, a=10, b=10)]))
    assert found.sets == {"x": 2}
    assert found.allotments == {("x", "a"): 20, ("x", "b"): 20}
    assert found.idle == {"a": 80, "b": 5}
    assert "lacks 5 CNY in b" in found.unmet["x"]
    assert [(each.account, int(each.amount)) for each in found.requests] == [("b", 65)]


def test_money_moves_over_a_route_where_it_earns_more_than_it_costs() -> None:
    accounts, asks = [state("a", 100), state("b", 0)], [demand("x", 3, 5, b=20)]
    found = plan(snapshot(accounts, asks, (route("a", "b", 60, cost=4),)))
    assert found.sets == {"x": 3}
    assert [(int(each.amount), int(each.cost)) for each in found.transfers] == [(60, 4)]
    assert found.value == 11
    dear = plan(snapshot(accounts, asks, (route("a", "b", 60, cost=16),)))
    assert (dear.sets, dear.transfers, int(dear.value)) == ({"x": 0}, (), 0)


@pytest.mark.parametrize("changed", [{"is_open": False}, {"lead": "2 h"}])
def test_a_route_that_is_shut_or_slow_brings_nothing(changed: dict[str, object]) -> None:
    way = route("a", "b", 60, **changed)
    found = plan(snapshot([state("a", 100), state("b", 0)], [demand("x", 1, 5, b=20)], (way,)))
    assert found.sets == {"x": 0}
    assert found.transfers == ()


def test_no_route_is_invented_between_islands() -> None:
    accounts = [state("a", 100), state("b", 10, island="off", currency="USD")]
    found = plan(snapshot(accounts, [demand("x", 3, 5, a=10, b=10)]))
    assert found.sets == {"x": 1}
    assert found.transfers == ()
    (request,) = found.requests
    assert (request.account, request.currency, int(request.amount)) == ("b", "USD", 20)


def test_minimum_and_buffer_stay() -> None:
    accounts = [state("a", 100, minimum=30, buffer="20.5"), state("b", 0)]
    found = plan(snapshot(accounts, [demand("x", 9, 5, b=10)], (route("a", "b", 100),)))
    assert found.sets == {"x": 4}
    low = [state("a", 40, minimum=30, buffer=20), state("b", 100)]
    found = plan(snapshot(low, [demand("x", 1, 5, a=1), demand("y", 1, 5, b=10)]))
    assert found.sets == {"x": 0, "y": 1}
    assert "below its minimum" in found.unmet["x"]
    assert (found.requests[0].account, int(found.requests[0].amount)) == ("a", 10)


def test_today_s_profit_does_not_leave() -> None:
    accounts = [state("a", 100, withdrawable=30), state("b", 0)]
    found = plan(snapshot(accounts, [demand("x", 9, 5, b=10)], (route("a", "b", 100),)))
    assert found.sets == {"x": 3}


def test_another_currency_arrives_at_its_dated_rate_rounded_down() -> None:
    accounts = [state("a", 100), state("b", 0, currency="USD")]
    way = route("a", "b", 100, rate="0.142857", dated="2026-02-10")
    found = plan(snapshot(accounts, [demand("x", 1, 90, b=14)], (way,)))
    assert found.sets == {"x": 1}
    assert found.transfers[0].arrives >= 14
    assert found.transfers[0].amount <= 100


def value_of(given: al.Snapshot, sets: tuple[int, ...], moved: tuple[int, ...]) -> Fraction | None:
    """Return what a plan earns; None when it does not hold. Whole amounts, looked at one by one."""
    accounts = {each.account: each for each in given.accounts}
    fixed = {
        name: int(str(each.minimum)) + int(str(each.buffer)) for name, each in accounts.items()
    }
    for at, amount in enumerate(moved):
        way = given.routes[at]
        if amount and not int(str(way.least)) <= amount <= int(str(way.most)):
            return None
    for name, each in accounts.items():
        spare = int(str(each.free)) - fixed[name]
        out = sum(
            amount + int(str(way.cost))
            for amount, way in zip(moved, given.routes, strict=True)
            if amount and way.source == name
        )
        if out > max(0, spare):
            return None
        for hours in (1, 5):
            used = sum(
                count * int(str(of.needs.get(name, 0)))
                for count, of in zip(sets, given.demands, strict=True)
                if int(of.within.split()[0]) <= hours
            )
            there = (
                spare
                - out
                + sum(
                    amount
                    for amount, way in zip(moved, given.routes, strict=True)
                    if way.target == name and int(way.lead.split()[0]) <= hours
                )
            )
            if used and (used > there or spare < 0):
                return None
    costs = sum(
        int(str(way.cost)) for amount, way in zip(moved, given.routes, strict=True) if amount
    )
    return (
        sum(
            (Fraction(str(of.edge)) * count for count, of in zip(sets, given.demands, strict=True)),
            Fraction(),
        )
        - costs
    )


@pytest.mark.parametrize("seed", range(150))
def test_no_other_plan_earns_more(seed: int) -> None:
    draw = random.Random(seed)
    names = ["a", "b", "c"][: draw.randint(2, 3)]
    accounts = [
        state(name, draw.randint(0, 8), minimum=draw.randint(0, 2), buffer=draw.randint(0, 1))
        for name in names
    ]
    pairs = draw.sample(list(itertools.permutations(names, 2)), draw.randint(0, 2))
    ways = tuple(
        route(
            one,
            other,
            draw.randint(2, 6),
            least=draw.randint(0, 2),
            cost=draw.randint(0, 2),
            lead=f"{draw.choice([1, 3])} h",
        )
        for one, other in sorted(pairs)
    )
    asks = [
        demand(
            f"d{at}",
            draw.randint(0, 3),
            draw.randint(1, 9),
            f"{draw.choice([1, 5])} h",
            **{name: draw.randint(1, 4) for name in draw.sample(names, draw.randint(1, 2))},
        )
        for at in range(draw.randint(1, 3))
    ]
    given = snapshot(accounts, asks, ways)
    best = max(
        value
        for sets in itertools.product(*[range(of.sets + 1) for of in asks])
        for moved in itertools.product(*[range(int(str(way.most)) + 1) for way in ways])
        if (value := value_of(given, sets, moved)) is not None
    )
    found = plan(given)
    assert found.value == Decimal(best.numerator) / best.denominator
    turned = snapshot(accounts[::-1], asks[::-1], ways[::-1])
    assert plan(turned) == found


@pytest.mark.parametrize(
    "changed",
    [
        {"accounts": [state("a", 1), state("a", 1)]},
        {"accounts": [state("a", -1)]},
        {"accounts": [state("a", 1, currency="EUR")]},
        {"demands": [demand("x", 1, 1, z=1)]},
        {"demands": [demand("x", -1, 1, a=1)]},
        {"demands": [demand("x", 1, 1, a=1), demand("x", 1, 1, a=1)]},
        {"routes": (route("a", "z", 1),)},
        {"routes": (route("a", "b", 1, rate=2),)},
        {"routes": (route("a", "u", 1),)},
        {"routes": (route("a", "u", 1, rate=2),)},
        {"routes": (route("a", "b", 1), route("a", "b", 2))},
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, object]) -> None:
    given: State = {
        "accounts": [state("a", 1), state("b", 1), state("u", 1, currency="USD")],
        "demands": [demand("x", 1, 1, a=1)],
        "routes": (),
        **changed,
    }
    with pytest.raises(cm.ConfigError):
        plan(snapshot(**given))  # type: ignore[arg-type]


def test_a_float_is_refused() -> None:
    with pytest.raises(cm.InputTypeError):
        plan(snapshot([state("a", 1.5)], [demand("x", 1, 1, a=1)]))


def test_a_buffer_is_what_covered_the_share_of_windows() -> None:
    moves = [-5, 3, -1, -1, -1, 10, -7, 0, 0, 0]
    # The lowest of every two days: 5, 0, 2, 2, 1, 0, 7, 0, 0.
    assert al.buffer(moves, "1", 2) == 7
    assert al.buffer(moves, "0.8", 2) == 5
    assert al.buffer(moves, "0.5", 2) == 1
    with pytest.raises(cm.ConfigError):
        al.buffer(moves, "0", 2)


def test_a_plan_is_made_anew_when_something_moved_enough() -> None:
    before = snapshot([state("a", 100)], [demand("x", 1, 1, a=10)])
    near = snapshot([state("a", 101)], [demand("x", 1, 1, a=10)])
    far = snapshot([state("a", 103)], [demand("x", 1, 1, a=10)])
    dear = snapshot([state("a", 100)], [demand("x", 1, 1, a=11)])
    assert not al.has_moved(before, near, "0.02")
    assert al.has_moved(before, far, "0.02")
    assert al.has_moved(before, dear, "0.02")

"""Whatever the solver says, what is returned holds to the last 10⁻⁹: looked at from outside."""

import random
import sys
from collections import defaultdict
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

import cross_market as cm
from allocation_parts import demand, plan, route, snapshot, state
from cross_market.contracts.units import parse_span
from cross_market.funds import allocation as al
from cross_market.funds.allocation import allocator, solver
from cross_market.funds.allocation.model import Model, compiled
from cross_market.funds.allocation.proof import mended, proven

GRAIN = Decimal("0.000000001")


def number(given: object) -> Fraction:
    return Fraction(str(given))


def check(given: al.Snapshot, found: al.Plan) -> None:
    """Prove a plan from what the snapshot and the plan say alone, in fractions."""
    routes = {(each.source, each.target): each for each in given.routes}
    out: dict[str, Fraction] = defaultdict(Fraction)
    came: dict[str, list[tuple[int, Fraction]]] = defaultdict(list)
    for each in found.transfers:
        way = routes.pop((each.source, each.target))  # each way at most once
        assert way.is_open
        assert number(way.least) <= number(each.amount) <= number(way.most)
        assert number(each.amount) % number(way.step or GRAIN) == 0
        rate = number(1 if way.rate is None else way.rate)
        units = number(each.amount) * rate * 10**9
        assert number(each.arrives) == Fraction(units.numerator // units.denominator, 10**9)
        assert number(each.cost) == number(way.cost)
        out[each.source] += number(each.amount) + number(way.cost)
        came[each.target].append((parse_span(way.lead, "lead"), number(each.arrives)))
    for of in given.demands:
        count = found.sets[of.name]
        assert 0 <= count <= of.sets
        for account, need in of.needs.items():
            assert number(found.allotments.get((of.name, account), 0)) == count * number(need)
    for one in given.accounts:
        spare = number(one.free) - number(one.minimum) - number(one.buffer)
        movable = spare if one.withdrawable is None else min(spare, number(one.withdrawable))
        assert out[one.account] == 0 or out[one.account] <= movable
        for by in {parse_span(of.within, "within") for of in given.demands}:
            amounts = [
                number(found.allotments.get((of.name, one.account), 0))
                for of in given.demands
                if parse_span(of.within, "within") <= by
            ]
            there = spare - out[one.account]
            there += sum((amount for reach, amount in came[one.account] if reach <= by), Fraction())
            assert sum(amounts) == 0 or sum(amounts) <= there
        assert found.idle[one.account] >= 0
    assert found.value <= found.bound


def desk(seed: int, coarse: str) -> al.Snapshot:
    """Return a desk of odd amounts and odd rates over three currencies, some in large steps."""
    draw = random.Random(seed)

    def odd(most: int, digits: int) -> str:
        return f"{draw.randint(0, most)}.{draw.randint(0, 10**digits - 1):0{digits}}"

    codes, digits = ["CNY", "USD", "EUR"], draw.choice([2, 4, 9])
    accounts = [
        state(
            f"a{at}",
            odd(10 ** draw.randint(1, 7), digits),
            currency=draw.choice(codes),
            island=f"i{at % 2}",
            minimum=odd(9, digits),
            buffer=odd(5, digits),
            withdrawable=draw.choice([None, odd(10**5, digits)]),
        )
        for at in range(8)
    ]
    ways = []
    for one in accounts:
        for other in accounts:
            if one is other or one.island != other.island or draw.random() < 0.4:
                continue
            odds = {}
            if one.currency != other.currency:
                odds = {"rate": f"{draw.randint(0, 9)}.{draw.randint(1, 10**9)}", "dated": "d"}
            ways.append(
                route(
                    one.account,
                    other.account,
                    odd(10**6, digits),
                    lead=draw.choice(["30 min", "3 h"]),
                    cost=odd(3, digits),
                    least=odd(3, digits),
                    step=draw.choice([None, "0.01", coarse]),
                    **odds,
                )
            )
    asks = [
        demand(
            f"d{at}",
            draw.randint(1, 40),
            odd(90, digits),
            draw.choice(["1 h", "5 h"]),
            **{
                each.account: odd(10 ** draw.randint(1, 4), digits) + "1"[: 9 - digits]
                for each in draw.sample(accounts, draw.randint(1, 3))
            },
        )
        for at in range(6)
    ]
    rates = {"CNY": 1, "USD": "7.123456789", "EUR": "8.000000001"}
    return snapshot(accounts, asks, tuple(ways), rates=rates)


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_of_odd_amounts_and_rates_holds_to_the_last_unit(seed: int) -> None:
    given = desk(seed, "7")
    found = plan(given)
    check(given, found)
    assert found.value >= Decimal("0.9") * found.bound
    # Steps are not in the programme: only small ones leave nothing to the bound.
    given = desk(seed, "0.0007")
    found = plan(given)
    check(given, found)
    assert found.value >= Decimal("0.99999") * found.bound


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_solver_says_is_mended_to_what_holds(seed: int) -> None:
    model, draw = compiled(desk(seed, "7")), random.Random(seed)
    sets = [draw.randint(-1, of.sets + 2) for of in model.demands]
    moved = [draw.choice([-1, 0, draw.randint(0, 2 * way.most + 1)]) for way in model.ways]
    held = mended(model, sets, moved)
    assert proven(model, *held)
    # And the proof knows one unit too much of anything.
    for at, amount in enumerate(held[1]):
        account = model.ways[at].source
        sent = sum(
            held[1][each] + model.ways[each].cost for each in model.out_of[account] if held[1][each]
        )
        over = model.movable[account] - sent + model.ways[at].step
        more = [*held[1][:at], amount + over // model.ways[at].step * model.ways[at].step]
        if amount:
            assert not proven(model, held[0], [*more, *held[1][at + 1 :]])


def pair(most: object, free: object = 100, **way: object) -> Model:
    """Return a model of one way to an account that one demand of ten a set wants."""
    accounts = [state("a", 100), state("b", free, minimum=way.pop("minimum", 0))]
    return compiled(snapshot(accounts, [demand("x", 5, 1, b=10)], (route("a", "b", most, **way),)))


def units(*amounts: int) -> list[int]:
    return [amount * 10**9 for amount in amounts]


def test_the_proof_knows_the_bounds_of_a_way() -> None:
    model = pair(50, least="9.5", step=3)
    allowed = [amount for amount in range(60) if proven(model, [0], units(amount))]
    assert allowed == [0, *range(12, 51, 3)]


@pytest.mark.parametrize(
    ("model", "given", "held"),
    [
        (pair(50, free=0), ([0], [50]), ([0], [0])),  # what nobody needs does not move
        (pair(50), ([5], [50]), ([5], [0])),  # nor what is there already
        (pair(50), ([1], [0]), ([5], [0])),  # what is there is used
        (pair(50, free=0), ([1], [0]), ([1], [10])),  # raised to what is lacking
        (pair(50, free=0), ([1], [9]), ([1], [10])),
        (pair(50, free=0, least=20), ([1], [0]), ([2], [20])),  # in no less than the least
        (pair(50, free=0, least=19, step=4), ([1], [3]), ([2], [20])),
        (pair(50, free=0, step=3), ([2], [20]), ([2], [21])),
        (pair(50, free=0, step=3), ([5], [50]), ([4], [48])),  # 48 is the most: one set less
        (pair(200, free=0, cost=1), ([5], [200]), ([5], [99])),  # cut to what may leave
        (pair(50, free=20, minimum=30), ([5], [50]), ([0], [0])),  # below its minimum
        (pair(50, free=0, least=20, is_open=False), ([1], [30]), ([0], [0])),  # shut
    ],
)
def test_what_nearly_holds_is_mended(
    model: Model, given: tuple[list[int], list[int]], held: tuple[list[int], list[int]]
) -> None:
    sets, moved = mended(model, given[0], units(*given[1]))
    assert (sets, moved) == (held[0], units(*held[1]))
    assert proven(model, sets, moved)


def test_what_is_left_goes_where_it_earns_most() -> None:
    asks = [demand("x", 5, 1, a=10), demand("y", 5, 3, a=10), demand("z", 5, 2, a=10)]
    model = compiled(snapshot([state("a", 80)], asks))
    assert mended(model, [0, 0, 0], []) == ([0, 5, 3], [])
    # And sets that cannot be paid go where they earn least.
    assert mended(model, [5, 5, 5], []) == ([0, 5, 3], [])


def test_amounts_of_many_digits_are_not_rounded() -> None:
    great = "12345678901234567890.123456789"
    found = plan(snapshot([state("a", great)], [demand("x", 1, 1, a=great)]))
    assert found.sets == {"x": 1}
    with localcontext(prec=60):
        more = Decimal(great) + GRAIN
    found = plan(snapshot([state("a", great)], [demand("x", 1, 1, a=more)]))
    assert found.sets == {"x": 0}
    with pytest.raises(cm.ConfigError, match="no finer"):
        plan(snapshot([state("a", great + "1")], [demand("x", 1, 1, a=1)]))


def test_a_plan_for_nothing_is_empty() -> None:
    found = plan(snapshot([state("a", 5)], []))
    assert not found.sets
    assert not found.transfers
    assert found.idle == {"a": 5}
    idle = plan(snapshot([state("a", 5)], [demand("x", 1, 0, a=1)]))
    assert idle.unmet == {"x": "a set is expected to earn nothing"}


def test_the_best_so_far_is_returned_with_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [state(name, 100) for name in "abc"]
    asks = [demand(f"d{at}", 9, 10 + at, a=13 + at, b=17 - at, c=11 + at) for at in range(5)]
    given = snapshot(accounts, asks)
    best = plan(given)
    # The solver stops at the first plan that it has: its start.
    monkeypatch.setitem(solver.OPTIONS, "mip_max_improving_sols", 1)
    first = plan(given)
    check(given, first)
    assert not first.is_last
    assert first.value <= best.value == best.bound <= first.bound


def test_without_any_search_there_is_still_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "RESERVE", 1.0)  # all of the time of the search
    for seed in range(20):
        given = desk(seed, "0.0007")
        found = plan(given)
        check(given, found)
        assert not found.is_last
        assert sum(found.sets.values()) > 0


def test_the_last_good_plan_is_returned_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given = snapshot([state("a", 5)], [demand("x", 9, 1, a=1)])
    with pytest.raises(cm.UsageError, match="no plan was found in time"):
        al.Allocator(time_limit="0 s").plan(given)
    plans = al.Allocator(time_limit="10 s")
    before = plans.plan(given)
    monkeypatch.setattr(plans, "_limit", 0.0)
    last = plans.plan(snapshot([state("a", 3)], [demand("x", 9, 1, a=1)]))
    assert last.is_last
    assert (last.sets, last.value) == (before.sets, before.value)


def test_without_the_solver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(cm.UsageError, match=r"pip install 'cross-market\[solver\]'"):
        al.Allocator(time_limit="1 s")

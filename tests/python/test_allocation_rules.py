"""How much stays, when a plan is made anew, and which way a hedge's money carries more."""

import dataclasses
from decimal import Decimal

import pytest

import cross_market as cm
from allocation_parts import demand, plan, route, snapshot, state
from cross_market.funds import allocation as al


def test_a_buffer_by_hand() -> None:
    # Two lots of 5 t long, one lot of 25 t short, in one account; the moves of each day by hand:
    # prices of the first     100  98  99  95  97     second   50  51  51  50  53
    # 2 × 5 × change          −20 +10 −40 +20         −1 × 25 × change  −25   0 +25 −75
    # in all                  −45 +10 −15 −55
    legs = [
        al.OutrightLeg(prices=[100, 98, 99, 95, 97], lots=2, size=5),
        al.OutrightLeg(prices=["50", "51", Decimal(51), 50, 53], lots=-1, size="25"),
    ]
    # One day: 45, 0, 15, 55. Two days, at the lowest: 45, 5, 70.
    for quantile, days, expected in [
        ("1", 1, 55),
        ("0.76", 1, 55),
        ("0.75", 1, 45),
        ("0.5", 1, 15),
        ("0.25", 1, 0),
        ("1", 2, 70),
        ("0.66", 2, 45),
        ("0.33", 2, 5),
        ("0.5", 4, 105),
    ]:
        assert al.outright_buffer(legs, quantile=quantile, days=days) == expected
    # The spread of a hedge may stand still while the account of one leg pays.
    long = al.OutrightLeg(prices=[100, 90], lots=1, size=1)
    short = dataclasses.replace(long, lots=-1)
    assert al.outright_buffer([long, short], quantile=1, days=1) == 0
    assert al.outright_buffer([long], quantile=1, days=1) == 10


def test_what_is_finer_than_money_counts_against_the_buffer() -> None:
    leg = al.OutrightLeg(prices=["1", "0.9999999999"], lots=3, size="1")
    assert al.outright_buffer([leg], quantile=1, days=1) == Decimal("0.000000001")
    kept = al.outright_buffer([leg], quantile=1, days=1)
    assert plan(snapshot([state("a", 1, buffer=kept)], [])).idle == {"a": Decimal("0.999999999")}


@pytest.mark.parametrize(
    ("error", "legs", "quantile", "days"),
    [
        (cm.ConfigError, [], 1, 1),
        (cm.ConfigError, [([1], 1, 1)], 1, 1),
        (cm.ConfigError, [([1, 2], 1, 1), ([1, 2, 3], 1, 1)], 1, 1),
        (cm.ConfigError, [([1, 2], 1, 0)], 1, 1),
        (cm.ConfigError, [([1, 2], 1, 1)], 0, 1),
        (cm.ConfigError, [([1, 2], 1, 1)], "1.01", 1),
        (cm.ConfigError, [([1, 2], 1, 1)], 1, 2),
        (cm.ConfigError, [([1, 2], 1, 1)], 1, 0),
        (cm.InputTypeError, [([1, 2.5], 1, 1)], 1, 1),
        (cm.InputTypeError, [([1, 2], "1", 1)], 1, 1),
        (cm.InputTypeError, [([1, 2], 1, 0.1)], 1, 1),
        (cm.InputTypeError, [([1, 2], 1, 1)], 0.99, 1),
        (cm.InputTypeError, [([1, 2], 1, 1)], 1, "1"),
    ],
)
def test_a_buffer_refuses(
    error: type[Exception],
    legs: list[tuple[list[object], int, object]],
    quantile: object,
    days: int,
) -> None:
    given = [al.OutrightLeg(prices=prices, lots=lots, size=size) for prices, lots, size in legs]
    with pytest.raises(error):
        al.outright_buffer(given, quantile=quantile, days=days)


BASE = snapshot(
    [state("a", 100, minimum=10), state("b", 100, currency="USD", withdrawable=50)],
    [demand("x", 5, 10, a=10, b=10)],
    (route("a", "b", 50, rate="0.14", dated="d"),),
)


def changed(**parts: dict[str, object]) -> al.Snapshot:
    """Return the base with parts of its first account, route or demand, or its rates, changed."""
    account = dataclasses.replace(BASE.accounts[0], **parts.get("account", {}))  # type: ignore[arg-type]
    way = dataclasses.replace(BASE.routes[0], **parts.get("route", {}))  # type: ignore[arg-type]
    ask = dataclasses.replace(BASE.demands[0], **parts.get("demand", {}))  # type: ignore[arg-type]
    return dataclasses.replace(
        BASE,
        accounts=[account, BASE.accounts[1]],
        routes=[way],
        demands=[ask],
        rates=parts.get("rates", BASE.rates),
    )


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ({"account": {"free": 102}}, {"account": {"free": 103}}),
        ({"account": {"minimum": "10.2"}}, {"account": {"minimum": "10.21"}}),
        ({"account": {"buffer": 0}}, {"account": {"buffer": 1}}),
        ({"account": {"withdrawable": 98}}, {"account": {"withdrawable": 97}}),
        ({"rates": {"CNY": 1, "USD": "7.1"}}, {"rates": {"CNY": 1, "USD": "7.2"}}),
        ({"route": {"rate": "0.142"}}, {"route": {"rate": "0.143"}}),
        ({"demand": {"edge": "10.2"}}, {"demand": {"edge": "10.3"}}),
        (
            {"demand": {"needs": {"a": 10, "b": "9.8"}}},
            {"demand": {"needs": {"a": 10, "b": "9.7"}}},
        ),
        ({}, {"route": {"most": 51}}),
        ({}, {"route": {"is_open": False}}),
        ({}, {"route": {"lead": "31 min"}}),
        ({}, {"demand": {"sets": 4}}),
        ({}, {"demand": {"within": "2 h"}}),
        ({}, {"demand": {"needs": {"a": 10}}}),
        ({}, {"demand": {"name": "y"}}),
    ],
)
def test_a_plan_is_made_anew_beyond_the_stated_share(
    near: dict[str, dict[str, object]], far: dict[str, dict[str, object]]
) -> None:
    assert not al.has_moved(BASE, changed(**near), "0.02")
    assert al.has_moved(BASE, changed(**far), "0.02")
    turned = dataclasses.replace(BASE, accounts=BASE.accounts[::-1])
    assert not al.has_moved(BASE, turned, 0)


def test_a_window_that_opens_is_a_move() -> None:
    given = changed(route={"windows": [(200, 300)]})
    at = {moment: dataclasses.replace(given, now=moment) for moment in (100, 150, 200, 299, 300)}
    assert not al.has_moved(at[100], at[150], 0)
    assert al.has_moved(at[150], at[200], 0)
    assert not al.has_moved(at[200], at[299], 0)
    assert al.has_moved(at[299], at[300], 0)


def test_a_window_that_comes_near_enough_for_a_deadline_is_a_move() -> None:
    minute = 60 * 10**9
    given = snapshot(
        [state("a", 1000), state("b", 0)],
        [demand("g", 5, 10, within="1 h", b=100)],
        (route("a", "b", 500, lead="10 min", windows=[(100 * minute, 200 * minute)]),),
    )
    at = {now: dataclasses.replace(given, now=now * minute) for now in (0, 49, 50)}
    rule = al.Replanner(al.Allocator(time_limit="10 s"), share="0.02")
    assert [rule.plan(at[now]).sets["g"] for now in (0, 49, 50)] == [0, 0, 5]


def test_the_replanner_keeps_its_plan_until_enough_moved() -> None:
    rule = al.Replanner(al.Allocator(time_limit="10 s"), share="0.02")
    first = rule.plan(BASE)
    # Small steps count from where the plan was made, not from the last look.
    assert rule.plan(changed(account={"free": 101})) is first
    assert rule.plan(changed(account={"free": 102})) is first
    second = rule.plan(changed(account={"free": 103}))
    assert second is not first
    assert rule.plan(changed(account={"free": 102})) is second
    with pytest.raises(TypeError):
        al.Replanner(al.Allocator())  # type: ignore[call-arg]
    for share, error in ((-1, cm.ConfigError), (0.02, cm.InputTypeError)):
        with pytest.raises(error):
            al.Replanner(al.Allocator(), share=share)


def test_the_replanner_asks_again_where_no_plan_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    allocator = al.Allocator(time_limit="10 s")
    rule = al.Replanner(allocator, share="0.02")
    first = rule.plan(BASE)
    far = changed(account={"free": 50})
    with monkeypatch.context() as patch:
        patch.setattr(allocator, "_limit", 0.0)
        late = rule.plan(far)
        assert late.is_last
        assert late.sets == first.sets
    found = rule.plan(far)
    assert not found.is_last
    assert found.sets == {"x": 4}


def gold(**free: object) -> al.Snapshot:
    """Return a hedge on two islands: as written it buys at home, mirrored it buys abroad."""
    accounts = [
        state("sh", free.get("sh", 900), minimum=100, island="onshore"),
        state("ny", free.get("ny", 30), island="offshore", currency="USD"),
    ]
    asks = [
        al.Demand(
            name="gold",
            strategy="s",
            sets=2,
            needs={"sh": 100, "ny": 10},
            mirror={"sh": 80, "ny": 2},
            edge=20,
            within="1 h",
        ),
        demand("other", 1, 1, sh=160),
    ]
    return snapshot(accounts, asks)


def test_the_plan_says_which_way_a_hedge_can_be_carried() -> None:
    found = plan(gold())
    assert found.sets == {"gold": 2, "other": 1}
    # 900 − 100 − 160 of the other one: 640 at home, 30 abroad.
    assert found.skews == {
        "gold": al.Skew(
            written=3,
            mirrored=8,
            middle=-2,
            why="as written 3: ny on offshore has 30 USD for 10 a set; "
            "mirrored 8: sh on onshore has 640 CNY for 80 a set",
        )
    }
    rich = plan(gold(ny=1000)).skews["gold"]
    assert (rich.written, rich.mirrored, rich.middle) == (6, 8, -1)
    low = plan(gold(sh=50)).skews["gold"]
    assert (low.written, low.mirrored, low.middle) == (0, 0, 0)
    assert "sh on onshore has 0 CNY" in low.why


def test_what_comes_too_late_carries_nothing() -> None:
    ask = dataclasses.replace(demand("x", 5, 10, b=10), mirror={"b": 20})
    late = demand("y", 5, 10, "4 h", b=10)
    accounts = [state("a", 100), state("b", 45)]
    found = plan(snapshot(accounts, [ask, late], (route("a", "b", 100, lead="2 h"),)))
    # Four sets within the hour; what arrives in two hours is for the later demand.
    assert found.sets == {"x": 4, "y": 5}
    assert (found.skews["x"].written, found.skews["x"].mirrored) == (4, 2)


def test_a_mirror_is_read_like_needs() -> None:
    for mirror, error in (
        ({"z": 1}, cm.ConfigError),
        ({}, cm.ConfigError),
        ({"a": 0}, cm.ConfigError),
        ({"a": 0.5}, cm.InputTypeError),
    ):
        ask = dataclasses.replace(demand("x", 1, 1, a=1), mirror=mirror)
        with pytest.raises(error):
            plan(snapshot([state("a", 1)], [ask]))

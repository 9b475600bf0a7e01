"""The study of leg work: venues that lose nothing, equal luck for all, and the documented failures.

The packages themselves are tried in `benches/legs/test_packages.py`, by `make peers-legs`.
"""

import dataclasses
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest

import legs.__main__ as study
from legs.models import REFERENCES
from legs.ours import OURS
from legs.outcome import Outcome, judged, run
from legs.schedule import (
    FAULTS,
    LIMIT,
    MILLI,
    SECOND,
    SHAPES,
    START,
    Book,
    Fate,
    Leg,
    Schedule,
    Shape,
    schedule,
)
from legs.summary import Summary, figures, plot, tables
from legs.venue import FEE, Desk, Model

Make = Callable[[Schedule], Model]
MODELS: dict[str, Make] = {**OURS, **REFERENCES}
PAIR = Shape("1:1", (Leg("A.x", -1, 1), Leg("B.x", 1, 1)), 5)
SANE = Fate(5 * MILLI, 5 * MILLI)
REJECTED = dataclasses.replace(SANE, reject="permission")


@dataclass(frozen=True)
class Made(Schedule):
    """A schedule by hand: fates by (leg, number), and by leg for all the others."""

    fates: dict[tuple[int, int], Fate] = field(default_factory=dict)
    rest: dict[int, Fate] = field(default_factory=dict)

    def fate(self, leg: int, number: int) -> Fate:
        return self.fates.get((leg, number), self.rest.get(leg, SANE))


def flat(bid: int, lots: int = 50) -> Book:
    return Book(((bid, lots), (bid - 1, lots)), ((bid + 1, lots), (bid + 2, lots)))


def made(
    fates: dict[tuple[int, int], Fate] | None = None,
    rest: dict[int, Fate] | None = None,
    *,
    shape: Shape = PAIR,
    step: int = 200 * MILLI,
) -> Made:
    """Return a schedule of markets that stand still, with these fates."""
    times = range(START, LIMIT, step)
    bids = [1000 - 10 * leg for leg in range(len(shape.legs))]
    paths = tuple(tuple((at, flat(bid)) for at in times) for bid in bids)
    return Made(
        seed=0,
        fault="made",
        shape=shape,
        struck=1,
        is_hopeless=False,
        halt=None,
        paths=paths,
        fates=fates or {},
        rest=rest or {},
    )


def worked(name: str, plan: Schedule) -> tuple[Desk, Outcome]:
    desk = Desk(plan, MODELS[name](plan))
    return desk, judged(desk, has_ended=desk.run())


# The venues.


@pytest.mark.parametrize("name", MODELS)
def test_venues_invent_and_lose_nothing(name: str) -> None:
    for fault in FAULTS:
        plan = schedule(3, fault)
        desk, _ = worked(name, plan)
        lots = [0] * len(plan.shape.legs)
        money, fees = list(lots), 0
        for order in desk.orders:
            assert 0 <= order.cum <= order.lots
            assert order.cum == sum(trade.lots for trade in order.trades)
            assert order.told <= {trade.id for trade in order.trades}
            for trade in order.trades:
                assert trade.lots > 0
                assert order.takes(trade.price)
                lots[order.leg] += order.side * trade.lots
                money[order.leg] -= order.side * trade.lots * trade.price
                fees += FEE * trade.lots
        assert (lots, money, fees) == (desk.positions, desk.money, desk.fees)
        assert desk.messages >= len(desk.orders)


def test_no_level_gives_more_than_it_shows() -> None:
    plan = made(shape=Shape("1:1", PAIR.legs, 60))
    desk, outcome = worked("timeout_rejects", plan)
    by_price = {trade.price: trade.lots for order in desk.orders for trade in order.trades}
    assert by_price == {1000: 50, 999: 10, 991: 50, 992: 10}
    assert outcome.loss == 10 + 10


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_comes_to_the_same(name: str) -> None:
    first = [run(MODELS[name], 5, fault) for fault in FAULTS]
    schedule.cache_clear()
    assert [run(MODELS[name], 5, fault) for fault in FAULTS] == first


def test_luck_does_not_depend_on_who_is_asked_first() -> None:
    for fault in FAULTS:
        plan = schedule(7, fault)
        ahead = [plan.fate(leg, number) for leg in (0, 1) for number in range(20)]
        behind = [plan.fate(leg, number) for leg in (1, 0) for number in reversed(range(20))]
        assert ahead[:20] == behind[20:][::-1]
        assert ahead[20:] == behind[:20][::-1]


def test_every_fault_and_shape_is_there() -> None:
    fates = {
        fault: [schedule(seed, fault) for seed in range(12)] for fault in FAULTS if fault != "mixed"
    }
    assert {plan.shape for plans in fates.values() for plan in plans} == set(SHAPES)
    hits: dict[str, Callable[[Fate], Any]] = {
        "rejected": lambda fate: fate.reject,
        "partial": lambda fate: fate.part is not None,
        "news_lost": lambda fate: fate.is_silent,
        "order_lost": lambda fate: fate.is_lost,
        "news_late": lambda fate: fate.news_late,
        "order_late": lambda fate: fate.late,
        "cancel_lost": lambda fate: fate.loses_cancel,
        "cancel_race": lambda fate: fate.races,
    }
    for fault, plans in fates.items():
        for name, is_hit in hits.items():
            hit = any(is_hit(plan.fate(plan.struck, at)) for plan in plans for at in range(5))
            assert hit == (name == fault), (fault, name)
        others = [plan.fate(1 - plan.struck, 0) for plan in plans if plan.struck < 2]
        assert not any(is_hit(fate) for fate in others for is_hit in hits.values())


# What is judged.


def test_loss_is_against_the_touch_of_the_decision() -> None:
    _, outcome = worked("retry_then_stop", made())
    assert outcome.sets == 5
    assert outcome.residual == 0
    assert outcome.loss == 0
    assert outcome.has_ended
    # The first leg alone: sold at 1000, worth 1000.5 in the middle, and a fee for each lot.
    _, outcome = worked("do_nothing", made(rest={1: REJECTED}))
    assert outcome.sets == 0
    assert outcome.residual == 5
    assert outcome.loss == 5 * (Fraction(1, 2) + FEE)
    # Sent back: a tick between bid and ask, and two fees.
    _, outcome = worked("revert_full", made(rest={1: REJECTED}))
    assert outcome.sets == 0
    assert outcome.residual == 0
    assert outcome.loss == 5 * (1 + 2 * FEE)


def test_residual_counts_in_lots_of_the_leg_with_most() -> None:
    shape = Shape("1:3", (Leg("A.x", -1, 1), Leg("B.x", 1, 3)), 3)
    _, outcome = worked("do_nothing", made(rest={1: REJECTED}, shape=shape))
    assert outcome.residual == 9


# The documented failures, and ours on the same schedules.

PART = dataclasses.replace(SANE, part=400)
MOST = dataclasses.replace(SANE, part=600)
# Two fifths trade and the rest is cancelled; the other leg is rejected.
CASE_C = made({(0, 0): PART, (1, 0): REJECTED})
# The first leg is full, of the other three fifths trade and the rest is cancelled.
CASE_D = made({(1, 0): MOST})
HOPELESS = made(rest={1: REJECTED})
LATE = made({(1, 0): dataclasses.replace(SANE, late=18 * SECOND)})
LOST = made({(1, 0): dataclasses.replace(SANE, is_lost=True)})


def test_retrying_sends_the_full_amount_past_its_count_and_leaves_a_leg() -> None:
    desk, outcome = worked("retry_then_stop", HOPELESS)
    assert {order.lots for order in desk.orders} == {5}
    assert len([order for order in desk.orders if order.leg == 1]) > 4
    assert desk.positions == [-5, 0]
    assert outcome.has_ended


def test_retrying_waits_for_ever_behind_a_part() -> None:
    desk, outcome = worked("retry_then_stop", CASE_D)
    assert desk.positions == [-5, 3]
    assert not outcome.has_ended


def test_chasing_knows_no_end() -> None:
    desk, outcome = worked("chase_forever", made(rest={1: REJECTED}, step=50 * MILLI))
    assert len(desk.orders) > 1000
    assert outcome.is_still_sending
    assert desk.positions == [-5, 0]


def test_chasing_takes_what_is_below_a_set_for_hedged() -> None:
    shape = Shape("3:1", (Leg("A.x", -1, 3), Leg("B.x", 1, 1)), 1)
    fates = {(0, 0): dataclasses.replace(SANE, part=700)}
    rejected = {(0, number): REJECTED for number in range(1, 2000)}
    desk, outcome = worked("chase_forever", made({**fates, **rejected}, shape=shape))
    assert desk.positions == [-2, 0]
    assert outcome.has_ended


def test_reverting_leaves_what_was_cancelled_in_part() -> None:
    desk, outcome = worked("revert_full", CASE_C)
    assert desk.positions == [-2, 0]
    assert outcome.has_ended
    desk, outcome = worked("revert_full", CASE_D)
    assert desk.positions == [0, 3]
    assert outcome.has_ended


def test_a_timeout_that_rejects_trades_twice() -> None:
    desk, outcome = worked("timeout_rejects", LATE)
    assert desk.positions == [-5, 10]
    assert outcome.is_over_target


def test_doing_nothing_leaves_a_leg() -> None:
    desk, outcome = worked("do_nothing", HOPELESS)
    assert desk.positions == [-5, 0]
    assert (outcome.messages, outcome.has_ended) == (2, True)


def test_paying_up_knows_no_end() -> None:
    desk, outcome = worked("payup_unbounded", HOPELESS)
    assert outcome.is_still_sending
    assert outcome.residual == 5
    prices = [order.price for order in desk.orders if order.leg == 1 and order.price is not None]
    assert prices == sorted(set(prices))
    assert len(prices) > 10


@pytest.mark.parametrize(
    "plan", [CASE_C, CASE_D, HOPELESS, LATE, LOST], ids=["C", "D", "no", "late", "lost"]
)
def test_ours_ends_aligned_in_each_of_these(plan: Schedule) -> None:
    desk, outcome = worked("ours", plan)
    assert outcome.residual == 0
    assert outcome.has_ended
    assert outcome.messages < 30
    assert not outcome.is_over_target
    assert desk.now < LIMIT


def test_ours_holds_what_it_cannot_prove_in_time_and_says_so() -> None:
    lost = {(1, number): dataclasses.replace(SANE, is_lost=True) for number in range(9)}
    plan = made(lost)
    desk, outcome = worked("ours", plan)
    assert desk.positions == [-5, 0]
    assert not outcome.has_ended
    model: Any = desk.model
    ends = [alert for alert in model.alerts if alert.code == "attempt_ended"]
    assert [alert.urgency for alert in ends] == ["alarm"]


# What is told.


def test_figures_tables_and_plot_are_of_all_models() -> None:
    first = {
        ("ours", "calm"): Summary(),
        ("ours", "thin"): Summary(),
        ("other", "calm"): Summary(),
        ("other", "thin"): Summary(),
    }
    one = Outcome(
        sets=Fraction(2),
        wanted=4,
        residual=Fraction(1),
        loss=Fraction(7, 2),
        messages=3,
        millis=10,
        has_ended=True,
        is_still_sending=False,
        is_over_target=False,
    )
    two = Outcome(
        sets=Fraction(4),
        wanted=4,
        residual=Fraction(0),
        loss=Fraction(-1),
        messages=5,
        millis=60_000,
        has_ended=False,
        is_still_sending=True,
        is_over_target=True,
    )
    for cell in first.values():
        cell.add(one)
    first["ours", "thin"].add(two)
    assert figures(first)[0] == (
        "FIGURE peers_legs.ours runs=3 residual_runs=2 residual_units=2.0 worst_loss=3.5 "
        "mean_loss=2.00 messages_mean=3.67 messages_max=5 time_mean_ms=20007 time_max_ms=60000 "
        "never_ended=1 still_sending=1 over_target_runs=1 sets_done=0.667"
    )
    assert [line.split()[1] for line in figures(first)] == ["peers_legs.ours", "peers_legs.other"]
    assert "| `ours` | 2 | 2.0 | 1 | 3.5 | 2.00 |" in tables(first)
    root = ElementTree.fromstring(plot(first))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours", "other", "worst loss, USD"} <= set(texts)


def test_a_chunk_is_the_sum_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "makers", lambda: MODELS)
    found = study.chunk("partial", 2, 5)
    assert list(found) == list(MODELS)
    expected = Summary()
    for seed in (2, 3, 4):
        expected.add(run(MODELS["revert_full"], seed, "partial"))
    assert found["revert_full"] == expected


def test_what_does_not_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "No module named 'absent'"

    def absent() -> Make:
        raise ModuleNotFoundError(reason)

    study.packages.cache_clear()
    monkeypatch.setattr(study, "PACKAGES", {"absent": absent})
    assert study.packages() == ({}, {"absent": f"ModuleNotFoundError: {reason}"})
    study.packages.cache_clear()

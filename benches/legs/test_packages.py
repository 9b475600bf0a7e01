"""What the packages do, in the environment of `make peers-legs`."""

from typing import Any

import pytest

from legs.models import REFERENCES
from legs.outcome import judged, run
from legs.packages import PACKAGES, Make
from legs.schedule import FAULTS, schedule
from legs.venue import Desk


@pytest.fixture(scope="module")
def vnpy() -> Make:
    return PACKAGES["vnpy_spreadtrading"]()


@pytest.fixture(scope="module")
def flox() -> Make:
    return PACKAGES["flox_py"]()


def hopeless() -> int:
    """Return a seed whose second leg is rejected for ever."""
    plans = ((seed, schedule(seed, "rejected")) for seed in range(1000))
    return next(seed for seed, plan in plans if plan.is_hopeless and plan.struck)


def test_vnpy_sends_without_end_when_it_is_rejected(vnpy: Make) -> None:
    outcome = run(vnpy, hopeless(), "rejected")
    assert outcome.messages > 200
    assert outcome.is_still_sending
    assert outcome.residual > 0


def test_vnpy_takes_what_is_below_a_set_for_hedged(vnpy: Make) -> None:
    """Ratio 1:3 turned round: 2 of 3 lots of the active leg are no set, so nothing is hedged."""
    plan = schedule(next(s for s in range(99) if schedule(s, "calm").shape.name == "2:1:1"), "calm")
    model: Any = vnpy(plan)
    desk = Desk(plan, model)
    send = desk.send

    def one_lot(leg: int, side: int, lots: int, price: int | None, *, rests: bool) -> Any:  # noqa: ANN401
        if leg == 0 and desk.numbers[0]:
            return send(leg, side, lots, 10**6 * -side, rests=rests)
        return send(leg, side, 1 if leg == 0 else lots, price, rests=rests)

    desk.send = one_lot  # type: ignore[method-assign]
    desk.run()
    assert desk.positions[0] == -1
    assert model.algo.is_hedge_finished()
    assert judged(desk, has_ended=True).residual > 0


def test_vnpy_waits_for_ever_for_news_that_was_lost(vnpy: Make) -> None:
    outcomes = [run(vnpy, seed, "order_lost") for seed in range(10)]
    assert any(not outcome.has_ended for outcome in outcomes)


@pytest.mark.parametrize("fault", FAULTS)
def test_flox_does_what_its_model_does(flox: Make, fault: str) -> None:
    for seed in range(10):
        assert run(flox, seed, fault) == run(REFERENCES["revert_full"], seed, fault)


def test_flox_leaves_what_was_cancelled_in_part(flox: Make) -> None:
    """Two fifths traded and cancelled, the other leg rejected: nothing is recommended."""
    model: Any = flox(schedule(0, "calm"))
    group = model.lrvx.OrderGroup(1, model.lrvx.ALL_OR_NOTHING)
    for leg in (0, 1):
        group.add_market_leg(leg, leg, 1.0)
        group.record_submit(leg, leg + 1)
    group.record_fill(0, 0.4)
    group.record_cancel(0)
    group.record_failure(1)
    assert group.recommended_actions() == []

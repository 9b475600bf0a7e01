"""The use of money: integrals by hand, paired runs, and the engine's own money beside the model."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest

import by_hand
from cross_market import events as ev
from golden import data
from kpi import assumed, figures, measure, told
from kpi.arms import Integrated, Naive, Separate
from kpi.assumed import DAY, Assumed
from kpi.desk import Call, Desk
from kpi.tape import UNIT, Account, Hedge, Instrument, Settlement, Tape, drawn

pytestmark = pytest.mark.skipif(
    data.data_folder() is None, reason="the recorded markets are not beside the project"
)
USUAL = Fraction(1, 100)


@pytest.fixture(scope="module")
def short() -> Assumed:
    """Return the assumptions with fewer days."""
    known = assumed.load()
    tape = known.tape | {"warm": 5, "days": 10, "month": 5, "holidays": 1}
    return dataclasses.replace(known, tape=tape)


@pytest.fixture(scope="module")
def tape(short: Assumed) -> Tape:
    return drawn(short, 3)


@pytest.fixture(scope="module")
def own(tape: Tape) -> Desk:
    return Integrated(tape, failures=USUAL).run()


def by_points(tape: Tape, points: list[tuple[int, int, int, int, int]]) -> Desk:
    """Return a desk whose first account stood so, and whose others had nothing."""
    desk = Desk(tape, failures=Fraction(0))
    desk.paths = [[(0, 0, 0, 0, 0)] for _ in tape.accounts]
    desk.paths[0] = points
    return desk


def test_capital_occupied_is_the_larger_of_earmark_and_need(tape: Tape) -> None:
    day = next(each for each in range(5, 15) if each not in tape.shut["onshore"])
    start = day * DAY
    opens, shuts = next((a, b) for a, b in tape.windows if start <= a)
    half = (opens + shuts) // 2
    # Time, equity, need, buffer, earmark: half of the first window 100 of 400, then 300 of 400.
    desk = by_points(tape, [(0, 400, 50, 0, 100), (half, 400, 300, 0, 100)])
    of = measure.integral(desk, measure.occupied, start=opens, end=shuts)
    every = measure.integral(desk, measure.equity, start=opens, end=shuts)
    assert Fraction(of, every) == Fraction(200, 400)


def test_money_that_is_needed_within_the_refill_time_is_not_idle(tape: Tape) -> None:
    refill = assumed.ms(tape.assumed.money["refill"])
    # All of it is needed for one ms; before that, within the refill's time, it was not idle.
    at = tape.end - DAY
    desk = by_points(tape, [(0, 400, 100, 60, 0), (at, 400, 400, 60, 0), (at + 1, 400, 100, 60, 0)])
    assert measure.coming_need(desk.paths[0], refill)[:2] == [(-refill, 100), (at - refill, 400)]
    long_before = measure.idle(desk, tape.start, at - refill)
    assert long_before == Fraction(240, 400)
    assert measure.idle(desk, at - refill, at) == 0


def test_a_seed_says_the_same_twice_and_a_replay_is_the_run(tape: Tape, own: Desk) -> None:
    again = Integrated(tape, failures=USUAL).run()
    assert again.paths == own.paths
    assert own.counts.entered > 0
    replayed = Integrated(tape, failures=USUAL, replay=own.executed).run()
    assert measure.k1(replayed) == measure.k1(own)
    apart = Separate(tape, tape.assumed.scripts, failures=USUAL, replay=own.executed).run()
    # The same list, and earmarks on top of it.
    assert measure.k1(apart) > measure.k1(own)


def test_no_money_is_made_or_lost(own: Desk) -> None:
    own.compare()
    own.cash[0] += 1
    with pytest.raises(ArithmeticError, match="from nowhere"):
        own.compare()
    own.cash[0] -= 1


def test_a_demand_is_met_by_who_plans_for_it(tape: Tape) -> None:
    calls = [
        Call(day * DAY, (day + 3) * DAY, account, tape.equity[account] // UNIT * UNIT)
        for day, account in ((6, 0), (8, 1))
    ]
    planned = Integrated(tape, failures=Fraction(0), calls=calls).run().counts
    simple = Naive(tape, failures=Fraction(0), calls=calls).run().counts
    assert (planned.called, simple.called) == (2, 2)
    assert planned.met >= simple.met


def test_lines_say_the_risk_beside_the_figure(
    short: Assumed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(figures, "assumptions", lambda: short)
    row = figures.of_seed(3)
    told.tables([row])
    told.figures([row])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FIGURE")]
    assert [line.split()[1] for line in lines] == ["kpi.K1", "kpi.K2", "kpi.K3", *["kpi.K8"] * 4]
    assert all("same_risk=" in line for line in lines[:3])
    worse = dataclasses.replace(row.arms["I"], risk=(10**6, 0))
    risky = dataclasses.replace(row, arms={**row.arms, "I": worse})
    assert told.same_risk([risky], "risk") == "no"
    slower = figures.of_seed(3, swept=("notice", "4"))
    # Demands are sized by what all arms have; what the engine does by itself is the same.
    assert slower.arms["I"].k2 == row.arms["I"].k2
    assert slower.arms["S0"].k2 != row.arms["S0"].k2


# The model of money is the engine's.


def small(short: Assumed) -> Tape:
    """Return a tape of the small configuration: 100 g at 0.01 USD/g, a tenth of it as margin."""
    tick = UNIT
    made = [Instrument(name, "gold", tick, 1_000, 1) for name in (by_hand.NORTH, by_hand.SOUTH)]
    accounts = [
        Account(name, name, "USD", of) for name, of in zip(("one", "two"), made, strict=True)
    ]
    islands = {each.island: short.islands["onshore"] for each in accounts}
    given = dataclasses.replace(
        short, islands=islands, integrated=short.integrated | {"collar": 200}
    )
    first = {by_hand.NORTH: 10_100, by_hand.SOUTH: 10_002}
    tape = Tape(assumed=given, seed=0, start=0, end=DAY, accounts=accounts, first=first)
    tape.hedges.append(Hedge("gold", 0, (0, 1), (-1, 1), UNIT))
    tape.rates = [10_000]
    tape.shut = {island: set() for island in ("onshore", *islands)}
    tape.buffers = {(each.name, side): [0, 0] for each in made for side in (1, -1)}
    tape.equity = [20_000 * UNIT] * 2
    return tape


def money(desk: by_hand.Desk, column: str) -> list[int]:
    rows = desk.session.funds().to_pylist()
    return [int(row[column] * UNIT) for row in rows]


def test_the_model_needs_what_the_engine_needs(short: Assumed, tmp_path: Path) -> None:
    desk = by_hand.Desk(by_hand.config(), tmp_path / "journal")
    model = Integrated(small(short), failures=Fraction(0))
    desk.quote(by_hand.NORTH, 10_100)
    desk.quote(by_hand.SOUTH, 10_000)
    orders = desk.places()
    assert [each.price for each in orders] == [10_100, 10_002]
    # Beside what the model holds, the engine holds the fee of 1 USD, the tick from the middle of
    # the book to the limit, and for a sale a tenth of it: its margin is of the higher price.
    beside = [2 * UNIT + UNIT // 10, 2 * UNIT]
    held = money(desk, "held")
    assert [mine - more for mine, more in zip(held, beside, strict=True)] == list(model.held(0, 1))
    for order in orders:
        desk.fill(order)
    model.hold_sets(0, 0, 1)
    model.hold_sets(0, 1, 1)
    assert money(desk, "margin") == model.margin
    assert money(desk, "held") == [0, 0]
    prices = {by_hand.NORTH: 10_150, by_hand.SOUTH: 10_020}
    day = desk.now // (DAY * 10**6)
    for name, price in prices.items():
        desk.say(ev.Settle(instrument=name, exchange=desk.now, price=price, day=day))
    for account, (name, price) in zip(model.tape.accounts, prices.items(), strict=True):
        model.settle(Settlement(0, account.island, DAY, {name: price}))
    assert money(desk, "margin") == model.margin
    assert money(desk, "variation") == [cash - 20_000 * UNIT for cash in model.cash]

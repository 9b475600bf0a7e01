"""Alerts as episodes: when they begin, what follows, when they are handled and over."""

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

import by_hand
import cross_market as cm
from by_hand import MS, NORTH, SOUTH, Desk
from cross_market import events as ev
from cross_market import testing
from cross_market.commands import Alert

USAGE = cm.Threshold(
    "capital_usage", each="account", warn="0.04", restrict="0.12", cancel="0.13", clear="0.01"
)


FAULTS = ("leg_rejected", "both_partial", "cancel_lost", "fill_twice", "disconnect")


def usage(**levels: str) -> cm.Threshold:
    return cm.Threshold("capital_usage", of="one", **levels)


def test_an_episode_climbs_and_is_over(tmp_path: Path) -> None:
    led = Desk(by_hand.config(USAGE), tmp_path / "run")
    led.entered()
    mine = [each for each in led.history if each.scope == ("account", "one")]
    [began] = mine
    assert (began.metric, began.level, began.urgency) == ("capital_usage", "warn", "warn")
    assert began.path[0].limit == Decimal("0.04")
    assert Decimal("0.05") < Decimal(began.path[0].value or 0) < Decimal("0.051")
    # It is the fill that brought it, which the venue told a millisecond before we heard it.
    assert began.cause == ("report", "one")
    assert began.recognised == began.onset + MS + 1
    assert began.handled == began.recognised
    assert began.commanded is None
    assert (began.is_open, began.is_threshold, began.to_action_ns) == (True, True, MS + 1)
    # Alike in both: the set is given back, and nothing is used.
    led.quote(NORTH, 10_000)
    for order in led.places(kind="exit"):
        led.fill(order)
    assert led.episodes.open == ()
    ended = [each for each in led.history if each.ended is not None]
    assert [each.scope[1] for each in ended] == ["one", "two"]
    assert [rung.level for rung in ended[0].path] == ["warn", "normal"]
    assert ended[0].number == began.number
    assert ended[0].worst.level == "warn"


def test_it_is_handled_when_what_entered_is_dead(tmp_path: Path) -> None:
    made = by_hand.config(usage(warn="0.04", cancel="0.08"))
    led = Desk(made, tmp_path / "run")
    led.entered()
    # A better price: the second set.
    led.quote(NORTH, 10_100)
    north, south = led.places()
    led.fill(north)
    [cancel] = led.cancels()
    assert cancel.order == south.order
    [acting] = led.changed
    assert acting.level == "cancel"
    assert acting.cancelled == (south.order,)
    assert acting.commanded == led.now
    assert (acting.handled, acting.to_handled_ns) == (None, None)
    # That the cancel is on its way proves nothing, nor does an acknowledgement of the order.
    assert led.report(south, ev.Accepted()) == []
    assert led.changed == []
    led.report(south, ev.Cancelled(cum=0))
    # What has traded already is mended, which is another thing to know.
    handled, mended = led.changed
    assert (mended.metric, mended.path[0].value) == ("repair_chosen", 1)
    assert handled.handled == led.now
    assert handled.to_handled_ns == led.now - handled.onset
    assert handled.is_open
    # Open until the attempt has ended, however often it is told.
    assert (mended.is_open, mended.handled) == (True, None)
    again = Alert("repair_chosen", "warn", None, 1, mended.scope, 2_000_000_000, 0)
    [more] = led.episodes.take(led.now, None, [again])
    assert (more.number, [rung.value for rung in more.path]) == (mended.number, [2])
    ended = Alert("attempt_ended", "info", None, 1, mended.scope, 0, 0)
    [over] = led.episodes.take(led.now + 1, None, [ended])
    assert (over.number, over.ended, over.handled) == (mended.number, led.now + 1, led.now + 1)


def test_a_fill_in_pieces_ends_an_order_with_the_last_of_them(tmp_path: Path) -> None:
    made = dataclasses.replace(by_hand.config(usage(warn="0.04", cancel="0.15")))
    size = cm.Size(clip=2, max=4, overnight=4, holiday=4)
    hedge = dataclasses.replace(made.hedges[0], size=size)
    execution = dataclasses.replace(hedge.execution, live_residual="200 g")
    hedge = dataclasses.replace(hedge, execution=execution)
    led = Desk(dataclasses.replace(made, hedges=[hedge]), tmp_path / "run", money=12_000)
    led.quote(NORTH, 10_100)
    led.quote(SOUTH, 10_000)
    north, south = led.places()
    assert (north.qty, south.qty) == (2, 2)
    led.fill(north)
    assert led.changed[0].level == "cancel"

    def half(trade: str, cum: int) -> ev.Fill:
        common = {"side": "buy", "price": south.price, "fee": 0, "fee_currency": "USD"}
        return ev.Fill(trade_id=trade, qty=1, cum=cum, **common)  # type: ignore[arg-type]

    led.report(south, half("a", 1))
    # Delivered twice it is one execution still.
    led.report(south, half("a", 1))
    assert led.changed == []
    led.report(south, half("b", 2))
    assert [each.handled for each in led.changed if each.scope[1] == "one"] == [led.now]


def test_sets_that_are_given_back_are_counted(tmp_path: Path) -> None:
    made = by_hand.config(usage(warn="0.04", reduce="0.09", clear="0.01"))
    led = Desk(made, tmp_path / "run")
    led.entered()
    led.quote(NORTH, 10_100)
    north, south = led.places()
    led.fill(north)
    [acting] = led.changed
    assert (acting.level, acting.reduced, acting.cancelled) == ("reduce", 0, (south.order,))
    # Filled all the same: both sets are held, and are given back a clip at a time.
    led.fill(south)
    [reducing] = [each for each in led.changed if each.scope[1] == "one"]
    assert (reducing.reduced, reducing.handled) == (1, None)
    for order in led.places(kind="reduce"):
        led.fill(order)
    [done] = [each for each in led.changed if each.scope[1] == "one"]
    assert done.level == "warn"
    assert (done.reduced, done.handled) == (1, led.now)


def test_a_halt_is_an_episode_of_its_own_until_it_is_lifted(tmp_path: Path) -> None:
    led = Desk(by_hand.config(usage(warn="0.04", halt="0.08")), tmp_path / "run")
    led.entered()
    led.quote(NORTH, 10_100)
    north, south = led.places()
    led.fill(north)
    levels = {each.metric: each for each in led.changed}
    assert levels["capital_usage"].level == "halt"
    assert levels["halted"].cancelled == levels["capital_usage"].cancelled == (south.order,)
    led.report(south, ev.Cancelled(cum=0))
    assert {each.metric for each in led.changed if each.handled == led.now} >= set(levels)
    led.say(ev.Control(actor="desk", verb=ev.Unlatch(scope=ev.Scope(account="one"))))
    [lifted] = led.changed
    assert (lifted.metric, lifted.ended) == ("halted", led.now)


def test_a_margin_call_has_a_due_time_and_ends_with_its_restriction(tmp_path: Path) -> None:
    led = Desk(by_hand.config(), tmp_path / "run")
    led.entered()
    drawn = ev.Cash(account="one", exchange=led.now, kind="transfer", amount=-19_500)
    led.say(drawn)
    call, restricted = sorted(led.changed, key=lambda each: each.number)
    assert (call.metric, call.scope, call.urgency) == ("shortfall", ("account", "one"), "alarm")
    assert call.due == led.now + 1
    assert Decimal(call.path[0].value or 0) > 500
    assert (restricted.metric, call.handled, restricted.ended) == ("restricted", None, None)
    led.say(ev.Cash(account="one", exchange=led.now, kind="transfer", amount=19_500))
    led.session.unrestrict(account="one", now=led.now)
    led.say(
        ev.Control(actor="desk", verb=ev.Unrestrict(scope=ev.Scope(account="one"))),
    )
    assert {each.metric for each in led.changed if each.ended == led.now} == {
        "shortfall",
        "restricted",
    }


def test_a_link_is_open_until_it_is_back_and_a_conflict_lasts_a_moment(tmp_path: Path) -> None:
    led = Desk(by_hand.config(), tmp_path / "run")
    led.say(ev.Link(state="down", account="two"))
    [down] = led.changed
    assert (down.metric, down.is_open, down.handled) == ("link_down", True, None)
    led.say(ev.Link(state="up", account="two"))
    assert led.changed == []
    led.say(ev.Link(state="resynced", account="two"))
    assert [(each.ended, each.handled) for each in led.changed] == [(led.now, led.now)]
    stranger = ev.Report(
        account="two", instrument=SOUTH, exchange=led.now, receive=led.now, news=ev.Accepted()
    )
    led.say(stranger)
    moments = [each for each in led.changed if each.metric == "external"]
    assert [(each.recognised, each.ended) for each in moments] == [(led.now, led.now)]


def test_the_journal_tells_the_same_episodes(tmp_path: Path) -> None:
    led = Desk(by_hand.config(USAGE), tmp_path / "run")
    led.entered()
    led.quote(NORTH, 10_100)
    north, south = led.places()
    led.fill(north)
    led.report(south, ev.Cancelled(cum=0))
    led.say(ev.Link(state="down", account="two"))
    live = {each.number: each for each in led.history}
    led.session.close()
    told = cm.audit.episodes(led.session.path, due=lambda account, now: now + 1)
    assert told == tuple(live[number] for number in sorted(live))
    assert len(told) >= 3


def test_a_session_that_goes_on_has_its_episodes(tmp_path: Path) -> None:
    made = by_hand.config(USAGE)
    led = Desk(made, tmp_path / "run")
    led.entered()
    led.session.close()
    with cm.Session(made, journal=tmp_path / "run", now=led.now + MS, durable="os") as again:
        fold = cm.audit.Episodes(made, journal=again.path)
        assert fold.open == led.episodes.open
        down = ev.Link(state="resynced", account="two")
        [_, _, third] = [*fold.open, *fold.take(led.now + 2 * MS, down, link_down())]
    assert third.number == 3


def link_down() -> list[Alert]:
    return [Alert("link_down", "alarm", None, 0, ("account", "two"), 0, 0)]


@pytest.mark.parametrize("seed", range(4))
def test_every_change_of_a_level_is_in_one_episode(tmp_path: Path, seed: int) -> None:
    """On worlds with faults: nothing is lost, nothing is told twice, moments follow each other."""
    ladder = cm.Threshold(
        "capital_usage", each="account", warn="0.0005", restrict="0.0008", cancel="0.001"
    )
    made = by_hand.config(ladder, cm.Threshold("orders", each="instrument", warn=2, cancel=4))
    quotes = [(at + 3000 * n, *rest) for n in range(6) for at, *rest in testing.SAMPLE]
    faults = [cm.Fault(name, chance="0.2") for name in FAULTS]
    venues = dataclasses.replace(testing.venues(made, seed=seed), faults=faults)
    result = cm.simulate(
        made,
        testing.quotes(quotes),  # type: ignore[arg-type]
        venues=venues,
        journal=tmp_path / "run",
    )
    assert result.journal is not None
    found = cm.audit.episodes(result.journal)
    codes = result.alerts["code"].to_pylist()
    rungs = sum(len(each.path) for each in found if each.is_threshold)
    assert rungs == codes.count("threshold") + codes.count("threshold_left") > 0
    last: dict[object, int | None] = {}
    for each in found:
        key = each.metric, each.scope
        assert key not in last or (last[key] or each.recognised + 1) <= each.recognised
        last[key] = each.ended
        assert each.onset <= each.recognised
        for moment in (each.commanded, each.handled, each.ended):
            assert moment is None or moment >= each.recognised
        assert (each.commanded is None) == (not (each.cancelled or each.reduced or each.transfers))
        assert [rung.at for rung in each.path] == sorted(rung.at for rung in each.path)


def test_what_waited_for_the_journal_is_a_step_too() -> None:
    made = by_hand.config(usage(warn="0.04", cancel="0.08"))
    fold = cm.audit.Episodes(made)
    engine = cm.Engine(made, start=testing.START)
    now = testing.START + 1
    assert fold.take(now, None, []) == []
    tick = ev.Tick()
    assert fold.take(now, tick, engine.handle(now, tick)) == []


def test_numbers_of_any_size_are_exact() -> None:
    fold = cm.audit.Episodes(by_hand.config())
    value = 12_345_678_901_234_567_890_123_456_789_012_345
    alert = Alert("shortfall", "alarm", None, 0, ("account", "one"), value, 0)
    [found] = fold.take(1, None, [alert])
    assert found.path[0].value == Decimal("12345678901234567890123456.789012345")
    assert found.due is None
    nothing = Alert("threshold", "alarm", None, 4, ("account", "one"), 1 << 120, 900_000_000)
    [found] = fold.take(2, None, [nothing])
    assert (found.path[0].value, found.path[0].limit) == (None, Decimal("0.9"))


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.cmj").write_bytes(b"no journal")
    with pytest.raises(cm.JournalError):
        cm.audit.episodes(tmp_path / "x.cmj")
    with pytest.raises(cm.InputTypeError):
        cm.audit.Episodes("gold")  # type: ignore[arg-type]


def test_the_table_of_alerts_names_codes_behind_a_gap(cm_config: cm.Config) -> None:
    """A code is no place in the list of words: two codes were given up."""
    watched = dataclasses.replace(
        cm_config, thresholds=[cm.Threshold("capital_usage", each="account", warn="0.0005")]
    )
    one, two = watched.accounts
    route = cm.Route(source=one, target=two, lead="1 s", most="1000 USD")
    made = dataclasses.replace(watched, routes=[route])
    moved = ev.Transfer(id=1, source="one", target="two", amount="10")
    result = cm.simulate(
        made,
        testing.quotes(testing.SAMPLE),
        venues=testing.venues(made),
        verbs=[(testing.START + 100 * MS, moved)],
    )
    codes = result.alerts["code"].to_pylist()
    assert {"threshold", "threshold_left"} <= set(codes)
    assert not any(code.startswith("transfer_r") for code in codes)
    assert any(code.startswith("transfer_") for code in codes)

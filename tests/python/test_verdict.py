"""A judge outside the engine: it acts in its step, expires, and is data of the journal."""

import dataclasses
import json
import logging
from pathlib import Path

import pytest

import by_hand
import cross_market as cm
from by_hand import MS, NORTH, SOUTH, Desk
from cross_market import _core, testing
from cross_market.policy import verdict

LADDER = cm.Threshold("verdict", each="hedge", warn=1, restrict=2, cancel=3)


def led(folder: Path) -> Desk:
    return Desk(by_hand.config(LADDER), folder)


def say(of: Desk, judge: verdict.Judge, *, lasts: str = "1 s") -> None:
    view = verdict.View.of(of.session, now=of.now)
    of.say(verdict.ask(judge, view, hedge="gold", lasts=lasts, failing="restrict"))


def test_a_verdict_acts_in_its_step_and_the_journal_replays_without_a_judge(
    tmp_path: Path,
) -> None:
    desk = led(tmp_path / "run")
    say(desk, lambda view: "restrict")
    [episode] = desk.changed
    assert (episode.metric, episode.scope, episode.level) == (
        "verdict",
        ("hedge", "gold"),
        "restrict",
    )
    desk.quote(NORTH, 10_100)
    desk.quote(SOUTH, 10_000)
    assert desk.places() == []
    # It never said a word again: nothing is wrong any more.
    desk.ms += 1_000
    desk.quote(NORTH, 10_100)
    assert not desk.episodes.open
    desk.session.close()
    assert cm.audit.replay(desk.session.path).events > 0
    [told] = cm.audit.episodes(desk.session.path)
    assert told.ended is not None


def test_a_verdict_ends_with_nothing_else_to_be_heard(tmp_path: Path) -> None:
    desk = led(tmp_path / "run")
    say(desk, lambda view: "warn", lasts="50 ms")
    until = desk.now - MS + 50 * MS
    assert desk.session.deadline() == until
    left = desk.session.handle(until, cm.events.Tick())
    assert [getattr(each, "code", None) for each in left] == ["threshold_left"]


def test_what_enters_is_cancelled(tmp_path: Path) -> None:
    desk = led(tmp_path / "run")
    desk.quote(NORTH, 10_100)
    desk.quote(SOUTH, 10_000)
    orders = [order.order for order in desk.places()]
    say(desk, lambda view: "halt")  # the ladder lets it go no further than `cancel`
    assert [cancel.order for cancel in desk.cancels()] == orders
    assert desk.changed[0].level == "cancel"


def test_a_judge_sees_where_things_stand(tmp_path: Path) -> None:
    desk = led(tmp_path / "run")
    desk.entered()

    def judge(view: verdict.View) -> str | None:
        assert view.now == desk.now
        assert view.funds["account"].to_pylist() == ["one", "two"]
        assert view.hedges["sets"].to_pylist() == [1]
        assert view.monitors["metric"].to_pylist() == ["verdict"]
        assert view.positions.num_rows > 0
        return None

    say(desk, judge)
    assert desk.changed == []


@pytest.mark.parametrize("says", ["awful", "normal", 7])
def test_a_judge_that_fails_has_not_said_that_all_is_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, says: object
) -> None:
    desk = led(tmp_path / "run")
    say(desk, lambda view: says)  # type: ignore[arg-type,return-value]
    assert desk.changed[0].level == "restrict"
    assert caplog.records[0].levelno == logging.ERROR
    desk.ms += 2_000

    def broken(view: verdict.View) -> str | None:
        raise ZeroDivisionError

    say(desk, broken)
    assert desk.episodes.open[0].level == "restrict"


def test_what_is_no_verdict_is_refused(tmp_path: Path) -> None:
    desk = led(tmp_path / "run")
    view = verdict.View.of(desk.session, now=desk.now)
    for changed in ({"failing": "normal"}, {"lasts": "0 s"}, {"lasts": "soon"}):
        given = {"hedge": "gold", "lasts": "1 s", "failing": "warn", **changed}
        with pytest.raises(cm.ConfigError):
            verdict.ask(lambda view: None, view, **given)
    made = testing.config()
    signal = cm.Estimate(enter="0.50 USD/g", exit="0.10 USD/g")
    priced = dataclasses.replace(made.hedges[0], signal=signal)
    with pytest.raises(cm.ConfigError, match="reads the estimates"):
        dataclasses.replace(made, hedges=[priced], thresholds=[LADDER])
    # The core refuses it as well, whoever wrote the document.
    stated = json.loads(dataclasses.replace(made, hedges=[priced]).to_json())
    heard = json.loads(by_hand.config(LADDER).to_json())
    stated["limits"]["thresholds"] = heard["limits"]["thresholds"]
    with pytest.raises(cm.ConfigError, match="no estimate"):
        _core.check_config(json.dumps(stated).encode())

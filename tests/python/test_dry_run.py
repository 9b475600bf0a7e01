"""Thresholds tried on a journal: what they see, what they would have done, what nobody can know."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import by_hand
import cross_market as cm
from by_hand import MS, NORTH, SOUTH, Desk
from cross_market import events as ev
from cross_market import testing


def usage(**levels: str) -> cm.Threshold:
    return cm.Threshold("capital_usage", **{"each": "account", **levels})


def lived(made: cm.Config, folder: Path) -> tuple[str, Desk]:
    """Enter twice, then give both sets back; return the journal's file and who led it."""
    led = Desk(made, folder)
    led.entered()
    led.quote(NORTH, 10_100)
    for order in led.places():
        led.fill(order)
    for _ in range(2):
        led.quote(NORTH, 10_000)
        for order in led.places(kind="exit"):
            led.fill(order)
    led.session.close()
    return led.session.path, led


def rows(table: Any, *names: str) -> list[tuple[object, ...]]:  # noqa: ANN401
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def test_with_the_action_off_it_tells_and_with_it_on_it_says_what_it_would_do(
    tmp_path: Path,
) -> None:
    path, led = lived(by_hand.config(), tmp_path / "run")
    ladder = usage(warn="0.04", restrict="0.07", cancel="0.08", clear="0.01")
    found = cm.dry_run(path, by_hand.config(ladder))
    assert rows(found.episodes, "metric", "name", "level", "cancels", "refused") == [
        ("capital_usage", "one", "cancel", 1, 0),
        ("capital_usage", "two", "cancel", 0, 0),
    ]
    assert all(row[0] is not None for row in rows(found.episodes, "ended_ns"))
    # The leg that had not traded yet, when the other one had.
    assert rows(found.actions, "action", "level", "account", "instrument") == [
        ("cancel", "cancel", "two", SOUTH)
    ]
    assert found.parted_ns is None
    assert "2 cancel" in repr(found)
    assert led.history == []


def test_the_first_answer_is_what_a_run_with_these_thresholds_does(tmp_path: Path) -> None:
    ladder = usage(warn="0.04", restrict="0.07", cancel="0.08", clear="0.01")
    path, _ = lived(by_hand.config(), tmp_path / "without")
    [said] = rows(cm.dry_run(path, by_hand.config(ladder)).actions, "now_ns", "id")
    acting = Desk(by_hand.config(ladder), tmp_path / "with")
    acting.entered()
    acting.quote(NORTH, 10_100)
    acting.fill(acting.places()[0])
    [cancel] = acting.cancels()
    assert said == (acting.now, cancel.order)


def test_what_entered_behind_a_restriction_would_not_have_begun(tmp_path: Path) -> None:
    path, _ = lived(by_hand.config(), tmp_path / "run")
    ladder = usage(restrict="0.04")
    found = cm.dry_run(path, by_hand.config(ladder))
    assert rows(found.actions, "action", "hedge", "sets") == [("refuse", "gold", 1)]
    assert rows(found.episodes, "level", "refused") == [("restrict", 1), ("restrict", 0)]


def test_a_named_one_without_a_level_has_no_such_level(tmp_path: Path) -> None:
    path, _ = lived(by_hand.config(), tmp_path / "run")
    named = cm.Threshold("capital_usage", of="two", warn="0.04")
    found = cm.dry_run(path, by_hand.config(usage(warn="0.04", cancel="0.08"), named))
    assert rows(found.episodes, "name", "level") == [("one", "cancel"), ("two", "warn")]


def test_what_gives_sets_back_and_what_halts_is_told(tmp_path: Path) -> None:
    path, _ = lived(by_hand.config(), tmp_path / "run")
    once = cm.Threshold("position", of=SOUTH, warn=1, reduce=2, clear=0)
    found = cm.dry_run(path, by_hand.config(once))
    assert rows(found.episodes, "metric", "level", "reduced") == [("position", "reduce", 1)]
    assert rows(found.actions, "action", "hedge", "sets") == [("reduce", "gold", 1)]
    stop = cm.Threshold("capital_usage", of="one", halt="0.08")
    found = cm.dry_run(path, by_hand.config(stop))
    assert [action for (action,) in rows(found.actions, "action")] == ["cancel", "halt"]


def test_the_path_down_is_that_of_each_level(tmp_path: Path) -> None:
    path, _ = lived(by_hand.config(), tmp_path / "run")
    found = cm.dry_run(path, by_hand.config(usage(warn="0.04", restrict="0.07", dwell="1 h")))
    # It never came down for so long.
    assert rows(found.episodes, "level", "ended_ns") == [("restrict", None)] * 2


def test_it_says_from_where_on_it_guesses(tmp_path: Path) -> None:
    own = usage(warn="0.03", cancel="0.08", clear="0.01")
    path, _ = lived(by_hand.config(own), tmp_path / "run")
    found = cm.dry_run(path, by_hand.config(usage(warn="0.04")))
    acted = [each for each in cm.audit.episodes(path) if each.cancelled and each.is_threshold]
    # With the action off nothing was cancelled there: what follows is of another run.
    assert found.parted_ns == acted[0].commanded
    assert "guesses from" in repr(found)


def test_a_policy_of_the_journal_keeps_its_limits_and_not_its_thresholds(tmp_path: Path) -> None:
    made = by_hand.config()
    led = Desk(made, tmp_path / "run")
    led.entered()
    limits = made.limits.for_account("one", usage_cap="0.06")
    held = dataclasses.replace(made, limits=limits, thresholds=[usage(halt="0.01")])
    led.say(ev.Control(actor="desk", verb=ev.Policy(config=held)))
    assert any(each.level == "halt" for each in led.changed)
    led.session.close()
    found = cm.dry_run(led.session.path, by_hand.config(usage(warn="0.04")))
    # The HALT of the journal cancelled nothing that lived.
    assert rows(found.episodes, "name", "level") == [("one", "warn"), ("two", "warn")]


def test_a_restart_goes_on(tmp_path: Path) -> None:
    made = by_hand.config()
    led = Desk(made, tmp_path / "run")
    led.entered()
    led.session.close()
    again = cm.Session(made, journal=tmp_path / "run", now=led.now + MS, durable="os")
    again.stop(now=led.now + 2 * MS)
    again.close()
    found = cm.dry_run(again.path, by_hand.config(usage(warn="0.04")))
    assert rows(found.episodes, "name", "ended_ns") == [("one", None), ("two", None)]
    assert found.parted_ns is None


def test_a_simulation_is_tried_as_well(tmp_path: Path) -> None:
    """The world's own journal: a dry run and a run with the thresholds see the same first."""
    made = testing.config()
    ladder = usage(warn="0.0005", restrict="0.0008", cancel="0.001", clear="0.0001")
    tried = dataclasses.replace(made, thresholds=[ladder])
    data, venues = testing.quotes(testing.SAMPLE), testing.venues(made)
    past = cm.simulate(made, data, venues=venues, journal=tmp_path / "past")
    real = cm.simulate(tried, data, venues=venues, journal=tmp_path / "real")
    assert past.journal is not None
    assert real.journal is not None
    found = cm.dry_run(past.journal, tried)
    lived = [each for each in cm.audit.episodes(real.journal) if each.is_threshold]
    assert rows(found.episodes, "recognised_ns", "level", "value")[0] == (
        lived[0].recognised,
        lived[0].worst.level,
        lived[0].worst.value,
    )
    ids = [row[0] for row in rows(found.actions, "id")]
    assert ids == list(lived[0].cancelled)


def test_what_cannot_be_tried_is_refused(tmp_path: Path) -> None:
    path, _ = lived(by_hand.config(), tmp_path / "run")
    with pytest.raises(cm.ConfigError, match="thresholds"):
        cm.dry_run(path, by_hand.config())
    with pytest.raises(cm.ConfigError, match="began with"):
        cm.dry_run(path, dataclasses.replace(by_hand.config(usage(warn="0.1")), orders=8192))
    with pytest.raises(cm.InputTypeError):
        cm.dry_run(path, "gold")  # type: ignore[arg-type]
    with pytest.raises(cm.JournalError):
        cm.dry_run(tmp_path / "nothing", by_hand.config(usage(warn="0.1")))
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    with pytest.raises(cm.JournalError):
        cm.dry_run(path, by_hand.config(usage(warn="0.1")))

"""A simulation on the demo's real fixings: tables, equal runs, a journal that replays."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cross_market as cm
from cross_market import _core, demo
from cross_market.research.result import TABLES

DAYS = demo.fixings()[:120]


def simulated(**changed: object) -> cm.Result:
    """Return a run of 120 days; keyword arguments replace its own."""
    given: dict[str, Any] = {"venues": demo.venues(1), "verbs": demo.operator(DAYS)}
    return cm.simulate(demo.config(), demo.quotes(DAYS), **{**given, **changed})


@pytest.fixture(scope="module")
def result() -> cm.Result:
    return simulated()


def test_the_fixings_are_those_that_were_printed() -> None:
    first = demo.fixings()[0]
    assert (str(first.date), first.eur_pln, first.usd_pln, first.eur_usd) == (
        "1999-01-04",
        "4.0670",
        "3.4500",
        "1.1789",
    )


def test_attempts_come_to_their_ends(result: cm.Result) -> None:
    ends = result.attempts["end"].to_pylist()
    assert "completed" in ends
    assert None not in ends
    assert set(result.attempts["kind"].to_pylist()) >= {"enter", "exit"}


def test_tables_are_arrow_and_fit_each_other(result: cm.Result) -> None:
    for name in TABLES:
        assert isinstance(getattr(result, name), pa.Table)
    orders = set(result.orders["order"].to_pylist())
    assert set(result.fills["order"].to_pylist()) <= orders
    decisions = set(result.attempts["decision"].to_pylist())
    assert set(result.orders["decision"].to_pylist()) <= decisions
    filled = sum(result.fills["qty"].to_pylist())
    assert sum(result.orders["cum_qty"].to_pylist()) == filled


def test_money_adds_up(result: cm.Result) -> None:
    causes = ("opening", "fees", "result", "variation", "trade", "funding", "interest")
    more = ("transfer", "adjustment", "dust")
    for row in result.funds.to_pylist():
        assert sum(row[cause] for cause in (*causes, *more)) == row["balance"]
        ours = sum(row[key] for key in ("available", "held", "quarantine", "margin"))
        assert ours == row["balance"]
    fees = {row["account"]: row["fees"] for row in result.funds.to_pylist()}
    paid = dict.fromkeys(fees, 0)
    for row in result.fills.to_pylist():
        if row["revised"] == "no":
            paid[row["account"]] -= row["fee"]
    assert paid == fees


def test_the_engine_agrees_with_the_venues(result: cm.Result) -> None:
    # At the end of a run the venues state positions and balances; a difference is an alert.
    codes = set(result.alerts["code"].to_pylist())
    assert codes.isdisjoint({"position_drift", "cash_drift", "conflict", "poisoned"})
    assert result.errors == 0


def test_equal_runs_are_equal_and_seeds_matter(result: cm.Result) -> None:
    again = simulated()
    assert again.digest == result.digest
    assert again.summary() == result.summary()
    assert simulated(venues=demo.venues(2)).digest != result.digest


def test_a_journal_changes_nothing_and_replays(result: cm.Result, tmp_path: Path) -> None:
    journaled = simulated(journal=tmp_path / "run")
    assert journaled.summary()["attempts"] == result.summary()["attempts"]
    assert journaled.journal is not None
    assert _core.verify(journaled.journal)["link"] == journaled.link
    assert _core.replay(journaled.journal)["digest"] == journaled.digest


def test_tables_are_written_as_parquet(result: cm.Result, tmp_path: Path) -> None:
    files = result.write(tmp_path / "out")
    assert sorted(Path(file).stem for file in files) == sorted(TABLES)
    for file in files:
        assert pq.read_table(file).num_rows == getattr(result, Path(file).stem).num_rows


def test_the_summary_is_json(result: cm.Result) -> None:
    assert json.loads(json.dumps(result.summary()))["rows"] == result.rows


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    simulated(progress=lambda done, steps: seen.append((done, steps)))
    assert seen[-1][0] == seen[-1][1]
    assert len(seen) > 10


def test_a_failing_callback_is_raised_as_it_is() -> None:
    def fail(done: int, steps: int) -> None:
        message = f"stop at {done} of {steps}"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="stop at 1"):
        simulated(progress=fail)


def world(**changed: object) -> cm.SimVenues:
    """Return the demo's world with some values replaced."""
    import dataclasses

    return dataclasses.replace(demo.venues(1), **changed)  # type: ignore[arg-type]


def test_worlds_are_values_in_files_too(tmp_path: Path) -> None:
    one = demo.venues(7)
    one.dump(tmp_path / "venues.toml")
    assert cm.SimVenues.load(tmp_path / "venues.toml") == one
    assert hash(one) == hash(demo.venues(7))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"balances": [cm.Balance("warsaw", amount="1 PLN")]}, "venues.balances"),
        ({"balances": [cm.Balance("nobody", amount="1 PLN")]}, "venues.balances[0].account"),
        ({"balances": [cm.Balance("warsaw", amount="1 USD")]}, "venues.balances[0].amount"),
        ({"venues": demo.venues(1).venues[:1]}, "venues.venues"),
        (
            {"holdings": [cm.Holding(account="warsaw", instrument="X", size=1, price=1)]},
            "venues.holdings[0].instrument",
        ),
    ],
)
def test_a_world_must_fit_its_configuration(changed: dict[str, object], field: str) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        simulated(venues=world(**changed))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "chance", "said"),
    [("ack_lots", "0.1", "Did you mean 'ack_lost'"), ("ack_lost", "1.5", "fraction")],
)
def test_faults_are_known_by_name(name: str, chance: str, said: str) -> None:
    with pytest.raises(cm.ConfigError, match=said):
        cm.Fault(name, chance=chance)


def test_every_fault_has_a_name() -> None:
    names = _core.faults()
    assert len(names) == len(set(names)) > 50
    assert "ack_lost" in names

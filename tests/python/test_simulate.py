"""A simulation on the demo's real fixings: tables, equal runs, a journal that replays."""

import decimal
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cross_market as cm
from cross_market import _core, demo
from cross_market import events as ev
from cross_market.research.result import TABLES

DAYS = demo.fixings()[:120]
# The file that a journal's folder keeps to write its last records where a disk is full.
RESERVE = 1 << 20


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
        ours = sum(row[key] for key in ("available", "held", "quarantine", "margin", "relief"))
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

    with pytest.raises(RuntimeError, match="stop at 48 of 9600"):
        simulated(progress=fail)


def test_pieces_change_nothing(result: cm.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    from cross_market.research import recording

    monkeypatch.setattr(recording, "READ_ROWS", 500)
    monkeypatch.setattr(recording, "KEPT_ROWS", 0)
    again = simulated()
    assert again.digest == result.digest
    assert again.tables == result.tables


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


ZLOTY = "9" * 30 + " PLN"


def held(**changed: object) -> dict[str, object]:
    """Return a world's change: one lot of euros in Warsaw, with some of it replaced."""
    given: dict[str, Any] = {"account": "warsaw", "instrument": "WARSAW.EURPLN", "size": 1}
    given |= {"price": "4.2", **changed}
    return {"holdings": [cm.Holding(**given)]}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (held(size="-9223372036854775808"), "venues.holdings[0].size"),
        (held(size="-9223372036854775807"), "venues.holdings[0]"),
        (held(size=10**9), "venues.holdings[0]"),
        (held(size=10**22), "venues.holdings[0].size"),
        (held(size="0.5"), "venues.holdings[0].size"),
        (held(price=10**30), "venues.holdings[0].price"),
        (held(price=10**9), "venues.holdings[0]"),
        (held(account="frankfurt"), "venues.holdings[0].account"),
        (held(instrument="WARSAW.USDPLN"), "venues.holdings[0].account"),
        ({"balances": [cm.Balance("warsaw", amount=ZLOTY)]}, "venues.balances[0].amount"),
        ({"balances": [cm.Balance("warsaw", amount=ZLOTY[6:])]}, "venues.balances[0]"),
        (
            {"balances": [cm.Balance("warsaw", amount="1.0000000001 PLN")]},
            "venues.balances[0].amount",
        ),
    ],
)
def test_an_opening_state_is_refused_by_name(changed: dict[str, Any], field: str) -> None:
    if "balances" in changed:
        changed = {"balances": [*changed["balances"], *demo.venues(1).balances[1:]]}
    with pytest.raises(cm.ConfigError) as caught:
        simulated(venues=world(**changed))
    assert caught.value.field == field


def test_an_opening_state_that_fits_is_taken() -> None:
    assert simulated(venues=world(**held(size=-1))).errors == 0


@pytest.mark.parametrize(
    ("given", "field", "kind"),
    [
        ({"verbs": None}, "verbs", cm.InputTypeError),
        ({"verbs": 5}, "verbs", cm.InputTypeError),
        ({"verbs": [5]}, "verbs[0]", cm.InputTypeError),
        ({"verbs": [(1, 2, 3)]}, "verbs[0]", cm.InputTypeError),
        ({"verbs": [(1.5, ev.Stop())]}, "verbs[0]", cm.InputTypeError),
        ({"verbs": [(2**70, ev.Stop())]}, "verbs[0]", cm.ConfigError),
        ({"verbs": [(-1, ev.Stop())]}, "verbs[0]", cm.ConfigError),
        ({"verbs": [(1, ev.Tick())]}, "verb", cm.InputTypeError),
        ({"verbs": [(1, object.__new__(ev.Enter))]}, "enter.hedge", cm.ConfigError),
        ({"progress": 3}, "progress", cm.InputTypeError),
        ({"journal": 3}, "journal", cm.InputTypeError),
        ({"journal": b"run"}, "journal", cm.InputTypeError),
        ({"journal": "a\0b"}, "journal", cm.ConfigError),
    ],
)
def test_wrong_arguments_are_named(
    given: dict[str, object], field: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        simulated(**given)
    assert str(getattr(caught.value, "field", "")).endswith(field)


def test_a_journal_that_cannot_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVE, RESERVE))

    code = (
        "import sys; import cross_market as cm; from cross_market import demo\n"
        "quotes, venues = demo.quotes(demo.fixings()), demo.venues(1)\n"
        "try: cm.simulate(demo.config(), quotes, venues=venues, journal=sys.argv[1])\n"
        "except cm.JournalError as error: print(error.path); print(error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=limit)
    path, message = done.stdout.splitlines()
    assert path == str(tmp_path / "run" / "journal-0001.cmj")
    assert "File too large" in message


def test_a_journal_that_cannot_be_made_is_a_journal_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(cm.JournalError, match="run"):
        simulated(journal=tmp_path / "run")


def test_rows_at_the_end_of_time_are_refused() -> None:
    rows = demo.quotes(DAYS[:2])
    shift = 7_258_118_400_000_000_000 - 1 - rows["ts_receive_ns"][-1].as_py()
    for key in ("ts_receive_ns", "ts_exchange_ns"):
        moved = pa.array([stamp + shift for stamp in rows[key].to_pylist()])
        rows = rows.set_column(rows.column_names.index(key), key, moved)
    with pytest.raises(cm.ConfigError) as caught:
        cm.simulate(demo.config(), rows, venues=demo.venues(1))
    assert caught.value.field == "data, ts_receive_ns"


def test_the_callers_decimal_context_changes_nothing(result: cm.Result) -> None:
    with decimal.localcontext() as context:
        context.prec = 2
        context.rounding = decimal.ROUND_UP
        for each in context.traps:
            context.traps[each] = True
        assert simulated().digest == result.digest
        with pytest.raises(cm.ConfigError) as caught:
            simulated(
                venues=world(
                    balances=[
                        cm.Balance("warsaw", amount="8000000.0000000001 PLN"),
                        *demo.venues(1).balances[1:],
                    ]
                )
            )
    assert caught.value.field == "venues.balances[0].amount"


def test_every_fault_has_a_name() -> None:
    names = _core.faults()
    assert len(names) == len(set(names)) > 50
    assert "ack_lost" in names

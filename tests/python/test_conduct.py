"""Budgets of conduct: what may be stated, what the table knows, what the core takes."""

import datetime
import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market.contracts.conduct import TOLD_AT
from parts import gold_config

TABLE = Path(cm.__file__).parent / "contracts" / "conduct.toml"
SHFE = cm.conduct("SHFE", on="2026-02-10", reserve="0.10", opens_per_day="none")


def document(conduct: cm.Conduct | str) -> dict[str, Any]:
    config = gold_config()
    limits = config.limits.for_instrument("SHFE.au2602", conduct=conduct)
    found: dict[str, Any] = json.loads(replace(config, limits=limits).to_json())
    return found


def test_budgets_of_an_exchange_are_one_below_what_it_takes_note_of() -> None:
    assert (SHFE.cancels_per_day, SHFE.cancels_reserve) == (499, 50)
    large = (SHFE.large_lots, SHFE.large_cancels_per_day, SHFE.large_cancels_reserve)
    assert large == (300, 49, 5)
    assert (SHFE.self_trades_per_day, SHFE.bursts_per_day) == (4, 9)
    assert (SHFE.counts_ioc, SHFE.counts_fok, SHFE.counts_hedging) == (False, False, False)
    assert (SHFE.opens_per_day, SHFE.opens_reserve) == ("none", "none")


def test_what_is_given_replaces_what_is_known() -> None:
    day = datetime.date(2026, 2, 10)
    found = cm.conduct("SHFE", on=day, reserve=0, cancels_per_day=90, opens_per_day=200)
    assert (found.cancels_per_day, found.cancels_reserve) == (90, 0)
    assert (found.opens_per_day, found.opens_reserve) == (200, 0)
    none = cm.conduct(
        "SHFE", on=day, reserve="0.5", opens_per_day="none", large_cancels_per_day="none"
    )
    assert (none.large_lots, none.large_cancels_reserve) == ("none", "none")


def test_what_the_table_does_not_know_has_to_be_given() -> None:
    with pytest.raises(cm.ConfigError) as caught:
        cm.conduct("SHFE", on="2026-02-10", reserve="0.10")
    assert caught.value.field == "conduct.opens_per_day"
    rest = {"large_cancels_per_day": "none", "opens_per_day": "none", "self_trades_per_day": 4}
    counts = {"counts_ioc": True, "counts_fok": True, "counts_hedging": True}
    for key in counts:
        given = {**rest, **{other: item for other, item in counts.items() if other != key}}
        with pytest.raises(cm.ConfigError) as caught:
            cm.conduct("DCE", on="2026-02-10", reserve="0.10", **given)  # type: ignore[arg-type]
        assert caught.value.field == f"conduct.{key}"
        assert "DCE" in str(caught.value)
    found = cm.conduct("DCE", on="2026-02-10", reserve="0.10", **rest, **counts)  # type: ignore[arg-type]
    assert (found.cancels_per_day, found.bursts_per_day) == (499, 9)


@pytest.mark.parametrize(
    ("changed", "field", "error"),
    [
        ({"exchange": "SHFEE"}, "conduct.exchange", cm.ConfigError),
        ({"exchange": 7}, "conduct.exchange", cm.InputTypeError),
        ({"on": "2025-10-08"}, "conduct.on", cm.ConfigError),
        ({"on": "today"}, "conduct.on", cm.ConfigError),
        ({"on": 20260210}, "conduct.on", cm.InputTypeError),
        (
            {"on": datetime.datetime(2026, 2, 10, tzinfo=datetime.UTC)},
            "conduct.on",
            cm.InputTypeError,
        ),
        ({"reserve": 0.1}, "conduct.reserve", cm.InputTypeError),
        ({"reserve": "1"}, "conduct.reserve", cm.ConfigError),
        ({"reserve": "-0.1"}, "conduct.reserve", cm.ConfigError),
    ],
)
def test_what_is_wrong_is_named(
    changed: dict[str, Any], field: str, error: type[Exception]
) -> None:
    given = {"exchange": "SHFE", "on": "2026-02-10", "reserve": "0.1", **changed}
    exchange = given.pop("exchange")
    with pytest.raises(error) as caught:
        cm.conduct(exchange, opens_per_day="none", **given)
    assert getattr(caught.value, "field", None) == field


def test_every_row_of_the_table_has_its_sources_and_known_keys() -> None:
    rows = tomllib.loads(TABLE.read_text("utf-8"))["rules"]
    known = {*TOLD_AT.values(), "large_lots", "counts_ioc", "counts_fok", "counts_hedging"}
    for row in rows:
        assert set(row) - {"exchange", "since", "sources"} <= known
        assert row["sources"]
        datetime.date.fromisoformat(row["since"])
    keys = [(row["exchange"], row["since"]) for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"cancels_reserve": 499}, "conduct.cancels_reserve"),
        ({"cancels_reserve": "none"}, "conduct.cancels_reserve"),
        ({"cancels_per_day": None}, "conduct.cancels_reserve"),
        ({"large_lots": None}, "conduct.large_lots"),
        ({"large_cancels_per_day": "none"}, "conduct.large_cancels_reserve"),
        ({"opens_reserve": 3}, "conduct.opens_reserve"),
        ({"self_trades_per_day": 0}, "conduct.self_trades_per_day"),
        ({"bursts_per_day": -1}, "conduct.bursts_per_day"),
    ],
)
def test_budgets_that_do_not_fit_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        replace(SHFE, **changed)
    assert caught.value.field == field


@pytest.mark.parametrize("each", [each.name for each in fields(cm.Conduct)])
def test_every_budget_is_required(each: str) -> None:
    given = {name.name: getattr(SHFE, name.name) for name in fields(SHFE) if name.name != each}
    with pytest.raises(cm.ConfigError) as caught:
        cm.Conduct(**given)
    assert caught.value.field == f"conduct.{each}"


def test_no_rules_have_to_be_said() -> None:
    limits = cm.limits.template("small desk").each_instrument
    assert limits is not None
    given = {each.name: getattr(limits, each.name) for each in fields(limits)}
    del given["conduct"]
    with pytest.raises(cm.ConfigError) as caught:
        cm.limits.InstrumentLimits(**given)
    assert caught.value.field == "instrument_limits.conduct"
    for none in ("none", None):
        assert cm.limits.InstrumentLimits(**given, conduct=none).conduct == "none"


def test_accounts_that_share_budgets_say_their_group() -> None:
    config = gold_config()
    first = config.hedges[0]
    other = replace(first.legs[0].account, name="other")

    def made(other: cm.Account, conduct: cm.Conduct | str) -> cm.Config:
        legs = [replace(first.legs[0], account=other), *first.legs[1:]]
        hedges = [first, replace(first, name="second", legs=legs)]
        accounts = [*config.accounts, other]
        limits = config.limits.for_instrument("SHFE.au2602", conduct=conduct)
        return replace(config, accounts=accounts, hedges=hedges, limits=limits)

    with pytest.raises(cm.ConfigError) as caught:
        made(other, SHFE)
    assert caught.value.field == "accounts.sh.group"
    made(other, "none")
    with pytest.raises(cm.ConfigError) as caught:
        made(replace(other, group="desk"), SHFE)
    assert caught.value.field == "accounts.sh.group"


def test_the_core_takes_them() -> None:
    stated = document(SHFE)["limits"]["instruments"]["SHFE.au2602"]["conduct"]
    assert (stated["cancels_per_day"], stated["large_lots"], stated["opens_per_day"]) == (
        499,
        300,
        None,
    )
    assert document("none")["limits"]["instruments"]["SHFE.au2602"]["conduct"] is None


def test_a_file_states_them(tmp_path: Path) -> None:
    config = gold_config()
    for conduct in (SHFE, "none"):
        limits = config.limits.for_instrument("SHFE.au2602", conduct=conduct)
        changed = replace(config, limits=limits)
        changed.dump(tmp_path / "gold.toml")
        assert cm.Config.load(tmp_path / "gold.toml") == changed

"""The configuration refuses what is wrong (B53–B64), and is one value in memory and in files."""

import copy
import datetime
import decimal
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market.config import instrument_json
from parts import gold_config, gold_parts, instrument

NOTHING: Any = []


def refused(**changed: object) -> cm.ConfigError:
    """Return the error of a changed configuration."""
    with pytest.raises(cm.ConfigError) as caught:
        gold_config(**changed)
    return caught.value


def test_design_example_is_accepted_and_reaches_the_core(gold: cm.Config) -> None:
    stated = json.loads(gold.to_json())
    legs = stated["hedges"][0]["legs"]
    assert [leg["units_per_lot"] for leg in legs] == ["1000", "3110.34768"]
    assert stated["limits"]["hedges"]["gold"]["live_residual"] == "3200"
    assert [each["name"] for each in stated["instruments"]] == [
        "SHFE.au2602",
        "COMEX.GCG6",
        "FX.USDCNY",
    ]


def test_values_are_equal_hashable_and_pickled(gold: cm.Config) -> None:
    again = gold_config()
    assert again == gold
    assert hash(again) == hash(gold)
    assert pickle.loads(pickle.dumps(gold)) == gold
    assert copy.deepcopy(gold) == gold
    assert again.to_json() == gold.to_json()


def test_values_are_frozen(gold: cm.Config) -> None:
    with pytest.raises(AttributeError):
        gold.run = 7  # type: ignore[misc]


def test_every_limit_of_the_template_is_visible() -> None:
    text = repr(cm.limits.template("small desk"))
    for name in (
        *("order_value", "collar", "age", "skew", "limit_distance"),
        *("usage_cap", "day_loss", "message_rate", "cancel_reserve"),
        *("tries", "messages", "trims_per_day", "max_loss_per_day", "each_sum_residual"),
    ):
        assert f"{name}=" in text


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(cm.ConfigError, match="Did you mean 'small desk'"):
        cm.limits.template("smal desk")


# B53: unknown names.


def test_an_unknown_argument_is_refused_with_the_nearest() -> None:
    with pytest.raises(cm.UsageError, match="Did you mean 'clip'"):
        cm.Size(clp=1, max=1, overnight=1, holiday=0)  # type: ignore[call-arg]


def test_positional_arguments_are_refused() -> None:
    with pytest.raises(cm.UsageError, match="by its name"):
        cm.Size(1, 2, 3, 4)  # type: ignore[call-arg]


# B54: missing limits.


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(cm.ConfigError) as caught:
        cm.Size(clip=1, max=1, overnight=1)  # type: ignore[call-arg]
    assert caught.value.field == "size.holiday"


@pytest.mark.parametrize("each", ["each_venue", "each_instrument", "each_account", "each_hedge"])
def test_a_missing_limit_has_no_default(each: str) -> None:
    import dataclasses

    limits = dataclasses.replace(cm.limits.template("small desk"), **{each: None})
    error = refused(limits=limits)
    assert error.field is not None
    assert error.field.startswith("limits.")
    assert "no unlimited default" in str(error)


def test_the_sum_of_residuals_must_be_limited() -> None:
    import dataclasses

    limits = dataclasses.replace(cm.limits.template("small desk"), each_sum_residual=None)
    assert refused(limits=limits).field == "limits.sum_residual.gold.CNY"


def test_hedges_whose_residuals_are_summed_share_a_unit() -> None:
    parts = gold_parts()
    hedge = parts.pop("hedge")
    assert isinstance(hedge, dict)
    first, same = cm.Hedge(**hedge), cm.Hedge(**{**hedge, "name": "same"})
    cm.Config(**{"hedges": [first, same], **parts})  # type: ignore[arg-type]
    other = cm.Hedge(**{**hedge, "name": "other", "unit": "kg"})
    with pytest.raises(cm.ConfigError) as caught:
        cm.Config(**{"hedges": [first, same, other], **parts})  # type: ignore[arg-type]
    assert (caught.value.field, caught.value.value) == ("hedges.other.unit", "kg")
    assert caught.value.expected == "'g', the unit of hedge 'gold': residuals are summed"


def test_a_limit_in_no_fitting_currency_is_refused() -> None:
    limits = cm.limits.template("small desk").for_instrument("SHFE.au2602", order_value="5 JPY")
    assert refused(limits=limits).field == "limits.instruments.SHFE.au2602.order_value"


def test_a_limit_of_an_unknown_name_is_refused() -> None:
    limits = cm.limits.template("small desk").for_hedge("goId", tries=3)
    error = refused(limits=limits)
    assert error.field == "limits.hedges.goId"
    assert "Did you mean 'gold'" in str(error)


# B56: wrong limits.


@pytest.mark.parametrize(
    ("kind", "name", "changed"),
    [
        ("for_instrument", "SHFE.au2602", {"order_value": "0 CNY"}),
        ("for_instrument", "SHFE.au2602", {"collar": "0 ticks"}),
        ("for_instrument", "SHFE.au2602", {"collar": "0.5"}),
        ("for_instrument", "SHFE.au2602", {"age": "0 s"}),
        ("for_instrument", "SHFE.au2602", {"message_rate": "20"}),
        ("for_instrument", "SHFE.au2602", {"cancel_reserve": 20}),
        ("for_venue", "SHFE", {"message_rate": "0/s"}),
        ("for_venue", "SHFE", {"cancel_reserve": 0}),
        ("for_venue", "SHFE", {"cancel_reserve": 40}),
        ("for_account", "sh", {"usage_cap": "90"}),
        ("for_account", "sh", {"usage_cap": "0"}),
        ("for_account", "sh", {"message_rate": "20"}),
        ("for_account", "sh", {"cancel_reserve": 20}),
        ("for_account", "sh", {"day_loss": "-1 CNY"}),
        ("for_hedge", "gold", {"tries": 0}),
        ("for_hedge", "gold", {"trims_per_day": -1}),
    ],
)
def test_limits_out_of_bounds_are_refused(kind: str, name: str, changed: dict[str, object]) -> None:
    with pytest.raises((cm.ConfigError, cm.InputTypeError)):
        getattr(cm.limits.template("small desk"), kind)(name, **changed)


# B57: twice the same name.


@pytest.mark.parametrize("key", ["venues", "accounts"])
def test_names_are_unique(key: str) -> None:
    parts = gold_parts()
    items = parts[key]
    assert isinstance(items, list)
    error = refused(**{key: [*items, items[0]]})
    assert error.field == f"{key}[{len(items)}].name"


def test_one_name_is_one_instrument() -> None:
    parts = gold_parts()
    hedge = parts["hedge"]
    assert isinstance(hedge, dict)
    other = instrument("SHFE.au2602", "CNY/g", tick="0.05")
    legs = [cm.Leg(other, side="buy", account=hedge["legs"][0].account), *hedge["legs"]]
    assert refused(legs=legs).field == "instruments[1].name"


# B58: legs.


def test_legs_must_be_bought_and_sold() -> None:
    hedge = gold_parts()["hedge"]
    assert isinstance(hedge, dict)
    leg = hedge["legs"][0]
    assert refused(legs=[leg, leg]).field == "hedge.legs"
    assert refused(legs=[leg]).field == "hedge.legs"


def test_an_account_must_fit_its_leg() -> None:
    hedge = gold_parts()["hedge"]
    assert isinstance(hedge, dict)
    sh, ny = (leg.account for leg in hedge["legs"])
    for instrument_of, account in ((0, ny), (1, sh)):
        with pytest.raises(cm.ConfigError) as caught:
            cm.Leg(hedge["legs"][instrument_of].instrument, side="buy", account=account)
        assert caught.value.field == "leg.account"


def test_an_inverse_leg_is_refused() -> None:
    coin = cm.Instrument(
        "X.BTCUSD",
        venue="X",
        product="BTC",
        size="100 USD",
        quote="USD/BTC",
        tick="0.1",
        settlement="coin",
        fees=cm.Fees(open=cm.Fee()),
        margin=cm.Margin(long="0.1", short="0.1"),
    )
    account = cm.Account("x", venue="X", currency="BTC", island="x", flag="hedge")
    with pytest.raises(cm.ConfigError, match="linear"):
        cm.Leg(coin, side="buy", account=account)


def test_margin_is_by_value_by_lot_or_both() -> None:
    def future(margin: cm.Margin) -> cm.Instrument:
        return instrument(
            "SHFE.au2602", "CNY/g", margin=margin, larger_side=True, maintenance="0.9"
        )

    text = instrument_json(future(cm.Margin(long="0", short="0.1", long_per_lot="12.5 CNY")))
    assert text["larger_side"] is True
    assert text["maintenance"] == "0.9"
    assert "maintenance" not in instrument_json(instrument("SHFE.au2602", "CNY/g"))
    assert text["margin"] == {
        "long": "0",
        "short": "0.1",
        "floor_per_lot": "0",
        "long_per_lot": "12.5",
    }
    hedged = instrument(
        "SHFE.au2602",
        "CNY/g",
        hedge_margin=cm.Margin(long="0.05", short="0.06"),
    )
    assert instrument_json(hedged)["margin"]["by_flag"] == {
        "hedge": {"long": "0.05", "short": "0.06", "floor_per_lot": "0"}
    }
    first = cm.MarginStep(settles="2026-02-12", long="0.14", short="0.15")
    then = cm.MarginStep(
        settles=datetime.date(2026, 2, 24), long="0.1", short="0", short_per_lot="9 CNY"
    )
    stepped = cm.Margin(long="0.1", short="0.1", steps=[first, then])
    assert instrument_json(future(stepped))["margin"]["steps"] == [
        [20496, {"long": "0.14", "short": "0.15", "floor_per_lot": "0"}],
        [20508, {"long": "0.1", "short": "0", "floor_per_lot": "0", "short_per_lot": "9"}],
    ]
    free = cm.MarginStep(settles=20510, long="0", short="1")
    for steps, field in (([then, first], "[1].settles"), ([first, free], "[1].long")):
        with pytest.raises(cm.ConfigError) as caught:
            future(cm.Margin(long="0.1", short="0.1", steps=steps))
        assert caught.value.field == f"instrument.margin.steps{field}"
    with pytest.raises(cm.ConfigError):
        cm.MarginStep(settles="12 February", long="1", short="1")
    with pytest.raises(cm.ConfigError) as wrong:
        instrument("X.S", "CNY/g", settlement="upfront", margin=None, hedge_margin=hedged.margin)
    assert wrong.value.field == "instrument.hedge_margin"
    for margin, field in (
        (cm.Margin(long="0", short="0.1"), "instrument.margin.long"),
        (cm.Margin(long="0.1", short="0", short_per_lot="0 CNY"), "instrument.margin.short"),
        (
            cm.Margin(long="0.1", short="1", short_per_lot="1 USD"),
            "instrument.margin.short_per_lot",
        ),
    ):
        with pytest.raises(cm.ConfigError) as caught:
            future(margin)
        assert caught.value.field == field


def test_a_foreign_currency_needs_its_rate() -> None:
    assert refused(fx={}).field == "hedge.fx.USD"
    wrong = instrument("FX.EURCNY", "CNY/EUR", size="1000 EUR", tick="0.0001")
    assert refused(fx={"USD": wrong}).field == "hedge.fx.USD"


@pytest.mark.parametrize("ratio", ["0", "-1", "1/0"])
def test_a_leg_ratio_of_zero_or_less_is_refused(ratio: str) -> None:
    hedge = gold_parts()["hedge"]
    assert isinstance(hedge, dict)
    leg = hedge["legs"][0]
    with pytest.raises(cm.ConfigError) as caught:
        cm.Leg(leg.instrument, side="buy", account=leg.account, weight=ratio)
    assert caught.value.field == "leg.weight"


# B59: residuals that no lots can meet; the core says so.


@pytest.mark.parametrize(
    ("max_residual", "live_residual"), [("499 g", "3.2 kg"), ("500 g", "3.1 kg"), ("1 bbl", "1 t")]
)
def test_residuals_must_be_possible(max_residual: str, live_residual: str) -> None:
    execution = cm.Simultaneous(
        max_residual=max_residual,
        live_residual=live_residual,
        finish_within="2 s",
        repair=cm.Unwind(),
        max_loss="1 CNY",
    )
    assert "residual" in str(refused(execution=execution).field)


def test_bands_must_be_apart() -> None:
    with pytest.raises(cm.ConfigError) as caught:
        cm.Ratio(enter="1.0005", exit="1.004")
    assert caught.value.field == "ratio.exit"
    assert refused(slippage="0.01").field is not None


def test_units_of_bands_must_be_those_of_the_hedge() -> None:
    assert refused(signal=cm.Spread(enter="0.8 CNY/kg", exit="0.1 CNY/kg")).field is not None
    assert refused(signal=cm.Spread(enter="0.8", exit="0.1")).field == "hedge.signal.enter"
    assert refused(signal=cm.Ratio(enter="1.1 CNY/g", exit="1.0")).field == "hedge.signal.enter"
    gold_config(signal=cm.Spread(enter="0.8 CNY/g", exit="0.1 CNY/g"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "x" * 41,
        "a\x00",
        "\u202eabc",
        "a\u200b",
        "\u0412TC",
        "'; drop",
        "../x",
        "%s",
        "\ud800",
    ],
)
def test_names_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        cm.Venue(name, netting="net")
    assert caught.value.field == "venue.name"
    str(caught.value).encode()  # what is shown can be printed


# Files: B61–B64.


def test_a_file_holds_the_same_value(gold: cm.Config, tmp_path: Path) -> None:
    path = tmp_path / "gold.toml"
    gold.dump(path)
    assert cm.Config.load(path) == gold
    assert "usage_cap" in path.read_text(encoding="utf-8")


def changed_file(gold: cm.Config, tmp_path: Path, old: str, new: str) -> Path:
    path = tmp_path / "changed.toml"
    gold.dump(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("ack_timeout", "ack_timout", "venues[0].ack_timout", "Did you mean 'ack_timeout'"),
        ('side = "sell"', 'side = "short"', "hedges[0].legs[0].side", "buy, sell"),
        ('side = "sell"\n', "", "hedges[0].legs[0].side", "missing"),
        ('"SHFE.au2602"\nside', '"SHFE.au9999"\nside', "hedges[0].legs[0].instrument", "SHFE"),
        ("clip = 1", "clip = 1.5", "hedges[0].size.clip", "float"),
        ("clip = 1", 'clip = "1"', "hedges[0].size.clip", "int"),
        ('enter = "1.004"', "enter = 1.004", "hedges[0].signal.enter", "write it as text"),
        ('type = "Ratio"', 'type = "Ration"', "hedges[0].signal.type", "Did you mean 'Ratio'"),
        ("engine = 1", 'api_key = "hunter2"\nengine = 1', "api_key", "no secrets"),
        ("engine = 1", "engine = 1\nextra = 2", "extra", "one of the keys"),
    ],
)
def test_files_are_refused_by_path(
    gold: cm.Config, tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    path = changed_file(gold, tmp_path, old, new)
    with pytest.raises((cm.ConfigError, cm.InputTypeError)) as caught:
        cm.Config.load(path)
    assert getattr(caught.value, "field", None) == field
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"= 1", b"a = 1\na = 2", b"[" * 5000])
def test_what_is_not_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(cm.ConfigError) as caught:
        cm.Config.load(path)
    assert caught.value.field == "path"


def test_files_that_anybody_may_write_are_refused(gold: cm.Config, tmp_path: Path) -> None:
    path = tmp_path / "open.toml"
    gold.dump(path)
    path.chmod(0o666)
    with pytest.raises(cm.ConfigError, match="chmod"):
        cm.Config.load(path)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing.toml", tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(cm.ConfigError):
            cm.Config.load(path)


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (lambda gold: gold.limits.for_instrument([], age="1 s"), "limits.for_instrument"),
        (lambda gold: gold.limits.of_hedge({}), "limits.hedges"),
        (lambda gold: cm.limits.template(NOTHING), "limits.template"),
        (lambda gold: gold.instruments[0].price("1"), "ticks"),
        (lambda gold: gold.instruments[0].amount(1.5), "lots"),
        (lambda gold: gold.instruments[0].lot_in(3), "instrument.size"),
        (lambda gold: gold_config(fx=(1, 2)), "hedge.fx"),
        (lambda gold: cm.Config.load(NOTHING), "path"),
    ],
)
def test_a_value_of_no_type_that_is_taken_is_named(
    gold: cm.Config, work: Callable[[cm.Config], object], field: str
) -> None:
    with pytest.raises(cm.InputTypeError) as caught:
        work(gold)
    assert caught.value.field == field


def with_shanghai(**changed: object) -> cm.Config:
    """Return the gold configuration with another contract of Shanghai."""
    hedge = gold_parts()["hedge"]
    assert isinstance(hedge, dict)
    first, second = hedge["legs"]
    au = instrument("SHFE.au2602", "CNY/g", **changed)
    return gold_config(legs=[cm.Leg(au, side="sell", account=first.account), second])


@pytest.mark.parametrize("given", ["9" * 36, "0.0" + "9" * 34])
def test_numbers_beyond_the_arithmetic_are_refused(given: str) -> None:
    with pytest.raises(cm.ConfigError):
        with_shanghai(min_qty=given)
    with pytest.raises(cm.ConfigError):
        with_shanghai(band=("0.02", given))


def test_the_callers_decimal_context_changes_nothing(gold: cm.Config) -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        for each in context.traps:
            context.traps[each] = True
        banded = instrument("SHFE.au2602", "CNY/g", band=("600.02", "640.04"), min_qty="1000")
        assert banded.band == ("600.02", "640.04")
        assert gold_config().to_json() == gold.to_json()
        assert cm.Fault("ack_lost", chance="0.123456").chance == "0.123456"
        context.clear_traps()
        with pytest.raises(cm.ConfigError):
            instrument("SHFE.au2602", "CNY/g", band=("600.02", "640.050001"))


def test_values_go_through_a_process_pool(gold: cm.Config) -> None:
    script = (
        "import pickle, sys; c = pickle.load(sys.stdin.buffer);sys.stdout.buffer.write(c.to_json())"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(gold), capture_output=True, check=True
    )
    assert run.stdout == gold.to_json()


def test_example_files_are_accepted() -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    paths = sorted(examples.glob("*.toml"))
    assert paths
    for path in paths:
        config = cm.Config.load(path)
        assert cm.SimVenues.load(path).venues
        assert config.hedges


def test_every_settlement_has_what_it_needs_and_nothing_else() -> None:
    pairs = [("2026-02-10", "2026-05-11"), (date(2026, 2, 11), 20_584)]
    forward = instrument("LME.ca3m", "USD/t", settlement="prompt_forward", prompts=pairs)
    text = instrument_json(forward)
    assert text["settlement"] == "prompt_forward"
    assert text["prompts"] == [[20_494, 20_584], [20_495, 20_584]]
    closed = instrument_json(instrument("X.P", "USD/t", settlement="on_close", matching="average"))
    assert closed["matching"] == "average"
    assert "prompts" not in closed
    wrong: list[tuple[str, dict[str, object]]] = [
        ("settlement", {"settlement": "margin"}),
        ("matching", {"settlement": "on_close"}),
        ("matching", {"matching": "first_in"}),
        ("prompts", {"settlement": "prompt_forward"}),
        ("prompts", {"prompts": pairs}),
        ("prompts", {"settlement": "prompt_forward", "prompts": []}),
        ("prompts[0]", {"settlement": "prompt_forward", "prompts": [("2026-02-10",) * 2]}),
        ("prompts[0]", {"settlement": "prompt_forward", "prompts": [("10 Feb", "2026-05-11")]}),
        ("prompts[1]", {"settlement": "prompt_forward", "prompts": [(3, 9), (4, 8)]}),
        ("prompts[1]", {"settlement": "prompt_forward", "prompts": [(3, 9), (3, 9)]}),
        ("margin", {"settlement": "upfront"}),
    ]
    for field, parts in wrong:
        with pytest.raises(cm.ConfigError) as caught:
            instrument("X.P", "USD/t", **parts)
        assert caught.value.field == f"instrument.{field}", parts
    with pytest.raises(cm.InputTypeError):
        instrument("X.P", "USD/t", settlement="prompt_forward", prompts=[(1.0, 2)])

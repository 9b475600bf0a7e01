"""Units are exact: no conversion rounds."""

from fractions import Fraction

import pytest

import cross_market as cm
from cross_market.contracts import units


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("1 ozt", "g", Fraction("31.1034768")),
        ("100 ozt", "g", Fraction("3110.34768")),
        ("1 lb", "kg", Fraction("0.45359237")),
        ("1 t", "lb", 1 / Fraction("0.00045359237")),
        ("1 t", "bu_soy", 1_000_000 / (60 * Fraction("453.59237"))),
        ("1 t", "bu_corn", 1_000_000 / (56 * Fraction("453.59237"))),
        ("25000 lb", "t", Fraction("11.33980925")),
        ("42 gal", "bbl", Fraction(1)),
        ("0.5 BTC", "BTC", Fraction(1, 2)),
        ("3 share", "share", Fraction(3)),
        ("1000 EUR", "EUR", Fraction(1000)),
    ],
)
def test_conversion_is_exact(text: str, unit: str, number: Fraction) -> None:
    assert units.parse_quantity(text, "size").to(unit, "size") == number


@pytest.mark.parametrize(("text", "unit"), [("1 t", "bbl"), ("1 g", "BTC"), ("1 EUR", "USD")])
def test_units_of_different_things_do_not_convert(text: str, unit: str) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        units.parse_quantity(text, "size").to(unit, "size")
    assert caught.value.field == "size"


def test_known_ratios_of_the_field() -> None:
    # 1 t = 2204.6226218 lb and 36.7437104 bu of soybeans, as printed by exchanges.
    pounds = units.parse_quantity("1 t", "x").to("lb", "x")
    bushels = units.parse_quantity("1 t", "x").to("bu_soy", "x")
    assert f"{float(pounds):.7f}" == "2204.6226218"
    assert f"{float(bushels):.7f}" == "36.7437104"


@pytest.mark.parametrize(
    ("text", "span_ns"),
    [
        ("1 ns", 1),
        ("250 ms", 250_000_000),
        ("2 s", 2_000_000_000),
        ("1.5 us", 1500),
        ("5 min", 300_000_000_000),
        ("40 d", 3_456_000_000_000_000),
        ("0 s", 0),
    ],
)
def test_times_are_whole_ns(text: str, span_ns: int) -> None:
    assert units.parse_span(text, "age") == span_ns
    assert units.parse_span(units.span_text(span_ns), "age") == span_ns


@pytest.mark.parametrize(
    "text",
    ["2", "2s", "2  s", "s", "0.5 ns", "-1 s", "41 d", "2 sec", "1e3 ms", " 2 s", "\uff12 s", ""],
)
def test_times_refuse_everything_else(text: str) -> None:
    with pytest.raises(cm.ConfigError):
        units.parse_span(text, "age")


@pytest.mark.parametrize("given", [2, 2.5, None, b"2 s", True])
def test_times_are_texts(given: object) -> None:
    with pytest.raises(cm.InputTypeError):
        units.parse_span(given, "age")


@pytest.mark.parametrize(
    "text", ["20000", "20000 cny", "CNY 20000", "20,000 CNY", "1e4 CNY", "5 g"]
)
def test_money_names_its_currency(text: str) -> None:
    with pytest.raises(cm.ConfigError):
        units.parse_money(text, "max_loss")


def test_quotes_may_be_scaled() -> None:
    beans = cm.Instrument(
        "CBOT.ZSH6",
        venue="CBOT",
        product="soybeans",
        size="5000 bu_soy",
        quote="0.01 USD/bu_soy",
        tick="0.25",
        settlement="daily_vm",
        fees=cm.Fees(open=cm.Fee()),
        margin=cm.Margin(long="0.1", short="0.1"),
    )
    assert beans.multiplier == 50
    assert beans.lot_in("t") == Fraction("136.0777110")


def test_an_unknown_unit_is_refused_with_the_nearest() -> None:
    with pytest.raises(cm.ConfigError, match="Did you mean 'ozt'"):
        units.parse_quantity("1 ozz", "size")

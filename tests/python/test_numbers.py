"""Bad numbers at the door of the configuration (B01–B15): typed errors that name the field."""

from decimal import Decimal

import numpy as np
import pytest

import cross_market as cm
from cross_market._values import Number
from parts import instrument


class EvilInt(int):
    """An int that says it is another one."""

    def __index__(self) -> int:
        return 7


class EvilDecimal(Decimal):
    """A Decimal that prints as another one."""

    def __str__(self) -> str:
        return "7"


def weight(given: object) -> object:
    """Hand a number to the door."""
    return cm.Fee(rate=given).rate  # type: ignore[arg-type]


TYPES = [
    float("nan"),
    float("inf"),
    -0.0,
    5e-324,
    1e308,
    0.1 + 0.2,
    1.0,
    True,
    np.float64(1.5),
    np.int64(3),
    EvilInt(3),
    EvilDecimal("3"),
    b"1",
    [1],
    None,
    1 + 2j,
]

VALUES = [
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    Decimal("1e1000000"),
    Decimal("1e-1000000"),
    Decimal("1" * 60),
    10**4000,
    "1_000",
    "\uff11\uff12",
    "+1",
    " 1 ",
    "1 ",
    "0x10",
    "1e3",
    "",
    "-",
    ".5",
    "5.",
    "1.2.3",
    "NaN",
    "\u0661",
    "1" * 10_000_000,
    "1\n",
    "1\x00",
    "1/0",
]


@pytest.mark.parametrize("given", TYPES, ids=lambda given: f"{type(given).__name__} {given!r:.20}")
def test_types_that_cannot_be_exact_are_refused(given: object) -> None:
    with pytest.raises(cm.InputTypeError) as caught:
        weight(given)
    assert caught.value.field == "fee.rate"
    assert isinstance(caught.value, TypeError)
    assert len(str(caught.value)) < 500
    if isinstance(given, float):
        assert "write it as text" in str(caught.value)


@pytest.mark.parametrize("given", VALUES, ids=lambda given: f"{str(given)[:20]!r}")
def test_values_that_are_no_plain_number_are_refused(given: object) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        weight(given)
    assert caught.value.field == "fee.rate"
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (0, "0"),
        (-3, "-3"),
        ("-0", "0"),
        ("0.10", "0.1"),
        (Decimal("1E+2"), "100"),
        (Decimal("-0.00"), "0"),
        ("00012.50", "12.5"),
        ("1/3", "1/3"),
        ("2/4", "0.5"),
    ],
)
def test_equal_numbers_have_one_form(given: object, read: str) -> None:
    assert weight(given) == read


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("tick", 0),
        ("tick", "-0.02"),
        ("lot", "0"),
        ("min_qty", "0.5"),
        ("min_qty", "-1"),
        ("price_max", 0),
        ("qty_max", "-5"),
        ("band", ("600.01", "640")),
        ("band", ("640", "600")),
        ("size", "0 g"),
        ("size", "-1000 g"),
    ],
)
def test_numbers_off_their_grid_or_bounds_are_refused(field: str, given: object) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        instrument("SHFE.au", "CNY/g", **{field: given})
    assert caught.value.field is not None
    assert caught.value.field.startswith(f"instrument.{field}")


@pytest.mark.parametrize(
    ("price", "ticks"), [("617.70", 30885), (617, 30850), (Decimal("-37.64"), -1882)]
)
def test_prices_become_ticks_exactly(price: Number, ticks: int) -> None:
    au = instrument("SHFE.au", "CNY/g")
    assert au.ticks(price) == ticks
    assert au.price(ticks) == Decimal(price)


@pytest.mark.parametrize("price", ["617.71", "0.01", 617.7])
def test_prices_off_the_grid_are_refused(price: object) -> None:
    with pytest.raises((cm.ConfigError, cm.InputTypeError)):
        instrument("SHFE.au", "CNY/g").ticks(price)  # type: ignore[arg-type]

"""Bad values that many tables walk, and what every refusal has to be."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cross_market as cm

Refusals = (cm.ConfigError, cm.InputTypeError, cm.UsageError)


class SlyInt(int):
    """An int that says it is another one."""

    def __index__(self) -> int:
        return 7


class SlyDecimal(Decimal):
    """A Decimal that prints as another one."""

    def __str__(self) -> str:
        return "7"


class SlyText(str):
    """A str that says it is equal to everything."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class Mute:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        message = "no"
        raise RuntimeError(message)


class Loud:
    """A value whose text moves a terminal, turns its direction and does not end."""

    def __repr__(self) -> str:
        return "\x1b[31m\nalert: all clear\u202e\udc80" + "x" * 10_000


Unending = type("L\x1b[2J\n" + "x" * 100_000, (), {})


def deep() -> list[Any]:
    """Return a list so deep that it has no text."""
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


# No door takes any of these, whatever it is for.
THINGS: list[Any] = [
    object(),
    Mute(),
    Loud(),
    Unending(),
    [10**5000],
    b"1",
    bytearray(b"1"),
    1 + 2j,
    {"1": 1},
    np.array([1, 2]),
    np.array("always"),
    print,
    int,
    ...,
]

FLOATS: list[Any] = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    5e-324,
    1e308,
    1e-30,
    0.1 + 0.2,
    1.0,
    np.float64(1.5),
    np.float32(1.5),
]

# Not the int that they look like.
ALMOST: list[Any] = [
    True,
    np.int64(3),
    np.uint8(3),
    np.bool_(True),  # noqa: FBT003
    SlyInt(3),
    Fraction(1, 2),
    np.datetime64("2026-02-10", "ns"),
    np.timedelta64(1, "s"),
    timedelta(seconds=1),
    date(2026, 2, 10),
    datetime(2026, 2, 10, tzinfo=UTC),
    datetime(2026, 2, 10),
]

HUGE = [2**64, -(2**64), 2**127, 10**4000, -(10**5000)]

# For ints of 64 bits with a sign.
WHOLES: list[Any] = [
    *THINGS,
    *FLOATS,
    *ALMOST,
    *HUGE,
    Decimal(1),
    Decimal("sNaN"),
    SlyDecimal(1),
    "1",
    "\uff11",
    "",
]

# For exact numbers given as int, str or Decimal.
NUMBERS: list[Any] = [
    *THINGS,
    *FLOATS,
    *ALMOST,
    *HUGE,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    Decimal("1e1000000"),
    Decimal("1e-1000000"),
    Decimal("1" * 60),
    SlyDecimal(1),
    SlyText("1"),
    "1_000",
    "\uff11\uff12",
    "\u0661",
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
    "inf",
    "1" * 10_000_000,
    "1\n",
    "1\x00",
    "1/0",
    "1,5",
    "\u22121",
    "\udc80",
]

# For names: what a log, a terminal, a shell or a database could read otherwise.
NAMES: list[Any] = [
    *THINGS,
    *FLOATS,
    *ALMOST,
    SlyText("gold"),
    "",
    " ",
    "\t\n",
    "x" * 41,
    "x" * 65_536,
    "a\x00b",
    "a\x1b[31mb",
    "a\nb",
    "a\rb",
    "a\x7fb",
    "a\u202eb",
    "a\u200bb",
    "\ufeffa",
    "a\u00adb",
    "\udc80",
    "caf\u00e9",
    "cafe\u0301",
    "\u0412TC",
    "\uff21",
    "\u9ec4\u91d12602",
    "'; drop table orders; --",
    "%s%n",
    "{0}",
    "../../etc/passwd",
    "a b",
    "a|b",
    "a\\b",
    "${HOME}",
    "\U0001f600",
]

# For stamps in ns: other units, other clocks, other kinds.
STAMPS: list[Any] = [
    *WHOLES,
    -1,
    -(10**18),
    1_770_000_000,
    1_770_000_000_000,
    1_770_000_000_000_000,
    315_532_799_999_999_999,
    7_258_118_400_000_000_001,
    253_402_300_799_000_000_000,
    2**63 - 1,
    2**63,
    -(2**63),
    1_770_000_000.5,
    "2026-02-10T00:00:00Z",
    "2026-02-10T00:00:00",
]


def identity(value: object) -> str:
    """Return a short name of a bad value, for the id of a test."""
    kind = ascii(type(value).__name__[:24])
    try:
        text = repr(value)
    except (RecursionError, RuntimeError, ValueError):
        return kind
    return kind if " at 0x" in text else ascii(text[:24])


def is_seen(text: str) -> bool:
    """Return whether every character of a text stands where it is read, and is seen."""
    return all(unicodedata.category(each)[0] not in "CZ" or each == " " for each in text)


def refused(
    call: Callable[[], object],
    *,
    field: str | None = None,
    kinds: type[Exception] | tuple[type[Exception], ...] = Refusals,
    most: int = 700,
) -> cm.CrossMarketError:
    """Make a call that has to be refused; prove the error and return it.

    field: str – how the field of the error must end; None where the call itself is wrong.
    most: int – characters that its text may have.
    """
    with pytest.raises(kinds) as caught:
        call()
    error: Any = caught.value
    assert not isinstance(error, cm.InternalError)
    text = str(error)
    assert len(text) <= most, len(text)
    assert is_seen(text), ascii(text)
    where = getattr(error, "field", None) or getattr(error, "call", None)
    assert where
    assert len(where) <= 160
    assert is_seen(where)
    assert error.expected
    if field is not None:
        assert str(where).split("[")[0].endswith(field), (where, field, text)
    found: cm.CrossMarketError = error
    return found

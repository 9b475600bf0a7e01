"""The tables of reject codes: every class is one of the engine's, and every code is where it was
written down."""

import re
from pathlib import Path

import pytest

import cross_market as cm
from cross_market.venues.rejects import CLASSES, SYSTEMS, TABLES, reject_class

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_classes_are_those_of_the_engine() -> None:
    page = (DOCS / "rejects.md").read_text()
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == CLASSES


def test_every_code_has_a_class_that_the_engine_knows() -> None:
    for system, tables in TABLES.items():
        for table in tables:
            assert table, system
            assert set(table.values()) <= set(CLASSES), system


# What an adapter of CTP has to do about each code, grouped as the desk groups them.
CTP_DUTIES = {
    "duplicate": (22, 24),  # asked about, never sent again
    "unknown_order": (25,),
    "too_late": (26,),  # the report is awaited
    "lots": (30, 50, 51),  # split again
    "money": (31,),  # smaller, or the other leg goes back
    "limit": (106,),
    "halted": (16, 17),  # the other leg goes back
    "close_only": (29,),
    "link": (21, 39),  # nothing leaves at the venue
    "rate": (40, 41, 116),  # back off
    "permission": (42, 63, 64),  # the account is halted
    "field": (15, 23, 80, 81, 61),  # a fault of ours
    "again": (90,),
    "other": (91,),  # its text says what it is
}


@pytest.mark.parametrize(
    ("name", "code"), [(name, code) for name, codes in CTP_DUTIES.items() for code in codes]
)
def test_ctp_codes_have_the_class_of_their_duty(name: str, code: int) -> None:
    assert reject_class("ctp", code) == name
    assert code in TABLES["ctp"][0]


def test_orders_and_cancels_of_fix_have_codes_of_their_own() -> None:
    assert (cm.venues.reject_class("fix", 0), reject_class("fix", 0, cancel=True)) == (
        "other",
        "too_late",
    )
    assert reject_class("fix", 6) == reject_class("fix", 6, cancel=True) == "duplicate"
    # Every value of both fields up to FIX 5.0 SP2.
    assert set(TABLES["fix"][0]) == {*range(17), 18, 99}
    assert set(TABLES["fix"][1]) == {*range(9), 18, 99}


def test_codes_of_interactive_brokers() -> None:
    for code, name in ((100, "rate"), (103, "duplicate"), (110, "price"), (161, "too_late")):
        assert reject_class("ib", code) == name


class RateLimitExceeded(Exception):
    """Named as ccxt's."""


class OfOneExchange(RateLimitExceeded):
    """A class that only one exchange has."""


def test_exceptions_of_ccxt_go_by_their_nearest_known_class() -> None:
    assert reject_class("ccxt", "InsufficientFunds") == "money"
    assert reject_class("ccxt", OfOneExchange("slow down")) == "rate"
    assert reject_class("ccxt", KeyError("no exchange says this")) == "other"
    # What may have arrived is asked about.
    for lost in ("RequestTimeout", "NetworkError", "ExchangeNotAvailable", "BadResponse"):
        assert reject_class("ccxt", lost) == "unknown_order"


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_unknown_code_is_other(system: str) -> None:
    code: int | str = "NoSuchError" if system == "ccxt" else 987_654
    assert reject_class(system, code) == "other"


def test_what_is_no_code_is_refused() -> None:
    with pytest.raises(cm.ConfigError, match="Did you mean 'ctp'"):
        reject_class("ctpp", 31)
    for system, code in (("ctp", "31"), ("ctp", True), ("ib", 2.01), ("ccxt", 3), (7, 3)):
        with pytest.raises(cm.InputTypeError):
            reject_class(system, code)  # type: ignore[arg-type]

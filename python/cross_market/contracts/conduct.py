"""What exchanges count of a contract in a trading day, as far as it is known: a dated table.

`conduct("SHFE", on="2026-02-10", reserve="0.10", opens_per_day="none")` returns the budgets to put
into `InstrumentLimits`. What the table does not know has to be given; nothing is guessed.
"""

import datetime
import functools
import math
import tomllib
from fractions import Fraction
from importlib import resources
from typing import Any

from cross_market._values import (
    NONE,
    Number,
    missing,
    read_decimal,
    says_none,
    unknown,
    wrong,
    wrong_type,
)
from cross_market.policy.conduct import Conduct, Stated

__all__ = ["conduct"]

# Budget → the key of the number from which on an exchange takes note.
TOLD_AT = {
    "cancels_per_day": "cancels",
    "large_cancels_per_day": "large_cancels",
    "self_trades_per_day": "self_trades",
    "bursts_per_day": "bursts",
}


def conduct(
    exchange: str,
    *,
    on: str | datetime.date,
    reserve: Number,
    cancels_per_day: Stated = None,
    large_lots: Stated = None,
    large_cancels_per_day: Stated = None,
    opens_per_day: Stated = None,
    self_trades_per_day: Stated = None,
    bursts_per_day: Stated = None,
    counts_ioc: bool | None = None,
    counts_fok: bool | None = None,
    counts_hedging: bool | None = None,
) -> Conduct:
    """Return the budgets of a contract of an exchange: one below what the exchange takes note of.

    exchange: str – such as 'SHFE'.
    on: str or date – the trading day, such as '2026-02-10'.
    reserve: number – the part of each budget that only repair and exits may use, such as '0.10';
        rounded up.
    cancels_per_day, large_cancels_per_day, opens_per_day, self_trades_per_day, bursts_per_day: int
        or 'none' – in place of what the table knows; required where it knows nothing.
    large_lots: int or 'none' – from how many lots left on a cancel is a large one; the same.
    counts_ioc, counts_fok, counts_hedging: bool – whether those count, see `Conduct`; the same.
    returns: Conduct – with the reserves of `reserve`.
    Raises ConfigError for an exchange, a day or a number that is not known, InputTypeError for
    values of another type.
    """
    given: dict[str, Any] = {
        "cancels_per_day": cancels_per_day,
        "large_lots": large_lots,
        "large_cancels_per_day": large_cancels_per_day,
        "opens_per_day": opens_per_day,
        "self_trades_per_day": self_trades_per_day,
        "bursts_per_day": bursts_per_day,
        "counts_ioc": counts_ioc,
        "counts_fok": counts_fok,
        "counts_hedging": counts_hedging,
    }
    part = Fraction(read_decimal(reserve, "conduct.reserve", "a fraction"))
    if not 0 <= part < 1:
        raise wrong(reserve, "conduct.reserve", "a fraction of at least 0 and below 1")
    known = _known(_row(exchange, on))
    if (
        large_lots is None
        and large_cancels_per_day is not None
        and says_none(large_cancels_per_day)
    ):
        given["large_lots"] = NONE
    found: dict[str, Any] = {
        key: known.get(key) if item is None else item for key, item in given.items()
    }
    for key, item in found.items():
        if item is None:
            expected = f"a value, from the rules of {exchange}: its own on {on} is not known here"
            raise missing(expected, f"conduct.{key}")
    for key in ("cancels", "large_cancels", "opens"):
        most = found[f"{key}_per_day"]
        found[f"{key}_reserve"] = math.ceil(most * part) if type(most) is int else NONE
    return Conduct(**found)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row of the table says of each argument of Conduct."""
    most = {key: row[told] - 1 for key, told in TOLD_AT.items() if told in row}
    plain = ("large_lots", "counts_ioc", "counts_fok", "counts_hedging")
    return {**most, **{key: row[key] for key in plain if key in row}}


def _row(exchange: str, on: str | datetime.date) -> dict[str, Any]:
    """Return the row that counts on a day."""
    if type(exchange) is not str:
        raise wrong_type(exchange, "conduct.exchange", "the name of an exchange, as str")
    day = _day(on)
    rows = [row for row in _table() if row["exchange"] == exchange]
    if not rows:
        known = sorted({row["exchange"] for row in _table()})
        raise unknown(exchange, "conduct.exchange", known, "an exchange whose rules are known")
    dated = [row for row in rows if datetime.date.fromisoformat(row["since"]) <= day]
    if not dated:
        first = min(row["since"] for row in rows)
        raise wrong(on, "conduct.on", f"{first} or later: before it no rules are known")
    return max(dated, key=lambda row: str(row["since"]))


def _day(on: str | datetime.date) -> datetime.date:
    expected = "a day such as '2026-02-10', as str or date"
    if type(on) is datetime.date:
        return on
    if type(on) is not str:
        raise wrong_type(on, "conduct.on", expected)
    try:
        return datetime.date.fromisoformat(on)
    except ValueError as error:
        raise wrong(on, "conduct.on", expected) from error


@functools.cache
def _table() -> tuple[dict[str, Any], ...]:
    text = resources.files(__package__).joinpath("conduct.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["rules"])

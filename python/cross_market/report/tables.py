"""The tables of the page: which column stands under which word, and how values are written."""

import datetime
import decimal
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from cross_market._values import tidy
from cross_market.report.answers import Answer
from cross_market.report.queries import CAUSES
from cross_market.report.words import WORDS, word

P = ParamSpec("P")
R = TypeVar("R")

CENT = Decimal("0.01")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


# Enough digits for any sum of money, whatever the caller's own context says.
EXACTLY = decimal.Context(
    prec=80, rounding=decimal.ROUND_HALF_EVEN, traps=[decimal.InvalidOperation]
)


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that computes with all digits, whatever decimal context its caller has."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with decimal.localcontext(EXACTLY):
            return function(*args, **kwargs)

    return run


@dataclass(frozen=True)
class Column:
    """A column of a table.

    key: str – the answer's column. label: str – the word above it.
    form: str – how values are written: one of `FORMS`, or `word:domain` for words of a list.
    """

    key: str
    label: str
    form: str = "text"

    @property
    def is_number(self) -> bool:
        """Whether values are set to the right."""
        return self.form in NUMBERS


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table: its text, the word that it is, its exact value."""

    text: str
    key: str = ""
    exact: str = ""
    kind: str = ""


def number(value: Any) -> str:  # noqa: ANN401
    """Return a number with all its digits and none that say nothing."""
    return f"{tidy(Decimal(value)):,f}"


def money(value: Any) -> str:  # noqa: ANN401
    """Return an amount to the cent; one smaller than a cent with its digits."""
    amount = tidy(Decimal(value))
    return f"{amount:,.2f}" if not amount or abs(amount) >= CENT else f"{amount:,f}"


def share(value: Any) -> str:  # noqa: ANN401
    """Return a share as per cent."""
    return f"{Decimal(value):.2%}"


def moment(value: Any) -> str:  # noqa: ANN401
    """Return ns since the epoch as UTC to the millisecond."""
    seconds, rest = divmod(int(value), 10**9)
    when = EPOCH + datetime.timedelta(seconds=seconds)
    return f"{when:%Y-%m-%d %H:%M:%S}.{rest // 10**6:03d}"


def duration(value: Any) -> str:  # noqa: ANN401
    """Return ns in the unit that makes it readable."""
    ns = int(value)
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if abs(ns) >= size:
            return (
                f"{ns / size:,.3g} {unit}" if abs(ns) < 100 * size else f"{ns / size:,.0f} {unit}"
            )
    return f"{ns} ns" if ns else "0"


FORMS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "id": str,
    "number": number,
    "money": money,
    "share": share,
    "time": moment,
    "duration": duration,
    "day": str,
}
NUMBERS = {"number", "money", "share", "duration"}
EXACT = {"money", "share", "duration", "time"}


def cell(value: Any, form: str) -> Cell:  # noqa: ANN401
    """Return what stands in a table for a value."""
    if value is None:
        return Cell("–", kind="none number" if form in NUMBERS else "none")
    if form.startswith("word:"):
        key = f"{form[5:]}.{value}"
        return Cell(word(key, "en"), key=key if key in WORDS else "", kind=f"word {key}")
    text = FORMS[form](value)
    exact = ""
    if form in EXACT:
        exact = f"{tidy(value):f}" if isinstance(value, Decimal) else str(value)
    sign = ""
    if form == "money" and value <= 0:
        sign = " below" if value < 0 else " zero"
    return Cell(text, exact=exact, kind=form + sign)


@dataclass(frozen=True)
class Table:
    """A table of the page.

    name: str – its query. label: str – the word above it; '' for none. note: str – a word below.
    columns, cells – what stands where. of: int – how many rows there are, shown or not.
    """

    name: str
    label: str
    note: str
    columns: list[Column]
    cells: list[list[Cell]]
    of: int


def table(
    name: str, answer: Answer, columns: Iterable[Column], label: str = "", note: str = ""
) -> Table:
    """Return a table of an answer; a column `of` of it says how many rows there are in all."""
    shown = list(columns)
    rows = answer.rows()
    of = int(rows[0]["of"]) if rows and "of" in rows[0] else len(rows)
    cells = [[cell(row[column.key], column.form) for column in shown] for row in rows]
    return Table(name, label, note, shown, cells, of)


def causes_of(answers: Iterable[Answer]) -> list[str]:
    """Return the causes that moved any money in some answers, in their order."""
    columns = [answer.columns for answer in answers]
    return [cause for cause in CAUSES if any(any(each[cause]) for each in columns)]


def parts(key: str, label: str, form: str, causes: Iterable[str]) -> list[Column]:
    """Return the columns of a table of the result by `key`."""
    money_columns = [Column(cause, f"cause.{cause}", "money") for cause in causes]
    return [
        Column(key, label, form),
        Column("currency", "currency"),
        *money_columns,
        Column("total", "total", "money"),
    ]


ENDS = (
    Column("kind", "kind", "word:kind"),
    Column("end", "end", "word:end"),
    Column("attempts", "attempts", "number"),
    Column("sets", "sets_traded", "number"),
    Column("repaired", "key.repaired", "number"),
)
LATENCY = (
    Column("stage", "stage", "word:stage"),
    Column("orders", "orders", "number"),
    Column("without", "without", "number"),
    Column("least", "least", "duration"),
    Column("p50", "p50", "duration"),
    Column("p90", "p90", "duration"),
    Column("p99", "p99", "duration"),
    Column("most", "most", "duration"),
)
ALERT_CODES = (
    Column("urgency", "urgency", "word:urgency"),
    Column("code", "code", "word:alert"),
    Column("count", "count", "number"),
    Column("first_ns", "first", "time"),
    Column("last_ns", "last", "time"),
)
ALERTS = (
    Column("now_ns", "time", "time"),
    Column("urgency", "urgency", "word:urgency"),
    Column("code", "code", "word:alert"),
    Column("subject", "subject", "word:subject"),
    Column("name", "name", "id"),
    Column("value", "value", "number"),
    Column("limit", "limit", "number"),
)
ATTEMPTS = (
    Column("started_ns", "started", "time"),
    Column("hedge", "hedge"),
    Column("kind", "kind", "word:kind"),
    Column("end", "end", "word:end"),
    Column("sets_from", "sets_from", "number"),
    Column("sets_to", "sets_to", "number"),
    Column("sets_traded", "sets_traded", "number"),
    Column("orders", "orders", "number"),
    Column("repairs", "repairs", "number"),
    Column("repair_loss", "repair_loss", "money"),
    Column("ended_ns", "ended", "time"),
    Column("decision", "decision", "id"),
)
ORDERS = (
    Column("decided_ns", "decided", "time"),
    Column("instrument", "instrument"),
    Column("account", "account"),
    Column("side", "side", "word:side"),
    Column("effect", "effect", "word:effect"),
    Column("kind", "kind", "word:kind"),
    Column("purpose", "purpose", "word:purpose"),
    Column("price", "price", "number"),
    Column("qty", "qty", "number"),
    Column("cum_qty", "cum_qty", "number"),
    Column("avg_px", "avg_px", "number"),
    Column("status", "status", "word:status"),
    Column("order", "order", "id"),
)
FILLS = (
    Column("receive_ns", "received", "time"),
    Column("instrument", "instrument"),
    Column("account", "account"),
    Column("side", "side", "word:side"),
    Column("price", "price", "number"),
    Column("qty", "qty", "number"),
    Column("fee", "fee", "number"),
    Column("fee_currency", "currency"),
    Column("liquidity", "liquidity", "word:liquidity"),
    Column("revised", "revised", "word:revised"),
    Column("trade_id", "trade", "id"),
    Column("order", "order", "id"),
)
FUNDS = (
    Column("account", "account"),
    Column("currency", "currency"),
    Column("opening", "opening", "money"),
    Column("trade", "traded", "money"),
    Column("result", "result_cause", "money"),
    Column("variation", "variation", "money"),
    Column("fees", "fees", "money"),
    Column("other", "other", "money"),
    Column("balance", "balance", "money"),
    Column("earned", "earned", "money"),
    Column("margin", "margin", "money"),
    Column("peak_usage", "peak_usage", "share"),
)
POSITIONS = (
    Column("account", "account"),
    Column("instrument", "instrument"),
    Column("long", "long", "number"),
    Column("short", "short", "number"),
    Column("unassigned", "unassigned", "number"),
)
HEDGES = (
    Column("hedge", "hedge"),
    Column("attempts", "attempts", "number"),
    Column("sets", "sets", "number"),
    Column("residual", "residual", "number"),
    Column("max_residual", "max_residual", "number"),
    Column("unit", "unit"),
)

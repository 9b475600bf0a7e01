"""The answers to the report's queries: DuckDB runs them on the tables, in memory and offline."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cross_market.errors import UsageError
from cross_market.report.queries import QUERIES

if TYPE_CHECKING:
    import pyarrow as pa

Tables = Mapping[str, Any]
SETTINGS = {"threads": 1, "enable_external_access": False, "python_enable_replacements": False}


@dataclass(frozen=True)
class Answer:
    """A query and what it gave.

    sql: str – the query. table: Table – its answer.
    """

    sql: str
    table: "pa.Table"

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """The answer as lists of plain values."""
        return {name: self.table[name].to_pylist() for name in self.table.column_names}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def rows(self) -> list[dict[str, Any]]:
        """Return the answer as one dict for each row."""
        found: list[dict[str, Any]] = self.table.to_pylist()
        return found

    def groups(self, *keys: str) -> list[tuple[tuple[Any, ...], int, int]]:
        """Return runs of rows in which `keys` stay equal: their values, first row, end."""
        columns = [self.columns[key] for key in keys]
        found: list[tuple[tuple[Any, ...], int, int]] = []
        for at, values in enumerate(zip(*columns, strict=True)):
            if found and found[-1][0] == values:
                found[-1] = (values, found[-1][1], at + 1)
            else:
                found.append((values, at, at + 1))
        return found


Answers = Mapping[str, Answer]


def need(name: str, call: str) -> ModuleType:
    """Return an imported package of the extra `report`; UsageError names the extra without it."""
    try:
        return import_module(name)
    except ImportError as error:
        message = f"{call}: {name} is not installed; pip install 'cross-market[report]'"
        expected = "the extra 'report' of cross-market"
        raise UsageError(message, call=call, expected=expected) from error


def ask(tables: Tables, names: Iterable[str], call: str) -> dict[str, Answer]:
    """Return the answers to some of `QUERIES`.

    tables: dict of Arrow tables – those of a result.
    names: sequence of str – which queries.
    call: str – what errors call the caller.
    Raises UsageError when duckdb is not installed.
    """
    duckdb = need("duckdb", call)
    found = {}
    with duckdb.connect(config=SETTINGS) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        for name in names:
            sql = QUERIES[name]
            found[name] = Answer(sql, connection.sql(sql).to_arrow_table())
    return found


def to_json(answer: Answer) -> str:
    """Return an answer as JSON: its query, and its columns with the exact digits of every number.

    It may stand in a page: no character of it means anything in HTML.
    """
    columns = ",".join(
        f"{json.dumps(name)}:[{','.join(map(value_json, values))}]"
        for name, values in answer.columns.items()
    )
    return harmless(f'{{"sql":{json.dumps(answer.sql)},"columns":{{{columns}}}}}')


def value_json(value: object) -> str:
    """Return one value as JSON; a decimal keeps its digits, but for zeros that say nothing."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if type(value) is int:
        return str(value)
    return json.dumps(
        value if value is None or isinstance(value, bool | float | str) else str(value)
    )


def harmless(text: str) -> str:
    """Return JSON that a page can hold inside an element: nothing in it ends the element."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

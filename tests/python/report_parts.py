"""Hand-made results for the report: small, with names that would like to be code."""

import dataclasses
import datetime
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa

import cross_market as cm
from cross_market import demo

# A name in a result is at least printable text; this is the worst of it.
EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)> %{x} {{7*7}} & \u2028"
SECOND = 10**9
BEGIN = 1_700_000_000 * SECOND

MONEY, WIDE = pa.decimal128(38, 9), pa.decimal128(38, 12)
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "attempts": {
        "decision": pa.uint64(),
        "hedge": pa.string(),
        "kind": pa.string(),
        "end": pa.string(),
        "started_ns": pa.int64(),
        "ended_ns": pa.int64(),
        "sets_from": pa.int64(),
        "sets_to": pa.int64(),
        "sets_traded": pa.int64(),
        "repair_loss": MONEY,
        "orders": pa.uint64(),
        "repairs": pa.uint64(),
    },
    "orders": {
        "order": pa.uint64(),
        "decision": pa.uint64(),
        "venue_order_id": pa.string(),
        "account": pa.string(),
        "instrument": pa.string(),
        "hedge": pa.string(),
        "leg": pa.int64(),
        "side": pa.string(),
        "effect": pa.string(),
        "tif": pa.string(),
        "kind": pa.string(),
        "purpose": pa.string(),
        "price": WIDE,
        "qty": WIDE,
        "cum_qty": WIDE,
        "avg_px": WIDE,
        "status": pa.string(),
        "cancels": pa.uint64(),
        "queries": pa.uint64(),
    },
    "fills": {
        "order": pa.uint64(),
        "trade_id": pa.string(),
        "account": pa.string(),
        "instrument": pa.string(),
        "side": pa.string(),
        "price": WIDE,
        "qty": WIDE,
        "fee": MONEY,
        "fee_currency": pa.string(),
        "liquidity": pa.string(),
        "exchange_ns": pa.int64(),
        "receive_ns": pa.int64(),
        "revised": pa.string(),
    },
    "funds": {
        "account": pa.string(),
        "currency": pa.string(),
        **dict.fromkeys(
            ("available", "held", "quarantine", "margin", "balance", "opening", "fees", "result"),
            MONEY,
        ),
        **dict.fromkeys(
            (
                "variation",
                "trade",
                "funding",
                "interest",
                "transfer",
                "adjustment",
                "dust",
                "earned",
            ),
            MONEY,
        ),
        "peak_usage": WIDE,
    },
    "positions": {
        "account": pa.string(),
        "instrument": pa.string(),
        **dict.fromkeys(("long", "short", "unassigned"), WIDE),
    },
    "hedges": {
        "hedge": pa.string(),
        "sets": pa.int64(),
        "residual": WIDE,
        "unit": pa.string(),
        "currency": pa.string(),
        "max_residual": WIDE,
    },
    "alerts": {
        "now_ns": pa.int64(),
        "code": pa.string(),
        "urgency": pa.string(),
        "subject": pa.string(),
        "name": pa.string(),
        "detail": pa.int64(),
        "value": pa.string(),
        "limit": pa.string(),
    },
    "chains": {
        "decision": pa.uint64(),
        "order": pa.uint64(),
        **dict.fromkeys(
            (
                "cause_exchange_ns",
                "cause_receive_ns",
                "decided_ns",
                "arrived_ns",
                "acked_ns",
                "filled_ns",
                "done_ns",
            ),
            pa.int64(),
        ),
    },
    "refusals": {
        "subject": pa.string(),
        "name": pa.string(),
        "refusal": pa.string(),
        "count": pa.uint64(),
    },
    "signals": {
        "hedge": pa.string(),
        "from_ns": pa.int64(),
        "until_ns": pa.int64(),
        **dict.fromkeys(
            ("enter_min", "enter_max", "enter_last", "exit_min", "exit_max", "exit_last"), WIDE
        ),
        **dict.fromkeys(("plus_enter", "plus_exit", "mirror_enter", "mirror_exit"), WIDE),
    },
    "prices": {
        "hedge": pa.string(),
        "leg": pa.int64(),
        "instrument": pa.string(),
        "from_ns": pa.int64(),
        "until_ns": pa.int64(),
        **dict.fromkeys(("bid_min", "ask_max", "bid_last", "ask_last"), WIDE),
    },
    "inventory": {
        "now_ns": pa.int64(),
        "hedge": pa.string(),
        "sets": pa.int64(),
        "residual": WIDE,
    },
    "usage": {
        "account": pa.string(),
        "from_ns": pa.int64(),
        "until_ns": pa.int64(),
        **dict.fromkeys(("usage_max", "usage_last", "cap"), WIDE),
    },
    "attribution": {
        "day": pa.date32(),
        "hedge": pa.string(),
        "account": pa.string(),
        "cause": pa.string(),
        "currency": pa.string(),
        "amount": MONEY,
        "own_currency": pa.string(),
        "own_amount": MONEY,
    },
}


def arrow(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as the table of this name; what a row does not say is zero or empty."""
    empty = {pa.string(): "", MONEY: Decimal(0), WIDE: Decimal(0)}
    schema = SCHEMAS[name]
    full = [{key: empty.get(kind, 0) for key, kind in schema.items()} | row for row in rows]
    columns = {key: pa.array([row[key] for row in full], kind) for key, kind in schema.items()}
    return pa.table(columns)


def empty_result() -> cm.Result:
    """Return the result of a run in which nothing was configured and nothing happened."""
    return result_of({name: arrow(name, []) for name in SCHEMAS})


def result_of(tables: dict[str, pa.Table], **changed: object) -> cm.Result:
    """Return a result of these tables."""
    given: dict[str, Any] = {
        "tables": tables,
        "rows": 12,
        "left_out": 0,
        "ahead_ns": {},
        "events": 34,
        "errors": 0,
        "refused": None,
        "faults": {},
        "journal": None,
        "link": None,
        "digest": bytes(range(32)),
    }
    return cm.Result(**(given | changed))


def hostile() -> cm.Result:
    """Return a result in which everything that has a name or a reason is called `EVIL`."""
    order, decision = 7, 5
    stamps = {"from_ns": BEGIN, "until_ns": BEGIN + 60 * SECOND}
    number = Decimal("1.5")
    rows: dict[str, list[dict[str, Any]]] = {
        "attempts": [
            {"decision": decision, "hedge": EVIL, "kind": EVIL, "end": EVIL, "started_ns": BEGIN}
        ],
        "orders": [
            {
                "order": order,
                "decision": decision,
                **dict.fromkeys(
                    ("venue_order_id", "account", "instrument", "hedge", "side", "effect"), EVIL
                ),
                **dict.fromkeys(("tif", "kind", "purpose", "status"), EVIL),
            }
        ],
        "fills": [
            {
                "order": order,
                "receive_ns": BEGIN,
                **dict.fromkeys(
                    ("trade_id", "account", "instrument", "side", "fee_currency"), EVIL
                ),
                **dict.fromkeys(("liquidity", "revised"), EVIL),
            }
        ],
        "funds": [{"account": EVIL, "currency": EVIL}],
        "positions": [{"account": EVIL, "instrument": EVIL}],
        "hedges": [{"hedge": EVIL, "unit": EVIL, "currency": EVIL}],
        "alerts": [
            {
                "now_ns": BEGIN,
                **dict.fromkeys(("code", "subject", "name", "value", "limit"), EVIL),
                "urgency": "alarm",
            }
        ],
        "chains": [
            {
                "order": order,
                "cause_exchange_ns": BEGIN,
                "cause_receive_ns": BEGIN + 5,
                "decided_ns": BEGIN + 9,
            }
        ],
        "refusals": [{"subject": EVIL, "name": EVIL, "refusal": EVIL, "count": 3}],
        "signals": [{"hedge": EVIL, **stamps, "plus_enter": number}],
        "prices": [{"hedge": EVIL, "instrument": EVIL, **stamps}],
        "inventory": [{"hedge": EVIL, "now_ns": BEGIN}],
        "usage": [{"account": EVIL, **stamps}],
        "attribution": [
            {"day": datetime.date(2023, 11, day), "amount": number}
            | dict.fromkeys(("hedge", "account", "cause", "currency"), EVIL)
            for day in (14, 15)
        ],
    }
    tables = {name: arrow(name, rows[name]) for name in SCHEMAS}
    named = {"faults": {EVIL: 1}, "ahead_ns": {EVIL: 2}, "errors": 1, "refused": EVIL}
    return result_of(tables, journal=f"/tmp/{EVIL}", **named)


def demo_run(days: int = 250) -> cm.Result:
    """Return a run of the demo's first days."""
    fixings = demo.fixings()[:days]
    return cm.simulate(
        demo.config(),
        demo.quotes(fixings),
        venues=demo.venues(1),
        verbs=demo.operator(fixings),
    )


def replaced(result: cm.Result, **tables: pa.Table) -> cm.Result:
    """Return a result with some tables replaced."""
    return dataclasses.replace(result, tables={**result.tables, **tables})


class Page(HTMLParser):
    """A page as a reader that trusts nothing sees it: tags, and the text of what has an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.words: set[str] = set()
        self.tables: dict[str, list[list[str]]] = {}
        self.handlers: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self._table: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        self.handlers += [name for name in known if name.startswith("on")]
        if known.get("data-w"):
            self.words.add(str(known["data-w"]))
        if tag == "table":
            self._table = str(known["id"])
            self.tables[self._table] = []
        if self._table and tag == "tr":
            self.tables[self._table].append([])
        if self._table and tag in ("td", "th"):
            self.tables[self._table][-1].append("")
        if tag not in ("meta", "img", "br", "link", "input"):
            self._open.append((tag, known.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][1]:
            key = self._open[-1][1]
            self.texts[key] = self.texts.get(key, "") + data
        if self._table and any(tag in ("td", "th") for tag, _ in self._open):
            self.tables[self._table][-1][-1] += data

    def data(self, name: str) -> dict[str, Any]:
        """Return the JSON beside a figure; its numbers are exact decimals."""
        found: dict[str, Any] = json.loads(self.texts[f"data-{name}"], parse_float=Decimal)
        return found

    def names(self) -> list[str]:
        """Return the names of the queries whose answers the page holds."""
        return [key[5:] for key in self.texts if key.startswith("data-")]


def rows_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of a page's data as rows."""
    columns = data["columns"]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def is_chinese(text: str) -> bool:
    """Return whether a text has a Chinese character."""
    return re.search(r"[\u4e00-\u9fff]", text) is not None

"""A run in a few lines: what printing a result says, and what a notebook shows of it.

It needs no package beside pyarrow, which the tables are made of.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Protocol

from cross_market.report.answers import Tables
from cross_market.report.queries import CAUSES
from cross_market.report.tables import exactly, moment, money, number
from cross_market.report.words import DOMAINS, word

URGENCIES = ("alarm", "warn", "info")


class Ran(Protocol):
    """What is said of a run."""

    @property
    def tables(self) -> Tables: ...
    @property
    def rows(self) -> int: ...
    @property
    def digest(self) -> bytes: ...


def column(tables: Tables, table: str, name: str) -> list[Any]:
    """Return a column as plain values."""
    found: list[Any] = tables[table][name].to_pylist()
    return found


def english(domain: str, code: str) -> str:
    """Return a word of the tables in English."""
    return word(f"{domain}.{code}", "en")


def period(tables: Tables) -> str:
    """Return first and last moment of a run to the second; '' when nothing was seen."""
    begin, end = (column(tables, "prices", name) for name in ("from_ns", "until_ns"))
    if not begin:
        return ""
    return f"{moment(min(begin))[:19]} to {moment(max(end))[:19]} UTC"


def ends(tables: Tables) -> dict[str, list[tuple[str, int]]]:
    """Return by kind of attempt how many came to which end, most frequent first."""
    pairs = zip(column(tables, "attempts", "kind"), column(tables, "attempts", "end"), strict=True)
    counts = Counter((kind, end or "alive") for kind, end in pairs)
    found: dict[str, list[tuple[str, int]]] = {}
    for (kind, end), count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        found.setdefault(kind, []).append((end, count))
    return found


def traded(tables: Tables) -> dict[str, int]:
    """Return by hedge how many sets were traded, both ways together."""
    found: Counter[str] = Counter()
    names, sets = (column(tables, "attempts", name) for name in ("hedge", "sets_traded"))
    for name, count in zip(names, sets, strict=True):
        found[name] += abs(count)
    return dict(found)


def causes(tables: Tables) -> dict[str, dict[str, Decimal]]:
    """Return by currency what each cause came to, and their sum as `total`."""
    sums: dict[str, dict[str, Decimal]] = {}
    columns = [column(tables, "attribution", name) for name in ("currency", "cause", "amount")]
    for currency, cause, amount in zip(*columns, strict=True):
        of = sums.setdefault(currency, {})
        of[cause] = of.get(cause, Decimal(0)) + amount
    found = {}
    for currency, of in sorted(sums.items()):
        known = [cause for cause in CAUSES if cause in of]
        rest = sorted(set(of) - set(known))
        found[currency] = {cause: of[cause] for cause in [*known, *rest]}
        found[currency]["total"] = sum(of.values(), Decimal(0))
    return found


def alerts(tables: Tables) -> list[tuple[str, str, int]]:
    """Return urgency, code and count of the alerts, worst first."""
    pairs = zip(*(column(tables, "alerts", name) for name in ("urgency", "code")), strict=True)
    counts = Counter(pairs)
    found = [(urgency, code, count) for (urgency, code), count in counts.items()]
    return sorted(found, key=lambda each: (URGENCIES.index(each[0]), -each[2], each[1]))


def refusals(tables: Tables) -> list[tuple[str, int]]:
    """Return reason and count of the refusals, most frequent first."""
    counts: Counter[str] = Counter()
    columns = [column(tables, "refusals", name) for name in ("refusal", "count")]
    for reason, count in zip(*columns, strict=True):
        counts[reason] += count
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def place(kind: str) -> int:
    """Return where a kind of attempt stands among the kinds."""
    known = list(DOMAINS["kind"])
    return known.index(kind) if kind in known else len(known)


def short(items: Sequence[str], most: int = 6) -> str:
    """Return items with commas, and how many are left out when there are many."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


@exactly
def text(ran: Ran) -> str:
    """Return a run as a few lines of text."""
    tables = ran.tables
    attempts, orders, fills = (tables[key].num_rows for key in ("attempts", "orders", "fills"))
    by_kind = []
    for kind, pairs in sorted(ends(tables).items(), key=lambda each: place(each[0])):
        counts = [f"{count:,} {english('end', end)}" for end, count in pairs]
        by_kind.append(f"{english('kind', kind)} {', '.join(counts)}")
    sets = [f"{hedge} {count:,} sets" for hedge, count in traded(tables).items()]
    held = [
        f"{row['hedge']} {row['sets']:,} sets, residual {number(row['residual'])}"
        for row in tables["hedges"].to_pylist()
    ]
    lines = [
        ("attempts", f"{attempts:,}" + (f": {'; '.join(by_kind)}" if by_kind else "")),
        ("traded", f"{short(sets) or 'nothing'}; {orders:,} orders, {fills:,} fills"),
        ("holds", short(held)),
    ]
    for currency, of in causes(tables).items():
        each = [f"{english('cause', key)} {money(of[key])}" for key in of if of[key]][:-1]
        parts = f" = {', '.join(each)}" if each else ""
        lines.append(("result", f"{money(of['total'])} {currency}{parts}"))
    told = [f"{reason} {count:,}" for reason, count in refusals(tables)]
    lines.append(("refusals", short(told) or "none"))
    loud = [
        f"{english('urgency', urgency)} {code} {count:,}"
        for urgency, code, count in alerts(tables)
        if urgency != "info"
    ]
    lines.append(("alerts", short(loud) or "none above info"))
    lines.append(("digest", ran.digest.hex()))
    when = period(tables)
    head = f"Result of {ran.rows:,} rows" + (f", {when}" if when else "")
    return "\n".join([head, *(f"  {label:<9} {line}" for label, line in lines)])


@exactly
def html(ran: Ran) -> str:
    """Return a run as the tables that a notebook shows."""
    tables = ran.tables
    attempts = [
        (english("kind", kind), english("end", end), f"{count:,}")
        for kind, pairs in ends(tables).items()
        for end, count in pairs
    ]
    result = [
        (currency, english("cause", cause), money(amount))
        for currency, of in causes(tables).items()
        for cause, amount in of.items()
    ]
    sets = traded(tables)
    hedges = [
        (
            row["hedge"],
            f"{sets.get(row['hedge'], 0):,}",
            f"{row['sets']:,}",
            number(row["residual"]),
        )
        for row in tables["hedges"].to_pylist()
    ]
    told = [
        (english("urgency", urgency), english("alert", code), f"{count:,}")
        for urgency, code, count in alerts(tables)
    ]
    parts = [
        grid("Attempts", ("kind", "end", "count"), attempts),
        grid("Result", ("currency", "cause", "amount"), result),
        grid("Hedges", ("hedge", "traded", "held", "residual"), hedges),
        grid("Alerts", ("urgency", "code", "count"), told),
    ]
    when = period(tables)
    head = (
        f"{ran.rows:,} rows" + (f", {when}" if when else "") + f", digest {ran.digest.hex()[:16]}"
    )
    return (
        f"<div><p><b>Result</b> {escape(head)}</p>"
        f'<div style="display:flex;flex-wrap:wrap;gap:0 32px">{"".join(parts)}</div></div>'
    )


def grid(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], most: int = 20) -> str:
    """Return a table as HTML, numbers to the right, with a line for what is left out."""
    body = list(rows)
    cells = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = "".join(f"<tr>{''.join(map(field, row))}</tr>" for row in body[:most])
    rest = len(body) - most
    more = f"<p>and {rest:,} more</p>" if rest > 0 else ""
    return (
        f"<div><p>{escape(title)}</p><table><thead><tr>{cells}</tr></thead>"
        f"<tbody>{lines or '<tr><td>none</td></tr>'}</tbody></table>{more}</div>"
    )


def field(value: object) -> str:
    """Return one value as a cell of HTML."""
    written = str(value)
    right = ' style="text-align:right"' if written[-1:].isdigit() else ""
    return f"<td{right}>{escape(written)}</td>"

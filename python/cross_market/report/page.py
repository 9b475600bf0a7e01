"""The page: one file that opens offline, in two languages, with the query behind every number."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from cross_market._core import version
from cross_market._files import path_text
from cross_market._values import wrong_type
from cross_market.report import tables as layouts
from cross_market.report.answers import Answers, Tables, ask, harmless, need, to_json
from cross_market.report.plots import FIGURES, Panel
from cross_market.report.queries import BINS_PER_DECADE, QUERIES
from cross_market.report.tables import Cell, Table, cell, exactly, table
from cross_market.report.words import WORDS, read_language, word

Values = dict[str, Any]


class Ran(Protocol):
    """What the page says of a run beside its tables."""

    @property
    def tables(self) -> Tables: ...
    @property
    def rows(self) -> int: ...
    @property
    def left_out(self) -> int: ...
    @property
    def ahead_ns(self) -> Mapping[str, int]: ...
    @property
    def events(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def refused(self) -> str | None: ...
    @property
    def faults(self) -> Mapping[str, int]: ...
    @property
    def journal(self) -> str | None: ...
    @property
    def link(self) -> bytes | None: ...
    @property
    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Fact:
    """A line of the head."""

    label: str
    text: str | None
    mono: bool = False
    notes: list[tuple[str, Values]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    label: str
    name: str
    cell: Cell


@dataclass(frozen=True)
class Shown:
    """A plot with its place on the page."""

    id: str
    heading: str
    key: str
    height: int
    panel: Panel


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    name: str
    note: str = ""
    figures: list[Shown] = field(default_factory=list)
    drawn: bool = False
    asked: tuple[str, ...] = ()
    captions: list[tuple[str, Values]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)


def write(
    ran: Ran, path: str | os.PathLike[str], *, lang: str = "en", title: str | None = None
) -> str:
    """Write the page of a run and return its path.

    ran: Result – what is shown. path: path – the file; one that is there is replaced.
    lang: str – 'en' or 'zh': the language that is shown first.
    title: str – the heading; the hedges' names when None.
    Raises UsageError when jinja2, plotly or duckdb is not installed, ConfigError for another
    language, OSError when the file cannot be written.
    """
    where = Path(path_text(path, "path"))
    text = html(ran, lang=lang, title=title)
    where.write_text(text, encoding="utf-8", newline="\n")
    return str(where)


@exactly
def html(ran: Ran, *, lang: str = "en", title: str | None = None) -> str:
    """Return the page of a run as HTML; arguments as in `write`."""
    language = read_language(lang)
    if title is not None and type(title) is not str:
        raise wrong_type(title, "title", "a heading as str, or None")
    jinja, plots = packages()
    markup = need("markupsafe", "report").Markup
    plotly = plots.get_plotlyjs()
    answers = ask(ran.tables, QUERIES, "report")
    sections = sections_of(answers)
    heading = title or ", ".join(map(str, answers["hedges"].columns["hedge"][:4]))
    program = asset("page.js")
    shown = [shown for section in sections for shown in section.figures]
    environment = jinja.Environment(
        autoescape=True, trim_blocks=True, undefined=jinja.StrictUndefined
    )
    return str(
        environment.from_string(asset("page.html")).render(
            lang=language,
            policy=policy(plotly, program),
            version=version(),
            title=f"{heading} · {word('title', language)} · cross_market",
            heading=heading,
            style=markup(asset("page.css")),
            facts=facts(ran, answers),
            sections=sections,
            answers=answers,
            known=WORDS,
            word=lambda key, **values: word(key, language, **values),
            grouped=lambda count: f"{count:,}",
            data={name: markup(to_json(answer)) for name, answer in answers.items()},
            words=markup(harmless(json.dumps(WORDS, ensure_ascii=False))),
            plots=markup(harmless(stated(heading, shown))),
            plotly=markup(plotly),
            program=markup(program),
        )
    )


def packages() -> tuple[ModuleType, ModuleType]:
    """Return jinja2 and plotly's offline module; UsageError when one of the extra is missing."""
    need("duckdb", "report")
    return need("jinja2", "report"), need("plotly.offline", "report")


def asset(name: str) -> str:
    """Return a file that lies beside this module."""
    return resources.files("cross_market.report").joinpath(name).read_text(encoding="utf-8")


def policy(*scripts: str) -> str:
    """Return what the browser may do: run these scripts, and fetch nothing from anywhere."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def stated(heading: str, shown: list[Shown]) -> str:
    """Return the plots as JSON, with their markers."""
    panels = [
        {"id": each.id, "data": each.panel.data, "layout": each.panel.layout} for each in shown
    ]
    found = {"heading": heading, "bins_per_decade": BINS_PER_DECADE, "panels": panels}
    return json.dumps(found, ensure_ascii=False)


def facts(ran: Ran, answers: Answers) -> list[Fact]:
    """Return the head: what ran, over which time, and what proves it."""
    begin, end = (answers["period"].columns[key][0] for key in ("from_ns", "until_ns"))
    period = None if begin is None else f"{layouts.moment(begin)} – {layouts.moment(end)}"
    names = answers["hedges"].columns["hedge"]
    more = answers["hedges"].columns["of"][0] - len(names) if names else 0
    left = [("left_out", {"n": f"{ran.left_out:,}"})] if ran.left_out else []
    refused = []
    if ran.errors:
        refused = [("refused_events", {"n": f"{ran.errors:,}", "why": ran.refused or ""})]
    hedges = ", ".join(map(str, names)) + (f", … (+{more})" if more else "")
    found = [
        Fact("hedges", hedges),
        Fact("period", period or "–"),
        Fact("rows", f"{ran.rows:,}", notes=left),
        Fact("events", f"{ran.events:,}", notes=refused),
        Fact("digest", ran.digest.hex(), mono=True),
    ]
    if ran.journal is None:
        found.append(Fact("journal", None, notes=[("no_journal", {})]))
    else:
        # The file's name alone: the folders above it are nobody's business.
        found.append(Fact("journal", Path(ran.journal).name, mono=True))
    if ran.link is not None:
        found.append(Fact("link", ran.link.hex(), mono=True))
    ahead = [(name, layouts.duration(ns)) for name, ns in sorted(ran.ahead_ns.items()) if ns]
    if ahead:
        found.append(Fact("clocks", None, notes=[("clock_note", {})], pairs=ahead))
    happened = sorted(ran.faults.items(), key=lambda each: (-each[1], each[0]))
    if happened:
        pairs = [(f"fault.{name}", f"{count:,}") for name, count in happened]
        found.append(Fact("faults", None, pairs=pairs))
    return found


def tiles(answers: Answers) -> list[Tile]:
    """Return the key figures."""
    forms = {"result": "money", "unassigned": "money", "fees": "money", "usage": "share"}
    found = []
    for row in answers["key"].rows():
        made = cell(row["value"], forms.get(row["key"], "number"))
        found.append(Tile(f"key.{row['key']}", row["name"], made))
    return found


def figures(name: str, answers: Answers, *, key: str = "") -> list[Shown]:
    """Return the plots of a figure; `key` is the domain of words that their names come from."""
    found = []
    for at, panel in enumerate(FIGURES[name][1](answers)):
        word_of = f"{key}.{panel.of}" if key else panel.key
        height = int(panel.layout["height"])
        heading = "" if key else panel.heading or panel.of
        found.append(Shown(f"plot-{name}-{at}", heading, word_of, height, panel))
    return found


def sections_of(answers: Answers) -> list[Section]:
    """Return the page from top to bottom."""
    return [
        Section("key", tiles=tiles(answers)),
        market_section(answers),
        Section(
            "inventory",
            "inventory_note",
            figures("inventory", answers),
            drawn=True,
            asked=("inventory",),
        ),
        Section("usage", "usage_note", figures("usage", answers), drawn=True, asked=("usage",)),
        Section("cause", "cause_note", figures("cause", answers), drawn=True, asked=("cause",)),
        parts_section(answers),
        ends_section(answers),
        Section(
            "latency",
            "latency_note",
            figures("latency", answers, key="stage"),
            drawn=True,
            asked=("latency",),
            tables=[table("latency_table", answers["latency_table"], layouts.LATENCY)],
        ),
        refusals_section(answers),
        alerts_section(answers),
        money_section(answers),
        Section(
            "orders_list",
            tables=[table("orders", answers["orders"], layouts.ORDERS, note="newest_note")],
        ),
        Section(
            "fills_list",
            tables=[table("fills", answers["fills"], layouts.FILLS, note="newest_note")],
        ),
    ]


def market_section(answers: Answers) -> Section:
    """Return prices, signal and attempts, and what of them is not shown."""
    captions: list[tuple[str, Values]] = []
    drawn = figures("market", answers)
    hedges = answers["hedges"].columns["of"]
    if hedges and hedges[0] > len(drawn):
        captions.append(("hedges_of", {"n": f"{len(drawn):,}", "m": f"{hedges[0]:,}"}))
    marks = answers["marks"]
    for _, first, end in marks.groups("hedge"):
        whole = marks.columns["attempts"][first]
        if whole > end - first:
            captions.append(("marks_of", {"n": f"{end - first:,}", "m": f"{whole:,}"}))
    asked = ("prices", "signals", "marks")
    return Section("market", "market_note", drawn, drawn=True, asked=asked, captions=captions)


def parts_section(answers: Answers) -> Section:
    """Return the result by hedge, account and day."""
    names = ("by_hedge", "by_account", "by_day")
    causes = layouts.causes_of(answers[name] for name in names)
    keys = (("hedge", "text", ""), ("account", "text", ""), ("day", "day", "days_note"))
    found = [
        table(name, answers[name], layouts.parts(key, key, form, causes), name, note)
        for name, (key, form, note) in zip(names, keys, strict=True)
    ]
    drawn = figures("days", answers)
    asked = ("days",) if drawn else ()
    return Section("parts", figures=drawn, asked=asked, tables=found)


def ends_section(answers: Answers) -> Section:
    """Return the ends of the attempts, and the attempts."""
    return Section(
        "ends",
        "ends_note",
        figures("ends", answers),
        drawn=True,
        tables=[
            table("ends", answers["ends"], layouts.ENDS),
            table(
                "attempts",
                answers["attempts"],
                layouts.ATTEMPTS,
                "attempts_list",
                "attempts_note",
            ),
        ],
    )


def refusals_section(answers: Answers) -> Section:
    """Return the refusals, and how many of them are not shown."""
    whole = answers["refusals"].columns["of"]
    captions: list[tuple[str, Values]] = []
    if whole and whole[0] > len(whole):
        captions.append(("bars_of", {"n": f"{len(whole):,}", "m": f"{whole[0]:,}"}))
    drawn = figures("refusals", answers)
    asked = ("refusals",)
    return Section("refusals", "refusals_note", drawn, drawn=True, asked=asked, captions=captions)


def alerts_section(answers: Answers) -> Section:
    """Return the alerts: how many of each code, then one by one."""
    return Section(
        "alerts",
        tables=[
            table("alert_codes", answers["alert_codes"], layouts.ALERT_CODES, "by_code"),
            table("alerts", answers["alerts"], layouts.ALERTS, "each_alert", "alerts_note"),
        ],
    )


def money_section(answers: Answers) -> Section:
    """Return money and positions at the end."""
    return Section(
        "money",
        tables=[
            table("funds", answers["funds"], layouts.FUNDS, "funds_list"),
            table("positions", answers["positions"], layouts.POSITIONS, "positions_list"),
            table("hedges", answers["hedges"], layouts.HEDGES, "hedges_list"),
        ],
    )

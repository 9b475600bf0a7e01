"""The report: one page, two languages, the query behind every number, and nothing that runs."""

import base64
import decimal
import hashlib
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import cross_market as cm
from cross_market import _core
from cross_market.report import page, plots
from cross_market.report.queries import LINES_MAX, MARKS_MAX, QUERIES, STEPS_MAX
from cross_market.report.words import DOMAINS, LANGUAGES, WORDS, word
from report_parts import (
    BEGIN,
    EVIL,
    SECOND,
    Page,
    arrow,
    demo_run,
    empty_result,
    hostile,
    is_chinese,
    replaced,
    result_of,
)

BTC = Path(__file__).resolve().parents[3] / "shared" / "data" / "binance_btc_20240808"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "btc_spot_perpetual.toml"


@pytest.fixture(scope="module")
def result() -> cm.Result:
    return demo_run()


@pytest.fixture(scope="module")
def text(result: cm.Result) -> str:
    return page.html(result)


@pytest.fixture(scope="module")
def seen(text: str) -> Page:
    return Page(text)


def plain(value: object) -> object:
    """Return a value of an answer as the page's JSON states it."""
    if isinstance(value, Decimal):
        return value.normalize() + 0
    return value if value is None or isinstance(value, int | float | str) else str(value)


def equal(one: list[Any], other: list[Any]) -> bool:
    """Return whether two columns hold the same numbers and texts, to the last digit."""
    return [plain(Decimal(x) if isinstance(x, int) else x) for x in one] == [
        plain(Decimal(x) if isinstance(x, int) else x) for x in other
    ]


def test_every_number_is_what_the_query_on_the_page_gives(result: cm.Result, seen: Page) -> None:
    assert set(seen.names()) == set(QUERIES)
    with duckdb.connect() as connection:
        for name, table in result.tables.items():
            connection.register(name, table)
        for name in seen.names():
            data = seen.data(name)
            answer = connection.sql(data["sql"]).to_arrow_table()
            assert list(data["columns"]) == answer.column_names
            for key, values in data["columns"].items():
                assert equal(values, answer[key].to_pylist()), (name, key)


def test_every_query_can_be_read_beside_its_numbers(seen: Page) -> None:
    shown = {key[4:]: text for key, text in seen.texts.items() if key.startswith("sql-")}
    # The result by day is drawn for more than one day alone.
    assert set(shown) == set(QUERIES)
    for name, sql in shown.items():
        assert sql == seen.data(name)["sql"]


def test_plots_point_at_columns_that_are_on_the_page(seen: Page) -> None:
    found = json.loads(seen.texts["plots"])
    assert len(found["panels"]) > 10
    ids = {known.get("id") for _, known in seen.tags}
    markers = 0

    def walk(spec: object) -> None:
        nonlocal markers
        if isinstance(spec, list):
            for each in spec:
                walk(each)
        elif isinstance(spec, dict):
            for key, each in spec.items():
                if key == "$word":
                    assert each in WORDS
                elif key.startswith("$") and key != "$text":
                    markers += 1
                    rest = [item for item in each[1:] if isinstance(item, str)]
                    assert rest
                    assert set(rest) <= set(seen.data(each[0])["columns"])
                else:
                    walk(each)

    for panel in found["panels"]:
        assert panel["id"] in ids
        walk(panel["data"])
        walk(panel["layout"])
    assert markers > 30


def test_the_page_loads_nothing(text: str, seen: Page) -> None:
    for tag, known in seen.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert known.get("src") is None
        assert (known.get("href") or "#").startswith("#")
        assert "url(" not in (known.get("style") or "")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(known["content"] for _, known in seen.tags if known.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_the_browser_may_run_the_two_scripts_of_the_page_alone(text: str, seen: Page) -> None:
    bodies = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(bodies) == 2
    policy = str(next(known["content"] for _, known in seen.tags if known.get("http-equiv")))
    allowed = policy.split("script-src ")[1].split(";")[0].split()
    made = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
    assert allowed == [f"'sha256-{digest}'" for digest in made]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_that_would_like_to_be_code_are_text(lang: str) -> None:
    made = page.html(hostile(), lang=lang, title=EVIL)
    seen = Page(made)
    assert seen.handlers == []
    assert [tag for tag, _ in seen.tags if tag == "img"] == []
    assert len(re.findall(r"<script>", made)) == 2
    # Outside the two scripts that we wrote, the name is nowhere as it is.
    ours = re.sub(r"<script>.*?</script>", "", made, flags=re.DOTALL)
    assert "alert('x')</script>" not in ours
    assert "<img" not in ours
    # And still it is there to be read, in the tables and in the data.
    assert any(EVIL in row for row in seen.tables["table-positions"])
    assert seen.data("orders")["columns"]["instrument"] == [EVIL]
    assert seen.data("orders")["columns"]["status"] == [EVIL]
    # plotly reads tags in texts: the names it gets have none.
    drawn = json.dumps(json.loads(seen.texts["plots"])["panels"])
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_paths_are_not_told(result: cm.Result) -> None:
    made = result_of(dict(result.tables), journal="/home/somebody/secret/journal-0001.cmj")
    assert "somebody" not in page.html(made)
    assert "journal-0001.cmj" in page.html(made)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_language_is_chosen(result: cm.Result, lang: str) -> None:
    made = page.html(result, lang=lang)
    assert f'<html lang="{lang}">' in made
    assert f"<title>euro · {word('title', lang)} · cross_market</title>" in made
    head = ["类型", "结局"] if lang == "zh" else ["kind", "end"]
    assert Page(made).tables["table-ends"][0][:2] == head


def test_every_word_of_the_page_is_in_both_languages(seen: Page) -> None:
    assert len(seen.words) > 80
    assert seen.words <= set(WORDS)
    on_page = json.loads(seen.texts["words"])
    assert {key: tuple(pair) for key, pair in on_page.items()} == dict(WORDS)
    # What is the same in both is written so everywhere.
    same = {key for key, (english, chinese) in WORDS.items() if english == chinese}
    assert same == {"axis_time", "none_or_less", "p90", "p99", "tif.gtc", "tif.ioc", "tif.fok"}
    for key, (english, chinese) in WORDS.items():
        assert not is_chinese(english) or key == "language"
        assert key in same or key == "language" or is_chinese(chinese), key
        holes = [sorted(re.findall(r"\{\w+\}", each)) for each in (english, chinese)]
        assert holes[0] == holes[1]


def test_every_word_of_the_tables_has_its_chinese(result: cm.Result) -> None:
    assert set(DOMAINS["alert"]) == set(_core.alerts())
    assert set(DOMAINS["refusal"]) == set(_core.refusals())
    assert set(DOMAINS["fault"]) == set(_core.faults())
    columns = {
        "attempts": {"kind": "kind", "end": "end"},
        "orders": {"side": "side", "effect": "effect", "kind": "kind", "purpose": "purpose"},
        "fills": {"side": "side", "liquidity": "liquidity", "revised": "revised"},
        "alerts": {"code": "alert", "urgency": "urgency", "subject": "subject"},
        "refusals": {"refusal": "refusal"},
    }
    checked = 0
    for name, domains in columns.items():
        for column, domain in domains.items():
            # A coded column holds all of its words, whether or not they happened.
            codes = result.tables[name][column].chunk(0).dictionary.to_pylist()
            assert set(codes) <= set(DOMAINS[domain]), (name, column)
            checked += len(codes)
    assert checked > 80


def test_other_languages_are_refused(result: cm.Result) -> None:
    with pytest.raises(cm.ConfigError, match="'fr', expected a language of the report: en, zh"):
        page.html(result, lang="fr")
    with pytest.raises(cm.InputTypeError, match="title"):
        page.html(result, title=7)  # type: ignore[arg-type]


def test_a_run_in_which_nothing_happened_has_a_page() -> None:
    seen = Page(page.html(empty_result()))
    assert seen.data("attempts")["columns"]["decision"] == []
    assert json.loads(seen.texts["plots"])["panels"] == []
    assert "nothing" in seen.words


def test_what_is_not_shown_is_counted(result: cm.Result) -> None:
    count = LINES_MAX + 57
    alerts = [
        {"now_ns": BEGIN + at, "code": "bust", "urgency": "warn", "name": str(at), "value": "1"}
        for at in range(count)
    ]
    alerts[3]["urgency"] = "alarm"
    seen = Page(made := page.html(replaced(result, alerts=arrow("alerts", alerts))))
    table = seen.tables["table-alerts"]
    assert len(table) == 1 + LINES_MAX
    assert f"Showing {LINES_MAX} of {count}." in made
    # The worst comes first, then the newest.
    assert [row[4] for row in table[1:4]] == ["3", str(count - 1), str(count - 2)]


def test_attempts_that_did_not_complete_are_marked_first() -> None:
    rows = [
        {"decision": at, "hedge": "h", "kind": "enter", "started_ns": BEGIN + at}
        | {"end": "unwound" if at >= MARKS_MAX else "completed", "sets_to": 1}
        for at in range(MARKS_MAX + 40)
    ]
    tables = dict(empty_result().tables)
    tables["attempts"] = arrow("attempts", rows)
    tables["hedges"] = arrow("hedges", [{"hedge": "h"}])
    times = {"from_ns": BEGIN, "until_ns": BEGIN + SECOND}
    tables["signals"] = arrow("signals", [{"hedge": "h", **times, "enter_max": Decimal(3)}])
    tables["prices"] = arrow("prices", [{"hedge": "h", "instrument": "i", **times}])
    seen = Page(made := page.html(result_of(tables)))
    marks = seen.data("marks")["columns"]
    assert marks["end"].count("unwound") == 40
    assert len(marks["end"]) == MARKS_MAX
    assert set(marks["value"]) == {3}
    assert f"Marking {MARKS_MAX:,} of {MARKS_MAX + 40:,} attempts" in made


def test_many_changes_of_inventory_are_joined_without_losing_extremes() -> None:
    count = 3 * STEPS_MAX
    rows = [{"hedge": "h", "now_ns": BEGIN + at, "sets": at % 100} for at in range(count)]
    rows[count // 2] |= {"sets": -7, "residual": Decimal(9)}
    tables = dict(empty_result().tables)
    tables["inventory"] = arrow("inventory", rows)
    tables["hedges"] = arrow("hedges", [{"hedge": "h", "max_residual": Decimal(2)}])
    found = Page(page.html(result_of(tables))).data("inventory")["columns"]
    assert STEPS_MAX / 2 < len(found["sets"]) <= STEPS_MAX + 1
    assert (min(found["sets_min"]), max(found["sets_max"])) == (-7, 99)
    assert max(found["residual_max"]) == 9
    assert (found["now_ns"][-1], found["sets"][-1]) == (BEGIN + count - 1, (count - 1) % 100)
    assert set(found["allowed"]) == {2}
    assert len(result_of(tables).plot("inventory").data[1].x) == len(found["sets"])


@pytest.mark.parametrize("name", ["duckdb", "jinja2", "plotly.offline"])
def test_a_missing_package_is_named_with_its_extra(
    result: cm.Result, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(cm.UsageError, match=r"pip install 'cross-market\[report\]'") as caught:
        result.report(tmp_path / "report.html")
    assert name in str(caught.value)
    assert not (tmp_path / "report.html").exists()


def test_a_plot_needs_its_packages_too(result: cm.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(cm.UsageError, match=r"plot: plotly.graph_objects is not installed"):
        result.plot()


def test_printing_a_result_needs_none_of_them(
    result: cm.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("duckdb", "jinja2", "plotly", "plotly.graph_objects"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "attempts" in repr(result)
    assert "<table>" in result._repr_html_()


def test_importing_the_library_imports_none_of_them() -> None:
    script = "import sys, cross_market; from cross_market.report import page; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert {"duckdb", "jinja2", "plotly", "pyarrow"}.isdisjoint(run.stdout.split())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(plots.FIGURES))
def test_each_plot_is_a_figure_for_notebooks(result: cm.Result, name: str, lang: str) -> None:
    figure = result.plot(name, lang=lang)
    assert len(figure.data) > 0
    stated = json.dumps(figure.to_plotly_json(), default=str, ensure_ascii=False)
    assert '"$' not in stated
    title = {"market": "signal", "usage": "usage"}.get(name)
    if title is not None:
        assert (word(f"axis_{title}", lang) in stated) is True


def test_a_plot_draws_the_numbers_of_the_tables(result: cm.Result) -> None:
    figure = result.plot("market")
    rows = [row for row in result.signals.to_pylist() if row["hedge"] == "euro"]
    drawn = next(each for each in figure.data if each.name == "enter")
    expected = [None if row["enter_last"] is None else float(row["enter_last"]) for row in rows]
    assert list(drawn.y) == [*expected, expected[-1]]
    assert list(drawn.x)[:-1] == [row["from_ns"] / 1e6 for row in rows]
    marks = [each for each in figure.data if each.mode == "markers"]
    assert sum(len(each.x) for each in marks) == result.attempts.num_rows


def test_plots_that_are_not_there_are_refused(result: cm.Result) -> None:
    with pytest.raises(cm.ConfigError, match="Did you mean 'market'"):
        result.plot("markets")
    with pytest.raises(cm.ConfigError, match="a panel of market: euro"):
        result.plot("market", of="gold")
    with pytest.raises(cm.ConfigError, match="a language of the report"):
        result.plot(lang="de")


def test_nothing_is_offered_that_sends_a_chart_away(result: cm.Result, text: str) -> None:
    assert "sendChartToCloud" in result.plot().layout.modebar.remove
    for panel in json.loads(Page(text).texts["plots"])["panels"]:
        assert "sendChartToCloud" in panel["layout"]["modebar"]["remove"]


def ladder() -> pa.Table:
    """Return a book of two levels a side."""
    levels = [("bid", "99.5", "2"), ("bid", "99", "3"), ("ask", "100", "1"), ("ask", "101", "4")]
    return pa.table(
        {
            "side": [side for side, _, _ in levels],
            "price": pa.array([Decimal(price) for _, price, _ in levels], pa.decimal128(38, 12)),
            "size": pa.array([Decimal(size) for _, _, size in levels], pa.decimal128(38, 12)),
        }
    )


def test_a_ladder_is_drawn_as_depth() -> None:
    figure = plots.ladder(ladder(), title="A<b>B", lang="zh")
    bid, ask = figure.data
    assert (list(bid.x), list(bid.y)) == ([99.5, 99.0], [2.0, 5.0])
    assert (list(ask.x), list(ask.y)) == ([100.0, 101.0], [1.0, 5.0])
    assert (bid.name, ask.name) == ("买价", "卖价")
    assert figure.layout.title.text == "A&lt;b&gt;B · 盘口深度"


def test_a_market_draws_its_books(gold: cm.Config) -> None:
    market = cm.Market(gold)
    name = gold.hedges[0].legs[0].instrument.name
    for at in range(3):
        market.level(market.id(name), 0, 48_000 - at, 2)
        market.level(market.id(name), 1, 48_002 + at, 3)
    levels = market.ladder(name, 50).to_pylist()
    bid, ask = market.plot(name).data
    assert list(bid.x) == [float(row["price"]) for row in levels if row["side"] == "bid"]
    assert list(ask.y) == [3.0, 6.0, 9.0]
    together = market.plot(hedge=gold.hedges[0].name, lang="zh")
    assert [each.name for each in together.data] == ["买价", "卖价"]
    for given in ({}, {"instrument": name, "hedge": gold.hedges[0].name}):
        with pytest.raises(cm.UsageError, match="an instrument, or hedge="):
            market.plot(**given)


def test_the_callers_decimal_context_changes_nothing(result: cm.Result, text: str) -> None:
    said = repr(result)
    with decimal.localcontext() as context:
        context.prec = 2
        context.rounding = decimal.ROUND_UP
        for each in context.traps:
            context.traps[each] = True
        assert repr(result) == said
        assert page.html(result) == text


def test_a_result_prints_what_a_trader_reads(result: cm.Result) -> None:
    lines = repr(result).splitlines()
    attempts = result.attempts.num_rows
    assert lines[0].startswith(f"Result of {result.rows:,} rows, 1999-01-04 ")
    assert lines[1].startswith(f"  attempts  {attempts}: enter ")
    assert "completed" in lines[1]
    assert lines[-1] == f"  digest    {result.digest.hex()}"
    assert len(lines) < 12
    assert max(map(len, lines)) < 240
    total = sum(row["amount"] for row in result.attribution.to_pylist())
    assert any(line.startswith(f"  result    {total:,.2f} PLN = entry edge ") for line in lines)


def test_a_notebook_shows_tables_and_no_code() -> None:
    shown = hostile()._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<table>") == 4


def test_values_print_as_their_files(gold: cm.Config, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(str(gold), encoding="utf-8")
    assert cm.Config.load(tmp_path / "config.toml") == gold
    for each in (gold.hedges[0], gold.limits, gold.hedges[0].size):
        assert "\n" in str(each)
        assert "(" not in str(each).splitlines()[0]

    class Printer:
        def text(self, shown: str) -> None:
            self.shown = shown

    printer = Printer()
    gold.limits._repr_pretty_(printer, False)  # type: ignore[attr-defined]  # noqa: FBT003
    assert printer.shown == str(gold.limits)


def test_a_session_prints_where_it_stands(gold: cm.Config, tmp_path: Path) -> None:
    session = cm.Session(gold, journal=tmp_path, now=BEGIN)
    assert repr(session) == f"<Session run 1, journal {session.path}: event 0>"
    session.close()
    assert repr(session).endswith(": closed>")


def test_the_command_line_writes_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cross_market", "demo", "--days", "30", "--json"]
    command += ["--out", str(tmp_path / "out"), "--report", str(tmp_path / "report.html")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(run.stdout)["report"] == str(tmp_path / "report.html")
    seen = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert set(seen.names()) == set(QUERIES)


def test_a_page_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cross_market", "demo", "--days", "30"]
    command += ["--out", str(tmp_path / "out"), "--report", str(tmp_path / "no" / "report.html")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 2
    assert "a file in a folder that exists" in run.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not BTC.is_dir(), reason="recorded data is not beside the project")
def test_the_page_of_recorded_books_is_small_enough_to_send(tmp_path: Path) -> None:
    config = cm.Config.load(EXAMPLE)
    result = cm.simulate(config, BTC, venues=cm.SimVenues.load(EXAMPLE))
    path = Path(result.report(tmp_path / "btc.html"))
    assert 4_000_000 < path.stat().st_size < 8_000_000
    seen = Page(path.read_text(encoding="utf-8"))
    assert len(seen.data("prices")["columns"]["from_ns"]) == result.prices.num_rows

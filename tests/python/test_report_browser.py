"""The page in a browser without a network: every plot is drawn, in both languages, without errors.

A browser is looked for on the path; without one these tests are left out aloud.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cross_market as cm
from cross_market.report import page
from cross_market.report.words import DOMAINS, LANGUAGES, WORDS
from report_parts import EVIL, Page, demo_run, empty_result, hostile, is_chinese

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = os.environ.get("CROSS_MARKET_BROWSER") or next(filter(None, map(shutil.which, NAMES)), "")
pytestmark = [
    pytest.mark.skipif(not BROWSER, reason=f"no browser on the path: {', '.join(NAMES)}"),
    pytest.mark.timeout(240),
]

# Chromium says much on its error stream; what the page says to its console is marked.
CONSOLE = re.compile(r"CONSOLE[:(].*")


def load(path: Path, folder: Path, suffix: str = "") -> tuple[str, list[str]]:
    """Return the page as it stands once it has drawn itself, and what it told the console."""
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        # There is no network: no name resolves, and there is no way around that.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--proxy-server=127.0.0.1:9",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1200",
        "--virtual-time-budget=30000",
        "--enable-logging=stderr",
        "--dump-dom",
        path.as_uri() + suffix,
    ]
    done = subprocess.run(command, check=True, capture_output=True, timeout=200)
    told = CONSOLE.findall(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8"), told


@pytest.fixture(scope="module")
def result() -> cm.Result:
    return demo_run()


@pytest.fixture(scope="module", params=LANGUAGES)
def loaded(
    request: pytest.FixtureRequest, result: cm.Result, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, list[str]]:
    """The page, opened with the other language as its first one and switched by its address."""
    lang: str = request.param
    folder = tmp_path_factory.mktemp(f"page-{lang}")
    first = next(each for each in LANGUAGES if each != lang)
    path = Path(result.report(folder / "report.html", lang=first))
    return lang, *load(path, folder, f"#{lang}")


def test_the_console_is_silent(loaded: tuple[str, str, list[str]]) -> None:
    assert loaded[2] == []


def test_every_plot_is_drawn(loaded: tuple[str, str, list[str]]) -> None:
    lang, dom, _ = loaded
    panels = json.loads(Page(dom).texts["plots"])["panels"]
    assert f'data-drawn="{lang}"' in dom
    drawn = re.findall(r'<div class="plot[^"]*" id="([^"]+)".*?<svg class="main-svg"', dom)
    assert drawn == [panel["id"] for panel in panels]
    assert dom.count('class="main-svg"') >= 2 * len(panels)
    # Lines have paths, bars have points, marks have symbols: not axes alone.
    assert dom.count('class="js-line"') > 10
    assert dom.count('class="point"') > 50
    assert dom.count('class="points"') > 10


def texts(dom: str) -> list[str]:
    """Return every text that a reader sees: not scripts, styles, queries or the switch."""
    body = dom[dom.index("<body") :]
    body = re.sub(r"<(script|style|pre|code)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = re.sub(r'<div class="switch">.*?</div>', "", body, flags=re.DOTALL)
    found = re.sub(r"<[^>]*>", "\n", body).split("\n")
    return [each.strip() for each in found if each.strip()]


def test_no_label_is_left_in_the_other_language(loaded: tuple[str, str, list[str]]) -> None:
    lang, dom, _ = loaded
    assert f'<html lang="{lang}"' in dom
    seen = texts(dom)
    assert len(seen) > 500
    mine, other = LANGUAGES.index(lang), 1 - LANGUAGES.index(lang)
    if lang == "en":
        assert [each for each in seen if is_chinese(each)] == []
    own = {pair[mine] for pair in WORDS.values()}
    # 'info' is a word here, and 'BTC' is a name: only what the report itself says is compared.
    foreign = {pair[other] for pair in WORDS.values() if len(pair[other]) > 2} - own
    foreign -= {"day"}
    assert sorted(foreign.intersection(seen)) == []
    labels = "市场|价格|信号|完成|进场" if lang == "zh" else "price|signal|completed|enter"
    assert all(any(label in each for each in seen) for label in labels.split("|"))


def test_what_plots_say_is_translated_too(loaded: tuple[str, str, list[str]]) -> None:
    lang, dom, _ = loaded
    svg = "".join(re.findall(r"<svg class=\"main-svg\".*?</svg>", dom, re.DOTALL))
    words = {re.sub(r"<[^>]*>", "", each) for each in re.findall(r"<text.*?</text>", svg)}
    place = LANGUAGES.index(lang)
    for key in ("axis_price", "axis_signal", "enter_value", "plus_exit", "axis_usage", "attempts"):
        assert WORDS[key][place] in words, key
        assert WORDS[key][1 - place] not in words, key
    causes = {DOMAINS["cause"][key][place] for key in ("entry_edge", "basis", "fees", "total")}
    assert causes <= words


def test_the_switch_switches(result: cm.Result, tmp_path: Path) -> None:
    # A reader's click, made by a script that the page itself would not let run.
    made = page.html(result)
    made = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", made)
    click = "document.querySelector('[data-lang=zh]').click()"
    later = f"<script>window.addEventListener('load',()=>setTimeout(()=>{click},500))</script>"
    path = tmp_path / "clicked.html"
    path.write_text(made.replace("</body>", f"{later}</body>"), encoding="utf-8")
    dom, told = load(path, tmp_path)
    assert told == []
    assert '<html lang="zh"' in dom
    assert 'data-drawn="zh"' in dom
    assert re.search(r'data-lang="zh" lang="zh" aria-pressed="true"', dom)
    assert WORDS["axis_signal"][1] in dom
    assert "<title>euro · 运行报告 · cross_market</title>" in dom


def test_the_page_lets_no_other_script_run(result: cm.Result, tmp_path: Path) -> None:
    made = page.html(result)
    path = tmp_path / "injected.html"
    evil = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    path.write_text(made.replace("</body>", f"{evil}</body>"), encoding="utf-8")
    dom, told = load(path, tmp_path)
    assert "<title>taken</title>" not in dom
    assert any("Content Security Policy" in each for each in told)


def test_hostile_names_do_nothing_in_a_browser(tmp_path: Path) -> None:
    path = Path(hostile().report(tmp_path / "hostile.html", title=EVIL))
    dom, told = load(path, tmp_path)
    assert told == []
    assert 'data-drawn="en"' in dom
    assert "<img" not in dom.replace('"<img', "")[: dom.index('<script type="application/json"')]
    assert Page(dom).handlers == []


def test_a_run_in_which_nothing_happened_opens(tmp_path: Path) -> None:
    path = Path(empty_result().report(tmp_path / "empty.html"))
    dom, told = load(path, tmp_path)
    assert told == []
    assert 'data-drawn="en"' in dom
    assert WORDS["nothing"][0] in dom

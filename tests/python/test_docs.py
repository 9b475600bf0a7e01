"""What the documentation shows runs: Python blocks in a row, console blocks with their output."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import config_page
import cross_market as cm
import day_pictures
import legging_page
from cross_market import testing

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of every block of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the pages expect it, and the place where they run."""
    shutil.copy(ROOT / "examples" / "gold.toml", tmp_path)
    (tmp_path / "gold.toml").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.usefixtures("folder")
def test_python_blocks_run(page: Path) -> None:
    names: dict[str, object] = {"__name__": "docs"}
    with contextlib.redirect_stdout(io.StringIO()):
        for number, (language, text) in enumerate(blocks(page)):
            if language == "python":
                exec(compile(text, f"{page.name}, block {number}", "exec"), names)
            elif language == "toml":
                tomllib.loads(text)
            else:
                assert language in ("", "console", "mermaid", "sh"), language


def test_the_test_that_is_shown_passes() -> None:
    names: dict[str, object] = {}
    [text] = [text for _, text in blocks(ROOT / "docs" / "embedding.md") if "def test_" in text]
    exec(compile(text, "embedding.md", "exec"), names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]

    def world(rows: list[testing.Quote]) -> cm.Result:
        config = testing.config()
        return cm.simulate(config, testing.quotes(rows), venues=testing.venues(config))

    assert callable(test)
    test(world)


def shell(line: str, folder: Path) -> str:
    """Run a line of a console block and return what it prints."""
    words = shlex.split(line)
    if words[0] == "cross-market":
        words[:1] = [sys.executable, "-m", "cross_market"]
    done = subprocess.run(
        words,
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def is_shown(printed: str, shown: str) -> bool:
    """Return whether text was printed as it is shown; … stands for anything in its line."""
    pattern = re.escape(shown).replace("…", ".*")
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_console_blocks_print_what_they_show(page: Path, folder: Path) -> None:
    made = testing.config()
    data, venues = testing.quotes(testing.SAMPLE), testing.venues(made)
    cm.simulate(made, data, venues=venues, journal=folder / "run")
    for language, text in blocks(page):
        if language != "console":
            continue
        for part in text.split("$ ")[1:]:
            command, _, shown = part.partition("\n")
            printed = shell(command, folder)
            assert is_shown(printed, shown), printed


def test_console_blocks_are_found() -> None:
    found = [text for page in PAGES for language, text in blocks(page) if language == "console"]
    assert sum(text.count("$ cross-market") for text in found) >= 4
    assert is_shown("a 1 b\n", "a … b\n")
    assert not is_shown("a\nb\n", "…\n")


def test_the_page_of_every_key_is_that_of_the_classes() -> None:
    assert config_page.PAGE.read_text(encoding="utf-8") == config_page.page()
    for line in config_page.page().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), f"no meaning: {line}"


def test_the_pictures_of_leg_work_are_those_of_table_and_story() -> None:
    text = legging_page.PAGE.read_text(encoding="utf-8")
    assert legging_page.page() == text
    assert text.count("-->") > 20
    drawn = legging_page.PICTURE.read_text(encoding="utf-8")
    assert legging_page.picture() == drawn
    assert drawn.count("<circle") == len(legging_page.happened()) > 5


@pytest.mark.parametrize("path", day_pictures.PICTURES, ids=lambda path: path.stem)
def test_the_pictures_of_a_day_are_those_of_its_journal(path: Path) -> None:
    assert day_pictures.drawn(path) == path.read_text(encoding="utf-8")


def test_the_pictured_days_show_what_their_pages_say(tmp_path: Path) -> None:
    _, rungs = day_pictures.lead_ladder(tmp_path / "ladder")
    ladder = ["warn", "restrict", "cancel", "restrict", "warn", "normal"]
    assert [rung.level for rung in rungs] == ladder
    assert day_pictures.LADDER.read_text(encoding="utf-8").count("<circle") == len(rungs)
    day_pictures.lead_pool(tmp_path / "pool")
    pool, flows = day_pictures.pool_of(tmp_path / "pool")
    assert [flow.code for flow in flows] == [*["transfer_arrived"] * 2, "transfer_late"]
    # What came in at nine is there or on its way, less what a transfer cost.
    money = {each.name: each.equity + each.in_transit for each in pool.totals("currency")}
    assert money == {"CNY": 2_600_000, "USD": 220_000 - 25}


def test_every_story_that_a_page_of_leg_work_names_is_there() -> None:
    text = legging_page.PAGE.read_text(encoding="utf-8")
    stories = {path.stem for path in legging_page.STORIES.glob("*.txt")}
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    last = [line.rstrip(" |").rsplit(" | ", 1)[1] for line in tables]
    named = {word for cell in last for word in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)*)`", cell)}
    known = named & stories
    assert len(known) > 60
    for story in stories:
        if story.startswith(("sequential_", "offsets_", "quoting_", "both_")):
            assert f"`{story}`" in text, f"{story}: no word of it"
    parameters = text.split("## Every parameter of the commercial spreaders")[1]
    for line in parameters.splitlines():
        if line.startswith("| ") and not line.startswith("| parameter"):
            cell = line.rstrip(" |").rsplit(" | ", 1)[1]
            words = set(re.findall(r"`([a-z0-9_]+)`", cell))
            assert words <= stories, f"{line}: no such story: {words - stories}"
            assert words or "left out" in cell, line


def test_every_page_is_listed_and_every_link_leads_somewhere() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.name != "README.md":
            assert f"({page.name})" in index
    readmes = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "ARCHITECTURE.md"]
    for page in [*PAGES, *readmes]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_end_and_word_is_explained() -> None:
    ends = (ROOT / "docs" / "ends.md").read_text(encoding="utf-8")
    for end in ("completed", "unwound", "aborted_flat", "residual_held"):
        assert f"| `{end}` |" in ends
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:4] for line in glossary.splitlines() if line.startswith("| ")][1:]
    for word, chinese, meaning in rows:
        assert word.strip()
        assert meaning.strip()
        assert re.search(r"[\u4e00-\u9fff]", chinese), word


def test_the_command_line_page_names_every_verb_and_code() -> None:
    from cross_market.__main__ import VERBS

    text = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    for verb in VERBS:
        assert re.search(rf"\| `{verb}\b", text), verb
    for code in (0, 1, 2, 3, 4, 130, 141):
        assert f"| {code} |" in text

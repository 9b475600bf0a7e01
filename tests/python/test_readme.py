"""What the README shows runs, and the Chinese README shows the same."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("README.md", "README.zh-CN.md")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}


def blocks(text: str, language: str = "") -> list[str]:
    """Return the code blocks of a text, of one language or of all."""
    return re.findall(rf"```{language or '[a-z]+'}\n(.*?)```", text, flags=re.DOTALL)


def without_comments(code: str) -> str:
    return re.sub(r"\s*#.*", "", code)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = blocks(TEXTS[name], "python")[0]
    names: dict[str, object] = {}
    exec(compile(example, name, "exec"), names)
    assert "completed" in capsys.readouterr().out


def test_the_test_that_is_shown_passes(tmp_path: Path) -> None:
    [text] = [each for each in blocks(TEXTS["README.md"], "python") if "def test_" in each]
    (tmp_path / "test_shown.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cross_market.testing"]
    done = subprocess.run(
        [*command, "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_console_blocks_print_what_they_show() -> None:
    for text in blocks(TEXTS["README.md"], "console"):
        command, _, shown = text.removeprefix("$ ").partition("\n")
        words = command.replace("cross-market", f"{sys.executable} -m cross_market", 1).split()
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout == shown


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_are_targets(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [commands] = blocks(TEXTS[name], "sh")
    for target in re.findall(r"^make (\w+)", commands, flags=re.MULTILINE):
        assert f"\n{target}: " in makefile


@pytest.mark.parametrize("name", NAMES)
def test_files_that_it_names_are_there(name: str) -> None:
    paths = re.findall(r"`((?:examples|python|docs)/[\w./]+)`", TEXTS[name])
    assert paths
    for path in paths:
        assert (ROOT / path).exists()


def test_every_example_is_listed() -> None:
    for path in sorted((ROOT / "examples").iterdir()):
        if path.suffix in (".py", ".ipynb"):
            assert f"`examples/{path.name}`" in TEXTS["README.md"]


def test_the_two_are_equal_in_headings_code_and_links() -> None:
    one, two = TEXTS.values()
    levels = [re.findall(r"^(#+) ", text, flags=re.MULTILINE) for text in (one, two)]
    assert levels[0] == levels[1]
    codes = [[without_comments(each) for each in blocks(text)] for text in (one, two)]
    assert codes[0] == codes[1]
    tables = [len(re.findall(r"^\|", text, flags=re.MULTILINE)) for text in (one, two)]
    assert tables[0] == tables[1]
    named = [set(re.findall(r"`((?:examples|python)/[\w./]+)`", text)) for text in (one, two)]
    assert named[0] == named[1]

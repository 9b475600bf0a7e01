"""What the README shows runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of the README in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [example] = blocks("python")
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert "completed" in capsys.readouterr().out


def test_the_commands_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [commands] = blocks("sh")
    for target in re.findall(r"^make (\w+)", commands, flags=re.MULTILINE):
        assert f"\n{target}: " in makefile


def test_files_that_it_names_are_there() -> None:
    for path in re.findall(r"`((?:examples|python)/[\w./]+)`", README):
        assert (ROOT / path).exists()

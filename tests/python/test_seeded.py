"""Every known bug can still be put in: the text it changes stands in the code exactly once."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUGS = sorted((ROOT / "tests" / "seeded").glob("*.toml"))
EDITED = [path for path in BUGS if "edit" in tomllib.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", EDITED, ids=lambda path: path.stem)
def test_what_a_bug_changes_stands_once(path: Path) -> None:
    bug = tomllib.loads(path.read_text(encoding="utf-8"))
    for edit in bug["edit"]:
        text = (ROOT / edit["file"]).read_text(encoding="utf-8")
        assert text.count(edit["find"]) == 1, edit["file"]

"""Bugs as files: what each is, and the edits that make it.

An edit names a file, a text that must stand in it exactly once, and what stands there with the bug.
Lines may move and files may grow; where the text itself is gone or stands twice, the bug does not
apply any more, and that is an error: somebody must look where the bug would be made now.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


class StaleError(Exception):
    """A bug that does not apply to the sources as they are."""


@dataclass(frozen=True)
class Edit:
    """One change of one file."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Bug:
    """A bug: its number in the list, its name, one sentence, and its edits."""

    number: int
    name: str
    what: str
    edits: tuple[Edit, ...]

    @property
    def is_of_python(self) -> bool:
        """Whether all that it edits is Python."""
        return all(edit.file.startswith("python/") for edit in self.edits)


def all_bugs(folder: Path = FOLDER) -> list[Bug]:
    """Return every bug of the folder, by number."""
    return [read(path) for path in sorted(folder.glob("*.toml")) if path.name[:2].isdigit()]


def read(path: Path) -> Bug:
    """Return the bug of one file; raises StaleError when the file is not one."""
    with path.open("rb") as file:
        values = tomllib.load(file)
    number, _, name = path.stem.partition("_")
    edits = tuple(Edit(**edit) for edit in values.get("edit", []))
    if set(values) != {"bug", "edit"} or not edits:
        problem = f"{path.name}: expected bug = ... and one [[edit]] or more"
        raise StaleError(problem)
    return Bug(int(number), name, values["bug"], edits)


def edited(bug: Bug, root: Path) -> dict[str, str]:
    """Return the files under root as they are with the bug; raises StaleError."""
    texts: dict[str, str] = {}
    for edit in bug.edits:
        path = root / edit.file
        if edit.file not in texts:
            if not path.is_file():
                problem = f"bug {bug.number}: there is no {edit.file}"
                raise StaleError(problem)
            texts[edit.file] = path.read_text(encoding="utf-8")
        text = texts[edit.file]
        if (times := text.count(edit.find)) != 1:
            problem = f"bug {bug.number}: {edit.file} has {times} times, expected once:"
            raise StaleError(problem + f"\n{edit.find}")
        texts[edit.file] = text.replace(edit.find, edit.replace)
    return texts

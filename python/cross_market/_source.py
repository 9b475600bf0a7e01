"""A configuration file as it was read: its text, its tables, and where each key stands.

Places are looked up only for an error. A field names what is wrong by a path; the file may say it
elsewhere (a limit that holds for each, a value of the execution), or nowhere (a key that is
missing): then the nearest table above it is named.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cross_market import _places
from cross_market._files import SIZE_MAX, path_text
from cross_market._values import nearest, shown, wrong
from cross_market.errors import ConfigError, InputTypeError

Step = str | int
AT = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)")
LIMIT = re.compile(r"limits\.(venues|instruments|accounts|hedges)(?:\.(.+)|\[\"(.+)\"\])\.(\w+)")
NUMBER = re.compile(r"\[([0-9]+)\]")
QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')


@dataclass(frozen=True)
class Source:
    """A file of tables: `path` as it was given, its `text`, and its `table`."""

    path: str
    text: str
    table: dict[str, Any]

    @cached_property
    def places(self) -> dict[tuple[Step, ...], _places.Place]:
        return _places.places(self.text)

    def place(self, field: str) -> _places.Place:
        """Return where a field stands, or the nearest table above it."""
        for name in said_as(field):
            steps, rest = walk(self.table, name)
            if not rest:
                break
        else:
            steps, _ = walk(self.table, field)
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places.get(steps, _places.Place(1, 1, 0, 0))

    def placed(self, error: ConfigError | InputTypeError) -> ConfigError | InputTypeError:
        """Return an error with the file and the line at which its field stands."""
        line = self.place(error.field or "").line
        return located(error, self.path, line)

    @contextmanager
    def refuses(self) -> Iterator[None]:
        """Let every error that leaves name the file and the line."""
        try:
            yield
        except (ConfigError, InputTypeError) as error:
            raise self.placed(error) from error


def located(
    error: ConfigError | InputTypeError, file: str, line: int
) -> ConfigError | InputTypeError:
    """Return the same error for a line of a file."""
    given = {"field": error.field, "value": error.value, "expected": error.expected}
    return type(error)(f"{shown_path(file)}:{line}: {error}", **given, file=file, line=line)  # type: ignore[arg-type]


def shown_path(path: str) -> str:
    """Return a path as it may stand in a message: as it is, quoted where it could mislead."""
    return path if path.isprintable() and "\n" not in path else repr(path)


def said_as(field: str) -> Iterator[str]:
    """Yield the paths at which a file may say what a field is made of."""
    for name in (field, field.removesuffix("_ns")):
        yield name
        if name.startswith("counts."):
            yield name.removeprefix("counts.")
        found = LIMIT.fullmatch(name)
        if found:
            kind, owner, key = found[1], found[2] or found[3], found[4]
            yield f"limits.each_{kind.removesuffix('s')}.{key}"
            if kind == "hedges":
                yield f"hedges.{owner}.execution.{key}"
                yield f"hedges.{owner}.size.{key}"


def walk(table: object, field: str) -> tuple[tuple[Step, ...], str]:
    """Return how far a path leads into tables, and what is left of it.

    Keys may hold dots, so the longest one that fits is taken; an item of a list of tables is found
    by its place or by its name.
    """
    steps: list[Step] = []
    rest = field
    while rest:
        step, left = next_step(table, rest)
        if step is None and not steps:
            step, left = misspelt(table, rest)
        if step is None:
            return tuple(steps), rest
        table = table[step]  # type: ignore[index]
        steps.append(step)
        rest = left
    return tuple(steps), ""


def next_step(table: object, rest: str) -> tuple[Step | None, str]:
    """Return the key or place that `rest` begins with, and what is behind it."""
    number, quoted = NUMBER.match(rest), QUOTED.match(rest)
    if isinstance(table, list):
        if number and int(number[1]) < len(table):
            return int(number[1]), rest[number.end() :]
        names = {
            each["name"]: at
            for at, each in enumerate(table)
            if isinstance(each, dict) and isinstance(each.get("name"), str)
        }
        name, left = longest(names, rest)
        return (None, rest) if name is None else (names[name], left)
    if not isinstance(table, dict):
        return None, rest
    if quoted:
        return (quoted[1], rest[quoted.end() :]) if quoted[1] in table else (None, rest)
    return longest(table, rest)


def misspelt(table: object, rest: str) -> tuple[Step | None, str]:
    """Return the table of the file that its author may have meant by what a path begins with."""
    first = re.match(r"\w+", rest)
    if first is None or not isinstance(table, dict):
        return None, rest
    return nearest(first[0], table), rest[first.end() :]


def longest(names: "dict[str, Any]", rest: str) -> tuple[str | None, str]:
    """Return the longest of the names that a path begins with, and what is behind it."""
    plain = rest.removeprefix(".")
    for name in sorted(names, key=len, reverse=True):
        left = plain.removeprefix(name)
        if plain.startswith(name) and (not left or left[0] in ".["):
            return name, left
    return None, rest


def read_toml(path: str | os.PathLike[str]) -> Source:
    """Return a TOML file that only its owner or group may write.

    Raises ConfigError when it is unreadable, too large, world-writable or not TOML.
    """
    import tomllib  # most programs write their configuration in Python

    where = path_text(path, "path")
    try:
        # Not blocking: a pipe would else wait for whoever writes it.
        number = os.open(where, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(number, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise wrong(where, "path", "a regular file")
            if status.st_mode & stat.S_IWOTH:
                raise wrong(where, "path", "a file that not everybody may write; chmod o-w it")
            if status.st_size > SIZE_MAX:
                raise wrong(where, "path", f"a file of at most {SIZE_MAX} bytes")
            content = file.read(SIZE_MAX + 1)
    except OSError as error:
        message = f"path: {shown(where)} cannot be read: {error.strerror}"
        raise ConfigError(message, field="path", value=where, expected="a readable file") from error
    try:
        text = content.decode("utf-8")
        return Source(where, text, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        line = line_of(error, content)
        message = f"{shown_path(where)}:{line}: this is not TOML: {error}"
        expected = "a TOML file"
        raise ConfigError(
            message, field="path", value=where, expected=expected, file=where, line=line
        ) from error


def line_of(error: Exception, content: bytes) -> int:
    """Return the line at which a text stops being TOML."""
    if isinstance(error, UnicodeDecodeError):
        return content.count(b"\n", 0, error.start) + 1
    found = AT.search(str(error))  # Python 3.14 and later know it as an attribute too
    if found:
        return int(found[1])
    return 1 if isinstance(error, RecursionError) else content.rstrip().count(b"\n") + 1

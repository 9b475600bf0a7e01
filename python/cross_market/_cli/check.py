"""The verb `config check`: every problem of a configuration file, each with its line."""

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cross_market._cli.arguments import DONE, FAILED
from cross_market._cli.terminal import say
from cross_market._config_file import read_config
from cross_market._files import Builder, moved
from cross_market._source import Source, read_toml, shown_path
from cross_market._values import shown
from cross_market.config import Config
from cross_market.errors import ConfigError, InputTypeError
from cross_market.research.simulate import setup_of
from cross_market.research.world import SimVenues, read_world

# An address that carries a user and a password.
CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file; `level` is 'error', or 'warning' for what still runs."""

    file: str
    line: int
    column: int
    level: str
    kind: str
    field: str
    value: str | None
    expected: str | None
    message: str

    def __str__(self) -> str:
        word = "" if self.level == "error" else "warning: "
        return f"{shown_path(self.file)}:{self.line}:{self.column}: {word}{self.message}"


def run_check(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Check one configuration, with its simulated venues where there are some."""
    config, world, problems = examine(options.config, options.venues)
    for each in problems:
        say(options, str(each))
    errors = [each for each in problems if each.level == "error"]
    if errors:
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        say(options, f"{options.config}: {count}")
    elif config is not None:
        say(options, f"{options.config}: right; {counts(config, world)}")
    found = {
        "path": str(options.config),
        "right": not errors,
        "problems": [asdict(each) for each in problems],
    }
    return (FAILED if errors else DONE), found


def counts(config: Config, world: SimVenues | None) -> str:
    """Return what a configuration holds as one line."""
    parts = []
    for name in ("venues", "accounts", "instruments", "hedges"):
        number = len(getattr(config, name))
        parts.append(f"{number} {name if number != 1 else name[:-1]}")
    simulated = "with simulated venues" if world is not None else "no simulated venues"
    return ", ".join([*parts, simulated])


def examine(
    path: str | os.PathLike[str], venues: str | os.PathLike[str] | None = None
) -> tuple[Config | None, SimVenues | None, list[Problem]]:
    """Return what a file states, None for what could not be made, and every problem found.

    Raises ConfigError when a file cannot be read; one that is no TOML is a problem.
    """
    try:
        source = read_toml(path)
        other = source if venues is None else read_toml(venues)
    except ConfigError as error:
        if error.line is None:
            raise
        return None, None, [syntax(error)]
    builder = Builder({}, collects=True)
    made = read_config(source.table, builder)
    config = made if isinstance(made, Config) else None
    problems = [problem(source, each) for each in builder.problems]
    world = None
    if venues is not None or "simulation" in source.table:
        builder = Builder({}, collects=True)
        world_made = read_world(other.table, builder)
        world = world_made if isinstance(world_made, SimVenues) else None
        if world is not None and config is not None:
            fit(config, world, other, builder)
        problems += [problem(other, each) for each in builder.problems]
    problems += secrets(source)
    if other is not source:
        problems += secrets(other)
    ordered = sorted(dict.fromkeys(problems), key=lambda each: (each.file, each.line, each.column))
    return config, world, ordered


def fit(config: Config, world: SimVenues, source: Source, builder: Builder) -> None:
    """Keep what does not fit between a configuration and its simulated venues."""
    try:
        setup_of(config, world)
    except (ConfigError, InputTypeError) as error:
        where = "simulation" if "simulation" in source.table else ""
        builder.fail(moved(error, "venues", where))


def problem(source: Source, error: ConfigError | InputTypeError) -> Problem:
    """Return an error with its place."""
    place = source.place(error.field or "")
    return Problem(
        file=source.path,
        line=place.line,
        column=place.column,
        level="error",
        kind=type(error).__name__,
        field=error.field or "",
        value=None if error.value is None else shown(error.value),
        expected=error.expected,
        message=str(error),
    )


def syntax(error: ConfigError) -> Problem:
    """Return the problem of a file that is no TOML."""
    column = re.search(r"column ([0-9]+)", str(error.__cause__))
    return Problem(
        file=error.file or "",
        line=error.line or 1,
        column=int(column[1]) if column else 1,
        level="error",
        kind="ConfigError",
        field="",
        value=None,
        expected=error.expected,
        message=f"this is not TOML: {error.__cause__}",
    )


def secrets(source: Source) -> Iterator[Problem]:
    """Yield a warning for each value that looks like an address with a password in it."""
    for number, line in enumerate(source.text.splitlines(), 1):
        found = CREDENTIALS.search(line)
        if found:
            message = "this looks like an address with a password; keep secrets out of this file"
            expected = "no secrets"
            where = (source.path, number, found.start() + 1)
            yield Problem(*where, "warning", "Secret", "", None, expected, message)

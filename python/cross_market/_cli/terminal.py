"""What the command line prints: tables and progress, in colour where rich is installed."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from cross_market._values import visible

Row = Sequence[object]
Told = Callable[[int, int], None]


def say(options: argparse.Namespace, text: str) -> None:
    """Print a line for people."""
    if not options.json:
        print(visible(text))


def is_shown(options: argparse.Namespace) -> bool:
    """Return whether progress is shown: to a person at a terminal, not beside JSON."""
    return not options.json and sys.stderr.isatty()


def has_rich(stream: TextIO) -> bool:
    """Return whether rich is installed and `stream` is a terminal."""
    if not stream.isatty():
        return False
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


def show_table(title: str, header: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a table with its title to standard output; columns of numbers are set to the right."""
    cells = [[str(cell) for cell in row] for row in rows] or [["none"] + [""] * (len(header) - 1)]
    right = [all(is_number(row[at]) for row in cells) for at in range(len(header))]
    if has_rich(sys.stdout):
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for name, is_right in zip(header, right, strict=True):
            table.add_column(name, justify="right" if is_right else "left", overflow="fold")
        for row in cells:
            table.add_row(*row)
        Console(markup=False, highlight=False).print(table)
        return
    widths = [max(len(row[at]) for row in [list(header), *cells]) for at in range(len(header))]
    print(f"\n{title}")
    for row in [list(header), ["-" * width for width in widths], *cells]:
        set_in = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        print(("  " + "  ".join(set_in)).rstrip())


def is_number(text: str) -> bool:
    """Return whether a cell is a number, or empty beside numbers."""
    return not text.strip("+-.,%0123456789")


@contextmanager
def progress(text: str, *, is_shown: bool) -> Iterator[Told]:
    """Yield a function of (rows done, rows) that shows on standard error how far a run is."""
    if not is_shown:
        yield lambda done, rows: None
        return
    if not has_rich(sys.stderr):
        yield plain(text)
        sys.stderr.write("\r\x1b[K")
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()]
    columns += [TextColumn("{task.fields[speed]}"), TimeElapsedColumn(), TimeRemainingColumn()]
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task(text, total=None, speed="reading")
        begin = time.perf_counter()

        def live(done: int, rows: int) -> None:
            speed = speed_text(done, time.perf_counter() - begin)
            bar.update(task, completed=done, total=rows, speed=speed)

        yield live


def plain(text: str) -> Told:
    """Return what shows progress on one line of a terminal without rich."""
    begin = time.perf_counter()

    def told(done: int, rows: int) -> None:
        took = time.perf_counter() - begin
        left = took * (rows - done) / max(done, 1)
        part = 100 * done // max(rows, 1)
        line = f"{text}: {part} %, {speed_text(done, took)}, {left:.0f} s left"
        sys.stderr.write(f"\r{line}\x1b[K")
        sys.stderr.flush()

    return told


def speed_text(rows: int, seconds: float) -> str:
    """Return how many rows were done in a second."""
    return f"{rows / max(seconds, 1e-9):,.0f} rows/s"

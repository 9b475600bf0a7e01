"""What the command line prints: tables and progress, in colour where rich is installed."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

Row = Sequence[object]


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
    """Print a table with its title to standard output; numbers are set to the right."""
    cells = [[str(cell) for cell in row] for row in rows] or [["none"] + [""] * (len(header) - 1)]
    if has_rich(sys.stdout):
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for at, name in enumerate(header):
            table.add_column(name, justify="left" if at == 0 else "right")
        for row in cells:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(len(row[at]) for row in [list(header), *cells]) for at in range(len(header))]
    print(f"\n{title}")
    for row in [list(header), ["-" * width for width in widths], *cells]:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  " + "  ".join([first, *rest]).rstrip())


@contextmanager
def progress(text: str, *, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, all) that shows on standard error how far a run is."""
    if not is_shown:
        yield lambda done, steps: None
    elif has_rich(sys.stderr):
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(text, total=None)
            yield lambda done, steps: bar.update(task, completed=done, total=steps)
    else:
        shown = [-1]

        def plain(done: int, steps: int) -> None:
            tenth = 10 * done // max(steps, 1)
            if tenth > shown[0]:
                shown[0] = tenth
                print(f"{text}: {10 * tenth} %", file=sys.stderr, flush=True)

        yield plain

"""Run the study: `make peers-legs`, with `SEEDS=` how many of every fault.

Prints tables and `FIGURE peers_legs.<name> …`. With the number of seeds that docs/ is of, and with
every package there, it writes tables and plot into docs/; they come out the same every time.
Packages that do not install or import are told with the reason, and left out.
"""

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from legs.models import REFERENCES
from legs.ours import OURS
from legs.outcome import run
from legs.packages import PACKAGES, VERSIONS
from legs.schedule import FAULTS, Schedule
from legs.summary import Summary, figures, plot, tables
from legs.venue import Model

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PLOT = DOCS / "peers_legs.md", DOCS / "peers_legs.svg"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
CHUNK = 10
SEEDS = 150

Makers = dict[str, Callable[[Schedule], Model]]


@cache
def packages() -> tuple[Makers, dict[str, str]]:
    """Return the packages that import, and why the others do not."""
    found: Makers = {}
    missing: dict[str, str] = {}
    for name, load in PACKAGES.items():
        try:
            found[name] = load()
        except (ImportError, OSError, AttributeError) as error:
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found, missing


def makers() -> Makers:
    """Return every way of working legs, by name, ours first."""
    return {**OURS, **packages()[0], **REFERENCES}


def chunk(fault: str, first: int, last: int) -> dict[str, Summary]:
    """Run all models through some seeds of one fault."""
    found = {name: Summary() for name in makers()}
    for seed in range(first, last):
        for name, make in makers().items():
            found[name].add(run(make, seed, fault))
    return found


def study(seeds: int, workers: int) -> dict[tuple[str, str], Summary]:
    """Run all models through all faults; return what each came to."""
    cells = {(name, fault): Summary() for name in makers() for fault in FAULTS}
    work = [
        (fault, first, min(first + CHUNK, seeds))
        for fault in FAULTS
        for first in range(0, seeds, CHUNK)
    ]
    with ProcessPoolExecutor(workers) as pool:
        for (fault, *_), found in zip(work, pool.map(chunk, *zip(*work, strict=True)), strict=True):
            for name, summary in found.items():
                cells[name, fault].merge(summary)
    return cells


def versions() -> Iterator[str]:
    """Yield what was measured of others."""
    for name in packages()[0]:
        told = ", ".join(f"{each} {importlib.metadata.version(each)}" for each in VERSIONS[name])
        yield f"{name}: {told}"


def write(told: str, drawn: str) -> None:
    """Put tables and plot into docs/."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{told}\n{END}{after}", encoding="utf-8")
    PLOT.write_text(drawn, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Peers in the dock.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="schedules of every fault")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    cells = study(given.seeds, given.workers)
    told = tables(cells)
    print(told)
    for line in versions():
        print(f"measured: {line}")
    for name, reason in packages()[1].items():
        print(f"not measured: {name}: {reason}")
    if given.seeds == SEEDS and not packages()[1]:
        write(told, plot(cells))
    else:
        print(f"docs/ is left as it is: it is of {SEEDS} seeds and every package")
    print("\n".join(figures(cells)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

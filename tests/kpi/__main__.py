"""How three arms use one desk's money: K1, K2, K3 and K8 over seeds.

`python -m kpi --seeds 100:200 --processes 2`; `--sweep` puts each assumption of the separate
terminals from a quarter to four times its value. All that is assumed stands in `assumptions.toml`;
what each figure is, in `docs/kpi.md`.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from golden import data
from kpi import assumed, figures, told

FACTORS = ("1/4", "1/2", "1", "2", "4")


def main(words: Sequence[str]) -> int:
    """Return 0 when all figures were made, 2 when the record is not there."""
    given = arguments(words)
    if data.data_folder() is None:
        print("kpi: the recorded markets are not beside the project, and prices move as there")
        return 2
    known = assumed.load()
    print(f"assumptions sha256 {known.sha256}")
    print(
        "Prices move as recorded ones did; opportunities are drawn. No recorded ticks of a domestic"
    )
    print("and an overseas market overlap, so no figure here is one of a market.")
    seeds = range(*given.seeds)
    if given.sweep:
        for name in assumed.SWEPT:
            for factor in FACTORS:
                rows = made(partial(figures.of_seed, swept=(name, factor)), seeds, given.processes)
                print(f"{name} x {factor}: {told.line(rows)}")
        return 0
    rows = made(figures.of_seed, seeds, given.processes)
    told.tables(rows)
    told.figures(rows)
    return 0


def made(of_seed: figures.OfSeed, seeds: Iterable[int], processes: int) -> list[figures.Row]:
    """Return the figures of every seed, in their order."""
    if processes == 1:
        return [of_seed(seed) for seed in seeds]
    with ProcessPoolExecutor(processes, initializer=hush) as pool:
        return list(pool.map(of_seed, seeds))


def hush() -> None:
    """Let nothing of a process be printed: the solver says things that no option silences."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kpi", description=__doc__)
    parser.add_argument("--seeds", type=span, default=(100, 200), metavar="100:200")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sweep", action="store_true")
    return parser.parse_args(words)


def span(text: str) -> tuple[int, int]:
    first, _, after = text.partition(":")
    return int(first), int(after)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

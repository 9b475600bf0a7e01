"""Ours beside its peers, in one process and in turns; `make bench-peers` sets it up and runs it.

Prints a table and `FIGURE peers.<row>.<peer> ours_ns=… peer_ns=… ratio=…`, the ratio being ours by
the peer's: below 1 we are quicker. What does not install or does not import is listed with the
reason. Imports, memory and sizes are `sizes.py`.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import books  # noqa: E402
import engines  # noqa: E402
import machines  # noqa: E402

import desk  # noqa: E402
from figures import Figures  # noqa: E402
from turns import Turns, Way, quiet  # noqa: E402
from ways import Ours  # noqa: E402
from workload import Workload, workload  # noqa: E402

Missing = dict[str, str]


def found(peers: dict[str, Callable[..., Any]], missing: Missing, *given: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what each peer gives; one that is not here is missing with the reason."""
    ways = {}
    for name, make in peers.items():
        try:
            ways[name] = make(*given)
        except (ImportError, OSError, AttributeError, TypeError, ValueError) as error:
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return ways


def compare(
    row: str,
    ways: dict[str, Way],
    counts: dict[str, int],
    rounds: int,
    figures: Figures,
    *,
    is_loose: bool = False,
) -> None:
    """Take turns; ours is `ours`."""
    turns = Turns(ways, counts)
    turns.warm(is_loose=is_loose)
    with quiet():
        for _ in range(rounds):
            turns.turn()
    for peer in ways:
        if peer != "ours":
            figures.pair(f"peers.{row}.{peer}", turns, "ours", peer, "peer")


def of_books(work: Workload, rounds: int, figures: Figures, missing: Missing) -> None:
    ours = Ours(work)
    rows: dict[str, dict[str, Way]] = {
        "W1": {"ours": ours.read_when_moved},
        "W1a": {"ours": ours.apply},
        "W2": {"ours": lambda: ours.columns(())},
        "W3p": {"ours": ours.spread},
        "W3v": {"ours": ours.spread},
    }
    for peer, ways in found(books.PEERS, missing, work).items():
        for place, way in ways.items():
            row, _, how = place.partition(".")
            rows[row][f"{peer}.{how}" if how else peer] = way
    for row, ways in rows.items():
        # A quote is several rows: we take all of them.
        count = len(books.quotes(work)) if row == "W3v" else len(work)
        compare(row, ways, dict.fromkeys(ways, count), rounds, figures)


def of_engines(work: Workload, rounds: int, figures: Figures, missing: Missing) -> None:
    rows: dict[str, dict[str, Way]] = {
        "W4": {"ours": lambda: engines.ours_in_core(work)},
        "W4p": {"ours": Ours(work).each},
    }
    for peer, ways in found(engines.PEERS, missing, work).items():
        for row, way in ways.items():
            rows[row][peer] = way
    for row, ways in rows.items():
        compare(row, ways, dict.fromkeys(ways, len(work)), rounds, figures, is_loose=True)


def of_machines(rounds: int, figures: Figures, missing: Missing) -> None:
    mine, counts = desk.rows()
    rows = {row: {"ours": mine[row]["ours"]} for row in mine}
    of = {row: {"ours": counts[row]} for row in mine}
    for peer, (ways, count) in found(machines.PEERS, missing).items():
        for row, way in ways.items():
            rows[row][peer] = way
            of[row][peer] = count
    for row, ways in rows.items():
        compare(row, ways, of[row], rounds, figures, is_loose=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Ours beside its peers.")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    work, figures, missing = workload(given.rows), Figures(), Missing()
    print(f"{sys.version.split()[0]}, {work.tell()}, {given.rounds} rounds", flush=True)
    of_books(work, given.rounds, figures, missing)
    of_engines(work, given.rounds, figures, missing)
    of_machines(given.rounds, figures, missing)
    print(figures.told("peer"))
    for name, reason in missing.items():
        print(f"not measured: {name}: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs of the simulator, given to the engine once more from Python.

spoken --seeds N | python tests/python/spoken.py

Each event stands there as an expression in the words of `cross_market.events`. Every run must end
with the state digest that Rust ended it with, after as many commands and refusals.
"""

import sys
from collections.abc import Iterable

from cross_market import _core, events
from cross_market.errors import CrossMarketError


class Stated:
    """A configuration as its document states it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_json(self) -> bytes:
        return self.text.encode()


WORDS = {**vars(events), "Stated": Stated}


def driven(lines: Iterable[str]) -> tuple[int, int, list[str]]:
    """Return how many runs and events there were, and what went otherwise than in Rust."""
    runs, count, otherwise = 0, 0, []
    engine, seed, commands, refused = None, "", 0, 0
    for line in lines:
        kind, _, rest = line.rstrip("\n").partition(" ")
        if kind == "config":
            seed, start, text = rest.split(" ", 2)
            engine, commands, refused = _core.Engine(Stated(text), start=int(start)), 0, 0
            continue
        assert engine is not None, "a run begins with its configuration"
        if kind == "end":
            runs += 1
            found = f"{engine.digest().hex()} {commands} {refused}"
            if found != rest:
                otherwise.append(f"seed {seed}: {found}, in Rust {rest}")
            continue
        now, _, what = rest.partition(" ")
        count += 1
        try:
            if kind == "restart":
                commands += len(engine.restart(int(now), int(what)))
            else:
                event = eval(what, WORDS)
                commands += len(engine.handle(int(now), event))
        except CrossMarketError:
            refused += 1
    return runs, count, otherwise


def main() -> int:
    """Return 0 when every run ended as in Rust."""
    runs, count, otherwise = driven(sys.stdin)
    for line in otherwise[:20]:
        sys.stdout.write(f"{line}\n")
    figure = f"FIGURE driven runs={runs} events={count} otherwise={len(otherwise)}"
    sys.stdout.write(f"{figure}\n")
    return 1 if otherwise or not runs else 0


if __name__ == "__main__":
    sys.exit(main())

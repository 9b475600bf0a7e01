"""Compare every recorded set with its reference figures; one line a set for scripts to read."""

import sys
import time
from collections.abc import Callable
from functools import partial

from golden import bar_sets, book_set, book_sets, data, quote_sets
from golden.figures import Figures

# The recorded data is not beside the project.
NO_DATA = 2


def runs() -> dict[str, Callable[[], Figures]]:
    """Return what compares each set, by its name."""
    found: dict[str, Callable[[], Figures]] = {}
    for each in book_sets.SETS:
        found[each.name] = partial(book_set.run, each)
    found |= quote_sets.RUNS | bar_sets.RUNS
    return {name: partial(with_bytes, name, run) for name, run in found.items()}


def with_bytes(name: str, run: Callable[[], Figures]) -> Figures:
    """Return a set's comparison, after its published files were proven to be those it states."""
    right = data.published(name)
    figures = run()
    for file, is_right in right.items():
        figures.equal(f"bytes of {file} as stated", is_right, theirs=True)
    return figures


def main(names: list[str]) -> int:
    """Compare the named sets, or all; 0 when every figure is equal, 1 when one is not."""
    if data.data_folder() is None:
        print("golden: ../shared/data is not there; nothing was compared", file=sys.stderr)
        return NO_DATA
    known = runs()
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"golden: no set {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return NO_DATA
    missing = set(data.set_names()) - set(known)
    ok = not missing or bool(names)
    if not ok:
        print(f"golden: nothing compares {', '.join(sorted(missing))}", file=sys.stderr)
    began = time.perf_counter()
    lines: list[str] = []
    for name in names or known:
        figures = known[name]()
        ok = told(figures) and ok
        lines += figures.lines()
    print(f"{time.perf_counter() - began:.0f} s")
    print("\n".join(lines))
    return 0 if ok else 1


def told(figures: Figures) -> bool:
    """Print what is to be said of a set; returns whether it is as the reference has it."""
    differ = len(figures.mismatched)
    print(f"{figures.name}: {figures.checked} figures compared, {differ} differ", flush=True)
    for line in figures.mismatched[:20]:
        print(f"  {line}")
    for note in figures.notes:
        print(f"  {note}")
    for where, reason in figures.left_out.items():
        print(f"  not compared: {where}, {reason}")
    return not differ


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

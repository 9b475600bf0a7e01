"""Put every seeded bug in, one by one, and demand that the fast checks fail."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from seeded.bugs import Bug, StaleError, all_bugs, edited
from seeded.checks import BuildError, Caught, campaign, funds, tests
from seeded.tree import Tree

Check: TypeAlias = Callable[[Tree], Caught | None]
ROOT = Path(__file__).parents[2]


def main(words: list[str]) -> int:
    """Return 0 when the good sources pass and every bug is caught, 1 when not, 2 when a bug does
    not apply or does not compile."""
    asked = arguments(words)
    known = all_bugs()
    wanted = [bug for bug in known if not asked.only or bug.number in asked.only]
    missing = sorted(asked.only - {bug.number for bug in known})
    if missing:
        print(f"seeded: there is no bug {', '.join(map(str, missing))}", file=sys.stderr)
        return 2
    tree = Tree(ROOT, ROOT / "target" / "seeded")
    try:
        for bug in wanted:
            edited(bug, ROOT)
        if not asked.only and not is_clean(tree):
            return 1
        caught = sum(is_caught(tree, bug, both=asked.both) for bug in wanted)
    except StaleError as error:
        print(f"seeded: {error}", file=sys.stderr)
        return 2
    except BuildError as error:
        print(f"seeded: it does not compile\n{error}", file=sys.stderr)
        return 2
    finally:
        tree.clean()
    print(f"FIGURE seeded_bugs tried={len(wanted)} caught={caught}")
    return 0 if caught == len(wanted) else 1


def arguments(words: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="seeded", description=__doc__)
    parser.add_argument(
        "--only",
        type=numbers,
        default=frozenset(),
        metavar="4,7",
        help="these bugs alone, without trying the good sources first",
    )
    parser.add_argument(
        "--both",
        action="store_true",
        help="run the tests too when the schedules have shown a bug",
    )
    return parser.parse_args(words)


def numbers(text: str) -> frozenset[int]:
    """Return the numbers of a list with commas."""
    return frozenset(int(word) for word in text.split(",") if word)


def is_clean(tree: Tree) -> bool:
    """Print what the checks say of the good sources; returns whether it is nothing."""
    tree.clean()
    found = campaign(tree) or tests(tree, digests=True) or funds(tree)
    print(f"good sources: {found.by if found else 'pass'}", flush=True)
    return found is None


def is_caught(tree: Tree, bug: Bug, *, both: bool) -> bool:
    """Print what shows a bug; returns whether anything does."""
    began = time.perf_counter()
    tree.infect(bug)
    found: list[Caught] = []
    rust: list[Check] = [campaign, partial(tests, digests=False)]
    checks = [funds] if bug.is_of_python else rust
    for check in checks:
        if (not found or both) and (shown := check(tree)):
            found.append(shown)
    schedules = [each.schedules for each in found if each.schedules is not None]
    took = f"{schedules[0]} schedules" if schedules else "no schedule"
    seconds = time.perf_counter() - began
    by = "; ".join(each.by for each in found) or "NOT CAUGHT"
    print(f"{bug.number:>3} {bug.name:<34} {took:<16} {by}  [{seconds:.0f} s]", flush=True)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The fast checks: schedules with faults, the Rust tests, and the Python tests of the fund pool."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from seeded.tree import Tree

# Schedules are run in pieces that grow, so that a bug that shows at once costs no more than that.
PIECES = (250, 1_750, 8_000, 10_000)
CRATES = ("cross-market-core", "cross-market-journal", "cross-market-sim")
BUILD_SECONDS = 1_800
PIECE_SECONDS = 300
TEST_SECONDS = 600
FUNDS = ("allocation", "draw", "ledger")

_BROKEN = re.compile(r"^BROKEN (\w+): first in (\d+) runs, such as seeds (\d+)", re.MULTILINE)
_FAILED = (
    re.compile(r"^\s*(?:FAIL|TIMEOUT|SIGABRT|ABORT|SIGSEGV) \[[^]]*\] (?:\([^)]*\) )?(.+)$", re.M),
    re.compile(r"^test (\S+) \.\.\. FAILED$", re.M),
)
_FAILED_PYTHON = re.compile(r"^(?:FAILED|ERROR) \S+::(\S+)", re.M)
_STORY = re.compile(r"^\s*([a-z0-9_]+): (?=\S)", re.M)
_STORIES = "stories that went otherwise:"


class BuildError(Exception):
    """The sources do not compile: no bug is shown by that."""


@dataclass(frozen=True)
class Caught:
    """What showed a bug: the schedules until the first broken rule, or tests."""

    by: str
    schedules: int | None = None


def campaign(tree: Tree) -> Caught | None:
    """Run schedules until one breaks a rule; None when none did."""
    package = ["--package", "cross-market-sim", "--bin", "campaign"]
    _build(tree, ["cargo", "build", "--locked", "--quiet", *package])
    program = str(tree.build / "debug" / "campaign")
    first = 0
    for seeds in PIECES:
        command = [program, "--seeds", str(seeds), "--from", str(first)]
        code, printed = tree.run(command, PIECE_SECONDS)
        found = sorted((int(seed), rule) for rule, _, seed in _BROKEN.findall(printed))
        if found:
            seed, _ = found[0]
            rules = " ".join(rule for where, rule in found if where == seed)
            return Caught(f"schedules: {rules}", seed + 1)
        if code is None:
            return Caught(f"schedules: no end after {PIECE_SECONDS} s", first + seeds)
        if code != 0:
            return Caught(f"schedules: exit code {code}", first + seeds)
        first += seeds
    return None


def tests(tree: Tree, *, digests: bool) -> Caught | None:
    """Run the Rust tests; None when all pass.

    digests: bool – whether the digests of stories count. With a bug in they do not: a digest tells
    that something changed, and whoever changes something writes new ones.
    """
    packages = [word for crate in CRATES for word in ("--package", crate)]
    tool = ["nextest", "run"] if shutil.which("cargo-nextest") else ["test"]
    _build(tree, ["cargo", *tool, "--locked", "--no-run", *packages])
    run = ["cargo", *tool, "--locked", "--no-fail-fast", *packages]
    more = {} if digests else {"UPDATE_DIGESTS": "1"}
    code, printed = tree.run(run, TEST_SECONDS, **more)
    if code == 0:
        return None
    if code is None:
        return Caught(f"tests: no end after {TEST_SECONDS} s")
    names = list(dict.fromkeys(name for kind in _FAILED for name in kind.findall(printed)))
    if not names:
        raise BuildError(printed)
    return Caught(f"tests: {_shown(names)}{_stories(tree, printed)}")


def funds(tree: Tree) -> Caught | None:
    """Run the Python tests of the shared ledger and of the allocation; None when all pass.

    They run in the environment of the sources, with its native module: `make setup` makes both.
    """
    interpreter = tree.source / ".venv" / "bin" / "python"
    native = Path("python", "cross_market", "_core.abi3.so")
    for needed in (interpreter, tree.source / native):
        if not needed.exists():
            message = f"{needed} is not there: make setup"
            raise BuildError(message)
    shutil.copy(tree.source / native, tree.root / native)
    folders = [str(tree.root / name) for name in ("python", "tests/python", "tests")]
    beside = tree.root / "tests" / "python"
    files = [str(path) for name in FUNDS for path in sorted(beside.glob(f"test_{name}*.py"))]
    run = [str(interpreter), "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", *files]
    code, printed = tree.run(run, TEST_SECONDS, PYTHONPATH=os.pathsep.join(folders))
    if "SKIPPED" in printed:
        print("seeded: PostgreSQL is not on this machine, SQLite alone was tried", flush=True)
    if code == 0:
        return None
    if code is None:
        return Caught(f"funds: no end after {TEST_SECONDS} s")
    names = list(dict.fromkeys(_FAILED_PYTHON.findall(printed)))
    if not names:
        raise BuildError(printed)
    return Caught(f"funds: {_shown(names)}")


def _shown(names: list[str]) -> str:
    short = [name.split()[-1] for name in names]
    more = f" and {len(short) - 3} more" if len(short) > 3 else ""
    return ", ".join(short[:3]) + more


def _stories(tree: Tree, printed: str) -> str:
    rest = printed.partition(_STORIES)[2]
    folder = tree.root / "tests" / "scenarios"
    told = dict.fromkeys(_STORY.findall(rest))
    names = [name for name in told if (folder / f"{name}.txt").is_file()]
    return f" (stories {_shown(names)})" if names else ""


def _build(tree: Tree, command: list[str]) -> None:
    code, printed = tree.run(command, BUILD_SECONDS)
    if code != 0:
        raise BuildError(printed)

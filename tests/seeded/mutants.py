"""Change the core in small ways, one by one, and demand that tests fail.

cargo-mutants makes the changes and runs the tests: those beside the file first, and what survives
them meets the rest of the core's, and then the simulator's, its schedules included. A mutant that
survives them all is a missing test, or stands in survivors.toml with the reason why no test can see
it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from seeded.tree import Tree

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).parent / "survivors.toml"
PLACE = ROOT / "target" / "mutants"
TOOLS = ROOT / "target" / "tools"
VERSION = "27.1.0"
FILES = ("order", "attempt", "resolve", "funds", "position", "gate", "conduct")
# Which tests meet a mutant, in three passes: those beside the file, which are built in seconds, all
# of the core, and the simulator with its schedules. Only what survives one pass meets the next.
NEAR = {
    "order": ("--test=tables",),
    "attempt": ("--test=tables", "--test=stories"),
    "resolve": ("--lib",),
    "funds": ("--lib", "--test=money"),
    "position": ("--test=money",),
    "gate": ("--lib",),
    "conduct": ("--lib",),
}
# Of these only what concerns the file, where much does not.
NEAREST = {"order": "test(/^orders?::/)", "position": "not test(/^funds_model::/)"}
CORE = ("--lib", "--test=money", "--test=turn", "--test=tables", "--test=stories", "--test=doors")
SIM = ("--lib", "--test=sim")
SIM_SECONDS = 300  # many times what the simulator's tests take

_PLACE = re.compile(r":\d+:\d+: ")
_KINDS = {
    "CaughtMutant": "caught",
    "MissedMutant": "missed",
    "Unviable": "unviable",
    "Timeout": "timeout",
}


@dataclass
class Counts:
    """What became of the mutants of one file and of the files in its folder."""

    kinds: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=Counter)


def main(words: list[str]) -> int:
    """Return 0 when every mutant of the files was caught or is listed, 1 when not."""
    asked = arguments(words)
    names = asked.files or list(FILES)
    tool = installed()
    if asked.list:
        for name in names:
            found = subprocess.run(
                [tool, "mutants", "--list", *globs(name)], cwd=ROOT, capture_output=True, check=True
            )
            print(f"{name}: {len(found.stdout.splitlines())}")
        return 0
    tree = Tree(ROOT, PLACE)
    tree.clean()
    ok = True
    for name in names:
        counts = of_file(tool, tree, name, asked)
        ok = told(name, counts, whole=not asked.shard) and ok
    return 0 if ok else 1


def arguments(words: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="seeded.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"of {' '.join(FILES)}")
    parser.add_argument("--shard", metavar="1/4", help="a part of the mutants of each file")
    parser.add_argument(
        "--go-on", action="store_true", help="leave out what was caught before, of the same sources"
    )
    parser.add_argument(
        "--core", action="store_true", help="the core's tests alone: what survives is no verdict"
    )
    parser.add_argument("--list", action="store_true", help="count the mutants, run none")
    asked = parser.parse_args(words)
    unknown = sorted(set(asked.files) - set(FILES))
    if unknown:
        parser.error(f"no file {', '.join(unknown)}; there are {', '.join(FILES)}")
    return asked


def installed() -> str:
    """Return the path of cargo-mutants in the version that belongs here; installs it first."""
    program = TOOLS / "bin" / "cargo-mutants"
    version = [str(program), "mutants", "--version"]
    if program.is_file():
        told_version = subprocess.run(version, check=True, capture_output=True, text=True).stdout
        if VERSION in told_version.split():
            return str(program)
    print(f"installing cargo-mutants {VERSION} into {TOOLS.relative_to(ROOT)}", flush=True)
    install = ["cargo", "install", "cargo-mutants", "--version", VERSION, "--locked", "--quiet"]
    build = TOOLS / "build"
    subprocess.run([*install, "--root", TOOLS, "--target-dir", build], check=True)
    shutil.rmtree(build, ignore_errors=True)
    return str(program)


def globs(name: str) -> list[str]:
    """Return the arguments that name a file of the core and those in its folder."""
    return ["--file", f"rust/core/src/{name}.rs", "--file", f"rust/core/src/{name}/**/*.rs"]


def of_file(tool: str, tree: Tree, name: str, asked: argparse.Namespace) -> Counts:
    """Run the mutants of one file; those that survive one pass meet the next."""
    output = PLACE / name
    printed = output / "mutants.out" / "outcomes.json"
    # The tool keeps what its last run met, not what the runs before it had caught.
    kept = output / "kept.json"
    outcomes: dict[str, str] = {}
    if asked.go_on and kept.is_file():
        outcomes = json.loads(kept.read_text(encoding="utf-8"))
        outcomes |= read(printed) if printed.is_file() else {}
    else:
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
    go_on = bool(outcomes)
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(tree.build),
        "CARGO_PROFILE_DEV_DEBUG": "0",
    }
    # A mutant costs its build far more than its tests, until the simulator's run.
    quick = environment | {"CARGO_PROFILE_DEV_OPT_LEVEL": "0"}
    passes = (("core", NEAR[name]), ("core", CORE), ("sim", SIM))
    for number, (crate, tests) in enumerate(passes[:2] if asked.core else passes):
        kept.write_text(json.dumps(outcomes), encoding="utf-8")
        command = [tool, "mutants", "--in-place", "--colors=never", "--no-times"]
        command += ["--dir", str(tree.root), "--output", str(output), *globs(name)]
        command += [
            "--package=cross-market-core",
            f"--test-package=cross-market-{crate}",
            "--no-shuffle",
        ]
        command += [f"--shard={asked.shard}"] if asked.shard else []
        command += ["--iterate"] if number or go_on else []
        # The baseline is that of the package that is changed, whose tests these are not.
        command += ["--baseline=skip", f"--timeout={SIM_SECONDS}"] if crate == "sim" else []
        if number == 0 and name in NEAREST:
            command += ["--cargo-test-arg=-E", f"--cargo-test-arg={NEAREST[name]}"]
        # Given to the build as well: no test binary is built that is not run.
        command += [f"--cargo-arg={word}" for word in ("--locked", *tests)]
        of_pass = quick if crate == "core" else environment
        code = subprocess.run(command, env=of_pass, check=False).returncode
        # 0: all caught; 2: some missed; 3: some ran into the time limit.
        if code not in {0, 2, 3}:
            problem = f"mutants: cargo-mutants ended with {code}"
            raise SystemExit(problem)
        outcomes |= read(printed)
        if "MissedMutant" not in outcomes.values():
            break
    return counted(outcomes)


def read(path: Path) -> dict[str, str]:
    """Return the outcome of every mutant in a file of cargo-mutants, by its name."""
    outcomes = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    return {
        each["scenario"]["Mutant"]["name"]: each["summary"]
        for each in outcomes
        if isinstance(each["scenario"], dict)
    }


def counted(outcomes: dict[str, str]) -> Counts:
    """Return the counts, those that are listed with a reason apart."""
    counts = Counts()
    allowed = survivors()
    for name, summary in outcomes.items():
        kind = _KINDS[summary]
        short = _PLACE.sub(": ", name)
        if kind == "missed" and counts.listed[short] < allowed[short]:
            counts.listed[short] += 1
            kind = "listed"
        elif kind == "missed":
            counts.missed.append(name)
        counts.kinds[kind] += 1
    return counts


def survivors() -> Counter[str]:
    """Return how often each mutant may survive; raises SystemExit without a reason."""
    with SURVIVORS.open("rb") as file:
        rows = tomllib.load(file).get("survivor", [])
    for row in rows:
        if not row.get("reason"):
            problem = f"mutants: {row.get('mutant')} is listed without a reason"
            raise SystemExit(problem)
    return Counter({row["mutant"]: row.get("times", 1) for row in rows})


def told(name: str, counts: Counts, *, whole: bool) -> bool:
    """Print what became of the mutants of a file; returns whether all is as it is to be."""
    stale: list[str] = []
    if whole:
        of_name = {
            mutant: times
            for mutant, times in survivors().items()
            if mutant.startswith((f"rust/core/src/{name}.rs", f"rust/core/src/{name}/"))
        }
        stale = [mutant for mutant, times in of_name.items() if counts.listed[mutant] < times]
    for mutant in counts.missed:
        print(f"survived: {mutant}")
    for mutant in stale:
        print(f"listed, but it survives no more: {mutant}")
    kinds = counts.kinds
    parts = [f"total={kinds.total()}"]
    parts += [f"{kind}={kinds[kind]}" for kind in ("caught", "missed", "unviable", "timeout")]
    print(f"FIGURE mutants.{name} {' '.join(parts)} listed={kinds['listed']}", flush=True)
    return not counts.missed and not stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

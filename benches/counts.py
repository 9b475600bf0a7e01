"""Count the instructions of each kernel of `benches/counts.rs` and hold them to a baseline.

Counts repeat from run to run where times do not, so this is what CI can judge. A kernel that moved
by more than 3 % fails, also downwards: then the baseline is renewed with `--update`, in a commit
that says why.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches" / "counts.json"
TOLERANCE_PERCENT = 3

# The C library chooses its copying loops by the processor: the count must not depend on that.
PLAIN = "-" + ",-".join(("AVX2", "AVX", "AVX_Fast_Unaligned_Load", "ERMS", "FSRM", "AVX512VL"))
ENVIRONMENT = os.environ | {"GLIBC_TUNABLES": f"glibc.cpu.hwcaps={PLAIN}"}


def build() -> str:
    """Build the bench and return the path of its program."""
    command = ["cargo", "bench", "--locked", "--package", "cross-market-core", "--bench", "counts"]
    built = subprocess.run(
        [*command, "--no-run", "--quiet", "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if built.returncode != 0:
        sys.exit("counts: the bench does not build")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    [program] = [m["executable"] for m in messages if m.get("executable")]
    return str(program)


def count(program: str, kernel: str) -> int:
    """Return the instructions that `kernel` executes inside `measured`."""
    run = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--collect-atstart=no",
            "--toggle-collect=*measured*",
            "--callgrind-out-file=/dev/null",
            program,
            kernel,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None or int(found[1]) == 0:
        sys.exit(f"counts: callgrind collected nothing for kernel {kernel!r}:\n{run.stderr}")
    return int(found[1])


def complaints(baseline: dict[str, int], counted: dict[str, int]) -> list[str]:
    """Return one sentence for each kernel that is not as the baseline says."""
    wrong = [f"{name}: in the baseline, not in the bench" for name in baseline.keys() - counted]
    wrong += [f"{name}: in the bench, not in the baseline" for name in counted.keys() - baseline]
    for name in baseline.keys() & counted.keys():
        if abs(counted[name] - baseline[name]) * 100 > TOLERANCE_PERCENT * baseline[name]:
            change = f"{baseline[name]} -> {counted[name]} instructions"
            wrong.append(f"{name}: {change}, more than {TOLERANCE_PERCENT} % apart")
    return sorted(wrong)


def main() -> int:
    """Count, print, compare; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Instruction counts against the baseline.")
    parser.add_argument("--update", action="store_true", help="write the baseline instead")
    update: bool = parser.parse_args().update
    if shutil.which("valgrind") is None:
        print("counts: valgrind is not installed; it counts the instructions.", file=sys.stderr)
        return 1

    program = build()
    listed = subprocess.run([program, "--list"], check=True, stdout=subprocess.PIPE, text=True)
    counted = {kernel: count(program, kernel) for kernel in listed.stdout.split()}
    baseline: dict[str, int] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    for name, instructions in counted.items():
        print(f"{name:<32} {instructions:>14} (baseline {baseline.get(name, '-')})")
    if update:
        BASELINE.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n")
        return 0
    wrong = complaints(baseline, counted)
    for sentence in wrong:
        print(f"counts: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

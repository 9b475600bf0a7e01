"""The verbs that run and prove: demo, simulate, replay, verify."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cross_market import _core
from cross_market._cli.arguments import DONE, FAILED, UNREADABLE
from cross_market._cli.terminal import is_shown, progress, say, show_table
from cross_market._values import tidy, wrong
from cross_market.config import Config
from cross_market.errors import JournalError
from cross_market.research.result import Result
from cross_market.research.simulate import simulate
from cross_market.research.world import SimVenues

Found = dict[str, Any]


def run_demo(options: argparse.Namespace) -> tuple[int, Found]:
    """Run the demo; then verify and replay its journal."""
    from cross_market import demo

    ready(options)
    say(options, str(demo.__doc__).partition("\n\n")[2])
    days = demo.fixings()
    days = days[: options.days] if options.days else days
    say(options, f"{len(days)} days from {days[0].date} to {days[-1].date}.")
    out = options.out or Path(tempfile.mkdtemp(prefix="cross-market-demo-"))
    out.mkdir(parents=True, exist_ok=True)
    with progress("simulate", is_shown=is_shown(options)) as shown:
        result = simulate(
            demo.config(),
            demo.quotes(days),
            venues=demo.venues(options.seed),
            verbs=demo.operator(days),
            journal=out / "journal",
            progress=shown,
        )
    found = tell(options, result)
    result.write(out / "tables")
    found["tables"] = str(out / "tables")
    say(options, f"\nParquet tables: {out / 'tables'}")
    show(options, result, found)
    code = check(options, Path(str(result.journal)), found, "demo")
    is_equal = found.get("replay", {}).get("digest") == result.digest.hex()
    say(options, f"Replayed to the same state: {'yes' if is_equal else 'NO'}")
    return (code if is_equal else FAILED), found


def check(options: argparse.Namespace, journal: Path, found: Found, name: str) -> int:
    """Verify and replay one journal, and say so."""
    begin = time.perf_counter()
    code, verified = verify_one(journal)
    found["verify"] = verified
    say(options, f"Verified {journal}: {verdict_text(verified)}")
    if code == DONE:
        code, found["replay"] = replay_one(journal)
        say(options, replay_text(found["replay"]))
        say(options, figure(name, found["replay"]))
    found["check_seconds"] = round(time.perf_counter() - begin, 3)
    return code


def run_simulate(options: argparse.Namespace) -> tuple[int, Found]:
    """Simulate files, with a journal and tables where they are asked for."""
    ready(options)
    config = Config.load(options.config)
    venues = SimVenues.load(options.venues or options.config)
    begin = time.perf_counter()
    with progress("simulate", is_shown=is_shown(options)) as shown:
        result = simulate(
            config, options.data, venues=venues, journal=options.journal, progress=shown
        )
    took = time.perf_counter() - begin
    found = tell(options, result)
    found["seconds"] = round(took, 3)
    found["rows_per_second"] = round(result.rows / took)
    speed = f"{result.rows / took:.0f} in a second, reading included"
    say(options, f"\n{result.rows} rows in {took:.1f} s, {speed}")
    if options.out is not None:
        found["tables"] = result.write(options.out)
        say(options, f"Parquet tables: {options.out}")
    show(options, result, found)
    code = DONE
    if result.journal is not None:
        code = check(options, Path(result.journal), found, options.config.stem)
    return code, found


def ready(options: argparse.Namespace) -> None:
    """Refuse, before anything runs, a report that could not be written."""
    if options.report is None:
        return
    from cross_market.report.page import packages

    packages()
    folder = options.report.parent
    if not folder.is_dir():
        raise wrong(str(options.report), "report", "a file in a folder that exists")


def show(options: argparse.Namespace, result: Result, found: Found) -> None:
    """Write the report where it is asked for, and say so."""
    if options.report is not None:
        found["report"] = result.report(options.report)
        say(options, f"Report: {found['report']}")


def run_verify(options: argparse.Namespace) -> tuple[int, Found]:
    """Prove one journal, or every journal of a folder."""
    code = DONE
    found: list[Found] = []
    for path in journals(options.journal):
        one, verified = verify_one(path)
        code = max(code, one)
        found.append(verified)
        say(options, f"{path}: {verdict_text(verified)}")
    return code, {"journals": found}


def run_replay(options: argparse.Namespace) -> tuple[int, Found]:
    """Replay one journal, or every journal of a folder."""
    code = DONE
    found: list[Found] = []
    for path in journals(options.journal):
        one, verified = verify_one(path)
        if one == DONE:
            one, replayed = replay_one(path)
            found.append(replayed)
            say(options, replay_text(replayed))
        else:
            found.append(verified)
            say(options, f"{path}: {verdict_text(verified)}")
        code = max(code, one)
    return code, {"journals": found}


def journals(path: Path) -> list[Path]:
    """Return a journal, or all journals of a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("journal-*.cmj"))
    if not found:
        raise wrong(str(path), "journal", "a folder that holds a journal, journal-0001.cmj")
    return found


def verify_one(path: Path) -> tuple[int, Found]:
    """Return the exit code of a journal and what its proof found."""
    found = plain(_core.verify(str(path)))
    codes = {"clean": DONE, "torn": FAILED, "damaged": FAILED, "unreadable": UNREADABLE}
    del found["config"]
    return codes[found["verdict"]], {"path": str(path), **found}


def replay_one(path: Path) -> tuple[int, Found]:
    """Return the exit code of a replay and what it found."""
    try:
        return DONE, {"path": str(path), **plain(_core.replay(str(path)))}
    except JournalError as error:
        return FAILED, {"path": str(path), "why": str(error)}


def plain(found: Found) -> Found:
    """Return the same with bytes as hexadecimal text."""
    return {key: item.hex() if isinstance(item, bytes) else item for key, item in found.items()}


def verdict_text(found: Found) -> str:
    """Return the verdict of a proof as one line."""
    if found["verdict"] == "clean":
        records, events = found["records"], found["events"]
        return f"clean, {records} records, {events} events, link {found['link']}"
    return f"{found['verdict']}: {found['why']}"


def replay_text(found: Found) -> str:
    """Return what a replay found as one line."""
    if "why" in found:
        return f"Replay of {found['path']} failed: {found['why']}"
    return (
        f"Replayed {found['path']}: {found['events']} events, {found['commands']} commands and "
        f"{found['checkpoints']} digests are equal; {found['per_second']} events in a second; "
        f"state {found['digest']}"
    )


def figure(name: str, found: Found) -> str:
    """Return the speed of a replay as a line that a script can read."""
    updates, speed = found.get("events", 0), found.get("per_second", 0)
    return f"FIGURE replay.{name} updates={updates} per_second={speed}"


def tell(options: argparse.Namespace, result: Result) -> Found:
    """Print the tables of a run and return its summary."""
    found = result.summary()
    if options.json:
        return found
    ends = [(each["kind"], each["end"], each["count"]) for each in found["attempts"]]
    show_table("Attempts by kind and end", ("kind", "end", "count"), ends)
    causes = ("opening", "trade", "result", "variation", "fees", "funding", "interest", "balance")
    show_table("Money by cause", ("account", "", *causes), money_rows(result, causes))
    header = ("hedge", "sets", "residual", "attempts repaired", "repair lost")
    show_table("Hedges at the end", header, hedge_rows(result))
    show_table("Usage", ("account", "highest (margin + held) ÷ balance"), usage_rows(result))
    show_table("Refusals by reason", ("reason", "count"), list(found["refusals"].items()))
    show_table("Alerts", ("code", "count"), list(found["alerts"].items()))
    if found["faults"]:
        show_table("Faults that happened", ("fault", "count"), list(found["faults"].items()))
    for venue, ahead in found["clock_ahead_ns"].items():
        text = f"{venue}: its clock was {ahead / 1e9:.6f} s ahead; its stamps were moved back"
        print(f"\n{text}")
    if result.refused is not None:
        print(f"\n{result.errors} events were refused at the door; the first: {result.refused}")
    return found


def money_rows(result: Result, causes: Sequence[str]) -> list[list[object]]:
    """Return a line for each account with what moved its money."""
    funds = result.funds
    columns = [funds[key].to_pylist() for key in ("account", "currency", *causes)]
    lines = zip(*columns, strict=True)
    return [[*line[:2], *(f"{amount:,.2f}" for amount in line[2:])] for line in lines]


def hedge_rows(result: Result) -> list[list[object]]:
    """Return a line for each hedge: what it holds, attempts with repair, and what repair lost."""
    found = []
    attempts = result.attempts.select(["hedge", "repairs", "repair_loss"]).to_pylist()
    for row in result.hedges.to_pylist():
        own = [each for each in attempts if each["hedge"] == row["hedge"]]
        repaired = sum(each["repairs"] > 0 for each in own)
        lost = sum(each["repair_loss"] for each in own)
        residual = f"{tidy(row['residual']):f}"
        found.append([row["hedge"], row["sets"], residual, repaired, f"{lost:,.2f}"])
    return found


def usage_rows(result: Result) -> list[list[object]]:
    """Return a line for each account with its highest usage."""
    accounts, peaks = result.funds["account"].to_pylist(), result.funds["peak_usage"].to_pylist()
    return [[account, f"{peak:.2%}"] for account, peak in zip(accounts, peaks, strict=True)]

"""The arguments of the command line, and its exit codes."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn, TypeAlias

from cross_market import __version__
from cross_market.errors import UsageError

DONE, FAILED, UNREADABLE, USAGE, BUG, STOPPED, UNHEARD = 0, 1, 2, 3, 4, 130, 141
CODES = (
    "exit codes: 0 done, 1 check failed, 2 bad input, 3 wrong arguments, 4 a bug of ours, "
    "130 stopped, 141 nobody reads the output"
)


Verbs: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """A parser whose errors exit with our code for wrong arguments."""

    def error(self, message: str) -> NoReturn:
        raise WrongArgumentsError(self, message)


class WrongArgumentsError(UsageError):
    """The command line was called with wrong arguments."""

    def __init__(self, parser: Parser, message: str) -> None:
        usage = parser.format_usage()
        super().__init__(f"{parser.prog}: {message}", call=parser.prog, expected=usage.strip())
        self.usage = usage


def parser() -> Parser:
    """Return the parser of the whole command line."""
    about = (sys.modules["cross_market"].__doc__ or "").partition("\n")[0]
    top = Parser(prog="cross-market", description=about, epilog=CODES)
    top.add_argument("--version", action="version", version=f"cross-market {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name: str, text: str, among: "Verbs" = verbs) -> Parser:
        found = among.add_parser(name, help=text, description=text, epilog=CODES)
        found.add_argument("--json", action="store_true", help="print one JSON object")
        return found

    config = verbs.add_parser("config", help="Look at configuration files.", epilog=CODES)
    asked = config.add_subparsers(dest="asked", metavar="VERB", parser_class=Parser, required=True)
    text = "Tell every problem of a configuration file, each with its line."
    check = verb("check", text, asked)
    check.add_argument("config", type=Path, metavar="FILE", help="TOML file of the configuration")
    text = "TOML file of the simulated venues (default: [simulation] in FILE, if it is there)"
    check.add_argument("--venues", type=Path, metavar="VENUES", help=text)

    demo = verb("demo", "Trade the euro between Warsaw and Frankfurt on real fixings, with faults.")
    demo.add_argument("--days", type=whole, metavar="N", help="only the first N days (default all)")
    demo.add_argument("--seed", type=whole, default=1, help="seed of latencies and faults")
    demo.add_argument("--out", type=Path, metavar="DIR", help="folder of journal and tables")
    page = "write the run as one HTML page that opens offline"
    demo.add_argument("--report", type=Path, metavar="FILE", help=page)
    run = verb("simulate", "Simulate a configuration on recorded data.")
    run.add_argument("config", type=Path, metavar="CONFIG", help="TOML file of the configuration")
    run.add_argument("data", type=Path, nargs="+", metavar="DATA", help="Parquet files or folders")
    text = "TOML file of the simulated venues (default: [simulation] in CONFIG)"
    run.add_argument("--venues", type=Path, metavar="FILE", help=text)
    run.add_argument("--journal", type=Path, metavar="DIR", help="folder of the journal")
    run.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables, as Parquet")
    run.add_argument("--report", type=Path, metavar="FILE", help=page)
    replay = verb("replay", "Replay a journal and compare every command and digest.")
    replay.add_argument("journal", type=Path, metavar="JOURNAL", help="a journal or its folder")
    verify = verb("verify", "Prove that a journal is whole and unchanged.")
    verify.add_argument("journal", type=Path, metavar="JOURNAL", help="a journal or its folder")
    doctor = verb("doctor", "Look at this machine: what is installed, how good its clocks are.")
    doctor.add_argument("--config", type=Path, metavar="FILE", help="look at a configuration too")
    text = "look at a journal's folder too, and time how fast it syncs (writes some 400 kB there)"
    doctor.add_argument("--journal", type=Path, metavar="DIR", help=text)
    return top


def whole(text: str) -> int:
    """Return a whole number above zero for argparse."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) < 2**31:
        message = f"expected a whole number above zero, found {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)

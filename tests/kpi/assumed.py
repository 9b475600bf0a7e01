"""The assumptions as they stand in their file, each read once, with the file's digest."""

import hashlib
import tomllib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from cross_market.contracts.units import TIMES, parse_span

FILE = Path(__file__).with_name("assumptions.toml")
SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
# What may be swept of separate terminals.
SWEPT = ("notice", "keying", "second_leg", "busy", "looks", "transfers", "earmark_days")


def ms(text: str) -> int:
    """Return the ms of a length of time such as '8 s'."""
    return parse_span(text, "assumptions") // TIMES["ms"]


def clock(text: str) -> int:
    """Return the ms from midnight to a time of day; '28:00' is 04:00 of the next day."""
    hours, _, minutes = text.partition(":")
    return int(hours) * HOUR + int(minutes) * HOUR // 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """What takes time at separate terminals, in ms; earmark_days in days, retries a count."""

    notice: int
    keying: int
    second_leg: int
    busy: int
    looks: int
    transfers: int
    earmark_days: int
    retries: int

    def times(self, name: str, factor: Fraction) -> "Terminals":
        """Return these with one of them so many times as long, at least 1."""
        now: int = getattr(self, name)
        return replace(self, **{name: max(1, round(now * factor))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is assumed. sha256: str – of the file. The tables are those of the file."""

    sha256: str
    person: Terminals
    scripts: Terminals
    money: dict[str, Any]
    integrated: dict[str, Any]
    tape: dict[str, Any]
    calls: dict[str, Any]
    islands: dict[str, dict[str, Any]]
    instruments: dict[str, dict[str, Any]]


def terminals(table: dict[str, Any]) -> Terminals:
    given = {key: ms(value) if type(value) is str else value for key, value in table.items()}
    return Terminals(**given)


def load(path: Path = FILE) -> Assumed:
    """Return the assumptions of a file."""
    raw = path.read_bytes()
    tables = tomllib.loads(raw.decode())
    separate = tables.pop("separate")
    return Assumed(
        sha256=hashlib.sha256(raw).hexdigest(),
        person=terminals(separate["S0"]),
        scripts=terminals(separate["S1"]),
        **tables,
    )

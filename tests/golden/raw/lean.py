"""QuantConnect Lean: zipped text, stamps in ms since midnight or as local date and time."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golden.raw.rows import MS, Rows

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True)
class Bar:
    """One line of a file of bars; closing prices, None where the file has none."""

    member: str
    stamp: int  # ns, the file's own stamp read as UTC
    prices: tuple[float, ...]


def members(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (member, line) of a zip, in the order of the archive, or ('', line) of a gzip."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as text:
            yield from (("", line.rstrip("\r\n")) for line in text)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                for line in io.TextIOWrapper(member, encoding="utf-8"):
                    yield name, line.rstrip("\r\n")


def midnight(day: str) -> int:
    """Return '20140508' as ns."""
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 10**9


def ticks(
    path: Path, venue: str, day: str, offset_hours: int, window: tuple[int, int]
) -> tuple[Rows, int]:
    """Return quotes (ms, bid, ask) inside a window, and how many ticks the whole file has.

    offset_hours: int – what the file's clock is ahead of UTC; FXCM's is behind, -5.
    """
    rows = Rows(venue)
    base = midnight(day) - offset_hours * HOUR_NS
    count = 0
    for number, (_, line) in enumerate(members(path)):
        count += 1
        millis, bid, ask = line.split(",")
        stamp = base + int(millis) * MS
        if window[0] <= stamp <= window[1]:
            sides = ([(float(bid), None)], [(float(ask), None)])
            rows.book("EURUSD", (stamp, None), "snapshot", sides, (number, None))
    return rows, count


def bars(path: Path, day: str | None = None) -> Iterator[Bar]:
    """Yield the lines of a file of bars.

    day: str – for files whose stamps are ms since midnight.
    """
    for member, line in members(path):
        head, *values = line.split(",")
        if day is None:
            moment = datetime.strptime(head, "%Y%m%d %H:%M").replace(tzinfo=UTC)
            stamp = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        else:
            stamp = midnight(day) + int(head) * MS
        yield Bar(member, stamp, tuple(float(each) if each else float("nan") for each in values))

"""Smaller published forms: level-2 text of ETFs, prints, a JSON snapshot, tables of bars."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golden.raw.rows import MS, Rows
from golden.raw.wondertrader import beijing


def table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a compressed CSV with a head."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def etf(path: Path, venue: str, instrument: str) -> Rows:
    """Return 10-level snapshots; a level without size stands for no level."""
    rows = Rows(venue)
    for number, row in enumerate(table(path)):
        stamp = beijing(int(row["action_date"]), int(row["action_time"]))
        sides = []
        for side in ("bid", "ask"):
            levels = [
                (float(row[f"{side}_price_{at}"]), float(row[f"{side}_qty_{at}"]))
                for at in range(10)
            ]
            sides.append([each for each in levels if each[0] > 0 and each[1] > 0])
        ids = (number, None)
        rows.book(instrument, (stamp, None), "snapshot", (sides[0], sides[1]), ids)
    return rows


def prints(path: Path, venue: str, instrument: str) -> Rows:
    """Return last prices stamped to the second, in a zone that nobody stated."""
    rows = Rows(venue)
    for number, row in enumerate(table(path)):
        moment = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
        stamp = int(moment.timestamp()) * 1000 * MS
        values = (float(row["last"]), None, number, None)
        rows.add(instrument, (stamp, None, "trade", "", *values))
    return rows


def full_books(path: Path) -> Any:
    """Return the books of a JSON file by venue; numbers stay text, to be read exactly."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file, parse_float=str, parse_int=str)

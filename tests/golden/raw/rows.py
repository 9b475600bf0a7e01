"""Normalised rows under construction: one list a column, as the normalised Parquet has them."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("ts_exchange_ns", pa.int64()),
        ("ts_receive_ns", pa.int64()),
        ("venue", pa.string()),
        ("instrument", pa.string()),
        ("kind", pa.string()),
        ("side", pa.string()),
        ("price", pa.float64()),
        ("size", pa.float64()),
        ("msg", pa.int64()),
        ("uid", pa.int64()),
    ]
)

MS = 1_000_000

# Exchange stamp, receive stamp, kind, side, price, size, message, number of the venue.
Row = tuple[int | None, int | None, str, str, float, float | None, int, int | None]
Levels = Sequence[tuple[float, float | None]]
# Bids, then asks.
Sides = tuple[Levels, Levels]


@dataclass
class Rows:
    """Rows of one venue, by instrument column, in the order in which they were decoded."""

    venue: str
    instruments: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add(self, instrument: str, row: Row) -> None:
        """Add one row."""
        self.instruments.append(instrument)
        self.rows.append(row)

    def book(
        self,
        instrument: str,
        stamps: tuple[int | None, int | None],
        kind: str,
        sides: Sides,
        ids: tuple[int, int | None],
    ) -> None:
        """Add one message: its bids, then its asks."""
        for side, levels in zip(("bid", "ask"), sides, strict=True):
            for price, size in levels:
                self.add(instrument, (*stamps, kind, side, price, size, *ids))

    def table(self) -> pa.Table:
        """Return the rows in the schema of the normalised Parquet."""
        columns = list(zip(*self.rows, strict=True)) or [()] * 8
        exchange, receive, *rest = [list(column) for column in columns]
        venue = [self.venue] * len(self.rows)
        arrays = [exchange, receive, venue, self.instruments, *rest]
        made = [
            pa.array(column, type=each.type) for column, each in zip(arrays, SCHEMA, strict=True)
        ]
        return pa.Table.from_arrays(made, schema=SCHEMA)


def nanoseconds(seconds: str) -> int:
    """Return a stamp of seconds with a fraction, exactly, as ns."""
    return int(Decimal(seconds) * 10**9)


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a compressed text."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")


def capture(path: Path) -> Iterator[tuple[int, int, str]]:
    """Yield (number, receive ns, text) of what a websocket sent, from a recorder's text file.

    What was sent by the recorder (`<-`) and the opening of the connection (`<->`) are left out;
    the number counts the lines that came from the venue, from 0.
    """
    number = 0
    for line in lines(path):
        stamp, _, text = line.partition(": ")
        if not text or stamp.startswith(("wss:", "configuration")):
            continue
        yield number, nanoseconds(stamp), text
        number += 1

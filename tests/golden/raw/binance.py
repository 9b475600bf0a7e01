"""Binance: raw websocket lines with ns stamps, differences synced onto a REST snapshot.

The first difference that counts is the first whose last id is beyond the snapshot's; what came
before the snapshot is held back, and if it counts it is replayed at the snapshot's receipt, which
is when it could first be used. After that every difference must continue the one before: its `pu`
(futures) is the last `u`, or its `U` (spot) follows it by 1.
"""

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from golden.raw.rows import MS, Rows, Sides, capture, lines, nanoseconds

Json = dict[str, Any]


@dataclass
class Sync:
    """One instrument's differences being put onto its snapshot."""

    last: int | None = None
    is_first: bool = True
    held: list[tuple[int, int, Json]] = field(default_factory=list)


@dataclass
class Binance:
    """Rows of books and trades apart from rows of best prices, and what the decoder counted."""

    rows: Rows
    best: Rows
    counts: Counter[str] = field(default_factory=Counter)
    books: dict[str, Sync] = field(default_factory=dict)
    # For every book row's message: how far its number is from the message before.
    steps: dict[int, int] = field(default_factory=dict)
    straddles: bool | None = None

    def snapshot(self, instrument: str, receive: int, number: int, data: Json) -> None:
        """Take a REST snapshot and replay what was held back for it."""
        self.counts["snapshot"] += 1
        book = self.books.setdefault(instrument, Sync())
        book.last = int(data["lastUpdateId"])
        stamps = (millis(data.get("T")), receive)
        self.rows.book(
            instrument, stamps, "snapshot", sides(data, "bids", "asks"), (number, book.last)
        )
        held, book.held = book.held, []
        for at, _, difference in held:
            if self.difference(instrument, receive, at, difference):
                self.counts["replayed"] += 1

    def difference(self, instrument: str, receive: int, number: int, data: Json) -> bool:
        """Take a difference: hold it back, drop it, or set its levels; returns the last."""
        book = self.books.setdefault(instrument, Sync())
        if book.last is None:
            book.held.append((number, receive, data))
            return False
        first, last = int(data["U"]), int(data["u"])
        if last < book.last or (last == book.last and "pu" not in data):
            self.counts["dropped"] += 1
            return False
        if book.is_first:
            self.straddles = first <= book.last + 1
            book.is_first = False
        elif int(data.get("pu", first - 1)) != book.last:
            self.counts["gaps"] += 1
        self.steps[number] = last - book.last
        book.last = last
        stamps = (millis(data.get("T", data["E"])), receive)
        self.rows.book(instrument, stamps, "delta", sides(data, "b", "a"), (number, last))
        return True

    def stream(self, receive: int, number: int, data: Json) -> None:
        """Take one message of a stream."""
        # Spot's best prices name no event.
        event = data.get("e", "bookTicker")
        self.counts[event] += 1
        if event == "depthUpdate":
            self.difference(data["s"], receive, number, data)
        elif event == "bookTicker":
            levels = [[(float(data[p]), float(data[q]))] for p, q in (("b", "B"), ("a", "A"))]
            stamps, ids = (millis(data.get("T")), receive), (number, int(data["u"]))
            self.best.book(data["s"], stamps, "bbo", (levels[0], levels[1]), ids)
        elif event in ("trade", "aggTrade"):
            self.trade(receive, number, data)

    def trade(self, receive: int, number: int, data: Json) -> None:
        """Take one trade; the buyer was the maker where the aggressor sold."""
        size = float(data["q"])
        if size == 0:
            self.counts["zero_trades"] += 1
            return
        side = "sell" if data["m"] else "buy"
        uid = int(data["t"] if "t" in data else data["a"])
        row = (millis(data["T"]), receive, "trade", side, float(data["p"]), size, number, uid)
        self.rows.add(data["s"], row)


def millis(stamp: int | None) -> int | None:
    """Return milliseconds as ns."""
    return None if stamp is None else int(stamp) * MS


def sides(data: Json, bids: str, asks: str) -> Sides:
    """Return both sides of a message as prices and sizes."""
    both = [[(float(p), float(q)) for p, q in data[key]] for key in (bids, asks)]
    return both[0], both[1]


def decode(path: Path, venue: str, instrument: str) -> Binance:
    """Return one engine's recording: lines of `receive-ns json`, the snapshot among them."""
    found = Binance(Rows(venue), Rows(venue))
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            receive, _, text = line.partition(" ")
            message = json.loads(text)
            found.counts["messages"] += 1
            if "stream" in message:
                found.stream(int(receive), number, message["data"])
            else:
                found.snapshot(instrument, int(receive), number, message)
    return found


def decode_capture(stream: Path, rest: Path, venue: str) -> Binance:
    """Return a recording whose snapshots lie in a second file, both merged by receipt."""
    found = Binance(Rows(venue), Rows(venue))
    snapshots = []
    for line in lines(rest):
        head, _, text = line.partition(": {")
        url, _, stamp = head.partition(" -> ")
        if "/depth?" in url:
            snapshots.append((nanoseconds(stamp), json.loads("{" + text)))
    waiting = sorted(snapshots, key=lambda each: each[0])
    number = 0
    for _, receive, text in capture(stream):
        while waiting and waiting[0][0] <= receive:
            at, data = waiting.pop(0)
            found.snapshot(data["symbol"], at, number, data)
            number += 1
        found.counts["messages"] += 1
        found.stream(receive, number, json.loads(text)["data"])
        number += 1
    return found


def tables(found: Binance) -> tuple[pa.Table, pa.Table]:
    """Return books and trades, and best prices."""
    return found.rows.table(), found.best.table()

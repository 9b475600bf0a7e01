"""Recorded market data, merged by the clock we received it by, in batches that fit in memory.

A recording is read twice. The survey proves every row before anything runs, and finds how far the
clock of each venue was ahead and how far rows may be played when some of them are read. What is
small enough is kept from the survey; the rest is read again while it is played.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cross_market._files import path_text
from cross_market._values import shown, wrong, wrong_type
from cross_market.config import Config
from cross_market.contracts.instrument import Instrument
from cross_market.errors import ConfigError
from cross_market.research.rows import (
    DELTA,
    EARLIEST_NS,
    LAST,
    LEVEL,
    NONE,
    SETTLE,
    SNAPSHOT,
    Part,
    absent,
    split,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

# A path, a folder, an Arrow table, whatever speaks the Arrow capsule protocol, or a list of these;
# pyarrow says nothing of its types.
Data = Any

# Rows that are read at once, and rows that are kept rather than read again.
READ_ROWS = 1 << 18
KEPT_ROWS = 1 << 21

FOREVER = 2**63 - 1


@dataclass(frozen=True)
class Batch:
    """Rows of books in the order in which they were received.

    columns: dict – `instrument side row price qty seq step exchange receive`, as the fast doors
        take them.
    settlements: list of (receive ns, instrument number, price in ticks).
    until: int, ns – nothing that comes later was sent at or before it; None for the last batch.
    """

    columns: "dict[str, NDArray[Any]]"
    settlements: list[tuple[int, int, int]]
    until: int | None


@dataclass
class Source:
    """One file or table, in pieces.

    parts: list – for every piece, the earliest stamps of each instrument's rows in it.
    """

    name: str
    place: "Path | pa.Table"
    kept: "list[dict[str, Part]] | None" = None
    firsts: "list[dict[str, tuple[int, int]]]" = field(default_factory=list)

    def tables(self) -> "Iterator[pa.Table]":
        """Yield its pieces."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if isinstance(self.place, Path):
            try:
                with pq.ParquetFile(self.place) as file:
                    if not file.metadata.num_rows:
                        yield file.schema_arrow.empty_table()
                    for batch in file.iter_batches(READ_ROWS):
                        yield pa.Table.from_batches([batch])
            except (OSError, pa.ArrowException) as error:
                why = getattr(error, "strerror", None) or (
                    error if self.place.exists() else "there is no such file"
                )
                message = f"data: {shown(str(self.place))} cannot be read as Parquet: {why}"
                raise ConfigError(
                    message, field="data", value=str(self.place), expected="a Parquet file"
                ) from error
        else:
            yield self.place.slice(0, READ_ROWS)
            for at in range(READ_ROWS, self.place.num_rows, READ_ROWS):
                yield self.place.slice(at, READ_ROWS)

    def pieces(self, instruments: tuple[Instrument, ...]) -> Iterator[tuple[int, dict[str, Part]]]:
        """Yield the rows of every instrument in each piece, and how many rows the piece has."""
        base, last = 0, dict[str, int]()
        for table in self.tables():
            yield table.num_rows, split(table, self.name, instruments, base, last)
            base += table.num_rows

    def again(self, instruments: tuple[Instrument, ...]) -> Iterator[dict[str, Part]]:
        """Yield the same once more."""
        if self.kept is not None:
            yield from self.kept
        else:
            for _, piece in self.pieces(instruments):
                yield piece


def sources(data: Data) -> Iterator[Source]:
    """Yield every file or table of `data`."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        yield Source("data", data)
    elif isinstance(data, list | tuple):
        for each in data:
            yield from sources(each)
    elif isinstance(data, str | os.PathLike):
        path = Path(path_text(data, "data"))
        files = [path]
        if path.is_dir():
            files = sorted(path.glob("norm*.parquet")) or sorted(path.glob("*.parquet"))
        if not files:
            raise wrong(str(path), "data", "a folder that holds Parquet files")
        for file in files:
            yield Source(file.name, file)
    elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        # What can be read once only has to be kept; frames are looked at where they are.
        whole = hasattr(data, "__arrow_c_stream__")
        table = pa.table(data) if whole else pa.Table.from_batches([pa.record_batch(data)])
        yield Source("data", table)
    else:
        expected = "a path, an Arrow table or what speaks its capsule protocol, or a list of these"
        raise wrong_type(data, "data", expected)


@dataclass
class Seen:
    """What the survey has seen of one instrument."""

    rows: int = 0
    books: int = 0
    last: int = 0
    file: str = ""
    rows_of_file: int = 0
    fastest: int | None = None
    earliest: int | None = None

    def take(self, part: Part, name: str, file: str) -> None:
        """Look at the next rows; refuses a receive stamp before an earlier one."""
        import numpy as np

        before = np.concatenate([[self.last], part.receive[:-1]])
        back = np.flatnonzero(part.receive < before)
        if len(back):
            at = int(back[0])
            expected = f"a stamp not before {int(before[at])}, that of its row before"
            if at == 0 and not self.rows_of_file:
                expected += f", which is the last one of {self.file}"
            where = f"{file}, ts_receive_ns, row {self.rows_of_file + at} of {name}"
            raise wrong(int(part.receive[at]), where, expected)
        self.file = file
        self.rows_of_file += len(part)
        self.last = int(part.receive[-1])
        self.rows += len(part)
        books = part.kind != SETTLE
        self.books += int(np.count_nonzero(books))
        known = books & (part.exchange != NONE)
        if known.any():
            fastest = int(np.min((part.receive - part.exchange)[known]))
            earliest = int(np.min(part.exchange[known]))
            self.fastest = fastest if self.fastest is None else min(self.fastest, fastest)
            self.earliest = earliest if self.earliest is None else min(self.earliest, earliest)


class Recording:
    """Recorded rows of the configured instruments.

    len: rows of books. left_out: int – rows of other instruments or kinds.
    ahead_ns: dict – by venue, how far its clock was ahead of ours; 0 where it was not.
    last: int, ns – when the last row was received.
    """

    def __init__(self, data: Data, config: Config, feed_ns: Mapping[str, int]) -> None:
        """Survey the data.

        data: path, folder, table, or list of these – see `cross_market.research.rows`.
        feed_ns: dict – by venue, what its fastest message is taken to have needed where its clock
            is ahead of ours.
        Raises ConfigError that names column and row of what is wrong.
        """
        self._instruments = config.instruments
        self._feed_ns = feed_ns
        self._sources = list(sources(data))
        self.left_out = 0
        seen = {each.name: Seen() for each in config.instruments}
        kept = 0
        for source in self._sources:
            source.kept = []
            for found in seen.values():
                found.rows_of_file = 0
            for rows, piece in source.pieces(config.instruments):
                self.left_out += rows - sum(len(part) for part in piece.values())
                for name, part in piece.items():
                    seen[name].take(part, name, source.name)
                source.firsts.append({name: earliest(part) for name, part in piece.items()})
                kept += sum(len(part) for part in piece.values())
                if kept <= KEPT_ROWS and source.kept is not None:
                    source.kept.append(piece)
                else:
                    source.kept = None
        for name, found in seen.items():
            if not found.rows:
                tables = (next(source.tables()) for source in self._sources)
                raise absent(name, tables, seen)
        self._rows = sum(found.books for found in seen.values())
        self.last = max(found.last for found in seen.values())
        self.ahead_ns = clocks(seen, config.instruments, feed_ns)

    def __len__(self) -> int:
        return self._rows

    def batches(self) -> Iterator[Batch]:
        """Yield the rows, merged by their receive stamps."""
        lanes = [Lane(number, each) for number, each in enumerate(self._instruments)]
        for at, source in enumerate(self._sources):
            names = {name for firsts in source.firsts for name in firsts}
            for lane in lanes:
                if lane.instrument.name in names:
                    lane.sources.append(at)
        readers = [Reader(source, self._instruments) for source in self._sources]
        held: list[tuple[int, int, int]] = []
        while True:
            self._fill(lanes, readers)
            bound = min((lane.last for lane in lanes if lane.sources), default=FOREVER)
            taken = [lane.take(bound) for lane in lanes]
            is_last = not any(lane.sources for lane in lanes)
            until = None if is_last else self._earliest(lanes, readers) - 1
            batch = self._merged(lanes, taken, until)
            if is_last or len(batch.columns["price"]):
                yield replace(batch, settlements=held + batch.settlements)
                held = []
            else:
                held += batch.settlements
            if is_last:
                return

    def _fill(self, lanes: "list[Lane]", readers: "list[Reader]") -> None:
        """Read one piece at least, so that the lane behind moves on, and until there is enough."""
        while open_lanes := [lane for lane in lanes if lane.sources]:
            behind = min(open_lanes, key=lambda lane: lane.last)
            at = behind.sources[0]
            piece = readers[at].read()
            for lane in lanes:
                if piece is None:
                    lane.leave(at)
                elif lane.instrument.name in piece:
                    lane.add(at, piece[lane.instrument.name])
            is_begun = all(lane.last >= 0 for lane in lanes if lane.sources)
            if is_begun and sum(lane.rows for lane in lanes) >= READ_ROWS:
                return

    def _earliest(self, lanes: "list[Lane]", readers: "list[Reader]") -> int:
        """Return a moment that nothing yet to be yielded was sent before."""
        found = FOREVER
        for lane in lanes:
            venue = lane.instrument.venue
            stamps = [earliest(part) for part in lane.waiting()]
            for reader in readers:
                firsts = reader.source.firsts[reader.at :]
                name = lane.instrument.name
                stamps += [first[name] for first in firsts if name in first]
            for sent, received in stamps:
                moved = sent - self.ahead_ns[venue] if sent != NONE else FOREVER
                found = min(found, moved, received - self._feed_ns[venue])
        return found

    def _merged(
        self, lanes: "list[Lane]", taken: "list[tuple[Part, NDArray[np.uint8]]]", until: int | None
    ) -> Batch:
        import numpy as np

        settlements: list[tuple[int, int, int]] = []
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in TYPES}
        for lane, (part, codes) in zip(lanes, taken, strict=True):
            settles = part.kind == SETTLE
            pairs = zip(part.receive[settles].tolist(), part.price[settles].tolist(), strict=True)
            settlements += [(receive, lane.number, price) for receive, price in pairs]
            books = part.only(~settles)
            set_clock(books, self.ahead_ns[lane.instrument.venue], self._feed(lane))
            columns["instrument"].append(np.full(len(books), lane.number))
            columns["row"].append(codes)
            for name in ("side", "price", "qty", "exchange", "receive", "seq", "step"):
                columns[name].append(getattr(books, name))
        merged = {name: np.concatenate(column) for name, column in columns.items()}
        order = np.argsort(merged["receive"], kind="stable")
        typed = {name: merged[name][order].astype(kind) for name, kind in TYPES.items()}
        return Batch(typed, sorted(settlements), until)

    def _feed(self, lane: "Lane") -> int:
        return self._feed_ns[lane.instrument.venue]


# Columns as the native module takes them.
TYPES = {
    "instrument": "uint16",
    "side": "uint8",
    "row": "uint8",
    "price": "int64",
    "qty": "int64",
    "seq": "uint64",
    "step": "uint32",
    "exchange": "int64",
    "receive": "int64",
}


class Reader:
    """A source that is read piece by piece."""

    def __init__(self, source: Source, instruments: tuple[Instrument, ...]) -> None:
        self.source = source
        self.at = 0
        self._pieces = source.again(instruments)

    def read(self) -> dict[str, Part] | None:
        """Return the next piece, None behind the last one."""
        piece = next(self._pieces, None)
        self.at += piece is not None
        return piece


class Lane:
    """Rows of one instrument that were read and wait for those of others."""

    def __init__(self, number: int, instrument: Instrument) -> None:
        self.number = number
        self.instrument = instrument
        # Sources that still have rows of it, in their order.
        self.sources: list[int] = []
        # Parts by source: those of a later one wait for the earlier ones to end.
        self._parts: dict[int, list[Part]] = {}
        self._ready: list[Part] = []
        # Message and kind of the row that was yielded last.
        self._before: tuple[int, int] | None = None
        # Sources that have been read to their ends, and how many of them were made ready.
        self._over: set[int] = set()
        self._ended = 0
        self.rows = 0
        # When the last row of a book that is ready was received; -1 before there is one.
        self.last = -1

    def add(self, source: int, part: Part) -> None:
        """Take rows of a source."""
        self._parts.setdefault(source, []).append(part)
        self._ripen()

    def leave(self, source: int) -> None:
        """Take note that a source has ended."""
        if source in self.sources:
            self._over.add(source)
            self._ripen()

    def _ripen(self) -> None:
        """Make ready what the first source has given, and the next ones once it is over."""
        import numpy as np

        while self.sources:
            first = self.sources[0]
            for part in self._parts.pop(first, []):
                # Numbers of messages begin anew in every file: those of every second one are turned
                # negative, so that no message goes on from one file into the next.
                own = replace(part, msg=-1 - part.msg) if self._ended % 2 else part
                self._ready.append(own)
                self.rows += len(own)
                books = np.flatnonzero(own.kind != SETTLE)
                if len(books):
                    self.last = int(own.receive[books[-1]])
            if first not in self._over:
                return
            self.sources.pop(0)
            self._ended += 1

    def waiting(self) -> Iterator[Part]:
        """Yield what was read and not taken."""
        yield from self._ready
        for parts in self._parts.values():
            yield from parts

    def take(self, bound: int) -> "tuple[Part, NDArray[np.uint8]]":
        """Return what was received before `bound`, and the codes of its book rows."""
        import numpy as np

        if not self._ready:
            return nothing(), np.empty(0, dtype=np.uint8)
        whole = Part.joined(self._ready)
        at = int(np.searchsorted(whole.receive, bound, side="left"))
        part, rest = whole.cut(at)
        self._ready = [rest] if len(rest) else []
        self.rows = len(rest)
        codes = self._codes(part.only(part.kind != SETTLE), rest.only(rest.kind != SETTLE))
        return part, codes

    def _codes(self, part: Part, rest: Part) -> "NDArray[np.uint8]":
        """Return what every row does: first of a snapshot, further level, delta; last or not."""
        import numpy as np

        if not len(part):
            return np.empty(0, dtype=np.uint8)
        begins = np.empty(len(part) + 1, dtype=bool)
        begins[0] = (int(part.msg[0]), int(part.kind[0])) != self._before
        begins[1:-1] = (part.msg[1:] != part.msg[:-1]) | (part.kind[1:] != part.kind[:-1])
        self._before = (int(part.msg[-1]), int(part.kind[-1]))
        begins[-1] = not len(rest) or (int(rest.msg[0]), int(rest.kind[0])) != self._before
        snapshot = np.where(begins[:-1], SNAPSHOT, LEVEL)
        codes = np.where(part.kind == SNAPSHOT, snapshot, DELTA) + LAST * begins[1:]
        found: NDArray[np.uint8] = codes.astype(np.uint8)
        return found


def nothing() -> Part:
    """Return no rows."""
    import numpy as np

    none, codes = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint8)
    return Part(codes, codes, none, none, none, none, none, none, none)


def earliest(part: Part) -> tuple[int, int]:
    """Return the earliest exchange stamp, NONE where there is none, and receive stamp of rows."""
    known = part.exchange[part.exchange != NONE]
    return (int(known.min()) if len(known) else NONE), int(part.receive.min())


def clocks(
    seen: Mapping[str, Seen], instruments: tuple[Instrument, ...], feed_ns: Mapping[str, int]
) -> dict[str, int]:
    """Return how far the clock of each venue is ahead of ours.

    A message cannot be received before it is sent. Where a venue's stamps say so, its clock is
    ahead by the largest such difference plus what its fastest message needed (`feed_ns`). Where
    they do not, they stay.
    """
    ahead = dict.fromkeys((instrument.venue for instrument in instruments), 0)
    for venue in ahead:
        own = [seen[each.name] for each in instruments if each.venue == venue]
        fastest = [found.fastest for found in own if found.fastest is not None]
        if fastest and min(fastest) < 0:
            ahead[venue] = feed_ns[venue] - min(fastest)
        early = [found.earliest for found in own if found.earliest is not None]
        if early and min(early) - ahead[venue] < EARLIEST_NS:
            expected = f"stamps that stay behind 1980 when they are moved back by {ahead[venue]} ns"
            raise wrong(min(early), f"{venue}, ts_exchange_ns", expected)
    return ahead


def set_clock(part: Part, ahead: int, feed: int) -> None:
    """Move exchange stamps to our clock, in place.

    What has no exchange stamp is taken to have needed `feed`.
    """
    import numpy as np

    unknown_stamp = part.exchange == NONE
    part.exchange = np.where(unknown_stamp, part.receive - feed, part.exchange - ahead)
    part.exchange = np.minimum(part.exchange, part.receive)

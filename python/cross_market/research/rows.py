"""Recorded market data: read, proven to lie on the grids, merged by the clock we received it by.

A table has a row for each level of a message: `ts_receive_ns`, `ts_exchange_ns`, `venue` and
`instrument` (or an `instrument` that is the full name), `kind` ('snapshot', 'delta', 'settle';
other kinds are left out), `side` ('bid' or 'ask'), `price`, `size`, `msg` (rows of one message
follow each other). Names, `kind` and `side` are text, stamps are integers, `price` and `size` may
be floats, and `msg` too where all of it is whole. Where the venue numbers its messages, `seq` is
the number and `step` how far it is from the message before (0: gaps cannot be seen); a gap makes
the engine ask for a snapshot. Rows of an instrument are in the order in which they were received.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cross_market._files import path_text
from cross_market._values import Number, missing, shown, tidy, wrong, wrong_type
from cross_market.config import Config
from cross_market.contracts.instrument import LATEST_NS, Instrument
from cross_market.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# A path, a folder, an Arrow table, or a list of these; pyarrow says nothing of its types.
Data = Any

NEEDED = ("instrument", "kind", "side", "price", "size", "msg")
STAMPS = ("ts_receive_ns", "ts_exchange_ns")
NUMBERS = {"seq": 2**63 - 1, "step": 2**32 - 1}
TEXTS = ("venue", "instrument", "kind", "side")
VALUES = ("price", "size", "msg")
# Codes of the core for a row that is not the last of its message; the last one has 3 more.
SNAPSHOT, LEVEL, DELTA, LAST = 0, 1, 2, 3
EXACT_MAX = 2**53
EARLIEST_NS = 315_532_800_000_000_000  # 1980-01-01


@dataclass(frozen=True)
class Rows:
    """Recorded rows in the order in which they were received.

    columns: dict – `instrument side row price qty exchange receive seq step`, numpy arrays.
    settlements: list of (receive ns, instrument number, price in ticks).
    ahead_ns: dict – by venue, how far its clock was ahead of ours; 0 where it was not.
    left_out: int – rows of other instruments or kinds.
    """

    columns: "dict[str, NDArray[Any]]"
    settlements: list[tuple[int, int, int]]
    ahead_ns: Mapping[str, int]
    left_out: int

    def __len__(self) -> int:
        return len(self.columns["price"])


def to_grid(
    values: "NDArray[Any]", step: Number, what: str, row_of: "Ints | None" = None
) -> "Ints":
    """Return a column as whole steps after proving that every value lies on the grid.

    values: array of int or float – prices or sizes as a file has them.
    step: number – the tick or lot.
    what: str – names the column in errors.
    row_of: array of int – row numbers for errors; the place in `values` when None.
    returns: array of int64, steps.
    Raises ConfigError that names the first row that is not on the grid. A float passes when it is
    the double nearest to the decimal of its grid point, which is what reading that decimal gives.

    Example:
        >>> to_grid(numpy.array([0.1, 0.3]), "0.1", "price")
        array([1, 3])
    """
    import numpy as np

    _, digits, exponent = tidy(Decimal(step)).as_tuple()
    units, places = int("".join(map(str, digits))), -int(exponent)
    if values.dtype.kind not in "fiu":
        raise wrong_type(str(values.dtype), what, "a column of integers or floats")
    if not len(values):
        return np.empty(0, dtype=np.int64)
    floats = values.astype(np.float64)
    scale = 10.0**places
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(floats * scale / units)
        exact = np.isfinite(floats) & (np.abs(steps * units) <= EXACT_MAX)
        # steps × units is an exact integer; one division gives the double nearest to the decimal.
        exact &= (steps * units) / scale == floats
    if values.dtype.kind != "f":
        with np.errstate(invalid="ignore"):
            exact &= floats.astype(values.dtype) == values
    if not exact.all():
        at = int(np.argmin(exact))
        row = at if row_of is None else int(row_of[at])
        raise wrong(values[at].item(), f"{what}, row {row}", f"a whole multiple of {step}")
    return steps.astype(np.int64)


def load(data: Data, config: Config, feed_ns: Mapping[str, int]) -> Rows:
    """Return the rows of the configured instruments, merged by receive stamp.

    data: path, folder, Arrow table, or list of these – see the top of this module.
    feed_ns: dict – by venue, what its fastest message is taken to have needed where its clock is
        ahead of ours.
    Raises ConfigError that names column and row of what is wrong.
    """
    import numpy as np

    instruments = config.instruments
    parts: dict[str, list[Part]] = {each.name: [] for each in instruments}
    left_out = 0
    for where, table in tables(data):
        found = split(table, where, instruments)
        left_out += table.num_rows - sum(len(part) for part in found.values())
        for name, part in found.items():
            parts[name].append(part)
    books: list[Part] = []
    settlements: list[tuple[int, int, int]] = []
    for at, instrument in enumerate(instruments):
        if not parts[instrument.name]:
            expected = f"rows of {instrument.name}: venue and instrument with a dot between"
            raise missing(expected, "data")
        part = joined(parts[instrument.name], instrument.name)
        settles = part.only(part.kind == "settle")
        pairs = zip(settles.receive.tolist(), settles.price.tolist(), strict=True)
        settlements += [(receive, at, price) for receive, price in pairs]
        books.append(part.only(part.kind != "settle"))
    ahead = set_clocks(books, instruments, feed_ns)
    order = np.argsort(np.concatenate([book.receive for book in books]), kind="stable")
    columns = {
        "instrument": np.concatenate(
            [np.full(len(book), at, dtype=np.int64) for at, book in enumerate(books)]
        ),
        "side": np.concatenate([(book.side == "ask").astype(np.int64) for book in books]),
        "row": np.concatenate([row_codes(book) for book in books]),
    }
    for key in ("price", "qty", "exchange", "receive", "seq", "step"):
        columns[key] = np.concatenate([getattr(book, key) for book in books])
    merged = {key: np.ascontiguousarray(column[order]) for key, column in columns.items()}
    return Rows(merged, sorted(settlements), ahead, left_out)


def tables(data: Data) -> "Iterator[tuple[str, pa.Table]]":
    """Yield every table of `data` and what errors call it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(data, pa.Table):
        yield "data", data
    elif isinstance(data, list | tuple):
        for each in data:
            yield from tables(each)
    elif isinstance(data, str | os.PathLike):
        path = Path(path_text(data, "data"))
        files = [path]
        if path.is_dir():
            files = sorted(path.glob("norm*.parquet")) or sorted(path.glob("*.parquet"))
        if not files:
            raise wrong(str(path), "data", "a folder that holds Parquet files")
        for file in files:
            try:
                yield file.name, pq.read_table(file)
            except (OSError, pa.ArrowException) as error:
                why = getattr(error, "strerror", None) or (
                    error if file.exists() else "there is no such file"
                )
                message = f"data: {shown(str(file))} cannot be read as Parquet: {why}"
                expected = "a Parquet file"
                raise ConfigError(
                    message, field="data", value=str(file), expected=expected
                ) from error
    else:
        expected = "a path, an Arrow table, or a list of these"
        raise wrong_type(data, "data", expected)


@dataclass
class Part:
    """Rows of one instrument, converted; arrays of one length."""

    kind: "NDArray[Any]"
    side: "NDArray[Any]"
    msg: "Ints"
    price: "Ints"
    qty: "Ints"
    exchange: "Ints"  # NONE where the file says nothing
    receive: "Ints"
    seq: "Ints"  # 0 where the venue has no numbers
    step: "Ints"

    def __len__(self) -> int:
        return len(self.price)

    def only(self, mask: "NDArray[np.bool_]") -> "Part":
        """Return the rows for which `mask` is true."""
        return Part(**{each.name: getattr(self, each.name)[mask] for each in fields(self)})


NONE = -1


def joined(parts: list[Part], name: str) -> Part:
    """Return parts one behind the other; refuses a receive stamp before an earlier one."""
    import numpy as np

    both = Part(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(Part)
        }
    )
    back = np.flatnonzero(np.diff(both.receive) < 0)
    if len(back):
        at = int(back[0]) + 1
        expected = f"a stamp not before {int(both.receive[at - 1])}, that of the row before"
        raise wrong(int(both.receive[at]), f"{name}, ts_receive_ns, row {at}", expected)
    return both


def split(table: "pa.Table", where: str, instruments: Iterable[Instrument]) -> dict[str, Part]:
    """Return the rows of every configured instrument that are market data or settlements."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names = Counter(table.column_names)
    for column in NEEDED:
        if column not in names:
            expected = "a column of this name"
            raise missing(expected, f"{where}, {column}")
    for column in (*NEEDED, *TEXTS, *STAMPS, *NUMBERS):
        if names[column] > 1:
            raise wrong(names[column], f"{where}, {column}", "one column of this name")
    for column in (*STAMPS, *NUMBERS, *VALUES):
        if column in names:
            prove_numbers(table[column].type, column, where)
    text = {key: texts(table[key], f"{where}, {key}") for key in TEXTS if key in names}
    name = text["instrument"]
    if "venue" in text:
        name = pc.binary_join_element_wise(text["venue"], name, ".")
    wanted = pc.is_in(text["kind"], pa.array(["snapshot", "delta", "settle"]))
    found = {}
    for instrument in instruments:
        mask = pc.and_(wanted, pc.equal(name, instrument.name))
        # Where venue or instrument is missing, the mask is None: not this instrument.
        at = np.flatnonzero(mask.to_numpy(zero_copy_only=False).astype(bool))
        if len(at):
            found[instrument.name] = convert(table, text, at, instrument, where)
    return found


def prove_numbers(kind: "pa.DataType", column: str, where: str) -> None:
    """Refuse a column of numbers that has another type, whatever its values are."""
    import pyarrow as pa

    if column in STAMPS:
        expected, fits = "a column of whole ns since the Unix epoch", pa.types.is_integer(kind)
    elif column in NUMBERS:
        expected, fits = "a column of whole numbers", pa.types.is_integer(kind)
    else:
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        expected = "a column of integers or floats"
        fits = pa.types.is_integer(inner) or pa.types.is_floating(inner)
    if not fits:
        raise wrong_type(str(kind), f"{where}, {column}", expected)


def texts(column: "pa.ChunkedArray", what: str) -> "pa.ChunkedArray":
    """Return a column of text after proving that all of it is; a missing value stays missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (is_text or pa.types.is_string_view(kind) or pa.types.is_null(kind)):
        raise wrong_type(str(column.type), what, "a column of text")
    try:
        column.validate(full=True)
        found = pc.cast(column, pa.string())
        # A dictionary is proven by its words: its own proof looks at the codes alone.
        found.validate(full=True)
    except pa.ArrowException as error:
        row = next((at for at, each in enumerate(column) if not is_unicode(each)), 0)
        raise wrong(str(error), f"{what}, row {row}", "text that is valid UTF-8") from error
    return found


def is_unicode(scalar: "pa.Scalar") -> bool:
    """Return whether a text of a table can be read."""
    try:
        scalar.as_py()
    except UnicodeDecodeError:
        return False
    return True


def convert(
    table: "pa.Table",
    text: "Mapping[str, Any]",
    at: "Ints",
    instrument: Instrument,
    where: str,
) -> Part:
    """Return the rows at `at`, which are those of one instrument, as whole ticks and lots."""
    import numpy as np
    import pyarrow as pa

    rows = table.select([key for key in (*VALUES, *STAMPS, *NUMBERS) if key in table.column_names])
    rows = rows.take(pa.array(at))
    kind = text["kind"].take(pa.array(at)).to_numpy(zero_copy_only=False)
    side = text["side"].take(pa.array(at)).to_numpy(zero_copy_only=False)
    settles = kind == "settle"
    odd = np.flatnonzero(~settles & (side != "bid") & (side != "ask"))
    if len(odd):
        raise wrong(side[odd[0]], f"{where}, side, row {at[odd[0]]}", "bid or ask")
    price = numbers(rows["price"], f"{where}, price", at)
    qty = np.zeros(len(at), dtype=np.int64)
    books = ~settles
    sizes = rows["size"].filter(pa.array(books))
    sized = numbers(sizes, f"{where}, size", at[books])
    qty[books] = to_grid(sized, str(instrument.lot), f"{where}, size", at[books])
    low = np.flatnonzero(qty < 0)
    if len(low):
        raise wrong(int(qty[low[0]]), f"{where}, size, row {at[low[0]]}", "a size of 0 or more")
    receive, exchange = stamps(rows, where, at)
    return Part(
        kind=kind,
        side=side,
        msg=messages(rows["msg"], f"{where}, msg", at),
        price=to_grid(price, str(instrument.tick), f"{where}, price", at),
        qty=qty,
        exchange=exchange,
        receive=receive,
        seq=sequence(rows, "seq", where, at),
        step=sequence(rows, "step", where, at),
    )


def messages(column: "pa.ChunkedArray", what: str, at: "Ints") -> "Ints":
    """Return which message each row belongs to; refuses what is not a whole number by its row."""
    import numpy as np

    values = numbers(column, what, at)
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
    most = EXACT_MAX if values.dtype.kind == "f" else 2**63 - 1
    with np.errstate(invalid="ignore"):
        odd = ~((values >= 0) & (values <= most) & (values == np.floor(values)))
    if odd.any():
        row = int(np.argmax(odd))
        raise wrong(values[row].item(), f"{what}, row {at[row]}", f"a whole number of 0 to {most}")
    found: Ints = values.astype(np.int64)
    return found


def sequence(rows: "pa.Table", key: str, where: str, at: "Ints") -> "Ints":
    """Return the numbers of the messages; 0 where the table or the venue has none."""
    import numpy as np

    if key not in rows.column_names:
        return np.zeros(len(at), dtype=np.int64)
    values = rows[key].fill_null(0).to_numpy(zero_copy_only=False)
    odd = np.flatnonzero((values < 0) | (values > NUMBERS[key]))
    if len(odd):
        row = int(odd[0])
        expected = f"a number of 0 to {NUMBERS[key]}"
        raise wrong(int(values[row]), f"{where}, {key}, row {at[row]}", expected)
    found: Ints = values.astype(np.int64)
    return found


def numbers(column: "pa.ChunkedArray", what: str, at: "Ints") -> "NDArray[Any]":
    """Return a column of numbers; refuses a missing value by its row."""
    import numpy as np

    if column.null_count:
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        row = int(at[int(np.argmax(nulls))])
        raise wrong(None, f"{what}, row {row}", "a number in every row")
    return column.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def stamps(rows: "pa.Table", where: str, at: "Ints") -> "tuple[Ints, Ints]":
    """Return receive and exchange stamps in ns.

    A row without receive stamp was received when the exchange says it was sent; a message without
    exchange stamp inherits the one before it, NONE where there is none yet.
    """
    import numpy as np

    found = {}
    for key in STAMPS:
        if key not in rows.column_names:
            found[key] = np.full(len(at), NONE, dtype=np.int64)
            continue
        lacks = rows[key].is_null().to_numpy(zero_copy_only=False)
        values = rows[key].fill_null(0).to_numpy(zero_copy_only=False)
        odd = np.flatnonzero(~lacks & ~in_range(values))
        if len(odd):
            expected = "ns since the Unix epoch, from 1980 to 2200"
            raise wrong(int(values[odd[0]]), f"{where}, {key}, row {at[odd[0]]}", expected)
        found[key] = np.where(lacks, NONE, values.astype(np.int64))
    receive, exchange = found["ts_receive_ns"], found["ts_exchange_ns"]
    last = np.maximum.accumulate(np.where(exchange != NONE, np.arange(len(at)), -1))
    exchange = np.where(last >= 0, exchange[np.maximum(last, 0)], NONE)
    receive = np.where(receive == NONE, exchange, receive)
    lost = np.flatnonzero(receive == NONE)
    if len(lost):
        raise wrong(
            None, f"{where}, ts_receive_ns, row {at[lost[0]]}", "a stamp, or ts_exchange_ns"
        )
    return receive, exchange


def in_range(stamps: "Ints") -> "NDArray[np.bool_]":
    """Return which stamps can be ns: those of s, ms and µs lie before 1980."""
    result: NDArray[np.bool_] = (stamps >= EARLIEST_NS) & (stamps < LATEST_NS)
    return result


def row_codes(part: Part) -> "Ints":
    """Return what every row does, as the core's code: first of a snapshot, level, delta; last."""
    import numpy as np

    if not len(part):
        return np.empty(0, dtype=np.int64)
    begins = np.empty(len(part), dtype=bool)
    begins[0] = True
    begins[1:] = (part.msg[1:] != part.msg[:-1]) | (part.kind[1:] != part.kind[:-1])
    ends = np.append(begins[1:], True)
    snapshot = np.where(begins, SNAPSHOT, LEVEL)
    codes: Ints = np.where(part.kind == "snapshot", snapshot, DELTA) + LAST * ends
    return codes.astype(np.int64)


def set_clocks(
    books: list[Part], instruments: Iterable[Instrument], feed_ns: Mapping[str, int]
) -> dict[str, int]:
    """Move exchange stamps to our clock, in place; return how far each venue's clock was ahead.

    A message cannot be received before it is sent. Where a venue's stamps say so, its clock is
    ahead by the largest such difference plus what its fastest message needed (`feed_ns`), and all
    its stamps are moved back by that. Where they do not, they stay. What has no exchange stamp is
    taken to have needed `feed_ns` too.
    """
    import numpy as np

    venues = [instrument.venue for instrument in instruments]
    ahead = dict.fromkeys(venues, 0)
    for venue in ahead:
        fastest = [
            int(np.min((book.receive - book.exchange)[book.exchange != NONE]))
            for book, own in zip(books, venues, strict=True)
            if own == venue and bool(np.any(book.exchange != NONE))
        ]
        if fastest and min(fastest) < 0:
            ahead[venue] = feed_ns[venue] - min(fastest)
    for book, venue in zip(books, venues, strict=True):
        unknown_stamp = book.exchange == NONE
        early = np.flatnonzero(~unknown_stamp & (book.exchange - ahead[venue] < EARLIEST_NS))
        if len(early):
            found = int(book.exchange[early[0]])
            expected = f"stamps that stay behind 1980 when they are moved back by {ahead[venue]} ns"
            raise wrong(found, f"{venue}, ts_exchange_ns", expected)
        book.exchange = book.exchange - ahead[venue]
        book.exchange[unknown_stamp] = book.receive[unknown_stamp] - feed_ns[venue]
        book.exchange = np.minimum(book.exchange, book.receive)
    return ahead

"""Tables of recorded market data as rows of whole numbers, proven to lie on the grids.

A table has a row for each level of a message: `ts_receive_ns`, `ts_exchange_ns`, `venue` and
`instrument` (or an `instrument` that is the full name), `kind` ('snapshot', 'delta', 'settle';
other kinds are left out), `side` ('bid' or 'ask'), `price`, `size`, `msg` (rows of one message
follow each other). Names, `kind` and `side` are text; stamps are integers (ns) or timestamps that
say their zone; `price` and `size` are integers, floats or decimals; `msg` is whole. Where the venue
numbers its messages, `seq` is the number and `step` how far it is from the message before (0: gaps
cannot be seen); a gap makes the engine ask for a snapshot. Rows of an instrument are in the order
in which they were received.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cross_market._values import (
    Number,
    missing,
    plain,
    read_decimal,
    suggestion,
    tidy,
    wrong,
    wrong_type,
)
from cross_market.contracts.instrument import LATEST_NS, Instrument
from cross_market.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NEEDED = ("instrument", "kind", "side", "price", "size", "msg")
STAMPS = ("ts_receive_ns", "ts_exchange_ns")
NUMBERS = {"seq": 2**63 - 1, "step": 2**32 - 1}
TEXTS = ("venue", "instrument", "kind", "side")
VALUES = ("price", "size", "msg")
# Codes of the core for a row that is not the last of its message; the last one has 3 more.
SNAPSHOT, LEVEL, DELTA, LAST = 0, 1, 2, 3
# Not a row of a book.
SETTLE = 9
# No stamp.
NONE = -1
EXACT_MAX = 2**53
PLACES_MAX = 22
SHOWN_NAMES = 8
EARLIEST_NS = 315_532_800_000_000_000  # 1980-01-01


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

    expected = "a column of integers or floats, as numpy array with one dimension"
    what = label(what)
    given: object = values
    is_masked = isinstance(given, np.ma.MaskedArray)
    if is_masked or not isinstance(given, np.ndarray) or given.ndim != 1:
        raise wrong_type(given, what, expected)
    if row_of is not None and len(row_of) != len(values):
        raise wrong(
            len(row_of), f"{what}, row_of", f"{len(values)} row numbers, one for each value"
        )
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8:
        raise wrong_type(str(values.dtype), what, expected)
    # Where powers of ten are doubles, a quotient by them is the double nearest to the decimal.
    grid = f"a plain decimal above 0 with at most {PLACES_MAX} decimals"
    number = read_decimal(step, f"{what}, step", grid)
    _, digits, exponent = number.as_tuple()
    units, places = int("".join(map(str, digits))), -int(exponent)
    if number <= 0 or places > PLACES_MAX:
        raise wrong(step, f"{what}, step", grid)
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


def label(given: object) -> str:
    """Return the name of a column as errors may show it."""
    if type(given) is not str:
        raise wrong_type(given, "what", "the name of the column, as str")
    return plain(given)


@dataclass
class Part:
    """Rows of one instrument, converted; arrays of one length."""

    kind: "NDArray[np.uint8]"  # SNAPSHOT, DELTA or SETTLE
    side: "NDArray[np.uint8]"  # 0 bid, 1 ask
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

    def cut(self, at: int) -> "tuple[Part, Part]":
        """Return the rows before a place, and those from it on."""
        names = [each.name for each in fields(self)]
        return (
            Part(**{name: getattr(self, name)[:at] for name in names}),
            Part(**{name: getattr(self, name)[at:] for name in names}),
        )

    @classmethod
    def joined(cls, parts: "list[Part]") -> "Part":
        """Return parts one behind the other."""
        import numpy as np

        if len(parts) == 1:
            return parts[0]
        names = [each.name for each in fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )


def split(
    table: "pa.Table",
    where: str,
    instruments: Iterable[Instrument],
    base: int = 0,
    last: "dict[str, int] | None" = None,
) -> dict[str, Part]:
    """Return the rows of every configured instrument that are market data or settlements.

    base: int – rows of the same file before this table; errors name rows by their place in it.
    last: dict – by instrument, the exchange stamp that a row without one inherits; kept for the
        next table of the file.
    """
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
    table = with_whole_stamps(table, where)
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
            found[instrument.name] = convert(table, text, at, instrument, Place(where, base, last))
    return found


def with_whole_stamps(table: "pa.Table", where: str) -> "pa.Table":
    """Return a table whose stamps are ns where they were timestamps; those without zone fail."""
    import pyarrow as pa

    for key in STAMPS:
        at = table.schema.get_field_index(key)
        kind = table.schema.field(at).type if at >= 0 else None
        if kind is None or not pa.types.is_timestamp(kind):
            continue
        if kind.tz is None:
            expected = "a column of whole ns since the Unix epoch, or of timestamps with their zone"
            raise wrong_type(str(kind), f"{where}, {key}", expected)
        try:
            whole = table[key].cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise wrong(str(error), f"{where}, {key}", "stamps from 1980 to 2200") from error
        table = table.set_column(at, key, whole)
    return table


def prove_numbers(kind: "pa.DataType", column: str, where: str) -> None:
    """Refuse a column of numbers that has another type, whatever its values are."""
    import pyarrow as pa

    if column in STAMPS:
        expected, fits = "a column of whole ns since the Unix epoch", pa.types.is_integer(kind)
    elif column in NUMBERS:
        expected, fits = "a column of whole numbers", pa.types.is_integer(kind)
    else:
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        expected = "a column of integers, floats or decimals"
        fits = pa.types.is_integer(inner) or pa.types.is_floating(inner)
        if column != "msg":
            fits = fits or pa.types.is_decimal(kind)
        else:
            expected = "a column of integers or floats"
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


def absent(name: str, tables: "Iterable[pa.Table]", wanted: Iterable[str]) -> ConfigError:
    """Return the error for an instrument that data says nothing of, naming what there is.

    wanted: names of all instruments; what is one of them is not suggested for another.
    """
    import pyarrow.compute as pc

    names, kinds = Counter[str](), Counter[str]()
    for table in tables:
        found = texts(table["instrument"], "instrument")
        if "venue" in table.column_names:
            found = pc.binary_join_element_wise(texts(table["venue"], "venue"), found, ".")
        names.update(str(each) for each in found.unique().to_pylist())
        kinds.update(str(each) for each in texts(table["kind"], "kind").unique().to_pylist())
    expected = f"rows of {name}: venue and instrument with a dot between"
    there = ", ".join(sorted(names)[:SHOWN_NAMES]) or "nothing"
    if name in names:
        expected = f"rows of {name} of kind snapshot, delta or settle"
        there = ", ".join(sorted(kinds)[:SHOWN_NAMES])
    hint = "" if name in names else suggestion(name, set(names).difference(wanted))
    message = f"data: missing, expected {expected}; there is {there}{'.' if hint else ''}{hint}"
    return ConfigError(message, field="data", expected=expected)


@dataclass(frozen=True)
class Place:
    """Where rows stand: the name of their file, the rows of it before them, and last stamps."""

    where: str
    base: int
    last: "dict[str, int] | None"


def convert(
    table: "pa.Table", text: "Mapping[str, Any]", at: "Ints", instrument: Instrument, place: Place
) -> Part:
    """Return the rows at `at`, which are those of one instrument, as whole ticks and lots."""
    import numpy as np
    import pyarrow as pa

    where = place.where
    rows = table.select([key for key in (*VALUES, *STAMPS, *NUMBERS) if key in table.column_names])
    rows = rows.take(pa.array(at))
    kind = text["kind"].take(pa.array(at)).to_numpy(zero_copy_only=False)
    side = text["side"].take(pa.array(at)).to_numpy(zero_copy_only=False)
    at = at + place.base
    settles = kind == "settle"
    odd = np.flatnonzero(~settles & (side != "bid") & (side != "ask"))
    if len(odd):
        raise wrong(side[odd[0]], f"{where}, side, row {at[odd[0]]}", "bid or ask")
    qty = np.zeros(len(at), dtype=np.int64)
    books = ~settles
    sizes = rows["size"].filter(pa.array(books))
    qty[books] = on_grid(sizes, str(instrument.lot), f"{where}, size", at[books])
    low = np.flatnonzero(qty < 0)
    if len(low):
        raise wrong(int(qty[low[0]]), f"{where}, size, row {at[low[0]]}", "a size of 0 or more")
    before = NONE if place.last is None else place.last.get(instrument.name, NONE)
    receive, exchange = stamps(rows, where, at, before)
    if place.last is not None:
        place.last[instrument.name] = int(exchange[-1])
    return Part(
        kind=np.select([settles, kind == "snapshot"], [SETTLE, SNAPSHOT], DELTA).astype(np.uint8),
        side=(side == "ask").astype(np.uint8),
        msg=messages(rows["msg"], f"{where}, msg", at),
        price=on_grid(rows["price"], str(instrument.tick), f"{where}, price", at),
        qty=qty,
        exchange=exchange,
        receive=receive,
        seq=sequence(rows, "seq", where, at),
        step=sequence(rows, "step", where, at),
    )


def on_grid(column: "pa.ChunkedArray", step: str, what: str, at: "Ints") -> "Ints":
    """Return a column of prices or sizes as whole steps; decimals stay exact on the way."""
    import pyarrow as pa

    if not pa.types.is_decimal(column.type):
        return to_grid(numbers(column, what, at), step, what, at)
    import numpy as np

    prove_present(column, what, at)
    _, digits, exponent = tidy(Decimal(step)).as_tuple()
    units, places = int("".join(map(str, digits))), -int(exponent)
    try:
        exact = column.cast(pa.decimal128(38, places))
    except pa.ArrowInvalid:
        raise off_grid(column, step, what, at) from None
    words = np.concatenate([np.empty((0, 2), np.int64), *map(words_of, exact.chunks)])
    low, high = words[:, 0], words[:, 1]
    # A number of 64 bits fills the upper word with its sign.
    if ((high != low >> 63) | (low % units != 0)).any():
        raise off_grid(column, step, what, at)
    found: Ints = low // units
    return found


def words_of(chunk: "pa.Array") -> "Ints":
    """Return the lower and the upper 64 bits of decimals without their point."""
    import numpy as np

    pairs = np.frombuffer(chunk.buffers()[1], dtype=np.int64).reshape(-1, 2)
    found: Ints = pairs[chunk.offset : chunk.offset + len(chunk)]
    return found


def off_grid(column: "pa.ChunkedArray", step: str, what: str, at: "Ints") -> ConfigError:
    """Return the error for the first decimal that is no multiple of a step, or is too large."""
    for row, each in enumerate(column.to_pylist()):
        steps = Fraction(each) / Fraction(step)
        if steps.denominator != 1 or abs(steps) >= 2**63:
            return wrong(each, f"{what}, row {at[row]}", f"a whole multiple of {step}")
    return wrong(None, what, f"whole multiples of {step}")


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
    prove_present(column, what, at)
    return column.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def prove_present(column: "pa.ChunkedArray", what: str, at: "Ints") -> None:
    """Refuse a missing value by its row."""
    import numpy as np

    if column.null_count:
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        row = int(at[int(np.argmax(nulls))])
        raise wrong(None, f"{what}, row {row}", "a number in every row")


def stamps(rows: "pa.Table", where: str, at: "Ints", before: int) -> "tuple[Ints, Ints]":
    """Return receive and exchange stamps in ns.

    A row without receive stamp was received when the exchange says it was sent; a message without
    exchange stamp inherits the one before it: `before` at first, NONE where there is none yet.
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
    exchange = np.where(last >= 0, exchange[np.maximum(last, 0)], before)
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

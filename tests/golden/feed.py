"""The messages of one leg as columns of whole ticks and lots, and the merge of several legs."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cross_market.research.rows import to_grid

Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

# No stamp in the file.
NONE = np.iinfo(np.int64).min
BOOK_KINDS = ("snapshot", "delta", "bbo")


@dataclass(frozen=True)
class Leg:
    """One leg of a set: which rows are its own, on which grid they lie, what 1 contract is.

    mult: int – base for one of the venue's size; with `inverse`, units of quote for it.
    stated: str – the tick as the configuration has it; 1 where the true one is finer than money.
    """

    name: str
    venue: str
    instrument: str
    tick: str
    lot: str = "1"
    inverse: bool = False
    mult: int = 1
    stated: str | None = None

    @property
    def key(self) -> str:
        """Name of its instrument in a configuration."""
        return f"{self.venue}.{self.instrument}"

    def price(self, ticks: int) -> float:
        """Return the double nearest to a price."""
        return float(Fraction(self.tick) * ticks)

    def size(self, lots: int) -> float:
        """Return the double nearest to a size."""
        return float(Fraction(self.lot) * lots)

    def base(self, ticks: int, lots: int) -> Fraction:
        """Return the base that a level stands for, exactly."""
        size = Fraction(self.lot) * lots * self.mult
        return size / (Fraction(self.tick) * ticks) if self.inverse else size


@dataclass(frozen=True)
class Feed:
    """The book messages of one leg, in file order: columns by row, and stamps by message.

    unsized: bool – the file has no sizes; every level stands with one lot.
    """

    leg: Leg
    columns: Columns
    message: Ints  # by row, number of its message
    exchange: Ints  # by message
    receive: Ints
    snapshot: NDArray[np.bool_]  # by message
    kinds: dict[str, int]
    unsized: bool

    def __len__(self) -> int:
        return len(self.exchange)


def feed(table: pa.Table, leg: Leg) -> Feed:
    """Return the messages of one leg out of normalised rows."""
    own = pc.and_(
        pc.equal(table["venue"], leg.venue), pc.equal(table["instrument"], leg.instrument)
    )
    table = table.filter(own)
    counts = pc.value_counts(table["kind"]).to_pylist()
    kinds = {each["values"]: each["counts"] for each in counts}
    table = table.filter(pc.is_in(table["kind"], pa.array(BOOK_KINDS)))
    kind = pc.index_in(table["kind"], pa.array(BOOK_KINDS)).to_numpy()
    number = table["msg"].to_numpy()
    begins = np.ones(len(number), dtype=bool)
    begins[1:] = (number[1:] != number[:-1]) | (kind[1:] != kind[:-1])
    ends = np.ones(len(number), dtype=bool)
    ends[:-1] = begins[1:]
    whole = kind != BOOK_KINDS.index("delta")
    unsized = table["size"].null_count == len(number)
    size = pc.fill_null(table["size"], 1.0).to_numpy()
    stamps = [
        pc.fill_null(table[key], NONE).to_numpy() for key in ("ts_exchange_ns", "ts_receive_ns")
    ]
    columns: Columns = {
        "side": pc.equal(table["side"], "ask").to_numpy().astype(np.uint8),
        "row": (np.where(whole, np.where(begins, 0, 1), 2) + 3 * ends).astype(np.uint8),
        "price": to_grid(table["price"].to_numpy(), leg.tick, f"{leg.key}, price"),
        "qty": to_grid(size, "1" if unsized else leg.lot, f"{leg.key}, size"),
        "seq": np.maximum(pc.fill_null(table["uid"], 0).to_numpy(), 0).astype(np.uint64),
    }
    return Feed(
        leg=leg,
        columns=columns,
        message=np.cumsum(begins) - 1,
        exchange=stamps[0][begins],
        receive=stamps[1][begins],
        snapshot=(kind == BOOK_KINDS.index("snapshot"))[begins],
        kinds=kinds,
        unsized=unsized,
    )


@dataclass(frozen=True)
class Merged:
    """Messages of all legs in the order of one clock; ties by leg, then as in the file.

    columns: dict – rows, as Market takes them; without `instrument` names, by leg number.
    stamp, leg, last: arrays by message – its clock, its leg, the place of its last row.
    """

    feeds: list[Feed]
    clock: str
    columns: Columns
    stamp: Ints
    leg: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.stamp)


def merge(feeds: list[Feed], clock: str) -> Merged:
    """Return the messages of all legs merged by 'receive' or 'exchange' stamps.

    A message without an exchange stamp inherits the one before it of its leg.
    """
    stamps = [each.receive if clock == "receive" else inherited(each.exchange) for each in feeds]
    by_row = np.concatenate(
        [stamp[each.message] for stamp, each in zip(stamps, feeds, strict=True)]
    )
    order = np.argsort(by_row, kind="stable")
    columns = {
        key: np.concatenate([each.columns[key] for each in feeds])[order]
        for key in feeds[0].columns
    }
    columns["instrument"] = np.concatenate(
        [np.full(len(each.message), at, dtype=np.uint16) for at, each in enumerate(feeds)]
    )[order]
    for key in ("exchange", "receive"):
        both = [getattr(each, key)[each.message] for each in feeds]
        column = np.concatenate(both)[order]
        columns[key] = np.where(column == NONE, 0, column)
    last = np.flatnonzero(columns["row"] >= 3)
    return Merged(
        feeds,
        clock,
        columns,
        by_row[order][last],
        columns["instrument"][last].astype(np.int64),
        last,
    )


def inherited(stamps: Ints) -> Ints:
    """Return stamps with every missing one replaced by the one before it, 0 before the first."""
    known = np.where(stamps == NONE, 0, np.arange(len(stamps)))
    filled = stamps[np.maximum.accumulate(known)]
    return np.where(filled == NONE, 0, filled)

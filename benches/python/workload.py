"""The workload of the Python benches, made here from a seed: two markets of one thing.

The rows are those of `benches/common/workload.rs`, number for number: an efficient price that walks
and seldom jumps, a mean-reverting basis of each market, messages of one to some twenty level
changes, two thirds of them within ten ticks of the touch, a quarter of the messages moving it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cross_market as cm

ROWS = 100_000
SEED = 20_260_801
# Rows between two looks at the clock: one row a call, and a column a call.
SLICE = 2_000
COLUMN = 20_000
BASE = 100_000
START = 1_700_000_000_000_000_000

# One level set to a size, as the limits in C read it: 32 bytes.
RECORD = np.dtype(
    [
        ("exchange", "<i8"),
        ("receive", "<i8"),
        ("price", "<i4"),
        ("lots", "<i4"),
        ("seq", "<u4"),
        ("market", "u1"),
        ("side", "u1"),
        ("last", "u1"),
        ("pad", "u1"),
    ]
)
TYPES = {"instrument": "u2", "side": "u1", "row": "u1", "price": "i8", "qty": "i8"}
SNAPSHOT, LEVEL, DELTA = range(3)
LAST = 3  # added to the code of a row that ends its message

Rows = list[tuple[Any, ...]]
Touch = tuple[int, int]


def numbers(seed: int) -> Iterator[float]:
    """Yield random numbers in [0, 1): splitmix64, a block at a time."""
    block = 1 << 16
    at = np.uint64(seed)
    step = np.uint64(0x9E37_79B9_7F4A_7C15)
    places = np.arange(1, block + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        while True:
            mixed = at + places * step
            at = mixed[-1]
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
            mixed = (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)
            yield from (mixed / float(1 << 53)).tolist()


class Maker:
    """The generator's own books, so that no row crosses or empties one."""

    def __init__(self, seed: int) -> None:
        self.next = numbers(seed).__next__
        self.rows: Rows = []
        self.books: list[list[dict[int, int]]] = [[{}, {}], [{}, {}]]
        self.bests = [[0, 0], [0, 0]]
        self.seqs = [1, 1]
        self.stamps = (START, START + 1_000_000)

    def normal(self) -> float:
        """Return a number that is about normal: of twelve uniform ones."""
        return sum(self.next() for _ in range(12)) - 6.0

    def lots(self) -> int:
        return 1 + int(self.next() * self.next() * 200.0)

    def set(self, market: int, side: int, price: int, lots: int) -> None:
        book, bests = self.books[market][side], self.bests[market]
        if lots:
            if not book or (price > bests[side]) != (side == 1):
                bests[side] = price
            book[price] = lots
        elif book.pop(price, 0) and price == bests[side]:
            bests[side] = (min if side else max)(book)
        self.rows.append((*self.stamps, price, lots, self.seqs[market], market, side, 0, 0))

    def end(self, market: int) -> None:
        self.rows[-1] = (*self.rows[-1][:7], 1, 0)
        self.seqs[market] += 1

    def snapshots(self) -> None:
        for market in range(2):
            for side, step in ((0, -1), (1, 1)):
                for level in range(1, 201):
                    self.set(market, side, BASE + step * level, self.lots())
            self.end(market)

    def message(self, market: int, fair: float) -> None:
        """Make one message of a market whose fair value is `fair`."""
        bids, asks = self.books[market]
        bests = self.bests[market]
        bid = math.floor(fair - 0.5)
        ask = bid + 1 + (self.next() < 0.15)
        while bests[1] <= bid and len(asks) > 20:
            self.set(market, 1, bests[1], 0)
        while bests[0] >= ask and len(bids) > 20:
            self.set(market, 0, bests[0], 0)
        if bid < bests[1]:
            for price in range(max(bests[0] + 1, bid - 3), bid + 1):
                self.set(market, 0, price, self.lots())
        if ask > bests[0]:
            for price in range(min(bests[1] - 1, ask + 3), ask - 1, -1):
                self.set(market, 1, price, self.lots())
        changes = 1
        while changes < 16 and self.next() < 0.66:
            changes += 1
        for _ in range(changes):
            self.change(market)
        self.end(market)

    def change(self, market: int) -> None:
        """Make one change at a distance from the touch."""
        side = int(self.next() >= 0.5)
        if self.next() < 0.57:
            away = int(10.0 * self.next() * self.next())
        else:
            away = int(10.0 * 20.0 ** self.next())
        price = self.bests[market][side] + (away if side else -away)
        book = self.books[market][side]
        is_taken = price in book and len(book) > 50 and self.next() < 0.36
        self.set(market, side, price, 0 if is_taken else self.lots())


def records(rows: int, seed: int = SEED) -> NDArray[Any]:
    """Return so many rows, or a few more, to the end of a message."""
    maker = Maker(seed)
    maker.snapshots()
    fair, basis = float(BASE), [0.0, 0.0]
    draw = maker.next
    while len(maker.rows) < rows:
        exchange = maker.stamps[0] + 1 + int(-math.log(1.0 - draw()) * 1e6)
        delay = 500_000 + int(-math.log(1.0 - draw()) * 500_000.0)
        maker.stamps = (exchange, max(exchange + delay, maker.stamps[1] + 1))
        fair += 0.06 * maker.normal()
        if draw() < 0.0004:
            jump = 5.0 + draw() * 15.0
            fair += jump if draw() < 0.5 else -jump
        market = int(draw() >= 0.6)
        basis[market] += -0.02 * basis[market] + 0.10 * maker.normal()
        maker.message(market, fair + basis[market])
    return np.array(maker.rows, dtype=RECORD)


@dataclass(frozen=True)
class Workload:
    """Rows in the forms that the doors and the limits read, all made before any time is taken."""

    records: NDArray[Any]

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def low(self) -> int:
        """A price below all others."""
        return int(self.records["price"].min()) - 64

    @cached_property
    def slots(self) -> int:
        return int(self.records["price"].max()) + 64 - self.low

    def places(self, size: int) -> list[slice]:
        """Return slices of about this size; each ends with a message."""
        ends = np.flatnonzero(self.records["last"]) + 1
        cuts = [0, *(int(ends[ends >= at][0]) for at in range(size, len(self), size))]
        cuts = sorted({*cuts, len(self)})
        return [slice(a, b) for a, b in pairwise(cuts)]

    @cached_property
    def plain(self) -> list[tuple[list[int], ...]]:
        """Slices of (market, side, price, lots) as lists of Python ints."""
        names = ("market", "side", "price", "lots")
        return [
            tuple(self.records[name][place].tolist() for name in names)
            for place in self.places(SLICE)
        ]

    @cached_property
    def raw(self) -> list[NDArray[Any]]:
        """Slices of the records as they are."""
        return [self.records[place] for place in self.places(COLUMN)]

    @cached_property
    def columns(self) -> list[dict[str, NDArray[Any]]]:
        """Slices of columns of which each row is a message of its own."""
        return [self.arrays(place, DELTA + LAST) for place in self.places(COLUMN)]

    @cached_property
    def messages(self) -> list[dict[str, NDArray[Any]]]:
        """Slices of columns with the messages as they came, and when."""
        found = []
        for place in self.places(COLUMN):
            columns = self.arrays(place, DELTA + LAST * self.records["last"][place])
            for name in ("exchange", "receive"):
                columns[name] = np.ascontiguousarray(self.records[name][place])
            found.append(columns)
        return found

    def arrays(self, place: slice, row: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401
        rows = self.records[place]
        values = {
            "instrument": rows["market"],
            "side": rows["side"],
            "row": np.broadcast_to(np.asarray(row), len(rows)),
            "price": rows["price"],
            "qty": rows["lots"],
        }
        return {name: np.array(values[name], TYPES[name]) for name in TYPES}

    @cached_property
    def touches(self) -> list[Touch]:
        """The touch of each market at the end, by a book that is nothing but two dicts."""
        books: list[list[dict[int, int]]] = [[{}, {}], [{}, {}]]
        for columns in self.plain:
            for market, side, price, lots in zip(*columns, strict=True):
                if lots:
                    books[market][side][price] = lots
                else:
                    books[market][side].pop(price, None)
        return [(max(bids), min(asks)) for bids, asks in books]

    def tell(self) -> str:
        """Return what the rows are like, in a line."""
        messages = int(self.records["last"].sum())
        return f"{len(self)} rows, {len(self) / messages:.2f} a message, seed {SEED}"


@lru_cache(maxsize=2)
def workload(rows: int = ROWS) -> Workload:
    """Return the workload of so many rows."""
    return Workload(records(rows))


@lru_cache(maxsize=1)
def config() -> cm.Config:
    """Return two equal contracts of two venues and their hedge, which never enters by itself."""
    instruments = [
        cm.Instrument(
            f"{name}.x",
            venue=name,
            product="x",
            size="1 g",
            quote="USD/g",
            tick="1",
            settlement="daily_vm",
            fees=cm.Fees(open=cm.Fee(rate="0.0001")),
            margin=cm.Margin(long="0.1", short="0.1"),
        )
        for name in "AB"
    ]
    accounts = [
        cm.Account(name, venue=name, currency="USD", island="i", flag="arbitrage") for name in "AB"
    ]
    hedge = cm.Hedge(
        "h",
        legs=[
            cm.Leg(instruments[0], side="sell", account=accounts[0]),
            cm.Leg(instruments[1], side="buy", account=accounts[1]),
        ],
        unit="g",
        currency="USD",
        basis="physical",
        signal=cm.Spread(enter="1000 USD/g", exit="-1000 USD/g"),
        size=cm.Size(clip=1, max=1, overnight=1, holiday=1),
        execution=cm.Simultaneous(
            max_residual="1 g",
            live_residual="2 g",
            finish_within="2 s",
            repair=cm.CheaperOf("supplement", "unwind"),
            max_loss="1000 USD",
        ),
        slippage="0.1 USD/g",
    )
    return cm.Config(
        venues=[cm.Venue(name, netting="net") for name in "AB"],
        accounts=accounts,
        hedges=[hedge],
        limits=cm.limits.template("small desk"),
    )

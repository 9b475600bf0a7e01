"""W1, W1a, W2, W3p and W3v by peers: each way is a generator as `turns` wants it.

A function gives the ways of one peer by row of the table; it imports the peer and raises what that
raises. Books end with the touches of both markets in ticks, as ours do.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from turns import Ends, Way
from workload import Touch, Workload

Ways = dict[str, Way]


def python_dict(work: Workload) -> Ways:
    """Two dicts a book, the best prices kept beside them: what one writes without a library."""

    def ends(*, is_spread: bool) -> Ends:
        books: list[list[dict[int, int]]] = [[{}, {}], [{}, {}]]
        bids, asks = [0, 0], [1 << 40, 1 << 40]
        better = 0
        for columns in work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                book = books[at][side]
                if lots:
                    book[price] = lots
                    if side:
                        if price < asks[at]:
                            asks[at] = price
                    elif price > bids[at]:
                        bids[at] = price
                else:
                    book.pop(price, None)
                    if side:
                        if price == asks[at]:
                            asks[at] = min(book)
                    elif price == bids[at]:
                        bids[at] = max(book)
                if is_spread:
                    better = max(bids[0] - asks[1], bids[1] - asks[0])
        yield None
        return better if is_spread else list(zip(bids, asks, strict=True))

    return {"W1": lambda: ends(is_spread=False), "W3p": lambda: ends(is_spread=True)}


def sortedcontainers(work: Workload) -> Ways:
    """One SortedDict a side."""
    from sortedcontainers import SortedDict

    def ends(*, is_read: bool) -> Ends:
        books = [[SortedDict(), SortedDict()], [SortedDict(), SortedDict()]]
        for columns in work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                book = books[at][side]
                if lots:
                    book[price] = lots
                else:
                    del book[price]
                if is_read:
                    bids, asks = books[at]
                    if bids and asks:
                        bid, ask = bids.peekitem(-1)[0], asks.peekitem(0)[0]
        yield None
        if is_read:
            assert bid < ask
        return [(bids.peekitem(-1)[0], asks.peekitem(0)[0]) for bids, asks in books]

    return {"W1": lambda: ends(is_read=True), "W1a": lambda: ends(is_read=False)}


def order_book(work: Workload) -> Ways:
    """The order book in C, with int keys."""
    from order_book import OrderBook

    def ends(*, is_read: bool) -> Ends:
        books = [OrderBook(), OrderBook()]
        sides = [[book.bids, book.asks] for book in books]
        for columns in work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                book = sides[at][side]
                if lots:
                    book[price] = lots
                else:
                    del book[price]
                if is_read:
                    bids, asks = sides[at]
                    if len(bids) and len(asks):
                        bid, ask = bids.index(0)[0], asks.index(0)[0]
        yield None
        if is_read:
            assert bid < ask
        return [(bids.index(0)[0], asks.index(0)[0]) for bids, asks in sides]

    return {"W1": lambda: ends(is_read=True), "W1a": lambda: ends(is_read=False)}


def polars_order_book(work: Workload) -> Ways:
    """The polars plug-in in Rust: a frame of one market a call, the best prices after each row."""
    import polars as pl
    from polars_order_book import top_n_levels_from_price_updates as top_n

    frames = []
    for market in (0, 1):
        rows = work.records[work.records["market"] == market]
        columns = {
            "price": rows["price"].astype(np.int64),
            "lots": rows["lots"].astype(np.int64),
            "is_bid": rows["side"] == 0,
        }
        frames.append(pl.DataFrame(columns))

    def ends() -> Ends:
        best = top_n(pl.col("price"), pl.col("lots"), pl.col("is_bid"), n=1).alias("best")
        yield None
        found = [frame.select(best).unnest("best") for frame in frames]
        yield None
        touches: list[Touch] = []
        for frame in found:
            last = frame.tail(1).to_dicts()[0]
            bid, ask = (
                next(int(last[name]) for name in last if side in name and "price" in name)
                for side in ("bid", "ask")
            )
            touches.append((bid, ask))
        return touches

    return {"W2": ends}


def numba(work: Workload) -> Ways:
    """The ladder by hand, compiled by numba: best prices after each row of a column."""
    from numba import njit

    @njit  # type: ignore[untyped-decorator]
    def ladder(rows: Any, low: int, sizes: Any, best: Any, out: Any) -> None:  # noqa: ANN401
        for at in range(rows.shape[0]):
            market, side = rows[at].market, rows[at].side
            slot, lots = rows[at].price - low, rows[at].lots
            book = sizes[market, side]
            book[slot] = lots
            if side == 0:
                if lots:
                    best[market, 0] = max(best[market, 0], slot)
                else:
                    while best[market, 0] >= 0 and book[best[market, 0]] == 0:
                        best[market, 0] -= 1
            elif lots:
                best[market, 1] = min(best[market, 1], slot)
            else:
                while best[market, 1] < book.shape[0] and book[best[market, 1]] == 0:
                    best[market, 1] += 1
            out[at, 0] = best[market, 0] + low
            out[at, 1] = best[market, 1] + low

    def ends() -> Ends:
        sizes = np.zeros((2, 2, work.slots), np.int32)
        best = np.array([[-1, work.slots], [-1, work.slots]])
        for rows in work.raw:
            yield None
            out = np.empty((len(rows), 2), np.int32)
            ladder(rows, work.low, sizes, best, out)
        yield None
        assert int(out[-1, 0]) < int(out[-1, 1])
        return [(int(bid) + work.low, int(ask) + work.low) for bid, ask in best]

    return {"W2": ends}


def nautilus(work: Workload) -> Ways:
    """NautilusTrader's book in Rust by its Cython face: from ints, and from deltas made before."""
    from nautilus_trader.model.book import OrderBook
    from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas
    from nautilus_trader.model.enums import BookAction, BookType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.objects import Price, Quantity

    ids = [InstrumentId.from_str(f"X.VEN{name}") for name in "AB"]
    sides = [OrderSide.BUY, OrderSide.SELL]
    update, delete = BookAction.UPDATE, BookAction.DELETE
    tick, lot = Price(1, 0).raw, Quantity(1, 0).raw
    new = OrderBookDelta.from_raw

    def delta(at: int, side: int, price: int, lots: int) -> Any:  # noqa: ANN401
        what = update if lots else delete
        return new(ids[at], what, sides[side], price * tick, 0, lots * lot, 0, 0, 0, 0, 1, 1)

    deltas = [
        [(row[0], delta(*row)) for row in zip(*columns, strict=True)] for columns in work.plain
    ]
    batches = [
        [OrderBookDeltas(ids[at], of) for at in (0, 1) if (of := [d for m, d in part if m == at])]
        for part in deltas
    ]

    def made() -> list[Any]:
        return [OrderBook(each, BookType.L2_MBP) for each in ids]

    def touches(books: list[Any]) -> list[Touch]:
        return [(int(book.best_bid_price()), int(book.best_ask_price())) for book in books]

    def from_ints() -> Ends:
        books = made()
        apply = [book.apply_delta for book in books]
        for columns in work.plain:
            yield None
            for at, side, price, lots in zip(*columns, strict=True):
                what = update if lots else delete
                raw = (price * tick, 0, lots * lot, 0, 0, 0, 0, 1, 1)
                apply[at](new(ids[at], what, sides[side], *raw))
                bid, ask = books[at].best_bid_price(), books[at].best_ask_price()
        yield None
        assert bid < ask
        return touches(books)

    def from_deltas(*, is_read: bool) -> Ends:
        books = made()
        apply = [book.apply_delta for book in books]
        for part in deltas:
            yield None
            for at, each in part:
                apply[at](each)
                if is_read:
                    bid, ask = books[at].best_bid_price(), books[at].best_ask_price()
        yield None
        if is_read:
            assert bid < ask
        return touches(books)

    def spread() -> Ends:
        books = made()
        apply = [book.apply_delta for book in books]
        one, two = books
        better: Any = None
        for part in deltas:
            yield None
            for at, each in part:
                apply[at](each)
                bid, ask = one.best_bid_price(), one.best_ask_price()
                there, back = two.best_bid_price(), two.best_ask_price()
                if bid is not None and ask is not None and there is not None and back is not None:
                    better = max(
                        bid.as_double() - back.as_double(), there.as_double() - ask.as_double()
                    )
        yield None
        return int(better)

    def by_batch() -> Ends:
        books = dict(zip(ids, made(), strict=True))
        for part in batches:
            yield None
            for each in part:
                books[each.instrument_id].apply_deltas(each)
        yield None
        return touches(list(books.values()))

    return {
        "W1": from_ints,
        "W1.deltas": lambda: from_deltas(is_read=True),
        "W1a.deltas": lambda: from_deltas(is_read=False),
        "W2.deltas": by_batch,
        "W3p.deltas": spread,
    }


def quotes(work: Workload) -> list[tuple[int, int, int, int, int, int]]:
    """Return (market, receive, bid, ask, bid lots, ask lots) where a message changed them."""
    books: list[list[dict[int, int]]] = [[{}, {}], [{}, {}]]
    last: list[Any] = [None, None]
    found = []
    for row in work.records.tolist():
        _, receive, price, lots, _, market, side, is_last, _ = row
        if lots:
            books[market][side][price] = lots
        else:
            books[market][side].pop(price, None)
        if is_last:
            bids, asks = books[market]
            bid, ask = max(bids), min(asks)
            quote = (bid, ask, bids[bid], asks[ask])
            if quote != last[market]:
                last[market] = quote
                found.append((market, receive, *quote))
    return found


def vnpy_spreadtrading(work: Workload) -> Ways:
    """A spread object calculated anew at each quote; prices there are floats."""
    from vnpy.trader.constant import Exchange
    from vnpy.trader.object import TickData
    from vnpy_spreadtrading.base import LegData, SpreadData

    names = ["XA.LOCAL", "XB.LOCAL"]
    ticks = [
        (
            market,
            TickData(
                gateway_name="B",
                symbol=names[market][:2],
                exchange=Exchange.LOCAL,
                datetime=datetime.fromtimestamp(receive / 1e9, UTC),
                last_price=bid,
                bid_price_1=bid,
                ask_price_1=ask,
                bid_volume_1=bid_lots,
                ask_volume_1=ask_lots,
            ),
        )
        for market, receive, bid, ask, bid_lots, ask_lots in quotes(work)
    ]

    def ends() -> Ends:
        legs = [LegData(name) for name in names]
        for leg in legs:
            leg.pricetick = leg.min_volume = 1
        one, two = names
        spread = SpreadData(
            "AB", legs, {"A": one, "B": two}, {"A": 1, "B": -1}, "A-B", {one: 1, two: -1}, one, 1
        )
        yield None
        for market, tick in ticks:
            spread.legs[names[market]].update_tick(tick)
            spread.calculate_price()
        yield None
        return int(max(spread.bid_price, -spread.ask_price))

    return {"W3v": ends}


PEERS = {
    "python_dict": python_dict,
    "sortedcontainers": sortedcontainers,
    "order_book": order_book,
    "polars_order_book": polars_order_book,
    "numba": numba,
    "nautilus": nautilus,
    "vnpy_spreadtrading": vnpy_spreadtrading,
}

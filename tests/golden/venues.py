"""What each venue published, and what the catalogue says of it: gaps, checksums, crossed ticks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from golden import data, quotes
from golden.book_set import BookSet, Decoded, Tables
from golden.feed import NONE, Feed, Leg, Merged, feed, merge
from golden.figures import Figures
from golden.ladders import text
from golden.market import Bounds, Found, levels, market, replay
from golden.raw import binance, bitflyer, krakenf, lean, okx
from golden.stand_in import SlowMarket
from golden.states import tops

# Binance, three engines


def decode_btc(name: str) -> Decoded:
    """Decode the three engines of Binance."""
    files = {
        "spot": "spot_btcusdt_20240808.gz",
        "usdm": "usdm_btcusdt_20240808.gz",
        "coinm": "cm_btcusd_perp_20240808.gz",
    }
    tables: Tables = {}
    stats, steps = {}, {}
    for leg in data.meta(name)["legs"]:
        path = data.at(name, "raw", files[leg["name"]])
        found = binance.decode(path, leg["venue"], leg["instrument"])
        rows, best = binance.tables(found)
        tables |= {f"norm_{leg['name']}.parquet": rows, f"norm_bbo_{leg['name']}.parquet": best}
        count = found.counts
        steps[leg["name"]] = found.steps
        stats[leg["name"]] = {
            "messages": count["messages"],
            "depth": count["depthUpdate"],
            "bookTicker": count["bookTicker"],
            "trade": count["trade"],
            "snap": count["snapshot"],
            "dropped_pre_snapshot": count["dropped"],
            "replayed_after_snapshot": count["replayed"],
            "zero_trades": count["zero_trades"],
            "seq_gaps": count["gaps"],
            "first_delta_straddles_snapshot": found.straddles,
        }
    return Decoded(tables, stats, steps)


def extra_btc(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """Depth equals best prices at equal numbers; numbers have no gap."""
    found = [
        best_at_numbers(each, data.normal(of.name, f"norm_bbo_{each.leg.name}.parquet"))
        for each in feeds
    ]
    told_best(figures, found)
    for each in feeds:
        numbered(figures, each, decoded.steps[each.leg.name])


def told_best(figures: Figures, found: list[tuple[int, int]]) -> None:
    """Compare depth with best prices at equal numbers: all are equal."""
    cases, equal = (sum(each) for each in zip(*found, strict=True))
    figures.equal("depth equal to best prices at equal numbers", equal, cases)
    figures.notes.append(f"depth equals best prices at equal numbers: {equal} of {cases} messages")
    figures.leave_out(
        "catalogue: depth equals bookTicker in 6,058 of 6,058 cases",
        "it does not say what a case is; both Binance sets have 2,529 such messages, all equal",
    )


def best_at_numbers(depth: Feed, table: pa.Table, bounds: Bounds | None = None) -> tuple[int, int]:
    """Return how often a depth message has the number of best prices, and is equal to them."""
    leg = depth.leg
    best = feed(table, leg)
    price, qty = (best.columns[key].reshape(-1, 2) for key in ("price", "qty"))
    numbers = best.columns["seq"][::2].tolist()
    known = {number: (*price[at], *qty[at]) for at, number in enumerate(numbers)}
    merged = merge([depth], "receive")
    own = merged.columns["seq"][merged.last].tolist()
    stops = [at for at, number in enumerate(own) if number in known and not depth.snapshot[at]]
    book = lone(leg, bounds)
    equal = 0

    def visit(at: int) -> None:
        nonlocal equal
        bids, asks = levels(book, leg, 1)
        equal += (bids[0][0], asks[0][0], bids[0][1], asks[0][1]) == known[own[at]]

    replay(book, merged, stops, visit, hedges=[])
    return len(stops), equal


def lone(leg: Leg, bounds: Bounds | None = None) -> Any:
    """Return a market for one leg; its hedge's second leg stays empty."""
    empty = Leg("empty", "NOWHERE", "NOTHING", leg.tick, leg.lot, stated=leg.stated)
    return market([leg, empty], bounds={leg.name: bounds or Bounds()})


def numbered(figures: Figures, each: Feed, steps: dict[int, int] | None) -> None:
    """Replay a leg with its venue's numbers: the book itself looks for gaps.

    steps: dict – by message, how far its number is from the one before; None when always 1.
    """
    merged = merge([each], "receive" if (each.receive != NONE).all() else "exchange")
    plain = replay(lone(each.leg), merged, hedges=[])
    table = dict(merged.columns)
    if steps is None:
        far = np.ones(len(each.message), dtype=np.uint32)
    else:
        ordered = [0, *steps.values()]
        far = np.array(ordered, dtype=np.uint32)[each.message]
    table["step"] = np.where(each.snapshot[each.message], 0, far).astype(np.uint32)
    book = lone(each.leg)
    found = book.columns(table, hedges=[])
    name = each.leg.name
    figures.equal(f"{name}: book with numbers", book.state(each.leg.key), "whole")
    same = all(bool((found[key] == plain[key]).all()) for key in ("bid", "ask", "whole"))
    figures.equal(f"{name}: no message missed by its number", same, theirs=True)
    # The guard works: without one message the book knows that it has a gap.
    gone = np.flatnonzero(each.message != len(each) // 2)
    lacking = {key: np.ascontiguousarray(column[gone]) for key, column in table.items()}
    book = lone(each.leg)
    book.columns(lacking, hedges=[])
    figures.equal(f"{name}: book that lacks a message", book.state(each.leg.key), "gapped")


def decode_delivery(name: str) -> Decoded:
    """Decode Binance's delivery futures; snapshots lie in a second file."""
    found = binance.decode_capture(
        data.at(name, "raw", "BINANCE_DELIVERY.ws.1.0.gz"),
        data.at(name, "raw", "BINANCE_DELIVERY.http.0.0.gz"),
        "BINANCE_DELIVERY",
    )
    rows, best = binance.tables(found)
    count = found.counts
    stats = {
        "messages": count["messages"],
        "depth": count["depthUpdate"],
        "bookTicker": count["bookTicker"],
        "trade": count["trade"] + count["aggTrade"],
        "snapshot": count["snapshot"],
        "dropped_pre_snapshot": count["dropped"],
        "replayed_after_snapshot": count["replayed"],
        "seq_gaps": count["gaps"],
        "kline": count["kline"],
        "other": count["other"],
    }
    return Decoded({"norm.parquet": rows, "norm_bbo.parquet": best}, stats, {})


def extra_delivery(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """Depth equals best prices at equal numbers, for every contract of the recording."""
    del feeds, decoded
    depth, best = data.normal(of.name), data.normal(of.name, "norm_bbo.parquet")
    found = []
    for name in depth["instrument"].unique().to_pylist():
        leg = Leg(name, "BINANCE_DELIVERY", name, "0.00001")
        found.append(best_at_numbers(feed(depth, leg), best, Bounds(10**10)))
    told_best(figures, found)


# Kraken Futures


def decode_krakenf(name: str) -> Decoded:
    """Decode Kraken Futures."""
    rows, count = krakenf.decode(data.at(name, "raw", "KRAKEN_FUTURES.ws.1.0.gz"))
    keys = ("messages", "book", "snapshot", "trade", "trade_snapshot", "other", "pre_snapshot")
    stats = {key: count[key] for key in keys} | {"seq_gaps": count["gaps"]}
    return Decoded({"norm.parquet": rows.table()}, stats, {})


def extra_krakenf(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """Numbers of every product follow each other by one."""
    del of, decoded
    for each in feeds:
        numbered(figures, each, None)


# bitFlyer


def decode_bitflyer(name: str) -> Decoded:
    """Decode bitFlyer."""
    found = bitflyer.decode(data.at(name, "raw", "BITFLYER.ws.1.0.gz"))
    keys = ("messages", "snapshot", "delta", "trade", "pre_snapshot", "market_order_levels")
    stats = {key: found.counts[key] for key in keys}
    return Decoded({"norm.parquet": found.rows.table()}, stats, {})


WIDE = Bounds(lots=3 * 10**13)
# Of products that have other ticks than whole yen.
TICKS = {
    "ETH_BTC": "0.00001",
    "BCH_BTC": "0.00001",
    "BTC_EUR": "0.01",
    "XRP_JPY": "0.01",
    "XLM_JPY": "0.001",
}


def extra_bitflyer(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """A book moved by differences is not always the next snapshot: two channels, not atomic."""
    del feeds, decoded
    table = data.normal(of.name)
    sides = equal = slow = 0
    for name in table["instrument"].unique().to_pylist():
        tick = TICKS.get(name, "1")
        each = feed(table, Leg(name, "BITFLYER", name, tick, "0.00000001", stated="1"))
        merged = merge([each], "receive")
        again = [at for at in np.flatnonzero(each.snapshot).tolist() if at]
        both = [
            seen_before(book, merged, again)
            for book in (lone(each.leg, WIDE), SlowMarket([each.leg]))
        ]
        sides += 2 * len(again)
        equal += both[0]
        slow += both[1]
    figures.equal("sides equal to the next snapshot, as plain dicts have it", equal, slow)
    figures.notes.append(f"best 20 levels equal to the next snapshot: {equal} of {sides} sides")
    figures.leave_out(
        "catalogue: a book equals its next snapshot in 173 of 200 cases",
        f"it does not say what a case is; of {sides} sides in the recording {equal} are equal",
    )


def seen_before(book: Any, merged: Merged, again: list[int]) -> int:
    """Return how many sides are, just before a snapshot, what the snapshot makes them."""
    leg = merged.feeds[0].leg
    seen: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
    stops = {*again, *(at - 1 for at in again)}
    replay(book, merged, stops, lambda at: seen.update({at: levels(book, leg, 20)}))
    return sum(seen[at][side] == seen[at - 1][side] for at in again for side in (0, 1))


# OKX


def decode_okx(name: str) -> Decoded:
    """Decode OKX."""
    rows, count = okx.decode(data.at(name, "raw", "OKX.ws.1.0.gz"))
    keys = ("messages", "snapshot", "update", "trade", "checksum_ok", "checksum_bad", "other")
    return Decoded({"norm.parquet": rows.table()}, {key: count[key] for key in keys}, {})


def extra_okx(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """The venue's own checksum of every message, taken over Market's levels."""
    del decoded
    uni = Leg("uni", "OKX", "UNI-USD-SWAP", "0.001")
    wanted = okx.checksums(data.at(of.name, "raw", "OKX.ws.1.0.gz"))
    checked = fits = 0
    for each in (*feeds, feed(data.normal(of.name), uni)):
        leg, book = each.leg, lone(each.leg)
        merged = merge([each], "receive")
        numbers = iter(wanted[leg.instrument])

        def visit(
            at: int,
            leg: Leg = leg,
            book: Any = book,
            numbers: Iterator[int] = numbers,
        ) -> None:
            nonlocal checked, fits
            del at
            sides = [
                [(text(leg.tick, ticks), text(leg.lot, lots)) for ticks, lots in side]
                for side in levels(book, leg, 25)
            ]
            checked += 1
            fits += okx.crc(sides[0], sides[1]) == next(numbers)

        replay(book, merged, range(len(merged)), visit, hedges=[])
    figures.equal("messages with a checksum", checked, 290)
    figures.equal("checksums of Market's levels that are right", fits, 290)


# EURUSD of two brokers


def decode_fx(name: str) -> Decoded:
    """Decode Lean's ticks of both brokers, cut to the hours that both have."""
    stated = data.meta(name)
    first, last = stated["overlap"]
    tables, stats = {}, {}
    for leg, offset in (("oanda", 0), ("fxcm", -5)):
        path = data.at(name, "raw", f"{leg}_20140508_quote.zip")
        rows, count = lean.ticks(path, leg.upper(), "20140508", offset, (first, last))
        tables[f"norm_{leg}.parquet"] = rows.table()
        stats[leg] = {"raw_ticks": count, "in_overlap": len(rows.rows) // 2}
    return Decoded(tables, stats, {})


def extra_fx(of: BookSet, figures: Figures, feeds: list[Feed], decoded: Decoded) -> None:
    """Lags; and ticks that are crossed or locked in themselves, as the library calls them."""
    del decoded
    merged = merge(feeds, "exchange")
    found = replay(market([each.leg for each in feeds], "USD", "EUR"), merged)
    top = tops(merged, found)
    reference = data.golden(of.name)["lag"]
    figures.leave_out("lag.definition", "a sentence")
    figures.compare(quotes.lag(top), reference, "lag")
    fxcm = merged.leg == 1
    figures.equal(
        "ticks of FXCM that Market calls crossed", int((~found["whole"][fxcm]).sum()), 17_958
    )
    locked = int((found["bid"] == found["ask"])[fxcm].sum())
    figures.equal("ticks of FXCM that are locked", locked, 18_538)
    figures.notes.append(
        "a tick with a negative spread: its levels stand in the ladder, the book is crossed, its "
        "touch is None and no hedge has a price; the reference counts its edges all the same"
    )
    figures.equal("hedges that such a tick prices", priced_by_crossed(merged, found), 0)


def priced_by_crossed(merged: Merged, found: Found) -> int:
    """Return in how many states a hedge has a price while a book is crossed with itself."""
    crossed = ~found["whole"] & (merged.leg == 1)
    return int(found["valid"][crossed].sum())

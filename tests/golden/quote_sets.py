"""The sets that are no merged order books: funds, single ticks, prints, two full books."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from golden import books, data, etf, quotes
from golden.book_set import same_rows
from golden.books import Asked
from golden.feed import Feed, Leg, feed, merge
from golden.figures import Figures
from golden.market import Bounds, market, replay, speed
from golden.raw import texts, wondertrader
from golden.states import Tops, tops

Json = dict[str, Any]


def merged_tops(feeds: list[Feed], currency: str, unit: str, figures: Figures) -> Tops:
    """Return best prices after each message by exchange stamps, out of a Market."""
    merged = merge(feeds, "exchange")
    legs = [each.leg for each in feeds]
    if len(legs) == 1:
        legs.append(Leg("empty", "NOWHERE", "NOTHING", legs[0].tick))
    found = replay(market(legs, currency, unit), merged)
    figures.replay = speed(market(legs, currency, unit), merged.columns)
    return tops(merged, found)


def begun(name: str, scale: float) -> Figures:
    """Return the empty comparison of a set."""
    figures = Figures(name, scale)
    figures.leave_out("definition", "a sentence")
    return figures


def funds() -> Figures:
    """Compare the two funds on one index: naive crossing, ratio, freshness, outages."""
    name = "cn_etf_csi300_20231026"
    # Ratios are printed in basis points of 1.
    figures = begun(name, 1e4)
    golden, stated = data.golden(name), data.meta(name)
    feeds = []
    stats: Json = {}
    for each in stated["legs"]:
        path = data.at(name, "raw", f"20231026_{each['name'].replace('.', '.ETF.')}.csv.gz")
        rows = texts.etf(path, each["venue"], each["instrument"])
        table = data.normal(name, each["file"])
        same_rows(figures, each["file"], rows.table(), table)
        feeds.append(feed(table, Leg(each["name"], each["venue"], each["instrument"], "0.001")))
        stats[each["venue"]] = fund_stats(feeds[-1])
    figures.compare(stats, stated["decode_stats"], "decode_stats")
    streamed = books.stream(feeds, "exchange", Asked(currency="CNY", unit="share"))
    all_states, states = etf.ratio(streamed.tops, None)
    fresh, _ = etf.ratio(streamed.tops, etf.STALE_NS)
    ours = {
        "set": name,
        "ratio": all_states,
        "ratio_fresh": fresh,
        "interarrival": {each.leg.name: etf.arrivals(each.exchange) for each in feeds},
        "gaps_over_10s": {each.leg.name: etf.gaps(each.exchange) for each in feeds},
        "legs": books.legs_figures(feeds)["legs"],
        "naive_price_cross": streamed.figures,
    }
    figures.compare(ours, golden)
    books.edges_of_hedges(streamed, [each.leg for each in feeds], figures)
    reference = data.grid(name, "golden_states.csv.gz")
    figures.equal("states in the table", len(states), len(reference))
    for state, theirs in zip(states, reference, strict=False):
        row = state.row()
        for key, cell in theirs.items():
            value = int(cell) if key == "ts_ns" else float(cell)
            figures.equal(f"state {theirs['ts_ns']} {key}", row[key], value)
    merged = streamed.tops.merged
    figures.replay = speed(market([each.leg for each in feeds], "CNY", "share"), merged.columns)
    return figures


def fund_stats(each: Feed) -> Json:
    """Return what the set says of one fund's ticks; of each tick's ten levels a side."""
    between = np.diff(each.exchange)
    leg = [each.leg, Leg("empty", "NOWHERE", "NOTHING", each.leg.tick)]
    found = market(leg, "CNY", "share").columns(merge([each], "exchange").columns)
    bid, ask = found["bid"], found["ask"]
    limit = np.iinfo(np.int64)
    one_sided = (bid == limit.min) | (ask == limit.max)
    return {
        "ticks": len(each),
        "zero_levels": 20 * len(each) - len(each.message),
        "dup_ts": int((between == 0).sum()),
        "back_ts": int((between < 0).sum()),
        "one_sided": int(one_sided.sum()),
        "locked": int((bid >= ask).sum()),
    }


def future() -> Figures:
    """Compare one index future's ticks, out of their published structs."""
    name = "cffex_if_20210104"
    figures = Figures(name, 5300.0)
    leg = Leg("IF", "CFFEX", "IF2101", "0.2", mult=300)
    ticks = wondertrader.decode(data.at(name, "raw", "CFFEX.IF.HOT_tick_20210104.dsb"))
    rows, codes = wondertrader.rows(ticks)
    table = data.normal(name)
    same_rows(figures, "norm.parquet", rows.table(), table)
    top = merged_tops([feed(table, leg)], "CNY", "point", figures)
    found = quotes.single(top, ticks, leg)
    stats = {"ticks": len(ticks), "codes": dict(codes)}
    stats |= {key: found[key] for key in ("back_ts", "dup_ts")}
    figures.compare(stats, data.meta(name)["decode_stats"], "decode_stats")
    figures.compare({"set": name, **found}, data.golden(name))
    return figures


def last_prints() -> Figures:
    """Compare two exchanges' last prints, stamped to the second."""
    name = "ticks_bitflyer_btcbox_20180812"
    figures = begun(name, 7e5)
    venues = ("bitflyer", "btcbox")
    decoded = [
        texts.prints(
            data.at(name, "raw", f"{each}JPY_2018-08-12_small.csv.gz"), each.upper(), "BTCJPY"
        )
        for each in venues
    ]
    table = data.normal(name)
    same_rows(figures, "norm.parquet", pa.concat_tables([each.table() for each in decoded]), table)
    legs = [Leg(each, each.upper(), "BTCJPY", "0.01") for each in venues]
    feeds = [feed(quotes.as_quotes(table), leg) for leg in legs]
    top = merged_tops(feeds, "JPY", "BTC", figures)
    figures.compare({"set": name, **quotes.prints(top, feeds)}, data.golden(name))
    return figures


def full_books() -> Figures:
    """Compare what two crossed books of one moment would bring, to their last level."""
    name = "snapshot_bitstamp_kraken_2013"
    figures = begun(name, 4e5)
    raw = texts.full_books(data.at(name, "raw", "speed-test.json.gz"))
    table = data.normal(name)
    lot = "0.00000001"
    # A lot at one tick would be less than the finest money: the configuration has a wider tick.
    # Kraken's prices were converted from euros; they have 16 digits, of which 11 places fit the
    # proof that no product of price, size and size leaves 128 bits.
    legs = [
        Leg("BitstampUSD", "BitstampUSD", "BTC", "0.01", lot, stated="0.1"),
        Leg("KrakenEUR", "KrakenEUR", "BTC", "0.00000000001", lot, stated="0.1"),
    ]
    bounds = {
        "BitstampUSD": Bounds(10**8, 2 * 10**13),
        "KrakenEUR": Bounds(15 * 10**12, 14 * 10**10),
    }
    book = market(legs, bounds=bounds)
    counts: Json = {}
    for leg in legs:
        sides = raw[leg.name]
        published(figures, table, leg, sides)
        book.columns(exact_rows(book.id(leg.key), leg, sides), hedges=[])
        counts[leg.name] = {
            "asks": len(sides["asks"]),
            "bids": len(sides["bids"]),
            "sorted_asks": is_sorted([Decimal(each["price"]) for each in sides["asks"]]),
            "sorted_bids": is_sorted([-Decimal(each["price"]) for each in sides["bids"]]),
        }
    ours = {"set": name, "levels": counts, "walk": quotes.two_books(book, legs)}
    figures.compare(ours, data.golden(name))
    return figures


def is_sorted(values: list[Decimal]) -> bool:
    """Return whether values ascend."""
    return values == sorted(values)


def published(figures: Figures, table: pa.Table, leg: Leg, sides: Json) -> None:
    """Compare the published levels with the normalised ones."""
    rows = [row for row in table.to_pylist() if row["venue"] == leg.venue]
    for side, key in (("bid", "bids"), ("ask", "asks")):
        theirs = [(row["price"], row["size"]) for row in rows if row["side"] == side]
        ours = [(float(each["price"]), float(each["amount"])) for each in sides[key]]
        figures.keys["raw_rows"] = figures.keys.get("raw_rows", 0) + len(ours)
        figures.equal(f"{leg.name} {key} as published", ours == theirs, theirs=True)


def exact_rows(number: int, leg: Leg, sides: Json) -> Json:
    """Return one snapshot as columns, out of decimals as printed, each the nearest on the grid."""
    levels = [(side, each) for side, key in ((0, "bids"), (1, "asks")) for each in sides[key]]
    count = len(levels)
    row = np.full(count, 1, dtype=np.uint8)
    row[0], row[-1] = 0, 4

    def steps(key: str, step: str) -> Any:
        numbers = [Decimal(each[key]) / Decimal(step) for _, each in levels]
        return np.array([round(each) for each in numbers], dtype=np.int64)

    return {
        "instrument": np.full(count, number, dtype=np.uint16),
        "side": np.array([side for side, _ in levels], dtype=np.uint8),
        "row": row,
        "price": steps("price", leg.tick),
        "qty": steps("amount", leg.lot),
    }


RUNS: dict[str, Callable[[], Figures]] = {
    "cn_etf_csi300_20231026": funds,
    "cffex_if_20210104": future,
    "ticks_bitflyer_btcbox_20180812": last_prints,
    "snapshot_bitstamp_kraken_2013": full_books,
}

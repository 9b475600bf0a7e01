"""The bar sets: each pair's figures, the library's prices beneath them."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

from golden import data, moments, parity
from golden.bars import HOUR_NS, Joined, Series, joined, pair, series
from golden.book_set import same_rows
from golden.feed import Leg
from golden.figures import Figures
from golden.raw import lean, tables

Json = dict[str, Any]


def begun(name: str, scale: float) -> Figures:
    """Return the comparison of a set with its published form compared."""
    figures = Figures(name, scale)
    figures.leave_out("definition", "a sentence")
    for file, decode in tables.SETS[name].items():
        published = tables.made(decode(data.at(name, "raw")))
        same_rows(figures, file, published, data.normal(name, file))
    return figures


def read(name: str, venue: str, instrument: str, by: str, file: str = "bars.parquet") -> Series:
    """Return the bars of one instrument of a set."""
    return series(data.normal(name, file), venue, instrument, by)


# Two series in one unit and currency


def oil() -> Figures:
    """Compare WTI with Brent; one day WTI was less than nothing."""
    name = "bars_wti_brent_daily"
    figures = begun(name, 100.0)
    wti = read(name, "NYMEX_SPOT", "WTI", "date")
    brent = read(name, "ICE_SPOT", "BRENT", "date")
    found = joined(
        (Leg("wti", "NYMEX_SPOT", "WTI", "0.01"), wti),
        (Leg("brent", "ICE_SPOT", "BRENT", "0.01"), brent),
        "USD",
        "bbl",
    )
    both = set(found.key)
    every = sorted({*zip(wti.key, wti.bid, strict=True), *zip(brent.key, brent.bid, strict=True)})
    ours = {
        "set": name,
        "wti_rows": len(wti),
        "brent_rows": len(brent),
        "wti_only": len(set(wti.key) - both),
        "brent_only": len(set(brent.key) - both),
        "non_positive_dates": [day for day, price in every if price <= 0],
        "pair": pair(found, 60),
    }
    figures.compare(ours, data.golden(name))
    return figures


def simple(
    name: str, legs: tuple[Leg, Leg], money: tuple[str, str], scale: float, window: int = 60
) -> Figures:
    """Compare a set that is one pair of daily closes."""
    figures = begun(name, scale)
    first, second = ((leg, read(name, leg.venue, leg.instrument, "date")) for leg in legs)
    found = joined(first, second, *money)
    figures.compare({"set": name, "pair": pair(found, window)}, data.golden(name))
    return figures


def bybit() -> Figures:
    """Compare minute quotes of spot and perpetual, both ways, and their middles."""
    name = "bars_btc_bybit_spot_linear_20221213"
    figures = begun(name, 20_000.0)
    legs = {
        "spot": Leg("spot", "BYBIT_SPOT", "BTCUSDT", "0.01"),
        "linear": Leg("linear", "BYBIT_LINEAR", "BTCUSDT", "0.5"),
    }
    each = {key: read(name, leg.venue, leg.instrument, "ts_ns") for key, leg in legs.items()}
    found = joined((legs["linear"], each["linear"]), (legs["spot"], each["spot"]), "USDT", "BTC")
    both = {"spot": "linear", "linear": "spot"}
    # The hedge sells the perpetual and buys spot; its other way buys the perpetual.
    edges = {"spot": found.edges[0], "linear": found.edges[1]}
    ours = {
        "set": name,
        "legs": {key: span(one) for key, one in each.items()},
        "pairs": [
            {
                "buy": buy,
                "sell": sell,
                "n": len(found.key),
                "crossed": sum(edge > 0 for edge in edges[buy]),
                "max_edge": max(edges[buy]),
                "max_ts": found.key[edges[buy].index(max(edges[buy]))],
                "mean_edge": moments.mean(edges[buy]),
            }
            for buy, sell in both.items()
        ],
        "mid_pairs": {"linear|spot": pair(found, 60)},
    }
    figures.compare(ours, data.golden(name))
    return figures


def span(one: Series) -> Json:
    """Return how much of its time a series of minutes covers."""
    minutes = (one.key[-1] - one.key[0]) // (60 * 10**9) + 1
    return {
        "rows": len(one),
        "first": one.key[0],
        "last": one.key[-1],
        "missing_minutes": minutes - len(one),
    }


def hsi() -> Figures:
    """Compare three expiries with their index."""
    name = "bars_hsi_index_future_2013"
    figures = begun(name, 20_000.0)
    index = (Leg("index", "HSI", "HSIINDEX", "0.01"), read(name, "HSI", "HSIINDEX", "ts_ns"))
    contracts, pairs = {}, {}
    for expiry in ("201311", "201310", "201312"):
        leg = Leg("future", "HKFE", f"HSI{expiry}", "1")
        future = read(name, leg.venue, leg.instrument, "ts_ns")
        contracts[expiry] = len(future)
        pairs[expiry] = pair(joined((leg, future), index, "HKD", "point"), 20)
    ours = {"set": name, "contracts": contracts, "index_rows": len(index[1]), "pairs": pairs}
    figures.compare(ours, data.golden(name))
    return figures


def gold() -> Figures:
    """Compare spot gold with its expiries, and find the offset of their clocks."""
    name = "bars_gold_spot_comex_2013"
    figures = begun(name, 1300.0)
    spot = (Leg("spot", "OANDA", "XAUUSD", "0.001"), read(name, "OANDA", "XAUUSD", "ts_ns"))
    golden = data.golden(name)

    def against(expiry: str, hours: int) -> Joined:
        leg = Leg("future", "COMEX", f"GC{expiry}", "0.1")
        future = read(name, leg.venue, leg.instrument, "ts_ns")
        return joined((leg, future), spot, "USD", "ozt", shift=-hours * HOUR_NS)

    scan = {}
    for hours in range(-8, 9):
        found = against("201312", hours)
        scan[str(hours)] = {"n": len(found.key), "sd": moments.deviation(found.spread)}
    best = min(scan, key=lambda key: scan[key]["sd"])
    path = data.at(name, "raw", "future_comex_hour_gc_quote.zip")
    members = dict.fromkeys(member for member, _ in lean.members(path))
    expiries = [each.removeprefix("gc_quote_").removesuffix(".csv") for each in members]
    counts = {expiry: len(against(expiry, int(best)).key) for expiry in expiries}
    ours = {
        "set": name,
        "offset_scan": scan,
        "best_offset_h": int(best),
        "contracts": counts,
        "pairs": {key: pair(against(key, int(best)), 20) for key in golden["pairs"]},
    }
    figures.compare(ours, golden)
    return figures


# One pair whose clocks are apart, differently from week to week


def week(stamp: int) -> str:
    """Return the ISO week of a stamp."""
    year, number, _ = datetime.fromtimestamp(stamp // 10**9, tz=UTC).isocalendar()
    return f"{year}-W{number:02d}"


def middles(one: Series) -> dict[int, float]:
    """Return the middle at each stamp."""
    both = zip(one.key, one.bid, one.ask, strict=True)
    return {stamp: (bid + ask) / 2 for stamp, bid, ask in both}


def offsets(first: Series, second: Series, least: int = 24) -> Json:
    """Return by week how many hours to add to the second's stamps so that the middles meet."""
    mine, theirs = middles(first), middles(second)
    weeks: dict[str, list[int]] = defaultdict(list)
    for stamp in theirs:
        weeks[week(stamp)].append(stamp)
    found: Json = {}
    for name, stamps in weeks.items():
        if len(stamps) < least:
            continue
        tried = []
        for hours in range(-15, 16):
            apart = [
                abs(mine[stamp + hours * HOUR_NS] - theirs[stamp])
                for stamp in stamps
                if stamp + hours * HOUR_NS in mine
            ]
            if len(apart) >= least:
                tried.append((moments.mean(apart), hours, len(apart)))
        tried.sort()
        found[name] = {
            "offset_h": tried[0][1],
            "mean_abs": tried[0][0],
            "n": tried[0][2],
            "runner_up": tried[1][0],
        }
    return found


def regimes(weeks: Json) -> list[Json]:
    """Return runs of weeks with one offset."""
    found: list[Json] = []
    for name, each in weeks.items():
        if not found or found[-1]["offset_h"] != each["offset_h"]:
            found.append({"from_week": name, "offset_h": each["offset_h"], "weeks": 0})
        found[-1]["to_week"] = name
        found[-1]["weeks"] += 1
    return found


def eurusd() -> Figures:
    """Compare two brokers' hours: which clock held when, and what is left when it is put right."""
    name = "bars_eurusd_oanda_fxcm_hourly"
    figures = begun(name, 1.0)
    legs = [Leg(venue.lower(), venue, "EURUSD", "0.00001") for venue in ("OANDA", "FXCM")]
    oanda, fxcm = (read(name, leg.venue, leg.instrument, "ts_ns") for leg in legs)
    weeks = offsets(oanda, fxcm)
    moved = aligned(fxcm, weeks)
    # At a change of regime two hours of FXCM meet the same hour of OANDA: both count.
    found = joined((legs[1], moved), (legs[0], oanda), "USD", "EUR")
    naive = joined((legs[0], oanda), (legs[1], fxcm), "USD", "EUR")
    # The hedge sells FXCM and buys OANDA; its other way sells OANDA.
    edges = {"buy_oanda_sell_fxcm": found.edges[0], "buy_fxcm_sell_oanda": found.edges[1]}
    figures.notes.append(f"bars crossed with themselves, which no hedge prices: {found.refused}")
    ours = {
        "set": name,
        "rows": {"oanda": len(oanda), "fxcm": len(fxcm)},
        "regimes": regimes(weeks),
        "weeks": weeks,
        "aligned": {
            "n": len(found.key),
            "mean_abs_mid": moments.mean([abs(each) for each in found.spread]),
            **{
                key: {
                    "crossed": sum(edge > 0 for edge in each),
                    "max": max(each),
                    "max_ts": found.key[each.index(max(each))],
                }
                for key, each in edges.items()
            },
        },
        "naive_same_stamp": {
            "n": len(naive.key),
            "mean_abs_mid": moments.mean([abs(each) for each in naive.spread]),
        },
    }
    figures.compare(ours, data.golden(name))
    return figures


def aligned(one: Series, weeks: Json) -> Series:
    """Return a series with its stamps moved by its week's offset; other weeks are left out."""
    at = [place for place, stamp in enumerate(one.key) if week(stamp) in weeks]
    keys = [one.key[place] + weeks[week(one.key[place])]["offset_h"] * HOUR_NS for place in at]
    return Series(keys, [one.bid[each] for each in at], [one.ask[each] for each in at], [])


# At home and abroad


def crude() -> Figures:
    """Compare Shanghai's crude with Brent in yuan."""
    name = "bars_crude_ine_brent_daily"
    figures = begun(name, 600.0)
    home = read(name, "INE", "SC", "date")
    abroad = read(name, "EIA_SPOT", "BRENT", "date")
    rate = read(name, "ECB", "USDCNY", "date")
    found = parity.plainly(home, abroad, rate)
    parity.by_library(
        figures,
        found,
        (parity.Market(Leg("sc", "INE", "SC", "0.1"), "CNY", "bbl"), home),
        (parity.Market(Leg("brent", "EIA_SPOT", "BRENT", "0.01"), "USD", "bbl"), abroad),
        rate,
    )
    ours = {
        "set": name,
        "rows_domestic": len(home),
        "rows_overseas": len(abroad),
        "domestic_only": len(set(home.key) - set(abroad.key)),
        "overseas_only": len(set(abroad.key) - set(home.key)),
        "pair": pair(found, 60),
    }
    figures.compare(ours, data.golden(name))
    return figures


def copper() -> Figures:
    """Compare Shanghai's copper, without its tax, with London's and New York's in yuan a tonne."""
    name = "bars_copper_shfe_lme_comex_2019"
    figures = begun(name, 45_000.0)
    shfe = read(name, "SHFE", "cu1905", "date", "bars_shfe_daily.parquet")
    lme = read(name, "LME", "CU3M", "date")
    comex = read(name, "COMEX", "HG1", "date")
    rate = read(name, "ECB", "USDCNY", "date")
    home = (parity.Market(Leg("cu", "SHFE", "cu1905", "10"), "CNY", "t", weight="100/116"), shfe)
    london = (parity.Market(Leg("lme", "LME", "CU3M", "0.5"), "USD", "t"), lme)
    to_lme = parity.plainly(shfe, lme, rate, tax=1.16)
    to_comex = parity.plainly(shfe, comex, rate, tax=1.16, factor=parity.POUNDS)
    parity.by_library(figures, to_lme, home, london, rate)
    tonnes = parity.per_tonne(comex, london)
    york = (parity.Market(Leg("hg", "COMEX", "HG1t", "0.000001"), "USD", "t"), tonnes)
    parity.by_library(figures, to_comex, home, york, rate)
    prices = dict(zip(shfe.key, shfe.bid, strict=True))
    both = zip(lme.key, lme.bid, strict=True)
    ratios = [prices[day] / price for day, price in both if day in prices]
    ours = {
        "set": name,
        "shfe_days": len(shfe),
        "vs_lme": pair(to_lme, 20),
        "vs_comex": pair(to_comex, 20),
        "hu_lun_ratio": {
            "mean": moments.mean(ratios),
            "min": min(ratios),
            "max": max(ratios),
            "last": ratios[-1],
        },
        "minute": minutes(read(name, "SHFE", "cu1905", "ts_ns")),
    }
    figures.leave_out("hu_lun_ratio.definition", "a sentence")
    figures.compare(ours, data.golden(name))
    return figures


def minutes(one: Series) -> Json:
    """Return the figures of the minute bars."""
    volumes = [row["volume"] for row in one.rows]
    return {
        "bars": len(one),
        "first": one.key[0],
        "last": one.key[-1],
        "volume": sum(volumes),
        "zero_volume": sum(each == 0 for each in volumes),
        "gaps_gt_1min": sum(b - a > 60 * 10**9 for a, b in pairwise(one.key)),
    }


RUNS: dict[str, Callable[[], Figures]] = {
    "bars_btc_bybit_spot_linear_20221213": bybit,
    "bars_copper_shfe_lme_comex_2019": copper,
    "bars_crude_ine_brent_daily": crude,
    "bars_eurusd_oanda_fxcm_hourly": eurusd,
    "bars_gold_spot_comex_2013": gold,
    "bars_hsi_index_future_2013": hsi,
    "bars_shell_royaldutch_daily": partial(
        simple,
        "bars_shell_royaldutch_daily",
        (Leg("shell", "LSE", "SHELL", "0.01"), Leg("rdp", "AMS", "RDP", "0.01")),
        ("USD", "share"),
        10.0,
    ),
    "bars_wti_brent_daily": oil,
    "bars_wti_spot_future_daily": partial(
        simple,
        "bars_wti_spot_future_daily",
        (Leg("cl", "NYMEX", "CL1", "0.01"), Leg("wti", "EIA_SPOT", "WTI", "0.01")),
        ("USD", "bbl"),
        100.0,
    ),
}

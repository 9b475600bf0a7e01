"""Bars as published: each set's raw files as rows of its `bars*.parquet`."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from golden.raw.lean import bars, midnight
from golden.raw.texts import table

Row = dict[str, Any]

NUMBERS = ("open", "high", "low", "close", "volume", "bid", "ask", "open_interest")
SCHEMA = pa.schema(
    [("ts_ns", pa.int64())]
    + [(key, pa.string()) for key in ("date", "venue", "instrument", "unit")]
    + [(key, pa.float64()) for key in NUMBERS]
)
SECOND = 10**9
HOUR_NS = 3600 * SECOND


def made(rows: Iterator[Row]) -> pa.Table:
    """Return rows as a table; what a row does not name is missing."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def day_ns(date: str) -> int:
    """Return '2018-05-16' at 00:00 UTC as ns."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * SECOND


def head(venue: str, instrument: str, unit: str) -> Row:
    """Return what all rows of an instrument share."""
    return {"venue": venue, "instrument": instrument, "unit": unit}


def daily(
    rows: Iterator[tuple[str, dict[str, float]]], of: Row, first: str = "", last: str = "9"
) -> Iterator[Row]:
    """Yield daily rows whose date lies between two."""
    for date, numbers in rows:
        if first <= date <= last:
            yield {"ts_ns": day_ns(date), "date": date, **of, **numbers}


def column(path: Path, date: str, value: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield one column of a table as closes."""
    for row in table(path):
        if row[value]:
            yield row[date][:10], {"close": float(row[value])}


def fixings(path: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield yuan for a dollar, out of both for a euro."""
    for row in table(path):
        if row["CNY_per_EUR"] and row["USD_per_EUR"]:
            yield row["date"], {"close": float(row["CNY_per_EUR"]) / float(row["USD_per_EUR"])}


def numbered(
    path: Path, keys: dict[str, str], date: Callable[[dict[str, str]], str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield several columns of a table under our names."""
    for row in table(path):
        numbers = {ours: row[theirs] for ours, theirs in keys.items() if row[theirs]}
        yield date(row), {ours: float(text) for ours, text in numbers.items()}


OHLC = {key: key for key in ("open", "high", "low", "close", "volume")}


def shfe(path: Path) -> Iterator[Row]:
    """Yield bars of Shanghai copper; the date is that of its own clock."""
    of = head("SHFE", "cu1905", "CNY/t")
    # The last bar was still open when it was recorded.
    for row in list(table(path))[:-1]:
        stamp = int(row["datetime_ns"])
        moment = datetime.fromtimestamp((stamp + 8 * HOUR_NS) // SECOND, tz=UTC)
        numbers = {ours: float(row[theirs]) for ours, theirs in OHLC.items()}
        interest = {"open_interest": float(row["close_oi"])}
        yield {"ts_ns": stamp, "date": f"{moment:%Y-%m-%d}", **of, **numbers, **interest}


def copper(raw: Path) -> Iterator[Row]:
    """Yield minute bars of Shanghai, then daily ones of London, New York and the rate."""
    yield from shfe(raw / "SHFE.cu1905_60s_b555a35.csv.gz")
    first, last = "2018-05-16", "2019-04-18"
    lme = {"close": "three_month", "open_interest": "lme_stock"}
    rows = numbered(raw / "lme_copper.csv.gz", lme, lambda row: row["date"])
    yield from daily(rows, head("LME", "CU3M", "USD/t"), first, last)
    comex = {key: key.title() for key in OHLC}
    rows = numbered(raw / "comex_HG.csv.gz", comex, lambda row: row["Date"][:10])
    yield from daily(rows, head("COMEX", "HG1", "USD/lb"), first, last)
    rate = head("ECB", "USDCNY", "CNY/USD")
    yield from daily(fixings(raw / "ecb_eurofxref_subset.csv.gz"), rate, first, last)


def crude(raw: Path) -> Iterator[Row]:
    """Yield daily bars of Shanghai crude, Brent and the rate."""
    first, last = "2018-03-26", "2026-07-02"
    keys = {**OHLC, "open_interest": "hold"}
    rows = numbered(raw / "SC0.csv.gz", keys, lambda row: row["date"])
    yield from daily(rows, head("INE", "SC", "CNY/bbl"))
    brent = column(raw / "brent-daily.csv.gz", "Date", "Price")
    yield from daily(brent, head("EIA_SPOT", "BRENT", "USD/bbl"), first, last)
    rate = head("ECB", "USDCNY", "CNY/USD")
    yield from daily(fixings(raw / "ecb_eurofxref_subset.csv.gz"), rate, first, last)


def oil(raw: Path) -> Iterator[Row]:
    """Yield daily prices of WTI and Brent."""
    for file, venue, name in (("wti", "NYMEX_SPOT", "WTI"), ("brent", "ICE_SPOT", "BRENT")):
        rows = column(raw / f"{file}-daily.csv.gz", "Date", "Price")
        yield from daily(rows, head(venue, name, "USD/bbl"))


def spot_future(raw: Path) -> Iterator[Row]:
    """Yield the future's settlement, then the spot of days on which both are there."""
    settled = numbered(raw / "cl.csv.gz", {"close": "PX_SETTLE"}, lambda row: us(row["Dates"]))
    futures = list(settled)
    yield from daily(iter(futures), head("NYMEX", "CL1", "USD/bbl"))
    known = {date for date, _ in futures}
    spot = (row for row in column(raw / "wti-daily.csv.gz", "Date", "Price") if row[0] in known)
    yield from daily(spot, head("EIA_SPOT", "WTI", "USD/bbl"))


def us(date: str) -> str:
    """Return '1/3/1994' as '1994-01-03'."""
    month, day, year = date.split("/")
    return f"{year}-{month:0>2}-{day:0>2}"


def twins(raw: Path) -> Iterator[Row]:
    """Yield daily closes of both shares of Shell where both are there; dates are day first."""
    days = [row for row in table(raw / "shell-rdp-close_USD.csv.gz") if row["Shell"] and row["RDP"]]
    for venue, name, key in (("LSE", "SHELL", "Shell"), ("AMS", "RDP", "RDP")):
        for row in days:
            date = "-".join(reversed(row["Date"].split("/")))
            of = head(venue, name, "USD")
            yield {"ts_ns": day_ns(date), "date": date, **of, "close": float(row[key])}


def quoted(path: Path, of: Row, day: str | None = None) -> Iterator[Row]:
    """Yield Lean's quote bars by closing bid and ask; the close is their middle."""
    for bar in bars(path, day):
        values = bar.prices
        bid, ask = values[3], values[8]
        row = {"ts_ns": bar.stamp, "date": day or "", **of, "close": (bid + ask) / 2}
        if day is not None:
            both = zip(("open", "high", "low"), values[0:3], values[5:8], strict=True)
            row |= {key: (low + high) / 2 for key, low, high in both}
        yield {**row, "bid": bid, "ask": ask}


def bybit(raw: Path) -> Iterator[Row]:
    """Yield minute quotes of spot and of the linear perpetual."""
    for prefix, venue in (("crypto", "BYBIT_SPOT"), ("cryptofuture", "BYBIT_LINEAR")):
        path = raw / f"{prefix}_bybit_minute_btcusdt_20221213_quote.zip"
        yield from quoted(path, head(venue, "BTCUSDT", "USDT"), "20221213")


def eurusd(raw: Path) -> Iterator[Row]:
    """Yield hourly quotes of two brokers, each with its file's own stamp."""
    unit = "quote per base; ts is the FILE stamp read as UTC (not corrected)"
    for venue in ("OANDA", "FXCM"):
        path = raw / f"{venue.lower()}_eurusd_hour_2009_2010.csv.gz"
        yield from quoted(path, head(venue, "EURUSD", unit))


def gold(raw: Path) -> Iterator[Row]:
    """Yield hourly quotes of spot gold and of every expiry, no later than those of spot."""
    yield from quoted(raw / "xauusd_oanda_hour_201310.csv.gz", head("OANDA", "XAUUSD", "USD/oz"))
    for bar in bars(raw / "future_comex_hour_gc_quote.zip"):
        expiry = bar.member.removeprefix("gc_quote_").removesuffix(".csv")
        bid, ask = bar.prices[3], bar.prices[8]
        if bar.stamp < midnight("20131101"):
            of = head("COMEX", f"GC{expiry}", "USD/oz")
            yield {
                "ts_ns": bar.stamp,
                "date": "",
                **of,
                "close": (bid + ask) / 2,
                "bid": bid,
                "ask": ask,
            }


def hsi(raw: Path) -> Iterator[Row]:
    """Yield hourly trades of three expiries and the index; the files' clock is Hong Kong's."""
    for bar in bars(raw / "future_hkfe_hour_hsi_trade.zip"):
        expiry = bar.member.removeprefix("hsi_trade_").removesuffix(".csv")
        yield hong_kong(bar.stamp, bar.prices, head("HKFE", f"HSI{expiry}", "pt"))
    for bar in bars(raw / "index_hkfe_hour_hsi.zip"):
        yield hong_kong(bar.stamp, bar.prices, head("HSI", "HSIINDEX", "pt"))


def hong_kong(stamp: int, prices: tuple[float, ...], of: Row) -> Row:
    """Return a bar stamped in Hong Kong as one stamped in UTC."""
    numbers = dict(zip(OHLC, prices, strict=True))
    return {"ts_ns": stamp - 8 * HOUR_NS, "date": "", **of, **numbers}


SETS: dict[str, dict[str, Callable[[Path], Iterator[Row]]]] = {
    "bars_btc_bybit_spot_linear_20221213": {"bars.parquet": bybit},
    "bars_copper_shfe_lme_comex_2019": {
        "bars.parquet": copper,
        "bars_shfe_daily.parquet": lambda raw: shfe(raw / "SHFE.cu1905_86400s_b555a35.csv.gz"),
    },
    "bars_crude_ine_brent_daily": {"bars.parquet": crude},
    "bars_eurusd_oanda_fxcm_hourly": {"bars.parquet": eurusd},
    "bars_gold_spot_comex_2013": {"bars.parquet": gold},
    "bars_hsi_index_future_2013": {"bars.parquet": hsi},
    "bars_shell_royaldutch_daily": {"bars.parquet": twins},
    "bars_wti_brent_daily": {"bars.parquet": oil},
    "bars_wti_spot_future_daily": {"bars.parquet": spot_future},
}

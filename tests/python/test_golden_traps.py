"""Traps of recorded data: each with its guard, and what comes out where the guard is taken away."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import cross_market as cm
from cross_market.research import recording, rows
from golden import bar_sets, book_sets, data, etf, ladders, parity, quotes
from golden.books import state_at
from golden.data import ROOT
from golden.feed import NONE, Feed, Leg, feed, merge
from golden.market import config, levels, market, replay
from golden.recorded import load
from golden.states import Tops, crossings, latencies, tops

pytestmark = pytest.mark.skipif(
    data.data_folder() is None, reason="the recorded markets, ../shared/data, are not there"
)

BTC = "binance_btc_20240808"
FUNDS = "cn_etf_csi300_20231026"
FX = "fx_eurusd_20140508"
OKX = "okx_20220513"
PRINTS = "ticks_bitflyer_btcbox_20180812"

SECOND = 10**9


def nothing(*_: object) -> None:
    """Stand where a guard stood."""


def legs_of(name: str) -> list[Leg]:
    """Return the legs of a set that is merged by a clock."""
    return next(each for each in book_sets.SETS if each.name == name).legs


# Stamps as floats


def binance_config() -> cm.Config:
    """Return the configuration of the example, spot against perpetual."""
    return cm.Config.load(ROOT / "examples" / "btc_spot_perpetual.toml")


def spot_latency(spot: pa.Table) -> int:
    """Return the median latency of spot as the library's loader has its stamps."""
    feeds = dict.fromkeys(("BINANCE_SPOT", "BINANCE_USDM"), 0)
    both = [spot, data.normal(BTC, "norm_usdm.parquet")]
    found = load(both, binance_config(), feeds)
    # The loader moves the venue's stamps to our clock; moved back, they are the file's.
    mine = (found.columns["instrument"] == 0) & (found.columns["row"] >= 3)
    exchange = found.columns["exchange"][mine] + found.ahead_ns["BINANCE_SPOT"]
    took = latencies(exchange[1:], found.columns["receive"][mine][1:], NONE)
    assert took is not None
    return int(took["p50"])


def test_stamps_that_became_floats_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = spot_latency(data.normal(BTC, "norm_spot.parquet"))
    assert exact == data.golden(BTC)["l2"]["legs"][0]["latency_ns"]["p50"]
    # Plain pandas makes floats of a column of integers in which some are missing.
    plain = pq.read_table(data.at(BTC, "norm_spot.parquet")).to_pandas()
    floats = pa.Table.from_pandas(plain, preserve_index=False)
    with pytest.raises(cm.InputTypeError) as caught:
        spot_latency(floats)
    assert caught.value.field == "data, ts_exchange_ns"
    monkeypatch.setattr(rows, "prove_numbers", nothing)
    assert spot_latency(floats) != exact


# Stale sides


def fund_config(age: str) -> cm.Config:
    """Return a hedge of both funds that enters 18 basis points away from their usual ratio."""
    legs = []
    accounts = {}
    for venue, name, side, weight in (
        ("SSE", "SSE.510300", "sell", "1"),
        ("SZSE", "SZSE.159919", "buy", "0.98180565"),
    ):
        accounts[venue] = cm.Account(
            venue.lower(), venue=venue, currency="CNY", island="cn", flag="arbitrage"
        )
        fund = cm.Instrument(
            name,
            venue=venue,
            product="csi300",
            size="1 share",
            quote="CNY/share",
            tick="0.001",
            settlement="upfront",
            fees=cm.Fees(open=cm.Fee(rate="0")),
            price_max="100",
            qty_max="100000000",
        )
        legs.append(cm.Leg(fund, side=side, account=accounts[venue], weight=weight))
    hedge = cm.Hedge(
        "funds",
        legs=legs,
        unit="share",
        currency="CNY",
        basis="physical",
        signal=cm.Ratio(enter="1.0018", exit="1.0001"),
        size=cm.Size(clip=1000, max=1000, overnight=1000, holiday=1000),
        execution=cm.Simultaneous(
            max_residual="100 share",
            live_residual="3000 share",
            finish_within="2 s",
            repair=cm.Unwind(),
            max_loss="1000 CNY",
        ),
    )
    limits = cm.limits.template("small desk")
    for leg in legs:
        limits = limits.for_instrument(leg.instrument.name, age=age, skew=age)
    venues = [cm.Venue(name, netting="net") for name in accounts]
    return cm.Config(venues=venues, accounts=list(accounts.values()), hedges=[hedge], limits=limits)


def fund_run(age: str) -> cm.Result:
    """Simulate the minutes around the end of the recorder's longest outage."""
    first, last = 1_698_286_170 - 1440, 1_698_286_170 + 60
    tables = []
    for venue in ("SSE", "SZSE"):
        table = data.normal(FUNDS, f"norm_{venue}.parquet")
        stamp = table["ts_exchange_ns"]
        inside = pc.and_(pc.greater_equal(stamp, first * SECOND), pc.less(stamp, last * SECOND))
        tables.append(table.filter(inside))
    latency = cm.Latency("1 ms")
    world = cm.SimVenues(
        venues=[
            cm.SimVenue(venue, order=latency, report=latency, feed=latency)
            for venue in ("SSE", "SZSE")
        ],
        balances=[cm.Balance(name, amount="100000 CNY") for name in ("sse", "szse")],
        holdings=[cm.Holding(account="sse", instrument="SSE.510300", size="10000", price="3.5")],
    )
    return cm.simulate(fund_config(age), tables, venues=world)


def test_a_stale_side_trades_nothing() -> None:
    # One leg resumes 2 s before the other: its price meets one that is 24 minutes old.
    guarded = fund_run("4 s")
    assert guarded.attempts.num_rows == 0
    refused = set(guarded.refusals["refusal"].to_pylist())
    assert refused & {"stale", "skewed"}
    without = fund_run("1 h")
    assert without.attempts["kind"].to_pylist()[:1] == ["enter"]
    assert without.attempts["started_ns"].to_pylist()[0] // SECOND == 1_698_286_182


@pytest.fixture(scope="module")
def funds() -> Tops:
    """Best prices of both funds after every message."""
    legs = [Leg("a", "SSE", "510300", "0.001"), Leg("b", "SZSE", "159919", "0.001")]
    feeds = [feed(data.normal(FUNDS, f"norm_{leg.venue}.parquet"), leg) for leg in legs]
    merged = merge(feeds, "exchange")
    return tops(merged, replay(market(legs, "CNY", "share"), merged))


def test_the_largest_ratio_is_an_artefact_of_a_stale_side(funds: Tops) -> None:
    largest = {}
    for stale in (None, etf.STALE_NS):
        figures, _ = etf.ratio(funds, stale)
        largest[stale] = (
            round(figures["sellA_buyB"]["max_bps"], 1),
            figures["sellA_buyB"]["max_at"],
        )
    assert largest == {
        None: (22.1, "10:09:42.000"),
        etf.STALE_NS: (13.5, "13:00:00.000"),
    }


# Units


def test_funds_with_different_units_are_not_compared_as_they_stand(funds: Tops) -> None:
    # Called one unit, the cheaper fund is always "below" the dearer one.
    naive = crossings(funds)["pairs"][0]
    assert naive["crossed_events"] == 8040 == crossings(funds)["evaluated"]
    # Called by their own units they are refused: a share of one is none of the other.
    a, b = (
        cm.Instrument(
            leg.key,
            venue=leg.venue,
            product="csi300",
            size=f"1 {unit}",
            quote=f"CNY/{unit}",
            tick="0.001",
            settlement="upfront",
            fees=cm.Fees(open=cm.Fee(rate="0")),
        )
        for leg, unit in zip(
            (each.leg for each in funds.merged.feeds), ("NAVSSE", "NAVSZSE"), strict=True
        )
    )
    accounts = [
        cm.Account(v.lower(), venue=v, currency="CNY", island="cn", flag="arbitrage")
        for v in ("SSE", "SZSE")
    ]
    plain = fund_config("4 s").hedges[0]
    sizes = {"max_residual": "100 NAVSSE", "live_residual": "3000 NAVSSE"}
    with pytest.raises(cm.ConfigError, match="1 NAVSZSE"):
        replace(
            plain,
            unit="NAVSSE",
            execution=replace(plain.execution, **sizes),
            legs=[
                cm.Leg(a, side="sell", account=accounts[0]),
                cm.Leg(b, side="buy", account=accounts[1]),
            ],
        )
    # Weighted by their usual ratio, the hedge is far from always crossed.
    hedge = cm.Market(fund_config("4 s"))
    found = replay(hedge, funds.merged)
    valid = found["valid"][:, 0]
    share = (found["enter"][:, 0][valid] > 0).mean()
    assert 0.4 < share < 0.6


def test_a_pound_is_no_tonne() -> None:
    name = "bars_copper_shfe_lme_comex_2019"
    comex = bar_sets.read(name, "COMEX", "HG1", "date")
    lme = bar_sets.read(name, "LME", "CU3M", "date")
    london = (parity.Market(Leg("lme", "LME", "CU3M", "0.5"), "USD", "t"), lme)
    tonnes = parity.per_tonne(comex, london)
    for pound, tonne in zip(comex.bid, tonnes.bid, strict=True):
        assert abs(tonne / pound / parity.POUNDS - 1) < 1e-11
    # Called a tonne, it stays a pound's price: three thousandths of London's.
    wrongly = parity.Market(Leg("hg", "COMEX", "HG1", "0.00000000001"), "USD", "t")
    found = parity.compared(london, (wrongly, comex), None)
    assert max(b / a for a, b in zip(found.a, found.b, strict=True)) < 0.001
    # Barrels are no tonnes at all.
    with pytest.raises(cm.ConfigError, match="mass"):
        parity.compared(london, (replace(wrongly, unit="bbl"), comex), None)


# Clocks


def okx_feeds(offset_ns: int = 0) -> tuple[pa.Table, list[Leg]]:
    """Return OKX's rows, its exchange stamps moved."""
    table = data.normal(OKX)
    at = table.column_names.index("ts_exchange_ns")
    moved = pc.add(table["ts_exchange_ns"], offset_ns)
    return table.set_column(at, "ts_exchange_ns", moved), legs_of(OKX)


def test_a_clock_that_is_ahead_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    legs = legs_of(BTC)
    tables = [data.normal(BTC, f"norm_{leg.name}.parquet") for leg in legs]
    made = config(legs, "USD", "BTC")
    feeds = {leg.venue: 1_000_000 for leg in legs}
    found = load(tables, made, feeds)
    reference = [each["latency_ns"]["min"] for each in data.golden(BTC)["l2"]["legs"]]
    for leg, least in zip(legs, reference, strict=True):
        assert found.ahead_ns[leg.venue] == 1_000_000 - least
        assert 1.26e9 < found.ahead_ns[leg.venue] < 1.28e9
    assert (found.columns["receive"] - found.columns["exchange"]).min() >= 1_000_000
    # Without it every message would have been received before it was sent: nothing took any time.
    monkeypatch.setattr(recording, "clocks", lambda *_: dict.fromkeys(feeds, 0))
    found = load(tables, made, feeds)
    took = found.columns["receive"] - found.columns["exchange"]
    assert took[found.columns["instrument"] > 0].max() == 0


def test_a_clock_that_is_behind_only_makes_messages_older() -> None:
    # OKX's messages took 0.11 to 0.32 s; a clock another 5 s behind is nobody's future.
    for behind in (0, 5 * SECOND):
        table, legs = okx_feeds(-behind)
        found = load(table, config(legs, "USD", "BTC"), {"OKX": 0})
        took = found.columns["receive"] - found.columns["exchange"]
        assert found.ahead_ns == {"OKX": 0}
        assert took.min() == 109_457_200 + behind


def fx_tops(moved_hours: int) -> Tops:
    """Return best prices of both brokers, FXCM's stamps moved by whole hours."""
    feeds = []
    for leg, hours in zip(legs_of(FX), (0, moved_hours), strict=True):
        one = feed(data.normal(FX, f"norm_{leg.name}.parquet"), leg)
        feeds.append(replace(one, exchange=one.exchange + hours * 3600 * SECOND))
    merged = merge(feeds, "exchange")
    return tops(merged, replay(market(legs_of(FX), "USD", "EUR"), merged, hedges=[]))


def test_a_clock_that_is_hours_off_crosses_everything() -> None:
    apart = {}
    for hours in (-5, 0, 1):
        top = fx_tops(hours)
        figures = crossings(top)
        grid = np.arange(top.merged.stamp[0] + 6 * 3600 * SECOND, top.merged.stamp[-1], SECOND)
        grid = grid[: len(grid) // 2]
        between = quotes.middles(top, 0, grid) - quotes.middles(top, 1, grid)
        apart[hours] = float(np.abs(between).mean())
        counts = [each["crossed_events"] for each in figures["pairs"]]
        # Read as UTC, which is 5 hours wrong, or in another zone, one broker is always "cheap".
        assert counts == [416, 384] if hours == 0 else sum(counts) > 0.8 * figures["evaluated"]
    # What tells the true offset: there the middles differ least, by far.
    assert apart[0] < min(apart[-5], apart[1]) / 10


def test_the_regime_of_an_hourly_clock_is_found() -> None:
    name = "bars_eurusd_oanda_fxcm_hourly"
    oanda, fxcm = (bar_sets.read(name, venue, "EURUSD", "ts_ns") for venue in ("OANDA", "FXCM"))
    found = bar_sets.regimes(bar_sets.offsets(oanda, fxcm))
    assert [each["offset_h"] for each in found] == [10, 9, 5]
    golden = data.golden(name)
    assert golden["naive_same_stamp"]["mean_abs_mid"] > 90 * golden["aligned"]["mean_abs_mid"]


# Stamps of whole seconds


def prints_mean(table: pa.Table) -> float:
    """Return the mean difference of last prints, in the order in which the library loads them."""
    quoted = quotes.as_quotes(table)
    sized = quoted.set_column(
        quoted.column_names.index("size"), "size", pa.array(np.ones(quoted.num_rows))
    )
    legs = [Leg(name, name.upper(), "BTCJPY", "0.01") for name in ("bitflyer", "btcbox")]
    made = config(legs, "JPY", "BTC")
    found = load(sized, made, {leg.venue: 0 for leg in legs})
    state = cm.Market(made).columns(found.columns)
    # Locked quotes: the hedge's difference is that of the prints.
    valid = state["valid"][:, 0]
    return float(state["enter"][:, 0][valid].mean() / cm.Market(made).denominator(0))


def test_ties_of_whole_seconds_keep_the_order_of_the_legs(monkeypatch: pytest.MonkeyPatch) -> None:
    table = data.normal(PRINTS)
    exact = data.golden(PRINTS)["mean"]
    assert prints_mean(table) == pytest.approx(exact, rel=1e-12)

    def backwards(values: Any, **_: object) -> Any:  # noqa: ANN401
        leg = np.cumsum(np.append(0, np.diff(values) < 0))
        return np.lexsort((np.arange(len(values)), -leg, values))

    monkeypatch.setattr(np, "argsort", backwards)
    assert prints_mean(table) != pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("per_second", [1, 1000, 1_000_000])
def test_stamps_of_seconds_called_ns_are_refused(per_second: int) -> None:
    table = data.normal(PRINTS).slice(0, 100)
    at = table.column_names.index("ts_exchange_ns")
    stamps = pc.divide(table["ts_exchange_ns"], SECOND // per_second)
    wrongly = quotes.as_quotes(table.set_column(at, "ts_exchange_ns", stamps))
    size = wrongly.column_names.index("size")
    wrongly = wrongly.set_column(size, "size", pa.array(np.ones(wrongly.num_rows)))
    legs = [Leg("bitflyer", "BITFLYER", "BTCJPY", "0.01"), Leg("other", "OTHER", "X", "0.01")]
    with pytest.raises(cm.ConfigError, match="ns since the Unix epoch"):
        load(wrongly, config(legs, "JPY", "BTC"), {"BITFLYER": 0, "OTHER": 0})


# Inverse contracts


def inverse_contract() -> cm.Instrument:
    """Return Binance's coin-margined perpetual: 100 dollars, settled in bitcoin."""
    return cm.Instrument(
        "BINANCE_COINM.BTCUSD_PERP",
        venue="BINANCE_COINM",
        product="BTC",
        size="100 USD",
        quote="USD/BTC",
        tick="0.1",
        settlement="coin",
        fees=cm.Fees(open=cm.Fee(rate="0")),
        margin=cm.Margin(long="0.1", short="0.1"),
    )


def test_a_leg_on_an_inverse_contract_is_refused() -> None:
    account = cm.Account(
        "coinm", venue="BINANCE_COINM", currency="BTC", island="one", flag="arbitrage"
    )
    with pytest.raises(cm.ConfigError, match="linear"):
        cm.Leg(inverse_contract(), side="buy", account=account)
    # Called linear, its size is no amount of bitcoin.
    with pytest.raises(cm.ConfigError, match="BTC"):
        replace(inverse_contract(), settlement="daily_vm")


def test_an_inverse_contract_read_as_linear_prices_another_size() -> None:
    legs = legs_of(OKX)
    feeds: list[Feed] = [feed(data.normal(OKX), leg) for leg in legs]
    merged = merge(feeds, "receive")
    row = data.grid(OKX)[3]
    book = market(legs)
    cut = int(merged.last[state_at(merged, int(row["ts_ns"]))]) + 1
    book.columns({key: np.ascontiguousarray(each[:cut]) for key, each in merged.columns.items()})
    key = "exec_buy_spot_sell_may27_q1"

    def edge(future: Leg) -> Fraction:
        paid = ladders.average(book, legs[0], "buy", "1")
        got = ladders.average(book, future, "sell", "1")
        assert paid is not None
        assert got is not None
        return got - paid

    assert float(edge(legs[1])) == pytest.approx(float(row[key]), abs=1e-9)
    linear = replace(legs[1], inverse=False, mult=1)
    assert abs(float(edge(linear)) - float(row[key])) > 0.2


# Books that are crossed with themselves


def test_a_tick_with_a_negative_spread_prices_nothing() -> None:
    leg = legs_of(FX)[1]
    table = data.normal(FX, "norm_fxcm.parquet").slice(0, 40_000)
    one = feed(table, leg)
    bids, asks = one.columns["price"][::2], one.columns["price"][1::2]
    at = int(np.argmax(bids > asks))
    assert bids[at] > asks[at]
    other = Leg("other", "OTHER", "EURUSD", "0.00001")
    book = market([leg, other], "USD", "EUR")
    book.level(1, 0, int(asks[at]) - 10, 1)
    book.level(1, 1, int(asks[at]) - 9, 1)
    rows_of = {key: each[: 2 * at] for key, each in one.columns.items()}
    number = np.zeros(2 * at, dtype=np.uint16)
    book.columns({**rows_of, "instrument": number})
    assert book.state(leg.key) == "whole"
    assert book.merged(0) is not None
    tick = {key: each[2 * at : 2 * at + 2] for key, each in one.columns.items()}
    book.columns({**tick, "instrument": number[:2]})
    # The levels are there for all to see; they are no price, and nothing is walked.
    assert book.state(leg.key) == "crossed"
    assert book.touch(leg.key) is None
    assert book.merged(0) is None
    assert book.walk(leg.key, "buy", 1) == (0, 0)
    assert levels(book, leg, 5) == ([(int(bids[at]), 1)], [(int(asks[at]), 1)])


# Prices and sizes that are not on the grid


def test_a_size_finer_than_the_lot_is_refused_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    # The venue's step is 0.00001 BTC, and a few levels of the recording are finer.
    table = data.normal(BTC, "norm_spot.parquet")
    coarse = replace(legs_of(BTC)[0], lot="0.00001")
    with pytest.raises(cm.ConfigError, match=r"a whole multiple of 0\.00001"):
        feed(table, coarse)
    exact = feed(table, legs_of(BTC)[0]).columns["qty"]

    def rounded(values: Any, step: str, what: str) -> Any:  # noqa: ANN401
        del what
        return np.rint(values / float(step)).astype(np.int64)

    monkeypatch.setattr("golden.feed.to_grid", rounded)
    odd = feed(table, coarse).columns["qty"] * 10 != exact
    assert odd.sum() == 3

"""W4 and W4p by peers: recorded messages through an engine, and a strategy that counts crossings.

They end with the number of messages told and of those with a cross spread above one tick. A peer
that calls before both books are there, or at another moment of a message, may differ by a few; what
it counted is printed.
"""

from decimal import Decimal
from typing import Any

import numpy as np

import cross_market as cm
from turns import Ends, Way
from workload import Workload, config

Ways = dict[str, Way]


def ours_in_core(work: Workload) -> Ends:
    """W4: columns in; the crossings are counted in the columns that come out."""
    market = cm.Market(config())
    calls = hits = 0
    over = market.denominator(0)
    for columns in work.messages:
        yield None
        found = market.columns(columns, hedges=("h",))
        better = np.maximum(found["enter"][:, 0], -found["exit"][:, 0])
        hits += int((found["valid"][:, 0] & (better > over)).sum())
        calls += len(better)
    yield None
    return calls, hits


def hftbacktest(work: Workload) -> Ways:
    """Two assets, `wait_next_feed` at each event, the strategy compiled by numba."""
    from hftbacktest import (
        BUY_EVENT,
        DEPTH_EVENT,
        EXCH_EVENT,
        LOCAL_EVENT,
        SELL_EVENT,
        BacktestAsset,
        ROIVectorMarketDepthBacktest,
    )
    from hftbacktest.types import event_dtype
    from numba import njit

    events = []
    for market in (0, 1):
        rows = work.records[work.records["market"] == market]
        made = np.zeros(len(rows), event_dtype)
        side = np.where(rows["side"] == 0, BUY_EVENT, SELL_EVENT)
        made["ev"] = (EXCH_EVENT | LOCAL_EVENT | DEPTH_EVENT) | side
        made["exch_ts"], made["local_ts"] = rows["exchange"], rows["receive"]
        made["px"], made["qty"] = rows["price"], rows["lots"]
        events.append(made)

    def asset(rows: Any) -> Any:  # noqa: ANN401
        return (
            BacktestAsset()
            .data(rows)
            .linear_asset(1.0)
            .constant_order_latency(1_000_000, 1_000_000)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(1.0)
            .lot_size(1.0)
            .last_trades_capacity(0)
            .roi_lb(float(work.low))
            .roi_ub(float(work.low + work.slots))
        )

    @njit  # type: ignore[untyped-decorator]
    def run(engine: Any) -> tuple[int, int]:  # noqa: ANN401
        calls = hits = 0
        while engine.wait_next_feed(False, 10**16) != 1:  # noqa: FBT003
            calls += 1
            one, two = engine.depth(0), engine.depth(1)
            enter = one.best_bid_tick - two.best_ask_tick
            if enter > 1 or two.best_bid_tick - one.best_ask_tick > 1:
                hits += 1
        return calls, hits

    def ends() -> Ends:
        engine = ROIVectorMarketDepthBacktest([asset(rows) for rows in events])
        yield None
        found = run(engine)
        yield None
        engine.close()
        return tuple(found)

    return {"W4": ends}


def nautilus(work: Workload) -> Ways:
    """BacktestEngine with a message an event and the strategy in Python."""
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, StrategyConfig
    from nautilus_trader.model.currencies import BTC, USDT
    from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas
    from nautilus_trader.model.enums import AccountType, BookAction, BookType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CryptoPerpetual
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy

    venues = ["VENA", "VENB"]
    ids = [InstrumentId.from_str(f"BTCUSDT.{venue}") for venue in venues]
    instruments = [
        CryptoPerpetual(
            instrument_id=each,
            raw_symbol=Symbol("BTCUSDT"),
            base_currency=BTC,
            quote_currency=USDT,
            settlement_currency=USDT,
            is_inverse=False,
            price_precision=0,
            size_precision=0,
            price_increment=Price.from_str("1"),
            size_increment=Quantity.from_str("1"),
            ts_event=0,
            ts_init=0,
            margin_init=Decimal("0.05"),
            margin_maint=Decimal("0.02"),
            maker_fee=Decimal(0),
            taker_fee=Decimal(0),
        )
        for each in ids
    ]

    class Crossings(Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(StrategyConfig(strategy_id="S-1"))
            self.calls = self.hits = 0

        def on_start(self) -> None:
            for each in ids:
                self.subscribe_order_book_deltas(each, BookType.L2_MBP)

        def on_order_book_deltas(self, deltas: Any) -> None:  # noqa: ANN401
            self.calls += 1
            one, two = (self.cache.order_book(each) for each in ids)
            bid, ask = one.best_bid_price(), one.best_ask_price()
            there, back = two.best_bid_price(), two.best_ask_price()
            if bid is None or ask is None or there is None or back is None:
                return
            if (
                bid.as_double() - back.as_double() > 1.5
                or there.as_double() - ask.as_double() > 1.5
            ):
                self.hits += 1

    tick, lot = Price(1, 0).raw, Quantity(1, 0).raw
    sides = [OrderSide.BUY, OrderSide.SELL]
    messages, rows = [], []
    for exchange, receive, price, lots, _, at, side, is_last, _ in work.records.tolist():
        what = BookAction.UPDATE if lots else BookAction.DELETE
        flags = 128 if is_last else 0
        raw = (price * tick, 0, lots * lot, 0, 0, flags, 0, exchange, receive)
        rows.append(OrderBookDelta.from_raw(ids[at], what, sides[side], *raw))
        if is_last:
            messages.append(OrderBookDeltas(ids[at], rows))
            rows = []

    def ends() -> Ends:
        logging = LoggingConfig(bypass_logging=True)
        engine = BacktestEngine(BacktestEngineConfig(logging=logging, run_analysis=False))
        for venue in venues:
            engine.add_venue(
                venue=Venue(venue),
                oms_type=OmsType.NETTING,
                account_type=AccountType.MARGIN,
                base_currency=None,
                starting_balances=[Money(1_000_000, USDT)],
                book_type=BookType.L2_MBP,
            )
        for each in instruments:
            engine.add_instrument(each)
        engine.add_data(messages)
        strategy = Crossings()
        engine.add_strategy(strategy)
        yield None
        engine.run()
        yield None
        ended = (strategy.calls, strategy.hits)
        engine.dispose()
        return ended

    return {"W4p": ends}


PEERS = {"hftbacktest": hftbacktest, "nautilus": nautilus}

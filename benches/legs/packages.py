"""Packages of others, driven by their own classes; imported only when they are asked for.

What stands around them is a gateway that tells orders and trades as the venue does, and nothing
that would mend what they do.
"""

import contextlib
import importlib
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from legs.models import ChaseForever, Legs
from legs.schedule import SECOND, Schedule
from legs.venue import Model, Order, Trade

Make = Callable[[Schedule], Model]


def vnpy_spreadtrading() -> Make:
    """SpreadAlgoEngine, SpreadTakerAlgo and SpreadData of vnpy_spreadtrading, unmodified.

    payup 10 and interval 5 are what its BasicSpreadStrategy begins with; the bound is the spread of
    the decision. The gateway tells the trade before the order it belongs to, which lets the
    algorithm hedge at once; a refused cancel is told to nobody, as its CTP gateway does.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        # It keeps settings and logs in a folder of this name, or in the user's home.
        Path(".vntrader").mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            base = importlib.import_module("vnpy_spreadtrading.base")
            engine = importlib.import_module("vnpy_spreadtrading.engine")
            things = importlib.import_module("vnpy.trader.object")
            words = importlib.import_module("vnpy.trader.constant")
            event = importlib.import_module("vnpy.event")
    vnpy = SimpleNamespace(
        **{name: getattr(base, name) for name in ("LegData", "SpreadData")},
        **{name: getattr(things, name) for name in ("ContractData", "OrderData")},
        **{name: getattr(things, name) for name in ("TickData", "TradeData")},
        **{name: getattr(words, name) for name in ("Direction", "Exchange", "Product", "Status")},
        Event=event.Event,
        Engine=engine.SpreadAlgoEngine,
    )
    return lambda schedule: Vnpy(schedule, vnpy)


GATEWAY = "DOCK"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Vnpy(Model):
    """Its engine's other side: main engine, event engine and gateway."""

    def __init__(self, schedule: Schedule, vnpy: Any) -> None:  # noqa: ANN401
        self.vnpy = vnpy
        self.shape = schedule.shape
        self.names = [leg.name[0] for leg in self.shape.legs]
        self.symbols = [f"{name}.{vnpy.Exchange.LOCAL.value}" for name in self.names]
        self.contracts = {
            symbol: vnpy.ContractData(
                gateway_name=GATEWAY,
                symbol=name,
                exchange=vnpy.Exchange.LOCAL,
                name=name,
                product=vnpy.Product.FUTURES,
                size=1,
                pricetick=1,
                net_position=True,
            )
            for name, symbol in zip(self.names, self.symbols, strict=True)
        }
        self.ticks: dict[str, Any] = {}
        self.orders: dict[str, Any] = {}
        self.ours: dict[str, Order] = {}
        # The rest of the platform, of which the engine uses this much.
        nothing = lambda *_: None  # noqa: E731
        events = SimpleNamespace(put=nothing, register=nothing)
        data = SimpleNamespace(update_order_spread_map=nothing)
        around = SimpleNamespace(
            data_engine=data,
            main_engine=self,
            event_engine=events,
            write_log=nothing,
            update_spread_algo=nothing,
        )
        self.engine = vnpy.Engine(around)
        self.spread = self.made_spread()
        self.algo: Any = None

    def made_spread(self) -> Any:  # noqa: ANN401
        legs = [self.vnpy.LegData(symbol) for symbol in self.symbols]
        for leg in legs:
            leg.update_contract(self.contracts[leg.vt_symbol])
        weights = [leg.side * leg.lots for leg in self.shape.legs]
        return self.vnpy.SpreadData(
            name="h",
            legs=legs,
            variable_symbols=dict(zip(self.names, self.symbols, strict=True)),
            variable_directions=dict(zip(self.names, weights, strict=True)),
            price_formula=" + ".join(
                f"({weight}) * {name}" for weight, name in zip(weights, self.names, strict=True)
            ),
            trading_multipliers=dict(zip(self.symbols, weights, strict=True)),
            active_symbol=self.symbols[0],
            min_volume=1,
        )

    # A model.

    def start(self) -> None:
        for leg in range(len(self.names)):
            self.tick(leg)
        self.engine.update_spread_data(self.spread)
        long, price = self.vnpy.Direction.LONG, self.spread.ask_price
        sets, payup = self.shape.sets, ChaseForever.PAYUP
        interval = ChaseForever.INTERVAL // SECOND
        number = self.engine.start_algo("h", long, price, sets, payup, interval, False, {})  # noqa: FBT003
        self.algo = self.engine.algos[number]
        self.desk.after(SECOND, self.timer)
        self.say(self.engine.process_tick_event, self.ticks[self.symbols[0]])

    def pull(self) -> None:
        self.algo.stop()

    def is_over(self) -> bool:
        return self.algo is not None and not self.algo.is_active()

    def timer(self) -> None:
        self.say(self.engine.process_timer_event, None)
        if not self.is_over():
            self.desk.after(SECOND, self.timer)

    def say(self, process: Callable[[Any], None], data: object) -> None:
        process(self.vnpy.Event("", data))

    def tick(self, leg: int) -> None:
        book = self.desk.book(leg)
        (bid, bids), (ask, asks) = book.bids[0], book.asks[0]
        tick = self.vnpy.TickData(
            gateway_name=GATEWAY,
            symbol=self.names[leg],
            exchange=self.vnpy.Exchange.LOCAL,
            datetime=LONG_AGO,
            bid_price_1=float(bid),
            ask_price_1=float(ask),
            bid_volume_1=float(bids),
            ask_volume_1=float(asks),
        )
        self.ticks[tick.vt_symbol] = tick
        self.spread.legs[tick.vt_symbol].update_tick(tick)
        self.spread.calculate_price()

    def on_book(self, leg: int) -> None:
        if self.algo is not None:
            self.tick(leg)
            self.say(self.engine.process_tick_event, self.ticks[self.symbols[leg]])

    def tell(self, order: Order, status: Any, traded: int) -> None:  # noqa: ANN401
        known = self.orders[f"{GATEWAY}.{order.id}"]
        known.status, known.traded = status, float(traded)
        self.say(self.engine.process_order_event, known)

    def on_ack(self, order: Order) -> None:
        self.tell(order, self.vnpy.Status.NOTTRADED, 0)

    def on_reject(self, order: Order, reason: str) -> None:
        self.tell(order, self.vnpy.Status.REJECTED, 0)

    def on_trade(self, order: Order, trade: Trade) -> None:
        known = self.orders[f"{GATEWAY}.{order.id}"]
        data = self.vnpy.TradeData(
            gateway_name=GATEWAY,
            symbol=known.symbol,
            exchange=known.exchange,
            orderid=known.orderid,
            tradeid=trade.id,
            direction=known.direction,
            price=float(trade.price),
            volume=float(trade.lots),
            datetime=LONG_AGO,
        )
        self.say(self.engine.process_trade_event, data)
        status = self.vnpy.Status
        is_full = trade.cum == order.lots
        self.tell(order, status.ALLTRADED if is_full else status.PARTTRADED, trade.cum)

    def on_end(self, order: Order, cum: int) -> None:
        self.tell(order, self.vnpy.Status.CANCELLED, cum)

    # A main engine.

    def get_contract(self, symbol: str) -> Any:  # noqa: ANN401
        return self.contracts.get(symbol)

    def get_tick(self, symbol: str) -> Any:  # noqa: ANN401
        return self.ticks.get(symbol)

    def get_order(self, number: str) -> Any:  # noqa: ANN401
        return self.orders.get(number)

    def convert_order_request(self, request: Any, *_: Any) -> list[Any]:  # noqa: ANN401
        return [request]

    def update_order_request(self, *_: Any) -> None:  # noqa: ANN401
        """Count positions by opening and closing: they are netted here."""

    def send_order(self, request: Any, gateway: str) -> str:  # noqa: ANN401
        leg = self.names.index(request.symbol)
        side = 1 if request.direction == self.vnpy.Direction.LONG else -1
        price, lots = round(request.price), round(request.volume)
        order = self.desk.send(leg, side, lots, price, rests=True)
        known = request.create_order_data(str(order.id), gateway)
        self.orders[known.vt_orderid] = known
        self.ours[known.vt_orderid] = order
        return str(known.vt_orderid)

    def cancel_order(self, request: Any, gateway: str) -> None:  # noqa: ANN401
        self.desk.cancel(self.ours[f"{gateway}.{request.orderid}"])


def flox_py() -> Make:
    """OrderGroup of flox-py, which is called lrvx now, with its policy ALL_OR_NOTHING.

    Legs are market legs. After every event what `recommended_actions` lists is done at once and
    marked as dispatched; the outcome of an order back has no place in the group.
    """
    lrvx = importlib.import_module("lrvx")
    return lambda schedule: Flox(schedule, lrvx)


class Flox(Legs):
    """Its strategy: sends the legs, records what comes, does what is recommended."""

    def __init__(self, schedule: Schedule, lrvx: Any) -> None:  # noqa: ANN401
        super().__init__(schedule)
        self.lrvx = lrvx
        self.group = lrvx.OrderGroup(1, lrvx.ALL_OR_NOTHING)
        self.first: list[Order] = []

    def start(self) -> None:
        for leg in self.range:
            lots = self.target[leg]
            self.group.add_market_leg(leg, 0 if lots > 0 else 1, float(abs(lots)))
        for leg in self.range:
            order = self.trade(leg, self.target[leg], None, rests=False)
            self.first.append(order)
            self.group.record_submit(leg, order.id + 1)

    def is_first(self, order: Order) -> bool:
        return order.leg < len(self.first) and self.first[order.leg] is order

    def on_trade(self, order: Order, trade: Trade) -> None:
        super().on_trade(order, trade)
        if self.is_first(order):
            self.group.record_fill(order.leg, float(trade.cum))
            self.act()

    def on_end(self, order: Order, cum: int) -> None:
        super().on_end(order, cum)
        if self.is_first(order):
            self.group.record_cancel(order.leg)
            self.act()

    def failed(self, order: Order) -> None:
        if self.is_first(order):
            self.group.record_failure(order.leg)
            self.act()

    def act(self) -> None:
        for action in self.group.recommended_actions():
            leg, kind = action["leg_index"], action["kind"]
            self.group.mark_action_dispatched(leg, kind)
            if kind == "cancel":
                self.desk.cancel(self.first[leg])
            else:
                side = 1 if action["side"] == 0 else -1
                self.trade(leg, side * round(action["qty"]), None, rests=False)

    def is_over(self) -> bool:
        states = {str(self.group.leg_state(leg)).rpartition(".")[2] for leg in self.range}
        return states <= {"FILLED", "CANCELLED", "FAILED"}


PACKAGES: dict[str, Callable[[], Make]] = {
    "vnpy_spreadtrading": vnpy_spreadtrading,
    "flox_py": flox_py,
}
# The distributions whose versions are told.
VERSIONS = {
    "vnpy_spreadtrading": ("vnpy_spreadtrading", "vnpy"),
    "flox_py": ("flox-py", "lrvx"),
}

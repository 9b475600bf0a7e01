"""Any sequence of events: our errors or an answer, never a panic; refused events change nothing."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cross_market as cm
from cross_market import events as ev
from parts import gold_config
from test_engine import START

GOLD = gold_config()
ACCOUNTS = {"sh": "SHFE.au2602", "ny": "COMEX.GCG6"}
PRICES = {"SHFE.au2602": 30885, "COMEX.GCG6": 26501, "FX.USDCNY": 72500}

small = st.integers(0, 5)
stamp = st.integers(START - 10**9, START + 10**9)
names = st.sampled_from(sorted(PRICES))
accounts = st.sampled_from(sorted(ACCOUNTS))
sides = st.sampled_from(["buy", "sell"])
ids = st.sampled_from(["T1", "T2", "T3", "T4"])
legs = st.dictionaries(names, st.integers(-3, 3), max_size=2)


@st.composite
def books(draw: st.DrawFn) -> ev.Book:
    name = draw(names)
    side = draw(st.sampled_from(["bid", "ask"]))
    away = draw(st.integers(-60, 60))
    return ev.Book(
        instrument=name,
        side=side,
        price=PRICES[name] + away,
        qty=draw(st.integers(0, 20)),
        row=draw(st.sampled_from(["snapshot", "level", "delta"])),
        last=draw(st.booleans()),
        exchange=draw(stamp),
        receive=draw(stamp),
        seq=draw(small),
        step=draw(st.sampled_from([0, 0, 1])),
    )


@st.composite
def news(draw: st.DrawFn, price: int) -> Any:  # noqa: ANN401
    trade: dict[str, Any] = {"trade_id": draw(ids), "side": draw(sides)}
    made: Any = draw(
        st.sampled_from(
            [
                ev.Accepted(),
                ev.Rejected(reason="money", code=3),
                ev.Fill(**trade, price=price, qty=draw(small), cum=draw(st.none() | small)),
                ev.Fill(**trade, price=price, qty=1, fee="1.5", fee_currency="CNY"),
                ev.Cancelled(cum=draw(small)),
                ev.Expired(cum=draw(small)),
                ev.CancelRejected(reason="unknown_order"),
                ev.Status(status=draw(st.sampled_from(["working", "filled"])), cum=draw(small)),
                ev.Bust(**trade),
                ev.Correct(**trade, price=price, qty=draw(small)),
                ev.FeeOf(**trade, amount="-1", currency="USD"),
            ]
        )
    )
    return made


@st.composite
def others(draw: st.DrawFn, orders: list[int]) -> Any:  # noqa: ANN401
    account = draw(accounts)
    name = draw(st.sampled_from([ACCOUNTS[account], ACCOUNTS[account], "FX.USDCNY"]))
    price = PRICES[name] + draw(st.integers(-60, 60))
    order = draw(st.sampled_from([*orders, 12345]))
    where: dict[str, Any] = {"account": account, "exchange": draw(stamp)}
    receive = draw(stamp)
    hedge = ev.Scope(hedge="gold")
    verbs: list[ev.Verb] = [
        ev.Enter(hedge="gold", sets=draw(st.integers(-3, 3)), at_least="0.5"),
        ev.Exit(hedge="gold", sets=draw(st.none() | small)),
        ev.Adopt(hedge="gold", lots=draw(legs)),
        ev.Stop(scope=hedge),
        ev.Resume(),
        ev.Kill(scope=draw(st.sampled_from([hedge, ev.Scope(account="sh"), ev.Scope()]))),
        ev.Unlatch(),
        ev.Flatten(),
        ev.Unrestrict(scope=hedge),
        ev.Override(order=order, status="filled", cum=draw(small), reason="seen"),
        ev.Forfeit(hedge="gold", reason="by hand"),
    ]
    status = ev.Status(status="cancelled", cum=draw(small))
    found: Any = draw(st.sampled_from([status, ev.ProvenAbsent(), ev.Inconclusive()]))
    made: Any = draw(
        st.sampled_from(
            [
                ev.Link(state=draw(st.sampled_from(["down", "up", "resynced"])), account=account),
                ev.Link(state=draw(st.sampled_from(["down", "up", "resynced"])), instrument=name),
                ev.Report(
                    **where,
                    instrument=name,
                    receive=receive,
                    order=draw(st.none() | st.just(order)),
                    news=draw(news(price)),
                ),
                ev.Answer(**where, order=order, receive=receive, found=found),
                ev.Cash(**where, kind="opening", amount=10_000_000),
                ev.Cash(**where, kind=draw(st.sampled_from(["balance", "fee"])), amount="-5.5"),
                ev.Position(
                    **where,
                    instrument=name,
                    kind=draw(st.sampled_from(["opening", "compare"])),
                    long=draw(small),
                    short=draw(small),
                    price=price,
                ),
                ev.Settle(instrument=name, price=price, day=draw(small), exchange=draw(stamp)),
                ev.Reference(
                    instrument=name,
                    exchange=draw(stamp),
                    change=ev.PriceBand(low=price - 100, high=price + 100),
                ),
                ev.Reference(
                    instrument=name,
                    exchange=draw(stamp),
                    change=ev.MarginRate(
                        long="0.2",
                        short="0.3",
                        short_per_lot=draw(small),
                        floor_per_lot=1,
                        flag=draw(st.sampled_from([None, "speculation", "arbitrage", "hedge"])),
                    ),
                ),
                ev.Reference(
                    instrument=name,
                    exchange=draw(stamp),
                    change=ev.Phase(phase="halted", until=START + 10**6),
                ),
                ev.Estimate(hedge="gold", value="0.5", expires=START + 10**9),
                ev.Clock(offset_ns=draw(st.integers(-(10**9), 10**9)), uncertainty_ns=1),
                ev.Tick(),
                ev.Control(actor="desk", verb=draw(st.sampled_from(verbs))),
            ]
        )
    )
    return made


def opened(engine: cm.Engine) -> None:
    """Bring the engine to where it may trade."""
    for account, name in ACCOUNTS.items():
        for state in ("up", "resynced"):
            engine.handle(START, ev.Link(state=state, account=account))
        money = ev.Cash(account=account, exchange=START, kind="opening", amount=50_000_000)
        engine.handle(START, money)
        assert name in PRICES
    for name, price in PRICES.items():
        for at, (side, away) in enumerate((("bid", -1), ("ask", 1))):
            row = ev.Book(
                instrument=name,
                side=side,
                price=price + away,
                qty=50,
                row="snapshot" if at == 0 else "level",
                last=at == 1,
                exchange=START,
                receive=START,
            )
            engine.handle(START, row)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_no_sequence_of_events_breaks_the_engine(data: st.DataObject) -> None:
    engine = cm.Engine(GOLD, start=START - 10**9)
    opened(engine)
    now = START + 1
    enter = ev.Control(actor="desk", verb=ev.Enter(hedge="gold", sets=1, at_least="0.5"))
    first = engine.handle(now, enter) if data.draw(st.booleans()) else []
    orders = [each.order for each in first if isinstance(each, cm.commands.Place)]
    for _ in range(data.draw(st.integers(1, 40))):
        now += data.draw(st.sampled_from([0, 1, 10**6, 10**9]))
        event = data.draw(st.one_of(books(), others(orders)))
        before = engine.digest()
        try:
            commands = engine.handle(now, event)
        except (cm.ConfigError, cm.InputTypeError, cm.UsageError):
            assert engine.digest() == before
            continue
        for command in commands:
            if isinstance(command, cm.commands.Place):
                orders.append(command.order)
            if isinstance(command, cm.commands.Alert):
                assert command.code != "poisoned"

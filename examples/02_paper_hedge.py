"""Trade the gold hedge on paper: made books, simulated venues, real bookkeeping.

The premium of Shanghai rises and falls. The hedge sells Shanghai and buys New York when it is high,
and gives both back when it is gone.
"""

import random
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

import cross_market as cm

HERE = Path(__file__).with_name("gold.toml")
START, OUNCE = 1_770_687_000_000_000_000, Fraction("31.1034768")  # ns since 1970; grams
random.seed(7)  # the same books every time


def quotes() -> list[tuple[int, str, Fraction, Fraction]]:
    """Return (ms, instrument, bid, ask) for twenty minutes, three books a second."""
    found, ounce, dollar = [], 26500, 72500
    for second in range(1200):
        ounce += random.choice((-3, -1, 0, 0, 1, 3))  # ticks of 0.1 USD
        dollar += random.choice((-1, 0, 0, 1))  # ticks of 0.0001 CNY
        tide = abs(second % 600 - 300)  # 300 … 0 … 300
        fair = Fraction(ounce, 10) * Fraction(dollar, 10_000) / OUNCE
        ticks = round(fair * (1 + Fraction(tide - 60, 40_000)) * 50)  # ticks of 0.02 CNY
        dollars = {"COMEX.GCZ6": (ounce, 10), "FX.USDCNY": (dollar, 10_000)}
        books = dollars | {"SHFE.au2612": (ticks, 50)}
        for at, (name, (price, grid)) in enumerate(books.items()):
            bid, ask = Fraction(price, grid), Fraction(price + 1, grid)
            found.append((second * 1000 + 100 * at, name, bid, ask))
    return found


def table() -> pa.Table:
    """Return the books as the rows that `simulate` reads: every quote is a whole book."""
    rows = []
    for number, (ms, name, bid, ask) in enumerate(quotes()):
        venue, _, instrument = name.partition(".")
        sent = START + ms * 10**6
        for side, price in (("bid", bid), ("ask", ask)):
            row = {"venue": venue, "instrument": instrument, "kind": "snapshot", "side": side}
            # Floats are proven to lie on the grid; we hear of every book 5 ms later.
            row |= {"price": float(price), "size": 20, "msg": number}
            rows.append({"ts_exchange_ns": sent, "ts_receive_ns": sent + 5_000_000, **row})
    return pa.Table.from_pylist(rows)


config, venues = cm.Config.load(HERE), cm.SimVenues.load(HERE)
result = cm.simulate(config, table(), venues=venues)
for each in result.attempts.to_pylist():
    print(each["kind"], each["end"], "sets", each["sets_from"], "→", each["sets_to"])
for each in result.funds.to_pylist():
    money = f"result {each['result']:.2f}, fees {each['fees']:.2f}"
    print(each["account"], money, each["currency"])

"""Trade the same hedge three ways: all legs at once, one after the other, and by resting.

A quote in New York is solved from Shanghai's book: bought there at its price and sold in Shanghai,
the set reaches its band after all fees. Each trade of it is hedged in Shanghai at once.
"""

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

import cross_market as cm

HERE = Path(__file__).with_name("gold.toml")
START, OUNCE = 1_770_687_000_000_000_000, Fraction("31.1034768")  # ns since 1970; grams
TICKS = {"SHFE.au2612": 50, "COMEX.GCZ6": 10, "FX.USDCNY": 10_000}  # to one unit of price


def books() -> pa.Table:
    """Return ten minutes of books: Shanghai's premium comes and goes, New York moves a little."""
    random.seed(11)  # the same books every time
    rows, ounce = [], 26_500
    for second in range(600):
        ounce += random.choice((-4, -2, 0, 0, 2, 4))
        premium = 2 * abs(second % 300 - 150) - 60  # 240 … -60 … 240 parts of 40,000
        shanghai = Fraction(ounce * 725, 1000) / OUNCE * (1 + Fraction(premium, 40_000))
        quotes = {"SHFE.au2612": round(shanghai * 50), "COMEX.GCZ6": ounce, "FX.USDCNY": 72_500}
        for at, (name, bid) in enumerate(quotes.items()):
            sent = START + second * 10**9 + at * 10**8
            for side, price in (("bid", bid), ("ask", bid + 2)):
                row = {"instrument": name, "kind": "snapshot", "side": side, "size": 20}
                row |= {"price": price / TICKS[name], "msg": 3 * second + at}
                rows.append({**row, "ts_exchange_ns": sent, "ts_receive_ns": sent + 5_000_000})
    return pa.Table.from_pylist(rows)


config, world, data = cm.Config.load(HERE), cm.SimVenues.load(HERE), books()
[gold] = config.hedges
names = ("max_residual", "live_residual", "finish_within", "repair", "max_loss")
shared = {name: getattr(gold.execution, name) for name in names}
shared["legs"] = {"SHFE.au2612": cm.LegRule(pay_up="1 tick", chase="2 ticks", slip="10 ticks")}
ahead = cm.Sequential(leader="COMEX.GCZ6", **shared)
shared |= {"lean": cm.Lean(price="worst", times=2, when_thin="return"), "rest_within": "5 min"}
shared |= {"slop_inside": "0.0001", "slop_outside": "0.0004"}  # in the unit of the bands
shared |= {"max_reprice": "500 ticks", "range": "200 ticks", "outside": "pull"}
rest = cm.Quoting(quotes=["COMEX.GCZ6"], **shared)

venues = [replace(venue, rests="day") for venue in config.venues]  # they take orders that rest
signal = replace(gold.signal, persist="1 updates")  # a quote is there before the signal
for mode in (gold.execution, ahead, rest):
    hedge = replace(gold, execution=mode, signal=signal)
    result = cm.simulate(replace(config, hedges=[hedge], venues=venues), data, venues=world)
    orders = sorted(Counter(result.orders["purpose"].to_pylist()).items())
    print(type(mode).__name__, *(f"{count} {purpose}" for purpose, count in orders), sep=", ")
    for each in result.funds.to_pylist():
        print(" ", each["account"], f"{each['result'] + each['fees']:.2f}", each["currency"])

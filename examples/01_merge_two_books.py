"""Bring two order books to one unit and one currency, and see what trading them would give.

Shanghai quotes gold in yuan for a gram, New York in dollars for a troy ounce. `Market` keeps the
books and does the sums exactly: no order is sent and no money is needed here.
"""

from pathlib import Path

import cross_market as cm

config = cm.Config.load(Path(__file__).with_name("gold.toml"))
market = cm.Market(config)
shanghai, newyork, dollar = config.instruments
BID, ASK = 0, 1  # the sides, as plain numbers


def show(instrument: cm.Instrument, bids: dict[str, str], asks: dict[str, str]) -> None:
    """Set levels, price → size; each is a message of its own."""
    for side, levels in ((BID, bids), (ASK, asks)):
        for price, size in levels.items():
            # Prices and sizes become whole ticks and lots; what is off the grid is refused.
            ticks, lots = instrument.ticks(price), instrument.lots(size)
            market.level(market.id(instrument.name), side, ticks, lots)


show(shanghai, {"620.80": "3", "620.78": "9"}, {"620.82": "4", "620.86": "9"})
show(newyork, {"2649.9": "6", "2649.8": "8"}, {"2650.0": "5", "2650.2": "7"})
show(dollar, {"7.2498": "500"}, {"7.2502": "500"})

# Enter: what we sell brings the bid, what we buy costs the ask, and we pay the dearer dollar.
merged = market.merged("gold")
assert merged is not None  # it is None until every book has both sides
for name, pair in (("enter", merged.enter), ("exit", merged.exit)):
    sold, bought, ratio = float(pair.sold), float(pair.bought), float(pair.ratio or 0)
    print(f"{name}: sold {sold:.4f} CNY/g, bought {bought:.4f} CNY/g, ratio {ratio:.6f}")

# The numbers are exact fractions; only printing rounds.
print("exact:", merged.enter.difference, "CNY/g")

# How much is really there: walk ten lots of Shanghai's asks, and get what it costs.
cost, lots = market.walk(shanghai.name, "buy", 10)
print(f"{lots} lots of {shanghai.name} cost {shanghai.price(cost)} CNY/g in sum")

# Both books as one, best first, in grams and yuan.
for row in market.consolidated("gold", depth=3).to_pylist():
    price, units = float(row["price"]), float(row["units"])
    print(f"{row['side']:4} {row['instrument']:12} {price:9.4f} CNY/g {units:9.1f} g")

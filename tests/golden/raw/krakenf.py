"""Kraken Futures: one level a message, numbered by product."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from golden.raw.rows import MS, Rows, capture


def decode(path: Path) -> tuple[Rows, Counter[str]]:
    """Return the rows of every product and what was counted on the way."""
    rows, counts = Rows("KRAKEN_FUTURES"), Counter[str]()
    last: dict[str, int] = {}
    for number, receive, text in capture(path):
        message: dict[str, Any] = json.loads(text)
        counts["messages"] += 1
        feed, product = message.get("feed"), str(message.get("product_id"))
        if message.get("event") or feed not in ("book_snapshot", "book", "trade", "trade_snapshot"):
            counts["other"] += 1
        elif feed == "book_snapshot":
            counts["snapshot"] += 1
            last[product] = message["seq"]
            both = tuple(
                [(each["price"], each["qty"]) for each in message[key]] for key in ("bids", "asks")
            )
            stamps = (message["timestamp"] * MS, receive)
            ids = (number, message["seq"])
            rows.book(product, stamps, "snapshot", (both[0], both[1]), ids)
        elif feed == "book":
            counts["book"] += 1
            if product not in last:
                counts["pre_snapshot"] += 1
                continue
            counts["gaps"] += message["seq"] != last[product] + 1
            last[product] = message["seq"]
            side = "bid" if message["side"] == "buy" else "ask"
            stamps = (message["timestamp"] * MS, receive)
            level = (message["price"], message["qty"], number, message["seq"])
            rows.add(product, (*stamps, "delta", side, *level))
        else:
            counts[feed] += 1
            if feed == "trade":
                stamps = (message["time"] * MS, receive)
                level = (message["price"], message["qty"], number, message["seq"])
                rows.add(product, (*stamps, "trade", message["side"], *level))
    return rows, counts

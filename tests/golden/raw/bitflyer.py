"""bitFlyer: JSON-RPC channels; a book's differences and its snapshots are not atomic together."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golden.raw.rows import Rows, capture

SNAPSHOT, BOARD, TRADES = "lightning_board_snapshot_", "lightning_board_", "lightning_executions_"

Book = dict[str, dict[float, float]]


@dataclass
class Bitflyer:
    """Rows of every product and what was counted on the way."""

    rows: Rows = field(default_factory=lambda: Rows("BITFLYER"))
    counts: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)

    def board(self, product: str, kind: str, receive: int, number: int, message: Any) -> None:
        """Take a snapshot or a difference; differences before the first snapshot are dropped."""
        self.counts[kind] += kind == "snapshot"
        if kind == "snapshot":
            self.known.add(product)
        elif product not in self.known:
            self.counts["pre_snapshot"] += 1
            return
        else:
            self.counts["delta"] += 1
        both = []
        for key in ("bids", "asks"):
            levels = [(float(each["price"]), float(each["size"])) for each in message[key]]
            # A price of zero stands for market orders in an auction.
            self.counts["market_order_levels"] += sum(price == 0 for price, _ in levels)
            both.append([each for each in levels if each[0] != 0])
        self.rows.book(product, (None, receive), kind, (both[0], both[1]), (number, None))

    def trades(self, product: str, receive: int, number: int, message: Any) -> None:
        """Take the executions of one message."""
        self.counts["trade"] += len(message)
        for each in message:
            side = {"BUY": "buy", "SELL": "sell"}.get(each["side"], "")
            stamps = (stamp(each["exec_date"]), receive)
            values = (float(each["price"]), float(each["size"]), number, int(each["id"]))
            self.rows.add(product, (*stamps, "trade", side, *values))


def decode(path: Path) -> Bitflyer:
    """Return the rows of every product."""
    found = Bitflyer()
    for number, receive, text in capture(path):
        message = json.loads(text)
        if message.get("method") != "channelMessage":
            continue
        found.counts["messages"] += 1
        channel, content = message["params"]["channel"], message["params"]["message"]
        if channel.startswith(SNAPSHOT):
            found.board(channel[len(SNAPSHOT) :], "snapshot", receive, number, content)
        elif channel.startswith(BOARD):
            found.board(channel[len(BOARD) :], "delta", receive, number, content)
        elif channel.startswith(TRADES):
            found.trades(channel[len(TRADES) :], receive, number, content)
    return found


def stamp(text: str) -> int:
    """Return '2021-07-22T22:29:24.3983287Z' as ns."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)

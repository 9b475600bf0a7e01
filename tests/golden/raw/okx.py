"""OKX v5 books: strings kept as they came, because the venue's CRC32 is taken over them."""

import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from golden.raw.rows import MS, Rows, capture

# By side, price → (price, size), both as text.
Book = dict[str, dict[float, tuple[str, str]]]
Side = list[tuple[str, str]]


def decode(path: Path) -> tuple[Rows, Counter[str]]:
    """Return the rows of every instrument and what was counted on the way."""
    rows, counts = Rows("OKX"), Counter[str]()
    books: dict[str, Book] = {}
    for number, receive, text in capture(path):
        message = json.loads(text)
        counts["messages"] += 1
        channel = message.get("arg", {}).get("channel")
        if "data" not in message or channel not in ("books", "trades"):
            counts["other"] += 1
            continue
        name = message["arg"]["instId"]
        for data in message["data"]:
            stamps = (int(data["ts"]) * MS, receive)
            if channel == "trades":
                counts["trade"] += 1
                values = (float(data["px"]), float(data["sz"]), number, int(data["tradeId"]))
                rows.add(name, (*stamps, "trade", data["side"], *values))
                continue
            counts[message["action"]] += 1
            kind = "snapshot" if message["action"] == "snapshot" else "delta"
            if kind == "snapshot":
                books[name] = {"bids": {}, "asks": {}}
            both = [
                [(float(each[0]), float(each[1])) for each in data[key]] for key in ("bids", "asks")
            ]
            rows.book(name, stamps, kind, (both[0], both[1]), (number, None))
            changed(books[name], data)
            fits = checksum(books[name]) == data["checksum"]
            counts["checksum_ok" if fits else "checksum_bad"] += 1
    return rows, counts


def changed(book: Book, data: Any) -> None:
    """Set the levels of one message, as text."""
    for key in ("bids", "asks"):
        for price, size, *_ in data[key]:
            if float(size) == 0:
                book[key].pop(float(price), None)
            else:
                book[key][float(price)] = (price, size)


def checksum(book: Book) -> int:
    """Return the checksum of a book kept as text."""
    bids = [book["bids"][price] for price in sorted(book["bids"], reverse=True)[:25]]
    asks = [book["asks"][price] for price in sorted(book["asks"])[:25]]
    return crc(bids, asks)


def crc(bids: Side, asks: Side) -> int:
    """Return the CRC32 of the best 25 levels, bid and ask in turn, as a signed number."""
    words: list[str] = []
    for at in range(25):
        for side in (bids, asks):
            if at < len(side):
                words += side[at]
    found = zlib.crc32(":".join(words).encode())
    return found - (1 << 32) if found >= 1 << 31 else found


def checksums(path: Path) -> dict[str, list[int]]:
    """Return what the venue says of its book after each message, by instrument."""
    found: dict[str, list[int]] = {}
    for _, _, text in capture(path):
        message = json.loads(text)
        if "data" in message and message["arg"]["channel"] == "books":
            for data in message["data"]:
                found.setdefault(message["arg"]["instId"], []).append(data["checksum"])
    return found

"""WonderTrader `.dsb`, version 2: a header of 20 bytes, then zstd of ticks of 402 bytes."""

import struct
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa

from golden.raw.rows import MS, Rows

FLAG = b"&^%$#@!\0"
# flag, type of block (33 ticks), version (2 compressed), bytes of the compressed block
HEADER = struct.Struct("<8sHHQ")
# exchange, code, 5 prices, 2 limits, 2 volumes, 2 turnovers, 2 interests, 3 dates and times,
# 2 closes, interest before, 10 bids, 10 asks, 10 and 10 sizes
TICK = struct.Struct("<10s32s5d2d2I2dIi3I2di10d10d10I10I")


@dataclass(frozen=True)
class Tick:
    """What the set's figures need of one tick."""

    code: str
    stamp: int
    price: float
    total_volume: int
    volume: int
    turnover: float
    open_interest: int
    bid: tuple[float, int]
    ask: tuple[float, int]


def decode(path: Path) -> list[Tick]:
    """Return the ticks of a file; its clock is Beijing's."""
    content = path.read_bytes()
    flag, _, version, size = HEADER.unpack_from(content)
    if flag != FLAG or version != 2 or size != len(content) - HEADER.size:
        message = f"{path.name}: not a block of version 2"
        raise ValueError(message)
    codec = pa.Codec("zstd")
    packed = content[HEADER.size :]
    plain = codec.decompress(packed, decompressed_size=frame_size(packed), asbytes=True)
    return [tick(values) for values in TICK.iter_unpack(plain)]


def frame_size(packed: bytes) -> int:
    """Return the size that a zstd frame states (RFC 8878, section 3.1.1.1)."""
    descriptor = packed[4]
    code, single = descriptor >> 6, descriptor >> 5 & 1
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    length = (1 if single else 0, 2, 4, 8)[code]
    return int.from_bytes(packed[at : at + length], "little") + (256 if length == 2 else 0)


def tick(values: tuple[object, ...]) -> Tick:
    """Return one struct as a tick."""
    (
        _, code, price, _, _, _, _, _, _, total_volume, volume, _, turnover, interest, _,
        _, day, clock, _, _, _,
    ) = values[:21]  # fmt: skip
    bids, asks, bid_sizes, ask_sizes = (values[at : at + 10] for at in (21, 31, 41, 51))
    assert isinstance(code, bytes)
    return Tick(
        code=code.split(b"\0")[0].decode(),
        stamp=beijing(int(day), int(clock)),  # type: ignore[call-overload]
        price=price,  # type: ignore[arg-type]
        total_volume=total_volume,  # type: ignore[arg-type]
        volume=volume,  # type: ignore[arg-type]
        turnover=turnover,  # type: ignore[arg-type]
        open_interest=interest,  # type: ignore[arg-type]
        bid=(bids[0], bid_sizes[0]),  # type: ignore[arg-type]
        ask=(asks[0], ask_sizes[0]),  # type: ignore[arg-type]
    )


def beijing(day: int, clock: int) -> int:
    """Return a date such as 20210104 and a time such as 93000500 (ms) in Beijing as ns in UTC."""
    seconds, millis = divmod(clock, 1000)
    minutes, second = divmod(seconds, 100)
    hour, minute = divmod(minutes, 100)
    return midnight(day) + ((hour * 60 + minute) * 60 + second) * 10**9 + millis * MS


@cache
def midnight(day: int) -> int:
    """Return the beginning of a day in Beijing as ns in UTC."""
    moment = datetime.strptime(str(day), "%Y%m%d").replace(tzinfo=UTC)
    return (int(moment.timestamp()) - 8 * 3600) * 10**9


def rows(ticks: list[Tick]) -> tuple[Rows, Counter[str]]:
    """Return quotes, and a trade for every tick with volume, as the normalised form has them."""
    made, codes = Rows("CFFEX"), Counter[str]()
    for number, each in enumerate(ticks):
        codes[each.code] += 1
        sides = tuple(
            [(price, float(size))] if size else [] for price, size in (each.bid, each.ask)
        )
        ids = (number, None)
        made.book(each.code, (each.stamp, None), "snapshot", (sides[0], sides[1]), ids)
        if each.volume:
            values = (each.price, float(each.volume), *ids)
            made.add(each.code, (each.stamp, None, "trade", "", *values))
    return made, codes

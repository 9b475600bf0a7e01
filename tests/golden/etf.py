"""The ratio of two funds on one index: units differ, so that their prices cross always."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from golden.feed import Ints
from golden.moments import deviation, mean, median
from golden.states import Tops

Json = dict[str, Any]

SECOND = 10**9
BEIJING = 8 * 3600 * SECOND
DAY = 86_400 * SECOND
# Continuous trading, in seconds of the day in Beijing; from and to, both counted in.
SESSIONS = ((34_200, 41_400), (46_800, 53_820))
STALE_NS = 4 * SECOND


@dataclass(frozen=True)
class State:
    """One state in which both funds could be traded."""

    stamp: int
    bids: tuple[float, float]
    asks: tuple[float, float]

    @property
    def middle(self) -> float:
        """Ratio of the middles."""
        (bid_a, bid_b), (ask_a, ask_b) = self.bids, self.asks
        return ((bid_a + ask_a) / 2) / ((bid_b + ask_b) / 2)

    @property
    def sold(self) -> float:
        """Ratio at which the first is sold and the second bought."""
        return self.bids[0] / self.asks[1]

    @property
    def bought(self) -> float:
        """Ratio at which the first is bought and the second sold."""
        return self.asks[0] / self.bids[1]

    def row(self) -> Json:
        """Return its row of the reference's table."""
        return {
            "ts_ns": self.stamp,
            "mid_ratio": self.middle,
            "bidA_over_askB": self.sold,
            "askA_over_bidB": self.bought,
            "bidA": self.bids[0],
            "askA": self.asks[0],
            "bidB": self.bids[1],
            "askB": self.asks[1],
        }


def clock(stamp: int) -> str:
    """Return the time of day in Beijing, with milliseconds."""
    moment = datetime.fromtimestamp((stamp + BEIJING) // SECOND, tz=UTC)
    return f"{moment:%H:%M:%S}.{stamp % SECOND // 1_000_000:03d}"


def in_session(stamp: int) -> bool:
    """Return whether continuous trading is on."""
    second = (stamp + BEIJING) % DAY / SECOND
    return any(first <= second < last for first, last in SESSIONS)


def states(top: Tops, stale_ns: int | None) -> tuple[list[State], Json]:
    """Return the states that count, and why others do not.

    stale_ns: int – a state with an older message of either leg does not count; None counts all.
    """
    skipped = dict.fromkeys(("not_ready", "out_of_session", "locked_or_crossed", "stale"), 0)
    found = []
    last = {0: 0, 1: 0}
    merged = top.merged
    for at in range(len(merged)):
        stamp = int(merged.stamp[at])
        last[int(merged.leg[at])] = stamp
        if not top.ready[at]:
            skipped["not_ready"] += 1
        elif not in_session(stamp):
            skipped["out_of_session"] += 1
        elif (top.bid[:, at] >= top.ask[:, at]).any():
            skipped["locked_or_crossed"] += 1
        elif stale_ns is not None and stamp - min(last.values()) > stale_ns:
            skipped["stale"] += 1
        else:
            bids, asks = (
                tuple(float(int(side[leg, at]) * top.unit) for leg in (0, 1))
                for side in (top.bid, top.ask)
            )
            found.append(State(stamp, (bids[0], bids[1]), (asks[0], asks[1])))
    return found, skipped


def ratio(top: Tops, stale_ns: int | None) -> tuple[Json, list[State]]:
    """Return the figures of the ratio, and its states."""
    found, skipped = states(top, stale_ns)
    base = [each.middle for each in found if "09:40" <= clock(each.stamp) < "10:00"]
    r0 = median(base)
    middles = [each.middle for each in found]
    both = {
        "sellA_buyB": [(each.sold / r0 - 1) * 1e4 for each in found],
        "buyA_sellB": [(1 - each.bought / r0) * 1e4 for each in found],
    }
    figures: Json = {
        "r0": r0,
        "states": len(found),
        "skipped": skipped,
        "mid_ratio": {
            "mean": mean(middles),
            "sd": deviation(middles),
            "min": min(middles),
            "max": max(middles),
            "median": median(middles),
            "first": middles[0],
            "last": middles[-1],
        },
    }
    for key, values in both.items():
        at = int(np.argmax(values))
        figures[key] = {
            "max_bps": values[at],
            "max_ts": found[at].stamp,
            "max_at": clock(found[at].stamp),
            **{f"gt_{bps}bps": sum(each > bps for each in values) for bps in (0, 2, 5, 10)},
        }
    return figures, found


def arrivals(stamps: Ints) -> Json:
    """Return the times between a leg's messages."""
    between = np.diff(stamps)
    ordered = np.sort(between)
    return {
        "min_s": float(ordered[0] / SECOND),
        "median_s": float(np.median(ordered) / SECOND),
        "p99_s": float(ordered[int(0.99 * len(ordered))] / SECOND),
        "max_s": float(ordered[-1] / SECOND),
        "dup": int((between == 0).sum()),
        "back": int((between < 0).sum()),
        "whole_second": bool((stamps % SECOND == 0).all()),
    }


def gaps(stamps: Ints, over_s: int = 10) -> list[list[str]]:
    """Return from when to when a leg was silent for longer."""
    at = np.flatnonzero(np.diff(stamps) > over_s * SECOND)
    return [[clock(int(stamps[each])), clock(int(stamps[each + 1]))] for each in at]

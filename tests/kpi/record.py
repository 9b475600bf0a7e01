"""How real prices moved from day to day, all legs of a product on the same days.

Copper in Shanghai, London and New York with the fixings of the dollar, and crude oil in Shanghai
and Brent. The record of gold is a month without a domestic leg, too little for a quantile of 99 %,
and is not used. Moves are exact quotients of the printed prices.
"""

from fractions import Fraction
from functools import cache
from itertools import pairwise

import pyarrow.parquet as pq

from golden import data

COPPER = "bars_copper_shfe_lme_comex_2019"
CRUDE = "bars_crude_ine_brent_daily"
# Day by day, the quotient of each price to that of the day before.
Moves = list[dict[str, Fraction]]


def closes(folder: str, file: str, venue: str, instrument: str) -> dict[str, Fraction]:
    """Return the closes of one instrument by date."""
    rows = pq.read_table(data.at(folder, file)).to_pylist()
    return {
        row["date"]: Fraction(str(row["close"]))
        for row in rows
        if (row["venue"], row["instrument"]) == (venue, instrument) and row["close"] is not None
    }


def moves(series: dict[str, dict[str, Fraction]]) -> Moves:
    """Return moves between the days on which all of them have a close."""
    days = sorted(set.intersection(*(set(each) for each in series.values())))
    return [
        {name: each[day] / each[before] for name, each in series.items()}
        for before, day in pairwise(days)
    ]


@cache
def moved() -> dict[str, Moves]:
    """Return the moves of every product; the record must be there."""
    bars = "bars.parquet"
    copper = {
        "SHFE": closes(COPPER, "bars_shfe_daily.parquet", "SHFE", "cu1905"),
        "LME": closes(COPPER, bars, "LME", "CU3M"),
        "COMEX": closes(COPPER, bars, "COMEX", "HG1"),
        "USDCNY": closes(COPPER, bars, "ECB", "USDCNY"),
    }
    crude = {
        "INE": closes(CRUDE, bars, "INE", "SC"),
        "ICE": closes(CRUDE, bars, "EIA_SPOT", "BRENT"),
    }
    return {"copper": moves(copper), "crude": moves(crude)}

"""One set that is merged by a clock: how it is decoded, replayed and compared with its figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from golden import books, data
from golden.books import Asked
from golden.feed import NONE, Feed, Leg, Merged, feed, merge
from golden.figures import Figures
from golden.market import config, market, speed
from golden.recorded import load
from golden.stand_in import SlowMarket

Json = dict[str, Any]
# Normalised file → the rows that its published form decodes to.
Tables = dict[str, pa.Table]


@dataclass(frozen=True)
class Decoded:
    """What a set's published form came to.

    stats: dict – the decoder's counts under the set's own names.
    steps: by leg name, how far each message's number is from the one before it, by message.
    """

    tables: Tables
    stats: Json
    steps: dict[str, dict[int, int]]


@dataclass(frozen=True)
class BookSet:
    """One set.

    grids: by leg, its tick and lot. parts: by part of the reference, the files of its legs.
    slow: bool – small enough to be replayed by the slow stand-in too.
    """

    name: str
    grids: dict[str, tuple[str, str]]
    asked: Asked
    parts: dict[str, tuple[str, ...]]
    decode: Callable[[str], Decoded]
    extra: Callable[["BookSet", Figures, list[Feed], Decoded], None] | None = None
    slow: bool = True

    @property
    def legs(self) -> list[Leg]:
        """The legs, as the set states them, on our grids."""
        return [
            Leg(
                name=each["name"],
                venue=each["venue"],
                instrument=each["instrument"],
                tick=self.grids[each["name"]][0],
                lot=self.grids[each["name"]][1],
                inverse=each["type"] == "inverse",
                mult=each["mult"],
            )
            for each in data.meta(self.name)["legs"]
        ]


def run(of: BookSet) -> Figures:
    """Compare every figure of a set."""
    legs, golden = of.legs, data.golden(of.name)
    figures = Figures(of.name)
    figures.leave_out("definition", "a sentence")
    decoded = compare_raw(of, figures)
    left = {key: value for key, value in golden.items() if key not in ("lag", *of.parts)}
    figures.compare({"set": of.name}, left)
    for part, files in of.parts.items():
        feeds = [
            feed(data.normal(of.name, file), leg) for file, leg in zip(files, legs, strict=True)
        ]
        figures.scale = legs[0].price(int(feeds[0].columns["price"][0]))
        theirs = golden[part]
        clocks = {key: value for key, value in theirs.items() if key.startswith("by_")}
        others = {key: value for key, value in theirs.items() if key not in clocks}
        figures.compare(books.legs_figures(feeds), others, part)
        for clock, reference in clocks.items():
            if reference is None:
                has = clock_there(feeds, clock)
                figures.equal(f"{part}.{clock} has stamps of every leg", has, theirs=False)
            else:
                compare_stream(of, part, feeds, clock.removeprefix("by_"), figures)
        if part == "l2":
            figures.replay = speed(market(legs), fastest(feeds))
            if of.extra is not None:
                of.extra(of, figures, feeds, decoded)
    return figures


def clock_there(feeds: list[Feed], clock: str) -> bool:
    """Return whether every leg has stamps of a clock."""
    key = clock.removeprefix("by_")
    return all((getattr(each, key) != NONE).any() for each in feeds)


def fastest(feeds: list[Feed]) -> Json:
    """Return the rows of a set as one block of columns, by the clock that it has."""
    clock = "receive" if clock_there(feeds, "by_receive") else "exchange"
    return merge(feeds, clock).columns


def compare_raw(of: BookSet, figures: Figures) -> Decoded:
    """Compare the published form with the normalised one, column by column, and its counts."""
    decoded = of.decode(of.name)
    for file, table in decoded.tables.items():
        same_rows(figures, file, table, data.normal(of.name, file))
    stated = data.meta(of.name)
    figures.compare(decoded.stats, stated.get("decode_stats", stated.get("ticks")), "decode_stats")
    return decoded


def same_rows(figures: Figures, file: str, ours: pa.Table, theirs: pa.Table) -> None:
    """Compare two tables column by column."""
    figures.equal(f"{file} rows", ours.num_rows, theirs.num_rows)
    figures.keys["raw_rows"] = figures.keys.get("raw_rows", 0) + ours.num_rows
    for column in theirs.column_names:
        mine, other = (each[column].combine_chunks() for each in (ours, theirs))
        figures.equal(f"{file} {column} as published", mine.equals(other), theirs=True)


def compare_stream(
    of: BookSet, part: str, feeds: list[Feed], clock: str, figures: Figures
) -> books.Streamed:
    """Compare one merged stream: crossings, grid, ladders, and what the hedges say."""
    reference = data.golden(of.name)[part][f"by_{clock}"]
    asked = of.asked
    checkpoints = ladders_of(of) if part == "l2" and "grid" in reference else []
    asked = replace(
        asked,
        step_ns=asked.step_ns if "grid" in reference else 0,
        sizes=asked.sizes if "exec" in reference.get("grid", {}) else (),
        ladder=tuple(each["ts_ns"] for each in checkpoints),
    )
    found = books.stream(feeds, clock, asked)
    where = f"{part}.by_{clock}"
    figures.compare(found.figures, reference, where)
    if checkpoints:
        figures.leave_out("ladder.definition", "a sentence")
        figures.compare(ladder_file(of, found.ladders), data.golden(of.name, LADDER), "ladder")
        if len(feeds) == 2:
            what = "merged ladders of two legs as the library consolidates them"
            figures.equal(what, found.consolidated, theirs=True)
    if part == "l2" and "grid" in reference:
        compare_grid(of, found.grid, figures)
    legs = [each.leg for each in feeds]
    books.edges_of_hedges(found, legs, figures)
    if part == "l2" and clock == "receive":
        as_loaded(of, found.tops.merged, figures)
    if of.slow:
        slowly(found, legs, figures, where)
    return found


def as_loaded(of: BookSet, merged: Merged, figures: Figures) -> None:
    """Compare our merged rows, and how far clocks are ahead, with those of the library's loader."""
    legs = [each.leg for each in merged.feeds]
    tables = [data.normal(of.name, file) for file in dict.fromkeys(of.parts["l2"])]
    made = config(legs, of.asked.currency, of.asked.unit)
    rows = load(tables, made, dict.fromkeys((leg.venue for leg in legs), 0))
    for key in ("instrument", "side", "row", "price", "qty", "receive"):
        same = bool((rows.columns[key] == merged.columns[key]).all())
        figures.equal(f"{key} of every row as the library loads it", same, theirs=True)
    for venue in dict.fromkeys(leg.venue for leg in legs):
        took = [
            int((each.receive - each.exchange)[each.exchange != NONE].min())
            for each in merged.feeds
            if each.leg.venue == venue and (each.exchange != NONE).any()
        ]
        ahead = max(0, -min(took, default=0))
        figures.equal(f"{venue}: how far its clock is ahead", rows.ahead_ns[venue], ahead)


LADDER = "golden_ladder.json"


def ladders_of(of: BookSet) -> list[Json]:
    """Return the instants of the merged ladders; none where the set has no such file."""
    if not data.at(of.name, LADDER).exists():
        return []
    found: list[Json] = data.golden(of.name, LADDER)["checkpoints"]
    return found


def ladder_file(of: BookSet, ladders: list[Json]) -> Json:
    """Return our ladders in the form of the file."""
    stated = [
        {
            "name": leg.name,
            "venue": leg.venue,
            "instrument": leg.instrument,
            "file": file,
            "type": "inverse" if leg.inverse else "linear",
            "mult": leg.mult,
        }
        for leg, file in zip(of.legs, of.parts["l2"], strict=True)
    ]
    return {"clock": "receive", "legs": stated, "checkpoints": ladders}


def compare_grid(of: BookSet, rows: list[Json], figures: Figures) -> None:
    """Compare every cell of the table of the grid."""
    reference = data.grid(of.name)
    figures.equal("rows of the grid", len(rows), len(reference))
    for ours, theirs in zip(rows, reference, strict=False):
        for key, cell in theirs.items():
            value = None if cell == "" else int(cell) if key == "ts_ns" else float(cell)
            figures.equal(f"grid {theirs['ts_ns']} {key}", ours.get(key, "nothing"), value)


def slowly(found: books.Streamed, legs: list[Leg], figures: Figures, where: str) -> None:
    """Compare best prices after every message with those of plain dicts."""
    slow = SlowMarket(legs).columns(found.tops.merged.columns)
    for key in ("bid", "ask", "whole"):
        same = bool((slow[key] == found.found[key]).all())
        figures.equal(f"{where} {key} of every message as plain dicts have it", same, theirs=True)

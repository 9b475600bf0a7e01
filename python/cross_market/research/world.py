"""The simulated venues: how long messages take, what goes wrong, what is there at the start."""

import os
from dataclasses import field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from cross_market import _core
from cross_market._files import Broken, Builder, table_of, toml_text
from cross_market._values import (
    Name,
    Number,
    Reader,
    count,
    decimal,
    many,
    one,
    read_decimal,
    unknown,
    value,
    wrong,
    wrong_type,
)
from cross_market.contracts.units import money, parse_span, span

MILLION = 1_000_000


def chance() -> Reader:
    """Read how often something happens: a fraction from 0 to 1 in whole millionths."""
    expected = "a fraction from 0 to 1 in whole millionths, such as '0.01'"

    def read(given: object, where: str) -> str:
        number = read_decimal(given, where, expected)
        if not 0 <= number <= 1 or (Fraction(number) * MILLION).denominator != 1:
            raise wrong(given, where, expected)
        return f"{number:f}"

    return Reader(read, expected)


def fault_name() -> Reader:
    """Read the name of a class of faults."""

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, "the name of a fault, such as 'ack_lost'")
        known = _core.faults()
        if given not in known:
            raise unknown(given, where, known, "one of the faults")
        return given

    return Reader(read, "the name of a fault, such as 'ack_lost'")


@value
class Latency:
    """How long one kind of message takes.

    base: str, time – at least so long.
    jitter: str, time – up to so much more, all values equally likely.
    spike: str, time – added with the chance `spike_chance`.
    spike_chance: number – fraction of messages.
    """

    base: Annotated[str, span()] = field(kw_only=False)
    jitter: Annotated[str, span()] = "0 ns"
    spike: Annotated[str, span()] = "0 ns"
    spike_chance: Annotated[Number, chance()] = "0"


@value
class SimVenue:
    """The latencies of one venue.

    name: str – a venue of the configuration.
    order: Latency – from us to the venue.
    report: Latency – from the venue to us.
    feed: Latency – market data: recorded rows carry their own stamps; where a venue's clock is
        wrong, its fastest message is taken to have needed `base` (see `cross_market.simulate`).
    """

    name: Name = field(kw_only=False)
    order: Annotated[Latency, one(Latency)]
    report: Annotated[Latency, one(Latency)]
    feed: Annotated[Latency, one(Latency)]


@value
class Fault:
    """A class of faults, and how often it happens.

    name: str – such as 'ack_lost', 'fill_twice', 'cancel_race'; an unknown one lists them all.
    chance: number – fraction of the occasions on which it can happen.
    """

    name: Annotated[str, fault_name()] = field(kw_only=False)
    chance: Annotated[Number, chance()]


@value
class Holding:
    """A position that is there before the run.

    account, instrument: str – their names.
    size: number, venue's size – negative is short.
    price: number – price at which it is taken over.
    """

    account: Name
    instrument: Name
    size: Annotated[Number, decimal()]
    price: Annotated[Number, decimal()]


@value
class Balance:
    """Money that is there before the run.

    account: str – its name.
    amount: str, money – such as '1000000 CNY'.
    """

    account: Name = field(kw_only=False)
    amount: Annotated[str, money(signed=True)]


@value
class SimVenues:
    """The world that a simulation runs in; equal values and equal data give equal runs.

    venues: list of SimVenue – one for every venue of the configuration.
    balances: list of Balance – money at the start, for every account.
    holdings: list of Holding – positions at the start.
    faults: list of Fault – what goes wrong.
    seed: int – of everything that is drawn.
    """

    venues: Annotated[Any, many(SimVenue, least=1)]
    balances: Annotated[Any, many(Balance)]
    holdings: Annotated[Any, many(Holding)] = ()
    faults: Annotated[Any, many(Fault)] = ()
    seed: Annotated[int, count(most=2**63 - 1)] = 1

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SimVenues":
        """Return what a TOML file states, in a table [simulation] where there is one.

        Refuses as `Config.load` does.
        path: path – a file that not everybody may write.
        returns: SimVenues.
        Raises ConfigError or InputTypeError with the key, the file and the line that are wrong.
        """
        from cross_market._source import read_toml  # most programs write their world in Python

        source = read_toml(path)
        with source.refuses():
            found = read_world(source.table, Builder({}))
        assert isinstance(found, SimVenues)  # what is wrong was raised
        return found

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write it as TOML; `load` reads it back equal.

        path: path – the file to write.
        """
        Path(path).write_text(toml_text(table_of(self)), encoding="utf-8")


def read_world(table: dict[str, Any], builder: Builder) -> SimVenues | Broken:
    """Return the world that the tables of a file state, whole or in their [simulation]."""
    where = "simulation" if "simulation" in table else ""
    found: SimVenues | Broken = builder.build(SimVenues, table.get("simulation", table), where)
    return found


def millionths(text: Number) -> int:
    """Return a chance in millionths."""
    return int(Fraction(text) * MILLION)


def latency_ns(latency: Latency) -> tuple[int, int, int, int]:
    """Return base, jitter and spike in ns, and the spike's chance in millionths."""
    spans = (latency.base, latency.jitter, latency.spike)
    base, jitter, spike = (parse_span(each, "latency") for each in spans)
    return base, jitter, spike, millionths(latency.spike_chance)

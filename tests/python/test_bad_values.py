"""Bad input to values of the configuration (B01–B15, B40–B50): every field, every bad value."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import bad
import cross_market as cm
from bad import refused
from cross_market._values import readers, snake
from parts import EXECUTION, QUOTING, gold_config, instrument
from test_engine import START

GOLD = gold_config()
LIMITS = GOLD.limits
LATENCY = cm.Latency("1 ms", jitter="1 ms", spike="5 ms", spike_chance="0.01")
BANDS: dict[str, Any] = {"enter": "1.004", "exit": "1.0005"}
SPREADS: dict[str, Any] = {"enter": "0.80 CNY/g", "exit": "0.10 CNY/g"}
MORE: dict[str, Any] = {
    "persist": "2 updates",
    "persist_within": "1 s",
    "deviation": cm.Deviation(enter="2", alpha="0.1", warm=10),
}
VENUE = cm.SimVenue("SHFE", order=LATENCY, report=LATENCY, feed=LATENCY)
# One good value of every class that a user makes.
VALUES: list[Any] = [
    GOLD,
    GOLD.venues[0],
    cm.Account(
        "sh",
        venue="SHFE",
        currency="CNY",
        island="onshore",
        flag="arbitrage",
        cash_tolerance="1 CNY",
    ),
    GOLD.hedges[0],
    GOLD.hedges[0].legs[0],
    instrument(
        "SHFE.au2602",
        "CNY/g",
        band=("600", "640"),
        min_qty=1,
        price_max="1000",
        qty_max=100,
        phases=((START, "continuous"),),
    ),
    cm.Fee(per_lot="10 CNY", rate="0.0001"),
    cm.Fees(open=cm.Fee(), close=cm.Fee(), close_today=cm.Fee()),
    cm.Margin(
        long="0.1",
        short="0.1",
        long_per_lot="10 CNY",
        short_per_lot="12 CNY",
        floor_per_lot="100 CNY",
    ),
    cm.Ratio(**BANDS, mirror=cm.Band(enter="0.9", exit="0.95"), **MORE),
    cm.Spread(**SPREADS, **MORE),
    cm.CounterPrice(**SPREADS, **MORE),
    cm.Estimate(**SPREADS, **MORE),
    cm.Band(**BANDS),
    MORE["deviation"],
    cm.Waiting(deviations="1", alpha="0.1", warm=10),
    GOLD.hedges[0].size,
    GOLD.hedges[0].execution,
    cm.CheaperOf("supplement", "unwind"),
    cm.Simultaneous(**EXECUTION, legs={"SHFE.au2602": cm.LegRule(after="40 ms")}),
    cm.Sequential(**EXECUTION, leader="SHFE.au2602"),
    QUOTING,
    QUOTING.lean,
    cm.LegRule(after="1 ms", pay_up="-1 ticks", chase="1 tick", slip="3 ticks", rests=True),
    LIMITS,
    LIMITS.each_instrument,
    cm.conduct("SHFE", on="2026-02-10", reserve="0.1", opens_per_day=100),
    LIMITS.each_account,
    LIMITS.each_hedge,
    cm.limits.SumResidual(product="gold", currency="CNY", limit="1 kg"),
    LATENCY,
    VENUE,
    cm.Fault("ack_lost", chance="0.1"),
    cm.Holding(account="sh", instrument="SHFE.au2602", size=1, price="600"),
    cm.Balance("sh", amount="1 CNY"),
    cm.SimVenues(venues=[VENUE], balances=[cm.Balance("sh", amount="1 CNY")]),
]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+@-]{0,39}")
GOOD = {("CNY", "currency"), ("CNY", "unit")}
PLACES = [(each, name) for each in VALUES for name in readers(type(each))]
# Texts that are good for some field; a number is none of them, and they are no number.
WORDS = [
    "x y",
    "1 parsec",
    "CNY",
    "1  CNY",
    "-1 kg",
    "0 ms",
    "1 ms ",
    "\u0661 kg",
    "1e3 kg",
    "1 \u202eg",
]


def is_meant(value: Any, name: str, given: object) -> bool:  # noqa: ANN401
    """Return whether a value that is bad elsewhere is good in this field."""
    if given is None or type(given) is bool:
        return given is None or type(getattr(value, name)) is bool
    expected = readers(type(value))[name].expected
    if type(given) is int:
        return abs(given) < 10**38 and "a plain" in expected
    if type(given) is not str:
        return False
    if "a name of" in expected:
        return NAME.fullmatch(given) is not None
    zero = "a length of time, such as"
    return (given, name) in GOOD or (given == "0 ms" and expected.startswith(zero))


def bad_values(value: Any, name: str) -> Iterator[object]:  # noqa: ANN401
    """Yield everything that a field must refuse."""
    for each in (*bad.NUMBERS, *bad.NAMES, *WORDS):
        if not is_meant(value, name, each):
            yield each
    field = next(each for each in dataclasses.fields(value) if each.name == name)
    if field.default is not None and not readers(type(value))[name].states:
        yield None


@pytest.mark.parametrize(
    ("value", "name"), PLACES, ids=[f"{type(each).__name__}.{name}" for each, name in PLACES]
)
def test_every_bad_value_is_refused_at_its_field(value: Any, name: str) -> None:  # noqa: ANN401
    given = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    assert type(value)(**given) == value
    most = 4000 if type(value) is cm.Fault else 700  # an unknown fault is told all of them
    for each in bad_values(value, name):
        wrong = given | {name: each}
        error = refused(lambda wrong=wrong: type(value)(**wrong), most=most)  # type: ignore[misc]
        assert f"{snake(type(value).__name__)}.{name}" in str(error), ascii(str(error))


@pytest.mark.parametrize("name", ["x" * 1_000_000, "\x1b[31m\n", "\u202e", "\udc80"])
def test_an_unknown_argument_is_shown_as_it_can_be(name: str) -> None:
    given: dict[str, Any] = {name: 1}
    refused(lambda: cm.Fee(**given), kinds=cm.UsageError)


# Times of phases: with their zone, once, and nothing lost.

BERLIN = ZoneInfo("Europe/Berlin")
BAD_STARTS: list[Any] = [
    *(each for each in bad.WHOLES if type(each) is not datetime or each.tzinfo is None),
    None,
    -1,
    2**63,
    253_402_300_799_000_000_000,
    datetime(2026, 2, 10),
    datetime(1969, 12, 31, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),  # shown twice
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),  # never shown
    pd.Timestamp("2026-02-10T00:00:00.000000001Z"),  # it counts ns, a datetime does not
    "2026-02-10T00:00:00",
    "2026-02-10",
    "2026-02-10T00:00:00.0000001Z",
    "2026-02-30T00:00:00Z",
    "2026-02-10T00:00:00+99:00",
    "\uff12026-02-10T00:00:00Z",
    "2026-02-10T00:00:00Z\n",
    "x" * 10_000_000,
    "\udc80",
]


@pytest.mark.parametrize("start", BAD_STARTS, ids=bad.identity)
def test_a_bad_time_of_a_phase_is_refused(start: Any) -> None:  # noqa: ANN401
    phases = [(start, "continuous")]
    error = refused(lambda: instrument("SHFE.au", "CNY/g", phases=phases))
    assert "instrument.phases[0]" in str(error)


@pytest.mark.parametrize(
    "start",
    [
        START,
        datetime.fromtimestamp(START // 10**9, tz=UTC),
        datetime.fromtimestamp(START // 10**9, tz=BERLIN),
        datetime.fromtimestamp(START // 10**9, tz=timezone(timedelta(hours=8))),
        datetime.fromtimestamp(START // 10**9, tz=UTC).isoformat(),
    ],
)
def test_a_time_with_its_zone_is_exact(start: object) -> None:
    made = instrument("SHFE.au", "CNY/g", phases=[(start, "continuous")])
    assert made.phases == ((START, "continuous"),)


# The same through a file.

LITERALS = [
    *("nan", "inf", "-inf", "-0.0", "5e-324", "1e308", "0.1", "1e3", "true", "2026-02-10", "{}"),
    *(
        '""',
        '" "',
        '"\\uff11\\uff12"',
        '"1_000 "',
        '"+1"',
        '"1e3"',
        '"NaN"',
        '"0x10"',
        '"-"',
        '"1/0"',
    ),
    *('"a\\u0000b"', '"a\\u001b[31m"', '"\\u202e"', '"\\u200b"', '"黄金"', '"é"', '"e\\u0301"'),
    *('"../../etc/passwd\\n"', '"\'; drop table orders; --"', "9" * 500, '"' + "9" * 5000 + '"'),
    *("[[[[]]]]", "9223372036854775808", "2026-02-10T00:00:00"),
]


NAMED = ("name", "venue", "island", "product")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the lines of the gold configuration as a file."""
    path = tmp_path_factory.mktemp("gold") / "gold.toml"
    GOLD.dump(path)
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("literal", LITERALS, ids=lambda each: each[:20])
def test_every_line_of_a_file_refuses_a_bad_value(
    literal: str, lines: list[str], tmp_path: Path
) -> None:
    # Every value is walked above; here each literal meets every seventh line, from another on.
    places = [at for at, line in enumerate(lines) if " = " in line and "type =" not in line]
    path = tmp_path / "bad.toml"
    begin = LITERALS.index(literal) % 7
    for at in places[begin::7]:
        key, _, old = lines[at].partition(" = ")
        is_name = key in NAMED and NAME.fullmatch(literal.strip('"')) is not None
        if is_name or (old, literal) in (("false", "true"), ("true", "true")):
            continue
        changed = [*lines[:at], f"{key} = {literal}", *lines[at + 1 :]]
        path.write_text("\n".join(changed), encoding="utf-8")
        path.chmod(0o600)
        refused(lambda: cm.Config.load(path))

"""A run that goes otherwise from Python is told."""

from pathlib import Path

import pytest

import spoken
from cross_market import _core, events

START = 1_770_685_200_000_000_000
TEXT = (Path(__file__).parents[1] / "scenarios" / "configs" / "pair.json").read_text("utf-8")
CASH = f"Cash(account='a', exchange={START}, kind='opening', amount='5')"


def stream(end: str) -> list[str]:
    head = f"config 7 {START} {' '.join(TEXT.split())}"
    late = f"at {START - 1} Tick()"  # time does not run back: refused
    return [head, f"at {START} {CASH}", late, f"restart {START} 2", end]


def test_a_run_ends_as_it_is_told() -> None:
    engine = _core.Engine(spoken.Stated(TEXT), start=START)
    engine.handle(START, events.Cash(account="a", exchange=START, kind="opening", amount="5"))
    engine.restart(START, 2)
    found = spoken.driven(stream(f"end {engine.digest().hex()} 0 1"))
    assert found == (1, 3, [])


@pytest.mark.parametrize("end", ["end 00 0 1", "end 00 1 0"])
def test_another_end_is_told(end: str) -> None:
    _, _, otherwise = spoken.driven(stream(end))
    assert len(otherwise) == 1
    assert otherwise[0].startswith("seed 7: ")
    assert otherwise[0].endswith(f"in Rust {end.removeprefix('end ')}")

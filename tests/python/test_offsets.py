"""What a clearing house leaves of margin where positions stand against each other."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
import parts

START = 1_770_685_200_000_000_000

NEAR = parts.instrument("SHFE.au2602", "CNY/g", fees=cm.Fees(open=cm.Fee(per_lot="10 CNY")))
FAR = parts.instrument("SHFE.au2604", "CNY/g", fees=cm.Fees(open=cm.Fee(per_lot="10 CNY")))
SH = cm.Account("sh", venue="SHFE", currency="CNY", island="onshore", flag="arbitrage")


def offset(*lots: int, credit: str = "30000 CNY", **changed: Any) -> cm.Offset:  # noqa: ANN401
    legs = [cm.OffsetLeg(of, each) for of, each in zip((NEAR, FAR), lots, strict=True)]
    return cm.Offset(changed.pop("account", SH), **{"legs": legs, "credit": credit, **changed})


def calendar(*offsets: cm.Offset) -> cm.Config:
    legs = [cm.Leg(NEAR, side="sell", account=SH), cm.Leg(FAR, side="buy", account=SH)]
    return parts.gold_config(accounts=[SH], legs=legs, fx={}, offsets=offsets)


def holding(config: cm.Config, path: Path) -> cm.Session:
    """A session that holds three lots sold and two bought, at 600 and 610 CNY/g, 0.02 a tick."""
    made = cm.Session(config, journal=path / "run", now=START)
    cash = cm.events.Cash(account="sh", exchange=START, kind="opening", amount=1_000_000)
    made.handle(START, cash)
    for name, price, lots in (("SHFE.au2602", 30_000, (0, 3)), ("SHFE.au2604", 30_500, (2, 0))):
        long, short = lots
        told = cm.events.Position(
            account="sh",
            instrument=name,
            exchange=START,
            kind="opening",
            price=price,
            long=long,
            short=short,
        )
        made.handle(START, told)
    return made


def margin(path: Path, *offsets: cm.Offset) -> int:
    path.mkdir()
    with holding(calendar(*offsets), path) as session:
        return int(session.funds().to_pylist()[0]["margin"])


def test_a_set_is_left_its_amount_for_each_time_it_is_there(tmp_path: Path) -> None:
    whole = 3 * 60_000 + 2 * 61_000
    assert margin(tmp_path / "none") == whole
    assert margin(tmp_path / "one", offset(-1, 1)) == whole - 2 * 30_000
    assert margin(tmp_path / "turned", offset(1, -1)) == whole - 2 * 30_000
    # Two of the first take all that is bought: the second finds nothing.
    second = offset(-1, 2, credit="90000 CNY")
    assert margin(tmp_path / "both", offset(-1, 1), second) == whole - 2 * 30_000
    assert margin(tmp_path / "order", second, offset(-1, 1)) == whole - 90_000
    assert margin(tmp_path / "most", offset(-1, 1, credit="900000 CNY")) == 0


def test_a_file_says_the_same(tmp_path: Path) -> None:
    made = calendar(offset(-1, 1), offset(-1, 2))
    made.dump(tmp_path / "desk.toml")
    assert cm.Config.load(tmp_path / "desk.toml") == made


def test_what_if_sees_the_table(tmp_path: Path) -> None:
    found = []
    for name, offsets in (("plain", ()), ("less", (offset(-1, 1),))):
        (tmp_path / name).mkdir()
        with holding(calendar(*offsets), tmp_path / name) as session:
            for contract, price in (("SHFE.au2602", 30_000), ("SHFE.au2604", 30_500)):
                for side, at, row in (("bid", price, "snapshot"), ("ask", price + 1, "level")):
                    book = cm.events.Book(
                        instrument=contract,
                        side=side,
                        price=at,
                        qty=9,
                        row=row,
                        last=side == "ask",
                        exchange=START,
                        receive=START,
                    )
                    session.handle(START, book)
            rows = session.what_if("gold", sets=1).accounts.to_pylist()
            found.append({row["moment"]: int(row["margin"]) for row in rows})
    plain, less = found
    # Two sets stand; one more lot of each would make a third.
    assert plain["now"] - less["now"] == 2 * 30_000
    assert plain["after"] - less["after"] == 3 * 30_000
    assert plain["settled"] - less["settled"] == 3 * 30_000


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ({"lots": (1, 1)}, "legs"),
        ({"lots": (0, 1)}, "lots"),
        ({"credit": "0 CNY"}, "credit"),
        ({"credit": "1 USD"}, "credit"),
    ],
)
def test_what_is_no_offset_is_refused(stated: dict[str, Any], field: str) -> None:
    with pytest.raises(cm.ConfigError, match=field):
        offset(*stated.get("lots", (1, -1)), credit=stated.get("credit", "1 CNY"))


def test_what_does_not_fit_the_configuration_is_refused() -> None:
    other = dataclasses.replace(SH, name="other")
    twice = [cm.OffsetLeg(NEAR, 1), cm.OffsetLeg(NEAR, -1)]
    odd = parts.instrument("SHFE.au2606", "CNY/g")
    for wrong in (
        offset(1, -1, account=other),
        offset(1, -1, legs=twice),
        offset(1, -1, legs=[cm.OffsetLeg(NEAR, 1), cm.OffsetLeg(odd, -1)]),
    ):
        with pytest.raises(cm.ConfigError):
            calendar(wrong)


def test_only_lots_margined_by_themselves_stand_in_a_table() -> None:
    charged = dataclasses.replace(FAR, larger_side=True)
    near = dataclasses.replace(NEAR, larger_side=True)
    legs = [cm.Leg(near, side="sell", account=SH), cm.Leg(charged, side="buy", account=SH)]
    rows = [cm.OffsetLeg(near, 1), cm.OffsetLeg(charged, -1)]
    with pytest.raises(cm.ConfigError, match="larger side"):
        parts.gold_config(accounts=[SH], legs=legs, fx={}, offsets=[offset(1, -1, legs=rows)])

"""What an attempt would come to, as a user asks for it."""

from decimal import Decimal
from pathlib import Path

import pytest

import cross_market as cm
import parts

START = 1_770_685_200_000_000_000


def test_a_desk_without_books_cannot_begin(tmp_path: Path) -> None:
    with cm.Session(parts.gold_config(), journal=tmp_path / "run", now=START) as session:
        before = session.digest()
        found = session.what_if("gold", sets=9)
        assert session.digest() == before
    assert isinstance(found, cm.WhatIf)
    assert (found.hedge, found.sets) == ("gold", 9)
    assert found.binds is not None
    assert found.binds.moment == "now"
    assert found.beyond.keys() == {"SHFE.au2602", "COMEX.GCG6"}
    rows = found.accounts.to_pylist()
    assert [(row["account"], row["moment"]) for row in rows][:3] == [
        ("sh", "now"),
        ("ny", "now"),
        ("sh", "after"),
    ]
    assert {row["currency"] for row in rows} == {"CNY", "USD"}
    assert all(row["usage"] is None for row in rows), "there is no equity"


def test_money_is_told_in_the_account_s_currency(tmp_path: Path) -> None:
    with cm.Session(parts.gold_config(), journal=tmp_path / "run", now=START) as session:
        cash = cm.events.Cash(account="sh", exchange=START, kind="opening", amount=500)
        session.handle(START, cash)
        rows = session.what_if("gold", sets=-1).accounts.to_pylist()
    now = next(row for row in rows if (row["account"], row["moment"]) == ("sh", "now"))
    assert (now["equity"], now["available"], now["usage"]) == (500, 500, Decimal(0))


@pytest.mark.parametrize(("hedge", "sets"), [("silver", 1), ("gold", 0)])
def test_what_is_no_question_is_refused(tmp_path: Path, hedge: str, sets: int) -> None:
    with (
        cm.Session(parts.gold_config(), journal=tmp_path / "run", now=START) as session,
        pytest.raises(cm.CrossMarketError),
    ):
        session.what_if(hedge, sets=sets)


def test_a_float_is_refused(tmp_path: Path) -> None:
    with (
        cm.Session(parts.gold_config(), journal=tmp_path / "run", now=START) as session,
        pytest.raises(TypeError),
    ):
        session.what_if("gold", sets=1.5)  # type: ignore[arg-type]

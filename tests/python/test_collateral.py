"""Collateral stands for what is set aside, and what it is worth may change without a booking."""

import dataclasses
from pathlib import Path

import by_hand
import cross_market as cm
from cross_market import commands
from cross_market import events as ev


def pledging(*thresholds: cm.Threshold) -> cm.Config:
    """Return the configuration by hand, with accounts whose collateral counts whole."""
    plain = by_hand.config(*thresholds, sets=1)
    (hedge,) = plain.hedges
    accounts = {each.name: dataclasses.replace(each, haircut="0") for each in plain.accounts}
    legs = [dataclasses.replace(leg, account=accounts[leg.account.name]) for leg in hedge.legs]
    hedges = [dataclasses.replace(hedge, legs=legs)]
    return dataclasses.replace(plain, accounts=list(accounts.values()), hedges=hedges)


def opened(folder: Path, *thresholds: cm.Threshold) -> by_hand.Desk:
    """Return a desk with little cash and much collateral."""
    desk = by_hand.Desk(pledging(*thresholds), folder, money=800)
    for account in by_hand.ACCOUNT.values():
        worth(desk, account, 100_000)
    return desk


def worth(desk: by_hand.Desk, account: str, amount: int) -> list[str]:
    """Say what collateral is worth; return the alerts."""
    pledge = ev.Cash(account=account, exchange=desk.now, kind="collateral", amount=amount)
    return alerts(desk.say(pledge))


def alerts(sent: list[commands.Command]) -> list[str]:
    return [each.code for each in sent if isinstance(each, commands.Alert)]


def test_an_order_that_collateral_carries_is_no_shortfall(tmp_path: Path) -> None:
    desk = opened(tmp_path / "journal")
    desk.quote(by_hand.NORTH, 10_100)
    desk.quote(by_hand.SOUTH, 10_000)
    assert {each.account for each in desk.places()} == {"one", "two"}
    assert alerts(desk.sent) == ["attempt_started"]


def test_collateral_that_is_worth_less_is_acted_on_at_once(tmp_path: Path) -> None:
    usage = cm.Threshold("capital_usage", each="account", warn="0.5", restrict="0.8")
    desk = opened(tmp_path / "journal", usage)
    desk.entered()
    assert not {"threshold", "shortfall"} & set(worth(desk, "one", 99_000))
    assert set(worth(desk, "one", 0)) >= {"threshold", "shortfall", "restricted"}
    assert desk.session.monitors()["level"].to_pylist() == ["restrict", "normal"]
    assert "threshold_left" in worth(desk, "one", 100_000)

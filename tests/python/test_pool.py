"""The pool as a report: hand-worked sums, rates with their dates, and a session's own money."""

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import cross_market as cm
from cross_market import events as ev
from cross_market.funds import pool as pl
from parts import gold_config

AT = "2026-02-10T15:00+08:00"
NS = 10**9
START = 1_770_706_800 * NS  # the same moment
HOUR = 3600 * NS


def account(name: str, venue: str, currency: str, island: str, **changed: Any) -> cm.Account:  # noqa: ANN401
    return cm.Account(
        name, venue=venue, currency=currency, island=island, flag="arbitrage", **changed
    )


# Two companies under one control: futures and spot in yuan, futures in dollars, a desk in euros.
ACCOUNTS = [
    account("sh", "SHFE", "CNY", "onshore", entity="trading", group="house"),
    account("sge", "SGE", "CNY", "onshore", entity="trading", group="house"),
    account("ny", "COMEX", "USD", "offshore", entity="overseas", group="house"),
    account("fr", "EUREX", "EUR", "offshore"),
]
MONEY = {
    #      equity        cash      margin  held  quar  relief  open     out      transit
    "sh": ("1000000.10", "990000", "300000", "50000", "1000", "-20000", "650000", "600000", "0"),
    "sge": ("250000", "250000", "0", "0", "0", "0", "250000", "250000", "40000"),
    "ny": ("33.333333333", "30", "10.000000001", "0", "0", "0", "-1.5", "0", "7"),
    "fr": ("-2", "-2", "0", "0", "0", "0", "-2", "0", "0"),
}
NAMES = (
    *("equity", "balance", "margin", "held", "quarantine", "relief"),
    *("to_open", "withdrawable", "in_transit"),
)
STATED = {
    "sh": cm.Stated(at=START - 60 * NS, source="CTP query"),
    "sge": cm.Stated(at=START - 2 * HOUR, source="statement by mail"),
    "ny": cm.Stated(at=START + 1, source="IB account summary"),
    "fr": None,
}
USD = cm.Rate("USD", base="CNY", worth="7.1", dated="2026-02-10T09:15+08:00", source="CFETS")
EUR = cm.Rate("EUR", base="CNY", worth="8.3", dated="2026-02-09T17:00+08:00", source="CFETS")


def table(**changed: object) -> pa.Table:
    """Return funds as an engine shows them: exact decimals, names as words of a list."""
    rows = {**MONEY, **changed}
    words = pa.array(list(rows)).dictionary_encode()
    codes = {each.name: each.currency for each in ACCOUNTS}
    columns: dict[str, Any] = {
        "account": words,
        "currency": pa.array([codes.get(name, "CNY") for name in rows]).dictionary_encode(),
    }
    for at, name in enumerate(NAMES):
        amounts = [Decimal(row[at]) for row in rows.values()]  # type: ignore[index]
        columns[name] = pa.array(amounts, pa.decimal128(38, 9))
    return pa.table(columns)


def seen(**changed: Any) -> pl.Pool:  # noqa: ANN401
    given = {"accounts": ACCOUNTS, "stated": STATED, "at": AT, **changed}
    return cm.pool(given.pop("funds", table()), **given)


def test_every_account_says_what_it_has() -> None:
    found = seen()
    assert found.at == START
    assert [each.account for each in found.accounts] == ["sh", "sge", "ny", "fr"]
    sh, sge, ny, fr = found.accounts
    assert (sh.venue, sh.entity, sh.group, sh.island) == ("SHFE", "trading", "house", "onshore")
    # Frozen: what orders hold and what is in doubt, less what cannot be needed together.
    assert sh.equity == Decimal("1000000.10")
    assert [sh.cash, sh.margin, sh.frozen] == [990_000, 300_000, 50_000 + 1_000 - 20_000]
    assert [sh.to_open, sh.withdrawable, sge.in_transit] == [650_000, 600_000, 40_000]
    # An account that names no entity and no group is its own.
    assert (fr.entity, fr.group) == ("fr", "fr")
    assert [each.age_ns for each in found.accounts] == [60 * NS, 2 * HOUR, -1, None]
    assert sge.stated is not None
    assert sge.stated.source == "statement by mail"
    assert ny.to_open == Decimal("-1.5")


def test_currencies_are_never_added() -> None:
    found = [
        (each.name, each.currency, each.accounts, each.equity, each.oldest_ns)
        for each in seen().totals("island")
    ]
    assert found == [
        ("offshore", "EUR", 1, Decimal(-2), None),
        ("offshore", "USD", 1, Decimal("33.333333333"), -1),
        ("onshore", "CNY", 2, Decimal("1250000.1"), 2 * HOUR),
    ]
    by_group = [(each.name, each.currency) for each in seen().totals("group")]
    assert by_group == [("fr", "EUR"), ("house", "CNY"), ("house", "USD")]
    for by in pl.BY:
        totals = seen().totals(by)
        assert {each.by for each in totals} == {by}
        for code in ("CNY", "USD", "EUR"):
            money = sum(each.equity for each in totals if each.currency == code)
            assert money == sum(each.equity for each in seen().accounts if each.currency == code)


def test_the_value_in_one_currency_by_hand() -> None:
    found = seen().valued("CNY", rates=[EUR, USD], oldest="1 d")
    assert [each.currency for each in found.rates] == ["EUR", "USD"]
    assert {each.source for each in found.rates} == {"CFETS"}
    everything = found.total
    # 33.333333333 × 7.1 = 236.6666666643, rounded down
    euros = Decimal("16.6")
    assert everything.equity == Decimal("1250000.1") + Decimal("236.666666664") - euros
    assert everything.cash == Decimal(990_000 + 250_000 + 213) - euros
    # Rounded up: 10.000000001 × 7.1 = 71.0000000071
    assert everything.margin == Decimal("300071.000000008")
    assert everything.in_transit == 40_000 + Decimal("49.7")
    assert everything.to_open == Decimal("900000") - Decimal("10.65") - euros
    assert (everything.by, everything.name, everything.accounts) == ("pool", "pool", 4)
    assert everything.oldest_ns is None


def test_totals_are_equal_however_they_are_made() -> None:
    found = seen().valued("CNY", rates=[EUR, USD], oldest="1 d")
    for by in pl.BY:
        for what in pl.AMOUNTS:
            parts = [getattr(each, what) for each in found.totals(by)]
            assert sum(parts) == getattr(found.total, what)
        assert {each.currency for each in found.totals(by)} == {"CNY"}
    assert [each.name for each in found.totals("currency")] == ["CNY", "EUR", "USD"]


def test_rounding_is_against_us_on_either_side_of_zero() -> None:
    thin = cm.Rate("EUR", base="CNY", worth="0.000000001", dated=START, source="made up")
    rows = {"fr": ("-1.5", "1.5", "1.5", "0.5", "0", "0", "-1.5", "1.5", "1.5")}
    [found] = [
        each
        for each in seen(funds=table(**rows))
        .valued("CNY", rates=[thin, USD], oldest="1 d")
        .totals("account")
        if each.name == "fr"
    ]
    one = Decimal("1E-9")
    assert (found.equity, found.to_open) == (-2 * one, -2 * one)
    assert (found.cash, found.withdrawable, found.in_transit) == (one, one, one)
    assert (found.margin, found.frozen) == (2 * one, one)


def test_sums_beyond_the_usual_context_are_exact() -> None:
    # 29 digits: sums in the usual context of 28 would lose the last one.
    rows = {
        name: (f"{lead}0000000000000000000.00000000{last}", *MONEY[name][1:])
        for name, lead, last in (("sh", 9, 1), ("sge", 1, 2))
    }
    found = seen(funds=table(**rows))
    [cny] = [each for each in found.totals("currency") if each.currency == "CNY"]
    assert cny.equity == Decimal("100000000000000000000.000000003")
    usd = cm.Rate("CNY", base="USD", worth="1.000000001", dated=START, source="made up")
    eur = dataclasses.replace(usd, currency="EUR")
    valued = found.valued("USD", rates=[usd, eur], oldest="1 d").totals("account")
    sh = next(each for each in valued if each.name == "sh")
    assert sh.equity == Decimal("90000000090000000000.000000001")


def late(rate: cm.Rate, dated: int) -> cm.Rate:
    return dataclasses.replace(rate, dated=dated)


@pytest.mark.parametrize(
    ("rates", "field", "says"),
    [
        ([], "rates.EUR", "missing, expected a dated rate of EUR in CNY"),
        ([EUR], "rates.USD", "missing, expected a dated rate of USD in CNY"),
        ([EUR, USD, USD], "rates.USD", "one rate for each currency"),
        ([EUR, dataclasses.replace(USD, base="JPY")], "rates.USD.base", "a rate in CNY"),
        ([EUR, late(USD, START + 1)], "rates.USD.dated", "not after the pool's"),
        ([EUR, late(USD, START - 24 * HOUR - 1)], "rates.USD.dated", "at most 1 d old"),
    ],
)
def test_a_rate_that_is_not_there_or_not_of_then_is_refused(
    rates: list[cm.Rate], field: str, says: str
) -> None:
    with pytest.raises(cm.ConfigError, match=says) as error:
        seen().valued("CNY", rates=rates, oldest="1 d")
    assert error.value.field == field


def test_a_rate_is_good_to_the_last_moment_of_its_age() -> None:
    oldest = [late(EUR, START - 24 * HOUR), late(USD, START)]
    assert seen().valued("CNY", rates=oldest, oldest="1 d").rates[0].dated == START - 24 * HOUR


def test_one_currency_needs_no_rate() -> None:
    rows = table().slice(0, 2)
    found = seen(funds=rows, accounts=ACCOUNTS[:2], stated={"sh": None, "sge": None})
    assert found.valued("CNY", rates=[USD], oldest="1 d").rates == ()
    assert found.valued("CNY", rates=[], oldest="0 s").total.equity == Decimal("1250000.1")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"funds": table().slice(1)}, "pool.funds.sh"),
        ({"funds": table(zz=MONEY["sh"])}, "pool.funds"),
        ({"funds": table().drop_columns(["relief"])}, "pool.funds.relief"),
        ({"stated": {**STATED, "zz": None}}, "pool.stated"),
        ({"stated": {"sh": None}}, "pool.stated.sge"),
        ({"at": "2026-02-10"}, "pool.at"),
        (
            {"accounts": [dataclasses.replace(ACCOUNTS[0], currency="USD"), *ACCOUNTS[1:]]},
            "pool.funds.sh",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(cm.ConfigError) as error:
        seen(**changed)
    assert error.value.field == field


@pytest.mark.parametrize(
    "changed",
    [{"funds": []}, {"stated": {**STATED, "sh": START}}, {"at": 1.5}],
)
def test_types_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(cm.InputTypeError):
        seen(**changed)


@pytest.mark.parametrize("worth", ["0", "-7", "7/1", "NaN"])
def test_a_rate_is_above_zero(worth: str) -> None:
    with pytest.raises(cm.ConfigError, match=r"rate\.worth"):
        dataclasses.replace(USD, worth=worth)


def test_a_float_is_no_rate() -> None:
    with pytest.raises(cm.InputTypeError):
        dataclasses.replace(USD, worth=7.1)  # type: ignore[arg-type]
    with pytest.raises(cm.ConfigError, match=r"rate\.base"):
        dataclasses.replace(USD, base="USD")


@pytest.mark.parametrize("by", ["broker", "", None])
def test_another_word_adds_nothing_up(by: object) -> None:
    with pytest.raises((cm.ConfigError, cm.InputTypeError)):
        seen().totals(by)  # type: ignore[arg-type]


def test_a_session_s_own_money(tmp_path: Path) -> None:
    """Money on its way is in neither account's equity, and stays with the one that it left."""
    plain = gold_config()
    sh = next(each for each in plain.accounts if each.name == "sh")
    bank = dataclasses.replace(sh, name="bank")
    route = cm.Route(source=sh, target=bank, lead="30 min", most="500000 CNY")
    config = dataclasses.replace(plain, accounts=[*plain.accounts, bank], routes=[route])
    with cm.Session(config, journal=tmp_path / "run", now=START) as session:
        told = {"sh": 1_000_000, "ny": 200_000, "bank": 0}
        for name, amount in told.items():
            cash = ev.Cash(account=name, exchange=START, kind="opening", amount=amount)
            session.handle(START, cash)
        session.transfer(1, source="sh", target="bank", amount=400_000, now=START + 1)
        stated = {name: cm.Stated(at=START, source="by hand") for name in told}
        found = cm.pool(session.funds(), accounts=config.accounts, stated=stated, at=START + HOUR)
    [cny] = [each for each in found.totals("island") if each.currency == "CNY"]
    assert (cny.name, cny.accounts) == ("onshore", 2)
    assert [cny.equity, cny.in_transit, cny.withdrawable] == [600_000, 400_000, 600_000]
    assert cny.oldest_ns == HOUR
    before = next(each for each in found.accounts if each.account == "sh")
    assert [before.cash, before.in_transit] == [600_000, 400_000]

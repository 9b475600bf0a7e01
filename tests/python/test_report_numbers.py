"""Every number of the report, computed again from the tables in the slowest and plainest way.

No query is used here: rows are read as Python values, loops add them up. What comes out is compared
with what stands on the page, to the last digit.
"""

import datetime
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pandas
import polars
import pytest

import cross_market as cm
from cross_market.report import page
from cross_market.report.queries import CAUSES, DAYS_MAX, LINES_MAX, QUERIES, STAGES
from cross_market.report.tables import duration, moment
from report_parts import Page, arrow, demo_run, replaced, rows_of

Rows = list[dict[str, Any]]
WORST = {"alarm": 0, "warn": 1, "info": 2}
FEES = ("fees", "fees_close_today")


@pytest.fixture(scope="module")
def result() -> cm.Result:
    return demo_run(900)


@pytest.fixture(scope="module")
def seen(result: cm.Result) -> Page:
    return Page(page.html(result))


def rows(result: cm.Result, name: str) -> Rows:
    """Return a table as rows; no number of it is changed."""
    found: Rows = result.tables[name].to_pylist()
    return found


def same(one: Rows, other: Rows) -> None:
    """Assert that rows are equal: numbers as numbers, dates as text."""

    def plain(value: object) -> object:
        if isinstance(value, int | Decimal):
            return Decimal(value)
        return value if value is None or isinstance(value, str) else str(value)

    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert {key: plain(value) for key, value in left.items()} == {
            key: plain(value) for key, value in right.items()
        }


def pick(each: dict[str, Any], keys: str) -> dict[str, Any]:
    """Return some fields of a row."""
    return {key: each[key] for key in keys.split()}


def grouped(items: Iterable[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], Rows]:
    """Return rows by their values of `keys`, in the order in which these first come."""
    found: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for each in items:
        found[tuple(each[key] for key in keys)].append(each)
    return dict(found)


def key_figures(result: cm.Result) -> Rows:
    attempts, parts = rows(result, "attempts"), rows(result, "attribution")
    alerts = Counter(each["urgency"] for each in rows(result, "alerts"))
    found: list[tuple[int, str, str, Any]] = []
    for (currency,), own in grouped(parts, "currency").items():
        ours = [each["amount"] for each in own if each["hedge"] is not None]
        rest = [each["amount"] for each in own if each["hedge"] is None]
        if ours:
            found.append((1, "result", currency, sum(ours)))
        if rest:
            found.append((1, "unassigned", currency, sum(rest)))
        fees = [each["amount"] for each in own if each["cause"] in FEES]
        if fees:
            found.append((2, "fees", currency, sum(fees)))
    found.append((3, "attempts", "", len(attempts)))
    found.append((4, "completed", "", sum(each["end"] == "completed" for each in attempts)))
    found.append((5, "repaired", "", sum(each["repairs"] > 0 for each in attempts)))
    for (hedge,), own in grouped(attempts, "hedge").items():
        found.append((6, "sets_traded", hedge, sum(abs(each["sets_traded"]) for each in own)))
    found.append((7, "orders", "", len(rows(result, "orders"))))
    found.append((8, "fills", "", len(rows(result, "fills"))))
    found.append((9, "refusals", "", sum(each["count"] for each in rows(result, "refusals"))))
    found.append((10, "alarms", "", alerts["alarm"]))
    found.append((11, "warnings", "", alerts["warn"]))
    found += [(12, "usage", each["account"], each["peak_usage"]) for each in rows(result, "funds")]
    names = ("place", "key", "name", "value")
    ordered = sorted(found, key=lambda each: each[:3])
    return [dict(zip(names, each, strict=True)) for each in ordered]


def period(result: cm.Result) -> Rows:
    prices = rows(result, "prices")
    first, last = min(each["from_ns"] for each in prices), max(each["until_ns"] for each in prices)
    return [{"from_ns": first, "until_ns": last}]


def prices(result: cm.Result) -> Rows:
    keys = "hedge leg instrument from_ns until_ns bid_min bid_last ask_last ask_max"
    found = [pick(each, keys) for each in rows(result, "prices")]
    return sorted(found, key=lambda each: (each["hedge"], each["leg"], each["from_ns"]))


def signals(result: cm.Result) -> Rows:
    return sorted(rows(result, "signals"), key=lambda each: (each["hedge"], each["from_ns"]))


def marks(result: cm.Result) -> Rows:
    attempts, buckets = rows(result, "attempts"), rows(result, "signals")
    found = []
    for each in attempts:
        before = [
            bucket
            for bucket in buckets
            if bucket["hedge"] == each["hedge"] and bucket["from_ns"] <= each["started_ns"]
        ]
        side = each["sets_to"] - each["sets_from"]
        key = "enter_max" if side > 0 else "exit_min" if side < 0 else "enter_last"
        value = max(before, key=lambda bucket: bucket["from_ns"])[key] if before else None
        keys = "hedge kind end started_ns sets_from sets_to sets_traded repair_loss"
        found.append(pick(each, keys) | {"value": value, "attempts": len(attempts)})
    return sorted(found, key=lambda each: [each[key] for key in ("hedge", "kind", "end")])


def inventory(result: cm.Result) -> Rows:
    limits = {each["hedge"]: each["max_residual"] for each in rows(result, "hedges")}
    end = max(each["until_ns"] for each in rows(result, "prices"))
    found = []
    for (hedge,), own in grouped(rows(result, "inventory"), "hedge").items():
        changes = sorted(own, key=lambda each: each["now_ns"])
        if changes[-1]["now_ns"] < end:
            changes.append(changes[-1] | {"now_ns": end})
        for number, each in enumerate(changes, 1):
            sets, residual = each["sets"], each["residual"]
            found.append(
                {"hedge": hedge, "number": number, "now_ns": each["now_ns"], "sets": sets}
                | {"sets_min": sets, "sets_max": sets, "residual": residual}
                | {"residual_min": residual, "residual_max": residual, "allowed": limits[hedge]}
            )
    return found


def usage(result: cm.Result) -> Rows:
    return sorted(rows(result, "usage"), key=lambda each: (each["account"], each["from_ns"]))


def cause(result: cm.Result) -> Rows:
    parts = rows(result, "attribution")
    hedges = sorted({each["hedge"] for each in parts if each["hedge"] is not None})
    found = []
    for hedge in [*hedges, None]:
        own_parts = [each for each in parts if hedge in (each["hedge"], None)]
        for (currency,), own in sorted(grouped(own_parts, "currency").items()):
            if hedge is None and len({each["hedge"] for each in own}) < 2:
                continue
            sums = grouped(own, "cause")
            row = {"hedge": hedge, "currency": currency}
            for name in CAUSES:
                if (name,) in sums:
                    amount = sum(each["amount"] for each in sums[(name,)])
                    found.append(row | {"cause": name, "amount": amount})
            total = sum(each["amount"] for each in own)
            found.append(row | {"cause": "total", "amount": total})
    assert {row["cause"] for row in parts} <= set(CAUSES)
    return found


def parts(result: cm.Result, key: str, most: int | None = None) -> Rows:
    groups = grouped(rows(result, "attribution"), key, "currency")
    found = []
    for (name, currency), own in groups.items():
        row = {key: name, "currency": currency}
        for each in CAUSES:
            row[each] = sum((part["amount"] for part in own if part["cause"] == each), Decimal(0))
        row["total"] = sum((part["amount"] for part in own), Decimal(0))
        found.append(row | {"of": len(groups)})
    found.sort(key=lambda each: each["currency"])
    if most is None:
        return sorted(found, key=lambda each: (each[key] is None, each[key]))
    return sorted(found, key=lambda each: each[key], reverse=True)[:most]


def days(result: cm.Result) -> Rows:
    found = []
    for (currency,), own in sorted(grouped(rows(result, "attribution"), "currency").items()):
        sums, total = grouped(own, "day"), Decimal(0)
        for (day,), each in sorted(sums.items()):
            amount = sum(part["amount"] for part in each)
            total += amount
            found.append({"currency": currency, "day": day, "amount": amount, "cumulated": total})
    return found


def spans(result: cm.Result) -> dict[str, list[int | None]]:
    stamps = ["cause_exchange", "cause_receive", "decided", "arrived", "acked", "filled", "done"]
    found: dict[str, list[int | None]] = {}
    for stage, before, after in zip(STAGES, stamps, stamps[1:], strict=False):
        pairs = [(row[f"{before}_ns"], row[f"{after}_ns"]) for row in rows(result, "chains")]
        found[stage] = [None if None in pair else pair[1] - pair[0] for pair in pairs]
    return found


def bin_of(ns: int) -> int | None:
    """Return the largest whole k with 10 to the power of k/20 at most ns."""
    if ns <= 0:
        return None
    place = 0
    while 10 ** (place + 1) <= ns**20:
        place += 1
    return place


def latency(result: cm.Result) -> Rows:
    found = []
    for stage, all_of in spans(result).items():
        bins = Counter(bin_of(ns) for ns in all_of if ns is not None)
        ordered = sorted(bins.items(), key=lambda each: (each[0] is not None, each[0] or 0))
        found += [{"stage": stage, "bin": place, "orders": count} for place, count in ordered]
    return found


def latency_table(result: cm.Result) -> Rows:
    found = []
    for stage, all_of in spans(result).items():
        there = sorted(ns for ns in all_of if ns is not None)

        def rank(percent: int, there: list[int] = there) -> int | None:
            # The least value that at least so many per cent do not exceed.
            place = -(-percent * len(there) // 100)
            return there[max(place, 1) - 1] if there else None

        row: dict[str, Any] = {"stage": stage, "orders": len(there)}
        row["without"] = len(all_of) - len(there)
        row["least"] = there[0] if there else None
        row |= {"p50": rank(50), "p90": rank(90), "p99": rank(99)}
        found.append(row | {"most": there[-1] if there else None})
        if there:
            assert row["p50"] == statistics.median_low(there)
    return found


def refusals(result: cm.Result) -> Rows:
    groups = grouped(rows(result, "refusals"), "refusal", "subject", "name")
    found = [
        {"refusal": refusal, "subject": subject, "name": name}
        | {"count": sum(each["count"] for each in own), "of": len(groups)}
        for (refusal, subject, name), own in groups.items()
    ]
    return sorted(found, key=lambda each: (-each["count"], each["refusal"]))


def alert_codes(result: cm.Result) -> Rows:
    found = []
    for (urgency, code), own in grouped(rows(result, "alerts"), "urgency", "code").items():
        times = [each["now_ns"] for each in own]
        row = {"urgency": urgency, "code": code, "count": len(own)}
        found.append(row | {"first_ns": min(times), "last_ns": max(times)})
    return sorted(found, key=lambda e: (WORST[e["urgency"]], -e["count"], e["code"]))


def alerts(result: cm.Result) -> Rows:
    nano = Decimal("0.000000001")
    both = {"repair_chosen", "cash_drift", "shortfall", "settled", "foreign_fee"}
    found = rows(result, "alerts")
    found.sort(
        key=lambda each: (
            WORST[each["urgency"]],
            -each["now_ns"],
            *(each[key] for key in ("code", "subject", "name", "detail", "value", "limit")),
        )
    )
    shown = []
    for each in found[:LINES_MAX]:
        row = pick(each, "now_ns urgency code subject name")
        for key, is_money in (
            ("value", each["code"] in both),
            ("limit", each["code"] in both or each["code"] == "attempt_ended"),
        ):
            number = Decimal(each[key])
            row[key] = None if abs(number) >= 10**28 else number * (nano if is_money else 1)
        shown.append(row | {"of": len(found)})
    return shown


def ends(result: cm.Result) -> Rows:
    found = []
    for (kind, end), own in grouped(rows(result, "attempts"), "kind", "end").items():
        row = {"kind": kind, "end": end or "alive", "attempts": len(own)}
        row["sets"] = sum(abs(each["sets_traded"]) for each in own)
        found.append(row | {"repaired": sum(each["repairs"] > 0 for each in own)})
    return sorted(found, key=lambda each: (each["kind"], -each["attempts"], each["end"]))


def attempts(result: cm.Result) -> Rows:
    found = rows(result, "attempts")
    newest = sorted(found, key=lambda each: (-each["started_ns"], -each["decision"]))
    newest.sort(key=lambda each: each["end"] == "completed")
    keys = "decision hedge kind end started_ns ended_ns sets_from sets_to sets_traded orders"
    keys += " repairs repair_loss"
    return [pick(each, keys) | {"of": len(found)} for each in newest[:LINES_MAX]]


def orders(result: cm.Result) -> Rows:
    decided = {each["order"]: each["decided_ns"] for each in rows(result, "chains")}
    found = rows(result, "orders")
    newest = sorted(found, key=lambda each: (-decided[each["order"]], -each["order"]))
    keys = "order decision account instrument side effect kind purpose price qty cum_qty avg_px"
    return [
        {"decided_ns": decided[each["order"]], **pick(each, keys)}
        | {"status": each["status"] or "unknown", "of": len(found)}
        for each in newest[:LINES_MAX]
    ]


def fills(result: cm.Result) -> Rows:
    found = rows(result, "fills")
    newest = sorted(found, key=lambda each: each["trade_id"], reverse=True)
    newest.sort(key=lambda each: (-each["receive_ns"], -each["order"]))
    keys = "receive_ns order trade_id account instrument side price qty fee fee_currency liquidity"
    return [pick(each, f"{keys} revised") | {"of": len(found)} for each in newest[:LINES_MAX]]


def funds(result: cm.Result) -> Rows:
    found = []
    more = ("funding", "interest", "transfer", "adjustment", "dust")
    for each in sorted(rows(result, "funds"), key=lambda each: each["account"]):
        row = pick(each, "account currency opening trade result variation fees")
        row["other"] = sum(each[key] for key in more)
        found.append(row | pick(each, "balance earned margin peak_usage"))
    return found


def positions(result: cm.Result) -> Rows:
    found = rows(result, "positions")
    return sorted(found, key=lambda each: (each["account"], each["instrument"]))


def hedges(result: cm.Result) -> Rows:
    made = Counter(each["hedge"] for each in rows(result, "attempts"))
    found = rows(result, "hedges")
    return [
        pick(each, "hedge sets residual unit max_residual")
        | {"attempts": made[each["hedge"]], "of": len(found)}
        for each in sorted(found, key=lambda each: (-made[each["hedge"]], each["hedge"]))
    ]


AGAIN: dict[str, Callable[[cm.Result], Rows]] = {
    "key": key_figures,
    "period": period,
    "prices": prices,
    "signals": signals,
    "marks": marks,
    "inventory": inventory,
    "usage": usage,
    "cause": cause,
    "by_hedge": lambda result: parts(result, "hedge"),
    "by_account": lambda result: parts(result, "account"),
    "by_day": lambda result: parts(result, "day", DAYS_MAX),
    "days": days,
    "latency": latency,
    "latency_table": latency_table,
    "refusals": refusals,
    "alert_codes": alert_codes,
    "alerts": alerts,
    "ends": ends,
    "attempts": attempts,
    "orders": orders,
    "fills": fills,
    "funds": funds,
    "positions": positions,
    "hedges": hedges,
}


def test_nothing_is_left_out() -> None:
    assert set(AGAIN) == set(QUERIES)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_numbers_of_the_page_are_those_of_the_tables(
    result: cm.Result, seen: Page, name: str
) -> None:
    shown = rows_of(seen.data(name))
    assert len(shown) > 0
    same(shown, AGAIN[name](result))


@pytest.mark.parametrize("name", ["key", "cause", "by_hedge", "by_account", "by_day", "days"])
def test_the_result_of_several_hedges_and_of_none_adds_up(result: cm.Result, name: str) -> None:
    parts = [
        {"day": datetime.date(2024, 1, 1 + at % 9), "hedge": hedge, "account": f"a{at % 3}"}
        | {"cause": CAUSES[at % len(CAUSES)] if hedge else "unassigned", "currency": currency}
        | {"amount": Decimal(at**3 - 5000) / 8}
        for at in range(60)
        for hedge in ("euro", "gold", None)
        for currency in (("PLN", "USD") if hedge else ("PLN",))
    ]
    hedges = [{"hedge": "euro"}, {"hedge": "gold"}]
    made = replaced(result, attribution=arrow("attribution", parts), hedges=arrow("hedges", hedges))
    same(rows_of(Page(page.html(made)).data(name)), AGAIN[name](made))


def test_what_is_written_in_the_tables_is_what_was_computed(result: cm.Result, seen: Page) -> None:
    def cells(name: str) -> list[list[str]]:
        return seen.tables[f"table-{name}"][1:]

    assert cells("ends") == [
        [row["kind"], row["end"].replace("_", " ")]
        + [f"{row[key]:,}" for key in ("attempts", "sets", "repaired")]
        for row in ends(result)
    ]
    assert [row[-1] for row in cells("by_account")] == [
        f"{row['total']:,.2f}" for row in parts(result, "account")
    ]
    assert [row[0] for row in cells("attempts")] == [
        moment(row["started_ns"]) for row in attempts(result)
    ]
    keys = ("least", "p50", "p90", "p99", "most")
    assert [row[3:] for row in cells("latency_table")] == [
        ["–" if row[key] is None else duration(row[key]) for key in keys]
        for row in latency_table(result)
    ]
    assert [row[-1] for row in cells("funds")] == [
        f"{row['peak_usage']:.2%}" for row in funds(result)
    ]


def test_pandas_and_polars_read_the_same_sums(result: cm.Result, seen: Page) -> None:
    total = {
        row["currency"]: row["amount"]
        for row in rows_of(seen.data("cause"))
        if row["cause"] == "total" and row["hedge"] == "euro"
    }
    frame = polars.from_arrow(result.tables["attribution"])
    assert isinstance(frame, polars.DataFrame)
    sums = frame.with_columns(polars.col("currency").cast(polars.String)).group_by("currency")
    assert dict(sums.agg(polars.col("amount").sum()).iter_rows()) == total
    plain: pandas.DataFrame = result.tables["attribution"].to_pandas()
    by = plain.astype({"currency": str}).groupby("currency")["amount"].sum()
    assert by.to_dict() == total


def test_moments_and_durations_are_written_as_they_are() -> None:
    assert moment(1_723_161_286_830_243_127) == "2024-08-08 23:54:46.830"
    assert moment(0) == "1970-01-01 00:00:00.000"
    written = [duration(ns) for ns in (0, 7, 1500, 5_010_000, 45_200_000, 123_000_000_000)]
    assert written == ["0", "7 ns", "1.5 µs", "5.01 ms", "45.2 ms", "123 s"]

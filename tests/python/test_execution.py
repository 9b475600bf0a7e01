"""How legs are worked: what the core is told, what is refused by name, and what may change."""

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from bad import refused
from cross_market import events as ev
from cross_market import testing
from parts import EXECUTION, QUOTING, gold_config, gold_parts, instrument, resting
from test_any_event import opened
from test_engine import START
from test_hand_over import ENTER

AU, GC = "SHFE.au2602", "COMEX.GCG6"
PLAIN: dict[str, Any] = {
    "leads": False,
    "offset_ns": 0,
    "pay_up": 0,
    "chase": 0,
    "slip": 0,
    "slip_money": None,
    "slip_rate": None,
    "rests": False,
    "convert": "never",
    "chase_away": 0,
    "chase_ahead": 0,
    "take_after": 0,
    "hedge_from": 0,
}
LEADS = PLAIN | {"leads": True}


def sequential(leader: str = GC, **rules: str | bool) -> cm.Sequential:
    """Return a mode in which Shanghai follows New York by these rules."""
    legs = {AU: cm.LegRule(**rules)} if rules else {}  # type: ignore[arg-type]
    return cm.Sequential(**EXECUTION, leader=leader, legs=legs)


def offset(**after: str) -> cm.Simultaneous:
    """Return a mode in which legs leave at these times, by the first letter of their venue."""
    names = {"S": AU, "C": GC}
    legs = {names[key]: cm.LegRule(after=span) for key, span in after.items()}
    return cm.Simultaneous(**EXECUTION, legs=legs)


def quoting(**changed: object) -> cm.Quoting:
    return dataclasses.replace(QUOTING, **changed)  # type: ignore[arg-type]


def legging(config: cm.Config) -> Any:  # noqa: ANN401
    return json.loads(config.to_json())["limits"]["hedges"]["gold"]["legging"]


# What the core is told.


def test_all_at_once_is_told_as_nothing() -> None:
    assert legging(gold_config()) is None
    assert legging(gold_config(execution=offset(S="0 ns"))) is None


def crossing(config: cm.Config) -> Any:  # noqa: ANN401
    return json.loads(config.to_json())["limits"]["hedges"]["gold"]["crossing"]


def test_crossing_is_off_unless_asked_for() -> None:
    wanted = cm.Simultaneous(**EXECUTION, crossing=True)
    assert crossing(gold_config()) is False
    assert crossing(gold_config(execution=wanted)) is True
    assert legging(gold_config(execution=wanted)) is None
    assert crossing(gold_config(execution=sequential())) is False


def test_every_mode_is_told_whole() -> None:
    mode = cm.Simultaneous(
        **EXECUTION,
        legs={AU: cm.LegRule(after="40 ms", pay_up="1 tick", chase="2 ticks", slip="5 ticks")},
    )
    later = {"offset_ns": 40_000_000, "pay_up": 1, "chase": 2, "slip": 5}
    assert legging(gold_config(execution=mode)) == {
        "mode": "simultaneous",
        "legs": [PLAIN | later, PLAIN],
        "quote": None,
    }
    assert legging(resting(execution=sequential(pay_up="-1 ticks", rests=True))) == {
        "mode": "sequential",
        "legs": [PLAIN | {"pay_up": -1, "slip": -1, "rests": True}, LEADS],
        "quote": None,
    }
    assert legging(resting()) == {
        "mode": "quoting",
        "legs": [PLAIN, LEADS],
        "quote": {
            "lean_base": 2,
            "lean_times": "1.5",
            "lean_price": "average",
            "when_thin": "return",
            "slop_inside": "0.0001",
            "slop_outside": "0.0002",
            "reload": "-0.0003",
            "min_reprice": 1,
            "max_reprice": 50,
            "raise_by": 2,
            "range": 20,
            "outside": "leave",
            "refresh_ns": 60_000_000_000,
            "rest_within_ns": 600_000_000_000,
        },
    }


def test_every_rule_of_a_leg_is_told() -> None:
    rule = cm.LegRule(
        chase="2 ticks",
        slip="5 ticks",
        slip_money="1250.5 CNY",
        slip_percent="0.25",
        rests=True,
        convert="keep_queue",
        chase_away="3 ticks",
        chase_ahead="40 lots",
        take_after=2,
        hedge_from="2 lots",
    )
    told = legging(resting(execution=quoting(quotes=(AU, GC), legs={AU: rule})))
    assert told["legs"][0] == LEADS | {
        "chase": 2,
        "slip": 5,
        "slip_money": "1250.5",
        "slip_rate": "0.0025",
        "rests": True,
        "convert": "keep_queue",
        "chase_away": 3,
        "chase_ahead": 40,
        "take_after": 2,
        "hedge_from": 2,
    }


def test_a_slip_without_ticks_is_told_as_none() -> None:
    told = legging(resting(execution=sequential(chase="1 tick", slip_percent="28/9")))
    assert told["legs"][0] == PLAIN | {"chase": 1, "slip": None, "slip_rate": "7/225"}


def test_what_is_not_said_is_the_most_careful() -> None:
    plain = cm.Quoting(
        **EXECUTION,
        quotes=(AU, GC),
        lean=cm.Lean(price="touch", times=1, when_thin="pull"),
        rest_within="1 s",
        max_reprice="9 ticks",
        range="0 ticks",
        outside="pull",
    )
    told = legging(resting(execution=plain))
    assert told["legs"] == [LEADS, LEADS]
    slops = ("slop_inside", "slop_outside", "reload")
    zeros = ("lean_base", *slops, "min_reprice", "refresh_ns", "range")
    assert [int(told["quote"][key]) for key in zeros] == [0] * len(zeros)
    assert told["quote"]["raise_by"] == 1


def test_slops_are_in_the_unit_of_the_bands() -> None:
    signal = cm.CounterPrice(enter="0.80 CNY/g", exit="0.10 CNY/g")
    mode = quoting(slop_inside="0.05 CNY/g", slop_outside=None, reload=None)
    assert legging(resting(execution=mode, signal=signal))["quote"]["slop_inside"] == "0.05"


MODES = [offset(S="40 ms"), sequential(chase="1 tick", slip="4 ticks"), QUOTING]
NAMES = ("offsets", "sequential", "quoting")


@pytest.mark.parametrize("mode", MODES, ids=NAMES)
def test_a_mode_is_one_value_in_memory_and_in_files(mode: Any, tmp_path: Path) -> None:  # noqa: ANN401
    config = resting(execution=mode)
    path = tmp_path / "gold.toml"
    config.dump(path)
    assert cm.Config.load(path) == config
    assert f'type = "{type(mode).__name__}"' in path.read_text(encoding="utf-8")
    again = cm.Config.load(path)
    assert hash(again) == hash(config)
    assert again.to_json() == config.to_json()


def test_the_order_of_names_is_no_difference() -> None:
    assert quoting(quotes=[GC, AU]) == quoting(quotes=(AU, GC))


# What is refused, at the value itself.

OWN: list[tuple[Any, str, str]] = [
    (lambda: cm.LegRule(chase="1 tick"), "leg_rule.slip", "missing"),
    (lambda: cm.LegRule(pay_up="2 ticks", slip="1 tick"), "leg_rule.slip", "at least pay_up"),
    (
        lambda: cm.LegRule(pay_up="2 ticks", chase="1 tick", slip="2 ticks"),
        "leg_rule.slip",
        "more than pay_up",
    ),
    (lambda: cm.LegRule(slip="1 tick"), "leg_rule.chase", "above 0"),
    (lambda: cm.LegRule(chase="-1 ticks", slip="1 tick"), "leg_rule.chase", "at least 0"),
    (lambda: cm.LegRule(pay_up="1000000001 ticks"), "leg_rule.pay_up", "to 1000000000"),
    (lambda: cm.LegRule(pay_up="1 tik"), "leg_rule.pay_up", "Did you mean 'tick'?"),
    (lambda: cm.LegRule(slip_percent="100.1"), "leg_rule.slip_percent", "at most 100"),
    (lambda: cm.LegRule(slip_percent="0"), "leg_rule.slip_percent", "above 0"),
    (lambda: cm.LegRule(slip_money="0 CNY"), "leg_rule.slip_money", "above zero"),
    (lambda: cm.LegRule(convert="allways"), "leg_rule.convert", "Did you mean 'always'?"),
    (lambda: cm.LegRule(chase_away="1 tick"), "leg_rule.chase_away", "unless rests"),
    (lambda: cm.LegRule(take_after=1), "leg_rule.take_after", "unless rests"),
    (lambda: cm.LegRule(take_after=1001, rests=True), "leg_rule.take_after", "1000"),
    (lambda: cm.LegRule(chase_ahead="5 lots", rests=True), "leg_rule.chase_ahead", "no next step"),
    (lambda: cm.LegRule(hedge_from="-1 lots"), "leg_rule.hedge_from", "at least 0"),
    (lambda: quoting(quotes=[]), "quoting.quotes", "1 to 8 names"),
    (lambda: quoting(quotes=[GC, GC]), "quoting.quotes", "every name once"),
    (lambda: quoting(quotes=GC), "quoting.quotes", "1 to 8 names"),
    (lambda: quoting(slop_inside="-0.1"), "quoting.slop_inside", "0 or more"),
    (lambda: quoting(slop_outside="-1 CNY/g"), "quoting.slop_outside", "0 or more"),
    (lambda: quoting(min_reprice="51 ticks"), "quoting.min_reprice", "at most max_reprice"),
    (lambda: quoting(max_reprice="0 ticks"), "quoting.max_reprice", "at least 1"),
    (lambda: quoting(raise_by="0 lots"), "quoting.raise_by", "at least 1"),
    (lambda: quoting(rest_within="0 s"), "quoting.rest_within", "above zero"),
    (lambda: quoting(outside="pul"), "quoting.outside", "Did you mean 'pull'?"),
    (lambda: cm.Lean(price="worst", times=0, when_thin="pull"), "lean.times", "above 0"),
    (lambda: cm.Lean(price="worst", times=1), "lean.when_thin", "missing"),  # type: ignore[call-arg]
    (lambda: cm.Sequential(**EXECUTION), "sequential.leader", "missing"),
]


@pytest.mark.parametrize(
    ("make", "field", "said"), OWN, ids=[f"{at} {b}" for at, (_, b, _) in enumerate(OWN)]
)
def test_a_wrong_value_is_refused_by_name(make: Any, field: str, said: str) -> None:  # noqa: ANN401
    error: Any = refused(make)
    assert error.field == field
    assert said in str(error)


# What is refused where it does not fit its hedge.

NET = cm.Venue("COMEX", netting="net")
NOWHERE = [cm.Venue("SHFE", netting="gross_by_day"), NET, cm.Venue("FX", netting="net")]
BANDS: dict[str, Any] = {"enter": "1.004", "exit": "1.0005"}
IN = "hedge.execution"
HEDGE: list[tuple[dict[str, Any], str, str]] = [
    ({"execution": sequential("COMEX.GCG7")}, f"{IN}.leader", f"Did you mean '{GC}'?"),
    ({"execution": quoting(quotes=["SHFE.au2620"])}, f"{IN}.quotes[0]", f"Did you mean '{AU}'?"),
    (
        {"execution": cm.Simultaneous(**EXECUTION, legs={"SHFE.au": cm.LegRule()})},
        f"{IN}.legs.SHFE.au",
        f"Did you mean '{AU}'?",
    ),
    (
        {"execution": dataclasses.replace(offset(S="1 s"), crossing=True)},
        f"{IN}.crossing",
        "False; a leg has a time of its own",
    ),
    ({"execution": offset(S="3 s")}, f"{IN}.legs.{AU}.after", "at most finish_within, 2 s"),
    ({"execution": sequential(after="1 ms")}, f"{IN}.legs.{AU}.after", "only Simultaneous"),
    ({"execution": sequential(AU, pay_up="1 tick")}, f"{IN}.legs.{AU}.pay_up", "follows no other"),
    ({"execution": sequential(AU, rests=True)}, f"{IN}.legs.{AU}.rests", "follows no other"),
    (
        {"execution": cm.Simultaneous(**EXECUTION, legs={GC: cm.LegRule(pay_up="1 tick")})},
        f"{IN}.legs.{GC}.pay_up",
        "follows no other",
    ),
    (
        {"execution": quoting(legs={GC: cm.LegRule(pay_up="1 tick")})},
        f"{IN}.legs.{GC}.pay_up",
        "follows no other",
    ),
    ({"execution": sequential(AU, slip_percent="1")}, f"{IN}.legs.{AU}.slip_percent", "no other"),
    ({"execution": sequential(slip_money="1 USD")}, f"{IN}.legs.{AU}.slip_money", "in CNY"),
    ({"execution": sequential(convert="always")}, f"{IN}.legs.{AU}.convert", "does not rest"),
    (
        {"execution": quoting(legs={AU: cm.LegRule(convert="always")})},
        f"{IN}.legs.{AU}.convert",
        "does not rest",
    ),
    (
        {"execution": quoting(quotes=(AU,), legs={AU: cm.LegRule(convert="always")})},
        f"{IN}.legs.{AU}.convert",
        "follows no other",
    ),
    (
        {
            "execution": cm.Simultaneous(
                **EXECUTION, legs={AU: cm.LegRule(after="1 ms", hedge_from="2 lots")}
            )
        },
        f"{IN}.legs.{AU}.hedge_from",
        "no leg waits",
    ),
    (
        {"execution": sequential(pay_up="10000001 ticks")},
        f"{IN}.legs.{AU}.pay_up",
        "at most 10000000 ticks, the price_max",
    ),
    ({"execution": quoting(range="10000001 ticks")}, f"{IN}.range", "the price_max"),
    ({"execution": quoting(slop_inside="1 CNY/g")}, f"{IN}.slop_inside", "a plain number"),
    ({"execution": quoting(reload="-1 CNY/g")}, f"{IN}.reload", "a plain number"),
    ({"signal": cm.Spread(enter="2 CNY/g", exit="1 CNY/g")}, "hedge.signal", "net signal"),
    ({"signal": cm.Ratio(**BANDS, gross=True)}, "hedge.signal", "net signal"),
    ({"signal": cm.Ratio(**BANDS, persist="2 updates")}, "hedge.signal.persist", "rest before"),
    (
        {"signal": cm.Ratio(**BANDS, persist_within="1 s")},
        "hedge.signal.persist_within",
        "rest before",
    ),
    (
        {"signal": cm.Ratio(**BANDS, deviation=cm.Deviation(enter=2, alpha="0.1", warm=9))},
        "hedge.signal.deviation",
        "rest before",
    ),
    ({"venues": NOWHERE}, "hedges[0].execution.quotes[0]", "at COMEX, whose rests is None"),
    (
        {"venues": NOWHERE, "execution": sequential(rests=True)},
        f"hedges[0].execution.legs.{AU}.rests",
        "at SHFE, whose rests is None",
    ),
    (
        {"limits": cm.limits.template("small desk").for_hedge("gold", messages=88)},
        "limits.hedges.gold.messages",
        "more than 88",
    ),
    # What only the core can say is said in the words of the file.
    (
        {"execution": quoting(lean=dataclasses.replace(QUOTING.lean, times="9" * 30))},
        "hedges[0].execution.lean.times",
        "too large",
    ),
    (
        {"execution": quoting(reload="0." + "0" * 25 + "1")},
        "hedges[0].execution.reload",
        "too large",
    ),
    (
        {"execution": quoting(slop_outside="0." + "0" * 25 + "1")},
        "hedges[0].execution.slop_outside",
        "too large",
    ),
]


@pytest.mark.parametrize(
    ("changed", "field", "said"), HEDGE, ids=[f"{at} {b}" for at, (_, b, _) in enumerate(HEDGE)]
)
def test_what_does_not_fit_its_hedge_is_refused_by_name(
    changed: dict[str, Any], field: str, said: str
) -> None:
    error: Any = refused(lambda: resting(**changed))
    assert error.field == field
    assert said in str(error)


def test_messages_that_are_just_enough_are_taken() -> None:
    limits = cm.limits.template("small desk").for_hedge("gold", messages=89)
    assert legging(resting(limits=limits))["mode"] == "quoting"


def test_two_quotes_follow_each_other() -> None:
    both = quoting(quotes=[AU, GC], legs={GC: cm.LegRule(pay_up="1 tick")})
    assert legging(resting(execution=both))["legs"][1]["pay_up"] == 1


def legs_of(**changed: Any) -> list[cm.Leg]:  # noqa: ANN401
    """Return the gold legs by lots, with a third in Shanghai."""
    sold, bought = gold_parts()["hedge"]["legs"]  # type: ignore[index]
    one = dataclasses.replace(sold, lots=3)
    return [one, dataclasses.replace(bought, lots=1), dataclasses.replace(one, **changed)]


def test_a_leg_that_only_prices_cannot_lead() -> None:
    other = instrument("SHFE.au2604", "CNY/g")
    legs = legs_of(instrument=other, lots=0)
    error: Any = refused(
        lambda: gold_config(legs=legs, basis="lots", execution=sequential(other.name))
    )
    assert error.field == "hedge.execution.leader"
    assert "a leg with lots" in str(error)


def test_a_name_of_two_legs_names_none() -> None:
    legs = legs_of(side="buy", lots=1)
    error: Any = refused(lambda: gold_config(legs=legs, basis="lots", execution=sequential(AU)))
    assert error.field == "hedge.execution.leader"
    assert "several legs trade this one" in str(error)


# The same through a file.


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ('type = "Quoting"', 'type = "Qouting"', "hedges[0].execution.type", "Mean 'Quoting'"),
        (
            'outside = "leave"',
            'outsides = "leave"',
            "hedges[0].execution.outsides",
            "Mean 'outside'",
        ),
        (
            f'quotes = ["{GC}"]',
            f'quotes = ["{GC}7"]',
            "hedges[0].execution.quotes[0]",
            f"Mean '{GC}'",
        ),
        ('times = "1.5"', "times = 1.5", "hedges[0].execution.lean.times", "write it as text"),
        ('price = "average"', 'price = "mean"', "hedges[0].execution.lean.price", "worst, average"),
        (
            'pay_up = "1 ticks"',
            "pay_up = 1",
            f"hedges[0].execution.legs.{AU}.pay_up",
            "whole number",
        ),
        ('rests = "gtc"\n', "", "hedges[0].execution.quotes[0]", "whose rests is None"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_line(
    tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    path = tmp_path / "gold.toml"
    config = resting(execution=quoting(legs={AU: cm.LegRule(pay_up="1 tick")}))
    config.dump(path)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    text = text.replace(old, new)
    line = text[: text.index(new or "quotes = ")].count("\n") + 1
    path.write_text(text, encoding="utf-8")
    error: Any = refused(lambda: cm.Config.load(path))
    assert (error.field, error.line) == (field, line)
    assert said.replace("Mean", "Did you mean") in str(error)


# Changed while it runs.


def test_pay_up_changes_for_the_next_order_of_an_attempt() -> None:
    before = gold_config(execution=sequential(pay_up="1 tick"))
    after = gold_config(execution=sequential(pay_up="3 ticks"))
    prices = []
    for policy in (before, after):
        engine: Any = cm.Engine(before, start=START - 10**9)
        opened(engine)
        [lead] = [
            each for each in engine.handle(START + 1, ENTER) if type(each) is cm.commands.Place
        ]
        assert (lead.instrument, lead.purpose) == (GC, "work")
        said = engine.handle(START + 2, ev.Control(actor="desk", verb=ev.Policy(config=policy)))
        assert [each.code for each in said] == ["policy_replaced"]
        fill = ev.Fill(trade_id="T1", side="buy", price=lead.price, qty=lead.qty)
        where: dict[str, Any] = {"account": "ny", "instrument": GC, "order": lead.order}
        news = ev.Report(**where, exchange=START, receive=START, news=fill)
        [follow] = [
            each for each in engine.handle(START + 3, news) if type(each) is cm.commands.Place
        ]
        assert (follow.instrument, follow.side, follow.purpose) == (AU, "sell", "hedge")
        prices.append(follow.price)
    assert prices[0] - prices[1] == 2  # it sells: two ticks more are two ticks lower


def test_a_policy_of_a_session_may_change_the_mode(tmp_path: Path) -> None:
    with cm.Session(resting(execution=sequential()), journal=tmp_path, now=START) as session:
        said: list[Any] = session.policy(resting(), now=START + 1)
        # No login stands yet, so that nothing may be quoted: it says so at once.
        assert [each.code for each in said] == ["policy_replaced", "refused"]
        digest = session.digest()
    assert cm.audit.replay(session.path).digest == digest


# In a simulated world.


def test_what_rests_when_the_data_ends_comes_to_its_end() -> None:
    config = testing.config()
    [hedge], venues = (
        config.hedges,
        [dataclasses.replace(each, rests="gtc") for each in config.venues],
    )
    given = {name: getattr(hedge.execution, name) for name in EXECUTION}
    mode = dataclasses.replace(QUOTING, **given, quotes=["NORTH.GOLD"], slop_inside=None)
    mode = dataclasses.replace(mode, slop_outside=None, reload=None, rest_within="10 min")
    signal = cm.CounterPrice(enter="0.50 USD/g", exit="0.10 USD/g")
    quoted = dataclasses.replace(hedge, execution=mode, signal=signal)
    config = dataclasses.replace(config, hedges=[quoted], venues=venues)
    books = [
        (0, "NORTH.GOLD", "100.00", "100.60", 5),
        (1, "SOUTH.GOLD", "100.00", "100.02", 5),
    ]
    result = cm.simulate(config, testing.quotes(books), venues=testing.venues(config))
    [quote] = result.orders.to_pylist()
    assert (quote["purpose"], quote["side"], quote["tif"]) == ("quote", "sell", "gtc")
    # One lot of 100 g costs a dollar each way: 100.02 + 0.50 + 0.02.
    assert quote["price"] == Decimal("100.54")
    assert result.attempts["end"].to_pylist() == ["aborted_flat"]

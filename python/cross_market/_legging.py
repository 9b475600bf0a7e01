"""How the legs of a hedge are worked: what does not fit there, and what the core reads."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cross_market._values import Number, fraction_text, unknown, wrong
from cross_market.contracts.units import parse_span, whole
from cross_market.errors import ConfigError
from cross_market.policy.execution import LegRule, Quoting, Sequential, Simultaneous
from cross_market.policy.signal import Ratio, Spread, level_in, number_of

if TYPE_CHECKING:
    from cross_market.config import Hedge, Leg
    from cross_market.contracts.instrument import Instrument

Json = dict[str, Any]

WHERE = "hedge.execution"
PLAIN = LegRule()
# What a leg that follows no other has no use for.
TICKED = ("pay_up", "chase", "slip", "chase_away")
FOLLOWING = (
    *TICKED,
    "slip_money",
    "slip_percent",
    "rests",
    "convert",
    "chase_ahead",
    "take_after",
    "hedge_from",
)
# What a quote, which is there before the signal, does not wait for.
WAITING = {"persist": "1 updates", "persist_within": None, "deviation": None}


def leaders(hedge: "Hedge") -> dict[str, str]:
    """Return the instruments of the legs that lead or rest, with the fields that name them."""
    match hedge.execution:
        case Sequential(leader=leader):
            return {leader: f"{WHERE}.leader"}
        case Quoting(quotes=quotes):
            return {name: f"{WHERE}.quotes[{at}]" for at, name in enumerate(quotes)}
        case _:
            return {}


def rule_of(hedge: "Hedge", leg: "Leg") -> LegRule:
    """Return how a leg is worked."""
    rule: LegRule = dict(hedge.execution.legs).get(leg.instrument.name, PLAIN)
    return rule


def is_sized(leg: "Leg") -> bool:
    return leg.lots is None or Fraction(str(leg.lots)) != 0


def is_staged(hedge: "Hedge") -> bool:
    """Return whether some leg is sent later than the others."""
    rules = dict(hedge.execution.legs).values()
    later = any(parse_span(rule.after, "after") > 0 for rule in rules)
    return later or type(hedge.execution) is not Simultaneous


def crosses(hedge: "Hedge") -> bool:
    """Return whether lots that another hedge wants the other way go to it without an order."""
    return isinstance(hedge.execution, Simultaneous) and hedge.execution.crossing


def longest_ns(hedge: "Hedge") -> int:
    """Return how long an attempt may live that nothing comes between."""
    execution = hedge.execution
    rests = execution.rest_within if isinstance(execution, Quoting) else "0 ns"
    return parse_span(rests, "rest_within") + parse_span(execution.finish_within, "finish_within")


def most_ticks(instruments: Iterable["Instrument"]) -> int:
    """Return the most ticks that a price of these instruments may have."""
    found = []
    for each in instruments:
        largest, tick = each.price_max, Fraction(str(each.tick))
        found.append(10**7 if largest is None else int(Fraction(str(largest)) / tick))
    return max(found)


# What does not fit.


def check(hedge: "Hedge") -> None:
    """Raise ConfigError for what does not fit between an execution and its hedge."""
    legs = {leg.instrument.name: leg for leg in hedge.legs}
    leading = leaders(hedge)
    named = {**leading, **{name: f"{WHERE}.legs.{name}" for name, _ in hedge.execution.legs}}
    for name, where in named.items():
        if name not in legs:
            raise unknown(name, where, legs, "an instrument of the legs")
        if [leg.instrument.name for leg in hedge.legs].count(name) > 1:
            raise wrong(name, where, "an instrument of one leg; several legs trade this one")
        if not is_sized(legs[name]):
            raise wrong(name, where, "a leg with lots; this one only prices")
    check_rules(hedge)
    if crosses(hedge) and is_staged(hedge):
        expected = "False; a leg has a time of its own"
        raise wrong(True, f"{WHERE}.crossing", expected)  # noqa: FBT003
    if isinstance(hedge.execution, Quoting):
        check_quoting(hedge, hedge.execution)


def check_rules(hedge: "Hedge") -> None:
    """Raise ConfigError for a rule that cannot hold for its leg."""
    execution, leading = hedge.execution, leaders(hedge)
    sized = [leg for leg in hedge.legs if is_sized(leg)]
    first = min(parse_span(rule_of(hedge, leg).after, "after") for leg in sized)
    most = most_ticks(leg.instrument for leg in hedge.legs)
    for name, rule in execution.legs:
        where = f"{WHERE}.legs.{name}"
        after = parse_span(rule.after, f"{where}.after")
        if after > 0 and type(execution) is not Simultaneous:
            expected = "0 ns; only Simultaneous sends legs at times of their own"
            raise wrong(rule.after, f"{where}.after", expected)
        if after > parse_span(execution.finish_within, f"{WHERE}.finish_within"):
            expected = f"at most finish_within, {execution.finish_within}"
            raise wrong(rule.after, f"{where}.after", expected)
        follows = after > first if not leading else leading.keys() - {name}
        for key in FOLLOWING:
            found = getattr(rule, key)
            if not follows and found != getattr(PLAIN, key):
                expected = f"{getattr(PLAIN, key)}; this leg follows no other"
                raise wrong(found, f"{where}.{key}", expected)
            if key in TICKED and found is not None and abs(whole(found)) > most:
                raise wrong(found, f"{where}.{key}", f"at most {most} ticks, the price_max")
        if rule.slip_money is not None:
            hedge.amount(rule.slip_money, f"{where}.slip_money")
        if rule.convert != PLAIN.convert and name not in leading:
            expected = f"{PLAIN.convert}; this leg does not rest before others trade"
            raise wrong(rule.convert, f"{where}.convert", expected)
        if rule.convert != PLAIN.convert and not isinstance(execution, Quoting):
            expected = f"{PLAIN.convert}; only quotes are converted"
            raise wrong(rule.convert, f"{where}.convert", expected)
        if not leading and rule.hedge_from != PLAIN.hedge_from:
            expected = f"{PLAIN.hedge_from}; with Simultaneous no leg waits for fills"
            raise wrong(rule.hedge_from, f"{where}.hedge_from", expected)


def check_quoting(hedge: "Hedge", execution: Quoting) -> None:
    """Raise ConfigError for quotes whose price cannot be solved, or that would wait for nothing."""
    signal = hedge.signal
    if isinstance(signal, Spread) or (isinstance(signal, Ratio) and signal.gross):
        expected = "a net signal with Quoting: no price can be solved from a gross one"
        raise wrong(type(signal).__name__, "hedge.signal", expected)
    for key, plain in WAITING.items():
        found = getattr(signal, key)
        if found != plain:
            expected = f"{plain} with Quoting: quotes rest before the signal stands"
            raise wrong(found, f"hedge.signal.{key}", expected)
    most = most_ticks(leg.instrument for leg in hedge.legs)
    if whole(execution.range) > most:
        raise wrong(execution.range, f"{WHERE}.range", f"at most {most} ticks, the price_max")
    for key in ("slop_inside", "slop_outside", "reload"):
        distance_in(hedge, execution, key)


def distance_in(hedge: "Hedge", execution: Quoting, key: str) -> str:
    """Return a distance from the band in the unit of the hedge's bands, as plain text."""
    given = getattr(execution, key)
    return "0" if given is None else level_in(given, hedge.band_unit, f"{WHERE}.{key}")


def nowhere_to_rest(hedge: "Hedge", rests: Mapping[str, str | None]) -> Iterator[ConfigError]:
    """Yield an error for every leg that would rest at a venue where none may.

    rests: dict from the names of venues – how orders that rest are sent there.
    """
    leading = leaders(hedge) if isinstance(hedge.execution, Quoting) else {}
    for leg in hedge.legs:
        name, venue = leg.instrument.name, leg.account.venue
        if rests.get(venue, "day") is not None:
            continue
        expected = f"no order that rests at {venue}, whose rests is None"
        if name in leading:
            yield wrong(name, leading[name], expected)
        elif rule_of(hedge, leg).rests:
            yield wrong(True, f"{WHERE}.legs.{name}.rests", expected)  # noqa: FBT003


# What the core reads.


def legging_json(hedge: "Hedge") -> Json | None:
    """Return how the legs are worked; None where all leave at once."""
    execution = hedge.execution
    if not is_staged(hedge):
        return None
    return {
        "mode": type(execution).__name__.lower(),
        "legs": [rule_json(hedge, leg) for leg in hedge.legs],
        "quote": quoting_json(hedge, execution) if isinstance(execution, Quoting) else None,
    }


def rule_json(hedge: "Hedge", leg: "Leg") -> Json:
    rule = rule_of(hedge, leg)
    return {
        "leads": leg.instrument.name in leaders(hedge),
        "offset_ns": parse_span(rule.after, "after"),
        "pay_up": whole(rule.pay_up),
        "chase": whole(rule.chase),
        "slip": rule.furthest,
        "slip_money": None if rule.slip_money is None else hedge.amount(rule.slip_money, WHERE),
        "slip_rate": part(rule.slip_percent),
        "rests": rule.rests,
        "convert": rule.convert,
        "chase_away": whole(rule.chase_away),
        "chase_ahead": whole(rule.chase_ahead),
        "take_after": rule.take_after,
        "hedge_from": whole(rule.hedge_from),
    }


def part(percent: Number | None) -> str | None:
    """Return a number of per cent as a part of one."""
    return None if percent is None else fraction_text(number_of(percent) / 100)


def quoting_json(hedge: "Hedge", execution: Quoting) -> Json:
    lean, refresh = execution.lean, execution.refresh
    return {
        "lean_base": whole(lean.base),
        "lean_times": str(lean.times),
        "lean_price": lean.price,
        "when_thin": lean.when_thin,
        "slop_inside": distance_in(hedge, execution, "slop_inside"),
        "slop_outside": distance_in(hedge, execution, "slop_outside"),
        "reload": distance_in(hedge, execution, "reload"),
        "min_reprice": whole(execution.min_reprice),
        "max_reprice": whole(execution.max_reprice),
        "raise_by": whole(execution.raise_by),
        "range": whole(execution.range),
        "outside": execution.outside,
        "refresh_ns": 0 if refresh is None else parse_span(refresh, "refresh"),
        "rest_within_ns": parse_span(execution.rest_within, "rest_within"),
    }


def stated_at(field: str, hedges: Iterable["Hedge"]) -> str | None:
    """Return where a configuration states what the core calls `field`; None for other fields."""
    for at, hedge in enumerate(hedges):
        for head in (f"limits.hedges.{hedge.name}", f'limits.hedges["{hedge.name}"]'):
            if not field.startswith(f"{head}.legging"):
                continue
            rest = field.removeprefix(f"{head}.legging").replace("offset_ns", "after")
            rest = rest.replace("slip_rate", "slip_percent")
            rest = rest.removeprefix(".quote").replace(".lean_", ".lean.").removesuffix("_ns")
            for leg_at, leg in enumerate(hedge.legs):
                rest = rest.replace(f".legs[{leg_at}]", f".legs.{leg.instrument.name}")
            return f"hedges[{at}].execution{rest}"
    return None

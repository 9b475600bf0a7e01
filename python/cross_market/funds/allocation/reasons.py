"""What a proven plan says to people: what to move, what to bring, and why not more."""

import datetime
from collections.abc import Sequence
from fractions import Fraction

from cross_market.contracts.units import TIMES, span_text
from cross_market.funds.allocation.model import Model
from cross_market.funds.allocation.proof import idle, lacks, room
from cross_market.funds.allocation.skews import skew
from cross_market.funds.allocation.values import Plan, Request, Transfer, decimal


def value(model: Model, sets: Sequence[int], moved: Sequence[int]) -> Fraction:
    """Return what a plan is expected to earn, less what its transfers cost, in 10⁻⁹."""
    earned = sum((edge * count for edge, count in zip(model.edges, sets, strict=True)), Fraction())
    return earned - sum(model.cost(at) for at, amount in enumerate(moved) if amount)


def told(model: Model, sets: list[int], moved: list[int], bound: float) -> Plan:
    """Return a proven plan as people read it."""
    earned = decimal(int(value(model, sets, moved)))
    requests = [below(model, account) for account in model.short]
    unmet = {}
    for at, demand in enumerate(model.demands):
        if sets[at] < demand.sets:
            unmet[demand.name], asked = reason(model, sets, moved, at)
            requests += asked
    return Plan(
        sets={of.name: count for of, count in zip(model.demands, sets, strict=True)},
        allotments={
            (demand.name, account): decimal(count * need)
            for demand, count, needs in zip(model.demands, sets, model.needs, strict=True)
            for account, need in needs.items()
            if count
        },
        transfers=transfers(model, moved),
        requests=tuple(requests),
        unmet=unmet,
        idle={each: decimal(idle(model, sets, moved, each)) for each in model.accounts},
        value=earned,
        bound=max(earned, decimal(round(bound))),
        skews={
            demand.name: skew(model, sets, moved, at)
            for at, demand in enumerate(model.demands)
            if model.mirrors[at]
        },
    )


def transfers(model: Model, moved: Sequence[int]) -> tuple[Transfer, ...]:
    """Return what is to be moved."""
    return tuple(
        Transfer(
            source=way.source,
            target=way.target,
            amount=decimal(amount),
            arrives=decimal(way.arrives(amount)),
            cost=decimal(way.cost),
            lead=way.lead,
            wait=span_text(way.wait or 0),
        )
        for way, amount in zip(model.ways, moved, strict=True)
        if amount
    )


def request(model: Model, account: str, amount: int, within: str, by: int, why: str) -> Request:
    """Return a word to a person, with its date."""
    moment = None
    if model.now is not None:
        seconds, rest = divmod(model.now + by, TIMES["s"])
        since = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        moment = f"{since:%Y-%m-%dT%H:%M:%S}{f'.{rest:09}'.rstrip('0') if rest else ''}Z"
    return Request(
        account=account,
        currency=model.currency[account],
        amount=decimal(amount),
        within=within,
        why=why,
        dated=model.dated,
        by=moment,
    )


def below(model: Model, account: str) -> Request:
    """Return the request for an account below its minimum and buffer."""
    why = f"{account} is below its minimum and buffer, and is not used until it is not"
    return request(model, account, -model.spare[account], "0 s", 0, why)


def reason(model: Model, sets: list[int], moved: list[int], at: int) -> tuple[str, list[Request]]:
    """Return why no more of a demand is funded, and what a person could bring."""
    if not model.edges[at]:
        return "a set is expected to earn nothing", []
    demand, more = model.demands[at], list(sets)
    more[at] += 1
    # What one more set lacks is what its accounts lack with it, at the worst deadline.
    short = {
        account: max(amount for _, amount in found)
        for account in model.needs[at]
        if (found := lacks(model, more, moved, account))
    }
    wanted = demand.sets - sets[at]
    requests, said = [], []
    for account, amount in sorted(short.items(), key=lambda item: (-item[1], item[0])):
        lack = f"one more set lacks {decimal(amount):f} {model.currency[account]} in {account}"
        if account in model.short:
            said.append(f"{lack}, which is below its minimum and buffer")
            continue
        is_for_person, limit = binds(model, sets, moved, at, account, amount)
        why = f"{lack}, {limit}"
        said.append(why)
        if is_for_person:
            whole = amount + (wanted - 1) * model.needs[at][account]
            text = f"demand {demand.name}: {why}"
            by = model.within[at]
            requests.append(request(model, account, whole, demand.within, by, text))
    return "; ".join(said), requests


def binds(
    model: Model, sets: list[int], moved: list[int], at: int, account: str, amount: int
) -> tuple[bool, str]:
    """Return whether only a person can bring what an account lacks for a demand, and what binds."""
    could, ready, spent, late = 0, [], [], []
    for place in model.into[account]:
        way = model.ways[place]
        if way.wait is None:
            late.append(f"from {way.source} is shut")
        elif way.reach > model.within[at]:
            late.append(f"from {way.source} takes {span_text(way.reach)}")
        elif moved[place] == way.most:
            spent.append(f"from {way.source} is at its most")
        elif more := room(model, sets, moved, place):
            could += way.arrives(moved[place] + more) - way.arrives(moved[place])
            ready.append(way.source)
        else:
            spent.append(f"{way.source} has no more to send")
    if could >= amount:
        return False, f"which {' and '.join(ready)} could send, but not for less than it earns"
    if not ready and not spent:
        slow = f": {', '.join(late)}" if late else ""
        return True, f"and no route brings money there within {model.demands[at].within}{slow}"
    spent += [f"{source} has not enough" for source in ready]
    return True, f"and no route brings more: {', '.join(spent)}"

"""When a plan is worth making anew."""

from bisect import bisect_left
from fractions import Fraction

from cross_market._values import read_decimal, wrong
from cross_market.funds.allocation.allocator import Allocator
from cross_market.funds.allocation.model import Model, compiled
from cross_market.funds.allocation.values import Plan, Snapshot


def has_moved(before: Snapshot, now: Snapshot, tolerance: object) -> bool:
    """Return whether money, rates, needs or edges moved by more than a share since a plan.

    before: Snapshot – that the plan was made from. now: Snapshot.
    tolerance: number – such as '0.02': the share of the larger of both that makes no difference.
    A route that opened, shut, changed or came in time for another deadline, and what came or went,
    always count.
    """
    share = Fraction(read_decimal(tolerance, "tolerance"))
    if share < 0:
        raise wrong(tolerance, "tolerance", "a share of at least zero")
    one, other = compiled(before), compiled(now)
    if shape(one) != shape(other):
        return True
    return any(
        abs(new - old) > share * max(abs(new), abs(old))
        for old, new in zip(amounts(one), amounts(other), strict=True)
    )


def shape(model: Model) -> object:
    """Return what a plan is made anew for when any of it changes."""
    deadlines = sorted(set(model.within))
    ways = [
        (
            *(way.source, way.target, way.lead, way.least, way.most, way.cost, way.step),
            way.wait == 0,
            # A window that comes nearer may begin to bring money in time.
            bisect_left(deadlines, way.reach),
        )
        for way in model.ways
    ]
    demands = [
        (of.name, of.sets, within, list(needs), list(mirror))
        for of, within, needs, mirror in zip(
            model.demands, model.within, model.needs, model.mirrors, strict=True
        )
    ]
    return model.currency, model.island, model.short, sorted(model.report), ways, demands


def amounts(model: Model) -> list[Fraction]:
    """Return what may move a little, in an order that two models of one shape share."""
    money = [amount for account in model.accounts for amount in model.money[account]]
    needs = [need for each in (*model.needs, *model.mirrors) for need in each.values()]
    rates = [rate for _, rate in sorted(model.report.items())]
    ways = [way.rate for way in model.ways]
    return [*map(Fraction, (*money, *needs)), *rates, *model.edges, *ways]


class Replanner:
    """Makes a plan anew when something moved enough, and gives the last one until then.

    allocator: Allocator. share: number – such as '0.02', see `has_moved`.
    """

    def __init__(self, allocator: Allocator, *, share: object) -> None:
        if read_decimal(share, "share") < 0:
            raise wrong(share, "share", "a share of at least zero")
        self._allocator = allocator
        self._share = share
        self._made: tuple[Snapshot, Plan] | None = None

    def plan(self, snapshot: Snapshot) -> Plan:
        """Return a plan for what is now: the last one itself while little has moved since.

        snapshot: Snapshot – looked at beside the one that the last plan was made from.
        Raises what `Allocator.plan` raises.
        """
        if self._made is None or has_moved(self._made[0], snapshot, self._share):
            plan = self._allocator.plan(snapshot)
            if plan.is_last:
                return plan
            self._made = snapshot, plan
        return self._made[1]

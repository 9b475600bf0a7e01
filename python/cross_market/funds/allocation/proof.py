"""What makes a plan hold, in whole numbers, and how one that nearly holds is mended.

Whatever a solver of floating numbers found passes through here: amounts are rounded, raised and cut
until `proven` says yes to every account at every deadline.
"""

from collections.abc import Sequence
from math import gcd

from cross_market.funds.allocation.model import Model


def proven(model: Model, sets: Sequence[int], moved: Sequence[int]) -> bool:
    """Return whether a plan holds, in whole numbers, whenever money must be there."""
    for way, amount in zip(model.ways, moved, strict=True):
        if amount and not (way.least <= amount <= way.most and amount % way.step == 0):
            return False
    if any(not 0 <= count <= of.sets for count, of in zip(sets, model.demands, strict=True)):
        return False
    return not any(
        overdrawn(model, moved, account) or lacks(model, sets, moved, account)
        for account in model.accounts
    )


def sent(model: Model, moved: Sequence[int], account: str) -> int:
    """Return what leaves an account, costs included."""
    return sum(moved[at] + model.ways[at].cost for at in model.out_of[account] if moved[at])


def overdrawn(model: Model, moved: Sequence[int], account: str) -> int:
    """Return what is sent from an account beyond what may leave it."""
    return max(0, sent(model, moved, account) - model.movable[account])


def there(model: Model, moved: Sequence[int], account: str, by: int | None) -> int:
    """Return what an account has beyond minimum and buffer at a deadline, or at last."""
    came = sum(
        model.ways[at].arrives(moved[at])
        for at in model.into[account]
        if moved[at] and (by is None or model.ways[at].reach <= by)
    )
    return model.spare[account] - sent(model, moved, account) + came


def used(model: Model, sets: Sequence[int], account: str, by: int | None) -> int:
    """Return what sets need of an account by a deadline, or in all."""
    return sum(
        sets[at] * model.needs[at][account]
        for at in model.users[account]
        if sets[at] and (by is None or model.within[at] <= by)
    )


def lacks(
    model: Model, sets: Sequence[int], moved: Sequence[int], account: str
) -> list[tuple[int, int]]:
    """Return (deadline, what an account lacks by then) for every deadline that is not kept."""
    found = []
    for by in sorted({model.within[at] for at in model.users[account] if sets[at]}):
        needs = used(model, sets, account, by)
        # An account below its minimum is not used until a person has filled it.
        short = needs - (0 if account in model.short else there(model, moved, account, by))
        if short > 0:
            found.append((by, short))
    return found


def free_from(
    model: Model, sets: Sequence[int], moved: Sequence[int], account: str, by: int
) -> int:
    """Return what of an account nothing needs from a deadline on."""
    later = {model.within[at] for at in model.users[account] if sets[at] and model.within[at] > by}
    left = (
        there(model, moved, account, each) - used(model, sets, account, each)
        for each in (by, *later)
    )
    return max(0, min(left))


def idle(model: Model, sets: Sequence[int], moved: Sequence[int], account: str) -> int:
    """Return what lies idle in an account once all has arrived."""
    return max(0, there(model, moved, account, None) - used(model, sets, account, None))


def mended(model: Model, sets: list[int], moved: list[int]) -> tuple[list[int], list[int]]:
    """Return a plan that is proven, changed by what makes it hold and what it leaves room for."""
    sets = [min(max(0, count), of.sets) for count, of in zip(sets, model.demands, strict=True)]
    moved = rounded(model, moved)
    for account in model.accounts:
        cut(model, moved, account)
    for account in model.accounts:
        raise_into(model, sets, moved, account)
    for account in model.accounts:
        give_up(model, sets, moved, account)
    moved = trimmed(model, sets, moved)
    fill(model, sets, moved)
    return sets, moved


def rounded(model: Model, moved: Sequence[int]) -> list[int]:
    """Return a solver's amounts in the coarsest grain of all amounts, within their bounds.

    A flow whose amounts are all whole is whole itself: what is not is the solver's noise.
    """
    grain = gcd(
        *model.spare.values(),
        *model.movable.values(),
        *(bound for way in model.ways for bound in (way.most, way.least, way.cost)),
        *(need for needs in model.needs for need in needs.values()),
    )
    found = []
    for way, amount in zip(model.ways, moved, strict=True):
        whole = max(grain, way.step) if max(grain, way.step) % way.step == 0 else way.step
        near = (amount + whole // 2) // whole * whole
        near = min(max(near, way.least), way.most)
        found.append(near if amount > 0 and near >= way.least else 0)
    return found


def cut(model: Model, moved: list[int], account: str) -> None:
    """Send less from an account that sends more than may leave it."""
    for at in sorted(model.out_of[account], key=lambda at: (-moved[at], at)):
        over = overdrawn(model, moved, account)
        if not over:
            return
        way = model.ways[at]
        less = (moved[at] - over) // way.step * way.step
        moved[at] = less if less >= max(1, way.least) else 0


def room(model: Model, sets: Sequence[int], moved: Sequence[int], at: int) -> int:
    """Return how much more a route could move while its source keeps what it needs."""
    way = model.ways[at]
    cost = 0 if moved[at] else way.cost
    free = min(
        model.movable[way.source] - sent(model, moved, way.source),
        free_from(model, sets, moved, way.source, 0),
    )
    most = max(0, min(way.most - moved[at], free - cost)) // way.step * way.step
    return most if moved[at] + most >= way.least else 0


def raise_into(model: Model, sets: Sequence[int], moved: list[int], account: str) -> None:
    """Raise what comes into an account to what it lacks, over routes that are used first."""
    for by, _ in lacks(model, sets, moved, account):
        ways = [at for at in model.into[account] if model.ways[at].reach <= by]
        for at in sorted(ways, key=lambda at: (not moved[at], model.cost(at), at)):
            short = dict(lacks(model, sets, moved, account)).get(by, 0)
            if not short or account in model.short:
                break
            way = model.ways[at]
            more = way.sends(way.arrives(moved[at]) + short) - moved[at]
            if more <= (most := room(model, sets, moved, at)):
                moved[at] = max(moved[at] + more, way.least)
            elif most > 0:
                moved[at] += most


def give_up(model: Model, sets: list[int], moved: Sequence[int], account: str) -> None:
    """Give up sets that an account cannot pay for: the least that is earned goes first."""
    while short := lacks(model, sets, moved, account):
        by, amount = short[0]
        users = [at for at in model.users[account] if sets[at] and model.within[at] <= by]
        last = min(users, key=lambda at: (model.edges[at], model.demands[at].name))
        need = model.needs[last][account]
        sets[last] -= min(sets[last], -(-amount // need))


def fill(model: Model, sets: list[int], moved: Sequence[int]) -> None:
    """Fund what there is money for without moving more: the most that is earned goes first."""
    for at in sorted(range(len(sets)), key=lambda at: (-model.edges[at], at)):
        if model.edges[at]:
            more = min(
                free_from(model, sets, moved, account, model.within[at]) // need
                for account, need in model.needs[at].items()
            )
            sets[at] += min(more, model.demands[at].sets - sets[at])


def trimmed(model: Model, sets: Sequence[int], moved: Sequence[int]) -> list[int]:
    """Return transfers without those that the plan holds without."""
    found = list(moved)
    for at, amount in enumerate(moved):
        if amount:
            found[at] = 0
            if lacks(model, sets, found, model.ways[at].target):
                found[at] = amount
    return found

"""Plans for many accounts beside two simple rules: `python -m pool.allocation --seeds 5`.

Equal split gives every demand the same share of each account that it needs; as asked serves demands
in the order of their names until money is out. Neither moves money.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from cross_market.funds import allocation as al

# A plan this near its bound was searched for to the end.
SOLVED = Decimal("0.00001")


def drawn(seed: int, accounts: int, strategies: int) -> al.Snapshot:
    """Return a desk: accounts on islands, routes inside them, demands over some accounts."""
    draw = random.Random(seed)
    states = [
        al.PoolState(
            account=f"a{at:03}",
            currency="CNY",
            island=f"i{at % 5}",
            free=draw.randint(0, 20_000_000),
            minimum=200_000,
            buffer=draw.randint(0, 1_000_000),
        )
        for at in range(accounts)
    ]
    routes = []
    for one in states:
        near = [other for other in states if other.island == one.island and other is not one]
        for other in draw.sample(near, min(3, len(near))):
            cost, most = draw.randint(0, 50), draw.randint(1, 8_000_000)
            lead = draw.choice(["30 min", "2 h", "24 h"])
            routes.append(
                al.PoolRoute(
                    source=one.account, target=other.account, lead=lead, most=most, cost=cost
                )
            )
    demands = []
    for at in range(strategies):
        legs = draw.sample(states, draw.randint(2, 3))
        demands.append(
            al.Demand(
                name=f"d{at:03}",
                strategy=f"s{at:03}",
                sets=draw.randint(1, 60),
                needs={each.account: draw.randint(20_000, 900_000) for each in legs},
                edge=draw.randint(200, 9_000),
                within=draw.choice(["1 h", "4 h", "48 h"]),
            )
        )
    return al.Snapshot(
        accounts=states, routes=routes, demands=demands, rates={"CNY": 1}, dated="2026-02-10"
    )


def spare(given: al.Snapshot) -> dict[str, int]:
    return {
        each.account: max(0, int(str(each.free)) - int(str(each.minimum)) - int(str(each.buffer)))
        for each in given.accounts
    }


def as_asked(given: al.Snapshot) -> dict[str, int]:
    """Serve demands in the order of their names until money is out."""
    there, sets = spare(given), {}
    for demand in sorted(given.demands, key=lambda each: each.name):
        needs = {name: int(str(need)) for name, need in demand.needs.items()}
        count = min(demand.sets, *(there[name] // need for name, need in needs.items()))
        for name, need in needs.items():
            there[name] -= count * need
        sets[demand.name] = count
    return sets


def split(given: al.Snapshot) -> dict[str, int]:
    """Give every demand the same share of each account that it needs."""
    there = spare(given)
    users = {name: sum(name in of.needs for of in given.demands) for name in there}
    return {
        of.name: min(
            of.sets,
            *(there[name] // users[name] // int(str(need)) for name, need in of.needs.items()),
        )
        for of in given.demands
    }


def worth(given: al.Snapshot, sets: dict[str, int]) -> tuple[Decimal, int, int]:
    """Return what sets earn, how much is not used, and how many asked-for sets are not held."""
    value = sum((Decimal(str(of.edge)) * sets[of.name] for of in given.demands), Decimal())
    used = sum(sets[of.name] * int(str(need)) for of in given.demands for need in of.needs.values())
    return (
        value,
        sum(spare(given).values()) - used,
        sum(of.sets - sets[of.name] for of in given.demands),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pool.allocation", description=__doc__)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--strategies", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    allocator = al.Allocator(time_limit="1 s")
    rules: dict[str, Callable[[al.Snapshot], dict[str, int]]] = {"split": split, "asked": as_asked}
    took, gaps, late = [], [], 0
    for seed in range(given.seeds):
        desk = drawn(seed, given.accounts, given.strategies)
        begun = time.perf_counter()
        plan = allocator.plan(desk)
        took.append(time.perf_counter() - begun)
        late += plan.is_last
        gaps.append((plan.bound - plan.value) / max(plan.bound, Decimal(1)))
        value, idle, missed = worth(desk, dict(plan.sets))
        rows = [f"ours value={plan.value} idle={idle} missed={missed} moved={len(plan.transfers)}"]
        for name, rule in rules.items():
            value, idle, missed = worth(desk, rule(desk))
            rows.append(f"{name} value={value} idle={idle} missed={missed} moved=0")
        sys.stdout.write("".join(f"seed {seed} {row}\n" for row in rows))
    sys.stdout.write(
        f"FIGURE alloc accounts={given.accounts} strategies={given.strategies} seeds={given.seeds}"
        f" seconds={max(took):.3f} seconds_mean={statistics.mean(took):.3f} gap={max(gaps):.6f}"
        f" solved={sum(gap < SOLVED for gap in gaps)} late={late}\n"
    )
    return late


if __name__ == "__main__":
    sys.exit(main())

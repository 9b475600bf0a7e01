"""Which way a hedge's money carries more of it."""

from collections.abc import Mapping, Sequence

from cross_market.funds.allocation.model import Model
from cross_market.funds.allocation.proof import free_from
from cross_market.funds.allocation.values import Skew, decimal


def skew(model: Model, sets: Sequence[int], moved: Sequence[int], at: int) -> Skew:
    """Return how many sets of a demand each way its money carries, beside the rest of the plan."""
    others = [*sets[:at], 0, *sets[at + 1 :]]
    written, why = carried(model, others, moved, at, model.needs[at])
    mirrored, why_mirrored = carried(model, others, moved, at, model.mirrors[at])
    middle = abs(written - mirrored) // 2
    return Skew(
        written=written,
        mirrored=mirrored,
        middle=middle if written > mirrored else -middle,
        why=f"as written {written}: {why}; mirrored {mirrored}: {why_mirrored}",
    )


def carried(
    model: Model, sets: Sequence[int], moved: Sequence[int], at: int, needs: Mapping[str, int]
) -> tuple[int, str]:
    """Return how many sets of such needs there is money for, and the account that ends it."""
    by = model.within[at]
    free = {account: free_from(model, sets, moved, account, by) for account in needs}
    last = min(needs, key=lambda account: (free[account] // needs[account], account))
    has = f"{decimal(free[last]):f} {model.currency[last]} for {decimal(needs[last]):f} a set"
    return free[last] // needs[last], f"{last} on {model.island[last]} has {has}"

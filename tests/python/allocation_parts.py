"""Short words for what allocations are made of."""

from cross_market.funds import allocation as al

State = dict[str, object]


def state(name: str, free: object, **changed: object) -> al.PoolState:
    given: State = {"currency": "CNY", "island": "on", "minimum": 0, "buffer": 0, **changed}
    return al.PoolState(account=name, free=free, **given)  # type: ignore[arg-type]


def snapshot(
    accounts: list[al.PoolState],
    demands: list[al.Demand],
    routes: tuple[al.PoolRoute, ...] = (),
    **changed: object,
) -> al.Snapshot:
    given: State = {"rates": {"CNY": 1, "USD": 7}, "dated": "2026-02-10", **changed}
    return al.Snapshot(accounts=accounts, routes=routes, demands=demands, **given)  # type: ignore[arg-type]


def demand(name: str, sets: int, edge: object, within: str = "1 h", **needs: object) -> al.Demand:
    return al.Demand(name=name, strategy="s", sets=sets, needs=needs, edge=edge, within=within)


def route(source: str, target: str, most: object, **changed: object) -> al.PoolRoute:
    given: State = {"lead": "30 min", **changed}
    return al.PoolRoute(source=source, target=target, most=most, **given)  # type: ignore[arg-type]


def plan(given: al.Snapshot) -> al.Plan:
    return al.Allocator(time_limit="10 s").plan(given)

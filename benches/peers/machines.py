"""W6 and W8 by peers."""

from turns import ASIDE, Ends, Way

Ways = dict[str, Way]

COUNT = 4_000


def python_dict() -> tuple[Ways, int]:
    """W6 in dicts: hold for two accounts, then void both; nothing is checked but the money."""

    def ends() -> Ends:
        free = dict.fromkeys(range(1024), 1 << 40)
        held = dict.fromkeys(free, 0)
        holds: dict[int, tuple[int, int, int, int]] = {}
        yield ASIDE
        for at in range(COUNT):
            one, two = at & 511, 512 + (at & 511)
            if free[one] >= 10_000 and free[two] >= 20_000:
                free[one] -= 10_000
                held[one] += 10_000
                free[two] -= 20_000
                held[two] += 20_000
                holds[at] = (one, 10_000, two, 20_000)
            one, a, two, b = holds.pop(at)
            held[one] -= a
            free[one] += a
            held[two] -= b
            free[two] += b
        yield None
        assert sum(held.values()) == 0
        return COUNT

    return {"W6": ends}, COUNT


def nautilus() -> tuple[Ways, int]:
    """W8 by `Order.apply` of events made before: submitted and accepted."""
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.test_kit.stubs.events import TestEventStubs
    from nautilus_trader.test_kit.stubs.execution import TestExecStubs

    instrument = TestInstrumentProvider.btcusdt_binance()

    def ends() -> Ends:
        orders = [TestExecStubs.limit_order(instrument=instrument) for _ in range(COUNT // 2)]
        work = [
            (each, TestEventStubs.order_submitted(each), TestEventStubs.order_accepted(each))
            for each in orders
        ]
        yield ASIDE
        for order, submitted, accepted in work:
            order.apply(submitted)
            order.apply(accepted)
        yield None
        return COUNT

    return {"W8": ends}, COUNT


PEERS = {"python_dict": python_dict, "nautilus": nautilus}

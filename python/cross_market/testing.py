"""A pytest plug-in: test a strategy against simulated venues, without data and without a network.

It loads itself where cross_market is installed. Fixtures:

`cm_config` – a small configuration: gold at two venues in dollars, one hedge called "gold".
`cm_world` – a function that runs made quotes through simulated venues and returns the `Result`.
`cm_session` – a live `Session` on that configuration with a journal of its own, closed afterwards.
`cm_sample_journal` – the path of a real journal: a run that entered and left; made once a test run,
    so copy it before you change it.

    def test_my_band_trades_once(cm_config, cm_world):
        result = cm_world([(0, "NORTH.GOLD", "101.00", "101.02", 5), ...])
        assert result.attempts["end"].to_pylist() == ["completed"]

Nothing heavy is imported before a fixture is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cross_market.config import Account, Config, Hedge, Leg, Venue
from cross_market.contracts.instrument import Fee, Fees, Instrument, Margin
from cross_market.policy.execution import CheaperOf, Simultaneous, Size
from cross_market.policy.limit import template
from cross_market.policy.signal import Spread

if TYPE_CHECKING:
    import pyarrow as pa

    from cross_market.research.result import Result
    from cross_market.research.world import SimVenues
    from cross_market.session import Session

__all__ = [
    "START",
    "Quote",
    "config",
    "quotes",
    "venues",
]

START = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC, ns: when worlds and sessions begin
NAMES = ("NORTH.GOLD", "SOUTH.GOLD")
MILLISECOND = 1_000_000

Quote = tuple[int, str, str, str, int]
World = Callable[..., "Result"]

# Gold in the north is dear, so that the hedge enters; then alike in both, so that it leaves.
SAMPLE: list[Quote] = [
    (0, "NORTH.GOLD", "101.00", "101.02", 5),
    (1, "SOUTH.GOLD", "100.00", "100.02", 5),
    (2000, "NORTH.GOLD", "100.00", "100.02", 5),
    (2001, "SOUTH.GOLD", "100.00", "100.02", 5),
]


def config() -> Config:
    """Return the small configuration: sell gold in the north, buy it in the south.

    It enters at a difference of 0.50 USD/g and leaves at 0.10; +1 set is one lot of 100 g in both.

    returns: Config.
    """
    north, south = (
        Instrument(
            name,
            venue=name.partition(".")[0],
            product="gold",
            size="100 g",
            quote="USD/g",
            tick="0.01",
            settlement="daily_vm",
            fees=Fees(open=Fee(per_lot="1 USD")),
            margin=Margin(long="0.1", short="0.1"),
        )
        for name in NAMES
    )
    one = Account("one", venue="NORTH", currency="USD", island="north", flag="arbitrage")
    two = Account("two", venue="SOUTH", currency="USD", island="south", flag="arbitrage")
    hedge = Hedge(
        "gold",
        legs=[Leg(north, side="sell", account=one), Leg(south, side="buy", account=two)],
        unit="g",
        currency="USD",
        basis="physical",
        signal=Spread(enter="0.50 USD/g", exit="0.10 USD/g"),
        size=Size(clip=1, max=1, overnight=1, holiday=1),
        execution=Simultaneous(
            max_residual="50 g",
            live_residual="100 g",
            finish_within="2 s",
            repair=CheaperOf("supplement", "unwind"),
            max_loss="500 USD",
        ),
    )
    limits = template("small desk")
    for name in NAMES:
        limits = limits.for_instrument(name, collar="200 ticks")
    return Config(
        venues=[Venue("NORTH", netting="net"), Venue("SOUTH", netting="net")],
        accounts=[one, two],
        hedges=[hedge],
        limits=limits,
    )


def venues(config: Config, *, seed: int = 1, money: int = 1_000_000) -> "SimVenues":
    """Return simulated venues for any configuration: a millisecond each way, and no faults.

    config: Config – whose venues and accounts they are.
    seed: int – of everything that is drawn.
    money: int, units of each account's currency – what every account holds at the start.
    returns: SimVenues; `dataclasses.replace(…, faults=[…])` adds faults.
    """
    from cross_market.research.world import Balance, Latency, SimVenue, SimVenues

    each_way = Latency("1 ms")
    return SimVenues(
        seed=seed,
        venues=[
            SimVenue(each.name, order=each_way, report=each_way, feed=each_way)
            for each in config.venues
        ],
        balances=[
            Balance(each.name, amount=f"{money} {each.currency}") for each in config.accounts
        ],
    )


def quotes(rows: Iterable[Quote]) -> "pa.Table":
    """Return made quotes as recorded market data, such as `cross_market.simulate` reads.

    rows: iterable of (int, str, str, str, int) – ms since `START`, the instrument's name, best bid,
        best ask, and the size of both in units of the venue; each is a whole book of one level.
    returns: Arrow table; every quote is received one millisecond after it was sent.

    Example:
        >>> quotes([(0, "NORTH.GOLD", "101.00", "101.02", 5)]).num_rows
        2
    """
    import pyarrow as pa

    found: list[dict[str, Any]] = []
    for number, (at, name, bid, ask, size) in enumerate(rows):
        venue, _, instrument = name.partition(".")
        sent = START + at * MILLISECOND
        for side, price in (("bid", bid), ("ask", ask)):
            found.append(
                {
                    "ts_exchange_ns": sent,
                    "ts_receive_ns": sent + MILLISECOND,
                    "venue": venue,
                    "instrument": instrument,
                    "kind": "snapshot",
                    "side": side,
                    "price": Decimal(price),
                    "size": size,
                    "msg": number,
                }
            )
    return pa.Table.from_pylist(found)


@pytest.fixture
def cm_config() -> Config:
    """A small configuration: gold at two venues in dollars."""
    return config()


@pytest.fixture
def cm_world(cm_config: Config) -> World:
    """A function that runs made quotes through simulated venues.

    It takes the rows of `quotes`, and what `cross_market.simulate` takes: `config=` (else
    `cm_config`), `venues=` (else those of `venues`), `verbs=`, `journal=`.
    """
    from cross_market.research.simulate import simulate

    def world(rows: Iterable[Quote], **given: Any) -> "Result":  # noqa: ANN401
        own = given.pop("config", cm_config)
        given.setdefault("venues", venues(own))
        return simulate(own, quotes(rows), **given)

    return world


@pytest.fixture
def cm_session(cm_config: Config, tmp_path: Path) -> "Iterator[Session]":
    """A live session on `cm_config` from `START` on, with a journal of its own."""
    from cross_market.session import Session

    with Session(cm_config, journal=tmp_path / "cm-journal", now=START) as session:
        yield session


@pytest.fixture(scope="session")
def cm_sample_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the journal of a run that entered and left; made once a test run."""
    from cross_market.research.simulate import simulate

    folder = tmp_path_factory.mktemp("cm-sample") / "journal"
    own = config()
    result = simulate(own, quotes(SAMPLE), venues=venues(own), journal=folder)
    assert result.journal is not None  # one was asked for
    return Path(result.journal)

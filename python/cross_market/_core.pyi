"""The native module: thin, flat, no logic. Held equal to the binary by `make lint`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, Protocol, Self, final

from numpy.typing import NDArray
from typing_extensions import disjoint_base

from cross_market.commands import Command
from cross_market.events import Event, Verb

__all__ = [
    "Engine",
    "Market",
    "Session",
    "alerts",
    "check_config",
    "faults",
    "order_text",
    "profile",
    "refusals",
    "refused_opening",
    "replay",
    "simulate",
    "steps",
    "verify",
    "version",
]

_Table = list[tuple[str, str, Any, Any, Any]]
_Rows = list[tuple[int, int, int]] | NDArray[Any]

class _Stream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

class _Array(Protocol):
    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...

# Columns of rows: numpy arrays by name, or whatever speaks the Arrow capsule protocol.
_Columns = Mapping[str, NDArray[Any]] | _Stream | _Array

class _Config(Protocol):
    def to_json(self) -> bytes: ...

@final
class Engine:
    """The core: one value that turns events into commands; it journals nothing."""

    def __new__(cls, config: _Config, *, start: int) -> Engine: ...
    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event at engine time `now` and return what is to be done."""

    def id(self, instrument: str, /) -> int:
        """Return the number of an instrument, its place in the configuration."""

    def level(self, now: int, instrument: int, side: int, price: int, qty: int, /) -> int:
        """Set one level at `now`, a whole message; return how many commands wait for `take`."""

    def row(
        self,
        now: int,
        instrument: int,
        side: int,
        price: int,
        qty: int,
        row: int,
        seq: int,
        step: int,
        exchange: int,
        receive: int,
        /,
    ) -> int:
        """Take one row with its number and stamps; return how many commands wait for `take`."""

    def message(
        self,
        now: int,
        instrument: int,
        rows: _Rows,
        *,
        seq: int | None = None,
        step: int | None = None,
        exchange: int | None = None,
        snapshot: bool = False,
    ) -> int:
        """Take one message received at `now`; return how many commands wait for `take`."""

    def columns(self, columns: _Columns, *, first: int | None = None) -> tuple[int, int]:
        """Take rows until one causes commands; return the next place and how many wait."""

    def take(self) -> list[Command]:
        """Return the commands that wait, and forget them here."""

    def restart(self, now: int, run: int) -> list[Command]:
        """Go on as a later run; every order that may have left is unknown and asked about."""

    def deadline(self) -> int | None:
        """Return a lower bound (ns) of the next moment at which a timer is due, None for never."""

    def digest(self) -> bytes:
        """Return the SHA-256 over the canonical encoding of the whole state."""

    def __reduce__(self) -> NoReturn: ...

@disjoint_base
class Market:
    """The books of a configuration and its merged prices; nothing trades here."""

    def __new__(cls, config: _Config) -> Self: ...
    def id(self, instrument: str | int) -> int:
        """Return the number of an instrument, its place in the configuration."""

    def level(self, instrument: int, side: int, price: int, qty: int, /) -> int:
        """Set one level, a whole message; return 1 when a best price moved, else 0."""

    def row(
        self,
        instrument: int,
        side: int,
        price: int,
        qty: int,
        row: int,
        seq: int,
        step: int,
        exchange: int,
        receive: int,
        /,
    ) -> int:
        """Take one row with its number and stamps; return 1 when a best price moved, else 0."""

    def columns(
        self,
        columns: _Columns,
        *,
        hedges: Iterable[str | int] | None = None,
        sizes: dict[str, int] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Take columns of rows; return the state at the end of every message as columns."""

    def each(
        self, columns: _Columns, callback: Callable[[int, int | None, int | None, int], object], /
    ) -> int:
        """Take columns of rows; call `callback(instrument, bid, ask, receive)` at message ends."""

    def touch(self, instrument: str | int, /) -> tuple[int, int] | None:
        """Return the best bid and ask in ticks; None unless the book is whole and has both."""

    def state(self, instrument: str | int, /) -> str:
        """Return the state of a book: empty, whole, crossed, gapped or down."""

    def spread(self, hedge: str | int, /) -> int | None:
        """Return the better of a hedge's two cross spreads at the tops, over `denominator`."""

    def denominator(self, hedge: str | int, /) -> int:
        """Return what the numbers of a hedge's prices are over."""

    def tops(self, hedge: str | int, /) -> list[tuple[int, int]] | None:
        """Return enter (sold, bought) and exit (sold, bought) at the tops, over `denominator`."""

    def walk(self, instrument: str | int, side: str, lots: int, /) -> tuple[int, int]:
        """Return the cost, ticks × lots, of taking `lots`, and the lots that were there."""

    def _ladder(self, instrument: str | int, depth: int, /) -> _Table: ...
    def _consolidated(self, hedge: str | int, depth: int, /) -> _Table: ...
    def __reduce__(self) -> NoReturn: ...

@final
class Session:
    """The engine with its journal: what it decides is on record before it leaves."""

    def __new__(
        cls, config: _Config, *, journal: str, now: int, group_ns: int | None
    ) -> Session: ...
    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event at engine time `now`; return what may leave now."""

    def id(self, instrument: str, /) -> int:
        """Return the number of an instrument, its place in the configuration."""

    def level(self, now: int, instrument: int, side: int, price: int, qty: int, /) -> int:
        """Set one level at `now`, a whole message; return how many commands wait for `take`."""

    def row(
        self,
        now: int,
        instrument: int,
        side: int,
        price: int,
        qty: int,
        row: int,
        seq: int,
        step: int,
        exchange: int,
        receive: int,
        /,
    ) -> int:
        """Take one row with its number and stamps; return how many commands wait for `take`."""

    def message(
        self,
        now: int,
        instrument: int,
        rows: _Rows,
        *,
        seq: int | None = None,
        step: int | None = None,
        exchange: int | None = None,
        snapshot: bool = False,
    ) -> int:
        """Take one message received at `now`; return how many commands wait for `take`."""

    def columns(self, columns: _Columns, *, first: int | None = None) -> tuple[int, int]:
        """Take rows until one causes commands; return the next place and how many wait."""

    def take(self) -> list[Command]:
        """Return the commands that wait, and forget them here."""

    def release(self, now: int) -> list[Command]:
        """Sync the group when it is due; return what waited for that."""

    def deadline(self) -> int | None:
        """Return a lower bound (ns) of the next moment at which something is due."""

    def digest(self) -> bytes:
        """Return the SHA-256 over the canonical encoding of the whole state."""

    def link(self) -> bytes:
        """Return the last link of the journal's chain; after `close` too."""

    def seq(self) -> int:
        """Return the number of the last event."""

    def tables(self) -> dict[str, Any]:
        """Return what is held now: the tables funds, positions and hedges as columns."""

    def what_if(self, hedge: str | int, sets: int) -> dict[str, Any]:
        """Return what trading so many sets of a hedge now would come to."""

    def attribution(self) -> list[tuple[str, str, Any, Any, Any]]:
        """Return where the result comes from, since the journal began, as columns."""

    def close(self) -> list[Command]:
        """Close the journal durably; return what waited for that and may leave."""

    @property
    def first(self) -> list[Command]: ...
    @property
    def last(self) -> list[Command]: ...
    @property
    def path(self) -> str: ...
    @property
    def run(self) -> int: ...
    @property
    def recovered(self) -> dict[str, int | str | None] | None: ...
    def __reduce__(self) -> NoReturn: ...

def alerts() -> list[str]:
    """Return every code of an alert."""

def check_config(json: bytes) -> None:
    """Raise ConfigError when the core refuses a configuration."""

def faults() -> list[str]:
    """Return the name of every class of faults."""

def order_text(order: int) -> str:
    """Return an order id as venues see it: 13 base-32 characters."""

def profile() -> str:
    """Return how the core was built: 'release', or 'debug', which is many times slower."""

def refusals() -> list[str]:
    """Return every refusal of a gate, in the order in which the gates ask."""

def refused_opening(
    config: bytes,
    start: int,
    balances: list[tuple[int, int]],
    holdings: list[tuple[int, int, int, int]],
) -> tuple[str, int, str] | None:
    """Return what of an opening state an engine refuses: which kind, its place, and why."""

def replay(path: str) -> dict[str, Any]:
    """Replay a journal into a new engine and compare every command and digest."""

def simulate(
    config: bytes,
    *,
    setup: dict[str, object],
    batches: Iterable[tuple[dict[str, Any], list[tuple[int, int, int]], int | None]],
    rows: int,
    verbs: list[tuple[int, Verb]],
    grace_ns: int,
    journal: str | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """Simulate recorded rows; return the tables of the run and its counts."""

def steps(
    path: str,
    each: Callable[..., object],
    *,
    watched: list[bytes] = ...,
    asked: bytes | None = None,
) -> list[int | None]:
    """Tell of every step of a journal that asked for something or brought news of an order."""

def verify(path: str) -> dict[str, Any]:
    """Prove every record of a journal; the file is only read."""

def version() -> str:
    """Return the version of the compiled core."""

"""The native module: thin, flat, no logic. Held equal to the binary by `make lint`."""

from collections.abc import Callable
from typing import Any, NoReturn, Protocol, final

from cross_market.commands import Command
from cross_market.events import Event, Verb

__all__ = [
    "Engine",
    "Session",
    "alerts",
    "check_config",
    "faults",
    "order_text",
    "refusals",
    "refused_opening",
    "replay",
    "simulate",
    "verify",
    "version",
]

class _Config(Protocol):
    def to_json(self) -> bytes: ...

@final
class Engine:
    """The core: one value that turns events into commands; it journals nothing."""

    def __new__(cls, config: _Config, *, start: int) -> Engine: ...
    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event at engine time `now` and return what is to be done."""

    def restart(self, now: int, run: int) -> list[Command]:
        """Go on as a later run; every order that may have left is unknown and asked about."""

    def deadline(self) -> int | None:
        """Return a lower bound (ns) of the next moment at which a timer is due, None for never."""

    def digest(self) -> bytes:
        """Return the SHA-256 over the canonical encoding of the whole state."""

    def __reduce__(self) -> NoReturn: ...

@final
class Session:
    """The engine with its journal: what it decides is on record before it leaves."""

    def __new__(
        cls, config: _Config, *, journal: str, now: int, group_ns: int | None
    ) -> Session: ...
    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event at engine time `now`; return what may leave now."""

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
    columns: dict[str, Any],
    settlements: list[tuple[int, int, int]],
    verbs: list[tuple[int, Verb]],
    grace_ns: int,
    journal: str | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """Simulate recorded rows; return the tables of the run and its counts."""

def verify(path: str) -> dict[str, Any]:
    """Prove every record of a journal; the file is only read."""

def version() -> str:
    """Return the version of the compiled core."""

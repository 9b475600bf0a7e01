"""The native module: thin, flat, no logic. Held equal to the binary by `make lint`."""

from typing import NoReturn, Protocol, final

from cross_market.commands import Command
from cross_market.events import Event

__all__ = ["Engine", "alerts", "check_config", "order_text", "refusals", "version"]

class _Config(Protocol):
    def to_json(self) -> bytes: ...

@final
class Engine:
    """The core: one value that turns events into commands; it journals nothing."""

    def __new__(cls, config: _Config, *, start: int) -> Engine: ...
    def handle(self, now: int, event: Event) -> list[Command]:
        """Take one event at engine time `now` and return what is to be done."""

    def deadline(self) -> int | None:
        """Return a lower bound (ns) of the next moment at which a timer is due, None for never."""

    def digest(self) -> bytes:
        """Return the SHA-256 over the canonical encoding of the whole state."""

    def __reduce__(self) -> NoReturn: ...

def alerts() -> list[str]:
    """Return every code of an alert."""

def check_config(json: bytes) -> None:
    """Raise ConfigError when the core refuses a configuration."""

def order_text(order: int) -> str:
    """Return an order id as venues see it: 13 base-32 characters."""

def refusals() -> list[str]:
    """Return every refusal of a gate, in the order in which the gates ask."""

def version() -> str:
    """Return the version of the compiled core."""

"""Venues of other distributions, by name.

A package that can talk to a venue names its class in its own `pyproject.toml`:

    [project.entry-points."cross_market.venues"]
    acme = "acme_venue:Acme"

`names()` lists what is installed and `load("acme")` imports the class. What such a class must be
able to do comes with the first venue of this package. `reject_class("ctp", 31)` translates a
venue's own reject code: see `rejects`.
"""

from typing import TYPE_CHECKING

from cross_market._values import unknown, wrong_type
from cross_market.errors import ConfigError, VenueError
from cross_market.venues.rejects import reject_class

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "load", "names", "reject_class"]

GROUP = "cross_market.venues"


def names() -> tuple[str, ...]:
    """Return the names of all venues that installed distributions offer; nothing is imported.

    returns: tuple of str, sorted.
    """
    return tuple(sorted({each.name for each in _entries()}))


def load(name: str) -> type:
    """Import the class of a venue and return it.

    name: str – one of `names()`.
    returns: type – the class, as its distribution names it.
    Raises ConfigError when no distribution offers this name, or several do; VenueError, caused by
    the error of the import, when it cannot be imported or is no class.
    """
    if type(name) is not str:
        raise wrong_type(name, "venue", "the name of a venue, as str")
    found = [each for each in _entries() if each.name == name]
    if not found:
        raise unknown(name, "venue", names(), f"a venue of the entry points {GROUP}")
    if len({each.value for each in found}) > 1:
        offers = ", ".join(sorted(f"{each.value} of {_owner(each)}" for each in found))
        expected = "one distribution that offers this name"
        message = f"venue: found {name!r} in {offers}; expected {expected}"
        raise ConfigError(message, field="venue", value=name, expected=expected)
    entry = found[0]
    try:
        loaded: object = entry.load()
    except Exception as error:  # whatever the import of a stranger raises
        message = f"venue {name!r}: {entry.value} of {_owner(entry)} cannot be imported: {error}"
        raise VenueError(message, venue=name) from error
    if not isinstance(loaded, type):
        message = f"venue {name!r}: {entry.value} of {_owner(entry)} is {loaded!r}, not a class"
        raise VenueError(message, venue=name)
    return loaded


def _entries() -> "tuple[EntryPoint, ...]":
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _owner(entry: "EntryPoint") -> str:
    """Return the distribution of an entry point as it may stand in a message."""
    return "an unknown distribution" if entry.dist is None else entry.dist.name

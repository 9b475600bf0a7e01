"""A judge outside the engine: a callable that looks at tables and says how bad it is.

What it says goes into the engine as an `Estimate` with an expiry, so it is data of the journal: a
replay needs no judge. A threshold on the metric 'verdict' acts on it; its bounds are the levels
that a verdict may reach. Where a hedge's own signal reads estimates there is no verdict.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cross_market._values import missing, wrong
from cross_market.contracts.units import parse_span
from cross_market.events import Estimate
from cross_market.policy.threshold import LEVELS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LADDER", "View", "ask"]

LOGGER = logging.getLogger("cross_market.verdict")

# What a verdict is worth: the bounds of a threshold on 'verdict' are these numbers.
LADDER = {level: worth for worth, level in enumerate(LEVELS, start=1)}


class Shows(Protocol):
    """What shows where things stand, such as a Session."""

    def funds(self) -> "pa.Table":
        """Return the money of every account."""

    def positions(self) -> "pa.Table":
        """Return what every account holds."""

    def hedges(self) -> "pa.Table":
        """Return what every hedge holds."""

    def monitors(self) -> "pa.Table":
        """Return where every monitored number stands."""


@dataclass(frozen=True, slots=True)
class View:
    """Where things stand, for a judge.

    now: int, ns – engine time.
    funds, positions, hedges, monitors: Arrow table – as a Session shows them.
    """

    now: int
    funds: "pa.Table"
    positions: "pa.Table"
    hedges: "pa.Table"
    monitors: "pa.Table"

    @classmethod
    def of(cls, session: Shows, *, now: int) -> "View":
        """Return the view of a session.

        session: Session – between two of its events.
        now: int, ns – engine time.
        """
        tables = (session.funds(), session.positions(), session.hedges(), session.monitors())
        return cls(now, *tables)


Judge = Callable[[View], str | None]


def ask(judge: Judge, view: View, *, hedge: str, lasts: str, failing: str) -> Estimate:
    """Return what a judge says of a hedge, as the event that tells it to the engine.

    judge: function of View – 'warn', 'restrict', 'cancel', 'reduce', 'halt', or None for nothing.
    view: View – what it looks at.
    hedge: str – its name.
    lasts: str, time – how long it counts; say it again before, for silence means nothing is wrong.
    failing: str – what counts where the judge raises, or says what is no level; one of the levels.
    returns: Estimate, for `Session.handle`.
    Raises ConfigError or InputTypeError for what is wrong in another argument.
    """
    if failing not in LADDER:
        raise wrong(failing, "ask.failing", "one of " + ", ".join(LADDER))
    lasts_ns = parse_span(lasts, "ask.lasts")
    if lasts_ns <= 0:
        expected = "how long it counts, above 0"
        raise missing(expected, "ask.lasts")
    try:
        level = judge(view)
        worth = 0 if level is None else LADDER[level]
    except Exception:  # whoever wrote it: a judge that fails has not said that all is well
        LOGGER.exception("the judge of %s failed; %s counts", hedge, failing)
        worth = LADDER[failing]
    return Estimate(hedge=hedge, value=worth, expires=view.now + lasts_ns)

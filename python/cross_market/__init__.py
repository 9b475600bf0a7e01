"""Trade one hedge across several markets as one unit, and prove afterwards why.

Importing this package does no work: numpy, pyarrow and rich are imported by what needs them, and so
are the parts of this package that not every program needs.
"""

import typing as _typing

from cross_market._core import Engine, order_text
from cross_market._core import version as _version
from cross_market.config import (
    Account,
    Config,
    Hedge,
    Leg,
    Offset,
    OffsetLeg,
    Route,
    TopUp,
    Venue,
)
from cross_market.contracts.instrument import Fee, Fees, Instrument, Margin, MarginStep
from cross_market.errors import (
    ConfigError,
    CrossMarketError,
    InputTypeError,
    InternalError,
    JournalError,
    UsageError,
    VenueError,
)
from cross_market.policy import limit as limits
from cross_market.policy import threshold as thresholds
from cross_market.policy.conduct import Conduct
from cross_market.policy.execution import (
    CheaperOf,
    Lean,
    LegRule,
    Quoting,
    Sequential,
    Simultaneous,
    Size,
    Supplement,
    Unwind,
    Waiting,
)
from cross_market.policy.limit import Limits
from cross_market.policy.signal import Band, CounterPrice, Deviation, Estimate, Ratio, Spread
from cross_market.policy.threshold import Formula, Threshold

if _typing.TYPE_CHECKING:
    from cross_market import audit as audit
    from cross_market import commands as commands
    from cross_market import events as events
    from cross_market import live as live
    from cross_market import venues as venues
    from cross_market.contracts.conduct import conduct
    from cross_market.funds.pool import Rate, Stated, pool
    from cross_market.market import Market, Merged, Pair
    from cross_market.research.dry_run import DryRun, dry_run
    from cross_market.research.result import Result
    from cross_market.research.rows import to_grid
    from cross_market.research.simulate import simulate
    from cross_market.research.world import (
        Balance,
        Fault,
        Holding,
        Latency,
        SimVenue,
        SimVenues,
    )
    from cross_market.session import Session
    from cross_market.what_if import WhatIf

__version__ = _version()

__all__ = [
    "Account",
    "Balance",
    "Band",
    "CheaperOf",
    "Conduct",
    "Config",
    "ConfigError",
    "CounterPrice",
    "CrossMarketError",
    "Deviation",
    "DryRun",
    "Engine",
    "Estimate",
    "Fault",
    "Fee",
    "Fees",
    "Formula",
    "Hedge",
    "Holding",
    "InputTypeError",
    "Instrument",
    "InternalError",
    "JournalError",
    "Latency",
    "Lean",
    "Leg",
    "LegRule",
    "Limits",
    "Margin",
    "MarginStep",
    "Market",
    "Merged",
    "Offset",
    "OffsetLeg",
    "Pair",
    "Quoting",
    "Rate",
    "Ratio",
    "Result",
    "Route",
    "Sequential",
    "Session",
    "SimVenue",
    "SimVenues",
    "Simultaneous",
    "Size",
    "Spread",
    "Stated",
    "Supplement",
    "Threshold",
    "TopUp",
    "Unwind",
    "UsageError",
    "Venue",
    "VenueError",
    "Waiting",
    "WhatIf",
    "__version__",
    "audit",
    "commands",
    "conduct",
    "dry_run",
    "events",
    "limits",
    "live",
    "order_text",
    "pool",
    "simulate",
    "thresholds",
    "to_grid",
    "venues",
]

# Imported when they are asked for, which halves the time of an import: name → module. A test
# compares them with what type checkers see above.
_LATER = {
    "Balance": "cross_market.research.world",
    "DryRun": "cross_market.research.dry_run",
    "Fault": "cross_market.research.world",
    "Holding": "cross_market.research.world",
    "Latency": "cross_market.research.world",
    "Market": "cross_market.market",
    "Merged": "cross_market.market",
    "Pair": "cross_market.market",
    "Rate": "cross_market.funds.pool",
    "Result": "cross_market.research.result",
    "Session": "cross_market.session",
    "SimVenue": "cross_market.research.world",
    "SimVenues": "cross_market.research.world",
    "Stated": "cross_market.funds.pool",
    "WhatIf": "cross_market.what_if",
    "audit": "cross_market.audit",
    "commands": "cross_market.commands",
    "conduct": "cross_market.contracts.conduct",
    "dry_run": "cross_market.research.dry_run",
    "events": "cross_market.events",
    "live": "cross_market.live",
    "pool": "cross_market.funds.pool",
    "simulate": "cross_market.research.simulate",
    "to_grid": "cross_market.research.rows",
    "venues": "cross_market.venues",
}

if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _LATER:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name)
        module = import_module(_LATER[name])
        found = module if _LATER[name] == f"{__name__}.{name}" else getattr(module, name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER})

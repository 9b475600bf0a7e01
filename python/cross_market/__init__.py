"""Trade one hedge across several markets as one unit, and prove afterwards why.

Importing this package does no work: numpy, pyarrow and rich are imported by what needs them.
"""

from cross_market._core import version as _version
from cross_market.errors import (
    ConfigError,
    CrossMarketError,
    InputTypeError,
    InternalError,
    JournalError,
    UsageError,
    VenueError,
)

__version__ = _version()

__all__ = [
    "ConfigError",
    "CrossMarketError",
    "InputTypeError",
    "InternalError",
    "JournalError",
    "UsageError",
    "VenueError",
    "__version__",
]

"""Where the pool's money goes: which sets to fund, and what to move for them.

A plan is found as a mixed-integer programme and then proven in whole numbers: what is returned
keeps every account above its minimum and buffer, funds all accounts of a set together and uses
declared routes alone, exactly. A plan that cannot be proven is not returned. highspy is the extra
`solver`, imported on use. See `docs/allocation.md`.
"""

from cross_market.funds.allocation.allocator import Allocator
from cross_market.funds.allocation.buffers import OutrightLeg, buffer, outright_buffer
from cross_market.funds.allocation.replan import Replanner, has_moved
from cross_market.funds.allocation.values import (
    Demand,
    Plan,
    PoolRoute,
    PoolState,
    Request,
    Skew,
    Snapshot,
    Transfer,
)

__all__ = [
    "Allocator",
    "Demand",
    "OutrightLeg",
    "Plan",
    "PoolRoute",
    "PoolState",
    "Replanner",
    "Request",
    "Skew",
    "Snapshot",
    "Transfer",
    "buffer",
    "has_moved",
    "outright_buffer",
]

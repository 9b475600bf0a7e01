"""The shared ledger: who may use how much of which account."""

from cross_market.funds.ledger.draw import Draw
from cross_market.funds.ledger.ledger import SCHEMA, Ledger
from cross_market.funds.ledger.values import (
    Allotment,
    FencedError,
    LedgerError,
    Member,
    PoolAccount,
    PoolBalance,
    PoolTransfer,
    ShortError,
    UnknownOutcomeError,
)

__all__ = [
    "SCHEMA",
    "Allotment",
    "Draw",
    "FencedError",
    "Ledger",
    "LedgerError",
    "Member",
    "PoolAccount",
    "PoolBalance",
    "PoolTransfer",
    "ShortError",
    "UnknownOutcomeError",
]

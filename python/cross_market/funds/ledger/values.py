"""What the ledger takes and gives: accounts, balances, allotments, and why it says no."""

from dataclasses import dataclass
from decimal import Decimal

from cross_market._values import read_decimal, wrong
from cross_market.errors import CrossMarketError, UsageError

__all__ = [
    "Allotment",
    "FencedError",
    "LedgerError",
    "Member",
    "PoolAccount",
    "PoolBalance",
    "PoolTransfer",
    "ShortError",
    "UnknownOutcomeError",
]


class LedgerError(CrossMarketError):
    """The ledger cannot be reached, written or trusted: send no new orders; cancels may leave."""


class FencedError(LedgerError):
    """The lease is over or another process has it: nothing of this one is written any more."""


class UnknownOutcomeError(LedgerError):
    """It is not known whether an operation was written; the same id asked again tells.

    operation: str – its id.
    """

    def __init__(self, message: str, *, operation: str) -> None:
        super().__init__(message)
        self.operation = operation


class ShortError(UsageError):
    """An account or allotment has less than was asked for; nothing has changed, for ever."""


def no(where: str, text: str) -> UsageError:
    """Return the error for a call that is wrong there."""
    return UsageError(f"{where}: {text}", call="Ledger")


def lost(where: str, text: str) -> LedgerError:
    """Return the error for a ledger that cannot be used."""
    return LedgerError(f"{where}: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAccount:
    """An account of the pool.

    name, currency, island: str – as in the configuration.
    grain: str – the smallest amount, such as '0.01': amounts are kept as whole numbers of it.
    """

    name: str
    currency: str
    island: str
    grain: str

    def __post_init__(self) -> None:
        """Raise ConfigError for a grain that is none."""
        if read_decimal(self.grain, "account.grain") <= 0:
            raise wrong(self.grain, "account.grain", "an amount above zero, such as '0.01'")

    def units(self, amount: object, where: str) -> int:
        """Return an amount in grains; raises ConfigError when it is not whole or not above zero."""
        number = read_decimal(amount, where, f"an amount in {self.currency}") / Decimal(self.grain)
        if number != number.to_integral_value() or number <= 0:
            expected = f"an amount above zero in whole {self.grain} {self.currency}"
            raise wrong(amount, where, expected)
        if number >= 2**62:
            raise wrong(amount, where, f"an amount below 2^62 times {self.grain}")
        return int(number)

    def amount(self, units: int) -> Decimal:
        """Return grains as an amount."""
        return Decimal(units) * Decimal(self.grain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process that draws on the pool.

    name: str – its name; a successor after a crash has the same.
    config: str – hash of its configuration. binary: str – hash of its library.
    Both must be those of the pool.
    """

    name: str
    config: str
    binary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBalance:
    """Where the money of one account stands.

    account, currency: str.
    free, allotted, quarantined, transit: Decimal – ours, by what may be done with it.
    total: Decimal – all of it: what came in less what went out.
    version: int – how many postings it has had.
    """

    account: str
    currency: str
    free: Decimal
    allotted: Decimal
    quarantined: Decimal
    transit: Decimal
    total: Decimal
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """Money of one account that one member may use.

    id: str. account, member: str. amount: Decimal – at first. remains: Decimal – neither used nor
        given back. quarantined: bool – its member died, and its orders may still trade.
    """

    id: str
    account: str
    member: str
    amount: Decimal
    remains: Decimal
    quarantined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTransfer:
    """Money on its way from one account to another, or what has become of it.

    id, source, target: str. amount: Decimal – what left.
    state: str – 'asked', 'left', 'late', 'unknown', 'settled' or 'failed'.
    """

    id: str
    source: str
    target: str
    amount: Decimal
    state: str

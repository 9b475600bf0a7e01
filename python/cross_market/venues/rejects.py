"""What venues' own reject codes mean: four tables, from their documents.

`reject_class("ctp", 31)` is what `events.Rejected(reason=…)` takes; what follows from each class
stands in docs/rejects.md. A code that no table knows is `other`, and its number stays on record as
`events.Rejected(code=…)`.

Two rules were kept where a document leaves room. What does not prove that the order is dead (a
lost or unreadable reply) is a class that has it asked about, never one that ends it. What is no
fault of the order alone (an account that may not trade) is the class of the larger thing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cross_market._values import unknown, wrong_type

__all__ = ["CLASSES", "SYSTEMS", "TABLES", "reject_class"]

# The classes that the engine knows, as docs/rejects.md lists them.
CLASSES = (
    "other",
    "money",
    "lots",
    "price",
    "size",
    "phase",
    "rate",
    "link",
    "permission",
    "duplicate",
    "self_trade",
    "unknown_order",
    "too_late",
    "halted",
    "limit",
    "close_only",
    "field",
    "again",
)

# CTP, error.xml of the trader API 6.7.10 (15 April 2025): the attribute `value` of each error, as
# `CThostFtdcRspInfoField.ErrorID` carries it. What is about transfers, options and parked orders is
# left out.
CTP: dict[int, str] = {
    6: "permission",  # NOT_LOGIN_YET
    8: "link",  # FRONT_NOT_ACTIVE
    9: "permission",  # NO_PRIVILEGE
    15: "field",  # BAD_FIELD
    16: "halted",  # INSTRUMENT_NOT_FOUND
    17: "halted",  # INSTRUMENT_NOT_TRADING
    18: "permission",  # NOT_EXCHANGE_PARTICIPANT
    19: "permission",  # INVESTOR_NOT_ACTIVE
    20: "permission",  # NOT_EXCHANGE_CLIENT
    21: "link",  # NO_VALID_TRADER_AVAILABLE: the seat is not connected to the exchange
    22: "duplicate",  # DUPLICATE_ORDER_REF
    23: "field",  # BAD_ORDER_ACTION_FIELD
    24: "duplicate",  # DUPLICATE_ORDER_ACTION_REF: the cancel is under way
    25: "unknown_order",  # ORDER_NOT_FOUND, of a cancel: the exchange's id may not be there yet
    26: "too_late",  # INSUITABLE_ORDER_STATUS, of a cancel: filled or cancelled already
    27: "field",  # UNSUPPORTED_FUNCTION
    28: "permission",  # NO_TRADING_RIGHT
    29: "close_only",  # CLOSE_ONLY
    30: "lots",  # OVER_CLOSE_POSITION
    31: "money",  # INSUFFICIENT_MONEY
    35: "link",  # BROKER_SYNCHRONIZING
    37: "lots",  # SHORT_SELL
    39: "link",  # CFFEX_NETWORK_ERROR
    40: "rate",  # CFFEX_OVER_REQUEST
    41: "rate",  # CFFEX_OVER_REQUEST_PER_SECOND
    42: "permission",  # SETTLEMENT_INFO_NOT_CONFIRMED
    50: "lots",  # OVER_CLOSETODAY_POSITION
    51: "lots",  # OVER_CLOSEYESTERDAY_POSITION
    61: "field",  # EXCHANGE_UNSUPPORTED_ARBITRAGE: our flag is not taken there
    63: "permission",  # AUTH_FAILED
    64: "permission",  # NOT_AUTHENT
    78: "link",  # SEND_EXCHANGEORDER_FAILED
    80: "field",  # PRICETYPE_NOTSUPPORT_BYEXCHANGE
    81: "field",  # BAD_EXECUTE_TYPE
    90: "again",  # NEED_RETRY
    91: "other",  # EXCHANGE_RTNERROR: what it means stands in the exchange's own text
    95: "price",  # BAD_PRICE_VALUE
    101: "permission",  # NO_TRADING_RIGHT_IN_SEPC_DR
    106: "limit",  # POSI_LIMIT
    116: "rate",  # ORDER_FREQ_LIMIT
    147: "field",  # EXCHANGE_ID_IS_MISSING
    148: "field",  # EXCHANGE_ID_IS_INVALID
    150: "field",  # EXCHANGE_ID_IS_WRONG
    158: "rate",  # OVER_INFO_CNT_LIMIT
    162: "phase",  # NOT_TRADING_PERIOD
    163: "price",  # PRICE_OVER_LIMIT
    164: "size",  # VOLUME_NOT_VALID
    165: "price",  # PRICE_WRONG_TICK
}

# FIX, OrdRejReason (103) of an ExecutionReport: FIX 4.4 and FIX 5.0 SP2 (FIXimate, tag 103; 16 and
# 18 came with 5.0). Values of 100 and more are agreed between two parties.
FIX: dict[int, str] = {
    0: "other",  # Broker / exchange option
    1: "halted",  # Unknown symbol
    2: "phase",  # Exchange closed
    3: "limit",  # Order exceeds limit
    4: "phase",  # Too late to enter
    5: "unknown_order",  # Unknown order
    6: "duplicate",  # Duplicate order
    7: "duplicate",  # Duplicate of a verbally communicated order
    8: "again",  # Stale order
    9: "field",  # Trade along required
    10: "permission",  # Invalid investor ID
    11: "field",  # Unsupported order characteristic
    12: "permission",  # Surveillance option
    13: "size",  # Incorrect quantity
    14: "size",  # Incorrect allocated quantity
    15: "permission",  # Unknown account(s)
    16: "price",  # Price exceeds current price band
    18: "price",  # Invalid price increment
    99: "other",  # Other
}

# FIX, CxlRejReason (102) of an OrderCancelReject: FIX 4.4 and FIX 5.0 SP2 (FIXimate, tag 102).
FIX_CANCEL: dict[int, str] = {
    0: "too_late",  # Too late to cancel
    1: "unknown_order",  # Unknown order
    2: "other",  # Broker / exchange option
    3: "duplicate",  # Order already in pending cancel or pending replace status
    4: "other",  # Unable to process order mass cancel request
    5: "other",  # OrigOrdModTime did not match last TransactTime of order
    6: "duplicate",  # Duplicate ClOrdID received
    7: "price",  # Price exceeds current price
    8: "price",  # Price exceeds current price band
    18: "price",  # Invalid price increment
    99: "other",  # Other
}

# Interactive Brokers, the page "Message Codes" of the TWS API
# (interactivebrokers.github.io/tws-api/message_codes.html). Most rejections come as 201 with the
# reason in words.
IB: dict[int, str] = {
    100: "rate",  # Max rate of messages per second has been exceeded
    103: "duplicate",  # Duplicate order ID
    104: "too_late",  # Can't modify a filled order
    105: "field",  # Order being modified does not match original order
    106: "link",  # Can't transmit order ID
    107: "field",  # Cannot transmit incomplete order
    109: "price",  # Price is out of the range defined by the percentage setting
    110: "price",  # The price does not conform to the minimum price variation
    111: "field",  # The time in force and the order type are incompatible
    116: "link",  # The order cannot be transmitted to a dead exchange
    117: "size",  # The block order size must be at least 50
    132: "field",  # This order cannot be transmitted without a clearing account
    133: "again",  # Submit new order failed
    135: "unknown_order",  # Can't find order with ID
    136: "too_late",  # This order cannot be cancelled
    161: "too_late",  # Cancel attempted when order is not in a cancellable state
    200: "halted",  # No security definition has been found for the request
    201: "other",  # Order rejected, reason in words
    202: "other",  # Order cancelled, reason in words
    203: "halted",  # The security is not available or allowed for this account
    321: "field",  # Server error when validating an API client request
    382: "price",  # The price violates the ticks constraint of the order default settings
    383: "size",  # The size violates the size constraint of the order default settings
    387: "field",  # Unsupported order type for this exchange and security type
    388: "size",  # Order size is smaller than the minimum requirement
    434: "size",  # The order size cannot be zero
    435: "field",  # You must specify an account
    460: "permission",  # No trading permissions
    502: "link",  # Couldn't connect to TWS
    504: "link",  # Not connected
    1100: "link",  # Connectivity between IB and TWS has been lost
    10147: "unknown_order",  # The order that needs to be cancelled is not found
    10148: "too_late",  # The order that needs to be cancelled cannot be cancelled
}

# ccxt, the classes of its exceptions (errorHierarchy.js of 4.5, and the manual's "Exception
# Hierarchy"). A request that failed on the way may have arrived: it is asked about.
CCXT: dict[str, str] = {
    "ExchangeError": "other",
    "AuthenticationError": "permission",
    "PermissionDenied": "permission",
    "AccountNotEnabled": "permission",
    "AccountSuspended": "permission",
    "ArgumentsRequired": "field",
    "BadRequest": "field",
    "BadSymbol": "halted",
    "OperationRejected": "other",
    "NoChange": "other",
    "MarketClosed": "phase",
    "ManualInteractionNeeded": "permission",
    "RestrictedLocation": "permission",
    "InsufficientFunds": "money",
    "InvalidOrder": "field",
    "OrderNotFound": "unknown_order",
    "OrderNotCached": "unknown_order",
    "OrderImmediatelyFillable": "again",
    "OrderNotFillable": "again",
    "DuplicateOrderId": "duplicate",
    "ContractUnavailable": "halted",
    "NotSupported": "field",
    "OperationFailed": "unknown_order",
    "NetworkError": "unknown_order",
    "DDoSProtection": "rate",
    "RateLimitExceeded": "rate",
    "ExchangeNotAvailable": "unknown_order",
    "OnMaintenance": "link",
    "InvalidNonce": "again",
    "RequestTimeout": "unknown_order",
    "BadResponse": "unknown_order",
    "NullResponse": "unknown_order",
    "CancelPending": "duplicate",
}

# By system: of a new order, and of a cancel where that has codes of its own.
TABLES: Mapping[str, tuple[Mapping[Any, str], Mapping[Any, str]]] = MappingProxyType(
    {
        "ctp": (MappingProxyType(CTP), MappingProxyType(CTP)),
        "fix": (MappingProxyType(FIX), MappingProxyType(FIX_CANCEL)),
        "ib": (MappingProxyType(IB), MappingProxyType(IB)),
        "ccxt": (MappingProxyType(CCXT), MappingProxyType(CCXT)),
    }
)
SYSTEMS = tuple(TABLES)


def reject_class(system: str, code: int | str | BaseException, *, cancel: bool = False) -> str:
    """Return the class of a venue's own reject code, for `events.Rejected(reason=…)`.

    system: str – 'ctp', 'fix', 'ib' or 'ccxt'.
    code: int – the venue's code; with 'ccxt' the name of the exception's class, or the exception,
        of which the nearest class that is known counts.
    cancel: bool – whether a cancel was rejected; FIX has codes of its own for it.
    returns: str – one of `CLASSES`; 'other' for a code that the table does not know.
    Raises ConfigError for an unknown system, InputTypeError for a code of another type.
    """
    if type(system) is not str:
        raise wrong_type(system, "system", "one of " + ", ".join(SYSTEMS) + ", as str")
    if system not in TABLES:
        raise unknown(system, "system", SYSTEMS, "a system with a table of reject codes")
    table = TABLES[system][1 if cancel else 0]
    if system != "ccxt":
        if type(code) is not int:
            raise wrong_type(code, "code", "the venue's code, as int")
        return table.get(code, "other")
    if isinstance(code, BaseException):
        names = (each.__name__ for each in type(code).__mro__)
        return next((table[name] for name in names if name in table), "other")
    if type(code) is not str:
        raise wrong_type(code, "code", "the name of an exception of ccxt, as str, or the exception")
    return table.get(code, "other")

"""What the engine asks for: one frozen class for each kind of command.

Names are those of the configuration; prices are whole ticks and sizes whole lots
(`Instrument.price` and `Instrument.amount` convert).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Send an order.

    order: int – our id; `cross_market.order_text` is how venues see it.
    price: int, ticks – the worst price. qty: int, lots.
    side: str – 'buy' or 'sell'. effect: str – 'open', 'close' or 'close_today'.
    tif: str – 'gtc', 'ioc', 'fok' or 'day'. flag: str – 'speculation', 'arbitrage' or 'hedge'.
    kind: str – why the attempt exists: 'enter', 'exit', 'trim', 'reduce' or 'roll'.
    purpose: str – what the order is for: 'work', 'hedge' (it follows a leg that traded), 'quote'
        (it rests), 'supplement' or 'unwind'.
    account, instrument, hedge: str – their names.
    """

    order: int
    price: int
    qty: int
    account: str
    instrument: str
    hedge: str
    side: str
    effect: str
    tif: str
    flag: str
    kind: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Amend:
    """Change an order's worst price (ticks) and total size (lots); not sent by this version.

    order: int – our id.
    price: int, ticks – the new worst price.
    qty: int, lots – the new total size.
    """

    order: int
    price: int
    qty: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order.

    order: int – our id.
    account: str – its name.
    instrument: str – its name.
    """

    order: int
    account: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Query:
    """Ask what has become of an order; the reply is an Answer, its executions come before it.

    order: int – our id.
    account: str – its name.
    instrument: str – its name.
    """

    order: int
    account: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Resync:
    """Ask for a snapshot of a book.

    instrument: str – its name.
    """

    instrument: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move money over a declared route, in 10⁻⁹ of the currency of `source`.

    id: int – its number; whoever moves the money must move it once for a number, however often it
        is told, and name it in the news: `Cash` of kind 'left', 'arrived' or 'failed'.
    source, target: str – names of accounts.
    amount: int, 10⁻⁹ of the currency – how much.
    """

    id: int
    source: str
    target: str
    amount: int


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell somebody.

    code: str – what it says, one of `ALERTS`.
    urgency: str – 'info', 'warn' or 'alarm'.
    refusal: str – one of `REFUSALS` for code 'refused', else None.
    detail: int – a small code whose meaning `code` gives.
    subject: (str, name or id) – what it is about: 'engine', 'venue', 'account', 'instrument',
        'hedge', 'attempt', 'order' or 'transfer'.
    value, limit: int – numbers whose meaning `code` gives.
    """

    code: str
    urgency: str
    refusal: str | None
    detail: int
    subject: tuple[str, str | int | None]
    value: int
    limit: int


Command = Place | Amend | Cancel | Query | Resync | Transfer | Alert

# The expected "no" of a gate, in the order of their codes.
REFUSALS = (
    "stage",
    "stopped",
    "halted",
    "hedge_restricted",
    "account_restricted",
    "link_down",
    "no_book",
    "stale",
    "gapped",
    "crossed",
    "skewed",
    "phase",
    "break",
    "price_limit",
    "no_repair_route",
    "size",
    "inventory",
    "residual",
    "sum_residual",
    "order_value",
    "collar",
    "day_loss",
    "edge",
    "messages",
    "money",
    "usage",
    "lots",
    "own_opposite",
    "ids_exhausted",
    "loss_budget",
    "trims",
    "busy",
    "nothing",
    "jump",
    "back_off",
    "roll_cost",
    "self_trade",
    "cancel_budget",
    "large_cancel_budget",
    "open_budget",
    "self_trade_budget",
    "burst_budget",
    "no_prompt",
    "lease",
)

ALERTS = (
    "refused",
    "attempt_started",
    "repair_chosen",
    "attempt_ended",
    "late_fill",
    "overfill",
    "conflict",
    "external",
    "order_unknown",
    "cancel_stuck",
    "link_down",
    "link_up",
    "restricted",
    "unrestricted",
    "halted",
    "unlatched",
    "unlatch_refused",
    "cash_drift",
    "position_drift",
    "shortfall",
    "bust",
    "nonconformance",
    "stopped",
    "resumed",
    "policy_replaced",
    "overridden",
    "gap",
    "whole",
    "settled",
    "poisoned",
    "over_limit",
    "foreign_fee",
    "adopted",
    "ids_low",
    "query_stuck",
    "quote_pulled",
    "rejected",
    "reissued",
    "leg_lost",
    "crossed",
    "forfeited",
    "transfer_refused",
    "transfer_arrived",
    "transfer_failed",
    "transfer_late",
    "threshold",
    "threshold_left",
    "relieved",
    "budget_low",
    "prompt_reached",
    "lease_over",
    "top_up",
)

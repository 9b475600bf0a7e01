"""What can happen to the engine: one frozen class for each kind of event.

Names are those of the configuration. Prices are whole ticks and sizes whole lots
(`Instrument.ticks` and `Instrument.lots` convert), money is int, str or Decimal in the currency of
its account, times are ns since the Unix epoch. What is wrong is refused by `handle`, which names
the field and changes nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cross_market.config import Config

Number = int | str | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A row of a market message.

    instrument: str – its name.
    side: str – 'bid' or 'ask'.
    price: int, ticks. qty: int, lots – the level and its new size; 0 takes it away.
    row: str – 'snapshot' (first row: the book is emptied, then this level is set), 'level' (a
        further level of the snapshot) or 'delta'.
    last: bool – whether the message ends with this row.
    seq: int – number of the message; 0 when the venue has none.
    step: int – how far `seq` is from the message before; 0 when gaps cannot be seen.
    exchange, receive: int, ns – when the venue sent it, when we received it.
    """

    instrument: str
    side: str
    price: int
    qty: int
    row: str
    last: bool
    exchange: int
    receive: int
    seq: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A connection changed. Either `account` (its trading login) or `instrument` (its feed).

    state: str – 'down', 'up' (what happened in between is not known yet) or 'resynced'.
    """

    state: str
    account: str | None = None
    instrument: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """News: the order stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """News: the order was refused.

    reason: str – money, lots, price, size, phase, rate, link, permission, duplicate, self_trade,
        unknown_order, too_late, halted, limit, close_only, field, again or other; what follows from
        each stands in docs/rejects.md, and `venues.reject_class` finds it for a venue's code.
    code: int – the venue's own code.
    """

    reason: str
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """News: the order traded.

    trade_id: str – the venue's id, unique by account, instrument and side.
    side: str – 'buy' or 'sell'. price: int, ticks. qty: int, lots.
    cum: int, lots – the order's cumulative quantity after it, where the venue says so.
    fee: number – None while pending; negative is a rebate. fee_currency: str – its currency.
    liquidity: str – 'maker' or 'taker'.
    """

    trade_id: str
    side: str
    price: int
    qty: int
    cum: int | None = None
    fee: Number | None = None
    fee_currency: str | None = None
    liquidity: str = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """News: the order was cancelled, having traded `cum` lots."""

    cum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """News: the order's time ran out, having traded `cum` lots."""

    cum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRejected:
    """News: a cancel was refused; reasons as for Rejected.

    reason: str – as for Rejected.
    code: int – the venue's own code.
    """

    reason: str
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """News: where the venue says the order stands.

    status: str – working, filled, cancelled, rejected or expired. cum: int, lots.
    """

    status: str
    cum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bust:
    """News: an execution was taken back.

    trade_id: str – the execution's id.
    side: str – 'buy' or 'sell'.
    """

    trade_id: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """News: an execution was corrected to another price (ticks) and size (lots).

    trade_id: str – the execution's id.
    side: str – 'buy' or 'sell'.
    price: int, ticks – the new one.
    qty: int, lots – the new one.
    """

    trade_id: str
    side: str
    price: int
    qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeOf:
    """News: the fee of an execution whose fee was pending; negative is a rebate.

    trade_id: str – the execution's id.
    side: str – 'buy' or 'sell'.
    amount: number – in its currency.
    currency: str – its code.
    """

    trade_id: str
    side: str
    amount: Number
    currency: str


News = (
    Accepted
    | Rejected
    | Fill
    | Cancelled
    | Expired
    | CancelRejected
    | Status
    | Bust
    | Correct
    | FeeOf
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Unsolicited news of an order.

    order: int – our id; None for an order that this library did not send.
    venue_order_id: str – the venue's id, '' where it has none.
    account: str – its name.
    instrument: str – its name.
    exchange: int, ns – when the venue said it.
    receive: int, ns – when we heard it.
    news: Accepted, Rejected, Fill, Cancelled, Expired, CancelRejected, Status, Bust, Correct or
        FeeOf – what it says.
    """

    account: str
    instrument: str
    exchange: int
    receive: int
    news: News
    order: int | None = None
    venue_order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenAbsent:
    """Found: the venue's own authoritative no, it has never had this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconclusive:
    """Found: nothing is proven; an empty list, an error, a partial answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reply to a Query.

    found: Status, ProvenAbsent or Inconclusive – what it found.
    order: int – our id.
    account: str – its name.
    exchange: int, ns – when the venue said it.
    receive: int, ns – when we heard it.
    venue_order_id: str – the venue's id, '' where it has none.
    """

    order: int
    account: str
    exchange: int
    receive: int
    found: Status | ProvenAbsent | Inconclusive
    venue_order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """News of an account's money, in its currency.

    kind: str – 'opening' (the balance at the start), 'balance' (to be compared), 'transfer' (in or
        out, asked for by nobody here), 'funding', 'interest', 'fee', or 'collateral' (what all of
        it is worth now, before its haircut). News of a transfer of ours: 'left' and 'failed' (it
        did not go, or came back) of the account that it leaves, 'arrived' of the other.
    account: str – its name.
    exchange: int, ns – when the venue said it.
    amount: number – in the account's currency.
    transfer: int – the number of the transfer that it is news of; None for every other kind.
    """

    account: str
    exchange: int
    kind: str
    amount: Number
    transfer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The venue's word on a position.

    kind: str – 'opening' (booked to unassigned) or 'compare'.
    long, short: int, lots.
    price: int, ticks – at which lots that we did not know are taken over.
    account: str – its name.
    instrument: str – its name.
    exchange: int, ns – when the venue said it.
    """

    account: str
    instrument: str
    exchange: int
    kind: str
    long: int
    short: int
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """A settlement price (ticks) and the trading day that ends with it (days since 1970).

    instrument: str – its name.
    price: int, ticks – the settlement price.
    day: int, days since 1970 – the trading day.
    exchange: int, ns – when the venue said it.
    """

    instrument: str
    price: int
    day: int
    exchange: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Change: the phase now, and until when (ns) it is known to last.

    phase: str – continuous, auction, break, overnight, holiday or halted.
    until: int, ns – when it ends.
    """

    phase: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """Change: today's lowest and highest price (ticks); None and None take the band away.

    low: int, ticks – the lowest price.
    high: int, ticks – the highest price.
    """

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRate:
    """Change: margin as a fraction of the value and an amount a lot, by direction.

    long: number – fraction of the value for bought lots.
    short: number – the same for sold lots.
    long_per_lot: number – in the instrument's currency, added for each bought lot.
    short_per_lot: number – the same for sold lots.
    floor_per_lot: number – both together are at least so much a lot.
    flag: str – 'speculation', 'arbitrage' or 'hedge' for accounts of that flag, which has rates of
        its own from then on; None for those whose flag has none.
    """

    long: Number
    short: Number
    long_per_lot: Number = 0
    short_per_lot: Number = 0
    floor_per_lot: Number = 0
    flag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """News of an instrument that is not a price.

    instrument: str – its name.
    exchange: int, ns – when the venue said it.
    change: Phase, PriceBand or MarginRate – what is new.
    """

    instrument: str
    exchange: int
    change: Phase | PriceBand | MarginRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value computed outside, in the hedge's currency per common unit, until `expires` (ns).

    hedge: str – its name.
    value: number – in the hedge's currency per common unit.
    expires: int, ns – it counts until then.
    """

    hedge: str
    value: Number
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A measured clock: how far it is ahead of engine time, and by how much that may be wrong.

    venue: str – whose; None for the machine's wall clock.
    offset_ns: int, ns – how far the clock is ahead of engine time.
    uncertainty_ns: int, ns – by how much that may be wrong.
    """

    offset_ns: int
    uncertainty_ns: int
    venue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed, no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a verb applies to: one venue, account or hedge; everything when all are None.

    venue: str – its name.
    account: str – its name.
    hedge: str – its name.
    """

    venue: str | None = None
    account: str | None = None
    hedge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Verb: no Enter; Exit and repair go on. A hedge, or all.

    scope: Scope – what it applies to.
    """

    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Verb: takes Stop back.

    scope: Scope – what it applies to.
    """

    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Verb: sets a HALT latch and cancels in the same step.

    scope: Scope – what it applies to.
    """

    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlatch:
    """Verb: ends a HALT latch, once nothing is unknown in its scope.

    scope: Scope – what it applies to.
    """

    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Verb: gives all sets back; inside HALT only orders that reduce pass.

    scope: Scope – what it applies to.
    """

    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrestrict:
    """Verb: ends RESTRICT of a hedge or account.

    scope: Scope – what it applies to.
    """

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """Verb: starts an Enter of signed sets; `at_least` replaces the configured band.

    hedge: str – its name.
    sets: int, sets – signed: below zero for the mirror direction.
    at_least: number – in the unit of the hedge's signal.
    over_ns: int, ns – its slices begin evenly over so long; at 0 one after the other.
    """

    hedge: str
    sets: int
    at_least: Number | None = None
    over_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """Verb: starts an Exit of so many sets; None gives all back.

    hedge: str – its name.
    sets: int, sets – how many, above zero; all when None.
    over_ns: int, ns – its slices begin evenly over so long; at 0 one after the other.
    """

    hedge: str
    sets: int | None = None
    over_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Verb: keeps the quotes of a hedge where they are, for a time.

    hedge: str – its name.
    lasts_ns: int, ns – how long.
    adverse: int, ticks – most that a quote may give up meanwhile.
    """

    hedge: str
    lasts_ns: int
    adverse: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """Verb: moves all sets of a hedge to the next contract, the hedge that its `next` names.

    hedge: str – its name.
    """

    hedge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Verb: moves signed lots from unassigned into a hedge, of all its legs at once or of none.

    lots: dict – signed lots by the instrument of the leg; a leg that is not named gets none.
    hedge: str – its name.
    """

    hedge: str
    lots: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Verb: an operator's word on an order whose outcome is unknown.

    status: str – filled, cancelled, rejected or expired. cum: int, lots. reason: str – why:
    one line in any language, up to 120 bytes of UTF-8.
    order: int – our id.
    """

    order: int
    status: str
    cum: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeit:
    """Verb: what the attempt of `hedge` has not traded yet is given up; a person answers for it.

    No order of it leaves any more, what rests is cancelled, and it ends in what is so.
    reason: str – why: one line in any language, up to 120 bytes of UTF-8.
    """

    hedge: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Verb: the limits and execution values of `config` replace the present ones, whole.

    config: Config – the run's own but for its limits and executions. An attempt that lives keeps
        the execution values it began with, but for pay-up, which applies from its next order;
        limits tighten at once for all.
    """

    config: "Config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Verb: move money over a declared route; it is in transit until news of it says how it ended.

    id: int – its number, above all that were used; the same again moves nothing.
    source, target: str – names of accounts; no route between them, no transfer.
    amount: number – in the currency of `source`, within the amounts of the route.
    """

    id: int
    source: str
    target: str
    amount: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Verb: what may be used of an account that draws on a pool; see `cross_market.funds.ledger`.

    account: str – its name; one that draws on no pool is refused.
    amount: number – how much its positions and orders may bind together, in its currency.
    posted: number – what of the results of this run the amount contains by now, losses below zero.
    epoch: int – the epoch that the pool has given the process; one before the last told is refused.
    until: int, ns since 1970 – when it is over, by the engine's clock.
    """

    account: str
    amount: Number
    posted: Number
    epoch: int
    until: int


Verb = (
    Stop
    | Resume
    | Kill
    | Unlatch
    | Flatten
    | Unrestrict
    | Enter
    | Exit
    | Adopt
    | Override
    | Policy
    | Freeze
    | Forfeit
    | Roll
    | Transfer
    | Lease
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """An operator's or platform's word.

    actor: str – who speaks: one line in any language, up to 120 bytes of UTF-8.
    verb: Stop, Resume, Kill, Unlatch, Flatten, Unrestrict, Enter, Exit, Adopt, Override, Policy,
        Freeze, Forfeit, Roll, Transfer or Lease – what is said.
    """

    actor: str
    verb: Verb


Event = (
    Book
    | Link
    | Report
    | Answer
    | Cash
    | Position
    | Settle
    | Reference
    | Estimate
    | Clock
    | Tick
    | Control
)

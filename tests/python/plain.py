"""A slow model of what an engine keeps, in plain Python: books, orders, lots, money, inventory.

Written from what the words mean, not from the core: dicts, lists, fractions, every sum made anew.
It knows the truth of the venues, for it is their other side.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import cross_market as cm
from cross_market.commands import Place

VENUES = ("A", "B", "C")
NAMES = tuple(f"{name}.x" for name in VENUES)
GROSS = {"B.x"}
CASH = {"C.x"}
# Value of a tick of one lot, and what one lot costs where the venue has not said yet.
TICK = {"A.x": Fraction(2), "B.x": Fraction(1), "C.x": Fraction(1)}
FEE = {"A.x": Fraction(1), "B.x": Fraction(2), "C.x": Fraction(1, 2)}
# Signed lots of each leg in +1 set, and common units of a lot.
LEGS = {"h": {"A.x": -1, "B.x": 2}, "k": {"C.x": 1, "B.x": -1}}
UNITS = {"A.x": 2, "B.x": 1, "C.x": 1}
SET = {"h": 2, "k": 1}
OPENING = Fraction(300_000)
ORDER_VALUE = 100_000
COLLAR = 40
AGE = 2_000_000_000


def config() -> cm.Config:
    """Return two hedges of three venues: netted, gross, and one where the whole value is paid."""
    things: dict[str, cm.Instrument] = {}
    for name in NAMES:
        margin = None if name in CASH else cm.Margin(long="0.1", short="0.1")
        things[name] = cm.Instrument(
            name,
            venue=name[0],
            product="gold",
            size=f"{UNITS[name]} g",
            quote="USD/g",
            tick="1",
            settlement="upfront" if name in CASH else "daily_vm",
            fees=cm.Fees(open=cm.Fee(per_lot=f"{float(FEE[name]):g} USD")),
            margin=margin,
        )
    accounts = {
        name: cm.Account(name[0], venue=name[0], currency="USD", island="i", flag="arbitrage")
        for name in NAMES
    }
    hedges = []
    for name, legs in LEGS.items():
        made = [
            cm.Leg(things[leg], side="buy" if lots > 0 else "sell", account=accounts[leg])
            for leg, lots in legs.items()
        ]
        hedges.append(
            cm.Hedge(
                name,
                legs=made,
                unit="g",
                currency="USD",
                basis="physical",
                signal=cm.Spread(enter="8 USD/g", exit="-8 USD/g"),
                size=cm.Size(clip=2, max=3, overnight=3, holiday=3),
                execution=cm.Simultaneous(
                    max_residual="1 g",
                    live_residual="6 g",
                    finish_within="3 s",
                    repair=cm.CheaperOf("supplement", "unwind"),
                    max_loss="1000 USD",
                ),
                slippage="0.1 USD/g",
            )
        )
    limits = cm.limits.template("small desk")
    for name in NAMES:
        limits = limits.for_instrument(name, order_value=f"{ORDER_VALUE} USD")
    venues = [cm.Venue(name, netting="gross" if f"{name}.x" in GROSS else "net") for name in VENUES]
    return cm.Config(venues=venues, accounts=list(accounts.values()), hedges=hedges, limits=limits)


@dataclass
class Book:
    """One book as dicts; `state` as the library calls it. A locked book is not crossed."""

    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    seq: int = 0
    is_whole: bool = False
    is_known: bool = False
    is_down: bool = False
    receive: int = 0

    def side(self, side: int) -> dict[int, int]:
        return self.asks if side else self.bids

    def message(
        self, rows: list[tuple[int, int, int]], *, snapshot: bool, seq: int, step: int, receive: int
    ) -> bool:
        """Apply one message; return whether it showed a gap."""
        if self.is_down:
            return False
        if snapshot:
            self.bids, self.asks, self.is_whole = {}, {}, True
        elif self.is_known and not self.is_whole:
            return False
        elif self.is_known and step and seq != self.seq + step:
            if seq <= self.seq:
                return False  # an old one, told again
            self.bids, self.asks, self.is_whole = {}, {}, False
            return True
        elif not self.is_known and step:
            return False
        self.is_known, self.seq, self.receive = True, seq, receive
        self.is_whole = True
        for side, price, qty in rows:
            if qty:
                self.side(side)[price] = qty
            else:
                self.side(side).pop(price, None)
        return False

    def set_down(self) -> None:
        self.bids, self.asks, self.is_whole, self.is_down = {}, {}, False, True

    @property
    def state(self) -> str:
        if self.is_down:
            return "down"
        if not self.is_known:
            return "empty"
        if not self.is_whole:
            return "gapped"
        if self.bids and self.asks and max(self.bids) > min(self.asks):
            return "crossed"
        return "whole"

    def touch(self) -> tuple[int, int] | None:
        if self.state != "whole" or not self.bids or not self.asks:
            return None
        return max(self.bids), min(self.asks)


@dataclass
class Row:
    """Lots of one day, signed where positions are netted, and what they cost together."""

    day: int
    lots: int
    cost: int

    def take(self, lots: int) -> int:
        """Take out so many lots of either sign; return their share of the cost, rounded down."""
        part = self.cost * lots // abs(self.lots)
        self.cost -= part
        self.lots -= lots if self.lots > 0 else -lots
        return part


@dataclass
class Lots:
    """Lots of one direction, oldest day first; those of one day cost alike."""

    day: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(row.lots for row in self.rows)

    def take(self, signed: int, price: int, *, opens: bool = True) -> int:
        """Trade signed lots at a price; return the result in ticks × lots of what it closed."""
        result = 0
        while signed and self.rows and (self.rows[0].lots > 0) != (signed > 0):
            row = self.rows[0]
            closed = min(abs(row.lots), abs(signed))
            sign = 1 if row.lots > 0 else -1
            result += sign * (closed * price - row.take(closed))
            signed += sign * closed
            if not row.lots:
                del self.rows[0]
        assert opens or not signed
        if signed:
            if not self.rows or self.rows[-1].day != self.day:
                self.rows.append(Row(self.day, 0, 0))
            self.rows[-1].lots += signed
            self.rows[-1].cost += abs(signed) * price
        return result

    def mark(self, price: int) -> int:
        """Pay the difference to a settlement price; return it in ticks × lots. A day begins."""
        paid = 0
        for row in self.rows:
            sign = 1 if row.lots > 0 else -1
            paid += row.lots * price - sign * row.cost
            row.cost = abs(row.lots) * price
        self.day += 1
        return paid


@dataclass
class Money:
    """One account, by cause."""

    opening: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    result: Fraction = Fraction(0)
    variation: Fraction = Fraction(0)
    trade: Fraction = Fraction(0)
    funding: Fraction = Fraction(0)
    interest: Fraction = Fraction(0)
    transfer: Fraction = Fraction(0)

    @property
    def balance(self) -> Fraction:
        return sum(vars(self).values(), Fraction(0))


@dataclass
class Fill:
    """An execution that the venue made."""

    trade: str
    price: int
    qty: int
    fee: Fraction | None


@dataclass
class Order:
    """An order as its venue knows it."""

    place: Place
    attempt: int
    cum: int = 0  # what it traded
    told: int = 0  # what we were told of
    is_done: bool = False
    cancel_asked: bool = False
    asked: bool = False
    late: list[Fill] = field(default_factory=list)  # made, not told yet
    fills: list[Fill] = field(default_factory=list)  # told
    days: int = 0  # settlements since it was done and all of it told

    @property
    def leaves(self) -> int:
        return 0 if self.is_done else self.place.qty - self.cum

    @property
    def sign(self) -> int:
        return 1 if self.place.side == "buy" else -1


class Desk:
    """All of it."""

    def __init__(self) -> None:
        self.books = {name: Book() for name in NAMES}
        self.money = {name[0]: Money() for name in NAMES}
        self.net = {name: Lots() for name in NAMES if name not in GROSS}
        self.long = {name: Lots() for name in GROSS}
        self.short = {name: Lots() for name in GROSS}
        self.inventory = {name: dict.fromkeys(legs, 0) for name, legs in LEGS.items()}
        self.unassigned = dict.fromkeys(NAMES, 0)
        self.orders: dict[int, Order] = {}

    # What happens.

    def open_position(self, name: str, long: int, short: int, price: int) -> None:
        if name in GROSS:
            self.long[name].take(long, price)
            self.short[name].take(-short, price)
        else:
            self.net[name].take(long - short, price)
        # They are of an earlier day.
        for kind in self.kinds(name):
            kind.day += 1
        self.unassigned[name] += long - short

    def fill(self, order: Order, fill: Fill) -> None:
        """Book an execution: position, inventory, money."""
        place, price = order.place, fill.price
        name, signed = place.instrument, order.sign * fill.qty
        if name not in GROSS:
            ticks = self.net[name].take(signed, price)
        elif place.effect == "open":
            ticks = (self.long if signed > 0 else self.short)[name].take(signed, price)
        else:
            ticks = (self.short if signed > 0 else self.long)[name].take(signed, price, opens=False)
        money = self.money[place.account]
        if name in CASH:
            money.trade -= signed * price * TICK[name]
        else:
            money.result += ticks * TICK[name]
        money.fees -= FEE[name] * fill.qty if fill.fee is None else fill.fee
        self.inventory[place.hedge][name] += signed
        order.told += fill.qty
        order.fills.append(fill)

    def fee(self, order: Order, fill: Fill, amount: Fraction) -> None:
        """Book the fee of an execution that had none."""
        self.money[order.place.account].fees += FEE[order.place.instrument] * fill.qty - amount
        fill.fee = amount

    def settle(self, name: str, price: int) -> None:
        for kind in self.kinds(name):
            if name in CASH:
                kind.day += 1
            else:
                self.money[name[0]].variation += kind.mark(price) * TICK[name]
        for order in self.orders.values():
            if order.place.instrument == name and order.is_done and order.told == order.cum:
                order.days += 1

    # What is asked.

    def kinds(self, name: str) -> list[Lots]:
        """Return the lots of an instrument, longs and shorts apart where they are kept so."""
        return [self.long[name], self.short[name]] if name in GROSS else [self.net[name]]

    def gross(self, name: str) -> tuple[int, int]:
        """Return long and short lots."""
        if name in GROSS:
            return self.long[name].total, -self.short[name].total
        total = self.net[name].total
        return max(total, 0), max(-total, 0)

    def units(self, hedge: str) -> list[Fraction]:
        """Return the common units that each leg stands for, with the sign of sets."""
        return [
            Fraction(lots * UNITS[name] * (1 if LEGS[hedge][name] > 0 else -1))
            for name, lots in self.inventory[hedge].items()
        ]

    def residual(self, hedge: str) -> Fraction:
        units = self.units(hedge)
        return max(units) - min(units)

    def sets(self, hedge: str) -> int:
        """Return the sets nearest to the middle of what the legs stand for, a half toward zero."""
        units = self.units(hedge)
        middle = (max(units) + min(units)) / 2 / SET[hedge]
        whole = abs(middle) + Fraction(1, 2)
        found = int(whole) - (1 if whole.denominator == 1 else 0)
        return found if middle > 0 else -found

    def known(self) -> list[Order]:
        """Return the orders that have not been forgotten."""
        return [order for order in self.orders.values() if order.days < 2]

"""A schedule: books of every leg over a minute, and what its venues do to each order.

Everything is a function of the seed and of what is asked: the book of a leg at a time, the fate of
the n-th order and the n-th cancel on a leg. So every model meets the same market and the same
misfortune, however many orders it sends and in whatever order.
"""

import random
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

SECOND = 1_000_000_000
MILLI = 1_000_000
START = 1_767_225_600 * SECOND
STEP = 200 * MILLI
DECISION = START + 10 * MILLI
# The operator asks every model to enter no more; hedging goes on.
PULL = DECISION + 10 * SECOND
LIMIT = DECISION + 60 * SECOND
LEVELS = 5
FEED = 2 * MILLI
# Orders may surface so late, and every model may know it.
DELAY_MAX = 20 * SECOND
RATE = 2

Level = tuple[int, int]

FAULTS = {
    "calm": "nothing but latency and a market that moves",
    "rejected": "one leg's orders are rejected: half of them, in a quarter of the schedules all",
    "partial": "one leg's orders trade in part, then the venue cancels the rest",
    "news_lost": "half of one leg's orders work, and nothing is ever said about them",
    "order_lost": "half of one leg's orders never arrive, and nothing is said",
    "news_late": "what is said of one leg's orders comes 3 to 12 s late",
    "order_late": "half of one leg's orders arrive 3 to 20 s late",
    "cancel_lost": "one leg is thin, and most cancels on it are lost",
    "cancel_race": "one leg is thin; an order trades while its cancel travels, told after it",
    "throttled": f"every venue takes {RATE} orders a second and rejects the rest",
    "moved_away": "one leg's market jumps 5 to 15 ticks away before our orders arrive",
    "thin": "one leg shows one lot on some levels and none on the others",
    "halted": "one leg's venue rejects everything and shows nothing for 2 to 40 s",
    "mixed": "all of these on every leg, each more seldom",
}


@dataclass(frozen=True)
class Leg:
    """What +1 set trades of one instrument: `side` 1 buys, -1 sells."""

    name: str
    side: int
    lots: int


@dataclass(frozen=True)
class Shape:
    """The legs of a hedge, and how many sets are to be entered at once."""

    name: str
    legs: tuple[Leg, ...]
    sets: int

    def sets_of(self, leg: int, lots: int) -> tuple[int, int]:
        """Return what signed lots of a leg stand for, in sets, as a fraction."""
        each = self.legs[leg]
        return lots * each.side, each.lots

    @property
    def most(self) -> int:
        """Lots of the leg that has the most of them in a set."""
        return max(leg.lots for leg in self.legs)


SHAPES = (
    Shape("1:1", (Leg("A.x", -1, 1), Leg("B.x", 1, 1)), 6),
    Shape("1:3", (Leg("A.x", -1, 1), Leg("B.x", 1, 3)), 3),
    Shape("2:1:1", (Leg("A.x", -1, 2), Leg("B.x", 1, 1), Leg("C.x", 1, 1)), 3),
)


@dataclass(frozen=True, slots=True)
class Book:
    """The levels of both sides, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def met_by(self, side: int) -> tuple[Level, ...]:
        """Return what a buyer (1) or a seller (-1) meets."""
        return self.asks if side > 0 else self.bids

    @property
    def middle_twice(self) -> int:
        return self.bids[0][0] + self.asks[0][0]


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one order; `part` is how many thousandths of it trade before it is ended."""

    there: int
    back: int
    reject: str | None = None
    part: int | None = None
    is_silent: bool = False
    is_lost: bool = False
    late: int = 0
    news_late: int = 0
    # A cancel of it is lost; it trades while its cancel is on the way.
    loses_cancel: bool = False
    races: bool = False


@dataclass(frozen=True)
class Schedule:
    """One market and its venues."""

    seed: int
    fault: str
    shape: Shape
    struck: int
    # Rejections of half of the orders, or of all.
    is_hopeless: bool
    halt: tuple[int, int] | None
    paths: tuple[tuple[tuple[int, Book], ...], ...] = field(repr=False)

    def has(self, fault: str, leg: int) -> bool:
        return self.fault == fault and leg == self.struck

    @cached_property
    def decision(self) -> tuple[Book, ...]:
        """The books that the decision is taken on."""
        return tuple(path[0][1] for path in self.paths)

    @cached_property
    def last(self) -> tuple[Book, ...]:
        """The books at the limit, at whose mid what is left over is marked."""
        return tuple(path[-1][1] for path in self.paths)

    def is_halted(self, leg: int, now: int) -> bool:
        if self.halt is None or leg != self.struck:
            return False
        return self.halt[0] <= now < self.halt[1]

    def fate(self, leg: int, number: int) -> Fate:
        """Return what happens to the order with this number, from 0, on a leg."""
        return _fate(self.seed, self.fault, leg == self.struck, self.is_hopeless, leg, number)


# Chance in thousandths of each fault of one order: on the struck leg, and in `mixed` on any.
CHANCES = {
    "rejected": (500, 80),
    "partial": (700, 100),
    "news_lost": (500, 60),
    "order_lost": (500, 60),
    "news_late": (1000, 60),
    "order_late": (500, 60),
    "cancel_lost": (800, 100),
    "cancel_race": (1000, 100),
}


# A few of each: a schedule is asked for by one model after the other, and takes half a megabyte.
@lru_cache(maxsize=1024)
def _fate(seed: int, fault: str, is_struck: bool, is_hopeless: bool, leg: int, number: int) -> Fate:  # noqa: FBT001
    draw = random.Random(f"order {seed} {fault} {leg} {number}")
    there, back = draw.randint(1, 20) * MILLI, draw.randint(1, 20) * MILLI

    def hit(name: str) -> bool:
        drawn = draw.randrange(1000)
        alone, mixed = CHANCES[name]
        return drawn < (mixed if fault == "mixed" else alone if fault == name and is_struck else 0)

    hits = {name: hit(name) for name in CHANCES}
    part, late, news_late = draw.randrange(1000), draw.randint(3, 20), draw.randint(3, 12)
    rejected = hits["rejected"] or (fault == "rejected" and is_struck and is_hopeless)
    return Fate(
        there,
        back,
        reject="permission" if rejected else None,
        part=part if hits["partial"] else None,
        is_silent=hits["news_lost"],
        is_lost=hits["order_lost"],
        late=late * SECOND - there if hits["order_late"] else 0,
        news_late=news_late * SECOND if hits["news_late"] else 0,
        loses_cancel=hits["cancel_lost"],
        races=hits["cancel_race"],
    )


def _common(draw: random.Random) -> int:
    """Return how far all markets move together in a step: mostly a tick at most, seldom far."""
    drawn = draw.getrandbits(12)
    if drawn < 41:
        return -10 if drawn & 1 else 10
    return (-1, 0, 0, 1)[drawn & 3]


def _own(draw: random.Random) -> int:
    """Return how far one market moves by itself in a step."""
    return (-1, 1, 0, 0, 0, 0, 0, 0)[draw.getrandbits(3)]


def _book(draw: random.Random, bid: int, *, is_thin: bool) -> Book:
    """Return a book: one to eight lots a level, or where it is thin one lot on a third of them."""
    # One draw of many bits, of which every level takes its own: a schedule has hundreds of books.
    bits = draw.getrandbits(32 + 32)
    ask = bid + (2 if bits & 3 == 0 else 1)

    def side(touch: int, step: int, bits: int) -> tuple[Level, ...]:
        found = []
        for away in range(LEVELS):
            drawn = bits >> 6 * away & 63
            size = drawn // 42 if is_thin else drawn // 8 + 1
            if size:
                found.append((touch + step * away, size))
        return tuple(found) or ((touch + step * LEVELS, 1),)

    return Book(side(bid, -1, bits >> 2), side(ask, 1, bits >> 32 + 2))


@lru_cache(maxsize=4)
def schedule(seed: int, fault: str) -> Schedule:
    """Return the schedule of a seed and a fault."""
    draw = random.Random(f"schedule {seed} {fault}")
    shape = SHAPES[draw.choice((0, 0, 1, 2))]
    struck = draw.randrange(len(shape.legs))
    is_hopeless = draw.randrange(4) == 0
    halt = None
    if fault == "halted" or (fault == "mixed" and draw.randrange(8) == 0):
        begin = DECISION + draw.randint(0, 10) * MILLI
        halt = (begin, begin + draw.randint(2, 40) * SECOND)
    jumps = fault == "moved_away" or (fault == "mixed" and draw.randrange(8) == 0)
    jump = draw.randint(5, 15) * shape.legs[struck].side if jumps else 0
    is_thin = fault in ("thin", "cancel_lost", "cancel_race")
    moves = [_common(draw) for _ in range((LIMIT - START) // STEP)]
    paths = []
    for at in range(len(shape.legs)):
        thin = is_thin and at == struck
        bid = 1000 - 10 * at
        path = [(START, _book(draw, bid, is_thin=False))]
        if jump and at == struck:
            bid += jump
            path.append((DECISION + MILLI // 2, _book(draw, bid, is_thin=thin)))
        elif thin:
            path.append((DECISION + MILLI // 2, _book(draw, bid, is_thin=True)))
        for step, move in enumerate(moves, 1):
            bid += move + _own(draw)
            path.append((START + step * STEP, _book(draw, bid, is_thin=thin)))
        paths.append(tuple(path))
    return Schedule(seed, fault, shape, struck, is_hopeless, halt, tuple(paths))

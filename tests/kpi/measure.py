"""The figures of one run, from how its accounts stood: exact integrals over the open hours.

Every account is a staircase of points; between two of them nothing changes. Amounts are brought to
CNY with the rate at the opening of their day: 10⁻⁹ of CNY times pips times ms, whole numbers to the
end, where one quotient is taken.
"""

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

from kpi.assumed import DAY, ms
from kpi.desk import Desk, Point

# From here to there an account stands so.
Piece = tuple[int, int, Point]


def pieces(path: list[Point], start: int, end: int) -> Iterator[Piece]:
    """Yield a staircase within two moments; points at every midnight keep a piece in one day."""
    for at, point in enumerate(path):
        begins = max(start, point[0])
        ends = min(end, path[at + 1][0]) if at + 1 < len(path) else end
        if begins < ends:
            yield begins, ends, point


def integral(desk: Desk, of: Callable[[Point], int], *, start: int, end: int) -> int:
    """Return ∫ Σ over accounts of a number of their state, over open hours."""
    tape, total = desk.tape, 0
    for account, path in enumerate(desk.paths):
        for begins, ends, point in pieces(path, start, end):
            opened = tape.opened(ends) - tape.opened(begins)
            if opened:
                total += of(point) * opened * tape.rate(account, begins // DAY)
    return total


def equity(point: Point) -> int:
    return point[1]


def occupied(point: Point) -> int:
    """Return max(R, M + H)."""
    return max(point[4], point[2])


def k1(desk: Desk) -> Fraction:
    """Return the capital occupied, as a share of the total."""
    tape = desk.tape
    of = integral(desk, occupied, start=tape.start, end=tape.end)
    return Fraction(of, integral(desk, equity, start=tape.start, end=tape.end))


def coming_need(path: list[Point], length: int) -> list[tuple[int, int]]:
    """Return the largest need over [t, t + length] as a staircase of (time, amount)."""
    times = sorted({point[0] for point in path} | {point[0] - length for point in path})
    window: deque[tuple[int, int]] = deque()
    found: list[tuple[int, int]] = []
    entered = 0
    for time in times:
        while entered < len(path) and path[entered][0] <= time + length:
            while window and window[-1][1] <= path[entered][2]:
                window.pop()
            window.append((entered, path[entered][2]))
            entered += 1
        # What stands until the next point counts while that one is not behind.
        while window[0][0] + 1 < len(path) and path[window[0][0] + 1][0] <= time:
            window.popleft()
        if not found or found[-1][1] != window[0][1]:
            found.append((time, window[0][1]))
    return found


def idle(desk: Desk, start: int, end: int) -> Fraction:
    """Return K2 of a stretch: what was neither needed within the refill's time nor buffer."""
    tape, total = desk.tape, 0
    length = ms(tape.assumed.money["refill"])
    for account, path in enumerate(desk.paths):
        needs = coming_need(path, length)
        at = 0
        for begins, ends, point in pieces(path, start, end):
            rate = tape.rate(account, begins // DAY)
            while begins < ends:
                while at + 1 < len(needs) and needs[at + 1][0] <= begins:
                    at += 1
                until = min(ends, needs[at + 1][0]) if at + 1 < len(needs) else ends
                rest = max(0, point[1] - needs[at][1] - point[3])
                total += rest * (tape.opened(until) - tape.opened(begins)) * rate
                begins = until
    return Fraction(total, integral(desk, equity, start=start, end=end))


def k2(desk: Desk) -> list[Fraction]:
    """Return the idle capital of every month, as a share of the total."""
    tape = desk.tape
    month = tape.assumed.tape["month"] * DAY
    return [idle(desk, start, start + month) for start in range(tape.start, tape.end, month)]


def k3(desk: Desk, oracle: Desk) -> tuple[Fraction | None, Fraction, Fraction]:
    """Return the use of what is allotted while demand reaches it, the use always, and how often.

    Allotted is E − B. Demand reaches it while it does so on every island, since no money moves
    between them; None where it never does.
    """
    tape = desk.tape
    islands = sorted({each.island for each in tape.accounts})
    place = [islands.index(each.island) for each in tape.accounts]
    needs, allotted, demand = ([0 for _ in islands] for _ in range(3))
    stands = [[(0, 0, 0) for _ in tape.accounts] for _ in range(2)]
    changes = sorted(
        (point[0], account, which, point)
        for which, run in enumerate((desk, oracle))
        for account, path in enumerate(run.paths)
        for point in path
    )
    used = [0, 0]
    given = [0, 0]
    open_ms = 0
    last = tape.start
    for time, account, which, point in [*changes, (tape.end, 0, 2, changes[0][3])]:
        if time > last:
            opened = tape.opened(time) - tape.opened(last)
            reaches = all(wants >= has for wants, has in zip(demand, allotted, strict=True))
            for at in (0, 1) if reaches else (1,):
                used[at] += sum(needs) * opened
                given[at] += sum(allotted) * opened
            open_ms += opened * reaches
            last = time
        if which == 2:
            break
        rate, island = tape.rate(account, min(time // DAY, tape.days - 1)), place[account]
        now = (point[2] * rate, max(0, point[1] - point[3]) * rate, 0)
        before = stands[which][account]
        if which == 0:
            needs[island] += now[0] - before[0]
            allotted[island] += now[1] - before[1]
        else:
            demand[island] += now[0] - before[0]
        stands[which][account] = now
    share = Fraction(open_ms, tape.opened(tape.end) - tape.opened(tape.start))
    while_asked = Fraction(used[0], given[0]) if given[0] else None
    return while_asked, Fraction(used[1], given[1]), share

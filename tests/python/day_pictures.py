"""The pictures of docs/pool.md and docs/thresholds.md, each drawn from the journal of one day.

python tests/python/day_pictures.py    writes them anew
"""

import dataclasses
import itertools
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import by_hand
import cross_market as cm
from cross_market import audit, commands, testing
from cross_market import events as ev
from cross_market.audit.steps import Step, steps
from cross_market.funds.pool import Pool
from parts import gold_config

DOCS = Path(__file__).resolve().parents[2] / "docs"
POOL, LADDER = DOCS / "pool.svg", DOCS / "ladder.svg"

MINUTE = 60 * 10**9
# Midnight in Shanghai.
DAY = 1_795_449_600 * 10**9
GREY, RED, BLUE, GREEN = "#7f7f7f", "#d62728", "#1f77b4", "#2ca02c"


def moment(clock: str) -> int:
    """Return the ns of a time of the day."""
    hours, minutes = clock.split(":")
    return DAY + (60 * int(hours) + int(minutes)) * MINUTE


def clock(now: int) -> str:
    """Return a moment as a time of the day."""
    hours, minutes = divmod((now - DAY) // MINUTE, 60)
    return f"{hours:02}:{minutes:02}"


def svg(width: int, height: int, title: str, lines: list[str]) -> str:
    """Return a picture with a white ground."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, f"<title>{title}</title>", ground, *lines, "</svg>", ""])


def text(x: float, y: float, words: str, *, fill: str = "black", anchor: str = "start") -> str:
    """Return a line of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" text-anchor="{anchor}">{words}</text>'


def line(x: float, y: float, to_x: float, to_y: float, style: str) -> str:
    """Return a straight line."""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" {style}/>'


# The pool: a day of transfers on two islands.


def pool_config() -> cm.Config:
    """Return the gold desk with a bank on each side of the border, and routes on each side."""
    plain = gold_config()
    sh, ny = plain.accounts
    bank = dataclasses.replace(sh, name="bank", venue="BANK")
    prime = dataclasses.replace(ny, name="prime", venue="PRIME")
    routes = [
        cm.Route(source=bank, target=sh, lead="30 min", most="1000000 CNY"),
        cm.Route(source=sh, target=bank, lead="1 h", most="1000000 CNY"),
        cm.Route(source=prime, target=ny, lead="1 h", most="100000 USD", cost="25 USD"),
    ]
    venues = [*plain.venues, cm.Venue("BANK", netting="net"), cm.Venue("PRIME", netting="net")]
    accounts = [bank, sh, prime, ny]
    return dataclasses.replace(plain, venues=venues, accounts=accounts, routes=routes)


def lead_pool(folder: Path) -> None:
    """Record the day: what is there at nine, three transfers, of which one does not arrive."""
    with cm.Session(pool_config(), journal=folder, now=moment("09:00")) as session:

        def say(at: str, account: str, kind: str, amount: object, transfer: int | None) -> None:
            cash = ev.Cash(
                account=account,
                exchange=moment(at),
                kind=kind,
                amount=str(amount),
                transfer=transfer,
            )
            session.handle(moment(at), cash)

        opening = {"bank": 2_000_000, "sh": 600_000, "prime": 180_000, "ny": 40_000}
        for account, amount in opening.items():
            say("09:00", account, "opening", amount, None)
        session.transfer(1, source="bank", target="sh", amount=400_000, now=moment("09:05"))
        say("09:20", "bank", "left", 400_000, 1)
        say("09:31", "sh", "arrived", 400_000, 1)
        session.transfer(2, source="prime", target="ny", amount=50_000, now=moment("10:00"))
        say("10:10", "prime", "left", 50_000, 2)
        say("10:45", "ny", "arrived", 49_975, 2)
        session.transfer(3, source="sh", target="bank", amount=250_000, now=moment("14:00"))
        say("14:05", "sh", "left", 250_000, 3)
        session.handle(moment("15:00"), ev.Tick())


@dataclasses.dataclass(frozen=True)
class Flow:
    """A transfer of the journal: when it was asked for, and what was told of it at last."""

    asked: int
    sent: commands.Transfer
    told: int | None = None
    code: str = ""
    arrived: int = 0


def flows(journal: str) -> list[Flow]:
    """Return the transfers of a journal."""
    found: dict[int, Flow] = {}

    def take(step: Step) -> None:
        for each in step.commands:
            if isinstance(each, commands.Transfer):
                found[each.id] = Flow(step.now, each)
            elif isinstance(each, commands.Alert) and each.subject[0] == "transfer":
                number = each.subject[1]
                assert isinstance(number, int)
                found[number] = dataclasses.replace(
                    found[number], told=step.now, code=each.code, arrived=each.value
                )

    steps(journal, take)
    return list(found.values())


def pool_of(folder: Path) -> tuple[Pool, list[Flow]]:
    """Return what a journal says at its end: the money of all accounts, and the transfers."""
    config, end = pool_config(), moment("15:15")
    with cm.Session(config, journal=folder, now=end) as session:
        funds, path = session.funds(), session.path
    stated = {each.name: cm.Stated(at=DAY, source="journal") for each in config.accounts}
    return cm.pool(funds, accounts=config.accounts, stated=stated, at=end), flows(path)


BOX, HIGH, GAP, SIDE = 340, 92, 120, 32


def amount(number: Decimal | int) -> str:
    """Return an amount as people write it; those of this day are whole."""
    assert number == int(number)
    return f"{int(number):,}"


def boxes(pool: Pool, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    """Draw every account with what it has."""
    for row in pool.accounts:
        x, y = places[row.account]
        yield (
            f'<rect x="{x}" y="{y}" width="{BOX}" height="{HIGH}" rx="6" fill="white" '
            f'stroke="{BLUE}"/>'
        )
        yield text(x + 12, y + 20, f"{row.account}, {row.venue}, {row.currency}", fill=BLUE)
        for at, (name, number) in enumerate(
            (
                ("equity", row.equity),
                ("may be taken out", row.withdrawable),
                ("in transit, of what it has left", row.in_transit),
            )
        ):
            fill = RED if name.startswith("in transit") and number else "black"
            yield text(x + 12, y + 42 + 18 * at, name, fill=GREY)
            yield text(x + BOX - 12, y + 42 + 18 * at, amount(number), fill=fill, anchor="end")


def arrows(found: list[Flow], places: dict[str, tuple[float, float]]) -> Iterator[str]:
    """Draw every transfer from box to box, and what became of it."""
    units = 10**9
    for flow in found:
        source, target = (places[name] for name in (flow.sent.source, flow.sent.target))
        is_down = target[1] > source[1]
        x = source[0] + (24 if is_down else 184)
        start = source[1] + HIGH if is_down else source[1]
        end = target[1] if is_down else target[1] + HIGH
        is_there = flow.code == "transfer_arrived"
        # What has not arrived ends half way.
        stop = end if is_there else (start + end) / 2
        colour, dash = (GREEN, "") if is_there else (RED, ' stroke-dasharray="5 4"')
        way = -6 if is_down else 6
        yield line(x, start, x, stop, f'stroke="{colour}" stroke-width="2"{dash}')
        yield (
            f'<path d="M {x - 5:.0f} {stop + way:.0f} L {x:.0f} {stop:.0f} L {x + 5:.0f} '
            f'{stop + way:.0f}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        middle = (start + end) / 2
        yield text(x + 10, middle - 12, f"{clock(flow.asked)} {amount(flow.sent.amount // units)}")
        assert flow.told is not None
        if is_there:
            words = f"{clock(flow.told)} {amount(flow.arrived // units)} there"
        else:
            words = f"{clock(flow.told)} late, on its way"
        yield text(x + 10, middle + 6, words, fill=colour)


def pool_picture(folder: Path) -> str:
    """Return the accounts of a day on their islands, and what went between them."""
    lead_pool(folder)
    pool, found = pool_of(folder)
    islands = sorted({row.island for row in pool.accounts}, reverse=True)
    width = len(islands) * (BOX + 2 * SIDE)
    height = 60 + 2 * HIGH + GAP + 90
    places: dict[str, tuple[float, float]] = {}
    lines = []
    for at, island in enumerate(islands):
        left = at * (BOX + 2 * SIDE)
        here = [row.account for row in pool.accounts if row.island == island]
        for down, name in enumerate(here):
            places[name] = (left + SIDE, 60 + down * (HIGH + GAP))
        lines.append(
            f'<rect x="{left + 12}" y="12" width="{BOX + 2 * SIDE - 24}" '
            f'height="{height - 24}" rx="14" fill="#f4f7fb" stroke="#c8d3e0"/>'
        )
        lines.append(text(left + SIDE, 40, f"island {island}"))
        leads = [
            each.target.island for each in pool_config().routes if each.source.island == island
        ]
        leaves = sorted({each for each in leads if each != island})
        border = f"routes lead to {', '.join(leaves)}" if leaves else "no route leads out of here"
        for row in (each for each in pool.totals("island") if each.name == island):
            y = height - 52
            words = (
                f"{row.currency} {amount(row.equity)} equity, {amount(row.in_transit)} in transit"
            )
            lines.append(text(left + SIDE, y, f"together: {words}"))
            lines.append(text(left + SIDE, y + 18, border, fill=GREY))
    title = f"the pool at {clock(pool.at)}, and what moved since 09:00"
    return svg(width, height, title, [*lines, *arrows(found, places), *boxes(pool, places)])


# The ladder: usage of one account while the price of what it is short of goes up and down.

USAGE = cm.Threshold(
    "capital_usage",
    of="one",
    warn="0.80",
    restrict="0.85",
    cancel="0.90",
    clear="0.02",
    dwell="10 min",
)
# Times of the day and prices in ticks of 0.01 USD/g; in between they go in a straight line.
PRICES = [
    ("09:00", 10_100),
    ("10:30", 10_220),
    ("11:30", 10_168),
    ("13:00", 10_350),
    ("13:45", 10_240),
    ("14:15", 10_275),
    ("15:15", 10_142),
    ("15:20", 10_165),
    ("15:45", 10_160),
    ("16:15", 10_110),
    ("17:00", 10_100),
]
# Once a set is held, most of the money is taken out again.
TAKEN = -18_650


def prices() -> Iterator[tuple[int, int]]:
    """Yield (minute of the day, price) every minute."""
    points = [((moment(at) - DAY) // MINUTE, price) for at, price in PRICES]
    for (minute, price), (until, then) in itertools.pairwise(points):
        for at in range(minute, until):
            yield at, price + (then - price) * (at - minute) // (until - minute)
    yield points[-1]


def lead_ladder(folder: Path) -> tuple[list[tuple[int, Decimal]], list[audit.Rung]]:
    """Return the usage over a day, and the changes of its level that the journal tells."""
    desk = by_hand.Desk(by_hand.config(USAGE, sets=1), folder)
    values: list[tuple[int, Decimal]] = []
    with desk.session as session:
        path = session.path
        desk.entered()
        taken = ev.Cash(account="one", exchange=desk.now, kind="transfer", amount=TAKEN)
        desk.say(taken)
        for minute, price in prices():
            desk.ms = minute * 60_000
            desk.quote(by_hand.SOUTH, price - 100)
            desk.quote(by_hand.NORTH, price)
            (row,) = session.monitors().to_pylist()
            values.append((minute, row["value"]))
    rungs = [
        rung
        for episode in audit.episodes(path)
        if episode.metric == "capital_usage"
        for rung in episode.path
    ]
    return values, rungs


COLOURS = {"normal": "#d9e8d4", "warn": "#fbe7b2", "restrict": "#f6c28b", "cancel": "#e8958c"}
WIDE, TALL, LEFT, TOP = 860, 280, 56, 16
LEAST, MOST = Decimal("0.73"), Decimal("0.93")


def up(share: Decimal) -> float:
    """Return the height at which a share is drawn."""
    return float(TOP + TALL * (MOST - share) / (MOST - LEAST))


def bounds() -> Iterator[str]:
    """Draw what brings each level, and below it what it must come down to."""
    for level in ("warn", "restrict", "cancel"):
        bound = Decimal(getattr(USAGE, level))
        left = bound - Decimal(USAGE.clear or 0)
        for share, style in ((bound, ""), (left, ' stroke-dasharray="2 4"')):
            yield line(LEFT, up(share), WIDE - 16, up(share), f'stroke="{GREY}"{style}')
        yield text(LEFT - 6, up(bound) + 4, f"{bound}", anchor="end")
        yield text(WIDE - 18, up(bound) - 4, level, anchor="end")
        yield text(WIDE - 18, up(left) - 4, "clear", fill=GREY, anchor="end")


def ladder_picture(folder: Path) -> str:
    """Return the usage of a day, the bounds, and the level that counts in the journal."""
    values, rungs = lead_ladder(folder)
    first, last = values[0][0], values[-1][0]

    def across(minute: float) -> float:
        return LEFT + (WIDE - LEFT - 16) * (minute - first) / (last - first)

    changes = [((rung.at - testing.START) // MINUTE, rung.level, rung.value) for rung in rungs]
    spans = [(first, "normal"), *[(minute, level) for minute, level, _ in changes], (last, "")]
    below = TOP + TALL + 14
    lines = []
    for (minute, level), (until, _) in itertools.pairwise(spans):
        x, wide = across(minute), across(until) - across(minute)
        lines += [
            f'<rect x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{TALL + 40}" '
            f'fill="{COLOURS[level]}" fill-opacity="0.6"/>',
            text(x + wide / 2, below + 12, level, anchor="middle"),
        ]
    lines += bounds()
    points = " ".join(f"{across(minute):.1f},{up(share):.1f}" for minute, share in values)
    lines.append(f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="2"/>')
    for minute, _, share in changes:
        assert isinstance(share, Decimal)
        x, y = across(minute), up(share)
        lines += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{RED}"/>',
            text(x + 7, y - 7, clock(DAY + minute * MINUTE)),
        ]
    for minute in range(first, last + 1, 60):
        anchor = "end" if minute == last else "middle"
        words = clock(DAY + minute * MINUTE)
        lines.append(text(across(minute), below + 46, words, fill=GREY, anchor=anchor))
    title = f"{USAGE.metric} of one account over a day"
    return svg(WIDE, below + 58, title, lines)


PICTURES = {POOL: pool_picture, LADDER: ladder_picture}


def drawn(path: Path) -> str:
    """Return a picture, drawn anew from a day in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return PICTURES[path](Path(folder) / "day")


if __name__ == "__main__":
    for each in PICTURES:
        each.write_text(drawn(each), encoding="utf-8")

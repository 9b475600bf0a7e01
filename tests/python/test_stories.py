"""The stories of `tests/scenarios` through the Python face of the engine.

A reader of its own: it shares no line with the one in `tests/rust/stories`, and both must tell the
same commands and end with the digest that is stored beside the stories. How a story is written is
told in `tests/scenarios/README.md`. What the engine's Python class does not show (positions and
money) the Rust reader checks alone.
"""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pytest

from cross_market import _core, commands, errors, events

FOLDER = Path(__file__).parents[1] / "scenarios"
START = 1_770_685_200_000_000_000  # 2026-02-10, 01:00 UTC
UNITS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}
STATES = (
    "available",
    "balance",
    "equity",
    "margin",
    "paper",
    "risk",
    "position",
    "unassigned",
    "held",
    "transit",
    "withdrawable",
    "leased",
    "cash",
    "sets",
    "residual",
    "live",
    "attempt",
    "restricted",
    "free",
)
KINDS = ("enter", "exit", "trim", "reduce", "roll")
PURPOSES = ("work", "supplement", "unwind", "hedge", "quote")
ENDS = ("completed", "unwound", "aborted_flat", "residual_held")
NONE = 2**127 - 1  # a cost of repair that is none

Told = dict[str, str]


def span(text: str) -> int:
    """Return a length of time with its unit, in ns."""
    if text == "0":
        return 0
    found = re.fullmatch(r"(-?\d+)([a-z]+)", text)
    assert found, f"{text}: a time has a unit"
    return int(found[1]) * UNITS[found[2]]


@dataclass
class Words:
    """Words of a line: bare ones in order, and `key=value`, `key>=value` or `key<=value`."""

    line: int
    bare: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, line: int, text: str) -> "Words":
        words = cls(line)
        for word in text.split():
            found = re.match(r"([^=<>]+)(=|>=|<=)(.*)", word)
            if found:
                words.pairs.append((found[1], found[2], found[3]))
            else:
                words.bare.append(word)
        return words

    @property
    def head(self) -> str:
        return self.bare[0] if self.bare else self.pairs[0][0]

    def get(self, key: str) -> str | None:
        return next((value for name, _, value in self.pairs if name == key), None)

    def __getitem__(self, key: str) -> str:
        value = self.get(key)
        assert value is not None, f"line {self.line}: {key}= is missing"
        return value


@dataclass
class Step:
    """Something that happens, and what is expected to follow."""

    at: int
    event: Words
    expected: list[Words] = field(default_factory=list)


def new_value(before: object, key: str, text: str) -> object:
    """Return what a `set` line puts in the place of `before`."""
    if key.endswith("_ns") and text != "null":
        return span(text)
    if isinstance(before, str) and text[0] not in "[{" and text != "null":
        return text
    return moments(json.loads(text))


def moments(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the value with `"@10min"` turned into the moment so long after the start."""
    if isinstance(value, str) and value.startswith("@"):
        return START + span(value[1:])
    if isinstance(value, list):
        return [moments(row) for row in value]
    if isinstance(value, dict):
        return {key: moments(row) for key, row in value.items()}
    return value


def place_of(rows: Any, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the place of an entry of a list or object; None when it is not there."""
    if isinstance(rows, dict):
        return key if key in rows else None
    if key.isdigit() and int(key) < len(rows):
        return int(key)
    named = ("name", "instrument", "product")
    places = (at for at, row in enumerate(rows) if key in [row.get(of) for of in named])
    return next(places, None)


def set_value(document: Any, path: str, text: str) -> None:  # noqa: ANN401 - any JSON
    """Set one value of a configuration; lists are entered by a name or a place."""
    parts = path.split(".")
    while True:
        # Names may hold points, so the longest one that is there is taken.
        for end in range(len(parts), 0, -1):
            place = place_of(document, ".".join(parts[:end]))
            if place is not None:
                break
        else:
            assert len(parts) == 1, f"{path}: nothing is at {parts}"
            document[parts[0]] = new_value(None, parts[0], text)
            return
        if end == len(parts):
            document[place] = new_value(document[place], parts[-1], text)
            return
        document, parts = document[place], parts[end:]


@dataclass
class Story:
    """A configuration and what happens."""

    document: dict[str, Any]
    steps: list[Step]

    @classmethod
    def read(cls, name: str) -> "Story":
        document: dict[str, Any] = {}
        steps: list[Step] = []
        now = 0
        for line, raw in enumerate((FOLDER / f"{name}.txt").read_text("utf-8").splitlines(), 1):
            text = raw.split(" #")[0].strip()
            if not text or text.startswith("#"):
                continue
            word, _, rest = text.partition(" ")
            if word == "config":
                document = json.loads((FOLDER / "configs" / f"{rest}.json").read_text("utf-8"))
            elif word == "set":
                path, _, value = rest.partition("=")
                set_value(document, path.strip(), value.strip())
            elif word == "expect":
                steps[-1].expected.append(Words.read(line, rest))
            else:
                event = Words.read(line, text)
                key, _, at = event.pairs.pop(0)
                assert key == "at", f"line {line}: a step begins with at="
                now = now + span(at[1:]) if at.startswith("+") else span(at)
                steps.append(Step(now, event))
        return cls(document, steps)


class World:
    """The names of a configuration, and the events and commands they occur in."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.instruments = {row["name"]: row for row in document["instruments"]}
        self.accounts = {row["name"]: row for row in document["accounts"]}
        self.hedges = sorted(document["hedges"], key=lambda hedge: hedge["priority"])
        self.sides: dict[int, str] = {}
        self.run: int = document["run"]
        self.later: dict[str, Any] = copy.deepcopy(document)

    def to_json(self) -> bytes:
        return json.dumps(self.document).encode()

    def ticks(self, instrument: str, text: str) -> int:
        ticks = Decimal(text) / Decimal(self.instruments[instrument]["tick"])
        assert ticks == int(ticks), f"{text}: not a price of {instrument}"
        return int(ticks)

    def price(self, instrument: str, ticks: int) -> str:
        return str(ticks * Decimal(self.instruments[instrument]["tick"]))

    def legs(self, hedge: int) -> list[str]:
        return [leg["instrument"] for leg in self.places(hedge)]

    def places(self, hedge: int) -> list[dict[str, Any]]:
        """Return the legs, and behind them those of the next hedge that take their place."""
        row = self.hedges[hedge]
        legs: list[dict[str, Any]] = row["legs"]
        after: list[dict[str, Any]] = next(
            (each["legs"] for each in self.hedges if each["name"] == row["next"]), []
        )
        pairs = zip(legs, after, strict=False)
        return legs + [new for old, new in pairs if new["instrument"] != old["instrument"]]

    def order(self, name: str) -> int:
        """Return the id of `hedge/attempt/leg/try`, with `@run` where it is not the present one."""
        path, _, run = name.partition("@")
        hedge, attempt, leg, tried = path.split("/")
        at = [row["name"] for row in self.hedges].index(hedge)
        number: int = (self.document["engine"] << 12) | int(run or self.run)
        number = (((number << 10) | at) << 18) | int(attempt)
        return (((number << 3) | self.legs(at).index(leg)) << 13) | int(tried)

    def attempt_name(self, order: int) -> str:
        name = f"{self.hedges[order >> 34 & 1023]['name']}/{order >> 16 & 0x3FFFF}"
        return name + self.run_name(order)

    def order_name(self, order: int) -> str:
        leg = self.legs(order >> 34 & 1023)[order >> 13 & 7]
        attempt = self.attempt_name(order).partition("@")[0]
        return f"{attempt}/{leg}/{order & 0x1FFF}{self.run_name(order)}"

    def run_name(self, order: int) -> str:
        run = order >> 44 & 0xFFF
        return "" if run == self.run else f"@{run}"

    def money(self, units: int, currency: str) -> str:
        return f"{Decimal(units) / 10**9:f}{currency}"

    # What happens.

    def all_events(self, now: int, words: Words) -> Iterator[events.Event]:
        """Yield the events of a line."""
        match words.bare:
            case ["book", instrument, *rest]:
                yield from self.book(now, instrument, words, is_delta=rest == ["delta"])
            case ["report", news]:
                yield self.report(now, news, words)
            case ["answer", found]:
                yield self.answer(now, found, words)
            case ["cash", account, kind, amount]:
                currency = self.accounts[account]["currency"]
                assert amount.endswith(currency), f"{amount}: not in {currency}"
                number = amount.removesuffix(currency)
                transfer = words.get("transfer")
                yield events.Cash(
                    account=account,
                    exchange=now,
                    kind=kind,
                    amount=number,
                    transfer=int(transfer) if transfer else None,
                )
            case ["statement", account, instrument, kind]:
                yield events.Position(
                    account=account,
                    instrument=instrument,
                    exchange=now,
                    kind=kind,
                    long=int(words["long"]),
                    short=int(words["short"]),
                    price=self.ticks(instrument, words["price"]),
                )
            case ["settle", instrument]:
                day = date.fromisoformat(words["day"]).toordinal() - date(1970, 1, 1).toordinal()
                price = self.ticks(instrument, words["price"])
                yield events.Settle(instrument=instrument, price=price, day=day, exchange=now)
            case ["phase" | "band" | "margin", instrument, *_]:
                change = self.change(instrument, words)
                yield events.Reference(instrument=instrument, exchange=now, change=change)
            case ["estimate", hedge]:
                expires = START + span(words["expires"])
                yield events.Estimate(hedge=hedge, value=words["value"], expires=expires)
            case ["clock", venue]:
                yield events.Clock(
                    offset_ns=span(words["offset"]),
                    uncertainty_ns=span(words["uncertainty"]),
                    venue=None if venue == "wall" else venue,
                )
            case ["link", "feed", instrument, state]:
                yield events.Link(state=state, instrument=instrument)
            case ["link", "trading", account, state]:
                yield events.Link(state=state, account=account)
            case ["tick"]:
                yield events.Tick()
            case ["control", verb, about]:
                yield events.Control(actor="desk", verb=self.verb(verb, about, words))
            case ["control", "policy"]:
                for path, _, value in words.pairs:
                    set_value(self.later["limits"], path, value)
                policy: Any = events.Policy(config=World(self.later))  # type: ignore[arg-type]
                yield events.Control(actor="desk", verb=policy)
            case ["control", "override"]:
                yield events.Control(actor="desk", verb=self.override(words))
            case other:
                pytest.fail(f"line {words.line}: {other}: no such statement")

    def book(
        self, now: int, instrument: str, words: Words, *, is_delta: bool
    ) -> Iterator[events.Book]:
        rows = [
            (side, *level.split("x"))
            for side in ("bid", "ask")
            for level in (words.get(side) or "").split(",")
            if level
        ]
        rows = rows or [("bid", "0", "0")]  # one row of no size says that the book is empty
        for at, (side, price, qty) in enumerate(rows):
            snapshot = "snapshot" if at == 0 else "level"
            yield events.Book(
                instrument=instrument,
                side=side,
                price=self.ticks(instrument, price),
                qty=int(qty),
                row="delta" if is_delta else snapshot,
                last=at == len(rows) - 1,
                exchange=now,
                receive=now,
                seq=int(words.get("seq") or 0),
                step=int(words.get("step") or 0),
            )

    def report(self, now: int, news: str, words: Words) -> events.Report:
        name = words.get("order")
        order = None if name is None else self.order(name)
        account, instrument = words.get("account"), words.get("instrument")
        if order is not None:
            leg = self.places(order >> 34 & 1023)[order >> 13 & 7]
            account, instrument = account or leg["account"], instrument or leg["instrument"]
        assert account is not None
        assert instrument is not None
        return events.Report(
            account=account,
            instrument=instrument,
            exchange=now,
            receive=now,
            news=self.news(news, instrument, order, words),
            order=order,
            venue_order_id=words.get("venue_id") or "",
        )

    def news(self, news: str, instrument: str, order: int | None, words: Words) -> events.News:
        side = words.get("side") or self.sides.get(order or 0, "")
        fee = words.get("fee")
        paid = re.fullmatch(r"(-?[\d.]+)([A-Z]+)", fee) if fee else None
        match news:
            case "accepted":
                return events.Accepted()
            case "rejected":
                return events.Rejected(reason=words["class"])
            case "cancel_rejected":
                return events.CancelRejected(reason=words["class"])
            case "fill":
                cum = words.get("cum")
                return events.Fill(
                    trade_id=words["id"],
                    side=side,
                    price=self.ticks(instrument, words["price"]),
                    qty=int(words["qty"]),
                    cum=int(cum) if cum else None,
                    fee=paid[1] if paid else None,
                    fee_currency=paid[2] if paid else None,
                )
            case "cancelled":
                return events.Cancelled(cum=int(words["cum"]))
            case "expired":
                return events.Expired(cum=int(words["cum"]))
            case "status":
                return events.Status(status=words["status"], cum=int(words["cum"]))
            case "bust":
                return events.Bust(trade_id=words["id"], side=side)
            case "correct":
                price = self.ticks(instrument, words["price"])
                qty = int(words["qty"])
                return events.Correct(trade_id=words["id"], side=side, price=price, qty=qty)
            case "fee":
                assert paid is not None
                return events.FeeOf(
                    trade_id=words["id"], side=side, amount=paid[1], currency=paid[2]
                )
            case other:
                pytest.fail(f"line {words.line}: {other}: no such news")

    def answer(self, now: int, found: str, words: Words) -> events.Answer:
        order = self.order(words["order"])
        leg = self.places(order >> 34 & 1023)[order >> 13 & 7]
        what: events.Status | events.ProvenAbsent | events.Inconclusive
        match found:
            case "found":
                what = events.Status(status=words["status"], cum=int(words["cum"]))
            case "absent":
                what = events.ProvenAbsent()
            case _:
                what = events.Inconclusive()
        account = leg["account"]
        return events.Answer(order=order, account=account, exchange=now, receive=now, found=what)

    def change(
        self, instrument: str, words: Words
    ) -> events.Phase | events.PriceBand | events.MarginRate:
        if words.head == "phase":
            until = words.get("until")
            end = START + span(until) if until else 2**63 - 1
            return events.Phase(phase=words.bare[2], until=end)
        if words.head == "band":
            low, high = words.get("low"), words.get("high")
            return events.PriceBand(
                low=self.ticks(instrument, low) if low else None,
                high=self.ticks(instrument, high) if high else None,
            )
        amounts = [words.get(key) or "0" for key in ("long_per_lot", "short_per_lot", "floor")]
        long_per_lot, short_per_lot, floor = (text.rstrip(ascii_uppercase) for text in amounts)
        return events.MarginRate(
            long=words["long"],
            short=words["short"],
            long_per_lot=long_per_lot,
            short_per_lot=short_per_lot,
            floor_per_lot=floor,
            flag=words.get("flag"),
        )

    def verb(self, verb: str, about: str, words: Words) -> events.Verb:
        match verb:
            case "enter":
                at_least = words.get("at_least")
                over = span(words.get("over") or "0ms")
                count = int(words["sets"])
                return events.Enter(hedge=about, sets=count, at_least=at_least, over_ns=over)
            case "exit":
                sets = words.get("sets")
                lasts = span(words.get("over") or "0ms")
                return events.Exit(hedge=about, sets=int(sets) if sets else None, over_ns=lasts)
            case "freeze":
                lasts, adverse = span(words["for"]), int(words["adverse"])
                return events.Freeze(hedge=about, lasts_ns=lasts, adverse=adverse)
            case "forfeit":
                return events.Forfeit(hedge=about, reason=words["reason"])
            case "transfer":
                amount = words["amount"].removesuffix(self.accounts[about]["currency"])
                return events.Transfer(
                    id=int(words["id"]), source=about, target=words["to"], amount=amount
                )
            case "lease":
                currency = self.accounts[about]["currency"]
                return events.Lease(
                    account=about,
                    amount=words["amount"].removesuffix(currency),
                    posted=words["posted"].removesuffix(currency),
                    epoch=int(words["epoch"]),
                    until=START + span(words["until"]),
                )
            case "roll":
                return events.Roll(hedge=about)
            case "adopt":
                lots = {leg: int(value) for leg, _, value in words.pairs}
                return events.Adopt(hedge=about, lots=lots)
        kind, _, name = about.partition(":")
        scope = events.Scope() if kind == "all" else events.Scope(**{kind: name})
        match verb:
            case "stop":
                return events.Stop(scope=scope)
            case "resume":
                return events.Resume(scope=scope)
            case "kill":
                return events.Kill(scope=scope)
            case "unlatch":
                return events.Unlatch(scope=scope)
            case "flatten":
                return events.Flatten(scope=scope)
            case "unrestrict":
                return events.Unrestrict(scope=scope)
            case other:
                pytest.fail(f"line {words.line}: {other}: no such verb")

    def override(self, words: Words) -> events.Override:
        return events.Override(
            order=self.order(words["order"]),
            status=words["status"],
            cum=int(words["cum"]),
            reason=words["reason"],
        )

    # What follows.

    def tell(self, command: commands.Command) -> tuple[str, Told]:
        """Return a command as a story tells it: its first word and its keys."""
        match command:
            case commands.Place():
                self.sides[command.order] = command.side
                return "place", {
                    "order": self.order_name(command.order),
                    "side": command.side,
                    "qty": str(command.qty),
                    "price": self.price(command.instrument, command.price),
                    "kind": command.kind,
                    "purpose": command.purpose,
                    "effect": command.effect,
                    "tif": command.tif,
                }
            case commands.Cancel():
                return "cancel", {"order": self.order_name(command.order)}
            case commands.Query():
                return "query", {"order": self.order_name(command.order)}
            case commands.Resync():
                return "resync", {"instrument": command.instrument}
            case commands.Alert():
                return self.tell_alert(command)
            case commands.Transfer():
                currency = self.accounts[command.source]["currency"]
                return "transfer", {
                    "transfer": str(command.id),
                    "from": command.source,
                    "to": command.target,
                    "amount": self.money(command.amount, currency),
                }
            case other:
                pytest.fail(f"{other}: not sent by this version")

    def tell_alert(self, alert: commands.Alert) -> tuple[str, Told]:
        kind, name = alert.subject
        currency = self.document["hedges"][0]["currency"]
        if kind == "attempt" and isinstance(name, int):
            of = self.attempt_name(name)
            currency = self.hedges[name >> 34 & 1023]["currency"]
        elif kind == "order" and isinstance(name, int):
            of = f"order:{self.order_name(name)}"
        else:
            of = kind if name is None else f"{kind}:{name}"
        match alert.code:
            case "attempt_started":
                what = {"begin": KINDS[alert.detail], "of": of}
                return "begin", what | {"from": str(alert.value), "to": str(alert.limit)}
            case "attempt_ended":
                lost = self.money(alert.limit, currency)
                what = {"end": ENDS[alert.detail], "of": of}
                return "end", what | {"sets": str(alert.value), "lost": lost}
            case "repair_chosen":
                costs = [
                    "none" if cost == NONE else self.money(cost, currency)
                    for cost in (alert.value, alert.limit)
                ]
                what = {"repair": PURPOSES[alert.detail], "of": of}
                return "repair", what | {"supplement": costs[0], "unwind": costs[1]}
            case "refused":
                what = {"refused": str(alert.refusal), "of": of.removeprefix("hedge:")}
                return "refused", what | {"value": str(alert.value), "limit": str(alert.limit)}
        numbers = [str(alert.value), str(alert.limit)]
        money = ("cash_drift", "settled", "shortfall", "relieved", "lease_over", "top_up")
        if alert.code in money:
            currency = self.accounts[str(name)]["currency"]
            numbers = [self.money(value, currency) for value in (alert.value, alert.limit)]
        of = f"attempt:{of}" if kind == "attempt" else of
        what = {"alert": alert.code, "of": of, "urgency": alert.urgency}
        return "alert", what | {"value": numbers[0], "limit": numbers[1]}


def number_of(text: str) -> tuple[Decimal, str] | None:
    """Return a number and its unit; None for what is no number."""
    found = re.match(r"[-\d.]*", text)
    end = found.end() if found else 0
    try:
        return Decimal(text[:end]), text[end:]
    except InvalidOperation:
        return None


def agrees(sign: str, wanted: str, found: str) -> bool:
    """Compare numbers of one unit as numbers, all else as text."""
    left, right = number_of(wanted), number_of(found)
    if left is None or right is None or left[1] != right[1]:
        return sign == "=" and wanted == found
    return {
        "=": left[0] == right[0],
        ">=": right[0] >= left[0],
        "<=": right[0] <= left[0],
    }[sign]


def check(step: Step, told: list[tuple[str, Told]], refused: str | None) -> None:
    """Compare what followed with what was expected."""
    errors_expected = [words["error"] for words in step.expected if words.get("error")]
    assert errors_expected == ([refused] if refused else []), f"line {step.event.line}"
    expected = [w for w in step.expected if w.head not in (*STATES, "error")]
    if any(words.head == "any" for words in expected):
        return
    heads = [head for head, _ in told]
    assert [words.head for words in expected] == heads, f"line {step.event.line}: {told}"
    for words, (_, keys) in zip(expected, told, strict=True):
        for key, sign, wanted in words.pairs:
            assert agrees(sign, wanted, keys[key]), f"line {words.line}: {key} is {keys[key]}"


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem != "digests")


def digests() -> dict[str, str]:
    lines = (FOLDER / "digests.txt").read_text("utf-8").splitlines()
    return dict(line.split(" ") for line in lines)


@pytest.mark.parametrize("name", names())
def test_story_ends_as_told_and_with_its_digest(name: str) -> None:
    story = Story.read(name)
    world = World(story.document)
    engine = _core.Engine(world, start=START)
    for step in story.steps:
        now = START + step.at
        told: list[tuple[str, Told]] = []
        refused = None
        if step.event.bare == ["restart"]:
            world.run = int(step.event["run"])
            told += [world.tell(command) for command in engine.restart(now, world.run)]
            check(step, told, refused)
            continue
        for event in world.all_events(now, step.event):
            try:
                told += [world.tell(command) for command in engine.handle(now, event)]
            except errors.ConfigError as error:
                refused = error.field
        check(step, told, refused)
    assert engine.digest().hex() == digests()[name]


def test_every_story_has_a_digest() -> None:
    assert sorted(digests()) == names()

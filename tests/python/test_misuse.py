"""Misuse of engine, session and market (B68–B72): refused by type, and nothing has changed."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market import events as ev
from test_any_event import GOLD, opened
from test_engine import START, book
from test_hand_over import ENTER, at_first

Made = Any
Call = Callable[[Made], object]

# Every call of each kind, by its name; those that take time are given a time that fits.
BOTH: dict[str, Call] = {
    "handle": lambda it: it.handle(START + 2, ev.Tick()),
    "level": lambda it: it.level(START + 2, 0, 0, 30885, 1),
    "row": lambda it: it.row(START + 2, 0, 0, 30885, 1, 2, 0, 0, START, START),
    "message": lambda it: it.message(START + 2, 0, [(0, 30885, 1)]),
    "take": lambda it: it.take(),
    "deadline": lambda it: it.deadline(),
    "digest": lambda it: it.digest(),
}
CALLS: dict[str, dict[str, Call]] = {
    "engine": {**BOTH, "restart": lambda it: it.restart(START + 2, GOLD.run + 1)},
    "session": {
        **BOTH,
        "release": lambda it: it.release(START + 2),
        "seq": lambda it: it.seq(),
        "positions": lambda it: it.positions(),
        "hedges": lambda it: it.hedges(),
        "funds": lambda it: it.funds(),
        "stop": lambda it: it.stop(now=START + 2),
        "kill": lambda it: it.kill(now=START + 2),
        "close": lambda it: it.close(),
    },
    "market": {
        "level": lambda it: it.level(0, 0, 30885, 1),
        "row": lambda it: it.row(0, 0, 30885, 1, 2, 0, 0, START, START),
        "touch": lambda it: it.touch("SHFE.au2602"),
        "spread": lambda it: it.spread("gold"),
        "merged": lambda it: it.merged("gold"),
        "walk": lambda it: it.walk("SHFE.au2602", "buy", 1),
        "ladder": lambda it: it.ladder("SHFE.au2602"),
        "state": lambda it: it.state("SHFE.au2602"),
    },
}
TABLE = [(kind, name) for kind, calls in CALLS.items() for name in calls]


def made(kind: str, folder: Path) -> Made:
    """Return a new engine, session or market."""
    if kind == "market":
        return cm.Market(GOLD)
    if kind == "engine":
        return cm.Engine(GOLD, start=START)
    return cm.Session(GOLD, journal=folder / "run", now=START)


# B68: after close, before open, after a fork, from another thread, inside a call.


@pytest.mark.parametrize("name", [name for name in CALLS["session"] if name != "close"])
def test_a_closed_session_refuses_every_call(name: str, tmp_path: Path) -> None:
    session = made("session", tmp_path)
    session.close()
    with pytest.raises(cm.UsageError, match="closed"):
        CALLS["session"][name](session)


def test_a_session_that_was_never_opened_says_so() -> None:
    class Mine(cm.Session):
        def __init__(self) -> None:
            """Forget the class above it."""

    with pytest.raises(cm.UsageError, match="not open") as caught:
        Mine().handle(START, ev.Tick())
    assert caught.value.state == "not open"
    with pytest.raises(AttributeError, match="handel"):
        Mine().handel  # noqa: B018


INSIDE = [(kind, name) for kind, name in TABLE if kind != "market"]


@pytest.mark.parametrize(("kind", "name"), INSIDE)
def test_a_child_process_may_not_use_what_its_parent_made(
    kind: str, name: str, tmp_path: Path
) -> None:
    value = made(kind, tmp_path)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            CALLS[kind][name](value)
            os.write(write, b"done")
        except cm.UsageError as error:
            os.write(write, b"refused" if "fork" in str(error) else b"odd")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"refused"
    os.close(read)
    os.close(write)
    CALLS[kind][name](value)


def test_a_child_process_may_use_a_market_of_its_parent() -> None:
    # Books alone: no order can leave twice, so research may fan out over processes.
    market = cm.Market(GOLD)
    market.level(0, 0, 30885, 1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            market.level(0, 1, 30886, 1)
            os.write(write, repr(market.touch(0)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"(30885, 30886)"
    os.close(read)
    os.close(write)
    assert market.touch(0) is None


def trading(folder: Path) -> dict[str, Any]:
    """Return an engine and a session that may trade."""
    engine = cm.Engine(GOLD, start=START - 10**9)
    folder.mkdir(exist_ok=True)
    session = cm.Session(GOLD, journal=folder / "trading", now=START - 10**9, durable="os")
    for each in (engine, session):
        opened(each)  # type: ignore[arg-type]
    return {"engine": engine, "session": session}


@pytest.mark.parametrize(("kind", "name"), INSIDE)
def test_a_call_inside_a_call_is_refused(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, hit = trading(tmp_path / "a")[kind], trading(tmp_path / "b")[kind]
    refused: list[str] = []

    def inside() -> None:
        with pytest.raises(cm.UsageError) as caught:
            CALLS[kind][name](hit)
        refused.append(str(caught.value.expected))

    at_first(monkeypatch, cm.commands.Alert, inside)
    told = hit.handle(START + 1, ENTER)
    monkeypatch.undo()
    assert refused == ["one call at a time"]
    assert told == plain.handle(START + 1, ENTER)
    assert hit.digest() == plain.digest()


@pytest.mark.parametrize(("kind", "name"), INSIDE)
def test_a_second_thread_inside_a_call_is_refused(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = trading(tmp_path)[kind]
    found: list[BaseException | None] = []

    def call() -> None:
        try:
            CALLS[kind][name](value)
        except BaseException as error:
            found.append(error)

    def beside() -> None:
        other = threading.Thread(target=call)
        other.start()
        other.join()

    at_first(monkeypatch, cm.commands.Alert, beside)
    assert value.handle(START + 1, ENTER)
    assert [type(each) for each in found] == [cm.UsageError]


def test_a_second_thread_may_call_in_between(tmp_path: Path) -> None:
    for kind in CALLS:
        value = made(kind, tmp_path)
        call = CALLS[kind]["touch" if kind == "market" else "digest"]
        with ThreadPoolExecutor(1) as other:
            assert other.submit(call, value).result() == call(value)


def test_a_number_that_calls_back_is_no_number(tmp_path: Path) -> None:
    called: list[object] = []

    class Sly(int):
        def __index__(self) -> int:
            called.append(1)
            return 30885

        __int__ = __index__

    class Index:
        def __index__(self) -> int:
            called.append(1)
            return 30885

    for value in trading(tmp_path).values():
        before = value.digest()
        for given in (Sly(30885), Index()):
            with pytest.raises(cm.InputTypeError):
                value.handle(START + 1, book(price=given))
            with pytest.raises(cm.InputTypeError):
                value.level(START + 1, 0, 0, given, 1)
            with pytest.raises(cm.InputTypeError):
                value.level(given, 0, 0, 30885, 1)
            with pytest.raises(cm.InputTypeError):
                value.message(START + 1, 0, [(0, given, 1)])
        assert value.digest() == before
    assert called == []


def test_a_progress_that_calls_back_meets_no_open_door() -> None:
    from cross_market import demo

    days = demo.fixings()[:20]
    given: dict[str, Any] = {"venues": demo.venues(1)}
    plain = cm.simulate(demo.config(), demo.quotes(days), **given)
    inner: list[bytes] = []

    def progress(done: int, steps: int) -> None:
        if not inner:
            inner.append(cm.simulate(demo.config(), demo.quotes(days), **given).digest)

    outer = cm.simulate(demo.config(), demo.quotes(days), progress=progress, **given)
    assert [outer.digest, *inner] == [plain.digest] * 2


# B69: the collector runs in the middle of a call.


class Cycle:
    """Garbage whose end calls back."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.own = self
        self.work = work

    def __del__(self) -> None:
        self.work()


@pytest.mark.parametrize("kind", ["engine", "session"])
def test_garbage_that_calls_back_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, hit = trading(tmp_path / "a")[kind], trading(tmp_path / "b")[kind]
    refused: list[type[BaseException]] = []

    def back() -> None:
        try:
            hit.handle(START + 10**12, ev.Tick())
        except cm.UsageError as error:
            refused.append(type(error))

    def collect() -> None:
        Cycle(back)
        gc.collect()

    at_first(monkeypatch, cm.commands.Alert, collect)
    told = hit.handle(START + 1, ENTER)
    monkeypatch.undo()
    assert refused == [cm.UsageError]
    assert told == plain.handle(START + 1, ENTER)
    assert hit.digest() == plain.digest()


def test_an_engine_dies_with_its_garbage() -> None:
    class Holder:
        def __init__(self) -> None:
            self.engine = cm.Engine(GOLD, start=START)
            self.own = self

        def __del__(self) -> None:
            self.engine.handle(START + 1, ev.Tick())

    Holder()
    assert gc.collect() > 0


# B70: arguments that are spelt wrongly, or are not there.


WRONG_CALLS: list[Callable[[Path], object]] = [
    lambda path: cm.Engine(GOLD, strat=START),  # type: ignore[call-arg]
    lambda path: cm.Engine(GOLD),  # type: ignore[call-arg]
    lambda path: cm.Engine(GOLD, START),  # type: ignore[call-arg]
    lambda path: cm.Market(GOLD, START),  # type: ignore[call-arg]
    lambda path: cm.Session(GOLD, journl=path, now=START),  # type: ignore[call-arg]
    lambda path: cm.Session(GOLD, path, START),  # type: ignore[call-arg]
    lambda path: cm.simulate(GOLD, [], venus=None),  # type: ignore[call-arg]
    lambda path: cm.Size(clip=1, max=1, overnight=1, holliday=0),  # type: ignore[call-arg]
    lambda path: cm.Config(venue=[]),  # type: ignore[call-arg]
    lambda path: ev.Enter(hedge="gold", set=1),  # type: ignore[call-arg]
    lambda path: ev.Tick(now=START),  # type: ignore[call-arg]
]


@pytest.mark.parametrize("at", range(len(WRONG_CALLS)))
def test_misspelt_arguments_are_refused(at: int, tmp_path: Path) -> None:
    with pytest.raises((TypeError, cm.UsageError)):
        WRONG_CALLS[at](tmp_path / "run")
    assert not (tmp_path / "run").exists()


# B71: what lives is not pickled.


@pytest.mark.parametrize("kind", list(CALLS))
@pytest.mark.parametrize("work", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_lives_is_not_copied(kind: str, work: Call, tmp_path: Path) -> None:
    with pytest.raises(cm.UsageError) as caught:
        work(made(kind, tmp_path))
    assert caught.value.call == "pickle"


# B72: ten million rows in one call, in bounded memory, while another thread asks.

MANY = """
import resource, sys, threading
import numpy as np, pyarrow as pa
import cross_market as cm
from test_any_event import GOLD
from test_engine import START

BATCH, BATCHES = 100_000, 100
each = np.arange(BATCH)
fixed = {
    "instrument": np.zeros(BATCH, np.uint16),
    "side": np.zeros(BATCH, np.uint8),
    "row": np.full(BATCH, 5, np.uint8),
    "price": 30885 - each % 40,
    "qty": each % 7,
}
first = {key: column[:1] for key, column in fixed.items()}
first["row"] = np.array([3], np.uint8)

def batch(number):
    receive = START + 1 + number * BATCH + each
    return pa.record_batch({**fixed, "exchange": receive, "receive": receive})

def batches():
    for number in range(BATCHES):
        yield batch(number)

engine = cm.Engine(GOLD, start=START)
start = np.array([START], np.int64)
engine.columns({**first, "exchange": start, "receive": start})
engine.columns(batch(0))  # what is kept for ever is there now
engine = cm.Engine(GOLD, start=START)
engine.columns({**first, "exchange": start, "receive": start})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
taken, refused = [], 0
reader = pa.RecordBatchReader.from_batches(batch(0).schema, batches())
worker = threading.Thread(target=lambda: taken.append(engine.columns(reader)))
worker.start()
while worker.is_alive():
    try:
        engine.deadline()
    except cm.UsageError as error:
        refused += error.expected == "one call at a time"
worker.join()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(taken[0][0], refused > 0, grown < 64 * 1024, grown)
"""


def test_ten_million_rows_in_one_call() -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", MANY]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
    assert done.returncode == 0, done.stderr
    taken, was_refused, is_bounded, grown = done.stdout.split()
    assert (taken, was_refused, is_bounded) == ("10000000", "True", "True"), grown

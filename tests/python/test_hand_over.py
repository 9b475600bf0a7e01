"""What the core commands reaches its caller, once: behind exceptions, at the close, in the end."""

import faulthandler
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market import _core
from cross_market import events as ev
from test_any_event import GOLD, opened
from test_engine import START

ENTER = ev.Control(actor="desk", verb=ev.Enter(hedge="gold", sets=1, at_least="0.5"))
KILL = ev.Control(actor="desk", verb=ev.Kill())
Maker = Callable[[], Any]


@pytest.fixture(params=["engine", "os", "group"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """What makes an engine, or a session, that may trade; equal every time."""
    count = 0

    def made() -> Any:  # noqa: ANN401
        nonlocal count
        count += 1
        start = START - 10**9
        if request.param == "engine":
            found: Any = cm.Engine(GOLD, start=start)
        else:
            durable = "os" if request.param == "os" else "5 ms"
            folder = tmp_path / str(count)
            found = cm.Session(GOLD, journal=folder, now=start, durable=durable)
        opened(found)
        return found

    return made


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """A deadlock holds the interpreter: end the process then."""
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def at_first(
    monkeypatch: pytest.MonkeyPatch, kind: type, work: Callable[[], object], after: int = 0
) -> None:
    """Do `work` once, while the first object of a kind is made (behind `after` others)."""
    plain: Callable[..., None] = vars(kind)["__init__"]
    left = [after + 1]

    def init(self: object, *args: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            work()
        plain(self, *args)

    monkeypatch.setattr(kind, "__init__", init)


def throw(error: BaseException) -> Callable[[], object]:
    def thrown() -> object:
        raise error

    return thrown


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), RuntimeError("odd")])
def test_what_was_not_handed_over_comes_first_next_time(
    make: Maker, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    plain, hit = make(), make()
    first, then = plain.handle(START + 1, ENTER), plain.handle(START + 2, KILL)
    at_first(monkeypatch, cm.commands.Alert, throw(error))
    with pytest.raises(type(error)):
        hit.handle(START + 1, ENTER)
    with pytest.raises(cm.UsageError):
        hit.handle(START, ev.Tick())
    assert hit.handle(START + 2, KILL) == [*first, *then]
    assert hit.handle(START + 2, ev.Tick()) == plain.handle(START + 2, ev.Tick())
    assert hit.digest() == plain.digest()


def test_a_release_keeps_what_it_could_not_hand_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9)
    opened(session)  # type: ignore[arg-type]
    session.handle(START + 1, ENTER)
    at_first(monkeypatch, cm.commands.Place, throw(KeyboardInterrupt()), 1)
    with pytest.raises(KeyboardInterrupt):
        session.release(START + 10**8)
    places = session.release(START + 10**8)
    assert [type(each) for each in places] == [cm.commands.Place, cm.commands.Place]
    assert session.release(START + 10**8) == []


def test_a_restart_hands_over_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, hit = cm.Engine(GOLD, start=START - 10**9), cm.Engine(GOLD, start=START - 10**9)
    opened(plain)
    opened(hit)
    expected = [*plain.handle(START + 1, ENTER), *plain.restart(START + 2, GOLD.run + 1)]
    at_first(monkeypatch, cm.commands.Place, throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        hit.handle(START + 1, ENTER)
    assert hit.restart(START + 2, GOLD.run + 1) == expected


def test_closing_inside_a_call_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9)
    opened(session)  # type: ignore[arg-type]
    refused: list[str | None] = []

    def close() -> None:
        with pytest.raises(cm.UsageError) as caught:
            session.close()
        refused.append(caught.value.expected)

    at_first(monkeypatch, cm.commands.Alert, close)
    assert session.handle(START + 1, ENTER)
    assert refused == ["one call at a time"]
    session.close()


def test_closing_beside_a_call_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9)
    opened(session)  # type: ignore[arg-type]
    refused: list[BaseException] = []

    def close() -> None:
        try:
            session.close()
        except cm.UsageError as error:
            refused.append(error)

    def beside() -> None:
        other = threading.Thread(target=close)
        other.start()
        other.join()

    at_first(monkeypatch, cm.commands.Alert, beside)
    session.handle(START + 1, ENTER)
    assert len(refused) == 1
    session.close()


def panic(monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """The exception that the native module takes for a panic of its own.

    Other native modules have one of the same name: ours is the one that becomes an InternalError.
    """
    found = [each for each in BaseException.__subclasses__() if each.__name__ == "PanicException"]
    for kind in found:
        engine = cm.Engine(GOLD, start=START)
        with monkeypatch.context() as patch:
            at_first(patch, cm.commands.Alert, throw(kind("whose")))
            try:
                engine.handle(START + 1, ev.Control(actor="desk", verb=ev.Stop()))
            except cm.InternalError:
                return kind
            except kind:
                continue
    pytest.fail(f"none of {found} is a panic of the core")


def test_a_broken_core_still_cancels(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    value = make()
    orders = [each for each in value.handle(START + 1, ENTER) if type(each) is cm.commands.Place]
    if isinstance(value, cm.Session):
        waited = value.release(START + 10**8)
        orders += [each for each in waited if type(each) is cm.commands.Place]
    assert len(orders) == 2
    at_first(monkeypatch, cm.commands.Alert, throw(panic(monkeypatch)("an invariant")))
    stop = ev.Control(actor="desk", verb=ev.Stop())
    for _ in range(2):
        with pytest.raises(cm.InternalError, match="an invariant") as caught:
            value.handle(START + 10**9, stop)
        said = caught.value.commands
        cancels = [each.order for each in said if isinstance(each, cm.commands.Cancel)]
        assert sorted(cancels) == sorted(each.order for each in orders)
        assert not any(isinstance(each, cm.commands.Place) for each in said)
        alerts = [each.code for each in said if isinstance(each, cm.commands.Alert)]
        assert "poisoned" in alerts
    with pytest.raises(cm.InternalError):
        value.digest()


@pytest.mark.parametrize("now", [-1, 2**63 - 1, 7_258_118_400_000_000_001])
def test_a_release_is_in_the_range_of_time(tmp_path: Path, now: int) -> None:
    with cm.Session(GOLD, journal=tmp_path / "run", now=START) as session:
        with pytest.raises(cm.ConfigError) as caught:
            session.release(now)
        assert (caught.value.field, caught.value.value) == ("now", now)


def test_closing_hands_over_what_waited(tmp_path: Path) -> None:
    with cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9) as session:
        opened(session)  # type: ignore[arg-type]
        told = session.handle(START + 1, ENTER)
        assert not any(isinstance(each, cm.commands.Place) for each in told)
        assert session.last == []
    assert [type(each) for each in session.last] == [cm.commands.Place, cm.commands.Place]
    assert session.close() == []
    proven = _core.verify(session.path)
    assert (proven["verdict"], proven["link"]) == ("clean", session.link())
    again = cm.Session(GOLD, journal=tmp_path / "run", now=START + 10**9)
    asked = {each.order for each in again.first if isinstance(each, cm.commands.Query)}
    assert asked == {each.order for each in session.last if isinstance(each, cm.commands.Place)}
    assert again.close() == again.last == []


def test_closing_returns_what_waited(tmp_path: Path) -> None:
    session = cm.Session(GOLD, journal=tmp_path / "run", now=START - 10**9)
    opened(session)  # type: ignore[arg-type]
    session.handle(START + 1, ENTER)
    released = session.close()
    assert [type(each) for each in released] == [cm.commands.Place, cm.commands.Place]
    assert session.last == released


def test_no_order_leaves_a_session_that_is_poisoned_meanwhile(tmp_path: Path) -> None:
    code = (
        "import sys, resource; from pathlib import Path; import pytest\n"
        "from test_hand_over import *\n"
        "patch = pytest.MonkeyPatch()\n"
        "session = cm.Session(GOLD, journal=sys.argv[1], now=START - 10**9, durable='os')\n"
        "opened(session)\n"
        "at_first(patch, cm.commands.Alert, throw(KeyboardInterrupt()))\n"
        "try: session.handle(START + 1, ENTER)\n"
        "except KeyboardInterrupt: pass\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"
        "told = session.handle(START + 2, ev.Tick())\n"
        "print(sum(isinstance(each, cm.commands.Place) for each in told))\n"
        "print(sum(isinstance(each, cm.commands.Cancel) for each in told))\n"
        "try: session.handle(START + 3, ev.Tick())\n"
        "except cm.UsageError as error: print('File too large' in str(error))\n"
        "try: session.close()\n"
        "except cm.JournalError as error: print(error.path == session.path)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    here = Path(__file__).parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
    assert done.stdout.split() == ["0", "2", "True", "True"], done.stderr


def test_a_close_that_fails_cancels_what_lives(tmp_path: Path) -> None:
    code = (
        "import sys, resource; from test_hand_over import *\n"
        "session = cm.Session(GOLD, journal=sys.argv[1], now=START - 10**9)\n"
        "opened(session)\n"
        "session.handle(START + 1, ENTER)\n"
        "assert len(session.release(START + 10**8)) == 2\n"
        "session.handle(START + 10**8, ev.Book(instrument='FX.USDCNY', side='bid', price=72498,"
        " qty=1, row='delta', last=True, exchange=START, receive=START))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"
        "try: session.close()\n"
        "except cm.JournalError as error:\n"
        "    print(sum(isinstance(each, cm.commands.Cancel) for each in error.commands))\n"
        "    print('File too large' in str(error), session.last)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    here = Path(__file__).parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
    assert done.stdout.split() == ["2", "True", "[]"], done.stderr

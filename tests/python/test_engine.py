"""The engine behind its door: exact types, known names, one call at a time."""

import copy
import os
import pickle
import threading
from typing import Any

import pytest

import cross_market as cm
from cross_market import _core
from cross_market import events as ev

NOT_A_NUMBER: Any = float("nan")
START = 1_770_000_000_000_000_000


def book(**changed: object) -> ev.Book:
    """Return a row of Shanghai's book; keyword arguments replace its values."""
    given: dict[str, Any] = {
        "instrument": "SHFE.au2602",
        "side": "bid",
        "price": 30885,
        "qty": 3,
        "row": "snapshot",
        "last": True,
        "exchange": START,
        "receive": START,
    }
    return ev.Book(**{**given, **changed})


@pytest.fixture
def engine(gold: cm.Config) -> cm.Engine:
    return cm.Engine(gold, start=START)


def test_refusals_and_alerts_are_those_of_the_core() -> None:
    assert list(cm.commands.REFUSALS) == _core.refusals()
    assert list(cm.commands.ALERTS) == _core.alerts()


def test_an_order_id_is_text_for_venues() -> None:
    assert cm.order_text(0) == "0" * 13
    assert len(cm.order_text(2**64 - 1)) == 13


@pytest.mark.parametrize(
    ("field", "given", "kind"),
    [
        ("instrument", "SHFE.au9999", cm.ConfigError),
        ("instrument", "shfe.au2602", cm.ConfigError),
        ("instrument", 3, cm.InputTypeError),
        ("side", "buy", cm.ConfigError),
        ("price", 617.7, cm.InputTypeError),
        ("price", True, cm.InputTypeError),
        ("price", "30885", cm.InputTypeError),
        ("price", 2**63, cm.ConfigError),
        ("price", 2**40, cm.ConfigError),
        ("qty", -1, cm.ConfigError),
        ("qty", 2**62, cm.ConfigError),
        ("qty", 1.0, cm.InputTypeError),
        ("row", "update", cm.ConfigError),
        ("last", 1, cm.InputTypeError),
        ("seq", -1, cm.ConfigError),
        ("seq", 2**64, cm.ConfigError),
        ("step", 2**32, cm.ConfigError),
        ("exchange", START / 1e9, cm.InputTypeError),
        ("receive", None, cm.InputTypeError),
        ("exchange", -1, cm.ConfigError),
        ("exchange", 2**63 - 1, cm.ConfigError),
    ],
)
def test_wrong_events_are_refused_and_change_nothing(
    engine: cm.Engine, field: str, given: object, kind: type[Exception]
) -> None:
    engine.handle(START + 1, book())
    before = engine.digest()
    with pytest.raises(kind) as caught:
        engine.handle(START + 2, book(**{field: given}))
    assert getattr(caught.value, "field", "").endswith(field)
    assert engine.digest() == before
    engine.handle(START + 2, book(row="delta"))


@pytest.mark.parametrize("given", ["Tick", None, 7, ev.Stop(), ev.Tick, object()])
def test_what_is_no_event_is_refused(engine: cm.Engine, given: Any) -> None:  # noqa: ANN401
    with pytest.raises(cm.InputTypeError):
        engine.handle(START + 1, given)


def wrong_events() -> list[Any]:
    """Events with one wrong value each, of every kind."""
    report: dict[str, Any] = {
        "account": "sh",
        "instrument": "SHFE.au2602",
        "exchange": START,
        "receive": START,
    }
    fill: dict[str, Any] = {"trade_id": "T1", "side": "sell", "price": 1, "qty": 1}
    return [
        ev.Link(state="up"),
        ev.Link(state="up", account="sh", instrument="SHFE.au2602"),
        ev.Link(state="away", account="sh"),
        ev.Report(**report, news=ev.Fill(**{**fill, "trade_id": ""})),
        ev.Report(**report, news=ev.Fill(**{**fill, "trade_id": "x" * 41})),
        ev.Report(**report, news=ev.Fill(**{**fill, "trade_id": "a\nb"})),
        ev.Report(**report, news=ev.Fill(**{**fill, "trade_id": "\u0412TC"})),
        ev.Report(**report, news=ev.Fill(**fill, fee="1.5", fee_currency="XXX")),
        ev.Report(**report, news=ev.Fill(**{**fill, "fee": 1.5, "fee_currency": "CNY"})),
        ev.Report(**report, news=ev.Fill(**fill, fee="0.0000000001", fee_currency="CNY")),
        ev.Report(**report, news=ev.Rejected(reason="bad mood")),
        ev.Report(**report, news=ev.Rejected(reason="money", code=-1)),
        ev.Report(**report, news=ev.Tick()),  # type: ignore[arg-type]
        ev.Answer(
            order=-1,
            account="sh",
            exchange=START,
            receive=START,
            found=ev.ProvenAbsent(),
        ),
        ev.Cash(account="nobody", exchange=START, kind="opening", amount=1),
        ev.Cash(account="sh", exchange=START, kind="gift", amount=1),
        ev.Cash(account="sh", exchange=START, kind="opening", amount=NOT_A_NUMBER),
        ev.Position(
            account="sh",
            instrument="SHFE.au2602",
            exchange=START,
            kind="opening",
            long=-1,
            short=0,
            price=1,
        ),
        ev.Settle(instrument="SHFE.au2602", price=1, day=2**40, exchange=START),
        ev.Reference(
            instrument="SHFE.au2602", exchange=START, change=ev.PriceBand(low=1, high=None)
        ),
        ev.Reference(
            instrument="SHFE.au2602", exchange=START, change=ev.Phase(phase="lunch", until=START)
        ),
        ev.Estimate(hedge="silver", value="1", expires=START),
        ev.Clock(offset_ns=1, uncertainty_ns=1, venue="NYSE"),
        ev.Control(actor="", verb=ev.Stop()),
        ev.Control(actor="desk\n2026-02-10 all clear", verb=ev.Stop()),
        ev.Control(actor="字" * 41, verb=ev.Stop()),
        ev.Control(actor="desk", verb=ev.Stop(scope=ev.Scope(hedge="silver"))),
        ev.Control(actor="desk", verb=ev.Kill(scope=ev.Scope(hedge="gold", account="sh"))),
        ev.Control(actor="desk", verb=ev.Enter(hedge="gold", sets=1.5)),  # type: ignore[arg-type]
        ev.Control(actor="desk", verb=ev.Adopt(hedge="gold", lots={"SHFE.ag2602": 1})),
        ev.Control(actor="desk", verb=ev.Override(order=1, status="working", cum=0, reason="sure")),
    ]


@pytest.mark.parametrize("event", wrong_events(), ids=lambda event: type(event).__name__)
def test_every_kind_is_refused_by_field(engine: cm.Engine, event: ev.Event) -> None:
    before = engine.digest()
    with pytest.raises((cm.ConfigError, cm.InputTypeError)) as caught:
        engine.handle(START + 1, event)
    assert getattr(caught.value, "field", None)
    assert engine.digest() == before


HALF_MADE = [ev.Book, ev.Report, ev.Answer, ev.Cash, ev.Settle, ev.Reference, ev.Clock, ev.Control]


@pytest.mark.parametrize("kind", HALF_MADE, ids=lambda kind: kind.__name__)
def test_a_half_made_event_is_refused_by_field(engine: cm.Engine, kind: Any) -> None:  # noqa: ANN401
    with pytest.raises(cm.ConfigError, match="missing") as caught:
        engine.handle(START + 1, object.__new__(kind))
    assert str(caught.value.field).startswith(kind.__name__.lower() + ".")


def test_a_policy_states_itself_in_bytes(engine: cm.Engine) -> None:
    class Sly:
        def to_json(self) -> str:
            return "{}"

    policy = ev.Policy(config=Sly())  # type: ignore[arg-type]
    with pytest.raises(cm.InputTypeError):
        engine.handle(START + 1, ev.Control(actor="desk", verb=policy))
    with pytest.raises(cm.InputTypeError):
        cm.Engine(Sly(), start=START)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ("1", cm.InputTypeError),
        (1.0, cm.InputTypeError),
        (-1, cm.ConfigError),
        (2**64, cm.ConfigError),
    ],
)
def test_the_id_of_an_order_is_a_number(order: Any, kind: type[Exception]) -> None:  # noqa: ANN401
    with pytest.raises(kind):
        cm.order_text(order)


def test_an_operator_has_a_name_in_any_language(engine: cm.Engine) -> None:
    for actor in ("Li Lei 李雷", "值班交易员", "desk 3, by phone"):
        assert engine.handle(START + 1, ev.Control(actor=actor, verb=ev.Stop()))


def test_an_order_that_is_not_known_is_named(engine: cm.Engine) -> None:
    override = ev.Override(order=2**63 + 5, status="cancelled", cum=0, reason="电话确认")
    with pytest.raises(cm.ConfigError) as caught:
        engine.handle(START + 1, ev.Control(actor="desk", verb=override))
    assert (caught.value.field, caught.value.value) == ("order", 2**63 + 5)


def test_time_never_steps_back(engine: cm.Engine) -> None:
    engine.handle(START + 5, ev.Tick())
    with pytest.raises(cm.UsageError) as caught:
        engine.handle(START + 4, ev.Tick())
    assert caught.value.call == "handle"


def test_commands_name_what_they_are_about(engine: cm.Engine) -> None:
    commands = engine.handle(START + 1, ev.Control(actor="desk", verb=ev.Stop()))
    alerts = [each for each in commands if isinstance(each, cm.commands.Alert)]
    assert [alert.code for alert in alerts] == ["stopped"]
    assert alerts[0].subject[0] == "engine"


def test_equal_inputs_give_equal_states(gold: cm.Config) -> None:
    digests = []
    for _ in range(2):
        engine = cm.Engine(gold, start=START)
        engine.handle(START + 1, ev.Link(state="resynced", account="sh"))
        engine.handle(START + 2, book())
        digests.append(engine.digest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize("work", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_engine_is_not_pickled(engine: cm.Engine, work: Any) -> None:  # noqa: ANN401
    with pytest.raises(cm.UsageError) as caught:
        work(engine)
    assert caught.value.call == "pickle"


def test_an_engine_stays_in_its_process(engine: cm.Engine) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            engine.deadline()
        except cm.UsageError:
            os.write(write, b"refused")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"refused"
    os.close(read)
    os.close(write)


def test_a_call_inside_a_call_comes_before(engine: cm.Engine, gold: cm.Config) -> None:
    # Attributes are read before the engine is entered, so the inner call is simply the earlier.
    inner: list[object] = []

    class Settle:
        instrument, day, exchange = "SHFE.au2602", START // 86_400_000_000_000, START

        @property
        def price(self) -> int:
            inner.append(engine.handle(START + 1, book()))
            return 30885

    Settle.__module__ = "cross_market.events"
    sly: Any = Settle()
    engine.handle(START + 2, sly)
    assert len(inner) == 1
    other = cm.Engine(gold, start=START)
    other.handle(START + 1, book())
    plain = {"instrument": sly.instrument, "day": sly.day, "exchange": START}
    other.handle(START + 2, ev.Settle(price=30885, **plain))
    assert engine.digest() == other.digest()


def test_threads_take_turns_or_are_refused(engine: cm.Engine) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        for _ in range(300):
            try:
                engine.handle(START + 10, ev.Tick())
            except cm.UsageError as error:
                problems.append(error)
            except BaseException as error:
                problems.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(problem, cm.UsageError) for problem in problems)


def test_a_later_run_has_a_higher_number(engine: cm.Engine, gold: cm.Config) -> None:
    for run in (gold.run, -1, 4096):
        with pytest.raises(cm.ConfigError) as caught:
            engine.restart(START + 1, run)
        assert caught.value.field == "run"
    with pytest.raises(cm.InputTypeError):
        engine.restart(START + 1, NOT_A_NUMBER)
    assert engine.restart(START + 1, gold.run + 1) == []

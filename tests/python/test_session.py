"""A session, its journal, and what is asked of it afterwards."""

import os
import pickle
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market import _core
from cross_market import events as ev
from parts import gold_config
from test_engine import START, book


def run(gold: cm.Config, folder: Path) -> tuple[str, bytes, bytes]:
    """Write a small journal; return its file, its last link and the last state."""
    with cm.Session(gold, journal=folder, now=START) as session:
        session.handle(START + 1, ev.Link(state="resynced", account="sh"))
        for step in range(2, 40):
            session.handle(START + step, book(price=30885 + step))
        session.stop("gold", now=START + 50)
        session.release(START + 10**9)
        digest = session.digest()
    return session.path, session.link(), digest


def test_a_journal_verifies_and_replays_to_the_same(gold: cm.Config, tmp_path: Path) -> None:
    path, link, digest = run(gold, tmp_path / "run")
    verified = _core.verify(path)
    assert verified["verdict"] == "clean"
    assert verified["link"] == link
    replayed = _core.replay(path)
    assert replayed["digest"] == digest
    assert replayed["events"] == verified["events"] == 40


def test_files_are_private(gold: cm.Config, tmp_path: Path) -> None:
    path, _, _ = run(gold, tmp_path / "run")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o700


def test_a_folder_is_continued_under_the_next_run(gold: cm.Config, tmp_path: Path) -> None:
    _, _, digest = run(gold, tmp_path / "run")
    with cm.Session(gold, journal=tmp_path / "run", now=START + 10**10) as session:
        assert session.recovered is not None
        assert session.recovered["events"] == 40
        assert session.run == 2
        assert session.first == []
        assert len(session.digest()) == len(digest)


def test_one_writes_at_a_time(gold: cm.Config, tmp_path: Path) -> None:
    with (
        cm.Session(gold, journal=tmp_path / "run", now=START),
        pytest.raises(cm.JournalError, match="another session"),
    ):
        cm.Session(gold, journal=tmp_path / "run", now=START)


def test_another_configuration_does_not_continue(gold: cm.Config, tmp_path: Path) -> None:
    run(gold, tmp_path / "run")
    other = gold_config(size=cm.Size(clip=1, max=9, overnight=9, holiday=9))
    with pytest.raises(cm.JournalError, match="configuration"):
        cm.Session(other, journal=tmp_path / "run", now=START + 10**10)


def test_a_closed_session_refuses_calls(gold: cm.Config, tmp_path: Path) -> None:
    session = cm.Session(gold, journal=tmp_path / "run", now=START)
    session.close()
    assert session.close() == []
    for call in (session.deadline, session.digest, session.seq):
        with pytest.raises(cm.UsageError, match="closed"):
            call()
    with pytest.raises(cm.UsageError, match="closed"):
        session.handle(START + 1, ev.Tick())


def test_a_session_is_not_pickled(gold: cm.Config, tmp_path: Path) -> None:
    with (
        cm.Session(gold, journal=tmp_path / "run", now=START) as session,
        pytest.raises(cm.UsageError),
    ):
        pickle.dumps(session)


@pytest.mark.parametrize(
    ("given", "field", "kind"),
    [
        ({"journal": 3}, "journal", cm.InputTypeError),
        ({"journal": b"run"}, "journal", cm.InputTypeError),
        ({"journal": "a\0b"}, "journal", cm.ConfigError),
        ({"actor": 3}, "actor", cm.InputTypeError),
        ({"actor": "two\nlines"}, "actor", cm.ConfigError),
        ({"durable": 5}, "durable", cm.InputTypeError),
        ({"now": 1.5}, "now", cm.InputTypeError),
    ],
)
def test_wrong_arguments_are_named(
    gold: cm.Config, tmp_path: Path, given: dict[str, Any], field: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        cm.Session(gold, **{"journal": tmp_path / "run", "now": START, **given})
    assert getattr(caught.value, "field", None) == field
    assert not (tmp_path / "run").exists()


def test_a_refused_event_is_not_journaled(gold: cm.Config, tmp_path: Path) -> None:
    with cm.Session(gold, journal=tmp_path / "run", now=START) as session:
        session.handle(START + 5, ev.Tick())
        with pytest.raises(cm.UsageError):
            session.handle(START + 4, ev.Tick())
        assert session.seq() == 1


def test_a_changed_byte_is_found(gold: cm.Config, tmp_path: Path) -> None:
    path, _, _ = run(gold, tmp_path / "run")
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    verified = _core.verify(path)
    assert verified["verdict"] == "damaged"
    with pytest.raises(cm.JournalError) as caught:
        _core.replay(path)
    assert caught.value.record is not None
    assert caught.value.offset is not None
    with pytest.raises(cm.JournalError):
        cm.Session(gold, journal=tmp_path / "run", now=START + 10**10)


@pytest.mark.parametrize("content", [b"", b"CM", b"not a journal at all" * 100, b"\x1f\x8b" * 50])
def test_what_is_no_journal_is_unreadable(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal-0001.cmj"
    path.write_bytes(content)
    path.chmod(0o600)
    assert _core.verify(str(path))["verdict"] == "unreadable"
    with pytest.raises(cm.JournalError):
        _core.replay(str(path))


def test_money_and_positions_are_told(gold: cm.Config, tmp_path: Path) -> None:
    with cm.Session(gold, journal=tmp_path / "run", now=START) as session:
        session.handle(
            START + 1, ev.Cash(account="sh", exchange=START, kind="opening", amount="1000.50")
        )
        session.handle(
            START + 2,
            ev.Position(
                account="sh",
                instrument="SHFE.au2602",
                exchange=START,
                kind="opening",
                long=3,
                short=0,
                price=30885,
            ),
        )
        [sh, _] = session.funds().to_pylist()
        assert (sh["account"], sh["balance"]) == ("sh", Decimal("1000.5"))
        positions = {row["instrument"]: row for row in session.positions().to_pylist()}
        assert positions["SHFE.au2602"]["long"] == positions["SHFE.au2602"]["unassigned"] == 3
        with pytest.raises(cm.ConfigError) as short:
            session.adopt("gold", {"SHFE.au2602": 3, "COMEX.GCG6": 1}, now=START + 3)
        assert short.value.field == "lots[1]"
        for wrong in ({"SHFE.ag2602": 3}, {"SHFE.au2602": 2**63}, {"FX.USDCNY": 1}):
            with pytest.raises(cm.ConfigError):
                session.adopt("gold", wrong, now=START + 3)
        with pytest.raises(cm.InputTypeError):
            session.adopt("gold", {"SHFE.au2602": 3.0}, now=START + 3)  # type: ignore[dict-item]
        positions = {row["instrument"]: row for row in session.positions().to_pylist()}
        assert positions["SHFE.au2602"]["unassigned"] == 3
        session.adopt("gold", {"SHFE.au2602": 3}, now=START + 3)
        [hedge] = session.hedges().to_pylist()
        assert hedge["hedge"] == "gold"
        assert hedge["residual"] == 3000


def test_verbs_are_in_the_journal_with_their_speaker(gold: cm.Config, tmp_path: Path) -> None:
    with cm.Session(gold, journal=tmp_path / "run", now=START, actor="alice") as session:
        session.kill(now=START + 1)
        session.unlatch(now=START + 2)
        session.stop(now=START + 3)
        session.resume(now=START + 4)
        session.flatten("gold", now=START + 5)
        session.unrestrict(hedge="gold", now=START + 6)
        session.enter("gold", sets=1, at_least="1.003", now=START + 7)
        session.exit("gold", now=START + 8)
    assert b"alice" in Path(session.path).read_bytes()


def test_limits_are_replaced_and_nothing_else(gold: cm.Config, tmp_path: Path) -> None:
    tighter = gold_config(size=cm.Size(clip=1, max=3, overnight=2, holiday=0))
    other = gold_config(signal=cm.Ratio(enter="1.005", exit="1.0005"))
    with cm.Session(gold, journal=tmp_path / "run", now=START) as session:
        before = session.digest()
        with pytest.raises(cm.ConfigError) as caught:
            session.policy(other, now=START + 1)
        assert caught.value.field == "hedges"
        assert session.digest() == before
        with pytest.raises(cm.InputTypeError):
            session.policy("loose", now=START + 1)  # type: ignore[arg-type]
        told = session.policy(tighter, now=START + 1)
        assert [alert.code for alert in told if isinstance(alert, cm.commands.Alert)] == [
            "policy_replaced"
        ]
        session.release(START + 10**9)
        digest = session.digest()
    assert _core.replay(session.path)["digest"] == digest

"""Proofs of a journal from Python: clean, torn, damaged, unreadable; and its replay."""

from pathlib import Path

import pytest

import cross_market as cm
from test_session import run


def test_a_clean_journal(gold: cm.Config, tmp_path: Path) -> None:
    path, link, digest = run(gold, tmp_path / "run")
    proof = cm.audit.verify(path)
    assert (proof.verdict, proof.why, proof.record, proof.link) == ("clean", None, None, link)
    replayed = cm.audit.replay(Path(path))
    assert (replayed.digest, replayed.events) == (digest, proof.events)


def test_a_changed_and_a_shortened_journal(gold: cm.Config, tmp_path: Path) -> None:
    path, _, _ = run(gold, tmp_path / "run")
    content = bytearray(Path(path).read_bytes())
    Path(path).write_bytes(content[:-5])
    assert cm.audit.verify(path).verdict == "torn"
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    proof = cm.audit.verify(path)
    assert proof.verdict == "damaged"
    assert proof.record is not None
    with pytest.raises(cm.JournalError) as caught:
        cm.audit.replay(path)
    assert caught.value.record == proof.record


def test_what_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "x.cmj").write_bytes(b"no journal")
    assert cm.audit.verify(tmp_path / "x.cmj").verdict == "unreadable"
    assert cm.audit.verify(tmp_path / "missing.cmj").verdict == "unreadable"
    with pytest.raises(cm.JournalError):
        cm.audit.replay(tmp_path / "missing.cmj")
    for wrong in (3, b"x", None):
        with pytest.raises(cm.InputTypeError):
            cm.audit.verify(wrong)  # type: ignore[arg-type]

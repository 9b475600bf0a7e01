"""Ask a journal: whether anything in it was changed, whether it replays, what went wrong in it."""

import os
from dataclasses import dataclass

from cross_market import _core
from cross_market._files import path_text
from cross_market.audit.episode import Episode, Rung
from cross_market.audit.folding import Episodes, episodes

__all__ = ["Episode", "Episodes", "Proof", "Replay", "Rung", "episodes", "replay", "verify"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found in one journal.

    path: str – the file.
    verdict: str – 'clean', 'torn' (its end is missing, all before it is right), 'damaged' (it
        was changed) or 'unreadable' (no journal of ours).
    why: str – what is wrong and where; None when it is clean.
    record: int, from 0 – the first record in doubt; None when it is clean.
    records, events: int – how many it holds.
    link: bytes – the last link of the chain; compare it with the one you kept elsewhere.
    """

    path: str
    verdict: str
    why: str | None
    record: int | None
    records: int
    events: int
    link: bytes | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found; it only returns when every command and digest was equal.

    path: str – the file.
    events, commands, digests: int – how many were compared.
    digest: bytes – SHA-256 of the state at the end.
    """

    path: str
    events: int
    commands: int
    digests: int
    digest: bytes


def verify(path: str | os.PathLike[str]) -> Proof:
    """Prove every record of a journal against its chain; the file is only read.

    path: str or path – the journal's file.
    returns: Proof.
    Raises ConfigError or InputTypeError when `path` is no path.
    """
    where = path_text(path, "path")
    found = _core.verify(where)
    names = ("verdict", "why", "record", "records", "events", "link")
    return Proof(where, *(found[name] for name in names))


def replay(path: str | os.PathLike[str]) -> Replay:
    """Play a journal into a new engine and compare every command and every digest.

    path: str or path – the journal's file.
    returns: Replay.
    Raises JournalError when the journal cannot be read or trusted, or does not replay to the same;
    its `record` and `offset` say where.
    """
    where = path_text(path, "path")
    found = _core.replay(where)
    return Replay(
        path=where,
        events=found["events"],
        commands=found["commands"],
        digests=found["checkpoints"],
        digest=found["digest"],
    )

"""The pool in one SQLite file: WAL, every commit synced, closed to other users."""

import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from cross_market.errors import UsageError
from cross_market.funds.ledger.values import (
    FencedError,
    LedgerError,
    Member,
    ShortError,
    UnknownOutcomeError,
    lost,
    no,
)

T = TypeVar("T")
Row = tuple[Any, ...]

# File systems whose locks or syncs are not those of a local disk.
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"}


class Sqlite:
    """A connection to the file; one a process and thread."""

    mark = "?"

    def __init__(self, path: Path, *, create: bool) -> None:
        self.shown = f"sqlite:{path.name}"
        check_path(path, create=create)
        if create:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            os.close(handle)
        try:
            self._link = sqlite3.connect(path, timeout=30, isolation_level=None)
            for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "synchronous=FULL"):
                self._link.execute(f"PRAGMA {pragma}")
            mode = self._link.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.Error as error:
            raise lost(self.shown, f"{error}") from error
        if mode != "wal":
            raise lost(self.shown, "the file system has no write-ahead log")

    def install(self, fill: Callable[["Sqlite"], None]) -> None:
        """Write the schema and what `fill` adds, in one transaction."""
        script = resources.files(__package__).joinpath("schema.sqlite.sql").read_text("utf-8")
        statements = split(script)

        def build(link: "Sqlite") -> None:
            for statement in statements:
                link.rows(statement)
            fill(link)

        self.transact(build)

    def rows(self, sql: str, given: Sequence[object] = ()) -> list[Row]:
        """Return the rows of one statement."""
        return self._link.execute(sql, tuple(given)).fetchall()

    def read(self, sql: str, given: Sequence[object] = ()) -> list[Row]:
        """Return the rows of one statement that only reads."""
        try:
            return self.rows(sql, given)
        except sqlite3.Error as error:
            raise lost(self.shown, f"{error}") from error

    def transact(self, work: Callable[["Sqlite"], T], operation: str = "") -> T:
        """Run `work` in one transaction; its statements all count or none.

        operation: str – the id under which `work` finds out whether it was done before.
        Raises FencedError, ShortError, UsageError or LedgerError, when nothing was written;
        UnknownOutcomeError when that is not known.
        """
        try:
            self._link.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise lost(self.shown, f"{error}") from error
        try:
            found = work(self)
        except BaseException as error:
            self._undo()
            if isinstance(error, sqlite3.Error):
                raise told(error, self.shown) from error
            raise
        try:
            self._link.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            if not operation:
                raise lost(self.shown, f"{error}") from error
            # What a disk failed to sync it may have written: whoever reads the log later finds it.
            text = f"{self.shown}: {error}, while {operation!r} was written"
            raise UnknownOutcomeError(text, operation=operation) from error
        return found

    def _undo(self) -> None:
        # A disk that fails may fail here too; then the next transaction cannot begin, and says so.
        with suppress(sqlite3.Error):
            if self._link.in_transaction:
                self._link.execute("ROLLBACK")

    def join(self, member: Member, schema: int, lasts_ms: int) -> int:
        """Begin the next epoch of a member."""
        known = (schema, member.config, member.binary)

        def work(link: "Sqlite") -> int:
            if link.rows("SELECT schema, config, binary FROM pool") != [known]:
                raise no(link.shown, "schema, configuration or binary is not the pool's")
            given = (lasts_ms, member.name)
            found = link.rows(
                "UPDATE lease SET epoch = epoch + 1, until = (SELECT ms FROM clock) + ?"
                " WHERE member = ? RETURNING epoch",
                given,
            )
            if not found:
                link.rows("INSERT INTO lease SELECT ?, 1, ms + ? FROM clock", given[::-1])
            return int(found[0][0]) if found else 1

        return self.transact(work)

    def renew(self, member: str, epoch: int, lasts_ms: int) -> bool:
        """Make a lease that lives last longer."""

        def work(link: "Sqlite") -> bool:
            found = link.rows(
                "UPDATE lease SET until = (SELECT ms FROM clock) + ?"
                " WHERE member = ? AND epoch = ? AND until >= (SELECT ms FROM clock)"
                " RETURNING until",
                (lasts_ms, member, epoch),
            )
            return bool(found)

        return self.transact(work)

    def note_transfer(self, operation: str) -> bool:
        """Let a transfer that has not ended stand as the operation says."""
        return bool(
            self.rows(
                "UPDATE transfer SET state = kind FROM operation"
                " WHERE operation.id = ? AND transfer.id = about"
                " AND state NOT IN ('settled', 'failed') RETURNING state",
                (operation,),
            )
        )

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


def split(script: str) -> list[str]:
    """Return the statements of a script."""
    found, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found


def told(error: sqlite3.Error, shown: str) -> Exception:
    """Return what an error of SQLite means here."""
    text = str(error)
    if text.startswith("fenced"):
        return FencedError(f"{shown}: {text}")
    if "CHECK constraint failed" in text or "no such allotment" in text:
        return ShortError(f"{shown}: less is there than was asked for ({text})")
    if isinstance(error, sqlite3.IntegrityError):
        return UsageError(f"{shown}: {text}")
    return LedgerError(f"{shown}: {text}")


def check_path(path: Path, *, create: bool) -> None:
    """Raise UsageError for a place that others can write or whose locks do not hold."""
    folder = path.parent
    if path.is_symlink() or folder.is_symlink():
        raise no(path.name, "a symbolic link, which may lead elsewhere tomorrow")
    if not folder.is_dir():
        raise no(folder.name, "no such folder")
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        raise no(folder.name, "a folder that others may write; chmod go-w it")
    if not create:
        if not path.is_file():
            raise no(path.name, "no such file; Ledger.create makes one")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise no(path.name, "a file that others may read; chmod 600 it")
    elif path.exists():
        raise no(path.name, "there already")
    if file_system(folder) in REMOTE:
        raise no(folder.name, "on a network, where locks and syncs may not hold")


def file_system(folder: Path) -> str:
    """Return the type of the file system of a folder, '' where it cannot be told."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    where = str(folder.resolve())
    for line in mounts.read_text("utf-8", "replace").splitlines():
        _, point, of, *_ = line.split(" ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, of
    return kind

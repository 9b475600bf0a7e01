"""The pool in PostgreSQL, for many hosts. psycopg is the extra `sql`, imported on use."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module, resources
from types import ModuleType
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

ROLES = ("cm_owner", "cm_engine", "cm_reader", "cm_ops")

# Tries of one transaction that another one stood in the way of.
TRIES = 8

# Tries to reach the server again after it went away.
RECONNECTS = 40

# Seconds of one transaction. A server may wait for a standby without an end, or be stopped itself;
# no time-out of its own helps then.
PATIENCE = 30.0

# Set in each transaction and to its end: a session may be a pooler's, and anything may have changed
# what it was opened with.
SETTINGS = {
    "search_path": "cross_market, pg_temp",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}

# What a server must be like that forgets nothing and runs the guards of the tables.
TRUSTED = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
    "session_replication_role": ("origin",),
}


class Postgres:
    """A connection to the server; made anew when it is lost."""

    def __init__(self, url: str, *, create: bool) -> None:
        try:
            self._psycopg: Any = import_module("psycopg")
        except ImportError as error:
            install = "pip install 'cross-market[sql]'"
            raise no(install, "a pool in PostgreSQL needs psycopg") from error
        try:
            parts = self._psycopg.conninfo.conninfo_to_dict(url)
        except self._psycopg.Error as error:
            raise no(type(error).__name__, "no address of a PostgreSQL database") from None
        host = str(parts.get("host", ""))
        # Only a password is no part of what may be shown.
        self.shown = f"postgresql:{host}/{parts.get('dbname', '')}"
        is_near = host in ("localhost", "127.0.0.1", "::1") and "hostaddr" not in parts
        if not is_near:
            # A socket of this machine does not ask for it; no host may mean one of the environment.
            parts.setdefault("sslmode", "verify-full")
        parts.setdefault("connect_timeout", "5")
        self._parts = {**parts, "application_name": "cross_market"}
        self._link: Any = None
        try:
            self._reach()
        except self._psycopg.Error as error:
            # What the library says may name more than a log should.
            raise lost(self.shown, f"cannot be reached ({type(error).__name__})") from None

    def install(self, fill: Callable[["Postgres"], None]) -> None:
        """Write roles, the schema and what `fill` adds, in one transaction."""
        script = resources.files(__package__).joinpath("schema.postgres.sql").read_text("utf-8")

        def build(link: "Postgres") -> None:
            for role in ROLES:
                known = link.rows("SELECT 1 FROM pg_roles WHERE rolname = ?", (role,))
                if not known:
                    name = self._psycopg.sql.Identifier(role)
                    make = self._psycopg.sql.SQL("CREATE ROLE {} NOLOGIN")
                    self._link.execute(make.format(name))
            self._link.execute(script)
            fill(link)
            # From here on it is the owner's, who cannot log in.
            for kind, name in link.rows(
                "SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relname FROM pg_class"
                " WHERE relnamespace = 'cross_market'::regnamespace AND relkind IN ('r', 'v')"
            ):
                give = self._psycopg.sql.SQL("ALTER {} cross_market.{} OWNER TO cm_owner")
                kinds = {"VIEW": "VIEW", "TABLE": "TABLE"}
                self._link.execute(
                    give.format(
                        self._psycopg.sql.SQL(kinds[kind]), self._psycopg.sql.Identifier(name)
                    )
                )
            for (name,) in link.rows(
                "SELECT oid::regprocedure::text FROM pg_proc"
                " WHERE pronamespace = 'cross_market'::regnamespace"
            ):
                self._link.execute(
                    self._psycopg.sql.SQL("ALTER FUNCTION {} OWNER TO cm_owner").format(
                        self._psycopg.sql.SQL(name)
                    )
                )
            self._link.execute("ALTER SCHEMA cross_market OWNER TO cm_owner")

        self.transact(build)

    def rows(self, sql: str, given: Sequence[object] = ()) -> list[Row]:
        """Return the rows of one statement."""
        found = self._link.execute(sql.replace("?", "%s"), tuple(given))
        return list(found.fetchall()) if found.description else []

    def read(self, sql: str, given: Sequence[object] = ()) -> list[Row]:
        """Return the rows of one statement that only reads, over a new connection where need be."""
        for is_last in (False, True):
            try:
                with self._transaction():
                    return self.rows(sql, given)
            except self._psycopg.Error as error:
                self._drop()
                if is_last:
                    raise lost(self.shown, f"cannot be read ({type(error).__name__})") from error
        raise lost(self.shown, "cannot be read")

    def transact(self, work: Callable[["Postgres"], T], operation: str = "") -> T:
        """Run `work` in one transaction, again where another one or a restart stood in the way.

        operation: str – the id under which `work` finds out whether it was done before; without one
            a lost connection is not tried again.
        Raises FencedError, ShortError, UsageError or LedgerError, when nothing was written;
        UnknownOutcomeError when that is not known.
        """
        again, cuts = 0, 0
        may_be_written = False
        while True:
            is_sent = False
            try:
                with self._transaction():
                    found = work(self)
                    is_sent = True
            except self._psycopg.Error as error:
                if self._is_cut(error):
                    self._drop()
                    cuts += 1
                    may_be_written = may_be_written or is_sent
                    if operation and cuts < RECONNECTS:
                        time.sleep(min(0.05 * cuts, 0.5))
                        continue
                    why: Exception = lost(self.shown, "the connection was lost")
                elif is_in_the_way(self._psycopg.errors, error) and again < TRIES:
                    again += 1
                    continue
                else:
                    why = told(self._psycopg.errors, error, self.shown)
                raise (doubtful(why, operation) if may_be_written else why) from error
            except LedgerError as error:
                if may_be_written:
                    raise doubtful(error, operation) from error
                raise
            else:
                return found

    def join(self, member: Member, schema: int, lasts_ms: int) -> int:
        """Begin the next epoch of a member."""
        statement = "SELECT join_pool(?, ?, ?, ?, ?)"
        given = (member.name, lasts_ms, schema, member.config, member.binary)
        return int(self.transact(lambda link: link.rows(statement, given))[0][0])

    def renew(self, member: str, epoch: int, lasts_ms: int) -> bool:
        """Make a lease that lives last longer."""
        statement = "SELECT renew_lease(?, ?, ?)"
        found = self.transact(lambda link: link.rows(statement, (member, epoch, lasts_ms)))
        return found[0][0] is not None

    def note_transfer(self, operation: str) -> bool:
        """Let a transfer that has not ended stand as the operation says."""
        return self.rows("SELECT note_transfer(?)", (operation,))[0][0] is not None

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._line.close()
        self._link = None

    def _reach(self) -> None:
        if self._link is not None and not self._link.closed:
            return
        # Nothing is prepared on the server: what is prepared belongs to a session.
        given = {**self._parts, "autocommit": True, "prepare_threshold": None}
        self._link = self._psycopg.connect(**given)
        self._link.isolation_level = self._psycopg.IsolationLevel.READ_COMMITTED
        # The same connection under a number of our own, which is not given to another meanwhile.
        self._line = socket.socket(fileno=os.dup(self._link.fileno()))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Begin a transaction that owes nothing to what its session was before."""
        self._reach()
        watch = threading.Timer(PATIENCE, hang_up, [self._line])
        watch.daemon = True
        watch.start()
        try:
            with self._link.transaction():
                self._prepare()
                yield
        finally:
            watch.cancel()

    def _prepare(self) -> None:
        """Set what this transaction needs, and raise LedgerError where it does not hold."""
        # Functions are named whole: a search path that is not ours may lead to others.
        sets = ", ".join(["pg_catalog.set_config(?, ?, true)"] * len(SETTINGS))
        self.rows("SELECT " + sets, [text for pair in SETTINGS.items() for text in pair])
        try:
            self._check()
        except LedgerError:
            # Another server may stand behind the address the next time.
            self._drop()
            raise

    def _check(self) -> None:
        """Raise LedgerError for a server that does not hold to what was set, or may forget."""
        names = [*SETTINGS, *TRUSTED]
        asked = ", ".join(["pg_catalog.current_setting(?)"] * len(names))
        is_copy, *values = self.rows(f"SELECT pg_catalog.pg_is_in_recovery(), {asked}", names)[0]
        if is_copy:
            raise lost(self.shown, "a replica, which may lag behind; name the primary")
        stands = dict(zip(names, values, strict=True))
        for name, value in SETTINGS.items():
            if stands[name] != value:
                raise lost(self.shown, f"{name} cannot be set for a transaction")
        for name, fit in TRUSTED.items():
            if stands[name] not in fit:
                raise lost(self.shown, f"{name} is {stands[name]}: what it says may not last")

    def _is_cut(self, error: Exception) -> bool:
        """Return whether a connection is lost, so that a commit may have been done or not.

        A server that goes down says so as an error like others, and only its severity tells.
        """
        if self._link is None or self._link.closed:
            return True
        said: Any = error
        if said.diag.severity_nonlocalized in ("FATAL", "PANIC"):
            return True
        is_link = isinstance(error, self._psycopg.OperationalError | self._psycopg.InterfaceError)
        return is_link and said.sqlstate is None


def hang_up(line: socket.socket) -> None:
    """End a connection, so that whoever waits for its answer hears that it is lost."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def doubtful(why: Exception, operation: str) -> Exception:
    """Return what it means that an operation came to nothing whose earlier try may be written."""
    if not operation or type(why) is not LedgerError:
        return why
    text = f"{why}; {operation!r} may have been written before"
    return UnknownOutcomeError(text, operation=operation)


def is_in_the_way(errors: ModuleType, error: Exception) -> bool:
    """Return whether another transaction was in the way, or wrote the same operation meanwhile."""
    said: Any = error
    others = errors.SerializationFailure | errors.DeadlockDetected
    return isinstance(error, others) or said.diag.constraint_name == "operation_pkey"


def told(errors: ModuleType, error: Exception, shown: str) -> Exception:
    """Return what an error of PostgreSQL means here, when nothing was written.

    Only what the guards of the tables say is about the operation. All else (a timeout, no room, a
    server that may only be read) is about the server, and the same id may be asked again.
    """
    text = str(error).split("\n")[0]
    if isinstance(error, errors.RaiseException) and text.startswith("fenced"):
        return FencedError(f"{shown}: {text}")
    if isinstance(error, errors.CheckViolation) or "no such allotment" in text:
        return ShortError(f"{shown}: less is there than was asked for ({text})")
    about_it = (
        errors.RaiseException
        | errors.IntegrityError
        | errors.DataError
        | errors.InsufficientPrivilege
        | errors.DuplicateSchema
    )
    if isinstance(error, about_it):
        return UsageError(f"{shown}: {text}")
    return LedgerError(f"{shown}: {text}")

"""The ledger while its database fails: no room, time-outs, sessions that something has changed.

What a server says of itself is never a refusal of an operation: the same id is asked again.
"""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market.funds import ledger as led
from cross_market.funds.ledger import postgres
from ledger_parts import buckets, emptied, make, opened
from pool.server import Server

BEFORE = [1000, 0, 0, 0, 1000]
AFTER = [970, 30, 0, 0, 1000]


def begun(place: str, lease: str = "120 s") -> led.Ledger:
    pool = opened(place, lease=lease)
    pool.bring("in-a", "a", 1000)
    pool.bring("in-b", "b", 1000)
    return pool


def ask(pool: led.Ledger) -> None:
    pool.allot("once", {"a": 30, "b": 30})


def check_nothing(pool: led.Ledger) -> None:
    """What failed has left nothing behind: no money moved, no id used up."""
    assert [buckets(pool, name) for name in "ab"] == [BEFORE, BEFORE]
    assert pool.allotments() == []
    assert "once" not in dict(pool.operations())


def check_once(pool: led.Ledger) -> None:
    """Asked again under its id, it counts, and once."""
    for _ in range(2):
        ask(pool)
        assert [buckets(pool, name) for name in "ab"] == [AFTER, AFTER]
    assert dict(pool.operations())["once"] is None


def paused(pool: led.Ledger, act: Callable[[], None], count: int = 1) -> None:
    """Let something happen between the two postings of an operation, so many times."""
    link: Any = pool._link
    rows = link.rows
    seen: list[object] = []

    def between(sql: str, given: tuple[object, ...] = ()) -> list[Any]:
        if "INTO posting" in sql and given[1] == "b" and len(seen) < count:
            seen.append(given)
            act()
        found: list[Any] = rows(sql, given)
        return found

    link.rows = between


# SQLite.


@pytest.fixture
def file(tmp_path: Path) -> str:
    tmp_path.chmod(0o700)
    place = f"sqlite:{tmp_path / 'pool.db'}"
    make(place)
    return place


def filled(pool: led.Ledger) -> int:
    """Do operations until no more fit; return how many did."""
    number = 0
    with pytest.raises(led.LedgerError, match="full") as error:  # noqa: PT012
        while True:
            pool.gain(f"fill {number}", "usd", 1)
            number += 1
    assert type(error.value) is led.LedgerError
    return number


def test_a_file_that_may_not_grow_takes_what_fits(file: str) -> None:
    with begun(file) as pool:
        link: Any = pool._link
        link._link.execute("PRAGMA max_page_count = 1")
        fitted = filled(pool)
        assert buckets(pool, "usd") == [fitted, 0, 0, 0, fitted]
        with pytest.raises(led.LedgerError, match="full"):
            pool.release("long", "none", "a", reason="x" * 20_000)
        assert f"fill {fitted}" not in dict(pool.operations())
        link._link.execute("PRAGMA max_page_count = 1000000")
        pool.gain(f"fill {fitted}", "usd", 1)
        assert buckets(pool, "usd")[0] == fitted + 1
        check_nothing(pool)
        check_once(pool)


def test_a_file_that_may_only_be_read_takes_nothing(file: str) -> None:
    with begun(file) as pool:
        link: Any = pool._link
        link._link.execute("PRAGMA query_only = ON")
        with pytest.raises(led.LedgerError, match="readonly") as error:
            ask(pool)
        assert type(error.value) is led.LedgerError
        link._link.execute("PRAGMA query_only = OFF")
        check_nothing(pool)
        check_once(pool)


def test_a_file_that_another_one_holds_is_asked_again(file: str) -> None:
    with begun(file) as pool:
        link: Any = pool._link
        link._link.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(file.removeprefix("sqlite:"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(led.LedgerError, match="locked"):
            ask(pool)
        other.execute("ROLLBACK")
        other.close()
        check_nothing(pool)
        check_once(pool)


# No file of the process grows any more, whatever SQLite does: the write in its COMMIT fails.
CHILD = """
import resource, sys
from pathlib import Path
from cross_market.funds import ledger as led

place = sys.argv[1]
log = Path(place.removeprefix("sqlite:") + "-wal")
hard = resource.RLIM_INFINITY
with led.Ledger.open(place, member=led.Member(name="one", config="c", binary="b")) as pool:
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + int(sys.argv[2]), hard))
    try:
        pool.allot("once", {"a": 30, "b": 30})
    except led.UnknownOutcomeError as error:
        assert error.operation == "once"
        print("unknown")
    if sys.argv[3] == "stays":
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        pool.allot("once", {"a": 30, "b": 30})
        print("once")
"""


@pytest.mark.parametrize("room", [0, 5000])
@pytest.mark.parametrize("then", ["stays", "dies"])
def test_a_commit_that_the_disk_did_not_take_is_unknown(file: str, room: int, then: str) -> None:
    with begun(file) as pool:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, file, str(room), then],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["unknown"] + ["once"] * (then == "stays")
        if then == "dies":
            check_nothing(pool)
    with opened(file) as pool:
        check_once(pool)


# PostgreSQL.


@pytest.fixture
def begun_there(server: Server) -> Iterator[led.Ledger]:
    make(emptied(server))
    with begun(server.url()) as pool:
        yield pool


@pytest.mark.parametrize("which", ["statement_timeout", "lock_timeout"])
def test_what_takes_too_long_may_be_asked_again(
    server: Server, begun_there: led.Ledger, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setitem(postgres.SETTINGS, which, "100ms")
    with psycopg.connect(server.url()) as other:
        # The money of `a` has moved when that of `b` is waited for.
        other.execute("SELECT 1 FROM cross_market.account WHERE name = 'b' FOR UPDATE")
        with pytest.raises(led.LedgerError, match=which.replace("_timeout", " timeout")) as error:
            ask(begun_there)
        assert type(error.value) is led.LedgerError
        check_nothing(begun_there)
    check_once(begun_there)


def test_a_pause_within_a_transaction_is_no_refusal(
    begun_there: led.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a session that sleeps in a transaction; whoever wakes up asks again."""
    monkeypatch.setitem(postgres.SETTINGS, "idle_in_transaction_session_timeout", "50ms")
    paused(begun_there, lambda: time.sleep(0.3))
    check_once(begun_there)


def test_a_session_that_is_ended_within_a_transaction_is_no_refusal(
    server: Server, begun_there: led.Ledger
) -> None:
    import psycopg

    def end() -> None:
        with psycopg.connect(server.url(), autocommit=True) as desk:
            desk.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'cross_market'"
            )

    paused(begun_there, end, count=2)
    check_once(begun_there)


CONDITIONS = {
    "25006": "read only",
    "25P02": "an earlier error",
    "42P01": "no such table",
    "53100": "disk full",
    "53200": "out of memory",
    "53400": "a limit of the configuration",
    "57014": "cancelled",
    "58030": "a disk that gives errors",
    "XX000": "an error within",
    "XX001": "data that is damaged",
}


@pytest.mark.parametrize("code", CONDITIONS, ids=CONDITIONS.get)
def test_what_a_server_says_of_itself_is_no_refusal(
    server: Server, begun_there: led.Ledger, code: str
) -> None:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as desk:
        desk.execute(
            "CREATE FUNCTION cross_market.harm() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'of the server' USING ERRCODE = '{code}'; END $$"
        )
        desk.execute(
            "CREATE TRIGGER harm AFTER INSERT ON cross_market.posting"
            " FOR EACH ROW WHEN (NEW.account = 'b') EXECUTE FUNCTION cross_market.harm()"
        )
        with pytest.raises(led.LedgerError, match="of the server") as error:
            ask(begun_there)
        assert type(error.value) is led.LedgerError
        desk.execute("DROP TRIGGER harm ON cross_market.posting")
    check_nothing(begun_there)
    check_once(begun_there)


def test_a_server_that_may_only_be_read_takes_nothing(
    server: Server, begun_there: led.Ledger
) -> None:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as desk:
        begun_there.close()
        desk.execute("ALTER ROLE postgres SET default_transaction_read_only = on")
        try:
            with pytest.raises(led.LedgerError, match="read-only"):
                ask(begun_there)
            check_nothing(begun_there)
        finally:
            desk.execute("ALTER ROLE postgres RESET default_transaction_read_only")
    begun_there.close()
    check_once(begun_there)


# What a pooler may hand over: a session that something else has changed.
CHANGES = (
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET search_path = evil, pg_catalog",
    "SET default_transaction_isolation = 'serializable'",
)
# Functions and a table that answer in the place of the right ones.
EVIL = (
    "CREATE SCHEMA evil",
    "CREATE TABLE evil.account AS SELECT * FROM cross_market.account",
    "CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2'",
    "CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
    "CREATE FUNCTION evil.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
)


def test_what_a_session_was_before_does_not_count(server: Server, begun_there: led.Ledger) -> None:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as desk:
        try:
            for statement in EVIL:
                desk.execute(statement)
            link: Any = begun_there._link
            seen: dict[str, str] = {}

            def look() -> None:
                for name in postgres.SETTINGS:
                    found = link._link.execute("SELECT pg_catalog.current_setting(%s)", (name,))
                    seen[name] = found.fetchone()[0]

            for statement in CHANGES:
                link._link.execute(statement)
            paused(begun_there, look)
            check_once(begun_there)
            assert seen == postgres.SETTINGS
        finally:
            desk.execute("DROP SCHEMA IF EXISTS evil CASCADE")


@pytest.mark.parametrize(
    "change", ["SET synchronous_commit = off", "SET session_replication_role = replica"]
)
def test_a_session_that_may_forget_or_has_no_guards_is_refused(
    begun_there: led.Ledger, change: str
) -> None:
    link: Any = begun_there._link
    link._link.execute(change)
    with pytest.raises(led.LedgerError, match=change.split()[1]):
        ask(begun_there)
    # The next connection is as it should be.
    check_nothing(begun_there)
    link._link.execute(change)
    with pytest.raises(led.LedgerError, match=change.split()[1]):
        begun_there.balances()
    check_once(begun_there)


def test_a_pool_that_fails_over_to_a_replica_is_not_read(server: Server) -> None:
    """What lags behind must not say what is free, also where it answers in the other's place."""
    make(emptied(server))
    copy = server.replica()
    both = server.url().replace(str(server.folder), f"{server.folder},{copy.folder}")
    try:
        with begun(both) as pool:
            server.stop("immediate")
            try:
                for call in (pool.balances, lambda: ask(pool), pool.renew):
                    with pytest.raises(led.LedgerError, match="replica"):
                        call()
            finally:
                server.start()
            check_once(pool)
    finally:
        copy.remove()


# A disk without room: no file of a server's process grows beyond a size. The log is beyond it.

LITTLE = 64 * 1024


def of_server(pool: led.Ledger) -> int:
    """Return the number of the server's process that a pool speaks with."""
    link: Any = pool._link
    number: int = link._link.info.backend_pid
    return number


def test_a_table_without_room_takes_nothing(server: Server, begun_there: led.Ledger) -> None:
    process = of_server(begun_there)
    server.limit(process, 8192)
    reason = os.urandom(100_000).hex()
    with pytest.raises(led.LedgerError, match="could not extend") as error:
        begun_there.release("long", "none", "a", reason=reason)
    assert type(error.value) is led.LedgerError
    server.limit(process, None)
    assert "long" not in dict(begun_there.operations())
    check_nothing(begun_there)
    check_once(begun_there)


def test_a_commit_that_brings_the_server_down_counts_once(
    server: Server, begun_there: led.Ledger
) -> None:
    """The log has no room: the server goes down within the COMMIT, and recovers by itself."""
    server.limit(of_server(begun_there), LITTLE)
    with suppress(led.UnknownOutcomeError):
        ask(begun_there)
    check_once(begun_there)


def test_a_server_that_stays_down_leaves_it_unknown(
    server: Server, begun_there: led.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RECONNECTS", 6)
    server.limit(0, LITTLE)
    server.limit(of_server(begun_there), LITTLE)
    with pytest.raises(led.UnknownOutcomeError) as error:
        ask(begun_there)
    assert error.value.operation == "once"
    server.stop("immediate")
    server.start()
    check_once(begun_there)


def test_a_server_that_is_stopped_is_hung_up_on(
    server: Server, begun_there: led.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No time-out of the server's own helps where its process does not run."""
    monkeypatch.setattr(postgres, "PATIENCE", 0.3)
    stopped = of_server(begun_there)
    server.run("/bin/kill", "-STOP", str(stopped))
    try:
        ask(begun_there)
        monkeypatch.undo()
        assert of_server(begun_there) != stopped
        check_once(begun_there)
    finally:
        server.run("/bin/kill", "-CONT", str(stopped))


def test_a_commit_that_waits_for_a_standby_is_unknown_until_it_is_there(
    server: Server, begun_there: led.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(postgres, "PATIENCE", 0.5)
    monkeypatch.setitem(postgres.SETTINGS, "lock_timeout", "100ms")
    with psycopg.connect(server.url(), autocommit=True) as desk:
        desk.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        desk.execute("SELECT pg_reload_conf()")
        try:
            # Once the setting is read the commit waits; its try again waits for it, and not long.
            said = "may have been written"
            with pytest.raises(led.UnknownOutcomeError, match=said) as error:  # noqa: PT012
                for number in range(1000):
                    begun_there.gain(f"g {number}", "usd", 1)
        finally:
            desk.execute("ALTER SYSTEM RESET synchronous_standby_names")
            desk.execute("SELECT pg_reload_conf()")
    asked = int(error.value.operation.removeprefix("g "))
    monkeypatch.undo()
    begun_there.gain(f"g {asked}", "usd", 1)
    assert buckets(begun_there, "usd")[0] == asked + 1
    check_once(begun_there)


def test_another_schema_is_refused(
    begun_there: led.Ledger, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    del begun_there
    monkeypatch.setattr("cross_market.funds.ledger.ledger.SCHEMA", 2)
    with pytest.raises(cm.UsageError, match="schema 2 is not the pool's, 1"):
        opened(server.url())


REQUESTS = {80877103: "TLS", 80877104: "GSS"}


def after_a_no(place: str) -> bytes:
    """Return what a client says in the open to a listener that has no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        said: list[bytes] = []

        def answer() -> None:
            link, _ = listener.accept()
            with link:
                link.settimeout(10)
                while len(word := link.recv(8)) == 8:
                    if int.from_bytes(word[4:], "big") not in REQUESTS:
                        break
                    link.sendall(b"N")
                said.append(word)

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(led.LedgerError, match="cannot be reached"):
            opened(place.format(port=port))
        thread.join()
        return said[0]


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://me@/x?port={port}",
        "postgresql://me@/x?hostaddr=127.0.0.1&port={port}",
        "postgresql://me@localhost/x?hostaddr=127.0.0.1&port={port}",
        "postgresql://me@far.example/x?hostaddr=127.0.0.1&port={port}",
    ],
)
def test_nothing_is_said_in_the_open_to_what_may_be_another_machine(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    assert after_a_no(given) == b""


def test_this_machine_named_as_such_needs_no_encryption() -> None:
    assert after_a_no("postgresql://me@127.0.0.1:{port}/x") != b""

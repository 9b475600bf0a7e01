"""The shared ledger on SQLite and on a real PostgreSQL: who may use what, once, and who may not."""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cross_market as cm
from cross_market.funds import ledger as led
from ledger_parts import buckets, emptied, make, opened
from pool.server import Server

ODD = ["'; DROP TABLE account; --", 'a"b', "%s", "\\", "ä¥", "$1", "{}", "a\nb"]


def test_every_part_of_an_allotment_ends_once(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in-a", "a", 1000)
        pool.bring("in-b", "b", "500")
        pool.allot("one", {"a": "300", "b": "100.50"})
        assert buckets(pool, "a") == [700, 300, 0, 0, 1000]
        pool.post("used", "one", "a", "1.25")
        pool.give_back("back", "one", "a", "298.75")
        assert buckets(pool, "a") == [Decimal("998.75"), 0, 0, 0, Decimal("998.75")]
        with pytest.raises(led.ShortError):
            pool.give_back("more", "one", "a", "0.01")
        assert [(each.account, each.remains) for each in pool.allotments()] == [
            ("b", Decimal("100.50"))
        ]


def test_all_accounts_or_none(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in-a", "a", 1000)
        with pytest.raises(led.ShortError):
            pool.allot("one", {"a": 1000, "b": "0.01"})
        assert buckets(pool, "a") == [1000, 0, 0, 0, 1000]
        assert pool.allotments() == []


def test_an_id_counts_once_for_ever(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 100)
        pool.bring("in", "a", 100)
        assert buckets(pool, "a")[0] == 100
        with pytest.raises(cm.UsageError, match="another operation"):
            pool.bring("in", "a", 101)
        with pytest.raises(led.ShortError):
            pool.allot("big", {"a": 200})
        pool.bring("in-2", "a", 200)
        # What was refused on what was there then is refused for ever.
        with pytest.raises(led.ShortError):
            pool.allot("big", {"a": 200})
        pool.allot("big-2", {"a": 200})


def test_a_successor_fences_its_predecessor(place: str) -> None:
    with opened(place) as old:
        old.bring("in", "a", 100)
        old.allot("one", {"a": 50})
        with opened(place) as new:
            assert new.epoch == old.epoch + 1
            with pytest.raises(led.FencedError):
                old.give_back("late", "one", "a", 50)
            with pytest.raises(led.FencedError):
                old.renew()
            # What the old one had is the new one's.
            new.give_back("early", "one", "a", 50)
            assert buckets(new, "a") == [100, 0, 0, 0, 100]


def test_a_lease_that_is_over_writes_nothing(place: str) -> None:
    with opened(place, lease="100 ms") as pool:
        pool.renew()
        time.sleep(0.2)
        with pytest.raises(led.FencedError):
            pool.bring("in", "a", 1)
        with pytest.raises(led.FencedError):
            pool.renew()


def test_what_a_dead_process_had_is_set_aside_and_ends_by_a_word(place: str) -> None:
    with opened(place, lease="300 ms") as dead, opened(place, "desk") as desk:
        dead.bring("in", "a", 100)
        dead.allot("x", {"a": 30})
        dead.allot("y", {"a": 20})
        with pytest.raises(led.ShortError):
            desk.quarantine("q", "one")
        time.sleep(0.4)
        assert {each.id for each in desk.quarantine("q-2", "one")} == {"x", "y"}
        assert buckets(desk, "a") == [50, 0, 50, 0, 100]
        with pytest.raises(cm.UsageError):
            desk.adopt("not-mine", "z", "a")
        with opened(place) as back:
            back.adopt("mine", "x", "a")
            desk.release("dead", "y", "a", reason="the venue says that its orders are cancelled")
            assert buckets(desk, "a") == [70, 30, 0, 0, 100]


def test_what_is_set_aside_ends_with_what_remains_of_it(place: str) -> None:
    with opened(place, lease="300 ms") as dead, opened(place, "desk") as desk:
        dead.bring("in", "a", 100)
        dead.allot("x", {"a": 30})
        dead.allot("y", {"a": 20})
        dead.post("lost", "x", "a", 5)
        dead.give_back("back", "y", "a", 4)
        time.sleep(0.4)
        assert {each.remains for each in desk.quarantine("q", "one")} == {25, 16}
        with opened(place) as back:
            back.adopt("mine", "x", "a")
            desk.release("dead", "y", "a", reason="cancelled at the venue")
            assert buckets(desk, "a") == [70, 25, 0, 0, 95]


def test_an_id_is_its_member_s(place: str) -> None:
    with opened(place) as one, opened(place, "two") as two:
        one.bring("in", "a", 1000)
        one.allot("x", {"a": 100})
        with pytest.raises(cm.UsageError, match="another member"):
            two.allot("x", {"a": 100})
        assert [each.member for each in one.allotments()] == ["one"]


def test_no_more_arrives_than_was_sent(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 1000)
        pool.send("t", "a", "b", 100)
        with pytest.raises(cm.UsageError, match="more than was sent"):
            pool.settle("there", "t", 900)
        # Refused for ever, also with what would have been right.
        with pytest.raises(cm.UsageError):
            pool.settle("there", "t", 900)
        pool.settle("there-2", "t", 100)
        # The same amount, however it is written.
        for same in (100, "100.00", Decimal(100)):
            pool.settle("there-2", "t", same)
        for state in (pool.settle, lambda *given: pool.fail(given[0], given[1])):
            with pytest.raises(cm.UsageError):
                state(f"again {state.__name__}", "t", 100)
        assert sum(each.total for each in pool.balances()) == 1000


def test_what_a_state_was_against_is_refused_for_ever(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 10)
        with pytest.raises(cm.UsageError):
            pool.settle("early", "t", 1)
        pool.send("t", "a", "b", 1)
        with pytest.raises(cm.UsageError):
            pool.settle("early", "t", 1)
        assert dict(pool.operations())["early"] is not None


def test_the_same_word_on_what_is_set_aside_has_the_same_answer(place: str) -> None:
    with opened(place, lease="300 ms") as dead, opened(place, "desk") as desk:
        dead.bring("in", "a", 100)
        dead.allot("x", {"a": 30})
        dead.allot("y", {"a": 20})
        time.sleep(0.4)
        assert desk.quarantine("q", "one") == desk.quarantine("q", "one")
        assert len(desk.quarantine("q", "one")) == 2
        with opened(place) as back:
            for _ in range(2):
                back.adopt("mine", "x", "a")
                desk.release("dead", "y", "a", reason="cancelled at the venue")
        assert buckets(desk, "a") == [70, 30, 0, 0, 100]


def test_a_route_joins_accounts_of_one_currency_and_grain(place: str, tmp_path: Path) -> None:
    del place
    (tmp_path / "two").mkdir(mode=0o700)
    for name, grain in (("USD", "0.01"), ("CNY", "0.001")):
        accounts = [
            led.PoolAccount(name="a", currency="CNY", island="on", grain="0.01"),
            led.PoolAccount(name="b", currency=name, island="on", grain=grain),
        ]
        with pytest.raises(cm.CrossMarketError, match="currency and grain"):
            led.Ledger.create(
                f"sqlite:{tmp_path / 'two' / name}",
                accounts,
                config="c",
                binary="b",
                routes=[("a", "b")],
            )


def test_another_member_touches_nothing(place: str) -> None:
    with opened(place) as one, opened(place, "two") as two:
        one.bring("in", "a", 100)
        one.allot("x", {"a": 30})
        for call in (two.post, two.give_back):
            with pytest.raises(led.ShortError):
                call(f"theft by {call.__name__}", "x", "a", 1)
        assert buckets(one, "a") == [70, 30, 0, 0, 100]


def test_money_on_its_way_is_in_neither_account(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 100)
        pool.send("t", "a", "b", 40)
        pool.mark("t-left", "t", "left")
        pool.mark("t-late", "t", "late")
        assert buckets(pool, "a") == [60, 0, 0, 40, 100]
        pool.settle("t-there", "t", 39)
        assert buckets(pool, "a") == [60, 0, 0, 0, 60]
        assert buckets(pool, "b") == [39, 0, 0, 0, 39]
        pool.send("u", "a", "b", 10)
        with pytest.raises((cm.UsageError, led.ShortError)):
            pool.fail("t-no", "t")
        pool.fail("u-no", "u")
        assert buckets(pool, "a") == [60, 0, 0, 0, 60]
        with pytest.raises(cm.UsageError):
            pool.send("v", "b", "a", 1)


@pytest.mark.parametrize("changed", ["config", "binary"])
def test_another_configuration_or_binary_is_refused(place: str, changed: str) -> None:
    given = {"name": "one", "config": "c", "binary": "b", changed: "other"}
    with pytest.raises(cm.UsageError, match=changed[:6]):
        led.Ledger.open(place, member=led.Member(**given))


def test_differences_are_listed(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 100)
        pool.allot("x", {"a": 30})
        assert pool.reconcile({("x", "a"): 30}) == []
        assert pool.reconcile({}) == ["x in a: only in the ledger, 30.00"]
        found = pool.reconcile({("x", "a"): 29, ("y", "a"): 1})
        assert found == ["x in a: 29.00 here, 30.00 in the ledger", "y in a: only here"]


@pytest.mark.parametrize("text", ODD)
def test_a_text_is_only_a_text(place: str, text: str) -> None:
    with opened(place, name=text) as pool:
        pool.bring(text, "a", 100)
        pool.allot(text + "-x", {"a": 30})
        pool.give_back(text + "-y", text + "-x", "a", 30)
        assert buckets(pool, "a") == [100, 0, 0, 0, 100]
        with pytest.raises(cm.UsageError):
            pool.bring(text + "-z", text, 1)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_name_that_no_database_keeps_is_refused(place: str, text: str) -> None:
    with opened(place) as pool:
        calls: list[Callable[[], object]] = [
            lambda: opened(place, text),
            lambda: pool.bring(text, "a", 1),
            lambda: pool.post("used", text, "a", 1),
            lambda: pool.adopt("mine", text, "a"),
        ]
        for call in calls:
            with pytest.raises(cm.UsageError, match="without NUL"):
                call()
        assert pool.operations() == []


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e3", "NaN", str(2**70)])
def test_amounts_are_exact(place: str, amount: str) -> None:
    with opened(place) as pool, pytest.raises(cm.ConfigError):
        pool.bring("in", "a", amount)


def test_a_float_is_refused(place: str) -> None:
    with opened(place) as pool, pytest.raises(cm.InputTypeError):
        pool.bring("in", "a", 1.5)


def test_readers_see_one_total(place: str) -> None:
    with opened(place) as pool:
        pool.bring("in", "a", 10_000)
        over, ready, seen = threading.Event(), threading.Event(), []

        def read() -> None:
            with opened(place, "reader") as reader:
                while not over.is_set():
                    seen.append(sum(each.total for each in reader.balances()))
                    ready.set()

        thread = threading.Thread(target=read)
        thread.start()
        assert ready.wait(60)
        for number in range(2000):
            if len(seen) > 5:
                break
            pool.send(f"t{number}", "a", "b", 1)
            pool.settle(f"s{number}", f"t{number}", 1)
        over.set()
        thread.join()
        assert seen
        assert set(seen) == {10_000}


# SQLite alone.


def test_the_file_is_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        tmp_path.chmod(0o700)
        make(f"sqlite:{tmp_path / 'pool.db'}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "pool.db").stat().st_mode) == 0o600
    (tmp_path / "link.db").symlink_to(tmp_path / "pool.db")
    with pytest.raises(cm.UsageError, match="symbolic"):
        opened(f"sqlite:{tmp_path / 'link.db'}")
    (tmp_path / "pool.db").chmod(0o644)
    with pytest.raises(cm.UsageError, match="others"):
        opened(f"sqlite:{tmp_path / 'pool.db'}")
    tmp_path.chmod(0o777)
    with pytest.raises(cm.UsageError, match="others"):
        make(f"sqlite:{tmp_path / 'more.db'}")


ADD = (
    "INSERT INTO operation (id, member, epoch, kind, about, payload, lines, moment)"
    " VALUES ('z', 'one', 1, '{kind}', '{about}', '', {lines}, 0)"
)
LINE = "INSERT INTO posting (operation, account, source, target, amount, allotment) VALUES "
# What no client may write, whatever it has written before: several statements, the last refused.
REFUSED = [
    ["UPDATE account SET free = free + 1"],
    ["UPDATE account SET free = -1, outside = 1"],
    ["UPDATE account SET free = free + 100, outside = outside - 100"],
    [
        "UPDATE account SET free = free - 3000, allotted = allotted + 3000, version = version + 1"
        " WHERE name = 'a'"
    ],
    ["INSERT OR REPLACE INTO account SELECT * FROM account WHERE name = 'a'"],
    ["UPDATE posting SET amount = 1"],
    ["DELETE FROM posting"],
    ["INSERT OR REPLACE INTO posting VALUES (1, 'in', 'a', 'outside', 'free', 7, NULL)"],
    ["DELETE FROM operation"],
    ["UPDATE operation SET payload = ''"],
    ["INSERT OR REPLACE INTO operation SELECT * FROM operation WHERE id = 'in'"],
    ["UPDATE lease SET epoch = 0"],
    ["UPDATE lease SET epoch = epoch + 2"],
    ["UPDATE lease SET member = 'two'"],
    ["INSERT OR REPLACE INTO lease VALUES ('one', 1, 99999999999999)"],
    ["DELETE FROM lease"],
    ["DELETE FROM allotment"],
    ["UPDATE allotment SET remains = amount"],
    ["UPDATE allotment SET remains = remains - 1, last = last + 1"],
    ["UPDATE allotment SET member = 'two'"],
    ["INSERT OR REPLACE INTO allotment SELECT * FROM allotment"],
    ["INSERT INTO allotment VALUES ('in', 'a', 'one', 1, 1, 'allotted', 1)"],
    ["UPDATE pool SET config = 'other'"],
    ["INSERT OR REPLACE INTO pool VALUES (1, 1, 'other', 'b')"],
    ["INSERT INTO route VALUES ('b', 'a')"],
    ["INSERT INTO movement VALUES ('allot', 'outside', 'free')"],
    ["DELETE FROM movement"],
    [ADD.format(kind="bring", about="", lines=1).replace(" 1, 'bring'", " 99, 'bring'")],
    # An operation that was done moves nothing more.
    [LINE + "('in', 'a', 'outside', 'free', 1, NULL)"],
    [LINE + "('x', 'a', 'free', 'allotted', 1, 'x')"],
    [LINE + "('in', 'a', 'allotted', 'free', 1, 'none')"],
    # A kind moves what it moves.
    [ADD.format(kind="allot", about="", lines=1), LINE + "('z', 'a', 'outside', 'free', 1, NULL)"],
    [ADD.format(kind="allot", about="", lines=1), LINE + "('z', 'a', 'free', 'outside', 1, NULL)"],
    [ADD.format(kind="allot", about="", lines=1), LINE + "('z', 'a', 'free', 'allotted', 1, 'q')"],
    [ADD.format(kind="adopt", about="", lines=1), LINE + "('z', 'a', 'allotted', 'free', 1, 'x')"],
    [
        ADD.format(kind="post", about="", lines=1),
        LINE + "('z', 'a', 'allotted', 'outside', 9999, 'x')",
    ],
    # A transfer arrives once, where it was sent to and with no more than was sent.
    [
        ADD.format(kind="settled", about="t", lines=2),
        LINE + "('z', 'b', 'outside', 'free', 101, NULL)",
    ],
    [
        ADD.format(kind="settled", about="t", lines=2),
        LINE + "('z', 'a', 'outside', 'free', 1, NULL)",
    ],
    [
        ADD.format(kind="settled", about="t", lines=2),
        LINE + "('z', 'b', 'outside', 'free', 50, NULL)",
        LINE + "('z', 'b', 'outside', 'free', 50, NULL)",
    ],
    [ADD.format(kind="settled", about="t", lines=2), "UPDATE transfer SET state = 'settled'"],
    [
        ADD.format(kind="settled", about="t", lines=1),
        LINE + "('z', 'b', 'outside', 'free', 1, NULL)",
    ],
    [
        ADD.format(kind="settled", about="t", lines=2),
        ADD.format(kind="settled", about="t", lines=2).replace("'z'", "'y'"),
        LINE + "('z', 'b', 'outside', 'free', 1, NULL)",
        LINE + "('y', 'b', 'outside', 'free', 1, NULL)",
    ],
    # One that was never sent takes nothing from another's way.
    [
        ADD.format(kind="send", about="z", lines=1),
        "INSERT INTO transfer VALUES ('z', 'a', 'b', 1, 'asked')",
        ADD.format(kind="failed", about="z", lines=1).replace("'z'", "'y'", 1),
        LINE + "('y', 'a', 'transit', 'free', 1, NULL)",
    ],
    [
        ADD.format(kind="failed", about="t", lines=1),
        LINE + "('z', 'a', 'transit', 'free', 99, NULL)",
    ],
    ["UPDATE transfer SET state = 'settled'"],
    ["UPDATE transfer SET amount = 1"],
    ["INSERT INTO transfer VALUES ('in', 'a', 'b', 1, 'asked')"],
    ["INSERT OR REPLACE INTO transfer VALUES ('t', 'a', 'b', 1, 'asked')"],
    ["DELETE FROM transfer"],
]


@pytest.mark.parametrize("statements", REFUSED, ids=lambda each: each[-1][:60])
def test_the_file_itself_refuses(tmp_path: Path, statements: list[str]) -> None:
    tmp_path.chmod(0o700)
    place = f"sqlite:{tmp_path / 'pool.db'}"
    make(place)
    with opened(place) as pool:
        pool.bring("in", "a", 100)
        pool.allot("x", {"a": 30})
        pool.send("t", "a", "b", 1)
        before = pool.balances(), pool.allotments(), pool.transfers(), pool.postings()
        link = sqlite3.connect(tmp_path / "pool.db", isolation_level=None)
        link.execute("PRAGMA foreign_keys = ON")
        link.execute("BEGIN")
        for statement in statements[:-1]:
            link.execute(statement)
        with pytest.raises(sqlite3.Error):
            link.execute(statements[-1])
        link.execute("ROLLBACK")
        link.close()
        assert (pool.balances(), pool.allotments(), pool.transfers(), pool.postings()) == before


def test_the_file_refuses_what_a_fenced_epoch_began(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    place = f"sqlite:{tmp_path / 'pool.db'}"
    make(place)
    link = sqlite3.connect(tmp_path / "pool.db", isolation_level=None)
    with opened(place) as old:
        old.bring("in", "a", 100)
        link.execute(ADD.format(kind="allot", about="", lines=1))
        with opened(place), pytest.raises(sqlite3.Error, match="fenced"):
            link.execute(LINE + "('z', 'a', 'free', 'allotted', 1, 'z')")
    with opened(place, "late", lease="50 ms"):
        time.sleep(0.1)
        with pytest.raises(sqlite3.Error, match="followed"):
            link.execute("UPDATE lease SET until = until + 99999 WHERE member = 'late'")
    link.close()


# PostgreSQL alone.

FORBIDDEN = [
    "UPDATE cross_market.account SET free = 1",
    "INSERT INTO cross_market.account (name, currency, island, grain) VALUES ('z','z','z','1')",
    "UPDATE cross_market.posting SET amount = 1",
    "DELETE FROM cross_market.posting",
    "TRUNCATE cross_market.posting CASCADE",
    "UPDATE cross_market.operation SET payload = ''",
    "DELETE FROM cross_market.operation",
    "UPDATE cross_market.lease SET epoch = 9",
    "INSERT INTO cross_market.lease VALUES ('z', 1, 9999999999999)",
    "DELETE FROM cross_market.lease",
    "UPDATE cross_market.allotment SET remains = amount",
    "INSERT INTO cross_market.allotment VALUES ('z', 'a', 'one', 1, 1, 'allotted')",
    "UPDATE cross_market.transfer SET state = 'settled'",
    "DELETE FROM cross_market.transfer",
    "INSERT INTO cross_market.route VALUES ('b', 'a')",
    "INSERT INTO cross_market.movement VALUES ('allot', 'outside', 'free')",
    "SELECT cross_market.hold_lease('one', 1)",
    "SELECT cross_market.join_pool('z', 1000, 1, 'other', 'b')",
    "SELECT cross_market.join_pool('z', 1000, 2, 'c', 'b')",
    "UPDATE cross_market.pool SET config = 'other'",
    "DROP TABLE cross_market.posting",
    "ALTER TABLE cross_market.account DROP CONSTRAINT account_free_check",
    "ALTER TABLE cross_market.posting DISABLE TRIGGER ALL",
    "CREATE TABLE cross_market.mine (x int)",
    "CREATE OR REPLACE FUNCTION cross_market.only_added_to() RETURNS trigger AS 'BEGIN END' "
    "LANGUAGE plpgsql",
    "SET ROLE cm_owner",
    "GRANT cm_ops TO CURRENT_USER",
]
WRITES = [
    "INSERT INTO cross_market.operation VALUES ('z', 'one', 1, 'allot', '', '', 1, NULL, 0)",
    "INSERT INTO cross_market.posting VALUES ('a', 0, 'in', 'outside', 'free', 1, NULL)",
    "INSERT INTO cross_market.transfer VALUES ('z', 'a', 'b', 1, 'asked')",
    "SELECT cross_market.join_pool('z', 1000, 1, 'c', 'b')",
    "SELECT cross_market.renew_lease('one', 1, 1000)",
    "SELECT cross_market.note_transfer('in')",
]


@pytest.fixture
def pool_server(server: Server) -> Server:
    import psycopg

    make(emptied(server))
    with opened(server.url()) as pool:
        pool.bring("in", "a", 100)
        pool.allot("x", {"a": 30})
    with psycopg.connect(server.url(), autocommit=True) as link:
        for role in ("engine", "reader", "ops", "nobody"):
            link.execute(f"DROP ROLE IF EXISTS t_{role}")
            link.execute(f"CREATE ROLE t_{role} LOGIN")
            if role != "nobody":
                link.execute(f"GRANT cm_{role} TO t_{role}")
    return server


@pytest.mark.parametrize("role", ["engine", "reader", "ops", "nobody"])
def test_each_role_is_refused_what_is_not_its(pool_server: Server, role: str) -> None:
    import psycopg

    statements = FORBIDDEN + (WRITES if role in ("reader", "nobody") else [])
    if role == "nobody":
        statements = [*statements, "SELECT * FROM cross_market.account"]
    with psycopg.connect(pool_server.url(f"t_{role}"), autocommit=True) as link:
        for statement in statements:
            with pytest.raises(psycopg.Error):
                link.execute(statement)
        if role != "nobody":
            assert link.execute(
                "SELECT free FROM cross_market.account WHERE name = 'a'"
            ).fetchone() == (7000,)


# What is refused in SQLite by guards of the tables is refused here by rights; the rest is the same.
MOVES = [
    each
    for each in REFUSED
    if each[-1].startswith((LINE, "INSERT INTO transfer", "INSERT INTO operation"))
]


@pytest.mark.parametrize("statements", MOVES, ids=lambda each: each[-1][-60:])
def test_the_server_itself_refuses(pool_server: Server, statements: list[str]) -> None:
    import psycopg

    with opened(pool_server.url()) as pool:
        pool.send("t", "a", "b", 1)
        before = pool.balances(), pool.allotments(), pool.transfers(), pool.postings()
        epoch = f" {pool.epoch}, '"
        with psycopg.connect(pool_server.url("t_engine"), autocommit=True) as link:
            link.execute("SET search_path = cross_market")
            link.execute("BEGIN")
            for statement in statements[:-1]:
                link.execute(statement.replace(" 1, '", epoch))
            with pytest.raises((psycopg.errors.RaiseException, psycopg.IntegrityError)):
                link.execute(statements[-1].replace(" 1, '", epoch))
            link.execute("ROLLBACK")
        assert (pool.balances(), pool.allotments(), pool.transfers(), pool.postings()) == before


def test_the_server_refuses_what_a_fenced_epoch_began(pool_server: Server) -> None:
    import psycopg

    with opened(pool_server.url()) as old:
        begun = ADD.format(kind="allot", about="", lines=1).replace(" 1, '", f" {old.epoch}, '")
        with psycopg.connect(pool_server.url("t_engine"), autocommit=True) as link:
            link.execute("SET search_path = cross_market")
            link.execute(begun)
            with opened(pool_server.url()), pytest.raises(psycopg.Error, match="fenced"):
                link.execute(LINE + "('z', 'a', 'free', 'allotted', 1, 'z')")


def test_nothing_is_kept_in_the_session_of_the_server(pool_server: Server) -> None:
    """A pooler may give every transaction to another server process."""
    with opened(pool_server.url()) as pool:
        link: Any = pool._link
        for number in range(12):
            link._link.execute("DISCARD ALL")
            pool.gain(f"g{number}", "a", 1)
            assert pool.balances()


def test_an_engine_works_and_brings_nothing_in(pool_server: Server) -> None:
    with opened(pool_server.url("t_engine"), "engine") as pool:
        pool.allot("mine", {"a": 10})
        pool.gain("won", "a", 1)
        pool.give_back("back", "mine", "a", 10)
        for call in (pool.bring, pool.take):
            with pytest.raises(cm.UsageError, match="cm_ops"):
                call("out-" + call.__name__, "a", 1)
    with opened(pool_server.url("t_ops"), "ops") as pool:
        pool.take("out", "a", 1)


def test_the_owner_cannot_log_in(pool_server: Server) -> None:
    import psycopg

    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(pool_server.url("cm_owner"))


def test_a_replica_is_refused(server: Server) -> None:
    make(emptied(server))
    copy = server.replica()
    try:
        with pytest.raises(led.LedgerError, match="replica"):
            opened(copy.url())
    finally:
        copy.remove()


def test_a_server_that_may_forget_is_refused(server: Server) -> None:
    make(emptied(server))
    with pytest.raises(led.LedgerError, match="synchronous_commit"):
        opened(server.url() + "&options=-c%20synchronous_commit%3Doff")


def test_a_commit_without_an_answer_is_looked_up(server: Server) -> None:
    """The server has committed and waits for a standby that is not there; its process dies."""
    import psycopg

    place = emptied(server)
    make(place)
    with opened(place) as pool, psycopg.connect(place, autocommit=True) as desk:
        pool.bring("in", "a", 100)
        desk.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        desk.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)
        waits = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            " AND application_name = 'cross_market'"
        )
        alive = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        killed: list[tuple[int]] = []

        def kill() -> None:
            while not killed:
                killed.extend(desk.execute(waits).fetchall())
            # From here on commits are answered again; the one that waits dies without an answer.
            desk.execute("ALTER SYSTEM RESET synchronous_standby_names")
            desk.execute("SELECT pg_terminate_backend(%s)", killed[0])
            # Were it there still when the setting is read again, it would answer after all.
            while desk.execute(alive, killed[0]).fetchall():
                pass
            desk.execute("SELECT pg_reload_conf()")

        thread = threading.Thread(target=kill)
        thread.start()
        # A gain: that an allotment has the id of its operation would stop a second one by itself.
        pool.gain("once", "a", 30)
        thread.join()
        assert killed
        assert buckets(pool, "a") == [130, 0, 0, 0, 130]


def test_no_password_is_shown() -> None:
    with pytest.raises(cm.CrossMarketError) as error:
        opened("postgresql://me:hunter2@/nowhere?host=/nowhere/at/all")
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None

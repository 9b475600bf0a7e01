"""Several processes or hosts draw on one pool of money.

A session leases an allotment and holds within it locally, so that no order waits for a database.
Every operation has an id: the same id again does nothing and gives the same answer, with another
payload it is refused, and one that was refused is refused for ever. Every write carries the epoch
of its lease and is refused by the database when that is over. See `docs/ledger.md`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from cross_market._files import path_text
from cross_market._values import read_decimal, tidy
from cross_market.contracts.units import parse_span
from cross_market.errors import UsageError
from cross_market.funds.ledger.postgres import Postgres
from cross_market.funds.ledger.sqlite import Sqlite
from cross_market.funds.ledger.values import (
    Allotment,
    FencedError,
    Member,
    PoolAccount,
    PoolBalance,
    PoolTransfer,
    ShortError,
    lost,
    no,
)

__all__ = ["SCHEMA", "Ledger"]

SCHEMA = 1

# How the reason of a refusal begins that is kept for ever: too little there, or a state against it.
SHORT, STATE = "short: ", "state: "

Link: TypeAlias = Sqlite | Postgres

# account, from, to, grains, allotment
Line = tuple[str, str, str, int, str | None]


class Ledger:
    """The pool as one member sees it; made by `create` and `open`, closed as a context.

    Amounts are exact: int, str or Decimal, in whole grains of their account.
    """

    def __init__(self, link: Link, member: Member, lease_ms: int) -> None:
        self._link = link
        self.member = member
        self.lease_ms = lease_ms
        self._accounts = {
            name: PoolAccount(name=name, currency=currency, island=island, grain=grain)
            for name, currency, island, grain in link.read(
                "SELECT name, currency, island, grain FROM account ORDER BY name"
            )
        }
        self.epoch = link.join(member, SCHEMA, lease_ms)

    def __repr__(self) -> str:
        return f"<Ledger {self._link.shown} {self.member.name!r} epoch {self.epoch}>"

    @staticmethod
    def create(
        place: str,
        accounts: Sequence[PoolAccount],
        *,
        config: str,
        binary: str,
        routes: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Make an empty pool.

        place: str – 'sqlite:PATH' or 'postgresql://…', by a role that may create roles.
        accounts – of the pool.
        routes – pairs of names, of one currency and grain: transfers go there and nowhere else.
        config, binary: str – hashes that every member must have.
        Raises UsageError where something is there already.
        """
        if not accounts:
            raise no(place, "a pool has at least one account")

        def fill(link: Link) -> None:
            for each in accounts:
                given = (each.name, each.currency, each.island, each.grain)
                link.rows(
                    "INSERT INTO account (name, currency, island, grain) VALUES (?, ?, ?, ?)", given
                )
            for pair in routes:
                link.rows("INSERT INTO route VALUES (?, ?)", pair)
            link.rows("INSERT INTO pool VALUES (1, ?, ?, ?)", (SCHEMA, config, binary))

        link = reach(place, create=True)
        try:
            link.install(fill)
        finally:
            link.close()

    @classmethod
    def open(cls, place: str, *, member: Member, lease: str = "30 s") -> "Ledger":
        """Join a pool; an earlier process of the same name writes nothing any more.

        lease: str, time – how long without `renew` before others may quarantine what it has.
        Raises UsageError naming what differs from the pool: schema, configuration or binary.
        """
        check_text(member.name)
        link = reach(place, create=False)
        try:
            check_member(link, member)
            return cls(link, member, parse_span(lease, "lease") // 1_000_000)
        except BaseException:
            link.close()
            raise

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the lease runs out by itself, allotments stay."""
        self._link.close()

    def renew(self) -> None:
        """Make the lease last from now on; raises FencedError when it is over."""
        if not self._link.renew(self.member.name, self.epoch, self.lease_ms):
            raise over(self._link.shown, self.member.name)

    # What is there.

    def balances(self) -> list[PoolBalance]:
        """Return where the money of every account stands, all at one moment."""
        found = self._link.read(
            "SELECT name, free, allotted, quarantined, transit, version FROM account ORDER BY name"
        )
        balances = []
        for name, *buckets, version in found:
            of = self._accounts[name]
            free, allotted, quarantined, transit = (of.amount(int(each)) for each in buckets)
            total = free + allotted + quarantined + transit
            balances.append(
                PoolBalance(
                    account=name,
                    currency=of.currency,
                    free=free,
                    allotted=allotted,
                    quarantined=quarantined,
                    transit=transit,
                    total=total,
                    version=int(version),
                )
            )
        return balances

    def allotments(self, member: str | None = None) -> list[Allotment]:
        """Return allotments of which something remains: of a member, or of all."""
        found = self._link.read(
            "SELECT id, account, member, amount, remains, bucket FROM allotment"
            " WHERE remains > 0 AND (member = ? OR ? = '') ORDER BY id, account",
            (member or "", member or ""),
        )
        return self._allotted(found)

    def allotment(self, allotment: str) -> list[Allotment]:
        """Return the parts of one allotment, by account, those that are used up too."""
        found = self._link.read(
            "SELECT id, account, member, amount, remains, bucket FROM allotment"
            " WHERE id = ? ORDER BY account",
            (allotment,),
        )
        return self._allotted(found)

    def _allotted(self, found: list[tuple[Any, ...]]) -> list[Allotment]:
        return [
            Allotment(
                id=key,
                account=account,
                member=of,
                amount=self._accounts[account].amount(int(amount)),
                remains=self._accounts[account].amount(int(remains)),
                quarantined=bucket == "quarantined",
            )
            for key, account, of, amount, remains, bucket in found
        ]

    def transfers(self) -> dict[str, PoolTransfer]:
        """Return every transfer by its id."""
        found = self._link.read("SELECT id, source, target, amount, state FROM transfer")
        return {
            key: PoolTransfer(
                id=key,
                source=source,
                target=target,
                amount=self._accounts[source].amount(int(amount)),
                state=state,
            )
            for key, source, target, amount, state in found
        }

    def operations(self) -> list[tuple[str, str | None]]:
        """Return every operation by its id, and why it was refused; None where it was done."""
        found = self._link.read("SELECT id, refused FROM operation ORDER BY id")
        return [(key, refused) for key, refused in found]

    def postings(self) -> list[Line]:
        """Return every posting in the order in which it counts in its account.

        returns: list of (account, from, to, amount in grains, allotment or None).
        """
        found = self._link.read(
            "SELECT account, source, target, amount, allotment FROM ordered_posting"
        )
        return [(account, source, to, int(units), of) for account, source, to, units, of in found]

    def reconcile(self, ours: Mapping[tuple[str, str], object]) -> list[str]:
        """Return how a session's own record of its allotments differs from the ledger's.

        ours – (id, account) to what remains. Nothing is merged: a person or the caller decides.
        """
        theirs = {(each.id, each.account): each for each in self.allotments(self.member.name)}
        found = []
        for key in sorted({*ours, *theirs}):
            name = f"{key[0]} in {key[1]}"
            if key not in theirs:
                found.append(f"{name}: only here")
            elif key not in ours:
                found.append(f"{name}: only in the ledger, {theirs[key].remains}")
            else:
                grain = self._account(key[1])
                here = grain.amount(grain.units(ours[key], "reconcile"))
                if here != theirs[key].remains:
                    found.append(f"{name}: {here} here, {theirs[key].remains} in the ledger")
        return found

    # What is done.

    def allot(self, operation: str, amounts: Mapping[str, object]) -> None:
        """Take free money of one or several accounts for this member, all or none.

        operation: str – its id, and that of the allotment.
        amounts – account to amount.
        Raises ShortError when an account has less.
        """
        lines: list[Line] = [
            (name, "free", "allotted", self._units(name, amounts[name]), operation)
            for name in sorted(amounts)
        ]
        self._do(operation, "allot", lines)

    def post(self, operation: str, allotment: str, account: str, amount: object) -> None:
        """Use a part of an allotment up: it has left the pool as a fee or a loss."""
        line: Line = (account, "allotted", "outside", self._units(account, amount), allotment)
        self._do(operation, "post", [line])

    def give_back(self, operation: str, allotment: str, account: str, amount: object) -> None:
        """Make a part of an allotment free again."""
        line: Line = (account, "allotted", "free", self._units(account, amount), allotment)
        self._do(operation, "give_back", [line])

    def gain(self, operation: str, account: str, amount: object) -> None:
        """Book a result, interest or funding that came in."""
        line: Line = (account, "outside", "free", self._units(account, amount), None)
        self._do(operation, "gain", [line])

    def bring(self, operation: str, account: str, amount: object) -> None:
        """Book money that a person brought in; on PostgreSQL a word of `cm_ops`."""
        line: Line = (account, "outside", "free", self._units(account, amount), None)
        self._do(operation, "bring", [line])

    def take(self, operation: str, account: str, amount: object) -> None:
        """Book money that a person took out; on PostgreSQL a word of `cm_ops`."""
        line: Line = (account, "free", "outside", self._units(account, amount), None)
        self._do(operation, "take", [line])

    def quarantine(self, operation: str, member: str) -> list[Allotment]:
        """Set aside what a member has whose lease is over: its orders may still trade.

        returns: list of Allotment – what this operation set aside.
        """

        def lines(link: Link) -> list[Line]:
            found = link.rows(
                "SELECT account, remains, id FROM allotment"
                " WHERE member = ? AND bucket = 'allotted' AND remains > 0 ORDER BY account, id",
                (member,),
            )
            return [
                (account, "allotted", "quarantined", int(units), key)
                for account, units, key in found
            ]

        self._do(operation, "quarantine", lines, about=member)
        found = self._link.read(
            "SELECT allotment.id, allotment.account, member, allotment.amount, posting.amount"
            " FROM posting JOIN allotment"
            " ON allotment.id = posting.allotment AND allotment.account = posting.account"
            " WHERE posting.operation = ? ORDER BY allotment.id, allotment.account",
            (operation,),
        )
        return [
            Allotment(
                id=key,
                account=account,
                member=of,
                amount=self._account(account).amount(int(amount)),
                remains=self._account(account).amount(int(remains)),
                quarantined=True,
            )
            for key, account, of, amount, remains in found
        ]

    def adopt(self, operation: str, allotment: str, account: str) -> None:
        """Take back what was set aside of this member's, by a later process of its name."""
        lines = aside(allotment, account, "allotted")
        self._do(operation, "adopt", lines, about=allotment, said={"account": account})

    def release(self, operation: str, allotment: str, account: str, *, reason: str) -> None:
        """Make what was set aside free: a person states that no order of it may trade any more.

        reason: str – how that is known; recorded. On PostgreSQL a word of `cm_ops`.
        """
        lines = aside(allotment, account, "free")
        self._do(
            operation,
            "release",
            lines,
            about=allotment,
            said={"account": account, "reason": reason},
        )

    def send(self, operation: str, source: str, target: str, amount: object) -> None:
        """Put free money on its way over a declared route; `operation` is the transfer's id."""
        units = self._units(source, amount)
        self._account(target)

        def lines(link: Link) -> list[Line]:
            del link
            return [(source, "free", "transit", units, None)]

        def begin(link: Link) -> None:
            link.rows(
                "INSERT INTO transfer VALUES (?, ?, ?, ?, 'asked')",
                (operation, source, target, units),
            )

        said = {"source": source, "target": target, "units": str(units)}
        self._do(operation, "send", lines, about=operation, begin=begin, said=said)

    def mark(self, operation: str, transfer: str, state: str) -> None:
        """Note that a transfer has 'left', is 'late' or 'unknown'; its money stays in transit."""
        if state not in ("left", "late", "unknown"):
            raise no(state, "left, late or unknown")
        self._do(operation, state, [], about=transfer, end=self._noting(operation, transfer))

    def settle(self, operation: str, transfer: str, arrived: object) -> None:
        """Book that a transfer has arrived; what of it did not arrive was the cost of the way.

        arrived: amount – at most what was sent.
        """
        wanted = str(tidy(read_decimal(arrived, "settle", "an amount")))

        def lines(link: Link) -> list[Line]:
            source, target, units = way(link, transfer)
            there = self._units(target, arrived)
            if there > units:
                raise no(transfer, f"more than was sent: {wanted}")
            found: list[Line] = [
                (source, "transit", "outside", units, None),
                (target, "outside", "free", there, None),
            ]
            return sorted(found, key=lambda line: line[0])

        end = self._noting(operation, transfer)
        self._do(operation, "settled", lines, about=transfer, end=end, said={"arrived": wanted})

    def fail(self, operation: str, transfer: str) -> None:
        """Book that a transfer did not go or came back, whole."""

        def lines(link: Link) -> list[Line]:
            source, _, units = way(link, transfer)
            return [(source, "transit", "free", units, None)]

        self._do(operation, "failed", lines, about=transfer, end=self._noting(operation, transfer))

    def _noting(self, operation: str, transfer: str) -> Callable[[Link], None]:
        def note(link: Link) -> None:
            if not link.note_transfer(operation):
                raise no(transfer, "no transfer, or one that has ended")

        return note

    def grain(self, account: str) -> Decimal:
        """Return the smallest amount of an account."""
        return Decimal(self._account(account).grain)

    def _account(self, name: str) -> PoolAccount:
        if name not in self._accounts:
            known = ", ".join(self._accounts)
            raise no(name, f"no account of the pool; known: {known}")
        return self._accounts[name]

    def _units(self, account: str, amount: object) -> int:
        return self._account(account).units(amount, f"amount in {account}")

    def _do(
        self,
        operation: str,
        kind: str,
        lines: list[Line] | Callable[[Link], list[Line]],
        *,
        about: str = "",
        begin: Callable[[Link], None] | None = None,
        end: Callable[[Link], None] | None = None,
        said: Mapping[str, str] | None = None,
    ) -> None:
        """Write an operation and its postings, once for ever.

        lines – or what finds them in the transaction, where they follow from what is there: then
            `about` and `said` alone make two operations the same.
        """
        if not 1 <= len(operation) <= 120:
            raise no(operation, "an operation has an id of 1 to 120 characters")
        stated = [list(line) for line in lines] if isinstance(lines, list) else []
        for text in (operation, about, *[str(line[4]) for line in stated]):
            check_text(text)
        payload = json.dumps([kind, about, stated, dict(said or {})], sort_keys=True)

        def work(link: Link) -> None:
            if self._is_known(link, operation, payload):
                return
            found = lines if isinstance(lines, list) else lines(link)
            self._note(link, operation, (kind, about, payload, len(found), None))
            if begin is not None:
                begin(link)
            for line in found:
                link.rows(
                    "INSERT INTO posting (operation, account, source, target, amount, allotment)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (operation, *line),
                )
            if end is not None:
                end(link)

        try:
            self._link.transact(work, operation)
        except (ShortError, UsageError) as error:
            why = f"{SHORT if isinstance(error, ShortError) else STATE}{error}"

            def refuse(link: Link) -> None:
                if not link.rows("SELECT 1 FROM operation WHERE id = ?", (operation,)):
                    self._note(link, operation, (kind, about, payload, 0, why))

            # What may not even be asked for by this role is not on record.
            with suppress(UsageError):
                self._link.transact(refuse, operation)
            raise

    def _is_known(self, link: Link, operation: str, payload: str) -> bool:
        """Return whether an operation was done; raises what it was refused with."""
        known = link.rows(
            "SELECT member, payload, refused FROM operation WHERE id = ?", (operation,)
        )
        if not known:
            return False
        member, before, refused = known[0]
        if (member, before) != (self.member.name, payload):
            raise no(operation, "was another operation before, or another member's")
        if refused is not None and refused.startswith(SHORT):
            raise ShortError(refused.removeprefix(SHORT))
        if refused is not None:
            raise UsageError(refused.removeprefix(STATE), call="Ledger")
        return True

    def _note(
        self, link: Link, operation: str, given: tuple[str, str, str, int, str | None]
    ) -> None:
        link.rows(
            "INSERT INTO operation"
            " (id, member, epoch, kind, about, payload, lines, refused, moment)"
            " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ms FROM clock",
            (operation, self.member.name, self.epoch, *given),
        )


def way(link: Link, transfer: str) -> tuple[str, str, int]:
    """Return source, target and grains of a transfer."""
    found = link.rows("SELECT source, target, amount FROM transfer WHERE id = ?", (transfer,))
    if not found:
        raise no(transfer, "no such transfer")
    source, target, amount = found[0]
    return source, target, int(amount)


def aside(allotment: str, account: str, to: str) -> Callable[[Link], list[Line]]:
    """Return what finds the line that ends a quarantine."""

    def lines(link: Link) -> list[Line]:
        found = link.rows(
            "SELECT remains FROM allotment WHERE id = ? AND account = ?"
            " AND bucket = 'quarantined' AND remains > 0",
            (allotment, account),
        )
        if not found:
            raise no(allotment, f"nothing of it is set aside in {account!r}")
        return [(account, "quarantined", to, int(found[0][0]), allotment)]

    return lines


def check_text(text: str) -> None:
    """Raise UsageError for a name that some database cannot keep as it is."""
    if "\0" in text or text.encode("utf-8", "replace").decode("utf-8") != text:
        raise no(repr(text), "a name is text without NUL and without halves of characters")


def check_member(link: Link, member: Member) -> None:
    """Raise UsageError naming what of a member is not as in the pool."""
    found = link.read('SELECT schema, config, "binary" FROM pool')
    if not found:
        raise lost(link.shown, "a pool without its row")
    schema, config, binary = found[0]
    for what, ours, theirs in (
        ("schema", SCHEMA, schema),
        ("configuration", member.config, config),
        ("binary", member.binary, binary),
    ):
        if ours != theirs:
            raise no(link.shown, f"{what} {ours!r} is not the pool's, {theirs!r}")


def over(where: str, member: str) -> FencedError:
    """Return the error for a lease that is over."""
    return FencedError(f"{where}: the lease of {member!r} is over")


def reach(place: str, *, create: bool) -> Link:
    """Return a connection to 'sqlite:PATH' or 'postgresql://…'."""
    text = path_text(place, "place")
    if text.startswith("sqlite:"):
        return Sqlite(Path(text.removeprefix("sqlite:")), create=create)
    if text.startswith(("postgresql://", "postgres://")):
        return Postgres(text, create=create)
    raise no(text.partition(":")[0], "a pool is at 'sqlite:PATH' or 'postgresql://…'")

"""One allotment, used by one session: its lease told, its results posted."""

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from cross_market._values import read_decimal
from cross_market.funds.ledger.ledger import Ledger
from cross_market.funds.ledger.values import Allotment, ShortError, no

if TYPE_CHECKING:
    from cross_market.commands import Command
    from cross_market.session import Session

NS_PER_MS = 1_000_000
# Most characters of an operation's id.
ID_MAX = 120


class Draw:
    """What a session uses of a pool: the accounts of one allotment, each `leased` in its config.

    The session hears first what will be posted, and the ledger one renewal later, when the journal
    has long been synced: a crash in between is made good by the next renewal, under the same id,
    and nothing is posted twice. Losses are paid by the allotment, gains come to the pool, those too
    that come after it is used up. What is lost beyond it no pool can pay: `unpaid` says how much.

    pool: Ledger. session: Session. allotment: str – its id.
    Raises UsageError for an id so long that its postings could have none.
    """

    def __init__(self, pool: Ledger, session: "Session", allotment: str) -> None:
        self.pool, self.session, self.allotment = pool, session, allotment
        for account in self._rows():
            if len(self._posting(account, 10**18)) > ID_MAX:
                where = f"{allotment} in {account}"
                raise no(
                    where, f"too long: what is posted has an id of at most {ID_MAX} characters"
                )

    def renew(self, now: int) -> "list[Command]":
        """Post what was told before, renew the lease with the pool, and tell the session of it.

        now: int, ns – engine time; by the engine's clock the lease is over before it is by the
            pool's.
        returns: list of commands, as `Session.handle` does.
        Raises FencedError when another process has the lease: the session is told nothing, and what
        it was told before runs out. A LedgerError likewise.
        """
        self.post()
        self.pool.renew()
        until = now + self.pool.lease_ms * NS_PER_MS
        commands = []
        rows = self._rows()
        for account, of in self._allotments().items():
            if account not in rows:
                where = "draw"
                raise no(where, f"{account} draws on no pool: Account(leased=True)")
            row = rows[account]
            posted = row["posted"] or Decimal(0)
            # A lease told twice for one moment has one id to post under.
            earned = (
                Decimal(0) if row["until"] == until else self._whole(row["brought"] - posted, of)
            )
            change = max(earned, -of.remains)
            if not of.remains and change <= 0:
                # Used up: the lease runs out, and what comes back later is still the pool's.
                continue
            commands += self.session.lease(
                account,
                amount=of.remains + min(change, Decimal(0)),
                posted=posted + change,
                epoch=self.pool.epoch,
                until=until,
                now=now,
            )
        return commands

    def post(self) -> None:
        """Tell the ledger what the session was told last; the same again does nothing."""
        for account, row in self._rows().items():
            change = (row["posted"] or Decimal(0)) - (row["posted_before"] or Decimal(0))
            operation = self._posting(account, row["until"])
            if change < 0:
                self.pool.post(operation, self.allotment, account, -change)
            elif change > 0:
                self.pool.gain(operation, account, change)

    def give_back(
        self, operation: str, account: str, amount: object, *, now: int
    ) -> "list[Command]":
        """Make a part of the allotment free again: the session lets go of it before others may.

        operation: str – its id, as in `Ledger.give_back`.
        amount – of what the session has not bound.
        now: int, ns – engine time. returns: list of commands, as `Session.handle` does.
        Raises ShortError when the session has bound more of its lease; nothing has changed then.
        """
        self.post()
        row = self._rows().get(account)
        wanted = read_decimal(amount, "give_back", "an amount")
        if row is None or (row["room"] or Decimal(0)) < wanted:
            has = "no lease" if row is None else f"{row['room']} that is not bound"
            text = f"{self.allotment}: {wanted} of {account} is to go back, and there is {has}"
            raise ShortError(text, call="Draw.give_back")
        # A lease told with what was posted before has nothing to post.
        told = self.session.lease(
            account,
            amount=row["amount"] - wanted,
            posted=row["posted"],
            epoch=self.pool.epoch,
            until=int(row["until"]),
            now=now,
        )
        self.pool.give_back(operation, self.allotment, account, amount)
        return told

    def unpaid(self) -> dict[str, Decimal]:
        """Return what was lost beyond what remains of the allotment, by account.

        The ledger does not know of it: what it says is there is too much by so much.
        """
        rows = self._rows()
        found = {
            account: rows[account]["brought"] - (rows[account]["posted"] or Decimal(0))
            for account, of in self._allotments().items()
            if account in rows and not of.remains
        }
        return {account: -amount for account, amount in found.items() if amount < 0}

    def _posting(self, account: str, until: object) -> str:
        """Return the id under which is posted what was told with a lease."""
        return f"{self.allotment} {account} until {until}"

    def _rows(self) -> dict[str, dict[str, Decimal]]:
        leases = self.session.leases()
        leases = leases.set_column(
            leases.schema.get_field_index("until"), "until", leases["until"].cast("int64")
        )
        return {row["account"]: row for row in leases.to_pylist()}

    def _allotments(self) -> dict[str, Allotment]:
        mine = self.pool.allotment(self.allotment)
        return {
            each.account: each
            for each in mine
            if each.member == self.pool.member.name and not each.quarantined
        }

    def _whole(self, amount: Decimal, of: Allotment) -> Decimal:
        """Return whole grains of an amount, rounded against us."""
        grain = self.pool.grain(of.account)
        return (amount / grain).to_integral_value(ROUND_FLOOR) * grain

//! What a run may use of an account that draws on a pool with others.
//!
//! The pool says how much, until when and in which epoch; the run holds within that by itself, so that
//! no order waits for a database. What the run has lost and the pool does not know yet counts against
//! it, as do losses on paper; gains do not count before the pool has said so with another amount.

use super::{Bucket, Funds, HoldError, Ledger, Short, ShortKind, Worth};
use crate::ids::AccountId;
use crate::num::Money;
use crate::time::Time;
use crate::wire::Writer;

/// Where the results of a run stand in a ledger, with the other sign. What is locked in until its
/// prompt is none before it is paid: nobody could spend it.
const RESULTS: [Bucket; 9] = [
    Bucket::Fee,
    Bucket::Result,
    Bucket::Variation,
    Bucket::Trade,
    Bucket::Funding,
    Bucket::Interest,
    Bucket::Adjustment,
    Bucket::Dust,
    Bucket::Forward,
];

/// A part of a pool's money in one account, for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The account.
    pub account: AccountId,
    /// How much its positions and orders may bind together; zero or more.
    pub amount: Money,
    /// What of the results of this run is in the amount by now; what was lost is below zero.
    pub posted: Money,
    /// The epoch that the pool has given the run; it never descends.
    pub epoch: u64,
    /// When it is over: nothing is entered from then on.
    pub until: Time,
}

/// A lease as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leased {
    /// What was told last.
    pub lease: Lease,
    /// What had been posted by the lease before: the difference is what the pool may not have heard.
    pub posted_before: Money,
    /// Whether its time is over.
    pub is_over: bool,
}

/// The leases of a run, sorted by account; none is ever forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    rows: Vec<Leased>,
}

impl Leases {
    fn at(&self, account: AccountId) -> Option<&Leased> {
        let at = self.rows.binary_search_by_key(&account, |row| row.lease.account).ok()?;
        self.rows.get(at)
    }

    pub(super) fn digest(&self, writer: &mut Writer) {
        for Leased { lease, posted_before, is_over } in &self.rows {
            writer.u16(lease.account.0);
            writer.i128(lease.amount.0);
            writer.i128(lease.posted.0);
            writer.i128(posted_before.0);
            writer.u64(lease.epoch);
            writer.i64(lease.until.0);
            writer.bool(*is_over);
        }
    }
}

impl Ledger {
    /// What the run has brought since it began.
    fn brought(&self) -> Money {
        RESULTS.into_iter().map(|bucket| -self.at(bucket)).sum()
    }
}

impl Funds {
    /// The lease of an account, living or over.
    #[must_use]
    pub fn lease(&self, account: AccountId) -> Option<&Leased> {
        self.leases.at(account)
    }

    /// What the run has brought in an account since it began: results, fees, interest and all else that
    /// was not moved in or out.
    #[must_use]
    pub fn brought(&self, account: AccountId) -> Money {
        self.ledger(account).brought()
    }

    /// Takes a lease in the place of the one before. Its epoch was looked at before.
    pub fn set_lease(&mut self, lease: Lease, now: Time) {
        let is_over = lease.until <= now;
        let rows = &mut self.leases.rows;
        match rows.binary_search_by_key(&lease.account, |row| row.lease.account) {
            Ok(at) => {
                if let Some(row) = rows.get_mut(at) {
                    *row = Leased { lease, posted_before: row.lease.posted, is_over };
                }
            }
            Err(at) => rows.insert(at, Leased { lease, posted_before: Money::ZERO, is_over }),
        }
    }

    /// Whether an account draws on no pool, or has a lease that lives.
    #[must_use]
    pub fn is_leased(&self, account: AccountId) -> bool {
        let lives = || self.leases.at(account).is_some_and(|row| !row.is_over);
        !self.ledger(account).terms.leased || lives()
    }

    /// What may still be bound in an account under its lease, nothing where that is over or was never
    /// told; `None` where the account draws on no pool. Below zero when more is bound.
    #[must_use]
    pub fn lease_room(&self, account: AccountId, worth: Worth) -> Option<Money> {
        let ledger = self.ledger(account);
        if !ledger.terms.leased {
            return None;
        }
        let lives = self.leases.at(account).filter(|row| !row.is_over);
        let Some(Leased { lease, .. }) = lives else { return Some(Money::ZERO) };
        let unposted = (ledger.brought() - lease.posted).min(Money::ZERO);
        let paper = worth.paper.min(Money::ZERO);
        Some(lease.amount + unposted + paper - ledger.locked())
    }

    pub(super) fn lease_carries(
        &self,
        account: AccountId,
        sum: Money,
        worth: Worth,
    ) -> Result<(), HoldError> {
        let Some(room) = self.lease_room(account, worth) else { return Ok(()) };
        if self.is_leased(account) && (sum <= room || sum == Money::ZERO) {
            return Ok(());
        }
        let (kind, needed, limit) = (ShortKind::Lease, sum.0, room.0);
        Err(HoldError::Short(Short { account, kind, needed, limit }))
    }

    /// When the next lease is over.
    #[must_use]
    pub fn lease_due(&self) -> Time {
        let living = self.leases.rows.iter().filter(|row| !row.is_over);
        living.map(|row| row.lease.until).min().unwrap_or(Time::MAX)
    }

    /// A lease that is over by now and was not yet, with what is bound under it.
    pub fn next_over(&mut self, now: Time) -> Option<(Lease, Money)> {
        let over = |row: &&mut Leased| !row.is_over && row.lease.until <= now;
        let row = self.leases.rows.iter_mut().find(over)?;
        row.is_over = true;
        let lease = row.lease;
        Some((lease, self.ledger(lease.account).locked()))
    }
}

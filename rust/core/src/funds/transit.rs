//! Money on its way between two accounts: asked for, left, and arrived or come back.
//!
//! What was asked for stands in [`Bucket::InTransit`] of the account that it leaves: ours, and free
//! in neither account, until news says how it ended. Silence proves nothing: a transfer that is
//! late stays where it is. News that contradicts an end takes the end back and is booked, since the
//! bank's later word is the better one; it is told as a conflict.

use super::{Bucket, Cash, CashKind, Funds, HoldError, Short, ShortKind};
use crate::ids::AccountId;
use crate::num::Money;
use crate::time::Time;
use crate::wire::Writer;

/// Most transfers that are kept: those that live, and those that ended last.
pub const TRANSFERS_MAX: usize = 1_024;

/// The number of a transfer. Numbers ascend and are never used twice; zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferId(pub u64);

impl TransferId {
    /// Numbers from here on are the engine's own.
    const OWN: u64 = 1 << 62;

    /// The first number that the engine takes for itself in a run.
    #[must_use]
    pub fn first_own(engine: u8, run: u16) -> TransferId {
        TransferId(TransferId::OWN | u64::from(engine) << 48 | u64::from(run) << 32)
    }

    /// Whether it is one of the engine's own, which nobody else may use.
    #[must_use]
    pub const fn is_own(self) -> bool {
        self.0 >= TransferId::OWN
    }
}

/// Money to be moved between two accounts over a declared route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its number; the same number twice moves money once.
    pub id: TransferId,
    /// From.
    pub from: AccountId,
    /// To.
    pub to: AccountId,
    /// In the currency of `from`; more than zero.
    pub amount: Money,
}

/// How a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum TransferState {
    /// Asked for; it is not known whether it has left.
    Asked = 0,
    /// It has left, and has not arrived.
    Left = 1,
    /// It has arrived.
    Arrived = 2,
    /// It did not go, or came back.
    Failed = 3,
}

impl TransferState {
    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TransferState::Asked => "asked",
            TransferState::Left => "left",
            TransferState::Arrived => "arrived",
            TransferState::Failed => "failed",
        }
    }

    /// Whether the money is on its way.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, TransferState::Asked | TransferState::Left)
    }
}

/// A transfer and what has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transit {
    /// What was asked for.
    pub transfer: Transfer,
    /// Whether both accounts have the same currency.
    pub same_currency: bool,
    /// How it stands.
    pub state: TransferState,
    /// When it was asked for.
    pub asked: Time,
    /// When it should have arrived.
    pub due: Time,
    /// Whether it was told that it is late.
    pub late: bool,
    /// What has left, in the currency of `from`: what was asked for until news names it.
    pub moved: Money,
    /// What has arrived, in the currency of `to`, or has come back, in that of `from`.
    pub ended: Money,
}

/// What asking for a transfer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The money is in transit now.
    New,
    /// It was asked for before, the same in everything; nothing changed.
    Exists,
}

/// What news of a transfer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferNews {
    /// It is booked.
    Booked,
    /// It was known; nothing changed.
    Known,
    /// It contradicts what was booked before, which is taken back, or more comes than went; it is booked.
    Contradicts,
    /// No transfer of that number, account and direction is kept; nothing changed.
    Nobody,
}

/// The transfers that are kept, by ascending number.
#[derive(Clone, Debug)]
pub(super) struct Transits {
    rows: Vec<Transit>,
    newest: TransferId,
    /// The newest of the engine's own numbers.
    newest_own: TransferId,
    /// When the next of them is late; of `rows`, kept for the hot path.
    due: Time,
}

impl Transits {
    pub(super) fn new() -> Transits {
        let none = TransferId(0);
        Transits { rows: Vec::new(), newest: none, newest_own: none, due: Time::MAX }
    }

    pub(super) fn get(&self, id: TransferId) -> Option<&Transit> {
        let found = self.rows.binary_search_by_key(&id, |row| row.transfer.id);
        found.ok().and_then(|at| self.rows.get(at))
    }

    fn set(&mut self, row: Transit) {
        if let Ok(at) = self.rows.binary_search_by_key(&row.transfer.id, |row| row.transfer.id)
            && let Some(known) = self.rows.get_mut(at)
        {
            *known = row;
        }
        self.note_due();
    }

    fn newest_of(&mut self, id: TransferId) -> &mut TransferId {
        if id.is_own() { &mut self.newest_own } else { &mut self.newest }
    }

    fn insert(&mut self, row: Transit) {
        let at = self.rows.partition_point(|known| known.transfer.id < row.transfer.id);
        self.rows.insert(at, row);
    }

    fn note_due(&mut self) {
        let waits = self.rows.iter().filter(|row| row.state.is_live() && !row.late);
        self.due = waits.map(|row| row.due).min().unwrap_or(Time::MAX);
    }

    /// Room for one more: the transfer that ended first gives its place.
    fn make_room(&mut self) -> bool {
        if self.rows.len() < TRANSFERS_MAX {
            return true;
        }
        let ended = self.rows.iter().position(|row| !row.state.is_live());
        ended.map(|at| self.rows.remove(at)).is_some()
    }

    pub(super) fn digest(&self, writer: &mut Writer) {
        writer.u64(self.newest.0);
        if self.newest_own.is_own() {
            writer.u64(self.newest_own.0);
        }
        writer.len(self.rows.len());
        for row in &self.rows {
            let Transfer { id, from, to, amount } = row.transfer;
            writer.u64(id.0);
            writer.u16(from.0);
            writer.u16(to.0);
            writer.i128(amount.0);
            writer.bool(row.same_currency);
            writer.u8(row.state.code());
            writer.i64(row.asked.0);
            writer.i64(row.due.0);
            writer.bool(row.late);
            writer.i128(row.moved.0);
            writer.i128(row.ended.0);
        }
    }
}

impl Funds {
    /// Moves free money into transit. What may be taken out is for the caller to judge: see
    /// [`Funds::withdrawable`].
    ///
    /// # Errors
    /// [`HoldError::Full`] when as many transfers live as are kept, [`HoldError::Short`] when there
    /// is less free money; then nothing has changed. A number that was used for anything else is
    /// for [`Funds::is_new_transfer`] to refuse.
    ///
    /// # Panics
    /// For a number that [`Funds::is_new_transfer`] refuses: a broken invariant.
    pub fn ask(
        &mut self,
        transfer: &Transfer,
        same_currency: bool,
        asked: Time,
        due: Time,
    ) -> Result<Asked, HoldError> {
        match self.is_new_transfer(transfer) {
            Some(true) => {}
            Some(false) => return Ok(Asked::Exists),
            None => panic!("broken invariant: a used number asks for a transfer: {transfer:?}"),
        }
        let available = self.available(transfer.from);
        if transfer.amount > available {
            let (account, kind) = (transfer.from, ShortKind::Available);
            let (needed, limit) = (transfer.amount.0, available.0);
            return Err(HoldError::Short(Short { account, kind, needed, limit }));
        }
        if !self.transits.make_room() {
            return Err(HoldError::Full { max: TRANSFERS_MAX });
        }
        *self.transits.newest_of(transfer.id) = transfer.id;
        self.transits.insert(Transit {
            transfer: *transfer,
            same_currency,
            state: TransferState::Asked,
            asked,
            due,
            late: false,
            moved: transfer.amount,
            ended: Money::ZERO,
        });
        self.transits.note_due();
        self.leave(transfer.from, transfer.amount);
        Ok(Asked::New)
    }

    /// Whether the number of a transfer is new; `false` when this very transfer was asked for,
    /// `None` when the number is used up.
    #[must_use]
    pub fn is_new_transfer(&self, transfer: &Transfer) -> Option<bool> {
        let Transits { newest, newest_own, .. } = self.transits;
        if transfer.id > if transfer.id.is_own() { newest_own } else { newest } {
            return Some(true);
        }
        let known = self.transits.get(transfer.id);
        known.filter(|row| row.transfer == *transfer).map(|_| false)
    }

    /// The next of the engine's own numbers in a run; `None` when they are used up.
    #[must_use]
    pub fn next_own_transfer(&self, engine: u8, run: u16) -> Option<TransferId> {
        let first = TransferId::first_own(engine, run);
        let next = first.max(TransferId(self.transits.newest_own.0 + 1));
        (next.0 >> 32 == first.0 >> 32).then_some(next)
    }

    /// What of the same currency is on its way to an account.
    #[must_use]
    pub fn coming(&self, account: AccountId) -> Money {
        let rows = self.transits.rows.iter();
        let coming = rows
            .filter(|row| row.transfer.to == account && row.same_currency && row.state.is_live());
        coming.map(|row| row.moved).sum()
    }

    /// Books news of a transfer: [`CashKind::Left`], [`CashKind::Arrived`], [`CashKind::Failed`].
    ///
    /// # Panics
    /// For news of another kind: a broken invariant.
    pub fn transfer_news(&mut self, id: TransferId, cash: &Cash) -> TransferNews {
        let Some(row) = self.transits.get(id).copied() else { return TransferNews::Nobody };
        let from = row.transfer.from;
        let (to, account) = if cash.kind == CashKind::Left {
            (TransferState::Left, from)
        } else if cash.kind == CashKind::Arrived {
            (TransferState::Arrived, row.transfer.to)
        } else if cash.kind == CashKind::Failed {
            (TransferState::Failed, from)
        } else {
            panic!("broken invariant: {:?} is no news of a transfer", cash.kind)
        };
        if account != cash.account {
            return TransferNews::Nobody;
        }
        let amount = cash.amount;
        let said = if to == TransferState::Left { row.moved } else { row.ended };
        // That it left may be heard after it has arrived: then it says how much, and no more.
        let is_old = to == TransferState::Left && row.state == TransferState::Arrived;
        if (is_old || row.state == to) && said == amount {
            return TransferNews::Known;
        }
        let goes_on = match (row.state, to) {
            (TransferState::Asked, _) => true,
            (TransferState::Left, _) => to != TransferState::Left,
            // What left was taken to be what was asked for, until now.
            (TransferState::Arrived, TransferState::Left) => row.moved == row.transfer.amount,
            (TransferState::Arrived | TransferState::Failed, _) => false,
        };
        let ended = if is_old { row.ended } else { amount };
        let mut row = self.reopened(row);
        if to == TransferState::Left {
            self.leave(row.transfer.from, amount - row.moved);
            row.moved = amount;
        }
        row.state = if is_old { TransferState::Arrived } else { to };
        if row.state != TransferState::Left {
            row.ended = ended;
        }
        // No way makes money: it is booked, since the bank says so, and told.
        let is_bounded = row.same_currency || row.state == TransferState::Failed;
        let contradicts = !goes_on || is_bounded && row.ended > row.moved;
        self.end(&row, 1);
        self.transits.set(row);
        if contradicts { TransferNews::Contradicts } else { TransferNews::Booked }
    }

    /// The transfers that are kept, by ascending number.
    #[must_use]
    pub fn transits(&self) -> &[Transit] {
        &self.transits.rows
    }

    /// When the next transfer is late; [`Time::MAX`] when none waits.
    #[inline]
    #[must_use]
    pub fn transfer_due(&self) -> Time {
        self.transits.due
    }

    /// The next transfer that is late at `now` and was not told; it counts as told.
    pub fn next_late(&mut self, now: Time) -> Option<Transit> {
        let mut rows = self.transits.rows.iter_mut();
        let row = rows.find(|row| row.state.is_live() && !row.late && row.due <= now)?;
        row.late = true;
        let told = *row;
        self.transits.note_due();
        Some(told)
    }

    /// Money that left an account, or was asked to leave, and has not arrived.
    #[must_use]
    pub fn in_transit(&self, account: AccountId) -> Money {
        self.bucket(account, Bucket::InTransit)
    }

    /// By how much the venue's balance may be above ours because money may not have left, or may
    /// have arrived; `None` when it may come in another currency, so that no bound is known.
    #[must_use]
    pub fn transit_slack(&self, account: AccountId) -> Option<Money> {
        let mut slack = Money::ZERO;
        for row in self.transits.rows.iter().filter(|row| row.state.is_live()) {
            if row.transfer.from == account && row.state == TransferState::Asked {
                slack += row.moved;
            }
            if row.transfer.to == account {
                if !row.same_currency {
                    return None;
                }
                slack += row.moved;
            }
        }
        Some(slack)
    }

    pub(super) fn check_transits(&self) {
        for (account, ledger) in self.accounts.pairs() {
            let live = self.transits.rows.iter().filter(|row| row.state.is_live());
            let of = live.filter(|row| row.transfer.from == account);
            let sum: Money = of.map(|row| row.moved).sum();
            let found = ledger.at(Bucket::InTransit);
            assert!(
                sum == found,
                "broken invariant: {account:?} has {found} in transit, not {sum}"
            );
        }
    }

    /// A transfer as it was before its end was booked.
    fn reopened(&mut self, row: Transit) -> Transit {
        if row.state.is_live() {
            return row;
        }
        self.end(&row, -1);
        Transit { state: TransferState::Left, ended: Money::ZERO, ..row }
    }

    /// Moves free money into transit; what leaves is no loss of the day.
    fn leave(&mut self, from: AccountId, amount: Money) {
        self.shift(from, Bucket::Available, Bucket::InTransit, amount);
        *self.day_start_mut(from) -= amount;
    }

    /// Books the end of a transfer, or with `sign` −1 takes it back. What does not arrive was its
    /// cost, a loss of the day of the account that it left; in another currency there is no telling.
    fn end(&mut self, row: &Transit, sign: i64) {
        let Transfer { from, to, .. } = row.transfer;
        let (moved, ended) = (row.moved.times(sign), row.ended.times(sign));
        match row.state {
            TransferState::Asked | TransferState::Left => {}
            TransferState::Arrived => {
                let gone = if row.same_currency { ended } else { moved };
                self.shift(from, Bucket::InTransit, Bucket::Transfer, gone);
                self.shift(from, Bucket::InTransit, Bucket::Fee, moved - gone);
                *self.day_start_mut(from) += moved - gone;
                self.shift(to, Bucket::Transfer, Bucket::Available, ended);
                *self.day_start_mut(to) += ended;
            }
            TransferState::Failed => {
                self.shift(from, Bucket::InTransit, Bucket::Available, ended);
                self.shift(from, Bucket::InTransit, Bucket::Fee, moved - ended);
                *self.day_start_mut(from) += moved;
            }
        }
    }
}

//! The money of every account: cash, holds, margin, and what the venue says of them.

mod holds;
mod lease;
mod terms;
mod transit;

use crate::ids::{AccountId, ClientOrderId, CurrencyId, InstrumentId, Table};
use crate::num::{MONEY_UNIT, Money, Qty, Ratio, div_ceil, div_floor};
use crate::time::{Day, Time};
use crate::wire::Writer;
use holds::Holds;
use lease::Leases;
use transit::Transits;

pub use lease::{Lease, Leased};
pub use terms::{Freezes, Terms, Unrealised, View, Worth};
pub use transit::{
    Asked, TRANSFERS_MAX, Transfer, TransferId, TransferNews, TransferState, Transit,
};

/// Why money moved, or what a report of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum CashKind {
    /// The balance at the start of the run; booked, never compared.
    Opening = 0,
    /// The venue's balance (cash and margin, without unrealised results), to be compared.
    Balance = 1,
    /// Money that came in (positive) or went out (negative).
    Transfer = 2,
    /// Funding of a perpetual.
    Funding = 3,
    /// Interest.
    Interest = 4,
    /// A fee that belongs to no execution (positive is paid).
    Fee = 5,
    /// A transfer of ours has left this account.
    Left = 6,
    /// A transfer of ours has arrived in this account.
    Arrived = 7,
    /// A transfer of ours did not leave this account, or has come back to it.
    Failed = 8,
    /// What all collateral that is pledged is worth now, before its haircut; it is no cash.
    Collateral = 9,
}

impl CashKind {
    /// Whether it is news of a transfer of ours.
    #[must_use]
    pub const fn is_of_transfer(self) -> bool {
        matches!(self, CashKind::Left | CashKind::Arrived | CashKind::Failed)
    }
}

/// News about the money of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cash {
    /// The account; its currency is meant.
    pub account: AccountId,
    /// When the venue said so.
    pub exchange: Time,
    /// What it is.
    pub kind: CashKind,
    /// The amount, or for [`CashKind::Balance`] and [`CashKind::Opening`] the balance.
    pub amount: Money,
    /// The transfer that it is news of, for those kinds and no other.
    pub transfer: Option<TransferId>,
}

/// Where an amount of an account stands. The sum over all buckets of an account is always zero:
/// what is ours (the first four, and what is in transit) has come from, or gone to, one of the
/// others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bucket {
    /// Ours, free.
    Available = 0,
    /// Ours, held for orders that may trade.
    Held = 1,
    /// Ours, held for orders of ended attempts that may still trade.
    Quarantine = 2,
    /// Ours, margin of positions.
    Margin = 3,
    /// What was there at the start of the run.
    Opening = 4,
    /// Fees.
    Fee = 5,
    /// Realised results.
    Result = 6,
    /// Variation paid at settlements.
    Variation = 7,
    /// The value of what was bought and sold where the whole value changes hands.
    Trade = 8,
    /// Funding of perpetuals.
    Funding = 9,
    /// Interest.
    Interest = 10,
    /// Money moved in or out.
    Transfer = 11,
    /// Differences to the venue's word.
    Adjustment = 12,
    /// What roundings leave.
    Dust = 13,
    /// Ours, in a currency that is not the account's.
    Foreign = 14,
    /// Fees in a currency that is not the account's.
    ForeignFee = 15,
    /// Ours, on its way to another account.
    InTransit = 16,
    /// What of the holds cannot be needed together: zero or less, beside [`Bucket::Held`].
    Relief = 17,
    /// Results that are locked in and paid at their prompt; below zero what will have to be paid.
    Forward = 18,
}

impl Bucket {
    /// Every bucket, in the order of its code.
    pub const ALL: [Bucket; 19] = [
        Bucket::Available,
        Bucket::Held,
        Bucket::Quarantine,
        Bucket::Margin,
        Bucket::Opening,
        Bucket::Fee,
        Bucket::Result,
        Bucket::Variation,
        Bucket::Trade,
        Bucket::Funding,
        Bucket::Interest,
        Bucket::Transfer,
        Bucket::Adjustment,
        Bucket::Dust,
        Bucket::Foreign,
        Bucket::ForeignFee,
        Bucket::InTransit,
        Bucket::Relief,
        Bucket::Forward,
    ];

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
            Bucket::Available => "available",
            Bucket::Held => "held",
            Bucket::Quarantine => "quarantine",
            Bucket::Margin => "margin",
            Bucket::Opening => "opening",
            Bucket::Fee => "fee",
            Bucket::Result => "result",
            Bucket::Variation => "variation",
            Bucket::Trade => "trade",
            Bucket::Funding => "funding",
            Bucket::Interest => "interest",
            Bucket::Transfer => "transfer",
            Bucket::Adjustment => "adjustment",
            Bucket::Dust => "dust",
            Bucket::Foreign => "foreign",
            Bucket::ForeignFee => "foreign_fee",
            Bucket::InTransit => "in_transit",
            Bucket::Relief => "relief",
            Bucket::Forward => "forward",
        }
    }
}

/// One movement of money between two buckets of one account: what leaves one arrives in the other,
/// so every posting sums to zero by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: AccountId,
    /// The currency, `None` for the account's own.
    pub currency: Option<CurrencyId>,
    /// Where it leaves.
    pub from: Bucket,
    /// Where it arrives.
    pub to: Bucket,
    /// How much; a negative amount moves the other way.
    pub amount: Money,
}

/// What one order may need, or what an attempt keeps for its repair (then `order` is the
/// attempt's decision id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The order, or the decision id.
    pub order: ClientOrderId,
    /// The account.
    pub account: AccountId,
    /// How much; zero or more.
    pub amount: Money,
    /// What it is sure to free when it trades: the margin of the lots it closes, or what is paid
    /// for them. It counts for orders that reduce and for repair.
    pub frees: Money,
}

/// What of the holds of an account is free, and what beside them is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relief {
    /// What cannot be needed together.
    pub spared: Money,
    /// What margin comes back where orders break what stands against each other.
    pub risked: Money,
}

/// What is held for one order, or for the repair of one attempt in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order, or the decision id.
    pub order: ClientOrderId,
    /// The account.
    pub account: AccountId,
    /// Whether it stands in [`Bucket::Quarantine`] instead of [`Bucket::Held`].
    pub quarantined: bool,
    /// What was held at first.
    pub amount: Money,
    /// What is neither posted nor voided yet.
    pub left: Money,
}

/// What [`Funds::hold`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// All of it is held now.
    New,
    /// All of it was held before, id by id and amount by amount; nothing changed.
    Exists,
}

/// What is too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortKind {
    /// Free money. Needed and limit in 10⁻⁹ of the account's currency.
    Available,
    /// Room under the usage cap. Needed and limit in 10⁻⁹ of equity; `i128::MAX` needed when the
    /// equity is zero or less.
    Usage,
    /// Room under the lease of a pool. Needed and limit in 10⁻⁹ of the account's currency.
    Lease,
}

/// An account that cannot carry what is needed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// The account.
    pub account: AccountId,
    /// What is too little.
    pub kind: ShortKind,
    /// What would be needed; its unit is the kind's.
    pub needed: i128,
    /// What there is.
    pub limit: i128,
}

/// Why nothing was held; no balance has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldError {
    /// An account cannot carry it.
    Short(Short),
    /// The id is held with another account or amount, or only some ids of the set are held.
    ExistsDifferent {
        /// The id.
        order: ClientOrderId,
        /// What is held for it, zero when nothing is.
        held: Money,
        /// What was asked for.
        asked: Money,
    },
    /// The id had a hold that is resolved, or is older than one that had, or stands twice in the
    /// set.
    Duplicate {
        /// The id.
        order: ClientOrderId,
    },
    /// Less than nothing was asked for.
    Negative {
        /// The id.
        order: ClientOrderId,
        /// What was asked for.
        asked: Money,
    },
    /// As many holds live as the configuration allows.
    Full {
        /// How many.
        max: usize,
    },
}

/// Why a hold could not be taken from; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHold {
    /// It was wholly posted or voided before.
    AlreadyResolved,
    /// There has never been one, or the id names what an attempt keeps for repair.
    Never,
}

/// Where a result is locked in until it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The prompt: it is paid with the first settlement of that day or a later one.
    pub prompt: Day,
}

/// What one execution does to the money of its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeMoney {
    /// The fee; negative is a rebate.
    pub fee: Money,
    /// The realised result that is paid now, signed; zero where the whole value changes hands.
    pub result: Money,
    /// What changes hands: received is positive, paid negative; zero where margin is set aside.
    pub cash_value: Money,
    /// The realised result that is paid at a prompt, signed.
    pub locked: Option<(Lock, Money)>,
    /// By how much the margin grows.
    pub margin_change: Money,
}

impl TradeMoney {
    /// What takes this back.
    #[must_use]
    pub fn reversed(self) -> TradeMoney {
        TradeMoney {
            fee: -self.fee,
            result: -self.result,
            cash_value: -self.cash_value,
            locked: self.locked.map(|(lock, result)| (lock, -result)),
            margin_change: -self.margin_change,
        }
    }
}

/// A balance that differs from the venue's by more than the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Ours.
    pub ours: Money,
    /// Theirs without what may be on its way; ours is the same now, the difference is booked to
    /// [`Bucket::Adjustment`].
    pub theirs: Money,
}

/// Aligned so that what is ours, the first four buckets, shares one line of the cache, and that a
/// ledger is found by a shift.
#[derive(Clone, Debug)]
#[repr(align(512))]
struct Ledger {
    /// By code; the two foreign ones stay empty, see [`Foreign`].
    buckets: [Money; Bucket::ALL.len()],
    /// What the collateral is worth, before its haircut; it is no money.
    collateral: Money,
    /// What of the money counts.
    terms: Terms,
    /// Whether cash alone counts: no collateral, nothing on paper, nothing kept back, no lease.
    is_plain: bool,
    /// Whether its venue freezes for what all orders may come to together, or leaves less margin for
    /// positions that stand against each other.
    nets: bool,
    /// What of the relief is taken back for margin that orders may bring back.
    risked: Money,
}

impl Ledger {
    #[expect(clippy::indexing_slicing, reason = "there is a place for every code")]
    fn at(&self, bucket: Bucket) -> Money {
        self.buckets[usize::from(bucket.code())]
    }

    #[expect(clippy::indexing_slicing, reason = "there is a place for every code")]
    fn at_mut(&mut self, bucket: Bucket) -> &mut Money {
        &mut self.buckets[usize::from(bucket.code())]
    }

    /// What of the collateral counts, rounded down.
    fn pledged(&self) -> Money {
        if self.collateral == Money::ZERO {
            return Money::ZERO;
        }
        self.collateral - self.collateral.scale_up(self.terms.haircut)
    }

    fn note_plain(&mut self) {
        self.is_plain = self.terms.unrealised == Unrealised::Neither
            && self.terms.close_profit
            && !self.terms.leased
            && self.collateral == Money::ZERO;
    }

    /// Ours and not free.
    fn locked(&self) -> Money {
        let locked = self.at(Bucket::Held) + self.at(Bucket::Quarantine) + self.at(Bucket::Margin);
        if self.nets { locked + self.at(Bucket::Relief) } else { locked }
    }
}

/// What was paid in a currency that is not the account's.
#[derive(Clone, Copy, Debug)]
struct Foreign {
    account: AccountId,
    currency: CurrencyId,
    ours: Money,
    fees: Money,
}

/// The money of every account, and every hold on it.
///
/// # Holds
/// [`Funds::hold`] is the only check of money. A hold is taken from piece by piece as its order
/// trades ([`Funds::take`]) and what is left is voided once ([`Funds::void`]); it never expires.
/// The ids of one leg of a hedge ascend, so the newest id that was ever held there is enough to
/// know, for ever and in fixed memory, that an id had a hold before.
///
/// # Equity
/// Usage is (margin + held + quarantine) / equity, and equity here counts unrealised losses but no
/// unrealised gains: what is only on paper holds nothing.
#[derive(Clone, Debug)]
pub struct Funds {
    accounts: Table<AccountId, Ledger>,
    /// Equity when the day began, moved along with money that came in or went out since.
    day_starts: Table<AccountId, Money>,
    holds: Holds,
    /// Sorted by (account, currency).
    foreign: Vec<Foreign>,
    /// Results that are locked in, sorted by account and lock; none is zero.
    forwards: Vec<(AccountId, Lock, Money)>,
    transits: Transits,
    leases: Leases,
    postings: Vec<Posting>,
    /// Whether this event told of collateral, which no posting shows.
    repledged: bool,
    /// Whether holds or margins of an account that nets have changed since [`Funds::take_stale`]
    /// was asked.
    stale: bool,
}

impl Funds {
    /// Empty accounts, and room for `holds_max` holds that live at once.
    #[must_use]
    pub fn new(accounts: usize, holds_max: usize) -> Funds {
        let (buckets, collateral) = ([Money::ZERO; Bucket::ALL.len()], Money::ZERO);
        let ledger = Ledger {
            buckets,
            collateral,
            terms: Terms::PLAIN,
            is_plain: true,
            nets: false,
            risked: Money::ZERO,
        };
        Funds {
            accounts: Table::new(vec![ledger; accounts]),
            day_starts: Table::new(vec![Money::ZERO; accounts]),
            holds: Holds::new(holds_max),
            foreign: Vec::with_capacity(accounts),
            forwards: Vec::new(),
            transits: Transits::new(),
            leases: Leases::default(),
            postings: Vec::with_capacity(256),
            repledged: false,
            stale: false,
        }
    }

    /// With these terms of the accounts; without them [`Terms::PLAIN`] of each.
    #[must_use]
    pub fn on(mut self, terms: impl Iterator<Item = Terms>) -> Funds {
        for (ledger, terms) in self.accounts.iter_mut().zip(terms) {
            ledger.terms = terms;
            ledger.nets = terms.freezes == Freezes::Together;
            ledger.note_plain();
        }
        self
    }

    /// An account whose positions may stand against each other.
    pub fn offset(&mut self, account: AccountId) {
        self.ledger_mut(account).nets = true;
    }

    /// Forgets the postings of the event before.
    pub fn begin_event(&mut self) {
        self.postings.clear();
        self.repledged = false;
    }

    /// Whether the money of any account is another since [`Funds::begin_event`].
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.repledged || !self.postings.is_empty()
    }

    /// The postings since [`Funds::begin_event`].
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// Proves that all buckets of every account that this event touched sum to zero; O(postings).
    ///
    /// # Panics
    /// When they do not: an invariant is broken.
    pub fn balanced(&self) {
        let mut checked = None;
        for posting in &self.postings {
            if checked == Some(posting.account) || posting.currency.is_some() {
                continue;
            }
            checked = Some(posting.account);
            // What wrapped would be found too: it is compared with zero.
            let sum = |sum: i128, amount: &Money| sum.wrapping_add(amount.0);
            let sum = self.ledger(posting.account).buckets.iter().fold(0, sum);
            assert!(sum == 0, "broken invariant: {:?} sums to {sum}", posting.account);
        }
    }

    /// Proves that every ledger sums to zero and that what is held is the sum of the holds; O(all).
    ///
    /// # Panics
    /// When it is not: an invariant is broken.
    pub fn check(&self) {
        let mut sums = Table::new(vec![(Money::ZERO, Money::ZERO); self.accounts.len()]);
        for hold in self.holds.iter() {
            let Some((held, quarantined)) = sums.get_mut(hold.account) else { continue };
            *(if hold.quarantined { quarantined } else { held }) += hold.left;
        }
        for ((account, ledger), sums) in self.accounts.pairs().zip(sums.iter()) {
            let sum: Money = ledger.buckets.iter().copied().sum();
            assert!(sum == Money::ZERO, "broken invariant: {account:?} sums to {sum}");
            let found = (ledger.at(Bucket::Held), ledger.at(Bucket::Quarantine));
            assert!(*sums == found, "broken invariant: {account:?} holds {found:?}, not {sums:?}");
            let (relief, held) = (-ledger.at(Bucket::Relief), found.0 + found.1);
            let spared = relief + ledger.risked;
            let fits = Money::ZERO <= spared && spared <= held && Money::ZERO <= ledger.risked;
            assert!(fits, "broken invariant: {account:?} holds {held} and is relieved of {relief}");
            let locked: Money = self.forwards(account).map(|(_, result)| result).sum();
            let forward = ledger.at(Bucket::Forward);
            assert!(
                locked == forward,
                "broken invariant: {account:?} locks {forward}, not {locked}"
            );
        }
        for row in &self.foreign {
            assert!(row.ours + row.fees == Money::ZERO, "broken invariant: foreign {row:?}");
        }
        self.check_transits();
    }

    /// Holds all needs or none: free money and the usage cap of every account must carry the sum of
    /// what is needed of it.
    ///
    /// # Errors
    /// [`HoldError`]; then nothing has changed and no id is used up.
    pub fn hold(
        &mut self,
        needs: &[Need],
        caps: &Table<AccountId, Ratio>,
        worth: &Table<AccountId, Worth>,
    ) -> Result<Held, HoldError> {
        if self.are_held(needs)? {
            return Ok(Held::Exists);
        }
        for at in 0..needs.len() {
            if let Some((account, sum)) = sum_at(needs, at) {
                if self.ledger(account).is_plain {
                    self.available_carries(account, sum)?;
                } else {
                    self.room_carries(account, sum, worth[account])?;
                    self.lease_carries(account, sum, worth[account])?;
                }
                self.usage_carries(account, sum, caps[account], worth[account].total())?;
            }
        }
        self.insert_all(needs);
        Ok(Held::New)
    }

    /// As [`Funds::hold`] for orders that reduce (exits, trims, reductions): free money, with the
    /// collateral that stands for what is set aside, and what they free must carry them, the usage
    /// cap does not bind. An account above its cap could never come down otherwise, nor one whose
    /// money is used up. What is held beyond free money is seen as a [`Funds::shortfall`] until it
    /// trades.
    ///
    /// # Errors
    /// [`HoldError`]; then nothing has changed and no id is used up.
    pub fn hold_reducing(&mut self, needs: &[Need]) -> Result<Held, HoldError> {
        if self.are_held(needs)? {
            return Ok(Held::Exists);
        }
        for at in 0..needs.len() {
            if let Some((account, sum)) = sum_at(needs, at) {
                let of = needs.iter().filter(|need| need.account == account);
                let frees = of.map(|need| need.frees).sum();
                self.freed_carries(account, sum, frees)?;
            }
        }
        self.insert_all(needs);
        Ok(Held::New)
    }

    /// Raises what an attempt (`need.order`, its decision id) keeps in an account to `need.amount`,
    /// from free money. Where it keeps nothing there, nothing is done: its orders draw on free
    /// money.
    ///
    /// # Errors
    /// [`HoldError::Short`]; then nothing has changed.
    pub fn keep(&mut self, decision: ClientOrderId, need: &Need) -> Result<(), HoldError> {
        let Some(hold) = self.holds.get_in(decision, need.account) else { return Ok(()) };
        let missing = need.amount - hold.left;
        if missing <= Money::ZERO {
            return Ok(());
        }
        self.available_carries(need.account, missing)?;
        if let Some(hold) = self.holds.get_in_mut(decision, need.account) {
            hold.amount += missing;
            hold.left += missing;
        }
        self.shift(need.account, Bucket::Available, Bucket::Held, missing);
        Ok(())
    }

    /// Holds what a repair order needs: first from what its attempt (`decision`) keeps for repair
    /// in that account, the rest from free money and what it frees. The usage cap does not bind repair: it is a soft
    /// limit, and a position that cannot be mended is the larger risk.
    ///
    /// # Errors
    /// [`HoldError`]; then nothing has changed.
    pub fn draw(&mut self, decision: ClientOrderId, need: &Need) -> Result<Held, HoldError> {
        if self.are_held(std::slice::from_ref(need))? {
            return Ok(Held::Exists);
        }
        let account = need.account;
        let reserve =
            if is_decision(decision) { self.holds.get_in(decision, account) } else { None };
        let drawn = reserve.map_or(Money::ZERO, |hold| hold.left).min(need.amount);
        self.freed_carries(account, need.amount - drawn, need.frees)?;
        if let Some(hold) = self.holds.get_in_mut(decision, account) {
            hold.left -= drawn;
        }
        self.shift(account, Bucket::Available, Bucket::Held, need.amount - drawn);
        self.holds.insert(Hold::new(need));
        Ok(Held::New)
    }

    /// Frees `amount` of an order's hold, or all that is left when that is less, right before an
    /// execution of the order is posted. Gives what was freed.
    ///
    /// # Errors
    /// [`NoHold`]; then nothing has changed.
    pub fn take(&mut self, order: ClientOrderId, amount: Money) -> Result<Money, NoHold> {
        let hold = self.hold_mut(order)?;
        let freed = amount.max(Money::ZERO).min(hold.left);
        hold.left -= freed;
        let (account, bucket) = (hold.account, hold.bucket());
        self.shift(account, bucket, Bucket::Available, freed);
        Ok(freed)
    }

    /// Frees the share of an order's hold that stands for `filled` of the `leaves` lots that could
    /// still trade before this execution, rounded down; all that is left for the last of them.
    ///
    /// # Errors
    /// [`NoHold`]; then nothing has changed.
    pub fn take_share(
        &mut self,
        order: ClientOrderId,
        filled: Qty,
        leaves: Qty,
    ) -> Result<Money, NoHold> {
        let left = self.hold_mut(order)?.left;
        if filled.is_zero() {
            return Ok(Money::ZERO);
        }
        if filled >= leaves {
            return self.take(order, left);
        }
        let share = div_floor(left.0 * i128::from(filled.get()), i128::from(leaves.get()));
        self.take(order, Money(share))
    }

    /// Frees all that is left of an order's hold; for a decision id, of what the attempt kept for
    /// repair in every account. This ends the hold: the id is never held for again.
    ///
    /// # Errors
    /// [`NoHold`]; then nothing has changed.
    pub fn void(&mut self, order: ClientOrderId) -> Result<Money, NoHold> {
        let mut freed = None;
        while let Some(hold) = self.holds.remove(order) {
            self.shift(hold.account, hold.bucket(), Bucket::Available, hold.left);
            freed = Some(freed.unwrap_or(Money::ZERO) + hold.left);
            if !is_decision(order) {
                break;
            }
        }
        freed.ok_or_else(|| self.no_hold(order))
    }

    /// Moves what is left of an order's hold into quarantine: its attempt has ended and it may
    /// still trade. Gives what was moved; nothing when it was there before.
    ///
    /// # Errors
    /// [`NoHold`]; then nothing has changed.
    pub fn quarantine(&mut self, order: ClientOrderId) -> Result<Money, NoHold> {
        let hold = self.hold_mut(order)?;
        if hold.quarantined {
            return Ok(Money::ZERO);
        }
        hold.quarantined = true;
        let (account, moved) = (hold.account, hold.left);
        self.shift(account, Bucket::Held, Bucket::Quarantine, moved);
        Ok(moved)
    }

    /// Posts what an execution does; a bust posts [`TradeMoney::reversed`].
    pub fn trade(&mut self, account: AccountId, money: &TradeMoney) {
        self.shift(account, Bucket::Available, Bucket::Fee, money.fee);
        self.shift(account, Bucket::Result, Bucket::Available, money.result);
        self.shift(account, Bucket::Trade, Bucket::Available, money.cash_value);
        if let Some((lock, result)) = money.locked {
            self.shift(account, Bucket::Result, Bucket::Forward, result);
            self.lock_in(account, lock, result);
        }
        self.shift(account, Bucket::Available, Bucket::Margin, money.margin_change);
    }

    /// Posts a fee alone (positive is paid): the difference when a pending fee becomes known.
    pub fn fee(&mut self, account: AccountId, amount: Money) {
        self.shift(account, Bucket::Available, Bucket::Fee, amount);
    }

    /// Posts a fee in a currency that is not the account's; positive is paid.
    pub fn foreign_fee(&mut self, account: AccountId, currency: CurrencyId, amount: Money) {
        let found = self
            .foreign
            .binary_search_by_key(&(account, currency), |row| (row.account, row.currency));
        let at = found.unwrap_or_else(|at| {
            let row = Foreign { account, currency, ours: Money::ZERO, fees: Money::ZERO };
            self.foreign.insert(at, row);
            at
        });
        if let Some(row) = self.foreign.get_mut(at) {
            row.ours -= amount;
            row.fees += amount;
        }
        let (currency, from, to) = (Some(currency), Bucket::Foreign, Bucket::ForeignFee);
        self.postings.push(Posting { account, currency, from, to, amount });
    }

    /// Posts the variation of a settlement; positive is received.
    pub fn variation(&mut self, account: AccountId, amount: Money) {
        self.shift(account, Bucket::Variation, Bucket::Available, amount);
    }

    fn lock_in(&mut self, account: AccountId, lock: Lock, result: Money) {
        let found = self.forwards.binary_search_by_key(&(account, lock), |row| (row.0, row.1));
        let at = found.unwrap_or_else(|at| {
            self.forwards.insert(at, (account, lock, Money::ZERO));
            at
        });
        if let Some(row) = self.forwards.get_mut(at) {
            row.2 += result;
        }
        self.forwards.retain(|row| row.2 != Money::ZERO);
    }

    /// Pays what an account has locked in for prompts of an instrument up to a day; gives how much.
    pub fn pay_forward(&mut self, account: AccountId, instrument: InstrumentId, day: Day) -> Money {
        let is_due = |row: &(AccountId, Lock, Money)| {
            row.0 == account && row.1.instrument == instrument && row.1.prompt <= day
        };
        let due = self.forwards.iter().filter(|row| is_due(row)).map(|row| row.2).sum();
        self.forwards.retain(|row| !is_due(row));
        self.shift(account, Bucket::Forward, Bucket::Available, due);
        due
    }

    /// What an account has locked in, by instrument and prompt.
    pub fn forwards(&self, account: AccountId) -> impl Iterator<Item = (Lock, Money)> + '_ {
        let own = self.forwards.iter().filter(move |row| row.0 == account);
        own.map(|(_, lock, result)| (*lock, *result))
    }

    /// Posts a difference that nothing else explains; positive is in our favour. A loss counts in
    /// the day's result, a gain does not: it may be money that came in unseen.
    pub fn adjust(&mut self, account: AccountId, amount: Money) {
        self.shift(account, Bucket::Adjustment, Bucket::Available, amount);
        *self.day_start_mut(account) += amount.max(Money::ZERO);
    }

    /// What roundings leave; positive is in our favour.
    pub fn dust(&mut self, account: AccountId, amount: Money) {
        self.shift(account, Bucket::Dust, Bucket::Available, amount);
    }

    /// Sets the margin of all positions of an account.
    pub fn set_margin(&mut self, account: AccountId, total: Money) {
        // The total may stay while the side that is not charged has changed.
        self.stale |= self.ledger(account).nets;
        let change = total - self.margin(account);
        self.shift(account, Bucket::Available, Bucket::Margin, change);
    }

    /// Sets what of an account's holds cannot be needed together, less what of its margin orders may
    /// bring back; gives what it was before.
    pub fn relieve(&mut self, account: AccountId, to: Relief) -> Relief {
        let total = self.relief(account);
        let risked = std::mem::replace(&mut self.ledger_mut(account).risked, to.risked);
        let change = to.spared - to.risked - total;
        self.shift(account, Bucket::Relief, Bucket::Available, change);
        Relief { spared: total + risked, risked }
    }

    /// What of an account's margin its orders may bring back.
    #[must_use]
    pub fn risked(&self, account: AccountId) -> Money {
        self.ledger(account).risked
    }

    /// What of an account's holds cannot be needed together, and is free.
    #[must_use]
    pub fn relief(&self, account: AccountId) -> Money {
        -self.bucket(account, Bucket::Relief)
    }

    /// Whether a relief may be another than what was set, since this was last asked.
    pub fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.stale)
    }

    /// Books news about the money of an account; news of a transfer is for
    /// [`Funds::transfer_news`]. A balance is compared with ours; when they differ by more than
    /// `tolerance`, beyond what may have left or arrived, the difference is booked and told.
    ///
    /// # Panics
    /// For news of a transfer: a broken invariant.
    pub fn cash(&mut self, cash: &Cash, tolerance: Money) -> Option<Drift> {
        let (account, amount) = (cash.account, cash.amount);
        let ours = self.balance(account);
        match cash.kind {
            CashKind::Opening => {
                self.shift(account, Bucket::Opening, Bucket::Available, amount - ours);
                *self.day_start_mut(account) += amount - ours;
            }
            CashKind::Balance => {
                // What is on its way may still be there, or be there already.
                let above = (amount - ours).max(Money::ZERO);
                let slack = self.transit_slack(account).map_or(above, |slack| slack.min(above));
                let differs = amount - ours - slack;
                if differs.abs() > tolerance {
                    self.adjust(account, differs);
                    return Some(Drift { ours, theirs: ours + differs });
                }
            }
            CashKind::Transfer => {
                self.shift(account, Bucket::Transfer, Bucket::Available, amount);
                *self.day_start_mut(account) += amount;
            }
            CashKind::Funding => self.shift(account, Bucket::Funding, Bucket::Available, amount),
            CashKind::Interest => self.shift(account, Bucket::Interest, Bucket::Available, amount),
            CashKind::Fee => self.fee(account, amount),
            CashKind::Collateral => self.set_collateral(account, amount),
            CashKind::Left | CashKind::Arrived | CashKind::Failed => {
                panic!("broken invariant: news of a transfer booked as {:?}", cash.kind)
            }
        }
        None
    }

    /// Begins a day: its result is counted from the equity now.
    pub fn mark_day(&mut self, account: AccountId, worth: Worth) {
        let equity = self.equity(account, worth);
        *self.day_start_mut(account) = equity;
    }

    /// What the day has brought, without money that came in or went out.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "accounts are checked at the door")]
    pub fn day_result(&self, account: AccountId, worth: Worth) -> Money {
        self.equity(account, worth) - self.day_starts[account]
    }

    /// What stands in a bucket of the account's own currency; zero for the foreign ones, which have
    /// no sum: see [`Funds::foreign_fees`].
    #[must_use]
    pub fn bucket(&self, account: AccountId, bucket: Bucket) -> Money {
        self.ledger(account).at(bucket)
    }

    /// Free money; below zero after fills, fees or settlements that took more.
    #[must_use]
    pub fn available(&self, account: AccountId) -> Money {
        self.bucket(account, Bucket::Available)
    }

    /// Held for orders.
    #[must_use]
    pub fn held(&self, account: AccountId) -> Money {
        self.bucket(account, Bucket::Held)
    }

    /// Held for orders of ended attempts.
    #[must_use]
    pub fn quarantined(&self, account: AccountId) -> Money {
        self.bucket(account, Bucket::Quarantine)
    }

    /// Margin of positions.
    #[must_use]
    pub fn margin(&self, account: AccountId) -> Money {
        self.bucket(account, Bucket::Margin)
    }

    /// All that is ours without unrealised results: what the venue calls the balance.
    #[must_use]
    pub fn balance(&self, account: AccountId) -> Money {
        let ledger = self.ledger(account);
        ledger.at(Bucket::Available) + ledger.locked()
    }

    /// The balance and what the positions are worth beside it.
    #[must_use]
    pub fn equity(&self, account: AccountId, worth: Worth) -> Money {
        self.balance(account) + worth.total()
    }

    /// Fees paid in a currency that is not the account's.
    #[must_use]
    pub fn foreign_fees(&self, account: AccountId, currency: CurrencyId) -> Money {
        let found = self
            .foreign
            .binary_search_by_key(&(account, currency), |row| (row.account, row.currency));
        let row = found.ok().and_then(|at| self.foreign.get(at));
        row.map_or(Money::ZERO, |row| row.fees)
    }

    /// The hold of an order, while it lives.
    #[must_use]
    pub fn hold_of(&self, order: ClientOrderId) -> Option<&Hold> {
        self.holds.get(order)
    }

    /// Every hold that lives, by hedge and leg, newest id first.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter()
    }

    /// Writes the whole state but the postings of the event.
    pub fn digest(&self, writer: &mut Writer) {
        for ledger in self.accounts.iter() {
            // States without a prompt keep the digest that they had before these were known.
            for amount in ledger.buckets.iter().take(usize::from(Bucket::Forward.code())) {
                writer.i128(amount.0);
            }
        }
        for (account, lock, result) in &self.forwards {
            writer.u16(account.0);
            writer.u16(lock.instrument.0);
            writer.i64(i64::from(lock.prompt.0));
            writer.i128(result.0);
        }
        for start in self.day_starts.iter() {
            writer.i128(start.0);
        }
        self.holds.digest(writer);
        writer.len(self.foreign.len());
        for row in &self.foreign {
            writer.u16(row.account.0);
            writer.u8(row.currency.0);
            writer.i128(row.fees.0);
        }
        self.transits.digest(writer);
        self.leases.digest(writer);
        for ledger in self.accounts.iter() {
            writer.i128(ledger.collateral.0);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "accounts are checked at the door")]
    fn ledger(&self, account: AccountId) -> &Ledger {
        &self.accounts[account]
    }

    #[expect(clippy::indexing_slicing, reason = "accounts are checked at the door")]
    fn ledger_mut(&mut self, account: AccountId) -> &mut Ledger {
        &mut self.accounts[account]
    }

    #[expect(clippy::indexing_slicing, reason = "accounts are checked at the door")]
    fn day_start_mut(&mut self, account: AccountId) -> &mut Money {
        &mut self.day_starts[account]
    }

    fn insert_all(&mut self, needs: &[Need]) {
        for need in needs {
            self.shift(need.account, Bucket::Available, Bucket::Held, need.amount);
            self.holds.insert(Hold::new(need));
        }
    }

    /// Moves `amount` between two buckets of an account; a negative one moves the other way.
    #[inline]
    fn shift(&mut self, account: AccountId, from: Bucket, to: Bucket, amount: Money) {
        if amount != Money::ZERO {
            self.post(Posting { account, currency: None, from, to, amount });
        }
    }

    fn post(&mut self, posting: Posting) {
        let Posting { account, from, to, amount, .. } = posting;
        let ledger = self.ledger_mut(account);
        *ledger.at_mut(from) -= amount;
        *ledger.at_mut(to) += amount;
        let nets = ledger.nets;
        self.stale |= nets;
        self.postings.push(posting);
    }

    /// Whether all needs are held as they are; an error when one may not be held.
    fn are_held(&self, needs: &[Need]) -> Result<bool, HoldError> {
        let mut known = 0;
        for (at, need) in needs.iter().enumerate() {
            let order = need.order;
            if need.amount < Money::ZERO {
                return Err(HoldError::Negative { order, asked: need.amount });
            }
            let twice = |other: &Need| {
                other.order == order && (other.account == need.account || !is_decision(order))
            };
            if needs.iter().take(at).any(twice) {
                return Err(HoldError::Duplicate { order });
            }
            known += usize::from(self.is_held(need)?);
        }
        if known == needs.len() {
            return Ok(true);
        }
        if known > 0 {
            let missing = needs.iter().find(|need| self.hold_of(need.order).is_none());
            let Some(need) = missing.or(needs.first()) else { return Ok(true) };
            let (order, asked) = (need.order, need.amount);
            return Err(HoldError::ExistsDifferent { order, held: Money::ZERO, asked });
        }
        if self.holds.len() + needs.len() > self.holds.max() {
            return Err(HoldError::Full { max: self.holds.max() });
        }
        Ok(false)
    }

    fn is_held(&self, need: &Need) -> Result<bool, HoldError> {
        let order = need.order;
        if self.holds.is_new(order) {
            return Ok(false);
        }
        let found = if is_decision(order) {
            self.holds.get_in(order, need.account)
        } else {
            self.holds.get(order)
        };
        match found {
            Some(hold) if hold.account == need.account && hold.amount == need.amount => Ok(true),
            Some(hold) => {
                let (amount, asked) = (hold.amount, need.amount);
                Err(HoldError::ExistsDifferent { order, held: amount, asked })
            }
            None => Err(HoldError::Duplicate { order }),
        }
    }

    fn available_carries(&self, account: AccountId, sum: Money) -> Result<(), HoldError> {
        if sum <= self.available(account) || sum == Money::ZERO {
            return Ok(());
        }
        let available = self.backed(account, sum);
        if sum <= available {
            return Ok(());
        }
        let (kind, needed, limit) = (ShortKind::Available, sum.0, available.0);
        Err(HoldError::Short(Short { account, kind, needed, limit }))
    }

    /// As [`Funds::available_carries`], where trading frees so much. A debt that was there before
    /// is no reason against what makes it smaller.
    fn freed_carries(&self, account: AccountId, sum: Money, frees: Money) -> Result<(), HoldError> {
        if sum <= self.backed(account, sum).max(Money::ZERO) + frees {
            return Ok(());
        }
        self.available_carries(account, sum)
    }

    fn usage_carries(
        &self,
        account: AccountId,
        sum: Money,
        cap: Ratio,
        unrealised: Money,
    ) -> Result<(), HoldError> {
        let ledger = self.ledger(account);
        let locked = ledger.locked();
        let paper = unrealised.min(Money::ZERO);
        let mut equity = ledger.at(Bucket::Available) + locked + paper;
        if !ledger.is_plain {
            equity += ledger.pledged();
        }
        let used = locked + sum;
        if product(used, cap.den()) <= product(equity, cap.num()) {
            return Ok(());
        }
        let kind = ShortKind::Usage;
        let limit = Money(MONEY_UNIT).scale_down(cap).0;
        let needed = match equity.0 {
            ..=0 => i128::MAX,
            equity => div_ceil(used.0 * MONEY_UNIT, equity),
        };
        Err(HoldError::Short(Short { account, kind, needed, limit }))
    }

    /// The hold of an order; what an attempt keeps for repair is drawn on or voided, nothing else.
    fn hold_mut(&mut self, order: ClientOrderId) -> Result<&mut Hold, NoHold> {
        if is_decision(order) {
            return Err(NoHold::Never);
        }
        let gone = self.no_hold(order);
        self.holds.get_mut(order).ok_or(gone)
    }

    fn no_hold(&self, order: ClientOrderId) -> NoHold {
        if self.holds.is_new(order) { NoHold::Never } else { NoHold::AlreadyResolved }
    }
}

impl Hold {
    fn new(need: &Need) -> Hold {
        let Need { order, account, amount, frees: _ } = *need;
        Hold { order, account, quarantined: false, amount, left: amount }
    }

    /// Where it stands.
    #[must_use]
    pub const fn bucket(&self) -> Bucket {
        if self.quarantined { Bucket::Quarantine } else { Bucket::Held }
    }
}

/// What all needs want of the account of the one at `at`; `None` where an earlier need names it.
fn sum_at(needs: &[Need], at: usize) -> Option<(AccountId, Money)> {
    let (earlier, others) = needs.split_at_checked(at)?;
    let account = others.first()?.account;
    if earlier.iter().any(|need| need.account == account) {
        return None;
    }
    let mut sum = Money::ZERO;
    for need in others {
        if need.account == account {
            sum += need.amount;
        }
    }
    Some((account, sum))
}

/// `amount × factor`; without a carry where the amount fits 64 bits, as nearly all do.
fn product(amount: Money, factor: i64) -> i128 {
    match i64::try_from(amount.0) {
        Ok(amount) => i128::from(amount).wrapping_mul(i128::from(factor)),
        Err(_) => amount.0 * i128::from(factor),
    }
}

/// Whether an id names an attempt, not an order.
fn is_decision(order: ClientOrderId) -> bool {
    order == order.decision()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::ids::{HedgeId, LegId};

    const OURS: AccountId = AccountId(0);

    fn funds() -> Funds {
        let mut funds = Funds::new(2, 4);
        let (kind, amount) = (CashKind::Opening, Money(100));
        funds.cash(
            &Cash { account: OURS, exchange: Time(0), kind, amount, transfer: None },
            Money::ZERO,
        );
        funds
    }

    fn panics(act: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(act)).is_err()
    }

    #[test]
    fn a_ledger_that_does_not_sum_to_zero_is_found() {
        let mut funds = funds();
        funds.balanced();
        funds.check();
        *funds.ledger_mut(OURS).at_mut(Bucket::Dust) += Money(1);
        assert!(panics(|| funds.balanced()));
        assert!(panics(|| funds.check()));
        // An event that posts nothing looks at nothing.
        funds.begin_event();
        funds.balanced();
        // Nor does a fee in another currency: it has a ledger of its own.
        funds.foreign_fee(OURS, CurrencyId(3), Money(1));
        funds.balanced();
        // Only accounts that it has touched are looked at, all of them.
        funds.fee(AccountId(1), Money(1));
        funds.balanced();
        funds.fee(OURS, Money(1));
        assert!(panics(|| funds.balanced()));
    }

    #[test]
    fn holds_that_are_not_what_is_held_are_found() {
        let mut funds = funds();
        let order = ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 1).unwrap();
        let (amount, frees) = (Money(10), Money::ZERO);
        funds.hold_reducing(&[Need { order, account: OURS, amount, frees }]).unwrap();
        funds.check();
        funds.holds.get_mut(order).unwrap().left += Money(1);
        funds.balanced();
        assert!(panics(|| funds.check()));
    }

    #[test]
    fn a_foreign_ledger_that_does_not_sum_to_zero_is_found() {
        let mut funds = funds();
        funds.foreign_fee(OURS, CurrencyId(3), Money(5));
        funds.check();
        for row in &mut funds.foreign {
            row.ours += Money(1);
        }
        assert!(panics(|| funds.check()));
    }

    #[test]
    fn buckets_have_their_codes_and_names() {
        for (code, bucket) in Bucket::ALL.iter().enumerate() {
            assert_eq!(usize::from(bucket.code()), code);
        }
        let mut names = Bucket::ALL.map(Bucket::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Bucket::ALL.len());
    }

    #[test]
    fn a_trade_and_what_takes_it_back_leave_nothing() {
        let mut funds = funds();
        let before = funds.ledger(OURS).buckets;
        let money = TradeMoney {
            fee: Money(1),
            result: Money(-2),
            cash_value: Money(-4),
            locked: Some((Lock { instrument: InstrumentId(0), prompt: Day(9) }, Money(16))),
            margin_change: Money(8),
        };
        funds.trade(OURS, &money);
        assert_eq!(funds.available(OURS), Money(100 - 1 - 2 - 4 - 8));
        funds.trade(OURS, &money.reversed());
        assert_eq!(funds.ledger(OURS).buckets, before);
    }

    #[test]
    fn an_account_is_short_below_zero_and_not_at_it() {
        let mut funds = funds();
        funds.fee(OURS, Money(100));
        assert_eq!(funds.shortfall(OURS, Money::ZERO), None);
        funds.fee(OURS, Money(1));
        assert_eq!(funds.shortfall(OURS, Money::ZERO), Some(Money(1)));
    }

    fn need(account: AccountId, attempt_try: u16, amount: i128) -> Need {
        let order = ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), attempt_try).unwrap();
        Need { order, account, amount: Money(amount), frees: Money::ZERO }
    }

    #[test]
    fn what_is_kept_is_raised_to_the_need_from_free_money_and_never_lowered() {
        let mut funds = funds();
        let decision = need(OURS, 0, 30);
        funds.hold_reducing(&[decision]).unwrap();
        let mut keep = |account, amount| {
            let kept = funds.keep(decision.order, &need(account, 0, amount));
            funds.check();
            (kept, funds.available(OURS), funds.holds.get(decision.order).unwrap().left)
        };
        assert_eq!(keep(OURS, 100), (Ok(()), Money(0), Money(100)));
        assert_eq!(keep(OURS, 100), (Ok(()), Money(0), Money(100)));
        assert_eq!(keep(OURS, 40), (Ok(()), Money(0), Money(100)));
        let (kind, needed, limit) = (ShortKind::Available, 1, 0);
        let short = Err(HoldError::Short(Short { account: OURS, kind, needed, limit }));
        assert_eq!(keep(OURS, 101), (short, Money(0), Money(100)));
        // Nothing is kept where nothing was, and what was drawn is missing again.
        assert_eq!(keep(AccountId(1), 50), (Ok(()), Money(0), Money(100)));
        funds.draw(decision.order, &need(OURS, 1, 70)).unwrap();
        let (kind, amount) = (CashKind::Transfer, Money(50));
        funds.cash(
            &Cash { account: OURS, exchange: Time(0), kind, amount, transfer: None },
            Money::ZERO,
        );
        assert_eq!(funds.keep(decision.order, &need(OURS, 0, 60)), Ok(()));
        assert_eq!((funds.available(OURS), funds.held(OURS)), (Money(20), Money(60 + 70)));
        assert_eq!(funds.hold_of(decision.order).unwrap().amount, Money(100 + 30));
        funds.check();
    }

    /// The last account of a decision comes first, and the newest id, in whatever order they came.
    #[test]
    fn holds_of_a_leg_stand_newest_first_whatever_came_first() {
        let needs = [need(OURS, 0, 1), need(AccountId(1), 0, 0), need(OURS, 1, 2)];
        for places in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut funds = funds();
            funds.hold_reducing(&places.map(|place| needs[place])).unwrap();
            let found: Vec<_> = funds.holds().map(|hold| (hold.order, hold.account)).collect();
            let expected = [needs[2], needs[1], needs[0]].map(|need| (need.order, need.account));
            assert_eq!(found, expected, "{places:?}");
        }
    }

    /// What does not count is rounded up.
    #[test]
    fn collateral_counts_after_its_haircut_and_rounded_against_us() {
        let third = Terms { haircut: Ratio::new(1, 3).unwrap(), ..Terms::PLAIN };
        let mut funds = funds().on([third].into_iter());
        funds.set_collateral(OURS, Money(10));
        assert_eq!(funds.pledged(OURS), Money(6));
    }

    /// What is locked in is on paper until its prompt: nothing of it is posted to a pool before, and
    /// what was lost counts once.
    #[test]
    fn what_is_locked_in_is_brought_when_it_is_paid() {
        let leased = Terms { leased: true, ..Terms::PLAIN };
        let mut funds = funds().on([leased].into_iter());
        let (amount, posted, until) = (Money(90), Money::ZERO, Time(9));
        funds.set_lease(Lease { account: OURS, amount, posted, epoch: 1, until }, Time(0));
        for (locked, room, after) in [(-10, 80, 80), (25, 90, 90)] {
            let mut funds = funds.clone();
            let lock = Lock { instrument: InstrumentId(0), prompt: Day(9) };
            let money = TradeMoney { locked: Some((lock, Money(locked))), ..TradeMoney::default() };
            funds.trade(OURS, &money);
            let paper = |amount| Worth { paper: Money(amount), ..Worth::default() };
            assert_eq!(funds.brought(OURS), Money::ZERO);
            assert_eq!(funds.lease_room(OURS, paper(locked)), Some(Money(room)));
            funds.pay_forward(OURS, InstrumentId(0), Day(9));
            assert_eq!(funds.brought(OURS), Money(locked));
            assert_eq!(funds.lease_room(OURS, paper(0)), Some(Money(after)));
        }
    }

    /// Where the larger side is charged, the other one may grow and the total stay: what orders come
    /// to together is another then.
    #[test]
    fn a_margin_that_is_set_again_asks_for_its_relief_anew() {
        let together = Terms { freezes: Freezes::Together, ..Terms::PLAIN };
        let mut funds = funds().on([together].into_iter());
        funds.set_margin(OURS, Money(10));
        assert!(funds.take_stale());
        assert!(!funds.take_stale(), "once");
        funds.set_margin(OURS, Money(10));
        assert!(funds.take_stale());
        // Where every order is frozen for there is no relief.
        funds.set_margin(AccountId(1), Money(0));
        assert!(!funds.take_stale());
    }

    #[test]
    fn the_digest_sees_every_change() {
        let mut funds = funds();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut note = |funds: &Funds, what: &str| {
            let mut out = Writer::new();
            funds.digest(&mut out);
            let now = out.into_bytes();
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        note(&funds, "opening");
        funds.mark_day(OURS, Worth { paper: Money(1), ..Worth::default() });
        note(&funds, "day");
        funds.fee(OURS, Money(1));
        note(&funds, "fee");
        funds.foreign_fee(OURS, CurrencyId(3), Money(5));
        note(&funds, "foreign fee");
        let order = need(OURS, 1, 0);
        funds.hold_reducing(&[order]).unwrap();
        note(&funds, "hold of nothing");
        funds.quarantine(order.order).unwrap();
        note(&funds, "quarantine");
        funds.void(order.order).unwrap();
        note(&funds, "an id that was used");
    }
}

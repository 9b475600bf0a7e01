//! What of an account's money counts for opening, and what may be taken out: the broker's switches.

use super::{Bucket, Funds, HoldError, Short, ShortKind};
use crate::ids::AccountId;
use crate::num::{Money, Ratio};

/// Which unrealised results count in what is available for opening (CTP `Algorithm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Unrealised {
    /// None: where everything is paid at once.
    Neither = 0,
    /// Losses, not gains.
    Losses = 1,
    /// Both.
    Both = 2,
}

impl Unrealised {
    /// What counts of results on paper.
    #[must_use]
    pub fn counts(self, paper: Money) -> Money {
        match self {
            Unrealised::Neither => Money::ZERO,
            Unrealised::Losses => paper.min(Money::ZERO),
            Unrealised::Both => paper,
        }
    }
}

/// What the venue freezes for the live orders of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Freezes {
    /// The margin of every order in full.
    Each = 0,
    /// What all orders may come to together: opposite ones of a netted contract, or of a product that
    /// is charged on its larger side, do not both add to it.
    Together = 1,
}

/// What of an account's money counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which unrealised results count for opening.
    pub unrealised: Unrealised,
    /// Whether what the day has realised counts for opening (CTP `AvailIncludeCloseProfit`).
    pub close_profit: bool,
    /// Whether what the day has realised may be taken out the same day.
    pub withdraw_profit: bool,
    /// The fraction of collateral that does not count.
    pub haircut: Ratio,
    /// What the venue freezes for orders: less is never held.
    pub freezes: Freezes,
    /// Whether the account draws on a pool: nothing is entered beyond what a [`super::Lease`] allows.
    pub leased: bool,
}

impl Terms {
    /// Cash alone, with the profits of the day.
    pub const PLAIN: Terms = Terms {
        unrealised: Unrealised::Neither,
        close_profit: true,
        withdraw_profit: true,
        haircut: Ratio::ONE,
        freezes: Freezes::Each,
        leased: false,
    };
}

/// What positions are worth beside the balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// Unrealised results of positions with margin, since their last mark.
    pub paper: Money,
    /// What is held that was paid for whole, at the mark.
    pub holdings: Money,
}

impl Worth {
    /// Both.
    #[must_use]
    pub fn total(self) -> Money {
        self.paper + self.holdings
    }
}

/// The money of an account at one moment, in its own currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Cash, unrealised results and what of the collateral counts; without money in transit.
    pub equity: Money,
    /// The balance: all that is ours and paid.
    pub cash: Money,
    /// Unrealised results since the last mark, and what is held that was paid for.
    pub worth: Worth,
    /// What of the collateral counts.
    pub collateral: Money,
    /// Margin of positions.
    pub margin: Money,
    /// Held for orders, those of ended attempts included, as far as it may be needed together.
    pub frozen: Money,
    /// For new orders; below zero when the account lacks money.
    pub available: Money,
    /// What of that may be bound under the lease of a pool; `None` where the account draws on none.
    pub lease_room: Option<Money>,
    /// What may be taken out now; never below zero.
    pub withdrawable: Money,
    /// On its way to other accounts.
    pub in_transit: Money,
}

impl Funds {
    /// The money of an account whose positions are worth so much beside the balance.
    #[must_use]
    pub fn view(&self, account: AccountId, worth: Worth) -> View {
        let (cash, collateral) = (self.balance(account), self.pledged(account));
        View {
            equity: cash + worth.total() + collateral,
            cash,
            worth,
            collateral,
            margin: self.margin(account),
            frozen: self.held(account) + self.quarantined(account) - self.relief(account),
            available: self.room(account, Money::ZERO, worth),
            lease_room: self.lease_room(account, worth),
            withdrawable: self.withdrawable(account, worth),
            in_transit: self.in_transit(account),
        }
    }

    /// What may be taken out: free cash without what unrealised losses may need, without what only
    /// collateral would replace, and without today's profit where that stays until the day is
    /// settled.
    #[must_use]
    pub fn withdrawable(&self, account: AccountId, worth: Worth) -> Money {
        let losses = worth.paper.min(Money::ZERO);
        let day = Worth { paper: losses, ..worth };
        let kept = if self.ledger(account).terms.withdraw_profit {
            Money::ZERO
        } else {
            self.day_result(account, day).max(Money::ZERO)
        };
        (self.available(account) + losses - kept).max(Money::ZERO)
    }

    /// What new orders may need that hold `more`: free cash, what of the unrealised results and of
    /// the day's profit counts, and collateral up to what is set aside, since it pays for nothing.
    #[must_use]
    pub(super) fn room(&self, account: AccountId, more: Money, worth: Worth) -> Money {
        let ledger = self.ledger(account);
        let terms = ledger.terms;
        let paper = terms.unrealised.counts(worth.paper);
        let kept = if terms.close_profit {
            Money::ZERO
        } else {
            self.day_result(account, Worth { paper: Money::ZERO, ..worth }).max(Money::ZERO)
        };
        let pledged = ledger.pledged().min(ledger.locked() + more);
        ledger.at(Bucket::Available) + paper - kept + pledged
    }

    #[cold]
    pub(super) fn room_carries(
        &self,
        account: AccountId,
        sum: Money,
        worth: Worth,
    ) -> Result<(), HoldError> {
        let room = self.room(account, sum, worth);
        if sum <= room || sum == Money::ZERO {
            return Ok(());
        }
        let (kind, needed, limit) = (ShortKind::Available, sum.0, room.0);
        Err(HoldError::Short(Short { account, kind, needed, limit }))
    }

    /// What of an account's collateral counts, rounded down.
    #[must_use]
    pub fn pledged(&self, account: AccountId) -> Money {
        self.ledger(account).pledged()
    }

    pub(super) fn set_collateral(&mut self, account: AccountId, value: Money) {
        let ledger = self.ledger_mut(account);
        ledger.collateral = value;
        ledger.note_plain();
        self.repledged = true;
    }

    /// How much an account lacks, when it has less than nothing available, with what counts of results
    /// on `paper`. Collateral stands for what is set aside, so that with enough of it cash below zero
    /// lacks nothing until it has to be paid.
    #[must_use]
    pub fn shortfall(&self, account: AccountId, paper: Money) -> Option<Money> {
        // What orders may bring back is not missing before they have.
        let available = self.backed(account, Money::ZERO) + self.risked(account);
        let available = available + self.ledger(account).terms.unrealised.counts(paper);
        (available < Money::ZERO).then_some(-available)
    }

    /// Free money with the collateral that stands for what is set aside, were it `more`.
    pub(super) fn backed(&self, account: AccountId, more: Money) -> Money {
        let ledger = self.ledger(account);
        ledger.at(Bucket::Available) + ledger.pledged().min(ledger.locked() + more)
    }
}

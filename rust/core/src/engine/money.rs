//! The money of the accounts as the engine deals with it: news of it, transfers, margin, shortfalls.

use super::Engine;
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::event::Scope;
use crate::funds::{
    Asked, Cash, CashKind, HoldError, Transfer, TransferId, TransferNews, TransferState, View,
};
use crate::ids::{AccountId, ClientOrderId};
use crate::margin;
use crate::num::{Money, Qty};
use crate::order::Place;

/// Why a transfer is not asked for: `detail` of [`AlertCode::TransferRefused`].
mod not {
    pub(super) const OPEN: u8 = 0;
    pub(super) const WITHDRAWABLE: u8 = 1;
    pub(super) const RUNNING: u8 = 2;
    pub(super) const KEPT: u8 = 3;
}

impl Engine {
    /// The money of an account now.
    #[must_use]
    pub fn money(&self, account: AccountId) -> View {
        self.funds.view(account, self.worth(account))
    }

    pub(super) fn on_cash(&mut self, cash: &Cash, out: &mut Vec<Command>) {
        let account = cash.account;
        if let Some(transfer) = cash.transfer {
            self.on_transfer(transfer, cash, out);
            return;
        }
        // A balance while orders are in flight is neither before nor after them.
        if cash.kind == CashKind::Balance && self.live_of(account).next().is_some() {
            return;
        }
        let tolerance = self.config.accounts[account].cash_tolerance;
        let drift = self.funds.cash(cash, tolerance);
        if cash.kind == CashKind::Opening {
            self.mark_day(account);
        }
        if let Some(drift) = drift {
            let subject = Subject::Account(account);
            let (ours, theirs) = (drift.ours.0, drift.theirs.0);
            self.alert(out, AlertCode::CashDrift, Urgency::Alarm, subject, ours, theirs);
            self.restrict_account(account, Cause::Drift, out);
        }
        self.touch_account(account);
    }

    /// Asks for a transfer that passed the door, unless something of this moment is against it.
    pub(super) fn ask_transfer(&mut self, transfer: &Transfer, out: &mut Vec<Command>) {
        // The same again is an answer that was lost, not another transfer.
        if self.funds.is_new_transfer(transfer) == Some(false) {
            return;
        }
        let Some(route) = self.config.route(transfer.from, transfer.to) else {
            panic!("broken invariant: no route for a transfer that passed the door: {transfer:?}")
        };
        let (lead, same_currency) = (route.lead, route.same_currency);
        let allowed = self.funds.withdrawable(transfer.from, self.worth(transfer.from));
        let why = if !route.windows.is_open(self.now) {
            Some(not::OPEN)
        } else if self.is_account_halted(transfer.from) {
            Some(not::RUNNING)
        } else if transfer.amount > allowed {
            Some(not::WITHDRAWABLE)
        } else {
            None
        };
        let why = why.or_else(|| {
            let due = self.now + lead;
            match self.funds.ask(transfer, same_currency, self.now, due) {
                Ok(Asked::New | Asked::Exists) => None,
                Err(HoldError::Full { .. }) => Some(not::KEPT),
                Err(_) => Some(not::WITHDRAWABLE),
            }
        });
        if let Some(why) = why {
            self.tell_transfer(
                AlertCode::TransferRefused,
                (Urgency::Warn, why),
                transfer.id,
                (transfer.amount, allowed),
                out,
            );
            return;
        }
        out.push(Command::Transfer(*transfer));
        self.changed = true;
        self.touch_account(transfer.from);
    }

    fn is_account_halted(&self, account: AccountId) -> bool {
        let venue = self.config.accounts[account].venue;
        let over = [Scope::All, Scope::Venue(venue), Scope::Account(account)];
        over.into_iter().any(|scope| self.latches.is_halted(scope))
    }

    fn on_transfer(&mut self, id: TransferId, cash: &Cash, out: &mut Vec<Command>) {
        let news = self.funds.transfer_news(id, cash);
        let found = self.funds.transits().iter().find(|row| row.transfer.id == id).copied();
        match news {
            TransferNews::Known => return,
            TransferNews::Nobody => {
                let (subject, value) = (Subject::Transfer(id), cash.amount.0);
                self.alert(out, AlertCode::Conflict, Urgency::Alarm, subject, value, 0);
                self.restrict_account(cash.account, Cause::Conflict, out);
                return;
            }
            TransferNews::Booked => {}
            TransferNews::Contradicts => {
                let (subject, value) = (Subject::Transfer(id), cash.amount.0);
                self.alert(out, AlertCode::Conflict, Urgency::Alarm, subject, value, 0);
            }
        }
        let Some(row) = found else { return };
        let told = match row.state {
            TransferState::Asked | TransferState::Left => None,
            TransferState::Arrived => Some((AlertCode::TransferArrived, Urgency::Info)),
            TransferState::Failed => Some((AlertCode::TransferFailed, Urgency::Warn)),
        };
        if let Some((code, urgency)) = told {
            self.tell_transfer(code, (urgency, 0), id, (row.ended, row.moved), out);
        }
        self.touch_account(row.transfer.from);
        self.touch_account(row.transfer.to);
    }

    /// What should have arrived by now and has not.
    pub(super) fn tell_late(&mut self, out: &mut Vec<Command>) {
        while let Some(row) = self.funds.next_late(self.now) {
            let code = AlertCode::TransferLate;
            let detail = u8::from(row.state == TransferState::Left);
            let amounts = (row.moved, Money::ZERO);
            self.tell_transfer(code, (Urgency::Alarm, detail), row.transfer.id, amounts, out);
        }
    }

    fn tell_transfer(
        &mut self,
        code: AlertCode,
        (urgency, detail): (Urgency, u8),
        id: TransferId,
        (value, limit): (Money, Money),
        out: &mut Vec<Command>,
    ) {
        self.changed = true;
        let (refusal, subject) = (None, Subject::Transfer(id));
        let (value, limit) = (value.0, limit.0);
        out.push(Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit }));
    }

    pub(super) fn tell_shortfalls(&mut self, out: &mut Vec<Command>) {
        if self.funds.postings().is_empty() {
            return;
        }
        for account in self.config.accounts.ids() {
            let short = self.funds.shortfall(account);
            let told = std::mem::replace(&mut self.short[account], short.is_some());
            if let Some(amount) = short.filter(|_| !told) {
                let subject = Subject::Account(account);
                self.alert(out, AlertCode::Shortfall, Urgency::Alarm, subject, amount.0, 0);
                self.restrict_account(account, Cause::Shortfall, out);
            }
        }
    }

    pub(super) fn note_margin(&mut self, account: AccountId) {
        let positions = self.positions.margin_total(account, &self.instruments);
        let opening =
            self.positions.unbacked(account).map(|(order, lots)| self.opening(order, lots));
        let total = positions + opening.sum::<Money>();
        self.funds.set_margin(account, total);
    }

    /// The margin of lots that an order was to close and will open: no hold has it.
    pub(super) fn opening(&self, order: ClientOrderId, lots: Qty) -> Money {
        let Some(order) = self.orders.get(order) else { return Money::ZERO };
        let Place { instrument, flag, side, price, .. } = order.place;
        let mark = self.mark(instrument).unwrap_or(price);
        let far = i128::from(price.0.abs().max(mark.0.abs()));
        let cost = far * i128::from(lots.get());
        margin::required(&self.instruments[instrument], flag, side, lots, cost)
    }
}

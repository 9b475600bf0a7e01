//! The money of the accounts as the engine deals with it: news of it, transfers, margin, shortfalls.

use std::borrow::Cow;

use super::Engine;
use super::watch::Target;
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::event::Scope;
use crate::funds::{
    Asked, Cash, CashKind, Freezes, HoldError, Lease, Relief, Transfer, TransferId, TransferNews,
    TransferState, Unrealised, View,
};
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, Table};
use crate::instrument::Instrument;
use crate::margin;
use crate::num::{Money, Qty};
use crate::order::Place;
use crate::position::{Opening, Positions};
use crate::threshold::{Level, Of};
use crate::time::{Day, Time};

/// Why a transfer is not asked for: `detail` of [`AlertCode::TransferRefused`].
mod not {
    pub(super) const OPEN: u8 = 0;
    pub(super) const WITHDRAWABLE: u8 = 1;
    pub(super) const RUNNING: u8 = 2;
    pub(super) const KEPT: u8 = 3;
    /// The money is a pool's, which moves it.
    pub(super) const LEASED: u8 = 4;
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
        if cash.kind == CashKind::Collateral {
            // Nothing is booked for it, and numbers of the account are others.
            self.watch.hear(|metric| metric.of() == Of::Account);
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
        let why = if self.config.accounts[transfer.from].terms.leased {
            Some(not::LEASED)
        } else if !route.windows.is_open(self.now) {
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

    /// Takes a lease that passed the door.
    pub(super) fn take_lease(&mut self, lease: &Lease) {
        self.funds.set_lease(*lease, self.now);
        self.changed = true;
        self.touch_account(lease.account);
    }

    /// Leases that are over by now.
    pub(super) fn tell_over(&mut self, out: &mut Vec<Command>) {
        while let Some((lease, bound)) = self.funds.next_over(self.now) {
            self.changed = true;
            let subject = Subject::Account(lease.account);
            let (code, amount) = (AlertCode::LeaseOver, lease.amount.0);
            self.alert(out, code, Urgency::Alarm, subject, bound.0, amount);
            // What rests there may enter long after somebody else has the money.
            let of = Target::Account(lease.account);
            let hedges = self.config.hedges.ids().filter(|id| self.concerns_target(of, *id));
            let hedges: Vec<HedgeId> = hedges.collect();
            self.cancel_entering(&hedges, out);
            self.touch_account(lease.account);
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
        if !self.funds.has_moved() && !self.watch.looked {
            return;
        }
        for account in self.config.accounts.ids() {
            let paper = match self.config.accounts[account].terms.unrealised {
                Unrealised::Neither => Money::ZERO,
                Unrealised::Losses | Unrealised::Both => self.worth(account).paper,
            };
            let short = self.funds.shortfall(account, paper);
            let short = short.filter(|short| self.is_called(account, *short));
            let told = std::mem::replace(&mut self.short[account], short.is_some());
            if let Some(amount) = short.filter(|_| !told) {
                let subject = Subject::Account(account);
                self.alert(out, AlertCode::Shortfall, Urgency::Alarm, subject, amount.0, 0);
                self.restrict_account(account, Cause::Shortfall, out);
                self.top_up(account, Level::Halt, out);
            }
        }
    }

    /// Whether an account that lacks so much for the margin that opens lacks some of that which keeps
    /// positions open too. Then all of it is called.
    fn is_called(&self, account: AccountId, short: Money) -> bool {
        let maintenance = self.positions.maintenance_total(account, &self.instruments);
        let maintenance = self.offset(account, &self.positions, maintenance);
        short > self.funds.margin(account) - maintenance - self.openings(account, &self.positions)
    }

    pub(super) fn note_margin(&mut self, account: AccountId) {
        let positions = self.positions.margin_total(account, &self.instruments);
        let positions = self.offset(account, &self.positions, positions);
        self.funds.set_margin(account, positions + self.openings(account, &self.positions));
    }

    /// The margin of what the orders of an account were to close and will open.
    pub(super) fn openings(&self, account: AccountId, positions: &Positions) -> Money {
        positions.unbacked(account).map(|(order, lots)| self.opening(order, lots)).sum()
    }

    /// Takes the margin rates that came into force with a settlement before `date` which was not told.
    pub(super) fn step_margins_before(&mut self, date: Day) {
        let mut stepped = false;
        for at in 0..self.config.instruments.len() {
            let id = InstrumentId::at(at);
            if self.instruments[id].step_margins(Day(date.0 - 1)) {
                stepped = true;
                self.touch_readers(id);
            }
        }
        if stepped {
            self.note_margins();
            self.changed = true;
        }
    }

    /// When the date turns, if margin is to come: a step must not wait for news.
    pub(super) fn margins_due(&self) -> Time {
        let some = || self.instruments.iter().any(|of| !of.margin_steps.is_empty());
        if self.midnight < Time::MAX && some() { self.midnight } else { Time::MAX }
    }

    /// Nobody knows whether the settlement of the day on which a run begins has been: what comes
    /// with it counts where it is more.
    pub(super) fn brace_margins(&mut self) {
        for id in self.config.instruments.ids() {
            self.instruments[id].brace_margins(self.now.date());
        }
    }

    /// The contracts as they are after the next settlement of each.
    pub(super) fn settled_instruments(&self) -> Cow<'_, Table<InstrumentId, Instrument>> {
        let (instruments, date) = (&self.instruments, self.now.date());
        let last = |id| next_settled(self.positions.day(id), date);
        let steps = |(id, of): (InstrumentId, &Instrument)| {
            of.margin_steps.first().is_some_and(|step| step.settles <= last(id))
        };
        if !instruments.pairs().any(steps) {
            return Cow::Borrowed(instruments);
        }
        let after = |(id, of): (InstrumentId, &Instrument)| {
            let mut of = of.clone();
            of.step_margins(self.positions.day(id).max(date));
            of.brace_margins(last(id));
            of
        };
        Cow::Owned(Table::new(instruments.pairs().map(after).collect()))
    }

    /// Sets what of the holds cannot be needed together, of every account whose venue freezes so.
    pub(super) fn note_reliefs(&mut self) {
        for account in self.config.accounts.ids() {
            if self.relieves(account) {
                let to = self.relief(account, 0);
                self.funds.relieve(account, to);
            }
        }
        let _ = self.funds.take_stale();
    }

    /// The same with the first `places` of the orders that are about to leave; what it was before
    /// is kept for [`Engine::unrelieve`].
    pub(super) fn relieve(&mut self, places: usize) {
        self.work.relieved.clear();
        for at in 0..places {
            let account = self.work.places[at].account;
            let told = self.work.relieved.iter().any(|(known, ..)| *known == account);
            if self.relieves(account) && !told {
                let to = self.relief(account, places);
                let before = self.funds.relieve(account, to);
                self.work.relieved.push((account, before, to));
            }
        }
    }

    /// The orders do not leave.
    pub(super) fn unrelieve(&mut self) {
        for at in 0..self.work.relieved.len() {
            let (account, before, _) = self.work.relieved[at];
            self.funds.relieve(account, before);
        }
        self.work.relieved.clear();
    }

    /// Tells what is held for orders that are about to leave, and what each by itself would need.
    pub(super) fn tell_relieved(&mut self, out: &mut Vec<Command>) {
        for at in 0..self.work.relieved.len() {
            let (account, before, to) = self.work.relieved[at];
            let (before, total) = (before.spared, to.spared);
            if total <= before {
                continue;
            }
            let of = self.work.needs.iter().filter(|need| need.account == account);
            let single: Money = of.map(|need| need.amount).sum();
            let (value, limit) = ((single - (total - before)).0, single.0);
            let subject = Subject::Account(account);
            self.alert(out, AlertCode::Relieved, Urgency::Info, subject, value, limit);
        }
    }

    fn nets(&self, account: AccountId) -> bool {
        self.config.accounts[account].terms.freezes == Freezes::Together
    }

    /// Whether what orders hold together is not the sum of what each holds.
    fn relieves(&self, account: AccountId) -> bool {
        self.nets(account) || !self.config.offsets[account].is_empty()
    }

    fn relief(&mut self, account: AccountId, places: usize) -> Relief {
        let spared = if self.nets(account) { self.spared(account, places) } else { Money::ZERO };
        Relief { spared, risked: self.risked(account, places) }
    }

    fn spared(&mut self, account: AccountId, places: usize) -> Money {
        let mut openings = std::mem::take(&mut self.work.openings);
        openings.clear();
        let live = self.live.iter().filter_map(|id| self.orders.get(*id));
        for order in live.filter(|order| order.place.account == account) {
            let held = self.funds.hold_of(order.place.order).map_or(Money::ZERO, |hold| hold.left);
            openings.push(self.opens(&order.place, order.leaves(), held));
        }
        let waiting = self.work.places.iter().take(places);
        for place in waiting.filter(|place| place.account == account) {
            let need = self.work.needs.iter().find(|need| need.order == place.order);
            let held = need.map_or(Money::ZERO, |need| need.amount);
            openings.push(self.opens(place, place.qty.get(), held));
        }
        let relief = self.positions.relief(account, &openings, &self.instruments);
        self.work.openings = openings;
        relief
    }

    /// What an order may open with the `lots` that it may still trade. At its limit: where the
    /// market has gone beyond it more may be held, and less is taken to be held twice.
    fn opens(&self, place: &Place, lots: i64, held: Money) -> Opening {
        let Place { instrument, flag, side, price, .. } = *place;
        let opens = Qty::of(lots).less(self.positions.held_lots(place.order));
        let cost = i128::from(price.0) * i128::from(opens.get());
        let of = &self.instruments[instrument];
        Opening {
            instrument,
            side,
            margin: margin::required(of, flag, side, opens, cost).min(held),
        }
    }

    /// The margin of lots that an order was to close and will open: no hold has it.
    fn opening(&self, order: ClientOrderId, lots: Qty) -> Money {
        let Some(order) = self.orders.get(order) else { return Money::ZERO };
        let Place { instrument, flag, side, price, .. } = order.place;
        let mark = self.mark(instrument).unwrap_or(price);
        let far = i128::from(price.0.abs().max(mark.0.abs()));
        let cost = far * i128::from(lots.get());
        margin::required(&self.instruments[instrument], flag, side, lots, cost)
    }
}

/// The last day that the next settlement may be of, where `told` follows the day that was settled last.
/// A weekend may be traded or not, so what comes until Monday is looked at too; holidays are not known.
fn next_settled(told: Day, date: Day) -> Day {
    let is_told = told.0 >= date.0 - 2;
    let day = if is_told { told.max(date) } else { Day(date.0 + 1) };
    // 1970-01-01 was a Thursday.
    match day.0.rem_euclid(7) {
        2 => Day(day.0 + 2),
        3 => Day(day.0 + 1),
        _ => day,
    }
}

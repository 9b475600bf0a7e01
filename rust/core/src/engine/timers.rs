//! Timers: what is due at or before `now`, in the order of (due, hedge, leg).
//!
//! Evidence beats a time-out at a tie, because it was applied before the timers of its turn run.

use super::Engine;
use crate::command::{AlertCode, Command, Subject, Urgency};
use crate::event::LinkState;
use crate::ids::{AccountId, ClientOrderId, InstrumentId};
use crate::num::Qty;
use crate::order::{Cancel, Input, Order, Query, State, TimeInForce};
use crate::time::{Span, Time};

/// Longest wait between two queries, as a power of two of the venue's interval.
const BACK_OFF_MAX: u16 = 6;

impl Engine {
    pub(super) fn run_timers(&mut self, out: &mut Vec<Command>) {
        if self.now < self.deadline && self.dirty.is_empty() {
            return;
        }
        // Each timer that fires moves beyond `now`, so every live order fires at most once.
        for _ in 0..=self.live.len() {
            let Some(id) = self.next_due() else { break };
            self.changed = true;
            self.fire(id, out);
        }
        if self.funds.transfer_due() <= self.now {
            self.tell_late(out);
        }
        if self.funds.lease_due() <= self.now {
            self.tell_over(out);
        }
        for hedge in self.config.hedges.ids() {
            if self.dues[hedge] <= self.now {
                self.hedges[hedge].wake = Time::MAX;
                self.touch(hedge);
            }
        }
    }

    fn next_due(&self) -> Option<ClientOrderId> {
        let due = self.live.iter().filter_map(|id| self.orders.get(*id));
        let due = due.filter(|order| order.due <= self.now);
        let first = due.min_by_key(|order| {
            (order.due, order.place.order.hedge(), order.place.order.leg(), order.place.order)
        });
        first.map(|order| order.place.order)
    }

    fn fire(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id).copied() else { return };
        let at_once = matches!(order.place.tif, TimeInForce::Ioc | TimeInForce::Fok);
        match order.state {
            State::Acked | State::Partial | State::PendingAmend if !at_once => {
                self.cancel(id, out);
            }
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel => {
                self.input(id, Input::Timeout, out);
                self.ask_venue(id, out);
            }
            State::Unknown
            | State::Filled
            | State::Cancelled
            | State::Rejected
            | State::Expired => self.ask_venue(id, out),
        }
        self.touch(order.place.hedge);
    }

    /// Asks the venue what has become of an order, less often each time. Once it has been asked as
    /// often as an attempt may send messages, that is told, and whatever comes it is asked about
    /// only at the longest wait; it never stops.
    fn ask_venue(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id).copied() else { return };
        let account = order.place.account;
        if self.links[account] == LinkState::Down {
            // The link's return asks at once.
            self.put_off(id, Time::MAX);
            return;
        }
        let interval = self.config.venues[self.config.accounts[account].venue].query_interval;
        let most = self.policy.hedges[order.place.hedge].execution.messages;
        let is_out = u32::from(order.asked) >= most.min(u32::from(u16::MAX));
        let doubled = if is_out { BACK_OFF_MAX } else { order.queries.min(BACK_OFF_MAX) };
        let wait = Span(interval.0 << doubled);
        if is_out && self.now < order.asked_at + wait {
            self.tell_asked_out(id, &order, out);
            self.put_off(id, order.asked_at + wait);
            return;
        }
        // What was never seen is asked about as soon as a "no" would prove something, whatever the
        // waits between the questions have grown to.
        let proof = order.sent + self.venue_of(account).max_delay;
        let awaited = !order.seen && self.now < proof;
        let next = if awaited { proof.min(self.now + wait) } else { self.now + wait };
        let instrument = order.place.instrument;
        if !self.conduct.spend_query(account, instrument, order.place.hedge, self.now) {
            let ready = self.conduct.order_ready(account, instrument, self.now);
            self.put_off(id, ready.max(Time(self.now.0 + 1)));
            return;
        }
        out.push(Command::Query(Query { order: id, account, instrument: order.place.instrument }));
        self.count_message(&order);
        if let Some(order) = self.orders.get_mut(id) {
            order.queries = order.queries.saturating_add(1);
            order.asked = order.asked.saturating_add(1);
            order.asked_at = self.now;
            order.due = next;
        }
        if is_out {
            self.tell_asked_out(id, &order, out);
        }
    }

    fn tell_asked_out(&mut self, id: ClientOrderId, order: &Order, out: &mut Vec<Command>) {
        if order.asked_out {
            return;
        }
        let (subject, value) = (Subject::Order(id), i128::from(order.asked));
        self.alert(out, AlertCode::QueryStuck, Urgency::Alarm, subject, value, 0);
        if let Some(order) = self.orders.get_mut(id) {
            order.asked_out = true;
        }
    }

    fn put_off(&mut self, id: ClientOrderId, due: Time) {
        if let Some(order) = self.orders.get_mut(id) {
            order.due = due;
        }
    }

    fn count_message(&mut self, order: &Order) {
        let decision = order.place.order.decision();
        let attempt = self.hedges[order.place.hedge].attempt.as_mut();
        if let Some(attempt) = attempt.filter(|attempt| attempt.decision == decision) {
            attempt.messaged();
        }
    }

    /// Asks the venue to cancel an order, as often as the venue's bound allows; then tells.
    pub(super) fn cancel(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id).copied() else { return };
        if order.state.is_done() || order.state == State::New {
            return;
        }
        // A cancel that was refused, or has no answer yet, is not sent again before its time.
        if order.cancels > 0 && self.now < order.due {
            return;
        }
        let account = order.place.account;
        let venue = &self.config.venues[self.config.accounts[account].venue];
        let (bound, wait) = (venue.cancels_max, venue.ack_timeout);
        if order.cancels >= bound {
            if order.cancels == bound {
                let subject = Subject::Order(id);
                let value = i128::from(order.cancels);
                self.alert(out, AlertCode::CancelStuck, Urgency::Alarm, subject, value, 0);
                if let Some(order) = self.orders.get_mut(id) {
                    order.cancels = order.cancels.saturating_add(1);
                }
            }
            // What cannot be cancelled is asked about instead, until it is done.
            self.ask_venue(id, out);
            return;
        }
        if self.links[account] == LinkState::Down {
            self.put_off(id, Time::MAX);
            return;
        }
        let (instrument, hedge) = (order.place.instrument, order.place.hedge);
        let before = self.used_before(account, instrument);
        if !self.conduct.spend_cancel(account, instrument, hedge, self.now) {
            let ready = self.conduct.cancel_ready(account, instrument, self.now);
            self.put_off(id, ready.max(Time(self.now.0 + 1)));
            return;
        }
        out.push(Command::Cancel(Cancel { order: id, account, instrument }));
        self.tell_low((account, instrument), before, out);
        self.count_cancel(id, out);
        self.count_message(&order);
        self.changed = true;
        if let Some(order) = self.orders.get_mut(id) {
            let _ = order.next(Input::CancelSent);
            order.cancels += 1;
            order.due = self.now + wait;
        }
    }

    /// Recomputes the lower bound of the next due time.
    pub(super) fn set_deadline(&mut self) {
        let orders = self.live.iter().filter_map(|id| self.orders.get(*id));
        let orders = orders.map(|order| order.due).min().unwrap_or(Time::MAX);
        let hedges = self.dues.iter().copied().min().unwrap_or(Time::MAX);
        let news = self.funds.transfer_due().min(self.funds.lease_due()).min(self.watch.wakes());
        self.deadline = orders.min(hedges).min(news).min(self.margins_due());
    }

    pub(super) fn claim(&mut self, order: &Order) {
        let place = &order.place;
        let lots = place.qty.get();
        self.claims[place.instrument].push(super::Claim {
            order: place.order,
            side: place.side,
            lots,
            done: None,
        });
        let claims = &mut self.owns[place.instrument].claims[place.side.index()];
        *claims = *claims + Qty::of(lots);
    }

    pub(super) fn claim_done(&mut self, order: &Order) {
        let place = &order.place;
        let now = self.now;
        for claim in &mut self.claims[place.instrument] {
            if claim.order == place.order {
                // What did not trade was never taken from the book.
                claim.lots = order.cum;
                claim.done = Some(now);
            }
        }
        self.claims[place.instrument].retain(|claim| claim.lots > 0);
        self.count_claims(place.instrument);
    }

    /// A book message that is newer than the end of an order shows what the order took.
    #[inline]
    pub(super) fn forget_claims(&mut self, instrument: InstrumentId) {
        if !self.claims[instrument].is_empty() {
            self.forget_old_claims(instrument);
        }
    }

    #[inline(never)]
    fn forget_old_claims(&mut self, instrument: InstrumentId) {
        let received = self.books[instrument].receive();
        let is_old = |claim: &super::Claim| claim.done.is_some_and(|done| done < received);
        if self.claims[instrument].iter().any(is_old) {
            self.claims[instrument].retain(|claim| !is_old(claim));
            self.count_claims(instrument);
        }
    }

    fn count_claims(&mut self, instrument: InstrumentId) {
        let mut claims = [Qty::ZERO; 2];
        for claim in &self.claims[instrument] {
            let sum = &mut claims[claim.side.index()];
            *sum = *sum + Qty::of(claim.lots);
        }
        self.owns[instrument].claims = claims;
    }

    pub(super) fn venue_of(&self, account: AccountId) -> &crate::config::Venue {
        &self.config.venues[self.config.accounts[account].venue]
    }
}

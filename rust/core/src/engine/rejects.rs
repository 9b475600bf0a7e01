//! What follows from an order that a venue rejected: the table is [`RejectClass::action`].

use super::Engine;
use crate::attempt::{Attempt, Wants};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Cause, Keeps, Place as At};
use crate::event::Scope;
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, LegId};
use crate::instrument::{Netting, PositionEffect};
use crate::order::{Action, Input, Order, Pause, Place, RejectClass, VenueStatus};
use crate::position::Split;
use crate::quote::Kind;
use crate::time::Time;

impl Engine {
    /// A venue rejected an order of ours.
    pub(super) fn on_rejected(
        &mut self,
        id: ClientOrderId,
        class: RejectClass,
        code: u32,
        out: &mut Vec<Command>,
    ) {
        let Some(order) = self.orders.get(id).copied() else { return };
        let action = class.action();
        if action == Action::Query {
            // It says something of a message, nothing of the order: that may well live.
            self.input(id, Input::Timeout, out);
            return;
        }
        self.input(id, Input::Done { status: VenueStatus::Rejected, cum: None }, out);
        // What is told twice has its consequences once.
        if order.state.is_done() {
            return;
        }
        if action != Action::Retry {
            self.tell_rejected(&order, class, code, out);
        }
        self.pause_after(&order.place, class);
        self.answer(&order, action, out);
    }

    /// A venue rejected a cancel of ours: the order is as it was, but what stands behind the no may
    /// concern more than this message.
    pub(super) fn on_cancel_rejected(
        &mut self,
        id: ClientOrderId,
        class: RejectClass,
        code: u32,
        out: &mut Vec<Command>,
    ) {
        self.input(id, Input::CancelRejected { class }, out);
        let Some(order) = self.orders.get(id).copied() else { return };
        match class.action() {
            Action::BackOff => self.pause_after(&order.place, class),
            Action::HaltAccount => {
                self.tell_rejected(&order, class, code, out);
                self.halt_account(order.place.account, out);
            }
            Action::Retry
            | Action::Query
            | Action::Shrink
            | Action::Resplit
            | Action::TurnBack
            | Action::RestrictHedge => {}
        }
    }

    fn answer(&mut self, order: &Order, action: Action, out: &mut Vec<Command>) {
        let place = &order.place;
        let (leg, side) = (place.order.leg(), place.side);
        match action {
            Action::Retry | Action::Query | Action::BackOff => {}
            Action::Shrink => {
                let least = self.instruments[place.instrument].min_qty.get();
                let half = place.qty.get() / 2;
                let most = if half < least { 0 } else { half };
                self.tell_rule(place, |attempt| attempt.bound(leg, side, most));
            }
            Action::Resplit => {
                let venue = self.venue_of(place.account);
                let closes = place.effect != PositionEffect::Open;
                let by_day = venue.netting == Netting::GrossByDay && closes;
                self.tell_rule(place, |attempt| {
                    if !by_day || !attempt.resplit(leg) {
                        attempt.bound(leg, side, 0);
                    }
                });
            }
            Action::TurnBack => self.tell_rule(place, |attempt| attempt.bound(leg, side, 0)),
            Action::HaltAccount => self.halt_account(place.account, out),
            Action::RestrictHedge => {
                self.tell_rule(place, |attempt| attempt.bound(leg, side, 0));
                self.restrict_hedge(place.hedge, Cause::Rejected, out);
            }
        }
    }

    /// Tells the attempt of an order, if it still lives.
    fn tell_rule(&mut self, place: &Place, tell: impl FnOnce(&mut Attempt)) {
        let attempt = self.hedges[place.hedge].attempt.as_mut();
        if let Some(attempt) = attempt.filter(|of| of.decision == place.order.decision()) {
            tell(attempt);
        }
    }

    /// Orders of a HALT are cancelled in this step, once.
    fn halt_account(&mut self, account: AccountId, out: &mut Vec<Command>) {
        let scope = Scope::Account(account);
        if !self.latches.halt_causes(scope).has(Cause::Rejected) {
            self.halt(scope, Cause::Rejected, out);
        }
    }

    /// For a while nothing new is entered where it was rejected; where too much was asked, or the
    /// venue cannot be reached, nothing leaves at all. The first pause is as long as the venue's
    /// time between two queries.
    fn pause_after(&mut self, place: &Place, class: RejectClass) {
        let account = &self.config.accounts[place.account];
        let at = match class.pauses() {
            Pause::None => return,
            Pause::Instrument => At::Instrument(place.instrument),
            Pause::Account => At::Account(place.account),
            Pause::Venue => At::Venue(account.venue),
        };
        let keeps = match class.action() {
            Action::BackOff => Keeps::Everything,
            Action::Retry
            | Action::Query
            | Action::Shrink
            | Action::Resplit
            | Action::TurnBack
            | Action::HaltAccount
            | Action::RestrictHedge => Keeps::Entering,
        };
        let shortest = self.config.venues[account.venue].query_interval;
        let until = self.conduct.pause(at, keeps, self.now, shortest);
        if keeps == Keeps::Everything {
            // Its repair goes on then, news or none.
            self.wake_at(place.hedge, until);
        }
    }

    fn tell_rejected(
        &mut self,
        order: &Order,
        class: RejectClass,
        code: u32,
        out: &mut Vec<Command>,
    ) {
        let urgency = match class.action() {
            Action::HaltAccount | Action::RestrictHedge => Urgency::Alarm,
            Action::Retry
            | Action::Query
            | Action::Shrink
            | Action::Resplit
            | Action::BackOff
            | Action::TurnBack => Urgency::Warn,
        };
        self.changed = true;
        out.push(Command::Alert(Alert {
            code: AlertCode::Rejected,
            urgency,
            refusal: None,
            detail: class.action().code(),
            subject: Subject::Order(order.place.order),
            value: i128::from(code),
            limit: i128::from(class.code()),
        }));
    }

    /// A repair order that is smaller than what is missing, because a venue took no more, is told.
    pub(super) fn tell_reissued(
        &mut self,
        attempt: &Attempt,
        place: &Place,
        out: &mut Vec<Command>,
    ) {
        let (leg, side) = (place.order.leg(), place.side);
        let most = attempt.most(leg, side);
        if most == i64::MAX {
            return;
        }
        let held = match attempt.kind {
            Kind::Roll => self.moved(place.hedge),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => self.hedges[place.hedge].held,
        };
        let Some(held) = held.get(usize::from(leg.0)).copied() else { return };
        let missing = attempt.goal().get(usize::from(leg.0)).map_or(0, |goal| (goal - held).abs());
        let (value, limit) = (i128::from(place.qty.get()), i128::from(missing));
        let subject = Subject::Order(place.order);
        self.alert(out, AlertCode::Reissued, Urgency::Warn, subject, value, limit);
    }

    /// Repair that waits for messages, or for a pause to end, goes on then, news or none.
    pub(super) fn wake_when_ready(&mut self, hedge: HedgeId, wants: &Wants) {
        let ready = wants.intents.iter().flatten().filter_map(|intent| {
            let leg = self.leg_of(hedge, intent.leg);
            let ready = self.conduct.order_ready(leg.account, leg.instrument, self.now);
            let [_, any] = self.conduct.paused_until(leg.account, leg.instrument, self.now);
            Some(ready.max(any)).filter(|at| *at > self.now)
        });
        if let Some(at) = ready.min() {
            self.wake_at(hedge, at);
        }
    }

    /// Whether nothing may leave for a leg before the attempt is due to end.
    pub(super) fn is_paused_beyond(&self, hedge: HedgeId, at: usize, due: Time) -> bool {
        let leg = self.leg_of(hedge, LegId::at(at));
        let [_, any] = self.conduct.paused_until(leg.account, leg.instrument, self.now);
        any > due.max(self.now)
    }

    /// How the lots that an order closes are counted here: where the venue was told the other way
    /// round, not as it says.
    pub(super) fn counted_as(&self, place: &Place) -> PositionEffect {
        let attempt = self.work.resplit & (1 << place.order.leg().0) != 0;
        if attempt { other(place.effect) } else { place.effect }
    }

    /// What an order of a leg says it does to lots that are counted so; noted for
    /// [`Engine::counted_as`].
    pub(super) fn said_as(&mut self, leg: LegId, is_resplit: bool, split: &mut Split) {
        let bit = 1 << leg.0;
        self.work.resplit &= !bit;
        if is_resplit {
            self.work.resplit |= bit;
            split.rename(other);
        }
    }
}

/// The other of the two effects that close.
const fn other(effect: PositionEffect) -> PositionEffect {
    match effect {
        PositionEffect::Open => PositionEffect::Open,
        PositionEffect::Close => PositionEffect::CloseToday,
        PositionEffect::CloseToday => PositionEffect::Close,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_effect_of_the_other_is_the_same() {
        for effect in [PositionEffect::Open, PositionEffect::Close, PositionEffect::CloseToday] {
            assert_eq!(other(other(effect)), effect);
        }
        assert_eq!(other(PositionEffect::Close), PositionEffect::CloseToday);
    }
}

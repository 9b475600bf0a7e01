//! The operator's words: stop, kill, unlatch, flatten, enter, exit, adopt, override, policy, freeze,
//! forfeit; and the two ways in which a run does not go on as before: a restart and a broken invariant.

use super::decide::Edge;
use super::{BookingKind, Engine};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Cause, Halt};
use crate::error::Error;
use crate::event::{Control, LinkState, Scope, Verb};
use crate::gate::{Denial, Policy, Refusal};
use crate::ids::{AccountId, HedgeId, Id, InstrumentId, LegId};
use crate::num::{Price, Qty, div_ceil, wide};
use crate::order::{Cancel, Input, Order};
use crate::position::Owner;
use crate::quote::{Kind, LegLots};
use crate::signal::Want;
use crate::time::{Span, Time};

/// [`crate::num::MONEY_UNIT`], short.
const UNIT: i64 = 1_000_000_000;

impl Engine {
    pub(super) fn on_control(&mut self, control: &Control, out: &mut Vec<Command>) {
        match &control.verb {
            Verb::Stop(scope) => {
                self.latches.stop(*scope);
                self.alert(out, AlertCode::Stopped, Urgency::Info, subject(*scope), 0, 0);
                self.touch_quotes();
            }
            Verb::Resume(scope) => {
                self.latches.resume(*scope);
                self.alert(out, AlertCode::Resumed, Urgency::Info, subject(*scope), 0, 0);
                self.touch_all();
            }
            Verb::Kill(scope) => self.halt(*scope, Cause::Operator, out),
            Verb::Unlatch(scope) => self.unlatch(*scope, out),
            Verb::Flatten(scope) => self.flatten(*scope),
            Verb::Unrestrict(scope) => {
                self.latches.unrestrict(*scope);
                self.alert(out, AlertCode::Unrestricted, Urgency::Info, subject(*scope), 0, 0);
                self.touch_all();
            }
            Verb::Enter { hedge, sets, at_least, over } => {
                self.work.over = *over;
                let begun = self.enter_by_word(*hedge, *sets, *at_least, out);
                self.work.over = Span::ZERO;
                if let Err(denial) = begun {
                    self.hedges[*hedge].refused = None;
                    self.refuse(*hedge, &denial, out);
                    self.hedges[*hedge].refused = None;
                }
            }
            Verb::Exit { hedge, sets, over } => {
                self.work.over = *over;
                let begun = self.exit_by_word(*hedge, *sets, out);
                self.work.over = Span::ZERO;
                if let Err(denial) = begun {
                    self.hedges[*hedge].refused = None;
                    self.refuse(*hedge, &denial, out);
                    self.hedges[*hedge].refused = None;
                }
            }
            Verb::Roll { hedge } => {
                if let Err(denial) = self.roll_by_word(*hedge, out) {
                    self.hedges[*hedge].refused = None;
                    self.refuse(*hedge, &denial, out);
                    self.hedges[*hedge].refused = None;
                }
            }
            Verb::Adopt { hedge, lots } => self.adopt(*hedge, lots, out),
            Verb::Override { order, status, cum, reason: _ } => {
                self.input(*order, Input::Override { status: *status }, out);
                let (subject, value) = (Subject::Order(*order), i128::from(cum.get()));
                self.alert(out, AlertCode::Overridden, Urgency::Warn, subject, value, 0);
                self.after_order(*order, out);
            }
            Verb::Policy(policy) => self.replace_policy(policy, out),
            Verb::Freeze { hedge, lasts, adverse } => {
                let until = self.now + *lasts;
                self.hedges[*hedge].frozen = Some((until, *adverse));
                // What was kept is put where it belongs as soon as it may move again.
                self.wake_at(*hedge, until);
                self.touch(*hedge);
            }
            Verb::Forfeit { hedge, reason: _ } => self.forfeit(*hedge, out),
            Verb::Transfer(transfer) => self.ask_transfer(transfer, out),
            Verb::Lease(lease) => self.take_lease(lease),
        }
    }

    /// What an attempt has not traded is given up: a person answers for it.
    fn forfeit(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let now = self.now;
        let Some(attempt) = self.hedges[hedge].attempt.as_mut() else {
            self.hedges[hedge].refused = None;
            self.refuse(hedge, &Denial::plain(Refusal::Nothing), out);
            self.hedges[hedge].refused = None;
            return;
        };
        attempt.forfeit(now);
        let subject = Subject::Attempt(attempt.decision);
        let plan = self.plan(hedge);
        let residual = plan.residual(&self.positions.inventory(hedge));
        let value = div_ceil(wide(residual, UNIT), i128::from(plan.unit_den));
        self.alert(out, AlertCode::Forfeited, Urgency::Alarm, subject, value, 0);
        self.touch(hedge);
    }

    fn enter_by_word(
        &mut self,
        hedge: HedgeId,
        sets: i64,
        at_least: Option<crate::num::Ratio>,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        self.note_inventory(hedge);
        if self.hedges[hedge].is_taken() {
            return Err(Denial::plain(Refusal::Busy));
        }
        let held = self.hedges[hedge].sets;
        // No flip in one attempt: exit to zero first.
        if held != 0 && held.signum() != sets.signum() {
            let value = i128::from(held);
            return Err(Denial { value, ..Denial::plain(Refusal::Inventory) });
        }
        let direction =
            crate::merge::Direction::of(sets).ok_or_else(|| Denial::plain(Refusal::Nothing))?;
        let edge = match at_least {
            Some(least) => Edge::AtLeast(least),
            None => Edge::Band(Want::Enter(direction)),
        };
        let size = self.policy.hedges[hedge].size;
        let to = held + sets;
        // Asked for whole and refused whole: the first slices would pass.
        if to.abs() > size.max {
            let (value, limit) = (i128::from(to.abs()), i128::from(size.max));
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Inventory) });
        }
        if self.is_quoting(hedge) {
            return self.start_quoting(hedge, Kind::Enter, (to, size.clip), edge, out);
        }
        self.enter(hedge, to, size.clip, edge, out)
    }

    fn exit_by_word(
        &mut self,
        hedge: HedgeId,
        sets: Option<Qty>,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        self.note_inventory(hedge);
        if self.hedges[hedge].is_taken() {
            return Err(Denial::plain(Refusal::Busy));
        }
        let held = self.hedges[hedge].sets;
        let back = sets.map_or(held.abs(), |sets| sets.get().min(held.abs()));
        let to = held - held.signum() * back;
        self.leave(hedge, Kind::Exit, to, None, out)
    }

    /// Sets the latch and cancels in the same step: no budget holds these cancels back.
    pub(super) fn halt(&mut self, scope: Scope, cause: Cause, out: &mut Vec<Command>) {
        self.latches.halt(scope, cause);
        for hedge in self.config.hedges.ids() {
            if self.in_scope(scope, hedge) {
                let waited = self.hedges[hedge].waits();
                self.hedges[hedge].flatten = false;
                self.count_waiting(hedge, waited);
            }
        }
        let orders: Vec<Order> = self
            .live
            .iter()
            .filter_map(|id| self.orders.get(*id))
            .filter(|order| self.is_halted_order(order))
            .copied()
            .collect();
        for order in orders {
            self.cancel_at_once(&order, out);
        }
        self.alert(out, AlertCode::Halted, Urgency::Alarm, subject(scope), 0, 0);
        self.touch_all();
    }

    fn cancel_at_once(&mut self, order: &Order, out: &mut Vec<Command>) {
        let id = order.place.order;
        if order.state.is_done() || self.links[order.place.account] == LinkState::Down {
            return;
        }
        out.push(Command::Cancel(Cancel {
            order: id,
            account: order.place.account,
            instrument: order.place.instrument,
        }));
        let venue = self.venue_of(order.place.account);
        let (wait, bound) = (venue.ack_timeout, venue.cancels_max);
        let now = self.now;
        self.spend_kill(id, out);
        if let Some(order) = self.orders.get_mut(id) {
            let _ = order.next(Input::CancelSent);
            // A kill takes no account of the bound, but does not hide that it is reached.
            order.cancels = order.cancels.saturating_add(1).min(bound);
            order.due = now + wait;
        }
    }

    /// Cancels an order of a HALT once its line is back. As in a kill no budget holds it back, but
    /// what has reached the venue's bound of cancels is only asked about.
    pub(super) fn cancel_in_halt(&mut self, id: crate::ids::ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id).copied() else { return };
        if order.cancels < self.venue_of(order.place.account).cancels_max {
            self.cancel_at_once(&order, out);
        } else {
            self.cancel(id, out);
        }
    }

    fn unlatch(&mut self, scope: Scope, out: &mut Vec<Command>) {
        let open = self.live.iter().filter_map(|id| self.orders.get(*id));
        let open = open.filter(|order| self.order_in_scope(scope, order)).count();
        if open > 0 {
            let value = i128::try_from(open).unwrap_or(i128::MAX);
            let code = AlertCode::UnlatchRefused;
            self.alert(out, code, Urgency::Warn, subject(scope), value, 0);
            return;
        }
        self.latches.unlatch(scope);
        self.alert(out, AlertCode::Unlatched, Urgency::Info, subject(scope), 0, 0);
        self.touch_all();
    }

    fn flatten(&mut self, scope: Scope) {
        self.latches.flatten(scope);
        for hedge in self.config.hedges.ids() {
            if self.in_scope(scope, hedge) {
                let waited = self.hedges[hedge].waits();
                self.hedges[hedge].flatten = true;
                self.count_waiting(hedge, waited);
                self.touch(hedge);
            }
        }
    }

    fn adopt(&mut self, hedge: HedgeId, lots: &LegLots, out: &mut Vec<Command>) {
        for (at, lots) in lots.iter().copied().enumerate().filter(|(_, lots)| *lots != 0) {
            let leg = LegId::at(at);
            let worth = |engine: &Engine| engine.positions.leg_result(hedge, leg, Price(0));
            let before = worth(self);
            if let Err(error) = self.positions.adopt(hedge, leg, lots) {
                panic!("broken invariant: an adoption that passed the door: {error:?}");
            }
            let value = worth(self) - before;
            if let Some(plan) = self.config.hedges[hedge].plan.legs.get(at) {
                let (pair, owner) = ((plan.account, plan.instrument), Owner::Hedge(hedge, leg));
                self.note_moved(BookingKind::Adopted, pair, owner, lots, value);
                let (lots, value) = (-lots, -value);
                self.note_moved(BookingKind::Adopted, pair, Owner::Unassigned, lots, value);
            }
            out.push(Command::Alert(Alert {
                code: AlertCode::Adopted,
                urgency: Urgency::Info,
                refusal: None,
                detail: leg.0,
                subject: Subject::Hedge(hedge),
                value: i128::from(lots),
                limit: 0,
            }));
        }
        self.touch(hedge);
    }

    fn replace_policy(&mut self, policy: &Policy, out: &mut Vec<Command>) {
        self.policy = policy.clone();
        self.set_reaches();
        self.note_quoting();
        self.rewatch();
        let windows = self.conduct.windows_mut();
        for (venue, limits) in policy.venues.pairs() {
            windows.venues[venue].resize(limits.message_rate, limits.cancel_reserve);
        }
        for (account, limits) in policy.accounts.pairs() {
            self.work.caps[account] = limits.usage_cap;
            windows.accounts[account].resize(limits.message_rate, limits.cancel_reserve);
        }
        for (instrument, limits) in policy.instruments.pairs() {
            windows.instruments[instrument].resize(limits.message_rate, limits.cancel_reserve);
        }
        self.alert(out, AlertCode::PolicyReplaced, Urgency::Info, Subject::Engine, 0, 0);
        self.touch_all();
    }

    /// A new run takes over what an earlier one left: every order that may have left is unknown and
    /// asked about; attempts that lived have their time anew. Every trading link and every feed
    /// counts as down until news of it comes: what the old run knew of them says nothing now.
    ///
    /// # Errors
    /// As [`Engine::check_restart`]; then nothing has changed.
    pub fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>) -> Result<(), Error> {
        self.check_restart(now, run)?;
        self.begin(now);
        self.run = run;
        let live = self.live.clone();
        for id in live {
            self.input(id, Input::LinkDown, out);
            self.hasten(id);
        }
        for hedge in self.config.hedges.ids() {
            let state = &mut self.hedges[hedge];
            state.attempts = 0;
            if let Some(attempt) = state.attempt.as_mut() {
                attempt.restarted(self.now + attempt.execution.finish_within);
            }
        }
        // The questions leave; what the attempts want waits for the first news.
        self.deadline = self.now;
        self.run_timers(out);
        self.dirty.clear();
        // Quietly: nobody is restricted for it, and nothing is told.
        self.links.iter_mut().for_each(|link| *link = LinkState::Down);
        for instrument in self.config.instruments.ids() {
            self.books[instrument].set_down();
            self.signals.refresh(instrument, self.now, &self.books);
        }
        self.funds.balanced();
        self.set_deadline();
        Ok(())
    }

    /// A broken invariant: the state is no longer trusted. Cancels every order that may live, once;
    /// every later event is refused.
    pub fn poison(&mut self, out: &mut Vec<Command>) {
        if self.poisoned {
            return;
        }
        self.poisoned = true;
        for order in self.orders.iter() {
            if !order.state.is_done() {
                out.push(Command::Cancel(Cancel {
                    order: order.place.order,
                    account: order.place.account,
                    instrument: order.place.instrument,
                }));
            }
        }
        self.alert(out, AlertCode::Poisoned, Urgency::Alarm, Subject::Engine, 0, 0);
    }

    pub(super) fn restrict_hedge(&mut self, hedge: HedgeId, cause: Cause, out: &mut Vec<Command>) {
        self.restrict(Scope::Hedge(hedge), cause, out);
    }

    pub(super) fn restrict_account(
        &mut self,
        account: AccountId,
        cause: Cause,
        out: &mut Vec<Command>,
    ) {
        self.restrict(Scope::Account(account), cause, out);
    }

    fn restrict(&mut self, scope: Scope, cause: Cause, out: &mut Vec<Command>) {
        if self.latches.restrict(scope, cause) {
            self.alert_coded(
                out,
                AlertCode::Restricted,
                Urgency::Alarm,
                cause.code(),
                subject(scope),
            );
        }
    }

    pub(super) fn touch_all(&mut self) {
        for hedge in self.config.hedges.ids() {
            self.touch(hedge);
        }
    }

    fn in_scope(&self, scope: Scope, hedge: HedgeId) -> bool {
        let legs = &self.plan(hedge).legs;
        match scope {
            Scope::All => true,
            Scope::Hedge(of) => of == hedge,
            Scope::Account(account) => legs.iter().any(|leg| leg.account == account),
            Scope::Venue(venue) => {
                legs.iter().any(|leg| self.config.accounts[leg.account].venue == venue)
            }
        }
    }

    fn order_in_scope(&self, scope: Scope, order: &Order) -> bool {
        let place = &order.place;
        match scope {
            Scope::All => true,
            Scope::Hedge(hedge) => place.hedge == hedge || self.beside_order(place) == Some(hedge),
            Scope::Account(account) => place.account == account,
            Scope::Venue(venue) => self.config.accounts[place.account].venue == venue,
        }
    }

    /// How the HALT latches stand over a hedge in an account.
    pub(super) fn halt_over(&self, hedge: HedgeId, account: AccountId) -> Halt {
        self.latches.halt_over(hedge, account, self.config.accounts[account].venue)
    }

    pub(super) fn is_halted_order(&self, order: &Order) -> bool {
        let place = &order.place;
        let over = |hedge| self.halt_over(hedge, place.account) != Halt::Off;
        over(place.hedge) || self.beside_order(place).is_some_and(over)
    }

    /// How the HALT latches stand over what an attempt of this kind does: inside one only what
    /// flatten opened goes on, and only to reduce.
    #[inline]
    pub(super) fn halt_for(&self, hedge: HedgeId, account: AccountId, kind: Kind) -> Halt {
        if !self.latches.any_halted() {
            return Halt::Off;
        }
        let over = |hedge| self.halt_over(hedge, account) != Halt::Off;
        if self.beside(hedge, kind).is_some_and(over) {
            return Halt::Latched;
        }
        let gives_back = kind == Kind::Reduce && self.hedges[hedge].flatten;
        match self.halt_over(hedge, account) {
            Halt::Flattening if !gives_back => Halt::Latched,
            halt @ (Halt::Off | Halt::Latched | Halt::Flattening) => halt,
        }
    }

    /// Whether a HALT latch forbids what an attempt of this kind does in an account now.
    pub(super) fn is_halted(&self, hedge: HedgeId, account: AccountId, kind: Kind) -> bool {
        self.halt_for(hedge, account, kind) == Halt::Latched
    }

    /// Whether an attempt stands in the way of a flatten that a HALT lets through.
    pub(super) fn gives_way(&self, hedge: HedgeId, kind: Kind) -> bool {
        let is_let_through = |of: HedgeId| {
            let mut legs = self.plan(of).legs.iter();
            self.hedges[of].flatten
                && legs.any(|leg| self.halt_over(of, leg.account) == Halt::Flattening)
        };
        kind != Kind::Reduce
            && (is_let_through(hedge) || self.beside(hedge, kind).is_some_and(is_let_through))
    }

    /// Whether a HALT leaves a hedge only orders that reduce.
    pub(super) fn reduces_only(&self, hedge: HedgeId) -> bool {
        self.hedges[hedge].flatten && {
            let legs = &self.plan(hedge).legs;
            legs.iter().any(|leg| self.halt_over(hedge, leg.account) != Halt::Off)
        }
    }

    pub(super) fn is_stopped(&self, hedge: HedgeId) -> bool {
        self.plan(hedge).legs.iter().any(|leg| {
            let venue = self.config.accounts[leg.account].venue;
            self.latches.stopped_over(hedge, leg.account, venue)
        })
    }

    pub(super) fn is_hedge_restricted(&self, hedge: HedgeId) -> bool {
        !self.latches.restrictions(Scope::Hedge(hedge)).is_none()
    }

    pub(super) fn is_account_restricted(&self, account: AccountId) -> bool {
        !self.latches.restrictions(Scope::Account(account)).is_none()
    }

    pub(super) fn tokens_left(&self, account: AccountId, instrument: InstrumentId) -> u32 {
        self.conduct.orders_left(account, instrument, self.now)
    }
}

fn subject(scope: Scope) -> Subject {
    match scope {
        Scope::All => Subject::Engine,
        Scope::Venue(venue) => Subject::Venue(venue),
        Scope::Account(account) => Subject::Account(account),
        Scope::Hedge(hedge) => Subject::Hedge(hedge),
    }
}

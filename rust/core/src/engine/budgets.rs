//! What exchanges count in a trading day: proven before an order leaves, counted when it happens.
//!
//! An order leaves only where the day has room for its own cancel and for the lots it may open,
//! beside what live orders of its group may still come to. What enters leaves the reserve alone, and
//! has room for the legs that follow it; a quote rests only while they have it.

use super::Engine;
use crate::attempt::{Attempt, Wants};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Budgets, Counted, Tally};
use crate::gate::{Denial, Refusal};
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId};
use crate::instrument::PositionEffect;
use crate::num::{Price, Qty, Side};
use crate::order::{ExecutionKey, Fill, Order, Place, State, TimeInForce};
use crate::quote::{Intent, Kind, LegLots, LegPlan, Purpose};

impl Engine {
    /// Proves that the budgets of the day have room for the orders that wait, and for those of
    /// `wants` that leave later.
    pub(super) fn prove_set_budgets(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        wants: &Wants,
    ) -> Result<(), Denial> {
        self.work.later.clear();
        let later = wants.intents.iter().flatten();
        for intent in later.filter(|intent| intent.purpose == Purpose::Hedge) {
            self.note_later(hedge, attempt, &Intent { purpose: Purpose::Work, ..*intent });
        }
        let proven = self.prove_budgets();
        self.work.later.clear();
        proven
    }

    /// Proves the same for a quote that waits alone, and for the legs that follow it.
    pub(super) fn prove_quote_budgets(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        held: &LegLots,
    ) -> Result<(), Denial> {
        self.prove_followers(hedge, attempt, held, Purpose::Work)
    }

    /// Whether the legs that follow a quote have room to; in need they may use the reserve.
    pub(super) fn may_rest(&mut self, hedge: HedgeId, attempt: &Attempt, held: &LegLots) -> bool {
        self.work.places.clear();
        self.prove_followers(hedge, attempt, held, Purpose::Hedge).is_ok()
    }

    fn prove_followers(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        held: &LegLots,
        purpose: Purpose,
    ) -> Result<(), Denial> {
        self.work.later.clear();
        for (at, held) in held.iter().enumerate().take(self.worked(hedge, attempt.kind).legs.len())
        {
            let (leg, lots) = (LegId::at(at), attempt.goal()[at] - held);
            let Some(side) = Side::of(lots).filter(|_| !attempt.leads(leg)) else { continue };
            let of = self.leg_of(hedge, leg).instrument;
            if self.policy.instruments[of].conduct.is_some() {
                let limit = self.books[of].best(side.flip()).unwrap_or(Price(0));
                let qty = Qty::of(lots);
                self.note_later(hedge, attempt, &Intent { leg, side, qty, limit, purpose });
            }
        }
        let proven = self.prove_budgets();
        self.work.later.clear();
        proven
    }

    /// Adds the orders that an intent would need now to those that leave later.
    fn note_later(&mut self, hedge: HedgeId, attempt: &Attempt, intent: &Intent) {
        let leg = *self.leg_of(hedge, intent.leg);
        let first = self.closes_first(leg.instrument, intent.limit);
        let (side, qty) = (intent.side, intent.qty);
        let split = self.positions.split(leg.account, leg.instrument, side, qty, first);
        // Lots that are missing are told when their orders are made.
        let Ok(split) = split else { return };
        for (effect, qty) in split.iter() {
            let place = self.placed(hedge, attempt, intent, (attempt.decision, effect, qty));
            self.work.later.push(place);
        }
    }

    /// Proves that the budgets of the day have room for the orders that wait, those that leave
    /// later included.
    pub(super) fn prove_budgets(&self) -> Result<(), Denial> {
        for place in self.work.places.iter().chain(&self.work.later) {
            if let Some(budgets) = &self.policy.instruments[place.instrument].conduct {
                self.prove_budget(place, budgets)?;
            }
        }
        Ok(())
    }

    fn prove_budget(&self, place: &Place, budgets: &Budgets) -> Result<(), Denial> {
        if !budgets.counts(place.flag) {
            return Ok(());
        }
        let (account, instrument) = (place.account, place.instrument);
        let mut wanted = Tally::ZERO;
        for other in self.work.places.iter().chain(&self.work.later) {
            if self.is_counted_with(other, account, instrument) {
                wanted.add_all(&budgets.worst(other, other.qty.get(), false));
            }
        }
        if enters(place) {
            wanted.add(Counted::SelfTrades, 1);
            wanted.add(Counted::Bursts, 1);
        }
        let mut used = self.conduct.used(account, instrument);
        used.add_all(&self.in_flight(account, instrument, budgets));
        for counted in Counted::ALL {
            let Some(budget) = budgets.of(counted).filter(|_| wanted.of(counted) > 0) else {
                continue;
            };
            let kept = if enters(place) { budget.reserve } else { 0 };
            let limit = i128::from(budget.per_day.saturating_sub(kept));
            let value = i128::from(used.of(counted)) + i128::from(wanted.of(counted));
            if value > limit {
                let (leg, account) = (Some(place.order.leg()), Some(account));
                let denial = Denial::plain(Refusal::of_budget(counted));
                return Err(Denial { leg, account, value, limit, ..denial });
            }
        }
        Ok(())
    }

    /// What live orders of a group may still come to.
    fn in_flight(&self, account: AccountId, instrument: InstrumentId, budgets: &Budgets) -> Tally {
        let mut tally = Tally::ZERO;
        for order in self.live.iter().filter_map(|id| self.orders.get(*id)) {
            if self.is_counted_with(&order.place, account, instrument) {
                let no_cancel = order.counted || order.state.is_done();
                tally.add_all(&budgets.worst(&order.place, order.leaves(), no_cancel));
            }
        }
        tally
    }

    fn is_counted_with(&self, place: &Place, account: AccountId, instrument: InstrumentId) -> bool {
        place.instrument == instrument && self.are_one(place.account, account)
    }

    /// Whether two accounts are under the same actual control.
    fn are_one(&self, account: AccountId, other: AccountId) -> bool {
        account == other || self.conduct.group(account) == self.conduct.group(other)
    }

    /// The price of an order of the same group that an intent would meet, on its way or in its set.
    #[inline]
    pub(super) fn meets(
        &self,
        legs: &[LegPlan],
        leg: &LegPlan,
        intent: &Intent,
        set: &[Option<Intent>; LEGS_MAX],
    ) -> Option<Price> {
        let meets = |side: Side, price: Price| match (intent.side, side) {
            (Side::Buy, Side::Sell) => price <= intent.limit,
            (Side::Sell, Side::Buy) => price >= intent.limit,
            (Side::Buy, Side::Buy) | (Side::Sell, Side::Sell) => false,
        };
        for (other_leg, other) in legs.iter().zip(set) {
            let Some(other) = other.filter(|_| other_leg.instrument == leg.instrument) else {
                continue;
            };
            if meets(other.side, other.limit) && self.are_one(other_leg.account, leg.account) {
                return Some(other.limit);
            }
        }
        for order in self.live.iter().filter_map(|id| self.orders.get(*id)) {
            let place = &order.place;
            if place.instrument == leg.instrument
                && meets(place.side, place.price)
                && order.leaves() > 0
                && self.are_one(place.account, leg.account)
            {
                return Some(place.price);
            }
        }
        None
    }

    /// A cancel that no budget holds back was sent for an order.
    pub(super) fn spend_kill(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id) else { return };
        let Place { account, instrument, hedge, .. } = order.place;
        let before = self.used_before(account, instrument);
        self.conduct.spend_kill(account, instrument, hedge, self.now);
        self.tell_low((account, instrument), before, out);
        self.count_cancel(id, out);
    }

    /// A cancel was sent for an order: it counts once, whatever comes of it.
    pub(super) fn count_cancel(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get_mut(id).filter(|order| !order.counted) else { return };
        order.counted = true;
        let Order { place, cum, .. } = *order;
        let Some(budgets) = self.policy.instruments[place.instrument].conduct else { return };
        if budgets.counts(place.flag) {
            let pair = (place.account, place.instrument);
            self.spend(pair, &budgets.cancel(place.qty.get() - cum), out);
        }
    }

    /// An order whose venue ended it with lots left counts as a cancel, where such ends do.
    pub(super) fn count_end(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id) else { return };
        let Order { place, cum, state, .. } = *order;
        let at_once = matches!(place.tif, TimeInForce::Ioc | TimeInForce::Fok);
        let is_cancel = match state {
            State::Cancelled => true,
            // What rests expires with its day, which is no cancel.
            State::Expired => at_once,
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel
            | State::Unknown
            | State::Filled
            | State::Rejected => false,
        };
        let counts = |of: &Budgets| of.ends_as_cancel(place.tif);
        let rules = self.policy.instruments[place.instrument].conduct;
        if is_cancel && cum < place.qty.get() && rules.as_ref().is_some_and(counts) {
            self.count_cancel(id, out);
        }
    }

    /// Lots were traded; those that were opened count.
    pub(super) fn count_opened(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        effect: PositionEffect,
        lots: Qty,
        out: &mut Vec<Command>,
    ) {
        let Some(budgets) = self.policy.instruments[instrument].conduct else { return };
        if budgets.counts(self.config.accounts[account].flag) && effect == PositionEffect::Open {
            let mut opened = Tally::ZERO;
            opened.add(Counted::Opens, lots.get());
            self.spend((account, instrument), &opened, out);
        }
    }

    /// Where the other side of a trade is an account of the same group, the venue gives both the
    /// same trade id and price.
    pub(super) fn count_self_trade(
        &mut self,
        key: &ExecutionKey,
        fill: &Fill,
        out: &mut Vec<Command>,
    ) {
        let (account, instrument, side, trade_id) = *key;
        if self.policy.instruments[instrument].conduct.is_none() {
            return;
        }
        let is_other = |other: AccountId| {
            let execution = self.orders.execution(&(other, instrument, side.flip(), trade_id));
            self.are_one(other, account)
                && execution.is_some_and(|of| of.price == fill.price && !of.qty.is_zero())
        };
        if self.config.accounts.ids().any(is_other) {
            let mut traded = Tally::ZERO;
            traded.add(Counted::SelfTrades, 1);
            self.spend((account, instrument), &traded, out);
        }
    }

    fn spend(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        more: &Tally,
        out: &mut Vec<Command>,
    ) {
        let before = self.used_before(account, instrument);
        self.conduct.spend(account, instrument, more);
        self.tell_low((account, instrument), before, out);
    }

    /// What is used where there are budgets, for [`Engine::tell_low`] after more of it is.
    #[inline]
    pub(super) fn used_before(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<(Budgets, Tally)> {
        let budgets = self.policy.instruments[instrument].conduct?;
        Some((budgets, self.conduct.used(account, instrument)))
    }

    /// Tells of every budget of which four fifths are used now and were not before.
    #[inline]
    pub(super) fn tell_low(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        before: Option<(Budgets, Tally)>,
        out: &mut Vec<Command>,
    ) {
        let Some((budgets, before)) = before else { return };
        let used = self.conduct.used(account, instrument);
        for counted in Counted::ALL {
            let Some(budget) = budgets.of(counted) else { continue };
            let is_low =
                |used: &Tally| i128::from(used.of(counted)) * 5 >= i128::from(budget.per_day) * 4;
            if is_low(&used) && !is_low(&before) {
                self.changed = true;
                out.push(Command::Alert(Alert {
                    code: AlertCode::BudgetLow,
                    urgency: Urgency::Warn,
                    refusal: None,
                    detail: Refusal::of_budget(counted).code(),
                    subject: Subject::Instrument(instrument),
                    value: i128::from(used.of(counted)),
                    limit: i128::from(budget.per_day),
                }));
            }
        }
    }
}

/// Whether an order adds sets: it leaves the reserve alone.
fn enters(place: &Place) -> bool {
    let opens = matches!(place.kind, Kind::Enter | Kind::Roll);
    opens && matches!(place.purpose, Purpose::Work | Purpose::Quote)
}

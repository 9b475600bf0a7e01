//! Facts: what is true of every leg now, for the quantities an attempt asks about.

use super::Engine;
use crate::event::LinkState;
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX};
use crate::merge;
use crate::num::{Money, Price, Side, div_ceil};
use crate::quote::{Blocked, Data, Facts, HedgePlan, LegAsk, LegFacts, LegLots, LegPlan, Walk};

impl Engine {
    pub(super) fn plan(&self, hedge: HedgeId) -> &HedgePlan {
        &self.config.hedges[hedge].plan
    }

    pub(super) fn facts(
        &self,
        hedge: HedgeId,
        decision: ClientOrderId,
        ask: &[LegAsk; LEGS_MAX],
        held: &LegLots,
    ) -> Facts {
        let mut facts =
            Facts { legs: [LegFacts::UNKNOWN; LEGS_MAX], loss_left: self.loss_left(hedge) };
        let plan = self.plan(hedge);
        for (at, leg) in plan.legs.iter().enumerate() {
            facts.legs[at] = self.leg_facts(hedge, leg, ask[at]);
            facts.legs[at].held = held[at];
        }
        for order in self.orders.of_attempt(decision) {
            if !order.is_confirmed() {
                let leg = &mut facts.legs[order.place.order.leg().index()];
                leg.alive += 1;
                leg.resting += u32::from(order.is_resting());
            }
        }
        facts
    }

    /// What repair of a hedge may still lose today.
    pub(super) fn loss_left(&self, hedge: HedgeId) -> Money {
        let budget = self.policy.hedges[hedge].execution.max_loss_per_day;
        budget - self.conduct.lost_today(hedge)
    }

    fn leg_facts(&self, hedge: HedgeId, leg: &LegPlan, ask: LegAsk) -> LegFacts {
        let book = &self.books[leg.instrument];
        let own = &self.owns[leg.instrument];
        let tick_value = self.tick_value(leg);
        let mut facts = LegFacts {
            tick_value: tick_value.unwrap_or(Money::ZERO),
            age: self.now - book.receive(),
            blocked: self.blocked(hedge, leg),
            ..LegFacts::UNKNOWN
        };
        if tick_value.is_none() {
            // Without a rate no cost can be stated.
            facts.blocked = facts.blocked.with(Blocked::FEED);
        }
        for side in [Side::Buy, Side::Sell] {
            let at = side.index();
            facts.touch[at] = book.top(side.flip()).map(|top| top.price);
            facts.collar[at] = self.collar(leg.instrument, side);
            let qty = ask[at];
            if let (Some(limit), false) = (facts.collar[at], qty.is_zero()) {
                facts.walk[at] = book.walk(side, qty, Some(limit), own);
                facts.fee[at] = facts.walk[at]
                    .map_or(Money::ZERO, |walk| self.leg_fee(leg, side, &walk, facts.tick_value));
            }
        }
        facts
    }

    /// Why nothing may be sent on a leg now.
    fn blocked(&self, hedge: HedgeId, leg: &LegPlan) -> Blocked {
        let mut blocked = Blocked::NONE;
        let instrument = &self.instruments[leg.instrument];
        if self.links[leg.account] != LinkState::Resynced {
            blocked = blocked.with(Blocked::VENUE);
        }
        if !instrument.phases.at(self.now).phase.takes_orders() {
            blocked = blocked.with(Blocked::PHASE);
        }
        let book = &self.books[leg.instrument];
        let age = self.now - book.receive();
        if book.data() != Data::Whole || age > self.policy.instruments[leg.instrument].age {
            blocked = blocked.with(Blocked::FEED);
        }
        if self.is_halted(hedge, leg.account) {
            blocked = blocked.with(Blocked::HALT);
        }
        blocked
    }

    /// The worst price that an order of `side` may carry now: so many ticks from the touch it
    /// meets, and inside the day's band.
    pub(super) fn collar(&self, id: InstrumentId, side: Side) -> Option<Price> {
        let touch = self.books[id].top(side.flip())?.price;
        let away = side.sign() * self.policy.instruments[id].collar;
        let price = Price(touch.0 + away);
        match self.instruments[id].band {
            None => Some(price),
            Some(band) if touch < band.low || touch > band.high => None,
            Some(band) => Some(price.clamp(band.low, band.high)),
        }
    }

    /// The value of one tick of one lot of a leg in the hedge's currency at FX mid.
    pub(super) fn tick_value(&self, leg: &LegPlan) -> Option<Money> {
        merge::tick_value(leg, &self.books)
    }

    /// The fee of taking a walk, in the hedge's currency, by the position effects it would have.
    fn leg_fee(&self, leg: &LegPlan, side: Side, walk: &Walk, tick_value: Money) -> Money {
        let instrument = &self.instruments[leg.instrument];
        let Ok(split) = self.positions.split(leg.account, leg.instrument, side, walk.qty) else {
            return Money::ZERO;
        };
        let fees = split.iter().map(|(effect, qty)| {
            instrument.fees.by(effect).of(instrument.notional(walk.worst, qty), qty)
        });
        let fees: Money = fees.sum();
        Money(div_ceil(fees.0 * tick_value.0, instrument.tick_value.0.max(1)))
    }

    /// The middle of every book, where it has one; positions are marked to it.
    pub(super) fn mark(&self, id: InstrumentId) -> Option<Price> {
        let book = &self.books[id];
        match (book.best(Side::Buy), book.best(Side::Sell)) {
            (Some(bid), Some(ask)) => Some(Price((bid.0 + ask.0).div_euclid(2))),
            (Some(only), None) | (None, Some(only)) => Some(only),
            (None, None) => None,
        }
    }

    pub(super) fn unrealised(&mut self, account: AccountId) -> Money {
        for id in self.config.instruments.ids() {
            self.work.marks[id] = self.mark(id);
        }
        self.positions.unrealised(account, &self.work.marks, &self.instruments)
    }
}

//! Facts: what is true of every leg now, for the quantities an attempt asks about.

use super::Engine;
use crate::attempt::Attempt;
use crate::event::LinkState;
use crate::funds::{Bucket, Funds, Worth};
use crate::ids::{AccountId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId};
use crate::instrument::{Fees, PositionEffect};
use crate::merge;
use crate::num::{Money, Price, Qty, Side, div_ceil};
use crate::position::{First, Positions};
use crate::quote::{
    Blocked, Data, HedgePlan, Kind, LegAsk, LegFacts, LegLots, LegPlan, LegStage, Purpose, Resting,
    Walk,
};
use crate::time::Time;

impl Engine {
    pub(super) fn plan(&self, hedge: HedgeId) -> &HedgePlan {
        &self.config.hedges[hedge].plan
    }

    /// Writes what is true of every leg into `work.facts`, for the quantities that the attempt asks
    /// about. While one of its orders is alive it waits, and nothing is priced.
    pub(super) fn note_facts(&mut self, hedge: HedgeId, attempt: &Attempt, held: &LegLots) {
        let legs = self.worked(hedge, attempt.kind).legs.len();
        for at in legs..self.work.facts_used {
            self.work.facts.legs[at] = LegFacts::UNKNOWN;
        }
        self.work.facts_used = legs;
        self.work.facts.loss_left = self.loss_left(hedge);
        self.work.facts.sets_max = self.sets_max(hedge);
        self.work.facts.reduce_only = self.reduces_only(hedge);
        let frozen = self.hedges[hedge].frozen.filter(|(until, _)| self.now < *until);
        self.work.facts.frozen = frozen.map(|(_, adverse)| adverse);
        let mut alive = [[0; 2]; LEGS_MAX];
        let mut waits = false;
        for order in self.orders.of_attempt(attempt.decision) {
            if !order.is_confirmed() {
                let [alive, resting] = &mut alive[order.place.order.leg().index()];
                *alive += 1;
                *resting += u32::from(order.is_resting());
                waits = true;
            }
        }
        let staged = attempt.is_at_stages();
        let ask = (!waits || staged).then(|| attempt.ask(self.worked(hedge, attempt.kind), held));
        for at in 0..legs {
            let [alive, resting] = alive[at];
            let leg = &self.worked(hedge, attempt.kind).legs[at];
            let mut facts = LegFacts {
                age: self.books[leg.instrument].age(self.now),
                blocked: self.blocked_for(hedge, at, attempt),
                held: held[at],
                alive,
                resting,
                ..LegFacts::UNKNOWN
            };
            if let Some(ask) = &ask {
                let may_mend = attempt.may_repair() || staged;
                self.price_leg(leg, at, ask[at], may_mend, &mut facts);
            }
            self.work.facts.legs[at] = facts;
        }
        if staged {
            self.note_out(attempt);
            self.note_quotes(hedge, attempt, held);
        }
    }

    /// What the orders of an attempt may still trade at worst, and which of them rest.
    fn note_out(&mut self, attempt: &Attempt) {
        self.work.facts.stages = [LegStage::NONE; LEGS_MAX];
        for order in self.orders.of_attempt(attempt.decision) {
            if order.is_confirmed() {
                continue;
            }
            let leg = order.place.order.leg();
            let asks = order.place.purpose == Purpose::Hedge && attempt.asks_standing(leg);
            let stands = asks && order.is_resting() && order.place.tif.rests();
            let (away, ahead) = if stands { self.standing(&order.place) } else { (0, 0) };
            let facts = &mut self.work.facts.stages[leg.index()];
            (facts.away, facts.ahead) = (facts.away.max(away), facts.ahead.max(ahead));
            let open = &mut facts.open[order.place.side.index()];
            *open = *open + Qty::of(order.leaves());
            if let Some(quote) = Engine::resting(order) {
                // What one intent wanted may rest as several orders.
                facts.quote = Some(match facts.quote {
                    None => quote,
                    Some(other) => Resting {
                        leaves: other.leaves + quote.leaves,
                        is_movable: other.is_movable && quote.is_movable,
                        ..other
                    },
                });
            }
        }
    }

    /// Why an attempt may send nothing on a leg now; a pause after a venue's no is only waited for
    /// where it ends in time.
    fn blocked_for(&self, hedge: HedgeId, at: usize, attempt: &Attempt) -> Blocked {
        let leg = &self.worked(hedge, attempt.kind).legs[at];
        let blocked = self.blocked(hedge, leg, attempt.kind);
        if self.is_paused_beyond(hedge, at, attempt.due) {
            return blocked.with(Blocked::VENUE);
        }
        blocked
    }

    /// What repair of a hedge may still lose today.
    pub(super) fn loss_left(&self, hedge: HedgeId) -> Money {
        let budget = self.policy.hedges[hedge].execution.max_loss_per_day;
        budget - self.conduct.lost_today(hedge)
    }

    /// What trading a leg comes to; fees and values only where repair may have to choose by cost.
    fn price_leg(
        &self,
        leg: &LegPlan,
        place: usize,
        ask: LegAsk,
        may_repair: bool,
        facts: &mut LegFacts,
    ) {
        let book = &self.books[leg.instrument];
        if may_repair {
            facts.tick_value = self.tick_value(leg).unwrap_or(Money::ZERO);
            facts.touch = [book.best(Side::Sell), book.best(Side::Buy)];
            facts.waiting = self.waiting_ticks(leg);
        }
        for side in [Side::Buy, Side::Sell] {
            let at = side.index();
            let qty = ask[at];
            if qty.is_zero() {
                continue;
            }
            facts.collar[at] = self.collar(leg.instrument, side);
            if let Some(limit) = facts.collar[at] {
                let walk = match self.known_walk(place, side, qty, limit) {
                    Some(walk) => Some(walk),
                    None => book.walk(side, qty, Some(limit), &self.owns[leg.instrument]),
                };
                facts.walk[at] = walk;
                if let (Some(walk), true) = (&walk, may_repair) {
                    facts.fee[at] = self.leg_fee(leg, side, walk, facts.tick_value);
                }
            }
        }
    }

    /// The walk that this step has made already, where it went no further than `limit`.
    fn known_walk(&self, leg: usize, side: Side, qty: Qty, limit: Price) -> Option<Walk> {
        let (lots, walks) = (self.work.walked.as_ref()?, &self.work.walks);
        let is_same = Side::of(lots[leg]) == Some(side) && Qty::of(lots[leg]) == qty;
        let within = |walk: &Walk| match side {
            Side::Buy => walk.worst <= limit,
            Side::Sell => walk.worst >= limit,
        };
        walks[leg].filter(|walk| is_same && within(walk))
    }

    /// Why an attempt of this kind may send nothing on a leg now.
    #[inline]
    pub(super) fn blocked(&self, hedge: HedgeId, leg: &LegPlan, kind: Kind) -> Blocked {
        self.barred(hedge, leg, kind).0.with(self.blocked_by_feed(leg))
    }

    /// The causes that are not of books, and the moment up to which no passing of time changes
    /// them.
    #[inline]
    pub(super) fn barred(&self, hedge: HedgeId, leg: &LegPlan, kind: Kind) -> (Blocked, Time) {
        let mut blocked = Blocked::NONE;
        if self.links[leg.account] != LinkState::Resynced {
            blocked = blocked.with(Blocked::VENUE);
        }
        let phase = self.instruments[leg.instrument].phases.at(self.now);
        if !phase.phase.takes_orders() {
            blocked = blocked.with(Blocked::PHASE);
        }
        if self.is_halted(hedge, leg.account, kind) {
            blocked = blocked.with(Blocked::HALT);
        }
        (blocked, phase.until)
    }

    /// Whether the books of a leg, its own and that of its rate, stand in the way.
    #[inline]
    pub(super) fn blocked_by_feed(&self, leg: &LegPlan) -> Blocked {
        let book = &self.books[leg.instrument];
        let age = book.age(self.now);
        // Without a rate no cost can be stated.
        let rated = leg.fx.is_none_or(|fx| merge::is_rate(self.books[fx].touch()));
        let is_stale = age > self.policy.instruments[leg.instrument].age;
        let stands = !rated || book.data() != Data::Whole || is_stale;
        if stands { Blocked::FEED } else { Blocked::NONE }
    }

    /// The worst price that an order of `side` may carry now: so many ticks from the touch it
    /// meets, and inside the day's band.
    pub(super) fn collar(&self, id: InstrumentId, side: Side) -> Option<Price> {
        let touch = self.books[id].best(side.flip())?;
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

    /// As [`Engine::tick_value`]; without a rate, what it was when a rate was known last. An order
    /// leaves only while it is.
    pub(super) fn known_tick_value(&mut self, hedge: HedgeId, leg: LegId) -> Money {
        let found = self.tick_value(self.leg_of(hedge, leg));
        let known = &mut self.hedges[hedge].tick_values[leg.index()];
        *known = found.unwrap_or(*known);
        *known
    }

    /// The lots that are cheaper to close at a price: today's, or those of earlier days.
    pub(super) fn closes_first(&self, id: InstrumentId, price: Price) -> First {
        let instrument = &self.instruments[id];
        let Fees { close, close_today, .. } = &instrument.fees;
        if close_today.per_lot >= close.per_lot && close_today.rate >= close.rate {
            // A fee grows with the value, whatever its sign: no price makes today's cheaper.
            return First::Earlier;
        }
        let one = Qty::of(1);
        let fee = |effect| instrument.fees.by(effect).of(instrument.notional(price, one), one);
        if fee(PositionEffect::CloseToday) < fee(PositionEffect::Close) {
            First::Today
        } else {
            First::Earlier
        }
    }

    /// The fee of taking a walk, in the hedge's currency, by the position effects it would have.
    pub(super) fn leg_fee(
        &self,
        leg: &LegPlan,
        side: Side,
        walk: &Walk,
        tick_value: Money,
    ) -> Money {
        let instrument = &self.instruments[leg.instrument];
        let first = self.closes_first(leg.instrument, walk.worst);
        let split = self.positions.split(leg.account, leg.instrument, side, walk.qty, first);
        let Ok(split) = split else { return Money::ZERO };
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

    pub(super) fn worth(&self, account: AccountId) -> Worth {
        self.worth_of(account, (&self.positions, &self.funds), |id| self.mark(id))
    }

    /// What is locked in counts as what is on paper, until it is paid.
    pub(super) fn worth_of(
        &self,
        account: AccountId,
        (positions, funds): (&Positions, &Funds),
        mark: impl Fn(InstrumentId) -> Option<Price>,
    ) -> Worth {
        let worth = positions.worth(account, mark, &self.instruments);
        let locked = funds.bucket(account, Bucket::Forward);
        Worth { paper: worth.paper + locked, ..worth }
    }
}

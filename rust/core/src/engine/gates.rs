//! What the gates look at, gathered from the columns.

use super::Engine;
use crate::attempt::{Attempt, Wants};
use crate::event::LinkState;
use crate::gate::{
    self, Ask, Bounded, Context, Denial, Edge, Feed, LegContext, Refusal, Roll, Shut, Stage,
};
use crate::ids::{ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId};
use crate::instrument::Settlement;
use crate::merge;
use crate::num::{Money, Side, div_ceil, wide};
use crate::quote::{Data, HedgePlan, Intent, Kind, LegLots, LegPlan};
use crate::threshold::Level;
use crate::time::Span;

/// [`crate::num::MONEY_UNIT`], short.
const UNIT: i64 = 1_000_000_000;

/// Numbers of one set of orders that are not of one leg.
#[derive(Clone, Copy, Debug)]
struct Set {
    kind: Kind,
    sets_after: i64,
    residual_now: i128,
    residual: i128,
}

impl Engine {
    /// The gates of a whole set: an Enter, or the work of an Exit, Trim or Reduce; with what its
    /// later legs will want.
    pub(super) fn gate_set(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        wants: &Wants,
        held: &LegLots,
        edge: Option<Edge>,
    ) -> Result<(), Denial> {
        self.gate_orders(hedge, attempt, &wants.intents, held, edge)
    }

    fn gate_orders(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        intents: &[Option<Intent>; LEGS_MAX],
        held: &LegLots,
        edge: Option<Edge>,
    ) -> Result<(), Denial> {
        let legs = self.leg_contexts(hedge, attempt.kind, held, intents);
        let set = self.set(hedge, attempt.kind, Some(attempt), held, intents, attempt.slice_to());
        let mut context = self.context(hedge, Some(attempt), set, edge, &legs);
        let mut priced = Ok(());
        if attempt.kind == Kind::Roll {
            let sets = attempt.slice_to() - self.worked(hedge, Kind::Roll).sets(held);
            match self.roll_cost(hedge, intents, sets) {
                Ok(cost) => context.roll = self.rolled(hedge, cost),
                Err(denial) => priced = Err(denial),
            }
        }
        let verdict = verdict_of(attempt.kind, &context).and(priced);
        self.work.contexts = legs;
        verdict
    }

    /// Whether the gates let quotes of an attempt rest: what would refuse any order of its kind.
    pub(super) fn gate_quotes(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        held: &LegLots,
    ) -> Result<(), Denial> {
        let edge = Some(Edge { stands: true, value: 0, limit: 0 });
        awaited(self.gate_orders(hedge, attempt, &[None; LEGS_MAX], held, edge))
    }

    /// The gates of one more quote: it may trade as an order that begins a slice may.
    pub(super) fn gate_quote(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        intent: &Intent,
        held: &LegLots,
    ) -> Result<(), Denial> {
        let mut intents = [None; LEGS_MAX];
        intents[intent.leg.index()] = Some(*intent);
        let edge = Some(Edge { stands: true, value: 0, limit: 0 });
        self.gate_orders(hedge, attempt, &intents, held, edge)
    }

    /// The gates of an Enter or of leaving before its orders are known: what would refuse any.
    pub(super) fn gate_idle(&mut self, hedge: HedgeId, kind: Kind, to: i64) -> Result<(), Denial> {
        let held = self.lots_of(hedge, kind);
        let intents = [None; LEGS_MAX];
        let legs = self.leg_contexts(hedge, kind, &held, &intents);
        let set = self.set(hedge, kind, None, &held, &intents, to);
        let mut context = self.context(hedge, None, set, None, &legs);
        if kind == Kind::Roll {
            context.roll = self.rolled(hedge, Bounded { value: 0, limit: 0 });
        }
        let verdict = verdict_of(kind, &context);
        self.work.contexts = legs;
        awaited(verdict)
    }

    /// The gates of one repair order.
    pub(super) fn gate_repair(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        intent: &Intent,
        held: &LegLots,
    ) -> Result<(), Denial> {
        let mut intents = [None; LEGS_MAX];
        intents[intent.leg.index()] = Some(*intent);
        let legs = self.leg_contexts(hedge, attempt.kind, held, &intents);
        let set = self.set(hedge, attempt.kind, Some(attempt), held, &intents, attempt.slice_to());
        let mut context = self.context(hedge, Some(attempt), set, None, &legs);
        if !intent.purpose.is_repair() {
            // What follows or rests mends nothing: the budget for mending is not its own.
            context.repair_loss = Bounded { value: 0, limit: 0 };
        }
        let verdict = gate::repairing(&context, intent.leg);
        self.work.contexts = legs;
        verdict
    }

    fn context<'a>(
        &self,
        hedge: HedgeId,
        attempt: Option<&Attempt>,
        set: Set,
        edge: Option<Edge>,
        legs: &'a [LegContext],
    ) -> Context<'a> {
        let limits = &self.policy.hedges[hedge];
        let state = &self.hedges[hedge];
        let messages = attempt.map_or(limits.execution.messages, |attempt| {
            attempt.execution.messages.saturating_sub(attempt.messages)
        });
        let begins = attempt.is_none_or(|attempt| attempt.messages == 0);
        // What a Roll does not move lies where it lay.
        let kept = match set.kind {
            Kind::Roll => self.plan(hedge).residual(&self.unmoved(hedge)),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => 0,
        };
        let unconfirmed = |of| begins && self.live.iter().any(|order| self.concerns(*order, of));
        let stopped = |of| self.is_stopped(of) || self.hedges[of].flatten;
        let next = self.beside(hedge, set.kind);
        // An attempt of the next hedge cannot begin while sets are moved there.
        let is_taken = |of| begins && (self.hedges[of].is_taken() || unconfirmed(of));
        Context {
            now: self.now,
            stage: Stage::Full,
            stopped: stopped(hedge) || next.is_some_and(stopped),
            // What a threshold restricts may still be trimmed and moved to the next contract.
            restricted: self.is_hedge_restricted(hedge)
                || (set.kind == Kind::Enter && self.level(hedge) >= Level::Restrict)
                || next.is_some_and(|next| self.is_hedge_restricted(next)),
            busy: state.is_taken() || unconfirmed(hedge) || next.is_some_and(is_taken),
            ids_exhausted: false,
            repair: limits.execution.repair,
            size: next.map_or(limits.size, |next| self.policy.hedges[next].size),
            sets_after: set.sets_after,
            residual_now: set.residual_now,
            // What an attempt may add comes on top of what may lie at rest.
            residual: Bounded {
                value: set.residual,
                limit: limits.execution.live_residual
                    + set.residual_now.min(limits.execution.max_residual),
            },
            sum_residual: self.sum_residual(hedge, set.residual + kept),
            repair_loss: Bounded {
                value: self.conduct.lost_today(hedge).0,
                limit: limits.execution.max_loss_per_day.0,
            },
            trims: None,
            edge,
            roll: None,
            messages_left: messages,
            legs,
        }
    }

    fn set(
        &self,
        hedge: HedgeId,
        kind: Kind,
        attempt: Option<&Attempt>,
        held: &LegLots,
        intents: &[Option<Intent>; LEGS_MAX],
        sets_after: i64,
    ) -> Set {
        let plan = self.worked(hedge, kind);
        let sets_after = match self.beside(hedge, kind) {
            Some(next) => self.plan(next).sets(&self.unmoved(next)) + sets_after,
            None => sets_after,
        };
        // At their worst some of the orders fill whole and the others not at all.
        let (mut bought, mut sold) = (*held, *held);
        let mut may = |leg: usize, lots: i64| match lots {
            0.. => bought[leg] += lots,
            _ => sold[leg] += lots,
        };
        for intent in intents.iter().flatten() {
            may(intent.leg.index(), intent.side.sign() * intent.qty.get());
        }
        for order in attempt.map_or(&[][..], |attempt| self.orders.of_attempt(attempt.decision)) {
            if !order.is_confirmed() {
                may(order.place.order.leg().index(), order.place.side.sign() * order.leaves());
            }
        }
        let (low, high) = plan.units(held);
        let (low_bought, high_bought) = plan.units(&bought);
        let (low_sold, high_sold) = plan.units(&sold);
        Set {
            kind,
            sets_after,
            residual_now: high - low,
            residual: high.max(high_bought).max(high_sold) - low.min(low_bought).min(low_sold),
        }
    }

    /// The residual of a hedge when some of what an attempt wants is traded whole.
    pub(super) fn worst_after(
        &self,
        hedge: HedgeId,
        attempt: &Attempt,
        wants: &Wants,
        held: &LegLots,
    ) -> i128 {
        let to = attempt.slice_to();
        self.set(hedge, attempt.kind, Some(attempt), held, &wants.intents, to).residual
    }

    /// Whether an Enter stays within the residual of its time with some lots held already.
    pub(super) fn prove_residual(
        &self,
        hedge: HedgeId,
        attempt: &Attempt,
        intents: &[Option<Intent>; LEGS_MAX],
        held: &LegLots,
    ) -> Result<(), Denial> {
        let set = self.set(hedge, attempt.kind, Some(attempt), held, intents, attempt.slice_to());
        let execution = &self.policy.hedges[hedge].execution;
        let limit = execution.live_residual + set.residual_now.min(execution.max_residual);
        if attempt.kind == Kind::Enter && set.residual > limit {
            let value = set.residual;
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Residual) });
        }
        Ok(())
    }

    /// The residual of a hedge when some of the orders it has out fill whole and others not at all;
    /// also those of unknown outcome that an ended attempt left.
    fn worst_residual(&self, hedge: HedgeId) -> i128 {
        let state = &self.hedges[hedge];
        if state.rolled_by.is_some() || state.base_kept {
            // What moves is counted once, with the hedge that it leaves.
            let rest = self.plan(hedge).residual(&self.unmoved(hedge));
            return if state.base_kept { rest + self.worst_moved(hedge) } else { rest };
        }
        let place_of = |id: ClientOrderId| Some(self.owner_of(id)).filter(|of| of.0 == hedge);
        self.worst(self.plan(hedge), &state.held, |id| place_of(id).map(|of| of.1))
    }

    /// What the Roll of a hedge may have moved on some legs and not on others.
    fn worst_moved(&self, hedge: HedgeId) -> i128 {
        let plan = self.worked(hedge, Kind::Roll);
        self.worst(plan, &self.moved(hedge), |id| (id.hedge() == hedge).then_some(id.leg()))
    }

    fn worst(
        &self,
        plan: &HedgePlan,
        held: &LegLots,
        place_of: impl Fn(ClientOrderId) -> Option<LegId>,
    ) -> i128 {
        let (mut bought, mut sold) = (*held, *held);
        for id in &self.live {
            if let (Some(leg), Some(order)) = (place_of(*id), self.orders.get(*id)) {
                let after = if order.place.side == Side::Buy { &mut bought } else { &mut sold };
                after[leg.index()] += order.place.side.sign() * order.leaves();
            }
        }
        let (low, high) = plan.units(held);
        let (low_bought, high_bought) = plan.units(&bought);
        let (low_sold, high_sold) = plan.units(&sold);
        high.max(high_bought).max(high_sold) - low.min(low_bought).min(low_sold)
    }

    /// What the gates know of a Roll.
    fn rolled(&self, hedge: HedgeId, cost: Bounded) -> Option<Roll> {
        self.roll_plan(hedge).map(|roll| Roll { entered: roll.own_legs(), cost })
    }

    /// The residuals of all hedges of the product and currency, this one's at its worst.
    fn sum_residual(&self, hedge: HedgeId, residual: i128) -> Bounded {
        let product = |id: HedgeId| {
            self.plan(id).legs.first().map(|leg| self.instruments[leg.instrument].product)
        };
        let (own, currency) = (product(hedge), self.plan(hedge).currency);
        let sum = self.policy.sums.iter();
        let limit = sum.filter(|sum| Some(sum.product) == own && sum.currency == currency);
        let Some(limit) = limit.map(|sum| sum.limit).next() else {
            // The configuration demands a limit for every product and currency in use.
            return Bounded { value: residual, limit: -1 };
        };
        let mut value = 0;
        for id in self.config.hedges.ids() {
            let units = match self.work.beside {
                _ if id == hedge => residual,
                Some((other, worst)) if id == other => worst,
                Some(_) | None => self.worst_residual(id),
            };
            let plan = self.plan(id);
            if units == 0 || product(id) != own || plan.currency != currency {
                continue;
            }
            value += div_ceil(wide(units, UNIT), i128::from(plan.unit_den));
        }
        // A limit is not negative, so that this rounds down.
        let limit = Money::units(1).scale_down(limit).0;
        Bounded { value, limit }
    }

    /// The contexts of the legs, in a buffer that is given back by the caller.
    fn leg_contexts(
        &mut self,
        hedge: HedgeId,
        kind: Kind,
        held: &LegLots,
        intents: &[Option<Intent>; LEGS_MAX],
    ) -> Vec<LegContext> {
        self.note_day_results(hedge, kind);
        let mut contexts = std::mem::take(&mut self.work.contexts);
        contexts.clear();
        let legs = self.worked(hedge, kind).legs.iter().zip(held).zip(intents);
        // In one go, so that each is made in its place.
        contexts.extend(legs.map(|((leg, held), intent)| {
            self.leg_context(hedge, kind, leg, *held, (intent.as_ref(), intents))
        }));
        contexts
    }

    #[inline]
    fn leg_context(
        &self,
        hedge: HedgeId,
        kind: Kind,
        leg: &LegPlan,
        held: i64,
        (intent, intents): (Option<&Intent>, &[Option<Intent>; LEGS_MAX]),
    ) -> LegContext {
        let instrument = &self.instruments[leg.instrument];
        let book = &self.books[leg.instrument];
        let ask = intent.map(|intent| {
            let change = intent.side.sign() * intent.qty.get();
            let reduces = held.signum() == -change.signum() && change.abs() <= held.abs();
            Ask { side: intent.side, qty: intent.qty, limit: intent.limit, reduces }
        });
        let limits = self.policy.accounts[leg.account];
        LegContext {
            account: leg.account,
            sized: leg.lots.num() != 0,
            side: intent.map_or(leg.side, |intent| intent.side),
            ask,
            book: self.feed(leg.instrument),
            fx: leg.fx.map(|fx| self.fx_feed(fx)),
            jump: self.jump(leg.instrument).or_else(|| self.jump(leg.fx?)),
            touch: [book.best(Side::Sell), book.best(Side::Buy)],
            band: instrument.band,
            limits: self.policy.instruments[leg.instrument],
            tick_value: instrument.tick_value,
            min_qty: instrument.min_qty,
            qty_max: instrument.qty_max,
            phase: instrument.phases.at(self.now),
            prompt_known: instrument.settlement != Settlement::PromptForward
                || instrument.prompts.is_known(self.positions.trade_day(leg.instrument)),
            shut: self.shut(leg.instrument),
            halt: self.halt_for(hedge, leg.account, kind),
            restricted: self.is_account_restricted(leg.account),
            leased: self.funds.is_leased(leg.account),
            linked: self.links[leg.account] == LinkState::Resynced,
            opposite: intent.is_some_and(|intent| self.is_opposed(hedge, leg, intent)),
            meets: intent.and_then(|intent| {
                self.meets(&self.worked(hedge, kind).legs, leg, intent, intents)
            }),
            day_result: self.day_results[leg.account],
            day_loss: limits.day_loss,
            tokens: self.tokens_left(leg.account, leg.instrument),
            paused: self.paused(leg),
        }
    }

    /// For how long a venue's no keeps new sets, and any order, from a leg.
    fn paused(&self, leg: &LegPlan) -> [Span; 2] {
        let until = self.conduct.paused_until(leg.account, leg.instrument, self.now);
        until.map(|until| until - self.now)
    }

    fn feed(&self, id: InstrumentId) -> Feed {
        let book = &self.books[id];
        let limits = &self.policy.instruments[id];
        Feed {
            data: book.data(),
            age: book.age(self.now),
            age_max: limits.age,
            skew_max: limits.skew,
        }
    }

    /// A rate that is not more than nothing prices nothing, and is no book at all.
    fn fx_feed(&self, id: InstrumentId) -> Feed {
        let feed = self.feed(id);
        let is_priced = feed.data != Data::Whole || merge::is_rate(self.books[id].touch());
        if is_priced { feed } else { Feed { data: Data::Empty, ..feed } }
    }

    pub(super) fn shut(&self, id: InstrumentId) -> Option<Shut> {
        gate::next_shut(&self.instruments[id].phases, self.now)
    }

    /// Whether another hedge has an order in flight on the other side of the contract: both would
    /// trade with each other.
    fn is_opposed(&self, hedge: HedgeId, leg: &LegPlan, intent: &Intent) -> bool {
        self.live.iter().filter_map(|id| self.orders.get(*id)).any(|order| {
            let place = &order.place;
            place.hedge != hedge
                && place.instrument == leg.instrument
                && place.side != intent.side
                && order.leaves() > 0
        })
    }

    /// What the accounts of a hedge have made since the day began, for the gates.
    pub(super) fn note_day_results(&mut self, hedge: HedgeId, kind: Kind) {
        for at in 0..self.worked(hedge, kind).legs.len() {
            let account = self.worked(hedge, kind).legs[at].account;
            let worth = self.worth(account);
            self.work.worth[account] = worth;
            self.day_results[account] = self.funds.day_result(account, worth);
        }
    }
}

/// The gates of orders of this kind.
fn verdict_of(kind: Kind, context: &Context<'_>) -> Result<(), Denial> {
    match kind {
        Kind::Enter => gate::entering(context),
        Kind::Roll => gate::rolling(context),
        Kind::Exit | Kind::Trim | Kind::Reduce => gate::leaving(context),
    }
}

/// Orders are not known yet, so that there are none is no reason.
fn awaited(verdict: Result<(), Denial>) -> Result<(), Denial> {
    verdict.or_else(|denial| {
        let awaits = matches!(denial.refusal, Refusal::Size | Refusal::Nothing);
        if awaits { Ok(()) } else { Err(denial) }
    })
}

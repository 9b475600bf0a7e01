//! How one leg follows: when an order leaves for what is missing, at which price, and whether the
//! quote that it has out may be that order.

use super::{Attempt, Wants};
use crate::ids::{Id, LegId};
use crate::legging::Convert;
use crate::num::{Price, Qty, Side};
use crate::quote::{Facts, Intent, LegFacts, LegStage, Purpose, Resting};
use crate::time::Time;

/// Whether a leg's quote serves as the order that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// It does not.
    No,
    /// It does, at most until then.
    Until(Time),
    /// It did, where an order that follows would have been, and did not trade whole in its time.
    Missed,
}

/// What became of the wish to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// An order is wanted, or one is out.
    Asked,
    /// Nothing can be sent now.
    Waits,
    /// All that may be tried was.
    Hung,
}

impl Attempt {
    /// A leg that follows holds `missing` lots too few.
    pub(super) fn follow_leg(
        &mut self,
        now: Time,
        leg: usize,
        all: &Facts,
        missing: i64,
        defers: bool,
        wants: &mut Wants,
    ) -> Followed {
        let (facts, stage) = (&all.legs[leg], &all.stages[leg]);
        if let Some(quote) = &stage.quote {
            // It may trade too, so it goes first, unless it serves; it is matched once its end is
            // proven.
            if !self.serves(now, leg, (facts, stage), quote, missing) {
                wants.pulls[leg] = facts.resting > 0;
                return Followed::Asked;
            }
        } else {
            self.served(leg);
        }
        let side = self.forward[leg];
        if !stage.open[side.flip().index()].is_zero() {
            return Followed::Waits;
        }
        let lots = missing - stage.open[side.index()].get();
        if lots <= 0 || defers {
            wants.chases[leg] = self.is_left_behind(leg, facts, stage);
            return Followed::Asked;
        }
        if !facts.blocked.is_none() {
            return Followed::Waits;
        }
        let Some(limit) = self.follow_limit(leg, facts, side) else {
            let is_out = self.is_out_of_steps(leg, facts);
            return if is_out { Followed::Hung } else { Followed::Waits };
        };
        // What a venue takes of a leg binds here too.
        let lots = lots.min(self.most(LegId::at(leg), side));
        let (leg, qty, purpose) = (LegId::at(leg), Qty::of(lots), Purpose::Hedge);
        if qty.is_zero() || self.numbers(leg, purpose).is_none() {
            return Followed::Hung;
        }
        wants.intents[leg.index()] = Some(Intent { leg, side, qty, limit, purpose });
        Followed::Asked
    }

    /// Whether the quote of a leg that is to follow stays as the order that follows. It never does
    /// where it could trade more than is missing.
    fn serves(
        &mut self,
        now: Time,
        leg: usize,
        (facts, stage): (&LegFacts, &LegStage),
        quote: &Resting,
        missing: i64,
    ) -> bool {
        let (side, rule) = (self.forward[leg], self.legging().legs[leg]);
        let open = &stage.open;
        let fits = open[side.index()].get() <= missing && open[side.flip().index()].is_zero();
        let begins = Serves::Until(now + self.execution.order_timeout);
        let Some(stages) = self.stages_mut() else { return false };
        if !fits || rule.convert == Convert::Never {
            stages.serves[leg] = Serves::No;
            return false;
        }
        if stages.serves[leg] == Serves::No {
            stages.serves[leg] = begins;
        }
        let in_time = matches!(stages.serves[leg], Serves::Until(until) if now < until);
        match rule.convert {
            Convert::Never => false,
            Convert::Always => in_time,
            Convert::Attempt => {
                let limit = self.limit_now(leg, facts, side).and_then(|(limit, _)| limit);
                let reaches =
                    limit.is_some_and(|limit| side.sign() * (quote.price.0 - limit.0) >= 0);
                let has_missed = reaches && !in_time;
                if has_missed {
                    self.set_serves(leg, Serves::Missed);
                }
                reaches && in_time
            }
            Convert::KeepQueue => {
                let lean = self.lean_of(leg, facts, side);
                let touch = facts.touch[side.index()].filter(|_| facts.blocked.is_none());
                let (Some(lean), Some(touch)) = (lean, touch) else { return true };
                side.sign() * (touch.0 - lean.0) <= rule.slip_at(lean, facts.tick_value)
            }
        }
    }

    pub(super) fn set_serves(&mut self, leg: usize, serves: Serves) {
        if let Some(stages) = self.stages_mut() {
            stages.serves[leg] = serves;
        }
    }

    /// A leg that is to follow has no quote any more: one that has missed was a step.
    fn served(&mut self, leg: usize) {
        let Some(stages) = self.stages_mut() else { return };
        if stages.serves[leg] == Serves::Missed {
            stages.misses[leg] = stages.misses[leg].saturating_add(1);
        }
        stages.serves[leg] = Serves::No;
    }

    /// Whether what follows and rests has fallen behind, and there is a next step to take.
    fn is_left_behind(&self, leg: usize, facts: &LegFacts, stage: &LegStage) -> bool {
        let rule = &self.legging().legs[leg];
        let is_away = rule.chase_away > 0 && stage.away >= rule.chase_away;
        let is_late = rule.chase_ahead > 0 && stage.ahead >= rule.chase_ahead;
        let misses = self.stages().map_or(0, |stages| stages.misses[leg]);
        (is_away || is_late)
            && facts.blocked.is_none()
            && !self.is_last_step(leg, facts, misses.saturating_add(1))
    }

    /// The price that a leg's orders lean on.
    fn lean_of(&self, leg: usize, facts: &LegFacts, side: Side) -> Option<Price> {
        if self.leaned_on[leg].lots > 0 {
            return self.stages().map(|stages| stages.leans[leg]);
        }
        facts.walk[side.index()].map(|walk| walk.worst)
    }

    /// The limit of the next order that follows; `None` where nothing can be traded at it now, after
    /// all steps were gone through that may be.
    fn follow_limit(&mut self, leg: usize, facts: &LegFacts, side: Side) -> Option<Price> {
        let found = self.limit_now(leg, facts, side);
        if let (Some((_, misses)), Some(stages)) = (found, self.stages_mut()) {
            stages.misses[leg] = misses;
        }
        found.and_then(|(limit, _)| limit)
    }

    /// The limit of the next order that follows, `None` where all steps were gone through, and the
    /// steps that were gone through before it.
    fn limit_now(&self, leg: usize, facts: &LegFacts, side: Side) -> Option<(Option<Price>, u16)> {
        let rule = &self.legging().legs[leg];
        let collar = facts.collar[side.index()]?;
        let base = self.lean_of(leg, facts, side)?;
        let touch = facts.touch[side.index()];
        let slip = rule.slip_at(base, facts.tick_value);
        let mut misses = self.stages()?.misses[leg];
        loop {
            if self.is_last_step(leg, facts, misses) {
                return Some((None, misses));
            }
            let step = rule.pay_up.saturating_add(rule.chase.saturating_mul(misses.into()));
            let step = step.min(slip);
            let wanted = Price(base.0.saturating_add(side.sign().saturating_mul(step)));
            let limit = within(side, wanted, collar);
            let rests = rule.rests && (rule.take_after == 0 || misses < rule.take_after);
            if rests || side.sign() * (limit.0 - touch?.0) >= 0 {
                return Some((Some(limit), misses));
            }
            // At once or not at all would be not at all: the next step is taken without it.
            misses = misses.saturating_add(1);
        }
    }

    /// Whether a leg has been followed at the last price that it may be.
    fn is_out_of_steps(&self, leg: usize, facts: &LegFacts) -> bool {
        self.is_last_step(leg, facts, self.stages().map_or(0, |stages| stages.misses[leg]))
    }

    /// Whether after so many steps there is no other.
    fn is_last_step(&self, leg: usize, facts: &LegFacts, misses: u16) -> bool {
        let rule = &self.legging().legs[leg];
        let Some(last) = misses.checked_sub(1) else { return false };
        if rule.rests && misses <= rule.take_after {
            // What rested has not been asked for at once yet.
            return false;
        }
        let Some(base) = self.lean_of(leg, facts, self.forward[leg]) else { return false };
        let slip = rule.slip_at(base, facts.tick_value);
        let is_slow = misses == u16::MAX || rule.chase <= 0;
        is_slow || rule.pay_up.saturating_add(rule.chase.saturating_mul(last.into())) >= slip
    }
}

/// A price no worse than the worst that an order of the side may carry.
pub(super) fn within(side: Side, price: Price, worst: Price) -> Price {
    match side {
        Side::Buy => price.min(worst),
        Side::Sell => price.max(worst),
    }
}

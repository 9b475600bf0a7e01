//! Rules of attempts: when they begin, and when they end.

use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::event::Event;
use cross_market_core::ids::{ClientOrderId, HedgeId, Id, LEGS_MAX};
use cross_market_core::legging::Mode;
use cross_market_core::quote::{HedgePlan, Kind, LegLots};
use cross_market_core::time::{Span, Time};

use crate::outcome::ENDS;
use crate::rolls;

use super::{Begun, Checker, RESIDUAL_HELD, alerts};

impl Checker {
    pub(super) fn started(&mut self, now: Time, decision: ClientOrderId, alert: &Alert) {
        let hedge = decision.hedge();
        let alive = self.attempts.values().any(|known| known.hedge == hedge && !known.ended);
        if alive {
            self.broken(now, "one_attempt_a_hedge", decision.to_string());
        }
        if self.attempts.contains_key(&decision) {
            self.broken(now, "ids_never_repeat", format!("attempt {decision}"));
        }
        if alert.detail == Kind::Enter.code() && self.is_shut_by_level(hedge) {
            self.broken(now, "restricted_enters_nothing", decision.to_string());
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let sets = |wide: i128| i64::try_from(wide).unwrap_or(0);
        let held = self.inventory.get(hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        // A Trim lies between the sets that the least and the most advanced leg stand for.
        let (from, to) = if alert.detail == Kind::Trim.code() {
            whole_sets(plan, &held)
        } else {
            (sets(alert.value), sets(alert.limit))
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == alert.detail);
        let roll = kind.and_then(|kind| rolls::of_kind(&self.config, hedge, kind));
        let (goal_from, goal_to, held) = match roll {
            Some(roll) => {
                let base = rolls::ledger(&self.config, hedge, &self.inventory);
                let mut after = roll.plan.goal(to);
                after.iter_mut().zip(&base).for_each(|(lots, base)| *lots += base);
                (base, after, base)
            }
            None => (plan.goal(from), plan.goal(to), held),
        };
        let next = roll.map(|roll| roll.next);
        let begun = Begun {
            hedge,
            goal_from,
            goal_to,
            held,
            orders: [0; LEGS_MAX],
            messages: 0,
            ended: false,
            forfeited: false,
            kind,
            until: now + self.longest(hedge, kind),
        };
        self.rolling(now, hedge, next);
        self.attempts.insert(decision, begun);
        if alert.detail == Kind::Enter.code() {
            self.entering(now, hedge);
            let max = self.policy.hedges.get(hedge).map_or(0, |limits| limits.size.max);
            if to.abs() > max {
                self.broken(now, "enter_within_max", format!("{decision}: {to} sets of {max}"));
            }
        }
        if alert.detail == Kind::Trim.code() {
            let (trims, limits) = (self.bounds.trim(hedge), self.policy.hedges.get(hedge));
            let most = limits.map_or(0, |limits| u64::from(limits.execution.trims_per_day));
            if trims > most {
                self.broken(now, "trims_bounded", format!("{decision}: {trims} of {most}"));
            }
        }
        if alert.detail == Kind::Trim.code() && self.residual_held.contains(&hedge) {
            self.broken(now, "no_trim_after_residual_held", decision.to_string());
        }
    }

    /// How long an attempt may take: its slices begin, its quotes wait, and what they have traded is
    /// matched or mended.
    fn longest(&self, hedge: HedgeId, kind: Option<Kind>) -> Span {
        let Some(limits) = self.policy.hedges.get(hedge) else { return Span::ZERO };
        let quotes =
            limits.legging.mode == Mode::Quoting && matches!(kind, Some(Kind::Enter | Kind::Exit));
        let rests = if quotes { limits.legging.quote.rest_within } else { Span::ZERO };
        Span(self.slices_over.0 + rests.0 + limits.execution.finish_within.0)
    }

    /// A new run goes on with what lives, and gives it its time once more.
    pub(super) fn give_time_anew(&mut self, now: Time) {
        let alive = self.attempts.iter().filter(|(_, attempt)| !attempt.ended);
        let alive: Vec<_> = alive.map(|(id, of)| (*id, of.hedge, of.kind)).collect();
        for (id, hedge, kind) in alive {
            let until = now + self.longest(hedge, kind);
            if let Some(attempt) = self.attempts.get_mut(&id) {
                attempt.until = attempt.until.max(until);
            }
        }
    }

    /// A tick comes when one is due, and ends what has had its time.
    pub(super) fn ends_in_time(&mut self, now: Time, event: &Event) {
        if !matches!(event, Event::Tick) {
            return;
        }
        let late = self.attempts.iter().find(|(_, of)| !of.ended && of.until < now);
        if let Some((id, of)) = late {
            let found = format!("{id} {:?} lives after {:?}", of.kind, of.until);
            self.broken(now, "attempts_end_in_time", found);
        }
    }

    /// While sets move to a hedge it begins nothing; and they move to one at rest, which nothing
    /// keeps from entering.
    fn rolling(&mut self, now: Time, hedge: HedgeId, next: Option<HedgeId>) {
        let target = |of: &Begun| {
            let roll = rolls::of_kind(&self.config, of.hedge, of.kind?)?;
            Some(roll.next)
        };
        let live = || self.attempts.values().filter(|of| !of.ended);
        let is_taken = live().any(|of| target(of) == Some(hedge));
        let meets =
            next.is_some_and(|next| live().any(|of| of.hedge == next || target(of) == Some(next)));
        if is_taken || meets {
            self.broken(now, "roll_has_two_hedges", format!("hedge {} {next:?}", hedge.0));
        }
        for of in next.into_iter().flat_map(|next| [hedge, next]) {
            if self.stopped.contains(&of) {
                self.broken(now, "no_enter_while_stopped", format!("roll of {}", of.0));
            }
            if self.restricted.contains(&of) {
                self.broken(now, "no_enter_while_restricted", format!("roll of {}", of.0));
            }
        }
    }

    /// Nothing stands against entering: no stop, no restriction, and every book may be counted on.
    fn entering(&mut self, now: Time, hedge: HedgeId) {
        if self.stopped.contains(&hedge) {
            self.broken(now, "no_enter_while_stopped", format!("hedge {}", hedge.0));
        }
        if self.restricted.contains(&hedge) {
            self.broken(now, "no_enter_while_restricted", format!("hedge {}", hedge.0));
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let shut = plan.legs.iter().any(|leg| self.bounds.is_shut(now, leg.instrument));
        let account = plan.legs.iter().find(|leg| self.bounds.is_restricted(leg.account));
        let account = account.map(|leg| leg.account);
        if shut {
            self.broken(now, "no_enter_while_shut", format!("hedge {}", hedge.0));
        }
        if let Some(account) = account {
            let found = format!("hedge {} account {}", hedge.0, account.0);
            self.broken(now, "no_enter_while_restricted", found);
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let (mut wrong, mut far) = (Vec::new(), Vec::new());
        let instruments = plan.legs.iter().flat_map(|leg| [Some(leg.instrument), leg.fx]);
        let mut received: Vec<Time> = Vec::new();
        for instrument in instruments.flatten() {
            let Some(book) = self.books.get(instrument.index()) else { continue };
            let limits = self.policy.instruments.get(instrument);
            let age = book.received().map_or(i64::MAX, |at| now.0 - at.0);
            let old = limits.is_some_and(|limits| age > limits.age.0);
            if !book.is_whole() || old {
                wrong.push(format!("instrument {} age {age}: {book:?}", instrument.0));
            }
            received.extend(book.received());
            if self.is_far(instrument) {
                far.push(format!("instrument {}: {book:?}", instrument.0));
            }
        }
        for found in wrong {
            self.broken(now, "enters_on_good_books_only", found);
        }
        for found in far {
            self.broken(now, "no_enter_on_absurd_prices", found);
        }
    }

    pub(super) fn ended(
        &mut self,
        now: Time,
        decision: ClientOrderId,
        alert: &Alert,
        commands: &[Command],
    ) {
        let Some(attempt) = self.attempts.get_mut(&decision) else {
            self.broken(now, "ends_what_began", decision.to_string());
            return;
        };
        let (twice, hedge) = (attempt.ended, attempt.hedge);
        attempt.ended = true;
        if twice || usize::from(alert.detail) >= ENDS.len() {
            self.broken(now, "one_end_of_four", format!("{decision} {}", alert.detail));
        }
        if alert.detail == RESIDUAL_HELD {
            self.residual_held.insert(hedge);
            let restricts = alerts(commands).any(|other| {
                other.code == AlertCode::Restricted && other.subject == Subject::Hedge(hedge)
            });
            let known = self.restricted.contains(&hedge);
            if alert.urgency != Urgency::Alarm || !(restricts || known) {
                self.broken(now, "residual_held_alarms", format!("{alert:?}"));
            }
            return;
        }
        let open: Vec<String> = self
            .orders
            .range(decision..)
            .take_while(|(id, _)| id.decision() == decision)
            .filter(|(_, sent)| !sent.is_confirmed())
            .map(|(id, sent)| format!("{id} {sent:?}"))
            .collect();
        for order in open {
            self.broken(now, "ends_with_orders_confirmed", format!("end {} {order}", alert.detail));
        }
    }
}

/// The whole sets below and above what the legs stand for.
fn whole_sets(plan: &HedgePlan, held: &LegLots) -> (i64, i64) {
    let set = i128::from(plan.set_units);
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for (lots, leg) in held.iter().zip(&plan.legs).filter(|(_, leg)| leg.lots.num() != 0) {
        let units = i128::from(leg.side.sign() * lots) * i128::from(leg.units);
        let (below, above) = (units.div_euclid(set), -(-units).div_euclid(set));
        low = low.min(i64::try_from(below).unwrap_or(i64::MIN));
        high = high.max(i64::try_from(above).unwrap_or(i64::MAX));
    }
    (low, high)
}

//! Rules of legs that follow: they go no further than the legs before them, by orders or by quotes.

use cross_market_core::command::{AlertCode, Command};
use cross_market_core::event::LinkState;
use cross_market_core::ids::{Id, LEGS_MAX};
use cross_market_core::legging::Mode;
use cross_market_core::order::{News, Place, Report};
use cross_market_core::quote::{HedgePlan, LegPlan, Purpose};
use cross_market_core::time::Time;

use super::{Checker, alerts, field};

impl Checker {
    /// What follows, with all that its leg has out at the worst, goes no further than another leg
    /// has; rounded by half a lot of each. A quote that serves as what follows counts with it.
    pub(super) fn place_follows(&mut self, now: Time, place: &Place) {
        let (decision, own) = (place.order.decision(), usize::from(place.order.leg().0));
        let Some(plan) = self.config.hedges.get(place.hedge).map(|hedge| &hedge.plan) else {
            return;
        };
        let (Some(leg), Some(attempt)) = (plan.legs.get(own), self.attempts.get(&decision)) else {
            return;
        };
        let step = (field(&attempt.goal_to, own) - field(&attempt.goal_from, own)).signum();
        // Where legs leave after each other, a later one goes as far as the earlier ones may.
        let policy = self.policy.hedges.get(place.hedge);
        let in_turn = policy.is_none_or(|of| of.legging.mode == Mode::Simultaneous);
        if place.purpose != Purpose::Hedge || place.side.sign() != step || in_turn {
            return;
        }
        let way = leg.side.sign() * step;
        let held = self.inventory.get(place.hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        let units = |at: usize, of: &LegPlan, out: i64| {
            i128::from(field(&held, at) * of.side.sign() * way + out) * i128::from(of.units)
        };
        let orders = self.orders.range(decision..);
        let orders = orders.take_while(|(id, _)| id.decision() == decision);
        let same =
            orders.filter(|(id, of)| id.leg() == place.order.leg() && of.place.side == place.side);
        let out: i64 = same.map(|(_, sent)| sent.leaves()).sum();
        let sized = plan.legs.iter().enumerate();
        let others = sized.filter(|(at, of)| *at != own && of.lots.num() != 0);
        let most = others.map(|(at, of)| units(at, of, 0)).max();
        let worst = units(own, leg, out);
        if most.is_some_and(|most| 2 * (worst - most) > slack(plan, own)) {
            let found = format!("{place:?}: {worst} of {most:?}");
            self.broken(now, "follows_no_further", found);
        }
    }

    /// A quote has traded: of the other legs that rest and are now to follow, no quote stays that
    /// shows more than is missing, however it may serve. Left aside are those of which a cancel is
    /// out, or may have to wait.
    pub(super) fn quotes_fit(&mut self, now: Time, report: &Report, commands: &[Command]) {
        let Some((id, news)) = report
            .order
            .filter(|_| matches!(report.news, News::Fill(_)))
            .zip(report.order.and_then(|id| self.orders.get(&id)).map(|sent| sent.place))
        else {
            return;
        };
        let decision = id.decision();
        let lives = self.attempts.get(&decision).is_some_and(|of| !of.ended && !of.forfeited);
        let ends = alerts(commands).any(|alert| alert.code == AlertCode::AttemptEnded);
        let limits = self.policy.hedges.get(news.hedge);
        let rests = limits.is_some_and(|of| of.legging.mode == Mode::Quoting);
        let Some(plan) = self.config.hedges.get(news.hedge).map(|hedge| &hedge.plan) else {
            return;
        };
        let Some(traded) = plan.legs.get(usize::from(id.leg().0)) else { return };
        if news.purpose != Purpose::Quote || !lives || ends || !rests {
            return;
        }
        let way = traded.side.sign() * news.side.sign();
        let held = self.inventory.get(news.hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        let units = |at: usize, lots: i64| {
            let of = plan.legs.get(at).map_or(0, |of| of.side.sign() * way * of.units);
            i128::from(lots) * i128::from(of)
        };
        let sized = || plan.legs.iter().enumerate().filter(|(_, of)| of.lots.num() != 0);
        let first = usize::from(id.leg().0);
        let done = units(first, field(&held, first));
        let mut found = Vec::new();
        for (order, sent) in self.orders.range(decision..) {
            let at = usize::from(order.leg().0);
            if order.decision() != decision {
                break;
            }
            let place = &sent.place;
            let up = self.links.get(place.account.index()) == Some(&LinkState::Resynced);
            let rate = self.policy.accounts.get(place.account).map_or(0, |of| of.message_rate);
            let stays = sent.seen && sent.done.is_none() && sent.leaves() > 0 && sent.queries == 0;
            let goes = sent.cancels_all > 0
                || commands.iter().any(
                    |command| matches!(command, Command::Cancel(cancel) if cancel.order == *order),
                );
            if at == first || place.purpose != Purpose::Quote || !up || rate < 100 || !stays || goes
            {
                continue;
            }
            let own = units(at, field(&held, at));
            let others = sized().filter(|(other, _)| *other != at);
            let most = others.map(|(other, _)| units(other, field(&held, other))).max();
            let same = self.orders.range(decision..);
            let same = same.take_while(|(id, _)| id.decision() == decision);
            let same =
                same.filter(|(id, of)| id.leg() == order.leg() && of.place.side == place.side);
            let out: i64 = same.map(|(_, sent)| sent.leaves()).sum();
            let worst = own + units(at, place.side.sign() * out);
            let slack = slack(plan, at);
            let is_short = 2 * (done - own) > slack;
            if is_short && most.is_some_and(|most| 2 * (worst - most) > slack) {
                found.push(format!("{place:?}: {own} held, {worst} at worst, of {most:?}"));
            }
        }
        for found in found {
            self.broken(now, "quote_within_missing", found);
        }
    }
}

/// Twice what rounding to lots may leave between a leg and another one, in common units: half a lot of
/// each, but nothing where all lots are as large.
fn slack(plan: &HedgePlan, leg: usize) -> i128 {
    let sized = || plan.legs.iter().filter(|leg| leg.lots.num() != 0).map(|leg| leg.units);
    let coarsest = sized().max().unwrap_or(0);
    let own = plan.legs.get(leg).map_or(0, |leg| leg.units);
    if sized().all(|units| units == coarsest) { 0 } else { i128::from(own) + i128::from(coarsest) }
}

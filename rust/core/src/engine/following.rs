//! Bounds that follow a market: what their formulas ask for, of what a ladder is of.

use super::Engine;
use super::watch::{Row, Target};
use crate::config::Hedge;
use crate::formula::Input;
use crate::ids::{AccountId, HedgeId, Id};
use crate::num::{MONEY_UNIT, Money, div_floor};
use crate::quote::LegPlan;
use crate::threshold::{BOUNDS, Of};
use crate::time::{Span, Time};

/// How often a bound that follows the time of day is looked at without news.
const MINUTE: Span = Span::seconds(60);

/// An hour in ns.
const HOUR: i128 = 3_600_000_000_000;

/// The largest value of an input that has no end.
const MOST: i128 = 1_000_000 * MONEY_UNIT;

impl Engine {
    /// Brings the bounds of a ladder to what their formulas come to now.
    pub(super) fn follow(&mut self, at: usize) {
        let row = self.watched(at);
        if row.threshold.formulas.is_empty() {
            return;
        }
        let mut bounds: [Option<i128>; BOUNDS] = row.threshold.bounds;
        let worse = row.threshold.metric.worse();
        for (level, formula) in &row.threshold.formulas {
            let place = usize::from(level.code()) - 1;
            let bound = formula.bound(worse, |input| self.followed(input, row.target));
            if let Some(there) = bounds.get_mut(place) {
                *there = Some(bound);
            }
        }
        self.bind(at, bounds);
    }

    /// When a bound that follows the time of day is to be looked at, though nothing comes.
    pub(super) fn clocked(&self, row: &Row) -> Option<Time> {
        // At whole minutes, whenever it was looked at last.
        let begun = self.now.0.div_euclid(MINUTE.0);
        row.threshold.is_by_time().then(|| Time((begun + 1) * MINUTE.0))
    }

    /// An input for what a ladder is of, in 10⁻⁹; `None` while it is not known.
    fn followed(&self, input: Input, target: Target) -> Option<i128> {
        let legs = || self.legs_of(target);
        match input {
            Input::MarginRatio => {
                if let Target::Account(account) = target {
                    return Some(self.margin_ratio(account));
                }
                legs().map(|(_, leg)| self.margin_ratio(leg.account)).min()
            }
            Input::Volatility => {
                let mut most = None;
                for (_, leg) in legs() {
                    most = most.max(Some(self.waits.volatility(leg.instrument)?));
                }
                most
            }
            Input::Tolerance => {
                let tolerance = |(hedge, _): (&Hedge, &LegPlan)| {
                    let of = hedge.tolerance;
                    div_floor(i128::from(of.num()) * MONEY_UNIT, i128::from(of.den()))
                };
                legs().map(tolerance).min()
            }
            Input::HoursToClose => legs().map(|(_, leg)| self.hours_to_close(leg)).min(),
        }
    }

    fn margin_ratio(&self, account: AccountId) -> i128 {
        let view = self.money(account);
        if view.margin <= Money::ZERO {
            return MOST;
        }
        (view.equity.0 * MONEY_UNIT / view.margin.0).min(MOST)
    }

    fn hours_to_close(&self, leg: &LegPlan) -> i128 {
        let phase = self.instruments[leg.instrument].phases.at(self.now);
        if !phase.phase.takes_orders() {
            return 0;
        }
        let left = i128::from(phase.until.0) - i128::from(self.now.0);
        (left * MONEY_UNIT / HOUR).min(MOST)
    }

    /// The legs of hedges that stand on what a ladder is of.
    fn legs_of(&self, target: Target) -> impl Iterator<Item = (&Hedge, &LegPlan)> {
        let stands = move |id: HedgeId, leg: &LegPlan| match target {
            Target::Account(account) => leg.account == account,
            Target::Hedge(hedge) => id == hedge,
            Target::Instrument(instrument) => leg.instrument == instrument,
            Target::Several(of, _, at) => {
                let place = match of {
                    Of::Account => leg.account.index(),
                    Of::Hedge => id.index(),
                    Of::Instrument => leg.instrument.index(),
                };
                self.members(at).iter().any(|member| usize::from(*member) == place)
            }
        };
        self.config.hedges.pairs().flat_map(move |(id, hedge)| {
            let legs = hedge.plan.legs.iter().filter(move |leg| stands(id, leg));
            legs.map(move |leg| (hedge, leg))
        })
    }
}

//! What waiting is expected to cost: how far a price moves while an order is on its way.
//!
//! A price that moves with standard deviation σ a second has moved by σ·√t after t seconds. σ is
//! measured on the middle of each book, between the samples that its reference takes; t is how long
//! each account's orders take from being sent to the first word of them.

use super::Engine;
use crate::config::{Config, Waiting};
use crate::ids::{AccountId, InstrumentId, Table};
use crate::num::{MONEY_UNIT, Price, Ratio, div_ceil};
use crate::quote::LegPlan;
use crate::stats::{Ewma, Factor, Observed, Rounding};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// Samples further apart than so many of their usual distances say nothing about what is between.
const SILENCE: i64 = 16;

/// An hour in ns.
const HOUR: i64 = 3_600_000_000_000;

/// What is measured for the cost of waiting.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    of: Option<Waiting>,
    drifts: Table<InstrumentId, Drift>,
    delays: Table<AccountId, Ewma>,
}

/// How far the middle of a book moves.
#[derive(Clone, Copy, Debug)]
struct Drift {
    /// When the last sample was taken, and best bid + best ask then.
    last: Option<(Time, i64)>,
    /// Squared moves of twice the middle by ns.
    squares: Ewma,
}

impl Waits {
    pub(super) fn new(config: &Config) -> Waits {
        let alpha = config.waiting.map_or(Factor::ZERO, |of| Factor::new(of.alpha));
        let statistic = Ewma::new(alpha);
        let drift = Drift { last: None, squares: statistic };
        Waits {
            of: config.waiting,
            drifts: Table::new(vec![drift; config.instruments.len()]),
            delays: Table::new(vec![statistic; config.accounts.len()]),
        }
    }

    /// Takes a sample of a touch that may be believed; samples are at least `age` apart.
    pub(super) fn sampled(&mut self, id: InstrumentId, now: Time, touch: [Price; 2], age: Span) {
        if self.of.is_none() {
            return;
        }
        let [bid, ask] = touch;
        let drift = &mut self.drifts[id];
        let twice = bid.0.saturating_add(ask.0);
        if let Some((then, known)) = drift.last.replace((now, twice)) {
            let (past, move_) = ((now - then).0, i128::from(twice) - i128::from(known));
            if 0 < past && past <= age.0.saturating_mul(SILENCE) {
                drift.squares.push(Observed::quotient(move_ * move_, past.into()));
            }
        }
    }

    /// A touch jumped and is believed now: what was before it says nothing about the moves to come.
    pub(super) fn jumped(&mut self, id: InstrumentId, now: Time, touch: [Price; 2]) {
        if self.of.is_some() {
            let [bid, ask] = touch;
            self.drifts[id].last = Some((now, bid.0.saturating_add(ask.0)));
        }
    }

    /// An order was answered for the first time, so long after it was sent.
    pub(super) fn answered(&mut self, account: AccountId, after: Span) {
        if self.of.is_some() {
            self.delays[account].push(Observed::whole(after.0.into()));
        }
    }

    /// Ticks by which a price may be expected to move against an order on its way, rounded up;
    /// zero until its moves are known. An account that has not been heard often enough counts as
    /// `slow`.
    fn ticks(&self, account: AccountId, id: InstrumentId, slow: Span) -> i64 {
        let Some(of) = &self.of else { return 0 };
        let measured = self.delays[account].mean(of.warm, Rounding::Ceil);
        let delay = measured.map_or(slow.0, whole).max(0);
        let times = Factor::new(of.deviations);
        let twice = self.drifts[id].squares.root(delay, times, of.warm, Rounding::Ceil);
        twice.map_or(0, |twice| whole((twice + 1).div_euclid(2)))
    }

    /// Standard deviation of a price over an hour / the price in 10⁻⁹, rounded up; `None` until its
    /// moves are known, and of a price that is not above zero.
    pub(super) fn volatility(&self, id: InstrumentId) -> Option<i128> {
        let of = self.of.as_ref()?;
        let (drift, one) = (&self.drifts[id], Factor::new(Ratio::ONE));
        let (_, twice) = drift.last.filter(|(_, twice)| *twice > 0)?;
        let moves = drift.squares.root(HOUR, one, of.warm, Rounding::Ceil)?;
        Some(div_ceil(moves.checked_mul(MONEY_UNIT)?, twice.into()))
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        if self.of.is_none() {
            return;
        }
        for drift in self.drifts.iter() {
            out.option_i64(drift.last.map(|(at, _)| at.0));
            out.option_i64(drift.last.map(|(_, twice)| twice));
            drift.squares.digest(out);
        }
        for delay in self.delays.iter() {
            delay.digest(out);
        }
    }
}

/// What does not fit is more than any bound that it meets.
fn whole(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Engine {
    /// Ticks a lot that trading a leg may be expected to cost while its order is on its way; no
    /// more than the collar lets an order give.
    pub(super) fn waiting_ticks(&self, leg: &LegPlan) -> i64 {
        let slow = self.config.venues[self.config.accounts[leg.account].venue].ack_timeout;
        let ticks = self.waits.ticks(leg.account, leg.instrument, slow);
        ticks.min(self.policy.instruments[leg.instrument].collar)
    }
}

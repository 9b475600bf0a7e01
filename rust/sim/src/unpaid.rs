//! Styles whose results settlements do not pay: runs that have them, and what they pay when.
//!
//! The models share nothing with the engine's positions: trades are matched one by one, or averaged
//! over all lots, or summed up by prompt. News that changes what was booked before ends what a model
//! knows, until nothing is open.

use std::collections::{BTreeMap, VecDeque};

use cross_market_core::config::Config;
use cross_market_core::funds::Unrealised;
use cross_market_core::instrument::{Instrument, Matching, Netting, Prompts, Settlement};
use cross_market_core::num::Price;
use cross_market_core::time::{Day, Time};

use crate::random::Random;
use crate::sent::Change;

/// Lets some contracts settle on close or at prompts. From a stream of its own, so that all others
/// stay as they are.
pub(crate) fn draw(seed: u64, config: &mut Config, start: Time) {
    let mut random = Random::stream(seed, 22);
    if random.below(2) == 0 {
        return;
    }
    let nettings: Vec<Netting> = config.venues.iter().map(|venue| venue.netting).collect();
    for of in config.instruments.iter_mut() {
        let netting = nettings.get(usize::from(of.venue.0)).copied().unwrap_or(Netting::Net);
        let (drawn, prompts) = (random.below(6), prompts(&mut random, start.date()));
        if of.settlement != Settlement::DailyVm {
            continue;
        }
        match (drawn, netting) {
            (0, _) => of.settlement = Settlement::OnClose(Matching::FirstIn),
            (1, Netting::Net | Netting::Gross) => {
                of.settlement = Settlement::OnClose(Matching::Average);
            }
            (2 | 3, Netting::Net) => {
                (of.settlement, of.prompts) = (Settlement::PromptForward, prompts);
            }
            _ => {}
        }
    }
    let unpaid = |of: &&Instrument| of.settlement.is_unpaid();
    for account in config.accounts.iter_mut() {
        let mut own = config.instruments.iter().filter(unpaid);
        if own.any(|of| (of.venue, of.currency) == (account.venue, account.currency)) {
            account.terms.unrealised = Unrealised::Losses;
        }
    }
}

/// One prompt, far or near, or another for every day.
fn prompts(random: &mut Random, first: Day) -> Prompts {
    let day = |days: i32| Day(first.0 + days);
    let rows = match random.below(8) {
        0 => vec![(first, day(1))],
        1 | 2 => vec![(first, day(2))],
        3 | 4 => vec![(first, day(90))],
        // Few days pass in a run; after a weekend it is the fourth.
        _ => (0..8).map(|at| (day(at), day(at + 2))).collect(),
    };
    match Prompts::new(rows) {
        Some(prompts) => prompts,
        None => panic!("prompts of a run ascend"),
    }
}

/// What one contract has paid an account, in ticks × lots.
#[derive(Clone, Debug)]
pub(crate) enum Unpaid {
    Trades(VecDeque<(i64, i64)>, i128),
    Average(i64, i128, i128),
    Prompts(Forward),
    /// Not known, until nothing is open where that ends it.
    Unknown,
}

/// Lots and flow by prompt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forward {
    open: BTreeMap<Day, (i64, i128)>,
    paid: i128,
}

impl Unpaid {
    /// Nothing open; none where settlements pay all.
    pub(crate) fn of(listed: &Instrument, netting: Netting) -> Option<Unpaid> {
        match (listed.settlement, netting) {
            (Settlement::Upfront | Settlement::DailyVm, _) => None,
            // Which trade closes which is the order's to say.
            (Settlement::OnClose(_), Netting::Gross | Netting::GrossByDay)
            | (Settlement::Coin(_), _) => Some(Unpaid::Unknown),
            (Settlement::OnClose(Matching::FirstIn), Netting::Net) => {
                Some(Unpaid::Trades(VecDeque::new(), 0))
            }
            (Settlement::OnClose(Matching::Average), Netting::Net) => {
                Some(Unpaid::Average(0, 0, 0))
            }
            (Settlement::PromptForward, _) => Some(Unpaid::Prompts(Forward::default())),
        }
    }

    /// What has been paid so far.
    pub(crate) fn paid(&self) -> Option<i128> {
        match self {
            Unpaid::Trades(_, paid) | Unpaid::Average(_, _, paid) => Some(*paid),
            Unpaid::Prompts(forward) => Some(forward.paid),
            Unpaid::Unknown => None,
        }
    }

    /// Books what an execution of `day` changes; `sign` is its side's.
    pub(crate) fn trade(&mut self, listed: &Instrument, day: Day, change: &Change, sign: i64) {
        if change.lots == 0 && change.value == 0 {
            return;
        }
        if change.revises {
            *self = Unpaid::Unknown;
            return;
        }
        let price = i64::try_from(change.value / i128::from(change.lots.max(1))).unwrap_or(0);
        let lots = sign * change.lots;
        match self {
            Unpaid::Trades(open, paid) => *paid += first_in(open, lots, price),
            Unpaid::Average(held, cost, paid) => *paid += averaged(held, cost, lots, price),
            Unpaid::Prompts(forward) => {
                let prompt = listed.prompts.of(day).unwrap_or(day);
                let row = forward.open.entry(prompt).or_default();
                *row = (row.0 + lots, row.1 - i128::from(price) * i128::from(lots));
            }
            Unpaid::Unknown => {}
        }
    }

    /// A settlement: prompts up to its day are paid, and what is left of them stands at its price.
    pub(crate) fn settle(&mut self, price: Price, day: Day) {
        let Unpaid::Prompts(forward) = self else { return };
        for (_, (lots, flow)) in forward.open.iter_mut().filter(|(prompt, _)| **prompt <= day) {
            let marked = i128::from(price.0) * i128::from(*lots);
            forward.paid += *flow + marked;
            *flow = -marked;
        }
    }
}

/// Whether an order of a day would have a prompt, or needs none.
pub(crate) fn has_prompt(listed: &Instrument, day: Day) -> bool {
    let mut rows = listed.prompts.rows().iter().rev();
    let row = rows.find(|(from, _)| *from <= day);
    listed.settlement != Settlement::PromptForward || row.is_some_and(|(_, prompt)| day < *prompt)
}

fn first_in(open: &mut VecDeque<(i64, i64)>, lots: i64, price: i64) -> i128 {
    let (mut left, mut paid) = (lots, 0);
    while let Some((first, at)) = open.front_mut()
        && first.signum() == -left.signum()
    {
        let part = first.abs().min(left.abs()) * first.signum();
        paid += i128::from(price - *at) * i128::from(part);
        *first -= part;
        left += part;
        if *first == 0 {
            open.pop_front();
        }
    }
    if left != 0 {
        open.push_back((left, price));
    }
    paid
}

/// `cost`: of all that is open, a price for each lot whatever its direction.
fn averaged(held: &mut i64, cost: &mut i128, lots: i64, price: i64) -> i128 {
    let closes = if held.signum() == -lots.signum() { held.abs().min(lots.abs()) } else { 0 };
    let of_closed = match held.abs() {
        0 => 0,
        // The rest of a part that is cut out is kept by what stays.
        all => (*cost * i128::from(closes)).div_euclid(i128::from(all)),
    };
    let direction = i128::from(held.signum());
    *cost += i128::from(price) * i128::from(lots.abs() - closes) - of_closed;
    *held += lots;
    direction * (i128::from(price) * i128::from(closes) - of_closed)
}

//! What may happen next at a node, and how often.

use std::fmt;

use cross_market_core::order::VenueStatus;
use cross_market_core::time::{Span, Time};

use super::scene::{Scene, at};
use super::truth::Truth;

/// A timer that is further away than this is no part of the history of an attempt.
const FAR: Span = Span::seconds(120);

/// What could be done without end, or changes little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// An execution is told once more.
    Again,
    /// An execution is taken back.
    Bust,
    /// A line goes down.
    Flap,
    /// A fill or an end of which the engine hears later, or by asking.
    Quiet,
    /// An order expires, which differs from a cancel by its label.
    Expiry,
    /// A cancel is refused.
    Refusal,
    /// A query proves nothing: no answer at all, or an absence that is told too early.
    Vague,
}

impl Odd {
    /// All of them.
    pub const ALL: [Odd; 7] =
        [Odd::Again, Odd::Bust, Odd::Flap, Odd::Quiet, Odd::Expiry, Odd::Refusal, Odd::Vague];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Odd::Again => "duplicates",
            Odd::Bust => "busts",
            Odd::Flap => "lines down",
            Odd::Quiet => "untold fills and ends",
            Odd::Expiry => "expiries",
            Odd::Refusal => "refused cancels",
            Odd::Vague => "vague answers",
        }
    }

    const fn index(self) -> usize {
        match self {
            Odd::Again => 0,
            Odd::Bust => 1,
            Odd::Flap => 2,
            Odd::Quiet => 3,
            Odd::Expiry => 4,
            Odd::Refusal => 5,
            Odd::Vague => 6,
        }
    }
}

/// How many odd things a path may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of each kind, as in [`Odd::ALL`].
    pub each: [u8; 7],
    /// Of all kinds together.
    pub all: u8,
}

impl Budget {
    /// So many of each kind, and so many of all.
    #[must_use]
    pub const fn of(each: u8, all: u8) -> Budget {
        Budget { each: [each; 7], all }
    }

    fn has(self, odd: Odd) -> bool {
        self.all > 0 && self.each.get(odd.index()).is_some_and(|left| *left > 0)
    }

    pub(super) fn spend(&mut self, odd: Odd) {
        self.all = self.all.saturating_sub(1);
        if let Some(left) = self.each.get_mut(odd.index()) {
            *left = left.saturating_sub(1);
        }
    }
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Odd steps beyond the budget, as in [`Odd::ALL`].
    pub odd: [u64; 7],
    /// Timers that are far.
    pub far: u64,
}

/// Steps in the making.
struct Steps<'a> {
    moves: Vec<Move>,
    left: Budget,
    cut: &'a mut Cut,
}

impl Steps<'_> {
    fn add(&mut self, by: Move) {
        self.moves.push(by);
    }

    fn add_odd(&mut self, odd: Odd, by: Move) {
        if self.left.has(odd) {
            self.moves.push(by);
        } else if let Some(count) = self.cut.odd.get_mut(odd.index()) {
            *count += 1;
        }
    }
}

/// What a query is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// As the order truly is.
    Found,
    /// The venue has never had it; true once its longest delay has passed, else it may surface.
    Absent,
    /// Nothing.
    Inconclusive,
}

/// What may happen next. Orders count from 0 as they were sent, executions from 0 in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The engine's next timer is due.
    Tick,
    /// The line of an account goes down.
    Down(u8),
    /// It is back; what was missed is told first.
    Resynced(u8),
    /// The order stands.
    Accepted(u8),
    /// It trades so many lots; quiet: nothing is told yet.
    Fill(u8, u8, bool),
    /// An execution is told late.
    Late(u8, u8),
    /// An execution is told once more.
    Again(u8, u8),
    /// It ends; quiet: nothing is told yet.
    Done(u8, VenueStatus, bool),
    /// Its end is told late.
    DoneLate(u8),
    /// Its query is answered.
    Answered(u8, Reply),
    /// Its cancel is refused.
    CancelRejected(u8),
    /// An execution is taken back.
    Bust(u8, u8),
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Scene {
    /// All that may happen next; `cut` counts what the budget leaves out.
    #[must_use]
    pub fn moves(&self, cut: &mut Cut) -> Vec<Move> {
        let mut steps = Steps { moves: Vec::with_capacity(16), left: self.left, cut };
        for (order, truth) in self.orders.iter().enumerate() {
            self.trades(at(order), truth, &mut steps);
            if !self.is_down(truth) {
                self.words(at(order), truth, &mut steps);
            }
        }
        let near = |due: &Time| due.0 - self.now.0 <= FAR.0;
        match self.engine.deadline() {
            Some(due) if near(&due) => steps.add(Move::Tick),
            Some(_) => steps.cut.far += 1,
            None => {}
        }
        for (account, down) in (0..).zip(self.down) {
            if down {
                steps.add(Move::Resynced(account));
            } else {
                steps.add_odd(Odd::Flap, Move::Down(account));
            }
        }
        steps.moves
    }

    /// What may become of an order at its venue.
    fn trades(&self, order: u8, truth: &Truth, steps: &mut Steps<'_>) {
        if truth.is_over() {
            return;
        }
        // One lot, and all that is left.
        let rest = u8::try_from(truth.leaves()).ok().filter(|left| *left > 1);
        let sizes = || std::iter::once(1).chain(rest);
        if !self.is_down(truth) {
            if !truth.accepted {
                steps.add(Move::Accepted(order));
            }
            sizes().for_each(|lots| steps.add(Move::Fill(order, lots, false)));
            steps.add(Move::Done(order, VenueStatus::Cancelled, false));
            if truth.parts.iter().all(Option::is_none) {
                steps.add(Move::Done(order, VenueStatus::Rejected, false));
            }
            steps.add_odd(Odd::Expiry, Move::Done(order, VenueStatus::Expired, false));
        }
        sizes().for_each(|lots| steps.add_odd(Odd::Quiet, Move::Fill(order, lots, true)));
        steps.add_odd(Odd::Quiet, Move::Done(order, VenueStatus::Cancelled, true));
    }

    /// What may be told of an order.
    fn words(&self, order: u8, truth: &Truth, steps: &mut Steps<'_>) {
        for (place, part) in (0..).zip(truth.parts).filter_map(|(at, part)| Some((at, part?))) {
            if !part.told {
                steps.add(Move::Late(order, place));
                continue;
            }
            steps.add_odd(Odd::Again, Move::Again(order, place));
            if !part.busted {
                steps.add_odd(Odd::Bust, Move::Bust(order, place));
            }
        }
        if truth.end.is_some() && !truth.end_told {
            steps.add(Move::DoneLate(order));
        }
        if truth.asked {
            if !truth.never {
                steps.add(Move::Answered(order, Reply::Found));
            }
            if self.is_absent(order, truth) {
                steps.add(Move::Answered(order, Reply::Absent));
            } else if !truth.here {
                steps.add_odd(Odd::Vague, Move::Answered(order, Reply::Absent));
            }
            steps.add_odd(Odd::Vague, Move::Answered(order, Reply::Inconclusive));
        }
        if truth.cancelling {
            steps.add_odd(Odd::Refusal, Move::CancelRejected(order));
        }
    }

    /// Whether an absence is proven.
    fn is_absent(&self, order: u8, truth: &Truth) -> bool {
        !truth.here && (truth.never || self.now >= truth.placed + self.max_delay(order))
    }

    /// Which kind of odd thing a step is.
    pub(super) fn odd(&self, by: Move) -> Option<Odd> {
        match by {
            Move::Down(_) => Some(Odd::Flap),
            Move::Again(..) => Some(Odd::Again),
            Move::Bust(..) => Some(Odd::Bust),
            Move::CancelRejected(_) => Some(Odd::Refusal),
            Move::Fill(.., quiet) | Move::Done(.., quiet) if quiet => Some(Odd::Quiet),
            Move::Done(_, VenueStatus::Expired, _) => Some(Odd::Expiry),
            Move::Answered(_, Reply::Inconclusive) => Some(Odd::Vague),
            Move::Answered(order, Reply::Absent) => {
                let proven = self.order(order).is_some_and(|truth| self.is_absent(order, truth));
                (!proven).then_some(Odd::Vague)
            }
            Move::Tick
            | Move::Resynced(_)
            | Move::Accepted(_)
            | Move::Fill(..)
            | Move::Late(..)
            | Move::Done(..)
            | Move::DoneLate(_)
            | Move::Answered(_, Reply::Found) => None,
        }
    }
}

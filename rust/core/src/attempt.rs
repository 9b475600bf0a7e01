//! One attempt: from a number of sets to another, all legs together, to one of four ends.
//!
//! # The machine
//! `Reserved → Working → (Supplementing | Unwinding) → Confirming → end`. An attempt drives the
//! lots of every leg to a goal. Work sends all legs of a slice at once. Nothing more is sent while
//! any order of the attempt is alive, that is: not both done and confirmed; so what is filled,
//! open and unknown on a leg can never pass its goal. Once all are done, either the legs are at the
//! goal (next slice, or the end), or they are aligned within tolerance (the end), or repair chooses
//! a new goal by cost: forward to the most advanced leg, or back to the least advanced. An attempt
//! that sent an order back never turns forward again. At a bound (time, tries, messages, loss) it
//! ends: in `ResidualHeld` when exposure or an unconfirmed order is left.
//!
//! `blocked` is a field beside the state: a leg that may send nothing now keeps the state and waits
//! within the attempt's time. The machine reads no book, no clock and no limit: it compares the
//! numbers in [`Facts`], and writes what it wants into [`Wants`]; the gates and the hold may refuse
//! each of these, and the next call asks again.
#![allow(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "arrays of LEGS_MAX are indexed by the legs of a plan, of which there are no more"
)]

use crate::ids::{ClientOrderId, Id, LEGS_MAX, LegId, TRY_MAX};
use crate::legging::Legging;
use crate::num::{Money, Price, Qty, Side, narrow};
use crate::quote::{
    Blocked, Execution, Facts, HedgePlan, Intent, Kind, LegAsk, LegLots, Purpose, Repair,
};
use crate::resolve::{self, Basis, Choice, Verdict};
use crate::time::{Span, Time};
use crate::wire::Writer;

mod answers;
mod follow;
mod stages;

use answers::Answers;
use stages::Stages;

/// How an attempt ended; the label never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum End {
    /// Aligned within tolerance, at least one set or part of the residual traded.
    Completed = 0,
    /// Inventory as before, within tolerance, after fills.
    Unwound = 1,
    /// Nothing was filled.
    AbortedFlat = 2,
    /// Bounded work is used up and exposure, or an unconfirmed order, remains.
    ResidualHeld = 3,
}

impl End {
    /// Every end, in the order of its code.
    pub const ALL: [End; 4] = [End::Completed, End::Unwound, End::AbortedFlat, End::ResidualHeld];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Unwound => "unwound",
            End::AbortedFlat => "aborted_flat",
            End::ResidualHeld => "residual_held",
        }
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A slice is about to be sent.
    Reserved,
    /// A slice is out.
    Working,
    /// The legs are at the goal; an order is not confirmed yet.
    Confirming,
    /// The missing legs are traded.
    Supplementing,
    /// The advanced legs are traded back.
    Unwinding,
    /// It ended.
    Ended(End),
}

impl State {
    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            State::Reserved => 0,
            State::Working => 1,
            State::Confirming => 2,
            State::Supplementing => 3,
            State::Unwinding => 4,
            State::Ended(end) => 8 + end.code(),
        }
    }
}

/// What an attempt wants after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Orders, at most one a leg.
    pub intents: [Option<Intent>; LEGS_MAX],
    /// Whether resting orders of the attempt are to be cancelled.
    pub cancel: bool,
    /// The costs of repair, when intents follow from them.
    pub choice: Option<Choice>,
    /// The end, when it came.
    pub end: Option<End>,
    /// Whether it wants to be asked again with new facts: a new slice begins.
    pub again: bool,
    /// Whether the orders begin a slice: they are gated, and money for them held, as one set. What
    /// follows ([`Purpose::Hedge`]) stands for what its leg will want at worst; no order leaves for
    /// it yet.
    pub begins: bool,
    /// Legs whose quotes are to be cancelled.
    pub pulls: [bool; LEGS_MAX],
    /// Legs whose orders that follow and rest are to be cancelled, for the next step.
    pub chases: [bool; LEGS_MAX],
    /// Why quoting is over before its time.
    pub quote_over: Option<QuoteOver>,
}

/// Why quoting is over before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteOver {
    /// The other legs show less than is leaned on, and the policy does not wait for more.
    Thin,
    /// The price that would be quoted has moved further at once than the policy allows.
    Jumped,
}

impl Wants {
    /// Nothing is wanted.
    pub const NOTHING: Wants = Wants {
        intents: [None; LEGS_MAX],
        cancel: false,
        choice: None,
        end: None,
        again: false,
        begins: false,
        pulls: [false; LEGS_MAX],
        chases: [false; LEGS_MAX],
        quote_over: None,
    };

    /// [`Wants::NOTHING`], without writing the room for what may be wanted.
    #[inline]
    #[must_use]
    pub fn nothing() -> Wants {
        Wants { intents: std::array::from_fn(|_| None), ..Wants::NOTHING }
    }

    /// Nothing is wanted any more. Only what says so is written, not the room for what was wanted.
    fn clear(&mut self) {
        self.intents.iter_mut().for_each(|intent| *intent = None);
        self.cancel = false;
        self.choice = None;
        self.end = None;
        self.again = false;
        self.begins = false;
        self.pulls = [false; LEGS_MAX];
        self.chases = [false; LEGS_MAX];
        self.quote_over = None;
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Attempt {
    /// Its decision id.
    pub decision: ClientOrderId,
    /// Why it exists.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Why a leg that wants to trade may not.
    pub blocked: Blocked,
    /// Signed sets at its start.
    pub from: i64,
    /// Signed sets it is to reach.
    pub to: i64,
    /// When it must have ended.
    pub due: Time,
    /// The values it began with.
    pub execution: Execution,
    /// What repair has lost so far, in the hedge's currency.
    pub lost: Money,
    /// Orders, cancels and queries sent.
    pub messages: u32,
    clip: i64,
    /// Between the beginnings of two slices.
    pace: Span,
    /// Before it the next slice does not begin.
    not_before: Time,
    slice_from: i64,
    slice_to: i64,
    start: LegLots,
    goal: LegLots,
    forward: [Side; LEGS_MAX],
    tries: [u16; LEGS_MAX],
    /// Numbers of orders that earlier runs may have used on every leg.
    tries_before: u16,
    leaned_on: [Basis; LEGS_MAX],
    filled: [Basis; LEGS_MAX],
    traded: bool,
    turned_back: bool,
    /// Whether a person gave up what it has not traded.
    is_forfeited: bool,
    /// What it is worked in, where its legs do not all leave at once.
    stages: Option<Box<Stages>>,
    /// Whether `stages` is in use; else it is room for the next attempt.
    is_staged: bool,
    /// What venues said no to.
    answers: Option<Box<Answers>>,
}

/// What the facts of all legs say together.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Signed lots held, by leg.
    held: LegLots,
    /// Whether an order is not both done and confirmed.
    alive: u32,
    /// Whether an order rests and may be cancelled.
    is_resting: bool,
    /// Whether a leg without such an order is not at its goal.
    is_short: bool,
    /// Whether every leg is at its goal.
    is_at_goal: bool,
    /// Why a leg that is not may not trade now.
    blocked: Blocked,
}

/// What an attempt is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its decision id.
    pub decision: ClientOrderId,
    /// Why it exists.
    pub kind: Kind,
    /// Signed sets held.
    pub from: i64,
    /// Signed sets to reach; for a Trim equal to `from`.
    pub to: i64,
    /// Most sets a slice trades.
    pub clip: i64,
    /// Over how long its slices begin, evenly; zero: one after the other.
    pub over: Span,
}

impl Attempt {
    /// An attempt on `task` for a hedge that holds `held`, at `now`; all legs leave at once.
    #[inline]
    #[must_use]
    pub fn new(
        task: Task,
        execution: Execution,
        plan: &HedgePlan,
        held: LegLots,
        now: Time,
    ) -> Attempt {
        let due = now + execution.finish_within;
        let mut attempt = Attempt::unbegun(task, execution, &held, due);
        attempt.not_before = now;
        attempt.set_out(plan, &held);
        attempt
    }

    /// Becomes a new attempt, where it stands: its legs are worked by `legging`.
    pub fn renew(
        &mut self,
        task: Task,
        execution: Execution,
        legging: &Legging,
        plan: &HedgePlan,
        held: &LegLots,
        now: Time,
    ) {
        let due = now + execution.finish_within;
        let mut room = self.stages.take();
        let is_staged = Stages::works(task.kind, legging);
        if is_staged {
            let stages = Stages::new(&execution, legging, held, now);
            match &mut room {
                Some(room) => **room = stages,
                None => room = Some(Box::new(stages)),
            }
        }
        let staged = room.as_ref().filter(|_| is_staged);
        let due = staged.map_or(due, |stages| stages.due());
        *self = Attempt::unbegun(task, execution, held, due);
        self.stages = room;
        self.is_staged = is_staged;
        self.not_before = now;
        self.set_out(plan, held);
    }

    #[inline]
    fn unbegun(task: Task, execution: Execution, held: &LegLots, due: Time) -> Attempt {
        Attempt {
            decision: task.decision,
            kind: task.kind,
            state: State::Reserved,
            blocked: Blocked::NONE,
            from: task.from,
            to: task.to,
            due,
            execution,
            lost: Money::ZERO,
            messages: 0,
            clip: task.clip.max(1),
            pace: pace(&task),
            not_before: Time(0),
            slice_from: task.from,
            slice_to: task.from,
            start: *held,
            goal: *held,
            forward: [Side::Buy; LEGS_MAX],
            tries: [0; LEGS_MAX],
            tries_before: 0,
            leaned_on: [Basis::default(); LEGS_MAX],
            filled: [Basis::default(); LEGS_MAX],
            traded: false,
            turned_back: false,
            is_forfeited: false,
            stages: None,
            is_staged: false,
            answers: None,
        }
    }

    fn set_out(&mut self, plan: &HedgePlan, held: &LegLots) {
        if self.kind == Kind::Trim {
            self.begin_trim(plan, held);
        } else {
            self.begin_slice(plan, held);
        }
    }

    /// The number of the next order on `leg` that tries anew; `None` when its tries are used up.
    #[must_use]
    pub fn next_try(&self, leg: LegId) -> Option<u16> {
        let left = self.execution.tries.saturating_sub(self.tries[leg.index()]);
        self.next_number(leg).filter(|_| left > 0)
    }

    /// The number of the next order on `leg`.
    fn next_number(&self, leg: LegId) -> Option<u16> {
        let sent = self.stages().map_or(0, |stages| stages.sent[leg.index()]);
        let used = self.tries[leg.index()].saturating_add(sent);
        let next = self.tries_before.saturating_add(used).saturating_add(1);
        (next <= TRY_MAX).then_some(next)
    }

    /// The first and the last number that orders for this may have now. What follows another leg
    /// and what rests is bounded by messages; a try is what is sent again.
    #[must_use]
    pub fn numbers(&self, leg: LegId, purpose: Purpose) -> Option<(u16, u16)> {
        let next = self.next_number(leg)?;
        match purpose {
            Purpose::Hedge | Purpose::Quote => Some((next, TRY_MAX)),
            Purpose::Work | Purpose::Supplement | Purpose::Unwind => {
                let left = self.execution.tries.saturating_sub(self.tries[leg.index()]);
                let last = next.saturating_add(left.checked_sub(1)?);
                Some((next, last.min(TRY_MAX)))
            }
        }
    }

    /// A new run goes on with the attempt, until `due`. Orders that the old one sent after the last
    /// thing it kept are not known, so their numbers are not used again: as many as it could have
    /// sent on one leg.
    pub fn restarted(&mut self, due: Time) {
        self.due = due;
        let messages = u16::try_from(self.execution.messages).unwrap_or(u16::MAX);
        let most = match self.stages_mut() {
            Some(stages) => {
                stages.restarted(due);
                messages
            }
            None => self.execution.tries.min(messages),
        };
        self.tries_before = self.tries_before.saturating_add(most).min(TRY_MAX);
    }

    /// Whether its next step may choose between ways to mend it; a slice that begins does not.
    #[must_use]
    pub fn may_repair(&self) -> bool {
        self.state != State::Reserved || self.kind == Kind::Trim
    }

    /// Lots of the legs when the attempt began.
    #[must_use]
    pub fn start(&self) -> &LegLots {
        &self.start
    }

    /// Lots that the legs are driven to.
    #[must_use]
    pub fn goal(&self) -> &LegLots {
        &self.goal
    }

    /// How many slices come before the present one, and how many after it.
    #[must_use]
    pub fn slices(&self) -> (i64, i64) {
        let before = slices_of(self.slice_to - self.from, self.clip) - 1;
        (before.max(0), slices_of(self.to - self.slice_to, self.clip))
    }

    /// Signed sets that the present slice reaches.
    #[must_use]
    pub fn slice_to(&self) -> i64 {
        self.slice_to
    }

    /// How much each leg might buy and sell next, given what it holds.
    #[must_use]
    pub fn ask(&self, plan: &HedgePlan, held: &LegLots) -> [LegAsk; LEGS_MAX] {
        let mut ask = [[Qty::ZERO; 2]; LEGS_MAX];
        if self.is_at_stages() {
            // What follows is priced while others are alive, toward the goal of its slice.
            for leg in 0..plan.legs.len() {
                let lots = self.goal[leg] - held[leg];
                if let Some(side) = Side::of(lots) {
                    ask[leg][side.index()] = Qty::of(lots);
                }
            }
            return ask;
        }
        let (back, ahead) = match self.state {
            State::Reserved if !self.may_repair() => (*held, self.goal),
            State::Reserved
            | State::Working
            | State::Confirming
            | State::Supplementing
            | State::Unwinding => self.repair_goals(plan, held),
            State::Ended(_) => return ask,
        };
        for leg in 0..plan.legs.len() {
            for goal in [back[leg], ahead[leg]] {
                let lots = goal - held[leg];
                if let Some(side) = Side::of(lots) {
                    let wanted = &mut ask[leg][side.index()];
                    *wanted = (*wanted).max(Qty::of(lots));
                }
            }
        }
        ask
    }

    /// Writes what is wanted now.
    pub fn next(&mut self, now: Time, plan: &HedgePlan, facts: &Facts, wants: &mut Wants) {
        wants.clear();
        if matches!(self.state, State::Ended(_)) {
            return;
        }
        let seen = self.look(plan, facts);
        self.blocked = seen.blocked;
        if self.is_forfeited {
            self.wind_up(now, plan, &seen, wants);
            return;
        }
        let was_following = self.is_following();
        if was_following {
            if self.follow(now, plan, facts, &seen, wants) {
                return;
            }
            let quote_over = wants.quote_over;
            wants.clear();
            wants.quote_over = quote_over;
            self.settle();
        }
        if seen.alive > 0 {
            self.while_alive(now, &seen, wants);
            return;
        }
        let held = seen.held;
        if self.state == State::Reserved && self.kind != Kind::Trim {
            self.work(now, plan, facts, &held, wants);
        } else if seen.is_at_goal && self.state != State::Reserved {
            self.goal_reached(plan, &held, wants);
        } else if (self.kind != Kind::Trim || self.turned_back) && self.is_within(plan, &held) {
            self.end_within(plan, &held, wants);
        } else if was_following {
            // Its facts price what follows: the way back is asked about first.
            wants.again = true;
        } else {
            self.repair(now, plan, facts, &held, wants);
        }
    }

    /// A person gives up what it has not traded yet: nothing leaves any more, and what is out has the
    /// time of an attempt that does not wait.
    pub fn forfeit(&mut self, now: Time) {
        self.is_forfeited = true;
        self.due = self.due.min(now + self.execution.finish_within);
        if self.is_at_stages() {
            self.settle();
        }
    }

    /// What rests goes; once every order is done and confirmed it ends in what is so.
    fn wind_up(&mut self, now: Time, plan: &HedgePlan, seen: &Seen, wants: &mut Wants) {
        if seen.alive == 0 {
            self.stop(plan, &seen.held, wants);
            return;
        }
        self.while_alive(now, seen, wants);
        wants.cancel |= seen.is_resting;
    }

    /// An order of the attempt was sent on `leg`.
    pub fn placed(&mut self, leg: LegId, purpose: Purpose) {
        match (purpose, self.stages_mut()) {
            (Purpose::Hedge | Purpose::Quote, Some(stages)) => stages.sent[leg.index()] += 1,
            (Purpose::Hedge | Purpose::Quote, None)
            | (Purpose::Work | Purpose::Supplement | Purpose::Unwind, _) => {
                self.tries[leg.index()] += 1;
            }
        }
        self.messages += 1;
        // The way back is taken by an order that leaves on it, not by the wish for one.
        self.turned_back |= self.state == State::Unwinding;
    }

    /// A venue took no more than `most` lots in one order of this side; none: the leg trades no
    /// further that way.
    pub fn bound(&mut self, leg: LegId, side: Side, most: i64) {
        self.answers.get_or_insert_with(|| Box::new(Answers::new())).bound(leg, side, most);
    }

    /// A venue has the lots that a leg closes on other days than we; `false` when it was told the
    /// other way round already.
    pub fn resplit(&mut self, leg: LegId) -> bool {
        self.answers.get_or_insert_with(|| Box::new(Answers::new())).resplit(leg)
    }

    /// Whether today's and earlier lots of a leg are named the other way round.
    #[must_use]
    pub fn is_resplit(&self, leg: LegId) -> bool {
        self.answers.as_ref().is_some_and(|answers| answers.is_resplit(leg))
    }

    /// Most lots of the next order on a leg.
    #[must_use]
    pub fn most(&self, leg: LegId, side: Side) -> i64 {
        self.answers.as_ref().map_or(i64::MAX, |answers| answers.most(leg, side))
    }

    /// A cancel or query for an order of the attempt was sent.
    pub fn messaged(&mut self) {
        self.messages += 1;
    }

    /// The gates refused the slice: nothing of it is sent, and what earlier slices did is the end.
    pub fn slice_refused(&mut self, plan: &HedgePlan, held: &LegLots, wants: &mut Wants) {
        *wants = Wants::NOTHING;
        self.stop(plan, held, wants);
    }

    /// An order of the attempt traded; `fee` and `tick_value` are in the hedge's currency.
    pub fn fill(&mut self, fill: &LegFill) {
        let leg = fill.leg.index();
        let signed = i128::from(fill.side.sign());
        let cost = i128::from(fill.price.0) * i128::from(fill.lots);
        self.traded = true;
        let against = if fill.side == self.forward[leg] {
            let filled = &mut self.filled[leg];
            filled.lots += fill.lots;
            filled.cost += cost;
            share(&self.leaned_on[leg], fill.lots)
        } else {
            let filled = &mut self.filled[leg];
            let paid = share(filled, fill.lots);
            filled.lots = (filled.lots - fill.lots).max(0);
            filled.cost = if filled.lots == 0 { 0 } else { filled.cost - paid.unwrap_or(cost) };
            paid
        };
        if fill.purpose == Purpose::Quote {
            self.quote_traded(fill.leg);
        }
        if fill.purpose.is_repair() {
            let worse = signed * (cost - against.unwrap_or(cost));
            self.lost += Money(fill.tick_value.0 * worse) + fill.fee;
        }
    }

    /// An execution of the attempt was taken back.
    pub fn bust(&mut self, fill: &LegFill) {
        let leg = fill.leg.index();
        let cost = i128::from(fill.price.0) * i128::from(fill.lots);
        let filled = &mut self.filled[leg];
        if fill.side == self.forward[leg] {
            filled.lots = (filled.lots - fill.lots).max(0);
            filled.cost = if filled.lots == 0 { 0 } else { filled.cost - cost };
        } else {
            filled.lots += fill.lots;
            filled.cost += cost;
        }
    }

    /// The attempt in canonical bytes, for the state digest.
    pub fn digest(&self, out: &mut Writer) {
        out.u64(self.decision.0);
        out.u8(self.kind.code());
        out.u8(self.state.code());
        out.u8(self.blocked.bits());
        let slice = [self.clip, self.slice_from, self.slice_to, self.pace.0, self.not_before.0];
        for number in [self.from, self.to, self.due.0].into_iter().chain(slice) {
            out.i64(number);
        }
        out.i128(self.lost.0);
        out.u32(self.messages);
        self.execution.write(out);
        out.bool(self.traded);
        out.bool(self.turned_back);
        out.bool(self.is_forfeited);
        out.u16(self.tries_before);
        out.bool(self.is_staged);
        if let Some(stages) = self.stages() {
            stages.digest(out);
        }
        out.bool(self.answers.is_some());
        if let Some(answers) = &self.answers {
            answers.digest(out);
        }
        for leg in 0..LEGS_MAX {
            out.i64(self.start[leg]);
            out.i64(self.goal[leg]);
            out.bool(self.forward[leg] == Side::Sell);
            out.u16(self.tries[leg]);
            for basis in [&self.leaned_on[leg], &self.filled[leg]] {
                out.i64(basis.lots);
                out.i128(basis.cost);
            }
        }
    }

    fn begin_slice(&mut self, plan: &HedgePlan, held: &LegLots) {
        self.slice_from = self.slice_to;
        let left = self.to - self.slice_from;
        self.slice_to = self.slice_from + left.signum() * left.abs().min(self.clip);
        self.goal = plan.goal(self.slice_to);
        let ahead = if left < 0 { -1 } else { 1 };
        for (leg, of) in plan.legs.iter().enumerate() {
            let lots = self.goal[leg] - held[leg];
            let own = if of.side.sign() * ahead > 0 { Side::Buy } else { Side::Sell };
            self.forward[leg] = Side::of(lots).unwrap_or(own);
        }
        self.state = State::Reserved;
        if self.slice_from != self.from && self.pace > Span::ZERO {
            self.not_before = self.not_before + self.pace;
            self.due = self.due.max(self.not_before + self.execution.finish_within);
        }
        let (not_before, finish_within) = (self.not_before, self.execution.finish_within);
        if let Some(stages) = self.stages_mut() {
            stages.wait(not_before, finish_within);
            stages.begin(held);
        }
    }

    /// A Trim lies between the sets that the least and the most advanced leg stand for.
    fn begin_trim(&mut self, plan: &HedgePlan, held: &LegLots) {
        let (low, high) = plan.units(held);
        let set = i128::from(plan.set_units);
        self.slice_from = narrow(low.div_euclid(set));
        self.slice_to = narrow(-(-high).div_euclid(set));
        for (leg, of) in plan.legs.iter().enumerate() {
            self.forward[leg] = of.side;
        }
    }

    fn at_goal(&self, plan: &HedgePlan, held: &LegLots) -> bool {
        let legs = held.iter().zip(&self.goal).take(plan.legs.len());
        legs.fold(true, |is, (held, goal)| is && held == goal)
    }

    fn is_within(&self, plan: &HedgePlan, held: &LegLots) -> bool {
        plan.residual(held) <= self.execution.max_residual
    }

    /// Goes over the facts of every leg once.
    fn look(&self, plan: &HedgePlan, facts: &Facts) -> Seen {
        let mut seen = Seen {
            held: [0; LEGS_MAX],
            alive: 0,
            is_resting: false,
            is_short: false,
            is_at_goal: true,
            blocked: Blocked::NONE,
        };
        let legs = facts.legs.iter().zip(&self.goal).zip(&mut seen.held);
        for ((facts, goal), held) in legs.take(plan.legs.len()) {
            *held = facts.held;
            seen.alive += facts.alive;
            seen.is_resting |= facts.resting > 0;
            if facts.held != *goal {
                seen.is_at_goal = false;
                seen.is_short |= facts.alive == 0;
                seen.blocked = seen.blocked.with(facts.blocked);
            }
        }
        seen
    }

    fn while_alive(&mut self, now: Time, seen: &Seen, wants: &mut Wants) {
        // One more question and the last cancel of every order must stay inside the bound.
        let last = self.messages + 2 * seen.alive >= self.execution.messages;
        if now >= self.due || last {
            wants.cancel = true;
            self.end(End::ResidualHeld, wants);
            return;
        }
        if seen.is_at_goal {
            self.state = State::Confirming;
        }
        // A leg that is done and short will not be joined by its siblings: what rests of them goes.
        wants.cancel = (seen.is_short || self.is_settling()) && seen.is_resting;
    }

    fn work(
        &mut self,
        now: Time,
        plan: &HedgePlan,
        facts: &Facts,
        held: &LegLots,
        wants: &mut Wants,
    ) {
        if now < self.not_before {
            return;
        }
        if now >= self.due {
            self.slice_refused(plan, held, wants);
            return;
        }
        let mut missing = false;
        for leg in 0..plan.legs.len() {
            let lots = self.goal[leg] - held[leg];
            let Some(side) = Side::of(lots) else { continue };
            let id = LegId::at(leg);
            match facts.legs[leg].walk[side.index()] {
                Some(walk)
                    if walk.qty.get() >= lots.abs()
                        && self.next_try(id).is_some()
                        && lots.abs() <= self.most(id, side) =>
                {
                    let qty = Qty::of(lots);
                    self.leaned_on[leg] = Basis { lots: walk.qty.get(), cost: walk.cost };
                    wants.intents[leg] = Some(Intent {
                        leg: id,
                        side,
                        qty,
                        limit: walk.worst,
                        purpose: Purpose::Work,
                    });
                }
                Some(_) | None => missing = true,
            }
        }
        if self.is_staged {
            missing = !self.set_stages(now, plan, facts, held, wants);
        }
        wants.begins = true;
        if missing || !self.has_messages(wants) {
            self.slice_refused(plan, held, wants);
            return;
        }
        self.state = State::Working;
        if wants.intents.iter().all(Option::is_none) {
            self.goal_reached(plan, held, wants);
        }
    }

    fn goal_reached(&mut self, plan: &HedgePlan, held: &LegLots, wants: &mut Wants) {
        let goes_on = self.slice_to != self.to && !self.turned_back && self.kind != Kind::Trim;
        if goes_on && self.goal == plan.goal(self.slice_to) {
            self.filled = [Basis::default(); LEGS_MAX];
            self.leaned_on = [Basis::default(); LEGS_MAX];
            self.begin_slice(plan, held);
            wants.again = true;
        } else if self.is_within(plan, held) {
            self.end_within(plan, held, wants);
        } else {
            self.end(End::ResidualHeld, wants);
        }
    }

    fn repair(
        &mut self,
        now: Time,
        plan: &HedgePlan,
        facts: &Facts,
        held: &LegLots,
        wants: &mut Wants,
    ) {
        if now >= self.due || self.messages >= self.execution.messages {
            self.give_up(plan, held, wants);
            return;
        }
        let legs = plan.legs.len();
        let sets = self.repair_sets(plan, held);
        let (back, ahead) = (plan.goal(sets.0), plan.goal(sets.1));
        let Some(permitted) = self.permitted(plan, held, sets, facts) else {
            self.give_up(plan, held, wants);
            return;
        };
        let price = |goal: &LegLots| {
            resolve::cost(
                held,
                goal,
                &facts.legs[..legs],
                &self.leaned_on[..legs],
                &self.filled[..legs],
                &self.forward[..legs],
            )
        };
        let budget = (self.execution.max_loss - self.lost).min(facts.loss_left);
        let supplement = if self.turned_back { None } else { price(&ahead) };
        let choice = resolve::choose(supplement, price(&back), permitted, budget, self.kind);
        match choice.verdict {
            Verdict::Do(purpose) => {
                let (state, goal) = match purpose {
                    Purpose::Unwind => (State::Unwinding, back),
                    Purpose::Work | Purpose::Supplement | Purpose::Hedge | Purpose::Quote => {
                        (State::Supplementing, ahead)
                    }
                };
                self.state = state;
                self.goal = goal;
                if self.at_goal(plan, held) {
                    self.goal_reached(plan, held, wants);
                    return;
                }
                wants.choice = Some(choice);
                self.send_repair(plan, facts, held, wants);
            }
            Verdict::Wait => {}
            Verdict::OverBudget => self.give_up(plan, held, wants),
        }
    }

    fn send_repair(&mut self, plan: &HedgePlan, facts: &Facts, held: &LegLots, wants: &mut Wants) {
        for leg in 0..plan.legs.len() {
            let lots = self.goal[leg] - held[leg];
            let Some(side) = Side::of(lots) else { continue };
            let id = LegId::at(leg);
            if self.next_try(id).is_none() {
                self.give_up(plan, held, wants);
                return;
            }
            let purpose =
                if side == self.forward[leg] { Purpose::Supplement } else { Purpose::Unwind };
            if let Some(walk) = facts.legs[leg].walk[side.index()] {
                let qty = walk.qty.min(Qty::of(lots)).min(Qty::of(self.most(id, side)));
                if !qty.is_zero() {
                    wants.intents[leg] =
                        Some(Intent { leg: id, side, qty, limit: walk.worst, purpose });
                }
            }
        }
        if !self.has_messages(wants) {
            self.give_up(plan, held, wants);
        }
    }

    /// What repair may do with the tries that its legs have left; `None`: nothing. A leg that the
    /// venue has refused as often as allowed must not keep the others from going back. Inside a
    /// HALT it may only do what takes no leg away from zero, and a Trim goes to no more sets than
    /// the hedge may hold, unless that is the nearer way to them.
    fn permitted(
        &self,
        plan: &HedgePlan,
        held: &LegLots,
        (back, ahead): (i64, i64),
        facts: &Facts,
    ) -> Option<Repair> {
        let most = facts.sets_max.max(back.abs().min(ahead.abs()));
        let can = |sets: i64| {
            let goal = plan.goal(sets);
            let is_held = self.kind != Kind::Trim || sets.abs() <= most;
            is_held
                && (0..LEGS_MAX).all(|leg| {
                    let (goal, held) = (goal[leg], held[leg]);
                    let reduces = goal.abs() <= held.abs() && goal.signum() * held.signum() >= 0;
                    let id = LegId::at(leg);
                    let most = Side::of(goal - held).map_or(0, |side| self.most(id, side));
                    let has_try = self.next_try(id).is_some() && most > 0;
                    goal == held || (has_try && (reduces || !facts.reduce_only))
                })
        };
        let wanted = if self.turned_back { Repair::Unwind } else { self.execution.repair };
        match (wanted, can(ahead), can(back)) {
            (Repair::CheaperOf, true, true) => Some(Repair::CheaperOf),
            (Repair::CheaperOf | Repair::Supplement, true, _) => Some(Repair::Supplement),
            (Repair::CheaperOf | Repair::Unwind, _, true) => Some(Repair::Unwind),
            (Repair::CheaperOf | Repair::Unwind, _, false) | (Repair::Supplement, false, _) => None,
        }
    }

    /// Whether the messages left suffice for these orders.
    fn has_messages(&self, wants: &Wants) -> bool {
        let orders = wants.intents.iter().flatten().count();
        let left = self.execution.messages.saturating_sub(self.messages);
        usize::try_from(left).is_ok_and(|left| orders <= left)
    }

    /// The lots to go back to and the lots to go on to.
    fn repair_goals(&self, plan: &HedgePlan, held: &LegLots) -> (LegLots, LegLots) {
        let (back, ahead) = self.repair_sets(plan, held);
        (plan.goal(back), plan.goal(ahead))
    }

    /// The sets that every leg has reached, and the sets that the most advanced leg has.
    fn repair_sets(&self, plan: &HedgePlan, held: &LegLots) -> (i64, i64) {
        let step = if self.slice_to < self.slice_from { -1 } else { 1 };
        // How far every leg is beyond its goal, in the direction of the slice.
        let beyond = |sets: i64| {
            let sets = self.slice_from + step * sets;
            let legs = plan.legs.iter().zip(held);
            legs.map(move |(leg, held)| step * leg.side.sign() * (held - leg.goal(sets)))
        };
        // Every leg's goal moves one way with the sets, so both questions have one answer up to a
        // number of sets and the other from there on.
        let span = (self.slice_to - self.slice_from).abs();
        let reached = holds_below(span + 1, |sets| beyond(sets).all(|lots| lots >= 0));
        let ahead = holds_below(span + 1, |sets| beyond(sets).any(|lots| lots > 0));
        let back = self.slice_from + step * (reached - 1).max(0);
        (back, self.slice_from + step * ahead.min(span))
    }

    fn give_up(&mut self, plan: &HedgePlan, held: &LegLots, wants: &mut Wants) {
        *wants = Wants { choice: wants.choice, ..Wants::NOTHING };
        self.stop(plan, held, wants);
    }

    /// No order is alive and no more is sent. An attempt that traded nothing holds no residual of
    /// its own, whatever was there before; a Trim exists for what was there.
    fn stop(&mut self, plan: &HedgePlan, held: &LegLots, wants: &mut Wants) {
        let flat = !self.traded && self.kind != Kind::Trim;
        if flat || self.is_within(plan, held) {
            self.end_within(plan, held, wants);
        } else {
            self.end(End::ResidualHeld, wants);
        }
    }

    /// The end of an attempt whose legs are aligned within tolerance and whose orders are done.
    fn end_within(&mut self, plan: &HedgePlan, held: &LegLots, wants: &mut Wants) {
        let has_moved = || match self.kind {
            Kind::Trim => plan.residual(held) < plan.residual(&self.start),
            Kind::Enter | Kind::Exit | Kind::Reduce | Kind::Roll => {
                plan.sets(held) != plan.sets(&self.start)
            }
        };
        let end = if !self.traded {
            End::AbortedFlat
        } else if has_moved() {
            End::Completed
        } else {
            End::Unwound
        };
        self.end(end, wants);
    }

    fn end(&mut self, end: End, wants: &mut Wants) {
        self.state = State::Ended(end);
        wants.end = Some(end);
    }
}

/// One execution, as an attempt sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegFill {
    /// The leg.
    pub leg: LegId,
    /// Side of the order.
    pub side: Side,
    /// Lots, more than zero.
    pub lots: i64,
    /// Price.
    pub price: Price,
    /// What the order was for.
    pub purpose: Purpose,
    /// The fee, in the hedge's currency.
    pub fee: Money,
    /// Value of one tick of one lot, in the hedge's currency.
    pub tick_value: Money,
}

/// The first number below `end` for which something that holds up to a point does not; else `end`.
fn holds_below(end: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Between the beginnings of two slices of a task.
fn pace(task: &Task) -> Span {
    Span(task.over.0 / slices_of(task.to - task.from, task.clip).max(1))
}

/// In how many slices so many sets are traded.
fn slices_of(sets: i64, clip: i64) -> i64 {
    let (sets, clip) = (sets.abs(), clip.max(1));
    sets.div_euclid(clip) + i64::from(sets.rem_euclid(clip) > 0)
}

fn share(basis: &Basis, lots: i64) -> Option<i128> {
    (basis.lots > 0).then(|| basis.cost * i128::from(lots) / i128::from(basis.lots))
}

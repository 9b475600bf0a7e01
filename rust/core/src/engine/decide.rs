//! Decisions: what a hedge without an attempt wants, and whether it may.

use super::{Engine, HedgeState};
use crate::command::{AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::config::Hedge;
use crate::gate::{self, Denial, Refusal};
use crate::ids::{HedgeId, InstrumentId, LEGS_MAX};
use crate::instrument::PositionEffect;
use crate::merge::{self, Direction};
use crate::num::{MONEY_UNIT, Price, Ratio};
use crate::quote::{Blocked, Kind, LegLots};
use crate::signal::{Measure, Want};
use crate::time::Time;

impl Engine {
    /// The end of a book message: signals of the hedges that read it. Gives whether any of their
    /// conditions stands.
    #[inline]
    pub(super) fn message(&mut self, instrument: InstrumentId) -> bool {
        let book = &mut self.books[instrument];
        if !book.touched() {
            return false;
        }
        book.clear_touched();
        self.signals.message(instrument, self.now, &self.books)
    }

    /// The hedges that the end of a book message concerns become dirty; whether there are any.
    pub(super) fn gather(&mut self, instrument: InstrumentId, reached: bool) -> bool {
        if !reached && self.waiting == 0 {
            return false;
        }
        self.dirty.clear();
        for at in 0..self.readers[instrument].len() {
            let hedge = self.readers[instrument][at];
            let state = &self.hedges[hedge];
            let concerned = match &state.attempt {
                Some(_) => !state.rests || self.is_stirred(hedge),
                // The contract that it will roll into is none that its signal reads.
                None if !self.config.hedges[hedge].reads(instrument) => false,
                None => state.waits() || self.signals.wants(hedge, state.sets).is_some(),
            };
            if concerned {
                self.dirty.push(hedge);
            }
        }
        !self.dirty.is_empty()
    }

    /// Whether a book message or time has changed anything for an attempt that waits for its
    /// orders: why its legs may not trade, or that it must end.
    fn is_stirred(&mut self, hedge: HedgeId) -> bool {
        let state = &self.hedges[hedge];
        let Some(attempt) = &state.attempt else { return false };
        let (events, until) = state.still;
        let is_still = events == self.events && self.now < until;
        let known = attempt.blocked.without(Blocked::FEED);
        let mut blocked = if is_still { known } else { Blocked::NONE };
        let mut until = attempt.due;
        let rolled = (attempt.kind == Kind::Roll).then(|| self.moved(hedge));
        let held = rolled.as_ref().unwrap_or(&state.held);
        let lots = held.iter().zip(attempt.goal());
        for (leg, (held, goal)) in self.worked(hedge, attempt.kind).legs.iter().zip(lots) {
            if held == goal {
                continue;
            }
            blocked = blocked.with(self.blocked_by_feed(leg));
            if !is_still {
                let (barred, changes) = self.barred(hedge, leg, attempt.kind);
                blocked = blocked.with(barred);
                until = until.min(changes);
            }
        }
        if blocked != attempt.blocked || self.now >= attempt.due {
            return true;
        }
        if !is_still {
            self.hedges[hedge].still = (self.events, until);
        }
        false
    }

    pub(super) fn drive_dirty(&mut self, out: &mut Vec<Command>) {
        // What one event did to several hedges counts for each of them: their residuals add up.
        if self.dirty.len() > 1 {
            for at in 0..self.dirty.len() {
                self.note_inventory(self.dirty[at]);
            }
        }
        for at in 0..self.dirty.len() {
            let hedge = self.dirty[at];
            self.look(hedge, out);
        }
        for at in 0..self.dirty.len() {
            self.note_due(self.dirty[at]);
        }
    }

    /// Keeps when a hedge is to be looked at without news.
    fn note_due(&mut self, hedge: HedgeId) {
        self.note_inventory(hedge);
        let state = &self.hedges[hedge];
        let now = self.now;
        let due = state.attempt.as_ref().map_or(Time::MAX, |attempt| attempt.wakes(now));
        self.dues[hedge] = due.min(state.wake);
    }

    fn look(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        self.note_inventory(hedge);
        if self.hedges[hedge].attempt.is_none() {
            self.consider(hedge, out);
            return;
        }
        let beside = self.hedges[hedge].attempt.as_ref();
        let beside = beside.and_then(|attempt| self.beside(hedge, attempt.kind));
        self.drive(hedge, out);
        if let (Some(next), None) = (beside, &self.hedges[hedge].attempt) {
            self.go_on(next, out);
            self.note_due(next);
        }
        if self.hedges[hedge].attempt.is_none() {
            self.go_on(hedge, out);
        }
    }

    /// No news need come after the end of an attempt: what has to go on does so in this step.
    fn go_on(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        self.note_inventory(hedge);
        let state = &self.hedges[hedge];
        if state.is_taken() {
            return;
        }
        if state.flatten || state.over_residual {
            self.consider(hedge, out);
        } else if let Some(cap) = self.over_cap(hedge, out) {
            // The limit may have begun to bind while the attempt lived.
            self.reduce(hedge, self.hedges[hedge].sets.signum() * cap, out);
        }
    }

    /// Sets held and whether the residual at rest is beyond its limit, kept for the hot path.
    pub(super) fn note_inventory(&mut self, hedge: HedgeId) {
        let held = self.positions.inventory(hedge);
        let plan = &self.config.hedges[hedge].plan;
        let state = &mut self.hedges[hedge];
        let waited = state.waits();
        if held != state.held {
            state.held = held;
            state.sets = plan.sets(&held);
            state.residual = plan.residual(&held);
        }
        state.over_residual = state.residual > self.policy.hedges[hedge].execution.max_residual;
        // What a Roll has still to bring is given back too.
        if state.flatten && held == [0; LEGS_MAX] && !state.is_taken() {
            state.flatten = false;
        }
        self.count_waiting(hedge, waited);
    }

    /// Keeps the number of hedges that every message of their books concerns.
    pub(super) fn count_waiting(&mut self, hedge: HedgeId, waited: bool) {
        match (waited, self.hedges[hedge].waits()) {
            (false, true) => self.waiting += 1,
            (true, false) => self.waiting -= 1,
            (false, false) | (true, true) => {}
        }
    }

    fn consider(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let state = &self.hedges[hedge];
        let (sets, flatten, over) = (state.sets, state.flatten, state.over_residual);
        if state.rolled_by.is_some() {
            self.wait_for_roll(hedge, out);
        } else if flatten {
            self.reduce(hedge, 0, out);
            // What is refused to go as a whole leaves its residual where it is: that goes first.
            if over && self.hedges[hedge].attempt.is_none() {
                self.trim(hedge, out);
            }
        } else if over {
            self.trim(hedge, out);
        } else if let Some(cap) = self.over_cap(hedge, out) {
            self.reduce(hedge, sets.signum() * cap, out);
        } else if self.hedges[hedge].quotes {
            self.consider_quotes(hedge, out);
        } else {
            self.follow_signal(hedge, out);
        }
    }

    /// While sets are moved here nothing else begins; what would is refused.
    fn wait_for_roll(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let HedgeState { sets, flatten, .. } = self.hedges[hedge];
        if flatten || self.signals.wants(hedge, sets).is_some() {
            self.refuse(hedge, &Denial::plain(Refusal::Busy), out);
        } else {
            self.hedges[hedge].refused = None;
        }
    }

    fn follow_signal(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let sets = self.hedges[hedge].sets;
        let Some(want) = self.signals.wants(hedge, sets) else {
            // The opportunity is gone, and with it the refusal that stood for it.
            self.hedges[hedge].refused = None;
            return;
        };
        if self.cross(hedge, want, out) {
            return;
        }
        let next = self.prepare(hedge, want);
        let begun = next.and_then(|next| self.start(&next, out));
        self.work.walked = None;
        match begun {
            Ok(()) => {}
            // A net signal that the walk does not reach does not stand: nothing is refused.
            Err(denial) if denial.refusal == Refusal::Edge && self.is_net(hedge) => {
                self.hedges[hedge].refused = None;
            }
            Err(denial) => self.refuse(hedge, &denial, out),
        }
    }

    /// What a signal wants next, as far as the books and the edge allow it.
    pub(super) fn prepare(&mut self, hedge: HedgeId, want: Want) -> Result<Begin, Denial> {
        let (sets, size) = (self.hedges[hedge].sets, self.policy.hedges[hedge].size);
        let edge = Edge::Band(want);
        match want {
            Want::Exit(_) => {
                let to = sets - sets.signum() * sets.abs().min(size.clip);
                self.prepare_leave(hedge, Kind::Exit, to, Some(edge))
            }
            Want::Enter(direction) => {
                let step = match direction {
                    Direction::Plus => 1,
                    Direction::Mirror => -1,
                };
                let room = (size.max - sets.abs()).clamp(0, size.clip);
                self.prepare_enter(hedge, sets + step * room, size.clip, edge)
            }
        }
    }

    fn is_net(&self, hedge: HedgeId) -> bool {
        match self.config.hedges[hedge].rule.measure {
            Measure::Spread | Measure::GrossRatio => false,
            Measure::CounterPrice | Measure::Ratio | Measure::Estimate => true,
        }
    }

    /// Begins an Enter from the sets held to `to`, in slices of as many sets as the books hold, at
    /// most `clip`.
    pub(super) fn enter(
        &mut self,
        hedge: HedgeId,
        to: i64,
        clip: i64,
        edge: Edge,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        let next = self.prepare_enter(hedge, to, clip, edge);
        let begun = next.and_then(|next| self.start(&next, out));
        self.work.walked = None;
        begun
    }

    fn prepare_enter(
        &mut self,
        hedge: HedgeId,
        to: i64,
        clip: i64,
        edge: Edge,
    ) -> Result<Begin, Denial> {
        let HedgeState { held, sets, .. } = self.hedges[hedge];
        if to == sets {
            let max = self.policy.hedges[hedge].size.max;
            let (value, limit) = (i128::from(sets.abs()), i128::from(max));
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Inventory) });
        }
        let step = (to - sets).signum();
        let (first, lots) =
            self.reach(hedge, &held, sets, sets + step * (to - sets).abs().min(clip));
        if first == sets {
            // What else stands in the way is the better reason.
            self.gate_idle(hedge, Kind::Enter, to)?;
            return Err(Denial { value: 0, limit: 1, ..Denial::plain(Refusal::Size) });
        }
        // No figure of prices that cannot be is a reason.
        if self.has_jumped(hedge) {
            self.gate_idle(hedge, Kind::Enter, to)?;
        }
        let figure = self.figure(hedge, &lots, first, edge)?;
        if !figure.stands && self.is_net(hedge) && matches!(edge, Edge::Band(_)) {
            return Err(Denial::plain(Refusal::Edge));
        }
        // An operator's sets go in slices; a signal's are one.
        let to = match edge {
            Edge::Band(_) if (to - sets).abs() <= clip => first,
            Edge::Band(_) | Edge::AtLeast(_) => to,
        };
        let (kind, clip) = (Kind::Enter, (first - sets).abs());
        Ok(Begin { hedge, kind, to, clip, edge: Some((edge, figure)), lots })
    }

    /// The number of sets farthest from `from` toward `to` that the books hold now, and the lots
    /// that lead there. The walks of the whole way are kept for what follows in this step.
    pub(super) fn reach(
        &mut self,
        hedge: HedgeId,
        held: &LegLots,
        from: i64,
        to: i64,
    ) -> (i64, LegLots) {
        let plan = &self.config.hedges[hedge].plan;
        let lots = plan.change(held, to);
        let walks = &mut self.work.walks;
        if merge::walks(plan, &self.books, &self.owns, &lots, walks) {
            self.work.walked = Some(lots);
            return (to, lots);
        }
        self.work.walked = None;
        let sets = merge::executable(plan, &self.books, &self.owns, held, from, to);
        (sets, plan.change(held, sets))
    }

    /// The walked net figure of the `lots` that lead to `to` sets, beside what it must reach.
    pub(super) fn figure(
        &mut self,
        hedge: HedgeId,
        lots: &LegLots,
        to: i64,
        edge: Edge,
    ) -> Result<gate::Edge, Denial> {
        let plan = &self.config.hedges[hedge].plan;
        let sets = self.hedges[hedge].sets;
        let effects = self.effects(hedge, lots);
        let direction = Direction::of(to - sets).unwrap_or(Direction::Plus);
        let walks = &mut self.work.walks;
        let is_walked = self.work.walked.as_ref() == Some(lots)
            || merge::walks(plan, &self.books, &self.owns, lots, walks);
        let (books, instruments) = (&self.books, &self.instruments);
        let value = || merge::valued(plan, books, instruments, walks, lots, &effects, direction);
        let pair = if is_walked { value() } else { None };
        let read = pair.is_some().then_some(&*walks);
        merge::note(plan, &mut self.books, lots, read);
        let Some(pair) = pair else {
            // What else stands in the way, such as a missing rate, is the better reason.
            let kind = if to.abs() > sets.abs() { Kind::Enter } else { Kind::Exit };
            self.gate_idle(hedge, kind, to)?;
            return Err(Denial { value: 0, limit: 1, ..Denial::plain(Refusal::Size) });
        };
        let (stands, bound) = match edge {
            Edge::Band(want) => {
                let stands = self.signals.has_edge(hedge, want, &pair);
                (stands, self.bound(hedge, want))
            }
            Edge::AtLeast(least) => {
                (self.signals.meets(hedge, direction, least, &pair, self.now), Some(least))
            }
        };
        if stands {
            return Ok(gate::Edge { stands, value: 0, limit: 0 });
        }
        let Hedge { plan, rule, roll: _, tolerance: _, strategy: _ } = &self.config.hedges[hedge];
        let (num, den) = match rule.measure {
            Measure::Spread | Measure::CounterPrice | Measure::Estimate => {
                (pair.difference(), i128::from(plan.denominator))
            }
            Measure::Ratio | Measure::GrossRatio => (pair.sold, pair.bought.max(1)),
        };
        let nine = |num: i128, den: i128| {
            let (whole, rest) = (num.div_euclid(den), num.rem_euclid(den));
            whole * MONEY_UNIT + (rest / 2 * MONEY_UNIT / (den / 2).max(1))
        };
        let limit = bound.map_or(0, |bound| nine(i128::from(bound.num()), i128::from(bound.den())));
        Ok(gate::Edge { stands, value: nine(num, den), limit })
    }

    pub(super) fn bound(&self, hedge: HedgeId, want: Want) -> Option<Ratio> {
        let rule = &self.config.hedges[hedge].rule;
        let band = |direction| match direction {
            Direction::Plus => rule.plus,
            Direction::Mirror => rule.mirror,
        };
        match want {
            Want::Enter(direction) => band(direction).map(|band| band.enter),
            Want::Exit(direction) => band(direction).map(|band| band.exit),
        }
    }

    /// The dearest position effect that each leg's order may have.
    pub(super) fn effects(&self, hedge: HedgeId, lots: &LegLots) -> [PositionEffect; LEGS_MAX] {
        let mut effects = [PositionEffect::Open; LEGS_MAX];
        for (at, leg) in self.plan(hedge).legs.iter().enumerate() {
            let Some(side) = crate::num::Side::of(lots[at]) else { continue };
            let qty = crate::num::Qty::of(lots[at]);
            let price = self.mark(leg.instrument).unwrap_or(Price(0));
            let first = self.closes_first(leg.instrument, price);
            let split = self.positions.split(leg.account, leg.instrument, side, qty, first);
            if let Ok(split) = split {
                let last = split.iter().map(|(effect, _)| effect).last();
                effects[at] = last.unwrap_or(PositionEffect::Open);
            }
        }
        effects
    }

    /// Begins a Reduce toward `to`, or tells why not.
    fn reduce(&mut self, hedge: HedgeId, to: i64, out: &mut Vec<Command>) {
        if let Err(denial) = self.leave(hedge, Kind::Reduce, to, None, out) {
            self.refuse(hedge, &denial, out);
        }
    }

    /// Begins an Exit or Reduce toward `to`, in slices of as many sets as the books hold.
    pub(super) fn leave(
        &mut self,
        hedge: HedgeId,
        kind: Kind,
        to: i64,
        edge: Option<Edge>,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        let next = self.prepare_leave(hedge, kind, to, edge);
        let begun = next.and_then(|next| self.start(&next, out));
        self.work.walked = None;
        begun
    }

    fn prepare_leave(
        &mut self,
        hedge: HedgeId,
        kind: Kind,
        to: i64,
        edge: Option<Edge>,
    ) -> Result<Begin, Denial> {
        let HedgeState { held, sets, .. } = self.hedges[hedge];
        if held == self.plan(hedge).goal(to) {
            return Err(Denial::plain(Refusal::Nothing));
        }
        let clip = self.policy.hedges[hedge].size.clip;
        let first = sets - (sets - to).signum() * (sets - to).abs().min(clip);
        let (reach, lots) = self.reach(hedge, &held, sets, first);
        // With the sets where they are to be, only a residual is left to go.
        if reach == sets && sets != to {
            self.gate_idle(hedge, kind, to)?;
            return Err(Denial { value: 0, limit: 1, ..Denial::plain(Refusal::Size) });
        }
        let clip = (sets - reach).abs().max(1);
        let Some(edge) = edge else {
            return Ok(Begin { hedge, kind, to, clip, edge: None, lots });
        };
        let figure = self.figure(hedge, &lots, reach, edge)?;
        if !figure.stands && self.is_net(hedge) {
            return Err(Denial::plain(Refusal::Edge));
        }
        Ok(Begin { hedge, kind, to: reach, clip, edge: Some((edge, figure)), lots })
    }

    /// Begins a Trim of a residual at rest that is beyond its limit.
    fn trim(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        // After an end in `ResidualHeld` a person decides.
        if self.is_hedge_restricted(hedge) {
            return;
        }
        let (done, most) =
            (self.conduct.trims_today(hedge), self.policy.hedges[hedge].execution.trims_per_day);
        if done >= most {
            let (value, limit) = (i128::from(done), i128::from(most));
            let denial = Denial { value, limit, ..Denial::plain(Refusal::Trims) };
            self.refuse(hedge, &denial, out);
            self.restrict_hedge(hedge, Cause::ResidualHeld, out);
            return;
        }
        // An order that is not confirmed may still change what is to be traded away, and in a HALT
        // a person is at work already.
        let mut legs = self.plan(hedge).legs.iter();
        let halted = legs.any(|leg| self.is_halted(hedge, leg.account, Kind::Trim));
        if halted || self.live.iter().any(|id| self.concerns(*id, hedge)) {
            return;
        }
        // It begins even where nothing may be sent now: it waits within its time, and what is left
        // then is told and held, instead of standing unseen until a market opens.
        let sets = self.hedges[hedge].sets;
        let (kind, lots) = (Kind::Trim, [0; LEGS_MAX]);
        let begin = Begin { hedge, kind, to: sets, clip: 1, edge: None, lots };
        match self.start(&begin, out) {
            Ok(()) => self.conduct.begin_trim(hedge),
            Err(denial) => {
                // It would have ended as it began: it costs too much, or no id is left for it.
                self.refuse(hedge, &denial, out);
                self.restrict_hedge(hedge, Cause::ResidualHeld, out);
            }
        }
    }

    /// The most sets a hedge may hold while a leg's market is about to shut for a night or a
    /// holiday, when it holds more.
    fn over_cap(&mut self, hedge: HedgeId, out: &mut Vec<Command>) -> Option<i64> {
        let sets = self.hedges[hedge].sets;
        let cap = self.cap(hedge).filter(|cap| sets.abs() > *cap);
        // While it binds, every message of the books may bring what the giving back waits for.
        let waited = self.hedges[hedge].waits();
        let told = std::mem::replace(&mut self.hedges[hedge].over_told, cap.is_some());
        self.count_waiting(hedge, waited);
        let cap = cap?;
        if !told {
            let (value, limit) = (i128::from(sets.abs()), i128::from(cap));
            let subject = Subject::Hedge(hedge);
            self.alert(out, AlertCode::OverLimit, Urgency::Warn, subject, value, limit);
        }
        Some(cap)
    }

    /// Whether a person wants all sets back, or a limit some.
    pub(super) fn is_asked_back(&mut self, hedge: HedgeId) -> bool {
        let HedgeState { sets, flatten, .. } = self.hedges[hedge];
        flatten || self.cap(hedge).is_some_and(|cap| sets.abs() > cap)
    }

    /// The overnight or holiday limit while it binds, or a clip less than is held while a threshold
    /// asks for sets; sets the wake at which this may change.
    fn cap(&mut self, hedge: HedgeId) -> Option<i64> {
        let size = self.policy.hedges[hedge].size;
        let mut cap = size.max;
        for at in 0..self.plan(hedge).legs.len() {
            let Some(shut) = self.shut(self.plan(hedge).legs[at].instrument) else { continue };
            let begins = Time(shut.at.0.saturating_sub(size.before_break.0));
            // Once it has begun to bind here, the shut after this one is looked at next.
            self.wake_at(hedge, if self.now < begins { begins } else { shut.at });
            cap = cap.min(gate::sets_allowed(&size, Some(shut), self.now));
        }
        if self.is_reduced(hedge) {
            cap = cap.min((self.hedges[hedge].sets.abs() - size.clip).max(0));
        }
        (cap < size.max).then_some(cap)
    }
}

/// An attempt that is about to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    pub(super) hedge: HedgeId,
    pub(super) kind: Kind,
    /// Signed sets to reach.
    pub(super) to: i64,
    /// Most sets a slice trades.
    pub(super) clip: i64,
    /// What the walked net figure must reach, beside what it is.
    pub(super) edge: Option<(Edge, gate::Edge)>,
    /// Signed lots of the first slice, where it is known.
    pub(super) lots: LegLots,
}

/// What the walked net figure must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The configured band.
    Band(Want),
    /// An operator's figure.
    AtLeast(crate::num::Ratio),
}

impl Edge {
    pub(super) fn digest(self, out: &mut crate::wire::Writer) {
        match self {
            Edge::Band(want) => {
                let enters = matches!(want, Want::Enter(_));
                out.u8(u8::from(enters));
                out.bool(want.direction() == Direction::Mirror);
            }
            Edge::AtLeast(least) => {
                out.u8(2);
                out.i64(least.num());
                out.i64(least.den());
            }
        }
    }
}

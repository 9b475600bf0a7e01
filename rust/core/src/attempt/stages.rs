//! Work in stages: legs that lead, legs that follow what those have traded, legs that rest.
//!
//! While a slice is at its stages, each leg is looked at alone: what it has to match is counted
//! from the legs that lead, and an order leaves for what is missing of that, less everything that
//! its own orders may still trade at worst. So a leg never passes what it is to match, whatever
//! becomes of its orders. When the stages are over, for whatever reason, all that rests is
//! cancelled, and once every order is done and confirmed the attempt ends or is mended as any other.

use super::follow::{Followed, Serves, within};
use super::{Attempt, Basis, QuoteOver, Seen, State, Wants};
use crate::ids::{Id, LEGS_MAX, LegId};
use crate::legging::{Legging, Mode, Outside, Quoting, WhenThin};
use crate::num::{Price, Qty, Side, div_nearest, narrow};
use crate::quote::{
    Execution, Facts, HedgePlan, Intent, Kind, LegFacts, LegLots, LegStage, Purpose, Resting,
    Solved,
};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// What an attempt remembers of its stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stages {
    /// How the legs are worked.
    legging: Legging,
    /// Lots when the slice began.
    begin: LegLots,
    /// When its first orders were sent.
    begun: Time,
    /// Whether the stages of the slice are over.
    settles: bool,
    /// How long quotes may wait.
    rest_until: Time,
    /// When the attempt must have ended, while no leg waits for another.
    long: Time,
    /// Orders sent that follow or rest, by leg.
    pub(super) sent: [u16; LEGS_MAX],
    /// Orders in a row that followed and did not trade whole, by leg.
    pub(super) misses: [u16; LEGS_MAX],
    /// The worst price leaned on, by leg.
    pub(super) leans: [Price; LEGS_MAX],
    /// Most lots that a quote may show until it has traded, by leg.
    shrunk: [i64; LEGS_MAX],
    /// Whether a quote that was left outside its range goes only to be sent anew, by leg.
    renews: [bool; LEGS_MAX],
    /// Quotes of the slice that a venue rejected, by leg.
    noes: [u16; LEGS_MAX],
    /// Quotes that serve as the orders that follow, by leg.
    pub(super) serves: [Serves; LEGS_MAX],
}

impl Stages {
    /// Whether an attempt works in stages; what mends or gives back in haste never does.
    pub(super) fn works(kind: Kind, legging: &Legging) -> bool {
        match kind {
            Kind::Enter | Kind::Exit => legging.is_staged(),
            Kind::Trim | Kind::Reduce | Kind::Roll => false,
        }
    }

    pub(super) fn new(
        execution: &Execution,
        legging: &Legging,
        held: &LegLots,
        now: Time,
    ) -> Stages {
        let (rest_until, begins) = match legging.mode {
            Mode::Quoting => (now + legging.quote.rest_within, now + legging.quote.rest_within),
            Mode::Simultaneous | Mode::Sequential => (Time::MAX, now),
        };
        Stages {
            legging: *legging,
            begin: *held,
            begun: now,
            settles: false,
            rest_until,
            long: begins + execution.finish_within,
            sent: [0; LEGS_MAX],
            misses: [0; LEGS_MAX],
            leans: [Price(0); LEGS_MAX],
            shrunk: [i64::MAX; LEGS_MAX],
            renews: [false; LEGS_MAX],
            noes: [0; LEGS_MAX],
            serves: [Serves::No; LEGS_MAX],
        }
    }

    /// When the attempt must have ended.
    pub(super) fn due(&self) -> Time {
        self.long
    }

    /// A slice that begins later has its whole time: quotes may wait, and then it may be finished.
    pub(super) fn wait(&mut self, not_before: Time, finish_within: Span) {
        let mut begins = not_before;
        if self.legging.mode == Mode::Quoting {
            begins = begins + self.legging.quote.rest_within;
            self.rest_until = self.rest_until.max(begins);
        }
        self.long = self.long.max(begins + finish_within);
    }

    pub(super) fn begin(&mut self, held: &LegLots) {
        self.begin = *held;
        self.settles = false;
        self.misses = [0; LEGS_MAX];
        self.shrunk = [i64::MAX; LEGS_MAX];
        self.renews = [false; LEGS_MAX];
        self.noes = [0; LEGS_MAX];
        self.serves = [Serves::No; LEGS_MAX];
    }

    /// What was at work when a run ended is not taken up again: its orders are looked for first.
    pub(super) fn restarted(&mut self, due: Time) {
        self.settles = true;
        self.long = due;
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        self.legging.write(out);
        out.bool(self.settles);
        for time in [self.begun, self.rest_until, self.long] {
            out.i64(time.0);
        }
        for leg in 0..LEGS_MAX {
            out.i64(self.begin[leg]);
            out.u16(self.sent[leg]);
            out.u16(self.misses[leg]);
            out.i64(self.leans[leg].0);
            out.i64(self.shrunk[leg]);
            out.bool(self.renews[leg]);
            out.u16(self.noes[leg]);
            match self.serves[leg] {
                Serves::No => out.u8(0),
                Serves::Until(until) => {
                    out.u8(1);
                    out.i64(until.0);
                }
                Serves::Missed => out.u8(2),
            }
        }
    }
}

/// What has to be matched, beside what is held.
struct Strain {
    /// Lots that each leg should hold to match those that lead.
    required: LegLots,
    /// Whether one that follows holds less.
    is_short: bool,
    /// Whether one that follows holds more.
    is_over: bool,
    /// Whether so little is missing that it waits for more, by leg.
    defers: [bool; LEGS_MAX],
}

impl Attempt {
    /// Whether its legs leave at different times.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.is_staged
    }

    pub(super) fn stages(&self) -> Option<&Stages> {
        self.stages.as_deref().filter(|_| self.is_staged)
    }

    pub(super) fn stages_mut(&mut self) -> Option<&mut Stages> {
        self.stages.as_deref_mut().filter(|_| self.is_staged)
    }

    /// How its legs are worked.
    #[must_use]
    pub fn legging(&self) -> &Legging {
        self.stages().map_or(&Legging::AT_ONCE, |stages| &stages.legging)
    }

    /// Pay-up applies from the next order, whatever was in force when the attempt began.
    pub fn pay_up(&mut self, now: &Legging) {
        if let Some(stages) = self.stages_mut() {
            for (own, rule) in stages.legging.legs.iter_mut().zip(&now.legs) {
                own.pay_up = rule.pay_up;
            }
        }
    }

    /// Whether the slice is at its stages, its first orders included.
    #[must_use]
    pub fn is_at_stages(&self) -> bool {
        let begins = self.state == State::Reserved;
        self.stages().is_some_and(|stages| !stages.settles) && (begins || self.follows())
    }

    fn follows(&self) -> bool {
        matches!(self.state, State::Working | State::Confirming)
    }

    pub(super) fn is_following(&self) -> bool {
        self.follows() && self.is_at_stages()
    }

    pub(super) fn is_settling(&self) -> bool {
        self.stages().is_some_and(|stages| stages.settles)
    }

    /// Whether legs of the slice rest, or will.
    #[must_use]
    pub fn quotes(&self) -> bool {
        self.is_at_stages() && self.legging().mode == Mode::Quoting
    }

    /// Whether a leg rests while the slice is at its stages.
    #[must_use]
    pub fn leads(&self, leg: LegId) -> bool {
        self.legging().legs[leg.index()].leads
    }

    /// Whether what follows on a leg rests, after the steps that it has gone through.
    #[must_use]
    pub fn rests(&self, leg: LegId) -> bool {
        let rule = &self.legging().legs[leg.index()];
        let misses = self.stages().map_or(0, |stages| stages.misses[leg.index()]);
        rule.rests && (rule.take_after == 0 || misses < rule.take_after)
    }

    /// Whether it matters how an order that follows on a leg stands in its queue.
    #[must_use]
    pub fn asks_standing(&self, leg: LegId) -> bool {
        let rule = &self.legging().legs[leg.index()];
        rule.chase_away > 0 || rule.chase_ahead > 0
    }

    /// The side on which a leg is worked.
    #[must_use]
    pub fn forward(&self, leg: LegId) -> Side {
        self.forward[leg.index()]
    }

    /// When it has to be looked at after `now` without news.
    #[must_use]
    pub fn wakes(&self, now: Time) -> Time {
        if self.state == State::Reserved && self.not_before > now {
            return self.due.min(self.not_before);
        }
        let Some(stages) = self.stages().filter(|_| self.is_following()) else {
            return self.due;
        };
        let times = self.legging().legs.iter().map(|rule| stages.begun + rule.offset);
        let serve = stages.serves.iter().filter_map(|serves| match serves {
            Serves::Until(until) => Some(*until),
            Serves::No | Serves::Missed => None,
        });
        let next = times.chain(serve).filter(|at| *at > now).min().unwrap_or(Time::MAX);
        self.due.min(stages.rest_until).min(next)
    }

    /// Whether it may wait long for a price or for the time of its next slice.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.quotes() || (self.state == State::Reserved && self.pace > Span::ZERO)
    }

    /// Waits no longer: what a person or a limit asks of the hedge comes first. What it has begun is
    /// ended as ever.
    pub fn give_way(&mut self, now: Time) {
        if let Some(stages) = self.stages_mut() {
            stages.rest_until = stages.rest_until.min(now);
        }
        if self.state == State::Reserved {
            (self.not_before, self.due) = (self.not_before.min(now), self.due.min(now));
        }
    }

    pub(super) fn settle(&mut self) {
        if let Some(stages) = self.stages_mut() {
            stages.settles = true;
        }
        self.state = State::Working;
    }

    /// An order that followed is done, and so many of its lots did not trade.
    pub fn followed(&mut self, leg: LegId, unfilled: i64) {
        if let Some(stages) = self.stages_mut() {
            let misses = &mut stages.misses[leg.index()];
            *misses = if unfilled > 0 { misses.saturating_add(1) } else { 0 };
        }
    }

    /// A quote was rejected.
    pub fn quote_rejected(&mut self, leg: LegId) {
        if let Some(stages) = self.stages_mut() {
            let noes = &mut stages.noes[leg.index()];
            *noes = noes.saturating_add(1);
        }
    }

    /// A quote traded: it may show more again.
    pub(super) fn quote_traded(&mut self, leg: LegId) {
        if let Some(stages) = self.stages_mut() {
            stages.shrunk[leg.index()] = i64::MAX;
        }
    }

    /// Makes the orders of a slice leave in stages: those of the legs that lead now, what the others
    /// will want at worst later. Whether every leg has what it needs.
    pub(super) fn set_stages(
        &mut self,
        now: Time,
        plan: &HedgePlan,
        facts: &Facts,
        held: &LegLots,
        wants: &mut Wants,
    ) -> bool {
        let legging = *self.legging();
        let trades = |leg: usize| self.goal[leg] != held[leg];
        let legs = plan.legs.len();
        let offsets = (0..legs).filter(|leg| trades(*leg)).map(|leg| legging.legs[leg].offset);
        let first = offsets.min().unwrap_or(Span::ZERO);
        let has_lead = (0..legs).any(|leg| trades(leg) && legging.legs[leg].leads);
        let mut complete = true;
        for leg in 0..legs {
            if self.goal[leg] == held[leg] {
                continue;
            }
            if legging.mode == Mode::Quoting {
                self.lean_on(leg, &facts.stages[leg]);
                complete &= self.leaned_on[leg].lots > 0;
            } else if let Some(intent) = &wants.intents[leg] {
                self.lean(leg, intent.limit);
            } else {
                complete = false;
            }
            let leads = match legging.mode {
                Mode::Simultaneous => legging.legs[leg].offset == first,
                // Where no leg that leads has anything to trade there is nothing to wait for.
                Mode::Sequential => legging.legs[leg].leads || !has_lead,
                Mode::Quoting => legging.legs[leg].leads,
            };
            if legging.mode == Mode::Quoting && leads {
                wants.intents[leg] = self.quote(leg, facts, self.left(leg, held));
            } else if !leads {
                wants.intents[leg] = self.worst_later(leg, held, &facts.legs[leg]);
            }
        }
        // Offsets count from the legs that leave now.
        if let Some(stages) = self.stages_mut() {
            stages.begun = Time(now.0 - first.0);
        }
        complete && wants.intents.iter().flatten().any(|intent| intent.purpose != Purpose::Hedge)
    }

    /// What a leg that follows will want at worst.
    fn worst_later(&self, leg: usize, held: &LegLots, facts: &LegFacts) -> Option<Intent> {
        let lots = self.goal[leg] - held[leg];
        let side = Side::of(lots)?;
        let rule = &self.legging().legs[leg];
        let lean = self.stages().map_or(Price(0), |stages| stages.leans[leg]);
        let worst = rule.slip_at(lean, facts.tick_value).max(0);
        let limit = Price(lean.0.saturating_add(side.sign().saturating_mul(worst)));
        let limit = match (rule.slip, facts.collar[side.index()]) {
            // No bound in ticks was given: the collar is one.
            (None, Some(collar)) => within(side, limit, collar),
            (None, None) | (Some(_), _) => limit,
        };
        let purpose = Purpose::Hedge;
        Some(Intent { leg: LegId::at(leg), side, qty: Qty::of(lots), limit, purpose })
    }

    fn lean(&mut self, leg: usize, worst: Price) {
        if let Some(stages) = self.stages_mut() {
            stages.leans[leg] = worst;
        }
    }

    /// Takes what a quote of another leg leans on for what this leg is to be hedged at.
    fn lean_on(&mut self, leg: usize, facts: &LegStage) {
        if let Some(walk) = &facts.lean {
            self.leaned_on[leg] = Basis { lots: walk.qty.get(), cost: walk.cost };
            self.lean(leg, walk.worst);
        } else if let Some(solved) = &facts.solved {
            let lots = solved.qty.get().max(1);
            let cost = i128::from(solved.price.0) * i128::from(lots);
            self.leaned_on[leg] = Basis { lots, cost };
            self.lean(leg, solved.price);
        }
    }

    /// Lots that a leg has still to go, in the direction of the slice.
    fn left(&self, leg: usize, held: &LegLots) -> i64 {
        (self.forward[leg].sign() * (self.goal[leg] - held[leg])).max(0)
    }

    /// The stages of a slice after its first orders; whether they go on.
    pub(super) fn follow(
        &mut self,
        now: Time,
        plan: &HedgePlan,
        facts: &Facts,
        seen: &Seen,
        wants: &mut Wants,
    ) -> bool {
        let strain = self.strain(now, plan, facts, &seen.held);
        self.mind_time(now, strain.is_short);
        let spent = self.messages + 2 * seen.alive;
        if now >= self.due || spent >= self.execution.messages {
            return false;
        }
        // What mends must have messages left, whatever follows or rests.
        let tries = u32::from(self.execution.tries);
        let kept = 2 * tries * u32::try_from(plan.legs.len()).unwrap_or(u32::MAX);
        let rest_until = self.stages().map_or(Time::MAX, |stages| stages.rest_until);
        let is_spent = spent.saturating_add(kept) >= self.execution.messages;
        if now >= rest_until || is_spent || strain.is_over {
            return false;
        }
        self.state =
            if seen.is_at_goal && seen.alive > 0 { State::Confirming } else { State::Working };
        let mut goes_on = strain.is_short;
        let mut is_leaned = !strain.is_short;
        for leg in 0..plan.legs.len() {
            let of = &facts.legs[leg];
            let missing = self.forward[leg].sign() * (strain.required[leg] - of.held);
            if missing > 0 {
                let defers = strain.defers[leg];
                match self.follow_leg(now, leg, facts, missing, defers, wants) {
                    Followed::Asked | Followed::Waits => {}
                    Followed::Hung => return false,
                }
            } else if self.quotes() && self.leads(LegId::at(leg)) {
                self.set_serves(leg, Serves::No);
                is_leaned &= self.keep_quote(now, leg, facts, strain.is_short, wants);
                goes_on |= !seen.is_at_goal;
            }
        }
        if wants.quote_over.is_none() && facts.is_thin && self.quotes() {
            let pulls = self.legging().quote.when_thin == WhenThin::Pull;
            wants.quote_over = pulls.then_some(QuoteOver::Thin);
        }
        if wants.quote_over.is_some() || !self.has_messages(wants) {
            wants.intents = [None; LEGS_MAX];
            return false;
        }
        // What a quote that goes trades on its way is hedged at what that had leaned on.
        if self.quotes() && is_leaned {
            for leg in 0..plan.legs.len() {
                // What is missing has leaned on what it has.
                if !strain.defers[leg] {
                    self.lean_on(leg, &facts.stages[leg]);
                }
            }
        }
        goes_on || seen.alive > 0 || wants.intents.iter().any(Option::is_some)
    }

    /// The time within which a leg that waits for another must be matched is that of an attempt
    /// that does not wait: it runs from the trade that has to be matched.
    fn mind_time(&mut self, now: Time, is_short: bool) {
        let Some(stages) = self.stages() else { return };
        self.due =
            if is_short { self.due.min(now + self.execution.finish_within) } else { stages.long };
    }

    /// What the legs have to match.
    fn strain(&self, now: Time, plan: &HedgePlan, facts: &Facts, held: &LegLots) -> Strain {
        let defers = [false; LEGS_MAX];
        let mut strain = Strain { required: *held, is_short: false, is_over: false, defers };
        let may_defer = plan.residual(held) <= self.execution.max_residual;
        for leg in 0..plan.legs.len() {
            let required = self.required(now, plan, facts, held, leg);
            let forward = self.forward[leg].sign();
            let missing = forward * (required - held[leg]);
            let leads = self.legging().legs[leg].leads;
            strain.required[leg] = required;
            let stage = &facts.stages[leg];
            let open = stage.open[self.forward[leg].index()].get();
            let is_few = missing > 0 && missing - open < self.legging().legs[leg].hedge_from;
            strain.defers[leg] = is_few && may_defer && self.awaits_lead(plan, facts, leg);
            let is_idle = open == 0 && stage.quote.is_none();
            strain.is_short |= missing > 0 && !(strain.defers[leg] && is_idle);
            strain.is_over |= missing < 0 && !leads;
        }
        strain
    }

    /// Whether a leg that leads another one may still trade.
    fn awaits_lead(&self, plan: &HedgePlan, facts: &Facts, leg: usize) -> bool {
        let rules = &self.legging().legs;
        let mut others = (0..plan.legs.len()).filter(|other| *other != leg);
        others.any(|other| rules[other].leads && facts.legs[other].alive > 0)
    }

    /// Lots that a leg should hold to match those that lead it.
    fn required(
        &self,
        now: Time,
        plan: &HedgePlan,
        facts: &Facts,
        held: &LegLots,
        leg: usize,
    ) -> i64 {
        let Some(stages) = self.stages() else { return held[leg] };
        let rules = &self.legging().legs;
        let goes = |other: usize| self.goal[other] != stages.begin[other];
        let others = (0..plan.legs.len()).filter(|other| *other != leg && goes(*other));
        let cover = match self.legging().mode {
            Mode::Simultaneous => {
                let own = rules[leg].offset;
                let earlier = others.filter(|other| rules[*other].offset < own);
                // Where nothing can come of the earlier ones any more, there is nothing to wait for.
                let waits = now < stages.begun + own
                    && earlier.clone().any(|other| facts.legs[other].alive > 0);
                let may =
                    earlier.map(|other| self.cover(plan, other, may_hold(facts, other, self)));
                // What leaves together waits for nothing.
                let Some(cover) = may.min() else { return held[leg] };
                if waits { Cover::Nothing } else { cover }
            }
            Mode::Sequential | Mode::Quoting => {
                let lead = others.filter(|other| rules[*other].leads);
                let have = lead.map(|other| self.cover(plan, other, held[other]));
                let Some(cover) = have.max() else { return held[leg] };
                cover
            }
        };
        let (begin, goal) = (stages.begin[leg], self.goal[leg]);
        let lots = match cover {
            // Executions were taken back: what this leg has lost of its own is mended as far as the
            // others stand. What they have lost is not given up for here.
            Cover::Less(units) => {
                let matching = self.matching(plan, leg, units);
                return match self.forward[leg] {
                    Side::Buy => matching.max(held[leg]).min(begin),
                    Side::Sell => matching.min(held[leg]).max(begin),
                };
            }
            Cover::Nothing => begin,
            Cover::All => goal,
            Cover::Units(units) => self.matching(plan, leg, units),
        };
        lots.clamp(begin.min(goal), begin.max(goal))
    }

    /// How far a leg has gone in its slice when it holds so many lots.
    fn cover(&self, plan: &HedgePlan, leg: usize, lots: i64) -> Cover {
        let begin = self.stages().map_or(0, |stages| stages.begin[leg]);
        let forward = self.forward[leg].sign();
        let of = &plan.legs[leg];
        let units = i128::from(of.side.sign() * self.step() * lots) * i128::from(of.units);
        let (gone, left) = (forward * (lots - begin), forward * (self.goal[leg] - lots));
        match (gone.signum(), left.signum()) {
            (-1, _) => Cover::Less(units),
            (0, _) => Cover::Nothing,
            (_, 1) => Cover::Units(units),
            (_, _) => Cover::All,
        }
    }

    /// Lots of a leg that stand for so many units in the direction of the slice, the nearest.
    fn matching(&self, plan: &HedgePlan, leg: usize, units: i128) -> i64 {
        let of = &plan.legs[leg];
        let sign = if units < 0 { -1 } else { 1 };
        let lots = sign * narrow(div_nearest(units.abs(), i128::from(of.units.max(1))));
        of.side.sign() * self.step() * lots
    }

    /// The direction of the slice in sets.
    fn step(&self) -> i64 {
        if self.slice_to < self.slice_from { -1 } else { 1 }
    }

    /// A leg that rests and has nothing to match: its quote stays, moves, goes or comes. Whether
    /// none is out that may not stay.
    fn keep_quote(
        &mut self,
        now: Time,
        leg: usize,
        all: &Facts,
        is_short: bool,
        wants: &mut Wants,
    ) -> bool {
        let of = self.legging().quote;
        let (facts, stage) = (&all.legs[leg], &all.stages[leg]);
        let left = self.forward[leg].sign() * (self.goal[leg] - facts.held);
        match (&stage.quote, &stage.solved) {
            (Some(quote), Some(solved)) => {
                let most = self.shown(leg, solved, left);
                let given_up = self.forward[leg].sign() * (quote.price.0 - solved.price.0);
                let is_kept = all.frozen.is_some_and(|adverse| given_up <= adverse);
                if is_kept && quote.leaves.get() <= most {
                    // A person keeps it where it is.
                    return true;
                }
                let stays = stays(&of, quote, solved, most, now);
                // What may stay is not moved, however far the solved price is within the slop.
                let jumps = (solved.price.0 - quote.price.0).abs() > of.max_reprice;
                if jumps && !stays {
                    wants.quote_over = Some(QuoteOver::Jumped);
                } else if quote.is_movable && !stays {
                    wants.pulls[leg] = true;
                    self.renew_outside(leg, may_rest(&of, quote, solved));
                }
                stays
            }
            (Some(_), None) => {
                wants.pulls[leg] = facts.resting > 0;
                self.renew_outside(leg, false);
                false
            }
            (None, Some(_)) if facts.alive == 0 && !is_short => {
                wants.intents[leg] = self.quote(leg, all, left);
                true
            }
            (None, Some(_) | None) => true,
        }
    }

    /// A new quote of a leg that has `left` lots to go.
    fn quote(&mut self, leg: usize, all: &Facts, left: i64) -> Option<Intent> {
        let (facts, solved) = (&all.legs[leg], all.stages[leg].solved.as_ref()?);
        let of = &self.legging().quote;
        let may_be_away = match of.outside {
            Outside::Pull => false,
            Outside::Leave => self.stages().is_some_and(|stages| stages.renews[leg]),
            Outside::Away => true,
        };
        if solved.away > of.range && !may_be_away || !facts.blocked.is_none() {
            return None;
        }
        let (side, id) = (self.forward[leg], LegId::at(leg));
        let is_refused =
            self.stages().is_some_and(|stages| stages.noes[leg] >= self.execution.tries);
        if is_refused {
            return None;
        }
        let qty = Qty::of(self.shown(leg, solved, left).min(self.most(id, side)).max(0));
        let (leg, purpose) = (id, Purpose::Quote);
        self.numbers(leg, purpose)?;
        let limit = solved.price;
        (!qty.is_zero()).then_some(Intent { leg, side, qty, limit, purpose })
    }

    /// A quote goes: whether the next one may be sent outside the range where it was left.
    fn renew_outside(&mut self, leg: usize, renews: bool) {
        if let Some(stages) = self.stages_mut() {
            stages.renews[leg] = renews;
        }
    }

    /// Lots that a quote may show; what it has shrunk to binds it until it trades.
    fn shown(&mut self, leg: usize, solved: &Solved, left: i64) -> i64 {
        let most = left.min(solved.qty.get());
        let binds = self.legging().quote.when_thin == WhenThin::ShrinkToTouch;
        match self.stages_mut() {
            Some(stages) if binds => {
                if most < left {
                    stages.shrunk[leg] = stages.shrunk[leg].min(most);
                }
                most.min(stages.shrunk[leg])
            }
            Some(_) | None => most,
        }
    }
}

/// How far a leg has gone; what is further is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cover {
    /// Not even to where its slice began: to so many units in its direction.
    Less(i128),
    /// Not beyond where its slice began.
    Nothing,
    /// To so many units in the direction of the slice.
    Units(i128),
    /// To its goal.
    All,
}

/// Lots that a leg holds if all it has out trades.
fn may_hold(facts: &Facts, leg: usize, attempt: &Attempt) -> i64 {
    let side = attempt.forward[leg];
    facts.legs[leg].held + side.sign() * facts.stages[leg].open[side.index()].get()
}

/// Whether a resting quote may stay, when `most` lots may be shown now.
///
/// It may while its price is within the slop, or moved by less than counts; while it shows no more
/// than it may; while it need not show more; and until it is refreshed. Outside the active range it
/// goes, or stays where it is from refresh to refresh.
#[must_use]
pub(crate) fn stays(of: &Quoting, quote: &Resting, solved: &Solved, most: i64, now: Time) -> bool {
    let moved = (solved.price.0 - quote.price.0).abs();
    if !may_rest(of, quote, solved) || quote.leaves.get() > most {
        return false;
    }
    let differs = moved > 0 || quote.leaves.get() != most;
    let is_old = of.refresh > Span::ZERO && now >= quote.sent + of.refresh;
    if is_old && differs {
        return false;
    }
    if solved.away > of.range {
        return match of.outside {
            Outside::Pull => false,
            Outside::Leave | Outside::Away => true,
        };
    }
    most - quote.leaves.get() < of.raise_by.max(1)
}

/// Whether the price of a resting quote is within the slop, or moved by less than counts.
fn may_rest(of: &Quoting, quote: &Resting, solved: &Solved) -> bool {
    let moved = (solved.price.0 - quote.price.0).abs();
    let in_slop = solved.low <= quote.price && quote.price <= solved.high;
    in_slop || moved < of.min_reprice
}

//! Quotes: where a leg would rest, given what the other legs' books hold.
//!
//! The price of a quote is the worst at which the set, with every other leg taken from its book at
//! the price leaned on and all fees paid, still reaches its band: the same figure that the edge gate
//! asks of a set that is taken. It is found by halving between the touch that would trade at once
//! and the collar behind the best price of its own side.

#![allow(
    clippy::needless_range_loop,
    reason = "arrays of LEGS_MAX are indexed by the legs of a plan, of which there are no more"
)]

use super::Engine;
use super::decide::{Begin, Edge};
use crate::attempt::{Attempt, QuoteOver, Wants};
use crate::command::{AlertCode, Command, Subject, Urgency};
use crate::event::Scope;
use crate::gate::{self, Denial, Refusal};
use crate::ids::{HedgeId, Id, InstrumentId, LEGS_MAX, LegId};
use crate::instrument::PositionEffect;
use crate::legging::{LeanPrice, Mode, Quoting, WhenThin};
use crate::merge::{self, Direction, NO_WALKS, Walks};
use crate::num::{Price, Qty, Ratio, Side, div_ceil};
use crate::order::{Order, Place, State};
use crate::quote::{Kind, LegLots, Purpose, Resting, Solved, Walk};
use crate::signal::{Bound, Want};
use crate::time::{Span, Time};

/// What the prices of a quote are compared with.
struct Quote<'a> {
    of: &'a Quoting,
    bounds: [Bound; 3],
    lots: LegLots,
    effects: [PositionEffect; LEGS_MAX],
    direction: Direction,
}

impl Engine {
    /// Whether a hedge works by resting.
    pub(super) fn is_quoting(&self, hedge: HedgeId) -> bool {
        self.policy.hedges[hedge].legging.mode == Mode::Quoting
    }

    /// Takes note of which hedges rest their legs: every message concerns them.
    pub(super) fn note_quoting(&mut self) {
        for hedge in self.config.hedges.ids() {
            let waited = self.hedges[hedge].waits();
            self.hedges[hedge].quotes = self.is_quoting(hedge);
            self.count_waiting(hedge, waited);
        }
    }

    /// Writes what quotes lean on and where they would rest into `work.facts`; nothing where no
    /// quote may be out now, or none reaches its band.
    pub(super) fn note_quotes(&mut self, hedge: HedgeId, attempt: &Attempt, held: &LegLots) {
        self.work.facts.is_thin = false;
        let Some(edge) = self.quoted_edge(hedge, attempt) else { return };
        if self.gate_quotes(hedge, attempt, held).is_err() {
            return;
        }
        // Before it begins a refusal of its first orders says why.
        if attempt.messages > 0 && !self.may_rest(hedge, attempt, held) {
            return;
        }
        let of = attempt.legging().quote;
        self.wake_for_quotes(hedge, &of);
        let lots = self.plan(hedge).change(held, attempt.slice_to());
        let Some(way) = Direction::of(attempt.slice_to() - attempt.from) else { return };
        let (before, after) = attempt.slices();
        let Some(more) = of.reload_at(before, after) else { return };
        let Some(bounds) = self.quote_bounds(hedge, edge, way, &of, more) else { return };
        let leans = self.leans(hedge, &lots, &of);
        let thin = self.thin(hedge, attempt, &lots, &leans);
        self.work.facts.is_thin = thin;
        let mut shown = lots;
        if thin {
            match of.when_thin {
                WhenThin::Pull | WhenThin::Return => return,
                WhenThin::ShrinkToTouch | WhenThin::ShrinkToDepth => {
                    let sets = self.hedgeable(hedge, attempt, held, &leans);
                    shown = self.plan(hedge).change(held, sets);
                }
            }
        }
        let effects = self.effects(hedge, &shown);
        let quote = Quote { of: &of, bounds, lots: shown, effects, direction: way };
        let walks = self.lean_walks(hedge, &quote, &leans);
        for (facts, walk) in self.work.facts.stages.iter_mut().zip(walks) {
            facts.lean = walk;
        }
        for at in 0..self.plan(hedge).legs.len() {
            let rests = attempt.leads(LegId::at(at)) && shown[at] != 0;
            self.work.facts.stages[at].solved =
                if rests { self.solve(hedge, &quote, &walks, at) } else { None };
        }
    }

    /// What the quotes of an attempt have to reach.
    fn quoted_edge(&self, hedge: HedgeId, attempt: &Attempt) -> Option<Edge> {
        if attempt.quotes() { self.work.edge.or(self.hedges[hedge].edge) } else { None }
    }

    fn quote_bounds(
        &self,
        hedge: HedgeId,
        edge: Edge,
        way: Direction,
        of: &Quoting,
        more: Ratio,
    ) -> Option<[Bound; 3]> {
        let band = match edge {
            Edge::Band(want) => self.bound(hedge, want)?,
            Edge::AtLeast(least) => least,
        };
        let bound = |slack: Ratio| {
            let slack = slack.plus(more.negated()).ok()?;
            self.signals.bound(hedge, way, band, slack, self.now)
        };
        let [at, inside, outside] =
            [Ratio::ZERO, of.slop_inside, of.slop_outside.negated()].map(bound);
        Some([at?, inside?, outside?])
    }

    /// What each leg's book would supply of what is leaned on there, no further than its collar.
    fn leans(&self, hedge: HedgeId, lots: &LegLots, of: &Quoting) -> Walks {
        let mut leans = NO_WALKS;
        for (at, leg) in self.plan(hedge).legs.iter().enumerate() {
            let Some(side) = Side::of(lots[at]) else { continue };
            let need = needed(of, lots[at].abs());
            let Some(collar) = self.collar(leg.instrument, side) else { continue };
            let limit = match of.lean_price {
                LeanPrice::Touch => self.books[leg.instrument].best(side.flip()),
                LeanPrice::Worst | LeanPrice::Average => Some(collar),
            };
            let touch_only = of.when_thin == WhenThin::ShrinkToTouch;
            let limit =
                if touch_only { self.books[leg.instrument].best(side.flip()) } else { limit };
            let own = &self.owns[leg.instrument];
            leans[at] = self.books[leg.instrument].walk(side, Qty::of(need), limit, own);
        }
        leans
    }

    /// Whether some leg that another one's quote leans on holds less than it must.
    fn thin(&self, hedge: HedgeId, attempt: &Attempt, lots: &LegLots, leans: &Walks) -> bool {
        let legging = attempt.legging();
        let of = &legging.quote;
        let resting = legging.legs.iter().filter(|rule| rule.leads).count();
        (0..self.plan(hedge).legs.len()).any(|at| {
            let is_leaned_on = lots[at] != 0 && (resting > 1 || !legging.legs[at].leads);
            let there = leans[at].map_or(0, |walk| walk.qty.get());
            is_leaned_on && there < needed(of, lots[at].abs())
        })
    }

    /// The sets farthest toward the slice's end that the books can hedge.
    fn hedgeable(&self, hedge: HedgeId, attempt: &Attempt, held: &LegLots, leans: &Walks) -> i64 {
        let plan = self.plan(hedge);
        let (from, to) = (plan.sets(held), attempt.slice_to());
        let step = (to - from).signum();
        let can = |sets: i64| {
            let lots = plan.change(held, sets);
            !self.thin(hedge, attempt, &lots, leans)
        };
        let (mut low, mut high) = (0, (to - from).abs());
        // What is needed grows with the sets.
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if can(from + step * middle) { low = middle } else { high = middle - 1 }
        }
        from + step * low
    }

    /// What the legs are valued at while another is quoted, for the lots that are shown.
    fn lean_walks(&self, hedge: HedgeId, quote: &Quote<'_>, leans: &Walks) -> Walks {
        let mut walks = NO_WALKS;
        for at in 0..self.plan(hedge).legs.len() {
            let (Some(lean), lots) = (leans[at], quote.lots[at].abs()) else { continue };
            if lots == 0 {
                continue;
            }
            let qty = Qty::of(lots);
            walks[at] = Some(match quote.of.lean_price {
                LeanPrice::Average => lean,
                LeanPrice::Worst | LeanPrice::Touch => Walk {
                    qty,
                    cost: i128::from(lean.worst.0) * i128::from(lots),
                    worst: lean.worst,
                    marginal: None,
                },
            });
        }
        walks
    }

    /// Where one leg would rest.
    fn solve(
        &self,
        hedge: HedgeId,
        quote: &Quote<'_>,
        walks: &Walks,
        leg: usize,
    ) -> Option<Solved> {
        let of = &self.plan(hedge).legs[leg];
        let side = Side::of(quote.lots[leg])?;
        let book = &self.books[of.instrument];
        let taken = book.best(side.flip())?;
        let own = self.best_of_others(of.instrument, side)?;
        let sign = side.sign();
        let collar = self.policy.instruments[of.instrument].collar;
        let (mut high, mut low) = (sign * taken.0, sign * own.0 - collar);
        if let Some(band) = self.instruments[of.instrument].band {
            let (near, far) = match side {
                Side::Buy => (band.low, band.high),
                Side::Sell => (band.high, band.low),
            };
            (high, low) = (high.min(sign * far.0), low.max(sign * near.0));
        }
        if low > high {
            return None;
        }
        let mut walks = *walks;
        let [at, inside, outside] = quote
            .bounds
            .map(|bound| self.farthest(hedge, quote, &mut walks, leg, bound, (low, high)));
        let at = at?;
        let (near, far) = (outside.unwrap_or(low), inside.unwrap_or(at));
        let price = |key: i64| Price(sign * key);
        let (first, last) = match side {
            Side::Buy => (price(near), price(far)),
            Side::Sell => (price(far), price(near)),
        };
        Some(Solved {
            price: price(at),
            low: first,
            high: last,
            qty: Qty::of(quote.lots[leg].abs()),
            away: sign * own.0 - at,
        })
    }

    /// The price that gives up most and still reaches the bound, as `sign × price` within the span.
    fn farthest(
        &self,
        hedge: HedgeId,
        quote: &Quote<'_>,
        walks: &mut Walks,
        leg: usize,
        bound: Bound,
        (low, high): (i64, i64),
    ) -> Option<i64> {
        let (plan, lots) = (self.plan(hedge), &quote.lots);
        let sign = lots[leg].signum();
        let qty = Qty::of(lots[leg]);
        let mut reaches = |key: i64| {
            let price = Price(sign * key);
            let cost = i128::from(price.0) * i128::from(qty.get());
            walks[leg] = Some(Walk { qty, cost, worst: price, marginal: None });
            let (effects, way) = (&quote.effects, quote.direction);
            let (books, instruments) = (&self.books, &self.instruments);
            merge::valued(plan, books, instruments, walks, lots, effects, way)
                .is_some_and(|pair| bound.is_met(&pair))
        };
        if !reaches(low) {
            return None;
        }
        let (mut best, mut beyond) = (low, high + 1);
        while beyond - best > 1 {
            let middle = best + (beyond - best) / 2;
            if reaches(middle) { best = middle } else { beyond = middle }
        }
        Some(best)
    }

    /// The best price of a side that is not ours alone.
    fn best_of_others(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let own = &self.owns[instrument];
        let book = &self.books[instrument];
        if own.resting.iter().all(|(at, ..)| *at != side) {
            return book.best(side);
        }
        let ours = |price: Price| {
            let here = own.resting.iter().filter(|(at, level, _)| *at == side && *level == price);
            here.map(|(.., qty)| qty.get()).sum::<i64>()
        };
        let mut levels = book.levels(side);
        levels.find(|top| top.qty.get() > ours(top.price)).map(|top| top.price)
    }

    /// Cancels the quotes, and what else rests, that are to go, and tells why quoting is over before
    /// its time.
    pub(super) fn pull_quotes(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        wants: &Wants,
        out: &mut Vec<Command>,
    ) {
        let pulls = wants.pulls.iter().map(|goes| (Purpose::Quote, *goes));
        let chases = wants.chases.iter().map(|goes| (Purpose::Hedge, *goes));
        for (at, (purpose, goes)) in pulls.enumerate().chain(chases.enumerate()) {
            if !goes {
                continue;
            }
            let orders = self.orders.of_attempt(attempt.decision).iter();
            let resting = orders.filter(|order| {
                let place = &order.place;
                order.is_resting() && place.order.leg() == LegId::at(at) && place.purpose == purpose
            });
            let ids: Vec<_> = resting.map(|order| order.place.order).collect();
            for id in ids {
                self.cancel(id, out);
            }
        }
        let Some(over) = wants.quote_over else { return };
        let detail = match over {
            QuoteOver::Thin => 0,
            QuoteOver::Jumped => 1,
        };
        let subject = Subject::Attempt(attempt.decision);
        self.alert_coded(out, AlertCode::QuotePulled, Urgency::Alarm, detail, subject);
        if over == QuoteOver::Thin {
            // All or nothing: it does not come back by itself.
            self.latches.stop(Scope::Hedge(hedge));
            let subject = Subject::Hedge(hedge);
            self.alert(out, AlertCode::Stopped, Urgency::Warn, subject, 0, 0);
        }
    }

    /// The quote that an order is, while it may still trade.
    pub(super) fn resting(order: &Order) -> Option<Resting> {
        let place = &order.place;
        (place.purpose == Purpose::Quote).then(|| Resting {
            price: place.price,
            leaves: Qty::of(order.leaves()),
            is_movable: order.is_resting(),
            sent: order.sent,
        })
    }

    /// How an order that follows and rests stands in its queue: ticks behind the best price of its
    /// side, and lots of others before it, both as the book shows them now.
    pub(super) fn standing(&self, place: &Place) -> (i64, i64) {
        let Place { instrument, side, price, .. } = *place;
        let reaches = |other: Price| side.sign() * (other.0 - price.0) >= 0;
        let best = self.best_of_others(instrument, side);
        let away = best.map_or(0, |best| (side.sign() * (best.0 - price.0)).max(0));
        let levels = self.books[instrument].levels(side).take_while(|top| reaches(top.price));
        let shown: i64 = levels.map(|top| top.qty.get()).sum();
        let own = self.live.iter().filter_map(|id| self.orders.get(*id)).filter(|order| {
            let of = &order.place;
            let seen = matches!(order.state, State::Acked | State::Partial | State::PendingCancel);
            seen && of.instrument == instrument && of.side == side && reaches(of.price)
        });
        let is_shown = self.instruments[instrument].own_in_book;
        let own: i64 = if is_shown { own.map(Order::leaves).sum() } else { 0 };
        (away, (shown - own).max(0))
    }

    /// Keeps what rests of ours in an instrument whose feed shows it.
    pub(super) fn note_resting(&mut self, instrument: InstrumentId) {
        if !self.instruments[instrument].own_in_book {
            return;
        }
        let mut resting = std::mem::take(&mut self.owns[instrument].resting);
        resting.clear();
        for id in &self.live {
            let Some(order) = self.orders.get(*id) else { continue };
            let place = &order.place;
            let seen = matches!(order.state, State::Acked | State::Partial | State::PendingCancel);
            if place.instrument == instrument && place.purpose == Purpose::Quote && seen {
                resting.push((place.side, place.price, Qty::of(order.leaves())));
            }
        }
        self.owns[instrument].resting = resting;
    }

    /// Begins an attempt that quotes, to so many sets in slices of at most so many; its prices are
    /// solved from what it has to reach.
    pub(super) fn start_quoting(
        &mut self,
        hedge: HedgeId,
        kind: Kind,
        (to, clip): (i64, i64),
        edge: Edge,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        let figure = gate::Edge { stands: true, value: 0, limit: 0 };
        self.work.edge = Some(edge);
        let (edge, lots) = (Some((edge, figure)), [0; LEGS_MAX]);
        let begun = self.start(&Begin { hedge, kind, to, clip, edge, lots }, out);
        self.work.edge = None;
        begun
    }

    /// Has every hedge looked at whose legs rest.
    pub(super) fn touch_quotes(&mut self) {
        for hedge in self.config.hedges.ids() {
            if self.hedges[hedge].attempt.as_ref().is_some_and(|attempt| attempt.quotes()) {
                self.touch(hedge);
            }
        }
    }

    /// Looks again when time alone takes the ground from under a quote, or refreshes it: a book
    /// becomes too old, a phase ends, a break is near.
    fn wake_for_quotes(&mut self, hedge: HedgeId, of: &Quoting) {
        let mut next = Time::MAX;
        let mut at = |time: Time| {
            if time > self.now {
                next = next.min(time);
            }
        };
        for (leg, facts) in self.plan(hedge).legs.iter().zip(&self.work.facts.legs) {
            let age = self.policy.instruments[leg.instrument].age;
            at(self.now + Span(age.0.saturating_sub(facts.age.0).saturating_add(1)));
            at(self.instruments[leg.instrument].phases.at(self.now).until);
            if let Some(shut) = self.shut(leg.instrument) {
                let before = self.policy.hedges[hedge].size.before_break;
                at(Time(shut.at.0.saturating_sub(before.0)));
            }
        }
        for quote in self.work.facts.stages.iter().filter_map(|stage| stage.quote) {
            if of.refresh > Span::ZERO {
                at(quote.sent + of.refresh);
            }
        }
        self.wake_at(hedge, next);
    }

    /// Begins to quote where a hedge may; what gives sets back goes first.
    pub(super) fn consider_quotes(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let sets = self.hedges[hedge].sets;
        let size = self.policy.hedges[hedge].size;
        let ways = match Direction::of(sets) {
            Some(way) => [Want::Exit(way), Want::Enter(way)],
            None => [Want::Enter(Direction::Plus), Want::Enter(Direction::Mirror)],
        };
        let mut refused = None;
        for want in ways {
            if self.bound(hedge, want).is_none() {
                continue;
            }
            let step = match want.direction() {
                Direction::Plus => 1,
                Direction::Mirror => -1,
            };
            let (kind, most) = match want {
                Want::Enter(_) => (Kind::Enter, size.max - sets.abs()),
                Want::Exit(_) => (Kind::Exit, sets.abs()),
            };
            let count = most.min(size.clip);
            if count <= 0 {
                continue;
            }
            let edge = Edge::Band(want);
            let begun = self.start_quoting(hedge, kind, (sets + step * count, count), edge, out);
            match begun {
                Ok(()) => return,
                // Nothing is quoted because no price reaches the band, or no book holds enough.
                Err(denial) if matches!(denial.refusal, Refusal::Size | Refusal::NoBook) => {
                    let gates = self.gate_idle(hedge, kind, sets + step * count);
                    refused = refused.or(gates.err());
                }
                Err(denial) => refused = refused.or(Some(denial)),
            }
        }
        match refused {
            Some(denial) => self.refuse(hedge, &denial, out),
            None => self.hedges[hedge].refused = None,
        }
    }
}

/// Lots that a book must show where so many are leaned on.
fn needed(of: &Quoting, lots: i64) -> i64 {
    let times = i128::from(lots) * i128::from(of.lean_times.num());
    let times = div_ceil(times, i128::from(of.lean_times.den()));
    i64::try_from(times).unwrap_or(i64::MAX).saturating_add(of.lean_base)
}

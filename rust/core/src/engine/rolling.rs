//! Moving sets to the next contract: one attempt, worked by the ordinary machine on a plan that has
//! the legs of both hedges.
//!
//! It lives in the hedge that is left. Its lots are those that have moved since it began; an order
//! of it belongs to the leg that its place in the plan stands for, whatever has become of the
//! attempt. While it lives the next hedge begins nothing, and what is aligned is said of the two
//! together. At its end the legs that do not expire go with the sets that have moved: their lots
//! change hands inside, as a booking of their own.

use super::decide::Begin;
use super::{BookingKind, Engine};
use crate::attempt::{Attempt, End};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::gate::{Bounded, Denial, Refusal};
use crate::ids::{ClientOrderId, HedgeId, Id, LEGS_MAX, LegId};
use crate::merge;
use crate::num::{Money, Price, Side, div_ceil};
use crate::order::Place;
use crate::position::Owner;
use crate::quote::{Data, HedgePlan, Intent, Kind, LegLots, LegPlan, RollPlan};

impl Engine {
    pub(super) fn roll_plan(&self, hedge: HedgeId) -> Option<&RollPlan> {
        self.config.hedges[hedge].roll.as_ref()
    }

    /// The plan that an attempt of this kind works on.
    #[inline]
    pub(super) fn worked(&self, hedge: HedgeId, kind: Kind) -> &HedgePlan {
        match (kind, self.roll_plan(hedge)) {
            (Kind::Roll, Some(roll)) => &roll.plan,
            (Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce | Kind::Roll, _) => {
                self.plan(hedge)
            }
        }
    }

    /// Signed lots that an attempt of this kind counts: those held, or those moved.
    #[inline]
    pub(super) fn lots_of(&self, hedge: HedgeId, kind: Kind) -> LegLots {
        match kind {
            Kind::Roll => self.moved(hedge),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => self.positions.inventory(hedge),
        }
    }

    /// The leg that an order is of, in the hedge whose attempt sends it.
    #[inline]
    pub(super) fn leg_of(&self, hedge: HedgeId, leg: LegId) -> &LegPlan {
        let own = &self.plan(hedge).legs;
        match self.roll_plan(hedge) {
            Some(roll) if leg.index() >= own.len() => &roll.plan.legs[leg.index()],
            Some(_) | None => &own[leg.index()],
        }
    }

    /// Whose leg an order trades: the hedge's own, or that of the next.
    #[must_use]
    pub fn owner_of(&self, order: ClientOrderId) -> (HedgeId, LegId) {
        let (hedge, leg) = (order.hedge(), order.leg());
        let entered = self.config.hedges.get(hedge).and_then(|of| of.roll.as_ref());
        match entered.and_then(|roll| Some((roll.next, roll.entered_at(leg.index())?))) {
            Some(owner) => owner,
            None => (hedge, leg),
        }
    }

    pub(super) fn owner(&self, order: ClientOrderId) -> Owner {
        let (hedge, leg) = self.owner_of(order);
        Owner::Hedge(hedge, leg)
    }

    /// The hedge of an order, and the one whose leg it trades, are looked at.
    pub(super) fn touch_owners(&mut self, order: ClientOrderId) {
        self.touch(order.hedge());
        self.touch(self.owner_of(order).0);
    }

    /// Whether an order may change what a hedge holds.
    pub(super) fn concerns(&self, order: ClientOrderId, hedge: HedgeId) -> bool {
        order.hedge() == hedge || self.owner_of(order).0 == hedge
    }

    /// The hedges that an attempt of this kind moves lots of, beside its own.
    pub(super) fn beside(&self, hedge: HedgeId, kind: Kind) -> Option<HedgeId> {
        self.roll_plan(hedge).filter(|_| kind == Kind::Roll).map(|roll| roll.next)
    }

    /// The same for an order.
    pub(super) fn beside_order(&self, place: &Place) -> Option<HedgeId> {
        self.beside(place.hedge, place.kind)
    }

    /// Lots that stand at the places of a roll now; none where a leg stays.
    fn ledger(&self, hedge: HedgeId) -> LegLots {
        let mut lots = [0; LEGS_MAX];
        let Some(roll) = self.roll_plan(hedge) else { return lots };
        let own = self.positions.inventory(hedge);
        let next = self.positions.inventory(roll.next);
        for (place, leg) in roll.plan.legs.iter().enumerate() {
            if leg.lots.num() != 0 {
                lots[place] = match roll.entered_at(place) {
                    Some(leg) => next[leg.index()],
                    None => own[place],
                };
            }
        }
        lots
    }

    /// Signed lots that have moved at every place since the Roll of a hedge began.
    pub(super) fn moved(&self, hedge: HedgeId) -> LegLots {
        let (mut lots, base) = (self.ledger(hedge), &self.hedges[hedge].base);
        lots.iter_mut().zip(base).for_each(|(lots, base)| *lots -= base);
        lots
    }

    /// Lots of a hedge that a Roll which lives, its own or the one into it, has not moved.
    pub(super) fn unmoved(&self, hedge: HedgeId) -> LegLots {
        let mut lots = self.positions.inventory(hedge);
        let state = &self.hedges[hedge];
        let own = state.base_kept.then_some(hedge);
        for from in [own, state.rolled_by].into_iter().flatten() {
            let Some(roll) = self.roll_plan(from) else { continue };
            for (place, moved) in self.moved(from).iter().enumerate() {
                match roll.entered_at(place) {
                    Some(leg) if from != hedge => lots[leg.index()] -= moved,
                    None if from == hedge => lots[place] -= moved,
                    Some(_) | None => {}
                }
            }
        }
        lots
    }

    /// Moves all sets held to the next hedge, where nothing stands in the way.
    pub(super) fn roll_by_word(
        &mut self,
        hedge: HedgeId,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        self.note_inventory(hedge);
        let begun = self.prepare_roll(hedge).and_then(|next| self.start(&next, out));
        self.work.walked = None;
        // A Roll that lives goes on from where it began.
        if self.hedges[hedge].attempt.is_none() {
            self.end_base(hedge);
        }
        begun
    }

    fn prepare_roll(&mut self, hedge: HedgeId) -> Result<Begin, Denial> {
        let Some(next) = self.roll_plan(hedge).map(|roll| roll.next) else {
            return Err(Denial::plain(Refusal::Nothing));
        };
        self.note_inventory(next);
        if [hedge, next].into_iter().any(|of| self.hedges[of].is_taken()) {
            return Err(Denial::plain(Refusal::Busy));
        }
        let (sets, other) = (self.hedges[hedge].sets, self.hedges[next].sets);
        if sets == 0 {
            return Err(Denial::plain(Refusal::Nothing));
        }
        // As in an Enter by word: no flip, and what is asked for whole is refused whole.
        if other != 0 && other.signum() != sets.signum() {
            let value = i128::from(other);
            return Err(Denial { value, ..Denial::plain(Refusal::Inventory) });
        }
        let (after, max) = (other + sets, self.policy.hedges[next].size.max);
        if after.abs() > max {
            let (value, limit) = (i128::from(after.abs()), i128::from(max));
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Inventory) });
        }
        self.hedges[hedge].base = self.ledger(hedge);
        self.hedges[hedge].base_kept = true;
        let clip = self.policy.hedges[hedge].size.clip;
        let (first, lots) = self.reach_roll(hedge, sets.signum() * sets.abs().min(clip));
        if first == 0 {
            self.gate_idle(hedge, Kind::Roll, sets.signum())?;
            return Err(Denial { value: 0, limit: 1, ..Denial::plain(Refusal::Size) });
        }
        Ok(Begin { hedge, kind: Kind::Roll, to: sets, clip: first.abs(), lots, edge: None })
    }

    /// The most sets up to `to` that the books of both contracts hold now, and their lots.
    fn reach_roll(&mut self, hedge: HedgeId, to: i64) -> (i64, LegLots) {
        let nothing = [0; LEGS_MAX];
        let Some(roll) = &self.config.hedges[hedge].roll else { return (0, nothing) };
        let (plan, books, owns) = (&roll.plan, &self.books, &self.owns);
        let lots = plan.change(&nothing, to);
        if merge::walks(plan, books, owns, &lots, &mut self.work.walks) {
            self.work.walked = Some(lots);
            return (to, lots);
        }
        self.work.walked = None;
        let sets = merge::executable(plan, books, owns, &nothing, 0, to);
        (sets, plan.change(&nothing, sets))
    }

    /// What the orders of a slice cost for each of its sets: what their walks lose against the
    /// middle of each contract's book, and all fees. The difference between the contracts is none.
    pub(super) fn roll_cost(
        &self,
        hedge: HedgeId,
        intents: &[Option<Intent>; LEGS_MAX],
        sets: i64,
    ) -> Result<Bounded, Denial> {
        let limit = self.policy.hedges[hedge].max_roll_cost.unwrap_or(Money::ZERO).0;
        let mut total = 0;
        for intent in intents.iter().flatten() {
            let leg = self.leg_of(hedge, intent.leg);
            let at = |refusal| Denial { leg: Some(intent.leg), ..Denial::plain(refusal) };
            let book = &self.books[leg.instrument];
            let walk =
                book.walk(intent.side, intent.qty, Some(intent.limit), &self.owns[leg.instrument]);
            let (Some([bid, ask]), Some(tick)) = (book.touch(), self.tick_value(leg)) else {
                return Err(at(Refusal::NoBook));
            };
            let Some(walk) = walk.filter(|walk| walk.qty == intent.qty) else {
                return Err(at(Refusal::Size));
            };
            let middle = i128::from(bid.0 + ask.0) * i128::from(walk.qty.get());
            let lost = i128::from(intent.side.sign()) * (2 * walk.cost - middle);
            total += div_ceil(lost * tick.0, 2);
            total += self.leg_fee(leg, intent.side, &walk, tick).0;
        }
        let value = div_ceil(total, i128::from(sets.abs().max(1)));
        Ok(Bounded { value, limit })
    }

    /// The next hedge begins nothing from now on.
    pub(super) fn roll_began(&mut self, hedge: HedgeId) {
        if let Some(next) = self.beside(hedge, Kind::Roll) {
            self.hedges[next].rolled_by = Some(hedge);
            self.touch(next);
        }
    }

    /// The sets that have moved take with them what does not expire; the next hedge is free again.
    pub(super) fn roll_ended(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        end: End,
        out: &mut Vec<Command>,
    ) {
        let Some(next) = self.beside(hedge, Kind::Roll) else { return };
        let sets = self.worked(hedge, Kind::Roll).sets(&self.moved(hedge));
        for at in 0..self.plan(hedge).legs.len() {
            let stays = self.worked(hedge, Kind::Roll).legs[at].lots.num() == 0;
            let lots = self.plan(hedge).legs[at].goal(sets);
            if stays && lots != 0 {
                self.hand_over(attempt.decision, [hedge, next], LegId::at(at), lots, out);
            }
        }
        self.end_base(hedge);
        self.hedges[next].rolled_by = None;
        if end == End::ResidualHeld {
            self.restrict_hedge(next, Cause::ResidualHeld, out);
        }
        self.hedges[next].refused = None;
    }

    fn end_base(&mut self, hedge: HedgeId) {
        let state = &mut self.hedges[hedge];
        (state.base, state.base_kept) = ([0; LEGS_MAX], false);
    }

    /// Signed lots of a leg go from a hedge to the next at the middle of a book that is usable; else
    /// with what they cost, so that nothing is realised.
    fn hand_over(
        &mut self,
        decision: ClientOrderId,
        [from, to]: [HedgeId; 2],
        leg: LegId,
        lots: i64,
        out: &mut Vec<Command>,
    ) {
        let LegPlan { account, instrument, .. } = *self.leg_of(from, leg);
        let (lots, value) = match self
            .usable_middle(instrument, if from < to { -lots } else { lots })
        {
            Some(price) => {
                if let Err(error) = self.positions.cross((from, leg), (to, leg), lots, price) {
                    panic!("broken invariant: lots that go along are of one contract: {error:?}");
                }
                (lots, -i128::from(lots) * i128::from(price.0))
            }
            None => match self.positions.hand_over((from, leg), (to, leg), lots) {
                Ok((lots, cost)) => (lots, -i128::from(lots.signum()) * cost),
                Err(error) => {
                    panic!("broken invariant: lots that go along are of one contract: {error:?}")
                }
            },
        };
        if lots == 0 {
            return;
        }
        let price = div_ceil(-value * i128::from(lots.signum()), i128::from(lots.abs()));
        for (hedge, way) in [(from, -1), (to, 1)] {
            let owner = Owner::Hedge(hedge, leg);
            let (lots, value) = (way * lots, i128::from(way) * value);
            self.note_moved(BookingKind::Crossed, (account, instrument), owner, lots, value);
            if let Some(booking) = self.bookings.last_mut() {
                booking.order = Some(decision);
            }
            out.push(Command::Alert(Alert {
                code: AlertCode::Crossed,
                urgency: Urgency::Info,
                refusal: None,
                detail: leg.0,
                subject: Subject::Hedge(hedge),
                value: i128::from(lots),
                limit: price,
            }));
        }
        self.changed = true;
    }

    /// The mid of a book that a decision may use, rounded toward whoever receives signed `lots`.
    fn usable_middle(&self, instrument: crate::ids::InstrumentId, lots: i64) -> Option<Price> {
        let book = &self.books[instrument];
        let is_fresh = book.age(self.now) <= self.policy.instruments[instrument].age;
        let is_usable = book.data() == Data::Whole && is_fresh;
        if is_usable { self.middle(instrument, lots) } else { None }
    }

    /// Lots of a leg were lost: no attempt that lives, its own or a Roll into it, brings them back.
    pub(super) fn bound_lost(&mut self, (hedge, leg): (HedgeId, LegId), restores: Side) {
        if let Some(attempt) = self.hedges[hedge].attempt.as_mut() {
            attempt.bound(leg, restores, 0);
        }
        let Some(from) = self.hedges[hedge].rolled_by else { return };
        let place = self.roll_plan(from).and_then(|roll| roll.place_of(leg));
        if let (Some(place), Some(attempt)) = (place, self.hedges[from].attempt.as_mut()) {
            attempt.bound(LegId::at(place), restores, 0);
        }
        self.touch(from);
    }
}

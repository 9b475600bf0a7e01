//! Slippage: what orders trade worse than the books displayed when they were decided, and what a
//! clip would now.

use super::Engine;
use crate::book::Book;
use crate::command::Command;
use crate::ids::{ClientOrderId, HedgeId};
use crate::num::{Money, Qty, Side};
use crate::order::Place;
use crate::quote::{Data, Own};
use crate::threshold::BOUND_MAX;

impl Engine {
    /// Σ price × lots at which the book displays the lots of an order that is about to leave; orders
    /// of the same step before it take first.
    pub(super) fn displayed(&self, at: usize) -> i128 {
        let place = &self.work.places[at];
        let earlier = self.work.places.iter().take(at);
        displayed(self.book(place.instrument), place, taken(earlier, place))
    }

    /// Books what has slipped of an order since it was told last.
    pub(super) fn note_slippage(&mut self, id: ClientOrderId) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let (hedge, slipped) = (order.place.hedge, order.slippage());
        let more = slipped - std::mem::replace(&mut order.slipped, slipped);
        if more != 0 {
            let tick_value = self.known_tick_value(hedge, id.leg());
            self.conduct.slip(hedge, Money(tick_value.0 * more));
        }
    }

    /// What a clip of a hedge would cost beyond the tops of its books, the worse of both directions.
    /// Orders of ours in flight take nothing away here, or every attempt would seem to empty its books.
    /// Nothing where a leg cannot be traded at all: the gates refuse that.
    pub(super) fn slippage_expected(&self, hedge: HedgeId) -> i128 {
        let clip = self.policy.hedges[hedge].size.clip;
        let beyond = |sets| self.beyond_tops(hedge, sets).unwrap_or(0);
        beyond(clip).max(beyond(-clip))
    }

    fn beyond_tops(&self, hedge: HedgeId, sets: i64) -> Option<i128> {
        let plan = self.plan(hedge);
        let mut total = 0;
        let mut thin = false;
        for (leg, lots) in plan.legs.iter().zip(plan.goal(sets)) {
            let Some(side) = Side::of(lots) else { continue };
            let book = &self.books[leg.instrument];
            let phase = self.instruments[leg.instrument].phases.at(self.now).phase;
            if book.data() != Data::Whole || !phase.takes_orders() {
                return None;
            }
            let (tick_value, qty) = (self.tick_value(leg)?, Qty::of(lots));
            let walk =
                book.walk_beyond(side, qty, None, Qty::ZERO, &self.owns[leg.instrument].resting);
            let (Some(walk), Some(top)) = (walk, book.best(side.flip())) else {
                thin = true;
                continue;
            };
            thin |= walk.qty != qty;
            let worse = walk.cost - i128::from(top.0) * i128::from(walk.qty.get());
            total += worse * i128::from(side.sign()) * tick_value.0;
        }
        Some(if thin { BOUND_MAX } else { total })
    }
}

/// Lots that earlier orders of the same step take on the side of an order.
pub(crate) fn taken<'a>(earlier: impl Iterator<Item = &'a Place>, place: &Place) -> i64 {
    let same = |other: &&Place| (other.instrument, other.side) == (place.instrument, place.side);
    earlier.filter(same).map(|other| other.qty.get()).sum()
}

/// The orders among commands.
pub(crate) fn places(commands: &[Command]) -> impl Iterator<Item = &Place> {
    commands.iter().filter_map(|command| match command {
        Command::Place(place) => Some(place),
        Command::Amend(_)
        | Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_)
        | Command::Alert(_) => None,
    })
}

/// Σ price × lots at which a book displays the lots of an order beyond those taken; its limit stands
/// for what is not there.
pub(crate) fn displayed(book: Option<&Book>, place: &Place, taken: i64) -> i128 {
    let own = Own { claims: [Qty::of(taken); 2], resting: Vec::new() };
    let walk = book.and_then(|book| book.walk(place.side, place.qty, None, &own));
    let (there, cost) = walk.map_or((0, 0), |walk| (walk.qty.get(), walk.cost));
    cost + i128::from(place.price.0) * i128::from(place.qty.get() - there)
}

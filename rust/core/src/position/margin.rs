//! The margin of an account's positions, and what of it closing frees.
//!
//! Where a product is charged on its larger side, an account needs margin for its longs or for its
//! shorts in all contracts of it, whichever need more. What an order then frees depends on what else
//! trades. It is counted on only as far as it is sure, whichever orders of other decisions trade before
//! it: of those, the ones that close the same side have traded and the ones that close the other have
//! not. The orders of one decision leave together and are mended until all have traded, so each counts
//! on those before it: closing both sides frees the larger one. Whichever decisions come to their end,
//! they free at least what they counted on together.

use super::holding::Left;
use super::{LotHold, Pair, Position, Positions, Reserved};
use crate::ids::{AccountId, ClientOrderId, InstrumentId, ProductId, Table};
use crate::instrument::{Instrument, Netting, Settlement};
use crate::margin::required;
use crate::num::{Money, Price, Qty, Side};
use crate::time::Day;

/// Margin of the longs and of the shorts.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    long: Money,
    short: Money,
}

impl Sides {
    fn add(&mut self, side: Side, margin: Money) {
        match side {
            Side::Buy => self.long += margin,
            Side::Sell => self.short += margin,
        }
    }

    fn join(&mut self, other: Sides) {
        self.long += other.long;
        self.short += other.short;
    }

    fn larger(self) -> Money {
        self.long.max(self.short)
    }
}

/// What an order may open, and the margin that is held for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The contract.
    pub instrument: InstrumentId,
    /// The side that it opens.
    pub side: Side,
    /// Held for it.
    pub margin: Money,
}

impl Positions {
    /// What of the margin held for `openings` of an account cannot be needed together, whichever of
    /// them trade: in a netted contract, and in a product that is charged on its larger side, only
    /// the side that comes to more adds to the margin.
    ///
    /// Margin grows with the lots of a side, so the worst that openings can do is that all of a side
    /// trade and nothing closes.
    #[must_use]
    pub fn relief(
        &self,
        account: AccountId,
        openings: &[Opening],
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Money {
        let mut total = Money::ZERO;
        let mut product: Option<ProductId> = None;
        let (mut stands, mut opens) = (Sides::default(), Sides::default());
        for position in self.by_product(account) {
            if product != Some(position.pair.product) {
                total += spared(stands, opens);
                product = Some(position.pair.product);
                (stands, opens) = (Sides::default(), Sides::default());
            }
            let instrument = &instruments[position.pair.instrument];
            let mut own = Sides::default();
            for opening in openings.iter().filter(|of| of.instrument == position.pair.instrument) {
                own.add(opening.side, opening.margin);
            }
            let there = Sides {
                long: position.margin(Side::Buy, instrument),
                short: position.margin(Side::Sell, instrument),
            };
            if instrument.larger_side {
                stands.join(there);
                opens.join(own);
            } else if position.nets() {
                total += spared(there, own);
            }
        }
        total + spared(stands, opens)
    }

    /// The margin of all positions of an account, of their cost at the last mark. Longs and shorts
    /// both need it, but for products that are charged on their larger side.
    #[must_use]
    pub fn margin_total(
        &self,
        account: AccountId,
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Money {
        self.margin_by(account, instruments, Position::margin)
    }

    /// The margin below which an account has a shortfall: as [`Positions::margin_total`], of what the
    /// positions need to be kept.
    #[must_use]
    pub fn maintenance_total(
        &self,
        account: AccountId,
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Money {
        self.margin_by(account, instruments, |position, direction, instrument| {
            position.margin(direction, instrument).scale_up(instrument.maintenance)
        })
    }

    /// As [`Positions::margin_total`], had all lots been marked to `mark`; those without one stay.
    #[must_use]
    pub fn margin_at(
        &self,
        account: AccountId,
        mark: impl Fn(InstrumentId) -> Option<Price>,
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Money {
        self.margin_by(account, instruments, |position, side, instrument| {
            let stack = position.book.stack(side);
            let marked = mark(position.pair.instrument);
            let settlement = position.pair.settlement;
            let cost = marked.map(|at| settlement.cost(side, at, stack.lots()));
            let (flag, lots) = (position.pair.flag, Qty::of(stack.lots()));
            required(instrument, flag, side, lots, cost.unwrap_or(stack.cost()))
        })
    }

    /// The margin of an account where `of` says what each direction of a contract needs.
    fn margin_by(
        &self,
        account: AccountId,
        instruments: &Table<InstrumentId, Instrument>,
        of: impl Fn(&Position, Side, &Instrument) -> Money,
    ) -> Money {
        let mut total = Money::ZERO;
        let mut product: Option<ProductId> = None;
        let mut larger = Sides::default();
        for position in self.by_product(account) {
            if product != Some(position.pair.product) {
                total += larger.larger();
                (product, larger) = (Some(position.pair.product), Sides::default());
            }
            let instrument = &instruments[position.pair.instrument];
            let long = of(position, Side::Buy, instrument);
            let short = of(position, Side::Sell, instrument);
            if instrument.larger_side {
                larger.long += long;
                larger.short += short;
            } else {
                total += long + short;
            }
        }
        total + larger.larger()
    }

    /// What closing the lots that an order keeps is sure to free of [`Positions::margin_total`].
    #[must_use]
    pub fn freed(
        &self,
        order: ClientOrderId,
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Money {
        let Some(hold) = self.find(order).ok().and_then(|at| self.holds.get(at)) else {
            return Money::ZERO;
        };
        let (position, direction) = (self.position(hold.pair), hold.direction);
        let (instrument, today) = (&instruments[position.pair.instrument], self.today(hold.pair));
        let left = |gone| position.margin_left(direction, gone, today, instrument);
        let (own, others) = position.reserved(direction).split(hold);
        let freed = if others.is_none() {
            (position.margin(direction, instrument) - left(own).1).max(Money::ZERO)
        } else {
            // Which lots are left for it depends on who trades first: count on the cheapest.
            position.margin_least(direction, hold.left, instrument)
        };
        if !instrument.larger_side {
            return freed;
        }
        let (mut ours, mut theirs) = (Money::ZERO, Money::ZERO);
        let account = position.pair.account;
        for other in self.by_product(account) {
            let of = &instruments[other.pair.instrument];
            if other.pair.product != position.pair.product || !of.larger_side {
                continue;
            }
            let is_own = other.pair.instrument == position.pair.instrument;
            let gone = if is_own { others } else { other.reserved(direction) };
            let left = other.margin_left(direction, gone, self.day(other.pair.instrument), of);
            ours += left.0.min(other.margin(direction, of));
            let gone = self.kept_by(other.pair, direction.flip(), order.decision());
            let left =
                other.margin_left(direction.flip(), gone, self.day(other.pair.instrument), of);
            theirs += left.1.min(other.margin(direction.flip(), of));
        }
        freed.min(ours - theirs).max(Money::ZERO)
    }

    /// The lots of a direction that the orders of one decision keep.
    fn kept_by(&self, pair: Pair, direction: Side, decision: ClientOrderId) -> Reserved {
        let mut kept = Reserved::default();
        let of = |hold: &&LotHold| {
            hold.direction == direction
                && hold.order.decision() == decision
                && self.position(hold.pair).pair == pair
        };
        for hold in self.holds.iter().filter(of) {
            *(if hold.today { &mut kept.today } else { &mut kept.earlier }) += hold.left;
        }
        kept
    }

    /// The positions of an account, those of one product beside each other.
    fn by_product(&self, account: AccountId) -> impl Iterator<Item = &Position> {
        let of = |index: &usize| self.position(*index).pair.account;
        let start = self.products.partition_point(|index| of(index) < account);
        let rest = self.products.iter().skip(start);
        let own = rest.take_while(move |index| of(index) == account);
        own.map(|index| self.position(*index))
    }
}

/// What opening less on the other side spares, where the larger side is charged.
fn spared(stands: Sides, opens: Sides) -> Money {
    let mut worst = stands;
    worst.join(opens);
    opens.long + opens.short - (worst.larger() - stands.larger())
}

impl Position {
    /// Whether longs and shorts never stand beside each other.
    pub(super) fn nets(&self) -> bool {
        let pair = self.pair;
        pair.netting == Netting::Net && pair.settlement != Settlement::PromptForward
    }

    fn margin(&self, direction: Side, instrument: &Instrument) -> Money {
        let stack = self.book.stack(direction);
        required(instrument, self.pair.flag, direction, Qty::of(stack.lots()), stack.cost())
    }

    /// The least and the most that the lots of a direction may need once `gone` of them are closed.
    fn margin_left(
        &self,
        direction: Side,
        gone: Reserved,
        today: Day,
        instrument: &Instrument,
    ) -> (Money, Money) {
        let left = self.book.stack(direction).left(gone.earlier, gone.today, today);
        let Left { lots, least, most } = left;
        let needs = |cost| required(instrument, self.pair.flag, direction, Qty::of(lots), cost);
        let (low, high) = (needs(least), needs(most));
        (low.min(high), low.max(high))
    }

    /// What closing `lots` of a direction frees at least, whichever they are and whatever else is
    /// closed: each of them at the lowest price that any has.
    fn margin_least(&self, direction: Side, lots: i64, instrument: &Instrument) -> Money {
        let stack = self.book.stack(direction);
        let (rows, lots) = (stack.rows(), lots.min(stack.lots()));
        let of_one_sign =
            rows.iter().all(|row| row.cost >= 0) || rows.iter().all(|row| row.cost <= 0);
        let each = rows.iter().map(|row| row.cost.abs() / i128::from(row.lots)).min();
        let Some(ticks) = each.filter(|_| of_one_sign) else { return Money::ZERO };
        let (rate, per_lot) = instrument.margin_of(self.pair.flag).of(direction);
        // It is less than the floor wherever the floor binds.
        instrument.value(ticks * i128::from(lots)).scale_down(rate) + per_lot.times(lots)
    }
}

impl Reserved {
    /// What a hold has of it, and what the others have.
    fn split(self, hold: &LotHold) -> (Reserved, Reserved) {
        let own = if hold.today {
            Reserved { earlier: 0, today: hold.left }
        } else {
            Reserved { earlier: hold.left, today: 0 }
        };
        (own, Reserved { earlier: self.earlier - own.earlier, today: self.today - own.today })
    }

    fn is_none(self) -> bool {
        self.earlier == 0 && self.today == 0
    }
}

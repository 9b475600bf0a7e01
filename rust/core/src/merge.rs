//! Legs' tops and walks in one unit and one currency.
//!
//! Everything here is a whole number over [`HedgePlan::denominator`], and every rounding goes
//! against us. The sums are kept by what a leg does in +1 set: `sold` is what the sold legs come
//! to, `bought` the bought ones, whichever way they are traded now. So the value of a pair is
//! `sold − bought` or `sold ÷ bought` for both directions, and what enters one way exits the other.

use std::cmp::Ordering;

use crate::book::Book;
use crate::ids::{Id, InstrumentId, LEGS_MAX, LegId, Table};
use crate::instrument::{Instrument, PositionEffect};
use crate::num::{Money, Price, Qty, Side, div_ceil, div_floor, wide};
use crate::quote::{Data, HedgePlan, LegLots, LegPlan, Own, Top, Walk};

/// Which way a hedge is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Direction {
    /// Each leg by its own side: toward +sets.
    Plus = 0,
    /// Each leg by the other side: toward −sets.
    Mirror = 1,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn flip(self) -> Direction {
        match self {
            Direction::Plus => Direction::Mirror,
            Direction::Mirror => Direction::Plus,
        }
    }

    /// The way toward a signed number of sets; `None` for zero.
    #[must_use]
    pub fn of(sets: i64) -> Option<Direction> {
        match sets.cmp(&0) {
            Ordering::Greater => Some(Direction::Plus),
            Ordering::Less => Some(Direction::Mirror),
            Ordering::Equal => None,
        }
    }

    /// The side on which a leg is traded this way.
    #[must_use]
    pub const fn side(self, leg: &LegPlan) -> Side {
        match self {
            Direction::Plus => leg.side,
            Direction::Mirror => leg.side.flip(),
        }
    }
}

/// Weighted prices of one common unit, over the plan's denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Σ over the legs that +1 set sells.
    pub sold: i128,
    /// Σ over the legs that +1 set buys.
    pub bought: i128,
}

impl Pair {
    /// `sold − bought`.
    #[inline]
    #[must_use]
    pub const fn difference(&self) -> i128 {
        self.sold - self.bought
    }
}

/// The tops of all legs, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Trading toward +sets: sold at bids, bought at asks.
    pub enter: Pair,
    /// Trading toward −sets: sold legs bought back at asks, bought legs sold out at bids.
    pub exit: Pair,
}

/// What a currency costs, by [`Side::index`] of its own book; one to one without an instrument.
#[inline]
fn rates(
    fx: Option<InstrumentId>,
    touch: impl Fn(InstrumentId) -> Option<[Price; 2]>,
) -> Option<[i64; 2]> {
    match fx {
        None => Some([1, 1]),
        Some(fx) => match touch(fx) {
            Some([bid, ask]) if is_rate(Some([bid, ask])) => Some([bid.0, ask.0]),
            Some(_) | None => None,
        },
    }
}

/// Whether a touch prices a currency: a rate of nothing or less never does.
#[inline]
#[must_use]
pub(crate) fn is_rate(touch: Option<[Price; 2]>) -> bool {
    // A whole book is not crossed, so that its ask is no less.
    touch.is_some_and(|[bid, _]| bid.0 > 0)
}

fn book_rates(fx: Option<InstrumentId>, books: &Table<InstrumentId, Book>) -> Option<[i64; 2]> {
    rates(fx, |fx| books[fx].touch())
}

/// `amount` of a foreign currency at the adverse rate: what comes in at the bid, what is paid at
/// the ask. `side` is ours: we sell for proceeds, which a negative price turns into a payment.
#[inline]
fn adverse(side: Side, amount: i128, [bid, ask]: [i64; 2]) -> i64 {
    match (side, amount < 0) {
        (Side::Sell, false) | (Side::Buy, true) => bid,
        (Side::Sell, true) | (Side::Buy, false) => ask,
    }
}

/// The weighted price of a leg when it is traded on `side` at `price`.
#[inline]
fn weighted(leg: &LegPlan, side: Side, price: i64, rates: [i64; 2]) -> i128 {
    let amount = i128::from(price) * i128::from(leg.coef);
    // A product of two 64-bit numbers fits; the third needs the configuration's proof.
    if leg.fx.is_none() { amount } else { amount * i128::from(adverse(side, amount, rates)) }
}

/// The tops of these legs in one unit and currency; `None` when a book of a leg or of its currency
/// is not whole or lacks a side.
#[must_use]
pub fn tops(legs: &[LegPlan], books: &Table<InstrumentId, Book>) -> Option<Merged> {
    merged(legs, |instrument| books[instrument].touch())
}

/// The weighted prices of one common unit of a leg, sold at its best bid and bought at its best ask,
/// where `touch` knows the best prices; `None` as for [`tops`].
#[inline]
pub fn leg_touch(
    leg: &LegPlan,
    touch: impl Fn(InstrumentId) -> Option<[Price; 2]>,
) -> Option<[i128; 2]> {
    let [bid, ask] = touch(leg.instrument)?;
    let rates = rates(leg.fx, touch)?;
    Some([weighted(leg, Side::Sell, bid.0, rates), weighted(leg, Side::Buy, ask.0, rates)])
}

impl Merged {
    /// Adds what a leg comes to, by [`leg_touch`].
    #[inline]
    pub const fn add(&mut self, leg: &LegPlan, [at_bid, at_ask]: [i128; 2]) {
        match leg.side {
            Side::Sell => {
                self.enter.sold += at_bid;
                self.exit.sold += at_ask;
            }
            Side::Buy => {
                self.enter.bought += at_ask;
                self.exit.bought += at_bid;
            }
        }
    }
}

/// The tops of these legs, where `touch` knows the best prices.
#[inline]
pub(crate) fn merged(
    legs: &[LegPlan],
    touch: impl Fn(InstrumentId) -> Option<[Price; 2]>,
) -> Option<Merged> {
    let mut merged = Merged::default();
    for leg in legs {
        merged.add(leg, leg_touch(leg, &touch)?);
    }
    Some(merged)
}

/// What [`mid`] is over, in units of the plan's denominator.
pub const MID_FACTOR: i64 = 4;

/// The same at the middle of each book, FX too, over [`MID_FACTOR`] × the plan's denominator; for
/// marks, not for decisions.
#[must_use]
pub fn mid(legs: &[LegPlan], books: &Table<InstrumentId, Book>) -> Option<Pair> {
    let mut pair = Pair::default();
    for leg in legs {
        let [bid, ask] = books[leg.instrument].touch()?;
        let rate: i128 = book_rates(leg.fx, books)?.map(i128::from).iter().sum();
        let value = (i128::from(bid.0) + i128::from(ask.0)) * i128::from(leg.coef) * rate;
        match leg.side {
            Side::Sell => pair.sold += value,
            Side::Buy => pair.bought += value,
        }
    }
    Some(pair)
}

/// The value of one tick of one lot of a leg in the hedge's currency at FX mid, rounded up.
#[must_use]
pub fn tick_value(leg: &LegPlan, books: &Table<InstrumentId, Book>) -> Option<Money> {
    let rate: i128 = book_rates(leg.fx, books)?.map(i128::from).iter().sum();
    Some(Money(scale_up(i128::from(leg.tick_num), rate, 2 * i128::from(leg.tick_den))))
}

/// An amount in the currency of a leg's instrument in the hedge's: at the adverse rate, rounded
/// against us. Positive is ours, negative is owed.
#[must_use]
pub fn convert(
    amount: Money,
    leg: &LegPlan,
    instrument: &Instrument,
    books: &Table<InstrumentId, Book>,
) -> Option<Money> {
    if leg.fx.is_none() {
        return Some(amount);
    }
    let rate = adverse(Side::Sell, amount.0, book_rates(leg.fx, books)?);
    // `tick_num ÷ tick_den` is a tick's value abroad times one tick of the rate.
    let factor = i128::from(rate) * i128::from(leg.tick_num);
    let divisor = i128::from(leg.tick_den) * instrument.tick_value.0;
    Some(Money(scale_down(amount.0, factor, divisor)))
}

/// What trading a size on all legs comes to, net of fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Average weighted prices of one common unit: what comes in rounded down, what goes out up.
    pub pair: Pair,
    /// The walk of each leg that is traded.
    pub legs: [Option<Walk>; LEGS_MAX],
}

/// Walks the books for `lots` signed lots a leg (more than zero buys), net of fees.
///
/// A leg that trades nothing now enters with its top, as `direction` meets it. `None` when a book
/// is not whole or does not hold the whole size.
#[must_use]
pub fn walked(
    plan: &HedgePlan,
    books: &Table<InstrumentId, Book>,
    owns: &Table<InstrumentId, Own>,
    instruments: &Table<InstrumentId, Instrument>,
    lots: &LegLots,
    effects: &[PositionEffect; LEGS_MAX],
    direction: Direction,
) -> Option<Walked> {
    let mut legs = NO_WALKS;
    if !walks(plan, books, owns, lots, &mut legs) {
        return None;
    }
    let pair = valued(plan, books, instruments, &legs, lots, effects, direction)?;
    Some(Walked { pair, legs })
}

/// The walk of each leg that trades.
pub type Walks = [Option<Walk>; LEGS_MAX];

/// No leg trades.
pub const NO_WALKS: Walks = [None; LEGS_MAX];

/// Writes the walks for `lots` signed lots a leg; whether every book holds the whole size.
pub fn walks(
    plan: &HedgePlan,
    books: &Table<InstrumentId, Book>,
    owns: &Table<InstrumentId, Own>,
    lots: &LegLots,
    walks: &mut Walks,
) -> bool {
    let mut legs = plan.legs.iter().zip(lots);
    walks.iter_mut().all(|walk| {
        *walk = None;
        let Some((leg, lots)) = legs.next() else { return true };
        let Some(side) = Side::of(*lots) else { return true };
        let (book, own) = (&books[leg.instrument], &owns[leg.instrument]);
        *walk = full_walk(book, side, Qty::of(*lots), own);
        walk.is_some()
    })
}

/// What these walks come to, net of fees; [`walked`] says the rest.
#[must_use]
pub fn valued(
    plan: &HedgePlan,
    books: &Table<InstrumentId, Book>,
    instruments: &Table<InstrumentId, Instrument>,
    walks: &Walks,
    lots: &LegLots,
    effects: &[PositionEffect; LEGS_MAX],
    direction: Direction,
) -> Option<Pair> {
    let mut pair = Pair::default();
    let rows = walks.iter().zip(lots).zip(effects);
    for (leg, ((walk, lots), effect)) in plan.legs.iter().zip(rows) {
        let rates = book_rates(leg.fx, books)?;
        let value = match (walk, Side::of(*lots)) {
            (None, _) | (_, None) => {
                let [bid, ask] = books[leg.instrument].touch()?;
                match direction.side(leg) {
                    Side::Sell => weighted(leg, Side::Sell, bid.0, rates),
                    Side::Buy => weighted(leg, Side::Buy, ask.0, rates),
                }
            }
            (Some(walk), Some(side)) => {
                net(leg, side, walk, &instruments[leg.instrument], *effect, rates)
            }
        };
        match leg.side {
            Side::Sell => pair.sold += value,
            Side::Buy => pair.bought += value,
        }
    }
    Some(pair)
}

/// The walk of the whole size, or nothing.
fn full_walk(book: &Book, side: Side, qty: Qty, own: &Own) -> Option<Walk> {
    book.walk(side, qty, None, own).filter(|walk| walk.qty == qty)
}

/// The weighted average price of a walk net of its fee, rounded against us.
fn net(
    leg: &LegPlan,
    side: Side,
    walk: &Walk,
    instrument: &Instrument,
    effect: PositionEffect,
    rates: [i64; 2],
) -> i128 {
    let value = instrument.value(walk.cost);
    let fee = instrument.fees.by(effect).of(value, walk.qty);
    let divisor = wide(instrument.tick_value.0, walk.qty.get());
    match side {
        Side::Sell => {
            let amount = (value - fee).0;
            let rate = i128::from(adverse(side, amount, rates)) * i128::from(leg.coef);
            scale_down(amount, rate, divisor)
        }
        Side::Buy => {
            let amount = (value + fee).0;
            let rate = i128::from(adverse(side, amount, rates)) * i128::from(leg.coef);
            scale_up(amount, rate, divisor)
        }
    }
}

/// Takes note in every book of what its walk has read; of all of it where nothing was found.
pub fn note(
    plan: &HedgePlan,
    books: &mut Table<InstrumentId, Book>,
    lots: &LegLots,
    walks: Option<&Walks>,
) {
    for (place, (leg, lots)) in plan.legs.iter().zip(lots).enumerate() {
        let walk = walks.and_then(|walks| walks.get(place)).and_then(Option::as_ref);
        if let Some(side) = Side::of(*lots) {
            books[leg.instrument].note_walk(side, walk);
        }
    }
}

/// The number of sets farthest from `from` toward `to` that the books hold enough lots for now;
/// `held` are the signed lots held, so that what is left over is counted first.
#[must_use]
pub fn executable(
    plan: &HedgePlan,
    books: &Table<InstrumentId, Book>,
    owns: &Table<InstrumentId, Own>,
    held: &LegLots,
    from: i64,
    to: i64,
) -> i64 {
    let step = (to - from).signum();
    let needs = |sets| plan.change(held, sets);
    // What is needed moves one way from the first to the last, so the most is at an end.
    let mut there = [[0; 2]; LEGS_MAX];
    let ends = there.iter_mut().zip(needs(from)).zip(needs(to));
    for (leg, ((there, first), last)) in plan.legs.iter().zip(ends) {
        let most = Qty::of(first.abs().max(last.abs()));
        *there = [Side::Buy, Side::Sell].map(|side| {
            let walk = books[leg.instrument].walk(side, most, None, &owns[leg.instrument]);
            walk.map_or(0, |walk| walk.qty.get())
        });
    }
    let is_there = |(lots, [buys, sells]): (i64, &[i64; 2])| -sells <= lots && lots <= *buys;
    let mut sets = to;
    while sets != from && !needs(sets).into_iter().zip(&there).all(is_there) {
        sets -= step;
    }
    sets
}

/// A level of one leg among those of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whose it is.
    pub leg: LegId,
    /// Weighted price over the plan's denominator, FX on the adverse side.
    pub price: i128,
    /// Common units there, over the plan's `unit_den`.
    pub units: i128,
    /// The level as its own book has it.
    pub top: Top,
}

/// The best `count` levels of one side over all legs, the best first, ties in the order of legs;
/// a leg whose book or FX is not whole contributes none.
#[must_use]
pub fn consolidated(
    plan: &HedgePlan,
    books: &Table<InstrumentId, Book>,
    side: Side,
    count: usize,
) -> Vec<Level> {
    let mut levels = Vec::new();
    for (place, leg) in plan.legs.iter().enumerate() {
        let book = &books[leg.instrument];
        let (Data::Whole, Some(rates)) = (book.data(), book_rates(leg.fx, books)) else {
            continue;
        };
        levels.extend(book.levels(side).take(count).map(|top| Level {
            leg: LegId::at(place),
            price: weighted(leg, side.flip(), top.price.0, rates),
            units: i128::from(leg.units) * i128::from(top.qty.get()),
            top,
        }));
    }
    match side {
        Side::Buy => levels.sort_by_key(|level| (-level.price, level.leg)),
        Side::Sell => levels.sort_by_key(|level| (level.price, level.leg)),
    }
    levels.truncate(count);
    levels
}

/// `left × right ÷ divisor`, rounded down; the product may have 256 bits.
///
/// # Panics
/// When the divisor is not more than zero or the result leaves 128 bits: the configuration proves
/// that neither occurs.
pub(crate) fn scale_down(left: i128, right: i128, divisor: i128) -> i128 {
    match product(left, right) {
        Some(product) => div_floor(product, divisor),
        None => scale_wide(left, right, divisor),
    }
}

/// `left × right ÷ divisor`, rounded up; the product may have 256 bits.
pub(crate) fn scale_up(left: i128, right: i128, divisor: i128) -> i128 {
    match product(left, right) {
        Some(product) => div_ceil(product, divisor),
        None => -scale_wide(-left, right, divisor),
    }
}

/// The product where it has 128 bits; quick where both sides have 64, as they nearly always have.
fn product(left: i128, right: i128) -> Option<i128> {
    match (i64::try_from(left), i64::try_from(right)) {
        (Ok(left), Ok(right)) => Some(i128::from(left) * i128::from(right)),
        (Err(_), _) | (_, Err(_)) => left.checked_mul(right),
    }
}

/// [`scale_down`] by long multiplication and division.
#[cold]
fn scale_wide(left: i128, right: i128, divisor: i128) -> i128 {
    assert!(divisor > 0, "divisor {divisor}");
    let half = |number: u128| [number & u128::from(u64::MAX), number >> 64];
    let [a, b] = half(left.unsigned_abs());
    let [c, d] = half(right.unsigned_abs());
    // (b·2⁶⁴ + a)(d·2⁶⁴ + c): the middle products are at most 2¹²⁷ + 2¹²⁷ − 1 together.
    let middle = a * d + half(a * c)[1];
    let (middle, carry) = middle.overflowing_add(b * c);
    let low = half(a * c)[0] | (half(middle)[0] << 64);
    let high = b * d + half(middle)[1] + (u128::from(carry) << 64);
    let divisor = divisor.unsigned_abs();
    let [mut quotient, mut rest] = [0_u128, high % divisor];
    let is_too_large = high / divisor != 0;
    for bit in (0..128).rev() {
        // The rest is below the divisor, which is below 2¹²⁷.
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if rest >= divisor {
            rest -= divisor;
            quotient |= 1;
        }
    }
    let is_negative = (left < 0) != (right < 0);
    let quotient = quotient.checked_add(u128::from(is_negative && rest != 0));
    match quotient.and_then(|quotient| i128::try_from(quotient).ok()) {
        Some(quotient) if !is_too_large => {
            if is_negative {
                -quotient
            } else {
                quotient
            }
        }
        Some(_) | None => panic!("{left} × {right} ÷ {divisor} leaves 128 bits"),
    }
}

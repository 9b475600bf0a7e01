//! What a clearing house leaves an account of its margin for positions that stand against each other.
//!
//! A table has rows; a row names contracts with lots, bought and sold, and the amount that one set of
//! them is left. Rows are matched in their order, each with the lots that those before it left over,
//! either way round: sold where the row buys counts too.
//!
//! Orders that may still trade make of every side of a contract a range of lots. What the table
//! surely leaves, whatever of them trades, follows from the ranges alone: a row surely has as many
//! sets as the least lots allow, and leaves to later rows at least what is left when it takes as many
//! as the most lots allow.

use crate::ids::InstrumentId;
use crate::num::{Money, Side};

/// Most contracts of one table.
pub const CONTRACTS_MAX: usize = 16;

/// Most rows of one table.
pub const ROWS_MAX: usize = 256;

/// One row: what a set of lots is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Lots of contracts by their places in the table, bought above zero, sold below.
    pub legs: Vec<(usize, i64)>,
    /// For one set.
    pub credit: Money,
}

/// The table of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Its contracts.
    pub contracts: Vec<InstrumentId>,
    /// Its rows, in the order in which they are matched.
    pub rows: Vec<Offset>,
}

/// The least and the most lots that an account may come to hold of a contract, by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    long: [i64; 2],
    short: [i64; 2],
}

/// What an account holds of every contract of its table.
pub type AllHeld = [Held; CONTRACTS_MAX];

impl Held {
    /// So many lots.
    #[must_use]
    pub const fn of(long: i64, short: i64) -> Held {
        Held { long: [long; 2], short: [short; 2] }
    }

    /// An order may buy or sell so many.
    pub fn may(&mut self, side: Side, lots: i64) {
        let (more, less) = match side {
            Side::Buy => (&mut self.long, &mut self.short),
            Side::Sell => (&mut self.short, &mut self.long),
        };
        more[1] += lots;
        less[0] = (less[0] - lots).max(0);
    }

    fn side(&mut self, buys: bool) -> &mut [i64; 2] {
        if buys { &mut self.long } else { &mut self.short }
    }
}

impl Offsets {
    /// Whether there is nothing to match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is surely left of the margin, whatever within the ranges is held.
    #[must_use]
    pub fn credit(&self, held: &AllHeld) -> Money {
        let (mut held, mut total) = (*held, Money::ZERO);
        for row in &self.rows {
            for turned in [false, true] {
                let [least, most] = row.sets(&mut held, turned);
                total += row.credit.times(least);
                for (place, lots) in &row.legs {
                    let Some(held) = held.get_mut(*place) else { continue };
                    let [low, high] = held.side((*lots > 0) != turned);
                    *low = (*low - lots.abs() * most).max(0);
                    *high -= lots.abs() * least;
                }
            }
        }
        total
    }
}

impl Offset {
    /// How many sets there are at least and at most.
    fn sets(&self, held: &mut AllHeld, turned: bool) -> [i64; 2] {
        let mut sets = [i64::MAX; 2];
        for (place, lots) in &self.legs {
            let Some(held) = held.get_mut(*place) else { return [0; 2] };
            for (sets, lots_there) in sets.iter_mut().zip(*held.side((*lots > 0) != turned)) {
                *sets = (*sets).min(lots_there / lots.abs().max(1));
            }
        }
        if self.legs.is_empty() { [0; 2] } else { sets }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[(&[(usize, i64)], i128)]) -> Offsets {
        let row = |(legs, credit): &(&[(usize, i64)], i128)| Offset {
            legs: legs.to_vec(),
            credit: Money(*credit),
        };
        Offsets { contracts: Vec::new(), rows: rows.iter().map(row).collect() }
    }

    fn held(lots: &[(i64, i64)]) -> AllHeld {
        let mut all = AllHeld::default();
        for (of, (long, short)) in all.iter_mut().zip(lots) {
            *of = Held::of(*long, *short);
        }
        all
    }

    #[test]
    fn rows_take_what_those_before_them_left() {
        let table = table(&[(&[(0, 1), (1, -2)], 100), (&[(0, 1), (2, -1)], 70)]);
        // Two sets of the first row take 2 and 4 lots; one of the second what is left.
        assert_eq!(table.credit(&held(&[(3, 0), (0, 5), (0, 9)])), Money(270));
        // Either way round, and both where longs and shorts stand beside each other.
        assert_eq!(table.credit(&held(&[(0, 3), (5, 0), (9, 0)])), Money(270));
        assert_eq!(table.credit(&held(&[(1, 1), (2, 2), (0, 0)])), Money(200));
        // What stands the same way is no set.
        assert_eq!(table.credit(&held(&[(3, 0), (5, 0), (9, 0)])), Money::ZERO);
    }

    #[test]
    fn what_an_exit_may_break_is_not_sure() {
        let table = table(&[(&[(0, 1), (1, -1)], 100)]);
        let mut all = held(&[(4, 0), (0, 4)]);
        all[0].may(Side::Sell, 3);
        assert_eq!(table.credit(&all), Money(100));
        all[1].may(Side::Buy, 4);
        assert_eq!(table.credit(&all), Money::ZERO);
    }

    prop_compose! {
        fn any_table()(rows in prop::collection::vec(
            (prop::collection::vec((0_usize..4, 1_i64..4, any::<bool>()), 2..4), 0_i128..50), 1..5,
        )) -> Offsets {
            let rows = rows.into_iter().map(|(legs, credit)| {
                let mut legs: Vec<(usize, i64)> =
                    legs.into_iter().map(|(at, lots, buys)| (at, if buys { lots } else { -lots })).collect();
                legs.sort_unstable();
                legs.dedup_by_key(|(at, _)| *at);
                Offset { legs, credit: Money(credit) }
            });
            Offsets { contracts: Vec::new(), rows: rows.collect() }
        }
    }

    /// What rows leave that take set by set what is still there.
    fn one_by_one(table: &Offsets, lots: &[(i64, i64)]) -> Money {
        let (mut there, mut total) = (lots.to_vec(), Money::ZERO);
        for row in &table.rows {
            for way in [1, -1] {
                loop {
                    let mut next = there.clone();
                    for (at, lots) in &row.legs {
                        let (long, short) = &mut next[*at];
                        *(if lots * way > 0 { long } else { short }) -= lots.abs();
                    }
                    if row.legs.is_empty()
                        || next.iter().any(|(long, short)| *long < 0 || *short < 0)
                    {
                        break;
                    }
                    (there, total) = (next, total + row.credit);
                }
            }
        }
        total
    }

    proptest! {
        /// Of what is held, and nothing trades, it is exact.
        #[test]
        fn sets_are_taken_one_by_one(
            table in any_table(),
            lots in prop::collection::vec((0_i64..9, 0_i64..9), 4),
        ) {
            prop_assert_eq!(table.credit(&held(&lots)), one_by_one(&table, &lots));
        }

        /// Whatever orders trade, and in whatever order, there is never less than what is sure.
        #[test]
        fn no_fills_break_what_is_sure(
            table in any_table(),
            lots in prop::collection::vec(-6_i64..7, 4),
            orders in prop::collection::vec((0_usize..4, 1_i64..5, any::<bool>()), 0..4),
            nets in any::<bool>(),
        ) {
            let now: Vec<(i64, i64)> = lots.iter().map(|lots| ((*lots).max(0), (-lots).max(0))).collect();
            let mut all = held(&now);
            for (at, lots, buys) in &orders {
                all[*at].may(if *buys { Side::Buy } else { Side::Sell }, *lots);
            }
            let sure = table.credit(&all);
            let mut fills = vec![now];
            for (at, lots, buys) in orders {
                let mut next = Vec::new();
                for then in &fills {
                    for traded in 0..=lots {
                        // Netted, closed as far as there is something to close, or opened whole.
                        let closes: &[i64] = if nets { &[traded] } else { &[0, traded] };
                        for close in closes {
                            let mut then = then.clone();
                            let (own, other) = &mut then[at];
                            let (own, other) = if buys { (own, other) } else { (other, own) };
                            let closed = (*close).min(*other);
                            *other -= closed;
                            *own += traded - closed;
                            next.push(then);
                        }
                    }
                }
                fills = next;
            }
            for then in fills {
                prop_assert!(table.credit(&held(&then)) >= sure, "{then:?} of {table:?}");
            }
        }
    }
}

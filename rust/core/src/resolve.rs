//! Complete or unwind: what each would cost now, and which it shall be.
//!
//! Supplement trades the missing legs toward the sets that the most advanced leg stands for; its
//! cost is how much worse the books are now than the prices the decision leaned on, plus fees.
//! Unwind trades the advanced legs back to the sets that every leg stands for; its cost is how much
//! worse the books are now than the prices that were paid, plus fees. Both add a cost of waiting:
//! how far the price may move while the order is on its way, for all of it, and what crossing the
//! present touch once more would cost for the quantity that the books cannot supply at once, since
//! that part has to be asked for again.

use crate::num::{Money, Price, Side, div_ceil, div_floor};
use crate::quote::{Kind, LegFacts, LegLots, Purpose, Repair};

/// What a quantity of a leg was priced at when it was decided or traded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// Lots, zero or more.
    pub lots: i64,
    /// Σ price × lots, in ticks × lots.
    pub cost: i128,
}

impl Basis {
    /// The value of `lots` at the average of this basis, rounded up for a buyer's sake.
    fn of(&self, lots: i64) -> Option<i128> {
        (self.lots > 0).then(|| div_ceil(self.cost * i128::from(lots), i128::from(self.lots)))
    }
}

/// The two costs and what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Expected cost of supplementing; `None` when it cannot be done now.
    pub supplement: Option<Money>,
    /// Expected cost of unwinding; `None` when it cannot be done now.
    pub unwind: Option<Money>,
    /// What to do.
    pub verdict: Verdict,
}

/// What repair shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This.
    Do(Purpose),
    /// Neither can be done now; wait within the attempt's time.
    Wait,
    /// What could be done costs more than may be lost.
    OverBudget,
}

/// Chooses between the costs of the two goals, within `budget` and what the hedge permits; at equal
/// cost an attempt on sets goes forward, since it ends with what was wanted, and a Trim back, since
/// what it adds would have to be given back one day.
#[must_use]
pub fn choose(
    supplement: Option<Money>,
    unwind: Option<Money>,
    permitted: Repair,
    budget: Money,
    kind: Kind,
) -> Choice {
    let may = |cost: Option<Money>, repair: Repair| {
        cost.filter(|_| permitted == Repair::CheaperOf || permitted == repair)
    };
    let complete = may(supplement, Repair::Supplement);
    let back = may(unwind, Repair::Unwind);
    let within = |cost: Option<Money>| cost.filter(|cost| *cost <= budget);
    let verdict = match (within(complete), within(back)) {
        (Some(complete), Some(back))
            if complete < back || (complete == back && kind != Kind::Trim) =>
        {
            Verdict::Do(Purpose::Supplement)
        }
        (Some(_), None) => Verdict::Do(Purpose::Supplement),
        (Some(_) | None, Some(_)) => Verdict::Do(Purpose::Unwind),
        (None, None) => {
            // What cannot be done now may become possible; what costs too much is the end.
            let waits = |cost: Option<Money>, repair: Repair| {
                cost.is_none() && (permitted == Repair::CheaperOf || permitted == repair)
            };
            if waits(supplement, Repair::Supplement) || waits(unwind, Repair::Unwind) {
                Verdict::Wait
            } else {
                Verdict::OverBudget
            }
        }
    };
    Choice { supplement, unwind, verdict }
}

/// What trading from `held` to `goal` would cost against `basis` (by leg), `None` when a leg that
/// has to trade cannot.
#[must_use]
pub fn cost(
    held: &LegLots,
    goal: &LegLots,
    legs: &[LegFacts],
    basis: &[Basis],
    back: &[Basis],
    forward: &[Side],
) -> Option<Money> {
    let mut total = Money::ZERO;
    for ((((held, goal), facts), (ahead, behind)), forward) in
        held.iter().zip(goal).zip(legs).zip(basis.iter().zip(back)).zip(forward)
    {
        let lots = goal - held;
        let Some(side) = Side::of(lots) else { continue };
        let against = if side == *forward { ahead } else { behind };
        total += leg_cost(facts, side, lots.abs(), against)?;
    }
    Some(total)
}

/// What trading `lots` of a leg, at least one, would cost; `None` when none can be traded now.
fn leg_cost(facts: &LegFacts, side: Side, lots: i64, against: &Basis) -> Option<Money> {
    let walk = pick(&facts.walk, side).filter(|walk| !walk.qty.is_zero())?;
    if !facts.blocked.is_none() {
        return None;
    }
    let there = walk.qty.get().min(lots);
    // A walk of more than is needed is taken at its average: deeper is never better, so this errs
    // against us.
    let (num, den) = (walk.cost * i128::from(there), i128::from(walk.qty.get()));
    let priced = match side {
        Side::Buy => div_ceil(num, den),
        Side::Sell => div_floor(num, den),
    };
    // Without a basis (a residual of an earlier attempt) the touch is what the walk is held to.
    let touch = pick(&facts.touch, side).map_or(priced, |price| product(price, there));
    let leaned_on = against.of(there).unwrap_or(touch);
    let worse = i128::from(side.sign()) * (priced - leaned_on);
    let missing = lots - there;
    let crossing = match (pick(&facts.touch, side), pick(&facts.touch, side.flip())) {
        (Some(ours), Some(theirs)) => i128::from(side.sign()) * i128::from(ours.0 - theirs.0),
        _ => 0,
    };
    let moves = i128::from(facts.waiting) * i128::from(lots);
    let waiting = moves + crossing.max(0) * i128::from(missing);
    let ticks_lots = worse + waiting;
    Some(Money(facts.tick_value.0 * ticks_lots) + pick(&facts.fee, side))
}

fn product(price: Price, lots: i64) -> i128 {
    i128::from(price.0) * i128::from(lots)
}

fn pick<T: Copy>(pair: &[T; 2], side: Side) -> T {
    let [buy, sell] = *pair;
    match side {
        Side::Buy => buy,
        Side::Sell => sell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::Qty;
    use crate::quote::{Blocked, Walk};

    #[test]
    fn the_cheaper_within_budget_is_chosen() {
        let money = |units: i64| Some(Money::units(units));
        for (supplement, unwind, permitted, budget, expected) in [
            (money(3), money(5), Repair::CheaperOf, 9, Verdict::Do(Purpose::Supplement)),
            (money(5), money(3), Repair::CheaperOf, 9, Verdict::Do(Purpose::Unwind)),
            (money(3), money(3), Repair::CheaperOf, 9, Verdict::Do(Purpose::Supplement)),
            (money(5), money(3), Repair::Supplement, 9, Verdict::Do(Purpose::Supplement)),
            (money(3), money(5), Repair::Unwind, 9, Verdict::Do(Purpose::Unwind)),
            (None, money(5), Repair::CheaperOf, 9, Verdict::Do(Purpose::Unwind)),
            (None, money(5), Repair::Supplement, 9, Verdict::Wait),
            (None, money(50), Repair::CheaperOf, 9, Verdict::Wait),
            (money(10), money(10), Repair::CheaperOf, 9, Verdict::OverBudget),
            (money(9), money(10), Repair::CheaperOf, 9, Verdict::Do(Purpose::Supplement)),
            (None, None, Repair::CheaperOf, 9, Verdict::Wait),
            // What is not permitted is not waited for.
            (None, money(50), Repair::Unwind, 9, Verdict::OverBudget),
            (money(50), None, Repair::Supplement, 9, Verdict::OverBudget),
            (money(50), None, Repair::Unwind, 9, Verdict::Wait),
        ] {
            let choice = choose(supplement, unwind, permitted, Money::units(budget), Kind::Enter);
            assert_eq!(choice.verdict, expected, "{supplement:?} {unwind:?} {permitted:?}");
        }
        let trim = |supplement, unwind| {
            let (permitted, budget) = (Repair::CheaperOf, Money::units(9));
            choose(money(supplement), money(unwind), permitted, budget, Kind::Trim).verdict
        };
        assert_eq!(trim(3, 3), Verdict::Do(Purpose::Unwind));
        assert_eq!(trim(2, 3), Verdict::Do(Purpose::Supplement));
    }

    #[test]
    fn a_cost_is_how_much_worse_the_books_are_and_fees() {
        let walk = Walk { qty: Qty::new(4).unwrap(), cost: 404, worst: Price(102), marginal: None };
        let mut facts = LegFacts {
            walk: [Some(walk), None],
            touch: [Some(Price(100)), Some(Price(99))],
            fee: [Money(7), Money::ZERO],
            tick_value: Money(10),
            blocked: Blocked::NONE,
            ..LegFacts::UNKNOWN
        };
        let basis = Basis { lots: 6, cost: 600 };
        // 4 of 6 lots are there, 4 ticks worse in all, and 2 lots wait at a touch one tick wide.
        assert_eq!(leg_cost(&facts, Side::Buy, 6, &basis), Some(Money(10 * (4 + 2) + 7)));
        assert_eq!(leg_cost(&facts, Side::Sell, 6, &basis), None);
        // A price that may move by three ticks meanwhile is waited for with all six.
        facts.waiting = 3;
        let moves = 3 * 6;
        let cost = Some(Money(10 * (4 + 2 + moves) + 7));
        assert_eq!(leg_cost(&facts, Side::Buy, 6, &basis), cost);
        facts.blocked = Blocked::PHASE;
        assert_eq!(leg_cost(&facts, Side::Buy, 6, &basis), None);
    }

    fn walk(lots: i64, cost: i128) -> Walk {
        Walk { qty: Qty::new(lots).unwrap(), cost, worst: Price(0), marginal: None }
    }

    /// 4 lots are asked for at 404 in all and bid for at 391; the touch is three ticks wide.
    fn leg() -> LegFacts {
        LegFacts {
            walk: [Some(walk(4, 404)), Some(walk(4, 391))],
            touch: [Some(Price(101)), Some(Price(98))],
            fee: [Money(7), Money(5)],
            tick_value: Money(10),
            blocked: Blocked::NONE,
            ..LegFacts::UNKNOWN
        }
    }

    #[test]
    fn a_seller_pays_for_lower_prices_and_crosses_the_same_touch() {
        let basis = Basis { lots: 8, cost: 800 };
        let sell = |lots| leg_cost(&leg(), Side::Sell, lots, &basis);
        // Half of the walk, 97.75 a lot, down to a whole tick: 195 against 200.
        assert_eq!(sell(2), Some(Money(10 * 5 + 5)));
        assert_eq!(sell(4), Some(Money(10 * 9 + 5)));
        // Two lots that are not there cross three ticks each.
        assert_eq!(sell(6), Some(Money(10 * (9 + 2 * 3) + 5)));
        // A side without a price has no touch to cross.
        let one_sided = LegFacts { touch: [None, Some(Price(98))], ..leg() };
        assert_eq!(leg_cost(&one_sided, Side::Sell, 6, &basis), Some(Money(10 * 9 + 5)));
        // Nor is a crossed one crossed for a gain.
        let crossed = LegFacts { touch: [Some(Price(97)), Some(Price(98))], ..leg() };
        assert_eq!(leg_cost(&crossed, Side::Sell, 6, &basis), Some(Money(10 * 9 + 5)));
    }

    #[test]
    fn without_a_basis_the_touch_is_what_the_walk_is_held_to() {
        let none = Basis::default();
        let buy = |facts| leg_cost(&facts, Side::Buy, 4, &none);
        assert_eq!(buy(LegFacts { touch: [Some(Price(99)); 2], ..leg() }), Some(Money(10 * 8 + 7)));
        assert_eq!(leg_cost(&leg(), Side::Sell, 4, &none), Some(Money(10 + 5)));
        assert_eq!(buy(LegFacts { touch: [None; 2], ..leg() }), Some(Money(7)));
        assert_eq!(buy(LegFacts { walk: [Some(walk(0, 0)), None], ..leg() }), None);
    }

    /// A leg that goes on is held to what the decision leaned on, one that goes back to what was
    /// paid for it; a leg at its goal costs nothing, whatever its book.
    #[test]
    fn the_cost_of_a_goal_is_that_of_every_leg_that_trades() {
        let legs = [leg(), leg(), LegFacts::UNKNOWN];
        let ahead = [Basis { lots: 1, cost: 100 }; 3];
        let behind = [90, 95, 0].map(|cost| Basis { lots: 1, cost });
        let forward = [Side::Buy, Side::Sell, Side::Buy];
        let of = |held: [i64; 3], goal: [i64; 3]| {
            let lots =
                |rows: [i64; 3]| std::array::from_fn(|at| rows.get(at).copied().unwrap_or(0));
            cost(&lots(held), &lots(goal), &legs, &ahead, &behind, &forward)
        };
        assert_eq!(of([5, 5, 5], [5, 5, 5]), Some(Money::ZERO));
        // Forward: 404 against 400 bought, 391 against 400 sold.
        assert_eq!(of([1, -1, 5], [5, -5, 5]), Some(Money(10 * (4 + 9) + 7 + 5)));
        // Back: 391 against 360 sold, 404 against 380 bought.
        assert_eq!(of([5, -5, 5], [1, -1, 5]), Some(Money(10 * (-31 + 24) + 7 + 5)));
        assert_eq!(of([1, -1, 5], [5, -5, 6]), None);
    }
}

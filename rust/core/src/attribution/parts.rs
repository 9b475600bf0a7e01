//! The parts up to a moment: what came in, what is held at its mark, and both converted.

use std::collections::BTreeMap;

use super::exact::Exact;
use super::{Attribution, Cause, Flow, Key, Rate, Row};
use crate::engine::Engine;
use crate::ids::{AccountId, CurrencyId, HedgeId, InstrumentId};
use crate::num::Money;
use crate::time::Day;

/// Parts up to some moment: of each key and currency, the amount and the own amount.
pub(super) type Parts = BTreeMap<(Key, CurrencyId), [i128; 2]>;

#[expect(clippy::indexing_slicing, reason = "ids of the configuration that it was made from")]
impl Attribution {
    /// Every part up to now: what came in, what is held at its mark, rates, dust.
    pub(super) fn parts(&self, engine: &Engine) -> Parts {
        let mut flows = self.flows.clone();
        let mut lots: BTreeMap<(AccountId, InstrumentId), [i128; 2]> = BTreeMap::new();
        let mut marks: BTreeMap<Key, i128> = BTreeMap::new();
        let mut mark = |key: Key, value: i128| *marks.entry(key).or_default() += value;
        for (hedge, held) in self.held.pairs() {
            let plan = &engine.config().hedges[hedge].plan;
            for (held, leg) in held.iter().zip(&plan.legs).filter(|(_, leg)| leg.lots.num() != 0) {
                let own_currency = engine.config().accounts[leg.account].currency;
                let key =
                    |cause| Key { hedge: Some(hedge), account: leg.account, cause, own_currency };
                let all = self.marked(engine, leg.instrument, i128::from(*held), 1);
                let aligned = i128::from(leg.side.sign()) * self.aligned[hedge];
                let basis =
                    self.marked(engine, leg.instrument, aligned, i128::from(leg.units.max(1)));
                mark(key(Cause::Basis), basis);
                mark(key(Cause::Residual), all.saturating_sub(basis));
                let sum = lots.entry((leg.account, leg.instrument)).or_default();
                *sum = [sum[0] + i128::from(*held), sum[1] + all];
            }
        }
        for ((account, instrument), held) in &self.unassigned {
            let own_currency = engine.config().instruments[*instrument].currency;
            let value = self.marked(engine, *instrument, i128::from(*held), 1);
            let key =
                Key { hedge: None, account: *account, cause: Cause::Unassigned, own_currency };
            mark(key, value);
            let sum = lots.entry((*account, *instrument)).or_default();
            *sum = [sum[0] + i128::from(*held), sum[1] + value];
        }
        // A position is marked as one; its owners' marks were each rounded down.
        for ((account, instrument), [held, marked]) in lots {
            let own_currency = engine.config().instruments[instrument].currency;
            let key = Key { hedge: None, account, cause: Cause::Dust, own_currency };
            mark(key, self.marked(engine, instrument, held, 1) - marked);
        }
        for key in marks.keys() {
            flows.entry(*key).or_default();
        }
        self.converted(engine, &flows, &marks)
    }

    /// The same with what each part is in its hedge's currency.
    fn converted(
        &self,
        engine: &Engine,
        flows: &BTreeMap<Key, Flow>,
        marks: &BTreeMap<Key, i128>,
    ) -> Parts {
        let mut parts = Parts::new();
        // By hedge and account: what came in, the same converted, all of it, and the rows' sum.
        let mut sums: BTreeMap<(HedgeId, AccountId), Sum> = BTreeMap::new();
        for (key, flow) in flows {
            let marked = marks.get(key).copied().unwrap_or(0);
            let own = flow.own.saturating_add(marked);
            let rate = key.hedge.and_then(|of| Attribution::rate_of(engine, of, key.account));
            let twice = rate.and_then(|rate| self.rate_now(engine, &rate));
            let (Some(hedge), Some(rate), Some(_)) = (key.hedge, rate, twice) else {
                parts.insert((*key, key.own_currency), [own, own]);
                continue;
            };
            let currency = engine.config().hedges[hedge].plan.currency;
            let amount = flow.told.plus(rate.told(marked, twice), rate.den).whole;
            parts.insert((*key, currency), [amount, own]);
            let sum = sums.entry((hedge, key.account)).or_insert_with(|| Sum::new(rate, twice));
            sum.came = sum.came.saturating_add(flow.own);
            sum.told = sum.told.plus(flow.told, rate.den);
            sum.all = sum.all.saturating_add(own);
            sum.rows = sum.rows.saturating_add(amount);
        }
        for ((hedge, account), sum) in sums {
            let currency = engine.config().hedges[hedge].plan.currency;
            let own_currency = engine.config().accounts[account].currency;
            let key = |cause| Key { hedge: Some(hedge), account, cause, own_currency };
            let fx = sum.rate.told(sum.came, sum.twice).less(sum.told);
            let dust = sum.rate.told(sum.all, sum.twice).whole - sum.rows.saturating_add(fx);
            parts.insert((key(Cause::Fx), currency), [fx, 0]);
            parts.insert((key(Cause::Dust), currency), [dust, 0]);
        }
        parts
    }
}

/// What a hedge did in an account.
struct Sum {
    rate: Rate,
    twice: Option<i128>,
    came: i128,
    told: Exact,
    all: i128,
    rows: i128,
}

impl Sum {
    fn new(rate: Rate, twice: Option<i128>) -> Sum {
        Sum { rate, twice, came: 0, told: Exact::default(), all: 0, rows: 0 }
    }
}

/// What a day has brought: the parts at its end less those at its beginning.
pub(super) fn difference(day: Day, after: &Parts, before: &Parts) -> Vec<Row> {
    let mut rows = Vec::new();
    let old = before.keys().filter(|key| !after.contains_key(key));
    for of in after.keys().chain(old) {
        let [amount, own] = after.get(of).copied().unwrap_or_default();
        let [was, own_was] = before.get(of).copied().unwrap_or_default();
        let (amount, own_amount) = (Money(amount - was), Money(own - own_was));
        if amount != Money::ZERO || own_amount != Money::ZERO {
            let (Key { hedge, account, cause, own_currency }, currency) = *of;
            let row =
                Row { day, hedge, account, cause, currency, amount, own_currency, own_amount };
            rows.push(row);
        }
    }
    rows
}

//! What a run looked like over time: signals, prices, usage and inventories.
//!
//! A watch looks at the engine after each event and keeps what changed in bounded series. After a
//! row of a book it does nothing unless the touch of that book moved.

use cross_market_core::book::Book;
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::event::Event;
use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId, LegId, Table};
use cross_market_core::merge::{Merged, Pair, leg_touch};
use cross_market_core::num::{Money, Price, Ratio, div_floor, div_nearest};
use cross_market_core::quote::LegPlan;
use cross_market_core::signal::{Band, Measure};
use cross_market_core::time::Time;

use crate::series::{Extent, Series};

/// One in the numbers of rows: 10¹².
const UNIT: i128 = 1_000_000_000_000;

/// The signal of a hedge between two moments, in 10⁻¹² of its measure, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalRow {
    /// Hedge.
    pub hedge: HedgeId,
    /// From this moment on.
    pub from: Time,
    /// Until before this one.
    pub until: Time,
    /// At the tops, trading toward +sets.
    pub enter: Extent,
    /// At the tops, trading toward −sets.
    pub exit: Extent,
}

/// The best prices of a leg between two moments, per common unit in the hedge's currency, in 10⁻¹²,
/// rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// Hedge.
    pub hedge: HedgeId,
    /// Leg.
    pub leg: LegId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// From this moment on.
    pub from: Time,
    /// Until before this one.
    pub until: Time,
    /// What selling at the best bid brings.
    pub bid: Extent,
    /// What buying at the best ask costs.
    pub ask: Extent,
}

/// The usage of an account between two moments, in 10⁻¹², rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Account.
    pub account: AccountId,
    /// From this moment on.
    pub from: Time,
    /// Until before this one.
    pub until: Time,
    /// (margin + held) ÷ balance; no value where the balance is not above zero.
    pub usage: Extent,
    /// The cap on it.
    pub cap: Extent,
}

/// What a hedge held from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InventoryRow {
    /// From when.
    pub now: Time,
    /// Hedge.
    pub hedge: HedgeId,
    /// Signed sets.
    pub sets: i64,
    /// In common units over the plan's `unit_den`.
    pub residual: i128,
}

/// A hedge as it is watched.
#[derive(Clone, Debug)]
struct Watched {
    measure: Measure,
    denominator: i128,
    legs: Vec<LegPlan>,
    signal: Series<2>,
    prices: Vec<Series<2>>,
    inventory: Option<(i64, i128)>,
}

/// What a run looked like over time.
#[derive(Clone, Debug)]
pub struct Watch {
    until: Time,
    touches: Table<InstrumentId, Option<[Price; 2]>>,
    /// Hedges that read an instrument.
    readers: Table<InstrumentId, Vec<HedgeId>>,
    hedges: Table<HedgeId, Watched>,
    usage: Table<AccountId, Series<2>>,
    inventory: Vec<InventoryRow>,
}

#[expect(clippy::indexing_slicing, reason = "ids of the configuration that it was made from")]
impl Watch {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(config: &Config) -> Watch {
        let mut readers = Table::new(vec![Vec::new(); config.instruments.len()]);
        for (id, hedge) in config.hedges.pairs() {
            for leg in &hedge.plan.legs {
                for instrument in [Some(leg.instrument), leg.fx].into_iter().flatten() {
                    let list: &mut Vec<HedgeId> = &mut readers[instrument];
                    if list.last() != Some(&id) {
                        list.push(id);
                    }
                }
            }
        }
        let hedges = config.hedges.iter().map(|hedge| Watched {
            measure: hedge.rule.measure,
            denominator: i128::from(hedge.plan.denominator),
            legs: hedge.plan.legs.clone(),
            signal: Series::default(),
            prices: vec![Series::default(); hedge.plan.legs.len()],
            inventory: None,
        });
        Watch {
            until: Time::EARLIEST,
            touches: Table::new(vec![None; config.instruments.len()]),
            readers,
            hedges: Table::new(hedges.collect()),
            usage: Table::new(vec![Series::default(); config.accounts.len()]),
            inventory: Vec::new(),
        }
    }

    /// Looks at the engine after an event that it took.
    #[inline]
    pub fn step(&mut self, engine: &Engine, now: Time, event: &Event, effect: Effect) {
        self.until = now;
        match (effect, event) {
            (Effect::Market, Event::Book(change)) if change.row.is_last() => {
                self.row(engine, now, change.instrument);
            }
            (Effect::Market, _) => {}
            (Effect::Decision, _) => self.decision(engine, now),
        }
    }

    /// The last row of a message of this instrument.
    #[inline]
    fn row(&mut self, engine: &Engine, now: Time, instrument: InstrumentId) {
        let touch = engine.book(instrument).and_then(Book::touch);
        if touch != self.touches[instrument] {
            self.touches[instrument] = touch;
            for hedge in &self.readers[instrument] {
                self.hedges[*hedge].look(engine, now, *hedge, &self.touches);
            }
        }
    }

    #[inline(never)]
    fn decision(&mut self, engine: &Engine, now: Time) {
        for (instrument, touch) in engine.config().instruments.ids().zip(self.touches.iter_mut()) {
            *touch = engine.book(instrument).and_then(Book::touch);
        }
        for (id, hedge) in engine.config().hedges.ids().zip(self.hedges.iter_mut()) {
            hedge.look(engine, now, id, &self.touches);
            let (sets, residual) = (engine.sets(id), engine.residual(id));
            if hedge.inventory != Some((sets, residual)) {
                hedge.inventory = Some((sets, residual));
                self.inventory.push(InventoryRow { now, hedge: id, sets, residual });
            }
        }
        for (account, series) in engine.config().accounts.ids().zip(self.usage.iter_mut()) {
            let used = engine.funds().margin(account) + engine.held(account);
            let balance = engine.funds().balance(account);
            let usage = (balance > Money::ZERO).then(|| quotient(used.0, balance.0)).flatten();
            let cap = engine.policy().accounts[account].usage_cap;
            series.push(now, [usage, quotient(i128::from(cap.num()), i128::from(cap.den()))]);
        }
    }

    /// The signals of all hedges over time.
    pub fn signals(&self) -> impl Iterator<Item = SignalRow> {
        self.hedges.pairs().flat_map(|(hedge, watched)| {
            watched.signal.rows(self.until).map(move |(bucket, until)| {
                let [enter, exit] = bucket.extents.map(|extent| match watched.measure {
                    Measure::Ratio | Measure::GrossRatio => extent,
                    Measure::Spread | Measure::CounterPrice | Measure::Estimate => {
                        over(extent, watched.denominator)
                    }
                });
                SignalRow { hedge, from: bucket.from, until, enter, exit }
            })
        })
    }

    /// The best prices of all legs over time.
    pub fn prices(&self) -> impl Iterator<Item = PriceRow> {
        self.hedges.pairs().flat_map(move |(hedge, watched)| {
            let legs = watched.legs.iter().zip(&watched.prices).enumerate();
            legs.flat_map(move |(at, (leg, series))| {
                series.rows(self.until).map(move |(bucket, until)| {
                    let [bid, ask] = bucket.extents.map(|extent| over(extent, watched.denominator));
                    let (leg, instrument) = (LegId::at(at), leg.instrument);
                    PriceRow { hedge, leg, instrument, from: bucket.from, until, bid, ask }
                })
            })
        })
    }

    /// The usage of all accounts over time.
    pub fn usage(&self) -> impl Iterator<Item = UsageRow> {
        self.usage.pairs().flat_map(|(account, series)| {
            series.rows(self.until).map(move |(bucket, until)| {
                let [usage, cap] = bucket.extents;
                UsageRow { account, from: bucket.from, until, usage, cap }
            })
        })
    }

    /// What every hedge held, from the first event on.
    #[must_use]
    pub fn inventory(&self) -> &[InventoryRow] {
        &self.inventory
    }

    /// The highest usage of an account so far, in 10⁻¹², rounded down.
    #[must_use]
    pub fn peak(&self, account: AccountId) -> Option<i128> {
        let buckets = self.usage[account].rows(self.until);
        buckets.filter_map(|(bucket, _)| bucket.extents[0].ends).map(|[_, high]| high).max()
    }
}

impl Watched {
    /// Looks at the prices of every leg, and at what they come to.
    fn look(
        &mut self,
        engine: &Engine,
        now: Time,
        hedge: HedgeId,
        touches: &Table<InstrumentId, Option<[Price; 2]>>,
    ) {
        let mut merged = Some(Merged::default());
        for (leg, series) in self.legs.iter().zip(&mut self.prices) {
            let touch = leg_touch(leg, |instrument| touches[instrument]);
            let [bid, ask] = [touch.map(|[bid, _]| bid), touch.map(|[_, ask]| ask)];
            series.push(now, [bid, ask]);
            if let (Some(merged), Some(touch)) = (&mut merged, touch) {
                merged.add(leg, touch);
            } else {
                merged = None;
            }
        }
        let shift = match self.measure {
            Measure::Estimate => engine.signals().estimated(hedge, now),
            Measure::Spread | Measure::CounterPrice | Measure::Ratio | Measure::GrossRatio => {
                Some(0)
            }
        };
        let value = |pair: &Pair| match self.measure {
            Measure::Ratio | Measure::GrossRatio => quotient(pair.sold, pair.bought),
            Measure::Spread | Measure::CounterPrice => Some(pair.difference()),
            // An estimate is in 10⁻⁹; the product of two 64-bit numbers fits.
            Measure::Estimate => shift.map(|shift| {
                let shift = i128::from(shift) * self.denominator;
                pair.difference() - div_floor(shift, 1_000_000_000)
            }),
        };
        let values = [merged.map(|merged| merged.enter), merged.map(|merged| merged.exit)];
        let values = values.map(|pair| pair.as_ref().and_then(value));
        self.signal.push(now, values);
    }
}

/// `num ÷ den` in 10⁻¹², rounded down; `None` for no quotient, or one too large to be told.
fn quotient(num: i128, den: i128) -> Option<i128> {
    if den <= 0 {
        return None;
    }
    if let Some(scaled) = num.checked_mul(UNIT) {
        return Some(div_floor(scaled, den));
    }
    let whole = div_floor(num, den);
    let rest = (num - whole * den).checked_mul(UNIT)?;
    whole.checked_mul(UNIT)?.checked_add(div_floor(rest, den))
}

fn over(extent: Extent, denominator: i128) -> Extent {
    let value = |value: i128| quotient(value, denominator);
    let ends = extent.ends.and_then(|[low, high]| Some([value(low)?, value(high)?]));
    Extent { ends, last: extent.last.and_then(value) }
}

/// The bounds of a band in 10⁻¹², to the nearest: where it enters and where it gives back.
#[must_use]
pub fn bounds(band: Option<&Band>) -> [Option<i128>; 2] {
    let shown = |bound: Ratio| div_nearest(i128::from(bound.num()) * UNIT, i128::from(bound.den()));
    [band.map(|band| shown(band.enter)), band.map(|band| shown(band.exit))]
}

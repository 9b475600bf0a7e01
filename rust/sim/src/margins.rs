//! Margin by lot, on the larger side and by dated steps: runs that have it, and what an account then
//! owes.

use std::collections::BTreeMap;

use cross_market_core::config::Config;
use cross_market_core::funds::Freezes;
use cross_market_core::ids::{AccountId, Id, InstrumentId, ProductId};
use cross_market_core::instrument::{
    HedgeFlag, Instrument, MarginRate, MarginStep, Netting, Settlement,
};
use cross_market_core::margin::offset::{Offset, Offsets};
use cross_market_core::num::{Money, Ratio, Side};
use cross_market_core::time::{Day, Time};

use crate::random::Random;

/// Charges some venues' contracts on the larger side and some contracts by lot. From a stream of its
/// own, so that all others stay as they are.
pub(crate) fn draw(seed: u64, config: &mut Config) {
    let mut random = Random::stream(seed, 17);
    if random.below(2) == 0 {
        return;
    }
    let larger: Vec<bool> = config.venues.iter().map(|_| random.below(3) > 0).collect();
    for of in config.instruments.iter_mut() {
        of.larger_side = larger.get(usize::from(of.venue.0)).copied().unwrap_or(false);
        if of.settlement != Settlement::Upfront && random.below(4) == 0 {
            of.margin.long_per_lot = Money::units(random.between(0, 20));
            of.margin.short_per_lot = Money::units(random.between(0, 20));
        }
        for own in &mut of.flag_margins {
            if of.settlement != Settlement::Upfront && random.below(8) == 0 {
                let rate = |hundredths| Ratio::new(hundredths, 100).unwrap_or(Ratio::ONE);
                let (long, short) = (random.between(3, 20), random.between(3, 20));
                let floor = of.margin.floor_per_lot;
                *own = Some(MarginRate::of_value(rate(long.into()), rate(short.into()), floor));
            }
        }
    }
}

/// Announces margin that comes with the settlement of some days: of one before the run, of those that
/// it may settle, of one that it never does. From a stream of its own, so that all others stay as they
/// are.
pub(crate) fn draw_steps(seed: u64, config: &mut Config, start: Time) {
    let mut random = Random::stream(seed, 24);
    if random.below(3) > 0 {
        return;
    }
    let first = start.date();
    let rate = |random: &mut Random| {
        let mut share = || Ratio::new(random.between(3, 25).into(), 100).unwrap_or(Ratio::ONE);
        MarginRate::of_value(share(), share(), Money::ZERO)
    };
    for of in config.instruments.iter_mut() {
        if of.settlement == Settlement::Upfront || random.below(2) == 0 {
            continue;
        }
        for days in [-1, 0, 1, 2, 9] {
            let [own, ..] = of.flag_margins;
            let flag = own.and((random.below(2) == 0).then_some(HedgeFlag::Speculation));
            if random.below(2) == 0 {
                let settles = Day(first.0 + days);
                of.margin_steps.push(MarginStep { settles, flag, rate: rate(&mut random) });
            }
        }
    }
}

/// The margin that is to come, by contract.
#[derive(Clone, Debug)]
pub(crate) struct ToCome {
    steps: Vec<Vec<MarginStep>>,
    date: Option<Day>,
}

impl ToCome {
    pub(crate) fn new(config: &Config) -> ToCome {
        let steps = config.instruments.iter().map(|of| of.margin_steps.clone()).collect();
        ToCome { steps, date: None }
    }

    /// A settlement brings what is of its day.
    pub(crate) fn settle(&mut self, id: InstrumentId, day: Day, rates: &mut [Rates]) {
        let at = id.index();
        let (Some(steps), Some(rates)) = (self.steps.get_mut(at), rates.get_mut(at)) else {
            return;
        };
        for step in steps.iter().filter(|step| step.settles <= day) {
            put(rates, step.flag, step.rate);
        }
        steps.retain(|step| step.settles > day);
    }

    /// A new date brings what is of days before it; on the first, what is of that day may be there.
    pub(crate) fn turn(&mut self, date: Day, rates: &mut [Rates]) {
        if self.date == Some(date) {
            return;
        }
        let is_first = self.date.replace(date).is_none();
        for at in 0..self.steps.len() {
            self.settle(InstrumentId::at(at), Day(date.0 - 1), rates);
            let steps = self.steps.get(at).into_iter().flatten();
            for step in steps.filter(|step| is_first && step.settles == date) {
                let Some(rates) = rates.get_mut(at) else { continue };
                let own = step.flag.and_then(|flag| rates.1.get(&flag).copied());
                let now = own.unwrap_or(rates.0);
                put(rates, step.flag, worse(now, step.rate));
            }
        }
    }
}

fn put(rates: &mut Rates, flag: Option<HedgeFlag>, rate: MarginRate) {
    match flag {
        None => rates.0 = rate,
        Some(flag) => {
            rates.1.insert(flag, rate);
        }
    }
}

fn worse(one: MarginRate, other: MarginRate) -> MarginRate {
    let share = |one: Ratio, other: Ratio| if one < other { other } else { one };
    MarginRate {
        long: share(one.long, other.long),
        short: share(one.short, other.short),
        long_per_lot: one.long_per_lot.max(other.long_per_lot),
        short_per_lot: one.short_per_lot.max(other.short_per_lot),
        floor_per_lot: one.floor_per_lot.max(other.floor_per_lot),
    }
}

/// Lets some accounts be at venues that freeze for their orders together. From a stream of its own.
pub(crate) fn draw_freezes(seed: u64, config: &mut Config) {
    let mut random = Random::stream(seed, 20);
    if random.below(2) == 0 {
        return;
    }
    for of in config.accounts.iter_mut() {
        if random.below(3) > 0 {
            of.terms.freezes = Freezes::Together;
        }
    }
}

/// Leaves some accounts a part of the margin of what stands against each other. From a stream of its
/// own.
pub(crate) fn draw_offsets(seed: u64, config: &mut Config) {
    let mut random = Random::stream(seed, 25);
    if random.below(2) == 0 {
        return;
    }
    for account in config.accounts.ids() {
        let legs = config.hedges.iter().flat_map(|hedge| hedge.widest().legs.iter());
        let mut contracts: Vec<InstrumentId> =
            legs.filter(|leg| leg.account == account).map(|leg| leg.instrument).collect();
        contracts.sort_unstable();
        contracts.dedup();
        contracts.retain(|id| {
            config.instruments.get(*id).is_some_and(|of| {
                let stands = matches!(of.settlement, Settlement::DailyVm | Settlement::OnClose(_));
                stands && !of.larger_side
            })
        });
        contracts.truncate(6);
        if contracts.len() < 2 {
            continue;
        }
        let rows = (0..random.between(1, 4)).map(|_| {
            let first = random.index(contracts.len());
            let second = (first + 1 + random.index(contracts.len() - 1)) % contracts.len();
            let sign = if random.below(2) == 0 { 1 } else { -1 };
            let legs =
                vec![(first, sign * random.between(1, 3)), (second, -sign * random.between(1, 3))];
            Offset { legs, credit: Money::units(random.between(1, 4_000)) }
        });
        let rows = rows.collect();
        if let Some(table) = config.offsets.get_mut(account) {
            *table = Offsets { contracts, rows };
        }
    }
}

/// What the table of an account leaves it for so many lots, by contract and side: each row takes what
/// it can of what is still there.
fn left(
    table: &Offsets,
    account: AccountId,
    lots: &dyn Fn(AccountId, InstrumentId, Side) -> i64,
) -> Money {
    let sides = [Side::Buy, Side::Sell];
    let of = |id: &InstrumentId| sides.map(|side| lots(account, *id, side));
    let mut there: Vec<[i64; 2]> = table.contracts.iter().map(of).collect();
    let mut total = 0;
    for row in &table.rows {
        for way in [1, -1] {
            loop {
                let mut next = there.clone();
                let fits = row.legs.iter().all(|(at, lots)| {
                    let side = usize::from(lots * way < 0);
                    let held = next.get_mut(*at).and_then(|sides| sides.get_mut(side));
                    held.is_some_and(|held| {
                        *held -= lots.abs();
                        *held >= 0
                    })
                });
                if !fits {
                    break;
                }
                (there, total) = (next, total + row.credit.0);
            }
        }
    }
    Money(total)
}

/// What an account would be left less if all that orders may close of one contract were closed, the
/// worst of its contracts.
pub(crate) fn breakable(
    config: &Config,
    account: AccountId,
    open: &dyn Fn(AccountId, InstrumentId, Side) -> (i64, i128),
    may: &dyn Fn(InstrumentId, Side) -> i64,
) -> Money {
    let Some(table) = config.offsets.get(account) else { return Money::ZERO };
    let now = left(table, account, &|account, id, side| open(account, id, side).0);
    let less = table.contracts.iter().map(|closed| {
        let then = left(table, account, &|account, id, side| {
            let lots = open(account, id, side).0;
            let gone = if id == *closed { may(id, side.flip()) } else { 0 };
            (lots - gone).max(0)
        });
        now - then
    });
    less.max().unwrap_or(Money::ZERO).max(Money::ZERO)
}

/// What orders that hold so much of an account's margin hold together: all of it, but in a netted
/// contract and in a product that is charged on its larger side only what the larger side grows by.
pub(crate) fn together(
    config: &Config,
    rates: &[Rates],
    account: AccountId,
    open: &dyn Fn(AccountId, InstrumentId, Side) -> (i64, i128),
    needs: &[(InstrumentId, Side, Money)],
) -> Money {
    let venue = config.accounts.get(account).and_then(|of| config.venues.get(of.venue));
    let nets = venue.is_some_and(|venue| venue.netting == Netting::Net);
    let mut plain = Money::ZERO;
    let mut groups: BTreeMap<(bool, usize), [[Money; 2]; 2]> = BTreeMap::new();
    for (id, of) in config.instruments.pairs() {
        let group = if of.larger_side { (true, of.product.index()) } else { (false, id.index()) };
        let own = needs.iter().filter(|(instrument, ..)| *instrument == id);
        if of.settlement == Settlement::Upfront || !(of.larger_side || nets) {
            plain += own.map(|(_, _, need)| *need).sum::<Money>();
            continue;
        }
        let only = |side| {
            let one = |account, instrument, at| {
                if (instrument, at) == (id, side) { open(account, instrument, at) } else { (0, 0) }
            };
            owed(config, rates, account, &one)
        };
        let sides = groups.entry(group).or_insert([[Money::ZERO; 2]; 2]);
        for (at, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
            let opens: Money =
                own.clone().filter(|(_, of, _)| *of == side).map(|(_, _, need)| *need).sum();
            if let Some([stands, grows]) = sides.get_mut(at) {
                *stands += only(side);
                *grows += only(side) + opens;
            }
        }
    }
    let of_group = |[[long, long_then], [short, short_then]]: &[[Money; 2]; 2]| {
        (*long_then).max(*short_then) - (*long).max(*short)
    };
    plain + groups.values().map(of_group).sum::<Money>()
}

/// The rates of a contract, and those of the flags that have their own.
pub(crate) type Rates = (MarginRate, BTreeMap<HedgeFlag, MarginRate>);

/// The rates that a run begins with.
pub(crate) fn rates(config: &Config) -> Vec<Rates> {
    let of = |instrument: &Instrument| -> Rates {
        let flags = [HedgeFlag::Speculation, HedgeFlag::Arbitrage, HedgeFlag::Hedge];
        let own = flags.into_iter().zip(instrument.flag_margins);
        let own = own.filter_map(|(flag, rate)| Some((flag, rate?)));
        (instrument.margin, own.collect())
    };
    config.instruments.iter().map(of).collect()
}

/// The rates of a contract for accounts of a flag.
pub(crate) fn of_flag(rates: &[Rates], id: InstrumentId, flag: HedgeFlag) -> MarginRate {
    let none = MarginRate::of_value(Ratio::ZERO, Ratio::ZERO, Money::ZERO);
    rates.get(id.index()).map_or(none, |(usual, own)| own.get(&flag).copied().unwrap_or(*usual))
}

/// The margin of an account whose open lots, by contract and side, are so many and have cost so much
/// in ticks × lots. Both sides are added up by contract, or by product where one side is charged.
pub(crate) fn owed(
    config: &Config,
    rates: &[Rates],
    account: AccountId,
    open: &dyn Fn(AccountId, InstrumentId, Side) -> (i64, i128),
) -> Money {
    let flag = config.accounts.get(account).map(|of| of.flag);
    let mut plain = 0;
    let mut products: BTreeMap<ProductId, [i128; 2]> = BTreeMap::new();
    for ((id, of), (usual, own)) in config.instruments.pairs().zip(rates) {
        if of.settlement == Settlement::Upfront {
            continue;
        }
        let rate = flag.and_then(|flag| own.get(&flag)).unwrap_or(usual);
        let sides = [
            (Side::Buy, rate.long, rate.long_per_lot),
            (Side::Sell, rate.short, rate.short_per_lot),
        ];
        let needs = sides.map(|(side, share, per_lot)| {
            let (lots, cost) = open(account, id, side);
            let (num, den) = (i128::from(share.num()), i128::from(share.den()));
            let value = (of.tick_value.0 * cost).abs();
            let by_value = (value * num + den - 1).div_euclid(den);
            let lots = i128::from(lots);
            (by_value + per_lot.0 * lots).max(rate.floor_per_lot.0 * lots)
        });
        if of.larger_side {
            let sums = products.entry(of.product).or_default();
            sums.iter_mut().zip(needs).for_each(|(sum, need)| *sum += need);
        } else {
            plain += needs.iter().sum::<i128>();
        }
    }
    let all = Money(plain + products.values().map(|[long, short]| *long.max(short)).sum::<i128>());
    let table = config.offsets.get(account);
    let lots = |account, id, side| open(account, id, side).0;
    (all - table.map_or(Money::ZERO, |of| left(of, account, &lots))).max(Money::ZERO)
}

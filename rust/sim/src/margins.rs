//! Margin by lot and on the larger side: runs that have it, and what an account then owes.

use std::collections::BTreeMap;

use cross_market_core::config::Config;
use cross_market_core::funds::Freezes;
use cross_market_core::ids::{AccountId, Id, InstrumentId, ProductId};
use cross_market_core::instrument::{HedgeFlag, Instrument, MarginRate, Netting, Settlement};
use cross_market_core::num::{Money, Ratio, Side};

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
    Money(plain + products.values().map(|[long, short]| *long.max(short)).sum::<i128>())
}

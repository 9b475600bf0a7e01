//! Configurations made in Rust: a small builder for simulations and tests.
//!
//! It computes what the configuration compiler computes (units, coefficients, tick values) in its
//! own few lines, so that the two can be compared.

use cross_market_core::config::{Account, Config, Counts, Grid, Hedge, Route, Venue};
use cross_market_core::funds::Terms;
use cross_market_core::gate::{
    AccountLimits, HedgeLimits, InstrumentLimits, Policy, SumResidual, VenueLimits,
};
use cross_market_core::ids::{
    AccountId, CurrencyId, HedgeId, Id, InstrumentId, ProductId, StrategyId, Table, VenueId,
};
use cross_market_core::instrument::{
    Fees, Instrument, MarginRate, Netting, PriceBand, Prompts, Settlement,
};
use cross_market_core::legging::Legging;
use cross_market_core::margin::offset::Offsets;
use cross_market_core::num::{Decimal, MONEY_PLACES, MONEY_UNIT, Money, Qty, Ratio, Side, gcd};
use cross_market_core::order::{HedgeFlag, TimeInForce};
use cross_market_core::phase::Phases;
use cross_market_core::quote::{Execution, HedgePlan, LegPlan, Repair, Size};
use cross_market_core::signal::Rule;
use cross_market_core::time::Span;

/// An instrument to be made.
#[derive(Clone, Debug)]
pub struct InstrumentSpec {
    /// Its name.
    pub name: String,
    /// Where it trades.
    pub venue: VenueId,
    /// Its goods.
    pub product: ProductId,
    /// Its currency.
    pub currency: CurrencyId,
    /// Value of one tick of one lot.
    pub tick_value: Money,
    /// What a trade does to money.
    pub settlement: Settlement,
    /// What trades cost.
    pub fees: Fees,
    /// Margin rates.
    pub margin: MarginRate,
    /// Today's price band.
    pub band: Option<PriceBand>,
    /// Its limits.
    pub limits: InstrumentLimits,
}

/// A leg to be made.
#[derive(Clone, Copy, Debug)]
pub struct LegSpec {
    /// What is traded.
    pub instrument: InstrumentId,
    /// In which account.
    pub account: AccountId,
    /// What +1 set does.
    pub side: Side,
    /// Common units of one lot.
    pub units_per_lot: Ratio,
    /// Weight of its price.
    pub weight: Ratio,
    /// The instrument that prices its currency in the hedge's.
    pub fx: Option<InstrumentId>,
}

/// A hedge to be made.
#[derive(Clone, Debug)]
pub struct HedgeSpec {
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: CurrencyId,
    /// Its legs; the lot ratio follows from their units.
    pub legs: Vec<LegSpec>,
    /// When it trades.
    pub rule: Rule,
    /// Its limits.
    pub limits: HedgeLimits,
}

/// A configuration in the making.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    currencies: Vec<String>,
    products: Vec<String>,
    venues: Vec<Venue>,
    accounts: Vec<(Account, AccountLimits)>,
    routes: Vec<Route>,
    instruments: Vec<(Instrument, InstrumentLimits)>,
    hedges: Vec<(Hedge, HedgeLimits)>,
    sums: Vec<SumResidual>,
}

/// A largest price that no market here comes near.
pub const PRICE_MAX: i64 = 10_000_000;
/// A largest size that no market here comes near.
pub const QTY_MAX: i64 = 1_000_000;

fn ratio(num: i128, den: i128) -> Ratio {
    match Ratio::new(num, den) {
        Ok(ratio) => ratio,
        Err(problem) => panic!("the ratio {num}/{den} of a setup is refused: {problem}"),
    }
}

fn narrow(wide: i128) -> i64 {
    let Ok(value) = i64::try_from(wide) else {
        panic!("a coefficient of a setup is beyond 64 bits: {wide}");
    };
    value
}

impl Setup {
    /// Nothing configured.
    #[must_use]
    pub fn new() -> Setup {
        Setup::default()
    }

    /// Adds a currency.
    pub fn currency(&mut self, name: &str) -> CurrencyId {
        self.currencies.push(name.to_owned());
        CurrencyId::at(self.currencies.len() - 1)
    }

    /// Adds a kind of goods.
    pub fn product(&mut self, name: &str) -> ProductId {
        self.products.push(name.to_owned());
        ProductId::at(self.products.len() - 1)
    }

    /// Adds a venue.
    pub fn venue(&mut self, venue: Venue) -> VenueId {
        self.venues.push(venue);
        VenueId::at(self.venues.len() - 1)
    }

    /// Adds an account.
    pub fn account(
        &mut self,
        name: &str,
        venue: VenueId,
        currency: CurrencyId,
        limits: AccountLimits,
    ) -> AccountId {
        let account = Account {
            name: name.to_owned(),
            venue,
            currency,
            island: "one".to_owned(),
            flag: HedgeFlag::Arbitrage,
            cash_tolerance: Money::ZERO,
            entity: "desk".to_owned(),
            group: "desk".to_owned(),
            terms: Terms::PLAIN,
        };
        self.accounts.push((account, limits));
        AccountId::at(self.accounts.len() - 1)
    }

    /// Adds an instrument.
    pub fn instrument(&mut self, spec: InstrumentSpec) -> InstrumentId {
        let instrument = Instrument {
            name: spec.name,
            venue: spec.venue,
            product: spec.product,
            currency: spec.currency,
            tick_value: spec.tick_value,
            settlement: spec.settlement,
            prompts: Prompts::default(),
            fees: spec.fees,
            margin: spec.margin,
            flag_margins: [None; 3],
            maintenance: Ratio::ONE,
            margin_steps: Vec::new(),
            larger_side: false,
            phases: Phases::always(),
            band: spec.band,
            own_in_book: false,
            min_qty: Qty::of(1),
            price_max: PRICE_MAX,
            qty_max: QTY_MAX,
        };
        self.instruments.push((instrument, spec.limits));
        InstrumentId::at(self.instruments.len() - 1)
    }

    fn listed(&self, instrument: InstrumentId) -> &Instrument {
        match self.instruments.get(instrument.index()) {
            Some((instrument, _)) => instrument,
            None => panic!("instrument {} is not in the setup", instrument.0),
        }
    }

    /// Adds a hedge: `lots` of a leg = largest units ÷ its units, so one set is one lot of the
    /// coarsest leg; price coefficients are exact over one denominator.
    pub fn hedge(&mut self, spec: HedgeSpec) -> HedgeId {
        let unit_den =
            spec.legs.iter().fold(1, |den, leg| lcm(den, i128::from(leg.units_per_lot.den())));
        let units = |leg: &LegSpec| {
            let whole = unit_den / i128::from(leg.units_per_lot.den());
            i128::from(leg.units_per_lot.num()) * whole
        };
        let set_units = spec.legs.iter().map(units).max().unwrap_or(1);
        let coefficients: Vec<Ratio> = spec.legs.iter().map(|leg| self.coefficient(leg)).collect();
        let denominator = coefficients.iter().fold(1, |den, c| lcm(den, i128::from(c.den())));
        let legs = spec.legs.iter().zip(&coefficients).map(|(leg, coefficient)| {
            let tick = self.tick_money(leg);
            LegPlan {
                instrument: leg.instrument,
                account: leg.account,
                side: leg.side,
                lots: ratio(set_units, units(leg)),
                units: narrow(units(leg)),
                coef: narrow(
                    i128::from(coefficient.num()) * (denominator / i128::from(coefficient.den())),
                ),
                fx: leg.fx,
                tick_num: tick.num(),
                tick_den: tick.den(),
            }
        });
        let plan = HedgePlan {
            name: spec.name,
            priority: 0,
            currency: spec.currency,
            legs: legs.collect(),
            denominator: narrow(denominator),
            unit_den: narrow(unit_den),
            set_units: narrow(set_units),
        };
        self.hedges.push((
            Hedge {
                plan,
                rule: spec.rule,
                roll: None,
                tolerance: Ratio::ZERO,
                strategy: Some(StrategyId(0)),
            },
            spec.limits,
        ));
        HedgeId::at(self.hedges.len() - 1)
    }

    /// Value of one tick of one lot (for one tick of FX) in 10⁻⁹ of the hedge's currency.
    fn tick_money(&self, leg: &LegSpec) -> Ratio {
        let own = self.listed(leg.instrument).tick_value.0;
        match leg.fx {
            None => ratio(own, 1),
            // The FX tick is in 10⁻⁹ of the hedge's currency per unit of the foreign one.
            Some(fx) => ratio(own * self.listed(fx).tick_value.0, MONEY_UNIT),
        }
    }

    /// weight × tick value ÷ units of a lot: the weighted price of a common unit for one tick.
    fn coefficient(&self, leg: &LegSpec) -> Ratio {
        let value = self
            .tick_money(leg)
            .over(leg.units_per_lot)
            .and_then(|value| value.times(leg.weight))
            .and_then(|value| value.over(ratio(MONEY_UNIT, 1)));
        match value {
            Ok(value) => value,
            Err(problem) => panic!("a coefficient of a setup is refused: {problem}"),
        }
    }

    /// Limits the sum of residuals of a product.
    pub fn sum(&mut self, sum: SumResidual) {
        self.sums.push(sum);
    }

    /// The finished configuration.
    #[must_use]
    pub fn config(self, engine: u8, run: u16, counts: Counts) -> Config {
        // One lot is one of the venue's size and one quote unit, so a tick is its own value.
        let grid = |(instrument, _): &(Instrument, InstrumentLimits)| Grid {
            tick: Decimal::new(instrument.tick_value.0, MONEY_PLACES).normalized(),
            lot: Decimal::new(1, 0),
        };
        let grids = Table::new(self.instruments.iter().map(grid).collect());
        let venue_limits = self.venues.iter().map(|_| usual_venue_limits()).collect();
        let mut groups: Vec<String> = Vec::new();
        for (account, _) in &self.accounts {
            if !groups.contains(&account.group) {
                groups.push(account.group.clone());
            }
        }
        let (accounts, account_limits): (Vec<_>, _) = self.accounts.into_iter().unzip();
        let offsets = Table::new(vec![Offsets::default(); accounts.len()]);
        let (instruments, instrument_limits) = self.instruments.into_iter().unzip();
        let (hedges, hedge_limits) = self.hedges.into_iter().unzip();
        Config {
            engine,
            run,
            currencies: Table::new(self.currencies),
            products: Table::new(self.products),
            groups: Table::new(groups),
            strategies: Table::new(vec![STRATEGY.to_owned()]),
            venues: Table::new(self.venues),
            accounts: Table::new(accounts),
            offsets,
            routes: self.routes,
            instruments: Table::new(instruments),
            grids,
            hedges: Table::new(hedges),
            policy: Policy {
                venues: Table::new(venue_limits),
                instruments: Table::new(instrument_limits),
                accounts: Table::new(account_limits),
                hedges: Table::new(hedge_limits),
                sums: self.sums,
                thresholds: Vec::new(),
            },
            counts,
            waiting: None,
        }
    }
}

/// The one strategy that hedges follow here.
const STRATEGY: &str = "idea";

fn lcm(left: i128, right: i128) -> i128 {
    left / gcd(left, right) * right
}

/// A venue with the usual times: answers within 200 ms, nothing surfaces after 2 s.
#[must_use]
pub fn usual_venue(name: &str, netting: Netting, tif: TimeInForce) -> Venue {
    Venue {
        name: name.to_owned(),
        netting,
        tif,
        rests: Some(TimeInForce::Gtc),
        ack_timeout: Span::millis(200),
        max_delay: Span::seconds(2),
        query_interval: Span::millis(200),
        cancels_max: 4,
    }
}

/// Limits of an instrument that bind nothing but the collar.
#[must_use]
pub fn usual_instrument(collar: i64) -> InstrumentLimits {
    InstrumentLimits {
        order_value: Money::units(1_000_000_000),
        collar,
        age: Span::seconds(3),
        skew: Span::seconds(2),
        limit_distance: 0,
        message_rate: 1_000,
        cancel_reserve: 100,
        conduct: None,
    }
}

/// Limits of a venue that bind little.
#[must_use]
pub const fn usual_venue_limits() -> VenueLimits {
    VenueLimits { message_rate: 2_000, cancel_reserve: 200 }
}

/// Limits of an account that bind little.
#[must_use]
pub fn usual_account() -> AccountLimits {
    AccountLimits {
        usage_cap: ratio(9, 10),
        day_loss: Money::units(1_000_000_000),
        message_rate: 1_000,
        cancel_reserve: 100,
    }
}

/// Limits of a hedge with the usual times; residuals in common units over the plan's `unit_den`.
#[must_use]
pub fn usual_hedge(clip: i64, max: i64, max_residual: i128, live_residual: i128) -> HedgeLimits {
    HedgeLimits {
        size: Size { clip, max, overnight: max, holiday: max, before_break: Span::ZERO },
        execution: Execution {
            max_residual,
            live_residual,
            finish_within: Span::seconds(2),
            order_timeout: Span::millis(300),
            repair: Repair::CheaperOf,
            max_loss: Money::units(1_000_000),
            max_loss_per_day: Money::units(10_000_000),
            tries: 6,
            messages: 100,
            trims_per_day: 10,
        },
        legging: Legging::AT_ONCE,
        crossing: false,
        max_roll_cost: None,
    }
}

/// Margin of one tenth of the value, and at least one unit a lot.
#[must_use]
pub fn usual_margin() -> MarginRate {
    MarginRate::of_value(ratio(1, 10), ratio(1, 10), Money::units(1))
}

//! The smallest hedge that has all the races: two legs, one lot or two of each.

use cross_market_core::config::{Config, Counts};
use cross_market_core::gate::SumResidual;
use cross_market_core::ids::{AccountId, InstrumentId, LEGS_MAX, ProductId};
use cross_market_core::instrument::{Fee, Fees, Netting, Settlement};
use cross_market_core::legging::{LegRule, Legging, Mode, Quoting};
use cross_market_core::num::{Money, Ratio, Side};
use cross_market_core::order::TimeInForce;
use cross_market_core::signal::{Band, Measure, Rule};
use cross_market_core::time::Span;

use crate::setup::{
    HedgeSpec, InstrumentSpec, LegSpec, Setup, usual_account, usual_hedge, usual_instrument,
    usual_margin, usual_venue,
};

/// How its legs are worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Both at once.
    AtOnce,
    /// The first leads, the second follows each of its fills.
    Sequential,
}

impl Shape {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Shape::AtOnce => "simultaneous",
            Shape::Sequential => "sequential",
        }
    }
}

/// What one lot costs to trade.
pub(crate) const FEE: Money = Money::units(1);

fn leg(setup: &mut Setup, name: &str, tif: TimeInForce, side: Side) -> LegSpec {
    let currency = cross_market_core::ids::CurrencyId(0);
    let venue = setup.venue(usual_venue(&format!("v{name}"), Netting::Net, tif));
    let account: AccountId = setup.account(&format!("a{name}"), venue, currency, usual_account());
    // Books stand still here: they are never too old.
    let mut limits = usual_instrument(20);
    (limits.age, limits.skew) = (Span::seconds(3_600), Span::seconds(3_600));
    let fee = Fee { per_lot: FEE, rate: Ratio::ZERO };
    let instrument: InstrumentId = setup.instrument(InstrumentSpec {
        name: format!("i{name}"),
        venue,
        product: ProductId(0),
        currency,
        tick_value: Money::units(1),
        settlement: Settlement::DailyVm,
        fees: Fees { open: fee, close: fee, close_today: fee },
        margin: usual_margin(),
        band: None,
        limits,
    });
    let (units_per_lot, weight) = (Ratio::ONE, Ratio::ONE);
    LegSpec { instrument, account, side, units_per_lot, weight, fx: None }
}

/// Two legs of `lots` lots: the first, sold, trades at once or not at all; the second, bought,
/// rests and is cancelled. They enter when told to, and never exit by themselves.
#[must_use]
pub fn small(shape: Shape, lots: i64) -> Config {
    let mut setup = Setup::new();
    let currency = setup.currency("USD");
    let product = setup.product("gold");
    let legs = vec![
        leg(&mut setup, "0", TimeInForce::Ioc, Side::Sell),
        leg(&mut setup, "1", TimeInForce::Gtc, Side::Buy),
    ];
    let far = |units: i128| Ratio::new(units, 1).unwrap_or(Ratio::ZERO);
    let mut limits = usual_hedge(lots, lots, 0, i128::from(lots));
    (limits.execution.tries, limits.execution.messages) = (3, 40);
    if shape == Shape::Sequential {
        let mut rules = [LegRule::PLAIN; LEGS_MAX];
        if let Some(first) = rules.first_mut() {
            first.leads = true;
        }
        limits.legging = Legging { mode: Mode::Sequential, legs: rules, quote: Quoting::NONE };
    }
    setup.hedge(HedgeSpec {
        name: "small".to_owned(),
        currency,
        legs,
        rule: Rule {
            measure: Measure::CounterPrice,
            plus: Some(Band { enter: far(1_000), exit: far(-1_000) }),
            mirror: None,
            persist: 1,
            persist_within: None,
            deviation: None,
        },
        limits,
    });
    setup.sum(SumResidual { product, currency, limit: far(100) });
    setup.config(1, 1, Counts { orders: 64, executions: 128 })
}

//! Hedges: exact fractions become one integer a leg over a denominator of the whole hedge.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::things::Names;
use super::tree::{Checked, Node};
use super::{Config, Hedge};
use crate::ids::{AccountId, CurrencyId, HedgeId, Id, InstrumentId, LEGS_MAX, StrategyId, Table};
use crate::instrument::{Fee, Fees, Instrument, Settlement};
use crate::num::{MONEY_UNIT, NumError, Ratio, Side, gcd};
use crate::quote::{HedgePlan, LegPlan};
use crate::signal::{Band, Deviation, Measure, Rule};
use crate::time::Span;

/// The least denominator of a hedge: one division a leg then loses less than 10⁻⁹ of the currency.
const DENOMINATOR_MIN: i128 = MONEY_UNIT;

pub(super) fn read(
    node: &Node<'_>,
    config: &Config,
    names: &mut Names,
) -> Checked<Table<HedgeId, Hedge>> {
    let mut rows: Vec<(Hedge, Option<Node<'_>>)> = Vec::new();
    for row in node.list()? {
        rows.push(hedge(&row, config, names)?);
    }
    // The sort is stable: ties stay in the order they were written.
    rows.sort_by_key(|(hedge, _)| hedge.plan.priority);
    let (mut hedges, nexts): (Vec<Hedge>, Vec<Option<Node<'_>>>) = rows.into_iter().unzip();
    super::roll::read(&mut hedges, &nexts, config)?;
    Ok(Table::new(hedges))
}

fn hedge<'a>(
    node: &Node<'a>,
    config: &Config,
    names: &mut Names,
) -> Checked<(Hedge, Option<Node<'a>>)> {
    let keys = ["name", "priority", "currency", "fx", "legs", "signal", "slippage", "next"];
    let (known, [strategy]) = node.fields_and(keys, ["strategy"])?;
    let [name_node, priority, currency_node, fx, legs_node, signal, slippage, next] = known;
    let name = names.hedges.add(&name_node)?;
    let currency = names.currency(&currency_node)?;
    let rates = fx_rates(&fx, currency, config, names)?;
    let rows = legs_node.list()?;
    if rows.len() < 2 || rows.len() > LEGS_MAX {
        return Err(legs_node.refuse(format!("2 to {LEGS_MAX} legs; there are {}", rows.len())));
    }
    let mut legs = Vec::with_capacity(rows.len());
    for row in &rows {
        legs.push(leg(row, currency, &rates, config, names)?);
    }
    check_legs(&legs_node, &legs)?;
    if let Some((unused, _)) = rates.iter().find(|rate| !legs.iter().any(|leg| leg.uses(**rate))) {
        let name = names.currencies.name(*unused);
        return Err(fx.refuse(format!("only currencies that a leg is in; no leg is in {name}")));
    }
    let priority = priority.count(i64::from(i32::MIN), i64::from(i32::MAX), "a priority")?;
    let plan = plan(&legs, name, priority, currency)?;
    let rule = rule(&signal, &slippage, &legs, config)?;
    let strategy = strategy.and_then(Node::optional);
    let strategy = strategy.map(|node| names.strategies.intern(&node)).transpose()?;
    let strategy = strategy.map(StrategyId::at);
    let tolerance = slippage.ratio("slippage in the bands' own unit")?;
    Ok((Hedge { plan, rule, roll: None, tolerance, strategy }, next.optional()))
}

/// An instrument for every foreign currency.
type Rates = Vec<(CurrencyId, InstrumentId)>;

fn fx_rates(
    node: &Node<'_>,
    currency: CurrencyId,
    config: &Config,
    names: &Names,
) -> Checked<Rates> {
    let mut rates = Rates::new();
    for (key, value) in node.entries()? {
        let Some(foreign) = names.currencies.find_name(key) else {
            return Err(
                value.refuse(format!("a rate for a currency that a leg is in, not {key:?}"))
            );
        };
        if foreign == currency {
            return Err(value.refuse("rates for other currencies than the hedge's own"));
        }
        let instrument: InstrumentId = names.instruments.find(&value)?;
        let rate = &config.instruments[instrument];
        if rate.currency != currency {
            let (own, wanted) =
                (names.currencies.name(rate.currency), names.currencies.name(currency));
            return Err(value.refuse(format!(
                "an instrument priced in the hedge's currency {wanted} for 1 {key}; \
                 this one is priced in {own}"
            )));
        }
        rates.push((foreign, instrument));
    }
    Ok(rates)
}

/// A leg as it was written.
struct Leg<'a> {
    node: Node<'a>,
    instrument: InstrumentId,
    account: AccountId,
    currency: CurrencyId,
    fx: Option<InstrumentId>,
    side: Side,
    /// Lots in one set; `None`: by `units_per_lot`.
    lots: Option<Ratio>,
    /// Common units of one lot.
    units: Ratio,
    /// What one price tick (of one fx tick) adds to the price of one common unit.
    price: Ratio,
    /// Value of one tick of one lot in 10⁻⁹ of the hedge's currency (for one fx tick).
    tick: Ratio,
}

impl Leg<'_> {
    fn sized(&self) -> bool {
        self.lots != Some(Ratio::ZERO)
    }

    fn uses(&self, rate: (CurrencyId, InstrumentId)) -> bool {
        self.fx == Some(rate.1) && self.currency == rate.0
    }
}

fn leg<'a>(
    node: &Node<'a>,
    hedge_currency: CurrencyId,
    rates: &Rates,
    config: &Config,
    names: &Names,
) -> Checked<Leg<'a>> {
    let [instrument_node, account_node, side, lots_node, weight_node, units_node] =
        node.fields(["instrument", "account", "side", "lots", "weight", "units_per_lot"])?;
    let id: InstrumentId = names.instruments.find(&instrument_node)?;
    let account: AccountId = names.accounts.find(&account_node)?;
    let instrument = &config.instruments[id];
    check_account(&account_node, instrument, config, account, names)?;
    if matches!(instrument.settlement, Settlement::Coin(_)) {
        return Err(instrument_node.refuse(
            "a linear instrument: the result of a coin contract is not linear in its price, so \
             no fixed number of lots hedges it",
        ));
    }
    let fx = rates.iter().find(|(foreign, _)| *foreign == instrument.currency).map(|rate| rate.1);
    if fx.is_none() && instrument.currency != hedge_currency {
        return Err(instrument_node.refuse(format!(
            "an instrument in {}, or an fx rate of the hedge for {}",
            names.currencies.name(hedge_currency),
            names.currencies.name(instrument.currency)
        )));
    }
    let weight = weight_node.ratio_above_zero("the leg's weight in the price")?;
    let units = units_node.ratio_above_zero("common units of one lot")?;
    let lots = lots_node.optional().map(|node| lots_per_set(&node)).transpose()?;
    let too_fine =
        |why| node.refuse(format!("weight, units_per_lot, tick and lot whose product fits: {why}"));
    let fx_tick = fx.map_or(Ok(Ratio::ONE), |fx| config.grids[fx].tick.ratio());
    let tick = Ratio::new(instrument.tick_value.0, MONEY_UNIT)
        .and_then(|value| value.times(fx_tick?))
        .map_err(too_fine)?;
    Ok(Leg {
        node: node.clone(),
        instrument: id,
        account,
        currency: instrument.currency,
        fx,
        side: side.choice(&[("buy", Side::Buy), ("sell", Side::Sell)])?,
        lots,
        units,
        price: tick.times(weight).and_then(|value| value.over(units)).map_err(too_fine)?,
        tick: Ratio::new(i128::from(tick.num()) * MONEY_UNIT, i128::from(tick.den()))
            .map_err(too_fine)?,
    })
}

fn lots_per_set(node: &Node<'_>) -> Checked<Ratio> {
    let what = "lots in one set, 0 for a leg that only prices";
    let lots = node.ratio(what)?;
    if lots < Ratio::ZERO { Err(node.refuse(format!("{what}, not negative"))) } else { Ok(lots) }
}

fn check_account(
    node: &Node<'_>,
    instrument: &Instrument,
    config: &Config,
    account: AccountId,
    names: &Names,
) -> Checked<()> {
    let account = &config.accounts[account];
    if account.venue != instrument.venue {
        let (wanted, found) =
            (&config.venues[instrument.venue].name, &config.venues[account.venue].name);
        return Err(node.refuse(format!(
            "an account at venue {wanted:?} of the leg's instrument; this one is at {found:?}"
        )));
    }
    if account.currency != instrument.currency {
        let (wanted, found) =
            (names.currencies.name(instrument.currency), names.currencies.name(account.currency));
        return Err(node.refuse(format!(
            "an account in {wanted}, the currency of the leg's instrument; this one is in {found}"
        )));
    }
    Ok(())
}

fn check_legs(node: &Node<'_>, legs: &[Leg<'_>]) -> Checked<()> {
    for side in [Side::Buy, Side::Sell] {
        if !legs.iter().any(|leg| leg.sized() && leg.side == side) {
            let word = if side == Side::Buy { "bought" } else { "sold" };
            return Err(node.refuse(format!("at least one {word} leg that has lots")));
        }
    }
    let sized = || legs.iter().filter(|leg| leg.sized());
    if let Some(mixed) = sized().find(|leg| leg.lots.is_none())
        && sized().any(|leg| leg.lots.is_some())
    {
        return Err(mixed.node.refuse(
            "lots on every leg that has some, or null on all of them (lots by units_per_lot)",
        ));
    }
    for (place, leg) in legs.iter().enumerate() {
        let same =
            |other: &Leg<'_>| other.instrument == leg.instrument && other.account == leg.account;
        if legs.iter().take(place).any(same) {
            return Err(leg.node.refuse("another instrument or account than an earlier leg"));
        }
    }
    Ok(())
}

fn plan(legs: &[Leg<'_>], name: String, priority: i32, currency: CurrencyId) -> Checked<HedgePlan> {
    // The coarsest leg stands for the most units a lot; one set is its lots on every leg.
    let coarsest = legs.iter().filter(|leg| leg.sized()).max_by_key(|leg| leg.units);
    let Some(coarsest) = coarsest else {
        return Err(super::refuse(name, "no sized leg", "a leg that has lots".to_owned()));
    };
    let set = coarsest.units.times(coarsest.lots.unwrap_or(Ratio::ONE));
    let set = set.map_err(|why| coarsest.node.refuse(format!("units of one set: {why}")))?;
    let mut denominator = 1;
    let mut unit_den = i128::from(set.den());
    let mut sizes = Vec::with_capacity(legs.len());
    for leg in legs {
        let (lots, units) = size(leg, set)?;
        denominator = common(denominator, leg.price.den(), leg)?;
        unit_den = common(unit_den, units.den(), leg)?;
        sizes.push((lots, units));
    }
    // Half a lot of every leg must be a whole number too: it is the least `max_residual`, and
    // without it "less than one lot" could not be said of legs that match one to one.
    unit_den *= 2;
    if denominator < DENOMINATOR_MIN {
        denominator *= (DENOMINATOR_MIN + denominator - 1) / denominator;
    }
    let mut plans = Vec::with_capacity(legs.len());
    for (leg, (lots, units)) in legs.iter().zip(sizes) {
        plans.push(LegPlan {
            instrument: leg.instrument,
            account: leg.account,
            side: leg.side,
            lots,
            units: over(units, unit_den, leg)?,
            coef: over(leg.price, denominator, leg)?,
            fx: leg.fx,
            tick_num: leg.tick.num(),
            tick_den: leg.tick.den(),
        });
    }
    Ok(HedgePlan {
        name,
        priority,
        currency,
        denominator: narrow(denominator, coarsest)?,
        unit_den: narrow(unit_den, coarsest)?,
        set_units: over(set, unit_den, coarsest)?,
        legs: plans,
    })
}

/// Lots of one set and units of one lot; the units of a leg that only prices do not count.
fn size(leg: &Leg<'_>, set: Ratio) -> Checked<(Ratio, Ratio)> {
    let problem = |why| leg.node.refuse(format!("lots and units_per_lot that divide: {why}"));
    match leg.lots {
        Some(lots) if lots == Ratio::ZERO => Ok((lots, Ratio::ZERO)),
        Some(lots) => Ok((lots, set.over(lots).map_err(problem)?)),
        None => Ok((set.over(leg.units).map_err(problem)?, leg.units)),
    }
}

fn common(so_far: i128, den: i64, leg: &Leg<'_>) -> Checked<i128> {
    let den = i128::from(den);
    let both = (so_far / gcd(so_far, den)).checked_mul(den);
    both.filter(|both| *both <= i128::from(i64::MAX)).ok_or_else(|| {
        leg.node.refuse(
            "weight and units_per_lot whose denominators have a common multiple within 64 bits: \
             fewer decimals, or exact fractions",
        )
    })
}

/// `value` as a numerator over `den`, a multiple of its own denominator.
fn over(value: Ratio, den: i128, leg: &Leg<'_>) -> Checked<i64> {
    narrow(i128::from(value.num()) * (den / i128::from(value.den())), leg)
}

fn narrow(value: i128, leg: &Leg<'_>) -> Checked<i64> {
    i64::try_from(value).map_err(|_| {
        leg.node.refuse("weight, units_per_lot, tick and lot whose product fits 64 bits")
    })
}

fn rule(
    node: &Node<'_>,
    slippage_node: &Node<'_>,
    legs: &[Leg<'_>],
    config: &Config,
) -> Checked<Rule> {
    let [measure, plus_node, mirror_node, persist, persist_within, deviation_node] =
        node.fields(["measure", "plus", "mirror", "persist", "persist_within_ns", "deviation"])?;
    let measure = measure.choice(&[
        ("spread", Measure::Spread),
        ("counter_price", Measure::CounterPrice),
        ("ratio", Measure::Ratio),
        ("gross_ratio", Measure::GrossRatio),
        ("estimate", Measure::Estimate),
    ])?;
    let slippage = slippage_node.ratio("slippage in the bands' own unit")?;
    if slippage < Ratio::ZERO {
        return Err(slippage_node.refuse("slippage of 0 or more"));
    }
    let (plus_node, mirror_node) = (plus_node.optional(), mirror_node.optional());
    let plus = plus_node.as_ref().map(|node| band(node, measure)).transpose()?;
    let mirror = mirror_node.as_ref().map(|node| band(node, measure)).transpose()?;
    let costs = Costs { measure, slippage, legs, config };
    if let (Some(band), Some(node)) = (plus, &plus_node) {
        costs.check(node, band, Direction::Plus)?;
    }
    if let (Some(band), Some(node)) = (mirror, &mirror_node) {
        costs.check(node, band, Direction::Mirror)?;
        if plus.is_some_and(|plus| plus.enter <= band.enter) {
            return Err(node.refuse(
                "mirror.enter below plus.enter: as written both directions would enter at once",
            ));
        }
    }
    if plus.is_none() && mirror.is_none() {
        return Err(node.refuse("a band for plus, for mirror, or for both"));
    }
    Ok(Rule {
        measure,
        plus,
        mirror,
        persist: persist.count(1, 1_000_000, "fresh updates in a row")?,
        persist_within: persist_within
            .optional()
            .map(|node| node.span(Span(1), "time between the first and the last update"))
            .transpose()?,
        deviation: deviation_node.optional().map(|node| deviation(&node)).transpose()?,
    })
}

fn band(node: &Node<'_>, measure: Measure) -> Checked<Band> {
    let [enter, exit] = node.fields(["enter", "exit"])?;
    let value = |node: &Node<'_>| match measure {
        Measure::Spread | Measure::CounterPrice | Measure::Estimate => {
            node.ratio("a value in the hedge's currency per common unit")
        }
        Measure::Ratio | Measure::GrossRatio => {
            node.ratio_above_zero("proceeds ÷ cost, a plain number such as 1.004")
        }
    };
    Ok(Band { enter: value(&enter)?, exit: value(&exit)? })
}

fn deviation(node: &Node<'_>) -> Checked<Deviation> {
    let [enter, alpha, warm] = node.fields(["enter", "alpha", "warm"])?;
    Ok(Deviation {
        enter: enter.ratio_above_zero("deviations from the mean")?,
        alpha: alpha.weight()?,
        warm: warm.count(2, i64::from(u32::MAX), "observations before it counts")?,
    })
}

/// Which sets a band is for.
#[derive(Clone, Copy)]
enum Direction {
    Plus,
    Mirror,
}

/// What entering and leaving at the bands is known to cost before any price is.
struct Costs<'a> {
    measure: Measure,
    slippage: Ratio,
    legs: &'a [Leg<'a>],
    config: &'a Config,
}

impl Costs<'_> {
    /// Refuses bands whose gap does not exceed slippage and, for a gross measure, two-way fees.
    ///
    /// No price is known yet, so only the certain part of the fees counts: of a spread, what is
    /// paid for each lot in the hedge's own currency; of a ratio, the rates, at the cheaper way
    /// to close. The walked net edge is asked again before every order.
    fn check(&self, node: &Node<'_>, band: Band, direction: Direction) -> Checked<()> {
        let overflow = |why| node.refuse(format!("bands of fewer digits: {why}"));
        let (high, low, order) = match direction {
            Direction::Plus => (band.enter, band.exit, "enter above exit"),
            Direction::Mirror => (band.exit, band.enter, "exit above enter"),
        };
        let (net_high, net_low, fees) = match self.measure {
            Measure::Spread => {
                let fees = self.spread_fees().map_err(overflow)?;
                (high, sum(low, fees).map_err(overflow)?, " and two-way fees")
            }
            Measure::GrossRatio => {
                let (high, low) = self.net_ratios(high, low, direction).map_err(overflow)?;
                (high, low, " and two-way fees")
            }
            Measure::CounterPrice | Measure::Ratio | Measure::Estimate => (high, low, ""),
        };
        if net_high > sum(net_low, self.slippage).map_err(overflow)? {
            return Ok(());
        }
        Err(node.refuse(format!("{order} by more than the slippage of {}{fees}", self.slippage)))
    }

    fn spread_fees(&self) -> Result<Ratio, NumError> {
        let mut total = Ratio::ZERO;
        for leg in self.legs.iter().filter(|leg| leg.sized() && leg.fx.is_none()) {
            let (open, close) = cheapest(&self.config.instruments[leg.instrument].fees);
            let lot = Ratio::new(open.per_lot.0 + close.per_lot.0, MONEY_UNIT)?;
            total = sum(total, lot.over(leg.units)?)?;
        }
        Ok(total.max(Ratio::ZERO))
    }

    /// What is left of the higher ratio when it is earned and what the lower one costs when it is
    /// paid, at the least rates of any leg: plus opens at the high one, mirror at the low one.
    fn net_ratios(
        &self,
        high: Ratio,
        low: Ratio,
        direction: Direction,
    ) -> Result<(Ratio, Ratio), NumError> {
        let (open, close) = (|fees: &Fees| cheapest(fees).0, |fees: &Fees| cheapest(fees).1);
        let (sold, bought, back, out) = match direction {
            Direction::Plus => (
                self.least(Side::Sell, open),
                self.least(Side::Buy, open),
                self.least(Side::Sell, close),
                self.least(Side::Buy, close),
            ),
            Direction::Mirror => (
                self.least(Side::Sell, close),
                self.least(Side::Buy, close),
                self.least(Side::Sell, open),
                self.least(Side::Buy, open),
            ),
        };
        let one = Ratio::ONE;
        Ok((
            high.times(difference(one, sold)?)?.over(sum(one, bought)?)?,
            low.times(sum(one, back)?)?.over(difference(one, out)?)?,
        ))
    }

    fn least(&self, side: Side, of: fn(&Fees) -> Fee) -> Ratio {
        let legs = self.legs.iter().filter(|leg| leg.sized() && leg.side == side);
        let rates = legs.map(|leg| of(&self.config.instruments[leg.instrument].fees).rate);
        rates.min().unwrap_or(Ratio::ZERO)
    }
}

/// The fees of opening, and of closing the cheaper way.
fn cheapest(fees: &Fees) -> (Fee, Fee) {
    let per_lot = fees.close.per_lot.min(fees.close_today.per_lot);
    (fees.open, Fee { per_lot, rate: fees.close.rate.min(fees.close_today.rate) })
}

fn sum(left: Ratio, right: Ratio) -> Result<Ratio, NumError> {
    combine(left, right, i128::checked_add)
}

fn difference(left: Ratio, right: Ratio) -> Result<Ratio, NumError> {
    combine(left, right, i128::checked_sub)
}

fn combine(
    left: Ratio,
    right: Ratio,
    step: fn(i128, i128) -> Option<i128>,
) -> Result<Ratio, NumError> {
    let (left_den, right_den) = (i128::from(left.den()), i128::from(right.den()));
    let num = step(i128::from(left.num()) * right_den, i128::from(right.num()) * left_den);
    Ratio::new(num.ok_or(NumError::Overflow)?, left_den * right_den)
}

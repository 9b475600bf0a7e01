//! Thresholds: what is monitored, of what, and from which value on which level holds.

use super::tree::{Checked, Node};
use super::{Config, Hedge, MONEY_MAX};
use crate::formula::{Formula, Input};
use crate::ids::{AccountId, CurrencyId, HedgeId, Id, InstrumentId};
use crate::num::{Decimal, MONEY_UNIT, Ratio, div_ceil, div_floor};
use crate::signal::Measure;
use crate::threshold::{BOUNDS, Class, Level, Metric, Of, Reach, THRESHOLDS_MAX, Threshold};
use crate::time::Span;

/// Most orders, cancels and lots that a bound may count.
const COUNT_MAX: i64 = 1 << 53;

const KEYS: [&str; 9] =
    ["metric", "of", "warn", "restrict", "cancel", "reduce", "halt", "clear", "dwell_ns"];

pub(super) fn read(config: &Config, node: &Node<'_>) -> Checked<Vec<Threshold>> {
    let mut thresholds: Vec<Threshold> = Vec::new();
    for row in node.list()? {
        let threshold = threshold(config, &row)?;
        let twin = |known: &Threshold| (known.metric, known.of) == (threshold.metric, threshold.of);
        if thresholds.iter().any(twin) {
            return Err(
                row.refuse("each metric once for each, and once for each name and each whole")
            );
        }
        if thresholds.len() >= THRESHOLDS_MAX {
            return Err(row.refuse(format!("at most {THRESHOLDS_MAX} thresholds")));
        }
        thresholds.push(threshold);
    }
    Ok(thresholds)
}

fn threshold(config: &Config, row: &Node<'_>) -> Checked<Threshold> {
    let [metric_node, of_node, warn, restrict, cancel, reduce, halt, clear, dwell] =
        row.fields(KEYS)?;
    let words: Vec<(&str, Metric)> = Metric::ALL.iter().map(|each| (each.name(), *each)).collect();
    let metric = metric_node.choice(&words)?;
    let named = of_node.optional();
    let of = named.as_ref().map_or(Ok(Reach::Each), |node| reach(config, metric, node))?;
    let (mut bounds, mut formulas) = ([None; BOUNDS], Vec::new());
    let stated = [warn, restrict, cancel, reduce, halt];
    for ((bound, level), node) in bounds.iter_mut().zip(Level::ALL.iter().skip(1)).zip(stated) {
        let Some(node) = node.optional() else { continue };
        if node.is_object() {
            let formula = formula(config, metric, of, &node)?;
            *bound = Some(formula.stricter(metric.worse()));
            formulas.push((*level, formula));
        } else {
            *bound = Some(value(config, metric, of, &node)?);
        }
    }
    let threshold = Threshold {
        metric,
        of,
        bounds,
        formulas,
        clear: value(config, metric, of, &clear)?,
        dwell: dwell.span(Span::ZERO, "how long a level stays after the number is better")?,
    };
    if !is_heard(config, &threshold) {
        return Err(row.refuse("a verdict of hedges whose signal is no estimate"));
    }
    if threshold.is_sound() {
        return Ok(threshold);
    }
    let order = if metric.worse() > 0 { "not smaller" } else { "not larger" };
    Err(row.refuse(format!(
        "at least one bound, each of warn, restrict, cancel, reduce, halt {order} than the one \
         before it, and clear of at least 0"
    )))
}

/// All of something together: what it is, by its kind and name.
fn whole(config: &Config, metric: Metric, node: &Node<'_>) -> Checked<Reach> {
    let entries: Vec<(&str, Node<'_>)> = node.entries()?;
    let [(kind, name_node)] = entries.as_slice() else {
        return Err(node.refuse("one key: venue, product, group, strategy or all"));
    };
    let name = name_node.name()?;
    let own = match metric.of() {
        Of::Account => "account",
        Of::Hedge => "hedge",
        Of::Instrument => "instrument",
    };
    if *kind == "all" {
        if name == own {
            return Ok(Reach::All);
        }
        return Err(name_node.refuse(format!("{own:?}, which the metric is of")));
    }
    let class = Class::ALL.into_iter().find(|class| class.name() == *kind);
    let Some(class) = class else {
        return Err(node.refuse("one key: venue, product, group, strategy or all"));
    };
    let names: Vec<String> = match class {
        Class::Venue => config.venues.iter().map(|venue| venue.name.clone()).collect(),
        Class::Product => config.products.iter().cloned().collect(),
        Class::Group => config.groups.iter().cloned().collect(),
        Class::Strategy => config.strategies.iter().cloned().collect(),
    };
    let found = names.iter().position(|known| known == name);
    let place = found.and_then(|place| u16::try_from(place).ok());
    let place = place.ok_or_else(|| super::things::unknown(kind, &names, name_node, name))?;
    let reach = Reach::Whole(class, place);
    if config.members(metric.of(), reach).is_empty() {
        return Err(name_node.refuse(format!("a {kind} that any {own} belongs to")));
    }
    Ok(reach)
}

fn reach(config: &Config, metric: Metric, node: &Node<'_>) -> Checked<Reach> {
    if node.as_text().is_none() {
        if metric == Metric::Residual {
            return Err(node.refuse("the name of one hedge: residuals are no sum"));
        }
        return whole(config, metric, node);
    }
    let name = node.name()?;
    let (kind, names): (&str, Vec<&str>) = match metric.of() {
        Of::Account => ("account", config.accounts.iter().map(|row| row.name.as_str()).collect()),
        Of::Hedge => ("hedge", config.hedges.iter().map(|row| row.plan.name.as_str()).collect()),
        Of::Instrument => {
            ("instrument", config.instruments.iter().map(|row| row.name.as_str()).collect())
        }
    };
    let found = names.iter().position(|known| *known == name);
    let place = found.and_then(|place| u16::try_from(place).ok());
    place.map(Reach::One).ok_or_else(|| {
        let list: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        super::things::unknown(kind, &list, node, name)
    })
}

/// A bound that follows a market, held within two values of the metric.
fn formula(config: &Config, metric: Metric, of: Reach, node: &Node<'_>) -> Checked<Formula> {
    let [text_node, least, most] = node.fields(["formula", "least", "most"])?;
    let ends = [value(config, metric, of, &least)?, value(config, metric, of, &most)?];
    let scale = match metric {
        Metric::Orders | Metric::Cancels | Metric::Messages => (1, MONEY_UNIT),
        Metric::Position => {
            let lot = one_lot(config, of).and_then(|lot| lot.ratio().ok());
            let Some(lot) = lot else { return Err(node.refuse("contracts of one lot")) };
            (i128::from(lot.den()), i128::from(lot.num()) * MONEY_UNIT)
        }
        Metric::CapitalUsage
        | Metric::ProjectedUsage
        | Metric::MarginRatio
        | Metric::Available
        | Metric::Withdrawable
        | Metric::DayLoss
        | Metric::RepairLoss
        | Metric::Residual
        | Metric::Verdict
        | Metric::AttemptLoss
        | Metric::Drift
        | Metric::DataAge
        | Metric::Latency
        | Metric::Slippage
        | Metric::SlippageExpected => (1, 1),
    };
    let text = text_node.as_text().unwrap_or_default();
    let formula = Formula::parse(text, scale, ends).map_err(|error| {
        text_node.refuse(format!("{} at character {}", error.expected, error.at + 1))
    })?;
    match lacking(config, metric, &formula) {
        None => Ok(formula),
        Some(why) => Err(text_node.refuse(why)),
    }
}

/// What a formula asks for that nobody could tell.
fn lacking(config: &Config, metric: Metric, formula: &Formula) -> Option<&'static str> {
    if formula.asks(Input::Volatility) && config.waiting.is_none() {
        return Some("`waiting`, which says how the volatility is measured");
    }
    let is_hedge = metric.of() == Of::Hedge;
    (formula.asks(Input::Tolerance) && !is_hedge).then_some("tolerance for hedges alone")
}

/// A value of the metric in its unit, rounded to where it is reached sooner.
fn value(config: &Config, metric: Metric, of: Reach, node: &Node<'_>) -> Checked<i128> {
    match metric {
        Metric::CapitalUsage
        | Metric::ProjectedUsage
        | Metric::MarginRatio
        | Metric::Residual
        | Metric::Verdict => {
            // Shares of each are of any currency; of all together they are sums.
            if !has_one_currency(config, metric, of) && !matches!(of, Reach::Each) {
                return Err(node.refuse("a share of what has one currency"));
            }
            let found = node.ratio("a decimal or a fraction")?;
            let scaled = i128::from(found.num()) * MONEY_UNIT;
            let den = i128::from(found.den());
            let sooner = if metric.worse() > 0 { div_floor } else { div_ceil };
            if found < Ratio::ZERO {
                return Err(node.refuse("a value of at least 0"));
            }
            Ok(sooner(scaled, den))
        }
        Metric::Available
        | Metric::Withdrawable
        | Metric::DayLoss
        | Metric::RepairLoss
        | Metric::AttemptLoss
        | Metric::Slippage
        | Metric::SlippageExpected
        | Metric::Drift => {
            if !has_one_currency(config, metric, of) {
                return Err(node.refuse("an amount of one currency: name what it is of with `of`"));
            }
            Ok(node.money_from(-MONEY_MAX, "an amount of money")?.0)
        }
        Metric::Position => match of {
            Reach::Each => Err(node.refuse("sizes of one instrument: name it with `of`")),
            Reach::One(_) | Reach::Whole(..) | Reach::All => {
                let Some(lot) = one_lot(config, of) else {
                    return Err(node.refuse("contracts of one product, lot and value"));
                };
                node.steps_from(0, lot, "a size").map(i128::from)
            }
        },
        Metric::DataAge | Metric::Latency => {
            node.span(Span::ZERO, "a time").map(|span| i128::from(span.0))
        }
        Metric::Orders | Metric::Cancels | Metric::Messages => {
            node.whole(0, COUNT_MAX, "how many").map(i128::from)
        }
    }
}

/// The lot of contracts that are looked at together, of the same goods in the same size.
fn one_lot(config: &Config, of: Reach) -> Option<Decimal> {
    let places = match of {
        Reach::Each => Vec::new(),
        Reach::One(place) => vec![place],
        Reach::Whole(..) | Reach::All => config.members(Of::Instrument, of),
    };
    let lot_of = |place: &u16| {
        let id = InstrumentId::at(usize::from(*place));
        let (grid, instrument) = (config.grids.get(id)?, config.instruments.get(id)?);
        let size = (grid.tick, instrument.tick_value, instrument.currency);
        Some((grid.lot, instrument.product, size))
    };
    let mut lots = places.iter().map(lot_of);
    let first = lots.next()??;
    lots.all(|lot| lot == Some(first)).then_some(first.0)
}

/// An amount of several means one currency: all that are looked at must have it.
fn has_one_currency(config: &Config, metric: Metric, of: Reach) -> bool {
    let places = match of {
        Reach::One(_) => return true,
        Reach::Each => config.members(metric.of(), Reach::All),
        Reach::Whole(..) | Reach::All => config.members(metric.of(), of),
    };
    if metric == Metric::Verdict {
        return true;
    }
    let mut currencies: Vec<CurrencyId> = match metric.of() {
        Of::Account => {
            let ids = places.iter().map(|place| AccountId(*place));
            ids.filter_map(|id| config.accounts.get(id)).map(|of| of.currency).collect()
        }
        Of::Hedge | Of::Instrument => {
            let ids = places.iter().map(|place| HedgeId(*place));
            ids.filter_map(|id| config.hedges.get(id)).map(|of| of.plan.currency).collect()
        }
    };
    currencies.sort_unstable();
    currencies.dedup();
    currencies.len() <= 1
}

/// Whether an estimate may be a verdict of what a threshold is of: where a signal reads it, it is a
/// price.
fn is_heard(config: &Config, of: &Threshold) -> bool {
    let reads = |hedge: &Hedge| hedge.rule.measure == Measure::Estimate;
    let places = match of.of {
        Reach::One(place) => vec![place],
        Reach::Each => config.members(Of::Hedge, Reach::All),
        Reach::Whole(..) | Reach::All => config.members(Of::Hedge, of.of),
    };
    let mut hedges = places.iter().filter_map(|place| config.hedges.get(HedgeId(*place)));
    of.metric != Metric::Verdict || !hedges.any(reads)
}

/// Whether thresholds that were made in Rust keep what those of a document are held to.
pub(super) fn admits(config: &Config, thresholds: &[Threshold]) -> bool {
    let is_known = |of: &Threshold| match of.of {
        Reach::Each => true,
        Reach::One(place) => {
            let count = match of.metric.of() {
                Of::Account => config.accounts.len(),
                Of::Hedge => config.hedges.len(),
                Of::Instrument => config.instruments.len(),
            };
            usize::from(place) < count
        }
        Reach::Whole(..) | Reach::All => is_sum(config, of),
    };
    let is_once = |(at, of): (usize, &Threshold)| {
        let twin = |other: &Threshold| (other.metric, other.of) == (of.metric, of.of);
        !thresholds.iter().take(at).any(twin)
    };
    thresholds.len() <= THRESHOLDS_MAX
        && thresholds.iter().all(|of| is_known(of) && is_heard(config, of) && of.is_sound())
        && thresholds.iter().all(|of| {
            let mut formulas = of.formulas.iter();
            formulas.all(|(_, formula)| lacking(config, of.metric, formula).is_none())
        })
        && thresholds.iter().enumerate().all(is_once)
}

/// Whether what a threshold looks at together is there and may be added up.
fn is_sum(config: &Config, of: &Threshold) -> bool {
    let adds = match of.metric {
        Metric::Residual => false,
        Metric::Position => one_lot(config, of.of).is_some(),
        Metric::Orders
        | Metric::Cancels
        | Metric::Messages
        | Metric::DataAge
        | Metric::Latency
        | Metric::Verdict => true,
        Metric::CapitalUsage
        | Metric::ProjectedUsage
        | Metric::MarginRatio
        | Metric::Available
        | Metric::Withdrawable
        | Metric::DayLoss
        | Metric::RepairLoss
        | Metric::AttemptLoss
        | Metric::Slippage
        | Metric::SlippageExpected
        | Metric::Drift => has_one_currency(config, of.metric, of.of),
    };
    adds && !config.members(of.metric.of(), of.of).is_empty()
}

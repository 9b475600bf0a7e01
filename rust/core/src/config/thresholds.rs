//! Thresholds: what is monitored, of what, and from which value on which level holds.

use super::tree::{Checked, Node};
use super::{Config, Hedge, MONEY_MAX};
use crate::ids::{Id, InstrumentId};
use crate::num::{MONEY_UNIT, Ratio, div_ceil, div_floor};
use crate::signal::Measure;
use crate::threshold::{BOUNDS, Metric, Of, THRESHOLDS_MAX, Threshold};
use crate::time::Span;

/// Most orders, cancels and lots that a bound may count.
const COUNT_MAX: i64 = 1 << 53;

const KEYS: [&str; 9] =
    ["metric", "of", "warn", "restrict", "cancel", "reduce", "halt", "clear", "dwell_ns"];

pub(super) fn read(config: &Config, node: &Node<'_>) -> Checked<Vec<Threshold>> {
    let mut thresholds: Vec<Threshold> = Vec::new();
    for row in node.list()? {
        let threshold = threshold(config, &row)?;
        let twin = |known: &Threshold| {
            (known.metric, known.subject) == (threshold.metric, threshold.subject)
        };
        if thresholds.iter().any(twin) {
            return Err(row.refuse("each metric once for each, and once for each name"));
        }
        if thresholds.len() >= THRESHOLDS_MAX {
            return Err(row.refuse(format!("at most {THRESHOLDS_MAX} thresholds")));
        }
        thresholds.push(threshold);
    }
    Ok(thresholds)
}

fn threshold(config: &Config, row: &Node<'_>) -> Checked<Threshold> {
    let [metric_node, of, warn, restrict, cancel, reduce, halt, clear, dwell] = row.fields(KEYS)?;
    let words: Vec<(&str, Metric)> = Metric::ALL.iter().map(|each| (each.name(), *each)).collect();
    let metric = metric_node.choice(&words)?;
    let named = of.optional();
    let subject = named.as_ref().map(|node| subject(config, metric, node)).transpose()?;
    let mut bounds = [None; BOUNDS];
    for (bound, node) in bounds.iter_mut().zip([warn, restrict, cancel, reduce, halt]) {
        *bound = node.optional().map(|node| value(config, metric, subject, &node)).transpose()?;
    }
    let threshold = Threshold {
        metric,
        subject,
        bounds,
        clear: value(config, metric, subject, &clear)?,
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

fn subject(config: &Config, metric: Metric, node: &Node<'_>) -> Checked<u16> {
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
    place.ok_or_else(|| {
        let list: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        super::things::unknown(kind, &list, node, name)
    })
}

/// A value of the metric in its unit, rounded to where it is reached sooner.
fn value(config: &Config, metric: Metric, subject: Option<u16>, node: &Node<'_>) -> Checked<i128> {
    match metric {
        Metric::CapitalUsage
        | Metric::ProjectedUsage
        | Metric::MarginRatio
        | Metric::Residual
        | Metric::Verdict => {
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
            one_currency(config, metric, subject, node)?;
            Ok(node.money_from(-MONEY_MAX, "an amount of money")?.0)
        }
        Metric::Position => {
            let Some(place) = subject else {
                return Err(node.refuse("sizes of one instrument: name it with `of`"));
            };
            let id = InstrumentId::at(usize::from(place));
            let grid = config.grids.get(id);
            let lot = grid.map(|grid| grid.lot);
            let Some(lot) = lot else { return Err(node.refuse("an instrument with a lot")) };
            node.steps_from(0, lot, "a size").map(i128::from)
        }
        Metric::DataAge | Metric::Latency => {
            node.span(Span::ZERO, "a time").map(|span| i128::from(span.0))
        }
        Metric::Orders | Metric::Cancels | Metric::Messages => {
            node.whole(0, COUNT_MAX, "how many").map(i128::from)
        }
    }
}

/// An amount without a name means one currency: all accounts or hedges must have it.
fn one_currency(
    config: &Config,
    metric: Metric,
    subject: Option<u16>,
    node: &Node<'_>,
) -> Checked<()> {
    if subject.is_some() {
        return Ok(());
    }
    let mut currencies: Vec<_> = match metric.of() {
        Of::Account => config.accounts.iter().map(|of| of.currency).collect(),
        Of::Hedge | Of::Instrument => config.hedges.iter().map(|of| of.plan.currency).collect(),
    };
    currencies.sort_unstable();
    currencies.dedup();
    if currencies.len() > 1 {
        return Err(node.refuse("an amount of one currency: name what it is of with `of`"));
    }
    Ok(())
}

/// Whether an estimate may be a verdict of what a threshold is of: where a signal reads it, it is a
/// price.
fn is_heard(config: &Config, of: &Threshold) -> bool {
    let reads = |hedge: &Hedge| hedge.rule.measure == Measure::Estimate;
    of.metric != Metric::Verdict
        || match of.subject {
            Some(place) => !config.hedges.get(Id::at(usize::from(place))).is_some_and(reads),
            None => !config.hedges.iter().any(reads),
        }
}

/// Whether thresholds that were made in Rust keep what those of a document are held to.
pub(super) fn admits(config: &Config, thresholds: &[Threshold]) -> bool {
    let is_known = |of: &Threshold| {
        let count = match of.metric.of() {
            Of::Account => config.accounts.len(),
            Of::Hedge => config.hedges.len(),
            Of::Instrument => config.instruments.len(),
        };
        of.subject.is_none_or(|subject| usize::from(subject) < count)
    };
    let is_once = |(at, of): (usize, &Threshold)| {
        let twin = |other: &Threshold| (other.metric, other.subject) == (of.metric, of.subject);
        !thresholds.iter().take(at).any(twin)
    };
    thresholds.len() <= THRESHOLDS_MAX
        && thresholds.iter().all(|of| is_known(of) && is_heard(config, of) && of.is_sound())
        && thresholds.iter().enumerate().all(is_once)
}

//! Limits and execution values: all required, none with a default.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::proof::{fits, lots_at};
use super::things::unknown;
use super::tree::{Checked, Node};
use super::{Config, Hedge};
use crate::error::ConfigError;
use crate::gate::{AccountLimits, HedgeLimits, InstrumentLimits, Policy, SumResidual, VenueLimits};
use crate::ids::{
    AccountId, CurrencyId, HedgeId, Id, InstrumentId, ProductId, TRY_MAX, Table, VenueId,
};
use crate::num::{MONEY_UNIT, Money, Ratio, div_ceil, div_floor};
use crate::quote::{Execution, HedgePlan, Repair, Size};
use crate::time::Span;

/// The least amount of money above zero.
pub(super) const SOME: Money = Money(1);

/// Sets up to which alignment at rest is proven set by set; beyond, only the coarse bound counts.
const ALIGNMENT_SETS: i64 = 10_000;

/// Most lots a leg may come to hold.
pub(super) const LOTS_MAX: i128 = 1 << 53;

/// A policy without rows, until the real one is read.
pub(super) fn none() -> Policy {
    Policy {
        venues: Table::new(Vec::new()),
        instruments: Table::new(Vec::new()),
        accounts: Table::new(Vec::new()),
        hedges: Table::new(Vec::new()),
        sums: Vec::new(),
        thresholds: Vec::new(),
    }
}

pub(super) fn read(config: &Config, node: &Node<'_>) -> Checked<Policy> {
    let [venues, instruments, accounts, hedges, sums, thresholds] =
        node.fields(["venues", "instruments", "accounts", "hedges", "sums", "thresholds"])?;
    Ok(Policy {
        venues: read_venues(config, &venues)?,
        instruments: read_instruments(config, &instruments)?,
        accounts: read_accounts(config, &accounts)?,
        hedges: read_hedges(config, &hedges)?,
        sums: read_sums(config, &sums)?,
        thresholds: super::thresholds::read(config, &thresholds)?,
    })
}

/// The entry of every name, in the order of the names; other entries are refused.
fn by_name<'a>(node: &Node<'a>, kind: &str, names: &[String]) -> Checked<Vec<Option<Node<'a>>>> {
    let mut rows = vec![None; names.len()];
    for (key, value) in node.entries()? {
        let place = names.iter().position(|name| name == key);
        match place.and_then(|place| rows.get_mut(place)) {
            Some(row) => *row = Some(value),
            None => return Err(unknown(kind, names, &value, key)),
        }
    }
    Ok(rows)
}

fn missing(node: &Node<'_>, name: &str) -> ConfigError {
    node.missing(name, "its limits: every limit is required, none has a default")
}

fn read_instruments(
    config: &Config,
    node: &Node<'_>,
) -> Checked<Table<InstrumentId, InstrumentLimits>> {
    let names: Vec<String> = config.instruments.iter().map(|row| row.name.clone()).collect();
    let rows = by_name(node, "instrument", &names)?;
    let mut limits = Vec::with_capacity(rows.len());
    for ((id, instrument), row) in config.instruments.pairs().zip(rows) {
        limits.push(match row {
            Some(row) => instrument_limits(config, id, &row)?,
            None if used(config, id) => return Err(missing(node, &instrument.name)),
            None => CLOSED,
        });
    }
    Ok(Table::new(limits))
}

/// Limits of an instrument that no hedge reads: nothing passes them.
pub(super) const CLOSED: InstrumentLimits = InstrumentLimits {
    order_value: Money::ZERO,
    collar: 0,
    age: Span::ZERO,
    skew: Span::ZERO,
    limit_distance: i64::MAX,
    message_rate: 0,
    cancel_reserve: 0,
    conduct: None,
};

pub(super) fn used(config: &Config, id: InstrumentId) -> bool {
    let legs = config.hedges.iter().flat_map(|hedge| &hedge.plan.legs);
    legs.into_iter().any(|leg| leg.instrument == id || leg.fx == Some(id))
}

fn instrument_limits(
    config: &Config,
    id: InstrumentId,
    node: &Node<'_>,
) -> Checked<InstrumentLimits> {
    let [order_value, collar_node, age, skew, limit_distance, rate, reserve, conduct] =
        node.fields(INSTRUMENT_KEYS)?;
    let tick = config.grids[id].tick;
    let price_max = config.instruments[id].price_max;
    let collar = collar_node.steps_from(1, tick, "a distance in price units")?;
    if collar > price_max {
        return Err(collar_node.refuse("a distance within the instrument's price_max"));
    }
    let (message_rate, cancel_reserve) = read_messages(&rate, &reserve)?;
    Ok(InstrumentLimits {
        order_value: order_value.money_from(SOME, "the largest value of one order")?,
        collar,
        age: age.span(Span(1), "the oldest book")?,
        skew: skew.span(Span(1), "the largest difference of ages")?,
        limit_distance: limit_distance.steps_from(0, tick, "a distance in price units")?,
        message_rate,
        cancel_reserve,
        conduct: super::budgets::read(config, id, conduct)?,
    })
}

const INSTRUMENT_KEYS: [&str; 8] = [
    "order_value",
    "collar",
    "age_ns",
    "skew_ns",
    "limit_distance",
    "message_rate",
    "cancel_reserve",
    "conduct",
];

/// Messages in one second, and how many of them are kept for cancels.
fn read_messages(rate_node: &Node<'_>, reserve_node: &Node<'_>) -> Checked<(u32, u32)> {
    let message_rate: u32 = rate_node.count(2, 1_000_000, "messages in one second")?;
    let cancel_reserve: u32 = reserve_node.count(1, 1_000_000, "messages kept for cancels")?;
    if cancel_reserve >= message_rate {
        return Err(reserve_node.refuse(format!("less than message_rate, {message_rate}")));
    }
    Ok((message_rate, cancel_reserve))
}

fn read_venues(config: &Config, node: &Node<'_>) -> Checked<Table<VenueId, VenueLimits>> {
    let names: Vec<String> = config.venues.iter().map(|row| row.name.clone()).collect();
    let mut limits = Vec::with_capacity(names.len());
    for (name, row) in names.iter().zip(by_name(node, "venue", &names)?) {
        let row = row.ok_or_else(|| missing(node, name))?;
        let [rate, reserve] = row.fields(["message_rate", "cancel_reserve"])?;
        let (message_rate, cancel_reserve) = read_messages(&rate, &reserve)?;
        limits.push(VenueLimits { message_rate, cancel_reserve });
    }
    Ok(Table::new(limits))
}

fn read_accounts(config: &Config, node: &Node<'_>) -> Checked<Table<AccountId, AccountLimits>> {
    let names: Vec<String> = config.accounts.iter().map(|row| row.name.clone()).collect();
    let mut limits = Vec::with_capacity(names.len());
    for (name, row) in names.iter().zip(by_name(node, "account", &names)?) {
        limits.push(account_limits(&row.ok_or_else(|| missing(node, name))?)?);
    }
    Ok(Table::new(limits))
}

fn account_limits(node: &Node<'_>) -> Checked<AccountLimits> {
    let [cap_node, day_loss, rate_node, reserve_node] =
        node.fields(["usage_cap", "day_loss", "message_rate", "cancel_reserve"])?;
    let what = "a fraction of equity above 0 up to 1, such as 0.90 for 90 %";
    let usage_cap = cap_node.rate(Ratio::ZERO, Ratio::ONE, what)?;
    if usage_cap == Ratio::ZERO {
        return Err(cap_node.refuse(what));
    }
    let (message_rate, cancel_reserve) = read_messages(&rate_node, &reserve_node)?;
    Ok(AccountLimits {
        usage_cap,
        day_loss: day_loss.money_from(SOME, "the largest loss of a day")?,
        message_rate,
        cancel_reserve,
    })
}

fn read_hedges(config: &Config, node: &Node<'_>) -> Checked<Table<HedgeId, HedgeLimits>> {
    let names: Vec<String> = config.hedges.iter().map(|row| row.plan.name.clone()).collect();
    let rows = by_name(node, "hedge", &names)?;
    let mut limits = Vec::with_capacity(names.len());
    for (hedge, row) in config.hedges.iter().zip(rows) {
        let row = row.ok_or_else(|| missing(node, &hedge.plan.name))?;
        limits.push(hedge_limits(config, hedge, &row)?);
    }
    Ok(Table::new(limits))
}

const HEDGE_KEYS: [&str; 18] = [
    "clip",
    "max",
    "overnight",
    "holiday",
    "before_break_ns",
    "max_residual",
    "live_residual",
    "finish_within_ns",
    "order_timeout_ns",
    "repair",
    "max_loss",
    "max_loss_per_day",
    "tries",
    "messages",
    "trims_per_day",
    "legging",
    "crossing",
    "max_roll_cost",
];

fn hedge_limits(config: &Config, hedge: &Hedge, node: &Node<'_>) -> Checked<HedgeLimits> {
    let plan = &hedge.plan;
    let [
        clip,
        max,
        overnight,
        holiday,
        before_break,
        max_residual,
        live_residual,
        finish_within,
        order_timeout,
        repair,
        max_loss_node,
        day_loss_node,
        tries,
        messages,
        trims_per_day,
        legging,
        crossing,
        roll_cost,
    ] = node.fields(HEDGE_KEYS)?;
    let size = read_size(config, plan, [&clip, &max, &overnight, &holiday, &before_break])?;
    let (at_rest, live) = residuals(plan, &size, &max_residual, &live_residual)?;
    let finish = finish_within.span(Span(1), "from the first order to the end")?;
    check_finish(config, hedge.widest(), &finish_within, finish)?;
    let timeout = order_timeout.span(Span(1), "how long an order may rest")?;
    if timeout > finish {
        return Err(order_timeout.refuse(format!("at most finish_within_ns, {}", finish.0)));
    }
    let max_loss = max_loss_node.money_from(SOME, "the most that one repair may lose")?;
    let day_loss = day_loss_node.money_from(SOME, "the most that repair may lose in a day")?;
    if day_loss < max_loss {
        return Err(day_loss_node.refuse(format!("at least max_loss, {max_loss}")));
    }
    let legs = i64::try_from(hedge.widest().legs.len()).unwrap_or(i64::MAX);
    let execution = Execution {
        max_residual: at_rest,
        live_residual: live,
        finish_within: finish,
        order_timeout: timeout,
        repair: repair.choice(&[
            ("cheaper_of", Repair::CheaperOf),
            ("supplement", Repair::Supplement),
            ("unwind", Repair::Unwind),
        ])?,
        max_loss,
        max_loss_per_day: day_loss,
        tries: tries.count(1, i64::from(TRY_MAX), "orders of one leg in an attempt")?,
        messages: messages.count(legs, 1_000_000, "messages of one attempt")?,
        trims_per_day: trims_per_day.count(0, 1_000_000, "trims in a day")?,
    };
    let limits = HedgeLimits {
        size,
        execution,
        legging: super::legging::read(plan, &legging)?,
        crossing: crossing.flag()?,
        max_roll_cost: read_roll_cost(hedge, &roll_cost)?,
    };
    if limits.crossing && limits.legging.is_staged() {
        return Err(crossing.refuse("false where legs are sent one after the other"));
    }
    match super::legging::flaw(config, hedge, &limits) {
        Some(expected) => Err(legging.refuse(expected)),
        None => Ok(limits),
    }
}

/// What rolling one set may cost, where there is a next hedge to roll into.
fn read_roll_cost(hedge: &Hedge, node: &Node<'_>) -> Checked<Option<Money>> {
    match (&hedge.roll, node.clone().optional()) {
        (Some(_), Some(node)) => {
            node.money_from(SOME, "the most that moving one set to the next may cost").map(Some)
        }
        (Some(_), None) => Err(node.refuse("an amount of money: the hedge names its next")),
        (None, Some(node)) => Err(node.refuse("null: the hedge names no next")),
        (None, None) => Ok(None),
    }
}

fn read_size(config: &Config, plan: &HedgePlan, nodes: [&Node<'_>; 5]) -> Checked<Size> {
    let [clip_node, max_node, overnight, holiday, before_break] = nodes;
    let clip = clip_node.whole(1, 1_000_000_000, "sets sent at once")?;
    let max = max_node.whole(1, 1_000_000_000, "sets held")?;
    if clip > max {
        return Err(clip_node.refuse(format!("at most max, {max}")));
    }
    for leg in plan.legs.iter().filter(|leg| leg.lots.num() > 0) {
        let instrument = &config.instruments[leg.instrument];
        let held = lots_at(leg, max + clip);
        if held > LOTS_MAX || !fits(&[held, i128::from(leg.units), MONEY_UNIT]) {
            return Err(max_node.refuse(format!(
                "sets whose lots and units fit the arithmetic; {held} lots of {}",
                instrument.name
            )));
        }
        let most = lots_at(leg, clip);
        if most > i128::from(instrument.qty_max) {
            return Err(clip_node.refuse(format!(
                "a clip of at most qty_max of {}; this one has {most} lots there, of {} allowed",
                instrument.name, instrument.qty_max
            )));
        }
        if most < i128::from(instrument.min_qty.get()) {
            return Err(clip_node.refuse(format!(
                "a clip of at least min_qty of {}; this one has {most} lots there, of {} needed",
                instrument.name,
                instrument.min_qty.get()
            )));
        }
    }
    let held = |node: &Node<'_>, what: &str| node.whole(0, max, what);
    Ok(Size {
        clip,
        max,
        overnight: held(overnight, "sets held overnight, at most max")?,
        holiday: held(holiday, "sets held over a holiday, at most max")?,
        before_break: before_break.span(Span::ZERO, "time before a market shuts")?,
    })
}

/// `max_residual` and `live_residual` over the plan's `unit_den`, rounded down.
fn residuals(
    plan: &HedgePlan,
    size: &Size,
    max_residual: &Node<'_>,
    live_residual: &Node<'_>,
) -> Checked<(i128, i128)> {
    let units = |node: &Node<'_>| -> Checked<i128> {
        let value = node.ratio_above_zero("common units")?;
        let scaled = i128::from(value.num()) * i128::from(plan.unit_den);
        Ok(div_floor(scaled, i128::from(value.den())))
    };
    let (at_rest, live) = (units(max_residual)?, units(live_residual)?);
    let sized = || plan.legs.iter().filter(|leg| leg.lots.num() > 0);
    let lots = || sized().map(|leg| i128::from(leg.units));
    let (finest, coarsest) = (lots().min().unwrap_or(0), lots().max().unwrap_or(0));
    if 2 * at_rest < finest {
        return Err(max_residual.refuse(format!(
            "at least half a lot of the finest leg, {} common units",
            shown(plan, (finest + 1) / 2)
        )));
    }
    if let Some((sets, residual)) = misaligned(plan, size, at_rest) {
        return Err(max_residual.refuse(format!(
            "at least {} common units: whole lots come no nearer to {sets} sets",
            shown(plan, residual)
        )));
    }
    if live < coarsest {
        return Err(live_residual.refuse(format!(
            "at least one lot of the coarsest leg, {} common units",
            shown(plan, coarsest)
        )));
    }
    let clip = i128::from(size.clip) * i128::from(plan.set_units);
    if live < clip {
        return Err(live_residual
            .refuse(format!("at least one leg of a clip, {} common units", shown(plan, clip))));
    }
    if live < at_rest {
        return Err(live_residual.refuse("at least max_residual"));
    }
    Ok((at_rest, live))
}

/// The first number of sets whose whole lots are further apart than `limit`, and how far.
pub(super) fn misaligned(plan: &HedgePlan, size: &Size, limit: i128) -> Option<(i64, i128)> {
    let most = size.max.min(ALIGNMENT_SETS);
    (1..=most)
        .map(|sets| (sets, plan.residual(&plan.goal(sets))))
        .find(|(_, residual)| *residual > limit)
}

/// Units over `unit_den` as people read them, rounded up to the next 10⁻⁹.
fn shown(plan: &HedgePlan, units: i128) -> Money {
    Money(div_ceil(units * MONEY_UNIT, i128::from(plan.unit_den)))
}

fn check_finish(config: &Config, plan: &HedgePlan, node: &Node<'_>, finish: Span) -> Checked<()> {
    for leg in &plan.legs {
        let venue = &config.venues[config.accounts[leg.account].venue];
        if finish < venue.ack_timeout {
            return Err(node.refuse(format!(
                "at least ack_timeout_ns of venue {}, {}: a shorter attempt ends before an \
                 order's silence is noticed",
                venue.name, venue.ack_timeout.0
            )));
        }
    }
    Ok(())
}

fn read_sums(config: &Config, node: &Node<'_>) -> Checked<Vec<SumResidual>> {
    let mut sums: Vec<SumResidual> = Vec::new();
    for row in node.list()? {
        let [product_node, currency_node, limit] = row.fields(["product", "currency", "limit"])?;
        let products: Vec<String> = config.products.iter().cloned().collect();
        let currencies: Vec<String> = config.currencies.iter().cloned().collect();
        let product: ProductId = named(&product_node, "product", &products)?;
        let currency: CurrencyId = named(&currency_node, "currency", &currencies)?;
        if sums.iter().any(|sum| sum.product == product && sum.currency == currency) {
            return Err(row.refuse("each product and currency once"));
        }
        let limit = limit.ratio_above_zero("the sum of residuals in common units")?;
        sums.push(SumResidual { product, currency, limit });
    }
    for hedge in config.hedges.iter() {
        let plan = &hedge.plan;
        let Some(first) = plan.legs.first() else { continue };
        let product = config.instruments[first.instrument].product;
        if !sums.iter().any(|sum| sum.product == product && sum.currency == plan.currency) {
            return Err(node.refuse(format!(
                "a limit for product {} in {}, which hedge {} needs",
                config.products[product], config.currencies[plan.currency], plan.name
            )));
        }
    }
    Ok(sums)
}

fn named<I: Id>(node: &Node<'_>, kind: &str, names: &[String]) -> Checked<I> {
    let name = node.as_text().unwrap_or_default();
    let place = names.iter().position(|known| known == name);
    place.map(I::at).ok_or_else(|| unknown(kind, names, node, name))
}

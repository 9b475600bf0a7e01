//! What exchanges count of a contract in a trading day: how much of it may be used.

use super::Config;
use super::tree::{Checked, Node};
use crate::conduct::{Budget, Budgets};
use crate::ids::InstrumentId;
use crate::instrument::Netting;

/// Most of anything in a day.
const MOST: i64 = 1_000_000_000;

const KEYS: [&str; 12] = [
    "cancels_per_day",
    "cancels_reserve",
    "large_lots",
    "large_cancels_per_day",
    "large_cancels_reserve",
    "opens_per_day",
    "opens_reserve",
    "self_trades_per_day",
    "bursts_per_day",
    "counts_ioc",
    "counts_fok",
    "counts_hedging",
];

pub(super) fn read(config: &Config, id: InstrumentId, node: Node<'_>) -> Checked<Option<Budgets>> {
    let Some(node) = node.optional() else { return Ok(None) };
    let [
        cancels,
        cancels_reserve,
        large_lots,
        large_cancels,
        large_reserve,
        opens,
        opens_reserve,
        self_trades,
        bursts,
        counts_ioc,
        counts_fok,
        counts_hedging,
    ] = node.fields(KEYS)?;
    if nets(config, id) && opens.clone().optional().is_some() {
        let node = opens;
        return Err(node.refuse("null: where positions are netted no order says that it opens"));
    }
    let large = large_cancels.clone().optional().is_some();
    let budgets = Budgets {
        cancels: budget(&cancels, &cancels_reserve, "cancels in a day")?,
        large_cancels: budget(&large_cancels, &large_reserve, "large cancels in a day")?,
        large_lots: beside(large, &large_lots, 1, "lots that make a cancel a large one")?,
        opens: budget(&opens, &opens_reserve, "lots opened in a day")?,
        self_trades: most(self_trades, "trades with itself in a day")?,
        bursts: most(bursts, "bursts of messages in a day")?,
        counts_ioc: counts_ioc.flag()?,
        counts_fok: counts_fok.flag()?,
        counts_hedging: counts_hedging.flag()?,
    };
    Ok(Some(budgets))
}

/// Whether budgets that did not come as a document are such as one could state.
pub(super) fn admits(config: &Config, id: InstrumentId, budgets: &Budgets) -> bool {
    let most = |count: u32| (1..=MOST).contains(&i64::from(count));
    let sound = |budget: Budget| most(budget.per_day) && budget.reserve < budget.per_day;
    let split = [budgets.cancels, budgets.large_cancels, budgets.opens];
    let whole = [budgets.self_trades, budgets.bursts];
    let large = if budgets.large_cancels.is_some() { 1..=MOST } else { 0..=0 };
    split.into_iter().flatten().all(sound)
        && whole.into_iter().flatten().all(most)
        && large.contains(&budgets.large_lots)
        && (budgets.opens.is_none() || !nets(config, id))
}

/// Whether positions of the contract are netted where it trades.
fn nets(config: &Config, id: InstrumentId) -> bool {
    let venue = config.instruments.get(id).and_then(|of| config.venues.get(of.venue));
    venue.is_some_and(|venue| venue.netting == Netting::Net)
}

fn budget(per_day: &Node<'_>, reserve: &Node<'_>, what: &str) -> Checked<Option<Budget>> {
    let most = most(per_day.clone(), what)?;
    let kept = beside(most.is_some(), reserve, 0, "a part of it that nothing that enters uses")?;
    let Some(per_day) = most else { return Ok(None) };
    match u32::try_from(kept) {
        Ok(reserve) if reserve < per_day => Ok(Some(Budget { per_day, reserve })),
        Ok(_) | Err(_) => Err(reserve.refuse(format!("less than the budget, {per_day}"))),
    }
}

fn most(node: Node<'_>, what: &str) -> Checked<Option<u32>> {
    let what = format!("{what}, or null where there is no rule");
    node.optional().map(|node| node.count(1, MOST, &what)).transpose()
}

/// A number that belongs to a budget, and is null where there is none.
fn beside(is_there: bool, node: &Node<'_>, low: i64, what: &str) -> Checked<i64> {
    match (is_there, node.clone().optional()) {
        (true, Some(node)) => node.whole(low, MOST, what),
        (true, None) => Err(node.refuse(what)),
        (false, Some(node)) => Err(node.refuse("null: there is no such budget")),
        (false, None) => Ok(0),
    }
}

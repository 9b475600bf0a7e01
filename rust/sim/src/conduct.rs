//! Budgets of conduct: runs that have them, and that nothing enters beyond them.

use cross_market_core::conduct::{Budget, Budgets};

use crate::document::{null, object};

/// The budgets as a configuration states them.
pub(crate) fn document(of: Option<&Budgets>) -> String {
    let Some(of) = of else { return null() };
    let count = |count: Option<u32>| count.map_or(null(), |count| count.to_string());
    let per_day = |budget: Option<Budget>| count(budget.map(|of| of.per_day));
    let reserve = |budget: Option<Budget>| count(budget.map(|of| of.reserve));
    object([
        ("cancels_per_day", per_day(of.cancels)),
        ("cancels_reserve", reserve(of.cancels)),
        ("large_lots", of.large_cancels.map_or(null(), |_| of.large_lots.to_string())),
        ("large_cancels_per_day", per_day(of.large_cancels)),
        ("large_cancels_reserve", reserve(of.large_cancels)),
        ("opens_per_day", per_day(of.opens)),
        ("opens_reserve", reserve(of.opens)),
        ("self_trades_per_day", count(of.self_trades)),
        ("bursts_per_day", count(of.bursts)),
        ("counts_ioc", of.counts_ioc.to_string()),
        ("counts_fok", of.counts_fok.to_string()),
        ("counts_hedging", of.counts_hedging.to_string()),
    ])
}

//! Routes over which money may be moved. None is implied: accounts without one are apart.

use super::tree::{Checked, Node};
use super::{Config, Route, Windows};
use crate::ids::AccountId;
use crate::num::{Money, Ratio};
use crate::time::{Span, Time};

/// Most routes.
const ROUTES_MAX: usize = 4_096;

/// Most windows of one route.
const WINDOWS_MAX: usize = 4_096;

pub(super) fn read(
    node: &Node<'_>,
    config: &Config,
    account: impl Fn(&Node<'_>) -> Checked<AccountId>,
) -> Checked<Vec<Route>> {
    let mut routes: Vec<Route> = Vec::new();
    for row in node.list()? {
        let [from_node, to_node, windows, lead, least, most, cost, haircut] =
            row.fields(["from", "to", "windows", "lead_ns", "least", "most", "cost", "haircut"])?;
        let (from, to) = (account(&from_node)?, account(&to_node)?);
        if from == to {
            return Err(to_node.refuse("an account that is not the one money leaves"));
        }
        if routes.iter().any(|known| (known.from, known.to) == (from, to)) {
            return Err(to_node.refuse("each pair of accounts once: this route is declared"));
        }
        if routes.len() >= ROUTES_MAX {
            return Err(row.refuse(format!("at most {ROUTES_MAX} routes")));
        }
        let least_amount = least.money_from(Money(1), "the smallest amount")?;
        let most_amount =
            most.money_from(least_amount, "the largest amount, at least the smallest")?;
        let what = "a fraction from 0 to 1 that does not count while money is on its way";
        routes.push(Route {
            from,
            to,
            windows: windows_of(&windows)?,
            lead: lead.span(Span(1), "how long money may take")?,
            least: least_amount,
            most: most_amount,
            cost: cost.money_from(Money::ZERO, "what a transfer costs")?,
            haircut: haircut.rate(Ratio::ZERO, Ratio::ONE, what)?,
            same_currency: config.accounts.get(from).map(|of| of.currency)
                == config.accounts.get(to).map(|of| of.currency),
        });
    }
    routes.sort_by_key(|route| (route.from, route.to));
    Ok(routes)
}

fn windows_of(node: &Node<'_>) -> Checked<Windows> {
    if node.as_text() == Some("always") {
        return Ok(Windows::always());
    }
    let Ok(rows) = node.list() else {
        return Err(node.refuse("\"always\" or a list of [start in ns, end in ns]"));
    };
    if rows.is_empty() || rows.len() > WINDOWS_MAX {
        return Err(node.refuse(format!("1 to {WINDOWS_MAX} windows: a route without one is none")));
    }
    let mut windows: Vec<(Time, Time)> = Vec::with_capacity(rows.len());
    for row in rows {
        let [start_node, end_node] = row.items()?;
        let what = "a moment in ns since 1970";
        let moment = |node: &Node<'_>| node.whole(Time::EARLIEST.0, Time::LATEST.0, what).map(Time);
        let (start, end) = (moment(&start_node)?, moment(&end_node)?);
        if windows.last().is_some_and(|(_, before)| *before > start) {
            return Err(start_node.refuse("a start at or after the end before it"));
        }
        if end <= start {
            return Err(end_node.refuse("an end after its start"));
        }
        windows.push((start, end));
    }
    Ok(Windows::of(windows))
}

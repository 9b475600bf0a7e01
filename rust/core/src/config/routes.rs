//! Routes over which money may be moved. None is implied: accounts without one are apart.

use super::tree::{Checked, Node};
use super::{Account, Config, Route, TopUp, Windows};
use crate::ids::AccountId;
use crate::num::{Money, Ratio};
use crate::threshold::Level;
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
        let keys = ["from", "to", "windows", "lead_ns", "least", "most", "cost", "haircut"];
        let (known, [top_up_node]) = row.fields_and(keys, ["top_up"])?;
        let [from_node, to_node, windows, lead, least, most, cost, haircut] = known;
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
        let currency = |id| config.accounts.get(id).map(|of: &Account| of.currency);
        let same_currency = currency(from) == currency(to);
        let top_up = match top_up_node.and_then(Node::optional) {
            None => None,
            Some(node) if !same_currency => {
                return Err(node.refuse("nothing: the accounts have two currencies"));
            }
            Some(node) => Some(top_up(&node, most_amount)?),
        };
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
            same_currency,
            top_up,
        });
    }
    routes.sort_by_key(|route| (route.from, route.to));
    Ok(routes)
}

fn top_up(node: &Node<'_>, most: Money) -> Checked<TopUp> {
    let [at, usage, step, keep] = node.fields(["at", "usage", "step", "keep"])?;
    let words: Vec<(&str, Level)> =
        Level::ALL.iter().skip(1).map(|level| (level.name(), *level)).collect();
    let step_amount = step.money_from(Money(1), "what amounts are multiples of")?;
    if step_amount > most {
        return Err(step.refuse("at most the largest amount of the route"));
    }
    let least = Ratio::new(1, 1_000_000_000).unwrap_or(Ratio::ONE);
    Ok(TopUp {
        at: at.choice(&words)?,
        usage: usage.rate(least, Ratio::ONE, "the usage to come to, above 0 and at most 1")?,
        step: step_amount,
        keep: keep.money_from(Money::ZERO, "what stays where the money leaves")?,
    })
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

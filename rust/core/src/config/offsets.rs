//! Offsets: what is left of the margin of positions that stand against each other, by account.

use super::things::Names;
use super::tree::{Checked, Node};
use super::{Config, MONEY_MAX};
use crate::ids::{AccountId, Id, InstrumentId, Table};
use crate::instrument::Settlement;
use crate::margin::offset::{CONTRACTS_MAX, Offset, Offsets, ROWS_MAX};
use crate::num::Money;

/// Most lots of a leg.
const LOTS_MAX: i64 = 1_000_000;

pub(super) fn read(
    node: Option<Node<'_>>,
    config: &Config,
    names: &Names,
) -> Checked<Table<AccountId, Offsets>> {
    let mut tables = vec![Offsets::default(); config.accounts.len()];
    let rows = node.and_then(Node::optional).map_or(Ok(Vec::new()), |node| node.list())?;
    for row in rows {
        let [account_node, legs, credit] = row.fields(["account", "legs", "credit"])?;
        let account: AccountId = names.accounts.find(&account_node)?;
        let Some(table) = tables.get_mut(account.index()) else { continue };
        if table.rows.len() >= ROWS_MAX {
            return Err(row.refuse(format!("at most {ROWS_MAX} rows for an account")));
        }
        let legs = read_legs(&legs, config, names, account, table)?;
        let credit = credit.money_from(Money(1), "what one set is left")?;
        if credit > MONEY_MAX {
            return Err(row.refuse("a smaller amount"));
        }
        table.rows.push(Offset { legs, credit });
    }
    Ok(Table::new(tables))
}

fn read_legs(
    node: &Node<'_>,
    config: &Config,
    names: &Names,
    account: AccountId,
    table: &mut Offsets,
) -> Checked<Vec<(usize, i64)>> {
    let mut legs: Vec<(usize, i64)> = Vec::new();
    for leg in node.list()? {
        let [instrument_node, lots_node] = leg.fields(["instrument", "lots"])?;
        let id: InstrumentId = names.instruments.find(&instrument_node)?;
        may_stand(&instrument_node, config, account, id)?;
        let lots = lots_node.whole(-LOTS_MAX, LOTS_MAX, "lots, bought above zero, sold below")?;
        if lots == 0 {
            return Err(lots_node.refuse("lots other than 0"));
        }
        let known = table.contracts.iter().position(|known| *known == id);
        let place = known.unwrap_or(table.contracts.len());
        if place >= CONTRACTS_MAX {
            let most = format!("at most {CONTRACTS_MAX} contracts in the rows of an account");
            return Err(instrument_node.refuse(most));
        }
        if place == table.contracts.len() {
            table.contracts.push(id);
        }
        if legs.iter().any(|(at, _)| *at == place) {
            return Err(instrument_node.refuse("each contract once in a row"));
        }
        legs.push((place, lots));
    }
    let (bought, sold) =
        (legs.iter().any(|(_, lots)| *lots > 0), legs.iter().any(|(_, lots)| *lots < 0));
    if bought && sold { Ok(legs) } else { Err(node.refuse("contracts bought and contracts sold")) }
}

/// Only lots that are margined each side by itself, in the money of the account, stand in a table.
fn may_stand(
    node: &Node<'_>,
    config: &Config,
    account: AccountId,
    id: InstrumentId,
) -> Checked<()> {
    let (Some(of), Some(account)) = (config.instruments.get(id), config.accounts.get(account))
    else {
        return Err(node.refuse("a configured instrument"));
    };
    if (of.venue, of.currency) != (account.venue, account.currency) {
        return Err(node.refuse("an instrument of the account's venue and currency"));
    }
    match of.settlement {
        Settlement::DailyVm | Settlement::OnClose(_) if !of.larger_side => Ok(()),
        Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::Upfront
        | Settlement::PromptForward
        | Settlement::Coin(_) => Err(node.refuse(
            "an instrument that is margined (daily_vm, on_close), and not on its larger side",
        )),
    }
}

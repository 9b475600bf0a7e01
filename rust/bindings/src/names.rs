//! The names of a configuration, both ways.

use std::collections::BTreeMap;

use cross_market_core::config::{Config, Hedge};
use cross_market_core::ids::{
    AccountId, CurrencyId, GroupId, HedgeId, Id, InstrumentId, ProductId, StrategyId, Table,
    VenueId,
};

/// Names of one kind.
#[derive(Debug)]
pub(crate) struct Names<I> {
    by_id: Table<I, String>,
    by_name: BTreeMap<String, I>,
}

impl<I: Id> Names<I> {
    fn new<'a>(names: impl Iterator<Item = &'a String>) -> Names<I> {
        let list: Vec<String> = names.cloned().collect();
        let by_name = list.iter().enumerate().map(|(at, name)| (name.clone(), I::at(at))).collect();
        Names { by_id: Table::new(list), by_name }
    }

    /// The id of a name.
    pub(crate) fn id(&self, name: &str) -> Option<I> {
        self.by_name.get(name).copied()
    }

    /// The name of an id; empty for one that is not in the configuration.
    pub(crate) fn name(&self, id: I) -> &str {
        self.by_id.get(id).map_or("", String::as_str)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All names in the order of their ids.
    pub(crate) fn list(&self) -> Vec<&str> {
        self.by_id.iter().map(String::as_str).collect()
    }
}

fn traded(hedge: &Hedge) -> Vec<InstrumentId> {
    hedge.plan.legs.iter().map(|leg| leg.instrument).collect()
}

/// A configuration and all its names.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) config: Config,
    pub(crate) venues: Names<VenueId>,
    pub(crate) accounts: Names<AccountId>,
    pub(crate) instruments: Names<InstrumentId>,
    pub(crate) hedges: Names<HedgeId>,
    pub(crate) currencies: Names<CurrencyId>,
    pub(crate) products: Names<ProductId>,
    pub(crate) groups: Names<GroupId>,
    pub(crate) strategies: Names<StrategyId>,
    /// What the legs of each hedge trade.
    pub(crate) legs: Table<HedgeId, Vec<InstrumentId>>,
}

impl Directory {
    /// The names of `config`.
    pub(crate) fn new(config: &Config) -> Directory {
        Directory {
            config: config.clone(),
            venues: Names::new(config.venues.iter().map(|venue| &venue.name)),
            accounts: Names::new(config.accounts.iter().map(|account| &account.name)),
            instruments: Names::new(config.instruments.iter().map(|instrument| &instrument.name)),
            hedges: Names::new(config.hedges.iter().map(|hedge| &hedge.plan.name)),
            currencies: Names::new(config.currencies.iter()),
            products: Names::new(config.products.iter()),
            groups: Names::new(config.groups.iter()),
            strategies: Names::new(config.strategies.iter()),
            legs: Table::new(config.hedges.iter().map(traded).collect()),
        }
    }
}

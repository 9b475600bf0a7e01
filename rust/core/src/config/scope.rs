//! What accounts, hedges and contracts have in common: who is a member of a venue, a product, a group
//! of accounts, a strategy.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::{Config, Hedge};
use crate::ids::{AccountId, GroupId, HedgeId, Id, InstrumentId};
use crate::quote::LegPlan;
use crate::threshold::{Class, Of, Reach};

impl Config {
    /// The places of what a threshold is of that looks at several together; empty for another.
    ///
    /// An account belongs to a venue and a group by itself, a contract to a venue and a product, a
    /// hedge to a strategy; everything else by the legs of hedges: a hedge belongs to what any of
    /// its legs belongs to, an account and a contract to what is traded with them.
    #[must_use]
    pub fn members(&self, of: Of, reach: Reach) -> Vec<u16> {
        let count = match of {
            Of::Account => self.accounts.len(),
            Of::Hedge => self.hedges.len(),
            Of::Instrument => self.instruments.len(),
        };
        let places = (0..count).filter(|place| match reach {
            Reach::Each | Reach::One(_) => false,
            Reach::All => true,
            Reach::Whole(class, whole) => {
                let whole = usize::from(whole);
                match of {
                    Of::Account => self.has_account(class, whole, AccountId::at(*place)),
                    Of::Hedge => self.has_hedge(class, whole, HedgeId::at(*place)),
                    Of::Instrument => self.has_instrument(class, whole, InstrumentId::at(*place)),
                }
            }
        });
        places.filter_map(|place| u16::try_from(place).ok()).collect()
    }

    fn has_account(&self, class: Class, whole: usize, id: AccountId) -> bool {
        match class {
            Class::Venue => self.accounts[id].venue.index() == whole,
            Class::Group => self.is_controlled(id, whole),
            Class::Product => {
                self.legs().any(|(_, leg)| leg.account == id && self.is_of(leg, whole))
            }
            Class::Strategy => {
                self.legs().any(|(hedge, leg)| leg.account == id && follows(hedge, whole))
            }
        }
    }

    fn has_hedge(&self, class: Class, whole: usize, id: HedgeId) -> bool {
        let hedge = &self.hedges[id];
        let any = |has: &dyn Fn(&LegPlan) -> bool| hedge.widest().legs.iter().any(has);
        match class {
            Class::Venue => any(&|leg| self.accounts[leg.account].venue.index() == whole),
            Class::Product => any(&|leg| self.is_of(leg, whole)),
            Class::Group => any(&|leg| self.is_controlled(leg.account, whole)),
            Class::Strategy => follows(hedge, whole),
        }
    }

    fn has_instrument(&self, class: Class, whole: usize, id: InstrumentId) -> bool {
        let instrument = &self.instruments[id];
        match class {
            Class::Venue => instrument.venue.index() == whole,
            Class::Product => instrument.product.index() == whole,
            Class::Group => self
                .legs()
                .any(|(_, leg)| leg.instrument == id && self.is_controlled(leg.account, whole)),
            Class::Strategy => {
                self.legs().any(|(hedge, leg)| leg.instrument == id && follows(hedge, whole))
            }
        }
    }

    fn legs(&self) -> impl Iterator<Item = (&Hedge, &LegPlan)> {
        self.hedges.iter().flat_map(|hedge| hedge.widest().legs.iter().map(move |leg| (hedge, leg)))
    }

    fn is_of(&self, leg: &LegPlan, product: usize) -> bool {
        self.instruments[leg.instrument].product.index() == product
    }

    fn is_controlled(&self, account: AccountId, group: usize) -> bool {
        let group = (group < self.groups.len()).then(|| &self.groups[GroupId::at(group)]);
        group.is_some_and(|group| *group == self.accounts[account].group)
    }
}

fn follows(hedge: &Hedge, strategy: usize) -> bool {
    hedge.strategy.is_some_and(|of| of.index() == strategy)
}

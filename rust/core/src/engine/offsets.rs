//! Positions that stand against each other: what is left of their margin, and what of that the orders
//! which may still trade can break.

use super::Engine;
use crate::ids::AccountId;
use crate::margin::offset::{AllHeld, Held};
use crate::num::Money;
use crate::position::Positions;

impl Engine {
    /// The margin of an account with what its table leaves it.
    pub(super) fn offset(&self, account: AccountId, positions: &Positions, margin: Money) -> Money {
        let table = &self.config.offsets[account];
        if table.is_empty() {
            return margin;
        }
        (margin - table.credit(&self.all_held(account, positions))).max(Money::ZERO)
    }

    /// What of that may come back with what live orders and the first `places` of those that are
    /// about to leave trade, whichever of them do.
    pub(super) fn risked(&self, account: AccountId, places: usize) -> Money {
        let table = &self.config.offsets[account];
        if table.is_empty() {
            return Money::ZERO;
        }
        let now = self.all_held(account, &self.positions);
        let mut then = now;
        let live = self.live.iter().filter_map(|id| self.orders.get(*id));
        let live = live.map(|order| (&order.place, order.leaves()));
        let waiting = self.work.places.iter().take(places).map(|place| (place, place.qty.get()));
        for (place, lots) in live.chain(waiting).filter(|(place, _)| place.account == account) {
            let at = table.contracts.iter().position(|known| *known == place.instrument);
            if let Some(held) = at.and_then(|at| then.get_mut(at)) {
                held.may(place.side, lots);
            }
        }
        table.credit(&now) - table.credit(&then)
    }

    fn all_held(&self, account: AccountId, positions: &Positions) -> AllHeld {
        let mut all = AllHeld::default();
        for (held, id) in all.iter_mut().zip(&self.config.offsets[account].contracts) {
            let (long, short) = positions.gross(account, *id);
            *held = Held::of(long.get(), short.get());
        }
        all
    }
}

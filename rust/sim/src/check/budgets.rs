//! That no order leaves beyond what its group may do in a contract in a day.

use cross_market_core::conduct::{Budget, Budgets};
use cross_market_core::ids::{ClientOrderId, InstrumentId};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::order::{Place, VenueStatus};
use cross_market_core::time::Time;

use crate::conduct::{Done, counts, ends_as_cancel, enters};
use crate::sent::Sent;

use super::Checker;

impl Checker {
    fn budgets(&self, instrument: InstrumentId) -> Option<Budgets> {
        self.policy.instruments.get(instrument).and_then(|limits| limits.conduct)
    }

    fn group(&self, place: &Place) -> String {
        self.config.accounts.get(place.account).map_or(String::new(), |of| of.group.clone())
    }

    /// An order leaves: with what its group has done, and what its orders may still come to, it is
    /// within the day; what enters leaves the reserves.
    pub(super) fn place_budgets(&mut self, now: Time, place: &Place) {
        let group = self.group(place);
        let Some(listed) = self.config.instruments.get(place.instrument) else { return };
        let venue = listed.venue;
        let bursts = self.conduct.bursts(&group, venue);
        self.conduct.message(now, &group, venue);
        let Some(budgets) = self.budgets(place.instrument).filter(|of| counts(of, place)) else {
            return;
        };
        let mut all = *self.conduct.done(&group, place.instrument);
        for sent in self.orders.values() {
            let other = &sent.place;
            if other.instrument == place.instrument
                && counts(&budgets, other)
                && self.group(other) == group
            {
                add_worst(&budgets, sent, &mut all);
            }
        }
        let most = |budget: Option<Budget>| {
            let kept = |of: Budget| if enters(place) { of.reserve } else { 0 };
            budget.map_or(i64::MAX, |of| i64::from(of.per_day) - i64::from(kept(of)))
        };
        let cancels = ends_as_cancel(&budgets, place) && all.cancels > most(budgets.cancels);
        let is_large = ends_as_cancel(&budgets, place) && place.qty.get() >= budgets.large_lots;
        let large = is_large && all.large > most(budgets.large_cancels);
        let opens = place.effect == PositionEffect::Open && all.opens > most(budgets.opens);
        let bursts_used = budgets.bursts.is_some_and(|most| bursts >= u64::from(most));
        if cancels || large || opens || (bursts_used && enters(place)) {
            let found = format!("{place:?}: {all:?} and {bursts} bursts of {budgets:?}");
            self.broken(now, "orders_within_conduct", found);
        }
    }

    /// A cancel leaves: its order counts with the first one.
    pub(super) fn note_cancel(&mut self, now: Time, order: ClientOrderId) {
        let Some(place) = self.orders.get(&order).map(|sent| sent.place) else { return };
        let group = self.group(&place);
        if let Some(listed) = self.config.instruments.get(place.instrument) {
            self.conduct.message(now, &group, listed.venue);
        }
        self.count(order);
    }

    /// A venue ended an order with lots left, and nobody sent a cancel. Where anything of that is in
    /// doubt it is not counted.
    pub(super) fn note_end(&mut self, order: ClientOrderId) {
        let Some(sent) = self.orders.get(&order) else { return };
        let sure = sent.is_confirmed() && !sent.absent && !sent.was_overridden && !sent.overridden;
        let is_short = sent.done == Some(VenueStatus::Cancelled) && sent.cum < sent.place.qty.get();
        let budgets = self.budgets(sent.place.instrument);
        if sure && is_short && budgets.is_some_and(|of| ends_as_cancel(&of, &sent.place)) {
            self.count(order);
        }
    }

    fn count(&mut self, order: ClientOrderId) {
        let Some(sent) = self.orders.get_mut(&order).filter(|sent| !sent.counted) else { return };
        sent.counted = true;
        let (place, left) = (sent.place, sent.place.qty.get() - sent.cum);
        let Some(budgets) = self.budgets(place.instrument).filter(|of| counts(of, &place)) else {
            return;
        };
        let group = self.group(&place);
        let done = self.conduct.done(&group, place.instrument);
        done.cancels += 1;
        done.large += i64::from(budgets.large_cancels.is_some() && left >= budgets.large_lots);
    }

    /// Lots of an order traded for the first time.
    pub(super) fn note_opened(&mut self, place: &Place, lots: i64) {
        let counted = self.budgets(place.instrument).is_some_and(|of| counts(&of, place));
        if counted && place.effect == PositionEffect::Open {
            let group = self.group(place);
            self.conduct.done(&group, place.instrument).opens += lots.max(0);
        }
    }
}

/// Adds what an order that is out may still come to.
fn add_worst(budgets: &Budgets, sent: &Sent, all: &mut Done) {
    let left = sent.leaves();
    if sent.done.is_some() || sent.absent {
        return;
    }
    if !sent.counted && ends_as_cancel(budgets, &sent.place) {
        all.cancels += 1;
        all.large += i64::from(budgets.large_cancels.is_some() && left >= budgets.large_lots);
    }
    if sent.place.effect == PositionEffect::Open {
        all.opens += left;
    }
}

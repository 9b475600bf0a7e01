//! The engine as what is driven through a run.

use cross_market_core::command::Command;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::event::Event;
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId};
use cross_market_core::num::{Money, Side};
use cross_market_core::order::{Order, Report};
use cross_market_core::quote::LegLots;
use cross_market_core::time::Time;

use crate::digest::Digest;
use crate::mind::Seen;
use crate::swarm::Driven;

impl Driven for Engine {
    type Error = Error;

    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Error> {
        Engine::handle(self, now, event, out)
    }

    fn deadline(&self) -> Option<Time> {
        Engine::deadline(self)
    }

    fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>) {
        if let Err(error) = Engine::restart(self, now, run, out) {
            panic!("broken invariant: a restart that the door refuses: {error}");
        }
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        Engine::position(self, account, instrument)
    }

    fn inventory(&self, hedge: HedgeId) -> LegLots {
        self.positions().inventory(hedge)
    }

    fn open(&self, account: AccountId, instrument: InstrumentId, side: Side) -> (i64, i128) {
        let rows = self.positions().rows(account, instrument, side).iter();
        rows.fold((0, 0), |(lots, cost), row| (lots + row.lots, cost + row.cost))
    }

    fn margin(&self, account: AccountId) -> Money {
        self.funds().margin(account)
    }

    fn live_orders(&self) -> usize {
        Engine::live_orders(self)
    }

    fn residual(&self, hedge: HedgeId) -> i128 {
        Engine::residual(self, hedge)
    }

    fn held(&self, account: AccountId) -> Money {
        Engine::held(self, account)
    }

    fn cash(&self, account: AccountId) -> Money {
        self.funds().balance(account)
    }

    fn forward(&self, account: AccountId, instrument: InstrumentId) -> Money {
        let own = self.funds().forwards(account);
        own.filter(|(lock, _)| lock.instrument == instrument).map(|(_, result)| result).sum()
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)> {
        let levels = self.book(instrument).into_iter().flat_map(|book| book.levels(side));
        levels.map(|level| (level.price.0, level.qty.get())).collect()
    }

    fn seen(&self, about: Option<ClientOrderId>) -> Option<Seen> {
        let newest = || {
            let alive = self.orders().iter().filter(|order| !order.state.is_done());
            alive.max_by_key(|order| (order.sent, order.place.order))
        };
        let order = match about {
            Some(order) => self.orders().get(order),
            None => newest(),
        };
        order.map(seen)
    }

    fn booked(&self, report: &Report) -> u64 {
        let mut digest = Digest::default();
        let signed = |wide: i128| i64::try_from(wide).unwrap_or(i64::MAX).cast_unsigned();
        if let Some(order) = report.order.and_then(|order| self.orders().get(order)) {
            // How it lives is moved by cancels and time-outs of the same step as well.
            digest.add(u64::from(order.state.is_done()));
            digest.add(signed(order.cost));
            for lots in [order.cum, order.venue_cum] {
                digest.add(lots.cast_unsigned());
            }
        }
        for account in self.config().accounts.ids() {
            digest.add(signed(self.funds().balance(account).0));
            for instrument in self.config().instruments.ids() {
                digest.add(Engine::position(self, account, instrument).cast_unsigned());
            }
        }
        digest.value()
    }
}

fn seen(order: &Order) -> Seen {
    let place = &order.place;
    Seen { state: order.state, purpose: place.purpose, first: place.order.leg().0 == 0 }
}

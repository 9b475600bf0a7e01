//! The engine as what is driven through a run.

use cross_market_core::command::Command;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::event::Event;
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId};
use cross_market_core::num::Money;
use cross_market_core::time::Time;

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

    fn restart(&mut self, _now: Time, _run: u16, _out: &mut Vec<Command>) -> bool {
        false
    }

    fn position(&self, _account: AccountId, _instrument: InstrumentId) -> i64 {
        0
    }

    fn live_orders(&self) -> usize {
        0
    }

    fn residual(&self, _hedge: HedgeId) -> i128 {
        0
    }

    fn held(&self, _account: AccountId) -> Money {
        Money::ZERO
    }

    fn cash(&self, _account: AccountId) -> Money {
        Money::ZERO
    }
}

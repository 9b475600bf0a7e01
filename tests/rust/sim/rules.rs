//! That each rule can be broken: by an engine that lies of itself.

use super::*;
use cross_market_core::num::Money;
use cross_market_core::quote::LegLots;
use cross_market_sim::swarm::Driven;

/// What an engine lies of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Inventory,
    Position,
    Cash,
}

/// An engine that lies.
struct Liar {
    engine: Engine,
    lie: Lie,
}

impl Driven for Liar {
    type Error = cross_market_core::error::Error;

    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Self::Error> {
        self.engine.handle(now, event, out)
    }

    fn deadline(&self) -> Option<Time> {
        self.engine.deadline()
    }

    fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>) {
        self.engine.restart(now, run, out);
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.engine.position(account, instrument) + i64::from(self.lie == Lie::Position)
    }

    fn inventory(&self, hedge: HedgeId) -> LegLots {
        let mut lots = Driven::inventory(&self.engine, hedge);
        lots[0] += i64::from(self.lie == Lie::Inventory);
        lots
    }

    fn cost(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        self.engine.cost(account, instrument)
    }

    fn live_orders(&self) -> usize {
        self.engine.live_orders()
    }

    fn residual(&self, hedge: HedgeId) -> i128 {
        self.engine.residual(hedge)
    }

    fn held(&self, account: AccountId) -> Money {
        self.engine.held(account)
    }

    fn cash(&self, account: AccountId) -> Money {
        Driven::cash(&self.engine, account) + Money(i128::from(self.lie == Lie::Cash))
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)> {
        self.engine.levels(instrument, side)
    }
}

fn rules_of(lie: Lie, seed: u64) -> Vec<&'static str> {
    let options = Options { restarts: true, ..Options::default() };
    let run = run(seed, &options, |config, start| {
        let engine = Engine::new(config, start).map_err(|problem| problem.to_string())?;
        Ok(Liar { engine, lie })
    });
    run.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn an_engine_that_lies_is_found_out() {
    for (lie, rule) in [
        (Lie::Inventory, "inventory_as_told"),
        (Lie::Position, "position_as_told"),
        (Lie::Cash, "cash_as_told"),
    ] {
        let found = rules_of(lie, 1);
        assert!(found.contains(&rule), "{lie:?}: {found:?}");
    }
}

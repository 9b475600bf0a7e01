//! Every change of equity has its causes, to the last 10⁻⁹: over drawn configurations, markets,
//! faults, busts, corrections, late and foreign fills, settlements, drifts and restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails must be loud"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cross_market_core::attribution::{Attribution, Cause, Row};
use cross_market_core::book::Book;
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::event::Event;
use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId, LegId};
use cross_market_core::num::{Price, Side};
use cross_market_core::quote::LegLots;
use cross_market_core::time::Time;
use cross_market_sim::swarm::{Driven, Options, run};

/// What was seen over many runs.
#[derive(Default)]
struct Seen {
    causes: BTreeSet<Cause>,
    checks: u64,
    converted: u64,
    days: usize,
}

/// An engine with its attribution, which is held against money and positions after each turn.
struct Observed {
    engine: Engine,
    attribution: Attribution,
    seen: Rc<RefCell<Seen>>,
}

impl Observed {
    fn new(config: &Config, start: Time, seen: &Rc<RefCell<Seen>>) -> Result<Observed, String> {
        let engine = Engine::new(config, start).map_err(|problem| problem.to_string())?;
        let attribution = Attribution::new(config);
        Ok(Observed { engine, attribution, seen: Rc::clone(seen) })
    }

    fn check(&self, now: Time) {
        let rows = self.attribution.rows(&self.engine);
        self.accounts_sum_to_what_they_earned(&rows, now);
        self.hedges_sum_to_their_inventories(&rows, now);
        self.conversions_sum_too(&rows, now);
        let mut seen = self.seen.borrow_mut();
        seen.checks += 1;
        seen.causes.extend(rows.iter().map(|row| row.cause));
        seen.days = seen.days.max(rows.iter().map(|row| row.day).collect::<BTreeSet<_>>().len());
    }

    fn accounts_sum_to_what_they_earned(&self, rows: &[Row], now: Time) {
        for (id, account) in self.engine.config().accounts.pairs() {
            let of = |row: &&Row| row.account == id && row.own_currency == account.currency;
            let sum: i128 = rows.iter().filter(of).map(|row| row.own_amount.0).sum();
            let earned = self.attribution.earned(&self.engine, id).0;
            assert!(sum == earned, "{id:?} at {now:?}: causes {sum}, earned {earned}: {rows:#?}");
            for currency in self.engine.config().currencies.ids() {
                let of = |row: &&Row| row.account == id && row.own_currency == currency;
                let sum: i128 = rows.iter().filter(of).map(|row| row.own_amount.0).sum();
                if currency != account.currency {
                    let paid = self.engine.funds().foreign_fees(id, currency).0;
                    assert_eq!(sum, -paid, "{id:?} in {currency:?}");
                }
            }
        }
    }

    /// Executions alone: what the engine keeps as a leg's result says the same another way.
    fn hedges_sum_to_their_inventories(&self, rows: &[Row], now: Time) {
        let config = self.engine.config();
        for (hedge, of) in config.hedges.pairs() {
            let mut expected = 0;
            for (at, leg) in of.plan.legs.iter().enumerate() {
                let Some([bid, ask]) = self.engine.book(leg.instrument).and_then(Book::touch)
                else {
                    return;
                };
                if leg.lots.num() == 0 {
                    continue;
                }
                let worth = |mark| self.engine.positions().leg_result(hedge, LegId::at(at), mark);
                // Twice the mid is the bid and the ask.
                let twice = worth(bid) + worth(ask);
                let value = twice * config.instruments[leg.instrument].tick_value.0;
                expected += value.div_euclid(2);
            }
            let traded = |row: &&Row| {
                row.hedge == Some(hedge)
                    && !matches!(row.cause, Cause::Carry | Cause::Fees | Cause::FeesCloseToday)
            };
            let sum: i128 = rows.iter().filter(traded).map(|row| row.own_amount.0).sum();
            assert!(sum == expected, "{hedge:?} at {now:?}: {sum}, not {expected}: {rows:#?}");
        }
    }

    /// In the hedge's currency: all of it at the rate now, and dust of less than a unit a row.
    fn conversions_sum_too(&self, rows: &[Row], now: Time) {
        let config = self.engine.config();
        let mut sums: BTreeMap<(HedgeId, AccountId), [i128; 4]> = BTreeMap::new();
        for row in rows {
            let Some(hedge) = row.hedge else {
                assert_eq!((row.amount, row.currency), (row.own_amount, row.own_currency));
                continue;
            };
            let is_dust = row.cause == Cause::Dust;
            let sum = sums.entry((hedge, row.account)).or_default();
            sum[0] += row.amount.0;
            sum[1] += row.own_amount.0;
            sum[2] += if is_dust { row.amount.0.abs() } else { 0 };
            // A row of a day is the difference of two that were rounded.
            sum[3] += 2;
        }
        for ((hedge, account), [amount, own, dust, roundings]) in sums {
            let plan = &config.hedges[hedge].plan;
            let leg = plan.legs.iter().find(|leg| leg.account == account).unwrap();
            let Some(fx) = leg.fx else {
                assert_eq!((amount, dust), (own, 0), "{hedge:?} in {account:?}");
                continue;
            };
            assert!(dust <= roundings, "{hedge:?} in {account:?}: dust {dust} of {roundings}");
            let Some([bid, ask]) = self.engine.book(fx).and_then(Book::touch) else { continue };
            let rate = i128::from(bid.0 + ask.0) * i128::from(leg.tick_num);
            let tick_value = config.instruments[leg.instrument].tick_value.0;
            let expected = (own * rate).div_euclid(2 * i128::from(leg.tick_den) * tick_value);
            assert_eq!(amount, expected, "{hedge:?} in {account:?} at {now:?}: {rows:#?}");
            self.seen.borrow_mut().converted += u64::from(own != 0);
        }
    }
}

impl Driven for Observed {
    type Error = Error;

    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Error> {
        let effect = self.engine.handle(now, event, out)?;
        if effect == Effect::Decision {
            self.attribution.step(&self.engine, now, event, out);
            self.check(now);
        }
        Ok(effect)
    }

    fn deadline(&self) -> Option<Time> {
        self.engine.deadline()
    }

    fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>) {
        self.attribution.see(&self.engine);
        let before = self.attribution.rows(&self.engine);
        self.engine.restart(now, run, out).unwrap();
        assert_eq!(self.attribution.rows(&self.engine), before, "a restart changes nothing");
        self.check(now);
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.engine.position(account, instrument)
    }

    fn inventory(&self, hedge: HedgeId) -> LegLots {
        self.engine.positions().inventory(hedge)
    }

    fn cost(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        Driven::cost(&self.engine, account, instrument)
    }

    fn live_orders(&self) -> usize {
        self.engine.live_orders()
    }

    fn residual(&self, hedge: HedgeId) -> i128 {
        self.engine.residual(hedge)
    }

    fn held(&self, account: AccountId) -> cross_market_core::num::Money {
        self.engine.held(account)
    }

    fn cash(&self, account: AccountId) -> cross_market_core::num::Money {
        self.engine.funds().balance(account)
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)> {
        Driven::levels(&self.engine, instrument, side)
    }
}

#[test]
fn causes_sum_to_the_change_of_equity_whatever_happens() {
    let seen = Rc::new(RefCell::new(Seen::default()));
    for seed in 0..400 {
        let options = Options { restarts: seed % 2 == 0, ..Options::default() };
        let done = run(seed, &options, |config, start| Observed::new(config, start, &seen));
        assert!(done.violations.is_empty(), "seed {seed}: {:#?}", done.violations.first());
    }
    let seen = seen.borrow();
    let without: Vec<&Cause> = Cause::ALL.iter().filter(|of| !seen.causes.contains(of)).collect();
    println!("{} checks, {} converted, {} days", seen.checks, seen.converted, seen.days);
    assert_eq!(without, Vec::<&Cause>::new());
    assert!(seen.checks > 10_000 && seen.converted > 1_000, "too little was seen");
    let _ = Price(0);
}

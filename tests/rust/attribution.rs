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
use cross_market_core::engine::{Booking, BookingKind, Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::event::{Control, Event, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{
    AccountId, CurrencyId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId, Note, Text,
};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{FeeNews, Fill, LiquiditySide, News, Report};
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::quote::LegLots;
use cross_market_core::time::{Day, Time};
use cross_market_sim::random::Random;
use cross_market_sim::swarm::{Driven, Options, run};

/// What was seen over many runs.
#[derive(Debug, Default)]
struct Seen {
    causes: BTreeSet<Cause>,
    checks: u64,
    converted: u64,
    days: usize,
    troubles: u64,
    adopted: u64,
    crossed: usize,
}

/// An engine with its attribution, which is held against money and positions after each turn.
struct Observed {
    engine: Engine,
    attribution: Attribution,
    seen: Rc<RefCell<Seen>>,
    /// What the world does not do is done here, where it is asked for.
    trouble: Option<Trouble>,
    today: Day,
}

/// News that come from nowhere: money, statements, foreign executions, revisions, days.
struct Trouble {
    random: Random,
    reports: Vec<Report>,
    days: i64,
    number: u64,
}

impl Trouble {
    fn new(seed: u64) -> Trouble {
        Trouble { random: Random::stream(seed, 77), reports: Vec::new(), days: 0, number: 0 }
    }

    /// An event at random, which the door may refuse.
    fn event(&mut self, engine: &Engine, now: Time) -> Option<Event> {
        let (account, instrument, price) = self.somewhere(engine);
        let amount = self.amount();
        let cash = |kind, amount| {
            Some(Event::Cash(Box::new(Cash {
                account,
                exchange: now,
                kind,
                amount,
                transfer: None,
            })))
        };
        match self.random.below(11) {
            0 => cash(CashKind::Funding, amount),
            1 => cash(CashKind::Interest, amount),
            2 => cash(CashKind::Fee, amount),
            3 => cash(CashKind::Transfer, amount),
            4 => cash(CashKind::Balance, engine.funds().balance(account) + amount),
            5 => Some(self.statement(engine, now)),
            6 => self.adoption(engine),
            7 => {
                let day = engine.positions().day(instrument);
                let settle = Settle { instrument, price, day, exchange: now };
                Some(Event::Settle(Box::new(settle)))
            }
            8 => Some(self.foreign(engine, now)),
            9 | 10 => self.revision(engine, now),
            _ => None,
        }
    }

    fn amount(&mut self) -> Money {
        Money(i128::from(self.random.between(-900_000_000_000, 900_000_000_000)))
    }

    fn somewhere(&mut self, engine: &Engine) -> (AccountId, InstrumentId, Price) {
        let (config, random) = (engine.config(), &mut self.random);
        let account = AccountId::at(random.index(config.accounts.len()));
        let instrument = InstrumentId::at(random.index(config.instruments.len()));
        let price = match engine.book(instrument).and_then(Book::touch) {
            Some([bid, _]) => Price(bid.0 + random.between(-3, 3)),
            None => Price(random.between(1, 1_000)),
        };
        (account, instrument, price)
    }

    /// The venue's word on a position, which differs from ours.
    fn statement(&mut self, engine: &Engine, now: Time) -> Event {
        let (account, instrument, price) = self.somewhere(engine);
        let (long, short) = engine.positions().gross(account, instrument);
        let random = &mut self.random;
        let (long, short) = match random.below(3) {
            0 => (long + Qty::of(random.between(0, 3)), short),
            1 => (long.less(Qty::of(1)), short),
            _ => (long, short + Qty::of(random.between(0, 3))),
        };
        let kind = StatementKind::Compare;
        let statement = Statement { account, instrument, exchange: now, kind, long, short, price };
        Event::Position(Box::new(statement))
    }

    /// A hedge takes over what belongs to none.
    fn adoption(&mut self, engine: &Engine) -> Option<Event> {
        let config = engine.config();
        let hedge = HedgeId::at(self.random.index(config.hedges.len()));
        let mut lots: LegLots = [0; LEGS_MAX];
        for (lots, leg) in lots.iter_mut().zip(&config.hedges[hedge].plan.legs) {
            *lots = engine.unassigned(leg.account, leg.instrument);
        }
        let actor = Note::new("desk").ok()?;
        let control = Control { actor, verb: Verb::Adopt { hedge, lots } };
        Some(Event::Control(Box::new(control)))
    }

    /// An execution of nobody's order.
    fn foreign(&mut self, engine: &Engine, now: Time) -> Event {
        let (account, instrument, price) = self.somewhere(engine);
        let amount = Money(self.amount().0 / 1_000_000);
        let random = &mut self.random;
        let currency = CurrencyId::at(random.index(engine.config().currencies.len()));
        let is_pending = random.below(3) == 0;
        let fee = if is_pending { FeeNews::Pending } else { FeeNews::Paid { amount, currency } };
        self.number += 1;
        let fill = Fill {
            trade_id: Text::new(&format!("foreign-{}", self.number)).unwrap(),
            side: if random.below(2) == 0 { Side::Buy } else { Side::Sell },
            price,
            qty: Qty::of(random.between(1, 4)),
            cum: None,
            fee,
            liquidity: LiquiditySide::Taker,
        };
        let report = Report {
            order: None,
            venue_order_id: Text::EMPTY,
            account,
            instrument,
            exchange: now,
            receive: now,
            news: News::Fill(fill),
        };
        self.reports.push(report);
        Event::Report(Box::new(report))
    }

    /// A bust, a correction or the fee of an execution that was told of.
    fn revision(&mut self, engine: &Engine, now: Time) -> Option<Event> {
        let (.., price) = self.somewhere(engine);
        let amount = Money(self.amount().0 / 1_000);
        let random = &mut self.random;
        let told = *random.pick(&self.reports)?;
        let News::Fill(fill) = told.news else { return None };
        let Fill { trade_id, side, .. } = fill;
        let currency = CurrencyId::at(random.index(engine.config().currencies.len()));
        let news = match random.below(4) {
            0 => News::Bust { trade_id, side },
            1 => News::Fee { trade_id, side, amount, currency },
            _ => {
                let qty = Qty::of((fill.qty.get() + random.between(-1, 1)).max(1));
                News::Correct { trade_id, side, price, qty }
            }
        };
        let report = Report { exchange: now, receive: now, news, ..told };
        Some(Event::Report(Box::new(report)))
    }
}

impl Observed {
    fn new(config: &Config, start: Time, seen: &Rc<RefCell<Seen>>) -> Result<Observed, String> {
        let engine = Engine::new(config, start).map_err(|problem| problem.to_string())?;
        let attribution = Attribution::new(config);
        Ok(Observed {
            engine,
            attribution,
            seen: Rc::clone(seen),
            trouble: None,
            today: start.date(),
        })
    }

    fn turn(&mut self, now: Time, event: &Event, out: &mut Vec<Command>) -> Result<Effect, Error> {
        let effect = self.engine.handle(now, event, out)?;
        if effect == Effect::Decision {
            let days = self.trouble.as_ref().map_or(0, |trouble| trouble.days);
            let at = Time(now.0 + days * 86_400_000_000_000);
            let mut old = self.attribution.rows(&self.engine);
            old.retain(|row| row.day < self.today);
            self.today = at.date();
            self.attribution.step(&self.engine, at, event, out);
            let rows = self.attribution.rows(&self.engine);
            assert!(rows.starts_with(&old), "a day that is over has changed");
            self.check(now);
        }
        Ok(effect)
    }

    /// Lets something happen that the world knows nothing of.
    fn disturb(&mut self, now: Time, out: &mut Vec<Command>) {
        let Some(trouble) = &mut self.trouble else { return };
        trouble.days += i64::from(trouble.random.below(40) == 0);
        if trouble.random.below(4) == 0
            && let Some(event) = trouble.event(&self.engine, now)
        {
            let mut more = Vec::new();
            let taken = self.turn(now, &event, &mut more).is_ok();
            self.seen.borrow_mut().troubles += u64::from(taken);
            if let (true, Event::Control(_)) = (taken, &event) {
                self.seen.borrow_mut().adopted += 1;
            }
            out.append(&mut more);
        }
    }

    fn check(&self, now: Time) {
        let crossed = |booking: &&Booking| booking.kind == BookingKind::Crossed;
        self.seen.borrow_mut().crossed += self.engine.bookings().iter().filter(crossed).count();
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
            if row.currency != config.hedges[hedge].plan.currency {
                // No rate was known yet.
                assert_eq!((row.amount, row.currency), (row.own_amount, row.own_currency));
                continue;
            }
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
            // A rate of nothing or less is none: then the last that was counts.
            let touch = self.engine.book(fx).and_then(Book::touch);
            let Some([bid, ask]) = touch.filter(|[bid, _]| bid.0 > 0) else { continue };
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
        if let (Some(trouble), Event::Report(report)) = (&mut self.trouble, event) {
            trouble.reports.push(**report);
        }
        let effect = self.turn(now, event, out)?;
        if effect == Effect::Decision {
            self.disturb(now, out);
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

    fn open(&self, account: AccountId, instrument: InstrumentId, side: Side) -> (i64, i128) {
        Driven::open(&self.engine, account, instrument, side)
    }

    fn margin(&self, account: AccountId) -> Money {
        Driven::margin(&self.engine, account)
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
        self.engine.funds().balance(account)
    }

    fn forward(&self, account: AccountId, instrument: InstrumentId) -> Money {
        Driven::forward(&self.engine, account, instrument)
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)> {
        Driven::levels(&self.engine, instrument, side)
    }
}

#[test]
fn causes_sum_to_the_change_of_equity_whatever_venues_do() {
    let seen = Rc::new(RefCell::new(Seen::default()));
    for seed in 0..600 {
        let options = Options { restarts: seed % 2 == 0, ..Options::default() };
        let done = run(seed, &options, |config, start| Observed::new(config, start, &seen));
        assert!(done.violations.is_empty(), "seed {seed}: {:#?}", done.violations.first());
    }
    let seen = seen.borrow();
    let enough = seen.checks > 10_000 && seen.converted > 1_000 && seen.crossed > 0;
    assert!(enough, "too little was seen: {seen:?}");
}

#[test]
fn causes_sum_to_the_change_of_equity_whatever_anybody_says() {
    let seen = Rc::new(RefCell::new(Seen::default()));
    // The last one meets a rate below nothing.
    for seed in (0..600).chain([4_224]) {
        let done = run(seed, &Options::default(), |config, start| {
            let observed = Observed::new(config, start, &seen)?;
            Ok(Observed { trouble: Some(Trouble::new(seed)), ..observed })
        });
        // The rules of the world do not count: it was not told. That nothing panics does.
        let panics = done.violations.iter().find(|found| found.rule == "never_panics");
        assert!(panics.is_none(), "seed {seed}: {panics:#?}");
    }
    let seen = seen.borrow();
    let without: Vec<&Cause> = Cause::ALL.iter().filter(|of| !seen.causes.contains(of)).collect();
    assert_eq!(without, Vec::<&Cause>::new(), "causes that never came");
    let enough = seen.checks > 10_000 && seen.troubles > 1_000 && seen.adopted > 10;
    assert!(enough && seen.days > 3, "too little was seen: {seen:?}");
}

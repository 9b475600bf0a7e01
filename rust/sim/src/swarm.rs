//! One seed, one run: a phase in which things go wrong, a quiet phase in which everything pending
//! must resolve, and the comparison of the engine with what the venues hold.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cross_market_core::command::Command;
use cross_market_core::config::{Account, Config};
use cross_market_core::engine::Effect;
use cross_market_core::event::{Event, Scope, Verb};
use cross_market_core::funds::{CashKind, Unrealised};
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, Note};
use cross_market_core::legging::{Legging, Mode};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{Report, VenueStatus};
use cross_market_core::position::StatementKind;
use cross_market_core::quote::LegLots;
use cross_market_core::time::{Span, Time};

use crate::atlas::Cell;
use crate::check::{Checker, Probe, Violation, as_told, at_rest, in_truth, is_aligned};
use crate::draw::{Plan, START, plan};
use crate::fault::{Fault, FaultCounts};
use crate::mind::{Mind, Seen};
use crate::minimise::{Recorded, Small, fewest_events};
use crate::outcome::Outcome;
use crate::random::Random;
use crate::truth::Lots;
use crate::world::{Pause, World, WorldSetup, is_margined};

/// What is driven through a run: the engine, or a script in its place.
pub trait Driven {
    /// What it refuses events with.
    type Error: Debug;
    /// Takes an event.
    ///
    /// # Errors
    /// What its door refuses.
    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Self::Error>;
    /// When its next timer is due, at the earliest.
    fn deadline(&self) -> Option<Time>;
    /// Comes back under the next run number with all it knew.
    fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>);
    /// Signed lots it believes to hold.
    fn position(&self, account: AccountId, instrument: InstrumentId) -> i64;
    /// Signed lots of every leg of a hedge.
    fn inventory(&self, hedge: HedgeId) -> LegLots;
    /// The open lots of one side of a position, and what they have cost in ticks × lots.
    fn open(&self, account: AccountId, instrument: InstrumentId, side: Side) -> (i64, i128);
    /// Margin of the positions of an account.
    fn margin(&self, account: AccountId) -> Money;
    /// Orders it believes to be alive or unknown.
    fn live_orders(&self) -> usize;
    /// Residual of a hedge in common units over its `unit_den`.
    fn residual(&self, hedge: HedgeId) -> i128;
    /// Money held for orders and attempts.
    fn held(&self, account: AccountId) -> Money;
    /// Balance without unrealised results.
    fn cash(&self, account: AccountId) -> Money;
    /// What it has locked in for prompts to come of an instrument.
    fn forward(&self, account: AccountId, instrument: InstrumentId) -> Money;
    /// Price and lots of the levels of a book, best first.
    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)>;
    /// How an order stands; `None`: the newest that is alive. Nothing where nobody asks for the
    /// atlas.
    fn seen(&self, _about: Option<ClientOrderId>) -> Option<Seen> {
        None
    }
    /// A number for all that it has booked of what a report speaks of; always the same where it is
    /// not held against that.
    fn booked(&self, _report: &Report) -> u64 {
        0
    }
}

/// A [`Driven`] as what is driven through a world.
struct Driver<'a, T>(&'a mut T);

impl<T: Driven> Mind for Driver<'_, T> {
    type Error = T::Error;

    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, T::Error> {
        self.0.handle(now, event, out)
    }

    fn deadline(&self) -> Option<Time> {
        self.0.deadline()
    }

    fn seen(&self, about: Option<ClientOrderId>) -> Option<Seen> {
        self.0.seen(about)
    }

    fn booked(&self, report: &Report) -> u64 {
        self.0.booked(report)
    }
}

/// How a run is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Classes that are switched off.
    pub without: Vec<Fault>,
    /// Whether events and commands are kept as text.
    pub trace: bool,
    /// Whether the engine can be restarted.
    pub restarts: bool,
    /// How much of its duration the run is shorter, in 64ths.
    pub shorter: i64,
    /// Whether what the engine is given is kept.
    pub records: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// The digest of its effects.
    pub digest: u64,
    /// Its tables.
    pub outcome: Outcome,
    /// How often each class has fired.
    pub faults: FaultCounts,
    /// The cells of the fault atlas that were hit.
    pub cells: Vec<Cell>,
    /// Rules that were broken.
    pub violations: Vec<Violation>,
    /// From each level that cancels to the proof that what entered is dead.
    pub handled: Vec<Span>,
    /// Levels of which no such proof has come.
    pub unhandled: usize,
    /// What the engine was given, where that was kept.
    pub given: Vec<Recorded>,
    /// Events and commands, where they were kept.
    pub trace: Vec<String>,
}

/// Most rounds of the quiet phase; what has not resolved by then, never will.
pub const ROUNDS_MAX: u32 = 900;
/// How long a round is while something is going on.
const ROUND: Span = Span::millis(100);

/// Runs a seed against what `make` makes; a panic of the engine is a broken rule.
pub fn run<T, F>(seed: u64, options: &Options, make: F) -> Run
where
    T: Driven,
    F: FnOnce(&cross_market_core::config::Config, Time) -> Result<T, String>,
{
    let mut plan = plan(seed, &options.without);
    let setup = WorldSetup {
        seed,
        start: START,
        latencies: std::mem::take(&mut plan.latencies),
        faults: plan.faults.clone(),
        says_cum: std::mem::take(&mut plan.says_cum),
        check: true,
        restarts: options.restarts,
        trace: options.trace,
    };
    let mut world = World::new(&plan.config, setup);
    plan.lasts = Span(plan.lasts.0 / 64 * (64 - options.shorter.clamp(0, 63)));
    if options.records {
        world.keep_given();
    }
    let result = catch_unwind(AssertUnwindSafe(|| match make(&plan.config, START) {
        Ok(mut engine) => play(&mut world, &plan, seed, &mut engine),
        Err(why) => broken(&mut world, "configuration_is_taken", why),
    }));
    if let Err(panic) = result {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        broken(&mut world, "never_panics", text.unwrap_or_default());
    }
    let violations = world.checker().map(|check| check.violations().to_vec());
    Run {
        seed,
        digest: world.digest().value(),
        faults: world.faults().counts,
        cells: world.cells().to_vec(),
        violations: violations.unwrap_or_default(),
        handled: world.checker().map(|check| check.handled().to_vec()).unwrap_or_default(),
        unhandled: world.checker().map_or(0, Checker::unhandled),
        given: world.take_given(),
        trace: world.trace().to_vec(),
        outcome: world.into_outcome(),
    }
}

fn broken(world: &mut World, rule: &'static str, found: String) {
    let now = world.now();
    if let Some(check) = world.checker_mut() {
        check.broken(now, rule, found);
    }
}

/// Runs the world up to a moment, restarting the engine where it dies.
fn run_until<T: Driven>(world: &mut World, engine: &mut T, until: Time, run: &mut u16) {
    loop {
        match world.run_mind(until, &mut Driver(&mut *engine)) {
            Pause::Until => return,
            Pause::News => with_probe(engine, |probe| as_told(world, probe)),
            Pause::Restart => {
                *run += 1;
                let mut out = Vec::new();
                engine.restart(world.now(), *run, &mut out);
                world.restarted(*run, &out);
            }
        }
    }
}

fn play<T: Driven>(world: &mut World, plan: &Plan, seed: u64, engine: &mut T) {
    let mut run = plan.config.run;
    world.connect();
    for (account, balance) in plan.config.accounts.ids().zip(&plan.balances) {
        world.cash(account, CashKind::Opening, *balance);
    }
    for (account, instrument, long, price) in &plan.lots {
        let lots = Lots { long: *long, short: 0 };
        world.open(*account, *instrument, lots, Price(*price));
    }
    let end = START + plan.lasts;
    world.generate(plan.market.clone(), plan.every, end);
    for (after, verb) in &plan.verbs {
        world.control(START + *after, verb.clone());
    }
    let mut random = Random::stream(seed, 6);
    let overrides = random.below(8) == 0;
    let mistakes = world.faults().has(Fault::WrongOverride);
    let parts = if mistakes { 32 } else { 8 };
    for part in 1..=parts {
        run_until(world, engine, START + Span(plan.lasts.0 / parts * part), &mut run);
        if overrides && random.below(3) == 0 {
            override_unknown(world);
        }
        if mistakes {
            world.mistake_unknown();
        }
    }
    run_until(world, engine, end, &mut run);
    let awake = world.quiet();
    run_until(world, engine, awake, &mut run);
    world.mend();
    world.calm(plan.quiet_signal);
    rest_no_more(world, &plan.config);
    let converged = quiet_down(world, engine, &mut run);
    with_probe(engine, |probe| at_rest(world, probe));
    if converged {
        close_books(world, engine, &mut run);
        with_probe(engine, |probe| in_truth(world, probe));
    }
}

pub(crate) fn with_probe<T: Driven, R>(engine: &T, asks: impl FnOnce(&Probe<'_>) -> R) -> R {
    asks(&Probe {
        position: &|account, instrument| engine.position(account, instrument),
        inventory: &|hedge| engine.inventory(hedge),
        open: &|account, instrument, side| engine.open(account, instrument, side),
        margin: &|account| engine.margin(account),
        live_orders: &|| engine.live_orders(),
        residual: &|hedge| engine.residual(hedge),
        held: &|account| engine.held(account),
        cash: &|account| engine.cash(account),
        forward: &|account, instrument| engine.forward(account, instrument),
        levels: &|instrument, side| engine.levels(instrument, side),
    })
}

/// Quotes have no end of their own, and a leg that follows at better than the market's price never
/// trades where the market stands still: from now on all legs leave at once.
fn rest_no_more(world: &mut World, config: &Config) {
    let mut policy = config.policy.clone();
    let mut rests = false;
    for limits in policy.hedges.iter_mut() {
        rests |= limits.legging.mode == Mode::Quoting;
        rests |= limits.legging.legs.iter().any(|rule| rule.pay_up < 0);
        limits.legging = Legging::AT_ONCE;
    }
    if rests {
        world.control(world.now(), Verb::Policy(Box::new(policy)));
    }
}

/// The desk asks the venue by telephone about an order that is alarmed as unknown, and says so.
fn override_unknown(world: &mut World) {
    let unknown: Vec<ClientOrderId> = world.unknown_orders();
    for order in unknown {
        let told = world.venues().iter().find_map(|venue| {
            let at = venue.find(order)?;
            venue.order(at).map(|order| (order.status, order.cum))
        });
        let (Some((status, cum)), Ok(reason)) = (told, Note::new("telephone")) else { continue };
        if status != VenueStatus::Working {
            let cum = Qty::of(cum);
            world.control(world.now(), Verb::Override { order, status, cum, reason });
        }
    }
}

/// Whether an engine looks at numbers that prices move: those of thresholds, or results on paper.
fn monitors(config: &Config) -> bool {
    let on_paper = |of: &Account| of.terms.unrealised != Unrealised::Neither;
    !config.policy.thresholds.is_empty() || config.accounts.iter().any(on_paper)
}

/// Lets everything pending resolve; `false` when it does not within [`ROUNDS_MAX`].
fn quiet_down<T: Driven>(world: &mut World, engine: &mut T, run: &mut u16) -> bool {
    let mut idle = 0;
    for round in 0..ROUNDS_MAX {
        let check = world.checker();
        let attempts = check.map_or(0, crate::check::Checker::live_attempts);
        let killed: Vec<Scope> = check.map_or(Vec::new(), |check| check.killed().to_vec());
        let stuck: Vec<ClientOrderId> = check.map_or(Vec::new(), |check| check.stuck().collect());
        let busy = attempts > 0 || engine.live_orders() > 0 || !killed.is_empty();
        let quiet = !busy && !world.is_waiting();
        idle = if quiet { idle + 1 } else { 0 };
        // A residual may wait for message tokens, which come back within a second.
        if idle > 2 && (idle > 12 || with_probe(engine, |probe| is_aligned(world, probe))) {
            return true;
        }
        let soon = world.now() + ROUND;
        // An engine that monitors numbers wakes as long as books move; that is no thing to wait for.
        let wakes = engine.deadline().filter(|_| !monitors(&world.config));
        let next = world.next_news().into_iter().chain(wakes).min();
        // Nothing for a while: go to just before the next thing.
        let until =
            next.filter(|at| !busy && *at > soon + ROUND).map_or(soon, |at| Time(at.0 - ROUND.0));
        run_until(world, engine, until, run);
        if round % 5 == 4 {
            for scope in killed {
                world.control(world.now(), Verb::Unlatch(scope));
            }
        }
        for order in stuck {
            world.end_order(order);
        }
        world.refresh();
    }
    let found = format!(
        "attempts {:?}, orders {}, waiting for {:?}",
        world.checker().map(crate::check::Checker::live_attempts),
        engine.live_orders(),
        world.waiting_for()
    );
    broken(world, "quiet_converges", found);
    false
}

/// The day ends: the desk halts everything, then settlements, then the venue's word on positions and balances. Where nobody else
/// traded in our accounts, none of it is news.
fn close_books<T: Driven>(world: &mut World, engine: &mut T, run: &mut u16) {
    world.control(world.now(), Verb::Kill(Scope::All));
    let instruments: Vec<InstrumentId> = world.truth().holdings().map(|(_, id, _)| id).collect();
    let mut settled: Vec<InstrumentId> = Vec::new();
    for instrument in instruments {
        if is_margined(&world.config, instrument) && !settled.contains(&instrument) {
            world.settle_at_mid(instrument);
            settled.push(instrument);
        }
    }
    // A book that only the engine saw is put right by one that may still be on its way.
    let at = world.books_told().max(world.now() + Span::seconds(1));
    run_until(world, engine, at, run);
    let before = world.checker().map_or(0, crate::check::Checker::drifts);
    let holdings: Vec<_> = world.truth().holdings().collect();
    for (account, instrument, _) in holdings {
        world.state(account, instrument, StatementKind::Compare, Price(0));
    }
    let at = world.now() + Span::millis(10);
    run_until(world, engine, at, run);
    if world.had_external() {
        // Lots that others traded were taken over at no price; the settlement marks them.
        for instrument in settled {
            world.settle_at_mid(instrument);
        }
        let at = world.now() + Span::seconds(1);
        run_until(world, engine, at, run);
    }
    world.bank_statement();
    for account in world.config.accounts.ids() {
        if let Some(balance) = world.truth().balance(account, None) {
            let told = cross_market_core::funds::Cash {
                account,
                exchange: world.now(),
                kind: CashKind::Balance,
                amount: balance,
                transfer: None,
            };
            world.send(world.now(), Event::Cash(Box::new(told)));
        }
    }
    let at = world.now() + Span::millis(10);
    run_until(world, engine, at, run);
    let drifts = world.checker().map_or(0, crate::check::Checker::drifts) - before;
    if drifts > 0 && !world.had_external() {
        broken(world, "no_drift_without_cause", format!("{drifts} alerts"));
    }
}

/// The classes that a violation needs: each other one is left out in turn while the same rule is
/// still broken.
pub fn shrink(
    seed: u64,
    rule: &str,
    mut breaks: impl FnMut(&[Fault]) -> Vec<Violation>,
) -> Vec<Fault> {
    let mut without: Vec<Fault> = Vec::new();
    for fault in crate::draw::faults(seed).chosen() {
        without.push(fault);
        if !breaks(&without).iter().any(|violation| violation.rule == rule) {
            without.pop();
        }
    }
    let chosen = crate::draw::faults(seed);
    chosen.chosen().filter(|fault| !without.contains(fault)).collect()
}

/// Makes a failing run small; `None` where it breaks no rule. `make` makes a fresh engine.
pub fn minimise<T, F>(seed: u64, restarts: bool, make: F) -> Option<Small>
where
    T: Driven,
    F: Fn(&cross_market_core::config::Config, Time) -> Result<T, String>,
{
    let broken = |options: &Options| run(seed, options, &make).violations;
    let options = Options { restarts, ..Options::default() };
    let rule = broken(&options).first()?.rule;
    let classes = shrink(seed, rule, |without| {
        broken(&Options { without: without.to_vec(), ..options.clone() })
    });
    let without: Vec<Fault> =
        Fault::ALL.iter().copied().filter(|fault| !classes.contains(fault)).collect();
    let mut options = Options { without, ..options };
    for shorter in [63, 60, 56, 48, 32, 16, 8, 4, 2, 1] {
        let shorter = Options { shorter, ..options.clone() };
        if broken(&shorter).iter().any(|violation| violation.rule == rule) {
            options = shorter;
            break;
        }
    }
    let full = run(seed, &Options { records: true, ..options.clone() }, &make);
    let config = plan(seed, &options.without).config;
    let events = fewest_events(&config, rule, &full.given, || make(&config, START).ok());
    Some(Small { rule, classes, part: 64 - options.shorter, events })
}

//! One seed to one run: configuration, market, latencies, faults and the desk's words.

use cross_market_core::config::{Config, Counts, Waiting};
use cross_market_core::event::{Scope, Verb};
use cross_market_core::formula::Formula;
use cross_market_core::gate::{AccountLimits, HedgeLimits, InstrumentLimits, Policy, SumResidual};
use cross_market_core::ids::{
    AccountId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX, Note, ProductId, VenueId,
};
use cross_market_core::instrument::{Fee, Fees, MarginRate, Netting, Settlement};
use cross_market_core::num::{MONEY_UNIT, Money, Qty, Ratio, Side};
use cross_market_core::order::TimeInForce;
use cross_market_core::phase::{Phase, Phases};
use cross_market_core::quote::Repair;
use cross_market_core::signal::{Band, Measure, Rule};
use cross_market_core::threshold::{Class, Level, Metric, Reach, Threshold};
use cross_market_core::time::{Span, Time};

use crate::bank;
use crate::conduct;
use crate::crossing::{self, Opposed};
use crate::fault::{Fault, Faults};
use crate::latency::{Latency, VenueLatency};
use crate::leases;
use crate::legging;
use crate::margins;
use crate::market::{Market, Quote};
use crate::random::{Chance, Random};
use crate::rolls;
use crate::setup::{
    HedgeSpec, InstrumentSpec, LegSpec, Setup, usual_account, usual_hedge, usual_instrument,
    usual_venue,
};
use crate::unpaid;

/// What a seed stands for.
#[derive(Debug)]
pub struct Plan {
    /// The configuration.
    pub config: Config,
    /// How long messages take.
    pub latencies: Vec<VenueLatency>,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether fills carry the cumulative quantity, by venue.
    pub says_cum: Vec<bool>,
    /// The market.
    pub market: Market,
    /// Between two of its steps.
    pub every: Span,
    /// How long it goes on.
    pub lasts: Span,
    /// Opening balances by account.
    pub balances: Vec<Money>,
    /// Opening long lots of a spot account, and their price in ticks.
    pub lots: Vec<(AccountId, InstrumentId, i64, i64)>,
    /// What the desk says, and when.
    pub verbs: Vec<(Span, Verb)>,
    /// The signal in thousandths once all is quiet.
    pub quiet_signal: i64,
}

/// Classes that are drawn for each order or message: they fire often.
const OFTEN: (u32, u32) = (30_000, 500_000);
/// Classes that are drawn at each step of the market: they fire seldom.
const SELDOM: (u32, u32) = (5_000, 80_000);

/// Classes that need another one to fire at all: what is refused or late must first have been asked
/// about, what races a cancel must rest, and only what failed is unwound.
const COMPANIONS: &[(Fault, Fault)] = &[
    (Fault::FillAliased, Fault::AckLost),
    (Fault::CancelRace, Fault::WrongTif),
    (Fault::CancelRace, Fault::BookThin),
    (Fault::FillHoursLate, Fault::BookThin),
    (Fault::CancelUnknown, Fault::BookThin),
    (Fault::CancelLost, Fault::BookThin),
    (Fault::Unsolicited, Fault::WrongTif),
    (Fault::Unsolicited, Fault::BookThin),
    (Fault::QueryEmpty, Fault::AckLost),
    (Fault::QueryWrong, Fault::AckLost),
    (Fault::QueryWrong, Fault::AckLate),
    (Fault::SnapshotOld, Fault::FeedGap),
    (Fault::UnwindFails, Fault::LegRejected),
    (Fault::CancelPending, Fault::WrongTif),
    (Fault::CancelPending, Fault::BookThin),
    (Fault::PriceRuns, Fault::LegRejected),
    (Fault::BatchPartial, Fault::WrongTif),
    (Fault::BatchPartial, Fault::BookThin),
    (Fault::BatchPartial, Fault::Kill),
    (Fault::Auction, Fault::BookThin),
    (Fault::WrongOverride, Fault::AckLost),
    (Fault::WrongOverride, Fault::AckLate),
    (Fault::WrongOverride, Fault::Disconnect),
    (Fault::EndTwice, Fault::BookThin),
];

/// Classes that rarely find what they need: they are drawn more often than others, and where they
/// are drawn they fire more often than not.
const RARE: &[Fault] = &[
    Fault::FillAliased,
    Fault::CancelRace,
    Fault::FillHoursLate,
    Fault::CancelUnknown,
    Fault::CancelLost,
    Fault::Unsolicited,
    Fault::QueryEmpty,
    Fault::QueryWrong,
    Fault::SnapshotOld,
    Fault::UnwindFails,
    Fault::CancelPending,
    Fault::PriceRuns,
    Fault::BatchPartial,
    Fault::WrongOverride,
    Fault::WrongLots,
];

/// Classes that find what they need less often than others, though not rarely: they fire more often.
const SCARCE: &[Fault] = &[
    Fault::FullReplay,
    Fault::ReportGap,
    Fault::SessionReset,
    Fault::Calendar,
    Fault::EndTwice,
    Fault::Restart,
    Fault::SubsetFails,
];

/// Whether a class is drawn at each step rather than for each order or message.
fn is_seldom(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Disconnect
            | Fault::OneWay
            | Fault::VenueCut
            | Fault::Stall
            | Fault::FeedStale
            | Fault::LegFrozen
            | Fault::FeedReconnect
            | Fault::BookEmpty
            | Fault::Crossed
            | Fault::AbsurdPrice
            | Fault::Flicker
            | Fault::Halt
            | Fault::LimitLock
            | Fault::DayRoll
            | Fault::External
            | Fault::ForeignFill
            | Fault::Kill
            | Fault::KillWhileDown
            | Fault::OddTimer
            | Fault::LinkFlaps
            | Fault::FullReplay
            | Fault::ReportGap
            | Fault::SessionReset
            | Fault::Swizzle
            | Fault::WallClock
            | Fault::Pause
            | Fault::Calendar
            | Fault::Auction
            | Fault::SizeRules
            | Fault::Expiry
            | Fault::MessageLimit
            | Fault::StrictMargin
            | Fault::ManualTrade
    )
}

/// The faults of a seed: none for a quarter of them, else a non-empty subset.
#[must_use]
pub fn faults(seed: u64) -> Faults {
    let mut random = Random::stream(seed, 3);
    let mut faults = Faults::none(seed);
    if random.below(4) == 0 {
        return faults;
    }
    let count = match random.below(20) {
        0..10 => random.between(1, 3),
        10..17 => random.between(4, 10),
        17..19 => random.between(20, 40),
        _ => {
            faults.set(Fault::Everything, Chance::ALWAYS);
            faults.counts.count(Fault::Everything);
            i64::MAX
        }
    };
    let all = Fault::ALL.iter().copied().filter(|fault| *fault != Fault::Everything);
    let mut left: Vec<Fault> = all.collect();
    for _ in 0..count {
        if left.is_empty() {
            break;
        }
        let rare = RARE.get(random.index(4 * RARE.len()));
        let at = rare.and_then(|rare| left.iter().position(|fault| fault == rare));
        let fault = left.swap_remove(at.unwrap_or_else(|| random.index(left.len())));
        let (low, high) = if is_seldom(fault) { SELDOM } else { OFTEN };
        // The more goes wrong, the less of each: else nothing ever trades.
        let high = if count > 10 { (high / 6).max(low) } else { high };
        let parts = random.between(i64::from(low), i64::from(high));
        let parts = u32::try_from(parts).unwrap_or(low);
        let parts = if SCARCE.contains(&fault) { (3 * parts).min(800_000) } else { parts };
        let rare = RARE.contains(&fault) && count <= 10;
        faults.set(fault, Chance(if rare { parts / 2 + 500_000 } else { parts }));
        let with = COMPANIONS.iter().filter(|(rare, with)| *rare == fault && !faults.has(*with));
        let with: Vec<Fault> = with.map(|(_, with)| *with).collect();
        for fault in with {
            let (low, high) = if is_seldom(fault) { SELDOM } else { (60_000, 300_000) };
            let parts = random.between(i64::from(low), i64::from(high));
            faults.set(fault, Chance(u32::try_from(parts).unwrap_or(0)));
        }
    }
    faults
}

fn ratio(num: i64, den: i64) -> Ratio {
    match Ratio::new(i128::from(num), i128::from(den)) {
        Ok(ratio) => ratio,
        Err(problem) => panic!("a drawn ratio is refused: {problem}"),
    }
}

fn parsed(text: &str) -> Ratio {
    match Ratio::parse(text) {
        Ok(ratio) => ratio,
        Err(problem) => panic!("the ratio {text} is refused: {problem}"),
    }
}

/// Units of one lot, by leg: one unit each, whole multiples, gold in ounces, and odd ratios.
const UNITS: [[&str; 4]; 6] = [
    ["100", "100", "100", "100"],
    ["100", "200", "100", "300"],
    ["1000", "3110.34768", "1000", "3110.34768"],
    ["137", "100", "137", "100"],
    ["5", "6.85", "5", "1"],
    ["1000", "3110.34768", "100", "1370"],
];

/// Which of [`UNITS`] have ratios that are no whole numbers.
const ODD_FROM: usize = 2;

/// One leg in the making.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    side: Side,
    units: Ratio,
    foreign: bool,
    netting: Netting,
    tif: TimeInForce,
    settlement: Settlement,
}

/// What is in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purse {
    /// Enough for everything.
    Rich,
    /// Hardly anything.
    Poor,
    /// Enough for one clip of one hedge.
    ForOne,
}

struct Drawer {
    random: Random,
    setup: Setup,
    faults: Faults,
    quotes: Vec<Quote>,
    lots: Vec<(AccountId, InstrumentId, i64, i64)>,
    balances: Vec<Money>,
    /// Value of a common unit in hundredths of the currency.
    worth: i64,
    /// The whole signal, in hundredths of the currency per common unit.
    swing: i64,
    clip: i64,
    local: CurrencyId,
    foreign: CurrencyId,
    product: ProductId,
    max_delay: Span,
}

/// Draws the run of a seed; `without`: classes that are switched off after all draws.
#[must_use]
pub fn plan(seed: u64, without: &[Fault]) -> Plan {
    let mut random = Random::stream(seed, 2);
    let mut faults = faults(seed);
    let mut setup = Setup::new();
    let (local, foreign) = (setup.currency("CNY"), setup.currency("USD"));
    let product = setup.product("gold");
    let negative = faults.has(Fault::NegativePrice);
    if negative {
        faults.counts.count(Fault::NegativePrice);
    }
    let long_delay = faults.has(Fault::SubmitLate) && random.below(3) == 0;
    let drawer = Drawer {
        worth: if negative { random.between(-3_000, 100) } else { random.between(20_000, 60_000) },
        swing: random.between(150, 400),
        clip: random.between(1, 3),
        max_delay: if long_delay {
            Span::seconds(31)
        } else {
            Span::millis(random.between(300, 1_200))
        },
        random,
        setup,
        faults,
        quotes: Vec::new(),
        lots: Vec::new(),
        balances: Vec::new(),
        local,
        foreign,
        product,
    };
    let mut plan = drawer.finish(seed);
    for fault in without {
        plan.faults.set(*fault, Chance::NEVER);
    }
    plan
}

/// Now and then a venue or a contract takes few messages in a second.
fn tighten(random: &mut Random, policy: &mut Policy) {
    let mut window = |rate: &mut u32, reserve: &mut u32| {
        if random.below(8) == 0 {
            *rate = u32::try_from(random.between(12, 60)).unwrap_or(20);
            *reserve = *rate / 3;
        }
    };
    policy.venues.iter_mut().for_each(|of| window(&mut of.message_rate, &mut of.cancel_reserve));
    let contracts = policy.instruments.iter_mut();
    contracts.for_each(|of| window(&mut of.message_rate, &mut of.cancel_reserve));
}

/// Every third desk monitors what its accounts use, its contracts hold and its hedges lose.
fn thresholds(random: &mut Random) -> Vec<Threshold> {
    let mut found = Vec::new();
    if random.below(3) > 0 {
        return found;
    }
    let mut add = |metric, least: i64, most: i64, scale: i128| {
        if random.below(2) == 0 {
            return;
        }
        let mut low = i128::from(random.between(least, most));
        let bounds = [0; 5].map(|_| {
            low += i128::from(random.between(0, most / 2));
            (random.below(3) > 0).then_some(low * scale)
        });
        // A HALT stays until a person lifts it: it is the operator's here.
        let bounds = [Some(bounds[0].unwrap_or(scale)), bounds[1], bounds[2], bounds[3], None];
        let (clear, dwell) = (scale * i128::from(random.between(0, least)), random.between(0, 200));
        let dwell = Span::millis(dwell);
        // Sizes of all instruments are no number.
        let of = if metric == Metric::Position { Reach::One(0) } else { Reach::Each };
        found.push(Threshold { metric, of, bounds, formulas: Vec::new(), clear, dwell });
    };
    add(Metric::CapitalUsage, 1, 30, 10_000_000);
    add(Metric::ProjectedUsage, 1, 30, 10_000_000);
    add(Metric::Position, 1, 40, 1);
    add(Metric::Cancels, 1, 20, 1);
    found.retain(Threshold::is_sound);
    found
}

/// Ladders of time, of messages and of money that was lost or differs. From a stream of their own.
fn further_thresholds(random: &mut Random) -> Vec<Threshold> {
    let mut found = Vec::new();
    if random.below(4) > 0 {
        return found;
    }
    let millis = 1_000_000;
    for (metric, most, scale) in [
        (Metric::AttemptLoss, 40, 1_000_000_000),
        (Metric::Drift, 4, 1),
        (Metric::DataAge, 400, millis),
        (Metric::Latency, 60, millis),
        (Metric::Messages, 12, 1),
    ] {
        if random.below(2) > 0 {
            continue;
        }
        let mut low = i128::from(random.between(1, most));
        let bounds = [0; 5].map(|_| {
            low += i128::from(random.between(0, most));
            (random.below(3) > 0).then_some(low * scale)
        });
        let bounds = [Some(bounds[0].unwrap_or(scale)), bounds[1], bounds[2], bounds[3], None];
        let dwell = Span::millis(random.between(0, 200));
        // Amounts of several currencies are no number.
        let is_money = matches!(metric, Metric::AttemptLoss | Metric::Drift);
        let of = if is_money { Reach::One(0) } else { Reach::Each };
        found.push(Threshold { metric, of, bounds, formulas: Vec::new(), clear: 0, dwell });
    }
    found.retain(Threshold::is_sound);
    found
}

/// What bounds may follow here.
const FORMULAS: [(Metric, &str); 6] = [
    (Metric::CapitalUsage, "0.3 - 2 * volatility"),
    (Metric::CapitalUsage, "min(0.25, 100 * hours_to_close)"),
    (Metric::ProjectedUsage, "0.02 * min(margin_ratio, 10) / (margin_ratio - 1)"),
    (Metric::Cancels, "12 - 500 * volatility"),
    (Metric::Messages, "max(3, 1000 * hours_to_close)"),
    (Metric::SlippageExpected, "100 / (1 + 1000 * volatility) - tolerance"),
];

/// Ladders some of whose bounds follow the market. From a stream of their own.
fn following_thresholds(random: &mut Random, config: &mut Config) {
    if random.below(4) > 0 {
        return;
    }
    for (metric, text) in FORMULAS {
        if random.below(2) > 0 || config.policy.thresholds.iter().any(|of| of.metric == metric) {
            continue;
        }
        let is_count = matches!(metric, Metric::Cancels | Metric::Messages);
        let (unit, scale) = if is_count {
            (1, (1, MONEY_UNIT))
        } else if metric == Metric::SlippageExpected {
            (MONEY_UNIT, (1, 1))
        } else {
            (MONEY_UNIT / 100, (1, 1))
        };
        let levels = [Level::Warn, Level::Restrict, Level::Cancel, Level::Reduce];
        let (mut bounds, mut formulas) = ([None; 5], Vec::new());
        let mut low = i128::from(random.between(1, 8));
        for (bound, level) in bounds.iter_mut().zip(levels) {
            let ends = [low * unit, (low + i128::from(random.between(0, 20))) * unit];
            low += i128::from(random.between(0, 10));
            if random.below(3) > 0 {
                let Ok(formula) = Formula::parse(text, scale, ends) else { continue };
                *bound = Some(formula.stricter(metric.worse()));
                formulas.push((level, formula));
            } else if random.below(2) > 0 {
                *bound = Some(low * unit);
            }
        }
        let of = if metric == Metric::SlippageExpected { Reach::One(0) } else { Reach::Each };
        let dwell = Span::millis(random.between(0, 200));
        let clear = 0;
        config.policy.thresholds.push(Threshold { metric, of, bounds, formulas, clear, dwell });
        if !config.admits_policy(&config.policy) {
            config.policy.thresholds.pop();
        }
    }
}

/// Ladders of several together, where they may be added up. From a stream of their own.
fn several_thresholds(random: &mut Random, config: &mut Config) {
    if random.below(3) > 0 {
        return;
    }
    for (metric, most, scale) in [
        (Metric::CapitalUsage, 30, 10_000_000),
        (Metric::Position, 60, 1),
        (Metric::Cancels, 25, 1),
        (Metric::Messages, 16, 1),
        (Metric::SlippageExpected, 300, 1_000_000_000),
    ] {
        let class = *random.pick(&Class::ALL).unwrap_or(&Class::Venue);
        let of = if random.below(3) == 0 { Reach::All } else { Reach::Whole(class, 0) };
        let mut low = i128::from(random.between(1, most));
        let bounds = [0; 5].map(|_| {
            low += i128::from(random.between(0, most));
            (random.below(3) > 0).then_some(low * scale)
        });
        let bounds = [Some(bounds[0].unwrap_or(scale)), bounds[1], bounds[2], bounds[3], None];
        let dwell = Span::millis(random.between(0, 200));
        config.policy.thresholds.push(Threshold {
            metric,
            of,
            bounds,
            formulas: Vec::new(),
            clear: 0,
            dwell,
        });
        if !config.admits_policy(&config.policy) {
            config.policy.thresholds.pop();
        }
    }
}

/// Ladders of what orders slip and would slip. From a stream of their own.
fn slippage_thresholds(random: &mut Random) -> Vec<Threshold> {
    let mut found = Vec::new();
    for (metric, most) in [(Metric::Slippage, 20), (Metric::SlippageExpected, 200)] {
        if random.below(6) > 0 {
            continue;
        }
        let mut low = i128::from(random.between(0, most));
        let bounds = [0; 5].map(|_| {
            low += i128::from(random.between(0, most));
            (random.below(3) > 0).then_some(low * 1_000_000_000)
        });
        let bounds = [bounds[0], bounds[1], bounds[2], bounds[3], None];
        let dwell = Span::millis(random.between(0, 200));
        found.push(Threshold {
            metric,
            of: Reach::One(0),
            bounds,
            formulas: Vec::new(),
            clear: 0,
            dwell,
        });
    }
    found.retain(Threshold::is_sound);
    found
}

/// How the cost of waiting is measured, by every second desk.
fn waiting(random: &mut Random) -> Option<Waiting> {
    let ratio = |num: i64, den: i128| Ratio::new(num.into(), den).unwrap_or(Ratio::ONE);
    (random.below(2) == 0).then(|| Waiting {
        deviations: ratio(random.between(1, 40), 10),
        alpha: ratio(random.between(1, 9), 10),
        warm: u32::try_from(random.between(2, 8)).unwrap_or(2),
    })
}

impl Drawer {
    fn finish(mut self, seed: u64) -> Plan {
        let legs = self.legs();
        let foreign = legs.iter().any(|leg| leg.foreign);
        let specs: Vec<LegSpec> = self.leg_specs(&legs, foreign);
        let races = self.faults.has(Fault::LastFunds);
        let opposed = crossing::draw(seed);
        let more = self.random.below(6) == 0 || races || opposed.is_some();
        for number in 0..=u64::from(more) {
            self.hedge(&specs, number, opposed.as_ref());
        }
        let limit = self.sum_limit(&specs);
        self.setup.sum(SumResidual { product: self.product, currency: self.local, limit });
        let counts = Counts { orders: 512, executions: 2_048 };
        let run = u16::try_from(1 + seed % 100).unwrap_or(1);
        let mut config = self.setup.config(1, run, counts);
        let mut random = Random::stream(seed, 4);
        let latencies = config.venues.iter().map(|_| latency(&mut random)).collect();
        // Now and then the cumulative quantity is not told; it is needed where ids differ.
        let aliases = self.faults.has(Fault::FillAliased);
        let says_cum = config.venues.iter().map(|_| aliases || random.below(4) > 0).collect();
        let every = Span::millis(random.between(10, 60));
        let lasts = Span(every.0 * random.between(6, 20));
        shut(&mut Random::stream(seed, 7), &mut config, lasts);
        if let Some(opposed) = &opposed {
            opposed.permit(&mut config);
        } else {
            legging::draw(&mut Random::stream(seed, 8), &mut config);
            legging::rule(&mut Random::stream(seed, 13), &mut config);
            legging::reload(&mut Random::stream(seed, 16), &mut config);
        }
        config.waiting = waiting(&mut Random::stream(seed, 12));
        tighten(&mut Random::stream(seed, 15), &mut config.policy);
        let rolls = match &opposed {
            Some(_) => Vec::new(),
            None => rolls::draw(seed, &mut config, &mut self.quotes, lasts),
        };
        margins::draw(seed, &mut config);
        margins::draw_freezes(seed, &mut config);
        margins::draw_steps(seed, &mut config, START);
        margins::draw_offsets(seed, &mut config);
        conduct::draw(seed, &mut config);
        unpaid::draw(seed, &mut config, START);
        let changes = Chance::percent(u32::try_from(random.between(5, 40)).unwrap_or(5));
        let mut market = Market::new(self.quotes, changes, Random::stream(seed, 5));
        market.set_signal(*random.pick(&[1_000, -1_000, 1_000, -1_000, 0]).unwrap_or(&0));
        let mut verbs = verbs(&mut random, &config, lasts, &self.lots, self.clip);
        forfeit(&mut Random::stream(seed, 14), lasts, &mut verbs);
        verbs.extend(rolls);
        config.policy.thresholds = thresholds(&mut Random::stream(seed, 19));
        let further = further_thresholds(&mut Random::stream(seed, 23));
        config.policy.thresholds.extend(further);
        let slippage = slippage_thresholds(&mut Random::stream(seed, 27));
        config.policy.thresholds.extend(slippage);
        several_thresholds(&mut Random::stream(seed, 29), &mut config);
        following_thresholds(&mut Random::stream(seed, 26), &mut config);
        verbs.extend(bank::draw(seed, &mut config, &self.balances, lasts, START));
        verbs.extend(leases::draw(seed, &mut config, &self.balances, lasts, START));
        Plan {
            latencies,
            faults: self.faults,
            says_cum,
            market,
            every,
            lasts,
            balances: self.balances,
            lots: self.lots,
            verbs,
            quiet_signal: *random.pick(&[0, 0, 375, -375]).unwrap_or(&0),
            config,
        }
    }

    /// Now and then hardly more than one clip of one hedge may be in the open.
    fn sum_limit(&mut self, specs: &[LegSpec]) -> Ratio {
        let coarsest = specs.iter().map(|leg| leg.units_per_lot).max().unwrap_or(Ratio::ONE);
        if self.random.below(8) > 0 {
            return ratio(1_000_000_000, 1);
        }
        product(coarsest, ratio(self.random.between(1, 4 * self.clip), 2))
    }

    fn legs(&mut self) -> Vec<Drawn> {
        let odd = self.faults.has(Fault::OddRatio);
        let set = if odd {
            ODD_FROM + self.random.index(UNITS.len() - ODD_FROM)
        } else {
            self.random.index(UNITS.len())
        };
        if odd {
            self.faults.counts.count(Fault::OddRatio);
        }
        let more_legs = self.faults.has(Fault::SubsetFails);
        let count = match self.random.below(10) {
            0..6 if !more_legs => 2,
            6..8 => 4,
            _ => 3,
        };
        let chains = self.faults.has(Fault::FxChain);
        if chains {
            self.faults.counts.count(Fault::FxChain);
        }
        let foreign = (self.random.below(3) == 0 || chains).then(|| self.random.index(count));
        let first = if self.random.below(2) == 0 { Side::Sell } else { Side::Buy };
        // What goes wrong with cancels shows only with orders that rest.
        let rests =
            [Fault::CancelRace, Fault::CancelUnknown, Fault::CancelLost, Fault::CancelPending]
                .iter()
                .chain(&[Fault::BatchPartial, Fault::Auction])
                .any(|fault| self.faults.has(*fault));
        let units = UNITS.get(set).into_iter().flatten().take(count);
        let units: Vec<&str> = units.copied().collect();
        let drawn = units.into_iter().enumerate().map(|(leg, units)| {
            let cash = self.random.below(4) == 0;
            let netting = match self.random.below(3) {
                0 if !cash => Netting::Gross,
                1 if !cash => Netting::GrossByDay,
                _ => Netting::Net,
            };
            let tif = match self.random.below(4) {
                0 => TimeInForce::Gtc,
                1 => TimeInForce::Day,
                2 if rests => TimeInForce::Gtc,
                _ => TimeInForce::Ioc,
            };
            Drawn {
                side: if leg % 2 == 0 { first } else { first.flip() },
                units: parsed(units),
                foreign: foreign == Some(leg),
                netting,
                tif,
                settlement: if cash { Settlement::Upfront } else { Settlement::DailyVm },
            }
        });
        drawn.collect()
    }

    fn leg_specs(&mut self, legs: &[Drawn], foreign: bool) -> Vec<LegSpec> {
        let fx = foreign.then(|| self.fx());
        let coarsest = legs.iter().map(|leg| leg.units).max().unwrap_or(Ratio::ONE);
        let shares = |side| legs.iter().filter(|leg| leg.side == side).count();
        let poor = [Fault::NoMoney, Fault::LastFunds].map(|fault| {
            let leg = self.faults.has(fault).then(|| self.random.index(legs.len()));
            if leg.is_some() {
                self.faults.counts.count(fault);
            }
            leg
        });
        if self.faults.has(Fault::Dust) {
            self.faults.counts.count(Fault::Dust);
        }
        let mut specs = Vec::new();
        for (number, leg) in legs.iter().enumerate() {
            let share = i64::try_from(shares(leg.side)).unwrap_or(1).max(1);
            let purse = match poor.map(|of| of == Some(number)) {
                [true, _] => Purse::Poor,
                [false, true] => Purse::ForOne,
                [false, false] => Purse::Rich,
            };
            let spec = self.leg(number, leg, coarsest, share, purse);
            let fx = fx.filter(|_| leg.foreign);
            specs.push(LegSpec { fx, ..spec });
        }
        specs
    }

    fn fx(&mut self) -> InstrumentId {
        let venue = self.setup.venue(usual_venue("fx", Netting::Net, TimeInForce::Ioc));
        let limits = self.instrument_limits();
        // About seven units of the hedge's currency, or about that in no round number.
        let odd = self.faults.has(Fault::FxChain);
        let (tick, mid) =
            if odd { (99_991, self.random.between(69_001, 70_999)) } else { (100_000, 70_000) };
        let instrument = self.setup.instrument(InstrumentSpec {
            name: "fx".to_owned(),
            venue,
            product: self.product,
            currency: self.local,
            tick_value: Money(tick),
            settlement: Settlement::Upfront,
            fees: Fees { open: Fee::NONE, close: Fee::NONE, close_today: Fee::NONE },
            margin: crate::setup::usual_margin(),
            band: None,
            limits,
        });
        self.quotes.push(Quote {
            instrument,
            venue,
            mid,
            pull: 0,
            half: 1,
            gap: 1,
            levels: 1,
            lots: 1_000,
            thin: Chance::NEVER,
            numbered: self.random.below(2) == 0,
            snapshots: false,
        });
        instrument
    }

    fn instrument_limits(&mut self) -> InstrumentLimits {
        let mut limits = usual_instrument(self.random.between(15, 80));
        limits.age = Span::millis(self.random.between(800, 4_000));
        limits.skew = Span::millis(self.random.between(500, 3_000));
        limits.limit_distance = self.random.between(0, 3);
        if self.random.below(8) == 0 {
            limits.collar = self.random.between(1, 4);
        }
        limits
    }

    /// One leg: its venue, account, instrument and book.
    fn leg(
        &mut self,
        number: usize,
        leg: &Drawn,
        coarsest: Ratio,
        share: i64,
        purse: Purse,
    ) -> LegSpec {
        let mut venue = usual_venue(&format!("v{number}"), leg.netting, leg.tif);
        venue.ack_timeout = Span::millis(self.random.between(40, 250));
        venue.query_interval = Span::millis(self.random.between(40, 250));
        venue.max_delay = self.max_delay;
        venue.cancels_max = u16::try_from(self.random.between(2, 5)).unwrap_or(2);
        let venue = self.setup.venue(venue);
        let currency = if leg.foreign { self.foreign } else { self.local };
        let limits = self.account_limits();
        let account = self.setup.account(&format!("a{number}"), venue, currency, limits);
        // A tick is two or four hundredths of the hedge's currency per common unit; abroad it is
        // the seventh of 2.8 hundredths.
        let (tick, cents) = match (leg.foreign, self.random.below(2)) {
            (true, _) => (ratio(4, 1_000), ratio(28, 10)),
            (false, 0) => (ratio(2, 100), ratio(2, 1)),
            (false, _) => (ratio(4, 100), ratio(4, 1)),
        };
        let tick_value = Money::units(1).scale_up(product(leg.units, tick));
        let mut limits = self.instrument_limits();
        let need = quotient(coarsest, leg.units).nearest(self.clip).max(1);
        let mid = over(self.worth, cents);
        if self.random.below(24) == 0 {
            // About what a clip is worth.
            let lots = self.random.between(need.div_euclid(2), 2 * need);
            let value = tick_value.0 * i128::from(mid.abs()) * i128::from(lots);
            limits.order_value = Money(value).max(Money::units(1));
        }
        let fees = self.fees();
        let margin = MarginRate::of_value(
            ratio(self.random.between(5, 20), 100),
            ratio(self.random.between(5, 20), 100),
            Money::units(self.random.between(1, 50)),
        );
        let lot = Money(tick_value.0 * i128::from(mid.abs()));
        let instrument = self.setup.instrument(InstrumentSpec {
            name: format!("i{number}"),
            venue,
            product: self.product,
            currency,
            tick_value,
            settlement: leg.settlement,
            fees,
            margin,
            band: None,
            limits,
        });
        self.quote(instrument, venue, leg, (cents, share), need);
        if leg.settlement == Settlement::Upfront {
            // What is not there cannot be sold.
            let few = self.random.below(4) == 0;
            let lots = if few { self.random.between(0, 3 * need) } else { 2_000 };
            self.lots.push((account, instrument, lots, mid));
        }
        let rich = Money::units(10_000_000_000);
        let balance = match purse {
            Purse::Rich => rich,
            Purse::Poor => Money::units(self.random.between(1, 2_000)),
            Purse::ForOne => {
                let rate = if margin.long > margin.short { margin.long } else { margin.short };
                let of_lot = match leg.settlement {
                    Settlement::Upfront => lot,
                    Settlement::DailyVm
                    | Settlement::OnClose(_)
                    | Settlement::PromptForward
                    | Settlement::Coin(_) => lot.scale_up(rate).max(margin.floor_per_lot),
                };
                // More than one clip needs, fees and cap included, and less than two.
                let parts = i128::from(self.random.between(120, 195));
                Money(of_lot.0 * i128::from(need) * parts / 100)
            }
        };
        self.balances.push(balance);
        LegSpec {
            instrument,
            account,
            side: leg.side,
            units_per_lot: leg.units,
            weight: ratio(1, share),
            fx: None,
        }
    }

    fn account_limits(&mut self) -> AccountLimits {
        let mut limits = usual_account();
        if self.random.below(5) == 0 {
            limits.message_rate = u32::try_from(self.random.between(12, 40)).unwrap_or(20);
            limits.cancel_reserve = limits.message_rate / 3;
        }
        if self.random.below(24) == 0 {
            limits.day_loss = Money::units(self.random.between(1, 200));
        }
        limits
    }

    fn fees(&mut self) -> Fees {
        let dust = self.faults.has(Fault::Dust);
        let mut fee = |most: i64| {
            let per_lot = Money(i128::from(self.random.between(0, most)) * 100_000_000);
            let rate = ratio(self.random.between(0, 3), 100_000);
            if !dust {
                return Fee { per_lot, rate };
            }
            let more = Money(i128::from(self.random.between(1, 99_999_999)));
            Fee { per_lot: per_lot + more, rate: ratio(self.random.between(1, 300), 9_999_991) }
        };
        let (open, close) = (fee(10), fee(10));
        Fees { open, close, close_today: fee(30) }
    }

    /// The book of a leg: sold legs rise and bought legs fall with the signal, half of it each.
    fn quote(
        &mut self,
        instrument: InstrumentId,
        venue: VenueId,
        leg: &Drawn,
        (cents, _share): (Ratio, i64),
        need: i64,
    ) {
        let half_swing = over(self.swing / 2, cents);
        let snapshots = self.random.below(4) == 0;
        let thin = if self.random.below(3) == 0 { 30 } else { 0 };
        self.quotes.push(Quote {
            instrument,
            venue,
            mid: over(self.worth, cents),
            pull: -leg.side.sign() * half_swing,
            half: self.random.between(1, 3),
            gap: self.random.between(1, 2),
            levels: self.random.between(1, 2),
            lots: need * self.random.between(1, 3),
            thin: Chance::percent(thin),
            numbered: !snapshots && self.random.below(3) > 0,
            snapshots,
        });
    }

    fn hedge(&mut self, specs: &[LegSpec], number: u64, opposed: Option<&Opposed>) {
        let units: Vec<Ratio> = specs.iter().map(|leg| leg.units_per_lot).collect();
        let ratios = self.random.below(4) == 0 && self.worth > 10_000;
        let mut rule = self.rule(ratios, number);
        let limits = self.hedge_limits(&units);
        let mut legs = specs.to_vec();
        if let Some(opposed) = opposed.filter(|_| number > 0) {
            for leg in &mut legs {
                leg.side = leg.side.flip();
            }
            let (swing, worth) = (self.swing, self.worth);
            opposed.set_bands(&mut rule, |part| level(part, 0, (swing, worth), ratios));
        }
        self.setup.hedge(HedgeSpec {
            name: format!("h{number}"),
            currency: self.local,
            legs,
            rule,
            limits,
        });
    }

    /// Bands at half and a quarter of the swing, around nothing or around one.
    fn rule(&mut self, ratios: bool, number: u64) -> Rule {
        let (swing, worth) = (self.swing, self.worth);
        let shift = i64::try_from(number).unwrap_or(0) * 10;
        let level = |part: i64| level(part, shift, (swing, worth), ratios);
        let net = self.random.below(2) == 0;
        let measure = match (ratios, net) {
            (true, true) => Measure::Ratio,
            (true, false) => Measure::GrossRatio,
            (false, true) => Measure::CounterPrice,
            (false, false) => Measure::Spread,
        };
        let both = self.random.below(10);
        Rule {
            measure,
            plus: (both != 0).then(|| Band { enter: level(500), exit: level(250) }),
            mirror: (both != 1).then(|| Band { enter: level(-500), exit: level(-250) }),
            persist: if self.random.below(4) == 0 { 2 } else { 1 },
            persist_within: None,
            deviation: None,
        }
    }

    /// Residual limits from the lots: at rest what rounding leaves, live a whole clip.
    fn hedge_limits(&mut self, units: &[Ratio]) -> HedgeLimits {
        let den =
            units.iter().fold(1, |den, unit| den * i128::from(unit.den()) / shared(den, *unit));
        let mut lots: Vec<i128> =
            units.iter().map(|u| i128::from(u.num()) * (den / i128::from(u.den()))).collect();
        lots.sort_unstable();
        let coarsest = lots.last().copied().unwrap_or(1);
        let finest = lots.first().copied().unwrap_or(1);
        // Two legs of fractional ratio may each be half a lot off, in opposite directions.
        let halves: i128 = lots.iter().rev().skip(1).take(2).map(|lot| lot / 2 + 1).sum();
        let at_rest = halves.max(finest / 2 + 1).min(coarsest - 1).max(1);
        let clips = i128::from(self.clip);
        let max = self.clip * self.random.between(1, 4);
        let mut limits = usual_hedge(self.clip, max, at_rest, (clips + 1) * coarsest);
        let execution = &mut limits.execution;
        execution.finish_within = Span::millis(self.random.between(300, 1_800));
        execution.order_timeout = Span::millis(self.random.between(30, 300));
        // What goes wrong in an unwind shows only where there are any.
        let unwinds = self.faults.has(Fault::UnwindFails) || self.faults.has(Fault::PriceRuns);
        execution.repair = match self.random.below(4) {
            0 if !unwinds => Repair::Supplement,
            0 | 1 => Repair::Unwind,
            _ => Repair::CheaperOf,
        };
        execution.tries = u16::try_from(self.random.between(3, 8)).unwrap_or(3);
        execution.messages = u32::try_from(self.random.between(40, 120)).unwrap_or(40);
        execution.trims_per_day = u32::try_from(self.random.between(0, 6)).unwrap_or(0);
        if self.random.below(10) == 0 {
            execution.max_loss = Money::units(self.random.between(1, 100));
        }
        if self.random.below(6) == 0 {
            execution.max_loss = Money::units(self.random.between(2, 40));
            execution.max_loss_per_day = execution.max_loss;
        }
        limits
    }
}

/// A level of a band at so many thousandths of the swing, and `shift` cents further from nothing.
fn level(part: i64, shift: i64, (swing, worth): (i64, i64), ratios: bool) -> Ratio {
    let cents = swing * part / 1_000 + shift * part.signum();
    if ratios { ratio(worth + cents, worth) } else { ratio(cents, 100) }
}

fn shared(den: i128, unit: Ratio) -> i128 {
    cross_market_core::num::gcd(den, i128::from(unit.den()))
}

fn product(left: Ratio, right: Ratio) -> Ratio {
    match left.times(right) {
        Ok(product) => product,
        Err(problem) => panic!("a drawn product is refused: {problem}"),
    }
}

fn quotient(left: Ratio, right: Ratio) -> Ratio {
    match left.over(right) {
        Ok(quotient) => quotient,
        Err(problem) => panic!("a drawn quotient is refused: {problem}"),
    }
}

/// Hundredths in ticks of so many hundredths, to the nearest.
fn over(cents: i64, tick: Ratio) -> i64 {
    quotient(Ratio::ONE, tick).nearest(cents)
}

/// Now and then the market of one leg shuts for a moment, by the table, and the hedges give back
/// before it does what they may not hold while it is shut.
fn shut(random: &mut Random, config: &mut Config, lasts: Span) {
    if random.below(6) > 0 {
        return;
    }
    let from = START + Span(random.between(lasts.0 / 4, lasts.0));
    let until = from + Span::millis(random.between(20, 400));
    let why = [Phase::Break, Phase::Overnight, Phase::Holiday, Phase::Auction];
    let why = random.pick(&why).copied().unwrap_or(Phase::Break);
    let table = vec![(Time::EARLIEST, Phase::Continuous), (from, why), (until, Phase::Continuous)];
    let legs = config.hedges.iter().flat_map(|hedge| hedge.plan.legs.iter());
    let legs: Vec<InstrumentId> = legs.map(|leg| leg.instrument).collect();
    let of = random.pick(&legs).and_then(|leg| config.instruments.get_mut(*leg));
    if let (Some(instrument), Some(phases)) = (of, Phases::new(table)) {
        instrument.phases = phases;
    }
    for hedge in config.hedges.ids() {
        if let Some(limits) = config.policy.hedges.get_mut(hedge) {
            let size = &mut limits.size;
            size.before_break = Span(random.between(0, lasts.0 / 2));
            size.overnight = random.between(0, size.max);
            size.holiday = random.between(0, size.overnight);
        }
    }
}

fn latency(random: &mut Random) -> VenueLatency {
    let mut one = |most: i64| {
        let base = Span(random.between(50_000, most));
        match random.below(3) {
            0 => Latency::constant(base),
            1 => Latency::jittered(base, Span(random.between(0, 3 * most))),
            _ => Latency {
                base,
                jitter: Span(random.between(0, most)),
                spike: Chance::percent(5),
                spike_by: Span(random.between(0, 40 * most)),
            },
        }
    };
    VenueLatency { order: one(3_000_000), report: one(3_000_000), feed: one(2_000_000) }
}

/// Now and then the desk gives up what an attempt has not traded.
fn forfeit(random: &mut Random, lasts: Span, verbs: &mut Vec<(Span, Verb)>) {
    if random.below(12) > 0 {
        return;
    }
    for _ in 0..random.between(1, 4) {
        let Ok(reason) = Note::new("by hand") else { continue };
        let hedge = HedgeId(0);
        verbs.push((Span(random.between(0, lasts.0)), Verb::Forfeit { hedge, reason }));
    }
}

/// What the desk says in the course of the run.
fn verbs(
    random: &mut Random,
    config: &Config,
    lasts: Span,
    lots: &[(AccountId, InstrumentId, i64, i64)],
    clip: i64,
) -> Vec<(Span, Verb)> {
    let mut verbs = Vec::new();
    let at = |random: &mut Random| Span(random.between(0, lasts.0));
    let hedge = HedgeId(0);
    if random.below(3) == 0 {
        let sign = if random.below(2) == 0 { 1 } else { -1 };
        let sets = sign * random.between(1, clip * 2);
        verbs.push((at(random), Verb::Enter { hedge, sets, at_least: None, over: Span::ZERO }));
    }
    if random.below(4) == 0 {
        let sets = (random.below(2) == 0).then(|| Qty::of(random.between(1, clip)));
        verbs.push((at(random), Verb::Exit { hedge, sets, over: Span::ZERO }));
    }
    if random.below(6) == 0 {
        let scope = if random.below(2) == 0 { Scope::All } else { Scope::Hedge(hedge) };
        let (first, second) = (at(random), at(random));
        verbs.push((Span(first.0.min(second.0)), Verb::Stop(scope)));
        verbs.push((Span(first.0.max(second.0)), Verb::Resume(scope)));
    }
    if random.below(12) == 0 {
        let scope = if random.below(2) == 0 { Scope::All } else { Scope::Hedge(hedge) };
        let (first, second) = (at(random), at(random));
        verbs.push((Span(first.0.min(second.0)), Verb::Kill(scope)));
        verbs.push((Span(first.0.max(second.0)), Verb::Unlatch(scope)));
        if random.below(2) == 0 {
            verbs.push((at(random), Verb::Flatten(scope)));
        }
    }
    if random.below(12) == 0 {
        verbs.push((at(random), Verb::Flatten(Scope::Hedge(hedge))));
    }
    if let Some((account, instrument, _, _)) = lots.first()
        && random.below(4) == 0
        && let Some(plan) = config.hedges.get(hedge).map(|hedge| &hedge.plan)
        && let Some(leg) = plan
            .legs
            .iter()
            .position(|leg| (leg.account, leg.instrument) == (*account, *instrument))
    {
        let (at, mut lots) = (at(random), [0; LEGS_MAX]);
        if let Some(lots) = lots.get_mut(leg) {
            *lots = random.between(1, 2);
        }
        verbs.push((at, Verb::Adopt { hedge, lots }));
    }
    verbs
}

/// When every run begins: 2026-01-05 at 01:00 UTC.
pub const START: Time = Time(1_767_574_800_000_000_000);

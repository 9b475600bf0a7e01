//! Budgets of conduct: runs that have them, and that nothing enters beyond them.

use std::collections::BTreeMap;

use cross_market_core::conduct::{Budget, Budgets};
use cross_market_core::config::Config;
use cross_market_core::ids::{InstrumentId, VenueId};
use cross_market_core::instrument::{HedgeFlag, Netting};
use cross_market_core::order::{Place, TimeInForce};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::time::{Day, Time};

use crate::document::{null, object};
use crate::random::Random;

/// A second in ns.
const SECOND: i64 = 1_000_000_000;

/// The budgets as a configuration states them.
pub(crate) fn document(of: Option<&Budgets>) -> String {
    let Some(of) = of else { return null() };
    let count = |count: Option<u32>| count.map_or(null(), |count| count.to_string());
    let per_day = |budget: Option<Budget>| count(budget.map(|of| of.per_day));
    let reserve = |budget: Option<Budget>| count(budget.map(|of| of.reserve));
    object([
        ("cancels_per_day", per_day(of.cancels)),
        ("cancels_reserve", reserve(of.cancels)),
        ("large_lots", of.large_cancels.map_or(null(), |_| of.large_lots.to_string())),
        ("large_cancels_per_day", per_day(of.large_cancels)),
        ("large_cancels_reserve", reserve(of.large_cancels)),
        ("opens_per_day", per_day(of.opens)),
        ("opens_reserve", reserve(of.opens)),
        ("self_trades_per_day", count(of.self_trades)),
        ("bursts_per_day", count(of.bursts)),
        ("counts_ioc", of.counts_ioc.to_string()),
        ("counts_fok", of.counts_fok.to_string()),
        ("counts_hedging", of.counts_hedging.to_string()),
    ])
}

/// Gives every fourth desk budgets that bind, and by lot accounts that nobody controls together. From
/// a stream of its own, so that all others stay as they are.
pub(crate) fn draw(seed: u64, config: &mut Config) {
    let mut random = Random::stream(seed, 21);
    if random.below(4) > 0 {
        return;
    }
    if random.below(2) == 0 {
        for (at, account) in config.accounts.iter_mut().enumerate() {
            account.group = format!("desk{at}");
        }
    }
    for (id, of) in config.instruments.pairs() {
        let venue = config.venues.get(of.venue);
        let nets = venue.is_none_or(|venue| venue.netting == Netting::Net);
        let mut budget = |most: i64| {
            let per_day = u32::try_from(random.between(2, most)).unwrap_or(2);
            (random.below(3) > 0).then_some(Budget { per_day, reserve: per_day / 3 })
        };
        let (cancels, large_cancels) = (budget(24), budget(8));
        let opens = budget(40).filter(|_| !nets);
        let large_lots = if large_cancels.is_some() { random.between(1, 6) } else { 0 };
        let few = |random: &mut Random| u32::try_from(random.between(1, 4)).unwrap_or(1);
        let (self_trades, bursts) = (few(&mut random), few(&mut random));
        let mut lot = || random.below(2) == 0;
        let budgets = Budgets {
            cancels,
            large_cancels,
            large_lots,
            opens,
            self_trades: lot().then_some(self_trades),
            bursts: lot().then_some(bursts),
            counts_ioc: lot(),
            counts_fok: lot(),
            counts_hedging: lot(),
        };
        if let Some(limits) = config.policy.instruments.get_mut(id) {
            limits.conduct = Some(budgets);
        }
    }
}

/// Whether an order adds sets, and so leaves the reserves alone.
pub(crate) fn enters(place: &Place) -> bool {
    let adds = place.kind == Kind::Enter || place.kind == Kind::Roll;
    adds && (place.purpose == Purpose::Work || place.purpose == Purpose::Quote)
}

/// Whether budgets are about an order.
pub(crate) fn counts(of: &Budgets, place: &Place) -> bool {
    place.flag != HedgeFlag::Hedge || of.counts_hedging
}

/// Whether it counts as a cancel when its venue ends it with lots left.
pub(crate) fn ends_as_cancel(of: &Budgets, place: &Place) -> bool {
    match place.tif {
        TimeInForce::Ioc => of.counts_ioc,
        TimeInForce::Fok => of.counts_fok,
        TimeInForce::Gtc | TimeInForce::Day => true,
    }
}

/// What a group has done in a contract since its day began: orders cancelled, those with many lots
/// left, and lots opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) cancels: i64,
    pub(crate) large: i64,
    pub(crate) opens: i64,
}

/// Orders and cancels of a group at a venue.
#[derive(Clone, Debug, Default)]
struct Messages {
    /// Since the last burst.
    sent: Vec<Time>,
    bursts: u64,
    /// Bursts as the present step found them.
    before: u64,
    day: Option<Day>,
}

/// What groups have done, as commands and events tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    done: BTreeMap<(String, InstrumentId), Done>,
    messages: BTreeMap<(String, VenueId), Messages>,
}

impl Ledger {
    pub(crate) fn done(&mut self, group: &str, instrument: InstrumentId) -> &mut Done {
        self.done.entry((group.to_owned(), instrument)).or_default()
    }

    /// A step begins.
    pub(crate) fn begin(&mut self) {
        self.messages.values_mut().for_each(|of| of.before = of.bursts);
    }

    /// An order or cancel leaves.
    pub(crate) fn message(&mut self, now: Time, group: &str, venue: VenueId) {
        let of = self.messages.entry((group.to_owned(), venue)).or_default();
        of.sent.push(now);
        let within = of.sent.iter().filter(|sent| sent.0 + SECOND > now.0).count();
        if within == 10 {
            of.bursts += 1;
            of.sent.clear();
        }
    }

    /// Bursts of the day before the present step.
    pub(crate) fn bursts(&self, group: &str, venue: VenueId) -> u64 {
        self.messages.get(&(group.to_owned(), venue)).map_or(0, |of| of.before)
    }

    /// A contract of a venue is settled for a day.
    pub(crate) fn settle(&mut self, instrument: InstrumentId, venue: VenueId, day: Day) {
        self.done.retain(|(_, known), _| *known != instrument);
        for ((_, of), messages) in &mut self.messages {
            if *of == venue && messages.day.is_none_or(|known| known < day) {
                messages.day = Some(day);
                (messages.bursts, messages.before) = (0, 0);
            }
        }
    }
}

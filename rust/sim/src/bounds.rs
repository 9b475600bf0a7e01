//! Bounds over time, for the rules of [`crate::check`]: messages within a second, trims of a day,
//! what the venues have said of phases, whom a clock or a conflict has restricted, and money.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::config::Config;
use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId, VenueId};
use cross_market_core::instrument::Settlement;
use cross_market_core::num::{Money, Side};
use cross_market_core::phase::Phase;
use cross_market_core::time::{Day, Span, Time};

use crate::sent::Sent;

/// The window in which messages are counted.
const SECOND: i64 = 1_000_000_000;

/// Whose messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Those of an account.
    Account(AccountId),
    /// Those to a venue.
    Venue(VenueId),
    /// Those about a contract.
    Contract(InstrumentId),
}

/// What has been asked for, said and restricted so far.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// When messages left.
    sent: BTreeMap<Counted, VecDeque<Time>>,
    /// Phases as the venues have said them, and until when.
    said: Vec<Option<(Phase, Time)>>,
    restricted: BTreeSet<AccountId>,
    trims: Vec<u64>,
    days: Vec<Day>,
    clocks: Vec<Option<(Span, Span)>>,
    /// Balances as the engine told them last.
    cash: Vec<Option<Money>>,
}

impl Bounds {
    pub(crate) fn new(config: &Config) -> Bounds {
        Bounds {
            sent: BTreeMap::new(),
            said: vec![None; config.instruments.len()],
            restricted: BTreeSet::new(),
            trims: vec![0; config.hedges.len()],
            days: vec![Day(0); config.hedges.len()],
            clocks: vec![None; config.venues.len()],
            cash: vec![None; config.accounts.len()],
        }
    }

    /// Counts a message; gives how many left within the last second, this one included.
    pub(crate) fn message(&mut self, now: Time, of: Counted) -> u64 {
        let sent = self.sent.entry(of).or_default();
        while sent.front().is_some_and(|first| first.0 + SECOND <= now.0) {
            sent.pop_front();
        }
        sent.push_back(now);
        u64::try_from(sent.len()).unwrap_or(u64::MAX)
    }

    /// The venue has said a phase.
    pub(crate) fn say(&mut self, instrument: InstrumentId, phase: Phase, until: Time) {
        if let Some(said) = self.said.get_mut(instrument.index()) {
            *said = Some((phase, until));
        }
    }

    /// Whether the venue has said that the market takes no orders now.
    pub(crate) fn is_shut(&self, now: Time, instrument: InstrumentId) -> bool {
        let said = self.said.get(instrument.index()).copied().flatten();
        said.is_some_and(|(phase, until)| now < until && !phase.takes_orders())
    }

    /// Whether the venue has said that the market is shut for good.
    pub(crate) fn is_over(&self, instrument: InstrumentId) -> bool {
        let said = self.said.get(instrument.index()).copied().flatten();
        said.is_some_and(|(phase, until)| until == Time::MAX && !phase.takes_orders())
    }

    pub(crate) fn restrict(&mut self, account: AccountId) {
        self.restricted.insert(account);
    }

    pub(crate) fn lift(&mut self, account: AccountId) {
        self.restricted.remove(&account);
    }

    pub(crate) fn is_restricted(&self, account: AccountId) -> bool {
        self.restricted.contains(&account)
    }

    /// A Trim begins; gives how many have begun in the hedge's day.
    pub(crate) fn trim(&mut self, hedge: HedgeId) -> u64 {
        let Some(trims) = self.trims.get_mut(hedge.index()) else { return 0 };
        *trims += 1;
        *trims
    }

    /// A settlement turns the day of the hedges whose first leg it is.
    pub(crate) fn settle(&mut self, config: &Config, instrument: InstrumentId, day: Day) {
        for (id, hedge) in config.hedges.pairs() {
            let first = hedge.plan.legs.first().map(|leg| leg.instrument);
            let Some(known) = self.days.get_mut(id.index()) else { continue };
            if first == Some(instrument) && *known <= day {
                *known = Day(day.0 + 1);
                if let Some(trims) = self.trims.get_mut(id.index()) {
                    *trims = 0;
                }
            }
        }
    }

    /// A clock was measured; gives the accounts that may not enter because of it.
    pub(crate) fn clock(&mut self, config: &Config, clock: &Clock) -> Vec<AccountId> {
        let error = clock.offset.0.abs() + clock.uncertainty.0;
        let accounts = config.accounts.pairs();
        match clock.of {
            ClockOf::Wall if error > SECOND => accounts.map(|(id, _)| id).collect(),
            ClockOf::Wall => Vec::new(),
            ClockOf::Venue(venue) => {
                if let Some(known) = self.clocks.get_mut(venue.index()) {
                    *known = Some((clock.offset, clock.uncertainty));
                }
                let most = config.venues.get(venue).map_or(Span::ZERO, |venue| venue.max_delay);
                let beyond = clock.uncertainty > most;
                let of = accounts.filter(|(_, account)| beyond && account.venue == venue);
                of.map(|(id, _)| id).collect()
            }
        }
    }

    /// The earliest moment at which a venue can have said what it stamped so.
    pub(crate) fn said_at(&self, now: Time, venue: VenueId, stamp: Time) -> Time {
        let (offset, error) = self.clocks.get(venue.index()).copied().flatten().unwrap_or_default();
        Time(stamp.0 - offset.0 - error.0).min(now)
    }

    pub(crate) fn note_cash(&mut self, account: AccountId, cash: Money) {
        if let Some(known) = self.cash.get_mut(account.index()) {
            *known = Some(cash);
        }
    }

    /// Money has moved: what was told of it last is old.
    pub(crate) fn forget_cash(&mut self) {
        self.cash.fill(None);
    }

    pub(crate) fn cash(&self, account: AccountId) -> Option<Money> {
        self.cash.get(account.index()).copied().flatten()
    }
}

/// The least that an order needs: its value where that changes hands, its margin elsewhere.
pub(crate) fn least_need(config: &Config, sent: &Sent, lots: i64) -> Money {
    let place = &sent.place;
    let Some(listed) = config.instruments.get(place.instrument) else { return Money::ZERO };
    let ticks = i128::from(place.price.0) * i128::from(lots);
    match listed.settlement {
        Settlement::Upfront if place.side == Side::Buy => Money(listed.tick_value.0 * ticks),
        Settlement::Upfront => Money::ZERO,
        Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::PromptForward
        | Settlement::Coin(_) => {
            let (rate, per_lot) = sent.rate.of(place.side);
            let value = listed.tick_value.0 * ticks.abs();
            let by_lot = per_lot.0 * i128::from(lots);
            Money(value * i128::from(rate.num()) / i128::from(rate.den()) + by_lot)
        }
    }
}

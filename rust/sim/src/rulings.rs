//! What venues decide, clocks show and people do: calendars, auctions, rules that change, limits
//! that are reached, stamps that are off, and words that are wrong.

use std::collections::BTreeSet;

use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::event::{Event, Verb};
use cross_market_core::ids::{AccountId, ClientOrderId, Id, InstrumentId, Note, VenueId};
use cross_market_core::instrument::{PositionEffect, ReferenceChange};
use cross_market_core::num::{Price, Qty};
use cross_market_core::order::{News, Place, RejectClass, Report, VenueStatus};
use cross_market_core::phase::Phase;
use cross_market_core::position::StatementKind;
use cross_market_core::time::{Day, Span, Time};

use crate::fault::Fault;
use crate::lines::millis;
use crate::venue::{RestEnd, Whim};
use crate::world::{FIRST_DAY, Happening, Item, Restore, World, is_margined};

/// What is out of the ordinary at venues now.
#[derive(Debug, Default)]
pub(crate) struct Odd {
    /// How far the clock of each venue is ahead, and whether the engine was told.
    pub(crate) skews: Vec<(Span, bool)>,
    /// The last stamp of each venue.
    stamps: Vec<Time>,
    /// Until when a venue refuses everything of an account, or all that opens.
    limited: Vec<Time>,
    strict: Vec<Time>,
    /// Contracts that never trade again.
    expired: BTreeSet<InstrumentId>,
    /// Orders of which an operator said what is not so.
    pub(crate) wrong: Vec<ClientOrderId>,
}

impl Odd {
    pub(crate) fn new(venues: usize, accounts: usize) -> Odd {
        Odd {
            skews: vec![(Span::ZERO, true); venues],
            stamps: vec![Time::EARLIEST; venues],
            limited: vec![Time::EARLIEST; accounts],
            strict: vec![Time::EARLIEST; accounts],
            expired: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// Whether a venue's "never seen" may be taken for later than it is.
    pub(crate) fn is_ahead(&self, venue: VenueId) -> bool {
        self.skews.get(venue.index()).is_some_and(|(by, told)| *by > Span::ZERO && !told)
    }
}

impl World {
    /// Sets the venues' clocks wrong, and by lot tells the engine by how much.
    pub(crate) fn set_clocks(&mut self) {
        if !self.faults.has(Fault::VenueSkew) || !self.faults.is_on() {
            return;
        }
        self.faults.counts.count(Fault::VenueSkew);
        for venue in self.config.venues.ids() {
            let random = self.faults.stream(Fault::VenueSkew);
            let (skew, told) =
                (Span(random.between(-5_000_000_000, 5_000_000_000)), random.below(2));
            let error = Span(random.between(-10_000_000, 10_000_000));
            let told = told == 0;
            if let Some(slot) = self.odd.skews.get_mut(venue.index()) {
                *slot = (skew, told);
            }
            if told {
                let (of, uncertainty) = (ClockOf::Venue(venue), Span::millis(10));
                let offset = Span(skew.0 + error.0);
                self.send(self.now, Event::Clock(Clock { of, offset, uncertainty }));
            }
        }
    }

    /// What a venue's clock shows now.
    pub(crate) fn stamp(&mut self, venue: VenueId) -> Time {
        let (skew, _) = self.odd.skews.get(venue.index()).copied().unwrap_or_default();
        let mut at = Time(self.now.0 + skew.0);
        let last = self.odd.stamps.get(venue.index()).copied().unwrap_or(at);
        if last > Time::EARLIEST && self.faults.fires(Fault::OddStamps) {
            // The same again, or back by up to a leap second.
            let back = self.faults.stream(Fault::OddStamps).between(-1_000_000_000, 1_000_000_000);
            at = Time(last.0 + back.min(0));
        }
        if let Some(slot) = self.odd.stamps.get_mut(venue.index()) {
            *slot = at;
        }
        at
    }

    pub(crate) fn disturb_clocks(&mut self) {
        if self.faults.fires(Fault::WallClock) {
            let random = self.faults.stream(Fault::WallClock);
            let hour = 3_600;
            let year = 365 * 24 * hour;
            let jumps = [1, hour, -hour, 24 * hour, -24 * hour, 10 * year, -10 * year];
            let seconds = random.pick(&jumps).copied().unwrap_or(hour);
            let (of, offset) = (ClockOf::Wall, Span(seconds * 1_000_000_000));
            let uncertainty = Span(random.between(0, 5_000_000));
            self.send(self.now, Event::Clock(Clock { of, offset, uncertainty }));
        }
        if self.faults.fires(Fault::Pause) {
            let awake = self.now + Span::seconds(30);
            self.stalled_until = self.stalled_until.max(awake);
            // The first thing after it is what came, or what was due.
            if self.faults.stream(Fault::Pause).below(2) == 0 {
                self.tick_goes_first(awake);
            }
        }
    }

    pub(crate) fn disturb_rules(&mut self) {
        for fault in [Fault::Auction, Fault::SizeRules, Fault::Calendar, Fault::Expiry] {
            if self.faults.draws(fault)
                && let Some(instrument) = self.any_instrument(fault)
            {
                self.rule(fault, instrument);
            }
        }
        for fault in [Fault::MessageLimit, Fault::StrictMargin] {
            if self.faults.fires(fault)
                && let Some(account) = self.any_account(fault)
            {
                let until = self.now + self.takes(fault, 100, 1_500);
                let list = if fault == Fault::MessageLimit {
                    &mut self.odd.limited
                } else {
                    &mut self.odd.strict
                };
                if let Some(slot) = list.get_mut(account.index()) {
                    *slot = until;
                }
            }
        }
        if self.faults.fires(Fault::ManualTrade)
            && let Some(account) = self.any_account(Fault::ManualTrade)
        {
            self.trade_by_hand(account);
        }
    }

    /// A rule of one market changes. Counted where it can.
    fn rule(&mut self, fault: Fault, instrument: InstrumentId) {
        let venue = self.feed(instrument).venue;
        let until = self.now + self.takes(fault, 50, 1_500);
        let Some(listing) = self.venue(venue).listing(instrument) else { return };
        let is_open = listing.phase == Phase::Continuous && !self.odd.expired.contains(&instrument);
        if !is_open {
            return;
        }
        if fault == Fault::Auction {
            self.auction(instrument, until);
        } else if fault == Fault::SizeRules {
            self.change_rules(instrument, until);
        } else if fault == Fault::Calendar {
            self.shut_for_the_night(instrument, until);
        } else {
            self.expire(instrument);
        }
    }

    fn auction(&mut self, instrument: InstrumentId, until: Time) {
        self.faults.note(Fault::Auction);
        self.set_phase(instrument, Phase::Auction);
        // By lot the engine is told: a schedule may be wrong.
        if self.faults.stream(Fault::Auction).below(3) > 0 {
            self.refer(instrument, ReferenceChange::Phase { phase: Phase::Auction, until });
        }
        self.push(until, Item::Restore(Restore::Halt(instrument)));
    }

    /// Another smallest size, or another grid of prices.
    fn change_rules(&mut self, instrument: InstrumentId, until: Time) {
        self.faults.note(Fault::SizeRules);
        let venue = self.feed(instrument).venue;
        let random = self.faults.stream(Fault::SizeRules);
        let (more, grid) = (random.between(1, 3), random.between(2, 5));
        let by_size = random.below(2) == 0;
        if let Some(listing) = self.venue_mut(venue).listing_mut(instrument) {
            (listing.least, listing.grid) = if by_size { (more, 1) } else { (0, grid) };
        }
        self.push(until, Item::Restore(Restore::Rules(instrument)));
    }

    fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        let venue = self.feed(instrument).venue;
        if let Some(listing) = self.venue_mut(venue).listing_mut(instrument) {
            listing.phase = phase;
        }
    }

    /// The day ends, and the night session that follows belongs to the next trading day, perhaps
    /// after a weekend. The end that is told may be an hour wrong, either way.
    fn shut_for_the_night(&mut self, instrument: InstrumentId, until: Time) {
        // With the settlement at the end it rolls twice: no order is forgotten before.
        if !is_margined(&self.config, instrument) || self.feed(instrument).day != FIRST_DAY {
            return;
        }
        self.faults.note(Fault::Calendar);
        self.set_phase(instrument, Phase::Overnight);
        let (random, hour) = (self.faults.stream(Fault::Calendar), Span::seconds(3_600));
        let (wrong, weekend) = (random.below(3), random.below(2) == 0);
        let told = match wrong {
            0 => until,
            1 => until + hour,
            _ => self.now + Span(1),
        };
        let (phase, until_told) = (Phase::Overnight, told);
        self.refer(instrument, ReferenceChange::Phase { phase, until: until_told });
        self.settle_at_mid(instrument);
        if weekend {
            let feed = self.feed_mut(instrument);
            feed.day = Day(feed.day.0 + 2);
        }
        self.push(until, Item::Restore(Restore::Halt(instrument)));
    }

    /// A contract's last day is over: what rests expires, and it never trades again.
    fn expire(&mut self, instrument: InstrumentId) {
        if !self.odd.expired.is_empty() {
            return;
        }
        self.faults.note(Fault::Expiry);
        self.odd.expired.insert(instrument);
        self.set_phase(instrument, Phase::Halted);
        let (phase, until) = (Phase::Halted, Time::MAX);
        self.refer(instrument, ReferenceChange::Phase { phase, until });
        let venue = self.feed(instrument).venue;
        self.expire_orders(venue, instrument, |_| true);
    }

    pub(crate) fn is_expired(&self, instrument: InstrumentId) -> bool {
        self.odd.expired.contains(&instrument)
    }

    /// The rules of a market are again what they were.
    pub(crate) fn restore_rules(&mut self, instrument: InstrumentId) {
        let venue = self.feed(instrument).venue;
        if let Some(listing) = self.venue_mut(venue).listing_mut(instrument) {
            (listing.least, listing.grid) = (0, 1);
        }
    }

    /// No account is limited any more.
    pub(crate) fn lift_limits(&mut self) {
        for until in self.odd.limited.iter_mut().chain(&mut self.odd.strict) {
            *until = Time::EARLIEST;
        }
    }

    /// Whether the venue refuses everything of an account now.
    pub(crate) fn is_limited(&self, account: AccountId) -> bool {
        self.odd.limited.get(account.index()).is_some_and(|until| self.now < *until)
    }

    /// What venues rule of an arriving order, beyond what happens to it by itself.
    pub(crate) fn ruled(&mut self, place: &Place, whim: &mut Whim) {
        let opens = place.effect == PositionEffect::Open;
        if self.is_limited(place.account) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Rate), false);
        }
        let strict = self.odd.strict.get(place.account.index());
        if opens && strict.is_some_and(|until| self.now < *until) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Money), false);
        }
        if self.faults.fires_if(Fault::WrongLots, !opens) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Lots), false);
        }
        if self.faults.fires(Fault::SelfMatch) {
            let most = self.faults.stream(Fault::SelfMatch).between(0, place.qty.get() - 1);
            (whim.most, whim.rest) = (Some(most), RestEnd::Cancelled);
        }
    }

    /// An operator trades by hand; a statement follows, before or after the fill is heard.
    fn trade_by_hand(&mut self, account: AccountId) {
        let Some(instrument) = self.trade_outside(Fault::ManualTrade, account) else { return };
        let after = millis(self.faults.stream(Fault::ManualTrade), 0, 30);
        self.push(self.now + after, Item::Restore(Restore::State(account, instrument)));
    }

    /// The venue's word on a position.
    pub(crate) fn say_position(&mut self, account: AccountId, instrument: InstrumentId) {
        let at = self.market.as_ref().and_then(|market| market.find(instrument));
        let mid = at.and_then(|at| self.market.as_ref().and_then(|market| market.mid(at)));
        self.state(account, instrument, StatementKind::Compare, mid.unwrap_or(Price(0)));
    }

    /// The desk takes an order that is alarmed as unknown for something that it is not. What the
    /// venue has to say of it comes later.
    pub fn mistake_unknown(&mut self) {
        let booked = |world: &World, order| world.checker().map_or(0, |check| check.booked(order));
        for order in self.unknown_orders() {
            let found = self.config.venues.ids().find_map(|venue| {
                let at = self.venue(venue).find(order)?;
                self.venue(venue).order(at).map(|of| (venue, at, of.status, of.cum))
            });
            let Some((venue, at, status, cum)) = found else { continue };
            let cum_told = booked(self, order);
            let wrong = status == VenueStatus::Working || cum != cum_told;
            if !wrong || self.odd.wrong.contains(&order) {
                continue;
            }
            self.faults.about = Some(order);
            let fires = self.faults.fires(Fault::WrongOverride);
            self.faults.about = None;
            let Ok(reason) = Note::new("taken for dead") else { continue };
            if !fires {
                continue;
            }
            let random = self.faults.stream(Fault::WrongOverride);
            let ends = [VenueStatus::Cancelled, VenueStatus::Rejected, VenueStatus::Expired];
            let status = random.pick(&ends).copied().unwrap_or(VenueStatus::Cancelled);
            let later = millis(random, 50, 2_000);
            self.odd.wrong.push(order);
            let cum = Qty::of(cum_told.max(0));
            self.control(self.now, Verb::Override { order, status, cum, reason });
            self.push(self.now + later, Item::Venue(venue, Happening::Evidence(at)));
        }
    }

    /// The desk finds out about its wrong words: the venue ends those orders and tells of them.
    pub fn admit_mistakes(&mut self) {
        for order in std::mem::take(&mut self.odd.wrong) {
            self.end_order(order);
            for venue in self.config.venues.ids() {
                if let Some(at) = self.venue(venue).find(order) {
                    self.push(self.now + Span(1), Item::Venue(venue, Happening::Evidence(at)));
                }
            }
        }
    }

    /// Everything the venue has to say of an order, unasked.
    pub(crate) fn evidence(&self, venue: VenueId, at: usize, out: &mut Vec<Report>) {
        let at_venue = self.venue(venue);
        let Some(order) = at_venue.order(at) else { return };
        at_venue.executions_of(at, self.now, out);
        let cum = Qty::of(order.cum.max(0));
        let news = News::Status { status: order.status, cum };
        out.push(Report {
            order: order.place.map(|place| place.order),
            venue_order_id: order.venue_order_id,
            account: order.account,
            instrument: order.instrument,
            exchange: self.now,
            receive: self.now,
            news,
        });
    }
}

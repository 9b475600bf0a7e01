//! Market data on its way from venues to the engine, and what disturbs venues and operators.

use cross_market_core::book::{Change, Row};
use cross_market_core::event::{Event, LinkState, LinkTo, Scope, Verb};
use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId, VenueId};
use cross_market_core::instrument::{PriceBand, Reference, ReferenceChange};
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::phase::Phase;
use cross_market_core::time::{Span, Time};

use crate::depth::Level;
use crate::fault::Fault;
use crate::lines::millis;
use crate::market::Shape;
use crate::world::{FIRST_DAY, Happening, Item, Restore, World, is_margined};

/// One level of a message: side, price, and its new size.
type LevelRow = (Side, Price, i64);

impl World {
    /// Orders that rest in an instrument trade with what its book has come to.
    pub(crate) fn trade_resting(&mut self, instrument: InstrumentId) {
        let (now, venue) = (self.now, self.feed(instrument).venue);
        let mut reports = std::mem::take(&mut self.reports);
        let from = self.venue(venue).executions().len();
        let truth = &mut self.truth;
        if let Some(at_venue) = self.venues.get_mut(venue.index()) {
            at_venue.trade_resting(truth, now, instrument, &mut reports);
        }
        if reports.is_empty() && self.venue(venue).executions().len() == from {
            self.reports = reports;
            return;
        }
        self.after_trades(venue, from);
        self.tell_all(reports);
    }

    /// The generated market moves: one book, drawn by lot.
    pub(crate) fn market_step(&mut self) {
        let count = self.market.as_ref().map_or(0, |market| market.quotes().len());
        let at = self.random.index(count);
        self.disturb();
        self.publish(at);
        let next = self.now + self.market_every;
        if next <= self.market_until {
            self.push(next, Item::Market);
        }
    }

    /// Makes every generated book for the first time and sends it whole.
    pub(crate) fn first_books(&mut self) {
        for instrument in self.config.instruments.ids() {
            self.feed_mut(instrument).frozen = true;
        }
        self.refresh();
        for instrument in self.config.instruments.ids() {
            self.feed_mut(instrument).frozen = false;
            self.send_snapshot(instrument);
        }
    }

    /// Publishes every generated book once.
    pub fn refresh(&mut self) {
        let count = self.market.as_ref().map_or(0, |market| market.quotes().len());
        for at in 0..count {
            self.publish(at);
        }
    }

    /// Sets the signal of the generated market, in thousandths, and lets it stay there.
    pub fn calm(&mut self, signal: i64) {
        if let Some(market) = &mut self.market {
            market.calm();
            market.set_signal(signal);
        }
    }

    /// Makes the next book of the market at a place, trades with it and sends it.
    pub(crate) fn publish(&mut self, at: usize) {
        let about = self.faults.about.take();
        let mut levels = std::mem::take(&mut self.levels);
        let quote = self.market.as_ref().and_then(|market| market.quotes().get(at).copied());
        if let (Some(market), Some(quote)) = (&mut self.market, quote) {
            let shape = self.shapes.get(quote.instrument.index()).copied();
            market.book(at, shape.unwrap_or(Shape::Both), &mut levels);
            let rows = self.changes(quote.instrument, &levels);
            self.apply(quote.instrument, &rows);
            if quote.snapshots {
                self.send_snapshot(quote.instrument);
            } else {
                self.faults.about = None;
                let stale = self.faults.fires_if(Fault::FeedGap, quote.numbered);
                self.send_rows(quote.instrument, &rows, stale);
            }
            self.keep_old_book(quote.instrument);
        }
        self.levels = levels;
        self.faults.about = about;
    }

    /// What turns the venue's book into these levels.
    fn changes(&self, instrument: InstrumentId, levels: &[(Side, Level)]) -> Vec<LevelRow> {
        let mut rows = Vec::new();
        let Some(listing) = self.venue(self.feed(instrument).venue).listing(instrument) else {
            return rows;
        };
        for side in [Side::Buy, Side::Sell] {
            let wanted =
                |price| levels.iter().any(|(of, level)| *of == side && level.price == price);
            let gone = listing.depth.recorded(side).filter(|level| !wanted(level.price));
            rows.extend(gone.map(|level| (side, level.price, 0)));
        }
        for (side, level) in levels {
            if listing.depth.recorded_at(*side, level.price) != level.lots {
                rows.push((*side, level.price, level.lots));
            }
        }
        if rows.is_empty()
            && let Some((side, level)) = levels.first()
        {
            rows.push((*side, level.price, level.lots));
        }
        rows
    }

    fn apply(&mut self, instrument: InstrumentId, rows: &[LevelRow]) {
        let venue = self.feed(instrument).venue;
        if let Some(listing) = self.venue_mut(venue).listing_mut(instrument) {
            for (side, price, lots) in rows {
                listing.depth.set(*side, *price, Qty::of(*lots));
            }
        }
        self.trade_resting(instrument);
    }

    /// When a market message sent now is received, behind those sent before it.
    fn fed_at(&mut self, instrument: InstrumentId) -> Time {
        let venue = self.feed(instrument).venue;
        let took = self.latency(venue).feed.draw(&mut self.random);
        let at = (self.now + took).max(self.feed(instrument).last);
        self.feed_mut(instrument).last = at;
        at
    }

    /// Sends changes of levels as one message; a lost one leaves a gap in the numbers.
    fn send_rows(&mut self, instrument: InstrumentId, rows: &[LevelRow], lost: bool) {
        let feed = self.feed_mut(instrument);
        let (seq, step) = if feed.numbered {
            feed.seq += 1;
            (feed.seq, 1)
        } else {
            (0, 0)
        };
        let (venue, silent) = (feed.venue, feed.frozen || feed.down || lost);
        if silent {
            return;
        }
        let receive = self.fed_at(instrument);
        let exchange = self.stamp(venue);
        let end = rows.len().saturating_sub(1);
        for (at, (side, price, lots)) in rows.iter().enumerate() {
            let row = if at == end { Row::DeltaLast } else { Row::Delta };
            let (price, qty, side) = (*price, Qty::of(*lots), *side);
            let change = Change { price, qty, seq, exchange, receive, step, instrument, side, row };
            self.push(receive, Item::Row(change));
        }
    }

    /// The venue's book as the rows of a snapshot.
    fn snapshot(&mut self, instrument: InstrumentId, receive: Time) -> Vec<Change> {
        let feed = self.feed(instrument);
        let exchange = self.stamp(feed.venue);
        let listing = self.venue(feed.venue).listing(instrument);
        let mut rows: Vec<Change> = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let levels = listing.into_iter().flat_map(|listing| listing.depth.recorded(side));
            for level in levels {
                rows.push(Change {
                    price: level.price,
                    qty: Qty::of(level.lots),
                    seq: feed.seq,
                    exchange,
                    receive,
                    step: 0,
                    instrument,
                    side,
                    row: if rows.is_empty() { Row::Snapshot } else { Row::Level },
                });
            }
        }
        if rows.is_empty() {
            rows.push(Change {
                price: Price(0),
                qty: Qty::ZERO,
                seq: feed.seq,
                exchange,
                receive,
                step: 0,
                instrument,
                side: Side::Buy,
                row: Row::Snapshot,
            });
        }
        if let Some(last) = rows.last_mut() {
            last.row = last.row.ending();
        }
        rows
    }

    /// Sends the whole book.
    pub(crate) fn send_snapshot(&mut self, instrument: InstrumentId) {
        let feed = self.feed(instrument);
        if feed.frozen || feed.down {
            return;
        }
        let receive = self.fed_at(instrument);
        for change in self.snapshot(instrument, receive) {
            self.push(receive, Item::Row(change));
        }
    }

    fn keep_old_book(&mut self, instrument: InstrumentId) {
        if self.faults.has(Fault::SnapshotOld) && self.random.below(3) == 0 {
            let rows = self.snapshot(instrument, self.now);
            if let Some(old) = self.old_book.get_mut(instrument.index()) {
                *old = rows;
            }
        }
    }

    /// The engine asks for a snapshot; it may get one that is older than what it has seen.
    pub(crate) fn resync(&mut self, instrument: InstrumentId) {
        self.faults.about = None;
        let feed = self.feed(instrument);
        let old = self.old_book.get(instrument.index()).is_some_and(|old| !old.is_empty());
        let usable = old && feed.numbered && !feed.frozen && !feed.down;
        if !self.faults.fires_if(Fault::SnapshotOld, usable) {
            self.send_snapshot(instrument);
            return;
        }
        let receive = self.fed_at(instrument);
        let rows = self.old_book.get(instrument.index()).cloned().unwrap_or_default();
        for change in rows {
            self.push(receive, Item::Row(Change { receive, ..change }));
        }
    }

    /// Moves the price of an instrument away from a taker of `side`, by more than any collar.
    pub(crate) fn run_away(&mut self, instrument: InstrumentId, side: Side) {
        let Some(at) = self.market.as_ref().and_then(|market| market.find(instrument)) else {
            return;
        };
        let collar = self.config.policy.instruments.get(instrument).map_or(1, |of| of.collar);
        let ticks = side.sign() * self.faults.stream(Fault::PriceRuns).between(collar, 4 * collar);
        if let Some(market) = &mut self.market {
            market.shift(at, ticks);
        }
        self.publish(at);
    }

    pub(crate) fn any_instrument(&mut self, fault: Fault) -> Option<InstrumentId> {
        let count = self.config.instruments.len();
        (count > 0).then(|| InstrumentId::at(self.faults.stream(fault).index(count)))
    }

    pub(crate) fn any_account(&mut self, fault: Fault) -> Option<AccountId> {
        let count = self.config.accounts.len();
        (count > 0).then(|| AccountId::at(self.faults.stream(fault).index(count)))
    }

    pub(crate) fn takes(&mut self, fault: Fault, low_ms: i64, high_ms: i64) -> Span {
        millis(self.faults.stream(fault), low_ms, high_ms)
    }

    /// Lets go wrong, by lot, what can go wrong at any moment.
    pub(crate) fn disturb(&mut self) {
        if self.faults.any() {
            self.faults.about = None;
            self.disturb_lines();
            self.disturb_sessions();
            self.disturb_clocks();
            self.disturb_rules();
            self.disturb_feeds();
            self.disturb_venues();
            self.disturb_operators();
        }
    }

    fn disturb_lines(&mut self) {
        if self.faults.fires(Fault::Disconnect)
            && let Some(account) = self.any_account(Fault::Disconnect)
        {
            let takes = self.takes(Fault::Disconnect, 1, 800);
            self.cut(account, takes);
        }
        if self.faults.fires(Fault::OneWay)
            && let Some(account) = self.any_account(Fault::OneWay)
        {
            let takes = self.takes(Fault::OneWay, 5, 600);
            let until = self.now + takes;
            if self.faults.stream(Fault::OneWay).below(2) == 0 {
                self.login_mut(account).mute_until = until;
            } else {
                // A missing heartbeat is noticed: the line is taken down and up again.
                self.login_mut(account).deaf_until = until;
                self.push(until, Item::Restore(Restore::Deaf(account)));
            }
        }
        if self.faults.fires(Fault::VenueCut) {
            let count = self.config.venues.len();
            let venue = VenueId::at(self.faults.stream(Fault::VenueCut).index(count));
            let takes = self.takes(Fault::VenueCut, 50, 1_500);
            self.cut_venue(venue, takes);
        }
        if self.faults.fires(Fault::Stall) {
            let takes = self.takes(Fault::Stall, 100, 10_000);
            self.stalled_until = self.stalled_until.max(self.now + takes);
        }
        if self.faults.fires(Fault::OddTimer) {
            let early = self.takes(Fault::OddTimer, 0, 40);
            let at = self.now + early;
            self.push(at, Item::Event(Event::Tick));
            self.push(at, Item::Event(Event::Tick));
        }
    }

    pub(crate) fn cut_venue(&mut self, venue: VenueId, takes: Span) {
        for account in self.config.accounts.ids() {
            if self.login(account).venue == venue {
                self.cut(account, takes);
            }
        }
        for instrument in self.config.instruments.ids() {
            if self.feed(instrument).venue == venue {
                self.unfeed(instrument, takes);
            }
        }
    }

    fn disturb_feeds(&mut self) {
        if self.faults.fires(Fault::FeedStale) {
            let takes = self.takes(Fault::FeedStale, 500, 6_000);
            for instrument in self.config.instruments.ids() {
                self.freeze(instrument, takes);
            }
        }
        if self.faults.fires(Fault::LegFrozen)
            && let Some(instrument) = self.any_instrument(Fault::LegFrozen)
        {
            let takes = self.takes(Fault::LegFrozen, 500, 6_000);
            self.freeze(instrument, takes);
        }
        if self.faults.fires(Fault::FeedReconnect)
            && let Some(instrument) = self.any_instrument(Fault::FeedReconnect)
        {
            let takes = self.takes(Fault::FeedReconnect, 10, 700);
            self.unfeed(instrument, takes);
        }
        if self.faults.fires(Fault::BookEmpty)
            && let Some(instrument) = self.any_instrument(Fault::BookEmpty)
        {
            let shape = match self.faults.stream(Fault::BookEmpty).below(3) {
                0 => Shape::Empty,
                1 => Shape::Only(Side::Buy),
                _ => Shape::Only(Side::Sell),
            };
            let takes = self.takes(Fault::BookEmpty, 50, 1_500);
            self.reshape(instrument, shape);
            self.push(self.now + takes, Item::Restore(Restore::Book(instrument)));
        }
        for fault in [Fault::Crossed, Fault::AbsurdPrice, Fault::Flicker] {
            if self.faults.fires(fault)
                && let Some(instrument) = self.any_instrument(fault)
            {
                self.odd_rows(fault, instrument);
            }
        }
    }

    /// Rows that the venue's book never had: the engine alone sees them, for a moment.
    fn odd_rows(&mut self, fault: Fault, instrument: InstrumentId) {
        let Some(listing) = self.venue(self.feed(instrument).venue).listing(instrument) else {
            return;
        };
        let (bid, ask) = (listing.depth.best(Side::Buy), listing.depth.best(Side::Sell));
        let (Some(bid), Some(ask)) = (bid, ask) else { return };
        if fault == Fault::Flicker {
            for _ in 0..self.faults.stream(fault).between(2, 5) {
                self.send_rows(instrument, &[(Side::Buy, bid.price, 0)], false);
                self.hold_feed(instrument, Span(1_000));
                self.send_rows(instrument, &[(Side::Buy, bid.price, bid.lots)], false);
                self.hold_feed(instrument, Span(1_000));
            }
            return;
        }
        if fault == Fault::AbsurdPrice && self.faults.stream(fault).below(2) == 0 {
            self.absurd_book(instrument, bid.price.0.midpoint(ask.price.0));
            return;
        }
        let random = self.faults.stream(fault);
        let (side, price) = if fault == Fault::Crossed {
            (Side::Buy, Price(ask.price.0 + random.between(0, 2)))
        } else {
            let factor = random.pick(&[10, -1, 0, 100]).copied().unwrap_or(10);
            let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
            (side, Price(bid.price.0.saturating_mul(factor)))
        };
        let after = self.takes(fault, 1, 300);
        let before = listing_lots(self, instrument, side, price);
        self.send_rows(instrument, &[(side, price, 4)], false);
        self.hold_feed(instrument, after);
        self.send_rows(instrument, &[(side, price, before)], false);
    }

    /// A whole book, coherent in itself, ten times off or of the wrong sign; for less than the time
    /// for which a book may stand unchanged.
    fn absurd_book(&mut self, instrument: InstrumentId, mid: i64) {
        let feed = self.feed(instrument);
        if feed.frozen || feed.down {
            return;
        }
        let wrong = match self.faults.stream(Fault::AbsurdPrice).below(3) {
            0 => mid.saturating_mul(10),
            1 => mid / 10,
            _ => -mid,
        };
        let after = self.takes(Fault::AbsurdPrice, 1, 300);
        let receive = self.fed_at(instrument);
        for change in self.snapshot(instrument, receive) {
            let price = Price(change.price.0 - mid + wrong);
            self.push(receive, Item::Absurd(Change { price, ..change }));
        }
        self.hold_feed(instrument, after);
        self.send_snapshot(instrument);
    }

    /// What is sent on a feed next is received so much later.
    fn hold_feed(&mut self, instrument: InstrumentId, by: Span) {
        let at = self.feed(instrument).last.max(self.now) + by;
        self.feed_mut(instrument).last = at;
    }

    fn freeze(&mut self, instrument: InstrumentId, takes: Span) {
        self.feed_mut(instrument).frozen = true;
        let at = self.now + takes;
        self.push(at, Item::Restore(Restore::Thaw(instrument)));
    }

    fn unfeed(&mut self, instrument: InstrumentId, takes: Span) {
        if self.feed(instrument).down {
            return;
        }
        let now = self.now;
        self.feed_mut(instrument).down = true;
        self.say_link(now, LinkTo::Feed(instrument), LinkState::Down);
        self.push(now + takes, Item::Restore(Restore::Feed(instrument)));
    }

    /// A feed is up again, and begins with the whole book.
    pub(crate) fn refeed(&mut self, instrument: InstrumentId) {
        if !self.feed(instrument).down {
            return;
        }
        self.feed_mut(instrument).down = false;
        self.feed_mut(instrument).frozen = false;
        let up = self.fed_at(instrument);
        self.say_link(up, LinkTo::Feed(instrument), LinkState::Up);
        self.send_snapshot(instrument);
        let done = self.feed(instrument).last;
        self.say_link(done, LinkTo::Feed(instrument), LinkState::Resynced);
    }

    fn reshape(&mut self, instrument: InstrumentId, shape: Shape) {
        if let Some(slot) = self.shapes.get_mut(instrument.index()) {
            *slot = shape;
        }
        if let Some(at) = self.market.as_ref().and_then(|market| market.find(instrument)) {
            self.publish(at);
        }
    }

    fn disturb_venues(&mut self) {
        if self.faults.fires(Fault::Halt)
            && let Some(instrument) = self.any_instrument(Fault::Halt)
        {
            let takes = self.takes(Fault::Halt, 20, 2_500);
            self.halt(instrument, takes);
        }
        if self.faults.fires(Fault::LimitLock)
            && let Some(instrument) = self.any_instrument(Fault::LimitLock)
        {
            let side = match self.faults.stream(Fault::LimitLock).below(2) {
                0 => Side::Buy,
                _ => Side::Sell,
            };
            let takes = self.takes(Fault::LimitLock, 50, 2_000);
            self.lock_limit(instrument, side, takes);
        }
        if self.faults.fires(Fault::DayRoll)
            && let Some(instrument) = self.any_instrument(Fault::DayRoll)
            && is_margined(&self.config, instrument)
            // With the settlement at the end it rolls twice: no order is forgotten before.
            && self.feed(instrument).day == FIRST_DAY
        {
            self.settle_at_mid(instrument);
        }
        for fault in [Fault::External, Fault::ForeignFill] {
            if self.faults.fires(fault)
                && let Some(account) = self.any_account(fault)
            {
                let _ = self.trade_outside(fault, account);
            }
        }
    }

    /// Settles an instrument at the middle of its market.
    pub fn settle_at_mid(&mut self, instrument: InstrumentId) {
        let market = self.market.as_ref();
        let at = market.and_then(|market| market.find(instrument));
        if let Some(mid) = at.and_then(|at| market.and_then(|market| market.mid(at))) {
            self.settle(instrument, mid);
        }
    }

    pub(crate) fn refer(&mut self, instrument: InstrumentId, change: ReferenceChange) {
        let at = self.fed_at(instrument);
        let reference = Reference { instrument, exchange: self.now, change };
        self.push(at, Item::Event(Event::Reference(Box::new(reference))));
    }

    fn halt(&mut self, instrument: InstrumentId, takes: Span) {
        let (venue, until) = (self.feed(instrument).venue, self.now + takes);
        if self.is_expired(instrument) {
            return;
        }
        if let Some(listing) = self.venue_mut(venue).listing_mut(instrument) {
            listing.phase = Phase::Halted;
        }
        self.refer(instrument, ReferenceChange::Phase { phase: Phase::Halted, until });
        self.push(until, Item::Restore(Restore::Halt(instrument)));
    }

    fn unhalt(&mut self, instrument: InstrumentId) {
        let (venue, gone) = (self.feed(instrument).venue, self.is_expired(instrument));
        let Some(listing) = self.venue_mut(venue).listing_mut(instrument) else { return };
        if gone || listing.phase == Phase::Continuous {
            return;
        }
        listing.phase = Phase::Continuous;
        let (phase, until) = (Phase::Continuous, Time::LATEST);
        self.refer(instrument, ReferenceChange::Phase { phase, until });
    }

    /// One side of the book stands at the day's limit, the other is empty.
    fn lock_limit(&mut self, instrument: InstrumentId, side: Side, takes: Span) {
        let venue = self.feed(instrument).venue;
        let Some(listing) = self.venue_mut(venue).listing_mut(instrument) else { return };
        let Some(best) = listing.depth.best(side) else { return };
        let wide = 100_000;
        let band = match side {
            Side::Buy => PriceBand { low: Price(best.price.0 - wide), high: best.price },
            Side::Sell => PriceBand { low: best.price, high: Price(best.price.0 + wide) },
        };
        listing.band = Some(band);
        self.refer(instrument, ReferenceChange::PriceBand(Some(band)));
        self.reshape(instrument, Shape::Only(side));
        self.push(self.now + takes, Item::Restore(Restore::Band(instrument)));
    }

    fn unlock_limit(&mut self, instrument: InstrumentId) {
        let venue = self.feed(instrument).venue;
        let Some(listing) = self.venue_mut(venue).listing_mut(instrument) else { return };
        if listing.band.take().is_some() {
            self.refer(instrument, ReferenceChange::PriceBand(None));
            self.reshape(instrument, Shape::Both);
        }
    }

    /// Somebody else trades in an account of ours; gives what.
    pub(crate) fn trade_outside(
        &mut self,
        fault: Fault,
        account: AccountId,
    ) -> Option<InstrumentId> {
        let venue = self.login(account).venue;
        let listed: Vec<InstrumentId> =
            self.venue(venue).listings().map(|listing| listing.instrument).collect();
        let random = self.faults.stream(fault);
        let (side, lots) = match random.below(2) {
            0 => (Side::Buy, random.between(1, 3)),
            _ => (Side::Sell, random.between(1, 3)),
        };
        let instrument = random.pick(&listed).copied()?;
        let at = self.market.as_ref().and_then(|market| market.find(instrument));
        let mid = at.and_then(|at| self.market.as_ref().and_then(|market| market.mid(at)));
        let price = mid?;
        self.external = true;
        let mut reports = std::mem::take(&mut self.reports);
        let now = self.now;
        let truth = &mut self.truth;
        if let Some(at_venue) = self.venues.get_mut(venue.index()) {
            at_venue.external(truth, now, (account, instrument), (side, price, lots), &mut reports);
        }
        if fault == Fault::ForeignFill {
            // Another engine's order: its id is of our form, and not ours.
            let other = cross_market_core::ids::ClientOrderId(u64::MAX ^ now.0.cast_unsigned());
            for report in &mut reports {
                report.order = Some(other);
            }
        }
        self.tell_all(reports);
        Some(instrument)
    }

    fn disturb_operators(&mut self) {
        if self.faults.fires(Fault::Kill) {
            self.kill(Fault::Kill);
        }
        if self.faults.fires(Fault::KillWhileDown)
            && let Some(account) = self.any_account(Fault::KillWhileDown)
        {
            let takes = self.takes(Fault::KillWhileDown, 20, 900);
            self.cut(account, takes);
            self.kill(Fault::KillWhileDown);
        }
    }

    /// An operator kills a scope, and often thinks better of it later.
    fn kill(&mut self, fault: Fault) {
        let venues = self.config.venues.len();
        let (accounts, hedges) = (self.config.accounts.len(), self.config.hedges.len());
        let random = self.faults.stream(fault);
        let scope = match random.below(4) {
            0 => Scope::All,
            1 => Scope::Venue(VenueId::at(random.index(venues))),
            2 => Scope::Account(AccountId::at(random.index(accounts))),
            _ => Scope::Hedge(HedgeId::at(random.index(hedges))),
        };
        let (kills, lifts) = (millis(random, 0, 30), millis(random, 100, 2_000));
        let (flattens, lifted) = (random.below(3) == 0, random.below(2) == 0);
        let at = self.now + kills;
        self.control(at, Verb::Kill(scope));
        if flattens {
            for scope in self.flattened(scope) {
                self.control(at + Span(lifts.0 / 2), Verb::Flatten(scope));
            }
        }
        if lifted {
            self.control(at + lifts, Verb::Unlatch(scope));
        }
    }

    /// What the desk flattens of a scope that it killed: hedges, for a leg alone is none. Those with
    /// a leg at a venue or in an account are flattened one by one.
    fn flattened(&self, scope: Scope) -> Vec<Scope> {
        let hedges = self.config.hedges.pairs();
        let with_leg = |wanted: &dyn Fn(AccountId) -> bool| {
            let within =
                hedges.filter(|(_, of)| of.plan.legs.iter().any(|leg| wanted(leg.account)));
            within.map(|(id, _)| Scope::Hedge(id)).collect()
        };
        match scope {
            Scope::All | Scope::Hedge(_) => vec![scope],
            Scope::Account(account) => with_leg(&|of| of == account),
            Scope::Venue(venue) => with_leg(&|of| self.login(of).venue == venue),
        }
    }

    /// What was broken is whole again.
    pub(crate) fn restore(&mut self, restore: Restore) {
        match restore {
            Restore::Login(account) => self.relink(account),
            Restore::Deaf(account) => {
                if !self.login(account).down {
                    self.cut(account, Span::millis(5));
                }
            }
            Restore::Feed(instrument) => self.refeed(instrument),
            Restore::Thaw(instrument) => {
                self.feed_mut(instrument).frozen = false;
                if !self.feed(instrument).numbered {
                    self.send_snapshot(instrument);
                }
            }
            Restore::Halt(instrument) => self.unhalt(instrument),
            Restore::Band(instrument) => self.unlock_limit(instrument),
            Restore::Book(instrument) => self.reshape(instrument, Shape::Both),
            Restore::Rules(instrument) => self.restore_rules(instrument),
            Restore::Flap(account, left) => self.flap(account, left),
            Restore::Stop(venue, takes) => {
                if self.faults.is_on() {
                    self.cut_venue(venue, takes);
                }
            }
            Restore::Batch => self.send_batch(),
            Restore::State(account, instrument) => self.say_position(account, instrument),
        }
    }

    /// Makes everything whole that is broken.
    pub fn mend(&mut self) {
        self.lift_limits();
        self.admit_mistakes();
        for account in self.config.accounts.ids() {
            let login = self.login_mut(account);
            let deaf = login.deaf_until > login.mute_until;
            login.mute_until = Time::EARLIEST;
            login.deaf_until = Time::EARLIEST;
            if deaf && !login.down {
                self.cut(account, Span::millis(5));
            }
            self.relink(account);
        }
        for instrument in self.config.instruments.ids() {
            self.unhalt(instrument);
            self.restore_rules(instrument);
            self.unlock_limit(instrument);
            self.reshape(instrument, Shape::Both);
            self.feed_mut(instrument).frozen = false;
            self.refeed(instrument);
            self.send_snapshot(instrument);
        }
    }

    /// Whether an order that the venue ended or filled late is still to come.
    #[must_use]
    pub fn is_late_fill_waiting(&self) -> bool {
        self.any_item(|item| {
            matches!(item, Item::Venue(_, Happening::LateFill(..) | Happening::Bust(_)))
        })
    }
}

/// The recorded lots at a price, zero where there are none.
fn listing_lots(world: &World, instrument: InstrumentId, side: Side, price: Price) -> i64 {
    let listing = world.venue(world.feed(instrument).venue).listing(instrument);
    listing.map_or(0, |listing| listing.depth.recorded_at(side, price))
}

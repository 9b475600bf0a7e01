//! A simulated venue: its own orders, its own matching by price and time, its own queues.
//!
//! What we take from recorded depth stays taken until the level changes; our resting orders queue
//! behind what is recorded at their price. The venue knows no attempt and no fault class: what it
//! does out of the ordinary, a [`Whim`] tells it.

use std::collections::BTreeMap;

use cross_market_core::book::Change;
use cross_market_core::ids::{AccountId, ClientOrderId, CurrencyId, InstrumentId, Text, VenueId};
use cross_market_core::instrument::{Fee, Fees, PositionEffect, PriceBand};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    FeeNews, Fill, Found, LiquiditySide, News, Place, RejectClass, Report, TimeInForce, VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::time::Time;

use crate::depth::{Depth, Level};
use crate::truth::Truth;

/// What a venue must know of an instrument.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The currency of its fees.
    pub currency: CurrencyId,
    /// Value of one tick of one lot.
    pub tick_value: Money,
    /// What trades cost.
    pub fees: Fees,
    /// Smallest order.
    pub min_qty: i64,
    /// What the venue lets one do now.
    pub phase: Phase,
    /// Today's price band.
    pub band: Option<PriceBand>,
    /// Recorded depth.
    pub depth: Depth,
    /// Our resting orders, in the order of their arrival.
    resting: Vec<usize>,
}

impl Listing {
    /// An instrument with an empty book in continuous trading.
    #[must_use]
    pub fn new(
        (instrument, currency): (InstrumentId, CurrencyId),
        tick_value: Money,
        fees: Fees,
        min_qty: i64,
        band: Option<PriceBand>,
    ) -> Listing {
        let (phase, depth) = (Phase::Continuous, Depth::new());
        let resting = Vec::new();
        Listing { instrument, currency, tick_value, fees, min_qty, phase, band, depth, resting }
    }
}

/// How the part of an order that does not trade comes to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestEnd {
    /// As its time in force says.
    #[default]
    Usual,
    /// Rejected.
    Rejected,
    /// Expired.
    Expired,
    /// It rests, though it should not.
    Rests,
}

/// What the venue does out of the ordinary with one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whim {
    /// It is rejected.
    pub reject: Option<RejectClass>,
    /// It is rejected only after it was accepted.
    pub accepted_first: bool,
    /// At most so many lots trade on arrival.
    pub most: Option<i64>,
    /// So many lots trade beyond its size, if all of it trades.
    pub over: i64,
    /// What does not trade ends so.
    pub rest: RestEnd,
    /// Each level is traded in two executions.
    pub split: bool,
    /// What its executions cost.
    pub fee: FeeWhim,
}

/// What an execution costs, and when that is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeeWhim {
    /// What is configured, told with the execution.
    #[default]
    Usual,
    /// Another amount than configured, told later.
    Late {
        /// What is added to the configured fee.
        more: Money,
    },
    /// A rebate of the configured fee's size, told with the execution.
    Rebate,
    /// Paid in another currency, from an account that is none of ours.
    Foreign(CurrencyId),
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug)]
pub struct SimOrder {
    /// What we sent; `None` for one that was not sent by us.
    pub place: Option<Place>,
    /// The venue's id of it.
    pub venue_order_id: Text,
    /// Account.
    pub account: AccountId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What it does to the position.
    pub effect: PositionEffect,
    /// Worst price.
    pub price: Price,
    /// Size.
    pub lots: i64,
    /// Traded, busts taken off.
    pub cum: i64,
    /// Where it stands.
    pub status: VenueStatus,
    /// Recorded lots that stand before it at its price.
    pub ahead: i64,
    fee: FeeWhim,
}

impl SimOrder {
    /// Whether it can still trade.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.status == VenueStatus::Working
    }

    /// Lots that can still trade.
    #[must_use]
    pub fn leaves(&self) -> i64 {
        (self.lots - self.cum).max(0)
    }
}

/// An execution as the venue has it.
#[derive(Clone, Copy, Debug)]
pub struct Execution {
    /// The order's place in the venue's list.
    pub order: usize,
    /// Its id.
    pub trade_id: Text,
    /// Price.
    pub price: Price,
    /// Lots; zero once it was taken back.
    pub lots: i64,
    /// The order's cumulative quantity after it, when it was made.
    pub cum: i64,
    /// What it cost, in the account's currency; zero where it was paid elsewhere.
    pub fee: Money,
    /// The fee as it was told first.
    pub told: FeeNews,
    /// Whether it added or took.
    pub liquidity: LiquiditySide,
    /// Lots it was made with.
    pub made: i64,
    /// Price it was made with.
    pub made_at: Price,
}

/// A venue and all that is true there.
#[derive(Clone, Debug)]
pub struct SimVenue {
    venue: VenueId,
    listings: Vec<Listing>,
    orders: Vec<SimOrder>,
    by_id: BTreeMap<ClientOrderId, usize>,
    executions: Vec<Execution>,
    says_cum: bool,
    met: Vec<Level>,
    /// Resting orders that are gone through.
    queue: Vec<usize>,
}

/// A number as a venue writes it, with the letter of its kind and the venue's number.
fn numbered(kind: char, venue: VenueId, number: usize) -> Text {
    match Text::new(&format!("{kind}{}-{number}", venue.0)) {
        Ok(text) => text,
        Err(problem) => panic!("a short ASCII text was refused: {problem:?}"),
    }
}

/// Lots as a quantity; the venue holds no negative sizes.
fn lots(lots: i64) -> Qty {
    Qty::of(lots.max(0))
}

/// What an execution costs by the venue's own price list, rounded up.
pub(crate) fn usual_fee(fee: Fee, tick_value: Money, price: Price, lots: i64) -> Money {
    let value = tick_value.0 * i128::from(price.0) * i128::from(lots);
    let rated = value.abs() * i128::from(fee.rate.num());
    let den = i128::from(fee.rate.den());
    let up = rated.div_euclid(den) + i128::from(rated.rem_euclid(den) != 0);
    Money(fee.per_lot.0 * i128::from(lots) + up)
}

impl SimVenue {
    /// A venue with these instruments; `says_cum`: its fills carry the cumulative quantity.
    #[must_use]
    pub fn new(venue: VenueId, mut listings: Vec<Listing>, says_cum: bool) -> SimVenue {
        listings.sort_by_key(|listing| listing.instrument);
        SimVenue {
            venue,
            listings,
            orders: Vec::new(),
            by_id: BTreeMap::new(),
            executions: Vec::new(),
            says_cum,
            met: Vec::new(),
            queue: Vec::new(),
        }
    }

    /// Whether its fills carry the cumulative quantity.
    #[must_use]
    pub const fn says_cum(&self) -> bool {
        self.says_cum
    }

    /// An instrument, if it is listed here.
    #[must_use]
    pub fn listing(&self, instrument: InstrumentId) -> Option<&Listing> {
        let at = self.listings.binary_search_by_key(&instrument, |listing| listing.instrument);
        at.ok().and_then(|at| self.listings.get(at))
    }

    /// An instrument, if it is listed here, to be changed.
    pub fn listing_mut(&mut self, instrument: InstrumentId) -> Option<&mut Listing> {
        let at = self.listings.binary_search_by_key(&instrument, |listing| listing.instrument);
        at.ok().and_then(|at| self.listings.get_mut(at))
    }

    /// All instruments listed here.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.listings.iter()
    }

    /// Every order it ever had.
    #[must_use]
    pub fn orders(&self) -> &[SimOrder] {
        &self.orders
    }

    /// Every execution it ever made.
    #[must_use]
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// The place of one of our orders in its list.
    #[must_use]
    pub fn find(&self, order: ClientOrderId) -> Option<usize> {
        self.by_id.get(&order).copied()
    }

    /// The order at a place.
    #[must_use]
    pub fn order(&self, at: usize) -> Option<&SimOrder> {
        self.orders.get(at)
    }

    fn report(&self, at: usize, now: Time, news: News) -> Report {
        match self.orders.get(at) {
            Some(order) => Report {
                order: order.place.map(|place| place.order),
                venue_order_id: order.venue_order_id,
                account: order.account,
                instrument: order.instrument,
                exchange: now,
                receive: now,
                news,
            },
            None => panic!("order {at} is not in the list of venue {}", self.venue.0),
        }
    }

    fn order_mut(&mut self, at: usize) -> &mut SimOrder {
        match self.orders.get_mut(at) {
            Some(order) => order,
            None => panic!("order {at} is not in the list of venue {}", self.venue.0),
        }
    }

    /// Takes a row of recorded depth; gives whether an order of ours rests in the instrument.
    pub fn row(&mut self, change: &Change) -> bool {
        let Some(listing) = self.listing_mut(change.instrument) else { return false };
        listing.depth.apply(change);
        !listing.resting.is_empty()
    }

    /// Why a new order is not taken, if it is not.
    fn refusal(&self, place: &Place, truth: &Truth) -> Option<RejectClass> {
        if self.by_id.contains_key(&place.order) {
            return Some(RejectClass::Duplicate);
        }
        let Some(listing) = self.listing(place.instrument) else {
            return Some(RejectClass::Permission);
        };
        if listing.phase == Phase::Halted {
            return Some(RejectClass::Halted);
        }
        if !listing.phase.takes_orders() {
            return Some(RejectClass::Phase);
        }
        let in_band = |band: PriceBand| band.low <= place.price && place.price <= band.high;
        if !listing.band.is_none_or(in_band) {
            return Some(RejectClass::Price);
        }
        if place.qty.get() < listing.min_qty.max(1) {
            return Some(RejectClass::Size);
        }
        let account = (place.account, place.instrument);
        let closable = truth.closable(account.0, account.1, place.side, place.effect);
        let closing = |order: &&SimOrder| {
            let (same, alike) =
                ((order.account, order.instrument) == account, order.effect == place.effect);
            order.is_working() && same && alike && order.side == place.side
        };
        let frozen: i64 = self.orders.iter().filter(closing).map(SimOrder::leaves).sum();
        if closable.is_some_and(|closable| closable - frozen < place.qty.get()) {
            return Some(RejectClass::Lots);
        }
        let crosses = |at: &usize| {
            self.orders.get(*at).is_some_and(|order| {
                order.side != place.side
                    && crate::depth::within(place.side, place.price, order.price)
            })
        };
        listing.resting.iter().any(crosses).then_some(RejectClass::SelfTrade)
    }

    /// Takes a new order of ours at `now` and writes what it says of it.
    pub fn place(
        &mut self,
        truth: &mut Truth,
        now: Time,
        place: &Place,
        whim: &Whim,
        out: &mut Vec<Report>,
    ) {
        let refusal = self.refusal(place, truth);
        let known = refusal == Some(RejectClass::Duplicate);
        let at = self.enlist(place, whim.fee, known);
        let rejected =
            |class: RejectClass| News::Rejected { class, code: 1_000 + u32::from(code_of(class)) };
        if let Some(class) = refusal.or(whim.reject.filter(|_| !whim.accepted_first)) {
            self.order_mut(at).status = VenueStatus::Rejected;
            out.push(self.report(at, now, rejected(class)));
            return;
        }
        out.push(self.report(at, now, News::Accepted));
        if let Some(class) = whim.reject {
            self.order_mut(at).status = VenueStatus::Rejected;
            out.push(self.report(at, now, rejected(class)));
            return;
        }
        self.take(truth, now, at, (place.tif, whim), out);
        if self.order_mut(at).is_working() {
            self.rest_or_end(now, at, (place.tif, whim.rest), out);
        }
    }

    /// Puts an order on the list. A second order under a known id is listed without the id: the
    /// first one keeps it.
    fn enlist(&mut self, place: &Place, fee: FeeWhim, known: bool) -> usize {
        let at = self.orders.len();
        self.orders.push(SimOrder {
            place: Some(*place),
            venue_order_id: numbered('O', self.venue, at),
            account: place.account,
            instrument: place.instrument,
            side: place.side,
            effect: place.effect,
            price: place.price,
            lots: place.qty.get(),
            cum: 0,
            status: VenueStatus::Working,
            ahead: 0,
            fee,
        });
        if !known {
            self.by_id.insert(place.order, at);
        }
        at
    }

    /// Matches an arriving order against the depth.
    fn take(
        &mut self,
        truth: &mut Truth,
        now: Time,
        at: usize,
        (tif, whim): (TimeInForce, &Whim),
        out: &mut Vec<Report>,
    ) {
        let order = *self.order_mut(at);
        let most = whim.most.unwrap_or(i64::MAX).min(order.lots);
        let mut met = std::mem::take(&mut self.met);
        met.clear();
        let Some(listing) = self.listing_mut(order.instrument) else {
            return;
        };
        let whole = listing.depth.available(order.side, order.price) >= order.lots;
        if tif != TimeInForce::Fok || whole || whim.rest == RestEnd::Rests {
            listing.depth.take(order.side, order.price, most, &mut met);
        }
        let filled: i64 = met.iter().map(|level| level.lots).sum();
        if let Some(last) = met.last_mut()
            && filled == order.lots
        {
            last.lots += whim.over;
        }
        for level in &met {
            let first = if whim.split { level.lots / 2 } else { 0 };
            for lots in [first, level.lots - first] {
                if lots > 0 {
                    self.execute(truth, now, at, (level.price, lots), LiquiditySide::Taker, out);
                }
            }
        }
        self.met = met;
    }

    /// Decides what becomes of the part that did not trade on arrival.
    fn rest_or_end(
        &mut self,
        now: Time,
        at: usize,
        (tif, rest): (TimeInForce, RestEnd),
        out: &mut Vec<Report>,
    ) {
        let cum = lots(self.order_mut(at).cum);
        let (status, news) = match (rest, tif) {
            (RestEnd::Usual, TimeInForce::Gtc | TimeInForce::Day) | (RestEnd::Rests, _) => {
                self.rest(at);
                return;
            }
            (RestEnd::Usual, TimeInForce::Ioc | TimeInForce::Fok) => {
                (VenueStatus::Cancelled, News::Cancelled { cum })
            }
            (RestEnd::Rejected, _) => {
                (VenueStatus::Rejected, News::Rejected { class: RejectClass::Other, code: 1_099 })
            }
            (RestEnd::Expired, _) => (VenueStatus::Expired, News::Expired { cum }),
        };
        self.order_mut(at).status = status;
        out.push(self.report(at, now, news));
    }

    fn rest(&mut self, at: usize) {
        let order = *self.order_mut(at);
        let ahead = self
            .listing(order.instrument)
            .map_or(0, |listing| listing.depth.recorded_at(order.side, order.price));
        self.order_mut(at).ahead = ahead;
        if let Some(listing) = self.listing_mut(order.instrument) {
            listing.resting.push(at);
        }
    }

    /// Makes an execution: books it to the truth and tells it.
    fn execute(
        &mut self,
        truth: &mut Truth,
        now: Time,
        at: usize,
        (price, size): (Price, i64),
        liquidity: LiquiditySide,
        out: &mut Vec<Report>,
    ) {
        let order = *self.order_mut(at);
        let cum = order.cum + size;
        truth.trade((order.account, order.instrument), (order.side, order.effect), price, size);
        let (fee, told) = self.fee(&order, price, size);
        truth.pay(order.account, -fee);
        let execution = Execution {
            order: at,
            trade_id: numbered('T', self.venue, self.executions.len()),
            price,
            lots: size,
            cum,
            fee,
            told,
            liquidity,
            made: size,
            made_at: price,
        };
        self.executions.push(execution);
        let order = self.order_mut(at);
        order.cum = cum;
        if order.is_working() && cum >= order.lots {
            order.status = VenueStatus::Filled;
        }
        out.push(self.fill_report(&execution, now));
        self.forget_resting(at);
    }

    /// Takes an order that is done off the resting list.
    fn forget_resting(&mut self, at: usize) {
        let order = *self.order_mut(at);
        if !order.is_working()
            && let Some(listing) = self.listing_mut(order.instrument)
        {
            listing.resting.retain(|resting| *resting != at);
        }
    }

    fn fee(&self, order: &SimOrder, price: Price, size: i64) -> (Money, FeeNews) {
        let Some(listing) = self.listing(order.instrument) else {
            return (Money::ZERO, FeeNews::Pending);
        };
        let fee = listing.fees.by(order.effect);
        let usual = usual_fee(fee, listing.tick_value, price, size);
        let currency = listing.currency;
        match order.fee {
            FeeWhim::Usual => (usual, FeeNews::Paid { amount: usual, currency }),
            FeeWhim::Late { more } => (usual + more, FeeNews::Pending),
            FeeWhim::Rebate => (-usual.abs(), FeeNews::Paid { amount: -usual.abs(), currency }),
            FeeWhim::Foreign(currency) => (Money::ZERO, FeeNews::Paid { amount: usual, currency }),
        }
    }

    /// The report of an execution, as it was made.
    fn fill_report(&self, execution: &Execution, now: Time) -> Report {
        let order = self.orders.get(execution.order);
        let side = order.map_or(Side::Buy, |order| order.side);
        let fill = Fill {
            trade_id: execution.trade_id,
            side,
            price: execution.made_at,
            qty: lots(execution.made),
            cum: self.says_cum.then(|| lots(execution.cum)),
            fee: execution.told,
            liquidity: execution.liquidity,
        };
        self.report(execution.order, now, News::Fill(fill))
    }

    /// Lets resting orders trade with depth that has come to their price; called at the end of a
    /// market message.
    pub fn trade_resting(
        &mut self,
        truth: &mut Truth,
        now: Time,
        instrument: InstrumentId,
        out: &mut Vec<Report>,
    ) {
        let found = self.listings.iter().find(|listing| listing.instrument == instrument);
        let Some(listing) = found else { return };
        if listing.resting.is_empty() || !listing.phase.takes_orders() {
            return;
        }
        let mut is_met = false;
        for at in &listing.resting {
            let Some(order) = self.orders.get_mut(*at) else { continue };
            order.ahead = order.ahead.min(listing.depth.recorded_at(order.side, order.price));
            is_met |= listing.depth.reaches(order.side, order.price);
        }
        // Nearly always the book meets no order, and only what stands before them has shrunk.
        if is_met {
            self.trade_met(truth, now, instrument, out);
        }
    }

    fn trade_met(
        &mut self,
        truth: &mut Truth,
        now: Time,
        instrument: InstrumentId,
        out: &mut Vec<Report>,
    ) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        let Some(listing) = self.listing(instrument) else { return };
        queue.extend_from_slice(&listing.resting);
        // Better prices first; the list keeps the order of arrival and the sort is stable.
        queue.sort_by_key(|at| {
            self.orders.get(*at).map_or(0, |order| -order.side.sign() * order.price.0)
        });
        for at in &queue {
            let order = self.order_mut(*at);
            let (side, price, leaves) = (order.side, order.price, order.leaves());
            let ahead = order.ahead;
            let Some(listing) = self.listing_mut(instrument) else { return };
            let ahead = ahead.min(listing.depth.recorded_at(side, price));
            let met = listing.depth.available(side, price);
            let traded = (met - ahead).min(leaves).max(0);
            if traded > 0 {
                listing.depth.take(side, price, ahead + traded, &mut Vec::new());
            }
            self.order_mut(*at).ahead = if met > 0 { (ahead - met).max(0) } else { ahead };
            if traded > 0 {
                self.execute(truth, now, *at, (price, traded), LiquiditySide::Maker, out);
            }
        }
        self.queue = queue;
    }

    /// Takes a cancel.
    pub fn cancel(&mut self, now: Time, order: ClientOrderId, out: &mut Vec<Report>) -> bool {
        let Some(at) = self.find(order) else { return false };
        let held = *self.order_mut(at);
        if !held.is_working() {
            let news = News::CancelRejected { class: RejectClass::TooLate, code: 1_012 };
            out.push(self.report(at, now, news));
            return true;
        }
        let cum = lots(held.cum);
        self.finish(now, at, VenueStatus::Cancelled, News::Cancelled { cum }, out);
        true
    }

    /// Refuses a cancel with a class and does nothing else.
    pub fn refuse_cancel(
        &mut self,
        now: Time,
        order: ClientOrderId,
        class: RejectClass,
        out: &mut Vec<Report>,
    ) -> bool {
        let Some(at) = self.find(order) else { return false };
        let code = 1_000 + u32::from(code_of(class));
        out.push(self.report(at, now, News::CancelRejected { class, code }));
        true
    }

    /// Ends a working order by the venue's own will.
    pub fn end(
        &mut self,
        now: Time,
        at: usize,
        status: VenueStatus,
        out: &mut Vec<Report>,
    ) -> bool {
        let Some(held) = self.orders.get(at).copied().filter(SimOrder::is_working) else {
            return false;
        };
        let cum = lots(held.cum);
        let news = match status {
            VenueStatus::Expired => News::Expired { cum },
            VenueStatus::Rejected => News::Rejected { class: RejectClass::Other, code: 1_098 },
            VenueStatus::Working | VenueStatus::Filled | VenueStatus::Cancelled => {
                News::Cancelled { cum }
            }
        };
        self.finish(now, at, status, news, out);
        true
    }

    fn finish(
        &mut self,
        now: Time,
        at: usize,
        status: VenueStatus,
        news: News,
        out: &mut Vec<Report>,
    ) {
        self.order_mut(at).status = status;
        out.push(self.report(at, now, news));
        self.forget_resting(at);
    }

    /// Fills lots of an order at its own price, whatever the depth: somebody came.
    pub fn fill(
        &mut self,
        truth: &mut Truth,
        now: Time,
        at: usize,
        size: i64,
        out: &mut Vec<Report>,
    ) {
        let Some(order) = self.orders.get(at).copied() else { return };
        if size > 0 {
            let price = order.price;
            self.execute(truth, now, at, (price, size), LiquiditySide::Maker, out);
        }
    }

    /// An order and its execution that are not ours: of another process or by hand.
    pub fn external(
        &mut self,
        truth: &mut Truth,
        now: Time,
        (account, instrument): (AccountId, InstrumentId),
        (side, price, traded): (Side, Price, i64),
        out: &mut Vec<Report>,
    ) {
        let at = self.orders.len();
        self.orders.push(SimOrder {
            place: None,
            venue_order_id: numbered('X', self.venue, at),
            account,
            instrument,
            side,
            effect: PositionEffect::Open,
            price,
            lots: traded,
            cum: 0,
            status: VenueStatus::Working,
            ahead: 0,
            fee: FeeWhim::Usual,
        });
        out.push(self.report(at, now, News::Accepted));
        self.execute(truth, now, at, (price, traded), LiquiditySide::Taker, out);
    }

    /// Takes an execution back.
    pub fn bust(&mut self, truth: &mut Truth, now: Time, execution: usize, out: &mut Vec<Report>) {
        let Some(found) = self.executions.get_mut(execution).filter(|found| found.lots > 0) else {
            return;
        };
        let taken = *found;
        (found.lots, found.fee) = (0, Money::ZERO);
        let order = self.order_mut(taken.order);
        order.cum -= taken.lots;
        let (key, what) = ((order.account, order.instrument), (order.side, order.effect));
        truth.trade(key, what, taken.price, -taken.lots);
        truth.pay(key.0, taken.fee);
        let news = News::Bust { trade_id: taken.trade_id, side: what.0 };
        out.push(self.report(taken.order, now, news));
    }

    /// Corrects an execution to another price and size; its fee stays.
    pub fn correct(
        &mut self,
        truth: &mut Truth,
        now: Time,
        execution: usize,
        (price, size): (Price, i64),
        out: &mut Vec<Report>,
    ) {
        let Some(found) = self.executions.get_mut(execution).filter(|found| found.lots > 0) else {
            return;
        };
        let was = *found;
        (found.price, found.lots) = (price, size);
        let order = self.order_mut(was.order);
        order.cum += size - was.lots;
        let (key, what) = ((order.account, order.instrument), (order.side, order.effect));
        truth.trade(key, what, was.price, -was.lots);
        truth.trade(key, what, price, size);
        let news = News::Correct { trade_id: was.trade_id, side: what.0, price, qty: lots(size) };
        out.push(self.report(was.order, now, news));
    }

    /// Tells the fee of an execution whose fee was told late.
    pub fn tell_fee(&self, now: Time, execution: usize, out: &mut Vec<Report>) {
        let Some(found) = self.executions.get(execution) else { return };
        let Some(order) = self.orders.get(found.order) else { return };
        let Some(listing) = self.listing(order.instrument) else { return };
        let (trade_id, side, currency) = (found.trade_id, order.side, listing.currency);
        let news = News::Fee { trade_id, side, amount: found.fee, currency };
        out.push(self.report(found.order, now, news));
    }

    /// Everything the venue has to say of an order's executions, in order: what a query rests on.
    pub fn executions_of(&self, at: usize, now: Time, out: &mut Vec<Report>) {
        for execution in self.executions.iter().filter(|execution| execution.order == at) {
            out.push(self.fill_report(execution, now));
            let side = self.orders.get(at).map_or(Side::Buy, |order| order.side);
            let trade_id = execution.trade_id;
            if execution.lots == 0 {
                out.push(self.report(at, now, News::Bust { trade_id, side }));
            } else if (execution.lots, execution.price) != (execution.made, execution.made_at) {
                let (price, qty) = (execution.price, lots(execution.lots));
                out.push(self.report(at, now, News::Correct { trade_id, side, price, qty }));
            }
        }
    }

    /// What a query about an order finds.
    #[must_use]
    pub fn found(&self, order: ClientOrderId) -> Found {
        match self.find(order).and_then(|at| self.orders.get(at)) {
            None => Found::ProvenAbsent,
            Some(order) => Found::Order { status: order.status, cum: lots(order.cum) },
        }
    }
}

/// The number in a venue's own reject code.
fn code_of(class: RejectClass) -> u16 {
    match class {
        RejectClass::Other => 0,
        RejectClass::Money => 1,
        RejectClass::Lots => 2,
        RejectClass::Price => 3,
        RejectClass::Size => 4,
        RejectClass::Phase => 5,
        RejectClass::Rate => 6,
        RejectClass::Link => 7,
        RejectClass::Permission => 8,
        RejectClass::Duplicate => 9,
        RejectClass::SelfTrade => 10,
        RejectClass::UnknownOrder => 11,
        RejectClass::TooLate => 12,
        RejectClass::Halted => 13,
        RejectClass::Limit => 14,
        RejectClass::CloseOnly => 15,
        RejectClass::Field => 16,
        RejectClass::Again => 17,
    }
}

//! The lines between the engine and the venues: what is lost, late, doubled or changed on the way.

use cross_market_core::command::Command;
use cross_market_core::event::{Event, Link, LinkState, LinkTo};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, Id, InstrumentId, Text, VenueId,
};
use cross_market_core::instrument::{Netting, PositionEffect};
use cross_market_core::num::{Money, Price, Qty};
use cross_market_core::order::{
    Answer, Cancel, FeeNews, Found, News, Place, Query, RejectClass, Report, TimeInForce,
    VenueStatus,
};
use cross_market_core::quote::Purpose;
use cross_market_core::time::{Span, Time};

use crate::fault::Fault;
use crate::random::Random;
use crate::truth::Truth;
use crate::venue::{FeeWhim, RestEnd, SimVenue, Whim};
use crate::world::{Happening, Item, Logged, World};

/// Reject classes that a venue may draw for a new order.
const REJECTS: [RejectClass; 13] = [
    RejectClass::Other,
    RejectClass::Money,
    RejectClass::Price,
    RejectClass::Rate,
    RejectClass::Permission,
    RejectClass::Link,
    RejectClass::Size,
    RejectClass::Limit,
    RejectClass::CloseOnly,
    RejectClass::Field,
    RejectClass::Again,
    RejectClass::SelfTrade,
    RejectClass::Halted,
];

/// A span of ms drawn from `low` to `high`, with some ns so that moments seldom coincide.
pub(crate) fn millis(random: &mut Random, low: i64, high: i64) -> Span {
    Span(random.between(low * 1_000_000, high * 1_000_000))
}

impl World {
    fn venue_and_truth(&mut self, venue: VenueId) -> (&mut SimVenue, &mut Truth) {
        match self.venues.get_mut(venue.index()) {
            Some(found) => (found, &mut self.truth),
            None => panic!("venue {} is not in the world", venue.0),
        }
    }

    /// Sends one command on its way.
    pub(crate) fn command(&mut self, command: &Command) {
        match command {
            Command::Place(place) => self.send_place(place),
            Command::Cancel(cancel) => self.collect(cancel),
            Command::Query(query) => {
                if self.can_send(query.account) {
                    let at = self.in_turn(query.account);
                    self.push(at, Item::Command(*command));
                }
            }
            Command::Resync(instrument) => self.resync(*instrument),
            // Not sent by this version; the rules say so when they are held.
            Command::Transfer(transfer) => self.transfer(transfer),
            Command::Amend(_) | Command::Alert(_) => {}
        }
    }

    fn can_send(&self, account: AccountId) -> bool {
        let login = self.login(account);
        !login.down && self.now >= login.mute_until
    }

    /// When a message sent now arrives, behind those sent before it.
    fn in_turn(&mut self, account: AccountId) -> Time {
        let venue = self.login(account).venue;
        let took = self.latency(venue).order.draw(&mut self.random);
        let at = (self.now + took).max(self.login(account).last_sent);
        self.login_mut(account).last_sent = at;
        at
    }

    fn send_place(&mut self, place: &Place) {
        // What the order sets off finds it on its way already.
        let leaves = self.can_send(place.account);
        self.faults.about = Some(place.order);
        self.provoke(place);
        self.faults.about = Some(place.order);
        if !leaves || self.faults.fires(Fault::SubmitLost) {
            return;
        }
        if place.purpose == Purpose::Unwind
            && self.faults.draws(Fault::UnwindFails)
            && self.faults.stream(Fault::UnwindFails).below(3) == 0
        {
            self.faults.note(Fault::UnwindFails);
            return;
        }
        let item = Item::Command(Command::Place(*place));
        if self.faults.fires(Fault::FillAtOnce) {
            self.at_once = Some(place.order);
            let now = self.now;
            self.push(now, item);
        } else if self.faults.fires(Fault::SubmitLate) {
            let venue = self.login(place.account).venue;
            let longest = self.max_delay(venue).0 - 1_000_000;
            let by = self.faults.stream(Fault::SubmitLate).between(longest / 2, longest);
            let at = self.now + Span(by);
            self.push(at, item);
        } else {
            let at = self.in_turn(place.account);
            if self.faults.fires(Fault::SubmitTwice) {
                let later = self.faults.stream(Fault::SubmitTwice).between(1, 300_000_000);
                self.push(at + Span(later), item.clone());
            }
            self.push(at, item);
        }
    }

    fn max_delay(&self, venue: VenueId) -> Span {
        self.config.venues.get(venue).map_or(Span::seconds(1), |venue| venue.max_delay)
    }

    fn ack_timeout(&self, venue: VenueId) -> Span {
        self.config.venues.get(venue).map_or(Span::seconds(1), |venue| venue.ack_timeout)
    }

    /// What the sending of an order sets off elsewhere.
    fn provoke(&mut self, place: &Place) {
        if self.faults.fires(Fault::SignalFlips)
            && let Some(market) = &mut self.market
        {
            market.flip();
        }
        if place.purpose == Purpose::Unwind && self.faults.fires(Fault::PriceRuns) {
            self.run_away(place.instrument, place.side);
        }
        if place.purpose.is_repair() {
            let decision = place.order.decision();
            let mut held = std::mem::take(&mut self.held);
            held.retain(|(of, at)| {
                if *of == decision {
                    let soon = self.now + Span(1);
                    self.push(soon, Item::Report(*at));
                }
                *of != decision
            });
            self.held = held;
        }
        self.disturb();
    }

    pub(crate) fn send_cancel(&mut self, cancel: &Cancel) {
        self.faults.about = Some(cancel.order);
        if !self.can_send(cancel.account) || self.faults.fires(Fault::CancelLost) {
            return;
        }
        let mut at = self.in_turn(cancel.account);
        if self.faults.fires(Fault::CancelPending) {
            at = at + millis(self.faults.stream(Fault::CancelPending), 20, 400);
        }
        self.push(at, Item::Command(Command::Cancel(*cancel)));
    }

    /// A command reaches its venue, unless the line went down meanwhile.
    pub(crate) fn arrive(&mut self, command: &Command) {
        match command {
            Command::Place(place) => {
                if self.survives_cut(place.account) {
                    self.place(place);
                }
            }
            Command::Cancel(cancel) => {
                if self.survives_cut(cancel.account) {
                    self.cancel(cancel);
                }
            }
            Command::Query(query) => {
                if !self.login(query.account).down {
                    self.query(query);
                }
            }
            Command::Amend(_) | Command::Resync(_) | Command::Transfer(_) | Command::Alert(_) => {}
        }
    }

    fn survives_cut(&mut self, account: AccountId) -> bool {
        !self.login(account).down || self.random.below(2) == 0
    }

    fn place(&mut self, place: &Place) {
        self.faults.about = Some(place.order);
        let venue = self.login(place.account).venue;
        // What arrives a second time is refused, and nothing else happens to it.
        let again = self.venue(venue).find(place.order).is_some();
        let whim = if again { Whim::default() } else { self.whim(place) };
        if !again {
            self.arrived(place.order);
        }
        let mut reports = std::mem::take(&mut self.reports);
        let (now, from) = (self.now, self.venue(venue).executions().len());
        let (at_venue, truth) = self.venue_and_truth(venue);
        at_venue.place(truth, now, place, &whim, &mut reports);
        let found = at_venue.find(place.order).and_then(|at| at_venue.order(at).map(|o| (at, *o)));
        if let Some((at, order)) = found.filter(|_| !again) {
            self.afterwards(venue, at, (order.status, order.leaves()));
        }
        self.after_trades(venue, from);
        self.tell_all(reports);
        self.at_once = None;
    }

    /// What the venue will do by itself with an order later on.
    fn afterwards(&mut self, venue: VenueId, at: usize, (status, leaves): (VenueStatus, i64)) {
        if status == VenueStatus::Working && self.faults.fires(Fault::Unsolicited) {
            let random = self.faults.stream(Fault::Unsolicited);
            let (after, expires) = (millis(random, 1, 400), random.below(2) == 0);
            let time = self.now + after;
            self.push(time, Item::Venue(venue, Happening::End(at, expires)));
        }
        if status == VenueStatus::Cancelled && leaves > 0 && self.faults.fires(Fault::FillHoursLate)
        {
            let random = self.faults.stream(Fault::FillHoursLate);
            let lots = random.between(1, leaves);
            let time = self.now + millis(random, 3_600_000, 10_800_000);
            self.push(time, Item::Venue(venue, Happening::LateFill(at, lots)));
        }
    }

    /// What the venue will do later with the executions it has just made.
    pub(crate) fn after_trades(&mut self, venue: VenueId, from: usize) {
        let executions = self.venue(venue).executions();
        let pending: Vec<(usize, bool)> = executions
            .iter()
            .enumerate()
            .skip(from)
            .map(|(at, execution)| (at, execution.told == FeeNews::Pending))
            .collect();
        for (at, pending) in pending {
            if pending {
                let time = self.now + millis(self.faults.stream(Fault::OddFee), 1, 600);
                self.push(time, Item::Venue(venue, Happening::Fee(at)));
            }
            if self.faults.fires(Fault::Bust) {
                let random = self.faults.stream(Fault::Bust);
                let after = millis(random, 0, 700);
                let happening =
                    if random.below(2) == 0 { Happening::Bust(at) } else { Happening::Correct(at) };
                let time = self.now + after;
                self.push(time, Item::Venue(venue, happening));
            }
        }
    }

    /// What the venue does out of the ordinary with an arriving order.
    fn whim(&mut self, place: &Place) -> Whim {
        let (qty, work) = (place.qty.get(), place.purpose == Purpose::Work);
        let mut whim = Whim { split: self.random.below(3) == 0, ..Whim::default() };
        if work && self.faults.fires(Fault::LegRejected) {
            whim.reject = draw_reject(self.faults.stream(Fault::LegRejected));
        }
        if work && self.subset_hits(place) {
            whim.reject = draw_reject(self.faults.stream(Fault::SubsetFails));
        }
        if self.faults.fires(Fault::RejectAfterAck) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Other), true);
        }
        if self.faults.fires(Fault::Throttled) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Rate), false);
        }
        if work && self.faults.fires(Fault::BothPartial) {
            whim.most = Some(self.faults.stream(Fault::BothPartial).between(0, qty));
        }
        if self.faults.fires(Fault::BookThin) {
            whim.most = Some(self.faults.stream(Fault::BookThin).between(0, qty - 1));
        }
        if self.faults.fires(Fault::RestDies) {
            let random = self.faults.stream(Fault::RestDies);
            whim.most = Some(random.between(0, qty - 1));
            whim.rest = if random.below(2) == 0 { RestEnd::Rejected } else { RestEnd::Expired };
        }
        if place.tif == TimeInForce::Ioc && self.faults.fires(Fault::WrongTif) {
            whim.most = Some(self.faults.stream(Fault::WrongTif).between(0, qty - 1));
            whim.rest = RestEnd::Rests;
        }
        // Where longs and shorts stand apart, a venue cannot close more than there is.
        let opens = place.effect == PositionEffect::Open;
        if self.faults.fires_if(Fault::Overfill, opens) {
            whim.over = self.faults.stream(Fault::Overfill).between(1, 2);
        }
        if place.purpose == Purpose::Unwind && self.faults.fires(Fault::UnwindFails) {
            let random = self.faults.stream(Fault::UnwindFails);
            match random.below(2) {
                0 => whim.reject = draw_reject(random),
                _ => whim.most = Some(random.between(0, qty - 1)),
            }
        }
        if self.faults.fires(Fault::OddFee) {
            whim.fee = self.odd_fee(place.instrument);
        }
        self.ruled(place, &mut whim);
        let listed = self.config.instruments.get(place.instrument);
        if listed.is_some_and(|listed| !listed.phases.at(self.now).phase.takes_orders()) {
            (whim.reject, whim.accepted_first) = (Some(RejectClass::Phase), false);
        }
        whim
    }

    fn odd_fee(&mut self, instrument: InstrumentId) -> FeeWhim {
        let own = self.config.instruments.get(instrument).map(|listed| listed.currency);
        let other = self.config.currencies.ids().find(|id| Some(*id) != own);
        let random = self.faults.stream(Fault::OddFee);
        match (random.below(3), other) {
            (0, _) => FeeWhim::Rebate,
            (1, Some(CurrencyId(other))) => FeeWhim::Foreign(CurrencyId(other)),
            (_, _) => FeeWhim::Late { more: Money(i128::from(random.between(-5, 5)) * 10_000_000) },
        }
    }

    /// Whether the order belongs to the legs of its attempt that fail, with more than two legs.
    fn subset_hits(&mut self, place: &Place) -> bool {
        let legs = self.config.hedges.get(place.hedge).map_or(0, |hedge| hedge.plan.legs.len());
        if legs < 3 {
            return false;
        }
        let decision = place.order.decision().0;
        if self.subset.0 != decision {
            let fires = self.faults.fires(Fault::SubsetFails);
            let all = (1_u64 << legs) - 1;
            let mask =
                if fires { self.faults.stream(Fault::SubsetFails).below(all) + 1 } else { 0 };
            self.subset = (decision, mask);
        }
        self.subset.1 >> place.order.leg().0 & 1 == 1
    }

    fn cancel(&mut self, cancel: &Cancel) {
        self.faults.about = Some(cancel.order);
        let venue = self.login(cancel.account).venue;
        let mut reports = std::mem::take(&mut self.reports);
        let (now, from) = (self.now, self.venue(venue).executions().len());
        let throttled = self.is_limited(cancel.account) || self.faults.fires(Fault::Throttled);
        let unknown = !throttled && self.faults.fires(Fault::CancelUnknown);
        let barred = self.venue(venue).bars_cancels(cancel.instrument);
        let found = self.venue(venue).find(cancel.order);
        let leaves = found
            .and_then(|at| self.venue(venue).order(at).copied())
            .filter(crate::venue::SimOrder::is_working)
            .map_or(0, |order| order.leaves());
        let races = leaves > 0 && self.faults.fires(Fault::CancelRace);
        let (at_venue, truth) = self.venue_and_truth(venue);
        let known = if throttled {
            at_venue.refuse_cancel(now, cancel.order, RejectClass::Rate, &mut reports)
        } else if barred {
            at_venue.refuse_cancel(now, cancel.order, RejectClass::Phase, &mut reports)
        } else if unknown {
            at_venue.refuse_cancel(now, cancel.order, RejectClass::UnknownOrder, &mut reports)
        } else {
            if let Some(at) = found.filter(|_| races) {
                at_venue.fill(truth, now, at, leaves, &mut reports);
            }
            at_venue.cancel(now, cancel.order, &mut reports)
        };
        if !known {
            reports.push(never_seen(cancel, now));
        }
        self.after_trades(venue, from);
        self.tell_all(reports);
    }

    /// Answers a query: the executions it rests on first, all on the one line.
    fn query(&mut self, query: &Query) {
        self.faults.about = Some(query.order);
        let venue = self.login(query.account).venue;
        let (now, found) = (self.now, self.venue(venue).found(query.order));
        let listed = self.venue(venue).find(query.order);
        let sent = self.decided(query.order).unwrap_or(now);
        // Whose clock is ahead, and nobody knows, must not err about what it has never seen.
        let early =
            now + Span::millis(1) < sent + self.max_delay(venue) && !self.odd.is_ahead(venue);
        let found = if self.faults.fires(Fault::QueryEmpty) {
            Found::Inconclusive
        } else if listed.is_some() && early && self.faults.fires(Fault::QueryWrong) {
            Found::ProvenAbsent
        } else {
            found
        };
        let mut reports = std::mem::take(&mut self.reports);
        if let (Found::Order { .. }, Some(at)) = (found, listed) {
            self.venue(venue).executions_of(at, now, &mut reports);
        }
        let at = self.told_at(query.account);
        let stamp = self.stamp(venue);
        if let (Found::Order { status, cum }, Some(place)) = (found, listed)
            && status != VenueStatus::Working
            && self.faults.fires(Fault::QueryWrong)
        {
            self.list_as_working(venue, place, cum, &mut reports);
        }
        for mut report in reports.drain(..) {
            (report.exchange, report.receive) = (stamp, at);
            self.alias(&report, at);
            self.push(at, Item::Event(Event::Report(Box::new(report))));
        }
        self.reports = reports;
        let known = listed.and_then(|at| self.venue(venue).order(at));
        let answer = Answer {
            order: query.order,
            account: query.account,
            venue_order_id: known.map_or(Text::EMPTY, |order| order.venue_order_id),
            exchange: stamp,
            receive: at,
            found,
        };
        self.push(at, Item::Event(Event::Answer(Box::new(answer))));
    }

    /// A list of working orders that still shows one that is done.
    fn list_as_working(&self, venue: VenueId, at: usize, cum: Qty, out: &mut Vec<Report>) {
        let Some(order) = self.venue(venue).order(at) else { return };
        let news = News::Status { status: VenueStatus::Working, cum };
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

    /// The same fill under the id by which another interface of the venue knows it.
    fn alias(&mut self, report: &Report, at: Time) {
        let News::Fill(fill) = report.news else { return };
        if fill.cum.is_none() || !self.faults.fires(Fault::FillAliased) {
            return;
        }
        let same = |logged: &Logged| match logged.report.news {
            News::Fill(known) => known.trade_id == fill.trade_id,
            News::Accepted
            | News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. }
            | News::Bust { .. }
            | News::Correct { .. }
            | News::Fee { .. } => false,
        };
        if let Some(found) = self.log.iter().position(same) {
            self.push(at, Item::Aliased(found));
        }
    }

    /// When what the venue says now is heard, behind what it said before.
    pub(crate) fn told_at(&mut self, account: AccountId) -> Time {
        let venue = self.login(account).venue;
        let took = self.latency(venue).report.draw(&mut self.random);
        let at = (self.now + took).max(self.login(account).last_told);
        self.login_mut(account).last_told = at;
        at
    }

    pub(crate) fn tell_all(&mut self, mut reports: Vec<Report>) {
        for report in reports.drain(..) {
            self.tell(report);
        }
        self.reports = reports;
    }

    /// Puts a report on the line to the engine, with what can happen to it there.
    fn tell(&mut self, mut report: Report) {
        self.faults.about = report.order;
        let venue = self.login(report.account).venue;
        report.exchange = self.stamp(venue);
        let entry = self.log.len();
        self.log.push(Logged { report, delivered: false });
        let account = report.account;
        let usual = self.told_at(account);
        let Some(fate) = self.fate(&report) else { return };
        let mut at = match (fate.own_way, self.at_once == report.order) {
            (false, false) => usual,
            (false, true) => self.now,
            (true, _) => self.now + fate.late,
        };
        if let Some(due) = self.deadline
            && due > self.now
            && due < self.now + Span::millis(300)
            && self.faults.fires(Fault::Tie)
        {
            at = due;
            if self.faults.stream(Fault::Tie).below(2) == 0 {
                self.tick_goes_first(due);
            }
        }
        if let Some(logged) = self.log.get_mut(entry) {
            logged.report.receive = at;
        }
        self.push(at, Item::Report(entry));
        self.copies(entry, &report, at);
        if fate.held
            && let Some(order) = report.order
        {
            self.held.push((order.decision(), entry));
        }
        for (again, by) in [(fate.twice, 1_000), (fate.mutated, 2_000)] {
            if let Some(random) = again {
                let later = at + Span(by + random);
                let item = if by == 1_000 { Item::Report(entry) } else { Item::Mutated(entry) };
                self.push(later, item);
            }
        }
    }

    /// What happens to a report on the line; `None`: it is lost.
    fn fate(&mut self, report: &Report) -> Option<Fate> {
        let venue = self.login(report.account).venue;
        let timeout = self.ack_timeout(venue).0;
        let mut fate = Fate::default();
        match report.news {
            News::Accepted => {
                if self.faults.fires(Fault::AckLost) {
                    return None;
                }
                if self.faults.fires(Fault::AckLate) {
                    fate.delay(timeout + self.faults.stream(Fault::AckLate).between(0, timeout));
                } else if self.faults.fires(Fault::FillBeforeAck) {
                    fate.delay(self.faults.stream(Fault::FillBeforeAck).between(0, 30_000_000));
                }
                if self.faults.fires(Fault::AckTwice) {
                    let random = self.faults.stream(Fault::AckTwice);
                    fate.twice = Some(random.between(0, 50_000_000));
                }
            }
            News::Fill(_) => {
                if self.may_be_lost(report) {
                    return None;
                }
                self.fate_of_fill(report, timeout, &mut fate);
            }
            News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. } => {
                if self.may_be_lost(report) {
                    return None;
                }
                if self.faults.fires(Fault::AckTwice) {
                    let random = self.faults.stream(Fault::AckTwice);
                    fate.twice = Some(random.between(0, 50_000_000));
                }
            }
            News::Bust { .. } | News::Correct { .. } => {
                // A bust may overtake the fill that it takes back.
                if self.faults.fires(Fault::Bust) {
                    fate.delay(self.faults.stream(Fault::Bust).between(0, 20_000_000));
                }
            }
            News::Fee { .. } => {}
        }
        Some(fate)
    }

    fn fate_of_fill(&mut self, report: &Report, timeout: i64, fate: &mut Fate) {
        let ours = report.order.is_some();
        if self.faults.fires(Fault::FillsReordered) {
            fate.delay(self.faults.stream(Fault::FillsReordered).between(0, 60_000_000));
        }
        if self.faults.fires(Fault::CancelBeforeFill) {
            let random = self.faults.stream(Fault::CancelBeforeFill);
            fate.delay(random.between(5_000_000, 2 * timeout));
        }
        if ours && self.faults.fires(Fault::LateVsSupplement) {
            fate.delay(2 * timeout);
            fate.held = true;
        }
        if self.faults.fires(Fault::FillTwice) {
            fate.twice = Some(self.faults.stream(Fault::FillTwice).between(0, 400_000_000));
        }
        if ours && self.faults.fires(Fault::FillMutated) {
            fate.mutated = Some(self.faults.stream(Fault::FillMutated).between(0, 100_000_000));
        }
    }

    /// Whether a report that a query brings back later is lost now. What an order did after it was
    /// done, or beyond its size, no query would be sent for.
    fn may_be_lost(&mut self, report: &Report) -> bool {
        let Some(order) = report.order else { return false };
        let venue = self.login(report.account).venue;
        let known = self.venue(venue).find(order).and_then(|at| self.venue(venue).order(at));
        // A reject tells no total: a fill before it must not be lost with it.
        let within = known
            .is_some_and(|known| known.cum <= known.lots && known.status != VenueStatus::Rejected);
        let after = matches!(report.news, News::Fill(_))
            && self.log.iter().any(|logged| {
                let done = matches!(
                    logged.report.news,
                    News::Cancelled { .. } | News::Expired { .. } | News::Rejected { .. }
                );
                done && logged.report.order == Some(order)
            });
        within
            && !after
            && self.faults.draws(Fault::AckLost)
            && self.faults.stream(Fault::AckLost).below(2) == 0
            && {
                self.faults.note(Fault::AckLost);
                true
            }
    }

    /// Whether an event that is not in the log reaches the engine now.
    pub(crate) fn reaches_engine(&self, event: &Event) -> bool {
        let account = match event {
            Event::Report(report) => report.account,
            Event::Answer(answer) => answer.account,
            Event::Book(_)
            | Event::Link(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick
            | Event::Control(_) => return true,
        };
        self.hears(account)
    }

    fn hears(&self, account: AccountId) -> bool {
        let login = self.login(account);
        !login.down && self.now >= login.deaf_until
    }

    /// A report of the log, if it reaches the engine now.
    pub(crate) fn deliver(&mut self, entry: usize) -> Option<Report> {
        let account = self.log.get(entry)?.report.account;
        if !self.hears(account) {
            return None;
        }
        let now = self.now;
        let logged = self.log.get_mut(entry)?;
        logged.delivered = true;
        logged.report.receive = logged.report.receive.min(now);
        Some(logged.report)
    }

    /// Whether a report of the log has reached the engine before.
    pub(crate) fn was_delivered(&self, entry: usize) -> bool {
        self.log.get(entry).is_some_and(|logged| logged.delivered)
    }

    /// Whether anything of the order of a report was taken back, corrected or traded late.
    pub(crate) fn is_revised(&self, report: &Report) -> bool {
        let venue = self.login(report.account).venue;
        let Some(at) = report.order.and_then(|order| self.venue(venue).find(order)) else {
            return false;
        };
        let touched = |execution: &crate::venue::Execution| {
            execution.order == at
                && (execution.lots, execution.price) != (execution.made, execution.made_at)
        };
        self.venue(venue).executions().iter().any(touched)
    }

    pub(crate) fn delivered(&self, entry: usize) -> Option<Report> {
        let logged = self.log.get(entry).filter(|logged| logged.delivered)?;
        self.hears(logged.report.account).then_some(logged.report)
    }

    /// The same trade id with another size or price, after the true one was heard.
    pub(crate) fn mutated(&mut self, entry: usize) -> Option<Report> {
        let mut report = self.delivered(entry)?;
        let News::Fill(mut fill) = report.news else { return None };
        if self.faults.stream(Fault::FillMutated).below(2) == 0 {
            fill.qty = fill.qty + Qty::of(1);
            fill.cum = fill.cum.map(|cum| cum + Qty::of(1));
        } else {
            fill.price = Price(fill.price.0 + 1);
        }
        report.news = News::Fill(fill);
        Some(report)
    }

    /// The same fill under another id, after the true one was heard and while nothing of its
    /// order was taken back.
    pub(crate) fn aliased(&mut self, entry: usize) -> Option<Report> {
        let mut report = self.delivered(entry)?;
        let News::Fill(mut fill) = report.news else { return None };
        if self.is_revised(&report) {
            return None;
        }
        fill.trade_id = Text::new(&format!("R-{}", fill.trade_id)).ok()?;
        report.news = News::Fill(fill);
        Some(report)
    }

    /// Something happens at a venue by itself.
    pub(crate) fn happens_at(&mut self, venue: VenueId, happening: Happening) {
        if let Happening::Evidence(at) = happening {
            let mut reports = std::mem::take(&mut self.reports);
            self.evidence(venue, at, &mut reports);
            self.tell_all(reports);
            return;
        }
        self.faults.about = self.order_of(venue, happening);
        let mut reports = std::mem::take(&mut self.reports);
        let (now, from) = (self.now, self.venue(venue).executions().len());
        let allowed = self.can_be_revised(venue, happening);
        let up = self.random.below(2) == 0;
        let (at_venue, truth) = self.venue_and_truth(venue);
        match happening {
            Happening::End(at, expires) => {
                let status = if expires { VenueStatus::Expired } else { VenueStatus::Cancelled };
                at_venue.end(now, at, status, &mut reports);
            }
            Happening::LateFill(at, lots) if allowed => {
                at_venue.fill(truth, now, at, lots, &mut reports);
            }
            Happening::Bust(at) if allowed => at_venue.bust(truth, now, at, &mut reports),
            Happening::Correct(at) if allowed => {
                if let Some(was) = at_venue.executions().get(at).copied() {
                    let price = Price(was.price.0 + if up { 1 } else { -1 });
                    let lots = if up { was.lots } else { (was.lots - 1).max(1) };
                    at_venue.correct(truth, now, at, (price, lots), &mut reports);
                }
            }
            Happening::LateFill(..)
            | Happening::Bust(_)
            | Happening::Correct(_)
            | Happening::Evidence(_) => {}
            Happening::Fee(at) => at_venue.tell_fee(now, at, &mut reports),
        }
        self.after_trades(venue, from);
        self.tell_all(reports);
    }

    /// The order that a happening is about.
    fn order_of(&self, venue: VenueId, happening: Happening) -> Option<ClientOrderId> {
        let at_venue = self.venue(venue);
        let at = match happening {
            Happening::End(at, _) | Happening::LateFill(at, _) | Happening::Evidence(at) => at,
            Happening::Bust(at) | Happening::Correct(at) | Happening::Fee(at) => {
                at_venue.executions().get(at)?.order
            }
        };
        at_venue.order(at).and_then(|order| order.place).map(|place| place.order)
    }

    /// A venue does not take back an opening whose lots were closed since, and closes no lots that
    /// are not there.
    fn can_be_revised(&self, venue: VenueId, happening: Happening) -> bool {
        let at_venue = self.venue(venue);
        let at = match happening {
            Happening::Bust(at) | Happening::Correct(at) => at,
            Happening::LateFill(at, lots) => {
                return at_venue.order(at).is_some_and(|of| {
                    let (held, side) = ((of.account, of.instrument), of.side);
                    let closable = self.truth.closable(held.0, held.1, side, of.effect);
                    closable.is_none_or(|there| there >= lots)
                });
            }
            Happening::End(..) | Happening::Fee(_) | Happening::Evidence(_) => return true,
        };
        let Some(execution) = at_venue.executions().get(at) else { return false };
        let Some(order) = at_venue.order(execution.order) else { return false };
        let netting = self.config.venues.get(venue).map_or(Netting::Net, |venue| venue.netting);
        if netting == Netting::Net || order.effect != PositionEffect::Open {
            return true;
        }
        let effect = PositionEffect::CloseToday;
        let (account, instrument) = (order.account, order.instrument);
        let closable = self.truth.closable(account, instrument, order.side.flip(), effect);
        let closing = at_venue.orders().iter().filter(|of| {
            of.is_working()
                && of.effect != PositionEffect::Open
                && (of.account, of.instrument) == (account, instrument)
        });
        let spoken_for: i64 = closing.map(crate::venue::SimOrder::leaves).sum();
        closable.is_none_or(|lots| lots - spoken_for >= execution.lots)
    }

    /// A trading line goes down, and comes back after a while.
    pub(crate) fn cut(&mut self, account: AccountId, takes: Span) {
        if self.login(account).down {
            return;
        }
        self.login_mut(account).down = true;
        let now = self.now;
        self.say_link(now, LinkTo::Trading(account), LinkState::Down);
        self.push(now + takes, Item::Restore(crate::world::Restore::Login(account)));
    }

    pub(crate) fn say_link(&mut self, at: Time, to: LinkTo, state: LinkState) {
        self.push(at, Item::Event(Event::Link(Link { to, state })));
    }

    /// The process is dead: nothing is heard until it is back.
    pub(crate) fn hang_up(&mut self) {
        for login in &mut self.logins {
            login.down = true;
        }
        for feed in &mut self.feeds {
            feed.down = true;
        }
    }

    /// The process is back.
    pub(crate) fn pick_up(&mut self) {
        for account in self.config.accounts.ids() {
            self.relink(account);
        }
        for instrument in self.config.instruments.ids() {
            self.refeed(instrument);
        }
    }

    /// Ends the orders of an instrument that are of a day.
    pub(crate) fn expire_day_orders(&mut self, venue: VenueId, instrument: InstrumentId) {
        self.expire_orders(venue, instrument, |order| {
            // What closes today's lots has none to close once the day has ended.
            order.place.is_some_and(|place| {
                place.tif == TimeInForce::Day || place.effect == PositionEffect::CloseToday
            })
        });
    }

    /// Ends those orders of an instrument that are named.
    pub(crate) fn expire_orders(
        &mut self,
        venue: VenueId,
        instrument: InstrumentId,
        named: impl Fn(&crate::venue::SimOrder) -> bool,
    ) {
        let mut reports = std::mem::take(&mut self.reports);
        let now = self.now;
        let at_venue = self.venue_mut(venue);
        let is_day = |order: &crate::venue::SimOrder| {
            order.is_working() && order.instrument == instrument && named(order)
        };
        let day: Vec<usize> = at_venue
            .orders()
            .iter()
            .enumerate()
            .filter(|(_, order)| is_day(order))
            .map(|(at, _)| at)
            .collect();
        for at in day {
            at_venue.end(now, at, VenueStatus::Expired, &mut reports);
        }
        self.tell_all(reports);
    }

    /// The desk has the venue end an order that does not answer to cancels.
    pub fn end_order(&mut self, order: ClientOrderId) {
        for venue in self.config.venues.ids() {
            let known = self.venue(venue).find(order);
            let works = |at: &usize| {
                self.venue(venue).order(*at).is_some_and(crate::venue::SimOrder::is_working)
            };
            if let Some(at) = known.filter(works) {
                let now = self.now;
                self.push(now, Item::Venue(venue, Happening::End(at, false)));
            }
        }
    }
}

/// What happens to a report on the line.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    /// It does not keep its turn.
    own_way: bool,
    /// Then it comes so much later.
    late: Span,
    /// It comes a second time, so many ns later.
    twice: Option<i64>,
    /// It comes a second time with another content, so many ns later.
    mutated: Option<i64>,
    /// It comes as soon as its attempt repairs.
    held: bool,
}

impl Fate {
    fn delay(&mut self, by_ns: i64) {
        self.own_way = true;
        self.late = Span(self.late.0.max(by_ns));
    }
}

fn draw_reject(random: &mut Random) -> Option<RejectClass> {
    random.pick(&REJECTS).copied()
}

/// The refusal of a cancel for an order that the venue has not seen.
fn never_seen(cancel: &Cancel, now: Time) -> Report {
    Report {
        order: Some(cancel.order),
        venue_order_id: Text::EMPTY,
        account: cancel.account,
        instrument: cancel.instrument,
        exchange: now,
        receive: now,
        news: News::CancelRejected { class: RejectClass::UnknownOrder, code: 1_011 },
    }
}

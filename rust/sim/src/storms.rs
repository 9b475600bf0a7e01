//! What lines do beyond being down: they flap, send everything again, leave gaps, begin anew; what
//! is sent as one is taken apart, and what is sent once arrives twice.

use cross_market_core::event::{Event, LinkState, LinkTo};
use cross_market_core::ids::{AccountId, Id, VenueId};
use cross_market_core::order::{Cancel, News, Report, VenueStatus};
use cross_market_core::time::{Span, Time};

use crate::fault::Fault;
use crate::lines::millis;
use crate::world::{Item, Restore, World};

/// How a line comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Return {
    /// Everything it ever said is said again.
    pub(crate) replays: bool,
    /// What was missed comes late, behind newer reports.
    pub(crate) gapped: bool,
    /// Its session begins anew.
    pub(crate) resets: bool,
}

impl World {
    pub(crate) fn disturb_sessions(&mut self) {
        if self.faults.fires(Fault::LinkFlaps)
            && let Some(account) = self.any_account(Fault::LinkFlaps)
        {
            let random = self.faults.stream(Fault::LinkFlaps);
            // Mostly a few times, now and then a hundred.
            let most = if random.below(8) == 0 { 100 } else { 10 };
            let flaps = u32::try_from(random.between(2, most)).unwrap_or(2);
            self.flap(account, flaps);
        }
        for fault in [Fault::FullReplay, Fault::ReportGap, Fault::SessionReset] {
            if self.faults.draws(fault)
                && let Some(account) = self.any_account(fault)
            {
                self.come_back_oddly(fault, account);
            }
        }
        if self.faults.fires(Fault::Swizzle) {
            let (mut at, venues) = (self.now, self.config.venues.len());
            for venue in (0..venues).map(VenueId::at) {
                let takes = self.takes(Fault::Swizzle, 50, 1_500);
                self.push(at, Item::Restore(Restore::Stop(venue, takes)));
                at = at + self.takes(Fault::Swizzle, 1, 200);
            }
        }
    }

    /// Takes a line down for a moment, and again as long as there are flaps left.
    pub(crate) fn flap(&mut self, account: AccountId, left: u32) {
        if left == 0 || !self.faults.is_on() {
            return;
        }
        let random = self.faults.stream(Fault::LinkFlaps);
        let (takes, after) = (random.between(50_000, 3_000_000), random.between(0, 9_000_000));
        self.cut(account, Span(takes));
        let next = self.now + Span(takes + after);
        self.push(next, Item::Restore(Restore::Flap(account, left - 1)));
    }

    /// Takes a line down that will not simply come back. Counted where it has anything to send.
    fn come_back_oddly(&mut self, fault: Fault, account: AccountId) {
        let said = self.log.iter().any(|logged| logged.report.account == account);
        if !said || self.login(account).down {
            return;
        }
        self.faults.note(fault);
        let ways = &mut self.login_mut(account).ways;
        ways.replays |= fault == Fault::FullReplay;
        ways.gapped |= fault == Fault::ReportGap;
        ways.resets |= fault == Fault::SessionReset;
        let takes = self.takes(fault, 1, 300);
        self.cut(account, takes);
    }

    /// A trading line is up again: the venue sends what was missed, and says when that is all.
    pub(crate) fn relink(&mut self, account: AccountId) {
        if !self.login(account).down {
            return;
        }
        let login = self.login_mut(account);
        (login.down, login.deaf_until, login.mute_until) = (false, Time::EARLIEST, Time::EARLIEST);
        login.session += 1;
        let ways = std::mem::take(&mut login.ways);
        let up = self.told_at(account);
        // Nothing is heard before the engine knows that the line is up.
        self.login_mut(account).deaf_until = up;
        self.say_session(up, account, LinkState::Up);
        let mut at = self.told_at(account);
        if ways.gapped {
            at = at + millis(self.faults.stream(Fault::ReportGap), 5, 600);
        }
        if ways.resets {
            self.reset_session(account);
        }
        let again = if ways.resets { 10 } else { 0 };
        let from = self.log.len().saturating_sub(again);
        for entry in 0..self.log.len() {
            let due = ways.replays || entry >= from;
            if let Some(logged) = self.log.get_mut(entry)
                && logged.report.account == account
                && (due || !logged.delivered)
            {
                if !logged.delivered {
                    logged.report.receive = at;
                }
                self.push(at, Item::Report(entry));
            }
        }
        self.say_session(at, account, LinkState::Resynced);
    }

    /// News of the session that stands now: it is not heard when that has ended by then.
    fn say_session(&mut self, at: Time, account: AccountId, state: LinkState) {
        let session = self.login(account).session;
        self.push(at, Item::Session(account, state, session));
    }

    /// The link event of a session that still stands.
    pub(crate) fn session(
        &self,
        account: AccountId,
        state: LinkState,
        session: u32,
    ) -> Option<Event> {
        let login = self.login(account);
        let stands = !login.down && login.session == session;
        let to = LinkTo::Trading(account);
        stands.then_some(Event::Link(cross_market_core::event::Link { to, state }))
    }

    /// Numbers start over: those of orders at the venue, and those of its books, which it sends
    /// whole.
    fn reset_session(&mut self, account: AccountId) {
        let venue = self.login(account).venue;
        self.venue_mut(venue).number_anew();
        for instrument in self.config.instruments.ids() {
            let feed = self.feed(instrument);
            if feed.venue == venue && feed.numbered && !feed.down && !feed.frozen {
                self.feed_mut(instrument).seq = 0;
                self.send_snapshot(instrument);
            }
        }
    }

    /// Cancels that an adapter has collected leave as one; the venue honours some of them.
    pub(crate) fn send_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let partial = batch.len() > 1 && self.faults.draws(Fault::BatchPartial);
        let all = (1_u64 << batch.len().min(63)) - 1;
        // Some are honoured, and not all.
        let honoured =
            if partial { self.faults.stream(Fault::BatchPartial).below(all - 1) + 1 } else { all };
        for (at, cancel) in batch.iter().enumerate() {
            if honoured >> at & 1 == 1 {
                self.send_cancel(cancel);
            } else {
                self.faults.about = Some(cancel.order);
                self.faults.note(Fault::BatchPartial);
            }
        }
    }

    /// An adapter collects cancels for a moment, where venues take several as one.
    pub(crate) fn collect(&mut self, cancel: &Cancel) {
        if !self.faults.is_on() || !self.faults.has(Fault::BatchPartial) {
            self.send_cancel(cancel);
            return;
        }
        if self.batch.is_empty() {
            let waits = self.faults.stream(Fault::BatchPartial).between(1_000, 40_000_000);
            self.push(self.now + Span(waits), Item::Restore(Restore::Batch));
        }
        self.batch.push(*cancel);
    }

    /// Copies of a report that the line brings besides: an end once more, and one that names another
    /// contract.
    pub(crate) fn copies(&mut self, entry: usize, report: &Report, at: Time) {
        let venue = self.login(report.account).venue;
        let ours = report.order.is_some_and(|order| self.venue(venue).find(order).is_some());
        if ours && is_end(&report.news) && self.faults.fires(Fault::EndTwice) {
            let later = at + millis(self.faults.stream(Fault::EndTwice), 1, 3_000);
            self.push(later, Item::EndAgain(entry));
        }
        if ours && self.config.accounts.len() > 1 && self.faults.fires(Fault::SymbolReused) {
            let later = at + millis(self.faults.stream(Fault::SymbolReused), 0, 100);
            self.push(later, Item::Misnamed(entry));
        }
    }

    /// Whether the end of the log says how much traded.
    pub(crate) fn tells_total(&self, entry: usize) -> bool {
        let news = self.log.get(entry).map(|logged| logged.report.news);
        matches!(news, Some(News::Cancelled { .. } | News::Expired { .. }))
    }

    /// An end once more, after the first was heard, perhaps under another label.
    pub(crate) fn end_again(&mut self, entry: usize) -> Option<Report> {
        let mut report = self.delivered(entry)?;
        let venue = self.login(report.account).venue;
        let at = self.venue(venue).find(report.order?)?;
        let (status, cum) = self.venue(venue).order(at).map(|order| (order.status, order.cum))?;
        if status == VenueStatus::Working {
            return None;
        }
        let cum = cross_market_core::num::Qty::of(cum.max(0));
        report.news = match self.faults.stream(Fault::EndTwice).below(4) {
            0 => News::Cancelled { cum },
            1 => News::Expired { cum },
            2 => News::Status { status, cum },
            _ => report.news,
        };
        Some(report)
    }

    /// A report of one of our orders that names the contract and account of another leg.
    pub(crate) fn misnamed(&mut self, entry: usize) -> Option<Report> {
        let mut report = self.delivered(entry)?;
        let legs = self.config.hedges.iter().flat_map(|hedge| &hedge.plan.legs);
        let others: Vec<_> = legs
            .map(|leg| (leg.account, leg.instrument))
            .filter(|other| *other != (report.account, report.instrument))
            .collect();
        let other = self.faults.stream(Fault::SymbolReused).pick(&others).copied()?;
        (report.account, report.instrument) = other;
        Some(report)
    }
}

/// Whether it is the last that is said of an order.
fn is_end(news: &News) -> bool {
    match news {
        News::Rejected { .. } | News::Cancelled { .. } | News::Expired { .. } => true,
        News::Accepted
        | News::Fill(_)
        | News::CancelRejected { .. }
        | News::Status { .. }
        | News::Bust { .. }
        | News::Correct { .. }
        | News::Fee { .. } => false,
    }
}

/// Whether a report that comes again changes nothing that is booked: it says of executions and ends
/// what was said before. That an order works may be news where it had become unknown, and so may a
/// reject: it tells no total.
pub(crate) fn is_settled(news: &News) -> bool {
    match news {
        News::Cancelled { .. }
        | News::Expired { .. }
        | News::Fill(_)
        | News::Bust { .. }
        | News::Fee { .. } => true,
        News::Status { status, .. } => *status != VenueStatus::Working,
        News::Accepted
        | News::Rejected { .. }
        | News::CancelRejected { .. }
        | News::Correct { .. } => false,
    }
}

//! How much has been asked of venues, and what people and faults forbid: message windows, cancel
//! counts, the repair budget of the day, and the latches HALT, stop and RESTRICT.
//!
//! **Messages.** In any second a venue's session, an account and a contract each take at most
//! `rate` messages; of the three, the one with the least left binds. Each message is remembered
//! with its time and comes back exactly one second later. (A bucket that refills by the ns would let
//! twice the rate pass within one second.) Orders and queries leave the last `reserve` of every
//! window to cancels. A cancel that a kill asks for leaves in any case and is counted.
//!
//! **Pauses.** Where a venue said no nothing new is entered for a while, or nothing leaves at all:
//! see [`Keeps`]. A pause ends by itself; the next in a row is twice as long, to 64 times.
//!
//! **Budgets** of a trading day, over accounts under one actual control, are told about in
//! [`Budgets`]. **Latches** are told about in [`Latches`].

use std::collections::VecDeque;

use crate::ids::{AccountId, GroupId, HedgeId, InstrumentId, Table, VenueId};
use crate::num::Money;
use crate::time::{Day, Span, Time};
use crate::wire::Writer;

mod budgets;
mod latches;
mod pauses;

use budgets::Groups;
pub use budgets::{BURST, Budget, Budgets, Counted, Tally};
pub use latches::{Cause, Causes, Halt, Latches, Scope};
use pauses::Pauses;
pub use pauses::{Keeps, Place};

/// The window in which messages are counted.
const WINDOW: Span = Span::seconds(1);

/// The messages of one venue, account or contract in the last second.
#[derive(Clone, Debug)]
pub struct Window {
    rate: usize,
    reserve: usize,
    sent: VecDeque<Time>,
}

impl Window {
    /// A window of `rate` messages, of which only cancels may use the last `reserve`.
    #[must_use]
    pub fn new(rate: u32, reserve: u32) -> Window {
        let mut window = Window { rate: 0, reserve: 0, sent: VecDeque::new() };
        window.resize(rate, reserve);
        window
    }

    /// Other bounds from now on; what was sent still counts.
    pub fn resize(&mut self, rate: u32, reserve: u32) {
        self.rate = usize::try_from(rate).unwrap_or(usize::MAX);
        self.reserve = usize::try_from(reserve).unwrap_or(usize::MAX);
        self.sent.reserve(self.rate.saturating_sub(self.sent.len()));
    }

    /// Messages that orders and queries may send now.
    #[must_use]
    pub fn orders_left(&self, now: Time) -> u32 {
        self.left(self.order_bound(), now)
    }

    /// Messages that cancels may send now.
    #[must_use]
    pub fn cancels_left(&self, now: Time) -> u32 {
        self.left(self.rate, now)
    }

    /// When an order may leave, given that nothing else is sent.
    #[must_use]
    pub fn order_ready(&self, now: Time) -> Time {
        self.ready(self.order_bound(), now)
    }

    /// When a cancel may leave, given that nothing else is sent.
    #[must_use]
    pub fn cancel_ready(&self, now: Time) -> Time {
        self.ready(self.rate, now)
    }

    fn order_bound(&self) -> usize {
        self.rate.saturating_sub(self.reserve)
    }

    /// How many of the messages in memory have left the window.
    fn expired(&self, now: Time) -> usize {
        // The oldest is nearly always still inside.
        if self.sent.front().is_none_or(|oldest| *oldest + WINDOW > now) {
            return 0;
        }
        self.sent.partition_point(|sent| *sent + WINDOW <= now)
    }

    #[inline]
    fn left(&self, bound: usize, now: Time) -> u32 {
        let used = self.sent.len() - self.expired(now);
        u32::try_from(bound.saturating_sub(used)).unwrap_or(u32::MAX)
    }

    /// Messages within the last second.
    #[must_use]
    pub fn used(&self, now: Time) -> u32 {
        u32::try_from(self.sent.len() - self.expired(now)).unwrap_or(u32::MAX)
    }

    fn ready(&self, bound: usize, now: Time) -> Time {
        // The message at this place must come back before fewer than `bound` are out.
        let Some(last) = self.sent.len().checked_sub(bound) else { return now };
        self.sent.get(last).map_or(Time::MAX, |sent| now.max(*sent + WINDOW))
    }

    fn spend(&mut self, now: Time) {
        while self.sent.front().is_some_and(|oldest| *oldest + WINDOW <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    fn digest(&self, out: &mut Writer) {
        out.len(self.rate);
        out.len(self.reserve);
        out.len(self.sent.len());
        for sent in &self.sent {
            out.i64(sent.0);
        }
    }
}

/// What one hedge has used: in its live attempt, and in its trading day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct HedgeUse {
    attempt_messages: u32,
    trims_today: u32,
    lost_today: Money,
    /// Nothing where no threshold looks at it.
    slipped_today: Money,
}

/// A window for every venue, account and contract.
#[derive(Clone, Debug)]
pub struct Windows {
    /// By venue: all accounts there together.
    pub venues: Table<VenueId, Window>,
    /// By account.
    pub accounts: Table<AccountId, Window>,
    /// By contract.
    pub instruments: Table<InstrumentId, Window>,
}

/// Message windows and budgets of everything that is configured.
#[derive(Clone, Debug)]
pub struct Conduct {
    windows: Windows,
    /// Where each account trades.
    venue_of: Table<AccountId, VenueId>,
    pauses: Pauses,
    hedges: Table<HedgeId, HedgeUse>,
    groups: Groups,
}

/// Tables are indexed by ids that passed the door.
#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl Conduct {
    /// Nothing used yet, by accounts of these venues and groups, and by which of them trades what.
    #[must_use]
    pub fn new(
        windows: Windows,
        of: &Table<AccountId, (VenueId, GroupId)>,
        pairs: &[(AccountId, InstrumentId)],
        hedges: usize,
    ) -> Conduct {
        let (accounts, instruments) = (windows.accounts.len(), windows.instruments.len());
        Conduct {
            pauses: Pauses::new(windows.venues.len(), accounts, instruments),
            windows,
            venue_of: Table::new(of.iter().map(|(venue, _)| *venue).collect()),
            hedges: Table::new(vec![HedgeUse::default(); hedges]),
            groups: Groups::new(of, pairs, instruments),
        }
    }

    /// The windows.
    #[must_use]
    pub const fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The windows, for other bounds from a new policy.
    pub const fn windows_mut(&mut self) -> &mut Windows {
        &mut self.windows
    }

    /// The three windows that a message in this account and contract counts in.
    fn of(&self, account: AccountId, instrument: InstrumentId) -> [&Window; 3] {
        let windows = &self.windows;
        let venue = &windows.venues[self.venue_of[account]];
        [venue, &windows.accounts[account], &windows.instruments[instrument]]
    }

    /// Messages that an account has sent within the last second.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "accounts are checked at the door")]
    pub fn sent_lately(&self, account: AccountId, now: Time) -> u32 {
        self.windows.accounts[account].used(now)
    }

    /// Messages that orders and queries may send now.
    #[must_use]
    pub fn orders_left(&self, account: AccountId, instrument: InstrumentId, now: Time) -> u32 {
        let [venue, account, instrument] =
            self.of(account, instrument).map(|window| window.orders_left(now));
        venue.min(account).min(instrument)
    }

    /// When an order or query may leave, given that nothing else is sent.
    #[must_use]
    pub fn order_ready(&self, account: AccountId, instrument: InstrumentId, now: Time) -> Time {
        let [venue, account, instrument] =
            self.of(account, instrument).map(|window| window.order_ready(now));
        venue.max(account).max(instrument)
    }

    /// When a cancel may leave, given that nothing else is sent.
    #[must_use]
    pub fn cancel_ready(&self, account: AccountId, instrument: InstrumentId, now: Time) -> Time {
        let [venue, account, instrument] =
            self.of(account, instrument).map(|window| window.cancel_ready(now));
        venue.max(account).max(instrument)
    }

    /// Counts an order that is sent now; `false` when a window has no room, and then nothing is
    /// counted.
    #[must_use]
    pub fn spend_order(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        hedge: HedgeId,
        now: Time,
    ) -> bool {
        let room = self.spend_query(account, instrument, hedge, now);
        if room {
            self.groups.order(account, instrument, now);
        }
        room
    }

    /// Counts a query that is sent now; `false` when a window has no room.
    #[must_use]
    pub fn spend_query(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        hedge: HedgeId,
        now: Time,
    ) -> bool {
        let room = self.order_ready(account, instrument, now) <= now;
        if room {
            self.count(account, instrument, hedge, now);
        }
        room
    }

    /// Counts a cancel that is sent now; `false` when even a reserve is used up.
    #[must_use]
    pub fn spend_cancel(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        hedge: HedgeId,
        now: Time,
    ) -> bool {
        let room = self.cancel_ready(account, instrument, now) <= now;
        if room {
            self.spend_kill(account, instrument, hedge, now);
        }
        room
    }

    /// Counts a cancel that leaves whatever the windows say, because a kill asks for it.
    pub fn spend_kill(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        hedge: HedgeId,
        now: Time,
    ) {
        self.count(account, instrument, hedge, now);
        self.groups.cancel(account, instrument, now);
    }

    fn count(&mut self, account: AccountId, instrument: InstrumentId, hedge: HedgeId, now: Time) {
        let windows = &mut self.windows;
        windows.venues[self.venue_of[account]].spend(now);
        windows.accounts[account].spend(now);
        windows.instruments[instrument].spend(now);
        self.hedges[hedge].attempt_messages += 1;
    }

    /// Begins a pause, the first of a row `shortest` long; gives its end.
    pub fn pause(&mut self, at: Place, keeps: Keeps, now: Time, shortest: Span) -> Time {
        self.pauses.begin(at, keeps, now, shortest)
    }

    /// An order was taken: the next pause there is a short one again.
    pub fn taken(&mut self, account: AccountId, instrument: InstrumentId) {
        self.pauses.end_row(self.venue_of[account], account, instrument);
    }

    /// When new sets may be entered again, and when any order may leave; `now` where nothing keeps
    /// them.
    #[inline]
    #[must_use]
    pub fn paused_until(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        now: Time,
    ) -> [Time; 2] {
        self.pauses.until(now, (self.venue_of[account], account, instrument))
    }

    /// An attempt of the hedge begins: its messages are counted from zero.
    pub fn begin_attempt(&mut self, hedge: HedgeId) {
        self.hedges[hedge].attempt_messages = 0;
    }

    /// A Trim of the hedge begins.
    pub fn begin_trim(&mut self, hedge: HedgeId) {
        self.begin_attempt(hedge);
        self.hedges[hedge].trims_today += 1;
    }

    /// Books what a repair lost; a gain does not widen the budget of the day.
    pub fn lose(&mut self, hedge: HedgeId, loss: Money) {
        self.hedges[hedge].lost_today += loss.max(Money::ZERO);
    }

    /// Books what orders traded worse than displayed.
    pub fn slip(&mut self, hedge: HedgeId, worse: Money) {
        self.hedges[hedge].slipped_today += worse;
    }

    /// The trading day of a hedge turns.
    pub fn roll_hedge(&mut self, hedge: HedgeId) {
        let used = &mut self.hedges[hedge];
        used.trims_today = 0;
        used.lost_today = Money::ZERO;
        used.slipped_today = Money::ZERO;
    }

    /// The trading day of an instrument of a venue turns to `next`.
    pub fn roll_instrument(&mut self, instrument: InstrumentId, venue: VenueId, next: Day) {
        self.groups.roll(instrument, venue, next);
    }

    /// The accounts under one actual control to which an account belongs.
    #[must_use]
    pub fn group(&self, account: AccountId) -> GroupId {
        self.groups.group(account)
    }

    /// What the group of an account has used of a contract in its trading day.
    #[must_use]
    pub fn used(&self, account: AccountId, instrument: InstrumentId) -> Tally {
        self.groups.used(account, instrument)
    }

    /// Counts what budgets are about; bursts are counted with the messages themselves.
    pub fn spend(&mut self, account: AccountId, instrument: InstrumentId, more: &Tally) {
        self.groups.spend(account, instrument, more);
    }

    /// Messages of the hedge's live attempt, or of its last one.
    #[must_use]
    pub fn attempt_messages(&self, hedge: HedgeId) -> u32 {
        self.hedges[hedge].attempt_messages
    }

    /// Trims of the hedge in its trading day.
    #[must_use]
    pub fn trims_today(&self, hedge: HedgeId) -> u32 {
        self.hedges[hedge].trims_today
    }

    /// What repair of the hedge lost in its trading day.
    #[must_use]
    pub fn lost_today(&self, hedge: HedgeId) -> Money {
        self.hedges[hedge].lost_today
    }

    /// What orders of the hedge traded in its trading day worse than displayed, less what better.
    #[must_use]
    pub fn slipped_today(&self, hedge: HedgeId) -> Money {
        self.hedges[hedge].slipped_today
    }

    /// Orders and cancels sent in the instrument in its trading day, by the group that has sent most.
    #[must_use]
    pub fn sent_today(&self, instrument: InstrumentId) -> [u32; 2] {
        self.groups.sent(instrument)
    }

    /// The same over several instruments, by their places.
    #[must_use]
    pub fn sent_together(&self, instruments: &[u16]) -> [u32; 2] {
        self.groups.sent_together(instruments)
    }

    /// Appends the state for its digest.
    pub fn digest(&self, out: &mut Writer) {
        let Windows { venues, accounts, instruments } = &self.windows;
        for window in venues.iter().chain(accounts.iter()).chain(instruments.iter()) {
            window.digest(out);
        }
        self.pauses.digest(out);
        for used in self.hedges.iter() {
            out.u32(used.attempt_messages);
            out.u32(used.trims_today);
            out.i128(used.lost_today.0);
            if used.slipped_today != Money::ZERO {
                out.i128(used.slipped_today.0);
            }
        }
        self.groups.digest(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(0);
    const INSTRUMENT: InstrumentId = InstrumentId(0);
    const HEDGE: HedgeId = HedgeId(0);

    const VENUE: VenueId = VenueId(0);

    /// One of each; only the account is tight.
    fn conduct(rate: u32, reserve: u32) -> Conduct {
        tight([(1000, 1), (rate, reserve), (1000, 1)])
    }

    fn tight(rates: [(u32, u32); 3]) -> Conduct {
        let [venue, account, instrument] = rates.map(|(rate, kept)| Window::new(rate, kept));
        let windows = Windows {
            venues: Table::new(vec![venue]),
            accounts: Table::new(vec![account]),
            instruments: Table::new(vec![instrument]),
        };
        let of = Table::new(vec![(VENUE, GroupId(0))]);
        Conduct::new(windows, &of, &[(ACCOUNT, INSTRUMENT)], 1)
    }

    fn order(conduct: &mut Conduct, at: i64) -> bool {
        conduct.spend_order(ACCOUNT, INSTRUMENT, HEDGE, Time(at))
    }

    fn cancel(conduct: &mut Conduct, at: i64) -> bool {
        conduct.spend_cancel(ACCOUNT, INSTRUMENT, HEDGE, Time(at))
    }

    #[test]
    fn orders_leave_the_reserve_to_cancels() {
        let mut conduct = conduct(6, 2);
        for at in 0..4 {
            assert!(order(&mut conduct, at));
        }
        assert!(!order(&mut conduct, 4));
        assert!(!conduct.spend_query(ACCOUNT, INSTRUMENT, HEDGE, Time(4)));
        assert!(cancel(&mut conduct, 4) && cancel(&mut conduct, 5));
        assert!(!cancel(&mut conduct, 6));
        assert_eq!(conduct.sent_today(INSTRUMENT), [4, 2]);
        assert_eq!(conduct.attempt_messages(HEDGE), 6);
    }

    #[test]
    fn a_message_comes_back_after_exactly_one_second() {
        let second = WINDOW.0;
        let mut conduct = conduct(3, 1);
        assert!(order(&mut conduct, 10) && order(&mut conduct, 20));
        let window = &conduct.windows().accounts[ACCOUNT];
        assert_eq!(window.order_ready(Time(30)), Time(10 + second));
        assert_eq!(window.cancel_ready(Time(30)), Time(30));
        assert_eq!(window.orders_left(Time(9 + second)), 0);
        assert_eq!(window.orders_left(Time(10 + second)), 1);
        assert!(!order(&mut conduct, 9 + second));
        assert!(order(&mut conduct, 10 + second));
        assert_eq!(
            conduct.windows().accounts[ACCOUNT].order_ready(Time(11 + second)),
            Time(20 + second)
        );
    }

    #[test]
    fn no_second_holds_more_than_the_rate() {
        // A simple generator: the test needs spread, not quality.
        let mut state = 7_u64;
        let mut conduct = conduct(5, 2);
        let mut sent: Vec<i64> = Vec::new();
        let mut at = 0;
        for _ in 0..5000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            at += i64::try_from(state >> 35).unwrap() % 400_000_000;
            let passed = if state & (1 << 20) == 0 {
                order(&mut conduct, at)
            } else {
                cancel(&mut conduct, at)
            };
            if passed {
                sent.push(at);
            }
            let inside = sent.iter().rev().take_while(|time| **time > at - WINDOW.0).count();
            assert!(inside <= 5, "{inside} messages in the second up to {at}");
            let left = conduct.windows().accounts[ACCOUNT].cancels_left(Time(at));
            assert_eq!(usize::try_from(left).unwrap(), 5 - inside);
        }
        assert!(sent.len() > 1000);
    }

    #[test]
    fn a_kill_cancels_beyond_the_window_and_is_counted() {
        let mut conduct = conduct(2, 1);
        for _ in 0..5 {
            conduct.spend_kill(ACCOUNT, INSTRUMENT, HEDGE, Time(0));
        }
        let window = &conduct.windows().accounts[ACCOUNT];
        assert_eq!((window.cancels_left(Time(1)), window.orders_left(Time(1))), (0, 0));
        assert_eq!(window.order_ready(Time(1)), Time(WINDOW.0));
        assert_eq!(window.cancels_left(Time(WINDOW.0)), 2);
    }

    #[test]
    fn other_bounds_count_what_was_sent() {
        let mut conduct = conduct(10, 1);
        for at in 0..6 {
            assert!(order(&mut conduct, at));
        }
        conduct.windows_mut().accounts[ACCOUNT].resize(4, 1);
        assert!(!cancel(&mut conduct, 6));
        let window = &conduct.windows().accounts[ACCOUNT];
        // The third message must be back before fewer than four are out.
        assert_eq!(window.cancel_ready(Time(6)), Time(2 + WINDOW.0));
        assert_eq!(window.cancels_left(Time(1 + WINDOW.0)), 0);
        assert_eq!(window.cancels_left(Time(2 + WINDOW.0)), 1);
    }

    #[test]
    fn budgets_of_the_day_end_with_it() {
        let mut conduct = conduct(6, 2);
        conduct.begin_trim(HEDGE);
        conduct.lose(HEDGE, Money::units(30));
        conduct.lose(HEDGE, Money::units(-50));
        assert_eq!((conduct.trims_today(HEDGE), conduct.lost_today(HEDGE)), (1, Money::units(30)));
        assert!(order(&mut conduct, 0));
        assert_eq!(conduct.attempt_messages(HEDGE), 1);
        conduct.begin_attempt(HEDGE);
        assert_eq!(conduct.attempt_messages(HEDGE), 0);
        conduct.roll_hedge(HEDGE);
        conduct.roll_instrument(INSTRUMENT, VENUE, Day(1));
        assert_eq!((conduct.trims_today(HEDGE), conduct.lost_today(HEDGE)), (0, Money::ZERO));
        assert_eq!(conduct.sent_today(INSTRUMENT), [0, 0]);
        // What was sent in the last second still counts.
        assert_eq!(conduct.windows().accounts[ACCOUNT].cancels_left(Time(1)), 5);
    }

    #[test]
    fn the_digest_sees_every_change() {
        let bytes = |conduct: &Conduct| {
            let mut out = Writer::new();
            conduct.digest(&mut out);
            out.into_bytes()
        };
        let mut conduct = conduct(6, 2);
        let mut seen = vec![bytes(&conduct)];
        let mut note = |conduct: &Conduct, what: &str| {
            let now = bytes(conduct);
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        assert!(order(&mut conduct, 1));
        note(&conduct, "order");
        assert!(cancel(&mut conduct, 2));
        note(&conduct, "cancel");
        conduct.begin_trim(HEDGE);
        note(&conduct, "trim");
        conduct.lose(HEDGE, Money(1));
        note(&conduct, "loss");
        conduct.windows_mut().accounts[ACCOUNT].resize(7, 2);
        note(&conduct, "bounds");
        conduct.pause(Place::Account(ACCOUNT), Keeps::Entering, Time(3), Span(10));
        note(&conduct, "pause");
        conduct.taken(ACCOUNT, INSTRUMENT);
        note(&conduct, "end of a row");
    }

    #[test]
    fn the_window_with_the_least_left_binds() {
        for (rates, left) in [
            ([(3, 1), (9, 1), (9, 1)], 2),
            ([(9, 1), (3, 1), (9, 1)], 2),
            ([(9, 1), (9, 1), (3, 1)], 2),
            ([(9, 6), (9, 5), (9, 4)], 3),
        ] {
            let mut conduct = tight(rates);
            assert_eq!(conduct.orders_left(ACCOUNT, INSTRUMENT, Time(0)), left);
            for at in 0..i64::from(left) {
                assert!(order(&mut conduct, at), "{rates:?}");
            }
            assert!(!order(&mut conduct, 9), "{rates:?}");
            assert!(cancel(&mut conduct, 9), "{rates:?}");
            let ready = Time(WINDOW.0);
            let next = if left == 2 { Time(WINDOW.0 + 1) } else { ready };
            assert!(conduct.order_ready(ACCOUNT, INSTRUMENT, Time(9)) >= next, "{rates:?}");
        }
    }

    #[test]
    fn a_venue_counts_all_its_accounts_and_contracts() {
        let window = |rate| Window::new(rate, 1);
        let windows = Windows {
            venues: Table::new(vec![window(3), window(3)]),
            accounts: Table::new(vec![window(9), window(9), window(9)]),
            instruments: Table::new(vec![window(9), window(9)]),
        };
        let of = Table::new([0, 0, 1].map(|venue| (VenueId(venue), GroupId(venue))).to_vec());
        let mut conduct = Conduct::new(windows, &of, &[], 1);
        let (first, second, other) = (AccountId(0), AccountId(1), AccountId(2));
        assert!(conduct.spend_order(first, InstrumentId(0), HEDGE, Time(0)));
        assert!(conduct.spend_query(second, InstrumentId(1), HEDGE, Time(1)));
        assert!(!conduct.spend_order(second, InstrumentId(0), HEDGE, Time(2)));
        assert!(conduct.spend_cancel(second, InstrumentId(0), HEDGE, Time(2)));
        assert!(!conduct.spend_cancel(first, InstrumentId(0), HEDGE, Time(3)));
        assert!(conduct.spend_order(other, InstrumentId(0), HEDGE, Time(3)));
    }

    #[test]
    fn pauses_double_in_a_row_and_end_by_themselves() {
        let mut conduct = conduct(6, 2);
        let at = Place::Account(ACCOUNT);
        let until = |conduct: &Conduct, now| conduct.paused_until(ACCOUNT, INSTRUMENT, Time(now));
        assert_eq!(until(&conduct, 5), [Time(5); 2]);
        assert_eq!(conduct.pause(at, Keeps::Everything, Time(0), Span(10)), Time(10));
        assert_eq!(until(&conduct, 5), [Time(5), Time(10)]);
        assert_eq!(until(&conduct, 10), [Time(10); 2]);
        assert_eq!(conduct.pause(at, Keeps::Everything, Time(10), Span(10)), Time(30));
        for _ in 0..20 {
            conduct.pause(at, Keeps::Everything, Time(30), Span(10));
        }
        assert_eq!(until(&conduct, 31), [Time(31), Time(30 + 640)]);
        conduct.taken(ACCOUNT, INSTRUMENT);
        assert_eq!(conduct.pause(at, Keeps::Everything, Time(1000), Span(10)), Time(1010));
        // Every place counts for itself, and both kinds.
        let place = Place::Instrument(INSTRUMENT);
        assert_eq!(conduct.pause(place, Keeps::Entering, Time(1000), Span(10)), Time(1010));
        let place = Place::Venue(VENUE);
        assert_eq!(conduct.pause(place, Keeps::Entering, Time(1000), Span(20)), Time(1020));
        assert_eq!(until(&conduct, 1001), [Time(1020), Time(1010)]);
    }
}

//! What exchanges count of a contract in a trading day, over all accounts under one actual control.
//!
//! An order leaves only where the day has room for all that it may come to: its cancel, its large
//! cancel, the lots it opens. So a cancel never lacks room, and none is ever refused for a budget.
//! What is used is kept here; what live orders may still come to is found by looking at them.
//!
//! **Cancels.** An order counts once, with the first cancel sent for it, whatever comes of it, or
//! where its venue ends it with lots left. **Bursts** are counted over all contracts of a venue:
//! [`BURST`] orders and cancels within one second are one, and the next begins with the message
//! after it, so that no way of cutting time into seconds finds more of them.

use crate::ids::{AccountId, GroupId, InstrumentId, Table, VenueId};
use crate::instrument::PositionEffect;
use crate::order::{HedgeFlag, Place, TimeInForce};
use crate::time::{Day, Time};
use crate::wire::{Reader, WireError, Writer};

use super::WINDOW;

/// Orders and cancels within one second that make a burst.
pub const BURST: usize = 10;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Counted {
    /// Orders that were cancelled.
    Cancels = 0,
    /// Those of them that were cancelled with many lots left.
    LargeCancels = 1,
    /// Lots opened.
    Opens = 2,
    /// Trades of the group with itself.
    SelfTrades = 3,
    /// Seconds with many orders and cancels.
    Bursts = 4,
}

impl Counted {
    /// Everything that is counted, in the order of its code.
    pub const ALL: [Counted; 5] = [
        Counted::Cancels,
        Counted::LargeCancels,
        Counted::Opens,
        Counted::SelfTrades,
        Counted::Bursts,
    ];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// So much of everything that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([i64; Counted::ALL.len()]);

impl Tally {
    /// Nothing.
    pub const ZERO: Tally = Tally([0; Counted::ALL.len()]);

    /// How much of one.
    #[must_use]
    pub fn of(&self, counted: Counted) -> i64 {
        self.0.get(usize::from(counted.code())).copied().unwrap_or(0)
    }

    /// So much more of one.
    pub fn add(&mut self, counted: Counted, more: i64) {
        if let Some(count) = self.0.get_mut(usize::from(counted.code())) {
            *count = count.saturating_add(more);
        }
    }

    /// All of another besides.
    pub fn add_all(&mut self, other: &Tally) {
        for counted in Counted::ALL {
            self.add(counted, other.of(counted));
        }
    }
}

/// Most of something in a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most in a day.
    pub per_day: u32,
    /// How many of them only orders may use that give sets back, mend or follow.
    pub reserve: u32,
}

/// What may be used of one contract in a trading day by one group; `None` where there is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Orders cancelled.
    pub cancels: Option<Budget>,
    /// Orders cancelled with at least [`Budgets::large_lots`] left.
    pub large_cancels: Option<Budget>,
    /// From how many lots on a cancel is a large one; 0 where that is not counted.
    pub large_lots: i64,
    /// Lots opened.
    pub opens: Option<Budget>,
    /// Trades of the group with itself from which on nothing is entered.
    pub self_trades: Option<u32>,
    /// Bursts from which on nothing is entered.
    pub bursts: Option<u32>,
    /// Whether what is left of an order that trades at once in part is a cancel.
    pub counts_ioc: bool,
    /// Whether an order is, that trades whole or not at all and did not.
    pub counts_fok: bool,
    /// Whether orders flagged as hedging count.
    pub counts_hedging: bool,
}

impl Budgets {
    /// The budget of what is counted.
    #[must_use]
    pub fn of(&self, counted: Counted) -> Option<Budget> {
        let whole = |per_day| Budget { per_day, reserve: 0 };
        match counted {
            Counted::Cancels => self.cancels,
            Counted::LargeCancels => self.large_cancels,
            Counted::Opens => self.opens,
            Counted::SelfTrades => self.self_trades.map(whole),
            Counted::Bursts => self.bursts.map(whole),
        }
    }

    /// Whether what an order with this flag does is counted.
    #[must_use]
    pub const fn counts(&self, flag: HedgeFlag) -> bool {
        match flag {
            HedgeFlag::Hedge => self.counts_hedging,
            HedgeFlag::Speculation | HedgeFlag::Arbitrage => true,
        }
    }

    /// Whether an order's end with lots left is a cancel though nobody sent one.
    #[must_use]
    pub const fn ends_as_cancel(&self, tif: TimeInForce) -> bool {
        match tif {
            TimeInForce::Ioc => self.counts_ioc,
            TimeInForce::Fok => self.counts_fok,
            TimeInForce::Gtc | TimeInForce::Day => true,
        }
    }

    /// What a cancel with so many lots left counts as.
    #[must_use]
    pub fn cancel(&self, left: i64) -> Tally {
        let mut tally = Tally::ZERO;
        tally.add(Counted::Cancels, 1);
        if self.large_cancels.is_some() && left >= self.large_lots {
            tally.add(Counted::LargeCancels, 1);
        }
        tally
    }

    /// What an order with so many lots left may still come to.
    #[must_use]
    pub fn worst(&self, place: &Place, left: i64, was_cancelled: bool) -> Tally {
        if !self.counts(place.flag) {
            return Tally::ZERO;
        }
        let may_cancel = !was_cancelled && self.ends_as_cancel(place.tif);
        let mut tally = if may_cancel { self.cancel(left) } else { Tally::ZERO };
        if place.effect == PositionEffect::Open {
            tally.add(Counted::Opens, left);
        }
        tally
    }

    /// Appends every value, for the journal and the state digest.
    pub fn write(&self, out: &mut Writer) {
        for counted in Counted::ALL {
            let budget = self.of(counted);
            out.bool(budget.is_some());
            if let Some(Budget { per_day, reserve }) = budget {
                out.u32(per_day);
                out.u32(reserve);
            }
        }
        out.i64(self.large_lots);
        for counts in [self.counts_ioc, self.counts_fok, self.counts_hedging] {
            out.bool(counts);
        }
    }

    /// Reads back what [`Budgets::write`] wrote.
    ///
    /// # Errors
    /// [`WireError`] where the bytes are not such budgets.
    pub fn read(from: &mut Reader<'_>) -> Result<Budgets, WireError> {
        let at = from.position();
        let mut budgets = [None; Counted::ALL.len()];
        for budget in &mut budgets {
            if from.bool()? {
                *budget = Some(Budget { per_day: from.u32()?, reserve: from.u32()? });
            }
        }
        let [cancels, large_cancels, opens, self_trades, bursts] = budgets;
        // Only of the first three a part is kept.
        if [self_trades, bursts].into_iter().flatten().any(|budget| budget.reserve > 0) {
            return Err(WireError::Range { at });
        }
        Ok(Budgets {
            cancels,
            large_cancels,
            large_lots: from.i64()?,
            opens,
            self_trades: self_trades.map(|budget| budget.per_day),
            bursts: bursts.map(|budget| budget.per_day),
            counts_ioc: from.bool()?,
            counts_fok: from.bool()?,
            counts_hedging: from.bool()?,
        })
    }
}

/// What one group has done in one contract in its trading day.
#[derive(Clone, Copy, Debug)]
struct Row {
    group: GroupId,
    orders: u32,
    /// Cancels sent, each of them.
    cancels: u32,
    used: Tally,
}

impl Row {
    const fn of(group: GroupId) -> Row {
        Row { group, orders: 0, cancels: 0, used: Tally::ZERO }
    }
}

/// The orders and cancels of one group at one venue.
#[derive(Clone, Copy, Debug)]
struct Bursts {
    venue: VenueId,
    /// The last messages since the last burst; the next one takes the place `at`, where the oldest
    /// stands once all are used.
    recent: [Time; BURST - 1],
    at: usize,
    used: usize,
    today: i64,
    day: Day,
}

impl Bursts {
    fn spend(&mut self, now: Time) {
        let Some(slot) = self.recent.get_mut(self.at) else { return };
        if self.used == BURST - 1 && *slot + WINDOW > now {
            self.used = 0;
            self.today += 1;
            return;
        }
        *slot = now;
        self.used = (self.used + 1).min(BURST - 1);
        self.at = if self.at == BURST - 2 { 0 } else { self.at + 1 };
    }
}

/// What every group of accounts has done in the trading day.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// The group of each account, and the place of its bursts.
    of: Table<AccountId, (GroupId, usize)>,
    rows: Table<InstrumentId, Vec<Row>>,
    bursts: Vec<Bursts>,
}

/// Tables are indexed by ids that passed the door.
#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl Groups {
    /// Nothing done yet, by accounts of these venues and groups that trade these pairs.
    pub(super) fn new(
        accounts: &Table<AccountId, (VenueId, GroupId)>,
        pairs: &[(AccountId, InstrumentId)],
        instruments: usize,
    ) -> Groups {
        let mut known: Vec<(VenueId, GroupId)> = Vec::new();
        let mut of = Vec::with_capacity(accounts.len());
        for pair in accounts.iter() {
            let place = known.iter().position(|other| other == pair).unwrap_or(known.len());
            if place == known.len() {
                known.push(*pair);
            }
            of.push((pair.1, place));
        }
        let bursts = known.iter().map(|(venue, _)| Bursts {
            venue: *venue,
            recent: [Time::EARLIEST; BURST - 1],
            at: 0,
            used: 0,
            today: 0,
            day: Day(0),
        });
        let mut groups = Groups {
            of: Table::new(of),
            rows: Table::new(vec![Vec::new(); instruments]),
            bursts: bursts.collect(),
        };
        for (account, instrument) in pairs {
            let (group, _) = groups.of[*account];
            let rows = &mut groups.rows[*instrument];
            if rows.iter().all(|row| row.group != group) {
                rows.push(Row::of(group));
            }
        }
        groups
    }

    pub(super) fn group(&self, account: AccountId) -> GroupId {
        self.of[account].0
    }

    fn row_mut(&mut self, account: AccountId, instrument: InstrumentId) -> Option<&mut Row> {
        let (group, _) = self.of[account];
        self.rows[instrument].iter_mut().find(|row| row.group == group)
    }

    /// Counts an order that is sent.
    pub(super) fn order(&mut self, account: AccountId, of: InstrumentId, now: Time) {
        if let Some(row) = self.row_mut(account, of) {
            row.orders += 1;
        }
        self.bursts[self.of[account].1].spend(now);
    }

    /// Counts a cancel that is sent.
    pub(super) fn cancel(&mut self, account: AccountId, of: InstrumentId, now: Time) {
        if let Some(row) = self.row_mut(account, of) {
            row.cancels += 1;
        }
        self.bursts[self.of[account].1].spend(now);
    }

    /// What is used where an account trades a contract.
    pub(super) fn used(&self, account: AccountId, instrument: InstrumentId) -> Tally {
        let (group, bursts) = self.of[account];
        let row = self.rows[instrument].iter().find(|row| row.group == group);
        let mut used = row.map_or(Tally::ZERO, |row| row.used);
        used.add(Counted::Bursts, self.bursts[bursts].today);
        used
    }

    pub(super) fn spend(&mut self, account: AccountId, instrument: InstrumentId, more: &Tally) {
        if let Some(row) = self.row_mut(account, instrument) {
            row.used.add_all(more);
        }
    }

    /// Orders and cancels sent in a contract today, by the group that has sent most.
    pub(super) fn sent(&self, instrument: InstrumentId) -> [u32; 2] {
        let rows = || self.rows[instrument].iter();
        let orders = rows().map(|row| row.orders).max().unwrap_or(0);
        let cancels = rows().map(|row| row.cancels).max().unwrap_or(0);
        [orders, cancels]
    }

    /// Orders and cancels sent in several contracts today, by the group that has sent most in all.
    pub(super) fn sent_together(&self, instruments: &[u16]) -> [u32; 2] {
        let rows = || instruments.iter().flat_map(|at| &self.rows[InstrumentId(*at)]);
        let most = |count: &dyn Fn(&Row) -> u32| {
            let of = |group| rows().filter(move |row| row.group == group).map(count).sum::<u32>();
            rows().map(|row| of(row.group)).max().unwrap_or(0)
        };
        [most(&|row| row.orders), most(&|row| row.cancels)]
    }

    /// A contract of a venue was settled: a day begins for it, and for the venue with the first of
    /// its contracts.
    pub(super) fn roll(&mut self, instrument: InstrumentId, venue: VenueId, next: Day) {
        for row in &mut self.rows[instrument] {
            *row = Row::of(row.group);
        }
        for bursts in self.bursts.iter_mut().filter(|of| of.venue == venue && of.day < next) {
            bursts.day = next;
            bursts.today = 0;
        }
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        for row in self.rows.iter().flatten() {
            out.u32(row.orders);
            out.u32(row.cancels);
            for counted in Counted::ALL {
                out.i64(row.used.of(counted));
            }
        }
        for bursts in &self.bursts {
            out.len(bursts.at);
            out.len(bursts.used);
            for sent in bursts.recent {
                out.i64(sent.0);
            }
            out.i64(bursts.today);
            out.i64(i64::from(bursts.day.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ClientOrderId, HedgeId, LegId};
    use crate::num::{Price, Qty, Side};
    use crate::quote::{Kind, Purpose};

    const SECOND: i64 = 1_000_000_000;
    const X: InstrumentId = InstrumentId(0);
    const Y: InstrumentId = InstrumentId(1);

    /// Two accounts of one group at one venue, one of it elsewhere, and a stranger.
    fn groups() -> Groups {
        let of = [(0, 0), (0, 0), (1, 0), (0, 1)];
        let of = of.map(|(venue, group)| (VenueId(venue), GroupId(group))).to_vec();
        let pairs = [(0, X), (1, X), (3, X), (2, Y)];
        let pairs = pairs.map(|(account, instrument)| (AccountId(account), instrument));
        Groups::new(&Table::new(of), &pairs, 2)
    }

    fn many(counted: Counted, count: i64) -> Tally {
        let mut tally = Tally::ZERO;
        tally.add(counted, count);
        tally
    }

    const NONE: Budgets = Budgets {
        cancels: None,
        large_cancels: None,
        large_lots: 0,
        opens: None,
        self_trades: None,
        bursts: None,
        counts_ioc: false,
        counts_fok: false,
        counts_hedging: false,
    };

    fn order(tif: TimeInForce, effect: PositionEffect, flag: HedgeFlag) -> Place {
        Place {
            order: ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 1).unwrap(),
            price: Price(100),
            qty: Qty::of(9),
            account: AccountId(0),
            instrument: X,
            hedge: HedgeId(0),
            side: Side::Buy,
            effect,
            tif,
            flag,
            kind: Kind::Enter,
            purpose: Purpose::Work,
        }
    }

    #[test]
    fn an_order_may_come_to_its_cancel_and_the_lots_it_opens() {
        let large = Budgets {
            large_cancels: Some(Budget { per_day: 5, reserve: 1 }),
            large_lots: 3,
            ..NONE
        };
        let check = |of: &Budgets, place: &Place, left, was_cancelled, expected: [i64; 3]| {
            let worst = of.worst(place, left, was_cancelled);
            let found = [Counted::Cancels, Counted::LargeCancels, Counted::Opens];
            assert_eq!(found.map(|counted| worst.of(counted)), expected, "{place:?} {left}");
            assert_eq!([worst.of(Counted::SelfTrades), worst.of(Counted::Bursts)], [0, 0]);
        };
        let (open, close) = (PositionEffect::Open, PositionEffect::Close);
        let (arbitrage, hedging) = (HedgeFlag::Arbitrage, HedgeFlag::Hedge);
        let rests = order(TimeInForce::Day, open, arbitrage);
        check(&large, &rests, 2, false, [1, 0, 2]);
        check(&large, &rests, 3, false, [1, 1, 3]);
        check(&large, &rests, 3, true, [0, 0, 3]);
        check(&NONE, &rests, 3, false, [1, 0, 3]);
        let gtc = order(TimeInForce::Gtc, close, arbitrage);
        check(&large, &gtc, 9, false, [1, 1, 0]);
        let close_today =
            order(TimeInForce::Gtc, PositionEffect::CloseToday, HedgeFlag::Speculation);
        check(&large, &close_today, 9, false, [1, 1, 0]);
        for (tif, counts) in [
            (TimeInForce::Ioc, Budgets { counts_ioc: true, ..large }),
            (TimeInForce::Fok, Budgets { counts_fok: true, ..large }),
        ] {
            let at_once = order(tif, open, arbitrage);
            check(&large, &at_once, 4, false, [0, 0, 4]);
            check(&counts, &at_once, 4, false, [1, 1, 4]);
        }
        let hedger = order(TimeInForce::Day, open, hedging);
        check(&large, &hedger, 4, false, [0, 0, 0]);
        check(&Budgets { counts_hedging: true, ..large }, &hedger, 4, false, [1, 1, 4]);
    }

    #[test]
    fn every_budget_is_its_own() {
        let (first, second, third) = (
            Budget { per_day: 9, reserve: 1 },
            Budget { per_day: 8, reserve: 2 },
            Budget { per_day: 7, reserve: 3 },
        );
        let all = Budgets {
            cancels: Some(first),
            large_cancels: Some(second),
            large_lots: 30,
            opens: Some(third),
            self_trades: Some(6),
            bursts: Some(5),
            ..NONE
        };
        let whole = |per_day| Some(Budget { per_day, reserve: 0 });
        let expected = [Some(first), Some(second), Some(third), whole(6), whole(5)];
        assert_eq!(Counted::ALL.map(|counted| all.of(counted)), expected);
        assert_eq!(Counted::ALL.map(|counted| NONE.of(counted)), [None; 5]);
        assert_eq!(Counted::ALL.map(Counted::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn budgets_that_were_written_are_read() {
        let budget = Some(Budget { per_day: 9, reserve: 1 });
        for all in [
            NONE,
            Budgets { cancels: budget, counts_ioc: true, ..NONE },
            Budgets { large_cancels: budget, large_lots: 4, counts_fok: true, ..NONE },
            Budgets { opens: budget, self_trades: Some(2), counts_hedging: true, ..NONE },
            Budgets { bursts: Some(3), ..NONE },
        ] {
            let mut out = Writer::new();
            all.write(&mut out);
            assert_eq!(Budgets::read(&mut Reader::new(out.as_slice())), Ok(all));
        }
        // Nothing is kept in reserve of what binds only what enters.
        let mut out = Writer::new();
        for (is_there, reserve) in [(false, 0), (false, 0), (false, 0), (true, 1), (false, 0)] {
            out.bool(is_there);
            if is_there {
                out.u32(4);
                out.u32(reserve);
            }
        }
        out.i64(0);
        (0..3).for_each(|_| out.bool(false));
        let found = Budgets::read(&mut Reader::new(out.as_slice()));
        assert_eq!(found, Err(WireError::Range { at: 0 }));
    }

    #[test]
    fn accounts_of_a_group_use_one_budget_in_each_contract() {
        let mut groups = groups();
        groups.spend(AccountId(0), X, &many(Counted::Cancels, 2));
        groups.spend(AccountId(1), X, &many(Counted::Cancels, 3));
        groups.spend(AccountId(3), X, &many(Counted::Opens, 7));
        groups.spend(AccountId(2), Y, &many(Counted::SelfTrades, 1));
        // A contract that an account does not trade is nobody's.
        groups.spend(AccountId(3), Y, &many(Counted::Cancels, 9));
        let used = |groups: &Groups, account, of| groups.used(AccountId(account), of);
        assert_eq!(used(&groups, 0, X), many(Counted::Cancels, 5));
        assert_eq!(used(&groups, 1, X), many(Counted::Cancels, 5));
        assert_eq!(used(&groups, 3, X), many(Counted::Opens, 7));
        assert_eq!(used(&groups, 2, Y), many(Counted::SelfTrades, 1));
        assert_eq!(used(&groups, 3, Y), Tally::ZERO);
        groups.roll(X, VenueId(0), Day(5));
        assert_eq!(used(&groups, 0, X), Tally::ZERO);
        assert_eq!(used(&groups, 2, Y), many(Counted::SelfTrades, 1));
    }

    #[test]
    fn of_messages_the_group_that_sent_most_is_told() {
        let mut groups = groups();
        for (at, account) in [0, 1, 0, 3, 3].into_iter().enumerate() {
            groups.order(AccountId(account), X, Time(i64::try_from(at).unwrap()));
        }
        groups.cancel(AccountId(3), X, Time(9));
        assert_eq!(groups.sent(X), [3, 1]);
        assert_eq!(groups.sent(Y), [0, 0]);
    }

    #[test]
    fn ten_messages_of_a_group_at_a_venue_within_a_second_are_a_burst() {
        let bursts = |times: &[(u16, i64)]| {
            let mut groups = groups();
            for (account, at) in times {
                groups.cancel(AccountId(*account), X, Time(*at));
            }
            [0, 2, 3].map(|account| groups.used(AccountId(account), X).of(Counted::Bursts))
        };
        let row = |count: i64, step: i64| (0..count).map(move |at| (0, at * step));
        assert_eq!(bursts(&row(9, 1).collect::<Vec<_>>()), [0, 0, 0]);
        assert_eq!(bursts(&row(10, 1).collect::<Vec<_>>()), [1, 0, 0]);
        assert_eq!(bursts(&row(19, 1).collect::<Vec<_>>()), [1, 0, 0]);
        assert_eq!(bursts(&row(20, 1).collect::<Vec<_>>()), [2, 0, 0]);
        // The tenth comes when the first is a second old.
        assert_eq!(bursts(&row(30, SECOND / 9).collect::<Vec<_>>()), [3, 0, 0]);
        assert_eq!(bursts(&row(30, SECOND / 9 + 1).collect::<Vec<_>>()), [0, 0, 0]);
        // Of one group, two accounts are one; elsewhere and of others, not.
        let both: Vec<_> = (0..10).map(|at| (u16::try_from(at % 2).unwrap(), at)).collect();
        assert_eq!(bursts(&both), [1, 0, 0]);
        let apart: Vec<_> = (0..16).map(|at| ([0, 2, 3][usize::from(at % 3 > 0)], 1)).collect();
        assert_eq!(bursts(&apart), [0, 1, 0]);
    }

    #[test]
    fn no_way_of_cutting_seconds_finds_more_bursts() {
        let mut state = 7_u64;
        for _ in 0..200 {
            let mut times = Vec::new();
            let mut at = 0;
            for _ in 0..300 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                at += i64::try_from(state >> 35).unwrap() % (SECOND / 4);
                times.push(at);
            }
            let mut groups = groups();
            for at in &times {
                groups.order(AccountId(0), X, Time(*at));
            }
            let found = groups.used(AccountId(0), X).of(Counted::Bursts);
            for shift in (0..10).map(|part| part * SECOND / 10) {
                let mut seconds = std::collections::BTreeMap::new();
                for at in &times {
                    *seconds.entry((at + shift) / SECOND).or_insert(0) += 1;
                }
                let full = seconds.values().filter(|count| **count >= 10).count();
                assert!(i64::try_from(full).unwrap() <= found);
            }
        }
    }

    #[test]
    fn the_day_of_bursts_turns_with_the_first_settlement_of_a_venue() {
        let mut groups = groups();
        let count = |groups: &Groups| groups.used(AccountId(0), X).of(Counted::Bursts);
        let burst = |groups: &mut Groups, from: i64| {
            (from..from + 10).for_each(|at| groups.order(AccountId(0), X, Time(at)));
        };
        burst(&mut groups, 0);
        groups.roll(Y, VenueId(1), Day(2));
        assert_eq!(count(&groups), 1);
        groups.roll(Y, VenueId(0), Day(2));
        assert_eq!(count(&groups), 0);
        burst(&mut groups, 20);
        // Another contract of the same day.
        groups.roll(X, VenueId(0), Day(2));
        assert_eq!(count(&groups), 1);
        groups.roll(X, VenueId(0), Day(3));
        assert_eq!(count(&groups), 0);
    }
}

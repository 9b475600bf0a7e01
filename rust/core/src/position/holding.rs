//! Lots of both directions with their cost: opening, closing oldest first, taking back.
//!
//! The cost of a day's lots is one sum. Closing a part of them takes the share of the cost rounded
//! down and leaves the rest, so that no tick is lost or invented however a position is cut up.
//! What holds after every operation that trades `n` lots at `p`: `result − (cost of longs − cost of
//! shorts)` falls by `p × n` for a buy and rises by it for a sell.

use super::{Booked, DayLots};
use crate::instrument::{Matching, Settlement};
use crate::num::{Price, Qty, Side, div_floor};
use crate::time::Day;
use crate::wire::Writer;

/// Which days' lots may be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Days {
    Any,
    On(Day),
    /// From the first to the last.
    Within(Day, Day),
}

impl Days {
    fn has(self, day: Day) -> bool {
        match self {
            Days::Any => true,
            Days::On(today) => day == today,
            Days::Within(first, last) => first <= day && day <= last,
        }
    }
}

/// Lots that were taken out of a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) lots: i64,
    pub(super) cost: i128,
    pub(super) entry: i128,
    /// The oldest day among them.
    pub(super) day: Option<Day>,
}

impl Part {
    fn add(&mut self, row: DayLots) {
        self.lots += row.lots;
        self.cost += row.cost;
        self.entry += row.entry;
        self.day = Some(self.day.map_or(row.day, |day| day.min(row.day)));
    }
}

/// The share of `amount` that `part` of `whole` lots stand for, rounded down; all for the whole.
pub(super) fn share(amount: i128, part: i64, whole: i64) -> i128 {
    if part == whole { amount } else { div_floor(amount * i128::from(part), i128::from(whole)) }
}

impl DayLots {
    /// Takes `lots` of these out at their share of the cost; at most as many as there are.
    fn cut(&mut self, lots: i64) -> DayLots {
        self.cuts += 1;
        let cost = share(self.cost, lots, self.lots);
        let entry = share(self.entry, lots, self.lots);
        self.take_at(lots, cost, entry)
    }

    fn take_at(&mut self, lots: i64, cost: i128, entry: i128) -> DayLots {
        self.lots -= lots;
        self.cost -= cost;
        self.entry -= entry;
        DayLots { day: self.day, lots, cost, entry, cuts: self.cuts }
    }
}

/// Lots that will be left, and between what they may then cost: it depends a little on in how many
/// parts the others go, since every part rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) lots: i64,
    pub(super) least: i128,
    pub(super) most: i128,
}

impl Left {
    fn add(&mut self, row: &DayLots, gone: i64) {
        let left = row.lots - gone;
        let (cost, each) = (row.cost, div_floor(row.cost, i128::from(row.lots)));
        self.lots += left;
        // Lots that go at once leave the least, and none goes for less than the whole ticks of each.
        self.least += cost - share(cost, gone, row.lots);
        self.most += (cost - each * i128::from(gone)).min((each + 1) * i128::from(left));
    }
}

/// Which lots share a row, and so a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Share {
    /// Those of a day.
    #[default]
    Day,
    /// Those of a day that were opened at one price, one trade after the other.
    Trade,
    /// All.
    All,
}

impl Share {
    /// Whether lots that are opened join a row.
    fn joins(self, row: &DayLots, day: Day, lots: i64, cost: i128) -> bool {
        match self {
            Share::Day => row.day == day,
            Share::Trade => {
                row.day == day && row.cost * i128::from(lots) == cost * i128::from(row.lots)
            }
            Share::All => true,
        }
    }
}

/// Lots of one direction, oldest day first.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    share: Share,
    rows: Vec<DayLots>,
    lots: i64,
    cost: i128,
}

impl Stack {
    pub(super) fn rows(&self) -> &[DayLots] {
        &self.rows
    }

    pub(super) fn lots(&self) -> i64 {
        self.lots
    }

    pub(super) fn cost(&self) -> i128 {
        self.cost
    }

    pub(super) fn lots_on(&self, day: Day) -> i64 {
        self.lots_of(Days::On(day))
    }

    fn lots_of(&self, days: Days) -> i64 {
        let rows = self.rows.iter().filter(|row| days.has(row.day));
        rows.map(|row| row.lots).sum()
    }

    /// What is left once so many of `day` and so many of the oldest of the others were closed.
    pub(super) fn left(&self, earlier: i64, today: i64, day: Day) -> Left {
        let mut left = Left::default();
        let mut today = today.min(self.lots_on(day));
        let mut earlier = earlier;
        for row in &self.rows {
            let named = if row.day == day { today } else { 0 };
            let oldest = earlier.min(row.lots - named);
            today -= named;
            earlier -= oldest;
            left.add(row, named + oldest);
        }
        left
    }

    /// Adds lots; gives the [`DayLots::cuts`] of the row they stand in.
    pub(super) fn open(&mut self, day: Day, lots: i64, cost: i128, entry: i128) -> u32 {
        if lots == 0 {
            return 0;
        }
        self.lots += lots;
        self.cost += cost;
        let at = self.rows.partition_point(|row| row.day <= day);
        let (share, before) = (self.share, at.saturating_sub(1));
        if let Some(row) = self.rows.get_mut(before)
            && share.joins(row, day, lots, cost)
        {
            row.lots += lots;
            row.cost += cost;
            row.entry += entry;
            return row.cuts;
        }
        self.rows.insert(at, DayLots { day, lots, cost, entry, cuts: 0 });
        0
    }

    /// Takes out up to `lots`, oldest first.
    pub(super) fn close(&mut self, lots: i64, days: Days) -> Part {
        let mut part = Part::default();
        for row in self.rows.iter_mut().filter(|row| days.has(row.day)) {
            let take = row.lots.min(lots - part.lots);
            if take == 0 {
                break;
            }
            part.add(row.cut(take));
        }
        self.settle_part(part)
    }

    /// Takes back up to `lots` that were opened on `day` at `price`: out of the row of that day and
    /// price, else of that day, then newest first. A row that nothing has been closed from since, and
    /// that no settlement has marked, gives exactly what those lots had cost.
    fn take_back(&mut self, lots: i64, undo: &Undo) -> Part {
        let Undo { price, day, days, was: Booked { cuts, .. }, .. } = *undo;
        let mut part = Part::default();
        let same = |row: &DayLots| {
            row.day == day && row.cost == i128::from(price.0) * i128::from(row.lots)
        };
        // A settlement may have given the day its later, final name: the first at or after it.
        let at = self.rows.iter().position(same);
        let share = self.share;
        let later = |row: &DayLots| share == Share::All || row.day >= day && days.has(row.day);
        let at = at.or_else(|| self.rows.iter().position(later));
        if let Some(row) = at.and_then(|at| self.rows.get_mut(at))
            && lots > 0
        {
            let take = row.lots.min(lots);
            let cost = undo.opened_for(take);
            let is_there = row.day == day || self.share == Share::All;
            let exact = row.cuts == cuts && is_there && take < row.lots;
            part.add(if exact { row.take_at(take, cost, cost) } else { row.cut(take) });
        }
        for row in self.rows.iter_mut().rev().filter(|row| days.has(row.day)) {
            let take = row.lots.min(lots - part.lots);
            if take > 0 {
                part.add(row.cut(take));
            }
        }
        self.settle_part(part)
    }

    fn settle_part(&mut self, part: Part) -> Part {
        self.lots -= part.lots;
        self.cost -= part.cost;
        self.rows.retain(|row| row.lots > 0);
        part
    }

    /// Marks the rows that `marks` names.
    fn remark_some(&mut self, price: Price, marks: impl Fn(&DayLots) -> bool) {
        for row in self.rows.iter_mut().filter(|row| marks(row)) {
            let cost = i128::from(price.0) * i128::from(row.lots);
            self.cost += cost - row.cost;
            row.cost = cost;
            row.cuts += 1;
        }
    }

    fn remark(&mut self, price: Price) {
        for row in &mut self.rows {
            row.cost = i128::from(price.0) * i128::from(row.lots);
            row.cuts += 1;
        }
        self.cost = i128::from(price.0) * i128::from(self.lots);
    }

    /// Gives the rows of `today` the name that its settlement says it has.
    fn name_day(&mut self, today: Day, name: Day) {
        for row in self.rows.iter_mut().filter(|row| row.day == today) {
            row.day = name;
        }
    }

    fn check(&self) {
        let lots: i64 = self.rows.iter().map(|row| row.lots).sum();
        let cost: i128 = self.rows.iter().map(|row| row.cost).sum();
        let positive = self.rows.iter().all(|row| row.lots > 0);
        let sorted = match self.share {
            Share::Day => self.rows.is_sorted_by(|left, right| left.day < right.day),
            Share::Trade => self.rows.is_sorted_by_key(|row| row.day),
            Share::All => self.rows.len() <= 1,
        };
        let whole = lots == self.lots && cost == self.cost && positive && sorted;
        assert!(whole, "broken invariant: lots and their sums differ: {self:?}");
    }

    fn digest(&self, writer: &mut Writer) {
        writer.len(self.rows.len());
        for row in &self.rows {
            writer.i64(i64::from(row.day.0));
            writer.i64(row.lots);
            writer.i128(row.cost);
            writer.i128(row.entry);
            writer.u32(row.cuts);
        }
    }
}

/// Longs and shorts, and what they have realised since the start of the run.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    settlement: Settlement,
    long: Stack,
    short: Stack,
    result: i128,
}

impl Holding {
    /// Nothing, in the way that an account keeps what settles so.
    pub(super) fn of(settlement: Settlement) -> Holding {
        let share = match settlement {
            Settlement::Upfront | Settlement::DailyVm | Settlement::PromptForward => Share::Day,
            Settlement::OnClose(Matching::FirstIn) => Share::Trade,
            Settlement::OnClose(Matching::Average) | Settlement::Coin(_) => Share::All,
        };
        let stack = Stack { share, ..Stack::default() };
        Holding { settlement, long: stack.clone(), short: stack, result: 0 }
    }

    /// Nothing, as an owner keeps it.
    pub(super) fn owned(settlement: Settlement) -> Holding {
        let (long, short) = (Stack::default(), Stack::default());
        Holding { settlement, long, short, result: 0 }
    }

    /// What has been realised, and what is left at a mark less what it has cost.
    pub(super) fn worth(&self, mark: Price) -> i128 {
        self.result + self.settlement.marked(mark, self.lots()) - self.cost()
    }

    pub(super) fn stack(&self, side: Side) -> &Stack {
        match side {
            Side::Buy => &self.long,
            Side::Sell => &self.short,
        }
    }

    pub(super) fn stack_mut(&mut self, side: Side) -> &mut Stack {
        match side {
            Side::Buy => &mut self.long,
            Side::Sell => &mut self.short,
        }
    }

    /// Signed lots.
    pub(super) fn lots(&self) -> i64 {
        self.long.lots - self.short.lots
    }

    /// Cost of longs less cost of shorts.
    pub(super) fn cost(&self) -> i128 {
        self.long.cost - self.short.cost
    }

    /// Realised since the start, variation included.
    pub(super) fn result(&self) -> i128 {
        self.result
    }

    /// A trade where longs and shorts cancel out: closes the other direction, opens the rest.
    /// `cost` and `entry` are those of all `lots`.
    pub(super) fn net(
        &mut self,
        side: Side,
        lots: i64,
        cost: i128,
        entry: i128,
        day: Day,
    ) -> Booked {
        self.net_within(side, lots, (cost, entry), day, Days::Any)
    }

    /// The same where only lots of some days cancel out with it.
    pub(super) fn net_within(
        &mut self,
        side: Side,
        lots: i64,
        (cost, entry): (i128, i128),
        day: Day,
        days: Days,
    ) -> Booked {
        let part = self.stack_mut(side.flip()).close(lots, days);
        let closing = if part.lots == 0 { 0 } else { share(cost, part.lots, lots) };
        let mut booked = self.realise(side, part, closing, day);
        let opening = lots - part.lots;
        let entry = if part.lots == 0 { entry } else { entry - share(entry, part.lots, lots) };
        booked.cuts = self.stack_mut(side).open(day, opening, cost - closing, entry);
        booked.opened = Qty::of(opening);
        booked
    }

    /// Closes up to `lots` of the direction that `side` closes, at `price`.
    pub(super) fn close(
        &mut self,
        side: Side,
        lots: i64,
        price: Price,
        days: Days,
        today: Day,
    ) -> Booked {
        let part = self.stack_mut(side.flip()).close(lots, days);
        self.realise(side, part, self.settlement.cost(side, price, part.lots), today)
    }

    pub(super) fn open(&mut self, side: Side, lots: i64, price: Price, day: Day) -> Booked {
        let cost = self.settlement.cost(side, price, lots);
        let cuts = self.stack_mut(side).open(day, lots, cost, cost);
        Booked { opened: Qty::of(lots), cuts, ..Booked::NONE }
    }

    /// Books the result of lots that a trade of `side` closed for `paid`.
    fn realise(&mut self, side: Side, part: Part, paid: i128, today: Day) -> Booked {
        let realised = i128::from(side.sign()) * (part.cost - paid);
        self.result += realised;
        let closed_day = part.day.unwrap_or(today);
        Booked {
            opened: Qty::ZERO,
            closed: Qty::of(part.lots),
            realised,
            entry: part.entry,
            closed_day,
            cuts: 0,
        }
    }

    /// Takes a trade of `side` back. What it opened is taken out again; what of it has been closed
    /// since opens the other direction at its price. What it closed stands again as it was.
    pub(super) fn undo(&mut self, undo: &Undo) -> Booked {
        let Undo { side, lots, was, keep, days, today, .. } = *undo;
        let stack = self.stack_mut(side);
        let asked = (lots - was.closed.get()).min(stack.lots_of(days) - keep);
        let part = stack.take_back(asked, undo);
        let paid = undo.opened_for(part.lots);
        let mut booked = self.realise(side.flip(), part, paid, today);
        let opened = lots - was.closed.get();
        let (rest, cost) = (opened - part.lots, undo.opened_for(opened) - paid);
        self.stack_mut(side.flip()).open(today, rest, cost, cost);
        booked.opened = Qty::of(rest);
        booked.join(self.stand_again(undo))
    }

    /// The lots that the trade had closed, at the cost they had.
    fn stand_again(&mut self, undo: &Undo) -> Booked {
        let Undo { side, was, .. } = *undo;
        let closed = was.closed.get();
        if closed == 0 {
            return Booked::NONE;
        }
        let paid = undo.closed_for();
        let cost = paid + i128::from(side.sign()) * was.realised;
        self.result -= was.realised;
        self.stack_mut(side.flip()).open(was.closed_day, closed, cost, was.entry);
        Booked { opened: was.closed, realised: -was.realised, ..Booked::NONE }
    }

    /// Lets at most so many longs and shorts cancel out at the cost of the shorts, oldest first:
    /// after [`Holding::undo`], where positions are netted or lots are owed.
    pub(super) fn cancel_out(&mut self, most: i64, days: Days, today: Day) -> Booked {
        let both = self.long.lots_of(days).min(self.short.lots_of(days)).min(most);
        if both == 0 {
            return Booked::NONE;
        }
        let part = self.short.close(both, days);
        let longs = self.long.close(both, days);
        let mut booked = self.realise(Side::Sell, longs, part.cost, today);
        booked.closed = Qty::of(both);
        booked
    }

    /// Marks everything to `price`; gives the variation, which counts as realised.
    pub(super) fn remark(&mut self, price: Price) -> i128 {
        let before = self.cost();
        self.long.remark(price);
        self.short.remark(price);
        let variation = self.cost() - before;
        self.result += variation;
        variation
    }

    /// Marks the rows that `marks` names to `price`; gives the longs and shorts among them, and the
    /// variation, which counts as realised.
    pub(super) fn remark_some(
        &mut self,
        price: Price,
        marks: impl Fn(&DayLots) -> bool,
    ) -> ((i64, i64), i128) {
        let before = self.cost();
        self.long.remark_some(price, &marks);
        self.short.remark_some(price, &marks);
        let variation = self.cost() - before;
        self.result += variation;
        let of = |stack: &Stack| -> i64 {
            stack.rows.iter().filter(|row| marks(row)).map(|row| row.lots).sum()
        };
        ((of(&self.long), of(&self.short)), variation)
    }

    pub(super) fn name_day(&mut self, today: Day, name: Day) {
        self.long.name_day(today, name);
        self.short.name_day(today, name);
    }

    pub(super) fn check(&self) {
        self.long.check();
        self.short.check();
    }

    pub(super) fn digest(&self, writer: &mut Writer) {
        self.long.digest(writer);
        self.short.digest(writer);
        writer.i128(self.result);
    }
}

/// A trade to be taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    pub(super) side: Side,
    pub(super) lots: i64,
    pub(super) price: Price,
    /// What all its lots cost.
    pub(super) cost: i128,
    /// What it did: at most `lots` closed.
    pub(super) was: Booked,
    /// Lots of its direction that are none it opened.
    pub(super) keep: i64,
    /// The day it was booked to.
    pub(super) day: Day,
    /// The days whose lots it could close.
    pub(super) days: Days,
    pub(super) today: Day,
}

impl Undo {
    /// What it paid for the lots that it closed.
    fn closed_for(&self) -> i128 {
        share(self.cost, self.was.closed.get(), self.lots)
    }

    /// What `lots` of those that it opened cost.
    fn opened_for(&self, lots: i64) -> i128 {
        let opened = self.lots - self.was.closed.get();
        if lots == 0 { 0 } else { share(self.cost - self.closed_for(), lots, opened) }
    }
}

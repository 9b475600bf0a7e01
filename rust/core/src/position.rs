//! Positions by account and day, and the inventory of every hedge.

mod holding;
mod margin;

use crate::funds::{Lock, TradeMoney, Worth};
use crate::ids::{
    AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId, ProductId, Table,
};
use crate::instrument::{HedgeFlag, Instrument, Netting, PositionEffect, Prompts, Settlement};
use crate::num::{Money, Price, Qty, Side};
use crate::quote::{HedgePlan, LegLots, LegPlan};
use crate::time::{Day, Time};
use crate::wire::Writer;
use holding::{Days, Holding, Undo};

pub use margin::Opening;

/// What a [`Statement`] of a position is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StatementKind {
    /// The position at the start of the run; booked to `unassigned`, never compared.
    Opening = 0,
    /// To be compared with ours.
    Compare = 1,
}

/// The venue's word on one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Account.
    pub account: AccountId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// When the venue said so.
    pub exchange: Time,
    /// What it is for.
    pub kind: StatementKind,
    /// Long lots.
    pub long: Qty,
    /// Short lots.
    pub short: Qty,
    /// Price at which lots that we did not know are taken over.
    pub price: Price,
}

/// A settlement: the day of the instrument ends, with all that its style pays then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Settlement price.
    pub price: Price,
    /// The trading day that ends; the next one begins with this event.
    pub day: Day,
    /// When the venue said so.
    pub exchange: Time,
}

/// How an account keeps one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Account.
    pub account: AccountId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// The flag of the account, which chooses its margin.
    pub flag: HedgeFlag,
    /// The goods it stands for.
    pub product: ProductId,
    /// How its venue keeps positions.
    pub netting: Netting,
    /// How the instrument settles.
    pub settlement: Settlement,
}

/// Lots of one direction that were opened on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayLots {
    /// The trading day they were opened on.
    pub day: Day,
    /// How many; more than zero.
    pub lots: i64,
    /// Σ price × lots at the last mark: the last settlement, or the trade since then.
    pub cost: i128,
    /// Σ price × lots at which they were opened, untouched by settlements: the entry edge.
    pub entry: i128,
    /// How often some of them were closed or a settlement marked them. While it has not changed, an
    /// execution that is taken back takes out exactly what it put in.
    pub cuts: u32,
}

/// For whom an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A leg of a hedge.
    Hedge(HedgeId, LegId),
    /// Nobody here: an external order, an id that is not known.
    Unassigned,
}

/// One execution as a position sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// For whom.
    pub owner: Owner,
    /// Buy or sell.
    pub side: Side,
    /// What the order said it does; netted positions do not ask.
    pub effect: PositionEffect,
    /// Lots; more than zero.
    pub qty: Qty,
    /// Price.
    pub price: Price,
}

/// What an execution did to one set of lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Lots opened.
    pub opened: Qty,
    /// Lots closed.
    pub closed: Qty,
    /// The realised result since the last mark, in ticks × lots, signed.
    pub realised: i128,
    /// What the closed lots were opened at, in ticks × lots.
    pub entry: i128,
    /// The day that the oldest closed lot was opened on.
    pub closed_day: Day,
    /// The [`DayLots::cuts`] that the opened lots met.
    pub cuts: u32,
}

impl Booked {
    /// Nothing.
    pub const NONE: Booked = Booked {
        opened: Qty::ZERO,
        closed: Qty::ZERO,
        realised: 0,
        entry: 0,
        closed_day: Day(0),
        cuts: 0,
    };

    /// Both, one after the other.
    fn join(self, other: Booked) -> Booked {
        let closed_day = match (self.closed.is_zero(), other.closed.is_zero()) {
            (false, false) => self.closed_day.min(other.closed_day),
            (false, true) => self.closed_day,
            (true, _) => other.closed_day,
        };
        Booked {
            opened: self.opened + other.opened,
            closed: self.closed + other.closed,
            realised: self.realised + other.realised,
            entry: self.entry + other.entry,
            closed_day,
            cuts: self.cuts.max(other.cuts),
        }
    }
}

/// What an execution did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The trading day it is booked to.
    pub day: Day,
    /// To the position of the account: its realised result is what money is booked for.
    pub position: Booked,
    /// To the inventory of its owner: its realised result attributes the account's.
    pub owner: Booked,
    /// Lots of a closing order that found nothing to close; they opened instead.
    pub excess: Qty,
    /// Where its result is locked in until its prompt; `None` where it is paid.
    pub locks: Option<Lock>,
}

impl Filled {
    /// What is kept of an execution, for the state digest.
    pub fn digest(&self, writer: &mut Writer) {
        writer.i64(i64::from(self.day.0));
        writer.i64(self.excess.get());
        for booked in [&self.position, &self.owner] {
            writer.i64(booked.opened.get());
            writer.i64(booked.closed.get());
            writer.i128(booked.realised);
            writer.i128(booked.entry);
            writer.i64(i64::from(booked.closed_day.0));
            writer.u32(booked.cuts);
        }
    }

    /// What [`Positions::fill`] of `trade` means for the money of its account.
    #[must_use]
    pub fn money(&self, instrument: &Instrument, trade: &Trade, fee: Money) -> TradeMoney {
        self.money_of(instrument, trade, fee, -1)
    }

    /// What [`Positions::unfill`] of `trade`, whose fee was `fee`, means for the money.
    #[must_use]
    pub fn money_back(&self, instrument: &Instrument, trade: &Trade, fee: Money) -> TradeMoney {
        self.money_of(instrument, trade, -fee, 1)
    }

    fn money_of(
        &self,
        instrument: &Instrument,
        trade: &Trade,
        fee: Money,
        direction: i64,
    ) -> TradeMoney {
        let paid = instrument.notional(trade.price, trade.qty);
        let none = TradeMoney { fee, ..TradeMoney::default() };
        match instrument.settlement {
            Settlement::DailyVm | Settlement::OnClose(_) | Settlement::Coin(_) => {
                TradeMoney { result: instrument.value(self.position.realised), ..none }
            }
            Settlement::PromptForward => {
                let result = instrument.value(self.position.realised);
                TradeMoney { locked: self.locks.map(|lock| (lock, result)), ..none }
            }
            Settlement::Upfront => {
                TradeMoney { cash_value: paid.times(direction * trade.side.sign()), ..none }
            }
        }
    }
}

/// Lots that may be closed and are not held by a live order, by the day they were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closable {
    /// Of earlier days.
    pub earlier: Qty,
    /// Of today.
    pub today: Qty,
}

/// A position that differs from the venue's; it is the venue's now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionDrift {
    /// Our long and short lots before.
    pub ours: (Qty, Qty),
    /// The venue's.
    pub theirs: (Qty, Qty),
    /// What the lots that vanished realised at the statement's price, in ticks × lots, for
    /// [`crate::funds::Funds::adjust`]; zero where the whole value changes hands.
    pub realised: i128,
    /// Signed lots that hedges count on and the venue does not have, for [`Positions::lose`].
    pub lost: i64,
}

/// The variation of an account at a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The account.
    pub account: AccountId,
    /// Its variation in ticks × lots; positive is received.
    pub ticks_lots: i128,
    /// Long and short lots that have reached their prompt and still stand.
    pub reached: (Qty, Qty),
}

/// Which lots a closing order takes first where today's are told from earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Those of earlier days.
    Earlier,
    /// Today's.
    Today,
}

/// Why a position was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionError {
    /// The account does not trade the instrument.
    NoPair {
        /// Account.
        account: AccountId,
        /// Instrument.
        instrument: InstrumentId,
    },
    /// The leg is not there, has no size, or trades another instrument or account.
    NotTheLeg {
        /// Hedge.
        hedge: HedgeId,
        /// Leg.
        leg: LegId,
    },
    /// No lots were named.
    NoLots,
    /// Fewer lots are there than asked for.
    LotsShort {
        /// Lots asked for.
        asked: Qty,
        /// Lots that are free.
        free: Qty,
    },
    /// The day was settled before.
    Settled {
        /// The day of the settlement.
        day: Day,
        /// The trading day now.
        today: Day,
    },
    /// The order holds lots already.
    HeldBefore {
        /// The order.
        order: ClientOrderId,
    },
    /// As many orders hold lots as the configuration allows.
    Full {
        /// How many.
        max: usize,
    },
}

/// The orders that one intent becomes, at most three, in the order they are to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    children: [Option<(PositionEffect, Qty)>; 3],
}

impl Split {
    /// The effect and size of every order.
    pub fn iter(&self) -> impl Iterator<Item = (PositionEffect, Qty)> {
        self.children.iter().flatten().copied()
    }

    /// Gives the orders other effects.
    pub fn rename(&mut self, effect: impl Fn(PositionEffect) -> PositionEffect) {
        for (named, _) in self.children.iter_mut().flatten() {
            *named = effect(*named);
        }
    }
}

/// Lots of a position that live orders will close.
#[derive(Clone, Copy, Debug, Default)]
struct Reserved {
    earlier: i64,
    today: i64,
}

/// Lots that one live order will close.
#[derive(Clone, Copy, Debug)]
struct LotHold {
    order: ClientOrderId,
    pair: usize,
    /// The direction of the lots: [`Side::Buy`] for longs.
    direction: Side,
    today: bool,
    left: i64,
}

#[derive(Clone, Debug)]
struct Position {
    pair: Pair,
    book: Holding,
    unassigned: Holding,
    /// By direction.
    long_reserved: Reserved,
    short_reserved: Reserved,
    /// Where longs and shorts stand apart: lots of a direction that were closed before it was
    /// told that they were opened. Until it is, they stand as lots of the other direction.
    long_owed: i64,
    short_owed: i64,
    /// The last settlement price, where a settlement marks nothing: what lots are worth while there
    /// is no market.
    settled: Option<Price>,
}

impl Position {
    fn reserved(&self, direction: Side) -> Reserved {
        match direction {
            Side::Buy => self.long_reserved,
            Side::Sell => self.short_reserved,
        }
    }

    fn owed(&self, direction: Side) -> i64 {
        match direction {
            Side::Buy => self.long_owed,
            Side::Sell => self.short_owed,
        }
    }

    fn owed_mut(&mut self, direction: Side) -> &mut i64 {
        match direction {
            Side::Buy => &mut self.long_owed,
            Side::Sell => &mut self.short_owed,
        }
    }

    /// Opens, once what was closed before it was told to be open is made good.
    fn open(&mut self, trade: &Trade, today: Day) -> Booked {
        let Trade { side, price, .. } = *trade;
        let lots = trade.qty.get();
        let owed = self.owed(side).min(lots);
        *self.owed_mut(side) -= owed;
        let newest = self.book.close(side, owed, price, Days::On(today), today);
        let left = owed - newest.closed.get();
        let older = self.book.close(side, left, price, Days::Any, today);
        let opened = self.book.open(side, lots - owed, price, today);
        newest.join(older).join(opened)
    }

    /// Closes; what finds nothing to close opens the other direction and is owed.
    fn close(&mut self, trade: &Trade, first: Days, today: Day) -> (Booked, Qty) {
        let Trade { side, price, .. } = *trade;
        let lots = trade.qty.get();
        let there = self.book.stack(side.flip()).lots() - self.owed(side);
        let asked = self.book.close(side, lots.min(there), price, first, today);
        let left = lots.min(there) - asked.closed.get();
        let other = self.book.close(side, left, price, Days::Any, today);
        let excess = lots - lots.min(there);
        *self.owed_mut(side.flip()) += excess;
        (asked.join(other).join(self.book.open(side, excess, price, today)), Qty::of(excess))
    }

    /// Lots that stand again make good what is owed of them.
    fn make_good(&mut self, today: Day) -> Booked {
        let mut booked = Booked::NONE;
        for direction in [Side::Buy, Side::Sell] {
            let there = self.book.stack(direction).lots() - self.owed(direction.flip());
            let both = self.owed(direction).min(there);
            *self.owed_mut(direction) -= both;
            booked = booked.join(self.book.cancel_out(both, Days::Any, today));
        }
        booked
    }

    /// Keeps what is owed in step with a trade that was taken back and so put `opened` lots of the
    /// other direction there.
    fn owe_after_undo(&mut self, trade: &Trade, opened: i64) {
        match trade.effect {
            PositionEffect::Open => *self.owed_mut(trade.side) += opened,
            PositionEffect::Close | PositionEffect::CloseToday => {
                let gone = trade.qty.get() - opened;
                let owed = self.owed_mut(trade.side.flip());
                *owed = (*owed - gone).max(0);
            }
        }
    }
}

/// A leg of a hedge: what of a position it owns. A leg that only prices has no pair.
#[derive(Clone, Debug)]
struct Leg {
    pair: Option<usize>,
    holding: Holding,
}

/// The positions of every account, and whose they are.
///
/// # Whose
/// An execution is booked twice: to the position of its account, the way the venue keeps it, and
/// to its owner, where longs and shorts always cancel out. The sum over hedges and `unassigned`
/// equals the position in signed lots after every call, and so does `result − cost`, whatever each
/// of them closed first: [`Positions::check`].
///
/// # Days
/// A day begins with the settlement of the one before, by instrument. Until its own settlement
/// names it, it bears the name of the day after the last one settled.
///
/// # Marks
/// A settlement of an instrument whose variation is paid daily marks all lots to its price, in
/// positions and inventories alike, and pays the difference; `entry` keeps what they were opened at,
/// so that the entry edge of a hedge does not move. Lots that are paid in full, or when they are
/// closed, keep their cost.
///
/// # Matching
/// Where a result is paid when lots are closed, it matters which lots those are: a position then
/// keeps every trade's lots apart, or all at one average. Inventories do not: what a hedge has
/// brought is the same either way once its lots are marked.
///
/// # Prompts
/// Where a trade has a prompt, it closes only lots of its own; others stand beside it in the
/// position, longs beside shorts, while they cancel out in inventories. Their rows bear the day they
/// were traded on, which says their prompt, and are never renamed: the trading day, but not before
/// the UTC date ([`Positions::set_date`]), since that of the first trade after a weekend is known
/// only when it has been settled. What stands beyond its prompt is marked at every settlement until the
/// venue says that it has left.
#[derive(Clone, Debug)]
pub struct Positions {
    /// Sorted by (account, instrument).
    pairs: Vec<Position>,
    /// Those of `pairs`, close together: they are asked for often.
    keys: Vec<(AccountId, InstrumentId)>,
    /// Places in `pairs`, by (account, product).
    products: Vec<usize>,
    /// By hedge, by leg.
    hedges: Table<HedgeId, Vec<Leg>>,
    /// The trading day now.
    days: Table<InstrumentId, Day>,
    prompts: Table<InstrumentId, Prompts>,
    /// The UTC date now, where anything has prompts.
    date: Day,
    /// Sorted by order.
    holds: Vec<LotHold>,
    holds_max: usize,
}

impl Positions {
    /// No positions: what each account may trade, the plans of the hedges, and room for `holds_max`
    /// orders that hold lots.
    ///
    /// # Errors
    /// [`PositionError::NoPair`] for a sized leg whose pair is not listed.
    pub fn new(
        instruments: usize,
        pairs: &[Pair],
        hedges: &[&HedgePlan],
        holds_max: usize,
    ) -> Result<Positions, PositionError> {
        let mut pairs = pairs.to_vec();
        pairs.sort_by_key(|pair| (pair.account, pair.instrument));
        pairs.dedup_by_key(|pair| (pair.account, pair.instrument));
        let position = |pair: Pair| Position {
            pair,
            book: Holding::of(pair.settlement),
            unassigned: Holding::owned(pair.settlement),
            long_reserved: Reserved::default(),
            short_reserved: Reserved::default(),
            long_owed: 0,
            short_owed: 0,
            settled: None,
        };
        let mut products: Vec<usize> = (0..pairs.len()).collect();
        products.sort_by_key(|at| pairs.get(*at).map(|pair| (pair.account, pair.product)));
        let mut positions = Positions {
            products,
            keys: pairs.iter().map(|pair| (pair.account, pair.instrument)).collect(),
            pairs: pairs.into_iter().map(position).collect(),
            hedges: Table::new(Vec::new()),
            days: Table::new(vec![Day(0); instruments]),
            prompts: Table::new(vec![Prompts::default(); instruments]),
            date: Day(0),
            holds: Vec::with_capacity(holds_max),
            holds_max,
        };
        let mut rows = Vec::with_capacity(hedges.len());
        for hedge in hedges {
            let legs = hedge.legs.iter().map(|leg| positions.leg(leg));
            rows.push(legs.collect::<Result<Vec<Leg>, PositionError>>()?);
        }
        positions.hedges = Table::new(rows);
        Ok(positions)
    }

    /// With these prompts of the instruments; without them nothing has any.
    #[must_use]
    pub fn on(mut self, prompts: impl Iterator<Item = Prompts>) -> Positions {
        for (own, prompts) in self.prompts.iter_mut().zip(prompts) {
            *own = prompts;
        }
        self
    }

    /// Says the UTC date; it never steps back.
    pub fn set_date(&mut self, date: Day) {
        self.date = date;
    }

    /// The day that a trade in an instrument is booked to now.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
    pub fn trade_day(&self, instrument: InstrumentId) -> Day {
        let day = self.day(instrument);
        if self.prompts[instrument].rows().is_empty() { day } else { day.max(self.date) }
    }

    /// The days whose lots a trade of `day` closes.
    #[expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
    fn closes(&self, instrument: InstrumentId, day: Day) -> Days {
        let prompts = &self.prompts[instrument];
        if prompts.rows().is_empty() {
            return Days::Any;
        }
        let (first, last) = prompts.days(day);
        Days::Within(first, last)
    }

    /// Where the result of a trade of `day` is locked in.
    #[expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
    fn lock(&self, instrument: InstrumentId, day: Day) -> Option<Lock> {
        self.prompts[instrument].of(day).map(|prompt| Lock { instrument, prompt })
    }

    fn leg(&self, plan: &LegPlan) -> Result<Leg, PositionError> {
        let pair = match plan.lots.num() {
            0 => None,
            _ => Some(self.index(plan.account, plan.instrument)?),
        };
        let settlement = pair.map_or(Settlement::DailyVm, |at| self.position(at).pair.settlement);
        Ok(Leg { pair, holding: Holding::owned(settlement) })
    }

    /// Books an execution to its account and its owner.
    ///
    /// Netted: closes the other direction oldest first, opens the rest. Gross: opens, or closes
    /// oldest first. Gross by day: `Close` takes earlier days first and `CloseToday` today, then
    /// whatever there is, since a venue that took a closing order has closed. What finds nothing
    /// to close opens, and is told as [`Filled::excess`].
    ///
    /// # Errors
    /// [`PositionError`] for a pair or leg that is not there, or no lots; then nothing has changed.
    pub fn fill(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        trade: &Trade,
    ) -> Result<Filled, PositionError> {
        let (index, today) = self.door(account, instrument, trade)?;
        let (side, lots, price) = (trade.side, trade.qty.get(), trade.price);
        let cost = self.position(index).pair.settlement.cost(side, price, lots);
        let (days, locks) = (self.closes(instrument, today), self.lock(instrument, today));
        let owner = self.owner(trade.owner, index).net(side, lots, cost, cost, today);
        let position = self.position_mut(index);
        let (booked, excess) = match (position.pair.netting, trade.effect) {
            (Netting::Net, _) => {
                let booked = position.book.net_within(side, lots, (cost, cost), today, days);
                (booked, Qty::ZERO)
            }
            (Netting::Gross | Netting::GrossByDay, PositionEffect::Open) => {
                (position.open(trade, today), Qty::ZERO)
            }
            (Netting::GrossByDay, PositionEffect::CloseToday) => {
                position.close(trade, Days::On(today), today)
            }
            // Oldest first takes earlier days' lots before today's, as `Close` asks.
            (Netting::Gross | Netting::GrossByDay, _) => position.close(trade, Days::Any, today),
        };
        Ok(Filled { day: today, position: booked, owner, excess, locks })
    }

    /// Takes an execution back (a bust; a correction is this and a new [`Positions::fill`]). The
    /// money that the account has and would have moves back exactly, whatever has happened since;
    /// `was`, what the execution did, also gives back the very lots and costs it closed. Without
    /// it, an execution is taken to have opened, or where positions are gross to have done what its
    /// effect says, at its own price.
    ///
    /// # Errors
    /// As [`Positions::fill`].
    pub fn unfill(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        trade: &Trade,
        was: Option<&Filled>,
    ) -> Result<Filled, PositionError> {
        let (index, today) = self.door(account, instrument, trade)?;
        let (side, lots, price) = (trade.side, trade.qty.get(), trade.price);
        let day = was.map_or(today, |was| was.day);
        let (days, locks) = (self.closes(instrument, day), self.lock(instrument, day));
        // What stands again has the prompt of the trade.
        let today = if locks.is_some() { day } else { today };
        // Lots that stand for what is owed are no lots that this trade opened.
        let keep = match trade.effect {
            PositionEffect::Open => self.position(index).owed(side.flip()),
            PositionEffect::Close | PositionEffect::CloseToday => 0,
        };
        let cost = self.position(index).pair.settlement.cost(side, price, lots);
        let undo = |was: Booked, keep: i64| {
            let was = Booked { closed: was.closed.min(trade.qty), ..was };
            Undo { side, lots, price, cost, was, keep, day, days, today }
        };
        let owner = self.owner(trade.owner, index);
        let share = undo(was.map_or(Booked::NONE, |was| was.owner), 0);
        let mut owner_booked = owner.undo(&Undo { days: Days::Any, ..share });
        owner_booked = owner_booked.join(owner.cancel_out(i64::MAX, Days::Any, today));
        let position = self.position_mut(index);
        let guess = || guess(position.pair.netting, trade, today);
        let was = was.map_or_else(guess, |was| was.position);
        let mut booked = position.book.undo(&undo(was, keep));
        if position.pair.netting == Netting::Net {
            booked = booked.join(position.book.cancel_out(i64::MAX, days, today));
        } else {
            position.owe_after_undo(trade, booked.opened.get());
            booked = booked.join(position.make_good(today));
        }
        let (owner, excess) = (owner_booked, Qty::ZERO);
        Ok(Filled { day: today, position: booked, owner, excess, locks })
    }

    /// Moves signed `lots` (what `to` receives) of one contract between two hedges at `price`; the
    /// account's position does not change. Gives what it did to both.
    ///
    /// # Errors
    /// [`PositionError`] for legs of different pairs, or no lots; then nothing has changed.
    pub fn cross(
        &mut self,
        from: (HedgeId, LegId),
        to: (HedgeId, LegId),
        lots: i64,
        price: Price,
    ) -> Result<(Booked, Booked), PositionError> {
        let side = Side::of(lots).ok_or(PositionError::NoLots)?;
        let index = self.pair_of(from)?;
        if self.pair_of(to)? != index || from == to {
            return Err(PositionError::NotTheLeg { hedge: to.0, leg: to.1 });
        }
        let today = self.today(index);
        let cost = self.position(index).pair.settlement.cost(side, price, lots.abs());
        let source = self.owner(Owner::Hedge(from.0, from.1), index);
        let given = source.net(side.flip(), lots.abs(), cost, cost, today);
        let target = self.owner(Owner::Hedge(to.0, to.1), index);
        Ok((given, target.net(side, lots.abs(), cost, cost, today)))
    }

    /// Moves up to signed `lots` (what `to` receives) of one contract between two hedges with what
    /// they cost and the days they were opened on: nothing is realised by whoever gives. Gives the
    /// signed lots that were there, and their cost.
    ///
    /// # Errors
    /// As [`Positions::cross`]; then nothing has changed.
    pub fn hand_over(
        &mut self,
        from: (HedgeId, LegId),
        to: (HedgeId, LegId),
        lots: i64,
    ) -> Result<(i64, i128), PositionError> {
        let side = Side::of(lots).ok_or(PositionError::NoLots)?;
        let index = self.pair_of(from)?;
        if self.pair_of(to)? != index || from == to {
            return Err(PositionError::NotTheLeg { hedge: to.0, leg: to.1 });
        }
        let mut left = lots.abs();
        let (mut moved, mut cost) = (0, 0);
        while left > 0 {
            let stack = self.owner(Owner::Hedge(from.0, from.1), index).stack_mut(side);
            let Some(oldest) = stack.rows().first().map(|row| row.day) else { break };
            let part = stack.close(left, Days::On(oldest));
            left -= part.lots;
            moved += part.lots;
            cost += part.cost;
            let target = self.owner(Owner::Hedge(to.0, to.1), index);
            target.net(side, part.lots, part.cost, part.entry, oldest);
        }
        Ok((side.sign() * moved, cost))
    }

    /// Takes up to signed `lots` of one contract, which went without an order of ours and were
    /// booked to `unassigned`, from the hedges that hold such lots, the last one first, at `price`;
    /// the account's position does not change. Gives the change of every leg.
    ///
    /// # Errors
    /// [`PositionError::NoPair`]; then nothing has changed.
    pub fn lose(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        lots: i64,
        price: Price,
    ) -> Result<Vec<(HedgeId, LegId, i64)>, PositionError> {
        let index = self.index(account, instrument)?;
        let today = self.today(index);
        let Some(side) = Side::of(lots) else { return Ok(Vec::new()) };
        let mut left = lots.abs();
        let mut lost = Vec::new();
        for (hedge, legs) in self.hedges.pairs().collect::<Vec<_>>().into_iter().rev() {
            for (at, leg) in legs.iter().enumerate() {
                let gone = (-side.sign() * leg.holding.lots()).min(left);
                if leg.pair == Some(index) && gone > 0 {
                    lost.push((hedge, LegId::at(at), side.sign() * gone));
                    left -= gone;
                }
            }
        }
        for (hedge, leg, change) in &lost {
            let gone = change.abs();
            let cost = self.position(index).pair.settlement.cost(side, price, gone);
            self.owner(Owner::Hedge(*hedge, *leg), index).net(side, gone, cost, cost, today);
            let unassigned = &mut self.position_mut(index).unassigned;
            unassigned.net(side.flip(), gone, cost, cost, today);
        }
        Ok(lost)
    }

    /// Moves signed `lots` from `unassigned` into a hedge, with their cost and entry.
    ///
    /// # Errors
    /// [`PositionError::LotsShort`] when fewer of that sign are unassigned, and as
    /// [`Positions::cross`]; then nothing has changed.
    pub fn adopt(
        &mut self,
        hedge: HedgeId,
        leg: LegId,
        lots: i64,
    ) -> Result<Booked, PositionError> {
        let side = Side::of(lots).ok_or(PositionError::NoLots)?;
        let index = self.pair_of((hedge, leg))?;
        let today = self.today(index);
        let source = self.position_mut(index).unassigned.stack_mut(side);
        if source.lots() < lots.abs() {
            let (asked, free) = (Qty::of(lots), Qty::of(source.lots()));
            return Err(PositionError::LotsShort { asked, free });
        }
        let mut booked = Booked::NONE;
        let mut left = lots.abs();
        while left > 0 {
            let source = self.position_mut(index).unassigned.stack_mut(side);
            let oldest = source.rows().first().map_or(today, |row| row.day);
            let part = source.close(left, Days::On(oldest));
            left -= part.lots;
            let owner = self.owner(Owner::Hedge(hedge, leg), index);
            booked = booked.join(owner.net(side, part.lots, part.cost, part.entry, oldest));
        }
        Ok(booked)
    }

    /// Takes the venue's word on a position. Lots that we did not know are taken over at its price,
    /// lots that it does not know vanish at its price; both change `unassigned`. An `Opening` is
    /// booked as lots of an earlier day, and compared only with lots that are there already. What
    /// vanished lots realised is for the caller to book as an adjustment.
    ///
    /// # Errors
    /// [`PositionError::NoPair`]; then nothing has changed.
    pub fn statement(
        &mut self,
        statement: &Statement,
    ) -> Result<Option<PositionDrift>, PositionError> {
        let index = self.index(statement.account, statement.instrument)?;
        let today = self.today(index);
        let position = self.position_mut(index);
        let (mut long, mut short) = (statement.long, statement.short);
        let nets = position.nets();
        if nets {
            (long, short) = (long.less(short), short.less(long));
        }
        let book = &mut position.book;
        let ours = (Qty::of(book.stack(Side::Buy).lots()), Qty::of(book.stack(Side::Sell).lots()));
        let before = book.lots();
        let opened = match statement.kind {
            StatementKind::Opening => Day(today.0 - 1),
            StatementKind::Compare => today,
        };
        let price = statement.price;
        // Its word is whole: nothing is owed any more.
        (position.long_owed, position.short_owed) = (0, 0);
        let mut realised = 0;
        let change = long.get() - short.get() - before;
        let cost = |side| position.pair.settlement.cost(side, price, change.abs());
        if let Some(side) = Side::of(change).filter(|_| nets) {
            realised = book.net(side, change.abs(), cost(side), cost(side), opened).realised;
        }
        for (side, have, wanted) in [(Side::Buy, ours.0, long), (Side::Sell, ours.1, short)] {
            let (more, fewer) = (wanted.less(have).get(), have.less(wanted).get());
            if !nets {
                realised += book.close(side.flip(), fewer, price, Days::Any, today).realised;
                book.open(side, more, price, opened);
            }
        }
        let mut lost = 0;
        if let Some(side) = Side::of(change) {
            let cost = cost(side);
            let booked = position.unassigned.net(side, change.abs(), cost, cost, opened);
            let fewer = match side {
                Side::Buy => ours.1.less(short),
                Side::Sell => ours.0.less(long),
            };
            lost = side.sign() * fewer.min(Qty::of(change)).less(booked.closed).get();
        }
        let realised = match position.pair.settlement {
            Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward
            | Settlement::Coin(_) => realised,
            Settlement::Upfront => 0,
        };
        let drift = PositionDrift { ours, theirs: (long, short), realised, lost };
        let compared = match statement.kind {
            StatementKind::Opening => ours != (Qty::ZERO, Qty::ZERO),
            StatementKind::Compare => true,
        };
        Ok((compared && ours != (long, short)).then_some(drift))
    }

    /// Books a settlement: marks what is paid daily or has reached its prompt, names the day, begins
    /// the next, and appends what every account that has such lots receives for them.
    ///
    /// # Errors
    /// [`PositionError::Settled`] for a day that was settled before; then nothing has changed.
    pub fn settle(
        &mut self,
        settle: &Settle,
        variations: &mut Vec<Variation>,
    ) -> Result<(), PositionError> {
        #![expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
        let (instrument, price, day) = (settle.instrument, settle.price, settle.day);
        let today = self.day(instrument);
        if day < today {
            return Err(PositionError::Settled { day, today });
        }
        let mark = |holding: &mut Holding, settlement: Settlement| {
            if settlement != Settlement::PromptForward {
                holding.name_day(today, day);
            }
            match settlement {
                Settlement::DailyVm => holding.remark(price),
                Settlement::Upfront
                | Settlement::OnClose(_)
                | Settlement::PromptForward
                | Settlement::Coin(_) => 0,
            }
        };
        let prompts = &self.prompts[instrument];
        let is_due = |row: &DayLots| prompts.of(row.day).is_some_and(|prompt| prompt <= day);
        for (index, position) in self.pairs.iter_mut().enumerate() {
            let Pair { account, instrument: traded, settlement, .. } = position.pair;
            if traded != instrument {
                continue;
            }
            let mut ticks_lots = mark(&mut position.book, settlement);
            let ((long, short), due) = position.book.remark_some(price, is_due);
            ticks_lots += due;
            let reached = (Qty::of(long), Qty::of(short));
            if settlement.is_unpaid() {
                position.settled = Some(price);
            }
            mark(&mut position.unassigned, settlement);
            let legs = self.hedges.iter_mut().flatten();
            for leg in legs.filter(|leg| leg.pair == Some(index)) {
                mark(&mut leg.holding, settlement);
            }
            for reserved in [&mut position.long_reserved, &mut position.short_reserved] {
                reserved.earlier += reserved.today;
                reserved.today = 0;
            }
            for hold in self.holds.iter_mut().filter(|hold| hold.pair == index) {
                hold.today = false;
            }
            if ticks_lots != 0 || long + short != 0 {
                variations.push(Variation { account, ticks_lots, reached });
            }
        }
        self.begin_day(instrument, Day(day.0 + 1));
        Ok(())
    }

    /// The orders that one intent becomes: lots of the days that go `first` are closed, then those of
    /// the others, the rest opens. Where positions are netted it is one order.
    ///
    /// # Errors
    /// [`PositionError::NoPair`].
    #[inline]
    pub fn split(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        first: First,
    ) -> Result<Split, PositionError> {
        let index = self.index(account, instrument)?;
        match self.position(index).pair.netting {
            Netting::Net => {
                let opens = (!qty.is_zero()).then_some((PositionEffect::Open, qty));
                Ok(Split { children: [None, None, opens] })
            }
            Netting::Gross | Netting::GrossByDay => Ok(self.split_gross(index, side, qty, first)),
        }
    }

    fn split_gross(&self, index: usize, side: Side, qty: Qty, first: First) -> Split {
        let free = self.free(index, side.flip());
        let (earlier, today) = match first {
            First::Earlier => {
                let earlier = qty.min(free.earlier);
                (earlier, qty.less(earlier).min(free.today))
            }
            First::Today => {
                let today = qty.min(free.today);
                (qty.less(today).min(free.earlier), today)
            }
        };
        let opens = qty.less(earlier + today);
        let child = |effect, qty: Qty| (!qty.is_zero()).then_some((effect, qty));
        let earlier = child(PositionEffect::Close, earlier);
        let today = child(PositionEffect::CloseToday, today);
        let opens = child(PositionEffect::Open, opens);
        let children = match first {
            First::Earlier => [earlier, today, opens],
            First::Today => [today, earlier, opens],
        };
        Split { children }
    }

    /// Keeps the lots that an order will close from other orders, and gives how many those are.
    ///
    /// A closing order needs all of them, and so does a sale where the whole value changes hands:
    /// what is not there cannot be sold short. A netted order with margin closes what is free and
    /// opens the rest.
    ///
    /// # Errors
    /// [`PositionError::LotsShort`] when too few are free, [`PositionError::HeldBefore`],
    /// [`PositionError::Full`], [`PositionError::NoPair`]; then nothing has changed.
    pub fn hold_lots(
        &mut self,
        order: ClientOrderId,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        effect: PositionEffect,
        qty: Qty,
    ) -> Result<Qty, PositionError> {
        let index = self.index(account, instrument)?;
        let Err(at) = self.find(order) else { return Err(PositionError::HeldBefore { order }) };
        let pair = self.position(index).pair;
        let direction = side.flip();
        let free = self.free(index, direction);
        let today = pair.netting == Netting::GrossByDay && effect == PositionEffect::CloseToday;
        let free = if today { free.today } else { free.earlier };
        let closes = match (pair.settlement, side, pair.netting, effect) {
            (Settlement::Upfront, Side::Sell, _, _)
            | (
                _,
                _,
                Netting::Gross | Netting::GrossByDay,
                PositionEffect::Close | PositionEffect::CloseToday,
            ) => qty,
            (_, _, Netting::Net, _) => qty.min(free),
            (_, _, Netting::Gross | Netting::GrossByDay, PositionEffect::Open) => Qty::ZERO,
        };
        if closes > free {
            return Err(PositionError::LotsShort { asked: closes, free });
        }
        if closes.is_zero() {
            return Ok(closes);
        }
        if self.holds.len() >= self.holds_max {
            return Err(PositionError::Full { max: self.holds_max });
        }
        let hold = LotHold { order, pair: index, direction, today, left: closes.get() };
        self.holds.insert(at, hold);
        self.reserve(hold, closes.get());
        Ok(closes)
    }

    /// Lets `qty` of the lots that an order keeps go, or all that are left when those are fewer:
    /// they have traded, or never will. Gives how many; none for an order that keeps none.
    pub fn release_lots(&mut self, order: ClientOrderId, qty: Qty) -> Qty {
        let Ok(at) = self.find(order) else { return Qty::ZERO };
        let Some(hold) = self.holds.get_mut(at) else { return Qty::ZERO };
        let released = hold.left.min(qty.get());
        hold.left -= released;
        let hold = *hold;
        if hold.left == 0 {
            self.holds.remove(at);
        }
        self.reserve(hold, -released);
        Qty::of(released)
    }

    /// Lets all lots that an order keeps go.
    pub fn release_all_lots(&mut self, order: ClientOrderId) -> Qty {
        let held = self.held_lots(order);
        self.release_lots(order, held)
    }

    /// Lots that an order keeps.
    #[must_use]
    pub fn held_lots(&self, order: ClientOrderId) -> Qty {
        let hold = self.find(order).ok().and_then(|at| self.holds.get(at));
        hold.map_or(Qty::ZERO, |hold| Qty::of(hold.left))
    }

    /// The orders of an account that keep lots which are gone, and how many of them: where positions
    /// are netted, another order or a bust may take what an order was to close, and it then opens.
    pub fn unbacked(&self, account: AccountId) -> impl Iterator<Item = (ClientOrderId, Qty)> {
        let start = self.keys.partition_point(|key| key.0 < account);
        let pairs = self.pairs.iter().enumerate().skip(start);
        let pairs = pairs.take_while(move |(_, position)| position.pair.account == account);
        let netted = pairs.filter(|(_, position)| position.pair.netting == Netting::Net);
        netted.flat_map(move |(pair, position)| {
            let of = |direction| {
                let kept = position.reserved(direction).earlier;
                (direction, kept - position.book.stack(direction).lots())
            };
            [of(Side::Buy), of(Side::Sell)]
                .into_iter()
                .flat_map(move |(direction, gone)| self.kept_last(pair, direction, gone.max(0)))
        })
    }

    /// The last `lots` that orders keep of a direction of a pair, by order.
    fn kept_last(
        &self,
        pair: usize,
        direction: Side,
        lots: i64,
    ) -> impl Iterator<Item = (ClientOrderId, Qty)> {
        let holds = if lots == 0 { &[] } else { self.holds.as_slice() };
        let of = move |hold: &&LotHold| hold.pair == pair && hold.direction == direction;
        holds.iter().rev().filter(of).scan(lots, |left, hold| {
            let part = hold.left.min(*left);
            *left -= part;
            (part > 0).then_some((hold.order, Qty::of(part)))
        })
    }

    /// Lots that an order of `side` may close and no live order keeps; where days are not told
    /// apart, all stand under `earlier`.
    #[must_use]
    pub fn closable(&self, account: AccountId, instrument: InstrumentId, side: Side) -> Closable {
        let index = self.index(account, instrument);
        index.map_or(Closable::default(), |index| self.free(index, side.flip()))
    }

    /// Whether the account trades the instrument.
    #[must_use]
    pub fn trades(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.index(account, instrument).is_ok()
    }

    /// Signed lots of a position.
    #[must_use]
    pub fn lots(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.read(account, instrument).map_or(0, |position| position.book.lots())
    }

    /// Long and short lots of a position.
    #[must_use]
    pub fn gross(&self, account: AccountId, instrument: InstrumentId) -> (Qty, Qty) {
        self.read(account, instrument).map_or((Qty::ZERO, Qty::ZERO), |position| {
            let of = |side| Qty::of(position.book.stack(side).lots());
            (of(Side::Buy), of(Side::Sell))
        })
    }

    /// The lots of one direction of a position, oldest day first.
    #[must_use]
    pub fn rows(&self, account: AccountId, instrument: InstrumentId, side: Side) -> &[DayLots] {
        self.read(account, instrument).map_or(&[], |position| position.book.stack(side).rows())
    }

    /// Signed lots of a position that belong to no hedge.
    #[must_use]
    pub fn unassigned(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.read(account, instrument).map_or(0, |position| position.unassigned.lots())
    }

    /// Signed lots of every leg of a hedge.
    #[inline]
    #[must_use]
    pub fn inventory(&self, hedge: HedgeId) -> LegLots {
        let mut lots = [0; LEGS_MAX];
        for (lots, leg) in lots.iter_mut().zip(self.hedges.get(hedge).into_iter().flatten()) {
            *lots = leg.holding.lots();
        }
        lots
    }

    /// The lots of a leg of a hedge, oldest day first, and their direction; empty when it has none.
    #[must_use]
    pub fn inventory_rows(&self, hedge: HedgeId, leg: LegId) -> (Side, &[DayLots]) {
        let Some(leg) = self.read_leg(hedge, leg) else { return (Side::Buy, &[]) };
        let side = Side::of(leg.holding.lots()).unwrap_or(Side::Buy);
        (side, leg.holding.stack(side).rows())
    }

    /// What a leg of a hedge has brought since the start of the run, in ticks × lots: realised,
    /// variation, and its lots at `mark`.
    #[must_use]
    pub fn leg_result(&self, hedge: HedgeId, leg: LegId, mark: Price) -> i128 {
        self.read_leg(hedge, leg).map_or(0, |leg| leg.holding.worth(mark))
    }

    /// What a position has brought since the start of the run, in ticks × lots: realised,
    /// variation, and its lots at `mark`.
    #[must_use]
    pub fn position_result(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        mark: Price,
    ) -> i128 {
        self.read(account, instrument).map_or(0, |position| position.book.worth(mark))
    }

    /// What the positions of an account are worth beside its balance: lots at their mark less their
    /// cost, and for what was paid in full the lots at their mark. Without a mark, lots count at
    /// their cost, or at the last settlement price where that paid nothing.
    #[must_use]
    pub fn worth(
        &self,
        account: AccountId,
        mark: impl Fn(InstrumentId) -> Option<Price>,
        instruments: &Table<InstrumentId, Instrument>,
    ) -> Worth {
        let mut worth = Worth::default();
        for position in self.of_account(account) {
            let (book, instrument) = (&position.book, position.pair.instrument);
            let cost = book.cost();
            if cost == 0 && book.lots() == 0 {
                continue;
            }
            let value = match mark(instrument).or(position.settled) {
                Some(mark) => position.pair.settlement.marked(mark, book.lots()),
                None => cost,
            };
            let of = &instruments[instrument];
            match position.pair.settlement {
                Settlement::DailyVm
                | Settlement::OnClose(_)
                | Settlement::PromptForward
                | Settlement::Coin(_) => {
                    worth.paper += of.value(value - cost);
                }
                Settlement::Upfront => worth.holdings += of.value(value),
            }
        }
        worth
    }

    /// The trading day of an instrument now.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
    pub fn day(&self, instrument: InstrumentId) -> Day {
        self.days[instrument]
    }

    /// Proves that hedges and `unassigned` together are the positions, in lots and in
    /// `result − cost`, and that lots kept for orders are the sum of what each keeps; O(all).
    ///
    /// # Panics
    /// When they are not: an invariant is broken.
    pub fn check(&self) {
        for (index, position) in self.pairs.iter().enumerate() {
            let pair = position.pair;
            position.book.check();
            position.unassigned.check();
            let legs = self.hedges.iter().flatten().filter(|leg| leg.pair == Some(index));
            let holdings = legs.map(|leg| &leg.holding).chain([&position.unassigned]);
            let (mut lots, mut basis) = (0, 0);
            for holding in holdings {
                holding.check();
                lots += holding.lots();
                basis += holding.result() - holding.cost();
            }
            let book = &position.book;
            for direction in [Side::Buy, Side::Sell] {
                let (owed, other) = (position.owed(direction), position.owed(direction.flip()));
                let there = book.stack(direction).lots() - other;
                let kept = owed >= 0 && there >= 0 && (owed == 0 || there == 0);
                assert!(kept, "broken invariant: {pair:?} owes {owed} beside {there} lots");
            }
            let (ours, ours_basis) = (book.lots(), book.result() - book.cost());
            assert!(lots == ours, "broken invariant: {pair:?} has {ours} lots, owned {lots}");
            assert!(
                basis == ours_basis,
                "broken invariant: {pair:?} has a basis of {ours_basis}, owned {basis}"
            );
            for (direction, reserved) in
                [(Side::Buy, position.long_reserved), (Side::Sell, position.short_reserved)]
            {
                let of = |today: bool| -> i64 {
                    let holds = self.holds.iter().filter(|hold| hold.pair == index);
                    let holds = holds.filter(|hold| hold.direction == direction);
                    holds.filter(|hold| hold.today == today).map(|hold| hold.left).sum()
                };
                let sums = (of(false), of(true));
                let found = (reserved.earlier, reserved.today);
                assert!(sums == found, "broken invariant: {pair:?} keeps {found:?}, not {sums:?}");
            }
        }
    }

    /// Writes the whole state.
    pub fn digest(&self, writer: &mut Writer) {
        for day in self.days.iter() {
            writer.i64(i64::from(day.0));
        }
        for position in &self.pairs {
            position.book.digest(writer);
            position.unassigned.digest(writer);
            writer.i64(position.long_owed);
            writer.i64(position.short_owed);
            if let Some(price) = position.settled {
                writer.i64(price.0);
            }
        }
        for leg in self.hedges.iter().flatten() {
            leg.holding.digest(writer);
        }
        writer.len(self.holds.len());
        for hold in &self.holds {
            writer.u64(hold.order.0);
            writer.len(hold.pair);
            writer.bool(hold.direction == Side::Sell);
            writer.bool(hold.today);
            writer.i64(hold.left);
        }
    }

    #[inline]
    fn index(&self, account: AccountId, instrument: InstrumentId) -> Result<usize, PositionError> {
        let key = (account, instrument);
        // A few are found sooner one by one.
        let found = if self.keys.len() <= KEYS_FEW {
            self.keys.iter().position(|known| *known == key)
        } else {
            self.keys.binary_search(&key).ok()
        };
        found.ok_or(PositionError::NoPair { account, instrument })
    }

    #[expect(clippy::indexing_slicing, reason = "an index is made by `index` alone")]
    fn position(&self, index: usize) -> &Position {
        &self.pairs[index]
    }

    #[expect(clippy::indexing_slicing, reason = "an index is made by `index` alone")]
    fn position_mut(&mut self, index: usize) -> &mut Position {
        &mut self.pairs[index]
    }

    fn read(&self, account: AccountId, instrument: InstrumentId) -> Option<&Position> {
        self.index(account, instrument).ok().map(|index| self.position(index))
    }

    fn read_leg(&self, hedge: HedgeId, leg: LegId) -> Option<&Leg> {
        self.hedges.get(hedge).and_then(|legs| legs.get(usize::from(leg.0)))
    }

    fn of_account(&self, account: AccountId) -> impl Iterator<Item = &Position> {
        let start = self.pairs.partition_point(|position| position.pair.account < account);
        let rest = self.pairs.iter().skip(start);
        rest.take_while(move |position| position.pair.account == account)
    }

    #[expect(clippy::indexing_slicing, reason = "instruments are checked at the door")]
    fn begin_day(&mut self, instrument: InstrumentId, day: Day) {
        self.days[instrument] = day;
    }

    fn today(&self, index: usize) -> Day {
        self.trade_day(self.position(index).pair.instrument)
    }

    /// The pair of an execution and its trading day, once nothing of it can be refused any more.
    fn door(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        trade: &Trade,
    ) -> Result<(usize, Day), PositionError> {
        let index = self.index(account, instrument)?;
        if trade.qty.is_zero() {
            return Err(PositionError::NoLots);
        }
        match trade.owner {
            Owner::Unassigned => {}
            Owner::Hedge(hedge, leg) => {
                if self.pair_of((hedge, leg))? != index {
                    return Err(PositionError::NotTheLeg { hedge, leg });
                }
            }
        }
        Ok((index, self.today(index)))
    }

    fn pair_of(&self, (hedge, leg): (HedgeId, LegId)) -> Result<usize, PositionError> {
        let pair = self.read_leg(hedge, leg).and_then(|leg| leg.pair);
        pair.ok_or(PositionError::NotTheLeg { hedge, leg })
    }

    /// The inventory of an owner that passed the door.
    fn owner(&mut self, owner: Owner, index: usize) -> &mut Holding {
        match owner {
            Owner::Unassigned => &mut self.position_mut(index).unassigned,
            Owner::Hedge(hedge, leg) => {
                let legs = self.hedges.get_mut(hedge);
                match legs.and_then(|legs| legs.get_mut(usize::from(leg.0))) {
                    Some(leg) => &mut leg.holding,
                    None => panic!("broken invariant: {hedge:?} has no {leg:?}"),
                }
            }
        }
    }

    fn free(&self, index: usize, direction: Side) -> Closable {
        let position = self.position(index);
        if position.pair.settlement == Settlement::PromptForward {
            // What it would close is known only on the day it trades: every order counts as one that
            // opens.
            return Closable::default();
        }
        let stack = position.book.stack(direction);
        let owed = position.owed(direction.flip());
        let reserved = position.reserved(direction);
        let today = match position.pair.netting {
            Netting::Net | Netting::Gross => 0,
            Netting::GrossByDay => stack.lots_on(self.today(index)),
        };
        Closable {
            earlier: Qty::of((stack.lots() - today.max(owed) - reserved.earlier).max(0)),
            today: Qty::of((today - owed - reserved.today).max(0)),
        }
    }

    fn reserve(&mut self, hold: LotHold, lots: i64) {
        let position = self.position_mut(hold.pair);
        let reserved = match hold.direction {
            Side::Buy => &mut position.long_reserved,
            Side::Sell => &mut position.short_reserved,
        };
        if hold.today {
            reserved.today += lots;
        } else {
            reserved.earlier += lots;
        }
    }

    fn find(&self, order: ClientOrderId) -> Result<usize, usize> {
        self.holds.binary_search_by_key(&order, |hold| hold.order)
    }
}

/// How many pairs are gone through one by one.
const KEYS_FEW: usize = 8;

/// What an execution that nobody remembers is taken to have done.
fn guess(netting: Netting, trade: &Trade, today: Day) -> Booked {
    let closed_day = match (netting, trade.effect) {
        (Netting::Net, _) | (_, PositionEffect::Open) => return Booked::NONE,
        (Netting::Gross | Netting::GrossByDay, PositionEffect::Close) => Day(today.0 - 1),
        (Netting::Gross | Netting::GrossByDay, PositionEffect::CloseToday) => today,
    };
    let entry = i128::from(trade.price.0) * i128::from(trade.qty.get());
    Booked { closed: trade.qty, entry, closed_day, ..Booked::NONE }
}

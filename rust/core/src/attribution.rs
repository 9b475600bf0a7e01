//! Where a result comes from: the change of equity, split by cause without a remainder.
//!
//! An observer looks at the engine after every turn that decided something, and never changes it.
//! What is booked (executions, fees, money, the venue's word) is added up by hedge, account and
//! cause when it is booked; what is held is marked when somebody asks. `docs/attribution.md` has
//! the formula and the sign of each cause.
//!
//! # Exactness
//! Amounts are whole 10⁻⁹. In the account's own currency every flow is whole, marks are rounded
//! down by holding, and [`Cause::Dust`] has what that leaves. In the hedge's currency each flow is
//! converted at the rate of its moment without a loss, and what the rate has changed since is
//! [`Cause::Fx`]; each row is rounded down once, and dust has the rest. So the rows of an account
//! sum to what [`Attribution::earned`] finds in funds and positions alone.

mod exact;
mod parts;
mod reference;

use std::collections::BTreeMap;

use crate::command::{AlertCode, Command, Subject};
use crate::config::Config;
use crate::engine::{Booking, BookingKind, Engine};
use crate::event::Event;
use crate::funds::{Bucket, CashKind, Posting};
use crate::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX, LegId, Table,
};
use crate::instrument::{PositionEffect, Settlement};
use crate::merge::is_rate;
use crate::num::{Money, Side};
use crate::order::Place;
use crate::position::Owner;
use crate::quote::{Kind, LegLots, LegPlan, Purpose};
use crate::record::Code;
use crate::time::{Day, Time};
use exact::{Exact, mul_div};
use parts::{Parts, difference};
use reference::{Decided, Done, displayed};

/// Where a part of a result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// Aligned lots of Enter attempts, and of a Roll those it moves to, at the prices displayed when
    /// they were decided.
    EntryEdge = 0,
    /// The same of attempts that give back: Exit, Reduce, Trim, and of a Roll what it leaves.
    ExitEdge = 1,
    /// Aligned lots that are held, at their marks.
    Basis = 2,
    /// Lots that are not aligned: what they traded at and where they are marked.
    Residual = 3,
    /// What rates have changed since each flow.
    Fx = 4,
    /// Funding and interest.
    Carry = 5,
    /// Fees, but for closing what was opened the same day.
    Fees = 6,
    /// Fees for closing what was opened the same day.
    FeesCloseToday = 7,
    /// An attempt's own orders: executions against the prices displayed at the decision.
    Slippage = 8,
    /// Orders that mend: executions against the prices displayed at the decision they mend.
    Repair = 9,
    /// Differences to the venue's word that were booked.
    Adjustment = 10,
    /// Lots that belong to no hedge: what they came in for and where they are marked.
    Unassigned = 11,
    /// What roundings leave.
    Dust = 12,
    /// The orders of a Roll, those that mend too: executions against the prices displayed at the
    /// decision.
    Roll = 13,
}

impl Cause {
    /// Every cause, in the order of its code.
    pub const ALL: [Cause; 14] = [
        Cause::EntryEdge,
        Cause::ExitEdge,
        Cause::Basis,
        Cause::Residual,
        Cause::Fx,
        Cause::Carry,
        Cause::Fees,
        Cause::FeesCloseToday,
        Cause::Slippage,
        Cause::Repair,
        Cause::Adjustment,
        Cause::Unassigned,
        Cause::Dust,
        Cause::Roll,
    ];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cause::EntryEdge => "entry_edge",
            Cause::ExitEdge => "exit_edge",
            Cause::Basis => "basis",
            Cause::Residual => "residual",
            Cause::Fx => "fx",
            Cause::Carry => "carry",
            Cause::Fees => "fees",
            Cause::FeesCloseToday => "fees_close_today",
            Cause::Slippage => "slippage",
            Cause::Repair => "repair",
            Cause::Adjustment => "adjustment",
            Cause::Unassigned => "unassigned",
            Cause::Dust => "dust",
            Cause::Roll => "roll",
        }
    }

    /// The edge of an attempt of this kind; of a Roll, `enters` says that the lots are of the hedge
    /// that it moves sets to.
    fn of_kind(kind: Kind, enters: bool) -> Cause {
        match kind {
            Kind::Enter => Cause::EntryEdge,
            Kind::Roll if enters => Cause::EntryEdge,
            Kind::Exit | Kind::Trim | Kind::Reduce | Kind::Roll => Cause::ExitEdge,
        }
    }
}

/// A part of a result; gains are positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The UTC date.
    pub day: Day,
    /// The hedge; `None` for what belongs to none.
    pub hedge: Option<HedgeId>,
    /// The account.
    pub account: AccountId,
    /// Where it comes from.
    pub cause: Cause,
    /// The hedge's currency; the money's own where there is no hedge, or no rate was ever known.
    pub currency: CurrencyId,
    /// How much in that currency.
    pub amount: Money,
    /// The currency that the money is in.
    pub own_currency: CurrencyId,
    /// How much in that currency; nothing for what only a rate has changed.
    pub own_amount: Money,
}

/// Whose a part is, why it is there, and which currency its money is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hedge: Option<HedgeId>,
    account: AccountId,
    cause: Cause,
    own_currency: CurrencyId,
}

/// What has come in: in its own currency, and converted at the rates of its moments.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    own: i128,
    told: Exact,
}

/// How the currency of a leg becomes that of its hedge: × twice a mid rate × `num` ÷ `den`.
#[derive(Clone, Copy, Debug)]
struct Rate {
    fx: Option<InstrumentId>,
    num: i128,
    den: i128,
}

impl Rate {
    fn of(leg: &LegPlan, config: &Config) -> Rate {
        let tick_value = config.instruments.get(leg.instrument).map_or(1, |of| of.tick_value.0);
        match leg.fx {
            None => Rate { fx: None, num: 1, den: 1 },
            Some(_) => Rate {
                fx: leg.fx,
                num: i128::from(leg.tick_num),
                den: i128::from(leg.tick_den).saturating_mul(tick_value).saturating_mul(2),
            },
        }
    }

    /// An amount at twice a mid rate; nothing while none is known.
    fn told(&self, amount: i128, twice: Option<i128>) -> Exact {
        match twice {
            Some(twice) => Exact::new(amount, self.num.saturating_mul(twice), self.den),
            None => Exact::default(),
        }
    }
}

/// The split of every account's result, kept beside an engine.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The UTC date of the last turn.
    day: Option<Day>,
    flows: BTreeMap<Key, Flow>,
    /// Signed lots of every leg.
    held: Table<HedgeId, LegLots>,
    /// Signed units that all legs hold, over the plan's `unit_den`.
    aligned: Table<HedgeId, i128>,
    /// Signed lots that belong to no hedge.
    unassigned: BTreeMap<(AccountId, InstrumentId), i64>,
    decided: BTreeMap<ClientOrderId, Decided>,
    /// By decision and hedge: a Roll works for two.
    attempts: BTreeMap<(ClientOrderId, HedgeId), Done>,
    /// Twice the last mid, or twice the last price told where no book was ever whole.
    marks: Table<InstrumentId, Option<i128>>,
    /// Twice the last mid that was a rate: more than nothing.
    rates: Table<InstrumentId, Option<i128>>,
    /// What came in as lots, not as money, by account.
    in_kind: Table<AccountId, i128>,
    /// The only hedge that trades in an account.
    hedge_of: Table<AccountId, Option<HedgeId>>,
    /// Parts at the end of the last day that is over.
    before: Parts,
    /// The rows of the days that are over.
    closed: Vec<Row>,
}

#[expect(clippy::indexing_slicing, reason = "ids of the configuration that it was made from")]
impl Attribution {
    /// Nothing has happened yet; it has to see every turn of the engine from its first.
    #[must_use]
    pub fn new(config: &Config) -> Attribution {
        let only = |account: AccountId| {
            let trades = |leg: &LegPlan| leg.account == account && leg.lots.num() != 0;
            let mut of = config.hedges.pairs().filter(|(_, of)| of.plan.legs.iter().any(trades));
            of.next().map(|(id, _)| id).filter(|_| of.next().is_none())
        };
        Attribution {
            day: None,
            flows: BTreeMap::new(),
            held: Table::new(vec![[0; LEGS_MAX]; config.hedges.len()]),
            aligned: Table::new(vec![0; config.hedges.len()]),
            unassigned: BTreeMap::new(),
            decided: BTreeMap::new(),
            attempts: BTreeMap::new(),
            marks: Table::new(vec![None; config.instruments.len()]),
            rates: Table::new(vec![None; config.instruments.len()]),
            in_kind: Table::new(vec![0; config.accounts.len()]),
            hedge_of: Table::new(config.accounts.ids().map(only).collect()),
            before: Parts::new(),
            closed: Vec::new(),
        }
    }

    /// Looks at a turn that was a [`crate::engine::Effect::Decision`]: the event, and the commands
    /// it caused.
    pub fn step(&mut self, engine: &Engine, now: Time, event: &Event, commands: &[Command]) {
        let today = now.date();
        if self.day.is_some_and(|day| day != today) {
            self.close_day(engine);
        }
        self.day = Some(today);
        self.begin(engine, commands);
        for booking in engine.bookings() {
            self.book(engine, booking);
        }
        self.adopt(engine);
        for posting in engine.funds().postings() {
            self.post_foreign(posting);
        }
        match event {
            Event::Cash(cash) => {
                let amount = match cash.kind {
                    CashKind::Funding | CashKind::Interest => (Cause::Carry, cash.amount.0),
                    CashKind::Fee => (Cause::Fees, -cash.amount.0),
                    CashKind::Balance => (Cause::Adjustment, adjusted(engine)),
                    // What is brought in is no result.
                    CashKind::Opening | CashKind::Transfer | CashKind::Collateral => {
                        (Cause::Adjustment, 0)
                    }
                    // What does not arrive was the cost of the way.
                    CashKind::Left | CashKind::Arrived | CashKind::Failed => {
                        self.transfer_costs(engine);
                        (Cause::Adjustment, 0)
                    }
                };
                self.cash(engine, cash.account, amount);
            }
            Event::Settle(settle) => {
                self.marks[settle.instrument] = Some(2 * i128::from(settle.price.0));
                self.forget(engine);
            }
            Event::Book(_)
            | Event::Link(_)
            | Event::Report(_)
            | Event::Answer(_)
            | Event::Position(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick
            | Event::Control(_) => {}
        }
        for (at, command) in commands.iter().enumerate() {
            if let Command::Place(place) = command {
                self.decide(engine, place, displayed(engine, commands, at, place));
            }
        }
        self.see(engine);
    }

    /// Keeps the mids of the books that are whole. To be called before a restart, which takes
    /// every book for lost.
    pub fn see(&mut self, engine: &Engine) {
        let kept = self.marks.iter_mut().zip(self.rates.iter_mut());
        for (id, (mark, rate)) in engine.config().instruments.ids().zip(kept) {
            *mark = mid(engine, id).or(*mark);
            *rate = rate_mid(engine, id).or(*rate);
        }
    }

    /// The parts by day, hedge, account and cause, up to now; those of nothing are left out.
    #[must_use]
    pub fn rows(&self, engine: &Engine) -> Vec<Row> {
        let mut rows = self.closed.clone();
        if let Some(day) = self.day {
            rows.extend(difference(day, &self.parts(engine), &self.before));
        }
        rows
    }

    /// What an account has earned since the start, found in its money and positions alone: balance,
    /// results that are locked in, money in transit and positions at mid marks, less all that was brought in.
    #[must_use]
    pub fn earned(&self, engine: &Engine, account: AccountId) -> Money {
        let (funds, positions) = (engine.funds(), engine.positions());
        let ours = funds.balance(account) + funds.in_transit(account);
        let ours = ours + funds.bucket(account, Bucket::Forward);
        let mut worth = ours.0 - self.in_kind[account];
        for (instrument, of) in engine.config().instruments.pairs() {
            if !positions.trades(account, instrument) {
                continue;
            }
            let cost = |side| -> i128 {
                positions.rows(account, instrument, side).iter().map(|row| row.cost).sum()
            };
            let cost = of.value(cost(Side::Buy) - cost(Side::Sell)).0;
            let lots = i128::from(positions.lots(account, instrument));
            worth += self.marked(engine, instrument, lots, 1);
            worth -= match of.settlement {
                Settlement::DailyVm
                | Settlement::OnClose(_)
                | Settlement::PromptForward
                | Settlement::Coin(_) => cost,
                Settlement::Upfront => 0,
            };
        }
        Money(worth)
            + funds.bucket(account, Bucket::Opening)
            + funds.bucket(account, Bucket::Transfer)
    }

    /// The value of `lots ÷ den` lots at twice the mark, in 10⁻⁹, rounded down.
    fn marked(&self, engine: &Engine, instrument: InstrumentId, lots: i128, den: i128) -> i128 {
        let twice = self.mark(engine, instrument).unwrap_or(0);
        let of = &engine.config().instruments[instrument];
        let tick_value = of.tick_value.0;
        if let Settlement::Coin(face) = of.settlement {
            return if twice > 0 {
                mul_div(-2 * lots, face.0, den.saturating_mul(twice)).0
            } else {
                0
            };
        }
        mul_div(lots, twice.saturating_mul(tick_value), den.saturating_mul(2)).0
    }

    fn mark(&self, engine: &Engine, instrument: InstrumentId) -> Option<i128> {
        mid(engine, instrument).or(self.marks[instrument])
    }

    /// Twice the rate of a currency now; one for the hedge's own.
    fn rate_now(&self, engine: &Engine, rate: &Rate) -> Option<i128> {
        let Some(fx) = rate.fx else { return Some(1) };
        let told = || self.marks[fx].filter(|twice| *twice > 0);
        rate_mid(engine, fx).or(self.rates[fx]).or_else(told)
    }

    /// The rate of an account in a hedge.
    fn rate_of(engine: &Engine, hedge: HedgeId, account: AccountId) -> Option<Rate> {
        let legs = &engine.config().hedges[hedge].plan.legs;
        let leg = legs.iter().find(|leg| leg.account == account && leg.lots.num() != 0)?;
        Some(Rate::of(leg, engine.config()))
    }

    /// Adds what came in for a hedge, at twice a rate.
    fn flow(
        &mut self,
        engine: &Engine,
        hedge: HedgeId,
        account: AccountId,
        (cause, own): (Cause, i128),
        twice: Option<i128>,
    ) {
        if own == 0 {
            return;
        }
        let Some(rate) = Attribution::rate_of(engine, hedge, account) else { return };
        let own_currency = engine.config().accounts[account].currency;
        let key = Key { hedge: Some(hedge), account, cause, own_currency };
        let flow = self.flows.entry(key).or_default();
        flow.own = flow.own.saturating_add(own);
        flow.told = flow.told.plus(rate.told(own, twice), rate.den);
    }

    /// The same at the rate now.
    fn flow_now(
        &mut self,
        engine: &Engine,
        hedge: HedgeId,
        account: AccountId,
        part: (Cause, i128),
    ) {
        let rate = Attribution::rate_of(engine, hedge, account);
        let twice = rate.and_then(|rate| self.rate_now(engine, &rate));
        self.flow(engine, hedge, account, part, twice);
    }

    /// Adds what belongs to no hedge.
    fn loose(&mut self, account: AccountId, own_currency: CurrencyId, (cause, own): (Cause, i128)) {
        if own != 0 {
            let key = Key { hedge: None, account, cause, own_currency };
            let flow = self.flows.entry(key).or_default();
            flow.own = flow.own.saturating_add(own);
            flow.told = Exact::new(flow.own, 1, 1);
        }
    }

    /// Money that came or went without an execution. Carry is the hedge's that alone trades there.
    fn cash(&mut self, engine: &Engine, account: AccountId, part: (Cause, i128)) {
        match self.hedge_of[account].filter(|_| part.0 == Cause::Carry) {
            Some(hedge) => self.flow_now(engine, hedge, account, part),
            None => self.loose(account, engine.config().accounts[account].currency, part),
        }
    }

    /// What transfers that ended cost, in the accounts that they left.
    fn transfer_costs(&mut self, engine: &Engine) {
        for posting in engine.funds().postings().iter().filter(|of| of.to == Bucket::Fee) {
            let currency = engine.config().accounts[posting.account].currency;
            self.loose(posting.account, currency, (Cause::Fees, -posting.amount.0));
        }
    }

    /// A fee in a currency that is not the account's.
    fn post_foreign(&mut self, posting: &Posting) {
        if let Some(currency) = posting.currency {
            self.loose(posting.account, currency, (Cause::Fees, -posting.amount.0));
        }
    }

    fn book(&mut self, engine: &Engine, booking: &Booking) {
        let Booking { account, instrument, lots, .. } = *booking;
        let of = &engine.config().instruments[instrument];
        let value = of.value(booking.value).0;
        if self.marks[instrument].is_none() && lots != 0 {
            self.marks[instrument] = Some(match of.settlement {
                Settlement::Coin(face) => {
                    2 * face.0 * i128::from(lots.abs()) / booking.value.abs().max(1)
                }
                Settlement::Upfront
                | Settlement::DailyVm
                | Settlement::OnClose(_)
                | Settlement::PromptForward => -2 * booking.value / i128::from(lots),
            });
        }
        let fees = match booking.effect {
            PositionEffect::CloseToday => Cause::FeesCloseToday,
            PositionEffect::Open | PositionEffect::Close => Cause::Fees,
        };
        match booking.owner {
            Owner::Unassigned => {
                *self.unassigned.entry((account, instrument)).or_default() += lots;
                self.loose(account, of.currency, (Cause::Unassigned, value));
                self.loose(account, of.currency, (fees, -booking.fee.0));
                // Whole values change hands: lots that only a statement told of were not paid for.
                match (booking.kind, of.settlement) {
                    (BookingKind::Opening, Settlement::Upfront) => self.in_kind[account] -= value,
                    (BookingKind::Compared, Settlement::Upfront) => {
                        self.loose(account, of.currency, (Cause::Adjustment, -value));
                    }
                    (
                        BookingKind::Traded
                        | BookingKind::Adopted
                        | BookingKind::Lost
                        | BookingKind::Crossed,
                        _,
                    )
                    | (
                        BookingKind::Opening | BookingKind::Compared,
                        Settlement::DailyVm
                        | Settlement::OnClose(_)
                        | Settlement::PromptForward
                        | Settlement::Coin(_),
                    ) => {}
                }
            }
            Owner::Hedge(hedge, leg) => {
                self.held[hedge][usize::from(leg.0)] += lots;
                match booking.kind {
                    BookingKind::Traded => self.trade(engine, booking, hedge, leg, value),
                    BookingKind::Crossed => self.cross(engine, booking, hedge, leg, value),
                    BookingKind::Opening
                    | BookingKind::Compared
                    | BookingKind::Adopted
                    | BookingKind::Lost => {}
                }
                self.flow_now(engine, hedge, account, (fees, -booking.fee.0));
            }
        }
    }

    /// An execution of a hedge's order, or a revision of one.
    fn trade(
        &mut self,
        engine: &Engine,
        booking: &Booking,
        hedge: HedgeId,
        leg: LegId,
        value: i128,
    ) {
        let Some(order) = booking.order.filter(|_| booking.lots != 0) else { return };
        let account = booking.account;
        let tick_value = engine.config().instruments[booking.instrument].tick_value.0;
        let decided = self.decided.entry(order).or_insert_with(|| Decided::unseen(booking));
        let came = decided.trade(booking.lots, tick_value);
        let own = match decided.purpose {
            Purpose::Work | Purpose::Hedge | Purpose::Quote => Cause::Slippage,
            Purpose::Supplement | Purpose::Unwind => Cause::Repair,
        };
        let cause = if is_of_roll(engine, booking) { Cause::Roll } else { own };
        self.flow_now(engine, hedge, account, (cause, value - came));
        let placed = engine.orders().get(order).map(|order| order.place.kind);
        let kind = placed.unwrap_or(Kind::Exit);
        self.work(engine, (hedge, leg), (order.decision(), kind), (booking.lots, came));
    }

    /// Attempts that begin with lots that cross: no order says what they are for.
    fn begin(&mut self, engine: &Engine, commands: &[Command]) {
        let crosses = |booking: &Booking| booking.kind == BookingKind::Crossed;
        if !engine.bookings().iter().any(crosses) {
            return;
        }
        for command in commands {
            let Command::Alert(alert) = command else { continue };
            if let (AlertCode::AttemptStarted, Subject::Attempt(decision)) =
                (alert.code, alert.subject)
                && let Some(kind) = Kind::from_code(alert.detail)
            {
                let key = (decision, decision.hedge());
                self.attempts.entry(key).or_insert_with(|| Done::new(kind));
            }
        }
    }

    /// Lots that came from another hedge, or went there. As work of an attempt they are measured
    /// against their own price: nothing slipped. Else they are told as lots that were taken over.
    fn cross(
        &mut self,
        engine: &Engine,
        booking: &Booking,
        hedge: HedgeId,
        leg: LegId,
        value: i128,
    ) {
        if let Some(decision) = booking.order {
            self.work(engine, (hedge, leg), (decision, Kind::Exit), (booking.lots, value));
        }
    }

    /// Adds lots, and what came in for them at the prices they are measured against, to what an
    /// attempt did.
    fn work(
        &mut self,
        engine: &Engine,
        (hedge, leg): (HedgeId, LegId),
        (decision, kind): (ClientOrderId, Kind),
        (lots, came): (i64, i128),
    ) {
        let done = self.attempts.entry((decision, hedge)).or_insert_with(|| Done::new(kind));
        let before = done.legs;
        let done_leg = &mut done.legs[usize::from(leg.0)];
        done_leg.lots += lots;
        done_leg.came += came;
        self.aligned[hedge] += done.align(&engine.config().hedges[hedge].plan);
        let enters = hedge != decision.hedge();
        let (cause, after) = (Cause::of_kind(done.kind, enters), done.legs);
        for ((before, after), plan) in
            before.iter().zip(&after).zip(&engine.config().hedges[hedge].plan.legs)
        {
            let edge = after.edge - before.edge;
            let rest = after.came - before.came - edge;
            let account = plan.account;
            for part in [(cause, edge), (Cause::Residual, rest)] {
                if after.is_decided {
                    self.flow(engine, hedge, account, part, after.rate);
                } else {
                    self.flow_now(engine, hedge, account, part);
                }
            }
        }
    }

    /// Lots that a hedge took over: what they cost is the mark that its basis begins at. Lots that it
    /// lost leave the others beside them without an alignment: a residual from their marks on.
    fn adopt(&mut self, engine: &Engine) {
        let mut taken: BTreeMap<HedgeId, Done> = BTreeMap::new();
        for booking in engine.bookings() {
            let is_moved = match booking.kind {
                BookingKind::Adopted | BookingKind::Lost => true,
                BookingKind::Crossed => booking.order.is_none(),
                BookingKind::Traded | BookingKind::Opening | BookingKind::Compared => false,
            };
            if let (true, Owner::Hedge(hedge, leg)) = (is_moved, booking.owner) {
                let done = taken.entry(hedge).or_insert_with(|| Done::new(Kind::Enter));
                let done_leg = &mut done.legs[usize::from(leg.0)];
                done_leg.lots += booking.lots;
                let of = &engine.config().instruments[booking.instrument];
                done_leg.came += of.value(booking.value).0;
            }
        }
        for (hedge, mut done) in taken {
            let plan = &engine.config().hedges[hedge].plan;
            self.aligned[hedge] += done.align(plan);
            for (done, leg) in done.legs.iter().zip(&plan.legs) {
                self.flow_now(engine, hedge, leg.account, (Cause::Basis, done.edge));
                let rest = done.came - done.edge;
                self.flow_now(engine, hedge, leg.account, (Cause::Residual, rest));
            }
            self.part(engine, hedge);
        }
    }

    /// Counts no more lots as aligned than the legs of a hedge hold together.
    fn part(&mut self, engine: &Engine, hedge: HedgeId) {
        let plan = &engine.config().hedges[hedge].plan;
        let mut together = Done::new(Kind::Exit);
        for (done, held) in together.legs.iter_mut().zip(&self.held[hedge]) {
            done.lots = *held;
        }
        let (most, aligned) = (together.align(plan), self.aligned[hedge]);
        let kept =
            if most.signum() == aligned.signum() { most.abs().min(aligned.abs()) } else { 0 };
        let gone = aligned - aligned.signum() * kept;
        self.aligned[hedge] -= gone;
        for leg in plan.legs.iter().filter(|leg| leg.lots.num() != 0 && gone != 0) {
            let lots = i128::from(leg.side.sign()) * gone;
            let value = self.marked(engine, leg.instrument, lots, i128::from(leg.units.max(1)));
            self.flow_now(engine, hedge, leg.account, (Cause::Basis, value));
            self.flow_now(engine, hedge, leg.account, (Cause::Residual, -value));
        }
    }

    /// An order leaves: what its lots are displayed at is what it is measured against. One that
    /// mends is measured against the decision that it mends.
    fn decide(&mut self, engine: &Engine, place: &Place, cost: i128) {
        let (hedge, leg) = engine.owner_of(place.order);
        let leg = usize::from(leg.0);
        let rate = Rate::of(&engine.config().hedges[hedge].plan.legs[leg], engine.config());
        let rate = self.rate_now(engine, &rate);
        let attempt = place.order.decision();
        let key = (attempt, hedge);
        let done = self.attempts.entry(key).or_insert_with(|| Done::new(place.kind));
        let done_leg = &mut done.legs[leg];
        if !done_leg.is_decided {
            (done_leg.is_decided, done_leg.rate) = (true, rate);
        }
        let qty = place.qty.get();
        let (cost, qty) = match place.purpose {
            Purpose::Work | Purpose::Hedge | Purpose::Quote => *done_leg.work.insert((cost, qty)),
            Purpose::Supplement | Purpose::Unwind => done_leg.work.unwrap_or((cost, qty)),
        };
        self.decided.insert(place.order, Decided::new(place, cost, qty));
    }

    /// Forgets the orders that the engine has forgotten: no news of them is booked any more.
    fn forget(&mut self, engine: &Engine) {
        self.decided.retain(|order, _| engine.orders().get(*order).is_some());
        let decided = &self.decided;
        self.attempts.retain(|(attempt, _), _| {
            decided.range(*attempt..).next().is_some_and(|(order, _)| order.decision() == *attempt)
        });
    }

    fn close_day(&mut self, engine: &Engine) {
        if let Some(day) = self.day {
            let parts = self.parts(engine);
            self.closed.extend(difference(day, &parts, &self.before));
            self.before = parts;
        }
    }
}

/// Whether an execution is of an order that rolls.
fn is_of_roll(engine: &Engine, booking: &Booking) -> bool {
    let order = booking.order.and_then(|order| engine.orders().get(order));
    order.is_some_and(|order| order.place.kind == Kind::Roll)
}

/// Twice the mid of a book that is whole.
fn mid(engine: &Engine, instrument: InstrumentId) -> Option<i128> {
    let touch = engine.book(instrument)?.touch()?;
    Some(touch.iter().map(|price| i128::from(price.0)).sum())
}

/// The same of a book that prices a currency.
fn rate_mid(engine: &Engine, instrument: InstrumentId) -> Option<i128> {
    let is_rate = is_rate(engine.book(instrument)?.touch());
    mid(engine, instrument).filter(|_| is_rate)
}

/// What this turn has booked as a difference to the venue's word.
fn adjusted(engine: &Engine) -> i128 {
    let of = |posting: &&Posting| posting.from == Bucket::Adjustment;
    engine.funds().postings().iter().filter(of).map(|posting| posting.amount.0).sum()
}

//! The turn of an event: judge it whole, apply it, run what is due, decide.
//!
//! The engine is one owned value. It carries values between the columns (market, money, trading),
//! which do not know each other, and it is the only place where they meet. A turn is always the
//! same: the door ([`door`](self)) refuses or passes; evidence is booked; timers that are due at or
//! before `now` run in the order of their due times; then the hedges that the event concerns are
//! driven, in the order of their priority. Whatever is sent takes one path: facts, intents, gates,
//! hold, orders, commands.
#![allow(
    clippy::indexing_slicing,
    reason = "ids were checked at the door; a miss is a broken invariant and must panic"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::attempt::{Attempt, Task};
use crate::book::{Applied, Book, Change};
use crate::clock::Clocks;
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Conduct, Latches, Window, Windows};
use crate::config::Config;
use crate::error::{Error, Field};
use crate::event::{Event, LinkState};
use crate::funds::{Funds, Need, Relief, Worth};
use crate::gate::{LegContext, Policy, Refusal};
use crate::ids::{
    AccountId, ClientOrderId, GroupId, HedgeId, Id, InstrumentId, LEGS_MAX, RUN_MAX, Table,
};
use crate::instrument::Instrument;
use crate::merge::{NO_WALKS, Walks};
use crate::num::Money;
use crate::order::{ExecutionKey, Orders, Place};
use crate::position::{Filled, Opening, Pair, Positions};
use crate::quote::{Data, Facts, Kind, LegLots, Own};
use crate::signal::Signals;
use crate::time::{Day, Span, Time};
use crate::wire::Writer;

pub use booking::{Booking, BookingKind};
use decide::Edge;
use jump::{Reference, References};
use waiting::Waits;
use watch::Watch;

mod booking;
mod budgets;
mod control;
mod crossing;
mod decide;
mod door;
mod evidence;
mod facts;
mod following;
mod gates;
mod jump;
mod losses;
mod money;
mod offsets;
mod quotes;
mod rejects;
mod rolling;
mod send;
pub(crate) mod slippage;
mod timers;
mod top_up;
mod waiting;
mod watch;
mod what_if;

pub use what_if::{Binding, Foreseen, Moment, WhatIf};

/// What a step changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only books, signals and statistics; nothing was commanded.
    Market,
    /// Anything else.
    Decision,
}

/// What the engine keeps of a hedge besides its inventory and its signal.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
struct HedgeState {
    /// The attempt that lives.
    attempt: Option<Box<Attempt>>,
    /// Room for the next one while none lives, so that an attempt is never moved.
    room: Option<Box<Attempt>>,
    /// Whether its last step found an order alive and wanted nothing: only news of its orders, why
    /// its legs are blocked, and time concern it.
    rests: bool,
    /// While it rests: the count of events and the time up to which, books aside, its legs are
    /// known to stay blocked or free as they are.
    still: (u64, Time),
    /// Attempts begun in this run.
    attempts: u32,
    /// The refusal that was told last and still stands.
    refused: Option<Refusal>,
    /// What the walked net figure of every slice of the attempt must reach.
    edge: Option<Edge>,
    /// The value of a tick of a lot of each leg, as it was known last: a rate that is missing when
    /// a fill comes does not make it worth nothing.
    tick_values: [Money; LEGS_MAX],
    /// Signed lots held; kept for the hot path, as the three below.
    held: LegLots,
    /// Signed sets held.
    sets: i64,
    /// The residual held, in common units over the plan's `unit_den`.
    residual: i128,
    /// Whether it is beyond its limit at rest.
    over_residual: bool,
    /// The trading day that its counts belong to: the first leg's.
    day: Day,
    /// Whether all sets are to be given back.
    flatten: bool,
    /// Whether the sets beyond the overnight or holiday limit were told.
    over_told: bool,
    /// When it is to be looked at again without news.
    wake: Time,
    /// Until when its quotes stay where they are, and the ticks that they may give up meanwhile.
    frozen: Option<(Time, i64)>,
    /// Whether it rests its legs, so that every message may bring a price to rest at.
    quotes: bool,
    /// Lots at the places of its Roll when that began.
    base: LegLots,
    /// Whether a Roll is measured from them.
    base_kept: bool,
    /// The hedge whose Roll moves sets here now.
    rolled_by: Option<HedgeId>,
}

impl HedgeState {
    /// Nothing held, and room for an attempt.
    fn new(room: Attempt) -> HedgeState {
        HedgeState {
            attempt: None,
            room: Some(Box::new(room)),
            rests: false,
            still: (0, Time::MAX),
            attempts: 0,
            refused: None,
            edge: None,
            tick_values: [Money::ZERO; LEGS_MAX],
            held: [0; LEGS_MAX],
            sets: 0,
            residual: 0,
            over_residual: false,
            day: Day(0),
            flatten: false,
            over_told: false,
            wake: Time::MAX,
            frozen: None,
            quotes: false,
            base: [0; LEGS_MAX],
            base_kept: false,
            rolled_by: None,
        }
    }

    /// Whether an attempt moves its lots.
    fn is_taken(&self) -> bool {
        self.attempt.is_some() || self.rolled_by.is_some()
    }

    /// Whether every message of its books concerns it, signal or not.
    fn waits(&self) -> bool {
        let at_rest = self.flatten || self.over_residual || self.over_told;
        self.attempt.is_some() || self.quotes || at_rest
    }
}

/// Lots of one order that a walk must not count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    order: ClientOrderId,
    side: crate::num::Side,
    lots: i64,
    /// When the order was done; a newer book message shows what it took.
    done: Option<Time>,
}

/// The whole core: one value that turns events into commands.
#[derive(Clone, Debug)]
pub struct Engine {
    config: Arc<Config>,
    policy: Policy,
    now: Time,
    run: u16,
    /// Events so far that did more than take a book's message in.
    events: u64,
    poisoned: bool,
    books: Table<InstrumentId, Book>,
    references: References,
    waits: Waits,
    instruments: Table<InstrumentId, Instrument>,
    owns: Table<InstrumentId, Own>,
    claims: Table<InstrumentId, Vec<Claim>>,
    /// Hedges that read an instrument as a leg or as fx, in the order of priority.
    readers: Table<InstrumentId, Vec<HedgeId>>,
    signals: Signals,
    orders: Orders,
    /// Orders that are not both done and confirmed, ascending.
    live: Vec<ClientOrderId>,
    funds: Funds,
    positions: Positions,
    /// What this turn changed of what is held.
    bookings: Vec<Booking>,
    /// What every execution did, for taking it back exactly.
    booked: BTreeMap<ExecutionKey, Filled>,
    hedges: Table<HedgeId, HedgeState>,
    /// When each hedge is to be looked at without news: its wake, or the end of its attempt.
    dues: Table<HedgeId, Time>,
    latches: Latches,
    conduct: Conduct,
    links: Table<AccountId, LinkState>,
    days: Table<AccountId, Day>,
    clocks: Clocks,
    deadline: Time,
    /// When the positions have to be told the next UTC date; never where nothing has prompts.
    midnight: Time,
    /// Hedges that every message of their books concerns, signal or not.
    waiting: u32,
    /// What each account has made since its day began, as the gates saw it last.
    day_results: Table<AccountId, Money>,
    /// Accounts whose shortfall was told and still stands.
    short: Table<AccountId, bool>,
    /// Whether a gap of the book was told and its end was not.
    gapped: Table<InstrumentId, bool>,
    /// Hedges that the present event concerns.
    dirty: Vec<HedgeId>,
    /// Whether the present event changed more than the market.
    changed: bool,
    watch: Watch,
    work: Work,
}

/// Buffers that are re-used, so that nothing allocates between a book and its commands.
#[derive(Clone, Debug)]
struct Work {
    needs: Vec<Need>,
    /// Orders that are about to leave.
    places: Vec<Place>,
    /// Orders that leave after those of `places`, for another hedge.
    later: Vec<Place>,
    /// The worst residual of a hedge that is about to begin together with the one looked at.
    beside: Option<(HedgeId, i128)>,
    /// What the orders of one account may open.
    openings: Vec<Opening>,
    /// What the holds of the accounts of `places` were relieved of before them, and with them.
    relieved: Vec<(AccountId, Relief, Relief)>,
    contexts: Vec<LegContext>,
    worth: Table<AccountId, Worth>,
    caps: Table<AccountId, crate::num::Ratio>,
    /// Walks of the hedge that is looked at.
    walks: Walks,
    /// Over how long the slices of an attempt that is about to begin are to begin.
    over: Span,
    /// What the quotes of an attempt that is about to begin have to reach.
    edge: Option<Edge>,
    /// The signed lots a leg that `walks` are for, while they may be relied on: until the end of
    /// the decision they were made for.
    walked: Option<LegLots>,
    facts: Facts,
    /// Legs whose orders in `places` name today's and earlier lots the other way round, as bits.
    resplit: u8,
    /// Legs of `facts` that may say something.
    facts_used: usize,
}

impl Engine {
    /// An engine at `start` with nothing held and nothing known.
    ///
    /// # Errors
    /// [`Error::TimeOutOfRange`] for a `start` outside 1970 to 2200.
    pub fn new(config: &Config, start: Time) -> Result<Engine, Error> {
        let orders_max = usize::try_from(config.counts.orders).unwrap_or(usize::MAX);
        let executions_max = usize::try_from(config.counts.executions).unwrap_or(usize::MAX);
        let accounts = config.accounts.len();
        let instruments = &config.instruments;
        let books = instruments.iter().map(|of| Book::new(of.price_max, of.qty_max)).collect();
        let plans: Vec<_> = config.hedges.iter().map(|hedge| (&hedge.plan, &hedge.rule)).collect();
        let hedge = |id| HedgeState::new(no_attempt(config, id, start));
        let mut engine = Engine {
            policy: config.policy.clone(),
            now: start,
            run: config.run.min(RUN_MAX),
            events: 0,
            poisoned: false,
            books: Table::new(books),
            references: Table::new(vec![Reference::default(); instruments.len()]),
            waits: Waits::new(config),
            instruments: instruments.clone(),
            owns: Table::new(instruments.iter().map(|_| Own::default()).collect()),
            claims: Table::new(instruments.iter().map(|_| Vec::with_capacity(64)).collect()),
            readers: config.readers(),
            signals: Signals::new(&plans, instruments.len()),
            orders: Orders::new(config.hedges.len(), orders_max, executions_max),
            live: Vec::with_capacity(orders_max),
            // Every live order and, for its repair, every attempt may hold once in each account.
            funds: funds(config, orders_max + config.hedges.len() * accounts.max(1)),
            positions: positions(config, orders_max),
            bookings: Vec::with_capacity(16),
            booked: BTreeMap::new(),
            hedges: Table::new(config.hedges.ids().map(hedge).collect()),
            dues: Table::new(vec![Time::MAX; config.hedges.len()]),
            latches: Latches::new(config.venues.len(), accounts, config.hedges.len()),
            conduct: conduct(config),
            links: Table::new(vec![LinkState::Resynced; accounts]),
            days: Table::new(vec![Day(0); accounts]),
            clocks: Clocks::new(config.venues.len()),
            deadline: Time::MAX,
            midnight: if has_dates(config) { Time::EARLIEST } else { Time::MAX },
            waiting: 0,
            day_results: Table::new(vec![Money::ZERO; accounts]),
            short: Table::new(vec![false; accounts]),
            gapped: Table::new(vec![false; instruments.len()]),
            dirty: Vec::with_capacity(config.hedges.len()),
            changed: false,
            watch: Watch::new(&config.policy, config),
            work: Work {
                needs: Vec::with_capacity(64),
                places: Vec::with_capacity(64),
                later: Vec::with_capacity(64),
                beside: None,
                openings: Vec::with_capacity(64),
                relieved: Vec::with_capacity(LEGS_MAX),
                contexts: Vec::with_capacity(LEGS_MAX),
                worth: Table::new(vec![Worth::default(); accounts]),
                caps: Table::new(config.policy.accounts.iter().map(|of| of.usage_cap).collect()),
                walks: NO_WALKS,
                walked: None,
                edge: None,
                over: Span::ZERO,
                facts: Facts::UNKNOWN,
                resplit: 0,
                facts_used: 0,
            },
            config: Arc::new(config.clone()),
        };
        door::stamp(Field::Now, start)?;
        engine.turn_date();
        engine.brace_margins();
        engine.set_reaches();
        engine.note_quoting();
        engine.set_deadline();
        Ok(engine)
    }

    /// Takes one event at engine time `now` and appends what is to be done to `out`.
    ///
    /// # Errors
    /// What the door refuses; then nothing has changed.
    pub fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Error> {
        if let Event::Book(change) = event {
            return self.change(now, change, out);
        }
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.check_now(now)?;
        self.check(now, event)?;
        self.begin(now);
        self.changed |= !matches!(event, Event::Tick);
        self.apply(event, out);
        self.finish(out);
        Ok(if self.changed { Effect::Decision } else { Effect::Market })
    }

    /// Takes one row of a book: what [`Engine::handle`] does with [`Event::Book`], without one.
    ///
    /// # Errors
    /// What the door refuses; then nothing has changed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn change(
        &mut self,
        now: Time,
        change: &Change,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.check_now(now)?;
        // What has not been received yet would look fresh until then.
        if change.receive > now {
            return Err(door::refusal_of_receive(change));
        }
        let Some(book) = self.books.get_mut(change.instrument) else {
            self.instrument(change.instrument)?;
            return Err(Error::Poisoned);
        };
        let applied = book.take(change)?;
        self.now = now;
        // Inside a message the book is neither what it was nor what it will be: what is due waits
        // for the last row.
        if applied == Applied::Open {
            return Ok(Effect::Market);
        }
        Ok(self.market(change.instrument, applied, out))
    }

    /// Judges all rows of one message before the first is given to [`Engine::change`].
    ///
    /// # Errors
    /// What the door refuses, with the place of the row.
    pub fn check_message(&self, now: Time, rows: &[Change]) -> Result<(), (usize, Error)> {
        if self.poisoned {
            return Err((0, Error::Poisoned));
        }
        self.check_now(now).map_err(|error| (0, error))?;
        let Some(first) = rows.first() else { return Ok(()) };
        for (at, row) in rows.iter().enumerate() {
            if row.receive > now {
                return Err((at, door::refusal_of_receive(row)));
            }
            if row.instrument != first.instrument {
                return Err((at, Error::Contradiction { field: Field::Instrument }));
            }
        }
        match self.books.get(first.instrument) {
            Some(book) => book.check_message(rows),
            None => self.instrument(first.instrument).map_err(|error| (0, error)),
        }
    }

    /// A lower bound of the next moment at which a timer is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        (self.deadline < Time::MAX).then_some(self.deadline)
    }

    fn begin(&mut self, now: Time) {
        self.now = now;
        self.events += 1;
        self.changed = false;
        self.funds.begin_event();
        self.bookings.clear();
        self.dirty.clear();
        self.turn_date();
    }

    fn turn_date(&mut self) {
        if self.now >= self.midnight {
            self.positions.set_date(self.now.date());
            self.midnight = self.now.next_date();
            self.step_margins_before(self.now.date());
        }
    }

    fn finish(&mut self, out: &mut Vec<Command>) {
        self.settle_reliefs();
        self.run_timers(out);
        self.settle_reliefs();
        self.watch(out);
        self.drive_dirty(out);
        self.settle_reliefs();
        self.tell_shortfalls(out);
        self.funds.balanced();
        self.set_deadline();
    }

    fn settle_reliefs(&mut self) {
        let offsets = self.changed && self.config.offsets.iter().any(|table| !table.is_empty());
        if self.funds.take_stale() || offsets {
            self.note_reliefs();
        }
    }

    /// A row that is not inside a message.
    #[inline(never)]
    fn market(
        &mut self,
        instrument: InstrumentId,
        applied: Applied,
        out: &mut Vec<Command>,
    ) -> Effect {
        let mut reached = false;
        if applied == Applied::Done {
            self.forget_claims(instrument);
            reached = self.message(instrument);
            if self.now >= self.references[instrument].due {
                reached |= self.sample(instrument);
            }
        }
        let calls = match applied {
            Applied::Open | Applied::Ignored => false,
            Applied::Done => reached || self.waiting > 0 || self.gapped[instrument],
            Applied::Gap => true,
        };
        if calls || self.now >= self.deadline.min(self.watch.stale) {
            self.market_news(instrument, applied, reached, out)
        } else {
            self.deadline = self.deadline.min(self.watch.miss());
            Effect::Market
        }
    }

    /// What follows from a row, where anything may.
    #[inline(never)]
    fn market_news(
        &mut self,
        instrument: InstrumentId,
        applied: Applied,
        reached: bool,
        out: &mut Vec<Command>,
    ) -> Effect {
        self.dirty.clear();
        let mut whole = false;
        if applied == Applied::Done {
            whole = self.gapped[instrument] && self.books[instrument].data() != Data::Gapped;
            let idle = self.now < self.deadline.min(self.watch.stale);
            if !self.gather(instrument, reached) && idle && !whole {
                self.deadline = self.deadline.min(self.watch.miss());
                return Effect::Market;
            }
        }
        self.watch.miss();
        self.funds.begin_event();
        self.bookings.clear();
        self.events += 1;
        self.changed = false;
        // It may book margin.
        self.turn_date();
        let before = out.len();
        let subject = Subject::Instrument(instrument);
        if applied == Applied::Gap {
            self.changed = true;
            self.gapped[instrument] = true;
            out.push(Command::Resync(instrument));
            self.alert(out, AlertCode::Gap, Urgency::Warn, subject, 0, 0);
        }
        if whole {
            self.gapped[instrument] = false;
            self.alert(out, AlertCode::Whole, Urgency::Info, subject, 0, 0);
        }
        self.finish(out);
        self.changed |= out.len() > before;
        if self.changed { Effect::Decision } else { Effect::Market }
    }

    fn alert(
        &mut self,
        out: &mut Vec<Command>,
        code: AlertCode,
        urgency: Urgency,
        subject: Subject,
        value: i128,
        limit: i128,
    ) {
        self.changed = true;
        let (refusal, detail) = (None, 0);
        out.push(Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit }));
    }

    fn alert_coded(
        &mut self,
        out: &mut Vec<Command>,
        code: AlertCode,
        urgency: Urgency,
        detail: u8,
        subject: Subject,
    ) {
        self.changed = true;
        let (refusal, value, limit) = (None, 0, 0);
        out.push(Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit }));
    }

    fn touch(&mut self, hedge: HedgeId) {
        if let Err(at) = self.dirty.binary_search(&hedge) {
            self.dirty.insert(at, hedge);
        }
    }

    fn touch_account(&mut self, account: AccountId) {
        for hedge in self.config.hedges.ids() {
            let legs = &self.config.hedges[hedge].widest().legs;
            if legs.iter().any(|leg| leg.account == account) {
                self.touch(hedge);
            }
        }
    }

    /// SHA-256 over the canonical encoding of the state; a book enters by its number, its level
    /// counts, its best prices and a sum over its levels.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut out = Writer::new();
        out.i64(self.now.0);
        out.u16(self.run);
        out.bool(self.poisoned);
        self.policy.write(&mut out);
        for book in self.books.iter() {
            book.digest(&mut out);
        }
        for reference in self.references.iter() {
            reference.digest(&mut out);
        }
        self.waits.digest(&mut out);
        for instrument in self.instruments.iter() {
            digest_instrument(instrument, &mut out);
        }
        self.signals.digest(&mut out);
        self.orders.digest(&mut out);
        self.funds.digest(&mut out);
        self.positions.digest(&mut out);
        for state in self.hedges.iter() {
            digest_hedge(state, &mut out);
        }
        self.latches.digest(&mut out);
        self.conduct.digest(&mut out);
        for (link, day) in self.links.iter().zip(self.days.iter()) {
            out.u8(link_code(*link));
            out.i64(i64::from(day.0));
        }
        for claims in self.claims.iter() {
            out.len(claims.len());
            for claim in claims {
                out.u64(claim.order.0);
                out.bool(claim.side == crate::num::Side::Sell);
                out.i64(claim.lots);
                out.option_i64(claim.done.map(|done| done.0));
            }
        }
        for told in self.short.iter().chain(self.gapped.iter()) {
            out.bool(*told);
        }
        self.clocks.digest(&mut out);
        self.watch.digest(&mut out);
        // In the order of the executions, whose keys the orders give.
        out.len(self.booked.len());
        for filled in self.booked.values() {
            filled.digest(&mut out);
        }
        Sha256::digest(out.as_slice()).into()
    }

    /// The engine time of the last event.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// The number of the run that goes on.
    #[must_use]
    pub const fn run(&self) -> u16 {
        self.run
    }

    /// The configuration of the run.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The book of an instrument.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument)
    }

    /// The signals of the hedges.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The limits and execution values that count now.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The orders that are not forgotten.
    #[must_use]
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The money of the accounts.
    #[must_use]
    pub fn funds(&self) -> &Funds {
        &self.funds
    }

    /// What the last turn changed of what is held, for whom, and what it cost.
    #[must_use]
    pub fn bookings(&self) -> &[Booking] {
        &self.bookings
    }

    /// The positions and inventories.
    #[must_use]
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// The attempt of a hedge that lives.
    #[must_use]
    pub fn attempt(&self, hedge: HedgeId) -> Option<&Attempt> {
        self.hedges.get(hedge).and_then(|state| state.attempt.as_deref())
    }

    /// The latches: HALT, stop, RESTRICT.
    #[must_use]
    pub fn latches(&self) -> &Latches {
        &self.latches
    }

    /// Signed lots of an account.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.positions.lots(account, instrument)
    }

    /// Signed lots of an account that belong to no hedge.
    #[must_use]
    pub fn unassigned(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.positions.unassigned(account, instrument)
    }

    /// The residual of a hedge, in common units over its `unit_den`.
    #[must_use]
    pub fn residual(&self, hedge: HedgeId) -> i128 {
        self.config.hedges[hedge].plan.residual(&self.positions.inventory(hedge))
    }

    /// Signed sets that a hedge holds.
    #[must_use]
    pub fn sets(&self, hedge: HedgeId) -> i64 {
        self.config.hedges[hedge].plan.sets(&self.positions.inventory(hedge))
    }

    /// Money held for live orders and repair of an account, quarantine included, as far as it may be
    /// needed together.
    #[must_use]
    pub fn held(&self, account: AccountId) -> Money {
        self.funds.held(account) + self.funds.quarantined(account) - self.funds.relief(account)
    }

    /// Free money of an account.
    #[must_use]
    pub fn cash(&self, account: AccountId) -> Money {
        self.funds.available(account)
    }

    /// Orders that are not both done and confirmed.
    #[must_use]
    pub fn live_orders(&self) -> usize {
        self.live.len()
    }

    /// Whether the state is no longer trusted.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

/// Whether anything turns with the date.
fn has_dates(config: &Config) -> bool {
    let has = |of: &Instrument| !of.prompts.rows().is_empty() || !of.margin_steps.is_empty();
    config.instruments.iter().any(has)
}

/// What fills the room for a hedge's attempts until the first begins.
fn no_attempt(config: &Config, id: HedgeId, start: Time) -> Attempt {
    let (decision, kind) = (ClientOrderId(0), Kind::Enter);
    let task = Task { decision, kind, from: 0, to: 0, clip: 0, over: Span::ZERO };
    let execution = config.policy.hedges[id].execution;
    Attempt::new(task, execution, &config.hedges[id].plan, [0; LEGS_MAX], start)
}

fn positions(config: &Config, holds_max: usize) -> Positions {
    let mut pairs = Vec::new();
    for (account, of) in config.accounts.pairs() {
        for (instrument, traded) in config.instruments.pairs() {
            if traded.venue == of.venue && traded.currency == of.currency {
                pairs.push(Pair {
                    account,
                    instrument,
                    flag: of.flag,
                    product: traded.product,
                    netting: config.venues[of.venue].netting,
                    settlement: traded.settlement,
                });
            }
        }
    }
    let plans: Vec<_> = config.hedges.iter().map(|hedge| &hedge.plan).collect();
    match Positions::new(config.instruments.len(), &pairs, &plans, holds_max) {
        Ok(positions) => positions.on(config.instruments.iter().map(|of| of.prompts.clone())),
        Err(error) => panic!("broken invariant: a leg outside its account: {error:?}"),
    }
}

fn conduct(config: &Config) -> Conduct {
    let policy = &config.policy;
    let window = |rate, reserve| Window::new(rate, reserve);
    let venues = policy.venues.iter().map(|of| window(of.message_rate, of.cancel_reserve));
    let accounts = policy.accounts.iter().map(|of| window(of.message_rate, of.cancel_reserve));
    let instruments = policy.instruments.iter();
    let instruments = instruments.map(|of| window(of.message_rate, of.cancel_reserve));
    let windows = Windows {
        venues: Table::new(venues.collect()),
        accounts: Table::new(accounts.collect()),
        instruments: Table::new(instruments.collect()),
    };
    let mut groups: Vec<&str> = Vec::new();
    let mut of = Vec::with_capacity(config.accounts.len());
    for account in config.accounts.iter() {
        let known = groups.iter().position(|group| *group == account.group);
        let group = known.unwrap_or(groups.len());
        if group == groups.len() {
            groups.push(&account.group);
        }
        of.push((account.venue, GroupId::at(group)));
    }
    let legs = config.hedges.iter().flat_map(|hedge| &hedge.widest().legs);
    let pairs: Vec<_> = legs.map(|leg| (leg.account, leg.instrument)).collect();
    Conduct::new(windows, &Table::new(of), &pairs, config.hedges.len())
}

fn funds(config: &Config, holds_max: usize) -> Funds {
    let accounts = config.accounts.len();
    let mut funds = Funds::new(accounts, holds_max).on(config.accounts.iter().map(|of| of.terms));
    for (account, _) in config.offsets.pairs().filter(|(_, table)| !table.is_empty()) {
        funds.offset(account);
    }
    funds
}

fn link_code(link: LinkState) -> u8 {
    match link {
        LinkState::Down => 0,
        LinkState::Up => 1,
        LinkState::Resynced => 2,
    }
}

fn digest_instrument(instrument: &Instrument, out: &mut Writer) {
    let said = instrument.phases.said();
    out.u8(said.map_or(u8::MAX, |said| said.phase.code()));
    out.option_i64(said.map(|said| said.until.0));
    out.option_i64(instrument.band.map(|band| band.low.0));
    out.option_i64(instrument.band.map(|band| band.high.0));
    let margin = &instrument.margin;
    for rate in [margin.long, margin.short] {
        out.i64(rate.num());
        out.i64(rate.den());
    }
    out.i128(margin.floor_per_lot.0);
    for step in &instrument.margin_steps {
        out.i64(i64::from(step.settles.0));
    }
    // States without them keep the digest that they had before these were known.
    if margin.is_by_lot() {
        out.i128(margin.long_per_lot.0);
        out.i128(margin.short_per_lot.0);
    }
    for (flag, own) in (0..).zip(&instrument.flag_margins) {
        if let Some(own) = own {
            out.u8(flag);
            for rate in [own.long, own.short] {
                out.i64(rate.num());
                out.i64(rate.den());
            }
            for per_lot in [own.long_per_lot, own.short_per_lot, own.floor_per_lot] {
                out.i128(per_lot.0);
            }
        }
    }
}

fn digest_hedge(state: &HedgeState, out: &mut Writer) {
    out.u32(state.attempts);
    out.i64(i64::from(state.day.0));
    out.bool(state.flatten);
    out.bool(state.over_told);
    out.u8(state.refused.map_or(u8::MAX, Refusal::code));
    out.i64(state.wake.0);
    out.option_i64(state.frozen.map(|(until, _)| until.0));
    out.option_i64(state.frozen.map(|(_, adverse)| adverse));
    for value in &state.tick_values {
        out.i128(value.0);
    }
    match state.edge {
        Some(edge) => edge.digest(out),
        None => out.u8(u8::MAX),
    }
    out.bool(state.base_kept);
    if state.base_kept {
        state.base.iter().for_each(|lots| out.i64(*lots));
    }
    match &state.attempt {
        Some(attempt) => {
            out.u8(1);
            attempt.digest(out);
        }
        None => out.u8(0),
    }
}

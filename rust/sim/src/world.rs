//! A seeded world on a virtual clock: venues, what lies between them and the engine, and the loop.
//!
//! The engine is one closure, so a bare engine, a session with a journal or a script can be driven.
//! Recorded rows reach the venue at their exchange time and the engine at their receive time;
//! everything else waits in one queue, ordered by time and then by the order of its making.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::Effect;
use cross_market_core::event::{Control, Event, Link, LinkState, LinkTo, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, ClientOrderId, Id, InstrumentId, Note, VenueId};
use cross_market_core::instrument::{Instrument, Settlement};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{Cancel, Report};
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::time::{Day, Span, Time};

use crate::atlas::{Cell, is_of_moment};
use crate::bank::{Bank, Deed};
use crate::check::Checker;
use crate::depth::Level;
use crate::digest::Digest;
use crate::fault::{Fault, Faults};
use crate::latency::VenueLatency;
use crate::market::{Market, Shape};
use crate::mind::{Closures, Mind};
use crate::minimise::{Given, Recorded as Kept};
use crate::outcome::Outcome;
use crate::random::Random;
use crate::rulings::Odd;
use crate::storms::{Return, is_settled};
use crate::truth::{Lots, Terms, Truth};
use crate::venue::{Listing, SimVenue};

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldSetup {
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// When it begins.
    pub start: Time,
    /// How long messages take, by venue.
    pub latencies: Vec<VenueLatency>,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether fills carry the cumulative quantity, by venue.
    pub says_cum: Vec<bool>,
    /// Whether the rules of [`crate::check`] are held after each event.
    pub check: bool,
    /// Whether the caller can restart the engine: only then [`Fault::Restart`] fires.
    pub restarts: bool,
    /// Whether events and commands are kept as text.
    pub trace: bool,
}

impl WorldSetup {
    /// A world without faults, rules or trace, and the same latency everywhere.
    #[must_use]
    pub fn plain(seed: u64, start: Time, config: &Config, latency: Span) -> WorldSetup {
        let venues = config.venues.len();
        WorldSetup {
            seed,
            start,
            latencies: vec![VenueLatency::constant(latency); venues],
            faults: Faults::none(seed),
            says_cum: vec![true; venues],
            check: false,
            restarts: false,
            trace: false,
        }
    }
}

/// Why [`World::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Everything up to the moment asked for is done.
    Until,
    /// The engine has had news of orders, money or positions, and rules are held: the caller may
    /// compare it with [`crate::check::as_told`], and calls [`World::run`] again.
    News,
    /// The process died: the caller restarts the engine and calls [`World::restarted`].
    Restart,
}

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// The engine is given an event as it is.
    Event(Event),
    /// The bank does or tells something.
    Bank(Deed),
    /// The engine is given a market row.
    Row(Change),
    /// The engine is given a row of a book that somebody made up.
    Absurd(Change),
    /// The engine is given a report of the log.
    Report(usize),
    /// The engine is given a report of the log once more with another size, if it had it already.
    Mutated(usize),
    /// The engine is given a report of the log once more under another id, if it had it already.
    Aliased(usize),
    /// The engine is given an end of the log once more, if it had it already.
    EndAgain(usize),
    /// The engine is given a report of the log that names another contract, if it had it already.
    Misnamed(usize),
    /// The engine hears how the session of a trading login stands, if it is still that one.
    Session(AccountId, LinkState, u32),
    /// A command reaches its venue.
    Command(Command),
    /// Something happens at a venue.
    Venue(VenueId, Happening),
    /// Something that was broken is whole again.
    Restore(Restore),
    /// The generated market moves.
    Market,
    /// A stalled process is awake again.
    Wake,
}

/// What happens at a venue by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// It ends an order: cancelled or expired.
    End(usize, bool),
    /// It fills lots of an order that was done.
    LateFill(usize, i64),
    /// It takes an execution back.
    Bust(usize),
    /// It corrects an execution.
    Correct(usize),
    /// It tells a fee.
    Fee(usize),
    /// It tells everything it knows of an order.
    Evidence(usize),
}

/// What becomes whole again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Restore {
    /// A trading login.
    Login(AccountId),
    /// A login that heard nothing, without a word of it.
    Deaf(AccountId),
    /// A feed that is down.
    Feed(InstrumentId),
    /// A feed that was silent.
    Thaw(InstrumentId),
    /// A halted instrument.
    Halt(InstrumentId),
    /// A price band.
    Band(InstrumentId),
    /// A book that was empty or odd.
    Book(InstrumentId),
    /// The rules of an instrument.
    Rules(InstrumentId),
    /// Nothing is yet: a line goes down once more, and so often again.
    Flap(AccountId, u32),
    /// Nothing is yet: a venue stops for so long.
    Stop(VenueId, Span),
    /// Nothing is yet: cancels that were collected leave.
    Batch,
    /// What is known of a position: the venue's word on it.
    State(AccountId, InstrumentId),
}

/// Whether the quiet phase waits for an item: for anything but market data.
fn is_news(item: &Item) -> bool {
    !matches!(item, Item::Market | Item::Row(_) | Item::Absurd(_))
}

#[derive(Debug)]
struct Queued {
    time: Time,
    count: u64,
    item: Item,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        (self.time, self.count) == (other.time, other.count)
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> std::cmp::Ordering {
        (self.time, self.count).cmp(&(other.time, other.count))
    }
}

/// A trading login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    pub(crate) venue: VenueId,
    pub(crate) down: bool,
    pub(crate) mute_until: Time,
    pub(crate) deaf_until: Time,
    pub(crate) last_sent: Time,
    pub(crate) last_told: Time,
    /// Counts how often it came back.
    pub(crate) session: u32,
    /// How it comes back next.
    pub(crate) ways: Return,
}

/// A market data feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    pub(crate) venue: VenueId,
    pub(crate) down: bool,
    pub(crate) frozen: bool,
    pub(crate) numbered: bool,
    pub(crate) seq: u64,
    pub(crate) last: Time,
    pub(crate) day: Day,
}

/// The trading day on which every run begins.
pub(crate) const FIRST_DAY: Day = Day(20_000);

/// A report that a venue made, and whether the engine has had it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged {
    pub(crate) report: Report,
    pub(crate) delivered: bool,
}

/// Recorded rows, in the order in which they were received, and how far they have been played.
#[derive(Debug, Default)]
struct Recorded {
    /// As the engine takes them.
    rows: Vec<Event>,
    /// When each reaches its venue, and its place.
    by_exchange: Vec<(Time, usize)>,
    at_venue: usize,
    at_engine: usize,
}

impl Recorded {
    /// Lets go of the rows that both venue and engine have taken.
    fn forget_played(&mut self) {
        self.by_exchange.drain(..self.at_venue);
        self.at_venue = 0;
        let needed = self.by_exchange.iter().map(|(_, at)| *at).min();
        let played = self.at_engine.min(needed.unwrap_or(self.rows.len()));
        self.rows.drain(..played);
        self.at_engine -= played;
        self.by_exchange.iter_mut().for_each(|(_, at)| *at -= played);
    }

    /// The next row to reach its venue.
    #[inline]
    fn at_venue(&self) -> Option<&Change> {
        let (_, at) = self.by_exchange.get(self.at_venue)?;
        self.rows.get(*at).and_then(change_of)
    }

    /// When it does.
    #[inline]
    fn venue_time(&self) -> Option<Time> {
        self.by_exchange.get(self.at_venue).map(|(time, _)| *time)
    }

    /// The next row to reach the engine.
    #[inline]
    fn at_engine(&self) -> Option<&Event> {
        self.rows.get(self.at_engine)
    }

    /// When it does.
    #[inline]
    fn engine_time(&self) -> Option<Time> {
        self.at_engine().and_then(change_of).map(|row| row.receive)
    }
}

/// A recorded row reaches its venue; gives whether an order of ours rests in its instrument.
#[inline]
fn row_at_venue(feeds: &mut [Feed], venues: &mut [SimVenue], row: &Change) -> bool {
    let Some(feed) = feeds.get_mut(row.instrument.index()) else {
        panic!("instrument {} is not in the world", row.instrument.0)
    };
    feed.seq = row.seq;
    match venues.get_mut(feed.venue.index()) {
        Some(venue) => venue.row(row),
        None => panic!("venue {} is not in the world", feed.venue.0),
    }
}

/// The row of a book that an event is.
#[inline]
fn change_of(event: &Event) -> Option<&Change> {
    let Event::Book(change) = event else { return None };
    Some(change)
}

/// When a row reaches its venue: a stamp after its receipt is a clock's error.
fn exchange_of(change: &Change) -> Time {
    change.exchange.min(change.receive)
}

/// Where the next thing comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    VenueRow,
    Queue,
    EngineRow,
}

/// Venues, the lines to them, and the clock.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct World {
    /// Whether the engine has been given an event.
    began: bool,
    pub(crate) now: Time,
    /// The trading day that is told for [`FIRST_DAY`].
    first_day: Day,
    pub(crate) config: Config,
    pub(crate) venues: Vec<SimVenue>,
    pub(crate) truth: Truth,
    pub(crate) faults: Faults,
    pub(crate) latencies: Vec<VenueLatency>,
    pub(crate) random: Random,
    pub(crate) bank: Bank,
    pub(crate) logins: Vec<Login>,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) log: Vec<Logged>,
    pub(crate) held: Vec<(ClientOrderId, usize)>,
    pub(crate) market: Option<Market>,
    pub(crate) market_every: Span,
    pub(crate) market_until: Time,
    pub(crate) stalled_until: Time,
    backlog: Vec<Item>,
    pub(crate) deadline: Option<Time>,
    pub(crate) old_book: Vec<Vec<Change>>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) at_once: Option<ClientOrderId>,
    pub(crate) reports: Vec<Report>,
    pub(crate) levels: Vec<(Side, Level)>,
    pub(crate) subset: (u64, u64),
    pub(crate) external: bool,
    pub(crate) odd: Odd,
    /// Cancels that an adapter has collected.
    pub(crate) batch: Vec<Cancel>,
    cells: Vec<Cell>,
    given: Option<Vec<Kept>>,
    recorded: Recorded,
    queue: BinaryHeap<Reverse<Queued>>,
    count: u64,
    waiting: u64,
    late: Option<(Time, Time)>,
    tick_first: Option<Time>,
    stuck: u32,
    restarts: bool,
    died: bool,
    news: bool,
    out: Vec<Command>,
    outcome: Outcome,
    check: Option<Checker>,
    digest: Digest,
    trace: Option<Vec<String>>,
}

/// Ticks in a row at one moment after which a deadline that does not move is a fault of the engine.
const STUCK_MAX: u32 = 8;

impl World {
    /// A world of the venues, accounts and instruments of `config`.
    #[must_use]
    pub fn new(config: &Config, setup: WorldSetup) -> World {
        let accounts = config.accounts.len();
        let login = |account: &cross_market_core::config::Account| Login {
            venue: account.venue,
            down: false,
            mute_until: Time::EARLIEST,
            deaf_until: Time::EARLIEST,
            last_sent: Time::EARLIEST,
            last_told: Time::EARLIEST,
            session: 0,
            ways: Return::default(),
        };
        let feed = |instrument: &cross_market_core::instrument::Instrument| Feed {
            venue: instrument.venue,
            down: false,
            frozen: false,
            numbered: false,
            seq: 0,
            last: Time::EARLIEST,
            day: FIRST_DAY,
        };
        World {
            began: false,
            now: setup.start,
            // Prompts and steps of margin are days of the calendar that the engine goes by.
            first_day: if config.instruments.iter().any(is_dated) {
                setup.start.date()
            } else {
                FIRST_DAY.min(Day((setup.start.date().0 - 365).max(0)))
            },
            venues: venues_of(config, &setup.says_cum),
            truth: Truth::new(terms_of(config), accounts),
            faults: setup.faults,
            latencies: setup.latencies,
            random: Random::stream(setup.seed, 1),
            bank: Bank::new(setup.seed),
            logins: config.accounts.iter().map(login).collect(),
            feeds: config.instruments.iter().map(feed).collect(),
            log: Vec::new(),
            held: Vec::new(),
            market: None,
            market_every: Span::millis(50),
            market_until: Time::EARLIEST,
            stalled_until: Time::EARLIEST,
            backlog: Vec::new(),
            deadline: None,
            old_book: vec![Vec::new(); config.instruments.len()],
            shapes: vec![Shape::Both; config.instruments.len()],
            at_once: None,
            reports: Vec::new(),
            levels: Vec::new(),
            subset: (0, 0),
            external: false,
            odd: Odd::new(config.venues.len(), accounts),
            batch: Vec::new(),
            cells: Vec::new(),
            given: None,
            recorded: Recorded::default(),
            queue: BinaryHeap::new(),
            count: 0,
            waiting: 0,
            late: None,
            tick_first: None,
            stuck: 0,
            restarts: setup.restarts,
            died: false,
            news: false,
            out: Vec::new(),
            outcome: Outcome::new(),
            check: setup.check.then(|| Checker::new(config)),
            digest: Digest::default(),
            trace: setup.trace.then(Vec::new),
            config: config.clone(),
        }
    }

    /// The moment the world has come to.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// What the run did.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The finished tables.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// The rules and what broke them; `None` when they are not held.
    #[must_use]
    pub const fn checker(&self) -> Option<&Checker> {
        self.check.as_ref()
    }

    /// The rules, for what only the caller sees.
    pub const fn checker_mut(&mut self) -> Option<&mut Checker> {
        self.check.as_mut()
    }

    /// The digest of all effects so far.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What the venues hold.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The venues.
    #[must_use]
    pub fn venues(&self) -> &[SimVenue] {
        &self.venues
    }

    /// What goes wrong, and how often it has.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The cells in which faults fell, where rules are held.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// From now on what the engine is given is kept.
    pub fn keep_given(&mut self) {
        self.given.get_or_insert_default();
    }

    /// What the engine was given, where that was kept.
    pub fn take_given(&mut self) -> Vec<Kept> {
        self.given.take().unwrap_or_default()
    }

    /// The lines of the trace, where one is kept.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or(&[])
    }

    /// Whether anything but market data is still to happen.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// What is still to happen but market data, for reports.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        let news = self.queue.iter().filter(|Reverse(queued)| is_news(&queued.item));
        news.map(|Reverse(queued)| format!("{} {:?}", queued.time.0, queued.item)).collect()
    }

    /// When the next thing happens that is not market data.
    #[must_use]
    pub fn next_news(&self) -> Option<Time> {
        let news = self.queue.iter().filter(|Reverse(queued)| is_news(&queued.item));
        news.map(|Reverse(queued)| queued.time).min()
    }

    /// When the engine has heard all that the feeds have sent.
    #[must_use]
    pub fn books_told(&self) -> Time {
        self.feeds.iter().map(|feed| feed.last).max().unwrap_or(Time::EARLIEST)
    }

    /// Whether somebody else traded in an account of ours.
    #[must_use]
    pub const fn had_external(&self) -> bool {
        self.external
    }

    pub(crate) fn any_item(&self, wanted: impl Fn(&Item) -> bool) -> bool {
        self.queue.iter().any(|Reverse(queued)| wanted(&queued.item))
    }

    pub(crate) fn push(&mut self, time: Time, item: Item) {
        self.count += 1;
        self.waiting += u64::from(is_news(&item));
        self.queue.push(Reverse(Queued { time: time.max(self.now), count: self.count, item }));
    }

    /// Gives the engine an event at `at`.
    pub fn send(&mut self, at: Time, event: Event) {
        self.push(at, Item::Event(event));
    }

    /// Gives the engine an operator's word at `at`.
    ///
    /// # Panics
    /// Never: the speaker's name is a short text.
    pub fn control(&mut self, at: Time, verb: Verb) {
        let actor = match Note::new("desk") {
            Ok(text) => text,
            Err(problem) => panic!("a short ASCII text was refused: {problem:?}"),
        };
        self.send(at, Event::Control(Box::new(Control { actor, verb })));
    }

    /// Moves money at the venue and tells the engine, at once.
    pub fn cash(&mut self, account: AccountId, kind: CashKind, amount: Money) {
        let moved = match kind {
            CashKind::Opening | CashKind::Transfer | CashKind::Funding | CashKind::Interest => {
                amount
            }
            CashKind::Fee => -amount,
            CashKind::Balance
            | CashKind::Left
            | CashKind::Arrived
            | CashKind::Failed
            | CashKind::Collateral => Money::ZERO,
        };
        self.truth.pay(account, moved);
        let cash = Cash { account, exchange: self.now, kind, amount, transfer: None };
        self.send(self.now, Event::Cash(Box::new(cash)));
    }

    /// Lots that were there before the run: known to the venue, and told to the engine.
    pub fn open(&mut self, account: AccountId, instrument: InstrumentId, lots: Lots, price: Price) {
        self.truth.open(account, instrument, lots, price);
        self.state(account, instrument, StatementKind::Opening, price);
    }

    /// Tells the engine what the venue holds.
    pub fn state(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        kind: StatementKind,
        price: Price,
    ) {
        // Which lots have which prompt depends on when the engine heard of the day's end.
        let prompts =
            self.config.instruments.get(instrument).map_or(0, |of| of.prompts.rows().len());
        if kind == StatementKind::Compare && prompts > 1 {
            return;
        }
        let lots = self.truth.lots(account, instrument);
        let statement = Statement {
            account,
            instrument,
            exchange: self.now,
            kind,
            long: Qty::of(lots.long.max(0)),
            short: Qty::of(lots.short.max(0)),
            price,
        };
        self.send(self.now, Event::Position(Box::new(statement)));
    }

    /// Settles an instrument at the venue, ends its day orders, and tells the engine behind
    /// everything the venue has said before.
    pub fn settle(&mut self, instrument: InstrumentId, price: Price) {
        self.truth.settle(instrument, price);
        let feed = self.feed_mut(instrument);
        let day = feed.day;
        feed.day = Day(day.0 + 1);
        let now = self.now;
        let venue = self.feed(instrument).venue;
        self.expire_day_orders(venue, instrument);
        let last = self.logins.iter().filter(|login| login.venue == venue);
        let at = last.map(|login| login.last_told).max().unwrap_or(now).max(now);
        // Recorded data may be from before that day, and no day is far ahead of its time.
        let day = Day(day.0 - FIRST_DAY.0 + self.first_day.0);
        let settle = Settle { instrument, price, day, exchange: now };
        self.send(at, Event::Settle(Box::new(settle)));
    }

    /// Everything the engine hears before it may act: links, then the feeds' first books.
    pub fn connect(&mut self) {
        self.set_clocks();
        for account in self.config.accounts.ids() {
            self.link(LinkTo::Trading(account), LinkState::Up);
            self.link(LinkTo::Trading(account), LinkState::Resynced);
        }
        for instrument in self.config.instruments.ids() {
            self.link(LinkTo::Feed(instrument), LinkState::Resynced);
        }
    }

    fn link(&mut self, to: LinkTo, state: LinkState) {
        self.send(self.now, Event::Link(Link { to, state }));
    }

    /// Adds recorded rows, in the order in which they were received; later batches are later. What
    /// has been played is let go of, so that a recording larger than memory can come in batches.
    ///
    /// A row reaches its venue when it was sent: whoever adds batches runs only to a time before
    /// the first row that is still to come was sent.
    pub fn record(&mut self, rows: &[Change]) {
        let recorded = &mut self.recorded;
        recorded.forget_played();
        let from = recorded.rows.len();
        recorded.rows.extend(rows.iter().copied().map(Event::Book));
        recorded.by_exchange.extend(rows.iter().map(exchange_of).zip(from..));
        // What is known already is in order, so that sorting it anew takes one pass.
        recorded.by_exchange.sort_by_key(|(time, _)| *time);
    }

    /// Lets a generated market move every `every` until `until`, one book at a time.
    pub fn generate(&mut self, market: Market, every: Span, until: Time) {
        for quote in market.quotes() {
            if let Some(feed) = self.feeds.get_mut(quote.instrument.index()) {
                feed.numbered = quote.numbered;
            }
        }
        self.market = Some(market);
        (self.market_every, self.market_until) = (every, until);
        self.first_books();
        self.push(self.now + every, Item::Market);
    }

    pub(crate) fn feed(&self, instrument: InstrumentId) -> Feed {
        match self.feeds.get(instrument.index()) {
            Some(feed) => *feed,
            None => panic!("instrument {} is not in the world", instrument.0),
        }
    }

    pub(crate) fn feed_mut(&mut self, instrument: InstrumentId) -> &mut Feed {
        match self.feeds.get_mut(instrument.index()) {
            Some(feed) => feed,
            None => panic!("instrument {} is not in the world", instrument.0),
        }
    }

    pub(crate) fn login(&self, account: AccountId) -> Login {
        match self.logins.get(account.index()) {
            Some(login) => *login,
            None => panic!("account {} is not in the world", account.0),
        }
    }

    pub(crate) fn login_mut(&mut self, account: AccountId) -> &mut Login {
        match self.logins.get_mut(account.index()) {
            Some(login) => login,
            None => panic!("account {} is not in the world", account.0),
        }
    }

    pub(crate) fn venue_mut(&mut self, venue: VenueId) -> &mut SimVenue {
        match self.venues.get_mut(venue.index()) {
            Some(venue) => venue,
            None => panic!("venue {} is not in the world", venue.0),
        }
    }

    pub(crate) fn venue(&self, venue: VenueId) -> &SimVenue {
        match self.venues.get(venue.index()) {
            Some(venue) => venue,
            None => panic!("venue {} is not in the world", venue.0),
        }
    }

    pub(crate) fn latency(&self, venue: VenueId) -> VenueLatency {
        let usual = VenueLatency::constant(Span::millis(1));
        self.latencies.get(venue.index()).copied().unwrap_or(usual)
    }

    /// An order has reached its venue.
    pub(crate) fn arrived(&mut self, order: ClientOrderId) {
        let now = self.now;
        self.outcome.arrived(order, now);
    }

    /// Orders that were alarmed as unknown.
    #[must_use]
    pub fn unknown_orders(&self) -> Vec<ClientOrderId> {
        self.outcome.unknown_orders()
    }

    /// Runs everything up to and including `until`.
    ///
    /// # Errors
    /// None by itself: an event that the engine refuses is counted, and a rule when rules are held.
    pub fn run<H, D, E>(&mut self, until: Time, handle: &mut H, deadline: &D) -> Pause
    where
        H: FnMut(Time, &Event, &mut Vec<Command>) -> Result<Effect, E>,
        D: Fn() -> Option<Time>,
        E: std::fmt::Debug,
    {
        self.run_mind(until, &mut Closures { handle, deadline })
    }

    /// As [`World::run`], with one that can be looked into.
    pub fn run_mind<M: Mind>(&mut self, until: Time, mind: &mut M) -> Pause {
        self.note_fired(mind);
        loop {
            if self.died {
                return Pause::Restart;
            }
            if std::mem::take(&mut self.news) {
                return Pause::News;
            }
            self.deadline = mind.deadline();
            let tick = self.deadline.map(|due| self.tick_time(due));
            let next = self.next_source();
            let time = next.map_or(Time::MAX, |(time, _)| time);
            let ticks =
                tick.filter(|due| *due < time || (*due == time && self.tick_first == Some(time)));
            if let Some(due) = ticks.filter(|due| *due <= until) {
                self.now = self.now.max(due);
                self.tick_first = None;
                self.late = None;
                self.step(&Event::Tick, mind);
                self.watch_deadline(mind.deadline());
                self.note_fired(mind);
                continue;
            }
            let due = next.filter(|(time, _)| *time <= until && ticks.is_none());
            let Some((time, source)) = due else {
                self.now = self.now.max(until);
                return Pause::Until;
            };
            self.now = self.now.max(time);
            self.stuck = 0;
            self.happen(source, mind);
            self.note_fired(mind);
            self.play(until.min(tick.unwrap_or(Time::MAX)), mind);
        }
    }

    /// Notes in which cells the faults fell that have fired: how their orders stand once the events
    /// of the moment are taken in.
    fn note_fired<M: Mind>(&mut self, mind: &M) {
        if self.faults.fired.is_empty() {
            return;
        }
        for (fault, about) in self.faults.fired.drain(..) {
            if self.check.is_some() {
                // What concerns no single order is not about the one that was spoken of last.
                let about = about.filter(|_| !is_of_moment(fault));
                self.cells.push(Cell::of(fault, mind.seen(about)));
            }
        }
    }

    /// Plays recorded rows as long as nothing else can come between them: before `until`, before
    /// what waits in the queue, and while the engine commands nothing and its deadline stands.
    fn play<M: Mind>(&mut self, until: Time, mind: &mut M) {
        if self.died || self.check.is_some() || self.trace.is_some() {
            return;
        }
        let due = mind.deadline();
        let waiting = self.count;
        let queued = self.queue.peek().map_or(Time::MAX, |Reverse(next)| next.time);
        let end = until.min(queued);
        if due != self.deadline {
            return;
        }
        while self.count == waiting {
            let at_venue = self.recorded.venue_time().unwrap_or(Time::MAX);
            let at_engine = self.recorded.engine_time().unwrap_or(Time::MAX);
            let time = at_venue.min(at_engine);
            if time >= end {
                return;
            }
            self.now = self.now.max(time);
            if at_venue <= at_engine {
                self.next_row_at_venue();
            } else {
                self.next_row_at_engine(mind);
                if mind.deadline() != due {
                    return;
                }
            }
        }
    }

    #[inline]
    fn next_row_at_venue(&mut self) {
        let Some(row) = self.recorded.at_venue() else { return };
        let (instrument, ends) = (row.instrument, row.row.is_last());
        let rests = row_at_venue(&mut self.feeds, &mut self.venues, row);
        self.recorded.at_venue += 1;
        if rests && ends {
            self.trade_resting(instrument);
        }
    }

    /// Gives the engine its next recorded row; one that moves the market alone leaves no more than
    /// its mark.
    #[inline]
    fn next_row_at_engine<M: Mind>(&mut self, mind: &mut M) {
        let Some(event) = self.recorded.at_engine() else { return };
        self.out.clear();
        let result = mind.handle(self.now, event, &mut self.out);
        self.recorded.at_engine += 1;
        if matches!(result, Ok(Effect::Market)) && self.out.is_empty() {
            self.digest.step(self.now, Some(Effect::Market), &[]);
            self.outcome.events += 1;
            return;
        }
        let played = self.recorded.at_engine - 1;
        let row = self.recorded.rows.get(played).and_then(change_of).copied();
        if let Some(row) = row {
            self.settle_step(&Event::Book(row), result);
        }
    }

    /// When a deadline is met: a stalled process and a late timer meet it later.
    fn tick_time(&mut self, due: Time) -> Time {
        let at = due.max(self.now).max(self.stalled_until);
        match self.late {
            Some((known, late)) if known == due => late.max(self.now),
            _ => {
                self.faults.about = None;
                let late = if self.faults.draws(Fault::OddTimer) {
                    self.faults.note(Fault::OddTimer);
                    Span(self.faults.stream(Fault::OddTimer).between(1, 30_000_000))
                } else {
                    Span::ZERO
                };
                self.late = Some((due, at + late));
                at + late
            }
        }
    }

    /// A deadline that stays due after its tick would turn the loop for ever.
    fn watch_deadline(&mut self, next: Option<Time>) {
        let same = next.is_some_and(|next| next <= self.now);
        self.stuck = if same { self.stuck + 1 } else { 0 };
        if self.stuck >= STUCK_MAX {
            let now = self.now;
            if let Some(check) = &mut self.check {
                check.broken(now, "deadline_moves", format!("still {next:?} after its tick"));
            }
            // One nanosecond later it is due again; the run ends by its own bound.
            self.now = Time(self.now.0 + 1);
            self.stuck = 0;
        }
    }

    fn next_source(&self) -> Option<(Time, Source)> {
        let row = self.recorded.venue_time().map(|time| (time, 0, Source::VenueRow));
        let queued = self.queue.peek().map(|Reverse(next)| (next.time, 1, Source::Queue));
        let read = self.recorded.engine_time().map(|time| (time, 2, Source::EngineRow));
        let all = [row, queued, read].into_iter().flatten();
        all.min_by_key(|(time, rank, _)| (*time, *rank)).map(|(time, _, source)| (time, source))
    }

    fn happen<M: Mind>(&mut self, source: Source, mind: &mut M) {
        match source {
            Source::VenueRow => self.next_row_at_venue(),
            Source::EngineRow => {
                let row = self.recorded.at_engine().and_then(change_of).copied();
                self.recorded.at_engine += 1;
                if let Some(row) = row {
                    self.step(&Event::Book(row), mind);
                }
            }
            Source::Queue => {
                let Some(Reverse(queued)) = self.queue.pop() else { return };
                self.waiting -= u64::from(is_news(&queued.item));
                self.item(queued.item, mind);
            }
        }
    }

    fn item<M: Mind>(&mut self, item: Item, mind: &mut M) {
        let for_engine = match &item {
            Item::Event(_)
            | Item::Row(_)
            | Item::Absurd(_)
            | Item::Report(_)
            | Item::Mutated(_)
            | Item::Aliased(_)
            | Item::EndAgain(_)
            | Item::Misnamed(_)
            | Item::Session(..) => true,
            Item::Command(_)
            | Item::Venue(..)
            | Item::Bank(_)
            | Item::Restore(_)
            | Item::Market
            | Item::Wake => false,
        };
        if for_engine && (self.now < self.stalled_until || !self.backlog.is_empty()) {
            if self.backlog.is_empty() {
                let awake = self.stalled_until;
                self.push(awake, Item::Wake);
            }
            self.backlog.push(item);
            return;
        }
        match item {
            Item::Event(event) => {
                if self.reaches_engine(&event) {
                    self.given(&event, mind);
                }
            }
            Item::Bank(deed) => self.bank(&deed),
            Item::Row(row) => {
                if matches!(row.row, Row::Snapshot | Row::SnapshotLast) {
                    self.mark_absurd(row.instrument, false);
                }
                if !self.feed(row.instrument).down {
                    self.step(&Event::Book(row), mind);
                }
            }
            Item::Absurd(row) => {
                if !self.feed(row.instrument).down {
                    self.mark_absurd(row.instrument, true);
                    self.step(&Event::Book(row), mind);
                }
            }
            Item::Report(at) => {
                let again = self.was_delivered(at);
                if let Some(report) = self.deliver(at) {
                    self.report(report, again, mind);
                }
            }
            Item::EndAgain(at) => {
                // A reject tells no total: another end that does is news.
                let told = self.tells_total(at);
                if let Some(report) = self.end_again(at) {
                    self.report(report, told, mind);
                }
            }
            Item::Misnamed(at) => {
                if let Some(report) = self.misnamed(at) {
                    self.report(report, true, mind);
                }
            }
            Item::Session(account, state, session) => {
                if let Some(event) = self.session(account, state, session) {
                    self.step(&event, mind);
                }
            }
            Item::Mutated(at) => {
                if let Some(report) = self.mutated(at) {
                    self.step(&Event::Report(Box::new(report)), mind);
                }
            }
            Item::Aliased(at) => {
                if let Some(report) = self.aliased(at) {
                    self.step(&Event::Report(Box::new(report)), mind);
                }
            }
            Item::Command(command) => self.arrive(&command),
            Item::Venue(venue, happening) => self.happens_at(venue, happening),
            Item::Restore(restore) => self.restore(restore),
            Item::Market => self.market_step(),
            Item::Wake => self.wake(mind),
        }
    }

    fn mark_absurd(&mut self, instrument: InstrumentId, is_absurd: bool) {
        if let Some(check) = &mut self.check {
            check.absurd(instrument, is_absurd);
        }
    }

    /// A stalled process is awake again, unless it stalled anew: everything comes at once, in the
    /// order in which it came.
    fn wake<M: Mind>(&mut self, mind: &mut M) {
        if self.now < self.stalled_until {
            let awake = self.stalled_until;
            self.push(awake, Item::Wake);
            return;
        }
        for item in std::mem::take(&mut self.backlog) {
            self.item(item, mind);
            self.note_fired(mind);
        }
    }

    /// Gives the engine a report; one that comes again changes nothing that is booked.
    fn report<M: Mind>(&mut self, report: Report, again: bool, mind: &mut M) {
        let event = Event::Report(Box::new(report));
        if !again || self.check.is_none() || !is_settled(&report.news) {
            self.step(&event, mind);
            return;
        }
        let word = |check: &Checker| report.order.is_some_and(|order| check.is_overridden(order));
        let same = !self.is_revised(&report) && !self.check.as_ref().is_some_and(word);
        let before = mind.booked(&report);
        self.step(&event, mind);
        let now = self.now;
        if same
            && mind.booked(&report) != before
            && let Some(check) = &mut self.check
        {
            check.broken(now, "again_changes_nothing", format!("{report:?}"));
        }
    }

    /// Gives the engine an event that is no report; news of a clock move no timer.
    fn given<M: Mind>(&mut self, event: &Event, mind: &mut M) {
        let before = mind.deadline();
        self.step(event, mind);
        let now = self.now;
        // With its first event an engine looks at all that it monitors.
        let first = !std::mem::replace(&mut self.began, true);
        let due = first || before.is_some_and(|before| before <= now);
        if matches!(event, Event::Clock(_))
            && !due
            && mind.deadline() != before
            && let Some(check) = &mut self.check
        {
            let found = format!("{before:?} became {:?}", mind.deadline());
            check.broken(now, "clock_moves_no_timer", found);
        }
    }

    /// Gives the engine one event and sends what it commands.
    fn step<M: Mind>(&mut self, event: &Event, mind: &mut M) {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let now = self.now;
        let result = mind.handle(now, event, &mut out);
        self.out = out;
        self.settle_step(event, result);
    }

    /// Notes what the engine did with an event, and sends the commands in `out`.
    fn settle_step<E>(&mut self, event: &Event, result: Result<Effect, E>)
    where
        E: std::fmt::Debug,
    {
        let out = std::mem::take(&mut self.out);
        let now = self.now;
        if let Some(given) = &mut self.given {
            given.push((now, Given::Event(event.clone())));
        }
        if let Some(trace) = &mut self.trace {
            trace.push(line(now, event));
            trace.extend(out.iter().map(|command| format!("    {command:?}")));
            if let Err(problem) = &result {
                trace.push(format!("    refused: {problem:?}"));
            }
        }
        match result {
            Ok(effect) => {
                self.digest.step(now, Some(effect), &out);
                self.outcome.step(now, event, &out);
                if let Some(check) = &mut self.check {
                    check.step(now, event, &out);
                    self.news |= is_of_money(event);
                }
                self.dispatch(&out);
            }
            Err(problem) => {
                self.digest.step(now, None, &[]);
                self.outcome.errors += 1;
                if let Some(check) = &mut self.check {
                    check.refused(now, event, &problem, &out);
                }
            }
        }
        self.out = out;
    }

    /// Sends commands on their way; a process that dies here sends only some of its orders.
    fn dispatch(&mut self, commands: &[Command]) {
        let places = commands.iter().any(|command| matches!(command, Command::Place(_)));
        self.faults.about = first_placed(commands);
        let dies = places && self.restarts && self.faults.fires(Fault::Restart);
        for command in commands {
            if dies
                && matches!(command, Command::Place(_))
                && self.faults.stream(Fault::Restart).below(2) == 0
            {
                continue;
            }
            self.command(command);
        }
        if dies {
            self.died = true;
            self.hang_up();
        }
    }

    /// The engine is back, `commands` are its first: lines are up again and what was missed is
    /// sent once more.
    pub fn restarted(&mut self, run: u16, commands: &[Command]) {
        self.died = false;
        self.digest.step(self.now, None, commands);
        let now = self.now;
        self.outcome.step(now, &Event::Tick, commands);
        if let Some(check) = &mut self.check {
            check.restarted(now, commands);
        }
        if let Some(given) = &mut self.given {
            given.push((now, Given::Restart(run)));
        }
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} restarted", now.0));
            trace.extend(commands.iter().map(|command| format!("    {command:?}")));
        }
        self.pick_up();
        for command in commands {
            self.command(command);
        }
    }

    /// Of a tick and an item at that moment the tick goes first this time.
    pub(crate) const fn tick_goes_first(&mut self, at: Time) {
        self.tick_first = Some(at);
    }

    /// When the engine decided to send an order.
    pub(crate) fn decided(&self, order: ClientOrderId) -> Option<Time> {
        self.outcome.decided(order)
    }

    /// Nothing goes wrong from now on; what is broken stays so until [`World::mend`]. Returns when
    /// a stalled process is awake again.
    pub fn quiet(&mut self) -> Time {
        self.faults.quiet();
        self.stalled_until.max(self.now)
    }
}

/// The first order among commands.
fn first_placed(commands: &[Command]) -> Option<ClientOrderId> {
    commands.iter().find_map(|command| match command {
        Command::Place(place) => Some(place.order),
        Command::Amend(_)
        | Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_)
        | Command::Alert(_) => None,
    })
}

/// Whether an event may move lots or money.
pub(crate) fn is_of_money(event: &Event) -> bool {
    match event {
        Event::Report(_)
        | Event::Answer(_)
        | Event::Cash(_)
        | Event::Position(_)
        | Event::Settle(_)
        | Event::Control(_) => true,
        Event::Book(_)
        | Event::Link(_)
        | Event::Reference(_)
        | Event::Estimate(_)
        | Event::Clock(_)
        | Event::Tick => false,
    }
}

/// An event as a line of the trace; rows of books are short, for they are many.
fn line(now: Time, event: &Event) -> String {
    let second = now.0 % 100_000_000_000_000;
    let Event::Book(row) = event else { return format!("{second} {event:?}") };
    let level = format!("{:?} {:?} {}x{}", row.row, row.side, row.price.0, row.qty.get());
    format!("{second} book {} {level} seq {} step {}", row.instrument.0, row.seq, row.step)
}

fn terms_of(config: &Config) -> Vec<Terms> {
    let terms = |instrument: &cross_market_core::instrument::Instrument| Terms {
        tick_value: instrument.tick_value,
        settlement: instrument.settlement,
        netting: config
            .venues
            .get(instrument.venue)
            .map_or(cross_market_core::instrument::Netting::Net, |venue| venue.netting),
    };
    config.instruments.iter().map(terms).collect()
}

fn venues_of(config: &Config, says_cum: &[bool]) -> Vec<SimVenue> {
    let listings = |venue: VenueId| {
        let listed = config.instruments.pairs().filter(|(_, instrument)| instrument.venue == venue);
        listed
            .map(|(id, instrument)| {
                Listing::new(
                    (id, instrument.currency),
                    instrument.tick_value,
                    instrument.fees,
                    instrument.min_qty.get(),
                    instrument.band,
                )
            })
            .collect()
    };
    let ids = config.venues.ids();
    ids.map(|id| SimVenue::new(id, listings(id), says_cum.get(id.index()).copied().unwrap_or(true)))
        .collect()
}

/// Whether a settlement can be booked for the instrument.
#[must_use]
pub fn is_margined(config: &Config, instrument: InstrumentId) -> bool {
    let found = config.instruments.get(instrument);
    found.is_some_and(|instrument| instrument.settlement != Settlement::Upfront)
}

fn is_dated(of: &Instrument) -> bool {
    !of.prompts.rows().is_empty() || !of.margin_steps.is_empty()
}

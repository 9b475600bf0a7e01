//! Rules that hold after every event, checked from events and commands alone, and once all is
//! quiet against what the venues hold. None of it shares code with what it checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use cross_market_core::clock::Clock;
use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::config::Config;
use cross_market_core::event::{Event, LinkState, LinkTo, Scope, Verb};
use cross_market_core::gate::Policy;
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX};
use cross_market_core::instrument::{
    Netting, PositionEffect, PriceBand, ReferenceChange, Settlement,
};
use cross_market_core::num::{Money, Price, Side};
use cross_market_core::order::{Answer, Found, News, Place, RejectClass, Report, VenueStatus};
use cross_market_core::quote::{HedgePlan, Kind, LegLots, Purpose};
use cross_market_core::time::Time;

use crate::bounds::{self, Bounds, Counted};
use crate::outcome::ENDS;
use crate::rolls;
use crate::sent::{Change, Sent};
use crate::told::{Told, corrected};
use crate::twin::Twin;
use crate::world::World;

mod follows;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub now: Time,
    /// Which rule.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
}

/// Every rule by its name.
pub const RULES: &[&str] = &[
    "again_changes_nothing",
    "books_are_true",
    "cancel_outlives_an_auction",
    "cancels_bounded",
    "cash_as_told",
    "cash_is_true",
    "clock_moves_no_timer",
    "clock_restricts",
    "configuration_is_taken",
    "crossing_moves_nothing",
    "deadline_moves",
    "door_takes_what_venues_send",
    "ends_what_began",
    "ends_with_orders_confirmed",
    "engine_knows_every_end",
    "enter_within_live_residual",
    "enter_within_max",
    "enter_within_sum_of_residuals",
    "enters_on_good_books_only",
    "enters_within_money",
    "every_attempt_ends",
    "every_order_ends",
    "external_is_told",
    "follows_no_further",
    "forfeited_sends_nothing",
    "id_says_what_it_is",
    "ids_never_repeat",
    "inert_commands",
    "inventory_as_told",
    "kill_cancels_at_once",
    "leg_within_its_goal",
    "messages_bounded",
    "messages_within_rate",
    "misfit_is_conflict",
    "names_a_sent_order",
    "never_panics",
    "never_poisoned",
    "no_drift_without_cause",
    "no_enter_on_absurd_prices",
    "no_enter_while_restricted",
    "no_enter_while_shut",
    "no_enter_while_stopped",
    "no_order_after_the_end",
    "no_order_in_halt",
    "no_order_into_a_dead_line",
    "no_order_while_shut",
    "no_trim_after_residual_held",
    "nothing_stays_held",
    "one_attempt_a_hedge",
    "one_end_of_four",
    "order_has_an_attempt",
    "order_value_in_limit",
    "orders_have_their_money",
    "orders_on_fresh_books",
    "override_is_contradicted",
    "position_as_told",
    "position_is_true",
    "price_in_band",
    "price_in_collar",
    "queries_bounded",
    "quiet_converges",
    "quote_within_missing",
    "refusal_commands_nothing",
    "residual_held_alarms",
    "residual_in_limit",
    "restart_places_nothing",
    "roll_has_two_hedges",
    "size_above_zero",
    "tries_bounded",
    "trims_bounded",
];

/// How many collars a touch may be from the last one that may be trusted: what an engine compares
/// it with may be older, by as much as a market moves meanwhile.
const JUMP_COLLARS: i64 = 20;

/// A day in ns.
const DAY: i64 = 86_400_000_000_000;

/// Code of the end `ResidualHeld`, the last of the four.
const RESIDUAL_HELD: u8 = 3;

/// An attempt as alerts tell of it.
#[derive(Clone, Debug)]
struct Begun {
    hedge: HedgeId,
    goal_from: LegLots,
    goal_to: LegLots,
    held: LegLots,
    orders: [u64; LEGS_MAX],
    messages: u64,
    ended: bool,
    forfeited: bool,
    kind: Option<Kind>,
}

/// The rules and what they remember.
#[derive(Clone, Debug)]
pub struct Checker {
    config: Arc<Config>,
    policy: Policy,
    run: u16,
    orders: BTreeMap<ClientOrderId, Sent>,
    attempts: BTreeMap<ClientOrderId, Begun>,
    inventory: Vec<LegLots>,
    books: Vec<Twin>,
    /// Books that somebody made up, as only the simulation knows, and the last touch of each that
    /// nobody did, by [`Side::index`].
    absurd: BTreeSet<InstrumentId>,
    sane: Vec<[Option<Price>; 2]>,
    bands: Vec<Option<PriceBand>>,
    links: Vec<LinkState>,
    killed: Vec<Scope>,
    killed_at: Vec<(Scope, u64)>,
    steps: u64,
    flattened: Vec<(Scope, u64)>,
    stopped: BTreeSet<HedgeId>,
    restricted: BTreeSet<HedgeId>,
    residual_held: BTreeSet<HedgeId>,
    stuck: BTreeSet<ClientOrderId>,
    drifts: u64,
    /// Accounts whose balance is unknown: a word ended the asking about an execution of which only a
    /// correction was heard, so its fee never comes.
    unsure: BTreeSet<AccountId>,
    conflicts: u64,
    kills: bool,
    /// Whether a contradiction calls orders back now.
    recalls: bool,
    /// Whether cancels may leave now whatever the window says.
    unbound: bool,
    told: Told,
    bounds: Bounds,
    violations: Vec<Violation>,
}

fn field(lots: &LegLots, leg: usize) -> i64 {
    lots.get(leg).copied().unwrap_or(0)
}

impl Checker {
    /// Rules for engines of this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Checker {
        Checker {
            policy: config.policy.clone(),
            run: config.run,
            orders: BTreeMap::new(),
            attempts: BTreeMap::new(),
            inventory: vec![[0; LEGS_MAX]; config.hedges.len()],
            books: vec![Twin::new(); config.instruments.len()],
            absurd: BTreeSet::new(),
            sane: vec![[None; 2]; config.instruments.len()],
            bands: config.instruments.iter().map(|instrument| instrument.band).collect(),
            links: vec![LinkState::Down; config.accounts.len()],
            killed: Vec::new(),
            killed_at: Vec::new(),
            steps: 0,
            flattened: Vec::new(),
            stopped: BTreeSet::new(),
            restricted: BTreeSet::new(),
            residual_held: BTreeSet::new(),
            stuck: BTreeSet::new(),
            drifts: 0,
            unsure: BTreeSet::new(),
            conflicts: 0,
            kills: false,
            recalls: false,
            unbound: false,
            told: Told::new(config.accounts.len()),
            bounds: Bounds::new(config),
            violations: Vec::new(),
            config: Arc::new(config.clone()),
        }
    }

    /// What was broken so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Scopes that are killed.
    #[must_use]
    pub fn killed(&self) -> &[Scope] {
        &self.killed
    }

    /// Orders whose cancels go unanswered, as alarmed.
    pub fn stuck(&self) -> impl Iterator<Item = ClientOrderId> + '_ {
        self.stuck.iter().copied()
    }

    /// Attempts that live.
    #[must_use]
    pub fn live_attempts(&self) -> usize {
        self.attempts.values().filter(|attempt| !attempt.ended).count()
    }

    /// Whether a hedge ended in the open and nobody has lifted its restriction since.
    #[must_use]
    pub fn is_residual_held(&self, hedge: HedgeId) -> bool {
        self.residual_held.contains(&hedge)
    }

    /// Whether a hedge is restricted.
    #[must_use]
    pub fn is_restricted(&self, hedge: HedgeId) -> bool {
        self.restricted.contains(&hedge)
    }

    /// Drift alerts so far, of cash and positions, but where the balance is unknown.
    #[must_use]
    pub const fn drifts(&self) -> u64 {
        self.drifts
    }

    /// Lots of an order that events have told of.
    #[must_use]
    pub fn booked(&self, order: ClientOrderId) -> i64 {
        self.orders.get(&order).map_or(0, |sent| sent.cum)
    }

    /// Whether an operator has ever said how an order ended.
    #[must_use]
    pub fn is_overridden(&self, order: ClientOrderId) -> bool {
        let sent = self.orders.get(&order);
        sent.is_some_and(|sent| sent.overridden || sent.was_overridden)
    }

    /// The engine tells a balance.
    pub fn note_cash(&mut self, account: AccountId, cash: Money) {
        self.bounds.note_cash(account, cash);
    }

    /// Whether a leg of the hedge never trades again.
    fn is_over(&self, hedge: HedgeId) -> bool {
        let plan = self.config.hedges.get(hedge).map(|hedge| &hedge.plan);
        plan.is_some_and(|plan| plan.legs.iter().any(|leg| self.bounds.is_over(leg.instrument)))
    }

    /// Conflict alerts so far.
    #[must_use]
    pub const fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// What the orders of an account that may still trade need at least.
    fn least_held(&self, account: AccountId) -> Money {
        let of = self.orders.values().filter(|sent| sent.place.account == account);
        of.map(Sent::needs_left).sum()
    }

    /// A rule is broken.
    ///
    /// # Panics
    /// When the rule is not one of [`RULES`], of which a test shows that each can be broken.
    pub fn broken(&mut self, now: Time, rule: &'static str, found: String) {
        assert!(RULES.contains(&rule), "{rule} is not one of the rules");
        self.violations.push(Violation { now, rule, found });
    }

    /// The engine refused an event that a venue may send.
    pub fn refused<E: Debug>(&mut self, now: Time, event: &Event, why: &E, out: &[Command]) {
        if !out.is_empty() {
            self.broken(now, "refusal_commands_nothing", format!("{} commands", out.len()));
        }
        // What is said of an order long done may name one that is forgotten: two days later.
        let forgotten = match event {
            Event::Answer(answer) => {
                self.orders.get(&answer.order).is_some_and(|sent| sent.done.is_some())
            }
            Event::Book(_)
            | Event::Link(_)
            | Event::Report(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick
            | Event::Control(_) => false,
        };
        // No clock is years off: that says nothing.
        let absurd = matches!(event, Event::Clock(clock) if clock.offset.0.abs() > DAY);
        if forgotten || absurd {
            return;
        }
        // An absurd price may be refused at the door; the sequence number then shows the gap. A desk
        // may say what cannot be done now.
        if !matches!(event, Event::Book(_) | Event::Control(_)) {
            self.broken(now, "door_takes_what_venues_send", format!("{why:?} for {event:?}"));
        }
    }

    /// The engine was restarted and began with these commands.
    pub fn restarted(&mut self, now: Time, commands: &[Command]) {
        self.run += 1;
        for command in commands {
            if matches!(command, Command::Place(_)) {
                self.broken(now, "restart_places_nothing", format!("{command:?}"));
            }
        }
        self.commands(now, commands);
        // Nothing may be sent into a line, or on a book, of which the new run has heard nothing.
        self.links.iter_mut().for_each(|link| *link = LinkState::Down);
        self.books.iter_mut().for_each(|book| book.link(LinkState::Down));
    }

    /// Takes one step: an event that the engine took, and its commands.
    pub fn step(&mut self, now: Time, event: &Event, commands: &[Command]) {
        self.steps += 1;
        if crate::world::is_of_money(event) {
            self.bounds.forget_cash();
        }
        match event {
            Event::Book(change) => {
                if let Some(book) = self.books.get_mut(change.instrument.index()) {
                    book.apply(change);
                }
                self.note_sane(change);
            }
            Event::Link(link) => match link.to {
                LinkTo::Trading(account) => {
                    if let Some(known) = self.links.get_mut(account.index()) {
                        *known = link.state;
                    }
                }
                LinkTo::Feed(instrument) => {
                    if let Some(book) = self.books.get_mut(instrument.index()) {
                        book.link(link.state);
                    }
                }
            },
            Event::Report(report) => {
                self.report(now, report, commands);
                self.quotes_fit(now, report, commands);
            }
            Event::Answer(answer) => self.answer(now, answer),
            Event::Reference(reference) => self.reference(reference.instrument, reference.change),
            Event::Control(control) => self.verb(&control.verb, commands),
            Event::Cash(cash) => {
                let drift = alerts(commands).find(|alert| alert.code == AlertCode::CashDrift);
                let adjusted = drift.map_or(0, |alert| alert.limit - alert.value);
                self.told.cash(cash, Money(adjusted));
            }
            Event::Position(statement) => {
                let drifts = alerts(commands).any(|alert| alert.code == AlertCode::PositionDrift);
                self.told.state(&self.config, statement, drifts);
            }
            Event::Settle(settle) => {
                self.bounds.settle(&self.config, settle.instrument, settle.day);
            }
            Event::Clock(clock) => self.clock(now, clock, commands),
            Event::Estimate(_) | Event::Tick => {}
        }
        if commands.is_empty() && !matches!(event, Event::Control(_) | Event::Link(_)) {
            return;
        }
        let kills = match event {
            Event::Control(control) => matches!(control.verb, Verb::Kill(_)),
            Event::Report(_) => self.halted_by_venue(commands).is_some(),
            Event::Book(_)
            | Event::Link(_)
            | Event::Answer(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick => false,
        };
        // No bound holds the cancels of a kill back.
        self.kills = kills;
        self.recalls = alerts(commands).any(|alert| alert.code == AlertCode::Conflict);
        self.unbound = kills || self.recalls || matches!(event, Event::Link(_));
        self.commands(now, commands);
        self.cancels_left(now, event, commands);
    }

    /// What a book says next is made up, or, from its next snapshot on, true again.
    pub fn absurd(&mut self, instrument: InstrumentId, is_absurd: bool) {
        if is_absurd {
            self.absurd.insert(instrument);
        } else {
            self.absurd.remove(&instrument);
        }
    }

    fn note_sane(&mut self, change: &cross_market_core::book::Change) {
        let at = change.instrument.index();
        let (Some(book), Some(sane)) = (self.books.get(at), self.sane.get_mut(at)) else { return };
        if change.row.is_last() && book.is_whole() && !self.absurd.contains(&change.instrument) {
            *sane = [book.last_touch(Side::Buy), book.last_touch(Side::Sell)];
        }
    }

    /// Whether the touch of a made up book is further from its last true one than any market moves.
    fn is_far(&self, instrument: InstrumentId) -> bool {
        let at = instrument.index();
        let (Some(book), Some(sane)) = (self.books.get(at), self.sane.get(at)) else {
            return false;
        };
        let collar = self.policy.instruments.get(instrument).map_or(0, |of| of.collar);
        let sides = [Side::Buy, Side::Sell].into_iter().zip(sane);
        let mut pairs = sides.filter_map(|(side, sane)| Some((book.best(side)?, (*sane)?)));
        self.absurd.contains(&instrument)
            && pairs.any(|(now, sane)| (now.0 - sane.0).abs() > JUMP_COLLARS * collar)
    }

    fn reference(&mut self, instrument: InstrumentId, change: ReferenceChange) {
        match change {
            ReferenceChange::PriceBand(band) => {
                if let Some(known) = self.bands.get_mut(instrument.index()) {
                    *known = band;
                }
            }
            ReferenceChange::Phase { phase, until } => self.bounds.say(instrument, phase, until),
            ReferenceChange::Margin(_) => {}
        }
    }

    /// A clock that cannot be trusted restricts the accounts that depend on it.
    fn clock(&mut self, now: Time, clock: &Clock, commands: &[Command]) {
        for account in self.bounds.clock(&self.config, clock) {
            let restricts = alerts(commands).any(|alert| {
                alert.code == AlertCode::Restricted && alert.subject == Subject::Account(account)
            });
            if !restricts && !self.bounds.is_restricted(account) {
                self.broken(now, "clock_restricts", format!("account {}: {clock:?}", account.0));
            }
        }
    }

    fn verb(&mut self, verb: &Verb, commands: &[Command]) {
        let hedges = |scope: Scope| match scope {
            Scope::All => self.config.hedges.ids().collect(),
            Scope::Hedge(hedge) => vec![hedge],
            Scope::Venue(_) | Scope::Account(_) => Vec::new(),
        };
        match verb {
            Verb::Stop(scope) => self.stopped.extend(hedges(*scope)),
            Verb::Resume(scope) => {
                for hedge in hedges(*scope) {
                    self.stopped.remove(&hedge);
                }
            }
            Verb::Kill(scope) => self.note_kill(*scope),
            Verb::Unlatch(scope) => {
                if alerts(commands).any(|alert| alert.code == AlertCode::Unlatched) {
                    self.killed.retain(|known| known != scope);
                    self.flattened.retain(|(known, _)| known != scope);
                    self.killed_at.retain(|(known, _)| known != scope);
                }
            }
            Verb::Flatten(scope) => self.flattened.push((*scope, self.steps)),
            Verb::Adopt { hedge, lots } => {
                let adopted = alerts(commands).any(|alert| alert.code == AlertCode::Adopted);
                if adopted {
                    for (leg, lots) in lots.iter().enumerate() {
                        self.hold(*hedge, leg, *lots);
                    }
                }
            }
            Verb::Override { order, status, cum, .. } => {
                let taken = alerts(commands).any(|alert| alert.code == AlertCode::Overridden);
                if let Some(sent) = self.orders.get_mut(order).filter(|_| taken) {
                    sent.overridden = true;
                    sent.done = Some(*status);
                    sent.told = Some(cum.get());
                    if sent.lacks_a_fee() {
                        self.unsure.insert(sent.place.account);
                    }
                }
            }
            Verb::Policy(policy) => self.policy = (**policy).clone(),
            Verb::Unrestrict(_)
            | Verb::Enter { .. }
            | Verb::Exit { .. }
            | Verb::Freeze { .. }
            | Verb::Forfeit { .. }
            | Verb::Roll { .. } => {}
        }
    }

    fn hold(&mut self, hedge: HedgeId, leg: usize, lots: i64) {
        let held = self.inventory.get_mut(hedge.index()).and_then(|held| held.get_mut(leg));
        if let Some(held) = held {
            *held += lots;
        }
    }

    fn report(&mut self, now: Time, report: &Report, commands: &[Command]) {
        let conflict = alerts(commands).any(|alert| alert.code == AlertCode::Conflict);
        let named = report.order.and_then(|id| self.orders.get(&id));
        let fits = named.is_none_or(|sent| {
            (sent.place.account, sent.place.instrument) == (report.account, report.instrument)
        });
        if !fits {
            let forgotten = alerts(commands).any(|alert| alert.code == AlertCode::External);
            if !conflict && !forgotten {
                self.broken(now, "misfit_is_conflict", format!("{report:?}"));
            }
            return;
        }
        if named.is_some_and(|sent| sent.overridden && contradicts(sent, &report.news)) && !conflict
        {
            self.broken(now, "override_is_contradicted", format!("{report:?}"));
        }
        let found = report.order.and_then(|id| self.orders.get_mut(&id).map(|sent| (id, sent)));
        let Some((_, sent)) = found else {
            // What belongs to an order that was forgotten is alarmed, and not booked.
            let alarms = alerts(commands)
                .any(|alert| alert.code == AlertCode::External && alert.urgency == Urgency::Alarm);
            let told = alerts(commands).any(|alert| alert.code == AlertCode::External);
            if self.told.is_new_foreign(report) && !told && !conflict {
                self.broken(now, "external_is_told", format!("{report:?}"));
            }
            if !conflict && !alarms {
                self.told.foreign(&self.config, report);
            }
            return;
        };
        // An order that was proven absent and trades after all contradicts that, and has traded. So
        // does one on which the desk had its word, also where a revision told again came between.
        let said_dead = sent.absent || sent.overridden || sent.was_overridden;
        let surfaces = said_dead && is_new_fill(sent, &report.news);
        // That a cancel found no order proves nothing about the order.
        if !matches!(report.news, News::CancelRejected { .. }) {
            sent.absent = false;
            sent.seen |= !conflict || surfaces;
        }
        if conflict && !surfaces {
            return;
        }
        let place = sent.place;
        let held = (place.account, place.instrument);
        let Some(costs) = Told::costs(&self.config, held, place.effect) else { return };
        let mut change = Change::default();
        match report.news {
            // Some rejections say something of a message, not of the order.
            News::Accepted
            | News::Rejected {
                class: RejectClass::Duplicate | RejectClass::UnknownOrder | RejectClass::TooLate,
                ..
            } => {}
            News::Rejected { .. } => sent.end(VenueStatus::Rejected, None),
            News::Fill(fill) => change = sent.fill(&fill, &costs),
            News::Cancelled { cum } => sent.end(VenueStatus::Cancelled, Some(cum.get())),
            News::Expired { cum } => sent.end(VenueStatus::Expired, Some(cum.get())),
            News::CancelRejected { class, .. } => {
                sent.cancel_out = false;
                sent.barred = class == RejectClass::Phase;
                // What an auction does not take is sent again after it.
                sent.cancels -= u64::from(sent.barred && sent.cancels > 1);
            }
            News::Status { status, cum } => {
                if status != VenueStatus::Working {
                    sent.end(status, Some(cum.get()));
                }
            }
            News::Bust { trade_id, .. } => {
                // What the desk said of it may have counted other lots: its word counts no more.
                sent.was_overridden |= std::mem::take(&mut sent.overridden);
                change = sent.revise(trade_id, None, &costs);
            }
            News::Correct { trade_id, side, price, qty } => {
                sent.was_overridden |= std::mem::take(&mut sent.overridden);
                let fill = corrected(trade_id, side, price, qty);
                change = sent.revise(trade_id, Some(&fill), &costs);
            }
            News::Fee { trade_id, amount, currency, .. } => {
                change = sent.fee(trade_id, costs.own(amount, currency));
            }
        }
        self.told.trade(&self.config, held, place.side, &change);
        let (hedge, leg) = rolls::owner(&self.config, &place);
        self.hold(hedge, leg, place.side.sign() * change.lots);
    }

    fn answer(&mut self, now: Time, answer: &Answer) {
        let venue = self.config.accounts.get(answer.account).map(|account| account.venue);
        let longest = venue.and_then(|venue| self.config.venues.get(venue));
        let said = venue.map(|venue| self.bounds.said_at(now, venue, answer.exchange));
        let Some(sent) = self.orders.get_mut(&answer.order) else { return };
        match answer.found {
            Found::Order { status, cum } => {
                sent.seen = true;
                if status != VenueStatus::Working {
                    sent.end(status, Some(cum.get()));
                }
            }
            Found::ProvenAbsent => {
                let proves = longest.is_some_and(|at| said >= Some(sent.placed + at.max_delay));
                if proves && !sent.seen {
                    sent.absent = sent.done.is_none();
                    sent.end(VenueStatus::Rejected, None);
                }
            }
            Found::Inconclusive => {}
        }
    }

    fn commands(&mut self, now: Time, commands: &[Command]) {
        let best = |instrument: InstrumentId, side| {
            self.books.get(instrument.index()).and_then(|book| book.last_touch(side))
        };
        for found in crate::crossing::flaws(&self.config, &self.policy, commands, &best) {
            self.broken(now, "crossing_moves_nothing", found);
        }
        for command in commands {
            match command {
                Command::Place(place) => {
                    self.place(now, place);
                    self.within_rates(now, (place.account, place.instrument), 1, true);
                }
                Command::Cancel(cancel) => {
                    self.message(now, cancel.order, "cancel");
                    let of = (cancel.account, cancel.instrument);
                    self.within_rates(now, of, 0, !self.unbound);
                    if let Some(sent) = self.orders.get_mut(&cancel.order) {
                        sent.cancels += u64::from(!self.kills && !self.recalls);
                        sent.cancels_all += 1;
                        sent.cancel_out = true;
                        sent.barred = false;
                    }
                    self.cancel_bound(now, cancel.order);
                }
                Command::Query(query) => {
                    self.query(now, query.order);
                    self.within_rates(now, (query.account, query.instrument), 1, true);
                }
                Command::Alert(alert) => self.alert(now, alert, commands),
                Command::Amend(_) | Command::Transfer(_) => {
                    self.broken(now, "inert_commands", format!("{command:?}"));
                }
                Command::Resync(_) => {}
            }
        }
    }

    /// A cancel or query names an order that was sent, and counts in its attempt.
    fn message(&mut self, now: Time, order: ClientOrderId, what: &str) {
        if !self.orders.contains_key(&order) {
            self.broken(now, "names_a_sent_order", format!("{what} of {order}"));
        }
        self.count_message(order);
    }

    /// In any second so many messages leave of an account, to a venue and about a contract;
    /// `reserve`: 1 for what leaves the reserves to cancels.
    fn within_rates(
        &mut self,
        now: Time,
        (account, instrument): (AccountId, InstrumentId),
        reserve: u32,
        bound: bool,
    ) {
        let policy = &self.policy;
        let venue = self.config.accounts.get(account).map(|row| row.venue);
        let accounts = policy.accounts.get(account);
        let venues = venue.and_then(|venue| policy.venues.get(venue).map(|of| (venue, of)));
        let contracts = policy.instruments.get(instrument);
        let rates = [
            accounts.map(|of| (Counted::Account(account), of.message_rate, of.cancel_reserve)),
            venues.map(|(at, of)| (Counted::Venue(at), of.message_rate, of.cancel_reserve)),
            contracts.map(|of| (Counted::Contract(instrument), of.message_rate, of.cancel_reserve)),
        ];
        for (counted, rate, kept) in rates.into_iter().flatten() {
            let sent = self.bounds.message(now, counted);
            let most = rate.saturating_sub(reserve * kept);
            if bound && sent > u64::from(most) {
                let found = format!("{counted:?}: {sent} of {most}");
                self.broken(now, "messages_within_rate", found);
            }
        }
    }

    fn messages_of(&self, order: ClientOrderId) -> u64 {
        self.policy.hedges.get(order.hedge()).map_or(0, |of| of.execution.messages.into())
    }

    fn count_message(&mut self, order: ClientOrderId) -> u64 {
        let Some(attempt) = self.attempts.get_mut(&order.decision()) else { return 0 };
        attempt.messages += 1;
        attempt.messages
    }

    /// An order is asked about so often, and after that seldom.
    fn query(&mut self, now: Time, order: ClientOrderId) {
        self.message(now, order, "query");
        let most = self.messages_of(order);
        let Some(sent) = self.orders.get_mut(&order) else { return };
        sent.queries += 1;
        let (queries, last) = (sent.queries, std::mem::replace(&mut sent.asked, now));
        let account = self.config.accounts.get(sent.place.account);
        let venue = account.and_then(|account| self.config.venues.get(account.venue));
        let seldom = venue.map_or(0, |venue| venue.query_interval.0 << 6);
        if queries > most && now.0 - last.0 < seldom {
            self.broken(now, "queries_bounded", format!("{queries} for {order}"));
        }
    }

    fn cancel_bound(&mut self, now: Time, order: ClientOrderId) {
        let Some(sent) = self.orders.get(&order) else { return };
        let cancels = sent.cancels;
        let account = self.config.accounts.get(sent.place.account);
        let venue = account.and_then(|account| self.config.venues.get(account.venue));
        if venue.is_some_and(|venue| cancels > u64::from(venue.cancels_max)) {
            self.broken(now, "cancels_bounded", format!("{cancels} for {order}"));
        }
    }

    fn place(&mut self, now: Time, place: &Place) {
        self.place_id(now, place);
        self.place_price(now, place);
        self.place_allowed(now, place);
        let lots = self.told.lots((place.account, place.instrument));
        let needs = least_need(&self.config, place, lots);
        let sent = Sent::new(place, now, self.steps, needs);
        self.orders.insert(place.order, sent);
        self.place_bounds(now, place);
        self.place_follows(now, place);
        if place.kind == Kind::Enter && !place.purpose.is_repair() {
            self.place_residual(now, place);
            if place.purpose != Purpose::Hedge {
                self.place_sum(now, place);
                self.place_fresh(now, place);
            }
            self.place_money(now, place);
        }
        if place.kind == Kind::Roll && !place.purpose.is_repair() {
            self.place_fresh(now, place);
        }
        // Cancels and queries go on, but nothing new is sent once the messages are used up.
        let (messages, most) = (self.count_message(place.order), self.messages_of(place.order));
        if messages > most {
            self.broken(now, "messages_bounded", format!("{messages} for {}", place.order));
        }
    }

    /// Its id is new and says what it is.
    fn place_id(&mut self, now: Time, place: &Place) {
        let id = place.order;
        if self.orders.contains_key(&id) {
            self.broken(now, "ids_never_repeat", id.to_string());
        }
        let (owner, at) = rolls::owner(&self.config, place);
        let plan = self.config.hedges.get(owner).map(|hedge| &hedge.plan);
        let leg = plan.and_then(|plan| plan.legs.get(at));
        let named = leg
            .is_some_and(|leg| (leg.instrument, leg.account) == (place.instrument, place.account));
        // An attempt that outlived a restart keeps the run of its decision.
        let own = id.engine() == self.config.engine && id.run() <= self.run;
        if !named || !own || id.hedge() != place.hedge || id.attempt_try() == 0 {
            self.broken(now, "id_says_what_it_is", format!("{id} {place:?}"));
        }
    }

    /// Its price is within the collar of the touch and the day's band; its size is not nothing.
    fn place_price(&mut self, now: Time, place: &Place) {
        let at = place.instrument.index();
        let band = self.bands.get(at).copied().flatten();
        if band.is_some_and(|band| place.price < band.low || place.price > band.high) {
            self.broken(now, "price_in_band", format!("{place:?} {band:?}"));
        }
        if place.qty.is_zero() {
            self.broken(now, "size_above_zero", format!("{place:?}"));
        }
        let limits = self.policy.instruments.get(place.instrument);
        let collar = limits.map_or(0, |of| of.collar);
        let most = limits.map_or(Money::ZERO, |of| of.order_value);
        let tick_value = self.config.instruments.get(place.instrument).map(|of| of.tick_value);
        let lots = i128::from(place.qty.get());
        let value = tick_value.map(|tick| Money(tick.0 * i128::from(place.price.0).abs() * lots));
        if value.is_none_or(|value| value > most) {
            self.broken(now, "order_value_in_limit", format!("{place:?}: {value:?} of {most}"));
        }
        let touch = self.books.get(at).and_then(|book| book.last_touch(place.side.flip()));
        let away = touch.map(|touch| place.side.sign() * (place.price.0 - touch.0));
        if away.is_none_or(|away| away > collar) {
            self.broken(now, "price_in_collar", format!("{place:?} touch {touch:?}"));
        }
    }

    /// Its attempt lives, and no latch stands in its way.
    fn place_allowed(&mut self, now: Time, place: &Place) {
        let decision = place.order.decision();
        match self.attempts.get(&decision) {
            None => self.broken(now, "order_has_an_attempt", format!("{place:?}")),
            Some(attempt) if attempt.ended => {
                self.broken(now, "no_order_after_the_end", format!("{place:?}"));
            }
            Some(attempt) if attempt.forfeited => {
                self.broken(now, "forfeited_sends_nothing", format!("{place:?}"));
            }
            Some(_) => {}
        }
        if self.bounds.is_shut(now, place.instrument) {
            self.broken(now, "no_order_while_shut", format!("{place:?}"));
        }
        if self.links.get(place.account.index()).copied() == Some(LinkState::Down) {
            self.broken(now, "no_order_into_a_dead_line", format!("{place:?}"));
        }
        let last = |list: &[(Scope, u64)]| {
            let covers = list.iter().filter(|(scope, _)| self.covers(*scope, place));
            covers.map(|(_, step)| *step).max()
        };
        if self.killed.iter().any(|scope| self.covers(*scope, place)) {
            // What was flattened before the last kill stands still again.
            let flattened = last(&self.flattened) > last(&self.killed_at);
            let (owner, leg) = rolls::owner(&self.config, place);
            let held = self.inventory.get(owner.index()).map_or(0, |held| field(held, leg));
            let reduces = held * place.side.sign() < 0 && place.qty.get() <= held.abs();
            if !flattened || !reduces {
                self.broken(now, "no_order_in_halt", format!("{place:?}"));
            }
        }
    }

    fn covers(&self, scope: Scope, place: &Place) -> bool {
        match scope {
            Scope::All => true,
            Scope::Venue(venue) => {
                let account = self.config.accounts.get(place.account);
                account.is_some_and(|account| account.venue == venue)
            }
            Scope::Account(account) => account == place.account,
            Scope::Hedge(hedge) => {
                let next = rolls::of_kind(&self.config, place.hedge, place.kind);
                hedge == place.hedge || next.is_some_and(|roll| roll.next == hedge)
            }
        }
    }

    /// Its leg, at the worst of all its attempt has out, stays between where the attempt began and
    /// where it goes; its attempt stays within its tries.
    fn place_bounds(&mut self, now: Time, place: &Place) {
        let (decision, leg) = (place.order.decision(), usize::from(place.order.leg().0));
        let (owner, at) = rolls::owner(&self.config, place);
        let held = self.inventory.get(owner.index()).map_or(0, |held| field(held, at));
        let out: i64 = self
            .orders
            .range(decision..)
            .take_while(|(id, _)| id.decision() == decision)
            .filter(|(id, sent)| usize::from(id.leg().0) == leg && sent.place.side == place.side)
            .map(|(_, sent)| sent.leaves())
            .sum();
        let tries = self.policy.hedges.get(place.hedge).map_or(0, |of| of.execution.tries);
        let Some(attempt) = self.attempts.get_mut(&decision) else { return };
        let ends =
            [&attempt.goal_from, &attempt.goal_to, &attempt.held].map(|lots| field(lots, leg));
        let worst = held + place.side.sign() * out;
        let within = match place.side {
            Side::Buy => ends.iter().any(|end| worst <= *end),
            Side::Sell => ends.iter().any(|end| worst >= *end),
        };
        let mut orders = 0;
        let tries_anew = !matches!(place.purpose, Purpose::Hedge | Purpose::Quote);
        if let Some(count) = attempt.orders.get_mut(leg).filter(|_| tries_anew) {
            *count += 1;
            orders = *count;
        }
        if !within {
            let found = format!("{place:?}: held {held}, out {out}, ends {ends:?}");
            self.broken(now, "leg_within_its_goal", found);
        }
        if orders > u64::from(tries) {
            self.broken(now, "tries_bounded", format!("{orders} orders: {place:?}"));
        }
    }

    /// Lots that are out to buy, and to sell, by leg.
    fn out(&self, hedge: HedgeId) -> [LegLots; 2] {
        let mut out = [[0; LEGS_MAX]; 2];
        for sent in self.orders.values() {
            let lots = out.get_mut(sent.place.side.index());
            let (owner, leg) = rolls::owner(&self.config, &sent.place);
            let lots = lots.and_then(|lots| lots.get_mut(leg));
            if let Some(lots) = lots.filter(|_| owner == hedge) {
                *lots += sent.place.side.sign() * sent.leaves();
            }
        }
        out
    }

    /// How far the legs of a hedge are apart now, and at most when any of the orders that are out
    /// fill; in common units over its `unit_den`.
    fn residuals(&self, hedge: HedgeId) -> (i128, i128) {
        let held = self.inventory.get(hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else {
            return (0, 0);
        };
        let out = self.out(hedge);
        let legs = plan.legs.iter().enumerate().filter(|(_, leg)| leg.lots.num() != 0);
        let (mut rest, mut worst) = ((i128::MAX, i128::MIN), (i128::MAX, i128::MIN));
        for (at, leg) in legs {
            let units = |lots: i64| i128::from(leg.side.sign() * lots) * i128::from(leg.units);
            let now = units(field(&held, at));
            rest = (rest.0.min(now), rest.1.max(now));
            worst = (worst.0.min(now), worst.1.max(now));
            for out in &out {
                let then = units(field(&held, at) + field(out, at));
                worst = (worst.0.min(then), worst.1.max(then));
            }
        }
        (rest.1 - rest.0, worst.1 - worst.0)
    }

    /// Whichever of the orders that are out fill, the legs of an Enter stay as close as they must.
    fn place_residual(&mut self, now: Time, place: &Place) {
        let Some(limits) = self.policy.hedges.get(place.hedge) else { return };
        let (rest, worst) = self.residuals(place.hedge);
        let execution = limits.execution;
        let mut most = execution.live_residual + rest.min(execution.max_residual);
        if place.purpose == Purpose::Hedge {
            // What follows may leave a residual as large as it is.
            most = most.max(rest);
        }
        if worst > most {
            let found = format!("{place:?}: {worst} of {most}");
            self.broken(now, "enter_within_live_residual", found);
        }
    }

    /// All that enters in its account at the least needs no more than is there.
    fn place_money(&mut self, now: Time, place: &Place) {
        let Some(cash) = self.bounds.cash(place.account) else { return };
        // What closes lots that somebody else holds there needs nothing.
        let opens = |of: &Place| self.told.lots((of.account, of.instrument)) * of.side.sign() >= 0;
        let entering = self.orders.values().filter(|sent| {
            sent.place.account == place.account
                && sent.place.kind == Kind::Enter
                && opens(&sent.place)
        });
        let need: Money =
            entering.map(|sent| bounds::least_need(&self.config, &sent.place, sent.leaves())).sum();
        if need > cash {
            let found = format!("{place:?}: {need} of {cash}");
            self.broken(now, "enters_within_money", found);
        }
    }

    /// Its book is whole and young enough.
    fn place_fresh(&mut self, now: Time, place: &Place) {
        let Some(book) = self.books.get(place.instrument.index()) else { return };
        let limits = self.policy.instruments.get(place.instrument);
        let age = book.received().map_or(i64::MAX, |at| now.0 - at.0);
        if !book.is_whole() || limits.is_some_and(|limits| age > limits.age.0) {
            self.broken(now, "orders_on_fresh_books", format!("{place:?} age {age}"));
        }
    }

    /// So do all hedges of its product and currency together.
    fn place_sum(&mut self, now: Time, place: &Place) {
        // What is on its way from one hedge to the next is not told apart here.
        if self.attempts.values().any(|known| !known.ended && known.kind == Some(Kind::Roll)) {
            return;
        }
        let goods = |id: HedgeId| {
            let plan = &self.config.hedges.get(id)?.plan;
            let first = self.config.instruments.get(plan.legs.first()?.instrument)?;
            Some((first.product, plan.currency, i128::from(plan.unit_den)))
        };
        let Some((product, currency, _)) = goods(place.hedge) else { return };
        let mut sums = self.policy.sums.iter();
        let of = sums.find(|sum| (sum.product, sum.currency) == (product, currency));
        // Σ residual ÷ unit_den ≤ limit, as fractions of whole numbers.
        let (mut num, mut den) = (0, 1);
        for id in self.config.hedges.ids() {
            let Some((of, in_currency, unit_den)) = goods(id) else { continue };
            if (of, in_currency) == (product, currency) {
                num = num * unit_den + self.residuals(id).1 * den;
                den *= unit_den;
            }
        }
        let within = of.is_some_and(|sum| {
            num * i128::from(sum.limit.den()) <= i128::from(sum.limit.num()) * den
        });
        if !within {
            let found = format!("{place:?}: {num}/{den} of {of:?}");
            self.broken(now, "enter_within_sum_of_residuals", found);
        }
    }

    fn alert(&mut self, now: Time, alert: &Alert, commands: &[Command]) {
        match (alert.code, alert.subject) {
            (AlertCode::AttemptStarted, Subject::Attempt(decision)) => {
                self.started(now, decision, alert);
            }
            (AlertCode::AttemptEnded, Subject::Attempt(decision)) => {
                self.ended(now, decision, alert, commands);
            }
            (AlertCode::Forfeited, Subject::Attempt(decision)) => {
                if let Some(attempt) = self.attempts.get_mut(&decision) {
                    attempt.forfeited = true;
                }
            }
            (AlertCode::Restricted, Subject::Hedge(hedge)) => {
                self.restricted.insert(hedge);
            }
            (AlertCode::Unrestricted, Subject::Hedge(hedge)) => {
                self.restricted.remove(&hedge);
                self.residual_held.remove(&hedge);
            }
            (AlertCode::LegLost | AlertCode::Crossed, Subject::Hedge(hedge)) => {
                let lots = i64::try_from(alert.value).unwrap_or(0);
                self.hold(hedge, usize::from(alert.detail), lots);
            }
            (AlertCode::Restricted, Subject::Account(account)) => self.bounds.restrict(account),
            (AlertCode::Unrestricted, Subject::Account(account)) => self.bounds.lift(account),
            (AlertCode::CancelStuck, Subject::Order(order)) => {
                self.stuck.insert(order);
                if self.orders.get(&order).is_some_and(|sent| sent.barred) {
                    self.broken(now, "cancel_outlives_an_auction", order.to_string());
                }
            }
            (AlertCode::CashDrift, Subject::Account(account)) if self.unsure.contains(&account) => {
            }
            (AlertCode::CashDrift | AlertCode::PositionDrift, _) => self.drifts += 1,
            (AlertCode::Conflict, _) => self.conflicts += 1,
            (AlertCode::Poisoned, _) => {
                self.broken(now, "never_poisoned", format!("{alert:?}"));
            }
            (_, _) => {}
        }
    }

    fn started(&mut self, now: Time, decision: ClientOrderId, alert: &Alert) {
        let hedge = decision.hedge();
        let alive = self.attempts.values().any(|known| known.hedge == hedge && !known.ended);
        if alive {
            self.broken(now, "one_attempt_a_hedge", decision.to_string());
        }
        if self.attempts.contains_key(&decision) {
            self.broken(now, "ids_never_repeat", format!("attempt {decision}"));
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let sets = |wide: i128| i64::try_from(wide).unwrap_or(0);
        let held = self.inventory.get(hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        // A Trim lies between the sets that the least and the most advanced leg stand for.
        let (from, to) = if alert.detail == Kind::Trim.code() {
            whole_sets(plan, &held)
        } else {
            (sets(alert.value), sets(alert.limit))
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == alert.detail);
        let roll = kind.and_then(|kind| rolls::of_kind(&self.config, hedge, kind));
        let (goal_from, goal_to, held) = match roll {
            Some(roll) => {
                let base = rolls::ledger(&self.config, hedge, &self.inventory);
                let mut after = roll.plan.goal(to);
                after.iter_mut().zip(&base).for_each(|(lots, base)| *lots += base);
                (base, after, base)
            }
            None => (plan.goal(from), plan.goal(to), held),
        };
        let next = roll.map(|roll| roll.next);
        let begun = Begun {
            hedge,
            goal_from,
            goal_to,
            held,
            orders: [0; LEGS_MAX],
            messages: 0,
            ended: false,
            forfeited: false,
            kind,
        };
        self.rolling(now, hedge, next);
        self.attempts.insert(decision, begun);
        if alert.detail == Kind::Enter.code() {
            self.entering(now, hedge);
            let max = self.policy.hedges.get(hedge).map_or(0, |limits| limits.size.max);
            if to.abs() > max {
                self.broken(now, "enter_within_max", format!("{decision}: {to} sets of {max}"));
            }
        }
        if alert.detail == Kind::Trim.code() {
            let (trims, limits) = (self.bounds.trim(hedge), self.policy.hedges.get(hedge));
            let most = limits.map_or(0, |limits| u64::from(limits.execution.trims_per_day));
            if trims > most {
                self.broken(now, "trims_bounded", format!("{decision}: {trims} of {most}"));
            }
        }
        if alert.detail == Kind::Trim.code() && self.residual_held.contains(&hedge) {
            self.broken(now, "no_trim_after_residual_held", decision.to_string());
        }
    }

    /// While sets move to a hedge it begins nothing; and they move to one at rest, which nothing
    /// keeps from entering.
    fn rolling(&mut self, now: Time, hedge: HedgeId, next: Option<HedgeId>) {
        let target = |of: &Begun| {
            let roll = rolls::of_kind(&self.config, of.hedge, of.kind?)?;
            Some(roll.next)
        };
        let live = || self.attempts.values().filter(|of| !of.ended);
        let is_taken = live().any(|of| target(of) == Some(hedge));
        let meets =
            next.is_some_and(|next| live().any(|of| of.hedge == next || target(of) == Some(next)));
        if is_taken || meets {
            self.broken(now, "roll_has_two_hedges", format!("hedge {} {next:?}", hedge.0));
        }
        for of in next.into_iter().flat_map(|next| [hedge, next]) {
            if self.stopped.contains(&of) {
                self.broken(now, "no_enter_while_stopped", format!("roll of {}", of.0));
            }
            if self.restricted.contains(&of) {
                self.broken(now, "no_enter_while_restricted", format!("roll of {}", of.0));
            }
        }
    }

    /// Nothing stands against entering: no stop, no restriction, and every book may be counted on.
    fn entering(&mut self, now: Time, hedge: HedgeId) {
        if self.stopped.contains(&hedge) {
            self.broken(now, "no_enter_while_stopped", format!("hedge {}", hedge.0));
        }
        if self.restricted.contains(&hedge) {
            self.broken(now, "no_enter_while_restricted", format!("hedge {}", hedge.0));
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let shut = plan.legs.iter().any(|leg| self.bounds.is_shut(now, leg.instrument));
        let account = plan.legs.iter().find(|leg| self.bounds.is_restricted(leg.account));
        let account = account.map(|leg| leg.account);
        if shut {
            self.broken(now, "no_enter_while_shut", format!("hedge {}", hedge.0));
        }
        if let Some(account) = account {
            let found = format!("hedge {} account {}", hedge.0, account.0);
            self.broken(now, "no_enter_while_restricted", found);
        }
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else { return };
        let (mut wrong, mut far) = (Vec::new(), Vec::new());
        let instruments = plan.legs.iter().flat_map(|leg| [Some(leg.instrument), leg.fx]);
        let mut received: Vec<Time> = Vec::new();
        for instrument in instruments.flatten() {
            let Some(book) = self.books.get(instrument.index()) else { continue };
            let limits = self.policy.instruments.get(instrument);
            let age = book.received().map_or(i64::MAX, |at| now.0 - at.0);
            let old = limits.is_some_and(|limits| age > limits.age.0);
            if !book.is_whole() || old {
                wrong.push(format!("instrument {} age {age}: {book:?}", instrument.0));
            }
            received.extend(book.received());
            if self.is_far(instrument) {
                far.push(format!("instrument {}: {book:?}", instrument.0));
            }
        }
        for found in wrong {
            self.broken(now, "enters_on_good_books_only", found);
        }
        for found in far {
            self.broken(now, "no_enter_on_absurd_prices", found);
        }
    }

    fn ended(&mut self, now: Time, decision: ClientOrderId, alert: &Alert, commands: &[Command]) {
        let Some(attempt) = self.attempts.get_mut(&decision) else {
            self.broken(now, "ends_what_began", decision.to_string());
            return;
        };
        let (twice, hedge) = (attempt.ended, attempt.hedge);
        attempt.ended = true;
        if twice || usize::from(alert.detail) >= ENDS.len() {
            self.broken(now, "one_end_of_four", format!("{decision} {}", alert.detail));
        }
        if alert.detail == RESIDUAL_HELD {
            self.residual_held.insert(hedge);
            let restricts = alerts(commands).any(|other| {
                other.code == AlertCode::Restricted && other.subject == Subject::Hedge(hedge)
            });
            let known = self.restricted.contains(&hedge);
            if alert.urgency != Urgency::Alarm || !(restricts || known) {
                self.broken(now, "residual_held_alarms", format!("{alert:?}"));
            }
            return;
        }
        let open: Vec<String> = self
            .orders
            .range(decision..)
            .take_while(|(id, _)| id.decision() == decision)
            .filter(|(_, sent)| !sent.is_confirmed())
            .map(|(id, sent)| format!("{id} {sent:?}"))
            .collect();
        for order in open {
            self.broken(now, "ends_with_orders_confirmed", format!("end {} {order}", alert.detail));
        }
    }

    /// What a scope that is killed asks for from now on.
    fn note_kill(&mut self, scope: Scope) {
        self.killed.retain(|known| *known != scope);
        self.flattened.retain(|(known, _)| *known != scope);
        self.killed_at.retain(|(known, _)| *known != scope);
        self.killed.push(scope);
        self.killed_at.push((scope, self.steps));
    }

    /// The account that a venue's no has halted in this step: it is held to all that a kill asks.
    fn halted_by_venue(&mut self, commands: &[Command]) -> Option<AccountId> {
        let account = halted(commands)?;
        self.note_kill(Scope::Account(account));
        Some(account)
    }

    /// After a kill, and when a line is back, every order of a killed scope has its cancel.
    fn cancels_left(&mut self, now: Time, event: &Event, commands: &[Command]) {
        // A kill concerns every account, a line that is back only its own.
        let due = match event {
            Event::Control(control) => matches!(control.verb, Verb::Kill(_)).then_some(None),
            Event::Link(link) => match link.to {
                LinkTo::Trading(account) => {
                    (link.state == LinkState::Resynced).then_some(Some(account))
                }
                LinkTo::Feed(_) => None,
            },
            Event::Report(_) => halted(commands).map(Some),
            Event::Book(_)
            | Event::Answer(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick => None,
        };
        let Some(only) = due else { return };
        if self.killed.is_empty() {
            return;
        }
        let mut left = Vec::new();
        for (id, sent) in &self.orders {
            if only.is_some_and(|account| account != sent.place.account) {
                continue;
            }
            // What was sent to flatten, after the kill, may stand.
            let killed = self.killed_at.iter().any(|(scope, at)| {
                sent.step <= *at && self.killed.contains(scope) && self.covers(*scope, &sent.place)
            });
            let up = self.links.get(sent.place.account.index()) == Some(&LinkState::Resynced);
            let most = self
                .config
                .accounts
                .get(sent.place.account)
                .and_then(|account| self.config.venues.get(account.venue))
                .map_or(0, |venue| u64::from(venue.cancels_max));
            let live = sent.done.is_none() && sent.leaves() > 0;
            if killed && up && live && !sent.cancel_out && sent.cancels_all < most {
                left.push(id.to_string());
            }
        }
        for id in left {
            self.broken(now, "kill_cancels_at_once", id);
        }
    }
}

/// The account that is told to be halted.
fn halted(commands: &[Command]) -> Option<AccountId> {
    alerts(commands).find_map(|alert| match (alert.code, alert.subject) {
        (AlertCode::Halted, Subject::Account(account)) => Some(account),
        _ => None,
    })
}

/// Whether it says that more happened to an order, or will, than an operator knew of.
fn contradicts(sent: &Sent, news: &News) -> bool {
    let works = matches!(news, News::Status { status: VenueStatus::Working, .. });
    let again = matches!(news, News::Fill(fill) if sent.knows_total(fill.cum));
    works || is_new_fill(sent, news) && !again
}

/// Whether it is a fill that the order has not heard of.
fn is_new_fill(sent: &Sent, news: &News) -> bool {
    match news {
        News::Fill(fill) => !sent.knows(fill.trade_id),
        News::Accepted
        | News::Rejected { .. }
        | News::Cancelled { .. }
        | News::Expired { .. }
        | News::CancelRejected { .. }
        | News::Status { .. }
        | News::Bust { .. }
        | News::Correct { .. }
        | News::Fee { .. } => false,
    }
}

fn alerts(commands: &[Command]) -> impl Iterator<Item = &Alert> {
    commands.iter().filter_map(|command| match command {
        Command::Alert(alert) => Some(alert),
        Command::Place(_)
        | Command::Amend(_)
        | Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_) => None,
    })
}

/// The whole sets below and above what the legs stand for.
fn whole_sets(plan: &HedgePlan, held: &LegLots) -> (i64, i64) {
    let set = i128::from(plan.set_units);
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for (lots, leg) in held.iter().zip(&plan.legs).filter(|(_, leg)| leg.lots.num() != 0) {
        let units = i128::from(leg.side.sign() * lots) * i128::from(leg.units);
        let (below, above) = (units.div_euclid(set), -(-units).div_euclid(set));
        low = low.min(i64::try_from(below).unwrap_or(i64::MIN));
        high = high.max(i64::try_from(above).unwrap_or(i64::MAX));
    }
    (low, high)
}

/// What the rules ask of an engine once all is quiet.
pub struct Probe<'a> {
    /// Signed lots it believes to hold.
    pub position: &'a dyn Fn(AccountId, InstrumentId) -> i64,
    /// Orders it believes to be alive or unknown.
    pub live_orders: &'a dyn Fn() -> usize,
    /// Signed lots of every leg of a hedge.
    pub inventory: &'a dyn Fn(HedgeId) -> LegLots,
    /// What the open lots of a position have cost, in ticks × lots: longs less shorts.
    pub cost: &'a dyn Fn(AccountId, InstrumentId) -> i128,
    /// Residual of a hedge, in common units over its `unit_den`.
    pub residual: &'a dyn Fn(HedgeId) -> i128,
    /// Money it holds for orders and attempts, quarantine included.
    pub held: &'a dyn Fn(AccountId) -> Money,
    /// Balance without unrealised results.
    pub cash: &'a dyn Fn(AccountId) -> Money,
    /// Price and lots of the levels of a book, best first.
    pub levels: &'a dyn Fn(InstrumentId, Side) -> Vec<(i64, i64)>,
}

impl Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

/// After news of orders, money or positions: inventories, positions and balances are what events
/// have told of them.
pub fn as_told(world: &mut World, probe: &Probe<'_>) {
    let found = world.checker_mut().map(|check| as_events_tell(check, probe));
    tell(world, found.unwrap_or_default());
}

/// Where inventories, positions or balances are not what events have told of them.
pub fn as_events_tell(check: &mut Checker, probe: &Probe<'_>) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for account in check.config.accounts.ids() {
        check.bounds.note_cash(account, (probe.cash)(account));
    }
    for hedge in check.config.hedges.ids() {
        let (ours, told) = ((probe.inventory)(hedge), check.inventory.get(hedge.index()));
        if Some(&ours) != told {
            let text = format!("hedge {}: {ours:?}, told {told:?}", hedge.0);
            found.push(("inventory_as_told", text));
        }
    }
    for (account, instrument, told) in check.told.positions() {
        let ours = (probe.position)(account, instrument);
        if ours != told {
            let text = format!("account {} instrument {}", account.0, instrument.0);
            found.push(("position_as_told", format!("{text}: {ours}, told {told}")));
        }
    }
    for account in check.config.accounts.ids() {
        let ours = (probe.cash)(account);
        let cost = |instrument| (probe.cost)(account, instrument);
        let told = check.told.balance(&check.config, account, &cost);
        if ours != told {
            let text = format!("account {}: {ours}, told {told}", account.0);
            found.push(("cash_as_told", text));
        }
        let (held, least) = ((probe.held)(account), check.least_held(account));
        if held < least {
            let text = format!("account {}: {held}, at least {least}", account.0);
            found.push(("orders_have_their_money", text));
        }
    }
    found
}

/// The least that an order is sure to need of its account until it is done, whatever the market
/// does: the price of what it buys, or the margin of what it opens, at its own price. A position of
/// the other side may need less, and is not looked at.
fn least_need(config: &Config, place: &Place, lots: i64) -> Money {
    let Some(listed) = config.instruments.get(place.instrument) else { return Money::ZERO };
    let account = config.accounts.get(place.account);
    let venue = account.and_then(|account| config.venues.get(account.venue));
    let nets = venue.is_none_or(|venue| venue.netting == Netting::Net);
    let value = listed.tick_value.0 * i128::from(place.price.0) * i128::from(place.qty.get());
    let amount = match listed.settlement {
        Settlement::Cash => value * i128::from(place.side.sign()),
        Settlement::Margin => {
            let closes = place.effect != PositionEffect::Open
                || (nets && lots.signum() == -place.side.sign());
            let rate = match place.side {
                Side::Buy => listed.margin.long,
                Side::Sell => listed.margin.short,
            };
            let margin = value.abs() / i128::from(rate.den()) * i128::from(rate.num());
            if closes { 0 } else { margin }
        }
    };
    Money(amount.max(0))
}

/// Once all is quiet: every order and attempt has ended, at the venues and in the engine's eyes,
/// nothing is held, and residuals are within their limits or were left to a person.
pub fn at_rest(world: &mut World, probe: &Probe<'_>) {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for venue in world.venues() {
        for order in venue.orders().iter().filter(|order| order.is_working()) {
            found.push(("every_order_ends", format!("{order:?}")));
        }
    }
    let live = (probe.live_orders)();
    if live > 0 {
        found.push(("engine_knows_every_end", format!("{live} orders")));
    }
    for account in world.config.accounts.ids() {
        let held = (probe.held)(account);
        if held != Money::ZERO {
            found.push(("nothing_stays_held", format!("account {}: {held}", account.0)));
        }
    }
    let attempts = world.checker().map_or(0, Checker::live_attempts);
    if attempts > 0 {
        found.push(("every_attempt_ends", format!("{attempts} attempts")));
    }
    found.extend(residuals(world, probe));
    tell(world, found);
}

/// Once the day is closed: books, positions and balances are what the venues have.
pub fn in_truth(world: &mut World, probe: &Probe<'_>) {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for listing in world.venues().iter().flat_map(crate::venue::SimVenue::listings) {
        for side in [Side::Buy, Side::Sell] {
            let ours = (probe.levels)(listing.instrument, side);
            let theirs = listing.depth.recorded(side).map(|level| (level.price.0, level.lots));
            if !theirs.eq(ours.iter().copied()) {
                let text = format!("instrument {} {side:?}: {ours:?}", listing.instrument.0);
                found.push(("books_are_true", text));
            }
        }
    }
    for (account, instrument, lots) in world.truth().holdings() {
        let (ours, theirs) = ((probe.position)(account, instrument), lots.long - lots.short);
        if ours != theirs {
            let text = format!("account {} instrument {}", account.0, instrument.0);
            found.push(("position_is_true", format!("{text}: {ours}, in truth {theirs}")));
        }
    }
    for account in world.config.accounts.ids() {
        let cash = (probe.cash)(account);
        match world.truth().balance(account) {
            Some(truth) if truth == cash => {}
            truth => {
                let text = format!("account {}: {cash}, in truth {truth:?}", account.0);
                found.push(("cash_is_true", text));
            }
        }
    }
    tell(world, found);
}

fn tell(world: &mut World, found: Vec<(&'static str, String)>) {
    let now = world.now();
    if let Some(check) = world.checker_mut() {
        for (rule, what) in found {
            check.broken(now, rule, what);
        }
    }
}

/// Whether every residual is within its limit, or was left to a person.
#[must_use]
pub fn is_aligned(world: &World, probe: &Probe<'_>) -> bool {
    residuals(world, probe).is_empty()
}

/// A residual beyond its limit is allowed where an attempt ended in the open, and alarmed it.
fn residuals(world: &World, probe: &Probe<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let Some(check) = world.checker() else { return found };
    for hedge in world.config.hedges.ids() {
        let residual = (probe.residual)(hedge);
        let limits = check.policy.hedges.get(hedge);
        let most = limits.map_or(0, |limits| limits.execution.max_residual);
        let latched = !check.killed.is_empty();
        // What never trades again keeps what it holds.
        let over = check.is_over(hedge);
        if residual.abs() > most && !check.is_restricted(hedge) && !latched && !over {
            found.push(("residual_in_limit", format!("hedge {}: {residual}", hedge.0)));
        }
    }
    found
}

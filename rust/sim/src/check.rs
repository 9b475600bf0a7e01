//! Rules that hold after every event, checked from events and commands alone, and once all is
//! quiet against what the venues hold. None of it shares code with what it checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use cross_market_core::clock::Clock;
use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::config::{Config, Route};
use cross_market_core::event::{Event, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Freezes, Lease, Transfer};
use cross_market_core::gate::Policy;
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX};
use cross_market_core::instrument::{PriceBand, ReferenceChange};
use cross_market_core::num::{Money, Price, Side};
use cross_market_core::order::{Answer, Found, News, RejectClass, Report, VenueStatus};
use cross_market_core::quote::{Kind, LegLots};
use cross_market_core::threshold::{Metric, Of};
use cross_market_core::time::{Span, Time};

use crate::bounds::{Bounds, Counted};
use crate::conduct;
use crate::margins::{self, Rates, ToCome};
use crate::rolls;
use crate::sent::{Change, Sent};
use crate::told::{Told, corrected};
use crate::twin::Twin;

mod attempts;
mod budgets;
mod follows;
mod ladders;
mod orders;
mod probe;

pub use probe::{Probe, as_events_tell, as_told, at_rest, in_truth, is_aligned};

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
    "attempts_end_in_time",
    "books_are_true",
    "bounds_as_stated",
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
    "transfers_are_asked_for",
    "restricted_enters_nothing",
    "cancel_level_cancels",
    "levels_as_told",
    "inventory_as_told",
    "kill_cancels_at_once",
    "leg_within_its_goal",
    "margin_as_told",
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
    "order_has_a_prompt",
    "order_has_an_attempt",
    "order_value_in_limit",
    "orders_have_their_money",
    "orders_on_fresh_books",
    "orders_within_conduct",
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
    "roll_within_its_cost",
    "size_above_zero",
    "tries_bounded",
    "trims_bounded",
    "within_lease",
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
    /// When it must have ended.
    until: Time,
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
    /// The same from before the market itself was last seen to jump: what goes back there may be
    /// taken for the market.
    sane_before: Vec<[Option<Price>; 2]>,
    bands: Vec<Option<PriceBand>>,
    rates: Vec<Rates>,
    rates_to_come: ToCome,
    links: Vec<LinkState>,
    killed: Vec<Scope>,
    killed_at: Vec<(Scope, u64)>,
    steps: u64,
    flattened: Vec<(Scope, u64)>,
    stopped: BTreeSet<HedgeId>,
    restricted: BTreeSet<HedgeId>,
    /// The level of each monitored number, by the code of its metric and what it is of.
    levels: BTreeMap<(u8, Subject), u8>,
    residual_held: BTreeSet<HedgeId>,
    stuck: BTreeSet<ClientOrderId>,
    drifts: u64,
    /// Accounts whose balance is unknown: a word ended the asking about an execution of which only a
    /// correction was heard, so its fee never comes.
    unsure: BTreeSet<AccountId>,
    /// Accounts in which something traded that no hold had money for, or that fell short: it may have
    /// taken what was held for an order that follows.
    surprised: BTreeSet<AccountId>,
    conflicts: u64,
    kills: bool,
    /// The longest time over which slices were to begin.
    slices_over: Span,
    /// Whether a contradiction calls orders back now.
    recalls: bool,
    /// Whether cancels may leave now whatever the window says.
    unbound: bool,
    /// The transfer that the present event asks for.
    word: Option<Transfer>,
    leases: BTreeMap<AccountId, Lease>,
    breaches: Vec<ladders::Breach>,
    handled: Vec<Span>,
    told: Told,
    bounds: Bounds,
    conduct: conduct::Ledger,
    violations: Vec<Violation>,
}

/// Whether a side of a touch is further from another one than so many ticks.
fn is_beyond(touch: [Option<Price>; 2], other: [Option<Price>; 2], ticks: i64) -> bool {
    let mut pairs = touch.into_iter().zip(other).filter_map(|(one, other)| Some((one?, other?)));
    pairs.any(|(one, other)| (one.0 - other.0).abs() > ticks)
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
            sane_before: vec![[None; 2]; config.instruments.len()],
            bands: config.instruments.iter().map(|instrument| instrument.band).collect(),
            rates: margins::rates(config),
            rates_to_come: ToCome::new(config),
            links: vec![LinkState::Down; config.accounts.len()],
            killed: Vec::new(),
            killed_at: Vec::new(),
            steps: 0,
            flattened: Vec::new(),
            stopped: BTreeSet::new(),
            restricted: BTreeSet::new(),
            levels: BTreeMap::new(),
            residual_held: BTreeSet::new(),
            stuck: BTreeSet::new(),
            drifts: 0,
            unsure: BTreeSet::new(),
            surprised: BTreeSet::new(),
            conflicts: 0,
            kills: false,
            slices_over: Span::ZERO,
            recalls: false,
            unbound: false,
            word: None,
            leases: BTreeMap::new(),
            breaches: Vec::new(),
            handled: Vec::new(),
            told: Told::new(config.accounts.len()),
            bounds: Bounds::new(config),
            conduct: conduct::Ledger::default(),
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
    fn is_over(&self, now: Time, hedge: HedgeId) -> bool {
        let plan = self.config.hedges.get(hedge).map(|hedge| &hedge.plan);
        let is_over = |instrument| {
            let has_prompt = self.told.has_prompt(&self.config, instrument, now);
            self.bounds.is_over(instrument) || !has_prompt
        };
        plan.is_some_and(|plan| plan.legs.iter().any(|leg| is_over(leg.instrument)))
    }

    /// Conflict alerts so far.
    #[must_use]
    pub const fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// What the orders of an account that may still trade need at least.
    fn least_held(
        &self,
        account: AccountId,
        open: &dyn Fn(AccountId, InstrumentId, Side) -> (i64, i128),
    ) -> Money {
        let of = self.orders.values().filter(|sent| sent.place.account == account);
        let may = |id, side| {
            let orders = self.orders.values().filter(|sent| sent.place.account == account);
            let own = |sent: &&Sent| (sent.place.instrument, sent.place.side) == (id, side);
            let alive = |sent: &Sent| {
                if sent.done.is_some() { 0 } else { sent.place.qty.get() - sent.cum }
            };
            orders.filter(own).map(alive).sum::<i64>().max(0)
        };
        let breakable = margins::breakable(&self.config, account, open, &may);
        if !self.nets(account) {
            return of.map(Sent::needs_left).sum::<Money>() + breakable;
        }
        let needs: Vec<_> = of
            .map(|sent| (sent.place.instrument, sent.place.side, sent.needs_left()))
            .filter(|(_, _, need)| *need > Money::ZERO)
            .collect();
        // Each of them may have been rounded down where it traded in part.
        let dust = Money(needs.len().try_into().unwrap_or(i128::MAX) * 2);
        let least = margins::together(&self.config, &self.rates, account, open, &needs);
        (least - dust).max(Money::ZERO) + breakable
    }

    /// Whether the venue freezes for all orders of an account together.
    fn nets(&self, account: AccountId) -> bool {
        let of = self.config.accounts.get(account);
        of.is_some_and(|of| of.terms.freezes == Freezes::Together)
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
        self.give_time_anew(now);
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
        self.take(now, event, commands);
        self.note_handled(now);
    }

    fn take(&mut self, now: Time, event: &Event, commands: &[Command]) {
        self.steps += 1;
        self.rates_to_come.turn(now.date(), &mut self.rates);
        self.conduct.begin();
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
            Event::Control(control) => {
                self.word = None;
                self.verb(&control.verb, commands);
            }
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
                let (id, day) = (settle.instrument, settle.day);
                self.rates_to_come.settle(id, day, &mut self.rates);
                self.bounds.settle(&self.config, settle.instrument, settle.day);
                if let Some(of) = self.config.instruments.get(settle.instrument) {
                    self.conduct.settle(settle.instrument, of.venue, settle.day);
                }
                self.told.settle(settle);
            }
            Event::Clock(clock) => self.clock(now, clock, commands),
            Event::Estimate(_) | Event::Tick => {}
        }
        if commands.is_empty() && !matches!(event, Event::Control(_) | Event::Link(_)) {
            self.ends_in_time(now, event);
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
        self.ends_in_time(now, event);
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
        let (id, at) = (change.instrument, change.instrument.index());
        let Some(book) = self.books.get(at) else { return };
        if !change.row.is_last() || !book.is_whole() || self.absurd.contains(&id) {
            return;
        }
        let touch = [book.last_touch(Side::Buy), book.last_touch(Side::Sell)];
        let most = self.most_moved(id);
        if let (Some(sane), Some(before)) = (self.sane.get_mut(at), self.sane_before.get_mut(at)) {
            if is_beyond(touch, *sane, most) {
                *before = *sane;
            }
            *sane = touch;
        }
    }

    /// Whether the touch of a made up book is further from its last true one than any market moves.
    fn is_far(&self, id: InstrumentId) -> bool {
        let at = id.index();
        let Some(book) = self.books.get(at).filter(|_| self.absurd.contains(&id)) else {
            return false;
        };
        let (touch, most) = ([book.best(Side::Buy), book.best(Side::Sell)], self.most_moved(id));
        let known = |touches: &[[Option<Price>; 2]]| touches.get(at).copied().unwrap_or_default();
        let before = known(&self.sane_before);
        is_beyond(touch, known(&self.sane), most)
            && (before == [None; 2] || is_beyond(touch, before, most))
    }

    fn most_moved(&self, id: InstrumentId) -> i64 {
        JUMP_COLLARS * self.policy.instruments.get(id).map_or(0, |of| of.collar)
    }

    fn reference(&mut self, instrument: InstrumentId, change: ReferenceChange) {
        match change {
            ReferenceChange::PriceBand(band) => {
                if let Some(known) = self.bands.get_mut(instrument.index()) {
                    *known = band;
                }
            }
            ReferenceChange::Phase { phase, until } => self.bounds.say(instrument, phase, until),
            ReferenceChange::Margin(rate) => {
                if let Some((known, _)) = self.rates.get_mut(instrument.index()) {
                    *known = rate;
                }
            }
            ReferenceChange::FlagMargin(flag, rate) => {
                if let Some((_, own)) = self.rates.get_mut(instrument.index()) {
                    own.insert(flag, rate);
                }
            }
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
            Verb::Enter { over, .. } | Verb::Exit { over, .. } => {
                self.slices_over = self.slices_over.max(*over);
            }
            Verb::Transfer(transfer) => self.word = Some(*transfer),
            Verb::Lease(lease) => {
                self.leases.insert(lease.account, *lease);
            }
            Verb::Unrestrict(_)
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
                self.surprised.insert(report.account);
                self.told.foreign(&self.config, now, report);
            }
            return;
        };
        // An order that was proven absent and trades after all contradicts that, and has traded. So
        // does one on which the desk had its word, also where a revision told again came between.
        let said_dead = sent.absent || sent.overridden || sent.was_overridden;
        let surfaces = said_dead && is_new_fill(sent, &report.news);
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
        if surfaces || sent.is_overfilled() {
            self.surprised.insert(place.account);
        }
        if matches!(report.news, News::Fill(_)) {
            self.note_opened(&place, change.lots);
        }
        self.note_end(place.order);
        self.told.trade(&self.config, held, (now, place.side), &change);
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
        self.note_end(answer.order);
    }

    fn commands(&mut self, now: Time, commands: &[Command]) {
        let best = |instrument: InstrumentId, side| {
            self.books.get(instrument.index()).and_then(|book| book.last_touch(side))
        };
        let crossed = crate::crossing::flaws(&self.config, &self.policy, commands, &best);
        let dear = rolls::dear(&self.config, &self.policy, commands, &best);
        for found in crossed {
            self.broken(now, "crossing_moves_nothing", found);
        }
        for found in dear {
            self.broken(now, "roll_within_its_cost", found);
        }
        for command in commands {
            match command {
                Command::Place(place) => {
                    self.place(now, place);
                    self.place_budgets(now, place);
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
                    self.note_cancel(now, cancel.order);
                }
                Command::Query(query) => {
                    self.query(now, query.order);
                    self.within_rates(now, (query.account, query.instrument), 1, true);
                }
                Command::Alert(alert) => self.alert(now, alert, commands),
                Command::Amend(_) => self.broken(now, "inert_commands", format!("{command:?}")),
                Command::Transfer(transfer) => self.transfer(now, transfer, commands),
                Command::Resync(_) => {}
            }
        }
    }

    /// Money moves on a word of this very event, over a declared route, once a number, and only
    /// what is free.
    fn transfer(&mut self, now: Time, transfer: &Transfer, commands: &[Command]) {
        let asked = if transfer.id.is_own() {
            self.tops_up(transfer, commands)
        } else {
            self.word.take() == Some(*transfer)
        };
        let known = self.told.knows(transfer.id);
        let declared = |route: &Route| {
            (route.from, route.to) == (transfer.from, transfer.to)
                && (route.least..=route.most).contains(&transfer.amount)
                && route.windows.is_open(now)
        };
        let routed = self.config.routes.iter().any(declared);
        let covered = self.bounds.cash(transfer.from).is_none_or(|free| transfer.amount <= free);
        if !asked || known || !routed || !covered {
            self.broken(now, "transfers_are_asked_for", format!("{transfer:?}"));
        }
        self.told.asked(transfer);
    }

    /// Whether a route tops up in such steps, of an account that stands at a level that asks or that
    /// was short in this very event.
    fn tops_up(&self, transfer: &Transfer, commands: &[Command]) -> bool {
        let of = Subject::Account(transfer.to);
        let short =
            alerts(commands).any(|alert| alert.code == AlertCode::Shortfall && alert.subject == of);
        let level = self.levels.iter().filter(|((metric, subject), _)| {
            let metric = Metric::ALL.get(usize::from(*metric));
            let of_accounts = metric.is_some_and(|metric| metric.of() == Of::Account);
            of_accounts && self.is_of_account(*subject, transfer.to)
        });
        let level = level.map(|(_, level)| *level).max().unwrap_or(0);
        let mut routes = self.config.routes.iter();
        let route = routes.find(|of| (of.from, of.to) == (transfer.from, transfer.to));
        route.and_then(|route| route.top_up).is_some_and(|top_up| {
            transfer.amount.0 % top_up.step.0 == 0 && (short || level >= top_up.at.code())
        })
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
            (AlertCode::Threshold | AlertCode::ThresholdLeft, _) => {
                self.ladder(now, alert, commands);
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
            // A close may realise a loss beyond what its account has left, as may a settlement.
            (AlertCode::Shortfall, Subject::Account(account)) => {
                self.surprised.insert(account);
            }
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

/// Whether it tells of an execution that the order has not heard of.
fn is_new_fill(sent: &Sent, news: &News) -> bool {
    match news {
        News::Fill(fill) => !sent.knows(fill.trade_id),
        // Known by its correction alone: it has traded too.
        News::Correct { trade_id, .. } => !sent.knows(*trade_id),
        News::Accepted
        | News::Rejected { .. }
        | News::Cancelled { .. }
        | News::Expired { .. }
        | News::CancelRejected { .. }
        | News::Status { .. }
        | News::Bust { .. }
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

//! One node: the engine, the venues as they are in truth, and all that may happen next.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cross_market_core::book::{Change, Row};
use cross_market_core::command::{AlertCode, Command};
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::event::{Control, Event, Link, LinkState, LinkTo, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, CurrencyId, HedgeId, Id, InstrumentId, Note, Text};
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, Order, RejectClass, Report, VenueStatus,
};
use cross_market_core::time::{Span, Time};
use cross_market_core::wire::Writer;

use super::small::FEE;
use super::steps::{Budget, Move, Reply};
use super::truth::{PARTS, Part, Truth};
use crate::check::{Checker, Violation, as_events_tell};
use crate::digest::Digest;
use crate::draw::START;
use crate::swarm::with_probe;
use crate::world::is_of_money;

/// The hedge.
const HEDGE: HedgeId = HedgeId(0);
/// Price of the bid of each leg, and of the ask one tick above it.
const BIDS: [i64; 2] = [110, 99];
/// Steps within which all comes to rest once the venues answer.
const STEPS_MAX: u32 = 2_000;
/// Fresh books that a residual may wait for.
const BOOKS_MAX: u32 = 40;

/// When two nodes are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// When the engine's digest and the venues' truth are equal.
    Exact,
    /// When time, deadline, lots, latches, attempt, open orders and their truth are equal: money,
    /// counts of messages, and ids and times of orders that are done may differ. Money and messages
    /// are ample here, and bind nothing within the length of a path.
    Coarse,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(super) engine: Engine,
    pub(super) check: Checker,
    pub(super) orders: Vec<Truth>,
    pub(super) down: [bool; 2],
    pub(super) left: Budget,
    pub(super) merge: Merge,
    pub(super) now: Time,
    pub(super) seq: u64,
    pub(super) ends: [u64; 4],
}

pub(super) fn at(order: usize) -> u8 {
    u8::try_from(order).unwrap_or(u8::MAX)
}

impl Scene {
    /// Money, books and lines are there, and one attempt has begun.
    ///
    /// # Errors
    /// When the engine does not take its configuration or the opening.
    pub fn opened(config: &Config, left: Budget, merge: Merge) -> Result<Scene, String> {
        let engine = Engine::new(config, START).map_err(|problem| problem.to_string())?;
        let check = Checker::new(config);
        let (orders, ends) = (Vec::new(), [0; 4]);
        let (down, now, seq) = ([false; 2], START, 0);
        let mut scene = Scene { engine, check, orders, down, left, merge, now, seq, ends };
        for account in [AccountId(0), AccountId(1)] {
            let amount = Money::units(1_000_000);
            let kind = CashKind::Opening;
            let cash = Cash { account, exchange: START, kind, amount, transfer: None };
            scene.feed(&Event::Cash(Box::new(cash)));
            scene.link(account, LinkState::Resynced);
        }
        scene.books();
        let verb = Verb::Enter {
            hedge: HEDGE,
            sets: config.policy.hedges.get(HEDGE).map_or(1, |limits| limits.size.clip),
            at_least: Some(Ratio::ZERO),
            over: Span::ZERO,
        };
        let actor = Note::new("desk").map_err(|problem| problem.to_string())?;
        scene.feed(&Event::Control(Box::new(Control { actor, verb })));
        match scene.violations().first() {
            Some(broken) => Err(format!("{broken:?}")),
            None if scene.orders.is_empty() => Err("no attempt began".to_owned()),
            None => Ok(scene),
        }
    }

    /// Rules that were broken.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.check.violations()
    }

    /// Attempts ended, by end.
    #[must_use]
    pub fn ends(&self) -> [u64; 4] {
        self.ends
    }

    /// Orders sent so far.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// A number for what can follow; equal numbers are taken for equal nodes.
    #[must_use]
    pub fn key(&self) -> u128 {
        let state = match self.merge {
            Merge::Exact => self.engine.digest().to_vec(),
            Merge::Coarse => self.coarse(),
        };
        let mut halves = [Digest::default(), Digest::default()];
        for (half, seed) in halves.iter_mut().zip([1, 2]) {
            half.add(seed);
            for word in state.chunks(8) {
                half.add(word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
            }
            for order in self.orders.iter().filter(|order| !self.is_past(order)) {
                order.digest(half);
            }
            self.past(half);
            let Budget { each, all } = self.left;
            // Where nothing odd is left, it does not matter what was.
            let each = if all == 0 { [0; 7] } else { each };
            let flags = self.down.map(u8::from);
            for small in each.into_iter().chain([all]).chain(flags) {
                half.add(u64::from(small));
            }
        }
        let [high, low] = halves.map(|half| u128::from(half.value()));
        high << 64 | low
    }

    /// Whether an order is done and wholly told, so that only its lots count.
    fn is_past(&self, order: &Truth) -> bool {
        let known = self.engine.orders().get(order.place.order);
        self.merge == Merge::Coarse && order.is_told() && known.is_none_or(Order::is_confirmed)
    }

    /// Executions of orders that are done, in no order; they count while something odd may follow.
    fn past(&self, out: &mut Digest) {
        let past = self.orders.iter().filter(|order| self.is_past(order));
        let sum = past.filter(|_| self.left.all > 0).fold(0_u64, |sum, order| {
            let mut one = Digest::default();
            order.digest_lots(&mut one);
            sum.wrapping_add(one.value())
        });
        out.add(sum);
    }

    /// The engine's state without what only counts or remembers: money, messages, ids and times of
    /// what is done.
    fn coarse(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.i64(self.now.0);
        out.option_i64(self.engine.deadline().map(|due| due.0));
        out.len(self.orders.len());
        for lots in self.engine.positions().inventory(HEDGE) {
            out.i64(lots);
        }
        for account in [AccountId(0), AccountId(1)] {
            out.i64(self.engine.unassigned(account, InstrumentId(account.0)));
        }
        self.engine.latches().digest(&mut out);
        if let Some(attempt) = self.engine.attempt(HEDGE) {
            let mut attempt = attempt.clone();
            (attempt.messages, attempt.lost) = (0, Money::ZERO);
            attempt.digest(&mut out);
        }
        for order in self.orders.iter().filter(|order| !self.is_past(order)) {
            if let Some(known) = self.engine.orders().get(order.place.order) {
                let mut known = *known;
                (known.heard, known.asked, known.cost) = (Time(0), 0, 0);
                known.digest(&mut out);
            }
        }
        out.as_slice().to_vec()
    }

    /// Whether nothing is open: no order anywhere, no attempt, no line down.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let told = self.orders.iter().all(Truth::is_told);
        let alive = self.engine.attempt(HEDGE).is_some() || self.engine.live_orders() > 0;
        told && !alive && self.down == [false; 2]
    }

    pub(super) fn is_down(&self, order: &Truth) -> bool {
        self.down.get(order.place.account.index()).copied().unwrap_or(false)
    }

    /// Does what may happen.
    pub fn play(&mut self, by: Move) {
        if let Some(odd) = self.odd(by) {
            self.left.spend(odd);
        }
        match by {
            Move::Tick => self.tick(),
            Move::Down(account) => {
                self.set_down(account, true);
                self.link(AccountId(account.into()), LinkState::Down);
            }
            Move::Resynced(account) => self.resync(account),
            Move::Accepted(order) => {
                self.change(order, |truth| (truth.accepted, truth.here) = (true, true));
                self.say(order, News::Accepted);
            }
            Move::Fill(order, lots, quiet) => {
                let made = self.change(order, |truth| truth.trade(lots.into())).flatten();
                if let Some(part) = made.filter(|_| !quiet) {
                    self.tell(order, at(part));
                }
            }
            Move::Late(order, part) | Move::Again(order, part) => self.tell(order, part),
            Move::Done(order, end, quiet) => {
                self.change(order, |truth| truth.finish(end, false));
                if !quiet {
                    self.end(order);
                }
            }
            Move::DoneLate(order) => self.end(order),
            Move::Answered(order, reply) => self.answer(order, reply),
            Move::CancelRejected(order) => {
                let here = self.change(order, |truth| {
                    truth.cancelling = false;
                    truth.here
                });
                let class = match here {
                    Some(true) => RejectClass::TooLate,
                    Some(false) | None => RejectClass::UnknownOrder,
                };
                self.say(order, News::CancelRejected { class, code: 0 });
            }
            Move::Bust(order, part) => self.bust(order, part),
        }
    }

    pub(super) fn order(&self, order: u8) -> Option<&Truth> {
        self.orders.get(usize::from(order))
    }

    fn change<T>(&mut self, order: u8, change: impl FnOnce(&mut Truth) -> T) -> Option<T> {
        self.orders.get_mut(usize::from(order)).map(change)
    }

    fn set_down(&mut self, account: u8, down: bool) {
        if let Some(known) = self.down.get_mut(usize::from(account)) {
            *known = down;
        }
        // What was under way on that line is lost.
        for truth in &mut self.orders {
            if truth.place.account == AccountId(account.into()) {
                (truth.asked, truth.cancelling) = (false, false);
            }
        }
    }

    fn tick(&mut self) {
        if let Some(due) = self.engine.deadline() {
            self.now = self.now.max(due);
        }
        self.feed(&Event::Tick);
    }

    fn resync(&mut self, account: u8) {
        self.set_down(account, false);
        let id = AccountId(account.into());
        self.link(id, LinkState::Up);
        for order in 0..at(self.orders.len()) {
            let own = self.order(order).is_some_and(|truth| truth.place.account == id);
            if own {
                self.tell_missed(order);
            }
        }
        self.link(id, LinkState::Resynced);
    }

    /// Tells of executions and an end that the engine has not heard of; whether there were any.
    fn tell_missed(&mut self, order: u8) -> bool {
        let mut any = false;
        for part in 0..at(PARTS) {
            let missed = self.order(order).and_then(|truth| truth.part(part.into()));
            if missed.is_some_and(|part| !part.told) {
                self.tell(order, part);
                any = true;
            }
        }
        let missed = self.order(order).is_some_and(|of| of.end.is_some() && !of.end_told);
        if missed {
            self.end(order);
        }
        any || missed
    }

    /// Tells of an execution.
    fn tell(&mut self, order: u8, part: u8) {
        let told = self.change(order, |truth| {
            let found = truth.part_mut(part.into())?;
            found.told = true;
            Some((*found, truth.place.side, truth.place.price))
        });
        let Some((Part { lots, after, .. }, side, price)) = told.flatten() else { return };
        let amount = Money(FEE.0 * i128::from(lots));
        let fill = Fill {
            trade_id: trade_id(order, part),
            side,
            price,
            qty: Qty::of(lots),
            cum: Some(Qty::of(after)),
            fee: FeeNews::Paid { amount, currency: CurrencyId(0) },
            liquidity: LiquiditySide::Taker,
        };
        self.say(order, News::Fill(fill));
    }

    /// Tells of the end.
    fn end(&mut self, order: u8) {
        self.change(order, |truth| (truth.end_told, truth.cancelling) = (true, false));
        let Some(truth) = self.order(order) else { return };
        let cum = truth.total();
        let news = match truth.status() {
            VenueStatus::Cancelled => News::Cancelled { cum },
            VenueStatus::Expired => News::Expired { cum },
            VenueStatus::Rejected => News::Rejected { class: RejectClass::Other, code: 0 },
            status @ (VenueStatus::Working | VenueStatus::Filled) => News::Status { status, cum },
        };
        self.say(order, news);
    }

    fn bust(&mut self, order: u8, part: u8) {
        let side = self.change(order, |truth| {
            if let Some(part) = truth.part_mut(part.into()) {
                part.busted = true;
            }
            truth.place.side
        });
        if let Some(side) = side {
            self.say(order, News::Bust { trade_id: trade_id(order, part), side });
        }
    }

    fn answer(&mut self, order: u8, reply: Reply) {
        let (now, longest) = (self.now, self.max_delay(order));
        let found = self.change(order, |truth| {
            truth.asked = false;
            match reply {
                Reply::Found => {
                    truth.here = true;
                    Found::Order { status: truth.status(), cum: truth.total() }
                }
                Reply::Absent => {
                    truth.never |= now >= truth.placed + longest;
                    Found::ProvenAbsent
                }
                Reply::Inconclusive => Found::Inconclusive,
            }
        });
        let (Some(found), Some(truth)) = (found, self.order(order)) else { return };
        let answer = Answer {
            order: truth.place.order,
            account: truth.place.account,
            venue_order_id: Text::EMPTY,
            exchange: now,
            receive: now,
            found,
        };
        self.feed(&Event::Answer(Box::new(answer)));
    }

    pub(super) fn max_delay(&self, order: u8) -> Span {
        let config = self.engine.config();
        let account = self.order(order).and_then(|of| config.accounts.get(of.place.account));
        let venue = account.and_then(|account| config.venues.get(account.venue));
        venue.map_or(Span::ZERO, |venue| venue.max_delay)
    }

    fn say(&mut self, order: u8, news: News) {
        let Some(truth) = self.order(order) else { return };
        let report = Report {
            order: Some(truth.place.order),
            venue_order_id: Text::EMPTY,
            account: truth.place.account,
            instrument: truth.place.instrument,
            exchange: self.now,
            receive: self.now,
            news,
        };
        self.feed(&Event::Report(Box::new(report)));
    }

    fn link(&mut self, account: AccountId, state: LinkState) {
        self.feed(&Event::Link(Link { to: LinkTo::Trading(account), state }));
    }

    /// A book of 50 lots a side, one tick wide, for each leg.
    fn books(&mut self) {
        self.seq += 1;
        for (instrument, bid) in [InstrumentId(0), InstrumentId(1)].into_iter().zip(BIDS) {
            let rows = [(Side::Buy, bid, Row::Snapshot), (Side::Sell, bid + 1, Row::LevelLast)];
            for (side, price, row) in rows {
                let change = Change {
                    price: Price(price),
                    qty: Qty::of(50),
                    seq: self.seq,
                    exchange: self.now,
                    receive: self.now,
                    step: 0,
                    instrument,
                    side,
                    row,
                };
                self.feed(&Event::Book(change));
            }
        }
    }

    /// Gives the engine an event, takes what it asks for, and holds all rules against both.
    fn feed(&mut self, event: &Event) {
        let now = self.now;
        let mut out = Vec::new();
        let engine = &mut self.engine;
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let taken = engine.handle(now, event, &mut out);
            engine.funds().check();
            engine.positions().check();
            taken
        }));
        match taken {
            Ok(Ok(_)) => {}
            Ok(Err(problem)) => return self.check.refused(now, event, &problem, &out),
            Err(_) => return self.check.broken(now, "never_panics", format!("{event:?}")),
        }
        self.check.step(now, event, &out);
        if is_of_money(event) {
            let check = &mut self.check;
            let found = with_probe(&self.engine, |probe| as_events_tell(check, probe));
            for (rule, what) in found {
                self.check.broken(now, rule, what);
            }
        }
        self.sums();
        for command in &out {
            self.take(command);
        }
    }

    /// What the hedge holds and what is unassigned is the position.
    fn sums(&mut self) {
        let held = self.engine.positions().inventory(HEDGE);
        for ((leg, held), id) in (0_u16..2).zip(held).zip([InstrumentId(0), InstrumentId(1)]) {
            let account = AccountId(leg);
            let position = self.engine.position(account, id);
            let unassigned = self.engine.unassigned(account, id);
            if position != held + unassigned {
                let found = format!("leg {leg}: {position} is not {held} + {unassigned}");
                self.check.broken(self.now, "inventory_as_told", found);
            }
        }
    }

    fn take(&mut self, command: &Command) {
        match command {
            Command::Place(place) => self.orders.push(Truth::new(place, self.now)),
            Command::Cancel(cancel) => {
                for truth in self.orders.iter_mut().filter(|of| of.place.order == cancel.order) {
                    truth.cancelling = true;
                }
            }
            Command::Query(query) => {
                for truth in self.orders.iter_mut().filter(|of| of.place.order == query.order) {
                    truth.asked = true;
                }
            }
            Command::Alert(alert) if alert.code == AlertCode::AttemptEnded => {
                if let Some(count) = self.ends.get_mut(usize::from(alert.detail)) {
                    *count += 1;
                }
            }
            Command::Alert(_) | Command::Amend(_) | Command::Resync(_) | Command::Transfer(_) => {}
        }
    }

    /// Lets the venues answer everything until all is at rest: orders that are open trade whole, or
    /// are cancelled and have never come; then holds the end against the truth. `None` where it
    /// comes to one of the nodes that are `known` to have been brought to rest in this way.
    #[must_use]
    pub fn rested(mut self, fills: bool, known: &mut HashSet<u128>) -> Option<Scene> {
        let mut books = 0;
        self.left = Budget::of(0, 0);
        for _ in 0..STEPS_MAX {
            if !self.violations().is_empty() {
                return Some(self);
            }
            if books == 0 && !known.insert(self.key()) {
                return None;
            }
            let done = self.is_at_rest();
            if done && (self.is_aligned() || books >= BOOKS_MAX) {
                break;
            }
            if done || !self.help(fills) && self.engine.deadline().is_none() {
                books += 1;
                self.now = self.now + Span::millis(100);
                self.books();
            }
        }
        self.judge();
        Some(self)
    }

    /// One thing that brings rest nearer; `false` when only time is left.
    fn help(&mut self, fills: bool) -> bool {
        for account in [0, 1] {
            if self.down.get(usize::from(account)) == Some(&true) {
                self.resync(account);
                return true;
            }
        }
        for order in 0..at(self.orders.len()) {
            if self.tell_missed(order) {
                return true;
            }
            let Some(truth) = self.order(order).copied() else { continue };
            let by = match (truth.is_over(), fills, truth.here) {
                (false, true, _) => {
                    Some(Move::Fill(order, u8::try_from(truth.leaves()).unwrap_or(1), false))
                }
                (false, false, true) => Some(Move::Done(order, VenueStatus::Cancelled, false)),
                (true, _, _) | (false, false, false) if truth.asked => {
                    let reply = if truth.here { Reply::Found } else { Reply::Absent };
                    Some(Move::Answered(order, reply))
                }
                (true, _, _) | (false, false, false) => None,
            };
            if let Some(by) = by {
                self.play(by);
                return true;
            }
        }
        self.tick();
        false
    }

    fn is_aligned(&self) -> bool {
        let limits = self.engine.policy().hedges.get(HEDGE);
        let most = limits.map_or(0, |limits| limits.execution.max_residual);
        self.engine.residual(HEDGE).abs() <= most
    }

    /// Once all is at rest: an end of the four, nothing held, and the residual within its limit or
    /// left to a person; lots as at the venues.
    fn judge(&mut self) {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        if !self.is_at_rest() {
            found.push(("quiet_converges", format!("{:?}", self.orders)));
        }
        if self.check.live_attempts() > 0 || self.ends == [0; 4] {
            found.push(("every_attempt_ends", format!("{:?}", self.ends)));
        }
        if !self.is_aligned() && !self.check.is_restricted(HEDGE) {
            let residual = self.engine.residual(HEDGE);
            found.push(("residual_in_limit", format!("{residual}")));
        }
        for (account, id) in [(AccountId(0), InstrumentId(0)), (AccountId(1), InstrumentId(1))] {
            let held = self.engine.held(account);
            if held != Money::ZERO {
                found.push(("nothing_stays_held", format!("account {}: {held}", account.0)));
            }
            let own = self.orders.iter().filter(|of| of.place.account == account);
            let truth: i64 = own.map(|of| of.place.side.sign() * of.cum()).sum();
            let position = self.engine.position(account, id);
            if position != truth {
                let text = format!("account {}: {position}, in truth {truth}", account.0);
                found.push(("position_is_true", text));
            }
        }
        for (rule, what) in found {
            self.check.broken(self.now, rule, what);
        }
    }
}

fn trade_id(order: u8, part: u8) -> Text {
    Text::new(&format!("t{order}-{part}")).unwrap_or(Text::EMPTY)
}

//! Two hedges that want opposite lots of one contract in one turn: what overlaps goes from one to
//! the other at mid, without an order, and only the rest is sent.
//!
//! Nothing crosses unless both hedges would begin without it: both signals stand, and every gate and
//! the money of both let the whole of their slices pass at what the market asks, the lots that cross
//! included. Then both begin in this turn, and a crossed leg is work that is filled: what the other
//! legs leave is mended in the market, as after any fill. The account's position does not change;
//! money for what would have been sent is kept under both decisions until they end, since mending a
//! crossed leg opens in the market what the crossing did not.

use super::decide::Begin;
use super::{BookingKind, Engine};
use crate::attempt::{Attempt, LegFill, Wants};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::funds::Need;
use crate::gate::{Denial, Refusal};
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId};
use crate::instrument::{PositionEffect, Settlement};
use crate::margin::{self, Asked};
use crate::num::{Money, Price, Qty, Side};
use crate::position::Owner;
use crate::quote::{Intent, Kind, Purpose};
use crate::signal::Want;

/// Lots that go from one hedge to another.
#[derive(Clone, Copy, Debug)]
struct Crossed {
    /// The leg of the earlier hedge, and of the later one.
    legs: [LegId; 2],
    account: AccountId,
    instrument: InstrumentId,
    /// Signed lots that the earlier hedge receives.
    lots: i64,
    price: Price,
}

impl Crossed {
    /// Signed lots that one of the two receives.
    fn lots_of(&self, of: usize) -> i64 {
        if of == 0 { self.lots } else { -self.lots }
    }
}

/// All that crosses; a leg of the earlier hedge has one place.
type Crossings = [Option<Crossed>; LEGS_MAX];

impl Engine {
    /// Begins the slice that a signal wants together with that of a later hedge of this turn, where
    /// some of their lots cross; whether both have begun.
    pub(super) fn cross(&mut self, hedge: HedgeId, want: Want, out: &mut Vec<Command>) -> bool {
        if !self.policy.hedges[hedge].crossing {
            return false;
        }
        for at in 0..self.dirty.len() {
            let other = self.dirty[at];
            if other <= hedge || !self.policy.hedges[other].crossing {
                continue;
            }
            let Some(other_want) = self.want_at_rest(other) else { continue };
            if self.cross_with([(hedge, want), (other, other_want)], out) {
                return true;
            }
        }
        false
    }

    /// What the signal of a hedge wants, where nothing else comes before it.
    fn want_at_rest(&mut self, hedge: HedgeId) -> Option<Want> {
        self.note_inventory(hedge);
        let state = &self.hedges[hedge];
        if state.is_taken() || state.over_residual || state.quotes {
            return None;
        }
        let want = self.signals.wants(hedge, state.sets)?;
        (!self.is_asked_back(hedge)).then_some(want)
    }

    fn cross_with(&mut self, wants: [(HedgeId, Want); 2], out: &mut Vec<Command>) -> bool {
        let [(hedge, want), (other, other_want)] = wants;
        let first = self.prepare(hedge, want);
        let second = if first.is_ok() { self.prepare(other, other_want) } else { first };
        // What was walked last is not what is looked at next.
        self.work.walked = None;
        let (Ok(first), Ok(second)) = (first, second) else { return false };
        let begins = [first, second];
        let Some(crossings) = self.crossings(&begins) else { return false };
        self.begin_both(&begins, &crossings, out).is_ok()
    }

    /// What of the lots that two hedges want next overlaps; `None` where nothing does, or where they
    /// would still meet in a contract.
    fn crossings(&self, begins: &[Begin; 2]) -> Option<Crossings> {
        let [first, second] = begins;
        let mut crossings = [None; LEGS_MAX];
        for (at, leg) in self.plan(first.hedge).legs.iter().enumerate() {
            for (other_at, other) in self.plan(second.hedge).legs.iter().enumerate() {
                let (lots, others) = (first.lots[at], second.lots[other_at]);
                if lots == 0 || others == 0 || leg.instrument != other.instrument {
                    continue;
                }
                // Both would take from one book, or trade with each other there.
                if leg.account != other.account || lots.signum() == others.signum() {
                    return None;
                }
                let legs = [LegId::at(at), LegId::at(other_at)];
                let lots = lots.signum() * lots.abs().min(others.abs());
                let (account, instrument) = (leg.account, leg.instrument);
                let price = self.middle(instrument, lots)?;
                let crossed = Crossed { legs, account, instrument, lots, price };
                if !self.may_cross(begins, &crossed) {
                    return None;
                }
                crossings[at] = Some(crossed);
            }
        }
        crossings.iter().any(Option::is_some).then_some(crossings)
    }

    /// The mid of a book, rounded to the tick toward whoever receives signed `lots`.
    pub(super) fn middle(&self, instrument: InstrumentId, lots: i64) -> Option<Price> {
        let book = &self.books[instrument];
        let (bid, ask) = (book.best(Side::Buy)?, book.best(Side::Sell)?);
        let both = bid.0 + ask.0;
        let low = both.div_euclid(2);
        Some(Price(if lots > 0 { low } else { both - low }))
    }

    /// Whether what is left of both can be sent, and what is given is there where nothing may be
    /// sold short.
    fn may_cross(&self, begins: &[Begin; 2], crossed: &Crossed) -> bool {
        let of = &self.instruments[crossed.instrument];
        let mut sides = begins.iter().zip(crossed.legs).enumerate();
        sides.all(|(at, (begin, leg))| {
            let rest = begin.lots[leg.index()].abs() - crossed.lots.abs();
            let held = self.hedges[begin.hedge].held[leg.index()];
            let lots = crossed.lots_of(at);
            let is_there = match of.settlement {
                Settlement::Upfront => lots > 0 || held >= -lots,
                Settlement::DailyVm
                | Settlement::OnClose(_)
                | Settlement::PromptForward
                | Settlement::Coin(_) => true,
            };
            (rest == 0 || rest >= of.min_qty.get()) && is_there
        })
    }

    /// Both begin, or neither and nothing has changed.
    fn begin_both(
        &mut self,
        begins: &[Begin; 2],
        crossings: &Crossings,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        let [first, second] = begins;
        let mut one = self.renewed(first)?;
        let mut two = match self.renewed(second) {
            Ok(attempt) => attempt,
            Err(denial) => {
                self.hedges[first.hedge].room = Some(one);
                return Err(denial);
            }
        };
        let proven = self.prove_both(begins, [&mut one, &mut two], crossings);
        self.work.beside = None;
        let sent_first = match proven {
            Ok(sent_first) => sent_first,
            Err(denial) => {
                self.hedges[first.hedge].room = Some(one);
                self.hedges[second.hedge].room = Some(two);
                return Err(denial);
            }
        };
        for (begin, attempt) in begins.iter().zip([&one, &two]) {
            self.tell_started(attempt, out);
            self.hedges[begin.hedge].attempts += 1;
        }
        for crossed in crossings.iter().flatten() {
            self.give(begins, [&mut one, &mut two], crossed, out);
        }
        self.commit_both([&mut one, &mut two], sent_first, out);
        self.began(first, one, out);
        self.began(second, two, out);
        for begin in begins {
            self.note_inventory(begin.hedge);
        }
        // Where all its lots came from the other, it has nothing to wait for.
        self.drive(first.hedge, out);
        self.note_inventory(first.hedge);
        Ok(())
    }

    /// Proves that the whole of both slices passes every gate, and takes lots, ids and money for
    /// both. The orders wait in `work.places`; gives how many of them are the earlier hedge's.
    fn prove_both(
        &mut self,
        begins: &[Begin; 2],
        attempts: [&mut Attempt; 2],
        crossings: &Crossings,
    ) -> Result<usize, Denial> {
        self.work.places.clear();
        self.work.needs.clear();
        let mut sent_first = 0;
        for (at, (begin, attempt)) in begins.iter().zip(attempts).enumerate() {
            let held = self.hedges[begin.hedge].held;
            self.note_facts(begin.hedge, attempt, &held);
            let mut wants = Wants::nothing();
            attempt.next(self.now, self.plan(begin.hedge), &self.work.facts, &mut wants);
            if wants.end.is_some() || !wants.begins {
                return Err(Denial::plain(Refusal::Size));
            }
            let figure = begin.edge.map(|(_, figure)| figure);
            self.gate_set(begin.hedge, attempt, &wants, &held, figure)?;
            let worst = self.worst_after(begin.hedge, attempt, &wants, &held);
            self.work.beside = Some((begin.hedge, worst));
            self.prove_rest(at, begin, (attempt, &wants), crossings)?;
            if at == 0 {
                sent_first = self.work.places.len();
            }
        }
        self.prove_tokens()?;
        self.prove_budgets()?;
        let enters = begins.iter().any(|begin| begin.kind == Kind::Enter);
        self.hold_all(enters)?;
        Ok(sent_first)
    }

    /// Adds the orders of what does not cross, and the money that the decision keeps for the rest.
    fn prove_rest(
        &mut self,
        at: usize,
        begin: &Begin,
        (attempt, wants): (&Attempt, &Wants),
        crossings: &Crossings,
    ) -> Result<(), Denial> {
        let hedge = begin.hedge;
        let mut held = self.hedges[hedge].held;
        if attempt.kind == Kind::Enter {
            let reserve = self.repair_reserve(hedge, attempt, &held);
            self.work.needs.push(reserve);
        }
        let before = self.work.places.len();
        let mut rest = wants.intents;
        for intent in &mut rest {
            let Some(whole) = *intent else { continue };
            let mut crossed = crossings.iter().flatten();
            if let Some(crossed) = crossed.find(|crossed| crossed.legs[at] == whole.leg) {
                self.keep_for(attempt.decision, &whole, crossed);
                held[whole.leg.index()] += crossed.lots_of(at);
                let qty = whole.qty.less(Qty::of(crossed.lots));
                *intent = (!qty.is_zero()).then_some(Intent { qty, ..whole });
            }
            if let Some(intent) = intent {
                self.children(hedge, attempt, intent)?;
            }
        }
        let orders = u32::try_from(self.work.places.len() - before).unwrap_or(u32::MAX);
        if orders > attempt.execution.messages {
            return Err(Denial::plain(Refusal::Messages));
        }
        self.prove_residual(hedge, attempt, &rest, &held)
    }

    /// Keeps what the lots would need in the market, whichever way they had to be traded there.
    fn keep_for(&mut self, order: ClientOrderId, intent: &Intent, crossed: &Crossed) {
        let Crossed { account, instrument, lots, .. } = *crossed;
        let of = &self.instruments[instrument];
        let worst = |side| {
            let asked = Asked {
                flag: self.config.accounts[account].flag,
                side,
                effect: PositionEffect::Open,
                qty: Qty::of(lots),
                closes: Qty::ZERO,
                limit: intent.limit,
                mark: self.mark(instrument),
            };
            margin::worst_case(of, &asked)
        };
        let amount = worst(Side::Buy).max(worst(Side::Sell)).max(Money::ZERO);
        let same = |need: &&mut Need| need.order == order && need.account == account;
        match self.work.needs.iter_mut().find(same) {
            Some(need) => need.amount += amount,
            None => self.work.needs.push(Need { order, account, amount, frees: Money::ZERO }),
        }
    }

    /// The lots change hands: inventories, bookings, alerts, and the attempts that count them as
    /// filled.
    fn give(
        &mut self,
        begins: &[Begin; 2],
        attempts: [&mut Attempt; 2],
        crossed: &Crossed,
        out: &mut Vec<Command>,
    ) {
        let [to, from] = [0, 1].map(|at: usize| (begins[at].hedge, crossed.legs[at]));
        if let Err(error) = self.positions.cross(from, to, crossed.lots, crossed.price) {
            panic!("broken invariant: lots that cross are of one contract: {error:?}");
        }
        for (at, attempt) in attempts.into_iter().enumerate() {
            let (hedge, leg, lots) = (begins[at].hedge, crossed.legs[at], crossed.lots_of(at));
            let value = -i128::from(lots) * i128::from(crossed.price.0);
            let pair = (crossed.account, crossed.instrument);
            let owner = Owner::Hedge(hedge, leg);
            self.note_moved(BookingKind::Crossed, pair, owner, lots, value);
            if let Some(booking) = self.bookings.last_mut() {
                booking.order = Some(attempt.decision);
            }
            out.push(Command::Alert(Alert {
                code: AlertCode::Crossed,
                urgency: Urgency::Info,
                refusal: None,
                detail: leg.0,
                subject: Subject::Hedge(hedge),
                value: i128::from(lots),
                limit: i128::from(crossed.price.0),
            }));
            let tick_value = self.known_tick_value(hedge, leg);
            let side = if lots > 0 { Side::Buy } else { Side::Sell };
            attempt.fill(&LegFill {
                leg,
                side,
                lots: lots.abs(),
                price: crossed.price,
                purpose: Purpose::Work,
                fee: Money::ZERO,
                tick_value,
            });
        }
        self.changed = true;
    }

    /// The orders that wait leave, each for its own attempt.
    fn commit_both(
        &mut self,
        [one, two]: [&mut Attempt; 2],
        sent_first: usize,
        out: &mut Vec<Command>,
    ) {
        let mut later = std::mem::take(&mut self.work.later);
        later.clear();
        later.extend(self.work.places.drain(sent_first..));
        self.commit(one, out);
        std::mem::swap(&mut self.work.places, &mut later);
        self.commit(two, out);
        // What has left is not what is to leave later.
        later.clear();
        self.work.later = later;
    }
}

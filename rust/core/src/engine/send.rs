//! From intents to commands: gates, hold, orders, in that order, stage by stage over the set.
//!
//! An entering set is refused whole; repair is refused intent by intent, and draws first on what
//! its attempt keeps for it. Nothing of a refused set stays behind: lots and money that were taken
//! for it are given back before the refusal is told.

use super::Engine;
use super::decide::Begin;
use crate::attempt::{Attempt, End, Task, Wants};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::funds::{HoldError, Need, Short, ShortKind};
use crate::gate::{self, Denial, HedgeLimits, Refusal};
use crate::ids::{ATTEMPT_MAX, AccountId, ClientOrderId, HedgeId, Id, LEGS_MAX, LegId};
use crate::instrument::{PositionEffect, Settlement};
use crate::legging::Legging;
use crate::margin::{self, Asked};
use crate::num::{Money, Qty, Side};
use crate::order::{Input, Order, Place};
use crate::quote::{Intent, Kind, LegLots, Purpose};
use crate::time::Time;

/// Attempts left at which the end of the ids is told.
const IDS_LOW: u32 = 1_000;

impl Engine {
    /// Begins an attempt when the gates and the hold let its first slice pass.
    pub(super) fn start(&mut self, next: &Begin, out: &mut Vec<Command>) -> Result<(), Denial> {
        let mut attempt = self.renewed(next)?;
        let figure = next.edge.map(|(_, figure)| figure);
        let begun = self.set_out(next.hedge, &mut attempt, figure, out);
        if begun != Ok(true) {
            self.hedges[next.hedge].room = Some(attempt);
            return begun.map(|_| ());
        }
        self.began(next, attempt, out);
        Ok(())
    }

    /// The attempt that is about to begin, in the room for it; nothing is sent yet.
    pub(super) fn renewed(&mut self, next: &Begin) -> Result<Box<Attempt>, Denial> {
        let Begin { hedge, kind, to, clip, edge, .. } = *next;
        let number = self.hedges[hedge].attempts + 1;
        let engine = self.config.engine;
        let decision = ClientOrderId::pack(engine, self.run, hedge, number, LegId(0), 0)
            .ok_or(Denial::plain(Refusal::IdsExhausted))?;
        let HedgeLimits { execution, legging, .. } = &self.policy.hedges[hedge];
        // A person, a residual or a limit does not wait for a price.
        let legging = if edge.is_some() { legging } else { &Legging::AT_ONCE };
        // What an Enter may come to need for its repair is there before it begins.
        let orders = execution.orders_max(self.worked(hedge, kind).legs.len(), legging.is_staged());
        let opens = matches!(kind, Kind::Enter | Kind::Roll);
        if opens && !self.orders.has_room(hedge, orders) {
            return Err(Denial::plain(Refusal::IdsExhausted));
        }
        let (held, from) = match kind {
            Kind::Roll => ([0; LEGS_MAX], 0),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => {
                (self.hedges[hedge].held, self.hedges[hedge].sets)
            }
        };
        let task = Task { decision, kind, from, to, clip, over: self.work.over };
        let Some(mut attempt) = self.hedges[hedge].room.take() else {
            panic!("broken invariant: an attempt begins while another lives");
        };
        attempt.renew(task, *execution, legging, self.worked(hedge, kind), &held, self.now);
        Ok(attempt)
    }

    /// An attempt lives from now on.
    pub(super) fn began(&mut self, next: &Begin, attempt: Box<Attempt>, out: &mut Vec<Command>) {
        let hedge = next.hedge;
        let state = &mut self.hedges[hedge];
        let (waited, number) = (state.waits(), state.attempts);
        state.attempt = Some(attempt);
        state.rests = false;
        if next.kind != Kind::Trim {
            state.refused = None;
        }
        state.edge = next.edge.map(|(edge, _)| edge);
        self.count_waiting(hedge, waited);
        if next.kind == Kind::Roll {
            self.roll_began(hedge);
        }
        if ATTEMPT_MAX - number == IDS_LOW {
            let left = i128::from(IDS_LOW);
            self.alert(out, AlertCode::IdsLow, Urgency::Alarm, Subject::Hedge(hedge), left, 0);
        }
    }

    pub(super) fn tell_started(&mut self, attempt: &Attempt, out: &mut Vec<Command>) {
        self.changed = true;
        out.push(Command::Alert(Alert {
            code: AlertCode::AttemptStarted,
            urgency: Urgency::Info,
            refusal: None,
            detail: attempt.kind.code(),
            subject: Subject::Attempt(attempt.decision),
            value: i128::from(attempt.from),
            limit: i128::from(attempt.to),
        }));
    }

    /// Takes the first step of an attempt; whether it lives on.
    fn set_out(
        &mut self,
        hedge: HedgeId,
        attempt: &mut Attempt,
        figure: Option<gate::Edge>,
        out: &mut Vec<Command>,
    ) -> Result<bool, Denial> {
        let kind = attempt.kind;
        let held = match kind {
            Kind::Roll => self.moved(hedge),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => self.hedges[hedge].held,
        };
        self.note_facts(hedge, attempt, &held);
        let mut wants = Wants::nothing();
        attempt.next(self.now, self.worked(hedge, kind), &self.work.facts, &mut wants);
        // A residual that may not be traded at its price is told as what it is: held.
        let given_up = wants.end.filter(|end| *end == End::ResidualHeld && kind == Kind::Trim);
        if wants.end.is_some() && given_up.is_none() {
            return Err(self.nothing_to_send(hedge, kind));
        }
        let mark = out.len();
        self.tell_started(attempt, out);
        if kind == Kind::Trim {
            // It begins in any case; what is refused of it now is told as its own.
            self.hedges[hedge].refused = None;
        }
        if let Err(denial) = self.send(hedge, attempt, &wants, &held, figure, out) {
            out.truncate(mark);
            return Err(denial);
        }
        self.hedges[hedge].attempts += 1;
        if let Some(end) = given_up {
            self.end_attempt(hedge, attempt, end, out);
        }
        Ok(given_up.is_none())
    }

    /// Lets an attempt that lives take its next step.
    pub(super) fn drive(&mut self, hedge: HedgeId, out: &mut Vec<Command>) {
        let waited = self.hedges[hedge].waits();
        let Some(mut attempt) = self.hedges[hedge].attempt.take() else { return };
        let before = (attempt.state, attempt.blocked, *attempt.goal());
        let mut end = None;
        let mut rests = false;
        // A slice that is done begins the next one at once; more than one turn of this is the
        // next event's.
        for _ in 0..2 {
            let held = self.lots_of(hedge, attempt.kind);
            self.note_facts(hedge, &attempt, &held);
            if self.work.facts.alive() == 0 && self.gives_way(hedge, attempt.kind) {
                // A flatten that a HALT lets through does not wait for what the HALT stopped.
                attempt.due = attempt.due.min(self.now);
            }
            if attempt.is_idle() && self.is_asked_back(hedge) {
                attempt.give_way(self.now);
            }
            let mut wants = Wants::nothing();
            attempt.pay_up(&self.policy.hedges[hedge].legging);
            let plan = self.worked(hedge, attempt.kind);
            attempt.next(self.now, plan, &self.work.facts, &mut wants);
            let entering = wants.begins && wants.intents.iter().any(Option::is_some);
            let before = out.len();
            if wants.cancel {
                self.cancel_attempt(attempt.decision, wants.end.is_some(), out);
            }
            self.pull_quotes(hedge, &attempt, &wants, out);
            // It is not where messages are counted while it is driven.
            let asked =
                |command: &&Command| matches!(command, Command::Cancel(_) | Command::Query(_));
            (0..out.iter().skip(before).filter(asked).count()).for_each(|_| attempt.messaged());
            // A quote is solved from the edge.
            let asks = entering && !attempt.quotes();
            let figure = match self.hedges[hedge].edge.filter(|_| asks) {
                Some(edge) => {
                    let lots = self.plan(hedge).change(&held, attempt.slice_to());
                    self.figure(hedge, &lots, attempt.slice_to(), edge).map(Some)
                }
                None => Ok(None),
            };
            let sent = match figure {
                Ok(figure) => self.send(hedge, &mut attempt, &wants, &held, figure, out),
                Err(denial) => Err(denial),
            };
            if sent.is_err() && entering {
                attempt.slice_refused(self.worked(hedge, attempt.kind), &held, &mut wants);
            }
            end = wants.end;
            rests = self.work.facts.alive() > 0 && !wants.cancel && !attempt.is_at_stages();
            // What a quote leans on may be gone with the hedge that has left just now.
            let leans_anew = attempt.quotes() && out.iter().skip(before).any(is_hedge);
            if !wants.again && !leans_anew {
                break;
            }
        }
        self.changed |= before != (attempt.state, attempt.blocked, *attempt.goal());
        match end {
            Some(end) => {
                self.end_attempt(hedge, &attempt, end, out);
                self.hedges[hedge].room = Some(attempt);
            }
            None => self.hedges[hedge].attempt = Some(attempt),
        }
        self.hedges[hedge].rests = rests;
        self.hedges[hedge].still = (0, self.now);
        self.count_waiting(hedge, waited);
    }

    fn end_attempt(&mut self, hedge: HedgeId, attempt: &Attempt, end: End, out: &mut Vec<Command>) {
        let decision = attempt.decision;
        // Whatever is left of the repair reserve ends here; a second end does not occur.
        let _ = self.funds.void(decision);
        let live: Vec<ClientOrderId> = self
            .orders
            .of_attempt(decision)
            .iter()
            .filter(|order| !order.is_confirmed())
            .map(|order| order.place.order)
            .collect();
        for id in live {
            let _ = self.funds.quarantine(id);
        }
        let sets = match attempt.kind {
            Kind::Roll => self.worked(hedge, Kind::Roll).sets(&self.moved(hedge)),
            Kind::Enter | Kind::Exit | Kind::Trim | Kind::Reduce => self.sets(hedge) - attempt.from,
        };
        self.changed = true;
        out.push(Command::Alert(Alert {
            code: AlertCode::AttemptEnded,
            urgency: if end == End::ResidualHeld { Urgency::Alarm } else { Urgency::Info },
            refusal: None,
            detail: end.code(),
            subject: Subject::Attempt(decision),
            value: i128::from(sets),
            limit: attempt.lost.0,
        }));
        if attempt.kind == Kind::Roll {
            self.roll_ended(hedge, attempt, end, out);
        }
        let state = &mut self.hedges[hedge];
        state.refused = None;
        state.edge = None;
        if end == End::ResidualHeld {
            self.restrict_hedge(hedge, Cause::ResidualHeld, out);
        }
    }

    fn cancel_attempt(&mut self, decision: ClientOrderId, all: bool, out: &mut Vec<Command>) {
        let orders = self.orders.of_attempt(decision).iter();
        let orders = orders.filter(|order| order.is_resting() || (all && !order.is_confirmed()));
        let ids: Vec<ClientOrderId> = orders.map(|order| order.place.order).collect();
        for id in ids {
            self.cancel(id, out);
        }
    }

    /// Sends the intents of `wants` as far as gates and hold let them pass.
    ///
    /// # Errors
    /// The denial of an entering set; repair that is denied is asked for again later.
    fn send(
        &mut self,
        hedge: HedgeId,
        attempt: &mut Attempt,
        wants: &Wants,
        held: &LegLots,
        figure: Option<gate::Edge>,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        if wants.intents.iter().all(Option::is_none) {
            return Ok(());
        }
        if wants.begins {
            self.gate_set(hedge, attempt, wants, held, figure)?;
            self.work.places.clear();
            let mut count = 0;
            for intent in wants.intents.iter().flatten().filter(|intent| !is_later(intent)) {
                self.children(hedge, attempt, intent)?;
                count += 1;
            }
            self.prove_messages(attempt, count)?;
            self.prove_set_budgets(hedge, attempt, wants)?;
            self.reserve_set(hedge, attempt, wants, held)?;
            self.tell_relieved(out);
            self.commit(attempt, out);
            return Ok(());
        }
        let mark = out.len();
        if let Some(choice) = wants.choice {
            let worst = i128::MAX;
            self.changed = true;
            out.push(Command::Alert(Alert {
                code: AlertCode::RepairChosen,
                urgency: Urgency::Warn,
                refusal: None,
                detail: match choice.verdict {
                    crate::resolve::Verdict::Do(purpose) => purpose.code(),
                    crate::resolve::Verdict::Wait | crate::resolve::Verdict::OverBudget => 0,
                },
                subject: Subject::Attempt(attempt.decision),
                value: choice.supplement.map_or(worst, |cost| cost.0),
                limit: choice.unwind.map_or(worst, |cost| cost.0),
            }));
        }
        let (mut sent, mut denied) = (false, None);
        for intent in wants.intents.iter().flatten() {
            match self.send_repair(hedge, attempt, intent, held, out) {
                Ok(()) => sent = true,
                Err(denial) => denied = denied.or(Some(denial)),
            }
        }
        if !sent {
            out.truncate(mark);
        }
        match denied {
            Some(denial) => {
                self.wake_when_ready(hedge, wants);
                self.refuse(hedge, &denial, out);
            }
            None => self.hedges[hedge].refused = None,
        }
        Ok(())
    }

    fn send_repair(
        &mut self,
        hedge: HedgeId,
        attempt: &mut Attempt,
        intent: &Intent,
        held: &LegLots,
        out: &mut Vec<Command>,
    ) -> Result<(), Denial> {
        if intent.purpose == Purpose::Quote {
            self.gate_quote(hedge, attempt, intent, held)?;
        } else {
            self.gate_repair(hedge, attempt, intent, held)?;
        }
        self.work.places.clear();
        self.children(hedge, attempt, intent)?;
        // What the attempt may still send of them leaves: less repair is better than none.
        let left = messages_left(attempt);
        self.work.places.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.prove_messages(attempt, 1)?;
        if intent.purpose == Purpose::Quote {
            self.prove_quote_budgets(hedge, attempt, held)?;
        } else {
            self.prove_budgets()?;
        }
        self.reserve_repair(attempt.decision)?;
        self.commit(attempt, out);
        Ok(())
    }

    /// Splits an intent into the orders that its position effects need, and proves that there are
    /// ids, room and tries for them. They wait in `work.places`.
    pub(super) fn children(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        intent: &Intent,
    ) -> Result<(), Denial> {
        let leg = *self.leg_of(hedge, intent.leg);
        let at = |refusal| Denial { leg: Some(intent.leg), ..Denial::plain(refusal) };
        let exhausted = || at(Refusal::IdsExhausted);
        let first = self.closes_first(leg.instrument, intent.limit);
        let (side, qty) = (intent.side, intent.qty);
        let split = self.positions.split(leg.account, leg.instrument, side, qty, first);
        let mut split = split.map_err(|_| at(Refusal::Lots))?;
        self.said_as(intent.leg, attempt.is_resplit(intent.leg), &mut split);
        let (first, last) = attempt.numbers(intent.leg, intent.purpose).ok_or_else(exhausted)?;
        for (attempt_try, (effect, qty)) in (first..).zip(split.iter()) {
            let used = u16::try_from(self.work.places.len()).unwrap_or(u16::MAX);
            if attempt_try > last || !self.orders.has_room(hedge, usize::from(used) + 1) {
                return Err(exhausted());
            }
            let order = attempt.decision.order(intent.leg, attempt_try).ok_or_else(exhausted)?;
            let place = self.placed(hedge, attempt, intent, (order, effect, qty));
            self.work.places.push(place);
        }
        Ok(())
    }

    /// An order for some lots of an intent.
    #[inline]
    pub(super) fn placed(
        &self,
        hedge: HedgeId,
        attempt: &Attempt,
        intent: &Intent,
        (order, effect, qty): (ClientOrderId, PositionEffect, Qty),
    ) -> Place {
        let leg = self.leg_of(hedge, intent.leg);
        let account = &self.config.accounts[leg.account];
        let venue = &self.config.venues[account.venue];
        let rests = match intent.purpose {
            Purpose::Quote => true,
            Purpose::Hedge => attempt.rests(intent.leg),
            Purpose::Work | Purpose::Supplement | Purpose::Unwind => false,
        };
        Place {
            order,
            price: intent.limit,
            qty,
            account: leg.account,
            instrument: leg.instrument,
            hedge,
            side: intent.side,
            effect,
            tif: if rests { venue.rests.unwrap_or(venue.tif) } else { venue.tif },
            flag: account.flag,
            kind: attempt.kind,
            purpose: intent.purpose,
        }
    }

    /// Takes lots and money for the whole set, or nothing of either.
    fn reserve_set(
        &mut self,
        hedge: HedgeId,
        attempt: &Attempt,
        wants: &Wants,
        held: &LegLots,
    ) -> Result<(), Denial> {
        self.work.needs.clear();
        // Sets that go back are not kept waiting for a reserve: their repair draws on free money.
        // The decision id comes before those of its orders, which stand in their order.
        let opens = matches!(attempt.kind, Kind::Enter | Kind::Roll);
        if attempt.messages == 0 && opens {
            let reserve = self.repair_reserve(hedge, attempt, held);
            self.work.needs.push(reserve);
        }
        for intent in wants.intents.iter().flatten().filter(|intent| is_later(intent)) {
            self.need_later(hedge, attempt, intent);
        }
        if attempt.messages > 0 {
            self.keep_for_later(attempt)?;
        }
        let enters = match attempt.kind {
            Kind::Enter | Kind::Roll => true,
            Kind::Exit | Kind::Trim | Kind::Reduce => false,
        };
        self.hold_all(enters)
    }

    /// Takes lots for the orders that wait, and money for them and for all else in `work.needs`, or
    /// nothing of either.
    pub(super) fn hold_all(&mut self, enters: bool) -> Result<(), Denial> {
        self.hold_lots()?;
        self.relieve(self.work.places.len());
        // The unrealised results are those that the gates of this step have noted.
        // The usage cap is soft: what gives sets back must be able to bring usage down.
        let held = if enters {
            self.funds.hold(&self.work.needs, &self.work.caps, &self.work.worth)
        } else {
            self.funds.hold_reducing(&self.work.needs)
        };
        held.map(|_| ()).map_err(|error| {
            self.unrelieve();
            self.give_lots_back();
            denial(&error)
        })
    }

    /// Adds what a leg that is sent later will want at worst to what the attempt keeps in its
    /// account.
    fn need_later(&mut self, hedge: HedgeId, attempt: &Attempt, intent: &Intent) {
        let leg = *self.leg_of(hedge, intent.leg);
        let first = self.closes_first(leg.instrument, intent.limit);
        let (side, qty) = (intent.side, intent.qty);
        let split = self.positions.split(leg.account, leg.instrument, side, qty, first);
        let Ok(split) = split else { return };
        let (instrument, mark) = (&self.instruments[leg.instrument], self.mark(leg.instrument));
        let flag = self.config.accounts[leg.account].flag;
        let amounts = split.iter().map(|(effect, qty)| {
            let closes = if effect == PositionEffect::Open { Qty::ZERO } else { qty };
            let (side, limit) = (intent.side, intent.limit);
            let asked = Asked { flag, side, effect, qty, closes, limit, mark };
            margin::worst_case(instrument, &asked)
        });
        let amount: Money = amounts.sum();
        let (order, account) = (attempt.decision, leg.account);
        let same = |need: &&mut Need| need.order == order && need.account == account;
        match self.work.needs.iter_mut().find(same) {
            Some(need) => need.amount += amount,
            None => self.work.needs.push(Need { order, account, amount, frees: Money::ZERO }),
        }
    }

    /// A further slice: what its later legs will want is kept beside what is left of earlier ones.
    fn keep_for_later(&mut self, attempt: &Attempt) -> Result<(), Denial> {
        for at in 0..self.work.needs.len() {
            let need = self.work.needs[at];
            self.funds.keep(attempt.decision, &need).map_err(|error| denial(&error))?;
        }
        self.work.needs.clear();
        Ok(())
    }

    fn reserve_repair(&mut self, decision: ClientOrderId) -> Result<(), Denial> {
        self.work.needs.clear();
        self.hold_lots()?;
        for at in 0..self.work.places.len() {
            let need = self.work.needs[at];
            self.relieve(at + 1);
            if let Err(error) = self.funds.draw(decision, &need) {
                self.unrelieve();
                // Children before this one hold their money already: they are sent without it.
                self.give_lots_back_from(at);
                self.work.places.truncate(at);
                return if at == 0 { Err(denial(&error)) } else { Ok(()) };
            }
        }
        Ok(())
    }

    /// Proves that the attempt has messages, and every venue, account and contract tokens, for the
    /// orders that wait. The gates have proven the first for one order an intent.
    fn prove_messages(&self, attempt: &Attempt, intents: usize) -> Result<(), Denial> {
        self.prove_tokens()?;
        if self.work.places.len() <= intents {
            return Ok(());
        }
        let left = messages_left(attempt);
        let wanted = u32::try_from(self.work.places.len()).unwrap_or(u32::MAX);
        if wanted > left {
            let (value, limit) = (i128::from(wanted), i128::from(left));
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Messages) });
        }
        Ok(())
    }

    /// Proves that the windows of every venue, account and contract take the orders that wait.
    pub(super) fn prove_tokens(&self) -> Result<(), Denial> {
        let places = &self.work.places;
        let windows = self.conduct.windows();
        let venue_of = |place: &Place| self.config.accounts[place.account].venue;
        let count = |same: &dyn Fn(&&Place) -> bool| {
            u32::try_from(places.iter().filter(same).count()).unwrap_or(u32::MAX)
        };
        let all = count(&|_| true);
        for place in places {
            let left = self.tokens_left(place.account, place.instrument);
            // Places are counted apart only where not even all orders would fit.
            if left >= all {
                continue;
            }
            let venue = venue_of(place);
            let wanted = [
                (count(&|other| venue_of(other) == venue), &windows.venues[venue]),
                (count(&|other| other.account == place.account), &windows.accounts[place.account]),
                (
                    count(&|other| other.instrument == place.instrument),
                    &windows.instruments[place.instrument],
                ),
            ];
            for (wanted, window) in wanted {
                let there = window.orders_left(self.now);
                if wanted > there {
                    let denial = Denial::plain(Refusal::Messages);
                    let (value, limit) = (i128::from(wanted), i128::from(there));
                    let account = Some(place.account);
                    return Err(Denial { account, value, limit, ..denial });
                }
            }
        }
        Ok(())
    }

    /// Keeps the lots that the orders close for them, and adds what each needs to `work.needs`.
    fn hold_lots(&mut self) -> Result<(), Denial> {
        for at in 0..self.work.places.len() {
            let place = &self.work.places[at];
            let held = self.positions.hold_lots(
                place.order,
                place.account,
                place.instrument,
                place.side,
                self.counted_as(place),
                place.qty,
            );
            let Ok(closes) = held else {
                let leg = Some(place.order.leg());
                self.give_lots_back();
                return Err(Denial { leg, ..Denial::plain(Refusal::Lots) });
            };
            let need = self.need(place, closes);
            self.work.needs.push(need);
        }
        Ok(())
    }

    fn give_lots_back(&mut self) {
        self.give_lots_back_from(0);
    }

    fn give_lots_back_from(&mut self, first: usize) {
        for at in first..self.work.places.len() {
            let order = self.work.places[at].order;
            self.positions.release_all_lots(order);
        }
    }

    fn need(&self, place: &Place, closes: Qty) -> Need {
        let Place { flag, side, effect, qty, price: limit, .. } = *place;
        let mark = self.mark(place.instrument);
        let asked = Asked { flag, side, effect, qty, closes, limit, mark };
        let amount = margin::worst_case(&self.instruments[place.instrument], &asked);
        Need {
            order: place.order,
            account: place.account,
            amount,
            frees: self.frees(place, closes),
        }
    }

    /// What an order that closes lots is sure to free when it trades.
    fn frees(&self, place: &Place, closes: Qty) -> Money {
        let instrument = &self.instruments[place.instrument];
        let opens = matches!(place.kind, Kind::Enter | Kind::Roll);
        if closes.is_zero() || opens && place.purpose == Purpose::Work {
            return Money::ZERO;
        }
        match instrument.settlement {
            Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward
            | Settlement::Coin(_) => self.positions.freed(place.order, &self.instruments),
            // Who sells is paid its price at least.
            Settlement::Upfront => instrument.notional(place.price, closes).max(Money::ZERO),
        }
    }

    /// What an attempt keeps for its repair: the collar's move on the coarsest leg it trades.
    pub(super) fn repair_reserve(&self, hedge: HedgeId, attempt: &Attempt, held: &LegLots) -> Need {
        let plan = self.worked(hedge, attempt.kind);
        let sized = plan.legs.iter().enumerate().filter(|(_, leg)| leg.lots.num() != 0);
        let coarsest = sized.max_by_key(|(at, leg)| (leg.units, LEGS_MAX - at));
        let Some((at, leg)) = coarsest else {
            let account = AccountId(0);
            let (amount, frees) = (Money::ZERO, Money::ZERO);
            return Need { order: attempt.decision, account, amount, frees };
        };
        let lots = attempt.goal()[at] - held[at];
        let ticks = i128::from(self.policy.instruments[leg.instrument].collar);
        let move_ = ticks * i128::from(lots.abs());
        let amount = self.instruments[leg.instrument].value(move_);
        Need { order: attempt.decision, account: leg.account, amount, frees: Money::ZERO }
    }

    /// The orders that wait in `work.places` leave.
    pub(super) fn commit(&mut self, attempt: &mut Attempt, out: &mut Vec<Command>) {
        self.changed = true;
        self.watch.sent(self.now);
        // What these orders take is no longer there for another walk.
        self.work.walked = None;
        for at in 0..self.work.places.len() {
            let place = self.work.places[at];
            let (account, instrument) = (place.account, place.instrument);
            let before = self.used_before(account, instrument);
            let spent = self.conduct.spend_order(account, instrument, place.hedge, self.now);
            assert!(spent, "broken invariant: messages were proven to be there");
            self.tell_low((account, instrument), before, out);
            let mut order = Order::new(place, self.now);
            if self.watch.looks_at_slippage && place.purpose != Purpose::Quote {
                order.displayed = Some(self.displayed(at));
            }
            let _ = order.next(Input::Sent);
            order.due = self.now + self.venue_of(place.account).ack_timeout;
            if place.purpose != Purpose::Quote {
                self.claim(&order);
            }
            self.orders.insert(order);
            match self.live.last() {
                Some(last) if *last >= place.order => {
                    if let Err(at) = self.live.binary_search(&place.order) {
                        self.live.insert(at, place.order);
                    }
                }
                Some(_) | None => self.live.push(place.order),
            }
            let leg = place.order.leg();
            if self.leg_of(place.hedge, leg).fx.is_some() {
                self.known_tick_value(place.hedge, leg);
            }
            attempt.placed(leg, place.purpose);
            out.push(Command::Place(place));
            if place.purpose.is_repair() {
                self.tell_reissued(attempt, &place, out);
            }
        }
    }

    /// A refusal belongs to a standing opportunity and is told when (hedge, reason) changes.
    pub(super) fn refuse(&mut self, hedge: HedgeId, denial: &Denial, out: &mut Vec<Command>) {
        if self.hedges[hedge].refused == Some(denial.refusal) {
            return;
        }
        self.hedges[hedge].refused = Some(denial.refusal);
        self.changed = true;
        out.push(Command::Alert(Alert {
            code: AlertCode::Refused,
            urgency: Urgency::Info,
            refusal: Some(denial.refusal),
            detail: denial.leg.map_or(u8::MAX, |leg| leg.0),
            subject: Subject::Hedge(hedge),
            value: denial.value,
            limit: denial.limit,
        }));
    }

    /// Why an attempt ended before it began: a leg cannot be traded, or not for the whole size.
    fn nothing_to_send(&self, hedge: HedgeId, kind: Kind) -> Denial {
        let mut legs = self.worked(hedge, kind).legs.iter();
        let blocked = legs.position(|leg| {
            [Side::Buy, Side::Sell].iter().any(|side| self.collar(leg.instrument, *side).is_none())
        });
        let refusal = if blocked.is_some() { Refusal::NoBook } else { Refusal::Size };
        Denial { leg: blocked.map(LegId::at), ..Denial::plain(refusal) }
    }

    /// Sets the hedge's next look at itself.
    pub(super) fn wake_at(&mut self, hedge: HedgeId, at: Time) {
        let wake = &mut self.hedges[hedge].wake;
        *wake = (*wake).min(at);
    }
}

/// Messages that an attempt may still send.
fn messages_left(attempt: &Attempt) -> u32 {
    attempt.execution.messages.saturating_sub(attempt.messages)
}

fn denial(error: &HoldError) -> Denial {
    match error {
        HoldError::Short(Short { account, kind, needed, limit }) => {
            let refusal = match kind {
                ShortKind::Available => Refusal::Money,
                ShortKind::Usage => Refusal::Usage,
                ShortKind::Lease => Refusal::Lease,
            };
            let account = Some(*account);
            Denial { account, value: *needed, limit: *limit, ..Denial::plain(refusal) }
        }
        HoldError::Full { .. } => Denial::plain(Refusal::IdsExhausted),
        HoldError::ExistsDifferent { .. }
        | HoldError::Duplicate { .. }
        | HoldError::Negative { .. } => panic!("broken invariant: {error:?}"),
    }
}

/// Whether no order leaves for an intent of a slice that begins.
fn is_later(intent: &Intent) -> bool {
    intent.purpose == Purpose::Hedge
}

fn is_hedge(command: &Command) -> bool {
    matches!(command, Command::Place(place) if place.purpose == Purpose::Hedge)
}

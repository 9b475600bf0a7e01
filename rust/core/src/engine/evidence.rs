//! Evidence: what venues say of orders, fills, money and positions, booked exactly once.
//!
//! An execution is known by (account, instrument, side, trade id). The same again is ignored; the
//! same id with another payload is a conflict: nothing is applied and the account is RESTRICTED.
//! A fill is booked in whatever state its order is, after its attempt's end too.

use super::{Booking, BookingKind, Engine};
use crate::attempt::LegFill;
use crate::clock::{Clock, ClockOf, WALL_BOUND};
use crate::command::{AlertCode, Command, Subject, Urgency};
use crate::conduct::Cause;
use crate::event::{Event, Link, LinkState, LinkTo};
use crate::ids::{AccountId, ClientOrderId, CurrencyId, InstrumentId};
use crate::instrument::{PositionEffect, Reference, ReferenceChange, Settlement};
use crate::num::{Money, Qty, Side};
use crate::order::{
    Answer, Cancel, Clash, Execution, ExecutionKey, FeeNews, Fill, Found, Input, News, Order,
    Place, RejectClass, Report, State, TimeInForce, VenueStatus, Verdict,
};
use crate::position::{Owner, Settle, Statement, StatementKind, Trade, Variation};
use crate::quote::Purpose;
use crate::threshold::Metric;
use crate::time::{Span, Time};

impl Engine {
    pub(super) fn apply(&mut self, event: &Event, out: &mut Vec<Command>) {
        match event {
            // A row of a book takes its own way.
            Event::Book(_) | Event::Tick => {}
            Event::Link(link) => self.on_link(*link, out),
            Event::Report(report) => self.on_report(report, out),
            Event::Answer(answer) => self.on_answer(answer, out),
            Event::Cash(cash) => self.on_cash(cash, out),
            Event::Position(statement) => self.on_statement(statement, out),
            Event::Settle(settle) => self.on_settle(settle, out),
            Event::Reference(reference) => self.on_reference(reference),
            Event::Estimate(estimate) => {
                self.signals.estimate(estimate.hedge, estimate.value, estimate.expires);
                self.watch.hear(|metric| metric == Metric::Verdict);
                self.touch(estimate.hedge);
            }
            Event::Clock(clock) => self.on_clock(clock, out),
            Event::Control(control) => self.on_control(control, out),
        }
    }

    /// No timer depends on a measured clock; but where one cannot be trusted no stamp proves
    /// anything, and its accounts enter nothing until a person has looked.
    fn on_clock(&mut self, clock: &Clock, out: &mut Vec<Command>) {
        self.clocks.apply(self.now, clock);
        let error = Span(clock.offset.0.abs() + clock.uncertainty.0);
        for account in self.config.accounts.ids() {
            let is_beyond = match clock.of {
                ClockOf::Wall => error > WALL_BOUND,
                // Its offset is known and taken off every stamp.
                ClockOf::Venue(venue) => {
                    venue == self.config.accounts[account].venue
                        && clock.uncertainty > self.config.venues[venue].max_delay
                }
            };
            if is_beyond {
                self.restrict_account(account, Cause::Clock, out);
            }
        }
    }

    fn on_report(&mut self, report: &Report, out: &mut Vec<Command>) {
        let known = report.order.filter(|id| self.orders.get(*id).is_some());
        let Some(id) = known else {
            self.on_foreign(report, out);
            return;
        };
        let Some(order) = self.orders.get_mut(id) else { return };
        let place = order.place;
        if (place.account, place.instrument) != (report.account, report.instrument) {
            self.conflict(id, report.account, out);
            return;
        }
        if !report.venue_order_id.is_empty() {
            order.venue_order_id = report.venue_order_id;
        }
        order.heard = self.now;
        if !order.seen {
            self.waits.answered(place.account, self.now - order.sent);
        }
        match report.news {
            News::Accepted => {
                self.conduct.taken(place.account, place.instrument);
                self.input(id, Input::Accepted, out);
            }
            News::Rejected { class, code } => self.on_rejected(id, class, code, out),
            News::Fill(fill) => {
                self.conduct.taken(place.account, place.instrument);
                self.on_fill(id, &fill, out);
            }
            News::Cancelled { cum } => {
                let status = VenueStatus::Cancelled;
                self.input(id, Input::Done { status, cum: Some(cum) }, out);
            }
            News::Expired { cum } => {
                let status = VenueStatus::Expired;
                self.input(id, Input::Done { status, cum: Some(cum) }, out);
            }
            News::CancelRejected { class, code } => {
                if class == RejectClass::Phase {
                    self.give_cancel_back(id, place.account);
                }
                self.on_cancel_rejected(id, class, code, out);
            }
            News::Status { status: VenueStatus::Working, cum } => {
                self.input(id, Input::Working { cum }, out);
            }
            News::Status { status, cum } => {
                self.input(id, Input::Done { status, cum: Some(cum) }, out);
            }
            News::Bust { trade_id, side } => {
                let key = (place.account, place.instrument, side, trade_id);
                self.on_bust(Some(id), key, out);
            }
            News::Correct { trade_id, side, price, qty } => {
                let key = (place.account, place.instrument, side, trade_id);
                let fill = corrected(trade_id, side, price, qty);
                self.on_correct(Some(id), key, &fill, out);
            }
            News::Fee { trade_id, side, amount, currency } => {
                let key = (place.account, place.instrument, side, trade_id);
                self.on_fee(&key, FeeNews::Paid { amount, currency }, out);
            }
        }
        self.after_order(id, out);
    }

    /// In an auction no cancel is taken: that one was not lost, and another may be sent for it.
    fn give_cancel_back(&mut self, id: ClientOrderId, account: AccountId) {
        let bound = self.venue_of(account).cancels_max;
        if let Some(order) = self.orders.get_mut(id).filter(|order| order.cancels > 1) {
            order.cancels = order.cancels.min(bound).saturating_sub(1).max(1);
        }
    }

    fn on_answer(&mut self, answer: &Answer, out: &mut Vec<Command>) {
        let id = answer.order;
        let Some(order) = self.orders.get_mut(id) else { return };
        let venue = self.config.accounts[order.place.account].venue;
        // What counts is when the venue said it, not when we heard it: a "no" from before the
        // longest delay that arrives late proves nothing. A measured clock corrects the stamp.
        let said = match self.clocks.engine_time(venue, answer.exchange) {
            Some((at, uncertainty)) => Time(at.0.saturating_sub(uncertainty.0)),
            None => answer.exchange,
        };
        let proven = said.min(self.now) >= order.sent + self.config.venues[venue].max_delay;
        if !answer.venue_order_id.is_empty() {
            order.venue_order_id = answer.venue_order_id;
        }
        match answer.found {
            Found::Order { status, cum } => {
                order.heard = self.now;
                let input = match status {
                    VenueStatus::Working => Input::Working { cum },
                    VenueStatus::Filled
                    | VenueStatus::Cancelled
                    | VenueStatus::Rejected
                    | VenueStatus::Expired => Input::Done { status, cum: Some(cum) },
                };
                self.input(id, input, out);
                // The executions that it rests on came before it: no more is to be heard of them.
                if let Some(order) = self.orders.get_mut(id) {
                    order.unheard = 0;
                }
                if status == VenueStatus::Working {
                    self.end_at_once(id, out);
                }
            }
            // Before its longest delay has passed the order may still surface.
            Found::ProvenAbsent if !proven => self.input(id, Input::Inconclusive, out),
            Found::ProvenAbsent => self.input(id, Input::Absent, out),
            Found::Inconclusive => self.input(id, Input::Inconclusive, out),
        }
        self.after_order(id, out);
    }

    /// An order that was to trade at once or not at all, and still works after its time at a venue
    /// that does not keep to it, is cancelled.
    fn end_at_once(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id).copied() else { return };
        let at_once = matches!(order.place.tif, TimeInForce::Ioc | TimeInForce::Fok);
        let over = self.now >= order.sent + self.venue_of(order.place.account).ack_timeout;
        if at_once && over && order.is_resting() {
            self.hasten(id);
            self.cancel(id, out);
        }
    }

    /// Gives an order one input, and tells what it revealed.
    pub(super) fn input(&mut self, id: ClientOrderId, input: Input, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let before = order.state;
        let verdict = order.next(input);
        let (after, place, cum) = (order.state, order.place, order.cum);
        let short = place.qty.get() - cum;
        match verdict {
            Verdict::Applied => {
                if after == State::Unknown && before != State::Unknown {
                    let subject = Subject::Order(id);
                    self.alert(out, AlertCode::OrderUnknown, Urgency::Warn, subject, 0, 0);
                    self.hasten(id);
                }
                // A fill-or-kill that traded in part broke its own type; the truth is taken as is.
                if after.is_done() && place.tif == TimeInForce::Fok && cum > 0 && short > 0 {
                    let subject = Subject::Order(id);
                    let code = AlertCode::Nonconformance;
                    self.alert(out, code, Urgency::Warn, subject, i128::from(cum), 0);
                }
            }
            Verdict::Ignored(_) => {}
            Verdict::Conflict(clash) => {
                self.conflict(id, place.account, out);
                // The first contradiction is asked about at once; one that stands, less and less.
                if before != State::Unknown {
                    self.hasten(id);
                }
                let surfaces = clash == Clash::AbsentButSeen && after == State::Rejected;
                if surfaces || clash == Clash::OverriddenButWorks {
                    self.recall(&place, out);
                }
            }
        }
    }

    /// An order proven or said to be dead lives after all, and another may have taken its place: it is
    /// cancelled, whatever the budgets say. What it still trades is booked as late.
    fn recall(&mut self, place: &Place, out: &mut Vec<Command>) {
        let (order, account, instrument) = (place.order, place.account, place.instrument);
        out.push(Command::Cancel(Cancel { order, account, instrument }));
        self.spend_kill(order, out);
    }

    /// Lets the next query leave in this step: something about the order is not proven.
    pub(super) fn hasten(&mut self, id: ClientOrderId) {
        let now = self.now;
        if let Some(order) = self.orders.get_mut(id) {
            order.due = now;
            order.queries = 0;
        }
    }

    fn conflict(&mut self, id: ClientOrderId, account: AccountId, out: &mut Vec<Command>) {
        self.alert(out, AlertCode::Conflict, Urgency::Alarm, Subject::Order(id), 0, 0);
        self.restrict_account(account, Cause::Conflict, out);
    }

    fn on_fill(&mut self, id: ClientOrderId, fill: &Fill, out: &mut Vec<Command>) {
        let Some(order) = self.orders.get(id) else { return };
        let place = order.place;
        if fill.side != place.side {
            self.conflict(id, place.account, out);
            return;
        }
        let key = (place.account, place.instrument, fill.side, fill.trade_id);
        let key = self.orders.booked_as(key);
        match self.orders.execution(&key).copied() {
            Some(known) if known.is_awaited() => self.book_fill(id, key, fill, Told::Fill, out),
            // Corrected before it came: only the fee that comes with it is news.
            Some(known) if known.is_final && !known.qty.is_zero() => {
                self.on_fee(&key, fill.fee, out);
                self.heard(id, &key);
            }
            Some(known) if known.is_final => self.pass_over(id, &known, fill, out),
            Some(known) => {
                let same =
                    known.order == Some(id) && (known.price, known.qty) == (fill.price, fill.qty);
                if same {
                    if known.fee_pending {
                        self.on_fee(&key, fill.fee, out);
                    }
                } else {
                    self.conflict(id, place.account, out);
                }
            }
            None => match self.orders.same_as(order, &key, fill) {
                // Under the id by which another interface of the venue knows it.
                Some(booked) => {
                    self.orders.alias(key, &booked);
                    self.on_fill(id, fill, out);
                }
                None => self.book_fill(id, key, fill, Told::Fill, out),
            },
        }
    }

    /// An execution that was taken back or corrected before it came: the order counts it, the
    /// money does not.
    fn pass_over(
        &mut self,
        id: ClientOrderId,
        known: &Execution,
        fill: &Fill,
        out: &mut Vec<Command>,
    ) {
        let fresh = known.order.is_none();
        if !fresh || !known.qty.is_zero() {
            return;
        }
        self.input(id, Input::PassedOver { qty: fill.qty, cum: fill.cum }, out);
        let Some(order) = self.orders.get(id) else { return };
        let key = (order.place.account, order.place.instrument, fill.side, fill.trade_id);
        if let Some(execution) = self.orders.execution_mut(&key) {
            execution.order = Some(id);
        }
    }

    fn book_fill(
        &mut self,
        id: ClientOrderId,
        key: ExecutionKey,
        fill: &Fill,
        told: Told,
        out: &mut Vec<Command>,
    ) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let (place, leaves) = (order.place, order.leaves());
        let was_dead = order.is_absent() || order.overridden;
        // Of a correction only what it adds is new to the order and its holds.
        let (input, fresh) = match told {
            Told::Correction { from } if !from.is_zero() => {
                (Input::Correct { from, to: fill.qty }, fill.qty.less(from))
            }
            Told::Fill | Told::Correction { .. } | Told::Bust => {
                (Input::Fill { qty: fill.qty, cum: fill.cum }, fill.qty)
            }
        };
        let verdict = order.next(input);
        if let Verdict::Conflict(_) = verdict {
            self.conflict(id, place.account, out);
            self.hasten(id);
            return;
        }
        order.cost += i128::from(fill.price.0) * i128::from(fill.qty.get());
        let overfill = order.overfill();
        let trade = Trade {
            owner: self.owner(id),
            side: place.side,
            effect: place.effect,
            qty: fill.qty,
            price: fill.price,
        };
        // A late fill has no hold left, and one beyond the order's size never had one.
        if !fresh.is_zero() {
            let _ = self.funds.take_share(id, fresh, Qty::of(leaves));
            self.positions.release_lots(id, fresh);
        }
        if told == Told::Fill {
            self.count_self_trade(&key, fill, out);
        }
        self.count_opened((place.account, place.instrument), place.effect, fresh, out);
        let (fee, _) = self.book_trade(Some(id), key, &trade, fill, out);
        self.tell_attempt(id, &trade, fee, told, out);
        self.note_slippage(id);
        if was_dead {
            // What traded shows that it lives: the rest of it may trade too.
            self.conflict(id, place.account, out);
            self.recall(&place, out);
        }
        if overfill > 0 {
            let value = i128::from(overfill);
            self.alert(out, AlertCode::Overfill, Urgency::Alarm, Subject::Order(id), value, 0);
            self.restrict_account(place.account, Cause::Overfill, out);
        }
        let worse = i128::from(place.side.sign()) * i128::from(fill.price.0 - place.price.0);
        if worse > 0 {
            let code = AlertCode::Nonconformance;
            let qty = i128::from(fill.qty.get());
            self.alert(out, code, Urgency::Alarm, Subject::Order(id), qty, worse);
        }
    }

    /// Books an execution to position, inventory and money, and remembers it. Gives its fee, and how
    /// many lots it closed of the position beyond those of its owner.
    fn book_trade(
        &mut self,
        order: Option<ClientOrderId>,
        key: ExecutionKey,
        trade: &Trade,
        fill: &Fill,
        out: &mut Vec<Command>,
    ) -> (Money, Qty) {
        let (account, id, ..) = key;
        let instrument = &self.instruments[id];
        let value = instrument.notional(trade.price, trade.qty);
        let usual = instrument.fees.by(trade.effect).of(value, trade.qty);
        let told = self.orders.execution(&key).filter(|known| known.is_awaited());
        let (fee, pending) = match (told.map(|known| known.fee), fill.fee) {
            (Some(told), _) => (told, false),
            (None, FeeNews::Pending) => (usual, true),
            (None, FeeNews::Paid { amount, currency }) => {
                (self.own_fee(account, amount, currency, out), false)
            }
        };
        let filled = match self.positions.fill(account, id, trade) {
            Ok(filled) => filled,
            Err(error) => panic!("broken invariant: a fill that passed the door: {error:?}"),
        };
        let money = filled.money(&self.instruments[id], trade, fee);
        self.funds.trade(account, &money);
        self.note_margin(account);
        self.note_trade(order, (account, id), trade, fee, 1);
        self.booked.insert(key, filled);
        let execution = Execution {
            order,
            price: trade.price,
            qty: trade.qty,
            after: fill.cum,
            fee,
            fee_pending: pending,
            is_final: false,
            unheard: false,
            days: 0,
        };
        self.orders.remember(key, execution);
        (fee, filled.position.closed.less(filled.owner.closed))
    }

    /// Tells of an execution that was booked (`way` 1) or taken back (−1).
    fn note_trade(
        &mut self,
        order: Option<ClientOrderId>,
        (account, instrument): (AccountId, InstrumentId),
        trade: &Trade,
        fee: Money,
        way: i64,
    ) {
        let lots = way * trade.side.sign() * trade.qty.get();
        let settlement = self.instruments[instrument].settlement;
        let cost = settlement.cost(trade.side, trade.price, trade.qty.get());
        self.bookings.push(Booking {
            kind: BookingKind::Traded,
            account,
            instrument,
            owner: trade.owner,
            order,
            effect: trade.effect,
            lots,
            value: -i128::from(way * trade.side.sign()) * cost,
            fee,
        });
    }

    /// Tells of the difference when a fee that was pending became known.
    fn note_fee(&mut self, key: &ExecutionKey, order: Option<ClientOrderId>, fee: Money) {
        let (account, instrument, ..) = *key;
        let place = order.and_then(|id| self.orders.get(id)).map(|order| order.place);
        let owner = match (order, place) {
            (Some(id), Some(_)) => self.owner(id),
            (Some(_), None) | (None, _) => Owner::Unassigned,
        };
        let effect = place.map_or(PositionEffect::Open, |place| place.effect);
        let (kind, lots, value) = (BookingKind::Traded, 0, 0);
        let booking = Booking { kind, account, instrument, owner, order, effect, lots, value, fee };
        self.bookings.push(booking);
    }

    /// Tells of lots that came or went without an order.
    pub(super) fn note_moved(
        &mut self,
        kind: BookingKind,
        (account, instrument): (AccountId, InstrumentId),
        owner: Owner,
        lots: i64,
        value: i128,
    ) {
        let (order, effect, fee) = (None, PositionEffect::Open, Money::ZERO);
        let booking = Booking { kind, account, instrument, owner, order, effect, lots, value, fee };
        self.bookings.push(booking);
    }

    pub(super) fn currency_of(&self, account: AccountId) -> CurrencyId {
        self.config.accounts[account].currency
    }

    fn tell_attempt(
        &mut self,
        id: ClientOrderId,
        trade: &Trade,
        fee: Money,
        told: Told,
        out: &mut Vec<Command>,
    ) {
        let Some(order) = self.orders.get(id) else { return };
        let place = order.place;
        let leg = id.leg();
        let tick_value = self.known_tick_value(place.hedge, leg);
        let own = self.instruments[place.instrument].tick_value;
        // The fee in the hedge's currency: at the rate at which the leg's ticks are worth theirs.
        let fee = Money(crate::num::div_ceil(fee.0 * tick_value.0, own.0.max(1)));
        let fill = LegFill {
            leg,
            side: trade.side,
            lots: trade.qty.get(),
            price: trade.price,
            purpose: place.purpose,
            fee,
            tick_value,
        };
        self.touch_owners(id);
        let state = &mut self.hedges[place.hedge];
        let own = state.attempt.as_mut().filter(|attempt| attempt.decision == id.decision());
        if let Some(attempt) = own {
            let before = attempt.lost;
            match told {
                Told::Fill | Told::Correction { .. } => attempt.fill(&fill),
                Told::Bust => attempt.bust(&fill),
            }
            let lost = attempt.lost - before;
            self.conduct.lose(place.hedge, lost);
        } else if told == Told::Fill {
            let value = i128::from(trade.side.sign() * trade.qty.get());
            self.alert(out, AlertCode::LateFill, Urgency::Warn, Subject::Order(id), value, 0);
        }
    }

    fn on_bust(&mut self, id: Option<ClientOrderId>, key: ExecutionKey, out: &mut Vec<Command>) {
        let key = self.orders.booked_as(key);
        let known = self.orders.execution(&key).copied().filter(|known| !known.is_awaited());
        let Some(known) = known else {
            self.revise(id);
            // The bust came first: the execution, should it come, is passed over.
            self.orders.remember(key, Execution::TAKEN_BACK);
            return;
        };
        if known.qty.is_zero() {
            return;
        }
        if known.order != id {
            // Also where no order is named: it is ours, and stays booked until that is clear.
            if let Some(id) = id.or(known.order) {
                self.conflict(id, key.0, out);
            }
            return;
        }
        self.take_back(key, &known, out);
        self.revise(known.order);
        if let Some(id) = known.order {
            self.input(id, Input::Bust { qty: known.qty }, out);
            self.note_slippage(id);
        }
        if let Some(execution) = self.orders.execution_mut(&key) {
            execution.qty = Qty::ZERO;
            execution.is_final = true;
            // Its fee went back with it; a fee that is named later is for nothing.
            execution.fee = Money::ZERO;
            execution.fee_pending = false;
        }
        let value = -i128::from(key.2.sign() * known.qty.get());
        let subject = known.order.map_or(Subject::Account(key.0), Subject::Order);
        self.alert(out, AlertCode::Bust, Urgency::Alarm, subject, value, 0);
    }

    fn on_correct(
        &mut self,
        id: Option<ClientOrderId>,
        key: ExecutionKey,
        fill: &Fill,
        out: &mut Vec<Command>,
    ) {
        let key = self.orders.booked_as(key);
        let known = self.orders.execution(&key).copied();
        let fee = match known {
            // Taken back is the last word, in whatever order the two came.
            Some(known) if known.qty.is_zero() && known.is_final => return,
            Some(known) if known.order != id && !known.qty.is_zero() => {
                if let Some(id) = id.or(known.order) {
                    self.conflict(id, key.0, out);
                }
                return;
            }
            Some(known) if (known.price, known.qty) == (fill.price, fill.qty) => return,
            Some(known) if !known.qty.is_zero() => {
                self.take_back(key, &known, out);
                if known.fee_pending {
                    FeeNews::Pending
                } else {
                    FeeNews::Paid { amount: known.fee, currency: self.currency_of(key.0) }
                }
            }
            Some(_) | None => fill.fee,
        };
        // With the execution itself comes its fee, unless that was told apart.
        let unheard = id.is_some() && known.is_none();
        let from = known.map_or(Qty::ZERO, |known| known.qty);
        // One that is news contradicts, like a fill, what the desk has said of its order.
        if !from.is_zero() {
            self.revise(id);
        }
        let fill = Fill { fee, ..*fill };
        match id {
            Some(id) => self.book_fill(id, key, &fill, Told::Correction { from }, out),
            None => self.book_foreign(key, &fill, out),
        }
        if from.is_zero() {
            self.revise(id);
        }
        let execution = self.orders.execution_mut(&key);
        if let Some(execution) = execution.filter(|known| !known.is_awaited()) {
            execution.is_final = true;
            execution.unheard = unheard;
            if let Some(order) = id.filter(|_| unheard).and_then(|id| self.orders.get_mut(id)) {
                order.unheard = order.unheard.saturating_add(1);
                order.due = self.now;
            }
        }
        let value = i128::from(key.2.sign() * (fill.qty.get() - from.get()));
        let subject = id.map_or(Subject::Account(key.0), Subject::Order);
        self.alert(out, AlertCode::Bust, Urgency::Alarm, subject, value, 0);
    }

    /// An execution of which only a correction was known has come.
    fn heard(&mut self, id: ClientOrderId, key: &ExecutionKey) {
        let Some(execution) = self.orders.execution_mut(key) else { return };
        if std::mem::take(&mut execution.unheard)
            && let Some(order) = self.orders.get_mut(id)
        {
            order.unheard = order.unheard.saturating_sub(1);
        }
    }

    /// From now on the totals of this order are not compared with what is booked. What an operator
    /// said of it may have counted other lots than these: the venue is asked once more.
    fn revise(&mut self, id: Option<ClientOrderId>) {
        let now = self.now;
        if let Some(order) = id.and_then(|id| self.orders.get_mut(id)) {
            order.revised = true;
            if std::mem::take(&mut order.overridden) {
                order.unheard = order.unheard.saturating_add(1);
                order.due = now;
            }
        }
    }

    /// Takes an execution out of position, inventory and money; its order is told apart.
    fn take_back(&mut self, key: ExecutionKey, known: &Execution, out: &mut Vec<Command>) {
        let (account, instrument, side, _) = key;
        let place = known.order.and_then(|id| self.orders.get(id)).map(|order| order.place);
        let trade = Trade {
            owner: match (known.order, place) {
                (Some(id), Some(_)) => self.owner(id),
                _ => Owner::Unassigned,
            },
            side,
            effect: place.map_or(PositionEffect::Open, |place| place.effect),
            qty: known.qty,
            price: known.price,
        };
        let was = self.booked.remove(&key);
        let filled = match self.positions.unfill(account, instrument, &trade, was.as_ref()) {
            Ok(filled) => filled,
            Err(error) => panic!("broken invariant: a booked fill cannot go: {error:?}"),
        };
        let money = filled.money_back(&self.instruments[instrument], &trade, known.fee);
        self.funds.trade(account, &money);
        self.note_margin(account);
        self.note_trade(known.order, (account, instrument), &trade, -known.fee, -1);
        let Some(id) = known.order else { return };
        if let Some(order) = self.orders.get_mut(id) {
            order.cost -= i128::from(known.price.0) * i128::from(known.qty.get());
        }
        self.tell_attempt(id, &trade, known.fee, Told::Bust, out);
    }

    fn on_fee(&mut self, key: &ExecutionKey, fee: FeeNews, out: &mut Vec<Command>) {
        let FeeNews::Paid { amount, currency } = fee else { return };
        let (key, account) = (self.orders.booked_as(*key), key.0);
        match self.orders.execution(&key).copied() {
            Some(known) if !known.fee_pending => {}
            Some(known) => {
                let paid = self.own_fee(account, amount, currency, out);
                self.funds.fee(account, paid - known.fee);
                self.note_fee(&key, known.order, paid - known.fee);
                if let Some(execution) = self.orders.execution_mut(&key) {
                    execution.fee_pending = false;
                    execution.fee = paid;
                }
            }
            // Told before its execution, with which it will be paid.
            None => {
                let told = self.own_fee(account, amount, currency, out);
                self.orders.remember(key, Execution::awaited(told));
            }
        }
    }

    /// What a fee costs the account itself; one in another currency is booked there.
    fn own_fee(
        &mut self,
        account: AccountId,
        amount: Money,
        currency: CurrencyId,
        out: &mut Vec<Command>,
    ) -> Money {
        if currency == self.currency_of(account) {
            return amount;
        }
        self.funds.foreign_fee(account, currency, amount);
        let subject = Subject::Account(account);
        self.alert(out, AlertCode::ForeignFee, Urgency::Warn, subject, amount.0, 0);
        Money::ZERO
    }

    /// News of an order that this engine does not know: another's, a person's, or one forgotten.
    fn on_foreign(&mut self, report: &Report, out: &mut Vec<Command>) {
        let ours = report.order.is_some_and(|id| id.engine() == self.config.engine);
        let subject = match report.order {
            Some(id) => Subject::Order(id),
            None => Subject::Account(report.account),
        };
        match report.news {
            News::Fill(_) | News::Correct { .. } | News::Bust { .. } if ours => {
                // It was forgotten: it cannot be told from a second delivery, so it is not booked.
                self.alert(out, AlertCode::External, Urgency::Alarm, subject, 0, 0);
                self.restrict_account(report.account, Cause::External, out);
            }
            News::Fill(fill) => {
                let key = (report.account, report.instrument, fill.side, fill.trade_id);
                let key = self.orders.booked_as(key);
                match self.orders.execution(&key).copied().filter(|known| !known.is_awaited()) {
                    None => {
                        self.book_foreign(key, &fill, out);
                        let value = i128::from(fill.side.sign() * fill.qty.get());
                        self.alert(out, AlertCode::External, Urgency::Warn, subject, value, 0);
                    }
                    Some(known) if known.is_final => {}
                    Some(known) => {
                        if (known.price, known.qty) != (fill.price, fill.qty) {
                            self.alert(out, AlertCode::Conflict, Urgency::Alarm, subject, 0, 0);
                            self.restrict_account(report.account, Cause::Conflict, out);
                        }
                    }
                }
            }
            News::Bust { trade_id, side } => {
                self.on_bust(None, (report.account, report.instrument, side, trade_id), out);
            }
            News::Correct { trade_id, side, price, qty } => {
                let key = (report.account, report.instrument, side, trade_id);
                self.on_correct(None, key, &corrected(trade_id, side, price, qty), out);
            }
            News::Fee { trade_id, side, amount, currency } => {
                let key = (report.account, report.instrument, side, trade_id);
                self.on_fee(&key, FeeNews::Paid { amount, currency }, out);
            }
            News::Accepted => {
                self.alert(out, AlertCode::External, Urgency::Warn, subject, 0, 0);
            }
            News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. } => {}
        }
    }

    /// An execution that is not ours still moves the account: it is booked to `unassigned`.
    fn book_foreign(&mut self, key: ExecutionKey, fill: &Fill, out: &mut Vec<Command>) {
        let (account, instrument, side, _) = key;
        if !self.positions.trades(account, instrument) {
            // It moved the account in a way that cannot be booked: a person looks.
            self.restrict_account(account, Cause::External, out);
            return;
        }
        // A venue with longs and shorts does not tell us which it was; a trade that can close does.
        let free = self.positions.closable(account, instrument, side);
        let closes = free.earlier + free.today >= fill.qty;
        let effect = if closes { PositionEffect::Close } else { PositionEffect::Open };
        let trade =
            Trade { owner: Owner::Unassigned, side, effect, qty: fill.qty, price: fill.price };
        self.count_self_trade(&key, fill, out);
        self.count_opened((account, instrument), effect, fill.qty, out);
        let lost = self.book_trade(None, key, &trade, fill, out).1;
        self.lose((account, instrument), side.sign() * lost.get(), fill.price, out);
        self.touch_account(account);
    }

    /// What follows from an input: its next due time, and the end of its hold once it is confirmed.
    pub(super) fn after_order(&mut self, id: ClientOrderId, out: &mut Vec<Command>) {
        self.count_end(id, out);
        let Some(order) = self.orders.get(id).copied() else { return };
        self.touch_owners(id);
        let at = self.live.binary_search(&id);
        if order.is_confirmed() {
            if let Ok(at) = at {
                self.live.remove(at);
                // A hold that is resolved already stays so.
                let _ = self.funds.void(id);
                if !self.positions.release_all_lots(id).is_zero() {
                    self.note_margin(order.place.account);
                }
                self.claim_done(&order);
                self.tell_followed(&order);
            }
            self.set_due(id, Time::MAX);
        } else {
            if let Err(at) = at {
                // A bust or a larger total opened it again: it is asked about until it agrees.
                self.live.insert(at, id);
                self.hasten(id);
            }
            let Some(order) = self.orders.get(id).copied() else { return };
            let due = self.due_after(&order);
            self.set_due(id, due);
        }
        if order.place.purpose == Purpose::Quote {
            self.note_resting(order.place.instrument);
        }
    }

    /// Tells the attempt of an order that followed how much of it did not trade.
    fn tell_followed(&mut self, order: &Order) {
        let rejected = order.place.purpose == Purpose::Quote && order.state == State::Rejected;
        if order.place.purpose != Purpose::Hedge && !rejected {
            return;
        }
        let decision = order.place.order.decision();
        let attempt = self.hedges[order.place.hedge].attempt.as_mut();
        if let Some(attempt) = attempt.filter(|attempt| attempt.decision == decision) {
            if rejected {
                attempt.quote_rejected(order.place.order.leg());
                return;
            }
            let unfilled = order.place.qty.get() - order.cum;
            attempt.followed(order.place.order.leg(), unfilled);
        }
    }

    fn set_due(&mut self, id: ClientOrderId, due: Time) {
        if let Some(order) = self.orders.get_mut(id) {
            order.due = due;
        }
    }

    fn due_after(&self, order: &Order) -> Time {
        let venue = &self.config.venues[self.config.accounts[order.place.account].venue];
        let at_once = matches!(order.place.tif, TimeInForce::Ioc | TimeInForce::Fok);
        match order.state {
            State::Acked | State::Partial | State::PendingAmend if at_once => {
                order.heard + venue.ack_timeout
            }
            // A quote rests until its attempt moves it.
            State::Acked | State::Partial | State::PendingAmend
                if order.place.purpose == Purpose::Quote
                    && order.cancels == 0
                    && !self.is_orphan(order) =>
            {
                Time::MAX
            }
            State::Acked | State::Partial | State::PendingAmend => {
                let timeout = self.policy.hedges[order.place.hedge].execution.order_timeout;
                let over = if order.cancels > 0 {
                    // What cannot be cancelled before a phase ends waits for that.
                    let phase = self.instruments[order.place.instrument].phases.at(self.now);
                    let shut = !phase.phase.takes_orders() && phase.until < Time::LATEST;
                    let next = self.now + venue.query_interval;
                    if shut { next.max(phase.until) } else { next }
                } else {
                    order.sent + timeout
                };
                // Without its attempt an order has nothing to wait for.
                if self.is_orphan(order) { self.now.max(order.due.min(over)) } else { over }
            }
            // It may have rested without a time of its own: what is missing is asked for now.
            State::Filled | State::Cancelled | State::Rejected | State::Expired
                if order.due == Time::MAX =>
            {
                self.now
            }
            State::New
            | State::Sent
            | State::PendingCancel
            | State::Unknown
            | State::Filled
            | State::Cancelled
            | State::Rejected
            | State::Expired => order.due,
        }
    }

    pub(super) fn is_orphan(&self, order: &Order) -> bool {
        let attempt = &self.hedges[order.place.hedge].attempt;
        attempt.as_ref().is_none_or(|attempt| attempt.decision != order.place.order.decision())
    }

    fn on_link(&mut self, link: Link, out: &mut Vec<Command>) {
        match link.to {
            LinkTo::Feed(instrument) => {
                match link.state {
                    LinkState::Down => self.books[instrument].set_down(),
                    LinkState::Up | LinkState::Resynced => {
                        self.books[instrument].set_up();
                        out.push(Command::Resync(instrument));
                    }
                }
                // A signal has no value while one of its books has none.
                self.signals.refresh(instrument, self.now, &self.books);
                self.touch_readers(instrument);
            }
            LinkTo::Trading(account) => self.on_trading_link(account, link.state, out),
        }
    }

    fn on_trading_link(&mut self, account: AccountId, state: LinkState, out: &mut Vec<Command>) {
        let before = std::mem::replace(&mut self.links[account], state);
        let orders: Vec<ClientOrderId> = self.live_of(account).collect();
        match state {
            // That it is down is no news after a restart.
            LinkState::Down if before == LinkState::Down => {}
            LinkState::Down => {
                let subject = Subject::Account(account);
                let count = i128::try_from(orders.len()).unwrap_or(i128::MAX);
                self.alert(out, AlertCode::LinkDown, Urgency::Alarm, subject, count, 0);
                // What is in flight when a link goes is not known to have arrived: a person looks.
                if !orders.is_empty() {
                    self.restrict_account(account, Cause::Link, out);
                }
                for id in orders {
                    self.input(id, Input::LinkDown, out);
                    self.set_due(id, Time::MAX);
                }
            }
            LinkState::Up => {}
            LinkState::Resynced => {
                if before != LinkState::Resynced {
                    let subject = Subject::Account(account);
                    self.alert(out, AlertCode::LinkUp, Urgency::Info, subject, 0, 0);
                }
                // What a HALT covers is cancelled first, whatever was sent before the link went,
                // then everything is asked about.
                for id in &orders {
                    self.hasten(*id);
                    if self.orders.get(*id).is_some_and(|order| self.is_halted_order(order)) {
                        self.cancel_in_halt(*id, out);
                    }
                }
                for id in orders {
                    self.hasten(id);
                }
            }
        }
        self.touch_account(account);
    }

    pub(super) fn live_of(&self, account: AccountId) -> impl Iterator<Item = ClientOrderId> + '_ {
        let of = move |id: &&ClientOrderId| {
            self.orders.get(**id).is_some_and(|order| order.place.account == account)
        };
        self.live.iter().filter(of).copied()
    }

    pub(super) fn mark_day(&mut self, account: AccountId) {
        let worth = self.worth(account);
        self.funds.mark_day(account, worth);
    }

    fn on_statement(&mut self, statement: &Statement, out: &mut Vec<Command>) {
        let (account, instrument) = (statement.account, statement.instrument);
        let in_flight = self.live_of(account).any(|id| {
            self.orders.get(id).is_some_and(|order| order.place.instrument == instrument)
        });
        if statement.kind == StatementKind::Compare && in_flight {
            return;
        }
        let before = self.positions.lots(account, instrument);
        let drift = match self.positions.statement(statement) {
            Ok(drift) => drift,
            Err(error) => panic!("broken invariant: a statement that passed the door: {error:?}"),
        };
        let change = self.positions.lots(account, instrument) - before;
        let kind = match statement.kind {
            StatementKind::Opening => BookingKind::Opening,
            StatementKind::Compare => BookingKind::Compared,
        };
        let side = Side::of(change).unwrap_or(Side::Buy);
        let settlement = self.instruments[instrument].settlement;
        let cost = settlement.cost(side, statement.price, change.abs());
        let value = -i128::from(side.sign()) * cost;
        self.note_moved(kind, (account, instrument), Owner::Unassigned, change, value);
        if let Some(drift) = drift {
            let of = &self.instruments[instrument];
            if of.settlement != Settlement::Upfront {
                let result = of.value(drift.realised);
                self.funds.adjust(account, result);
            }
            let net = |(long, short): (Qty, Qty)| i128::from(long.get() - short.get());
            let (ours, theirs) = (net(drift.ours), net(drift.theirs));
            let subject = Subject::Account(account);
            self.alert(out, AlertCode::PositionDrift, Urgency::Alarm, subject, ours, theirs);
            self.restrict_account(account, Cause::Drift, out);
            self.lose((account, instrument), drift.lost, statement.price, out);
        }
        self.note_margin(account);
        if statement.kind == StatementKind::Opening {
            self.mark_day(account);
        }
        self.touch_account(account);
    }

    fn on_settle(&mut self, settle: &Settle, out: &mut Vec<Command>) {
        let mut variations = Vec::new();
        if let Err(error) = self.positions.settle(settle, &mut variations) {
            panic!("broken invariant: a settlement that passed the door: {error:?}");
        }
        self.instruments[settle.instrument].step_margins(settle.day);
        let accounts: Vec<AccountId> = self.config.accounts.ids().collect();
        for account in &accounts {
            let own = variations.iter().find(|variation| variation.account == *account);
            self.pay_settled(*account, settle, own, out);
        }
        let next = crate::time::Day(settle.day.0 + 1);
        for account in accounts {
            if !self.positions.trades(account, settle.instrument) {
                continue;
            }
            self.note_margin(account);
            // The first settlement of a day that an account sees turns its day.
            if self.days[account] < next {
                self.days[account] = next;
                self.mark_day(account);
            }
        }
        self.orders.roll(settle.instrument);
        let venue = self.instruments[settle.instrument].venue;
        self.conduct.roll_instrument(settle.instrument, venue, next);
        let orders = &self.orders;
        self.booked.retain(|key, _| orders.execution(key).is_some());
        self.roll_hedges(settle.instrument, next);
        self.touch_readers(settle.instrument);
    }

    /// Pays an account what a settlement brings it: the variation, and what was locked in until now.
    fn pay_settled(
        &mut self,
        account: AccountId,
        settle: &Settle,
        variation: Option<&Variation>,
        out: &mut Vec<Command>,
    ) {
        let subject = Subject::Account(account);
        let ticks_lots = variation.map_or(0, |variation| variation.ticks_lots);
        let amount = self.instruments[settle.instrument].value(ticks_lots);
        self.funds.variation(account, amount);
        let all = amount + self.funds.pay_forward(account, settle.instrument, settle.day);
        if all != Money::ZERO {
            self.alert(out, AlertCode::Settled, Urgency::Info, subject, all.0, 0);
        }
        if let Some((long, short)) = variation.map(|variation| variation.reached)
            && !(long + short).is_zero()
        {
            let (long, short) = (i128::from(long.get()), i128::from(short.get()));
            let code = AlertCode::PromptReached;
            self.alert(out, code, Urgency::Alarm, subject, long, short);
        }
    }

    fn roll_hedges(&mut self, instrument: InstrumentId, day: crate::time::Day) {
        for hedge in self.config.hedges.ids() {
            let first = self.config.hedges[hedge].plan.legs.first();
            let state = &mut self.hedges[hedge];
            if first.is_some_and(|leg| leg.instrument == instrument) && state.day < day {
                state.day = day;
                self.conduct.roll_hedge(hedge);
            }
        }
    }

    fn on_reference(&mut self, reference: &Reference) {
        let instrument = &mut self.instruments[reference.instrument];
        match reference.change {
            ReferenceChange::Phase { phase, until } => {
                instrument.phases.say(phase, until);
                if phase.takes_orders() {
                    self.hasten_cancels(reference.instrument);
                }
            }
            ReferenceChange::PriceBand(band) => instrument.band = band,
            ReferenceChange::Margin(rate) => {
                instrument.margin = rate;
                self.note_margins();
            }
            ReferenceChange::FlagMargin(flag, rate) => {
                instrument.set_flag_margin(flag, rate);
                self.note_margins();
            }
        }
        self.touch_readers(reference.instrument);
    }

    pub(super) fn note_margins(&mut self) {
        let accounts: Vec<AccountId> = self.config.accounts.ids().collect();
        for account in accounts {
            self.note_margin(account);
        }
    }

    /// Cancels that waited for a phase to end wait no longer.
    fn hasten_cancels(&mut self, instrument: InstrumentId) {
        for at in 0..self.live.len() {
            let order = self.orders.get_mut(self.live[at]);
            let waits = |order: &&mut Order| {
                order.place.instrument == instrument && order.is_resting() && order.cancels > 0
            };
            if let Some(order) = order.filter(waits) {
                order.due = order.due.min(self.now);
            }
        }
    }

    pub(super) fn touch_readers(&mut self, instrument: InstrumentId) {
        for at in 0..self.readers[instrument].len() {
            let hedge = self.readers[instrument][at];
            self.touch(hedge);
        }
    }
}

/// What an attempt is told of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Fill,
    /// A fill in place of one that was taken back, of so many lots; it has an alert of its own.
    Correction {
        from: Qty,
    },
    Bust,
}

fn corrected(trade_id: crate::ids::Text, side: Side, price: crate::num::Price, qty: Qty) -> Fill {
    Fill {
        trade_id,
        side,
        price,
        qty,
        cum: None,
        fee: FeeNews::Pending,
        liquidity: crate::order::LiquiditySide::Taker,
    }
}

//! What a run did, as tables of plain columns, built from events and commands alone.

use std::collections::{BTreeMap, BTreeSet};

use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::event::Event;
use cross_market_core::gate::Refusal;
use cross_market_core::ids::ClientOrderId;
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, HedgeFlag, LiquiditySide, News, Place, RejectClass, Report,
    TimeInForce, VenueStatus,
};
use cross_market_core::time::Time;

use crate::digest::subject;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $kind:ty;)*) => {
        $($(#[$doc])*
        #[must_use]
        #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
        pub const fn $name(value: $kind) -> u8 {
            value as u8
        })*
    };
}

codes! {
    /// The stable code of a time in force.
    tif_code: TimeInForce;
    /// The stable code of a hedge flag.
    flag_code: HedgeFlag;
    /// The stable code of an alert.
    alert_code: AlertCode;
    /// The stable code of an urgency.
    urgency_code: Urgency;
    /// The stable code of a refusal.
    refusal_code: Refusal;
    /// The stable code of a venue's order state.
    status_code: VenueStatus;
    /// The stable code of a liquidity side.
    liquidity_code: LiquiditySide;
}

/// The names of the four ends, by the code in [`AlertCode::AttemptEnded`].
pub const ENDS: [&str; 4] = ["completed", "unwound", "aborted_flat", "residual_held"];

/// One attempt. Times are in ns; money is in 10⁻⁹ of the hedge's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its decision id.
    pub decision: u64,
    /// Its hedge.
    pub hedge: u16,
    /// Code of its kind.
    pub kind: u8,
    /// Signed sets it began with.
    pub sets_from: i64,
    /// Signed sets it wanted.
    pub sets_to: i64,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Code of its end.
    pub end: Option<u8>,
    /// Signed sets traded.
    pub sets_traded: i64,
    /// What repair lost.
    pub lost: i128,
    /// Orders sent.
    pub orders: u64,
    /// Orders sent for repair.
    pub repairs: u64,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Our id.
    pub order: u64,
    /// The attempt's decision id.
    pub decision: u64,
    /// The venue's id, empty until it is known.
    pub venue_order_id: String,
    /// Account.
    pub account: u16,
    /// Instrument.
    pub instrument: u16,
    /// Hedge.
    pub hedge: u16,
    /// Leg.
    pub leg: u8,
    /// 0 buy, 1 sell.
    pub side: u8,
    /// Code of the position effect.
    pub effect: u8,
    /// Code of the time in force.
    pub tif: u8,
    /// Code of the attempt's kind.
    pub kind: u8,
    /// Code of the purpose.
    pub purpose: u8,
    /// Worst price, in ticks.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    /// Lots traded, busts taken off.
    pub cum: i64,
    /// Σ price × lots of what was traded.
    pub cost: i128,
    /// Code of the venue's state; `None` while nothing is heard.
    pub status: Option<u8>,
    /// Cancels sent.
    pub cancels: u64,
    /// Queries sent.
    pub queries: u64,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRow {
    /// Our order; 0 where it is not ours.
    pub order: u64,
    /// The venue's id.
    pub trade_id: String,
    /// Account.
    pub account: u16,
    /// Instrument.
    pub instrument: u16,
    /// 0 buy, 1 sell.
    pub side: u8,
    /// Price, in ticks.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    /// Fee in 10⁻⁹ of its currency; `None` while it is pending.
    pub fee: Option<i128>,
    /// Currency of the fee.
    pub fee_currency: Option<u8>,
    /// Code of the liquidity side.
    pub liquidity: u8,
    /// When the venue said so.
    pub exchange: i64,
    /// When we received it.
    pub receive: i64,
    /// Whether it was taken back: 1, or corrected: 2.
    pub revised: u8,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// When.
    pub now: i64,
    /// Code.
    pub code: u8,
    /// Code of the urgency.
    pub urgency: u8,
    /// Code of the refusal, if it is one.
    pub refusal: Option<u8>,
    /// Detail.
    pub detail: u8,
    /// Kind of the subject.
    pub subject: u8,
    /// Number of the subject.
    pub id: u64,
    /// Value.
    pub value: i128,
    /// Limit.
    pub limit: i128,
}

/// How often a hedge was refused for a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// Kind of the subject.
    pub subject: u8,
    /// Number of the subject.
    pub id: u64,
    /// Code of the refusal.
    pub refusal: u8,
    /// How often.
    pub count: u64,
    /// When first, in ns.
    pub first: i64,
    /// When last, in ns.
    pub last: i64,
}

/// The stages of one order, in ns since the epoch; 0 where it has not come to that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainRow {
    /// The attempt's decision id.
    pub decision: u64,
    /// Our id.
    pub order: u64,
    /// Exchange stamp of the event that caused it.
    pub cause_exchange: i64,
    /// Receive stamp of the event that caused it.
    pub cause_receive: i64,
    /// Engine time of the decision.
    pub decided: i64,
    /// When it reached its venue.
    pub arrived: i64,
    /// When its first answer was received.
    pub acked: i64,
    /// When its first fill was received.
    pub filled: i64,
    /// When its end was received.
    pub done: i64,
}

/// All tables of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Attempts, in the order of their start.
    pub attempts: Vec<AttemptRow>,
    /// Orders, in the order of their sending.
    pub orders: Vec<OrderRow>,
    /// Executions, in the order of their first arrival.
    pub fills: Vec<FillRow>,
    /// Alerts but refusals.
    pub alerts: Vec<AlertRow>,
    /// Refusals, counted.
    pub refusals: Vec<RefusalRow>,
    /// Stages of orders, in the order of their sending.
    pub chains: Vec<ChainRow>,
    /// Events taken.
    pub events: u64,
    /// Events that the door refused.
    pub errors: u64,
    attempt_at: BTreeMap<ClientOrderId, usize>,
    order_at: BTreeMap<ClientOrderId, usize>,
    fill_at: BTreeMap<(u16, u16, u8, String), usize>,
    /// Cumulative quantities told by fills: fills may come in any order, each has its own.
    cums: BTreeSet<(ClientOrderId, i64)>,
    refusal_at: BTreeMap<(u8, u64, u8), usize>,
}

fn side_code(side: cross_market_core::num::Side) -> u8 {
    u8::from(side == cross_market_core::num::Side::Sell)
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

impl Outcome {
    /// Nothing happened yet.
    #[must_use]
    pub fn new() -> Outcome {
        Outcome::default()
    }

    /// Attempts by end code; the fifth number counts those still alive.
    #[must_use]
    pub fn ends(&self) -> [u64; 5] {
        let mut counts = [0; 5];
        for attempt in &self.attempts {
            let end = usize::from(attempt.end.unwrap_or(4)).min(4);
            if let Some(count) = counts.get_mut(end) {
                *count += 1;
            }
        }
        counts
    }

    /// Takes one step: the event that the engine took and the commands it caused.
    pub fn step(&mut self, now: Time, event: &Event, commands: &[Command]) {
        self.events += 1;
        match event {
            Event::Report(report) => self.report(report, commands),
            Event::Answer(answer) => self.answer(answer),
            Event::Book(_)
            | Event::Link(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick
            | Event::Control(_) => {}
        }
        if !commands.is_empty() {
            let cause = stamps(event, now);
            for command in commands {
                self.command(now, cause, command);
            }
        }
    }

    /// An order has reached its venue; only a simulation knows.
    pub fn arrived(&mut self, order: ClientOrderId, now: Time) {
        if let Some(chain) = self.chain(order) {
            chain.arrived = now.0;
        }
    }

    /// Orders that were alarmed as unknown, each once.
    #[must_use]
    pub fn unknown_orders(&self) -> Vec<ClientOrderId> {
        let unknown = alert_code(AlertCode::OrderUnknown);
        let of = self.alerts.iter().filter(|alert| alert.code == unknown && alert.subject == 6);
        let mut orders: Vec<ClientOrderId> = of.map(|alert| ClientOrderId(alert.id)).collect();
        orders.sort_unstable();
        orders.dedup();
        orders
    }

    /// When the engine decided to send an order.
    #[must_use]
    pub fn decided(&self, order: ClientOrderId) -> Option<Time> {
        let at = self.order_at.get(&order).copied()?;
        self.chains.get(at).map(|chain| Time(chain.decided))
    }

    fn chain(&mut self, order: ClientOrderId) -> Option<&mut ChainRow> {
        let at = self.order_at.get(&order).copied()?;
        self.chains.get_mut(at)
    }

    fn order(&mut self, order: ClientOrderId) -> Option<&mut OrderRow> {
        let at = self.order_at.get(&order).copied()?;
        self.orders.get_mut(at)
    }

    fn attempt(&mut self, decision: ClientOrderId) -> Option<&mut AttemptRow> {
        let at = self.attempt_at.get(&decision).copied()?;
        self.attempts.get_mut(at)
    }

    fn command(&mut self, now: Time, cause: (Time, Time), command: &Command) {
        match command {
            Command::Place(place) => self.place(now, cause, place),
            Command::Cancel(cancel) => {
                if let Some(order) = self.order(cancel.order) {
                    order.cancels += 1;
                }
            }
            Command::Query(query) => {
                if let Some(order) = self.order(query.order) {
                    order.queries += 1;
                }
            }
            Command::Alert(alert) => self.alert(now, alert),
            Command::Amend(_) | Command::Resync(_) | Command::Transfer(_) => {}
        }
    }

    fn place(&mut self, now: Time, (exchange, receive): (Time, Time), place: &Place) {
        let decision = place.order.decision();
        if let Some(attempt) = self.attempt(decision) {
            attempt.orders += 1;
            attempt.repairs += u64::from(place.purpose.is_repair());
        }
        self.order_at.insert(place.order, self.orders.len());
        self.orders.push(OrderRow {
            order: place.order.0,
            decision: decision.0,
            venue_order_id: String::new(),
            account: place.account.0,
            instrument: place.instrument.0,
            hedge: place.hedge.0,
            leg: place.order.leg().0,
            side: side_code(place.side),
            effect: place.effect.code(),
            tif: tif_code(place.tif),
            kind: place.kind.code(),
            purpose: place.purpose.code(),
            price: place.price.0,
            qty: place.qty.get(),
            cum: 0,
            cost: 0,
            status: None,
            cancels: 0,
            queries: 0,
        });
        self.chains.push(ChainRow {
            decision: decision.0,
            order: place.order.0,
            cause_exchange: exchange.0,
            cause_receive: receive.0,
            decided: now.0,
            ..ChainRow::default()
        });
    }

    fn alert(&mut self, now: Time, alert: &Alert) {
        let (kind, id) = subject(alert.subject);
        match (alert.code, alert.subject) {
            (AlertCode::Refused, _) => {
                let refusal = alert.refusal.map_or(u8::MAX, refusal_code);
                self.refused(now, kind, id, refusal);
                return;
            }
            (AlertCode::AttemptStarted, Subject::Attempt(decision)) => {
                self.attempt_at.insert(decision, self.attempts.len());
                self.attempts.push(AttemptRow {
                    decision: decision.0,
                    hedge: decision.hedge().0,
                    kind: alert.detail,
                    sets_from: narrow(alert.value),
                    sets_to: narrow(alert.limit),
                    started: now.0,
                    ended: None,
                    end: None,
                    sets_traded: 0,
                    lost: 0,
                    orders: 0,
                    repairs: 0,
                });
            }
            (AlertCode::AttemptEnded, Subject::Attempt(decision)) => {
                if let Some(attempt) = self.attempt(decision) {
                    attempt.ended = Some(now.0);
                    attempt.end = Some(alert.detail);
                    attempt.sets_traded = narrow(alert.value);
                    attempt.lost = alert.limit;
                }
            }
            (_, _) => {}
        }
        self.alerts.push(AlertRow {
            now: now.0,
            code: alert_code(alert.code),
            urgency: urgency_code(alert.urgency),
            refusal: alert.refusal.map(refusal_code),
            detail: alert.detail,
            subject: kind,
            id,
            value: alert.value,
            limit: alert.limit,
        });
    }

    fn refused(&mut self, now: Time, kind: u8, id: u64, refusal: u8) {
        let at = *self.refusal_at.entry((kind, id, refusal)).or_insert_with(|| {
            let (subject, first, last) = (kind, now.0, now.0);
            self.refusals.push(RefusalRow { subject, id, refusal, count: 0, first, last });
            self.refusals.len() - 1
        });
        if let Some(row) = self.refusals.get_mut(at) {
            row.count += 1;
            row.last = now.0;
        }
    }

    fn report(&mut self, report: &Report, commands: &[Command]) {
        if let Some(order) = report.order {
            self.told(order, report);
        }
        let conflict = commands
            .iter()
            .any(|c| matches!(c, Command::Alert(alert) if alert.code == AlertCode::Conflict));
        if conflict {
            return;
        }
        match report.news {
            News::Fill(fill) => self.fill(report, &fill),
            News::Bust { trade_id, side } => {
                self.revise(report, (trade_id.as_str(), side_code(side)), None);
            }
            News::Correct { trade_id, side, price, qty } => {
                let now = Some((price.0, qty.get()));
                self.revise(report, (trade_id.as_str(), side_code(side)), now);
            }
            News::Fee { trade_id, side, amount, currency } => {
                let key = key(report, (trade_id.as_str(), side_code(side)));
                if let Some(row) = self.fill_at.get(&key).and_then(|at| self.fills.get_mut(*at)) {
                    (row.fee, row.fee_currency) = (Some(amount.0), Some(currency.0));
                }
            }
            News::Accepted
            | News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. } => {}
        }
    }

    fn told(&mut self, id: ClientOrderId, report: &Report) {
        let receive = report.receive.0;
        let status = match report.news {
            News::Accepted => Some(VenueStatus::Working),
            // That the venue has it already is no end of it.
            News::Rejected { class, .. } => {
                (class != RejectClass::Duplicate).then_some(VenueStatus::Rejected)
            }
            News::Cancelled { .. } => Some(VenueStatus::Cancelled),
            News::Expired { .. } => Some(VenueStatus::Expired),
            News::Status { status, .. } => Some(status),
            News::Fill(_)
            | News::CancelRejected { .. }
            | News::Bust { .. }
            | News::Correct { .. }
            | News::Fee { .. } => None,
        };
        if let Some(chain) = self.chain(id) {
            chain.acked = if chain.acked == 0 { receive } else { chain.acked };
            let over = status.is_some_and(|status| status != VenueStatus::Working);
            chain.done = if over && chain.done == 0 { receive } else { chain.done };
        }
        if let (Some(order), Some(status)) = (self.order(id), status) {
            order.stands(status);
            if order.venue_order_id.is_empty() {
                order.venue_order_id = report.venue_order_id.to_string();
            }
        }
    }

    fn fill(&mut self, report: &Report, fill: &Fill) {
        let key = key(report, (fill.trade_id.as_str(), side_code(fill.side)));
        if self.fill_at.contains_key(&key) {
            return;
        }
        if let (Some(order), Some(cum)) = (report.order, fill.cum)
            && !self.cums.insert((order, cum.get()))
        {
            return; // The same execution under another id: its lots are counted already.
        }
        self.fill_at.insert(key, self.fills.len());
        let (fee, fee_currency) = match fill.fee {
            FeeNews::Pending => (None, None),
            FeeNews::Paid { amount, currency } => (Some(amount.0), Some(currency.0)),
        };
        self.fills.push(FillRow {
            order: report.order.map_or(0, |order| order.0),
            trade_id: fill.trade_id.as_str().to_owned(),
            account: report.account.0,
            instrument: report.instrument.0,
            side: side_code(fill.side),
            price: fill.price.0,
            qty: fill.qty.get(),
            fee,
            fee_currency,
            liquidity: liquidity_code(fill.liquidity),
            exchange: report.exchange.0,
            receive: report.receive.0,
            revised: 0,
        });
        let Some(id) = report.order else { return };
        if let Some(chain) = self.chain(id) {
            chain.filled = if chain.filled == 0 { report.receive.0 } else { chain.filled };
        }
        if let Some(order) = self.order(id) {
            order.count(fill.price.0, fill.qty.get());
            if order.cum >= order.qty {
                order.stands(VenueStatus::Filled);
            }
        }
    }

    /// Takes an execution back, or corrects it to another price and size.
    fn revise(&mut self, report: &Report, id: (&str, u8), to: Option<(i64, i64)>) {
        let key = key(report, id);
        let Some(row) = self.fill_at.get(&key).and_then(|at| self.fills.get_mut(*at)) else {
            return;
        };
        let (price, qty) = (row.price, row.qty);
        let (revised, after) = match to {
            None => (1, (price, 0)),
            Some(after) => (2, after),
        };
        (row.revised, row.price, row.qty) = (revised, after.0, after.1);
        let order = ClientOrderId(row.order);
        if let Some(order) = self.order(order) {
            order.count(price, -qty);
            order.count(after.0, after.1);
        }
    }

    fn answer(&mut self, answer: &Answer) {
        if let (Found::Order { status, .. }, Some(order)) = (answer.found, self.order(answer.order))
        {
            order.stands(status);
        }
    }
}

impl OrderRow {
    /// A state once reached is left only for a later one.
    fn stands(&mut self, status: VenueStatus) {
        let working = status_code(VenueStatus::Working);
        if self.status.is_none_or(|known| known == working) {
            self.status = Some(status_code(status));
        }
    }

    fn count(&mut self, price: i64, lots: i64) {
        self.cum += lots;
        self.cost += i128::from(price) * i128::from(lots);
    }
}

/// What tells one execution from all others.
fn key(report: &Report, (trade_id, side): (&str, u8)) -> (u16, u16, u8, String) {
    (report.account.0, report.instrument.0, side, trade_id.to_owned())
}

/// Exchange and receive stamps of an event; those of an event without are `now`.
fn stamps(event: &Event, now: Time) -> (Time, Time) {
    match event {
        Event::Book(change) => (change.exchange, change.receive),
        Event::Report(report) => (report.exchange, report.receive),
        Event::Answer(answer) => (answer.exchange, answer.receive),
        Event::Cash(cash) => (cash.exchange, now),
        Event::Position(statement) => (statement.exchange, now),
        Event::Settle(settle) => (settle.exchange, now),
        Event::Reference(reference) => (reference.exchange, now),
        Event::Link(_) | Event::Estimate(_) | Event::Clock(_) | Event::Tick | Event::Control(_) => {
            (now, now)
        }
    }
}

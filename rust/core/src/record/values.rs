//! Events and commands as bytes, and back.

use crate::book::Change;
use crate::clock::{Clock, ClockOf};
use crate::command::{Alert, Command, Subject};
use crate::event::{Control, Estimate, Event, Link, LinkTo, Scope, Verb};
use crate::funds::{Cash, Transfer};
use crate::gate::{AccountLimits, HedgeLimits, InstrumentLimits, Policy, SumResidual};
use crate::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, LegId, ProductId, Table, Text,
    VenueId,
};
use crate::instrument::{MarginRate, PriceBand, Reference, ReferenceChange};
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Amend, Answer, Cancel, FeeNews, Fill, Found, News, Place, Query, Report};
use crate::position::{Settle, Statement};
use crate::quote::{Execution, Size};
use crate::record::codes::Code;
use crate::time::{Day, Span, Time};
use crate::wire::{Reader, WireError, Writer};

type Read<T> = Result<T, WireError>;

/// Writes an event: the code of its kind, then its payload.
pub fn write_event(out: &mut Writer, event: &Event) {
    out.u8(event.code());
    match event {
        Event::Book(change) => write_change(out, change),
        Event::Link(link) => write_link(out, *link),
        Event::Report(report) => write_report(out, report),
        Event::Answer(answer) => write_answer(out, answer),
        Event::Cash(cash) => {
            out.u16(cash.account.0);
            out.i64(cash.exchange.0);
            cash.kind.write(out);
            out.i128(cash.amount.0);
        }
        Event::Position(statement) => {
            out.u16(statement.account.0);
            out.u16(statement.instrument.0);
            out.i64(statement.exchange.0);
            statement.kind.write(out);
            out.i64(statement.long.get());
            out.i64(statement.short.get());
            out.i64(statement.price.0);
        }
        Event::Settle(settle) => {
            out.u16(settle.instrument.0);
            out.i64(settle.price.0);
            out.u32(settle.day.0.cast_unsigned());
            out.i64(settle.exchange.0);
        }
        Event::Reference(reference) => write_reference(out, reference),
        Event::Estimate(estimate) => {
            out.u16(estimate.hedge.0);
            out.i64(estimate.value);
            out.i64(estimate.expires.0);
        }
        Event::Clock(clock) => write_clock(out, clock),
        Event::Tick => {}
        Event::Control(control) => {
            write_text(out, &control.actor);
            write_verb(out, &control.verb);
        }
    }
}

/// Reads what [`write_event`] wrote.
///
/// # Errors
/// [`WireError`] for bytes that no event has.
pub fn read_event(from: &mut Reader<'_>) -> Read<Event> {
    let at = from.position();
    Ok(match from.u8()? {
        1 => Event::Book(read_change(from)?),
        2 => Event::Link(read_link(from)?),
        3 => Event::Report(Box::new(read_report(from)?)),
        4 => Event::Answer(Box::new(read_answer(from)?)),
        5 => Event::Cash(Box::new(Cash {
            account: AccountId(from.u16()?),
            exchange: Time(from.i64()?),
            kind: Code::read(from)?,
            amount: Money(from.i128()?),
        })),
        6 => Event::Position(Box::new(Statement {
            account: AccountId(from.u16()?),
            instrument: InstrumentId(from.u16()?),
            exchange: Time(from.i64()?),
            kind: Code::read(from)?,
            long: read_qty(from)?,
            short: read_qty(from)?,
            price: Price(from.i64()?),
        })),
        7 => Event::Settle(Box::new(Settle {
            instrument: InstrumentId(from.u16()?),
            price: Price(from.i64()?),
            day: Day(from.u32()?.cast_signed()),
            exchange: Time(from.i64()?),
        })),
        8 => Event::Reference(Box::new(read_reference(from)?)),
        9 => Event::Estimate(Estimate {
            hedge: HedgeId(from.u16()?),
            value: from.i64()?,
            expires: Time(from.i64()?),
        }),
        10 => Event::Clock(read_clock(from)?),
        11 => Event::Tick,
        12 => {
            let actor = read_text(from)?;
            Event::Control(Box::new(Control { actor, verb: read_verb(from)? }))
        }
        found => return Err(WireError::Code { at, found }),
    })
}

/// Writes a command: the code of its kind, then its payload.
pub fn write_command(out: &mut Writer, command: &Command) {
    out.u8(command.code());
    match command {
        Command::Place(place) => write_place(out, place),
        Command::Amend(amend) => {
            out.u64(amend.order.0);
            out.i64(amend.price.0);
            out.i64(amend.qty.get());
        }
        Command::Cancel(Cancel { order, account, instrument })
        | Command::Query(Query { order, account, instrument }) => {
            out.u64(order.0);
            out.u16(account.0);
            out.u16(instrument.0);
        }
        Command::Resync(instrument) => out.u16(instrument.0),
        Command::Transfer(transfer) => {
            out.u16(transfer.from.0);
            out.u16(transfer.to.0);
            out.i128(transfer.amount.0);
        }
        Command::Alert(alert) => write_alert(out, alert),
    }
}

/// Reads what [`write_command`] wrote.
///
/// # Errors
/// [`WireError`] for bytes that no command has.
pub fn read_command(from: &mut Reader<'_>) -> Read<Command> {
    let at = from.position();
    Ok(match from.u8()? {
        1 => Command::Place(read_place(from)?),
        2 => Command::Amend(Amend {
            order: ClientOrderId(from.u64()?),
            price: Price(from.i64()?),
            qty: read_qty(from)?,
        }),
        3 => Command::Cancel(Cancel {
            order: ClientOrderId(from.u64()?),
            account: AccountId(from.u16()?),
            instrument: InstrumentId(from.u16()?),
        }),
        4 => Command::Query(Query {
            order: ClientOrderId(from.u64()?),
            account: AccountId(from.u16()?),
            instrument: InstrumentId(from.u16()?),
        }),
        5 => Command::Resync(InstrumentId(from.u16()?)),
        6 => Command::Transfer(Transfer {
            from: AccountId(from.u16()?),
            to: AccountId(from.u16()?),
            amount: Money(from.i128()?),
        }),
        7 => Command::Alert(read_alert(from)?),
        found => return Err(WireError::Code { at, found }),
    })
}

fn write_text(out: &mut Writer, text: &Text) {
    let bytes = text.as_bytes();
    // A text has at most 40 bytes.
    out.u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.raw(bytes);
}

fn read_text(from: &mut Reader<'_>) -> Read<Text> {
    let at = from.position();
    let count = usize::from(from.u8()?);
    let bytes = from.raw(count)?;
    if bytes.is_empty() {
        return Ok(Text::EMPTY);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| WireError::Range { at })?;
    Text::new(text).map_err(|_| WireError::Range { at })
}

fn read_qty(from: &mut Reader<'_>) -> Read<Qty> {
    let at = from.position();
    Qty::new(from.i64()?).map_err(|_| WireError::Range { at })
}

fn write_ratio(out: &mut Writer, ratio: Ratio) {
    out.i64(ratio.num());
    out.i64(ratio.den());
}

/// A ratio in lowest terms; any other has no bytes of its own and is refused.
fn read_ratio(from: &mut Reader<'_>) -> Read<Ratio> {
    let at = from.position();
    let (num, den) = (from.i64()?, from.i64()?);
    match Ratio::new(i128::from(num), i128::from(den)) {
        Ok(ratio) if ratio.num() == num && ratio.den() == den => Ok(ratio),
        Ok(_) | Err(_) => Err(WireError::Range { at }),
    }
}

fn write_change(out: &mut Writer, change: &Change) {
    out.u16(change.instrument.0);
    change.side.write(out);
    change.row.write(out);
    out.i64(change.price.0);
    out.i64(change.qty.get());
    out.u64(change.seq);
    out.u32(change.step);
    out.i64(change.exchange.0);
    out.i64(change.receive.0);
}

fn read_change(from: &mut Reader<'_>) -> Read<Change> {
    Ok(Change {
        instrument: InstrumentId(from.u16()?),
        side: Code::read(from)?,
        row: Code::read(from)?,
        price: Price(from.i64()?),
        qty: read_qty(from)?,
        seq: from.u64()?,
        step: from.u32()?,
        exchange: Time(from.i64()?),
        receive: Time(from.i64()?),
    })
}

fn write_link(out: &mut Writer, link: Link) {
    let (code, id) = match link.to {
        LinkTo::Trading(account) => (0, account.0),
        LinkTo::Feed(instrument) => (1, instrument.0),
    };
    out.u8(code);
    out.u16(id);
    link.state.write(out);
}

fn read_link(from: &mut Reader<'_>) -> Read<Link> {
    let at = from.position();
    let (code, id) = (from.u8()?, from.u16()?);
    let to = match code {
        0 => LinkTo::Trading(AccountId(id)),
        1 => LinkTo::Feed(InstrumentId(id)),
        found => return Err(WireError::Code { at, found }),
    };
    Ok(Link { to, state: Code::read(from)? })
}

fn write_clock(out: &mut Writer, clock: &Clock) {
    match clock.of {
        ClockOf::Wall => out.u8(0),
        ClockOf::Venue(venue) => {
            out.u8(1);
            out.u16(venue.0);
        }
    }
    out.i64(clock.offset.0);
    out.i64(clock.uncertainty.0);
}

fn read_clock(from: &mut Reader<'_>) -> Read<Clock> {
    let at = from.position();
    let of = match from.u8()? {
        0 => ClockOf::Wall,
        1 => ClockOf::Venue(VenueId(from.u16()?)),
        found => return Err(WireError::Code { at, found }),
    };
    Ok(Clock { of, offset: Span(from.i64()?), uncertainty: Span(from.i64()?) })
}

fn write_reference(out: &mut Writer, reference: &Reference) {
    out.u16(reference.instrument.0);
    out.i64(reference.exchange.0);
    match &reference.change {
        ReferenceChange::Phase { phase, until } => {
            out.u8(0);
            Code::write(*phase, out);
            out.i64(until.0);
        }
        ReferenceChange::PriceBand(band) => {
            out.u8(1);
            out.bool(band.is_some());
            if let Some(PriceBand { low, high }) = band {
                out.i64(low.0);
                out.i64(high.0);
            }
        }
        ReferenceChange::Margin(rate) => {
            out.u8(2);
            write_ratio(out, rate.long);
            write_ratio(out, rate.short);
            out.i128(rate.floor_per_lot.0);
        }
    }
}

fn read_reference(from: &mut Reader<'_>) -> Read<Reference> {
    let (instrument, exchange) = (InstrumentId(from.u16()?), Time(from.i64()?));
    let at = from.position();
    let change = match from.u8()? {
        0 => ReferenceChange::Phase { phase: Code::read(from)?, until: Time(from.i64()?) },
        1 if from.bool()? => {
            let (low, high) = (Price(from.i64()?), Price(from.i64()?));
            ReferenceChange::PriceBand(Some(PriceBand { low, high }))
        }
        1 => ReferenceChange::PriceBand(None),
        2 => ReferenceChange::Margin(MarginRate {
            long: read_ratio(from)?,
            short: read_ratio(from)?,
            floor_per_lot: Money(from.i128()?),
        }),
        found => return Err(WireError::Code { at, found }),
    };
    Ok(Reference { instrument, exchange, change })
}

fn write_report(out: &mut Writer, report: &Report) {
    out.bool(report.order.is_some());
    if let Some(order) = report.order {
        out.u64(order.0);
    }
    write_text(out, &report.venue_order_id);
    out.u16(report.account.0);
    out.u16(report.instrument.0);
    out.i64(report.exchange.0);
    out.i64(report.receive.0);
    write_news(out, &report.news);
}

fn read_report(from: &mut Reader<'_>) -> Read<Report> {
    Ok(Report {
        order: if from.bool()? { Some(ClientOrderId(from.u64()?)) } else { None },
        venue_order_id: read_text(from)?,
        account: AccountId(from.u16()?),
        instrument: InstrumentId(from.u16()?),
        exchange: Time(from.i64()?),
        receive: Time(from.i64()?),
        news: read_news(from)?,
    })
}

fn write_news(out: &mut Writer, news: &News) {
    match news {
        News::Accepted => out.u8(0),
        News::Rejected { class, code } => {
            out.u8(1);
            class.write(out);
            out.u32(*code);
        }
        News::Fill(fill) => {
            out.u8(2);
            write_fill(out, fill);
        }
        News::Cancelled { cum } => {
            out.u8(3);
            out.i64(cum.get());
        }
        News::Expired { cum } => {
            out.u8(4);
            out.i64(cum.get());
        }
        News::CancelRejected { class, code } => {
            out.u8(5);
            class.write(out);
            out.u32(*code);
        }
        News::Status { status, cum } => {
            out.u8(6);
            status.write(out);
            out.i64(cum.get());
        }
        News::Bust { trade_id, side } => {
            out.u8(7);
            write_text(out, trade_id);
            side.write(out);
        }
        News::Correct { trade_id, side, price, qty } => {
            out.u8(8);
            write_text(out, trade_id);
            side.write(out);
            out.i64(price.0);
            out.i64(qty.get());
        }
        News::Fee { trade_id, side, amount, currency } => {
            out.u8(9);
            write_text(out, trade_id);
            side.write(out);
            out.i128(amount.0);
            out.u8(currency.0);
        }
    }
}

fn read_news(from: &mut Reader<'_>) -> Read<News> {
    let at = from.position();
    Ok(match from.u8()? {
        0 => News::Accepted,
        1 => News::Rejected { class: Code::read(from)?, code: from.u32()? },
        2 => News::Fill(read_fill(from)?),
        3 => News::Cancelled { cum: read_qty(from)? },
        4 => News::Expired { cum: read_qty(from)? },
        5 => News::CancelRejected { class: Code::read(from)?, code: from.u32()? },
        6 => News::Status { status: Code::read(from)?, cum: read_qty(from)? },
        7 => News::Bust { trade_id: read_text(from)?, side: Code::read(from)? },
        8 => News::Correct {
            trade_id: read_text(from)?,
            side: Code::read(from)?,
            price: Price(from.i64()?),
            qty: read_qty(from)?,
        },
        9 => News::Fee {
            trade_id: read_text(from)?,
            side: Code::read(from)?,
            amount: Money(from.i128()?),
            currency: CurrencyId(from.u8()?),
        },
        found => return Err(WireError::Code { at, found }),
    })
}

fn write_fill(out: &mut Writer, fill: &Fill) {
    write_text(out, &fill.trade_id);
    fill.side.write(out);
    out.i64(fill.price.0);
    out.i64(fill.qty.get());
    out.option_i64(fill.cum.map(Qty::get));
    match fill.fee {
        FeeNews::Pending => out.u8(0),
        FeeNews::Paid { amount, currency } => {
            out.u8(1);
            out.i128(amount.0);
            out.u8(currency.0);
        }
    }
    fill.liquidity.write(out);
}

fn read_fill(from: &mut Reader<'_>) -> Read<Fill> {
    Ok(Fill {
        trade_id: read_text(from)?,
        side: Code::read(from)?,
        price: Price(from.i64()?),
        qty: read_qty(from)?,
        cum: if from.bool()? { Some(read_qty(from)?) } else { None },
        fee: if from.bool()? {
            FeeNews::Paid { amount: Money(from.i128()?), currency: CurrencyId(from.u8()?) }
        } else {
            FeeNews::Pending
        },
        liquidity: Code::read(from)?,
    })
}

fn write_answer(out: &mut Writer, answer: &Answer) {
    out.u64(answer.order.0);
    out.u16(answer.account.0);
    write_text(out, &answer.venue_order_id);
    out.i64(answer.exchange.0);
    out.i64(answer.receive.0);
    match answer.found {
        Found::Order { status, cum } => {
            out.u8(0);
            status.write(out);
            out.i64(cum.get());
        }
        Found::ProvenAbsent => out.u8(1),
        Found::Inconclusive => out.u8(2),
    }
}

fn read_answer(from: &mut Reader<'_>) -> Read<Answer> {
    let (order, account) = (ClientOrderId(from.u64()?), AccountId(from.u16()?));
    let venue_order_id = read_text(from)?;
    let (exchange, receive) = (Time(from.i64()?), Time(from.i64()?));
    let at = from.position();
    let found = match from.u8()? {
        0 => Found::Order { status: Code::read(from)?, cum: read_qty(from)? },
        1 => Found::ProvenAbsent,
        2 => Found::Inconclusive,
        found => return Err(WireError::Code { at, found }),
    };
    Ok(Answer { order, account, venue_order_id, exchange, receive, found })
}

fn write_scope(out: &mut Writer, scope: Scope) {
    let (code, id) = match scope {
        Scope::All => (0, 0),
        Scope::Venue(venue) => (1, venue.0),
        Scope::Account(account) => (2, account.0),
        Scope::Hedge(hedge) => (3, hedge.0),
    };
    out.u8(code);
    out.u16(id);
}

fn read_scope(from: &mut Reader<'_>) -> Read<Scope> {
    let at = from.position();
    Ok(match (from.u8()?, from.u16()?) {
        (0, 0) => Scope::All,
        (1, id) => Scope::Venue(VenueId(id)),
        (2, id) => Scope::Account(AccountId(id)),
        (3, id) => Scope::Hedge(HedgeId(id)),
        (found, _) => return Err(WireError::Code { at, found }),
    })
}

impl Verb {
    /// The stable code of the verb.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Verb::Stop(_) => 1,
            Verb::Resume(_) => 2,
            Verb::Kill(_) => 3,
            Verb::Unlatch(_) => 4,
            Verb::Flatten(_) => 5,
            Verb::Unrestrict(_) => 6,
            Verb::Enter { .. } => 7,
            Verb::Exit { .. } => 8,
            Verb::Adopt { .. } => 9,
            Verb::Override { .. } => 10,
            Verb::Policy(_) => 11,
        }
    }
}

fn write_verb(out: &mut Writer, verb: &Verb) {
    out.u8(verb.code());
    match verb {
        Verb::Stop(scope)
        | Verb::Resume(scope)
        | Verb::Kill(scope)
        | Verb::Unlatch(scope)
        | Verb::Flatten(scope)
        | Verb::Unrestrict(scope) => write_scope(out, *scope),
        Verb::Enter { hedge, sets, at_least } => {
            out.u16(hedge.0);
            out.i64(*sets);
            out.bool(at_least.is_some());
            if let Some(ratio) = at_least {
                write_ratio(out, *ratio);
            }
        }
        Verb::Exit { hedge, sets } => {
            out.u16(hedge.0);
            out.option_i64(sets.map(Qty::get));
        }
        Verb::Adopt { hedge, leg, lots } => {
            out.u16(hedge.0);
            out.u8(leg.0);
            out.i64(*lots);
        }
        Verb::Override { order, status, cum, reason } => {
            out.u64(order.0);
            status.write(out);
            out.i64(cum.get());
            write_text(out, reason);
        }
        Verb::Policy(policy) => write_policy(out, policy),
    }
}

fn read_verb(from: &mut Reader<'_>) -> Read<Verb> {
    let at = from.position();
    Ok(match from.u8()? {
        1 => Verb::Stop(read_scope(from)?),
        2 => Verb::Resume(read_scope(from)?),
        3 => Verb::Kill(read_scope(from)?),
        4 => Verb::Unlatch(read_scope(from)?),
        5 => Verb::Flatten(read_scope(from)?),
        6 => Verb::Unrestrict(read_scope(from)?),
        7 => Verb::Enter {
            hedge: HedgeId(from.u16()?),
            sets: from.i64()?,
            at_least: if from.bool()? { Some(read_ratio(from)?) } else { None },
        },
        8 => Verb::Exit {
            hedge: HedgeId(from.u16()?),
            sets: if from.bool()? { Some(read_qty(from)?) } else { None },
        },
        9 => Verb::Adopt { hedge: HedgeId(from.u16()?), leg: LegId(from.u8()?), lots: from.i64()? },
        10 => Verb::Override {
            order: ClientOrderId(from.u64()?),
            status: Code::read(from)?,
            cum: read_qty(from)?,
            reason: read_text(from)?,
        },
        11 => Verb::Policy(Box::new(read_policy(from)?)),
        found => return Err(WireError::Code { at, found }),
    })
}

fn write_policy(out: &mut Writer, policy: &Policy) {
    out.len(policy.instruments.len());
    for limits in policy.instruments.iter() {
        out.i128(limits.order_value.0);
        out.i64(limits.collar);
        out.i64(limits.age.0);
        out.i64(limits.skew.0);
        out.i64(limits.limit_distance);
    }
    out.len(policy.accounts.len());
    for limits in policy.accounts.iter() {
        write_ratio(out, limits.usage_cap);
        out.i128(limits.day_loss.0);
        out.u32(limits.message_rate);
        out.u32(limits.cancel_reserve);
    }
    out.len(policy.hedges.len());
    for limits in policy.hedges.iter() {
        write_size(out, &limits.size);
        write_execution(out, &limits.execution);
    }
    out.len(policy.sums.len());
    for sum in &policy.sums {
        out.u16(sum.product.0);
        out.u8(sum.currency.0);
        write_ratio(out, sum.limit);
    }
}

fn read_policy(from: &mut Reader<'_>) -> Read<Policy> {
    Ok(Policy {
        instruments: Table::new(read_rows(from, read_instrument_limits)?),
        accounts: Table::new(read_rows(from, read_account_limits)?),
        hedges: Table::new(read_rows(from, |from| {
            Ok(HedgeLimits { size: read_size(from)?, execution: read_execution(from)? })
        })?),
        sums: read_rows(from, |from| {
            Ok(SumResidual {
                product: ProductId(from.u16()?),
                currency: CurrencyId(from.u8()?),
                limit: read_ratio(from)?,
            })
        })?,
    })
}

/// A count and that many rows. The count is at most the bytes left, and memory grows only with
/// rows that were read, so no count can allocate.
fn read_rows<T>(from: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let count = from.len()?;
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push(read(from)?);
    }
    Ok(rows)
}

fn read_instrument_limits(from: &mut Reader<'_>) -> Read<InstrumentLimits> {
    Ok(InstrumentLimits {
        order_value: Money(from.i128()?),
        collar: from.i64()?,
        age: Span(from.i64()?),
        skew: Span(from.i64()?),
        limit_distance: from.i64()?,
    })
}

fn read_account_limits(from: &mut Reader<'_>) -> Read<AccountLimits> {
    Ok(AccountLimits {
        usage_cap: read_ratio(from)?,
        day_loss: Money(from.i128()?),
        message_rate: from.u32()?,
        cancel_reserve: from.u32()?,
    })
}

fn write_size(out: &mut Writer, size: &Size) {
    out.i64(size.clip);
    out.i64(size.max);
    out.i64(size.overnight);
    out.i64(size.holiday);
    out.i64(size.before_break.0);
}

fn read_size(from: &mut Reader<'_>) -> Read<Size> {
    Ok(Size {
        clip: from.i64()?,
        max: from.i64()?,
        overnight: from.i64()?,
        holiday: from.i64()?,
        before_break: Span(from.i64()?),
    })
}

fn write_execution(out: &mut Writer, execution: &Execution) {
    out.i128(execution.max_residual);
    out.i128(execution.live_residual);
    out.i64(execution.finish_within.0);
    out.i64(execution.order_timeout.0);
    execution.repair.write(out);
    out.i128(execution.max_loss.0);
    out.i128(execution.max_loss_per_day.0);
    out.u16(execution.tries);
    out.u32(execution.messages);
    out.u32(execution.trims_per_day);
}

fn read_execution(from: &mut Reader<'_>) -> Read<Execution> {
    Ok(Execution {
        max_residual: from.i128()?,
        live_residual: from.i128()?,
        finish_within: Span(from.i64()?),
        order_timeout: Span(from.i64()?),
        repair: Code::read(from)?,
        max_loss: Money(from.i128()?),
        max_loss_per_day: Money(from.i128()?),
        tries: from.u16()?,
        messages: from.u32()?,
        trims_per_day: from.u32()?,
    })
}

fn write_place(out: &mut Writer, place: &Place) {
    out.u64(place.order.0);
    out.i64(place.price.0);
    out.i64(place.qty.get());
    out.u16(place.account.0);
    out.u16(place.instrument.0);
    out.u16(place.hedge.0);
    place.side.write(out);
    Code::write(place.effect, out);
    place.tif.write(out);
    place.flag.write(out);
    Code::write(place.kind, out);
    Code::write(place.purpose, out);
}

fn read_place(from: &mut Reader<'_>) -> Read<Place> {
    Ok(Place {
        order: ClientOrderId(from.u64()?),
        price: Price(from.i64()?),
        qty: read_qty(from)?,
        account: AccountId(from.u16()?),
        instrument: InstrumentId(from.u16()?),
        hedge: HedgeId(from.u16()?),
        side: Code::read(from)?,
        effect: Code::read(from)?,
        tif: Code::read(from)?,
        flag: Code::read(from)?,
        kind: Code::read(from)?,
        purpose: Code::read(from)?,
    })
}

fn write_alert(out: &mut Writer, alert: &Alert) {
    alert.code.write(out);
    alert.urgency.write(out);
    out.bool(alert.refusal.is_some());
    if let Some(refusal) = alert.refusal {
        refusal.write(out);
    }
    out.u8(alert.detail);
    let (code, id) = match alert.subject {
        Subject::Engine => (0, 0),
        Subject::Venue(venue) => (1, u64::from(venue.0)),
        Subject::Account(account) => (2, u64::from(account.0)),
        Subject::Instrument(instrument) => (3, u64::from(instrument.0)),
        Subject::Hedge(hedge) => (4, u64::from(hedge.0)),
        Subject::Attempt(decision) => (5, decision.0),
        Subject::Order(order) => (6, order.0),
    };
    out.u8(code);
    out.u64(id);
    out.i128(alert.value);
    out.i128(alert.limit);
}

fn read_alert(from: &mut Reader<'_>) -> Read<Alert> {
    Ok(Alert {
        code: Code::read(from)?,
        urgency: Code::read(from)?,
        refusal: if from.bool()? { Some(Code::read(from)?) } else { None },
        detail: from.u8()?,
        subject: read_subject(from)?,
        value: from.i128()?,
        limit: from.i128()?,
    })
}

fn read_subject(from: &mut Reader<'_>) -> Read<Subject> {
    let at = from.position();
    let (code, id) = (from.u8()?, from.u64()?);
    let narrow = || u16::try_from(id).map_err(|_| WireError::Range { at });
    Ok(match code {
        0 if id == 0 => Subject::Engine,
        1 => Subject::Venue(VenueId(narrow()?)),
        2 => Subject::Account(AccountId(narrow()?)),
        3 => Subject::Instrument(InstrumentId(narrow()?)),
        4 => Subject::Hedge(HedgeId(narrow()?)),
        5 => Subject::Attempt(ClientOrderId(id)),
        6 => Subject::Order(ClientOrderId(id)),
        found => return Err(WireError::Code { at, found }),
    })
}

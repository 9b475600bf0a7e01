//! Events as bytes, and back.

use crate::book::Change;
use crate::clock::{Clock, ClockOf};
use crate::event::{Control, Estimate, Event, Link, LinkTo, Scope, Verb};
use crate::funds::{Cash, CashKind, TransferId};
use crate::gate::Policy;
use crate::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, LEGS_MAX, VenueId};
use crate::instrument::{MarginRate, PriceBand, Reference, ReferenceChange};
use crate::num::{Money, Price, Qty};
use crate::position::{Settle, Statement};
use crate::record::basics::{
    read_lease, read_note, read_qty, read_ratio, read_transfer, write_lease, write_note,
    write_ratio, write_transfer,
};
use crate::record::codes::Code;
use crate::record::orders::{read_answer, read_report, write_answer, write_report};
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
            if let Some(transfer) = cash.transfer {
                out.u64(transfer.0);
            }
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
            write_note(out, &control.actor);
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
        5 => Event::Cash(Box::new(read_cash(from)?)),
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
            let actor = read_note(from)?;
            Event::Control(Box::new(Control { actor, verb: read_verb(from)? }))
        }
        found => return Err(WireError::Code { at, found }),
    })
}

fn read_cash(from: &mut Reader<'_>) -> Read<Cash> {
    let (account, exchange) = (AccountId(from.u16()?), Time(from.i64()?));
    let kind: CashKind = Code::read(from)?;
    let amount = Money(from.i128()?);
    let transfer = kind.is_of_transfer().then(|| from.u64().map(TransferId)).transpose()?;
    Ok(Cash { account, exchange, kind, amount, transfer })
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
            // A record without amounts a lot keeps the form that it had before they were known.
            out.u8(if rate.is_by_lot() { 3 } else { 2 });
            write_margin(out, rate, rate.is_by_lot());
        }
        ReferenceChange::FlagMargin(flag, rate) => {
            out.u8(4);
            Code::write(*flag, out);
            write_margin(out, rate, true);
        }
    }
}

fn write_margin(out: &mut Writer, rate: &MarginRate, by_lot: bool) {
    write_ratio(out, rate.long);
    write_ratio(out, rate.short);
    out.i128(rate.floor_per_lot.0);
    if by_lot {
        out.i128(rate.long_per_lot.0);
        out.i128(rate.short_per_lot.0);
    }
}

fn read_margin(from: &mut Reader<'_>, by_lot: bool) -> Read<MarginRate> {
    let (long, short) = (read_ratio(from)?, read_ratio(from)?);
    let mut rate = MarginRate::of_value(long, short, Money(from.i128()?));
    if by_lot {
        rate.long_per_lot = Money(from.i128()?);
        rate.short_per_lot = Money(from.i128()?);
    }
    Ok(rate)
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
        found @ (2 | 3) => {
            let rate = read_margin(from, found == 3)?;
            // One value has one form.
            if rate.is_by_lot() != (found == 3) {
                return Err(WireError::Code { at, found });
            }
            ReferenceChange::Margin(rate)
        }
        4 => ReferenceChange::FlagMargin(Code::read(from)?, read_margin(from, true)?),
        found => return Err(WireError::Code { at, found }),
    };
    Ok(Reference { instrument, exchange, change })
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
            Verb::Freeze { .. } => 12,
            Verb::Forfeit { .. } => 14,
            Verb::Roll { .. } => 13,
            Verb::Transfer(_) => 15,
            Verb::Lease(_) => 16,
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
        Verb::Enter { hedge, sets, at_least, over } => {
            out.u16(hedge.0);
            out.i64(*sets);
            out.bool(at_least.is_some());
            if let Some(ratio) = at_least {
                write_ratio(out, *ratio);
            }
            out.i64(over.0);
        }
        Verb::Exit { hedge, sets, over } => {
            out.u16(hedge.0);
            out.option_i64(sets.map(Qty::get));
            out.i64(over.0);
        }
        Verb::Adopt { hedge, lots } => {
            out.u16(hedge.0);
            for lots in lots {
                out.i64(*lots);
            }
        }
        Verb::Override { order, status, cum, reason } => {
            out.u64(order.0);
            status.write(out);
            out.i64(cum.get());
            write_note(out, reason);
        }
        Verb::Policy(policy) => policy.write(out),
        Verb::Freeze { hedge, lasts, adverse } => {
            out.u16(hedge.0);
            out.i64(lasts.0);
            out.i64(*adverse);
        }
        Verb::Forfeit { hedge, reason } => {
            out.u16(hedge.0);
            write_note(out, reason);
        }
        Verb::Roll { hedge } => out.u16(hedge.0),
        Verb::Transfer(transfer) => write_transfer(out, transfer),
        Verb::Lease(lease) => write_lease(out, lease),
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
            over: Span(from.i64()?),
        },
        8 => Verb::Exit {
            hedge: HedgeId(from.u16()?),
            sets: if from.bool()? { Some(read_qty(from)?) } else { None },
            over: Span(from.i64()?),
        },
        9 => {
            let (hedge, mut lots) = (HedgeId(from.u16()?), [0; LEGS_MAX]);
            for lots in &mut lots {
                *lots = from.i64()?;
            }
            Verb::Adopt { hedge, lots }
        }
        10 => Verb::Override {
            order: ClientOrderId(from.u64()?),
            status: Code::read(from)?,
            cum: read_qty(from)?,
            reason: read_note(from)?,
        },
        11 => Verb::Policy(Box::new(Policy::read(from)?)),
        12 => Verb::Freeze {
            hedge: HedgeId(from.u16()?),
            lasts: Span(from.i64()?),
            adverse: from.i64()?,
        },
        14 => Verb::Forfeit { hedge: HedgeId(from.u16()?), reason: read_note(from)? },
        13 => Verb::Roll { hedge: HedgeId(from.u16()?) },
        15 => Verb::Transfer(read_transfer(from)?),
        16 => Verb::Lease(read_lease(from)?),
        found => return Err(WireError::Code { at, found }),
    })
}

//! Commands as bytes, and back.

use crate::command::{Alert, Command, Subject};
use crate::funds::TransferId;
use crate::ids::{
    AccountId, ClientOrderId, GroupId, HedgeId, InstrumentId, ProductId, StrategyId, VenueId,
};
use crate::num::Price;
use crate::order::{Amend, Cancel, Place, Query};
use crate::record::basics::{read_qty, read_transfer, write_transfer};
use crate::record::codes::Code;
use crate::wire::{Reader, WireError, Writer};

type Read<T> = Result<T, WireError>;

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
        Command::Transfer(transfer) => write_transfer(out, transfer),
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
        6 => Command::Transfer(read_transfer(from)?),
        7 => Command::Alert(read_alert(from)?),
        found => return Err(WireError::Code { at, found }),
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
        Subject::Transfer(transfer) => (7, transfer.0),
        Subject::Product(product) => (8, u64::from(product.0)),
        Subject::Group(group) => (9, u64::from(group.0)),
        Subject::Strategy(strategy) => (10, u64::from(strategy.0)),
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
        7 => Subject::Transfer(TransferId(id)),
        8 => Subject::Product(ProductId(narrow()?)),
        9 => Subject::Group(GroupId(narrow()?)),
        10 => Subject::Strategy(StrategyId(narrow()?)),
        found => return Err(WireError::Code { at, found }),
    })
}

//! What venues say of orders as bytes, and back.

use crate::ids::{AccountId, ClientOrderId, CurrencyId, InstrumentId};
use crate::num::{Money, Price, Qty};
use crate::order::{Answer, FeeNews, Fill, Found, News, Report};
use crate::record::basics::{read_qty, read_text, write_text};
use crate::record::codes::Code;
use crate::time::Time;
use crate::wire::{Reader, WireError, Writer};

type Read<T> = Result<T, WireError>;

pub(super) fn write_report(out: &mut Writer, report: &Report) {
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

pub(super) fn read_report(from: &mut Reader<'_>) -> Read<Report> {
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

pub(super) fn write_answer(out: &mut Writer, answer: &Answer) {
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

pub(super) fn read_answer(from: &mut Reader<'_>) -> Read<Answer> {
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

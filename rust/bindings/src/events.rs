//! Python events to events of the core.

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::Clock;
use cross_market_core::event::{Control, Estimate, Event, Link, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, Lease, Transfer, TransferId};
use cross_market_core::ids::{ClientOrderId, InstrumentId, LEGS_MAX};
use cross_market_core::instrument::{MarginRate, PriceBand, Reference, ReferenceChange};
use cross_market_core::order::{Answer, FeeNews, Fill, Found, News, Report, VenueStatus};
use cross_market_core::position::{Settle, Statement};
use cross_market_core::quote::LegLots;
use cross_market_core::time::Day;
use pyo3::prelude::*;

use crate::engine::stated;
use crate::error::{door, wrong_type};
use crate::fields::Fields;
use crate::names::Directory;
use crate::words::{BOOK_SIDES, clock_of};

const MODULE: &str = "cross_market.events";

/// The event that a Python object of `cross_market.events` states.
pub(crate) fn event(object: &Bound<'_, PyAny>, names: &Directory) -> PyResult<Event> {
    let fields = checked(object, "event", "an event of cross_market.events")?;
    match fields.class() {
        "book" => Ok(Event::Book(book(&fields, names)?)),
        "link" => Ok(Event::Link(link(&fields, names)?)),
        "report" => Ok(Event::Report(Box::new(report(&fields, names)?))),
        "answer" => Ok(Event::Answer(Box::new(answer(&fields, names)?))),
        "cash" => Ok(Event::Cash(Box::new(cash(&fields, names)?))),
        "position" => Ok(Event::Position(Box::new(position(&fields, names)?))),
        "settle" => Ok(Event::Settle(Box::new(settle(&fields, names)?))),
        "reference" => Ok(Event::Reference(Box::new(reference(&fields, names)?))),
        "estimate" => Ok(Event::Estimate(estimate(&fields, names)?)),
        "clock" => Ok(Event::Clock(clock(&fields, names)?)),
        "tick" => Ok(Event::Tick),
        "control" => Ok(Event::Control(Box::new(control(&fields, names)?))),
        _ => Err(wrong_type(object.py(), "event", object, "an event of cross_market.events")),
    }
}

/// The attributes of an object after proving that its class is one of ours.
fn checked<'a, 'py>(
    object: &'a Bound<'py, PyAny>,
    field: &str,
    expected: &str,
) -> PyResult<Fields<'a, 'py>> {
    let module = object.get_type().getattr("__module__")?;
    if module.extract::<&str>().is_ok_and(|module| module == MODULE) {
        return Fields::new(object);
    }
    Err(wrong_type(object.py(), field, object, expected))
}

fn book(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Change> {
    let rows = [("snapshot", Row::Snapshot), ("level", Row::Level), ("delta", Row::Delta)];
    let row = fields.word_of("row", &rows)?;
    Ok(Change {
        price: fields.price("price")?,
        qty: fields.qty("qty")?,
        seq: fields.unsigned("seq")?,
        exchange: fields.time("exchange")?,
        receive: fields.time("receive")?,
        step: fields.int("step", "a whole number of 32 bits, 0 or more, as int")?,
        instrument: fields.named("instrument", &names.instruments)?,
        side: fields.word_of("side", BOOK_SIDES)?,
        row: if fields.flag("last")? { row.ending() } else { row },
    })
}

fn link(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Link> {
    let account = fields.optional_named("account", &names.accounts)?;
    let instrument = fields.optional_named("instrument", &names.instruments)?;
    let to = match (account, instrument) {
        (Some(account), None) => LinkTo::Trading(account),
        (None, Some(instrument)) => LinkTo::Feed(instrument),
        (None, None) | (Some(_), Some(_)) => {
            return Err(fields.refuse("account", "either an account or an instrument"));
        }
    };
    Ok(Link { to, state: fields.word("state")? })
}

fn report(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Report> {
    let order = if fields.is_none("order")? { None } else { Some(fields.unsigned("order")?) };
    Ok(Report {
        order: order.map(ClientOrderId),
        venue_order_id: fields.optional_id_text("venue_order_id")?,
        account: fields.named("account", &names.accounts)?,
        instrument: fields.named("instrument", &names.instruments)?,
        exchange: fields.time("exchange")?,
        receive: fields.time("receive")?,
        news: news(&fields.get("news")?, names)?,
    })
}

fn news(object: &Bound<'_, PyAny>, names: &Directory) -> PyResult<News> {
    let fields = checked(object, "report.news", "news of an order")?;
    let code = "the venue's code, a whole number of 32 bits, as int";
    match fields.class() {
        "accepted" => Ok(News::Accepted),
        "rejected" => {
            Ok(News::Rejected { class: fields.word("reason")?, code: fields.int("code", code)? })
        }
        "fill" => Ok(News::Fill(fill(&fields, names)?)),
        "cancelled" => Ok(News::Cancelled { cum: fields.qty("cum")? }),
        "expired" => Ok(News::Expired { cum: fields.qty("cum")? }),
        "cancelrejected" => Ok(News::CancelRejected {
            class: fields.word("reason")?,
            code: fields.int("code", code)?,
        }),
        "status" => Ok(News::Status { status: fields.word("status")?, cum: fields.qty("cum")? }),
        "bust" => {
            Ok(News::Bust { trade_id: fields.id_text("trade_id")?, side: fields.word("side")? })
        }
        "correct" => Ok(News::Correct {
            trade_id: fields.id_text("trade_id")?,
            side: fields.word("side")?,
            price: fields.price("price")?,
            qty: fields.qty("qty")?,
        }),
        "feeof" => Ok(News::Fee {
            trade_id: fields.id_text("trade_id")?,
            side: fields.word("side")?,
            amount: fields.money("amount")?,
            currency: fields.named("currency", &names.currencies)?,
        }),
        _ => Err(wrong_type(object.py(), "report.news", object, "news of an order")),
    }
}

fn fill(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Fill> {
    let fee = if fields.is_none("fee")? {
        FeeNews::Pending
    } else {
        FeeNews::Paid {
            amount: fields.money("fee")?,
            currency: fields.named("fee_currency", &names.currencies)?,
        }
    };
    Ok(Fill {
        trade_id: fields.id_text("trade_id")?,
        side: fields.word("side")?,
        price: fields.price("price")?,
        qty: fields.qty("qty")?,
        cum: fields.optional_qty("cum")?,
        fee,
        liquidity: fields.word("liquidity")?,
    })
}

fn answer(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Answer> {
    let object = fields.get("found")?;
    let expected = "Status, ProvenAbsent or Inconclusive";
    let inner = checked(&object, "answer.found", expected)?;
    let found = match inner.class() {
        "status" => Found::Order { status: inner.word("status")?, cum: inner.qty("cum")? },
        "provenabsent" => Found::ProvenAbsent,
        "inconclusive" => Found::Inconclusive,
        _ => return Err(wrong_type(object.py(), "answer.found", &object, expected)),
    };
    Ok(Answer {
        order: ClientOrderId(fields.unsigned("order")?),
        account: fields.named("account", &names.accounts)?,
        venue_order_id: fields.optional_id_text("venue_order_id")?,
        exchange: fields.time("exchange")?,
        receive: fields.time("receive")?,
        found,
    })
}

fn cash(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Cash> {
    Ok(Cash {
        account: fields.named("account", &names.accounts)?,
        exchange: fields.time("exchange")?,
        kind: fields.word("kind")?,
        amount: fields.money("amount")?,
        transfer: if fields.is_none("transfer")? {
            None
        } else {
            Some(TransferId(fields.unsigned("transfer")?))
        },
    })
}

fn position(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Statement> {
    Ok(Statement {
        account: fields.named("account", &names.accounts)?,
        instrument: fields.named("instrument", &names.instruments)?,
        exchange: fields.time("exchange")?,
        kind: fields.word("kind")?,
        long: fields.qty("long")?,
        short: fields.qty("short")?,
        price: fields.price("price")?,
    })
}

fn settle(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Settle> {
    Ok(Settle {
        instrument: fields.named("instrument", &names.instruments)?,
        price: fields.price("price")?,
        day: Day(fields.int("day", "days since 1970, as int")?),
        exchange: fields.time("exchange")?,
    })
}

fn reference(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Reference> {
    let object = fields.get("change")?;
    let expected = "Phase, PriceBand or MarginRate";
    let inner = checked(&object, "reference.change", expected)?;
    let change = match inner.class() {
        "phase" => {
            ReferenceChange::Phase { phase: inner.word("phase")?, until: inner.time("until")? }
        }
        "priceband" => {
            ReferenceChange::PriceBand(match (inner.is_none("low")?, inner.is_none("high")?) {
                (true, true) => None,
                (false, false) => {
                    Some(PriceBand { low: inner.price("low")?, high: inner.price("high")? })
                }
                (true, false) | (false, true) => {
                    return Err(inner.refuse("high", "both ends of the band, or None for both"));
                }
            })
        }
        "marginrate" => {
            let rate = MarginRate {
                long: inner.ratio("long")?,
                short: inner.ratio("short")?,
                long_per_lot: inner.money("long_per_lot")?,
                short_per_lot: inner.money("short_per_lot")?,
                floor_per_lot: inner.money("floor_per_lot")?,
            };
            if inner.is_none("flag")? {
                ReferenceChange::Margin(rate)
            } else {
                ReferenceChange::FlagMargin(inner.word("flag")?, rate)
            }
        }
        _ => return Err(wrong_type(object.py(), "reference.change", &object, expected)),
    };
    Ok(Reference {
        instrument: fields.named("instrument", &names.instruments)?,
        exchange: fields.time("exchange")?,
        change,
    })
}

fn estimate(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Estimate> {
    Ok(Estimate {
        hedge: fields.named("hedge", &names.hedges)?,
        value: fields.nano("value")?,
        expires: fields.time("expires")?,
    })
}

fn clock(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Clock> {
    Ok(Clock {
        of: clock_of(fields.optional_named("venue", &names.venues)?),
        offset: fields.span("offset_ns")?,
        uncertainty: fields.span("uncertainty_ns")?,
    })
}

fn control(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Control> {
    let verb = verb(&fields.get("verb")?, names)?;
    Ok(Control { actor: fields.note("actor")?, verb })
}

/// The verb that a Python object of `cross_market.events` states.
pub(crate) fn verb(object: &Bound<'_, PyAny>, names: &Directory) -> PyResult<Verb> {
    let fields = &checked(object, "verb", "a verb of cross_market.events")?;
    match fields.class() {
        "stop" => Ok(Verb::Stop(scope(fields, names)?)),
        "resume" => Ok(Verb::Resume(scope(fields, names)?)),
        "kill" => Ok(Verb::Kill(scope(fields, names)?)),
        "unlatch" => Ok(Verb::Unlatch(scope(fields, names)?)),
        "flatten" => Ok(Verb::Flatten(scope(fields, names)?)),
        "unrestrict" => Ok(Verb::Unrestrict(scope(fields, names)?)),
        "enter" => Ok(Verb::Enter {
            hedge: fields.named("hedge", &names.hedges)?,
            sets: fields.int("sets", "signed sets, as int")?,
            at_least: if fields.is_none("at_least")? {
                None
            } else {
                Some(fields.ratio("at_least")?)
            },
            over: fields.span("over_ns")?,
        }),
        "freeze" => Ok(Verb::Freeze {
            hedge: fields.named("hedge", &names.hedges)?,
            lasts: fields.span("lasts_ns")?,
            adverse: fields.int("adverse", "ticks, as int")?,
        }),
        "forfeit" => Ok(Verb::Forfeit {
            hedge: fields.named("hedge", &names.hedges)?,
            reason: fields.note("reason")?,
        }),
        "transfer" => Ok(Verb::Transfer(Transfer {
            id: TransferId(fields.unsigned("id")?),
            from: fields.named("source", &names.accounts)?,
            to: fields.named("target", &names.accounts)?,
            amount: fields.money("amount")?,
        })),
        "lease" => Ok(Verb::Lease(Lease {
            account: fields.named("account", &names.accounts)?,
            amount: fields.money("amount")?,
            posted: fields.money("posted")?,
            epoch: fields.unsigned("epoch")?,
            until: fields.time("until")?,
        })),
        "roll" => Ok(Verb::Roll { hedge: fields.named("hedge", &names.hedges)? }),
        "exit" => Ok(Verb::Exit {
            hedge: fields.named("hedge", &names.hedges)?,
            sets: fields.optional_qty("sets")?,
            over: fields.span("over_ns")?,
        }),
        "adopt" => {
            let hedge = fields.named("hedge", &names.hedges)?;
            let legs = names.legs.get(hedge).map_or(&[][..], Vec::as_slice);
            Ok(Verb::Adopt { hedge, lots: leg_lots(fields, legs, names)? })
        }
        "override" => {
            let status = fields.word("status")?;
            if status == VenueStatus::Working {
                let expected = "one of filled, cancelled, rejected, expired";
                return Err(fields.refuse("status", expected));
            }
            Ok(Verb::Override {
                order: ClientOrderId(fields.unsigned("order")?),
                status,
                cum: fields.qty("cum")?,
                reason: fields.note("reason")?,
            })
        }
        "policy" => {
            let config = fields.get("config")?;
            let policy = names.config.policy_of(&stated(&config)?);
            policy
                .map(|policy| Verb::Policy(Box::new(policy)))
                .map_err(|error| door(config.py(), "Policy", &error))
        }
        _ => Err(wrong_type(object.py(), "verb", object, "a verb of cross_market.events")),
    }
}

/// Signed lots by leg, from a mapping of what the legs trade.
fn leg_lots(
    fields: &Fields<'_, '_>,
    legs: &[InstrumentId],
    names: &Directory,
) -> PyResult<LegLots> {
    let traded: Vec<&str> = legs.iter().map(|leg| names.instruments.name(*leg)).collect();
    let expected =
        format!("a dict of signed lots as int, by what a leg trades: {}", traded.join(", "));
    let mut lots = [0; LEGS_MAX];
    for (name, value) in fields.entries("lots", &expected)? {
        // Of two legs that trade one contract none is named by it.
        let mut places = traded.iter().enumerate().filter(|(_, known)| **known == name);
        let (Some((place, _)), None) = (places.next(), places.next()) else {
            return Err(fields.refuse("lots", &expected));
        };
        if let Some(lots) = lots.get_mut(place) {
            *lots = value;
        }
    }
    Ok(lots)
}

fn scope(fields: &Fields<'_, '_>, names: &Directory) -> PyResult<Scope> {
    let object = fields.get("scope")?;
    let inner = checked(&object, "scope", "a Scope")?;
    let venue = inner.optional_named("venue", &names.venues)?;
    let account = inner.optional_named("account", &names.accounts)?;
    let hedge = inner.optional_named("hedge", &names.hedges)?;
    match (venue, account, hedge) {
        (None, None, None) => Ok(Scope::All),
        (Some(venue), None, None) => Ok(Scope::Venue(venue)),
        (None, Some(account), None) => Ok(Scope::Account(account)),
        (None, None, Some(hedge)) => Ok(Scope::Hedge(hedge)),
        _ => Err(inner.refuse("venue", "at most one of venue, account and hedge")),
    }
}

//! Runs one story: turns its lines into events, hands them to an engine, compares what follows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::error::Error;
use cross_market_core::event::{Control, Estimate, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind, Lease, Transfer, TransferId};
use cross_market_core::gate::Policy;
use cross_market_core::ids::{AccountId, ClientOrderId, Id as _, InstrumentId, LEGS_MAX, Text};
use cross_market_core::instrument::{HedgeFlag, MarginRate, PriceBand, Reference, ReferenceChange};
use cross_market_core::num::{Decimal, Money, Price, Qty, Side, div_ceil};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, RejectClass, Report, VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::time::{Span, Time};
use serde_json::Value;

use super::names::{Names, day, decimal, lots, moment, note, ratio, text};
use super::story::{START, Step, Story, Words, set, span};
use super::told::{agrees, mismatch, shown, tell};

/// What a line does.
enum Act {
    /// Events, handed over one after the other at the same time.
    Events(Vec<Event>),
    Restart(u16),
}

/// Runs a story to its end and gives the digest of the state there.
pub(crate) fn run(story: &Story, print: bool) -> Result<String, String> {
    let document = story.config.to_string();
    let config = Config::from_json(document.as_bytes()).map_err(|error| format!("{error:?}"))?;
    let mut engine = Engine::new(&config, Time(START)).map_err(|error| format!("{error:?}"))?;
    let mut limits = story.config["limits"].clone();
    let mut run = config.run;
    let mut sides = Sides::new();
    for step in &story.steps {
        let now = Time(START + step.at);
        let names = Names { config: &config, run };
        let act = act(&names, &sides, &mut limits, now, step)
            .map_err(|why| format!("line {}: {why}", step.event.line))?;
        let mut out = Vec::new();
        let before = engine.digest();
        let problem = match act {
            Act::Restart(next) => {
                run = next;
                engine.restart(now, next, &mut out).err()
            }
            Act::Events(events) => {
                events.iter().find_map(|event| engine.handle(now, event, &mut out).err())
            }
        };
        if problem.is_some() && engine.digest() != before {
            return Err(format!("line {}: what was refused changed the state", step.event.line));
        }
        sides.extend(out.iter().filter_map(|command| match command {
            Command::Place(place) => Some((place.order, place.side)),
            Command::Amend(_)
            | Command::Cancel(_)
            | Command::Query(_)
            | Command::Resync(_)
            | Command::Transfer(_)
            | Command::Alert(_) => None,
        }));
        let names = Names { config: &config, run };
        check(&names, &engine, step, &out, problem.as_ref(), print)?;
        if print {
            state(&names, &engine);
        }
    }
    let mut hex = String::new();
    for byte in engine.digest() {
        write!(hex, "{byte:02x}").unwrap();
    }
    Ok(hex)
}

/// Sides of the orders that were placed: a report of one need not say its side.
type Sides = BTreeMap<ClientOrderId, Side>;

/// Prints where everything stands.
fn state(names: &Names<'_>, engine: &Engine) {
    for (hedge, of) in names.config.hedges.pairs() {
        let attempt = engine.attempt(hedge).map(|attempt| (attempt.state, attempt.blocked));
        println!(
            "      {}: sets {} residual {} of {} attempt {attempt:?}",
            of.plan.name,
            engine.sets(hedge),
            engine.residual(hedge),
            of.plan.unit_den
        );
    }
    for (id, account) in names.config.accounts.pairs() {
        let lots: Vec<String> = names
            .config
            .instruments
            .pairs()
            .filter(|(_, of)| of.venue == account.venue)
            .map(|(of, row)| {
                let (lots, free) = (engine.position(id, of), engine.unassigned(id, of));
                format!("{}={lots} ({free} unassigned)", row.name)
            })
            .collect();
        let (held, cash) = (engine.held(id), engine.cash(id));
        println!("      {}: held {held} cash {cash} {}", account.name, lots.join(" "));
    }
    let due = engine.deadline().map(|due| due.0 - START);
    println!("      live {} due {due:?}", engine.live_orders());
}

/// Heads of expectations about the state; all others are commands in their order.
const STATES: [&str; 19] = [
    "leased",
    "available",
    "balance",
    "equity",
    "margin",
    "paper",
    "risk",
    "position",
    "unassigned",
    "held",
    "transit",
    "withdrawable",
    "cash",
    "sets",
    "residual",
    "live",
    "attempt",
    "restricted",
    "free",
];

fn check(
    names: &Names<'_>,
    engine: &Engine,
    step: &Step,
    out: &[Command],
    problem: Option<&Error>,
    print: bool,
) -> Result<(), String> {
    let told: Vec<_> = out.iter().map(|command| tell(names, command)).collect();
    let mut happened = String::new();
    for line in &told {
        writeln!(happened, "    expect {}", shown(line)).unwrap();
    }
    if let Some(error) = problem {
        writeln!(happened, "    expect error={}", error_name(error)).unwrap();
    }
    if print {
        println!("line {}\n{happened}", step.event.line);
        return Ok(());
    }
    let fail =
        |why: String| Err(format!("line {}: {why}; what happened:\n{happened}", step.event.line));
    let head = |words: &Words| words.bare.first().cloned().unwrap_or_default();
    let (states, commands): (Vec<&Words>, Vec<&Words>) =
        step.expected.iter().partition(|words| STATES.contains(&head(words).as_str()));
    let (errors, commands): (Vec<&Words>, Vec<&Words>) =
        commands.into_iter().partition(|words| words.get("error").is_some());
    match (errors.first(), problem) {
        (None, None) => {}
        (None, Some(error)) => return fail(format!("refused at the door: {error:?}")),
        (Some(_), None) => return fail("expected to be refused at the door".to_owned()),
        (Some(words), Some(error)) => {
            if words.need("error")? != error_name(error) {
                return fail(format!("refused at the door otherwise: {error:?}"));
            }
        }
    }
    let any = commands.iter().any(|words| head(words) == "any");
    if !any {
        if commands.len() != told.len() {
            let (wanted, found) = (commands.len(), told.len());
            return fail(format!("{wanted} commands are expected, {found} came"));
        }
        for (expected, told) in commands.iter().zip(&told) {
            if let Some(why) = mismatch(expected, told) {
                return fail(why);
            }
        }
    }
    for words in states {
        if let Err(why) = check_state(names, engine, words) {
            return fail(format!("line {}: {why}", words.line));
        }
    }
    Ok(())
}

/// The field or kind of an error, as the Python API names it.
fn error_name(error: &Error) -> String {
    match error {
        Error::Unknown { field, .. }
        | Error::OutOfBounds { field, .. }
        | Error::Contradiction { field }
        | Error::Number { field, .. }
        | Error::TimeOutOfRange { field, .. } => field.name().to_owned(),
        Error::UnknownOrder { .. } => "order".to_owned(),
        Error::Amount { .. } => "amount".to_owned(),
        Error::LotsShort { leg, .. } => format!("lots[{}]", leg.0),
        Error::TimeWentBack { .. } => "now".to_owned(),
        Error::Poisoned => "poisoned".to_owned(),
        Error::Config(error) => error.field.clone(),
    }
}

fn check_state(names: &Names<'_>, engine: &Engine, words: &Words) -> Result<(), String> {
    let head = words.word(0)?;
    for (name, is, wanted) in &words.pairs {
        let found = match head {
            "position" | "unassigned" => {
                let account = names.account(words.word(1)?)?;
                let instrument = names.instrument(name)?;
                let lots = if head == "position" {
                    engine.position(account, instrument)
                } else {
                    engine.unassigned(account, instrument)
                };
                lots.to_string()
            }
            "risk" => {
                let view = engine.money(names.account(name)?);
                let share = div_ceil(view.margin.0 * 10_000, view.equity.0.max(1));
                Decimal::new(share, 4).normalized().to_string()
            }
            "held" | "cash" | "transit" | "withdrawable" | "available" | "balance" | "equity"
            | "margin" | "paper" | "leased" => {
                let account = names.account(name)?;
                let view = engine.money(account);
                let amount = match head {
                    "available" => view.available,
                    "balance" => view.cash,
                    "equity" => view.equity,
                    "margin" => view.margin,
                    "paper" => view.worth.paper,
                    "held" => engine.held(account),
                    "transit" => engine.funds().in_transit(account),
                    "withdrawable" => view.withdrawable,
                    "leased" => view.lease_room.ok_or("the account draws on no pool")?,
                    _ => engine.cash(account),
                };
                names.money_text(amount, names.config.accounts[account].currency)
            }
            "sets" => engine.sets(names.hedge(name)?).to_string(),
            "residual" => {
                let hedge = names.hedge(name)?;
                let den = i128::from(names.config.hedges[hedge].plan.unit_den);
                // Common units have a name of their own in the story; decimals suffice here.
                let scaled = engine.residual(hedge) * 1_000_000_000;
                let exact = Decimal::new(scaled / den, 9).normalized();
                let unit = wanted.trim_start_matches(|of: char| !of.is_alphabetic());
                format!("{exact}{unit}")
            }
            "live" => engine.live_orders().to_string(),
            "attempt" => {
                let attempt = engine.attempt(names.hedge(name)?);
                let state = attempt.map(|attempt| format!("{:?}", attempt.state).to_lowercase());
                state.unwrap_or("none".to_owned())
            }
            "restricted" | "free" => {
                let scope = match name.as_str() {
                    "hedge" => Scope::Hedge(names.hedge(wanted)?),
                    "account" => Scope::Account(names.account(wanted)?),
                    other => return Err(format!("{other}: hedge or account")),
                };
                let is = !engine.latches().restrictions(scope).is_none();
                if is == (head == "restricted") { wanted.clone() } else { "otherwise".to_owned() }
            }
            other => return Err(format!("{other}: no such state")),
        };
        if !agrees(*is, wanted, &found) {
            return Err(format!("{head} {name} is {found}, not {wanted}"));
        }
    }
    Ok(())
}

fn act(
    names: &Names<'_>,
    sides: &Sides,
    limits: &mut Value,
    now: Time,
    step: &Step,
) -> Result<Act, String> {
    let words = &step.event;
    let event = match words.word(0)? {
        "book" => return book(names, now, words).map(Act::Events),
        "restart" => {
            words.only(&["run"])?;
            let run = words.need("run")?.parse().map_err(|_| "run= is a number")?;
            return Ok(Act::Restart(run));
        }
        "report" => Event::Report(Box::new(report(names, sides, now, words)?)),
        "answer" => Event::Answer(Box::new(answer(names, now, words)?)),
        "cash" => Event::Cash(Box::new(cash(names, now, words)?)),
        "statement" => Event::Position(Box::new(statement(names, now, words)?)),
        "settle" => {
            let instrument = names.instrument(words.word(1)?)?;
            words.only(&["price", "day"])?;
            Event::Settle(Box::new(Settle {
                instrument,
                price: names.price(instrument, words.need("price")?)?,
                day: day(words.need("day")?)?,
                exchange: now,
            }))
        }
        "phase" | "band" | "margin" => {
            let instrument = names.instrument(words.word(1)?)?;
            let change = change(names, instrument, words)?;
            Event::Reference(Box::new(Reference { instrument, exchange: now, change }))
        }
        "estimate" => Event::Estimate(Estimate {
            hedge: names.hedge(words.word(1)?)?,
            value: i64::try_from(decimal(words.need("value")?)?.money().unwrap().0).unwrap(),
            expires: moment(words.need("expires")?)?,
        }),
        "clock" => Event::Clock(Clock {
            of: match words.word(1)? {
                "wall" => ClockOf::Wall,
                venue => ClockOf::Venue(names.venue(venue)?),
            },
            offset: Span(span(words.need("offset")?)?),
            uncertainty: Span(span(words.need("uncertainty")?)?),
        }),
        "link" => Event::Link(link(names, words)?),
        "tick" => Event::Tick,
        "control" => {
            let verb = verb(names, limits, words)?;
            Event::Control(Box::new(Control { actor: note("desk")?, verb }))
        }
        other => return Err(format!("{other}: no such statement")),
    };
    Ok(Act::Events(vec![event]))
}

/// Levels as `600.00x50,599.98x100`.
fn levels(
    names: &Names<'_>,
    instrument: InstrumentId,
    written: Option<&str>,
) -> Result<Vec<(Price, Qty)>, String> {
    let levels = written.unwrap_or_default().split(',').filter(|level| !level.is_empty());
    levels
        .map(|level| {
            let (price, qty) = level.split_once('x').ok_or(format!("{level}: PRICExLOTS"))?;
            Ok((names.price(instrument, price)?, lots(qty)?))
        })
        .collect()
}

fn book(names: &Names<'_>, now: Time, words: &Words) -> Result<Vec<Event>, String> {
    words.only(&["bid", "ask", "seq", "step"])?;
    let instrument = names.instrument(words.word(1)?)?;
    let is_delta = match words.bare.get(2).map(String::as_str) {
        None | Some("empty") => false,
        Some("delta") => true,
        Some(other) => return Err(format!("{other}: delta, empty or nothing")),
    };
    let number = |key: &str| match words.get(key) {
        Some(text) => text.parse().map_err(|_| format!("{key}={text}: not a number")),
        None => Ok(0_u32),
    };
    let (seq, step) = (number("seq")?, number("step")?);
    let mut rows = Vec::new();
    for (side, key) in [(Side::Buy, "bid"), (Side::Sell, "ask")] {
        for (price, qty) in levels(names, instrument, words.get(key))? {
            rows.push((side, price, qty));
        }
    }
    if rows.is_empty() {
        // One row of no size says that the book is empty.
        rows.push((Side::Buy, Price(0), Qty::ZERO));
    }
    let last = rows.len() - 1;
    let change = |(at, (side, price, qty))| {
        let row = match (is_delta, at) {
            (true, _) => Row::Delta,
            (false, 0) => Row::Snapshot,
            (false, _) => Row::Level,
        };
        Event::Book(Change {
            price,
            qty,
            seq: u64::from(seq),
            exchange: now,
            receive: now,
            step,
            instrument,
            side,
            row: if at == last { row.ending() } else { row },
        })
    };
    Ok(rows.into_iter().enumerate().map(change).collect())
}

fn side(text: &str) -> Result<Side, String> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(format!("{other}: buy or sell")),
    }
}

fn status(text: &str) -> Result<VenueStatus, String> {
    Ok(match text {
        "working" => VenueStatus::Working,
        "filled" => VenueStatus::Filled,
        "cancelled" => VenueStatus::Cancelled,
        "rejected" => VenueStatus::Rejected,
        "expired" => VenueStatus::Expired,
        other => return Err(format!("{other}: no such status")),
    })
}

fn class(text: &str) -> Result<RejectClass, String> {
    Ok(match text {
        "other" => RejectClass::Other,
        "money" => RejectClass::Money,
        "lots" => RejectClass::Lots,
        "price" => RejectClass::Price,
        "size" => RejectClass::Size,
        "phase" => RejectClass::Phase,
        "rate" => RejectClass::Rate,
        "link" => RejectClass::Link,
        "permission" => RejectClass::Permission,
        "duplicate" => RejectClass::Duplicate,
        "self_trade" => RejectClass::SelfTrade,
        "unknown_order" => RejectClass::UnknownOrder,
        "too_late" => RejectClass::TooLate,
        "halted" => RejectClass::Halted,
        "limit" => RejectClass::Limit,
        "close_only" => RejectClass::CloseOnly,
        "field" => RejectClass::Field,
        "again" => RejectClass::Again,
        other => return Err(format!("{other}: no such class")),
    })
}

/// Whose order, in which account and instrument; both can be named instead of an order of ours.
fn whose(
    names: &Names<'_>,
    words: &Words,
) -> Result<(Option<ClientOrderId>, AccountId, InstrumentId, Option<Side>), String> {
    let order = words.get("order").map(|name| names.order(name)).transpose()?;
    let leg = order.map(|id| {
        let leg = &names.config.hedges[id.hedge()].widest().legs[usize::from(id.leg().0)];
        (leg.account, leg.instrument)
    });
    let account = match (words.get("account"), leg) {
        (Some(name), _) => names.account(name)?,
        (None, Some((account, _))) => account,
        (None, None) => return Err("order= or account=".to_owned()),
    };
    let instrument = match (words.get("instrument"), leg) {
        (Some(name), _) => names.instrument(name)?,
        (None, Some((_, instrument))) => instrument,
        (None, None) => return Err("order= or instrument=".to_owned()),
    };
    let side = words.get("side").map(side).transpose()?;
    Ok((order, account, instrument, side))
}

fn report(names: &Names<'_>, sides: &Sides, now: Time, words: &Words) -> Result<Report, String> {
    words.only(&[
        "order",
        "account",
        "instrument",
        "side",
        "venue_id",
        "class",
        "qty",
        "price",
        "id",
        "cum",
        "fee",
        "status",
    ])?;
    let (order, account, instrument, side) = whose(names, words)?;
    let placed = order.and_then(|id| sides.get(&id).copied());
    let need_side = || side.or(placed).ok_or("side= is missing".to_owned());
    let cum = || lots(words.need("cum")?);
    let trade_id = || text(words.need("id")?);
    let class = || class(words.need("class")?);
    let news = match words.word(1)? {
        "accepted" => News::Accepted,
        "rejected" => News::Rejected { class: class()?, code: 0 },
        "cancel_rejected" => News::CancelRejected { class: class()?, code: 0 },
        "fill" => News::Fill(Fill {
            trade_id: trade_id()?,
            side: need_side()?,
            price: names.price(instrument, words.need("price")?)?,
            qty: lots(words.need("qty")?)?,
            cum: words.get("cum").map(lots).transpose()?,
            fee: match words.get("fee") {
                None => FeeNews::Pending,
                Some(fee) => {
                    let (amount, currency) = names.money(fee)?;
                    FeeNews::Paid { amount, currency }
                }
            },
            liquidity: LiquiditySide::Taker,
        }),
        "cancelled" => News::Cancelled { cum: cum()? },
        "expired" => News::Expired { cum: cum()? },
        "status" => News::Status { status: status(words.need("status")?)?, cum: cum()? },
        "bust" => News::Bust { trade_id: trade_id()?, side: need_side()? },
        "correct" => News::Correct {
            trade_id: trade_id()?,
            side: need_side()?,
            price: names.price(instrument, words.need("price")?)?,
            qty: lots(words.need("qty")?)?,
        },
        "fee" => {
            let (amount, currency) = names.money(words.need("fee")?)?;
            News::Fee { trade_id: trade_id()?, side: need_side()?, amount, currency }
        }
        other => return Err(format!("{other}: no such news")),
    };
    let venue_order_id = words.get("venue_id").map_or(Ok(Text::EMPTY), text)?;
    Ok(Report { order, venue_order_id, account, instrument, exchange: now, receive: now, news })
}

fn answer(names: &Names<'_>, now: Time, words: &Words) -> Result<Answer, String> {
    words.only(&["order", "status", "cum"])?;
    let order = names.order(words.need("order")?)?;
    let (_, account, _, _) = whose(names, words)?;
    let found = match words.word(1)? {
        "found" => {
            Found::Order { status: status(words.need("status")?)?, cum: lots(words.need("cum")?)? }
        }
        "absent" => Found::ProvenAbsent,
        "inconclusive" => Found::Inconclusive,
        other => return Err(format!("{other}: found, absent or inconclusive")),
    };
    let venue_order_id = Text::EMPTY;
    Ok(Answer { order, account, venue_order_id, exchange: now, receive: now, found })
}

fn transfer_id(text: &str) -> Result<TransferId, String> {
    text.parse().map(TransferId).map_err(|_| "a transfer has a number".to_owned())
}

fn cash(names: &Names<'_>, now: Time, words: &Words) -> Result<Cash, String> {
    words.only(&["transfer"])?;
    let account = names.account(words.word(1)?)?;
    let kind = match words.word(2)? {
        "opening" => CashKind::Opening,
        "balance" => CashKind::Balance,
        "transfer" => CashKind::Transfer,
        "funding" => CashKind::Funding,
        "interest" => CashKind::Interest,
        "fee" => CashKind::Fee,
        "left" => CashKind::Left,
        "arrived" => CashKind::Arrived,
        "failed" => CashKind::Failed,
        "collateral" => CashKind::Collateral,
        other => return Err(format!("{other}: no such news of money")),
    };
    Ok(Cash {
        account,
        exchange: now,
        kind,
        amount: names.money_of(account, words.word(3)?)?,
        transfer: words.get("transfer").map(transfer_id).transpose()?,
    })
}

fn statement(names: &Names<'_>, now: Time, words: &Words) -> Result<Statement, String> {
    words.only(&["long", "short", "price"])?;
    let instrument = names.instrument(words.word(2)?)?;
    Ok(Statement {
        account: names.account(words.word(1)?)?,
        instrument,
        exchange: now,
        kind: match words.word(3)? {
            "opening" => StatementKind::Opening,
            "compare" => StatementKind::Compare,
            other => return Err(format!("{other}: opening or compare")),
        },
        long: lots(words.need("long")?)?,
        short: lots(words.need("short")?)?,
        price: names.price(instrument, words.need("price")?)?,
    })
}

fn change(
    names: &Names<'_>,
    instrument: InstrumentId,
    words: &Words,
) -> Result<ReferenceChange, String> {
    words.only(&[
        "until",
        "low",
        "high",
        "long",
        "short",
        "long_per_lot",
        "short_per_lot",
        "floor",
        "flag",
    ])?;
    let amount =
        |word| words.get(word).map_or(Ok(Money::ZERO), |text| names.money(text).map(|of| of.0));
    match words.word(0)? {
        "phase" => {
            let name = words.word(2)?;
            let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
            Ok(ReferenceChange::Phase {
                phase: phase.ok_or(format!("{name}: no such phase"))?,
                until: words.get("until").map_or(Ok(Time::MAX), moment)?,
            })
        }
        "band" => {
            let (low, high) = (words.get("low"), words.get("high"));
            let (Some(low), Some(high)) = (low, high) else {
                return Ok(ReferenceChange::PriceBand(None));
            };
            let (low, high) = (names.price(instrument, low)?, names.price(instrument, high)?);
            Ok(ReferenceChange::PriceBand(Some(PriceBand { low, high })))
        }
        _ => {
            let rate = MarginRate {
                long: ratio(words.need("long")?)?,
                short: ratio(words.need("short")?)?,
                long_per_lot: amount("long_per_lot")?,
                short_per_lot: amount("short_per_lot")?,
                floor_per_lot: amount("floor")?,
            };
            let Some(name) = words.get("flag") else { return Ok(ReferenceChange::Margin(rate)) };
            let flag = HedgeFlag::ALL.into_iter().find(|flag| flag.name() == name);
            Ok(ReferenceChange::FlagMargin(flag.ok_or(format!("{name}: no such flag"))?, rate))
        }
    }
}

fn link(names: &Names<'_>, words: &Words) -> Result<Link, String> {
    words.only(&[])?;
    let to = match words.word(1)? {
        "feed" => LinkTo::Feed(names.instrument(words.word(2)?)?),
        "trading" => LinkTo::Trading(names.account(words.word(2)?)?),
        other => return Err(format!("{other}: feed or trading")),
    };
    let state = match words.word(3)? {
        "down" => LinkState::Down,
        "up" => LinkState::Up,
        "resynced" => LinkState::Resynced,
        other => return Err(format!("{other}: down, up or resynced")),
    };
    Ok(Link { to, state })
}

/// `all`, `venue:NAME`, `account:NAME` or `hedge:NAME`.
fn scope(names: &Names<'_>, text: &str) -> Result<Scope, String> {
    match text.split_once(':') {
        None if text == "all" => Ok(Scope::All),
        Some(("venue", name)) => names.venue(name).map(Scope::Venue),
        Some(("account", name)) => names.account(name).map(Scope::Account),
        Some(("hedge", name)) => names.hedge(name).map(Scope::Hedge),
        None | Some(_) => Err(format!("{text}: all, venue:, account: or hedge:")),
    }
}

fn verb(names: &Names<'_>, limits: &mut Value, words: &Words) -> Result<Verb, String> {
    let about = || scope(names, words.word(2)?);
    Ok(match words.word(1)? {
        "stop" => Verb::Stop(about()?),
        "resume" => Verb::Resume(about()?),
        "kill" => Verb::Kill(about()?),
        "unlatch" => Verb::Unlatch(about()?),
        "flatten" => Verb::Flatten(about()?),
        "unrestrict" => Verb::Unrestrict(about()?),
        "enter" => Verb::Enter {
            hedge: names.hedge(words.word(2)?)?,
            sets: words.need("sets")?.parse().map_err(|_| "sets= is a number")?,
            at_least: words.get("at_least").map(ratio).transpose()?,
            over: Span(words.get("over").map_or(Ok(0), span)?),
        },
        "exit" => Verb::Exit {
            hedge: names.hedge(words.word(2)?)?,
            sets: words.get("sets").map(lots).transpose()?,
            over: Span(words.get("over").map_or(Ok(0), span)?),
        },
        "freeze" => Verb::Freeze {
            hedge: names.hedge(words.word(2)?)?,
            lasts: Span(span(words.need("for")?)?),
            adverse: words.need("adverse")?.parse().map_err(|_| "adverse= is a number")?,
        },
        "forfeit" => Verb::Forfeit {
            hedge: names.hedge(words.word(2)?)?,
            reason: note(words.need("reason")?)?,
        },
        "transfer" => {
            let from = names.account(words.word(2)?)?;
            Verb::Transfer(Transfer {
                id: transfer_id(words.need("id")?)?,
                from,
                to: names.account(words.need("to")?)?,
                amount: names.money_of(from, words.need("amount")?)?,
            })
        }
        "lease" => {
            let account = names.account(words.word(2)?)?;
            Verb::Lease(Lease {
                account,
                amount: names.money_of(account, words.need("amount")?)?,
                posted: names.money_of(account, words.need("posted")?)?,
                epoch: words.need("epoch")?.parse().map_err(|_| "epoch= is a number")?,
                until: moment(words.need("until")?)?,
            })
        }
        "roll" => Verb::Roll { hedge: names.hedge(words.word(2)?)? },
        "adopt" => {
            let hedge = names.hedge(words.word(2)?)?;
            let mut lots = [0; LEGS_MAX];
            for (leg, _, value) in &words.pairs {
                let leg = names.leg(hedge, leg)?;
                lots[leg.index()] = value.parse().map_err(|_| "LEG= is a number of lots")?;
            }
            Verb::Adopt { hedge, lots }
        }
        "override" => Verb::Override {
            order: names.order(words.need("order")?)?,
            status: status(words.need("status")?)?,
            cum: lots(words.need("cum")?)?,
            reason: note(words.need("reason")?)?,
        },
        "policy" => {
            for (path, _, value) in &words.pairs {
                set(limits, path, value)?;
            }
            let document = limits.to_string();
            let policy = Policy::from_json(names.config, document.as_bytes());
            Verb::Policy(Box::new(policy.map_err(|error| format!("{error:?}"))?))
        }
        other => return Err(format!("{other}: no such verb")),
    })
}

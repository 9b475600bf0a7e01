//! Commands as a story tells them, and whether they are the expected ones.

use cross_market_core::attempt::End;
use cross_market_core::command::{Alert, AlertCode, Command, Subject};
use cross_market_core::ids::HedgeId;
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Decimal, Money, Side};
use cross_market_core::order::{Place, TimeInForce};
use cross_market_core::quote::{Kind, Purpose};

use super::names::Names;
use super::story::{Is, Told, Words};

/// The first word of what was told, and its keys.
pub(crate) type Line = (String, Told);

fn line(head: &str, keys: &[(&str, String)]) -> Line {
    let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    (head.to_owned(), keys)
}

pub(crate) fn tell(names: &Names<'_>, command: &Command) -> Line {
    match command {
        Command::Place(place) => tell_place(names, place),
        Command::Cancel(cancel) => line("cancel", &[("order", names.order_name(cancel.order))]),
        Command::Query(query) => line("query", &[("order", names.order_name(query.order))]),
        Command::Resync(id) => {
            line("resync", &[("instrument", names.config.instruments[*id].name.clone())])
        }
        Command::Alert(alert) => tell_alert(names, alert),
        Command::Transfer(transfer) => {
            let currency = names.config.accounts[transfer.from].currency;
            line(
                "transfer",
                &[
                    ("transfer", transfer.id.0.to_string()),
                    ("from", names.config.accounts[transfer.from].name.clone()),
                    ("to", names.config.accounts[transfer.to].name.clone()),
                    ("amount", names.money_text(transfer.amount, currency)),
                ],
            )
        }
        Command::Amend(_) => line("not sent by this version", &[]),
    }
}

fn tell_place(names: &Names<'_>, place: &Place) -> Line {
    let tif = match place.tif {
        TimeInForce::Gtc => "gtc",
        TimeInForce::Ioc => "ioc",
        TimeInForce::Fok => "fok",
        TimeInForce::Day => "day",
    };
    let effect = match place.effect {
        PositionEffect::Open => "open",
        PositionEffect::Close => "close",
        PositionEffect::CloseToday => "close_today",
    };
    line(
        "place",
        &[
            ("order", names.order_name(place.order)),
            ("side", if place.side == Side::Buy { "buy" } else { "sell" }.to_owned()),
            ("qty", place.qty.get().to_string()),
            ("price", names.price_text(place.instrument, place.price)),
            ("kind", place.kind.name().to_owned()),
            ("purpose", purpose(place.purpose).to_owned()),
            ("effect", effect.to_owned()),
            ("tif", tif.to_owned()),
        ],
    )
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Work => "work",
        Purpose::Supplement => "supplement",
        Purpose::Unwind => "unwind",
        Purpose::Hedge => "hedge",
        Purpose::Quote => "quote",
    }
}

fn subject(names: &Names<'_>, subject: Subject) -> String {
    let config = names.config;
    match subject {
        Subject::Engine => "engine".to_owned(),
        Subject::Venue(id) => format!("venue:{}", config.venues[id].name),
        Subject::Account(id) => format!("account:{}", config.accounts[id].name),
        Subject::Instrument(id) => format!("instrument:{}", config.instruments[id].name),
        Subject::Hedge(id) => format!("hedge:{}", config.hedges[id].plan.name),
        Subject::Attempt(id) => format!("attempt:{}", names.attempt_name(id)),
        Subject::Order(id) => format!("order:{}", names.order_name(id)),
        Subject::Transfer(id) => format!("transfer:{}", id.0),
        Subject::Product(id) => format!("product:{}", config.products[id]),
        Subject::Group(id) => format!("group:{}", config.groups[id]),
        Subject::Strategy(id) => format!("strategy:{}", config.strategies[id]),
    }
}

fn tell_alert(names: &Names<'_>, alert: &Alert) -> Line {
    let of = subject(names, alert.subject);
    let attempt = of.strip_prefix("attempt:").unwrap_or(&of).to_owned();
    let hedge = match alert.subject {
        Subject::Attempt(id) => id.hedge(),
        Subject::Engine
        | Subject::Venue(_)
        | Subject::Account(_)
        | Subject::Instrument(_)
        | Subject::Hedge(_)
        | Subject::Order(_)
        | Subject::Transfer(_)
        | Subject::Product(_)
        | Subject::Group(_)
        | Subject::Strategy(_) => HedgeId(0),
    };
    let currency = names.config.hedges[hedge].plan.currency;
    let money = |value: i128| names.money_text(Money(value), currency);
    match alert.code {
        AlertCode::AttemptStarted => line(
            "begin",
            &[
                ("begin", Kind::ALL[usize::from(alert.detail)].name().to_owned()),
                ("of", attempt),
                ("from", alert.value.to_string()),
                ("to", alert.limit.to_string()),
            ],
        ),
        AlertCode::AttemptEnded => line(
            "end",
            &[
                ("end", End::ALL[usize::from(alert.detail)].name().to_owned()),
                ("of", attempt),
                ("sets", alert.value.to_string()),
                ("lost", money(alert.limit)),
            ],
        ),
        AlertCode::RepairChosen => {
            let cost = |value| if value == i128::MAX { "none".to_owned() } else { money(value) };
            line(
                "repair",
                &[
                    ("repair", purpose(Purpose::ALL[usize::from(alert.detail)]).to_owned()),
                    ("of", attempt),
                    ("supplement", cost(alert.value)),
                    ("unwind", cost(alert.limit)),
                ],
            )
        }
        AlertCode::Refused => line(
            "refused",
            &[
                ("refused", alert.refusal.map_or("nothing said", |of| of.name()).to_owned()),
                ("of", of.strip_prefix("hedge:").unwrap_or(&of).to_owned()),
                ("value", alert.value.to_string()),
                ("limit", alert.limit.to_string()),
            ],
        ),
        code => {
            let number = |value: i128| match (code, alert.subject) {
                (
                    AlertCode::CashDrift
                    | AlertCode::Settled
                    | AlertCode::Shortfall
                    | AlertCode::Relieved
                    | AlertCode::LeaseOver
                    | AlertCode::TopUp,
                    Subject::Account(id),
                ) => names.money_text(Money(value), names.config.accounts[id].currency),
                _ => value.to_string(),
            };
            line(
                "alert",
                &[
                    ("alert", alert_name(code)),
                    ("of", of),
                    ("urgency", format!("{:?}", alert.urgency).to_lowercase()),
                    ("value", number(alert.value)),
                    ("limit", number(alert.limit)),
                ],
            )
        }
    }
}

/// The name of a code: `LateFill` is `late_fill`.
fn alert_name(code: AlertCode) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// What was told, in the form in which it would be expected.
pub(crate) fn shown((head, keys): &Line) -> String {
    let mut words = Vec::new();
    match keys.get(head) {
        Some(value) => words.push(format!("{head}={value}")),
        None => words.push(head.clone()),
    }
    let order = [
        "order",
        "of",
        "side",
        "qty",
        "price",
        "purpose",
        "kind",
        "effect",
        "tif",
        "instrument",
        "from",
        "to",
        "sets",
        "lost",
        "supplement",
        "unwind",
        "urgency",
        "value",
        "limit",
    ];
    for key in order {
        if let Some(value) = keys.get(key) {
            words.push(format!("{key}={value}"));
        }
    }
    words.join(" ")
}

/// Why `told` is not what `expected` says; `None` when it is.
pub(crate) fn mismatch(expected: &Words, told: &Line) -> Option<String> {
    let (head, keys) = told;
    let first = expected.bare.first().or(expected.pairs.first().map(|(key, ..)| key));
    if first != Some(head) {
        return Some(format!("line {}: expected {first:?}", expected.line));
    }
    for (key, is, wanted) in &expected.pairs {
        let Some(found) = keys.get(key) else {
            return Some(format!("line {}: {key}= is not told", expected.line));
        };
        if !agrees(*is, wanted, found) {
            return Some(format!("line {}: {key} is {found}, not {wanted}", expected.line));
        }
    }
    None
}

/// Numbers are compared as numbers, their units as texts; all else as texts.
pub(crate) fn agrees(is: Is, wanted: &str, found: &str) -> bool {
    let split = |text: &str| {
        let end = text.find(|of: char| !of.is_ascii_digit() && of != '.' && of != '-');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let number = Decimal::parse(number).ok()?.scaled(18).ok()?;
        Some((number, unit.to_owned()))
    };
    match (split(wanted), split(found)) {
        (Some((wanted, unit)), Some((found, found_unit))) if unit == found_unit => match is {
            Is::Equal => wanted == found,
            Is::AtLeast => found >= wanted,
            Is::AtMost => found <= wanted,
        },
        _ => is == Is::Equal && wanted == found,
    }
}

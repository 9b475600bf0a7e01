//! One of everything that can be on record: every event, command and record, with every variant.

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::conduct::{Budget, Budgets};
use cross_market_core::event::{Control, Estimate, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind, Lease, Transfer, TransferId};
use cross_market_core::gate::{
    AccountLimits, HedgeLimits, InstrumentLimits, Policy, Refusal, SumResidual, VenueLimits,
};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, GroupId, HedgeId, InstrumentId, Note, ProductId,
    StrategyId, Table, Text, VenueId,
};
use cross_market_core::instrument::{
    MarginRate, PositionEffect, PriceBand, Reference, ReferenceChange,
};
use cross_market_core::legging::Legging;
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::order::{
    Amend, Answer, Cancel, FeeNews, Fill, Found, HedgeFlag, LiquiditySide, News, Place, Query,
    RejectClass, Report, TimeInForce, VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::quote::{Execution, Kind, Purpose, Repair, Size};
use cross_market_core::record::Code;
use cross_market_core::threshold::{Class, Metric, Reach, Threshold};
use cross_market_core::time::{Day, Span, Time};

const TIME: Time = Time(1_770_000_000_123_456_789);
const ORDER: ClientOrderId = ClientOrderId(0x0100_1000_0004_2001);

/// Every kind of event, with every variant inside it.
#[must_use]
pub fn events() -> Vec<Event> {
    let mut events = vec![Event::Tick];
    events.extend(changes().into_iter().map(Event::Book));
    events.extend(links().into_iter().map(Event::Link));
    events.extend(news().into_iter().map(|news| report(Some(ORDER), news)));
    events.push(report(None, News::Accepted));
    events.extend(answers());
    events.extend(CashKind::ALL.iter().map(|kind| {
        let (account, amount) = (AccountId(3), Money(-12_345_678_901_234_567_890));
        let transfer = kind.is_of_transfer().then_some(TransferId(u64::MAX));
        Event::Cash(Box::new(Cash { account, exchange: TIME, kind: *kind, amount, transfer }))
    }));
    events.extend(StatementKind::ALL.iter().map(|kind| {
        Event::Position(Box::new(Statement {
            account: AccountId(1),
            instrument: InstrumentId(2),
            exchange: TIME,
            kind: *kind,
            long: Qty::of(31),
            short: Qty::ZERO,
            price: Price(-37),
        }))
    }));
    events.push(Event::Settle(Box::new(Settle {
        instrument: InstrumentId(2),
        price: Price(55_040),
        day: Day(-1),
        exchange: TIME,
    })));
    events.extend(references().into_iter().map(|change| {
        let (instrument, exchange) = (InstrumentId(7), TIME);
        Event::Reference(Box::new(Reference { instrument, exchange, change }))
    }));
    events.push(Event::Estimate(Estimate { hedge: HedgeId(1), value: -5, expires: TIME }));
    events.extend(
        [ClockOf::Wall, ClockOf::Venue(VenueId(4))].map(|of| {
            Event::Clock(Clock { of, offset: Span(-250_000), uncertainty: Span(40_000) })
        }),
    );
    events.extend(
        verbs()
            .into_iter()
            .map(|verb| Event::Control(Box::new(Control { actor: note("operator@desk-1"), verb }))),
    );
    events
}

fn transfer() -> Transfer {
    let (from, to) = (AccountId(1), AccountId(2));
    Transfer { id: TransferId(u64::MAX), from, to, amount: Money(i128::MAX) }
}

fn lease() -> Lease {
    let (account, until) = (AccountId(2), Time(i64::MAX));
    Lease { account, amount: Money(i128::MAX), posted: Money(i128::MIN), epoch: u64::MAX, until }
}

/// Every kind of command, with every variant inside it.
#[must_use]
pub fn commands() -> Vec<Command> {
    let (order, account, instrument) = (ORDER, AccountId(1), InstrumentId(2));
    let mut commands = vec![
        Command::Amend(Amend { order, price: Price(-1), qty: Qty::of(2) }),
        Command::Cancel(Cancel { order, account, instrument }),
        Command::Query(Query { order, account, instrument }),
        Command::Resync(instrument),
        Command::Transfer(transfer()),
    ];
    commands.extend(places().into_iter().map(Command::Place));
    commands.extend(alerts().into_iter().map(Command::Alert));
    commands
}

/// Rows of several messages of two instruments, with extreme values among them.
#[must_use]
pub fn changes() -> Vec<Change> {
    let mut changes = Vec::new();
    for (place, row) in (0_i64..).zip(Row::ALL) {
        for side in [Side::Buy, Side::Sell] {
            changes.push(Change {
                price: Price(55_000 + place),
                qty: Qty::of(100 * place),
                seq: 4_711 + place.unsigned_abs() / 3,
                exchange: TIME,
                receive: TIME + Span(350_000),
                step: 1,
                instrument: InstrumentId(u16::from(place >= 3)),
                side,
                row,
            });
        }
    }
    let extreme = |price, qty, seq, time, step| Change {
        price: Price(price),
        qty: Qty::of(qty),
        seq,
        exchange: Time(time),
        receive: Time(-time),
        step,
        instrument: InstrumentId(u16::MAX),
        side: Side::Sell,
        row: Row::DeltaLast,
    };
    changes.push(extreme(i64::MAX, i64::MAX, u64::MAX, i64::MAX, u32::MAX));
    changes.push(extreme(i64::MIN, 0, 0, -i64::MAX, 0));
    changes
}

fn links() -> Vec<Link> {
    let ends = [LinkTo::Trading(AccountId(5)), LinkTo::Feed(InstrumentId(6))];
    let states = LinkState::ALL;
    ends.iter().flat_map(|to| states.iter().map(|state| Link { to: *to, state: *state })).collect()
}

fn report(order: Option<ClientOrderId>, news: News) -> Event {
    let has_order = order.is_some();
    Event::Report(Box::new(Report {
        order,
        venue_order_id: if has_order { text("SHFE000123456") } else { Text::EMPTY },
        account: AccountId(1),
        instrument: InstrumentId(2),
        exchange: TIME,
        receive: TIME + Span(350_000),
        news,
    }))
}

fn news() -> Vec<News> {
    let (trade_id, side, cum) = (text("2026021000004711"), Side::Sell, Qty::of(3));
    let (amount, currency) = (Money(-30_000_000_001), CurrencyId(9));
    let fill = Fill {
        trade_id,
        side,
        price: Price(-37),
        qty: cum,
        cum: None,
        fee: FeeNews::Pending,
        liquidity: LiquiditySide::Maker,
    };
    let (fee, liquidity) = (FeeNews::Paid { amount, currency }, LiquiditySide::Taker);
    let mut news = vec![
        News::Accepted,
        News::Fill(fill),
        News::Fill(Fill { cum: Some(cum), fee, liquidity, ..fill }),
        News::Cancelled { cum },
        News::Expired { cum },
        News::Bust { trade_id, side },
        News::Correct { trade_id, side, price: Price(55_000), qty: cum },
        News::Fee { trade_id, side, amount, currency },
    ];
    for class in RejectClass::ALL {
        news.push(News::Rejected { class, code: u32::MAX });
        news.push(News::CancelRejected { class, code: 0 });
    }
    news.extend(VenueStatus::ALL.iter().map(|status| News::Status { status: *status, cum }));
    news
}

fn answers() -> Vec<Event> {
    let cum = Qty::of(1);
    let mut found = vec![Found::ProvenAbsent, Found::Inconclusive];
    found.extend(VenueStatus::ALL.iter().map(|status| Found::Order { status: *status, cum }));
    let answer = |found| {
        Event::Answer(Box::new(Answer {
            order: ORDER,
            account: AccountId(1),
            venue_order_id: Text::EMPTY,
            exchange: TIME,
            receive: TIME,
            found,
        }))
    };
    found.into_iter().map(answer).collect()
}

fn references() -> Vec<ReferenceChange> {
    let (low, high) = (Price(-100), Price(100));
    let mut changes = vec![
        ReferenceChange::PriceBand(None),
        ReferenceChange::PriceBand(Some(PriceBand { low, high })),
        ReferenceChange::Margin(MarginRate::of_value(ratio(7, 100), ratio(1, 9), Money(5))),
        ReferenceChange::Margin(MarginRate {
            long_per_lot: Money(3),
            short_per_lot: Money(4),
            ..MarginRate::of_value(ratio(7, 100), ratio(0, 1), Money(5))
        }),
        ReferenceChange::FlagMargin(
            HedgeFlag::Hedge,
            MarginRate::of_value(ratio(1, 20), ratio(3, 50), Money(0)),
        ),
    ];
    let until = Time::MAX;
    changes.extend(Phase::ALL.map(|phase| ReferenceChange::Phase { phase, until }));
    changes
}

fn verbs() -> Vec<Verb> {
    let hedge = HedgeId(1023);
    let scopes = [
        Scope::All,
        Scope::Venue(VenueId(1)),
        Scope::Account(AccountId(2)),
        Scope::Hedge(HedgeId(3)),
    ];
    let mut verbs = Vec::new();
    for scope in scopes {
        verbs.extend([Verb::Stop(scope), Verb::Resume(scope), Verb::Kill(scope)]);
        verbs.extend([Verb::Unlatch(scope), Verb::Flatten(scope), Verb::Unrestrict(scope)]);
    }
    verbs.push(Verb::Enter {
        hedge,
        sets: -3,
        at_least: Some(ratio(1_004, 1_000)),
        over: Span::ZERO,
    });
    verbs.push(Verb::Enter { hedge, sets: i64::MAX, at_least: None, over: Span::ZERO });
    verbs.push(Verb::Exit { hedge, sets: Some(Qty::of(2)), over: Span::ZERO });
    verbs.push(Verb::Exit { hedge, sets: None, over: Span::seconds(600) });
    verbs.push(Verb::Forfeit { hedge, reason: note("hedged-by-hand") });
    verbs.push(Verb::Roll { hedge });
    verbs.push(Verb::Transfer(transfer()));
    verbs.push(Verb::Lease(lease()));
    verbs.push(Verb::Freeze { hedge, lasts: Span::seconds(5), adverse: 3 });
    verbs.push(Verb::Adopt { hedge, lots: [i64::MIN, -1, 0, 1, 2, 3, 4, i64::MAX] });
    verbs.push(Verb::Override {
        order: ORDER,
        status: VenueStatus::Cancelled,
        cum: Qty::of(1),
        reason: note("seen-on-the-terminal"),
    });
    verbs.push(Verb::Policy(Box::new(policy())));
    verbs
}

fn policy() -> Policy {
    let hedge = |repair| HedgeLimits {
        size: Size { clip: 1, max: 27, overnight: 18, holiday: 0, before_break: Span::seconds(60) },
        execution: Execution {
            max_residual: 500_000,
            live_residual: i128::MAX,
            finish_within: Span::seconds(2),
            order_timeout: Span::millis(300),
            repair,
            max_loss: Money::units(20_000),
            max_loss_per_day: Money::units(60_000),
            tries: 12,
            messages: 200,
            trims_per_day: 3,
        },
        legging: Legging::AT_ONCE,
        crossing: repair == Repair::Unwind,
        max_roll_cost: (repair == Repair::Supplement).then_some(Money::units(35)),
    };
    Policy {
        venues: Table::new(vec![VenueLimits { message_rate: 60, cancel_reserve: 12 }]),
        instruments: Table::new(vec![InstrumentLimits {
            order_value: Money::units(9_000_000),
            collar: 50,
            age: Span::millis(500),
            skew: Span::millis(300),
            limit_distance: 20,
            message_rate: 40,
            cancel_reserve: 8,
            conduct: Some(Budgets {
                cancels: Some(Budget { per_day: 450, reserve: 50 }),
                large_cancels: Some(Budget { per_day: 45, reserve: 5 }),
                large_lots: 300,
                opens: None,
                self_trades: Some(3),
                bursts: Some(8),
                counts_ioc: false,
                counts_fok: true,
                counts_hedging: false,
            }),
        }]),
        accounts: Table::new(vec![AccountLimits {
            usage_cap: ratio(9, 10),
            day_loss: Money::units(100_000),
            message_rate: 50,
            cancel_reserve: 10,
        }]),
        hedges: Table::new(Repair::ALL.iter().map(|repair| hedge(*repair)).collect()),
        thresholds: [Reach::One(1), Reach::Each, Reach::Whole(Class::Strategy, 2), Reach::All]
            .map(|of| Threshold {
                metric: Metric::CapitalUsage,
                of,
                bounds: [Some(800_000_000), None, Some(900_000_000), None, Some(i128::MAX >> 8)],
                formulas: Vec::new(),
                clear: 10_000_000,
                dwell: Span::seconds(5),
            })
            .to_vec(),
        sums: vec![SumResidual {
            product: ProductId(0),
            currency: CurrencyId(1),
            limit: ratio(500, 1),
        }],
    }
}

fn places() -> Vec<Place> {
    let place = Place {
        order: ORDER,
        price: Price(55_012),
        qty: Qty::of(3),
        account: AccountId(1),
        instrument: InstrumentId(2),
        hedge: HedgeId(0),
        side: Side::Sell,
        effect: PositionEffect::Open,
        tif: TimeInForce::Ioc,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    };
    let mut places = vec![Place { side: Side::Buy, ..place }];
    places.extend(PositionEffect::ALL.map(|effect| Place { effect, ..place }));
    places.extend(TimeInForce::ALL.iter().map(|tif| Place { tif: *tif, ..place }));
    places.extend(HedgeFlag::ALL.iter().map(|flag| Place { flag: *flag, ..place }));
    places.extend(Kind::ALL.map(|kind| Place { kind, ..place }));
    places.extend(Purpose::ALL.map(|purpose| Place { purpose, ..place }));
    places
}

fn alerts() -> Vec<Alert> {
    let alert = Alert {
        code: AlertCode::Refused,
        urgency: Urgency::Info,
        refusal: None,
        detail: u8::MAX,
        subject: Subject::Engine,
        value: i128::MIN,
        limit: i128::MAX,
    };
    let subjects = [
        Subject::Engine,
        Subject::Venue(VenueId(1)),
        Subject::Account(AccountId(2)),
        Subject::Instrument(InstrumentId(3)),
        Subject::Hedge(HedgeId(4)),
        Subject::Attempt(ORDER.decision()),
        Subject::Order(ORDER),
        Subject::Transfer(TransferId(5)),
        Subject::Product(ProductId(6)),
        Subject::Group(GroupId(7)),
        Subject::Strategy(StrategyId(8)),
    ];
    let mut alerts: Vec<Alert> = subjects.map(|subject| Alert { subject, ..alert }).into();
    alerts.extend(AlertCode::ALL.iter().map(|code| Alert { code: *code, ..alert }));
    alerts.extend(Urgency::ALL.iter().map(|urgency| Alert { urgency: *urgency, ..alert }));
    let refused = |refusal: &Refusal| Alert { refusal: Some(*refusal), ..alert };
    alerts.extend(Refusal::ALL.iter().map(refused));
    alerts
}

/// The notes above are short plain ASCII.
fn note(text: &str) -> Note {
    match Note::new(text) {
        Ok(note) => note,
        Err(error) => panic!("a sample that is no note: {error}"),
    }
}

/// The texts above are short plain ASCII.
fn text(text: &str) -> Text {
    Text::new(text).unwrap_or(Text::EMPTY)
}

/// The fractions above are small.
fn ratio(num: i128, den: i128) -> Ratio {
    Ratio::new(num, den).unwrap_or(Ratio::ZERO)
}

/// The smallest configuration that trades: one hedge of two futures of one currency.
#[must_use]
pub fn config() -> &'static str {
    include_str!("samples.json")
}

//! Any sequence of events with any values: taken, or refused whole; never a panic.
//!
//! Numbers are drawn as raw bits and made into values by [`Bits`]: mostly small ones, so that events
//! meet each other, with every extreme among them.

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::event::{Estimate, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind, Transfer, TransferId};
use cross_market_core::gate::Policy;
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX, LegId, Note, Text,
    VenueId,
};
use cross_market_core::instrument::{HedgeFlag, MarginRate, PriceBand, Reference, ReferenceChange};
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, RejectClass, Report, VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::time::{Day, Span, Time};
use proptest::prelude::*;

use super::{Desk, START, word};

/// Raw bits, taken from the front; zeros once they are used up.
struct Bits<'a>(std::slice::Iter<'a, u32>);

impl Bits<'_> {
    fn raw(&mut self) -> u32 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.raw() % bound
    }

    fn bool(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        let at = usize::try_from(self.raw()).unwrap() % values.len();
        values[at]
    }

    /// Whether this value is to be one that hardly fits; one in eight.
    fn is_wild(&mut self) -> bool {
        self.below(8) == 0
    }

    fn wild(&mut self) -> i64 {
        let any = i64::from(self.raw().cast_signed()) << self.below(33);
        self.of(&[0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, 1 << 60, any])
    }

    /// A number near `centre`, or any.
    fn near(&mut self, centre: i64, spread: u32) -> i64 {
        if self.is_wild() { self.wild() } else { centre + i64::from(self.below(spread)) }
    }

    fn price(&mut self) -> Price {
        Price(self.near(1_000, 24))
    }

    fn qty(&mut self) -> Qty {
        let lots = self.near(0, 5);
        Qty::of(lots.max(-i64::MAX))
    }

    fn time(&mut self, now: i64) -> Time {
        Time(if self.is_wild() {
            self.of(&[0, -1, now + 1, Time::LATEST.0, Time::LATEST.0 + 1, i64::MAX, i64::MIN])
        } else {
            now
        })
    }

    fn money(&mut self) -> Money {
        if self.is_wild() {
            let wild = i128::from(self.wild());
            return Money(self.of(&[i128::MAX, i128::MIN, wild, wild << 64, wild << 20]));
        }
        Money::units(i64::from(self.below(2_000_000)) - 1_000_000)
    }

    fn ratio(&mut self) -> Ratio {
        let (num, den) = if self.is_wild() {
            (self.wild(), self.wild())
        } else {
            (i64::from(self.below(120)) - 10, 100)
        };
        Ratio::new(num.into(), den.into()).unwrap_or(Ratio::ONE)
    }

    fn account(&mut self) -> AccountId {
        let any = if self.is_wild() { self.of(&[2, 9, u16::MAX]) } else { 0 };
        AccountId(if any == 0 { self.of(&[0, 1]) } else { any })
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId(self.account().0)
    }

    fn hedge(&mut self) -> HedgeId {
        HedgeId(if self.is_wild() { self.of(&[1, 1_023, u16::MAX]) } else { 0 })
    }

    fn venue(&mut self) -> VenueId {
        VenueId(self.account().0)
    }

    fn side(&mut self) -> Side {
        self.of(&[Side::Buy, Side::Sell])
    }

    fn text(&mut self) -> Text {
        self.of(&["T1", "T2", "T3", "T4", ""]).parse_text()
    }

    fn scope(&mut self) -> Scope {
        match self.below(4) {
            0 => Scope::All,
            1 => Scope::Venue(self.venue()),
            2 => Scope::Account(self.account()),
            _ => Scope::Hedge(self.hedge()),
        }
    }

    /// Mostly an order that lives or lived.
    fn order(&mut self, desk: &Desk) -> ClientOrderId {
        let known: Vec<_> = desk.engine.orders().iter().map(|order| order.place.order).collect();
        if known.is_empty() || self.is_wild() {
            let made = ClientOrderId::pack(1, 1, HedgeId(0), self.below(9), LegId(0), 1);
            return made.unwrap_or(ClientOrderId(u64::from(self.raw())));
        }
        self.of(&known)
    }
}

trait ParseText {
    fn parse_text(&self) -> Text;
}

impl ParseText for &str {
    fn parse_text(&self) -> Text {
        Text::new(self).unwrap_or(Text::EMPTY)
    }
}

const STATUSES: [VenueStatus; 5] = [
    VenueStatus::Working,
    VenueStatus::Filled,
    VenueStatus::Cancelled,
    VenueStatus::Rejected,
    VenueStatus::Expired,
];

/// Kinds of event, a restart among them.
const KINDS: u32 = 13;

fn change(bits: &mut Bits<'_>, now: i64) -> Change {
    let instrument = bits.instrument();
    let step = if bits.is_wild() { bits.of(&[2, u32::MAX]) } else { bits.of(&[0, 0, 1]) };
    Change {
        price: bits.price(),
        qty: bits.qty(),
        seq: if bits.is_wild() { bits.of(&[u64::MAX, u64::MAX - 1]) } else { bits.below(4).into() },
        exchange: bits.time(now),
        receive: bits.time(now),
        step,
        instrument,
        side: bits.side(),
        row: bits.of(&[
            Row::SnapshotLast,
            Row::DeltaLast,
            Row::DeltaLast,
            Row::Snapshot,
            Row::LevelLast,
            Row::Level,
            Row::Delta,
        ]),
    }
}

fn news(bits: &mut Bits<'_>) -> News {
    let (trade_id, side) = (bits.text(), bits.side());
    let class = bits.of(&[RejectClass::Money, RejectClass::UnknownOrder, RejectClass::TooLate]);
    let (price, qty) = (bits.price(), bits.qty());
    let cum = bits.bool().then(|| bits.qty());
    let currency = CurrencyId(if bits.is_wild() { 7 } else { 0 });
    let amount = bits.money();
    let fee = if bits.bool() { FeeNews::Pending } else { FeeNews::Paid { amount, currency } };
    let liquidity = bits.of(&[LiquiditySide::Maker, LiquiditySide::Taker]);
    match bits.below(12) {
        0 => News::Accepted,
        1 => News::Rejected { class, code: bits.raw() },
        2 => News::Cancelled { cum: qty },
        3 => News::Expired { cum: qty },
        4 => News::CancelRejected { class, code: bits.raw() },
        5 => News::Status { status: bits.of(&STATUSES), cum: qty },
        6 => News::Bust { trade_id, side },
        7 => News::Correct { trade_id, side, price, qty },
        8 => News::Fee { trade_id, side, amount, currency },
        _ => News::Fill(Fill { trade_id, side, price, qty, cum, fee, liquidity }),
    }
}

fn report(bits: &mut Bits<'_>, desk: &Desk, now: i64) -> Report {
    let order = (!bits.is_wild()).then(|| bits.order(desk));
    let known = order.and_then(|id| desk.engine.orders().get(id)).map(|order| order.place);
    let (account, instrument) = match known {
        Some(place) if !bits.is_wild() => (place.account, place.instrument),
        Some(_) | None => (bits.account(), bits.instrument()),
    };
    let mut news = news(bits);
    if let (News::Fill(fill), Some(place), false) = (&mut news, known, bits.is_wild()) {
        fill.side = place.side;
    }
    let venue_order_id = bits.text();
    let (exchange, receive) = (bits.time(now), bits.time(now));
    Report { order, venue_order_id, account, instrument, exchange, receive, news }
}

fn reference(bits: &mut Bits<'_>, now: i64) -> Reference {
    let change = match bits.below(4) {
        0 => ReferenceChange::Phase {
            phase: bits.of(&Phase::ALL),
            until: Time(bits.near(now, 1_000_000_000)),
        },
        1 => ReferenceChange::PriceBand(None),
        2 => ReferenceChange::PriceBand(Some(PriceBand {
            low: Price(bits.near(900, 200)),
            high: Price(bits.near(1_000, 200)),
        })),
        _ => {
            let rate = MarginRate {
                long: bits.ratio(),
                short: bits.ratio(),
                long_per_lot: bits.money(),
                short_per_lot: bits.money(),
                floor_per_lot: bits.money(),
            };
            match bits.below(2) {
                0 => ReferenceChange::Margin(rate),
                _ => ReferenceChange::FlagMargin(bits.of(&HedgeFlag::ALL), rate),
            }
        }
    };
    Reference { instrument: bits.instrument(), exchange: bits.time(now), change }
}

fn policy(bits: &mut Bits<'_>, desk: &Desk) -> Policy {
    let mut policy = desk.engine.config().policy.clone();
    let (instrument, account) = (InstrumentId(bits.of(&[0, 1])), AccountId(bits.of(&[0, 1])));
    let limits = &mut policy.instruments[instrument];
    let span = |bits: &mut Bits<'_>| Span(bits.near(1_000_000_000, 1_000_000_000));
    match bits.below(14) {
        0 => limits.collar = bits.near(1, 40),
        1 => limits.age = span(bits),
        2 => limits.skew = span(bits),
        3 => limits.order_value = bits.money(),
        4 => limits.limit_distance = bits.near(1, 40),
        5 => policy.accounts[account].usage_cap = bits.ratio(),
        6 => policy.accounts[account].day_loss = bits.money(),
        7 => policy.accounts[account].message_rate = bits.of(&[0, 1, 30, u32::MAX]),
        12 => limits.message_rate = bits.of(&[0, 1, 30, u32::MAX]),
        13 => policy.venues[VenueId(0)].message_rate = bits.of(&[0, 1, 30, u32::MAX]),
        8 => policy.hedges[HedgeId(0)].size.max = bits.near(0, 20),
        9 => policy.hedges[HedgeId(0)].execution.max_residual = i128::from(bits.near(0, 9)),
        10 => policy.hedges[HedgeId(0)].execution.finish_within = span(bits),
        _ => policy.sums.clear(),
    }
    policy
}

fn verb(bits: &mut Bits<'_>, desk: &Desk) -> Verb {
    let hedge = bits.hedge();
    match bits.below(12) {
        0 => Verb::Stop(bits.scope()),
        1 => Verb::Resume(bits.scope()),
        2 => Verb::Kill(bits.scope()),
        3 => Verb::Unlatch(bits.scope()),
        4 => Verb::Flatten(bits.scope()),
        5 => Verb::Unrestrict(bits.scope()),
        7 if bits.bool() => Verb::Roll { hedge },
        7 if bits.bool() => Verb::Transfer(Transfer {
            id: TransferId(bits.near(0, 9).unsigned_abs()),
            from: bits.account(),
            to: bits.account(),
            amount: bits.money(),
        }),
        6 | 7 => Verb::Enter {
            hedge,
            sets: bits.near(-4, 9),
            at_least: bits.bool().then(|| bits.ratio()),
            over: Span(bits.near(-1, 3)),
        },
        8 if bits.bool() => {
            Verb::Freeze { hedge, lasts: Span(bits.near(-1, 9)), adverse: bits.near(-1, 9) }
        }
        8 if bits.bool() => Verb::Forfeit { hedge, reason: Note::new("by hand").unwrap() },
        8 => Verb::Exit {
            hedge,
            sets: bits.bool().then(|| bits.qty()),
            over: Span(bits.near(-1, 3)),
        },
        9 => {
            let mut lots = [0; LEGS_MAX];
            lots[0] = bits.near(-3, 7);
            lots[1] = bits.near(-3, 7);
            if bits.is_wild() {
                lots[7] = bits.wild();
            }
            Verb::Adopt { hedge, lots }
        }
        10 => Verb::Override {
            order: bits.order(desk),
            status: bits.of(&STATUSES),
            cum: bits.qty(),
            reason: Note::new("telephone").unwrap(),
        },
        _ => Verb::Policy(Box::new(policy(bits, desk))),
    }
}

fn event(kind: u32, bits: &mut Bits<'_>, desk: &Desk) -> Event {
    let now = desk.now;
    match kind {
        0 | 1 => Event::Book(change(bits, now)),
        2 => Event::Link(Link {
            to: if bits.bool() {
                LinkTo::Trading(bits.account())
            } else {
                LinkTo::Feed(bits.instrument())
            },
            state: bits.of(&[LinkState::Down, LinkState::Up, LinkState::Resynced]),
        }),
        3 => Event::Report(Box::new(report(bits, desk, now))),
        4 => Event::Answer(Box::new(Answer {
            order: bits.order(desk),
            account: bits.account(),
            venue_order_id: bits.text(),
            exchange: bits.time(now),
            receive: bits.time(now),
            found: match bits.below(3) {
                0 => Found::ProvenAbsent,
                1 => Found::Inconclusive,
                _ => Found::Order { status: bits.of(&STATUSES), cum: bits.qty() },
            },
        })),
        5 => Event::Cash(Box::new(Cash {
            account: bits.account(),
            exchange: bits.time(now),
            kind: bits.of(&[
                CashKind::Opening,
                CashKind::Balance,
                CashKind::Transfer,
                CashKind::Funding,
                CashKind::Interest,
                CashKind::Fee,
                CashKind::Left,
                CashKind::Arrived,
                CashKind::Failed,
                CashKind::Collateral,
            ]),
            amount: bits.money(),
            transfer: bits.bool().then(|| TransferId(bits.near(0, 9).unsigned_abs())),
        })),
        6 => Event::Position(Box::new(Statement {
            account: bits.account(),
            instrument: bits.instrument(),
            exchange: bits.time(now),
            kind: bits.of(&[StatementKind::Opening, StatementKind::Compare]),
            long: bits.qty(),
            short: bits.qty(),
            price: bits.price(),
        })),
        7 => Event::Settle(Box::new(Settle {
            instrument: bits.instrument(),
            price: bits.price(),
            day: if bits.is_wild() {
                Day(bits.of(&[i32::MAX, i32::MIN, -1, 0]))
            } else {
                Day(Time(now).date().0 + bits.of(&[-1, 0, 1, 14, 15]))
            },
            exchange: bits.time(now),
        })),
        8 => Event::Reference(Box::new(reference(bits, now))),
        9 => Event::Estimate(Estimate {
            hedge: bits.hedge(),
            value: bits.wild(),
            expires: bits.time(now),
        }),
        10 => Event::Clock(Clock {
            of: if bits.bool() { ClockOf::Wall } else { ClockOf::Venue(bits.venue()) },
            offset: Span(bits.near(0, 1_000_000)),
            uncertainty: Span(bits.near(0, 1_000_000)),
        }),
        11 => Event::Tick,
        _ => word(verb(bits, desk)),
    }
}

/// Gives the desk one event, or a restart; whether it was taken. What is refused changes nothing.
fn step(desk: &mut Desk, raw: &[u32], digest: &mut [u8; 32]) -> Result<bool, TestCaseError> {
    let mut bits = Bits(raw.iter());
    let kind = bits.below(KINDS + 1);
    let later = bits.of(&[0, 0, 1_000_000, 1_000_000, 600_000_000, 5_000_000_000]);
    let now = if bits.below(40) == 0 { bits.wild() } else { desk.now + later };
    let mut out = Vec::new();
    let taken = if kind == KINDS {
        let run = if bits.is_wild() { bits.of(&[0, u16::MAX]) } else { desk.engine.run() + 1 };
        desk.engine.restart(Time(now), run, &mut out).is_ok()
    } else {
        let event = event(kind, &mut bits, desk);
        desk.engine.handle(Time(now), &event, &mut out).is_ok()
    };
    if taken {
        desk.now = now;
        desk.engine.positions().check();
        desk.engine.funds().check();
        *digest = desk.engine.digest();
    } else {
        prop_assert!(out.is_empty(), "{:?}", out);
        prop_assert_eq!(desk.engine.digest(), *digest);
    }
    prop_assert!(!desk.engine.is_poisoned());
    Ok(taken)
}

/// Every kind of event is taken at times: what is told of any value would otherwise be empty.
#[test]
fn most_kinds_of_event_are_taken() {
    let mut taken = [0_u32; 14];
    let mut raw = 1_u32;
    for _ in 0..40 {
        let mut desk = Desk::new();
        desk.entered();
        let mut digest = desk.engine.digest();
        for _ in 0..40 {
            let mut next = || {
                raw = raw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                raw >> 7
            };
            let row: Vec<u32> = (0..24).map(|_| next()).collect();
            let kind = row[0] % (KINDS + 1);
            if step(&mut desk, &row, &mut digest).unwrap() {
                taken[usize::try_from(kind).unwrap()] += 1;
            }
        }
    }
    assert!(taken.iter().all(|count| *count > 5), "{taken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_events_are_taken_or_refused_whole(
        rows in prop::collection::vec(prop::collection::vec(any::<u32>(), 4..24), 1..24),
    ) {
        let mut desk = Desk::new();
        prop_assert_eq!(desk.now, START);
        desk.entered();
        let mut digest = desk.engine.digest();
        for row in &rows {
            step(&mut desk, row, &mut digest)?;
        }
    }
}

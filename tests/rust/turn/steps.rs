//! Margin that comes with the date, as nobody told the settlement it came with.

use cross_market_core::engine::Effect;

use super::*;

/// 23 hours after the start, in UTC, begins a date that follows both steps' day.
const MIDNIGHT: i64 = (START / DAY + 2) * DAY;
const DAY: i64 = 86_400_000_000_000;

/// Short 5 lots of 0.01 at 60 000 in an account of 1 000, which need 300, and 1 500 from the step on.
fn bench() -> Bench {
    let mut json = one_to_one();
    let rates = json!({"long": "0.5", "short": "0.5", "floor_per_lot": "0"});
    json["instruments"][0]["margin"]["steps"] = json!([[Time(START).date().0 + 1, rates]]);
    let mut bench = Bench::of(&compiled(&json));
    let opening = |at, amount| {
        let (account, kind, transfer) = (AccountId(0), CashKind::Opening, None);
        Event::Cash(Box::new(Cash { account, exchange: Time(at), kind, amount, transfer }))
    };
    bench.event(opening(START, Money::units(1_000)));
    bench.book(0, 600_500, 600_510, 100);
    let orders = places(&bench.book(1, 600_000, 600_010, 100));
    bench.fill(&orders[0], 5, 600_500);
    bench.fill(&orders[1], 5, 600_010);
    assert_eq!(bench.engine.funds().margin(AccountId(0)).to_string(), "300.25");
    bench.now = MIDNIGHT;
    bench
}

fn is_short(commands: &[Command]) -> bool {
    let short = |of: &Command| matches!(of, Command::Alert(of) if of.code == AlertCode::Shortfall);
    commands.iter().any(short)
}

/// What the date brings is booked in the step that sees it, of whatever event that is.
#[test]
fn a_shortfall_is_told_by_the_row_that_turns_the_date() {
    let mut bench = bench();
    assert!(is_short(&bench.book(1, 600_000, 600_010, 100)));
    assert_eq!(bench.engine.funds().margin(AccountId(0)).to_string(), "1501.25");
}

#[test]
fn a_tick_that_turns_the_date_is_a_decision() {
    let mut bench = bench();
    assert_eq!(bench.engine.deadline().map(|at| at <= Time(MIDNIGHT)), Some(true));
    let mut out = Vec::new();
    let before = bench.engine.digest();
    let effect = bench.engine.handle(Time(MIDNIGHT), &Event::Tick, &mut out).unwrap();
    assert_ne!(bench.engine.digest(), before);
    assert!(is_short(&out));
    assert_eq!(effect, Effect::Decision);
}

/// Nothing is told of margin that falls, and yet it is a decision.
#[test]
fn margin_that_falls_with_the_date_is_a_decision() {
    for row in [false, true] {
        let mut json = one_to_one();
        let rates = json!({"long": "0.01", "short": "0.01", "floor_per_lot": "0"});
        json["instruments"][0]["margin"]["steps"] = json!([[Time(START).date().0 + 1, rates]]);
        let mut bench = Bench::of(&compiled(&json));
        let mut out = Vec::new();
        let effect = if row {
            let change = Change {
                price: Price(600_000),
                qty: Qty::new(1).unwrap(),
                seq: 0,
                exchange: Time(MIDNIGHT),
                receive: Time(MIDNIGHT),
                step: 0,
                instrument: InstrumentId(0),
                side: Side::Buy,
                row: Row::SnapshotLast,
            };
            bench.engine.change(Time(MIDNIGHT), &change, &mut out).unwrap()
        } else {
            bench.engine.handle(Time(MIDNIGHT), &Event::Tick, &mut out).unwrap()
        };
        assert_eq!((out.len(), effect), (0, Effect::Decision), "row: {row}");
    }
}

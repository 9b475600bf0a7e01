//! What an attempt would come to, beside what the same attempt then comes to.

use cross_market_core::engine::{Binding, Foreseen, Moment};
use cross_market_core::funds::View;
use cross_market_core::gate::{Denial, Refusal};
use cross_market_core::instrument::{PriceBand, Reference, ReferenceChange};
use cross_market_core::position::Settle;
use cross_market_core::time::Day;

use super::*;

const HEDGE: HedgeId = HedgeId(0);
const ACCOUNTS: [AccountId; 2] = [AccountId(0), AccountId(1)];

/// Two books without an edge: nothing leaves by itself.
fn bench() -> Bench {
    bench_of(&one_to_one())
}

fn bench_of(json: &Value) -> Bench {
    let mut bench = Bench::of(&compiled(json));
    assert!(bench.book(0, 600_000, 600_010, 100).is_empty());
    assert!(bench.book(1, 600_000, 600_010, 100).is_empty());
    bench
}

fn seen(found: &[Foreseen], moment: Moment) -> [View; 2] {
    ACCOUNTS.map(|account| {
        let row = found.iter().find(|row| (row.account, row.moment) == (account, moment)).unwrap();
        row.view
    })
}

fn said(bench: &mut Bench, verb: Verb) -> Vec<Command> {
    let actor = Note::new("desk").unwrap();
    bench.event(Event::Control(Box::new(Control { actor, verb })))
}

fn enter(bench: &mut Bench, sets: i64) {
    let at_least = Some("-1000".parse_ratio());
    let sent = places(&said(bench, Verb::Enter { hedge: HEDGE, sets, at_least, over: Span::ZERO }));
    assert_eq!(sent.len(), 2);
    for place in sent {
        let price = if place.side == Side::Buy { 600_010 } else { 600_000 };
        bench.fill(&place, place.qty.get(), price);
    }
    assert_eq!(bench.engine.sets(HEDGE), sets);
}

trait ParseRatio {
    fn parse_ratio(&self) -> cross_market_core::num::Ratio;
}

impl ParseRatio for str {
    fn parse_ratio(&self) -> cross_market_core::num::Ratio {
        cross_market_core::num::Decimal::parse(self).unwrap().ratio().unwrap()
    }
}

fn settle(bench: &mut Bench, price: i64) {
    for at in [0, 1] {
        let (instrument, price) = (InstrumentId(at), Price(price));
        let day = bench.engine.positions().day(instrument);
        let exchange = Time(bench.now);
        bench.event(Event::Settle(Box::new(Settle { instrument, price, day, exchange })));
    }
}

fn money(bench: &Bench) -> [View; 2] {
    ACCOUNTS.map(|account| bench.engine.money(account))
}

#[test]
fn what_is_foreseen_is_what_comes() {
    let mut bench = bench();
    let before = bench.engine.digest();
    let told = bench.engine.what_if(HEDGE, 5).unwrap();
    assert_eq!(bench.engine.digest(), before, "nothing changes");
    assert_eq!((told.binds, told.beyond), (None, [0; 8]));
    assert_eq!(seen(&told.accounts, Moment::Now), money(&bench));
    enter(&mut bench, 5);
    assert_eq!(seen(&told.accounts, Moment::After), money(&bench));
    // Mid of 600 000 and 600 010.
    let mut settled = bench.engine.clone();
    std::mem::swap(&mut settled, &mut bench.engine);
    settle(&mut bench, 600_005);
    assert_eq!(seen(&told.accounts, Moment::Settled), money(&bench));
    assert_eq!(seen(&told.accounts, Moment::Limits), money(&bench), "there are no bands");
    // Giving back: what the same engine does then.
    std::mem::swap(&mut settled, &mut bench.engine);
    let told = bench.engine.what_if(HEDGE, -9).unwrap();
    assert_eq!(told.binds, None);
    let sent = places(&said(&mut bench, Verb::Exit { hedge: HEDGE, sets: None, over: Span::ZERO }));
    for place in sent {
        let price = if place.side == Side::Buy { 600_010 } else { 600_000 };
        bench.fill(&place, place.qty.get(), price);
    }
    assert_eq!(seen(&told.accounts, Moment::After), money(&bench), "at most to zero");
}

/// The order of another hedge was to close what this one closes: it will open, and needs margin.
#[test]
fn what_an_order_of_another_hedge_will_open_is_foreseen() {
    let mut json = one_to_one();
    let mut other = json["hedges"][0].clone();
    other["name"] = json!("other");
    other["legs"][0]["side"] = json!("buy");
    other["legs"][1]["side"] = json!("sell");
    json["hedges"].as_array_mut().unwrap().push(other);
    json["limits"]["hedges"]["other"] = json["limits"]["hedges"]["btc"].clone();
    let mut bench = bench_of(&json);
    enter(&mut bench, 5);
    let exits =
        places(&said(&mut bench, Verb::Exit { hedge: HEDGE, sets: None, over: Span::ZERO }));
    assert_eq!(exits.len(), 2);
    let told = bench.engine.what_if(HedgeId(1), 5).unwrap();
    let at_least = Some("-1000".parse_ratio());
    let (hedge, sets, over) = (HedgeId(1), 5, Span::ZERO);
    let sent = said(&mut bench, Verb::Enter { hedge, sets, at_least, over });
    assert_eq!(places(&sent).len(), 2, "{sent:?}");
    for place in places(&sent) {
        let price = if place.side == Side::Buy { 600_010 } else { 600_000 };
        bench.fill(&place, place.qty.get(), price);
    }
    let margins = |views: [View; 2]| views.map(|view| view.margin.to_string());
    assert_eq!(margins(seen(&told.accounts, Moment::After)), margins(money(&bench)));
}

/// What the day has brought is kept back until its settlement, and with that it may open and leave.
#[test]
fn the_settlement_frees_what_the_day_has_brought() {
    let mut json = one_to_one();
    for account in json["accounts"].as_array_mut().unwrap() {
        account["unrealised"] = json!("losses");
        account["close_profit"] = json!(false);
        account["withdraw_profit"] = json!(false);
    }
    let mut bench = bench_of(&json);
    enter(&mut bench, 5);
    for at in [0, 1] {
        bench.book(at, 590_000, 590_010, 100);
    }
    let told = bench.engine.what_if(HEDGE, -5).unwrap();
    let sent = places(&said(&mut bench, Verb::Exit { hedge: HEDGE, sets: None, over: Span::ZERO }));
    for place in sent {
        let price = if place.side == Side::Buy { 590_010 } else { 590_000 };
        bench.fill(&place, place.qty.get(), price);
    }
    let after = money(&bench);
    assert_eq!(seen(&told.accounts, Moment::After), after);
    settle(&mut bench, 590_005);
    let settled = money(&bench);
    assert!(after[0].available < settled[0].available, "a gain");
    assert_eq!(seen(&told.accounts, Moment::Settled), settled);
}

/// 5 lots of 0.01 are sold at 60 000 in one account and bought at 60 001 in the other, 10 % of margin,
/// fees of 0.0001, in bands of 59 000 and 62 000: the shorts settle at 62 000 and lose 100, the longs at
/// 59 000 and lose 50.05. Margin is then of those prices.
#[test]
fn limits_are_the_ends_of_the_bands() {
    let mut bench = bench();
    for at in [0, 1] {
        let (low, high) = (Price(590_000), Price(620_000));
        let change = ReferenceChange::PriceBand(Some(PriceBand { low, high }));
        let (instrument, exchange) = (InstrumentId(at), Time(bench.now));
        bench.event(Event::Reference(Box::new(Reference { instrument, exchange, change })));
    }
    let told = bench.engine.what_if(HEDGE, 5).unwrap();
    let [short, long] = seen(&told.accounts, Moment::Limits);
    let decimal =
        |text: &str| cross_market_core::num::Decimal::parse(text).unwrap().money().unwrap();
    assert_eq!((short.margin, short.cash), (decimal("310"), decimal("999899.70")));
    assert_eq!((long.margin, long.cash), (decimal("295"), decimal("999949.649995")));
    assert_eq!(short.equity, short.cash, "nothing is on paper after a settlement");
}

/// A day was never told, so the next settlement is of today or of tomorrow: what tomorrow's brings is
/// foreseen where it is more, and comes with it.
#[test]
fn margin_that_comes_with_the_settlement_is_foreseen() {
    let tomorrow = Time(START).date().0 + 1;
    let mut json = one_to_one();
    json["instruments"][0]["margin"]["steps"] = json!([
        [tomorrow, {"long": "0.2", "short": "0.25", "floor_per_lot": "0"}],
        [tomorrow + 30, {"long": "0.1", "short": "0.1", "floor_per_lot": "0"}],
    ]);
    let mut bench = bench_of(&json);
    let told = bench.engine.what_if(HEDGE, 5).unwrap();
    let [short, long] = seen(&told.accounts, Moment::Settled);
    let [after, _] = seen(&told.accounts, Moment::After);
    assert_eq!(
        (after.margin.to_string(), short.margin.to_string()),
        ("300".into(), "750.00625".into())
    );
    enter(&mut bench, 5);
    for at in [0, 1] {
        let (instrument, price) = (InstrumentId(at), Price(600_005));
        let (day, exchange) = (Day(tomorrow), Time(bench.now));
        bench.event(Event::Settle(Box::new(Settle { instrument, price, day, exchange })));
    }
    assert_eq!([short, long], money(&bench));
}

#[test]
fn what_binds_first_is_told_with_its_numbers() {
    let plain = |binds: Option<Binding>| {
        let Binding { moment, denial } = binds.unwrap();
        let Denial { refusal, account, value, limit, .. } = denial;
        (moment, refusal, account, value, limit)
    };
    let bench = bench();
    let told = bench.engine.what_if(HEDGE, 21).unwrap();
    assert_eq!(plain(told.binds), (Moment::Now, Refusal::Inventory, None, 21, 20));
    // A book that shows one lot: the gates judge the first slice, the rest counts at the collar.
    let mut bench = bench_of(&one_to_one());
    bench.book(1, 600_000, 600_010, 7);
    let told = bench.engine.what_if(HEDGE, 10).unwrap();
    assert_eq!((told.binds, told.beyond[..2].to_vec()), (None, vec![0, 3]));
    bench.book(1, 600_000, 600_010, 1);
    // What can be held for the first slices is too little for the whole, or for its settlement.
    let mut json = one_to_one();
    json["limits"]["accounts"]["a"]["usage_cap"] = json!("0.00005");
    json["limits"]["hedges"]["btc"]["clip"] = json!(1);
    let bench = bench_of(&json);
    let told = bench.engine.what_if(HEDGE, 1).unwrap();
    assert_eq!(plain(told.binds).1, Refusal::Usage, "60 and fees of a cap of 50");
    json["limits"]["accounts"]["a"]["usage_cap"] = json!("0.0008");
    let bench = bench_of(&json);
    assert_eq!(bench.engine.what_if(HEDGE, 13).unwrap().binds, None);
    let (moment, refusal, account, value, limit) =
        plain(bench.engine.what_if(HEDGE, 14).unwrap().binds);
    assert_eq!((moment, refusal, account), (Moment::After, Refusal::Usage, Some(ACCOUNTS[0])));
    assert_eq!((limit, value > limit), (800_000, true), "{value}");
    // An order or an attempt that lives is not asked over.
    assert!(matches!(
        bench.engine.what_if(HEDGE, 0),
        Err(Error::OutOfBounds { field: Field::Sets, found: 0 })
    ));
    assert!(matches!(bench.engine.what_if(HedgeId(9), 1), Err(Error::Unknown { .. })));
}

//! The store of orders and executions: what is found, what is remembered and for how long.

use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, LegId, Text};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    Execution, ExecutionKey, FeeNews, Fill, HedgeFlag, LiquiditySide, Order, Orders, Place, State,
    TimeInForce,
};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::time::Time;

const ACCOUNT: AccountId = AccountId(0);
const HEDGE: HedgeId = HedgeId(0);
const METAL: InstrumentId = InstrumentId(0);
const OIL: InstrumentId = InstrumentId(1);

fn id(attempt: u32, number: u16) -> ClientOrderId {
    ClientOrderId::pack(1, 1, HEDGE, attempt, LegId(0), number).unwrap()
}

fn order(id: ClientOrderId) -> Order {
    let place = Place {
        order: id,
        price: Price(100),
        qty: Qty::new(10).unwrap(),
        account: ACCOUNT,
        instrument: METAL,
        hedge: HEDGE,
        side: Side::Buy,
        effect: PositionEffect::Open,
        tif: TimeInForce::Ioc,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    };
    Order::new(place, Time(0))
}

fn key(instrument: InstrumentId, trade: &str) -> ExecutionKey {
    (ACCOUNT, instrument, Side::Buy, Text::new(trade).unwrap())
}

fn execution(of: Option<ClientOrderId>, qty: i64, after: i64) -> Execution {
    Execution {
        order: of,
        price: Price(100),
        qty: Qty::new(qty).unwrap(),
        after: Qty::new(after).ok(),
        fee: Money::ZERO,
        fee_pending: false,
        is_final: false,
        unheard: false,
        days: 0,
    }
}

fn fill(trade: &str, qty: i64, cum: i64) -> Fill {
    Fill {
        trade_id: Text::new(trade).unwrap(),
        side: Side::Buy,
        price: Price(100),
        qty: Qty::new(qty).unwrap(),
        cum: Qty::new(cum).ok(),
        fee: FeeNews::Pending,
        liquidity: LiquiditySide::Taker,
    }
}

/// Every attempt has its own orders, however many there are and wherever they stand among them:
/// the newest are looked at one by one, the rest is searched.
#[test]
fn an_attempt_has_its_own_orders() {
    for counts in [[3, 2, 4], [1, 12, 1], [12, 1, 12], [9, 9, 9], [2, 30, 8]] {
        let mut orders = Orders::new(1, 64, 16);
        let of = |attempt: usize| -> Vec<ClientOrderId> {
            let numbers = 1..=counts[attempt];
            numbers.map(|number| id(u32::try_from(attempt + 1).unwrap(), number)).collect()
        };
        for order_id in [of(0), of(1), of(2)].concat() {
            orders.insert(order(order_id));
        }
        for attempt in 0..3 {
            let decision = of(attempt)[0].decision();
            let found = orders.of_attempt(decision).iter().map(|order| order.place.order);
            assert_eq!(found.collect::<Vec<_>>(), of(attempt), "{counts:?}, attempt {attempt}");
        }
        let none = id(4, 1).decision();
        assert_eq!(orders.of_attempt(none), []);
    }
}

/// An order that is added behind its time stands where its id belongs.
#[test]
fn orders_stand_by_id() {
    let mut orders = Orders::new(1, 64, 16);
    for number in [2, 4, 3, 1, 5] {
        orders.insert(order(id(1, number)));
    }
    let stand = orders.of_hedge(HEDGE).iter().map(|order| order.place.order.attempt_try());
    assert_eq!(stand.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(orders.get(id(1, 3)).map(|order| order.place.order), Some(id(1, 3)));
}

/// Room ends with the last place for an order, and with the last one for an execution.
#[test]
fn there_is_room_to_the_last_place() {
    let mut orders = Orders::new(1, 64, 2);
    assert!(orders.has_room(HEDGE, 64) && !orders.has_room(HEDGE, 65));
    orders.remember(key(METAL, "X1"), execution(None, 1, 1));
    assert!(orders.has_room(HEDGE, 64));
    orders.remember(key(METAL, "X2"), execution(None, 1, 2));
    assert!(!orders.has_room(HEDGE, 1));
}

/// The same total after a fill is the same execution under another id, unless the fill is the next
/// one, or something of the order was taken back.
#[test]
fn one_execution_under_two_ids_is_told_by_its_total() {
    let mut orders = Orders::new(1, 64, 16);
    let mut four = order(id(1, 1));
    (four.cum, four.venue_cum) = (4, 4);
    orders.insert(four);
    orders.remember(key(METAL, "X1"), execution(Some(id(1, 1)), 3, 3));
    orders.remember(key(METAL, "X2"), execution(Some(id(1, 1)), 1, 4));
    let same = |order: &Order, fill: &Fill| {
        orders.same_as(order, &key(METAL, fill.trade_id.as_str()), fill)
    };
    assert_eq!(same(&four, &fill("Y2", 1, 4)), Some(key(METAL, "X2")));
    assert_eq!(same(&four, &fill("Y1", 3, 3)), Some(key(METAL, "X1")));
    assert_eq!(same(&four, &fill("X3", 1, 5)), None, "the next one");
    assert_eq!(same(&four, &fill("X2", 1, 4)), None, "the same id is no other");
    let revised = Order { revised: true, ..four };
    assert_eq!(same(&revised, &fill("Y2", 1, 4)), None, "totals come twice after a bust");
    // After X2 was taken back its total comes again, as that of the next one.
    let again = Order { cum: 3, venue_cum: 3, ..four };
    assert_eq!(same(&again, &fill("X3", 1, 4)), None, "the next one has that total too");
}

/// What is done and confirmed is kept until the second settlement of its instrument, with its
/// executions; what belongs to no order of ours as long.
#[test]
fn the_second_settlement_forgets() {
    let mut orders = Orders::new(1, 64, 16);
    let mut done = order(id(1, 1));
    (done.state, done.cum, done.venue_cum) = (State::Filled, 10, 10);
    orders.insert(done);
    orders.insert(order(id(1, 2)));
    orders.remember(key(METAL, "X1"), execution(Some(id(1, 1)), 10, 10));
    orders.remember(key(METAL, "X2"), execution(None, 1, 1));
    orders.remember(key(OIL, "Z1"), execution(None, 1, 1));
    let known = |orders: &Orders| {
        let trades = [(METAL, "X1"), (METAL, "X2"), (OIL, "Z1")];
        trades.map(|(instrument, trade)| orders.execution(&key(instrument, trade)).is_some())
    };
    orders.roll(OIL);
    orders.roll(METAL);
    assert_eq!(known(&orders), [true, true, true]);
    assert!(orders.get(id(1, 1)).is_some(), "the first settlement");
    orders.roll(METAL);
    assert_eq!(known(&orders), [false, false, true]);
    assert!(orders.get(id(1, 1)).is_none(), "the second settlement");
    assert!(orders.get(id(1, 2)).is_some(), "it is not done");
    orders.roll(OIL);
    assert_eq!(known(&orders), [false, false, false]);
}

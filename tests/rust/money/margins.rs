//! Worked examples of margin, each by the definition of an exchange or of its clearing software.

use cross_market_core::num::Decimal;
use proptest::prelude::*;

use super::*;

/// A contract at these rates whose tick of a lot is worth `tick`.
fn contract(tick: &str, margin: MarginRate) -> Instrument {
    Instrument { tick_value: money(tick), margin, ..future() }
}

fn money(text: &str) -> Money {
    Decimal::parse(text).unwrap().money().unwrap()
}

fn by_value(long: &str, short: &str) -> MarginRate {
    MarginRate::of_value(ratio(long), ratio(short), Money::ZERO)
}

fn required(instrument: &Instrument, side: Side, lots: i64, price: i64) -> Money {
    let cost = i128::from(price) * i128::from(lots);
    margin::required(instrument, FLAG, side, qty(lots), cost)
}

/// SHFE, Risk Management Rules: margin is a share of the contract's value, and gold's contract is
/// 1000 g at a tick of 0.02 CNY/g. 3 lots at 556.78 CNY/g and 8 %: 3 × 1000 × 556.78 × 0.08.
#[test]
fn shfe_gold_by_rate() {
    let gold = contract("20", by_value("0.08", "0.09"));
    assert_eq!(required(&gold, Side::Buy, 3, 27_839), money("133627.20"));
    assert_eq!(required(&gold, Side::Sell, 3, 27_839), money("150330.60"));
}

/// CTP, `CThostFtdcInstrumentMarginRateField`: `LongMarginRatioByMoney` × price × multiplier × lots +
/// `LongMarginRatioByVolume` × lots, and the same for shorts; the two are added.
#[test]
fn ctp_by_money_and_by_volume() {
    let rates = MarginRate {
        long_per_lot: money("125.50"),
        short_per_lot: money("80.25"),
        ..by_value("0.07", "0.10")
    };
    let copper = contract("50", rates); // 5 t at a tick of 10 CNY/t
    // 2 × 5 × 68 430 × 0.07 + 2 × 125.50, and 2 × 5 × 68 430 × 0.10 + 2 × 80.25.
    assert_eq!(required(&copper, Side::Buy, 2, 6_843), money("48152"));
    assert_eq!(required(&copper, Side::Sell, 2, 6_843), money("68590.50"));
    assert_eq!(required(&copper, Side::Buy, 0, 0), Money::ZERO);
}

/// The floor is of both together, and binds neither part alone.
#[test]
fn the_floor_is_of_rate_and_lots_together() {
    let rates = MarginRate {
        long_per_lot: money("300"),
        ..MarginRate::of_value(ratio("0.1"), ratio("0.1"), money("500"))
    };
    let contract = contract("10", rates);
    assert_eq!(required(&contract, Side::Buy, 2, 0), money("1000"));
    assert_eq!(required(&contract, Side::Buy, 2, 200), money("1000"), "2 × 200 + 2 × 300");
    assert_eq!(required(&contract, Side::Buy, 2, 201), money("1002"));
    assert_eq!(required(&contract, Side::Buy, 2, -201), money("1002"), "below zero as above");
}

/// LME Clear charges a scanning range in dollars a lot, whatever the price: all of it is by lot. A
/// lot of copper is 25 t.
#[test]
fn lme_prompt_by_lot() {
    let range = money("12500");
    let rates = MarginRate { long_per_lot: range, short_per_lot: range, ..by_value("0", "0") };
    let copper = contract("12.5", rates); // 25 t at a tick of 0.50 USD/t
    for price in [0, 17_342, -5] {
        assert_eq!(required(&copper, Side::Buy, 4, price), money("50000"));
        assert_eq!(required(&copper, Side::Sell, 4, price), money("50000"));
    }
}

// Positions: one account, two contracts of a product and one of another.

const FRONT: InstrumentId = InstrumentId(0);
const BACK: InstrumentId = InstrumentId(1);
const OTHER: InstrumentId = InstrumentId(2);

/// What an account holds of the contracts of [`Desk::new`].
struct Desk {
    positions: Positions,
    instruments: Table<InstrumentId, Instrument>,
}

impl Desk {
    /// All kept by `netting`; at a price of 1 a lot is worth 1, and long and short need 10 %.
    fn new(netting: Netting) -> Desk {
        let of = |product| {
            let contract = contract("1", by_value("0.1", "0.1"));
            Instrument { product: ProductId(product), larger_side: true, ..contract }
        };
        let products = [0, 0, 1];
        let pair = |(at, product): (u16, u16)| Pair {
            account: NEAR,
            instrument: InstrumentId(at),
            flag: FLAG,
            product: ProductId(product),
            netting,
            settlement: Settlement::DailyVm,
        };
        let pairs: Vec<Pair> = (0..).zip(products).map(pair).collect();
        Desk {
            positions: Positions::new(3, &pairs, &[], 64).unwrap(),
            instruments: Table::new(products.map(of).to_vec()),
        }
    }

    fn trade(&mut self, id: InstrumentId, side: Side, effect: PositionEffect, lots: i64, at: i64) {
        let trade = trade(Owner::Unassigned, side, effect, lots, at);
        self.positions.fill(NEAR, id, &trade).unwrap();
    }

    fn total(&self) -> Money {
        self.positions.margin_total(NEAR, &self.instruments)
    }

    /// Keeps lots for an order that closes, and gives what that is sure to free.
    fn close(
        &mut self,
        number: u32,
        id: InstrumentId,
        side: Side,
        effect: PositionEffect,
        lots: i64,
    ) -> Money {
        let order = order(number, 0, 1);
        self.positions.hold_lots(order, NEAR, id, side, effect, qty(lots)).unwrap();
        self.positions.freed(order, &self.instruments)
    }

    /// An order that was kept lots for trades some of them.
    fn closed(
        &mut self,
        number: u32,
        id: InstrumentId,
        side: Side,
        effect: PositionEffect,
        lots: i64,
    ) {
        self.trade(id, side, effect, lots, 1);
        self.positions.release_lots(order(number, 0, 1), qty(lots));
    }
}

/// CTP, `MaxMarginSideAlgorithm` (大额单边保证金): of all contracts of a product in an account only the
/// side that needs more is charged. 10 long in the front at 500 need 500, 6 short in the back at 600
/// need 360: 500, not 860.
#[test]
fn larger_side_of_a_product() {
    let mut desk = Desk::new(Netting::Gross);
    desk.trade(FRONT, Side::Buy, OPEN, 10, 500);
    desk.trade(BACK, Side::Sell, OPEN, 6, 600);
    assert_eq!(desk.total(), Money::units(500));
    // Another product stands beside it, its own two sides too.
    desk.trade(OTHER, Side::Sell, OPEN, 4, 100);
    desk.trade(OTHER, Side::Buy, OPEN, 1, 100);
    assert_eq!(desk.total(), Money::units(540));
    // Both sides of one contract are of one product.
    desk.trade(FRONT, Side::Sell, OPEN, 3, 500);
    assert_eq!(desk.total(), Money::units(360 + 150 + 40), "the shorts are the larger side now");
    // A contract that is not charged so needs both of its sides.
    desk.instruments[BACK].larger_side = false;
    assert_eq!(desk.total(), Money::units(500 + 360 + 40));
}

/// Closing the smaller side frees nothing, closing the larger one only down to the other.
#[test]
fn closing_under_larger_side() {
    let mut desk = Desk::new(Netting::Gross);
    desk.trade(FRONT, Side::Buy, OPEN, 10, 500);
    desk.trade(BACK, Side::Sell, OPEN, 6, 600);
    assert_eq!(desk.close(1, BACK, Side::Buy, CLOSE, 6), Money::ZERO);
    // 2 lots need 100: all of it; 4 further lots need 200, of which 40 are left above the shorts.
    assert_eq!(desk.close(2, FRONT, Side::Sell, CLOSE, 2), Money::units(100));
    assert_eq!(desk.close(3, FRONT, Side::Sell, CLOSE, 4), Money::units(40));
    assert_eq!(desk.close(4, FRONT, Side::Sell, CLOSE, 1), Money::ZERO, "not counted twice");
    desk.closed(3, FRONT, Side::Sell, CLOSE, 4);
    assert_eq!(desk.total(), Money::units(360));
    desk.closed(1, BACK, Side::Buy, CLOSE, 6);
    assert_eq!(desk.total(), Money::units(300));
}

/// The orders of one decision count on each other: closing both sides frees the larger one.
#[test]
fn closing_both_sides_under_larger_side() {
    let mut desk = Desk::new(Netting::Gross);
    desk.trade(FRONT, Side::Buy, OPEN, 10, 500);
    desk.trade(BACK, Side::Sell, OPEN, 6, 600);
    let mut close = |leg, id, side, lots| {
        let order = order(1, leg, 1);
        desk.positions.hold_lots(order, NEAR, id, side, CLOSE, qty(lots)).unwrap();
        desk.positions.freed(order, &desk.instruments)
    };
    assert_eq!(close(0, BACK, Side::Buy, 6), Money::ZERO, "the shorts need less");
    assert_eq!(close(1, FRONT, Side::Sell, 10), Money::units(500), "and have gone");
}

/// Binance, cross margin: an order's margin is that of the larger of `|position + open buys|` and
/// `|position − open sells|`; 4 long and orders to buy 3 and to sell 9 need 7 lots, and 5 short at most.
#[test]
fn opposite_orders_of_a_netted_contract() {
    let mut desk = Desk::new(Netting::Net);
    desk.instruments[OTHER].larger_side = false;
    desk.trade(OTHER, Side::Buy, OPEN, 4, 100);
    let opening = |side, margin| Opening { instrument: OTHER, side, margin: Money::units(margin) };
    let both = [opening(Side::Buy, 30), opening(Side::Sell, 50)];
    let relief = |of: &[Opening]| desk.positions.relief(NEAR, of, &desk.instruments);
    assert_eq!(relief(&both), Money::units(50), "80 singly, and 40 grow to 70 or to 50");
    assert_eq!(relief(&both[..1]), Money::ZERO);
    assert_eq!(relief(&both[1..]), Money::units(40), "what the longs needed is free by then");
    // Where longs and shorts stand apart both need theirs.
    let gross = Desk::new(Netting::Gross);
    assert_eq!(gross.positions.relief(NEAR, &both, &gross.instruments), Money::units(30));
    let apart = Table::new(
        gross
            .instruments
            .iter()
            .map(|of| Instrument { larger_side: false, ..of.clone() })
            .collect(),
    );
    assert_eq!(gross.positions.relief(NEAR, &both, &apart), Money::ZERO);
}

#[test]
fn closing_some_lots_frees_what_they_need() {
    let mut desk = Desk::new(Netting::Net);
    desk.trade(FRONT, Side::Buy, OPEN, 3, 1_000);
    let freed = |lots| desk_of(&desk).close(1, FRONT, Side::Sell, OPEN, lots);
    assert_eq!([1, 2, 3].map(freed), [100, 200, 300].map(Money::units));
    assert_eq!(freed(4), Money::units(300), "no more than there is");
    assert_eq!(desk_of(&desk).close(1, FRONT, Side::Buy, OPEN, 1), Money::ZERO);
}

fn desk_of(desk: &Desk) -> Desk {
    Desk { positions: desk.positions.clone(), instruments: desk.instruments.clone() }
}

/// CTP asks for the rates of an instrument by `HedgeFlag` (投机, 套利, 套保): an exchange may charge
/// hedgers less. An account pays those of its own flag, and the usual ones where it has none.
#[test]
fn rates_by_flag() {
    let mut desk = Desk::new(Netting::Gross);
    desk.instruments[FRONT].flag_margins[2] = Some(by_value("0.05", "0.06"));
    desk.trade(FRONT, Side::Buy, OPEN, 4, 500);
    assert_eq!(desk.total(), Money::units(200), "arbitrage has none of its own");
    let of = |flag| {
        let cost = 4 * 500;
        margin::required(&desk.instruments[FRONT], flag, Side::Sell, qty(4), cost)
    };
    assert_eq!(of(HedgeFlag::Hedge), Money::units(120));
    assert_eq!([HedgeFlag::Speculation, FLAG].map(of), [Money::units(200); 2]);
    desk.instruments[FRONT].flag_margins[1] = Some(by_value("0.07", "0.07"));
    assert_eq!(desk.total(), Money::units(140));
    assert_eq!(desk.close(1, FRONT, Side::Sell, CLOSE, 1), Money::units(35));
}

/// SHFE and INE tell today's lots from earlier ones (close-today); a lot frees what it needs itself:
/// yesterday's at the settlement price, today's at its own.
#[test]
fn close_today_frees_what_today_needs() {
    let mut desk = Desk::new(Netting::GrossByDay);
    desk.trade(FRONT, Side::Buy, OPEN, 2, 700);
    desk.positions.settle(&settle(FRONT, 800, 1), &mut Vec::new()).unwrap();
    desk.trade(FRONT, Side::Buy, OPEN, 2, 900);
    assert_eq!(desk.total(), Money::units(160 + 180));
    let freed = |effect, lots| desk_of(&desk).close(1, FRONT, Side::Sell, effect, lots);
    assert_eq!(freed(CLOSE_TODAY, 1), Money::units(90));
    assert_eq!(freed(CLOSE, 1), Money::units(80));
    assert_eq!(freed(CLOSE, 2), Money::units(160));
}

/// CTP charges yesterday's lots at the price of the last settlement (`PreSettlementPrice`): the day's
/// trade of 700 no longer matters once it has been settled at 800.
#[test]
fn yesterdays_lots_at_the_settlement_price() {
    let mut desk = Desk::new(Netting::GrossByDay);
    desk.trade(FRONT, Side::Buy, OPEN, 2, 700);
    assert_eq!(desk.total(), Money::units(140));
    desk.positions.settle(&settle(FRONT, 800, 1), &mut Vec::new()).unwrap();
    assert_eq!(desk.total(), Money::units(160));
    desk.trade(FRONT, Side::Buy, OPEN, 1, 900);
    assert_eq!(desk.total(), Money::units(250));
    desk.positions.settle(&settle(FRONT, 750, 2), &mut Vec::new()).unwrap();
    assert_eq!(desk.total(), Money::units(225), "3 × 750 × 10 %");
}

/// CME: for speculators the initial margin is 110 % of maintenance. At 16 500 USD initial and 15 000
/// maintenance a lot, 3 lots are opened with 49 500 and called below 45 000.
#[test]
fn cme_initial_and_maintenance() {
    let mut desk = Desk::new(Netting::Net);
    let (initial, copper) = (money("16500"), &mut desk.instruments[FRONT]);
    copper.margin =
        MarginRate { long_per_lot: initial, short_per_lot: initial, ..by_value("0", "0") };
    copper.maintenance = ratio("10/11");
    desk.trade(FRONT, Side::Buy, OPEN, 3, 425);
    let maintenance = |desk: &Desk| desk.positions.maintenance_total(NEAR, &desk.instruments);
    assert_eq!((desk.total(), maintenance(&desk)), (Money::units(49_500), Money::units(45_000)));
    // Where nothing less is said the two are the same, and a share is rounded against us.
    desk.trade(OTHER, Side::Buy, OPEN, 1, 1_000);
    assert_eq!((desk.total(), maintenance(&desk)), (Money::units(49_600), Money::units(45_100)));
    desk.instruments[OTHER].maintenance = ratio("1/3");
    assert_eq!(maintenance(&desk), money("45033.333333334"));
    // The larger side is that of maintenance: 15 000 long in front, 14 400 short in the back.
    desk.instruments[OTHER].larger_side = false;
    desk.trade(FRONT, Side::Sell, OPEN, 2, 425);
    desk.trade(BACK, Side::Sell, OPEN, 9, 16_000);
    assert_eq!(desk.total(), Money::units(16_500 + 100));
    desk.instruments[BACK].margin.short_per_lot = Money::units(300);
    assert_eq!(desk.total(), Money::units(14_400 + 2_700 + 100));
    assert_eq!(maintenance(&desk), money("17133.333333334"), "the shorts here");
    desk.instruments[BACK].maintenance = ratio("0.8");
    assert_eq!(maintenance(&desk), money("15033.333333334"), "the longs here");
}

/// Lots and prices of one day, then more after a settlement.
fn fills() -> impl Strategy<Value = Vec<(u16, bool, i64, i64, Option<i64>)>> {
    let settled = prop::option::weighted(0.2, 1_i64..400);
    prop::collection::vec((0_u16..3, any::<bool>(), 1_i64..9, 1_i64..400, settled), 1..12)
}

fn rates() -> impl Strategy<Value = (i64, i64, i64, i64)> {
    (0_i64..30, 1_i64..30, 0_i64..20, 0_i64..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..Default::default() })]

    /// Whichever of some closing orders trade, in whatever order and parts: the total falls by at
    /// least what they counted on together, and is never more than single margins.
    #[test]
    fn what_orders_free_is_never_counted_twice(
        netting in prop_oneof![Just(Netting::Net), Just(Netting::Gross), Just(Netting::GrossByDay)],
        larger in any::<[bool; 3]>(),
        rates in rates(),
        fills in fills(),
        closes in prop::collection::vec((0_u16..3, any::<bool>(), any::<bool>(), 1_i64..6), 1..8),
        trades in prop::collection::vec((0_usize..8, 1_i64..6), 0..16),
        negative in any::<bool>(),
    ) {
        let mut desk = Desk::new(netting);
        for (at, larger) in larger.into_iter().enumerate() {
            let (long, short, by_lot, floor) = rates;
            let rate = |hundredth: i64| Ratio::new(i128::from(hundredth), 97).unwrap();
            desk.instruments[InstrumentId::at(at)].larger_side = larger;
            desk.instruments[InstrumentId::at(at)].margin = MarginRate {
                long_per_lot: Money(by_lot.into()),
                ..MarginRate::of_value(rate(long), rate(short), Money(floor.into()))
            };
            desk.instruments[InstrumentId::at(at)].tick_value = Money(7);
        }
        let sign = if negative { -1 } else { 1 };
        let mut day = 1;
        for (at, buys, lots, price, settled) in fills {
            let side = if buys { Side::Buy } else { Side::Sell };
            desk.trade(InstrumentId(at), side, OPEN, lots, sign * price);
            if let Some(price) = settled {
                let settle = settle(InstrumentId(at), sign * price, day);
                desk.positions.settle(&settle, &mut Vec::new()).unwrap();
                day += 1;
            }
        }
        let before = desk.total();
        let single = |instrument: InstrumentId, side| {
            let rows = desk.positions.rows(NEAR, instrument, side).iter();
            let (lots, cost) =
                rows.fold((0, 0), |(lots, cost), row| (lots + row.lots, cost + row.cost));
            margin::required(&desk.instruments[instrument], FLAG, side, qty(lots), cost)
        };
        let both = |id| single(id, Side::Buy) + single(id, Side::Sell);
        let most: Money = [FRONT, BACK, OTHER].into_iter().map(both).sum();
        prop_assert!(before <= most, "{before} of {most}");

        let mut kept = Vec::new();
        for (number, (at, buys, today, lots)) in (1..).zip(closes) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let effect = match netting {
                Netting::Net => OPEN,
                Netting::GrossByDay if today => CLOSE_TODAY,
                Netting::Gross | Netting::GrossByDay => CLOSE,
            };
            let id = InstrumentId(at);
            let held = desk.positions.hold_lots(order(number, 0, 1), NEAR, id, side, effect, qty(lots));
            // Where positions are netted the rest would open, and its margin is not freed.
            if let Ok(lots) = held && !lots.is_zero() {
                let freed = desk.positions.freed(order(number, 0, 1), &desk.instruments);
                prop_assert!(freed >= Money::ZERO);
                kept.push((number, id, side, effect, lots.get(), freed));
            }
        }
        let mut traded = vec![0; kept.len()];
        for (at, lots) in trades {
            if let Some((number, id, side, effect, most, _)) = kept.get(at).copied() {
                let lots = lots.min(most - traded[at]);
                if lots > 0 {
                    traded[at] += lots;
                    desk.trade(id, side, effect, lots, sign * 50);
                    desk.positions.release_lots(order(number, 0, 1), qty(lots));
                }
            }
        }
        let counted = kept.iter().zip(&traded).filter(|(kept, traded)| kept.4 == **traded);
        let counted: Money = counted.map(|(kept, _)| kept.5).sum();
        let after = desk.total();
        prop_assert!(after + counted <= before, "{before} {after} {counted} {kept:?} {traded:?}");
    }

    /// The orders of one decision come to their end together: whichever decisions do, the total falls
    /// by at least what they counted on.
    #[test]
    fn what_decisions_free_is_never_counted_twice(
        netting in prop_oneof![Just(Netting::Net), Just(Netting::Gross)],
        larger in any::<[bool; 3]>(),
        fills in fills(),
        closes in prop::collection::vec((0_u32..3, 0_u16..3, any::<bool>(), 1_i64..6), 1..9),
        ended in any::<[bool; 3]>(),
    ) {
        let mut desk = Desk::new(netting);
        for (at, larger) in larger.into_iter().enumerate() {
            desk.instruments[InstrumentId::at(at)].larger_side = larger;
        }
        for (at, buys, lots, price, _) in fills {
            desk.trade(InstrumentId(at), if buys { Side::Buy } else { Side::Sell }, OPEN, lots, price);
        }
        let before = desk.total();
        let mut kept = Vec::new();
        for (leg, (decision, at, buys, lots)) in (0..).zip(closes) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let effect = if netting == Netting::Net { OPEN } else { CLOSE };
            let (id, order) = (InstrumentId(at), order(decision + 1, leg, 1));
            let held = desk.positions.hold_lots(order, NEAR, id, side, effect, qty(lots));
            if let Ok(lots) = held && !lots.is_zero() {
                let freed = desk.positions.freed(order, &desk.instruments);
                kept.push((decision, id, side, effect, lots.get(), freed));
            }
        }
        let mut counted = Money::ZERO;
        for (decision, id, side, effect, lots, freed) in &kept {
            if ended[usize::try_from(*decision).unwrap()] {
                desk.trade(*id, *side, *effect, *lots, 50);
                counted += *freed;
            }
        }
        let after = desk.total();
        prop_assert!(after + counted <= before, "{before} {after} {counted} {kept:?} {ended:?}");
    }

    /// Whichever of some orders trade: the total grows by no more than what is held for all, less the
    /// relief; and by all of that when those of one side do.
    #[test]
    fn a_relief_leaves_what_the_worst_of_all_fills_needs(
        netting in prop_oneof![Just(Netting::Net), Just(Netting::Gross)],
        larger in any::<[bool; 3]>(),
        rates in rates(),
        fills in fills(),
        asked in prop::collection::vec((0_u16..3, any::<bool>(), 1_i64..6, 1_i64..400), 1..7),
    ) {
        let mut desk = Desk::new(netting);
        let (long, short, by_lot, floor) = rates;
        let rate = |hundredth: i64| Ratio::new(i128::from(hundredth), 97).unwrap();
        for (at, larger) in larger.into_iter().enumerate() {
            let of = &mut desk.instruments[InstrumentId::at(at)];
            of.larger_side = larger;
            of.margin = MarginRate {
                long_per_lot: Money(by_lot.into()),
                ..MarginRate::of_value(rate(long), rate(short), Money(floor.into()))
            };
        }
        for (at, buys, lots, price, _) in fills {
            desk.trade(InstrumentId(at), if buys { Side::Buy } else { Side::Sell }, OPEN, lots, price);
        }
        let before = desk.total();
        let mut openings = Vec::new();
        for (number, (at, buys, lots, price)) in (1..).zip(&asked) {
            let (side, id) = (if *buys { Side::Buy } else { Side::Sell }, InstrumentId(*at));
            let order = order(number, 0, 1);
            let closes = desk.positions.hold_lots(order, NEAR, id, side, OPEN, qty(*lots)).unwrap();
            let opens = *lots - closes.get();
            let cost = i128::from(*price) * i128::from(opens);
            let margin = margin::required(&desk.instruments[id], FLAG, side, qty(opens), cost);
            openings.push(Opening { instrument: id, side, margin });
        }
        let singles: Money = openings.iter().map(|of| of.margin).sum();
        let relief = desk.positions.relief(NEAR, &openings, &desk.instruments);
        prop_assert!(Money::ZERO <= relief && relief <= singles, "{relief} of {singles}");
        for subset in 0_usize..1 << asked.len() {
            let mut desk = desk_of(&desk);
            for (bit, (at, buys, lots, price)) in asked.iter().enumerate() {
                if subset >> bit & 1 == 1 {
                    let side = if *buys { Side::Buy } else { Side::Sell };
                    desk.trade(InstrumentId(*at), side, OPEN, *lots, *price);
                }
            }
            let grown = desk.total() - before;
            prop_assert!(grown <= singles - relief, "{grown} of {singles} less {relief}");
        }
    }

    /// The order of contracts and of trades does not matter to the total.
    #[test]
    fn totals_do_not_depend_on_the_order_of_contracts(fills in fills()) {
        let total = |swapped: bool| {
            let mut desk = Desk::new(Netting::Gross);
            for (at, buys, lots, price, _) in &fills {
                let at = if swapped && *at < 2 { 1 - *at } else { *at };
                let side = if *buys { Side::Buy } else { Side::Sell };
                desk.trade(InstrumentId(at), side, OPEN, *lots, *price);
            }
            desk.total()
        };
        prop_assert_eq!(total(false), total(true));
    }
}

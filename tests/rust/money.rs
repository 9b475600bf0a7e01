//! The money column: margin, holds, positions, and what ties them together.
//!
//! Stories first, then random sequences against slow models in plain integers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails must be loud"
)]

use cross_market_core::funds::{
    Bucket, Cash, CashKind, Drift, Funds, Held, HoldError, Need, NoHold, Short, ShortKind, Terms,
    TradeMoney, Transfer, TransferId, TransferNews, Worth,
};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, Id, InstrumentId, LegId, ProductId, Table,
    VenueId,
};
use cross_market_core::instrument::{
    Fee, Fees, HedgeFlag, Instrument, MarginRate, Matching, Netting, PositionEffect, Prompts,
    Settlement,
};
use cross_market_core::margin::{self, Asked};
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::phase::Phases;
use cross_market_core::position::{
    Closable, Filled, First, Opening, Owner, Pair, PositionError, Positions, Settle, Statement,
    StatementKind, Trade, Variation,
};
use cross_market_core::quote::{HedgePlan, LegPlan};
use cross_market_core::time::{Day, Time};
use cross_market_core::wire::Writer;

#[path = "money/funds_model.rs"]
mod funds_model;
#[path = "money/inventory.rs"]
mod inventory;
#[path = "money/margins.rs"]
mod margins;
#[path = "money/settlement.rs"]
mod settlement;
#[path = "money/world.rs"]
mod world;

const NEAR: AccountId = AccountId(0);
const FAR: AccountId = AccountId(1);
const FLAG: HedgeFlag = HedgeFlag::Arbitrage;

fn qty(lots: i64) -> Qty {
    Qty::new(lots).unwrap()
}

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap()
}

/// A future: a tick of a lot is worth 10, margin 10 % long and 12 % short, at least 500 a lot.
fn future() -> Instrument {
    let fee = |per_lot, rate| Fee { per_lot: Money::units(per_lot), rate: ratio(rate) };
    Instrument {
        name: "future".into(),
        venue: VenueId(0),
        product: ProductId(0),
        currency: CurrencyId(0),
        tick_value: Money::units(10),
        settlement: Settlement::DailyVm,
        prompts: Prompts::default(),
        fees: Fees { open: fee(2, "0.0001"), close: fee(3, "0"), close_today: fee(-1, "0") },
        margin: MarginRate::of_value(ratio("0.10"), ratio("0.12"), Money::units(500)),
        flag_margins: [None; 3],
        maintenance: Ratio::ONE,
        margin_steps: Vec::new(),
        larger_side: false,
        phases: Phases::always(),
        band: None,
        own_in_book: false,
        min_qty: qty(1),
        price_max: 1_000_000,
        qty_max: 1_000_000,
    }
}

fn spot() -> Instrument {
    Instrument { name: "spot".into(), settlement: Settlement::Upfront, ..future() }
}

// Margin.

#[test]
fn margin_is_of_the_absolute_value_and_at_least_the_floor() {
    let check = |side, lots: i64, price: i64, expected: i64| {
        let cost = i128::from(price) * i128::from(lots);
        let found = margin::required(&future(), FLAG, side, qty(lots), cost);
        assert_eq!(found, Money::units(expected), "{side:?} {lots} @ {price}");
    };
    check(Side::Buy, 2, 1_000, 2_000); // 10 % of 20 000
    check(Side::Sell, 2, 1_000, 2_400);
    check(Side::Buy, 2, 500, 1_000); // where the floor and the rate meet
    check(Side::Buy, 2, 499, 1_000);
    check(Side::Buy, 2, 0, 1_000);
    check(Side::Sell, 2, -3_750, 9_000); // 12 % of 75 000
}

#[test]
fn margin_is_rounded_up() {
    let mut instrument = future();
    instrument.tick_value = Money(1);
    instrument.margin.floor_per_lot = Money::ZERO;
    assert_eq!(margin::required(&instrument, FLAG, Side::Buy, qty(1), 11), Money(2));
    assert_eq!(margin::required(&spot(), FLAG, Side::Buy, qty(5), 5_000), Money::ZERO);
}

/// An order of two lots that opens, or closes by its effect.
fn asked(side: Side, effect: PositionEffect, limit: i64, mark: Option<i64>) -> Asked {
    let closes = if effect == PositionEffect::Open { qty(0) } else { qty(2) };
    let (limit, mark) = (Price(limit), mark.map(Price));
    Asked { flag: FLAG, side, effect, qty: qty(2), closes, limit, mark }
}

#[test]
fn worst_case_of_a_margin_order_counts_the_move_to_its_limit() {
    let check = |side, effect, limit, mark: Option<i64>, expected: &str| {
        let found = margin::worst_case(&future(), &asked(side, effect, limit, mark));
        assert_eq!(found.to_string(), expected, "{side:?} {effect:?} {limit} {mark:?}");
    };
    let open = PositionEffect::Open;
    // 10 % of 2 × 1 010 × 10, a move of 2 × 10 × 10, fees of 2 × 2 and 0.01 % of 20 200.
    check(Side::Buy, open, 1_010, Some(1_000), "2226.02");
    // The market is dearer than the limit: margin and fee there, no move against us.
    check(Side::Buy, open, 1_010, Some(1_020), "2046.04");
    check(Side::Buy, open, 1_010, None, "2026.02");
    // 12 % of 2 × 1 000 × 10, a move of 2 × 5 × 10, fees at 1 000.
    check(Side::Sell, open, 995, Some(1_000), "2506");
    check(Side::Sell, PositionEffect::Close, 995, Some(1_000), "106");
    // A rebate is not counted on.
    check(Side::Sell, PositionEffect::CloseToday, 1_000, Some(1_000), "0");
    // At zero and below the floor binds, and the fee is of the absolute value.
    check(Side::Sell, open, 0, Some(0), "1004");
    check(Side::Buy, open, -1_000, Some(-1_000), "2006");
}

#[test]
fn worst_case_of_a_cash_order_is_its_whole_value() {
    let check = |side, limit, expected: &str| {
        let found = margin::worst_case(&spot(), &asked(side, PositionEffect::Open, limit, None));
        assert_eq!(found.to_string(), expected, "{side:?} {limit}");
    };
    check(Side::Buy, 1_000, "20006");
    check(Side::Sell, 1_000, "6");
    check(Side::Buy, -1_000, "6");
    check(Side::Sell, -1_000, "20006");
}

#[test]
fn lots_that_close_need_no_margin_where_positions_are_netted() {
    let need = |closes| {
        let open = asked(Side::Buy, PositionEffect::Open, 1_000, None);
        margin::worst_case(&future(), &Asked { closes: qty(closes), ..open })
    };
    assert_eq!(need(0) - need(1), Money::units(1_000));
    assert_eq!(need(2), Money::units(6));
    assert_eq!(need(9), need(2));
}

// Funds.

fn order(attempt: u32, leg: u8, attempt_try: u16) -> ClientOrderId {
    ClientOrderId::pack(1, 1, HedgeId(3), attempt, LegId(leg), attempt_try).unwrap()
}

fn need(order: ClientOrderId, account: AccountId, units: i64) -> Need {
    Need { order, account, amount: Money::units(units), frees: Money::ZERO }
}

/// 1,000 in both accounts, a usage cap of 90 %.
fn paper(units: i64) -> Worth {
    Worth { paper: Money::units(units), ..Worth::default() }
}

struct Desk {
    funds: Funds,
    caps: Table<AccountId, Ratio>,
    unrealised: Table<AccountId, Worth>,
}

impl Desk {
    fn new() -> Desk {
        let mut funds = Funds::new(2, 8);
        for account in [NEAR, FAR] {
            funds.cash(&cash(account, CashKind::Opening, 1_000), Money::ZERO);
        }
        funds.begin_event();
        Desk {
            funds,
            caps: Table::new(vec![ratio("0.9"); 2]),
            unrealised: Table::new(vec![Worth::default(); 2]),
        }
    }

    fn hold(&mut self, needs: &[Need]) -> Result<Held, HoldError> {
        self.funds.hold(needs, &self.caps, &self.unrealised)
    }

    fn digest(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.funds.digest(&mut writer);
        writer.into_bytes()
    }

    /// Available, held, quarantined and margin of the near account, in units.
    fn near(&self) -> [i128; 4] {
        let buckets = [Bucket::Available, Bucket::Held, Bucket::Quarantine, Bucket::Margin];
        buckets.map(|bucket| self.funds.bucket(NEAR, bucket).0 / 1_000_000_000)
    }
}

fn cash(account: AccountId, kind: CashKind, units: i64) -> Cash {
    Cash { account, exchange: Time(0), kind, amount: Money::units(units), transfer: None }
}

#[test]
fn all_legs_are_held_or_none() {
    let mut desk = Desk::new();
    let before = desk.digest();
    let needs = [need(order(1, 0, 1), NEAR, 900), need(order(1, 1, 1), FAR, 901)];
    let short =
        Short { account: FAR, kind: ShortKind::Usage, needed: 901_000_000, limit: 900_000_000 };
    assert_eq!(desk.hold(&needs), Err(HoldError::Short(short)));
    assert_eq!(desk.digest(), before);
    assert!(desk.funds.postings().is_empty());
    // The same ids may be asked for again: a refusal uses none up.
    let needs = [need(order(1, 0, 1), NEAR, 900), need(order(1, 1, 1), FAR, 900)];
    assert_eq!(desk.hold(&needs), Ok(Held::New));
    assert_eq!(desk.near(), [100, 900, 0, 0]);
}

#[test]
fn needs_of_one_account_are_summed() {
    let mut desk = Desk::new();
    desk.caps = Table::new(vec![Ratio::ONE; 2]);
    let needs = |second| [need(order(1, 0, 1), NEAR, 600), need(order(1, 1, 1), NEAR, second)];
    let short = Short {
        account: NEAR,
        kind: ShortKind::Available,
        needed: Money::units(1_001).0,
        limit: Money::units(1_000).0,
    };
    assert_eq!(desk.hold(&needs(401)), Err(HoldError::Short(short)));
    assert_eq!(desk.hold(&needs(400)), Ok(Held::New));
}

#[test]
fn losses_on_paper_count_in_usage_and_gains_do_not() {
    for (unrealised, held) in [(100, 900), (0, 900), (-100, 810)] {
        let mut desk = Desk::new();
        desk.unrealised = Table::new(vec![paper(unrealised); 2]);
        let over = desk.hold(&[need(order(1, 0, 1), NEAR, held + 1)]);
        assert!(matches!(over, Err(HoldError::Short(Short { kind: ShortKind::Usage, .. }))));
        assert_eq!(desk.hold(&[need(order(1, 0, 1), NEAR, held)]), Ok(Held::New));
    }
}

#[test]
fn nothing_is_held_on_equity_of_zero() {
    let mut desk = Desk::new();
    desk.unrealised = Table::new(vec![paper(-1_000); 2]);
    let short =
        Short { account: NEAR, kind: ShortKind::Usage, needed: i128::MAX, limit: 900_000_000 };
    assert_eq!(desk.hold(&[need(order(1, 0, 1), NEAR, 1)]), Err(HoldError::Short(short)));
}

#[test]
fn the_usage_cap_of_amounts_beyond_64_bits_is_exact() {
    let mut desk = Desk::new();
    let there = 1_000_000_000_000;
    desk.funds.cash(&cash(NEAR, CashKind::Transfer, there - 1_000), Money::ZERO);
    let most = need(order(1, 0, 1), NEAR, there / 10 * 9);
    let one = Need { amount: Money(1), ..need(order(2, 0, 1), NEAR, 0) };
    let over = Need { amount: most.amount + one.amount, ..most };
    assert!(matches!(desk.hold(&[over]), Err(HoldError::Short(Short { needed: 900_000_001, .. }))));
    assert_eq!(desk.hold(&[most]), Ok(Held::New));
    assert!(matches!(desk.hold(&[one]), Err(HoldError::Short(_))));
}

#[test]
fn every_leg_of_every_hedge_has_holds_of_its_own() {
    let mut desk = Desk::new();
    let id = |hedge, leg| ClientOrderId::pack(1, 1, HedgeId(hedge), 1, LegId(leg), 1).unwrap();
    let places = [(9, 1), (9, 0), (8, 1), (1, 1), (1, 0), (0, 1), (0, 0)];
    // From the last to the first: an id that came too late in a list of others would be a duplicate.
    for (units, (hedge, leg)) in (1..).zip(places) {
        assert_eq!(desk.hold(&[need(id(hedge, leg), NEAR, units)]), Ok(Held::New));
    }
    assert_eq!(desk.funds.holds().count(), places.len());
    desk.funds.check();
    for (units, (hedge, leg)) in (1..).zip(places) {
        assert_eq!(desk.funds.void(id(hedge, leg)), Ok(Money::units(units)));
    }
}

#[test]
fn a_second_hold_of_an_id_says_what_it_is() {
    let mut desk = Desk::new();
    let first = [need(order(1, 0, 1), NEAR, 10), need(order(1, 1, 1), FAR, 20)];
    assert_eq!(desk.hold(&first), Ok(Held::New));
    let before = desk.digest();
    assert_eq!(desk.hold(&first), Ok(Held::Exists));
    let different = |order, held, asked| {
        let (held, asked) = (Money::units(held), Money::units(asked));
        Err(HoldError::ExistsDifferent { order, held, asked })
    };
    let id = order(1, 0, 1);
    assert_eq!(desk.hold(&[need(id, NEAR, 11)]), different(id, 10, 11));
    assert_eq!(desk.hold(&[need(id, FAR, 10)]), different(id, 10, 10));
    let new = order(1, 2, 1);
    assert_eq!(desk.hold(&[first[0], need(new, NEAR, 5)]), different(new, 0, 5));
    let twice = [need(new, NEAR, 5), need(new, NEAR, 5)];
    assert_eq!(desk.hold(&twice), Err(HoldError::Duplicate { order: new }));
    let asked = Money::units(-1);
    let negative = Err(HoldError::Negative { order: new, asked });
    assert_eq!(desk.hold(&[need(new, NEAR, -1)]), negative);
    assert_eq!(desk.digest(), before);
}

#[test]
fn a_hold_is_resolved_once_and_never_again() {
    let mut desk = Desk::new();
    let id = order(7, 1, 2);
    assert_eq!(desk.funds.void(id), Err(NoHold::Never));
    assert_eq!(desk.funds.take(id, Money(1)), Err(NoHold::Never));
    desk.hold(&[need(id, NEAR, 10)]).unwrap();
    assert_eq!(desk.funds.take(id, Money::units(4)), Ok(Money::units(4)));
    assert_eq!(desk.funds.take(id, Money::units(-4)), Ok(Money::ZERO));
    assert_eq!(desk.near(), [994, 6, 0, 0]);
    assert_eq!(desk.funds.void(id), Ok(Money::units(6)));
    let before = desk.digest();
    assert_eq!(desk.funds.void(id), Err(NoHold::AlreadyResolved));
    assert_eq!(desk.funds.take(id, Money(1)), Err(NoHold::AlreadyResolved));
    assert_eq!(desk.funds.quarantine(id), Err(NoHold::AlreadyResolved));
    assert_eq!(desk.hold(&[need(id, NEAR, 10)]), Err(HoldError::Duplicate { order: id }));
    let older = order(6, 1, 900);
    assert_eq!(desk.hold(&[need(older, NEAR, 1)]), Err(HoldError::Duplicate { order: older }));
    assert_eq!(desk.digest(), before);
    desk.hold(&[need(order(7, 0, 1), NEAR, 10)]).unwrap(); // another leg counts for itself
}

#[test]
fn a_fill_beyond_the_hold_takes_what_is_left() {
    let mut desk = Desk::new();
    let id = order(1, 0, 1);
    desk.hold(&[need(id, NEAR, 10)]).unwrap();
    assert_eq!(desk.funds.take_share(id, qty(0), qty(3)), Ok(Money::ZERO));
    assert_eq!(desk.funds.take_share(id, qty(1), qty(3)), Ok(Money(3_333_333_333)));
    assert_eq!(desk.funds.take_share(id, qty(1), qty(2)), Ok(Money(3_333_333_333)));
    assert_eq!(desk.funds.take_share(id, qty(1), qty(1)), Ok(Money(3_333_333_334)));
    assert_eq!(desk.funds.take(id, Money::units(1)), Ok(Money::ZERO));
    assert_eq!(desk.funds.void(id), Ok(Money::ZERO));
    assert_eq!(desk.near(), [1_000, 0, 0, 0]);
}

#[test]
fn repair_draws_on_the_reserve_first_and_on_free_money_after() {
    let mut desk = Desk::new();
    let decision = order(1, 0, 0);
    let needs =
        [need(decision, NEAR, 50), need(decision, FAR, 60), need(order(1, 0, 1), NEAR, 850)];
    desk.hold(&needs).unwrap();
    assert_eq!(desk.near(), [100, 900, 0, 0]);
    let supplement = order(1, 1, 1);
    assert_eq!(desk.funds.draw(decision, &need(supplement, NEAR, 30)), Ok(Held::New));
    assert_eq!(desk.near(), [100, 900, 0, 0]);
    assert_eq!(desk.funds.draw(decision, &need(supplement, NEAR, 30)), Ok(Held::Exists));
    // 20 are left of the reserve; the usage cap does not bind what is drawn.
    let more = need(order(1, 1, 2), NEAR, 120);
    assert_eq!(desk.funds.draw(decision, &more), Ok(Held::New));
    assert_eq!(desk.near(), [0, 1_000, 0, 0]);
    let short =
        Short { account: NEAR, kind: ShortKind::Available, needed: 1_000_000_000, limit: 0 };
    let over = desk.funds.draw(decision, &need(order(1, 1, 3), NEAR, 1));
    assert_eq!(over, Err(HoldError::Short(short)));
    assert_eq!(desk.funds.take(decision, Money(1)), Err(NoHold::Never));
    assert_eq!(desk.funds.void(decision), Ok(Money::units(60)));
    assert_eq!(desk.funds.void(decision), Err(NoHold::AlreadyResolved));
    desk.funds.check();
}

#[test]
fn what_reduces_is_not_bound_by_the_usage_cap() {
    let mut desk = Desk::new();
    desk.funds.set_margin(NEAR, Money::units(950));
    let exit = need(order(1, 0, 1), NEAR, 5);
    assert!(matches!(
        desk.hold(&[exit]),
        Err(HoldError::Short(Short { kind: ShortKind::Usage, .. }))
    ));
    assert_eq!(desk.funds.hold_reducing(&[exit]), Ok(Held::New));
    let over = desk.funds.hold_reducing(&[need(order(1, 0, 2), NEAR, 46)]);
    assert!(matches!(over, Err(HoldError::Short(Short { kind: ShortKind::Available, .. }))));
}

/// What a close frees pays for it, whatever is missing already; what it holds beyond free money is
/// seen until it trades.
#[test]
fn a_close_is_carried_by_what_it_frees() {
    let mut desk = Desk::new();
    desk.funds.set_margin(NEAR, Money::units(1_200));
    assert_eq!(desk.near(), [-200, 0, 0, 1_200]);
    let close = |id, units, frees| Need { frees: Money::units(frees), ..need(id, NEAR, units) };
    let (first, second) = (order(1, 0, 1), order(1, 0, 2));
    let over = desk.funds.hold_reducing(&[close(first, 11, 10)]);
    assert!(matches!(over, Err(HoldError::Short(Short { kind: ShortKind::Available, .. }))));
    assert_eq!(desk.funds.hold_reducing(&[close(first, 10, 10)]), Ok(Held::New));
    assert_eq!(desk.funds.draw(order(1, 0, 0), &close(second, 10, 10)), Ok(Held::New));
    assert_eq!(desk.near(), [-220, 20, 0, 1_200]);
    assert_eq!(desk.funds.shortfall(NEAR, Money::ZERO), Some(Money::units(220)));
    // What adds risk counts on nothing.
    assert!(desk.hold(&[close(order(1, 0, 3), 1, 10)]).is_err());
    desk.funds.check();
}

/// Collateral that may carry an order carries what mends it, and what is held on it is not missing.
#[test]
fn collateral_carries_repair_and_holds_as_it_carries_entries() {
    let mut desk = Desk::new();
    let pledges = Terms { haircut: Ratio::ZERO, ..Terms::PLAIN };
    desk.funds = desk.funds.on([pledges, Terms::PLAIN].into_iter());
    desk.funds.cash(&cash(NEAR, CashKind::Collateral, 10_000), Money::ZERO);
    let decision = order(1, 0, 0);
    let enters = [need(decision, NEAR, 500), need(order(1, 0, 1), NEAR, 3_000)];
    assert_eq!(desk.hold(&enters), Ok(Held::New));
    assert_eq!(desk.near(), [-2_500, 3_500, 0, 0]);
    assert_eq!(desk.funds.shortfall(NEAR, Money::ZERO), None);
    // The venue says no, and it is sent again: more than what is kept for repair, and than the cash.
    desk.funds.void(order(1, 0, 1)).unwrap();
    assert_eq!(desk.funds.draw(decision, &need(order(1, 0, 2), NEAR, 3_000)), Ok(Held::New));
    assert_eq!(desk.funds.hold_reducing(&[need(order(2, 0, 1), NEAR, 900)]), Ok(Held::New));
    assert_eq!(desk.funds.keep(decision, &need(decision, NEAR, 100)), Ok(()));
    assert_eq!(desk.near(), [-3_000, 4_000, 0, 0]);
    // No more than there is of it.
    assert!(desk.funds.draw(decision, &need(order(1, 0, 3), NEAR, 7_101)).is_err());
    // It stands for what is set aside, and pays for nothing.
    desk.funds.fee(NEAR, Money::units(1_001));
    assert_eq!(desk.funds.shortfall(NEAR, Money::ZERO), Some(Money::units(1)));
    desk.funds.check();
}

#[test]
fn quarantine_keeps_the_money_until_the_order_is_proven_dead() {
    let mut desk = Desk::new();
    let id = order(1, 0, 1);
    desk.hold(&[need(id, NEAR, 10)]).unwrap();
    assert_eq!(desk.funds.quarantine(id), Ok(Money::units(10)));
    assert_eq!(desk.funds.quarantine(id), Ok(Money::ZERO));
    assert_eq!(desk.near(), [990, 0, 10, 0]);
    assert_eq!(desk.funds.take(id, Money::units(4)), Ok(Money::units(4)));
    assert_eq!(desk.funds.void(id), Ok(Money::units(6)));
    assert_eq!(desk.near(), [1_000, 0, 0, 0]);
}

#[test]
fn room_for_holds_is_bounded() {
    let mut desk = Desk::new();
    for attempt in 1..=8 {
        desk.hold(&[need(order(attempt, 0, 1), NEAR, 1)]).unwrap();
    }
    let ninth = need(order(9, 0, 1), NEAR, 1);
    assert_eq!(desk.hold(&[ninth]), Err(HoldError::Full { max: 8 }));
    desk.funds.void(order(3, 0, 1)).unwrap();
    assert_eq!(desk.hold(&[ninth]), Ok(Held::New));
}

#[test]
fn a_fill_may_take_more_than_there_is() {
    let mut desk = Desk::new();
    let money = TradeMoney { result: Money::units(-1_200), ..TradeMoney::default() };
    desk.funds.trade(NEAR, &money);
    assert_eq!(desk.funds.shortfall(NEAR, Money::ZERO), Some(Money::units(200)));
    assert_eq!(desk.funds.shortfall(FAR, Money::ZERO), None);
    desk.funds.trade(NEAR, &money.reversed());
    assert_eq!(desk.near(), [1_000, 0, 0, 0]);
    desk.funds.balanced();
}

#[test]
fn a_balance_is_compared_and_the_difference_booked() {
    let mut desk = Desk::new();
    desk.hold(&[need(order(1, 0, 1), NEAR, 10)]).unwrap();
    desk.funds.set_margin(NEAR, Money::units(100));
    let tolerance = Money::units(2);
    let mut compare = |units| desk.funds.cash(&cash(NEAR, CashKind::Balance, units), tolerance);
    assert_eq!(compare(1_002), None);
    assert_eq!(compare(998), None);
    let (ours, theirs) = (Money::units(1_000), Money::units(997));
    assert_eq!(compare(997), Some(Drift { ours, theirs }));
    assert_eq!(compare(997), None);
    assert_eq!(desk.funds.bucket(NEAR, Bucket::Adjustment), Money::units(3));
    desk.funds.balanced();
}

#[test]
fn the_day_counts_results_and_not_money_that_moves() {
    let mut desk = Desk::new();
    assert_eq!(desk.funds.day_result(NEAR, paper(0)), Money::ZERO);
    desk.funds.mark_day(NEAR, paper(7));
    for (kind, units) in [
        (CashKind::Transfer, -300),
        (CashKind::Funding, -2),
        (CashKind::Interest, 3),
        (CashKind::Fee, 4),
        (CashKind::Balance, 800), // 103 that nothing explains: not a gain
        (CashKind::Balance, 790), // 10 missing: a loss
        (CashKind::Opening, 500),
    ] {
        desk.funds.cash(&cash(NEAR, kind, units), Money::ZERO);
    }
    assert_eq!(desk.funds.day_result(NEAR, paper(7)), Money::units(-13));
    assert_eq!(desk.funds.balance(NEAR), Money::units(500));
    desk.funds.balanced();
}

/// What is lost on the way is a loss of the account that it left; neither gains by what is on its way
/// or has arrived, or a day's loss would be hidden by it.
#[test]
fn the_day_counts_what_a_transfer_costs_and_not_what_it_moves() {
    let mut desk = Desk::new();
    let ask = |desk: &mut Desk, id| {
        let amount = Money::units(100);
        let transfer = Transfer { id: TransferId(id), from: NEAR, to: FAR, amount };
        desk.funds.ask(&transfer, true, Time(0), Time(9)).unwrap();
    };
    let days = |desk: &Desk| [NEAR, FAR].map(|of| desk.funds.day_result(of, paper(0)));
    let news = |desk: &mut Desk, id, account, kind, units| {
        desk.funds.transfer_news(TransferId(id), &cash(account, kind, units))
    };
    desk.funds.mark_day(NEAR, paper(0));
    desk.funds.mark_day(FAR, paper(0));
    let day = |near, far| [Money::units(near), Money::units(far)];
    ask(&mut desk, 1);
    assert_eq!(days(&desk), day(0, 0));
    assert_eq!(news(&mut desk, 1, NEAR, CashKind::Left, 101), TransferNews::Booked);
    assert_eq!(days(&desk), day(0, 0));
    assert_eq!(news(&mut desk, 1, FAR, CashKind::Arrived, 99), TransferNews::Booked);
    assert_eq!(days(&desk), day(-2, 0));
    ask(&mut desk, 2);
    assert_eq!(news(&mut desk, 2, NEAR, CashKind::Failed, 97), TransferNews::Booked);
    assert_eq!(days(&desk), day(-5, 0));
    assert_eq!(news(&mut desk, 2, FAR, CashKind::Arrived, 100), TransferNews::Contradicts);
    assert_eq!(days(&desk), day(-2, 0));
    desk.funds.balanced();
}

/// Two banks tell of one transfer, each when it likes.
#[test]
fn a_transfer_is_booked_alike_whichever_end_tells_first() {
    let told = |first: bool| {
        let mut desk = Desk::new();
        let (id, amount) = (TransferId(1), Money::units(100));
        let transfer = Transfer { id, from: NEAR, to: FAR, amount };
        desk.funds.ask(&transfer, true, Time(0), Time(9)).unwrap();
        let left = cash(NEAR, CashKind::Left, 101);
        let arrived = cash(FAR, CashKind::Arrived, 99);
        let news = if first { [left, arrived] } else { [arrived, left] };
        for of in news {
            assert_eq!(desk.funds.transfer_news(id, &of), TransferNews::Booked);
            assert_eq!(desk.funds.transfer_news(id, &of), TransferNews::Known);
        }
        assert_eq!(desk.funds.transfer_news(id, &left), TransferNews::Known);
        desk.funds.check();
        desk
    };
    let (one, other) = (told(true), told(false));
    assert_eq!(one.funds.balance(NEAR), Money::units(899));
    assert_eq!(one.funds.balance(FAR), Money::units(1_099));
    assert_eq!(one.digest(), other.digest());
    // It has said how much had left; now it says another amount.
    let mut desk = other;
    let less = cash(NEAR, CashKind::Left, 98);
    assert_eq!(desk.funds.transfer_news(TransferId(1), &less), TransferNews::Contradicts);
    assert_eq!(desk.funds.balance(NEAR), Money::units(902));
    desk.funds.check();
}

#[test]
fn every_movement_names_what_it_is() {
    let mut desk = Desk::new();
    let before = Bucket::ALL.map(|bucket| desk.funds.bucket(NEAR, bucket).0);
    let money = TradeMoney {
        fee: Money(1),
        result: Money(-2),
        cash_value: Money(-4),
        locked: None,
        margin_change: Money(8),
    };
    desk.funds.trade(NEAR, &money);
    desk.funds.fee(NEAR, Money(16));
    desk.funds.variation(NEAR, Money(-32));
    desk.funds.adjust(NEAR, Money(-64));
    desk.funds.dust(NEAR, Money(-128));
    for (kind, amount) in
        [(CashKind::Transfer, -256), (CashKind::Funding, -512), (CashKind::Interest, -1_024)]
    {
        let news =
            Cash { account: NEAR, exchange: Time(0), kind, amount: Money(amount), transfer: None };
        desk.funds.cash(&news, Money::ZERO);
    }
    let fee = Cash { amount: Money(2_048), ..cash(NEAR, CashKind::Fee, 0) };
    desk.funds.cash(&fee, Money::ZERO);
    let opening = Cash { amount: Money(0), ..cash(NEAR, CashKind::Opening, 0) };
    let change =
        |bucket: Bucket| desk.funds.bucket(NEAR, bucket).0 - before[usize::from(bucket.code())];
    for (bucket, expected) in [
        (Bucket::Available, -4_095),
        (Bucket::Margin, 8),
        (Bucket::Fee, 1 + 16 + 2_048),
        (Bucket::Result, 2),
        (Bucket::Trade, 4),
        (Bucket::Variation, 32),
        (Bucket::Adjustment, 64),
        (Bucket::Dust, 128),
        (Bucket::Transfer, 256),
        (Bucket::Funding, 512),
        (Bucket::Interest, 1_024),
        (Bucket::Opening, 0),
    ] {
        assert_eq!(change(bucket), expected, "{}", bucket.name());
    }
    desk.funds.cash(&opening, Money::ZERO);
    assert_eq!(desk.funds.balance(NEAR), Money::ZERO);
    desk.funds.balanced();
}

#[test]
fn a_fee_in_a_foreign_currency_keeps_its_own_ledger() {
    let mut desk = Desk::new();
    desk.funds.foreign_fee(NEAR, CurrencyId(3), Money(5));
    desk.funds.foreign_fee(NEAR, CurrencyId(2), Money(1));
    desk.funds.foreign_fee(NEAR, CurrencyId(3), Money(-2));
    assert_eq!(desk.funds.foreign_fees(NEAR, CurrencyId(3)), Money(3));
    assert_eq!(desk.funds.foreign_fees(FAR, CurrencyId(3)), Money::ZERO);
    assert_eq!(desk.near(), [1_000, 0, 0, 0]);
    desk.funds.balanced();
    desk.funds.check();
}

// Positions.

const NETTED: InstrumentId = InstrumentId(0);
const GROSS: InstrumentId = InstrumentId(1);
const BY_DAY: InstrumentId = InstrumentId(2);
const SPOT: InstrumentId = InstrumentId(3);

const BY_TRADE: InstrumentId = InstrumentId(4);
const AVERAGED: InstrumentId = InstrumentId(5);
const PROMPT: InstrumentId = InstrumentId(6);

const PAIRS: [(AccountId, InstrumentId, Netting, Settlement); 8] = [
    (FAR, SPOT, Netting::Net, Settlement::Upfront),
    (NEAR, NETTED, Netting::Net, Settlement::DailyVm),
    (NEAR, GROSS, Netting::Gross, Settlement::DailyVm),
    (NEAR, BY_DAY, Netting::GrossByDay, Settlement::DailyVm),
    (FAR, NETTED, Netting::Net, Settlement::DailyVm),
    (NEAR, BY_TRADE, Netting::Net, Settlement::OnClose(Matching::FirstIn)),
    (NEAR, AVERAGED, Netting::Net, Settlement::OnClose(Matching::Average)),
    (FAR, PROMPT, Netting::Net, Settlement::PromptForward),
];

/// Hedge and leg of what each pair may belong to; the last leg of hedge 0 only prices.
const LEGS: [[(AccountId, InstrumentId); 4]; 2] = [
    [(NEAR, NETTED), (NEAR, GROSS), (FAR, SPOT), (FAR, PROMPT)],
    [(NEAR, NETTED), (NEAR, BY_DAY), (FAR, NETTED), (NEAR, BY_TRADE)],
];

fn positions() -> Positions {
    let pairs = PAIRS.map(|(account, instrument, netting, settlement)| Pair {
        account,
        instrument,
        flag: FLAG,
        product: ProductId(0),
        netting,
        settlement,
    });
    let leg = |(account, instrument), lots: &str| LegPlan {
        instrument,
        account,
        side: Side::Buy,
        lots: ratio(lots),
        units: 1,
        coef: 1,
        fx: None,
        tick_num: 1,
        tick_den: 1,
    };
    let plan = |legs| HedgePlan {
        name: "hedge".into(),
        priority: 0,
        currency: CurrencyId(0),
        legs,
        denominator: 1,
        unit_den: 1,
        set_units: 1,
    };
    let [first, second] = LEGS.map(|legs| legs.map(|pair| leg(pair, "1")).to_vec());
    let mut first = first;
    first.push(leg((FAR, GROSS), "0"));
    let prompts = instruments();
    Positions::new(7, &pairs, &[&plan(first), &plan(second)], 8)
        .unwrap()
        .on(prompts.iter().map(|of| of.prompts.clone()))
}

fn instruments() -> Table<InstrumentId, Instrument> {
    let style = |settlement| Instrument { settlement, ..future() };
    let days = |(from, prompt)| (Day(from), Day(prompt));
    let prompts = [(0, 8), (8, 9), (12, 20), (16, 20), (20, 200)].map(days).to_vec();
    Table::new(vec![
        future(),
        future(),
        future(),
        spot(),
        style(Settlement::OnClose(Matching::FirstIn)),
        style(Settlement::OnClose(Matching::Average)),
        Instrument { prompts: Prompts::new(prompts).unwrap(), ..style(Settlement::PromptForward) },
    ])
}

fn trade(owner: Owner, side: Side, effect: PositionEffect, lots: i64, price: i64) -> Trade {
    Trade { owner, side, effect, qty: qty(lots), price: Price(price) }
}

fn hedge(hedge: u16, leg: u8) -> Owner {
    Owner::Hedge(HedgeId(hedge), LegId(leg))
}

fn digest(positions: &Positions) -> Vec<u8> {
    let mut writer = Writer::new();
    positions.digest(&mut writer);
    writer.into_bytes()
}

fn settle(instrument: InstrumentId, price: i64, day: i32) -> Settle {
    Settle { instrument, price: Price(price), day: Day(day), exchange: Time(0) }
}

const OPEN: PositionEffect = PositionEffect::Open;
const CLOSE: PositionEffect = PositionEffect::Close;
const CLOSE_TODAY: PositionEffect = PositionEffect::CloseToday;

#[test]
fn a_partial_close_takes_the_floor_and_leaves_the_rest() {
    let mut positions = positions();
    let owner = hedge(0, 0);
    positions.fill(NEAR, NETTED, &trade(owner, Side::Buy, OPEN, 3, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(owner, Side::Buy, OPEN, 2, -101)).unwrap();
    // 98 ticks × lots for 5 lots; 2 of them are 39.2.
    let sold = positions.fill(NEAR, NETTED, &trade(owner, Side::Sell, OPEN, 2, 10)).unwrap();
    assert_eq!((sold.position.realised, sold.position.closed), (20 - 39, qty(2)));
    let sold = positions.fill(NEAR, NETTED, &trade(owner, Side::Sell, OPEN, 4, 10)).unwrap();
    assert_eq!((sold.position.realised, sold.position.opened), (30 - 59, qty(1)));
    assert_eq!(positions.lots(NEAR, NETTED), -1);
    assert_eq!(positions.inventory(HedgeId(0))[0], -1);
    positions.check();
}

#[test]
fn days_are_closed_by_their_own_effect() {
    let mut positions = positions();
    let owner = hedge(1, 1);
    positions.fill(NEAR, BY_DAY, &trade(owner, Side::Buy, OPEN, 4, 100)).unwrap();
    positions.settle(&settle(BY_DAY, 110, 20_000), &mut Vec::new()).unwrap();
    positions.fill(NEAR, BY_DAY, &trade(owner, Side::Buy, OPEN, 3, 120)).unwrap();
    let parts = |positions: &Positions, lots| -> Vec<(PositionEffect, Qty)> {
        positions
            .split(NEAR, BY_DAY, Side::Sell, qty(lots), First::Earlier)
            .unwrap()
            .iter()
            .collect()
    };
    let expected = [(CLOSE, qty(4)), (CLOSE_TODAY, qty(3)), (OPEN, qty(2))];
    assert_eq!(parts(&positions, 9), expected);
    // Today's first where those are cheaper: never more of either than there is.
    let today_first = |lots| -> Vec<(PositionEffect, Qty)> {
        let split = positions.split(NEAR, BY_DAY, Side::Sell, qty(lots), First::Today);
        split.unwrap().iter().collect()
    };
    assert_eq!(today_first(9), [(CLOSE_TODAY, qty(3)), (CLOSE, qty(4)), (OPEN, qty(2))]);
    assert_eq!(today_first(2), [(CLOSE_TODAY, qty(2))]);
    let id = order(1, 1, 1);
    positions.hold_lots(id, NEAR, BY_DAY, Side::Sell, CLOSE, qty(3)).unwrap();
    assert_eq!(parts(&positions, 2), [(CLOSE, qty(1)), (CLOSE_TODAY, qty(1))]);
    let today = trade(owner, Side::Sell, CLOSE_TODAY, 2, 130);
    assert_eq!(positions.fill(NEAR, BY_DAY, &today).unwrap().position.realised, 2 * (130 - 120));
    let earlier = trade(owner, Side::Sell, CLOSE, 3, 130);
    let filled = positions.fill(NEAR, BY_DAY, &earlier).unwrap();
    assert_eq!((filled.position.realised, filled.position.entry), (3 * (130 - 110), 300));
    assert_eq!(positions.release_lots(id, qty(3)), qty(3));
    // A closing order that finds nothing opens, and says so.
    let filled = positions.fill(NEAR, BY_DAY, &trade(owner, Side::Sell, CLOSE, 5, 130)).unwrap();
    assert_eq!((filled.position.closed, filled.excess), (qty(2), qty(3)));
    assert_eq!(positions.gross(NEAR, BY_DAY), (qty(0), qty(3)));
    positions.check();
}

#[test]
fn gross_positions_stand_beside_each_other() {
    let mut positions = positions();
    let owner = hedge(0, 1);
    positions.fill(NEAR, GROSS, &trade(owner, Side::Buy, OPEN, 4, 100)).unwrap();
    positions.fill(NEAR, GROSS, &trade(owner, Side::Sell, OPEN, 3, 105)).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(4), qty(3)));
    assert_eq!(positions.inventory(HedgeId(0))[1], 1);
    // The owner has realised what its position has not: both are worth the same at any mark.
    for mark in [-50, 0, 100, 333] {
        let leg = positions.leg_result(HedgeId(0), LegId(1), Price(mark));
        assert_eq!(leg, positions.position_result(NEAR, GROSS, Price(mark)));
    }
    let split: Vec<_> =
        positions.split(NEAR, GROSS, Side::Buy, qty(5), First::Earlier).unwrap().iter().collect();
    assert_eq!(split, [(CLOSE, qty(3)), (OPEN, qty(2))]);
    let margin = positions.margin_total(NEAR, &instruments());
    assert_eq!(margin, Money::units(4_000 / 10 + 1_600 + 1_500));
}

#[test]
fn two_orders_cannot_close_the_same_lots() {
    let mut positions = positions();
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Sell, OPEN, 5, 100)).unwrap();
    let mut hold = |attempt, effect, lots| {
        positions.hold_lots(order(attempt, 1, 1), NEAR, GROSS, Side::Buy, effect, qty(lots))
    };
    assert_eq!(hold(1, CLOSE, 4), Ok(qty(4)));
    assert_eq!(hold(1, CLOSE, 4), Err(PositionError::HeldBefore { order: order(1, 1, 1) }));
    let short = PositionError::LotsShort { asked: qty(2), free: qty(1) };
    assert_eq!(hold(2, CLOSE, 2), Err(short));
    assert_eq!(hold(2, CLOSE, 1), Ok(qty(1)));
    assert_eq!(hold(3, OPEN, 9), Ok(qty(0)));
    assert_eq!(positions.release_lots(order(1, 1, 1), qty(3)), qty(3));
    assert_eq!(positions.held_lots(order(1, 1, 1)), qty(1));
    assert_eq!(positions.release_all_lots(order(1, 1, 1)), qty(1));
    assert_eq!(positions.release_all_lots(order(1, 1, 1)), qty(0));
    let free = Closable { earlier: qty(4), today: qty(0) };
    assert_eq!(positions.closable(NEAR, GROSS, Side::Buy), free);
    positions.check();
}

#[test]
fn netted_orders_hold_what_they_close_and_open_the_rest() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 5, 100)).unwrap();
    let mut hold = |attempt, side, lots| {
        positions.hold_lots(order(attempt, 0, 1), NEAR, NETTED, side, OPEN, qty(lots))
    };
    assert_eq!(hold(1, Side::Sell, 3), Ok(qty(3)));
    assert_eq!(hold(2, Side::Sell, 7), Ok(qty(2)));
    assert_eq!(hold(3, Side::Sell, 7), Ok(qty(0)));
    assert_eq!(hold(4, Side::Buy, 7), Ok(qty(0)));
}

#[test]
fn what_is_paid_in_full_is_not_sold_short() {
    let mut positions = positions();
    positions.fill(FAR, SPOT, &trade(hedge(0, 2), Side::Buy, OPEN, 5, 100)).unwrap();
    let mut hold = |attempt, lots| {
        positions.hold_lots(order(attempt, 2, 1), FAR, SPOT, Side::Sell, OPEN, qty(lots))
    };
    let short = PositionError::LotsShort { asked: qty(6), free: qty(5) };
    assert_eq!(hold(1, 6), Err(short));
    assert_eq!(hold(1, 5), Ok(qty(5)));
    assert_eq!(hold(2, 1), Err(PositionError::LotsShort { asked: qty(1), free: qty(0) }));
}

#[test]
fn a_settlement_pays_variation_and_keeps_the_entry() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 5, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(hedge(1, 0), Side::Sell, OPEN, 2, 103)).unwrap();
    positions.fill(FAR, NETTED, &trade(hedge(1, 2), Side::Sell, OPEN, 4, 104)).unwrap();
    positions.fill(FAR, SPOT, &trade(hedge(0, 2), Side::Buy, OPEN, 1, 90)).unwrap();
    let mut variations = Vec::new();
    positions.settle(&settle(NETTED, 110, 7), &mut variations).unwrap();
    let expected = [
        Variation { account: NEAR, ticks_lots: 3 * 10, reached: (Qty::ZERO, Qty::ZERO) },
        Variation { account: FAR, ticks_lots: -4 * 6, reached: (Qty::ZERO, Qty::ZERO) },
    ];
    assert_eq!(variations, expected);
    assert_eq!(positions.day(NETTED), Day(8));
    let (side, rows) = positions.inventory_rows(HedgeId(0), LegId(0));
    assert_eq!((side, rows[0].day, rows[0].cost, rows[0].entry), (Side::Buy, Day(7), 550, 500));
    positions.check();
    let before = digest(&positions);
    let again = positions.settle(&settle(NETTED, 120, 7), &mut variations);
    assert_eq!(again, Err(PositionError::Settled { day: Day(7), today: Day(8) }));
    assert_eq!(digest(&positions), before);
    positions.settle(&settle(NETTED, 110, 8), &mut variations).unwrap();
    variations.clear();
    positions.settle(&settle(SPOT, 110, 7), &mut variations).unwrap();
    assert_eq!(variations, []);
    assert_eq!(positions.rows(FAR, SPOT, Side::Buy)[0].cost, 90);
}

#[test]
fn the_venues_word_is_taken_and_told() {
    let mut positions = positions();
    let say = |kind, long, short| Statement {
        account: NEAR,
        instrument: BY_DAY,
        exchange: Time(0),
        kind,
        long: qty(long),
        short: qty(short),
        price: Price(100),
    };
    assert_eq!(positions.statement(&say(StatementKind::Opening, 5, 2)), Ok(None));
    assert_eq!(positions.unassigned(NEAR, BY_DAY), 3);
    let split = positions.split(NEAR, BY_DAY, Side::Sell, qty(5), First::Earlier).unwrap();
    assert_eq!(split.iter().collect::<Vec<_>>(), [(CLOSE, qty(5))]); // of an earlier day
    assert_eq!(positions.statement(&say(StatementKind::Compare, 5, 2)), Ok(None));
    // One more on both sides: the net is the same, the position is not.
    let drift = positions.statement(&say(StatementKind::Compare, 6, 3)).unwrap().unwrap();
    assert_eq!((drift.ours, drift.theirs), ((qty(5), qty(2)), (qty(6), qty(3))));
    assert_eq!(positions.unassigned(NEAR, BY_DAY), 3);
    positions.settle(&settle(BY_DAY, 90, 1), &mut Vec::new()).unwrap();
    let drift = positions.statement(&say(StatementKind::Compare, 0, 3)).unwrap().unwrap();
    assert_eq!(drift.realised, 6 * (100 - 90));
    assert_eq!(positions.unassigned(NEAR, BY_DAY), -3);
    positions.check();
}

#[test]
fn lots_are_adopted_with_their_cost_and_crossed_at_a_price() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(Owner::Unassigned, Side::Buy, OPEN, 3, 100)).unwrap();
    positions.settle(&settle(NETTED, 104, 1), &mut Vec::new()).unwrap();
    positions.fill(NEAR, NETTED, &trade(Owner::Unassigned, Side::Buy, OPEN, 2, 110)).unwrap();
    let (first, second) = ((HedgeId(0), LegId(0)), (HedgeId(1), LegId(0)));
    let short = PositionError::LotsShort { asked: qty(6), free: qty(5) };
    assert_eq!(positions.adopt(first.0, first.1, 6), Err(short));
    let short = PositionError::LotsShort { asked: qty(1), free: qty(0) };
    assert_eq!(positions.adopt(first.0, first.1, -1), Err(short));
    assert_eq!(positions.adopt(first.0, first.1, 0), Err(PositionError::NoLots));
    positions.clone().adopt(first.0, first.1, 5).unwrap(); // all of them
    positions.adopt(first.0, first.1, 4).unwrap();
    let (_, rows) = positions.inventory_rows(first.0, first.1);
    let shape: Vec<_> = rows.iter().map(|row| (row.lots, row.cost, row.entry)).collect();
    assert_eq!(shape, [(3, 312, 300), (1, 110, 110)]);
    positions.check();
    let (given, taken) = positions.cross(first, second, 2, Price(120)).unwrap();
    assert_eq!((given.realised, taken.opened), (2 * (120 - 104), qty(2)));
    assert_eq!(positions.lots(NEAR, NETTED), 5);
    positions.check();
    let elsewhere = (HedgeId(1), LegId(2));
    let wrong = PositionError::NotTheLeg { hedge: HedgeId(1), leg: LegId(2) };
    assert_eq!(positions.cross(first, elsewhere, 1, Price(1)), Err(wrong));
}

#[test]
fn a_wrong_door_changes_nothing() {
    let mut positions = positions();
    let before = digest(&positions);
    let check = |positions: &mut Positions, account, instrument, owner, lots, expected| {
        let trade = trade(owner, Side::Buy, OPEN, lots, 1);
        assert_eq!(positions.fill(account, instrument, &trade), Err(expected));
        assert_eq!(positions.unfill(account, instrument, &trade, None), Err(expected));
    };
    let pair = PositionError::NoPair { account: FAR, instrument: GROSS };
    check(&mut positions, FAR, GROSS, Owner::Unassigned, 1, pair);
    check(&mut positions, NEAR, GROSS, Owner::Unassigned, 0, PositionError::NoLots);
    for (number, leg) in [(0, 0), (0, 3), (0, 7), (9, 1)] {
        let wrong = PositionError::NotTheLeg { hedge: HedgeId(number), leg: LegId(leg) };
        check(&mut positions, NEAR, GROSS, hedge(number, leg), 1, wrong);
    }
    assert_eq!(digest(&positions), before);
    assert_eq!(positions.lots(AccountId(9), GROSS), 0);
    assert_eq!(positions.inventory(HedgeId(9))[0], 0);
}

#[test]
fn a_bust_gives_back_what_the_close_had_closed() {
    let mut positions = positions();
    let owner = hedge(0, 0);
    positions.fill(NEAR, NETTED, &trade(owner, Side::Sell, OPEN, 2, 100)).unwrap();
    let buy = trade(owner, Side::Buy, OPEN, 5, 90);
    let was = positions.fill(NEAR, NETTED, &buy).unwrap();
    assert_eq!((was.position.realised, was.position.opened), (20, qty(3)));
    positions.settle(&settle(NETTED, 95, 1), &mut Vec::new()).unwrap();
    let back = positions.unfill(NEAR, NETTED, &buy, Some(&was)).unwrap();
    // 3 lots go at 90 that the settlement had marked to 95, and 20 were not realised after all.
    assert_eq!(back.position.realised, 3 * (90 - 95) - 20);
    let rows = positions.rows(NEAR, NETTED, Side::Sell);
    assert_eq!((rows[0].lots, rows[0].cost, rows[0].entry), (2, 200, 200));
    positions.check();
}

#[test]
fn a_bust_after_a_close_takes_its_share_of_the_cost() {
    let mut positions = positions();
    let owner = hedge(0, 0);
    positions.fill(NEAR, NETTED, &trade(owner, Side::Buy, OPEN, 2, 100)).unwrap();
    let dear = trade(owner, Side::Buy, OPEN, 1, 1_000);
    let was = positions.fill(NEAR, NETTED, &dear).unwrap();
    positions.fill(NEAR, NETTED, &trade(owner, Side::Sell, OPEN, 1, 500)).unwrap();
    // 2 lots at 800 are left. Taking 1,000 out would leave a lot that had cost less than nothing.
    let back = positions.unfill(NEAR, NETTED, &dear, Some(&was)).unwrap();
    assert_eq!(back.position.realised, 1_000 - 400);
    assert_eq!(positions.rows(NEAR, NETTED, Side::Buy)[0].cost, 400);
    // 2 bought at 100, 1 sold at 500: 400, and a lot at 100, whatever is in between.
    assert_eq!(positions.position_result(NEAR, NETTED, Price(130)), 400 + 30);
    positions.check();
}

#[test]
fn a_bust_of_lots_that_are_gone_takes_others_at_what_they_cost() {
    let mut positions = positions();
    let owner = hedge(0, 0);
    let early = trade(owner, Side::Buy, OPEN, 2, 100);
    let was = positions.fill(NEAR, NETTED, &early).unwrap();
    positions.fill(NEAR, NETTED, &trade(owner, Side::Sell, OPEN, 2, 105)).unwrap();
    positions.settle(&settle(NETTED, 110, 1), &mut Vec::new()).unwrap();
    positions.fill(NEAR, NETTED, &trade(owner, Side::Buy, OPEN, 5, 200)).unwrap();
    let back = positions.unfill(NEAR, NETTED, &early, Some(&was)).unwrap();
    assert_eq!(back.position.realised, 2 * (100 - 200));
    assert_eq!(positions.rows(NEAR, NETTED, Side::Buy)[0].cost, 600);
    positions.check();
}

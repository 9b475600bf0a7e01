//! Styles whose results settlements do not pay: what is paid when, at the edges.

use super::*;

const PAIR: (AccountId, InstrumentId) = (FAR, PROMPT);

/// Positions and money of one account in one instrument; a tick of a lot is worth 10.
struct Ledger {
    of: (AccountId, InstrumentId),
    positions: Positions,
    funds: Funds,
    instruments: Table<InstrumentId, Instrument>,
}

impl Ledger {
    fn new(of: (AccountId, InstrumentId)) -> Ledger {
        let (positions, instruments) = (positions(), instruments());
        Ledger { of, positions, funds: Funds::new(2, 4), instruments }
    }

    fn fill(&mut self, side: Side, lots: i64, price: i64) -> (Trade, Filled) {
        let trade = trade(Owner::Unassigned, side, PositionEffect::Open, lots, price);
        let was = self.positions.fill(self.of.0, self.of.1, &trade).unwrap();
        let money = was.money(&self.instruments[self.of.1], &trade, Money::ZERO);
        self.funds.trade(self.of.0, &money);
        (trade, was)
    }

    fn bust(&mut self, (trade, was): &(Trade, Filled)) {
        let back = self.positions.unfill(self.of.0, self.of.1, trade, Some(was)).unwrap();
        let money = back.money_back(&self.instruments[self.of.1], trade, Money::ZERO);
        self.funds.trade(self.of.0, &money);
    }

    /// Settles a day; gives the longs and shorts that have reached their prompt.
    fn settle(&mut self, day: i32, price: i64) -> (i64, i64) {
        let mut variations = Vec::new();
        self.positions.settle(&settle(self.of.1, price, day), &mut variations).unwrap();
        let mut reached = (0, 0);
        for variation in variations {
            let amount = self.instruments[self.of.1].value(variation.ticks_lots);
            self.funds.variation(variation.account, amount);
            reached = (variation.reached.0.get(), variation.reached.1.get());
        }
        self.funds.pay_forward(self.of.0, self.of.1, Day(day));
        self.positions.check();
        self.funds.check();
        reached
    }

    fn say(&mut self, long: i64, short: i64, price: i64) {
        let statement = Statement {
            account: self.of.0,
            instrument: self.of.1,
            exchange: Time(0),
            kind: StatementKind::Compare,
            long: qty(long),
            short: qty(short),
            price: Price(price),
        };
        let drift = self.positions.statement(&statement).unwrap();
        let realised = drift.map_or(0, |drift| drift.realised);
        self.funds.adjust(self.of.0, self.instruments[self.of.1].value(realised));
    }

    /// What has been paid, what is locked in, and the lots, in whole units.
    fn stands(&self) -> (i128, i128, (i64, i64)) {
        let (long, short) = self.positions.gross(self.of.0, self.of.1);
        let unit = |money: Money| money.0 / 1_000_000_000;
        let locked = self.funds.bucket(self.of.0, Bucket::Forward);
        (unit(self.funds.balance(self.of.0)), unit(locked), (long.get(), short.get()))
    }
}

// Prompts of a trade: day 8 for one of days 0 to 7, 9 for days 8 to 11, 20 for days 12 to 19.

#[test]
fn a_prompt_closes_its_own_lots_and_pays_on_its_day() {
    let mut ledger = Ledger::new(PAIR);
    ledger.fill(Side::Buy, 4, 100);
    assert_eq!(ledger.settle(4, 300), (0, 0));
    ledger.fill(Side::Sell, 1, 110);
    assert_eq!(ledger.stands(), (0, 100, (3, 0)));
    assert_eq!(ledger.settle(7, 300), (0, 0));
    // Another prompt: it opens beside them.
    ledger.fill(Side::Sell, 3, 120);
    assert_eq!(ledger.stands(), (0, 100, (3, 3)));
    assert_eq!(ledger.settle(8, 105), (3, 0));
    assert_eq!(ledger.stands(), (100 + 3 * 50, 0, (3, 3)));
    ledger.say(0, 3, 105);
    assert_eq!(ledger.settle(9, 130), (0, 3));
    assert_eq!(ledger.stands(), (250 - 3 * 100, 0, (0, 3)));
    ledger.say(0, 0, 130);
    assert_eq!(ledger.stands(), (-50, 0, (0, 0)));
}

#[test]
fn trades_of_days_with_one_prompt_close_each_other() {
    let mut ledger = Ledger::new(PAIR);
    ledger.settle(12, 100);
    ledger.fill(Side::Buy, 2, -40);
    ledger.settle(15, 100);
    ledger.fill(Side::Sell, 3, -45);
    assert_eq!(ledger.stands(), (0, -100, (0, 1)));
    // Its loss is there to be paid; at a price below zero a short gains as well.
    assert_eq!(ledger.settle(20, -50), (0, 1));
    assert_eq!(ledger.stands(), (-100 + 50, 0, (0, 1)));
}

#[test]
fn a_date_that_has_come_decides_before_a_settlement_names_it() {
    let mut ledger = Ledger::new(PAIR);
    ledger.settle(4, 100);
    ledger.fill(Side::Buy, 1, 100);
    // A weekend: the day after the settled one is not the next trading day.
    ledger.positions.set_date(Day(8));
    ledger.fill(Side::Sell, 1, 100);
    assert_eq!(ledger.stands(), (0, 0, (1, 1)));
    assert_eq!(ledger.positions.trade_day(PROMPT), Day(8));
}

#[test]
fn a_bust_takes_back_what_was_locked_in_before_and_after_its_prompt() {
    let mut ledger = Ledger::new(PAIR);
    ledger.fill(Side::Buy, 2, 100);
    let first = ledger.fill(Side::Sell, 1, 130);
    let second = ledger.fill(Side::Sell, 1, 150);
    assert_eq!(ledger.stands(), (0, 800, (0, 0)));
    ledger.bust(&first);
    assert_eq!(ledger.stands(), (0, 500, (1, 0)));
    assert_eq!(ledger.settle(8, 110), (1, 0));
    assert_eq!(ledger.stands(), (600, 0, (1, 0)));
    // Its prompt is over: what it brought goes back with the next settlement, which marks its lots.
    ledger.bust(&second);
    assert_eq!(ledger.stands(), (600, -500, (2, 0)));
    assert_eq!(ledger.settle(9, 110), (2, 0));
    assert_eq!(ledger.stands(), (200, 0, (2, 0)));
}

#[test]
fn a_fill_that_is_told_after_the_last_prompt_is_paid_with_the_next_settlement() {
    let mut ledger = Ledger::new(PAIR);
    ledger.settle(199, 100);
    ledger.fill(Side::Buy, 2, 90);
    assert_eq!(ledger.settle(200, 100), (2, 0));
    assert_eq!(ledger.stands(), (200, 0, (2, 0)));
    // Of the day before, heard of now: there is no later prompt that it could have.
    ledger.fill(Side::Sell, 1, 98);
    assert_eq!(ledger.stands(), (200, -20, (1, 0)));
    assert_eq!(ledger.settle(201, 100), (1, 0));
    assert_eq!(ledger.stands(), (180, 0, (1, 0)));
}

#[test]
fn a_statement_takes_lots_of_the_nearest_prompt_first() {
    let mut ledger = Ledger::new(PAIR);
    ledger.fill(Side::Buy, 2, 100);
    ledger.settle(7, 100);
    ledger.fill(Side::Buy, 3, 200);
    ledger.say(3, 0, 110);
    assert_eq!(ledger.stands(), (2 * 100, 0, (3, 0)));
    let rows = ledger.positions.rows(FAR, PROMPT, Side::Buy);
    assert_eq!((rows.len(), rows[0].cost), (1, 600));
}

#[test]
fn parts_of_what_is_paid_on_close_take_the_trade_that_came_first() {
    let mut ledger = Ledger::new((NEAR, BY_TRADE));
    ledger.fill(Side::Sell, 2, 100);
    ledger.fill(Side::Sell, 2, -10);
    assert_eq!(ledger.settle(4, 500), (0, 0));
    ledger.fill(Side::Buy, 1, 90);
    assert_eq!(ledger.stands(), (100, 0, (0, 3)));
    let last = ledger.fill(Side::Buy, 2, -20);
    assert_eq!(ledger.stands(), (100 + 1_200 + 100, 0, (0, 1)));
    ledger.bust(&last);
    assert_eq!(ledger.stands(), (100, 0, (0, 3)));
    ledger.say(0, 0, 50);
    assert_eq!(ledger.stands(), (100 + 500 - 1_200, 0, (0, 0)));
}

#[test]
fn parts_of_an_average_leave_what_rounding_keeps() {
    let mut ledger = Ledger::new((NEAR, AVERAGED));
    ledger.fill(Side::Buy, 1, 100);
    ledger.settle(4, 500);
    ledger.fill(Side::Buy, 2, 101);
    // 302 for three lots: the first to go takes 100, the second 101, the last 101.
    for expected in [20, 30, 40] {
        ledger.fill(Side::Sell, 1, 102);
        assert_eq!(ledger.stands().0, expected);
    }
    let (mut whole, mut part) = (Ledger::new((NEAR, AVERAGED)), Ledger::new((NEAR, AVERAGED)));
    whole.fill(Side::Buy, 3, -7);
    part.fill(Side::Buy, 3, -7);
    let (first, _) = (part.fill(Side::Buy, 1, 9), whole.fill(Side::Buy, 1, 9));
    part.bust(&first);
    part.fill(Side::Sell, 3, 0);
    whole.fill(Side::Sell, 4, 0);
    assert_eq!((part.stands().0, whole.stands().0), (210, 210 - 90));
}

// Coin contracts: 100 of the quote currency a lot, a tenth of it a tick.

const COIN: Settlement = Settlement::Coin(Money::units(1_000));

fn coin() -> Ledger {
    let pair = Pair {
        account: NEAR,
        instrument: NETTED,
        flag: FLAG,
        product: ProductId(0),
        netting: Netting::Net,
        settlement: COIN,
    };
    let listed = Instrument { tick_value: Money(1), settlement: COIN, ..future() };
    Ledger {
        of: (NEAR, NETTED),
        positions: Positions::new(1, &[pair], &[], 8).unwrap(),
        funds: Funds::new(2, 4),
        instruments: Table::new(vec![listed]),
    }
}

#[test]
fn a_coin_contract_pays_size_by_price_against_whoever_trades() {
    let cost = |side, price, lots| COIN.cost(side, Price(price), lots);
    // 100 ÷ 50,000 = 0.002 coins.
    assert_eq!(cost(Side::Buy, 500_000, 1), -2_000_000);
    assert_eq!(cost(Side::Sell, 500_000, 1), -2_000_000);
    // 100 ÷ 30,000 is 0.003333333 and a third of the smallest money.
    assert_eq!(
        (cost(Side::Buy, 300_000, 1), cost(Side::Sell, 300_000, 1)),
        (-3_333_333, -3_333_334)
    );
    assert_eq!(COIN.marked(Price(300_000), 2), -6_666_667);
    assert_eq!(COIN.marked(Price(300_000), -2), 6_666_666);
    for (opens, closes) in [(Side::Buy, 12_500_000), (Side::Sell, -12_500_000)] {
        let mut ledger = coin();
        ledger.fill(opens, 100, 500_000);
        ledger.fill(opens, 100, 400_000);
        ledger.settle(4, 450_000);
        ledger.fill(opens.flip(), 50, 500_000);
        assert_eq!(ledger.funds.balance(NEAR), Money(closes), "{opens:?}");
    }
}

proptest::proptest! {
    /// Whatever is traded, taken back and stated: what is paid is what flowed and what open lots
    /// cost, to the last 10⁻⁹ of a coin, and owners hold what the account holds.
    #[test]
    fn coins_are_neither_lost_nor_made(
        steps in proptest::collection::vec((0_u8..4, proptest::bool::ANY, 1_i64..9, 1_i64..60), 1..40),
    ) {
        let (mut ledger, mut flow) = (coin(), 0);
        let mut booked: Vec<(Trade, Filled)> = Vec::new();
        for (kind, buys, lots, price) in steps {
            let side = if buys { Side::Buy } else { Side::Sell };
            let signed = i128::from(side.sign());
            match kind {
                0 if !booked.is_empty() => {
                    let at = usize::try_from(lots).unwrap() % booked.len();
                    let gone = booked.swap_remove(at);
                    ledger.bust(&gone);
                    let cost = COIN.cost(gone.0.side, gone.0.price, gone.0.qty.get());
                    flow += i128::from(gone.0.side.sign()) * cost;
                }
                1 => {
                    let before = ledger.positions.lots(NEAR, NETTED);
                    let (long, short) = if buys { (lots, 0) } else { (0, lots) };
                    ledger.say(long, short, price);
                    let change = long - short - before;
                    if let Some(side) = Side::of(change) {
                        let cost = COIN.cost(side, Price(price), change.abs());
                        flow -= i128::from(side.sign()) * cost;
                    }
                }
                _ => {
                    booked.push(ledger.fill(side, lots, price));
                    flow -= signed * COIN.cost(side, Price(price), lots);
                }
            }
            ledger.positions.check();
            let cost = |side| -> i128 {
                ledger.positions.rows(NEAR, NETTED, side).iter().map(|row| row.cost).sum()
            };
            let paid = ledger.funds.balance(NEAR).0;
            proptest::prop_assert_eq!(paid, flow + cost(Side::Buy) - cost(Side::Sell));
        }
    }
}

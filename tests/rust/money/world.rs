//! Positions and money together: equity moves by what happened and by nothing else.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Fill { pair: usize, owner: u8, side: bool, effect: u8, lots: i64, price: i64, fee: i64 },
    Bust { which: usize, remembered: bool },
    Settle { instrument: u16, price: i64 },
    Mark { instrument: u16, price: i64 },
    Say { pair: usize, opening: bool, long: i64, short: i64, price: i64 },
    Adopt { hedge: u16, leg: u8, lots: i64 },
    Cross { back: bool, lots: i64, price: i64 },
    HoldLots { attempt: u32, pair: usize, side: bool, effect: u8, lots: i64 },
    ReleaseLots { attempt: u32, lots: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let price = || -60_i64..200;
    prop_oneof![
        8 => (0_usize..8, 0_u8..3, any::<bool>(), 0_u8..3, 1_i64..7, price(), -3_i64..9).prop_map(
            |(pair, owner, side, effect, lots, price, fee)| {
                Step::Fill { pair, owner, side, effect, lots, price, fee }
            },
        ),
        3 => (0_usize..20, any::<bool>())
            .prop_map(|(which, remembered)| Step::Bust { which, remembered }),
        1 => (0_u16..7, price()).prop_map(|(instrument, price)| Step::Settle { instrument, price }),
        1 => (0_u16..7, price()).prop_map(|(instrument, price)| Step::Mark { instrument, price }),
        1 => (0_usize..8, any::<bool>(), 0_i64..5, 0_i64..5, price()).prop_map(
            |(pair, opening, long, short, price)| Step::Say { pair, opening, long, short, price },
        ),
        1 => (0_u16..2, 0_u8..5, -4_i64..5)
            .prop_map(|(hedge, leg, lots)| Step::Adopt { hedge, leg, lots }),
        1 => (any::<bool>(), -4_i64..5, price())
            .prop_map(|(back, lots, price)| Step::Cross { back, lots, price }),
        2 => (1_u32..12, 0_usize..8, any::<bool>(), 0_u8..3, 1_i64..5).prop_map(
            |(attempt, pair, side, effect, lots)| {
                Step::HoldLots { attempt, pair, side, effect, lots }
            },
        ),
        1 => (1_u32..12, 0_i64..5)
            .prop_map(|(attempt, lots)| Step::ReleaseLots { attempt, lots }),
    ]
}

struct Execution {
    pair: usize,
    trade: Trade,
    fee: Money,
    was: Filled,
}

/// The real column, and beside it what must come out: signed lots, and equity in money.
struct World {
    positions: Positions,
    funds: Funds,
    instruments: Table<InstrumentId, Instrument>,
    marks: Table<InstrumentId, Option<Price>>,
    executions: Vec<Execution>,
    lots: [i64; 8],
    owned: [[i64; 4]; 2],
    equity: [Money; 2],
}

fn side_of(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

impl World {
    fn new() -> World {
        World {
            positions: positions(),
            funds: Funds::new(2, 4),
            instruments: instruments(),
            marks: Table::new(vec![Some(Price(100)); 7]),
            executions: Vec::new(),
            lots: [0; 8],
            owned: [[0; 4]; 2],
            equity: [Money::ZERO; 2],
        }
    }

    /// The owner of a fill in a pair: nobody, or the hedge whose leg it is.
    fn owner(pair: usize, choice: u8) -> Owner {
        let (account, instrument, ..) = PAIRS[pair];
        let legs = LEGS.iter().enumerate().flat_map(|(hedge, legs)| {
            legs.iter().enumerate().map(move |(leg, pair)| (hedge, leg, *pair))
        });
        let fits = legs.filter(|(_, _, pair)| *pair == (account, instrument));
        let owners: Vec<Owner> =
            fits.map(|(at, leg, _)| Owner::Hedge(HedgeId::at(at), LegId::at(leg))).collect();
        owners.get(usize::from(choice)).copied().unwrap_or(Owner::Unassigned)
    }

    /// What `lots` more of a pair, bought at `price`, do to what is owned and to equity.
    fn expect(&mut self, pair: usize, owner: Owner, lots: i64, price: Option<Price>) {
        self.lots[pair] += lots;
        if let Owner::Hedge(hedge, leg) = owner {
            self.owned[hedge.index()][leg.index()] += lots;
        }
        let (account, instrument, ..) = PAIRS[pair];
        let mark = self.marks[instrument].unwrap().0;
        let ticks = mark - price.map_or(0, |price| price.0);
        let change = self.instruments[instrument].value(i128::from(ticks) * i128::from(lots));
        self.equity[account.index()] += change;
    }

    fn fill(&mut self, pair: usize, trade: Trade, fee: Money) {
        let (account, instrument, ..) = PAIRS[pair];
        let was = self.positions.fill(account, instrument, &trade).unwrap();
        let money = was.money(&self.instruments[instrument], &trade, fee);
        self.funds.trade(account, &money);
        self.expect(pair, trade.owner, trade.side.sign() * trade.qty.get(), Some(trade.price));
        self.equity[account.index()] -= fee;
        self.executions.push(Execution { pair, trade, fee, was });
    }

    fn bust(&mut self, which: usize, remembered: bool) {
        if which >= self.executions.len() {
            return;
        }
        let Execution { pair, trade, fee, was } = self.executions.swap_remove(which);
        let (account, instrument, ..) = PAIRS[pair];
        let was = remembered.then_some(&was);
        let back = self.positions.unfill(account, instrument, &trade, was).unwrap();
        let money = back.money_back(&self.instruments[instrument], &trade, fee);
        self.funds.trade(account, &money);
        self.expect(pair, trade.owner, -trade.side.sign() * trade.qty.get(), Some(trade.price));
        self.equity[account.index()] += fee;
    }

    fn settle(&mut self, instrument: InstrumentId, price: Price) {
        let mut variations = Vec::new();
        let day = self.positions.day(instrument).0 + 3;
        self.positions.settle(&settle(instrument, price.0, day), &mut variations).unwrap();
        for Variation { account, ticks_lots, .. } in variations {
            let amount = self.instruments[instrument].value(ticks_lots);
            self.funds.variation(account, amount);
        }
        for account in [NEAR, FAR] {
            self.funds.pay_forward(account, instrument, Day(day));
        }
    }

    fn mark(&mut self, instrument: InstrumentId, price: Price) {
        let ticks = price.0 - self.marks[instrument].unwrap().0;
        self.marks[instrument] = Some(price);
        for (pair, (account, traded, ..)) in PAIRS.iter().enumerate() {
            if *traded == instrument {
                let moved = i128::from(ticks) * i128::from(self.lots[pair]);
                self.equity[account.index()] += self.instruments[instrument].value(moved);
            }
        }
    }

    fn say(&mut self, pair: usize, statement: &Statement) {
        let Statement { account, instrument, .. } = *statement;
        let (.., netting, settlement) = PAIRS[pair];
        let drift = self.positions.statement(statement).unwrap();
        let realised = drift.map_or(0, |drift| drift.realised);
        self.funds.adjust(account, self.instruments[instrument].value(realised));
        let change = statement.long.get() - statement.short.get() - self.lots[pair];
        let price = (settlement != Settlement::Upfront).then_some(statement.price);
        self.expect(pair, Owner::Unassigned, change, price);
        if netting != Netting::Net {
            let theirs = (statement.long, statement.short);
            assert_eq!(self.positions.gross(account, instrument), theirs);
        }
    }

    fn cross(&mut self, back: bool, lots: i64, price: Price) {
        let (mut from, mut to) = (0, 1);
        if back {
            (from, to) = (to, from);
        }
        let leg = |hedge| (HedgeId::at(hedge), LegId(0));
        if self.positions.cross(leg(from), leg(to), lots, price).is_ok() {
            self.owned[from][0] -= lots;
            self.owned[to][0] += lots;
        }
    }

    fn step(&mut self, step: &Step) {
        let effects = PositionEffect::ALL;
        match *step {
            Step::Fill { pair, owner, side, effect, lots, price, fee } => {
                let owner = World::owner(pair, owner);
                let effect = effects[usize::from(effect)];
                let trade = trade(owner, side_of(side), effect, lots, price);
                self.fill(pair, trade, Money(i128::from(fee)));
            }
            Step::Bust { which, remembered } => self.bust(which, remembered),
            Step::Settle { instrument, price } => {
                self.settle(InstrumentId(instrument), Price(price));
            }
            Step::Mark { instrument, price } => self.mark(InstrumentId(instrument), Price(price)),
            Step::Say { pair, opening, long, short, price } => {
                let (account, instrument, ..) = PAIRS[pair];
                let kind = if opening { StatementKind::Opening } else { StatementKind::Compare };
                let (mut long, mut short, price) = (qty(long), qty(short), Price(price));
                if PAIRS[pair].3 == Settlement::PromptForward {
                    // What it brings is of one prompt, in which longs and shorts cancel out.
                    (long, short) = (long.less(short), short.less(long));
                }
                let exchange = Time(0);
                let statement =
                    Statement { account, instrument, exchange, kind, long, short, price };
                self.say(pair, &statement);
            }
            Step::Adopt { hedge, leg, lots } => {
                if self.positions.adopt(HedgeId(hedge), LegId(leg), lots).is_ok() {
                    self.owned[usize::from(hedge)][usize::from(leg)] += lots;
                }
            }
            Step::Cross { back, lots, price } => self.cross(back, lots, Price(price)),
            Step::HoldLots { attempt, pair, side, effect, lots } => {
                let (account, instrument, ..) = PAIRS[pair];
                let (effect, side) = (effects[usize::from(effect)], side_of(side));
                let free = self.positions.closable(account, instrument, side);
                let held = self.positions.hold_lots(
                    order(attempt, 1, 1),
                    account,
                    instrument,
                    side,
                    effect,
                    qty(lots),
                );
                assert!(held.is_err() || held.unwrap() <= free.earlier + free.today);
            }
            Step::ReleaseLots { attempt, lots } => {
                self.positions.release_lots(order(attempt, 1, 1), qty(lots));
            }
        }
    }

    fn check(&mut self) {
        self.positions.check();
        for account in [NEAR, FAR] {
            let margin = self.positions.margin_total(account, &self.instruments);
            self.funds.set_margin(account, margin);
            let paper = self.positions.worth(
                account,
                |instrument| self.marks.get(instrument).copied().flatten(),
                &self.instruments,
            );
            let locked = self.funds.bucket(account, Bucket::Forward);
            assert_eq!(self.funds.equity(account, paper) + locked, self.equity[account.index()]);
        }
        self.funds.balanced();
        self.funds.check();
        for (lots, (account, instrument, ..)) in self.lots.iter().zip(PAIRS) {
            assert_eq!(self.positions.lots(account, instrument), *lots);
        }
        for (account, instrument, netting, settlement) in PAIRS {
            let (long, short) = self.positions.gross(account, instrument);
            let nets = netting == Netting::Net && settlement != Settlement::PromptForward;
            assert!(!nets || long.min(short).is_zero());
        }
        for (hedge, owned) in self.owned.iter().enumerate() {
            assert_eq!(&self.positions.inventory(HedgeId::at(hedge))[..4], owned);
        }
    }
}

/// Lots, cost and entry of both directions of a position or inventory.
fn shape(positions: &Positions, pair: usize, owner: Owner) -> Vec<(i64, i128, i128)> {
    let (account, instrument, ..) = PAIRS[pair];
    let longs = positions.rows(account, instrument, Side::Buy).to_vec();
    let shorts = positions.rows(account, instrument, Side::Sell).to_vec();
    let inventory = match owner {
        Owner::Hedge(hedge, leg) => {
            let (side, rows) = positions.inventory_rows(hedge, leg);
            let mut rows = rows.to_vec();
            for row in &mut rows {
                row.lots *= side.sign();
            }
            rows
        }
        Owner::Unassigned => Vec::new(),
    };
    let sums = |rows: Vec<cross_market_core::position::DayLots>| {
        rows.iter().fold((0, 0, 0), |(lots, cost, entry), row| {
            (lots + row.lots, cost + row.cost, entry + row.entry)
        })
    };
    [longs, shorts, inventory].map(sums).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is filled, busted, settled, stated, adopted and crossed in whichever order: equity
    /// changes by what the market moved and what was paid, and by nothing else; hedges and
    /// unassigned lots are the positions.
    #[test]
    fn equity_moves_by_what_happened_and_nothing_else(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.funds.begin_event();
            world.step(step);
            world.check();
        }
    }

    /// A bust right after its fill leaves lots, cost and entry as they were, to the tick.
    #[test]
    fn a_bust_right_after_its_fill_restores_the_position(
        steps in prop::collection::vec(step(), 0..30),
        pair in 0_usize..8,
        owner in 0_u8..3,
        buy in any::<bool>(),
        effect in 0_usize..3,
        lots in 1_i64..9,
        price in -60_i64..200,
    ) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        let owner = World::owner(pair, owner);
        let before = (shape(&world.positions, pair, owner), world.equity);
        let trade = trade(owner, side_of(buy), PositionEffect::ALL[effect], lots, price);
        world.fill(pair, trade, Money(7));
        world.bust(world.executions.len() - 1, true);
        prop_assert_eq!((shape(&world.positions, pair, owner), world.equity), before);
        world.check();
    }

    /// However a position is cut up, the parts realise what the whole does.
    #[test]
    fn parts_realise_what_the_whole_does(
        opened in prop::collection::vec((1_i64..9, -200_i64..200), 1..6),
        cuts in prop::collection::vec(1_i64..5, 1..40),
        price in -200_i64..200,
        buy in any::<bool>(),
    ) {
        let (mut whole, mut parts) = (positions(), positions());
        let (side, owner) = (side_of(buy), hedge(0, 1));
        for (lots, price) in &opened {
            for positions in [&mut whole, &mut parts] {
                positions.fill(NEAR, GROSS, &trade(owner, side, OPEN, *lots, *price)).unwrap();
            }
        }
        let mut left: i64 = opened.iter().map(|(lots, _)| lots).sum();
        let close = |lots| trade(owner, side.flip(), CLOSE, lots, price);
        let at_once = whole.fill(NEAR, GROSS, &close(left)).unwrap().position.realised;
        let mut realised = 0;
        for cut in cuts.iter().chain([&i64::MAX]) {
            let lots = left.min(*cut);
            if lots > 0 {
                realised += parts.fill(NEAR, GROSS, &close(lots)).unwrap().position.realised;
            }
            left -= lots;
        }
        prop_assert_eq!((realised, left), (at_once, 0));
        parts.check();
    }
}

//! W6: hold money for both legs of a hedge, then post or void it; 1,024 accounts.
//!
//! One turn holds two legs in two accounts and finishes the newest open set: 7 of 10 are posted
//! (taken, traded, voided), 3 are voided. The limit does the same with a bare array of balances
//! and a slab: no ids, no usage cap, no postings, no proof that they sum to zero. Both take turns
//! in small rounds, so that both meet the same machine; the median round of each is told.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::float_arithmetic,
    reason = "a program: it measures and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use cross_market_core::funds::{Cash, CashKind, Funds, Need, TradeMoney, Worth};
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, LegId, Table};
use cross_market_core::num::{Money, Ratio};
use cross_market_core::time::Time;

const ACCOUNTS: u16 = 1_024;
const TURNS: u32 = 2_000;
const ROUNDS: usize = 401;
const OPEN_MAX: usize = 32; // sets of two legs
const HEDGES: u32 = 1_000;

/// xorshift64: the same turns for both.
struct Turns(u64);

impl Turns {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn account(bits: u64) -> u16 {
    u16::try_from(bits % u64::from(ACCOUNTS)).unwrap()
}

/// Two accounts and an amount for each.
fn legs(bits: u64) -> [(u16, i64); 2] {
    let amount = |bits: u64| i64::try_from(bits & 0xFFFF).unwrap() + 1;
    [(account(bits), amount(bits >> 40)), (account(bits >> 10), amount(bits >> 24))]
}

fn is_posted(bits: u64) -> bool {
    bits % 10 < 7
}

struct Ours {
    funds: Funds,
    caps: Table<AccountId, Ratio>,
    unrealised: Table<AccountId, Worth>,
    next: u32,
    open: Vec<[Need; 2]>,
}

impl Ours {
    fn new() -> Ours {
        let mut funds = Funds::new(usize::from(ACCOUNTS), 4_096);
        for account in (0..ACCOUNTS).map(AccountId) {
            let (kind, amount) = (CashKind::Opening, Money::units(1_000_000));
            funds.cash(
                &Cash { account, exchange: Time(0), kind, amount, transfer: None },
                Money::ZERO,
            );
        }
        let caps = Table::new(vec![Ratio::new(9, 10).unwrap(); usize::from(ACCOUNTS)]);
        let unrealised = Table::new(vec![Worth::default(); usize::from(ACCOUNTS)]);
        Ours { funds, caps, unrealised, next: 0, open: Vec::with_capacity(OPEN_MAX) }
    }

    fn needs(&mut self, bits: u64) -> [Need; 2] {
        let hedge = HedgeId(u16::try_from(self.next % HEDGES).unwrap());
        let attempt = self.next / HEDGES + 1;
        self.next += 1;
        let legs = legs(bits);
        [0, 1].map(|leg: u8| {
            let (account, amount) = legs[usize::from(leg)];
            Need {
                order: ClientOrderId::pack(1, 1, hedge, attempt, LegId(leg), 1).unwrap(),
                account: AccountId(account),
                amount: Money(i128::from(amount)),
                frees: Money::ZERO,
            }
        })
    }

    fn run(&mut self, turns: &mut Turns) {
        for _ in 0..TURNS {
            let bits = turns.next();
            let needs = self.needs(bits);
            self.funds.begin_event();
            self.funds.hold(&needs, &self.caps, &self.unrealised).unwrap();
            self.funds.balanced();
            self.open.push(needs);
            if self.open.len() < OPEN_MAX && bits & 1 == 1 {
                continue;
            }
            for need in self.open.pop().into_iter().flatten() {
                self.funds.begin_event();
                if is_posted(bits) {
                    self.funds.take(need.order, need.amount).unwrap();
                    let cash_value = -need.amount;
                    let money = TradeMoney { cash_value, ..TradeMoney::default() };
                    self.funds.trade(need.account, &money);
                }
                self.funds.void(need.order).unwrap();
                self.funds.balanced();
            }
        }
        black_box(&self.funds);
    }
}

#[derive(Clone, Copy)]
struct Balance {
    available: i64,
    held: i64,
}

fn limit(balances: &mut [Balance], open: &mut Vec<[(u16, i64); 2]>, turns: &mut Turns) {
    for _ in 0..TURNS {
        let bits = turns.next();
        let legs = legs(bits);
        let carries =
            |(account, amount): &(u16, i64)| balances[usize::from(*account)].available >= *amount;
        if legs.iter().all(carries) {
            for (account, amount) in legs {
                let balance = &mut balances[usize::from(account)];
                balance.available -= amount;
                balance.held += amount;
            }
            open.push(legs);
        }
        if open.len() < OPEN_MAX && bits & 1 == 1 {
            continue;
        }
        for (account, amount) in open.pop().into_iter().flatten() {
            let balance = &mut balances[usize::from(account)];
            balance.held -= amount;
            if !is_posted(bits) {
                balance.available += amount;
            }
        }
    }
    black_box(balances);
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut ours = Ours::new();
    let (mut ours_turns, mut limit_turns) = (Turns(1_234_567), Turns(1_234_567));
    let mut balances = vec![Balance { available: 1 << 50, held: 0 }; usize::from(ACCOUNTS)];
    let mut open = Vec::with_capacity(OPEN_MAX);
    let (mut ours_ns, mut limit_ns) = (Vec::new(), Vec::new());
    // The first tenth warms up.
    for round in 0..ROUNDS + ROUNDS / 10 {
        let pair = (
            timed(|| ours.run(&mut ours_turns)),
            timed(|| limit(&mut balances, &mut open, &mut limit_turns)),
        );
        if round >= ROUNDS / 10 {
            ours_ns.push(pair.0);
            limit_ns.push(pair.1);
        }
    }
    ours.funds.check();
    let (ours, limit) = (median(ours_ns), median(limit_ns));
    println!(
        "FIGURE bench.W6 ours_ns={ours:.1} limit_ns={limit:.1} ratio={:.2} per_leg_ns={:.1}",
        ours / limit,
        ours / 2.0,
    );
}

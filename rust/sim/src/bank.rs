//! The bank between the accounts: what it does with a transfer, and what of that it tells.
//!
//! Money leaves and arrives at moments of its own; now and then it is late, never leaves, comes
//! back, arrives without a word that it left, or is first told to have failed and then arrives.
//! What was never told stands in the statement at the end of the day.

use cross_market_core::config::{Config, Route, TopUp, Windows};
use cross_market_core::event::{Event, Verb};
use cross_market_core::funds::{Cash, CashKind, Transfer, TransferId};
use cross_market_core::ids::AccountId;
use cross_market_core::num::{MONEY_MAX, Money, Ratio};
use cross_market_core::threshold::Level;
use cross_market_core::time::{Span, Time};

use crate::random::Random;
use crate::world::{Item, World};

/// Something that the bank does or tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed {
    transfer: Transfer,
    kind: CashKind,
    amount: Money,
    /// Whether money moves with it; else it is only told, perhaps falsely.
    moves: bool,
    /// Whether it is told now; else at the end of the day.
    told: bool,
}

/// The bank's own state.
#[derive(Debug)]
pub(crate) struct Bank {
    random: Random,
    /// What is still to be told.
    untold: Vec<Cash>,
}

impl Bank {
    pub(crate) fn new(seed: u64) -> Bank {
        Bank { random: Random::stream(seed, 20), untold: Vec::new() }
    }

    /// What becomes of a transfer, and after how long.
    fn plan(&mut self, transfer: &Transfer, lead: Span) -> Vec<(Span, Deed)> {
        let random = &mut self.random;
        let soon = Span(random.between(0, lead.0 / 4));
        let then = Span(soon.0 + random.between(1, lead.0 / 2));
        let late = Span(lead.0 + random.between(1, lead.0));
        let cost = if random.below(3) == 0 { transfer.amount.0 / 100 } else { 0 };
        let deed =
            |kind, amount, moves, told| Deed { transfer: *transfer, kind, amount, moves, told };
        let (all, rest) = (transfer.amount, Money(transfer.amount.0 - cost));
        let left = |told| deed(CashKind::Left, all, true, told);
        let arrived = |told| deed(CashKind::Arrived, rest, true, told);
        let back = |amount, moves| deed(CashKind::Failed, amount, moves, true);
        match random.below(12) {
            0 => vec![(soon, left(true)), (late, arrived(true))],
            1 => vec![(soon, back(all, false))],
            2 => vec![(soon, left(true)), (then, back(rest, true))],
            3 => vec![(soon, left(false)), (then, arrived(true))],
            4 => {
                let again = |deed: Deed| Deed { moves: false, ..deed };
                let (gone, there) = (left(true), arrived(true));
                vec![(soon, gone), (then, there), (then, again(there)), (late, again(gone))]
            }
            5 => vec![(soon, left(true)), (then, back(all, false)), (late, arrived(true))],
            6 => vec![(soon, left(true)), (then, arrived(false))],
            7 => vec![(soon, left(false)), (late, arrived(false))],
            _ => vec![(soon, left(true)), (then, arrived(true))],
        }
    }
}

impl World {
    /// The bank takes a transfer on.
    pub(crate) fn transfer(&mut self, transfer: &Transfer) {
        let route = self.config.route(transfer.from, transfer.to);
        let lead = route.map_or(Span(1), |route| route.lead);
        for (after, deed) in self.bank.plan(transfer, lead) {
            self.push(self.now() + after, Item::Bank(deed));
        }
    }

    pub(crate) fn bank(&mut self, deed: &Deed) {
        let Deed { transfer, kind, amount, moves, told } = *deed;
        let account = if kind == CashKind::Arrived { transfer.to } else { transfer.from };
        if moves {
            self.truth.pay(account, if kind == CashKind::Left { -amount } else { amount });
        }
        let news = cash(account, self.now(), kind, amount, &transfer);
        if told {
            self.send(self.now(), Event::Cash(Box::new(news)));
        } else {
            self.bank.untold.push(news);
        }
    }

    /// The bank's statement: all that it has not told yet.
    pub(crate) fn bank_statement(&mut self) {
        for news in std::mem::take(&mut self.bank.untold) {
            self.send(self.now(), Event::Cash(Box::new(news)));
        }
    }
}

fn cash(
    account: AccountId,
    exchange: Time,
    kind: CashKind,
    amount: Money,
    transfer: &Transfer,
) -> Cash {
    Cash { account, exchange, kind, amount, transfer: Some(transfer.id) }
}

/// Every second route tops up the account that it leads to.
fn top_up(random: &mut Random, config: &mut Config, balances: &[Money]) {
    for route in &mut config.routes {
        if random.below(2) > 0 {
            continue;
        }
        let there = balances.get(usize::from(route.from.0)).map_or(0, |balance| balance.0);
        let some = |of: i64| Money((there.max(100) / 100 * i128::from(of)).max(1));
        let Ok(usage) = Ratio::new(random.between(1, 100).into(), 100) else { continue };
        route.top_up = Some(TopUp {
            at: *random.pick(&Level::ALL[1..]).unwrap_or(&Level::Warn),
            usage,
            step: some(random.between(1, 8)),
            keep: some(random.between(0, 60)),
        });
    }
}

/// Routes between the accounts of one currency, by every fourth desk, and transfers over them.
pub(crate) fn draw(
    seed: u64,
    config: &mut Config,
    balances: &[Money],
    lasts: Span,
    start: Time,
) -> Vec<(Span, Verb)> {
    let mut random = Random::stream(seed, 18);
    if random.below(4) > 0 {
        return Vec::new();
    }
    for (from, of) in config.accounts.pairs() {
        for (to, other) in config.accounts.pairs() {
            if from == to || of.currency != other.currency {
                continue;
            }
            let until = start + Span(random.between(1, lasts.0));
            let shuts = random.below(4) == 0;
            config.routes.push(Route {
                from,
                to,
                windows: if shuts { Windows::of(vec![(start, until)]) } else { Windows::always() },
                lead: Span(random.between(8, lasts.0.max(16) / 2)),
                least: Money(1),
                most: MONEY_MAX,
                cost: Money::ZERO,
                haircut: Ratio::ZERO,
                same_currency: true,
                top_up: None,
            });
        }
    }
    if config.routes.is_empty() {
        return Vec::new();
    }
    top_up(&mut Random::stream(seed, 28), config, balances);
    let count = random.between(1, 5);
    let mut moments: Vec<i64> = (0..count).map(|_| random.between(0, lasts.0)).collect();
    moments.sort_unstable();
    let mut verbs = Vec::new();
    for (id, at) in (1..).zip(moments) {
        let Some(route) = config.routes.get(random.index(config.routes.len())) else { continue };
        let there = balances.get(usize::from(route.from.0)).map_or(0, |balance| balance.0);
        // Mostly a part of what is there, now and then more than that.
        let amount = Money((there.max(100) / 8 * i128::from(random.between(1, 9))).max(1));
        let transfer = Transfer { id: TransferId(id), from: route.from, to: route.to, amount };
        verbs.push((Span(at), Verb::Transfer(transfer)));
        if random.below(4) == 0 {
            verbs.push((Span(at), Verb::Transfer(transfer)));
        }
    }
    verbs
}

//! Money and lots of all accounts as events tell of them: what flowed, and nothing else.
//!
//! It knows no margin, no holds and no results. A margined lot has cost what it was traded or marked
//! at, so the balance of an account is all that flowed and the cost of the lots that are open; where
//! none are open, or a settlement has just marked them, that leaves no choice.

use std::collections::BTreeMap;

use cross_market_core::config::Config;
use cross_market_core::funds::{Cash, CashKind, Transfer, TransferId};
use cross_market_core::ids::{AccountId, Id, InstrumentId, Text};
use cross_market_core::instrument::{PositionEffect, Settlement};
use cross_market_core::num::{Money, Qty, Side};
use cross_market_core::order::{FeeNews, Fill, LiquiditySide, News, Report};
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::time::{Day, Time};

use crate::sent::{Change, Costs, Heard};
use crate::unpaid::{self, Unpaid};

/// Lots and flow of one instrument in one account.
#[derive(Clone, Debug)]
struct Held {
    /// Signed lots.
    lots: i64,
    /// Σ price × lots of what was sold less what was bought, in ticks × lots; only with margin.
    flow: i128,
    /// What of it has been paid, where that is not settled daily.
    unpaid: Option<Unpaid>,
}

/// Money and lots as events tell of them.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// What every account was paid, by whatever but trades with margin.
    paid: Vec<Money>,
    held: BTreeMap<(AccountId, InstrumentId), Held>,
    /// The trading day after the last that was settled.
    days: BTreeMap<InstrumentId, Day>,
    /// Executions of others.
    foreign: BTreeMap<(AccountId, InstrumentId, Side, Text), Heard>,
    ways: BTreeMap<TransferId, Way>,
}

/// Money on its way.
#[derive(Clone, Copy, Debug)]
struct Way {
    left: Money,
    from: AccountId,
    /// Where it ended, and with how much.
    end: Option<(CashKind, AccountId, Money)>,
}

impl Told {
    pub(crate) fn new(accounts: usize) -> Told {
        Told {
            paid: vec![Money::ZERO; accounts],
            held: BTreeMap::new(),
            days: BTreeMap::new(),
            foreign: BTreeMap::new(),
            ways: BTreeMap::new(),
        }
    }

    fn pay(&mut self, account: AccountId, amount: Money) {
        if let Some(paid) = self.paid.get_mut(account.index()) {
            *paid += amount;
        }
    }

    /// What executions in the instrument cost the account.
    pub(crate) fn costs(
        config: &Config,
        (account, instrument): (AccountId, InstrumentId),
        effect: PositionEffect,
    ) -> Option<Costs> {
        let (account, listed) =
            (config.accounts.get(account)?, config.instruments.get(instrument)?);
        let (fee, tick_value) = (listed.fees.by(effect), listed.tick_value);
        Some(Costs { fee, tick_value, currency: account.currency })
    }

    /// Lots of an instrument in an account; nothing of one that is not listed.
    fn held(&mut self, config: &Config, of: (AccountId, InstrumentId)) -> Option<&mut Held> {
        let listed = config.instruments.get(of.1)?;
        let netting = config.venues.get(listed.venue)?.netting;
        let new = || Held { lots: 0, flow: 0, unpaid: Unpaid::of(listed, netting) };
        Some(self.held.entry(of).or_insert_with(new))
    }

    /// The day that a trade is booked to at `now`.
    fn day(&self, instrument: InstrumentId, now: Time) -> Day {
        self.days.get(&instrument).copied().unwrap_or(Day(0)).max(now.date())
    }

    /// Whether an order in an instrument would have a prompt at `now`, or needs none.
    pub(crate) fn has_prompt(&self, config: &Config, instrument: InstrumentId, now: Time) -> bool {
        let day = self.day(instrument, now);
        config.instruments.get(instrument).is_none_or(|listed| unpaid::has_prompt(listed, day))
    }

    /// A settlement.
    pub(crate) fn settle(&mut self, settle: &Settle) {
        let all =
            self.held.iter_mut().filter(|((_, instrument), _)| *instrument == settle.instrument);
        for (_, held) in all {
            if let Some(unpaid) = &mut held.unpaid {
                unpaid.settle(settle.price, settle.day);
            }
        }
        self.days.insert(settle.instrument, Day(settle.day.0 + 1));
    }

    /// Books what news of an execution changes.
    pub(crate) fn trade(
        &mut self,
        config: &Config,
        (account, instrument): (AccountId, InstrumentId),
        (now, side): (Time, Side),
        change: &Change,
    ) {
        let Some(listed) = config.instruments.get(instrument) else { return };
        let value = i128::from(side.sign()) * change.value;
        let day = self.day(instrument, now);
        let Some(held) = self.held(config, (account, instrument)) else { return };
        held.lots += side.sign() * change.lots;
        if let Some(unpaid) = &mut held.unpaid {
            unpaid.trade(listed, day, change, side.sign());
        }
        match listed.settlement {
            Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward
            | Settlement::Coin(_) => {
                held.flow -= value;
            }
            Settlement::Upfront => self.pay(account, Money(-listed.tick_value.0 * value)),
        }
        self.pay(account, -change.fee);
    }

    /// Money that came or went without a trade. `adjusted`: what a comparison changed.
    pub(crate) fn cash(&mut self, cash: &Cash, adjusted: Money) {
        let amount = match cash.kind {
            CashKind::Opening | CashKind::Transfer | CashKind::Funding | CashKind::Interest => {
                cash.amount
            }
            CashKind::Balance => adjusted,
            CashKind::Fee => -cash.amount,
            CashKind::Collateral => Money::ZERO,
            CashKind::Left | CashKind::Arrived | CashKind::Failed => {
                self.moved(cash);
                return;
            }
        };
        self.pay(cash.account, amount);
    }

    /// A transfer was asked for: its money is free no longer.
    pub(crate) fn asked(&mut self, transfer: &Transfer) {
        self.pay(transfer.from, -transfer.amount);
        let way = Way { left: transfer.amount, from: transfer.from, end: None };
        self.ways.insert(transfer.id, way);
    }

    /// Whether a transfer was asked for.
    pub(crate) fn knows(&self, id: TransferId) -> bool {
        self.ways.contains_key(&id)
    }

    /// News of a transfer: the last word on its end counts, and on what has left before it ended.
    fn moved(&mut self, cash: &Cash) {
        let Some(mut way) = cash.transfer.and_then(|id| self.ways.get(&id).copied()) else {
            return;
        };
        if cash.kind == CashKind::Left {
            // That it left says nothing against its having arrived since.
            if way.end.is_some_and(|(kind, ..)| kind == CashKind::Arrived) {
                return;
            }
            self.pay(way.from, way.left - cash.amount);
            way.left = cash.amount;
        }
        if let Some((_, account, amount)) = way.end.take() {
            self.pay(account, -amount);
        }
        if cash.kind != CashKind::Left {
            self.pay(cash.account, cash.amount);
            way.end = Some((cash.kind, cash.account, cash.amount));
        }
        if let Some(id) = cash.transfer {
            self.ways.insert(id, way);
        }
    }

    /// Lots that were there before, or that a comparison found: taken over at the price it names.
    pub(crate) fn state(&mut self, config: &Config, statement: &Statement, drifts: bool) {
        if statement.kind == StatementKind::Compare && !drifts {
            return;
        }
        let key = (statement.account, statement.instrument);
        let wanted = statement.long.get() - statement.short.get();
        let lots = wanted - self.lots(key);
        let margined = config
            .instruments
            .get(statement.instrument)
            .is_some_and(|listed| listed.settlement != Settlement::Upfront);
        let Some(held) = self.held(config, key) else { return };
        held.lots = wanted;
        if let Some(unpaid) = &mut held.unpaid {
            *unpaid = Unpaid::Unknown;
        }
        if margined {
            held.flow -= i128::from(statement.price.0) * i128::from(lots);
        }
    }

    /// Whether it is an execution of others that was not heard of.
    pub(crate) fn is_new_foreign(&self, report: &Report) -> bool {
        match report.news {
            News::Fill(fill) => {
                let key = (report.account, report.instrument, fill.side, fill.trade_id);
                !self.foreign.contains_key(&key)
            }
            News::Accepted
            | News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. }
            | News::Bust { .. }
            | News::Correct { .. }
            | News::Fee { .. } => false,
        }
    }

    /// News of an execution that is not ours.
    pub(crate) fn foreign(&mut self, config: &Config, now: Time, report: &Report) {
        let of = (report.account, report.instrument);
        let Some(costs) = Told::costs(config, of, PositionEffect::Open) else { return };
        let fill = match report.news {
            News::Fill(fill) => fill,
            News::Bust { trade_id, side } => {
                let known = self.foreign.get_mut(&(of.0, of.1, side, trade_id));
                if let Some(change) = known.map(|known| known.revise(None, &costs)) {
                    self.trade(config, of, (now, side), &change);
                }
                return;
            }
            News::Correct { trade_id, side, price, qty } => {
                let known = self.foreign.get_mut(&(of.0, of.1, side, trade_id));
                let to = Some((price, qty.get()));
                if let Some(change) = known.map(|known| known.revise(to, &costs)) {
                    self.trade(config, of, (now, side), &change);
                }
                return;
            }
            News::Accepted
            | News::Rejected { .. }
            | News::Cancelled { .. }
            | News::Expired { .. }
            | News::CancelRejected { .. }
            | News::Status { .. }
            | News::Fee { .. } => return,
        };
        let key = (of.0, of.1, fill.side, fill.trade_id);
        if self.foreign.contains_key(&key) {
            return;
        }
        let told = match fill.fee {
            FeeNews::Paid { amount, currency } => Some(costs.own(amount, currency)),
            FeeNews::Pending => None,
        };
        let heard = Heard::new(&fill, fill.qty.get(), told, &costs);
        self.foreign.insert(key, heard);
        self.trade(config, of, (now, fill.side), &heard.stands());
    }

    /// Signed lots.
    pub(crate) fn lots(&self, key: (AccountId, InstrumentId)) -> i64 {
        self.held.get(&key).map_or(0, |held| held.lots)
    }

    /// Every position that was ever touched.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (AccountId, InstrumentId, i64)> + '_ {
        self.held.iter().map(|((account, instrument), held)| (*account, *instrument, held.lots))
    }

    /// The balance of an account whose open lots have cost so much, in ticks × lots, and which has
    /// locked in so much. Neither counts where what was paid is known without.
    pub(crate) fn balance(
        &self,
        config: &Config,
        account: AccountId,
        cost: &dyn Fn(InstrumentId) -> i128,
        forward: &dyn Fn(InstrumentId) -> Money,
    ) -> Money {
        let mut balance = self.paid.get(account.index()).copied().unwrap_or(Money::ZERO);
        let first = (account, InstrumentId(0));
        for ((_, instrument), held) in
            self.held.range(first..).take_while(|(of, _)| of.0 == account)
        {
            let Some(listed) = config.instruments.get(*instrument) else { continue };
            if listed.settlement == Settlement::Upfront {
                continue;
            }
            let value = |ticks| Money(listed.tick_value.0 * ticks);
            balance += match held.unpaid.as_ref().and_then(Unpaid::paid) {
                Some(paid) => value(paid),
                None => value(held.flow + cost(*instrument)) - forward(*instrument),
            };
        }
        balance
    }
}

/// A correction as a fill: its fee is told apart.
pub(crate) fn corrected(
    trade_id: Text,
    side: Side,
    price: cross_market_core::num::Price,
    qty: Qty,
) -> Fill {
    let (fee, liquidity) = (FeeNews::Pending, LiquiditySide::Taker);
    Fill { trade_id, side, price, qty, cum: None, fee, liquidity }
}

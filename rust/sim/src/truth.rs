//! What the venues hold in truth: positions by account and instrument, and money by account.
//!
//! The money model is apart from the engine's: it knows no margin, holds or cost of open lots, only
//! what flowed. A margined instrument's flows are completed by its open lots at the last settlement
//! price, so a balance exists once every margined position has been settled since its last trade.

use cross_market_core::ids::{AccountId, InstrumentId};
use cross_market_core::instrument::{Netting, PositionEffect, Settlement};
use cross_market_core::num::{Money, Price, Side};

/// What the truth needs to know of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Value of one tick of one lot.
    pub tick_value: Money,
    /// What a trade does to money.
    pub settlement: Settlement,
    /// How its venue keeps positions.
    pub netting: Netting,
}

/// Lots of one instrument in one account; longs and shorts by whether they were opened today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The account.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Long and short lots opened today, by [`Side::index`] of the side that opened them.
    today: [i64; 2],
    /// Those opened before.
    before: [i64; 2],
    /// Σ price × lots of all that was sold less all that was bought, in ticks × lots.
    flow: i128,
    /// The last settlement price, for which no trade has come since.
    settled: Option<Price>,
}

/// What of results has not been paid, as an engine has matched lots: it depends on the order in which
/// news came, which is not the venue's.
pub struct Unpaid<'a> {
    /// What open lots have cost, in ticks × lots.
    pub cost: &'a dyn Fn(InstrumentId) -> i128,
    /// What is locked in.
    pub forward: &'a dyn Fn(InstrumentId) -> Money,
}

impl std::fmt::Debug for Unpaid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unpaid")
    }
}

/// Lots held: long and short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lots {
    /// Long lots.
    pub long: i64,
    /// Short lots.
    pub short: i64,
}

/// Positions and money of all accounts.
#[derive(Clone, Debug)]
pub struct Truth {
    terms: Vec<Terms>,
    holdings: Vec<Holding>,
    cash: Vec<Money>,
}

/// Adds to one of a pair by side.
fn pair_mut(pair: &mut [i64; 2], side: Side) -> &mut i64 {
    let [buy, sell] = pair;
    match side {
        Side::Buy => buy,
        Side::Sell => sell,
    }
}

fn of_pair(pair: [i64; 2], side: Side) -> i64 {
    let [buy, sell] = pair;
    match side {
        Side::Buy => buy,
        Side::Sell => sell,
    }
}

impl Truth {
    /// Nothing held; `terms` by instrument.
    #[must_use]
    pub fn new(terms: Vec<Terms>, accounts: usize) -> Truth {
        Truth { terms, holdings: Vec::new(), cash: vec![Money::ZERO; accounts] }
    }

    fn terms(&self, instrument: InstrumentId) -> Terms {
        match self.terms.get(usize::from(instrument.0)) {
            Some(terms) => *terms,
            None => panic!("instrument {} is not in the simulation", instrument.0),
        }
    }

    fn find(&self, account: AccountId, instrument: InstrumentId) -> Option<&Holding> {
        self.holdings.iter().find(|h| h.account == account && h.instrument == instrument)
    }

    fn find_mut(&mut self, account: AccountId, instrument: InstrumentId) -> &mut Holding {
        let found = self
            .holdings
            .iter()
            .position(|h| h.account == account && h.instrument == instrument)
            .unwrap_or_else(|| {
                self.holdings.push(Holding {
                    account,
                    instrument,
                    today: [0; 2],
                    before: [0; 2],
                    flow: 0,
                    settled: None,
                });
                self.holdings.len() - 1
            });
        match self.holdings.get_mut(found) {
            Some(holding) => holding,
            None => panic!("a holding that was just found or made is there"),
        }
    }

    /// Books money that moved for any other reason than a trade.
    pub fn pay(&mut self, account: AccountId, amount: Money) {
        if let Some(cash) = self.cash.get_mut(usize::from(account.0)) {
            *cash += amount;
        }
    }

    /// Books lots that were there before the run, taken over at `price`.
    pub fn open(&mut self, account: AccountId, instrument: InstrumentId, lots: Lots, price: Price) {
        let terms = self.terms(instrument);
        let holding = self.find_mut(account, instrument);
        let [long, short] = &mut holding.before;
        *long += lots.long;
        *short += lots.short;
        if terms.settlement != Settlement::Upfront {
            holding.flow -= i128::from(price.0) * i128::from(lots.long - lots.short);
        }
        holding.settled = None;
    }

    /// Books a trade; `lots` below zero takes one back.
    pub fn trade(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        (side, effect): (Side, PositionEffect),
        price: Price,
        lots: i64,
    ) {
        let terms = self.terms(instrument);
        let holding = self.find_mut(account, instrument);
        holding.settled = None;
        let value = i128::from(price.0) * i128::from(lots) * i128::from(-side.sign());
        match (terms.netting, effect) {
            (Netting::Net, _) => net(holding, side, lots),
            (Netting::Gross | Netting::GrossByDay, PositionEffect::Open) => {
                *pair_mut(&mut holding.today, side) += lots;
            }
            (Netting::Gross, PositionEffect::Close | PositionEffect::CloseToday) => {
                close_any(holding, side.flip(), lots);
            }
            (Netting::GrossByDay, PositionEffect::Close) => {
                *pair_mut(&mut holding.before, side.flip()) -= lots;
            }
            (Netting::GrossByDay, PositionEffect::CloseToday) => {
                *pair_mut(&mut holding.today, side.flip()) -= lots;
            }
        }
        match terms.settlement {
            Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward
            | Settlement::Coin(_) => {
                holding.flow += value;
            }
            Settlement::Upfront => self.pay(account, Money(terms.tick_value.0 * value)),
        }
    }

    /// Lots that an order of `side` and `effect` may still close; `None` where it opens.
    #[must_use]
    pub fn closable(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        effect: PositionEffect,
    ) -> Option<i64> {
        let held = |pair: fn(&Holding) -> [i64; 2]| {
            self.find(account, instrument).map_or(0, |h| of_pair(pair(h), side.flip()))
        };
        let today = || held(|holding| holding.today);
        let before = || held(|holding| holding.before);
        match (self.terms(instrument).netting, effect) {
            (Netting::Net, _) | (_, PositionEffect::Open) => None,
            (Netting::Gross, PositionEffect::Close | PositionEffect::CloseToday) => {
                Some(today() + before())
            }
            (Netting::GrossByDay, PositionEffect::Close) => Some(before()),
            (Netting::GrossByDay, PositionEffect::CloseToday) => Some(today()),
        }
    }

    /// Settles an instrument: today's lots become yesterday's.
    pub fn settle(&mut self, instrument: InstrumentId, price: Price) {
        for holding in self.holdings.iter_mut().filter(|h| h.instrument == instrument) {
            let ([long, short], today) = (&mut holding.before, holding.today);
            *long += of_pair(today, Side::Buy);
            *short += of_pair(today, Side::Sell);
            holding.today = [0; 2];
            holding.settled = Some(price);
        }
    }

    /// Long and short lots.
    #[must_use]
    pub fn lots(&self, account: AccountId, instrument: InstrumentId) -> Lots {
        self.find(account, instrument).map_or(Lots::default(), |holding| Lots {
            long: of_pair(holding.today, Side::Buy) + of_pair(holding.before, Side::Buy),
            short: of_pair(holding.today, Side::Sell) + of_pair(holding.before, Side::Sell),
        })
    }

    /// Every position that was ever touched.
    pub fn holdings(&self) -> impl Iterator<Item = (AccountId, InstrumentId, Lots)> + '_ {
        self.holdings
            .iter()
            .map(|held| (held.account, held.instrument, self.lots(held.account, held.instrument)))
    }

    /// Whether an account has traded what settlements do not pay.
    #[must_use]
    pub fn is_unpaid(&self, account: AccountId) -> bool {
        let own = self.holdings.iter().filter(|held| held.account == account);
        own.map(|held| self.terms(held.instrument)).any(|terms| terms.settlement.is_unpaid())
    }

    /// The balance of an account, without unrealised results; `None` while a margined position
    /// has open lots and has not been settled since its last trade, or is not paid daily and nobody
    /// says what of it is unpaid.
    #[must_use]
    pub fn balance(&self, account: AccountId, unpaid: Option<&Unpaid<'_>>) -> Option<Money> {
        let mut balance = self.cash.get(usize::from(account.0)).copied()?;
        for holding in self.holdings.iter().filter(|held| held.account == account) {
            let terms = self.terms(holding.instrument);
            if terms.settlement == Settlement::Upfront {
                continue;
            }
            if terms.settlement.is_unpaid() {
                let unpaid = unpaid?;
                let value = holding.flow + (unpaid.cost)(holding.instrument);
                balance += Money(terms.tick_value.0 * value);
                balance -= (unpaid.forward)(holding.instrument);
                continue;
            }
            let lots = self.lots(account, holding.instrument);
            let marked = match (lots, holding.settled) {
                (Lots { long: 0, short: 0 }, _) => 0,
                (_, Some(price)) => i128::from(price.0) * i128::from(lots.long - lots.short),
                (_, None) => return None,
            };
            balance += Money(terms.tick_value.0 * (holding.flow + marked));
        }
        Some(balance)
    }
}

/// Nets `lots` of `side` against the other side; earlier lots go first.
fn net(holding: &mut Holding, side: Side, lots: i64) {
    let (side, lots) = if lots < 0 { (side.flip(), -lots) } else { (side, lots) };
    let held = of_pair(holding.today, side.flip()) + of_pair(holding.before, side.flip());
    let closed = lots.min(held);
    close_any(holding, side.flip(), closed);
    *pair_mut(&mut holding.today, side) += lots - closed;
}

/// Takes lots away from a direction, earlier ones first; what is put back is put back to today.
fn close_any(holding: &mut Holding, direction: Side, lots: i64) {
    let before = pair_mut(&mut holding.before, direction);
    let from_before = lots.min(*before).max(0);
    *before -= from_before;
    *pair_mut(&mut holding.today, direction) -= lots - from_before;
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: (AccountId, InstrumentId) = (AccountId(0), InstrumentId(0));

    fn truth(netting: Netting, settlement: Settlement) -> Truth {
        let terms = Terms { tick_value: Money(10), settlement, netting };
        Truth::new(vec![terms], 1)
    }

    #[test]
    fn netted_lots_cancel_out_and_flat_money_needs_no_mark() {
        let mut truth = truth(Netting::Net, Settlement::DailyVm);
        truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(100), 5);
        assert_eq!(truth.balance(HELD.0, None), None);
        truth.trade(HELD, (Side::Sell, PositionEffect::Open), Price(103), 7);
        assert_eq!(truth.lots(HELD.0, HELD.1), Lots { long: 0, short: 2 });
        truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(101), 2);
        // Bought at 500 + 202, sold at 721.
        assert_eq!(truth.balance(HELD.0, None), Some(Money(190)));
    }

    #[test]
    fn a_settlement_marks_what_is_open() {
        let mut truth = truth(Netting::Net, Settlement::DailyVm);
        truth.pay(HELD.0, Money(1_000));
        truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(-3), 4);
        truth.settle(HELD.1, Price(-5));
        assert_eq!(truth.balance(HELD.0, None), Some(Money(1_000 - 80)));
    }

    #[test]
    fn cash_settled_value_changes_hands_at_once() {
        let mut truth = truth(Netting::Net, Settlement::Upfront);
        truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(100), 3);
        assert_eq!(truth.balance(HELD.0, None), Some(Money(-3_000)));
    }

    #[test]
    fn gross_by_day_closes_the_day_it_was_told() {
        let mut truth = truth(Netting::GrossByDay, Settlement::DailyVm);
        truth.trade(HELD, (Side::Sell, PositionEffect::Open), Price(100), 3);
        let closable =
            |truth: &Truth, effect| truth.closable(HELD.0, HELD.1, Side::Buy, effect).unwrap();
        assert_eq!(closable(&truth, PositionEffect::CloseToday), 3);
        assert_eq!(closable(&truth, PositionEffect::Close), 0);
        truth.settle(HELD.1, Price(100));
        assert_eq!(closable(&truth, PositionEffect::Close), 3);
        truth.trade(HELD, (Side::Buy, PositionEffect::Close), Price(100), 3);
        assert_eq!(truth.balance(HELD.0, None), Some(Money::ZERO));
    }

    #[test]
    fn a_trade_taken_back_leaves_nothing() {
        for netting in [Netting::Net, Netting::Gross, Netting::GrossByDay] {
            let mut truth = truth(netting, Settlement::DailyVm);
            truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(100), 5);
            truth.trade(HELD, (Side::Buy, PositionEffect::Open), Price(100), -5);
            assert_eq!(truth.lots(HELD.0, HELD.1), Lots::default());
            assert_eq!(truth.balance(HELD.0, None), Some(Money::ZERO));
        }
    }
}

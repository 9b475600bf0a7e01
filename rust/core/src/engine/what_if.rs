//! What an attempt would come to, asked before it begins: nothing of the engine changes.
//!
//! The whole size is traded on copies of the positions and of the money, at the prices that the
//! books show, and then settled; so every figure is made by what books the real thing. Whether it
//! may begin at all is asked of the gates themselves, on a copy of the engine.

use super::Engine;
use super::decide::Begin;
use crate::error::{Error, Field};
use crate::funds::{Funds, View};
use crate::gate::{Denial, Refusal};
use crate::ids::{AccountId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId, Table};
use crate::num::{MONEY_UNIT, Money, Price, Qty, Side, div_ceil, div_floor};
use crate::position::{Owner, Positions, Settle, Trade};
use crate::quote::{Kind, LegLots, LegPlan};
use crate::time::Day;

/// A moment that [`WhatIf`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As it is.
    Now,
    /// The whole size has traded at what the books show.
    After,
    /// And all contracts have settled at their marks.
    Settled,
    /// And instead have settled at the end of their price bands that is worst for the account; at
    /// their marks where they have none.
    Limits,
}

impl Moment {
    /// Every moment, in order.
    pub const ALL: [Moment; 4] = [Moment::Now, Moment::After, Moment::Settled, Moment::Limits];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Moment::Now => "now",
            Moment::After => "after",
            Moment::Settled => "settled",
            Moment::Limits => "limits",
        }
    }
}

/// The money of an account at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// The account.
    pub account: AccountId,
    /// When.
    pub moment: Moment,
    /// Its money.
    pub view: View,
    /// (Margin + frozen) ÷ equity without gains on paper, in 10⁻⁹, rounded up; `None` where there is
    /// no equity.
    pub usage: Option<i128>,
}

/// What binds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// When; [`Moment::Now`] for what forbids to begin.
    pub moment: Moment,
    /// What, with its numbers.
    pub denial: Denial,
}

/// What an attempt would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// The accounts of the hedge at every [`Moment`].
    pub accounts: Vec<Foreseen>,
    /// What binds first; `None` when all of it could be done and carried.
    pub binds: Option<Binding>,
    /// Lots of each leg beyond what its book shows: they count at the collar.
    pub beyond: LegLots,
}

impl Engine {
    /// What trading signed `sets` of a hedge now would come to, its price aside: an Enter, or an Exit
    /// where it holds sets of the other sign, at most to zero.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a hedge that is not configured, [`Error::OutOfBounds`] for no sets.
    pub fn what_if(&self, hedge: HedgeId, sets: i64) -> Result<WhatIf, Error> {
        if self.config.hedges.get(hedge).is_none() {
            return Err(Error::Unknown { field: Field::Hedge, found: u32::from(hedge.0) });
        }
        if sets == 0 {
            return Err(Error::OutOfBounds { field: Field::Sets, found: sets });
        }
        let mut twin = self.clone();
        let begins = twin.would_begin(hedge, sets);
        let held = self.positions.inventory(hedge);
        let now = self.plan(hedge).sets(&held);
        // Not beyond zero: one attempt does not flip.
        let to = if now.signum() * sets < 0 && now.abs() < sets.abs() { 0 } else { now + sets };
        let lots = self.plan(hedge).change(&held, to);
        let mut beyond = [0; LEGS_MAX];
        let (mut positions, mut funds) = (self.positions.clone(), self.funds.clone());
        for (at, lots) in lots.iter().enumerate() {
            beyond[at] = self.trade_whole(hedge, LegId::at(at), *lots, &mut positions, &mut funds);
        }
        let mut accounts: Vec<AccountId> =
            self.plan(hedge).legs.iter().map(|leg| leg.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let mut found = Vec::new();
        for moment in Moment::ALL {
            for account in &accounts {
                let foreseen = match moment {
                    Moment::Now => {
                        let now = (&self.positions, &self.funds);
                        self.foreseen(*account, moment, now, |id| self.mark(id))
                    }
                    Moment::After => {
                        self.foreseen(*account, moment, (&positions, &funds), |id| self.mark(id))
                    }
                    Moment::Settled | Moment::Limits => {
                        self.settled(*account, moment, positions.clone(), funds.clone())
                    }
                };
                found.push(foreseen);
            }
        }
        let forbids = begins.err().map(|denial| Binding { moment: Moment::Now, denial });
        let binds =
            forbids.or_else(|| found.iter().find_map(|of| self.breach(of, now.abs() > to.abs())));
        Ok(WhatIf { accounts: found, binds, beyond })
    }

    /// Lets the gates and the hold judge the first slice as an operator's, without a price.
    fn would_begin(&mut self, hedge: HedgeId, sets: i64) -> Result<(), Denial> {
        let mut out = Vec::new();
        self.note_inventory(hedge);
        if self.hedges[hedge].is_taken() {
            return Err(Denial::plain(Refusal::Busy));
        }
        let now = self.hedges[hedge].sets;
        if now.signum() * sets < 0 {
            let to = now + now.signum() * -sets.abs().min(now.abs());
            return self.leave(hedge, Kind::Exit, to, None, &mut out);
        }
        let (to, size) = (now + sets, self.policy.hedges[hedge].size);
        if to.abs() > size.max {
            let (value, limit) = (i128::from(to.abs()), i128::from(size.max));
            return Err(Denial { value, limit, ..Denial::plain(Refusal::Inventory) });
        }
        let held = self.hedges[hedge].held;
        let clip = sets.abs().min(size.clip);
        let (first, lots) = self.reach(hedge, &held, now, now + sets.signum() * clip);
        if first == now {
            self.gate_idle(hedge, Kind::Enter, to)?;
            return Err(Denial { value: 0, limit: 1, ..Denial::plain(Refusal::Size) });
        }
        let clip = (first - now).abs();
        self.start(&Begin { hedge, kind: Kind::Enter, to, clip, edge: None, lots }, &mut out)
    }

    /// Trades signed lots of a leg at what its book shows; gives how many are not shown.
    fn trade_whole(
        &self,
        hedge: HedgeId,
        leg: LegId,
        lots: i64,
        positions: &mut Positions,
        funds: &mut Funds,
    ) -> i64 {
        let Some(side) = Side::of(lots) else { return 0 };
        let LegPlan { instrument: id, account, .. } = *self.leg_of(hedge, leg);
        let qty = Qty::of(lots);
        let walk = self.books[id].walk(side, qty, None, &self.owns[id]);
        let (taken, cost) = walk.map_or((Qty::ZERO, 0), |walk| (walk.qty, walk.cost));
        let beyond = qty.less(taken);
        // Two prices a tick apart make up exactly what the walk costs.
        let (each, lots) = (div_floor(cost, i128::from(taken.get().max(1))), taken.get());
        let dearer = i64::try_from(cost - each * i128::from(lots)).unwrap_or(0);
        let each = i64::try_from(each).unwrap_or(i64::MAX);
        let at_worst = self.collar(id, side).or_else(|| self.mark(id)).map_or(0, |price| price.0);
        let parts = [(each, lots - dearer), (each + 1, dearer), (at_worst, beyond.get())];
        for (price, lots) in parts.into_iter().filter(|(_, lots)| *lots > 0) {
            let price = Price(price);
            let first = self.closes_first(id, price);
            let Ok(split) = positions.split(account, id, side, Qty::of(lots), first) else {
                continue;
            };
            for (effect, qty) in split.iter() {
                let owner = Owner::Hedge(hedge, leg);
                let trade = Trade { owner, side, effect, qty, price };
                let instrument = &self.instruments[id];
                let fee = instrument.fees.by(effect).of(instrument.notional(price, qty), qty);
                if let Ok(filled) = positions.fill(account, id, &trade) {
                    funds.trade(account, &filled.money(instrument, &trade, fee));
                }
            }
        }
        let margin = positions.margin_total(account, &self.instruments);
        let margin = self.offset(account, positions, margin);
        funds.set_margin(account, margin + self.openings(account, positions));
        beyond.get()
    }

    fn foreseen(
        &self,
        account: AccountId,
        moment: Moment,
        (positions, funds): (&Positions, &Funds),
        mark: impl Fn(InstrumentId) -> Option<Price>,
    ) -> Foreseen {
        let worth = self.worth_of(account, (positions, funds), mark);
        let view = funds.view(account, worth);
        let used = view.margin + view.frozen;
        let equity = view.cash + worth.total().min(Money::ZERO) + view.collateral;
        let usage = (equity > Money::ZERO).then(|| div_ceil(used.0 * MONEY_UNIT, equity.0));
        Foreseen { account, moment, view, usage }
    }

    /// The account after a settlement of all that it holds.
    fn settled(
        &self,
        account: AccountId,
        moment: Moment,
        mut positions: Positions,
        mut funds: Funds,
    ) -> Foreseen {
        let at = |(id, lots): (InstrumentId, i64)| {
            let band = self.instruments[id].band.filter(|_| moment == Moment::Limits && lots != 0);
            match band {
                Some(band) => Some(if lots > 0 { band.low } else { band.high }),
                None => self.mark(id),
            }
        };
        let lots = self.config.instruments.ids().map(|id| (id, positions.lots(account, id)));
        let marks: Table<InstrumentId, Option<Price>> = Table::new(lots.map(at).collect());
        let mut began = self.days[account];
        for (id, price) in marks.pairs() {
            let Some(price) = price.filter(|_| positions.trades(account, id)) else { continue };
            let (day, exchange) = (positions.trade_day(id), self.now);
            let mut variations = Vec::new();
            let settle = Settle { instrument: id, price, day, exchange };
            if positions.settle(&settle, &mut variations).is_ok() {
                for of in variations.iter().filter(|of| of.account == account) {
                    funds.variation(account, self.instruments[id].value(of.ticks_lots));
                }
                funds.pay_forward(account, id, day);
            }
            // The first settlement of a day that an account sees turns its day.
            if began <= day {
                began = Day(day.0 + 1);
                let worth = self.worth_of(account, (&positions, &funds), |id| marks[id]);
                funds.mark_day(account, worth);
            }
        }
        let margin = positions.margin_total(account, &self.settled_instruments());
        let margin = self.offset(account, &positions, margin);
        funds.set_margin(account, margin + self.openings(account, &positions));
        self.foreseen(account, moment, (&positions, &funds), |id| marks[id])
    }

    /// What of an account's limits would not hold; sets that go back only have to be paid.
    fn breach(&self, of: &Foreseen, goes_back: bool) -> Option<Binding> {
        let plain = |refusal, value, limit| Denial {
            account: Some(of.account),
            value,
            limit,
            ..Denial::plain(refusal)
        };
        let cap = self.policy.accounts[of.account].usage_cap;
        let most = Money(MONEY_UNIT).scale_down(cap).0;
        let denial = if of.moment == Moment::Now {
            None
        } else if of.view.available < Money::ZERO {
            Some(plain(Refusal::Money, -of.view.available.0, 0))
        } else if !goes_back && of.view.lease_room.is_some_and(|room| room < Money::ZERO) {
            let lack = of.view.lease_room.map_or(0, |room| -room.0);
            Some(plain(Refusal::Lease, lack, 0))
        } else if !goes_back && of.usage.is_none_or(|usage| usage > most) {
            Some(plain(Refusal::Usage, of.usage.unwrap_or(i128::MAX), most))
        } else {
            None
        };
        denial.map(|denial| Binding { moment: of.moment, denial })
    }
}

//! An order and its executions as commands and events tell of them.

use cross_market_core::ids::{CurrencyId, Text};
use cross_market_core::instrument::{Fee, MarginRate};
use cross_market_core::num::{Money, Price, Qty};
use cross_market_core::order::{FeeNews, Fill, Place, VenueStatus};
use cross_market_core::time::Time;

use crate::venue::usual_fee;

/// An order as events and commands tell of it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(crate) struct Sent {
    pub(crate) place: Place,
    pub(crate) placed: Time,
    /// The step it was placed in: several share a moment.
    pub(crate) step: u64,
    /// Executions heard of.
    pub(crate) heard: Vec<Heard>,
    /// Fees that were told before their executions.
    early: Vec<(Text, Money)>,
    /// Lots that stand.
    pub(crate) cum: i64,
    /// Lots that ever traded, what was taken back included: these fill the order.
    gross: i64,
    /// How it ended, and the cumulative quantity that the venue gave with it.
    pub(crate) done: Option<VenueStatus>,
    pub(crate) told: Option<i64>,
    pub(crate) seen: bool,
    /// Whether the venue has proven that it never came; it may yet surface.
    pub(crate) absent: bool,
    /// Whether an operator has said how it ended.
    pub(crate) overridden: bool,
    pub(crate) was_overridden: bool,
    pub(crate) cancels: u64,
    /// Those of kills too, which no bound holds back.
    pub(crate) cancels_all: u64,
    pub(crate) cancel_out: bool,
    /// Whether it counts as a cancel of its group.
    pub(crate) counted: bool,
    /// Whether its last cancel was refused for the phase.
    pub(crate) barred: bool,
    pub(crate) queries: u64,
    pub(crate) asked: Time,
    /// What its account must hold for it at least, as it was sent.
    needs: Money,
    /// The margin rates of its account as it was sent.
    pub(crate) rate: MarginRate,
}

/// An execution as events tell of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) trade_id: Text,
    /// Lots now.
    lots: i64,
    /// Price now.
    price: Price,
    /// Lots it was made with; none while only its correction is known.
    made: i64,
    /// The cumulative quantity told with it.
    after: Option<i64>,
    /// Its fee, by the price list while it is not told.
    fee: Money,
    is_fee_told: bool,
}

/// What a piece of news changes of what stands, before the sign of its side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    pub(crate) lots: i64,
    /// Σ price × lots, in ticks × lots.
    pub(crate) value: i128,
    pub(crate) fee: Money,
    /// Whether it changes what was booked before.
    pub(crate) revises: bool,
}

/// What executions cost: the price list, and the account's currency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    pub(crate) fee: Fee,
    pub(crate) tick_value: Money,
    pub(crate) currency: CurrencyId,
}

impl Costs {
    fn usual(&self, price: Price, lots: i64) -> Money {
        usual_fee(self.fee, self.tick_value, price, lots)
    }

    /// A fee in another currency takes nothing from the account's own.
    pub(crate) fn own(&self, amount: Money, currency: CurrencyId) -> Money {
        if currency == self.currency { amount } else { Money::ZERO }
    }

    fn told(&self, news: FeeNews) -> Option<Money> {
        match news {
            FeeNews::Paid { amount, currency } => Some(self.own(amount, currency)),
            FeeNews::Pending => None,
        }
    }
}

fn value(price: Price, lots: i64) -> i128 {
    i128::from(price.0) * i128::from(lots)
}

impl Heard {
    /// An execution that is new: a fill, or the correction of one that has not come yet.
    pub(crate) fn new(fill: &Fill, made: i64, told: Option<Money>, costs: &Costs) -> Heard {
        let (price, lots) = (fill.price, fill.qty.get());
        Heard {
            trade_id: fill.trade_id,
            lots,
            price,
            made,
            after: fill.cum.map(Qty::get),
            fee: told.unwrap_or_else(|| costs.usual(price, lots)),
            is_fee_told: told.is_some(),
        }
    }

    pub(crate) fn stands(&self) -> Change {
        let value = value(self.price, self.lots);
        Change { lots: self.lots, value, fee: self.fee, revises: false }
    }

    /// Its fee is told, the first time that counts.
    fn pay(&mut self, told: Option<Money>) -> Change {
        let Some(told) = told.filter(|_| !self.is_fee_told && self.lots > 0) else {
            return Change::default();
        };
        self.is_fee_told = true;
        let fee = told - std::mem::replace(&mut self.fee, told);
        Change { fee, ..Change::default() }
    }

    /// Takes it back, or corrects it; that it was taken back is the last word.
    pub(crate) fn revise(&mut self, to: Option<(Price, i64)>, costs: &Costs) -> Change {
        if self.lots == 0 {
            return Change::default();
        }
        let was = self.stands();
        match to {
            None => (self.lots, self.fee) = (0, Money::ZERO),
            Some((price, lots)) => {
                (self.price, self.lots) = (price, lots);
                if !self.is_fee_told {
                    self.fee = costs.usual(price, lots);
                }
            }
        }
        let is = self.stands();
        let (lots, value) = (is.lots - was.lots, is.value - was.value);
        Change { lots, value, fee: is.fee - was.fee, revises: true }
    }
}

impl Sent {
    pub(crate) fn new(
        place: &Place,
        placed: Time,
        step: u64,
        needs: Money,
        rate: MarginRate,
    ) -> Sent {
        Sent {
            place: *place,
            placed,
            step,
            heard: Vec::new(),
            early: Vec::new(),
            cum: 0,
            gross: 0,
            done: None,
            told: None,
            seen: false,
            absent: false,
            overridden: false,
            was_overridden: false,
            cancels: 0,
            cancels_all: 0,
            cancel_out: false,
            counted: false,
            barred: false,
            queries: 0,
            asked: placed,
            needs,
            rate,
        }
    }

    /// What its account must hold at least for the lots that may still trade. Of an order of which
    /// something was taken back or corrected nothing is said: nobody holds the money anew.
    pub(crate) fn needs_left(&self) -> Money {
        let revised = self.heard.iter().any(|known| known.lots != known.made);
        if self.done.is_some() || self.absent || revised {
            return Money::ZERO;
        }
        let share =
            self.needs.0 * i128::from(self.leaves()) / i128::from(self.place.qty.get().max(1));
        Money(share)
    }

    /// Lots that may still come.
    pub(crate) fn leaves(&self) -> i64 {
        match (self.done, self.told) {
            (None, _) => (self.place.qty.get() - self.gross - self.unheard()).max(0),
            (Some(_), Some(told)) => (told - self.cum).max(0),
            (Some(_), None) => 0,
        }
    }

    /// Whether more has traded than it asked for.
    pub(crate) fn is_overfilled(&self) -> bool {
        self.gross > self.place.qty.get()
    }

    /// Lots of executions that are known by their correction alone: they are gone from the order.
    fn unheard(&self) -> i64 {
        let alone = self.heard.iter().filter(|known| known.made == 0);
        alone.map(|known| known.lots).sum()
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.done.is_some() && self.told.is_none_or(|told| told == self.cum)
    }

    /// Whether an execution is known by its correction alone, and its fee by the price list.
    pub(crate) fn lacks_a_fee(&self) -> bool {
        self.heard.iter().any(|known| known.made == 0 && known.lots > 0 && !known.is_fee_told)
    }

    pub(crate) fn knows(&self, trade_id: Text) -> bool {
        self.heard.iter().any(|known| known.trade_id == trade_id)
    }

    /// Whether an execution is known that came to the same total.
    pub(crate) fn knows_total(&self, after: Option<Qty>) -> bool {
        let after = after.map(Qty::get);
        after.is_some() && self.heard.iter().any(|known| known.after == after)
    }

    pub(crate) fn end(&mut self, status: VenueStatus, cum: Option<i64>) {
        if self.done.is_none() {
            self.done = Some(status);
        }
        // Once something was taken back a total may shrink; before, the largest one counts.
        let revised = self.heard.iter().any(|known| known.lots != known.made);
        self.told = match (self.told, cum) {
            (Some(_), Some(told)) if revised => Some(told.max(self.cum)),
            (Some(known), Some(told)) => Some(known.max(told)),
            (known, told) => known.or(told),
        };
        self.cancel_out = false;
    }

    /// What is new with this fill.
    pub(crate) fn fill(&mut self, fill: &Fill, costs: &Costs) -> Change {
        let (made, after) = (fill.qty.get(), fill.cum.map(Qty::get));
        if let Some(known) = self.heard.iter_mut().find(|h| h.trade_id == fill.trade_id) {
            let change = known.pay(costs.told(fill.fee));
            // Its correction came first: the fill itself is no news of lots that stand.
            if known.made == 0 {
                (known.made, known.after) = (made, after);
                let gone = made - known.lots;
                self.gross += made;
                // A total from before it was taken back counts it.
                let whole = self.cum + gone;
                self.told = self.told.map(|told| told.max(whole) - gone);
                self.fills_up();
            }
            return change;
        }
        // The same total is the same fill under another id, unless something was taken back.
        let revised = self.heard.iter().any(|known| known.lots != known.made);
        let same = |known: &&mut Heard| !revised && after.is_some() && known.after == after;
        if let Some(known) = self.heard.iter_mut().find(same) {
            return known.pay(costs.told(fill.fee));
        }
        let told = self.early(fill.trade_id).or_else(|| costs.told(fill.fee));
        let heard = Heard::new(fill, made, told, costs);
        self.heard.push(heard);
        self.cum += made;
        self.gross += made;
        if self.done.is_some() {
            self.told = self.told.map(|told| told.max(self.cum));
        }
        self.fills_up();
        heard.stands()
    }

    fn early(&self, trade_id: Text) -> Option<Money> {
        self.early.iter().find(|(id, _)| *id == trade_id).map(|(_, fee)| *fee)
    }

    /// What the fee of an execution changes; one that comes before its execution waits for it.
    pub(crate) fn fee(&mut self, trade_id: Text, told: Money) -> Change {
        if let Some(known) = self.heard.iter_mut().find(|known| known.trade_id == trade_id) {
            return known.pay(Some(told));
        }
        if self.early(trade_id).is_none() {
            self.early.push((trade_id, told));
        }
        Change::default()
    }

    fn fills_up(&mut self) {
        if self.done.is_none() && self.gross >= self.place.qty.get() {
            self.done = Some(VenueStatus::Filled);
        }
    }

    /// What changes when an execution is taken back or, as `fill` says, corrected; one that was not
    /// heard of yet counts as it is now.
    pub(crate) fn revise(&mut self, trade_id: Text, fill: Option<&Fill>, costs: &Costs) -> Change {
        let to = fill.map(|fill| (fill.price, fill.qty.get()));
        if let Some(known) = self.heard.iter_mut().find(|known| known.trade_id == trade_id) {
            let change = known.revise(to, costs);
            self.cum += change.lots;
            self.told = self.told.map(|told| told + change.lots);
            return change;
        }
        let heard = match fill {
            Some(fill) => Heard::new(fill, 0, self.early(trade_id), costs),
            None => Heard {
                trade_id,
                lots: 0,
                price: Price(0),
                made: 0,
                after: None,
                fee: Money::ZERO,
                is_fee_told: true,
            },
        };
        self.heard.push(heard);
        self.cum += heard.lots;
        if self.done.is_none() && self.gross + self.unheard() >= self.place.qty.get() {
            self.done = Some(VenueStatus::Filled);
        }
        heard.stands()
    }
}

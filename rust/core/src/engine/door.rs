//! The door: an event is judged whole before any of it is applied.
//!
//! Only here does a caller meet an `Err`, and an `Err` changes nothing. What passes is well formed;
//! whether it contradicts earlier evidence is judged behind the door.

use super::Engine;
use crate::book::Change;
use crate::config::MONEY_MAX;
use crate::error::{Error, Field};
use crate::event::{Control, Estimate, Event, Link, LinkTo, Scope, Verb};
use crate::funds::{Cash, CashKind, Lease, Transfer};
use crate::gate::Policy;
use crate::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, Id, InstrumentId, LegId, RUN_MAX, Text, VenueId,
};
use crate::instrument::{Reference, ReferenceChange, Settlement};
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Answer, FeeNews, Found, News, Report, State, VenueStatus};
use crate::position::{Settle, Statement};
use crate::quote::{LegLots, LegPlan};
use crate::time::{Span, Time};

/// How many days after the UTC date of now a trading day may be that settles: its longest holidays.
const DAYS_AHEAD: i32 = 14;

impl Engine {
    /// Judges `now`, which never steps back.
    #[inline]
    pub(super) fn check_now(&self, now: Time) -> Result<(), Error> {
        if self.now <= now && now <= Time::LATEST { Ok(()) } else { Err(self.refusal_of_now(now)) }
    }

    #[cold]
    #[inline(never)]
    fn refusal_of_now(&self, found: Time) -> Error {
        if found < self.now {
            Error::TimeWentBack { by_ns: (self.now - found).0 }
        } else {
            Error::TimeOutOfRange { field: Field::Now, found }
        }
    }

    /// Judges a restart: whether the engine may go on at `now` as run `run`.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::TimeWentBack`] and [`Error::TimeOutOfRange`] for `now`;
    /// [`Error::OutOfBounds`] for a run that is not after the present one, or beyond
    /// [`RUN_MAX`].
    pub fn check_restart(&self, now: Time, run: u16) -> Result<(), Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.check_now(now)?;
        // A number that was given out before would give out its order ids again.
        if run <= self.run || run > RUN_MAX {
            return Err(Error::OutOfBounds { field: Field::Run, found: i64::from(run) });
        }
        Ok(())
    }

    /// Judges every event but a row of a book, which its book judges.
    pub(super) fn check(&self, now: Time, event: &Event) -> Result<(), Error> {
        match event {
            Event::Book(change) => {
                self.instrument(change.instrument)?;
                if change.receive > now {
                    return Err(refusal_of_receive(change));
                }
                self.books[change.instrument].check(change)
            }
            Event::Link(link) => self.check_link(*link),
            Event::Report(report) => self.check_report(report),
            Event::Answer(answer) => self.check_answer(answer),
            Event::Cash(cash) => self.check_cash(cash),
            Event::Position(statement) => self.check_statement(statement),
            Event::Settle(settle) => self.check_settle(now, settle),
            Event::Reference(reference) => self.check_reference(reference),
            Event::Estimate(estimate) => self.check_estimate(estimate),
            Event::Clock(clock) => self.clocks.check(clock),
            Event::Tick => Ok(()),
            Event::Control(control) => self.check_control(control),
        }
    }

    fn check_link(&self, link: Link) -> Result<(), Error> {
        match link.to {
            LinkTo::Trading(account) => self.account(account),
            LinkTo::Feed(instrument) => self.instrument(instrument),
        }
    }

    fn check_report(&self, report: &Report) -> Result<(), Error> {
        self.account(report.account)?;
        self.instrument(report.instrument)?;
        stamp(Field::Exchange, report.exchange)?;
        stamp(Field::Receive, report.receive)?;
        let account = &self.config.accounts[report.account];
        if self.instruments[report.instrument].venue != account.venue {
            return Err(Error::Contradiction { field: Field::Instrument });
        }
        match report.news {
            News::Accepted | News::Rejected { .. } | News::CancelRejected { .. } => Ok(()),
            News::Fill(fill) => {
                named(&fill.trade_id)?;
                self.traded(report.instrument, fill.price, fill.qty)?;
                if let Some(cum) = fill.cum {
                    if cum < fill.qty {
                        return Err(Error::Contradiction { field: Field::Cum });
                    }
                    self.total(Field::Cum, report.instrument, cum)?;
                }
                match fill.fee {
                    FeeNews::Pending => Ok(()),
                    FeeNews::Paid { amount, currency } => {
                        self.currency(currency)?;
                        bounded(amount)
                    }
                }
            }
            News::Cancelled { cum } | News::Expired { cum } | News::Status { cum, .. } => {
                self.total(Field::Cum, report.instrument, cum)
            }
            News::Bust { trade_id, .. } => named(&trade_id),
            News::Correct { trade_id, price, qty, .. } => {
                named(&trade_id)?;
                self.traded(report.instrument, price, qty)
            }
            News::Fee { trade_id, amount, currency, .. } => {
                named(&trade_id)?;
                self.currency(currency)?;
                bounded(amount)
            }
        }
    }

    fn check_answer(&self, answer: &Answer) -> Result<(), Error> {
        self.account(answer.account)?;
        stamp(Field::Exchange, answer.exchange)?;
        stamp(Field::Receive, answer.receive)?;
        let Some(order) = self.orders.get(answer.order) else {
            return Err(unknown_order(answer.order));
        };
        if order.place.account != answer.account {
            return Err(Error::Contradiction { field: Field::Account });
        }
        match answer.found {
            Found::Order { cum, .. } => self.total(Field::Cum, order.place.instrument, cum),
            Found::ProvenAbsent | Found::Inconclusive => Ok(()),
        }
    }

    fn check_cash(&self, cash: &Cash) -> Result<(), Error> {
        self.account(cash.account)?;
        stamp(Field::Exchange, cash.exchange)?;
        if cash.kind.is_of_transfer() != cash.transfer.is_some() {
            return Err(Error::Contradiction { field: Field::Transfer });
        }
        let is_amount = cash.kind.is_of_transfer() || cash.kind == CashKind::Collateral;
        if is_amount && cash.amount < Money::ZERO {
            return Err(Error::Amount { found: Box::new(cash.amount) });
        }
        bounded(cash.amount)
    }

    /// What can never be moved: without a route, outside its amounts, with a number that is used.
    fn check_transfer(&self, transfer: &Transfer) -> Result<(), Error> {
        self.account(transfer.from)?;
        self.account(transfer.to)?;
        let Some(route) = self.config.route(transfer.from, transfer.to) else {
            return Err(Error::Contradiction { field: Field::Transfer });
        };
        if !(route.least..=route.most).contains(&transfer.amount) {
            return Err(Error::Amount { found: Box::new(transfer.amount) });
        }
        if transfer.id.is_own() || self.funds.is_new_transfer(transfer).is_none() {
            return Err(Error::Contradiction { field: Field::Transfer });
        }
        Ok(())
    }

    /// A lease of an account that draws on a pool, and not of an epoch that another has fenced.
    fn check_lease(&self, lease: &Lease) -> Result<(), Error> {
        self.account(lease.account)?;
        stamp(Field::Until, lease.until)?;
        if lease.amount < Money::ZERO {
            return Err(Error::Amount { found: Box::new(lease.amount) });
        }
        let is_leased = self.config.accounts[lease.account].terms.leased;
        let known = self.funds.lease(lease.account);
        if !is_leased || known.is_some_and(|known| lease.epoch < known.lease.epoch) {
            return Err(Error::Contradiction { field: Field::Lease });
        }
        Ok(())
    }

    fn check_statement(&self, statement: &Statement) -> Result<(), Error> {
        self.account(statement.account)?;
        self.instrument(statement.instrument)?;
        stamp(Field::Exchange, statement.exchange)?;
        self.pair(statement.account, statement.instrument)?;
        self.priced(statement.instrument, statement.price)?;
        let most = self.config.position_max(&self.policy, statement.instrument);
        for lots in [statement.long, statement.short] {
            if lots.get() > most {
                return Err(Error::OutOfBounds { field: Field::Qty, found: lots.get() });
            }
        }
        Ok(())
    }

    fn check_settle(&self, now: Time, settle: &Settle) -> Result<(), Error> {
        self.instrument(settle.instrument)?;
        stamp(Field::Exchange, settle.exchange)?;
        self.priced(settle.instrument, settle.price)?;
        let today = self.positions.day(settle.instrument);
        // A day far ahead would end every day before it, with its budgets, for good.
        if settle.day < today || settle.day.0 > now.date().0 + DAYS_AHEAD {
            let found = i64::from(settle.day.0);
            return Err(Error::OutOfBounds { field: Field::Day, found });
        }
        Ok(())
    }

    fn check_reference(&self, reference: &Reference) -> Result<(), Error> {
        self.instrument(reference.instrument)?;
        stamp(Field::Exchange, reference.exchange)?;
        match reference.change {
            ReferenceChange::Phase { until, .. } => {
                if until == Time::MAX {
                    Ok(())
                } else {
                    stamp(Field::Until, until)
                }
            }
            ReferenceChange::PriceBand(None) => Ok(()),
            ReferenceChange::PriceBand(Some(band)) => {
                self.priced(reference.instrument, band.low)?;
                self.priced(reference.instrument, band.high)?;
                if band.low > band.high {
                    return Err(Error::Contradiction { field: Field::Price });
                }
                Ok(())
            }
            ReferenceChange::Margin(rate) | ReferenceChange::FlagMargin(_, rate) => {
                for share in [rate.long, rate.short] {
                    if share < Ratio::ZERO || share > Ratio::ONE {
                        return Err(Error::OutOfBounds { field: Field::Rate, found: share.num() });
                    }
                }
                if self.config.admits_margin(&self.policy, reference.instrument, &rate) {
                    Ok(())
                } else {
                    Err(Error::Contradiction { field: Field::Rate })
                }
            }
        }
    }

    fn check_estimate(&self, estimate: &Estimate) -> Result<(), Error> {
        self.hedge(estimate.hedge)?;
        stamp(Field::Until, estimate.expires)
    }

    fn check_control(&self, control: &Control) -> Result<(), Error> {
        match &control.verb {
            Verb::Stop(scope) | Verb::Resume(scope) | Verb::Flatten(scope) => match scope {
                Scope::All => Ok(()),
                Scope::Hedge(hedge) => self.hedge(*hedge),
                Scope::Venue(_) => Err(Error::Contradiction { field: Field::Venue }),
                Scope::Account(_) => Err(Error::Contradiction { field: Field::Account }),
            },
            Verb::Kill(scope) | Verb::Unlatch(scope) => self.scope(*scope),
            Verb::Unrestrict(scope) => match scope {
                Scope::Hedge(hedge) => self.hedge(*hedge),
                Scope::Account(account) => self.account(*account),
                Scope::All => Err(Error::Contradiction { field: Field::Hedge }),
                Scope::Venue(_) => Err(Error::Contradiction { field: Field::Venue }),
            },
            Verb::Enter { hedge, sets, at_least: _, over } => {
                self.hedge(*hedge)?;
                check_span(*over, 0)?;
                let max = self.policy.hedges[*hedge].size.max;
                if *sets == 0 || sets.unsigned_abs() > max.unsigned_abs() {
                    return Err(Error::OutOfBounds { field: Field::Sets, found: *sets });
                }
                Ok(())
            }
            Verb::Exit { hedge, sets, over } => {
                self.hedge(*hedge)?;
                check_span(*over, 0)?;
                match sets {
                    Some(sets) if sets.is_zero() => {
                        Err(Error::OutOfBounds { field: Field::Sets, found: 0 })
                    }
                    Some(_) | None => Ok(()),
                }
            }
            Verb::Freeze { hedge, lasts, adverse } => {
                self.hedge(*hedge)?;
                check_span(*lasts, 1)?;
                let most = self.config.policy_ticks(*hedge);
                if !(0..=most).contains(adverse) {
                    return Err(Error::OutOfBounds { field: Field::Price, found: *adverse });
                }
                Ok(())
            }
            Verb::Forfeit { hedge, reason: _ } => self.hedge(*hedge),
            Verb::Roll { hedge } => {
                self.hedge(*hedge)?;
                if self.config.hedges[*hedge].roll.is_none() {
                    return Err(Error::Contradiction { field: Field::Hedge });
                }
                Ok(())
            }
            Verb::Adopt { hedge, lots } => self.check_adopt(*hedge, lots),
            Verb::Override { order, status, cum, reason: _ } => {
                let Some(known) = self.orders.get(*order) else {
                    return Err(unknown_order(*order));
                };
                if *status == VenueStatus::Working {
                    return Err(Error::Contradiction { field: Field::Order });
                }
                // The word replaces evidence that is missing; an order that works is cancelled.
                let is_open = known.state == State::Unknown
                    || (known.state.is_done() && !known.is_confirmed());
                if !is_open {
                    return Err(Error::Contradiction { field: Field::Order });
                }
                // What traded beyond what is booked has a price: it comes as a report first.
                if cum.get() != known.cum {
                    return Err(Error::OutOfBounds { field: Field::Cum, found: cum.get() });
                }
                Ok(())
            }
            Verb::Policy(policy) => self.check_policy(policy),
            Verb::Transfer(transfer) => self.check_transfer(transfer),
            Verb::Lease(lease) => self.check_lease(lease),
        }
    }

    fn check_adopt(&self, hedge: HedgeId, lots: &LegLots) -> Result<(), Error> {
        self.hedge(hedge)?;
        if self.hedges[hedge].is_taken() {
            return Err(Error::Contradiction { field: Field::Hedge });
        }
        if lots.iter().all(|lots| *lots == 0) {
            return Err(Error::OutOfBounds { field: Field::Qty, found: 0 });
        }
        let legs = &self.config.hedges[hedge].plan.legs;
        for (at, found) in lots.iter().copied().enumerate().filter(|(_, lots)| *lots != 0) {
            let leg = LegId::at(at);
            let Some(of) = legs.get(at).filter(|of| of.lots.num() != 0) else {
                return Err(Error::Unknown { field: Field::Leg, found: u32::from(leg.0) });
            };
            // Two legs may trade one contract in one account: they share what is there.
            let shares =
                |other: &LegPlan| (other.account, other.instrument) == (of.account, of.instrument);
            let named = legs.iter().zip(lots).take(at + 1);
            let same = named.filter(|(leg, lots)| shares(leg) && lots.signum() == found.signum());
            let wanted: i128 = same.map(|(_, lots)| i128::from(*lots)).sum();
            let there = i128::from(self.positions.unassigned(of.account, of.instrument));
            if wanted.signum() != there.signum() || wanted.abs() > there.abs() {
                return Err(Error::LotsShort { leg, found });
            }
        }
        Ok(())
    }

    fn check_policy(&self, policy: &Policy) -> Result<(), Error> {
        let admitted = self.config.admits_policy(policy);
        if admitted { Ok(()) } else { Err(Error::Contradiction { field: Field::Policy }) }
    }

    fn scope(&self, scope: Scope) -> Result<(), Error> {
        match scope {
            Scope::All => Ok(()),
            Scope::Venue(venue) => self.venue(venue),
            Scope::Account(account) => self.account(account),
            Scope::Hedge(hedge) => self.hedge(hedge),
        }
    }

    fn venue(&self, id: VenueId) -> Result<(), Error> {
        known(self.config.venues.get(id).is_some(), Field::Venue, id.0)
    }

    fn account(&self, id: AccountId) -> Result<(), Error> {
        known(self.config.accounts.get(id).is_some(), Field::Account, id.0)
    }

    pub(super) fn instrument(&self, id: InstrumentId) -> Result<(), Error> {
        known(self.instruments.get(id).is_some(), Field::Instrument, id.0)
    }

    fn hedge(&self, id: HedgeId) -> Result<(), Error> {
        known(self.hedges.get(id).is_some(), Field::Hedge, id.0)
    }

    fn currency(&self, id: CurrencyId) -> Result<(), Error> {
        known(self.config.currencies.get(id).is_some(), Field::Currency, u16::from(id.0))
    }

    fn pair(&self, account: AccountId, instrument: InstrumentId) -> Result<(), Error> {
        if self.positions.trades(account, instrument) {
            Ok(())
        } else {
            Err(Error::Contradiction { field: Field::Instrument })
        }
    }

    fn traded(&self, id: InstrumentId, price: Price, qty: Qty) -> Result<(), Error> {
        self.priced(id, price)?;
        if qty.is_zero() {
            return Err(Error::OutOfBounds { field: Field::Qty, found: 0 });
        }
        self.total(Field::Qty, id, qty)
    }

    fn priced(&self, id: InstrumentId, price: Price) -> Result<(), Error> {
        let of = &self.instruments[id];
        let within = price.0.unsigned_abs() <= of.price_max.unsigned_abs();
        // What is divided by its price has none at zero and below.
        let divides = matches!(of.settlement, Settlement::Coin(_));
        if within && (price.0 > 0 || !divides) {
            Ok(())
        } else {
            Err(Error::OutOfBounds { field: Field::Price, found: price.0 })
        }
    }

    fn total(&self, field: Field, id: InstrumentId, qty: Qty) -> Result<(), Error> {
        if qty.get() <= self.instruments[id].qty_max {
            Ok(())
        } else {
            Err(Error::OutOfBounds { field, found: qty.get() })
        }
    }
}

/// A row that was received later than now.
#[cold]
#[inline(never)]
pub(super) fn refusal_of_receive(change: &Change) -> Error {
    match stamp(Field::Receive, change.receive) {
        Ok(()) => Error::OutOfBounds { field: Field::Receive, found: change.receive.0 },
        Err(error) => error,
    }
}

fn known(is: bool, field: Field, found: u16) -> Result<(), Error> {
    if is { Ok(()) } else { Err(Error::Unknown { field, found: u32::from(found) }) }
}

fn named(trade_id: &Text) -> Result<(), Error> {
    if trade_id.is_empty() {
        Err(Error::OutOfBounds { field: Field::TradeId, found: 0 })
    } else {
        Ok(())
    }
}

fn unknown_order(order: ClientOrderId) -> Error {
    Error::UnknownOrder { found: order }
}

fn bounded(amount: Money) -> Result<(), Error> {
    if (-MONEY_MAX..=MONEY_MAX).contains(&amount) {
        Ok(())
    } else {
        Err(Error::Amount { found: Box::new(amount) })
    }
}

pub(super) fn stamp(field: Field, found: Time) -> Result<(), Error> {
    if Time::EARLIEST <= found && found <= Time::LATEST {
        Ok(())
    } else {
        Err(Error::TimeOutOfRange { field, found })
    }
}

fn check_span(span: Span, least: i64) -> Result<(), Error> {
    if (least..=Span::LONGEST.0).contains(&span.0) {
        return Ok(());
    }
    Err(Error::OutOfBounds { field: Field::Lasts, found: span.0 })
}

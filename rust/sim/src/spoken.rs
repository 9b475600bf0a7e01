//! What an engine was given, as Python says it.
//!
//! Each event is an expression in the words of `cross_market.events`, so that a run of the simulator
//! can be given to the engine once more from there.

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::ClockOf;
use cross_market_core::config::Config;
use cross_market_core::event::{Event, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{CashKind, Lease, Transfer};
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId};
use cross_market_core::instrument::{MarginRate, ReferenceChange};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, Report, VenueStatus,
};
use cross_market_core::position::StatementKind;

use crate::document::document;

/// An event as an expression; `None` where Python has no words for it: of two legs on one contract
/// it can name neither, and limits without an exact form are none there.
#[must_use]
pub fn expression(config: &Config, event: &Event) -> Option<String> {
    Speaker { config }.event(event)
}

struct Speaker<'a> {
    config: &'a Config,
}

impl Speaker<'_> {
    fn instrument(&self, id: InstrumentId) -> &str {
        self.config.instruments.get(id).map_or("", |row| &row.name)
    }

    fn account(&self, id: AccountId) -> &str {
        self.config.accounts.get(id).map_or("", |row| &row.name)
    }

    fn hedge(&self, id: HedgeId) -> &str {
        self.config.hedges.get(id).map_or("", |row| &row.plan.name)
    }

    fn event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Book(change) => self.book(change),
            Event::Link(link) => {
                let state = match link.state {
                    LinkState::Down => "down",
                    LinkState::Up => "up",
                    LinkState::Resynced => "resynced",
                };
                let to = match link.to {
                    LinkTo::Trading(id) => format!("account='{}'", self.account(id)),
                    LinkTo::Feed(id) => format!("instrument='{}'", self.instrument(id)),
                };
                format!("Link(state='{state}', {to})")
            }
            Event::Report(report) => self.report(report),
            Event::Answer(answer) => self.answer(answer),
            Event::Cash(cash) => {
                let kind = match cash.kind {
                    CashKind::Opening => "opening",
                    CashKind::Balance => "balance",
                    CashKind::Transfer => "transfer",
                    CashKind::Funding => "funding",
                    CashKind::Interest => "interest",
                    CashKind::Fee => "fee",
                    CashKind::Left => "left",
                    CashKind::Arrived => "arrived",
                    CashKind::Failed => "failed",
                    CashKind::Collateral => "collateral",
                };
                let (account, at) = (self.account(cash.account), cash.exchange.0);
                let amount = money(cash.amount);
                let transfer =
                    cash.transfer.map_or(String::new(), |id| format!(", transfer={}", id.0));
                format!(
                    "Cash(account='{account}', exchange={at}, kind='{kind}', \
                     amount='{amount}'{transfer})"
                )
            }
            Event::Position(said) => {
                let kind = match said.kind {
                    StatementKind::Opening => "opening",
                    StatementKind::Compare => "compare",
                };
                format!(
                    "Position(account='{}', instrument='{}', exchange={}, kind='{kind}', \
                     long={}, short={}, price={})",
                    self.account(said.account),
                    self.instrument(said.instrument),
                    said.exchange.0,
                    said.long.get(),
                    said.short.get(),
                    said.price.0
                )
            }
            Event::Settle(settle) => format!(
                "Settle(instrument='{}', price={}, day={}, exchange={})",
                self.instrument(settle.instrument),
                settle.price.0,
                settle.day.0,
                settle.exchange.0
            ),
            Event::Reference(of) => {
                let (name, at) = (self.instrument(of.instrument), of.exchange.0);
                let change = reference(of.change);
                format!("Reference(instrument='{name}', exchange={at}, change={change})")
            }
            Event::Estimate(of) => format!(
                "Estimate(hedge='{}', value='{}', expires={})",
                self.hedge(of.hedge),
                money(Money(of.value.into())),
                of.expires.0
            ),
            Event::Clock(clock) => {
                let venue = match clock.of {
                    ClockOf::Wall => "None".to_owned(),
                    ClockOf::Venue(id) => {
                        format!("'{}'", self.config.venues.get(id).map_or("", |row| &row.name))
                    }
                };
                let (offset, error) = (clock.offset.0, clock.uncertainty.0);
                format!("Clock(offset_ns={offset}, uncertainty_ns={error}, venue={venue})")
            }
            Event::Tick => "Tick()".to_owned(),
            Event::Control(control) => {
                let (actor, verb) = (control.actor.as_str(), self.verb(&control.verb)?);
                format!("Control(actor={actor:?}, verb={verb})")
            }
        })
    }

    fn book(&self, change: &Change) -> String {
        let (row, is_last) = match change.row {
            Row::Snapshot => ("snapshot", false),
            Row::Level => ("level", false),
            Row::Delta => ("delta", false),
            Row::SnapshotLast => ("snapshot", true),
            Row::LevelLast => ("level", true),
            Row::DeltaLast => ("delta", true),
        };
        format!(
            "Book(instrument='{}', side='{}', price={}, qty={}, row='{row}', last={}, \
             exchange={}, receive={}, seq={}, step={})",
            self.instrument(change.instrument),
            if change.side == Side::Buy { "bid" } else { "ask" },
            change.price.0,
            change.qty.get(),
            flag(is_last),
            change.exchange.0,
            change.receive.0,
            change.seq,
            change.step
        )
    }

    fn report(&self, report: &Report) -> String {
        format!(
            "Report(account='{}', instrument='{}', exchange={}, receive={}, order={}, \
             venue_order_id='{}', news={})",
            self.account(report.account),
            self.instrument(report.instrument),
            report.exchange.0,
            report.receive.0,
            report.order.map_or("None".to_owned(), |id| id.0.to_string()),
            report.venue_order_id,
            self.news(&report.news)
        )
    }

    fn news(&self, news: &News) -> String {
        match news {
            News::Accepted => "Accepted()".to_owned(),
            News::Rejected { class, code } => {
                format!("Rejected(reason='{}', code={code})", class.name())
            }
            News::CancelRejected { class, code } => {
                format!("CancelRejected(reason='{}', code={code})", class.name())
            }
            News::Fill(fill) => self.fill(fill),
            News::Cancelled { cum } => format!("Cancelled(cum={})", cum.get()),
            News::Expired { cum } => format!("Expired(cum={})", cum.get()),
            News::Status { status, cum } => status_of(*status, *cum),
            News::Bust { trade_id, side } => {
                format!("Bust(trade_id='{trade_id}', side='{}')", word(*side))
            }
            News::Correct { trade_id, side, price: Price(price), qty } => {
                let (side, qty) = (word(*side), qty.get());
                format!("Correct(trade_id='{trade_id}', side='{side}', price={price}, qty={qty})")
            }
            News::Fee { trade_id, side, amount, currency } => {
                let currency = self.config.currencies.get(*currency).map_or("", |name| name);
                let (side, amount) = (word(*side), money(*amount));
                format!(
                    "FeeOf(trade_id='{trade_id}', side='{side}', amount='{amount}', \
                     currency='{currency}')"
                )
            }
        }
    }

    fn fill(&self, fill: &Fill) -> String {
        let fee = match fill.fee {
            FeeNews::Pending => String::new(),
            FeeNews::Paid { amount, currency } => {
                let currency = self.config.currencies.get(currency).map_or("", |name| name);
                format!(", fee='{}', fee_currency='{currency}'", money(amount))
            }
        };
        let liquidity = match fill.liquidity {
            LiquiditySide::Maker => "maker",
            LiquiditySide::Taker => "taker",
        };
        format!(
            "Fill(trade_id='{}', side='{}', price={}, qty={}, cum={}, liquidity='{liquidity}'{fee})",
            fill.trade_id,
            word(fill.side),
            fill.price.0,
            fill.qty.get(),
            fill.cum.map_or("None".to_owned(), |cum| cum.get().to_string())
        )
    }

    fn answer(&self, answer: &Answer) -> String {
        let found = match answer.found {
            Found::Order { status, cum } => status_of(status, cum),
            Found::ProvenAbsent => "ProvenAbsent()".to_owned(),
            Found::Inconclusive => "Inconclusive()".to_owned(),
        };
        format!(
            "Answer(order={}, account='{}', exchange={}, receive={}, venue_order_id='{}', \
             found={found})",
            answer.order.0,
            self.account(answer.account),
            answer.exchange.0,
            answer.receive.0,
            answer.venue_order_id
        )
    }

    fn verb(&self, verb: &Verb) -> Option<String> {
        Some(match verb {
            Verb::Stop(scope) => format!("Stop({})", self.scope(*scope)),
            Verb::Resume(scope) => format!("Resume({})", self.scope(*scope)),
            Verb::Kill(scope) => format!("Kill({})", self.scope(*scope)),
            Verb::Unlatch(scope) => format!("Unlatch({})", self.scope(*scope)),
            Verb::Flatten(scope) => format!("Flatten({})", self.scope(*scope)),
            Verb::Unrestrict(scope) => format!("Unrestrict({})", self.scope(*scope)),
            Verb::Enter { hedge, sets, at_least, over } => {
                let least = at_least.map_or("None".to_owned(), |least| format!("'{least}'"));
                let (hedge, over) = (self.hedge(*hedge), over.0);
                format!("Enter(hedge='{hedge}', sets={sets}, at_least={least}, over_ns={over})")
            }
            Verb::Exit { hedge, sets, over } => {
                let sets = sets.map_or("None".to_owned(), |sets| sets.get().to_string());
                format!("Exit(hedge='{}', sets={sets}, over_ns={})", self.hedge(*hedge), over.0)
            }
            Verb::Freeze { hedge, lasts, adverse } => format!(
                "Freeze(hedge='{}', lasts_ns={}, adverse={adverse})",
                self.hedge(*hedge),
                lasts.0
            ),
            Verb::Roll { hedge } => format!("Roll(hedge='{}')", self.hedge(*hedge)),
            Verb::Transfer(Transfer { id, from, to, amount }) => format!(
                "Transfer(id={}, source='{}', target='{}', amount='{}')",
                id.0,
                self.account(*from),
                self.account(*to),
                money(*amount)
            ),
            Verb::Lease(Lease { account, amount, posted, epoch, until }) => format!(
                "Lease(account='{}', amount='{}', posted='{}', epoch={epoch}, until={})",
                self.account(*account),
                money(*amount),
                money(*posted),
                until.0
            ),
            Verb::Forfeit { hedge, reason } => {
                format!("Forfeit(hedge='{}', reason={:?})", self.hedge(*hedge), reason.as_str())
            }
            Verb::Adopt { hedge, lots } => {
                let legs = &self.config.hedges.get(*hedge)?.plan.legs;
                let mut said: Vec<(&str, i64)> = Vec::new();
                for (leg, lots) in legs.iter().zip(lots) {
                    let name = self.instrument(leg.instrument);
                    if said.iter().any(|(known, _)| *known == name) {
                        return None;
                    }
                    said.push((name, *lots));
                }
                let said = said.iter().filter(|(_, lots)| *lots != 0);
                let said: Vec<_> = said.map(|(name, lots)| format!("'{name}': {lots}")).collect();
                format!("Adopt(hedge='{}', lots={{{}}})", self.hedge(*hedge), said.join(", "))
            }
            Verb::Override { order, status, cum, reason } => format!(
                "Override(order={}, status='{}', cum={}, reason={:?})",
                order.0,
                status_name(*status),
                cum.get(),
                reason.as_str()
            ),
            Verb::Policy(policy) => {
                let text = document(self.config, policy).ok()?;
                format!("Policy(config=Stated({text:?}))")
            }
        })
    }

    fn scope(&self, scope: Scope) -> String {
        let inner = match scope {
            Scope::All => String::new(),
            Scope::Venue(id) => {
                format!("venue='{}'", self.config.venues.get(id).map_or("", |row| &row.name))
            }
            Scope::Account(id) => format!("account='{}'", self.account(id)),
            Scope::Hedge(id) => format!("hedge='{}'", self.hedge(id)),
        };
        format!("scope=Scope({inner})")
    }
}

fn reference(change: ReferenceChange) -> String {
    match change {
        ReferenceChange::Phase { phase, until } => {
            format!("Phase(phase='{}', until={})", phase.name(), until.0)
        }
        ReferenceChange::PriceBand(band) => {
            let bound = |price: Option<i64>| price.map_or("None".to_owned(), |p| p.to_string());
            let (low, high) = (band.map(|band| band.low.0), band.map(|band| band.high.0));
            format!("PriceBand(low={}, high={})", bound(low), bound(high))
        }
        ReferenceChange::Margin(rate) => margin_rate(rate, "None"),
        ReferenceChange::FlagMargin(flag, rate) => margin_rate(rate, &format!("'{}'", flag.name())),
    }
}

fn margin_rate(rate: MarginRate, flag: &str) -> String {
    format!(
        "MarginRate(long='{}', short='{}', long_per_lot='{}', short_per_lot='{}', \
         floor_per_lot='{}', flag={flag})",
        rate.long,
        rate.short,
        money(rate.long_per_lot),
        money(rate.short_per_lot),
        money(rate.floor_per_lot)
    )
}

fn status_of(status: VenueStatus, cum: Qty) -> String {
    format!("Status(status='{}', cum={})", status_name(status), cum.get())
}

const fn status_name(status: VenueStatus) -> &'static str {
    match status {
        VenueStatus::Working => "working",
        VenueStatus::Filled => "filled",
        VenueStatus::Cancelled => "cancelled",
        VenueStatus::Rejected => "rejected",
        VenueStatus::Expired => "expired",
    }
}

const fn word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn flag(is: bool) -> &'static str {
    if is { "True" } else { "False" }
}

fn money(amount: Money) -> String {
    amount.to_string()
}

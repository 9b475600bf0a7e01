//! Events as the text of a story, in the form of `tests/scenarios/README.md`.
//!
//! What the engine commanded is left open by `expect any`: the story shows a fault, and what must
//! follow instead is for its reader to say.

use std::fmt::Write as _;

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::ClockOf;
use cross_market_core::config::Config;
use cross_market_core::event::{Event, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{CashKind, Lease, Transfer};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, Id, InstrumentId, VenueId,
};
use cross_market_core::instrument::{MarginRate, ReferenceChange};
use cross_market_core::num::{Decimal, Money, Price, Side};
use cross_market_core::order::{Answer, FeeNews, Found, News, Report, VenueStatus};
use cross_market_core::position::StatementKind;
use cross_market_core::time::Time;

use crate::minimise::{Given, Recorded};

/// Writes events as the steps of a story that begins at `start`, with the configuration `name`.
#[must_use]
pub fn story(config: &Config, name: &str, start: Time, title: &str, events: &[Recorded]) -> String {
    let teller = Teller { config, start };
    let mut text = format!("# {title}\nconfig {name}\n\n");
    let mut rows: Vec<Change> = Vec::new();
    for (now, given) in events {
        let line = match given {
            Given::Event(Event::Book(change)) => {
                rows.push(*change);
                if !change.row.is_last() {
                    continue;
                }
                teller.book(&std::mem::take(&mut rows))
            }
            Given::Event(event) => teller.event(event),
            Given::Restart(run) => format!("restart run={run}"),
        };
        let _ = writeln!(text, "at={}ns {line}\n  expect any", now.0 - start.0);
    }
    text
}

struct Teller<'a> {
    config: &'a Config,
    start: Time,
}

impl Teller<'_> {
    fn instrument(&self, id: InstrumentId) -> &str {
        self.config.instruments.get(id).map_or("?", |row| &row.name)
    }

    fn account(&self, id: AccountId) -> &str {
        self.config.accounts.get(id).map_or("?", |row| &row.name)
    }

    fn venue(&self, id: VenueId) -> &str {
        self.config.venues.get(id).map_or("?", |row| &row.name)
    }

    fn hedge(&self, id: HedgeId) -> &str {
        self.config.hedges.get(id).map_or("?", |row| &row.plan.name)
    }

    fn money(&self, amount: Money, currency: CurrencyId) -> String {
        format!("{amount}{}", self.config.currencies.get(currency).map_or("?", |name| name))
    }

    fn price(&self, id: InstrumentId, price: Price) -> String {
        let tick = self.config.grids.get(id).and_then(|grid| grid.tick.scaled(12).ok());
        Decimal::new(tick.unwrap_or(0) * i128::from(price.0), 12).normalized().to_string()
    }

    fn moment(&self, at: Time) -> String {
        if at == Time::MAX { "never".to_owned() } else { format!("{}ns", at.0 - self.start.0) }
    }

    /// `hedge/attempt/leg/try`, with `@run` where it is not the present one.
    fn order(&self, id: ClientOrderId) -> String {
        let plan = self.config.hedges.get(id.hedge()).map(cross_market_core::config::Hedge::widest);
        let leg = plan.and_then(|plan| plan.legs.get(id.leg().index()));
        let leg = leg.map_or("?", |leg| self.instrument(leg.instrument));
        let mark =
            if id.run() == self.config.run { String::new() } else { format!("@{}", id.run()) };
        format!("{}/{}/{leg}/{}{mark}", self.hedge(id.hedge()), id.attempt(), id.attempt_try())
    }

    fn book(&self, rows: &[Change]) -> String {
        let Some(first) = rows.first() else { return "tick".to_owned() };
        let side = |side: Side| {
            let levels = rows.iter().filter(|row| row.side == side);
            let levels = levels
                .map(|row| format!("{}x{}", self.price(row.instrument, row.price), row.qty.get()));
            levels.collect::<Vec<_>>().join(",")
        };
        let is_delta = matches!(first.row, Row::Delta | Row::DeltaLast);
        let kind = if is_delta { " delta" } else { "" };
        let mut line = format!("book {}{kind}", self.instrument(first.instrument));
        for (key, levels) in [("bid", side(Side::Buy)), ("ask", side(Side::Sell))] {
            if !levels.is_empty() {
                let _ = write!(line, " {key}={levels}");
            }
        }
        format!("{line} seq={} step={}", first.seq, first.step)
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::Book(change) => self.book(&[*change]),
            Event::Link(link) => {
                let state = match link.state {
                    LinkState::Down => "down",
                    LinkState::Up => "up",
                    LinkState::Resynced => "resynced",
                };
                match link.to {
                    LinkTo::Trading(account) => {
                        format!("link trading {} {state}", self.account(account))
                    }
                    LinkTo::Feed(id) => format!("link feed {} {state}", self.instrument(id)),
                }
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
                let of = self.config.accounts.get(cash.account).map(|row| row.currency);
                let amount = self.money(cash.amount, of.unwrap_or(CurrencyId(0)));
                let transfer =
                    cash.transfer.map_or(String::new(), |id| format!(" transfer={}", id.0));
                format!("cash {} {kind} {amount}{transfer}", self.account(cash.account))
            }
            Event::Position(statement) => {
                let kind = match statement.kind {
                    StatementKind::Opening => "opening",
                    StatementKind::Compare => "compare",
                };
                format!(
                    "statement {} {} {kind} long={} short={} price={}",
                    self.account(statement.account),
                    self.instrument(statement.instrument),
                    statement.long.get(),
                    statement.short.get(),
                    self.price(statement.instrument, statement.price)
                )
            }
            Event::Settle(settle) => format!(
                "settle {} price={} day={}",
                self.instrument(settle.instrument),
                self.price(settle.instrument, settle.price),
                settle.day.0
            ),
            Event::Reference(reference) => self.reference(reference.instrument, reference.change),
            Event::Estimate(estimate) => format!(
                "estimate {} value={} expires={}",
                self.hedge(estimate.hedge),
                Money(i128::from(estimate.value)),
                self.moment(estimate.expires)
            ),
            Event::Clock(clock) => {
                let of = match clock.of {
                    ClockOf::Wall => "wall",
                    ClockOf::Venue(venue) => self.venue(venue),
                };
                let (offset, error) = (clock.offset.0, clock.uncertainty.0);
                format!("clock {of} offset={offset}ns uncertainty={error}ns")
            }
            Event::Tick => "tick".to_owned(),
            Event::Control(control) => format!("control {}", self.verb(&control.verb)),
        }
    }

    fn reference(&self, id: InstrumentId, change: ReferenceChange) -> String {
        let name = self.instrument(id);
        match change {
            ReferenceChange::Phase { phase, until } if until >= Time::LATEST => {
                format!("phase {name} {}", phase.name())
            }
            ReferenceChange::Phase { phase, until } => {
                format!("phase {name} {} until={}", phase.name(), self.moment(until))
            }
            ReferenceChange::PriceBand(None) => format!("band {name}"),
            ReferenceChange::PriceBand(Some(band)) => {
                let (low, high) = (self.price(id, band.low), self.price(id, band.high));
                format!("band {name} low={low} high={high}")
            }
            ReferenceChange::Margin(rate) => margin(name, &rate, ""),
            ReferenceChange::FlagMargin(flag, rate) => {
                margin(name, &rate, &format!(" flag={}", flag.name()))
            }
        }
    }

    fn report(&self, report: &Report) -> String {
        let whose = match report.order.filter(|id| id.engine() == self.config.engine) {
            Some(id) => format!("order={}", self.order(id)),
            None => String::new(),
        };
        let (account, instrument) = (report.account, report.instrument);
        let named = format!(
            "{whose} account={} instrument={}",
            self.account(account),
            self.instrument(instrument)
        );
        let side = |side: Side| if side == Side::Buy { "buy" } else { "sell" };
        let news = match report.news {
            News::Accepted => "accepted".to_owned(),
            News::Rejected { class, .. } => format!("rejected class={}", class.name()),
            News::CancelRejected { class, .. } => {
                format!("cancel_rejected class={}", class.name())
            }
            News::Cancelled { cum } => format!("cancelled cum={}", cum.get()),
            News::Expired { cum } => format!("expired cum={}", cum.get()),
            News::Status { status, cum } => {
                format!("status status={} cum={}", status_name(status), cum.get())
            }
            News::Fill(fill) => {
                let price = self.price(instrument, fill.price);
                let cum = fill.cum.map_or(String::new(), |cum| format!(" cum={}", cum.get()));
                let fee = match fill.fee {
                    FeeNews::Pending => String::new(),
                    FeeNews::Paid { amount, currency } => {
                        format!(" fee={}", self.money(amount, currency))
                    }
                };
                let (qty, id) = (fill.qty.get(), fill.trade_id);
                format!("fill side={} qty={qty} price={price} id={id}{cum}{fee}", side(fill.side))
            }
            News::Bust { trade_id, side: of } => format!("bust side={} id={trade_id}", side(of)),
            News::Correct { trade_id, side: of, price, qty } => {
                let price = self.price(instrument, price);
                format!("correct side={} id={trade_id} qty={} price={price}", side(of), qty.get())
            }
            News::Fee { trade_id, side: of, amount, currency } => {
                let fee = self.money(amount, currency);
                format!("fee side={} id={trade_id} fee={fee}", side(of))
            }
        };
        format!("report {named} {news}")
    }

    fn answer(&self, answer: &Answer) -> String {
        let found = match answer.found {
            Found::Order { status, cum } => {
                format!("found status={} cum={}", status_name(status), cum.get())
            }
            Found::ProvenAbsent => "absent".to_owned(),
            Found::Inconclusive => "inconclusive".to_owned(),
        };
        format!("answer {found} order={}", self.order(answer.order))
    }

    fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::All => "all".to_owned(),
            Scope::Venue(id) => format!("venue:{}", self.venue(id)),
            Scope::Account(id) => format!("account:{}", self.account(id)),
            Scope::Hedge(id) => format!("hedge:{}", self.hedge(id)),
        }
    }

    fn verb(&self, verb: &Verb) -> String {
        match verb {
            Verb::Stop(scope) => format!("stop {}", self.scope(*scope)),
            Verb::Resume(scope) => format!("resume {}", self.scope(*scope)),
            Verb::Kill(scope) => format!("kill {}", self.scope(*scope)),
            Verb::Unlatch(scope) => format!("unlatch {}", self.scope(*scope)),
            Verb::Flatten(scope) => format!("flatten {}", self.scope(*scope)),
            Verb::Unrestrict(scope) => format!("unrestrict {}", self.scope(*scope)),
            Verb::Enter { hedge, sets, at_least, over } => {
                let least = at_least.map_or(String::new(), |least| format!(" at_least={least}"));
                format!("enter {} sets={sets}{least} over={}ns", self.hedge(*hedge), over.0)
            }
            Verb::Exit { hedge, sets, over } => {
                let sets = sets.map_or(String::new(), |sets| format!(" sets={}", sets.get()));
                format!("exit {}{sets} over={}ns", self.hedge(*hedge), over.0)
            }
            Verb::Freeze { hedge, lasts, adverse } => {
                format!("freeze {} for={}ns adverse={adverse}", self.hedge(*hedge), lasts.0)
            }
            Verb::Forfeit { hedge, reason } => {
                let reason = reason.as_str().replace(' ', "_");
                format!("forfeit {} reason={reason}", self.hedge(*hedge))
            }
            Verb::Roll { hedge } => format!("roll {}", self.hedge(*hedge)),
            Verb::Transfer(Transfer { id, from, to, amount }) => {
                let of = self.config.accounts.get(*from).map(|row| row.currency);
                let amount = self.money(*amount, of.unwrap_or(CurrencyId(0)));
                let (from, to) = (self.account(*from), self.account(*to));
                format!("transfer {from} to={to} amount={amount} id={}", id.0)
            }
            Verb::Lease(Lease { account, amount, posted, epoch, until }) => {
                let of = self.config.accounts.get(*account).map(|row| row.currency);
                let money = |amount: Money| self.money(amount, of.unwrap_or(CurrencyId(0)));
                let (amount, posted) = (money(*amount), money(*posted));
                let account = self.account(*account);
                let until = self.moment(*until);
                format!(
                    "lease {account} amount={amount} posted={posted} epoch={epoch} until={until}"
                )
            }
            Verb::Adopt { hedge, lots } => {
                let plan = self.config.hedges.get(*hedge).map(|hedge| &hedge.plan);
                let legs = plan.into_iter().flat_map(|plan| &plan.legs).zip(lots);
                let legs = legs.filter(|(_, lots)| **lots != 0);
                let legs: Vec<String> = legs
                    .map(|(leg, lots)| format!("{}={lots}", self.instrument(leg.instrument)))
                    .collect();
                format!("adopt {} {}", self.hedge(*hedge), legs.join(" "))
            }
            Verb::Override { order, status, cum, reason } => {
                let reason = reason.as_str().replace(' ', "_");
                let (order, status) = (self.order(*order), status_name(*status));
                format!("override order={order} status={status} cum={} reason={reason}", cum.get())
            }
            // Replaced only once all is quiet, which no story tells.
            Verb::Policy(_) => "policy".to_owned(),
        }
    }
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

fn margin(name: &str, rate: &MarginRate, flag: &str) -> String {
    let MarginRate { long, short, long_per_lot, short_per_lot, floor_per_lot } = rate;
    format!(
        "margin {name} long={long} short={short} long_per_lot={long_per_lot} \
         short_per_lot={short_per_lot} floor={floor_per_lot}{flag}"
    )
}

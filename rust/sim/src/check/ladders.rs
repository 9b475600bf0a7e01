//! What follows from the levels that the engine tells: inside RESTRICT nothing is entered, and the
//! step that reaches CANCEL cancels what enters.

use cross_market_core::command::{Alert, AlertCode, Command, Subject};
use cross_market_core::config::Hedge;
use cross_market_core::event::LinkState;
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, Id};
use cross_market_core::quote::LegPlan;
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::threshold::{Level, Metric, Of};
use cross_market_core::time::{Span, Time};

use super::Checker;
use crate::sent::Sent;

/// A level that cancels was reached, and these orders could still enter.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    since: Time,
    orders: Vec<ClientOrderId>,
}

impl Checker {
    /// From each level that cancels to the proof that what entered is dead.
    #[must_use]
    pub fn handled(&self) -> &[Span] {
        &self.handled
    }

    /// Levels of which no such proof has come.
    #[must_use]
    pub fn unhandled(&self) -> usize {
        self.breaches.len()
    }

    pub(super) fn note_handled(&mut self, now: Time) {
        let orders = &self.orders;
        let dead = |id: &ClientOrderId| orders.get(id).is_none_or(|sent| sent.done.is_some());
        let handled = self.breaches.extract_if(.., |breach| breach.orders.iter().all(dead));
        self.handled.extend(handled.map(|breach| now - breach.since));
    }

    /// A monitored number reached or left a level.
    pub(super) fn ladder(&mut self, now: Time, alert: &Alert, commands: &[Command]) {
        let (metric, level) = (alert.detail / 8, alert.detail % 8);
        let before = self.levels.insert((metric, alert.subject), level).unwrap_or(0);
        let rises = alert.code == AlertCode::Threshold;
        if rises == (level <= before) {
            self.broken(now, "levels_as_told", format!("{before} to {level}: {alert:?}"));
        }
        if rises && !self.is_bound(metric, level, alert.limit) {
            self.broken(now, "bounds_as_stated", format!("{alert:?}"));
        }
        if !rises || level < Level::Cancel.code() {
            return;
        }
        let orders = self.entering_of(metric, alert.subject).map(|(id, _)| *id).collect();
        self.breaches.push(Breach { since: now, orders });
        let late: Vec<ClientOrderId> = self
            .left_to_cancel(metric, alert.subject)
            .filter(|id| !cancels(commands, *id))
            .collect();
        if let Some(order) = late.first() {
            self.broken(now, "cancel_level_cancels", format!("{order} at {alert:?}"));
        }
    }

    /// Whether a policy states this bound for a level, or a formula that may come to it.
    fn is_bound(&self, metric: u8, level: u8, bound: i128) -> bool {
        let of = self.policy.thresholds.iter().filter(|of| of.metric.code() == metric);
        let mut of = of.map(|of| {
            let level = Level::ALL.get(usize::from(level)).copied().unwrap_or_default();
            let formula = of.formulas.iter().find(|(at, _)| *at == level);
            match formula.map(|(_, formula)| formula.ends()) {
                Some([least, most]) => (least..=most).contains(&bound),
                None => of.bound(level) == Some(bound),
            }
        });
        of.any(|is_bound| is_bound)
    }

    /// Whether a level keeps a hedge from entering.
    pub(super) fn is_shut_by_level(&self, hedge: HedgeId) -> bool {
        let restricts = |level: u8| level >= Level::Restrict.code();
        let shuts = |metric: u8, of| self.is_of(hedge, metric, of);
        self.levels.iter().any(|((metric, of), level)| restricts(*level) && shuts(*metric, *of))
    }

    /// Orders that enter, of hedges that a subject concerns, and that can be cancelled now. The second
    /// cancel of one has a time of its own.
    fn left_to_cancel(
        &self,
        metric: u8,
        subject: Subject,
    ) -> impl Iterator<Item = ClientOrderId> + '_ {
        let can = |sent: &Sent| {
            let link = self.links.get(sent.place.account.index());
            let linked = link.is_some_and(|link| *link != LinkState::Down);
            !sent.absent && sent.cancels_all == 0 && linked
        };
        self.entering_of(metric, subject).filter(move |(_, sent)| can(sent)).map(|(id, _)| *id)
    }

    /// Orders that may still enter, of hedges that a subject concerns.
    fn entering_of(
        &self,
        metric: u8,
        subject: Subject,
    ) -> impl Iterator<Item = (&ClientOrderId, &Sent)> + '_ {
        self.orders.iter().filter(move |(_, sent)| {
            let place = &sent.place;
            place.kind == Kind::Enter
                && matches!(place.purpose, Purpose::Work | Purpose::Quote)
                && sent.done.is_none()
                && sent.cum < place.qty.get()
                && self.is_of(place.hedge, metric, subject)
        })
    }

    /// Whether an account belongs to what a number of accounts is of.
    pub(super) fn is_of_account(&self, subject: Subject, account: AccountId) -> bool {
        let Some(of) = self.config.accounts.get(account) else { return false };
        let trades = |stands: &dyn Fn(&Hedge, &LegPlan) -> bool| {
            self.config.hedges.iter().any(|hedge| {
                let legs = &hedge.widest().legs;
                legs.iter().any(|leg| leg.account == account && stands(hedge, leg))
            })
        };
        match subject {
            Subject::Engine => true,
            Subject::Account(one) => one == account,
            Subject::Venue(venue) => of.venue == venue,
            Subject::Group(group) => self.config.groups.get(group) == Some(&of.group),
            Subject::Product(product) => trades(&|_, leg| {
                let instrument = self.config.instruments.get(leg.instrument);
                instrument.is_some_and(|instrument| instrument.product == product)
            }),
            Subject::Strategy(strategy) => trades(&|hedge, _| hedge.strategy == Some(strategy)),
            Subject::Instrument(_)
            | Subject::Hedge(_)
            | Subject::Attempt(_)
            | Subject::Order(_)
            | Subject::Transfer(_) => false,
        }
    }

    /// Whether a number of a metric, told of a subject, concerns a hedge: one of its legs stands on
    /// what the number is of.
    fn is_of(&self, hedge: HedgeId, metric: u8, subject: Subject) -> bool {
        let all = || self.config.hedges.pairs();
        let widest = |of: &Hedge| of.widest().legs.clone();
        let Some(own) = self.config.hedges.get(hedge) else { return false };
        let legs = widest(own);
        // What a leg of some hedge has in common with others of the subject.
        let shares = |id: HedgeId, of: &Hedge, leg: &LegPlan| {
            let account = self.config.accounts.get(leg.account);
            let instrument = self.config.instruments.get(leg.instrument);
            match subject {
                Subject::Engine => true,
                Subject::Hedge(hedge) => id == hedge,
                Subject::Account(account) => leg.account == account,
                Subject::Instrument(instrument) => leg.instrument == instrument,
                Subject::Venue(venue) => account.is_some_and(|account| account.venue == venue),
                Subject::Product(product) => instrument.is_some_and(|of| of.product == product),
                Subject::Group(group) => {
                    let name = self.config.groups.get(group);
                    account.is_some_and(|account| name == Some(&account.group))
                }
                Subject::Strategy(strategy) => of.strategy == Some(strategy),
                Subject::Attempt(_) | Subject::Order(_) | Subject::Transfer(_) => false,
            }
        };
        let of = Metric::ALL.get(usize::from(metric)).map(|metric| metric.of());
        let any = |stands: &dyn Fn(&LegPlan) -> bool| {
            all().any(|(id, of)| widest(of).iter().any(|leg| shares(id, of, leg) && stands(leg)))
        };
        match of {
            Some(Of::Hedge) => legs.iter().any(|leg| shares(hedge, own, leg)),
            Some(Of::Account) => any(&|leg| legs.iter().any(|ours| ours.account == leg.account)),
            Some(Of::Instrument) => {
                any(&|leg| legs.iter().any(|ours| ours.instrument == leg.instrument))
            }
            None => false,
        }
    }
}

fn cancels(commands: &[Command], order: ClientOrderId) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Cancel(cancel) if cancel.order == order))
}

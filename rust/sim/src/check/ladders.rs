//! What follows from the levels that the engine tells: inside RESTRICT nothing is entered, and the
//! step that reaches CANCEL cancels what enters.

use cross_market_core::command::{Alert, AlertCode, Command, Subject};
use cross_market_core::event::LinkState;
use cross_market_core::ids::{ClientOrderId, HedgeId, Id};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::threshold::Level;
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
        if !rises || level < Level::Cancel.code() {
            return;
        }
        let orders = self.entering_of(alert.subject).map(|(id, _)| *id).collect();
        self.breaches.push(Breach { since: now, orders });
        let late: Vec<ClientOrderId> =
            self.left_to_cancel(alert.subject).filter(|id| !cancels(commands, *id)).collect();
        if let Some(order) = late.first() {
            self.broken(now, "cancel_level_cancels", format!("{order} at {alert:?}"));
        }
    }

    /// Whether a level keeps a hedge from entering.
    pub(super) fn is_shut_by_level(&self, hedge: HedgeId) -> bool {
        let restricts = |level: u8| level >= Level::Restrict.code();
        self.levels.iter().any(|((_, of), level)| restricts(*level) && self.is_of(hedge, *of))
    }

    /// Orders that enter, of hedges that a subject concerns, and that can be cancelled now. The second
    /// cancel of one has a time of its own.
    fn left_to_cancel(&self, subject: Subject) -> impl Iterator<Item = ClientOrderId> + '_ {
        let can = |sent: &Sent| {
            let link = self.links.get(sent.place.account.index());
            let linked = link.is_some_and(|link| *link != LinkState::Down);
            !sent.absent && sent.cancels_all == 0 && linked
        };
        self.entering_of(subject).filter(move |(_, sent)| can(sent)).map(|(id, _)| *id)
    }

    /// Orders that may still enter, of hedges that a subject concerns.
    fn entering_of(&self, subject: Subject) -> impl Iterator<Item = (&ClientOrderId, &Sent)> + '_ {
        self.orders.iter().filter(move |(_, sent)| {
            let place = &sent.place;
            place.kind == Kind::Enter
                && matches!(place.purpose, Purpose::Work | Purpose::Quote)
                && sent.done.is_none()
                && sent.cum < place.qty.get()
                && self.is_of(place.hedge, subject)
        })
    }

    fn is_of(&self, hedge: HedgeId, subject: Subject) -> bool {
        let legs = self.config.hedges.get(hedge).map(|of| of.widest().legs.as_slice());
        let legs = legs.unwrap_or_default();
        match subject {
            Subject::Hedge(of) => of == hedge,
            Subject::Account(account) => legs.iter().any(|leg| leg.account == account),
            Subject::Instrument(instrument) => legs.iter().any(|leg| leg.instrument == instrument),
            Subject::Engine
            | Subject::Venue(_)
            | Subject::Attempt(_)
            | Subject::Order(_)
            | Subject::Transfer(_) => false,
        }
    }
}

fn cancels(commands: &[Command], order: ClientOrderId) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Cancel(cancel) if cancel.order == order))
}

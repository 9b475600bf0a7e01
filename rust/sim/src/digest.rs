//! A 64-bit digest of a stream of effects, for telling whether two runs did the same.

use cross_market_core::command::{Alert, Command, Subject};
use cross_market_core::engine::Effect;
use cross_market_core::time::Time;

use crate::random::mix;

/// What was done so far, as one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u64);

/// The two halves of a wide number.
fn halves(wide: i128) -> [u64; 2] {
    let bits = wide.cast_unsigned();
    let low = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    [u64::try_from(bits >> 64).unwrap_or(0), low]
}

impl Digest {
    /// The number.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Adds a number.
    pub fn add(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ value);
    }

    fn signed(&mut self, value: i64) {
        self.add(value.cast_unsigned());
    }

    /// Adds what one step did.
    pub fn step(&mut self, now: Time, effect: Option<Effect>, commands: &[Command]) {
        self.signed(now.0);
        self.add(match effect {
            None => 0,
            Some(Effect::Market) => 1,
            Some(Effect::Decision) => 2,
        });
        for command in commands {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        self.add(u64::from(command.code()));
        match command {
            Command::Place(place) => {
                self.add(place.order.0);
                self.signed(place.price.0);
                self.signed(place.qty.get());
                for id in [place.account.0, place.instrument.0, place.hedge.0] {
                    self.add(u64::from(id));
                }
                self.signed(place.side.sign());
                for code in [place.effect.code(), place.kind.code(), place.purpose.code()] {
                    self.add(u64::from(code));
                }
                self.add(u64::from(crate::outcome::tif_code(place.tif)));
                self.add(u64::from(crate::outcome::flag_code(place.flag)));
            }
            Command::Amend(amend) => {
                self.add(amend.order.0);
                self.signed(amend.price.0);
                self.signed(amend.qty.get());
            }
            Command::Cancel(cancel) => self.add(cancel.order.0),
            Command::Query(query) => self.add(query.order.0),
            Command::Resync(instrument) => self.add(u64::from(instrument.0)),
            Command::Transfer(transfer) => {
                self.add(transfer.id.0);
                self.add(u64::from(transfer.from.0));
                self.add(u64::from(transfer.to.0));
                for half in halves(transfer.amount.0) {
                    self.add(half);
                }
            }
            Command::Alert(alert) => self.alert(alert),
        }
    }

    fn alert(&mut self, alert: &Alert) {
        self.add(u64::from(crate::outcome::alert_code(alert.code)));
        self.add(u64::from(crate::outcome::urgency_code(alert.urgency)));
        self.add(alert.refusal.map_or(0, |r| 1 + u64::from(crate::outcome::refusal_code(r))));
        self.add(u64::from(alert.detail));
        let (kind, id) = subject(alert.subject);
        self.add(u64::from(kind));
        self.add(id);
        for half in halves(alert.value).into_iter().chain(halves(alert.limit)) {
            self.add(half);
        }
    }
}

/// The kind and number of a subject: 0 engine, 1 venue, 2 account, 3 instrument, 4 hedge,
/// 5 attempt, 6 order, 7 transfer, 8 product, 9 group, 10 strategy.
#[must_use]
pub fn subject(subject: Subject) -> (u8, u64) {
    match subject {
        Subject::Engine => (0, 0),
        Subject::Venue(venue) => (1, u64::from(venue.0)),
        Subject::Account(account) => (2, u64::from(account.0)),
        Subject::Instrument(instrument) => (3, u64::from(instrument.0)),
        Subject::Hedge(hedge) => (4, u64::from(hedge.0)),
        Subject::Attempt(decision) => (5, decision.0),
        Subject::Order(order) => (6, order.0),
        Subject::Transfer(transfer) => (7, transfer.0),
        Subject::Product(product) => (8, u64::from(product.0)),
        Subject::Group(group) => (9, u64::from(group.0)),
        Subject::Strategy(strategy) => (10, u64::from(strategy.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cross_market_core::ids::InstrumentId;

    #[test]
    fn order_and_content_both_count() {
        let digest = |commands: &[Command]| {
            let mut digest = Digest::default();
            digest.step(Time(5), Some(Effect::Decision), commands);
            digest.value()
        };
        let (one, two) = (Command::Resync(InstrumentId(1)), Command::Resync(InstrumentId(2)));
        assert_eq!(digest(&[one, two]), digest(&[one, two]));
        assert_ne!(digest(&[one, two]), digest(&[two, one]));
        assert_ne!(digest(&[one]), digest(&[]));
    }
}

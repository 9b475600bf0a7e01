//! Pauses after a venue's no: for a bounded time nothing new is entered there, or nothing leaves.

use crate::ids::{AccountId, InstrumentId, Table, VenueId};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// Longest pause, as a power of two of the shortest.
const DOUBLED_MAX: u8 = 6;

/// Where a pause lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a venue.
    Venue(VenueId),
    /// In an account.
    Account(AccountId),
    /// In a contract.
    Instrument(InstrumentId),
}

/// What a pause keeps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// New sets.
    Entering,
    /// Every order.
    Everything,
}

/// A pause: it ends by itself, and the next one in a row is twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    until: Time,
    times: u8,
}

impl Pause {
    const NONE: Pause = Pause { until: Time(i64::MIN), times: 0 };

    fn begin(&mut self, now: Time, shortest: Span) -> Time {
        let span = Span(shortest.0.saturating_mul(1 << self.times));
        self.until = self.until.max(now + span);
        self.times = (self.times + 1).min(DOUBLED_MAX);
        self.until
    }
}

/// Both kinds at one place: of new sets, of every order.
type Pair = [Pause; 2];

/// The pauses of every venue, account and contract.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    venues: Table<VenueId, Pair>,
    accounts: Table<AccountId, Pair>,
    instruments: Table<InstrumentId, Pair>,
    /// When the last of them ends: nearly always long ago.
    last: Time,
}

/// Tables are indexed by ids that passed the door.
#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl Pauses {
    pub(super) fn new(venues: usize, accounts: usize, instruments: usize) -> Pauses {
        Pauses {
            venues: Table::new(vec![[Pause::NONE; 2]; venues]),
            accounts: Table::new(vec![[Pause::NONE; 2]; accounts]),
            instruments: Table::new(vec![[Pause::NONE; 2]; instruments]),
            last: Time(i64::MIN),
        }
    }

    pub(super) fn begin(&mut self, at: Place, keeps: Keeps, now: Time, shortest: Span) -> Time {
        let pair = match at {
            Place::Venue(venue) => &mut self.venues[venue],
            Place::Account(account) => &mut self.accounts[account],
            Place::Instrument(instrument) => &mut self.instruments[instrument],
        };
        let [entering, everything] = pair;
        let until = match keeps {
            Keeps::Entering => entering.begin(now, shortest),
            Keeps::Everything => everything.begin(now, shortest),
        };
        self.last = self.last.max(until);
        until
    }

    /// The venue takes orders again: the next pause there is a short one.
    pub(super) fn end_row(&mut self, venue: VenueId, account: AccountId, instrument: InstrumentId) {
        for pair in [
            &mut self.venues[venue],
            &mut self.accounts[account],
            &mut self.instruments[instrument],
        ] {
            for pause in pair {
                pause.times = 0;
            }
        }
    }

    /// When new sets may be entered again, and when any order may leave.
    #[inline]
    pub(super) fn until(
        &self,
        now: Time,
        (venue, account, instrument): (VenueId, AccountId, InstrumentId),
    ) -> [Time; 2] {
        if self.last <= now {
            return [now; 2];
        }
        let pairs = [&self.venues[venue], &self.accounts[account], &self.instruments[instrument]];
        pairs.iter().fold([now; 2], |[entering, any], [first, second]| {
            [entering.max(first.until), any.max(second.until)]
        })
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        let pairs = self.venues.iter().chain(self.accounts.iter()).chain(self.instruments.iter());
        for pause in pairs.flatten() {
            out.i64(pause.until.0);
            out.u8(pause.times);
        }
    }
}

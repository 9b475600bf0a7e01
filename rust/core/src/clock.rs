//! What was measured about clocks: the wall clock against engine time, and venue clocks.
//!
//! Engine time never steps and needs none of this to run its timers. The offsets turn a venue's
//! stamps into engine time, and say by how much that may be wrong.

use crate::error::{Error, Field};
use crate::ids::{Table, VenueId};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// Largest offset that a clock may have: beyond a day it is not off, it is wrong.
pub const OFFSET_MAX: Span = Span::seconds(86_400);

/// Largest error that an offset may have.
pub const UNCERTAINTY_MAX: Span = Span::seconds(3_600);

/// Furthest the wall clock may be from engine time before it is not trusted, error included.
pub const WALL_BOUND: Span = Span::seconds(1);

/// Whose clock was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockOf {
    /// The machine's wall clock.
    Wall,
    /// A venue's clock.
    Venue(VenueId),
}

/// A measured offset from engine time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Whose.
    pub of: ClockOf,
    /// That clock minus engine time.
    pub offset: Span,
    /// Largest error of `offset`; zero or more.
    pub uncertainty: Span,
}

/// The last measurement of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// When it was measured, in engine time.
    pub at: Time,
    /// That clock minus engine time.
    pub offset: Span,
    /// Largest error of `offset`.
    pub uncertainty: Span,
}

/// The last measurement of every clock; `None` where none was made.
#[derive(Clone, Debug)]
pub struct Clocks {
    wall: Option<Measured>,
    venues: Table<VenueId, Option<Measured>>,
}

impl Clocks {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(venues: usize) -> Clocks {
        Clocks { wall: None, venues: Table::new(vec![None; venues]) }
    }

    /// Whether a measurement may be taken in.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a venue that is not configured, [`Error::OutOfBounds`] for an offset
    /// beyond [`OFFSET_MAX`] either way or an uncertainty that is negative or beyond
    /// [`UNCERTAINTY_MAX`].
    pub fn check(&self, clock: &Clock) -> Result<(), Error> {
        if let ClockOf::Venue(venue) = clock.of
            && self.venues.get(venue).is_none()
        {
            return Err(Error::Unknown { field: Field::Venue, found: u32::from(venue.0) });
        }
        if !(-OFFSET_MAX.0..=OFFSET_MAX.0).contains(&clock.offset.0) {
            return Err(Error::OutOfBounds { field: Field::Offset, found: clock.offset.0 });
        }
        if !(Span::ZERO..=UNCERTAINTY_MAX).contains(&clock.uncertainty) {
            let found = clock.uncertainty.0;
            return Err(Error::OutOfBounds { field: Field::Uncertainty, found });
        }
        Ok(())
    }

    /// Takes in a measurement that [`Clocks::check`] has passed.
    pub fn apply(&mut self, now: Time, clock: &Clock) {
        let measured = Measured { at: now, offset: clock.offset, uncertainty: clock.uncertainty };
        match clock.of {
            ClockOf::Wall => self.wall = Some(measured),
            ClockOf::Venue(venue) => {
                if let Some(row) = self.venues.get_mut(venue) {
                    *row = Some(measured);
                }
            }
        }
    }

    /// The last measurement of a clock.
    #[must_use]
    pub fn measured(&self, of: ClockOf) -> Option<Measured> {
        match of {
            ClockOf::Wall => self.wall,
            ClockOf::Venue(venue) => self.venues.get(venue).copied().flatten(),
        }
    }

    /// A stamp of a venue in engine time, and by how much that may be wrong; `None` as long as
    /// its clock was not measured.
    #[must_use]
    pub fn engine_time(&self, venue: VenueId, stamp: Time) -> Option<(Time, Span)> {
        let measured = self.measured(ClockOf::Venue(venue))?;
        Some((Time(stamp.0.saturating_sub(measured.offset.0)), measured.uncertainty))
    }

    /// Appends the state for its digest.
    pub fn digest(&self, out: &mut Writer) {
        for row in std::iter::once(&self.wall).chain(self.venues.iter()) {
            out.bool(row.is_some());
            if let Some(measured) = row {
                out.i64(measured.at.0);
                out.i64(measured.offset.0);
                out.i64(measured.uncertainty.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(of: ClockOf, offset: i64, uncertainty: i64) -> Clock {
        Clock { of, offset: Span(offset), uncertainty: Span(uncertainty) }
    }

    #[test]
    fn the_last_measurement_counts() {
        let mut clocks = Clocks::new(1);
        let venue = ClockOf::Venue(VenueId(0));
        assert_eq!(clocks.engine_time(VenueId(0), Time(100)), None);
        clocks.apply(Time(1), &clock(venue, 30, 2));
        clocks.apply(Time(2), &clock(venue, -40, 5));
        clocks.apply(Time(3), &clock(ClockOf::Wall, 7, 1));
        assert_eq!(clocks.engine_time(VenueId(0), Time(100)), Some((Time(140), Span(5))));
        assert_eq!(clocks.measured(venue).unwrap().at, Time(2));
        assert_eq!(clocks.measured(ClockOf::Wall).unwrap().offset, Span(7));
    }

    #[test]
    fn the_door_refuses_what_cannot_be_measured() {
        let clocks = Clocks::new(1);
        let venue = ClockOf::Venue(VenueId(0));
        assert_eq!(clocks.check(&clock(venue, -1, 0)), Ok(()));
        assert_eq!(
            clocks.check(&clock(venue, 0, -1)),
            Err(Error::OutOfBounds { field: Field::Uncertainty, found: -1 })
        );
        assert_eq!(
            clocks.check(&clock(ClockOf::Wall, i64::MIN, 0)),
            Err(Error::OutOfBounds { field: Field::Offset, found: i64::MIN })
        );
        assert_eq!(
            clocks.check(&clock(ClockOf::Venue(VenueId(1)), 0, 0)),
            Err(Error::Unknown { field: Field::Venue, found: 1 })
        );
    }

    #[test]
    fn the_digest_sees_every_measurement() {
        let bytes = |clocks: &Clocks| {
            let mut out = Writer::new();
            clocks.digest(&mut out);
            out.into_bytes()
        };
        let mut clocks = Clocks::new(1);
        let empty = bytes(&clocks);
        clocks.apply(Time(1), &clock(ClockOf::Wall, 0, 0));
        let wall = bytes(&clocks);
        clocks.apply(Time(1), &clock(ClockOf::Venue(VenueId(0)), 0, 0));
        assert!(empty != wall && wall != bytes(&clocks));
    }
}

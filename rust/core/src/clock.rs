//! What was measured about clocks: the wall clock against engine time, and venue clocks.

use crate::ids::VenueId;
use crate::time::Span;

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

//! Engine time: nanoseconds since the Unix epoch, handed in with every event.

use std::ops::{Add, Sub};

/// A moment, in ns since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Time(pub i64);

/// A length of time, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Span(pub i64);

/// A trading day, in days since 1970-01-01; which moments belong to it, the venue says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Day(pub i32);

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400 * 1_000_000_000;

impl Time {
    /// After every time that can be met; what has this due time is never due.
    pub const MAX: Time = Time(i64::MAX);

    /// Earliest time the door accepts: 1970-01-01.
    pub const EARLIEST: Time = Time(0);

    /// The UTC date.
    #[must_use]
    pub fn date(self) -> Day {
        // 64 bits of ns hold 106,752 days each way.
        Day(i32::try_from(self.0.div_euclid(DAY_NS)).unwrap_or(i32::MAX))
    }

    /// The first moment of the UTC date after that of this one.
    #[must_use]
    pub fn next_date(self) -> Time {
        Time((self.0.div_euclid(DAY_NS) + 1).saturating_mul(DAY_NS))
    }

    /// Latest time the door accepts: 2200-01-01, so that adding a span cannot leave 64 bits.
    pub const LATEST: Time = Time(7_258_118_400_000_000_000);
}

impl Span {
    /// No time.
    pub const ZERO: Span = Span(0);

    /// Longest span a configuration may name: 40 days.
    pub const LONGEST: Span = Span(40 * 86_400 * 1_000_000_000);

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(millis: i64) -> Span {
        Span(millis * 1_000_000)
    }

    /// Whole seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Span {
        Span(seconds * 1_000_000_000)
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Sub<Time> for Time {
    type Output = Span;
    fn sub(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

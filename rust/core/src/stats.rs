//! Statistics: the only file of the core that uses floating point.
//!
//! Only `+ − × ÷ √` are used, which every machine rounds alike. A number leaves through
//! [`Rounding`] as a whole one, and not at all while it is not finite or too few observations were
//! made.
#![allow(clippy::float_arithmetic, reason = "statistics; nothing else of the core may")]

use crate::num::Ratio;
use crate::wire::Writer;

/// Which way a statistic is rounded when it becomes a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Toward +∞.
    Ceil,
    /// Toward −∞.
    Floor,
}

/// A weight or factor of a statistic, taken from an exact ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor(f64);

impl Factor {
    /// The nearest value to the ratio.
    #[must_use]
    pub fn new(ratio: Ratio) -> Factor {
        Factor(float(ratio.num().into()) / float(ratio.den().into()))
    }
}

impl Factor {
    /// Zero: what weighs nothing.
    pub const ZERO: Factor = Factor(0.0);
}

/// An observed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed(f64);

impl Observed {
    /// A whole number.
    #[inline]
    #[must_use]
    pub fn whole(value: i128) -> Observed {
        Observed(float(value))
    }

    /// A quotient; not finite for a zero divisor, which no statistic survives, so ask before.
    #[inline]
    #[must_use]
    pub fn quotient(num: i128, den: i128) -> Observed {
        Observed(float(num) / float(den))
    }
}

/// The nearest floating-point number, or one beside it beyond 64 bits: there it is put together
/// from two halves.
#[inline]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounds to the nearest")]
fn float(value: i128) -> f64 {
    match i64::try_from(value) {
        Ok(small) => small as f64,
        Err(_) => float_wide(value),
    }
}

// Not inlined: out of line it is not worked out ahead for numbers that are small.
#[cold]
#[inline(never)]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounds to the nearest")]
fn float_wide(value: i128) -> f64 {
    const HALF: i128 = 1 << 64;
    let (high, low) = (value.div_euclid(HALF), value.rem_euclid(HALF));
    high as f64 * HALF as f64 + low as f64
}

/// `value` as a whole number; `None` when it is not finite or beyond ±2¹²⁶.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "bounds are checked")]
fn to_fixed(value: f64, rounding: Rounding) -> Option<i128> {
    let whole = match rounding {
        Rounding::Ceil => value.ceil(),
        Rounding::Floor => value.floor(),
    };
    let bound = float(1 << 126);
    (-bound <= whole && whole <= bound).then_some(whole as i128)
}

/// Mean and variance with exponentially falling weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ewma {
    alpha: f64,
    mean: f64,
    variance: f64,
    /// The last observation minus the mean before it.
    offset: f64,
    /// The variance before the last observation.
    before: f64,
    count: u32,
}

impl Ewma {
    /// No observation yet; a new one weighs `alpha`.
    #[must_use]
    pub const fn new(alpha: Factor) -> Ewma {
        Ewma { alpha: alpha.0, mean: 0.0, variance: 0.0, offset: 0.0, before: 0.0, count: 0 }
    }

    /// Takes an observation.
    #[inline]
    pub fn push(&mut self, value: Observed) {
        self.before = self.variance;
        if self.count == 0 {
            self.mean = value.0;
        } else {
            self.offset = value.0 - self.mean;
            self.mean += self.alpha * self.offset;
            self.variance += self.alpha * (self.offset * self.offset - self.variance);
        }
        self.count = self.count.saturating_add(1);
    }

    /// How many observations were taken.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The mean as a whole number, once `warm` observations were taken.
    #[must_use]
    pub fn mean(&self, warm: u32, rounding: Rounding) -> Option<i128> {
        if self.count < warm { None } else { to_fixed(self.mean, rounding) }
    }

    /// The standard deviation as a whole number, once `warm` observations were taken.
    #[must_use]
    pub fn deviation(&self, warm: u32, rounding: Rounding) -> Option<i128> {
        if self.count < warm { None } else { to_fixed(self.variance.sqrt(), rounding) }
    }

    /// `times` the root of `of` means as a whole number, once `warm` observations were taken: of
    /// squares by time, the deviation over a time `of`.
    #[must_use]
    pub fn root(&self, of: i64, times: Factor, warm: u32, rounding: Rounding) -> Option<i128> {
        let root = || times.0 * (self.mean * float(of.into())).sqrt();
        if self.count < warm { None } else { to_fixed(root(), rounding) }
    }

    /// Whether the last observation lay at least `times` deviations above the mean, both as they
    /// were before it; `None` before `warm` observations and when a number is not finite.
    #[must_use]
    pub fn is_above(&self, times: Factor, warm: u32) -> Option<bool> {
        self.beyond(self.offset, times, warm)
    }

    /// The same below the mean.
    #[must_use]
    pub fn is_below(&self, times: Factor, warm: u32) -> Option<bool> {
        self.beyond(-self.offset, times, warm)
    }

    fn beyond(&self, offset: f64, times: Factor, warm: u32) -> Option<bool> {
        let square = times.0 * times.0 * self.before;
        if self.count < warm || !offset.is_finite() || !square.is_finite() {
            return None;
        }
        Some(offset > 0.0 && offset * offset >= square)
    }

    /// The state as canonical bytes.
    pub fn digest(&self, writer: &mut Writer) {
        for number in [self.alpha, self.mean, self.variance, self.offset, self.before] {
            writer.u64(number.to_bits());
        }
        writer.u32(self.count);
    }
}

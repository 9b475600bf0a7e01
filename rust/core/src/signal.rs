//! When a hedge wants to trade.

use crate::num::Ratio;
use crate::time::Span;

/// What is compared with the bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// proceeds − cost per common unit at the tops, gross; bands in the hedge's currency.
    Spread,
    /// The same walked for the aligned size, net of fees.
    CounterPrice,
    /// proceeds ÷ cost, walked and net; bands are plain numbers.
    Ratio,
    /// proceeds ÷ cost at the tops, gross.
    GrossRatio,
    /// [`Measure::CounterPrice`] minus the last unexpired `Estimate`; no value without one.
    Estimate,
}

/// Where one direction enters and where it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// +sets: enter when the enter value is at or above; mirror: when the exit value is at or below.
    pub enter: Ratio,
    /// +sets: exit when the exit value is at or below; mirror: when the enter value is at or above.
    pub exit: Ratio,
}

/// A further condition on entering: the mid value must be so many deviations away from its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Deviations, at least; more than zero.
    pub enter: Ratio,
    /// Weight of a new observation; in (0, 1).
    pub alpha: Ratio,
    /// Observations before it counts.
    pub warm: u32,
}

/// When a hedge wants to trade; bands as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is compared.
    pub measure: Measure,
    /// For +sets; `None`: never.
    pub plus: Option<Band>,
    /// For −sets; `None`: never.
    pub mirror: Option<Band>,
    /// Fresh updates of the slowest leg in a row for which the value must stand; at least 1.
    pub persist: u32,
    /// Longest time between the first and the last of them.
    pub persist_within: Option<Span>,
    /// A further condition on entering.
    pub deviation: Option<Deviation>,
}

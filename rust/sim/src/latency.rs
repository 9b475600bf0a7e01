//! How long messages take, per venue and direction, from a table.

use cross_market_core::time::Span;

use crate::random::{Chance, Random};

/// How long one kind of message takes: `base`, up to `jitter` more, and sometimes a spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// At least so long.
    pub base: Span,
    /// Up to so much more, all values equally likely.
    pub jitter: Span,
    /// How often a spike is added.
    pub spike: Chance,
    /// How long the spike is.
    pub spike_by: Span,
}

impl Latency {
    /// Always the same.
    #[must_use]
    pub const fn constant(base: Span) -> Latency {
        Latency { base, jitter: Span::ZERO, spike: Chance::NEVER, spike_by: Span::ZERO }
    }

    /// Between `base` and `base` + `jitter`.
    #[must_use]
    pub const fn jittered(base: Span, jitter: Span) -> Latency {
        Latency { base, jitter, spike: Chance::NEVER, spike_by: Span::ZERO }
    }

    /// How long this message takes.
    pub fn draw(&self, random: &mut Random) -> Span {
        let mut span = self.base.0;
        if self.jitter.0 > 0 {
            span += random.between(0, self.jitter.0);
        }
        if self.spike.0 > 0 && random.happens(self.spike) {
            span += self.spike_by.0;
        }
        Span(span)
    }
}

/// The latencies of one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueLatency {
    /// From us to the venue: orders, cancels, queries.
    pub order: Latency,
    /// From the venue to us: reports and answers.
    pub report: Latency,
    /// From the venue to us: market data that the simulation makes itself, snapshots included.
    /// Recorded rows carry their own stamps.
    pub feed: Latency,
}

impl VenueLatency {
    /// The same constant for everything.
    #[must_use]
    pub const fn constant(span: Span) -> VenueLatency {
        let one = Latency::constant(span);
        VenueLatency { order: one, report: one, feed: one }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_stays_between_base_and_spike() {
        let latency = Latency {
            base: Span(100),
            jitter: Span(50),
            spike: Chance::percent(10),
            spike_by: Span(1_000),
        };
        let mut random = Random::new(3);
        let drawn: Vec<i64> = (0..1_000).map(|_| latency.draw(&mut random).0).collect();
        let spikes = drawn.iter().filter(|span| **span > 150).count();
        assert!((60..140).contains(&spikes), "{spikes}");
        assert!(drawn.iter().all(|s| (100..=150).contains(s) || (1_100..=1_150).contains(s)));
    }

    #[test]
    fn a_constant_draws_nothing_from_the_generator() {
        let (mut used, mut idle) = (Random::new(5), Random::new(5));
        assert_eq!(Latency::constant(Span(7)).draw(&mut used), Span(7));
        assert_eq!(used.next(), idle.next());
    }
}

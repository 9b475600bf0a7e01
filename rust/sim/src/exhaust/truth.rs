//! An order as its venue has it, and what has been told of it.

use cross_market_core::num::Qty;
use cross_market_core::order::{Place, VenueStatus};
use cross_market_core::time::Time;

use crate::digest::Digest;

/// An execution at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Lots it was made with.
    pub(super) lots: i64,
    /// The order's total after it.
    pub(super) after: i64,
    /// Whether the engine was told.
    pub(super) told: bool,
    /// Whether it was taken back.
    pub(super) busted: bool,
}

/// Most executions of an order: each is a lot at least, and no order here has more than two.
pub(super) const PARTS: usize = 2;

/// An order in truth.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Truth {
    pub(super) place: Place,
    pub(super) placed: Time,
    /// Whether it has come to the venue; while it has not, both are possible.
    pub(super) here: bool,
    /// Whether it never comes.
    pub(super) never: bool,
    pub(super) accepted: bool,
    pub(super) parts: [Option<Part>; PARTS],
    pub(super) end: Option<VenueStatus>,
    pub(super) end_told: bool,
    /// Whether a query waits for its answer, a cancel for its effect.
    pub(super) asked: bool,
    pub(super) cancelling: bool,
}

impl Truth {
    pub(super) fn new(place: &Place, placed: Time) -> Truth {
        Truth {
            place: *place,
            placed,
            here: false,
            never: false,
            accepted: false,
            parts: [None; PARTS],
            end: None,
            end_told: false,
            asked: false,
            cancelling: false,
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().flatten()
    }

    /// Lots that stand.
    pub(super) fn cum(&self) -> i64 {
        self.parts().filter(|part| !part.busted).map(|part| part.lots).sum()
    }

    /// Lots that may still trade.
    pub(super) fn leaves(&self) -> i64 {
        let gross: i64 = self.parts().map(|part| part.lots).sum();
        if self.is_over() { 0 } else { self.place.qty.get() - gross }
    }

    /// Whether nothing more can happen to it at the venue but a bust.
    pub(super) fn is_over(&self) -> bool {
        self.never || self.end.is_some()
    }

    /// Whether the engine has been told all of it.
    pub(super) fn is_told(&self) -> bool {
        self.is_over() && (self.never || self.end_told) && self.parts().all(|part| part.told)
    }

    pub(super) fn status(&self) -> VenueStatus {
        self.end.unwrap_or(VenueStatus::Working)
    }

    /// It trades; the place of the execution.
    pub(super) fn trade(&mut self, lots: i64) -> Option<usize> {
        let at = self.parts.iter().position(Option::is_none)?;
        let part = Part { lots, after: self.cum() + lots, told: false, busted: false };
        *self.parts.get_mut(at)? = Some(part);
        self.here = true;
        if self.leaves() == 0 {
            // The last fill says so itself.
            (self.end, self.end_told) = (Some(VenueStatus::Filled), true);
        }
        Some(at)
    }

    pub(super) fn part(&self, at: usize) -> Option<Part> {
        self.parts.get(at).copied().flatten()
    }

    pub(super) fn part_mut(&mut self, at: usize) -> Option<&mut Part> {
        self.parts.get_mut(at).and_then(Option::as_mut)
    }

    pub(super) fn finish(&mut self, end: VenueStatus, told: bool) {
        self.here = true;
        (self.end, self.end_told) = (Some(end), told);
    }

    pub(super) fn total(&self) -> Qty {
        Qty::of(self.cum())
    }

    pub(super) fn digest(&self, out: &mut Digest) {
        out.add(self.place.order.0);
        out.add(self.placed.0.cast_unsigned());
        let flags =
            [self.here, self.never, self.accepted, self.end_told, self.asked, self.cancelling];
        let bits = flags.iter().fold(1, |bits, flag| bits << 1 | u64::from(*flag));
        out.add(bits);
        out.add(match self.end {
            None => 0,
            Some(VenueStatus::Working) => 1,
            Some(VenueStatus::Filled) => 2,
            Some(VenueStatus::Cancelled) => 3,
            Some(VenueStatus::Rejected) => 4,
            Some(VenueStatus::Expired) => 5,
        });
        self.add_parts(out);
    }

    fn add_parts(&self, out: &mut Digest) {
        for part in &self.parts {
            out.add(part.map_or(0, |part| {
                let lots = part.lots.cast_unsigned() << 8 | part.after.cast_unsigned() << 2;
                1 << 20 | lots | u64::from(part.told) << 1 | u64::from(part.busted)
            }));
        }
    }

    /// Its executions alone.
    pub(super) fn digest_lots(&self, out: &mut Digest) {
        out.add(u64::from(self.place.order.leg().0));
        out.add(self.place.side.sign().cast_unsigned());
        self.add_parts(out);
    }
}

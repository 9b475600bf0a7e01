//! What venues said no to in an attempt: what may still be asked of each leg.

use crate::ids::{LEGS_MAX, LegId};
use crate::num::Side;
use crate::wire::Writer;

/// What a rejected order leaves of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    /// Most lots of its next order, by [`Side::index`]; zero: it trades no further that way.
    most: [i64; 2],
    /// Whether today's and earlier lots are named the other way round.
    resplit: bool,
}

/// What rejected orders leave of all legs; made with the first that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    legs: [Answer; LEGS_MAX],
}

/// Indexed by the legs of a plan, of which there are no more.
#[expect(clippy::indexing_slicing, reason = "arrays of LEGS_MAX")]
impl Answers {
    pub(super) fn new() -> Answers {
        Answers { legs: [Answer { most: [i64::MAX; 2], resplit: false }; LEGS_MAX] }
    }

    pub(super) fn most(&self, leg: LegId, side: Side) -> i64 {
        self.legs[usize::from(leg.0)].most[side.index()]
    }

    /// Bounds the next order; a bound is never widened.
    pub(super) fn bound(&mut self, leg: LegId, side: Side, most: i64) {
        let kept = &mut self.legs[usize::from(leg.0)].most[side.index()];
        *kept = (*kept).min(most);
    }

    pub(super) fn is_resplit(&self, leg: LegId) -> bool {
        self.legs[usize::from(leg.0)].resplit
    }

    /// Names the lots the other way round; `false` when they are already.
    pub(super) fn resplit(&mut self, leg: LegId) -> bool {
        !std::mem::replace(&mut self.legs[usize::from(leg.0)].resplit, true)
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        for leg in &self.legs {
            out.i64(leg.most[0]);
            out.i64(leg.most[1]);
            out.bool(leg.resplit);
        }
    }
}

//! Prices that cannot be: what a book takes, and when its touch is no reason to trade.
//!
//! A feed that is wrong as a whole (a factor of ten, a sign) shows books that look right and invent
//! an edge. So each instrument has a *reference*: its touch as it was sampled at the end of a
//! message, at most once in its longest age. A sample near the reference takes its place. One far
//! away is only a candidate, until the next sample confirms it. While a touch is far from its
//! reference no set is traded on it; what was begun, and what limits risk, goes on.

use super::Engine;
use crate::gate::Bounded;
use crate::ids::{HedgeId, InstrumentId, Table};
use crate::num::Price;
use crate::time::Time;
use crate::wire::Writer;

/// How far from its reference a touch may be, in collars.
const JUMP: i64 = 16;

/// Where the touch of an instrument was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reference {
    /// When the next sample is due.
    pub(super) due: Time,
    touch: Option<[Price; 2]>,
    /// A sample far from it, which the next one may confirm.
    candidate: Option<[Price; 2]>,
}

impl Reference {
    pub(super) fn digest(&self, out: &mut Writer) {
        out.i64(self.due.0);
        for touch in [self.touch, self.candidate] {
            out.bool(touch.is_some());
            touch.iter().flatten().for_each(|price| out.i64(price.0));
        }
    }
}

/// References of all instruments.
pub(super) type References = Table<InstrumentId, Reference>;

impl Engine {
    /// Bounds every book by the collar of its instrument.
    pub(super) fn set_reaches(&mut self) {
        for (id, limits) in self.policy.instruments.pairs() {
            self.books[id].set_reach(limits.reach());
        }
    }

    /// Takes the sample that is due at the end of a message. Gives whether a jump has ended by it,
    /// so that what was refused may be looked at again.
    #[inline(never)]
    pub(super) fn sample(&mut self, id: InstrumentId) -> bool {
        let Some(touch) = self.books[id].touch() else { return false };
        let limits = &self.policy.instruments[id];
        let far = limits.collar.saturating_mul(JUMP);
        let reference = &mut self.references[id];
        reference.due = self.now + limits.age;
        let is_near = |known: [Price; 2]| distance(known, touch) <= far;
        if reference.touch.is_none_or(is_near) {
            (reference.touch, reference.candidate) = (Some(touch), None);
            self.waits.sampled(id, self.now, touch, limits.age);
            return false;
        }
        if reference.candidate.is_some_and(is_near) {
            (reference.touch, reference.candidate) = (Some(touch), None);
            self.waits.jumped(id, self.now, touch);
            return true;
        }
        reference.candidate = Some(touch);
        false
    }

    /// Whether a touch that a hedge reads has jumped.
    pub(super) fn has_jumped(&self, hedge: HedgeId) -> bool {
        let legs = &self.plan(hedge).legs;
        let mut read = legs.iter().flat_map(|leg| [Some(leg.instrument), leg.fx]).flatten();
        read.any(|id| self.jump(id).is_some())
    }

    /// How far the touch is from its reference, where that is too far.
    #[inline]
    pub(super) fn jump(&self, id: InstrumentId) -> Option<Bounded> {
        let (known, touch) = (self.references[id].touch?, self.books[id].touch()?);
        let limit = self.policy.instruments[id].collar.saturating_mul(JUMP);
        let value = distance(known, touch);
        (value > limit).then(|| Bounded { value: value.into(), limit: limit.into() })
    }
}

/// How far two touches are apart: by the side that has moved further.
fn distance(first: [Price; 2], second: [Price; 2]) -> i64 {
    let [bids, asks] = [0, 1].map(|side: usize| (first[side].0 - second[side].0).abs());
    bids.max(asks)
}

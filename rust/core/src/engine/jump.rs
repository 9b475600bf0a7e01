//! Prices that cannot be: what a book takes, and when its touch is no reason to trade.

use super::Engine;

/// How far from the touch a level may be set, in collars.
const REACH: i64 = 64;

impl Engine {
    /// Bounds every book by the collar of its instrument.
    pub(super) fn set_reaches(&mut self) {
        for (id, limits) in self.policy.instruments.pairs() {
            self.books[id].set_reach(limits.collar.saturating_mul(REACH));
        }
    }
}

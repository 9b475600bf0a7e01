//! Lots that went without an order of ours: liquidation, auto-deleveraging, forced reduction, a
//! person's trade, a statement.
//!
//! They are taken from what belongs to no hedge as long as that has any, then from the hedges, the
//! one of the last priority first: so no hedge counts on lots that are gone, and the sum stays the
//! position. The account is RESTRICTED. What is left of a hedge's set is a residual like any other;
//! it is traded away, never bought again: see [`Engine::sets_max`].

use super::{BookingKind, Engine};
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Cause, Scope};
use crate::ids::{AccountId, HedgeId, InstrumentId};
use crate::num::{Price, Side};
use crate::position::Owner;

impl Engine {
    /// Takes signed lots, by which a position became less than its owners count on, from hedges
    /// that hold them.
    pub(super) fn lose(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        change: i64,
        price: Price,
        out: &mut Vec<Command>,
    ) {
        let Some(restores) = Side::of(-change) else { return };
        let lost = match self.positions.lose(account, instrument, change, price) {
            Ok(lost) => lost,
            Err(error) => panic!("broken invariant: lots of no position are lost: {error:?}"),
        };
        for (hedge, leg, lots) in &lost {
            let (pair, owner) = ((account, instrument), Owner::Hedge(*hedge, *leg));
            let value = -i128::from(*lots) * i128::from(price.0);
            self.note_moved(BookingKind::Lost, pair, owner, *lots, value);
            self.note_moved(BookingKind::Lost, pair, Owner::Unassigned, -lots, -value);
            // An attempt that lives does not bring them back.
            self.bound_lost((*hedge, *leg), restores);
            self.changed = true;
            out.push(Command::Alert(Alert {
                code: AlertCode::LegLost,
                urgency: Urgency::Alarm,
                refusal: None,
                detail: leg.0,
                subject: Subject::Hedge(*hedge),
                value: i128::from(*lots),
                limit: 0,
            }));
            self.touch(*hedge);
        }
        if !lost.is_empty() {
            self.restrict_account(account, Cause::Lost, out);
        }
    }

    /// Most sets that a hedge may hold after a Trim: none that it would have to buy again while an
    /// account of it has lost lots and nobody has looked.
    pub(super) fn sets_max(&self, hedge: HedgeId) -> i64 {
        let lost = |account| self.latches.restrictions(Scope::Account(account)).has(Cause::Lost);
        if self.plan(hedge).legs.iter().any(|leg| lost(leg.account)) {
            return 0;
        }
        self.policy.hedges[hedge].size.max
    }
}

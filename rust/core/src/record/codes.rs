//! The stable codes of every closed list that is journaled. A code is never used for anything else.

use crate::book::Row;
use crate::command::{AlertCode, Urgency};
use crate::event::LinkState;
use crate::funds::CashKind;
use crate::gate::Refusal;
use crate::instrument::PositionEffect;
use crate::num::Side;
use crate::order::{HedgeFlag, LiquiditySide, RejectClass, TimeInForce, VenueStatus};
use crate::phase::Phase;
use crate::position::StatementKind;
use crate::quote::{Kind, Purpose, Repair};
use crate::wire::{Reader, WireError, Writer};

/// A closed list whose members have stable codes.
pub trait Code: Copy + Sized + 'static {
    /// Every member, in the order of the codes.
    const ALL: &'static [Self];

    /// The stable code.
    fn code(self) -> u8;

    /// The member of a code, `None` for a code that was never given out.
    fn from_code(code: u8) -> Option<Self>;

    /// Writes the code.
    fn write(self, out: &mut Writer) {
        out.u8(self.code());
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`WireError::Code`] for a code that was never given out.
    fn read(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let at = from.position();
        let found = from.u8()?;
        Self::from_code(found).ok_or(WireError::Code { at, found })
    }
}

/// One list of codes: the compiler proves that every member has one, a test that none has two.
macro_rules! codes {
    ($name:ty { $($code:literal $member:ident),+ $(,)? }) => {
        impl Code for $name {
            const ALL: &'static [Self] = &[$(Self::$member),+];

            #[inline]
            fn code(self) -> u8 {
                match self {
                    $(Self::$member => $code),+
                }
            }

            #[inline]
            fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$member),)+
                    _ => None,
                }
            }
        }
    };
}
pub(super) use codes;

codes!(Side { 0 Buy, 1 Sell });
codes!(Row { 0 Snapshot, 1 Level, 2 Delta, 3 SnapshotLast, 4 LevelLast, 5 DeltaLast });
codes!(LinkState { 0 Down, 1 Up, 2 Resynced });
codes!(TimeInForce { 0 Gtc, 1 Ioc, 2 Fok, 3 Day });
codes!(HedgeFlag { 0 Speculation, 1 Arbitrage, 2 Hedge });
codes!(LiquiditySide { 0 Maker, 1 Taker });
codes!(VenueStatus { 0 Working, 1 Filled, 2 Cancelled, 3 Rejected, 4 Expired });
codes!(PositionEffect { 0 Open, 1 Close, 2 CloseToday });
codes!(Phase { 0 Continuous, 1 Auction, 2 Break, 3 Overnight, 4 Holiday, 5 Halted });
codes!(StatementKind { 0 Opening, 1 Compare });
codes!(Kind { 0 Enter, 1 Exit, 2 Trim, 3 Reduce, 4 Roll });
codes!(Purpose { 0 Work, 1 Supplement, 2 Unwind, 3 Hedge, 4 Quote });
codes!(Repair { 0 CheaperOf, 1 Supplement, 2 Unwind });
codes!(Urgency { 0 Info, 1 Warn, 2 Alarm });
codes!(CashKind {
    0 Opening, 1 Balance, 2 Transfer, 3 Funding, 4 Interest, 5 Fee, 6 Left, 7 Arrived, 8 Failed,
    9 Collateral,
});

codes!(RejectClass {
    0 Other, 1 Money, 2 Lots, 3 Price, 4 Size, 5 Phase, 6 Rate, 7 Link, 8 Permission, 9 Duplicate,
    10 SelfTrade, 11 UnknownOrder, 12 TooLate, 13 Halted, 14 Limit, 15 CloseOnly, 16 Field, 17 Again,
});

codes!(Refusal {
    0 Stage, 1 Stopped, 2 Halted, 3 HedgeRestricted, 4 AccountRestricted, 5 LinkDown, 6 NoBook,
    7 Stale, 8 Gapped, 9 Crossed, 10 Skewed, 11 Phase, 12 Break, 13 PriceLimit, 14 NoRepairRoute,
    15 Size, 16 Inventory, 17 Residual, 18 SumResidual, 19 OrderValue, 20 Collar, 21 DayLoss,
    22 Edge, 23 Messages, 24 Money, 25 Usage, 26 Lots, 27 OwnOpposite, 28 IdsExhausted,
    29 LossBudget, 30 Trims, 31 Busy, 32 Nothing, 33 Jump, 34 BackOff, 35 RollCost,
    36 SelfTrade, 37 CancelBudget, 38 LargeCancelBudget, 39 OpenBudget, 40 SelfTradeBudget,
    41 BurstBudget, 42 NoPrompt, 43 Lease,
});

codes!(AlertCode {
    1 Refused, 2 AttemptStarted, 3 RepairChosen, 4 AttemptEnded, 5 LateFill, 6 Overfill,
    7 Conflict, 8 External, 9 OrderUnknown, 10 CancelStuck, 11 LinkDown, 12 LinkUp, 13 Restricted,
    14 Unrestricted, 15 Halted, 16 Unlatched, 17 UnlatchRefused, 18 CashDrift, 19 PositionDrift,
    20 Shortfall, 21 Bust, 22 Nonconformance, 23 Stopped, 24 Resumed, 25 PolicyReplaced,
    26 Overridden, 27 Gap, 28 Whole, 29 Settled, 30 Poisoned, 31 OverLimit, 32 ForeignFee,
    33 Adopted, 34 IdsLow, 35 QueryStuck, 36 QuotePulled, 37 Rejected, 38 Reissued, 39 LegLost,
    42 Crossed,
    43 Forfeited, 44 TransferRefused, 45 TransferArrived, 46 TransferFailed, 47 TransferLate, 48 Threshold,
    49 ThresholdLeft, 50 Relieved, 51 BudgetLow, 52 PromptReached, 53 LeaseOver,
    54 TopUp,
});

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn check<T: Code + Debug + PartialEq>(declared: impl Fn(T) -> Option<u8>) {
        for (place, member) in T::ALL.iter().enumerate() {
            assert_eq!(T::from_code(member.code()), Some(*member));
            assert!(T::ALL[..place].iter().all(|other| other.code() < member.code()));
            if let Some(code) = declared(*member) {
                assert_eq!(code, member.code(), "{member:?}");
            }
        }
        let known = T::ALL.len();
        let found = (0..=u8::MAX).filter(|code| T::from_code(*code).is_some()).count();
        assert_eq!(found, known);
    }

    #[test]
    #[expect(clippy::as_conversions, reason = "compares with the discriminants of the lists")]
    fn every_member_has_one_code_and_it_is_the_declared_one() {
        check::<Side>(|member| Some(member as u8));
        check::<Row>(|member| Some(member as u8));
        check::<LinkState>(|member| Some(member as u8));
        check::<TimeInForce>(|member| Some(member as u8));
        check::<HedgeFlag>(|member| Some(member as u8));
        check::<LiquiditySide>(|member| Some(member as u8));
        check::<VenueStatus>(|member| Some(member as u8));
        check::<PositionEffect>(|member| Some(member as u8));
        check::<Phase>(|member| Some(member as u8));
        check::<StatementKind>(|member| Some(member as u8));
        check::<Kind>(|member| Some(member as u8));
        check::<Purpose>(|member| Some(member as u8));
        check::<Repair>(|member| Some(member as u8));
        check::<Urgency>(|member| Some(member as u8));
        check::<CashKind>(|member| Some(member as u8));
        check::<RejectClass>(|member| Some(member as u8));
        check::<Refusal>(|member| Some(member as u8));
        check::<AlertCode>(|member| Some(member as u8));
    }
}

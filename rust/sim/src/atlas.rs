//! The fault atlas: which fault met an order in which state on which leg, and which pairs cannot
//! meet.
//!
//! A cell is a class, the state of the order that the firing was about, and its role. The state is
//! the engine's own, once it has taken in the events of that moment. A firing that is about no
//! single order (of a line, a market, a clock, a person) counts for the newest order not done,
//! or, where none is, in the cell [`At::Idle`]; classes that are drawn for a whole run have one cell
//! each.

use std::fmt::{Display, Formatter, Write as _};

use cross_market_core::order::State;
use cross_market_core::quote::Purpose;

use crate::fault::{FAULTS, Fault};
use crate::mind::Seen;

/// What an order is for, and on which leg: each purpose on the first leg and on the others.
pub const ROLES: usize = 2 * Purpose::ALL.len();

/// States of orders.
const STATES: usize = State::ALL.len();

/// Cells of one class: one without an order, and one for each state and role.
const OF_FAULT: usize = 1 + STATES * ROLES;

/// All cells.
pub const CELLS: usize = FAULTS * OF_FAULT;

/// Where a firing met the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// No order was alive, or the class is one of the whole run.
    Idle,
    /// An order in this state, for this, on the first leg or another.
    Order(Seen),
}

/// A cell of the atlas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell(u32);

impl Cell {
    /// The cell of a firing.
    #[must_use]
    pub fn of(fault: Fault, seen: Option<Seen>) -> Cell {
        let inner = seen.map_or(0, |seen| {
            let role = 2 * usize::from(seen.purpose.code()) + usize::from(!seen.first);
            1 + usize::from(seen.state.code()) * ROLES + role
        });
        let place = fault.index() * OF_FAULT + inner;
        Cell(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Every cell.
    pub fn all() -> impl Iterator<Item = Cell> {
        (0..CELLS).map(|place| Cell(u32::try_from(place).unwrap_or(u32::MAX)))
    }

    /// Its class.
    ///
    /// # Panics
    /// Never: cells are made of classes.
    #[must_use]
    pub fn fault(self) -> Fault {
        match Fault::ALL.get(self.place() / OF_FAULT) {
            Some(fault) => *fault,
            None => panic!("cell {} is none of the atlas", self.0),
        }
    }

    /// Its state and role.
    #[must_use]
    pub fn at(self) -> At {
        let Some(inner) = (self.place() % OF_FAULT).checked_sub(1) else { return At::Idle };
        let (state, role) = (inner / ROLES, inner % ROLES);
        match (State::ALL.get(state), Purpose::ALL.get(role / 2)) {
            (Some(state), Some(purpose)) => {
                At::Order(Seen { state: *state, purpose: *purpose, first: role % 2 == 0 })
            }
            (_, _) => At::Idle,
        }
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let fault = self.fault();
        write!(f, "F{} {} × ", fault.number(), fault.name())?;
        match self.at() {
            At::Idle => f.write_str("no order"),
            At::Order(seen) => write!(f, "{:?} × {}", seen.state, role(seen)),
        }
    }
}

/// The name of a role.
fn role(seen: Seen) -> String {
    let leg = if seen.first { "first" } else { "other" };
    format!("{:?} {leg}", seen.purpose)
}

/// How often each cell was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atlas(Vec<u64>);

impl Default for Atlas {
    fn default() -> Atlas {
        Atlas(vec![0; CELLS])
    }
}

impl Atlas {
    /// Counts the cells of a run.
    pub fn add(&mut self, cells: &[Cell]) {
        for cell in cells {
            if let Some(count) = self.0.get_mut(cell.place()) {
                *count += 1;
            }
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Atlas) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// How often a cell was hit.
    #[must_use]
    pub fn count(&self, cell: Cell) -> u64 {
        self.0.get(cell.place()).copied().unwrap_or(0)
    }
}

/// Why a cell cannot be hit; `None` where it can.
#[must_use]
pub fn unreachable(cell: Cell) -> Option<&'static str> {
    let fault = cell.fault();
    match cell.at() {
        At::Idle => idle(fault),
        At::Order(seen) => ordered(fault, seen),
    }
}

const NEVER_NEW: &str = "an order leaves in the step that makes it: nobody sees it as New";
const NO_AMEND: &str = "no Amend is sent by this version";
const OF_RUN: &str = "the class is drawn for a whole run, not for a moment";
const OF_ORDER: &str = "the class concerns one order: there is one";
const OTHERS_REPORT: &str = "the class concerns reports of our orders";
const AT_SENDING: &str = "it happens when an order leaves: then it is Sent, or PendingCancel where a threshold is \
     touched in the step that enters";
const AT_ARRIVAL: &str = "it happens when an order reaches its venue: nothing can have been heard of it, so that it is \
     Sent, PendingCancel or Unknown, or Rejected where it was proven never to have come";
const NOT_ALIVE: &str =
    "the class concerns no single order, so that the newest one counts that is not done";
const WORK_ONLY: &str = "the class concerns the attempt's own orders, not those of repair";
const UNWIND_ONLY: &str = "the class concerns orders that trade back";
const NOT_ASKED: &str =
    "only an order that was in doubt is asked or ruled about, and it is never Sent again";
const NO_QUOTE: &str =
    "the class concerns orders that trade at once or not at all, and a quote rests";
const NO_CANCEL: &str = "a cancel makes an order that was Sent PendingCancel";

/// What a firing of a class is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A whole run.
    Run,
    /// An order that leaves.
    Sending,
    /// An order that arrives.
    Arrival,
    /// An arriving order, or a cancel that arrives.
    ArrivalOrCancel,
    /// A cancel.
    Cancel,
    /// A question about an order in doubt, or a word of the desk on it.
    Query,
    /// A report of one of our orders.
    OwnReport,
    /// An acknowledgement, ours or of another's order.
    Ack,
    /// Any report.
    Report,
    /// An execution, or an order that an operator speaks of.
    Any,
    /// Nothing in particular.
    Moment,
}

fn about(fault: Fault) -> About {
    match fault {
        Fault::NegativePrice
        | Fault::OddRatio
        | Fault::NoMoney
        | Fault::LastFunds
        | Fault::Dust
        | Fault::FxChain
        | Fault::VenueSkew
        | Fault::Everything => About::Run,
        Fault::SubmitLost
        | Fault::SubmitLate
        | Fault::SubmitTwice
        | Fault::FillAtOnce
        | Fault::PriceRuns
        | Fault::SignalFlips
        | Fault::Restart => About::Sending,
        Fault::RejectAfterAck
        | Fault::RestDies
        | Fault::WrongTif
        | Fault::Overfill
        | Fault::OddFee
        | Fault::Unsolicited
        | Fault::FillHoursLate
        | Fault::BookThin
        | Fault::WrongLots
        | Fault::SelfMatch
        | Fault::LegRejected
        | Fault::BothPartial
        | Fault::UnwindFails
        | Fault::SubsetFails => About::Arrival,
        Fault::Throttled => About::ArrivalOrCancel,
        Fault::CancelRace
        | Fault::CancelUnknown
        | Fault::CancelLost
        | Fault::CancelPending
        | Fault::BatchPartial => About::Cancel,
        Fault::QueryEmpty | Fault::QueryWrong | Fault::FillAliased | Fault::WrongOverride => {
            About::Query
        }
        Fault::SymbolReused | Fault::EndTwice => About::OwnReport,
        Fault::AckLate | Fault::FillBeforeAck => About::Ack,
        Fault::AckLost
        | Fault::AckTwice
        | Fault::FillTwice
        | Fault::FillMutated
        | Fault::FillsReordered
        | Fault::CancelBeforeFill
        | Fault::LateVsSupplement
        | Fault::Tie => About::Report,
        Fault::Bust | Fault::OddStamps => About::Any,
        Fault::External
        | Fault::ForeignFill
        | Fault::Disconnect
        | Fault::LinkFlaps
        | Fault::FullReplay
        | Fault::ReportGap
        | Fault::SessionReset
        | Fault::OneWay
        | Fault::VenueCut
        | Fault::Stall
        | Fault::FeedStale
        | Fault::FeedGap
        | Fault::SnapshotOld
        | Fault::FeedReconnect
        | Fault::Crossed
        | Fault::AbsurdPrice
        | Fault::Flicker
        | Fault::LegFrozen
        | Fault::BookEmpty
        | Fault::WallClock
        | Fault::Pause
        | Fault::Calendar
        | Fault::DayRoll
        | Fault::OddTimer
        | Fault::Halt
        | Fault::LimitLock
        | Fault::Auction
        | Fault::SizeRules
        | Fault::Expiry
        | Fault::MessageLimit
        | Fault::StrictMargin
        | Fault::Kill
        | Fault::KillWhileDown
        | Fault::ManualTrade
        | Fault::Swizzle => About::Moment,
    }
}

/// Whether a class concerns no single order.
pub(crate) fn is_of_moment(fault: Fault) -> bool {
    about(fault) == About::Moment
}

fn idle(fault: Fault) -> Option<&'static str> {
    match about(fault) {
        About::Run => Some(OF_RUN),
        About::Ack | About::Report | About::Any | About::Moment => None,
        About::OwnReport => Some(OTHERS_REPORT),
        About::Sending | About::Arrival | About::ArrivalOrCancel | About::Cancel | About::Query => {
            Some(OF_ORDER)
        }
    }
}

fn ordered(fault: Fault, seen: Seen) -> Option<&'static str> {
    let sent = seen.state == State::Sent;
    let in_doubt = matches!(seen.state, State::Sent | State::PendingCancel | State::Unknown);
    // Its absence was proven, and the second copy of what was sent twice came later still.
    let may_surface = seen.state == State::Rejected;
    let works = seen.purpose == Purpose::Work;
    let enters = works || seen.purpose == Purpose::Quote;
    let recalled = enters && seen.state == State::PendingCancel;
    let of_work = matches!(fault, Fault::LegRejected | Fault::BothPartial | Fault::SubsetFails);
    let of_unwind = matches!(fault, Fault::UnwindFails | Fault::PriceRuns);
    match about(fault) {
        About::Run => Some(OF_RUN),
        _ if seen.state == State::New => Some(NEVER_NEW),
        _ if seen.state == State::PendingAmend => Some(NO_AMEND),
        _ if of_work && !works => Some(WORK_ONLY),
        _ if fault == Fault::WrongTif && seen.purpose == Purpose::Quote => Some(NO_QUOTE),
        _ if of_unwind && seen.purpose != Purpose::Unwind => Some(UNWIND_ONLY),
        About::Sending if recalled => None,
        About::Sending => (!sent).then_some(AT_SENDING),
        // Another's order is acknowledged too: then the newest of ours counts.
        About::Ack if may_surface => None,
        About::Moment | About::Ack => seen.state.is_done().then_some(NOT_ALIVE),
        About::Arrival => (!in_doubt && !may_surface).then_some(AT_ARRIVAL),
        About::Cancel => sent.then_some(NO_CANCEL),
        About::Query => sent.then_some(NOT_ASKED),
        About::ArrivalOrCancel | About::OwnReport | About::Report | About::Any => None,
    }
}

impl Atlas {
    /// Cells that can be hit and were, cells that can be and were not, and cells that were hit
    /// though the table says that they cannot be.
    #[must_use]
    pub fn verdict(&self) -> (u64, u64, Vec<Cell>) {
        let (mut hit, mut missing, mut wrong) = (0, 0, Vec::new());
        for cell in Cell::all() {
            match (self.count(cell) > 0, unreachable(cell).is_some()) {
                (true, false) => hit += 1,
                (false, false) => missing += 1,
                (true, true) => wrong.push(cell),
                (false, true) => {}
            }
        }
        (hit, missing, wrong)
    }
}

impl Atlas {
    /// The counts as a table in Markdown: a row for each class and state, a column for each role; a
    /// dot where a cell cannot be hit, and below it why.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("# Fault atlas\n\n");
        let mut reasons: Vec<&'static str> = Vec::new();
        let _ = write!(text, "| class | state |");
        for purpose in Purpose::ALL {
            for first in [true, false] {
                let _ = write!(text, " {} |", role(Seen { state: State::New, purpose, first }));
            }
        }
        let _ = writeln!(text, "\n|---|---|{}", "--:|".repeat(ROLES));
        for fault in Fault::ALL {
            self.rows(*fault, &mut text, &mut reasons);
        }
        text.push_str("\nA dot: cannot be hit, because\n\n");
        for (at, reason) in reasons.iter().enumerate() {
            let _ = writeln!(text, "{}. {reason}", at + 1);
        }
        text
    }

    fn rows(&self, fault: Fault, text: &mut String, reasons: &mut Vec<&'static str>) {
        let mut shown = |cell: Cell| match (self.count(cell), unreachable(cell)) {
            (0, Some(reason)) => {
                let known = reasons.iter().position(|known| *known == reason);
                let at = known.unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
                format!("·{}", at + 1)
            }
            (0, None) => "**0**".to_owned(),
            (count, _) => count.to_string(),
        };
        let name = format!("F{} {}", fault.number(), fault.name());
        let _ = writeln!(text, "| {name} | no order | {} |", shown(Cell::of(fault, None)));
        for state in State::ALL {
            let of = |purpose, first| Cell::of(fault, Some(Seen { state, purpose, first }));
            let cells = Purpose::ALL.into_iter().flat_map(|of| [(of, true), (of, false)]);
            let cells: Vec<Cell> = cells.map(|(purpose, first)| of(purpose, first)).collect();
            if cells.iter().all(|cell| self.count(*cell) == 0 && unreachable(*cell).is_some()) {
                let _: Vec<String> = cells.iter().map(|cell| shown(*cell)).collect();
                continue;
            }
            let counts: Vec<String> = cells.iter().map(|cell| shown(*cell)).collect();
            let _ = writeln!(text, "| {name} | {state:?} | {} |", counts.join(" | "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_one_of_its_own_and_tells_what_it_is() {
        for fault in Fault::ALL {
            let idle = Cell::of(*fault, None);
            assert_eq!((idle.fault(), idle.at()), (*fault, At::Idle));
            for state in State::ALL {
                for purpose in Purpose::ALL {
                    for first in [true, false] {
                        let seen = Seen { state, purpose, first };
                        let cell = Cell::of(*fault, Some(seen));
                        assert_eq!((cell.fault(), cell.at()), (*fault, At::Order(seen)));
                    }
                }
            }
        }
        assert_eq!(Cell::all().count(), CELLS);
    }

    #[test]
    fn a_hit_where_none_can_be_is_told() {
        let mut atlas = Atlas::default();
        let seen = Seen { state: State::Sent, purpose: Purpose::Work, first: true };
        let done = Seen { state: State::Filled, ..seen };
        atlas.add(&[Cell::of(Fault::SubmitLost, Some(seen)); 3]);
        let (hit, missing, wrong) = atlas.verdict();
        assert_eq!((hit, wrong), (1, Vec::new()));
        let never = Cell::of(Fault::SubmitLost, Some(done));
        atlas.add(&[never]);
        assert_eq!(atlas.verdict(), (1, missing, vec![never]));
        assert!(atlas.table().contains("| F2 SubmitLost | Sent | 3 |"), "{}", atlas.table());
    }
}

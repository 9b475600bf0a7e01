//! HALT, stop and RESTRICT, each for its scope.

use crate::ids::{AccountId, HedgeId, Id, Table, VenueId};
use crate::wire::Writer;

/// What a verb or a latch applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    All,
    /// One venue.
    Venue(VenueId),
    /// One account.
    Account(AccountId),
    /// One hedge.
    Hedge(HedgeId),
}

/// Why a latch was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// Somebody said so.
    Operator = 0,
    /// An attempt ended with a residual.
    ResidualHeld = 1,
    /// Two pieces of evidence contradict each other.
    Conflict = 2,
    /// A link was down.
    Link = 3,
    /// Money or a position differs from the venue's.
    Drift = 4,
    /// An account has less than nothing available.
    Shortfall = 5,
    /// An order or fill that is not ours.
    External = 6,
    /// An order traded more than its size.
    Overfill = 7,
    /// A clock cannot be trusted.
    Clock = 8,
    /// A venue rejected an order in a way that a person must look at.
    Rejected = 9,
    /// Lots of a hedge went without an order of ours.
    Lost = 10,
    /// A threshold of the policy was reached.
    Threshold = 11,
}

impl Cause {
    /// Every cause, in the order of its code.
    pub const ALL: [Cause; 12] = [
        Cause::Operator,
        Cause::ResidualHeld,
        Cause::Conflict,
        Cause::Link,
        Cause::Drift,
        Cause::Shortfall,
        Cause::External,
        Cause::Overfill,
        Cause::Clock,
        Cause::Rejected,
        Cause::Lost,
        Cause::Threshold,
    ];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Operator => "operator",
            Cause::ResidualHeld => "residual_held",
            Cause::Conflict => "conflict",
            Cause::Link => "link",
            Cause::Drift => "drift",
            Cause::Shortfall => "shortfall",
            Cause::External => "external",
            Cause::Overfill => "overfill",
            Cause::Clock => "clock",
            Cause::Rejected => "rejected",
            Cause::Lost => "lost",
            Cause::Threshold => "threshold",
        }
    }
}

/// A set of causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes(u16);

impl Causes {
    /// No cause.
    pub const NONE: Causes = Causes(0);

    /// With one more.
    #[must_use]
    pub const fn with(self, cause: Cause) -> Causes {
        Causes(self.0 | (1 << cause.code()))
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, cause: Cause) -> bool {
        self.0 & (1 << cause.code()) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// How the HALT latches that cover an order stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// None is set.
    Off,
    /// Nothing is placed.
    Latched,
    /// Only orders that reduce are placed.
    Flattening,
}

/// The latches of one scope. A turn is the number of the call that set one: later is larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Latch {
    halted: Option<u64>,
    flattened: Option<u64>,
    stopped: bool,
    halt_causes: Causes,
    restrict_causes: Causes,
}

impl Latch {
    fn digest(&self, out: &mut Writer) {
        for turn in [self.halted, self.flattened] {
            out.bool(turn.is_some());
            out.u64(turn.unwrap_or(0));
        }
        out.bool(self.stopped);
        out.u16(self.halt_causes.0);
        out.u16(self.restrict_causes.0);
    }
}

/// Every HALT, stop and RESTRICT.
///
/// Each is set and lifted for one scope; an order is covered by every scope it lies in. A flatten
/// lets reducing orders through each HALT that was set before it and through none that was set
/// after it, so a kill always wins over a flatten that runs.
#[derive(Clone, Debug)]
pub struct Latches {
    all: Latch,
    venues: Table<VenueId, Latch>,
    accounts: Table<AccountId, Latch>,
    hedges: Table<HedgeId, Latch>,
    turns: u64,
    /// Scopes that are halted: nearly always none, and then no order is covered.
    halted: u32,
    /// Scopes that are stopped.
    stopped: u32,
}

/// Tables are indexed by ids that passed the door.
#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl Latches {
    /// Nothing is set.
    #[must_use]
    pub fn new(venues: usize, accounts: usize, hedges: usize) -> Latches {
        Latches {
            all: Latch::default(),
            venues: table(venues),
            accounts: table(accounts),
            hedges: table(hedges),
            turns: 0,
            halted: 0,
            stopped: 0,
        }
    }

    /// Sets HALT and overrules every flatten before it; `false` when it was set.
    pub fn halt(&mut self, scope: Scope, cause: Cause) -> bool {
        let turn = self.turn();
        let latch = self.latch_mut(scope);
        let before = latch.halted.replace(turn);
        latch.halt_causes = latch.halt_causes.with(cause);
        self.halted += u32::from(before.is_none());
        before.is_none()
    }

    /// Lifts HALT and ends its flatten; `false` when it was not set.
    pub fn unlatch(&mut self, scope: Scope) -> bool {
        let latch = self.latch_mut(scope);
        latch.flattened = None;
        latch.halt_causes = Causes::NONE;
        let was = latch.halted.take().is_some();
        self.halted -= u32::from(was);
        was
    }

    /// Lets reducing orders of the scope through every HALT that is set now.
    pub fn flatten(&mut self, scope: Scope) {
        let turn = self.turn();
        self.latch_mut(scope).flattened = Some(turn);
    }

    /// Ends [`Latches::flatten`]: everything is given back.
    pub fn end_flatten(&mut self, scope: Scope) {
        self.latch_mut(scope).flattened = None;
    }

    /// Sets stop; `false` when it was set.
    pub fn stop(&mut self, scope: Scope) -> bool {
        let was = std::mem::replace(&mut self.latch_mut(scope).stopped, true);
        self.stopped += u32::from(!was);
        !was
    }

    /// Lifts the stop of this scope and of no other; `false` when it was not set.
    pub fn resume(&mut self, scope: Scope) -> bool {
        let was = std::mem::replace(&mut self.latch_mut(scope).stopped, false);
        self.stopped -= u32::from(was);
        was
    }

    /// Restricts a hedge or an account; `false` when this cause was there.
    pub fn restrict(&mut self, scope: Scope, cause: Cause) -> bool {
        let causes = &mut self.latch_mut(scope).restrict_causes;
        let new = !causes.has(cause);
        *causes = causes.with(cause);
        new
    }

    /// Lifts the restriction of this scope and says what its causes were.
    pub fn unrestrict(&mut self, scope: Scope) -> Causes {
        std::mem::take(&mut self.latch_mut(scope).restrict_causes)
    }

    /// Whether any scope is halted.
    #[inline]
    #[must_use]
    pub const fn any_halted(&self) -> bool {
        self.halted > 0
    }

    /// How the HALT latches stand for an order of this hedge in this account at this venue.
    #[inline]
    #[must_use]
    pub fn halt_over(&self, hedge: HedgeId, account: AccountId, venue: VenueId) -> Halt {
        if self.halted == 0 { Halt::Off } else { self.halt_of(hedge, account, venue) }
    }

    fn halt_of(&self, hedge: HedgeId, account: AccountId, venue: VenueId) -> Halt {
        let covering = self.covering(hedge, account, venue);
        let Some(halted) = covering.iter().filter_map(|latch| latch.halted).max() else {
            return Halt::Off;
        };
        match covering.iter().filter_map(|latch| latch.flattened).max() {
            Some(flattened) if flattened > halted => Halt::Flattening,
            Some(_) | None => Halt::Latched,
        }
    }

    /// Whether a stop covers an order of this hedge in this account at this venue.
    #[inline]
    #[must_use]
    pub fn stopped_over(&self, hedge: HedgeId, account: AccountId, venue: VenueId) -> bool {
        self.stopped > 0 && self.covering(hedge, account, venue).iter().any(|latch| latch.stopped)
    }

    /// Whether HALT is set for exactly this scope.
    #[must_use]
    pub fn is_halted(&self, scope: Scope) -> bool {
        self.latch(scope).halted.is_some()
    }

    /// Whether exactly this scope is stopped.
    #[must_use]
    pub fn is_stopped(&self, scope: Scope) -> bool {
        self.latch(scope).stopped
    }

    /// Why exactly this scope is halted.
    #[must_use]
    pub fn halt_causes(&self, scope: Scope) -> Causes {
        self.latch(scope).halt_causes
    }

    /// Why exactly this scope is restricted; none when it is not.
    #[must_use]
    pub fn restrictions(&self, scope: Scope) -> Causes {
        self.latch(scope).restrict_causes
    }

    /// Appends the state for its digest.
    pub fn digest(&self, out: &mut Writer) {
        self.all.digest(out);
        let tables = self.venues.iter().chain(self.accounts.iter()).chain(self.hedges.iter());
        for latch in tables {
            latch.digest(out);
        }
        out.u64(self.turns);
    }

    fn turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }

    fn covering(&self, hedge: HedgeId, account: AccountId, venue: VenueId) -> [&Latch; 4] {
        [&self.all, &self.venues[venue], &self.accounts[account], &self.hedges[hedge]]
    }

    fn latch(&self, scope: Scope) -> &Latch {
        match scope {
            Scope::All => &self.all,
            Scope::Venue(venue) => &self.venues[venue],
            Scope::Account(account) => &self.accounts[account],
            Scope::Hedge(hedge) => &self.hedges[hedge],
        }
    }

    fn latch_mut(&mut self, scope: Scope) -> &mut Latch {
        match scope {
            Scope::All => &mut self.all,
            Scope::Venue(venue) => &mut self.venues[venue],
            Scope::Account(account) => &mut self.accounts[account],
            Scope::Hedge(hedge) => &mut self.hedges[hedge],
        }
    }
}

fn table<I: Id>(rows: usize) -> Table<I, Latch> {
    Table::new(vec![Latch::default(); rows])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(0);
    const HEDGE: HedgeId = HedgeId(0);
    const VENUE: VenueId = VenueId(0);

    fn latches() -> Latches {
        Latches::new(2, 2, 2)
    }

    fn over(latches: &Latches) -> Halt {
        latches.halt_over(HEDGE, ACCOUNT, VENUE)
    }

    #[test]
    fn halt_of_any_covering_scope_binds() {
        let covering =
            [Scope::All, Scope::Venue(VENUE), Scope::Account(ACCOUNT), Scope::Hedge(HEDGE)];
        for scope in covering {
            let mut latches = latches();
            assert!(!latches.any_halted() && !latches.is_halted(scope));
            assert!(latches.halt(scope, Cause::Operator));
            assert!(!latches.halt(scope, Cause::Clock));
            assert!(latches.any_halted() && latches.is_halted(scope));
            assert_eq!(over(&latches), Halt::Latched, "{scope:?}");
            assert!(latches.halt_causes(scope).has(Cause::Clock));
            assert!(latches.unlatch(scope) && !latches.unlatch(scope));
            assert_eq!(over(&latches), Halt::Off);
            assert!(!latches.any_halted() && !latches.is_halted(scope));
            assert!(latches.halt_causes(scope).is_none());
        }
        let others =
            [Scope::Venue(VenueId(1)), Scope::Account(AccountId(1)), Scope::Hedge(HedgeId(1))];
        for scope in others {
            let mut latches = latches();
            latches.halt(scope, Cause::Operator);
            assert_eq!(over(&latches), Halt::Off, "{scope:?}");
        }
    }

    #[test]
    fn a_kill_wins_over_a_flatten_that_runs() {
        let mut latches = latches();
        latches.flatten(Scope::Hedge(HEDGE));
        assert_eq!(over(&latches), Halt::Off);
        latches.halt(Scope::All, Cause::Operator);
        assert_eq!(over(&latches), Halt::Latched);
        latches.flatten(Scope::Hedge(HEDGE));
        assert_eq!(over(&latches), Halt::Flattening);
        assert_eq!(latches.halt_over(HedgeId(1), ACCOUNT, VENUE), Halt::Latched);
        latches.halt(Scope::Account(ACCOUNT), Cause::Operator);
        assert_eq!(over(&latches), Halt::Latched);
        assert_eq!(latches.halt_over(HEDGE, AccountId(1), VENUE), Halt::Flattening);
        latches.end_flatten(Scope::Hedge(HEDGE));
        assert_eq!(latches.halt_over(HEDGE, AccountId(1), VENUE), Halt::Latched);
        // Lifting one scope leaves the other.
        assert!(latches.unlatch(Scope::All));
        assert_eq!(over(&latches), Halt::Latched);
    }

    #[test]
    fn stops_and_restrictions_belong_to_their_scope() {
        let mut latches = latches();
        assert!(!latches.is_stopped(Scope::Hedge(HEDGE)));
        assert!(latches.stop(Scope::Hedge(HEDGE)) && !latches.stop(Scope::Hedge(HEDGE)));
        assert!(latches.is_stopped(Scope::Hedge(HEDGE)) && !latches.is_stopped(Scope::All));
        assert!(latches.stopped_over(HEDGE, ACCOUNT, VENUE));
        assert!(!latches.stopped_over(HedgeId(1), ACCOUNT, VENUE));
        assert!(!latches.resume(Scope::All));
        assert!(latches.resume(Scope::Hedge(HEDGE)));
        assert!(!latches.stopped_over(HEDGE, ACCOUNT, VENUE));

        let scope = Scope::Account(ACCOUNT);
        assert!(latches.restrict(scope, Cause::Drift) && latches.restrict(scope, Cause::Conflict));
        assert!(!latches.restrict(scope, Cause::Drift));
        assert!(latches.restrictions(Scope::Hedge(HEDGE)).is_none());
        assert!(!latches.restrictions(scope).is_none());
        let causes = latches.unrestrict(scope);
        assert!(causes.has(Cause::Drift) && causes.has(Cause::Conflict));
        assert!(!causes.has(Cause::Link));
        assert!(latches.restrictions(scope).is_none());
    }

    #[test]
    fn the_digest_sees_every_change() {
        let bytes = |latches: &Latches| {
            let mut out = Writer::new();
            latches.digest(&mut out);
            out.into_bytes()
        };
        let mut latches = latches();
        let mut seen = vec![bytes(&latches)];
        let mut note = |latches: &Latches, what: &str| {
            let now = bytes(latches);
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        latches.halt(Scope::Venue(VENUE), Cause::Operator);
        note(&latches, "halt");
        latches.flatten(Scope::All);
        note(&latches, "flatten");
        latches.stop(Scope::Hedge(HEDGE));
        note(&latches, "stop");
        latches.restrict(Scope::Account(ACCOUNT), Cause::Drift);
        note(&latches, "restrict");
    }

    #[test]
    fn causes_have_their_codes_and_names() {
        let mut names: Vec<&str> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        for (code, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(usize::from(cause.code()), code);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Cause::ALL.len());
    }
}

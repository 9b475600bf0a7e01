//! The fault classes of the simulation, each a switch with a probability and a count.
//!
//! A class keeps the number it has in the project's fault catalogue. What is demanded of the engine
//! under every class: the rules of [`crate::check`] after each event, and once faults have stopped,
//! that everything pending resolves and the books of engine and venues agree. What one class
//! demands beyond that stands beside it.
//!
//! # What cannot be expressed
//! Faults of processes, storage and databases are not this simulation's, but for a restart. Of its
//! own, these are narrower than the catalogue's words: the engine hears of sessions only as links
//! that go down and up, so that sequence numbers of a trading session (31) and resent messages (32)
//! are seen as reports and orders that come twice; sizes and grids (60) are no reference data, so a
//! change of them is a venue that rejects; a multiplier (63) is fixed for a run; a leg has one rate,
//! so that a chain (72) is one conversion of prices, fees and margin.

use cross_market_core::ids::ClientOrderId;

use crate::random::{Chance, Random, mix};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A class of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every class, in the order of the catalogue.
            pub const ALL: &[Fault] = &[$(Fault::$name,)*];

            /// Its number in the catalogue.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Fault::$name => $number,)* }
            }

            /// Its name in figures.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$name => stringify!($name),)* }
            }

            /// Its place in [`Fault::ALL`].
            #[must_use]
            #[expect(clippy::as_conversions, reason = "a fieldless enum to its own place")]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

faults! {
    /// Accepted, and the acknowledgement is lost: asked about after the time-out, never re-sent.
    AckLost = 1,
    /// The order never reaches the venue: resolved only by the venue's own no after its longest
    /// delay.
    SubmitLost = 2,
    /// The order arrives when we had long given it up: its fill is booked, hedged or unwound.
    SubmitLate = 3,
    /// The acknowledgement comes after the time-out: no second order.
    AckLate = 4,
    /// The same acknowledgement or status twice: ignored.
    AckTwice = 5,
    /// The same fill twice: booked once.
    FillTwice = 6,
    /// The same trade id with another size or price: a conflict, not applied, account restricted.
    FillMutated = 7,
    /// The same fill under another id from the query: booked once, by the cumulative quantity.
    FillAliased = 8,
    /// A fill before its acknowledgement: applied.
    FillBeforeAck = 9,
    /// A fill at the very moment of the submit: applied.
    FillAtOnce = 10,
    /// Fills out of order: the same state as in order.
    FillsReordered = 11,
    /// The order fills while its cancel is on the way: nothing of it is traded twice.
    CancelRace = 12,
    /// The cancel is confirmed before a fill it counts has come: held until the fill comes.
    CancelBeforeFill = 13,
    /// A fill hours after the order was done: booked, and trimmed where it leaves the limit.
    FillHoursLate = 14,
    /// A cancel is refused as "unknown order": asked about, never taken for "not filled".
    CancelUnknown = 15,
    /// A cancel vanishes: sent again a bounded number of times, then an alarm.
    CancelLost = 16,
    /// Several cancels are sent as one, and only some of them are honoured: each is followed by itself.
    BatchPartial = 17,
    /// A reject after the order was accepted: released once.
    RejectAfterAck = 18,
    /// Part fills, the rest is rejected or expires: the leg is short and mended.
    RestDies = 19,
    /// An order that should not rest, rests: the truth is accepted, and alarmed where it is seen.
    WrongTif = 20,
    /// More is filled than was ordered: booked, alarmed, traded back.
    Overfill = 21,
    /// An execution is taken back or corrected: order, position and money follow.
    Bust = 22,
    /// The venue cancels or expires an order by itself.
    Unsolicited = 23,
    /// An order appears that we never sent: counted, never cancelled by us.
    External = 24,
    /// A fill of another process on our account: no order of ours changes.
    ForeignFill = 25,
    /// A fee comes late, negative, or in another currency: money still adds up.
    OddFee = 26,
    /// The trading link goes down, with orders in any state, and comes back with what was missed.
    Disconnect = 27,
    /// The trading link goes up and down, up to a hundred times: no order leaves twice, and no more
    /// messages than the window allows.
    LinkFlaps = 28,
    /// All reports of the day come once more after a reconnect: nothing that is booked changes.
    FullReplay = 29,
    /// The link is up again and what was missed comes late, behind newer reports: absence is not
    /// trusted before the venue says that this is all.
    ReportGap = 30,
    /// The session begins anew: reports come again, order numbers and those of books start over.
    SessionReset = 31,
    /// The venue receives one order twice and refuses the second as a duplicate, after it took the
    /// first: that is no reject of the first.
    SubmitTwice = 32,
    /// We hear the venue and it does not hear us, or the other way round, and nobody says so.
    OneWay = 33,
    /// One venue is cut off, orders and data.
    VenueCut = 34,
    /// We stall for seconds, then everything comes at once: nothing is decided on the backlog.
    Stall = 35,
    /// Too many messages, says the venue.
    Throttled = 36,
    /// A query comes back empty: nothing is proven by it.
    QueryEmpty = 37,
    /// A query says "never seen" of an order that is only late, or a list shows as working what is
    /// done: nothing is proven before its time, and the stricter evidence wins.
    QueryWrong = 38,
    /// A feed falls silent with the link up: no decision on it beyond its age.
    FeedStale = 39,
    /// A market message is lost: the book counts for nothing until a snapshot.
    FeedGap = 40,
    /// The snapshot after a gap is older than what came since: asked for again.
    SnapshotOld = 41,
    /// The feed reconnects and levels have gone meanwhile: none survives.
    FeedReconnect = 42,
    /// A book crossed with itself: no level counts.
    Crossed = 43,
    /// A price ten times off, or with the wrong sign: no order near it.
    AbsurdPrice = 44,
    /// The touch flickers within microseconds: no storm of orders.
    Flicker = 45,
    /// One leg's book is frozen while the other moves: no decision beyond the skew.
    LegFrozen = 46,
    /// A book is empty or lacks a side: no signal; repair waits or ends in the open.
    BookEmpty = 47,
    /// The depth is gone when the order arrives: part fills, and is mended.
    BookThin = 48,
    /// The wall clock jumps by hours, days or years: no timer moves, and what cannot be trusted is
    /// restricted.
    WallClock = 49,
    /// The whole process is paused for 30 seconds: timers fire once, and nothing is sent on books
    /// that have become old.
    Pause = 50,
    /// A venue's clock is off by up to five seconds, so that an execution is stamped before its
    /// order: the order of events is that of their arrival.
    VenueSkew = 51,
    /// Stamps that repeat and go back: the order of events is that of their arrival.
    OddStamps = 52,
    /// A market shuts for the night, the trading day rolls by one day or over a weekend, and the
    /// end that was told is an hour wrong: the day's limits roll with the venue's day.
    Calendar = 53,
    /// The trading day rolls between two legs.
    DayRoll = 54,
    /// A timer fires early, late or twice: it changes nothing twice.
    OddTimer = 55,
    /// A message arrives at the very moment of a time-out, before or after it.
    Tie = 56,
    /// One leg's market is halted while an attempt lives.
    Halt = 57,
    /// One leg's price is locked at its daily limit.
    LimitLock = 58,
    /// An auction: orders and cancels are refused. A cancel waits for its end and is not lost.
    Auction = 59,
    /// The smallest size or the price grid changes within the session: rejected, tries stay bounded.
    SizeRules = 60,
    /// Prices at zero and below.
    NegativePrice = 61,
    /// The last trading day is over, with inventory: orders there expire, nothing is entered again.
    Expiry = 62,
    /// A report names our order and another contract: a conflict, not applied.
    SymbolReused = 63,
    /// The venue says that there are not so many lots to close, today's or yesterday's.
    WrongLots = 64,
    /// The venue cancels what would have traded with our own order: a cancel like any other.
    SelfMatch = 65,
    /// The venue's count of messages is used up: for a while it refuses everything.
    MessageLimit = 66,
    /// The second leg's account lacks the money: nothing is sent on the first.
    NoMoney = 67,
    /// Two hedges race for the last money of an account: what both would need is never out at once.
    LastFunds = 68,
    /// The venue asks for more margin than we know of, and rejects what opens: no endless tries.
    StrictMargin = 70,
    /// Fees that divide into no whole number, on every trade: the books stay exact.
    Dust = 71,
    /// Prices in another currency through a rate that divides badly: each currency stays exact.
    FxChain = 72,
    /// An end is told again after the money was released, perhaps as another end: nothing changes.
    EndTwice = 73,
    /// The process dies between deciding and sending, and comes back with orders out.
    Restart = 76,
    /// An operator kills, at any step.
    Kill = 98,
    /// An operator kills while a link is down: cancels go first when it is back.
    KillWhileDown = 99,
    /// An operator trades in our account by hand, and a statement tells of it before or after the
    /// fill: told, and counted.
    ManualTrade = 103,
    /// An operator's word on an unknown order is wrong: later evidence wins, and is alarmed.
    WrongOverride = 104,
    /// One leg fills, the other is rejected.
    LegRejected = 107,
    /// Both legs fill in part, by different parts.
    BothPartial = 108,
    /// A fill of the original order arrives just when its replacement is out: traded back once.
    LateVsSupplement = 109,
    /// The unwind itself fills in part, is rejected, or is not answered.
    UnwindFails = 110,
    /// A cancel is pending on one leg while the other is unwound.
    CancelPending = 111,
    /// The price runs away from the unwind, beyond the collar.
    PriceRuns = 112,
    /// The signal reverses while an attempt lives: no second one beside it.
    SignalFlips = 113,
    /// A ratio of sizes that is no whole number.
    OddRatio = 114,
    /// With more than two legs, any subset fails.
    SubsetFails = 115,
    /// Venues are stopped one after the other and come back in any order: everything resolves.
    Swizzle = 116,
    /// Every class at once.
    Everything = 117,
}

/// How many classes there are.
pub const FAULTS: usize = Fault::ALL.len();

/// How often each class has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCounts([u64; FAULTS]);

impl Default for FaultCounts {
    fn default() -> FaultCounts {
        FaultCounts([0; FAULTS])
    }
}

impl FaultCounts {
    /// How often `fault` has fired.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(fault.index()).copied().unwrap_or(0)
    }

    /// Counts one firing.
    pub fn count(&mut self, fault: Fault) {
        if let Some(count) = self.0.get_mut(fault.index()) {
            *count += 1;
        }
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &FaultCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Every class with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL.iter().map(|fault| (*fault, self.of(*fault)))
    }
}

/// Which classes fire how often, and how often they have.
///
/// Each class draws from its own stream, so that switching one off leaves the others as they were.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: u64,
    chances: [Chance; FAULTS],
    streams: Vec<Option<Random>>,
    on: bool,
    /// How often each class has fired.
    pub counts: FaultCounts,
    /// Classes that have fired since somebody looked, and the order each was about.
    pub(crate) fired: Vec<(Fault, Option<ClientOrderId>)>,
    /// The order that what fires now is about; `None`: no single one.
    pub(crate) about: Option<ClientOrderId>,
}

impl Faults {
    /// No class fires.
    #[must_use]
    pub fn none(seed: u64) -> Faults {
        Faults {
            seed,
            chances: [Chance::NEVER; FAULTS],
            streams: vec![None; FAULTS],
            on: true,
            counts: FaultCounts::default(),
            fired: Vec::new(),
            about: None,
        }
    }

    /// Lets a class fire with a chance.
    #[must_use]
    pub fn with(mut self, fault: Fault, chance: Chance) -> Faults {
        self.set(fault, chance);
        self
    }

    /// Lets a class fire with a chance.
    pub fn set(&mut self, fault: Fault, chance: Chance) {
        if let Some(slot) = self.chances.get_mut(fault.index()) {
            *slot = chance;
        }
    }

    /// The chance of a class.
    #[must_use]
    pub fn chance(&self, fault: Fault) -> Chance {
        self.chances.get(fault.index()).copied().unwrap_or(Chance::NEVER)
    }

    /// Whether a class can fire at all.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.chance(fault) != Chance::NEVER
    }

    /// Whether any class can fire.
    #[must_use]
    pub fn any(&self) -> bool {
        self.chances.iter().any(|chance| *chance != Chance::NEVER)
    }

    /// The classes that can fire.
    pub fn chosen(&self) -> impl Iterator<Item = Fault> + '_ {
        Fault::ALL.iter().copied().filter(|fault| self.has(*fault))
    }

    /// From now on nothing fires: the quiet phase.
    pub fn quiet(&mut self) {
        self.on = false;
    }

    /// The stream of a class, for what a firing needs to draw.
    ///
    /// # Panics
    /// Never: every class has one.
    pub fn stream(&mut self, fault: Fault) -> &mut Random {
        let index = fault.index();
        let purpose = mix(u64::from(fault.number()));
        match self.streams.get_mut(index) {
            Some(slot) => slot.get_or_insert_with(|| Random::stream(self.seed, purpose)),
            None => panic!("every class has a stream: {}", fault.name()),
        }
    }

    /// Whether the class fires this time; does not count it.
    pub fn draws(&mut self, fault: Fault) -> bool {
        if !self.on || !self.has(fault) {
            return false;
        }
        let chance = self.chance(fault);
        self.stream(fault).happens(chance)
    }

    /// As [`Faults::fires`], where it is possible at all.
    pub fn fires_if(&mut self, fault: Fault, possible: bool) -> bool {
        possible && self.fires(fault)
    }

    /// Whether the class fires this time, and counts it if so.
    pub fn fires(&mut self, fault: Fault) -> bool {
        let fires = self.draws(fault);
        if fires {
            self.note(fault);
        }
        fires
    }

    /// Counts one firing, and keeps what it was about.
    pub fn note(&mut self, fault: Fault) {
        self.counts.count(fault);
        self.fired.push((fault, self.about));
    }

    /// Whether anything goes wrong still.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order_and_each_number_stands_once() {
        for pair in Fault::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        for (place, fault) in Fault::ALL.iter().enumerate() {
            assert_eq!(fault.index(), place);
        }
        assert_eq!(FAULTS, 88);
    }

    #[test]
    fn switching_one_class_off_leaves_the_others_as_they_were() {
        let both = Faults::none(11).with(Fault::AckLost, Chance::percent(50));
        let mut alone = both.clone();
        let mut both = both.with(Fault::Bust, Chance::percent(50));
        let draw = |faults: &mut Faults| {
            let mut found = Vec::new();
            for _ in 0..64 {
                faults.fires(Fault::Bust);
                found.push(faults.fires(Fault::AckLost));
            }
            found
        };
        assert_eq!(draw(&mut both), draw(&mut alone));
        assert!(both.counts.of(Fault::AckLost) > 10);
        assert_eq!(alone.counts.of(Fault::Bust), 0);
    }

    #[test]
    fn nothing_fires_in_the_quiet_phase() {
        let mut faults = Faults::none(1).with(Fault::Halt, Chance::ALWAYS);
        assert!(faults.fires(Fault::Halt));
        faults.quiet();
        assert!(!faults.fires(Fault::Halt));
        assert_eq!(faults.counts.of(Fault::Halt), 1);
    }
}

//! Trading phases of an instrument as a table of intervals.

use crate::time::{Span, Time};

/// What a market lets one do, and why it is shut when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Continuous matching: orders and cancels are taken.
    Continuous = 0,
    /// An auction: this library sends nothing new, and cancels may fail.
    Auction = 1,
    /// A pause inside the trading day.
    Break = 2,
    /// Closed until the next trading day.
    Overnight = 3,
    /// Closed for a weekend or holiday.
    Holiday = 4,
    /// Halted by the venue.
    Halted = 5,
}

impl Phase {
    /// Every phase, in the order of its code.
    pub const ALL: [Phase; 6] = [
        Phase::Continuous,
        Phase::Auction,
        Phase::Break,
        Phase::Overnight,
        Phase::Holiday,
        Phase::Halted,
    ];

    /// Whether new orders are taken.
    #[must_use]
    pub const fn takes_orders(self) -> bool {
        matches!(self, Phase::Continuous)
    }

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The phase of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Phase> {
        Phase::ALL.get(usize::from(code)).copied()
    }

    /// Its name in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Continuous => "continuous",
            Phase::Auction => "auction",
            Phase::Break => "break",
            Phase::Overnight => "overnight",
            Phase::Holiday => "holiday",
            Phase::Halted => "halted",
        }
    }
}

/// A phase and the moment it gives way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The phase.
    pub phase: Phase,
    /// When it ends; [`Time::MAX`] when nothing is known to follow.
    pub until: Time,
    /// What follows it.
    pub next: Option<Phase>,
}

impl Now {
    /// Time left in this phase.
    #[must_use]
    pub fn left(&self, now: Time) -> Span {
        self.until - now
    }
}

/// The phases of one instrument: a sorted table, and what the venue has said since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phases {
    starts: Vec<(Time, Phase)>,
    said: Option<Now>,
}

impl Phases {
    /// A table of starts, sorted by time; before the first start the market is shut overnight.
    ///
    /// Returns `None` when the starts are not strictly ascending.
    #[must_use]
    pub fn new(starts: Vec<(Time, Phase)>) -> Option<Phases> {
        let ascending = starts.windows(2).all(|pair| match pair {
            [(earlier, _), (later, _)] => earlier < later,
            _ => true,
        });
        ascending.then_some(Phases { starts, said: None })
    }

    /// A market that never shuts.
    #[must_use]
    pub fn always() -> Phases {
        Phases { starts: vec![(Time(i64::MIN), Phase::Continuous)], said: None }
    }

    /// The table: when each phase starts, ascending.
    #[must_use]
    pub fn starts(&self) -> &[(Time, Phase)] {
        &self.starts
    }

    /// What the venue says now; holds until `until`, then the table holds again.
    pub fn say(&mut self, phase: Phase, until: Time) {
        self.said = Some(Now { phase, until, next: None });
    }

    /// The phase at `now`, its end and what follows.
    #[inline]
    #[must_use]
    pub fn at(&self, now: Time) -> Now {
        if let Some(said) = self.said
            && now < said.until
        {
            return said;
        }
        let next = self.begun(now);
        let phase = next.checked_sub(1).and_then(|current| self.starts.get(current));
        let follows = self.starts.get(next);
        Now {
            phase: phase.map_or(Phase::Overnight, |(_, phase)| *phase),
            until: follows.map_or(Time::MAX, |(start, _)| *start),
            next: follows.map(|(_, phase)| *phase),
        }
    }

    /// The next start of a phase that takes no orders, at or after `now`, and which it is.
    ///
    /// What the venue says bounds it too: when an open phase ends, the market counts as shut, for
    /// a break unless the table knows better.
    #[inline]
    #[must_use]
    pub fn next_shut(&self, now: Time) -> Option<(Time, Phase)> {
        let next = self.begun(now);
        let mut rest = self.starts.iter().skip(next);
        let listed = rest.find(|(_, phase)| !phase.takes_orders()).copied();
        match self.said {
            // An end beyond every time that can be met is none.
            Some(said) if now < said.until && said.until < Time::LATEST => {
                self.sooner(said, listed)
            }
            Some(_) | None => listed,
        }
    }

    #[inline(never)]
    fn sooner(&self, said: Now, listed: Option<(Time, Phase)>) -> Option<(Time, Phase)> {
        let is_sooner = listed.is_none_or(|(at, _)| said.until < at);
        if !said.phase.takes_orders() || !is_sooner {
            return listed;
        }
        let after = self.at(said.until).phase;
        Some((said.until, if after.takes_orders() { Phase::Break } else { after }))
    }

    /// How many phases of the table have begun; of a market that never shuts, all.
    #[inline]
    fn begun(&self, now: Time) -> usize {
        match self.starts.last() {
            Some((last, _)) if *last > now => {
                self.starts.partition_point(|(start, _)| *start <= now)
            }
            Some(_) | None => self.starts.len(),
        }
    }

    /// What the venue said last, if it still may hold; part of the state digest.
    #[must_use]
    pub fn said(&self) -> Option<Now> {
        self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_gives_phase_end_and_next() {
        let phases = Phases::new(vec![
            (Time(10), Phase::Continuous),
            (Time(20), Phase::Break),
            (Time(30), Phase::Continuous),
            (Time(40), Phase::Holiday),
        ])
        .unwrap();
        assert_eq!(phases.at(Time(9)).phase, Phase::Overnight);
        let now = phases.at(Time(10));
        assert_eq!(
            (now.phase, now.until, now.next),
            (Phase::Continuous, Time(20), Some(Phase::Break))
        );
        assert_eq!(phases.at(Time(40)).until, Time::MAX);
        assert_eq!(phases.next_shut(Time(20)), Some((Time(40), Phase::Holiday)));
        assert_eq!(phases.next_shut(Time(40)), None);
    }

    #[test]
    fn what_the_venue_says_holds_until_it_ends() {
        let mut phases = Phases::always();
        phases.say(Phase::Halted, Time(50));
        assert_eq!(phases.at(Time(49)).phase, Phase::Halted);
        assert_eq!(phases.at(Time(50)).phase, Phase::Continuous);
    }

    #[test]
    fn the_end_that_the_venue_has_said_is_the_next_shut() {
        let mut phases = Phases::always();
        phases.say(Phase::Continuous, Time(50));
        assert_eq!(phases.next_shut(Time(49)), Some((Time(50), Phase::Break)));
        assert_eq!(phases.next_shut(Time(50)), None);
        for never in [Time::LATEST, Time::MAX] {
            phases.say(Phase::Continuous, never);
            assert_eq!(phases.next_shut(Time(49)), None);
        }
        phases.say(Phase::Halted, Time(50));
        assert_eq!(phases.next_shut(Time(49)), None);
        let starts = vec![(Time(0), Phase::Continuous), (Time(40), Phase::Overnight)];
        let mut phases = Phases::new(starts).unwrap();
        phases.say(Phase::Continuous, Time(50));
        assert_eq!(phases.next_shut(Time(30)), Some((Time(40), Phase::Overnight)));
        assert_eq!(phases.next_shut(Time(45)), Some((Time(50), Phase::Overnight)));
        phases.say(Phase::Continuous, Time(20));
        assert_eq!(phases.next_shut(Time(10)), Some((Time(20), Phase::Break)));
    }

    #[test]
    fn starts_must_ascend() {
        assert!(Phases::new(vec![(Time(2), Phase::Break), (Time(2), Phase::Break)]).is_none());
    }

    #[test]
    fn codes_go_there_and_back() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_code(phase.code()), Some(phase));
        }
        assert_eq!(Phase::from_code(6), None);
    }
}

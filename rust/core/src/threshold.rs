//! The ladder of a monitored number: NORMAL, WARN, RESTRICT, CANCEL, REDUCE, HALT.
//!
//! A [`Threshold`] says from which value on each level holds. A [`Ladder`] climbs at once, over
//! several levels where the value says so; it comes down only when the value would be below the
//! level even if it were worse by `clear`, and has been so for `dwell`. What a level does is the
//! engine's: see [`Level`].

use crate::formula::{Formula, Input};
use crate::num::div_ceil;
use crate::num::{MONEY_UNIT, Money};
use crate::time::{Span, Time};
use crate::wire::{Reader, WireError, Writer};

/// Most thresholds of a policy.
pub const THRESHOLDS_MAX: usize = 4_096;

/// What is monitored, with the unit of its values and what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Metric {
    /// Margin / equity of an account, in 10⁻⁹.
    CapitalUsage = 0,
    /// The same after a settlement at the present marks.
    ProjectedUsage = 1,
    /// Equity / margin of an account, in 10⁻⁹; less is worse.
    MarginRatio = 2,
    /// What an account has for new orders, in 10⁻⁹ of its currency; less is worse.
    Available = 3,
    /// What may be taken out of an account, in 10⁻⁹ of its currency; less is worse.
    Withdrawable = 4,
    /// What an account has lost since its day began, in 10⁻⁹ of its currency.
    DayLoss = 5,
    /// What repair of a hedge has lost today, in 10⁻⁹ of its currency.
    RepairLoss = 6,
    /// The residual of a hedge at rest, in 10⁻⁹ of a common unit; nothing while an attempt lives.
    Residual = 7,
    /// Long and short lots of a contract, over all accounts.
    Position = 8,
    /// Orders sent in a contract today, by those accounts under one actual control that sent most.
    Orders = 9,
    /// Cancels sent in a contract today, counted in the same way.
    Cancels = 10,
    /// What a judge outside has last said of a hedge, as an estimate, in 10⁻⁹; nothing once that
    /// has expired. The numbers of the levels from WARN on are meant: 1, 2, 3, 4, 5.
    Verdict = 11,
    /// What the attempt of a hedge that lives has lost by repair so far, in 10⁻⁹ of its currency.
    AttemptLoss = 12,
    /// What was booked in an account in this run for differences to the venue's word, up or down, in
    /// 10⁻⁹ of its currency.
    Drift = 13,
    /// For how long no message of a contract's book has come while it trades, in ns.
    DataAge = 14,
    /// The longest that an order of an account has been without any answer, in ns.
    Latency = 15,
    /// Messages that an account has sent within the last second.
    Messages = 16,
    /// What the orders of a hedge have traded today worse than the books displayed when they were
    /// decided, less what they traded better, in 10⁻⁹ of its currency. A quote has its own price.
    Slippage = 17,
    /// What a clip of a hedge would cost now beyond the tops of its books, into the direction where
    /// that is more, in 10⁻⁹ of its currency; more than anything where a book displays too few lots.
    SlippageExpected = 18,
}

/// What a metric is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// An account.
    Account,
    /// A hedge.
    Hedge,
    /// A contract.
    Instrument,
}

impl Metric {
    /// Every metric, in the order of its code.
    pub const ALL: [Metric; 19] = [
        Metric::CapitalUsage,
        Metric::ProjectedUsage,
        Metric::MarginRatio,
        Metric::Available,
        Metric::Withdrawable,
        Metric::DayLoss,
        Metric::RepairLoss,
        Metric::Residual,
        Metric::Position,
        Metric::Orders,
        Metric::Cancels,
        Metric::Verdict,
        Metric::AttemptLoss,
        Metric::Drift,
        Metric::DataAge,
        Metric::Latency,
        Metric::Messages,
        Metric::Slippage,
        Metric::SlippageExpected,
    ];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Metric::CapitalUsage => "capital_usage",
            Metric::ProjectedUsage => "projected_usage",
            Metric::MarginRatio => "margin_ratio",
            Metric::Available => "available",
            Metric::Withdrawable => "withdrawable",
            Metric::DayLoss => "day_loss",
            Metric::RepairLoss => "repair_loss",
            Metric::Residual => "residual",
            Metric::Position => "position",
            Metric::Orders => "orders",
            Metric::Cancels => "cancels",
            Metric::Verdict => "verdict",
            Metric::AttemptLoss => "attempt_loss",
            Metric::Drift => "drift",
            Metric::DataAge => "data_age",
            Metric::Latency => "latency",
            Metric::Messages => "messages",
            Metric::Slippage => "slippage",
            Metric::SlippageExpected => "slippage_expected",
        }
    }

    /// What it is of.
    #[must_use]
    pub const fn of(self) -> Of {
        match self {
            Metric::CapitalUsage
            | Metric::ProjectedUsage
            | Metric::MarginRatio
            | Metric::Available
            | Metric::Withdrawable
            | Metric::DayLoss
            | Metric::Drift
            | Metric::Latency
            | Metric::Messages => Of::Account,
            Metric::RepairLoss
            | Metric::Residual
            | Metric::Verdict
            | Metric::AttemptLoss
            | Metric::Slippage
            | Metric::SlippageExpected => Of::Hedge,
            Metric::Position | Metric::Orders | Metric::Cancels | Metric::DataAge => Of::Instrument,
        }
    }

    /// 1 where more is worse, −1 where less is.
    #[must_use]
    pub const fn worse(self) -> i128 {
        match self {
            Metric::MarginRatio | Metric::Available | Metric::Withdrawable => -1,
            Metric::CapitalUsage
            | Metric::ProjectedUsage
            | Metric::DayLoss
            | Metric::RepairLoss
            | Metric::Residual
            | Metric::Position
            | Metric::Orders
            | Metric::Cancels
            | Metric::Verdict
            | Metric::AttemptLoss
            | Metric::Drift
            | Metric::DataAge
            | Metric::Latency
            | Metric::Messages
            | Metric::Slippage
            | Metric::SlippageExpected => 1,
        }
    }
}

/// What several accounts, hedges or contracts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// The venue that accounts are at, and contracts.
    Venue = 0,
    /// What contracts are of.
    Product = 1,
    /// Who controls accounts.
    Group = 2,
    /// The idea that hedges follow.
    Strategy = 3,
}

impl Class {
    /// Every class, in the order of its code.
    pub const ALL: [Class; 4] = [Class::Venue, Class::Product, Class::Group, Class::Strategy];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Class::Venue => "venue",
            Class::Product => "product",
            Class::Group => "group",
            Class::Strategy => "strategy",
        }
    }
}

/// Of which of them a threshold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Each by itself that no other threshold of the metric names.
    Each,
    /// One.
    One(u16),
    /// All that have something in common, together: it stands beside those of each.
    Whole(Class, u16),
    /// All together.
    All,
}

impl Reach {
    fn write(self, out: &mut Writer) {
        match self {
            Reach::Each => out.u8(0),
            Reach::One(place) => {
                out.u8(1);
                out.u16(place);
            }
            Reach::Whole(class, place) => {
                out.u8(2);
                out.u8(class.code());
                out.u16(place);
            }
            Reach::All => out.u8(3),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Reach, WireError> {
        let at = from.position();
        match from.u8()? {
            0 => Ok(Reach::Each),
            1 => Ok(Reach::One(from.u16()?)),
            2 => {
                let (at, found) = (from.position(), from.u8()?);
                let class = Class::ALL.get(usize::from(found)).copied();
                Ok(Reach::Whole(class.ok_or(WireError::Code { at, found })?, from.u16()?))
            }
            3 => Ok(Reach::All),
            found => Err(WireError::Code { at, found }),
        }
    }
}

/// How bad it is, and what follows inside what the metric is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing.
    #[default]
    Normal = 0,
    /// It is told.
    Warn = 1,
    /// And nothing is entered.
    Restrict = 2,
    /// And orders that enter are cancelled; what they have traded is completed or unwound.
    Cancel = 3,
    /// And whole sets are given back, of the hedge of the last priority first.
    Reduce = 4,
    /// And no order leaves until a person has lifted the HALT.
    Halt = 5,
}

impl Level {
    /// Every level, in the order of its code.
    pub const ALL: [Level; 6] =
        [Level::Normal, Level::Warn, Level::Restrict, Level::Cancel, Level::Reduce, Level::Halt];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Normal => "normal",
            Level::Warn => "warn",
            Level::Restrict => "restrict",
            Level::Cancel => "cancel",
            Level::Reduce => "reduce",
            Level::Halt => "halt",
        }
    }
}

/// Levels that have a bound: all but NORMAL.
pub const BOUNDS: usize = Level::ALL.len() - 1;

/// From which value on each level holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What is monitored.
    pub metric: Metric,
    /// Of which.
    pub of: Reach,
    /// By level, from WARN on; `None` where the ladder has no such step. Of a formula the last value,
    /// at first the stricter of its ends.
    pub bounds: [Option<i128>; BOUNDS],
    /// Bounds that follow a market, at most one for a level, by ascending level.
    pub formulas: Vec<(Level, Formula)>,
    /// By how much the value must be better than a level's bound before it is left.
    pub clear: i128,
    /// And for how long.
    pub dwell: Span,
}

impl Threshold {
    /// The level of a value.
    #[must_use]
    pub fn level(&self, value: i128) -> Level {
        let worse = self.metric.worse();
        let levels = Level::ALL.iter().skip(1).zip(&self.bounds).rev();
        for (level, bound) in levels {
            if bound.is_some_and(|bound| value * worse >= bound * worse) {
                return *level;
            }
        }
        Level::Normal
    }

    /// The bound of a level; `None` for NORMAL and where the ladder has no such step.
    #[must_use]
    pub fn bound(&self, level: Level) -> Option<i128> {
        let place = usize::from(level.code()).checked_sub(1)?;
        self.bounds.get(place).copied().flatten()
    }

    /// Whether a bound moves with the time of day.
    #[must_use]
    pub fn is_by_time(&self) -> bool {
        self.formulas.iter().any(|(_, formula)| formula.asks(Input::HoursToClose))
    }

    fn formula(&self, place: usize) -> Option<&Formula> {
        let at = |(level, _): &&(Level, Formula)| usize::from(level.code()) == place + 1;
        self.formulas.iter().find(at).map(|(_, formula)| formula)
    }

    /// The best bound that is worse than a value.
    #[must_use]
    pub fn next_bound(&self, value: i128) -> Option<i128> {
        let worse = self.metric.worse();
        let ahead = self.bounds.iter().flatten().filter(|bound| **bound * worse > value * worse);
        ahead.copied().min_by_key(|bound| bound * worse)
    }

    /// Whether it has a bound, its bounds do not get better from level to level, and its other
    /// values can be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let worse = self.metric.worse();
        let fits = |value: &i128| (-BOUND_MAX..=BOUND_MAX).contains(value);
        // Whatever formulas come to, a fixed bound is not better than one before it.
        let fixed = |(place, bound): (usize, &Option<i128>)| {
            bound.filter(|_| self.formula(place).is_none()).map(|bound| bound * worse)
        };
        let stated: Vec<i128> = self.bounds.iter().enumerate().filter_map(fixed).collect();
        let all: Vec<i128> = self.bounds.iter().flatten().copied().collect();
        let levels: Vec<Level> = self.formulas.iter().map(|(level, _)| *level).collect();
        let follows = |(level, of): &(Level, Formula)| {
            of.is_sound()
                && self.bound(*level).is_some()
                && [of.stricter(worse), of.looser(worse)].iter().all(fits)
        };
        let dwell = 0..=Span::LONGEST.0;
        !all.is_empty()
            && stated.is_sorted()
            && all.iter().all(fits)
            && levels.is_sorted_by(|one, next| one < next)
            && self.formulas.iter().all(follows)
            && (0..=BOUND_MAX).contains(&self.clear)
            && dwell.contains(&self.dwell.0)
    }

    /// Appends every value, for the journal and the state digest.
    pub fn write(&self, out: &mut Writer) {
        out.u8(self.metric.code());
        self.of.write(out);
        for (place, bound) in self.bounds.iter().enumerate() {
            if let Some(formula) = self.formula(place) {
                out.u8(2);
                formula.write(out);
                continue;
            }
            out.bool(bound.is_some());
            if let Some(bound) = bound {
                out.i128(*bound);
            }
        }
        out.i128(self.clear);
        out.i64(self.dwell.0);
    }

    /// Reads back what [`Threshold::write`] wrote.
    ///
    /// # Errors
    /// [`WireError`] where the bytes are not such a threshold.
    pub fn read(from: &mut Reader<'_>) -> Result<Threshold, WireError> {
        let at = from.position();
        let found = from.u8()?;
        let metric = Metric::ALL.get(usize::from(found)).copied();
        let metric = metric.ok_or(WireError::Code { at, found })?;
        let of = Reach::read(from)?;
        let mut bounds = [None; BOUNDS];
        let mut formulas = Vec::new();
        for (bound, level) in bounds.iter_mut().zip(Level::ALL.iter().skip(1)) {
            let at = from.position();
            *bound = match from.u8()? {
                0 => None,
                1 => Some(from.i128()?),
                2 => {
                    let formula = Formula::read(from)?;
                    let stricter = formula.stricter(metric.worse());
                    formulas.push((*level, formula));
                    Some(stricter)
                }
                found => return Err(WireError::Code { at, found }),
            };
        }
        Ok(Threshold {
            metric,
            of,
            bounds,
            formulas,
            clear: from.i128()?,
            dwell: Span(from.i64()?),
        })
    }
}

/// Largest bound, in its unit: what a comparison may still be moved by `clear`.
pub(crate) const BOUND_MAX: i128 = 1 << 120;

/// Where a monitored number stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// The level.
    pub level: Level,
    /// Since when the value has been good enough to leave it.
    pub calm: Option<Time>,
}

impl Ladder {
    /// Takes a value; gives the level before where it has changed.
    pub fn next(&mut self, of: &Threshold, value: i128, now: Time) -> Option<Level> {
        let before = self.level;
        let reached = of.level(value);
        if reached > before {
            *self = Ladder { level: reached, calm: None };
            return Some(before);
        }
        let held = of.level(value + of.metric.worse() * of.clear);
        if held >= before {
            self.calm = None;
            return None;
        }
        let since = *self.calm.get_or_insert(now);
        if now < since + of.dwell {
            return None;
        }
        *self = Ladder { level: held, calm: None };
        Some(before)
    }

    /// When it may come down without other news.
    #[must_use]
    pub fn due(&self, of: &Threshold) -> Option<Time> {
        self.calm.map(|since| since + of.dwell)
    }
}

/// `amount / of` in 10⁻⁹, rounded up: how much of it is used. More than anything where there is
/// nothing to use and something is used.
#[must_use]
pub fn share(amount: Money, of: Money) -> i128 {
    if amount <= Money::ZERO {
        return 0;
    }
    match of.0 {
        ..=0 => BOUND_MAX,
        of => div_ceil(amount.0 * MONEY_UNIT, of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(clear: i128, dwell: i64) -> Threshold {
        let bounds = [Some(80), Some(85), Some(90), None, Some(97)];
        let dwell = Span(dwell);
        let formulas = Vec::new();
        Threshold { metric: Metric::CapitalUsage, of: Reach::Each, bounds, formulas, clear, dwell }
    }

    fn available() -> Threshold {
        let bounds = [Some(100), Some(50), None, Some(0), None];
        let (of, clear, dwell) = (Reach::One(3), 10, Span(0));
        let formulas = Vec::new();
        Threshold { metric: Metric::Available, of, bounds, formulas, clear, dwell }
    }

    #[test]
    fn a_level_begins_at_its_bound() {
        let of = usage(0, 0);
        let levels = [
            (79, Level::Normal),
            (80, Level::Warn),
            (84, Level::Warn),
            (85, Level::Restrict),
            (90, Level::Cancel),
            (96, Level::Cancel),
            (97, Level::Halt),
        ];
        for (value, level) in levels {
            assert_eq!(of.level(value), level, "{value}");
        }
        let of = available();
        let levels =
            [(101, Level::Normal), (100, Level::Warn), (50, Level::Restrict), (0, Level::Reduce)];
        for (value, level) in levels {
            assert_eq!(of.level(value), level, "{value}");
        }
    }

    #[test]
    fn it_climbs_at_once_and_comes_down_late() {
        let of = usage(5, 10);
        let mut ladder = Ladder::default();
        let mut at = |value, now| (ladder.next(&of, value, Time(now)), ladder.level);
        assert_eq!(at(91, 0), (Some(Level::Normal), Level::Cancel));
        // Below the bound, not by enough.
        assert_eq!(at(86, 1), (None, Level::Cancel));
        // By enough, not for long enough; then it was not.
        assert_eq!(at(84, 2), (None, Level::Cancel));
        assert_eq!(at(85, 5), (None, Level::Cancel));
        assert_eq!(at(84, 6), (None, Level::Cancel));
        assert_eq!(at(84, 15), (None, Level::Cancel));
        // Down to what would hold if the value were worse by five.
        assert_eq!(at(84, 16), (Some(Level::Cancel), Level::Restrict));
        assert_eq!(at(10, 17), (None, Level::Restrict));
        assert_eq!(at(10, 27), (Some(Level::Restrict), Level::Normal));
        assert_eq!(at(99, 28), (Some(Level::Normal), Level::Halt));
    }

    #[test]
    fn less_is_worse_of_some() {
        let of = available();
        let mut ladder = Ladder::default();
        let mut at = |value| (ladder.next(&of, value, Time(0)), ladder.level);
        assert_eq!(at(-1), (Some(Level::Normal), Level::Reduce));
        assert_eq!(at(9), (None, Level::Reduce));
        assert_eq!(at(10), (None, Level::Reduce));
        assert_eq!(at(11), (Some(Level::Reduce), Level::Restrict));
        assert_eq!(at(61), (Some(Level::Restrict), Level::Warn));
        assert_eq!(at(111), (Some(Level::Warn), Level::Normal));
    }

    #[test]
    fn what_cannot_be_is_not_sound() {
        assert!(usage(0, 0).is_sound());
        assert!(available().is_sound());
        assert!(!Threshold { bounds: [None; BOUNDS], ..usage(0, 0) }.is_sound());
        let turned = [Some(90), Some(80), None, None, None];
        assert!(!Threshold { bounds: turned, ..usage(0, 0) }.is_sound());
        assert!(Threshold { bounds: turned, ..available() }.is_sound());
        assert!(!usage(-1, 0).is_sound());
        assert!(!usage(0, -1).is_sound());
    }

    #[test]
    fn a_share_is_rounded_up_and_of_nothing_it_is_everything() {
        assert_eq!(share(Money(1), Money(3)), 333_333_334);
        assert_eq!(share(Money(0), Money(0)), 0);
        assert_eq!(share(Money(1), Money(0)), BOUND_MAX);
        assert_eq!(share(Money(1), Money(-5)), BOUND_MAX);
    }

    #[test]
    fn it_is_read_back_as_it_was() {
        for of in [usage(5, 10), available()] {
            let mut out = Writer::new();
            of.write(&mut out);
            let bytes = out.into_bytes();
            assert_eq!(Threshold::read(&mut Reader::new(&bytes)), Ok(of));
        }
        assert!(Threshold::read(&mut Reader::new(&[200; 200])).is_err());
    }

    #[test]
    fn codes_and_names_differ() {
        for (code, metric) in Metric::ALL.iter().enumerate() {
            assert_eq!(usize::from(metric.code()), code);
        }
        for (code, level) in Level::ALL.iter().enumerate() {
            assert_eq!(usize::from(level.code()), code);
        }
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        names.extend(Level::ALL.iter().map(|level| level.name()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

//! When a hedge wants to trade.
//!
//! Hedges that price the same legs alike form a *group*: its tops are merged once a message and
//! its statistics take one observation a message, however many hedges read them. A hedge compares
//! the group's tops with its own thresholds: whole numbers, cross products, no division. For
//! measures that are walked and net the tops are a necessary condition, since a walk and fees can
//! only make a price worse; [`Signals::stands`] then asks the walk.

use crate::book::Book;
use crate::ids::{HedgeId, InstrumentId, LEGS_MAX, Table};
use crate::merge::{Direction, Merged, Pair, scale_down, scale_up, tops};
use crate::num::{MONEY_UNIT, Ratio};
use crate::quote::{HedgePlan, LegPlan};
use crate::stats::{Ewma, Factor, Observed};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// What is compared with the bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// proceeds − cost per common unit at the tops, gross; bands in the hedge's currency.
    Spread,
    /// The same walked for the aligned size, net of fees.
    CounterPrice,
    /// proceeds ÷ cost, walked and net; bands are plain numbers.
    Ratio,
    /// proceeds ÷ cost at the tops, gross.
    GrossRatio,
    /// [`Measure::CounterPrice`] minus the last unexpired `Estimate`; no value without one.
    Estimate,
}

/// Where one direction enters and where it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// +sets: enter when the enter value is at or above; mirror: when the exit value is at or below.
    pub enter: Ratio,
    /// +sets: exit when the exit value is at or below; mirror: when the enter value is at or above.
    pub exit: Ratio,
}

/// A further condition on entering: the mid value must be so many deviations away from its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Deviations, at least; more than zero.
    pub enter: Ratio,
    /// Weight of a new observation; in (0, 1).
    pub alpha: Ratio,
    /// Observations before it counts.
    pub warm: u32,
}

/// When a hedge wants to trade; bands as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is compared.
    pub measure: Measure,
    /// For +sets; `None`: never.
    pub plus: Option<Band>,
    /// For −sets; `None`: never.
    pub mirror: Option<Band>,
    /// Fresh updates of the slowest leg in a row for which the value must stand; at least 1. What
    /// each leg last sent before the value stood counts as its first.
    pub persist: u32,
    /// Longest time between the first and the last of them; a run that takes longer starts anew.
    pub persist_within: Option<Span>,
    /// A further condition on entering.
    pub deviation: Option<Deviation>,
}

/// What a hedge wants to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Add sets this way.
    Enter(Direction),
    /// Give back sets that were added this way.
    Exit(Direction),
}

impl Want {
    /// The way in which it trades.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Want::Enter(direction) => direction,
            Want::Exit(held) => held.flip(),
        }
    }

    /// Its condition.
    const fn index(self) -> usize {
        match self {
            Want::Enter(Direction::Plus) => 0,
            Want::Exit(Direction::Plus) => 1,
            Want::Enter(Direction::Mirror) => 2,
            Want::Exit(Direction::Mirror) => 3,
        }
    }

    const fn bit(self) -> u8 {
        1 << self.index()
    }
}

/// Every condition of a hedge, in the order of its index.
const WANTS: [Want; 4] = [
    Want::Enter(Direction::Plus),
    Want::Exit(Direction::Plus),
    Want::Enter(Direction::Mirror),
    Want::Exit(Direction::Mirror),
];

/// One bound of a band, ready to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// No value reaches it.
    Never,
    /// `sold − bought`, over the plan's denominator, rounded against us; exact, since the
    /// difference is whole.
    Difference(i128),
    /// `sold ÷ bought`.
    Quotient(Ratio),
}

impl Edge {
    /// The bound of a want; `shift` is added to the band of a difference, in 10⁻⁹.
    fn new(measure: Measure, bound: Ratio, shift: i64, denominator: i64, want: Want) -> Edge {
        match measure {
            Measure::Ratio | Measure::GrossRatio => Edge::Quotient(bound),
            Measure::Spread | Measure::CounterPrice | Measure::Estimate => {
                let sum = i128::from(bound.num()) * MONEY_UNIT
                    + i128::from(shift) * i128::from(bound.den());
                let divisor = i128::from(bound.den()) * MONEY_UNIT;
                let scale = match want.direction() {
                    Direction::Plus => scale_up,
                    Direction::Mirror => scale_down,
                };
                Edge::Difference(scale(sum, i128::from(denominator), divisor))
            }
        }
    }

    /// Whether trading this way at these prices is at this bound or better: toward +sets we sell
    /// dear and want at least, toward −sets we buy back cheap and want at most.
    #[inline]
    fn is_met(self, direction: Direction, pair: &Pair) -> bool {
        let (left, right) = match self {
            Edge::Never => return false,
            Edge::Difference(bound) => (pair.difference(), bound),
            Edge::Quotient(_) if pair.bought <= 0 => return false,
            Edge::Quotient(bound) => {
                (product(pair.sold, bound.den()), product(pair.bought, bound.num()))
            }
        };
        match direction {
            Direction::Plus => left >= right,
            Direction::Mirror => left <= right,
        }
    }
}

/// A product that the configuration proves to fit; short where the left side has 64 bits.
#[inline]
fn product(left: i128, right: i64) -> i128 {
    match i64::try_from(left) {
        Ok(left) => i128::from(left) * i128::from(right),
        Err(_) => left * i128::from(right),
    }
}

/// What a statistic observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observes {
    Difference,
    Quotient,
}

/// A statistic of a group, shared by its hedges.
#[derive(Clone, Debug)]
struct Statistic {
    observes: Observes,
    alpha: Ratio,
    ewma: Ewma,
}

impl Statistic {
    /// Takes the middle of both ways as an observation.
    #[inline]
    fn observe(&mut self, merged: &Merged) {
        let sold = merged.enter.sold + merged.exit.sold;
        let bought = merged.enter.bought + merged.exit.bought;
        match self.observes {
            Observes::Difference => self.ewma.push(Observed::whole(sold - bought)),
            Observes::Quotient if bought > 0 => self.ewma.push(Observed::quotient(sold, bought)),
            Observes::Quotient => {}
        }
    }
}

/// A [`Deviation`] with its statistic.
#[derive(Clone, Copy, Debug)]
struct Beyond {
    statistic: usize,
    times: Factor,
    warm: u32,
}

/// A condition that stands: since when, and how many messages each leg had brought before.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    since: Time,
    marks: [u64; LEGS_MAX],
}

/// A hedge in its group.
#[derive(Clone, Debug)]
struct Member {
    rule: Rule,
    denominator: i64,
    /// Which legs are traded.
    traded: [bool; LEGS_MAX],
    beyond: Option<Beyond>,
    /// The last estimate, and when it stops counting.
    estimate: Option<(i64, Time)>,
    edges: [Edge; 4],
    /// Conditions whose band is met at the tops.
    banded: u8,
    /// Those of them whose deviation is met too.
    standing: u8,
    /// Those of them that persisted.
    reached: u8,
    runs: [Run; 4],
}

impl Member {
    fn new(plan: &HedgePlan, rule: &Rule, beyond: Option<Beyond>) -> Member {
        let mut traded = [false; LEGS_MAX];
        traded.iter_mut().zip(&plan.legs).for_each(|(is, leg)| *is = leg.lots.num() != 0);
        let mut member = Member {
            rule: *rule,
            denominator: plan.denominator,
            traded,
            beyond,
            estimate: None,
            edges: [Edge::Never; 4],
            banded: 0,
            standing: 0,
            reached: 0,
            runs: [Run::default(); 4],
        };
        member.set_edges();
        member
    }

    /// What is added to a band, in 10⁻⁹; `None` when the measure has no value.
    fn shift(&self, estimate: Option<(i64, Time)>) -> Option<i64> {
        match self.rule.measure {
            Measure::Estimate => estimate.map(|(value, _)| value),
            Measure::Spread | Measure::CounterPrice | Measure::Ratio | Measure::GrossRatio => {
                Some(0)
            }
        }
    }

    /// Turns bands and estimate into thresholds.
    fn set_edges(&mut self) {
        let shift = self.shift(self.estimate);
        for (edge, want) in self.edges.iter_mut().zip(WANTS) {
            let bound = match want {
                Want::Enter(Direction::Plus) => self.rule.plus.map(|band| band.enter),
                Want::Exit(Direction::Plus) => self.rule.plus.map(|band| band.exit),
                Want::Enter(Direction::Mirror) => self.rule.mirror.map(|band| band.enter),
                Want::Exit(Direction::Mirror) => self.rule.mirror.map(|band| band.exit),
            };
            *edge = match (bound, shift) {
                (Some(bound), Some(shift)) => {
                    Edge::new(self.rule.measure, bound, shift, self.denominator, want)
                }
                (None, _) | (_, None) => Edge::Never,
            };
        }
    }

    /// The conditions whose band is met at these tops.
    #[inline]
    fn bands(&self, merged: &Merged) -> u8 {
        let [plus_enter, plus_exit, mirror_enter, mirror_exit] = self.edges;
        u8::from(plus_enter.is_met(Direction::Plus, &merged.enter))
            | u8::from(plus_exit.is_met(Direction::Mirror, &merged.exit)) << 1
            | u8::from(mirror_enter.is_met(Direction::Mirror, &merged.exit)) << 2
            | u8::from(mirror_exit.is_met(Direction::Plus, &merged.enter)) << 3
    }

    /// Takes away the entries that are not far enough from the mean.
    fn far(&self, mut bits: u8, statistics: &[Statistic]) -> u8 {
        let Some(beyond) = self.beyond else {
            return bits;
        };
        let ewma = statistics.get(beyond.statistic).map(|statistic| &statistic.ewma);
        let is_above = ewma.and_then(|ewma| ewma.is_above(beyond.times, beyond.warm));
        let is_below = ewma.and_then(|ewma| ewma.is_below(beyond.times, beyond.warm));
        if is_above != Some(true) {
            bits &= !Want::Enter(Direction::Plus).bit();
        }
        if is_below != Some(true) {
            bits &= !Want::Enter(Direction::Mirror).bit();
        }
        bits
    }

    /// Looks at what stands now and for how long.
    fn settle(&mut self, now: Time, group: &Shared, messages: &Table<InstrumentId, u64>) {
        let standing = self.far(self.banded, &group.statistics);
        let persist = u64::from(self.rule.persist.max(1)) - 1;
        for (want, run) in WANTS.into_iter().zip(&mut self.runs) {
            if standing & want.bit() == 0 {
                self.reached &= !want.bit();
                continue;
            }
            let is_late = self.rule.persist_within.is_some_and(|span| now > run.since + span);
            let is_new = self.standing & want.bit() == 0;
            if is_new || (is_late && self.reached & want.bit() == 0) {
                run.since = now;
                for (mark, leg) in run.marks.iter_mut().zip(&group.legs) {
                    *mark = messages[leg.instrument];
                }
            }
            let mut legs = group.legs.iter().zip(&run.marks).zip(self.traded);
            let has_persisted = legs.all(|((leg, mark), is_traded)| {
                !is_traded || messages[leg.instrument] - mark >= persist
            });
            if has_persisted {
                self.reached |= want.bit();
            }
        }
        self.standing = standing;
    }

    fn digest(&self, writer: &mut Writer) {
        let (value, expires) = self.estimate.unzip();
        writer.option_i64(value);
        writer.option_i64(expires.map(|time: Time| time.0));
        for bits in [self.banded, self.standing, self.reached] {
            writer.u8(bits);
        }
        for (want, run) in WANTS.into_iter().zip(&self.runs) {
            // A run that does not stand is left over and means nothing.
            if self.standing & want.bit() != 0 {
                writer.i64(run.since.0);
                run.marks.iter().for_each(|mark| writer.u64(*mark));
            }
        }
    }
}

/// What the hedges of a group share.
#[derive(Clone, Debug)]
struct Shared {
    legs: Vec<LegPlan>,
    statistics: Vec<Statistic>,
}

/// The bounds of a group that are met first: prices that do not reach them reach none.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    /// Least difference and least quotient that trading toward +sets has to be at.
    least: (Option<i128>, Option<Ratio>),
    /// Most that trading toward −sets has to be at.
    most: (Option<i128>, Option<Ratio>),
}

impl Reach {
    fn of(members: &[Member]) -> Reach {
        let mut reach = Reach::default();
        for member in members {
            for (want, edge) in WANTS.into_iter().zip(member.edges) {
                match (want.direction(), edge) {
                    (_, Edge::Never) => {}
                    (Direction::Plus, Edge::Difference(bound)) => {
                        let least = &mut reach.least.0;
                        *least = Some(least.map_or(bound, |least| least.min(bound)));
                    }
                    (Direction::Plus, Edge::Quotient(bound)) => {
                        let least = &mut reach.least.1;
                        *least = Some(least.map_or(bound, |least| least.min(bound)));
                    }
                    (Direction::Mirror, Edge::Difference(bound)) => {
                        let most = &mut reach.most.0;
                        *most = Some(most.map_or(bound, |most| most.max(bound)));
                    }
                    (Direction::Mirror, Edge::Quotient(bound)) => {
                        let most = &mut reach.most.1;
                        *most = Some(most.map_or(bound, |most| most.max(bound)));
                    }
                }
            }
        }
        reach
    }

    /// Whether any bound is met at these tops.
    #[inline]
    fn is_met(&self, merged: &Merged) -> bool {
        let difference = |bound: Option<i128>, direction, pair| {
            bound.is_some_and(|bound| Edge::Difference(bound).is_met(direction, pair))
        };
        let quotient = |bound: Option<Ratio>, direction, pair| {
            bound.is_some_and(|bound| Edge::Quotient(bound).is_met(direction, pair))
        };
        difference(self.least.0, Direction::Plus, &merged.enter)
            || difference(self.most.0, Direction::Mirror, &merged.exit)
            || quotient(self.least.1, Direction::Plus, &merged.enter)
            || quotient(self.most.1, Direction::Mirror, &merged.exit)
    }
}

/// Hedges that price the same legs alike.
#[derive(Clone, Debug)]
struct Group {
    shared: Shared,
    members: Vec<Member>,
    /// The tops at the last look.
    merged: Option<Merged>,
    /// What all members together wait for.
    reach: Reach,
    /// When the first estimate of a member stops counting.
    expires: Time,
    /// Whether every member has to be looked at although no bound is reached: one was at the last
    /// look, so that what stood there ends, or an estimate is new.
    is_busy: bool,
    /// Whether a condition of a member has persisted.
    is_reached: bool,
}

/// Whether two legs are priced alike.
fn is_alike(left: &LegPlan, right: &LegPlan) -> bool {
    let price = |leg: &LegPlan| (leg.instrument, leg.side, leg.coef, leg.fx);
    price(left) == price(right)
}

impl Group {
    /// Compares the tops with the bounds of the members, where any of these may be met or was.
    #[inline]
    fn look(&mut self, now: Time, messages: &Table<InstrumentId, u64>) {
        let is_met = self.merged.as_ref().is_some_and(|merged| self.reach.is_met(merged));
        if is_met || self.is_busy || self.expires <= now {
            self.compare(now, messages);
        }
    }

    /// Takes what the members wait for together anew: a bound of one has changed.
    fn gather(&mut self) {
        self.reach = Reach::of(&self.members);
        let expires = self.members.iter().filter_map(|member| member.estimate);
        self.expires = expires.map(|(_, expires)| expires).min().unwrap_or(Time::MAX);
    }

    #[inline(never)]
    fn compare(&mut self, now: Time, messages: &Table<InstrumentId, u64>) {
        let mut banded = 0;
        let mut reached = 0;
        let has_expired = self.expires <= now;
        for member in &mut self.members {
            if member.estimate.is_some_and(|(_, expires)| expires <= now) {
                member.estimate = None;
                member.set_edges();
            }
            member.banded = self.merged.as_ref().map_or(0, |merged| member.bands(merged));
            if member.banded | member.standing != 0 {
                member.settle(now, &self.shared, messages);
            }
            banded |= member.banded;
            reached |= member.reached;
        }
        self.is_busy = banded != 0;
        self.is_reached = reached != 0;
        if has_expired {
            self.gather();
        }
    }
}

/// The signals of all hedges and the statistics they share.
#[derive(Clone, Debug)]
pub struct Signals {
    groups: Vec<Group>,
    /// Group of a hedge and its place there.
    places: Table<HedgeId, [usize; 2]>,
    /// Groups that read an instrument, as a leg or for its currency.
    readers: Table<InstrumentId, Vec<usize>>,
    /// Messages of an instrument.
    messages: Table<InstrumentId, u64>,
}

#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, places are made here")]
impl Signals {
    /// The signals of these hedges, in the order of their ids, over so many instruments.
    #[must_use]
    pub fn new(hedges: &[(&HedgePlan, &Rule)], instruments: usize) -> Signals {
        let mut groups: Vec<Group> = Vec::new();
        let mut places = Vec::new();
        for (plan, rule) in hedges {
            let place = group_of(&mut groups, &plan.legs);
            let group = &mut groups[place];
            let beyond = rule.deviation.map(|deviation| Beyond {
                statistic: statistic_of(&mut group.shared.statistics, rule.measure, &deviation),
                times: Factor::new(deviation.enter),
                warm: deviation.warm,
            });
            places.push([place, group.members.len()]);
            group.members.push(Member::new(plan, rule, beyond));
        }
        let mut readers = Table::new(vec![Vec::new(); instruments]);
        for (place, group) in groups.iter().enumerate() {
            for leg in &group.shared.legs {
                for instrument in [Some(leg.instrument), leg.fx].into_iter().flatten() {
                    let readers: &mut Vec<usize> = &mut readers[instrument];
                    if !readers.contains(&place) {
                        readers.push(place);
                    }
                }
            }
        }
        groups.iter_mut().for_each(Group::gather);
        let messages = Table::new(vec![0; instruments]);
        Signals { groups, places: Table::new(places), readers, messages }
    }

    /// A message of this instrument has ended: merges, observes, compares.
    ///
    /// True when a hedge that reads the instrument has a condition that persisted, so that
    /// [`Signals::wants`] is worth asking.
    #[inline]
    pub fn message(
        &mut self,
        instrument: InstrumentId,
        now: Time,
        books: &Table<InstrumentId, Book>,
    ) -> bool {
        self.messages[instrument] += 1;
        let mut is_reached = false;
        for place in &self.readers[instrument] {
            let group = &mut self.groups[*place];
            group.merged = tops(&group.shared.legs, books);
            if let Some(merged) = &group.merged {
                for statistic in &mut group.shared.statistics {
                    statistic.observe(merged);
                }
            }
            group.look(now, &self.messages);
            is_reached |= group.is_reached;
        }
        is_reached
    }

    /// The data of this instrument changed without a message: a gap, a feed that went down.
    pub fn refresh(
        &mut self,
        instrument: InstrumentId,
        now: Time,
        books: &Table<InstrumentId, Book>,
    ) {
        for place in &self.readers[instrument] {
            let group = &mut self.groups[*place];
            group.merged = tops(&group.shared.legs, books);
            group.look(now, &self.messages);
        }
    }

    /// A value computed outside, in 10⁻⁹ of the hedge's currency per common unit; it counts from
    /// the next message on, until it expires.
    pub fn estimate(&mut self, hedge: HedgeId, value: i64, expires: Time) {
        let [place, at] = self.places[hedge];
        let group = &mut self.groups[place];
        let member = &mut group.members[at];
        member.estimate = Some((value, expires));
        member.set_edges();
        group.gather();
        group.is_busy = true;
    }

    /// What a hedge wants that holds so many signed sets. There is no flip: while sets are held it
    /// gives them back or adds more of them.
    #[inline]
    #[must_use]
    pub fn wants(&self, hedge: HedgeId, held: i64) -> Option<Want> {
        let reached = self.member(hedge).reached;
        let has = |want: Want| (reached & want.bit() != 0).then_some(want);
        if reached == 0 {
            return None;
        }
        match Direction::of(held) {
            Some(way) => has(Want::Exit(way)).or_else(|| has(Want::Enter(way))),
            None => {
                has(Want::Enter(Direction::Plus)).or_else(|| has(Want::Enter(Direction::Mirror)))
            }
        }
    }

    /// Whether the signal's own value stands for a walk that was made: measures that are gross
    /// have stood at the tops, the others ask the walked net prices.
    #[must_use]
    pub fn stands(&self, hedge: HedgeId, want: Want, walked: &Pair) -> bool {
        let member = self.member(hedge);
        match member.rule.measure {
            Measure::Spread | Measure::GrossRatio => true,
            Measure::CounterPrice | Measure::Ratio | Measure::Estimate => {
                member.edges[want.index()].is_met(want.direction(), walked)
            }
        }
    }

    /// The edge gate: whether the walked net prices leave something to earn. A net measure asks
    /// the band again. A gross one has fees and slippage left in its band, so entering asks that
    /// the net value is not yet where the hedge gives back; giving back is not held up.
    #[must_use]
    pub fn has_edge(&self, hedge: HedgeId, want: Want, walked: &Pair) -> bool {
        let member = self.member(hedge);
        match (member.rule.measure, want) {
            (Measure::Spread | Measure::GrossRatio, Want::Exit(_)) => true,
            (Measure::Spread | Measure::GrossRatio, Want::Enter(way)) => {
                let exit = member.edges[Want::Exit(way).index()];
                let has_value = matches!(exit, Edge::Difference(_)) || walked.bought > 0;
                has_value && !exit.is_met(way.flip(), walked)
            }
            (Measure::CounterPrice | Measure::Ratio | Measure::Estimate, _) => {
                self.stands(hedge, want, walked)
            }
        }
    }

    /// Whether trading this way at these prices is at `bound` or better, in the hedge's measure: an
    /// operator's own limit. Never where the measure has no value now.
    #[must_use]
    pub fn meets(
        &self,
        hedge: HedgeId,
        way: Direction,
        bound: Ratio,
        pair: &Pair,
        now: Time,
    ) -> bool {
        let member = self.member(hedge);
        let estimate = member.estimate.filter(|(_, expires)| *expires > now);
        member.shift(estimate).is_some_and(|shift| {
            let want = Want::Enter(way);
            let edge = Edge::new(member.rule.measure, bound, shift, member.denominator, want);
            edge.is_met(way, pair)
        })
    }

    /// The tops of a hedge at the last look; `None` when a book was not whole.
    #[must_use]
    pub fn merged(&self, hedge: HedgeId) -> Option<&Merged> {
        let [place, _] = self.places[hedge];
        self.groups[place].merged.as_ref()
    }

    /// The state as canonical bytes.
    pub fn digest(&self, writer: &mut Writer) {
        self.messages.iter().for_each(|count| writer.u64(*count));
        for group in &self.groups {
            group.shared.statistics.iter().for_each(|statistic| statistic.ewma.digest(writer));
            group.members.iter().for_each(|member| member.digest(writer));
            writer.bool(group.is_busy);
        }
    }

    #[inline]
    fn member(&self, hedge: HedgeId) -> &Member {
        let [place, at] = self.places[hedge];
        &self.groups[place].members[at]
    }
}

/// The group of these legs, made when it is the first of its kind.
fn group_of(groups: &mut Vec<Group>, legs: &[LegPlan]) -> usize {
    let is_same = |group: &Group| {
        let own = &group.shared.legs;
        own.len() == legs.len() && own.iter().zip(legs).all(|(own, leg)| is_alike(own, leg))
    };
    groups.iter().position(is_same).unwrap_or_else(|| {
        let shared = Shared { legs: legs.to_vec(), statistics: Vec::new() };
        groups.push(Group {
            shared,
            members: Vec::new(),
            merged: None,
            reach: Reach::default(),
            expires: Time::MAX,
            is_busy: false,
            is_reached: false,
        });
        groups.len() - 1
    })
}

/// The statistic that a deviation reads, made when it is the first of its kind.
fn statistic_of(statistics: &mut Vec<Statistic>, measure: Measure, deviation: &Deviation) -> usize {
    let observes = match measure {
        Measure::Spread | Measure::CounterPrice | Measure::Estimate => Observes::Difference,
        Measure::Ratio | Measure::GrossRatio => Observes::Quotient,
    };
    let is_same = |statistic: &Statistic| {
        statistic.observes == observes && statistic.alpha == deviation.alpha
    };
    statistics.iter().position(is_same).unwrap_or_else(|| {
        let ewma = Ewma::new(Factor::new(deviation.alpha));
        statistics.push(Statistic { observes, alpha: deviation.alpha, ewma });
        statistics.len() - 1
    })
}

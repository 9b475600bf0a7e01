//! When a hedge wants to trade.
//!
//! Hedges that price the same legs alike form a *group*: its tops are merged once a message and
//! its statistics take one observation a message, however many hedges read them. A hedge compares
//! the group's tops with its own thresholds: whole numbers, cross products, no division. For
//! measures that are walked and net the tops are a necessary condition, since a walk and fees can
//! only make a price worse; [`Signals::stands`] then asks the walk.

use crate::book::Book;
use crate::ids::{HedgeId, InstrumentId, LEGS_MAX, Table};
use crate::merge::{Direction, Merged, Pair, merged, scale_down, scale_up};
use crate::num::{MONEY_UNIT, Price, Ratio, wide};
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

/// The conditions that enter.
const ENTERS: u8 = Want::Enter(Direction::Plus).bit() | Want::Enter(Direction::Mirror).bit();

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
            Edge::Quotient(bound) => (wide(pair.sold, bound.den()), wide(pair.bought, bound.num())),
        };
        match direction {
            Direction::Plus => left >= right,
            Direction::Mirror => left <= right,
        }
    }
}

/// What trading one way has to reach, ready to be compared with many prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    edge: Edge,
    way: Direction,
}

impl Bound {
    /// Whether these prices are at the bound or better.
    #[must_use]
    pub fn is_met(&self, pair: &Pair) -> bool {
        self.edge.is_met(self.way, pair)
    }
}

/// The four bounds of a hedge in the order of [`Want::index`], laid out for comparing many hedges.
#[derive(Clone, Copy, Debug)]
enum Edges {
    /// Bounds of a difference; one that is never met lies beyond what the configuration allows.
    Differences([i128; 4]),
    /// Bounds of a quotient.
    Quotients([Edge; 4]),
}

impl Edges {
    fn new(edges: [Edge; 4]) -> Edges {
        let mut differences = [i128::MAX, i128::MIN, i128::MIN, i128::MAX];
        for (bound, edge) in differences.iter_mut().zip(edges) {
            match edge {
                Edge::Never => {}
                Edge::Difference(edge) => *bound = edge,
                Edge::Quotient(_) => return Edges::Quotients(edges),
            }
        }
        Edges::Differences(differences)
    }

    /// Whether trading for this want at these prices meets its bound.
    fn is_met(&self, want: Want, pair: &Pair) -> bool {
        let edge = match self {
            Edges::Differences(bounds) => bounds.get(want.index()).copied().map(Edge::Difference),
            Edges::Quotients(edges) => edges.get(want.index()).copied(),
        };
        edge.is_some_and(|edge| edge.is_met(want.direction(), pair))
    }

    /// One bit for each bound that is met.
    #[inline]
    fn bands(&self, merged: &Merged) -> u8 {
        let (enter, exit) = (&merged.enter, &merged.exit);
        let [plus_enter, plus_exit, mirror_enter, mirror_exit] = match self {
            Edges::Differences([plus_enter, plus_exit, mirror_enter, mirror_exit]) => {
                let (enter, exit) = (enter.difference(), exit.difference());
                [
                    enter >= *plus_enter,
                    exit <= *plus_exit,
                    exit <= *mirror_enter,
                    enter >= *mirror_exit,
                ]
            }
            Edges::Quotients([plus_enter, plus_exit, mirror_enter, mirror_exit]) => [
                plus_enter.is_met(Direction::Plus, enter),
                plus_exit.is_met(Direction::Mirror, exit),
                mirror_enter.is_met(Direction::Mirror, exit),
                mirror_exit.is_met(Direction::Plus, enter),
            ],
        };
        u8::from(plus_enter)
            | u8::from(plus_exit) << 1
            | u8::from(mirror_enter) << 2
            | u8::from(mirror_exit) << 3
    }
}

/// Between which prices no band of any member of a group changes sides.
#[derive(Clone, Copy, Debug)]
struct Calm {
    /// The enter difference: at least the first, less than the second.
    enter: [i128; 2],
    /// The exit difference: more than the first, at most the second.
    exit: [i128; 2],
    /// The quotients, where a member compares them.
    quotients: Option<CalmQuotients>,
}

/// Of each way the bound that is met and the one that is not that are nearest to the tops.
#[derive(Clone, Copy, Debug, Default)]
struct CalmQuotients {
    enter: [Option<Ratio>; 2],
    exit: [Option<Ratio>; 2],
}

impl Calm {
    /// Between any prices.
    const WIDE: Calm =
        Calm { enter: [i128::MIN, i128::MAX], exit: [i128::MIN, i128::MAX], quotients: None };

    /// Narrows to the bounds of these members that are nearest to the tops.
    fn draw_in(&mut self, members: &[Member], merged: &Merged) {
        for member in members {
            match &member.edges {
                Edges::Differences(bounds) => self.narrow(bounds, merged),
                Edges::Quotients(edges) => {
                    self.quotients.get_or_insert_default().narrow(edges, merged);
                }
            }
        }
    }

    fn narrow(&mut self, bounds: &[i128; 4], merged: &Merged) {
        let (enter, exit) = (merged.enter.difference(), merged.exit.difference());
        let [plus_enter, plus_exit, mirror_enter, mirror_exit] = *bounds;
        for bound in [plus_enter, mirror_exit] {
            let [low, high] = &mut self.enter;
            if enter >= bound {
                *low = bound.max(*low);
            } else {
                *high = bound.min(*high);
            }
        }
        for bound in [plus_exit, mirror_enter] {
            let [low, high] = &mut self.exit;
            if exit <= bound {
                *high = bound.min(*high);
            } else {
                *low = bound.max(*low);
            }
        }
    }

    #[inline]
    fn has(&self, merged: &Merged) -> bool {
        let (enter, exit) = (merged.enter.difference(), merged.exit.difference());
        let ([enter_low, enter_high], [exit_low, exit_high]) = (self.enter, self.exit);
        enter_low <= enter
            && enter < enter_high
            && exit_low < exit
            && exit <= exit_high
            && self.quotients.as_ref().is_none_or(|quotients| quotients.has(merged))
    }
}

impl CalmQuotients {
    fn narrow(&mut self, edges: &[Edge; 4], merged: &Merged) {
        for (want, edge) in WANTS.into_iter().zip(edges) {
            let Edge::Quotient(bound) = edge else { continue };
            let direction = want.direction();
            let ([met, unmet], pair) = match direction {
                Direction::Plus => (&mut self.enter, &merged.enter),
                Direction::Mirror => (&mut self.exit, &merged.exit),
            };
            let is_met = edge.is_met(direction, pair);
            let nearest = if is_met { met } else { unmet };
            // Toward +sets a higher bound is harder to meet, toward −sets a lower one.
            let is_nearer = |other: Ratio| match (direction, is_met) {
                (Direction::Plus, true) | (Direction::Mirror, false) => *bound > other,
                (Direction::Plus, false) | (Direction::Mirror, true) => *bound < other,
            };
            if nearest.is_none_or(is_nearer) {
                *nearest = Some(*bound);
            }
        }
    }

    #[inline]
    fn has(&self, merged: &Merged) -> bool {
        let stands = |[met, unmet]: [Option<Ratio>; 2], direction, pair: &Pair| {
            let is_met = |bound| Edge::Quotient(bound).is_met(direction, pair);
            met.is_none_or(is_met) && !unmet.is_some_and(is_met)
        };
        stands(self.enter, Direction::Plus, &merged.enter)
            && stands(self.exit, Direction::Mirror, &merged.exit)
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
    /// What every message adds while the tops stay; nothing while there is no value.
    observed: Option<Observed>,
}

impl Statistic {
    /// The middle of both ways.
    fn observe(&mut self, merged: Option<&Merged>) {
        self.observed = merged.and_then(|merged| {
            let sold = merged.enter.sold + merged.exit.sold;
            let bought = merged.enter.bought + merged.exit.bought;
            match self.observes {
                Observes::Difference => Some(Observed::whole(sold - bought)),
                Observes::Quotient => (bought > 0).then(|| Observed::quotient(sold, bought)),
            }
        });
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

/// What a hedge is compared with, and how that stands: what is read on every message.
#[derive(Clone, Debug)]
struct Member {
    edges: Edges,
    /// Conditions whose band is met at the tops.
    banded: u8,
    /// Those of them whose deviation is met too.
    standing: u8,
    /// Those of them that persisted.
    reached: u8,
    /// Whether it has to be looked at although the tops did not change: a condition has yet to
    /// persist, or depends on the mean or on time.
    is_pending: bool,
}

/// The rest of a hedge.
#[derive(Clone, Debug)]
struct Terms {
    rule: Rule,
    denominator: i64,
    /// Which legs are traded.
    traded: [bool; LEGS_MAX],
    beyond: Option<Beyond>,
    /// The last estimate, and when it stops counting.
    estimate: Option<(i64, Time)>,
    runs: [Run; 4],
}

impl Terms {
    fn new(plan: &HedgePlan, rule: &Rule, beyond: Option<Beyond>) -> Terms {
        let mut traded = [false; LEGS_MAX];
        traded.iter_mut().zip(&plan.legs).for_each(|(is, leg)| *is = leg.lots.num() != 0);
        Terms {
            rule: *rule,
            denominator: plan.denominator,
            traded,
            beyond,
            estimate: None,
            runs: [Run::default(); 4],
        }
    }

    /// Forgets an estimate that no longer counts; whether there was one.
    fn has_expired(&mut self, now: Time) -> bool {
        self.estimate.take_if(|(_, expires)| *expires <= now).is_some()
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

    /// The threshold of a want now.
    fn edge(&self, want: Want) -> Edge {
        let band = match want {
            Want::Enter(Direction::Plus) | Want::Exit(Direction::Plus) => self.rule.plus,
            Want::Enter(Direction::Mirror) | Want::Exit(Direction::Mirror) => self.rule.mirror,
        };
        match (band, self.shift(self.estimate)) {
            (Some(band), Some(shift)) => {
                let bound = match want {
                    Want::Enter(_) => band.enter,
                    Want::Exit(_) => band.exit,
                };
                Edge::new(self.rule.measure, bound, shift, self.denominator, want)
            }
            (None, _) | (_, None) => Edge::Never,
        }
    }

    fn edges(&self) -> Edges {
        Edges::new(WANTS.map(|want| self.edge(want)))
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
    fn settle(
        &mut self,
        member: &mut Member,
        now: Time,
        shared: &Shared,
        messages: &Table<InstrumentId, u64>,
    ) {
        let standing = self.far(member.banded, &shared.statistics);
        let persist = u64::from(self.rule.persist.max(1)) - 1;
        member.reached &= standing;
        // What stood before and has persisted has nothing left to prove.
        let news = standing & !(member.reached & member.standing);
        for (want, run) in WANTS.into_iter().zip(&mut self.runs).filter(|_| news != 0) {
            let bit = want.bit();
            if standing & bit == 0 {
                continue;
            }
            let is_late = self.rule.persist_within.is_some_and(|span| now > run.since + span);
            if member.standing & bit == 0 || (is_late && member.reached & bit == 0) {
                run.since = now;
                for (mark, leg) in run.marks.iter_mut().zip(&shared.legs) {
                    *mark = messages[leg.instrument];
                }
            }
            let mut legs = shared.legs.iter().zip(&run.marks).zip(self.traded);
            let has_persisted = legs.all(|((leg, mark), is_traded)| {
                !is_traded || messages[leg.instrument] - mark >= persist
            });
            if has_persisted {
                member.reached |= bit;
            }
        }
        member.standing = standing;
        let asks_the_mean = self.beyond.is_some() && member.banded & ENTERS != 0;
        let asks_the_time = self.estimate.is_some() && member.banded != 0;
        member.is_pending = standing != member.reached || asks_the_mean || asks_the_time;
    }

    fn digest(&self, member: &Member, writer: &mut Writer) {
        let (value, expires) = self.estimate.unzip();
        writer.option_i64(value);
        writer.option_i64(expires.map(|time: Time| time.0));
        for bits in [member.banded, member.standing, member.reached] {
            writer.u8(bits);
        }
        writer.bool(member.is_pending);
        for (want, run) in WANTS.into_iter().zip(&self.runs) {
            // A run that does not stand is left over and means nothing.
            if member.standing & want.bit() != 0 {
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

/// Hedges that price the same legs alike.
#[derive(Clone, Debug)]
struct Group {
    shared: Shared,
    members: Vec<Member>,
    /// Beside the members.
    terms: Vec<Terms>,
    /// The merged tops.
    merged: Option<Merged>,
    /// Where the tops may go without a change for any member.
    calm: Option<Calm>,
    /// Whether a member has to be looked at although the tops did not change.
    is_pending: bool,
    /// Whether a condition of a member has persisted.
    is_reached: bool,
}

/// Whether two legs are priced alike.
fn is_alike(left: &LegPlan, right: &LegPlan) -> bool {
    let price = |leg: &LegPlan| (leg.instrument, leg.side, leg.coef, leg.fx);
    price(left) == price(right)
}

impl Group {
    /// Whether every band stands as it stood at the last look.
    #[inline]
    fn is_calm(&self) -> bool {
        match (&self.calm, &self.merged) {
            (Some(calm), Some(merged)) => calm.has(merged),
            (None, _) | (_, None) => false,
        }
    }

    /// Merges the tops anew.
    fn merge(&mut self, touches: &Table<InstrumentId, Option<[Price; 2]>>) {
        self.merged = merged(&self.shared.legs, |instrument| touches[instrument]);
        for statistic in &mut self.shared.statistics {
            statistic.observe(self.merged.as_ref());
        }
    }

    /// Takes an observation of each statistic.
    #[inline]
    fn push(&mut self) {
        for statistic in &mut self.shared.statistics {
            if let Some(observed) = statistic.observed {
                statistic.ewma.push(observed);
            }
        }
    }

    /// Compares the tops with every member's thresholds and looks at what changed; where it is
    /// calm, every band stands as it stood.
    #[inline(never)]
    fn compare(&mut self, now: Time, messages: &Table<InstrumentId, u64>, is_calm: bool) {
        let mut is_pending = false;
        let mut reached = 0;
        // The bounds around the tops stay the same until a band changes sides.
        let mut is_around = self.calm.is_some();
        for (member, terms) in self.members.iter_mut().zip(&mut self.terms) {
            let bands = |edges: &Edges| match &self.merged {
                Some(merged) => edges.bands(merged),
                None => 0,
            };
            let mut banded = if is_calm { member.banded } else { bands(&member.edges) };
            if member.is_pending || banded != member.banded {
                if terms.has_expired(now) {
                    is_around = false;
                    member.edges = terms.edges();
                    banded = bands(&member.edges);
                }
                is_around &= banded == member.banded;
                member.banded = banded;
                terms.settle(member, now, &self.shared, messages);
            }
            is_pending |= member.is_pending;
            reached |= member.reached;
        }
        self.is_pending = is_pending;
        self.is_reached = reached != 0;
        match &self.merged {
            Some(_) if is_around => {}
            Some(merged) => self.calm.insert(Calm::WIDE).draw_in(&self.members, merged),
            None => self.calm = None,
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
    /// Best prices at the end of the last message; `None` when they do not count.
    touches: Table<InstrumentId, Option<[Price; 2]>>,
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
            let terms = Terms::new(plan, rule, beyond);
            group.members.push(Member {
                edges: terms.edges(),
                banded: 0,
                standing: 0,
                reached: 0,
                is_pending: false,
            });
            group.terms.push(terms);
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
        let messages = Table::new(vec![0; instruments]);
        let touches = Table::new(vec![None; instruments]);
        Signals { groups, places: Table::new(places), readers, messages, touches }
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
        let touch = books[instrument].touch();
        let is_moved = touch != self.touches[instrument];
        self.touches[instrument] = touch;
        let mut is_reached = false;
        for place in &self.readers[instrument] {
            let group = &mut self.groups[*place];
            if is_moved {
                group.merge(&self.touches);
            }
            group.push();
            let is_calm = if is_moved { group.is_calm() } else { group.calm.is_some() };
            if group.is_pending || (is_moved && !is_calm) {
                group.compare(now, &self.messages, is_calm);
            }
            is_reached |= group.is_reached;
        }
        is_reached
    }

    /// The data of this instrument changed without a message that ended: a gap, a feed that went
    /// down. What read it stands no longer.
    pub fn refresh(
        &mut self,
        instrument: InstrumentId,
        now: Time,
        books: &Table<InstrumentId, Book>,
    ) {
        self.touches[instrument] = books[instrument].touch();
        for place in &self.readers[instrument] {
            let group = &mut self.groups[*place];
            group.merge(&self.touches);
            group.compare(now, &self.messages, false);
        }
    }

    /// A value computed outside, in 10⁻⁹ of the hedge's currency per common unit; it counts from
    /// the next message on, until it expires.
    pub fn estimate(&mut self, hedge: HedgeId, value: i64, expires: Time) {
        let [place, at] = self.places[hedge];
        let group = &mut self.groups[place];
        let terms = &mut group.terms[at];
        terms.estimate = Some((value, expires));
        group.members[at].edges = terms.edges();
        group.members[at].is_pending = true;
        group.is_pending = true;
        group.calm = None;
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
        match self.terms(hedge).rule.measure {
            Measure::Spread | Measure::GrossRatio => true,
            Measure::CounterPrice | Measure::Ratio | Measure::Estimate => {
                self.member(hedge).edges.is_met(want, walked)
            }
        }
    }

    /// The edge gate: whether the walked net prices leave something to earn. A net measure asks
    /// the band again. A gross one has fees and slippage left in its band, so entering asks that
    /// the net value is not yet where the hedge gives back; giving back is not held up.
    #[must_use]
    pub fn has_edge(&self, hedge: HedgeId, want: Want, walked: &Pair) -> bool {
        let terms = self.terms(hedge);
        match (terms.rule.measure, want) {
            (Measure::Spread | Measure::GrossRatio, Want::Exit(_)) => true,
            (Measure::Spread, Want::Enter(way)) => !self.is_given_back(hedge, way, walked),
            (Measure::GrossRatio, Want::Enter(way)) => {
                walked.bought > 0 && !self.is_given_back(hedge, way, walked)
            }
            (Measure::CounterPrice | Measure::Ratio | Measure::Estimate, _) => {
                self.stands(hedge, want, walked)
            }
        }
    }

    /// Whether sets that were added this way would be given back at these prices.
    fn is_given_back(&self, hedge: HedgeId, way: Direction, pair: &Pair) -> bool {
        self.member(hedge).edges.is_met(Want::Exit(way), pair)
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
        let terms = self.terms(hedge);
        let estimate = terms.estimate.filter(|(_, expires)| *expires > now);
        terms.shift(estimate).is_some_and(|shift| {
            let want = Want::Enter(way);
            let edge = Edge::new(terms.rule.measure, bound, shift, terms.denominator, want);
            edge.is_met(way, pair)
        })
    }

    /// A bound of trading this way that gives up `slack` of `bound`, in its unit, ready to be
    /// compared. `None` where the measure has no value now, or the sum does not fit.
    #[must_use]
    pub fn bound(
        &self,
        hedge: HedgeId,
        way: Direction,
        bound: Ratio,
        slack: Ratio,
        now: Time,
    ) -> Option<Bound> {
        let terms = self.terms(hedge);
        let shift = terms.shift(terms.estimate.filter(|(_, expires)| *expires > now))?;
        let bound = match way {
            Direction::Plus => bound.plus(slack.negated()),
            Direction::Mirror => bound.plus(slack),
        };
        let want = Want::Enter(way);
        let edge = Edge::new(terms.rule.measure, bound.ok()?, shift, terms.denominator, want);
        Some(Bound { edge, way })
    }

    /// The tops of a hedge at the last look; `None` when a book was not whole.
    #[must_use]
    pub fn merged(&self, hedge: HedgeId) -> Option<&Merged> {
        let [place, _] = self.places[hedge];
        self.groups[place].merged.as_ref()
    }

    /// The last estimate for a hedge in 10⁻⁹ of its currency, while it counts.
    #[must_use]
    pub fn estimated(&self, hedge: HedgeId, now: Time) -> Option<i64> {
        let estimate = self.terms(hedge).estimate;
        estimate.filter(|(_, expires)| *expires > now).map(|(value, _)| value)
    }

    /// When the last estimate for a hedge stops counting, while it counts.
    #[must_use]
    pub fn expires(&self, hedge: HedgeId, now: Time) -> Option<Time> {
        let estimate = self.terms(hedge).estimate;
        estimate.map(|(_, expires)| expires).filter(|expires| *expires > now)
    }

    /// The state as canonical bytes.
    pub fn digest(&self, writer: &mut Writer) {
        self.messages.iter().for_each(|count| writer.u64(*count));
        for touch in self.touches.iter() {
            writer.bool(touch.is_some());
            touch.iter().flatten().for_each(|price| writer.i64(price.0));
        }
        for group in &self.groups {
            group.shared.statistics.iter().for_each(|statistic| statistic.ewma.digest(writer));
            for (member, terms) in group.members.iter().zip(&group.terms) {
                terms.digest(member, writer);
            }
        }
    }

    #[inline]
    fn member(&self, hedge: HedgeId) -> &Member {
        let [place, at] = self.places[hedge];
        &self.groups[place].members[at]
    }

    fn terms(&self, hedge: HedgeId) -> &Terms {
        let [place, at] = self.places[hedge];
        &self.groups[place].terms[at]
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
            terms: Vec::new(),
            merged: None,
            calm: None,
            is_pending: false,
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
        statistics.push(Statistic { observes, alpha: deviation.alpha, ewma, observed: None });
        statistics.len() - 1
    })
}

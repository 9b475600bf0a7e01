//! Monitored numbers: every threshold of the policy is a ladder for what it is of, looked at after
//! what the event did is booked and before anything is decided, so that the step that sees a limit
//! touched is the step that acts.
//!
//! Numbers that an event has moved by booking something are looked at with it. Prices move them
//! too: after each look at all of them the next comes [`EVERY`] later at the latest, if there was
//! any news.

use super::Engine;
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::conduct::{Cause, Scope};
use crate::config::{Account, Config};
use crate::funds::{Bucket, Unrealised};
use crate::gate::Policy;
use crate::ids::{
    AccountId, ClientOrderId, GroupId, HedgeId, InstrumentId, ProductId, StrategyId, Table, VenueId,
};
use crate::num::{MONEY_UNIT, Money, div_ceil, wide};
use crate::quote::{Kind, Purpose};
use crate::threshold::{
    BOUND_MAX, BOUNDS, Class, Ladder, Level, Metric, Of, Reach, Threshold, share,
};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// At most so long after a price has moved a number it is looked at.
const EVERY: Span = Span::millis(100);

/// What a ladder is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Account(AccountId),
    Hedge(HedgeId),
    Instrument(InstrumentId),
    /// Several together: what they are, what they have in common, and where they stand in
    /// [`Watch::members`].
    Several(Of, Subject, usize),
}

impl Target {
    fn subject(self) -> Subject {
        match self {
            Target::Account(account) => Subject::Account(account),
            Target::Hedge(hedge) => Subject::Hedge(hedge),
            Target::Instrument(instrument) => Subject::Instrument(instrument),
            Target::Several(_, subject, _) => subject,
        }
    }

    fn one(of: Of, place: u16) -> Target {
        match of {
            Of::Account => Target::Account(AccountId(place)),
            Of::Hedge => Target::Hedge(HedgeId(place)),
            Of::Instrument => Target::Instrument(InstrumentId(place)),
        }
    }
}

fn common(class: Class, place: u16) -> Subject {
    match class {
        Class::Venue => Subject::Venue(VenueId(place)),
        Class::Product => Subject::Product(ProductId(place)),
        Class::Group => Subject::Group(GroupId(place)),
        Class::Strategy => Subject::Strategy(StrategyId(place)),
    }
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) threshold: Threshold,
    pub(super) target: Target,
    ladder: Ladder,
}

/// The ladders of the policy.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    rows: Vec<Row>,
    /// Who is looked at together.
    members: Vec<Vec<u16>>,
    /// The worst level of all that concern a hedge.
    levels: Table<HedgeId, Level>,
    /// When prices may have moved a number that was not looked at since; never without rows.
    pub(super) stale: Time,
    /// When a ladder may come down without other news.
    pub(super) due: Time,
    /// Whether a price may have moved a number since all were looked at.
    missed: bool,
    /// How long after orders were sent something may touch a bound without news: an order has no
    /// answer, or there were too many.
    patience: Option<Span>,
    /// Whether this event is one at which everything is looked at.
    pub(super) looked: bool,
    /// Whether anybody asks what orders were decided on.
    pub(super) looks_at_slippage: bool,
}

impl Watch {
    pub(super) fn new(policy: &Policy, config: &Config) -> Watch {
        let (mut rows, mut members) = (Vec::new(), Vec::new());
        for threshold in &policy.thresholds {
            let of = threshold.metric.of();
            // What is named is named by one; the others are for each that none names.
            let is_named = |place: u16| {
                let same = |other: &&Threshold| other.metric == threshold.metric;
                policy.thresholds.iter().filter(same).any(|other| other.of == Reach::One(place))
            };
            let row =
                |target| Row { threshold: threshold.clone(), target, ladder: Ladder::default() };
            let mut several = |subject| {
                members.push(config.members(of, threshold.of));
                Target::Several(of, subject, members.len() - 1)
            };
            match threshold.of {
                Reach::One(place) => rows.push(row(Target::one(of, place))),
                Reach::Each => {
                    let each = config.members(of, Reach::All).into_iter();
                    let each = each.filter(|place| !is_named(*place));
                    rows.extend(each.map(|place| row(Target::one(of, place))));
                }
                Reach::Whole(class, place) => rows.push(row(several(common(class, place)))),
                Reach::All => rows.push(row(several(Subject::Engine))),
            }
        }
        // Where results on paper count, prices may make an account lack money.
        let on_paper = |of: &Account| of.terms.unrealised != Unrealised::Neither;
        let looks = !rows.is_empty() || config.accounts.iter().any(on_paper);
        let stale = if looks { Time::EARLIEST } else { Time::MAX };
        let levels = Table::new(vec![Level::Normal; config.hedges.len()]);
        let of = |metric| rows.iter().filter(move |row| row.threshold.metric == metric);
        let waits = of(Metric::Latency).filter_map(|row| row.threshold.next_bound(0));
        let waits = waits.filter_map(|bound| i64::try_from(bound).ok()).map(Span);
        let patience = of(Metric::Messages).map(|_| Span(1)).chain(waits).min();
        let looks_at_slippage = of(Metric::Slippage).next().is_some();
        // What follows the time of day is looked at from the first.
        let by_time = |row: &Row| row.threshold.is_by_time();
        let due = if rows.iter().any(by_time) { Time::EARLIEST } else { Time::MAX };
        Watch {
            rows,
            members,
            levels,
            stale,
            due,
            missed: false,
            patience,
            looked: false,
            looks_at_slippage,
        }
    }

    /// Takes over where the ladders of an earlier policy stood.
    pub(super) fn succeed(&mut self, before: &Watch) {
        for row in &mut self.rows {
            let same = |old: &&Row| {
                (old.threshold.metric, old.target.subject())
                    == (row.threshold.metric, row.target.subject())
            };
            if let Some(old) = before.rows.iter().find(same) {
                row.ladder = old.ladder;
            }
        }
    }

    /// Something came that moves numbers and books nothing, a verdict or collateral: they count in
    /// this step.
    pub(super) fn hear(&mut self, moves: impl Fn(Metric) -> bool) {
        if self.rows.iter().any(|row| moves(row.threshold.metric)) {
            self.stale = Time::EARLIEST;
        }
    }

    /// A price came that was not looked at: it is soon, though nothing else may come.
    pub(super) fn miss(&mut self) -> Time {
        self.missed = true;
        self.stale
    }

    /// Orders were sent: they are looked at in time.
    pub(super) fn sent(&mut self, now: Time) {
        if let Some(patience) = self.patience {
            self.due = self.due.min(now + patience);
        }
    }

    /// What is looked at may have moved: it is soon, though nothing else may come.
    pub(super) fn moved(&mut self) {
        self.missed = !self.rows.is_empty();
    }

    /// When all are to be looked at without news.
    pub(super) fn wakes(&self) -> Time {
        if self.missed { self.due.min(self.stale) } else { self.due }
    }

    pub(super) fn digest(&self, out: &mut Writer) {
        out.len(self.rows.len());
        for row in &self.rows {
            out.u8(row.ladder.level.code());
            out.option_i64(row.ladder.calm.map(|since| since.0));
        }
        if self.stale != Time::MAX {
            out.i64(self.stale.0);
        }
    }
}

impl Engine {
    /// The worst level of what concerns a hedge.
    #[must_use]
    pub fn level(&self, hedge: HedgeId) -> Level {
        self.watch.levels[hedge]
    }

    /// Where every monitored number stands: metric, what it is of, its value now, its level.
    pub fn monitors(&self) -> impl Iterator<Item = (Metric, Subject, i128, Level)> {
        self.watch.rows.iter().map(|row| {
            let value = self.value_of(row.threshold.metric, row.target);
            (row.threshold.metric, row.target.subject(), value, row.ladder.level)
        })
    }

    /// Looks at what the event may have moved, and at all now and then.
    pub(super) fn watch(&mut self, out: &mut Vec<Command>) {
        let all = self.now >= self.watch.stale || self.now >= self.watch.due;
        self.watch.looked = all;
        if !all && self.funds.postings().is_empty() && self.bookings.is_empty() {
            return;
        }
        if all {
            self.watch.stale = self.now + EVERY;
            self.watch.missed = false;
        }
        let mut moved = false;
        for at in 0..self.watch.rows.len() {
            let target = self.watch.rows[at].target;
            if !all && !self.is_touched(target) {
                continue;
            }
            self.follow(at);
            let row = &self.watch.rows[at];
            let mut ladder = row.ladder;
            let value = self.value_of(row.threshold.metric, target);
            let before = ladder.next(&row.threshold, value, self.now);
            self.watch.rows[at].ladder = ladder;
            if let Some(before) = before {
                moved = true;
                self.note_levels();
                self.step_to(&self.watch.rows[at].clone(), before, value, out);
            }
        }
        if moved || all {
            let due = |row: &Row| {
                let clock = self.clocked(row);
                row.ladder.due(&row.threshold).into_iter().chain(self.until(row)).chain(clock)
            };
            self.watch.due = self.watch.rows.iter().flat_map(due).min().unwrap_or(Time::MAX);
        }
    }

    /// When time alone moves what a row looks at over a bound: a verdict expires, nothing is heard.
    /// Without news nobody would see it.
    fn until(&self, row: &Row) -> Option<Time> {
        if let Target::Several(of, _, at) = row.target {
            let members = self.watch.members.get(at).into_iter().flatten();
            return members.filter_map(|place| self.until_of(row, Target::one(of, *place))).min();
        }
        self.until_of(row, row.target)
    }

    fn until_of(&self, row: &Row, target: Target) -> Option<Time> {
        let since = match target {
            Target::Hedge(hedge) if row.threshold.metric == Metric::Verdict => {
                return self.signals.expires(hedge, self.now);
            }
            Target::Instrument(id) if row.threshold.metric == Metric::DataAge => self.silent(id),
            Target::Account(id) if row.threshold.metric == Metric::Latency => self.unanswered(id),
            Target::Account(_) | Target::Hedge(_) | Target::Instrument(_) | Target::Several(..) => {
                None
            }
        };
        let since = since?;
        let bound = row.threshold.next_bound(i128::from((self.now - since).0))?;
        i64::try_from(bound).ok().map(|bound| since + Span(bound))
    }

    /// Since when no message of a contract's book has come, while it trades.
    fn silent(&self, id: InstrumentId) -> Option<Time> {
        let last = self.books[id].receive();
        let trades = self.instruments[id].phases.at(self.now).phase.takes_orders();
        (trades && last > Time::EARLIEST).then_some(last.min(self.now))
    }

    /// When the oldest order of an account without any answer was sent.
    fn unanswered(&self, account: AccountId) -> Option<Time> {
        let live = self.live.iter().filter_map(|id| self.orders.get(*id));
        let waits = live.filter(|order| order.place.account == account && !order.seen);
        waits.map(|order| order.sent).min()
    }

    /// Whether this event booked something there.
    fn is_touched(&self, target: Target) -> bool {
        match target {
            Target::Account(account) => {
                self.funds.postings().iter().any(|posting| posting.account == account)
            }
            Target::Several(Of::Account, _, at) => self.members(at).iter().any(|place| {
                let posted = |account: AccountId| account.0 == *place;
                self.funds.postings().iter().any(|posting| posted(posting.account))
            }),
            // What a hedge owes and a contract holds changes with what is booked, seldom alone.
            Target::Hedge(_)
            | Target::Instrument(_)
            | Target::Several(Of::Hedge | Of::Instrument, ..) => true,
        }
    }

    pub(super) fn watched(&self, at: usize) -> &Row {
        &self.watch.rows[at]
    }

    /// Gives a ladder other bounds.
    pub(super) fn bind(&mut self, at: usize, bounds: [Option<i128>; BOUNDS]) {
        self.watch.rows[at].threshold.bounds = bounds;
    }

    pub(super) fn members(&self, at: usize) -> &[u16] {
        self.watch.members.get(at).map_or(&[], Vec::as_slice)
    }

    /// The value of several together: a share of sums, a sum, or the worst.
    fn value_of_several(&self, metric: Metric, of: Of, at: usize) -> i128 {
        let members = self.members(at);
        let values = || members.iter().map(|place| self.value_of(metric, Target::one(of, *place)));
        let sum = |of: &dyn Fn(AccountId) -> Money| {
            members.iter().map(|place| of(AccountId(*place))).sum::<Money>()
        };
        let equity = || sum(&|account| self.money(account).equity);
        let margin = || sum(&|account| self.money(account).margin);
        match metric {
            Metric::CapitalUsage => share(margin(), equity()),
            Metric::ProjectedUsage => {
                share(sum(&|account| self.projected_margin(account)), equity())
            }
            Metric::MarginRatio => ratio(equity(), margin()),
            Metric::Orders | Metric::Cancels => {
                let [orders, cancels] = self.conduct.sent_together(members);
                i128::from(if metric == Metric::Orders { orders } else { cancels })
            }
            Metric::Available
            | Metric::Withdrawable
            | Metric::DayLoss
            | Metric::RepairLoss
            | Metric::AttemptLoss
            | Metric::Slippage
            | Metric::Drift
            | Metric::Position
            | Metric::Messages => values().sum(),
            // More than anything is no more beside others.
            Metric::SlippageExpected => {
                values().fold(0, |sum: i128, value| (sum + value).min(BOUND_MAX))
            }
            Metric::Latency | Metric::DataAge | Metric::Verdict | Metric::Residual => {
                values().max().unwrap_or(0)
            }
        }
    }

    fn value_of(&self, metric: Metric, target: Target) -> i128 {
        match target {
            Target::Several(of, _, at) => self.value_of_several(metric, of, at),
            Target::Account(account) => self.value_of_account(metric, account),
            Target::Hedge(hedge) => {
                let plan = self.plan(hedge);
                if metric == Metric::Verdict {
                    self.signals.estimated(hedge, self.now).map_or(0, i128::from)
                } else if metric == Metric::AttemptLoss {
                    self.hedges[hedge].attempt.as_ref().map_or(0, |attempt| attempt.lost.0)
                } else if metric == Metric::RepairLoss {
                    self.conduct.lost_today(hedge).0
                } else if metric == Metric::Slippage {
                    self.conduct.slipped_today(hedge).0
                } else if metric == Metric::SlippageExpected {
                    self.slippage_expected(hedge)
                } else if self.hedges[hedge].is_taken() {
                    // What an attempt works on is judged when it rests.
                    0
                } else {
                    let residual = plan.residual(&self.positions.inventory(hedge));
                    div_ceil(wide(residual, UNIT), i128::from(plan.unit_den))
                }
            }
            Target::Instrument(instrument) => {
                let [orders, cancels] = self.conduct.sent_today(instrument);
                if metric == Metric::Orders {
                    i128::from(orders)
                } else if metric == Metric::Cancels {
                    i128::from(cancels)
                } else if metric == Metric::DataAge {
                    self.silent(instrument).map_or(0, |since| i128::from((self.now - since).0))
                } else {
                    self.lots_everywhere(instrument)
                }
            }
        }
    }

    fn value_of_account(&self, metric: Metric, account: AccountId) -> i128 {
        let view = self.money(account);
        match metric {
            Metric::ProjectedUsage => share(self.projected_margin(account), view.equity),
            Metric::MarginRatio => ratio(view.equity, view.margin),
            Metric::Available => view.available.0,
            Metric::Withdrawable => view.withdrawable.0,
            Metric::DayLoss => -self.funds.day_result(account, view.worth).0,
            Metric::Drift => self.funds.bucket(account, Bucket::Adjustment).0.abs(),
            Metric::Latency => {
                self.unanswered(account).map_or(0, |since| i128::from((self.now - since).0))
            }
            Metric::Messages => i128::from(self.conduct.sent_lately(account, self.now)),
            Metric::CapitalUsage
            | Metric::RepairLoss
            | Metric::Residual
            | Metric::Position
            | Metric::Orders
            | Metric::Cancels
            | Metric::AttemptLoss
            | Metric::DataAge
            | Metric::Slippage
            | Metric::SlippageExpected
            | Metric::Verdict => share(view.margin, view.equity),
        }
    }

    /// The margin of an account if it were settled at the present marks.
    pub(super) fn projected_margin(&self, account: AccountId) -> Money {
        let mark = |id| self.mark(id);
        let positions = self.positions.margin_at(account, mark, &self.settled_instruments());
        let positions = self.offset(account, &self.positions, positions);
        positions + self.openings(account, &self.positions)
    }

    fn lots_everywhere(&self, instrument: InstrumentId) -> i128 {
        let gross = |account| {
            let (long, short) = self.positions.gross(account, instrument);
            i128::from(long.get()) + i128::from(short.get())
        };
        self.config.accounts.ids().map(gross).sum()
    }

    /// The worst level of what concerns each hedge.
    fn note_levels(&mut self) {
        for hedge in self.config.hedges.ids() {
            let of = self.watch.rows.iter().filter(|row| self.concerns_target(row.target, hedge));
            let level = of.map(|row| row.ladder.level).max().unwrap_or_default();
            self.watch.levels[hedge] = level;
        }
    }

    pub(super) fn concerns_target(&self, target: Target, hedge: HedgeId) -> bool {
        let legs = &self.config.hedges[hedge].widest().legs;
        match target {
            Target::Hedge(of) => of == hedge,
            Target::Account(account) => legs.iter().any(|leg| leg.account == account),
            Target::Instrument(instrument) => legs.iter().any(|leg| leg.instrument == instrument),
            Target::Several(of, _, at) => {
                let of = |place: &u16| self.concerns_target(Target::one(of, *place), hedge);
                self.members(at).iter().any(of)
            }
        }
    }

    /// Tells that a ladder has moved, and does what its level asks for.
    fn step_to(&mut self, row: &Row, before: Level, value: i128, out: &mut Vec<Command>) {
        let Row { threshold, target, ladder } = &row;
        let level = ladder.level;
        let rises = level > before;
        let code = if rises { AlertCode::Threshold } else { AlertCode::ThresholdLeft };
        let urgency = match level {
            _ if !rises => Urgency::Info,
            Level::Normal | Level::Warn => Urgency::Warn,
            Level::Restrict | Level::Cancel | Level::Reduce | Level::Halt => Urgency::Alarm,
        };
        let limit = threshold.bound(if rises { level } else { before }).unwrap_or(0);
        let detail = threshold.metric.code() * 8 + level.code();
        let (refusal, subject) = (None, target.subject());
        self.changed = true;
        out.push(Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit }));
        let hedges = self.config.hedges.ids().filter(|id| self.concerns_target(*target, *id));
        let hedges: Vec<HedgeId> = hedges.collect();
        for hedge in &hedges {
            self.touch(*hedge);
        }
        if rises && level >= Level::Cancel {
            self.cancel_entering(&hedges, out);
        }
        if rises {
            self.top_up_of(*target, level, out);
        }
        if rises && level == Level::Halt {
            match *target {
                Target::Account(account) => {
                    self.halt(Scope::Account(account), Cause::Threshold, out);
                }
                Target::Several(Of::Account, _, at) => {
                    for place in self.members(at).to_vec() {
                        self.halt(Scope::Account(AccountId(place)), Cause::Threshold, out);
                    }
                }
                Target::Hedge(_)
                | Target::Instrument(_)
                | Target::Several(Of::Hedge | Of::Instrument, ..) => {
                    for hedge in hedges {
                        self.halt(Scope::Hedge(hedge), Cause::Threshold, out);
                    }
                }
            }
        }
    }

    /// Asks for money of the accounts that a ladder is of.
    fn top_up_of(&mut self, target: Target, level: Level, out: &mut Vec<Command>) {
        match target {
            Target::Account(account) => self.top_up(account, level, out),
            Target::Several(Of::Account, _, at) => {
                for place in self.members(at).to_vec() {
                    self.top_up(AccountId(place), level, out);
                }
            }
            Target::Hedge(_)
            | Target::Instrument(_)
            | Target::Several(Of::Hedge | Of::Instrument, ..) => {}
        }
    }

    /// Cancels what enters; what gives back, mends or follows a leg that traded is left to work.
    pub(super) fn cancel_entering(&mut self, hedges: &[HedgeId], out: &mut Vec<Command>) {
        let enters = |id: &&ClientOrderId| {
            self.orders.get(**id).is_some_and(|order| {
                let place = &order.place;
                place.kind == Kind::Enter
                    && matches!(place.purpose, Purpose::Work | Purpose::Quote)
                    && hedges.contains(&place.hedge)
            })
        };
        let orders: Vec<ClientOrderId> = self.live.iter().filter(enters).copied().collect();
        for order in orders {
            self.cancel(order, out);
        }
    }

    /// Whether a hedge is to give sets back now: of those that a ladder at REDUCE concerns, the one
    /// of the last priority that holds any and whose markets take orders; where none do, the last.
    pub(super) fn is_reduced(&self, hedge: HedgeId) -> bool {
        if self.watch.levels[hedge] < Level::Reduce {
            return false;
        }
        self.watch.rows.iter().filter(|row| row.ladder.level >= Level::Reduce).any(|row| {
            let holds =
                |id: &HedgeId| self.hedges[*id].sets != 0 && self.concerns_target(row.target, *id);
            let all = || self.config.hedges.ids().filter(holds);
            let able = all().filter(|id| self.could_give_back(*id)).last();
            able.or_else(|| all().last()) == Some(hedge)
        })
    }

    /// Whether orders on all legs of a hedge could leave, books aside.
    fn could_give_back(&self, hedge: HedgeId) -> bool {
        self.plan(hedge).legs.iter().filter(|leg| leg.lots.num() != 0).all(|leg| {
            let phase = self.instruments[leg.instrument].phases.at(self.now).phase;
            phase.takes_orders() && !self.is_halted(hedge, leg.account, Kind::Reduce)
        })
    }

    /// Ladders for another policy, in the same step.
    pub(super) fn rewatch(&mut self) {
        let mut watch = Watch::new(&self.policy, &self.config);
        watch.succeed(&self.watch);
        self.watch = watch;
        self.note_levels();
    }
}

/// `equity / margin` in 10⁻⁹; without positions there is nothing that equity could be too little for.
fn ratio(equity: Money, margin: Money) -> i128 {
    if margin > Money::ZERO { equity.0 * MONEY_UNIT / margin.0 } else { i128::MAX >> 8 }
}

/// [`MONEY_UNIT`], short.
const UNIT: i64 = 1_000_000_000;

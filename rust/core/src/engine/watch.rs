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
use crate::funds::Bucket;
use crate::gate::Policy;
use crate::ids::{AccountId, ClientOrderId, HedgeId, Id, InstrumentId, Table};
use crate::num::{MONEY_UNIT, Money, div_ceil, wide};
use crate::quote::{Kind, Purpose};
use crate::threshold::{Ladder, Level, Metric, Of, Threshold, share};
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
}

impl Target {
    fn subject(self) -> Subject {
        match self {
            Target::Account(account) => Subject::Account(account),
            Target::Hedge(hedge) => Subject::Hedge(hedge),
            Target::Instrument(instrument) => Subject::Instrument(instrument),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    threshold: Threshold,
    target: Target,
    ladder: Ladder,
}

/// The ladders of the policy.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    rows: Vec<Row>,
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
    /// Whether anybody asks what orders were decided on.
    pub(super) looks_at_slippage: bool,
}

impl Watch {
    pub(super) fn new(policy: &Policy, sizes: [usize; 3]) -> Watch {
        let [accounts, hedges, instruments] = sizes;
        let mut rows = Vec::new();
        for threshold in &policy.thresholds {
            let count = match threshold.metric.of() {
                Of::Account => accounts,
                Of::Hedge => hedges,
                Of::Instrument => instruments,
            };
            let metric = threshold.metric;
            // What is named is named by one; the others are for each that none names.
            let is_named = |place: usize| {
                let of = |other: &&Threshold| other.metric == metric;
                let place = u16::try_from(place).ok();
                policy.thresholds.iter().filter(of).any(|other| other.subject == place)
            };
            for place in 0..count {
                let is_own = match threshold.subject {
                    Some(subject) => usize::from(subject) == place,
                    None => !is_named(place),
                };
                if is_own {
                    let target = match metric.of() {
                        Of::Account => Target::Account(Id::at(place)),
                        Of::Hedge => Target::Hedge(Id::at(place)),
                        Of::Instrument => Target::Instrument(Id::at(place)),
                    };
                    let ladder = Ladder::default();
                    rows.push(Row { threshold: *threshold, target, ladder });
                }
            }
        }
        let stale = if rows.is_empty() { Time::MAX } else { Time::EARLIEST };
        let levels = Table::new(vec![Level::Normal; hedges]);
        let of = |metric| rows.iter().filter(move |row| row.threshold.metric == metric);
        let waits = of(Metric::Latency).filter_map(|row| row.threshold.next_bound(0));
        let waits = waits.filter_map(|bound| i64::try_from(bound).ok()).map(Span);
        let patience = of(Metric::Messages).map(|_| Span(1)).chain(waits).min();
        let looks_at_slippage = of(Metric::Slippage).next().is_some();
        Watch { rows, levels, stale, due: Time::MAX, missed: false, patience, looks_at_slippage }
    }

    /// Takes over where the ladders of an earlier policy stood.
    pub(super) fn succeed(&mut self, before: &Watch) {
        for row in &mut self.rows {
            let same = |old: &&Row| {
                (old.threshold.metric, old.target) == (row.threshold.metric, row.target)
            };
            if let Some(old) = before.rows.iter().find(same) {
                row.ladder = old.ladder;
            }
        }
        self.levels = before.levels.clone();
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
        if !self.rows.is_empty() {
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
        if !all && self.funds.postings().is_empty() && self.bookings.is_empty() {
            return;
        }
        if all {
            self.watch.stale = self.now + EVERY;
            self.watch.missed = false;
        }
        let mut moved = false;
        for at in 0..self.watch.rows.len() {
            let Row { threshold, target, mut ladder } = self.watch.rows[at];
            if !all && !self.is_touched(target) {
                continue;
            }
            let value = self.value_of(threshold.metric, target);
            let before = ladder.next(&threshold, value, self.now);
            self.watch.rows[at].ladder = ladder;
            if let Some(before) = before {
                moved = true;
                self.note_levels();
                self.step_to(&self.watch.rows[at].clone(), before, value, out);
            }
        }
        if moved || all {
            let due = |row: &Row| row.ladder.due(&row.threshold).into_iter().chain(self.until(row));
            self.watch.due = self.watch.rows.iter().flat_map(due).min().unwrap_or(Time::MAX);
        }
    }

    /// When time alone moves what a row looks at over a bound: a verdict expires, nothing is heard.
    /// Without news nobody would see it.
    fn until(&self, row: &Row) -> Option<Time> {
        let since = match row.target {
            Target::Hedge(hedge) if row.threshold.metric == Metric::Verdict => {
                return self.signals.expires(hedge, self.now);
            }
            Target::Instrument(id) if row.threshold.metric == Metric::DataAge => self.silent(id),
            Target::Account(id) if row.threshold.metric == Metric::Latency => self.unanswered(id),
            Target::Account(_) | Target::Hedge(_) | Target::Instrument(_) => None,
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
            // What a hedge owes and a contract holds changes with what is booked, seldom alone.
            Target::Hedge(_) | Target::Instrument(_) => true,
        }
    }

    fn value_of(&self, metric: Metric, target: Target) -> i128 {
        match target {
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
            Metric::MarginRatio if view.margin > Money::ZERO => {
                view.equity.0 * MONEY_UNIT / view.margin.0
            }
            // Without positions there is nothing that equity could be too little for.
            Metric::MarginRatio => i128::MAX >> 8,
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
        }
    }

    /// Tells that a ladder has moved, and does what its level asks for.
    fn step_to(&mut self, row: &Row, before: Level, value: i128, out: &mut Vec<Command>) {
        let Row { threshold, target, ladder } = row;
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
        if let (true, Target::Account(account)) = (rises, *target) {
            self.top_up(account, level, out);
        }
        if rises && level == Level::Halt {
            match *target {
                Target::Account(account) => {
                    self.halt(Scope::Account(account), Cause::Threshold, out);
                }
                Target::Hedge(hedge) => self.halt(Scope::Hedge(hedge), Cause::Threshold, out),
                Target::Instrument(_) => {
                    for hedge in hedges {
                        self.halt(Scope::Hedge(hedge), Cause::Threshold, out);
                    }
                }
            }
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
        let config = &self.config;
        let sizes = [config.accounts.len(), config.hedges.len(), config.instruments.len()];
        let mut watch = Watch::new(&self.policy, sizes);
        watch.succeed(&self.watch);
        self.watch = watch;
        self.note_levels();
    }
}

/// [`MONEY_UNIT`], short.
const UNIT: i64 = 1_000_000_000;

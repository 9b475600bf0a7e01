//! A journal told step by step, and what other thresholds would have seen and done at each.

use std::path::PathBuf;

use cross_market_core::command::{AlertCode, Command};
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::error::Error;
use cross_market_core::event::{Control, Event, LinkTo, Verb};
use cross_market_core::gate::Policy;
use cross_market_core::ids::Note;
use cross_market_core::order::{Answer, Found, News, VenueStatus};
use cross_market_core::record::{Body, Record};
use cross_market_core::threshold::Threshold;
use cross_market_core::time::Time;
use cross_market_journal::{Ending, JournalError, Reader};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::commands::list;
use crate::error::{door, guarded, internal, journal};
use crate::names::Directory;

/// Who speaks where thresholds are tried.
const ACTOR: &str = "dry run";

/// An engine that takes a journal's events while it only tells what its thresholds see.
struct Watcher {
    engine: Engine,
    thresholds: Vec<Threshold>,
    /// The limits that hold now in the journal.
    policy: Policy,
    commands: Vec<Command>,
    /// When it first wanted something else than the journal.
    parted: Option<Time>,
}

impl Watcher {
    fn new(config: &Config, start: Time, thresholds: Vec<Threshold>) -> Result<Watcher, Error> {
        let mut config = config.clone();
        config.policy.thresholds.clone_from(&thresholds);
        let engine = Engine::new(&config, start)?;
        let policy = config.policy;
        Ok(Watcher { engine, thresholds, policy, commands: Vec::new(), parted: None })
    }

    /// Takes one event, and compares what it asks for with what the journal says.
    fn handle(&mut self, now: Time, event: &Event, recorded: &[Command]) {
        self.commands.clear();
        let replaced = replaced(event);
        if let Some((_, policy)) = replaced {
            self.policy = policy.clone();
        }
        let handled = match replaced {
            Some((actor, _)) => {
                let event = self.with(actor.clone(), &self.thresholds);
                self.engine.handle(now, &event, &mut self.commands)
            }
            None => self.engine.handle(now, event, &mut self.commands),
        };
        self.compare(now, handled.is_ok(), recorded);
    }

    fn restart(&mut self, now: Time, run: u16, recorded: &[Command]) {
        self.commands.clear();
        let handled = self.engine.restart(now, run, &mut self.commands);
        self.compare(now, handled.is_ok(), recorded);
    }

    fn compare(&mut self, now: Time, is_taken: bool, recorded: &[Command]) {
        let acts = |command: &&Command| !matches!(command, Command::Alert(_));
        let own = self.commands.iter().filter(acts);
        if !is_taken || !own.eq(recorded.iter().filter(acts)) {
            self.parted.get_or_insert(now);
        }
    }

    /// The present limits with these thresholds, as an event.
    fn with(&self, actor: Note, thresholds: &[Threshold]) -> Event {
        let mut policy = self.policy.clone();
        policy.thresholds = thresholds.to_vec();
        Event::Control(Box::new(Control { actor, verb: Verb::Policy(Box::new(policy)) }))
    }

    /// Whether a ladder moved in the last turn, and whether one has climbed.
    fn moved(&self) -> (bool, bool) {
        let told = |code| {
            let is = |command: &Command| matches!(command, Command::Alert(it) if it.code == code);
            self.commands.iter().any(is)
        };
        let climbed = told(AlertCode::Threshold);
        (climbed || told(AlertCode::ThresholdLeft), climbed)
    }

    /// What the engine would have asked for in this state, had these thresholds come into force.
    fn asked(&self, now: Time, actor: Note, thresholds: &[Threshold]) -> Vec<Command> {
        let mut said = Vec::new();
        let mut engine = self.engine.clone();
        // What the door refuses of it, it would have refused then.
        let _ = engine.handle(now, &self.with(actor, thresholds), &mut said);
        said
    }
}

/// Who is told, and in which words.
struct Listener<'a, 'py> {
    each: &'a Bound<'py, PyAny>,
    names: Directory,
    watchers: Vec<Watcher>,
    asked: Vec<Threshold>,
    actor: Note,
}

impl Listener<'_, '_> {
    /// Tells of a step; `event` is `None` for a restart.
    fn step(
        &self,
        (seq, now): (u64, Time),
        event: Option<&Event>,
        recorded: &[Command],
    ) -> PyResult<()> {
        let py = self.each.py();
        let told = PyList::empty(py);
        for (at, watcher) in self.watchers.iter().enumerate() {
            let (moved, climbed) = watcher.moved();
            if !moved {
                continue;
            }
            let said = if climbed {
                let asked = || watcher.asked(now, self.actor.clone(), &self.asked);
                guarded(asked).map_err(|invariant| internal(py, &invariant))?
            } else {
                Vec::new()
            };
            let own = list(py, &watcher.commands, &self.names)?;
            told.append((at, own, list(py, &said, &self.names)?))?;
        }
        let news = event.and_then(news);
        if recorded.is_empty() && news.is_none() && told.is_empty() {
            return Ok(());
        }
        let (kind, of, exchange) = event.map_or_else(
            || ("restart", String::new(), Time::EARLIEST),
            |event| cause(event, &self.names),
        );
        let commands = list(py, recorded, &self.names)?;
        self.each.call1((seq, now.0, exchange.0, (kind, of), news, commands, told))?;
        Ok(())
    }

    fn record(&mut self, record: &Record) -> PyResult<()> {
        let py = self.each.py();
        let turned = |invariant: String| internal(py, &invariant);
        match record {
            Record::Decision(decision) => {
                let (now, event, commands) = (decision.now, &decision.event, &decision.commands);
                let watchers = &mut self.watchers;
                let turn = || watchers.iter_mut().for_each(|it| it.handle(now, event, commands));
                guarded(turn).map_err(turned)?;
                self.step((decision.seq, now), Some(event), commands)
            }
            Record::Market(frame) if !self.watchers.is_empty() => {
                let Body::Inline(rows) = &frame.body else {
                    let Body::Reference { sha256, first, .. } = &frame.body else { return Ok(()) };
                    let error = JournalError::NoSource { sha256: *sha256, row: *first };
                    return Err(journal(py, "steps", None, &error));
                };
                for (row, seq) in rows.iter().zip(frame.seq..) {
                    let event = Event::Book(row.change);
                    let watchers = &mut self.watchers;
                    let turn =
                        || watchers.iter_mut().for_each(|it| it.handle(row.now, &event, &[]));
                    guarded(turn).map_err(turned)?;
                    self.step((seq, row.now), Some(&event), &[])?;
                }
                Ok(())
            }
            Record::Restart(restart) => {
                let (now, run, commands) = (restart.now, restart.run, &restart.commands);
                let watchers = &mut self.watchers;
                let turn = || watchers.iter_mut().for_each(|it| it.restart(now, run, commands));
                guarded(turn).map_err(turned)?;
                self.step((restart.seq, now), None, commands)
            }
            Record::Market(_)
            | Record::Header(_)
            | Record::Checkpoint(_)
            | Record::Cut(_)
            | Record::Unapplied(_)
            | Record::Poison(_) => Ok(()),
        }
    }
}

/// Who replaces the limits in an event, and what by.
fn replaced(event: &Event) -> Option<(&Note, &Policy)> {
    let Event::Control(control) = event else { return None };
    let Verb::Policy(policy) = &control.verb else { return None };
    Some((&control.actor, policy))
}

/// What an event is, of what, and when the venue said so; the earliest time where nobody did.
fn cause(event: &Event, names: &Directory) -> (&'static str, String, Time) {
    let account = |id| names.accounts.name(id).to_owned();
    let instrument = |id| names.instruments.name(id).to_owned();
    match event {
        Event::Book(it) => ("book", instrument(it.instrument), it.exchange),
        Event::Link(it) => {
            let of = match it.to {
                LinkTo::Trading(id) => account(id),
                LinkTo::Feed(id) => instrument(id),
            };
            ("link", of, Time::EARLIEST)
        }
        Event::Report(it) => ("report", account(it.account), it.exchange),
        Event::Answer(it) => ("answer", account(it.account), it.exchange),
        Event::Cash(it) => ("cash", account(it.account), it.exchange),
        Event::Position(it) => ("position", account(it.account), it.exchange),
        Event::Settle(it) => ("settle", instrument(it.instrument), it.exchange),
        Event::Reference(it) => ("reference", instrument(it.instrument), it.exchange),
        Event::Estimate(it) => ("estimate", names.hedges.name(it.hedge).to_owned(), Time::EARLIEST),
        Event::Clock(_) => ("clock", String::new(), Time::EARLIEST),
        Event::Tick => ("tick", String::new(), Time::EARLIEST),
        Event::Control(it) => ("control", it.actor.as_str().to_owned(), Time::EARLIEST),
    }
}

/// An order's news: its id, 'fill' with the execution's id, or 'ended', and lots.
type OrderNews = (u64, &'static str, String, i64);

fn news(event: &Event) -> Option<OrderNews> {
    let ended = |order: u64, lots| Some((order, "ended", String::new(), lots));
    match event {
        Event::Report(report) => {
            let order = report.order?.0;
            match &report.news {
                News::Fill(fill) => {
                    let trade = fill.trade_id.as_str().to_owned();
                    Some((order, "fill", trade, fill.qty.get()))
                }
                News::Rejected { .. } => ended(order, 0),
                News::Cancelled { cum } | News::Expired { cum } => ended(order, cum.get()),
                News::Status { status, cum } if *status != VenueStatus::Working => {
                    ended(order, cum.get())
                }
                News::Accepted
                | News::CancelRejected { .. }
                | News::Status { .. }
                | News::Bust { .. }
                | News::Correct { .. }
                | News::Fee { .. } => None,
            }
        }
        Event::Answer(answer) => found(answer).and_then(|lots| ended(answer.order.0, lots)),
        Event::Control(control) => {
            let Verb::Override { order, cum, .. } = &control.verb else { return None };
            ended(order.0, cum.get())
        }
        Event::Book(_)
        | Event::Link(_)
        | Event::Cash(_)
        | Event::Position(_)
        | Event::Settle(_)
        | Event::Reference(_)
        | Event::Estimate(_)
        | Event::Clock(_)
        | Event::Tick => None,
    }
}

/// The lots of an order that an answer proves to be done.
fn found(answer: &Answer) -> Option<i64> {
    match answer.found {
        Found::Order { status: VenueStatus::Working, .. } | Found::Inconclusive => None,
        Found::Order { cum, .. } => Some(cum.get()),
        Found::ProvenAbsent => Some(0),
    }
}

/// Tell of every step of a journal that asked for something or brought news of an order.
///
/// path: path – the journal's file.
/// each: function of (seq, now, exchange, cause, news, commands, told) – called for each of them.
/// watched: list of configurations' bytes – their thresholds are watched beside the journal; what
///     they tell is in `told`, with what those of `asked` would have asked for where one climbs.
/// asked: configuration's bytes – None without `watched`.
/// Returns when each of `watched` first wanted something else than the journal, None for never.
/// Raises `JournalError` for a journal that cannot be read, `ConfigError` for another configuration.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands over owned values")]
#[pyo3(signature = (path, each, *, watched=Vec::new(), asked=None))]
pub(crate) fn steps(
    path: PathBuf,
    each: &Bound<'_, PyAny>,
    watched: Vec<Vec<u8>>,
    asked: Option<Vec<u8>>,
) -> PyResult<Vec<Option<i64>>> {
    let py = each.py();
    let failed = |error: JournalError| journal(py, "steps", Some(&path), &error);
    let refused = |error: Error| door(py, "steps", &error);
    let mut reader = Reader::open(&path).map_err(failed)?;
    let id = &reader.header().id;
    let (start, run) = (id.start, id.run);
    let mut config = Config::from_json(&reader.header().config).map_err(refused)?;
    config.run = run;
    let thresholds = |bytes: &Vec<u8>| config.policy_of(bytes).map(|policy| policy.thresholds);
    let asked = asked.iter().map(thresholds).next().transpose().map_err(refused)?;
    let own = watched.iter().map(thresholds).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let made = || own.into_iter().map(|of| Watcher::new(&config, start, of)).collect();
    let made: Result<Vec<Watcher>, Error> =
        guarded(made).map_err(|invariant| internal(py, &invariant))?;
    let actor = Note::new(ACTOR).map_err(|_| internal(py, "no note"))?;
    let mut listener = Listener {
        each,
        names: Directory::new(&config),
        watchers: made.map_err(refused)?,
        asked: asked.unwrap_or_default(),
        actor,
    };
    while let Some(entry) = reader.next().map_err(failed)? {
        py.check_signals()?;
        listener.record(&entry.record)?;
    }
    if let Some(Ending::Damaged(damage)) = reader.ending() {
        return Err(failed(JournalError::Damaged(*damage)));
    }
    Ok(listener.watchers.iter().map(|of| of.parted.map(|at| at.0)).collect())
}

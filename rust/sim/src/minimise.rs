//! A failing run made small: fewer classes of faults, a shorter run, and, where a rule needs no
//! more than events and commands, as few events as still break it.
//!
//! The events that an engine was given are given to a fresh one, without those that are not needed;
//! its timers fire when they are due. What is true at the venues is not known there, so that a rule
//! of the quiet phase is shown by the smallest plan alone: seed, classes and duration.

use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::event::Event;
use cross_market_core::time::Time;

use crate::check::{Checker, as_events_tell};
use crate::fault::Fault;
use crate::swarm::{Driven, with_probe};

/// What an engine was given.
#[derive(Clone, Debug)]
pub enum Given {
    /// An event.
    Event(Event),
    /// A restart as this run.
    Restart(u16),
}

/// When an engine was given what.
pub type Recorded = (Time, Given);

/// Most ticks between two events: what does not come to rest by then, never will.
const TICKS_MAX: u32 = 10_000;

/// The first rule that a fresh engine breaks on these events; `None` where it keeps them all.
pub fn replay<T: Driven>(
    config: &Config,
    events: &[Recorded],
    mut engine: T,
) -> Option<(usize, &'static str)> {
    let mut checker = Checker::new(config);
    let mut out = Vec::new();
    for (at, (now, given)) in events.iter().enumerate() {
        for _ in 0..TICKS_MAX {
            let Some(due) = engine.deadline().filter(|due| due < now) else { break };
            turn(&mut checker, &mut engine, due, &Given::Event(Event::Tick), &mut out);
        }
        turn(&mut checker, &mut engine, *now, given, &mut out);
        if let Some(first) = checker.violations().first() {
            return Some((at, first.rule));
        }
    }
    None
}

fn turn<T: Driven>(
    checker: &mut Checker,
    engine: &mut T,
    now: Time,
    given: &Given,
    out: &mut Vec<Command>,
) {
    out.clear();
    match given {
        // Its timers fire by themselves.
        Given::Event(event) => match engine.handle(now, event, out) {
            Ok(_) => {
                checker.step(now, event, out);
                if crate::world::is_of_money(event) {
                    let found = with_probe(engine, |probe| as_events_tell(checker, probe));
                    for (rule, what) in found {
                        checker.broken(now, rule, what);
                    }
                }
            }
            Err(problem) => checker.refused(now, event, &problem, out),
        },
        Given::Restart(run) => {
            engine.restart(now, *run, out);
            checker.restarted(now, out);
        }
    }
}

/// As few items as still fail, in their order: parts are left out, ever smaller ones, as long as
/// what is left fails.
pub fn fewest<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = items.to_vec();
    let mut part = left.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        let before = left.len();
        while at < left.len() {
            let end = (at + part).min(left.len());
            let rest: Vec<T> = left.iter().take(at).chain(left.iter().skip(end)).cloned().collect();
            if fails(&rest) {
                left = rest;
            } else {
                at = end;
            }
        }
        part = match (part, left.len() < before) {
            (1, true) => 1,
            (1, false) => 0,
            (_, _) => part.div_ceil(2),
        };
    }
    left
}

/// What is left of a failing run.
#[derive(Clone, Debug)]
pub struct Small {
    /// The rule that it breaks.
    pub rule: &'static str,
    /// The classes that this takes.
    pub classes: Vec<Fault>,
    /// How much of the run's duration, in 64ths.
    pub part: i64,
    /// The events that break the rule in a fresh engine; none where that takes the venues' truth.
    pub events: Vec<Recorded>,
}

impl Small {
    /// Seed, rule, classes and duration as text.
    #[must_use]
    pub fn plan(&self, seed: u64) -> String {
        let classes: Vec<String> =
            self.classes.iter().map(|of| format!("F{} {}", of.number(), of.name())).collect();
        format!(
            "seed {seed}\nrule {}\nclasses {}\nduration {}/64\nevents {}\n",
            self.rule,
            classes.join(", "),
            self.part,
            self.events.len()
        )
    }
}

/// Makes the events small that break `rule`: first without ticks, then without all that is not
/// needed. Nothing is left where a fresh engine does not break it.
pub fn fewest_events<T: Driven>(
    config: &Config,
    rule: &'static str,
    events: &[Recorded],
    make: impl Fn() -> Option<T>,
) -> Vec<Recorded> {
    let is_tick = |given: &Given| matches!(given, Given::Event(Event::Tick));
    let calm: Vec<Recorded> = events.iter().filter(|(_, given)| !is_tick(given)).cloned().collect();
    let fails = |events: &[Recorded]| {
        let found = make().and_then(|engine| replay(config, events, engine));
        found.is_some_and(|(_, broken)| broken == rule)
    };
    // A tick may be what breaks it; then it stays.
    let from = if fails(&calm) { calm } else { events.to_vec() };
    if !fails(&from) {
        return Vec::new();
    }
    let end = make().and_then(|engine| replay(config, &from, engine)).map_or(0, |(at, _)| at + 1);
    let from: Vec<Recorded> = from.into_iter().take(end).collect();
    fewest(&from, fails)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_are_found_wherever_they_stand() {
        let all: Vec<u32> = (0..100).collect();
        let check = |needed: &[u32]| {
            let found = fewest(&all, |some| needed.iter().all(|of| some.contains(of)));
            assert_eq!(found, needed);
        };
        check(&[]);
        check(&[0]);
        check(&[99]);
        check(&[3, 50, 51, 98]);
    }
}

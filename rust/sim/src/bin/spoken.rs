//! Says what the engine was given in many runs, in Python's words, and how it ended each of them.
//!
//! `spoken --seeds N [--from S]` prints, for each of N seeds whose configuration a document can
//! state: `config SEED START TEXT`; then for each event `at NOW EXPRESSION`, for each new run
//! `restart NOW RUN`; and `end DIGEST COMMANDS REFUSED`, the state digest, how many commands there
//! were and how many events were refused.
#![allow(clippy::print_stdout, reason = "a program that prints its findings")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::event::{Control, Event, Verb};
use cross_market_sim::document::document;
use cross_market_sim::draw::{START, plan};
use cross_market_sim::minimise::Given;
use cross_market_sim::spoken::expression;
use cross_market_sim::swarm::{Options, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    let Some(seeds) = number("--seeds") else {
        eprintln!("usage: spoken --seeds N [--from S]");
        return ExitCode::from(2);
    };
    std::panic::set_hook(Box::new(|_| {}));
    let (mut told, mut seed) = (0, number("--from").unwrap_or(0));
    let mut out = std::io::stdout().lock();
    while told < seeds {
        if let Some(text) = said(seed) {
            if let Err(problem) = out.write_all(text.as_bytes()) {
                eprintln!("{problem}");
                return ExitCode::from(3);
            }
            told += 1;
        }
        seed += 1;
    }
    ExitCode::SUCCESS
}

/// One run; `None` where no document states its configuration, or Python has no words for an event.
fn said(seed: u64) -> Option<String> {
    let options = Options { restarts: true, records: true, ..Options::default() };
    let make = |config: &Config, start| Engine::new(config, start).map_err(|why| why.to_string());
    let given = run(seed, &options, make).given;
    let drawn = plan(seed, &[]).config;
    let stated = document(&drawn, &drawn.policy).ok()?;
    let read = Config::from_json(stated.as_bytes()).ok()?;
    let mut engine = Engine::new(&read, START).ok()?;
    let mut text = format!("config {seed} {} {stated}\n", START.0);
    let (mut out, mut commands, mut refused) = (Vec::new(), 0, 0);
    for (now, what) in &given {
        out.clear();
        match what {
            Given::Event(event) => {
                let event = in_scale(&drawn, &read, event)?;
                let _ = writeln!(text, "at {} {}", now.0, expression(&read, &event)?);
                refused += u64::from(engine.handle(*now, &event, &mut out).is_err());
            }
            Given::Restart(number) => {
                let _ = writeln!(text, "restart {} {number}", now.0);
                refused += u64::from(engine.restart(*now, *number, &mut out).is_err());
            }
        }
        commands += out.len();
    }
    let digest: String = engine.digest().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let _ = writeln!(text, "end {digest} {commands} {refused}");
    Some(text)
}

/// Limits count in the units of the configuration that they were made for.
fn in_scale(drawn: &Config, read: &Config, event: &Event) -> Option<Event> {
    if let Event::Control(control) = event
        && let Verb::Policy(policy) = &control.verb
    {
        let text = document(drawn, policy).ok()?;
        let policy = read.policy_of(text.as_bytes()).ok()?;
        let verb = Verb::Policy(Box::new(policy));
        return Some(Event::Control(Box::new(Control { actor: control.actor.clone(), verb })));
    }
    Some(event.clone())
}

//! Runs seeds against the engine and prints what came of them; exit code 1 when a rule was broken,
//! or when a class of faults never fired in so many runs that it should have.
//!
//! `campaign --seeds N [--from S] [--threads T] [--digest] [--atlas FILE] [--verbose SEED]`, or
//! `campaign --seed N --minimise DIR`: the smallest run, and the fewest events as a story with its
//! configuration, in DIR
#![allow(clippy::print_stdout, reason = "a program that prints its findings")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use cross_market_core::command::AlertCode;
use cross_market_core::engine::Engine;
use cross_market_core::gate::Refusal;
use cross_market_core::quote::Kind;
use cross_market_core::record::Code;
use cross_market_core::time::Span;
use cross_market_sim::atlas::Atlas;
use cross_market_sim::document::document;
use cross_market_sim::draw::{START, plan};
use cross_market_sim::fault::{Fault, FaultCounts};
use cross_market_sim::outcome::{AlertRow, ENDS, refusal_code};
use cross_market_sim::random::mix;
use cross_market_sim::swarm::{Options, Run, minimise, run, shrink};
use cross_market_sim::tale::story;

/// In so many runs every class of faults fires.
const ALL_FIRE: u64 = 20_000;

struct Arguments {
    seeds: u64,
    from: u64,
    threads: u64,
    digest: bool,
    verbose: Option<u64>,
    atlas: Option<String>,
    seed: Option<u64>,
    minimise: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}");
            eprintln!(
                "usage: campaign --seeds N [--from S] [--threads T] [--digest] [--atlas FILE] \
                 [--verbose SEED]\n   or: campaign --seed N --minimise DIR"
            );
            return ExitCode::from(2);
        }
    };
    if let (Some(seed), Some(folder)) = (arguments.seed, &arguments.minimise) {
        return small(seed, folder);
    }
    if let Some(seed) = arguments.verbose {
        return tell(seed);
    }
    campaign(&arguments)
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut found = Arguments {
        seeds: 1_000,
        from: 0,
        threads: 2,
        digest: false,
        verbose: None,
        atlas: None,
        seed: None,
        minimise: None,
    };
    while let Some(word) = words.next() {
        if word == "--atlas" {
            found.atlas = Some(words.next().ok_or("--atlas needs a file")?);
            continue;
        }
        if word == "--minimise" {
            found.minimise = Some(words.next().ok_or("--minimise needs a folder")?);
            continue;
        }
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{word}: {value:?} is not a whole number"))
        };
        match word.as_str() {
            "--seeds" => found.seeds = number()?,
            "--from" => found.from = number()?,
            "--threads" => found.threads = number()?.clamp(1, 64),
            "--seed" => found.seed = Some(number()?),
            "--verbose" => found.verbose = Some(number()?),
            "--digest" => found.digest = true,
            other => return Err(format!("{other:?} is not known")),
        }
    }
    Ok(found)
}

fn one(seed: u64, options: &Options) -> Run {
    run(seed, options, |config, start| {
        Engine::new(config, start).map_err(|problem| problem.to_string())
    })
}

/// What many runs came to.
#[derive(Default)]
struct Totals {
    runs: u64,
    events: u64,
    orders: u64,
    fills: u64,
    errors: u64,
    crossings: u64,
    violations: u64,
    ends: [u64; 5],
    kinds: BTreeMap<u8, [u64; 5]>,
    refusals: BTreeMap<u8, u64>,
    faults: FaultCounts,
    atlas: Atlas,
    digest: u64,
    handled: Vec<Span>,
    unhandled: u64,
    broken: Vec<(u64, &'static str, String)>,
}

impl Totals {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.events += run.outcome.events;
        self.errors += run.outcome.errors;
        let crossed = |row: &&AlertRow| row.code == AlertCode::Crossed.code();
        // Each is told by both hedges.
        self.crossings += count(run.outcome.alerts.iter().filter(crossed).count() / 2);
        self.orders += count(run.outcome.orders.len());
        self.fills += count(run.outcome.fills.len());
        self.violations += count(run.violations.len());
        for attempt in &run.outcome.attempts {
            let end = usize::from(attempt.end.unwrap_or(4)).min(4);
            let by_kind = self.kinds.entry(attempt.kind).or_default();
            for counts in [&mut self.ends, by_kind] {
                if let Some(count) = counts.get_mut(end) {
                    *count += 1;
                }
            }
        }
        for refusal in &run.outcome.refusals {
            *self.refusals.entry(refusal.refusal).or_default() += refusal.count;
        }
        self.faults.add(&run.faults);
        self.atlas.add(&run.cells);
        // A sum does not depend on which thread ran which seed.
        self.digest = self.digest.wrapping_add(mix(run.seed ^ run.digest.rotate_left(32)));
        self.handled.extend(&run.handled);
        self.unhandled += count(run.unhandled);
        if let Some(first) = run.violations.first() {
            self.broken.push((run.seed, first.rule, first.found.clone()));
        }
    }

    fn merge(&mut self, other: Totals) {
        self.runs += other.runs;
        self.events += other.events;
        self.errors += other.errors;
        self.crossings += other.crossings;
        self.orders += other.orders;
        self.fills += other.fills;
        self.violations += other.violations;
        for (mine, theirs) in self.ends.iter_mut().zip(other.ends) {
            *mine += theirs;
        }
        for (kind, ends) in other.kinds {
            let mine = self.kinds.entry(kind).or_default();
            for (mine, theirs) in mine.iter_mut().zip(ends) {
                *mine += theirs;
            }
        }
        for (refusal, count) in other.refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
        self.faults.add(&other.faults);
        self.atlas.merge(&other.atlas);
        self.digest = self.digest.wrapping_add(other.digest);
        self.handled.extend(other.handled);
        self.unhandled += other.unhandled;
        self.broken.extend(other.broken);
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn campaign(arguments: &Arguments) -> ExitCode {
    // Panics are caught and told as broken rules; their own printing would bury the rest.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let workers: Vec<_> = (0..arguments.threads)
        .map(|worker| {
            let (from, seeds, threads) = (arguments.from, arguments.seeds, arguments.threads);
            std::thread::spawn(move || {
                let mut totals = Totals::default();
                let options = Options { restarts: true, ..Options::default() };
                let mut seed = from + worker;
                while seed < from + seeds {
                    totals.add(&one(seed, &options));
                    seed += threads;
                }
                totals
            })
        })
        .collect();
    let mut totals = Totals::default();
    for worker in workers {
        let Ok(part) = worker.join() else {
            eprintln!("a worker of the campaign died");
            return ExitCode::from(3);
        };
        totals.merge(part);
    }
    totals.broken.sort();
    print(&totals, begun.elapsed().as_millis(), arguments.digest);
    if let Some(file) = &arguments.atlas
        && let Err(problem) = std::fs::write(file, totals.atlas.table())
    {
        eprintln!("{file}: {problem}");
        return ExitCode::from(3);
    }
    let wrong = totals.atlas.verdict().2;
    let silent = totals.faults.iter().any(|(_, count)| count == 0) && totals.runs >= ALL_FIRE;
    if totals.violations > 0 || silent || !wrong.is_empty() {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn print(totals: &Totals, millis: u128, digest: bool) {
    println!("{:<14} {}", "kind", ENDS.join("  "));
    for kind in Kind::ALL {
        let [a, b, c, d, _] = totals.kinds.get(&kind.code()).copied().unwrap_or_default();
        println!("{:<14} {a:>9}  {b:>7}  {c:>12}  {d:>13}", kind.name());
    }
    println!("\nfaults fired");
    for (fault, count) in totals.faults.iter() {
        println!("  F{:<4} {:<18} {count}", fault.number(), fault.name());
    }
    let silent: Vec<&str> =
        totals.faults.iter().filter(|(_, n)| *n == 0).map(|(f, _)| f.name()).collect();
    if !silent.is_empty() {
        println!("  never: {}", silent.join(" "));
    }
    println!("\nrefusals");
    for (refusal, count) in &totals.refusals {
        println!("  {:<18} {count}", refusal_name(*refusal));
    }
    let never = Refusal::ALL.iter().filter(|refusal| {
        !totals.refusals.contains_key(&refusal_code(**refusal)) && !UNREACHABLE.contains(refusal)
    });
    let never: Vec<String> = never.map(|refusal| format!("{refusal:?}")).collect();
    if !never.is_empty() {
        println!("  never: {}", never.join(" "));
    }
    println!(
        "\norders {}, fills {}, refused events {}, crossings {}",
        totals.orders, totals.fills, totals.errors, totals.crossings
    );
    let mut rules: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, rule, _) in &totals.broken {
        rules.entry(rule).or_default().push(*seed);
    }
    for (rule, seeds) in &rules {
        let some: Vec<String> = seeds.iter().take(8).map(u64::to_string).collect();
        println!("BROKEN {rule}: first in {} runs, such as seeds {}", seeds.len(), some.join(" "));
    }
    if digest {
        println!("digest {:016x}", totals.digest);
    }
    let per_second = u128::from(totals.runs) * 1_000 / millis.max(1);
    let [completed, unwound, flat, held, _] = totals.ends;
    let least = totals.faults.iter().map(|(_, count)| count).min().unwrap_or(0);
    let (cells, missing, wrong) = totals.atlas.verdict();
    for cell in wrong {
        println!("ATLAS {cell} was hit, and the table says that it cannot be");
    }
    println!("{}", handled(totals));
    println!(
        "FIGURE sim schedules={} events={} violations={} per_second={per_second} \
         completed={completed} unwound={unwound} aborted_flat={flat} residual_held={held} \
         faults_fired_min={least} atlas_cells={cells} atlas_missing={missing}",
        totals.runs, totals.events, totals.violations
    );
}

/// How long it took, by the clock of the schedules, from a level that cancels to the proof that all which
/// entered is dead.
fn handled(totals: &Totals) -> String {
    let mut spans = totals.handled.clone();
    spans.sort_unstable();
    let at = |permille: usize| {
        let place = spans.len().saturating_sub(1) * permille / 1_000;
        spans.get(place).map_or(0, |span| span.0 / 1_000_000)
    };
    let soon = spans.partition_point(|span| *span <= Span::seconds(3));
    format!(
        "FIGURE handled breaches={} within_3s={soon} unhandled={} p50_ms={} p99_ms={} max_ms={}",
        count(spans.len()) + totals.unhandled,
        totals.unhandled,
        at(500),
        at(990),
        at(1_000)
    )
}

/// Makes a failing run small and writes what is left of it into a folder.
fn small(seed: u64, folder: &str) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let found = minimise(seed, true, |config, start| {
        Engine::new(config, start).map_err(|problem| problem.to_string())
    });
    let Some(small) = found else {
        println!("seed {seed}: no rule broken");
        return ExitCode::SUCCESS;
    };
    let without: Vec<Fault> =
        Fault::ALL.iter().copied().filter(|fault| !small.classes.contains(fault)).collect();
    let config = plan(seed, &without).config;
    let text = format!("{}\n{config:#?}\n", small.plan(seed));
    let title = format!("Seed {seed} breaks {}.", small.rule);
    let name = format!("seed_{seed}");
    let told = story(&config, &name, START, &title, &small.events);
    let mut files = vec![(format!("{name}_plan.txt"), text), (format!("{name}.txt"), told)];
    match document(&config, &config.policy) {
        Ok(text) => files.push((format!("{name}.json"), text)),
        Err(problem) => println!("no document states the configuration: {problem}"),
    }
    for (name, text) in files {
        let path = std::path::Path::new(folder).join(name);
        if let Err(problem) = std::fs::write(&path, text) {
            eprintln!("{}: {problem}", path.display());
            return ExitCode::from(3);
        }
        println!("{}", path.display());
    }
    print!("{}", small.plan(seed));
    ExitCode::from(1)
}

/// Tells one run: the rules it broke, the classes that takes, and its events.
fn tell(seed: u64) -> ExitCode {
    let options = Options { trace: true, restarts: true, ..Options::default() };
    let full = one(seed, &options);
    let Some(first) = full.violations.first() else {
        full.trace.iter().for_each(|line| println!("{line}"));
        println!("seed {seed}: no rule broken, digest {:016x}", full.digest);
        return ExitCode::SUCCESS;
    };
    let rule = first.rule;
    let needed: Vec<Fault> = shrink(seed, rule, |without| {
        let options = Options { without: without.to_vec(), restarts: true, ..Options::default() };
        one(seed, &options).violations
    });
    let without: Vec<Fault> =
        Fault::ALL.iter().copied().filter(|fault| !needed.contains(fault)).collect();
    let small = one(seed, &Options { without, ..options });
    small.trace.iter().for_each(|line| println!("{line}"));
    let config = cross_market_sim::draw::plan(seed, &[]).config;
    for (hedge, limits) in config.hedges.iter().zip(config.policy.hedges.iter()) {
        println!("{hedge:?}\n{limits:?}");
    }
    for venue in config.venues.iter() {
        println!("{venue:?}");
    }
    let names: Vec<&str> = needed.iter().map(|fault| fault.name()).collect();
    println!("seed {seed} breaks {rule} with the classes: {}", names.join(" "));
    for violation in &small.violations {
        println!("  {} {}: {}", violation.now.0, violation.rule, violation.found);
    }
    ExitCode::from(1)
}

/// The name of a refusal's code.
fn refusal_name(code: u8) -> String {
    let found = Refusal::ALL.get(usize::from(code)).map(|refusal| format!("{refusal:?}"));
    found.unwrap_or_else(|| format!("code {code}"))
}

/// Refusals that cannot occur: every run trades in full, and no order is priced beyond its collar
/// in the first place.
const UNREACHABLE: [Refusal; 2] = [Refusal::Stage, Refusal::Collar];

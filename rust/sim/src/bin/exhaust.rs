//! Goes through every history of a small hedge up to a length, and every input of every order, and
//! prints what came of it; exit code 1 when a rule was broken.
//!
//! `exhaust [--depth 12] [--lots 2] [--mode simultaneous|sequential|both] [--states N]
//! [--merge coarse|exact] [--orders 4] [--each N] [--all N]`: of odd things
//! (duplicates, busts, lines down, …) a path has so many of each kind and so many of all kinds.
#![allow(clippy::print_stdout, reason = "a program that prints its findings")]

use std::process::ExitCode;
use std::time::Instant;

use cross_market_sim::exhaust::{
    Budget, Explored, Merge, Odd, Search, Shape, explore, pairs, small,
};
use cross_market_sim::outcome::ENDS;

struct Arguments {
    search: Search,
    lots: i64,
    shapes: Vec<Shape>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}");
            eprintln!(
                "usage: exhaust [--depth 12] [--lots 2] [--mode simultaneous|sequential|both] \
                 [--merge coarse|exact] [--orders 4] [--states N] [--each N] [--all N]"
            );
            return ExitCode::from(2);
        }
    };
    // A panic of the engine is a broken rule, told with the history that leads to it.
    std::panic::set_hook(Box::new(|_| {}));
    match run(&arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let search = Search {
        depth: 12,
        budget: Budget::of(1, 1),
        merge: Merge::Coarse,
        orders: 4,
        states_max: 60_000_000,
    };
    let mut found = Arguments { search, lots: 2, shapes: vec![Shape::AtOnce, Shape::Sequential] };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        if word == "--mode" {
            found.shapes = match value.as_str() {
                "simultaneous" => vec![Shape::AtOnce],
                "sequential" => vec![Shape::Sequential],
                "both" => vec![Shape::AtOnce, Shape::Sequential],
                other => return Err(format!("--mode: {other:?} is not known")),
            };
            continue;
        }
        if word == "--merge" {
            found.search.merge = match value.as_str() {
                "exact" => Merge::Exact,
                "coarse" => Merge::Coarse,
                other => return Err(format!("--merge: {other:?} is not known")),
            };
            continue;
        }
        let number: u32 =
            value.parse().map_err(|_| format!("{word}: {value:?} is not a whole number"))?;
        let few = u8::try_from(number).unwrap_or(u8::MAX);
        let search = &mut found.search;
        match word.as_str() {
            "--depth" => search.depth = number,
            "--states" => search.states_max = usize::try_from(number).unwrap_or(usize::MAX),
            "--lots" => found.lots = i64::from(number.clamp(1, 2)),
            "--orders" => search.orders = usize::try_from(number).unwrap_or(usize::MAX),
            "--each" => search.budget.each = [few; 7],
            "--all" => search.budget.all = few,
            other => return Err(format!("{other:?} is not known")),
        }
    }
    Ok(found)
}

fn run(arguments: &Arguments) -> Result<u64, String> {
    let order = pairs::all();
    println!(
        "one order: {} orders with {} of 11 states, {} inputs, {} pairs; {} led too far to go on; \
         violations {}",
        order.orders, order.labels, order.inputs, order.pairs, order.cut, order.violations
    );
    order.broken.iter().for_each(|broken| println!("  {broken}"));
    let (mut states, mut transitions, mut violations) = (0, 0, order.violations);
    let mut depth = arguments.search.depth;
    for shape in &arguments.shapes {
        let started = Instant::now();
        let found = explore(&small(*shape, arguments.lots), &arguments.search)?;
        tell(*shape, arguments, &found);
        println!("  time {} s", started.elapsed().as_secs());
        states += found.states;
        transitions += found.transitions;
        violations += found.violations;
        if !found.complete {
            // The last layer that was gone through whole.
            depth = depth.min(u32::try_from(found.layers.len()).unwrap_or(0).saturating_sub(2));
        }
    }
    println!(
        "FIGURE exhaust depth={depth} pairs={} states={states} transitions={transitions} \
         violations={violations}",
        order.pairs
    );
    Ok(violations)
}

fn tell(shape: Shape, arguments: &Arguments, found: &Explored) {
    let Search { depth, budget, .. } = arguments.search;
    println!("{}, {} lots a leg, {depth} steps", shape.name(), arguments.lots);
    println!("  nodes are one where they are equal: {:?}", arguments.search.merge);
    println!("  states {}, transitions {}", found.states, found.transitions);
    println!("  new states by step {:?}", found.layers);
    println!(
        "  orders on a path {}; {} states with more than {} were brought to rest at once",
        found.orders_max, found.beyond, arguments.search.orders
    );
    println!(
        "  at rest before the last step {}, brought to rest {} in {} ways",
        found.ended, found.rested, found.rests
    );
    let ends: Vec<String> =
        ENDS.iter().zip(found.ends).map(|(end, count)| format!("{end} {count}")).collect();
    println!("  ends {}", ends.join(", "));
    println!("  a path has {} odd steps at most; left out for that:", budget.all);
    for (odd, (each, cut)) in Odd::ALL.iter().zip(budget.each.into_iter().zip(found.cut.odd)) {
        println!("    {}, {each} at most: {cut}", odd.name());
    }
    println!("  timers left out, beyond two minutes: {}", found.cut.far);
    if !found.complete {
        println!("  NOT COMPLETE: the bound of states was reached");
    }
    for broken in &found.broken {
        let path: Vec<String> = broken.path.iter().map(ToString::to_string).collect();
        let what = &broken.violation;
        println!("  broken {}: {}\n    {}", what.rule, what.found, path.join(" "));
    }
    println!("  violations {}", found.violations);
}

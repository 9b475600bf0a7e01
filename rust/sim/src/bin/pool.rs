//! Money under random operations: `pool --operations 100000000 --seed 1 --threads 2`.
//!
//! Every 100,000 operations begin with a seed of their own, so that what is found can be found again
//! alone. Ends with a `FIGURE` line.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints its findings")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cross_market_sim::pool::Pool;

/// Operations of one seed.
const RUN: u64 = 100_000;

fn number(words: &mut impl Iterator<Item = String>, word: &str) -> Result<u64, String> {
    let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
    value.parse().map_err(|error| format!("{word} {value}: {error}"))
}

fn asked() -> Result<(u64, u64, u64), String> {
    let (mut operations, mut seed, mut threads) = (1_000_000, 1, 2);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--operations" => operations = number(&mut words, &word)?,
            "--seed" => seed = number(&mut words, &word)?,
            "--threads" => threads = number(&mut words, &word)?.max(1),
            other => return Err(format!("{other} is not known")),
        }
    }
    Ok((operations, seed, threads))
}

fn main() -> ExitCode {
    let (operations, seed, threads) = match asked() {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("pool: {problem}");
            return ExitCode::from(2);
        }
    };
    let runs = operations.div_ceil(RUN);
    let [next, violations, refused, done] = [const { AtomicU64::new(0) }; 4];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    let mut pool = Pool::new(seed + run);
                    let count = RUN.min(operations - run * RUN);
                    for at in 0..count {
                        if let Some(found) = pool.step() {
                            println!("BROKEN seed {} operation {at}: {found}", seed + run);
                            violations.fetch_add(1, Ordering::Relaxed);
                            break;
                        }
                    }
                    refused.fetch_add(pool.refused, Ordering::Relaxed);
                    done.fetch_add(count, Ordering::Relaxed);
                }
            });
        }
    });
    let (violations, refused) = (violations.into_inner(), refused.into_inner());
    let done = done.into_inner();
    let per_second = u128::from(done) * 1_000 / begun.elapsed().as_millis().max(1);
    println!(
        "FIGURE pool.memory operations={done} refused={refused} violations={violations} \
         per_second={per_second}"
    );
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

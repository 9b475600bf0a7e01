//! Cuts and corrupts a journal everywhere and recovers it, and kills a process that writes one.
//! `--size BYTES` of the journal that is cut, 65,536 unless told.
#![allow(clippy::print_stdout, reason = "a program: it prints its figures")]

mod kills;

use std::path::Path;
use std::process::ExitCode;

use cross_market_journal::sweep::{Tally, bounds, cuts, edits, flips, holes, journal};

/// Bytes of the journal unless told.
const SIZE: usize = 1 << 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => campaign(SIZE),
        [name, size] if name == "--size" => size.parse().map_or_else(|_| usage(), campaign),
        [name, run, turn] if name == kills::FEED => turn.parse().map_or_else(
            |_| usage(),
            |turn| match kills::feed(Path::new(run), turn) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            },
        ),
        [..] => usage(),
    }
}

fn usage() -> ExitCode {
    println!("usage: crash [--size BYTES]");
    ExitCode::from(2)
}

fn campaign(size: usize) -> ExitCode {
    let bytes = journal(size, 1);
    println!("a journal of {} bytes, {} records", bytes.len(), bounds(&bytes).len() - 1);
    let failed = |error: std::io::Error| Tally {
        failed: 1,
        first: Some(error.to_string()),
        ..Tally::default()
    };
    let sweeps = [
        ("kills", "failed", kills::kills().unwrap_or_else(failed)),
        ("holes", "failed", holes(&bytes)),
        ("edits", "undetected", edits(&bytes, &journal(size, 2))),
        ("cuts", "failed", cuts(&bytes)),
        ("flips", "undetected", flips(&bytes)),
    ];
    let mut code = ExitCode::SUCCESS;
    for (name, word, Tally { tried, failed, first }) in sweeps {
        if let Some(first) = first {
            println!("{name}: {first}");
        }
        if failed > 0 || tried == 0 {
            code = ExitCode::FAILURE;
        }
        println!("FIGURE crash.{name} tried={tried} {word}={failed}");
    }
    code
}

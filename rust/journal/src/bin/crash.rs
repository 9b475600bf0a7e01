//! Cuts and corrupts a journal everywhere and recovers it. `--size BYTES`, 65,536 unless told.
#![allow(clippy::print_stdout, reason = "a program: it prints its figures")]

use std::process::ExitCode;

use cross_market_journal::sweep::{Tally, bounds, cuts, edits, flips, holes, journal};

/// Bytes of the journal unless told.
const SIZE: usize = 1 << 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = match arguments.as_slice() {
        [] => Some(SIZE),
        [name, size] if name == "--size" => size.parse().ok(),
        [..] => None,
    };
    let Some(size) = size else {
        println!("usage: crash [--size BYTES]");
        return ExitCode::from(2);
    };
    let bytes = journal(size, 1);
    println!("a journal of {} bytes, {} records", bytes.len(), bounds(&bytes).len() - 1);
    let sweeps = [
        ("cuts", "failed", cuts(&bytes)),
        ("flips", "undetected", flips(&bytes)),
        ("edits", "undetected", edits(&bytes, &journal(size, 2))),
        ("holes", "failed", holes(&bytes)),
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

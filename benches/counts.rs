//! Kernels whose instructions are counted; `benches/counts.py` runs each under callgrind.
//!
//! A kernel prepares its input, then calls [`measured`] once; only what runs inside is counted.
//! It must do the same work each time: no clock, no randomness.
#![allow(clippy::print_stdout, reason = "a program: it lists its kernels")]
#![allow(clippy::disallowed_methods, reason = "a program: it reads its arguments")]

use std::hint::black_box;

use sha2::{Digest, Sha256};

const KERNELS: &[(&str, fn())] = &[("chain_link_256_bytes_x64", chain_link)];

/// One SHA-256 link a record: the previous link, then the record.
fn chain_link() {
    let record = black_box([7_u8; 256]);
    measured(|| {
        let mut link = [0_u8; 32];
        for _ in 0..64 {
            link = Sha256::new().chain_update(link).chain_update(record).finalize().into();
        }
        black_box(link);
    });
}

/// Run `work` where the count is switched on: the script finds this function by its name.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
    black_box(());
}

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "--list" {
        for (name, _) in KERNELS {
            println!("{name}");
        }
        return;
    }
    match KERNELS.iter().find(|(name, _)| *name == argument) {
        Some((_, kernel)) => kernel(),
        // `cargo bench` passes its own options: then there is nothing to count.
        None if argument.is_empty() || argument.starts_with("--") => {}
        None => panic!("no kernel named {argument:?}"),
    }
}

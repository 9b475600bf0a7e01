//! The tables of the order and the attempt machine: every pair of state and input, printed into
//! `docs/order.md`, `docs/attempt.md` and `docs/rejects.md` and compared with what stands there; and
//! what an attempt reckons with.
//!
//! After a change that is meant, `UPDATE_TABLES=1 cargo test -p cross-market-core --test tables`
//! rewrites them; the difference then shows which cells changed.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test: it reads and writes its tables, and what fails must be loud"
)]

use std::fmt::Write as _;
use std::path::Path;

#[path = "tables/attempt.rs"]
mod attempt;
#[path = "tables/order.rs"]
mod order;
#[path = "tables/orders.rs"]
mod orders;
#[path = "tables/reckoning.rs"]
mod reckoning;
#[path = "tables/reject.rs"]
mod reject;
#[path = "tables/stages.rs"]
mod stages;

/// Compares `text` with the file of that name in `docs`, or rewrites it when asked to.
fn pin(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(&path, text).expect("docs can be written");
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let mut wrong = String::new();
    for (line, (stored, now)) in stored.lines().zip(text.lines()).enumerate() {
        if stored != now {
            writeln!(wrong, "line {}:\n  stored {stored}\n  now    {now}", line + 1).unwrap();
        }
    }
    assert!(
        stored == text,
        "docs/{name} is not what the machine does; if the change is meant, run \
         UPDATE_TABLES=1 cargo test -p cross-market-core --test tables\n{wrong}"
    );
}

/// One table in Markdown: a heading row, then rows.
fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    writeln!(out, "| {} |", head.join(" | ")).unwrap();
    writeln!(out, "|{}", "---|".repeat(head.len())).unwrap();
    for row in rows {
        writeln!(out, "| {} |", row.join(" | ")).unwrap();
    }
    out.push('\n');
}

//! Runs the stories of `tests/scenarios` through the engine and compares each command, and at the
//! end the digest of the state with `tests/scenarios/digests.txt`. `tests/scenarios/README.md` says
//! how a story is written; `tests/python/test_stories.py` reads the same files on its own.
//!
//! `STORY=name cargo test -p cross-market-core --test stories -- --nocapture` prints what happens in
//! one story; `UPDATE_DIGESTS=1` rewrites the digests.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test: it reads its stories, and what fails must be loud"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[path = "stories/names.rs"]
mod names;
#[path = "stories/run.rs"]
mod run;
#[path = "stories/story.rs"]
mod story;
#[path = "stories/told.rs"]
mod told;

use story::Story;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

fn names_of_stories() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the stories are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name != "digests")
        .collect();
    names.sort();
    names
}

fn digests() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("digests.txt")).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
}

#[test]
fn every_story_ends_as_told_and_with_its_digest() {
    let only = std::env::var("STORY").ok();
    let stored = digests();
    let mut found = BTreeMap::new();
    let mut wrong = String::new();
    for name in names_of_stories() {
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let told = Story::read(&folder(), &name).and_then(|story| {
            let first = run::run(&story, only.is_some())?;
            let second = run::run(&story, false)?;
            if first == second { Ok(first) } else { Err("two runs end differently".to_owned()) }
        });
        match told {
            Ok(digest) => {
                found.insert(name, digest);
            }
            Err(problem) => writeln!(wrong, "{name}: {problem}\n").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "stories that went otherwise:\n{wrong}");
    if only.is_some() {
        return;
    }
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        let mut lines = String::new();
        for (name, hex) in &found {
            writeln!(lines, "{name} {hex}").unwrap();
        }
        std::fs::write(folder().join("digests.txt"), lines).expect("writable");
        return;
    }
    for (name, digest) in &found {
        if stored.get(name) != Some(digest) {
            writeln!(wrong, "{name}: {digest}, stored {:?}", stored.get(name)).unwrap();
        }
    }
    for name in stored.keys().filter(|name| !found.contains_key(*name)) {
        writeln!(wrong, "{name}: a digest without a story").unwrap();
    }
    assert!(
        wrong.is_empty(),
        "final states differ; if that is meant, run UPDATE_DIGESTS=1 cargo test -p \
         cross-market-core --test stories\n{wrong}"
    );
}

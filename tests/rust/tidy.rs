//! Rules about the repository that are tests: the layers of the core, declared targets, leftovers,
//! dependencies. Each names the file and says what it expected.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "reads the sources and asks cargo; nothing of it is in the library"
)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test: what fails must be loud")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of the core, by layer. A file may use every lower layer, and of its own layer what is
/// named beside it. Market, money and trading (L1, L2, L3) do not use each other.
const LAYERS: &[(u8, &str, &[&str])] = &[
    (0, "wire", &[]),
    (0, "num", &["wire"]),
    (0, "time", &["wire", "num"]),
    (0, "ids", &["wire", "num", "time"]),
    (0, "error", &["wire", "num", "time", "ids"]),
    (0, "phase", &["wire", "num", "time", "ids", "error"]),
    (0, "instrument", &["wire", "num", "time", "ids", "error", "phase"]),
    (0, "legging", &["wire", "num", "time", "ids"]),
    (0, "quote", &["wire", "num", "time", "ids", "error", "phase", "instrument", "legging"]),
    (1, "stats", &[]),
    (1, "book", &[]),
    (1, "merge", &["book"]),
    (1, "signal", &["stats", "book", "merge"]),
    (2, "margin", &[]),
    (2, "funds", &["margin"]),
    (2, "position", &["margin", "funds"]),
    (3, "order", &[]),
    (3, "resolve", &["order"]),
    (3, "attempt", &["order", "resolve"]),
    (4, "clock", &[]),
    (4, "conduct", &[]),
    (4, "formula", &[]),
    (4, "threshold", &["conduct", "formula"]),
    (4, "gate", &["clock", "conduct", "threshold"]),
    (5, "event", &[]),
    (5, "command", &["event"]),
    (5, "config", &["event", "command"]),
    (6, "market", &[]),
    (6, "engine", &[]),
    (6, "record", &["engine"]),
    (6, "attribution", &["engine", "record"]),
];

/// What each crate may take from the others in the library it ships; tests may take any.
const CRATES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("journal", &["cross-market-core"]),
    ("sim", &["cross-market-core"]),
    ("bindings", &["cross-market-core", "cross-market-journal", "cross-market-sim"]),
];

#[test]
fn core_files_use_only_what_their_layer_allows() {
    let source_root = root().join("rust/core/src");
    let mut wrong = Vec::new();
    for path in files_under(&source_root, "rs") {
        let inside = path.strip_prefix(&source_root).expect("listed from there");
        let first = inside.components().next().expect("not empty").as_os_str();
        let name = Path::new(first).file_stem().expect("a name").to_string_lossy().into_owned();
        if name == "lib" {
            continue;
        }
        if layer_of(&name).is_none() {
            wrong.push(format!("{}: not in LAYERS of tests/rust/tidy.rs", shown(&path)));
            continue;
        }
        for used in modules_used(&read(&path)) {
            if layer_of(&used).is_some() && !may_use(&name, &used) {
                wrong.push(format!("{}: must not use crate::{used}", shown(&path)));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn layer_rule_knows_each_kind_of_arrow() {
    let check = |from: &str, to: &str, expected: bool| {
        assert_eq!(may_use(from, to), expected, "{from} uses {to}");
    };
    check("book", "quote", true); // down
    check("merge", "book", true); // to its left
    check("book", "merge", false); // to its right
    check("signal", "stats", true); // a leaf
    check("stats", "book", false);
    check("funds", "book", false); // another column
    check("attempt", "funds", false);
    check("gate", "funds", true);
    check("num", "quote", false); // up
    check("book", "engine", false);
    check("book", "book", true); // itself, when it is split into files
}

#[test]
fn modules_used_reads_every_way_to_write_a_path() {
    let check = |source: &str, expected: &[&str]| {
        let found = modules_used(source);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{source}");
    };
    check("use crate::book::Book;", &["book"]);
    check("use crate::{num, time::{Span, Time},\n  ids::Id};", &["ids", "num", "time"]);
    check("let x = crate::num::Price::new(1);", &["num"]);
    check("pub(in crate::order) fn f() {}", &["order"]);
    check("use super::merge::Top;", &["merge"]);
    check("/// See [`crate::engine::Engine`].\n//! crate::gate", &[]);
    check("use mycrate::book;", &[]);
}

#[test]
fn every_bench_and_test_file_is_declared_once() {
    let manifests: Vec<String> =
        crate_folders().iter().map(|f| read(&f.join("Cargo.toml"))).collect();
    let mut wrong = Vec::new();
    for folder in ["benches", "tests/rust"] {
        for path in files_in(&root().join(folder), "rs") {
            let line = format!("path = \"../../{}\"", shown(&path));
            let declared: usize = manifests.iter().map(|text| text.matches(&line).count()).sum();
            if declared != 1 {
                wrong.push(format!("{}: declared {declared} times, expected 1", shown(&path)));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn library_sources_hold_no_leftovers() {
    let banned = ["FIXME", "dbg!", "todo!", "unimplemented!", "println!", "print!"];
    let mut wrong = Vec::new();
    for folder in crate_folders() {
        let source_root = folder.join("src");
        for path in files_under(&source_root, "rs") {
            let inside = path.strip_prefix(&source_root).expect("listed from there");
            if inside.starts_with("bin") || inside == Path::new("main.rs") {
                continue; // programs print
            }
            for (line, text) in read(&path).lines().enumerate() {
                for word in banned.iter().filter(|word| names(text, word)) {
                    wrong.push(format!("{}:{}: {word}", shown(&path), line + 1));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn core_depends_on_no_binding_runtime_or_randomness() {
    let banned = ["pyo3", "tokio", "rand", "chrono"];
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", "cross-market-core"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree failed: {problem}");
    let tree = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(tree.contains("sha2"), "not a tree of the core:\n{tree}");
    let found: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| banned.iter().any(|b| name == b || name.starts_with(&format!("{b}-"))))
        .collect();
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn crates_depend_on_each_other_one_way() {
    let known: BTreeMap<&str, &[&str]> = CRATES.iter().copied().collect();
    let mut wrong = Vec::new();
    for folder in crate_folders() {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(allowed) = known.get(name.as_str()) else {
            wrong.push(format!("rust/{name}: not in CRATES of tests/rust/tidy.rs"));
            continue;
        };
        for used in sibling_crates(&read(&folder.join("Cargo.toml"))) {
            if !allowed.contains(&used.as_str()) {
                wrong.push(format!("rust/{name}/Cargo.toml: must not depend on {used}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The layer of a core file and what it may use within it.
fn layer_of(name: &str) -> Option<(u8, &'static [&'static str])> {
    LAYERS.iter().find(|(_, file, _)| *file == name).map(|(layer, _, beside)| (*layer, *beside))
}

fn may_use(from: &str, to: &str) -> bool {
    let (Some((from_layer, beside)), Some((to_layer, _))) = (layer_of(from), layer_of(to)) else {
        return false;
    };
    let columns = 1..=3;
    from == to
        || beside.contains(&to)
        || (to_layer < from_layer
            && !(columns.contains(&from_layer) && columns.contains(&to_layer)))
}

/// The first segment of every `crate::` or `super::` path outside line comments, groups included.
fn modules_used(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "super::"] {
        for (at, _) in code.match_indices(prefix) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue; // `mycrate::`
            }
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(heads_of_group(group)),
                None => found.extend(head(rest)),
            }
        }
    }
    found
}

/// The first segment of each path in `a, b::{c, d}, e}`.
fn heads_of_group(group: &str) -> BTreeSet<String> {
    let mut heads = BTreeSet::new();
    let mut depth = 0_u32;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                heads.extend(head(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    heads
}

/// The identifier that `text` begins with.
fn head(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// Whether `text` contains `word` that is not the end of a longer name (`eprintln!`).
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Our own crates among the `[dependencies]` and `[build-dependencies]` of a manifest.
fn sibling_crates(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut shipped = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            shipped = section.contains("dependencies") && !section.contains("dev-dependencies");
        }
        if shipped && let Some(at) = line.find("cross-market-") {
            let rest = &line[at..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-');
            found.insert(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    found
}

fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.join("../..").canonicalize().expect("the repository is there")
}

/// A path as people write it: from the top of the repository, with slashes.
fn shown(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", shown(path)))
}

/// The folders directly under `rust/` that hold a crate, in order.
fn crate_folders() -> Vec<PathBuf> {
    let folders = entries(&root().join("rust"));
    folders.into_iter().filter(|path| path.join("Cargo.toml").is_file()).collect()
}

/// The files with this extension in a folder, in order.
fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|e| e == extension);
    entries(folder).into_iter().filter(is_wanted).collect()
}

/// The files with this extension in a folder and below, in order.
fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = files_in(folder, extension);
    for path in entries(folder).into_iter().filter(|path| path.is_dir()) {
        found.extend(files_under(&path, extension));
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", shown(folder)));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

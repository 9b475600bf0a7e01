//! Journals on a real disk: their bytes, their folder, their restarts, and every way they are hurt.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails must be loud"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::event::{Control, Estimate, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId, Note};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::record::{
    Body, Chain, Checkpoint, Durability, Encoder, FrameRows, HEAD, Head, Header, Kind, Record,
    RunId, SCHEMA, Step, read_command, read_event, write_command, write_event,
};
use cross_market_core::time::{Span, Time};
use cross_market_core::wire::{Reader as Bytes, Writer};
use cross_market_journal::sweep::{bounds, cuts, edits, flips, holes, journal};
use cross_market_journal::{
    Ending, JournalError, NotPlain, Reader, Session, Source, Verdict, replay, replay_bytes,
    samples, verify, verify_bytes,
};
use proptest::prelude::*;

#[path = "journal/lived.rs"]
mod lived;

const START: Time = Time(1_770_000_000_000_000_000);
const GROUP: Durability = Durability::Group(Span::millis(50));

/// A folder of its own for one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cross_market-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    fn create(&self) -> Result<Session, JournalError> {
        Session::create(&self.run(), samples::config().as_bytes(), START, GROUP)
    }

    fn restart(&self, now: Time) -> Result<(Session, Option<u64>), JournalError> {
        let json = samples::config().as_bytes();
        let restarted = Session::restart(&self.run(), json, now, GROUP, &mut Vec::new());
        restarted.map(|(session, found)| (session, found.cut.map(|tail| tail.bytes)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn at(millis: i64) -> Time {
    START + Span::millis(millis)
}

/// A one-row snapshot of the bid side, received at `now`.
fn row(now: Time, price: i64) -> Change {
    Change {
        price: Price(price),
        qty: Qty::of(5),
        seq: 0,
        exchange: now,
        receive: now,
        step: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        row: Row::SnapshotLast,
    }
}

/// Feeds market rows, ticks, an estimate and an operator's word.
fn feed(session: &mut Session, from: i64, count: i64) {
    let mut out = Vec::new();
    for step in from..from + count {
        let now = at(step);
        let event = match step % 8 {
            3 => Event::Tick,
            5 => Event::Estimate(Estimate { hedge: HedgeId(0), value: step, expires: at(90_000) }),
            7 => verb(Verb::Stop(Scope::Hedge(HedgeId(0)))),
            _ => Event::Book(row(now, 1_000 + step % 5)),
        };
        session.handle(now, &event, &mut out).unwrap();
        session.release(now, &mut out);
    }
}

fn verb(verb: Verb) -> Event {
    Event::Control(Box::new(Control { actor: Note::new("交易员 test").unwrap(), verb }))
}

// Bytes.

#[test]
fn every_event_and_command_is_read_back_as_it_was() {
    let (mut events, mut commands, mut kinds) = (0, 0, BTreeSet::new());
    for event in samples::events() {
        let mut out = Writer::new();
        write_event(&mut out, &event);
        let mut from = Bytes::new(out.as_slice());
        let read = read_event(&mut from).unwrap();
        from.finish().unwrap();
        assert_eq!(format!("{read:?}"), format!("{event:?}"));
        kinds.insert(event.code());
        events += 1;
    }
    assert_eq!(kinds, (1..=12).collect(), "a kind of event has no sample");
    kinds.clear();
    for command in samples::commands() {
        let mut out = Writer::new();
        write_command(&mut out, &command);
        let mut from = Bytes::new(out.as_slice());
        assert_eq!(read_command(&mut from).unwrap(), command);
        from.finish().unwrap();
        kinds.insert(command.code());
        commands += 1;
    }
    assert_eq!(kinds, (1..=7).collect(), "a kind of command has no sample");
    assert!(events > 100 && commands > 90, "{events} events, {commands} commands");
}

#[test]
fn every_record_is_read_back_whole() {
    let bytes = journal(0, 1);
    let mut reader = Reader::over(&bytes).unwrap();
    let mut kinds = BTreeSet::new();
    let mut places = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        kinds.insert(entry.record.kind());
        places.push(entry.at);
        if let Record::Market(frame) = &entry.record
            && let Body::Inline(rows) = &frame.body
        {
            let changes: Vec<Change> = rows.iter().map(|row| row.change).collect();
            assert_eq!(changes, samples::changes());
        }
    }
    assert_eq!(reader.ending(), Some(&Ending::Clean));
    assert_eq!(kinds.len(), 8, "a kind of record is missing: {kinds:?}");
    let starts: Vec<u64> = bounds(&bytes).iter().map(|at| u64::try_from(*at).unwrap()).collect();
    assert_eq!(places, starts[..starts.len() - 1]);
}

#[test]
fn rows_of_a_message_are_small() {
    let mut rows = FrameRows::default();
    let first = row(START, 55_000);
    rows.push(START, &Change { row: Row::Snapshot, ..first });
    let small = Change { price: Price(55_001), row: Row::Level, ..first };
    (0..999).for_each(|_| rows.push(START, &small));
    let mut encoder = Encoder::begin(&header());
    encoder.taken();
    encoder.rows(1, &rows);
    assert!(encoder.bytes().len() < 3_200, "{} bytes for 1000 rows", encoder.bytes().len());
}

fn header() -> Header {
    Header {
        schema: SCHEMA,
        id: RunId { engine: 1, run: 1, start: START },
        epoch: 1,
        durability: GROUP,
        library: "test".to_owned(),
        config: samples::config().as_bytes().to_vec(),
    }
}

/// The format is frozen: what this version writes is what it wrote when it was released.
#[test]
fn the_bytes_are_those_of_the_first_release() {
    let report = verify_bytes(&journal(0, 1));
    assert_eq!(report.verdict, Verdict::Clean);
    assert_eq!(
        hex(&report.link),
        "c71d1c4626c919f17fba4dee330812edfb3cac4e6c78280176852c5ff8a612f1"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

proptest! {
    #[test]
    fn rows_are_read_back_whatever_they_are(
        raw in prop::collection::vec(
            (any::<(i64, i64, u64, i64, i64, u32)>(), any::<(i64, u16, bool)>(), 0..6_usize),
            1..40,
        ),
    ) {
        let mut rows = FrameRows::default();
        let mut expected = Vec::new();
        for ((price, qty, seq, exchange, receive, step), (now, instrument, is_buy), code) in raw {
            let change = Change {
                price: Price(price),
                qty: Qty::of(qty.max(-i64::MAX)),
                seq,
                exchange: Time(exchange),
                receive: Time(receive),
                step,
                instrument: InstrumentId(instrument),
                side: if is_buy { Side::Buy } else { Side::Sell },
                row: Row::ALL[code],
            };
            rows.push(Time(now), &change);
            expected.push(cross_market_core::record::Row { now: Time(now), change });
        }
        let mut encoder = Encoder::begin(&header());
        encoder.rows(1, &rows);
        let mut reader = Reader::over(encoder.bytes()).unwrap();
        reader.next().unwrap();
        let Some(Record::Market(frame)) = reader.next().unwrap().map(|entry| entry.record) else {
            panic!("a frame was written");
        };
        prop_assert_eq!(frame.body, Body::Inline(expected));
    }

    #[test]
    fn no_payload_makes_a_reader_fall(
        kind in 1..=8_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        use cross_market_core::record::Code;
        drop(Record::read(<Kind as Code>::from_code(kind).unwrap(), &bytes));
    }

    #[test]
    fn no_file_makes_a_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_ne!(verify_bytes(&bytes).verdict, Verdict::Clean);
    }

    #[test]
    fn a_changed_payload_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for event in samples::events() {
            let mut out = Writer::new();
            write_event(&mut out, &event);
            let mut bytes = out.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let mut from = Bytes::new(&bytes);
            let Ok(read) = read_event(&mut from) else { continue };
            // What can be read has no other bytes than these.
            let mut again = Writer::new();
            write_event(&mut again, &read);
            prop_assert_eq!(again.as_slice(), &bytes[..from.position()]);
        }
    }
}

// Sweeps; the campaign `crash` runs the same ones on more bytes.

#[test]
fn a_cut_at_any_byte_gives_back_every_whole_record() {
    let tally = cuts(&lived::journal());
    assert!(tally.tried > 3_000 && tally.failed == 0, "{tally}");
}

#[test]
fn a_flip_of_any_bit_is_refused_or_told() {
    let tally = flips(&lived::journal());
    assert!(tally.tried > 20_000 && tally.failed == 0, "{tally}");
}

#[test]
fn no_edit_of_records_passes() {
    let (ours, others) = (lived::journal(), journal(0, 2));
    let tally = edits(&ours, &others);
    assert!(tally.tried > 1_000 && tally.failed == 0, "{tally}");
}

#[test]
fn a_lost_sector_is_torn_where_it_was_not_synced_and_damage_elsewhere() {
    let tally = holes(&journal(0, 1));
    assert!(tally.tried > 20 && tally.failed == 0, "{tally}");
}

#[test]
fn a_lost_sector_of_the_last_group_is_torn() {
    let mut encoder = Encoder::begin(&header());
    encoder.settle();
    for seq in 1..=40 {
        encoder.decision(seq, START, &Event::Tick, &samples::commands()[..3]);
    }
    let mut bytes = encoder.bytes().to_vec();
    let sector = bytes.len() / 2 / 512 * 512;
    bytes[sector..sector + 512].fill(0);
    assert!(matches!(verify_bytes(&bytes).verdict, Verdict::Torn(_)));
    bytes[sector + 100] = 1;
    assert!(matches!(verify_bytes(&bytes).verdict, Verdict::Damaged(_)), "not a lost sector");
}

// Files that are no journals.

#[test]
fn files_that_are_no_journals_are_refused_by_name() {
    let folder = Folder::new();
    let path = folder.0.join("file");
    let good = journal(0, 1);
    let check = |bytes: &[u8], expected: &dyn Fn(&JournalError) -> bool| {
        fs::write(&path, bytes).unwrap();
        let error = Reader::open(&path).expect_err("refused");
        assert!(expected(&error), "{error:?}");
        assert_eq!(verify(&path).verdict.code(), if damaged(&error) { 1 } else { 2 });
        assert!(!error.to_string().is_empty());
    };
    check(b"", &|error| *error == JournalError::Empty);
    check(b"CM", &|error| *error == JournalError::Headless { bytes: 2 });
    check(b"\x1f\x8b\x08\0\0\0\0\0", &|error| *error == JournalError::NotAJournal);
    check(b"\xff\xfeC\0M\0J\0", &|error| *error == JournalError::NotAJournal);
    check(&good[..HEAD + 3], &|error| matches!(error, JournalError::Headless { bytes: 23 }));
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    check(&with(3, 9), &|error| *error == JournalError::Version { found: 9, known: 1 });
    check(&with(8, 0xFF), &damaged);
    check(&with(HEAD, 7), &damaged);
    let mut other = header();
    other.schema = 2;
    let later = Encoder::begin(&other).bytes().to_vec();
    check(&later, &|error| *error == JournalError::Version { found: 2, known: 1 });
}

fn damaged(error: &JournalError) -> bool {
    matches!(error, JournalError::Damaged(_))
}

/// A length beyond every bound, with a check that matches it: refused before anything is read.
#[test]
fn a_length_beyond_all_bounds_is_refused() {
    let mut bytes = journal(0, 1);
    let start = bounds(&bytes)[1];
    for length in [u32::MAX, 1 << 31, (1 << 24) + 1] {
        bytes[start + 8..start + 12].copy_from_slice(&length.to_le_bytes());
        let check = check_of(&bytes[start + 8..start + 20]);
        bytes[start + 4..start + 8].copy_from_slice(&check);
        let verdict = verify_bytes(&bytes).verdict;
        assert!(matches!(verdict, Verdict::Damaged(damage) if damage.record == 1), "{verdict:?}");
        let alone = verify_bytes(&bytes[..start + HEAD]).verdict;
        assert!(matches!(alone, Verdict::Torn(_)), "{alone:?}");
    }
}

/// The check of a head, as the format says it, written down a second time.
fn check_of(words: &[u8]) -> [u8; 4] {
    let mut sum = 0x811C_9DC5_u32;
    for word in words.chunks(4) {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        sum = (sum ^ word).wrapping_mul(0x9E37_79B1).rotate_left(15);
    }
    sum.to_le_bytes()
}

#[test]
fn the_check_of_a_head_shows_every_flip_of_it() {
    let bytes = journal(0, 1);
    let head: [u8; HEAD] = bytes[..HEAD].try_into().unwrap();
    assert!(Head::read(&head).is_ok());
    for bit in 0..HEAD * 8 {
        let mut head = head;
        head[bit / 8] ^= 1 << (bit % 8);
        assert!(Head::read(&head).is_err(), "bit {bit}");
    }
}

#[test]
fn paths_that_are_not_plain_files_are_refused() {
    let folder = Folder::new();
    let session = folder.create().unwrap();
    let path = session.path().to_owned();
    session.close().unwrap();
    let check = |found: NotPlain, path: &Path| {
        let expected = JournalError::NotPlain { path: path.to_owned(), found };
        assert_eq!(Reader::open(path).err(), Some(expected));
    };
    let link = folder.0.join("link");
    symlink(&path, &link).unwrap();
    check(NotPlain::Symlink, &link);
    check(NotPlain::Folder, &folder.run());
    let pipe = folder.0.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    check(NotPlain::Special, &pipe);
    check(NotPlain::Special, Path::new("/dev/null"));
}

#[test]
fn a_restart_refuses_a_journal_or_folder_that_is_not_its_own() {
    let folder = Folder::new();
    let session = folder.create().unwrap();
    let path = session.path().to_owned();
    session.close().unwrap();
    let check = |found: NotPlain, at: &Path| {
        let error = folder.restart(at_end()).expect_err("refused");
        assert_eq!(error, JournalError::NotPlain { path: at.to_owned(), found });
    };
    let mode =
        |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    mode(&path, 0o400);
    check(NotPlain::ReadOnly, &path);
    mode(&path, 0o660);
    check(NotPlain::Open, &path);
    mode(&path, 0o600);
    mode(&folder.run(), 0o770);
    check(NotPlain::Open, &folder.run());
    mode(&folder.run(), 0o700);
    let elsewhere = folder.0.join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    check(NotPlain::Symlink, &path);
    fs::remove_file(&path).unwrap();
    assert!(matches!(folder.restart(at_end()), Err(JournalError::Missing { .. })));
    fs::rename(&elsewhere, &path).unwrap();
    folder.restart(at_end()).unwrap();
    let not_a_folder = Session::create(&elsewhere.join("run"), b"{}", START, GROUP);
    assert!(not_a_folder.is_err());
}

fn at_end() -> Time {
    at(3_600_000)
}

// Folders.

#[test]
fn files_are_for_their_owner_alone() {
    let folder = Folder::new();
    let session = folder.create().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder.run()), 0o700);
    for name in ["journal-0001.cmj", "epoch", "lock", "reserve"] {
        assert_eq!(mode(&folder.run().join(name)), 0o600, "{name}");
    }
    assert_eq!(session.path(), folder.run().join("journal-0001.cmj"));
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = Folder::new();
    let session = folder.create().unwrap();
    let locked = JournalError::Locked { folder: folder.run() };
    assert_eq!(folder.create().err(), Some(locked.clone()));
    assert_eq!(folder.restart(at_end()).err(), Some(locked));
    drop(session);
    assert_eq!(folder.restart(at_end()).unwrap().0.run(), 2);
}

#[test]
fn run_numbers_are_given_out_once() {
    let folder = Folder::new();
    assert_eq!(folder.create().unwrap().run(), 1);
    assert_eq!(folder.restart(at_end()).unwrap().0.run(), 2);
    let created = folder.create().unwrap();
    assert_eq!((created.run(), created.path()), (3, &*folder.run().join("journal-0003.cmj")));
    drop(created);
    assert_eq!(folder.restart(at_end()).unwrap().0.path(), folder.run().join("journal-0003.cmj"));
    let epoch = folder.run().join("epoch");
    assert_eq!(fs::read_to_string(&epoch).unwrap(), "epoch=4 run=4\n");
    fs::write(&epoch, "epoch=9 run=4094\n").unwrap();
    assert_eq!(folder.restart(at_end()).unwrap().0.run(), 4095);
    assert_eq!(folder.create().err(), Some(JournalError::RunsExhausted));
    for text in ["", "epoch=1 run=1", "epoch=1 run=-1\n", "epoch=x run=1\n", "run=1\n"] {
        fs::write(&epoch, text).unwrap();
        assert_eq!(folder.create().err(), Some(JournalError::Epoch), "{text:?}");
    }
}

// Sessions and restarts.

#[test]
fn a_session_is_replayed_to_the_same_state() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 3_000);
    let (digest, seq, path) = (session.engine().digest(), session.seq(), session.path().to_owned());
    let link = session.close().unwrap();
    let report = verify(&path);
    assert_eq!((&report.verdict, report.verdict.code()), (&Verdict::Clean, 0));
    assert_eq!((report.last_seq, report.link), (seq, link));
    assert!(report.count(Kind::Checkpoint) >= 1);
    let replayed = replay(&path, &[]).unwrap();
    assert_eq!((replayed.digest, replayed.link, replayed.events), (digest, link, seq));
    assert!(replayed.per_second() > 0);
}

#[test]
fn a_restart_goes_on_where_the_journal_ends() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 200);
    let seq = session.seq();
    session.close().unwrap();
    let (mut session, cut) = folder.restart(at(1_000)).unwrap();
    assert_eq!((session.seq(), session.run(), cut), (seq, 2, None));
    feed(&mut session, 1_001, 200);
    let (digest, path) = (session.engine().digest(), session.path().to_owned());
    session.close().unwrap();
    let report = verify(&path);
    assert_eq!((report.verdict, report.last_seq), (Verdict::Clean, seq + 200));
    assert_eq!(replay(&path, &[]).unwrap().digest, digest);
}

#[test]
fn a_restart_refuses_another_configuration_and_an_earlier_time() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 20);
    session.close().unwrap();
    let other = samples::config().replace("\"clip\": 2", "\"clip\": 1");
    let json = other.as_bytes();
    let restarted = Session::restart(&folder.run(), json, at_end(), GROUP, &mut Vec::new());
    assert_eq!(restarted.err(), Some(JournalError::OtherConfig));
    assert!(matches!(folder.restart(at(19)), Err(JournalError::Door(_))));
    // Neither has used up a run number.
    assert_eq!(folder.restart(at(20)).unwrap().0.run(), 2);
}

/// A restart at a time that no event may have would be on record for good.
#[test]
fn a_restart_out_of_range_leaves_the_journal_as_it_is() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 20);
    let path = session.path().to_owned();
    session.close().unwrap();
    let whole = fs::read(&path).unwrap();
    for now in [i64::MAX, Time::LATEST.0 + 1] {
        assert!(matches!(folder.restart(Time(now)), Err(JournalError::Door(_))));
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(fs::read_to_string(folder.run().join("epoch")).unwrap(), "epoch=1 run=1\n");
    }
    let (mut session, _) = folder.restart(at(20)).unwrap();
    feed(&mut session, 21, 5);
}

/// Restored from a copy of the journal alone: its own run numbers are not given out again.
#[test]
fn a_journal_without_its_counters_goes_on_under_a_new_run() {
    let folder = Folder::new();
    drop(folder.create().unwrap());
    for (now, run) in [(1, 2), (2, 3)] {
        assert_eq!(folder.restart(at(now)).unwrap().0.run(), run);
    }
    fs::remove_file(folder.run().join("epoch")).unwrap();
    assert_eq!(folder.restart(at(3)).unwrap().0.run(), 4);
    fs::write(folder.run().join("epoch"), "epoch=9 run=1\n").unwrap();
    assert_eq!(folder.restart(at(4)).unwrap().0.run(), 5);
    // A new journal cannot know of the restarts of the old one.
    fs::remove_file(folder.run().join("epoch")).unwrap();
    assert_eq!(folder.create().err(), Some(JournalError::Epoch));
    assert_eq!(folder.restart(at(5)).unwrap().0.run(), 6);
    assert_eq!(folder.create().unwrap().run(), 7);
}

#[test]
fn a_torn_tail_is_cut_aloud_and_once() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 50);
    let path = session.path().to_owned();
    session.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let bounds = bounds(&whole);
    let (start, end) = (bounds[bounds.len() - 2], bounds[bounds.len() - 1]);
    fs::write(&path, &whole[..end - 5]).unwrap();
    let verdict = verify(&path).verdict;
    assert!(matches!(verdict, Verdict::Torn(_)) && verdict.code() == 1, "{verdict:?}");
    let (session, cut) = folder.restart(at(1_000)).unwrap();
    assert_eq!(cut, Some(u64::try_from(end - 5 - start).unwrap()));
    session.close().unwrap();
    let report = verify(&path);
    assert_eq!((report.verdict, report.cuts.len()), (Verdict::Clean, 1));
    assert_eq!(report.cuts[0].bytes, u64::try_from(end - 5 - start).unwrap());
    assert_eq!(folder.restart(at(2_000)).unwrap().1, None);
}

/// A process that dies anywhere in a restart leaves a file that the next one recovers, aloud.
#[test]
fn a_restart_that_is_interrupted_is_done_again() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 50);
    let path = session.path().to_owned();
    session.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let torn = whole.len() - 5;
    fs::write(&path, &whole[..torn]).unwrap();
    drop(folder.restart(at(1_000)).unwrap());
    let cut = bounds(&whole)[bounds(&whole).len() - 2];
    let after = fs::read(&path).unwrap();
    // The restart first left one byte of the tail, then wrote over it.
    for length in (cut + 1..after.len()).step_by(7) {
        fs::write(&path, &after[..length]).unwrap();
        let (session, cut) = folder.restart(at(2_000)).unwrap();
        assert!(cut.is_some() || bounds(&after).contains(&length), "{length} of {}", after.len());
        drop(session);
        assert_eq!(verify(&path).verdict, Verdict::Clean);
    }
}

#[test]
fn damage_is_refused_and_the_file_left_as_it_is() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 200);
    let path = session.path().to_owned();
    session.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let last = bounds(&whole)[bounds(&whole).len() - 2];
    for at in (0..last).step_by(509) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&path, &bytes).unwrap();
        assert!(folder.restart(at_end()).is_err(), "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "byte {at}");
        assert_ne!(verify(&path).verdict.code(), 0, "byte {at}");
    }
}

#[test]
fn a_cut_anywhere_restarts_with_a_prefix_of_the_events() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 40);
    let path = session.path().to_owned();
    session.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let bounds = bounds(&whole);
    for cut in (bounds[1]..whole.len()).step_by(101) {
        fs::write(&path, &whole[..cut]).unwrap();
        let (session, told) = folder.restart(at_end()).unwrap();
        let kept = bounds.iter().rev().find(|bound| **bound <= cut).unwrap();
        assert_eq!(told.unwrap_or(0), u64::try_from(cut - kept).unwrap());
        let report = verify_bytes(&whole[..*kept]);
        assert_eq!(session.seq(), report.last_seq);
        drop(session);
        assert_eq!(verify(&path).verdict, Verdict::Clean);
        replay(&path, &[]).unwrap();
    }
}

#[test]
fn what_the_engine_refuses_is_not_on_record() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    feed(&mut session, 1, 10);
    let (seq, link) = (session.seq(), session.link());
    let refused = session.handle(at(5), &Event::Tick, &mut Vec::new());
    assert!(matches!(refused, Err(JournalError::Door(_))));
    assert_eq!((session.seq(), session.link()), (seq, link));
}

#[test]
fn rows_of_a_source_are_named_and_replayed() {
    let folder = Folder::new();
    let rows: Vec<Change> = (0..9_000).map(|step| row(at(step), 1_000 + step % 7)).collect();
    let sha256 = [7; 32];
    let mut session = folder.create().unwrap();
    session.source(sha256, 0);
    for change in &rows {
        session.handle(change.receive, &Event::Book(*change), &mut Vec::new()).unwrap();
    }
    let (digest, path) = (session.engine().digest(), session.path().to_owned());
    session.close().unwrap();
    let source = Source { sha256, rows: &rows };
    assert_eq!(replay(&path, &[source]).unwrap().digest, digest);
    assert!(verify(&path).count(Kind::Market) > 2, "frames close after 100 ms");
    assert!(matches!(replay(&path, &[]), Err(JournalError::NoSource { .. })));
    let short = Source { sha256, rows: &rows[..8_000] };
    let missing = replay(&path, &[short]);
    assert_eq!(missing, Err(JournalError::NoSource { sha256, row: 8_000 }));
}

#[test]
fn a_replay_tells_where_the_engine_differs() {
    let tick = |commands: &[Command]| {
        let mut encoder = Encoder::begin(&header());
        encoder.decision(1, at(1), &Event::Tick, commands);
        replay_bytes(encoder.bytes(), &[])
    };
    assert_eq!(tick(&[]).unwrap().events, 1);
    let never_given = samples::commands()[0];
    assert_eq!(tick(&[never_given]), Err(JournalError::Diverged { seq: 1 }));
    let mut encoder = Encoder::begin(&header());
    let (now, digest) = (at(1), [0; 32]);
    encoder.checkpoint(&Checkpoint { seq: 0, now, digest });
    assert_eq!(replay_bytes(encoder.bytes(), &[]), Err(JournalError::Diverged { seq: 0 }));
}

/// Opens both accounts and shows both books so far apart that the hedge enters: two orders.
fn open(session: &mut Session, now: Time) -> Vec<Command> {
    let mut out = Vec::new();
    for account in [AccountId(0), AccountId(1)] {
        let (kind, amount) = (CashKind::Opening, Money::units(1_000_000));
        let cash = Cash { account, exchange: now, kind, amount, transfer: None };
        session.handle(now, &Event::Cash(Box::new(cash)), &mut out).unwrap();
    }
    show(session, now, &mut out);
    out
}

/// Shows both books, 100 ticks apart.
fn show(session: &mut Session, now: Time, out: &mut Vec<Command>) {
    for (instrument, bid) in [(0, 1_100), (1, 1_000)] {
        let instrument = InstrumentId(instrument);
        let bids = Change { instrument, row: Row::Snapshot, ..row(now, bid) };
        let asks = Change { side: Side::Sell, row: Row::LevelLast, ..bids };
        session.handle(now, &Event::Book(bids), out).unwrap();
        let asks = Change { price: Price(bid + 1), ..asks };
        session.handle(now, &Event::Book(asks), out).unwrap();
    }
}

fn count(commands: &[Command], code: u8) -> usize {
    commands.iter().filter(|command| command.code() == code).count()
}

const PLACE: u8 = 1;
const CANCEL: u8 = 3;
const QUERY: u8 = 4;

#[test]
fn orders_of_an_engine_leave_after_the_sync() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    let out = open(&mut session, at(1));
    assert_eq!(count(&out, PLACE), 0, "{out:?}");
    assert_eq!(count(&out, 7), 1, "the attempt's start is told at once: {out:?}");
    let mut out = Vec::new();
    session.release(at(50), &mut out);
    assert_eq!(count(&out, PLACE), 0, "{out:?}");
    session.release(at(51), &mut out);
    assert_eq!(count(&out, PLACE), 2, "{out:?}");
}

/// Whether the orders have left or not: after a restart they are asked about, and not sent again.
#[test]
fn orders_in_flight_are_asked_about_after_a_restart() {
    for has_left in [false, true] {
        let folder = Folder::new();
        let mut session = folder.create().unwrap();
        open(&mut session, at(1));
        let mut out = Vec::new();
        session.release(at(if has_left { 60 } else { 2 }), &mut out);
        assert_eq!(count(&out, PLACE), if has_left { 2 } else { 0 });
        let path = session.path().to_owned();
        drop(session);
        let json = samples::config().as_bytes();
        let mut out = Vec::new();
        let (mut session, _) =
            Session::restart(&folder.run(), json, at(100), GROUP, &mut out).unwrap();
        let mut now = at(100);
        while let Some(due) = session.deadline().filter(|due| *due < at(3_000)) {
            now = now.max(due);
            session.handle(now, &Event::Tick, &mut out).unwrap();
            session.release(now, &mut out);
        }
        assert!(count(&out, QUERY) >= 2, "{out:?}");
        assert_eq!(count(&out, PLACE), 0, "{out:?}");
        session.close().unwrap();
        replay(&path, &[]).unwrap();
    }
}

/// A HALT latch is state of the engine, so a restart finds it again.
#[test]
fn a_kill_survives_a_restart() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    open(&mut session, at(1));
    let mut out = Vec::new();
    session.handle(at(30), &verb(Verb::Kill(Scope::All)), &mut out).unwrap();
    assert_eq!(count(&out, CANCEL), 2, "the cancels leave in the same step: {out:?}");
    session.release(at(90), &mut out);
    assert_eq!(count(&out, PLACE), 0, "orders that still waited are taken back: {out:?}");
    let path = session.path().to_owned();
    drop(session);
    let (mut session, _) = folder.restart(at(100)).unwrap();
    out.clear();
    for step in 0..40 {
        show(&mut session, at(200 + 100 * step), &mut out);
        session.release(at(200 + 100 * step), &mut out);
    }
    let enter = verb(Verb::Enter { hedge: HedgeId(0), sets: 1, at_least: None, over: Span::ZERO });
    session.handle(at(9_000), &enter, &mut out).unwrap();
    session.release(at(9_900), &mut out);
    assert_eq!(count(&out, PLACE), 0, "{out:?}");
    drop(session);
    replay(&path, &[]).unwrap();
}

/// With its link down an order cannot be cancelled; one that has not left yet must not leave.
#[test]
fn a_kill_takes_back_what_waits_though_the_link_is_down() {
    let folder = Folder::new();
    let mut session = folder.create().unwrap();
    open(&mut session, at(1));
    let mut out = Vec::new();
    for account in [AccountId(0), AccountId(1)] {
        let down = Link { to: LinkTo::Trading(account), state: LinkState::Down };
        session.handle(at(20), &Event::Link(down), &mut out).unwrap();
    }
    session.handle(at(30), &verb(Verb::Kill(Scope::All)), &mut out).unwrap();
    session.release(at(90), &mut out);
    assert_eq!(count(&out, PLACE), 0, "{out:?}");
    let path = session.path().to_owned();
    session.close().unwrap();
    replay(&path, &[]).unwrap();
}

#[test]
fn a_chain_begins_with_its_run() {
    let (one, two) = (journal(0, 1), journal(0, 2));
    let size = bounds(&one)[1];
    let mut spliced = one[..size].to_vec();
    spliced.extend_from_slice(&two[size..]);
    let mut chain = Chain::new();
    assert!(matches!(chain.step(&spliced), Step::Whole(_)));
    assert!(matches!(chain.step(&spliced[size..]), Step::Bad(_)));
}

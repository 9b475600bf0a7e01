//! What leaves when, and what is left when the disk fails; commands are put in by hand, so that
//! each rule is met alone.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, Text};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::order::{Cancel, HedgeFlag, News, Place, Query, Report, TimeInForce};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::record::{self, Record};

use super::*;
use crate::disk::Disk;
use crate::reader::Reader;
use crate::replay::replay_bytes;
use crate::samples;
use crate::verify::{Verdict, verify_bytes};

/// What a disk does at one of its calls instead of working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The write or sync fails, now and always after.
    Broken,
    /// The write or sync fails this once.
    Once,
    /// One byte is written.
    Short,
    /// Interrupted by a signal.
    Interrupted,
    /// The disk is full, until the reserve is given back.
    Full,
    /// The disk is full and the reserve is gone.
    FullWithoutReserve,
}

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    synced: usize,
    calls: usize,
    syncs: usize,
    gave_back: bool,
}

/// A disk in memory that fails at call number `at`.
#[derive(Debug, Clone)]
struct FaultyDisk {
    platter: Arc<Mutex<Platter>>,
    fault: Fault,
    at: usize,
}

impl FaultyDisk {
    fn new(fault: Fault, at: usize) -> FaultyDisk {
        FaultyDisk { platter: Arc::default(), fault, at }
    }

    fn look<T>(&self, look: impl FnOnce(&mut Platter) -> T) -> T {
        look(&mut self.platter.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn bytes(&self) -> Vec<u8> {
        self.look(|platter| platter.bytes.clone())
    }

    fn synced(&self) -> Vec<u8> {
        self.look(|platter| platter.bytes[..platter.synced].to_vec())
    }

    fn fault(&self) -> Fault {
        let (at, fault) = (self.at, self.fault);
        self.look(|platter| {
            platter.calls += 1;
            let is_now = match fault {
                Fault::Broken | Fault::FullWithoutReserve => platter.calls > at,
                Fault::Full => platter.calls > at && !platter.gave_back,
                Fault::None | Fault::Once | Fault::Short | Fault::Interrupted => {
                    platter.calls == at + 1
                }
            };
            if is_now { fault } else { Fault::None }
        })
    }
}

impl Disk for FaultyDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.fault() {
            Fault::None => bytes.len(),
            Fault::Short => 1,
            Fault::Interrupted => return Err(io::ErrorKind::Interrupted.into()),
            Fault::Broken | Fault::Once => return Err(io::Error::other("broken")),
            Fault::Full | Fault::FullWithoutReserve => {
                return Err(io::ErrorKind::StorageFull.into());
            }
        };
        self.look(|platter| platter.bytes.extend_from_slice(&bytes[..count]));
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.look(|platter| platter.syncs += 1);
        match self.fault() {
            Fault::Broken | Fault::Once => Err(io::Error::other("broken")),
            Fault::None
            | Fault::Short
            | Fault::Interrupted
            | Fault::Full
            | Fault::FullWithoutReserve => {
                self.look(|platter| platter.synced = platter.bytes.len());
                Ok(())
            }
        }
    }

    fn give_back(&mut self) -> bool {
        let fault = self.fault;
        self.look(|platter| {
            let had = fault != Fault::FullWithoutReserve && !platter.gave_back;
            platter.gave_back = true;
            had
        })
    }
}

const START: Time = Time(1_770_000_000_000_000_000);

fn at(millis: i64) -> Time {
    START + Span::millis(millis)
}

fn group(millis: i64) -> Durability {
    Durability::Group(Span::millis(millis))
}

fn session(disk: &FaultyDisk, durability: Durability) -> Session {
    let json = samples::config();
    Session::create_on(Box::new(disk.clone()), json.as_bytes(), START, durability).unwrap()
}

fn order(number: u16) -> ClientOrderId {
    ClientOrderId::pack(1, 1, HedgeId(0), 1, cross_market_core::ids::LegId(0), number).unwrap()
}

fn place(number: u16) -> Command {
    Command::Place(Place {
        order: order(number),
        price: Price(100),
        qty: Qty::of(3),
        account: AccountId(0),
        instrument: InstrumentId(0),
        hedge: HedgeId(0),
        side: Side::Buy,
        effect: PositionEffect::Open,
        tif: TimeInForce::Ioc,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    })
}

fn cancel(number: u16) -> Command {
    let (account, instrument) = (AccountId(0), InstrumentId(0));
    Command::Cancel(Cancel { order: order(number), account, instrument })
}

fn query(number: u16) -> Command {
    let (account, instrument) = (AccountId(0), InstrumentId(0));
    Command::Query(Query { order: order(number), account, instrument })
}

fn rejected(number: u16) -> Event {
    Event::Report(Box::new(Report {
        order: Some(order(number)),
        venue_order_id: Text::EMPTY,
        account: AccountId(0),
        instrument: InstrumentId(0),
        exchange: START,
        receive: START,
        news: News::Cancelled { cum: Qty::ZERO },
    }))
}

/// One decision of the engine, as if it had commanded this.
fn decide(session: &mut Session, now: Time, event: &Event, commands: &[Command]) -> Vec<Command> {
    let mut out = Vec::new();
    session.commands.clear();
    session.commands.extend_from_slice(commands);
    (session.now, session.seq) = (now, session.seq + 1);
    session.decide(event, Effect::Decision, &mut out);
    out
}

fn release(session: &mut Session, now: Time) -> Vec<Command> {
    let mut out = Vec::new();
    session.release(now, &mut out);
    out
}

/// The orders that the records in these bytes ask for.
fn placed(bytes: &[u8]) -> Vec<Command> {
    let mut reader = Reader::over(bytes).unwrap();
    let mut placed = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        if let Record::Decision(decision) = entry.record {
            placed.extend(decision.commands.iter().filter(|command| command.waits()));
        }
    }
    placed
}

#[test]
fn a_group_leaves_after_its_sync_and_not_before() {
    let disk = FaultyDisk::new(Fault::None, 0);
    let mut session = session(&disk, group(5));
    let out = decide(&mut session, at(0), &Event::Tick, &[place(1), query(9), place(2)]);
    assert_eq!(out, [query(9)]);
    assert_eq!(decide(&mut session, at(3), &Event::Tick, &[place(3), cancel(8)]), [cancel(8)]);
    assert_eq!(session.deadline(), Some(at(5)));
    assert_eq!(release(&mut session, at(4)), []);
    assert_eq!(disk.look(|platter| platter.syncs), 1, "of the header alone");
    assert_eq!(release(&mut session, at(5)), [place(1), place(2), place(3)]);
    assert_eq!(disk.look(|platter| platter.syncs), 2);
    assert_eq!(placed(&disk.synced()), [place(1), place(2), place(3)]);
    assert_eq!(session.deadline(), None);
}

#[test]
fn a_group_of_no_time_leaves_at_the_next_release() {
    let disk = FaultyDisk::new(Fault::None, 0);
    let mut session = session(&disk, group(0));
    assert_eq!(decide(&mut session, at(1), &Event::Tick, &[place(1)]), []);
    assert_eq!(session.deadline(), Some(at(1)));
    assert_eq!(release(&mut session, at(1)), [place(1)]);
    assert_eq!(placed(&disk.synced()), [place(1)]);
}

#[test]
fn the_operating_systems_word_can_be_enough() {
    let disk = FaultyDisk::new(Fault::None, 0);
    let mut session = session(&disk, Durability::Os);
    let commands = [place(1), cancel(2), place(3)];
    assert_eq!(decide(&mut session, at(0), &Event::Tick, &commands), commands);
    assert_eq!(placed(&disk.bytes()), [place(1), place(3)]);
    assert_eq!(disk.look(|platter| platter.syncs), 1, "of the header alone");
}

#[test]
fn a_cancel_takes_back_an_order_that_still_waits() {
    let disk = FaultyDisk::new(Fault::None, 0);
    let mut session = session(&disk, group(5));
    decide(&mut session, at(0), &Event::Tick, &[place(1), place(2)]);
    assert_eq!(decide(&mut session, at(1), &Event::Tick, &[cancel(1)]), [cancel(1)]);
    assert_eq!(release(&mut session, at(5)), [place(2)]);
    assert_eq!(session.live.len(), 1);
}

#[test]
fn a_failed_append_cancels_every_order_once_and_sends_none() {
    let disk = FaultyDisk::new(Fault::Broken, 4);
    let mut session = session(&disk, group(0));
    decide(&mut session, at(0), &Event::Tick, &[place(1)]);
    assert_eq!(release(&mut session, at(0)), [place(1)]);
    let out = decide(&mut session, at(1), &Event::Tick, &[place(2), query(7)]);
    assert_eq!(session.poisoned(), Some(Cause::Append));
    assert_eq!(out.first(), Some(&query(7)));
    assert!(matches!(out.get(1), Some(Command::Alert(alert)) if alert.code == AlertCode::Poisoned));
    assert_eq!(out.get(2..), Some(&[cancel(1)][..]));
    assert_eq!(release(&mut session, at(9)), []);
    let calls = disk.look(|platter| platter.calls);
    let mut out = Vec::new();
    let refused = session.handle(at(2), &Event::Tick, &mut out);
    assert_eq!(refused, Err(JournalError::Poisoned { cause: Cause::Append }));
    assert_eq!((out.len(), session.deadline()), (0, None));
    assert_eq!(
        disk.look(|platter| platter.calls),
        calls,
        "nothing is written behind a torn record"
    );
    assert_eq!(session.close(), Err(JournalError::Poisoned { cause: Cause::Append }));
}

#[test]
fn a_frame_that_cannot_be_written_cancels_what_has_left_before() {
    // Calls: header, its sync, a decision, its sync.
    let disk = FaultyDisk::new(Fault::Broken, 4);
    let mut session = session(&disk, group(0));
    decide(&mut session, at(0), &Event::Tick, &[place(1), query(7)]);
    assert_eq!(release(&mut session, at(0)), [place(1)]);
    let mut out = Vec::new();
    session.gather(&samples::changes()[0], None, &mut out);
    assert_eq!(session.deadline(), Some(at(100)));
    assert_eq!((out.len(), release(&mut session, at(99)).len()), (0, 0));
    let out = release(&mut session, at(100));
    assert_eq!((out.len(), out.last()), (2, Some(&cancel(1))));
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    // Calls: header, its sync, two decisions, a sync.
    let disk = FaultyDisk::new(Fault::Once, 4);
    let mut session = session(&disk, group(5));
    decide(&mut session, at(0), &Event::Tick, &[place(1)]);
    decide(&mut session, at(1), &rejected(1), &[place(2)]);
    let out = release(&mut session, at(5));
    assert_eq!(session.poisoned(), Some(Cause::Sync));
    assert_eq!(out.len(), 1, "no order has left, so none is cancelled: {out:?}");
    let syncs = disk.look(|platter| platter.syncs);
    let refused = session.handle(at(6), &Event::Tick, &mut Vec::new());
    assert_eq!(refused, Err(JournalError::Poisoned { cause: Cause::Sync }));
    assert_eq!(session.close(), Err(JournalError::Poisoned { cause: Cause::Sync }));
    assert_eq!(disk.look(|platter| platter.syncs), syncs);
    let report = verify_bytes(&disk.bytes());
    assert_eq!(report.verdict, Verdict::Clean);
    let counts = (report.count(record::Kind::Poison), report.count(record::Kind::Unapplied));
    assert_eq!(counts, (1, 1));
}

#[test]
fn an_engine_that_falls_is_not_trusted_again() {
    let disk = FaultyDisk::new(Fault::None, 0);
    let mut session = session(&disk, group(0));
    let mut out = Vec::new();
    session.handle(at(1), &Event::Tick, &mut out).unwrap();
    let fallen = session.turn(|_, commands| {
        commands.push(place(1));
        panic!("a broken invariant, told by a test");
    });
    assert!(matches!(fallen, Turn::Fallen));
    assert!(matches!(session.turn(|_, _| Err(Error::Poisoned)), Turn::Fallen));
    session.fall(at(2), &Event::Tick, &mut out);
    assert_eq!(session.poisoned(), Some(Cause::Invariant));
    assert_eq!(out.len(), 1, "half a turn's orders do not leave: {out:?}");
    assert!(session.handle(at(3), &Event::Tick, &mut out).is_err());
    let report = verify_bytes(&disk.bytes());
    assert_eq!((report.verdict, report.last_seq), (Verdict::Clean, 3));
    // The events that were not applied are on record, and a replay leaves them out.
    assert_eq!(replay_bytes(&disk.bytes(), &[]).unwrap().events, 1);
}

#[test]
fn the_reserve_takes_the_last_records_of_a_full_disk() {
    let disk = FaultyDisk::new(Fault::Full, 4);
    let mut session = session(&disk, group(0));
    decide(&mut session, at(0), &Event::Tick, &[place(1)]);
    assert_eq!(release(&mut session, at(0)), [place(1)]);
    let out = decide(&mut session, at(1), &Event::Tick, &[place(2)]);
    assert_eq!(session.poisoned(), Some(Cause::Append));
    assert_eq!(out.last(), Some(&cancel(1)));
    assert_eq!(verify_bytes(&disk.bytes()).verdict, Verdict::Clean);
    assert_eq!(placed(&disk.bytes()), [place(1), place(2)]);
}

#[test]
fn the_cancels_leave_a_full_disk_without_reserve() {
    let disk = FaultyDisk::new(Fault::FullWithoutReserve, 4);
    let mut session = session(&disk, group(0));
    decide(&mut session, at(0), &Event::Tick, &[place(1)]);
    release(&mut session, at(0));
    let out = decide(&mut session, at(1), &Event::Tick, &[place(2)]);
    assert_eq!(out.last(), Some(&cancel(1)));
    assert_eq!(placed(&disk.bytes()), [place(1)]);
}

#[test]
fn every_fault_at_every_call_keeps_the_write_ahead_rule() {
    let faults = [
        Fault::Broken,
        Fault::Once,
        Fault::Short,
        Fault::Interrupted,
        Fault::Full,
        Fault::FullWithoutReserve,
    ];
    for fault in faults {
        // The header and its sync are calls 0 and 1; the script below makes 36 more.
        for call in 2..40 {
            for durability in [group(0), group(2), Durability::Os] {
                check_script(fault, call, durability);
            }
        }
    }
}

/// Ten orders and as many cancels; checks that an order leaves only on record (durable, unless the
/// operating system's word is enough), that a poisoned session sends none, and that what is on the
/// disk is a journal, torn at most.
fn check_script(fault: Fault, call: usize, durability: Durability) {
    let disk = FaultyDisk::new(fault, call);
    let mut session = session(&disk, durability);
    let mut alive: Vec<u16> = Vec::new();
    for number in 1..=10_u16 {
        let now = at(i64::from(number));
        let was_poisoned = session.poisoned().is_some();
        let mut out = if was_poisoned {
            Vec::new()
        } else {
            decide(&mut session, now, &Event::Tick, &[place(number), cancel(number / 2)])
        };
        out.extend(release(&mut session, now));
        let safe = if durability == Durability::Os { disk.bytes() } else { disk.synced() };
        for command in out.iter().filter(|command| command.waits()) {
            assert!(!was_poisoned, "{fault:?} at {call}: {command:?} left a poisoned session");
            assert!(placed(&safe).contains(command), "{fault:?} at {call}: {command:?} unsafe");
            alive.push(number);
        }
        if session.poisoned().is_some() && !was_poisoned {
            let gone = out.iter().filter(|command| matches!(command, Command::Cancel(_))).count();
            assert!(gone >= alive.len(), "{fault:?} at {call}: {alive:?} and {gone} cancels");
        }
    }
    let ends_well = matches!(fault, Fault::Short | Fault::Interrupted);
    assert!(!ends_well || session.poisoned().is_none(), "{fault:?} at {call}");
    let verdict = verify_bytes(&disk.bytes()).verdict;
    let is_journal = matches!(verdict, Verdict::Clean | Verdict::Torn(_));
    assert!(is_journal, "{fault:?} at {call}: {verdict:?}");
}

//! W7: a decision record encoded, linked and appended in memory, beside the cost of hashing alone.
//! W7d: groups of records made durable, beside a raw loop of write and fdatasync.
//!
//! Ours and the limit take turns in small rounds, so that both meet the same machine; the median
//! round of each is told.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program: it prints its figures")]
#![allow(clippy::float_arithmetic, clippy::indexing_slicing, reason = "times to be printed")]

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cross_market_core::event::Event;
use cross_market_core::ids::{AccountId, ClientOrderId, CurrencyId, InstrumentId, Text};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{FeeNews, Fill, LiquiditySide, News, Report};
use cross_market_core::record::{Chain, Durability, Encoder, HEAD, Header, RunId, SCHEMA, Step};
use cross_market_core::time::{Span, Time};
use sha2::{Digest, Sha256};

/// Bytes of the payload that W7 names.
const PAYLOAD: usize = 128;

/// Records of one round in memory.
const RECORDS: u64 = 2_000;

const ROUNDS: usize = 401;

fn main() {
    let event = fill();
    let (ours, limit) = in_memory(&event);
    figure("W7", ours, limit);
    let folder = std::env::temp_dir().join(format!("cross_market-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a new folder");
    for group in [100, 1000] {
        let (ours, limit) = durable(&event, group, Written::Together, &folder);
        figure(&format!("W7d.{group}"), ours, limit);
        let (ours, limit) = durable(&event, group, Written::Each, &folder);
        figure(&format!("W7d.{group}.each"), ours, limit);
    }
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

fn figure(name: &str, ours: f64, limit: f64) {
    let ratio = ours / limit;
    println!("FIGURE bench.{name} ours_ns={ours:.1} limit_ns={limit:.1} ratio={ratio:.2}");
}

/// A fill as venues report it, whose record has a payload of 128 bytes.
fn fill() -> Event {
    let trade_id = Text::new("2026021000004711").expect("a text");
    Event::Report(Box::new(Report {
        order: Some(ClientOrderId(0x0100_1000_0004_2001)),
        venue_order_id: Text::new("SHFE00000000123456").expect("a text"),
        account: AccountId(1),
        instrument: InstrumentId(2),
        exchange: Time(1_770_000_000_000_000_000),
        receive: Time(1_770_000_000_000_350_000),
        news: News::Fill(Fill {
            trade_id,
            side: Side::Sell,
            price: Price(55_012),
            qty: Qty::of(3),
            cum: None,
            fee: FeeNews::Paid { amount: Money(30_000_000_000), currency: CurrencyId(0) },
            liquidity: LiquiditySide::Taker,
        }),
    }))
}

fn encoder() -> Encoder {
    let id = RunId { engine: 1, run: 1, start: Time(0) };
    Encoder::begin(&Header {
        schema: SCHEMA,
        id,
        epoch: 1,
        durability: Durability::Group(Span::ZERO),
        library: String::new(),
        config: Vec::new(),
    })
}

/// Nanoseconds a record: ours, and a chain of hashes of 160 bytes copied to a buffer.
fn in_memory(event: &Event) -> (f64, f64) {
    let mut encoder = encoder();
    check_payload(&mut encoder, event);
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(per_record(RECORDS, || {
            for seq in 0..RECORDS {
                encoder.decision(seq, Time(1_770_000_000_000_400_000), black_box(event), &[]);
            }
            black_box(encoder.bytes());
        }));
        encoder.taken();
        limits.push(per_record(RECORDS, || raw_chain(&mut buffer, RECORDS)));
        buffer.clear();
    }
    (median(ours), median(limits))
}

fn raw_chain(buffer: &mut Vec<u8>, records: u64) {
    let mut record = [1_u8; 32 + PAYLOAD];
    for index in 0..records {
        record[32..40].copy_from_slice(&index.to_le_bytes());
        let next: [u8; 32] = Sha256::digest(black_box(&record)).into();
        buffer.extend_from_slice(&record);
        record[..32].copy_from_slice(&next);
    }
    black_box(buffer);
}

fn check_payload(encoder: &mut Encoder, event: &Event) {
    let mut chain = Chain::new();
    let Step::Whole(header) = chain.step(encoder.bytes()) else { panic!("a header") };
    let size = header.size;
    encoder.decision(1, Time(1), event, &[]);
    let Step::Whole(record) = chain.step(&encoder.bytes()[size..]) else { panic!("a record") };
    assert_eq!(record.payload.len(), PAYLOAD, "with a head of {HEAD}");
    encoder.taken();
}

/// When the records of a group are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// All at once, as the limit does it.
    Together,
    /// Each before the next, as a session does it: a process that dies loses none.
    Each,
}

/// Nanoseconds a record, synced in groups: ours, and as many bytes written at once and synced.
fn durable(event: &Event, group: u64, written: Written, folder: &Path) -> (f64, f64) {
    let mut encoder = encoder();
    encoder.taken();
    let mut file = open(&folder.join(format!("ours-{group}-{written:?}")));
    let mut raw = open(&folder.join(format!("raw-{group}-{written:?}")));
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    let mut bytes = Vec::new();
    for _ in 0..(40_000 / group).max(60) {
        let mut size = 0;
        ours.push(per_record(group, || {
            for seq in 1..=group {
                encoder.decision(seq, Time(1_770_000_000_000_400_000), black_box(event), &[]);
                if written == Written::Each || seq == group {
                    file.write_all(encoder.bytes()).expect("room on the disk");
                    size += encoder.bytes().len();
                    encoder.taken();
                }
            }
            file.sync_data().expect("a sync");
            encoder.settle();
        }));
        bytes.resize(size, 7);
        limits.push(per_record(group, || {
            raw.write_all(&bytes).expect("room on the disk");
            raw.sync_data().expect("a sync");
        }));
    }
    (median(ours), median(limits))
}

fn open(path: &PathBuf) -> File {
    OpenOptions::new().append(true).create_new(true).open(path).expect("a new file")
}

#[allow(clippy::cast_precision_loss, clippy::as_conversions, reason = "a time to be printed")]
fn per_record(records: u64, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos() as f64 / records as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

//! A real process that trades on a real disk, killed without warning and begun again.
//!
//! The child prints every order that leaves, after it was let go. The parent reads so many lines,
//! kills it, and looks at what is on the disk: a journal, torn at most, in which every order stands
//! that was printed.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};

use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::event::{Event, Link, LinkState, LinkTo};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, InstrumentId, Text};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, Place, Report, VenueStatus,
};
use cross_market_core::record::{Durability, Record};
use cross_market_core::time::{Span, Time};
use cross_market_journal::sweep::Tally;
use cross_market_journal::{JournalError, Reader, Session, Verdict, replay, samples, verify};

/// How the child is told to be one.
pub(crate) const FEED: &str = "--feed";

/// How often the child is killed.
const KILLS: u64 = 50;

const START: Time = Time(1_770_000_000_000_000_000);

/// Engine time between the beginnings of two children.
const TURN: Span = Span::seconds(3_600);

/// Rounds of trading after which a child that was not killed ends.
const ROUNDS: usize = 1_000;

/// Kills the child after ever more lines, and checks what it left.
pub(crate) fn kills() -> io::Result<Tally> {
    let folder = env::temp_dir().join(format!("cross_market-kills-{}", std::process::id()));
    let run = folder.join("run");
    fs::create_dir(&folder)?;
    let mut tally = Tally::default();
    let mut left = BTreeSet::new();
    for turn in 0..KILLS {
        kill_after(turn % 17, turn, &run, &mut left)?;
        let wrong = check(&run.join("journal-0001.cmj"), &left).err();
        tally.count(wrong.is_none(), || format!("kill {turn}: {}", wrong.unwrap_or_default()));
    }
    fs::remove_dir_all(&folder)?;
    Ok(tally)
}

/// Begins a child, reads `lines` of what it prints, and kills it.
fn kill_after(lines: u64, turn: u64, run: &Path, left: &mut BTreeSet<String>) -> io::Result<()> {
    let mut feed = Process::new(env::current_exe()?);
    feed.arg(FEED).arg(run).arg(turn.to_string()).stdout(Stdio::piped());
    let mut child = feed.spawn()?;
    let mut printed = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
    for _ in 0..lines {
        if let Some(line) = printed.next() {
            left.insert(line?);
        }
    }
    child.kill()?;
    child.wait()?;
    // What it had printed before it died has left as well; the last line may be torn.
    left.extend(printed.map_while(Result::ok).filter(|line| line.len() == 13));
    Ok(())
}

/// Whether the journal is whole or torn, and has every order that has left.
fn check(path: &Path, left: &BTreeSet<String>) -> Result<(), String> {
    if left.is_empty() && !path.exists() {
        return Ok(()); // Killed before its header was durable.
    }
    let verdict = verify(path).verdict;
    if !matches!(verdict, Verdict::Clean | Verdict::Torn(_)) {
        return Err(format!("{verdict:?}"));
    }
    let placed = placed(path).map_err(|error| error.to_string())?;
    if let Some(order) = left.iter().find(|order| !placed.contains(*order)) {
        return Err(format!("order {order} has left and is not on record"));
    }
    replay(path, &[]).map(drop).map_err(|error| error.to_string())
}

fn placed(path: &Path) -> Result<BTreeSet<String>, JournalError> {
    let mut reader = Reader::open(path)?;
    let mut placed = BTreeSet::new();
    while let Some(entry) = reader.next()? {
        let commands = match entry.record {
            Record::Decision(decision) => decision.commands,
            Record::Restart(restart) => restart.commands,
            Record::Header(_)
            | Record::Market(_)
            | Record::Checkpoint(_)
            | Record::Cut(_)
            | Record::Unapplied(_)
            | Record::Poison(_) => Vec::new(),
        };
        for command in &commands {
            if let Command::Place(place) = command {
                placed.insert(place.order.to_string());
            }
        }
    }
    Ok(placed)
}

/// The child: trades until it is killed.
pub(crate) fn feed(run: &Path, turn: u32) -> Result<(), JournalError> {
    let start = Time(START.0 + TURN.0 * i64::from(turn));
    let durability = Durability::Group(Span::millis(1));
    let json = samples::config().as_bytes();
    let mut out = Vec::new();
    let session = if run.join("journal-0001.cmj").exists() {
        Session::restart(run, json, start, durability, &mut out)?.0
    } else {
        Session::create(run, json, start, durability)?
    };
    Trader { session, now: start, trades: 0, turn }.trade(&mut out)
}

/// A session and two venues that fill everything at once.
struct Trader {
    session: Session,
    now: Time,
    trades: u32,
    turn: u32,
}

impl Trader {
    fn trade(mut self, out: &mut Vec<Command>) -> Result<(), JournalError> {
        // The first two events are these, and the last child may have lived to see one of them.
        for account in [AccountId(0), AccountId(1)] {
            if self.session.seq() == u64::from(account.0) {
                let (kind, amount) = (CashKind::Opening, Money::units(1_000_000));
                let cash = Cash { account, exchange: self.now, kind, amount, transfer: None };
                self.event(&Event::Cash(Box::new(cash)), out)?;
            }
        }
        // A new run knows of no line and no feed until it hears of them.
        for at in [0, 1] {
            let (account, instrument) = (AccountId(at), InstrumentId(at));
            for to in [LinkTo::Trading(account), LinkTo::Feed(instrument)] {
                self.event(&Event::Link(Link { to, state: LinkState::Resynced }), out)?;
            }
        }
        // Far apart to enter, close together to leave, and again.
        for gap in [100, 5].iter().cycle().take(ROUNDS) {
            for (instrument, bid) in [(0, 1_000 + gap), (1, 1_000)] {
                self.show(InstrumentId(instrument), bid, out)?;
            }
            self.now = self.now + Span::millis(1);
            self.session.release(self.now, out);
            self.answer(out)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Command>) -> Result<(), JournalError> {
        self.now = self.now + Span(1_000);
        self.session.handle(self.now, event, out).map(drop)
    }

    fn show(
        &mut self,
        instrument: InstrumentId,
        bid: i64,
        out: &mut Vec<Command>,
    ) -> Result<(), JournalError> {
        self.now = self.now + Span(1_000);
        let rows = [(Side::Buy, bid, Row::Snapshot), (Side::Sell, bid + 1, Row::LevelLast)];
        for (side, price, row) in rows {
            let change = Change {
                price: Price(price),
                qty: Qty::of(50),
                seq: 0,
                exchange: self.now,
                receive: self.now,
                step: 0,
                instrument,
                side,
                row,
            };
            self.session.change(self.now, &change, out)?;
        }
        Ok(())
    }

    /// Lets everything leave, and brings back what the venues say to it.
    fn answer(&mut self, out: &mut Vec<Command>) -> Result<(), JournalError> {
        for command in std::mem::take(out) {
            match command {
                Command::Place(place) => {
                    // What is printed is taken for having left.
                    drop(writeln!(io::stdout(), "{}", place.order));
                    let filled = self.filled(&place);
                    self.event(&filled, out)?;
                }
                Command::Query(query) => {
                    // The orders of a dead child never came: the venue has never had them.
                    let answer = Answer {
                        order: query.order,
                        account: query.account,
                        venue_order_id: Text::EMPTY,
                        exchange: self.now,
                        receive: self.now,
                        found: Found::Order { status: VenueStatus::Cancelled, cum: Qty::ZERO },
                    };
                    self.event(&Event::Answer(Box::new(answer)), out)?;
                }
                Command::Cancel(_)
                | Command::Amend(_)
                | Command::Resync(_)
                | Command::Transfer(_)
                | Command::Alert(_) => {}
            }
        }
        Ok(())
    }

    fn filled(&mut self, place: &Place) -> Event {
        self.trades += 1;
        let id = format!("{}-{}", self.turn, self.trades);
        let fill = Fill {
            trade_id: Text::new(&id).unwrap_or(Text::EMPTY),
            side: place.side,
            price: place.price,
            qty: place.qty,
            cum: Some(place.qty),
            fee: FeeNews::Pending,
            liquidity: LiquiditySide::Taker,
        };
        Event::Report(Box::new(Report {
            order: Some(place.order),
            venue_order_id: Text::EMPTY,
            account: place.account,
            instrument: place.instrument,
            exchange: self.now,
            receive: self.now,
            news: News::Fill(fill),
        }))
    }
}

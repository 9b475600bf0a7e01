//! The bytes of a session that has lived through everything: every kind of event, of news and of
//! an operator's words, a disk that failed, a tail that was torn, a restart.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::event::{Estimate, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind, Transfer, TransferId};
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId, LEGS_MAX, Note, Text};
use cross_market_core::instrument::{Reference, ReferenceChange};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, Place, RejectClass, Report, VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::position::{Settle, Statement, StatementKind};
use cross_market_core::record::{Body, Record};
use cross_market_core::time::{Span, Time};
use cross_market_journal::{Disk, Reader, Session, samples};

use super::{Folder, GROUP, START, at, open, row, verb};

/// A disk in memory whose next sync fails when it is told to.
#[derive(Clone, Debug, Default)]
struct Platter {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Arc<Mutex<bool>>,
}

impl Disk for Platter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        let fails = std::mem::take(&mut *self.fails.lock().unwrap());
        if fails { Err(io::Error::other("broken")) } else { Ok(()) }
    }

    fn give_back(&mut self) -> bool {
        false
    }
}

/// A session and its time.
struct Life {
    session: Session,
    now: Time,
}

impl Life {
    fn event(&mut self, event: &Event) -> Vec<Command> {
        self.now = self.now + Span::millis(1);
        let mut out = Vec::new();
        self.session.handle(self.now, event, &mut out).unwrap();
        self.session.release(self.now + Span::millis(50), &mut out);
        self.now = self.now + Span::millis(50);
        out
    }

    fn news(&mut self, place: &Place, news: News) {
        self.event(&Event::Report(Box::new(Report {
            order: Some(place.order),
            venue_order_id: Text::new("V1").unwrap(),
            account: place.account,
            instrument: place.instrument,
            exchange: self.now,
            receive: self.now,
            news,
        })));
    }

    /// Both legs of an Enter, and everything that can be said of its first order.
    fn trade(&mut self) {
        let mut out = open(&mut self.session, self.now);
        self.session.release(self.now + Span::millis(50), &mut out);
        self.now = self.now + Span::millis(50);
        let sent = out.iter().filter_map(|command| match command {
            Command::Place(place) => Some(*place),
            Command::Amend(_)
            | Command::Cancel(_)
            | Command::Query(_)
            | Command::Resync(_)
            | Command::Transfer(_)
            | Command::Alert(_) => None,
        });
        let places: Vec<Place> = sent.collect();
        let [first, second] = places.as_slice() else { panic!("two orders: {out:?}") };
        let (side, class) = (first.side, RejectClass::TooLate);
        let id = |text| Text::new(text).unwrap();
        let fill = |id| Fill {
            trade_id: Text::new(id).unwrap(),
            side,
            price: first.price,
            qty: Qty::of(1),
            cum: None,
            fee: FeeNews::Pending,
            liquidity: LiquiditySide::Taker,
        };
        let (price, qty, cum) = (first.price, Qty::of(1), Qty::of(2));
        let (amount, currency) =
            (Money::units(1), self.session.engine().config().accounts[AccountId(0)].currency);
        for news in [
            News::Accepted,
            News::Fill(fill("T1")),
            News::Fee { trade_id: id("T1"), side, amount, currency },
            News::Fill(fill("T2")),
            News::Status { status: VenueStatus::Filled, cum },
            News::CancelRejected { class, code: 1 },
            News::Correct { trade_id: id("T2"), side, price: Price(price.0 + 1), qty },
            News::Bust { trade_id: id("T2"), side },
        ] {
            self.news(first, news);
        }
        for news in [
            News::Expired { cum: Qty::ZERO },
            News::Cancelled { cum: Qty::ZERO },
            News::Rejected { class, code: 2 },
        ] {
            self.news(second, news);
        }
        let (account, venue_order_id) = (first.account, Text::EMPTY);
        let (order, exchange, receive) = (first.order, self.now, self.now);
        let found = Found::Inconclusive;
        let answer = Answer { order, account, venue_order_id, exchange, receive, found };
        self.event(&Event::Answer(Box::new(answer)));
    }

    /// The other kinds of event.
    fn news_of_the_world(&mut self) {
        let (account, instrument, exchange) = (AccountId(0), InstrumentId(0), self.now);
        let hedge = HedgeId(0);
        for state in [LinkState::Down, LinkState::Up, LinkState::Resynced] {
            for to in [LinkTo::Trading(AccountId(1)), LinkTo::Feed(instrument)] {
                self.event(&Event::Link(Link { to, state }));
            }
        }
        let (kind, long, short) = (StatementKind::Opening, Qty::of(3), Qty::ZERO);
        let price = Price(1_000);
        for (account, instrument) in [(0, 0), (1, 1)] {
            let (account, instrument) = (AccountId(account), InstrumentId(instrument));
            let of = Statement { account, instrument, exchange, kind, long, short, price };
            self.event(&Event::Position(Box::new(of)));
        }
        let (kind, amount) = (CashKind::Interest, Money::units(2));
        self.event(&Event::Cash(Box::new(Cash {
            account,
            exchange,
            kind,
            amount,
            transfer: None,
        })));
        let (id, amount) = (TransferId(1), Money::units(2));
        let (from, to) = (AccountId(0), AccountId(1));
        self.event(&verb(Verb::Transfer(Transfer { id, from, to, amount })));
        for (account, kind) in [(from, CashKind::Left), (to, CashKind::Arrived)] {
            let transfer = Some(id);
            let cash = Cash { account, exchange, kind, amount, transfer };
            self.event(&Event::Cash(Box::new(cash)));
        }
        let (phase, until) = (Phase::Continuous, Time::MAX);
        let change = ReferenceChange::Phase { phase, until };
        self.event(&Event::Reference(Box::new(Reference { instrument, exchange, change })));
        let expires = self.now + Span::seconds(1);
        self.event(&Event::Estimate(Estimate { hedge, value: 7, expires }));
        let (offset, uncertainty) = (Span::millis(1), Span::millis(1));
        self.event(&Event::Clock(Clock { of: ClockOf::Wall, offset, uncertainty }));
        self.event(&Event::Tick);
    }

    fn words(&mut self) {
        let (hedge, scope) = (HedgeId(0), Scope::Hedge(HedgeId(0)));
        let config = Config::from_json(samples::config().as_bytes()).unwrap();
        let mut lots = [0; LEGS_MAX];
        lots[1] = 1;
        let restricted = Scope::Account(AccountId(0));
        for said in [
            Verb::Stop(scope),
            Verb::Resume(scope),
            Verb::Unrestrict(restricted),
            Verb::Enter { hedge, sets: 1, at_least: None, over: Span::ZERO },
            Verb::Exit { hedge, sets: None, over: Span::ZERO },
            Verb::Freeze { hedge, lasts: Span::seconds(1), adverse: 0 },
            Verb::Forfeit { hedge, reason: Note::new("by hand").unwrap() },
            Verb::Policy(Box::new(config.policy)),
            Verb::Kill(Scope::All),
            Verb::Flatten(scope),
        ] {
            self.event(&verb(said));
        }
        // A word on every order that is not known to be done.
        for _ in 0..3 {
            self.now = self.now + Span::seconds(3);
            self.event(&Event::Tick);
        }
        let open = |order: &&cross_market_core::order::Order| !order.is_confirmed();
        let open: Vec<_> = self.session.engine().orders().iter().filter(open).copied().collect();
        assert!(!open.is_empty(), "an order whose outcome is unknown");
        for order in open {
            let (order, cum) = (order.place.order, Qty::of(order.cum));
            let (status, reason) = (VenueStatus::Cancelled, Note::new("by telephone").unwrap());
            self.event(&verb(Verb::Override { order, status, cum, reason }));
        }
        self.event(&verb(Verb::Unlatch(Scope::All)));
        assert!(self.session.engine().attempt(hedge).is_none(), "its time is over");
        self.event(&verb(Verb::Adopt { hedge, lots }));
    }

    /// Rows that cause nothing.
    fn rows(&mut self) {
        for qty in 1..4 {
            self.now = self.now + Span::millis(1);
            let change = Change { qty: Qty::of(qty), ..row(self.now, 1_000) };
            let change = Change { row: Row::SnapshotLast, side: Side::Buy, ..change };
            let event = Event::Book(change);
            self.session.handle(self.now, &event, &mut Vec::new()).unwrap();
        }
        self.event(&Event::Tick);
    }
}

/// The bytes of such a journal.
pub(super) fn journal() -> Vec<u8> {
    let disk = Platter::default();
    let json = samples::config();
    let boxed = Box::new(disk.clone());
    let session = Session::create_on(boxed, json.as_bytes(), START, GROUP).unwrap();
    let mut life = Life { session, now: at(1) };
    life.rows();
    life.trade();
    life.news_of_the_world();
    life.words();
    let instrument = InstrumentId(0);
    let (price, day, exchange) = (Price(1_000), life.now.date(), life.now);
    // The day turns: a checkpoint.
    life.event(&Event::Settle(Box::new(Settle { instrument, price, day, exchange })));
    *disk.fails.lock().unwrap() = true;
    life.event(&verb(Verb::Stop(Scope::All)));
    for _ in 0..2 {
        let refused = life.session.handle(life.now, &Event::Tick, &mut Vec::new());
        assert!(refused.is_err(), "the session is poisoned");
    }
    drop(life.session);
    let bytes = disk.bytes.lock().unwrap().clone();

    let folder = Folder::new();
    let path = folder.run().join("journal-0001.cmj");
    fs::create_dir(folder.run()).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.run(), PermissionsExt::from_mode(0o700)).unwrap();
    let (session, cut) = folder.restart(at(60_000)).unwrap();
    assert!(cut.is_some(), "a torn tail");
    let mut life = Life { session, now: at(60_000) };
    // A restart would want the rows of a source.
    life.session.source([0xAB; 32], 7);
    life.rows();
    life.session.close().unwrap();
    fs::read(&path).unwrap()
}

/// What is in a journal, by the place of each kind in its list.
#[derive(Debug, Default)]
struct Kinds {
    records: BTreeSet<u8>,
    frames: BTreeSet<u8>,
    events: BTreeSet<u8>,
    news: BTreeSet<u8>,
    verbs: BTreeSet<u8>,
}

impl Kinds {
    /// A new kind fails to compile here, or to occur below.
    fn record(&mut self, record: &Record) {
        let place = match record {
            Record::Header(_) => 0,
            Record::Decision(decision) => {
                self.event(&decision.event);
                1
            }
            Record::Market(frame) => {
                self.frames.insert(match frame.body {
                    Body::Inline(_) => 0,
                    Body::Reference { .. } => 1,
                });
                2
            }
            Record::Checkpoint(_) => 3,
            Record::Cut(_) => 4,
            Record::Restart(_) => 5,
            Record::Unapplied(_) => 6,
            Record::Poison(_) => 7,
        };
        self.records.insert(place);
    }

    fn event(&mut self, event: &Event) {
        let place = match event {
            Event::Book(_) => 0,
            Event::Link(_) => 1,
            Event::Report(report) => {
                self.news(&report.news);
                2
            }
            Event::Answer(_) => 3,
            Event::Cash(_) => 4,
            Event::Position(_) => 5,
            Event::Settle(_) => 6,
            Event::Reference(_) => 7,
            Event::Estimate(_) => 8,
            Event::Clock(_) => 9,
            Event::Tick => 10,
            Event::Control(control) => {
                self.verb(&control.verb);
                11
            }
        };
        self.events.insert(place);
    }

    fn news(&mut self, news: &News) {
        self.news.insert(match news {
            News::Accepted => 0,
            News::Rejected { .. } => 1,
            News::Fill(_) => 2,
            News::Cancelled { .. } => 3,
            News::Expired { .. } => 4,
            News::CancelRejected { .. } => 5,
            News::Status { .. } => 6,
            News::Bust { .. } => 7,
            News::Correct { .. } => 8,
            News::Fee { .. } => 9,
        });
    }

    fn verb(&mut self, verb: &Verb) {
        self.verbs.insert(match verb {
            Verb::Stop(_) => 0,
            Verb::Resume(_) => 1,
            Verb::Kill(_) => 2,
            Verb::Unlatch(_) => 3,
            Verb::Flatten(_) => 4,
            Verb::Unrestrict(_) => 5,
            Verb::Enter { .. } => 6,
            Verb::Exit { .. } => 7,
            Verb::Adopt { .. } => 8,
            Verb::Override { .. } => 9,
            Verb::Policy(_) => 10,
            Verb::Freeze { .. } => 11,
            Verb::Forfeit { .. } => 12,
            Verb::Transfer(_) => 13,
            // A hedge of this journal has nowhere to roll to.
            Verb::Roll { .. } => 14,
            // Its accounts draw on no pool.
            Verb::Lease(_) => 15,
        });
    }
}

#[test]
fn a_lived_journal_holds_every_kind() {
    let bytes = journal();
    let mut reader = Reader::over(&bytes).unwrap();
    let mut kinds = Kinds::default();
    while let Some(entry) = reader.next().unwrap() {
        kinds.record(&entry.record);
    }
    for (found, count) in [
        (&kinds.records, 8),
        (&kinds.frames, 2),
        (&kinds.events, 12),
        (&kinds.news, 10),
        (&kinds.verbs, 14),
    ] {
        assert_eq!(*found, (0..count).collect(), "{kinds:?}");
    }
}

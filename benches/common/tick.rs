//! One opportunity after the other on one desk, each entered and given up again.

use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::engine::Engine;
use cross_market_core::event::Event;
use cross_market_core::ids::{InstrumentId, Text};
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::order::{News, Place, RejectClass, Report};
use cross_market_core::position::Settle;
use cross_market_core::time::{Day, Span, Time};

use super::desk::{self, Bands};

/// Sets of one clip: three levels deep on both sides.
const CLIP: usize = 30;
const MIDDLE: i64 = 100_000;
/// By how many ticks the first market's bids jump.
const JUMP: i64 = 60;
const BANDS: Bands = Bands { plus: [50, -100], mirror: [-500_000, 500_000] };
/// Opportunities between two days, so that orders are forgotten before there are too many.
const DAY: u32 = 500;

/// Two books of 200 levels a side, ten lots each, one tick wide, and the engine over them.
pub(crate) struct Desk {
    engine: Engine,
    out: Vec<Command>,
    now: Time,
    seqs: [u64; 2],
    count: u32,
    day: Day,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let now = Time(1_700_000_000_000_000_000);
        let config = desk::config(1, CLIP as i64, BANDS);
        let engine = desk::engine(&config, now);
        let out = Vec::with_capacity(256);
        let mut desk = Desk { engine, out, now, seqs: [0; 2], count: 0, day: now.date() };
        for market in [0, 1] {
            let levels = (0..200).flat_map(|away| {
                [(Side::Buy, MIDDLE - away, 10), (Side::Sell, MIDDLE + 1 + away, 10)]
            });
            desk.message(market, Row::Snapshot, &levels.collect::<Vec<_>>());
        }
        desk
    }

    /// Brings the desk to one row before the opportunity, and gives that row.
    pub(crate) fn prepare(&mut self) -> Change {
        self.now = self.now + Span::millis(500);
        if self.count.is_multiple_of(DAY) {
            self.turn_day();
        }
        self.count += 1;
        self.message(1, Row::Delta, &[(Side::Buy, MIDDLE - 5, 11)]);
        self.message(0, Row::Delta, &[(Side::Buy, MIDDLE - 5, 11)]);
        // The asks in the way go, bids come; the best bid is the last row.
        self.seqs[0] += 1;
        for away in 1..=JUMP {
            self.row(0, Row::Delta, (Side::Sell, MIDDLE + away, 0));
        }
        for away in 1..JUMP {
            self.row(0, Row::Delta, (Side::Buy, MIDDLE + away, 10));
        }
        self.out.clear();
        self.change(0, Row::DeltaLast, (Side::Buy, MIDDLE + JUMP, 10))
    }

    /// What is timed: the row that makes the band reached.
    #[inline(never)]
    pub(crate) fn tick(&mut self, row: &Change) {
        if let Err(error) = self.engine.change(self.now, row, &mut self.out) {
            panic!("refused: {error}");
        }
    }

    /// Proves that both orders left, takes the opportunity away and lets both be rejected.
    pub(crate) fn finish(&mut self) {
        let placed = self.out.iter().filter_map(|command| match command {
            Command::Place(place) => Some(*place),
            Command::Amend(_)
            | Command::Cancel(_)
            | Command::Query(_)
            | Command::Resync(_)
            | Command::Transfer(_)
            | Command::Alert(_) => None,
        });
        let placed: Vec<Place> = placed.collect();
        assert!(placed.len() == 2, "not two orders: {:?}", self.out);
        let mut levels: Vec<(Side, i64, i64)> =
            (1..=JUMP).rev().map(|away| (Side::Buy, MIDDLE + away, 0)).collect();
        levels.extend((1..=JUMP).map(|away| (Side::Sell, MIDDLE + away, 10)));
        self.message(0, Row::Delta, &levels);
        for place in placed {
            self.reject(&place);
        }
        assert!(self.engine.live_orders() == 0, "an order is left");
    }

    /// What one opportunity commands.
    pub(crate) fn commands(mut self) -> Vec<Command> {
        let row = self.prepare();
        self.tick(&row);
        self.out
    }

    fn reject(&mut self, place: &Place) {
        let report = Report {
            order: Some(place.order),
            venue_order_id: Text::EMPTY,
            account: place.account,
            instrument: place.instrument,
            exchange: self.now,
            receive: self.now,
            news: News::Rejected { class: RejectClass::Other, code: 0 },
        };
        self.handle(&Event::Report(Box::new(report)));
    }

    /// Two days turn: what was done before the first is forgotten.
    fn turn_day(&mut self) {
        for _ in 0..2 {
            for instrument in [InstrumentId(0), InstrumentId(1)] {
                let (price, day, exchange) = (Price(MIDDLE), self.day, self.now);
                let settle = Settle { instrument, price, day, exchange };
                self.handle(&Event::Settle(Box::new(settle)));
            }
            self.day = Day(self.day.0 + 1);
            self.now = self.now + Span::seconds(86_400);
        }
    }

    fn handle(&mut self, event: &Event) {
        if let Err(error) = self.engine.handle(self.now, event, &mut self.out) {
            panic!("refused: {error}");
        }
    }

    /// A whole message: its first row is `begins`, the others go on as fits.
    fn message(&mut self, market: u16, begins: Row, levels: &[(Side, i64, i64)]) {
        self.seqs[usize::from(market)] += 1;
        for (at, level) in levels.iter().enumerate() {
            let row = if at > 0 && begins == Row::Snapshot { Row::Level } else { begins };
            let row = if at + 1 == levels.len() { row.ending() } else { row };
            self.row(market, row, *level);
        }
    }

    fn row(&mut self, market: u16, row: Row, level: (Side, i64, i64)) {
        let change = self.change(market, row, level);
        if let Err(error) = self.engine.change(self.now, &change, &mut self.out) {
            panic!("refused: {error}");
        }
    }

    fn change(&self, market: u16, row: Row, (side, price, lots): (Side, i64, i64)) -> Change {
        Change {
            price: Price(price),
            qty: Qty::of(lots),
            seq: self.seqs[usize::from(market)],
            exchange: self.now,
            receive: self.now,
            step: 1,
            instrument: InstrumentId(market),
            side,
            row,
        }
    }
}

//! What an engine may know of one book: a slow, obvious twin made of the rows it was given.

use std::collections::BTreeMap;

use cross_market_core::book::{Change, Row};
use cross_market_core::event::LinkState;
use cross_market_core::num::{Price, Side};
use cross_market_core::time::Time;

/// The twin of a book.
#[derive(Clone, Debug, Default)]
pub struct Twin {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    seq: u64,
    open: Option<u64>,
    known: bool,
    gapped: bool,
    down: bool,
    received: Option<Time>,
    last_bid: Option<Price>,
    last_ask: Option<Price>,
}

impl Twin {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Twin {
        Twin::default()
    }

    /// Takes a row.
    pub fn apply(&mut self, change: &Change) {
        let continues = self.open == Some(change.seq);
        match change.row {
            Row::Snapshot | Row::SnapshotLast => {
                self.bids.clear();
                self.asks.clear();
                (self.known, self.gapped) = (true, false);
                self.seq = change.seq;
            }
            Row::Level | Row::LevelLast => {}
            Row::Delta | Row::DeltaLast => {
                if change.step > 0 && !continues {
                    if change.seq <= self.seq {
                        return;
                    }
                    self.gapped |= change.seq - u64::from(change.step) != self.seq;
                    self.seq = if self.gapped { self.seq } else { change.seq };
                }
                if self.gapped {
                    return;
                }
            }
        }
        self.open = (!change.row.is_last()).then_some(change.seq);
        self.received = Some(change.receive);
        let levels = match change.side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        if change.qty.is_zero() {
            levels.remove(&change.price.0);
        } else {
            levels.insert(change.price.0, change.qty.get());
        }
        if change.row.is_last() && self.is_whole() {
            self.last_bid = self.best(Side::Buy).or(self.last_bid);
            self.last_ask = self.best(Side::Sell).or(self.last_ask);
        }
    }

    /// Takes news of its feed.
    pub fn link(&mut self, state: LinkState) {
        match state {
            LinkState::Down => {
                self.down = true;
                self.known = false;
            }
            // Whole again is it only with a snapshot.
            LinkState::Up | LinkState::Resynced => self.down = false,
        }
    }

    /// The best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.bids.last_key_value().map(|(price, _)| Price(*price)),
            Side::Sell => self.asks.first_key_value().map(|(price, _)| Price(*price)),
        }
    }

    /// The best price of a side when the book was last whole.
    #[must_use]
    pub const fn last_touch(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.last_bid,
            Side::Sell => self.last_ask,
        }
    }

    /// Whether its best bid is above its best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid > ask,
            (_, _) => false,
        }
    }

    /// Whether its levels may be counted on.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.known && !self.gapped && !self.down && !self.is_crossed()
    }

    /// When its last row was received.
    #[must_use]
    pub const fn received(&self) -> Option<Time> {
        self.received
    }
}

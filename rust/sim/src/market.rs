//! Generated market data: books around mid prices that a common signal pulls apart and together.

use cross_market_core::ids::{InstrumentId, VenueId};
use cross_market_core::num::{Price, Side};

use crate::depth::Level;
use crate::random::{Chance, Random};

/// How the book of one instrument is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Its venue.
    pub venue: VenueId,
    /// Mid price with no signal, in ticks.
    pub mid: i64,
    /// Ticks by which the whole signal moves the mid.
    pub pull: i64,
    /// Ticks from the mid to the touch, at least 1.
    pub half: i64,
    /// Ticks between levels.
    pub gap: i64,
    /// Levels a side.
    pub levels: i64,
    /// Lots of a level, more or less.
    pub lots: i64,
    /// How often a book is thin.
    pub thin: Chance,
    /// Whether its messages have sequence numbers.
    pub numbered: bool,
    /// Whether each message is the whole book.
    pub snapshots: bool,
}

/// What a book looks like this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Both sides.
    Both,
    /// Only this side.
    Only(Side),
    /// Nothing.
    Empty,
}

/// The signal in thousandths of its whole size: a regime for a while, then another.
const REGIMES: [i64; 5] = [-1_000, -375, 0, 375, 1_000];

/// A market of several instruments under one signal.
#[derive(Clone, Debug)]
pub struct Market {
    quotes: Vec<Quote>,
    shifts: Vec<i64>,
    signal: i64,
    changes: Chance,
    /// Counts the books made since the market has calmed down.
    calm: Option<i64>,
    random: Random,
}

impl Market {
    /// A market of these books; `changes`: how often a step begins another regime.
    #[must_use]
    pub fn new(quotes: Vec<Quote>, changes: Chance, random: Random) -> Market {
        let shifts = vec![0; quotes.len()];
        Market { quotes, shifts, signal: 0, changes, calm: None, random }
    }

    /// How its books are made.
    #[must_use]
    pub fn quotes(&self) -> &[Quote] {
        &self.quotes
    }

    /// The place of an instrument among its books.
    #[must_use]
    pub fn find(&self, instrument: InstrumentId) -> Option<usize> {
        self.quotes.iter().position(|quote| quote.instrument == instrument)
    }

    /// Sets the signal, in thousandths of its whole size.
    pub fn set_signal(&mut self, signal: i64) {
        self.signal = signal;
    }

    /// Turns the signal round.
    pub fn flip(&mut self) {
        self.signal = if self.signal > 0 { -1_000 } else { 1_000 };
    }

    /// Lets no more regimes begin; from now on the best sizes alone change, so that every book is
    /// fresh and what was taken at the touch comes back.
    pub fn calm(&mut self) {
        self.changes = Chance::NEVER;
        self.shifts.fill(0);
        self.calm = self.calm.or(Some(0));
    }

    /// Moves the mid of a book for good.
    pub fn shift(&mut self, at: usize, ticks: i64) {
        if let Some(shift) = self.shifts.get_mut(at) {
            *shift += ticks;
        }
    }

    /// The mid of a book now, without noise.
    #[must_use]
    pub fn mid(&self, at: usize) -> Option<Price> {
        let (quote, shift) = (self.quotes.get(at)?, self.shifts.get(at)?);
        Some(Price(quote.mid + shift + quote.pull * self.signal / 1_000))
    }

    fn noise(&mut self, quote: &Quote) -> i64 {
        match self.calm {
            Some(_) => 0,
            None => self.random.between(-1, 1) * (quote.half / 4),
        }
    }

    /// Writes the next book at a place: levels of each side, best first.
    pub fn book(&mut self, at: usize, shape: Shape, levels: &mut Vec<(Side, Level)>) {
        levels.clear();
        if self.random.happens(self.changes)
            && let Some(signal) = self.random.pick(&REGIMES)
        {
            self.signal = *signal;
        }
        let (Some(quote), Some(mid)) = (self.quotes.get(at).copied(), self.mid(at)) else {
            return;
        };
        if let Some(made) = &mut self.calm {
            *made += 1;
        }
        let mid = mid.0 + self.noise(&quote);
        let thin = self.calm.is_none() && self.random.happens(quote.thin);
        for side in [Side::Buy, Side::Sell] {
            let wanted = match shape {
                Shape::Both => true,
                Shape::Only(only) => only == side,
                Shape::Empty => false,
            };
            for level in (0..quote.levels).filter(|_| wanted) {
                let away = quote.half + level * quote.gap;
                let lots = match self.calm {
                    Some(made) if level == 0 => quote.lots + made % 7,
                    Some(_) => quote.lots,
                    None if thin => self.random.between(1, 2),
                    None => self.random.between(quote.lots.div_euclid(2).max(1), quote.lots * 2),
                };
                let price = Price(mid - side.sign() * away);
                levels.push((side, Level { price, lots }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market() -> Market {
        let quote = Quote {
            instrument: InstrumentId(0),
            venue: VenueId(0),
            mid: -5,
            pull: 100,
            half: 2,
            gap: 1,
            levels: 3,
            lots: 10,
            thin: Chance::NEVER,
            numbered: true,
            snapshots: false,
        };
        Market::new(vec![quote], Chance::NEVER, Random::new(1))
    }

    #[test]
    fn the_signal_moves_the_mid_and_sides_never_meet() {
        let mut market = market();
        market.set_signal(500);
        assert_eq!(market.mid(0), Some(Price(45)));
        let mut levels = Vec::new();
        market.book(0, Shape::Both, &mut levels);
        assert_eq!(levels.len(), 6);
        let prices = |side| {
            let of = levels.iter().filter(move |(found, _)| *found == side);
            of.map(|(_, level)| level.price).collect::<Vec<_>>()
        };
        assert!(prices(Side::Buy).iter().max() < prices(Side::Sell).iter().min());
        assert!(prices(Side::Buy).windows(2).all(|pair| pair[0] > pair[1]), "best first");
    }

    #[test]
    fn a_shape_leaves_sides_out() {
        let (mut market, mut levels) = (market(), Vec::new());
        market.book(0, Shape::Only(Side::Sell), &mut levels);
        assert!(levels.iter().all(|(side, _)| *side == Side::Sell) && levels.len() == 3);
        market.book(0, Shape::Empty, &mut levels);
        assert!(levels.is_empty());
    }
}

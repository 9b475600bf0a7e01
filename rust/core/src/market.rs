//! Books and merged prices without an engine around them: what research reads.
//!
//! The door is the engine's own: the same bounds, the same reach beyond the other side's touch. No
//! money is known here, no order is made, and no time passes.
#![allow(
    clippy::indexing_slicing,
    reason = "ids of hedges come from the configuration; a miss is a broken invariant"
)]

use std::sync::Arc;

use crate::book::{Applied, Book, Change};
use crate::config::Config;
use crate::error::{Error, Field};
use crate::ids::{HedgeId, InstrumentId, Table};
use crate::instrument::Instrument;
use crate::merge::{Level, Merged, consolidated, tops};
use crate::num::Side;
use crate::quote::HedgePlan;

/// The books of a configuration's instruments, and what its hedges come to in them.
#[derive(Debug)]
pub struct Market {
    config: Arc<Config>,
    books: Table<InstrumentId, Book>,
}

impl Market {
    /// Empty books.
    #[must_use]
    pub fn new(config: &Config) -> Market {
        let book = |(id, of): (InstrumentId, &Instrument)| {
            let mut book = Book::new(of.price_max, of.qty_max);
            book.set_reach(config.policy.instruments[id].reach());
            book
        };
        let books = Table::new(config.instruments.pairs().map(book).collect());
        Market { config: Arc::new(config.clone()), books }
    }

    /// Takes one row; gives what became of it and the book.
    ///
    /// # Errors
    /// What [`Book::check`] refuses, and [`Error::Unknown`] for an instrument that the
    /// configuration does not have; then nothing has changed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn take(&mut self, change: &Change) -> Result<(Applied, &Book), Error> {
        let Some(book) = self.books.get_mut(change.instrument) else {
            return Err(unknown(change.instrument));
        };
        let applied = book.take(change)?;
        Ok((applied, book))
    }

    /// Takes one row; gives whether a best price is another one than before.
    ///
    /// # Errors
    /// As [`Market::take`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn moves(&mut self, change: &Change) -> Result<bool, Error> {
        let Some(book) = self.books.get_mut(change.instrument) else {
            return Err(unknown(change.instrument));
        };
        if change.row.is_snapshot() {
            let before = [Side::Buy, Side::Sell].map(|side| book.best(side));
            book.take(change)?;
            return Ok(before != [Side::Buy, Side::Sell].map(|side| book.best(side)));
        }
        let before = book.best(change.side);
        book.take(change)?;
        Ok(before != book.best(change.side))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The book of an instrument.
    #[inline]
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument)
    }

    /// The plan of a hedge.
    #[must_use]
    pub fn plan(&self, hedge: HedgeId) -> Option<&HedgePlan> {
        self.config.hedges.get(hedge).map(|hedge| &hedge.plan)
    }

    /// The tops of a hedge's legs in one unit and currency, over the plan's denominator; `None`
    /// while a book it needs is not whole or lacks a side.
    #[must_use]
    pub fn tops(&self, hedge: HedgeId) -> Option<Merged> {
        tops(&self.config.hedges[hedge].plan.legs, &self.books)
    }

    /// The best levels of one side over all legs of a hedge, in one unit and currency.
    #[must_use]
    pub fn consolidated(&self, hedge: HedgeId, side: Side, count: usize) -> Vec<Level> {
        consolidated(&self.config.hedges[hedge].plan, &self.books, side, count)
    }
}

#[cold]
fn unknown(instrument: InstrumentId) -> Error {
    Error::Unknown { field: Field::Instrument, found: u32::from(instrument.0) }
}

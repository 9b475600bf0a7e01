//! What is driven through a world: it takes events, commands, and can be looked into a little.

use std::fmt::Debug;

use cross_market_core::command::Command;
use cross_market_core::engine::Effect;
use cross_market_core::event::Event;
use cross_market_core::ids::ClientOrderId;
use cross_market_core::order::{Report, State};
use cross_market_core::quote::Purpose;
use cross_market_core::time::Time;

/// An order as the engine sees it: where it stands, what it is for, and on which leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it stands.
    pub state: State,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether its leg is the first of its hedge.
    pub first: bool,
}

/// What is driven through a world.
pub trait Mind {
    /// What it refuses events with.
    type Error: Debug;
    /// Takes an event.
    ///
    /// # Errors
    /// What its door refuses.
    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Self::Error>;
    /// When its next timer is due, at the earliest.
    fn deadline(&self) -> Option<Time>;
    /// How an order stands; `None`: the newest that is alive. Nothing where it knows none.
    fn seen(&self, about: Option<ClientOrderId>) -> Option<Seen>;
    /// A number for all that it has booked of what a report speaks of: the order, the position and
    /// the balance.
    fn booked(&self, report: &Report) -> u64;
}

/// Two closures as what is driven.
pub(crate) struct Closures<'a, H, D> {
    pub(crate) handle: &'a mut H,
    pub(crate) deadline: &'a D,
}

impl<H, D, E> Mind for Closures<'_, H, D>
where
    H: FnMut(Time, &Event, &mut Vec<Command>) -> Result<Effect, E>,
    D: Fn() -> Option<Time>,
    E: Debug,
{
    type Error = E;

    fn handle(&mut self, now: Time, event: &Event, out: &mut Vec<Command>) -> Result<Effect, E> {
        (self.handle)(now, event, out)
    }

    fn deadline(&self) -> Option<Time> {
        (self.deadline)()
    }

    fn seen(&self, _about: Option<ClientOrderId>) -> Option<Seen> {
        None
    }

    fn booked(&self, _report: &Report) -> u64 {
        0
    }
}

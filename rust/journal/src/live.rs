//! Orders that may be alive at a venue, as the session itself has seen them leave and end.
//!
//! It does not ask the engine, because it is needed when the engine can no longer be trusted. It
//! forgets an order only on a venue's own word, so it may name one too many, never one too few.

use std::collections::BTreeMap;

use cross_market_core::command::Command;
use cross_market_core::event::{Event, Verb};
use cross_market_core::ids::{AccountId, ClientOrderId, InstrumentId, Text};
use cross_market_core::order::{Cancel, Fill, Found, News, VenueStatus};

#[derive(Clone, Debug)]
struct Order {
    account: AccountId,
    instrument: InstrumentId,
    lots: i64,
    trades: Vec<(Text, i64)>,
}

impl Order {
    /// Takes in a fill, once however often it is delivered; returns the lots filled so far.
    fn filled(&mut self, fill: &Fill) -> i64 {
        if self.trades.iter().all(|(known, _)| *known != fill.trade_id) {
            self.trades.push((fill.trade_id, fill.qty.get()));
        }
        self.trades.iter().map(|(_, lots)| lots).sum()
    }
}

/// Orders that may be alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    orders: BTreeMap<ClientOrderId, Order>,
}

impl Live {
    /// Takes in what an event proves.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Report(report) => {
                if let Some(order) = report.order {
                    self.news(order, &report.news);
                }
            }
            Event::Answer(answer) => match answer.found {
                Found::Order { status, .. } => self.status(answer.order, status),
                Found::ProvenAbsent | Found::Inconclusive => {}
            },
            Event::Control(control) => {
                if let Verb::Override { order, status, .. } = control.verb {
                    self.status(order, status);
                }
            }
            Event::Book(_)
            | Event::Link(_)
            | Event::Cash(_)
            | Event::Position(_)
            | Event::Settle(_)
            | Event::Reference(_)
            | Event::Estimate(_)
            | Event::Clock(_)
            | Event::Tick => {}
        }
    }

    fn news(&mut self, id: ClientOrderId, news: &News) {
        match news {
            News::Rejected { .. } | News::Cancelled { .. } | News::Expired { .. } => {
                self.orders.remove(&id);
            }
            News::Status { status, .. } => self.status(id, *status),
            News::Fill(fill) => {
                if let Some(order) = self.orders.get_mut(&id)
                    && order.filled(fill) >= order.lots
                {
                    self.orders.remove(&id);
                }
            }
            News::Accepted
            | News::CancelRejected { .. }
            | News::Bust { .. }
            | News::Correct { .. }
            | News::Fee { .. } => {}
        }
    }

    fn status(&mut self, id: ClientOrderId, status: VenueStatus) {
        match status {
            VenueStatus::Working => {}
            VenueStatus::Filled
            | VenueStatus::Cancelled
            | VenueStatus::Rejected
            | VenueStatus::Expired => {
                self.orders.remove(&id);
            }
        }
    }

    /// Takes in commands that were put on record.
    pub(crate) fn commands(&mut self, commands: &[Command]) {
        for command in commands {
            if let Command::Place(place) = command {
                let (account, instrument) = (place.account, place.instrument);
                let (lots, trades) = (place.qty.get(), Vec::new());
                self.orders.insert(place.order, Order { account, instrument, lots, trades });
            }
        }
    }

    /// Forgets an order that has not left and never will.
    pub(crate) fn withdraw(&mut self, id: ClientOrderId) {
        self.orders.remove(&id);
    }

    /// A cancel for every order that may be alive.
    pub(crate) fn cancels(&self) -> impl Iterator<Item = Cancel> {
        self.orders.iter().map(|(id, order)| Cancel {
            order: *id,
            account: order.account,
            instrument: order.instrument,
        })
    }

    /// How many orders may be alive.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }
}

//! Orders that may be alive at a venue, as the session itself has seen them leave and end.
//!
//! It does not ask the engine, because it is needed when the engine can no longer be trusted. It
//! forgets an order only on a venue's own word that fits what it said before, so it may name one too
//! many, never one too few.

use std::collections::BTreeMap;

use cross_market_core::command::Command;
use cross_market_core::event::{Event, Verb};
use cross_market_core::ids::{AccountId, ClientOrderId, InstrumentId, Text};
use cross_market_core::num::{Qty, Side};
use cross_market_core::order::{Cancel, Fill, Found, News, VenueStatus};

#[derive(Clone, Debug)]
struct Order {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    lots: i64,
    trades: Vec<(Text, i64)>,
    /// The largest total that the venue has told.
    told: i64,
    /// Whether an execution was taken back or corrected: filled may then be less than its size.
    revised: bool,
}

impl Order {
    fn traded(&self) -> i64 {
        self.trades.iter().map(|(_, lots)| lots).sum()
    }

    /// Takes in a fill, once however often it is delivered; whether it ends the order. What would
    /// make the total larger than the venue says is no fill.
    fn filled(&mut self, fill: &Fill) -> bool {
        let known = self.trades.iter().any(|(known, _)| *known == fill.trade_id);
        let total = self.traded() + fill.qty.get();
        if known || fill.side != self.side {
            return false;
        }
        if let Some(cum) = fill.cum {
            self.told = self.told.max(cum.get());
            if total > self.told {
                return false;
            }
        }
        self.trades.push((fill.trade_id, fill.qty.get()));
        total >= self.lots
    }

    /// Whether the venue's end, with its total, fits what it has said before.
    fn ends(&self, status: VenueStatus, cum: Option<Qty>) -> bool {
        let booked = self.traded().max(self.told);
        let Some(total) = cum.map(Qty::get) else { return booked == 0 };
        match status {
            VenueStatus::Working => false,
            VenueStatus::Filled => total >= booked && (total >= self.lots || self.revised),
            VenueStatus::Cancelled | VenueStatus::Rejected | VenueStatus::Expired => {
                total >= booked
            }
        }
    }

    /// An execution has so many lots now, none when it was taken back.
    fn revise(&mut self, trade: Text, lots: i64) {
        let before = self.traded();
        for (_, found) in self.trades.iter_mut().filter(|(known, _)| *known == trade) {
            *found = lots;
            self.revised = true;
        }
        self.told += self.traded() - before;
    }
}

/// Orders that may be alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    orders: BTreeMap<ClientOrderId, Order>,
}

impl Live {
    /// Takes in what an event proves; what contradicts itself proves nothing.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Report(report) => {
                if let Some(order) = report.order {
                    self.news(order, (report.account, report.instrument), &report.news);
                }
            }
            Event::Answer(answer) => match answer.found {
                Found::Order { status, cum } => {
                    let same = |order: &Order| order.account == answer.account;
                    self.status(answer.order, same, status, Some(cum));
                }
                Found::ProvenAbsent | Found::Inconclusive => {}
            },
            Event::Control(control) => {
                if let Verb::Override { order, .. } = control.verb {
                    self.orders.remove(&order);
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

    fn news(&mut self, id: ClientOrderId, of: (AccountId, InstrumentId), news: &News) {
        let same = |order: &Order| (order.account, order.instrument) == of;
        match news {
            News::Rejected { .. } => self.status(id, same, VenueStatus::Rejected, None),
            News::Cancelled { cum } => self.status(id, same, VenueStatus::Cancelled, Some(*cum)),
            News::Expired { cum } => self.status(id, same, VenueStatus::Expired, Some(*cum)),
            News::Status { status, cum } => self.status(id, same, *status, Some(*cum)),
            News::Fill(fill) => {
                let order = self.orders.get_mut(&id).filter(|order| same(order));
                if order.is_some_and(|order| order.filled(fill)) {
                    self.orders.remove(&id);
                }
            }
            News::Bust { trade_id, .. } => {
                if let Some(order) = self.orders.get_mut(&id).filter(|order| same(order)) {
                    order.revise(*trade_id, 0);
                }
            }
            News::Correct { trade_id, qty, .. } => {
                if let Some(order) = self.orders.get_mut(&id).filter(|order| same(order)) {
                    order.revise(*trade_id, qty.get());
                }
            }
            News::Accepted | News::CancelRejected { .. } | News::Fee { .. } => {}
        }
    }

    fn status(
        &mut self,
        id: ClientOrderId,
        same: impl Fn(&Order) -> bool,
        status: VenueStatus,
        cum: Option<Qty>,
    ) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| same(order)) else { return };
        if order.ends(status, cum) {
            self.orders.remove(&id);
        } else if status == VenueStatus::Working {
            order.told = order.told.max(cum.map_or(0, Qty::get));
        }
    }

    /// Takes in commands that were put on record.
    pub(crate) fn commands(&mut self, commands: &[Command]) {
        for command in commands {
            if let Command::Place(place) = command {
                let order = Order {
                    account: place.account,
                    instrument: place.instrument,
                    side: place.side,
                    lots: place.qty.get(),
                    trades: Vec::new(),
                    told: 0,
                    revised: false,
                };
                self.orders.insert(place.order, order);
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

#[cfg(test)]
mod tests {
    use cross_market_core::num::Price;
    use cross_market_core::order::{FeeNews, LiquiditySide, Place, RejectClass, Report};
    use cross_market_core::time::Time;

    use super::*;
    use crate::samples;

    fn place() -> Place {
        let placed = samples::commands().into_iter().find_map(|command| match command {
            Command::Place(place) => Some(place),
            Command::Amend(_)
            | Command::Cancel(_)
            | Command::Query(_)
            | Command::Resync(_)
            | Command::Transfer(_)
            | Command::Alert(_) => None,
        });
        Place { qty: Qty::of(5), ..placed.unwrap() }
    }

    fn fill(trade: &str, qty: i64, cum: Option<i64>) -> News {
        News::Fill(Fill {
            trade_id: Text::new(trade).unwrap(),
            side: place().side,
            price: Price(1),
            qty: Qty::of(qty),
            cum: cum.map(Qty::of),
            fee: FeeNews::Pending,
            liquidity: LiquiditySide::Taker,
        })
    }

    /// How many are left of one order of five lots after these reports.
    fn left(reports: &[News]) -> usize {
        left_in(place().account, reports)
    }

    fn left_in(account: AccountId, reports: &[News]) -> usize {
        let (mut live, place) = (Live::default(), place());
        live.commands(&[Command::Place(place)]);
        for news in reports {
            live.event(&Event::Report(Box::new(Report {
                order: Some(place.order),
                venue_order_id: Text::EMPTY,
                account,
                instrument: place.instrument,
                exchange: Time(1),
                receive: Time(1),
                news: *news,
            })));
        }
        live.len()
    }

    fn status(status: VenueStatus, cum: i64) -> News {
        News::Status { status, cum: Qty::of(cum) }
    }

    fn cancelled(cum: i64) -> News {
        News::Cancelled { cum: Qty::of(cum) }
    }

    fn bust(trade: &str) -> News {
        News::Bust { trade_id: Text::new(trade).unwrap(), side: place().side }
    }

    const REJECTED: News = News::Rejected { class: RejectClass::Other, code: 0 };

    #[test]
    fn an_end_that_fits_ends_an_order() {
        assert_eq!(left(&[]), 1);
        assert_eq!(left(&[REJECTED]), 0);
        assert_eq!(left(&[cancelled(0)]), 0);
        assert_eq!(left(&[fill("a", 2, None), cancelled(3)]), 0);
        assert_eq!(left(&[fill("a", 2, Some(2)), fill("b", 3, Some(5))]), 0);
        assert_eq!(left(&[status(VenueStatus::Filled, 5)]), 0);
        assert_eq!(left(&[fill("a", 5, None)]), 0);
        let busted = [fill("a", 2, None), bust("a"), fill("b", 3, None), cancelled(3)];
        assert_eq!(left(&busted), 0);
    }

    #[test]
    fn an_end_that_contradicts_what_was_said_keeps_the_order() {
        assert_eq!(left(&[fill("a", 2, None), REJECTED]), 1);
        assert_eq!(left(&[fill("a", 2, None), cancelled(1)]), 1);
        assert_eq!(left(&[status(VenueStatus::Working, 3), cancelled(2)]), 1);
        assert_eq!(left(&[status(VenueStatus::Filled, 4)]), 1);
        assert_eq!(left(&[fill("a", 2, None), fill("a", 2, None), fill("a", 2, None)]), 1);
        assert_eq!(left(&[fill("a", 3, Some(3)), fill("b", 2, Some(2))]), 1);
        let elsewhere = AccountId(place().account.0 + 1);
        assert_eq!(left_in(elsewhere, &[cancelled(0)]), 1);
    }
}

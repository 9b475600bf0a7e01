//! All orders of ours that are not forgotten, and all executions: what is found under which id, and
//! for how long it is remembered.

#![allow(
    clippy::indexing_slicing,
    reason = "ids were checked at the door; a miss is a broken invariant and must panic"
)]

use std::collections::BTreeMap;

use super::{Fill, Order};
use crate::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, Table, Text};
use crate::num::{Money, Price, Qty, Side};
use crate::wire::Writer;

/// Where an execution is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The order it belongs to; `None` for one that is not ours.
    pub order: Option<ClientOrderId>,
    /// Its price.
    pub price: Price,
    /// Its size; zero once it was taken back, and while only its fee is known.
    pub qty: Qty,
    /// The order's cumulative quantity after it, where the venue said so: under another id the
    /// same total is the same execution.
    pub after: Option<Qty>,
    /// What was booked as its fee, in the account's currency.
    pub fee: Money,
    /// Whether the venue has still to name the fee.
    pub fee_pending: bool,
    /// Whether it was taken back or corrected: what still comes under its id is passed over.
    pub is_final: bool,
    /// Whether only its correction was heard.
    pub unheard: bool,
    /// Day rolls of its instrument since it came; counted for what belongs to no order of ours.
    pub days: u8,
}

impl Execution {
    /// One that was taken back before it came.
    pub const TAKEN_BACK: Execution = Execution {
        order: None,
        price: Price(0),
        qty: Qty::ZERO,
        after: None,
        fee: Money::ZERO,
        fee_pending: false,
        is_final: true,
        unheard: false,
        days: 0,
    };

    /// One whose fee was told before it came.
    #[must_use]
    pub const fn awaited(fee: Money) -> Execution {
        Execution { fee, is_final: false, ..Execution::TAKEN_BACK }
    }

    /// Whether it has not come: only its fee is known.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        self.qty.is_zero() && !self.is_final
    }
}

/// What makes an execution one: where, what, which side, which id.
pub type ExecutionKey = (AccountId, InstrumentId, Side, Text);

/// How many of the newest orders are looked at one by one before the rest is searched.
const NEWEST: usize = 8;

/// The place of an order; those asked for are nearly always among the newest.
fn place_of(orders: &[Order], id: ClientOrderId) -> Option<usize> {
    let newest = orders.len().saturating_sub(NEWEST);
    let (older, newer) = orders.split_at(newest);
    match newer.iter().rposition(|order| order.place.order == id) {
        Some(at) => Some(newest + at),
        None => older.binary_search_by_key(&id, |order| order.place.order).ok(),
    }
}

/// The place of the first order that is not before this id.
fn first_of(orders: &[Order], id: ClientOrderId) -> usize {
    let newest = orders.len().saturating_sub(NEWEST);
    let (older, newer) = orders.split_at(newest);
    match newer.iter().rposition(|order| order.place.order < id) {
        Some(at) => newest + at + 1,
        None => older.partition_point(|order| order.place.order < id),
    }
}

/// All orders of ours that are not forgotten, and all their executions.
///
/// Orders stand by hedge in ascending id, so that those of the living attempt are the last ones.
#[derive(Clone, Debug)]
pub struct Orders {
    by_hedge: Table<HedgeId, Vec<Order>>,
    room: usize,
    executions: BTreeMap<ExecutionKey, Execution>,
    /// Other ids of executions, by the one under which they are booked.
    aliases: BTreeMap<ExecutionKey, Text>,
    executions_max: usize,
}

impl Orders {
    /// A table for so many hedges with room for so many orders and executions in all.
    #[must_use]
    pub fn new(hedges: usize, orders_max: usize, executions_max: usize) -> Orders {
        let room = (orders_max / hedges.max(1)).max(64);
        let by_hedge = (0..hedges).map(|_| Vec::with_capacity(room)).collect();
        Orders {
            by_hedge: Table::new(by_hedge),
            room,
            executions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            executions_max,
        }
    }

    /// Whether `hedge` may make `count` orders more.
    #[must_use]
    pub fn has_room(&self, hedge: HedgeId, count: usize) -> bool {
        self.by_hedge[hedge].len() + count <= self.room
            && self.executions.len() < self.executions_max
    }

    /// Adds an order; its id is new, the engine made it.
    pub fn insert(&mut self, order: Order) {
        let orders = &mut self.by_hedge[order.place.hedge];
        // Ids ascend, so that a new one is nearly always the last.
        if orders.last().is_none_or(|last| last.place.order < order.place.order) {
            orders.push(order);
            return;
        }
        let at = orders.partition_point(|known| known.place.order < order.place.order);
        orders.insert(at, order);
    }

    /// The order of this id.
    #[must_use]
    pub fn get(&self, id: ClientOrderId) -> Option<&Order> {
        let orders = self.by_hedge.get(id.hedge())?;
        orders.get(place_of(orders, id)?)
    }

    /// The order of this id, to be changed.
    pub fn get_mut(&mut self, id: ClientOrderId) -> Option<&mut Order> {
        let orders = self.by_hedge.get_mut(id.hedge())?;
        let at = place_of(orders, id)?;
        orders.get_mut(at)
    }

    /// The orders of a hedge in ascending id.
    #[must_use]
    pub fn of_hedge(&self, hedge: HedgeId) -> &[Order] {
        &self.by_hedge[hedge]
    }

    /// The orders of one attempt.
    #[must_use]
    pub fn of_attempt(&self, decision: ClientOrderId) -> &[Order] {
        let orders = &self.by_hedge[decision.hedge()];
        if orders.last().is_none_or(|last| last.place.order < decision) {
            return &[];
        }
        let first = first_of(orders, decision);
        let rest = orders.get(first..).unwrap_or(&[]);
        let count = rest.partition_point(|order| order.place.order.decision() == decision);
        rest.get(..count).unwrap_or(&[])
    }

    /// All orders, by hedge and id.
    pub fn iter(&self) -> impl Iterator<Item = &Order> {
        self.by_hedge.iter().flatten()
    }

    /// What is known of an execution.
    #[must_use]
    pub fn execution(&self, key: &ExecutionKey) -> Option<&Execution> {
        self.executions.get(key)
    }

    /// What is known of an execution, to be changed.
    pub fn execution_mut(&mut self, key: &ExecutionKey) -> Option<&mut Execution> {
        self.executions.get_mut(key)
    }

    /// The key under which an execution is booked: its own, unless it is known under another id.
    #[must_use]
    pub fn booked_as(&self, key: ExecutionKey) -> ExecutionKey {
        match self.aliases.get(&key) {
            Some(trade_id) => (key.0, key.1, key.2, *trade_id),
            None => key,
        }
    }

    /// The execution of `order` that this fill is under another id: the order's cumulative quantity
    /// after both is the same. Once something of the order was revised a total says no more.
    #[must_use]
    pub fn same_as(&self, order: &Order, key: &ExecutionKey, fill: &Fill) -> Option<ExecutionKey> {
        let after = fill.cum?;
        let is_next = order.venue_cum == order.cum && after.get() == order.cum + fill.qty.get();
        // The next one, without a gap before it, is no other; after a bust totals come twice.
        if is_next || order.revised {
            return None;
        }
        let (account, instrument, side, _) = *key;
        let first = (account, instrument, side, Text::EMPTY);
        let same = |(of, known): &(&ExecutionKey, &Execution)| {
            of.3 != key.3 && known.order == Some(order.place.order) && known.after == Some(after)
        };
        let of_side = |of: &&ExecutionKey| (of.0, of.1, of.2) == (account, instrument, side);
        let rows = self.executions.range(first..).take_while(|(of, _)| of_side(of));
        rows.into_iter().find(same).map(|(of, _)| *of)
    }

    /// Remembers that an execution has another id too.
    pub fn alias(&mut self, other: ExecutionKey, booked: &ExecutionKey) {
        self.aliases.insert(other, booked.3);
    }

    /// Remembers an execution.
    pub fn remember(&mut self, key: ExecutionKey, execution: Execution) {
        self.executions.insert(key, execution);
    }

    /// Counts a day roll of `instrument`; forgets what was done and confirmed two rolls ago, with
    /// its executions.
    pub fn roll(&mut self, instrument: InstrumentId) {
        for orders in self.by_hedge.iter_mut() {
            orders.retain_mut(|order| {
                if order.place.instrument == instrument && order.is_confirmed() {
                    order.days_done = order.days_done.saturating_add(1);
                }
                order.days_done < 2
            });
        }
        let by_hedge = &self.by_hedge;
        self.executions.retain(|(_, of, _, _), execution| {
            if *of != instrument {
                return true;
            }
            let Some(id) = execution.order else {
                // It belongs to no order of ours: it is kept as long as if its order had been done.
                execution.days = execution.days.saturating_add(1);
                return execution.days < 2;
            };
            by_hedge.get(id.hedge()).is_some_and(|orders| {
                orders.binary_search_by_key(&id, |order| order.place.order).is_ok()
            })
        });
        let executions = &self.executions;
        self.aliases.retain(|key, booked| executions.contains_key(&(key.0, key.1, key.2, *booked)));
    }

    /// All orders and executions in canonical bytes.
    pub fn digest(&self, out: &mut Writer) {
        for orders in self.by_hedge.iter() {
            out.len(orders.len());
            for order in orders {
                order.digest(out);
            }
        }
        out.len(self.executions.len());
        for ((account, instrument, side, trade_id), execution) in &self.executions {
            out.u16(account.0);
            out.u16(instrument.0);
            out.u8(u8::from(*side == Side::Sell));
            out.bytes(trade_id.as_str().as_bytes());
            out.bool(execution.order.is_some());
            out.u64(execution.order.map_or(0, |order| order.0));
            out.i64(execution.price.0);
            out.i64(execution.qty.get());
            out.i64(execution.after.map_or(-1, Qty::get));
            out.i128(execution.fee.0);
            out.bool(execution.fee_pending);
            out.bool(execution.is_final);
            out.bool(execution.unheard);
        }
        out.len(self.aliases.len());
        for ((account, instrument, side, trade_id), booked) in &self.aliases {
            out.u16(account.0);
            out.u16(instrument.0);
            out.u8(u8::from(*side == Side::Sell));
            out.bytes(trade_id.as_str().as_bytes());
            out.bytes(booked.as_str().as_bytes());
        }
    }
}

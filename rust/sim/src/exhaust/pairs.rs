//! Every order that any history leads to, with every input.

use std::collections::BTreeSet;

use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::order::{
    HedgeFlag, Ignored, Input, Order, Place, RejectClass, State, TimeInForce, VenueStatus, Verdict,
};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::time::Time;

/// Size of the orders, in lots.
const SIZE: i64 = 2;
/// Totals that are told, and lots of a fill: from nothing to more than the size.
const MOST: i64 = 3;

/// What the pairs came to.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Different orders that histories lead to.
    pub orders: u64,
    /// Inputs tried on each.
    pub inputs: u64,
    /// Orders × inputs.
    pub pairs: u64,
    /// Labels of a state that were met, of 11.
    pub labels: usize,
    /// Inputs that led beyond so many lots as are told of, and were not gone on from.
    pub cut: u64,
    /// What should hold and does not; the first hundred.
    pub broken: Vec<String>,
    /// How many there were.
    pub violations: u64,
}

fn order(tif: TimeInForce) -> Order {
    let place = Place {
        order: ClientOrderId(1),
        price: Price(100),
        qty: Qty::of(SIZE),
        account: AccountId(0),
        instrument: InstrumentId(0),
        hedge: HedgeId(0),
        side: Side::Buy,
        effect: PositionEffect::Open,
        tif,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    };
    Order::new(place, Time(0))
}

/// Every input, with every number up to [`MOST`].
#[must_use]
pub fn inputs() -> Vec<Input> {
    let statuses = [
        VenueStatus::Working,
        VenueStatus::Filled,
        VenueStatus::Cancelled,
        VenueStatus::Rejected,
        VenueStatus::Expired,
    ];
    let mut all = vec![
        Input::Sent,
        Input::Accepted,
        Input::Absent,
        Input::Inconclusive,
        Input::Timeout,
        Input::LinkDown,
        Input::CancelSent,
    ];
    let totals = || std::iter::once(None).chain((0..=MOST).map(|lots| Some(Qty::of(lots))));
    for lots in (1..=MOST).map(Qty::of) {
        all.extend(totals().map(|cum| Input::Fill { qty: lots, cum }));
        all.extend(totals().map(|cum| Input::PassedOver { qty: lots, cum }));
        all.push(Input::Bust { qty: lots });
        all.extend((1..=MOST).map(|to| Input::Correct { from: lots, to: Qty::of(to) }));
    }
    for status in statuses {
        all.extend(totals().map(|cum| Input::Done { status, cum }));
        all.push(Input::Override { status });
    }
    all.extend((0..=MOST).map(|lots| Input::Working { cum: Qty::of(lots) }));
    for class in [
        RejectClass::Other,
        RejectClass::Phase,
        RejectClass::Rate,
        RejectClass::UnknownOrder,
        RejectClass::TooLate,
    ] {
        all.push(Input::CancelRejected { class });
    }
    all
}

/// What makes an order different from another.
fn key(order: &Order) -> (State, i64, i64, Option<State>, [bool; 4], u8) {
    let rests = order.place.tif == TimeInForce::Gtc;
    let flags = [order.seen, order.revised, order.overridden, rests];
    (order.state, order.cum, order.venue_cum, order.claimed, flags, order.unheard)
}

/// Goes through all of them.
#[must_use]
pub fn all() -> Pairs {
    let inputs = inputs();
    let mut found = Pairs::default();
    let mut open = vec![order(TimeInForce::Ioc), order(TimeInForce::Gtc)];
    let mut seen: BTreeSet<_> = open.iter().map(key).collect();
    let mut labels: BTreeSet<u8> = BTreeSet::new();
    while let Some(before) = open.pop() {
        found.orders += 1;
        labels.insert(before.state.code());
        for input in &inputs {
            found.pairs += 1;
            let mut after = before;
            let verdict = after.next(*input);
            for what in wrong(&before, *input, verdict, &after) {
                found.violations += 1;
                if found.broken.len() < 100 {
                    found.broken.push(format!("{what}: {before:?} {input:?} {verdict:?}"));
                }
            }
            let wide = after.venue_cum > 2 * MOST || after.unheard > 2;
            if wide {
                found.cut += 1;
            } else if seen.insert(key(&after)) {
                open.push(after);
            }
        }
    }
    found.inputs = u64::try_from(inputs.len()).unwrap_or(u64::MAX);
    found.labels = labels.len();
    found
}

/// What does not hold after an input.
fn wrong(before: &Order, input: Input, verdict: Verdict, after: &Order) -> Vec<&'static str> {
    let revises =
        matches!(input, Input::Bust { .. } | Input::PassedOver { .. } | Input::Correct { .. });
    let evidence = match input {
        Input::Accepted
        | Input::Fill { .. }
        | Input::PassedOver { .. }
        | Input::Done { .. }
        | Input::Working { .. }
        | Input::Absent
        | Input::Override { .. } => true,
        Input::Sent
        | Input::CancelRejected { .. }
        | Input::Inconclusive
        | Input::Timeout
        | Input::LinkDown
        | Input::CancelSent
        | Input::Bust { .. }
        | Input::Correct { .. } => false,
    };
    let ignored = matches!(verdict, Verdict::Ignored(Ignored::Known | Ignored::Stale))
        || matches!(verdict, Verdict::Ignored(Ignored::NoEvidence | Ignored::NotDue));
    let booked = (before.cum, before.venue_cum) == (after.cum, after.venue_cum);
    let left_unknown = before.state == State::Unknown && after.state != State::Unknown;
    let ends = after.state.is_done() && !before.state.is_done();
    let rules = [
        ("booked lots shrank", after.cum < before.cum && !revises),
        ("more is booked than the venue told", after.cum < 0 || after.venue_cum < after.cum),
        ("less than nothing is left", after.leaves() < 0),
        ("what was seen is forgotten", before.seen && !after.seen),
        ("an end changed", before.state.is_done() && after.state != before.state),
        ("unknown ended without evidence", left_unknown && !evidence),
        ("a claim without a gap", after.claimed.is_some() && after.venue_cum <= after.cum),
        ("a claim and not unknown", after.claimed.is_some() && after.state != State::Unknown),
        ("done and not confirmed", ends && !after.is_confirmed()),
        ("not applied and booked", verdict != Verdict::Applied && !booked),
        ("ignored and moved", ignored && after.state != before.state),
    ];
    rules.into_iter().filter(|(_, broken)| *broken).map(|(what, _)| what).collect()
}

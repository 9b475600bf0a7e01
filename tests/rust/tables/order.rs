//! The table of the order machine, and what holds whatever comes.

use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, LegId};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::order::{
    Clash, HedgeFlag, Ignored, Input, Order, Place, RejectClass, State, TimeInForce, VenueStatus,
    Verdict,
};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::time::Time;
use proptest::prelude::*;

use super::{pin, table};

/// Size of every order of the table, in lots.
const SIZE: i64 = 10;

fn lots(lots: i64) -> Qty {
    Qty::new(lots).unwrap()
}

fn order(size: i64, tif: TimeInForce) -> Order {
    let place = Place {
        order: ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 1).unwrap(),
        price: Price(100),
        qty: lots(size),
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

/// What is booked and what the venue claims, before an input.
struct Booking {
    title: &'static str,
    cum: i64,
    venue_cum: i64,
    /// The end claimed; only an order whose outcome is unknown has one.
    claimed: Option<State>,
}

const BOOKINGS: [Booking; 6] = [
    Booking { title: "Nothing booked", cum: 0, venue_cum: 0, claimed: None },
    Booking { title: "Partly booked: 4 of 10", cum: 4, venue_cum: 4, claimed: None },
    Booking { title: "Fully booked: 10 of 10", cum: 10, venue_cum: 10, claimed: None },
    Booking {
        title: "Executions missing: 4 booked, the venue has told of 7",
        cum: 4,
        venue_cum: 7,
        claimed: None,
    },
    Booking {
        title: "An end is claimed: cancelled with 7, of which 4 are booked",
        cum: 4,
        venue_cum: 7,
        claimed: Some(State::Cancelled),
    },
    Booking {
        title: "An end is claimed: filled with 10, nothing of it booked",
        cum: 0,
        venue_cum: 10,
        claimed: Some(State::Filled),
    },
];

fn state_name(state: State) -> &'static str {
    match state {
        State::New => "New",
        State::Sent => "Sent",
        State::Acked => "Acked",
        State::Partial => "Partial",
        State::PendingAmend => "PendingAmend",
        State::PendingCancel => "PendingCancel",
        State::Unknown => "Unknown",
        State::Filled => "Filled",
        State::Cancelled => "Cancelled",
        State::Rejected => "Rejected",
        State::Expired => "Expired",
    }
}

/// Every kind of input, with the numbers that make a difference for `booking`.
fn inputs(booking: &Booking) -> Vec<(String, Input)> {
    let Booking { cum, venue_cum, .. } = *booking;
    let fill = |qty: i64, total: Option<i64>| Input::Fill { qty: lots(qty), cum: total.map(lots) };
    let done = |status, total: Option<i64>| Input::Done { status, cum: total.map(lots) };
    let mut all = vec![
        ("sent".to_owned(), Input::Sent),
        ("accepted".to_owned(), Input::Accepted),
        ("fill 3, no total".to_owned(), fill(3, None)),
        (format!("fill 3, total {}", cum + 3), fill(3, Some(cum + 3))),
        (format!("fill 3, total {} (one before it is missing)", cum + 5), fill(3, Some(cum + 5))),
    ];
    if cum > 0 {
        let title = format!("fill {cum}, total {cum} (once more, under another id)");
        all.push((title, fill(cum, Some(cum))));
    }
    if cum < SIZE {
        all.push((format!("fill {}, the whole rest", SIZE - cum), fill(SIZE - cum, None)));
    }
    all.push((format!("fill {}, more than the rest", SIZE - cum + 2), fill(SIZE - cum + 2, None)));
    all.push((format!("done: cancelled, total {cum}"), done(VenueStatus::Cancelled, Some(cum))));
    all.push((
        format!("done: cancelled, total {}", venue_cum + 2),
        done(VenueStatus::Cancelled, Some(venue_cum + 2)),
    ));
    if venue_cum > cum {
        let title = format!("done: cancelled, total {venue_cum}");
        all.push((title, done(VenueStatus::Cancelled, Some(venue_cum))));
    }
    if cum > 0 {
        let title = format!("done: cancelled, total {}", cum - 1);
        all.push((title, done(VenueStatus::Cancelled, Some(cum - 1))));
    }
    all.extend([
        ("done: filled, total 10".to_owned(), done(VenueStatus::Filled, Some(SIZE))),
        ("done: filled, total 8".to_owned(), done(VenueStatus::Filled, Some(8))),
        ("done: filled, no total".to_owned(), done(VenueStatus::Filled, None)),
        (format!("done: expired, total {cum}"), done(VenueStatus::Expired, Some(cum))),
        (format!("done: rejected, total {cum}"), done(VenueStatus::Rejected, Some(cum))),
        ("done: rejected, no total".to_owned(), done(VenueStatus::Rejected, None)),
        ("done: cancelled, no total".to_owned(), done(VenueStatus::Cancelled, None)),
        ("done: \"working\"".to_owned(), done(VenueStatus::Working, Some(cum))),
        (format!("working, total {cum}"), Input::Working { cum: lots(cum) }),
        (format!("working, total {}", venue_cum + 2), Input::Working { cum: lots(venue_cum + 2) }),
    ]);
    if cum > 0 {
        all.push((format!("working, total {}", cum - 1), Input::Working { cum: lots(cum - 1) }));
    }
    for class in [RejectClass::TooLate, RejectClass::UnknownOrder, RejectClass::Other] {
        all.push((format!("cancel rejected: {class:?}"), Input::CancelRejected { class }));
    }
    all.extend([
        ("proven absent".to_owned(), Input::Absent),
        ("inconclusive".to_owned(), Input::Inconclusive),
        ("time-out".to_owned(), Input::Timeout),
        ("link down".to_owned(), Input::LinkDown),
        ("cancel sent".to_owned(), Input::CancelSent),
    ]);
    if cum > 0 {
        all.push((format!("bust of {cum}"), Input::Bust { qty: lots(cum) }));
    }
    if cum > 0 {
        let to = lots(cum + 1);
        all.push((
            format!("correction of {cum} to {}", cum + 1),
            Input::Correct { from: lots(cum), to },
        ));
    }
    all.push((format!("bust of {}", cum + 1), Input::Bust { qty: lots(cum + 1) }));
    for qty in [SIZE - cum, SIZE].into_iter().filter(|qty| *qty > 0) {
        let told =
            (format!("{qty}, taken back before"), Input::PassedOver { qty: lots(qty), cum: None });
        all.push(told);
    }
    for status in [VenueStatus::Cancelled, VenueStatus::Working] {
        all.push((format!("override: {status:?}"), Input::Override { status }));
    }
    all
}

/// An order in `state` with `booking`; `None` when no history leads there.
fn order_in(state: State, booking: &Booking, tif: TimeInForce) -> Option<Order> {
    if booking.claimed.is_some() && state != State::Unknown {
        return None;
    }
    let mut order = order(SIZE, tif);
    order.state = state;
    order.cum = booking.cum;
    order.venue_cum = booking.venue_cum;
    order.claimed = booking.claimed;
    order.seen =
        booking.venue_cum > 0 || !matches!(state, State::New | State::Sent | State::Unknown);
    Some(order)
}

fn cell(before: &Order, input: Input) -> String {
    let mut after = *before;
    let verdict = after.next(input);
    let booked = if (before.cum, before.venue_cum) == (after.cum, after.venue_cum) {
        String::new()
    } else if after.cum == after.venue_cum {
        format!(" {}", after.cum)
    } else {
        format!(" {} of {}", after.cum, after.venue_cum)
    };
    let claim = match after.claimed {
        Some(end) if after.claimed != before.claimed => format!(", claimed {}", state_name(end)),
        Some(_) | None => String::new(),
    };
    let moved = format!("{}{booked}{claim}", state_name(after.state));
    match verdict {
        Verdict::Applied => moved,
        Verdict::Ignored(why) => {
            let mut unseen = after;
            unseen.seen = before.seen;
            assert_eq!(unseen, *before, "an ignored input changed the order: {input:?}");
            match why {
                Ignored::Known => "· known".to_owned(),
                Ignored::Stale => "· stale".to_owned(),
                Ignored::NoEvidence => "· no evidence".to_owned(),
                Ignored::NotDue => "· not due".to_owned(),
            }
        }
        Verdict::Conflict(clash) => {
            assert_eq!((after.cum, after.venue_cum), (before.cum, before.venue_cum), "{input:?}");
            let why = match clash {
                Clash::TotalBelowBooked => "total below booked",
                Clash::TotalBelowTold => "total below told",
                Clash::CountedTwice => "counted twice",
                Clash::AbsentButSeen => "absent but seen",
                Clash::BustBeyondBooked => "bust beyond booked",
                Clash::OverriddenButWorks => "overridden but works",
            };
            if after.state == before.state {
                format!("✗ {why}")
            } else {
                format!("✗ {why} → {}", state_name(after.state))
            }
        }
    }
}

const HEAD: &str = "\
# The order machine

Every pair of state and input, for an immediate-or-cancel order of 10 lots. This page is written and
compared by `tests/rust/tables.rs`.

A cell is the state that follows; a number behind it is what is booked then, `4 of 7` says that 4
are booked and that the venue has told of 7. `·` the input changes nothing, and why; `✗` it
contradicts what is known, is not applied, and the order is asked about. An order is confirmed when
it is done and what is booked equals what the venue told. States that cannot have the booking of a
table are shown all the same: the machine is defined for every pair.

";

#[test]
fn every_pair_of_state_and_input_is_in_the_table() {
    let mut text = String::from(HEAD);
    for booking in &BOOKINGS {
        let states: Vec<State> = State::ALL
            .into_iter()
            .filter(|state| order_in(*state, booking, TimeInForce::Ioc).is_some())
            .collect();
        text.extend(["## ", booking.title, "\n\n"]);
        let mut head = vec!["input"];
        head.extend(states.iter().map(|state| state_name(*state)));
        let mut rows = Vec::new();
        for (title, input) in inputs(booking) {
            let mut row = vec![title];
            for state in &states {
                row.push(cell(&order_in(*state, booking, TimeInForce::Ioc).unwrap(), input));
            }
            rows.push(row);
        }
        table(&mut text, &head, &rows);
    }
    text.push_str("## What an order that rests does otherwise\n\n");
    let mut rows = Vec::new();
    for booking in &BOOKINGS {
        for (title, input) in inputs(booking) {
            for state in State::ALL {
                let Some(at_once) = order_in(state, booking, TimeInForce::Ioc) else { continue };
                let rests = order_in(state, booking, TimeInForce::Gtc).unwrap();
                let (at_once, rests) = (cell(&at_once, input), cell(&rests, input));
                if at_once != rests {
                    let state = state_name(state).to_owned();
                    rows.push(vec![booking.title.to_owned(), title.clone(), state, at_once, rests]);
                }
            }
        }
    }
    table(&mut text, &["booking", "input", "state", "immediate or cancel", "rests"], &rows);
    pin("order.md", text.trim_end_matches('\n'));
}

/// Any input at all, small numbers so that they meet.
fn any_input() -> impl Strategy<Value = Input> {
    let total = prop::option::of(0_i64..15);
    let total_passed = total.clone();
    let status = (0_usize..5).prop_map(|at| {
        [
            VenueStatus::Working,
            VenueStatus::Filled,
            VenueStatus::Cancelled,
            VenueStatus::Rejected,
            VenueStatus::Expired,
        ][at]
    });
    prop_oneof![
        Just(Input::Sent),
        Just(Input::Accepted),
        (1_i64..8, total.clone())
            .prop_map(|(qty, cum)| Input::Fill { qty: lots(qty), cum: cum.map(lots) }),
        (status.clone(), total)
            .prop_map(|(status, cum)| Input::Done { status, cum: cum.map(lots) }),
        (0_i64..15).prop_map(|cum| Input::Working { cum: lots(cum) }),
        Just(Input::CancelRejected { class: RejectClass::TooLate }),
        Just(Input::CancelRejected { class: RejectClass::Phase }),
        Just(Input::Absent),
        Just(Input::Inconclusive),
        Just(Input::Timeout),
        Just(Input::LinkDown),
        Just(Input::CancelSent),
        (1_i64..8).prop_map(|qty| Input::Bust { qty: lots(qty) }),
        (1_i64..8, total_passed)
            .prop_map(|(qty, cum)| Input::PassedOver { qty: lots(qty), cum: cum.map(lots) }),
        (1_i64..8, 1_i64..8)
            .prop_map(|(from, to)| Input::Correct { from: lots(from), to: lots(to) }),
        status.prop_map(|status| Input::Override { status }),
    ]
}

fn is_evidence(input: Input) -> bool {
    match input {
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
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    /// O-02, O-05, O-06 and what follows from them, over any history.
    #[test]
    fn what_holds_after_every_input(
        inputs in prop::collection::vec(any_input(), 1..40),
        rests in any::<bool>(),
    ) {
        let mut order = order(SIZE, if rests { TimeInForce::Gtc } else { TimeInForce::Ioc });
        for input in inputs {
            let before = order;
            let verdict = order.next(input);
            let told = format!("{before:?}\n{input:?} → {verdict:?}\n{order:?}");
            let busted = matches!(input, Input::Bust { .. } | Input::Correct { .. });
            prop_assert!(order.cum >= before.cum || busted, "booked lots shrank\n{told}");
            prop_assert!(order.cum >= 0 && order.venue_cum >= order.cum, "{told}");
            prop_assert!(order.leaves() >= 0, "{told}");
            prop_assert!(order.seen || !before.seen, "what was seen is forgotten\n{told}");
            if before.state.is_done() {
                prop_assert_eq!(order.state, before.state, "a done label changed\n{}", told);
            }
            if before.state == State::Unknown && order.state != State::Unknown {
                prop_assert!(is_evidence(input), "left Unknown without evidence\n{told}");
            }
            if order.claimed.is_some() {
                prop_assert_eq!(order.state, State::Unknown, "{}", told);
                prop_assert!(order.venue_cum > order.cum, "a claim without a gap\n{told}");
            }
            if order.state.is_done() && !before.state.is_done() {
                prop_assert!(order.is_confirmed(), "done and not confirmed\n{told}");
            }
            if !matches!(verdict, Verdict::Applied) {
                prop_assert_eq!(order.cum, before.cum, "{}", told);
                prop_assert_eq!(order.venue_cum, before.venue_cum, "{}", told);
            }
            if matches!(verdict, Verdict::Ignored(_)) {
                prop_assert_eq!(order.state, before.state, "{}", told);
            }
            let overridden = matches!(input, Input::Override { .. });
            prop_assert!(
                order.venue_cum >= before.venue_cum || order.revised || overridden,
                "the venue's word shrank\n{told}"
            );
        }
    }

    /// Partial fills in any order, with or without totals, and the end anywhere among them, lead to
    /// the same order.
    #[test]
    fn the_order_of_fills_does_not_matter(
        parts in prop::collection::vec(1_i64..5, 1..6),
        shuffle in prop::collection::vec(any::<usize>(), 8),
        with_totals in any::<bool>(),
        rest in 0_i64..4,
        link_down in any::<bool>(),
    ) {
        let booked: i64 = parts.iter().sum();
        let mut total = 0;
        let mut inputs: Vec<Input> = parts
            .iter()
            .map(|part| {
                total += part;
                Input::Fill { qty: lots(*part), cum: with_totals.then(|| lots(total)) }
            })
            .collect();
        let status = if rest == 0 { VenueStatus::Filled } else { VenueStatus::Cancelled };
        inputs.push(Input::Done { status, cum: Some(lots(booked)) });
        if link_down {
            inputs.insert(0, Input::LinkDown);
        }
        let run = |inputs: &[Input]| {
            let mut order = order(booked + rest, TimeInForce::Ioc);
            order.next(Input::Sent);
            for input in inputs {
                let verdict = order.next(*input);
                assert!(!matches!(verdict, Verdict::Conflict(_)), "{input:?}: {verdict:?}");
            }
            order
        };
        let mut shuffled = inputs.clone();
        for at in (1..shuffled.len()).rev() {
            let other = shuffle[at % 8] % (at + 1);
            shuffled.swap(at, other);
        }
        let (straight, shuffled) = (run(&inputs), run(&shuffled));
        prop_assert!(straight.is_confirmed());
        prop_assert_eq!(straight, shuffled);
    }
}

#[test]
fn an_execution_that_was_counted_is_a_conflict() {
    let mut order = order(SIZE, TimeInForce::Ioc);
    order.next(Input::Sent);
    let first = Input::Fill { qty: lots(4), cum: Some(lots(4)) };
    assert_eq!(order.next(first), Verdict::Applied);
    assert_eq!(order.next(first), Verdict::Conflict(Clash::CountedTwice));
    // Nothing is booked, and nothing about it is proven any more: it is asked about.
    assert_eq!((order.cum, order.venue_cum, order.state), (4, 4, State::Unknown));
}

#[test]
fn an_order_proven_absent_that_surfaces_is_a_conflict() {
    for input in [Input::Accepted, Input::Working { cum: lots(0) }] {
        let mut order = order(SIZE, TimeInForce::Day);
        order.next(Input::Sent);
        order.next(Input::Timeout);
        assert_eq!(order.next(Input::Absent), Verdict::Applied);
        assert_eq!(order.next(input), Verdict::Conflict(Clash::AbsentButSeen), "{input:?}");
        assert_eq!(order.state, State::Rejected);
        assert_eq!(order.next(input), Verdict::Ignored(Ignored::Stale), "told once: {input:?}");
    }
    // The venue's own reject and the late news of its acceptance are only out of order.
    let mut order = order(SIZE, TimeInForce::Day);
    order.next(Input::Sent);
    order.next(Input::Done { status: VenueStatus::Rejected, cum: None });
    assert_eq!(order.next(Input::Accepted), Verdict::Ignored(Ignored::Stale));
}

#[test]
fn missing_executions_keep_an_order_unknown() {
    for input in [Input::Accepted, Input::CancelRejected { class: RejectClass::Phase }] {
        let mut order = order(SIZE, TimeInForce::Day);
        order.next(Input::Sent);
        order.next(Input::Fill { qty: lots(4), cum: None });
        if matches!(input, Input::CancelRejected { .. }) {
            order.next(Input::CancelSent);
        }
        order.next(Input::Working { cum: lots(7) });
        order.next(input);
        assert_eq!((order.state, order.venue_cum), (State::Unknown, 7), "{input:?}");
    }
}

#[test]
fn a_total_below_what_the_venue_told_before_ends_nothing() {
    // The venue told of 7, of which 4 are booked. An end with 4 contradicts it: were it taken, the
    // three missing lots would have no order that waits for them.
    for told in [
        Input::Working { cum: lots(7) },
        Input::Done { status: VenueStatus::Cancelled, cum: Some(lots(7)) },
        Input::Fill { qty: lots(1), cum: Some(lots(7)) },
    ] {
        let mut order = order(SIZE, TimeInForce::Ioc);
        order.next(Input::Sent);
        order.next(Input::Fill { qty: lots(4), cum: None });
        order.next(told);
        let verdict =
            order.next(Input::Done { status: VenueStatus::Cancelled, cum: Some(lots(5)) });
        assert!(matches!(verdict, Verdict::Conflict(_)), "{told:?}: {verdict:?}");
        assert_eq!(order.state, State::Unknown, "{told:?}");
        assert!(!order.is_confirmed());
    }
}

#[test]
fn what_it_may_still_trade_is_bound_by_what_the_venue_said() {
    let mut order = order(10, TimeInForce::Gtc);
    assert_eq!((order.leaves(), order.overfill()), (10, 0));
    order.next(Input::Sent);
    order.next(Input::Fill { qty: lots(4), cum: None });
    assert_eq!((order.leaves(), order.overfill()), (6, 0));
    order.next(Input::Fill { qty: lots(9), cum: Some(lots(13)) });
    assert_eq!((order.leaves(), order.overfill()), (0, 3), "beyond its size nothing is left");
    let missing = Booking { title: "", cum: 4, venue_cum: 7, claimed: Some(State::Cancelled) };
    let ended = order_in(State::Unknown, &missing, TimeInForce::Gtc).unwrap();
    assert_eq!((ended.leaves(), ended.overfill()), (3, 0), "executions that are yet to come");
    let done = order_in(State::Cancelled, &BOOKINGS[1], TimeInForce::Gtc).unwrap();
    assert_eq!(done.leaves(), 0);
}

#[test]
fn it_rests_where_the_venue_has_it_and_its_time_in_force_lets_it() {
    let rests = [State::Acked, State::Partial, State::PendingAmend];
    for state in State::ALL {
        let found = order_in(state, &BOOKINGS[1], TimeInForce::Gtc);
        let Some(order) = found.or_else(|| order_in(state, &BOOKINGS[0], TimeInForce::Gtc)) else {
            continue;
        };
        assert_eq!(order.is_resting(), rests.contains(&state), "{}", state_name(state));
    }
    let stays = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Day];
    assert_eq!(stays.map(TimeInForce::rests), [true, false, false, true]);
    let codes: Vec<u8> = State::ALL.iter().map(|state| state.code()).collect();
    assert_eq!(codes, (0..11).collect::<Vec<u8>>());
}

fn sent(size: i64) -> Order {
    let mut order = order(size, TimeInForce::Day);
    order.next(Input::Sent);
    order
}

#[test]
fn a_total_that_comes_with_a_fill_counts_until_something_was_taken_back_or_said() {
    let too_low = Input::Fill { qty: lots(4), cum: Some(lots(3)) };
    assert_eq!(sent(10).next(too_low), Verdict::Conflict(Clash::CountedTwice));
    let mut overridden = sent(10);
    overridden.next(Input::Timeout);
    overridden.next(Input::Override { status: VenueStatus::Cancelled });
    assert_eq!(overridden.next(too_low), Verdict::Applied);
    let mut revised = sent(10);
    revised.next(Input::Fill { qty: lots(4), cum: Some(lots(4)) });
    revised.next(Input::Bust { qty: lots(4) });
    assert_eq!(revised.next(too_low), Verdict::Applied);
}

#[test]
fn an_end_shows_that_the_venue_had_it_and_a_reject_does_not() {
    for (status, seen) in [(VenueStatus::Cancelled, true), (VenueStatus::Rejected, false)] {
        let mut order = sent(10);
        order.next(Input::Done { status, cum: Some(lots(2)) });
        assert_eq!((order.state, order.seen), (State::Unknown, seen), "{status:?}");
    }
}

#[test]
fn a_total_from_before_something_was_taken_back_is_taken_back_too() {
    let mut order = sent(10);
    order.next(Input::Fill { qty: lots(10), cum: Some(lots(10)) });
    order.next(Input::Bust { qty: lots(3) });
    assert_eq!((order.state, order.cum, order.is_confirmed()), (State::Filled, 7, true));
    let old = Input::Done { status: VenueStatus::Filled, cum: Some(lots(10)) };
    assert_eq!(order.next(old), Verdict::Applied);
    assert!(!order.is_confirmed(), "three lots are asked for");
    let now = Input::Done { status: VenueStatus::Filled, cum: Some(lots(7)) };
    assert_eq!(order.next(now), Verdict::Applied);
    assert_eq!((order.venue_cum, order.is_confirmed()), (7, true));
    assert_eq!(order.next(now), Verdict::Ignored(Ignored::Known));
}

#[test]
fn filled_without_a_total_is_its_size_until_something_was_taken_back() {
    let filled = Input::Done { status: VenueStatus::Filled, cum: None };
    let mut order = sent(10);
    order.next(Input::Fill { qty: lots(4), cum: Some(lots(4)) });
    let mut revised = order;
    assert_eq!(order.next(filled), Verdict::Applied);
    assert_eq!((order.state, order.venue_cum), (State::Unknown, 10));
    revised.next(Input::Bust { qty: lots(2) });
    assert_eq!(revised.next(filled), Verdict::Applied);
    assert_eq!((revised.state, revised.venue_cum), (State::Unknown, 2));
}

#[test]
fn an_order_called_dead_that_works_is_a_conflict() {
    let mut order = sent(10);
    order.next(Input::Timeout);
    order.next(Input::Override { status: VenueStatus::Cancelled });
    let works = Input::Working { cum: lots(0) };
    assert_eq!(order.next(works), Verdict::Conflict(Clash::OverriddenButWorks));
    // Where the venue itself said that it is done, such news is old.
    let mut order = sent(10);
    order.next(Input::Done { status: VenueStatus::Cancelled, cum: Some(lots(0)) });
    assert_eq!(order.next(works), Verdict::Ignored(Ignored::Stale));
}

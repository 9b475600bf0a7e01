//! What an attempt reckons with: its slices, which way its legs go, and what repair has lost.

use cross_market_core::attempt::{Attempt, End, LegFill, State, Task, Wants};
use cross_market_core::ids::{ClientOrderId, HedgeId, LegId};
use cross_market_core::num::{Money, Price, Side};
use cross_market_core::quote::{Facts, Kind, LegLots, Purpose};
use cross_market_core::time::{Span, Time};

use super::attempt::{execution, two_legs};

const A: LegId = LegId(0);
const B: LegId = LegId(1);

fn begun((from, to): (i64, i64), clip: i64, held: LegLots) -> Attempt {
    let decision = ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 0).unwrap();
    let kind = if from == 0 { Kind::Enter } else { Kind::Exit };
    let task = Task { decision, kind, from, to, clip, over: Span::ZERO };
    Attempt::new(task, execution(0), &two_legs(), held, Time(0))
}

/// An attempt that sells three lots of A, a unit each, and buys one of B.
fn enters() -> Attempt {
    begun((0, 1), 1, two_legs().goal(0))
}

fn fill(leg: LegId, side: Side, lots: i64, price: i64, purpose: Purpose) -> LegFill {
    let (fee, tick_value) = (Money(7), Money(1_000));
    LegFill { leg, side, lots, price: Price(price), purpose, fee, tick_value }
}

#[test]
fn every_state_has_a_code_of_its_own() {
    let states = [
        State::Reserved,
        State::Working,
        State::Confirming,
        State::Supplementing,
        State::Unwinding,
    ];
    let ends = End::ALL.map(State::Ended);
    let codes: Vec<u8> = states.iter().chain(&ends).map(|state| state.code()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 8, 9, 10, 11]);
}

#[test]
fn what_was_wanted_before_is_wanted_no_more() {
    let plan = two_legs();
    let mut attempt = enters();
    attempt.state = State::Ended(End::Completed);
    let mut wants = Wants { cancel: true, again: true, begins: true, ..Wants::NOTHING };
    wants.end = Some(End::Unwound);
    wants.pulls[0] = true;
    wants.chases[1] = true;
    attempt.next(Time(1), &plan, &Facts::UNKNOWN, &mut wants);
    assert_eq!(wants, Wants::NOTHING);
}

#[test]
fn slices_are_counted_from_where_it_began_whichever_way_it_goes() {
    let plan = two_legs();
    let far = plan.goal(5);
    let exits = begun((5, 0), 2, far);
    assert_eq!((exits.slices(), exits.slice_to()), ((0, 2), 3));
    assert_eq!(exits.start(), &far);
    let mirror = begun((0, -5), 2, plan.goal(0));
    assert_eq!((mirror.slices(), mirror.slice_to()), ((0, 2), -2));
    assert_eq!(begun((-5, -1), 3, plan.goal(-5)).slices(), (0, 1));
    assert_eq!(begun((0, 4), 4, plan.goal(0)).slices(), (0, 0));
}

#[test]
fn a_way_back_is_paid_against_what_its_leg_traded() {
    let mut attempt = enters();
    attempt.fill(&fill(A, Side::Sell, 1, 101, Purpose::Work));
    attempt.fill(&fill(A, Side::Sell, 2, 100, Purpose::Work));
    assert_eq!(attempt.lost, Money(0));
    // A third of what three lots brought is 100, rounded toward zero; the rest is 201.
    attempt.fill(&fill(A, Side::Buy, 1, 102, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(2_000 + 7));
    attempt.fill(&fill(A, Side::Buy, 2, 103, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(7_000 + 14));
    // Nothing is left to pay against: only the fee is lost.
    attempt.fill(&fill(A, Side::Buy, 1, 150, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(7_000 + 21));
    // What a leg bought is sold back.
    attempt.fill(&fill(B, Side::Buy, 2, 60, Purpose::Work));
    attempt.fill(&fill(B, Side::Sell, 1, 55, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(12_000 + 28));
    attempt.fill(&fill(B, Side::Sell, 1, 70, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(2_000 + 35));
}

#[test]
fn what_is_taken_back_is_not_paid_against() {
    let mut attempt = enters();
    attempt.fill(&fill(A, Side::Sell, 2, 100, Purpose::Work));
    attempt.fill(&fill(A, Side::Sell, 1, 97, Purpose::Work));
    attempt.bust(&fill(A, Side::Sell, 1, 97, Purpose::Work));
    attempt.fill(&fill(A, Side::Buy, 1, 104, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(4_000 + 7));
    // A way back that was taken back leaves its lots there, at what it had paid for them.
    attempt.bust(&fill(A, Side::Buy, 1, 104, Purpose::Unwind));
    attempt.fill(&fill(A, Side::Buy, 2, 104, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(8_000 + 14));
    // All of it taken back: there is nothing.
    attempt.fill(&fill(A, Side::Sell, 2, 90, Purpose::Work));
    attempt.bust(&fill(A, Side::Sell, 2, 90, Purpose::Work));
    attempt.fill(&fill(A, Side::Buy, 1, 200, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(8_000 + 21));
}

#[test]
fn a_leg_with_nothing_to_do_goes_the_way_of_its_attempt() {
    let plan = two_legs();
    // What trades with its way first is what a way back is paid against; the other way round it
    // is not. A is sold on the way in and bought on the way out.
    let there = |sets, side: Side| {
        let (from, to) = sets;
        let mut attempt = begun(sets, 1, plan.goal(to));
        assert_eq!(attempt.start(), attempt.goal(), "from {from} to {to} nothing is to be done");
        attempt.fill(&fill(A, side, 1, 100, Purpose::Work));
        attempt.fill(&fill(A, side.flip(), 1, 107, Purpose::Unwind));
        attempt.lost
    };
    assert_eq!(there((0, 1), Side::Sell), Money(7_000 + 7));
    assert_eq!(there((0, 1), Side::Buy), Money(7));
    assert_eq!(there((1, 0), Side::Buy), Money(-7_000 + 7));
    assert_eq!(there((1, 0), Side::Sell), Money(7));
    // Without a set to trade it goes the way in.
    assert_eq!(there((0, 0), Side::Sell), Money(7_000 + 7));
    assert_eq!(there((0, 0), Side::Buy), Money(7));
}

#[test]
fn orders_that_live_keep_a_question_and_a_cancel_each() {
    let plan = two_legs();
    for (messages, end) in [(33, None), (34, Some(End::ResidualHeld))] {
        let mut attempt = enters();
        attempt.state = State::Working;
        attempt.messages = messages;
        let mut facts = Facts::UNKNOWN;
        facts.legs[0].alive = 2;
        facts.legs[1].alive = 1;
        let mut wants = Wants::NOTHING;
        attempt.next(Time(1), &plan, &facts, &mut wants);
        assert_eq!((wants.end, wants.cancel), (end, end.is_some()), "after {messages} of 40");
    }
}

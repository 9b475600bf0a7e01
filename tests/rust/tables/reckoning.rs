//! What an attempt reckons with: its slices, which way its legs go, and what repair has lost.

use cross_market_core::attempt::{Attempt, End, LegFill, State, Task, Wants};
use cross_market_core::ids::{ClientOrderId, HedgeId, LEGS_MAX, LegId};
use cross_market_core::num::{Money, Price, Side};
use cross_market_core::quote::{Facts, Kind, LegLots, Purpose, Repair};
use cross_market_core::time::{Span, Time};

use super::attempt::{Run, Scene, execution, said, three_legs, two_legs};

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
    // Two of three lots taken back at once leave what the third brought.
    attempt.fill(&fill(B, Side::Buy, 1, 50, Purpose::Work));
    attempt.fill(&fill(B, Side::Buy, 2, 60, Purpose::Work));
    attempt.bust(&fill(B, Side::Buy, 2, 60, Purpose::Work));
    attempt.fill(&fill(B, Side::Sell, 1, 49, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(9_000 + 21));
    // All of it taken back: there is nothing.
    attempt.fill(&fill(A, Side::Sell, 2, 90, Purpose::Work));
    attempt.bust(&fill(A, Side::Sell, 2, 90, Purpose::Work));
    attempt.fill(&fill(A, Side::Buy, 1, 200, Purpose::Unwind));
    assert_eq!(attempt.lost, Money(9_000 + 28));
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

#[test]
fn what_repair_has_lost_is_gone_from_its_budget() {
    for (lost, ends) in [(999_990, false), (1_000_000, true)] {
        let mut run = Run::new(&two_legs(), Kind::Enter, 1, 0);
        run.lead(State::Supplementing).unwrap();
        run.attempt.lost = Money(lost);
        // Both ways lose a tick a lot and more.
        let wants = run.next(&Scene::new(&[3, 0]).worse(1, 1));
        let wanted = if ends { Some(End::ResidualHeld) } else { None };
        assert_eq!(wants.end, wanted, "{lost} lost: {}", said(&run, &wants));
    }
}

#[test]
fn inside_a_halt_no_leg_goes_to_the_other_side_of_zero() {
    // A was bought twice as often as the exit needed: back is across zero, ahead is toward it.
    for (repair, end) in [(Repair::Unwind, Some(End::ResidualHeld)), (Repair::Supplement, None)] {
        let mut run = Run::new(&two_legs(), Kind::Exit, 1, 0);
        run.lead(State::Working).unwrap();
        run.next(&Scene::new(&[6, 0]).alive(&[1, 0]));
        run.attempt.execution.repair = repair;
        let mut facts = run.facts(&Scene::new(&[6, 0]));
        facts.reduce_only = true;
        let mut wants = Wants::NOTHING;
        run.attempt.next(Time(1), &run.plan, &facts, &mut wants);
        assert_eq!(wants.end, end, "{repair:?}: {}", said(&run, &wants));
    }
}

#[test]
fn repair_goes_no_further_than_its_slice() {
    let plan = two_legs();
    let mut exits = begun((5, 0), 2, plan.goal(5));
    exits.state = State::Working;
    // A has bought as much as three sets, B has sold nothing: back is to five, ahead to three.
    let mut held = plan.goal(5);
    held[0] += 9;
    let ask = exits.ask(&plan, &held);
    let lots = |leg: usize| [ask[leg][0].get(), ask[leg][1].get()];
    assert_eq!((lots(0), lots(1)), ([0, 9], [0, 2]));
}

#[test]
fn who_gives_up_says_what_was_chosen() {
    let mut run = Run::new(&three_legs(), Kind::Enter, 1, 0);
    run.lead(State::Working).unwrap();
    // Two legs are short and one message is left.
    run.attempt.messages = run.attempt.execution.messages - 1;
    let wants = run.next(&Scene::new(&[2, 0, 0]));
    assert_eq!(wants.end, Some(End::ResidualHeld));
    assert!(wants.choice.is_some(), "{}", said(&run, &wants));
    assert_eq!(wants.intents, [None; LEGS_MAX]);
}

#[test]
fn a_trim_that_left_what_was_there_was_unwound() {
    let plan = two_legs();
    let mut held = plan.goal(1);
    held[1] -= 1;
    let decision = ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 0).unwrap();
    let task = Task { decision, kind: Kind::Trim, from: 1, to: 1, clip: 1, over: Span::ZERO };
    for (bought, end) in [(0, End::Unwound), (1, End::Completed)] {
        let mut attempt = Attempt::new(task, execution(9), &plan, held, Time(0));
        attempt.fill(&fill(B, Side::Buy, 1, 100, Purpose::Supplement));
        let mut now = held;
        now[1] += bought;
        let mut wants = Wants::NOTHING;
        attempt.slice_refused(&plan, &now, &mut wants);
        assert_eq!(wants.end, Some(end));
    }
}

#[test]
fn a_leg_that_may_not_trade_whole_begins_no_slice() {
    let begins = |spoil: &dyn Fn(&mut Attempt), depth: i64| {
        let mut run = Run::new(&two_legs(), Kind::Enter, 1, 0);
        spoil(&mut run.attempt);
        let facts = run.facts(&Scene::new(&[0, 0]).depth(depth));
        let mut wants = Wants::NOTHING;
        run.attempt.next(Time(1), &run.plan, &facts, &mut wants);
        (wants.end, wants.intents.iter().flatten().count())
    };
    assert_eq!(begins(&|_| {}, 3), (None, 2));
    let nothing = (Some(End::AbortedFlat), 0);
    assert_eq!(begins(&|_| {}, 2), nothing);
    assert_eq!(begins(&|attempt| attempt.bound(A, Side::Sell, 2), 3), nothing);
    assert_eq!(begins(&|attempt| attempt.bound(A, Side::Buy, 2), 3), (None, 2));
    let spent = |attempt: &mut Attempt| attempt.execution.tries = 0;
    assert_eq!(begins(&spent, 3), nothing);
    let mute = |attempt: &mut Attempt| attempt.execution.messages = 1;
    assert_eq!(begins(&mute, 3), nothing);
}

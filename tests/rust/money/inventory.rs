//! Lots that change their owner, go missing, or are closed before they were told to be open.

use cross_market_core::num::{Price, Side};
use cross_market_core::position::{
    Filled, First, Owner, PositionError, Positions, Statement, StatementKind,
};
use cross_market_core::time::Time;
use cross_market_core::wire::Writer;

use super::{
    BY_DAY, CLOSE, CLOSE_TODAY, FAR, GROSS, HedgeId, LegId, NEAR, NETTED, OPEN, hedge, positions,
    qty, settle, trade,
};

const FIRST: (HedgeId, LegId) = (HedgeId(0), LegId(0));
const SECOND: (HedgeId, LegId) = (HedgeId(1), LegId(0));

fn held(positions: &Positions, (hedge, leg): (HedgeId, LegId)) -> i64 {
    positions.inventory(hedge)[usize::from(leg.0)]
}

fn shape(positions: &Positions, (hedge, leg): (HedgeId, LegId)) -> Vec<(i64, i128, i128)> {
    let (_, rows) = positions.inventory_rows(hedge, leg);
    rows.iter().map(|row| (row.lots, row.cost, row.entry)).collect()
}

#[test]
fn lots_are_handed_over_with_their_days_and_what_they_cost() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 3, 100)).unwrap();
    positions.settle(&settle(NETTED, 104, 1), &mut Vec::new()).unwrap();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 2, 110)).unwrap();
    // Of the other sign there is nothing, and more than there is goes not.
    assert_eq!(positions.hand_over(FIRST, SECOND, -1), Ok((0, 0)));
    assert_eq!(positions.clone().hand_over(FIRST, SECOND, 9), Ok((5, 312 + 220)));
    assert_eq!(positions.hand_over(FIRST, SECOND, 4), Ok((4, 312 + 110)));
    assert_eq!(shape(&positions, FIRST), [(1, 110, 110)]);
    assert_eq!(shape(&positions, SECOND), [(3, 312, 300), (1, 110, 110)]);
    assert_eq!((positions.lots(NEAR, NETTED), positions.unassigned(NEAR, NETTED)), (5, 0));
    // What is short goes as what is long does.
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Sell, OPEN, 3, 120)).unwrap();
    assert_eq!(positions.hand_over(FIRST, SECOND, -2), Ok((-2, 240)));
    assert_eq!((held(&positions, FIRST), held(&positions, SECOND)), (0, 2));
    positions.check();
}

#[test]
fn lots_are_handed_over_between_legs_of_one_pair_alone() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 3, 100)).unwrap();
    assert_eq!(positions.hand_over(FIRST, SECOND, 0), Err(PositionError::NoLots));
    for to in [FIRST, (HedgeId(1), LegId(2))] {
        let wrong = PositionError::NotTheLeg { hedge: to.0, leg: to.1 };
        assert_eq!(positions.hand_over(FIRST, to, 1), Err(wrong));
    }
    assert_eq!(held(&positions, FIRST), 3);
}

#[test]
fn what_went_without_an_order_is_lost_by_the_last_hedge_that_holds_such_lots() {
    let mut positions = positions();
    let lost = |of: (HedgeId, LegId), lots| (of.0, of.1, lots);
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 3, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(hedge(1, 0), Side::Buy, OPEN, 2, 100)).unwrap();
    positions.fill(FAR, NETTED, &trade(hedge(1, 2), Side::Buy, OPEN, 7, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(Owner::Unassigned, Side::Sell, OPEN, 4, 90)).unwrap();
    assert_eq!(positions.lose(NEAR, NETTED, 0, Price(90)), Ok(Vec::new()));
    let found = positions.clone().lose(NEAR, NETTED, -1, Price(90));
    assert_eq!(found, Ok(vec![lost(SECOND, -1)]));
    let found = positions.lose(NEAR, NETTED, -4, Price(90));
    assert_eq!(found, Ok(vec![lost(SECOND, -2), lost(FIRST, -2)]));
    assert_eq!((held(&positions, FIRST), held(&positions, SECOND)), (1, 0));
    assert_eq!(held(&positions, (HedgeId(1), LegId(2))), 7, "of another account");
    assert_eq!(positions.unassigned(NEAR, NETTED), 0);
    assert_eq!(positions.leg_result(SECOND.0, SECOND.1, Price(500)), 2 * (90 - 100));
    positions.check();
}

#[test]
fn nobody_loses_lots_of_the_other_side() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Sell, OPEN, 3, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(hedge(1, 0), Side::Buy, OPEN, 2, 100)).unwrap();
    positions.fill(NEAR, NETTED, &trade(Owner::Unassigned, Side::Buy, OPEN, 2, 90)).unwrap();
    let found = positions.lose(NEAR, NETTED, 2, Price(90));
    assert_eq!(found, Ok(vec![(FIRST.0, FIRST.1, 2)]));
    assert_eq!((held(&positions, FIRST), held(&positions, SECOND)), (-1, 2));
    positions.check();
}

#[test]
fn what_is_closed_before_it_is_told_to_be_open_is_owed() {
    let mut positions = positions();
    let sell = trade(hedge(0, 1), Side::Sell, CLOSE, 3, 130);
    assert_eq!(positions.fill(NEAR, GROSS, &sell).unwrap().excess, qty(3));
    assert_eq!(positions.gross(NEAR, GROSS), (qty(0), qty(3)));
    let buy = |lots| trade(hedge(0, 1), Side::Buy, OPEN, lots, 100);
    let made_good = positions.fill(NEAR, GROSS, &buy(2)).unwrap();
    assert_eq!(made_good.position.realised, 2 * (130 - 100));
    assert_eq!(positions.gross(NEAR, GROSS), (qty(0), qty(1)));
    positions.fill(NEAR, GROSS, &buy(4)).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(3), qty(0)), "one was owed, three are new");
    // Nothing is owed any more.
    positions.fill(NEAR, GROSS, &buy(1)).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(4), qty(0)));
    positions.check();
}

#[test]
fn what_a_bust_gives_back_makes_good_what_is_owed() {
    let mut positions = positions();
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Buy, OPEN, 2, 100)).unwrap();
    let first = trade(hedge(0, 1), Side::Sell, CLOSE, 3, 130);
    let was = positions.fill(NEAR, GROSS, &first).unwrap();
    assert_eq!((was.position.closed, was.excess), (qty(2), qty(1)));
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Sell, CLOSE, 4, 120)).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(0), qty(5)));
    // One that was owed goes with it; the two longs that stand again make two of four good.
    positions.unfill(NEAR, GROSS, &first, Some(&was)).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(0), qty(2)));
    positions.check();
}

#[test]
fn a_bust_of_a_part_gives_back_no_more_than_that() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Sell, OPEN, 5, 100)).unwrap();
    let was = positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 4, 90)).unwrap();
    let part = trade(hedge(0, 0), Side::Buy, OPEN, 2, 90);
    let back = positions.unfill(NEAR, NETTED, &part, Some(&was)).unwrap();
    assert_eq!((back.position.opened, back.position.closed), (qty(2), qty(0)));
    assert_eq!((positions.lots(NEAR, NETTED), held(&positions, FIRST)), (-3, -3));
    positions.check();
}

#[test]
fn lots_that_the_venue_no_longer_knows_are_lost_with_their_sign() {
    let mut positions = positions();
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 5, 100)).unwrap();
    positions.fill(FAR, NETTED, &trade(hedge(1, 2), Side::Sell, OPEN, 5, 100)).unwrap();
    let mut word = |account, long, short| {
        let (long, short, kind) = (qty(long), qty(short), StatementKind::Compare);
        let (instrument, exchange, price) = (NETTED, Time(0), Price(90));
        let word = Statement { account, instrument, exchange, kind, long, short, price };
        positions.statement(&word).unwrap().map(|drift| drift.lost)
    };
    assert_eq!(word(NEAR, 2, 0), Some(-3));
    assert_eq!(word(FAR, 0, 1), Some(4));
    assert_eq!(word(FAR, 0, 1), None);
}

#[test]
fn a_split_names_its_effects_and_none_for_nothing() {
    let mut positions = positions();
    positions.fill(NEAR, BY_DAY, &trade(hedge(1, 1), Side::Buy, OPEN, 2, 100)).unwrap();
    let mut split = positions.split(NEAR, BY_DAY, Side::Sell, qty(3), First::Earlier).unwrap();
    split.rename(|_| CLOSE);
    assert_eq!(split.iter().collect::<Vec<_>>(), [(CLOSE, qty(2)), (CLOSE, qty(1))]);
    let netted = |lots| positions.split(NEAR, NETTED, Side::Sell, qty(lots), First::Earlier);
    assert_eq!(netted(0).unwrap().iter().count(), 0);
    assert_eq!(netted(3).unwrap().iter().collect::<Vec<_>>(), [(OPEN, qty(3))]);
}

#[test]
fn what_an_execution_did_is_part_of_the_digest() {
    let bytes = |filled: &Filled| {
        let mut writer = Writer::new();
        filled.digest(&mut writer);
        writer.into_bytes()
    };
    let mut positions = positions();
    let first = positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 1, 100)).unwrap();
    let other = positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Buy, OPEN, 2, 100)).unwrap();
    assert_ne!(bytes(&first), bytes(&other));
    assert_eq!(bytes(&first).len(), bytes(&other).len());
}

#[test]
fn lots_that_are_kept_and_gone_are_those_that_their_order_will_open() {
    let mut positions = positions();
    let order = |number| cross_market_core::ids::ClientOrderId(number);
    positions.fill(NEAR, NETTED, &trade(hedge(0, 0), Side::Sell, OPEN, 5, 100)).unwrap();
    for (number, lots) in [(1, 3), (2, 2)] {
        let kept = positions.hold_lots(order(number), NEAR, NETTED, Side::Buy, OPEN, qty(lots));
        assert_eq!(kept, Ok(qty(lots)));
    }
    let unbacked = |positions: &Positions| positions.unbacked(NEAR).collect::<Vec<_>>();
    assert_eq!(unbacked(&positions), []);
    // Another order closes one lot, then two more, and then all and one beyond.
    let buy = |lots| trade(hedge(1, 0), Side::Buy, OPEN, lots, 101);
    positions.fill(NEAR, NETTED, &buy(1)).unwrap();
    assert_eq!(unbacked(&positions), [(order(2), qty(1))]);
    positions.fill(NEAR, NETTED, &buy(2)).unwrap();
    assert_eq!(unbacked(&positions), [(order(2), qty(2)), (order(1), qty(1))]);
    positions.fill(NEAR, NETTED, &buy(3)).unwrap();
    assert_eq!(unbacked(&positions), [(order(2), qty(2)), (order(1), qty(3))]);
    // What an order keeps of the shorts of another contract is there.
    positions.fill(NEAR, BY_DAY, &trade(hedge(1, 1), Side::Sell, OPEN, 4, 100)).unwrap();
    positions.hold_lots(order(3), NEAR, BY_DAY, Side::Buy, CLOSE_TODAY, qty(4)).unwrap();
    assert_eq!(unbacked(&positions), [(order(2), qty(2)), (order(1), qty(3))]);
    // In other accounts nothing is missing, and what is let go is missing no more.
    assert_eq!(positions.unbacked(FAR).count(), 0);
    positions.release_lots(order(1), qty(2));
    assert_eq!(unbacked(&positions), [(order(2), qty(2)), (order(1), qty(1))]);
    positions.release_all_lots(order(2));
    assert_eq!(unbacked(&positions), [(order(1), qty(1))]);
    // Lots that come back are there to be closed again.
    positions.fill(NEAR, NETTED, &trade(hedge(1, 0), Side::Sell, OPEN, 2, 100)).unwrap();
    assert_eq!(unbacked(&positions), []);
}

#[test]
fn what_closes_today_leaves_out_what_is_kept_and_what_is_owed() {
    let mut positions = positions();
    let order = cross_market_core::ids::ClientOrderId(1);
    positions.fill(NEAR, BY_DAY, &trade(hedge(1, 1), Side::Buy, OPEN, 5, 100)).unwrap();
    positions.hold_lots(order, NEAR, BY_DAY, Side::Sell, CLOSE_TODAY, qty(2)).unwrap();
    let free = positions.closable(NEAR, BY_DAY, Side::Sell);
    assert_eq!((free.earlier, free.today), (qty(0), qty(3)));
    // Two more are sold than were told to be open: what stands for them is nobody's to close.
    positions.fill(NEAR, BY_DAY, &trade(hedge(1, 1), Side::Sell, CLOSE_TODAY, 7, 100)).unwrap();
    let free = positions.closable(NEAR, BY_DAY, Side::Buy);
    assert_eq!((free.earlier, free.today), (qty(0), qty(0)));
}

/// A bust of an execution that nobody remembers: where positions are gross its effect says what it
/// had closed, at its own price.
#[test]
fn a_bust_of_what_nobody_remembers_is_taken_at_its_word() {
    let rows = |positions: &Positions, instrument| {
        let found = positions.rows(NEAR, instrument, Side::Buy);
        found.iter().map(|row| (row.day, row.lots, row.entry)).collect::<Vec<_>>()
    };
    for (effect, day) in [(CLOSE, -1), (CLOSE_TODAY, 0)] {
        let mut positions = positions();
        let today = positions.day(BY_DAY);
        let sold = trade(Owner::Unassigned, Side::Sell, effect, 3, 130);
        positions.unfill(NEAR, BY_DAY, &sold, None).unwrap();
        assert_eq!(positions.gross(NEAR, BY_DAY), (qty(3), qty(0)), "{effect:?}");
        let expected = [(cross_market_core::time::Day(today.0 + day), 3, 390)];
        assert_eq!(rows(&positions, BY_DAY), expected, "{effect:?}");
        positions.check();
    }
    let mut positions = positions();
    positions.unfill(NEAR, GROSS, &trade(hedge(0, 1), Side::Buy, OPEN, 3, 130), None).unwrap();
    assert_eq!(positions.gross(NEAR, GROSS), (qty(0), qty(3)));
}

/// A bust of what only closed leaves the lots of its own side alone: theirs is still exact.
#[test]
fn a_bust_of_a_close_cuts_no_lots_of_the_other_side() {
    let mut positions = positions();
    let mut fill = |side, effect, lots, price| {
        let trade = trade(hedge(0, 1), side, effect, lots, price);
        let was = positions.fill(NEAR, GROSS, &trade).unwrap();
        (trade, was)
    };
    fill(Side::Buy, OPEN, 1, 90);
    fill(Side::Buy, OPEN, 3, 110);
    fill(Side::Sell, CLOSE, 2, 120);
    let (opened, open_was) = fill(Side::Buy, OPEN, 5, 100);
    fill(Side::Sell, OPEN, 2, 120);
    let (closed, close_was) = fill(Side::Buy, CLOSE, 2, 115);
    positions.unfill(NEAR, GROSS, &closed, Some(&close_was)).unwrap();
    positions.unfill(NEAR, GROSS, &opened, Some(&open_was)).unwrap();
    let rows = positions.rows(NEAR, GROSS, Side::Buy).iter();
    assert_eq!(rows.map(|row| (row.lots, row.cost)).collect::<Vec<_>>(), [(2, 210)]);
    positions.check();
}

/// Where the lots of its own day are gone, a bust takes back the newest.
#[test]
fn a_bust_takes_the_newest_lots_where_its_own_are_gone() {
    let mut positions = positions();
    let first = trade(hedge(0, 1), Side::Buy, OPEN, 3, 100);
    let was = positions.fill(NEAR, GROSS, &first).unwrap();
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Sell, CLOSE, 2, 120)).unwrap();
    positions.settle(&settle(GROSS, 104, 1), &mut Vec::new()).unwrap();
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Buy, OPEN, 4, 110)).unwrap();
    positions.settle(&settle(GROSS, 112, 2), &mut Vec::new()).unwrap();
    positions.fill(NEAR, GROSS, &trade(hedge(0, 1), Side::Buy, OPEN, 2, 130)).unwrap();
    positions.unfill(NEAR, GROSS, &first, Some(&was)).unwrap();
    let rows = positions.rows(NEAR, GROSS, Side::Buy).iter();
    assert_eq!(rows.map(|row| (row.lots, row.cost)).collect::<Vec<_>>(), [(4, 448)]);
    assert_eq!(positions.gross(NEAR, GROSS), (qty(4), qty(0)));
    positions.check();
}

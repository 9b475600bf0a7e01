//! The simulation itself: matching and queues, what each fault does to a script in the engine's
//! place, that each rule can be broken, and that a seed is a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test: what fails must be loud"
)]

use std::cell::{Cell, RefCell};

use cross_market_core::book::{Change, Row};
use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::event::{Control, Event, Link, LinkState, LinkTo, Scope, Verb};
use cross_market_core::funds::Freezes;
use cross_market_core::ids::{
    AccountId, ClientOrderId, HedgeId, InstrumentId, LegId, Note, Text, VenueId,
};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::order::{
    Cancel, Fill, Found, HedgeFlag, News, Place, Query, RejectClass, Report, TimeInForce,
    VenueStatus,
};
use cross_market_core::phase::Phase;
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::threshold::{BOUNDS, Metric, Reach, Threshold};
use cross_market_core::time::{Span, Time};
use cross_market_sim::atlas::Atlas;
use cross_market_sim::check::Checker;
use cross_market_sim::draw::{START, faults, plan};
use cross_market_sim::exhaust::{Budget, Merge, Search, Shape, explore, pairs, small};
use cross_market_sim::fault::{Fault, FaultCounts, Faults};
use cross_market_sim::outcome::AttemptRow;
use cross_market_sim::random::Chance;
use cross_market_sim::swarm::{Options, Run, run};
use cross_market_sim::truth::{Terms, Truth};
use cross_market_sim::venue::{Listing, SimVenue, Whim};
use cross_market_sim::world::{Pause, World, WorldSetup};

#[path = "sim/rules.rs"]
mod rules;

const GOLD: InstrumentId = InstrumentId(0);
const OURS: AccountId = AccountId(0);

/// A configuration that is drawn without faults, two legs and no FX: legs at venues 0 and 1.
fn config() -> Config {
    let seed = (0..1_000).find(|seed| {
        let config = plan(*seed, &[]).config;
        let two = config.hedges[HedgeId(0)].plan.legs.len() == 2 && config.instruments.len() == 2;
        two && config.hedges.len() == 1 && !faults(*seed).any()
    });
    let mut config = plan(seed.unwrap(), &[]).config;
    // Every order by itself needs money of its account.
    config.accounts.iter_mut().for_each(|account| account.terms.freezes = Freezes::Each);
    // Every level has a bound that alerts can tell.
    config.policy.thresholds = vec![Threshold {
        metric: Metric::CapitalUsage,
        of: Reach::Each,
        bounds: [Some(0); BOUNDS],
        formulas: Vec::new(),
        clear: 0,
        dwell: Span::ZERO,
    }];
    config
}

fn order(leg: u8, number: u16) -> ClientOrderId {
    ClientOrderId::pack(1, config().run, HedgeId(0), 1, LegId(leg), number).unwrap()
}

fn place(number: u16, side: Side, price: i64, qty: i64, tif: TimeInForce) -> Place {
    Place {
        order: order(0, number),
        price: Price(price),
        qty: Qty::new(qty).unwrap(),
        account: OURS,
        instrument: GOLD,
        hedge: HedgeId(0),
        side,
        effect: PositionEffect::Open,
        tif,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    }
}

/// A venue with bids 5 at 99 and asks 3 at 101, 7 at 102.
struct Floor {
    venue: SimVenue,
    truth: Truth,
}

impl Floor {
    fn new() -> Floor {
        let config = config();
        let of = &config.instruments[GOLD];
        let netting = cross_market_core::instrument::Netting::Net;
        let (tick_value, settlement) = (of.tick_value, of.settlement);
        let terms = Terms { tick_value, settlement, netting };
        let mut listing = Listing::new((GOLD, of.currency), tick_value, of.fees, 1, None);
        for (side, price, lots) in [(Side::Buy, 99, 5), (Side::Sell, 101, 3), (Side::Sell, 102, 7)]
        {
            listing.depth.set(side, Price(price), Qty::of(lots));
        }
        let venue = SimVenue::new(VenueId(0), vec![listing], true);
        Floor { venue, truth: Truth::new(vec![terms], 1) }
    }

    fn place(&mut self, place: &Place) -> Vec<News> {
        self.place_with(place, &Whim::default())
    }

    fn place_with(&mut self, place: &Place, whim: &Whim) -> Vec<News> {
        let mut out = Vec::new();
        self.venue.place(&mut self.truth, Time(1), place, whim, &mut out);
        out.iter().map(|report| report.news).collect()
    }

    fn set(&mut self, side: Side, price: i64, lots: i64) -> Vec<News> {
        let mut out = Vec::new();
        let listing = self.venue.listing_mut(GOLD).unwrap();
        listing.depth.set(side, Price(price), Qty::of(lots));
        self.venue.trade_resting(&mut self.truth, Time(2), GOLD, &mut out);
        out.iter().map(|report| report.news).collect()
    }

    fn held(&self) -> i64 {
        let lots = self.truth.lots(OURS, GOLD);
        lots.long - lots.short
    }
}

/// Price and lots of the fills among the news.
fn fills(news: &[News]) -> Vec<(i64, i64)> {
    let fill = |news: &News| match news {
        News::Fill(fill) => Some((fill.price.0, fill.qty.get())),
        _ => None,
    };
    news.iter().filter_map(fill).collect()
}

#[test]
fn an_order_takes_the_best_first_and_its_time_in_force_decides_the_rest() {
    let check = |tif, qty, expected: &[(i64, i64)], last: VenueStatus| {
        let mut floor = Floor::new();
        let news = floor.place(&place(1, Side::Buy, 102, qty, tif));
        assert_eq!(news[0], News::Accepted);
        assert_eq!(fills(&news), expected, "{tif:?}");
        assert_eq!(floor.venue.orders()[0].status, last, "{tif:?}");
        assert_eq!(floor.held(), expected.iter().map(|(_, lots)| lots).sum::<i64>());
    };
    check(TimeInForce::Ioc, 4, &[(101, 3), (102, 1)], VenueStatus::Filled);
    check(TimeInForce::Ioc, 12, &[(101, 3), (102, 7)], VenueStatus::Cancelled);
    check(TimeInForce::Gtc, 12, &[(101, 3), (102, 7)], VenueStatus::Working);
    check(TimeInForce::Day, 12, &[(101, 3), (102, 7)], VenueStatus::Working);
    check(TimeInForce::Fok, 12, &[], VenueStatus::Cancelled);
    check(TimeInForce::Fok, 10, &[(101, 3), (102, 7)], VenueStatus::Filled);
}

#[test]
fn what_we_took_stays_taken() {
    let mut floor = Floor::new();
    floor.place(&place(1, Side::Buy, 101, 3, TimeInForce::Ioc));
    let again = floor.place(&place(2, Side::Buy, 101, 3, TimeInForce::Ioc));
    assert_eq!(fills(&again), []);
    floor.set(Side::Sell, 101, 2);
    let fresh = floor.place(&place(3, Side::Buy, 101, 3, TimeInForce::Ioc));
    assert_eq!(fills(&fresh), [(101, 2)]);
}

#[test]
fn a_resting_order_stands_behind_what_was_there() {
    let mut floor = Floor::new();
    floor.place(&place(1, Side::Buy, 99, 4, TimeInForce::Gtc));
    assert_eq!(floor.venue.orders()[0].ahead, 5);
    // Two of the five before us go away: our place moves up, nothing trades.
    assert_eq!(fills(&floor.set(Side::Buy, 99, 3)), []);
    // Five are sold at our price: three for those before us, two for us.
    assert_eq!(fills(&floor.set(Side::Sell, 99, 5)), [(99, 2)]);
    assert_eq!(floor.venue.orders()[0].leaves(), 2);
    // The same five cannot be sold twice.
    assert_eq!(fills(&floor.set(Side::Sell, 103, 1)), []);
    assert_eq!(fills(&floor.set(Side::Sell, 98, 9)), [(99, 2)]);
}

#[test]
fn better_prices_go_first_and_earlier_orders_at_one_price() {
    let mut floor = Floor::new();
    for (number, price) in [(1, 99), (2, 100), (3, 100)] {
        floor.place(&place(number, Side::Buy, price, 2, TimeInForce::Gtc));
    }
    let mut out = Vec::new();
    floor.venue.listing_mut(GOLD).unwrap().depth.set(Side::Sell, Price(98), Qty::of(3));
    floor.venue.trade_resting(&mut floor.truth, Time(2), GOLD, &mut out);
    let orders: Vec<_> = out.iter().map(|report| report.order.unwrap().attempt_try()).collect();
    assert_eq!(orders, [2, 3]);
    assert_eq!(fills(&out.iter().map(|r| r.news).collect::<Vec<_>>()), [(100, 2), (100, 1)]);
}

#[test]
fn a_venue_rejects_with_the_reason() {
    let rejected = |floor: &mut Floor, place: &Place| match floor.place(place).last() {
        Some(News::Rejected { class, .. }) => *class,
        news => panic!("{news:?}"),
    };
    let buy = |number| place(number, Side::Buy, 101, 1, TimeInForce::Ioc);
    let mut floor = Floor::new();
    floor.place(&buy(1));
    assert_eq!(rejected(&mut floor, &buy(1)), RejectClass::Duplicate);
    assert_eq!(rejected(&mut floor, &Place { qty: Qty::ZERO, ..buy(2) }), RejectClass::Size);
    floor.place(&place(3, Side::Sell, 105, 1, TimeInForce::Gtc));
    assert_eq!(
        rejected(&mut floor, &Place { price: Price(105), ..buy(4) }),
        RejectClass::SelfTrade
    );
    floor.venue.listing_mut(GOLD).unwrap().phase = Phase::Halted;
    assert_eq!(rejected(&mut floor, &buy(5)), RejectClass::Halted);
    floor.venue.listing_mut(GOLD).unwrap().phase = Phase::Auction;
    assert_eq!(rejected(&mut floor, &buy(6)), RejectClass::Phase);
}

#[test]
fn a_cancel_meets_what_is_there() {
    let mut floor = Floor::new();
    floor.place(&place(1, Side::Buy, 99, 4, TimeInForce::Gtc));
    let mut out = Vec::new();
    assert!(floor.venue.cancel(Time(2), order(0, 1), &mut out));
    assert!(floor.venue.cancel(Time(3), order(0, 1), &mut out));
    assert!(!floor.venue.cancel(Time(4), order(0, 9), &mut out));
    assert_eq!(out[0].news, News::Cancelled { cum: Qty::ZERO });
    assert!(matches!(out[1].news, News::CancelRejected { class: RejectClass::TooLate, .. }));
    assert_eq!(floor.venue.found(order(0, 9)), Found::ProvenAbsent);
}

#[test]
fn a_bust_and_a_correction_move_the_truth() {
    let mut floor = Floor::new();
    floor.place(&place(1, Side::Buy, 102, 4, TimeInForce::Ioc));
    let mut out = Vec::new();
    floor.venue.bust(&mut floor.truth, Time(2), 0, &mut out);
    floor.venue.correct(&mut floor.truth, Time(3), 1, (Price(103), 2), &mut out);
    assert_eq!((floor.held(), floor.venue.orders()[0].cum), (2, 2));
    // What a query rests on tells the fills as they were made, and what became of them.
    out.clear();
    floor.venue.executions_of(0, Time(4), &mut out);
    let told: Vec<News> = out.iter().map(|report| report.news).collect();
    assert_eq!(fills(&told), [(101, 3), (102, 1)]);
    assert!(matches!(told[1], News::Bust { .. }) && matches!(told[3], News::Correct { .. }));
}

/// A script in the engine's place: sends one order on the first market row it sees, cancels and
/// asks when told, and remembers what it hears.
struct Script {
    sends: Vec<Command>,
    heard: Vec<(Time, Event)>,
}

fn play(faults: Faults, commands: &[Command], until: Span) -> (Vec<(Time, Event)>, World) {
    play_seed(7, faults, commands, until)
}

fn play_seed(
    seed: u64,
    faults: Faults,
    commands: &[Command],
    until: Span,
) -> (Vec<(Time, Event)>, World) {
    let config = config();
    let mut setup = WorldSetup::plain(seed, START, &config, Span::millis(1));
    setup.faults = faults;
    let mut world = World::new(&config, setup);
    let rows: Vec<Change> = [(Side::Buy, 99, 50), (Side::Sell, 101, 50)]
        .into_iter()
        .zip([Row::Snapshot, Row::LevelLast])
        .map(|((side, price, lots), row)| Change {
            price: Price(price),
            qty: Qty::of(lots),
            seq: 1,
            exchange: START + Span::millis(1),
            receive: START + Span::millis(3),
            step: 0,
            instrument: GOLD,
            side,
            row,
        })
        .collect();
    world.record(&rows);
    let script = RefCell::new(Script { sends: commands.to_vec(), heard: Vec::new() });
    let due = Cell::new(None);
    let mut handle = |now: Time, event: &Event, out: &mut Vec<Command>| {
        let mut script = script.borrow_mut();
        script.heard.push((now, event.clone()));
        let last = matches!(event, Event::Book(row) if row.row.is_last());
        if (last || matches!(event, Event::Tick)) && !script.sends.is_empty() {
            out.push(script.sends.remove(0));
            due.set((!script.sends.is_empty()).then_some(now + Span::millis(100)));
        } else if matches!(event, Event::Tick) {
            due.set(None);
        }
        Ok::<Effect, ()>(Effect::Decision)
    };
    let pause = world.run(START + until, &mut handle, &|| due.get());
    assert_eq!(pause, Pause::Until);
    (script.into_inner().heard, world)
}

fn reports(heard: &[(Time, Event)]) -> Vec<(i64, News)> {
    let report = |(now, event): &(Time, Event)| match event {
        Event::Report(report) => Some(((*now - START).0 / 1_000_000, report.news)),
        _ => None,
    };
    heard.iter().filter_map(report).collect()
}

fn always(fault: Fault) -> Faults {
    Faults::none(7).with(fault, Chance::ALWAYS)
}

fn take(qty: i64) -> Command {
    Command::Place(place(1, Side::Buy, 101, qty, TimeInForce::Ioc))
}

fn second() -> Span {
    Span::seconds(1)
}

#[test]
fn rows_reach_the_venue_at_their_exchange_time_and_the_engine_at_receive_time() {
    let (heard, world) = play(Faults::none(7), &[take(4)], second());
    let rows = heard.iter().filter(|(_, event)| matches!(event, Event::Book(_)));
    assert!(rows.clone().all(|(now, _)| *now == START + Span::millis(3)));
    assert_eq!(rows.count(), 2);
    // Sent at 3 ms, there at 4 ms, back at 5 ms.
    let reports = reports(&heard);
    assert_eq!(reports[0], (5, News::Accepted));
    assert_eq!(fills(&[reports[1].1]), [(101, 4)]);
    let chain = &world.outcome().chains[0];
    let after = |at: i64| (at - START.0) / 1_000_000;
    assert_eq!([chain.decided, chain.arrived, chain.acked, chain.filled].map(after), [3, 4, 5, 5]);
    assert_eq!(after(chain.cause_exchange), 1);
}

#[test]
fn what_is_lost_late_or_doubled_shows_in_what_is_heard() {
    let kinds = |fault| {
        let (heard, world) = play(always(fault), &[take(4)], Span::seconds(2));
        (reports(&heard), world.venues()[0].orders().len())
    };
    let acks = |news: &[(i64, News)]| news.iter().filter(|(_, n)| *n == News::Accepted).count();
    let (news, there) = kinds(Fault::SubmitLost);
    assert_eq!((news.len(), there), (0, 0));
    let (news, there) = kinds(Fault::AckLost);
    assert_eq!((acks(&news), there), (0, 1));
    let (news, _) = kinds(Fault::AckTwice);
    assert_eq!(acks(&news), 2);
    let (news, _) = kinds(Fault::FillTwice);
    assert_eq!(fills(&news.iter().map(|(_, n)| *n).collect::<Vec<_>>()).len() % 2, 0);
    let (news, _) = kinds(Fault::AckLate);
    let ack = news.iter().find(|(_, n)| *n == News::Accepted).unwrap().0;
    let venue = &config().venues[VenueId(0)];
    assert!(ack >= venue.ack_timeout.0 / 1_000_000, "{ack}");
    let (news, _) = kinds(Fault::SubmitLate);
    assert!(news[0].0 * 1_000_000 >= venue.max_delay.0 / 2 - 1_000_000);
    assert!(news[0].0 * 1_000_000 <= venue.max_delay.0 + 10_000_000);
    let (news, _) = kinds(Fault::FillAtOnce);
    assert!(matches!(news[0], (3, News::Accepted)));
}

#[test]
fn a_mutated_fill_comes_after_the_true_one_and_differs() {
    let (heard, _) = play(always(Fault::FillMutated), &[take(4)], second());
    let all: Vec<Fill> = reports(&heard)
        .iter()
        .filter_map(|(_, news)| match news {
            News::Fill(fill) => Some(*fill),
            _ => None,
        })
        .collect();
    let twice = all.iter().filter(|fill| fill.trade_id == all[0].trade_id).collect::<Vec<_>>();
    assert_eq!(twice.len(), 2);
    assert_ne!((twice[0].price, twice[0].qty), (twice[1].price, twice[1].qty));
}

#[test]
fn the_venue_may_act_against_its_word() {
    let last = |fault, command| {
        let (heard, world) = play(always(fault), &[command], second());
        let order = world.venues()[0].orders()[0];
        (reports(&heard).last().map(|(_, news)| *news), order)
    };
    let (news, order) = last(Fault::LegRejected, take(4));
    assert!(matches!(news, Some(News::Rejected { .. })) && order.cum == 0);
    let (_, order) = last(Fault::Overfill, take(4));
    assert!(order.cum > 4);
    let (_, order) = last(Fault::RestDies, take(4));
    assert!(order.cum < 4 && !order.is_working());
    let (_, order) = last(Fault::WrongTif, take(4));
    assert!(order.cum < 4 && order.is_working());
    let rests = Command::Place(place(1, Side::Buy, 99, 4, TimeInForce::Gtc));
    let (_, order) = last(Fault::Unsolicited, rests);
    assert!(matches!(order.status, VenueStatus::Cancelled | VenueStatus::Expired));
}

#[test]
fn cancels_are_lost_refused_or_overtaken() {
    let rests = Command::Place(place(1, Side::Buy, 99, 4, TimeInForce::Gtc));
    let cancel = Command::Cancel(Cancel { order: order(0, 1), account: OURS, instrument: GOLD });
    let end = |fault| {
        let (heard, world) = play(always(fault), &[rests, cancel], second());
        (reports(&heard).last().unwrap().1, world.venues()[0].orders()[0].status)
    };
    let (_, status) = end(Fault::CancelLost);
    assert_eq!(status, VenueStatus::Working);
    let (news, status) = end(Fault::CancelUnknown);
    assert!(matches!(news, News::CancelRejected { class: RejectClass::UnknownOrder, .. }));
    assert_eq!(status, VenueStatus::Working);
    let (news, status) = end(Fault::CancelRace);
    assert!(matches!(news, News::CancelRejected { class: RejectClass::TooLate, .. }));
    assert_eq!(status, VenueStatus::Filled);
}

#[test]
fn what_arrives_twice_is_refused_once_and_leaves_the_first_alone() {
    let (heard, world) = play(always(Fault::SubmitTwice), &[take(4)], second());
    let news = reports(&heard);
    let refused =
        |news: &News| matches!(news, News::Rejected { class: RejectClass::Duplicate, .. });
    assert_eq!(news.iter().filter(|(_, news)| refused(news)).count(), 1, "{news:?}");
    let orders = world.venues()[0].orders();
    assert_eq!((orders[0].cum, orders[0].status), (4, VenueStatus::Filled));
    assert_eq!((orders[1].cum, orders[1].status), (0, VenueStatus::Rejected));
}

#[test]
fn venues_rule_against_orders_and_cancels() {
    let rests = Command::Place(place(1, Side::Buy, 99, 4, TimeInForce::Gtc));
    let cancel = Command::Cancel(Cancel { order: order(0, 1), account: OURS, instrument: GOLD });
    let (_, world) = play(always(Fault::SelfMatch), &[take(4)], second());
    let first = world.venues()[0].orders()[0];
    assert!(first.cum < 4 && first.status == VenueStatus::Cancelled, "{first:?}");
    // By lot it is the other account that is refused.
    let refused = |fault, class| {
        (0..20).any(|seed| {
            let faults = Faults::none(seed).with(fault, Chance::ALWAYS);
            let (heard, _) = play_seed(seed, faults, &[take(4)], second());
            let is = |news: &News| matches!(news, News::Rejected { class: of, .. } if *of == class);
            reports(&heard).iter().any(|(_, news)| is(news))
        })
    };
    assert!(refused(Fault::MessageLimit, RejectClass::Rate));
    assert!(refused(Fault::StrictMargin, RejectClass::Money));
    assert!(refused(Fault::Expiry, RejectClass::Halted));
    assert!(refused(Fault::Auction, RejectClass::Phase));
    let barred = (0..20).any(|seed| {
        let faults = Faults::none(seed).with(Fault::Auction, Chance::percent(40));
        let (heard, _) = play_seed(seed, faults, &[rests, cancel], second());
        let is =
            |news: &News| matches!(news, News::CancelRejected { class: RejectClass::Phase, .. });
        reports(&heard).iter().any(|(_, news)| is(news))
    });
    assert!(barred, "an auction refuses cancels");
}

#[test]
fn a_line_may_replay_everything_and_a_clock_be_off() {
    let replayed = (0..20).any(|seed| {
        let faults = Faults::none(seed).with(Fault::FullReplay, Chance::ALWAYS);
        let next = Command::Place(place(2, Side::Buy, 101, 1, TimeInForce::Ioc));
        let (heard, _) = play_seed(seed, faults, &[take(4), next], second());
        let acks = reports(&heard).iter().filter(|(_, news)| *news == News::Accepted).count();
        acks > 2
    });
    assert!(replayed);
    let (heard, _) = play(always(Fault::OddStamps), &[take(4)], second());
    let stamps: Vec<Time> = heard
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Report(report) => Some(report.exchange),
            _ => None,
        })
        .collect();
    assert!(stamps.windows(2).any(|pair| pair[1] <= pair[0]), "{stamps:?}");
}

#[test]
fn a_query_brings_the_executions_before_its_answer() {
    let query = Command::Query(Query { order: order(0, 1), account: OURS, instrument: GOLD });
    let (heard, _) = play(Faults::none(7), &[take(4), query], second());
    let from = heard.iter().rposition(|(_, event)| matches!(event, Event::Tick)).unwrap();
    let after: Vec<_> = heard[from + 1..].iter().map(|(_, event)| event).collect();
    assert!(matches!(after[0], Event::Report(_)), "{after:?}");
    let Event::Answer(answer) = after.last().unwrap() else { panic!("{after:?}") };
    let expected = Found::Order { status: VenueStatus::Filled, cum: Qty::of(4) };
    assert_eq!(answer.found, expected);
    let (heard, _) = play(always(Fault::QueryEmpty), &[take(4), query], second());
    let Event::Answer(answer) = &heard.last().unwrap().1 else { panic!("{heard:?}") };
    assert_eq!(answer.found, Found::Inconclusive);
}

#[test]
fn a_line_that_comes_back_brings_what_was_missed_and_says_when_that_is_all() {
    let mut seen = 0;
    for seed in 0..20 {
        let cut = Faults::none(seed).with(Fault::Disconnect, Chance::ALWAYS);
        let (heard, world) = play_seed(seed, cut, &[take(4)], Span::seconds(2));
        let place_of = |wanted: LinkState| {
            let ours = LinkTo::Trading(OURS);
            let link = Link { to: ours, state: wanted };
            heard.iter().position(|(_, e)| matches!(e, Event::Link(found) if *found == link))
        };
        // By lot it is the line of the other account, or the order is lost with the line.
        let Some(down) = place_of(LinkState::Down) else { continue };
        let (up, whole) =
            (place_of(LinkState::Up).unwrap(), place_of(LinkState::Resynced).unwrap());
        let told = |range: std::ops::Range<usize>| reports(&heard[range]).len();
        assert_eq!(told(down..up), 0, "nothing is heard on a line that is down");
        let there = !world.venues()[0].orders().is_empty();
        assert_eq!(told(up..whole) > 0, there, "what was missed comes before the all-clear");
        seen += usize::from(there);
    }
    assert!(seen > 1, "{seen}");
}

#[test]
fn a_stalled_process_hears_everything_late_with_the_stamps_it_came_with() {
    let (heard, _) = play(always(Fault::Stall), &[take(4)], Span::seconds(20));
    let late = heard.iter().filter_map(|(now, event)| match event {
        Event::Report(report) => Some(*now - report.receive),
        _ => None,
    });
    assert!(late.clone().count() > 1 && late.min().unwrap() >= Span::millis(90));
}

fn alert(code: AlertCode, detail: u8, (value, limit): (i128, i128), subject: Subject) -> Command {
    let (urgency, refusal) = (Urgency::Info, None);
    Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit })
}

fn started(kind: Kind) -> Command {
    let subject = Subject::Attempt(order(0, 0));
    alert(AlertCode::AttemptStarted, kind.code(), (0, 1), subject)
}

fn ended(end: u8) -> Command {
    alert(AlertCode::AttemptEnded, end, (0, 0), Subject::Attempt(order(0, 0)))
}

/// The rules that a sequence of steps breaks.
fn broken(steps: &[(Event, Vec<Command>)]) -> Vec<&'static str> {
    broken_by(&mut ready(), steps)
}

/// Rules for which all lines and books stand.
fn ready() -> Checker {
    let mut checker = Checker::new(&config());
    let resynced = |account| {
        let to = LinkTo::Trading(AccountId(account));
        Event::Link(Link { to, state: LinkState::Resynced })
    };
    for account in 0..2 {
        checker.step(START, &resynced(account), &[]);
    }
    for instrument in [InstrumentId(0), InstrumentId(1)] {
        for (side, price, row) in
            [(Side::Buy, 99, Row::Snapshot), (Side::Sell, 101, Row::LevelLast)]
        {
            let change = Change {
                price: Price(price),
                qty: Qty::of(50),
                seq: 1,
                exchange: START,
                receive: START,
                step: 0,
                instrument,
                side,
                row,
            };
            checker.step(START, &Event::Book(change), &[]);
        }
    }
    checker
}

fn broken_by(checker: &mut Checker, steps: &[(Event, Vec<Command>)]) -> Vec<&'static str> {
    for (event, commands) in steps {
        checker.step(START, event, commands);
    }
    checker.violations().iter().map(|violation| violation.rule).collect()
}

fn verb(verb: Verb) -> Event {
    Event::Control(Box::new(Control { actor: Note::new("desk").unwrap(), verb }))
}

/// An order of leg 0 within its goal, on the side that +1 set trades.
fn fitting(number: u16) -> Place {
    let config = config();
    let leg = &config.hedges[HedgeId(0)].plan.legs[0];
    let price = match leg.side {
        Side::Buy => 101,
        Side::Sell => 99,
    };
    let place = place(number, leg.side, price, 1, TimeInForce::Ioc);
    Place { account: leg.account, instrument: leg.instrument, ..place }
}

fn news(order: ClientOrderId, news: News) -> Event {
    let place = fitting(1);
    Event::Report(Box::new(Report {
        order: Some(order),
        venue_order_id: Text::EMPTY,
        account: place.account,
        instrument: place.instrument,
        exchange: START,
        receive: START,
        news,
    }))
}

#[test]
fn what_keeps_the_rules_breaks_none() {
    let rejected = News::Rejected { class: RejectClass::Other, code: 0 };
    let steps = [
        (Event::Tick, vec![started(Kind::Enter), Command::Place(fitting(1))]),
        (news(fitting(1).order, rejected), vec![ended(2)]),
    ];
    assert_eq!(broken(&steps), [""; 0]);
}

fn real(seed: u64) -> Run {
    let options = Options { restarts: true, ..Options::default() };
    run(seed, &options, |config, start| Engine::new(config, start).map_err(|e| e.to_string()))
}

#[test]
fn a_seed_is_a_run() {
    for seed in 0..40 {
        let (first, again) = (real(seed), real(seed));
        assert_eq!(first.digest, again.digest, "seed {seed}");
        assert_eq!(first.outcome.events, again.outcome.events);
    }
    assert_ne!(real(1).digest, real(2).digest);
}

#[test]
fn another_process_runs_the_same_seeds_to_the_same_digest() {
    let digest = |threads: &str| {
        let program = env!("CARGO_BIN_EXE_campaign");
        let words = ["--from", "500", "--seeds", "400", "--digest", "--threads", threads];
        let output = std::process::Command::new(program).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.starts_with("digest ")).unwrap();
        line.to_owned()
    };
    let first = digest("1");
    assert_eq!(first.len(), "digest ".len() + 16);
    assert_eq!(first, digest("1"));
    assert_eq!(first, digest("2"), "which thread ran which seed is no matter");
}

#[test]
fn a_desk_flattens_what_it_has_killed() {
    let options = Options { restarts: true, trace: true, ..Options::default() };
    let (mut flattened, mut reduced) = (0, 0);
    for seed in (0..2_000).filter(|seed| faults(*seed).has(Fault::Kill)) {
        let run = run(seed, &options, |config, start| {
            Engine::new(config, start).map_err(|problem| problem.to_string())
        });
        let at = |wanted: &str| run.trace.iter().position(|line| line.contains(wanted));
        let Some(killed) = at("verb: Kill(Venue(").or_else(|| at("verb: Kill(Account(")) else {
            continue;
        };
        for pair in run.trace[killed..].windows(2) {
            if pair[0].contains("verb: Flatten(") {
                assert!(!pair[1].contains("refused"), "seed {seed}: {pair:?}");
                flattened += 1;
            }
        }
        let gives_back = |attempt: &&AttemptRow| attempt.kind == Kind::Reduce.code();
        reduced += run.outcome.attempts.iter().filter(gives_back).count();
    }
    assert!(flattened > 5 && reduced > 0, "flattened {flattened}, reduced {reduced}");
}

#[test]
fn a_quarter_of_the_seeds_has_no_faults_and_every_class_is_drawn() {
    let none = (0..4_000).filter(|seed| !faults(*seed).any()).count();
    assert!((900..1_100).contains(&none), "{none}");
    for fault in Fault::ALL {
        assert!((0..4_000).any(|seed| faults(seed).has(*fault)), "{}", fault.name());
    }
}

/// How many schedules run here; `make sim` runs more.
const SCHEDULES: usize = 20_000;

/// What many schedules came to.
#[derive(Default)]
struct Came {
    /// How often each end occurred; the fifth is none.
    ends: [u64; 5],
    /// How often each kind, by its code.
    kinds: [u64; 8],
    faults: FaultCounts,
}

impl Came {
    fn add(&mut self, other: &Came) {
        let counts = |came: &Came| came.ends.into_iter().chain(came.kinds).collect::<Vec<_>>();
        let mine = self.ends.iter_mut().chain(&mut self.kinds);
        for (mine, theirs) in mine.zip(counts(other)) {
            *mine += theirs;
        }
        self.faults.add(&other.faults);
    }
}

/// Runs every seed that leaves `rest` over `step`.
fn schedules(rest: usize, step: usize) -> Came {
    let mut came = Came::default();
    for seed in (rest..SCHEDULES).step_by(step) {
        let run = real(u64::try_from(seed).unwrap());
        assert_eq!(run.violations, [], "seed {seed}: campaign --verbose {seed}");
        let mut kinds = [0; 8];
        for attempt in &run.outcome.attempts {
            kinds[usize::from(attempt.kind)] += 1;
        }
        came.add(&Came { ends: run.outcome.ends(), kinds, faults: run.faults });
    }
    came
}

/// Seeds that broke a rule once: a revision told again beside the desk's word; a quote that outlived
/// the depth which its own hedge had taken; a correction that came before its execution; executions
/// taken back on the leg that leads and on those that follow; old news in a step that cancels as well;
/// a part that was taken back before it came and seemed to fill its order up, or was never asked for;
/// an order called dead of which a correction is heard; a balance below zero; lots that an order was
/// to close and another closed first; money that was held to follow, and an order called dead took;
/// a book made up where the market was before it jumped; an event that left a residual to one hedge
/// while another began; an absurd book that was put right only after the day's end;
/// legs that followed at a price at which a market that stands still never trades; money that was held
/// to follow, and a close lost; a Roll's slice of two sets in two lots, rounded at both of its ends;
/// an order that its venue says it does not know, when a level cancels what enters.
#[test]
fn schedules_that_broke_a_rule_break_none() {
    let revised = [30_236_092, 30_335_222, 31_751_525];
    let taken_back = [30_453_502, 31_375_839, 32_493_111];
    let again = [31_601_268, 32_304_358];
    let parts = [40_601_479, 44_152_103];
    let dead = [40_746_470, 43_378_226, 44_359_923];
    let others = [
        1_023_913,
        3_177_812,
        40_566_744,
        41_317_197,
        70_264_948,
        81_586_280,
        120_177_856,
        121_134_631,
        132_961_547,
        135_023_842,
        138_749_681,
        138_951_778,
        78_062,
        138_434,
        151_151_359,
        280_033_722,
        280_069_034,
        290_010_232,
        290_772_135,
        290_876_471,
        290_938_370,
        310_505_311,
        560_021_767,
        560_059_275,
    ];
    let all = [&revised[..], &taken_back, &again, &parts, &dead, &others].concat();
    for seed in all {
        assert_eq!(real(seed).violations, [], "seed {seed}: campaign --verbose {seed}");
    }
}

/// The second copy of an order that was proven never to have come: it is taken, told of late and dies.
#[test]
fn what_a_schedule_meets_is_not_called_impossible() {
    let mut atlas = Atlas::default();
    atlas.add(&real(91_266_624).cells);
    assert_eq!(atlas.verdict().2, []);
}

#[test]
fn schedules_break_no_rule_and_leave_nothing_out() {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut came = Came::default();
    std::thread::scope(|scope| {
        let parts = (0..threads).map(|rest| scope.spawn(move || schedules(rest, threads)));
        let parts: Vec<_> = parts.collect();
        for part in parts {
            came.add(&part.join().unwrap());
        }
    });
    let [ends @ .., alive] = came.ends;
    assert!(ends.iter().all(|count| *count > 500), "every end occurs: {ends:?}");
    assert_eq!(alive, 0, "every attempt ends");
    for kind in [Kind::Enter, Kind::Exit, Kind::Trim, Kind::Reduce] {
        let count = came.kinds[usize::from(kind.code())];
        assert!(count > 1_000, "{} occurs {count} times", kind.name());
    }
    for (fault, count) in came.faults.iter() {
        assert!(count > 60, "{} fires {count} times", fault.name());
    }
}

#[test]
fn every_short_history_of_two_legs_keeps_the_rules() {
    for (shape, merge, depth) in [
        (Shape::AtOnce, Merge::Coarse, 5),
        (Shape::Sequential, Merge::Coarse, 5),
        (Shape::AtOnce, Merge::Exact, 3),
    ] {
        let budget = Budget::of(1, 1);
        let search = Search { depth, budget, merge, orders: 4, states_max: 1_000_000 };
        let found = explore(&small(shape, 2), &search).unwrap();
        assert_eq!(found.violations, 0, "{:?}", found.broken.first());
        assert!(found.complete && found.layers.iter().all(|new| *new > 0), "{found:?}");
        assert!(found.transitions > found.states && found.rested > 0, "{found:?}");
        // Only what comes late, such as the orders of repair, is rare in a short one.
        assert!(found.ends.iter().all(|ends| *ends > 0), "{:?}", found.ends);
        assert!(found.orders_max >= 3, "repair sends orders: {}", found.orders_max);
    }
}

#[test]
fn every_pair_of_order_and_input_keeps_the_rules_of_orders() {
    let found = pairs::all();
    assert_eq!(found.broken, [""; 0]);
    assert_eq!(found.pairs, found.orders * found.inputs);
    // Amendments are not sent: every other state is reached.
    assert_eq!(found.labels, 10);
}

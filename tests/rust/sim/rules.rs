//! That each rule can be broken: by steps that nobody may take, or by an engine that lies.

use std::collections::BTreeSet;

use super::*;
use cross_market_core::clock::{Clock, ClockOf};
use cross_market_core::conduct::{Budget, Budgets};
use cross_market_core::event::Event;
use cross_market_core::funds::{CashKind, Lease, Transfer, TransferId};
use cross_market_core::instrument::{PriceBand, Prompts, Reference, ReferenceChange, Settlement};
use cross_market_core::legging::{Legging, Mode};
use cross_market_core::num::Money;
use cross_market_core::order::{Amend, FeeNews, LiquiditySide};
use cross_market_core::quote::{LegLots, LegPlan};
use cross_market_core::time::Day;
use cross_market_sim::check::RULES;
use cross_market_sim::mind::Seen;
use cross_market_sim::swarm::{Driven, minimise};
use cross_market_sim::tale::story;

/// Steps of an engine: events and what it commands on them.
type Steps = Vec<(Event, Vec<Command>)>;

fn tick(commands: Vec<Command>) -> (Event, Vec<Command>) {
    (Event::Tick, commands)
}

fn begun(mut commands: Vec<Command>) -> (Event, Vec<Command>) {
    commands.insert(0, started(Kind::Enter));
    tick(commands)
}

fn sends(place: Place) -> Steps {
    vec![begun(vec![Command::Place(place)])]
}

fn ids(number: u32) -> ClientOrderId {
    ClientOrderId::pack(1, config().run, HedgeId(0), number, LegId(0), 0).unwrap()
}

fn over_prices_and_sizes() -> Vec<(&'static str, Steps)> {
    let one = fitting(1);
    let far = Price(one.price.0 + one.side.sign() * 1_000);
    let lots = config().hedges[HedgeId(0)].plan.legs[0].lots.nearest(1);
    let band = Some(PriceBand { low: Price(1), high: Price(2) });
    let change = ReferenceChange::PriceBand(band);
    let reference = Reference { instrument: one.instrument, exchange: START, change };
    let reference = Event::Reference(Box::new(reference));
    let huge = Qty::of(100_000_000_000);
    vec![
        ("size_above_zero", sends(Place { qty: Qty::ZERO, ..one })),
        ("price_in_collar", sends(Place { price: far, ..one })),
        ("price_in_band", [vec![(reference, vec![])], sends(one)].concat()),
        ("leg_within_its_goal", sends(Place { qty: Qty::of(lots + 1), ..one })),
        ("leg_within_its_goal", sends(Place { side: one.side.flip(), ..one })),
        ("enter_within_live_residual", sends(Place { qty: Qty::of(1_000), ..one })),
        ("enter_within_sum_of_residuals", sends(Place { qty: huge, ..one })),
        ("order_value_in_limit", sends(Place { qty: huge, ..one })),
    ]
}

fn over_messages() -> Vec<(&'static str, Steps)> {
    let one = fitting(1);
    let (order, account, instrument) = (one.order, one.account, one.instrument);
    let cancel = Command::Cancel(Cancel { order, account, instrument });
    let query = Command::Query(Query { order, account, instrument });
    let unknown = Command::Cancel(Cancel { order: super::order(0, 9), account, instrument });
    let moved = Transfer { id: TransferId(1), from: OURS, to: OURS, amount: Money(1) };
    let changed = Amend { order, price: one.price, qty: one.qty };
    let many: Vec<Command> = (1..200).map(|number| Command::Place(fitting(number))).collect();
    let wrong = Place { account: AccountId(1), ..one };
    vec![
        ("id_says_what_it_is", sends(wrong)),
        ("order_has_an_attempt", vec![tick(vec![Command::Place(one)])]),
        ("ids_never_repeat", [sends(one), vec![tick(vec![Command::Place(one)])]].concat()),
        ("names_a_sent_order", vec![tick(vec![unknown])]),
        ("tries_bounded", vec![begun(many.clone())]),
        ("messages_bounded", vec![begun(many)]),
        ("messages_within_rate", vec![begun(vec![Command::Place(one); 2_000])]),
        ("cancels_bounded", [sends(one), vec![tick(vec![cancel; 20])]].concat()),
        ("queries_bounded", [sends(one), vec![tick(vec![query; 200])]].concat()),
        ("inert_commands", vec![tick(vec![Command::Amend(changed)])]),
        ("transfers_are_asked_for", vec![tick(vec![Command::Transfer(moved)])]),
    ]
}

/// Each budget alone, one step beyond it.
fn over_budgets() -> Vec<(&'static str, Steps)> {
    let one = fitting(1);
    let none = Budgets {
        cancels: None,
        large_cancels: None,
        large_lots: 0,
        opens: None,
        self_trades: None,
        bursts: None,
        counts_ioc: true,
        counts_fok: true,
        counts_hedging: true,
    };
    let allow = |conduct| {
        let mut policy = config().policy;
        policy.instruments[one.instrument].conduct = Some(conduct);
        vec![(verb(Verb::Policy(Box::new(policy))), vec![])]
    };
    let some = |per_day, reserve| Some(Budget { per_day, reserve });
    let kept = allow(Budgets { cancels: some(2, 1), ..none });
    let large = allow(Budgets { large_cancels: some(1, 0), large_lots: 1, ..none });
    let opens = allow(Budgets { opens: some(1, 0), ..none });
    let bursts = allow(Budgets { bursts: Some(1), ..none });
    let (order, account, instrument) = (one.order, one.account, one.instrument);
    let cancel = Command::Cancel(Cancel { order, account, instrument });
    let two = || vec![begun(vec![Command::Place(one), Command::Place(fitting(2))])];
    let cancelled = (news(order, News::Cancelled { cum: Qty::ZERO }), vec![]);
    let next = tick(vec![Command::Place(fitting(2))]);
    let ten = tick(vec![cancel; 10]);
    let rule = "orders_within_conduct";
    vec![
        (rule, [kept.clone(), two()].concat()),
        (rule, [kept, sends(one), vec![cancelled, next.clone()]].concat()),
        (rule, [large, two()].concat()),
        (rule, [opens, two()].concat()),
        (rule, [bursts, sends(one), vec![ten, next]].concat()),
    ]
}

#[test]
fn budgets_bind_what_enters_before_what_mends() {
    let (one, two) = (fitting(1), fitting(2));
    let found = |change: fn(&mut Place)| {
        let mut steps = over_budgets().remove(0).1;
        let mut second = two;
        change(&mut second);
        steps.truncate(1);
        steps.push(begun(vec![Command::Place(one), Command::Place(second)]));
        broken(&steps).contains(&"orders_within_conduct")
    };
    assert!(found(|_| {}));
    assert!(!found(|place| place.purpose = Purpose::Supplement));
    assert!(!found(|place| place.kind = Kind::Exit));
    assert!(!found(|place| place.instrument = InstrumentId(1)));
}

/// An account's usage reached a level.
fn level(level: u8) -> Command {
    alert(AlertCode::Threshold, level, (1, 1), Subject::Account(OURS))
}

fn over_attempts() -> Vec<(&'static str, Steps)> {
    let one = Command::Place(fitting(1));
    let start = |kind: Kind, number, to| {
        let subject = Subject::Attempt(ids(number));
        alert(AlertCode::AttemptStarted, kind.code(), (0, to), subject)
    };
    let hedge = Subject::Hedge(HedgeId(0));
    let restricted = alert(AlertCode::Restricted, 0, (0, 0), hedge);
    let poisoned = alert(AlertCode::Poisoned, 0, (0, 0), hedge);
    let down = Link { to: LinkTo::Feed(InstrumentId(0)), state: LinkState::Down };
    let (to, state) = (LinkTo::Trading(OURS), LinkState::Resynced);
    let up = vec![(Event::Link(Link { to, state }), vec![])];
    let after = |event: Event| vec![(event, vec![]), begun(vec![])];
    let trim = start(Kind::Trim, 2, 1);
    let of = Subject::Account(fitting(1).account);
    let unstated = alert(AlertCode::Threshold, 2, (7, 7), of);
    let crossed = alert(AlertCode::Crossed, 0, (1, 10_000), Subject::Hedge(HedgeId(0)));
    let forfeited = alert(AlertCode::Forfeited, 0, (0, 0), Subject::Attempt(ids(1)));
    let lots = config().hedges[HedgeId(0)].plan.legs[0].lots.nearest(1);
    let hedge = Place { qty: Qty::of(lots + 1), purpose: Purpose::Hedge, ..fitting(1) };
    vec![
        ("ends_with_orders_confirmed", vec![begun(vec![one, ended(0)])]),
        ("one_end_of_four", vec![begun(vec![ended(2), ended(2)])]),
        ("one_end_of_four", vec![begun(vec![ended(9)])]),
        ("ends_what_began", vec![tick(vec![ended(0)])]),
        ("residual_held_alarms", vec![begun(vec![ended(3)])]),
        ("crossing_moves_nothing", vec![begun(vec![crossed])]),
        ("no_trim_after_residual_held", vec![begun(vec![ended(3), trim])]),
        ("no_order_after_the_end", vec![begun(vec![ended(2), one])]),
        ("forfeited_sends_nothing", vec![begun(vec![forfeited, one])]),
        ("follows_no_further", [vec![works(Mode::Sequential)], sends(hedge)].concat()),
        ("one_attempt_a_hedge", vec![begun(vec![start(Kind::Enter, 2, 1)])]),
        ("enter_within_max", vec![tick(vec![start(Kind::Enter, 2, 1_000)])]),
        ("no_enter_while_stopped", after(verb(Verb::Stop(Scope::All)))),
        ("no_enter_while_restricted", vec![tick(vec![restricted]), begun(vec![])]),
        ("enters_on_good_books_only", after(Event::Link(down))),
        ("never_poisoned", vec![tick(vec![poisoned])]),
        ("restricted_enters_nothing", vec![tick(vec![level(2)]), begun(vec![])]),
        ("cancel_level_cancels", [up, sends(fitting(1)), vec![tick(vec![level(3)])]].concat()),
        ("levels_as_told", vec![tick(vec![level(3), level(2)])]),
        ("bounds_as_stated", vec![tick(vec![unstated])]),
    ]
}

fn over_latches() -> Vec<(&'static str, Steps)> {
    let one = Command::Place(fitting(1));
    let kill = || (verb(Verb::Kill(Scope::All)), vec![]);
    let flatten = (verb(Verb::Flatten(Scope::Hedge(HedgeId(0)))), vec![]);
    let to = LinkTo::Trading(fitting(1).account);
    let down = (Event::Link(Link { to, state: LinkState::Down }), vec![]);
    vec![
        ("kill_cancels_at_once", vec![begun(vec![one]), kill()]),
        ("no_order_in_halt", vec![begun(vec![]), kill(), tick(vec![one])]),
        ("no_order_in_halt", vec![begun(vec![]), flatten, kill(), tick(vec![one])]),
        ("no_order_into_a_dead_line", vec![begun(vec![]), down, tick(vec![one])]),
    ]
}

/// What venues and clocks say stands in the way.
fn over_words() -> Vec<(&'static str, Steps)> {
    let one = fitting(1);
    let (phase, until) = (Phase::Halted, Time::MAX);
    let change = ReferenceChange::Phase { phase, until };
    let reference = Reference { instrument: one.instrument, exchange: START, change };
    let halted = || (Event::Reference(Box::new(reference)), vec![]);
    let (of, offset) = (ClockOf::Wall, Span::seconds(3_600));
    let wall = Event::Clock(Clock { of, offset, uncertainty: Span::ZERO });
    let account = Subject::Account(one.account);
    let restricted = alert(AlertCode::Restricted, 0, (0, 0), account);
    let trims = |count: u32| {
        let trim = |number| {
            let subject = Subject::Attempt(ids(number));
            vec![
                alert(AlertCode::AttemptStarted, Kind::Trim.code(), (0, 1), subject),
                alert(AlertCode::AttemptEnded, 2, (0, 0), subject),
            ]
        };
        (2..2 + count).map(|number| tick(trim(number))).collect::<Steps>()
    };
    vec![
        ("no_order_while_shut", vec![begun(vec![]), halted(), tick(vec![Command::Place(one)])]),
        ("no_enter_while_shut", vec![halted(), begun(vec![])]),
        ("clock_restricts", vec![(wall, vec![])]),
        ("no_enter_while_restricted", vec![tick(vec![restricted]), begun(vec![])]),
        ("trims_bounded", trims(40)),
    ]
}

/// From now on legs are worked in this way.
fn works(mode: Mode) -> (Event, Vec<Command>) {
    let mut policy = config().policy;
    policy.hedges[HedgeId(0)].legging = Legging { mode, ..Legging::AT_ONCE };
    policy.accounts.iter_mut().for_each(|limits| limits.message_rate = 1_000);
    (verb(Verb::Policy(Box::new(policy))), vec![])
}

/// Both legs rest, the first one for so many lots; the second one's lot trades, and nothing follows.
fn both_rest(lots: i64) -> Steps {
    let config = config();
    let legs = &config.hedges[HedgeId(0)].plan.legs;
    let quote = |at: u8, qty| Place {
        order: super::order(at, 1),
        account: legs[usize::from(at)].account,
        instrument: legs[usize::from(at)].instrument,
        side: legs[usize::from(at)].side,
        qty: Qty::of(qty),
        purpose: Purpose::Quote,
        ..fitting(1)
    };
    let (first, second) = (quote(0, lots), quote(1, 1));
    let fill = Fill {
        trade_id: Text::new("T1").unwrap(),
        side: second.side,
        price: second.price,
        qty: Qty::of(1),
        cum: None,
        fee: FeeNews::Pending,
        liquidity: LiquiditySide::Maker,
    };
    let filled = Report {
        order: Some(second.order),
        venue_order_id: Text::EMPTY,
        account: second.account,
        instrument: second.instrument,
        exchange: START,
        receive: START,
        news: News::Fill(fill),
    };
    vec![
        works(Mode::Quoting),
        begun(vec![Command::Place(first), Command::Place(second)]),
        (news(first.order, News::Accepted), vec![]),
        (Event::Report(Box::new(filled)), vec![]),
    ]
}

#[test]
fn a_quote_that_shows_what_is_missing_may_stay() {
    let rule = |lots| broken(&both_rest(lots)).contains(&"quote_within_missing");
    // Lots of the first leg that stand for one of the second, and for half a lot of each more.
    let legs = &config().hedges[HedgeId(0)].plan.legs;
    let (fine, coarse) = (legs[0].units, legs[1].units);
    let most = if fine == coarse { 1 } else { (3 * coarse + fine) / (2 * fine) };
    assert_eq!([1, most, most + 1].map(rule), [false, false, true], "{fine} {coarse}");
}

/// What follows from reports.
fn over_reports() -> Vec<(&'static str, Steps)> {
    let one = fitting(1);
    let fill = |order: Option<ClientOrderId>, account| {
        let fill = Fill {
            trade_id: Text::new("T1").unwrap(),
            side: one.side,
            price: one.price,
            qty: Qty::of(1),
            cum: None,
            fee: FeeNews::Pending,
            liquidity: LiquiditySide::Taker,
        };
        let (instrument, receive) = (one.instrument, START);
        let (venue_order_id, exchange, news) = (Text::EMPTY, START, News::Fill(fill));
        let report = Report { order, venue_order_id, account, instrument, exchange, receive, news };
        (Event::Report(Box::new(report)), vec![])
    };
    let stuck = alert(AlertCode::CancelStuck, 0, (0, 0), Subject::Order(one.order));
    let barred = News::CancelRejected { class: RejectClass::Phase, code: 0 };
    let barred = (news(one.order, barred), vec![]);
    let (order, reason) = (one.order, Note::new("no").unwrap());
    let (status, cum) = (VenueStatus::Cancelled, Qty::ZERO);
    let said = verb(Verb::Override { order, status, cum, reason });
    let overridden = alert(AlertCode::Overridden, 0, (0, 0), Subject::Order(order));
    let other = AccountId(1 - one.account.0);
    vec![
        ("cancel_outlives_an_auction", [sends(one), vec![barred, tick(vec![stuck])]].concat()),
        ("quote_within_missing", both_rest(9)),
        ("external_is_told", vec![fill(None, one.account)]),
        ("misfit_is_conflict", [sends(one), vec![fill(Some(order), other)]].concat()),
        (
            "override_is_contradicted",
            [sends(one), vec![(said, vec![overridden]), fill(Some(order), one.account)]].concat(),
        ),
    ]
}

/// An order under a lease of so much.
fn leased(amount: Money) -> Steps {
    let (account, until) = (fitting(1).account, START + Span::seconds(1));
    let lease = Lease { account, amount, posted: Money::ZERO, epoch: 1, until };
    [vec![(verb(Verb::Lease(lease)), vec![])], sends(fitting(1))].concat()
}

#[test]
fn a_breach_is_handled_when_what_entered_is_dead() {
    let mut checker = Checker::new(&config());
    let one = fitting(1);
    let level = |level| alert(AlertCode::Threshold, level, (0, 0), Subject::Account(one.account));
    let at = |millis| START + Span::millis(millis);
    let (account, instrument) = (one.account, one.instrument);
    let cancel = Command::Cancel(Cancel { order: one.order, account, instrument });
    let up = Link { to: LinkTo::Trading(account), state: LinkState::Up };
    checker.step(at(0), &Event::Link(up), &[]);
    let (event, commands) = begun(vec![Command::Place(one)]);
    checker.step(at(0), &event, &commands);
    checker.step(at(1), &Event::Tick, &[level(2)]);
    checker.step(at(2), &Event::Tick, &[level(3), cancel]);
    assert_eq!((checker.handled(), checker.unhandled()), (&[][..], 1));
    checker.step(at(7), &news(one.order, News::Cancelled { cum: Qty::ZERO }), &[]);
    // At the next level nothing is left.
    checker.step(at(9), &Event::Tick, &[level(5)]);
    assert_eq!((checker.handled(), checker.unhandled()), (&[Span::millis(5), Span(0)][..], 0));
}

#[test]
fn a_lease_that_carries_an_order_lets_it_leave() {
    let mut pooled = config();
    pooled.accounts[fitting(1).account].terms.leased = true;
    let mut checker = Checker::new(&pooled);
    for (event, commands) in leased(Money::units(1_000_000_000)) {
        checker.step(START, &event, &commands);
    }
    assert!(checker.violations().iter().all(|broken| broken.rule != "within_lease"));
}

/// What the rules say of a refusal, and of a restart.
/// A prompt that has passed.
fn passed() -> Prompts {
    Prompts::new(vec![(Day(0), START.date())]).unwrap()
}

fn apart() -> Vec<(&'static str, Vec<&'static str>)> {
    let rules = |act: &dyn Fn(&mut Checker)| {
        let mut checker = Checker::new(&config());
        act(&mut checker);
        checker.violations().iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    let one = Command::Place(fitting(1));
    let mut poor = ready();
    poor.note_cash(fitting(1).account, Money(-1));
    let mut misled = ready();
    misled.absurd(GOLD, true);
    let level = |side, price, row| {
        let (price, qty, instrument) = (Price(price), Qty::of(5), GOLD);
        let (exchange, receive) = (START, START);
        Change { price, qty, seq: 2, exchange, receive, step: 0, instrument, side, row }
    };
    let rows = [(Side::Buy, 9_900, Row::Snapshot), (Side::Sell, 10_100, Row::LevelLast)];
    let rows = rows.map(|(side, price, row)| (Event::Book(level(side, price, row)), vec![]));
    let mut steps = rows.to_vec();
    steps.push(begun(vec![]));
    let mut over = config();
    for of in over.instruments.iter_mut() {
        (of.settlement, of.prompts) = (Settlement::PromptForward, passed());
    }
    let mut late = Checker::new(&over);
    let mut pooled = config();
    pooled.accounts[fitting(1).account].terms.leased = true;
    vec![
        ("within_lease", broken_by(&mut Checker::new(&pooled), &sends(fitting(1)))),
        ("within_lease", broken_by(&mut Checker::new(&pooled), &leased(Money(1)))),
        ("order_has_a_prompt", broken_by(&mut late, &sends(fitting(1)))),
        ("no_enter_on_absurd_prices", broken_by(&mut misled, &steps)),
        ("enters_within_money", broken_by(&mut poor, &sends(fitting(1)))),
        (
            "orders_on_fresh_books",
            rules(&|check| {
                check.step(START, &Event::Tick, &[started(Kind::Enter), one]);
            }),
        ),
        (
            "door_takes_what_venues_send",
            rules(&|check| check.refused(START, &Event::Tick, &"no", &[])),
        ),
        (
            "refusal_commands_nothing",
            rules(&|check| check.refused(START, &Event::Tick, &"no", &[one])),
        ),
        (
            "attempts_end_in_time",
            rules(&|check| {
                check.step(START, &Event::Tick, &[started(Kind::Enter)]);
                check.step(START + Span::seconds(60), &Event::Tick, &[]);
            }),
        ),
        ("restart_places_nothing", rules(&|check| check.restarted(START, &[one]))),
        ("roll_has_two_hedges", entered_while_rolled_into()),
        ("roll_within_its_cost", rolled_over_a_wide_spread()),
    ]
}

/// The first drawn configuration with a hedge that rolls, the hedge and its next one.
fn rolling() -> (Config, HedgeId, HedgeId) {
    let configs = (0..2_000).map(|seed| plan(seed, &[]).config);
    let next = |config: &Config| {
        let mut pairs = config.hedges.pairs();
        pairs.find_map(|(id, hedge)| Some((id, hedge.roll.as_ref()?.next)))
    };
    configs.into_iter().find_map(|config| next(&config).map(|of| (config, of.0, of.1))).unwrap()
}

/// What is said of a Roll of one lot whose contract has a spread wider than its cap pays for.
fn rolled_over_a_wide_spread() -> Vec<&'static str> {
    let (mut config, hedge, _) = rolling();
    config.policy.hedges[hedge].max_roll_cost = Some(Money(1));
    let roll = config.hedges[hedge].roll.clone().unwrap();
    let trades = |leg: &&LegPlan| leg.lots.num() != 0 && leg.fx.is_none();
    let at = roll.plan.legs.iter().position(|leg| trades(&leg)).unwrap();
    let leg = &roll.plan.legs[at];
    let touch = |side, price, row| {
        let (price, qty, instrument) = (Price(price), Qty::of(5), leg.instrument);
        let (exchange, receive) = (START, START);
        Event::Book(Change {
            price,
            qty,
            seq: 1,
            exchange,
            receive,
            step: 0,
            instrument,
            side,
            row,
        })
    };
    let id = |number| {
        ClientOrderId::pack(1, config.run, hedge, 1, LegId(u8::try_from(at).unwrap()), number)
            .unwrap()
    };
    let start = Subject::Attempt(id(0).decision());
    let start = alert(AlertCode::AttemptStarted, Kind::Roll.code(), (0, 1), start);
    let order = Command::Place(Place {
        order: id(1),
        account: leg.account,
        instrument: leg.instrument,
        hedge,
        kind: Kind::Roll,
        ..place(1, Side::Buy, 101, 1, TimeInForce::Ioc)
    });
    let mut checker = Checker::new(&config);
    checker.step(START, &touch(Side::Buy, 99, Row::Snapshot), &[]);
    checker.step(START, &touch(Side::Sell, 101, Row::LevelLast), &[]);
    checker.step(START, &Event::Tick, &[start, order]);
    checker.violations().iter().map(|violation| violation.rule).collect()
}

/// What is said of a hedge that enters while another's sets move into it.
fn entered_while_rolled_into() -> Vec<&'static str> {
    let (config, hedge, next) = rolling();
    let start = |kind: Kind, hedge| {
        let id = ClientOrderId::pack(1, config.run, hedge, 1, LegId(0), 0).unwrap();
        alert(AlertCode::AttemptStarted, kind.code(), (0, 1), Subject::Attempt(id))
    };
    let mut checker = Checker::new(&config);
    checker.step(START, &Event::Tick, &[start(Kind::Roll, hedge)]);
    assert_eq!(checker.violations(), []);
    checker.step(START, &Event::Tick, &[start(Kind::Enter, next)]);
    checker.violations().iter().map(|violation| violation.rule).collect()
}

/// What an engine lies of, or does that no engine may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Inventory,
    Position,
    Cash,
    Margin,
    Levels,
    LiveOrders,
    Held,
    Unheld,
    Residual,
    Panic,
    Refusal,
    Deadline,
    NoEnd,
    Rogue,
    Drift,
    Booked,
    Clock,
}

const LIES: &[(&str, Lie)] = &[
    ("inventory_as_told", Lie::Inventory),
    ("position_as_told", Lie::Position),
    ("position_is_true", Lie::Position),
    ("cash_as_told", Lie::Cash),
    ("margin_as_told", Lie::Margin),
    ("cash_is_true", Lie::Cash),
    ("books_are_true", Lie::Levels),
    ("engine_knows_every_end", Lie::LiveOrders),
    ("quiet_converges", Lie::LiveOrders),
    ("nothing_stays_held", Lie::Held),
    ("orders_have_their_money", Lie::Unheld),
    ("residual_in_limit", Lie::Residual),
    ("never_panics", Lie::Panic),
    ("configuration_is_taken", Lie::Refusal),
    ("deadline_moves", Lie::Deadline),
    ("every_attempt_ends", Lie::NoEnd),
    ("every_order_ends", Lie::Rogue),
    ("no_drift_without_cause", Lie::Drift),
    ("again_changes_nothing", Lie::Booked),
    ("clock_moves_no_timer", Lie::Clock),
];

/// An engine that lies.
struct Liar {
    engine: Engine,
    lie: Lie,
    asked: Cell<u32>,
}

impl Liar {
    /// An order that rests where nothing ever trades.
    fn rogue(&self) -> Command {
        let config = self.engine.config();
        let leg = &config.hedges[HedgeId(0)].plan.legs[0];
        let order = ClientOrderId::pack(1, 0xFFF, HedgeId(0), 1, LegId(0), 1).unwrap();
        Command::Place(Place {
            order,
            account: leg.account,
            instrument: leg.instrument,
            ..place(1, Side::Buy, -1_000_000, 1, TimeInForce::Gtc)
        })
    }
}

impl Driven for Liar {
    type Error = cross_market_core::error::Error;

    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, Self::Error> {
        let effect = self.engine.handle(now, event, out)?;
        if self.lie == Lie::Clock && matches!(event, Event::Clock(_)) {
            self.asked.set(self.asked.get() + 1);
        }
        let balance = matches!(event, Event::Cash(cash) if cash.kind == CashKind::Balance);
        match self.lie {
            Lie::Panic => assert!(!matches!(event, Event::Report(_)), "as told"),
            Lie::NoEnd => out.retain(|command| {
                !matches!(command, Command::Alert(alert) if alert.code == AlertCode::AttemptEnded)
            }),
            Lie::Rogue if matches!(event, Event::Report(_)) && self.asked.replace(1) == 0 => {
                out.push(self.rogue());
            }
            Lie::Drift if balance => {
                out.push(alert(AlertCode::CashDrift, 0, (0, 0), Subject::Account(OURS)));
            }
            _ => {}
        }
        Ok(effect)
    }

    fn deadline(&self) -> Option<Time> {
        // A deadline that never moved would keep the world there for ever.
        let stays = self.lie == Lie::Deadline && self.asked.replace(self.asked.get() + 1) < 100;
        if self.lie == Lie::Clock {
            // Each measurement of a clock makes its timers later.
            let late = Span(i64::from(self.asked.get()));
            return self.engine.deadline().map(|due| due + late);
        }
        if stays { Some(START) } else { self.engine.deadline() }
    }

    fn restart(&mut self, now: Time, run: u16, out: &mut Vec<Command>) {
        self.engine.restart(now, run, out).unwrap();
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.engine.position(account, instrument) + i64::from(self.lie == Lie::Position)
    }

    fn inventory(&self, hedge: HedgeId) -> LegLots {
        let mut lots = Driven::inventory(&self.engine, hedge);
        lots[0] += i64::from(self.lie == Lie::Inventory);
        lots
    }

    fn open(&self, account: AccountId, instrument: InstrumentId, side: Side) -> (i64, i128) {
        self.engine.open(account, instrument, side)
    }

    fn margin(&self, account: AccountId) -> Money {
        Driven::margin(&self.engine, account) - Money(i128::from(self.lie == Lie::Margin))
    }

    fn live_orders(&self) -> usize {
        self.engine.live_orders() + usize::from(self.lie == Lie::LiveOrders)
    }

    fn residual(&self, hedge: HedgeId) -> i128 {
        self.engine.residual(hedge) + i128::from(self.lie == Lie::Residual) * 1_000_000_000
    }

    fn held(&self, account: AccountId) -> Money {
        if self.lie == Lie::Unheld {
            return Money::ZERO;
        }
        self.engine.held(account) + Money(i128::from(self.lie == Lie::Held))
    }

    fn cash(&self, account: AccountId) -> Money {
        Driven::cash(&self.engine, account) + Money(i128::from(self.lie == Lie::Cash))
    }

    fn seen(&self, about: Option<ClientOrderId>) -> Option<Seen> {
        self.engine.seen(about)
    }

    fn booked(&self, report: &Report) -> u64 {
        // A liar about what it has booked never says the same twice.
        self.asked.set(self.asked.get() + 1);
        let asked = if self.lie == Lie::Booked { u64::from(self.asked.get()) } else { 0 };
        self.engine.booked(report) + asked
    }

    fn forward(&self, account: AccountId, instrument: InstrumentId) -> Money {
        Driven::forward(&self.engine, account, instrument)
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i64, i64)> {
        let mut levels = self.engine.levels(instrument, side);
        levels.truncate(if self.lie == Lie::Levels { 0 } else { levels.len() });
        levels
    }
}

#[test]
fn a_failing_run_is_made_small() {
    let make = |config: &Config, start| {
        let engine = Engine::new(config, start).map_err(|problem| problem.to_string())?;
        Ok(Liar { engine, lie: Lie::Inventory, asked: 0.into() })
    };
    let fails = |seed: &u64| faults(*seed).any() && !rules_of(Lie::Inventory, *seed).is_empty();
    let seed = (0..50).find(fails).unwrap();
    let small = minimise(seed, true, make).unwrap();
    assert_eq!(small.rule, "inventory_as_told");
    // It lies whatever happens: one piece of news shows it, and no fault is needed.
    assert_eq!((small.classes.len(), small.events.len()), (0, 1), "{small:?}");
    let config = plan(seed, &[]).config;
    let text = story(&config, "small", START, "as told", &small.events);
    assert!(text.starts_with("# as told\nconfig small\n\nat=0ns cash a0 opening "), "{text}");
    // Who keeps every rule leaves nothing to be made small.
    let honest = |config: &Config, start| Engine::new(config, start).map_err(|e| e.to_string());
    assert!(minimise(seed, true, honest).is_none());
}

fn rules_of(lie: Lie, seed: u64) -> Vec<&'static str> {
    let options = Options { restarts: true, ..Options::default() };
    let run = run(seed, &options, |config, start| {
        let engine = Engine::new(config, start).map_err(|problem| problem.to_string())?;
        if lie == Lie::Refusal {
            Err("no".into())
        } else {
            Ok(Liar { engine, lie, asked: 0.into() })
        }
    });
    run.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn every_rule_can_be_broken() {
    let mut shown = BTreeSet::new();
    let steps = [
        over_prices_and_sizes(),
        over_messages(),
        over_budgets(),
        over_attempts(),
        over_latches(),
        over_words(),
        over_reports(),
    ];
    let by_steps = steps.into_iter().flatten().map(|(rule, steps)| (rule, broken(&steps)));
    for (rule, found) in by_steps.chain(apart()) {
        assert!(found.contains(&rule), "{rule}: {found:?}");
        shown.insert(rule);
    }
    for (rule, lie) in LIES {
        let found = (0..400).any(|seed| rules_of(*lie, seed).contains(rule));
        assert!(found, "{rule}: {lie:?}");
        shown.insert(rule);
    }
    let all: BTreeSet<&str> = RULES.iter().copied().collect();
    assert_eq!(shown, all);
}

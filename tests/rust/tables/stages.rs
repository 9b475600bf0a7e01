//! Legs that lead, follow and rest: what is asked of each, one question at a time.

use cross_market_core::attempt::{Attempt, End, LegFill, QuoteOver, State, Task, Wants};
use cross_market_core::ids::{ClientOrderId, HedgeId, LEGS_MAX, LegId};
use cross_market_core::legging::{Convert, LegRule, Legging, Mode, Quoting};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::quote::{
    Blocked, Execution, Facts, HedgePlan, Intent, Kind, LegFacts, Purpose, Resting, Solved, Walk,
};
use cross_market_core::time::{Span, Time};

use super::attempt;

const A: LegId = LegId(0);
const B: LegId = LegId(1);
const BUY: usize = 0;
const BID: i64 = 100;
const ASK: i64 = 101;
/// Where quotes of either leg belong: the sale of A, the purchase of B.
const QUOTES: [i64; 2] = [103, 98];

/// An attempt that sells three lots of A and buys three of B, and what it is asked with.
struct Staged {
    plan: HedgePlan,
    attempt: Attempt,
    facts: Facts,
    now: Time,
}

fn task(kind: Kind, (from, to): (i64, i64), over: Span) -> Task {
    let decision = ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 0).unwrap();
    Task { decision, kind, from, to, clip: 1, over }
}

fn legging(mode: Mode, legs: &[LegRule]) -> Legging {
    let mut all = Legging { mode, ..Legging::AT_ONCE };
    all.legs[..legs.len()].copy_from_slice(legs);
    if mode == Mode::Quoting {
        all.quote = Quoting {
            max_reprice: 100,
            range: 100,
            raise_by: 1,
            rest_within: Span::seconds(60),
            ..Quoting::NONE
        };
    }
    all
}

/// With messages enough for whatever follows.
fn execution() -> Execution {
    Execution { messages: 200, ..attempt::execution(0) }
}

const LEADS: LegRule = LegRule { leads: true, ..LegRule::PLAIN };

#[expect(clippy::unnecessary_wraps, reason = "as facts have it")]
fn walk(price: i64, lots: i64) -> Option<Walk> {
    let (qty, worst) = (Qty::new(lots).unwrap(), Price(price));
    Some(Walk { qty, cost: i128::from(price) * i128::from(lots), worst, marginal: None })
}

impl Staged {
    fn new(mode: Mode, legs: [LegRule; 2]) -> Staged {
        let plan = attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 3, 1)]);
        Staged::of(plan, &legging(mode, &legs), (0, 1))
    }

    fn of(plan: HedgePlan, legging: &Legging, (from, to): (i64, i64)) -> Staged {
        let held = plan.goal(from);
        let kind = if to > from { Kind::Enter } else { Kind::Exit };
        let task = task(kind, (from, to), Span::ZERO);
        let mut attempt = Attempt::new(task, execution(), &plan, held, Time(0));
        attempt.renew(task, execution(), legging, &plan, &held, Time(0));
        let mut facts = Facts { loss_left: Money(1_000_000), ..Facts::UNKNOWN };
        for (leg, of) in plan.legs.iter().enumerate() {
            facts.legs[leg] = LegFacts {
                walk: [walk(ASK, 3), walk(BID, 3)],
                touch: [Some(Price(ASK)), Some(Price(BID))],
                collar: [Some(Price(120)), Some(Price(80))],
                fee: [Money(1); 2],
                tick_value: Money(1),
                waiting: 0,
                age: Span::ZERO,
                blocked: Blocked::NONE,
                held: held[leg],
                alive: 0,
                resting: 0,
            };
            let sells = usize::from(of.side == Side::Buy);
            facts.stages[leg].lean = walk([BID, ASK][sells], 3);
            let (price, qty) = (Price(QUOTES[sells]), Qty::new(3).unwrap());
            facts.stages[leg].solved =
                Some(Solved { price, low: price, high: price, qty, away: 0 });
        }
        Staged { plan, attempt, facts, now: Time(1) }
    }

    fn next(&mut self) -> Wants {
        let mut wants = Wants::NOTHING;
        self.attempt.next(self.now, &self.plan, &self.facts, &mut wants);
        for intent in wants.intents.iter().flatten() {
            if !wants.begins || intent.purpose != Purpose::Hedge {
                self.attempt.placed(intent.leg, intent.purpose);
            }
        }
        wants
    }

    /// Its first orders have left and are alive; those of the legs that lead.
    fn begun(mut self) -> Staged {
        let wants = self.next();
        assert_eq!((wants.begins, wants.end, self.attempt.state), (true, None, State::Working));
        for intent in wants.intents.iter().flatten() {
            if intent.purpose != Purpose::Hedge {
                self.out(intent.leg, intent.qty.get());
            }
        }
        self
    }

    /// So many lots of a leg are out, in one order or none.
    fn out(&mut self, leg: LegId, lots: i64) {
        let at = usize::from(leg.0);
        self.facts.legs[at].alive = u32::from(lots > 0);
        let side = self.attempt.forward(leg);
        self.facts.stages[at].open[usize::from(side == Side::Sell)] = Qty::new(lots).unwrap();
    }

    /// A leg trades lots of what it has out.
    fn trades(&mut self, leg: LegId, lots: i64) {
        let at = usize::from(leg.0);
        let side = self.attempt.forward(leg);
        self.facts.legs[at].held += side.sign() * lots;
        let (price, purpose) = (Price(if side == Side::Buy { ASK } else { BID }), Purpose::Work);
        let (fee, tick_value) = (Money(0), Money(1));
        self.attempt.fill(&LegFill { leg, side, lots, price, purpose, fee, tick_value });
        let open = self.facts.stages[at].open[usize::from(side == Side::Sell)];
        self.out(leg, (open.get() - lots).max(0));
    }

    /// The quote of a leg rests at a price.
    fn rests(&mut self, leg: LegId, price: i64, lots: i64) {
        let at = usize::from(leg.0);
        self.out(leg, lots);
        self.facts.legs[at].resting = 1;
        let leaves = Qty::new(lots).unwrap();
        self.facts.stages[at].quote =
            Some(Resting { price: Price(price), leaves, is_movable: true, sent: Time(1) });
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as an attempt wants it")]
fn hedge(leg: LegId, side: Side, lots: i64, limit: i64) -> Option<Intent> {
    let (qty, limit) = (Qty::new(lots).unwrap(), Price(limit));
    Some(Intent { leg, side, qty, limit, purpose: Purpose::Hedge })
}

#[test]
fn what_leads_is_matched_trade_by_trade() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    assert!(of.attempt.is_staged() && of.attempt.is_at_stages() && !of.attempt.quotes());
    assert!(of.attempt.leads(A) && !of.attempt.leads(B));
    assert_eq!(of.next().intents[1], None);
    of.trades(A, 2);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 2, ASK));
    of.out(B, 2);
    assert_eq!(of.next().intents[1], None);
    of.trades(A, 1);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 1, ASK));
    let mut at_once = Staged::new(Mode::Simultaneous, [LegRule::PLAIN; 2]).begun();
    assert!(!at_once.attempt.is_staged() && !at_once.attempt.is_at_stages());
    assert_eq!(at_once.next().intents[1], None);
}

#[test]
fn a_leg_without_a_chase_has_one_step() {
    // Five ticks of slip are left, and no step leads there.
    let rule = LegRule { slip: Some(5), ..LegRule::PLAIN };
    let mut of = Staged::new(Mode::Sequential, [LEADS, rule]).begun();
    of.trades(A, 3);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 3, ASK));
    of.attempt.followed(B, 3);
    let wants = of.next();
    assert!(wants.again && !of.attempt.is_at_stages(), "repair has its turn: {wants:?}");
    // With a chase the next order goes a step further.
    let chases = LegRule { chase: 2, ..rule };
    let mut of = Staged::new(Mode::Sequential, [LEADS, chases]).begun();
    of.trades(A, 3);
    of.next();
    of.attempt.followed(B, 3);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 3, ASK + 2));
}

#[test]
fn a_leg_that_shows_no_price_waits_for_one() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    of.trades(A, 3);
    let touch = std::mem::take(&mut of.facts.legs[1].touch);
    let wants = of.next();
    assert_eq!((wants.intents[1], wants.end, of.attempt.is_at_stages()), (None, None, true));
    of.facts.legs[1].touch = touch;
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 3, ASK));
}

#[test]
fn what_leaned_on_nothing_leans_on_the_book() {
    // B was where it was to be when the slice began, and loses a lot of it.
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]);
    of.facts.legs[1].held = 3;
    let held = of.facts.held();
    let task = task(Kind::Enter, (0, 1), Span::ZERO);
    let rules = legging(Mode::Sequential, &[LEADS, LegRule::PLAIN]);
    of.attempt.renew(task, execution(), &rules, &of.plan, &held, Time(0));
    let mut of = of.begun();
    of.trades(A, 1);
    of.facts.legs[1].held = 2;
    of.facts.legs[1].walk[BUY] = walk(105, 1);
    of.facts.legs[1].touch[BUY] = Some(Price(105));
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 1, 105));
}

#[test]
fn what_rests_rests_for_so_many_steps() {
    let rule = LegRule { rests: true, take_after: 2, chase: 1, slip: Some(9), ..LegRule::PLAIN };
    let mut of = Staged::new(Mode::Sequential, [LEADS, rule]).begun();
    for rests in [true, true, false, false] {
        assert_eq!((of.attempt.rests(A), of.attempt.rests(B)), (false, rests));
        of.attempt.followed(B, 1);
    }
    of.attempt.followed(B, 0);
    assert!(of.attempt.rests(B), "what traded whole begins anew");
    let ever = LegRule { take_after: 0, ..rule };
    let of = Staged::new(Mode::Sequential, [LEADS, ever]).begun();
    assert!(of.attempt.rests(B));
    let never = LegRule { rests: false, ..rule };
    assert!(!Staged::new(Mode::Sequential, [LEADS, never]).begun().attempt.rests(B));
}

#[test]
fn a_standing_is_asked_for_where_a_rule_reads_it() {
    let away = LegRule { chase_away: 1, ..LegRule::PLAIN };
    let ahead = LegRule { chase_ahead: 1, ..LegRule::PLAIN };
    for (rule, asks) in [(LegRule::PLAIN, false), (away, true), (ahead, true)] {
        let of = Staged::new(Mode::Sequential, [LEADS, rule]);
        assert_eq!((of.attempt.asks_standing(A), of.attempt.asks_standing(B)), (false, asks));
    }
}

#[test]
fn a_new_run_ends_what_was_at_its_stages() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    of.attempt.restarted(Time(9));
    assert_eq!((of.attempt.is_at_stages(), of.attempt.due), (false, Time(9)));
    // Nothing is short of what is alive, and yet it goes.
    of.facts.legs[0].resting = 1;
    of.facts.legs[1].alive = 1;
    let wants = of.next();
    assert_eq!((wants.cancel, wants.end), (true, None));
    // Numbers of orders that the old run may have sent are not used again.
    let (first, _) = of.attempt.numbers(A, Purpose::Supplement).unwrap();
    assert_eq!(first, u16::try_from(execution().messages).unwrap() + 2);
}

#[test]
fn it_wakes_for_what_comes_first() {
    let later = LegRule { offset: Span(500), ..LegRule::PLAIN };
    let mut of = Staged::new(Mode::Simultaneous, [LegRule::PLAIN, later]);
    assert_eq!(of.attempt.wakes(Time(0)), of.attempt.due, "it begins at once");
    of = of.begun();
    // The second leg's offset counts from the first.
    assert_eq!(of.attempt.wakes(Time(1)), Time(501));
    assert_eq!(of.attempt.wakes(Time(501)), of.attempt.due);
    let quoting = Staged::new(Mode::Quoting, [LEADS, LEADS]).begun();
    assert_eq!(quoting.attempt.wakes(Time(1)), Time(Span::seconds(60).0));
}

#[test]
fn a_quote_follows_where_its_price_reaches_what_would_follow() {
    let converts = LegRule { convert: Convert::Attempt, ..LEADS };
    for (price, stays) in [(ASK - 1, false), (ASK, true), (ASK + 1, true)] {
        let mut of = Staged::new(Mode::Quoting, [converts, converts]).begun();
        of.rests(A, QUOTES[0], 3);
        of.rests(B, price, 1);
        of.trades(A, 1);
        of.facts.stages[0].quote = None;
        let wants = of.next();
        assert_eq!((wants.pulls[1], wants.intents[1]), (!stays, None), "at {price}");
    }
    // The sale of A is the other way round.
    for (price, stays) in [(BID + 1, false), (BID, true), (BID - 1, true)] {
        let mut of = Staged::new(Mode::Quoting, [converts, converts]).begun();
        of.rests(B, QUOTES[1], 3);
        of.rests(A, price, 1);
        of.trades(B, 1);
        of.facts.stages[1].quote = None;
        let wants = of.next();
        assert_eq!((wants.pulls[0], wants.intents[0]), (!stays, None), "at {price}");
    }
}

#[test]
fn what_waits_for_a_price_or_a_slice_is_idle_and_may_be_told_to_wait_no_longer() {
    let mut quoting = Staged::new(Mode::Quoting, [LEADS, LEADS]);
    assert!(quoting.attempt.is_idle());
    let due = quoting.attempt.due;
    quoting = quoting.begun();
    assert!(quoting.attempt.is_idle());
    quoting.attempt.give_way(Time(7));
    assert_eq!((quoting.attempt.due, quoting.attempt.wakes(Time(1))), (due, Time(7)));
    let sequential = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]);
    assert!(!sequential.attempt.is_idle() && !sequential.begun().attempt.is_idle());
    // Slices over a time.
    let plan = attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 3, 1)]);
    let task = task(Kind::Enter, (0, 2), Span::seconds(4));
    let mut gradual = Attempt::new(task, execution(), &plan, plan.goal(0), Time(0));
    assert!(gradual.is_idle());
    gradual.give_way(Time(3));
    assert_eq!(gradual.due, Time(3));
    gradual.state = State::Working;
    assert!(!gradual.is_idle());
    gradual.give_way(Time(2));
    assert_eq!(gradual.due, Time(3), "what it has begun is ended as ever");
}

#[test]
fn where_nothing_leads_all_leave() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]);
    of.facts.legs[0].held = -3;
    let held = of.facts.held();
    let task = task(Kind::Enter, (0, 1), Span::ZERO);
    let rules = legging(Mode::Sequential, &[LEADS, LegRule::PLAIN]);
    of.attempt.renew(task, execution(), &rules, &of.plan, &held, Time(0));
    let wants = of.next();
    let purposes = wants.intents.map(|intent| intent.map(|intent| intent.purpose));
    assert_eq!(purposes[..2], [None, Some(Purpose::Work)]);
    // What it trades then is matched by nothing, and needs nothing to match.
    of.out(B, 3);
    of.trades(B, 1);
    assert_eq!((of.next().intents[1], of.attempt.is_at_stages()), (None, true));
}

#[test]
fn no_quote_leaves_that_has_nothing_to_lean_on() {
    let mut of = Staged::new(Mode::Quoting, [LEADS, LegRule::PLAIN]);
    (of.facts.stages[1].lean, of.facts.stages[1].solved) = (None, None);
    of.facts.legs[1].walk = [None; 2];
    let wants = of.next();
    assert_eq!((wants.end, wants.intents[0]), (Some(End::AbortedFlat), None));
    // Where no other leg leans on it, it leans on where it would rest itself.
    let mut of = Staged::new(Mode::Quoting, [LEADS, LEADS]);
    of.facts.stages[0].lean = None;
    of.facts.legs[0].walk = [None; 2];
    let wants = of.next();
    assert_eq!((wants.end, wants.intents.iter().flatten().count()), (None, 2));
}

#[test]
fn what_follows_later_is_asked_for_at_its_worst() {
    let later = |rules: [LegRule; 2], leg: usize| {
        let wants = Staged::new(Mode::Sequential, rules).next();
        wants.intents[leg].map(|intent| (intent.purpose, intent.qty.get(), intent.limit.0))
    };
    let slips = |slip, slip_money| LegRule { slip, slip_money, ..LegRule::PLAIN };
    let worst = |price| Some((Purpose::Hedge, 3, price));
    assert_eq!(later([LEADS, slips(Some(5), None)], 1), worst(ASK + 5));
    assert_eq!(later([slips(Some(5), None), LEADS], 0), worst(BID - 5));
    // A tick of a lot is worth one: money alone is bound by the collar too.
    assert_eq!(later([LEADS, slips(None, Some(Money(9)))], 1), worst(ASK + 9));
    assert_eq!(later([LEADS, slips(None, Some(Money(50)))], 1), worst(120));
    assert_eq!(later([slips(None, Some(Money(50))), LEADS], 0), worst(80));
    assert_eq!(later([LEADS, slips(Some(50), None)], 1), worst(ASK + 50));
    // What may be given up is never less than nothing.
    let passive = LegRule { pay_up: -2, slip: Some(-2), ..LegRule::PLAIN };
    assert_eq!(later([LEADS, passive], 1), worst(ASK));
}

#[test]
fn the_time_to_match_runs_from_the_trade_that_has_to_be_matched() {
    let mut of = Staged::new(Mode::Quoting, [LEADS, LegRule::PLAIN]).begun();
    let long = Time(Span::seconds(62).0);
    assert_eq!(of.attempt.due, long);
    of.now = Time(Span::seconds(10).0);
    of.rests(A, QUOTES[0], 3);
    of.trades(A, 1);
    of.next();
    assert_eq!(of.attempt.due, Time(Span::seconds(12).0));
    // A trade after it gives no more time, and a match gives it all back.
    of.now = Time(Span::seconds(11).0);
    of.trades(A, 1);
    of.next();
    assert_eq!(of.attempt.due, Time(Span::seconds(12).0));
    of.trades(B, 2);
    of.next();
    assert_eq!((of.attempt.due, of.attempt.is_at_stages()), (long, true));
    // Quotes wait no longer than they may.
    of.now = Time(Span::seconds(60).0);
    of.next();
    assert!(!of.attempt.is_at_stages());
}

#[test]
fn what_holds_more_than_it_matches_ends_the_stages() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    of.trades(A, 1);
    of.trades(B, 1);
    of.next();
    assert!(of.attempt.is_at_stages());
    of.trades(B, 1);
    of.next();
    assert!(!of.attempt.is_at_stages());
}

#[test]
fn stages_leave_messages_for_what_mends() {
    // Nine tries on two legs, an order and a cancel each, and two for what is alive.
    for (messages, at_stages) in [(161, true), (162, false)] {
        let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
        of.attempt.messages = messages;
        of.next();
        assert_eq!(of.attempt.is_at_stages(), at_stages, "{messages} of 200 messages");
    }
}

#[test]
fn what_follows_a_way_out_gives_as_much_back() {
    let plan = || attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 3, 1)]);
    let rules = legging(Mode::Sequential, &[LEADS, LegRule::PLAIN]);
    let mut of = Staged::of(plan(), &rules, (1, 0)).begun();
    of.trades(A, 1);
    assert_eq!(of.next().intents[1], hedge(B, Side::Sell, 1, BID));
    of.trades(A, 1);
    assert_eq!(of.next().intents[1], hedge(B, Side::Sell, 2, BID));
    // The mirror goes in by selling B.
    let mut of = Staged::of(plan(), &rules, (0, -1)).begun();
    of.trades(A, 2);
    assert_eq!(of.next().intents[1], hedge(B, Side::Sell, 2, BID));
    // A third of a lot is none, and two thirds are one.
    let coarse = || attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 1, 3)]);
    for (range, side, limit) in [((0, 1), Side::Buy, ASK), ((1, 0), Side::Sell, BID)] {
        let mut of = Staged::of(coarse(), &rules, range).begun();
        of.trades(A, 1);
        assert_eq!(of.next().intents[1], None);
        of.trades(A, 1);
        assert_eq!(of.next().intents[1], hedge(B, side, 1, limit));
    }
}

#[test]
fn an_offset_counts_from_the_first_and_waits_for_what_is_alive() {
    let at = |offset| LegRule { offset: Span(offset), ..LegRule::PLAIN };
    let begin = || Staged::new(Mode::Simultaneous, [at(100), at(500)]).begun();
    assert_eq!(begin().attempt.wakes(Time(1)), Time(401));
    let mut of = begin();
    of.now = Time(400);
    assert_eq!(of.next().intents[1], None);
    // Its time has come, whatever the first leg's order does: it may still trade whole.
    of.now = Time(401);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 3, ASK));
    // Where nothing can come of the first leg any more, there is nothing to wait for.
    let mut of = begin();
    of.now = Time(300);
    of.trades(A, 2);
    of.out(A, 0);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 2, ASK));
}

#[test]
fn what_leaves_together_waits_for_nothing() {
    let plan = attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 3, 1), (Side::Buy, 3, 1)]);
    let last = LegRule { offset: Span(500), ..LegRule::PLAIN };
    let rules = legging(Mode::Simultaneous, &[LegRule::PLAIN, LegRule::PLAIN, last]);
    let mut of = Staged::of(plan, &rules, (0, 1)).begun();
    // A is rejected, B has traded: neither was to match the other.
    of.out(A, 0);
    of.trades(B, 1);
    let wants = of.next();
    assert_eq!((wants.intents, of.attempt.is_at_stages()), ([None; LEGS_MAX], true));
}

#[test]
fn few_lots_wait_while_more_may_come() {
    let few = LegRule { hedge_from: 2, ..LegRule::PLAIN };
    let begin = |max_residual| {
        let mut of = Staged::new(Mode::Quoting, [LEADS, few]).begun();
        of.attempt.execution.max_residual = max_residual;
        of.rests(A, QUOTES[0], 3);
        of
    };
    let mut of = begin(9);
    of.trades(A, 1);
    let due = of.attempt.due;
    assert_eq!((of.next().intents[1], of.attempt.due), (None, due), "one waits, and has time");
    of.trades(A, 1);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 2, ASK));
    // What is out is not missing twice; while it is, time runs.
    of.out(B, 2);
    of.trades(A, 1);
    of.out(A, 1);
    assert_eq!(of.next().intents[1], None);
    assert_eq!(of.attempt.due, of.now + execution().finish_within);
    // Beyond what may be left over, nothing waits.
    let mut of = begin(0);
    of.trades(A, 1);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 1, ASK));
    // Where nothing is missing it leans on what is there now.
    let mut of = begin(9);
    of.facts.stages[1].lean = walk(ASK + 1, 3);
    of.next();
    of.trades(A, 2);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 2, ASK + 1));
}

#[test]
fn what_is_all_traded_and_not_confirmed_is_confirming() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    of.trades(A, 3);
    of.trades(B, 3);
    of.facts.legs[1].alive = 1;
    of.next();
    assert_eq!(of.attempt.state, State::Confirming);
    of.facts.legs[1].alive = 0;
    assert_eq!(of.next().end, Some(End::Completed));
}

#[test]
fn a_quote_leans_on_where_it_would_rest_where_nothing_leans_on_it() {
    let mut of = Staged::new(Mode::Quoting, [LEADS, LEADS]);
    of.facts.stages[0].lean = None;
    let mut of = of.begun();
    // Three lots at 103 were leaned on: to trade one at 102 loses a tick and the fee.
    let (fee, tick_value) = (Money(7), Money(1_000));
    let (price, purpose) = (Price(QUOTES[0] - 1), Purpose::Supplement);
    let fill = LegFill { leg: A, side: Side::Sell, lots: 1, price, purpose, fee, tick_value };
    of.attempt.fill(&fill);
    assert_eq!(of.attempt.lost, Money(1_000 + 7));
}

#[test]
fn a_quote_stays_within_its_slop_and_moves_no_further_than_it_may() {
    let mut of = Staged::new(Mode::Quoting, [LEADS, LegRule::PLAIN]).begun();
    of.rests(A, QUOTES[0], 3);
    let solved = |price: i64| {
        let (low, high) = (Price(price - 2), Price(price + 2));
        Some(Solved { price: Price(price), low, high, qty: Qty::new(3).unwrap(), away: 0 })
    };
    for (price, pulled) in [(QUOTES[0] + 2, false), (QUOTES[0] - 2, false), (QUOTES[0] + 3, true)] {
        of.facts.stages[0].solved = solved(price);
        let wants = of.next();
        assert_eq!((wants.pulls[0], wants.quote_over), (pulled, None), "at {price}");
    }
    // A hundred ticks at once are allowed.
    for (price, over) in [(100, None), (101, Some(QuoteOver::Jumped))] {
        of.facts.stages[0].solved = solved(QUOTES[0] - price);
        assert_eq!(of.next().quote_over, over, "by {price}");
    }
}

#[test]
fn a_quote_that_does_not_rest_yet_is_not_pulled() {
    for (resting, pulled) in [(0, false), (1, true)] {
        let mut of = Staged::new(Mode::Quoting, [LEADS, LEADS]).begun();
        of.rests(A, QUOTES[0], 3);
        of.rests(B, QUOTES[1], 3);
        of.facts.legs[1].resting = resting;
        of.trades(A, 1);
        assert_eq!(of.next().pulls[1], pulled);
    }
}

#[test]
fn a_leg_whose_venue_takes_no_more_is_not_followed() {
    let mut of = Staged::new(Mode::Sequential, [LEADS, LegRule::PLAIN]).begun();
    of.attempt.bound(B, Side::Buy, 2);
    of.trades(A, 3);
    assert_eq!(of.next().intents[1], hedge(B, Side::Buy, 2, ASK));
    of.attempt.bound(B, Side::Buy, 0);
    of.next();
    assert!(!of.attempt.is_at_stages());
    assert!(!of.attempt.is_resplit(B), "what is bounded is not told the other way round");
    assert!(of.attempt.resplit(B) && of.attempt.is_resplit(B) && !of.attempt.resplit(B));
    assert!(!of.attempt.is_resplit(A));
}

#[test]
fn slices_over_a_time_are_as_many_as_there_are_sets_to_go() {
    let plan = attempt::plan(&[(Side::Sell, 3, 1), (Side::Buy, 3, 1)]);
    let task = task(Kind::Exit, (5, 2), Span::seconds(6));
    let mut of = Attempt::new(task, execution(), &plan, plan.goal(5), Time(0));
    of.state = State::Working;
    let mut facts = Facts::UNKNOWN;
    for (leg, held) in plan.goal(4).into_iter().enumerate() {
        facts.legs[leg].held = held;
    }
    let mut wants = Wants::NOTHING;
    of.next(Time(1), &plan, &facts, &mut wants);
    assert!(wants.again);
    assert_eq!(of.wakes(Time(1)), Time(Span::seconds(2).0), "three slices in six seconds");
}

#[test]
fn a_quote_goes_where_it_may_not_be_and_only_once_it_rests() {
    for (resting, pulled) in [(0, false), (1, true)] {
        let mut of = Staged::new(Mode::Quoting, [LEADS, LegRule::PLAIN]).begun();
        of.rests(A, QUOTES[0], 3);
        of.facts.legs[0].resting = resting;
        of.facts.stages[0].solved = None;
        assert_eq!(of.next().pulls[0], pulled);
    }
    for (away, pulled) in [(100, false), (101, true)] {
        let mut of = Staged::new(Mode::Quoting, [LEADS, LegRule::PLAIN]).begun();
        of.rests(A, QUOTES[0], 3);
        of.facts.stages[0].solved.as_mut().unwrap().away = away;
        assert_eq!(of.next().pulls[0], pulled, "{away} ticks from the touch of 100 allowed");
    }
}

#[test]
fn who_follows_several_legs_follows_the_least_of_those_before_it() {
    let legs = [(Side::Sell, 3, 1), (Side::Buy, 3, 1), (Side::Buy, 3, 1)];
    let last = LegRule { offset: Span(500), ..LegRule::PLAIN };
    let rules = legging(Mode::Simultaneous, &[LegRule::PLAIN, LegRule::PLAIN, last]);
    let c = LegId(2);
    for (range, side, limit) in
        [((0, 1), Side::Buy, ASK), ((1, 0), Side::Sell, BID), ((0, -1), Side::Sell, BID)]
    {
        let mut of = Staged::of(attempt::plan(&legs), &rules, range).begun();
        for (leg, lots) in [(A, 1), (B, 2)] {
            of.trades(leg, lots);
            of.out(leg, 0);
        }
        assert_eq!(of.next().intents[2], hedge(c, side, 1, limit), "{range:?}");
    }
    // Where legs lead, what follows matches the one that is ahead.
    let rules = legging(Mode::Sequential, &[LEADS, LEADS, LegRule::PLAIN]);
    for (range, side, limit) in [((0, 1), Side::Buy, ASK), ((1, 0), Side::Sell, BID)] {
        let mut of = Staged::of(attempt::plan(&legs), &rules, range).begun();
        of.trades(A, 1);
        of.trades(B, 2);
        assert_eq!(of.next().intents[2], hedge(c, side, 2, limit), "{range:?}");
    }
}

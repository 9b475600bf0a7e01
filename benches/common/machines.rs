//! W8: 1,024 leg machines under pseudo-random events, ours and a bare table.

use cross_market_core::attempt::{Attempt, Task, Wants};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX, LegId, Text,
};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::order::{
    FeeNews, Fill, HedgeFlag, Input, LiquiditySide, News, Order, Place, Report, TimeInForce,
    VenueStatus,
};
use cross_market_core::quote::{
    Blocked, Execution, Facts, HedgePlan, Kind, LegFacts, LegPlan, Purpose, Repair, Walk,
};
use cross_market_core::time::{Span, Time};

/// Machines; a power of two.
const MACHINES: usize = 1_024;
/// Events of a slice: four for each machine.
const EVENTS: usize = 4 * MACHINES;
const SLICES: usize = 50;
const NOW: Time = Time(1_700_000_000_000_000_000);
const LOTS: i64 = 8;

/// A machine and an event as a small number: sent, sent, part, rest, rest, failed.
type Step = (usize, u8);

/// Events in slices; each is for machines that begin anew.
pub(crate) fn events() -> Vec<Vec<Step>> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        [0, 0, 1, 2, 2, 3][(state % 6) as usize]
    };
    let slice = |_| (0..EVENTS).map(|at| (machine_of(at), next())).collect();
    (0..SLICES).map(slice).collect()
}

/// The same without what comes to an attempt that has no order left: nothing is asked of it then.
pub(crate) fn of_working(events: &[Vec<Step>]) -> Vec<Vec<Step>> {
    let mut ours = Ours::new();
    let mut of_slice = |slice: &Vec<Step>| {
        ours.begin();
        let mut is_done = [false; MACHINES / 2];
        let mut working = Vec::new();
        for (machine, event) in slice {
            if !is_done[machine / 2] {
                is_done[machine / 2] = ours.step(*machine, *event);
                working.push((*machine, *event));
            }
        }
        working
    };
    events.iter().map(&mut of_slice).collect()
}

/// The machine that an event is for.
fn machine_of(at: usize) -> usize {
    at.wrapping_mul(7_919) & (MACHINES - 1)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    Idle,
    FirstSent,
    FirstPartial,
    FirstDone,
    SecondSent,
    SecondPartial,
    Hedged,
    Unwind,
    Failed,
}

#[inline(never)]
fn bare_step(state: Bare, event: u8) -> Bare {
    match (state, event) {
        (Bare::Idle, 0) => Bare::FirstSent,
        (Bare::FirstSent | Bare::FirstPartial, 1) => Bare::FirstPartial,
        (Bare::FirstSent | Bare::FirstPartial, 2) => Bare::FirstDone,
        (Bare::FirstDone, 0) => Bare::SecondSent,
        (Bare::SecondSent | Bare::SecondPartial, 1) => Bare::SecondPartial,
        (Bare::SecondSent | Bare::SecondPartial, 2) => Bare::Hedged,
        (Bare::FirstDone | Bare::SecondSent | Bare::SecondPartial, 3) => Bare::Unwind,
        (Bare::FirstSent | Bare::FirstPartial, 3) => Bare::Failed,
        (Bare::Hedged | Bare::Failed, _) | (Bare::Unwind, 2) => Bare::Idle,
        (other, _) => other,
    }
}

/// The limit.
pub(crate) struct Limits(Vec<Bare>);

impl Limits {
    pub(crate) fn new() -> Limits {
        Limits(vec![Bare::Idle; MACHINES])
    }

    /// Every machine begins anew.
    pub(crate) fn begin(&mut self) {
        self.0.fill(Bare::Idle);
    }

    /// Runs the events; gives how many ended hedged.
    pub(crate) fn run(&mut self, events: &[Step]) -> u64 {
        let mut hedged = 0_u64;
        for (machine, event) in events {
            let state = &mut self.0[*machine];
            *state = bare_step(*state, *event);
            hedged += u64::from(*state == Bare::Hedged);
        }
        hedged
    }
}

/// Attempts of two legs with an order each: an event is one input to an order, and the step of its
/// attempt that follows.
pub(crate) struct Ours {
    plan: HedgePlan,
    facts: Facts,
    fresh: (Order, Attempt),
    orders: Vec<Order>,
    attempts: Vec<Attempt>,
    /// By attempt and leg: whether an order is alive, whether it rests, lots held.
    told: Vec<[(bool, bool, i64); 2]>,
    wants: Wants,
}

impl Ours {
    pub(crate) fn new() -> Ours {
        let (plan, facts) = (plan(), facts());
        let mut attempt = attempt(&plan);
        let mut wants = Wants::NOTHING;
        attempt.next(NOW, &plan, &facts, &mut wants);
        assert!(wants.intents.iter().flatten().count() == 2, "two orders are wanted");
        let fresh = (order(), attempt);
        Ours {
            orders: vec![fresh.0; MACHINES],
            attempts: vec![fresh.1.clone(); MACHINES / 2],
            told: vec![[(true, false, 0); 2]; MACHINES / 2],
            plan,
            facts,
            fresh,
            wants,
        }
    }

    /// Every attempt begins anew, with an order that is sent on both legs.
    pub(crate) fn begin(&mut self) {
        for (at, order) in self.orders.iter_mut().enumerate() {
            *order = self.fresh.0;
            order.place.side = if at.is_multiple_of(2) { Side::Sell } else { Side::Buy };
        }
        self.attempts.iter_mut().for_each(|attempt| attempt.clone_from(&self.fresh.1));
        self.told.fill([(true, false, 0); 2]);
    }

    /// Runs the events; gives after how many no order was alive.
    pub(crate) fn run(&mut self, events: &[Step]) -> u64 {
        let mut ended = 0;
        for (machine, event) in events {
            ended += u64::from(self.step(*machine, *event));
        }
        ended
    }

    #[inline]
    fn step(&mut self, machine: usize, event: u8) -> bool {
        let order = &mut self.orders[machine];
        let left = Qty::of(LOTS - order.cum);
        let input = match event {
            0 if order.cum == 0 => Input::Accepted,
            0 | 1 => Input::Fill { qty: Qty::of(1).min(left), cum: None },
            2 => Input::Fill { qty: left, cum: None },
            _ => Input::Done { status: VenueStatus::Cancelled, cum: Some(Qty::of(order.cum)) },
        };
        if !order.is_confirmed() {
            std::hint::black_box(order.next(input));
        }
        let told = &mut self.told[machine / 2];
        let held = order.place.side.sign() * order.cum;
        told[machine % 2] = (!order.is_confirmed(), order.is_resting(), held);
        for (facts, (alive, resting, held)) in self.facts.legs.iter_mut().zip(told) {
            facts.alive = u32::from(*alive);
            facts.resting = u32::from(*resting);
            facts.held = *held;
        }
        self.attempts[machine / 2].next(NOW, &self.plan, &self.facts, &mut self.wants);
        std::hint::black_box(&self.wants);
        self.facts.legs[0].alive + self.facts.legs[1].alive == 0
    }
}

fn plan() -> HedgePlan {
    let leg = |instrument, side| LegPlan {
        instrument: InstrumentId(instrument),
        account: AccountId(instrument),
        side,
        lots: Ratio::ONE,
        units: 1,
        coef: 1,
        fx: None,
        tick_num: 1,
        tick_den: 1,
    };
    HedgePlan {
        name: "bench".into(),
        priority: 0,
        currency: CurrencyId(0),
        legs: vec![leg(0, Side::Sell), leg(1, Side::Buy)],
        denominator: 1,
        unit_den: 1,
        set_units: 1,
    }
}

fn facts() -> Facts {
    let walk = |worst| {
        let cost = i128::from(worst * LOTS);
        Walk { qty: Qty::of(LOTS), cost, worst: Price(worst), marginal: Some(Price(worst)) }
    };
    let leg = LegFacts {
        walk: [Some(walk(101)), Some(walk(100))],
        touch: [Some(Price(101)), Some(Price(100))],
        collar: [Some(Price(111)), Some(Price(90))],
        tick_value: Money::units(1),
        age: Span::ZERO,
        blocked: Blocked::NONE,
        ..LegFacts::UNKNOWN
    };
    let mut facts = Facts { loss_left: Money::units(1_000_000), ..Facts::UNKNOWN };
    (facts.legs[0], facts.legs[1]) = (leg, leg);
    facts
}

fn decision() -> ClientOrderId {
    match ClientOrderId::pack(1, 1, HedgeId(0), 1, LegId(0), 0) {
        Some(decision) => decision,
        None => panic!("the parts fit"),
    }
}

fn attempt(plan: &HedgePlan) -> Attempt {
    let execution = Execution {
        max_residual: 0,
        live_residual: 100,
        finish_within: Span::seconds(2),
        order_timeout: Span::seconds(1),
        repair: Repair::CheaperOf,
        max_loss: Money::units(1_000_000),
        max_loss_per_day: Money::units(1_000_000),
        tries: 20,
        messages: 60,
        trims_per_day: 4,
    };
    let task = Task {
        decision: decision(),
        kind: Kind::Enter,
        from: 0,
        to: LOTS,
        clip: LOTS,
        over: Span::ZERO,
    };
    let mut attempt = Attempt::new(task, execution, plan, [0; LEGS_MAX], NOW);
    attempt.placed(LegId(0), Purpose::Work);
    attempt.placed(LegId(1), Purpose::Work);
    attempt
}

/// An order of eight lots that is sent.
pub(crate) fn order() -> Order {
    let place = Place {
        order: decision(),
        price: Price(100),
        qty: Qty::of(LOTS),
        account: AccountId(0),
        instrument: InstrumentId(0),
        hedge: HedgeId(0),
        side: Side::Sell,
        effect: PositionEffect::Open,
        tif: TimeInForce::Ioc,
        flag: HedgeFlag::Arbitrage,
        kind: Kind::Enter,
        purpose: Purpose::Work,
    };
    let mut order = Order::new(place, NOW);
    let _ = order.next(Input::Sent);
    order
}

/// A fill as venues report it.
pub(crate) fn fill() -> Report {
    let text = |text| match Text::new(text) {
        Ok(text) => text,
        Err(error) => panic!("refused: {error:?}"),
    };
    Report {
        order: Some(decision()),
        venue_order_id: text("SHFE00000000123456"),
        account: AccountId(1),
        instrument: InstrumentId(2),
        exchange: NOW,
        receive: NOW,
        news: News::Fill(Fill {
            trade_id: text("2026021000004711"),
            side: Side::Sell,
            price: Price(55_012),
            qty: Qty::of(3),
            cum: None,
            fee: FeeNews::Paid { amount: Money(30_000_000_000), currency: CurrencyId(0) },
            liquidity: LiquiditySide::Taker,
        }),
    }
}

//! Rules of an order that leaves.

use cross_market_core::config::Config;
use cross_market_core::event::{LinkState, Scope};
use cross_market_core::ids::{AccountId, HedgeId, Id, LEGS_MAX};
use cross_market_core::instrument::{MarginRate, Netting, PositionEffect, Settlement};
use cross_market_core::num::{Money, Side};
use cross_market_core::order::Place;
use cross_market_core::quote::{Kind, LegLots, Purpose};
use cross_market_core::time::Time;

use crate::bounds;
use crate::margins;
use crate::rolls;
use crate::sent::Sent;

use super::{Checker, field};

impl Checker {
    pub(super) fn place(&mut self, now: Time, place: &Place) {
        self.place_id(now, place);
        self.place_price(now, place);
        self.place_allowed(now, place);
        let lots = self.told.lots((place.account, place.instrument));
        let rate = margins::of_flag(&self.rates, place.instrument, place.flag);
        let needs = least_need(&self.config, place, lots, &rate);
        let sent = Sent::new(place, now, self.steps, needs, rate);
        self.orders.insert(place.order, sent);
        self.place_bounds(now, place);
        self.place_follows(now, place);
        if place.kind == Kind::Enter && !place.purpose.is_repair() {
            self.place_residual(now, place);
            if place.purpose != Purpose::Hedge {
                self.place_sum(now, place);
                self.place_fresh(now, place);
            }
            self.place_money(now, place);
            if place.purpose != Purpose::Hedge {
                self.place_leased(now, place);
            }
        }
        if place.kind == Kind::Roll && !place.purpose.is_repair() {
            self.place_fresh(now, place);
        }
        // Cancels and queries go on, but nothing new is sent once the messages are used up.
        let (messages, most) = (self.count_message(place.order), self.messages_of(place.order));
        if messages > most {
            self.broken(now, "messages_bounded", format!("{messages} for {}", place.order));
        }
    }

    /// Its id is new and says what it is.
    fn place_id(&mut self, now: Time, place: &Place) {
        let id = place.order;
        if self.orders.contains_key(&id) {
            self.broken(now, "ids_never_repeat", id.to_string());
        }
        let (owner, at) = rolls::owner(&self.config, place);
        let plan = self.config.hedges.get(owner).map(|hedge| &hedge.plan);
        let leg = plan.and_then(|plan| plan.legs.get(at));
        let named = leg
            .is_some_and(|leg| (leg.instrument, leg.account) == (place.instrument, place.account));
        // An attempt that outlived a restart keeps the run of its decision.
        let own = id.engine() == self.config.engine && id.run() <= self.run;
        if !named || !own || id.hedge() != place.hedge || id.attempt_try() == 0 {
            self.broken(now, "id_says_what_it_is", format!("{id} {place:?}"));
        }
    }

    /// Its price is within the collar of the touch and the day's band; its size is not nothing.
    fn place_price(&mut self, now: Time, place: &Place) {
        let at = place.instrument.index();
        let band = self.bands.get(at).copied().flatten();
        if band.is_some_and(|band| place.price < band.low || place.price > band.high) {
            self.broken(now, "price_in_band", format!("{place:?} {band:?}"));
        }
        if place.qty.is_zero() {
            self.broken(now, "size_above_zero", format!("{place:?}"));
        }
        if !self.told.has_prompt(&self.config, place.instrument, now) {
            self.broken(now, "order_has_a_prompt", format!("{place:?}"));
        }
        let limits = self.policy.instruments.get(place.instrument);
        let collar = limits.map_or(0, |of| of.collar);
        let most = limits.map_or(Money::ZERO, |of| of.order_value);
        let tick_value = self.config.instruments.get(place.instrument).map(|of| of.tick_value);
        let lots = i128::from(place.qty.get());
        let value = tick_value.map(|tick| Money(tick.0 * i128::from(place.price.0).abs() * lots));
        if value.is_none_or(|value| value > most) {
            self.broken(now, "order_value_in_limit", format!("{place:?}: {value:?} of {most}"));
        }
        let touch = self.books.get(at).and_then(|book| book.last_touch(place.side.flip()));
        let away = touch.map(|touch| place.side.sign() * (place.price.0 - touch.0));
        if away.is_none_or(|away| away > collar) {
            self.broken(now, "price_in_collar", format!("{place:?} touch {touch:?}"));
        }
    }

    /// Its attempt lives, and no latch stands in its way.
    fn place_allowed(&mut self, now: Time, place: &Place) {
        let decision = place.order.decision();
        match self.attempts.get(&decision) {
            None => self.broken(now, "order_has_an_attempt", format!("{place:?}")),
            Some(attempt) if attempt.ended => {
                self.broken(now, "no_order_after_the_end", format!("{place:?}"));
            }
            Some(attempt) if attempt.forfeited => {
                self.broken(now, "forfeited_sends_nothing", format!("{place:?}"));
            }
            Some(_) => {}
        }
        if self.bounds.is_shut(now, place.instrument) {
            self.broken(now, "no_order_while_shut", format!("{place:?}"));
        }
        if self.links.get(place.account.index()).copied() == Some(LinkState::Down) {
            self.broken(now, "no_order_into_a_dead_line", format!("{place:?}"));
        }
        let last = |list: &[(Scope, u64)]| {
            let covers = list.iter().filter(|(scope, _)| self.covers(*scope, place));
            covers.map(|(_, step)| *step).max()
        };
        if self.killed.iter().any(|scope| self.covers(*scope, place)) {
            // What was flattened before the last kill stands still again.
            let flattened = last(&self.flattened) > last(&self.killed_at);
            let (owner, leg) = rolls::owner(&self.config, place);
            let held = self.inventory.get(owner.index()).map_or(0, |held| field(held, leg));
            let reduces = held * place.side.sign() < 0 && place.qty.get() <= held.abs();
            if !flattened || !reduces {
                self.broken(now, "no_order_in_halt", format!("{place:?}"));
            }
        }
    }

    pub(super) fn covers(&self, scope: Scope, place: &Place) -> bool {
        match scope {
            Scope::All => true,
            Scope::Venue(venue) => {
                let account = self.config.accounts.get(place.account);
                account.is_some_and(|account| account.venue == venue)
            }
            Scope::Account(account) => account == place.account,
            Scope::Hedge(hedge) => {
                let next = rolls::of_kind(&self.config, place.hedge, place.kind);
                hedge == place.hedge || next.is_some_and(|roll| roll.next == hedge)
            }
        }
    }

    /// Its leg, at the worst of all its attempt has out, stays between where the attempt began and
    /// where it goes; its attempt stays within its tries.
    fn place_bounds(&mut self, now: Time, place: &Place) {
        let (decision, leg) = (place.order.decision(), usize::from(place.order.leg().0));
        let (owner, at) = rolls::owner(&self.config, place);
        let held = self.inventory.get(owner.index()).map_or(0, |held| field(held, at));
        let out: i64 = self
            .orders
            .range(decision..)
            .take_while(|(id, _)| id.decision() == decision)
            .filter(|(id, sent)| usize::from(id.leg().0) == leg && sent.place.side == place.side)
            .map(|(_, sent)| sent.leaves())
            .sum();
        let tries = self.policy.hedges.get(place.hedge).map_or(0, |of| of.execution.tries);
        let Some(attempt) = self.attempts.get_mut(&decision) else { return };
        let ends =
            [&attempt.goal_from, &attempt.goal_to, &attempt.held].map(|lots| field(lots, leg));
        let worst = held + place.side.sign() * out;
        let within = match place.side {
            Side::Buy => ends.iter().any(|end| worst <= *end),
            Side::Sell => ends.iter().any(|end| worst >= *end),
        };
        let mut orders = 0;
        let tries_anew = !matches!(place.purpose, Purpose::Hedge | Purpose::Quote);
        if let Some(count) = attempt.orders.get_mut(leg).filter(|_| tries_anew) {
            *count += 1;
            orders = *count;
        }
        if !within {
            let found = format!("{place:?}: held {held}, out {out}, ends {ends:?}");
            self.broken(now, "leg_within_its_goal", found);
        }
        if orders > u64::from(tries) {
            self.broken(now, "tries_bounded", format!("{orders} orders: {place:?}"));
        }
    }

    /// Lots that are out to buy, and to sell, by leg.
    fn out(&self, hedge: HedgeId) -> [LegLots; 2] {
        let mut out = [[0; LEGS_MAX]; 2];
        for sent in self.orders.values() {
            let lots = out.get_mut(sent.place.side.index());
            let (owner, leg) = rolls::owner(&self.config, &sent.place);
            let lots = lots.and_then(|lots| lots.get_mut(leg));
            if let Some(lots) = lots.filter(|_| owner == hedge) {
                *lots += sent.place.side.sign() * sent.leaves();
            }
        }
        out
    }

    /// How far the legs of a hedge are apart now, and at most when any of the orders that are out
    /// fill; in common units over its `unit_den`.
    fn residuals(&self, hedge: HedgeId) -> (i128, i128) {
        let held = self.inventory.get(hedge.index()).copied().unwrap_or([0; LEGS_MAX]);
        let Some(plan) = self.config.hedges.get(hedge).map(|hedge| &hedge.plan) else {
            return (0, 0);
        };
        let out = self.out(hedge);
        let legs = plan.legs.iter().enumerate().filter(|(_, leg)| leg.lots.num() != 0);
        let (mut rest, mut worst) = ((i128::MAX, i128::MIN), (i128::MAX, i128::MIN));
        for (at, leg) in legs {
            let units = |lots: i64| i128::from(leg.side.sign() * lots) * i128::from(leg.units);
            let now = units(field(&held, at));
            rest = (rest.0.min(now), rest.1.max(now));
            worst = (worst.0.min(now), worst.1.max(now));
            for out in &out {
                let then = units(field(&held, at) + field(out, at));
                worst = (worst.0.min(then), worst.1.max(then));
            }
        }
        (rest.1 - rest.0, worst.1 - worst.0)
    }

    /// Whichever of the orders that are out fill, the legs of an Enter stay as close as they must.
    fn place_residual(&mut self, now: Time, place: &Place) {
        let Some(limits) = self.policy.hedges.get(place.hedge) else { return };
        let (rest, worst) = self.residuals(place.hedge);
        let execution = limits.execution;
        let mut most = execution.live_residual + rest.min(execution.max_residual);
        if place.purpose == Purpose::Hedge {
            // What follows may leave a residual as large as it is.
            most = most.max(rest);
        }
        if worst > most {
            let found = format!("{place:?}: {worst} of {most}");
            self.broken(now, "enter_within_live_residual", found);
        }
    }

    /// Its account draws on no pool, or has a lease that lives and carries all that enters there. The money
    /// of a quote was held when its attempt began, perhaps under a larger one.
    fn place_leased(&mut self, now: Time, place: &Place) {
        if !self.config.accounts.get(place.account).is_some_and(|of| of.terms.leased) {
            return;
        }
        let lease = self.leases.get(&place.account).filter(|lease| now < lease.until);
        let most = lease.map_or(Money::ZERO, |lease| lease.amount);
        let need = self.need_entering(place.account);
        let begins = place.purpose == Purpose::Work && !self.nets(place.account);
        if lease.is_none() || begins && need > most {
            self.broken(now, "within_lease", format!("{place:?}: {need} of {lease:?}"));
        }
    }

    /// What all that enters in an account needs at the least.
    fn need_entering(&self, account: AccountId) -> Money {
        // What closes lots that somebody else holds there needs nothing.
        let opens = |of: &Place| self.told.lots((of.account, of.instrument)) * of.side.sign() >= 0;
        let entering = self.orders.values().filter(|sent| {
            let of = &sent.place;
            of.account == account && of.kind == Kind::Enter && opens(of)
        });
        entering.map(|sent| bounds::least_need(&self.config, sent, sent.leaves())).sum()
    }

    /// All that enters in its account at the least needs no more than is there.
    fn place_money(&mut self, now: Time, place: &Place) {
        // The money of an order that follows was held before.
        if place.purpose == Purpose::Hedge && self.surprised.contains(&place.account) {
            return;
        }
        let Some(cash) = self.bounds.cash(place.account) else { return };
        // What its orders come to together depends on what stands: see `orders_have_their_money`.
        if self.nets(place.account) {
            return;
        }
        let need = self.need_entering(place.account);
        // What needs nothing may leave whatever the balance.
        if need > cash.max(Money::ZERO) {
            let found = format!("{place:?}: {need} of {cash}");
            self.broken(now, "enters_within_money", found);
        }
    }

    /// Its book is whole and young enough.
    fn place_fresh(&mut self, now: Time, place: &Place) {
        let Some(book) = self.books.get(place.instrument.index()) else { return };
        let limits = self.policy.instruments.get(place.instrument);
        let age = book.received().map_or(i64::MAX, |at| now.0 - at.0);
        if !book.is_whole() || limits.is_some_and(|limits| age > limits.age.0) {
            self.broken(now, "orders_on_fresh_books", format!("{place:?} age {age}"));
        }
    }

    /// So do all hedges of its product and currency together.
    fn place_sum(&mut self, now: Time, place: &Place) {
        // What is on its way from one hedge to the next is not told apart here.
        if self.attempts.values().any(|known| !known.ended && known.kind == Some(Kind::Roll)) {
            return;
        }
        let goods = |id: HedgeId| {
            let plan = &self.config.hedges.get(id)?.plan;
            let first = self.config.instruments.get(plan.legs.first()?.instrument)?;
            Some((first.product, plan.currency, i128::from(plan.unit_den)))
        };
        let Some((product, currency, _)) = goods(place.hedge) else { return };
        let mut sums = self.policy.sums.iter();
        let of = sums.find(|sum| (sum.product, sum.currency) == (product, currency));
        // Σ residual ÷ unit_den ≤ limit, as fractions of whole numbers.
        let (mut num, mut den) = (0, 1);
        for id in self.config.hedges.ids() {
            let Some((of, in_currency, unit_den)) = goods(id) else { continue };
            if (of, in_currency) == (product, currency) {
                num = num * unit_den + self.residuals(id).1 * den;
                den *= unit_den;
            }
        }
        let within = of.is_some_and(|sum| {
            num * i128::from(sum.limit.den()) <= i128::from(sum.limit.num()) * den
        });
        if !within {
            let found = format!("{place:?}: {num}/{den} of {of:?}");
            self.broken(now, "enter_within_sum_of_residuals", found);
        }
    }
}

/// The least that an order is sure to need of its account until it is done, whatever the market
/// does: the price of what it buys, or the margin of what it opens, at its own price. A position of
/// the other side may need less, and is not looked at.
fn least_need(config: &Config, place: &Place, lots: i64, margin: &MarginRate) -> Money {
    let Some(listed) = config.instruments.get(place.instrument) else { return Money::ZERO };
    let account = config.accounts.get(place.account);
    let venue = account.and_then(|account| config.venues.get(account.venue));
    let nets = venue.is_none_or(|venue| venue.netting == Netting::Net);
    let value = listed.tick_value.0 * i128::from(place.price.0) * i128::from(place.qty.get());
    let amount = match listed.settlement {
        Settlement::Upfront => value * i128::from(place.side.sign()),
        Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::PromptForward
        | Settlement::Coin(_) => {
            let closes = place.effect != PositionEffect::Open
                || (nets && lots.signum() == -place.side.sign());
            let (rate, per_lot) = match place.side {
                Side::Buy => (margin.long, margin.long_per_lot),
                Side::Sell => (margin.short, margin.short_per_lot),
            };
            let of_value = value.abs() / i128::from(rate.den()) * i128::from(rate.num());
            if closes { 0 } else { of_value + per_lot.0 * i128::from(place.qty.get()) }
        }
    };
    Money(amount.max(0))
}

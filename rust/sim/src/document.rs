//! A configuration as the document that it might have been read from.
//!
//! What was computed from decimals is turned back into them, so that a run of the simulator can be
//! driven through every door that takes a document.

use std::fmt::Write as _;

use cross_market_core::config::{Account, Config, Hedge, Route, TopUp, Venue};
use cross_market_core::funds::{Freezes, Unrealised};
use cross_market_core::gate::{HedgeLimits, Policy};
use cross_market_core::ids::{
    AccountId, GroupId, Id, InstrumentId, ProductId, StrategyId, Table, VenueId,
};
use cross_market_core::instrument::{
    Fee, HedgeFlag, Instrument, MarginRate, MarginStep, Matching, Netting, Settlement,
};
use cross_market_core::legging::{Convert, LeanPrice, Legging, Mode, Outside, WhenThin};
use cross_market_core::margin::offset::{Offset, Offsets};
use cross_market_core::num::{Decimal, MONEY_PLACES, MONEY_UNIT, Money, NumError, Ratio, Side};
use cross_market_core::order::TimeInForce;
use cross_market_core::phase::{Phase, Phases};
use cross_market_core::quote::{LegPlan, Repair};
use cross_market_core::signal::{Band, Measure};
use cross_market_core::threshold::{Class, Level, Metric, Of, Reach, Threshold};
use cross_market_core::time::{Day, Time};

use crate::conduct;

/// Decimals of a tick or lot, at most.
const PLACES: u32 = 12;

/// The document of a configuration, with these limits.
///
/// # Errors
/// [`NumError`] where a number has no exact form in 64 bits.
pub fn document(config: &Config, policy: &Policy) -> Result<String, NumError> {
    let teller = Teller { config };
    let parts = [
        ("engine", config.engine.to_string()),
        ("run", config.run.to_string()),
        ("venues", list(config.venues.iter().map(venue))),
        ("accounts", list(config.accounts.iter().map(|row| teller.account(row)))),
        ("offsets", list(config.offsets.pairs().flat_map(|row| teller.offsets(row)))),
        ("routes", list(config.routes.iter().map(|row| teller.route(row)))),
        ("instruments", teller.instruments()?),
        ("hedges", teller.hedges()?),
        ("limits", teller.limits(policy)?),
        (
            "counts",
            object([
                ("orders", config.counts.orders.to_string()),
                ("executions", config.counts.executions.to_string()),
            ]),
        ),
        (
            "waiting",
            config.waiting.map_or(null(), |of| {
                object([
                    ("deviations", ratio(of.deviations)),
                    ("alpha", ratio(of.alpha)),
                    ("warm", of.warm.to_string()),
                ])
            }),
        ),
    ];
    Ok(object(parts))
}

struct Teller<'a> {
    config: &'a Config,
}

impl Teller<'_> {
    fn account(&self, account: &Account) -> String {
        let unrealised = match account.terms.unrealised {
            Unrealised::Neither => "neither",
            Unrealised::Losses => "losses",
            Unrealised::Both => "both",
        };
        let freezes = match account.terms.freezes {
            Freezes::Each => "each",
            Freezes::Together => "together",
        };
        let venue = named(&self.config.venues, account.venue, |row| &row.name);
        let currency = named(&self.config.currencies, account.currency, |name| name);
        object([
            ("name", text(&account.name)),
            ("venue", venue),
            ("currency", currency),
            ("island", text(&account.island)),
            ("entity", text(&account.entity)),
            ("group", text(&account.group)),
            ("flag", text(account.flag.name())),
            ("cash_tolerance", money(account.cash_tolerance)),
            ("unrealised", text(unrealised)),
            ("close_profit", account.terms.close_profit.to_string()),
            ("withdraw_profit", account.terms.withdraw_profit.to_string()),
            ("haircut", ratio(account.terms.haircut)),
            ("freezes", text(freezes)),
            ("leased", account.terms.leased.to_string()),
        ])
    }

    fn threshold(&self, of: &Threshold) -> String {
        let config = self.config;
        let name = |place: usize| match of.metric.of() {
            Of::Account => named(&config.accounts, Id::at(place), |row: &Account| &row.name),
            Of::Hedge => named(&config.hedges, Id::at(place), |row: &Hedge| &row.plan.name),
            Of::Instrument => {
                named(&config.instruments, Id::at(place), |row: &Instrument| &row.name)
            }
        };
        let kind = match of.metric.of() {
            Of::Account => "account",
            Of::Hedge => "hedge",
            Of::Instrument => "instrument",
        };
        let reach = match of.of {
            Reach::Each => null(),
            Reach::One(place) => name(usize::from(place)),
            Reach::All => object([("all", text(kind))]),
            Reach::Whole(Class::Venue, place) => {
                object([("venue", named(&config.venues, VenueId(place), |row| &row.name))])
            }
            Reach::Whole(Class::Product, place) => {
                object([("product", named(&config.products, ProductId(place), |name| name))])
            }
            Reach::Whole(Class::Group, place) => {
                object([("group", named(&config.groups, GroupId(place), |name| name))])
            }
            Reach::Whole(Class::Strategy, place) => {
                object([("strategy", named(&config.strategies, StrategyId(place), |name| name))])
            }
        };
        // One lot is one of the venue's size here.
        let value = |value: i128| {
            if of.metric == Metric::Position {
                text(&value.to_string())
            } else if matches!(
                of.metric,
                Metric::Orders
                    | Metric::Cancels
                    | Metric::Messages
                    | Metric::DataAge
                    | Metric::Latency
            ) {
                value.to_string()
            } else {
                money(Money(value))
            }
        };
        let bound = |level: Level| {
            let formula = of.formulas.iter().find(|(at, _)| *at == level);
            let Some((_, formula)) = formula else { return of.bound(level).map_or(null(), value) };
            let [least, most] = formula.ends().map(value);
            let text = text(&formula.text());
            object([("formula", text), ("least", least), ("most", most)])
        };
        let [warn, restrict, cancel, reduce, halt] =
            [Level::Warn, Level::Restrict, Level::Cancel, Level::Reduce, Level::Halt].map(bound);
        object([
            ("metric", text(of.metric.name())),
            ("of", reach),
            ("warn", warn),
            ("restrict", restrict),
            ("cancel", cancel),
            ("reduce", reduce),
            ("halt", halt),
            ("clear", value(of.clear)),
            ("dwell_ns", of.dwell.0.to_string()),
        ])
    }

    fn offsets(&self, (account, table): (AccountId, &Offsets)) -> Vec<String> {
        let config = self.config;
        let account = named(&config.accounts, account, |row: &Account| &row.name);
        let leg = |(at, lots): &(usize, i64)| {
            let id = table.contracts.get(*at).copied().unwrap_or(InstrumentId(0));
            let name = named(&config.instruments, id, |row: &Instrument| &row.name);
            object([("instrument", name), ("lots", lots.to_string())])
        };
        let row = |row: &Offset| {
            object([
                ("account", account.clone()),
                ("legs", list(row.legs.iter().map(leg))),
                ("credit", money(row.credit)),
            ])
        };
        table.rows.iter().map(row).collect()
    }

    fn route(&self, route: &Route) -> String {
        let name = |id| named(&self.config.accounts, id, |row: &Account| &row.name);
        let window = |(start, end): &(Time, Time)| format!("[{}, {}]", start.0, end.0);
        let windows = route.windows.rows();
        object([
            ("from", name(route.from)),
            ("to", name(route.to)),
            ("windows", windows.map_or(text("always"), |rows| list(rows.iter().map(window)))),
            ("lead_ns", route.lead.0.to_string()),
            ("least", money(route.least)),
            ("most", money(route.most)),
            ("cost", money(route.cost)),
            ("haircut", ratio(route.haircut)),
            ("top_up", route.top_up.map_or(null(), |of| top_up(&of))),
        ])
    }

    fn instruments(&self) -> Result<String, NumError> {
        let rows: Result<Vec<_>, _> =
            self.config.instruments.pairs().map(|(id, row)| self.instrument(id, row)).collect();
        Ok(list(rows?.into_iter()))
    }

    fn instrument(&self, id: InstrumentId, of: &Instrument) -> Result<String, NumError> {
        let Some(grid) = self.config.grids.get(id) else { return Err(NumError::Overflow) };
        let (tick, lot) = (grid.tick.ratio()?, grid.lot.ratio()?);
        let multiplier = match of.settlement {
            Settlement::Coin(face) => Ratio::new(face.0, MONEY_UNIT)?.times(tick)?.over(lot)?,
            Settlement::Upfront
            | Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward => {
                Ratio::new(of.tick_value.0, MONEY_UNIT)?.over(tick)?.over(lot)?
            }
        };
        let price = |ticks: i64| steps(ticks, grid.tick);
        let band = match of.band {
            None => null(),
            Some(band) => list([price(band.low.0)?, price(band.high.0)?].into_iter()),
        };
        let fees = [
            ("open", fee(&of.fees.open)),
            ("close", fee(&of.fees.close)),
            ("close_today", fee(&of.fees.close_today)),
        ];
        let row =
            |(at, phase): &(Time, Phase)| list([at.0.to_string(), text(phase.name())].into_iter());
        let phases = if of.phases == Phases::always() {
            text("always")
        } else {
            list(of.phases.starts().iter().map(row))
        };
        let (settlement, matching) = match of.settlement {
            Settlement::Upfront => ("upfront", None),
            Settlement::DailyVm => ("daily_vm", None),
            Settlement::OnClose(Matching::FirstIn) => ("on_close", Some("first_in")),
            Settlement::OnClose(Matching::Average) => ("on_close", Some("average")),
            Settlement::PromptForward => ("prompt_forward", None),
            Settlement::Coin(_) => ("coin", None),
        };
        let mut fields = vec![
            ("name", text(&of.name)),
            ("venue", named(&self.config.venues, of.venue, |row| &row.name)),
            ("product", named(&self.config.products, of.product, |name| name)),
            ("currency", named(&self.config.currencies, of.currency, |name| name)),
            ("tick", price(1)?),
            ("lot", steps(1, grid.lot)?),
            ("multiplier", ratio(multiplier)),
            ("settlement", text(settlement)),
            ("fees", object(fees)),
            ("margin", margins(of)),
            ("maintenance", ratio(of.maintenance)),
            ("larger_side", of.larger_side.to_string()),
            ("phases", phases),
            ("band", band),
            ("own_in_book", of.own_in_book.to_string()),
            ("min_qty", steps(of.min_qty.get(), grid.lot)?),
            ("price_max", price(of.price_max)?),
            ("qty_max", steps(of.qty_max, grid.lot)?),
        ];
        fields.extend(matching.map(|word| ("matching", text(word))));
        if !of.prompts.rows().is_empty() {
            let row = |(from, prompt): &(Day, Day)| {
                list([from.0.to_string(), prompt.0.to_string()].into_iter())
            };
            fields.push(("prompts", list(of.prompts.rows().iter().map(row))));
        }
        Ok(object_of(fields.into_iter()))
    }

    fn hedges(&self) -> Result<String, NumError> {
        let rows: Result<Vec<_>, _> =
            self.config.hedges.iter().map(|hedge| self.hedge(hedge)).collect();
        Ok(list(rows?.into_iter()))
    }

    fn hedge(&self, hedge: &Hedge) -> Result<String, NumError> {
        let (plan, rule) = (&hedge.plan, &hedge.rule);
        let mut rates: Vec<(String, String)> = Vec::new();
        let mut legs = Vec::new();
        for leg in &plan.legs {
            if let Some(fx) = leg.fx {
                let of = self.config.instruments.get(leg.instrument).map(|row| row.currency);
                let currency = of.and_then(|id| self.config.currencies.get(id));
                let key = currency.cloned().unwrap_or_default();
                if rates.iter().all(|(known, _)| *known != key) {
                    rates.push((key, named(&self.config.instruments, fx, |row| &row.name)));
                }
            }
            legs.push(self.leg(hedge, leg)?);
        }
        let measure = match rule.measure {
            Measure::Spread => "spread",
            Measure::CounterPrice => "counter_price",
            Measure::Ratio => "ratio",
            Measure::GrossRatio => "gross_ratio",
            Measure::Estimate => "estimate",
        };
        let band = |band: Option<Band>| {
            band.map_or(null(), |band| {
                object([("enter", ratio(band.enter)), ("exit", ratio(band.exit))])
            })
        };
        let deviation = rule.deviation.map_or(null(), |of| {
            object([
                ("enter", ratio(of.enter)),
                ("alpha", ratio(of.alpha)),
                ("warm", of.warm.to_string()),
            ])
        });
        let signal = object([
            ("measure", text(measure)),
            ("plus", band(rule.plus)),
            ("mirror", band(rule.mirror)),
            ("persist", rule.persist.to_string()),
            ("persist_within_ns", rule.persist_within.map_or(null(), |span| span.0.to_string())),
            ("deviation", deviation),
        ]);
        let fx = rates.iter().map(|(key, name)| (key.as_str(), name.clone()));
        let strategy = hedge.strategy;
        let strategies = &self.config.strategies;
        let strategy = strategy.map_or(null(), |id| named(strategies, id, |name| name));
        Ok(object([
            ("name", text(&plan.name)),
            ("priority", plan.priority.to_string()),
            ("currency", named(&self.config.currencies, plan.currency, |name| name)),
            ("fx", object_of(fx)),
            ("legs", list(legs.into_iter())),
            ("signal", signal),
            ("slippage", text("0")),
            ("next", self.next(hedge)),
            ("strategy", strategy),
        ]))
    }

    fn next(&self, hedge: &Hedge) -> String {
        let next = hedge.roll.as_ref().map(|roll| roll.next);
        next.map_or(null(), |id| named(&self.config.hedges, id, |row| &row.plan.name))
    }

    /// Of a leg's coefficient, weight × tick value ÷ units of a lot, the weight is taken out again.
    fn leg(&self, hedge: &Hedge, leg: &LegPlan) -> Result<String, NumError> {
        let units = Ratio::new(leg.units.into(), hedge.plan.unit_den.into())?;
        let tick = Ratio::new(leg.tick_num.into(), i128::from(leg.tick_den) * MONEY_UNIT)?;
        let coefficient = Ratio::new(leg.coef.into(), hedge.plan.denominator.into())?;
        let weight = coefficient.times(units)?.over(tick)?;
        Ok(object([
            ("instrument", named(&self.config.instruments, leg.instrument, |row| &row.name)),
            ("account", named(&self.config.accounts, leg.account, |row| &row.name)),
            ("side", text(if leg.side == Side::Buy { "buy" } else { "sell" })),
            ("lots", null()),
            ("weight", ratio(weight)),
            ("units_per_lot", ratio(units)),
        ]))
    }

    fn limits(&self, policy: &Policy) -> Result<String, NumError> {
        let config = self.config;
        let messages = |rate: u32, reserve: u32| {
            [("message_rate", rate.to_string()), ("cancel_reserve", reserve.to_string())]
        };
        let venues = config.venues.iter().zip(policy.venues.iter()).map(|(row, of)| {
            (row.name.as_str(), object(messages(of.message_rate, of.cancel_reserve)))
        });
        let mut instruments = Vec::new();
        for ((row, of), grid) in
            config.instruments.iter().zip(policy.instruments.iter()).zip(config.grids.iter())
        {
            let [rate, reserve] = messages(of.message_rate, of.cancel_reserve);
            let limits = object([
                ("order_value", money(of.order_value)),
                ("collar", steps(of.collar, grid.tick)?),
                ("age_ns", of.age.0.to_string()),
                ("skew_ns", of.skew.0.to_string()),
                ("limit_distance", steps(of.limit_distance, grid.tick)?),
                rate,
                reserve,
                ("conduct", conduct::document(of.conduct.as_ref())),
            ]);
            instruments.push((row.name.as_str(), limits));
        }
        let accounts = config.accounts.iter().zip(policy.accounts.iter()).map(|(row, of)| {
            let [rate, reserve] = messages(of.message_rate, of.cancel_reserve);
            let limits = object([
                ("usage_cap", ratio(of.usage_cap)),
                ("day_loss", money(of.day_loss)),
                rate,
                reserve,
            ]);
            (row.name.as_str(), limits)
        });
        let mut hedges = Vec::new();
        for (row, of) in config.hedges.iter().zip(policy.hedges.iter()) {
            hedges.push((row.plan.name.as_str(), hedge_limits(row, of)?));
        }
        let sums = policy.sums.iter().map(|sum| {
            object([
                ("product", named(&config.products, sum.product, |name| name)),
                ("currency", named(&config.currencies, sum.currency, |name| name)),
                ("limit", ratio(sum.limit)),
            ])
        });
        Ok(object([
            ("venues", object_of(venues)),
            ("instruments", object_of(instruments.into_iter())),
            ("accounts", object_of(accounts)),
            ("hedges", object_of(hedges.into_iter())),
            ("sums", list(sums)),
            ("thresholds", list(policy.thresholds.iter().map(|of| self.threshold(of)))),
        ]))
    }
}

fn hedge_limits(hedge: &Hedge, of: &HedgeLimits) -> Result<String, NumError> {
    let units = |value: i128| Ok(ratio(Ratio::new(value, hedge.plan.unit_den.into())?));
    let repair = match of.execution.repair {
        Repair::CheaperOf => "cheaper_of",
        Repair::Supplement => "supplement",
        Repair::Unwind => "unwind",
    };
    Ok(object([
        ("clip", of.size.clip.to_string()),
        ("max", of.size.max.to_string()),
        ("overnight", of.size.overnight.to_string()),
        ("holiday", of.size.holiday.to_string()),
        ("before_break_ns", of.size.before_break.0.to_string()),
        ("max_residual", units(of.execution.max_residual)?),
        ("live_residual", units(of.execution.live_residual)?),
        ("finish_within_ns", of.execution.finish_within.0.to_string()),
        ("order_timeout_ns", of.execution.order_timeout.0.to_string()),
        ("repair", text(repair)),
        ("max_loss", money(of.execution.max_loss)),
        ("max_loss_per_day", money(of.execution.max_loss_per_day)),
        ("tries", of.execution.tries.to_string()),
        ("messages", of.execution.messages.to_string()),
        ("trims_per_day", of.execution.trims_per_day.to_string()),
        ("max_roll_cost", of.max_roll_cost.map_or(null(), money)),
        ("crossing", of.crossing.to_string()),
        ("legging", legging(&of.legging, hedge.plan.legs.len())),
    ]))
}

fn legging(of: &Legging, legs: usize) -> String {
    if *of == Legging::AT_ONCE {
        return null();
    }
    let mode = match of.mode {
        Mode::Simultaneous => "simultaneous",
        Mode::Sequential => "sequential",
        Mode::Quoting => "quoting",
    };
    let rules = of.legs.iter().take(legs).map(|rule| {
        object([
            ("leads", rule.leads.to_string()),
            ("offset_ns", rule.offset.0.to_string()),
            ("pay_up", rule.pay_up.to_string()),
            ("chase", rule.chase.to_string()),
            ("slip", rule.slip.map_or(null(), |ticks| ticks.to_string())),
            ("slip_money", rule.slip_money.map_or(null(), money)),
            ("slip_rate", rule.slip_rate.map_or(null(), ratio)),
            ("rests", rule.rests.to_string()),
            ("convert", text(convert(rule.convert))),
            ("chase_away", rule.chase_away.to_string()),
            ("chase_ahead", rule.chase_ahead.to_string()),
            ("take_after", rule.take_after.to_string()),
            ("hedge_from", rule.hedge_from.to_string()),
        ])
    });
    let quote = match of.mode {
        Mode::Simultaneous | Mode::Sequential => null(),
        Mode::Quoting => quoting(&of.quote),
    };
    object([("mode", text(mode)), ("legs", list(rules)), ("quote", quote)])
}

const fn convert(convert: Convert) -> &'static str {
    match convert {
        Convert::Never => "never",
        Convert::Attempt => "attempt",
        Convert::Always => "always",
        Convert::KeepQueue => "keep_queue",
    }
}

fn quoting(of: &cross_market_core::legging::Quoting) -> String {
    let lean_price = match of.lean_price {
        LeanPrice::Worst => "worst",
        LeanPrice::Average => "average",
        LeanPrice::Touch => "touch",
    };
    let when_thin = match of.when_thin {
        WhenThin::Pull => "pull",
        WhenThin::Return => "return",
        WhenThin::ShrinkToTouch => "shrink_to_touch",
        WhenThin::ShrinkToDepth => "shrink_to_depth",
    };
    let outside = match of.outside {
        Outside::Pull => "pull",
        Outside::Leave => "leave",
        Outside::Away => "away",
    };
    object([
        ("lean_base", of.lean_base.to_string()),
        ("lean_times", ratio(of.lean_times)),
        ("lean_price", text(lean_price)),
        ("when_thin", text(when_thin)),
        ("slop_inside", ratio(of.slop_inside)),
        ("slop_outside", ratio(of.slop_outside)),
        ("reload", ratio(of.reload)),
        ("min_reprice", of.min_reprice.to_string()),
        ("max_reprice", of.max_reprice.to_string()),
        ("raise_by", of.raise_by.to_string()),
        ("range", of.range.to_string()),
        ("outside", text(outside)),
        ("refresh_ns", of.refresh.0.to_string()),
        ("rest_within_ns", of.rest_within.0.to_string()),
    ])
}

fn venue(venue: &Venue) -> String {
    let netting = match venue.netting {
        Netting::Net => "net",
        Netting::Gross => "gross",
        Netting::GrossByDay => "gross_by_day",
    };
    object([
        ("name", text(&venue.name)),
        ("netting", text(netting)),
        ("tif", text(tif(venue.tif))),
        ("rests", venue.rests.map_or(null(), |rests| text(tif(rests)))),
        ("ack_timeout_ns", venue.ack_timeout.0.to_string()),
        ("max_delay_ns", venue.max_delay.0.to_string()),
        ("query_interval_ns", venue.query_interval.0.to_string()),
        ("cancels_max", venue.cancels_max.to_string()),
    ])
}

const fn tif(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Ioc => "ioc",
        TimeInForce::Fok => "fok",
        TimeInForce::Day => "day",
        TimeInForce::Gtc => "gtc",
    }
}

fn fee(fee: &Fee) -> String {
    object([("per_lot", money(fee.per_lot)), ("rate", ratio(fee.rate))])
}

/// So many ticks or lots in their unit.
fn steps(count: i64, step: Decimal) -> Result<String, NumError> {
    let units = i128::from(count) * step.scaled(PLACES)?;
    Ok(text(&Decimal::new(units, PLACES).normalized().to_string()))
}

fn top_up(of: &TopUp) -> String {
    object([
        ("at", text(of.at.name())),
        ("usage", ratio(of.usage)),
        ("step", money(of.step)),
        ("keep", money(of.keep)),
    ])
}

fn money(amount: Money) -> String {
    text(&Decimal::new(amount.0, MONEY_PLACES).normalized().to_string())
}

fn ratio(value: Ratio) -> String {
    text(&value.to_string())
}

pub(crate) fn null() -> String {
    "null".to_owned()
}

/// Names are letters, digits and points: nothing in them has to be escaped.
fn text(of: &str) -> String {
    format!("\"{of}\"")
}

fn named<I: Id, T>(table: &Table<I, T>, id: I, name: impl Fn(&T) -> &String) -> String {
    text(table.get(id).map_or("", |row| name(row)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

pub(crate) fn object<const N: usize>(fields: [(&str, String); N]) -> String {
    object_of(fields.into_iter())
}

fn object_of<'a>(fields: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut out = String::from("{");
    for (at, (key, value)) in fields.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{key}\":{value}");
    }
    out + "}"
}

/// The margin rates of an instrument, those of the flags that have their own, and those to come.
fn margins(of: &Instrument) -> String {
    let steps = |flag: Option<HedgeFlag>| {
        let own = of.margin_steps.iter().filter(move |step| step.flag == flag);
        let row = |step: &MarginStep| {
            format!("[{},{}]", step.settles.0, object_of(margin(&step.rate).into_iter()))
        };
        list(own.map(row))
    };
    let mut rates = margin(&of.margin);
    let named = HedgeFlag::ALL.into_iter().zip(&of.flag_margins);
    let own = named.filter_map(|(flag, own)| {
        let mut rates = margin(own.as_ref()?);
        rates.push(("steps", steps(Some(flag))));
        Some((flag.name(), object_of(rates.into_iter())))
    });
    rates.push(("by_flag", object_of(own)));
    rates.push(("steps", steps(None)));
    object_of(rates.into_iter())
}

fn margin(rate: &MarginRate) -> Vec<(&'static str, String)> {
    vec![
        ("long", ratio(rate.long)),
        ("short", ratio(rate.short)),
        ("long_per_lot", money(rate.long_per_lot)),
        ("short_per_lot", money(rate.short_per_lot)),
        ("floor_per_lot", money(rate.floor_per_lot)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::plan;

    #[test]
    fn what_is_read_from_it_says_the_same() {
        let mut refused = 0;
        for seed in 0..300 {
            let drawn = plan(seed, &[]).config;
            let text = document(&drawn, &drawn.policy).unwrap();
            match Config::from_json(text.as_bytes()) {
                Ok(read) => {
                    assert_eq!(document(&read, &read.policy).unwrap(), text, "seed {seed}");
                }
                // Bands are drawn without a look at the fees; a document's have to earn them.
                Err(why) => {
                    let why = why.to_string();
                    assert!(why.contains("signal.plus") || why.contains("signal.mirror"), "{why}");
                    refused += 1;
                }
            }
        }
        assert!(refused < 30, "{refused} of 300 are refused");
    }
}

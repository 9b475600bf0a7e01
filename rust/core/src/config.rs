//! The configuration of a run: what is fixed, what may be replaced while running, and the proof
//! that its arithmetic cannot fail.
//!
//! [`Config::from_json`] reads the document below, whole: unknown, repeated and missing keys are
//! refused, and nothing has a default. Decimals and fractions (`"28/9"`) are texts, counts are
//! whole numbers, lengths of time are whole ns. Names: 1 to 64 bytes, see `config/tree.rs`.
//!
//! ```text
//! engine, run            whole numbers 0–255, 0–4095
//! venues[]               name  netting: net | gross | gross_by_day  tif: ioc | day | gtc
//!                        ack_timeout_ns  max_delay_ns  query_interval_ns  cancels_max
//! accounts[]             name  venue  currency  island  entity  group (of actual control)
//!                        flag: speculation | arbitrage | hedge  cash_tolerance (money)
//!                        unrealised: neither | losses | both (what counts for opening)
//!                        close_profit  withdraw_profit  haircut (fraction of collateral)
//!                        freezes: each | together
//! offsets[]              may be left out: account  legs[]{instrument  lots (sold below 0)}
//!                        credit (money of the account, for one set)
//! routes[]               from  to  windows: "always" | [[start_ns, end_ns], …]  lead_ns
//!                        least  most  cost (money of from)  haircut (fraction in transit)
//!                        may also have: top_up{at: a level  usage (fraction)  step  keep}
//! instruments[]          name  venue  product  currency
//!                        tick (price)  lot (size)  multiplier (quote units in 1 of that size)
//!                        settlement: upfront | daily_vm | on_close |
//!                        prompt_forward | coin  with on_close: matching: first_in | average
//!                        with prompt_forward: prompts [[from_day, prompt_day], …] since 1970-01-01
//!                        fees{open close close_today}{per_lot (money)  rate (fraction of value)}
//!                        margin{long short (fractions of value)  floor_per_lot (money)
//!                        may also have: long_per_lot short_per_lot (money beside the fraction)
//!                        by_flag{speculation arbitrage hedge}: rates of their own, each as these
//!                        steps [[day, margin], …]: what replaces it with the settlement of which
//!                        day since 1970-01-01; flags may have their own}
//!                        phases: "always" | [[start_ns, phase], …]  band: null | [low, high] (prices)
//!                        own_in_book  min_qty (size)  price_max (price)  qty_max (size)
//!                        may also have: maintenance (fraction of the margin that keeps positions open)
//!                        larger_side (true: of all such contracts of a product together)
//! hedges[]               name  priority  currency  fx{currency: instrument}
//!   .legs[]              instrument  account  side: buy | sell  weight
//!                        lots: null (by units_per_lot) | lots in one set, 0 for a leg that only prices
//!                        units_per_lot (common units of one lot)
//!   .signal              measure: spread | counter_price | ratio | gross_ratio | estimate
//!                        plus, mirror: null | {enter  exit}  persist  persist_within_ns: null | ns
//!                        deviation: null | {enter  alpha  warm}
//!   .slippage            per common unit, or ratio points
//!   .next                null | the hedge of the next contract, which it rolls into
//! limits                 venues{name: …}  instruments{name: …}  accounts{name: …}
//!                        hedges{name: …}  sums[]  thresholds[]
//!   .venues              message_rate  cancel_reserve
//!   .instruments         order_value (money)  collar (price)  age_ns  skew_ns  limit_distance (price)
//!                        message_rate  cancel_reserve  conduct: null (no such rules) | {
//!                        cancels_per_day  cancels_reserve  large_lots  large_cancels_per_day
//!                        large_cancels_reserve  opens_per_day (lots)  opens_reserve
//!                        self_trades_per_day  bursts_per_day: each null where there is no rule
//!                        counts_ioc  counts_fok  counts_hedging: true | false}
//!   .accounts            usage_cap (fraction)  day_loss (money)  message_rate  cancel_reserve
//!   .hedges              clip  max  overnight  holiday (sets)  before_break_ns
//!                        max_residual  live_residual (common units)
//!                        finish_within_ns  order_timeout_ns  repair: cheaper_of | supplement | unwind
//!                        max_loss  max_loss_per_day (money)  tries  messages  trims_per_day
//!                        max_roll_cost: null | money a set, where the hedge names its next
//!     .legging           null (all legs at once) | {mode: simultaneous | sequential | quoting  legs[]
//!                        quote: null | {lean_base (lots)  lean_times  lean_price: worst | average |
//!                        touch  when_thin: pull | return | shrink_to_touch | shrink_to_depth
//!                        slop_inside  slop_outside  reload (band's unit)  min_reprice  max_reprice
//!                        range (ticks)  raise_by (lots)  outside: pull | leave | away  refresh_ns
//!                        rest_within_ns}}
//!       .legs[]          leads  offset_ns  pay_up  chase  slip (ticks)  slip_money  slip_rate  rests
//!                        convert: never | attempt | always | keep_queue  chase_away (ticks)
//!                        chase_ahead (lots)  take_after (steps)  hedge_from (lots)
//!   .sums[]              product  currency  limit (common units)
//!   .thresholds[]        metric  of: null (each that no other names) | a name |
//!                        {venue|product|group|strategy: a name} (all of it together) |
//!                        {all: account|hedge|instrument} (all together)
//!                        warn, restrict, cancel, reduce, halt: null | a value of the metric
//!                        clear (by how much better)  dwell_ns (for how long) to leave a level
//! counts                 orders  executions
//! waiting                null | {deviations  alpha  warm}
//! ```
//!
//! Money without another word is in the currency of the thing it stands at. `finish_within` must
//! be at least the `ack_timeout` of every leg's venue: with less, an attempt would end before an
//! order's silence is noticed. It may be less than `max_delay`: what is still unknown at the end
//! waits in quarantine.

use crate::error::{ConfigError, Error};
use crate::funds::Terms;
use crate::gate::Policy;
use crate::ids::{
    AccountId, CurrencyId, GroupId, HedgeId, Id, InstrumentId, ProductId, RUN_MAX, StrategyId,
    Table, VenueId,
};
use crate::instrument::{Instrument, MarginRate, Netting};
use crate::margin::offset::Offsets;
use crate::num::{Decimal, Money, Ratio};
use crate::order::{HedgeFlag, TimeInForce};
use crate::quote::{HedgePlan, RollPlan};
use crate::signal::Rule;
use crate::threshold::Level;
use crate::time::{Span, Time};

mod admit;
mod budgets;
mod hedge;
mod legging;
mod limits;
mod offsets;
mod proof;
mod roll;
mod routes;
mod scope;
mod things;
mod thresholds;
mod tree;

use tree::{Checked, Json, Node};

pub use roll::roll_plan;

/// Most orders and executions a configuration may ask to keep.
pub const COUNT_MAX: u32 = 1 << 24;

pub use crate::num::MONEY_MAX;

/// Largest denominator of a fee rate, margin rate or usage cap: nine decimals.
pub const RATE_DEN_MAX: i64 = 1_000_000_000;

/// A place where orders go, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// How it keeps positions.
    pub netting: Netting,
    /// How orders are sent there: [`TimeInForce::Ioc`] where it knows it, else one that rests and
    /// is cancelled after the hedge's `order_timeout`.
    pub tif: TimeInForce,
    /// How orders that rest are sent there, [`TimeInForce::Gtc`] or [`TimeInForce::Day`]; `None`
    /// where none may.
    pub rests: Option<TimeInForce>,
    /// An order or cancel without an answer for so long is asked about.
    pub ack_timeout: Span,
    /// An order may surface so late; before it, "absent" proves nothing.
    pub max_delay: Span,
    /// Between two queries about one order; doubles with each, to 64 times. An order that was asked
    /// about as often as an attempt may send messages alarms and stays at 64 times.
    pub query_interval: Span,
    /// Most cancels sent for one order before the alarm.
    pub cancels_max: u16,
}

/// Whose money, at which broker, in which currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The venue it trades at.
    pub venue: VenueId,
    /// The currency of its money.
    pub currency: CurrencyId,
    /// Where its money can be without a border in between; money moves over declared routes alone.
    pub island: String,
    /// Whose it is in law.
    pub entity: String,
    /// Accounts under the same actual control, which exchanges count as one.
    pub group: String,
    /// What the exchange is told.
    pub flag: HedgeFlag,
    /// Largest difference to the venue's balance that is not drift.
    pub cash_tolerance: Money,
    /// What of its money counts.
    pub terms: Terms,
}

/// When a transfer may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// From and until, one after the other; `None` for always.
    rows: Option<Vec<(Time, Time)>>,
}

impl Windows {
    /// At any moment.
    #[must_use]
    pub const fn always() -> Windows {
        Windows { rows: None }
    }

    /// From the first moment of each until before the second; ascending.
    #[must_use]
    pub const fn of(rows: Vec<(Time, Time)>) -> Windows {
        Windows { rows: Some(rows) }
    }

    /// From and until of each; `None` for always.
    #[must_use]
    pub fn rows(&self) -> Option<&[(Time, Time)]> {
        self.rows.as_deref()
    }

    /// Whether a transfer may begin now.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        let Some(rows) = &self.rows else { return true };
        let after = rows.partition_point(|(start, _)| *start <= now);
        after.checked_sub(1).and_then(|at| rows.get(at)).is_some_and(|(_, end)| now < *end)
    }
}

/// A declared way for money from one account to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// From.
    pub from: AccountId,
    /// To.
    pub to: AccountId,
    /// When a transfer may begin.
    pub windows: Windows,
    /// How long it takes; after that it is late.
    pub lead: Span,
    /// The smallest amount, in the currency of `from`.
    pub least: Money,
    /// The largest amount.
    pub most: Money,
    /// What a transfer is expected to cost; what it does cost is told when it arrives.
    pub cost: Money,
    /// The fraction of money on its way that does not count in plans.
    pub haircut: Ratio,
    /// Whether both accounts have the same currency.
    pub same_currency: bool,
    /// When the engine asks for money over it by itself; never where `None`.
    pub top_up: Option<TopUp>,
}

/// When money is asked for over a route without a person, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// From this level on of the account that it leads to.
    pub at: Level,
    /// To where the usage of that account is to come: margin / equity.
    pub usage: Ratio,
    /// Amounts are whole multiples of this.
    pub step: Money,
    /// What stays withdrawable in the account that it leaves.
    pub keep: Money,
}

/// The grid of an instrument as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// One tick, as a price.
    pub tick: Decimal,
    /// One lot, as a size of the venue.
    pub lot: Decimal,
}

/// A hedge: its plan and its signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// What it trades.
    pub plan: HedgePlan,
    /// When it trades.
    pub rule: Rule,
    /// How its sets move to the next contract, where it names one.
    pub roll: Option<RollPlan>,
    /// The slippage that it stands, in the unit of its bands.
    pub tolerance: Ratio,
    /// The strategy that it belongs to, where it names one.
    pub strategy: Option<StrategyId>,
}

impl Hedge {
    /// Whether its own legs, not those it rolls into, or their rates are of an instrument.
    #[must_use]
    pub fn reads(&self, id: InstrumentId) -> bool {
        let own = |leg: &crate::quote::LegPlan| leg.instrument == id || leg.fx == Some(id);
        self.roll.is_none() || self.plan.legs.iter().any(own)
    }

    /// Most legs that one of its attempts trades, and those legs.
    #[must_use]
    pub fn widest(&self) -> &HedgePlan {
        self.roll.as_ref().map_or(&self.plan, |roll| &roll.plan)
    }
}

/// How the cost of waiting is measured, where repair chooses by cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// So many standard deviations of a price, while an order is on its way, count as its cost.
    pub deviations: Ratio,
    /// Weight of a new observation; in (0, 1).
    pub alpha: Ratio,
    /// Observations before a price's moves, or an account's delays, count.
    pub warm: u32,
}

/// Most of everything; allocated at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Orders kept: alive, or done and not yet forgotten. Every hedge has the same share; an Enter
    /// needs room in it for all orders that its attempt may make. What frees room is the second
    /// settlement after an order is done: orders in an instrument that never settles are never
    /// forgotten, and once the share is used up nothing is entered until a new run has more.
    pub orders: u32,
    /// Executions kept, for telling a second delivery from a second trade.
    pub executions: u32,
}

/// Everything that is fixed for a run, and the policy it starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The engine's number, in every client order id.
    pub engine: u8,
    /// The run's number, in every client order id; never used twice by an engine.
    pub run: u16,
    /// Currencies by name.
    pub currencies: Table<CurrencyId, String>,
    /// Products by name.
    pub products: Table<ProductId, String>,
    /// Groups of accounts under one actual control, by name.
    pub groups: Table<GroupId, String>,
    /// Strategies by name.
    pub strategies: Table<StrategyId, String>,
    /// Venues.
    pub venues: Table<VenueId, Venue>,
    /// Accounts.
    pub accounts: Table<AccountId, Account>,
    /// What clearing houses leave of the margin of positions against each other, by account.
    pub offsets: Table<AccountId, Offsets>,
    /// Routes for money, by ascending (from, to).
    pub routes: Vec<Route>,
    /// Instruments.
    pub instruments: Table<InstrumentId, Instrument>,
    /// Ticks and lots of the instruments, for reading and showing prices and sizes.
    pub grids: Table<InstrumentId, Grid>,
    /// Hedges, in the order of their priority, ties in the order they were written.
    pub hedges: Table<HedgeId, Hedge>,
    /// Limits and execution values at the start.
    pub policy: Policy,
    /// Bounds.
    pub counts: Counts,
    /// How the cost of waiting is measured; `None`: it is what crossing the touch once more costs.
    pub waiting: Option<Waiting>,
}

impl Config {
    /// Reads and compiles the document described at the top of this file.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first field that is wrong, the value and what was expected.
    pub fn from_json(bytes: &[u8]) -> Result<Config, Error> {
        let json = Json::parse(bytes)?;
        Ok(compile(&Node::root(&json))?)
    }

    /// The document with sorted keys and without white space: what the journal's header holds.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not JSON or repeats a key.
    pub fn canonical(bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut text = String::new();
        Json::parse(bytes)?.write(&mut text);
        Ok(text.into_bytes())
    }

    /// The limits of a document that is otherwise this configuration: what may replace the present
    /// ones while a run goes on. The numbers of its engine and run do not matter.
    ///
    /// # Errors
    /// [`Error::Config`] as [`Config::from_json`], or naming the part that is not this one's.
    pub fn policy_of(&self, bytes: &[u8]) -> Result<Policy, Error> {
        let json = Json::parse(bytes)?;
        let root = Node::root(&json);
        let other = compile(&root)?;
        let same = [
            ("venues", other.venues.iter().eq(self.venues.iter())),
            ("accounts", other.accounts.iter().eq(self.accounts.iter())),
            ("routes", other.routes == self.routes),
            ("instruments", other.instruments.iter().eq(self.instruments.iter())),
            ("hedges", other.hedges.iter().eq(self.hedges.iter())),
            ("counts", other.counts == self.counts),
            ("waiting", other.waiting == self.waiting),
        ];
        let parts = root.entries()?;
        for (name, _) in same.into_iter().filter(|(_, is_same)| !is_same) {
            if let Some((_, part)) = parts.iter().find(|(key, _)| *key == name) {
                return Err(part.refuse("what the run began with; limits alone may change").into());
            }
        }
        Ok(other.policy)
    }
}

/// Bounds that the door keeps, so that the proof holds for what events bring.
impl Config {
    /// The declared route from one account to another.
    #[must_use]
    pub fn route(&self, from: AccountId, to: AccountId) -> Option<&Route> {
        let found = self.routes.binary_search_by_key(&(from, to), |route| (route.from, route.to));
        found.ok().and_then(|at| self.routes.get(at))
    }

    /// The most ticks that a word about a hedge's prices may count.
    pub(crate) fn policy_ticks(&self, hedge: HedgeId) -> i64 {
        self.hedges.get(hedge).map_or(0, |hedge| self.most_ticks(&hedge.plan))
    }

    /// The largest price of any leg, in ticks: no distance between prices counts beyond it.
    fn most_ticks(&self, plan: &HedgePlan) -> i64 {
        let legs = plan.legs.iter().filter_map(|leg| self.instruments.get(leg.instrument));
        legs.map(|of| of.price_max).max().unwrap_or(0)
    }

    /// Hedges that read an instrument as a leg, of a Roll too, or as fx, in the order of priority.
    #[must_use]
    pub fn readers(&self) -> Table<InstrumentId, Vec<HedgeId>> {
        let mut readers = vec![Vec::new(); self.instruments.len()];
        for (id, hedge) in self.hedges.pairs() {
            for leg in &hedge.widest().legs {
                for instrument in [Some(leg.instrument), leg.fx].into_iter().flatten() {
                    if let Some(list) = readers.get_mut(instrument.index())
                        && list.last() != Some(&id)
                    {
                        list.push(id);
                    }
                }
            }
        }
        Table::new(readers)
    }

    /// Most lots of an instrument that a position may have, long or short.
    #[must_use]
    pub fn position_max(&self, policy: &Policy, instrument: InstrumentId) -> i64 {
        // The proof admits at most an eighth of 64 bits.
        i64::try_from(8 * proof::most_lots(self, policy, instrument)).unwrap_or(i64::MAX)
    }

    /// Whether a policy keeps all that one read from a document is held to, and the proof holds.
    #[must_use]
    pub fn admits_policy(&self, policy: &Policy) -> bool {
        admit::admits(self, policy)
    }

    /// Whether margin rates may replace those of an instrument: fractions of 0 to 1 with at most
    /// nine decimals, and amounts a lot, zero or more, whose money fits.
    #[must_use]
    pub fn admits_margin(
        &self,
        policy: &Policy,
        instrument: InstrumentId,
        margin: &MarginRate,
    ) -> bool {
        let lots = proof::most_lots(self, policy, instrument);
        let is_rate =
            |rate: Ratio| rate >= Ratio::ZERO && rate <= Ratio::ONE && rate.den() <= RATE_DEN_MAX;
        is_rate(margin.long)
            && is_rate(margin.short)
            && [margin.long_per_lot, margin.short_per_lot, margin.floor_per_lot]
                .iter()
                .all(|per_lot| *per_lot >= Money::ZERO)
            && self
                .instruments
                .get(instrument)
                .is_some_and(|row| proof::money_fits(row, margin, lots))
    }
}

impl Policy {
    /// Reads the `limits` part of the document for this configuration, with the same checks.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first field that is wrong, the value and what was expected.
    pub fn from_json(config: &Config, bytes: &[u8]) -> Result<Policy, Error> {
        let json = Json::parse(bytes)?;
        let policy = limits::read(config, &Node::part("limits", &json))?;
        proof::prove(config, &policy)?;
        Ok(policy)
    }
}

fn compile(root: &Node<'_>) -> Checked<Config> {
    let keys = [
        "engine",
        "run",
        "venues",
        "accounts",
        "routes",
        "instruments",
        "hedges",
        "limits",
        "counts",
        "waiting",
    ];
    let (known, [offset_rows]) = root.fields_and(keys, ["offsets"])?;
    let [engine, run, venues, purses, routes, listed, hedges, limits, counts, waiting] = known;
    let mut names = things::Names::default();
    let venues = things::venues(&venues, &mut names)?;
    let accounts = things::accounts(&purses, &mut names)?;
    let (instruments, grids) = things::instruments(&listed, &mut names)?;
    let mut config = Config {
        engine: engine.count(0, i64::from(u8::MAX), "the engine's number")?,
        run: run.count(0, i64::from(RUN_MAX), "the run's number")?,
        currencies: Table::new(Vec::new()),
        products: Table::new(Vec::new()),
        groups: Table::new(Vec::new()),
        strategies: Table::new(Vec::new()),
        venues,
        accounts,
        offsets: Table::new(Vec::new()),
        routes: Vec::new(),
        instruments,
        grids,
        hedges: Table::new(Vec::new()),
        policy: limits::none(),
        counts: things::counts(&counts)?,
        waiting: waiting.optional().map(|node| things::waiting(&node)).transpose()?,
    };
    things::fit(&listed, &purses, &config)?;
    config.routes = routes::read(&routes, &config, |node| names.accounts.find(node))?;
    config.offsets = offsets::read(offset_rows, &config, &names)?;
    config.hedges = hedge::read(&hedges, &config, &mut names)?;
    config.currencies = Table::new(names.currencies.into_list());
    config.products = Table::new(names.products.into_list());
    config.groups = Table::new(names.groups.into_list());
    config.strategies = Table::new(names.strategies.into_list());
    config.policy = limits::read(&config, &limits)?;
    proof::prove(&config, &config.policy)?;
    Ok(config)
}

/// What a value of the compiled configuration is refused with, where no single text holds it.
fn refuse(field: String, value: impl std::fmt::Display, expected: String) -> ConfigError {
    ConfigError::new(field, value, expected)
}

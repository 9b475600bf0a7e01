//! One tradable contract: what a tick of a lot is worth, what it costs, how it settles.

use crate::ids::{CurrencyId, InstrumentId, ProductId, VenueId};
use crate::num::{Money, Price, Qty, Ratio, Side, div_ceil, div_floor};
use crate::phase::{Phase, Phases};
use crate::time::{Day, Time};

/// When which money is paid for what is traded: `docs/settlement.md` has the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The whole value changes hands with the trade: spot.
    Upfront,
    /// Margin is set aside; what a price change brings is paid at every settlement, and the rest
    /// when lots are closed: futures.
    DailyVm,
    /// Margin is set aside; the result is paid when lots are closed, against what they were opened
    /// at. A settlement ends the day and pays nothing.
    OnClose(Matching),
    /// Margin is set aside; what closing lots of a prompt day brings is locked in and paid at that
    /// day, as is what lots that still stand have brought by then: LME.
    PromptForward,
    /// As on close against the average, for a contract whose value is its size ÷ price, in the coin
    /// that it is settled in. The value of one lot at a price of one tick.
    Coin(Money),
}

impl Settlement {
    /// Whether what lots have brought since they were opened stays unpaid over settlements.
    #[must_use]
    pub const fn is_unpaid(self) -> bool {
        match self {
            Settlement::Upfront | Settlement::DailyVm => false,
            Settlement::OnClose(_) | Settlement::PromptForward | Settlement::Coin(_) => true,
        }
    }

    /// What a trade of `lots` at `price` costs, in the figure that positions add up: ticks × lots. Of
    /// a coin contract less than nothing, since what is long there gains as size ÷ price falls, in
    /// 10⁻⁹ coin and rounded against whoever trades.
    #[must_use]
    pub fn cost(self, side: Side, price: Price, lots: i64) -> i128 {
        let (price, lots) = (i128::from(price.0), i128::from(lots));
        match (self, side) {
            (Settlement::Coin(face), Side::Buy) => div_ceil(-face.0 * lots, price),
            (Settlement::Coin(face), Side::Sell) => div_floor(-face.0 * lots, price),
            (
                Settlement::Upfront
                | Settlement::DailyVm
                | Settlement::OnClose(_)
                | Settlement::PromptForward,
                _,
            ) => price * lots,
        }
    }

    /// What signed `lots` are worth at a mark, in the same figure; rounded down.
    #[must_use]
    pub fn marked(self, price: Price, lots: i64) -> i128 {
        self.cost(Side::Sell, price, lots)
    }
}

/// Against which lots a trade that closes is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Those of the trade that opened first.
    FirstIn,
    /// All that are open, at their average price.
    Average,
}

/// How the venue keeps positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netting {
    /// A buy and a sell cancel out.
    Net,
    /// Longs and shorts stand beside each other; each order says whether it opens or closes.
    Gross,
    /// As gross, and today's lots are closed by their own position effect.
    GrossByDay,
}

/// What an order does to the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum PositionEffect {
    /// Opens; the effect of every order where positions are netted.
    Open = 0,
    /// Closes lots of an earlier day (where days are told apart), or any.
    Close = 1,
    /// Closes today's lots.
    CloseToday = 2,
}

impl PositionEffect {
    /// Every effect, in the order of its code.
    pub const ALL: [PositionEffect; 3] =
        [PositionEffect::Open, PositionEffect::Close, PositionEffect::CloseToday];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What one trade costs: so much a lot and so much of its value, in the instrument's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// For each lot; negative is a rebate.
    pub per_lot: Money,
    /// Of the absolute value; negative is a rebate.
    pub rate: Ratio,
}

impl Fee {
    /// No fee.
    pub const NONE: Fee = Fee { per_lot: Money::ZERO, rate: Ratio::ZERO };

    /// The fee of a trade of `value`, rounded up.
    #[must_use]
    pub fn of(&self, value: Money, qty: Qty) -> Money {
        self.per_lot.times(qty.get()) + value.abs().scale_up(self.rate)
    }
}

/// The fees of an instrument by position effect; the taker's, which every order here may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// For opening, and for every order where positions are netted.
    pub open: Fee,
    /// For closing lots of an earlier day.
    pub close: Fee,
    /// For closing today's lots.
    pub close_today: Fee,
}

impl Fees {
    /// The fee for `effect`.
    #[must_use]
    pub const fn by(&self, effect: PositionEffect) -> Fee {
        match effect {
            PositionEffect::Open => self.open,
            PositionEffect::Close => self.close,
            PositionEffect::CloseToday => self.close_today,
        }
    }
}

/// What the exchange is told about the purpose of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HedgeFlag {
    /// 投机
    Speculation = 0,
    /// 套利
    Arbitrage = 1,
    /// 套保
    Hedge = 2,
}

impl HedgeFlag {
    /// Every flag, in the order of its code.
    pub const ALL: [HedgeFlag; 3] =
        [HedgeFlag::Speculation, HedgeFlag::Arbitrage, HedgeFlag::Hedge];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HedgeFlag::Speculation => "speculation",
            HedgeFlag::Arbitrage => "arbitrage",
            HedgeFlag::Hedge => "hedge",
        }
    }
}

/// Margin by direction: so much of the absolute value, and so much a lot beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginRate {
    /// Of longs, for one unit of absolute value.
    pub long: Ratio,
    /// Of shorts, for one unit of absolute value.
    pub short: Ratio,
    /// Of longs, for each lot.
    pub long_per_lot: Money,
    /// Of shorts, for each lot.
    pub short_per_lot: Money,
    /// Both together are at least so much a lot, which also binds at prices of zero and below.
    pub floor_per_lot: Money,
}

impl MarginRate {
    /// Margin that is a share of the value alone.
    #[must_use]
    pub const fn of_value(long: Ratio, short: Ratio, floor_per_lot: Money) -> MarginRate {
        let (long_per_lot, short_per_lot) = (Money::ZERO, Money::ZERO);
        MarginRate { long, short, long_per_lot, short_per_lot, floor_per_lot }
    }

    /// The rate of the direction that `side` opens, and what is added for each lot.
    #[must_use]
    pub const fn of(&self, side: Side) -> (Ratio, Money) {
        match side {
            Side::Buy => (self.long, self.long_per_lot),
            Side::Sell => (self.short, self.short_per_lot),
        }
    }

    /// The larger of every number: what is at least needed where either may be in force.
    #[must_use]
    pub fn larger(self, other: MarginRate) -> MarginRate {
        MarginRate {
            long: self.long.max(other.long),
            short: self.short.max(other.short),
            long_per_lot: self.long_per_lot.max(other.long_per_lot),
            short_per_lot: self.short_per_lot.max(other.short_per_lot),
            floor_per_lot: self.floor_per_lot.max(other.floor_per_lot),
        }
    }

    /// Whether lots of either direction need more than their share of the value.
    #[must_use]
    pub fn is_by_lot(&self) -> bool {
        self.long_per_lot != Money::ZERO || self.short_per_lot != Money::ZERO
    }
}

/// Margin rates that are known to replace others: before holidays, with the life of a contract,
/// towards delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginStep {
    /// The trading day with whose settlement they come into force, as exchanges announce it.
    pub settles: Day,
    /// Of which accounts; `None` for those whose flag has no rates of its own.
    pub flag: Option<HedgeFlag>,
    /// The rates.
    pub rate: MarginRate,
}

/// The daily price band of an instrument, in ticks, both ends tradable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceBand {
    /// Lowest price.
    pub low: Price,
    /// Highest price.
    pub high: Price,
}

/// Which prompt day a trade of which trading day has; empty where nothing has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// From which day on, until the next row's, and the prompt: the first ascends, the other does not
    /// descend, and is later than the first.
    rows: Vec<(Day, Day)>,
}

impl Prompts {
    /// These rows; `None` where their order is wrong.
    #[must_use]
    pub fn new(rows: Vec<(Day, Day)>) -> Option<Prompts> {
        let ascends = rows.is_sorted_by(|before, after| before.0 < after.0 && before.1 <= after.1);
        let later = rows.iter().all(|(from, prompt)| from < prompt);
        (ascends && later).then_some(Prompts { rows })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[(Day, Day)] {
        &self.rows
    }

    /// The prompt of a trade of this day; of one before the first row, that row's.
    #[must_use]
    pub fn of(&self, day: Day) -> Option<Day> {
        let after = self.rows.partition_point(|(from, _)| *from <= day);
        self.rows.get(after.saturating_sub(1)).map(|(_, prompt)| *prompt)
    }

    /// Whether an order of this day would have a prompt that is known and still to come.
    #[must_use]
    pub fn is_known(&self, day: Day) -> bool {
        let begun = self.rows.first().is_some_and(|(from, _)| *from <= day);
        begun && self.of(day).is_some_and(|prompt| day < prompt)
    }

    /// The first and the last day whose trades have the same prompt as one of this day.
    #[must_use]
    pub fn days(&self, day: Day) -> (Day, Day) {
        let prompt = self.of(day);
        let same = |(_, other): &(Day, Day)| Some(*other) == prompt;
        let first = self.rows.iter().position(same).unwrap_or(0);
        let after = first + self.rows.iter().skip(first).take_while(|row| same(row)).count();
        // What was traded before the first row has its prompt.
        let from = match first {
            0 => Day(i32::MIN),
            _ => self.rows.get(first).map_or(Day(i32::MIN), |(from, _)| *from),
        };
        (from, self.rows.get(after).map_or(Day(i32::MAX), |(from, _)| Day(from.0 - 1)))
    }
}

/// One tradable contract, fixed for a run but for what [`Reference`] events change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its name, such as `SHFE.au2602`.
    pub name: String,
    /// Where it trades.
    pub venue: VenueId,
    /// The goods it stands for.
    pub product: ProductId,
    /// The currency of its prices, fees and margin.
    pub currency: CurrencyId,
    /// Value of one tick of one lot; more than zero. Of a coin contract the smallest money, in which
    /// its costs are counted.
    pub tick_value: Money,
    /// What a trade does to money.
    pub settlement: Settlement,
    /// The prompts of [`Settlement::PromptForward`].
    pub prompts: Prompts,
    /// Fees by position effect.
    pub fees: Fees,
    /// Margin now; of no effect for [`Settlement::Upfront`].
    pub margin: MarginRate,
    /// The same for accounts of a flag that has rates of its own, by the flag's code.
    pub flag_margins: [Option<MarginRate>; 3],
    /// Margin to come, with days that do not descend.
    pub margin_steps: Vec<MarginStep>,
    /// What open positions need to be kept, as a fraction of the margin that opening them needs: above
    /// 0, at most 1.
    pub maintenance: Ratio,
    /// Whether an account is charged for its longs or for its shorts in all such contracts of the
    /// product, whichever need more, and not for both.
    pub larger_side: bool,
    /// Trading phases.
    pub phases: Phases,
    /// Today's price band, where the venue has one.
    pub band: Option<PriceBand>,
    /// Whether a book level shows our own resting quantity too.
    pub own_in_book: bool,
    /// Smallest size of an order; more than zero.
    pub min_qty: Qty,
    /// Largest absolute price the configuration proves its arithmetic for, in ticks.
    pub price_max: i64,
    /// Largest size of an order or level the configuration proves its arithmetic for, in lots.
    pub qty_max: i64,
}

impl Instrument {
    /// The margin rates now for accounts of a flag.
    #[must_use]
    pub const fn margin_of(&self, flag: HedgeFlag) -> &MarginRate {
        let [speculation, arbitrage, hedge] = &self.flag_margins;
        let own = match flag {
            HedgeFlag::Speculation => speculation,
            HedgeFlag::Arbitrage => arbitrage,
            HedgeFlag::Hedge => hedge,
        };
        match own {
            Some(own) => own,
            None => &self.margin,
        }
    }

    /// Gives accounts of a flag rates of their own.
    pub fn set_flag_margin(&mut self, flag: HedgeFlag, rate: MarginRate) {
        let [speculation, arbitrage, hedge] = &mut self.flag_margins;
        match flag {
            HedgeFlag::Speculation => *speculation = Some(rate),
            HedgeFlag::Arbitrage => *arbitrage = Some(rate),
            HedgeFlag::Hedge => *hedge = Some(rate),
        }
    }

    fn set_margin(&mut self, flag: Option<HedgeFlag>, rate: MarginRate) {
        match flag {
            None => self.margin = rate,
            Some(flag) => self.set_flag_margin(flag, rate),
        }
    }

    /// Takes the steps of margin that come into force with the settlement of `day` or of one before
    /// it; gives whether there were any.
    pub fn step_margins(&mut self, day: Day) -> bool {
        let due = self.margin_steps.partition_point(|step| step.settles <= day);
        let steps: Vec<MarginStep> = self.margin_steps.drain(..due).collect();
        for step in &steps {
            self.set_margin(step.flag, step.rate);
        }
        !steps.is_empty()
    }

    /// Takes the larger of every rate with those of the steps up to `day`, of which nobody knows
    /// whether they are in force; they stay to come.
    pub fn brace_margins(&mut self, day: Day) {
        let due = self.margin_steps.partition_point(|step| step.settles <= day);
        let steps: Vec<MarginStep> = self.margin_steps.iter().take(due).copied().collect();
        for MarginStep { flag, rate, .. } in &steps {
            let now = flag.map_or(&self.margin, |flag| self.margin_of(flag));
            self.set_margin(*flag, now.larger(*rate));
        }
    }

    /// The value of `ticks × lots`, with the sign of the price.
    #[must_use]
    #[inline]
    pub fn value(&self, ticks_lots: i128) -> Money {
        match i64::try_from(ticks_lots) {
            Ok(ticks_lots) => self.tick_value.times(ticks_lots),
            Err(_) => Money(self.tick_value.0 * ticks_lots),
        }
    }

    /// The value of `qty` at `price`, with the sign of the price; of a coin contract below zero.
    #[must_use]
    pub fn notional(&self, price: Price, qty: Qty) -> Money {
        self.value(self.settlement.cost(Side::Buy, price, qty.get()))
    }

    /// Whether an order may be priced at `price` today.
    #[must_use]
    pub fn in_band(&self, price: Price) -> bool {
        self.band.is_none_or(|band| band.low <= price && price <= band.high)
    }
}

/// News about an instrument that is not a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The instrument.
    pub instrument: InstrumentId,
    /// When the venue said so.
    pub exchange: Time,
    /// What changed.
    pub change: ReferenceChange,
}

/// What a [`Reference`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceChange {
    /// The phase now, and until when it is known to last.
    Phase {
        /// The phase.
        phase: Phase,
        /// Its end.
        until: Time,
    },
    /// Today's price band; `None` takes it away.
    PriceBand(Option<PriceBand>),
    /// The margin rates of accounts whose flag has none of its own, for all positions from now on.
    Margin(MarginRate),
    /// The same for accounts of one flag, which has its own from now on.
    FlagMargin(HedgeFlag, MarginRate),
}

//! Venues, accounts, instruments and counts: what the hedges are made of.

use super::tree::{Checked, Node, nearest};
use super::{Account, COUNT_MAX, Config, Counts, Grid, Venue, Waiting};
use crate::book::PRICE_MAX;
use crate::error::ConfigError;
use crate::funds::{Freezes, Terms, Unrealised};
use crate::ids::{AccountId, CurrencyId, Id, InstrumentId, ProductId, Table, VenueId};
use crate::instrument::{
    Fee, Fees, Instrument, MarginRate, MarginStep, Matching, Netting, PriceBand, Prompts,
    Settlement,
};
use crate::num::{Decimal, MONEY_UNIT, Money, Price, Qty, Ratio};
use crate::order::{HedgeFlag, TimeInForce};
use crate::phase::{Phase, Phases};
use crate::time::{Day, Span, Time};

/// Most venues, accounts and instruments.
const THINGS_MAX: usize = 4096;

/// The last day that a prompt may be, in 2199.
const DAY_MAX: i64 = 84_005;

/// Most currencies: their number has eight bits.
const CURRENCIES_MAX: usize = 256;

/// Names of one kind in the order in which they were met.
#[derive(Debug)]
pub(super) struct NameList {
    kind: &'static str,
    most: usize,
    list: Vec<String>,
}

impl NameList {
    fn new(kind: &'static str, most: usize) -> NameList {
        NameList { kind, most, list: Vec::new() }
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }

    /// A name that must be new.
    pub(super) fn add(&mut self, node: &Node<'_>) -> Checked<String> {
        let name = node.name()?;
        if self.list.iter().any(|known| known == name) {
            return Err(node.refuse(format!("each {} once: this name is taken", self.kind)));
        }
        self.push(node, name)?;
        Ok(name.to_owned())
    }

    /// The place of a name, which may be new.
    pub(super) fn intern(&mut self, node: &Node<'_>) -> Checked<usize> {
        let name = node.name()?;
        if let Some(place) = self.list.iter().position(|known| known == name) {
            return Ok(place);
        }
        self.push(node, name)?;
        Ok(self.list.len() - 1)
    }

    fn push(&mut self, node: &Node<'_>, name: &str) -> Checked<()> {
        if let Some(twin) = self.list.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            return Err(node.refuse(format!(
                "a {} that differs from {twin:?} by more than upper and lower case",
                self.kind
            )));
        }
        if self.list.len() >= self.most {
            return Err(node.refuse(format!("at most {} of kind {}", self.most, self.kind)));
        }
        self.list.push(name.to_owned());
        Ok(())
    }

    /// The name of an id.
    pub(super) fn name<I: Id>(&self, id: I) -> &str {
        self.list.get(id.index()).map_or("", String::as_str)
    }

    /// The id of a name that must be known.
    pub(super) fn find<I: Id>(&self, node: &Node<'_>) -> Checked<I> {
        let name = node.as_text().unwrap_or_default();
        self.find_name(name).ok_or_else(|| unknown(self.kind, &self.list, node, name))
    }

    /// The id of a name.
    pub(super) fn find_name<I: Id>(&self, name: &str) -> Option<I> {
        self.list.iter().position(|known| known == name).map(I::at)
    }
}

/// The error for a reference to a name that is not configured.
pub(super) fn unknown(kind: &str, list: &[String], node: &Node<'_>, name: &str) -> ConfigError {
    let known: Vec<&str> = list.iter().map(String::as_str).collect();
    let hint = nearest(name, &known).map_or(String::new(), |name| format!(", perhaps {name:?}"));
    let shown = known.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let more = if known.len() > 8 { ", …" } else { "" };
    node.refuse(format!("the name of a configured {kind}{hint}; known: {shown}{more}"))
}

/// Every name met so far, by kind.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) venues: NameList,
    pub(super) accounts: NameList,
    pub(super) instruments: NameList,
    pub(super) currencies: NameList,
    pub(super) products: NameList,
    pub(super) islands: NameList,
    pub(super) entities: NameList,
    pub(super) groups: NameList,
    pub(super) strategies: NameList,
    pub(super) hedges: NameList,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            venues: NameList::new("venue", THINGS_MAX),
            accounts: NameList::new("account", THINGS_MAX),
            instruments: NameList::new("instrument", THINGS_MAX),
            currencies: NameList::new("currency", CURRENCIES_MAX),
            products: NameList::new("product", THINGS_MAX),
            islands: NameList::new("island", THINGS_MAX),
            entities: NameList::new("entity", THINGS_MAX),
            groups: NameList::new("group", THINGS_MAX),
            strategies: NameList::new("strategy", THINGS_MAX),
            hedges: NameList::new("hedge", crate::ids::HEDGES_MAX),
        }
    }
}

impl Names {
    pub(super) fn currency(&mut self, node: &Node<'_>) -> Checked<CurrencyId> {
        self.currencies.intern(node).map(CurrencyId::at)
    }
}

pub(super) fn venues(node: &Node<'_>, names: &mut Names) -> Checked<Table<VenueId, Venue>> {
    let rows: Checked<Vec<Venue>> = node.list()?.iter().map(|row| venue(row, names)).collect();
    Ok(Table::new(rows?))
}

fn venue(node: &Node<'_>, names: &mut Names) -> Checked<Venue> {
    let [name, netting, tif, rests, ack_timeout, max_delay, query_interval, cancels_max] = node
        .fields([
            "name",
            "netting",
            "tif",
            "rests",
            "ack_timeout_ns",
            "max_delay_ns",
            "query_interval_ns",
            "cancels_max",
        ])?;
    Ok(Venue {
        name: names.venues.add(&name)?,
        netting: netting.choice(&[
            ("net", Netting::Net),
            ("gross", Netting::Gross),
            ("gross_by_day", Netting::GrossByDay),
        ])?,
        tif: tif.choice(&[
            ("ioc", TimeInForce::Ioc),
            ("day", TimeInForce::Day),
            ("gtc", TimeInForce::Gtc),
        ])?,
        rests: rests
            .optional()
            .map(|node| node.choice(&[("day", TimeInForce::Day), ("gtc", TimeInForce::Gtc)]))
            .transpose()?,
        ack_timeout: ack_timeout.span(Span(1), "how long an answer may take")?,
        max_delay: max_delay.span(Span(0), "how late an order may surface")?,
        query_interval: query_interval.span(Span(1), "time between two queries")?,
        cancels_max: cancels_max.count(1, i64::from(u16::MAX), "cancels of one order")?,
    })
}

pub(super) fn accounts(node: &Node<'_>, names: &mut Names) -> Checked<Table<AccountId, Account>> {
    let rows: Checked<Vec<Account>> = node.list()?.iter().map(|row| account(row, names)).collect();
    Ok(Table::new(rows?))
}

const ACCOUNT_KEYS: [&str; 13] = [
    "name",
    "venue",
    "currency",
    "island",
    "entity",
    "group",
    "flag",
    "cash_tolerance",
    "unrealised",
    "close_profit",
    "withdraw_profit",
    "haircut",
    "freezes",
];

fn account(node: &Node<'_>, names: &mut Names) -> Checked<Account> {
    let (fields, [leased]) = node.fields_and(ACCOUNT_KEYS, ["leased"])?;
    let [
        name,
        venue,
        currency,
        island,
        entity,
        group,
        flag,
        cash_tolerance,
        unrealised,
        close_profit,
        withdraw_profit,
        haircut,
        freezes,
    ] = fields;
    let part = "a fraction of collateral from 0 to 1 that does not count";
    Ok(Account {
        name: names.accounts.add(&name)?,
        venue: names.venues.find(&venue)?,
        currency: names.currency(&currency)?,
        island: {
            names.islands.intern(&island)?;
            island.name()?.to_owned()
        },
        entity: {
            names.entities.intern(&entity)?;
            entity.name()?.to_owned()
        },
        group: {
            names.groups.intern(&group)?;
            group.name()?.to_owned()
        },
        flag: flag.choice(&HedgeFlag::ALL.map(|flag| (flag.name(), flag)))?,
        cash_tolerance: cash_tolerance.money_from(Money::ZERO, "a difference in cash")?,
        terms: Terms {
            unrealised: unrealised.choice(&[
                ("neither", Unrealised::Neither),
                ("losses", Unrealised::Losses),
                ("both", Unrealised::Both),
            ])?,
            close_profit: close_profit.flag()?,
            withdraw_profit: withdraw_profit.flag()?,
            haircut: haircut.rate(Ratio::ZERO, Ratio::ONE, part)?,
            freezes: freezes.choice(&[("each", Freezes::Each), ("together", Freezes::Together)])?,
            leased: leased.map_or(Ok(false), |leased| leased.flag())?,
        },
    })
}

/// The instruments and the grids they were written in.
pub(super) type Instruments = (Table<InstrumentId, Instrument>, Table<InstrumentId, Grid>);

pub(super) fn instruments(node: &Node<'_>, names: &mut Names) -> Checked<Instruments> {
    let rows: Checked<Vec<(Instrument, Grid)>> =
        node.list()?.iter().map(|row| instrument(row, names)).collect();
    let (instruments, grids) = rows?.into_iter().unzip();
    Ok((Table::new(instruments), Table::new(grids)))
}

const INSTRUMENT_KEYS: [&str; 16] = [
    "name",
    "venue",
    "product",
    "currency",
    "tick",
    "lot",
    "multiplier",
    "settlement",
    "fees",
    "margin",
    "phases",
    "band",
    "own_in_book",
    "min_qty",
    "price_max",
    "qty_max",
];

fn instrument(node: &Node<'_>, names: &mut Names) -> Checked<(Instrument, Grid)> {
    let (fields, [maintenance, larger_side, matching, prompts]) =
        node.fields_and(INSTRUMENT_KEYS, ["maintenance", "larger_side", "matching", "prompts"])?;
    let [
        name,
        venue,
        product,
        currency,
        tick,
        lot,
        multiplier,
        word,
        fees_node,
        margin_node,
        phases_node,
        band_node,
        own_in_book,
        min_qty,
        price_max,
        qty_max,
    ] = fields;
    let grid = grid(&tick, &lot)?;
    let mut settlement = settled(&word, matching.as_ref())?;
    if let Settlement::Coin(value) = &mut settlement {
        *value = face(&tick, &lot, &multiplier)?;
    }
    let price_ticks = price_max.steps_from(1, grid.tick, "the largest price")?;
    if price_ticks > PRICE_MAX {
        return Err(price_max.refuse(format!("the largest price, up to {PRICE_MAX} ticks")));
    }
    let min_lots = min_qty.steps_from(1, grid.lot, "the smallest size")?;
    let lots_max = qty_max.steps_from(1, grid.lot, "the largest size")?;
    if lots_max < min_lots {
        return Err(qty_max.refuse("the largest size, at least min_qty"));
    }
    let prompts = self::prompts(&word, settlement, prompts.as_ref())?;
    let (margin, flag_margins, margin_steps) = margin(&margin_node, settlement)?;
    let instrument = Instrument {
        name: names.instruments.add(&name)?,
        venue: names.venues.find(&venue)?,
        product: names.products.intern(&product).map(ProductId::at)?,
        currency: names.currency(&currency)?,
        tick_value: match settlement {
            Settlement::Coin(_) => Money(1),
            Settlement::Upfront
            | Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward => tick_value(&tick, &lot, &multiplier)?,
        },
        settlement,
        prompts,
        fees: fees(&fees_node)?,
        margin,
        flag_margins,
        margin_steps,
        maintenance: maintenance.map_or(Ok(Ratio::ONE), |node| share(&node))?,
        larger_side: larger_side.map_or(Ok(false), |node| node.flag())?,
        phases: phases(&phases_node)?,
        band: band_node.optional().map(|node| band(&node, grid.tick, price_ticks)).transpose()?,
        own_in_book: own_in_book.flag()?,
        min_qty: Qty::of(min_lots),
        price_max: price_ticks,
        qty_max: lots_max,
    };
    Ok((instrument, grid))
}

/// The word for how it settles, with what a word needs beside it and others must not have.
fn settled(word: &Node<'_>, matching: Option<&Node<'_>>) -> Checked<Settlement> {
    let found = word.choice(&[
        ("upfront", Settlement::Upfront),
        ("daily_vm", Settlement::DailyVm),
        ("on_close", Settlement::OnClose(Matching::FirstIn)),
        ("prompt_forward", Settlement::PromptForward),
        ("coin", Settlement::Coin(Money::ZERO)),
    ])?;
    match (found, matching) {
        (Settlement::OnClose(_), Some(node)) => Ok(Settlement::OnClose(
            node.choice(&[("first_in", Matching::FirstIn), ("average", Matching::Average)])?,
        )),
        (Settlement::OnClose(_), None) => {
            Err(word.refuse("matching beside it: first_in or average"))
        }
        (_, Some(node)) => Err(node.refuse("nothing: only on_close needs a matching")),
        (_, None) => Ok(found),
    }
}

/// Which prompt a trade of which day has, for those that have one and no others.
fn prompts(word: &Node<'_>, of: Settlement, node: Option<&Node<'_>>) -> Checked<Prompts> {
    let expected = "pairs of days since 1970-01-01, from which day on and the prompt: the first \
                    ascends, the other does not descend and is later";
    match (of, node) {
        (Settlement::PromptForward, Some(node)) => {
            let day = |node: &Node<'_>| Ok(Day(node.count(0, DAY_MAX, "days since 1970-01-01")?));
            let row = |node: &Node<'_>| {
                let [from, prompt] = node.items()?;
                Ok((day(&from)?, day(&prompt)?))
            };
            let rows: Checked<Vec<(Day, Day)>> = node.list()?.iter().map(row).collect();
            let prompts = Prompts::new(rows?).filter(|prompts| !prompts.rows().is_empty());
            prompts.ok_or_else(|| node.refuse(expected))
        }
        (Settlement::PromptForward, None) => {
            Err(word.refuse(format!("prompts beside it: {expected}")))
        }
        (_, Some(node)) => Err(node.refuse("nothing: only what settles at prompts has any")),
        (_, None) => Ok(Prompts::default()),
    }
}

/// Lots of one prompt stand beside those of another in a position that is netted by prompt; and what
/// is not paid daily must count against what may be opened.
pub(super) fn fit(instruments: &Node<'_>, accounts: &Node<'_>, config: &Config) -> Checked<()> {
    for (node, of) in instruments.list()?.iter().zip(config.instruments.iter()) {
        let netting = config.venues.get(of.venue).map(|venue| venue.netting);
        let refused = match of.settlement {
            Settlement::PromptForward | Settlement::Coin(_) if netting != Some(Netting::Net) => {
                Some("another venue: prompts and coins need one where positions are netted")
            }
            Settlement::OnClose(Matching::Average) if netting == Some(Netting::GrossByDay) => {
                Some("matching first_in: the venue tells today's lots from earlier ones")
            }
            Settlement::Upfront
            | Settlement::DailyVm
            | Settlement::OnClose(_)
            | Settlement::PromptForward
            | Settlement::Coin(_) => None,
        };
        if let Some(why) = refused {
            return Err(node.refuse(why));
        }
    }
    for (node, account) in accounts.list()?.iter().zip(config.accounts.iter()) {
        let unpaid = config.instruments.iter().find(|of| {
            of.settlement.is_unpaid()
                && (of.venue, of.currency) == (account.venue, account.currency)
        });
        if let Some(of) = unpaid.filter(|_| account.terms.unrealised == Unrealised::Neither) {
            return Err(node.refuse(format!(
                "unrealised: losses or both, since nothing pays the losses of {} daily",
                of.name
            )));
        }
    }
    Ok(())
}

fn grid(tick: &Node<'_>, lot: &Node<'_>) -> Checked<Grid> {
    tick.ratio_above_zero("one tick in price units")?;
    lot.ratio_above_zero("one lot in the venue's size")?;
    Ok(Grid {
        tick: tick.decimal("one tick in price units")?.normalized(),
        lot: lot.decimal("one lot in the venue's size")?.normalized(),
    })
}

/// The value of one tick of one lot: tick × lot × multiplier, exact in 10⁻⁹.
fn tick_value(tick: &Node<'_>, lot: &Node<'_>, multiplier: &Node<'_>) -> Checked<Money> {
    let what = "quote units in 1 of the venue's size";
    let quote_units = multiplier.ratio_above_zero(what)?;
    let value = tick
        .ratio("one tick")?
        .times(lot.ratio("one lot")?)
        .and_then(|size| size.times(quote_units))
        .map_err(|why| multiplier.refuse(format!("tick × lot × multiplier in 64 bits: {why}")))?;
    let nano = i128::from(value.num()) * MONEY_UNIT;
    if nano % i128::from(value.den()) != 0 {
        return Err(multiplier.refuse(format!(
            "tick × lot × multiplier as a whole number of 10^-9 of the currency; it is {value}"
        )));
    }
    Ok(Money(nano / i128::from(value.den())))
}

/// The value of one lot at a price of one tick, in the coin: lot × multiplier ÷ tick.
fn face(tick: &Node<'_>, lot: &Node<'_>, multiplier: &Node<'_>) -> Checked<Money> {
    let quote_units = multiplier.ratio_above_zero("quote units in 1 of the venue's size")?;
    let step = tick.ratio("one tick")?;
    let value =
        lot.ratio("one lot")?.times(quote_units).and_then(|size| size.over(step)).map_err(
            |why| multiplier.refuse(format!("lot × multiplier ÷ tick in 64 bits: {why}")),
        )?;
    if value.den() != 1 {
        let expected = format!("lot × multiplier ÷ tick as a whole number; it is {value}");
        return Err(multiplier.refuse(expected));
    }
    Ok(Money::units(value.num()))
}

fn fees(node: &Node<'_>) -> Checked<Fees> {
    let [open, close, close_today] = node.fields(["open", "close", "close_today"])?;
    Ok(Fees { open: fee(&open)?, close: fee(&close)?, close_today: fee(&close_today)? })
}

fn fee(node: &Node<'_>) -> Checked<Fee> {
    let [per_lot, rate] = node.fields(["per_lot", "rate"])?;
    let most = Ratio::new(1, 10).map_err(|why| rate.refuse(why.to_string()))?;
    let least = Ratio::new(-1, 10).map_err(|why| rate.refuse(why.to_string()))?;
    let what = "a fraction of the value from -0.1 to 0.1, such as 0.0001 for 0.01 %";
    let value = rate.rate(least, most, what)?;
    Ok(Fee { per_lot: per_lot.money("a fee for each lot")?, rate: value })
}

/// Margin rates, those of the flags that have their own, and those to come.
type Margins = (MarginRate, [Option<MarginRate>; 3], Vec<MarginStep>);

fn margin(node: &Node<'_>, settlement: Settlement) -> Checked<Margins> {
    let (rate, by_flag, steps) = margin_rate(node, settlement)?;
    let mut own = [None; 3];
    let mut all = Vec::new();
    if let Some(steps) = steps {
        margin_steps(&steps, None, settlement, &mut all)?;
    }
    if let Some(by_flag) = by_flag {
        let ([], nodes) = by_flag.fields_and([], HedgeFlag::ALL.map(HedgeFlag::name))?;
        for ((own, flag), node) in own.iter_mut().zip(HedgeFlag::ALL).zip(nodes) {
            let Some(node) = node else { continue };
            let (rate, deeper, steps) = margin_rate(&node, settlement)?;
            refuse_any([deeper], "nothing here: these are the rates of one flag")?;
            *own = Some(rate);
            if let Some(steps) = steps {
                margin_steps(&steps, Some(flag), settlement, &mut all)?;
            }
        }
    }
    all.sort_by_key(|step| step.settles);
    Ok((rate, own, all))
}

/// Rates that come into force with a settlement, each a pair of the day and the rates.
fn margin_steps(
    node: &Node<'_>,
    flag: Option<HedgeFlag>,
    settlement: Settlement,
    all: &mut Vec<MarginStep>,
) -> Checked<()> {
    let mut before = None;
    for row in node.list()? {
        let [day, rate] = row.items()?;
        let settles = Day(day.count(0, DAY_MAX, "days since 1970-01-01")?);
        if before.is_some_and(|before| before >= settles) {
            return Err(day.refuse("a day after that of the step before it"));
        }
        before = Some(settles);
        let (rate, by_flag, steps) = margin_rate(&rate, settlement)?;
        refuse_any([by_flag, steps], "nothing here: these are the rates of one step")?;
        all.push(MarginStep { settles, flag, rate });
    }
    Ok(())
}

fn refuse_any<const N: usize>(nodes: [Option<Node<'_>>; N], why: &str) -> Checked<()> {
    nodes.into_iter().flatten().next().map_or(Ok(()), |node| Err(node.refuse(why)))
}

/// Rates with what may stand beside them: those of flags, and those to come.
type RateNode<'a> = (MarginRate, Option<Node<'a>>, Option<Node<'a>>);

fn margin_rate<'a>(node: &Node<'a>, settlement: Settlement) -> Checked<RateNode<'a>> {
    let ([long_node, short_node, floor_node], [long_lot, short_lot, by_flag, steps]) = node
        .fields_and(
            ["long", "short", "floor_per_lot"],
            ["long_per_lot", "short_per_lot", "by_flag", "steps"],
        )?;
    let per_lot = |node: Option<&Node<'_>>| {
        node.map_or(Ok(Money::ZERO), |node| node.money_from(Money::ZERO, "margin for each lot"))
    };
    let floor_per_lot = per_lot(Some(&floor_node))?;
    let side = |node: &Node<'_>, by_lot: Option<&Node<'_>>| -> Checked<(Ratio, Money)> {
        let what = "a fraction of the value from 0 to 1, such as 0.12 for 12 %";
        let (rate, by_lot) = (node.rate(Ratio::ZERO, Ratio::ONE, what)?, per_lot(by_lot)?);
        let free = rate == Ratio::ZERO && by_lot.max(floor_per_lot) == Money::ZERO;
        if free && settlement != Settlement::Upfront {
            return Err(node.refuse("margin above 0, or a per_lot or floor_per_lot above 0"));
        }
        Ok((rate, by_lot))
    };
    let (long, long_per_lot) = side(&long_node, long_lot.as_ref())?;
    let (short, short_per_lot) = side(&short_node, short_lot.as_ref())?;
    Ok((MarginRate { long, short, long_per_lot, short_per_lot, floor_per_lot }, by_flag, steps))
}

/// What is left of a margin once it is open.
fn share(node: &Node<'_>) -> Checked<Ratio> {
    let what = "a fraction of the margin above 0, at most 1, such as 10/11";
    let value = node.rate(Ratio::ZERO, Ratio::ONE, what)?;
    if value == Ratio::ZERO { Err(node.refuse(what)) } else { Ok(value) }
}

fn phases(node: &Node<'_>) -> Checked<Phases> {
    if node.as_text() == Some("always") {
        return Ok(Phases::always());
    }
    let words: Vec<(&str, Phase)> = Phase::ALL.iter().map(|phase| (phase.name(), *phase)).collect();
    let Ok(rows) = node.list() else {
        return Err(node.refuse("\"always\" or a list of [start in ns, phase]"));
    };
    let mut starts: Vec<(Time, Phase)> = Vec::with_capacity(rows.len());
    for row in rows {
        let [start, phase] = row.items()?;
        let what = "the start of a phase in ns since 1970";
        let at = Time(start.whole(Time::EARLIEST.0, Time::LATEST.0, what)?);
        if starts.last().is_some_and(|(before, _)| *before >= at) {
            return Err(start.refuse("a start after the one before it"));
        }
        starts.push((at, phase.choice(&words)?));
    }
    if starts.is_empty() {
        return Err(node.refuse("at least one phase: without one the market never opens"));
    }
    Phases::new(starts).ok_or_else(|| node.refuse("starts in ascending order"))
}

fn band(node: &Node<'_>, tick: Decimal, price_max: i64) -> Checked<PriceBand> {
    let [low, high] = node.items()?;
    let price = |node: &Node<'_>| -> Checked<i64> {
        let ticks = node.steps(tick, "a price")?;
        let within = ticks.checked_abs().is_some_and(|ticks| ticks <= price_max);
        if within { Ok(ticks) } else { Err(node.refuse("a price within price_max")) }
    };
    let (low_ticks, high_ticks) = (price(&low)?, price(&high)?);
    if low_ticks > high_ticks {
        return Err(node.refuse("the lowest price first, then the highest"));
    }
    Ok(PriceBand { low: Price(low_ticks), high: Price(high_ticks) })
}

pub(super) fn waiting(node: &Node<'_>) -> Checked<Waiting> {
    let [deviations, alpha, warm] = node.fields(["deviations", "alpha", "warm"])?;
    Ok(Waiting {
        deviations: deviations.ratio_above_zero("standard deviations that waiting costs")?,
        alpha: alpha.weight()?,
        warm: warm.count(2, i64::from(u32::MAX), "observations before it counts")?,
    })
}

pub(super) fn counts(node: &Node<'_>) -> Checked<Counts> {
    let [orders, executions] = node.fields(["orders", "executions"])?;
    Ok(Counts {
        orders: orders.count(1, i64::from(COUNT_MAX), "orders kept")?,
        executions: executions.count(1, i64::from(COUNT_MAX), "executions kept")?,
    })
}

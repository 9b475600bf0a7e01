//! The names that a story uses, and the numbers behind them.

use cross_market_core::config::Config;
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, Id, InstrumentId, LegId, Note, Table, Text,
    VenueId,
};
use cross_market_core::num::{Decimal, Money, Price, Qty, Ratio};
use cross_market_core::time::{Day, Time};

use super::story::{START, span};

pub(crate) struct Names<'a> {
    pub(crate) config: &'a Config,
    /// The run whose ids carry no mark.
    pub(crate) run: u16,
}

fn find<I: Id, T>(
    table: &Table<I, T>,
    kind: &str,
    name: &str,
    of: impl Fn(&T) -> &str,
) -> Result<I, String> {
    let row = table.pairs().find(|(_, row)| of(row) == name);
    row.map(|(id, _)| id).ok_or(format!("{name}: no such {kind}"))
}

impl Names<'_> {
    pub(crate) fn venue(&self, name: &str) -> Result<VenueId, String> {
        find(&self.config.venues, "venue", name, |row| &row.name)
    }

    pub(crate) fn account(&self, name: &str) -> Result<AccountId, String> {
        find(&self.config.accounts, "account", name, |row| &row.name)
    }

    pub(crate) fn instrument(&self, name: &str) -> Result<InstrumentId, String> {
        find(&self.config.instruments, "instrument", name, |row| &row.name)
    }

    pub(crate) fn hedge(&self, name: &str) -> Result<HedgeId, String> {
        find(&self.config.hedges, "hedge", name, |row| &row.plan.name)
    }

    fn currency(&self, name: &str) -> Result<CurrencyId, String> {
        find(&self.config.currencies, "currency", name, |row| row)
    }

    /// A leg by the name of its instrument.
    pub(crate) fn leg(&self, hedge: HedgeId, name: &str) -> Result<LegId, String> {
        let instrument = self.instrument(name)?;
        let legs = &self.config.hedges[hedge].widest().legs;
        let place = legs.iter().position(|leg| leg.instrument == instrument);
        place.map(LegId::at).ok_or(format!("{name}: no leg of the hedge"))
    }

    /// `hedge/attempt/leg/try`, with `@run` where it is not the present one.
    pub(crate) fn order(&self, name: &str) -> Result<ClientOrderId, String> {
        let problem = || format!("{name}: an order is hedge/attempt/leg/try");
        let (path, run) = match name.split_once('@') {
            Some((path, run)) => (path, run.parse().map_err(|_| problem())?),
            None => (name, self.run),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let [hedge, attempt, leg, attempt_try] = parts.as_slice() else { return Err(problem()) };
        let hedge = self.hedge(hedge)?;
        ClientOrderId::pack(
            self.config.engine,
            run,
            hedge,
            attempt.parse().map_err(|_| problem())?,
            self.leg(hedge, leg)?,
            attempt_try.parse().map_err(|_| problem())?,
        )
        .ok_or_else(problem)
    }

    pub(crate) fn order_name(&self, id: ClientOrderId) -> String {
        let leg = &self.config.hedges[id.hedge()].widest().legs[id.leg().index()];
        let instrument = &self.config.instruments[leg.instrument].name;
        format!("{}/{instrument}/{}{}", self.attempt(id), id.attempt_try(), self.mark(id))
    }

    /// `hedge/attempt`.
    pub(crate) fn attempt_name(&self, id: ClientOrderId) -> String {
        format!("{}{}", self.attempt(id), self.mark(id))
    }

    fn attempt(&self, id: ClientOrderId) -> String {
        format!("{}/{}", self.config.hedges[id.hedge()].plan.name, id.attempt())
    }

    fn mark(&self, id: ClientOrderId) -> String {
        if id.run() == self.run { String::new() } else { format!("@{}", id.run()) }
    }

    pub(crate) fn price(&self, id: InstrumentId, text: &str) -> Result<Price, String> {
        let tick = self.config.grids[id].tick;
        let ticks = decimal(text)?.steps(tick);
        ticks.map(Price).map_err(|why| format!("{text}: not a price: {why}"))
    }

    pub(crate) fn price_text(&self, id: InstrumentId, price: Price) -> String {
        let tick = self.config.grids[id].tick.scaled(12).unwrap();
        Decimal::new(tick * i128::from(price.0), 12).normalized().to_string()
    }

    /// An amount with its currency behind it.
    pub(crate) fn money(&self, text: &str) -> Result<(Money, CurrencyId), String> {
        let at = text.find(|of: char| of.is_ascii_alphabetic());
        let (number, currency) = text.split_at(at.ok_or(format!("{text}: of which currency"))?);
        let amount = decimal(number)?.money().map_err(|why| format!("{text}: {why}"))?;
        Ok((amount, self.currency(currency)?))
    }

    /// An amount that must be in the account's currency.
    pub(crate) fn money_of(&self, account: AccountId, text: &str) -> Result<Money, String> {
        let (amount, currency) = self.money(text)?;
        let own = self.config.accounts[account].currency;
        if currency == own { Ok(amount) } else { Err(format!("{text}: another currency")) }
    }

    pub(crate) fn money_text(&self, money: Money, currency: CurrencyId) -> String {
        format!("{money}{}", self.config.currencies[currency])
    }
}

pub(crate) fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).map_err(|why| format!("{text}: {why}"))
}

pub(crate) fn ratio(text: &str) -> Result<Ratio, String> {
    decimal(text)?.ratio().map_err(|why| format!("{text}: {why}"))
}

pub(crate) fn lots(text: &str) -> Result<Qty, String> {
    let lots = text.parse().map_err(|_| format!("{text}: not a number of lots"))?;
    Qty::new(lots).map_err(|why| format!("{text}: {why}"))
}

pub(crate) fn note(text: &str) -> Result<Note, String> {
    Note::new(text).map_err(|why| format!("{text}: {why}"))
}

pub(crate) fn text(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|why| format!("{text}: {why:?}"))
}

/// A moment, as an offset from the start.
pub(crate) fn moment(text: &str) -> Result<Time, String> {
    span(text).map(|offset| Time(START + offset))
}

/// A day as `2026-02-10`.
pub(crate) fn day(text: &str) -> Result<Day, String> {
    let parts: Vec<i32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
    let [year, month, day] = parts.as_slice() else { return Err(format!("{text}: not a day")) };
    // Days from the civil calendar, with years that begin in March.
    let year = if *month <= 2 { year - 1 } else { *year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Ok(Day(era * 146_097 + days - 719_468))
}

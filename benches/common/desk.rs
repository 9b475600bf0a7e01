//! A desk with two venues of one thing, as the configuration would have it.

use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::event::Event;
use cross_market_core::funds::{Cash, CashKind, Funds, Worth};
use cross_market_core::ids::{AccountId, Table};
use cross_market_core::num::{Money, Ratio};
use cross_market_core::time::{Span, Time};
use serde_json::{Value, json};

/// Where the desk's hedges enter and leave, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    /// Toward +sets: sell in the first market, buy in the second.
    pub(crate) plus: [i64; 2],
    /// Toward −sets.
    pub(crate) mirror: [i64; 2],
}

/// Bands that no price of the workload reaches.
pub(crate) const IDLE: Bands = Bands { plus: [500_000, -500_000], mirror: [-500_000, 500_000] };

/// Two venues, an account and an instrument at each, and so many hedges on the pair.
pub(crate) fn config(hedges: usize, clip: i64, bands: Bands) -> Config {
    compiled(&json(hedges, clip, bands))
}

/// One hedge whose orders rest until they are filled, as long as a configuration allows.
pub(crate) fn resting(bands: Bands) -> Config {
    let mut json = json(1, 1, bands);
    let longest = Span::LONGEST.0;
    json["limits"]["hedges"]["hedge-0"]["finish_within_ns"] = longest.into();
    json["limits"]["hedges"]["hedge-0"]["order_timeout_ns"] = longest.into();
    for venue in json["venues"].as_array_mut().into_iter().flatten() {
        venue["tif"] = "gtc".into();
    }
    compiled(&json)
}

fn compiled(json: &Value) -> Config {
    match Config::from_json(json.to_string().as_bytes()) {
        Ok(config) => config,
        Err(error) => panic!("the desk's configuration is refused: {error}"),
    }
}

fn json(hedges: usize, clip: i64, bands: Bands) -> Value {
    let names: Vec<String> = (0..hedges).map(|at| format!("hedge-{at}")).collect();
    let limits = |name: &String| (name.clone(), hedge_limits(clip));
    json!({
        "engine": 1, "run": 1,
        "venues": [venue("V0"), venue("V1")],
        "accounts": [account("A0", "V0"), account("A1", "V1")],
        "routes": [],
        "instruments": [instrument("I0", "V0"), instrument("I1", "V1")],
        "hedges": names.iter().map(|name| hedge(name, bands)).collect::<Vec<Value>>(),
        "limits": {
            "venues": {"V0": venue_limits(), "V1": venue_limits()},
            "instruments": {"I0": instrument_limits(), "I1": instrument_limits()},
            "accounts": {"A0": account_limits(), "A1": account_limits()},
            "hedges": names.iter().map(limits).collect::<serde_json::Map<String, Value>>(),
            "thresholds": [],
            "sums": [{"product": "P", "currency": "USD", "limit": "1000000"}],
        },
        "counts": {"orders": 4096, "executions": 65536},
        "waiting": null,
    })
}

/// An engine of this configuration with money in both accounts.
pub(crate) fn engine(config: &Config, start: Time) -> Engine {
    let mut engine = match Engine::new(config, start) {
        Ok(engine) => engine,
        Err(error) => panic!("no engine: {error}"),
    };
    let mut out = Vec::new();
    for account in [AccountId(0), AccountId(1)] {
        let (kind, amount) = (CashKind::Opening, Money::units(1_000_000_000));
        let cash =
            Event::Cash(Box::new(Cash { account, exchange: start, kind, amount, transfer: None }));
        if let Err(error) = engine.handle(start, &cash, &mut out) {
            panic!("no money: {error}");
        }
    }
    engine
}

/// Money in both accounts of bare funds, with the caps and unrealised results that a hold asks for.
pub(crate) fn fund(funds: &mut Funds) -> (Table<AccountId, Ratio>, Table<AccountId, Worth>) {
    for account in [AccountId(0), AccountId(1)] {
        let (kind, amount) = (CashKind::Opening, Money::units(1_000_000_000));
        funds.cash(&Cash { account, exchange: Time(0), kind, amount, transfer: None }, Money::ZERO);
    }
    (Table::new(vec![Ratio::ONE; 2]), Table::new(vec![Worth::default(); 2]))
}

fn venue(name: &str) -> Value {
    json!({
        "name": name, "netting": "net", "tif": "ioc", "rests": "gtc", "ack_timeout_ns": 1_000_000_000,
        "max_delay_ns": 2_000_000_000, "query_interval_ns": 500_000_000, "cancels_max": 3,
    })
}

fn account(name: &str, venue: &str) -> Value {
    json!({
        "name": name, "venue": venue, "currency": "USD", "island": "one",
        "flag": "arbitrage", "cash_tolerance": "1", "entity": "desk", "group": "desk", "unrealised": "neither", "close_profit": true, "withdraw_profit": true, "haircut": "1", "freezes": "each",
    })
}

fn instrument(name: &str, venue: &str) -> Value {
    let fee = json!({"per_lot": "0.01", "rate": "0.00001"});
    json!({
        "name": name, "venue": venue, "product": "P", "currency": "USD",
        "tick": "1", "lot": "1", "multiplier": "1", "settlement": "daily_vm",
        "fees": {"open": fee, "close": fee, "close_today": fee},
        "margin": {"long": "0.10", "short": "0.10", "floor_per_lot": "0"},
        "phases": "always", "band": ["1", "900000"], "own_in_book": true,
        "min_qty": "1", "price_max": "1000000", "qty_max": "1000000",
    })
}

fn hedge(name: &str, bands: Bands) -> Value {
    let leg = |instrument: &str, account: &str, side: &str| {
        json!({
            "instrument": instrument, "account": account, "side": side, "lots": null,
            "weight": "1", "units_per_lot": "1",
        })
    };
    let band =
        |[enter, exit]: [i64; 2]| json!({"enter": enter.to_string(), "exit": exit.to_string()});
    json!({
        "name": name, "priority": 0, "currency": "USD", "fx": {},
        "legs": [leg("I0", "A0", "sell"), leg("I1", "A1", "buy")],
        "signal": {
            "measure": "spread", "plus": band(bands.plus), "mirror": band(bands.mirror),
            "persist": 1, "persist_within_ns": null, "deviation": null,
        },
        "slippage": "1", "next": null,
    })
}

fn venue_limits() -> Value {
    json!({"message_rate": 1000, "cancel_reserve": 100})
}

fn instrument_limits() -> Value {
    json!({
        "order_value": "1000000000", "collar": "1000", "age_ns": 2_000_000_000,
        "skew_ns": 2_000_000_000, "limit_distance": "1000", "message_rate": 500,
        "cancel_reserve": 10, "conduct": null,
    })
}

fn account_limits() -> Value {
    json!({
        "usage_cap": "0.90", "day_loss": "100000000", "message_rate": 50, "cancel_reserve": 10,
    })
}

fn hedge_limits(clip: i64) -> Value {
    json!({
        "clip": clip, "max": 1_000_000, "overnight": 1_000_000, "holiday": 1_000_000,
        "before_break_ns": 300_000_000_000_i64, "max_residual": "1", "live_residual": "10000",
        "finish_within_ns": 2_000_000_000, "order_timeout_ns": 500_000_000,
        "repair": "cheaper_of", "max_loss": "1000000", "max_loss_per_day": "1000000",
        "tries": 20, "messages": 60, "trims_per_day": 4, "legging": null, "crossing": false, "max_roll_cost": null,
    })
}

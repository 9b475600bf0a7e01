//! A good configuration, to be spoiled in one place at a time.

use serde_json::{Value, json};

/// Gold: 3.11 lots of SHFE AU in yuan a gram against one of COMEX GC in dollars an ounce.
pub(super) fn gold() -> Value {
    json!({
        "engine": 1, "run": 1,
        "venues": [venue("SHFE", "gross_by_day", "ioc"), venue("COMEX", "net", "ioc")],
        "accounts": [account("sh", "SHFE", "CNY"), account("ny", "COMEX", "USD")],
        "routes": [],
        "instruments": [
            instrument("SHFE.au2602", "SHFE", "gold", "CNY", ("0.02", "1", "1000")),
            instrument("COMEX.GCG6", "COMEX", "gold", "USD", ("0.1", "1", "100")),
            instrument("FX.USDCNY", "COMEX", "usd", "CNY", ("0.0001", "1", "100000")),
        ],
        "hedges": [{
            "name": "gold", "priority": 0, "currency": "CNY", "fx": {"USD": "FX.USDCNY"},
            "legs": [
                leg("SHFE.au2602", "sh", "sell", "1000"),
                leg("COMEX.GCG6", "ny", "buy", "3110.34768"),
            ],
            "signal": {
                "measure": "ratio", "plus": {"enter": "1.004", "exit": "1.0005"}, "mirror": null,
                "persist": 2, "persist_within_ns": null, "deviation": null,
            },
            "slippage": "0.0005", "next": null,
        }],
        "limits": {
            "venues": {"SHFE": venue_limits(), "COMEX": venue_limits()},
            "instruments": {
                "SHFE.au2602": instrument_limits("20"),
                "COMEX.GCG6": instrument_limits("50"),
                "FX.USDCNY": instrument_limits("0.01"),
            },
            "accounts": {"sh": account_limits(), "ny": account_limits()},
            "hedges": {"gold": hedge_limits()},
            "thresholds": [],
            "sums": [{"product": "gold", "currency": "CNY", "limit": "5000"}],
        },
        "counts": {"orders": 4096, "executions": 65536},
        "waiting": null,
    })
}

fn venue(name: &str, netting: &str, tif: &str) -> Value {
    json!({
        "name": name, "netting": netting, "tif": tif, "rests": "gtc", "ack_timeout_ns": 1_000_000_000,
        "max_delay_ns": 30_000_000_000_i64, "query_interval_ns": 500_000_000, "cancels_max": 3,
    })
}

pub(super) fn account(name: &str, venue: &str, currency: &str) -> Value {
    json!({
        "name": name, "venue": venue, "currency": currency, "island": "onshore",
        "flag": "arbitrage", "cash_tolerance": "1", "entity": "desk", "group": "desk", "unrealised": "neither", "close_profit": true, "withdraw_profit": true, "haircut": "1", "freezes": "each",
    })
}

pub(super) fn instrument(
    name: &str,
    venue: &str,
    product: &str,
    currency: &str,
    (tick, lot, multiplier): (&str, &str, &str),
) -> Value {
    let fee = json!({"per_lot": "10", "rate": "0.0001"});
    json!({
        "name": name, "venue": venue, "product": product, "currency": currency,
        "tick": tick, "lot": lot, "multiplier": multiplier,
        "settlement": "daily_vm",
        "fees": {"open": fee, "close": fee, "close_today": fee},
        "margin": {"long": "0.12", "short": "0.12", "floor_per_lot": "0"},
        "phases": "always", "band": null, "own_in_book": true,
        "min_qty": "1", "price_max": "10000", "qty_max": "1000",
    })
}

pub(super) fn leg(instrument: &str, account: &str, side: &str, units: &str) -> Value {
    json!({
        "instrument": instrument, "account": account, "side": side, "lots": null, "weight": "1",
        "units_per_lot": units,
    })
}

fn venue_limits() -> Value {
    json!({"message_rate": 60, "cancel_reserve": 10})
}

fn instrument_limits(collar: &str) -> Value {
    json!({
        "order_value": "20000000", "collar": collar, "age_ns": 2_000_000_000_i64,
        "skew_ns": 1_000_000_000, "limit_distance": collar, "message_rate": 60,
        "cancel_reserve": 10, "conduct": null,
    })
}

pub(super) fn account_limits() -> Value {
    json!({
        "usage_cap": "0.90", "day_loss": "100000", "message_rate": 6, "cancel_reserve": 2,
    })
}

pub(super) fn hedge_limits() -> Value {
    json!({
        "clip": 1, "max": 27, "overnight": 18, "holiday": 0, "before_break_ns": 300_000_000_000_i64,
        "max_residual": "500", "live_residual": "4000", "finish_within_ns": 2_000_000_000,
        "order_timeout_ns": 500_000_000, "repair": "cheaper_of", "max_loss": "20000",
        "max_loss_per_day": "60000", "tries": 20, "messages": 60, "trims_per_day": 4, "crossing": false, "max_roll_cost": null,
        "legging": null,
    })
}

//! The configuration at its door: what a good one compiles to, and every way a bad one is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails must be loud"
)]

use cross_market_core::config::{Config, MONEY_MAX};
use cross_market_core::engine::Engine;
use cross_market_core::error::{ConfigError, Error};
use cross_market_core::event::{Control, Event, Verb};
use cross_market_core::gate::{Policy, SumResidual};
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId, Note, ProductId, Table, VenueId};
use cross_market_core::instrument::{HedgeFlag, Settlement};
use cross_market_core::num::{Money, Ratio};
use cross_market_core::time::{Day, Span, Time};
use cross_market_core::wire::{Reader, Writer};
use serde_json::{Value, json};

#[path = "config/budgets.rs"]
mod budgets;
#[path = "config/legging.rs"]
mod legging;
#[path = "config/proof.rs"]
mod proof;
#[path = "config/roll.rs"]
mod roll;
#[path = "config/sample.rs"]
mod sample;

use sample::{account, account_limits, gold, hedge_limits, instrument, leg};

fn read(json: &Value) -> Result<Config, ConfigError> {
    unboxed(Config::from_json(json.to_string().as_bytes()))
}

fn unboxed<T>(result: Result<T, Error>) -> Result<T, ConfigError> {
    result.map_err(|error| {
        if let Error::Config(problem) = error { *problem } else { panic!("no config: {error}") }
    })
}

#[test]
fn gold_compiles_to_exact_integers() {
    let config = read(&gold()).unwrap();
    let plan = &config.hedges[HedgeId(0)].plan;
    assert_eq!(config.instruments[InstrumentId(0)].tick_value, Money::units(20));
    assert_eq!(plan.legs[0].lots, Ratio::parse("3.11034768").unwrap());
    assert_eq!(plan.legs[1].lots, Ratio::ONE);
    // 3110.34768 g and 1000 g over twice the smallest common denominator.
    assert_eq!((plan.unit_den, plan.set_units), (12_500, 38_879_346));
    assert_eq!((plan.legs[0].units, plan.legs[1].units), (12_500_000, 38_879_346));
    // 0.02 yuan a gram; 0.1 × 100 × 0.0001 ÷ 3110.34768.
    assert!(plan.denominator >= 1_000_000_000);
    let price = |leg: usize| {
        Ratio::new(i128::from(plan.legs[leg].coef), i128::from(plan.denominator)).unwrap()
    };
    assert_eq!(price(0), Ratio::parse("0.02").unwrap());
    assert_eq!(price(1), Ratio::parse("0.001/3110.34768").unwrap());
    // 20 yuan a tick; 10 dollars a tick × 0.0001 yuan an fx tick.
    assert_eq!((plan.legs[0].tick_num, plan.legs[0].tick_den), (20_000_000_000, 1));
    assert_eq!((plan.legs[1].tick_num, plan.legs[1].tick_den), (1_000_000, 1));
    assert_eq!(plan.legs[1].fx, Some(InstrumentId(2)));
    let limits = &config.policy.hedges[HedgeId(0)].execution;
    assert_eq!((limits.max_residual, limits.live_residual), (500 * 12_500, 4000 * 12_500));
    assert_eq!(config.policy.instruments[InstrumentId(0)].collar, 1000);
    assert_eq!(MONEY_MAX, Money::units(1_000_000_000_000_000));
}

/// Puts `value` where the JSON pointer says, and reads.
fn with(pointer: &str, value: Value) -> Result<Config, ConfigError> {
    let mut json = gold();
    *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    read(&json)
}

/// The field as errors name it, from a JSON pointer.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/");
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", &part, "]"]);
        } else if plain {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(&part);
        } else {
            path.extend(["[\"", &part, "\"]"]);
        }
    }
    path
}

/// Every value at `pointer` is refused there, with these words in what was expected.
fn refused(pointer: &str, words: &str, values: &[Value]) {
    for value in values {
        match with(pointer, value.clone()) {
            Ok(_) => panic!("{pointer} took {value}"),
            Err(problem) => {
                assert_eq!(problem.field, path(pointer), "{value}: {problem}");
                assert!(problem.expected.contains(words), "{pointer} {value}: {problem}");
            }
        }
    }
}

/// Each of these values is taken.
fn taken(pointer: &str, values: &[Value]) {
    for value in values {
        if let Err(problem) = with(pointer, value.clone()) {
            panic!("{pointer} {value}: {problem}");
        }
    }
}

/// Every value in the document with its pointer, objects and lists before what is in them.
fn pointers(json: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match json {
        Value::Object(entries) => {
            for (key, value) in entries {
                pointers(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{place}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Objects whose keys are names that the document itself chose.
const MAPS: [&str; 5] =
    ["/hedges/0/fx", "/limits/venues", "/limits/instruments", "/limits/accounts", "/limits/hedges"];

#[test]
fn every_key_is_required_and_no_other_is_known() {
    let mut all = Vec::new();
    pointers(&gold(), "", &mut all);
    for pointer in &all {
        let object = gold();
        let Some(Value::Object(entries)) = object.pointer(pointer) else { continue };
        for key in entries.keys() {
            let mut json = gold();
            json.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            let problem = read(&json).unwrap_err();
            let expected = path(&format!("{pointer}/{key}"));
            if pointer == "/hedges/0/fx" {
                assert_eq!(problem.field, "hedges[0].legs[1].instrument");
            } else {
                assert_eq!((problem.field, problem.value.as_str()), (expected, "nothing"));
            }
        }
        let mut json = gold();
        let known = json.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        known.insert("Clip".to_owned(), json!(1));
        let problem = read(&json).unwrap_err();
        assert_eq!(problem.field, path(&format!("{pointer}/Clip")));
        let what = if MAPS.contains(&pointer.as_str()) { "a" } else { "no such key" };
        assert!(problem.expected.contains(what), "{problem}");
    }
}

#[test]
fn an_unknown_key_or_name_suggests_the_nearest() {
    let mut json = gold();
    json["hedges"][0]["legs"][0]["wieght"] = json!("1");
    let problem = read(&json).unwrap_err();
    assert_eq!(problem.field, "hedges[0].legs[0].wieght");
    assert!(problem.expected.contains("\"weight\"?"), "{problem}");
    refused("/hedges/0/legs/0/instrument", "perhaps \"SHFE.au2602\"", &[json!("SHFE.au2603")]);
    refused("/hedges/0/legs/0/account", "known: sh, ny", &[json!("shanghai"), json!(7)]);
    let mut json = gold();
    json["limits"]["hedges"]["godl"] = hedge_limits();
    let problem = read(&json).unwrap_err();
    assert!(problem.expected.contains("perhaps \"gold\""), "{problem}");
}

#[test]
fn a_key_twice_is_refused() {
    let text = gold().to_string().replace("\"island\":", "\"island\":\"x\",\"island\":");
    let problem = unboxed(Config::from_json(text.as_bytes())).unwrap_err();
    assert_eq!(problem.field, "accounts[0].island");
    assert!(problem.expected.contains("once"), "{problem}");
    assert!(Config::canonical(text.as_bytes()).is_err());
}

#[test]
fn what_is_no_json_is_refused_by_place() {
    let deep = "[".repeat(100_000);
    for text in ["", "{", "{\"engine\":1,}", "nul", "\u{feff}{}", "[1] 2", "{\"a\":1e999}", &deep] {
        let problem = unboxed(Config::from_json(text.as_bytes())).unwrap_err();
        assert!(problem.field.starts_with("line "), "{problem}");
        assert!(problem.expected.contains("valid JSON"), "{problem}");
    }
    assert!(Config::from_json(b"{\"a\":\"\xff\"}").is_err());
    let problem = unboxed(Config::from_json(b"[]")).unwrap_err();
    assert_eq!((problem.field.as_str(), problem.value.as_str()), ("the whole configuration", "[]"));
}

/// What people and programs write instead of a number, a name or a word.
fn nasty() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "-",
        "+1",
        " 1",
        "1_000",
        "１２",
        "0x10",
        "1e3",
        "1.",
        ".5",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "sNaN",
        "1e308",
        "1e-30",
        "1/0",
        "1/2/3",
        "0/1",
        "--1",
        "1,5",
        "0.10000000000000000000000000000000000000000000000",
        "99999999999999999999999999999999999",
        "9223372036854775808",
        "-9223372036854775808",
        "170141183460469231731687303715884105727",
        "0.0000000000001",
        "'; drop table",
        "../../etc",
        "%s%n",
        "a\u{0}b",
        "\u{202e}abc",
        "\u{412}TC",
        "a\nb",
        "é",
        "$HOME",
        "9223372036854775807/9223372036854775806",
        "-1",
        "0",
    ];
    let mut values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    values.extend([
        json!(null),
        json!(true),
        json!(1.5),
        json!(-0.0),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0),
        json!(-1),
        json!([]),
        json!({}),
        json!([[]]),
        json!("9".repeat(10_000)),
    ]);
    values
}

#[test]
fn no_nasty_value_anywhere_panics() {
    let mut all = Vec::new();
    pointers(&gold(), "", &mut all);
    let mut refusals = 0;
    let mut json = gold();
    let values = nasty();
    // One of each kind of thing is enough.
    let second = ["/1", "/2", "/ny", "COMEX", "FX."];
    all.retain(|pointer| !second.iter().any(|part| pointer.contains(part)));
    for pointer in all.iter().skip(1) {
        let before = json.pointer(pointer).unwrap().clone();
        for value in &values {
            json.pointer_mut(pointer).unwrap().clone_from(value);
            if let Err(problem) = read(&json) {
                refusals += 1;
                assert!(!problem.field.is_empty() && problem.value.chars().count() <= 120);
                assert!(!problem.expected.is_empty());
            }
        }
        json.pointer_mut(pointer).unwrap().clone_from(&before);
    }
    assert!(refusals > 4_000, "{refusals}");
}

#[test]
fn decimals_are_text_and_counts_are_whole() {
    let decimals = ["/instruments/0/tick", "/hedges/0/slippage", "/limits/accounts/sh/day_loss"];
    for pointer in decimals {
        refused(pointer, "JSON numbers are not exact", &[json!(1), json!(0.02), json!(null)]);
        refused(pointer, "byte 1 is not part", &[json!("1e3"), json!("1_000"), json!("1,5")]);
        refused(pointer, "byte 0 is not part", &[json!("NaN"), json!("+1"), json!("１２")]);
    }
    let counts = ["/engine", "/limits/hedges/gold/clip", "/venues/0/ack_timeout_ns"];
    for pointer in counts {
        let wrong = [json!("1"), json!(1.0), json!(1.5), json!(true), json!(u64::MAX), json!(-1)];
        refused(pointer, " to ", &wrong);
    }
}

#[test]
fn names_are_plain_and_not_twins() {
    let names = ["/venues/0/name", "/accounts/0/name", "/instruments/0/name", "/hedges/0/name"];
    for pointer in names {
        let wrong = ["", " a", "a\u{200b}", "S\u{41d}FE", "\u{202e}a", "a\nb", "a'b", "../a"];
        refused(pointer, "a name", &wrong.map(|name| json!(name)));
        refused(pointer, "has 65536", &[json!("x".repeat(65_536))]);
    }
    refused("/venues/1/name", "this name is taken", &[json!("SHFE")]);
    refused("/accounts/1/name", "upper and lower case", &[json!("SH")]);
    refused("/instruments/1/name", "upper and lower case", &[json!("SHFE.AU2602")]);
    refused("/accounts/1/currency", "upper and lower case", &[json!("cny")]);
    let mut json = gold();
    json["hedges"][0]["name"] = json!("黄金跨市");
    json["limits"]["hedges"] = json!({"黄金跨市": hedge_limits()});
    assert_eq!(read(&json).unwrap().hedges[HedgeId(0)].plan.name, "黄金跨市");
}

#[test]
fn venues_and_counts_have_bounds() {
    refused("/engine", "0 to 255", &[json!(256)]);
    refused("/run", "0 to 4095", &[json!(4096)]);
    taken("/run", &[json!(0), json!(4095)]);
    refused("/venues/0/netting", "one of net, gross, gross_by_day", &[json!("hedge"), json!(1)]);
    refused("/venues/0/tif", "one of ioc, day, gtc", &[json!("fok"), json!("IOC")]);
    refused("/venues/0/ack_timeout_ns", "in ns", &[json!(0), json!(3_456_000_000_000_001_i64)]);
    refused("/venues/0/query_interval_ns", "in ns", &[json!(0)]);
    refused("/venues/0/cancels_max", "1 to 65535", &[json!(0), json!(65_536)]);
    taken("/venues/0/max_delay_ns", &[json!(0), json!(3_456_000_000_000_000_i64)]);
    refused("/counts/orders", "1 to", &[json!(0), json!((1 << 24) + 1)]);
    refused("/counts/executions", "1 to", &[json!(0)]);
    refused("/accounts/0/cash_tolerance", "at least 0", &[json!("-0.01")]);
    refused("/accounts/0/cash_tolerance", "10 decimals", &[json!("0.0000000001")]);
    refused("/accounts/0/cash_tolerance", "up to", &[json!("1000000000000001")]);
    refused("/accounts/0/flag", "one of", &[json!("market_maker")]);
    refused("/accounts/0/venue", "a configured venue", &[json!("SHEF")]);
}

#[test]
fn instruments_are_on_their_grids() {
    refused("/instruments/0/tick", "above 0", &[json!("0"), json!("-0.02"), json!("0.000")]);
    refused("/instruments/0/lot", "above 0", &[json!("0"), json!("-1")]);
    refused("/instruments/0/multiplier", "above 0", &[json!("0"), json!("-1")]);
    // 0.02 × 1 × 10^-9 would be a fiftieth of the smallest money.
    refused("/instruments/0/multiplier", "10^-9", &[json!("0.000000001"), json!("1/3")]);
    taken("/instruments/0/multiplier", &[json!("3000/3"), json!("999.999")]);
    refused("/instruments/0/min_qty", "multiple of 1", &[json!("1.5")]);
    refused("/instruments/0/min_qty", "above 0", &[json!("0"), json!("-1")]);
    refused("/instruments/0/qty_max", "above 0", &[json!("0")]);
    refused("/instruments/0/price_max", "multiple of 0.02", &[json!("0.03")]);
    refused("/instruments/0/price_max", "above 0", &[json!("0"), json!("-10000")]);
    refused("/instruments/0/settlement", "upfront, daily_vm", &[json!("physical"), json!("cash")]);
    refused("/instruments/0/own_in_book", "true or false", &[json!(1), json!("true")]);
    let mut json = gold();
    json["instruments"][0]["min_qty"] = json!("1001");
    assert_eq!(read(&json).unwrap_err().field, "instruments[0].qty_max");
}

#[test]
fn rates_are_fractions_not_percent() {
    refused("/instruments/0/margin/long", "0.12 for 12 %", &[json!("12"), json!("-0.1")]);
    refused(
        "/instruments/0/margin/long",
        "nine decimals",
        &[json!("0.1000000001"), json!("1/1000000007")],
    );
    refused("/instruments/0/margin/short", "floor_per_lot above 0", &[json!("0")]);
    refused("/instruments/0/fees/open/rate", "0.0001 for 0.01 %", &[json!("0.11"), json!("-0.2")]);
    taken("/instruments/0/fees/close/rate", &[json!("-0.00005"), json!("0.1")]);
    taken("/instruments/0/fees/close_today/per_lot", &[json!("-3.5"), json!("0")]);
    refused("/instruments/0/margin/floor_per_lot", "at least 0", &[json!("-1")]);
    // By lot, and on the larger side, may be left out.
    let mut json = gold();
    json["instruments"][0]["larger_side"] = json!(true);
    json["instruments"][0]["margin"] = json!({
        "long": "0", "short": "0.1", "floor_per_lot": "0", "long_per_lot": "12.5",
    });
    let config = read(&json).unwrap();
    let of = &config.instruments[InstrumentId(0)];
    assert_eq!((of.margin.long_per_lot.to_string(), of.larger_side), ("12.5".to_owned(), true));
    assert!(!config.instruments[InstrumentId(1)].larger_side);
    for (key, wrong) in [("long_per_lot", "-1"), ("short_per_lot", "x"), ("by_lot", "1")] {
        let mut json = json.clone();
        json["instruments"][0]["margin"][key] = json!(wrong);
        assert_eq!(read(&json).unwrap_err().field, format!("instruments[0].margin.{key}"));
    }
    let rates = json!({"long": "0.05", "short": "0.06", "floor_per_lot": "0"});
    json["instruments"][0]["margin"]["by_flag"] = json!({"hedge": rates});
    let config = read(&json).unwrap();
    let of = &config.instruments[InstrumentId(0)];
    assert_eq!(of.margin_of(HedgeFlag::Hedge).long, Ratio::new(1, 20).unwrap());
    assert_eq!(*of.margin_of(HedgeFlag::Arbitrage), of.margin);
    for (key, wrong) in
        [("hedger", &rates), ("hedge", &json!({"by_flag": {}})), ("hedge", &json!("0.1"))]
    {
        let mut json = json.clone();
        json["instruments"][0]["margin"]["by_flag"][key] = wrong.clone();
        assert!(read(&json).unwrap_err().field.starts_with("instruments[0].margin.by_flag"));
    }
    // Rates to come, by day; those of a flag too.
    let step = |day: i64| json!([day, rates]);
    json["instruments"][0]["margin"]["steps"] = json!([step(20_500), step(20_510)]);
    json["instruments"][0]["margin"]["by_flag"]["hedge"]["steps"] = json!([step(20_505)]);
    let config = read(&json).unwrap();
    let steps = &config.instruments[InstrumentId(0)].margin_steps;
    let flags: Vec<_> = steps.iter().map(|step| (step.settles.0, step.flag)).collect();
    assert_eq!(flags, [(20_500, None), (20_505, Some(HedgeFlag::Hedge)), (20_510, None)]);
    for wrong in [
        json!([step(20_500), step(20_500)]),
        json!([step(-1)]),
        json!([step(99_999_999)]),
        json!([[20_500]]),
        json!([[20_500, {"long": "2", "short": "0", "floor_per_lot": "0"}]]),
        json!([[20_500, {"long": "0.1", "short": "0.1", "floor_per_lot": "0", "steps": []}]]),
        json!([[20_500, {"long": "0.1", "short": "0.1", "floor_per_lot": "0", "by_flag": {}}]]),
        json!("soon"),
    ] {
        let mut json = json.clone();
        json["instruments"][0]["margin"]["steps"] = wrong;
        assert!(read(&json).unwrap_err().field.starts_with("instruments[0].margin.steps"));
    }
    for wrong in ["0", "1.1", "-0.5"] {
        let mut json = json.clone();
        json["instruments"][0]["maintenance"] = json!(wrong);
        assert_eq!(read(&json).unwrap_err().field, "instruments[0].maintenance");
    }
    json["instruments"][0]["larger_side"] = json!("yes");
    assert_eq!(read(&json).unwrap_err().field, "instruments[0].larger_side");
    refused(
        "/limits/accounts/sh/usage_cap",
        "0.90 for 90 %",
        &[json!("90"), json!("1.01"), json!("0")],
    );
    taken("/limits/accounts/sh/usage_cap", &[json!("1"), json!("0.000000001")]);
}

#[test]
fn phases_and_bands_are_in_order() {
    let open = |at: i64| json!([at, "continuous"]);
    taken("/instruments/0/phases", &[json!([open(0)]), json!([open(1), [2, "holiday"]])]);
    refused("/instruments/0/phases", "always", &[json!("never"), json!(1), json!({})]);
    refused("/instruments/0/phases", "at least one", &[json!([])]);
    let ascending = |value: Value, field: &str| {
        assert_eq!(with("/instruments/0/phases", value).unwrap_err().field, field);
    };
    ascending(json!([open(5), [5, "break"]]), "instruments[0].phases[1][0]");
    ascending(json!([open(5), [4, "break"]]), "instruments[0].phases[1][0]");
    ascending(json!([[-1, "break"]]), "instruments[0].phases[0][0]");
    ascending(json!([[1, "closed"]]), "instruments[0].phases[0][1]");
    ascending(json!([[1]]), "instruments[0].phases[0]");
    taken("/instruments/0/band", &[json!(null), json!(["500", "500"]), json!(["-10", "600.02"])]);
    refused("/instruments/0/band", "lowest price first", &[json!(["600", "599.98"])]);
    let band = |value: Value| with("/instruments/0/band", value).unwrap_err().field;
    assert_eq!(band(json!(["500.01", "600"])), "instruments[0].band[0]");
    assert_eq!(band(json!(["500", "10000.02"])), "instruments[0].band[1]");
}

#[test]
fn legs_fit_together() {
    refused(
        "/hedges/0/legs",
        "2 to 8 legs",
        &[json!([]), json!([leg("SHFE.au2602", "sh", "sell", "1")])],
    );
    refused("/hedges/0/legs/0/account", "at venue \"SHFE\"", &[json!("ny")]);
    refused("/hedges/0/legs/0/side", "buy, sell", &[json!("long")]);
    refused("/hedges/0/legs/0/weight", "above 0", &[json!("0"), json!("-1"), json!("0/3")]);
    refused("/hedges/0/legs/0/units_per_lot", "above 0", &[json!("0"), json!("-1000")]);
    refused("/hedges/0/legs/0/lots", "not negative", &[json!("-3")]);
    let problem = with("/hedges/0/legs/0/side", json!("buy")).unwrap_err();
    assert!(problem.expected.contains("one sold leg"), "{problem}");
    let problem = with("/hedges/0/legs/0/lots", json!("0")).unwrap_err();
    assert!(problem.expected.contains("one sold leg that has lots"), "{problem}");
    let problem = with("/hedges/0/legs/0/lots", json!("3")).unwrap_err();
    assert_eq!(problem.field, "hedges[0].legs[1]");
    assert!(problem.expected.contains("null on all of them"), "{problem}");
    let twice = json!([
        leg("SHFE.au2602", "sh", "sell", "1000"),
        leg("COMEX.GCG6", "ny", "buy", "1000"),
        leg("SHFE.au2602", "sh", "buy", "1000"),
    ]);
    assert_eq!(with("/hedges/0/legs", twice).unwrap_err().field, "hedges[0].legs[2]");
    let problem = settled("coin", &[]).unwrap_err();
    assert_eq!(problem.field, "hedges[0].legs[0].instrument");
    assert!(problem.expected.contains("not linear in its price"), "{problem}");
    let mut json = gold();
    // Not a leg: an account may hold it, where its face is whole at every tick.
    json["instruments"][2]["settlement"] = json!("coin");
    json["instruments"][2]["multiplier"] = json!("1/7");
    assert_eq!(read(&json).unwrap_err().field, "instruments[2].multiplier");
    json["instruments"][2]["multiplier"] = json!("100");
    json["instruments"][2]["matching"] = json!("average");
    assert_eq!(read(&json).unwrap_err().field, "instruments[2].matching");
    json["instruments"][2].as_object_mut().unwrap().remove("matching");
    let config = read(&json).unwrap();
    let of = config.instruments.iter().nth(2).unwrap();
    let per_tick = 100_000_000_000 * 10_000;
    assert_eq!((of.settlement, of.tick_value), (Settlement::Coin(Money(per_tick)), Money(1)));
    let problem = with("/accounts/1/currency", json!("CNY")).unwrap_err();
    assert_eq!(problem.field, "hedges[0].legs[1].account");
    assert!(problem.expected.contains("in USD"), "{problem}");
}

#[test]
fn foreign_legs_need_a_rate_in_the_hedges_currency() {
    let problem = with("/hedges/0/fx", json!({})).unwrap_err();
    assert_eq!(problem.field, "hedges[0].legs[1].instrument");
    assert!(problem.expected.contains("an fx rate of the hedge for USD"), "{problem}");
    refused("/hedges/0/fx/USD", "priced in USD", &[json!("COMEX.GCG6")]);
    refused("/hedges/0/fx/USD", "a configured instrument", &[json!("FX.USDCNH")]);
    let rates = json!({"USD": "FX.USDCNY", "CNY": "FX.USDCNY"});
    assert_eq!(with("/hedges/0/fx", rates).unwrap_err().field, "hedges[0].fx.CNY");
    let rates = json!({"USD": "FX.USDCNY", "EUR": "FX.USDCNY"});
    assert_eq!(with("/hedges/0/fx", rates).unwrap_err().field, "hedges[0].fx.EUR");
    let mut json = gold();
    json["accounts"].as_array_mut().unwrap().push(account("eu", "COMEX", "EUR"));
    json["limits"]["accounts"]["eu"] = account_limits();
    json["hedges"][0]["fx"]["EUR"] = json!("FX.USDCNY");
    let problem = read(&json).unwrap_err();
    assert!(problem.expected.contains("no leg is in EUR"), "{problem}");
}

#[test]
fn a_leg_that_only_prices_has_no_lots() {
    let mut json = gold();
    let mut third = leg("FX.USDCNY", "cn", "buy", "100000");
    third["lots"] = json!("0");
    json["hedges"][0]["legs"].as_array_mut().unwrap().push(third);
    json["accounts"].as_array_mut().unwrap().push(account("cn", "COMEX", "CNY"));
    json["limits"]["accounts"]["cn"] = account_limits();
    let config = read(&json).unwrap();
    let plan = &config.hedges[HedgeId(0)].plan;
    assert_eq!((plan.legs[2].lots, plan.legs[2].units), (Ratio::ZERO, 0));
    assert!(plan.legs[2].coef > 0);
    assert_eq!(plan.goal(5)[..3], [-16, 5, 0]);
    // 3110.34768 g against three lots of 1000 g, over 12500.
    assert_eq!(plan.residual(&plan.goal(1)), 1_379_346);
}

#[test]
fn given_lots_make_every_leg_stand_for_one_set() {
    // Copper, P&L-neutral: 4.42 lots of 5 t against one of 25 t.
    let mut json = gold();
    for (place, lots, units) in [(0, "4.42", "1000"), (1, "1", "3110.34768")] {
        json["hedges"][0]["legs"][place]["lots"] = json!(lots);
        json["hedges"][0]["legs"][place]["units_per_lot"] = json!(units);
    }
    let config = read(&json).unwrap();
    let plan = &config.hedges[HedgeId(0)].plan;
    for leg in &plan.legs {
        let set = i128::from(leg.units) * i128::from(leg.lots.num());
        assert_eq!(set, i128::from(plan.set_units) * i128::from(leg.lots.den()));
    }
    let set = Ratio::new(plan.set_units.into(), plan.unit_den.into()).unwrap();
    assert_eq!(set, Ratio::parse("3110.34768").unwrap());
    // The price still goes by what a lot is: 0.02 yuan a gram for a tick.
    let price = Ratio::new(plan.legs[0].coef.into(), plan.denominator.into()).unwrap();
    assert_eq!(price, Ratio::parse("0.02").unwrap());
}

#[test]
fn hedges_are_in_the_order_of_their_priority() {
    let mut json = gold();
    for (name, priority) in [("b", 1), ("a", -1), ("c", 0)] {
        let mut hedge = json["hedges"][0].clone();
        hedge["name"] = json!(name);
        hedge["priority"] = json!(priority);
        json["hedges"].as_array_mut().unwrap().push(hedge);
        json["limits"]["hedges"][name] = hedge_limits();
    }
    json["limits"]["hedges"]["c"]["clip"] = json!(2);
    json["limits"]["hedges"]["c"]["live_residual"] = json!("7000");
    let config = read(&json).unwrap();
    let names: Vec<&str> = config.hedges.iter().map(|hedge| hedge.plan.name.as_str()).collect();
    assert_eq!(names, ["a", "gold", "c", "b"]);
    let clips: Vec<i64> = config.policy.hedges.iter().map(|limits| limits.size.clip).collect();
    assert_eq!(clips, [1, 1, 2, 1]);
    refused("/hedges/0/priority", "a priority", &[json!(1_i64 << 31)]);
}

#[test]
fn bands_leave_room_for_what_they_cost() {
    let signal = |measure: &str, plus: Value, mirror: Value, slippage: &str| {
        let mut json = gold();
        json["hedges"][0]["signal"]["measure"] = json!(measure);
        json["hedges"][0]["signal"]["plus"] = plus;
        json["hedges"][0]["signal"]["mirror"] = mirror;
        json["hedges"][0]["slippage"] = json!(slippage);
        read(&json).map(|_| ()).map_err(|problem| (problem.field, problem.expected))
    };
    let band = |enter: &str, exit: &str| json!({"enter": enter, "exit": exit});
    let field = |result: Result<(), (String, String)>| result.unwrap_err().0;
    let plus = "hedges[0].signal.plus";
    let mirror = "hedges[0].signal.mirror";
    // Net: the gap must exceed the slippage.
    assert_eq!(field(signal("ratio", band("1.002", "1.001"), json!(null), "0.001")), plus);
    assert_eq!(signal("ratio", band("1.002001", "1.001"), json!(null), "0.001"), Ok(()));
    assert_eq!(field(signal("ratio", band("1.001", "1.002"), json!(null), "0")), plus);
    assert_eq!(field(signal("counter_price", band("5", "5"), json!(null), "0")), plus);
    // Mirror enters low and leaves high.
    assert_eq!(signal("ratio", json!(null), band("0.998", "1"), "0.001"), Ok(()));
    assert_eq!(field(signal("ratio", json!(null), band("1", "0.998"), "0.001")), mirror);
    // Both at once would trade around in circles.
    assert_eq!(signal("ratio", band("1.004", "1"), band("0.996", "1"), "0.001"), Ok(()));
    assert_eq!(field(signal("ratio", band("1.004", "1"), band("1.004", "1.01"), "0")), mirror);
    assert_eq!(field(signal("ratio", json!(null), json!(null), "0")), "hedges[0].signal");
    assert_eq!(field(signal("ratio", band("1.1", "1"), json!(null), "-0.1")), "hedges[0].slippage");
    assert_eq!(field(signal("ratio", band("0", "-1"), json!(null), "0")), format!("{plus}.enter"));
    assert_eq!(signal("spread", band("0", "-1"), json!(null), "0"), Ok(()));
    // Gross: 0.0001 each way on both sides is 0.0004 of the ratio; 10 yuan a lot of 1000 g twice
    // is 0.02 yuan a gram.
    assert_eq!(signal("ratio", band("1.0003", "1"), json!(null), "0"), Ok(()));
    assert_eq!(field(signal("gross_ratio", band("1.0003", "1"), json!(null), "0")), plus);
    assert_eq!(signal("gross_ratio", band("1.0005", "1"), json!(null), "0"), Ok(()));
    assert_eq!(field(signal("gross_ratio", band("1.0005", "1"), json!(null), "0.0001")), plus);
    assert_eq!(field(signal("gross_ratio", json!(null), band("1", "1.0003"), "0")), mirror);
    assert_eq!(signal("counter_price", band("0.02", "0"), json!(null), "0"), Ok(()));
    assert_eq!(field(signal("spread", band("0.02", "0"), json!(null), "0")), plus);
    assert_eq!(signal("spread", band("0.020001", "0"), json!(null), "0"), Ok(()));
}

#[test]
fn signals_have_bounds() {
    refused("/hedges/0/signal/measure", "one of spread", &[json!("parity")]);
    refused("/hedges/0/signal/persist", "1 to", &[json!(0), json!(1_000_001)]);
    refused("/hedges/0/signal/persist_within_ns", "in ns", &[json!(0), json!("2s")]);
    let deviation =
        |enter: &str, alpha: &str, warm: i64| json!({"enter": enter, "alpha": alpha, "warm": warm});
    taken("/hedges/0/signal/deviation", &[deviation("2", "0.01", 100), json!(null)]);
    let field = |value| with("/hedges/0/signal/deviation", value).unwrap_err().field;
    assert_eq!(field(deviation("0", "0.01", 100)), "hedges[0].signal.deviation.enter");
    assert_eq!(field(deviation("2", "0", 100)), "hedges[0].signal.deviation.alpha");
    assert_eq!(field(deviation("2", "1", 100)), "hedges[0].signal.deviation.alpha");
    assert_eq!(field(deviation("2", "0.01", 1)), "hedges[0].signal.deviation.warm");
}

#[test]
fn the_cost_of_waiting_has_bounds() {
    let waiting = |deviations: &str, alpha: &str, warm: i64| json!({"deviations": deviations, "alpha": alpha, "warm": warm});
    taken("/waiting", &[waiting("1.5", "0.05", 2), json!(null)]);
    let field = |value| with("/waiting", value).unwrap_err().field;
    assert_eq!(field(waiting("0", "0.05", 2)), "waiting.deviations");
    assert_eq!(field(waiting("1", "0", 2)), "waiting.alpha");
    assert_eq!(field(waiting("1", "1", 2)), "waiting.alpha");
    assert_eq!(field(waiting("1", "0.05", 1)), "waiting.warm");
}

#[test]
fn every_limit_is_required_where_it_is_used() {
    for pointer in [
        "/limits/instruments/SHFE.au2602",
        "/limits/instruments/FX.USDCNY",
        "/limits/accounts/ny",
        "/limits/hedges/gold",
    ] {
        let (above, name) = pointer.rsplit_once('/').unwrap();
        let mut json = gold();
        json.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(name);
        let problem = read(&json).unwrap_err();
        assert_eq!((problem.field, problem.value.as_str()), (path(pointer), "nothing"));
        assert!(problem.expected.contains("none has a default"));
    }
    // An instrument that nothing trades may go without; nothing passes its limits.
    let mut json = gold();
    let instruments = json["instruments"].as_array_mut().unwrap();
    instruments.push(instrument("LME.CA", "COMEX", "copper", "USD", ("0.5", "1", "25")));
    let config = read(&json).unwrap();
    assert_eq!(config.policy.instruments[InstrumentId(3)].order_value, Money::ZERO);
    refused("/limits/sums", "product gold in CNY", &[json!([])]);
    let sum = |product: &str, currency: &str, limit: &str| json!({"product": product, "currency": currency, "limit": limit});
    let good = sum("gold", "CNY", "1");
    refused("/limits/sums", "product gold in CNY", &[json!([sum("gold", "USD", "1")])]);
    let field = |sums: Value| with("/limits/sums", sums).unwrap_err().field;
    assert_eq!(field(json!([good, good])), "limits.sums[1]");
    assert_eq!(field(json!([good, sum("glod", "CNY", "1")])), "limits.sums[1].product");
    assert_eq!(field(json!([sum("gold", "EUR", "1")])), "limits.sums[0].currency");
    assert_eq!(field(json!([sum("gold", "CNY", "0")])), "limits.sums[0].limit");
}

#[test]
fn limits_have_bounds() {
    let instrument = "/limits/instruments/SHFE.au2602";
    refused(&format!("{instrument}/order_value"), "at least", &[json!("0"), json!("-1")]);
    refused(&format!("{instrument}/collar"), "multiple of 0.02", &[json!("0.03")]);
    refused(&format!("{instrument}/collar"), "above 0", &[json!("0"), json!("-0.02")]);
    refused(&format!("{instrument}/collar"), "price_max", &[json!("10000.02")]);
    refused(&format!("{instrument}/age_ns"), "in ns", &[json!(0)]);
    refused(&format!("{instrument}/skew_ns"), "in ns", &[json!(0)]);
    refused(&format!("{instrument}/limit_distance"), "0 or more", &[json!("-0.02")]);
    taken(&format!("{instrument}/limit_distance"), &[json!("0")]);
    refused("/limits/accounts/sh/day_loss", "at least", &[json!("0"), json!("-5")]);
    refused("/limits/accounts/sh/message_rate", "2 to", &[json!(1), json!(0)]);
    refused("/limits/accounts/sh/cancel_reserve", "1 to", &[json!(0)]);
    refused("/limits/accounts/sh/cancel_reserve", "less than message_rate, 6", &[json!(6)]);
    taken("/limits/accounts/sh/cancel_reserve", &[json!(5)]);
    for of in [instrument, "/limits/venues/SHFE"] {
        refused(&format!("{of}/message_rate"), "2 to", &[json!(1), json!(0)]);
        refused(&format!("{of}/cancel_reserve"), "1 to", &[json!(0)]);
        refused(&format!("{of}/cancel_reserve"), "less than message_rate, 60", &[json!(60)]);
        taken(&format!("{of}/cancel_reserve"), &[json!(59)]);
    }
    let hedge = |key: &str| format!("/limits/hedges/gold/{key}");
    refused(&hedge("clip"), "sets sent at once", &[json!(0)]);
    refused(&hedge("clip"), "at most max, 27", &[json!(28)]);
    refused(&hedge("overnight"), "at most max, 0 to 27", &[json!(28), json!(-1)]);
    refused(&hedge("holiday"), "at most max, 0 to 27", &[json!(28), json!(-1)]);
    taken(&hedge("before_break_ns"), &[json!(0)]);
    refused(&hedge("max_loss"), "at least", &[json!("0"), json!("-1")]);
    refused(&hedge("max_loss_per_day"), "at least max_loss, 20000", &[json!("19999")]);
    taken(&hedge("max_loss_per_day"), &[json!("20000")]);
    refused(&hedge("tries"), "1 to 8191", &[json!(0), json!(8192)]);
    refused(&hedge("messages"), "2 to", &[json!(1), json!(0)]);
    taken(&hedge("trims_per_day"), &[json!(0)]);
    refused(&hedge("repair"), "one of cheaper_of", &[json!("wait"), json!(null)]);
}

#[test]
fn an_attempt_outlives_the_silence_of_an_order() {
    let finish = "/limits/hedges/gold/finish_within_ns";
    refused(finish, "at least ack_timeout_ns of venue SHFE", &[json!(999_999_999)]);
    refused(finish, "in ns", &[json!(0)]);
    taken(finish, &[json!(1_000_000_000)]);
    refused("/limits/hedges/gold/order_timeout_ns", "at most finish", &[json!(2_000_000_001_i64)]);
    taken("/limits/hedges/gold/order_timeout_ns", &[json!(2_000_000_000)]);
}

#[test]
fn residual_limits_can_be_met() {
    let max = "/limits/hedges/gold/max_residual";
    let live = "/limits/hedges/gold/live_residual";
    // Half of 1000 g, and half a lot is also the worst that whole lots leave.
    refused(max, "half a lot of the finest leg, 500 ", &[json!("499.999999999"), json!("1/3")]);
    taken(max, &[json!("500"), json!("1001/2")]);
    refused(live, "one lot of the coarsest leg, 3110.34768 ", &[json!("3110.347679")]);
    taken(live, &[json!("3110.34768")]);
    refused(live, "above 0", &[json!("0"), json!("-4000")]);
    let mut json = gold();
    json["limits"]["hedges"]["gold"]["clip"] = json!(2);
    let problem = read(&json).unwrap_err();
    assert!(problem.expected.contains("one leg of a clip, 6220.69536"), "{problem}");
    json["limits"]["hedges"]["gold"]["live_residual"] = json!("6220.69536");
    read(&json).unwrap();
    json["limits"]["hedges"]["gold"]["max_residual"] = json!("6220.7");
    assert_eq!(read(&json).unwrap_err().field, "limits.hedges.gold.live_residual");
    // 2.4 lots a set against 1.5: one set is 2 and 2 lots, far more than half a lot apart.
    let mut json = gold();
    for (place, lots) in [(0, "2.4"), (1, "1.5")] {
        json["hedges"][0]["legs"][place]["lots"] = json!(lots);
    }
    json["limits"]["hedges"]["gold"]["live_residual"] = json!("10000");
    json["limits"]["hedges"]["gold"]["max_residual"] = json!("1000");
    let problem = read(&json).unwrap_err();
    assert!(problem.expected.contains("whole lots come no nearer to"), "{problem}");
}

#[test]
fn a_clip_fits_the_sizes_of_its_legs() {
    let problem = with("/instruments/0/qty_max", json!("3")).unwrap_err();
    assert_eq!(problem.field, "limits.hedges.gold.clip");
    assert!(problem.expected.contains("4 lots there, of 3 allowed"), "{problem}");
    taken("/instruments/0/qty_max", &[json!("4")]);
    let problem = with("/instruments/0/min_qty", json!("5")).unwrap_err();
    assert!(problem.expected.contains("4 lots there, of 5 needed"), "{problem}");
    taken("/instruments/0/min_qty", &[json!("4")]);
}

#[test]
fn canonical_bytes_are_the_same_for_the_same_values() {
    let json = gold();
    let canonical = Config::canonical(json.to_string().as_bytes()).unwrap();
    let spaced = serde_json::to_string_pretty(&json).unwrap();
    assert_eq!(Config::canonical(spaced.as_bytes()).unwrap(), canonical);
    assert_eq!(Config::canonical(&canonical).unwrap(), canonical);
    let again = Config::from_json(&canonical).unwrap();
    let first = read(&json).unwrap();
    assert_eq!(format!("{again:?}"), format!("{first:?}"));
    let other =
        Config::canonical(gold().to_string().replace("\"clip\":1", "\"clip\":2").as_bytes());
    assert_ne!(other.unwrap(), canonical);
}

#[test]
fn a_policy_is_read_with_the_same_checks() {
    let config = read(&gold()).unwrap();
    let mut limits = gold()["limits"].clone();
    limits["hedges"]["gold"]["max"] = json!(50);
    let policy = Policy::from_json(&config, limits.to_string().as_bytes()).unwrap();
    assert_eq!(policy.hedges[HedgeId(0)].size.max, 50);
    limits["hedges"]["gold"]["clip"] = json!(51);
    let problem = unboxed(Policy::from_json(&config, limits.to_string().as_bytes())).unwrap_err();
    assert_eq!(problem.field, "limits.hedges.gold.clip");
    limits["hedges"] = json!({});
    let problem = unboxed(Policy::from_json(&config, limits.to_string().as_bytes())).unwrap_err();
    assert_eq!(problem.field, "limits.hedges.gold");
    let whole = unboxed(Policy::from_json(&config, gold().to_string().as_bytes())).unwrap_err();
    assert_eq!(whole.field, "limits.counts");
}

#[test]
fn a_policy_is_the_same_after_its_bytes() {
    let policy = read(&gold()).unwrap().policy;
    let mut out = Writer::new();
    policy.write(&mut out);
    let bytes = out.into_bytes();
    let mut reader = Reader::new(&bytes);
    let again = Policy::read(&mut reader).unwrap();
    reader.finish().unwrap();
    assert_eq!(format!("{again:?}"), format!("{policy:?}"));
    for cut in 0..bytes.len() {
        assert!(Policy::read(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}");
    }
}

#[test]
fn the_orders_kept_hold_those_of_an_attempt_of_every_hedge() {
    // 20 tries on each of two legs, of at most 60 messages.
    let problem = with("/counts/orders", json!(39)).unwrap_err();
    assert_eq!((problem.field.as_str(), problem.value.as_str()), ("counts.orders", "39"));
    with("/counts/orders", json!(40)).unwrap();
    // The same holds for a policy that comes later.
    let mut json = gold();
    json["counts"]["orders"] = json!(40);
    let config = read(&json).unwrap();
    json["limits"]["hedges"]["gold"]["tries"] = json!(21);
    let policy = Policy::from_json(&config, json["limits"].to_string().as_bytes());
    assert_eq!(unboxed(policy).unwrap_err().field, "counts.orders");
}

type Spoil = fn(&mut Policy);

/// A policy made in Rust passes the door only where one read from a document would.
#[test]
fn a_policy_made_in_rust_is_held_to_the_same_bounds() {
    const HEDGE: HedgeId = HedgeId(0);
    let config = read(&gold()).unwrap();
    let mut engine = Engine::new(&config, Time(1)).unwrap();
    let mut say = |policy: &Policy| {
        let verb = Verb::Policy(Box::new(policy.clone()));
        let control = Control { actor: Note::new("desk").unwrap(), verb };
        engine.handle(Time(1), &Event::Control(Box::new(control)), &mut Vec::new())
    };
    assert!(say(&config.policy).is_ok());
    let spoils: [Spoil; 33] = [
        |policy| policy.hedges = Table::new(Vec::new()),
        |policy| policy.instruments[InstrumentId(0)].collar = 0,
        |policy| policy.instruments[InstrumentId(0)].collar = i64::MAX,
        |policy| policy.instruments[InstrumentId(0)].age = Span(-1),
        |policy| policy.instruments[InstrumentId(0)].skew = Span(i64::MAX),
        |policy| policy.instruments[InstrumentId(0)].order_value = Money(i128::MAX),
        |policy| policy.instruments[InstrumentId(0)].limit_distance = -1,
        |policy| policy.instruments[InstrumentId(0)].message_rate = 1,
        |policy| policy.venues = Table::new(Vec::new()),
        |policy| policy.venues[VenueId(0)].cancel_reserve = u32::MAX,
        |policy| policy.accounts[AccountId(0)].usage_cap = Ratio::parse("1.01").unwrap(),
        |policy| policy.accounts[AccountId(0)].usage_cap = Ratio::ZERO,
        |policy| policy.accounts[AccountId(0)].day_loss = Money::ZERO,
        |policy| policy.accounts[AccountId(0)].message_rate = u32::MAX,
        |policy| policy.accounts[AccountId(0)].cancel_reserve = 0,
        |policy| policy.hedges[HEDGE].size.clip = 0,
        |policy| policy.hedges[HEDGE].size.max = i64::MAX,
        |policy| policy.hedges[HEDGE].size.overnight = -1,
        |policy| policy.hedges[HEDGE].size.before_break = Span(-1),
        |policy| policy.hedges[HEDGE].execution.max_residual = 0,
        |policy| policy.hedges[HEDGE].execution.max_residual = i128::MAX,
        |policy| policy.hedges[HEDGE].execution.live_residual = i128::MAX,
        |policy| policy.hedges[HEDGE].execution.live_residual = 1,
        |policy| policy.hedges[HEDGE].execution.finish_within = Span(1),
        |policy| policy.hedges[HEDGE].execution.order_timeout = Span::LONGEST,
        |policy| policy.hedges[HEDGE].execution.max_loss = Money(i128::MAX),
        |policy| policy.hedges[HEDGE].execution.max_loss_per_day = Money(1),
        |policy| policy.hedges[HEDGE].execution.tries = 0,
        |policy| policy.hedges[HEDGE].execution.messages = 0,
        |policy| policy.sums.clear(),
        |policy| policy.sums[0].limit = Ratio::ZERO,
        |policy| policy.sums.push(policy.sums[0]),
        |policy| policy.sums.push(SumResidual { product: ProductId(99), ..policy.sums[0] }),
    ];
    for (at, spoil) in spoils.iter().enumerate() {
        let mut policy = config.policy.clone();
        spoil(&mut policy);
        assert!(say(&policy).is_err(), "{at}");
    }
}

/// The first instrument with another settlement, what goes with it, and terms that it can live with.
fn settled(word: &str, beside: &[(&str, Value)]) -> Result<Config, ConfigError> {
    let mut json = gold();
    json["instruments"][0]["settlement"] = json!(word);
    for (key, value) in beside {
        json["instruments"][0][*key] = value.clone();
    }
    for account in json["accounts"].as_array_mut().unwrap() {
        account["unrealised"] = json!("losses");
    }
    for venue in json["venues"].as_array_mut().unwrap() {
        venue["netting"] = json!("net");
    }
    read(&json)
}

#[test]
fn every_settlement_has_what_it_needs_and_nothing_else() {
    let matching = |word: &str| ("matching", json!(word));
    let prompts = |rows: Value| ("prompts", rows);
    let check = |found: Result<Config, ConfigError>, field: &str| match found {
        Ok(_) => panic!("{field}: taken"),
        Err(problem) => assert_eq!(problem.field, format!("instruments[0].{field}"), "{problem}"),
    };
    check(settled("on_close", &[]), "settlement");
    check(settled("on_close", &[matching("last_in")]), "matching");
    check(settled("daily_vm", &[matching("average")]), "matching");
    check(settled("on_close", &[matching("average"), prompts(json!([[1, 2]]))]), "prompts");
    check(settled("prompt_forward", &[]), "settlement");
    let rows = [
        json!([]),
        json!([[2, 2]]),
        json!([[3, 5], [3, 6]]),
        json!([[3, 9], [4, 8]]),
        json!([[4, 8], [3, 9]]),
    ];
    for rows in rows {
        check(settled("prompt_forward", &[prompts(rows)]), "prompts");
    }
    check(settled("prompt_forward", &[prompts(json!([[-1, 2]]))]), "prompts[0][0]");
    check(settled("prompt_forward", &[prompts(json!([[1, 84_006]]))]), "prompts[0][1]");
    for word in ["first_in", "average"] {
        assert!(settled("on_close", &[matching(word)]).is_ok());
    }
    let config = settled("prompt_forward", &[prompts(json!([[3, 9], [4, 9], [5, 10]]))]).unwrap();
    let prompts = &config.instruments.iter().next().unwrap().prompts;
    let of = |day| prompts.of(Day(day)).map(|prompt| prompt.0);
    assert_eq!([0, 3, 4, 5, 99].map(of), [9, 9, 9, 10, 10].map(Some));
    let known = |day| prompts.is_known(Day(day));
    assert_eq!([2, 3, 8, 9, 10].map(known), [false, true, true, true, false]);
    assert_eq!(prompts.days(Day(4)), (Day(i32::MIN), Day(4)));
    assert_eq!(prompts.days(Day(7)), (Day(5), Day(i32::MAX)));
}

#[test]
fn what_is_not_paid_daily_counts_and_is_netted() {
    let mut json = gold();
    json["instruments"][0]["settlement"] = json!("on_close");
    json["instruments"][0]["matching"] = json!("average");
    json["accounts"][0]["unrealised"] = json!("neither");
    json["venues"][0]["netting"] = json!("net");
    let problem = read(&json).unwrap_err();
    assert_eq!(problem.field, "accounts[0]", "{problem}");
    json["accounts"][0]["unrealised"] = json!("both");
    assert!(read(&json).is_ok());
    json["venues"][0]["netting"] = json!("gross");
    assert!(read(&json).is_ok());
    json["venues"][0]["netting"] = json!("gross_by_day");
    assert_eq!(read(&json).unwrap_err().field, "instruments[0]");
    json["instruments"][0]["settlement"] = json!("prompt_forward");
    json["instruments"][0].as_object_mut().unwrap().remove("matching");
    json["instruments"][0]["prompts"] = json!([[1, 2]]);
    json["venues"][0]["netting"] = json!("gross");
    assert_eq!(read(&json).unwrap_err().field, "instruments[0]");
    json["venues"][0]["netting"] = json!("net");
    assert!(read(&json).is_ok());
}

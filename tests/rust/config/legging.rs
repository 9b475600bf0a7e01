//! How legs are worked: values that can never come about are refused, and what is taken is kept.

#![allow(clippy::indexing_slicing, reason = "a test: what fails must be loud")]

use cross_market_core::config::Config;
use cross_market_core::legging::Legging;
use cross_market_core::num::{Money, Price, Ratio};
use serde_json::{Value, json};

use super::sample::gold;
use super::*;

const WHERE: &str = "/limits/hedges/gold/legging";

fn leg(changed: Value) -> Value {
    let mut leg = json!({
        "leads": false, "offset_ns": 0, "pay_up": 0, "chase": 0, "slip": 0, "slip_money": null,
        "slip_rate": null, "rests": false, "convert": "never", "chase_away": 0, "chase_ahead": 0,
        "take_after": 0, "hedge_from": 0,
    });
    let Value::Object(changed) = changed else { panic!("an object") };
    for (key, value) in changed {
        leg[key] = value;
    }
    leg
}

fn mode(mode: &str, first: Value, second: Value) -> Value {
    let quote = json!({
        "lean_base": 0, "lean_times": "1", "lean_price": "worst", "when_thin": "pull",
        "slop_inside": "0", "slop_outside": "0", "reload": "0",
        "min_reprice": 0, "max_reprice": 5, "raise_by": 1,
        "range": 0, "outside": "pull", "refresh_ns": 0, "rest_within_ns": 1_000,
    });
    let quote = if mode == "quoting" { quote } else { Value::Null };
    json!({ "mode": mode, "legs": [leg(first), leg(second)], "quote": quote })
}

fn follower(changed: Value) -> Value {
    mode("sequential", json!({ "leads": true }), changed)
}

fn both(changed: Value) -> Value {
    let Value::Object(mut changed) = changed else { panic!("an object") };
    changed.insert("leads".to_owned(), json!(true));
    mode("quoting", json!({ "leads": true }), Value::Object(changed))
}

fn reads(value: Value) -> Result<Config, ConfigError> {
    let mut json = gold();
    json["limits"]["hedges"]["gold"]["messages"] = json!(200);
    for venue in json["venues"].as_array_mut().unwrap() {
        venue["rests"] = json!("gtc");
    }
    *json.pointer_mut(WHERE).unwrap() = value;
    read(&json)
}

fn flawed(value: Value, words: &str) {
    let told = value.to_string();
    let problem = reads(value).err().unwrap_or_else(|| panic!("took {told}"));
    assert_eq!(problem.field, path(WHERE), "{problem}");
    assert!(problem.expected.contains(words), "{problem}");
}

fn wrong(value: Value, field: &str, words: &str) {
    let told = value.to_string();
    let problem = reads(value).err().unwrap_or_else(|| panic!("took {told}"));
    assert_eq!(problem.field, format!("{}.legs[1].{field}", path(WHERE)), "{problem}");
    assert!(problem.expected.contains(words), "{problem}");
}

fn good(value: Value) -> Legging {
    let config = reads(value).unwrap();
    let id = config.hedges.ids().next().unwrap();
    config.policy.hedges[id].legging
}

#[test]
fn what_a_leg_says_without_following_is_refused() {
    let words = "only for one with lots that follows another";
    let said = [
        json!({ "pay_up": 1 }),
        json!({ "chase": 1 }),
        json!({ "slip": 1 }),
        json!({ "slip": null, "slip_rate": "0.1" }),
        json!({ "slip_money": "1" }),
        json!({ "rests": true }),
        json!({ "convert": "always" }),
        json!({ "hedge_from": 1 }),
    ];
    for said in said {
        let mut leads = said.clone();
        leads["leads"] = json!(true);
        flawed(mode("sequential", json!({}), leads.clone()), words);
        flawed(mode("quoting", json!({}), leads), words);
        let first = json!({ "offset_ns": 5 });
        flawed(mode("simultaneous", first, said), words);
    }
    let later = json!({ "offset_ns": 5, "pay_up": 1, "slip": 1 });
    let _ = good(mode("simultaneous", json!({}), later));
    let _ = good(both(json!({ "pay_up": 1, "slip": 1 })));
}

#[test]
fn what_can_never_come_about_is_refused() {
    flawed(follower(json!({ "convert": "always" })), "rests beside another");
    flawed(
        mode("quoting", json!({ "leads": true }), json!({ "convert": "attempt" })),
        "rests beside another",
    );
    let later = json!({ "offset_ns": 5, "hedge_from": 2 });
    flawed(mode("simultaneous", json!({}), later), "hedge_from of 0");
    for key in ["chase_away", "chase_ahead", "take_after"] {
        flawed(follower(json!({ "slip": 1, "chase": 1, key: 1 })), "of 0 where rests is false");
    }
    for key in ["chase_away", "chase_ahead"] {
        flawed(follower(json!({ "rests": true, key: 1 })), "a chase or take_after");
        let _ = good(follower(json!({ "rests": true, key: 1, "take_after": 1 })));
        let _ = good(follower(json!({ "rests": true, key: 1, "chase": 1, "slip": 1 })));
    }
    let _ = good(both(json!({ "convert": "keep_queue", "hedge_from": 2 })));
}

#[test]
fn rules_of_legs_have_bounds() {
    wrong(follower(json!({ "slip": null })), "slip", "neither slip_money nor slip_rate");
    wrong(follower(json!({ "slip_money": "0" })), "slip_money", "of one lot, at least");
    wrong(follower(json!({ "slip_money": 5 })), "slip_money", "as text");
    for rate in ["0", "-0.1", "1.01"] {
        wrong(follower(json!({ "slip_rate": rate })), "slip_rate", "above 0");
    }
    let _ = good(follower(json!({ "slip_rate": "1" })));
    wrong(follower(json!({ "convert": "allways" })), "convert", "keep_queue");
    wrong(follower(json!({ "chase_away": -1 })), "chase_away", "0 for never");
    wrong(follower(json!({ "chase_ahead": -1 })), "chase_ahead", "0 for never");
    wrong(follower(json!({ "take_after": 1001 })), "take_after", "0 to 1000");
    wrong(follower(json!({ "hedge_from": -1 })), "hedge_from", "0 for any");
    let far = 10_000_000_i64 * 1_000;
    wrong(follower(json!({ "chase_away": far })), "chase_away", "0 for never");
    flawed(
        follower(json!({ "rests": true, "take_after": 1, "chase_away": 999_999_999 })),
        "the price_max",
    );
}

#[test]
fn the_least_slip_that_is_given_binds() {
    let rule = |changed| good(follower(changed)).legs[1];
    let at = |changed, price, tick| rule(changed).slip_at(Price(price), Money(tick));
    assert_eq!(at(json!({ "slip": 3, "chase": 1 }), 988, 10), 3);
    let all = || json!({ "slip": 3, "slip_money": "25", "slip_rate": "0.01" });
    let tick = 10_000_000_000;
    assert_eq!(at(all(), 988, tick), 2, "25 are two ticks of 10 and a half");
    assert_eq!(at(all(), 988, tick / 10), 3, "the ticks");
    assert_eq!(at(all(), 100, tick), 1, "1 % of 100");
    assert_eq!(at(all(), -199, tick), 1, "and of -199, rounded toward the price");
    assert_eq!(at(all(), 99, tick), 0);
    assert_eq!(at(all(), 988, 0), 0, "what has no value may not be given up");
    let money = json!({ "slip": null, "slip_money": "1000000000000000" });
    assert_eq!(at(money, 1, 1), i64::MAX);
    // Ticks never say less than pay_up; other bounds do.
    assert_eq!(at(json!({ "pay_up": 2, "slip": 1 }), 988, tick), 2);
    assert_eq!(at(json!({ "pay_up": 2, "slip": 9, "slip_money": "10" }), 988, tick), 1);
}

#[test]
fn a_staged_mode_is_read_as_it_was_written() {
    let full = json!({
        "pay_up": -1, "chase": 2, "slip": 7, "slip_money": "12.5", "slip_rate": "1/300",
        "rests": true, "convert": "keep_queue", "chase_away": 3, "chase_ahead": 40,
        "take_after": 5, "hedge_from": 6,
    });
    let bare = json!({ "slip": null, "slip_rate": "0.5", "rests": true, "chase": 1 });
    for value in [both(full), both(bare), follower(json!({ "hedge_from": 2, "pay_up": 3 }))] {
        let legging = good(value);
        let mut out = Writer::new();
        legging.write(&mut out);
        let bytes = out.into_bytes();
        let mut from = Reader::new(&bytes);
        assert_eq!(Legging::read(&mut from), Ok(legging));
        assert_eq!(from.finish(), Ok(()));
        for cut in 0..bytes.len() {
            assert!(Legging::read(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn the_bytes_of_a_leg_stay() {
    let legging = good(both(json!({
        "pay_up": -1, "chase": 2, "slip": 7, "slip_money": "12.5", "slip_rate": "1/300",
        "rests": true, "convert": "keep_queue", "chase_away": 3, "chase_ahead": 40,
        "take_after": 5, "hedge_from": 6,
    })));
    assert_eq!(legging.legs[1].slip_rate, Ratio::new(1, 300).ok());
    let mut out = Writer::new();
    legging.write(&mut out);
    let bytes = out.into_bytes();
    // Whether it is plain, the mode, then the legs.
    let first = 2 + 2 + 6 * 8 + 2 + 1 + 9 + 1 + 1;
    let leg = bytes[first..].iter().take(96);
    let hex = leg.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let told = [
        "0101",                                             // leads, rests
        "0000000000000000ffffffffffffffff0200000000000000", // offset, pay_up, chase
        "030000000000000028000000000000000600000000000000", // chase_away, chase_ahead, hedge_from
        "050003",                                           // take_after, convert
        "010700000000000000",                               // slip
        "0100dd0ee9020000000000000000000000",               // slip_money
        "0101000000000000002c01000000000000",               // slip_rate
    ];
    assert_eq!(hex, told.concat());
}

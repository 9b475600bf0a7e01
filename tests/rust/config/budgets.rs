//! Budgets of conduct: what a document may state, and what a policy made in Rust may.

use super::*;
use cross_market_core::conduct::{Budget, Budgets, Counted};

const OF: &str = "/limits/instruments/SHFE.au2602/conduct";

fn stated() -> Value {
    json!({
        "cancels_per_day": 450, "cancels_reserve": 50, "large_lots": 300,
        "large_cancels_per_day": 45, "large_cancels_reserve": 5, "opens_per_day": 2_800,
        "opens_reserve": 300, "self_trades_per_day": 3, "bursts_per_day": 8,
        "counts_ioc": false, "counts_fok": true, "counts_hedging": false,
    })
}

fn stated_but(change: impl Fn(&mut Value)) -> Value {
    let mut budgets = stated();
    change(&mut budgets);
    budgets
}

#[test]
fn budgets_are_read_as_stated() {
    let mut json = gold();
    *json.pointer_mut(OF).unwrap() = stated();
    let policy = read(&json).unwrap().policy;
    let budgets = policy.instruments[InstrumentId(0)].conduct.unwrap();
    assert_eq!(budgets.of(Counted::Cancels), Some(Budget { per_day: 450, reserve: 50 }));
    assert_eq!(budgets.of(Counted::LargeCancels), Some(Budget { per_day: 45, reserve: 5 }));
    assert_eq!(budgets.of(Counted::Opens), Some(Budget { per_day: 2_800, reserve: 300 }));
    assert_eq!(budgets.of(Counted::SelfTrades), Some(Budget { per_day: 3, reserve: 0 }));
    assert_eq!(budgets.of(Counted::Bursts), Some(Budget { per_day: 8, reserve: 0 }));
    assert_eq!(budgets.large_lots, 300);
    assert!(!budgets.counts_ioc && budgets.counts_fok && !budgets.counts_hedging);
}

#[test]
fn a_rule_that_does_not_exist_is_said_not_to() {
    let mut json = gold();
    json.pointer_mut("/limits/instruments/SHFE.au2602")
        .and_then(Value::as_object_mut)
        .unwrap()
        .remove("conduct");
    assert!(format!("{:?}", read(&json).unwrap_err()).contains("conduct"));
    taken(OF, &[json!(null), stated()]);
    for key in stated().as_object().unwrap().keys() {
        let mut json = gold();
        *json.pointer_mut(OF).unwrap() =
            stated_but(|of| drop(of.as_object_mut().unwrap().remove(key)));
        assert_eq!(read(&json).unwrap_err().field, path(&format!("{OF}/{key}")));
    }
    let none = |keys: &[&str]| stated_but(|of| keys.iter().for_each(|key| of[*key] = json!(null)));
    taken(
        OF,
        &[
            none(&["cancels_per_day", "cancels_reserve"]),
            none(&["large_lots", "large_cancels_per_day", "large_cancels_reserve"]),
            none(&["opens_per_day", "opens_reserve"]),
            none(&["self_trades_per_day"]),
            none(&["bursts_per_day"]),
        ],
    );
}

#[test]
fn budgets_have_bounds() {
    let at = |key: &str| format!("{OF}/{key}");
    let mut json = gold();
    *json.pointer_mut(OF).unwrap() = stated();
    let refused = |key: &str, expected: &str, values: &[Value]| {
        for value in values {
            let mut json = json.clone();
            *json.pointer_mut(&at(key)).unwrap() = value.clone();
            let why = format!("{:?}", read(&json).unwrap_err());
            assert!(why.contains(key) && why.contains(expected), "{key} {value}: {why}");
        }
    };
    refused("cancels_per_day", "cancels in a day", &[json!(0), json!(-1), json!("5"), json!(1.5)]);
    refused("cancels_reserve", "less than the budget, 450", &[json!(450)]);
    refused("cancels_reserve", "a part of it", &[json!(-1), json!(null)]);
    refused("large_lots", "large one", &[json!(0), json!(null)]);
    refused("large_cancels_reserve", "less than the budget, 45", &[json!(45)]);
    refused("opens_per_day", "lots opened", &[json!(0)]);
    refused("self_trades_per_day", "trades with itself", &[json!(0)]);
    refused("bursts_per_day", "bursts", &[json!(0)]);
    refused("counts_ioc", "", &[json!(null), json!(0)]);
}

#[test]
fn a_part_of_no_budget_is_refused() {
    for (budget, part) in [
        ("cancels_per_day", "cancels_reserve"),
        ("large_cancels_per_day", "large_cancels_reserve"),
        ("opens_per_day", "opens_reserve"),
    ] {
        let mut json = gold();
        *json.pointer_mut(OF).unwrap() = stated_but(|of| of[budget] = json!(null));
        let problem = read(&json).unwrap_err();
        assert_eq!(problem.field, path(&format!("{OF}/{part}")));
        assert!(problem.expected.contains("no such budget"), "{problem}");
    }
}

#[test]
fn where_positions_are_netted_nothing_says_what_opens() {
    let mut json = gold();
    let place = "/limits/instruments/COMEX.GCG6/conduct";
    *json.pointer_mut(place).unwrap() = stated();
    assert!(format!("{:?}", read(&json).unwrap_err()).contains("netted"));
    *json.pointer_mut(place).unwrap() = stated_but(|of| {
        of["opens_per_day"] = json!(null);
        of["opens_reserve"] = json!(null);
    });
    assert!(read(&json).is_ok());
}

#[test]
fn a_policy_made_in_rust_states_such_budgets_too() {
    let config = read(&gold()).unwrap();
    let mut engine = Engine::new(&config, Time(1)).unwrap();
    let mut json = gold();
    *json.pointer_mut(OF).unwrap() = stated();
    let sound = read(&json).unwrap().policy.instruments[InstrumentId(0)].conduct.unwrap();
    let mut say = |conduct: Budgets| {
        let mut policy = config.policy.clone();
        policy.instruments[InstrumentId(0)].conduct = Some(conduct);
        let verb = Verb::Policy(Box::new(policy));
        let control = Control { actor: Note::new("desk").unwrap(), verb };
        engine.handle(Time(1), &Event::Control(Box::new(control)), &mut Vec::new()).is_ok()
    };
    assert!(say(sound));
    assert!(!say(Budgets { cancels: Some(Budget { per_day: 5, reserve: 5 }), ..sound }));
    assert!(!say(Budgets { opens: Some(Budget { per_day: 0, reserve: 0 }), ..sound }));
    assert!(!say(Budgets { large_lots: 0, ..sound }));
    assert!(!say(Budgets { large_cancels: None, ..sound }));
    assert!(!say(Budgets { self_trades: Some(0), ..sound }));
    assert!(!say(Budgets { bursts: Some(u32::MAX), ..sound }));
}

//! A hedge that names its next.

use serde_json::{Value, json};

use super::read;

const ROLL: &str = include_str!("../../scenarios/configs/roll.json");

/// The document of the stories, changed.
fn changed(change: impl FnOnce(&mut Value)) -> Result<(), (String, String)> {
    let mut document: Value = serde_json::from_str(ROLL).unwrap();
    change(&mut document);
    read(&document).map(|_| ()).map_err(|problem| (problem.field, problem.expected))
}

fn refused(words: &str, change: impl FnOnce(&mut Value)) {
    let (field, expected) = changed(change).unwrap_err();
    assert_eq!(field, "hedges[0].next", "{expected}");
    assert!(expected.contains(words), "{expected}");
}

#[test]
fn what_expires_turns_round_and_what_stays_does_not_trade() {
    let document: Value = serde_json::from_str(ROLL).unwrap();
    let config = read(&document).unwrap();
    let [near, far] = [0, 1].map(|at| config.hedges.iter().nth(at).unwrap());
    let roll = near.roll.as_ref().unwrap();
    assert!(far.roll.is_none());
    assert_eq!(roll.plan.legs.len(), 3);
    assert_eq!(roll.plan.goal(2), [0, -2, 2, 0, 0, 0, 0, 0]);
    assert_eq!(roll.plan.goal(-2), [0, 2, -2, 0, 0, 0, 0, 0]);
    assert_eq!(roll.own_legs(), 2);
    assert_eq!([0, 1, 2].map(|at| roll.entered_at(at).map(|leg| leg.0)), [None, None, Some(1)]);
    assert_eq!(roll.place_of(roll.entered_at(2).unwrap()), Some(2));
    let costs: Vec<_> = config.policy.hedges.iter().map(|limits| limits.max_roll_cost).collect();
    assert_eq!(costs.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_next_hedge_must_fit() {
    assert_eq!(changed(|_| {}), Ok(()));
    refused("lead back", |json| json["hedges"][0]["next"] = json!("near"));
    refused("another instrument", |json| json["hedges"][1]["legs"][1]["instrument"] = json!("y"));
    refused("same side", |json| {
        json["hedges"][1]["legs"][0]["side"] = json!("buy");
        json["hedges"][1]["legs"][1]["side"] = json!("sell");
    });
    refused("units", |json| {
        json["hedges"][1]["legs"][0]["units_per_lot"] = json!("20");
        json["hedges"][1]["legs"][1]["units_per_lot"] = json!("20");
    });
    refused("as many legs", |json| {
        let third = json!({"instrument": "y", "account": "b", "side": "buy", "lots": null,
            "weight": "1", "units_per_lot": "10"});
        json["hedges"][1]["legs"].as_array_mut().unwrap().push(third);
    });
    let (field, expected) = changed(|json| json["hedges"][0]["next"] = json!("fra")).unwrap_err();
    assert_eq!(field, "hedges[0].next");
    assert!(expected.contains("far"), "{expected}");
}

#[test]
fn a_circle_is_refused() {
    refused("lead back", |json| {
        json["hedges"][1]["next"] = json!("near");
        json["limits"]["hedges"]["far"]["max_roll_cost"] = json!("60");
    });
}

#[test]
fn the_cost_of_a_set_has_a_limit_where_there_is_a_next_and_nowhere_else() {
    let at = |hedge: &str, value: Value| {
        let path = format!("limits.hedges.{hedge}.max_roll_cost");
        let (field, _) = changed(|json| {
            json["limits"]["hedges"][hedge]["max_roll_cost"] = value;
        })
        .unwrap_err();
        assert_eq!(field, path);
    };
    at("near", json!(null));
    at("near", json!("0"));
    at("far", json!("60"));
}

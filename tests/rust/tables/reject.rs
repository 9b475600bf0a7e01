//! The table of reject classes: what follows from each.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cross_market_core::order::{Action, Pause, RejectClass};
use cross_market_core::record::Code;

use super::pin;

fn follows(action: Action) -> &'static str {
    match action {
        Action::Retry => "what is missing is sent again at once, within the tries of the leg",
        Action::Query => {
            "the venue is asked; nothing is sent again, and it is not taken for the end of the order"
        }
        Action::Shrink => {
            "what is missing is sent again, half as large at most; below the smallest size of the \
             contract the leg trades no further that way"
        }
        Action::Resplit => {
            "where today's lots are told from earlier ones: sent again by the other effect; a \
             second no, or another venue: the leg trades no further that way"
        }
        Action::BackOff => {
            "nothing leaves there until the pause ends; repair waits for it where it ends before \
             the attempt, else it takes the other way"
        }
        Action::TurnBack => "the leg trades no further that way: repair takes the other way",
        Action::HaltAccount => "HALT of the account, its orders are cancelled, alarm",
        Action::RestrictHedge => "RESTRICT of the hedge, alarm; the leg trades no further that way",
    }
}

fn pause(class: RejectClass) -> &'static str {
    match class.pauses() {
        Pause::None => "—",
        Pause::Instrument => "in the contract",
        Pause::Account => "in the account",
        Pause::Venue => "at the venue",
    }
}

#[test]
fn the_page_says_what_follows_from_each_class() {
    let mut text = String::from(
        "# Rejected orders\n\n\
         What follows from an order that a venue rejects, by class. This page is written and \
         compared by\n`tests/rust/tables.rs`. `cross_market.venues.reject_class` finds the class of \
         a venue's own code.\n\n\
         Whatever the class, no order follows before the rejected one is proven done, none is \
         larger than\nwhat is missing, and tries, messages, time and loss stay inside the bounds of \
         the attempt. A venue\nthat cancels an order for money or a limit is told as one that \
         rejects it.\n\n\
         | class | action | what follows | nothing new is entered for a while |\n|---|---|---|---|\n",
    );
    for class in RejectClass::ALL {
        let action = class.action();
        let row = (class.name(), action.name(), follows(action), pause(class));
        writeln!(text, "| `{}` | {} | {} | {} |", row.0, row.1, row.2, row.3).unwrap();
    }
    text.push_str(
        "\nA pause lasts as long as the venue's time between two queries; the next in a row is twice \
         as long, up\nto 64 times; an order that the venue takes ends the row. With `back_off` it \
         keeps back every order,\notherwise only new sets. All but `retry` and `query` are told as \
         `rejected`, with the venue's own code;\nan order that is sent again smaller, as \
         `reissued`.\n\n\
         Of a rejected cancel the order is as it was before: `too_late` and `unknown_order` have it \
         asked\nabout, `rate` and `link` begin a pause, `permission` halts the account.\n",
    );
    pin("rejects.md", &text);
}

#[test]
fn classes_and_actions_have_codes_and_names_of_their_own() {
    for (place, class) in RejectClass::ALL.iter().enumerate() {
        assert_eq!(usize::from(class.code()), place);
        assert_eq!(<RejectClass as Code>::from_code(class.code()), Some(*class));
    }
    for (place, action) in Action::ALL.iter().enumerate() {
        assert_eq!(usize::from(action.code()), place);
        let used = RejectClass::ALL.iter().any(|class| class.action() == *action);
        assert!(used, "no class leads to {}", action.name());
    }
    let names: BTreeSet<&str> = Action::ALL.iter().map(|action| action.name()).collect();
    assert_eq!(names.len(), Action::ALL.len());
}

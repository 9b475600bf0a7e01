//! Lots that two hedges cross: runs where two hedges want opposite lots of the same legs, and what
//! must hold whenever something crosses.

use std::collections::BTreeMap;

use cross_market_core::command::{Alert, AlertCode, Command, Subject};
use cross_market_core::config::Config;
use cross_market_core::gate::Policy;
use cross_market_core::ids::{AccountId, ClientOrderId, InstrumentId};
use cross_market_core::num::{Price, Ratio, Side};
use cross_market_core::signal::{Band, Rule};

use crate::random::Random;

/// One run in so many is such a run.
const SELDOM: u64 = 16;

/// How the second hedge of such a run wants what the first gives, in thousandths of the swing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opposed {
    enter: i64,
    exit: i64,
    mirror: bool,
    only_one: bool,
}

/// Whether a run is such a run, and how; from a stream of its own, so that all others stay as they
/// are.
pub(crate) fn draw(seed: u64) -> Option<Opposed> {
    let mut random = Random::stream(seed, 9);
    (random.below(SELDOM) == 0).then(|| Opposed {
        enter: random.between(-1_400, 300),
        exit: random.between(150, 500),
        mirror: random.below(2) == 0,
        only_one: random.below(10) == 0,
    })
}

impl Opposed {
    /// Gives the rule of the second hedge, whose legs are turned round, bands that stand where
    /// those of the first may stand too.
    pub(crate) fn set_bands(&self, rule: &mut Rule, level: impl Fn(i64) -> Ratio) {
        let (enter, exit) = (self.enter, self.enter - self.exit);
        (rule.plus, rule.mirror) = if self.mirror {
            (None, Some(Band { enter: level(-enter), exit: level(-exit) }))
        } else {
            (Some(Band { enter: level(enter), exit: level(exit) }), None)
        };
    }

    /// Lets both hedges cross, or now and then only the first.
    pub(crate) fn permit(&self, config: &mut Config) {
        for (at, limits) in config.policy.hedges.iter_mut().enumerate() {
            limits.crossing = at == 0 || !self.only_one;
        }
    }
}

fn alerts(commands: &[Command]) -> impl Iterator<Item = &Alert> {
    commands.iter().filter_map(|command| match command {
        Command::Alert(alert) => Some(alert),
        Command::Place(_)
        | Command::Amend(_)
        | Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_) => None,
    })
}

/// What was wrong about the lots that crossed in one step: what one gives another receives, at one
/// price between the touches, of hedges that cross and begin in that very step; and neither sends
/// an order into the market that the other's could meet.
pub(crate) fn flaws(
    config: &Config,
    policy: &Policy,
    commands: &[Command],
    best: &dyn Fn(InstrumentId, Side) -> Option<Price>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut sums: BTreeMap<(AccountId, InstrumentId, i128), i128> = BTreeMap::new();
    for alert in alerts(commands).filter(|alert| alert.code == AlertCode::Crossed) {
        let Subject::Hedge(hedge) = alert.subject else {
            found.push(format!("no hedge: {alert:?}"));
            continue;
        };
        let begins = alerts(commands).any(|other| {
            let of = |decision: ClientOrderId| decision.hedge() == hedge;
            other.code == AlertCode::AttemptStarted
                && matches!(other.subject, Subject::Attempt(decision) if of(decision))
        });
        let wants = policy.hedges.get(hedge).is_some_and(|limits| limits.crossing);
        let plan = config.hedges.get(hedge).map(|hedge| &hedge.plan);
        let leg = plan.and_then(|plan| plan.legs.get(usize::from(alert.detail)));
        let rolled = alerts(commands).any(|other| crate::rolls::ends(config, other, hedge));
        let Some(leg) = leg.filter(|_| rolled || begins && wants) else {
            found.push(format!("begins {begins}, wants {wants}: {alert:?}"));
            continue;
        };
        *sums.entry((leg.account, leg.instrument, alert.limit)).or_default() += alert.value;
        if rolled {
            continue;
        }
        let price = |side| best(leg.instrument, side).map(|price| i128::from(price.0));
        let between = price(Side::Buy).is_some_and(|bid| bid <= alert.limit)
            && price(Side::Sell).is_some_and(|ask| alert.limit <= ask);
        if !between {
            found.push(format!("beyond the touches: {alert:?}"));
        }
        let sends = |side| {
            commands.iter().any(|command| {
                matches!(command, Command::Place(place)
                    if (place.instrument, place.side) == (leg.instrument, side))
            })
        };
        if sends(Side::Buy) && sends(Side::Sell) {
            found.push(format!("both sides in the market: {alert:?}"));
        }
    }
    let open = sums.iter().filter(|(_, lots)| **lots != 0);
    found.extend(open.map(|(of, lots)| format!("{lots} lots too many: {of:?}")));
    found
}

//! A pool that some accounts draw on: leases of its money, told, renewed, made smaller and let go.

use cross_market_core::config::Config;
use cross_market_core::event::Verb;
use cross_market_core::funds::Lease;
use cross_market_core::num::Money;
use cross_market_core::time::{Span, Time};

use crate::random::Random;

/// Accounts of every sixth desk draw on a pool; what they are told of it, and when.
pub(crate) fn draw(
    seed: u64,
    config: &mut Config,
    balances: &[Money],
    lasts: Span,
    start: Time,
) -> Vec<(Span, Verb)> {
    let mut random = Random::stream(seed, 22);
    let mut verbs = Vec::new();
    if random.below(6) > 0 {
        return verbs;
    }
    for (account, balance) in config.accounts.ids().zip(balances) {
        let Some(of) = config.accounts.get_mut(account).filter(|_| random.below(3) > 0) else {
            continue;
        };
        of.terms.leased = true;
        let mut epoch = 1;
        let mut at = if random.below(4) == 0 { random.between(0, lasts.0) } else { 0 };
        for _ in 0..random.between(1, 6) {
            // Mostly enough, now and then nothing.
            let amount = Money(balance.0.max(8) / 8 * i128::from(random.between(0, 12)));
            let until = start + Span(at) + Span(random.between(1, lasts.0.max(2)));
            let posted = Money::ZERO;
            verbs.push((Span(at), Verb::Lease(Lease { account, amount, posted, epoch, until })));
            epoch += u64::from(random.below(3) == 0);
            at += random.between(0, lasts.0 / 2);
        }
    }
    verbs.retain(|(at, _)| at.0 <= lasts.0);
    verbs
}

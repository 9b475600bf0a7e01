//! Money for an account that reached a level: asked for over the routes that are declared to, by
//! the step that sees it, before anything is given back.

use super::Engine;
use crate::command::{Alert, AlertCode, Command, Subject, Urgency};
use crate::config::{Route, TopUp};
use crate::funds::Transfer;
use crate::ids::AccountId;
use crate::num::{Money, div_ceil};
use crate::threshold::Level;

impl Engine {
    /// Asks for what an account lacks, over its routes that top up from `level` on, in their order:
    /// as much as the first gives, the rest of the next. What is on its way counts as there.
    pub(super) fn top_up(&mut self, account: AccountId, level: Level, out: &mut Vec<Command>) {
        let mut lacks = Money::ZERO;
        let before = self.funds.coming(account);
        for at in 0..self.config.routes.len() {
            let Some(route) = self.config.routes.get(at) else { continue };
            let Some(top_up) = route.top_up.filter(|of| route.to == account && level >= of.at)
            else {
                continue;
            };
            let missing = self.lacks(account, &top_up) - self.funds.coming(account);
            lacks = lacks.max(missing + self.funds.coming(account) - before);
            if let Some(transfer) = self.topping(route, &top_up, missing) {
                self.ask_transfer(&transfer, out);
            }
        }
        if lacks <= Money::ZERO {
            return;
        }
        let asked = self.funds.coming(account) - before;
        let urgency = if asked >= lacks { Urgency::Info } else { Urgency::Alarm };
        let (code, refusal, subject) = (AlertCode::TopUp, None, Subject::Account(account));
        let (detail, value, limit) = (level.code(), lacks.0, asked.0);
        self.changed = true;
        out.push(Command::Alert(Alert { code, urgency, refusal, detail, subject, value, limit }));
        // Where the money leaves, other numbers have moved.
        self.watch.moved();
    }

    /// What an account lacks for its usage to come to where a route tops it up, now and as if it were
    /// settled, and for nothing to be short.
    fn lacks(&self, account: AccountId, to: &TopUp) -> Money {
        let view = self.money(account);
        let margin = view.margin.max(self.projected_margin(account));
        let equity =
            Money(div_ceil(margin.0 * i128::from(to.usage.den()), i128::from(to.usage.num())));
        (equity - view.equity).max(Money::ZERO - view.available)
    }

    /// A transfer of what is missing, in whole steps, as far as the route and the money where it
    /// leaves allow.
    fn topping(&self, route: &Route, top_up: &TopUp, missing: Money) -> Option<Transfer> {
        // Money of a pool is the pool's to move.
        if missing <= Money::ZERO || self.config.accounts[route.from].terms.leased {
            return None;
        }
        let step = top_up.step.0;
        let there = self.funds.withdrawable(route.from, self.worth(route.from)) - top_up.keep;
        let most = there.min(route.most).0.max(0) / step * step;
        let wanted = div_ceil(missing.0.max(route.least.0), step) * step;
        let amount = Money(wanted.min(most));
        if amount < route.least {
            return None;
        }
        let id = self.funds.next_own_transfer(self.config.engine, self.run)?;
        Some(Transfer { id, from: route.from, to: route.to, amount })
    }
}

//! Funds against plain vectors, where every question is answered by looking at everything.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Hold { needs: Vec<(u64, u16, i128)>, reducing: bool },
    Draw { decision: u64, need: (u64, u16, i128) },
    Take { order: u64, amount: i128 },
    Share { order: u64, filled: i64, leaves: i64 },
    Void(u64),
    Quarantine(u64),
    Trade { account: u16, money: [i128; 4] },
    Variation { account: u16, amount: i128 },
    SetMargin { account: u16, amount: i128 },
    Cash { account: u16, kind: u8, amount: i128 },
    Unrealised { account: u16, amount: i128 },
}

/// Ids of two hedges, few enough to meet again; try 0 of leg 0 is a decision id.
fn id() -> impl Strategy<Value = u64> {
    (0_u16..2, 1_u32..5, 0_u8..2, 0_u16..3).prop_map(|(hedge, attempt, leg, attempt_try)| {
        let hedge = HedgeId(hedge);
        ClientOrderId::pack(1, 1, hedge, attempt, LegId(leg), attempt_try).unwrap().0
    })
}

fn act() -> impl Strategy<Value = Act> {
    let need = || (id(), 0_u16..2, -1_i128..60);
    prop_oneof![
        4 => (prop::collection::vec(need(), 1..4), any::<bool>())
            .prop_map(|(needs, reducing)| Act::Hold { needs, reducing }),
        2 => (id(), need()).prop_map(|(decision, need)| Act::Draw { decision, need }),
        2 => (id(), -5_i128..60).prop_map(|(order, amount)| Act::Take { order, amount }),
        2 => (id(), 0_i64..4, 0_i64..4)
            .prop_map(|(order, filled, leaves)| Act::Share { order, filled, leaves }),
        2 => id().prop_map(Act::Void),
        1 => id().prop_map(Act::Quarantine),
        1 => (0_u16..2, [-9_i128..9, -9_i128..9, -9_i128..9, -9_i128..9])
            .prop_map(|(account, money)| Act::Trade { account, money }),
        1 => (0_u16..2, -9_i128..9)
            .prop_map(|(account, amount)| Act::Variation { account, amount }),
        1 => (0_u16..2, 0_i128..90)
            .prop_map(|(account, amount)| Act::SetMargin { account, amount }),
        1 => (0_u16..2, 0_u8..6, 0_i128..400)
            .prop_map(|(account, kind, amount)| Act::Cash { account, kind, amount }),
        1 => (0_u16..2, -50_i128..50)
            .prop_map(|(account, amount)| Act::Unrealised { account, amount }),
    ]
}

#[derive(Clone, Debug)]
struct SlowHold {
    order: u64,
    account: usize,
    amount: i128,
    left: i128,
    quarantined: bool,
}

/// Plain vectors, every question answered by looking at everything.
#[derive(Clone, Debug)]
struct Slow {
    /// Available, margin, and the sum of all that came in from outside, by account.
    available: Vec<i128>,
    margin: Vec<i128>,
    outside: Vec<i128>,
    unrealised: Vec<i128>,
    holds: Vec<SlowHold>,
    ever: Vec<u64>,
}

const HOLDS_MAX: usize = 6;

impl Slow {
    fn locked(&self, account: usize, quarantined: bool) -> i128 {
        let holds = self.holds.iter().filter(|hold| hold.account == account);
        holds.filter(|hold| hold.quarantined == quarantined).map(|hold| hold.left).sum()
    }

    fn balance(&self, account: usize) -> i128 {
        let locked = self.locked(account, false) + self.locked(account, true);
        self.available[account] + self.margin[account] + locked
    }

    fn is_used(&self, order: u64) -> bool {
        let same = |other: &&u64| (**other ^ order) & 0xFFFF_FFFC_0000_E000 == 0;
        self.ever.iter().filter(same).any(|other| *other >= order)
    }

    fn state_of(&self, order: u64, account: usize, amount: i128) -> &'static str {
        let decision = is_decision(order);
        let same = |hold: &&SlowHold| hold.order == order && (!decision || hold.account == account);
        match self.holds.iter().find(same) {
            Some(hold) if hold.account == account && hold.amount == amount => "exists",
            Some(_) => "different",
            None if self.is_used(order) => "duplicate",
            None => "new",
        }
    }

    /// The word for what a hold of these needs must give; "new" has been applied.
    fn hold(&mut self, needs: &[(u64, u16, i128)], cap: Option<(i128, i128)>) -> &'static str {
        let mut states = Vec::new();
        for (at, (order, account, amount)) in needs.iter().enumerate() {
            if *amount < 0 {
                return "negative";
            }
            let twice = |(other, owner, _): &(u64, u16, i128)| {
                other == order && (!is_decision(*order) || owner == account)
            };
            if needs[..at].iter().any(twice) {
                return "duplicate";
            }
            match self.state_of(*order, usize::from(*account), *amount) {
                refused @ ("different" | "duplicate") => return refused,
                state => states.push(state),
            }
        }
        if states.iter().all(|state| *state == "exists") {
            return "exists";
        }
        if states.contains(&"exists") {
            return "different";
        }
        if self.holds.len() + needs.len() > HOLDS_MAX {
            return "full";
        }
        for account in 0..2 {
            let named = needs.iter().filter(|(_, owner, _)| usize::from(*owner) == account);
            let amounts: Vec<i128> = named.map(|(_, _, amount)| *amount).collect();
            let sum: i128 = amounts.iter().sum();
            if amounts.is_empty() {
                continue;
            }
            if sum > 0 && sum > self.available[account] {
                return "short";
            }
            let equity = self.balance(account) + self.unrealised[account].min(0);
            let used = self.balance(account) - self.available[account] + sum;
            if cap.is_some_and(|(num, den)| used * den > equity * num) {
                return "short";
            }
        }
        for (order, account, amount) in needs {
            self.insert(*order, usize::from(*account), *amount);
            self.available[usize::from(*account)] -= amount;
        }
        "new"
    }

    fn insert(&mut self, order: u64, account: usize, amount: i128) {
        self.holds.push(SlowHold { order, account, amount, left: amount, quarantined: false });
        self.ever.push(order);
    }

    fn draw(&mut self, decision: u64, (order, account, amount): (u64, u16, i128)) -> &'static str {
        let account = usize::from(account);
        if amount < 0 {
            return "negative";
        }
        match self.state_of(order, account, amount) {
            "new" => {}
            state => return state,
        }
        if self.holds.len() == HOLDS_MAX {
            return "full";
        }
        let reserve = |hold: &&mut SlowHold| {
            hold.order == decision && hold.account == account && is_decision(decision)
        };
        let mut reserve = self.holds.iter_mut().find(reserve);
        let drawn = reserve.as_ref().map_or(0, |hold| hold.left.min(amount));
        if amount > drawn && amount - drawn > self.available[account] {
            return "short";
        }
        if let Some(hold) = &mut reserve {
            hold.left -= drawn;
        }
        self.available[account] -= amount - drawn;
        self.insert(order, account, amount);
        "new"
    }

    fn no_hold(&self, order: u64) -> NoHold {
        if self.is_used(order) { NoHold::AlreadyResolved } else { NoHold::Never }
    }

    fn take(&mut self, order: u64, amount: impl Fn(i128) -> i128) -> Result<i128, NoHold> {
        if is_decision(order) {
            return Err(NoHold::Never);
        }
        let gone = self.no_hold(order);
        let hold = self.holds.iter_mut().find(|hold| hold.order == order).ok_or(gone)?;
        let freed = amount(hold.left).clamp(0, hold.left);
        hold.left -= freed;
        self.available[hold.account] += freed;
        Ok(freed)
    }

    fn void(&mut self, order: u64) -> Result<i128, NoHold> {
        let gone = self.no_hold(order);
        let (ended, rest): (Vec<_>, Vec<_>) =
            self.holds.drain(..).partition(|hold| hold.order == order);
        self.holds = rest;
        for hold in &ended {
            self.available[hold.account] += hold.left;
        }
        if ended.is_empty() { Err(gone) } else { Ok(ended.iter().map(|hold| hold.left).sum()) }
    }

    fn quarantine(&mut self, order: u64) -> Result<i128, NoHold> {
        if is_decision(order) {
            return Err(NoHold::Never);
        }
        let gone = self.no_hold(order);
        let hold = self.holds.iter_mut().find(|hold| hold.order == order).ok_or(gone)?;
        let moved = if hold.quarantined { 0 } else { hold.left };
        hold.quarantined = true;
        Ok(moved)
    }

    fn gain(&mut self, account: usize, amount: i128) {
        self.available[account] += amount;
        self.outside[account] += amount;
    }
}

fn is_decision(order: u64) -> bool {
    ClientOrderId(order).decision().0 == order
}

fn word(result: Result<Held, HoldError>) -> &'static str {
    match result {
        Ok(Held::New) => "new",
        Ok(Held::Exists) => "exists",
        Err(HoldError::Short(_)) => "short",
        Err(HoldError::ExistsDifferent { .. }) => "different",
        Err(HoldError::Duplicate { .. }) => "duplicate",
        Err(HoldError::Negative { .. }) => "negative",
        Err(HoldError::Full { .. }) => "full",
    }
}

fn needs_of(needs: &[(u64, u16, i128)]) -> Vec<Need> {
    let need = |(order, account, amount): &(u64, u16, i128)| Need {
        order: ClientOrderId(*order),
        account: AccountId(*account),
        amount: Money(*amount),
        frees: Money::ZERO,
    };
    needs.iter().map(need).collect()
}

/// Does one act to both; gives whether it was refused.
fn act_on(funds: &mut Funds, slow: &mut Slow, act: &Act) -> bool {
    let caps = Table::new(vec![ratio("0.9"); 2]);
    let paper = |amount: &i128| Worth { paper: Money(*amount), ..Worth::default() };
    let paper = Table::new(slow.unrealised.iter().map(paper).collect());
    let same = |found: Result<Money, NoHold>, expected: Result<i128, NoHold>| {
        assert_eq!(found, expected.map(Money), "{act:?}");
        found.is_err()
    };
    match act {
        Act::Hold { needs, reducing } => {
            let asked = needs_of(needs);
            let (found, cap) = if *reducing {
                (funds.hold_reducing(&asked), None)
            } else {
                (funds.hold(&asked, &caps, &paper), Some((9, 10)))
            };
            assert_eq!(word(found), slow.hold(needs, cap), "{found:?}");
            found != Ok(Held::New)
        }
        Act::Draw { decision, need } => {
            let found = funds.draw(ClientOrderId(*decision), &needs_of(&[*need])[0]);
            assert_eq!(word(found), slow.draw(*decision, *need), "{found:?}");
            found != Ok(Held::New)
        }
        Act::Take { order, amount } => {
            let found = funds.take(ClientOrderId(*order), Money(*amount));
            same(found, slow.take(*order, |_| *amount))
        }
        Act::Share { order, filled, leaves } => {
            let found = funds.take_share(ClientOrderId(*order), qty(*filled), qty(*leaves));
            let part = |left: i128| match (*filled, *leaves) {
                (0, _) => 0,
                (filled, leaves) if filled >= leaves => left,
                (filled, leaves) => left * i128::from(filled) / i128::from(leaves),
            };
            same(found, slow.take(*order, part))
        }
        Act::Void(order) => same(funds.void(ClientOrderId(*order)), slow.void(*order)),
        Act::Quarantine(order) => {
            same(funds.quarantine(ClientOrderId(*order)), slow.quarantine(*order))
        }
        Act::Trade { .. }
        | Act::Variation { .. }
        | Act::SetMargin { .. }
        | Act::Cash { .. }
        | Act::Unrealised { .. } => {
            book_on(funds, slow, act);
            false
        }
    }
}

fn book_on(funds: &mut Funds, slow: &mut Slow, act: &Act) {
    match act {
        Act::Trade { account, money } => {
            let [fee, result, cash_value, margin_change] = *money;
            let posted = TradeMoney {
                fee: Money(fee),
                result: Money(result),
                cash_value: Money(cash_value),
                locked: None,
                margin_change: Money(margin_change),
            };
            funds.trade(AccountId(*account), &posted);
            let account = usize::from(*account);
            slow.gain(account, result + cash_value - fee);
            slow.available[account] -= margin_change;
            slow.margin[account] += margin_change;
        }
        Act::Variation { account, amount } => {
            funds.variation(AccountId(*account), Money(*amount));
            slow.gain(usize::from(*account), *amount);
        }
        Act::SetMargin { account, amount } => {
            funds.set_margin(AccountId(*account), Money(*amount));
            let account = usize::from(*account);
            slow.available[account] += slow.margin[account] - amount;
            slow.margin[account] = *amount;
        }
        Act::Cash { account, kind, amount } => {
            let kinds = [
                CashKind::Opening,
                CashKind::Balance,
                CashKind::Transfer,
                CashKind::Funding,
                CashKind::Interest,
                CashKind::Fee,
            ];
            let kind = kinds[usize::from(*kind)];
            let (account, amount) = (AccountId(*account), Money(*amount));
            let ours = slow.balance(account.index());
            let news = Cash { account, exchange: Time(0), kind, amount, transfer: None };
            let drift = funds.cash(&news, Money(100));
            let change = match kind {
                CashKind::Opening => amount.0 - ours,
                CashKind::Balance if (amount.0 - ours).abs() > 100 => amount.0 - ours,
                CashKind::Balance => 0,
                CashKind::Transfer | CashKind::Funding | CashKind::Interest => amount.0,
                CashKind::Fee => -amount.0,
                CashKind::Left | CashKind::Arrived | CashKind::Failed | CashKind::Collateral => {
                    panic!("{kind:?} is not drawn")
                }
            };
            assert_eq!(drift.is_some(), kind == CashKind::Balance && change != 0);
            slow.gain(account.index(), change);
        }
        Act::Unrealised { account, amount } => slow.unrealised[usize::from(*account)] = *amount,
        Act::Hold { .. }
        | Act::Draw { .. }
        | Act::Take { .. }
        | Act::Share { .. }
        | Act::Void(_)
        | Act::Quarantine(_) => panic!("not of this kind"),
    }
}

fn all_buckets(funds: &Funds) -> Vec<Vec<Money>> {
    let of = |account| Bucket::ALL.map(|bucket| funds.bucket(account, bucket)).to_vec();
    [NEAR, FAR].map(of).to_vec()
}

fn funds_digest(funds: &Funds) -> Vec<u8> {
    let mut writer = Writer::new();
    funds.digest(&mut writer);
    writer.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every act gives what the slow model gives; a refused one changes nothing; the postings of
    /// each event are what the buckets changed by; external buckets hold what came in.
    #[test]
    fn funds_are_what_the_slow_model_says(acts in prop::collection::vec(act(), 1..60)) {
        let mut funds = Funds::new(2, HOLDS_MAX);
        let mut slow = Slow {
            available: vec![0; 2],
            margin: vec![0; 2],
            outside: vec![0; 2],
            unrealised: vec![0; 2],
            holds: Vec::new(),
            ever: Vec::new(),
        };
        for account in [NEAR, FAR] {
            let amount = Money(200);
            let kind = CashKind::Opening;
            funds.cash(&Cash { account, exchange: Time(0), kind, amount, transfer: None }, Money::ZERO);
            slow.gain(account.index(), 200);
        }
        for act in &acts {
            funds.begin_event();
            let (mut before, digest) = (all_buckets(&funds), funds_digest(&funds));
            let refused = act_on(&mut funds, &mut slow, act);
            prop_assert!(!refused || funds_digest(&funds) == digest, "{:?}", act);
            for posting in funds.postings() {
                let buckets = &mut before[posting.account.index()];
                buckets[usize::from(posting.from.code())] -= posting.amount;
                buckets[usize::from(posting.to.code())] += posting.amount;
            }
            prop_assert_eq!(&before, &all_buckets(&funds));
            funds.balanced();
            funds.check();
            for account in [NEAR, FAR] {
                let at = account.index();
                prop_assert_eq!(funds.available(account).0, slow.available[at]);
                prop_assert_eq!(funds.held(account).0, slow.locked(at, false));
                prop_assert_eq!(funds.quarantined(account).0, slow.locked(at, true));
                prop_assert_eq!(funds.margin(account).0, slow.margin[at]);
                prop_assert_eq!(funds.balance(account).0, slow.outside[at]);
            }
        }
    }
}

//! Money under random operations: after each of them the core's ledgers are compared with a model of
//! plain numbers that has no buckets, and the money of every currency is added up.
//!
//! The model keeps what is ours in each account and what each hold has left. What came from outside
//! and went there is one number a currency: nothing else changes the sum of all accounts.

use std::collections::BTreeMap;

use cross_market_core::funds::{
    Asked, Bucket, Cash, CashKind, Funds, Held, HoldError, Need, NoHold, Relief, TradeMoney,
    Transfer, TransferId, TransferNews, TransferState, Worth,
};
use cross_market_core::ids::{AccountId, ClientOrderId, CurrencyId, HedgeId, Id, LegId, Table};
use cross_market_core::num::{Money, Qty, Ratio};
use cross_market_core::time::Time;

use crate::random::Random;

/// Accounts of a run; every third has the same currency.
const ACCOUNTS: usize = 9;
const CURRENCIES: usize = 3;
/// Holds that may live at once.
const HOLDS: usize = 48;
const HEDGES: u16 = 4;
/// How often everything is looked at, not only what an operation touched.
const WHOLE_EVERY: u64 = 1_024;

/// An account as the model sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Plain {
    available: i128,
    margin: i128,
    relief: i128,
    transit: i128,
}

/// A hold as the model sees it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    account: usize,
    left: i128,
    quarantined: bool,
}

/// A transfer as the model sees it: where its money stands.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: usize,
    to: usize,
    moved: i128,
    ended: i128,
    state: TransferState,
}

/// One run over a seed.
#[derive(Debug)]
pub struct Pool {
    random: Random,
    funds: Funds,
    accounts: [Plain; ACCOUNTS],
    /// By order; the reserve of a decision by its account too.
    holds: BTreeMap<(ClientOrderId, usize), Kept>,
    ways: Vec<(TransferId, Way)>,
    /// Ours in each currency, by what came from outside and went there.
    brought: [i128; CURRENCIES],
    attempts: [u32; 4],
    caps: Table<AccountId, Ratio>,
    worth: Table<AccountId, Worth>,
    operations: u64,
    /// How many operations were refused.
    pub refused: u64,
}

/// What an operation did that it must not.
pub type Found = Option<String>;

impl Pool {
    /// Accounts with some money each.
    #[must_use]
    pub fn new(seed: u64) -> Pool {
        let mut pool = Pool {
            random: Random::stream(seed, 0),
            funds: Funds::new(ACCOUNTS, HOLDS),
            accounts: [Plain::default(); ACCOUNTS],
            holds: BTreeMap::new(),
            ways: Vec::new(),
            brought: [0; CURRENCIES],
            attempts: [0; 4],
            caps: Table::new(vec![Ratio::ONE; ACCOUNTS]),
            worth: Table::new(vec![Worth::default(); ACCOUNTS]),
            operations: 0,
            refused: 0,
        };
        for account in 0..ACCOUNTS {
            pool.cash(account, CashKind::Opening, 1_000_000_000_000);
        }
        pool
    }

    /// Does one operation and looks at what it touched; what is wrong, if anything is.
    ///
    /// # Panics
    /// Where the core finds itself broken.
    pub fn step(&mut self) -> Found {
        self.operations += 1;
        self.funds.begin_event();
        let found = self.act();
        self.settle_reliefs();
        self.funds.balanced();
        if self.operations.is_multiple_of(WHOLE_EVERY) {
            self.funds.check();
        }
        found.or_else(|| self.compare())
    }

    fn act(&mut self) -> Found {
        match self.random.below(20) {
            0..=4 => self.hold(),
            5 | 6 => self.take(),
            7 | 8 => self.void(),
            9 => self.quarantine(),
            10 => self.draw(),
            11 => self.trade(),
            12 => self.small(),
            13 => self.margin(),
            14 => self.news(),
            15 | 16 => self.ask(),
            17 | 18 => self.told(),
            _ => self.relieve(),
        }
    }

    fn account(&mut self) -> usize {
        self.random.index(ACCOUNTS)
    }

    fn amount(&mut self, most: i64) -> i128 {
        i128::from(self.random.between(-most, most))
    }

    /// Books what came from outside, or went there, into what is free of an account.
    fn bring(&mut self, account: usize, amount: i128) {
        if let Some(plain) = self.accounts.get_mut(account) {
            plain.available += amount;
        }
        if let Some(sum) = self.brought.get_mut(account % CURRENCIES) {
            *sum += amount;
        }
    }

    fn available(&self, account: usize) -> i128 {
        self.accounts.get(account).map_or(0, |plain| plain.available)
    }

    fn move_free(&mut self, account: usize, amount: i128) {
        if let Some(plain) = self.accounts.get_mut(account) {
            plain.available += amount;
        }
    }

    /// The next id of a hedge: a decision, or an order of its last one.
    fn next_order(&mut self, hedge: u16, begins: bool, leg: u8, number: u16) -> ClientOrderId {
        let attempts = self.attempts.get_mut(usize::from(hedge));
        let attempt = attempts.map_or(1, |attempts| {
            *attempts += u32::from(begins);
            (*attempts).max(1)
        });
        ClientOrderId::pack(1, 1, HedgeId(hedge), attempt, LegId(leg), number)
            .unwrap_or(ClientOrderId(1))
    }

    fn hold(&mut self) -> Found {
        let hedge = u16::try_from(self.random.below(u64::from(HEDGES))).unwrap_or(0);
        let legs = 1 + u8::try_from(self.random.below(3)).unwrap_or(0);
        let again = self.random.below(8) == 0;
        let mut needs = Vec::with_capacity(4);
        for leg in 0..legs {
            let order = self.next_order(hedge, leg == 0 && !again, leg, 1);
            let (account, most) = (self.account(), if again { 5 } else { 900_000_000_000 });
            let amount = Money(i128::from(self.random.between(0, most)));
            needs.push(Need { order, account: AccountId::at(account), amount, frees: Money::ZERO });
        }
        // Money must be free for it, and with a cap of all the equity even nothing may not be held
        // by an account that has less than nothing.
        let named = |need: &Need| {
            let of = needs.iter().filter(|other| other.account == need.account);
            let sum: i128 = of.map(|other| other.amount.0).sum();
            sum > self.available(need.account.index())
        };
        let short = needs.iter().any(named);
        let used = |need: &Need| self.holds.keys().any(|(order, _)| *order == need.order);
        let known = needs.iter().any(used);
        match self.funds.hold(&needs, &self.caps, &self.worth) {
            Ok(Held::New) if short => return Some(format!("held beyond free money: {needs:?}")),
            Ok(Held::New) if known => return Some(format!("held twice: {needs:?}")),
            Ok(Held::New) => {
                for need in &needs {
                    self.keep(need);
                }
            }
            Ok(Held::Exists) => {
                let all = needs.iter().all(|need| {
                    let held = self.holds.get(&(need.order, need.account.index()));
                    held.is_some()
                });
                return (!all).then(|| format!("said to be held: {needs:?}"));
            }
            Err(HoldError::Short(_)) if !short => {
                return Some(format!("refused for want of money: {needs:?}"));
            }
            Err(_) => self.refused += 1,
        }
        None
    }

    fn keep(&mut self, need: &Need) {
        let account = need.account.index();
        self.move_free(account, -need.amount.0);
        let kept = Kept { account, left: need.amount.0, quarantined: false };
        self.holds.insert((need.order, account), kept);
    }

    /// One of the holds that live.
    fn pick(&mut self) -> Option<(ClientOrderId, usize)> {
        let at = self.random.index(self.holds.len().max(1));
        self.holds.keys().nth(at).copied()
    }

    fn take(&mut self) -> Found {
        let (order, account) = self.pick()?;
        if order == order.decision() {
            return match self.funds.take(order, Money(1)) {
                Err(NoHold::Never) => None,
                other => Some(format!("a reserve was taken from: {order} {other:?}")),
            };
        }
        let kept = self.holds.get(&(order, account)).map_or(0, |kept| kept.left);
        let (filled, leaves) = (self.random.between(0, 5), self.random.between(1, 5));
        let (result, expected) = if self.random.below(2) == 0 {
            let part = kept * i128::from(filled) / i128::from(leaves);
            let expected = if filled >= leaves { kept } else { part };
            let (filled, leaves) = (Qty::of(filled), Qty::of(leaves));
            (self.funds.take_share(order, filled, leaves), expected)
        } else {
            let asked = self.amount(900_000_000_000);
            (self.funds.take(order, Money(asked)), asked.clamp(0, kept))
        };
        if result != Ok(Money(expected)) {
            return Some(format!("took {result:?} of {kept}, not {expected}: {order}"));
        }
        if let Some(kept) = self.holds.get_mut(&(order, account)) {
            kept.left -= expected;
        }
        self.move_free(account, expected);
        None
    }

    fn void(&mut self) -> Found {
        let (order, _) = self.pick()?;
        let of: Vec<_> = self.holds.keys().filter(|(other, _)| *other == order).copied().collect();
        let mut left = 0;
        for key in of {
            if let Some(kept) = self.holds.remove(&key) {
                self.move_free(kept.account, kept.left);
                left += kept.left;
            }
        }
        let first = self.funds.void(order);
        if first != Ok(Money(left)) {
            return Some(format!("voided {first:?}, not {left}: {order}"));
        }
        let again = self.funds.void(order);
        (again != Err(NoHold::AlreadyResolved)).then(|| format!("voided twice: {order} {again:?}"))
    }

    fn quarantine(&mut self) -> Found {
        let (order, account) = self.pick()?;
        let moved = self.funds.quarantine(order);
        let kept = self.holds.get_mut(&(order, account))?;
        if order == order.decision() {
            return moved.is_ok().then(|| format!("a reserve in quarantine: {order}"));
        }
        let expected = if kept.quarantined { 0 } else { kept.left };
        kept.quarantined = true;
        (moved != Ok(Money(expected))).then(|| format!("moved {moved:?}, not {expected}: {order}"))
    }

    /// An attempt's reserve, and an order that draws on it.
    fn draw(&mut self) -> Found {
        let hedge = u16::try_from(self.random.below(u64::from(HEDGES))).unwrap_or(0);
        let decision = self.next_order(hedge, true, 0, 0);
        let account = self.account();
        let reserve = Money(i128::from(self.random.between(0, 90_000_000_000)));
        let id = AccountId::at(account);
        let need = Need { order: decision, account: id, amount: reserve, frees: Money::ZERO };
        if self.funds.hold_reducing(std::slice::from_ref(&need)).is_err() {
            self.refused += 1;
            return None;
        }
        self.keep(&need);
        let order = self.next_order(hedge, false, 0, 1);
        let amount = Money(i128::from(self.random.between(0, 200_000_000_000)));
        let need = Need { order, account: id, amount, frees: Money::ZERO };
        let drawn = reserve.0.min(amount.0);
        let short = amount.0 - drawn > self.available(account).max(0);
        match self.funds.draw(decision, &need) {
            Ok(_) if short => return Some(format!("drew beyond free money: {need:?}")),
            Ok(_) => {
                if let Some(kept) = self.holds.get_mut(&(decision, account)) {
                    kept.left -= drawn;
                }
                self.move_free(account, drawn);
                self.keep(&need);
            }
            Err(HoldError::Short(_)) if !short => {
                return Some(format!("no draw for want of money: {need:?}"));
            }
            Err(_) => self.refused += 1,
        }
        None
    }

    fn trade(&mut self) -> Found {
        let account = self.account();
        let [fee, result, cash_value, margin_change] =
            [(); 4].map(|()| self.amount(9_000_000_000)).map(Money);
        // No margin is below nothing.
        let margin = self.accounts.get(account).map_or(0, |plain| plain.margin);
        let margin_change = margin_change.max(Money(-margin));
        let money = TradeMoney { fee, result, cash_value, locked: None, margin_change };
        self.funds.trade(AccountId::at(account), &money);
        self.bring(account, result.0 + cash_value.0 - fee.0);
        self.move_free(account, -margin_change.0);
        if let Some(plain) = self.accounts.get_mut(account) {
            plain.margin += margin_change.0;
        }
        None
    }

    fn small(&mut self) -> Found {
        let (account, amount) = (self.account(), self.amount(900_000_000));
        let (id, money) = (AccountId::at(account), Money(amount));
        match self.random.below(5) {
            0 => {
                self.funds.fee(id, money);
                self.bring(account, -amount);
            }
            1 => {
                self.funds.variation(id, money);
                self.bring(account, amount);
            }
            2 => {
                self.funds.adjust(id, money);
                self.bring(account, amount);
            }
            3 => {
                self.funds.dust(id, money);
                self.bring(account, amount);
            }
            // It is paid in another currency: nothing of this one moves.
            _ => self.funds.foreign_fee(id, CurrencyId(7), money),
        }
        None
    }

    fn margin(&mut self) -> Found {
        let account = self.account();
        let total = i128::from(self.random.between(0, 500_000_000_000));
        self.funds.set_margin(AccountId::at(account), Money(total));
        let grown = self.accounts.get(account).map_or(0, |plain| total - plain.margin);
        self.move_free(account, -grown);
        if let Some(plain) = self.accounts.get_mut(account) {
            plain.margin = total;
        }
        None
    }

    fn cash(&mut self, account: usize, kind: CashKind, amount: i128) {
        let id = AccountId::at(account);
        let (exchange, transfer) = (Time(0), None);
        let cash = Cash { account: id, exchange, kind, amount: Money(amount), transfer };
        let before = self.funds.balance(id);
        let drift = self.funds.cash(&cash, Money::ZERO);
        let moved = match kind {
            CashKind::Opening => amount - before.0,
            CashKind::Balance => drift.map_or(0, |drift| drift.theirs.0 - before.0),
            CashKind::Fee => -amount,
            CashKind::Transfer | CashKind::Funding | CashKind::Interest => amount,
            CashKind::Collateral | CashKind::Left | CashKind::Arrived | CashKind::Failed => 0,
        };
        self.bring(account, moved);
    }

    fn news(&mut self) -> Found {
        const KINDS: [CashKind; 6] = [
            CashKind::Balance,
            CashKind::Transfer,
            CashKind::Funding,
            CashKind::Interest,
            CashKind::Fee,
            CashKind::Collateral,
        ];
        let account = self.account();
        let kind = *self.random.pick(&KINDS)?;
        let amount = match kind {
            CashKind::Balance => i128::from(self.random.between(0, 2_000_000_000_000)),
            CashKind::Transfer => self.amount(400_000_000_000),
            CashKind::Opening
            | CashKind::Funding
            | CashKind::Interest
            | CashKind::Fee
            | CashKind::Left
            | CashKind::Arrived
            | CashKind::Failed
            | CashKind::Collateral => self.amount(900_000_000),
        };
        self.cash(account, kind, amount);
        None
    }

    fn ask(&mut self) -> Found {
        let (from, to) = (self.account(), self.account());
        if from == to {
            return None;
        }
        // Now and then the same is asked for again.
        let repeat = self.random.below(8) == 0;
        let last = self.ways.last().copied().filter(|_| repeat);
        let (id, from, to, amount) = match last {
            Some((id, way)) if way.state == TransferState::Asked => {
                (id, way.from, way.to, way.moved)
            }
            _ => {
                let next = self.ways.last().map_or(1, |(id, _)| id.0 + 1);
                (TransferId(next), from, to, i128::from(self.random.between(1, 300_000_000_000)))
            }
        };
        let is_new = self.ways.last().is_none_or(|(known, _)| *known < id);
        let (source, target) = (AccountId::at(from), AccountId::at(to));
        let transfer = Transfer { id, from: source, to: target, amount: Money(amount) };
        let same = from % CURRENCIES == to % CURRENCIES;
        let short = amount > self.available(from);
        match self.funds.ask(&transfer, same, Time(0), Time(1)) {
            Ok(Asked::Exists) => return is_new.then(|| format!("asked before: {transfer:?}")),
            Ok(Asked::New) if short || !is_new => {
                return Some(format!("left what is not there: {transfer:?}"));
            }
            Ok(Asked::New) => {
                self.move_free(from, -amount);
                if let Some(plain) = self.accounts.get_mut(from) {
                    plain.transit += amount;
                }
                let state = TransferState::Asked;
                self.ways.push((id, Way { from, to, moved: amount, ended: 0, state }));
                // Only so many are kept; the model forgets those that ended before the core may.
                if self.ways.len() > 256 {
                    let ended = self.ways.iter().position(|(_, way)| !way.state.is_live());
                    ended.map(|at| self.ways.remove(at));
                }
            }
            Err(HoldError::Short(_)) if !short => return Some(format!("refused: {transfer:?}")),
            Err(_) => self.refused += 1,
        }
        None
    }

    /// Takes what the end of a transfer moved into account, or out of it again.
    fn end(&mut self, way: &Way, sign: i128) {
        let (moved, ended) = (way.moved * sign, way.ended * sign);
        let same = way.from % CURRENCIES == way.to % CURRENCIES;
        let [from, to] = [way.from, way.to].map(|account| account % CURRENCIES);
        match way.state {
            TransferState::Asked | TransferState::Left => return,
            TransferState::Failed => {
                self.move_free(way.from, ended);
                if let Some(sum) = self.brought.get_mut(from) {
                    *sum -= moved - ended;
                }
            }
            TransferState::Arrived => {
                self.move_free(way.to, ended);
                if same {
                    if let Some(sum) = self.brought.get_mut(from) {
                        *sum -= moved - ended;
                    }
                } else {
                    // It leaves one currency and comes in another.
                    if let Some(sum) = self.brought.get_mut(from) {
                        *sum -= moved;
                    }
                    if let Some(sum) = self.brought.get_mut(to) {
                        *sum += ended;
                    }
                }
            }
        }
        if let Some(plain) = self.accounts.get_mut(way.from) {
            plain.transit -= moved;
        }
    }

    /// News of a transfer, old, contradicting or of nobody's.
    fn told(&mut self) -> Found {
        let at = self.random.index(self.ways.len().max(1));
        let (id, way) = self.ways.get(at).copied()?;
        let (kind, to) = *self.random.pick(&[
            (CashKind::Left, TransferState::Left),
            (CashKind::Arrived, TransferState::Arrived),
            (CashKind::Arrived, TransferState::Arrived),
            (CashKind::Failed, TransferState::Failed),
        ])?;
        let account = if kind == CashKind::Arrived { way.to } else { way.from };
        let whole = self.random.below(4) > 0;
        let amount =
            if whole { way.moved } else { i128::from(self.random.between(0, 300_000_000_000)) };
        let (exchange, transfer) = (Time(0), Some(id));
        let (account, amount) = (AccountId::at(account), Money(amount));
        let cash = Cash { account, exchange, kind, amount, transfer };
        match self.funds.transfer_news(id, &cash) {
            TransferNews::Known => return None,
            TransferNews::Nobody => return Some(format!("not known: {cash:?}")),
            TransferNews::Booked | TransferNews::Contradicts => {}
        }
        let mut now = way;
        if !way.state.is_live() {
            self.end(&way, -1);
            now.ended = 0;
        }
        // What has arrived stays so where it is told late how much had left.
        let late = to == TransferState::Left && way.state == TransferState::Arrived;
        if to == TransferState::Left {
            let more = amount.0 - now.moved;
            self.move_free(now.from, -more);
            if let Some(plain) = self.accounts.get_mut(now.from) {
                plain.transit += more;
            }
            now.moved = amount.0;
        } else {
            now.ended = amount.0;
        }
        now.state = to;
        if late {
            (now.state, now.ended) = (way.state, way.ended);
        }
        self.end(&now, 1);
        if let Some((_, known)) = self.ways.get_mut(at) {
            *known = now;
        }
        None
    }

    fn relieve(&mut self) -> Found {
        let account = self.account();
        let held: i128 = self.kept(account, false) + self.kept(account, true);
        let total = i128::from(self.random.below(u64::try_from(held).unwrap_or(0) + 1));
        let to = Relief { spared: Money(total), risked: Money::ZERO };
        let before = self.funds.relieve(AccountId::at(account), to).spared;
        let plain = self.accounts.get_mut(account)?;
        let found = (before.0 != plain.relief).then(|| format!("relieved of {before} before"));
        plain.available += total - plain.relief;
        plain.relief = total;
        found
    }

    fn kept(&self, account: usize, quarantined: bool) -> i128 {
        let of = |kept: &&Kept| kept.account == account && kept.quarantined == quarantined;
        self.holds.values().filter(of).map(|kept| kept.left).sum()
    }

    /// A relief is set anew where less is held than it is.
    fn settle_reliefs(&mut self) {
        for at in 0..ACCOUNTS {
            let held = self.kept(at, false) + self.kept(at, true);
            if let Some(plain) = self.accounts.get_mut(at)
                && plain.relief > held
            {
                let to = Relief { spared: Money(held), risked: Money::ZERO };
                self.funds.relieve(AccountId::at(at), to);
                plain.available += held - plain.relief;
                plain.relief = held;
            }
        }
    }

    /// Every account, and the sum of all of each currency.
    fn compare(&mut self) -> Found {
        let mut sums = [0; CURRENCIES];
        for (at, plain) in self.accounts.iter().enumerate() {
            let id = AccountId::at(at);
            let bucket = |of| self.funds.bucket(id, of).0;
            let (held, aside) = (self.kept(at, false), self.kept(at, true));
            let theirs = [
                bucket(Bucket::Available),
                bucket(Bucket::Held),
                bucket(Bucket::Quarantine),
                bucket(Bucket::Margin),
                bucket(Bucket::InTransit),
                -bucket(Bucket::Relief),
            ];
            let ours = [plain.available, held, aside, plain.margin, plain.transit, plain.relief];
            if theirs != ours {
                return Some(format!("account {at} has {theirs:?}, not {ours:?}"));
            }
            if let Some(sum) = sums.get_mut(at % CURRENCIES) {
                *sum += theirs.iter().take(5).sum::<i128>() - plain.relief;
            }
        }
        (sums != self.brought).then(|| format!("{sums:?} of {:?}", self.brought))
    }
}

#[cfg(test)]
mod tests {
    use cross_market_core::funds::Hold;

    use super::*;

    fn run(pool: &mut Pool, operations: u64) -> Found {
        (0..operations).find_map(|_| pool.step())
    }

    #[test]
    fn nothing_is_lost_or_invented() {
        let mut pool = Pool::new(7);
        assert_eq!(run(&mut pool, 50_000), None);
        assert!(0 < pool.refused && pool.refused < 25_000, "{} were refused", pool.refused);
    }

    /// One unit that moves behind the model's back is found by the next look.
    #[test]
    fn a_unit_that_goes_astray_is_found() {
        let money = TradeMoney { margin_change: Money(1), ..TradeMoney::default() };
        let astray: [fn(&mut Funds, TradeMoney); 4] = [
            |funds, _| funds.fee(AccountId(4), Money(1)),
            |funds, _| funds.variation(AccountId(4), Money(-1)),
            |funds, money| funds.trade(AccountId(4), &money),
            |funds, _| {
                let orders = funds.holds().filter(|hold| hold.order != hold.order.decision());
                let largest = orders.max_by_key(|hold| hold.left).map(|hold| hold.order);
                largest.map(|order| funds.take(order, Money(1)));
            },
        ];
        for (at, astray) in astray.into_iter().enumerate() {
            let mut pool = Pool::new(11);
            assert_eq!(run(&mut pool, 3_000), None);
            // An order must hold something that can go astray.
            let is_order = |hold: &Hold| hold.order != hold.order.decision();
            while !pool.funds.holds().any(|hold| is_order(hold) && hold.left > Money::ZERO) {
                assert_eq!(pool.step(), None);
            }
            astray(&mut pool.funds, money);
            assert!(pool.compare().is_some(), "the {at}th");
        }
    }

    /// Money that is added to an account and to the sum of none is found, although every ledger
    /// agrees with itself.
    #[test]
    fn money_that_nobody_brought_is_found() {
        let mut pool = Pool::new(13);
        assert_eq!(run(&mut pool, 1_000), None);
        pool.funds.dust(AccountId(2), Money(1));
        pool.move_free(2, 1);
        pool.funds.balanced();
        assert!(pool.compare().is_some());
    }
}

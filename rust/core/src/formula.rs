//! A bound that follows a market: a formula of few inputs, read once, evaluated in whole numbers.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = factor { ("*" | "/") factor }
//! factor  = "-" factor | number | input | ("min" | "max") "(" sum "," sum ")" | "(" sum ")"
//! ```
//!
//! Every number is in 10⁻⁹; a product or quotient is rounded down. What overflows, divides by zero
//! or asks for an input that is not known gives no value: the bound is then the stricter of its ends.

use crate::num::{Decimal, MONEY_PLACES, MONEY_UNIT, div_ceil, div_floor};
use crate::wire::{Reader, WireError, Writer};

/// Longest formula, in bytes.
pub const TEXT_MAX: usize = 200;

/// Most steps of one, and most values that wait for one.
const OPS_MAX: usize = 64;
const DEPTH_MAX: usize = 16;

/// What a formula may ask for, in 10⁻⁹.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Input {
    /// Equity / margin, at most a million; the least of the accounts concerned.
    MarginRatio = 0,
    /// Standard deviation over an hour / price, the largest of the contracts concerned.
    Volatility = 1,
    /// The slippage that a hedge is configured to stand, in the unit of its bands.
    Tolerance = 2,
    /// Hours until the first of the markets concerned shuts; 0 where one is shut, at most a million.
    HoursToClose = 3,
}

impl Input {
    /// Every input, in the order of its code.
    pub const ALL: [Input; 4] =
        [Input::MarginRatio, Input::Volatility, Input::Tolerance, Input::HoursToClose];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in a formula.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Input::MarginRatio => "margin_ratio",
            Input::Volatility => "volatility",
            Input::Tolerance => "tolerance",
            Input::HoursToClose => "hours_to_close",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Number(i128),
    Input(Input),
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Min,
    Max,
}

/// Where a text is no formula, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormulaError {
    /// The byte.
    pub at: usize,
    /// What was expected.
    pub expected: &'static str,
}

/// A formula for a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    ops: Vec<Op>,
    /// What its value is multiplied with and divided by to be a bound.
    scale: (i128, i128),
    /// The least bound.
    least: i128,
    /// The largest.
    most: i128,
}

impl Formula {
    /// Reads a formula; `scale` makes a bound of its value, which `least` and `most` hold.
    ///
    /// # Errors
    /// [`FormulaError`] for a text that is no formula or too long, and for ends in the wrong order.
    pub fn parse(
        text: &str,
        scale: (i128, i128),
        [least, most]: [i128; 2],
    ) -> Result<Formula, FormulaError> {
        let mut parser = Parser { text, at: 0, ops: Vec::new(), nested: 0 };
        if text.len() > TEXT_MAX {
            return Err(FormulaError { at: TEXT_MAX, expected: "at most 200 bytes" });
        }
        parser.sum()?;
        parser.skip();
        if parser.at < text.len() {
            return Err(parser.expected("an operator or the end"));
        }
        if least > most {
            return Err(FormulaError { at: 0, expected: "a least that is not above the most" });
        }
        let formula = Formula { ops: parser.ops, scale, least, most };
        if formula.is_sound() { Ok(formula) } else { Err(too_long(text.len())) }
    }

    /// Whether it can be evaluated: one value is left, and never too many wait.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut waiting = 0_usize;
        for op in &self.ops {
            let (takes, gives) = match op {
                Op::Number(_) | Op::Input(_) => (0, 1),
                Op::Negate => (1, 1),
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Min | Op::Max => (2, 1),
            };
            let Some(left) = waiting.checked_sub(takes) else { return false };
            waiting = left + gives;
            if waiting > DEPTH_MAX {
                return false;
            }
        }
        let (num, den) = self.scale;
        waiting == 1 && self.ops.len() <= OPS_MAX && self.least <= self.most && num > 0 && den > 0
    }

    /// Its text, with every bracket.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for op in &self.ops {
            let mut take = || parts.pop().unwrap_or_default();
            let mut both = |sign: &str| {
                let (right, left) = (take(), take());
                format!("({left} {sign} {right})")
            };
            let part = match op {
                Op::Number(number) => Decimal::new(*number, MONEY_PLACES).normalized().to_string(),
                Op::Input(input) => input.name().to_owned(),
                Op::Negate => format!("-{}", take()),
                Op::Add => both("+"),
                Op::Subtract => both("-"),
                Op::Multiply => both("*"),
                Op::Divide => both("/"),
                Op::Min | Op::Max => {
                    let (right, left) = (take(), take());
                    let name = if *op == Op::Min { "min" } else { "max" };
                    format!("{name}({left}, {right})")
                }
            };
            parts.push(part);
        }
        parts.pop().unwrap_or_default()
    }

    /// The least and the largest bound.
    #[must_use]
    pub const fn ends(&self) -> [i128; 2] {
        [self.least, self.most]
    }

    /// Whether it asks for an input.
    #[must_use]
    pub fn asks(&self, input: Input) -> bool {
        self.ops.contains(&Op::Input(input))
    }

    /// The end that is reached sooner; `worse`: 1 where more is worse, else −1.
    #[must_use]
    pub fn stricter(&self, worse: i128) -> i128 {
        if worse > 0 { self.least } else { self.most }
    }

    /// The other end.
    #[must_use]
    pub fn looser(&self, worse: i128) -> i128 {
        if worse > 0 { self.most } else { self.least }
    }

    /// The bound now, rounded to where it is reached sooner.
    pub fn bound(&self, worse: i128, input: impl Fn(Input) -> Option<i128>) -> i128 {
        let (num, den) = self.scale;
        let scaled = self.value(input).and_then(|value| value.checked_mul(num));
        let sooner = if worse > 0 { div_floor } else { div_ceil };
        let bound = scaled.map_or(self.stricter(worse), |value| sooner(value, den));
        bound.clamp(self.least, self.most)
    }

    fn value(&self, input: impl Fn(Input) -> Option<i128>) -> Option<i128> {
        let mut stack = [0_i128; DEPTH_MAX];
        let mut top = 0_usize;
        for op in &self.ops {
            let found = match op {
                Op::Number(number) => *number,
                Op::Input(of) => input(*of)?,
                Op::Negate => {
                    top = top.checked_sub(1)?;
                    stack.get(top)?.checked_neg()?
                }
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Min | Op::Max => {
                    top = top.checked_sub(2)?;
                    let (left, right) = (*stack.get(top)?, *stack.get(top + 1)?);
                    pair(*op, left, right)?
                }
            };
            *stack.get_mut(top)? = found;
            top += 1;
        }
        stack.first().copied()
    }

    /// Appends every value.
    pub fn write(&self, out: &mut Writer) {
        out.len(self.ops.len());
        for op in &self.ops {
            match op {
                Op::Number(number) => {
                    out.u8(0);
                    out.i128(*number);
                }
                Op::Input(input) => {
                    out.u8(1);
                    out.u8(input.code());
                }
                Op::Negate => out.u8(2),
                Op::Add => out.u8(3),
                Op::Subtract => out.u8(4),
                Op::Multiply => out.u8(5),
                Op::Divide => out.u8(6),
                Op::Min => out.u8(7),
                Op::Max => out.u8(8),
            }
        }
        for value in [self.scale.0, self.scale.1, self.least, self.most] {
            out.i128(value);
        }
    }

    /// Reads back what [`Formula::write`] wrote.
    ///
    /// # Errors
    /// [`WireError`] where the bytes are no such formula.
    pub fn read(from: &mut Reader<'_>) -> Result<Formula, WireError> {
        let start = from.position();
        let count = from.len()?;
        let mut ops = Vec::new();
        for _ in 0..count {
            let at = from.position();
            ops.push(match from.u8()? {
                0 => Op::Number(from.i128()?),
                1 => {
                    let (at, found) = (from.position(), from.u8()?);
                    let input = Input::ALL.get(usize::from(found)).copied();
                    Op::Input(input.ok_or(WireError::Code { at, found })?)
                }
                2 => Op::Negate,
                3 => Op::Add,
                4 => Op::Subtract,
                5 => Op::Multiply,
                6 => Op::Divide,
                7 => Op::Min,
                8 => Op::Max,
                found => return Err(WireError::Code { at, found }),
            });
        }
        let scale = (from.i128()?, from.i128()?);
        let formula = Formula { ops, scale, least: from.i128()?, most: from.i128()? };
        if formula.is_sound() { Ok(formula) } else { Err(WireError::Range { at: start }) }
    }
}

fn pair(op: Op, left: i128, right: i128) -> Option<i128> {
    match op {
        Op::Add => left.checked_add(right),
        Op::Subtract => left.checked_sub(right),
        Op::Multiply => left.checked_mul(right).map(|product| div_floor(product, MONEY_UNIT)),
        Op::Divide => quotient(left, right),
        Op::Min => Some(left.min(right)),
        Op::Max => Some(left.max(right)),
        Op::Number(_) | Op::Input(_) | Op::Negate => None,
    }
}

fn quotient(left: i128, right: i128) -> Option<i128> {
    let (left, right) =
        if right < 0 { (left.checked_neg()?, right.checked_neg()?) } else { (left, right) };
    let wide = left.checked_mul(MONEY_UNIT)?;
    (right > 0).then(|| div_floor(wide, right))
}

const fn too_long(at: usize) -> FormulaError {
    FormulaError { at, expected: "at most 64 steps, nested at most 16 deep" }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    ops: Vec<Op>,
    nested: usize,
}

impl Parser<'_> {
    fn expected(&self, expected: &'static str) -> FormulaError {
        FormulaError { at: self.at, expected }
    }

    fn skip(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes one byte where it stands, spaces before it aside.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip();
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn word(&mut self, is_of: impl Fn(u8) -> bool) -> &str {
        let from = self.at;
        while self.peek().is_some_and(&is_of) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn push(&mut self, op: Op) -> Result<(), FormulaError> {
        if self.ops.len() >= OPS_MAX {
            return Err(too_long(self.at));
        }
        self.ops.push(op);
        Ok(())
    }

    fn sum(&mut self) -> Result<(), FormulaError> {
        self.nested += 1;
        if self.nested > DEPTH_MAX {
            return Err(too_long(self.at));
        }
        self.product()?;
        loop {
            let op = if self.takes(b'+') {
                Op::Add
            } else if self.takes(b'-') {
                Op::Subtract
            } else {
                self.nested -= 1;
                return Ok(());
            };
            self.product()?;
            self.push(op)?;
        }
    }

    fn product(&mut self) -> Result<(), FormulaError> {
        self.factor()?;
        loop {
            let op = if self.takes(b'*') {
                Op::Multiply
            } else if self.takes(b'/') {
                Op::Divide
            } else {
                return Ok(());
            };
            self.factor()?;
            self.push(op)?;
        }
    }

    fn factor(&mut self) -> Result<(), FormulaError> {
        let mut negate = false;
        while self.takes(b'-') {
            negate = !negate;
        }
        self.operand()?;
        if negate { self.push(Op::Negate) } else { Ok(()) }
    }

    fn operand(&mut self) -> Result<(), FormulaError> {
        const WHAT: &str = "a number, margin_ratio, volatility, tolerance, hours_to_close, min(…, …), max(…, …) or (…)";
        if self.takes(b'(') {
            self.sum()?;
            return self.close();
        }
        let start = self.at;
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let number = Decimal::parse(self.word(|byte| byte.is_ascii_digit() || byte == b'.'));
            let number = number.and_then(Decimal::money).map(|money| money.0);
            let number = number.map_err(|_| FormulaError {
                at: start,
                expected: "a plain number of at most nine decimals",
            })?;
            return self.push(Op::Number(number));
        }
        let name = self.word(|byte| byte.is_ascii_lowercase() || byte == b'_').to_owned();
        let both = match name.as_str() {
            "min" => Some(Op::Min),
            "max" => Some(Op::Max),
            _ => None,
        };
        if let Some(both) = both {
            if !self.takes(b'(') {
                return Err(self.expected("(…, …)"));
            }
            self.sum()?;
            if !self.takes(b',') {
                return Err(self.expected("a comma and the other value"));
            }
            self.sum()?;
            self.close()?;
            return self.push(both);
        }
        let input = Input::ALL.into_iter().find(|input| input.name() == name);
        match input {
            Some(input) => self.push(Op::Input(input)),
            None => Err(FormulaError { at: start, expected: WHAT }),
        }
    }

    fn close(&mut self) -> Result<(), FormulaError> {
        if self.takes(b')') { Ok(()) } else { Err(self.expected(")")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDS: [i128; 2] = [-(1 << 100), 1 << 100];

    fn formula(text: &str) -> Result<Formula, FormulaError> {
        Formula::parse(text, (1, 1), ENDS)
    }

    fn known(input: Input) -> i128 {
        match input {
            Input::MarginRatio => 1_500_000_000,
            Input::Volatility => 20_000_000,
            Input::Tolerance => 500_000_000,
            Input::HoursToClose => 2_000_000_000,
        }
    }

    fn bound(formula: &Formula, worse: i128) -> i128 {
        formula.bound(worse, |input| Some(known(input)))
    }

    #[test]
    fn it_is_what_its_text_says() {
        for (text, value) in [
            ("0.95 - 2 * volatility", 910_000_000),
            ("-(1 + 2) * 3", -9_000_000_000),
            ("2 - 3 - 4", -5_000_000_000),
            ("1 / 3", 333_333_333),
            ("-1 / 3", -333_333_334),
            ("12 / 3 / 2", 2_000_000_000),
            ("min(margin_ratio, 1.2) + max( tolerance ,0.25 )", 1_700_000_000),
            ("--hours_to_close", 2_000_000_000),
            ("1-1", 0),
        ] {
            let found = formula(text).map(|formula| bound(&formula, 1));
            assert_eq!(found, Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_formula_is_refused_where_it_is_wrong() {
        for (text, at) in [
            ("", 0),
            ("1 +", 3),
            ("1 2", 2),
            ("(1", 2),
            ("min(1)", 5),
            ("min 1", 4),
            ("sigma", 0),
            ("1 + .5", 4),
            ("0.0000000001", 0),
            ("1e3", 1),
            ("1 ** 2", 3),
        ] {
            assert_eq!(formula(text).map_err(|error| error.at), Err(at), "{text}");
        }
        assert!(formula(&"(".repeat(40)).is_err());
        assert!(formula(&("1+".repeat(99) + "1")).is_err());
        assert!(Formula::parse("1", (1, 1), [2, 1]).is_err());
    }

    #[test]
    fn what_has_no_value_is_the_stricter_end() {
        let ends = [600_000_000, 900_000_000];
        for text in
            ["1 / (1 - 1)", "99999999999 * 99999999999 * 99999999999 * 99999999999", "volatility"]
        {
            let Ok(formula) = Formula::parse(text, (1, 1), ends) else { panic!("{text}") };
            let nothing = |_| None;
            assert_eq!(formula.bound(1, nothing), ends[0], "{text}");
            assert_eq!(formula.bound(-1, nothing), ends[1], "{text}");
        }
    }

    #[test]
    fn a_bound_is_rounded_to_where_it_is_reached_sooner() {
        let Ok(formula) = Formula::parse("2.5", (1, MONEY_UNIT), [0, 9]) else {
            panic!("a formula")
        };
        assert_eq!((bound(&formula, 1), bound(&formula, -1)), (2, 3));
    }

    /// A tree, as text with every bracket, and its value by the same rules.
    fn tree() -> impl Strategy<Value = (String, Option<i128>)> {
        let leaf = prop_oneof![
            (0_i64..2_000).prop_map(|value| {
                let number = Decimal::new(value.into(), 2).to_string();
                (number, Some(i128::from(value) * 10_000_000))
            }),
            proptest::sample::select(&Input::ALL[..])
                .prop_map(|input| (input.name().to_owned(), Some(known(input)))),
        ];
        leaf.prop_recursive(4, 24, 2, |inner| {
            (inner.clone(), inner, 0..6_usize).prop_map(|((left, a), (right, b), op)| {
                let both = |value: &dyn Fn(i128, i128) -> Option<i128>| value(a?, b?);
                match op {
                    0 => (format!("({left} + {right})"), both(&|a, b| Some(a + b))),
                    1 => (format!("({left} - {right})"), both(&|a, b| Some(a - b))),
                    2 => (
                        format!("({left} * {right})"),
                        both(&|a, b| Some((a * b).div_euclid(1_000_000_000))),
                    ),
                    3 => (
                        format!("({left} / {right})"),
                        both(&|a, b| {
                            let sign = b.signum();
                            (b != 0).then(|| (a * sign * 1_000_000_000).div_euclid(b * sign))
                        }),
                    ),
                    4 => (format!("min({left}, {right})"), both(&|a, b| Some(a.min(b)))),
                    _ => (format!("max({left}, {right})"), both(&|a, b| Some(a.max(b)))),
                }
            })
        })
    }

    proptest! {
        #[test]
        fn any_tree_comes_to_its_value((text, value) in tree()) {
            if let Ok(formula) = formula(&text) {
                let expected = value.unwrap_or(ENDS[0]).clamp(ENDS[0], ENDS[1]);
                prop_assert_eq!(bound(&formula, 1), expected);
                let said = Formula::parse(&formula.text(), (1, 1), ENDS);
                prop_assert!(said == Ok(formula.clone()) || formula.text().len() > TEXT_MAX);
                let mut out = Writer::new();
                formula.write(&mut out);
                let bytes = out.into_bytes();
                let back = Formula::read(&mut Reader::new(&bytes));
                prop_assert_eq!(back, Ok(formula));
            } else {
                prop_assert!(text.len() > TEXT_MAX);
            }
        }
    }
}

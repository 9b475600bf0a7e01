//! Exact numbers: prices in ticks, sizes in lots, money in 10⁻⁹ of a currency unit.
//!
//! There is no floating point here. A decimal text is parsed once, at the edge, into [`Decimal`];
//! from there on everything is an integer and every division names its rounding.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Digits behind the point of [`Money`].
pub const MONEY_PLACES: u32 = 9;

/// One currency unit in [`Money`].
pub const MONEY_UNIT: i128 = 1_000_000_000;

/// Longest decimal text that is read, in bytes.
pub const DECIMAL_TEXT_MAX: u32 = 48;

/// Why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumError {
    /// No digits.
    Empty,
    /// More than [`DECIMAL_TEXT_MAX`] bytes.
    TooLong {
        /// Bytes found.
        bytes: u32,
    },
    /// A byte that is no part of `-?digits(.digits)?`.
    NotADigit {
        /// Offset of that byte.
        at: u32,
    },
    /// Beyond the range of its type.
    Overflow,
    /// More decimals than the type keeps.
    TooFine {
        /// Decimals found.
        places: u32,
        /// Decimals kept.
        kept: u32,
    },
    /// Not a whole multiple of the tick or lot.
    OffGrid,
    /// Negative where only zero or more is valid.
    Negative,
    /// Zero where only more than zero is valid.
    Zero,
}

impl fmt::Display for NumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumError::Empty => write!(f, "no digits"),
            NumError::TooLong { bytes } => {
                write!(f, "{bytes} bytes, at most {DECIMAL_TEXT_MAX} are read")
            }
            NumError::NotADigit { at } => {
                write!(f, "byte {at} is not part of a plain decimal such as -12.5")
            }
            NumError::Overflow => write!(f, "too large"),
            NumError::TooFine { places, kept } => {
                write!(f, "{places} decimals, at most {kept} are kept")
            }
            NumError::OffGrid => write!(f, "not a whole multiple of its tick or lot"),
            NumError::Negative => write!(f, "negative"),
            NumError::Zero => write!(f, "zero"),
        }
    }
}

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// Adds to a position.
    Buy = 0,
    /// Takes from a position.
    Sell = 1,
}

impl Side {
    /// +1 for a buy, −1 for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// The other side.
    #[must_use]
    pub const fn flip(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// The side that moves a position by `lots`; `None` for zero.
    #[must_use]
    pub fn of(lots: i64) -> Option<Side> {
        match lots.cmp(&0) {
            Ordering::Greater => Some(Side::Buy),
            Ordering::Less => Some(Side::Sell),
            Ordering::Equal => None,
        }
    }

    /// 0 for a buy, 1 for a sell: an index into pairs.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Side::Buy => 0,
            Side::Sell => 1,
        }
    }
}

/// A signed price in ticks of its instrument; negative prices are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Price(pub i64);

/// A size in lots of its instrument, zero or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(i64);

impl Qty {
    /// No lots.
    pub const ZERO: Qty = Qty(0);

    /// A size of `lots`.
    ///
    /// # Errors
    /// [`NumError::Negative`] below zero.
    pub const fn new(lots: i64) -> Result<Qty, NumError> {
        if lots < 0 { Err(NumError::Negative) } else { Ok(Qty(lots)) }
    }

    /// The size of a signed position or change, whichever its sign.
    #[must_use]
    pub const fn of(lots: i64) -> Qty {
        Qty(lots.abs())
    }

    /// Lots, zero or more.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The smaller of the two.
    #[must_use]
    pub fn min(self, other: Qty) -> Qty {
        Qty(self.0.min(other.0))
    }

    /// What is left after taking `other`, at least zero.
    #[must_use]
    pub fn less(self, other: Qty) -> Qty {
        Qty((self.0 - other.0).max(0))
    }
}

impl Add for Qty {
    type Output = Qty;
    fn add(self, other: Qty) -> Qty {
        Qty(self.0 + other.0)
    }
}

/// An amount in 10⁻⁹ of one currency unit; which currency, the place it stands in says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Money(pub i128);

/// Most money that a value of the configuration, or an event, may name: 10¹⁵ currency units.
pub const MONEY_MAX: Money = Money::units(1_000_000_000_000_000);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// A whole number of currency units.
    #[must_use]
    pub const fn units(units: i64) -> Money {
        // An i64 times 10⁹ has at most 94 bits.
        #[expect(clippy::as_conversions, reason = "i64 to i128 widens; From is not const")]
        Money((units as i128) * MONEY_UNIT)
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Money {
        Money(self.0.abs())
    }

    /// The larger of the two.
    #[must_use]
    pub fn max(self, other: Money) -> Money {
        Money(self.0.max(other.0))
    }

    /// The smaller of the two.
    #[must_use]
    pub fn min(self, other: Money) -> Money {
        Money(self.0.min(other.0))
    }

    /// `self × count`.
    #[must_use]
    pub fn times(self, count: i64) -> Money {
        Money(wide(self.0, count))
    }

    /// `self × ratio`, rounded up: what we may have to pay or hold.
    #[must_use]
    pub fn scale_up(self, ratio: Ratio) -> Money {
        Money(div_ceil(wide(self.0, ratio.num), i128::from(ratio.den)))
    }

    /// `self × ratio`, rounded down: what we may rely on.
    #[must_use]
    pub fn scale_down(self, ratio: Ratio) -> Money {
        Money(div_floor(wide(self.0, ratio.num), i128::from(ratio.den)))
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        self.0 -= other.0;
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Money>>(iter: I) -> Money {
        iter.fold(Money::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Decimal { units: self.0, places: MONEY_PLACES }.normalized())
    }
}

/// An exact fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: i64,
    den: i64,
}

impl Ratio {
    /// 0 / 1.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };
    /// 1 / 1.
    pub const ONE: Ratio = Ratio { num: 1, den: 1 };

    /// `num / den`, reduced.
    ///
    /// # Errors
    /// [`NumError::Zero`] for a zero denominator, [`NumError::Overflow`] when the reduced fraction
    /// does not fit 64 bits.
    pub fn new(num: i128, den: i128) -> Result<Ratio, NumError> {
        if den == 0 {
            return Err(NumError::Zero);
        }
        let divisor = gcd(num, den);
        let (num, den) = (num / divisor, den / divisor);
        let (num, den) = if den < 0 { (-num, -den) } else { (num, den) };
        match (i64::try_from(num), i64::try_from(den)) {
            (Ok(num), Ok(den)) => Ok(Ratio { num, den }),
            _ => Err(NumError::Overflow),
        }
    }

    /// The numerator, with the sign.
    #[must_use]
    pub const fn num(self) -> i64 {
        self.num
    }

    /// The denominator, more than zero.
    #[must_use]
    pub const fn den(self) -> i64 {
        self.den
    }

    /// `self × count`, rounded to the nearest whole number, halves away from zero.
    ///
    /// # Panics
    /// When the result leaves 64 bits: the configuration bounds lots and sets far below.
    #[must_use]
    #[inline]
    pub fn nearest(self, count: i64) -> i64 {
        if self.den == 1 {
            return self.num * count;
        }
        let product = i128::from(self.num) * i128::from(count);
        let value = div_nearest(product, i128::from(self.den));
        narrow(value)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`NumError`] when it does not fit.
    pub fn plus(self, other: Ratio) -> Result<Ratio, NumError> {
        let num = wide(i128::from(self.num), other.den) + wide(i128::from(other.num), self.den);
        Ratio::new(num, wide(i128::from(self.den), other.den))
    }

    /// The same below zero where it was above.
    #[must_use]
    pub const fn negated(self) -> Ratio {
        Ratio { num: -self.num, den: self.den }
    }

    /// `self × other`, exact.
    ///
    /// # Errors
    /// [`NumError::Overflow`] when the product does not fit.
    pub fn times(self, other: Ratio) -> Result<Ratio, NumError> {
        Ratio::new(
            i128::from(self.num) * i128::from(other.num),
            i128::from(self.den) * i128::from(other.den),
        )
    }

    /// `self ÷ other`, exact.
    ///
    /// # Errors
    /// [`NumError::Zero`] for a zero divisor, [`NumError::Overflow`] when it does not fit.
    pub fn over(self, other: Ratio) -> Result<Ratio, NumError> {
        Ratio::new(
            i128::from(self.num) * i128::from(other.den),
            i128::from(self.den) * i128::from(other.num),
        )
    }

    /// Reads `3`, `0.25` or `28/9`.
    ///
    /// # Errors
    /// The [`NumError`] of the part that is wrong.
    pub fn parse(text: &str) -> Result<Ratio, NumError> {
        match text.split_once('/') {
            None => Decimal::parse(text)?.ratio(),
            Some((num, den)) => Decimal::parse(num)?.ratio()?.over(Decimal::parse(den)?.ratio()?),
        }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        let left = i128::from(self.num) * i128::from(other.den);
        left.cmp(&(i128::from(other.num) * i128::from(self.den)))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

/// A decimal number as it was written: `units × 10^-places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    /// Reads `-?digits(.digits)?` in ASCII: no sign `+`, space, underscore, exponent or letter.
    ///
    /// # Errors
    /// The [`NumError`] that names what is wrong and where.
    pub fn parse(text: &str) -> Result<Decimal, NumError> {
        let bytes = text.as_bytes();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length > DECIMAL_TEXT_MAX {
            return Err(NumError::TooLong { bytes: length });
        }
        let negative = bytes.first() == Some(&b'-');
        let mut units: i128 = 0;
        let mut places: Option<u32> = None;
        let mut digits = 0_u32;
        let mut last_is_digit = false;
        for (at, byte) in (0..length).zip(bytes).skip(usize::from(negative)) {
            last_is_digit = byte.is_ascii_digit();
            if last_is_digit {
                let digit = i128::from(byte - b'0');
                let next = units.checked_mul(10).and_then(|units| units.checked_add(digit));
                units = next.ok_or(NumError::Overflow)?;
                digits += 1;
                places = places.map(|places| places + 1);
            } else if *byte == b'.' && places.is_none() && digits > 0 {
                places = Some(0);
            } else {
                return Err(NumError::NotADigit { at });
            }
        }
        if digits == 0 {
            return Err(NumError::Empty);
        }
        if !last_is_digit {
            return Err(NumError::NotADigit { at: length - 1 });
        }
        let units = if negative { -units } else { units };
        Ok(Decimal { units, places: places.unwrap_or(0) })
    }

    /// `units × 10^-places`.
    #[must_use]
    pub const fn new(units: i128, places: u32) -> Decimal {
        Decimal { units, places }
    }

    /// The same value with no zeros at the end.
    #[must_use]
    pub fn normalized(self) -> Decimal {
        let mut value = self;
        while value.places > 0 && value.units % 10 == 0 {
            value.units /= 10;
            value.places -= 1;
        }
        value
    }

    /// The value as a whole number of 10^-places.
    ///
    /// # Errors
    /// [`NumError::TooFine`] when decimals would be lost, [`NumError::Overflow`] beyond 128 bits.
    pub fn scaled(self, kept: u32) -> Result<i128, NumError> {
        let value = self.normalized();
        let Some(more) = kept.checked_sub(value.places) else {
            return Err(NumError::TooFine { places: value.places, kept });
        };
        let factor = 10_i128.checked_pow(more).ok_or(NumError::Overflow)?;
        value.units.checked_mul(factor).ok_or(NumError::Overflow)
    }

    /// The value as an exact fraction.
    ///
    /// # Errors
    /// [`NumError::Overflow`] when the reduced fraction does not fit 64 bits.
    pub fn ratio(self) -> Result<Ratio, NumError> {
        let value = self.normalized();
        let den = 10_i128.checked_pow(value.places).ok_or(NumError::Overflow)?;
        Ratio::new(value.units, den)
    }

    /// The value as money.
    ///
    /// # Errors
    /// [`NumError::TooFine`] below 10⁻⁹, [`NumError::Overflow`] beyond 128 bits.
    pub fn money(self) -> Result<Money, NumError> {
        self.scaled(MONEY_PLACES).map(Money)
    }

    /// The value as a whole number of `step`s.
    ///
    /// # Errors
    /// [`NumError::OffGrid`] when it is none, [`NumError::Zero`] for a zero step,
    /// [`NumError::Overflow`] beyond 64 bits.
    pub fn steps(self, step: Decimal) -> Result<i64, NumError> {
        let places = self.places.max(step.places);
        let (value, step) = (self.scaled(places)?, step.scaled(places)?);
        if step == 0 {
            return Err(NumError::Zero);
        }
        if value % step != 0 {
            return Err(NumError::OffGrid);
        }
        i64::try_from(value / step).map_err(|_| NumError::Overflow)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = self.units.unsigned_abs().to_string();
        let places = usize::try_from(self.places).unwrap_or(usize::MAX);
        if places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, part) = padded.split_at(padded.len() - places);
        write!(f, "{sign}{whole}.{part}")
    }
}

/// `value` in 64 bits.
///
/// # Panics
/// When it does not fit: the configuration proves that lots, sets and prices do, so this is a
/// broken invariant.
#[must_use]
pub fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or_else(|_| panic!("beyond 64 bits: {value}"))
}

/// The greatest common divisor of the two, at least 1.
#[must_use]
pub fn gcd(left: i128, right: i128) -> i128 {
    let (mut left, mut right) = (left.unsigned_abs(), right.unsigned_abs());
    while right != 0 {
        (left, right) = (right, left % right);
    }
    i128::try_from(left.max(1)).unwrap_or(1)
}

/// `left × right`; short where the left side has 64 bits, as nearly every number has.
///
/// # Panics
/// When the product leaves 128 bits: the configuration proves that none does.
#[must_use]
#[inline]
pub fn wide(left: i128, right: i64) -> i128 {
    match i64::try_from(left) {
        Ok(left) => i128::from(left) * i128::from(right),
        Err(_) => left * i128::from(right),
    }
}

/// `num ÷ den` rounded toward −∞; `den` is more than zero.
#[must_use]
#[inline]
pub fn div_floor(num: i128, den: i128) -> i128 {
    match (i64::try_from(num), i64::try_from(den)) {
        (Ok(_), Ok(1)) => num,
        // A division of 64 bits takes a fraction of the time.
        (Ok(num), Ok(den)) => i128::from(num.div_euclid(den)),
        (Err(_), _) | (_, Err(_)) => num.div_euclid(den),
    }
}

/// `num ÷ den` rounded toward +∞; `den` is more than zero.
#[must_use]
#[inline]
pub fn div_ceil(num: i128, den: i128) -> i128 {
    match (i64::try_from(num), i64::try_from(den)) {
        (Ok(_), Ok(1)) => num,
        // A division of 64 bits cuts toward zero: that is up, but for what is above zero.
        (Ok(num), Ok(den)) => i128::from(num / den) + i128::from(num % den > 0),
        (Err(_), _) | (_, Err(_)) => -(-num).div_euclid(den),
    }
}

/// `num ÷ den` rounded to the nearest, halves away from zero; `den` is more than zero.
#[must_use]
pub fn div_nearest(num: i128, den: i128) -> i128 {
    let half = den >> 1;
    if num >= 0 { div_floor(num + half, den) } else { -div_floor(-num + half, den) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_reads_plain_text_alone() {
        assert_eq!(Decimal::parse("-12.50").unwrap().normalized(), Decimal::new(-125, 1));
        for (text, error) in [
            ("", NumError::Empty),
            ("-", NumError::Empty),
            ("+1", NumError::NotADigit { at: 0 }),
            (" 1", NumError::NotADigit { at: 0 }),
            ("1 ", NumError::NotADigit { at: 1 }),
            ("1_000", NumError::NotADigit { at: 1 }),
            ("１２", NumError::NotADigit { at: 0 }),
            ("1e3", NumError::NotADigit { at: 1 }),
            ("0x10", NumError::NotADigit { at: 1 }),
            ("1.", NumError::NotADigit { at: 1 }),
            (".5", NumError::NotADigit { at: 0 }),
            ("1.2.3", NumError::NotADigit { at: 3 }),
            ("NaN", NumError::NotADigit { at: 0 }),
            ("999999999999999999999999999999999999999999", NumError::Overflow),
        ] {
            assert_eq!(Decimal::parse(text), Err(error), "{text:?}");
        }
        let long = "1".repeat(49);
        assert_eq!(Decimal::parse(&long), Err(NumError::TooLong { bytes: DECIMAL_TEXT_MAX + 1 }));
    }

    #[test]
    fn money_keeps_nine_decimals_and_refuses_ten() {
        assert_eq!(Decimal::parse("0.000000001").unwrap().money(), Ok(Money(1)));
        let fine = Decimal::parse("0.0000000001").unwrap().money();
        assert_eq!(fine, Err(NumError::TooFine { places: 10, kept: 9 }));
        assert_eq!(Decimal::parse("1.0000000000").unwrap().money(), Ok(Money::units(1)));
    }

    #[test]
    fn steps_prove_the_grid() {
        let tick = Decimal::parse("0.02").unwrap();
        assert_eq!(Decimal::parse("-37.64").unwrap().steps(tick), Ok(-1882));
        assert_eq!(Decimal::parse("37.63").unwrap().steps(tick), Err(NumError::OffGrid));
        assert_eq!(Decimal::parse("1").unwrap().steps(Decimal::new(0, 0)), Err(NumError::Zero));
    }

    #[test]
    fn divisions_round_as_they_are_named() {
        for (num, den, floor, ceil, nearest) in [
            (7, 2, 3, 4, 4),
            (-7, 2, -4, -3, -4),
            (6, 2, 3, 3, 3),
            (-1, 3, -1, 0, 0),
            (5, 3, 1, 2, 2),
        ] {
            assert_eq!(
                (div_floor(num, den), div_ceil(num, den), div_nearest(num, den)),
                (floor, ceil, nearest),
                "{num} / {den}"
            );
        }
    }

    #[test]
    fn ratio_is_exact() {
        let ratio = Ratio::parse("3.11034768").unwrap();
        assert_eq!((1..6).map(|sets| ratio.nearest(sets)).collect::<Vec<_>>(), [3, 6, 9, 12, 16]);
        assert_eq!(Ratio::parse("28/9").unwrap().to_string(), "28/9");
        assert_eq!(Ratio::parse("1/0"), Err(NumError::Zero));
        assert!(Ratio::parse("1/3").unwrap() < Ratio::parse("0.334").unwrap());
    }

    #[test]
    fn decimal_prints_what_it_is() {
        assert_eq!(Decimal::new(-5, 3).to_string(), "-0.005");
        assert_eq!(Money(1_500_000_000).to_string(), "1.5");
    }
}

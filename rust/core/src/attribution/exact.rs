//! Products of three numbers without loss, and sums that keep the fraction.

/// A sum of quotients over one denominator: `whole + part ÷ denominator`, `part` below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) whole: i128,
    part: i128,
}

impl Exact {
    /// `amount × num ÷ den`; `den` is more than zero.
    pub(super) fn new(amount: i128, num: i128, den: i128) -> Exact {
        let (whole, part) = mul_div(amount, num, den);
        Exact { whole, part }
    }

    /// Both; `den` is that of both.
    pub(super) fn plus(self, other: Exact, den: i128) -> Exact {
        let whole = self.whole.saturating_add(other.whole);
        let part = self.part.saturating_add(other.part);
        if part < den {
            Exact { whole, part }
        } else {
            Exact { whole: whole.saturating_add(1), part: part - den }
        }
    }

    /// This less the other, rounded down.
    pub(super) fn less(self, other: Exact) -> i128 {
        let whole = self.whole.saturating_sub(other.whole);
        if self.part < other.part { whole.saturating_sub(1) } else { whole }
    }
}

/// `left × right ÷ den` rounded down, and what is left over `den`, which is more than zero. What
/// leaves 128 bits is the nearest that does not.
pub(super) fn mul_div(left: i128, right: i128, den: i128) -> (i128, i128) {
    if let Some(product) = left.checked_mul(right) {
        return (product.div_euclid(den), product.rem_euclid(den));
    }
    let is_negative = (left < 0) != (right < 0);
    let divisor = den.unsigned_abs();
    let (quotient, rest) = divided(product(left.unsigned_abs(), right.unsigned_abs()), divisor);
    let Some(quotient) = quotient.and_then(|quotient| i128::try_from(quotient).ok()) else {
        return (if is_negative { i128::MIN } else { i128::MAX }, 0);
    };
    // What is left is below the denominator, which has 127 bits.
    let rest = i128::try_from(rest).unwrap_or(0);
    match (is_negative, rest) {
        (false, _) => (quotient, rest),
        (true, 0) => (-quotient, 0),
        (true, _) => (-quotient - 1, den - rest),
    }
}

/// The upper and lower half of a product.
fn product(left: u128, right: u128) -> [u128; 2] {
    const HALF: u128 = (1 << 64) - 1;
    let [a, b] = [left >> 64, left & HALF];
    let [c, d] = [right >> 64, right & HALF];
    let [outer, inner] = [a * d, b * c];
    let low = b * d;
    let middle = (low >> 64) + (outer & HALF) + (inner & HALF);
    let high = a * c + (outer >> 64) + (inner >> 64) + (middle >> 64);
    [high, (middle << 64) | (low & HALF)]
}

/// Long division, bit by bit; no quotient where it has more than 128 bits.
fn divided([high, low]: [u128; 2], den: u128) -> (Option<u128>, u128) {
    let (mut rest, mut quotient, mut is_wide) = (0_u128, 0_u128, false);
    for (word, is_high) in [(high, true), (low, false)] {
        for bit in (0..128).rev() {
            // The rest is below the denominator, which has 127 bits.
            rest = (rest << 1) | ((word >> bit) & 1);
            if rest >= den {
                rest -= den;
                is_wide |= is_high;
                quotient |= if is_high { 0 } else { 1 << bit };
            }
        }
    }
    ((!is_wide).then_some(quotient), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_beyond_128_bits_are_divided_without_loss() {
        let check = |left, right, den, expected| {
            assert_eq!(mul_div(left, right, den), expected, "{left} × {right} ÷ {den}");
        };
        let ten = |power: u32| 10_i128.pow(power);
        check(7, 3, 4, (5, 1));
        check(-7, 3, 4, (-6, 3));
        check(ten(30), ten(30), ten(25), (ten(35), 0));
        check(-ten(30), ten(30), ten(25), (-ten(35), 0));
        check(ten(30) + 1, ten(30), ten(31), (ten(29), ten(30)));
        check(-ten(30) - 1, ten(30), ten(31), (-ten(29) - 1, ten(31) - ten(30)));
        check(i128::MAX, i128::MAX, i128::MAX, (i128::MAX, 0));
        check(ten(38), ten(38), 1, (i128::MAX, 0));
        check(ten(38), -ten(38), 1, (i128::MIN, 0));
    }

    #[test]
    fn fractions_add_up() {
        let third = Exact::new(1, 1, 3);
        let sum = third.plus(third, 3).plus(third, 3);
        assert_eq!(sum, Exact { whole: 1, part: 0 });
        assert_eq!((sum.less(third), third.less(sum)), (0, -1));
    }
}

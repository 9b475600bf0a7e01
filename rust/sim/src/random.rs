//! A seeded generator of our own: the same seed gives the same numbers on every machine, for ever.

/// How often something happens, in parts of a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(pub u32);

impl Chance {
    /// Never.
    pub const NEVER: Chance = Chance(0);
    /// Always.
    pub const ALWAYS: Chance = Chance(1_000_000);

    /// So many percent.
    #[must_use]
    pub const fn percent(percent: u32) -> Chance {
        Chance(percent * 10_000)
    }
}

/// xoshiro256**, seeded by splitmix64.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

/// One step of splitmix64: spreads a seed, and mixes a number into a hash.
#[must_use]
pub const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// The generator of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Random {
        let first = mix(seed);
        let second = mix(first);
        let third = mix(second);
        Random { state: [first, second, third, mix(third)] }
    }

    /// A generator for one purpose of a seed: what one purpose draws does not move the others.
    #[must_use]
    pub const fn stream(seed: u64, purpose: u64) -> Random {
        Random::new(mix(seed) ^ mix(purpose ^ 0x005E_ED0F_572E_A300))
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c2, d2) = (c ^ a, d ^ b);
        self.state = [a ^ d2, b ^ c2, c2 ^ (b << 17), d2.rotate_left(45)];
        result
    }

    /// A number from 0 to `bound` − 1; 0 when `bound` is 0. The bias of 2⁻⁶⁴ × bound is accepted.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included; `low` when they are the wrong way round.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(i128::from(high) - i128::from(low)).unwrap_or(0);
        let step = self.below(width.saturating_add(1));
        low.saturating_add_unsigned(step)
    }

    /// A place in a list of `len`.
    pub fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// Whether it happens this time; always draws once.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.below(1_000_000) < u64::from(chance.0)
    }

    /// One of these; `None` of an empty list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.index(list.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let mut random = Random::new(1);
        let found: Vec<u64> = (0..3).map(|_| random.next()).collect();
        let mut again = Random::new(1);
        assert_eq!(found, (0..3).map(|_| again.next()).collect::<Vec<_>>());
        // Reference values of splitmix64 seeded with 0.
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
        assert_ne!(Random::stream(1, 1).next(), Random::stream(1, 2).next());
    }

    #[test]
    fn numbers_stay_in_their_bounds_and_reach_them() {
        let mut random = Random::new(7);
        let mut seen = [false; 5];
        for _ in 0..1_000 {
            let value = random.between(-2, 2);
            assert!((-2..=2).contains(&value));
            seen[usize::try_from(value + 2).unwrap()] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(random.between(3, 3), 3);
        assert_eq!(random.below(0), 0);
        let wide: Vec<i64> = (0..8).map(|_| random.between(i64::MIN, i64::MAX)).collect();
        assert!(wide.iter().any(|value| *value < 0) && wide.iter().any(|value| *value > 0));
    }

    #[test]
    fn a_chance_is_met_as_often_as_it_says() {
        let mut random = Random::new(9);
        let hits = (0..100_000).filter(|_| random.happens(Chance::percent(20))).count();
        assert!((19_000..21_000).contains(&hits), "{hits}");
        assert!(!random.happens(Chance::NEVER));
        assert!(random.happens(Chance::ALWAYS));
    }
}

//! A value over time in bounded memory.
//!
//! A series is a list of buckets of equal width. When there are too many, the width doubles and
//! neighbours are joined: what is kept of each is the least, the greatest and the last value, so
//! that no extreme is ever lost, and what is kept depends on the values and moments alone.

use cross_market_core::time::{Span, Time};

/// Most buckets of one series.
pub const BUCKETS_MAX: usize = 2_048;

/// What one value did in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The least and the greatest; `None` when there was no value at all.
    pub ends: Option<[i128; 2]>,
    /// Where it stood at the end; `None` when there was no value then.
    pub last: Option<i128>,
}

impl Extent {
    fn new(value: Option<i128>) -> Extent {
        Extent { ends: value.map(|value| [value, value]), last: value }
    }

    /// This, and `later` after it.
    fn join(&mut self, later: &Extent) {
        self.ends = match (self.ends, later.ends) {
            (Some([low, high]), Some([lower, higher])) => Some([low.min(lower), high.max(higher)]),
            (ends, None) | (None, ends) => ends,
        };
        self.last = later.last;
    }
}

/// What `N` values did from one moment until the next bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket<const N: usize> {
    /// When its first values came: they stood from here on.
    pub from: Time,
    /// What each did.
    pub extents: [Extent; N],
}

/// `N` values over time, each standing until the next comes.
#[derive(Clone, Debug)]
pub struct Series<const N: usize> {
    width: Span,
    /// Where the last bucket ends.
    end: Time,
    last: [Option<i128>; N],
    buckets: Vec<Bucket<N>>,
}

impl<const N: usize> Default for Series<N> {
    fn default() -> Series<N> {
        Series { width: Span(1), end: Time(i64::MIN), last: [None; N], buckets: Vec::new() }
    }
}

impl<const N: usize> Series<N> {
    /// The values from `now` on, never before an earlier one; those that stand already are no news.
    #[inline]
    pub fn push(&mut self, now: Time, values: [Option<i128>; N]) {
        if values == self.last {
            return;
        }
        self.last = values;
        let extents = values.map(Extent::new);
        match self.buckets.last_mut() {
            Some(bucket) if now < self.end => {
                for (extent, later) in bucket.extents.iter_mut().zip(&extents) {
                    extent.join(later);
                }
            }
            Some(_) | None => self.open(Bucket { from: now, extents }),
        }
    }

    fn open(&mut self, bucket: Bucket<N>) {
        self.buckets.push(bucket);
        while self.buckets.len() > BUCKETS_MAX {
            self.width = Span(self.width.0 * 2);
            self.join();
        }
        self.end = Time((self.place(bucket.from) + 1).saturating_mul(self.width.0));
    }

    fn place(&self, time: Time) -> i64 {
        time.0.div_euclid(self.width.0)
    }

    /// Joins the buckets that lie in one of the present width.
    fn join(&mut self) {
        let mut joined: Vec<Bucket<N>> = Vec::with_capacity(BUCKETS_MAX + 1);
        for bucket in &self.buckets {
            match joined.last_mut().filter(|to| self.place(to.from) == self.place(bucket.from)) {
                Some(to) => {
                    for (extent, later) in to.extents.iter_mut().zip(&bucket.extents) {
                        extent.join(later);
                    }
                }
                None => joined.push(*bucket),
            }
        }
        self.buckets = joined;
    }

    /// The buckets and where each ends: where the next begins, the last at `until`.
    pub fn rows(&self, until: Time) -> impl Iterator<Item = (&Bucket<N>, Time)> {
        let ends = self.buckets.iter().skip(1).map(|next| next.from);
        self.buckets.iter().zip(ends.chain([until]))
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::expect_used, reason = "a test must be loud")]
mod tests {
    use super::*;

    /// A value for every moment, from a small generator.
    fn walk(count: i64) -> Vec<(Time, Option<i128>)> {
        let mut state = 7_i64;
        let mut at = 1_000;
        let step = |_| {
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
            at += 1 + state % 97;
            let value = i128::from(state % 10_007);
            (Time(at), (value % 11 != 0).then_some(value))
        };
        (0..count).map(step).collect()
    }

    #[test]
    fn few_values_are_kept_as_they_are() {
        let mut series = Series::<1>::default();
        let values = walk(2_048);
        for (now, value) in &values {
            series.push(*now, [*value]);
        }
        let mut distinct = values.clone();
        distinct.dedup_by_key(|(_, value)| *value);
        let first = distinct.iter().position(|(_, value)| value.is_some()).expect("values");
        let rows: Vec<_> = series.rows(Time::MAX).collect();
        assert_eq!(rows.len(), distinct.len() - first);
        for ((bucket, until), (at, value)) in rows.iter().zip(&distinct[first..]) {
            assert_eq!((bucket.from, bucket.extents[0]), (*at, Extent::new(*value)));
            assert!(*until > bucket.from);
        }
    }

    #[test]
    fn many_values_keep_their_extremes_and_their_ends() {
        let mut series = Series::<1>::default();
        let values = walk(200_000);
        let mut most = 0;
        for (now, value) in &values {
            series.push(*now, [*value]);
            most = most.max(series.buckets.len());
        }
        assert_eq!(most, BUCKETS_MAX);
        let until = Time(values.last().expect("values").0.0 + 1);
        let rows: Vec<_> = series.rows(until).collect();
        assert!(rows.len() > BUCKETS_MAX / 2 - 1, "{} rows", rows.len());
        for (bucket, end) in rows {
            // The slow way: every value that came between its ends.
            let inside: Vec<Option<i128>> = values
                .iter()
                .filter(|(at, _)| bucket.from <= *at && *at < end)
                .map(|(_, value)| *value)
                .collect();
            let least = inside.iter().flatten().min();
            let ends = least.zip(inside.iter().flatten().max());
            assert_eq!(bucket.extents[0].ends, ends.map(|(low, high)| [*low, *high]));
            assert_eq!(bucket.extents[0].last, *inside.last().expect("a first value"));
        }
    }
}

//! Times that bear being taken on a machine that others use too.
//!
//! The cases take turns, whole rounds of one after whole rounds of the other, so that a slow minute
//! meets all of them. A case stops its time every so often; of each such slice the median over the
//! rounds counts, and the slices are added up: what interrupts a slice now and then is outvoted.

use std::time::Instant;

/// The times of one case in one round, slice by slice.
#[derive(Debug)]
pub(crate) struct Laps {
    begin: Instant,
    times: Vec<u64>,
}

impl Laps {
    /// Begins a slice: what came before is not counted.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.begin = Instant::now();
    }

    /// Ends a slice and begins the next.
    #[inline(never)]
    pub(crate) fn lap(&mut self) {
        let now = Instant::now();
        let nanos = now.duration_since(self.begin).as_nanos();
        self.times.push(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.begin = Instant::now();
    }
}

/// Does its work once, in the same slices each time.
pub(crate) type Case<'a> = &'a mut dyn FnMut(&mut Laps);

/// Nanoseconds of each case, taken in turns; the first round warms up and does not count.
pub(crate) fn in_turns(rounds: usize, cases: &mut [Case<'_>]) -> Vec<f64> {
    let mut taken: Vec<Vec<Vec<u64>>> = vec![Vec::new(); cases.len()];
    for round in 0..=rounds {
        for (case, taken) in cases.iter_mut().zip(&mut taken) {
            let mut laps = Laps { begin: Instant::now(), times: Vec::new() };
            case(&mut laps);
            if round > 0 {
                taken.push(laps.times);
            }
        }
    }
    taken.iter().map(|rounds| typical(rounds)).collect()
}

/// Σ over the slices of the median over the rounds.
fn typical(rounds: &[Vec<u64>]) -> f64 {
    let slices = rounds.first().map_or(0, Vec::len);
    (0..slices).map(|slice| median(rounds.iter().map(|times| times[slice] as f64).collect())).sum()
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The line that a script reads.
pub(crate) fn figure(name: &str, ours_ns: f64, limit_ns: f64) {
    let ratio = ours_ns / limit_ns;
    println!("FIGURE bench.{name} ours_ns={ours_ns:.1} limit_ns={limit_ns:.1} ratio={ratio:.2}");
}

//! A quantile sketch with a bounded relative error: values are counted in buckets whose bounds grow by one percent (the
//! mapping of DDSketch: Masson, Rim, Lee, VLDB 2019). Sketches of parts merge into exactly the sketch of the whole.

/// Quantiles lie within this share of a value that was there.
pub const RELATIVE_ERROR: f64 = 0.005;

/// ln((1 + e) / (1 - e))
const LN_GAMMA: f64 = 0.010_000_083_334_583_34;
/// Values nearer to zero count as zero: sums are kept to the same thousand-millionth.
const SMALLEST: f64 = 1e-9;
/// The bucket of `SMALLEST` gets the number 1.
const SHIFT: i32 = 2_073;
/// Beyond this, those nearest to zero are counted together: one server's latency fills some hundred.
const MOST_BUCKETS: usize = 4_096;

/// How many values lie in each bucket. Buckets are numbered in the order of their values: negative ones below zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    buckets: Vec<(i32, u64)>,
}

impl Sketch {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<i32> = values.into_iter().map(bucket).collect();
        numbers.sort_unstable();
        let mut buckets: Vec<(i32, u64)> = Vec::new();
        for number in numbers {
            match buckets.last_mut() {
                Some((last, count)) if *last == number => *count += 1,
                _ => buckets.push((number, 1)),
            }
        }
        let mut sketch = Sketch { buckets };
        sketch.collapse();
        sketch
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    pub fn merge(&mut self, other: &Sketch) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return;
        }
        let mut merged = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut mine, mut theirs) = (self.buckets.iter().peekable(), other.buckets.iter().peekable());
        while let (Some(&&(a, n)), Some(&&(b, m))) = (mine.peek(), theirs.peek()) {
            match a.cmp(&b) {
                std::cmp::Ordering::Less => {
                    merged.push((a, n));
                    mine.next();
                }
                std::cmp::Ordering::Greater => {
                    merged.push((b, m));
                    theirs.next();
                }
                std::cmp::Ordering::Equal => {
                    merged.push((a, n + m));
                    mine.next();
                    theirs.next();
                }
            }
        }
        merged.extend(mine.chain(theirs));
        self.buckets = merged;
        self.collapse();
    }

    /// The value at rank q (n - 1), interpolated between its neighbours; none when nothing was counted.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * (count - 1) as f64;
        let (low, high) = (self.at(rank.floor() as u64), self.at(rank.ceil() as u64));
        Some(low + (high - low) * rank.fract())
    }

    fn at(&self, rank: u64) -> f64 {
        let mut seen = 0;
        for (number, count) in &self.buckets {
            seen += count;
            if seen > rank {
                return middle(*number);
            }
        }
        self.buckets.last().map_or(0.0, |(number, _)| middle(*number))
    }

    /// How many values lie in each bucket, as (value, count), the smallest first.
    pub fn spread(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.buckets.iter().map(|(number, count)| (middle(*number), *count))
    }

    fn collapse(&mut self) {
        while self.buckets.len() > MOST_BUCKETS {
            let nearest = (0..self.buckets.len()).min_by_key(|&at| self.buckets[at].0.unsigned_abs());
            let at = nearest.unwrap_or_default();
            let (_, count) = self.buckets.remove(at);
            let next = at.min(self.buckets.len() - 1);
            self.buckets[next].1 += count;
        }
    }

    /// As it is stored: numbers as differences, both in seven bits a byte.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.buckets.len() * 3);
        bytes.push(VERSION);
        let mut before = 0_i64;
        for &(number, count) in &self.buckets {
            let step = i64::from(number) - before;
            push(&mut bytes, ((step << 1) ^ (step >> 63)) as u64);
            push(&mut bytes, count);
            before = i64::from(number);
        }
        bytes
    }

    /// What [`Sketch::encode`] wrote; an empty sketch for anything else.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut buckets = Vec::new();
        if let Some((&VERSION, mut rest)) = bytes.split_first() {
            let mut number = 0_i64;
            while let (Some(step), Some(count)) = (pull(&mut rest), pull(&mut rest)) {
                number += (step >> 1) as i64 ^ -((step & 1) as i64);
                buckets.push((number as i32, count));
            }
        }
        Sketch { buckets }
    }
}

const VERSION: u8 = 1;

fn bucket(value: f64) -> i32 {
    let size = value.abs();
    if size < SMALLEST {
        return 0;
    }
    let number = (size.ln() / LN_GAMMA).ceil() as i32 + SHIFT;
    if value < 0.0 { -number } else { number }
}

/// The value that is off by the same share from both bounds of the bucket.
fn middle(number: i32) -> f64 {
    if number == 0 {
        return 0.0;
    }
    let upper = (f64::from(number.abs() - SHIFT) * LN_GAMMA).exp();
    let value = upper * (1.0 - RELATIVE_ERROR);
    if number < 0 { -value } else { value }
}

fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn pull(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sort, rank q (n - 1), interpolate.
    fn exact(values: &mut [f64], q: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        let rank = q * (values.len() - 1) as f64;
        let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
        low + (high - low) * rank.fract()
    }

    #[test]
    fn an_empty_sketch_has_no_value() {
        assert_eq!(Sketch::default().quantile(0.5), None);
    }

    #[test]
    fn a_bucket_lies_within_half_a_percent_of_its_values() {
        for step in 0..200_000 {
            let value = 1e-9 * 1.000_347_f64.powi(step);
            let shown = middle(bucket(value));
            assert!(
                (shown - value).abs() <= value * RELATIVE_ERROR * 1.000_001,
                "{value} shown as {shown}"
            );
        }
    }

    proptest! {
        #[test]
        fn quantiles_lie_within_half_a_percent(mut values in prop::collection::vec(0.001..1e9_f64, 1..400), q in 0.0..=1.0_f64) {
            let shown = Sketch::of(values.iter().copied()).quantile(q).unwrap();

            let real = exact(&mut values, q);
            prop_assert!((shown - real).abs() <= real * 0.00501, "{shown} for {real}");
        }

        #[test]
        fn parts_merge_into_the_sketch_of_the_whole(a in prop::collection::vec(-1e6..1e6_f64, 0..200), b in prop::collection::vec(-1.0..1.0_f64, 0..200)) {
            let mut merged = Sketch::of(a.iter().copied());
            merged.merge(&Sketch::of(b.iter().copied()));

            prop_assert_eq!(&merged, &Sketch::of(a.into_iter().chain(b)));
            prop_assert_eq!(&Sketch::decode(&merged.encode()), &merged);
        }
    }
}

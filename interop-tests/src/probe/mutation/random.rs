//! Reproducible random numbers: the same seed and case number always give the same numbers.
//!
//! Each case has its own generator, so that it can be repeated without the cases before it. No number depends on the
//! size of a `usize`.

use fastrand::Rng;

/// The random numbers of one case.
pub(crate) struct Random {
    pub(crate) rng: Rng,
}

impl Random {
    pub(crate) fn of_case(seed: u64, case: u64) -> Self {
        // The seeds of consecutive cases must be far apart, or their first numbers would be similar.
        let distance = case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { rng: Rng::with_seed(seed.wrapping_add(distance)) }
    }

    /// A number below `end`; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = if end == 0 { 0 } else { self.rng.u64(..end as u64) };
        usize::try_from(number).unwrap_or(0)
    }

    /// True with a probability of 1/`n`.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number up to `most`, with all magnitudes equally likely.
    pub(crate) fn size(&mut self, most: usize) -> usize {
        let bits = usize::BITS - most.leading_zeros();
        let bits = self.rng.u32(0..=bits).min(usize::BITS - 1);
        self.below(1 << bits).min(most)
    }

    /// One element of `from`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of the `words`, which are separated by spaces.
    pub(crate) fn word(&mut self, words: &'static str) -> &'static str {
        self.pick(&words.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.rng.u8(..)).collect()
    }

    /// Up to `longest` bytes of `alphabet`.
    pub(crate) fn text(&mut self, alphabet: &[u8], longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| self.pick(alphabet)).collect()
    }

    /// `text` after this many edits with bytes of `alphabet`.
    pub(crate) fn edited(&mut self, text: &str, edits: usize, alphabet: &[u8]) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        (0..edits).for_each(|_| self.edit(&mut bytes, alphabet));
        bytes
    }

    /// Makes one edit to `bytes`; new bytes are from `alphabet`.
    pub(crate) fn edit(&mut self, bytes: &mut Vec<u8>, alphabet: &[u8]) {
        let new = self.pick(alphabet);
        let at = self.below(bytes.len() + 1);
        let length = 1 + self.size(4);
        let part = at..(at + length).min(bytes.len());
        match self.below(6) {
            0 | 1 => bytes.insert(at, new),
            2 => drop(bytes.drain(part)),
            3 => {
                let copy = bytes[part].to_vec();
                bytes.splice(at..at, copy);
            }
            _ if at < bytes.len() => bytes[at] = new,
            _ => bytes.push(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Random;

    #[test]
    fn a_case_repeats_and_differs_from_its_neighbours() {
        let draw = |seed, case| Random::of_case(seed, case).bytes(4);
        assert_eq!(draw(7, 3), draw(7, 3));
        let cases: BTreeSet<_> = (0..100).map(|case| draw(7, case)).collect();
        let firsts: BTreeSet<_> = cases.iter().map(|bytes| bytes[0]).collect();
        assert!(cases.len() == 100 && firsts.len() > 60, "{} first bytes", firsts.len());
    }

    #[test]
    fn the_numbers_of_a_seed_are_the_same_on_every_platform() {
        let mut random = Random::of_case(7, 3);
        let numbers = [2, 1000, 1 << 31].map(|end| random.below(end));
        assert_eq!((numbers, random.bytes(4)), ([0, 207, 936_343_873], vec![26, 204, 230, 164]));
    }

    #[test]
    fn sizes_reach_their_limit_and_stay_small_often() {
        let mut random = Random::of_case(1, 1);
        let sizes: Vec<_> = (0..1000).map(|_| random.size(1000)).collect();
        assert!(sizes.iter().all(|size| *size <= 1000) && sizes.iter().any(|size| *size > 900));
        assert!(sizes.iter().filter(|size| **size < 30).count() > 300);
    }
}

//! Chance that comes again: the same seed and the same case always draw the same.
//!
//! Each case has a generator of its own, so that one of them can be repeated without those before.

use fastrand::Rng;

/// See the module.
pub(crate) struct Random(Rng);

impl Random {
    pub(crate) fn of_case(seed: u64, case: u64) -> Self {
        // SplitMix64: neighbouring cases must not begin alike.
        let mut mixed = seed.wrapping_add(case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(Rng::with_seed(mixed ^ (mixed >> 31)))
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(..end) }
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number up to `most`; small ones are as likely as large ones.
    pub(crate) fn size(&mut self, most: usize) -> usize {
        let bits = usize::BITS - most.leading_zeros();
        let bits = self.0.u32(0..=bits).min(usize::BITS - 1);
        self.below(1 << bits).min(most)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.u8(..)
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.0.u32(..)
    }

    pub(crate) fn long_word(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// One of these, of which there have to be some.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// Up to `longest` bytes of `alphabet`.
    pub(crate) fn text(&mut self, alphabet: &[u8], longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Changes `bytes` a little; what is new comes from `alphabet`.
    pub(crate) fn edit(&mut self, bytes: &mut Vec<u8>, alphabet: &[u8]) {
        let new = alphabet[self.below(alphabet.len())];
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

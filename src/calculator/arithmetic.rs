//! The arithmetic of `python/calculator.py`, equal to the bit.
//!
//! Python has no single-precision floats: the request is widened to a double, `math.sqrt` computes
//! a double, and protobuf rounds the result when it is stored in the reply.

/// The argument of `math.sqrt` is below zero.
///
/// The message is that of the `ValueError` that `CPython` up to 3.13 raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("math domain error")]
pub struct DomainError;

/// Bit 22 of a float32: set in a quiet NaN, clear in a signalling one.
const QUIET: u32 = 0x0040_0000;

/// The square root of `x`, rounded to the nearest float32.
///
/// The root of `-0.0` is `-0.0`. A NaN keeps its sign and payload and becomes quiet, as it does in
/// Python's conversions between float and double. Anything below zero, including `-inf`, is a
/// [`DomainError`].
pub fn square_root(x: f32) -> Result<f32, DomainError> {
    if x.is_nan() {
        return Ok(quiet(x));
    }
    if x < 0.0 {
        return Err(DomainError);
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to a float32 is the point")]
    let root = f64::from(x).sqrt() as f32;
    Ok(root)
}

/// The root mean square of a sequence of numbers, computed incrementally.
///
/// The squares are summed in double precision in the order of arrival, and the root is rounded to a
/// float32 once. If any number is a NaN, the result is the first NaN, made quiet as in
/// [`square_root`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RootMeanSquare {
    sum: f64,
    count: u64,
    nan: Option<f32>,
}

impl RootMeanSquare {
    /// Adds the next number.
    pub fn add(&mut self, x: f32) {
        self.count += 1;
        self.sum += f64::from(x) * f64::from(x);
        if x.is_nan() {
            self.nan.get_or_insert(quiet(x));
        }
    }

    /// The result, or `None` if no number was added.
    #[must_use]
    pub fn value(&self) -> Option<f32> {
        if self.nan.is_some() || self.count == 0 {
            return self.nan;
        }
        #[expect(clippy::cast_precision_loss, reason = "no stream has 2^53 numbers")]
        let mean = self.sum / self.count as f64;
        #[expect(clippy::cast_possible_truncation, reason = "rounding to a float32 is the point")]
        let root = mean.sqrt() as f32;
        Some(root)
    }
}

/// The quiet NaN with the sign and payload of `nan`.
///
/// Rust does not specify which NaN an operation returns, but the bits are part of the contract
/// here.
fn quiet(nan: f32) -> f32 {
    f32::from_bits(nan.to_bits() | QUIET)
}

#[cfg(test)]
mod tests {
    use super::{DomainError, RootMeanSquare, square_root};

    fn root_bits(bits: u32) -> Result<u32, DomainError> {
        square_root(f32::from_bits(bits)).map(f32::to_bits)
    }

    #[test]
    fn special_values() {
        let cases = [
            (0x0000_0000, Ok(0x0000_0000)),  // +0
            (0x8000_0000, Ok(0x8000_0000)),  // -0
            (0x7f80_0000, Ok(0x7f80_0000)),  // +inf
            (0xff80_0000, Err(DomainError)), // -inf
            (0x8000_0001, Err(DomainError)), // the largest negative subnormal
            (0xbf80_0000, Err(DomainError)), // -1
            (0x7fc0_0000, Ok(0x7fc0_0000)),  // a quiet NaN
            (0xffc0_0123, Ok(0xffc0_0123)),  // its sign and payload
            (0x7f80_0001, Ok(0x7fc0_0001)),  // a signalling NaN is made quiet
            (0xffa1_2345, Ok(0xffe1_2345)),
            (0x4000_0000, Ok(0x3fb5_04f3)), // 2
        ];
        for (bits, expected) in cases {
            assert_eq!(root_bits(bits), expected, "the root of {bits:#010x}");
        }
    }

    #[test]
    fn root_mean_squares() {
        let largest = f32::MAX.to_bits();
        let cases: [(&[u32], Option<u32>); 9] = [
            (&[], None),
            (&[0x8000_0000], Some(0)),                        // -0
            (&[0x4040_0000, 0xc080_0000], Some(0x4062_4630)), // 3, -4
            (&[0xff80_0000, 0x3f80_0000], Some(0x7f80_0000)), // -inf
            (&[largest, largest, largest], Some(largest)),    // no overflow
            (&[1, 1], Some(1)),                               // no underflow
            (&[0x3f80_0000, 0x7f80_0001, 0xffc0_0002], Some(0x7fc0_0001)), // the first NaN
            (&[0xffa1_2345, 0x7f80_0000], Some(0xffe1_2345)),
            (&[0x4b80_0000, 0x3f80_0000, 0x3f80_0000], Some(0x4b13_cd3a)),
        ];
        for (numbers, expected) in cases {
            let mut root = RootMeanSquare::default();
            for bits in numbers {
                root.add(f32::from_bits(*bits));
            }
            assert_eq!(root.value().map(f32::to_bits), expected, "of {numbers:#010x?}");
        }
    }

    /// The significand as an integer and the exponent of its last bit: `x == m * 2^e`, exactly.
    fn exact(bits: u32) -> (u64, i32) {
        let (exponent, fraction) = ((bits >> 23).cast_signed(), u64::from(bits & 0x007f_ffff));
        if exponent == 0 { (fraction, -149) } else { (fraction | 0x0080_0000, exponent - 150) }
    }

    /// Whether `root` is the float32 nearest to the real square root of `x`, both positive and
    /// finite, decided in integers alone: `(n - 1/2)^2 < m < (n + 1/2)^2` for a root of `n` units
    /// in the last place. A tie is impossible: the root of a 24-bit number has no 25-bit value.
    fn is_correctly_rounded(x: u32, root: u32) -> bool {
        let (m, x_exponent) = exact(x);
        let (n, root_exponent) = exact(root);
        let shift = x_exponent - 2 * root_exponent;
        let Ok(shift) = u32::try_from(shift) else { return false };
        let Some(quadruple) =
            m.checked_mul(4).and_then(|m4| (shift <= m4.leading_zeros()).then(|| m4 << shift))
        else {
            return false;
        };
        let (below, above) = (2 * n - 1, 2 * n + 1);
        below * below < quadruple && quadruple < above * above
    }

    /// Checks against two oracles: the root of the double, rounded by the hardware, and exact
    /// integers.
    fn first_wrong_root(patterns: std::ops::RangeInclusive<u32>) -> Option<u32> {
        patterns.into_iter().find(|&bits| {
            let x = f32::from_bits(bits);
            let is_correct = match root_bits(bits) {
                Err(DomainError) => x < 0.0,
                Ok(root) if x.is_nan() => root == bits | super::QUIET,
                Ok(root) if x == 0.0 || x == f32::INFINITY => root == bits,
                #[expect(clippy::cast_possible_truncation, reason = "the oracle rounds once")]
                Ok(root) => {
                    x > 0.0
                        && root == (f64::from(x).sqrt() as f32).to_bits()
                        && is_correctly_rounded(bits, root)
                }
            };
            !is_correct
        })
    }

    #[test]
    #[ignore = "runs for 15 seconds; `make test` runs it"]
    fn every_float32_root_is_the_rounded_root_of_the_double() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let slices = u32::try_from(threads).expect("the number of cores fits");
        let width = u32::MAX / slices;
        let wrong = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..slices)
                .map(|slice| {
                    let first = if slice == 0 { 0 } else { slice * width + 1 };
                    let last = if slice + 1 == slices { u32::MAX } else { (slice + 1) * width };
                    scope.spawn(move || first_wrong_root(first..=last))
                })
                .collect();
            workers.into_iter().find_map(|worker| worker.join().expect("no worker panics"))
        });
        assert_eq!(wrong.map(|bits| format!("{bits:#010x}")), None);
    }
}

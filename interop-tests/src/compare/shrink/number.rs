//! Numbers that are simpler than another one.
//!
//! A number with few bits often shows the same as one with many, and it is easier to read.

use crate::compare::shrink::tree::{Leaf, LeafKind, Number};

/// How far numbers are shifted, so that a few steps lead from any number to the smallest that matters.
const SHIFTS: [u32; 6] = [32, 16, 8, 4, 2, 1];

/// The sign and the fraction of floats of 4 and of 8 bytes.
const PARTS_OF_FLOAT: u64 = 1 << 31 | ((1 << 23) - 1);
const PARTS_OF_DOUBLE: u64 = 1 << 63 | ((1 << 52) - 1);

fn number(leaf: &Leaf) -> Number {
    match leaf.kind {
        LeafKind::Varint(number) | LeafKind::Fixed(number) => number,
        LeafKind::Text | LeafKind::Raw => Number::Unsigned,
    }
}

fn is_float(leaf: &Leaf) -> bool {
    leaf.bytes.len() == size_of::<f32>()
}

/// The simplest numbers of this type, starting with the simplest one.
pub(super) fn simplest(leaf: &Leaf) -> Vec<u64> {
    match number(leaf) {
        Number::Unsigned => vec![0, 1],
        Number::Signed => vec![0, 1, u64::MAX],
        Number::Float if is_float(leaf) => {
            vec![0, 1_f32.to_bits().into(), 0.5_f32.to_bits().into()]
        }
        Number::Float => vec![0, 1_f64.to_bits(), 0.5_f64.to_bits()],
    }
}

/// Numbers that are smaller than `value`, which is of the type of `leaf`, from the smallest.
pub(super) fn smaller(leaf: &Leaf, value: u64) -> Vec<u64> {
    match number(leaf) {
        Number::Float => {
            let truncated = if is_float(leaf) {
                u32::try_from(value)
                    .map_or(value, |bits| f32::from_bits(bits).trunc().to_bits().into())
            } else {
                f64::from_bits(value).trunc().to_bits()
            };
            vec![truncated]
        }
        Number::Signed if value.cast_signed() < 0 => {
            // A positive number first, then a smaller negative one.
            let shifted = SHIFTS.map(|shift| (value.cast_signed() >> shift).cast_unsigned());
            [!value].into_iter().chain(shifted).collect()
        }
        _ => SHIFTS.map(|shift| value >> shift).to_vec(),
    }
}

/// The bits that can be removed from `value`, which is of the type of `leaf`, from the highest; and what remains
/// without them.
pub(super) fn bits(leaf: &Leaf, value: u64) -> (u64, Vec<u64>) {
    let removable = match number(leaf) {
        Number::Float if is_float(leaf) => value & PARTS_OF_FLOAT,
        Number::Float => value & PARTS_OF_DOUBLE,
        // The bits that differ from those of -1.
        Number::Signed if value.cast_signed() < 0 => !value,
        _ => value,
    };
    let bits = (0..u64::BITS).rev().map(|bit| 1 << bit);
    (value ^ removable, bits.filter(|bit| removable & bit != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: Number, size: usize) -> Leaf {
        Leaf { kind: LeafKind::Fixed(number), bytes: vec![0; size] }
    }

    #[test]
    fn the_bits_and_the_rest_are_the_number() {
        let minus_six = (-6_i64).cast_unsigned();
        for (number, size, value, expected) in [
            (Number::Unsigned, 8, 5, vec![4, 1]),
            (Number::Signed, 8, 5, vec![4, 1]),
            (Number::Signed, 8, minus_six, vec![4, 1]),
            (Number::Float, 8, (-1.5_f64).to_bits(), vec![1 << 63, 1 << 51]),
            (Number::Float, 4, 1.25_f32.to_bits().into(), vec![1 << 21]),
        ] {
            let (fixed, bits) = bits(&leaf(number, size), value);
            assert_eq!(bits, expected);
            assert_eq!(bits.iter().fold(fixed, |value, bit| value ^ bit), value);
        }
    }

    #[test]
    fn smaller_numbers_have_the_same_type() {
        let signed = |value: i64| -> Vec<_> {
            let smaller = smaller(&leaf(Number::Signed, 8), value.cast_unsigned()).into_iter();
            smaller.map(u64::cast_signed).collect()
        };
        assert_eq!(signed(-300), [299, -1, -1, -2, -19, -75, -150]);
        assert_eq!(signed(300), [0, 0, 1, 18, 75, 150]);
        assert_eq!(smaller(&leaf(Number::Float, 8), 2.75_f64.to_bits()), [2_f64.to_bits()]);
        let float = |value: f32| u64::from(value.to_bits());
        assert_eq!(smaller(&leaf(Number::Float, 4), float(-2.75)), [float(-2.0)]);
    }
}

//! The boundary values of numbers, booleans and enums.
//!
//! Some are encodings that every library reads but none writes. Libraries differ in what they make of them.

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, Value};

use crate::compare::generated::variation::Variation;
use crate::compare::generated::wire::{self, LONGEST_VARINT};

/// How many declared values of an enum are sent.
const ENUM_VALUES: usize = 10;

/// A number above which a double cannot represent every integer.
const ABOVE_DOUBLE: i64 = (1 << 53) + 1;

/// The boundary values of a number, a boolean or an enum. The first is that of the type without a declared default.
pub(super) fn values(kind: &Kind) -> Vec<Variation> {
    match kind {
        Kind::Double => doubles(),
        Kind::Float => floats(),
        Kind::Int32 => varints(signed_numbers(32), wire::signed, true),
        Kind::Int64 => varints(signed_numbers(64), wire::signed, false),
        Kind::Sint32 => varints(signed_numbers(32), wire::zigzag, true),
        Kind::Sint64 => varints(signed_numbers(64), wire::zigzag, false),
        Kind::Uint32 => varints(unsigned_numbers(32), wire::varint, true),
        Kind::Uint64 => varints(unsigned_numbers(64), wire::varint, false),
        Kind::Fixed32 => fixed(unsigned_numbers(32), 4, |number| number),
        Kind::Fixed64 => fixed(unsigned_numbers(64), 8, |number| number),
        Kind::Sfixed32 => fixed(signed_numbers(32), 4, i64::cast_unsigned),
        Kind::Sfixed64 => fixed(signed_numbers(64), 8, i64::cast_unsigned),
        Kind::Bool => booleans(),
        Kind::Enum(of) => enums(of),
        Kind::String | Kind::Bytes | Kind::Message(_) => Vec::new(),
    }
}

/// The encoding of a value of `kind`, without tag and length. None for lists, maps and messages.
pub(super) fn encoded(kind: &Kind, value: &Value) -> Option<Vec<u8>> {
    Some(match (value, kind) {
        (Value::Bool(value), _) => vec![u8::from(*value)],
        (Value::I32(value), Kind::Sfixed32) => value.to_le_bytes().to_vec(),
        (Value::I32(value), Kind::Sint32) => wire::zigzag((*value).into()),
        (Value::I32(value) | Value::EnumNumber(value), _) => wire::signed((*value).into()),
        (Value::I64(value), Kind::Sfixed64) => value.to_le_bytes().to_vec(),
        (Value::I64(value), Kind::Sint64) => wire::zigzag(*value),
        (Value::I64(value), _) => wire::signed(*value),
        (Value::U32(value), Kind::Fixed32) => value.to_le_bytes().to_vec(),
        (Value::U32(value), _) => wire::varint((*value).into()),
        (Value::U64(value), Kind::Fixed64) => value.to_le_bytes().to_vec(),
        (Value::U64(value), _) => wire::varint(*value),
        (Value::F32(value), _) => value.to_le_bytes().to_vec(),
        (Value::F64(value), _) => value.to_le_bytes().to_vec(),
        (Value::String(value), _) => value.as_bytes().to_vec(),
        (Value::Bytes(value), _) => value.to_vec(),
        (Value::Message(_) | Value::List(_) | Value::Map(_), _) => return None,
    })
}

/// An ordinary value of a field that is not a message. Those with different `index` differ, unless the type has too few
/// values.
pub(super) fn ordinary(field: &FieldDescriptor, index: usize) -> Vec<u8> {
    // Large numbers are not ordinary: many services take a number as an amount of work.
    let number = u64::from(field.number().min(100)) + index as u64;
    let single = f32::from(u16::try_from(number).unwrap_or(u16::MAX)) + 0.5;
    match field.kind() {
        Kind::Double => f64::from(single).to_le_bytes().to_vec(),
        Kind::Float => single.to_le_bytes().to_vec(),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => wire::varint(number),
        // The zigzag encoding of a positive number is twice the number.
        Kind::Sint32 | Kind::Sint64 => wire::varint(number * 2),
        Kind::Fixed64 | Kind::Sfixed64 => number.to_le_bytes().to_vec(),
        Kind::Fixed32 | Kind::Sfixed32 => number.to_le_bytes().into_iter().take(4).collect(),
        Kind::Bool => vec![u8::from(index.is_multiple_of(2))],
        Kind::String | Kind::Bytes if index == 0 => field.name().as_bytes().to_vec(),
        Kind::String | Kind::Bytes => format!("{}-{index}", field.name()).into_bytes(),
        Kind::Enum(of) => {
            let default = of.default_value().number();
            let numbers: Vec<_> = of.values().map(|value| value.number()).collect();
            let others: Vec<_> = numbers.into_iter().filter(|number| *number != default).collect();
            let other = others.get(index % others.len().max(1)).copied();
            wire::signed(other.unwrap_or(default).into())
        }
        Kind::Message(_) => Vec::new(),
    }
}

fn signed_numbers(bits: u32) -> Vec<(&'static str, i64)> {
    let (minimum, maximum) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
    let mut numbers = vec![
        ("default", 0),
        ("one", 1),
        ("minus-one", -1),
        ("minimum", minimum),
        ("maximum", maximum),
    ];
    if bits == 64 {
        numbers.push(("above-2-to-53", ABOVE_DOUBLE));
    }
    numbers
}

fn unsigned_numbers(bits: u32) -> Vec<(&'static str, u64)> {
    // The largest number of a signed integer is where a wrong cast shows.
    let mut numbers = vec![
        ("default", 0),
        ("one", 1),
        ("signed-maximum-plus-one", 1 << (bits - 1)),
        ("maximum", u64::MAX >> (64 - bits)),
    ];
    if bits == 64 {
        numbers.push(("above-2-to-53", ABOVE_DOUBLE.cast_unsigned()));
    }
    numbers
}

fn varints<N>(
    numbers: Vec<(&'static str, N)>,
    encode: fn(N) -> Vec<u8>,
    is_narrow: bool,
) -> Vec<Variation> {
    let numbers = numbers.into_iter();
    let mut values: Vec<_> =
        numbers.map(|(name, number)| Variation::new(name, encode(number))).collect();
    values.push(Variation::new("overlong-varint", wire::overlong_varint(2, LONGEST_VARINT)));
    if is_narrow {
        values.push(wider());
    }
    values
}

/// A varint of which a 32-bit integer is only a part.
fn wider() -> Variation {
    Variation::new("wider-than-32-bits", wire::varint((1 << 40) | 2))
}

fn fixed<N>(
    numbers: Vec<(&'static str, N)>,
    length: usize,
    unsigned: fn(N) -> u64,
) -> Vec<Variation> {
    let bytes = |number| unsigned(number).to_le_bytes().into_iter().take(length);
    let values = numbers.into_iter();
    values.map(|(name, number)| Variation::new(name, bytes(number).collect::<Vec<_>>())).collect()
}

fn floats() -> Vec<Variation> {
    let values = [
        ("default", 0),
        ("ordinary", 1.5_f32.to_bits()),
        ("minus-zero", (-0.0_f32).to_bits()),
        ("minimum", f32::MIN.to_bits()),
        ("maximum", f32::MAX.to_bits()),
        ("smallest-normal", f32::MIN_POSITIVE.to_bits()),
        ("smallest-subnormal", 1),
        ("largest-negative-subnormal", 0x807f_ffff),
        ("infinity", f32::INFINITY.to_bits()),
        ("minus-infinity", f32::NEG_INFINITY.to_bits()),
        ("nan", 0x7fc0_0000),
        ("nan-payload", 0x7fc1_2345),
        ("negative-nan", 0xffc0_0000),
        ("signaling-nan", 0x7fa0_0001),
    ];
    values.map(|(name, bits): (_, u32)| Variation::new(name, bits.to_le_bytes())).into()
}

fn doubles() -> Vec<Variation> {
    let values = [
        ("default", 0),
        ("ordinary", 1.5_f64.to_bits()),
        ("minus-zero", (-0.0_f64).to_bits()),
        ("minimum", f64::MIN.to_bits()),
        ("maximum", f64::MAX.to_bits()),
        ("smallest-normal", f64::MIN_POSITIVE.to_bits()),
        ("smallest-subnormal", 1),
        ("largest-negative-subnormal", 0x800f_ffff_ffff_ffff),
        ("infinity", f64::INFINITY.to_bits()),
        ("minus-infinity", f64::NEG_INFINITY.to_bits()),
        ("nan", 0x7ff8_0000_0000_0000),
        ("nan-payload", 0x7ff8_1234_5678_9abc),
        ("negative-nan", 0xfff8_0000_0000_0000),
        ("signaling-nan", 0x7ff4_0000_0000_0001),
    ];
    values.map(|(name, bits): (_, u64)| Variation::new(name, bits.to_le_bytes())).into()
}

fn booleans() -> Vec<Variation> {
    vec![
        Variation::new("default", [0]),
        Variation::new("true", [1]),
        Variation::new("true-as-two", [2]),
        // It is false if it is truncated to 32 bits first.
        Variation::new("true-above-32-bits", wire::varint(1 << 32)),
        Variation::new("overlong-varint", wire::overlong_varint(1, LONGEST_VARINT)),
    ]
}

fn enums(of: &EnumDescriptor) -> Vec<Variation> {
    let number = |name, number: i32| Variation::new(name, wire::signed(number.into()));
    let default = of.default_value().number();
    let declared: BTreeSet<_> = of.values().map(|value| value.number()).collect();
    let unknown = |from: i32, step: i32| {
        let numbers = std::iter::successors(Some(from), |number| number.checked_add(step));
        numbers.take(declared.len() + 1).find(|number| !declared.contains(number))
    };
    let mut values = vec![number("default".to_owned(), default)];
    let others = declared.iter().filter(|number| **number != default).take(ENUM_VALUES);
    values.extend(others.map(|declared| {
        let minus = if *declared < 0 { "minus-" } else { "" };
        number(format!("value-{minus}{}", declared.unsigned_abs()), *declared)
    }));
    let unknowns = [
        ("unknown", unknown(1, 1)),
        ("unknown-negative", unknown(-1, -1)),
        ("unknown-maximum", unknown(i32::MAX, -1)),
        ("unknown-minimum", unknown(i32::MIN, 1)),
    ];
    let unknowns = unknowns.into_iter();
    values.extend(
        unknowns.filter_map(|(name, unknown)| unknown.map(|unknown| number(name.into(), unknown))),
    );
    values.push(wider());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: &Kind, name: &str) -> Vec<u8> {
        let values = values(kind);
        values.iter().find(|value| value.name == name).expect("no such value").bytes()
    }

    #[test]
    fn integers_have_the_limits_of_their_type() {
        assert_eq!(bytes(&Kind::Int32, "minimum"), wire::signed(i32::MIN.into()));
        assert_eq!(bytes(&Kind::Int64, "maximum"), wire::signed(i64::MAX));
        assert_eq!(bytes(&Kind::Sint32, "minimum"), wire::varint(u32::MAX.into()));
        assert_eq!(bytes(&Kind::Uint32, "maximum"), wire::varint(u32::MAX.into()));
        assert_eq!(bytes(&Kind::Sfixed32, "minimum"), i32::MIN.to_le_bytes());
        assert_eq!(bytes(&Kind::Fixed64, "maximum"), [0xff; 8]);
        assert_eq!(bytes(&Kind::Fixed32, "signed-maximum-plus-one"), [0, 0, 0, 0x80]);
    }

    #[test]
    fn floating_point_numbers_are_what_their_names_say() {
        let float = |name| f32::from_le_bytes(bytes(&Kind::Float, name).try_into().unwrap());
        let double = |name| f64::from_le_bytes(bytes(&Kind::Double, name).try_into().unwrap());
        for name in ["nan", "nan-payload", "negative-nan", "signaling-nan"] {
            assert!(float(name).is_nan() && double(name).is_nan(), "{name}");
        }
        for name in ["smallest-subnormal", "largest-negative-subnormal"] {
            assert!(float(name).is_subnormal() && double(name).is_subnormal(), "{name}");
        }
        assert!(float("minus-zero").is_sign_negative() && double("minus-zero").is_sign_negative());
    }
}

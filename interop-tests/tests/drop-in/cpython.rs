//! Compares the library with `CPython` and its protobuf package, bit by bit.
//!
//! A single Python process handles an entire corpus. Values are passed as bytes, which preserves the sign of zero and
//! the payload of a NaN.

use std::fmt::Debug;

use calculator::arithmetic::{DomainError, square_root};
use calculator::{Number, python_float};
use prost::Message;

use crate::client::ROOTS;
use crate::corpus;
use crate::python::Python;
use crate::python::hex;

/// Asserts that there are no differences. The message has the first 20, because one alone rarely shows the cause.
fn assert_same<Question: Debug>(
    questions: &[Question],
    python: &[String],
    ours: impl Fn(&Question) -> String,
) {
    let differences: Vec<String> = questions
        .iter()
        .zip(python)
        .map(|(question, theirs)| (question, theirs, ours(question)))
        .filter(|(_, theirs, ours)| *theirs != ours)
        .map(|(question, theirs, ours)| format!("{question:x?}: Python {theirs:?}, Rust {ours:?}"))
        .collect();
    let (wrong, all) = (differences.len(), questions.len());
    let first = differences[..wrong.min(20)].join("\n");
    assert!(wrong == 0, "{wrong} of {all} answers differ:\n{first}");
}

/// The encoded message with this bit pattern.
fn wire(bits: u32) -> Vec<u8> {
    [&[0x0d][..], &bits.to_le_bytes()].concat()
}

/// The error message of `math.sqrt`. It changed in `CPython` 3.14; [`DomainError`] keeps the older one, because
/// clients may depend on it.
fn domain_error(python: (u32, u32), x: f32) -> String {
    if python < (3, 14) {
        DomainError.to_string()
    } else {
        format!("expected a nonnegative input, got {}", python_float::repr(f64::from(x)))
    }
}

#[test]
fn a_root_is_the_same_as_in_python() {
    let Some(python) = Python::find() else { return };
    let version = python.version();
    let corpus: Vec<_> = corpus::floats().into_iter().map(f32::from_bits).collect();
    assert!(corpus.len() > 5000);
    let answers = python.ask("root", corpus.iter().map(|x| wire(x.to_bits())));
    assert_same(&corpus, &answers, |&x| match square_root(x) {
        Ok(value) => hex(&Number { value }.encode_to_vec()),
        Err(DomainError) => format!("error {}", domain_error(version, x)),
    });
}

/// The decoded value as the bits of a double, like in Python, and the message that it encodes to.
///
/// A signalling NaN becomes a quiet one, which Rust's conversion does not guarantee.
fn read_and_written(wire: &[u8]) -> String {
    let Ok(number) = Number::decode(wire) else { return "refused".to_owned() };
    let bits = u64::from(number.value.to_bits());
    let double = if number.value.is_nan() {
        (bits >> 31 << 63) | 0x7ff8 << 48 | (bits & 0x3f_ffff) << 29
    } else {
        f64::from(number.value).to_bits()
    };
    format!("{} {}", hex(&double.to_be_bytes()), hex(&number.encode_to_vec()))
}

#[test]
fn a_message_is_decoded_and_encoded_like_in_python() {
    let Some(python) = Python::find() else { return };
    let mut corpus: Vec<_> = corpus::floats().into_iter().map(wire).collect();
    corpus.extend(corpus::messages());
    let answers = python.ask("message", &corpus);
    assert_same(&corpus, &answers, |wire| read_and_written(wire));
}

#[test]
fn a_float_is_formatted_like_in_python() {
    let Some(python) = Python::find() else { return };
    let roots = corpus::floats().into_iter().filter_map(|x| square_root(f32::from_bits(x)).ok());
    let corpus: Vec<_> = roots.map(f64::from).chain(corpus::doubles()).collect();
    let answers = python.ask("repr", corpus.iter().map(|double| double.to_be_bytes()));
    let bits: Vec<_> = corpus.iter().map(|double| double.to_bits()).collect();
    assert_same(&bits, &answers, |&bits| python_float::repr(f64::from_bits(bits)));
}

fn parsed(text: &str) -> String {
    let bits = python_float::parse(text).map(|value| hex(&value.to_bits().to_be_bytes()));
    bits.unwrap_or_else(|_| "refused".to_owned())
}

#[test]
fn a_float_is_parsed_like_in_python() {
    let Some(python) = Python::find() else { return };
    assert_same(corpus::TEXTS, &python.ask("float", corpus::TEXTS), |text| parsed(text));
}

#[test]
fn only_python_accepts_digits_of_other_scripts() {
    let Some(python) = Python::find() else { return };
    for (text, theirs) in corpus::OTHER_DIGITS.iter().zip(python.ask("float", corpus::OTHER_DIGITS))
    {
        assert_ne!(theirs, "refused", "{text}");
        assert_eq!(parsed(text), "refused", "{text}");
    }
}

#[test]
fn the_expected_roots_are_those_that_python_prints() {
    let Some(python) = Python::find() else { return };
    let answers = python.ask("print", ROOTS.map(|(number, _)| number));
    assert_same(&ROOTS, &answers, |(_, root)| (*root).to_owned());
}

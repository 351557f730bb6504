//! The library against `CPython` and its protobuf, to the bit.
//!
//! One Python process answers a whole corpus. Values go in and out as bytes: the sign of zero and
//! the payload of a NaN are part of the answer.

use std::fmt::Debug;

use calculator::arithmetic::{DomainError, square_root};
use calculator::{Number, python_float};
use prost::Message;

use crate::client::ROOTS;
use crate::corpus;
use crate::python::Python;
use crate::python::hex;

/// Fails with the first differences: one alone seldom shows what is wrong.
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

/// The message with which each bit pattern arrives.
fn wire(bits: u32) -> Vec<u8> {
    [&[0x0d][..], &bits.to_le_bytes()].concat()
}

/// `CPython` 3.14 gave `math.sqrt` another text. Up to 3.13 it is the one that [`DomainError`]
/// keeps: a server's text is contract, and it does not change because Python was upgraded.
fn domain_error(python: (u32, u32), x: f32) -> String {
    if python < (3, 14) {
        DomainError.to_string()
    } else {
        format!("expected a nonnegative input, got {}", python_float::repr(f64::from(x)))
    }
}

#[test]
fn a_root_is_the_root_that_python_serves() {
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

/// The value's bits as a double, which Python's floats are, and the message that it encodes to.
///
/// A signalling NaN becomes a quiet one; Rust's own conversion does not promise that.
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
fn a_message_is_read_and_written_as_protobuf_does() {
    let Some(python) = Python::find() else { return };
    let mut corpus: Vec<_> = corpus::floats().into_iter().map(wire).collect();
    corpus.extend(corpus::messages());
    let answers = python.ask("message", &corpus);
    assert_same(&corpus, &answers, |wire| read_and_written(wire));
}

#[test]
fn a_float_is_written_as_python_writes_it() {
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
fn a_float_is_read_as_python_reads_it() {
    let Some(python) = Python::find() else { return };
    assert_same(corpus::TEXTS, &python.ask("float", corpus::TEXTS), |text| parsed(text));
}

#[test]
fn digits_of_other_scripts_are_the_one_thing_that_only_python_reads() {
    let Some(python) = Python::find() else { return };
    for (text, theirs) in corpus::OTHER_DIGITS.iter().zip(python.ask("float", corpus::OTHER_DIGITS))
    {
        assert_ne!(theirs, "refused", "{text}");
        assert_eq!(parsed(text), "refused", "{text}");
    }
}

#[test]
fn what_the_client_is_expected_to_print_is_what_python_prints() {
    let Some(python) = Python::find() else { return };
    let answers = python.ask("print", ROOTS.map(|(number, _)| number));
    assert_same(&ROOTS, &answers, |(_, root)| (*root).to_owned());
}

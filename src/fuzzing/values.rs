//! Texts and files: what is parsed is parsed again from what it is written as.

use std::path::Path;

use prost::Message;

use crate::grpcio::Methods;
use crate::grpcio::address::Address;
use crate::grpcio::descriptors;
use crate::grpcio::pem::{self, Content};
use crate::grpcio::wire::timeout::{self, Timeout};
use crate::{Number, python_float};

/// An address is parsed again from its text.
pub(super) fn addresses(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Address>() {
        Ok(address) => assert_eq!(address.to_string().parse(), Ok(address)),
        Err(error) => assert!(error.to_string().starts_with(&format!("'{text}' is not"))),
    }
}

/// The services of a descriptor set have methods with paths.
pub(super) fn descriptors(bytes: &[u8]) {
    let Ok(pool) = descriptors::decode(bytes) else { return };
    let services: Vec<_> = pool.services().map(|service| service.full_name().to_owned()).collect();
    let names: Vec<_> = services.iter().map(String::as_str).collect();
    match Methods::from_descriptors(bytes, &names) {
        Ok(methods) => {
            for (path, kind) in methods.iter() {
                assert!(path.starts_with('/') && methods.kind_at(path).is_some(), "{kind:?}");
            }
        }
        Err(error) => assert!(names.is_empty(), "{error}"),
    }
}

/// The encoding of a decoded number is decoded to the same bits.
pub(super) fn numbers(bytes: &[u8]) {
    let Ok(number) = Number::decode(bytes) else { return };
    let encoded = number.encode_to_vec();
    assert_eq!(encoded.len(), number.encoded_len());
    let again = Number::decode(&encoded[..]).expect("its own encoding");
    assert_eq!(again.value.to_bits(), number.value.to_bits());
}

/// Errors name the file. There is at least one certificate without an error.
pub(super) fn pem(bytes: &[u8]) {
    let path = Path::new("of-a-target.pem");
    let names_file = |error: pem::PemError| assert!(error.to_string().contains("of-a-target.pem"));
    let roots = pem::certificates_in(bytes, path, Content::ServerCa).and_then(|certificates| {
        assert!(!certificates.is_empty());
        pem::roots(path, Content::ServerCa, &certificates)
    });
    let _ = roots.map_err(names_file);
    let _ = pem::key_in(bytes, path).map_err(names_file);
}

/// A number is parsed again from its text.
pub(super) fn python_floats(bytes: &[u8]) {
    if let Some(bits) = bytes.first_chunk() {
        is_its_repr(f64::from_bits(u64::from_le_bytes(*bits)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(value) = python_float::parse(text) {
        is_its_repr(value);
        let signed = text.trim().starts_with(['+', '-']);
        assert!(signed || !value.is_sign_negative() || value.is_nan(), "{value}");
    }
}

fn is_its_repr(value: f64) {
    let text = python_float::repr(value);
    let parsed = python_float::parse(&text).expect("its own text");
    if value.is_nan() {
        assert!(parsed.is_nan(), "{text}");
    } else {
        assert_eq!(parsed.to_bits(), value.to_bits(), "{text}");
    }
}

/// A timeout that the specification allows is that long, rounded up to milliseconds. Any other is
/// no longer than ten times the longest of them.
pub(super) fn timeouts(bytes: &[u8]) {
    let parsed = timeout::parse(bytes);
    assert_eq!(timeout::parse(&[b" ", bytes].concat()), parsed);
    if let Some(Timeout::After(timeout)) = parsed {
        assert!(timeout.as_secs() <= 1_000_000_000 * 3600);
    }
    let Some((unit, digits @ [_, ..])) = bytes.split_last() else { return };
    if digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return;
    }
    let nanoseconds: u128 = match unit {
        b'n' => 1,
        b'u' => 1_000,
        b'm' => 1_000_000,
        b'S' => 1_000_000_000,
        b'M' => 60_000_000_000,
        b'H' => 3_600_000_000_000,
        _ => return assert_eq!(parsed, None),
    };
    let number = digits.iter().fold(0, |number, digit| number * 10 + u128::from(digit - b'0'));
    let milliseconds = (number * nanoseconds).div_ceil(1_000_000);
    match parsed {
        Some(Timeout::After(timeout)) => assert_eq!(timeout.as_millis(), milliseconds),
        other => panic!("{other:?}"),
    }
}

//! An exchange: the request of a call and the answer that has to come, to the byte.
//!
//! Several with different numbers, so that a server that always says the same is found out.

use bytes::Bytes;
use calculator::Number;
use calculator::arithmetic::{RootMeanSquare, square_root};
use calculator::rpc::RepeatedRootsRequest;
use prost::Message;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// `/package.Service/Method`.
    pub(crate) path: &'static str,
    /// All messages of the request, each with its prefix.
    pub(crate) request: Bytes,
    /// All messages of the answer, each with its prefix.
    pub(crate) answer: Bytes,
    /// How many messages there are in both.
    pub(crate) messages: u64,
}

/// The path of the document's method.
const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// What is asked for: none has the root of another, and some roots are not exact.
const NUMBERS: [f32; 12] =
    [16.0, 2.0, 1e10, 0.25, 1.0, 6.25, 1e-20, 3.0e38, 12345.678, 7.0, 144.0, 0.1];

/// The field of an unknown message part that makes a request large: number 2, of bytes.
const PADDING: u32 = 2;

fn root(number: f32) -> Number {
    Number { value: square_root(number).unwrap_or(f32::NAN) }
}

/// `messages`, each behind a flag and its length.
fn framed(messages: impl IntoIterator<Item = Vec<u8>>) -> Bytes {
    let mut body = Vec::new();
    for message in messages {
        body.push(0);
        body.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(message);
    }
    body.into()
}

fn number(value: f32) -> Vec<u8> {
    Number { value }.encode_to_vec()
}

/// Roots, one a call.
pub(crate) fn unary() -> Vec<Exchange> {
    NUMBERS.into_iter().map(|value| square_root_of(value, number(value))).collect()
}

/// Roots, one a call, of numbers in messages of `size` bytes, or of as many as they need.
pub(crate) fn unary_of_size(size: usize) -> Vec<Exchange> {
    NUMBERS.into_iter().map(|value| square_root_of(value, padded(value, size))).collect()
}

fn square_root_of(value: f32, request: Vec<u8>) -> Exchange {
    Exchange {
        path: SQUARE_ROOT,
        request: framed([request]),
        answer: framed([root(value).encode_to_vec()]),
        messages: 2,
    }
}

/// The number in `size` bytes: what is left is a field that nobody knows.
fn padded(value: f32, size: usize) -> Vec<u8> {
    let mut message = number(value);
    // The field's key and its length take some of them.
    let room = size.saturating_sub(message.len() + 1);
    let padding = (1..=5).rev().find_map(|length_of_length| {
        let padding = room.checked_sub(length_of_length)?;
        (prost::length_delimiter_len(padding) <= length_of_length).then_some(padding)
    });
    if let Some(padding) = padding {
        prost::encoding::bytes::encode(PADDING, &vec![0; padding], &mut message);
    }
    message
}

/// A stream of `count` answers to one number.
pub(crate) fn server_streaming(count: i32) -> Vec<Exchange> {
    let of = |value| {
        let request =
            RepeatedRootsRequest { start: Some(Number { value }), count, interval_ms: None };
        let roots = std::iter::successors(Some(root(value)), |last| Some(root(last.value)));
        let roots = roots.take(usize::try_from(count).unwrap_or_default());
        Exchange {
            path: "/StreamingCalculator/RepeatedRoots",
            request: framed([request.encode_to_vec()]),
            answer: framed(roots.map(|root| root.encode_to_vec())),
            messages: 1 + u64::try_from(count).unwrap_or_default(),
        }
    };
    NUMBERS.into_iter().map(of).collect()
}

/// One answer to a stream of `count` numbers.
pub(crate) fn client_streaming(count: usize) -> Vec<Exchange> {
    let from = |begin: usize| {
        let numbers = || NUMBERS.into_iter().cycle().skip(begin).take(count);
        let mut mean = RootMeanSquare::default();
        numbers().for_each(|value| mean.add(value));
        Exchange {
            path: "/StreamingCalculator/RootMeanSquare",
            request: framed(numbers().map(number)),
            answer: framed(mean.value().map(number)),
            messages: count as u64 + 1,
        }
    };
    (0..NUMBERS.len()).map(from).collect()
}

/// `count` answers to as many numbers.
pub(crate) fn bidirectional(count: usize) -> Vec<Exchange> {
    let from = |begin: usize| {
        let numbers = || NUMBERS.into_iter().cycle().skip(begin).take(count);
        Exchange {
            path: "/StreamingCalculator/RootOfEach",
            request: framed(numbers().map(number)),
            answer: framed(numbers().map(|value| root(value).encode_to_vec())),
            messages: 2 * count as u64,
        }
    };
    (0..NUMBERS.len()).map(from).collect()
}

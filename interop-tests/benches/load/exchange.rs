//! Exchanges: the request of a call and the exact bytes of the expected response.
//!
//! There are several with different numbers, so that a server that always sends the same response is detected.

use bytes::Bytes;
use calculator::Number;
use calculator::arithmetic::{RootMeanSquare, square_root};
use calculator::rpc::RepeatedRootsRequest;
use prost::Message;

/// The request of a call and the expected response.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The path, such as `/package.Service/Method`.
    pub(crate) path: &'static str,
    /// All messages of the request, each with its prefix.
    pub(crate) request: Bytes,
    /// All messages of the response, each with its prefix.
    pub(crate) answer: Bytes,
    /// The number of messages in request and response.
    pub(crate) messages: u64,
}

/// The path of the tutorial's method.
const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// The numbers in the requests. All roots differ, and some are not exact.
const NUMBERS: [f32; 12] =
    [16.0, 2.0, 1e10, 0.25, 1.0, 6.25, 1e-20, 3.0e38, 12345.678, 7.0, 144.0, 0.1];

/// The number of the unknown bytes field that pads a request.
const PADDING: u32 = 2;

fn root(number: f32) -> Number {
    Number { value: square_root(number).unwrap_or(f32::NAN) }
}

/// `messages`, each with its flag and length.
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

/// Unary calls of SquareRoot.
pub(crate) fn unary() -> Vec<Exchange> {
    NUMBERS.into_iter().map(|value| square_root_of(value, number(value))).collect()
}

/// Unary calls of SquareRoot with requests of `size` bytes, or without padding if `size` is too small.
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

/// The message with `value`, padded to `size` bytes with an unknown field.
fn padded(value: f32, size: usize) -> Vec<u8> {
    let mut message = number(value);
    // The key and the length of the padding field need space too.
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

/// Calls with one request and `count` responses.
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

/// Calls with `count` requests and one response.
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

/// Calls with `count` requests and `count` responses.
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

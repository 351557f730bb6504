//! What the codecs do is what Python does with the same bytes.

use protobuf::proto;
use tonic::codegen::tokio_stream::{self as stream, StreamExt};
use tonic::{Code, Status};

use crate::calls::{call, channel};
use crate::messages::{Required, Sample};
use crate::server;
use crate::services::checked;
use crate::services::echo_client::EchoClient;

const UNARY: &str = "/sample.Echo/Unary";
const STRICT: &str = "/sample.Echo/Strict";

/// A [`Sample`] with `levels` levels of messages.
fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 1..levels {
        let mut length = bytes.len();
        let mut outer = vec![0x22];
        while length > 0x7f {
            outer.push(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        outer.extend(length.to_le_bytes().first());
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

fn assert_internal<T: std::fmt::Debug>(result: Result<T, Status>, message: &str) {
    let status = result.expect_err(message);
    assert_eq!((status.code(), status.message()), (Code::Internal, message));
}

#[tokio::test]
async fn the_bytes_are_those_of_python() {
    let address = server::echo();
    let same: [(&str, &[u8]); 8] = [
        ("an empty message", b""),
        ("-0.0", b"\x09\0\0\0\0\0\0\0\x80"),
        ("an entry with default key and value", b"\x1a\x04\x0a\0\x10\0"),
        ("unknown field", b"\xf8\x07\x05"),
        ("unknown field of a nested message", b"\x22\x03\xf8\x07\x05"),
        ("unknown group", b"\xfb\x07\x08\x01\xfc\x07"),
        ("double as varint", b"\x08\x05"),
        ("100 levels", &nested(100)),
    ];
    for (case, bytes) in same {
        let response = call(&address, UNARY, bytes).await;
        assert_eq!(response.expect(case), bytes, "{case}");
    }
    let changed: [(&str, &[u8], &[u8]); 3] = [
        ("0.0", b"\x09\0\0\0\0\0\0\0\0", b""),
        ("an entry without key and value", b"\x1a\0", b"\x1a\x04\x0a\0\x10\0"),
        ("unknown fields come last", b"\xf8\x07\x05\x12\x01a", b"\x12\x01a\xf8\x07\x05"),
    ];
    for (case, request, expected) in changed {
        let response = call(&address, UNARY, request).await;
        assert_eq!(response.expect(case), expected, "{case}");
    }
}

#[tokio::test]
async fn a_malformed_request_has_the_message_of_grpcio() {
    let address = server::echo();
    let malformed: [&[u8]; 4] = [b"\xff", b"\x12\x05a", b"\x12\x01\xff", &nested(102)];
    for bytes in malformed {
        assert_internal(call(&address, UNARY, bytes).await, "Exception deserializing request!");
    }
}

#[tokio::test]
async fn a_response_that_cannot_be_encoded_has_the_message_of_grpcio() {
    let response = call(&server::echo(), UNARY, &nested(101)).await;
    assert_internal(response, "Failed to serialize response!");
}

#[tokio::test]
async fn required_fields_are_checked_by_the_server_that_sends_them() {
    let missing: [&[u8]; 2] = [b"", b"\x08\x01\x12\0"];
    let (unchecked, checked) = (server::echo(), server::checked_echo());
    for bytes in missing {
        let response = call(&unchecked, STRICT, bytes).await;
        assert_eq!(response.expect("no check"), bytes);
        let response = call(&checked, STRICT, bytes).await;
        assert_internal(response, "Failed to serialize response!");
    }
    let response = call(&checked, STRICT, b"\x08\x01").await;
    assert_eq!(response.expect("all required fields"), &b"\x08\x01"[..]);
}

#[tokio::test]
async fn a_client_has_the_messages_of_grpcio() {
    let mut client = EchoClient::new(channel(&server::malformed()));
    let response = client.unary(Sample::new()).await;
    assert_internal(response, "Exception deserializing response!");
    let address = server::echo();
    let response = EchoClient::new(channel(&address)).strict(Required::new()).await;
    assert!(!response.expect("no check").into_inner().has_id());
    let mut client = checked::echo_client::EchoClient::new(channel(&address));
    assert_internal(client.strict(Required::new()).await, "Exception serializing request!");
    let response = client.strict(proto!(Required { id: 1 })).await;
    assert_eq!(response.expect("all required fields").into_inner().id(), 1);
}

#[tokio::test]
async fn a_stream_of_messages_is_returned() {
    let mut client = EchoClient::new(channel(&server::echo()));
    let requests = [1.0, -0.0, f64::INFINITY].map(|number| proto!(Sample { number: number }));
    let response = client.stream(stream::iter(requests)).await.expect("a stream");
    let numbers = response.into_inner().map(|sample| sample.expect("a message").number().to_bits());
    let numbers: Vec<_> = numbers.collect().await;
    assert_eq!(numbers, [1.0_f64, -0.0, f64::INFINITY].map(f64::to_bits));
}

//! Answers a method that takes one message and has its one answer at once.
//!
//! tonic handles every method as a pair of streams, which took 12 % of all instructions of a call. The
//! answer is tonic's to the byte.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use prost::Message;
use tonic::Status;

use super::answer_body::AnswerBody;
use crate::parity::codec::{OfServer, Words};
use crate::parity::message::{self, PREFIX};

/// The header fields of an answer with a message.
static FIELDS: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))])
});

/// What `method` answers to `message`, which has its prefix and is not compressed.
pub(super) fn answer<Asked: Message + Default, Answered: Message>(
    message: &[u8],
    method: impl FnOnce(Asked) -> Result<Answered, Status>,
) -> Response<AnswerBody> {
    let answered = Asked::decode(message.get(PREFIX..).unwrap_or_default())
        .map_err(|_| Status::internal(OfServer::UNREADABLE))
        .and_then(method)
        .and_then(|answered| framed(&answered));
    match answered {
        Ok(message) => {
            let mut answer = Response::new(AnswerBody::one(message));
            *answer.headers_mut() = FIELDS.clone();
            answer
        }
        Err(status) => status.into_http(),
    }
}

fn framed(message: &impl Message) -> Result<Bytes, Status> {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_slice(&message::plain_prefix(length));
    message.encode(&mut framed).map_err(|error| Status::internal(error.to_string()))?;
    Ok(framed.freeze())
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::Number;
    use http_body_util::BodyExt;
    use tonic::{Code, Status};

    #[tokio::test]
    async fn an_answer_has_its_prefix() {
        let negated = |asked: Number| Ok(Number { value: -asked.value });
        let answer = answer(b"\0\0\0\0\x05\x0d\0\0\x80\x3f", negated);
        assert_eq!(answer.headers().len(), 1);
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let message = answer.into_body().collect().await.expect("a message").to_bytes();
        assert_eq!(message[..], *b"\0\0\0\0\x05\x0d\0\0\x80\xbf");
    }

    #[test]
    fn a_failure_is_a_status_and_no_message() {
        let refuse = |_: Number| Err::<Number, _>(Status::unknown("no"));
        for (message, code) in
            [(&b"\0\0\0\0\0"[..], Code::Unknown), (b"\0\0\0\0\x01\xff", Code::Internal)]
        {
            let status = Status::from_header_map(answer(message, refuse).headers());
            assert_eq!(status.expect("a status").code(), code);
        }
    }
}

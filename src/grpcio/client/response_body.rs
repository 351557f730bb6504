//! A response ends with a status and has as many messages as its method allows.
//!
//! The body always ends with trailers that contain a status; tonic would otherwise choose one
//! itself.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::{error_status, response_fields};
use crate::grpcio::status;
use crate::grpcio::wire::codec::ClientSide;
use crate::grpcio::wire::compression::Encoding;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::message_decoder::MessageDecoder;
use crate::grpcio::wire::method::MethodKind;

/// Decodes the messages in the body of a response to a method of this kind.
pub(super) fn decode(body: Body, encoding: Encoding, kind: MethodKind) -> Body {
    let decoder = MessageDecoder::new(encoding);
    Body::new(FilteredBody::new(body, ResponseFilter { decoder, kind, count: 0 }))
}

/// The trailers of a response with `count` messages.
///
/// For a method with one response, grpcio 1.85.1 reports OK and no message if there is none, and
/// hangs if there are two. The specification has a status for both ("Status codes and their use in
/// gRPC", "Response cardinality violation").
pub(super) fn check_cardinality(trailers: HeaderMap, kind: MethodKind, count: usize) -> HeaderMap {
    if kind.streams_responses() || count == 1 || !response_fields::are_ok(&trailers) {
        return trailers;
    }
    let status = Status::unimplemented(format!("the answer has {count} messages, not one"));
    response_fields::with_status(trailers, &status)
}

/// Turns the body of a response into messages, one for each frame, and trailers with a status.
struct ResponseFilter {
    decoder: MessageDecoder<ClientSide>,
    kind: MethodKind,
    /// The number of messages so far.
    count: usize,
}

impl ResponseFilter {
    /// The next message, or the trailers at the end.
    fn poll_message(
        &mut self,
        body: &mut Source<Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, HeaderMap>> {
        let ended = |status: &Status| Poll::Ready(Err(status::trailers(status)));
        loop {
            match self.decoder.next() {
                Err(status) => return ended(&status),
                Ok(Some(message)) => {
                    self.count += 1;
                    // Further messages of a single response are an error at its end.
                    if self.kind.streams_responses() || self.count == 1 {
                        return Poll::Ready(Ok(message));
                    }
                }
                Ok(None) => match ready!(body.poll_frame(cx)) {
                    None => return ended(&missing_trailers(body)),
                    Some(Err(error)) => return ended(&error_status::status(&error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => self.decoder.push(data),
                        Err(frame) => {
                            if let Ok(trailers) = frame.into_trailers() {
                                return Poll::Ready(Err(self.trailers(trailers)));
                            }
                        }
                    },
                },
            }
        }
    }

    fn trailers(&self, trailers: HeaderMap) -> HeaderMap {
        let response_fields::ParsedFields { fields, error } =
            response_fields::parse(trailers, None);
        let trailers = response_fields::trailers(fields, error);
        if self.decoder.has_remainder() && response_fields::are_ok(&trailers) {
            // grpcio 1.85.1 reports OK and no message.
            let status = Status::internal("the answer does not end with a whole message");
            return response_fields::with_status(trailers, &status);
        }
        check_cardinality(trailers, self.kind, self.count)
    }
}

/// The status of a response that ends without trailers.
fn missing_trailers(body: &Source<Body>) -> Status {
    if body.is_end_stream() {
        Status::unknown("Data frame with END_STREAM flag received")
    } else {
        // hyper presents a reset with this code as the end of the body.
        error_status::reset(Reason::NO_ERROR)
    }
}

impl BodyFilter<Body> for ResponseFilter {
    fn poll_frame(
        &mut self,
        body: &mut Source<Body>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<Status>> {
        Poll::Ready(match ready!(self.poll_message(body, cx)) {
            Ok(message) => Some(Ok(Frame::data(message))),
            Err(trailers) => {
                // Resets a stream that the server has left open.
                body.close();
                Some(Ok(Frame::trailers(trailers)))
            }
        })
    }

    /// Trailers follow even if `body` has ended.
    fn is_end_stream(&self, _: &Body) -> bool {
        false
    }

    /// The sizes of data and messages differ.
    fn size_hint(&self, _: &Body) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::check_cardinality;
    use crate::grpcio::status::trailers;
    use crate::grpcio::wire::method::MethodKind::{self, ServerStreaming, Unary};
    use tonic::{Code, Status};

    #[test]
    fn a_single_response_has_exactly_one_message() {
        let code = |kind: MethodKind, status: Status, count| {
            let trailers = check_cardinality(trailers(&status), kind, count);
            Status::from_header_map(&trailers).expect("a status").code()
        };
        for (count, expected) in [(0, Code::Unimplemented), (1, Code::Ok), (2, Code::Unimplemented)]
        {
            assert_eq!(code(Unary, Status::ok(""), count), expected);
            assert_eq!(code(ServerStreaming, Status::ok(""), count), Code::Ok);
            assert_eq!(code(Unary, Status::aborted(""), count), Code::Aborted);
        }
    }
}

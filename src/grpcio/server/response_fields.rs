//! The header fields of a response are those of grpcio.
//!
//! tonic does not list the encodings that the server accepts, and percent-encodes characters in
//! `grpc-message` that need no encoding, such as spaces. Clients decode both forms, but proxies and
//! logs show the header field as it is. It also adds text of its own to the message for a response
//! that cannot be encoded.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use crate::grpcio::wire::codec::{ServerSide, Side};
use crate::grpcio::wire::compression::{ACCEPT_ENCODING, ACCEPTED_ENCODINGS};
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};

/// What grpcio encodes in a message: everything except printable ASCII, and the percent sign. Bytes
/// that are not ASCII are always encoded.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// tonic's message for a response that cannot be encoded: that of the codec, with a prefix.
const SERIALIZING_FAILED: &[u8] =
    br#"Error encoding: code: 'Internal error', message: "Failed to serialize response!""#;

/// Adds [`ResponseFields`] to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseFieldsLayer;

/// Lists the accepted encodings in each response that has more than trailers, and encodes status
/// messages like grpcio.
#[derive(Clone, Debug)]
pub struct ResponseFields<S>(S);

impl<S> Layer<S> for ResponseFieldsLayer {
    type Service = ResponseFields<S>;

    fn layer(&self, inner: S) -> ResponseFields<S> {
        ResponseFields(inner)
    }
}

impl<S, R, B> Service<R> for ResponseFields<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<ResponseFieldsBody<B>>;
    type Error = S::Error;
    type Future = ResponseFieldsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        ResponseFieldsFuture { call: self.0.call(request) }
    }
}

pin_project! {
    /// A call whose response gets the header fields of grpcio.
    #[derive(Debug)]
    pub struct ResponseFieldsFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, B, E> Future for ResponseFieldsFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseFieldsBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_ok(|mut response| {
            complete(response.headers_mut());
            response.map(|body| FilteredBody::new(body, MessageEncoding))
        })
    }
}

/// Completes the first header fields of a response. Probes: `accept-encoding-*` and every other
/// with a response.
fn complete(fields: &mut HeaderMap) {
    // One pass over the few fields is cheaper than look-ups, each of which hashes a name.
    let (mut has_status, mut has_encodings) = (false, false);
    for name in fields.keys() {
        has_status |= *name == Status::GRPC_STATUS;
        has_encodings |= *name == ACCEPT_ENCODING;
    }
    if has_status {
        // The response has only trailers, in which grpcio lists no encodings.
        encode_message(fields);
    } else if !has_encodings {
        fields.insert(ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
    }
}

/// Encodes the status message like grpcio.
fn encode_message(fields: &mut HeaderMap) {
    let Some(message) = fields.get_mut(Status::GRPC_MESSAGE) else { return };
    let mut decoded: Cow<'_, [u8]> = percent_decode(message.as_bytes()).into();
    if *decoded == *SERIALIZING_FAILED {
        decoded = ServerSide::SERIALIZING_FAILED.as_bytes().into();
    }
    let encoded = percent_encode(&decoded, ENCODED).to_string();
    // Always valid: no control character is left.
    if let Ok(encoded) = HeaderValue::try_from(encoded) {
        *message = encoded;
    }
}

/// The body of a response, whose status message is encoded like grpcio's.
pub type ResponseFieldsBody<B> = FilteredBody<B, MessageEncoding>;

/// Encodes the status message in the trailers.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageEncoding;

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for MessageEncoding {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        let mut frame = ready!(body.poll_frame(cx));
        // The trailers of most calls have only the code.
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = Frame::trailers_mut(frame)
            && trailers.len() > 1
        {
            encode_message(trailers);
        }
        Poll::Ready(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCEPT_ENCODING, ResponseFieldsLayer, ServerSide, Side, complete, encode_message};
    use http::{HeaderMap, Response};
    use http_body_util::BodyExt;
    use std::convert::Infallible;
    use tonic::Status;
    use tonic::body::Body;
    use tower::{Layer, ServiceExt, service_fn};

    fn encoded(message: &str) -> String {
        let mut fields = HeaderMap::new();
        Status::unknown(message).add_header(&mut fields).expect("valid fields");
        encode_message(&mut fields);
        let message = fields[Status::GRPC_MESSAGE].to_str().expect("ASCII");
        message.to_owned()
    }

    #[test]
    fn only_a_percent_sign_and_what_is_not_printable_is_encoded() {
        let printable: String = (' '..='~').filter(|one| *one != '%').collect();
        assert_eq!(encoded(&printable), printable);
        assert_eq!(encoded("100 %"), "100 %25");
        assert_eq!(encoded("%20"), "%2520");
        assert_eq!(encoded("ä\n\u{7f}"), "%C3%A4%0A%7F");
    }

    #[test]
    fn the_message_for_a_response_that_cannot_be_encoded_has_no_prefix() {
        let status = Status::internal(ServerSide::SERIALIZING_FAILED);
        assert_eq!(encoded(&format!("Error encoding: {status}")), "Failed to serialize response!");
    }

    #[test]
    fn a_response_with_only_trailers_lists_no_encodings() {
        let mut fields = HeaderMap::new();
        complete(&mut fields);
        assert_eq!(fields[ACCEPT_ENCODING], "identity, deflate, gzip");
        let mut trailers_only = Status::unknown("a b").into_http::<Body>().into_parts().0.headers;
        complete(&mut trailers_only);
        assert_eq!(trailers_only.get(ACCEPT_ENCODING), None);
        assert_eq!(trailers_only[Status::GRPC_MESSAGE], "a b");
    }

    #[tokio::test]
    async fn the_message_in_the_trailers_is_encoded() {
        let service = service_fn(|()| async {
            let mut trailers = HeaderMap::new();
            Status::unknown("a b").add_header(&mut trailers).expect("valid fields");
            let body = http_body_util::Empty::<bytes::Bytes>::new()
                .with_trailers(std::future::ready(Some(Ok(trailers))));
            Ok::<_, Infallible>(Response::new(Box::pin(body)))
        });
        let response = ResponseFieldsLayer.layer(service).oneshot(()).await.expect("a response");
        assert_eq!(response.headers().len(), 1);
        let body = response.into_body().collect().await.expect("a body");
        let trailers = body.trailers().expect("trailers");
        assert_eq!(trailers[Status::GRPC_MESSAGE], "a b");
    }
}

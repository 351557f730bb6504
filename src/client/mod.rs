//! What grpcio's client does that tonic's does not, from an address to a stub.
//!
//! Programs that call a Python server decide by status codes what to try again and what to report, so
//! the Rust client has to find the same one for whatever a server, a proxy or a broken connection
//! does. All was observed on grpcio 1.85.1; the behaviours of the suite `client-parity` prove it.
//!
//! [`channel`] has all of it. Another tonic client wears the same layers with [`layer`], the
//! [`endpoint()`] and the [`connect::Connector`] for its channel, and [`codec::ClientCodec`] as the
//! codec of its messages:
//!
//! - [`connect`], `lookup`, `target`, [`tls`], `peer_name`, `own_root`, `handshake`, `established`:
//!   a connection is made when the server has spoken HTTP/2
//! - `endpoint`: how much a server may send
//! - [`deadline`]: a call ends when its time is over
//! - [`answer`]: what a request says of its own (`request_fields`, [`Compression`]), the
//!   status of an answer, whatever it is (`answer_body`, `fields`), and of a call that has
//!   none (`failure`)
//! - [`retry`], `replay`: a call that the server has not looked at is made again, and one that waits
//!   for its server ([`WaitForReady`]); one that is dropped is reset (`pipe`)

pub mod answer;
mod answer_body;
pub mod codec;
mod compression;
pub mod connect;
pub mod deadline;
mod endpoint;
mod established;
mod failure;
mod fields;
mod handshake;
mod lookup;
mod own_root;
mod peer_name;
mod pipe;
mod replay;
mod request_fields;
pub mod retry;
mod target;
pub mod tls;
mod wait;

use std::time::Duration;

use tonic::Request;
use tonic::transport::Channel;
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

pub use answer::AnswerKind;
pub use compression::Compression;
pub use endpoint::{Keepalive, Options, channel, endpoint};
pub use wait::WaitForReady;

use answer::{Answer, AnswerLayer};
use deadline::{Deadline, DeadlineLayer};
use retry::{Retry, RetryLayer};

/// All layers in their order, the deadline outermost.
pub type ParityLayer = Stack<RetryLayer, Stack<AnswerLayer, Stack<DeadlineLayer, Identity>>>;

/// A channel with all layers.
pub type ParityChannel = Deadline<Answer<Retry<Channel>>>;

/// The layers around a channel; `kind` tells of a method how it is answered.
#[must_use]
pub fn layer(kind: fn(&http::Uri) -> AnswerKind) -> ServiceBuilder<ParityLayer> {
    ServiceBuilder::new().layer(DeadlineLayer).layer(AnswerLayer::new(kind)).layer(RetryLayer)
}

/// The longest time that the `grpc-timeout` header can say: eight digits of hours.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(99_999_999 * 60 * 60);

/// A request with a deadline, which the server is told and the [`deadline`] layer keeps.
pub fn request<T>(message: T, timeout: Option<Duration>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(timeout) = timeout {
        // tonic panics when it cannot write the header.
        request.set_timeout(timeout.min(LONGEST_TIMEOUT));
    }
    request
}

#[cfg(test)]
mod tests {
    use super::{channel, request};
    use crate::Number;
    use crate::rpc::calculator_client::CalculatorClient;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tonic::{Code, Status};

    async fn listener() -> (TcpListener, CalculatorClient<super::ParityChannel>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let channel = channel(&address.parse().expect("an address"), super::Options::default());
        (listener, CalculatorClient::new(channel))
    }

    fn number(timeout: Option<Duration>) -> tonic::Request<Number> {
        request(Number { value: 16.0 }, timeout)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_never_answered_ends_at_its_deadline() {
        let (_silent, mut stub) = listener().await;
        let answer = stub.square_root(number(Some(Duration::from_secs(10)))).await;
        let status: Status = answer.expect_err("a deadline");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.message(), "Deadline Exceeded");
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_is_unavailable() {
        let (listener, mut stub) = listener().await;
        let call = stub.square_root(number(None));
        let hang_up = async { drop(listener.accept().await.expect("a connection")) };
        let (answer, ()) = tokio::join!(call, hang_up);
        assert_eq!(answer.expect_err("no answer").code(), Code::Unavailable);
    }

    #[test]
    fn any_timeout_can_be_sent() {
        for (seconds, header) in [(1, "1000000u"), (u64::MAX, "99999999H")] {
            let request = request((), Some(Duration::from_secs(seconds)));
            let sent = request.metadata().get("grpc-timeout");
            assert_eq!(sent.map(tonic::metadata::MetadataValue::as_bytes), Some(header.as_bytes()));
        }
        assert!(request((), None).metadata().is_empty());
    }
}

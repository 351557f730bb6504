//! From an address to a stub, and a call with a deadline.
//!
//! The channel connects with its first call, as grpcio's does: a client whose server is not there
//! yet can be made, and the call says UNAVAILABLE.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::address::Address;

/// A channel to `address`, without TLS. No connection is made yet.
///
/// Has to be called inside a tokio runtime.
#[must_use]
pub fn channel(address: &Address) -> Channel {
    Channel::builder(address.uri().clone()).connect_lazy()
}

/// The longest time that the `grpc-timeout` header can say: eight digits of hours.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(99_999_999 * 60 * 60);

/// A request that tells the server how long the client will wait, as [`within`] does.
pub fn request<T>(message: T, timeout: Option<Duration>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(timeout) = timeout {
        // tonic panics when it cannot write the header.
        request.set_timeout(timeout.min(LONGEST_TIMEOUT));
    }
    request
}

/// Waits for `call`, but no longer than `timeout`; then it is dropped, which cancels it.
///
/// The status is grpcio's for a deadline that has passed: DEADLINE_EXCEEDED `Deadline Exceeded`.
pub async fn within<T>(
    timeout: Option<Duration>,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let Some(timeout) = timeout else { return call.await.map_err(lost_connection) };
    tokio::select! {
        // tonic reports CANCELLED at the same moment; whoever is asked first wins.
        biased;
        () = tokio::time::sleep(timeout) => Err(Status::deadline_exceeded("Deadline Exceeded")),
        answer = call => answer.map_err(lost_connection),
    }
}

/// UNAVAILABLE, as grpcio says, for a call whose connection was lost.
///
/// tonic says CANCELLED or UNKNOWN, depending on how far the request had come; only a status that it
/// made itself, and not the server, has a source.
fn lost_connection(status: Status) -> Status {
    let mut sources = std::iter::successors(status.source(), |&error| error.source());
    let lost = match status.code() {
        Code::Unknown => sources.next().is_some(),
        Code::Cancelled => {
            sources.any(|error| error.downcast_ref().is_some_and(hyper::Error::is_canceled))
        }
        _ => false,
    };
    if lost { Status::unavailable(status.message()) } else { status }
}

#[cfg(test)]
mod tests {
    use super::{request, within};
    use std::time::Duration;
    use tonic::{Code, Status};

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_never_answered_ends_at_its_deadline() {
        let never = std::future::pending::<Result<(), Status>>();
        let status = within(Some(Duration::from_secs(3600)), never).await.expect_err("a deadline");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.message(), "Deadline Exceeded");
    }

    #[test]
    fn a_status_of_the_server_is_left_alone() {
        for status in [Status::unknown("x"), Status::cancelled("x")] {
            assert_eq!(super::lost_connection(status.clone()).code(), status.code());
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_in_a_call_is_unavailable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let channel = super::channel(&address.parse().expect("an address"));
        let mut stub = crate::rpc::calculator_client::CalculatorClient::new(channel);
        let number = crate::Number { value: 16.0 };
        let call = within(None, stub.square_root(request(number, None)));
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

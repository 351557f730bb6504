//! A connection accepts as many calls and header fields as with grpcio.
//!
//! The defaults of hyper protect a server from hostile peers at the expense of busy ones: if twenty
//! calls are cancelled at once, the connection ends with all other calls. grpcio has no such
//! limits.

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// The maximum number of open streams, and of cancelled calls that are not yet processed.
///
/// grpcio accepts any number. A client that multiplexes a thousand calls, or cancels as many at
/// once, must not lose its connection. A higher limit would let one peer use more than 150 MB for
/// header fields.
pub const MAX_STREAMS: u32 = 2_048;

/// The maximum size of a header list that is read, in bytes.
///
/// Greater than the limit of 16 KiB on metadata, because grpcio enforces that only after the client
/// has acknowledged its settings, and because a call has to be read before it can be refused with a
/// status.
const MAX_HEADER_LIST_SIZE: u32 = 72 * 1024;

/// How many bytes of a request a client may send before they are read.
pub(super) const STREAM_WINDOW: u32 = 1024 * 1024;

/// How many bytes of all requests a client may send before they are read: what h2 buffers for a
/// connection at most.
///
/// Several times the window of a stream, so that small calls continue while calls that wait for
/// [memory](super::message_memory) are not read.
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// How many messages of a connection may wait for memory, so that the window of one stream is left
/// for all other calls.
pub(super) const MAX_WAITING_MESSAGES: usize = (CONNECTION_WINDOW / STREAM_WINDOW - 1) as usize;

/// How many bytes of a response are queued at most before its service is asked for more.
///
/// A client that grants a window and does not read the connection makes the server hold this for
/// each stream, that is 128 MiB. The default of hyper is 400 KiB, which is 800 MiB.
const MAX_SEND_BUFFER: usize = 64 * 1024;

/// An HTTP/2 server with these limits.
///
/// Probes: `thousand-*`, `hundred-*`, `metadata-64-kib*`.
#[must_use]
pub fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(usize::try_from(MAX_STREAMS).ok())
        .max_header_list_size(MAX_HEADER_LIST_SIZE);
    builder
}

#[cfg(test)]
mod tests {
    use super::{MAX_SEND_BUFFER, http2};
    use bytes::Bytes;
    use futures_util::stream;
    use http::{Request, Response};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::io::duplex;
    use tokio::time::sleep;

    /// The size of each part of a response.
    const PART: usize = 16 * 1024;

    #[tokio::test(start_paused = true)]
    async fn a_service_is_not_asked_for_more_of_a_response_that_the_client_does_not_read() {
        let produced = Arc::new(AtomicUsize::new(0));
        let parts = Arc::clone(&produced);
        let service = service_fn(move |_| {
            let parts = Arc::clone(&parts);
            let parts = std::iter::repeat_with(move || {
                parts.fetch_add(PART, Ordering::Relaxed);
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; PART])))
            });
            let body = StreamBody::new(stream::iter(parts.take(1000)));
            std::future::ready(Ok::<_, Infallible>(Response::new(body)))
        });
        let (near, far) = duplex(1024);
        let server = tokio::spawn(http2().serve_connection(TokioIo::new(near), service));
        let mut client = h2::client::Builder::new();
        client.initial_window_size(1 << 30).initial_connection_window_size(1 << 30);
        let (mut requests, mut connection) =
            client.handshake::<_, Bytes>(far).await.expect("a connection");
        let (response, _) = requests.send_request(Request::new(()), true).expect("a request");
        tokio::select! {
            response = response => drop(response.expect("a response").into_body()),
            _ = &mut connection => panic!("the connection is closed"),
        }
        // The client reads no further.
        sleep(Duration::from_secs(1)).await;
        let produced = produced.load(Ordering::Relaxed);
        assert!((MAX_SEND_BUFFER..=MAX_SEND_BUFFER + 2 * PART).contains(&produced), "{produced}");
        server.abort();
    }
}

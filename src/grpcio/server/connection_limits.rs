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

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

/// An HTTP/2 server with these limits.
///
/// Probes: `thousand-*`, `hundred-*`, `metadata-64-kib*`.
#[must_use]
pub fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(usize::try_from(MAX_STREAMS).ok())
        .max_header_list_size(MAX_HEADER_LIST_SIZE);
    builder
}

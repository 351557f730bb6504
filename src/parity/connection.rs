//! A connection: its limits, and what is known about who is at its other end.
//!
//! hyper's defaults protect a server from a hostile peer at the price of peers that are only busy:
//! twenty calls cancelled at once end the connection, and with it every other call. grpcio has no
//! such limits at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Streams that may be open at once, and cancelled calls that may wait to be noticed.
///
/// grpcio takes any number. A client that multiplexes a thousand calls, or cancels as many when its
/// own caller goes away, must not lose its connection; beyond this the memory for their header
/// fields, up to 150 MB, would be at the mercy of one peer.
const MAX_STREAMS: u32 = 2_048;

/// Bytes of header fields that are read at all.
///
/// More than [`metadata_size`](super::metadata_size) lets pass, because grpcio counts only after the
/// client has acknowledged its settings and because a call that is refused has to be read first.
const MAX_HEADER_LIST_SIZE: u32 = 72 * 1024;

/// An HTTP/2 server that takes what grpcio takes.
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

/// The other end of a connection; clones are the same.
///
/// grpcio holds a client to its limits as soon as the client has acknowledged the SETTINGS in which
/// they stand. A request that was sent earlier is exempt.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    exempt: Arc<AtomicUsize>,
}

impl Peer {
    /// Notes a request that was sent before the peer could know the limits.
    pub(super) fn exempt_a_request(&self) {
        self.exempt.fetch_add(1, Ordering::Release);
    }

    /// Whether the next request is held to the limits. Requests are asked for in their order.
    pub(super) fn knows_limits(&self) -> bool {
        let taken = self
            .exempt
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |exempt| exempt.checked_sub(1));
        taken.is_err()
    }
}

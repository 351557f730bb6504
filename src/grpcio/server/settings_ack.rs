//! Limits apply only to requests that a client sends after it has acknowledged them.
//!
//! The SETTINGS of a server announce its limit on metadata, and grpcio exempts requests that were
//! sent before the client acknowledged them. hyper does not expose the acknowledgement, so the
//! incoming frames are watched until it arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};
use crate::grpcio::wire::http2::{HEADERS, PREFACE, PartialHeader};

/// The requests on a connection that arrived before the acknowledgement. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct EarlyRequests(Arc<AtomicUsize>);

impl EarlyRequests {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Whether the next request is an early one. Has to be called once for each request, in order.
    pub(crate) fn take(&self) -> bool {
        let decrement = |count: usize| count.checked_sub(1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, decrement).is_ok()
    }
}

/// Counts the early requests that arrive on `transport`.
pub fn count_early_requests<T>(
    transport: T,
    early_requests: EarlyRequests,
) -> FilteredIo<T, SettingsAck> {
    let watcher = Some(FrameWatcher::default());
    FilteredIo::new(transport, SettingsAck { early_requests, watcher })
}

/// Watches the incoming frames of a connection until the client acknowledges the SETTINGS.
#[derive(Debug)]
pub struct SettingsAck {
    early_requests: EarlyRequests,
    /// `None` after the acknowledgement.
    watcher: Option<FrameWatcher>,
}

impl IoFilter for SettingsAck {
    #[inline]
    fn received(&mut self, bytes: &mut [u8]) {
        if let Some(watcher) = &mut self.watcher
            && watcher.finds_ack(bytes, || self.early_requests.add())
        {
            self.watcher = None;
        }
    }
}

/// The position in the frames that have arrived.
#[derive(Debug)]
struct FrameWatcher {
    /// Remaining bytes of the preface or a payload before the next frame header.
    skip: usize,
    header: PartialHeader,
    last_stream: u32,
}

impl Default for FrameWatcher {
    fn default() -> Self {
        Self { skip: PREFACE.len(), header: PartialHeader::default(), last_stream: 0 }
    }
}

impl FrameWatcher {
    /// Whether the next `bytes` contain the acknowledgement. Calls `on_request` for each request
    /// before it.
    fn finds_ack(&mut self, mut bytes: &[u8], mut on_request: impl FnMut()) -> bool {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let (consumed, frame) = self.header.take(bytes);
            bytes = &bytes[consumed..];
            let Some(frame) = frame else { continue };
            if frame.is_settings_ack() {
                return true;
            }
            // Further HEADERS of a stream are its trailers.
            if frame.kind == HEADERS && frame.stream > self.last_stream {
                self.last_stream = frame.stream;
                on_request();
            }
            self.skip = frame.length;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::FrameWatcher;
    use crate::grpcio::wire::http2::PREFACE;

    fn frames() -> Vec<u8> {
        let mut bytes = PREFACE.to_vec();
        bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0]); // SETTINGS
        bytes.extend([4, 1, 4, 1, 4, 1]); // whose payload looks like an acknowledgement
        bytes.extend([0, 0, 2, 1, 4, 0, 0, 0, 1, 4, 1]); // HEADERS of stream 1
        bytes.extend([0, 0, 0, 1, 5, 0, 0, 0, 1]); // and its trailers
        bytes.extend([0, 0, 0, 1, 5, 0, 0, 0, 3]); // HEADERS of stream 3
        bytes.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]); // the acknowledgement
        bytes
    }

    #[test]
    fn the_ack_is_found_at_its_last_byte_in_pieces_of_any_size() {
        let frames = frames();
        for size in 1..=frames.len() {
            let (mut watcher, mut requests) = (FrameWatcher::default(), 0);
            let mut feed = |chunk| watcher.finds_ack(chunk, || requests += 1);
            let seen: Vec<_> = frames.chunks(size).map(&mut feed).collect();
            let (last, before) = seen.split_last().expect("chunks");
            assert!(*last && before.iter().all(|seen| !seen), "in chunks of {size}");
            assert_eq!(requests, 2, "in chunks of {size}");
        }
    }
}

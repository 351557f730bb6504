//! A connection after the handshake looks unused to an HTTP/2 library, which performs its own.
//!
//! The library sends a preface and expects an acknowledgement for its SETTINGS. Only these
//! duplicates are removed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};
use crate::grpcio::wire::http2::{self, FrameHeader, PREFACE};

/// A connection on which the handshake has been performed.
pub type Established<IO> = FilteredIo<IO, Handshaken>;

/// Discards the preface that the library writes, and the acknowledgement of the SETTINGS that were
/// sent before.
#[derive(Debug)]
pub struct Handshaken {
    /// Bytes that the library has not read yet.
    received: BytesMut,
    /// How many bytes of `received`, or of those that follow, belong to frames that have been
    /// inspected.
    inspected: usize,
    awaits_ack: bool,
    /// How much of the preface the library has not written yet.
    preface_left: usize,
}

impl Handshaken {
    /// `received` are the bytes that have been read. The acknowledgement is in them or in the bytes
    /// that follow if `awaits_ack`.
    pub(super) fn new(received: BytesMut, awaits_ack: bool) -> Self {
        Self { received, inspected: 0, awaits_ack, preface_left: PREFACE.len() }
    }

    /// Removes the acknowledgement from the received bytes. Returns how many bytes the library may
    /// read: until the acknowledgement has been found, not the start of an incomplete frame header.
    fn readable(&mut self) -> usize {
        while self.awaits_ack && self.inspected < self.received.len() {
            let Some(frame) = FrameHeader::read(&self.received[self.inspected..]) else {
                return self.inspected;
            };
            if frame.is_settings_ack() && frame.length == 0 {
                let rest = self.received.split_off(self.inspected + http2::HEADER_LENGTH);
                self.received.truncate(self.inspected);
                self.received.unsplit(rest);
                self.awaits_ack = false;
            } else {
                self.inspected = self.inspected.saturating_add(http2::HEADER_LENGTH + frame.length);
            }
        }
        self.received.len()
    }
}

impl IoFilter for Handshaken {
    fn poll_read<T: AsyncRead + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let readable = self.readable().min(buffer.remaining());
            if readable > 0 {
                buffer.put_slice(&self.received.split_to(readable));
                self.inspected = self.inspected.saturating_sub(readable);
                return Poll::Ready(Ok(()));
            }
            if !self.awaits_ack {
                return Pin::new(transport).poll_read(cx, buffer);
            }
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut *transport).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                // The end, possibly within a frame.
                return Poll::Ready(Ok(()));
            }
            self.received.extend_from_slice(chunk.filled());
        }
    }

    fn discards(&mut self, length: usize) -> usize {
        let discarded = self.preface_left.min(length);
        self.preface_left -= discarded;
        discarded
    }
}

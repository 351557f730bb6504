//! Splits a body into messages, enforces the size limit and decompresses.
//!
//! This happens before tonic sees the messages, because tonic reports a message that is too large
//! as OUT_OF_RANGE and an unexpected compressed one as UNIMPLEMENTED.

use std::marker::PhantomData;
use std::task::{Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tonic::Status;

use super::codec::Side;
use super::compression::Encoding;
use super::message::{self, PREFIX_LENGTH, Prefix};

/// Decodes the messages that the side `S` receives: data goes in, messages come out.
#[derive(Debug)]
pub(crate) struct MessageDecoder<S> {
    side: PhantomData<S>,
    encoding: Encoding,
    buffer: BytesMut,
    /// A message with an undefined flag has arrived, so the rest of the body is no message.
    is_broken: bool,
}

impl<S: Side> MessageDecoder<S> {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { side: PhantomData, encoding, buffer: BytesMut::new(), is_broken: false }
    }

    /// Adds the next data of the body.
    pub(crate) fn push(&mut self, data: Bytes) {
        if self.is_broken {
            return;
        }
        if self.buffer.is_empty() {
            // Most messages arrive in one piece, which is not copied.
            self.buffer = BytesMut::from(data);
        } else {
            self.buffer.extend_from_slice(&data);
        }
    }

    /// The next complete message with its prefix, uncompressed.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        match self.poll_next(|_| Poll::Ready(Ok(()))) {
            Poll::Ready(message) => message,
            Poll::Pending => Ok(None),
        }
    }

    /// The next complete message with its prefix, uncompressed, once `reserve` has reserved memory
    /// for a message of this length without prefix, of which only a part may have arrived.
    ///
    /// A compressed message is decompressed again if its memory has to be waited for.
    #[inline]
    pub(crate) fn poll_next(
        &mut self,
        reserve: impl FnMut(usize) -> Poll<Result<(), Status>>,
    ) -> Poll<Result<Option<Bytes>, Status>> {
        let Some(prefix) = Prefix::read(&self.buffer) else { return Poll::Ready(Ok(None)) };
        if !prefix.is_valid() {
            self.is_broken = true;
            self.buffer.clear();
            return Poll::Ready(Ok(None));
        }
        message::check_size(S::NAME, prefix.length)?;
        let length = PREFIX_LENGTH + prefix.length;
        if self.buffer.len() < length || prefix.is_compressed() {
            return self.poll_rest(prefix, reserve);
        }
        Poll::Ready(Ok(Some(self.buffer.split_to(length).freeze())))
    }

    /// The next message if it is incomplete or compressed.
    #[cold]
    fn poll_rest(
        &mut self,
        prefix: Prefix,
        mut reserve: impl FnMut(usize) -> Poll<Result<(), Status>>,
    ) -> Poll<Result<Option<Bytes>, Status>> {
        let length = PREFIX_LENGTH + prefix.length;
        if self.buffer.len() < length {
            ready!(reserve(prefix.length))?;
            self.buffer.reserve(length - self.buffer.len());
            return Poll::Ready(Ok(None));
        }
        let message = self.encoding.decompress(&self.buffer[PREFIX_LENGTH..length])?;
        message::check_size(S::NAME, message.len())?;
        ready!(reserve(message.len()))?;
        self.buffer.advance(length);
        Poll::Ready(Ok(Some(message::frame_uncompressed(&message))))
    }

    /// How many bytes have been received of messages that are not complete.
    pub(crate) fn received(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a message with an undefined flag has arrived, at the first call after it.
    pub(crate) fn take_broken(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Whether some data is not part of a complete message.
    pub(crate) fn has_remainder(&self) -> bool {
        self.is_broken || !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::MessageDecoder;
    use crate::grpcio::wire::codec::ServerSide;
    use crate::grpcio::wire::compression::Encoding;
    use bytes::Bytes;
    use tonic::Code;

    fn decoder(data: &[u8]) -> MessageDecoder<ServerSide> {
        let mut decoder = MessageDecoder::new(Encoding::Identity);
        decoder.push(Bytes::copy_from_slice(data));
        decoder
    }

    #[test]
    fn messages_are_decoded_wherever_the_frames_end() {
        let body = b"\0\0\0\0\x02ab\0\0\0\0\0";
        for cut in 0..body.len() {
            let mut decoder = decoder(&body[..cut]);
            let mut found: Vec<_> =
                std::iter::from_fn(|| decoder.next().expect("a valid message")).collect();
            decoder.push(Bytes::copy_from_slice(&body[cut..]));
            found.extend(std::iter::from_fn(|| decoder.next().expect("a valid message")));
            assert_eq!(found, [&body[..7], &body[7..]], "cut at {cut}");
        }
    }

    #[test]
    fn the_prefix_suffices_to_reject_a_message() {
        let status = decoder(b"\0\xff\xff\xff\xff").next().expect_err("too large");
        assert_eq!(status.code(), Code::ResourceExhausted);
    }

    #[test]
    fn no_message_follows_an_undefined_flag() {
        let mut decoder = decoder(b"\x02\0\0\0\0\0\0\0\0\0");
        assert_eq!(decoder.next().expect("no error"), None);
        decoder.push(Bytes::from_static(b"\0\0\0\0\0"));
        assert_eq!(decoder.next().expect("no error"), None);
    }
}

//! The messages in a body: cut out, limited and decompressed.
//!
//! Done before tonic sees them, because tonic reports a message that is too large as OUT_OF_RANGE and
//! a compressed one as UNIMPLEMENTED.

use std::marker::PhantomData;

use bytes::{Buf, Bytes, BytesMut};
use tonic::Status;

use super::codec::Words;
use super::compression::Encoding;
use super::message::{self, PREFIX, Prefix};

/// Bytes that go in, messages that come out, of the peer of `W`.
#[derive(Debug)]
pub(crate) struct Messages<W> {
    receiver: PhantomData<W>,
    encoding: Encoding,
    received: BytesMut,
    /// A flag that does not exist has come; nothing behind it is a message.
    is_lost: bool,
}

impl<W: Words> Messages<W> {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { receiver: PhantomData, encoding, received: BytesMut::new(), is_lost: false }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn receive(&mut self, data: Bytes) {
        if self.is_lost {
            return;
        }
        if self.received.is_empty() {
            // Most messages come in one piece, which is not copied.
            self.received = BytesMut::from(data);
        } else {
            self.received.extend_from_slice(&data);
        }
    }

    /// The next whole message with its prefix, not compressed.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let Some(prefix) = Prefix::read(&self.received) else { return Ok(None) };
        if !prefix.is_legal() {
            self.is_lost = true;
            self.received.clear();
            return Ok(None);
        }
        message::check_size(W::SIDE, prefix.length)?;
        let length = PREFIX + prefix.length;
        if self.received.len() < length {
            return Ok(None);
        }
        let mut message = self.received.split_to(length).freeze();
        if !prefix.is_compressed() {
            return Ok(Some(message));
        }
        message.advance(PREFIX);
        let message = self.encoding.decompress(&message)?;
        message::check_size(W::SIDE, message.len())?;
        Ok(Some(message::plain(&message)))
    }

    /// Whether something has come that is no whole message.
    pub(crate) fn has_rest(&self) -> bool {
        self.is_lost || !self.received.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Messages;
    use crate::parity::codec::OfServer;
    use crate::parity::compression::Encoding;
    use bytes::Bytes;
    use tonic::Code;

    fn messages(data: &[u8]) -> Messages<OfServer> {
        let mut messages = Messages::new(Encoding::Identity);
        messages.receive(Bytes::copy_from_slice(data));
        messages
    }

    #[test]
    fn messages_are_cut_out_wherever_the_frames_end() {
        let body = b"\0\0\0\0\x02ab\0\0\0\0\0";
        for cut in 0..body.len() {
            let mut messages = messages(&body[..cut]);
            let mut found: Vec<_> =
                std::iter::from_fn(|| messages.next().expect("legal")).collect();
            messages.receive(Bytes::copy_from_slice(&body[cut..]));
            found.extend(std::iter::from_fn(|| messages.next().expect("legal")));
            assert_eq!(found, [&body[..7], &body[7..]], "cut at {cut}");
        }
    }

    #[test]
    fn the_prefix_alone_is_enough_to_refuse_a_message() {
        let status = messages(b"\0\xff\xff\xff\xff").next().expect_err("too large");
        assert_eq!(status.code(), Code::ResourceExhausted);
    }

    #[test]
    fn behind_an_unknown_flag_there_is_no_message() {
        let mut messages = messages(b"\x02\0\0\0\0\0\0\0\0\0");
        assert_eq!(messages.next().expect("no error"), None);
        messages.receive(Bytes::from_static(b"\0\0\0\0\0"));
        assert_eq!(messages.next().expect("no error"), None);
    }
}

//! The header blocks among the frames that a client sends.
//!
//! Only their fields are looked at: in a message the same bytes may stand for anything.

use super::hpack_field::Field;
use crate::frame_header::{CONTINUATION, FrameHeader, HEADERS, PREFACE, PartialHeader};

/// How far the frames have been read.
#[derive(Debug)]
pub(super) struct HeaderBlocks {
    /// Bytes that are no part of a header block, until the next frame's header.
    skip: usize,
    /// Bytes of a header block behind those that are skipped.
    block: usize,
    header: PartialHeader,
    field: Field,
}

impl Default for HeaderBlocks {
    fn default() -> Self {
        let (skip, header) = (PREFACE.len(), PartialHeader::default());
        Self { skip, block: 0, header, field: Field::Begin }
    }
}

impl HeaderBlocks {
    /// Looks at the next bytes, and replaces those that have to be.
    pub(super) fn look_at(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len());
                self.skip -= skipped;
                rest = &mut rest[skipped..];
            } else if self.block > 0 {
                let block = self.block.min(rest.len());
                self.block -= block;
                let (fields, behind) = rest.split_at_mut(block);
                for byte in fields {
                    self.field = self.field.next(byte);
                }
                rest = behind;
            } else {
                let (taken, frame) = self.header.take(rest);
                rest = &mut rest[taken..];
                if let Some(frame) = frame {
                    self.begin(frame);
                }
            }
        }
    }

    fn begin(&mut self, frame: FrameHeader) {
        self.skip = match frame.kind {
            HEADERS => {
                self.field = Field::Begin;
                let padding = usize::from(frame.is_padded());
                let priority = 5 * usize::from(frame.has_priority());
                frame.length.min(padding + priority)
            }
            CONTINUATION => 0,
            _ => frame.length,
        };
        // Padding at the end is read like fields, which begin anew with the next frame.
        self.block = frame.length - self.skip;
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderBlocks;
    use crate::frame_header::PREFACE;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// As grpcio sends it, among fields in all of HPACK's forms.
    fn sent(authority: &[u8]) -> Vec<u8> {
        let long = [&b"\x40\x03a-b\x7f\x49"[..], &b"A%".repeat(100)].concat();
        let block = [
            &b"\x3f\xe1\x1f\x40\x05:path\x04/a%b"[..], // a size of the table, and another name
            &long,
            b"\x40\x0a:authority\x07",
            authority,
            b"\x83\xff\x00\x41\x07", // fields by index, and the name by index
            authority,
            b"\x7f\x01\x04d%ef\x00\x01x\x02%%", // names by index and as text
        ]
        .concat();
        let (first, rest) = block.split_at(230);
        let padded = [b"\x02\0\0\0\0\x10".as_slice(), b"\x01\x07", authority, b"%%"].concat();
        [
            vec![b'%'; PREFACE.len()],
            frame(4, 0, b"%%%%%%"),
            frame(1, 0, first),
            frame(9, 4, rest),
            frame(0, 1, b"\x40\x0a:authority\x02%%"),
            frame(1, 0x2c, &padded),
        ]
        .concat()
    }

    #[test]
    fn only_the_percent_signs_of_an_authority_are_replaced_however_the_bytes_are_cut() {
        let (sent, expected) = (sent(b"tmp%2Fs"), sent(b"tmp_2Fs"));
        for size in 1..=sent.len() {
            let (mut bytes, mut blocks) = (sent.clone(), HeaderBlocks::default());
            bytes.chunks_mut(size).for_each(|chunk| blocks.look_at(chunk));
            assert!(bytes == expected, "in chunks of {size}");
        }
    }
}

//! A field of a header block, byte by byte, as far as its name and its value have to be told apart.
//!
//! The decoder's table is not kept: grpcio sends an authority by its name, or all of it by its index.
//! Huffman's code is left alone, which grpcio does not use here.

const AUTHORITY: &[u8] = b":authority";

/// Where [`AUTHORITY`] stands in HPACK's static table (RFC 7541, appendix A).
const AUTHORITY_INDEX: u8 = 1;

/// How far a field of a header block has been read (RFC 7541, section 6).
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Begin,
    /// The rest of a number behind which the next field or a value begins.
    Index {
        then_value: bool,
    },
    NameLength(Length),
    /// How many bytes have been read of how many, and whether they are [`AUTHORITY`]'s so far.
    Name {
        read: usize,
        length: usize,
        is_authority: bool,
    },
    ValueLength {
        length: Length,
        is_authority: bool,
    },
    Value {
        left: usize,
        is_authority: bool,
    },
}

/// The length of a string, as far as it has been read (section 5.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Length {
    value: usize,
    shift: Option<u32>,
    is_huffman: bool,
}

impl Length {
    /// Takes the next byte; whether it was the last one.
    fn read(&mut self, byte: u8) -> bool {
        let Some(shift) = self.shift else {
            self.is_huffman = byte & 0x80 != 0;
            self.value = usize::from(byte & 0x7f);
            self.shift = Some(0);
            return self.value < 0x7f;
        };
        let more = usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(usize::MAX);
        self.value = self.value.saturating_add(more);
        self.shift = Some(shift.saturating_add(7));
        byte & 0x80 == 0
    }
}

impl Field {
    /// Takes the next byte of a header block, and replaces it where it has to be.
    pub(super) fn next(self, byte: &mut u8) -> Self {
        match self {
            Self::Begin => Self::begin(*byte),
            Self::Index { .. } if *byte & 0x80 != 0 => self,
            Self::Index { then_value: false } => Self::Begin,
            Self::Index { then_value: true } => {
                Self::ValueLength { length: Length::default(), is_authority: false }
            }
            Self::NameLength(mut length) => {
                if !length.read(*byte) {
                    return Self::NameLength(length);
                }
                let is_authority = !length.is_huffman && length.value == AUTHORITY.len();
                Self::name(0, length.value, is_authority)
            }
            Self::Name { read, length, is_authority } => {
                let is_authority = is_authority && AUTHORITY.get(read) == Some(byte);
                Self::name(read + 1, length, is_authority)
            }
            Self::ValueLength { mut length, is_authority } => {
                if !length.read(*byte) {
                    return Self::ValueLength { length, is_authority };
                }
                Self::value(length.value, is_authority && !length.is_huffman)
            }
            Self::Value { left, is_authority } => {
                if is_authority && *byte == b'%' {
                    *byte = b'_';
                }
                Self::value(left - 1, is_authority)
            }
        }
    }

    fn begin(byte: u8) -> Self {
        let (index, mask, then_value) = match byte {
            0x80.. => (byte & 0x7f, 0x7f, false),
            0x40.. => (byte & 0x3f, 0x3f, true),
            0x20.. => (byte & 0x1f, 0x1f, false),
            _ => (byte & 0x0f, 0x0f, true),
        };
        if index == mask {
            return Self::Index { then_value };
        }
        match (then_value, index) {
            (false, _) => Self::Begin,
            (true, 0) => Self::NameLength(Length::default()),
            (true, _) => {
                let is_authority = index == AUTHORITY_INDEX;
                Self::ValueLength { length: Length::default(), is_authority }
            }
        }
    }

    fn name(read: usize, length: usize, is_authority: bool) -> Self {
        if read < length {
            return Self::Name { read, length, is_authority };
        }
        Self::ValueLength { length: Length::default(), is_authority }
    }

    fn value(left: usize, is_authority: bool) -> Self {
        if left > 0 { Self::Value { left, is_authority } } else { Self::Begin }
    }
}

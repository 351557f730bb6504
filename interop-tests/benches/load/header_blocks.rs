//! HPACK on one connection: the requests' blocks, and what the answers' blocks say.
//!
//! Both sides repeat themselves. The first request puts its fields into the server's table, as grpcio's
//! clients do, and all others are indices. A block of nothing but indices says the same as long as no other
//! block has changed the table, so an answer's is decoded once and then recognised.

use super::answer;
use super::answer::Head;
use grpc_interop::http2::header_block::Decoder;

/// `:scheme: http` and `:method: POST` of the static table (RFC 7541, appendix A).
const STATIC: [u8; 2] = [0x86, 0x83];

/// The first index of the dynamic table, where the field is that was added last.
const FIRST_DYNAMIC: u8 = 62;

/// The fields beside `:path` that grpcio's Python client sends.
const FIELDS: [(&str, &str); 5] = [
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-python/1.85.1 grpc-c/56.0.0 (linux; chttp2)"),
    ("grpc-accept-encoding", "identity, deflate, gzip"),
];

/// See the module.
pub(super) struct HeaderBlocks {
    path: &'static str,
    requests: u64,
    request: Vec<u8>,
    decoder: Decoder,
    known: Vec<(Vec<u8>, Head)>,
}

impl HeaderBlocks {
    /// Of calls of the method at `path`.
    pub(super) fn new(path: &'static str) -> Self {
        Self {
            path,
            requests: 0,
            request: Vec::new(),
            decoder: Decoder::default(),
            known: Vec::new(),
        }
    }

    /// The block of the next request.
    pub(super) fn request(&mut self) -> &[u8] {
        match self.requests {
            0 => self.request = first_request(self.path),
            1 => self.request = all_indices(),
            _ => {}
        }
        self.requests += 1;
        &self.request
    }

    /// What a block says; the error says what is wrong with the answer.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Head, String> {
        if let Some((_, head)) = self.known.iter().find(|(known, _)| known == block) {
            return Ok(*head);
        }
        let head = answer::read(&self.decoder.decode(block)?)?;
        if block.iter().all(|byte| (0x80..0xff).contains(byte)) {
            self.known.push((block.to_vec(), head));
        } else {
            self.known.clear();
        }
        Ok(head)
    }
}

/// A block that puts all fields into the server's table.
fn first_request(path: &str) -> Vec<u8> {
    let fields = std::iter::once((":path", path)).chain(FIELDS);
    let literals = fields.flat_map(|(name, value)| literal(name, value));
    STATIC.into_iter().chain(literals).collect()
}

/// A block that finds them there.
fn all_indices() -> Vec<u8> {
    let indices = (FIRST_DYNAMIC..).take(1 + FIELDS.len()).map(|index| 0x80 | index);
    // Those with a colon come first.
    let indices: Vec<_> = indices.collect();
    let indices = indices.into_iter().rev();
    STATIC.into_iter().chain(indices).collect()
}

/// A field that goes into the table; both texts are shorter than 127 bytes (section 6.2.1).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| u8::try_from(text.len()).into_iter().chain(text.bytes()).collect();
    let [name, value]: [Vec<u8>; 2] = [name, value].map(text);
    [vec![0x40], name, value].concat()
}

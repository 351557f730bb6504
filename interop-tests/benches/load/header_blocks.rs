//! HPACK on one connection: encodes the blocks of requests and decodes those of responses.
//!
//! Blocks repeat in both directions. The first request adds its fields to the server's dynamic table, as grpcio's
//! clients do, and all later ones consist of indices. A block of indices keeps its meaning until another block
//! changes the table. So the block of a response is decoded once and then recognised.

use super::answer;
use super::answer::Head;
use grpc_interop::http2::header_block::Decoder;

/// `:scheme: http` and `:method: POST` of the static table (RFC 7541, appendix A).
const STATIC: [u8; 2] = [0x86, 0x83];

/// The first index of the dynamic table, which is the newest entry.
const FIRST_DYNAMIC: u8 = 62;

/// The fields that grpcio's Python client sends in addition to `:path`.
const FIELDS: [(&str, &str); 5] = [
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-python/1.85.1 grpc-c/56.0.0 (linux; chttp2)"),
    ("grpc-accept-encoding", "identity, deflate, gzip"),
];

/// The header blocks of a connection.
pub(super) struct HeaderBlocks {
    path: &'static str,
    requests: u64,
    request: Vec<u8>,
    decoder: Decoder,
    known: Vec<(Vec<u8>, Head)>,
}

impl HeaderBlocks {
    /// The header blocks for calls of the method at `path`.
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

    /// Decodes and checks a block. The error describes what is wrong with the response.
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

/// A block that adds all fields to the server's dynamic table.
fn first_request(path: &str) -> Vec<u8> {
    let fields = std::iter::once((":path", path)).chain(FIELDS);
    let literals = fields.flat_map(|(name, value)| literal(name, value));
    STATIC.into_iter().chain(literals).collect()
}

/// A block that refers to these entries.
fn all_indices() -> Vec<u8> {
    let indices = (FIRST_DYNAMIC..).take(1 + FIELDS.len()).map(|index| 0x80 | index);
    // Pseudo-header fields come first.
    let indices: Vec<_> = indices.collect();
    let indices = indices.into_iter().rev();
    STATIC.into_iter().chain(indices).collect()
}

/// A literal field with incremental indexing (section 6.2.1). Both texts must be shorter than 127 bytes.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| u8::try_from(text.len()).into_iter().chain(text.bytes()).collect();
    let [name, value]: [Vec<u8>; 2] = [name, value].map(text);
    [vec![0x40], name, value].concat()
}

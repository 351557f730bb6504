//! The method that probes are sent to, and the server.
//!
//! Probes are written for the calculator. Everything that is specific to its method is here, so that the same probes
//! can be sent to any method.

use crate::http2::Stream;
use crate::probe::mask;

/// The largest message that gRPC libraries accept by default.
pub(crate) const DEFAULT_SIZE_LIMIT: usize = 4 << 20;

/// A method, and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its path, such as `/shop.Shop/Get`.
    pub(crate) path: String,
    /// The message of an ordinary request.
    pub(crate) message: Vec<u8>,
    /// The number of a field that the request type does not have.
    pub(crate) unknown_field: u32,
    /// The largest message that the servers accept.
    pub(crate) size_limit: usize,
    /// The value of `grpc-status` in the response to an ordinary request.
    pub(crate) status: Vec<u8>,
}

/// A server and its method that is probed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server<'a> {
    pub(crate) address: &'a str,
    pub(crate) target: &'a Target,
}

impl Target {
    /// The method for which the probes are written, with the root of 16 as the ordinary request.
    pub(crate) fn calculator() -> Self {
        Self {
            path: "/Calculator/SquareRoot".to_owned(),
            message: vec![0x0d, 0x00, 0x00, 0x80, 0x41],
            unknown_field: 15,
            size_limit: DEFAULT_SIZE_LIMIT,
            status: b"0".to_vec(),
        }
    }

    /// The names of the service and of the method.
    pub(crate) fn service_and_method(&self) -> (&str, &str) {
        self.path.trim_start_matches('/').split_once('/').unwrap_or((&self.path, ""))
    }

    /// Whether the response on `stream` has the status of an ordinary one.
    pub(crate) fn has_ordinary_status(&self, stream: &Stream) -> bool {
        status(stream) == self.status
    }
}

/// The value of `grpc-status` in the response on `stream`; empty if there is none.
pub(crate) fn status(stream: &Stream) -> &[u8] {
    let mut fields = stream.blocks.iter().rev().flatten();
    let status = fields.find(|field| field.0 == b"grpc-status" && mask::is_compared(field));
    status.map(|(_, value)| &value[..]).unwrap_or_default()
}

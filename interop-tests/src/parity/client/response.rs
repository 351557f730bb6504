//! The response of a behaviour: a legal one with changes, as header blocks and a body.
//!
//! Legal is what the document's server sends at least.

use crate::http2::body;
use crate::http2::header_block::Field;
use crate::http2::header_list::{Legal, changed};
use crate::parity::client::table::Behaviour;

/// The legal header list.
pub(crate) const HEADERS: &Legal = &[(":status", "200"), ("content-type", "application/grpc")];

/// The legal trailers.
pub(crate) const TRAILERS: &Legal = &[("grpc-status", "0")];

/// The message that answers 16: its value is 4.
pub(crate) const ROOT_OF_16: &[u8] = &[0x0d, 0x00, 0x00, 0x80, 0x40];

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// With the trailers, if there is only one block.
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Field>,
}

impl Response {
    pub(crate) fn of(behaviour: &Behaviour) -> Self {
        let mut headers = changed(HEADERS, &behaviour.headers);
        let trailers = changed(TRAILERS, &behaviour.trailers);
        if behaviour.trailers_only {
            headers.extend(trailers.clone());
        }
        Self { headers, body: body::bytes(&behaviour.body), trailers }
    }
}

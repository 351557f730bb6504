//! Tests of the codecs for the messages of Google's protobuf crate, with a server and a client on a socket.
//!
//! They have a package of their own because `calculator` forbids `unsafe`, which generated messages contain. The
//! messages are in the repository because only protoc 36.2 generates them. To generate them again, run in this folder:
//!
//! ```sh
//! protoc -Iproto --rust_out=src/messages --rust_opt=experimental-codegen=enabled,kernel=upb sample.proto required.proto
//! ```

#![cfg(test)]

mod calls;
mod server;
mod tests;

/// What protoc generates from `proto/`.
mod messages {
    #![allow(clippy::all, clippy::pedantic, unreachable_pub, unused, reason = "generated code")]
    include!("messages/generated.rs");
}

/// What tonic generates from `proto/`, with the codecs of proto3 and of services with required fields.
mod services {
    #![allow(clippy::all, clippy::pedantic, unreachable_pub, unused, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/server/sample.rs"));
    include!(concat!(env!("OUT_DIR"), "/client/sample.rs"));

    pub(crate) mod checked {
        include!(concat!(env!("OUT_DIR"), "/checked_server/sample.rs"));
        include!(concat!(env!("OUT_DIR"), "/checked_client/sample.rs"));
    }

    pub(crate) const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

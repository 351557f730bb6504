//! What goes over the wire between a client and a server: the tap that forwards it, and the recorder that
//! keeps it.
//!
//! Every trial is recorded, because only its end shows whether it fails; the bytes are decoded only when
//! the trace is kept.

pub mod tap;
pub mod trace;

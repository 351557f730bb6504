//! What the Python calculator computes, reads and prints, without any gRPC.
//!
//! Python fixes every bit of a result and every character of its output, so each module states
//! which Python behaviour it reproduces. Nothing here imports another module of the crate.
//!
//! - [`arithmetic`]: square roots and root mean squares as `CPython` computes them
//! - [`Number`]: the message, encoded and decoded as Python's protobuf does
//! - [`python_float`]: `float(text)` and `repr(value)`

pub mod arithmetic;
mod number;
pub mod python_float;

pub use number::Number;

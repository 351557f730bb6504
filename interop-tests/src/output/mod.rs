//! What the tool prints, and how it replaces files.
//!
//! Nothing else prints: `println!` panics if the reader has closed the pipe, and a run would end without its reports.
//!
//! - [`print`](mod@print): stdout and stderr
//! - [`mod@file`]: files that are written completely or not at all

pub mod file;
pub mod print;

pub use print::{err, out};

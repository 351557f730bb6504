//! What the programs' command lines have in common.
//!
//! clap leaves the usage line out when an option's value cannot be read, and takes `-inf` for an
//! option; a calculator's user wants neither.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, Error};

use crate::python_float::{self, ParseFloatError};

/// Stands for the `-` of a negative number while clap looks for options.
const MINUS_SIGN: char = '\u{2212}';

/// Reads the process's arguments; what cannot be read ends the process with status 2, after a
/// message and a usage line on stderr.
///
/// Wherever an argument is a negative number, [`number`] reads it as a value and never as an option.
#[must_use]
pub fn parse<Options: Parser>() -> Options {
    let arguments = std::env::args_os().map(protect_negative_number);
    Options::try_parse_from(arguments).unwrap_or_else(|error| exit::<Options>(error))
}

fn exit<Options: Parser>(mut error: Error) -> ! {
    if error.use_stderr() {
        let usage = Options::command().render_usage();
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error.exit()
}

/// The value parser for a number, see [`python_float::parse`].
pub fn number(text: &str) -> Result<f64, ParseFloatError> {
    python_float::parse(&text.replacen(MINUS_SIGN, "-", 1))
}

fn protect_negative_number(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if text.starts_with('-') && python_float::parse(text).is_ok() => {
            text.replacen('-', MINUS_SIGN.encode_utf8(&mut [0; 3]), 1).into()
        }
        _ => argument,
    }
}

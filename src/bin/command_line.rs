//! Command line parsing shared by the programs.
//!
//! clap omits the usage line if the value of an option is invalid, and parses `-inf` as an option.
//! Users of a calculator need the opposite.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, Error};

use calculator::python_float::{self, ParseFloatError};

/// Replaces the `-` of a negative number while clap parses the options.
///
/// This code point is not a character in Unicode, so it does not occur in input.
const MINUS_SIGN: char = '\u{fdd0}';

/// Parses the arguments of the process. Invalid arguments end it with status 2, after a message and
/// a usage line on stderr.
///
/// An argument that is a negative number is never an option; [`number`] parses it as a value.
#[must_use]
pub(crate) fn parse<Options: Parser>() -> Options {
    let arguments = std::env::args_os().map(protect_negative_number);
    Options::try_parse_from(arguments).unwrap_or_else(|error| exit::<Options>(error))
}

fn exit<Options: Parser>(mut error: Error) -> ! {
    if error.use_stderr() {
        let usage = Options::command().render_usage();
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    let text = error.render().to_string().replace(MINUS_SIGN, "-");
    // Fails only if the stream is closed, so the text is not needed.
    let _ = if error.use_stderr() {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    process::exit(error.exit_code())
}

/// The value parser for a number; see [`python_float::parse`].
pub(crate) fn number(text: &str) -> Result<f64, ParseFloatError> {
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

#[cfg(test)]
mod tests {
    use super::{number, protect_negative_number};

    #[test]
    fn a_negative_number_is_not_an_option() {
        for text in ["-4", "-inf", "-nan", "-1e-3", "-.5"] {
            let protected = protect_negative_number(text.into()).into_string().expect("text");
            assert!(!protected.starts_with('-'));
            let value = number(&protected).expect(text);
            assert!(value.is_sign_negative());
        }
        for text in ["-h", "--", "-", "-x4", "4", "4-", "--timeout=-1"] {
            assert_eq!(protect_negative_number(text.into()), text);
        }
    }

    #[test]
    fn only_a_hyphen_is_a_minus_sign() {
        let error = number("\u{2212}4").expect_err("Python rejects it");
        assert_eq!(error.to_string(), "could not convert string to float: '\u{2212}4'");
    }
}

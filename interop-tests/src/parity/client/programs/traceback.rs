//! What a program that has failed says of its call on stderr.
//!
//! A person reads it and scripts search it, so it has a form: that of the end of grpcio's traceback.

/// The status and the details of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure<'a> {
    pub(crate) status: &'a str,
    pub(crate) details: &'a str,
}

const STATUS: &str = "RPC that terminated with:\n\tstatus = StatusCode.";
const DETAILS: &str = "\n\tdetails = \"";

/// What stands behind the details: what grpcio says to its own developers, or the end.
const DEBUG: &str = "\"\n\tdebug_error_string = \"";
const END: &str = "\"\n>";

impl<'a> Failure<'a> {
    /// What is told in `stderr`, among other things. The details may have quotes and lines in them.
    pub(crate) fn in_text(stderr: &'a str) -> Option<Self> {
        let (_, rest) = stderr.split_once(STATUS)?;
        let (status, rest) = rest.split_once(DETAILS)?;
        let (details, _) = rest.split_once(DEBUG).or_else(|| rest.rsplit_once(END))?;
        Some(Self { status, details })
    }
}

//! Prints on stdout and stderr.
//!
//! A closed pipe is not an error: its reader, such as `head`, has what it needs. Other errors, such as a full disk, are
//! kept until [`stdout_error`] asks for them, because the reports of the run must be written first.

use std::fmt;
use std::io::{self, Write};

use parking_lot::Mutex;

/// The first error of stdout that is not a closed pipe.
static STDOUT_ERROR: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line on stdout, with the arguments of [`format!`]. Colors are removed if it is not a terminal.
#[macro_export]
macro_rules! out {
    ($($argument:tt)*) => { $crate::output::print::stdout(format_args!($($argument)*)) };
}

/// Prints a line on stderr, with the arguments of [`format!`].
#[macro_export]
macro_rules! err {
    ($($argument:tt)*) => { $crate::output::print::stderr(format_args!($($argument)*)) };
}

pub use {err, out};

/// Prints `text` and the end of a line on stdout.
pub fn stdout(text: fmt::Arguments<'_>) {
    keep(anstream::stdout().write_all(format!("{text}\n").as_bytes()));
}

/// Prints `text` and the end of a line on stderr. If that fails, there is nothing left to report it on.
pub fn stderr(text: fmt::Arguments<'_>) {
    let _ = anstream::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Writes `bytes` to stdout as they are.
pub fn raw(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    keep(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

/// The first error of stdout, if it could not be written. A closed pipe is none.
pub fn stdout_error() -> Option<io::Error> {
    keep(io::stdout().flush());
    STDOUT_ERROR.lock().take()
}

fn keep(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        STDOUT_ERROR.lock().get_or_insert(error);
    }
}

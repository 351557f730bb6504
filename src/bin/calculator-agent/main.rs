//! `calculator-agent`: the Rust client, driven by the interop tool.
//!
//! Reads requests on stdin and writes an outcome for each on stdout, so that one process makes the calls
//! of many cases. It ends at the end of stdin, also when the tool dies. With
//! `--versions` it prints the versions of the compiler and of the libraries instead.

mod call;
mod channels;
mod details;
mod metadata;
mod open_call;
mod raw;
mod recorder;
mod script;
mod stub;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::call::Prepared;
use crate::channels::{Channels, Key};
use grpc_interop_protocol::{Outcome, ReadError, Request};

/// The versions of the compiler and of the libraries, one a line.
const VERSIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/versions.txt"));

fn main() -> ExitCode {
    if let Some(argument) = std::env::args().nth(1) {
        return match &argument[..] {
            "--versions" if write!(io::stdout(), "{VERSIONS}").is_ok() => ExitCode::SUCCESS,
            _ => fail("the only argument is --versions"),
        };
    }
    // A worker thread serves the connections between two lines as well.
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(&format!("cannot start: {error}")),
        };
    let mut channels = Channels::default();
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout());
    loop {
        let outcome = match Request::read(&mut stdin) {
            Ok(Some(request)) => runtime.block_on(perform(request, &mut channels)),
            Ok(None) => return ExitCode::SUCCESS,
            Err(ReadError::Invalid(error)) => Err(error.to_string()),
            Err(ReadError::NotJson(error)) => {
                return fail(&format!("a line on stdin is not JSON: {error}"));
            }
            Err(error) => return fail(&format!("cannot read stdin: {error}")),
        };
        let Ok(written) = outcome.unwrap_or_else(Outcome::not_supported).write() else {
            return fail("an outcome cannot be written as JSON");
        };
        if stdout.write_all(&written).and_then(|()| stdout.flush()).is_err() {
            return fail("stdout is closed");
        }
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("calculator-agent: {message}");
    ExitCode::from(2)
}

/// Makes all calls of a request at once; the error is what the agent cannot do.
async fn perform(request: Request, channels: &mut Channels) -> Result<Outcome, String> {
    let key = Key::of(&request)?;
    let calls = request.calls.into_iter().enumerate().map(|(index, call)| {
        Prepared::new(call).map_err(|reason| format!("calls[{index}]: {reason}"))
    });
    let calls = calls.collect::<Result<Vec<_>, String>>()?;
    let open = channels.take(&key)?;
    let running: Vec<_> = calls
        .into_iter()
        .zip(open.iter().cycle())
        .map(|(call, channel)| tokio::spawn(call.run(channel.clone())))
        .collect();
    let mut outcomes = Vec::with_capacity(running.len());
    for call in running {
        outcomes.push(call.await.map_err(|error| format!("a call panicked: {error}"))?);
    }
    if request.keep_channels {
        channels.keep(key, open);
    }
    Ok(Outcome { calls: outcomes, ..Outcome::default() })
}

//! How a client program ended, as the lines of an observation.
//!
//! The lines are what a user sees, and what a script that calls the program depends on: the exit status,
//! stdout, and the two lines of stderr that name the error, which have the form of grpcio's traceback.

use crate::outcome::finding::Observation;
use crate::parity::client::requests;
use crate::parity::client::requests::RequestsOfConnection;
use crate::parity::client::table::Behaviour;
use crate::process::child::Exit;

/// How a client program ended, and what it printed.
#[derive(Clone, Debug)]
pub(crate) struct ProgramExit {
    /// `None` if it still waited although the server would send nothing more.
    pub(crate) exit: Option<Exit>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl ProgramExit {
    /// The observation of a program that has `sent` this to `behaviour`; `message` is how the details are
    /// written: [`full`](crate::parity::client::status_message::full) or
    /// [`masked`](crate::parity::client::status_message::masked).
    pub(crate) fn observation(
        &self,
        behaviour: &Behaviour,
        sent: &[RequestsOfConnection],
        message: fn(&str) -> String,
    ) -> Observation {
        let mut observation = Observation::default();
        observation.add("end", self.exit.map_or("waits".to_owned(), |exit| exit.to_string()));
        observation.add("stdout", format!("{:?}", self.stdout));
        if let Some((status, details)) = failure_in(&self.stderr) {
            observation.add("status", status);
            observation.add("details", message(details));
        }
        if behaviour.waits_for_request() {
            // A program sets no deadline.
            requests::observe(sent, behaviour, None, &mut observation);
        }
        observation
    }
}

const STATUS: &str = "RPC that terminated with:\n\tstatus = StatusCode.";
const DETAILS: &str = "\n\tdetails = \"";

/// What follows the details: grpcio's debug text, or the end.
const DEBUG: &str = "\"\n\tdebug_error_string = \"";
const END: &str = "\"\n>";

/// The status and the details of the call that failed. The details may contain quotes and line breaks.
fn failure_in(stderr: &str) -> Option<(&str, &str)> {
    let (_, rest) = stderr.split_once(STATUS)?;
    let (status, rest) = rest.split_once(DETAILS)?;
    let (details, _) = rest.split_once(DEBUG).or_else(|| rest.rsplit_once(END))?;
    Some((status, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_details_are_those_of_the_traceback() {
        let begin = "Traceback (most recent call last):\n  ...\ngrpc._channel._InactiveRpcError: \
                     <_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.";
        let grpcio = format!(
            "{begin}INTERNAL\n\tdetails = \"a \"b\"\n\"c\"\n\tdebug_error_string = \"x\"\n>\n"
        );
        assert_eq!(failure_in(&grpcio), Some(("INTERNAL", "a \"b\"\n\"c")));
        let short = format!("{begin}CANCELLED\n\tdetails = \"\"\n>\n");
        assert_eq!(failure_in(&short), Some(("CANCELLED", "")));
    }

    #[test]
    fn other_texts_have_no_failure() {
        for text in
            ["", "status = StatusCode.OK", "RPC that terminated with:\n\tstatus = StatusCode.OK\n"]
        {
            assert_eq!(failure_in(text), None, "{text}");
        }
    }
}

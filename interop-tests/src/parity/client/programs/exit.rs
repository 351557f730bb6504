//! How a client program ended, as the lines of an observation.
//!
//! These are what a person sees, and what a script that calls the program depends on: the exit status,
//! stdout, and the two lines of stderr that say what failed, which have the form of grpcio's traceback.

use crate::outcome::observation::Observation;
use crate::parity::client::outcome::Side;
use crate::parity::client::requests::Requests;
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;
use crate::process::child::Exit;

/// How a client program ended, and what it printed.
#[derive(Clone, Debug)]
pub(crate) struct ProgramExit {
    /// `None` if it still waited when nothing more was to come.
    pub(crate) exit: Option<Exit>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl ProgramExit {
    /// The observation of a program that has sent these `requests` to `behaviour`.
    pub(crate) fn observation(
        &self,
        behaviour: &Behaviour,
        requests: &Requests,
        side: Side,
    ) -> Observation {
        let mut observation = Observation::default();
        observation.add("end", self.exit.map_or("waits".to_owned(), |exit| exit.to_string()));
        observation.add("stdout", format!("{:?}", self.stdout));
        if let Some((status, details)) = failure_in(&self.stderr) {
            observation.add("status", status);
            observation.add(
                "details",
                match side {
                    Side::Expected => status_message::masked(details),
                    Side::Observed => status_message::full(details),
                },
            );
        }
        if behaviour.waits_for_request() {
            // A program sets no deadline.
            requests.observe(behaviour, None, &mut observation);
        }
        observation
    }
}

const STATUS: &str = "RPC that terminated with:\n\tstatus = StatusCode.";
const DETAILS: &str = "\n\tdetails = \"";

/// What follows the details: what grpcio says to its own developers, or the end.
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

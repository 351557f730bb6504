//! How a client program ended, as the lines of an observation.
//!
//! What a person sees, and a script that calls the program: the exit status, stdout, and the two lines
//! of stderr that say what failed.

use crate::outcome::observation::Observation;
use crate::parity::client::outcome::Side;
use crate::parity::client::programs::traceback::Failure;
use crate::parity::client::requests::Requests;
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;
use crate::process::child::Exit;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct ProgramExit {
    /// None of a program that still waited when nothing more was to come.
    pub(crate) exit: Option<Exit>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl ProgramExit {
    /// The observation of a program that has `sent` this when `behaviour` was played to it.
    pub(crate) fn observation(
        &self,
        behaviour: &Behaviour,
        sent: &Requests,
        side: Side,
    ) -> Observation {
        let mut observation = Observation::default();
        observation.add(
            "end",
            match self.exit {
                Some(exit) => exit.to_string(),
                None => "waits".to_owned(),
            },
        );
        observation.add("stdout", format!("{:?}", self.stdout));
        if let Some(Failure { status, details }) = Failure::in_text(&self.stderr) {
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
            // A program has no deadline.
            sent.observe(behaviour, None, &mut observation);
        }
        observation
    }
}

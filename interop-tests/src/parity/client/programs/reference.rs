//! The reference program: the client program of the reference peer.
//!
//! It is run once with each behaviour, however many programs are compared with it: to start it takes
//! longer than all else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::outcome::trial::PortUser;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::reference_cache::Memory;
use crate::parity::baseline::versions::Versions;
use crate::parity::client::programs::case::ProgramCase;
use crate::parity::client::programs::run;
use crate::process::child::Logs;
use crate::process::context::RunContext;

/// See the module.
#[derive(Debug)]
pub(crate) struct ReferenceProgram {
    name: String,
    program: Program,
    folder: PathBuf,
    versions: Versions,
    memory: Memory,
}

impl ReferenceProgram {
    /// The reference that `peer` is, with its logs in `folder`; none without a client program.
    pub(crate) fn new(peer: &Peer, folder: &Path) -> Option<Self> {
        Some(Self {
            name: peer.name().to_owned(),
            program: peer.client_program.clone()?,
            folder: folder.join("reference"),
            versions: Versions::of(peer, &folder.join("reference")),
            memory: Memory::default(),
        })
    }

    /// Where what it prints with `case` is kept.
    pub(crate) fn logs(&self, case: &ProgramCase) -> Logs {
        Logs::at(&self.folder.join(case.name()))
    }
}

impl Reference for ReferenceProgram {
    type Case = ProgramCase;

    const PORT_USER: Option<PortUser> = Some(PortUser::ClientPrograms);

    fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.command_line(&context.places, "").ok().map(|line| line.to_string())
    }

    fn observation(
        &self,
        case: &Arc<ProgramCase>,
        context: &RunContext,
    ) -> Result<Observation, Finding> {
        self.memory.recall(case.name(), || self.observe(case, context))
    }

    fn observe(
        &self,
        case: &Arc<ProgramCase>,
        context: &RunContext,
    ) -> Result<Observation, Finding> {
        let why = |finding| match finding {
            Finding::Broken(why) => Finding::SetUpError(format!("the reference: {why}")),
            other => other,
        };
        let tape = Recorder::default();
        run::run(case, &self.program, &self.logs(case), context, &tape)
            .map(|ran| ran.right)
            .map_err(why)
    }

    fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.lines(context)
    }
}

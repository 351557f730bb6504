//! The part of the suite `client-parity` that is about client programs, as a person runs them.
//!
//! To start the reference takes longer than all else. So it is not compared with itself as other peers
//! are: that it does the same again is what recording the goldens makes sure of. And mostly the goldens
//! stand in for it.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::outcome::finding::{Evidence, Finding, Report};
use crate::outcome::trial::{BaselineKind, Trial, TrialName};
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::expected::Oracle;
use crate::parity::baseline::suite::Baseline;
use crate::parity::client::programs::case::ProgramCase;
use crate::parity::client::programs::reference::ReferenceProgram;
use crate::parity::client::programs::run;
use crate::parity::client::programs::run::Ran;
use crate::parity::client::suite;
use crate::parity::client::table::{Behaviour, PROGRAM_PREFIX};
use crate::process::child::Logs;
use crate::process::context::RunContext;

/// The name of the goldens.
const GOLDENS: &str = "client-programs";

/// How many programs are recorded at once; the gate lets in those that do not wait.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// The first lines of the goldens.
pub(crate) const HEADING: &str = "\
How the reference's client program ended with each behaviour of client-parity: the lines that are
compared. `waits` is one that neither ended nor had anything more to expect. Written by `make golden`,
never by hand; a change of it is a change of what every client program has to be like. `(any)` is a
text that is not compared, see harness/behaviour/details.rs. Between `or` stand endings of a reference
that is not stable.
";

/// What client programs are compared by.
pub(crate) fn standard(
    peers: &[Peer],
    behaviours: &[Arc<Behaviour>],
    context: &RunContext,
) -> Baseline<ReferenceProgram> {
    let peer = peers.iter().find(|peer| peer.reference);
    let logs = context.logs.join(suite::SUITE);
    let reference = peer.and_then(|peer| ReferenceProgram::new(peer, &logs));
    Baseline::new(GOLDENS, ProgramCase::all(behaviours), reference)
}

/// All trials, program by program: compared with the live reference and the reference with the
/// goldens, or all compared with the goldens when only those are asked for or stand in.
pub(crate) fn trials(
    peers: &[Peer],
    standard: &Baseline<ReferenceProgram>,
    only_goldens: bool,
    context: &Arc<RunContext>,
) -> Vec<Trial> {
    let is_live = standard.oracle(only_goldens).is_some_and(|oracle| oracle.live().is_some());
    let reference = peers.iter().find(|peer| peer.reference).map(|peer| peer.name().to_owned());
    let name = |client: &str, baseline: BaselineKind, case: &ProgramCase| TrialName {
        suite: suite::SUITE,
        server: None,
        client: Some(client.to_owned()),
        baseline,
        reference: reference.clone(),
        case: case.name().to_owned(),
    };
    let mut trials = Vec::new();
    for peer in peers.iter().filter(|peer| peer.parity) {
        let Some(program) = &peer.client_program else { continue };
        if peer.reference && is_live {
            continue;
        }
        let folder = context.logs.join(suite::SUITE).join(peer.name());
        let is_kin = peer.is_kin_of_reference(peers);
        trials.extend(standard.cases.iter().filter_map(|case| {
            let oracle = standard.oracle_for(case, only_goldens)?;
            let name = name(peer.name(), oracle.kind(), case);
            let comparison = Comparison {
                case: Arc::clone(case),
                program: program.clone(),
                logs: Logs::at(&folder.join(case.name())),
                oracle,
                is_kin,
                context: Arc::clone(context),
            };
            let port_user = ReferenceProgram::PORT_USER;
            Some(Trial { port_user, ..Trial::new(name, move || comparison.run()) })
        }));
    }
    if !only_goldens {
        trials.extend(standard.moved(context, name));
    }
    trials
}

/// Whether a trial is about a client program.
pub(crate) fn is_of(trial: &TrialName) -> bool {
    trial.suite == suite::SUITE && trial.case.starts_with(PROGRAM_PREFIX)
}

/// One behaviour and one program.
struct Comparison {
    case: Arc<ProgramCase>,
    program: Program,
    logs: Logs,
    oracle: Oracle<ReferenceProgram>,
    /// Whether it is made of what the reference is made of.
    is_kin: bool,
    context: Arc<RunContext>,
}

impl Comparison {
    fn run(&self) -> Report {
        let mut evidence = self.evidence();
        let finding = self.compare(&mut evidence).unwrap_or_else(|finding| finding);
        Report { finding, evidence }
    }

    fn compare(&self, evidence: &mut Evidence) -> Result<Finding, Finding> {
        let right_now = self.oracle.right(&self.case, self.is_kin, &self.context)?;
        right_now.announce(&*self.case, evidence);
        let tape = evidence.tape.insert(Recorder::default());
        let Ran { observed, right, told, began } =
            run::run(&self.case, &self.program, &self.logs, &self.context, tape)?;
        evidence.sent = told;
        evidence.began = Some(began);
        evidence.answer = Some(right.to_string());
        Ok(right_now.judge(&*self.case, "client", observed, evidence))
    }

    fn evidence(&self) -> Evidence {
        let reference = self.oracle.live();
        let logs = reference.map(|reference| reference.logs(&self.case));
        let logs = std::iter::once(self.logs.clone()).chain(logs);
        Evidence {
            about: Some(self.case.description()),
            grade: Some(self.case.grade()),
            client_command: self
                .program
                .command_line(&self.context.places, "")
                .ok()
                .map(|line| line.to_string()),
            reference_command: reference.and_then(|reference| reference.command(&self.context)),
            logs: logs.flat_map(|logs| [logs.stdout, logs.stderr]).collect(),
            ..Evidence::default()
        }
    }
}

//! The suite `server-parity`: the same raw bytes to the reference server and to every other.
//!
//! The reference is the oracle, so that no probe has to state what is right; a server is compared
//! with what the reference answers now, in this run, on this machine.

use std::sync::Arc;

use crate::harness::finding::{Evidence, Finding, Report};
use crate::harness::parity::crowd::Crowd;
use crate::harness::parity::observation::Observation;
use crate::harness::parity::play::Played;
use crate::harness::parity::probe::Probe;
use crate::harness::parity::reference::Reference;
use crate::harness::peer::Peer;
use crate::harness::process::Logs;
use crate::harness::program::Program;
use crate::harness::setting::Setting;
use crate::harness::slot::{FREE_PORT, ServerSlot};
use crate::harness::trial::{Trial, TrialName};

pub(crate) const SUITE: &str = "server-parity";

/// How many trials of the suite run at once.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// All trials of the suite, server by server; none without a reference.
pub(crate) fn trials(peers: &[Peer], probes: &[Probe], setting: &Arc<Setting>) -> Vec<Trial> {
    let mut found = peers.iter().filter(|peer| peer.reference);
    let Some((peer, program)) = found.find_map(|p| Some((p, p.server_program.clone()?))) else {
        return Vec::new();
    };
    let logs = setting.logs.join(SUITE);
    let reference = Arc::new(Reference::new(program.clone(), Logs::at(&logs.join("reference"))));
    let probes: Vec<_> = probes.iter().cloned().map(Arc::new).collect();
    let mut trials = Vec::new();
    for server in peers {
        let Some(server_program) = &server.server else { continue };
        let log = logs.join(server.name()).join("server");
        let slot = Arc::new(ServerSlot::new(server_program.clone(), log));
        let crowd = Arc::new(Crowd::default());
        for probe in &probes {
            let name = TrialName {
                suite: SUITE,
                server: server.name().to_owned(),
                client: peer.name().to_owned(),
                case: probe.name().to_owned(),
            };
            let comparison = Comparison {
                probe: Arc::clone(probe),
                slot: Arc::clone(&slot),
                crowd: Arc::clone(&crowd),
                reference: Arc::clone(&reference),
                reference_program: program.clone(),
                setting: Arc::clone(setting),
            };
            trials.push(Trial { name, run: Box::new(move || comparison.run()) });
        }
    }
    trials
}

/// One probe at one server and at the reference.
struct Comparison {
    probe: Arc<Probe>,
    slot: Arc<ServerSlot>,
    crowd: Arc<Crowd>,
    reference: Arc<Reference>,
    reference_program: Program,
    setting: Arc<Setting>,
}

impl Comparison {
    fn run(&self) -> Report {
        let mut evidence = self.evidence();
        let finding = self.compare(&mut evidence).unwrap_or_else(|finding| finding);
        Report { finding, evidence }
    }

    fn compare(&self, evidence: &mut Evidence) -> Result<Finding, Finding> {
        let address = self.slot.address(&self.setting).map_err(Finding::SetUpError)?;
        let played = self.crowd.play(&self.probe, &address);
        if let Some(exit) = self.slot.has_exited() {
            let why = format!("the server ended during this probe, with {exit}");
            return Err(Finding::Broken(why));
        }
        let Played { observation, sent } =
            played.map_err(|error| Finding::Broken(error.to_string()))?;
        evidence.sent = sent;
        let reference = self.reference.observation(&self.probe, &self.setting)?;
        evidence.observations.push(("reference".to_owned(), reference.to_string()));
        evidence.observations.push(("server".to_owned(), observation.to_string()));
        let answers = std::iter::once(&reference).chain(self.probe.also());
        Ok(nearest(answers, &observation))
    }

    fn evidence(&self) -> Evidence {
        let command = |program: &Program| {
            program.command_line(&self.setting.places, FREE_PORT).map(|line| line.to_string())
        };
        let logs = [self.slot.logs(), self.reference.logs()];
        Evidence {
            about: Some(self.probe.description()),
            server_command: command(self.slot.program()),
            reference_command: command(&self.reference_program),
            logs: logs.into_iter().flat_map(|l| [l.stdout.clone(), l.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

/// How `observed` differs from that of `answers` that it is most like.
fn nearest<'a>(answers: impl Iterator<Item = &'a Observation>, observed: &Observation) -> Finding {
    let mismatches = answers.map(|answer| answer.mismatches(observed));
    mismatches.min_by_key(Vec::len).unwrap_or_default().into()
}

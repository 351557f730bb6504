//! The suite `server-parity`: the same raw bytes to the reference server and to every other.
//!
//! The reference is the oracle, so that no probe has to state what is right; a server is compared
//! with what the reference answers now, in this run, on this machine.

use std::sync::Arc;

use crate::harness::finding::{Evidence, Finding, Report};
use crate::harness::parity::crowd::Crowd;
use crate::harness::parity::golden::Goldens;
use crate::harness::parity::observation::Observation;
use crate::harness::parity::oracle::{GOLDEN, Oracle, nearest};
use crate::harness::parity::play::Played;
use crate::harness::parity::probe::Probe;
use crate::harness::parity::reference::Reference;
use crate::harness::peer::Peer;
use crate::harness::program::Program;
use crate::harness::setting::Setting;
use crate::harness::slot::{FREE_PORT, ServerSlot};
use crate::harness::trial::{Trial, TrialName};

pub(crate) const SUITE: &str = "server-parity";

/// How many trials of the suite run at once.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// The server that others are compared with, if a peer is one.
pub(crate) fn reference(peers: &[Peer], setting: &Setting) -> Option<Arc<Reference>> {
    let peer = peers.iter().find(|peer| peer.reference)?;
    Reference::new(peer, &setting.logs.join(SUITE).join("reference")).map(Arc::new)
}

/// All trials of the suite, server by server: compared with the live `reference` and the reference
/// with the goldens, or all compared with the goldens when there is no `reference`.
pub(crate) fn trials(
    peers: &[Peer],
    probes: &[Probe],
    reference: Option<&Arc<Reference>>,
    goldens: Option<&Arc<Goldens>>,
    setting: &Arc<Setting>,
) -> Vec<Trial> {
    let (oracle, right) = match (reference, goldens) {
        (Some(reference), _) => (Oracle::Live(Arc::clone(reference)), reference.name()),
        (None, Some(goldens)) => (Oracle::Golden(Arc::clone(goldens)), GOLDEN),
        (None, None) => return Vec::new(),
    };
    let probes: Vec<_> = probes.iter().cloned().map(Arc::new).collect();
    let name = |server: &str, right: &str, probe: &Probe| TrialName {
        suite: SUITE,
        server: server.to_owned(),
        client: right.to_owned(),
        case: probe.name().to_owned(),
    };
    let mut trials = Vec::new();
    for peer in peers {
        let Some(program) = &peer.server else { continue };
        let log = setting.logs.join(SUITE).join(peer.name()).join("server");
        let slot = Arc::new(ServerSlot::new(program.clone(), &log));
        let crowd = Arc::new(Crowd::default());
        trials.extend(probes.iter().map(|probe| {
            let comparison = Comparison {
                probe: Arc::clone(probe),
                slot: Arc::clone(&slot),
                crowd: Arc::clone(&crowd),
                oracle: oracle.clone(),
                setting: Arc::clone(setting),
            };
            let name = name(peer.name(), right, probe);
            Trial { name, run: Box::new(move || comparison.run()) }
        }));
    }
    if let (Some(reference), Some(goldens)) = (reference, goldens) {
        trials.extend(probes.iter().map(|probe| {
            let (reference, goldens) = (Arc::clone(reference), Arc::clone(goldens));
            let setting = Arc::clone(setting);
            let name = name(reference.name(), GOLDEN, probe);
            let probe = Arc::clone(probe);
            Trial { name, run: Box::new(move || moved(&probe, &reference, &goldens, &setting)) }
        }));
    }
    trials
}

/// One probe at one server.
struct Comparison {
    probe: Arc<Probe>,
    slot: Arc<ServerSlot>,
    crowd: Arc<Crowd>,
    oracle: Oracle,
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
        let answers = self.oracle.answers(&self.probe, &self.setting)?;
        evidence.observations = shown(&answers, "server", &observation);
        evidence.answer = Some(observation.to_string());
        Ok(nearest(&answers, &observation))
    }

    fn evidence(&self) -> Evidence {
        let command = |program: &Program| {
            program.command_line(&self.setting.places, FREE_PORT).map(|line| line.to_string())
        };
        let reference = match &self.oracle {
            Oracle::Live(reference) => Some(reference),
            Oracle::Golden(_) => None,
        };
        let logs = std::iter::once(self.slot.logs()).chain(reference.map(|r| r.logs()));
        Evidence {
            about: Some(self.probe.description()),
            server_command: command(self.slot.program()),
            reference_command: reference.and_then(|reference| command(reference.program())),
            logs: logs.flat_map(|logs| [logs.stdout.clone(), logs.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

/// Whether the live reference still answers as the goldens say.
///
/// Another version of it may do otherwise: that is worth a look, and no failure, since servers are
/// compared with the live one.
fn moved(probe: &Probe, reference: &Reference, goldens: &Goldens, setting: &Setting) -> Report {
    let mut evidence = Evidence {
        about: Some(format!(
            "{}\nif the reference is right, `make golden` records what it answers now",
            probe.description()
        )),
        reference_command: reference
            .program()
            .command_line(&setting.places, FREE_PORT)
            .map(|line| line.to_string()),
        ..Evidence::default()
    };
    let mut compare = || {
        let Some(answers) = goldens.of(probe.name()) else {
            let why = "there is no golden of this probe: `make golden`";
            return Err(Finding::SetUpError(why.to_owned()));
        };
        let observation = reference.observation(probe, setting)?;
        evidence.observations = shown(answers, "reference now", &observation);
        match nearest(answers, &observation) {
            Finding::Mismatches(mismatches) => {
                let versions = reference.versions(setting).map_err(Finding::SetUpError)?;
                if versions == goldens.versions {
                    return Ok(Finding::Mismatches(mismatches));
                }
                let whats: Vec<_> = mismatches.into_iter().map(|m| m.what).collect();
                Ok(Finding::NotSupported(format!(
                    "the goldens are of {}, this is {}, which answers otherwise: {}; `make golden`",
                    goldens.versions.join(", "),
                    versions.join(", "),
                    whats.join(", ")
                )))
            }
            finding => Ok(finding),
        }
    };
    let finding = compare().unwrap_or_else(|finding| finding);
    Report { finding, evidence }
}

/// What is right and what was seen, for a failure.
fn shown(answers: &[Observation], who: &str, observed: &Observation) -> Vec<(String, String)> {
    let right = answers.iter().map(|answer| ("right".to_owned(), answer.to_string()));
    right.chain([(who.to_owned(), observed.to_string())]).collect()
}

//! The suite `server-parity`: the same raw bytes to the reference server and to every other.
//!
//! The reference is the oracle, so that no probe has to state what is right; a server is compared
//! with what the reference answers now, in this run, on this machine.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::finding::{Evidence, Finding, Report};
use crate::outcome::trial::{BaselineKind, Trial, TrialName};
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::expected::Oracle;
use crate::parity::baseline::suite::Baseline;
use crate::parity::server::case_run::{BurstLock, CaseRun};
use crate::parity::server::probe::Probe;
use crate::parity::server::reference::ReferenceServer;
use crate::process::context::RunContext;
use crate::process::server_slot::ServerSlot;

pub(crate) const SUITE: &str = "server-parity";

/// How many trials of the suite run at once.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// The first lines of the goldens.
pub(crate) const HEADING: &str = "\
What the reference answered to each probe of server-parity: the lines that are compared, after what
harness/parity/mask.rs drops. Written by `make golden`, never by hand; a change of it is a change of
what every server has to be like. Between `or` stand answers of a reference that is not stable.
";

/// What servers are compared by.
pub(crate) fn standard(
    peers: &[Peer],
    probes: Vec<Probe>,
    context: &RunContext,
) -> Baseline<ReferenceServer> {
    let peer = peers.iter().find(|peer| peer.reference);
    let reference = peer.and_then(|peer| ReferenceServer::new(peer, &context.logs.join(SUITE)));
    Baseline::new(SUITE, probes, reference)
}

/// All trials of the suite, server by server: compared with the live reference and the reference
/// with the goldens, or all compared with the goldens when only those are asked for.
pub(crate) fn trials(
    peers: &[Peer],
    standard: &Baseline<ReferenceServer>,
    only_goldens: bool,
    context: &Arc<RunContext>,
) -> Vec<Trial> {
    let Some(oracle) = standard.oracle(only_goldens) else { return Vec::new() };
    let reference = peers.iter().find(|peer| peer.reference).map(|peer| peer.name().to_owned());
    let name = |server: &str, baseline: BaselineKind, probe: &Probe| TrialName {
        suite: SUITE,
        server: Some(server.to_owned()),
        client: None,
        baseline,
        reference: reference.clone(),
        case: probe.name().to_owned(),
    };
    let port_user = oracle.live().and(ReferenceServer::PORT_USER);
    let mut trials = Vec::new();
    for peer in peers.iter().filter(|peer| peer.parity) {
        let Some(program) = &peer.server else { continue };
        let is_attached = program.attach.is_some();
        let log = context.logs.join(SUITE).join(peer.name()).join("server");
        let slot = Arc::new(ServerSlot::new(program.clone(), &log));
        let crowd = Arc::new(BurstLock::default());
        let is_kin = peer.is_kin_of_reference(peers);
        trials.extend(standard.cases.iter().map(|probe| {
            let comparison = Comparison {
                probe: Arc::clone(probe),
                slot: Arc::clone(&slot),
                crowd: Arc::clone(&crowd),
                oracle: oracle.clone(),
                is_kin,
                context: Arc::clone(context),
            };
            let name = name(peer.name(), oracle.kind(), probe);
            Trial { is_attached, port_user, ..Trial::new(name, move || comparison.run()) }
        }));
    }
    if !only_goldens {
        trials.extend(standard.moved(context, name));
    }
    trials
}

/// One probe at one server.
struct Comparison {
    probe: Arc<Probe>,
    slot: Arc<ServerSlot>,
    crowd: Arc<BurstLock>,
    oracle: Oracle<ReferenceServer>,
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
        let address = self.slot.address(&self.context).map_err(Finding::SetUpError)?;
        if address.starts_with("unix:") {
            let why = format!("probes are sent over TCP, and the server is attached at {address}");
            return Err(Finding::NotSupported(why));
        }
        let tape = evidence.tape.insert(Recorder::default());
        let played = self.crowd.run(&self.probe, &address, tape);
        let ended = |how| Finding::Broken(format!("the server ended during this probe, {how}"));
        if let Some(how) = self.slot.has_exited() {
            return Err(ended(how));
        }
        let CaseRun { observation, sent, began } = played.map_err(|error| {
            self.slot.is_gone().map_or_else(|| Finding::Broken(error.to_string()), ended)
        })?;
        evidence.sent = sent;
        evidence.began = Some(began);
        let right = self.oracle.right(&self.probe, self.is_kin, &self.context)?;
        evidence.answer = Some(observation.to_string());
        let finding = right.judge(&*self.probe, "server", observation, evidence);
        let gone = matches!(finding, Finding::Mismatches(_)).then(|| self.slot.is_gone()).flatten();
        Ok(gone.map_or(finding, ended))
    }

    fn evidence(&self) -> Evidence {
        let reference = self.oracle.live();
        let logs = std::iter::once(self.slot.logs()).chain(reference.map(ReferenceServer::logs));
        Evidence {
            about: Some(self.probe.description()),
            grade: Some(self.probe.grade()),
            server_command: self.slot.shown(&self.context),
            reference_command: reference.and_then(|reference| reference.command(&self.context)),
            logs: logs.flat_map(|logs| [logs.stdout.clone(), logs.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

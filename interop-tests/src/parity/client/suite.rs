//! The suite `client-parity`: the same scripted server to the reference client and to every other.
//!
//! The reference is the oracle, so that no behaviour has to state what is right; a client is compared
//! with what the reference makes of it now, in this run, on this machine.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::finding::{Evidence, Finding, Report};
use crate::outcome::trial::{BaselineKind, Trial, TrialName};
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::expected::Oracle;
use crate::parity::baseline::suite::Baseline;
use crate::parity::client::case_run;
use crate::parity::client::case_run::CaseRun;
use crate::parity::client::reference::ReferenceClient;
use crate::parity::client::table::Behaviour;
use crate::process::agent_pool::AgentPool;
use crate::process::context::RunContext;

pub(crate) const SUITE: &str = "client-parity";

/// How many agents a peer has at most: most behaviours are over in milliseconds, and some wait.
pub(crate) const AGENTS: usize = 4;

/// The first lines of the goldens.
pub(crate) const HEADING: &str = "\
What the reference client made of each behaviour of client-parity, and what it sent: the lines that
are compared. Written by `make golden`, never by hand; a change of it is a change of what every client
has to be like. `(any)` is a text that is not compared, see harness/behaviour/details.rs. Between `or`
stand answers of a reference that is not stable.
";

/// What clients are compared by.
pub(crate) fn standard(
    peers: &[Peer],
    behaviours: Vec<Behaviour>,
    context: &RunContext,
) -> Baseline<ReferenceClient> {
    let peer = peers.iter().find(|peer| peer.reference);
    let logs = context.logs.join(SUITE);
    let reference = peer.and_then(|peer| ReferenceClient::new(peer, AGENTS, &logs));
    Baseline::new(SUITE, behaviours, reference)
}

/// All trials of the suite, client by client: compared with the live reference and the reference
/// with the goldens, or all compared with the goldens when only those are asked for.
pub(crate) fn trials(
    peers: &[Peer],
    standard: &Baseline<ReferenceClient>,
    only_goldens: bool,
    context: &Arc<RunContext>,
) -> Vec<Trial> {
    let Some(oracle) = standard.oracle(only_goldens) else { return Vec::new() };
    let reference = peers.iter().find(|peer| peer.reference).map(|peer| peer.name().to_owned());
    let name = |client: &str, baseline: BaselineKind, behaviour: &Behaviour| TrialName {
        suite: SUITE,
        server: None,
        client: Some(client.to_owned()),
        baseline,
        reference: reference.clone(),
        case: behaviour.name().to_owned(),
    };
    let mut trials = Vec::new();
    for peer in peers {
        let Some(agent) = &peer.agent else { continue };
        // What is right by itself is so for every client.
        let is_for = |case: &&Arc<Behaviour>| peer.parity || case.has_expectation();
        let pool = match oracle.live() {
            Some(reference) if peer.reference => Arc::clone(reference.pool()),
            _ => {
                let logs = context.logs.join(SUITE).join(peer.name());
                Arc::new(AgentPool::new(agent, &logs, AGENTS))
            }
        };
        let is_kin = peer.is_kin_of_reference(peers);
        trials.extend(standard.cases.iter().filter(is_for).map(|behaviour| {
            let comparison = Comparison {
                behaviour: Arc::clone(behaviour),
                pool: Arc::clone(&pool),
                oracle: oracle.clone(),
                is_kin,
                context: Arc::clone(context),
            };
            let name = name(peer.name(), oracle.kind(), behaviour);
            Trial::new(name, move || comparison.run())
        }));
    }
    if !only_goldens {
        trials.extend(standard.moved(context, name));
    }
    trials
}

/// One behaviour and one client.
struct Comparison {
    behaviour: Arc<Behaviour>,
    pool: Arc<AgentPool>,
    oracle: Oracle<ReferenceClient>,
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
        let right_now = self.oracle.right(&self.behaviour, self.is_kin, &self.context)?;
        right_now.announce(&*self.behaviour, evidence);
        let tape = evidence.tape.insert(Recorder::default());
        let CaseRun { observed, right, sent, began } =
            case_run::run(&self.behaviour, &self.pool, &self.context, tape)?;
        evidence.sent = sent;
        evidence.began = Some(began);
        // The ledger could not know a text with this run's port in it.
        evidence.answer = Some(right.to_string());
        Ok(right_now.judge(&*self.behaviour, "client", observed, evidence))
    }

    fn evidence(&self) -> Evidence {
        let reference = self.oracle.live();
        let pools = [Some(&self.pool), reference.map(ReferenceClient::pool)];
        let logs = pools.into_iter().flatten().flat_map(|pool| pool.logs());
        Evidence {
            about: Some(self.behaviour.description()),
            grade: Some(self.behaviour.grade()),
            client_command: self
                .pool
                .program()
                .command_line(&self.context.places, "")
                .ok()
                .map(|line| line.to_string()),
            reference_command: reference.and_then(|reference| reference.command(&self.context)),
            logs: logs.flat_map(|logs| [logs.stdout.clone(), logs.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

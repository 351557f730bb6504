//! The second phase of a run: the trials, which are peers × cases, and the deviations known of them.
//!
//! All trials are known before the first one runs, so that the record can say how many there are, and
//! an entry of the known deviations that matches none is an error at once.

use crate::calls::{self, programs};
use crate::cli::load::Loaded;
use crate::cli::options::{BaselineChoice, Comparison, Inputs, RunOptions};
use crate::config::Peer;
use crate::outcome::{Ledger, Trial, TrialName};
use crate::parity::fuzz::Rival;
use crate::parity::server::suite::SUITE;
use crate::process::liveness;
use crate::process::net::tutorial_port::PORT;

/// Why the reference does not run while an attached server has its port.
const WITHOUT_PORT: &str = "server-parity is compared with the goldens, because the attached server \
                            has port 50051, which is the reference's";

/// The trials of a run.
pub(crate) struct Plan {
    /// Those that the peers and the tables make.
    pub(crate) trials: Vec<Trial>,
    /// The names of all of them, also of those that are not chosen.
    pub(crate) names: Vec<TrialName>,
    pub(crate) ledger: Ledger,
    /// What to say before the trials run.
    pub(crate) notice: Option<&'static str>,
}

impl Plan {
    /// Plans the trials of everything that was loaded.
    pub(crate) fn new(
        loaded: &Loaded,
        inputs: &Inputs,
        comparison: &Comparison,
    ) -> anyhow::Result<Self> {
        let (peers, context) = (&loaded.peers.all[..], &loaded.context);
        let baselines = &loaded.baselines;
        let only_goldens = comparison.baseline == BaselineChoice::Golden;
        let is_port_taken = is_tutorial_port_taken(loaded);
        let mut trials = programs::trials(peers, &loaded.cases, context);
        trials.extend(calls::suite::trials(peers, &loaded.scenarios, context));
        trials.extend(baselines.servers.trials(peers, only_goldens || is_port_taken, context));
        trials.extend(baselines.clients.trials(peers, only_goldens, context));
        trials.extend(baselines.client_programs.trials(peers, only_goldens, context));
        let ledger = ledger(loaded, inputs, comparison, &trials)?;
        if !comparison.attach.is_empty() {
            trials.retain(|trial| trial.is_attached);
        }
        Ok(Self {
            names: trials.iter().map(|trial| trial.name.clone()).collect(),
            trials,
            ledger,
            notice: is_port_taken.then_some(WITHOUT_PORT),
        })
    }

    /// Keeps the trials that the options choose.
    pub(crate) fn choose(&mut self, options: &RunOptions) {
        let RunOptions { libtest, shard, .. } = options;
        self.trials.retain(|trial| {
            shard.is_none_or(|shard| shard.has(&trial.name.to_string()))
                && !libtest.is_filtered_out(&named(&trial.name))
        });
    }
}

/// A trial that only has a name, to be listed or filtered by it.
pub(crate) fn named(name: &TrialName) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name.to_string(), || Ok(()))
}

/// Whether an attached server has the port that the reference needs, and goldens can replace that.
fn is_tutorial_port_taken(loaded: &Loaded) -> bool {
    loaded.baselines.servers.goldens.is_some() && liveness::any_holds(PORT, &loaded.peers.all)
}

/// The known deviations. Those of the project are of its own peers only, where there are others too.
fn ledger(
    loaded: &Loaded,
    inputs: &Inputs,
    comparison: &Comparison,
    trials: &[Trial],
) -> anyhow::Result<Ledger> {
    let Loaded { peers, baselines, context, .. } = loaded;
    let names: Vec<_> = trials.iter().map(|trial| trial.name.clone()).collect();
    let has_strangers = comparison.deviations.is_none() && inputs.peers.is_some();
    let is_known = !loaded.is_reference_out() && (!has_strangers || peers.has_project_reference());
    let versions = || {
        let reference = baselines.servers.reference.as_ref().filter(|_| is_known);
        reference?.versions(context).ok()
    };
    let ours = context.places.project_file("deviations.toml");
    let path = comparison.deviations.as_ref().unwrap_or(&ours);
    Ok(Ledger::read(path, &names, versions, has_strangers.then(|| peers.strangers()))?)
}

/// The servers that random requests are sent to: those that `filter` names, or all but that of the
/// reference's own peer.
pub(crate) fn rivals(
    loaded: &Loaded,
    comparison: &Comparison,
    filter: Option<&str>,
) -> anyhow::Result<Vec<Rival>> {
    let logs = loaded.context.logs.join(SUITE);
    let is_meant = |peer: &&Peer| match filter {
        _ if !loaded.takes_part(peer) || !peer.parity => false,
        _ if !comparison.attach.is_empty() && peer.attached_server().is_none() => false,
        Some(filter) => peer.name().contains(filter),
        None => !peer.reference,
    };
    let meant = loaded.peers.all.iter().filter(is_meant);
    let rivals: Vec<_> = meant.filter_map(|peer| Rival::new(peer, &logs)).collect();
    anyhow::ensure!(!rivals.is_empty(), "fuzz: no such peer has a server");
    Ok(rivals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::Command;

    /// The cases that `words` choose of the cases 1 to 20 of two pairs of peers.
    fn chosen(words: &str) -> Vec<String> {
        let names = ["rust", "python"].into_iter().flat_map(|server| {
            let name =
                move |case: usize| TrialName::stated("calls", server, "rust", case.to_string());
            (1..=20).map(name)
        });
        let names: Vec<_> = names.collect();
        let trial = |name: &TrialName| Trial::new(name.clone(), || unreachable!("it is not run"));
        let trials = names.iter().map(trial).collect();
        let mut plan = Plan { trials, names, ledger: Ledger::default(), notice: None };
        let words = ["interop", "run"].into_iter().chain(words.split_whitespace());
        let Ok(Command::Run(options)) = Command::parse(words) else { panic!("no command") };
        plan.choose(&options);
        assert_eq!(plan.names.len(), 40, "all names stay");
        plan.trials.iter().map(|trial| trial.name.to_string()).collect()
    }

    #[test]
    fn a_filter_chooses_by_name() {
        assert_eq!(chosen("").len(), 40);
        assert_eq!(chosen("calls/rust/rust").len(), 20);
        assert_eq!(chosen("rust/rust/2"), ["calls/rust/rust/2", "calls/rust/rust/20"]);
        assert_eq!(chosen("--exact calls/rust/rust/2"), ["calls/rust/rust/2"]);
        assert_eq!(chosen("rust/rust/2 --skip /20"), ["calls/rust/rust/2"]);
        assert!(chosen("nothing").is_empty());
    }

    #[test]
    fn every_trial_is_in_one_shard() {
        let shards = [1, 2, 3].map(|shard| chosen(&format!("--shard {shard}/3")));
        let mut all: Vec<_> = shards.iter().flatten().cloned().collect();
        all.sort();
        let mut expected = chosen("");
        expected.sort();
        assert_eq!(all, expected);
        assert!(shards.iter().all(|shard| shard.len() < 30), "the trials are divided");
        // A filter does not change the shard of a trial.
        let filtered = chosen("--shard 1/3 calls/rust");
        assert!(filtered.iter().all(|trial| shards[0].contains(trial)));
    }
}

//! The second phase of a run: creates the trials, which are peers × cases, and reads the known deviations.
//!
//! All trials exist before the first one runs. So the record can contain their number, and an entry of
//! `deviations.toml` that matches no trial is an error immediately.

use crate::calls::{self, programs};
use crate::cli::load::Loaded;
use crate::cli::options::{BaselineChoice, Comparison, Inputs, RunOptions};
use crate::config::languages::{self, Language};
use crate::outcome::{KnownDeviations, Trial, TrialName};
use crate::process::{liveness, net::tutorial_port::PORT};

/// The notice if the reference cannot run because an attached server uses its port.
const WITHOUT_PORT: &str = "server-parity compares with the goldens: the reference server cannot run, \
                            because the attached server uses its port, 50051";

/// The error if the peers file names services, but there is no trial.
const NOTHING_TO_COMPARE: &str = "nothing can be compared: one peer needs `reference = true` and a `server`, another \
                                  peer needs a `server`, and the services need a method";

/// The error if there are proxies, but no trial.
const NOTHING_BEHIND_A_PROXY: &str = "--via: no trial of the suite calls is possible, and only these can have a proxy \
                                      between client and server: the peers file needs a server and a client of the \
                                      calculator, and no services";

/// The trials of a run.
pub(crate) struct Plan {
    /// The selected trials.
    pub(crate) trials: Vec<Trial>,
    /// The names of all trials, including those that are not selected.
    pub(crate) names: Vec<TrialName>,
    pub(crate) deviations: KnownDeviations,
    /// A line to print before the trials run.
    pub(crate) notice: Option<&'static str>,
}

impl Plan {
    /// Creates all trials of the loaded peers and cases.
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
        let (scenarios, pairs) = (&loaded.scenarios[..], comparison.pairs);
        let calls = calls::suite::Suite { peers, scenarios, pairs, context };
        trials.extend(calls.trials());
        trials.extend(baselines.servers.trials(peers, only_goldens || is_port_taken, context));
        trials.extend(baselines.clients.trials(peers, only_goldens, context));
        trials.extend(baselines.client_programs.trials(peers, only_goldens, context));
        if let Some(services) = &loaded.services {
            trials.extend(services.trials(peers, context));
            anyhow::ensure!(!trials.is_empty(), NOTHING_TO_COMPARE);
        }
        // Their entries are those of the same trials without a proxy, so only these are checked.
        let deviations = known_deviations(loaded, inputs, comparison, &trials)?;
        if !loaded.proxies.is_empty() {
            trials = calls.trials_behind(&loaded.proxies, &loaded.left_out);
            anyhow::ensure!(!trials.is_empty(), NOTHING_BEHIND_A_PROXY);
        }
        if !comparison.attach.is_empty() {
            trials.retain(|trial| trial.is_attached);
        }
        Ok(Self {
            names: trials.iter().map(|trial| trial.name.clone()).collect(),
            trials,
            deviations,
            notice: is_port_taken.then_some(WITHOUT_PORT),
        })
    }

    /// Keeps only the trials that the options select.
    pub(crate) fn choose(&mut self, options: &RunOptions) {
        let RunOptions { libtest, shard, .. } = options;
        self.trials.retain(|trial| {
            shard.is_none_or(|shard| shard.has(&trial.name.to_string()))
                && !libtest.is_filtered_out(&named(&trial.name))
        });
    }
}

/// A trial that only has a name, for listing and filtering.
pub(crate) fn named(name: &TrialName) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name.to_string(), || Ok(()))
}

/// Whether an attached server uses the port of the reference, and goldens can replace the reference.
fn is_tutorial_port_taken(loaded: &Loaded) -> bool {
    loaded.baselines.servers.goldens.is_some() && liveness::any_holds(PORT, &loaded.peers.all)
}

/// Reads the known deviations: those of the project and of the languages, unless the user chooses a file. With
/// `--peers`, they apply only to peers from the project's peers files.
fn known_deviations(
    loaded: &Loaded,
    inputs: &Inputs,
    comparison: &Comparison,
    trials: &[Trial],
) -> anyhow::Result<KnownDeviations> {
    let Loaded { peers, baselines, context, .. } = loaded;
    let names: Vec<_> = trials.iter().map(|trial| trial.name.clone()).collect();
    let has_foreign_peers = comparison.deviations.is_none() && inputs.peers.is_some();
    let is_known =
        !loaded.is_reference_out() && (!has_foreign_peers || peers.has_project_reference());
    let versions = || {
        let reference = baselines.servers.reference.as_ref().filter(|_| is_known);
        reference?.versions(context).ok()
    };
    let foreign_peers = has_foreign_peers.then(|| peers.foreign_peers());
    let Some(path) = &comparison.deviations else {
        let languages = peers.languages();
        let of_languages = languages.iter().filter_map(Language::deviations);
        let ours = context.places.project_file("deviations.toml");
        let paths: Vec<_> = std::iter::once(ours).chain(of_languages).collect();
        let mut absent = languages::all(&context.places)?;
        absent.retain(|language| !languages.contains(language));
        let is_absent = |peer: &str| absent.iter().any(|language| language.may_have(peer));
        return Ok(KnownDeviations::read(&paths, &names, versions, foreign_peers, is_absent)?);
    };
    let paths = std::slice::from_ref(path);
    Ok(KnownDeviations::read(paths, &names, versions, foreign_peers, |_| false)?)
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
        let trial = |name: &TrialName| {
            Trial::new(name.clone(), || unreachable!("the test does not run it"))
        };
        let trials = names.iter().map(trial).collect();
        let mut plan = Plan { trials, names, deviations: KnownDeviations::default(), notice: None };
        let words = ["interop", "run"].into_iter().chain(words.split_whitespace());
        let Ok(Command::Run(options)) = Command::parse(words) else { panic!("`run` should parse") };
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

//! Checks that the options leave a trial to run.
//!
//! A typing error in a filter must not look like a success, so a run of no trial is an error. It names the option that
//! left no trial.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};

use crate::cli::options::RunOptions;
use crate::cli::plan::{Plan, named};
use crate::config::similar;
use crate::outcome::TrialName;

/// The advice in all errors.
const ADVICE: &str = "`interop list` prints the names of all trials";

/// Returns an error if the options select no trial of `plan`. All trials of a run may not be skipped, either: those that
/// need a peer of `left_out`. For a list, which names these too, `left_out` is `None`.
pub(crate) fn check(
    plan: &Plan,
    options: &RunOptions,
    left_out: Option<&BTreeSet<String>>,
) -> anyhow::Result<()> {
    let RunOptions { libtest, shard, comparison, inputs, .. } = options;
    let runs = |name: &&TrialName| {
        left_out.is_none_or(|left_out| !name.peers().any(|peer| left_out.contains(peer)))
    };
    if plan.trials.iter().map(|trial| &trial.name).any(|name| runs(&name)) {
        return Ok(());
    }
    if plan.names.is_empty() {
        let attached: Vec<_> = comparison.attach.iter().map(|it| &it.text[..]).collect();
        ensure!(
            attached.is_empty(),
            "--attach {}: no trial calls this server: the peers file, --scenarios and --peers must leave a case for it",
            attached.join(" --attach ")
        );
        let peers = inputs.peers.as_deref().map(|path| format!(" of {}", path.display()));
        bail!(
            "no trial is possible: the peers{} have no server and client, or server and reference, that a case of the \
             scenarios needs",
            peers.unwrap_or_default()
        );
    }
    let mut names: Vec<_> = plan.names.iter().collect();
    if let Some(filter) = &libtest.filter {
        let only = libtest_mimic::Arguments {
            filter: Some(filter.clone()),
            exact: libtest.exact,
            ..Default::default()
        };
        names.retain(|name| !only.is_filtered_out(&named(name)));
        if names.is_empty() {
            let all: Vec<_> = plan.names.iter().map(ToString::to_string).collect();
            let similar = similar::suggestion(filter, all.iter().map(String::as_str));
            let what =
                if libtest.exact { "no trial has the name" } else { "no trial has a name with" };
            bail!("{what} `{filter}`{similar}; {ADVICE}");
        }
    }
    let total = names.len();
    names.retain(|name| !libtest.is_filtered_out(&named(name)));
    ensure!(
        !names.is_empty() || libtest.skip.is_empty(),
        "--skip {} omits all {total} trials that the other options select; {ADVICE}",
        libtest.skip.join(" --skip ")
    );
    // Only hidden options are left, such as --ignored.
    ensure!(!names.is_empty(), "the options select none of {total} trials; {ADVICE}");
    let total = names.len();
    names.retain(|name| shard.is_none_or(|shard| shard.has(&name.to_string())));
    if let (true, Some(shard)) = (names.is_empty(), shard) {
        bail!(
            "--shard {shard}: this shard has none of the {total} trials that the other options select; divide them \
             into fewer shards"
        );
    }
    let without = comparison.without.join(" --without ");
    bail!("--without {without} skips all {} trials that the other options select", names.len())
}

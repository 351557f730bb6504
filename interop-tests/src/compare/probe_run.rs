//! Sends the probes of a method to all servers, and collects what differs.
//!
//! Probes come after all other cases, at fresh servers, because their calls change the state of a server in an order that
//! varies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::compare::case::Case;
use crate::compare::coverage::CoverageTally;
use crate::compare::plan::{Group, MethodPlan};
use crate::compare::servers::Servers;
use crate::compare::tally::{Rules, Tally};
use crate::compare::wire::run::{NoResults, WireRun};
use crate::compare::wire::selection::{self, WireGroup};
use crate::probe::adaptation::adapted;
use crate::probe::exchange::PROBES_AT_ONCE;
use crate::process::RunContext;

/// The run of all selected probes of a method.
pub(crate) struct ProbeRun<'a> {
    pub(crate) plan: &'a MethodPlan,
    /// The indices of the selected groups.
    pub(crate) selected: &'a [usize],
    /// The largest message that the servers accept, in bytes.
    pub(crate) size_limit: usize,
    /// How long a server may take for a call.
    pub(crate) limit: Duration,
    pub(crate) servers: &'a mut Servers,
    pub(crate) rules: Rules<'a>,
    pub(crate) tally: &'a mut Tally,
    pub(crate) coverage: &'a mut CoverageTally,
    pub(crate) durations: &'a mut BTreeMap<usize, Duration>,
    pub(crate) context: &'a RunContext,
}

impl ProbeRun<'_> {
    /// Sends the probes. The error is why there are no results.
    pub(crate) fn run(self) -> Result<(), NoResults> {
        let Self { plan, rules, limit, context, .. } = self;
        let group = |index: usize| match &plan.groups.get(index)?.group {
            Group::Wire(group) => Some((index, group)),
            _ => None,
        };
        let groups: Vec<_> = self.selected.iter().filter_map(|index| group(*index)).collect();
        if groups.is_empty() {
            return Ok(());
        }
        self.servers.stop();
        let mut run = WireRun {
            target: selection::target(&plan.method, self.size_limit),
            adapt: adapted,
            types: &plan.types,
            setup: &plan.setup,
            at_once: PROBES_AT_ONCE,
            limit,
            context,
            servers: self.servers,
        };
        let probes: Vec<_> = groups.iter().map(|(_, group)| Arc::clone(&group.probe)).collect();
        let results = run.run(&probes)?;
        let ordinary = Case { name: "ordinary call".to_owned(), ..Case::default() };
        if let Some(response) = &results.ordinary {
            self.coverage.add(&ordinary, &plan.types.message, response);
        }
        for difference in results.unstable {
            self.tally.add_unstable(&ordinary, difference, &rules);
        }
        for ((index, WireGroup { group, .. }), result) in groups.into_iter().zip(results.probes) {
            // The text of a probe with a large message takes time, and is needed only in reports.
            let is_shown = !result.unstable.is_empty() || !result.differences.is_empty();
            let case = if is_shown { group.cases().next() } else { None };
            let case = case.unwrap_or_else(|| Case { name: group.name.clone(), ..Case::default() });
            self.tally.add_probe(index, &case, result.unstable, result.differences, &rules);
            self.durations.insert(index, result.duration);
        }
        Ok(())
    }
}

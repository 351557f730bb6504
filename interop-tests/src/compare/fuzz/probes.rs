//! Sends the random probes of a run: many at once, because each waits most of the time.
//!
//! They come after all calls, at servers that start again for each method, because their order varies.

use std::sync::Arc;

use crate::compare::fuzz::collected::Sent;
use crate::compare::fuzz::draw::Drawn;
use crate::compare::fuzz::pair_run::PairRun;
use crate::compare::wire::run::{NoResults, WireRun};
use crate::output::out;
use crate::probe::table::Probe;

/// How many probes are sent at once. Few of them occupy a thread of the reference, which has ten.
const AT_ONCE: usize = 48;

/// How many probes are sent before their results are collected.
const BATCH: usize = 1_000;

impl PairRun<'_> {
    /// Sends the probes of each method.
    pub(crate) fn probes(&mut self, probes: Vec<Vec<Sent>>) -> Result<(), String> {
        for of_method in probes {
            for batch in of_method.chunks(BATCH) {
                self.servers.stop();
                self.batch(batch)?;
            }
        }
        Ok(())
    }

    /// Sends probes of one method.
    fn batch(&mut self, batch: &[Sent]) -> Result<(), String> {
        let probe = |sent: &Sent| match &sent.drawn {
            Drawn::Probe(probe) => Some(Arc::clone(probe)),
            Drawn::Call(_) => None,
        };
        let probes: Vec<_> = batch.iter().filter_map(probe).collect();
        let Some(first) = batch.first() else { return Ok(()) };
        let results = match self.with_wire(first.method, |run| run.run(&probes))? {
            Ok(results) => results,
            Err(NoResults::NoServer(why)) => return Err(why),
            Err(NoResults::Unsuitable(why)) => {
                let path = self.path(first.method);
                out!("interop: {} requests of {path} are not sent: {why}", batch.len());
                return Ok(());
            }
        };
        self.collect(first, |collected, rules| collected.add_unstable(results.unstable, rules))?;
        for (sent, result) in batch.iter().zip(results.probes) {
            self.collect(sent, |collected, rules| {
                collected.add_probe(sent, result.unstable, result.differences, rules);
            })?;
        }
        Ok(())
    }

    /// Calls `act` with what sends probes to the method with this index.
    pub(crate) fn with_wire<R>(
        &mut self,
        method: usize,
        act: impl FnOnce(&mut WireRun<'_>) -> R,
    ) -> Result<R, String> {
        let Self { draws, types, setups, settings, servers, context, .. } = self;
        let found = draws.methods.get(method).zip(types.get(method)).zip(setups.get(method));
        let ((drawn, types), setup) = found.ok_or("fuzz: a method has no type")?;
        servers.begin_method();
        Ok(act(&mut WireRun {
            target: drawn.target.clone(),
            // It was drawn for this method.
            adapt: |probe: &Probe, _| Ok(probe.clone()),
            types,
            setup,
            at_once: AT_ONCE,
            limit: settings.call_limit,
            context,
            servers,
        }))
    }
}

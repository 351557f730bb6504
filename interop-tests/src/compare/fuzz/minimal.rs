//! Repeats the first request of each cause alone, at servers that start again, and reduces it.
//!
//! A difference between servers that have seen thousands of requests may be due to one of those, or to chance. A request
//! that shows it alone can be repeated by everyone.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::compare::case::Case;
use crate::compare::difference::Difference;
use crate::compare::fuzz::calls::AT_ONCE;
use crate::compare::fuzz::collected::{Cause, Sample, Sent, group};
use crate::compare::fuzz::draw::Drawn;
use crate::compare::fuzz::finding::Finding;
use crate::compare::fuzz::minimal_probe::{self, ProbeToShrink};
use crate::compare::fuzz::pair_run::PairRun;
use crate::compare::fuzz::state::Findings;
use crate::compare::shrink::{self, Method, smaller};
use crate::output::out;

/// How many causes have their requests repeated and reduced.
const REDUCED: usize = 20;

/// How often a request must show its difference at servers that start again.
const TIMES: usize = 2;

/// How many calls are tried to reduce one.
const TRIES: usize = 400;

/// How many are tried if the servers must start again for each, which takes most of a second.
const TRIES_WITH_RESTART: usize = 30;

/// How many causes are sought among all calls before the request.
const REPLAYS: usize = 3;

impl PairRun<'_> {
    /// Makes the findings from what has been collected.
    pub(crate) fn minimize(&mut self) -> Result<(), String> {
        let causes = self.state.causes();
        if !causes.is_empty() {
            out!("interop: reducing the requests of {} causes", causes.len().min(REDUCED));
        }
        let mut findings = Findings::default();
        let (mut probes, mut replays) = (Vec::new(), REPLAYS);
        for (rank, cause) in causes.iter().enumerate() {
            if rank >= REDUCED {
                findings.all.extend(Finding::of_first(self.peer, cause));
                continue;
            }
            match self.repeated(cause)? {
                Some(sample) if matches!(sample.sent.drawn, Drawn::Probe(_)) => {
                    probes.push((cause, sample));
                }
                Some(sample) => {
                    let sample = self.smaller_call(&sample)?;
                    findings.all.push(Finding::new(self.peer, cause, &sample, true));
                }
                None => {
                    let Some(first) = cause.samples.first() else { continue };
                    let may_replay = replays > 0;
                    replays = replays.saturating_sub(1);
                    if may_replay && self.shows_after_others(first)? {
                        findings.all.push(Finding::new(self.peer, cause, first, false));
                    } else {
                        findings.not_repeated.push(first.sent.number);
                    }
                }
            }
        }
        for (cause, sample) in self.smaller_probes(probes)? {
            findings.all.push(Finding::new(self.peer, cause, &sample, true));
        }
        findings.all.sort_by_key(|finding| finding.number);
        self.state.set(findings);
        Ok(())
    }

    /// The first request of `cause` that shows it alone.
    fn repeated(&mut self, cause: &Cause) -> Result<Option<Sample>, String> {
        for sample in &cause.samples {
            let mut found = None;
            for _ in 0..TIMES {
                self.servers.stop();
                found = match &sample.sent.drawn {
                    Drawn::Call(call) => self.call_again(sample, call)?,
                    Drawn::Probe(_) => self.probe_again(&sample.sent, cause)?,
                };
                if found.is_none() {
                    break;
                }
            }
            if let Some(difference) = found {
                return Ok(Some(Sample { sent: sample.sent.clone(), difference }));
            }
        }
        Ok(None)
    }

    /// The difference of `sample` in the responses to `case`, if there is one that counts.
    fn call_again(&mut self, sample: &Sample, case: &Case) -> Result<Option<Difference>, String> {
        let (path, limit) = (self.path(sample.sent.method), self.settings.call_limit);
        let failure = self.servers.prepare(&self.setup, limit, self.context)?;
        let subject = &sample.difference.subject;
        if let Some((_, difference)) = failure {
            return Ok(Some(difference).filter(|it| it.subject == *subject));
        }
        let responses = self.servers.call(&path, case, limit, self.context)?;
        let rules = self.target(sample.sent.method)?.rules;
        Ok(shrink::difference(group(&sample.sent), subject, &responses, &rules))
    }

    /// Reduces a call that shows its difference at servers that start again.
    fn smaller_call(&mut self, sample: &Sample) -> Result<Sample, String> {
        let Drawn::Call(case) = &sample.sent.drawn else { return Ok(sample.clone()) };
        let target = self.target(sample.sent.method)?;
        let is_client_streaming = target.drawn.method.is_client_streaming();
        let input = target.drawn.method.input();
        // What the servers remember may prevent it from now on.
        let needs_restart = self.call_again(sample, case)?.is_none();
        let tries = if needs_restart { TRIES_WITH_RESTART } else { TRIES };
        let method = Method { of: &input, is_client_streaming };
        let found = smaller(case, method, tries, &mut |case| {
            if needs_restart {
                self.servers.stop();
            }
            match self.call_again(sample, case) {
                Ok(found) => ControlFlow::Continue(found.is_some()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        let Some(smallest) = found else { return Ok(sample.clone()) };
        self.servers.stop();
        let difference = self.call_again(sample, &smallest)?;
        Ok(difference.map_or_else(
            || sample.clone(),
            |difference| {
                let name = case.name.clone();
                let drawn = Drawn::Call(Case { name, ..smallest });
                Sample { sent: Sent { drawn, ..sample.sent.clone() }, difference }
            },
        ))
    }

    /// Whether `sample` shows its difference after all calls before it.
    fn shows_after_others(&mut self, sample: &Sample) -> Result<bool, String> {
        let Drawn::Call(case) = &sample.sent.drawn else { return Ok(false) };
        self.servers.stop();
        let limit = self.settings.call_limit;
        let mut before = self.first..sample.sent.number;
        loop {
            let drawn = before.by_ref().take(AT_ONCE).map(|it| self.draws.draw(it));
            let drawn = drawn.collect::<Result<Vec<_>, _>>()?;
            if drawn.is_empty() {
                return Ok(self.call_again(sample, case)?.is_some());
            }
            let calls = drawn.iter().filter_map(|(method, drawn)| match drawn {
                Drawn::Call(case) => Some((self.path(*method), case)),
                Drawn::Probe(_) => None,
            });
            let calls: Vec<_> = calls.collect();
            let mut calls: Vec<_> = calls.iter().map(|(path, case)| (&**path, *case)).collect();
            while !calls.is_empty() {
                if self.servers.prepare(&self.setup, limit, self.context)?.is_some() {
                    return Ok(false);
                }
                let made = self.servers.call_all(&calls, limit, self.context)?.len();
                if made == 0 {
                    return Ok(false);
                }
                calls.drain(..made);
            }
        }
    }

    /// The difference of `cause` in the responses to the probe `sent`.
    fn probe_again(&mut self, sent: &Sent, cause: &Cause) -> Result<Option<Difference>, String> {
        let Drawn::Probe(probe) = &sent.drawn else { return Ok(None) };
        let probes = [Arc::clone(probe)];
        let Ok(results) = self.with_wire(sent.method, |run| run.run(&probes))? else {
            return Ok(None);
        };
        let rules = self.target(sent.method)?.rules;
        let differences = results.probes.into_iter().flat_map(|result| result.differences);
        Ok(minimal_probe::of_cause(differences, sent, cause, &rules))
    }

    /// Reduces probes, many at once.
    fn smaller_probes<'c>(
        &mut self,
        probes: Vec<(&'c Cause, Sample)>,
    ) -> Result<Vec<(&'c Cause, Sample)>, String> {
        self.servers.stop();
        let mut ready = Vec::new();
        let mut finished = Vec::new();
        for (cause, sample) in probes {
            // A server that exits would make the other probes fail.
            let ends_server = sample.difference.candidate.contains("the server exited");
            match self.with_wire(sample.sent.method, |run| run.prepare().map(Result::ok))? {
                Ok(Some(prepared)) if !ends_server => {
                    ready.push((cause, sample, prepared.into_vec()));
                }
                _ => finished.push((cause, sample)),
            }
        }
        let tasks = ready.iter().map(|(cause, sample, servers)| {
            let target = self.target(sample.sent.method)?;
            let (rules, drawn) = (target.rules, target.drawn);
            Ok(ProbeToShrink { cause, sample, servers, rules, drawn })
        });
        let tasks = tasks.collect::<Result<Vec<_>, String>>()?;
        let smallest = minimal_probe::shrink_all(&tasks);
        drop(tasks);
        for ((cause, sample, _), smallest) in ready.into_iter().zip(smallest) {
            let smaller = smallest
                .map(|probe| Sent { drawn: Drawn::Probe(Arc::new(probe)), ..sample.sent.clone() });
            self.servers.stop();
            let again = match &smaller {
                Some(sent) => self.probe_again(sent, cause)?,
                None => None,
            };
            finished.push(match (smaller, again) {
                (Some(sent), Some(difference)) => (cause, Sample { sent, difference }),
                _ => (cause, sample),
            });
        }
        Ok(finished)
    }
}

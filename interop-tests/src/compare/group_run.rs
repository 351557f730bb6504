//! Runs the cases of a group at all servers, and collects what differs.

use std::time::Duration;

use crate::compare::case::{Case, CaseGroup};
use crate::compare::coverage::CoverageTally;
use crate::compare::difference::ResponseTypes;
use crate::compare::plan::{Group, MethodPlan};
use crate::compare::servers::Servers;
use crate::compare::tally::{Rules, Tally};
use crate::compare::user::{Captured, Step, UserCase, unusable};
use crate::config::Restart;
use crate::process::RunContext;

/// Why a group did not run to its end.
pub(crate) enum Stopped {
    /// No further case of the method can run.
    Method(String),
    /// Only this group cannot.
    Group(String),
}

/// The run of one group.
pub(crate) struct GroupRun<'a> {
    /// The index of the group.
    pub(crate) index: usize,
    pub(crate) plan: &'a MethodPlan,
    pub(crate) restart: Restart,
    /// How long a server may take for a call.
    pub(crate) limit: Duration,
    pub(crate) servers: &'a mut Servers,
    pub(crate) rules: Rules<'a>,
    pub(crate) tally: &'a mut Tally,
    pub(crate) coverage: &'a mut CoverageTally,
    pub(crate) context: &'a RunContext,
}

impl GroupRun<'_> {
    pub(crate) fn run(mut self, group: &Group) -> Result<(), Stopped> {
        match group {
            Group::Cases(group) => self.cases(group),
            Group::User(case) => self.sequence(case),
            // All probes of a method run at the same time.
            Group::Wire(_) => Ok(()),
        }
    }

    fn cases(&mut self, group: &CaseGroup) -> Result<(), Stopped> {
        let Self { plan, limit, context, .. } = *self;
        let path = plan.path();
        for case in group.cases() {
            if !self.is_prepared()? {
                continue;
            }
            let responses = self.servers.call(&path, &case, limit, context);
            let responses = responses.map_err(Stopped::Method)?;
            self.coverage.add(&case, &plan.types.message, &responses.reference);
            self.tally.add(self.index, &case, &responses, &self.rules);
        }
        Ok(())
    }

    /// Restarts the servers if each case needs new ones, and makes the setup calls. Returns false if one failed at the
    /// candidate: then what follows differs for this cause.
    fn is_prepared(&mut self) -> Result<bool, Stopped> {
        if self.restart == Restart::Case {
            self.servers.stop();
        }
        let failure = self.servers.prepare(&self.plan.setup, self.limit, self.context);
        let Some((case, difference)) = failure.map_err(Stopped::Method)? else { return Ok(true) };
        self.tally.add_differences(self.index, &case, vec![difference], &self.rules);
        Ok(false)
    }

    /// Makes the calls of a sequence, each with the values that the same server returned.
    fn sequence(&mut self, case: &UserCase) -> Result<(), Stopped> {
        if !self.is_prepared()? {
            return Ok(());
        }
        let mut captured = <[Captured; 3]>::default();
        for step in &case.steps {
            if !self.step(step, &mut captured)? {
                break;
            }
        }
        Ok(())
    }

    /// Makes a call of a sequence; returns whether the next one can be made. `captured` are the values of the
    /// reference, of the second instance of it, and of the candidate.
    fn step(&mut self, step: &Step, captured: &mut [Captured; 3]) -> Result<bool, Stopped> {
        let types = ResponseTypes {
            message: step.method.output(),
            status: self.rules.types.status.clone(),
        };
        let rules = Rules { method: step.method.full_name(), types: &types, ..self.rules };
        let [reference, again, candidate] = captured;
        let case = step.case(reference).map_err(|why| Stopped::Group(step.error(&why)))?;
        // Without a second instance, there are no values of it.
        let has_again = self.servers.again.is_some();
        let again_or = if has_again { &*again } else { &*reference };
        let others = (step.case(again_or), step.case(candidate));
        let (case_again, case_candidate) = match others {
            (Ok(again), Ok(candidate)) => (again, candidate),
            (again, candidate) => {
                if let Err(why) = again {
                    self.tally.add_unstable(&case, unusable(why), &rules);
                }
                let differences = candidate.err().map(unusable);
                let differences = differences.into_iter().collect();
                self.tally.add_differences(self.index, &case, differences, &rules);
                return Ok(false);
            }
        };
        let cases: [&Case; 3] = [&case, &case_again, &case_candidate];
        let responses = self.servers.call_each(&step.path(), cases, self.limit, self.context);
        let responses = responses.map_err(Stopped::Method)?;
        if step.method == self.plan.method {
            self.coverage.add(&case, &types.message, &responses.reference);
        }
        let mut own = step.failed_expectations(
            (&responses.reference, reference),
            (&responses.candidate, candidate),
        );
        let missing = step.capture(&responses.reference, reference);
        if let Some(missing) = missing.first() {
            self.tally.add_with(self.index, &case, &responses, own, &rules);
            return Err(Stopped::Group(missing.error()));
        }
        let mut can_continue = !responses.all().any(|response| response.end.is_exit());
        if let Some(response) = &responses.again {
            for missing in step.capture(response, again) {
                can_continue = false;
                self.tally.add_unstable(&case, missing.difference(reference), &rules);
            }
        }
        let missing = step.capture(&responses.candidate, candidate);
        can_continue &= missing.is_empty();
        own.extend(missing.iter().map(|missing| missing.difference(reference)));
        self.tally.add_with(self.index, &case, &responses, own, &rules);
        Ok(can_continue)
    }
}

//! The servers of a comparison: the reference, a second instance of it, and the candidate.
//!
//! All of them see the same calls in the same order, so they also start again together.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::compare::case::Case;
use crate::compare::difference::Difference;
use crate::compare::response::Response;
use crate::compare::server::ComparedServer;
use crate::compare::tally::Responses;
use crate::compare::user::{Setup, SetupFailure};
use crate::outcome::comparison::Performance;
use crate::process::RunContext;

/// The servers of a comparison.
pub(crate) struct Servers {
    pub(crate) reference: ComparedServer,
    /// The second instance of the reference, unless it cannot be started twice.
    pub(crate) again: Option<ComparedServer>,
    pub(crate) candidate: ComparedServer,
}

impl Servers {
    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut ComparedServer> {
        [&mut self.reference].into_iter().chain(&mut self.again).chain([&mut self.candidate])
    }

    /// Starts all servers that do not run, at the same time. The error is why one of them does not start.
    pub(crate) fn start(&mut self, context: &RunContext) -> Result<(), String> {
        let stopped: Vec<_> = self.all().filter(|server| !server.has_started()).collect();
        if stopped.len() < 2 {
            return Ok(());
        }
        thread::scope(|scope| {
            let start = |server| scope.spawn(move || ComparedServer::address(server, context));
            let threads: Vec<_> = stopped.into_iter().map(start).collect();
            let join = |thread: ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|it| resume_unwind(it))
            };
            let started: Vec<Result<String, String>> = threads.into_iter().map(join).collect();
            started.into_iter().try_for_each(|address| address.map(drop))
        })
    }

    /// Makes a call at each server. The error is why one of them does not run.
    pub(crate) fn call(
        &mut self,
        path: &str,
        case: &Case,
        limit: Duration,
        context: &RunContext,
    ) -> Result<Responses, String> {
        self.call_each(path, [case; 3], limit, context)
    }

    /// Makes a call at each server: at the reference, at the second instance of it, and at the candidate.
    pub(crate) fn call_each(
        &mut self,
        path: &str,
        [reference, again, candidate]: [&Case; 3],
        limit: Duration,
        context: &RunContext,
    ) -> Result<Responses, String> {
        self.start(context)?;
        let call = |server: &mut ComparedServer, case: &Case| {
            server.call(path, case, limit_of(case, limit), context)
        };
        let responses = Responses {
            reference: call(&mut self.reference, reference)?,
            again: self.again.as_mut().map(|server| call(server, again)).transpose()?,
            candidate: call(&mut self.candidate, candidate)?,
        };
        // A server that starts again has forgotten earlier calls, so all of them must.
        if responses.all().any(|response| response.end.is_exit()) {
            self.stop();
        }
        Ok(responses)
    }

    /// Makes calls, each with its path, in this order at each server. The servers do not wait for each other. Ends after
    /// the first call in which a server exits, and then the next calls are made at servers that start again. The error is
    /// why a server does not run.
    pub(crate) fn call_all(
        &mut self,
        calls: &[(&str, &Case)],
        limit: Duration,
        context: &RunContext,
    ) -> Result<Vec<Responses>, String> {
        self.start(context)?;
        let call_all = |server: &mut ComparedServer| {
            let mut responses = Vec::with_capacity(calls.len());
            for (path, case) in calls {
                let response = server.call(path, case, limit_of(case, limit), context)?;
                let is_exit = response.end.is_exit();
                responses.push(response);
                if is_exit {
                    break;
                }
            }
            Ok::<_, String>(responses)
        };
        let call_all = &call_all;
        let Self { reference, again, candidate } = self;
        let [reference, again, candidate] = thread::scope(|scope| {
            let spawn = |server| scope.spawn(move || call_all(server));
            let threads =
                [Some(spawn(reference)), again.as_mut().map(spawn), Some(spawn(candidate))];
            threads.map(|thread| {
                thread.map(|thread| thread.join().unwrap_or_else(|it| resume_unwind(it)))
            })
        });
        let [reference, again, candidate] =
            [reference.transpose()?, again.transpose()?, candidate.transpose()?];
        let mut again = again.map(Vec::into_iter);
        let both = reference.into_iter().flatten().zip(candidate.into_iter().flatten());
        let mut all = Vec::with_capacity(calls.len());
        for (reference, candidate) in both {
            let again = match &mut again {
                None => None,
                Some(responses) => match responses.next() {
                    None => break,
                    again => again,
                },
            };
            all.push(Responses { reference, again, candidate });
        }
        // A server that starts again has forgotten earlier calls, so all of them must.
        if all.last().is_some_and(|last| last.all().any(|response| response.end.is_exit())) {
            self.stop();
        }
        Ok(all)
    }

    /// Makes the setup calls at each server that has started since they were made. If one fails at the candidate,
    /// returns the difference. The error is why a server does not run, or why a setup call failed at the reference.
    pub(crate) fn prepare(
        &mut self,
        setup: &[Arc<Setup>],
        limit: Duration,
        context: &RunContext,
    ) -> Result<Option<(Case, Difference)>, String> {
        if setup.is_empty() {
            return Ok(None);
        }
        self.start(context)?;
        self.prepare_references(setup, limit, context)?;
        let failure = prepare(&mut self.candidate, setup, limit, context)?;
        Ok(failure.map(|(case, failure)| (case, failure.difference())))
    }

    /// Makes the setup calls at both instances of the reference.
    fn prepare_references(
        &mut self,
        setup: &[Arc<Setup>],
        limit: Duration,
        context: &RunContext,
    ) -> Result<(), String> {
        let references = [&mut self.reference].into_iter().chain(&mut self.again);
        for server in references {
            if let Some((_, failure)) = prepare(server, setup, limit, context)? {
                return Err(failure.error());
            }
        }
        Ok(())
    }

    /// Makes the setup calls and then a call at both instances of the reference. `None` without a second one.
    pub(crate) fn call_references(
        &mut self,
        path: &str,
        case: &Case,
        setup: &[Arc<Setup>],
        limit: Duration,
        context: &RunContext,
    ) -> Result<Option<[Response; 2]>, String> {
        if !setup.is_empty() {
            self.prepare_references(setup, limit, context)?;
        }
        let Self { reference, again: Some(again), .. } = self else { return Ok(None) };
        let limit = limit_of(case, limit);
        let reference = reference.call(path, case, limit, context)?;
        Ok(Some([reference, again.call(path, case, limit, context)?]))
    }

    /// The next cases are those of another method, so setup calls are made again.
    pub(crate) fn begin_method(&mut self) {
        self.all().for_each(|server| server.is_prepared = false);
    }

    /// The latency and the memory of the reference and of the candidate.
    pub(crate) fn take_performance(&mut self) -> Vec<Performance> {
        let Self { reference, candidate, .. } = self;
        [reference, candidate].into_iter().filter_map(ComparedServer::take_performance).collect()
    }

    pub(crate) fn stop(&mut self) {
        self.all().for_each(ComparedServer::stop);
    }
}

/// How long a server may take for a case: longer than its deadline.
fn limit_of(case: &Case, limit: Duration) -> Duration {
    case.deadline.map_or(limit, |deadline| limit.max(deadline + limit))
}

/// Makes the setup calls at a server that has started since they were made. Returns the first one that failed.
fn prepare(
    server: &mut ComparedServer,
    setup: &[Arc<Setup>],
    limit: Duration,
    context: &RunContext,
) -> Result<Option<(Case, SetupFailure)>, String> {
    // Starts the server if it does not run.
    server.address(context)?;
    if server.is_prepared {
        return Ok(None);
    }
    for setup in setup {
        let case = setup.case()?;
        let response = server.call(&setup.path(), &case, limit_of(&case, limit), context)?;
        if let Some(failure) = setup.failure(&response) {
            return Ok(Some((case, failure)));
        }
    }
    server.is_prepared = true;
    Ok(None)
}

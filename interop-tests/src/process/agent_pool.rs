//! The agents of one peer, each lent to one case at a time.
//!
//! Cases that mostly wait must not delay CPU-bound cases, so each kind has its own number of agents. The agent that
//! was returned last is lent first, so that no unnecessary agents are started.

use std::path::Path;

use grpc_interop_protocol::{CallOutcome, Request};
use parking_lot::Mutex;

use crate::config::{Program, Variant};
use crate::outcome::Finding;
use crate::process::semaphore::{Permit, Semaphore};
use crate::process::{agent::Agent, child::Logs, context::RunContext, restart_limit::RestartLimit};

/// A pool of agents. An agent is started when a case needs it, and replaced if it fails.
#[derive(Debug)]
pub(crate) struct AgentPool {
    peer: String,
    pub(crate) program: Program,
    /// The logs of all agents.
    pub(crate) logs: Vec<Logs>,
    /// The permits for CPU-bound cases, and for cases that mostly wait.
    permits: [Semaphore; 2],
    /// The agents that are not lent, with their index in `logs`; `None` if the agent is not running.
    idle: Mutex<Vec<(usize, Option<Agent>)>>,
    limit: Mutex<RestartLimit>,
}

impl AgentPool {
    /// A pool of agents of `peer`. `agents` are the numbers of agents for CPU-bound cases and for cases that mostly
    /// wait. Logs go to `folder`.
    pub(crate) fn new(peer: &str, program: &Program, folder: &Path, agents: [usize; 2]) -> Self {
        let logs = |number| Logs::at(&folder.join(format!("agent-{number}")));
        let count = agents.iter().sum();
        Self {
            peer: peer.to_owned(),
            program: program.clone(),
            logs: (1..=count).map(logs).collect(),
            permits: agents.map(Semaphore::new),
            idle: Mutex::new((0..count).rev().map(|index| (index, None)).collect()),
            limit: Mutex::new(RestartLimit::new("agent")),
        }
    }

    /// Waits for a free agent. `waits` is whether the case mostly waits.
    pub(crate) fn lend(&self, waits: bool) -> BorrowedAgent<'_> {
        let permit = self.permits[usize::from(waits)].acquire();
        // Never empty: there are as many agents as permits.
        let (index, agent) = self.idle.lock().pop().unwrap_or_default();
        BorrowedAgent { index, agent, pool: self, _permit: permit }
    }

    /// The reason why the agents do not support this transport and compression, if they do not.
    pub(crate) fn not_supported(&self, variant: Variant) -> Option<String> {
        self.program.unsupported_by_agent(&self.peer, variant)
    }
}

/// A borrowed agent. Dropping it returns the agent to its pool.
#[derive(Debug)]
pub(crate) struct BorrowedAgent<'a> {
    index: usize,
    agent: Option<Agent>,
    pool: &'a AgentPool,
    _permit: Permit<'a>,
}

impl BorrowedAgent<'_> {
    pub(crate) fn logs(&self) -> &Logs {
        &self.pool.logs[self.index]
    }

    /// Lets the agent make the calls of `request`, and runs `meanwhile` at the same time.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        context: &RunContext,
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<CallOutcome>, Finding> {
        let AgentPool { program, limit, .. } = self.pool;
        limit.lock().check().map_err(Finding::SetUpError)?;
        let agent = match self.agent.take() {
            Some(agent) => Ok(agent),
            None => Agent::start(program, &context.places, self.logs().clone()),
        };
        let outcome = agent.and_then(|mut agent| {
            // An agent that fails is dropped. The next case starts a new one.
            let outcome = agent.perform(request, meanwhile)?;
            self.agent = Some(agent);
            Ok(outcome)
        });
        match &outcome {
            Err(Finding::SetUpError(why) | Finding::Hung(why) | Finding::Broken(why)) => {
                limit.lock().failed(why.clone());
            }
            _ => limit.lock().worked(),
        }
        let outcome = outcome?;
        outcome.not_supported.map_or(Ok(outcome.calls), |why| Err(Finding::NotSupported(why)))
    }
}

impl Drop for BorrowedAgent<'_> {
    fn drop(&mut self) {
        // The permit is released after this.
        self.pool.idle.lock().push((self.index, self.agent.take()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use grpc_interop_protocol::Call;
    use tempfile::TempDir;

    use super::*;
    use crate::config::Places;

    /// Reports one outcome per request, with the process ID as status message.
    const REPORTS_PID: &str = r#"while read -r request; do printf '{"calls": [{"status": "OK", "message": "%s", "value": null, "initial_metadata": [], "trailing_metadata": [], "elapsed_ms": 1}]}\n' $$; done"#;

    /// Reports one outcome with the length of each line that it reads as status message, and with a reply of 1025
    /// raw bytes.
    const REPORTS_LENGTH: &str = r#"while read -r line; do printf '{"calls": [{"status": "OK", "message": "%s", "value": null, "replies": [{"bytes": 1025}, "0d"], "initial_metadata": [], "trailing_metadata": [], "elapsed_ms": 1}]}\n%01025d' ${#line} 0; done"#;

    /// A pool of `busy` agents that are shell scripts.
    fn pool(script: &str, busy: usize, waiting: usize) -> (AgentPool, RunContext, TempDir) {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let script = toml::Value::from(script);
        let program = format!("command = ['sh', '-c', {script}]");
        let program: Program = toml::from_str(&program).expect("the program is invalid");
        let places = Places::new(Some(folder.path().to_owned()), folder.path().to_owned());
        let logs = folder.path().join("logs");
        let context =
            RunContext::new(places, logs.clone(), Semaphore::new(1)).expect("cannot reserve ports");
        (AgentPool::new("shell", &program, &logs, [busy, waiting]), context, folder)
    }

    /// The process ID of an agent, or why it does not report it.
    fn perform(agent: &mut BorrowedAgent<'_>, context: &RunContext) -> Result<String, Finding> {
        let outcomes = agent.perform(&Request::default(), context, || ())?;
        Ok(outcomes[0].message.clone())
    }

    #[test]
    fn the_agent_that_was_returned_last_is_lent_first() {
        let (pool, context, _folder) = pool(REPORTS_PID, 2, 0);
        let (mut one, mut other) = (pool.lend(false), pool.lend(false));
        let first = perform(&mut one, &context).expect("there is no outcome");
        let second = perform(&mut other, &context).expect("there is no outcome");
        assert_ne!(first, second, "each has a process of its own");
        assert_ne!(one.logs().stdout, other.logs().stdout);
        drop(one);
        drop(other);
        let mut again = pool.lend(false);
        assert_eq!(perform(&mut again, &context).expect("there is no outcome"), second);
    }

    #[test]
    fn cases_that_wait_take_no_agent_from_busy_cases() {
        let (pool, _context, _folder) = pool(REPORTS_PID, 1, 1);
        let _waiting = pool.lend(true);
        let busy = pool.lend(false);
        let (sender, lent) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _busy = pool.lend(false);
                sender.send(()).expect("the test waits for it");
            });
            lent.recv_timeout(Duration::from_millis(50)).expect_err("there is one busy agent");
            drop(busy);
            lent.recv_timeout(Duration::from_secs(10)).expect("it was returned");
        });
    }

    #[test]
    fn an_agent_that_breaks_is_replaced_until_it_is_given_up() {
        let (pool, context, _folder) = pool("read -r request; echo sorry >&2; exit 3", 1, 0);
        let mut agent = pool.lend(false);
        for _ in 0..3 {
            let Err(Finding::Broken(why)) = perform(&mut agent, &context) else { panic!() };
            assert!(why.starts_with("the agent exited with status 3 before"), "{why}");
            assert!(why.ends_with("sorry"), "{why}");
        }
        let Err(Finding::SetUpError(why)) = perform(&mut agent, &context) else { panic!() };
        assert!(
            why.starts_with("the agent failed 3 times in a row and is not started again"),
            "{why}"
        );
    }

    #[test]
    fn not_supported_does_not_count_as_a_failure() {
        let script = r#"while read -r request; do echo '{"not_supported": "no TLS"}'; done"#;
        let (pool, context, _folder) = pool(script, 1, 0);
        let mut agent = pool.lend(false);
        for _ in 0..5 {
            let Err(Finding::NotSupported(why)) = perform(&mut agent, &context) else { panic!() };
            assert_eq!(why, "no TLS");
        }
    }

    #[test]
    fn only_an_agent_that_declares_it_receives_raw_messages() {
        let message = Some(vec![0; 5000].into());
        let call = Call { message, ..Call::default() };
        let request = Request { calls: vec![call], ..Request::default() };
        for (raw_messages, lengths) in [(false, 10_000..10_200), (true, 10..200)] {
            let (mut pool, context, _folder) = pool(REPORTS_LENGTH, 1, 0);
            pool.program.raw_messages = raw_messages;
            let outcomes = pool.lend(false).perform(&request, &context, || ());
            let outcomes = outcomes.expect("there is no outcome");
            let length = outcomes[0].message.parse().expect("no number");
            assert!(lengths.contains(&length), "{raw_messages}: a line of {length} bytes");
            // Both forms are accepted from every agent.
            let replies = outcomes[0].replies.as_deref().expect("there are no replies");
            assert_eq!([&replies[0][..], &replies[1]], [&[b'0'; 1025][..], &[0x0d]]);
        }
    }

    #[test]
    fn an_agent_that_ends_within_a_message_is_broken() {
        let script = format!("{}; exit", REPORTS_LENGTH.replace("%01025d", "%0100d"));
        let (pool, context, _folder) = pool(&script.replace("; done", "; break; done"), 1, 0);
        let Err(Finding::Broken(why)) = perform(&mut pool.lend(false), &context) else { panic!() };
        let expected =
            "the agent printed an incomplete outcome (the stream ended after 100 of the 1025 bytes";
        assert!(why.starts_with(expected), "{why}");
    }

    #[test]
    fn an_agent_that_cannot_be_started_is_a_set_up_error() {
        let (mut pool, context, _folder) = pool("", 1, 0);
        pool.program =
            toml::from_str("command = ['no-such-agent']").expect("the program is invalid");
        let mut agent = pool.lend(false);
        let Err(Finding::SetUpError(why)) = perform(&mut agent, &context) else { panic!() };
        let expected = "cannot start the agent: the program `no-such-agent` was not found";
        assert!(why.starts_with(expected), "{why}");
    }
}

//! Limits how often a failing process is restarted.
//!
//! Without a limit, a server that crashes or an agent that hangs in every case would make a run extremely slow.

/// The maximum number of failures in a row.
const MOST: usize = 3;

/// Counts the failures of a server, or of the agents of a pool.
#[derive(Debug)]
pub(crate) struct RestartLimit {
    /// `server` or `agent`.
    kind: &'static str,
    failures: usize,
    last: String,
}

impl RestartLimit {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, failures: 0, last: String::new() }
    }

    /// Whether the process may be started again. The error is the reason why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { kind, failures, last } = self;
        if *failures < MOST {
            return Ok(());
        }
        Err(format!(
            "the {kind} failed {failures} times in a row and is not started again; the last failure: {last}"
        ))
    }

    /// Counts a failure: the process did not start, exited, or hung.
    pub(crate) fn failed(&mut self, why: String) {
        self.failures += 1;
        self.last = why;
    }

    /// Resets the count after a success.
    pub(crate) fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_failures_the_last_reason_is_reported() {
        let mut limit = RestartLimit::new("server");
        for why in ["it hung", "it hung again"] {
            limit.failed(why.to_owned());
            assert_eq!(limit.check(), Ok(()));
        }
        limit.failed("it ended with status 3".to_owned());
        let error = "the server failed 3 times in a row and is not started again; the last failure: it \
                     ended with status 3";
        assert_eq!(limit.check(), Err(error.to_owned()));
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let mut limit = RestartLimit::new("agent");
        for _ in 0..5 {
            limit.failed("it hung".to_owned());
            limit.failed("it hung".to_owned());
            limit.worked();
        }
        assert_eq!(limit.check(), Ok(()));
    }
}

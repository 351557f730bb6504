//! Records how named calls end, until another call requests the record.
//!
//! Records that are not requested are kept forever, which is acceptable for a test server.

use std::collections::HashMap;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;

const END: HeaderName = HeaderName::from_static("x-interop-observed-end");
const DEADLINE: HeaderName = HeaderName::from_static("x-interop-observed-deadline-ms");

/// The records of calls that have ended, by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Observations(watch::Sender<HashMap<String, CallRecord>>);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallRecord {
    /// Whether the method completed, rather than being cancelled.
    is_completed: bool,
    /// The remaining time when the call arrived.
    timeout: Option<Duration>,
}

/// A call that is being observed. Dropping it records a cancelled call, unless it is [`complete`].
///
/// [`complete`]: Self::complete
#[derive(Debug)]
pub(super) struct Observation {
    name: String,
    record: CallRecord,
    observations: Observations,
}

impl Observations {
    /// Observes a call that has arrived with this timeout.
    pub(super) fn begin(&self, name: String, timeout: Option<Duration>) -> Observation {
        let record = CallRecord { is_completed: false, timeout };
        Observation { name, record, observations: self.clone() }
    }

    /// Waits until the call of this name has ended, and removes its record.
    pub(super) async fn wait_for(&self, name: &str) -> CallRecord {
        let mut calls = self.0.subscribe();
        loop {
            // Fails only if all senders are dropped, and `self` is one.
            let _ = calls.wait_for(|ended| ended.contains_key(name)).await;
            let mut record = None;
            self.0.send_if_modified(|ended| {
                record = ended.remove(name);
                false
            });
            // Otherwise another call has taken the record, and this one waits for the next.
            if let Some(record) = record {
                return record;
            }
        }
    }
}

impl Observation {
    /// Records that the method has completed.
    pub(super) fn complete(mut self) {
        self.record.is_completed = true;
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let (name, record) = (std::mem::take(&mut self.name), self.record);
        self.observations.0.send_modify(|ended| {
            ended.insert(name, record);
        });
    }
}

impl CallRecord {
    /// Adds the record to trailing metadata.
    pub(super) fn write(self, trailing: &mut HeaderMap) {
        let end = if self.is_completed { "completed" } else { "cancelled" };
        trailing.insert(END, HeaderValue::from_static(end));
        if let Some(timeout) = self.timeout {
            let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            trailing.insert(DEADLINE, milliseconds.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CallRecord, Observations};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn an_end_is_awaited_and_returned_once() {
        let (observations, time) = (Observations::default(), Duration::from_secs(1));
        let call = async {
            sleep(time).await;
            let call = observations.begin("a".to_owned(), Some(time));
            sleep(time).await;
            drop(call);
            observations.begin("b".to_owned(), None).complete();
        };
        let (record, ()) = tokio::join!(observations.wait_for("a"), call);
        assert_eq!(record, CallRecord { is_completed: false, timeout: Some(time) });
        assert_eq!(
            observations.wait_for("b").await,
            CallRecord { is_completed: true, timeout: None }
        );
        timeout(time, observations.wait_for("b")).await.expect_err("already returned");
    }
}

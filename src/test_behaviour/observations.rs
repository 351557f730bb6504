//! How calls end, kept in mind under names until somebody asks.
//!
//! What nobody asks for is kept for ever, which a server for tests can afford.

use std::collections::HashMap;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;

const END: HeaderName = HeaderName::from_static("x-interop-observed-end");
const DEADLINE: HeaderName = HeaderName::from_static("x-interop-observed-deadline-ms");

/// The calls that have ended and been asked for by nobody; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Observations(watch::Sender<HashMap<String, Seen>>);

/// What was seen of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether the method came to its end, instead of the call being cancelled before.
    is_completed: bool,
    /// What the call had left when it arrived.
    timeout: Option<Duration>,
}

/// A call that is kept in mind. It counts as cancelled if this is dropped before [`completed`].
///
/// [`completed`]: Self::completed
#[derive(Debug)]
pub(super) struct Observation {
    name: String,
    seen: Seen,
    observations: Observations,
}

impl Observations {
    /// Keeps in mind a call that has arrived with so much time left.
    pub(super) fn begin(&self, name: String, timeout: Option<Duration>) -> Observation {
        let seen = Seen { is_completed: false, timeout };
        Observation { name, seen, observations: self.clone() }
    }

    /// Waits until the call of that name has ended, and forgets it.
    pub(super) async fn ended(&self, name: &str) -> Seen {
        let mut calls = self.0.subscribe();
        loop {
            // It fails only without a sender, and this is one.
            let _ = calls.wait_for(|ended| ended.contains_key(name)).await;
            let mut seen = None;
            self.0.send_if_modified(|ended| {
                seen = ended.remove(name);
                false
            });
            // Otherwise somebody else was faster, and it waits for the next one.
            if let Some(seen) = seen {
                return seen;
            }
        }
    }
}

impl Observation {
    /// The method came to its end.
    pub(super) fn completed(mut self) {
        self.seen.is_completed = true;
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let (name, seen) = (std::mem::take(&mut self.name), self.seen);
        self.observations.0.send_modify(|ended| {
            ended.insert(name, seen);
        });
    }
}

impl Seen {
    /// Adds it to trailing metadata.
    pub(super) fn tell(self, trailing: &mut HeaderMap) {
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
    use super::{Observations, Seen};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn an_end_is_waited_for_and_told_once() {
        let (observations, time) = (Observations::default(), Duration::from_secs(1));
        let call = async {
            sleep(time).await;
            let call = observations.begin("a".to_owned(), Some(time));
            sleep(time).await;
            drop(call);
            observations.begin("b".to_owned(), None).completed();
        };
        let (seen, ()) = tokio::join!(observations.ended("a"), call);
        assert_eq!(seen, Seen { is_completed: false, timeout: Some(time) });
        assert_eq!(observations.ended("b").await, Seen { is_completed: true, timeout: None });
        timeout(time, observations.ended("b")).await.expect_err("it has been told");
    }
}

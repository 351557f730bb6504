//! What a call of any kind does, step by step.
//!
//! A script is checked before its call begins, so that one that cannot be run is not reported as a call
//! that failed.

use std::future::Future;
use std::time::Duration;

use prost::bytes::Bytes;
use tonic::Status;

use crate::open_call::{CallEnd, OpenCall, Replies, Requests};

use grpc_interop_protocol::{Kind, ScriptStep};

/// A script that can be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script(Vec<Action>);

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Send(Bytes),
    HalfClose,
    Receive(usize),
    Pause(Duration),
    Cancel,
}

impl Script {
    /// Reads the steps of a call of this kind; the error is what cannot be done.
    pub(crate) fn new(steps: Vec<ScriptStep>, kind: Kind) -> Result<Self, String> {
        let actions: Vec<_> = steps.into_iter().map(action).collect();
        let sends = |action: &Action| matches!(action, Action::Send(_));
        let count = actions.iter().filter(|action| sends(action)).count();
        if !kind.has_many_requests() && (count != 1 || !actions.first().is_some_and(sends)) {
            return Err("a call with one request sends it in its first step".to_owned());
        }
        if !kind.has_many_replies() && actions.iter().any(|it| matches!(it, Action::Receive(_))) {
            return Err("a call with one reply receives nothing before its end".to_owned());
        }
        let mut behind = actions.iter().skip_while(|action| **action != Action::HalfClose);
        if behind.any(sends) {
            return Err("a message is sent behind half_close".to_owned());
        }
        Ok(Self(actions))
    }

    /// The messages that it sends.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter_map(|action| match action {
            Action::Send(message) => Some(&message[..]),
            _ => None,
        })
    }

    /// Begins a call with `begin` and does the steps.
    pub(crate) async fn run<F>(self, begin: impl FnOnce(Requests) -> F) -> CallEnd
    where
        F: Future<Output = Result<Replies, Status>> + Send + 'static,
    {
        let mut call = OpenCall::begin(begin);
        for action in self.0 {
            match action {
                Action::Send(message) => call.send(message),
                Action::HalfClose => call.half_close(),
                Action::Receive(count) => call.receive(count).await,
                Action::Pause(pause) => tokio::time::sleep(pause).await,
                Action::Cancel => return call.cancel().await,
            }
        }
        call.finish().await
    }
}

fn action(step: ScriptStep) -> Action {
    match step {
        ScriptStep::Send(message) => Action::Send(message.into_bytes()),
        ScriptStep::HalfClose(_) => Action::HalfClose,
        ScriptStep::Receive(count) => Action::Receive(count),
        ScriptStep::PauseMs(milliseconds) => Action::Pause(Duration::from_millis(milliseconds)),
        ScriptStep::Cancel(_) => Action::Cancel,
    }
}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::open_call::{Replies, Requests, one};
    use futures_util::{StreamExt, stream};
    use grpc_interop_protocol::{Kind, ScriptStep};
    use std::future::pending;
    use tonic::{Code, Response, Status};

    fn script(steps: &str, kind: Kind) -> Result<Script, String> {
        let steps: Vec<ScriptStep> = serde_json::from_str(steps).expect("steps");
        Script::new(steps, kind)
    }

    /// Responds to each message with itself.
    async fn echo(requests: Requests) -> Result<Replies, Status> {
        Ok(Box::pin(requests.map(Ok)))
    }

    #[test]
    fn what_a_kind_cannot_do_is_refused() {
        let cases = [
            ("[]", Kind::Unary, "in its first step"),
            (r#"[{"send": ""}, {"send": ""}]"#, Kind::ServerStreaming, "in its first step"),
            (r#"[{"pause_ms": 1}, {"send": ""}]"#, Kind::Unary, "in its first step"),
            (r#"[{"send": ""}, {"receive": 1}]"#, Kind::Unary, "receives nothing"),
            (r#"[{"receive": 1}]"#, Kind::ClientStreaming, "receives nothing"),
            (r#"[{"half_close": true}, {"send": ""}]"#, Kind::Bidirectional, "behind half_close"),
        ];
        for (steps, kind, reason) in cases {
            let error = script(steps, kind).expect_err(steps);
            assert!(error.contains(reason), "{steps}: {error}");
        }
        for steps in [
            r#"[{"snd": ""}]"#,
            r#"[{"send": "0"}]"#,
            r#"[{"cancel": false}]"#,
            r#"[{"receive": -1}]"#,
            r#"[{"pause_ms": -1}]"#,
        ] {
            assert!(serde_json::from_str::<Vec<ScriptStep>>(steps).is_err(), "{steps}");
        }
    }

    #[tokio::test]
    async fn steps_are_done_in_their_order() {
        let steps = r#"[{"send": "01"}, {"receive": 1}, {"send": "02"}, {"half_close": true}, {"receive": 9}]"#;
        let script = script(steps, Kind::Bidirectional).expect("legal");
        let (replies, end) = script.run(echo).await;
        assert_eq!(replies, [&[1][..], &[2]]);
        assert!(end.is_ok());
    }

    #[tokio::test]
    async fn the_rest_is_received_at_the_end() {
        let script = script(r#"[{"send": "07"}]"#, Kind::Unary).expect("legal");
        let last = |mut requests: Requests| async move {
            let first = requests.next().await.unwrap_or_default();
            Ok(one(Response::new(first)))
        };
        assert_eq!(script.run(last).await.0, [&[7][..]]);
    }

    #[tokio::test]
    async fn a_cancelled_call_tells_what_was_received() {
        let steps = r#"[{"send": "01"}, {"send": "02"}, {"receive": 1}, {"cancel": true}]"#;
        let steps = script(steps, Kind::Bidirectional).expect("legal");
        let (replies, end) = steps.run(echo).await;
        assert_eq!(replies, [&[1][..]]);
        assert_eq!(end.expect_err("cancelled").code(), Code::Cancelled);
        // Nor does it have to have begun.
        let steps = script(r#"[{"cancel": true}]"#, Kind::Bidirectional).expect("legal");
        let (replies, end) = steps.run(|_| pending()).await;
        assert_eq!((replies.len(), end.expect_err("cancelled").code()), (0, Code::Cancelled));
    }

    #[tokio::test]
    async fn a_message_for_a_call_that_has_ended_is_lost() {
        let steps = r#"[{"receive": 1}, {"send": "01"}, {"receive": 1}]"#;
        let steps = script(steps, Kind::Bidirectional).expect("legal");
        let refuse = |_| async {
            let replies: Replies =
                Box::pin(stream::iter([Ok(vec![5].into()), Err(Status::aborted("x"))]));
            Ok(replies)
        };
        let (replies, end) = steps.run(refuse).await;
        assert_eq!(replies, [&[5][..]]);
        assert_eq!(end.expect_err("aborted").code(), Code::Aborted);
    }
}

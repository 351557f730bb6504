//! The call that a client makes in a behaviour, or several equal calls.
//!
//! It has few options, because a behaviour tests the reaction to the server.

use grpc_interop_protocol as protocol;
use serde::Deserialize;

use crate::http2::{Hex, Value};

/// The method of the generated stub.
const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// The calls of a behaviour: the key `call`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Call {
    value: Option<Value>,
    message: Option<Hex>,
    method: String,
    /// The time until the deadline; 0 means no deadline.
    timeout_ms: f64,
    metadata: Vec<(String, String)>,
    /// The number of calls at once in each round. All rounds use the same channel.
    rounds: Vec<usize>,
}

impl Default for Call {
    fn default() -> Self {
        let (value, message) = (None, None);
        let method = SQUARE_ROOT.to_owned();
        Self { value, message, method, timeout_ms: 5_000.0, metadata: Vec::new(), rounds: vec![1] }
    }
}

impl Call {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.value.is_some() && self.message.is_some() {
            return Err("call: `value` and `message` exclude each other".to_owned());
        }
        if self.rounds.is_empty() || self.rounds.contains(&0) {
            let example = "such as [1, 10]; each at least 1";
            return Err(format!("rounds: list the number of calls in each round, {example}"));
        }
        if !self.timeout_ms.is_finite() || self.timeout_ms < 0.0 {
            let message = "timeout-ms: must be a number of milliseconds, or 0 for no deadline";
            return Err(message.to_owned());
        }
        Ok(())
    }

    /// Whether it is the call of the tutorial's client program, apart from the deadline.
    pub(crate) fn is_the_programs(&self) -> bool {
        let Self { value, message, method, timeout_ms: _, metadata, rounds } = self;
        value.is_none()
            && message.is_none()
            && method == SQUARE_ROOT
            && metadata.is_empty()
            && rounds[..] == [1]
    }

    /// Whether it is more than one call.
    pub(crate) fn is_repeated(&self) -> bool {
        self.rounds.iter().sum::<usize>() > 1
    }

    /// The time until the deadline in milliseconds, if there is one.
    pub(crate) fn timeout_ms(&self) -> Option<f64> {
        (self.timeout_ms > 0.0).then_some(self.timeout_ms)
    }

    /// The requests to an agent to make the calls to `address`, one for each round.
    pub(crate) fn requests(&self, address: &str) -> Vec<protocol::Request> {
        let call = self.one();
        let last = self.rounds.len() - 1;
        let round = |(index, times): (usize, &usize)| protocol::Request {
            keep_channels: index < last,
            calls: std::iter::repeat_n(call.clone(), *times).collect(),
            address: address.to_owned(),
            channels: 1,
            ..protocol::Request::default()
        };
        self.rounds.iter().enumerate().map(round).collect()
    }

    /// One call, as an agent makes it.
    fn one(&self) -> protocol::Call {
        /// The bits of 16.0.
        const SIXTEEN: &str = "41800000";
        let value = self.value.or(Value::from_hex(SIXTEEN));
        let message = match &self.message {
            Some(Hex(message)) => Some(message.clone()),
            // Other methods have no generated stub.
            None => value.filter(|_| self.method != SQUARE_ROOT).map(Value::message),
        };
        protocol::Call {
            method: self.method.clone(),
            value: value.filter(|_| message.is_none()).map(Value::hex),
            message: message.map(protocol::Message::from),
            timeout_ms: self.timeout_ms(),
            metadata: self.metadata.clone(),
            ..protocol::Call::default()
        }
    }
}

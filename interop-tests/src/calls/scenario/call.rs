//! A call of a scenario: what is asked, and of whom.
//!
//! The terse forms, `ask` and `message`, are for SquareRoot and other methods with one request and one
//! reply; `send` and `script` are for all kinds.

use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::expectation::Expectation;
use crate::calls::scenario::message::Message;
use crate::calls::scenario::method::Method;
use crate::calls::scenario::script;
use crate::calls::scenario::script::Step;
use crate::config::axes::Variant;
use crate::config::credentials::ClientTls;
use crate::config::server_options::Offering;
use crate::config::target::Target;
use crate::http2::message;
use crate::http2::value::Values;
use grpc_interop_protocol::{Keepalive, Kind, ScriptStep};

/// One call, or several at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The numbers to ask for, through the generated stub: one call each.
    ask: Option<Values>,
    /// A request's bytes in hex, sent as they are.
    message: Option<String>,
    /// With `ask`: the request is padded with an unknown field to this many bytes.
    size: Option<usize>,
    /// The requests of one call of any kind.
    send: Option<Sent>,
    /// What one call of any kind does, step by step.
    script: Option<Vec<Step>>,
    /// The kind of a method that is not known.
    kind: Option<Kind>,
    /// Whether the call is made through the generated stub, where that is not as usual.
    stub: Option<bool>,
    #[serde(default = "square_root")]
    method: String,
    #[serde(default = "default_timeout")]
    timeout_ms: f64,
    /// The call has no deadline.
    #[serde(default)]
    no_deadline: bool,
    /// `{trial}` in a value is a name that no other trial has.
    #[serde(default)]
    pub(crate) metadata: Vec<(String, String)>,
    /// The calls are spread over this many connections.
    #[serde(default = "one")]
    pub(crate) channels: usize,
    /// Each of the calls is made this many times.
    #[serde(default = "one")]
    times: usize,
    #[serde(default)]
    pub(crate) to: Target,
    #[serde(default)]
    wait_for_ready: bool,
    pub(crate) keepalive: Option<Keepalive>,
    /// How the client's side of TLS is not as usual.
    pub(crate) tls: Option<ClientTls>,
    /// Among `calls`: what is right for this one.
    pub(crate) expect: Option<Expectation>,
}

/// One message, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Sent {
    Many(Vec<Message>),
    One(Message),
}

impl Sent {
    fn messages(&self) -> &[Message] {
        match self {
            Self::Many(messages) => messages,
            Self::One(message) => std::slice::from_ref(message),
        }
    }
}

fn square_root() -> String {
    "/Calculator/SquareRoot".to_owned()
}

fn default_timeout() -> f64 {
    5_000.0
}

fn one() -> usize {
    1
}

/// What one call does.
enum Doing {
    Value(String),
    Message(String),
    Script { kind: Kind, stub: bool, script: Vec<ScriptStep> },
}

impl Call {
    /// The calls that an agent is told to make, at this point of the axes and in the trial that is
    /// called `trial`.
    pub(crate) fn calls(
        &self,
        variant: Variant,
        trial: &str,
    ) -> Result<Vec<grpc_interop_protocol::Call>, String> {
        let mut metadata = with_name(&self.metadata, trial);
        let compression = variant.compression.encoding();
        metadata.extend(
            compression.map(|it| ("x-interop-compression".to_owned(), it.name().to_owned())),
        );
        let call = |doing: Doing| {
            let call = grpc_interop_protocol::Call {
                method: self.method.clone(),
                timeout_ms: (!self.no_deadline).then_some(self.timeout_ms),
                metadata: metadata.clone(),
                compression,
                wait_for_ready: self.wait_for_ready.then_some(true),
                ..grpc_interop_protocol::Call::default()
            };
            match doing {
                Doing::Value(value) => grpc_interop_protocol::Call { value: Some(value), ..call },
                Doing::Message(message) => {
                    grpc_interop_protocol::Call { message: Some(message), ..call }
                }
                Doing::Script { kind, stub, script } => grpc_interop_protocol::Call {
                    kind: Some(kind),
                    stub: Some(stub),
                    script: Some(script),
                    ..call
                },
            }
        };
        let once: Vec<_> = self.doings()?.into_iter().map(call).collect();
        Ok(std::iter::repeat_n(once, self.times).flatten().collect())
    }

    /// Whether the replies are told as messages, and not as a value.
    pub(crate) fn has_replies(&self) -> bool {
        self.send.is_some() || self.script.is_some()
    }

    /// What the server has to have for it at this point of the axes.
    pub(crate) fn offerings(&self, variant: Variant) -> Vec<Offering> {
        if self.to != Target::Server {
            return Vec::new();
        }
        let compression = variant.compression.encoding().map(|_| Offering::TestBehaviour);
        Offering::of_call(&self.method, &self.metadata).into_iter().chain(compression).collect()
    }

    /// How many calls these are.
    pub(crate) fn count(&self) -> usize {
        self.ask.as_ref().map_or(1, |Values(values)| values.len()) * self.times
    }

    pub(crate) fn tls(&self) -> Option<&ClientTls> {
        self.tls.as_ref()
    }

    /// What the replies are, if that is known.
    pub(crate) fn reply(&self) -> Option<MessageDescriptor> {
        Method::at(&self.method).ok().map(|method| method.reply())
    }

    /// Whether it mostly waits: for a pause of its own, for the server's, or for its deadline.
    pub(crate) fn waits(&self) -> bool {
        let asks_to_wait = |(key, _): &(String, String)| {
            ["x-interop-delay-ms", "x-interop-observed"].contains(&&key[..])
        };
        self.to == Target::SilentPort
            || self.metadata.iter().any(asks_to_wait)
            || self.script.iter().flatten().any(Step::pauses)
    }

    /// For each call what it does.
    fn doings(&self) -> Result<Vec<Doing>, String> {
        match (&self.ask, &self.message, self.size, &self.send, &self.script) {
            (Some(Values(values)), None, None, None, None) if !values.is_empty() => {
                Ok(values.iter().map(|value| Doing::Value(value.hex())).collect())
            }
            (Some(Values(values)), None, Some(size), None, None) => {
                let padded = |value| Ok(Doing::Message(hex::encode(message::padded(value, size)?)));
                values.iter().map(|value| padded(*value)).collect()
            }
            (None, Some(message), None, None, None) => Ok(vec![Doing::Message(message.clone())]),
            (None, None, None, Some(sent), None) => {
                let steps: Vec<_> = sent.messages().iter().cloned().map(Step::Send).collect();
                self.scripted(&steps).map(|doing| vec![doing])
            }
            (None, None, None, None, Some(steps)) => self.scripted(steps).map(|doing| vec![doing]),
            _ => Err(
                "a call has `ask`, `ask` and `size`, or `message`; or, for any kind of method, \
                      `send` or `script`"
                    .to_owned(),
            ),
        }
    }

    fn scripted(&self, steps: &[Step]) -> Result<Doing, String> {
        let method = match (self.kind, Method::at(&self.method)) {
            (None, Err(unknown)) => return Err(unknown),
            (Some(_), Ok(_)) => return Err("kind: that of this method is known".to_owned()),
            (_, method) => method.ok(),
        };
        let kind = self.kind.or_else(|| Some(method.as_ref()?.kind())).unwrap_or(Kind::Unary);
        let request = method.as_ref().map(Method::request);
        let mut script = Vec::new();
        for step in steps {
            step.write(request.as_ref(), &mut script).map_err(|why| format!("send: {why}"))?;
        }
        script::check(&script, kind)?;
        let has_stub = method.is_some_and(|method| method.has_stub());
        let stub = has_stub && !steps.iter().any(Step::is_raw);
        Ok(Doing::Script { kind, stub: self.stub.unwrap_or(stub), script })
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.times == 0 || self.channels == 0 {
            return Err("`times` and `channels` are at least 1".to_owned());
        }
        if self.kind.is_some() && !self.has_replies() {
            return Err("kind: it goes with `send` or `script`".to_owned());
        }
        self.calls(Variant::default(), "").map(drop)
    }
}

/// `metadata` with the name of a trial wherever it asks for one.
pub(crate) fn with_name(metadata: &[(String, String)], trial: &str) -> Vec<(String, String)> {
    let named = |(key, value): &(String, String)| (key.clone(), value.replace("{trial}", trial));
    metadata.iter().map(named).collect()
}

//! A call of a scenario: its method, messages, options and destination.
//!
//! The short forms `ask` and `message` are for SquareRoot and other unary methods; `send` and `script` are for all
//! kinds of methods.

use grpc_interop_protocol::{self as protocol, Keepalive, Kind, ScriptStep, True};
use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::expectation::{Expectation, metadata::for_trial, replies::ReplyForm};
use crate::calls::message::Message;
use crate::calls::methods::{Method, Methods};
use crate::config::{Capability, ClientTls, Target, Variant};
use crate::http2::{Hex, Value, Values, body::padded};

/// One call, or several equal calls at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The numbers to send through the generated stub, one call each.
    ask: Option<Values>,
    /// The bytes of the request.
    message: Option<Hex>,
    /// With `ask`: pads the request with an unknown field to this size in bytes.
    size: Option<usize>,
    /// The requests of one call of any kind of method.
    send: Option<Message>,
    /// The steps of one call of any kind of method.
    script: Option<Vec<ScriptEntry>>,
    /// The kind of a method that no .proto file declares.
    kind: Option<Kind>,
    /// Whether to make the call through the generated stub. The default is to do so if possible.
    stub: Option<bool>,
    #[serde(default = "square_root")]
    method: String,
    #[serde(default = "default_timeout")]
    timeout_ms: f64,
    /// Whether the call has no deadline.
    #[serde(default)]
    no_deadline: bool,
    /// The metadata. `{trial}` in a value is replaced by the unique name of the trial.
    #[serde(default)]
    metadata: Vec<(String, String)>,
    /// The number of connections over which the calls are spread.
    #[serde(default = "one")]
    pub(crate) channels: usize,
    /// How many times each call is made.
    #[serde(default = "one")]
    times: usize,
    #[serde(default)]
    pub(crate) to: Target,
    #[serde(default)]
    wait_for_ready: bool,
    pub(crate) keepalive: Option<Keepalive>,
    /// The client's credentials, if they differ from the default.
    pub(crate) tls: Option<ClientTls>,
    /// In `calls`: the expected outcome of this call.
    pub(crate) expect: Option<Expectation>,
    /// The method, or why it is not known.
    #[serde(skip, default = "not_looked_up")]
    declared: Result<Method, String>,
}

fn not_looked_up() -> Result<Method, String> {
    Err("the method was not looked up".to_owned())
}

/// The error for a call without a request, or with more than one form of it.
const FORMS: &str = "a call needs `ask`, `ask` and `size`, or `message`; or `send` or `script`, for any kind of \
                     method";

fn square_root() -> String {
    "/Calculator/SquareRoot".to_owned()
}

fn default_timeout() -> f64 {
    5_000.0
}

fn one() -> usize {
    1
}

impl Call {
    /// Looks up its method.
    pub(crate) fn look_up(&mut self, methods: &Methods) {
        self.declared = methods.find(&self.method);
    }

    /// The calls that the agent makes with this transport and compression, in the trial with this unique name.
    pub(crate) fn calls(
        &self,
        variant: Variant,
        trial: &str,
    ) -> Result<Vec<protocol::Call>, String> {
        let compression = variant.compression.encoding();
        let directive =
            compression.map(|it| ("x-interop-compression".to_owned(), it.name().to_owned()));
        let call = protocol::Call {
            method: self.method.clone(),
            timeout_ms: (!self.no_deadline).then_some(self.timeout_ms),
            metadata: for_trial(&self.metadata, trial).into_iter().chain(directive).collect(),
            compression,
            wait_for_ready: self.wait_for_ready.then_some(true),
            ..protocol::Call::default()
        };
        let once = match (&self.ask, &self.message, self.size, &self.send, &self.script) {
            (Some(Values(values)), None, size, None, None) if !values.is_empty() => {
                let call = |value: &Value| {
                    let mut call = call.clone();
                    match size {
                        None => call.value = Some(value.hex()),
                        Some(size) => call.message = Some(padded(*value, size)?.into()),
                    }
                    Ok(call)
                };
                values.iter().map(call).collect::<Result<_, String>>()?
            }
            (None, Some(Hex(message)), None, None, None) => {
                vec![protocol::Call { message: Some(message.clone().into()), ..call }]
            }
            (None, None, None, Some(requests), None) => {
                vec![self.with_script(&[ScriptEntry::Send(requests.clone())], call)?]
            }
            (None, None, None, None, Some(entries)) => vec![self.with_script(entries, call)?],
            _ => return Err(FORMS.to_owned()),
        };
        Ok(std::iter::repeat_n(once, self.times).flatten().collect())
    }

    fn with_script(
        &self,
        entries: &[ScriptEntry],
        call: protocol::Call,
    ) -> Result<protocol::Call, String> {
        let method = match (self.kind, &self.declared) {
            (None, Err(unknown)) => return Err(unknown.clone()),
            (Some(kind), Ok(method)) if kind != method.kind() => {
                return Err("kind: a .proto file declares the method with another kind".to_owned());
            }
            (_, method) => method.as_ref().ok(),
        };
        let request = method.map(|method| method.descriptor.input());
        let script = steps(entries, request.as_ref()).map_err(|why| format!("send: {why}"))?;
        let kind = self.kind.or(method.map(Method::kind)).unwrap_or(Kind::Unary);
        check(&script, kind)?;
        let has_stub = method.is_some_and(|method| method.has_stub);
        let stub = has_stub && !entries.iter().any(ScriptEntry::is_raw);
        let (kind, stub) = (Some(kind), Some(self.stub.unwrap_or(stub)));
        Ok(protocol::Call { kind, stub, script: Some(script), ..call })
    }

    fn is_scripted(&self) -> bool {
        self.send.is_some() || self.script.is_some()
    }

    /// The form in which the agent reports the responses.
    pub(crate) fn reply_form(&self) -> ReplyForm {
        if !self.is_scripted() {
            return ReplyForm::Root;
        }
        ReplyForm::Messages(self.declared.as_ref().ok().map(|method| method.descriptor.output()))
    }

    /// The capabilities that the server needs for the call with this transport and compression.
    pub(crate) fn capabilities(&self, variant: Variant) -> Vec<Capability> {
        if self.to != Target::Server {
            return Vec::new();
        }
        let compression = variant.compression.encoding().map(|_| Capability::TestBehaviour);
        Capability::for_call(&self.method, &self.metadata).into_iter().chain(compression).collect()
    }

    /// The number of calls.
    pub(crate) fn count(&self) -> usize {
        self.ask.as_ref().map_or(1, |Values(values)| values.len()) * self.times
    }

    /// Whether the call mostly waits: because the client or the server pauses, or for its deadline.
    pub(crate) fn waits(&self) -> bool {
        let directives = ["x-interop-delay-ms", "x-interop-observed"];
        self.to == Target::SilentPort
            || self.metadata.iter().any(|(key, _)| directives.contains(&key.as_str()))
            || self.script.iter().flatten().any(ScriptEntry::pauses)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.times == 0 || self.channels == 0 {
            return Err("`times` and `channels` must be at least 1".to_owned());
        }
        if self.kind.is_some() && !self.is_scripted() {
            return Err("kind: allowed only together with `send` or `script`".to_owned());
        }
        self.calls(Variant::default(), "").map(drop)
    }
}

/// One entry of a `script`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScriptEntry {
    Send(Message),
    /// Waits until this number of further responses has arrived, or the call has ended.
    Receive(usize),
    PauseMs(u64),
    HalfClose(True),
    Cancel(True),
    Repeat(Repeat),
}

/// Entries that are repeated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    times: usize,
    script: Vec<ScriptEntry>,
}

/// Converts `entries` to steps of the agent. `of` is the type of the messages.
pub(crate) fn steps(
    entries: &[ScriptEntry],
    of: Option<&MessageDescriptor>,
) -> Result<Vec<ScriptStep>, String> {
    let mut script = Vec::new();
    for entry in entries {
        match entry {
            ScriptEntry::Send(message) => {
                let messages = message.encoded(of)?;
                script.extend(messages.iter().map(|bytes| ScriptStep::Send(bytes.clone().into())));
            }
            ScriptEntry::Receive(count) => script.push(ScriptStep::Receive(*count)),
            ScriptEntry::PauseMs(pause) => script.push(ScriptStep::PauseMs(*pause)),
            ScriptEntry::HalfClose(True) => script.push(ScriptStep::HalfClose(True)),
            ScriptEntry::Cancel(True) => script.push(ScriptStep::Cancel(True)),
            ScriptEntry::Repeat(Repeat { times, script: repeated }) => {
                let once = steps(repeated, of)?;
                script.extend(std::iter::repeat_n(once, *times).flatten());
            }
        }
    }
    Ok(script)
}

impl ScriptEntry {
    /// Whether it contains a pause.
    pub(crate) fn pauses(&self) -> bool {
        self.any(&|entry| matches!(entry, Self::PauseMs(_)))
    }

    /// Whether it sends a message that is written as bytes.
    pub(crate) fn is_raw(&self) -> bool {
        self.any(&|entry| matches!(entry, Self::Send(message) if message.is_raw()))
    }

    /// Whether `condition` holds for this entry or for one that it repeats.
    fn any(&self, condition: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::Repeat(Repeat { script, .. }) => script.iter().any(|it| it.any(condition)),
            entry => condition(entry),
        }
    }
}

/// Checks that a call of a method of this kind can run `script`.
pub(crate) fn check(script: &[ScriptStep], kind: Kind) -> Result<(), String> {
    let is_send = |step: &ScriptStep| matches!(step, ScriptStep::Send(_));
    let sends = script.iter().filter(|step| is_send(step)).count();
    let position = |is_meant: fn(&ScriptStep) -> bool| script.iter().position(is_meant);
    let closed = position(|step| matches!(step, ScriptStep::HalfClose(_)));
    let cancelled = position(|step| matches!(step, ScriptStep::Cancel(_)));
    let receives = position(|step| matches!(step, ScriptStep::Receive(_))).is_some();
    let wrong = if !kind.has_many_requests() && (sends != 1 || !script.first().is_some_and(is_send))
    {
        "a call with a single request must begin with `send` and send nothing else"
    } else if receives && !kind.has_many_replies() {
        "`receive` is allowed only if the method streams its responses"
    } else if closed.is_some_and(|at| script[at..].iter().any(is_send)) {
        "`send` is not allowed after `half_close`"
    } else if cancelled.is_some_and(|at| at + 1 != script.len()) {
        "`cancel` must be the last entry of a script"
    } else {
        return Ok(());
    };
    Err(wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connection::Compression;

    fn calls(table: &str) -> Result<Vec<protocol::Call>, String> {
        let mut call: Call = toml::from_str(table).unwrap();
        call.look_up(&Methods::with(None).unwrap());
        call.check()?;
        let calls = call.calls(Variant::default(), "7-1")?;
        assert_eq!(calls.len(), call.count());
        Ok(calls)
    }

    #[test]
    fn each_number_is_a_call_of_its_own() {
        let calls = calls("ask = [1, 4]\ntimes = 2").unwrap();
        let values: Vec<_> = calls.iter().map(|call| call.value.as_deref().unwrap()).collect();
        assert_eq!(values, ["3f800000", "40800000", "3f800000", "40800000"]);
        assert_eq!(calls[0].timeout_ms, Some(5_000.0));
        assert_eq!(calls[0].method, "/Calculator/SquareRoot");
    }

    #[test]
    fn the_kind_must_be_that_of_the_declaration() {
        let call = |kind: &str| calls(&format!("kind = \"{kind}\"\nsend = 16.0"));
        assert_eq!(call("unary").unwrap()[0].kind, Some(Kind::Unary));
        assert!(
            call("bidirectional").unwrap_err().ends_with("declares the method with another kind")
        );
    }

    #[test]
    fn the_generated_stub_is_used_where_it_can_send_the_messages() {
        let stub = |table| calls(table).unwrap()[0].stub;
        assert_eq!(stub("send = 16.0"), Some(true));
        assert_eq!(stub("send = 16.0\nstub = false"), Some(false));
        assert_eq!(stub("send = \"0d00008041\""), Some(false));
        let health = "method = \"/grpc.health.v1.Health/Check\"\nsend = {}";
        assert_eq!(stub(health), Some(false));
        assert_eq!(calls(health).unwrap()[0].kind, Some(Kind::Unary));
    }

    #[test]
    fn an_impossible_call_is_rejected() {
        let error = |table| calls(table).unwrap_err();
        assert!(error("").starts_with("a call needs `ask`"));
        assert!(error("ask = []").starts_with("a call needs `ask`"));
        assert!(error("ask = 1\ntimes = 0").starts_with("`times` and"));
        assert!(error("ask = 1\nkind = \"unary\"").starts_with("kind: allowed only together"));
        assert!(
            error("method = \"/A/B\"\nsend = \"\"")
                .starts_with("method: no .proto file has the method `/A/B`")
        );
        assert!(error("ask = 16\nsize = 5").starts_with("size: "));
        let wrong = toml::from_str::<Call>("send = true").unwrap_err();
        assert_eq!(wrong.message(), "a message must be a number, a table or hex digits");
    }

    #[test]
    fn what_a_server_needs_follows_from_the_call() {
        let gzip = Variant { compression: Compression::Gzip, ..Variant::default() };
        let capabilities =
            |table, variant| toml::from_str::<Call>(table).unwrap().capabilities(variant);
        assert_eq!(capabilities("ask = 1", Variant::default()), []);
        assert_eq!(capabilities("ask = 1", gzip), [Capability::TestBehaviour]);
        assert_eq!(capabilities("ask = 1\nto = \"closed-port\"", gzip), []);
    }

    #[test]
    fn metadata_names_the_trial_and_the_compression() {
        let gzip = Variant { compression: Compression::Gzip, ..Variant::default() };
        let call: Call = toml::from_str("ask = 1\nmetadata = [[\"a\", \"{trial}\"]]").unwrap();
        let metadata = call.calls(gzip, "7-1").unwrap().remove(0).metadata;
        let expected = [("a", "7-1"), ("x-interop-compression", "gzip")];
        assert_eq!(metadata, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    fn read(script: &str) -> Result<Vec<ScriptStep>, String> {
        #[derive(Deserialize)]
        struct Table {
            script: Vec<ScriptEntry>,
        }
        let table: Table =
            toml::from_str(&format!("script = {script}")).map_err(|it| it.message().to_owned())?;
        steps(&table.script, None)
    }

    #[test]
    fn repeated_entries_are_written_out() {
        let script =
            read("[{ repeat = { times = 2, script = [{ send = \"0d\" }, { receive = 1 }] } }]");
        let once = [ScriptStep::Send(vec![0x0d].into()), ScriptStep::Receive(1)];
        assert_eq!(script.unwrap(), [once.clone(), once].concat());
        assert!(read("[{ cancel = false }]").unwrap_err().contains("must be true"));
    }

    #[test]
    fn a_script_has_to_fit_the_kind() {
        let check = |script, kind| check(&read(script).unwrap(), kind);
        let one = "[{ send = \"\" }]";
        assert_eq!(check(one, Kind::Unary), Ok(()));
        let late = "[{ pause_ms = 1 }, { send = \"\" }]";
        assert!(
            check(late, Kind::ServerStreaming).unwrap_err().starts_with("a call with a single")
        );
        assert_eq!(check(late, Kind::ClientStreaming), Ok(()));
        let receiving = "[{ send = \"\" }, { receive = 1 }]";
        assert!(check(receiving, Kind::ClientStreaming).unwrap_err().starts_with("`receive`"));
        assert_eq!(check(receiving, Kind::Bidirectional), Ok(()));
        let closed = "[{ half_close = true }, { send = \"\" }]";
        assert!(check(closed, Kind::Bidirectional).unwrap_err().starts_with("`send` is not"));
        let cancelled = "[{ cancel = true }, { receive = 1 }]";
        assert!(check(cancelled, Kind::Bidirectional).unwrap_err().starts_with("`cancel` must"));
    }
}

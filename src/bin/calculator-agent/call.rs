//! One call of a scenario, from its line to its outcome.
//!
//! The agent reports what a user of the client sees and judges nothing: what is right stands in the
//! harness, once for all languages.

use std::time::{Duration, Instant};

use calculator::Number;
use calculator::grpcio::client::{Compression, GrpcioChannel, MethodKind, WaitForReady};
use calculator::grpcio::{client, status};
use calculator::rpc::calculator_client::CalculatorClient;
use http::uri::PathAndQuery;
use tonic::{Request, Response, Status};

use crate::recorder::Recorder;
use crate::script::Script;
use crate::stub::Method;
use crate::{details, metadata, raw};
use grpc_interop_protocol::{Call, CallOutcome, Encoding, Kind};

/// A status that no server can send: the client itself refused to start the call.
const CLIENT_ERROR: &str = "CLIENT_ERROR";

/// The method that a value is for.
const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// What a call sends, and how.
enum Payload {
    /// Through the generated stub.
    Number(Number),
    /// As they are, to any method.
    Bytes(Vec<u8>),
    /// Step by step, through a stub.
    OfStub(Method, Script),
    /// Step by step, as they are, to any method.
    OfBytes(Kind, Script),
}

/// A call that is ready to be made.
pub(crate) struct Prepared {
    call: Call,
    payload: Payload,
}

/// What came of a call that the client has started.
#[derive(Default)]
struct Answer {
    value: Option<Number>,
    replies: Option<Vec<Vec<u8>>>,
    end: Option<Status>,
}

impl Prepared {
    /// Reads the payload; the error says what the agent cannot do.
    pub(crate) fn new(call: Call) -> Result<Self, String> {
        let payload = match &call {
            Call {
                value: Some(bits), message: None, kind: None, stub: None, script: None, ..
            } => {
                if call.method != SQUARE_ROOT {
                    return Err(format!("the stub has no method {} for a value", call.method));
                }
                let value = u32::from_str_radix(bits, 16)
                    .map_err(|error| format!("value {bits}: {error}"))?;
                Payload::Number(Number { value: f32::from_bits(value) })
            }
            Call {
                value: None,
                message: Some(bytes),
                kind: None,
                stub: None,
                script: None,
                ..
            } => Payload::Bytes(hex::decode(bytes).map_err(|error| format!("message: {error}"))?),
            Call { value: None, message: None, kind: Some(kind), script: Some(script), .. } => {
                let script = Script::new(script, *kind)?;
                if call.stub == Some(true) {
                    Payload::OfStub(method(&call.method, *kind, &script)?, script)
                } else {
                    Payload::OfBytes(*kind, script)
                }
            }
            _ => return Err("a call has a value, or a message, or a kind and a script".to_owned()),
        };
        Ok(Self { call, payload })
    }

    /// Makes the call on `channel` and waits for its end.
    pub(crate) async fn run(self, channel: GrpcioChannel) -> CallOutcome {
        let recorder = Recorder::new(channel);
        let start = Instant::now();
        let answer = self.answer(recorder.clone()).await;
        let elapsed_ms = start.elapsed().as_secs_f64() * 1000.0;
        let (status, message, answer) = match answer {
            Ok(Answer { end: Some(status), value, replies }) => {
                let answer = Answer { end: None, value, replies };
                (status::name(status.code()), status.message().to_owned(), answer)
            }
            Ok(answer) => ("OK", String::new(), answer),
            Err(refused) => (CLIENT_ERROR, refused, Answer::default()),
        };
        let fields = recorder.recorded();
        let details = answer.replies.as_ref().and_then(|_| details::of(&fields.trailing));
        CallOutcome {
            status: status.to_owned(),
            message,
            value: answer.value.map(|number| format!("{:08x}", number.value.to_bits())),
            replies: answer.replies.map(|replies| replies.iter().map(hex::encode).collect()),
            details,
            initial_metadata: metadata::of(&fields.initial),
            trailing_metadata: metadata::of(&fields.trailing),
            elapsed_ms,
        }
    }

    async fn answer(self, recorder: Recorder) -> Result<Answer, String> {
        let Self { call, payload } = self;
        let mut request = request(&call)?;
        let path = || call.method.parse::<PathAndQuery>().map_err(|error| error.to_string());
        let (replies, end) = match payload {
            Payload::Number(number) => {
                let mut stub = CalculatorClient::new(recorder);
                return Ok(one(stub.square_root(request.map(|()| number)).await));
            }
            Payload::Bytes(bytes) => {
                request.extensions_mut().insert(MethodKind::Unary);
                let request = request.map(|()| bytes);
                return Ok(one(raw::for_number(recorder, request, path()?).await));
            }
            Payload::OfStub(method, script) => {
                let begin = |requests| method.begin(recorder, request.map(|()| requests));
                script.run(begin).await
            }
            Payload::OfBytes(kind, script) => {
                request.extensions_mut().insert(answer_kind(kind));
                let path = path()?;
                let begin = |requests| raw::begin(recorder, request.map(|()| requests), path, kind);
                script.run(begin).await
            }
        };
        Ok(Answer { value: None, replies: Some(replies), end: end.err() })
    }
}

/// The method that there is a stub of, if it reads all messages of the script.
fn method(path: &str, kind: Kind, script: &Script) -> Result<Method, String> {
    let method = Method::at(path).ok_or_else(|| format!("there is no stub of {path}"))?;
    if method.kind() != kind {
        return Err(format!("the stub of {path} is {:?}, not {kind:?}", method.kind()));
    }
    for message in script.messages() {
        method.check(message).map_err(|error| {
            format!("the stub of {path} cannot send {}: {error}", hex::encode(message))
        })?;
    }
    Ok(method)
}

fn answer_kind(kind: Kind) -> MethodKind {
    if kind.has_many_replies() { MethodKind::ServerStreaming } else { MethodKind::Unary }
}

fn one(answer: Result<Response<Number>, Status>) -> Answer {
    match answer {
        Ok(number) => Answer { value: Some(number.into_inner()), ..Answer::default() },
        Err(status) => Answer { end: Some(status), ..Answer::default() },
    }
}

/// The request without its messages; the error is that the client refuses it.
fn request(call: &Call) -> Result<Request<()>, String> {
    let timeout = match call.timeout_ms {
        None => None,
        Some(milliseconds) => Some(
            Duration::try_from_secs_f64(milliseconds / 1000.0)
                .map_err(|error| format!("timeout_ms {milliseconds}: {error}"))?,
        ),
    };
    let mut request = client::request((), timeout);
    metadata::add(&call.metadata, request.metadata_mut())?;
    let extensions = request.extensions_mut();
    match call.compression {
        None => {}
        Some(Encoding::Gzip) => drop(extensions.insert(Compression::Gzip)),
        Some(Encoding::Deflate) => drop(extensions.insert(Compression::Deflate)),
    }
    if call.wait_for_ready == Some(true) {
        extensions.insert(WaitForReady);
    }
    Ok(request)
}

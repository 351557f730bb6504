//! One call, from the request of the tool to the outcome.
//!
//! The agent reports what a user of the client observes and judges nothing: the expectations are stated
//! in the tool, once for all languages.

use std::time::{Duration, Instant};

use calculator::Number;
use calculator::grpcio::client::{Compression, GrpcioChannel, MethodKind, WaitForReady};
use calculator::grpcio::{client, status};
use calculator::rpc::calculator_client::CalculatorClient;
use http::uri::PathAndQuery;
use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use crate::recorder::Recorder;
use crate::script::Script;
use crate::stub::Method;
use crate::{details, metadata, raw};
use grpc_interop_protocol::{Call, CallOutcome, Encoding, Kind, Message, hex};

/// In the place of a status: the client itself refused to start the call.
const CLIENT_ERROR: &str = "CLIENT_ERROR";

/// The method whose request is a value.
const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// What a call sends, and how.
enum Payload {
    /// A number, through the generated stub.
    Number(Number),
    /// Bytes, to any method.
    Bytes(Bytes),
    /// A script, through the generated stub.
    OfStub(Method, Script),
    /// A script whose messages are bytes, to any method.
    OfBytes(Kind, Script),
}

/// A call that is ready to be made.
pub(crate) struct Prepared {
    call: Call,
    payload: Payload,
}

/// The end of a call that the client has started.
#[derive(Default)]
struct Ended {
    value: Option<Number>,
    replies: Option<Vec<Bytes>>,
    /// The status, unless it is OK.
    error: Option<Status>,
}

impl Prepared {
    /// Reads the payload; the error is what the agent cannot do.
    pub(crate) fn new(mut call: Call) -> Result<Self, String> {
        let (message, script) = (call.message.take(), call.script.take());
        let payload = match (&call, message, script) {
            (Call { value: Some(bits), kind: None, stub: None, .. }, None, None) => {
                if call.method != SQUARE_ROOT {
                    return Err(format!("the stub has no method {} for a value", call.method));
                }
                let value = u32::from_str_radix(bits, 16)
                    .map_err(|error| format!("value {bits}: {error}"))?;
                Payload::Number(Number { value: f32::from_bits(value) })
            }
            (Call { value: None, kind: None, stub: None, .. }, Some(message), None) => {
                Payload::Bytes(message.into_bytes())
            }
            (Call { value: None, kind: Some(kind), .. }, None, Some(script)) => {
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
        let ended = self.make(recorder.clone()).await;
        let elapsed_ms = start.elapsed().as_secs_f64() * 1000.0;
        let (status, message, ended) = match ended {
            Ok(Ended { error: Some(status), value, replies }) => {
                let ended = Ended { error: None, value, replies };
                (status::name(status.code()), status.message().to_owned(), ended)
            }
            Ok(ended) => ("OK", String::new(), ended),
            Err(refused) => (CLIENT_ERROR, refused, Ended::default()),
        };
        let fields = recorder.recorded();
        let details = ended.replies.as_ref().and_then(|_| details::of(&fields.trailing));
        CallOutcome {
            status: status.to_owned(),
            message,
            value: ended.value.map(|number| format!("{:08x}", number.value.to_bits())),
            replies: ended.replies.map(|replies| replies.into_iter().map(Message::from).collect()),
            details,
            initial_metadata: metadata::of(&fields.initial),
            trailing_metadata: metadata::of(&fields.trailing),
            elapsed_ms,
        }
    }

    async fn make(self, recorder: Recorder) -> Result<Ended, String> {
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
                request.extensions_mut().insert(method_kind(kind));
                let path = path()?;
                let begin = |requests| raw::begin(recorder, request.map(|()| requests), path, kind);
                script.run(begin).await
            }
        };
        Ok(Ended { value: None, replies: Some(replies), error: end.err() })
    }
}

/// The stub for this method; the error is that there is none, or that it cannot send the messages.
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

fn method_kind(kind: Kind) -> MethodKind {
    match kind {
        Kind::Unary => MethodKind::Unary,
        Kind::ClientStreaming => MethodKind::ClientStreaming,
        Kind::ServerStreaming => MethodKind::ServerStreaming,
        Kind::Bidirectional => MethodKind::Bidirectional,
    }
}

fn one(response: Result<Response<Number>, Status>) -> Ended {
    match response {
        Ok(number) => Ended { value: Some(number.into_inner()), ..Ended::default() },
        Err(status) => Ended { error: Some(status), ..Ended::default() },
    }
}

/// The request without its messages; the error is why the client refuses it.
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

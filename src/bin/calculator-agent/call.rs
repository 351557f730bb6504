//! One call of a scenario, from its line to its outcome.
//!
//! The agent reports what a user of the client sees and judges nothing: what is right stands in the
//! harness, once for all languages.

use std::time::{Duration, Instant};

use calculator::client::ParityChannel;
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::{Number, client, status};
use http::uri::PathAndQuery;
use tonic::{Request, Response, Status};

use crate::protocol::{Call, CallOutcome};
use crate::raw::RawCodec;
use crate::recorder::Recorder;
use crate::{hex, metadata};

/// A status that no server can send: the client itself refused to start the call.
const CLIENT_ERROR: &str = "CLIENT_ERROR";

/// What a call sends.
pub(crate) enum Payload {
    /// Through the generated stub.
    Number(Number),
    /// As they are, to any method.
    Bytes(Vec<u8>),
}

/// A call that is ready to be made.
pub(crate) struct Prepared {
    call: Call,
    payload: Payload,
}

impl Prepared {
    /// Reads the payload; the error says what the agent cannot do.
    pub(crate) fn new(call: Call) -> Result<Self, String> {
        let payload = match (&call.value, &call.message) {
            (Some(bits), None) => {
                let value = u32::from_str_radix(bits, 16)
                    .map_err(|error| format!("value {bits}: {error}"))?;
                Payload::Number(Number { value: f32::from_bits(value) })
            }
            (None, Some(bytes)) => {
                Payload::Bytes(hex::decode(bytes).map_err(|error| format!("message: {error}"))?)
            }
            _ => return Err("a call has exactly one of value and message".to_owned()),
        };
        Ok(Self { call, payload })
    }

    /// Makes the call on `channel` and waits for its end.
    pub(crate) async fn run(self, channel: ParityChannel) -> CallOutcome {
        let recorder = Recorder::new(channel);
        let start = Instant::now();
        let answer = self.answer(recorder.clone()).await;
        let elapsed_ms = start.elapsed().as_secs_f64() * 1000.0;
        let (status, message, value) = match answer {
            Ok(Ok(number)) => ("OK", String::new(), Some(number)),
            Ok(Err(status)) => (status::name(status.code()), status.message().to_owned(), None),
            Err(refused) => (CLIENT_ERROR, refused, None),
        };
        let answer = recorder.recorded();
        CallOutcome {
            status,
            message,
            value: value.map(|number| format!("{:08x}", number.value.to_bits())),
            initial_metadata: metadata::of(&answer.initial),
            trailing_metadata: metadata::of(&answer.trailing),
            elapsed_ms,
        }
    }

    async fn answer(self, recorder: Recorder) -> Result<Result<Number, Status>, String> {
        let Self { call, payload } = self;
        let timeout = match call.timeout_ms {
            None => None,
            Some(milliseconds) => Some(
                Duration::try_from_secs_f64(milliseconds / 1000.0)
                    .map_err(|error| format!("timeout_ms {milliseconds}: {error}"))?,
            ),
        };
        Ok(match payload {
            Payload::Number(number) => {
                let request = request(number, timeout, &call)?;
                let mut stub = CalculatorClient::new(recorder);
                stub.square_root(request).await
            }
            Payload::Bytes(bytes) => {
                let request = request(bytes, timeout, &call)?;
                let path =
                    call.method.parse::<PathAndQuery>().map_err(|error| error.to_string())?;
                raw_unary(recorder, request, path).await
            }
        }
        .map(Response::into_inner))
    }
}

fn request<T>(message: T, timeout: Option<Duration>, call: &Call) -> Result<Request<T>, String> {
    let mut request = client::request(message, timeout);
    metadata::add(&call.metadata, request.metadata_mut())?;
    Ok(request)
}

async fn raw_unary(
    recorder: Recorder,
    request: Request<Vec<u8>>,
    path: PathAndQuery,
) -> Result<Response<Number>, Status> {
    let mut grpc = tonic::client::Grpc::new(recorder);
    grpc.ready().await.map_err(Status::from_error)?;
    grpc.unary(request, path, RawCodec).await
}

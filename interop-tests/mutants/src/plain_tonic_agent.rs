//! A client agent with plain tonic and prost, as it would be without this project.
//!
//! Its stub is written by hand, like that of the plain server, because the generated one uses the message type of the
//! project.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use calculator::grpcio::status::name;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, AsciiMetadataValue, Binary, BinaryMetadataValue, MetadataKey};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use grpc_interop_protocol::{self as protocol, Call, CallOutcome, Metadata, Outcome, hex};
use interop_rivals::plain_tonic::Number;

/// Header fields of the gRPC protocol, which are not metadata.
const TRANSPORT: [&str; 5] =
    ["content-type", "grpc-accept-encoding", "grpc-encoding", "grpc-message", "grpc-status"];

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> ExitCode {
    let (mut stdin, mut stdout) = (std::io::stdin().lock(), std::io::stdout());
    while let Some(request) = protocol::Request::read(&mut stdin).expect("the request is invalid") {
        let outcome = outcome(&request).await.unwrap_or_else(Outcome::not_supported);
        let written = outcome.write().expect("an outcome can be serialized");
        stdout.write_all(&written).expect("cannot write to the tool");
    }
    ExitCode::SUCCESS
}

/// Makes the call of `request`. The error is the feature that this agent does not support.
async fn outcome(request: &protocol::Request) -> Result<Outcome, String> {
    let [Call { value: Some(bits), timeout_ms, metadata, .. }] = &request.calls[..] else {
        return Err("a request other than a single call with a number".to_owned());
    };
    let value = f32::from_bits(u32::from_str_radix(bits, 16).expect("the value is hexadecimal"));
    let mut number = Request::new(Number { value });
    if let Some(timeout) = timeout_ms {
        number.set_timeout(Duration::from_secs_f64(timeout / 1000.0));
    }
    for (key, value) in metadata {
        add(key, value, number.metadata_mut()).ok_or_else(|| format!("metadata {key}"))?;
    }
    let address = format!("http://{}", request.address);
    let channel = Endpoint::from_shared(address).expect("the address is valid").connect_lazy();
    let begin = std::time::Instant::now();
    let response = tokio::spawn(square_root(channel, number)).await;
    let elapsed_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let (status, message, value, trailing_metadata) = match response {
        Ok(Ok(response)) => {
            let value = format!("{:08x}", response.get_ref().value.to_bits());
            ("OK", String::new(), Some(value), readable(response.metadata()))
        }
        Ok(Err(status)) => {
            let message = status.message().to_owned();
            (name(status.code()), message, None, readable(status.metadata()))
        }
        Err(panic) => ("CLIENT_ERROR", panic.to_string(), None, Vec::new()),
    };
    let call = CallOutcome {
        status: status.to_owned(),
        message,
        value,
        replies: None,
        details: None,
        // tonic merges initial and trailing metadata.
        initial_metadata: Vec::new(),
        trailing_metadata,
        elapsed_ms,
    };
    Ok(Outcome { calls: vec![call], not_supported: None })
}

async fn square_root(
    channel: Channel,
    request: Request<Number>,
) -> Result<Response<Number>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = PathAndQuery::from_static("/Calculator/SquareRoot");
    grpc.unary(request, path, ProstCodec::default()).await
}

/// Adds an entry to the metadata, or returns `None` if tonic refuses it.
fn add(key: &str, value: &str, to: &mut MetadataMap) -> Option<()> {
    if key.ends_with("-bin") {
        let key: MetadataKey<Binary> = key.parse().ok()?;
        to.append_bin(key, BinaryMetadataValue::from_bytes(&hex::decode(value).ok()?));
    } else {
        let (key, value): (MetadataKey<Ascii>, AsciiMetadataValue) =
            (key.parse().ok()?, value.parse().ok()?);
        to.append(key, value);
    }
    Some(())
}

/// Metadata as text: a binary value as hexadecimal digits.
fn readable(metadata: &MetadataMap) -> Metadata {
    let entry = |entry: KeyAndValueRef<'_>| match entry {
        KeyAndValueRef::Ascii(key, value) => {
            (key.to_string(), String::from_utf8_lossy(value.as_encoded_bytes()).into_owned())
        }
        KeyAndValueRef::Binary(key, value) => {
            let bytes = value.to_bytes().unwrap_or_default();
            (key.to_string(), hex::encode(&bytes))
        }
    };
    let is_own = |(key, _): &(String, String)| !TRANSPORT.contains(&&key[..]);
    metadata.iter().map(entry).filter(is_own).collect()
}

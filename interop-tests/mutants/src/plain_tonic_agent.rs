//! A client agent on tonic and prost as they come: what a team would write without this project.
//!
//! Written out by hand for the same reason as the plain server: what the build generates has the
//! project's own message in it.

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

use calculator::grpcio::status::name;
use http::uri::PathAndQuery;
use serde_json::{Value, json};
use tonic::client::Grpc;
use tonic::metadata::{Ascii, AsciiMetadataValue, Binary, BinaryMetadataValue, MetadataKey};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use interop_rivals::plain_tonic::Number;

/// Header fields of gRPC itself, which no client shows as metadata.
const TRANSPORT: [&str; 5] =
    ["content-type", "grpc-accept-encoding", "grpc-encoding", "grpc-message", "grpc-status"];

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> ExitCode {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line from the harness");
        let request: Value = serde_json::from_str(&line).expect("JSON");
        println!("{}", outcome(&request).await);
    }
    ExitCode::SUCCESS
}

async fn outcome(request: &Value) -> Value {
    let [call] = &request["calls"].as_array().expect("calls")[..] else {
        return json!({ "not_supported": "more than one call" });
    };
    let Some(bits) = call["value"].as_str() else {
        return json!({ "not_supported": "a message that is no number" });
    };
    let value = f32::from_bits(u32::from_str_radix(bits, 16).expect("hex"));
    let mut asked = Request::new(Number { value });
    if let Some(timeout) = call["timeout_ms"].as_f64() {
        asked.set_timeout(Duration::from_secs_f64(timeout / 1000.0));
    }
    for pair in call["metadata"].as_array().expect("metadata") {
        let [key, value] = [&pair[0], &pair[1]].map(|text| text.as_str().expect("text"));
        if add(key, value, asked.metadata_mut()).is_none() {
            return json!({ "not_supported": format!("metadata {key}") });
        }
    }
    let address = format!("http://{}", request["address"].as_str().expect("an address"));
    let channel = Endpoint::from_shared(address).expect("an address").connect_lazy();
    let begin = std::time::Instant::now();
    let answer = tokio::spawn(square_root(channel, asked)).await;
    let elapsed_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let (status, message, value, metadata) = match answer {
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
    json!({ "calls": [{
        "status": status,
        "message": message,
        "value": value,
        // tonic does not tell them apart.
        "initial_metadata": [],
        "trailing_metadata": metadata,
        "elapsed_ms": elapsed_ms,
    }] })
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

fn add(key: &str, value: &str, to: &mut MetadataMap) -> Option<()> {
    if key.ends_with("-bin") {
        let digits = value.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes: Option<Vec<u8>> =
            digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
        let key: MetadataKey<Binary> = key.parse().ok()?;
        to.append_bin(key, BinaryMetadataValue::from_bytes(&bytes?));
    } else {
        let (key, value): (MetadataKey<Ascii>, AsciiMetadataValue) =
            (key.parse().ok()?, value.parse().ok()?);
        to.append(key, value);
    }
    Some(())
}

fn readable(metadata: &MetadataMap) -> Vec<(String, String)> {
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

//! What most likely causes a difference between two servers, and what to do about it.
//!
//! The texts name the library that is known to behave this way, and the part of the `grpcio` module of the package
//! `calculator` that fixes it. The tool does not know which libraries a server uses, so the texts state a condition.

use crate::outcome::comparison::{Judgement, MethodDifference, Part};

/// The remedy for `difference`.
pub(crate) fn of(difference: &MethodDifference) -> String {
    let remedy = match difference.part {
        _ if is_below_messages(difference) => {
            "the HTTP/2 library or the gRPC framework decides this, not the service. `calculator::grpcio::serve` does \
             what grpcio does, except where h2 refuses what HTTP/2 forbids"
        }
        Part::End => {
            "one server did not end the call with a status; the logs of both servers show whether it crashed, hung or \
             reset the stream"
        }
        Part::HttpStatus | Part::ContentType | Part::Protocol | Part::Connection => {
            "hyper refuses some requests with an HTTP status before tonic sees them, for example 431 for large \
             metadata; `calculator::grpcio::serve` accepts what grpcio accepts"
        }
        Part::Status | Part::StatusMessage if is_about_decoding(difference) => {
            "the request is not a valid message, or prost refuses what Python accepts, for example a known field with \
             another wire type. `calculator::grpcio::ServerCodec` sends the status and the text of grpcio; only \
             `GoogleServerCodec`, of the feature `google-protobuf`, also accepts the same messages \
             (interop-tests/docs/protobuf-libraries.md)"
        }
        Part::MessageCount | Part::ResponseField | Part::DetailsField
            if difference.example.trial.ends_with(".malformed") && !is_of_library(difference) =>
        {
            "protobuf libraries decode this request differently, for example a known field with another wire type, or an \
             unknown field in a map entry. Only `GoogleServerCodec`, of the feature `google-protobuf`, decodes it as \
             Python does (interop-tests/docs/protobuf-libraries.md)"
        }
        Part::Status if difference.example.candidate.starts_with("UNIMPLEMENTED") => {
            "the server does not have the method, or does not accept the request; compare the name of the service in \
             both servers"
        }
        Part::Status => {
            "the code of the service decides the status; check the validation of the request and the conversion of \
             errors. If the request is refused before the handler, `calculator::grpcio::serve` decides as grpcio does"
        }
        Part::StatusMessage => {
            "the code of the service, or its framework, writes another text; `calculator::grpcio::serve` writes those of \
             grpcio"
        }
        Part::StatusMessageEncoding => {
            "tonic percent-encodes spaces and other characters that gRPC permits. Clients decode both, but logs and \
             proxies show the difference; `calculator::grpcio::serve` encodes like grpcio"
        }
        Part::MessageCount | Part::MessageOrder => {
            "the code of the service sends other messages; check where its stream ends"
        }
        Part::Expectation => {
            "a server does not do what the case file expects; correct the server or the case file"
        }
        Part::UndecodableMessage => {
            "at least one response does not have the type in the .proto; both servers must use the same .proto"
        }
        Part::ResponseField | Part::DetailsField => field(difference),
        Part::StatusDetails => {
            "`grpc-status-details-bin` is missing or is no google.rpc.Status; with tonic, use `Status::with_details` or \
             the crate tonic-types"
        }
        Part::InitialMetadata => initial_metadata(difference),
        Part::TrailingMetadata => trailing_metadata(difference),
        Part::Compression => {
            "one server compresses its responses; with tonic, `send_compressed` and `accept_compressed` decide this"
        }
        Part::Encoding => encoding(difference),
        Part::Latency => {
            "the responses of the candidate take at least five times as long; profile this method"
        }
    };
    match &difference.judgement {
        Judgement::Accepted { .. } => {
            format!("accepted by an [[ignore]] entry; otherwise: {remedy}")
        }
        _ => remedy.to_owned(),
    }
}

/// Whether the example is a probe, which differs from an ordinary call in its headers, frames or prefixes.
fn is_below_messages(difference: &MethodDifference) -> bool {
    let trial = &difference.example.trial;
    trial.rsplit('/').next().is_some_and(|case| case.starts_with("wire."))
}

/// Whether the request of the example cannot be decoded, or is at a limit of decoders.
fn is_about_decoding(difference: &MethodDifference) -> bool {
    let trial = &difference.example.trial;
    [".malformed", ".nesting", ".unknown-fields"].iter().any(|group| trial.ends_with(group))
}

/// Whether the way in which a field differs names the cause already.
fn is_of_library(difference: &MethodDifference) -> bool {
    ["missing-unknown-field", "sign-of-zero"]
        .contains(&difference.how.as_deref().unwrap_or_default())
}

fn field(difference: &MethodDifference) -> &'static str {
    match difference.how.as_deref().unwrap_or_default() {
        "sign-of-zero" => {
            "prost omits -0.0 in a field without presence, as if it were 0.0. Declare the field `optional` and clear it \
             for 0.0, or use the feature `google-protobuf` of `calculator` (interop-tests/docs/protobuf-libraries.md)"
        }
        "nan-payload" => {
            "the bits of NaN change if a number is converted between float and double, or to text; pass it on unchanged"
        }
        "missing-unknown-field" => {
            "prost drops fields that its .proto lacks, so a service that stores or forwards messages loses the data of \
             newer clients. Declare what is only forwarded as `bytes`, or use the feature `google-protobuf` of \
             `calculator` (interop-tests/docs/protobuf-libraries.md)"
        }
        "additional-unknown-field" | "changed-unknown-field" => {
            "the servers use different versions of the .proto, or one of them writes fields that it does not declare"
        }
        "presence" => {
            "a field with presence is set on one side only. In Rust, `Some(0)` and `None` differ, as `HasField` says in \
             Python"
        }
        "enum-number" => {
            "an enum can have a number that the .proto lacks. prost keeps it as i32: pass that on, because a conversion \
             to the Rust enum loses it. Python keeps such a number of a proto2 enum with the unknown fields \
             (interop-tests/docs/protobuf-libraries.md)"
        }
        "oneof-case" => "the code of the service sets another field of the oneof",
        "any-type" => {
            "the type URL differs; protobuf writes `type.googleapis.com/` before the name"
        }
        "length" | "order" => {
            "the code of the service returns a list with other elements or in another order"
        }
        "missing-map-entry" | "additional-map-entry" => {
            "the code of the service returns other map entries, or handles duplicate keys differently"
        }
        _ => "the code of the service computes another value",
    }
}

const DATE: &str = "hyper adds `date` to every response, and tonic's own server has no option against it; \
                    `calculator::grpcio::serve` does not send it";

fn trailing_metadata(difference: &MethodDifference) -> &'static str {
    match difference.name.as_deref().unwrap_or_default() {
        "date" => DATE,
        "content-length" => {
            "hyper adds `content-length` to a response without a body; `calculator::grpcio::serve` does not send it"
        }
        _ => {
            "the code of the service sets other trailing metadata; with tonic, set it in the `Status` or in the trailers \
             of the stream"
        }
    }
}

fn initial_metadata(difference: &MethodDifference) -> &'static str {
    match difference.name.as_deref().unwrap_or_default() {
        "date" => DATE,
        "grpc-accept-encoding" => {
            "grpcio announces the encodings that it accepts in every response; tonic announces those of \
             `accept_compressed`, and only in the answer to a message that is compressed otherwise. \
             `calculator::grpcio::serve` announces them like grpcio"
        }
        "grpc-encoding" => {
            "one server compresses its responses; with tonic, `send_compressed` decides this"
        }
        _ => {
            "the code of the service sets other initial metadata. If it is missing only on errors: tonic sends an error \
             without initial metadata"
        }
    }
}

fn encoding(difference: &MethodDifference) -> &'static str {
    match difference.how.as_deref().unwrap_or_default() {
        "map-order" => {
            "protobuf does not define the order of map entries; nothing to do unless bytes are hashed or signed"
        }
        "map-entry-defaults" => {
            "prost omits a default key or value of a map entry, Python writes it; nothing to do unless bytes are hashed \
             or signed. Then declare the map as repeated entries, or use the feature `google-protobuf` of `calculator` \
             (interop-tests/docs/protobuf-libraries.md)"
        }
        "packing" => "one side packs a repeated field; every decoder accepts both",
        _ => "the messages have equal values; nothing to do unless bytes are hashed or signed",
    }
}

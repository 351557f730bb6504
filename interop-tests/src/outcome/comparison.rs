//! How a method of a service compares with the reference: its verdict, its differences and its coverage.
//!
//! The suite `compare` reports one comparison for each peer and method, in addition to the trials. The record contains
//! it, so that reports can group differences with the same cause.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::verdict::Grade;

/// The comparison of one method of a peer with the same method of the reference.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodComparison {
    /// The peer that was compared, which is the candidate.
    pub(crate) peer: String,
    /// The name of the method, such as `shop.Shop.Get`.
    pub(crate) method: String,
    /// The kind of RPC, such as `server-streaming`.
    pub(crate) kind: String,
    pub(crate) verdict: MethodVerdict,
    /// Why the method is untested, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// The number of cases of each source, such as `generated`.
    pub(crate) sources: BTreeMap<String, CaseCounts>,
    /// The differences, from the most to the least severe.
    pub(crate) differences: Vec<MethodDifference>,
    /// What differs between two instances of the reference, so that it is not compared.
    pub(crate) unstable: Vec<Unstable>,
    pub(crate) coverage: Coverage,
    /// The latency and the memory of the reference and of the candidate, for the same calls.
    pub(crate) performance: Vec<Performance>,
}

/// The verdict of a method.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MethodVerdict {
    /// No difference.
    #[strum(serialize = "same")]
    Same,
    /// Only differences that an `[[ignore]]` entry accepts.
    #[strum(serialize = "same except accepted deviations")]
    Accepted,
    /// The reference never returned OK, so the method itself was not compared.
    #[strum(serialize = "untested")]
    Untested,
    /// At least one difference that no entry accepts.
    #[strum(serialize = "differs")]
    Differs,
}

/// The number of cases by their result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseCounts {
    /// The responses are equal, except what is unstable.
    pub(crate) same: u64,
    /// The responses are equal, but at least one message is encoded differently.
    pub(crate) same_value: u64,
    /// The responses differ, but no conforming client sends the request.
    #[serde(default)]
    pub(crate) edge: u64,
    /// `[[ignore]]` entries accept all differences.
    pub(crate) accepted: u64,
    /// The responses differ.
    pub(crate) different: u64,
}

impl CaseCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.same += other.same;
        self.same_value += other.same_value;
        self.edge += other.edge;
        self.accepted += other.accepted;
        self.different += other.different;
    }

    /// The number of all cases.
    pub(crate) fn all(self) -> u64 {
        self.same + self.same_value + self.edge + self.accepted + self.different
    }
}

/// All differences of a method that have the same subject.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodDifference {
    /// What differs, for people, such as `status` or `price (sign-of-zero)`.
    pub(crate) subject: String,
    pub(crate) part: Part,
    /// The path of the field without indices and keys, or the name of the metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// How a field or an encoding differs, such as `sign-of-zero`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) how: Option<String>,
    /// Differences with the same cause, also in other methods, have the same text here.
    pub(crate) cause: String,
    pub(crate) judgement: Judgement,
    /// Whether a conforming peer, proxy or load balancer can cause it.
    pub(crate) grade: Grade,
    /// The number of cases.
    pub(crate) cases: u64,
    /// The smallest case.
    pub(crate) example: Example,
}

/// A part of a response, from the most to the least severe if it differs.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Part {
    /// Whether the server responded at all, and how the call ended.
    End,
    HttpStatus,
    ContentType,
    /// Frames or header blocks that violate the protocol.
    Protocol,
    /// The connection, or a later call on it.
    Connection,
    Status,
    MessageCount,
    MessageOrder,
    /// What a case file expects.
    Expectation,
    /// A message that cannot be decoded.
    UndecodableMessage,
    /// A field of the response messages.
    ResponseField,
    /// `grpc-status-details-bin` as a whole.
    StatusDetails,
    /// A field of the status details.
    DetailsField,
    StatusMessage,
    StatusMessageEncoding,
    InitialMetadata,
    TrailingMetadata,
    /// Whether messages are compressed.
    Compression,
    /// Other bytes for equal values.
    Encoding,
    /// How long the call took.
    Latency,
}

/// What a difference means for the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub(crate) enum Judgement {
    /// It makes the verdict `differs`.
    Different,
    /// An `[[ignore]]` entry accepts it, for this reason.
    Accepted {
        /// The reason in the entry.
        reason: String,
    },
    /// It is reported only: equal values in other bytes, a slower response, or another response to a request that no
    /// conforming client sends.
    Reported,
}

/// A case with a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// The trial that contains the case.
    pub(crate) trial: String,
    /// The name of the case in the trial.
    pub(crate) case: String,
    /// The place of the difference, such as `message 2: items[3].price`.
    pub(crate) place: String,
    /// The value of the reference.
    pub(crate) reference: String,
    /// The value of the candidate.
    pub(crate) candidate: String,
    /// The request messages in hex, shortened.
    pub(crate) request: Vec<String>,
    /// The command that makes the same call with grpcurl at the address `HOST:PORT`, if grpcurl can make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grpcurl: Option<String>,
}

/// A part of the response that differs between two instances of the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unstable {
    /// What differs, such as `items[].updated (value)`.
    pub(crate) subject: String,
    /// The values of both instances in one case.
    pub(crate) values: [String; 2],
    /// The name of that case.
    pub(crate) case: String,
    /// An `[[ignore]]` entry for it, if there can be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<String>,
}

/// What the cases of a method exercised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coverage {
    /// The request fields that a case set.
    pub(crate) request_fields: Covered,
    /// The response fields that the reference set at least once.
    pub(crate) response_fields: Covered,
    /// The enum values that the reference returned at least once.
    pub(crate) enum_values: Covered,
    /// How many calls ended with each status at the reference.
    pub(crate) statuses: BTreeMap<String, u64>,
    /// How many request fields have no case, because the message has too many.
    pub(crate) omitted: usize,
}

/// How many of a number of things were exercised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Covered {
    pub(crate) number: usize,
    pub(crate) all: usize,
    /// The first ones that were not.
    pub(crate) missing: Vec<String>,
}

/// The latency and the memory of one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Performance {
    /// The name of the peer.
    pub(crate) peer: String,
    /// The median duration of a call in milliseconds.
    pub(crate) p50_ms: f64,
    /// The duration that 99 % of the calls do not exceed, in milliseconds.
    pub(crate) p99_ms: f64,
    /// The largest memory of its processes in MiB; missing for an attached server, and on systems other than Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_memory_mib: Option<f64>,
}

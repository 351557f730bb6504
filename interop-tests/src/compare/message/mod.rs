//! Compares two encoded messages of one type: the reference's and the candidate's.
//!
//! Equal bytes are equal. Other messages are decoded, and compared by a form that neither depends on the order of map
//! entries nor on the equality of floats.
//!
//! - [`path`]: the path of a field
//! - [`difference`]: how two values differ, and a list of differences
//! - [`encoding`]: how two encodings of equal messages differ
//! - [`decode`], [`field`], [`canonical`], [`wire`]: decoded messages, their fields, a form in which they can be
//!   compared, and their encoded fields
//! - [`ambiguous`]: messages that libraries decode differently
//! - [`rewrite`], [`unknown`]: unknown fields, including those that the decoder refuses or drops
//! - [`walk`]: finds the fields that differ
//! - [`value`]: values as text

mod ambiguous;
mod canonical;
mod decode;
mod difference;
mod encoding;
mod field;
mod path;
mod rewrite;
mod unknown;
mod value;
mod walk;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use prost_reflect::MessageDescriptor;

pub(crate) use crate::config::DifferenceKind;

pub(crate) use ambiguous::is_ambiguous;
pub(crate) use difference::{Differences, FieldDifference};
pub(crate) use encoding::{Encoding, EncodingDifference};
pub(crate) use path::FieldPath;
pub(crate) use value::ABSENT;

/// How the message of the candidate compares with that of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessageComparison {
    /// Equal bytes.
    Same,
    /// Different bytes of equal messages. States each way in which the encodings differ once, with the first place;
    /// never empty.
    SameValue(Vec<EncodingDifference>),
    /// Different messages.
    Different(Differences),
    /// At least one cannot be decoded; the errors of those.
    Undecodable { reference: Option<String>, candidate: Option<String> },
}

/// Compares two messages of the type `of`.
pub(crate) fn compare(
    of: &MessageDescriptor,
    reference: &[u8],
    candidate: &[u8],
) -> MessageComparison {
    if reference == candidate {
        return MessageComparison::Same;
    }
    let messages = [reference, candidate].map(|bytes| decode::decode(of, bytes));
    let [reference_message, candidate_message] = match messages {
        [Ok(reference), Ok(candidate)] => [reference, candidate],
        [reference, candidate] => {
            let (reference, candidate) = (reference.err(), candidate.err());
            return MessageComparison::Undecodable { reference, candidate };
        }
    };
    let form = |message| canonical::of_message(message, 0);
    if form(&reference_message) == form(&candidate_message) {
        return MessageComparison::SameValue(encoding::differences(of, reference, candidate));
    }
    let mut differences = walk::differences(&reference_message, &candidate_message);
    if differences.listed.is_empty() {
        // The walk should find a difference. If it does not, the messages are different nevertheless.
        let [reference, candidate] = [reference, candidate].map(value::shown_bytes);
        let (path, kind) = (FieldPath::default(), DifferenceKind::Value);
        differences.listed.push(FieldDifference { path, kind, reference, candidate });
    }
    MessageComparison::Different(differences)
}

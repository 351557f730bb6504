//! Streams of requests of a method whose client streams.
//!
//! All other groups send a stream of one message.

use bytes::Bytes;
use prost_reflect::MessageDescriptor;

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::malformed;
use crate::compare::generated::sample::{Branch, Sample};

/// Streams of different lengths, and with a malformed message.
pub(super) fn group(name: String, of: &MessageDescriptor, bounds: Bounds) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let sample = Sample::new(&of, Branch::First);
        let (message, other) =
            (Bytes::from(sample.bytes()), Sample::new(&of, Branch::Last).bytes());
        let (empty, malformed) = (Bytes::new(), Bytes::from_static(malformed::MESSAGE));
        let (m, e, x) = (|| message.clone(), || empty.clone(), || malformed.clone());
        let many: Vec<_> = std::iter::repeat_n(m(), bounds.many).collect();
        let streams = [
            ("no-message", Vec::new()),
            ("one-message", vec![m()]),
            ("two-messages", vec![m(), Bytes::from(other)]),
            ("many-messages", many),
            ("two-empty-messages", vec![e(), e()]),
            ("empty-first", vec![e(), m()]),
            ("empty-last", vec![m(), e()]),
            ("malformed-first", vec![x(), m(), m()]),
            ("malformed-middle", vec![m(), x(), m()]),
            ("malformed-last", vec![m(), m(), x()]),
        ];
        streams.into_iter().map(move |(name, messages)| {
            // The messages of some streams are empty.
            let is_set = messages.contains(&message);
            let fields = if is_set { sample.paths.clone() } else { Vec::new() };
            Case { name: name.to_owned(), messages, fields, ..Case::default() }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::generated::test_protos;

    #[test]
    fn streams_have_the_lengths_that_their_names_say() {
        let bounds = Bounds { many: 30, ..Bounds::default() };
        let of = test_protos::request("int32 id = 1;");
        let cases: Vec<_> = group("streams".to_owned(), &of, bounds).cases().collect();
        let length = |name| cases.iter().find(|case| case.name == name).unwrap().messages.len();
        let lengths = ["no-message", "one-message", "two-messages", "many-messages"].map(length);
        assert_eq!(lengths, [0, 1, 2, 30]);
        let middle = cases.iter().find(|case| case.name == "malformed-middle").unwrap();
        assert_eq!(middle.messages, [&[8, 1], malformed::MESSAGE, &[8, 1]]);
    }
}

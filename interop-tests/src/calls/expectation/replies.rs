//! Compares the response messages of a call by their bytes.
//!
//! A call can have a million responses, so a mismatch shows only the first difference and the number of responses.

use std::ops::Deref;

use grpc_interop_protocol::Message as Reply;
use prost_reflect::MessageDescriptor;

use crate::calls::expectation::comparison::Comparison;
use crate::calls::message::{self, Message};
use crate::outcome::Mismatch;

/// The form in which the agent reports the responses of a call.
#[derive(Clone, Debug)]
pub(crate) enum ReplyForm {
    /// The value of one `Number`.
    Root,
    /// The bytes of any number of messages. Their type is known if the method is.
    Messages(Option<MessageDescriptor>),
}

/// Compares the bytes of all `expected` responses in order with those of `observed`.
pub(crate) fn compare(
    expected: &Message,
    observed: &[Reply],
    of: Option<&MessageDescriptor>,
    comparison: &mut Comparison,
) {
    // Messages that cannot be encoded are rejected when the table is read.
    let expected = expected.encoded(of).unwrap_or_default();
    let mut pairs = expected.iter().zip(observed).enumerate();
    let differing = pairs.find(|(_, (expected, observed))| expected[..] != observed[..]);
    if let Some((index, (expected, observed))) = differing {
        let what = format!("reply {}", index + 1);
        let shown = |bytes: &[u8]| message::shown(bytes, of);
        let mismatch = Mismatch::new(&what, shown(expected), shown(observed));
        comparison.mismatches.push(mismatch.of_messages(expected, observed));
    }
    let is_match = expected.len() == observed.len();
    let text = shown(observed, of);
    // Equal replies have the same text, and that of a large one takes long to make.
    let is_equal = is_match && differing.is_none();
    let expected = if is_equal { text.clone() } else { shown(expected, of) };
    comparison.add("replies", Some(expected), Some(text), is_match);
}

/// The responses as text for people.
pub(crate) fn shown(
    replies: &[impl Deref<Target = [u8]>],
    of: Option<&MessageDescriptor>,
) -> String {
    const SHOWN: usize = 4;
    if replies.is_empty() {
        return "none".to_owned();
    }
    let first: Vec<_> = replies.iter().take(SHOWN).map(|reply| message::shown(reply, of)).collect();
    let more = if replies.len() > SHOWN { ", …" } else { "" };
    format!("{}: {}{more}", replies.len(), first.join(", "))
}

/// Checks that each of `texts` occurs in the bytes of one of the responses.
pub(crate) fn compare_contained(texts: &[String], observed: &[Reply], all: &mut Comparison) {
    let is_in = |text: &str, reply: &[u8]| {
        reply.windows(text.len().max(1)).any(|part| part == text.as_bytes())
    };
    let is_missing = |text: &&String| !observed.iter().any(|reply| is_in(text, reply));
    let missing: Vec<_> = texts.iter().filter(is_missing).cloned().collect();
    let quoted = |texts: &[String]| format!("`{}`", texts.join("`, `").escape_debug());
    let expected = format!("{} in their bytes", quoted(texts));
    if !missing.is_empty() {
        let length: usize = observed.iter().map(|reply| reply.len()).sum();
        let observed = format!("{length} bytes without {}", quoted(&missing));
        all.mismatches.push(Mismatch::new("replies", &expected, observed));
    }
    all.expected.add("replies", expected);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::methods;

    fn number() -> MessageDescriptor {
        methods::of_project("/Calculator/SquareRoot").unwrap().output()
    }

    fn mismatches(expected: &Message, observed: &[Reply]) -> Vec<Mismatch> {
        let mut comparison = Comparison::default();
        compare(expected, observed, Some(&number()), &mut comparison);
        comparison.mismatches
    }

    fn reported(replies: &Message) -> Vec<Reply> {
        replies.encoded(Some(&number())).unwrap().iter().cloned().map(Reply::from).collect()
    }

    fn replies(table: &str) -> Message {
        #[derive(serde::Deserialize)]
        struct Table {
            replies: Message,
        }
        toml::from_str::<Table>(&format!("replies = {table}")).unwrap().replies
    }

    #[test]
    fn the_first_reply_that_differs_is_shown() {
        let expected = replies("[1.0, 2.0, 3.0]");
        let mut observed = reported(&expected);
        assert_eq!(mismatches(&expected, &observed), []);
        observed[1..].fill(Vec::new().into());
        let found = mismatches(&expected, &observed);
        let [mismatch] = &found[..] else { panic!("{found:?}") };
        assert_eq!(mismatch.what, "reply 2");
        assert_eq!(mismatch.observed, "0.0 (0x00000000) []");
    }

    #[test]
    fn another_number_of_replies_is_a_mismatch() {
        let expected = replies("[1.0, 2.0]");
        let observed = reported(&replies("[1.0]"));
        let found = mismatches(&expected, &observed);
        let [mismatch] = &found[..] else { panic!("{found:?}") };
        assert_eq!(mismatch.what, "replies");
        assert!(mismatch.expected.starts_with("2: 1.0"), "{mismatch:?}");
    }

    #[test]
    fn a_text_may_be_in_any_reply() {
        let observed = [b"one".to_vec(), b"two".to_vec()].map(Reply::from);
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut comparison = Comparison::default();
        compare_contained(&texts(&["wo", "on"]), &observed, &mut comparison);
        assert_eq!(comparison.mismatches, []);
        compare_contained(&texts(&["wo", "eo"]), &observed, &mut comparison);
        assert_eq!(comparison.mismatches[0].expected, "`wo`, `eo` in their bytes");
        assert_eq!(comparison.mismatches[0].observed, "6 bytes without `eo`");
    }
}

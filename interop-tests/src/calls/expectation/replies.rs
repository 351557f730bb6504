//! The replies of a call of any kind, compared by their bytes.
//!
//! A stream of a million replies has to be told in a line too, so only the first one that differs is
//! shown, with how many there are.

use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::scenario::message::{Message, shown as message_shown};
use crate::outcome::finding::Mismatch;

/// All replies, in order.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Replies(Vec<Message>);

impl Replies {
    /// The bytes of each.
    pub(crate) fn encoded(&self, of: Option<&MessageDescriptor>) -> Result<Vec<Vec<u8>>, String> {
        let each: Result<Vec<_>, String> = self.0.iter().map(|reply| reply.encoded(of)).collect();
        Ok(each?.into_iter().flatten().collect())
    }

    pub(crate) fn mismatches(
        &self,
        of: Option<&MessageDescriptor>,
        observed: &[Vec<u8>],
    ) -> Vec<Mismatch> {
        let expected = match self.encoded(of) {
            Ok(expected) => expected,
            Err(why) => return vec![Mismatch::new("replies", "a message", why)],
        };
        let mut mismatches = Vec::new();
        let of_both = expected.iter().zip(observed);
        if let Some((index, (expected, observed))) =
            of_both.enumerate().find(|(_, (expected, observed))| expected != observed)
        {
            let what = format!("reply {}", index + 1);
            let shown = |message: &[u8]| message_shown(message, of);
            let mismatch = Mismatch::new(&what, shown(expected), shown(observed));
            mismatches.push(mismatch.of_messages(expected, observed));
        }
        if expected.len() != observed.len() {
            let (expected, observed) = (shown(&expected, of), shown(observed, of));
            mismatches.push(Mismatch::new("replies", expected, observed));
        }
        mismatches
    }
}

/// The bytes of the replies that an agent has told.
pub(crate) fn decoded(told: Option<&[String]>) -> Result<Vec<Vec<u8>>, Mismatch> {
    let Some(told) = told else {
        return Err(Mismatch::new("replies", "a list, for a call with a script", "none"));
    };
    let reply = |hex: &String| {
        hex::decode(hex).map_err(|_| Mismatch::new("replies", "hex", format!("{hex:?}")))
    };
    told.iter().map(reply).collect()
}

/// The replies as people read them.
pub(crate) fn shown(replies: &[Vec<u8>], of: Option<&MessageDescriptor>) -> String {
    const SHOWN: usize = 4;
    if replies.is_empty() {
        return "none".to_owned();
    }
    let first: Vec<_> = replies.iter().take(SHOWN).map(|reply| message_shown(reply, of)).collect();
    let more = if replies.len() > SHOWN { ", …" } else { "" };
    format!("{}: {}{more}", replies.len(), first.join(", "))
}

/// The texts that are in none of the replies.
pub(crate) fn missing(texts: &[String], observed: &[Vec<u8>]) -> Option<Mismatch> {
    let is_in =
        |text: &str, reply: &[u8]| reply.windows(text.len()).any(|part| part == text.as_bytes());
    let is_missing = |text: &&String| !observed.iter().any(|reply| is_in(text, reply));
    let missing: Vec<_> = texts.iter().filter(is_missing).map(String::as_str).collect();
    (!missing.is_empty()).then(|| {
        let observed: usize = observed.iter().map(Vec::len).sum();
        let observed =
            format!("{observed} bytes without `{}`", missing.join("`, `").escape_debug());
        Mismatch::new(
            "replies",
            format!("`{}` in their bytes", texts.join("`, `").escape_debug()),
            observed,
        )
    })
}

//! The frames of a trial, with the meaning of each byte.
//!
//! The bytes of a mismatch are marked in the frame that carried them.

use serde::Serialize;

use crate::capture::description::{DescribedPart, Description};
use crate::capture::trace::{Event, Field, Message, Trace};
use crate::http2::Role;
use crate::outcome::Mismatch;
use crate::report::html::bytes::{Alignment, Part};
use crate::report::{html::format, record::trial::TrialRecord};

/// The section with the frames of a trial.
#[derive(Debug, Serialize)]
pub(crate) struct Wire<'a> {
    notes: &'a [String],
    events: Vec<EventView<'a>>,
    /// Whether one of the events contains the bytes of a mismatch.
    is_marked: bool,
}

#[derive(Debug, Serialize)]
struct EventView<'a> {
    /// The number of events omitted before this one.
    left_out: usize,
    from: Role,
    at: String,
    connection: usize,
    title: String,
    details: Vec<String>,
    parts: Vec<Part>,
    fields: &'a [Field],
    notes: Vec<String>,
    /// Whether it contains the bytes of a mismatch.
    is_marked: bool,
}

/// The messages of mismatches, as pairs of expected and observed.
type Wrong = Vec<(Vec<u8>, Vec<u8>)>;

impl<'a> Wire<'a> {
    /// The section for `trial` with about `limit` events: the first, the last, and those with the bytes of a
    /// mismatch.
    pub(crate) fn of(trace: &'a Trace, trial: &TrialRecord, limit: usize) -> Self {
        let wrong: Wrong = trial.mismatches.iter().filter_map(Mismatch::messages).collect();
        let (first, last) = (limit / 2, trace.events.len().saturating_sub(limit / 2));
        let mut events: Vec<EventView<'_>> = Vec::new();
        let mut left_out = 0;
        for (index, event) in trace.events.iter().enumerate() {
            left_out +=
                trace.left_out.filter(|left_out| left_out.after == index).map_or(0, |l| l.events);
            let view = EventView::of(event, left_out, &wrong);
            if index < first || index >= last || view.is_marked {
                events.push(view);
                left_out = 0;
            } else {
                left_out += 1;
            }
        }
        let is_marked = events.iter().any(|event| event.is_marked);
        Self { notes: &trace.notes, events, is_marked }
    }
}

impl<'a> EventView<'a> {
    fn of(event: &'a Event, left_out: usize, wrong: &Wrong) -> Self {
        let Description { title, details, parts, fields, notes } = Description::of(event);
        let mut is_marked = false;
        let part = |part: DescribedPart<'_>| {
            let observed = part.message.filter(|_| event.from == Role::Server);
            let wrong = observed.and_then(|message| wrong_bytes(message, wrong));
            is_marked |= wrong.is_some();
            // An empty message has no bytes, so its length is marked.
            let differs = |at: usize| {
                wrong.as_ref().is_some_and(|wrong| *wrong.get(at).unwrap_or(&wrong.is_empty()))
            };
            Part::new(part, differs)
        };
        let parts = parts.into_iter().map(part).collect();
        let (at, connection) = (format::duration(event.ms), event.connection);
        let from = event.from;
        Self { left_out, from, at, connection, title, details, parts, fields, notes, is_marked }
    }
}

/// Which bytes of `message` differ, if it is the observed one of a pair in `wrong`.
fn wrong_bytes(message: &Message, wrong: &Wrong) -> Option<Vec<bool>> {
    if message.flag != 0 || message.bytes.left_out > 0 {
        return None;
    }
    let mut pairs = wrong.iter();
    let (expected, observed) = pairs.find(|(_, observed)| *observed == message.bytes.kept)?;
    Some(Alignment::of(expected, observed).observed_differs())
}

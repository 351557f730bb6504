//! What a server does in response to a probe, and how the outcomes of two servers differ.
//!
//! The parts that are compared are those of `server-parity`, but with the subjects of this suite, so that a finding
//! about a header groups with the same finding in other cases.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::difference::{
    ABSENT, Difference, RESPONDS, ResponseTypes, Subject, differences, status_name,
};
use crate::compare::response::{CallEnd, Response};
use crate::compare::tally::primary;
use crate::http2::Stream;
use crate::outcome::Observation;
use crate::probe::exchange::Exchange;
use crate::probe::table::Probe;
use crate::probe::{lines, mask};

/// The text of a next call with the outcome of an ordinary one.
const ANSWERED: &str = "answered";

/// The part with how many streams of repeated requests ended in each way.
pub(super) const RESPONSES: &str = "responses";

/// How a server answers an ordinary call.
#[derive(Clone, Debug)]
pub(crate) struct Ordinary {
    pub(crate) response: Response,
    /// What varies from call to call.
    pub(crate) unstable: Vec<Difference>,
}

/// The outcome of a probe at one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Why there is no other part, such as the exit of the server.
    failure: Option<String>,
    has_exited: bool,
    /// How each stream ended, and the response on it.
    streams: BTreeMap<u32, (String, Response)>,
    /// For repeated requests: how many streams ended in each way, instead of their responses.
    counts: String,
    /// How the connection ended.
    connection: String,
    /// The outcome of an ordinary call after the probe, if the connection was still usable.
    next_call: Option<String>,
    /// How the only stream ended, if there is one.
    ending: Option<Ending>,
    is_closed: bool,
}

/// How a response ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    end: String,
    /// The status; `0` for the status of an ordinary call.
    status: String,
}

impl Ending {
    /// The ending in an outcome that the entry of a probe lists.
    pub(super) fn listed(observation: &Observation) -> Option<Self> {
        let value = |what| observation.values(what).first().map(|value| (*value).to_owned());
        let end = without_late_reset(&value("end")?).to_owned();
        Some(Self { end, status: value("grpc-status").unwrap_or_default() })
    }
}

impl Outcome {
    /// The outcome of a probe that could not be completed.
    pub(crate) fn failed(why: String) -> Self {
        Self { failure: Some(why), ..Self::default() }
    }

    /// The outcome of a probe that ended the server process; `how` is its status or signal.
    pub(crate) fn exited(how: &str) -> Self {
        Self { has_exited: true, ..Self::failed(format!("the server exited {how}")) }
    }

    /// Whether the probe ended the server process.
    pub(super) fn has_exited(&self) -> bool {
        self.has_exited
    }

    /// The outcome of `probe` at a server that answers an ordinary call like `ordinary`.
    pub(crate) fn new(
        probe: &Probe,
        exchange: Exchange,
        ordinary: &Ordinary,
        types: &ResponseTypes,
    ) -> Self {
        let Exchange { mut endpoint, next_call, .. } = exchange;
        let connection = lines::end(&endpoint, probe.ends_connection());
        let is_closed = endpoint.is_closed;
        let streams = std::mem::take(&mut endpoint.streams).into_iter();
        let streams: BTreeMap<_, _> = streams
            .map(|(id, stream)| (id, (end(probe, &stream, is_closed), response(stream))))
            .collect();
        let next_call = next_call.map(|stream| {
            let changed = primary(differences(types, &ordinary.response, &response(stream)));
            let is_unstable =
                |subject: &Subject| ordinary.unstable.iter().any(|it| it.subject == *subject);
            let mut changed = changed.iter().filter(|it| !is_unstable(&it.subject));
            changed.next().map_or_else(
                || ANSWERED.to_owned(),
                |it| format!("{} is {} instead of {}", it.place, it.candidate, it.reference),
            )
        });
        let ending = match streams.values().next() {
            Some((end, response)) if streams.len() == 1 => {
                let is_ordinary = response.status == ordinary.response.status;
                let status = if is_ordinary { "0" } else { &response.status };
                Some(Ending { end: end.clone(), status: status.to_owned() })
            }
            _ => None,
        };
        let (counts, streams) = if probe.times > 1 {
            (counts(&streams), BTreeMap::new())
        } else {
            (String::new(), streams)
        };
        Self { streams, counts, connection, next_call, ending, is_closed, ..Self::default() }
    }

    /// The outcome of a probe with one response, on `stream`.
    #[cfg(test)]
    pub(super) fn of_stream(stream: Stream, ordinary_status: &str) -> Self {
        let (end, response) = (lines::stream_end(&stream, false), response(stream));
        let is_ordinary = response.status == ordinary_status;
        let status = if is_ordinary { "0" } else { &response.status }.to_owned();
        let ending = Some(Ending { end: end.clone(), status });
        Self { streams: [(1, (end, response))].into(), ending, ..Self::default() }
    }

    /// How the only stream ended, if there is one.
    pub(super) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Whether the probe could not be completed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the end of the server may have interrupted the probe.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_closed || self.failure.is_some()
    }

    /// How `candidate` differs from this outcome, with at most one difference of each subject.
    pub(crate) fn differences(&self, candidate: &Self, types: &ResponseTypes) -> Vec<Difference> {
        if self.failure.is_some() || candidate.failure.is_some() {
            let text = |it: &Self| it.failure.clone().unwrap_or_else(|| RESPONDS.into());
            let (reference, candidate) = (text(self), text(candidate));
            let is_same = reference == candidate;
            let place = Subject::End.to_string();
            let subject = Subject::End;
            return if is_same {
                vec![]
            } else {
                vec![Difference { subject, place, reference, candidate }]
            };
        }
        let mut found = self.in_streams(candidate, types);
        found.dedup_by(|one, other| one.subject == other.subject);
        let mut add = |what: &str, reference: &str, candidate: &str| {
            if reference != candidate {
                let subject = Subject::Wire(what.to_owned());
                let place = what.to_owned();
                let [reference, candidate] = [reference, candidate].map(str::to_owned);
                found.push(Difference { subject, place, reference, candidate });
            }
        };
        add(RESPONSES, &self.counts, &candidate.counts);
        add("connection", &self.connection, &candidate.connection);
        // If the connection has ended at one of them, only that counts.
        if let (Some(reference), Some(candidate)) = (&self.next_call, &candidate.next_call) {
            add("next call", reference, candidate);
        }
        found
    }

    /// The differences between the responses on streams.
    fn in_streams(&self, candidate: &Self, types: &ResponseTypes) -> Vec<Difference> {
        let ids = self.streams.keys().chain(candidate.streams.keys());
        let ids: BTreeSet<_> = ids.collect();
        let is_single = ids.len() == 1;
        let mut found = Vec::new();
        for id in ids {
            let label = if is_single { String::new() } else { format!("stream {id}: ") };
            let sides = [self, candidate].map(|it| it.streams.get(id));
            let ends = sides.map(|it| it.map_or(ABSENT, |(end, _)| end));
            let [reference, candidate] = ends.map(str::to_owned);
            if reference != candidate {
                let subject = Subject::End;
                let place = format!("{label}{subject}");
                found.push(Difference { subject, place, reference, candidate });
            } else if let [Some((_, one)), Some((_, other))] = sides {
                let of_stream = primary(differences(types, one, other)).into_iter();
                found.extend(
                    of_stream.map(|it| Difference { place: format!("{label}{}", it.place), ..it }),
                );
            }
        }
        found.sort_by(|one, other| one.subject.cmp(&other.subject));
        found
    }
}

/// How `stream` ended.
fn end(probe: &Probe, stream: &Stream, is_closed: bool) -> String {
    let end = lines::stream_end(stream, is_closed);
    if probe.unstable().is_some() { without_late_reset(&end).to_owned() } else { end }
}

/// `end` without a reset after the response. If a server responds before it has received the whole request, it depends
/// on timing whether it resets the stream.
fn without_late_reset(end: &str) -> &str {
    end.strip_suffix(", then RST_STREAM 0 NO_ERROR").unwrap_or(end)
}

/// The parts of the response on `stream` that are compared, except its end.
pub(crate) fn response(mut stream: Stream) -> Response {
    for block in &mut stream.blocks {
        block.retain(mask::is_compared);
    }
    Response { end: CallEnd::EndStream, ..Response::new(stream, None) }
}

/// How many streams ended in each way.
fn counts(streams: &BTreeMap<u32, (String, Response)>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (end, response) in streams.values() {
        let status = if response.status.is_empty() {
            "no status".to_owned()
        } else {
            status_name(&response.status)
        };
        *counts.entry(format!("{status}, {end}")).or_default() += 1;
    }
    let counts = counts.into_iter().map(|(how, count)| format!("{count} times {how}"));
    counts.collect::<Vec<_>>().join("; ")
}

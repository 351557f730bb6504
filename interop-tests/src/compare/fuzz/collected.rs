//! Collects what differs in the responses to random requests, by its cause.
//!
//! What varies at the reference is known only after the last request, so it is left out at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use strum::VariantArray;

use crate::compare::conclusion::{cause, cause_below_messages};
use crate::compare::difference::{BASE64, Difference, Subject, differences};
use crate::compare::fuzz::draw::Drawn;
use crate::compare::tally::{Responses, Rules, ends_call, is_in_every_case, judged, primary};
use crate::http2::Field;
use crate::outcome::Grade;
use crate::outcome::comparison::Judgement;
use crate::probe::class::Class;
use crate::probe::table::Probe;

/// How many requests with the same cause are kept, because the first may not show the difference again.
const SAMPLES: usize = 3;

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) number: u64,
    /// The index of the method, and its name.
    pub(crate) method: usize,
    pub(crate) method_name: Arc<str>,
    pub(crate) drawn: Drawn,
    /// Whether protobuf libraries decode its messages differently.
    pub(crate) is_malformed: bool,
}

/// A request to which the responses differed.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) sent: Sent,
    pub(crate) difference: Difference,
}

/// All differences with one cause.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) text: String,
    pub(crate) grade: Grade,
    /// The number of requests for each method and subject, with the first of them.
    pub(crate) parts: BTreeMap<(Subject, String), (u64, Sample)>,
    /// The first requests.
    pub(crate) samples: Vec<Sample>,
}

/// What differs at one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    /// What varies at the reference in each method.
    unstable: BTreeSet<(String, Subject)>,
    differing: BTreeMap<(String, String, Subject), Differing>,
    /// How many differences `[[ignore]]` entries accept.
    pub(crate) accepted: u64,
    /// How many requests the reference answered with OK.
    pub(crate) ok: u64,
    pub(crate) requests: u64,
}

#[derive(Clone, Debug)]
struct Differing {
    cases: u64,
    grade: Grade,
    samples: Vec<Sample>,
}

impl Collected {
    /// Adds the responses to a call.
    pub(crate) fn add_call(&mut self, sent: &Sent, responses: &Responses, rules: &Rules<'_>) {
        let Responses { reference, again, candidate } = responses;
        self.requests += 1;
        self.ok += u64::from(reference.is_ok());
        let mut unstable_here = BTreeSet::new();
        let unstable = again.iter().flat_map(|it| primary(differences(rules.types, reference, it)));
        for Difference { subject, .. } in unstable {
            if ends_call(&subject) {
                unstable_here.insert(subject);
            } else {
                self.unstable.insert((rules.method.to_owned(), subject));
            }
        }
        // If the reference ends the call in different ways, nothing can be compared.
        if unstable_here.is_empty() {
            self.add(sent, primary(differences(rules.types, reference, candidate)), rules);
        }
    }

    /// Adds the result of a probe.
    pub(crate) fn add_probe(
        &mut self,
        sent: &Sent,
        unstable: Vec<Difference>,
        mut differences: Vec<Difference>,
        rules: &Rules<'_>,
    ) {
        self.requests += 1;
        differences.retain(|it| unstable.iter().all(|unstable| unstable.subject != it.subject));
        for Difference { subject, .. } in unstable {
            if is_in_every_case(&subject) {
                self.unstable.insert((rules.method.to_owned(), subject));
            }
        }
        self.add(sent, differences, rules);
    }

    /// Adds what varies between ordinary calls of a method.
    pub(crate) fn add_unstable(&mut self, unstable: Vec<Difference>, rules: &Rules<'_>) {
        let subjects = unstable.into_iter().map(|difference| difference.subject);
        let counting = subjects.filter(|subject| !ends_call(subject));
        self.unstable.extend(counting.map(|subject| (rules.method.to_owned(), subject)));
    }

    /// Adds differences in the responses to one request.
    pub(crate) fn add(&mut self, sent: &Sent, differences: Vec<Difference>, rules: &Rules<'_>) {
        for difference in differences {
            match judged(group(sent), &difference, rules) {
                Judgement::Different => {}
                Judgement::Accepted { .. } => {
                    self.accepted += 1;
                    continue;
                }
                Judgement::Reported => continue,
            }
            let (text, grade) = cause_of(sent, &difference, rules);
            let key = (text, rules.method.to_owned(), difference.subject.clone());
            let new = || Differing { cases: 0, grade, samples: Vec::new() };
            let differing = self.differing.entry(key).or_insert_with(new);
            differing.cases += 1;
            if differing.samples.len() < SAMPLES {
                differing.samples.push(Sample { sent: sent.clone(), difference });
            }
        }
    }

    /// Whether this part of the responses of `method` varies at the reference.
    fn is_unstable(&self, method: &str, subject: &Subject) -> bool {
        self.unstable.contains(&(method.to_owned(), subject.clone()))
    }

    /// The causes of the differences, in the order of their first requests.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        let mut causes: BTreeMap<&str, Cause> = BTreeMap::new();
        for ((text, method, subject), differing) in &self.differing {
            let Some(first) = differing.samples.first() else { continue };
            if self.is_unstable(method, subject) {
                continue;
            }
            // A difference that other requests show too is not about the decoding of requests.
            let plain = cause(subject, None, method);
            let key = (plain, method.clone(), subject.clone());
            let plain = self.differing.get_key_value(&key).filter(|_| first.sent.is_malformed);
            let text = plain.map_or(text, |((plain, ..), _)| plain);
            let cause = causes.entry(text).or_insert_with(|| Cause {
                text: text.clone(),
                grade: differing.grade,
                parts: BTreeMap::new(),
                samples: Vec::new(),
            });
            let part = cause.parts.entry((subject.clone(), method.clone()));
            let (number, earliest) = part.or_insert_with(|| (0, first.clone()));
            *number += differing.cases;
            if first.sent.number < earliest.sent.number {
                *earliest = first.clone();
            }
            cause.samples.extend(differing.samples.iter().cloned());
            cause.samples.sort_by_key(|sample| sample.sent.number);
            cause.samples.truncate(SAMPLES);
        }
        let mut causes: Vec<_> = causes.into_values().collect();
        causes.sort_by_key(|cause| cause.samples.first().map(|sample| sample.sent.number));
        causes
    }
}

/// The groups of the suite to which requests like these belong, for `[[ignore]]` entries and the report, and who can send
/// them. [`group`] returns an index.
const GROUPS: [(&str, Grade); 4] = [
    ("generated.random", Grade::ClientVisible),
    ("generated.malformed", Grade::ClientVisible),
    ("wire.random", Grade::ClientVisible),
    ("wire.random", Grade::Edge),
];

/// All groups.
pub(crate) fn groups() -> Vec<(String, Grade)> {
    GROUPS.map(|(name, grade)| (name.to_owned(), grade)).into()
}

/// The name of the group of a request.
pub(crate) fn group_name(sent: &Sent) -> &'static str {
    GROUPS.get(group(sent)).map_or("", |(name, _)| name)
}

/// The group of a request.
pub(crate) fn group(sent: &Sent) -> usize {
    match &sent.drawn {
        _ if sent.is_malformed => 1,
        Drawn::Call(_) => 0,
        Drawn::Probe(probe) if grade(probe) == Grade::ClientVisible => 2,
        Drawn::Probe(_) => 3,
    }
}

/// What most likely causes a difference: the same text for differences with the same cause.
pub(crate) fn cause_of(sent: &Sent, difference: &Difference, rules: &Rules<'_>) -> (String, Grade) {
    match &sent.drawn {
        _ if sent.is_malformed => {
            ("the decoding of malformed messages".to_owned(), Grade::ClientVisible)
        }
        Drawn::Probe(probe) => {
            let grade = grade(probe);
            let text = match &difference.subject {
                // The same library or service makes it in the responses to calls.
                subject @ (Subject::ResponseField(..)
                | Subject::DetailsField(..)
                | Subject::InitialMetadata(_)
                | Subject::TrailingMetadata(_)
                | Subject::StatusMessageEncoding
                | Subject::Compression) => return (cause(subject, None, rules.method), grade),
                // The values are those of each method.
                Subject::Wire(what) if what == "next call" => format!("{what} of probes, {grade}"),
                subject => cause_below_messages(subject, difference, grade),
            };
            (text, grade)
        }
        Drawn::Call(_) => (cause(&difference.subject, None, rules.method), Grade::ClientVisible),
    }
}

/// Whether a conforming client can send the request.
fn grade(probe: &Probe) -> Grade {
    let is_legal = !Class::VARIANTS.iter().any(|class| class.contains(probe));
    let has_flags = probe.body.iter().all(|piece| piece.flag.is_none_or(|flag| flag < 2));
    // When grpcio notices invalid trailers depends on how much of the request has arrived.
    let has_trailers = probe.trailer_list().iter().all(is_valid_metadata);
    if is_legal && has_flags && has_trailers { probe.grade } else { Grade::Edge }
}

/// Whether gRPC permits applications to use the name, and the value is valid base64 if it has to be.
fn is_valid_metadata((name, value): &Field) -> bool {
    let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    !name.is_empty()
        && !name.starts_with(b"grpc-")
        && name.iter().all(is_valid)
        && (!name.ends_with(b"-bin") || BASE64.decode(value).is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_valid_metadata;

    #[test]
    fn applications_may_use_some_metadata() {
        let is = |name: &str, value: &str| is_valid_metadata(&(name.into(), value.into()));
        assert!(is("x", "") && is("x-bin", "AA==") && is("x-bin", "AA") && is("x.y_z", "%"));
        for (name, value) in [("", ""), ("x+", ""), ("x-bin", "w"), ("grpc-status", "0")] {
            assert!(!is(name, value), "{name}");
        }
    }
}

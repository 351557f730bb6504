//! Makes findings of the causes of differences.

use crate::compare::conclusion::SUITE;
use crate::compare::fuzz::collected::{Cause, Sample, group_name};
use crate::compare::fuzz::draw::Drawn;
use crate::compare::fuzz::entry::entry;
use crate::compare::request;
use crate::outcome::comparison::{Example, Judgement, MethodDifference};
use crate::probe::table::{self, Probe};

/// All differences of a peer with one cause.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The differences, each with its method, the most severe first.
    pub(crate) differences: Vec<(String, MethodDifference)>,
    /// The smallest request that shows it.
    pub(crate) example: Example,
    /// The request as an entry of a case file or of a table of probes.
    pub(crate) entry: String,
    /// The number of the request from which the example was made.
    pub(crate) number: u64,
    /// Whether the request shows it without those before it.
    pub(crate) is_alone: bool,
}

impl Finding {
    /// The finding of `cause` at `peer`, with `sample` as its example.
    pub(crate) fn new(peer: &str, cause: &Cause, sample: &Sample, is_alone: bool) -> Self {
        let part = |(method, cases, sample): (&String, u64, &Sample)| {
            let subject = &sample.difference.subject;
            let difference = MethodDifference {
                subject: subject.to_string(),
                part: subject.part(),
                name: subject.name().map(str::to_owned),
                how: subject.how(),
                cause: cause.text.clone(),
                judgement: Judgement::Different,
                grade: cause.grade,
                cases,
                example: example(peer, sample),
            };
            (method.clone(), difference)
        };
        let parts = cause.parts.iter().map(|((_, method), (cases, first))| (method, *cases, first));
        Self {
            differences: parts.map(part).collect(),
            example: example(peer, sample),
            entry: shown(sample),
            number: sample.sent.number,
            is_alone,
        }
    }

    /// The finding of `cause` at `peer`, with its first request.
    pub(crate) fn of_first(peer: &str, cause: &Cause) -> Option<Self> {
        let sample = cause.samples.first()?;
        Some(Self::new(peer, cause, sample, true))
    }
}

fn example(peer: &str, Sample { sent, difference }: &Sample) -> Example {
    let (name, grpcurl) = match &sent.drawn {
        Drawn::Probe(_) => (format!("request {}", sent.number), None),
        Drawn::Call(case) => {
            let command = case.method.as_ref().and_then(|method| request::grpcurl(case, method));
            (case.name.clone(), command)
        }
    };
    Example {
        trial: format!("{SUITE}/{peer}/{}/{}", sent.method_name, group_name(sent)),
        case: name,
        place: difference.place.clone(),
        reference: difference.reference.clone(),
        candidate: difference.candidate.clone(),
        request: Vec::new(),
        grpcurl,
    }
}

/// The request as an entry.
fn shown(Sample { sent, .. }: &Sample) -> String {
    match &sent.drawn {
        Drawn::Probe(probe) => probe_entry(probe, &sent.method_name),
        Drawn::Call(case) => match &case.method {
            Some(method) => entry(case, method, &case.name.replace(", ", "-")),
            None => String::new(),
        },
    }
}

fn probe_entry(probe: &Probe, method: &str) -> String {
    let entry = table::entry(probe).unwrap_or_else(|why| format!("# {why}\n"));
    format!("# to {method}\n{entry}")
}

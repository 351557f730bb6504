//! Makes the reports of the trials of a method, and its comparison, from all its differences.
//!
//! Differences have one cause if the same library or the same fault explains them. A library makes the same difference
//! in every field and method; the code of a service makes it in one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::compare::coverage::CoverageTally;
use crate::compare::difference::{Difference, Subject};
use crate::compare::message::DifferenceKind;
use crate::compare::plan::{Group, MethodPlan, SourcedGroup};
use crate::compare::request;
use crate::compare::servers::Servers;
use crate::compare::tally::{Differing, Tally};
use crate::config::CaseSource;
use crate::outcome::comparison::{
    CaseCounts, Example, Judgement, MethodComparison, MethodDifference, MethodVerdict, Part,
    Performance,
};
use crate::outcome::{Evidence, Finding, Grade, Mismatch, Report};
use crate::process::RunContext;

/// The name of the suite.
pub(crate) const SUITE: &str = "compare";

/// The commands and the logs of the servers.
#[derive(Debug)]
pub(crate) struct Commands {
    reference: Option<String>,
    candidate: Option<String>,
    logs: Vec<PathBuf>,
}

impl Commands {
    pub(crate) fn of(servers: &mut Servers, context: &RunContext) -> Self {
        Self {
            reference: servers.reference.command(context),
            candidate: servers.candidate.command(context),
            logs: servers.all().flat_map(|it| it.logs().paths()).collect(),
        }
    }
}

/// Everything that is known after the last case of a method.
pub(crate) struct Conclusion<'a> {
    pub(crate) plan: &'a MethodPlan,
    pub(crate) tally: &'a Tally,
    /// The indices of the groups whose cases ran.
    pub(crate) selected: &'a [usize],
    pub(crate) durations: &'a BTreeMap<usize, Duration>,
    pub(crate) commands: &'a Commands,
    /// Why not all cases ran.
    pub(crate) failure: Option<&'a str>,
    /// Why not all cases of these groups ran.
    pub(crate) errors: &'a BTreeMap<usize, String>,
    /// Why probes cannot be sent to the method.
    pub(crate) not_supported: Option<&'a str>,
}

impl Conclusion<'_> {
    /// The reports of the groups. One of them contains the comparison of the method.
    pub(crate) fn reports(
        &self,
        coverage: CoverageTally,
        performance: Vec<Performance>,
    ) -> BTreeMap<usize, Report> {
        let mut reports: BTreeMap<_, _> =
            self.selected.iter().map(|index| (*index, self.report(*index))).collect();
        if self.failure.is_none()
            && let Some(report) = reports.values_mut().next()
        {
            let comparison = self.comparison(coverage, performance);
            report.evidence.comparison = Some(Box::new(comparison));
        }
        reports
    }

    fn report(&self, index: usize) -> Report {
        let counts = self.tally.counts(index);
        let mut evidence = Evidence {
            about: Some(format!("{} cases", counts.all())),
            server_command: self.commands.candidate.clone(),
            reference_command: self.commands.reference.clone(),
            logs: self.commands.logs.clone(),
            grade: self.plan.groups.get(index).map(SourcedGroup::grade),
            duration: Some(self.durations.get(&index).copied().unwrap_or_default()),
            ..Evidence::default()
        };
        if let Some(why) = self.failure.or(self.errors.get(&index).map(String::as_str)) {
            return Report { finding: Finding::SetUpError(why.to_owned()), evidence };
        }
        let is_probe =
            self.plan.groups.get(index).is_some_and(|it| matches!(it.group, Group::Wire(_)));
        if let Some(why) = self.not_supported.filter(|_| is_probe) {
            return Report { finding: Finding::NotSupported(why.to_owned()), evidence };
        }
        let of_group = self.tally.differing().filter(|(group, ..)| *group == index);
        let differing: Vec<_> = of_group.map(|(_, _, differing)| differing).collect();
        let different = differing.iter().filter(|it| it.judgement == Judgement::Different);
        let mismatches: Vec<_> = different.clone().map(|it| mismatch(it)).collect();
        let sent = different.take(1).flat_map(|it| request::shown(&it.case));
        evidence.sent = sent.collect();
        let accepted = differing.iter().find_map(|it| match &it.judgement {
            Judgement::Accepted { reason } => Some(reason.clone()),
            _ => None,
        });
        let finding = match accepted {
            Some(reason) if mismatches.is_empty() => Finding::Accepted(reason),
            _ => mismatches.into(),
        };
        Report { finding, evidence }
    }

    fn comparison(
        &self,
        coverage: CoverageTally,
        performance: Vec<Performance>,
    ) -> MethodComparison {
        let MethodPlan { peer, method, fields, omitted, groups, .. } = self.plan;
        let differences = self.differences();
        let mut sources: BTreeMap<String, CaseCounts> = BTreeMap::new();
        for index in self.selected {
            let Some(group) = groups.get(*index) else { continue };
            sources.entry(group.source.to_string()).or_default().add(self.tally.counts(*index));
        }
        let is = |judgement: fn(&Judgement) -> bool| {
            differences.iter().any(|difference| judgement(&difference.judgement))
        };
        let is_complete = self.selected.len() == groups.len();
        let (verdict, why) = if is(|it| *it == Judgement::Different) {
            (MethodVerdict::Differs, None)
        } else if is_complete && coverage.ok() == 0 {
            let statuses: Vec<_> = coverage.statuses().collect();
            let why = format!("the reference never returned OK, only {}", statuses.join(", "));
            (MethodVerdict::Untested, Some(why))
        } else if is(|it| matches!(it, Judgement::Accepted { .. })) {
            (MethodVerdict::Accepted, None)
        } else {
            (MethodVerdict::Same, None)
        };
        MethodComparison {
            peer: peer.clone(),
            method: method.full_name().to_owned(),
            kind: kind(method.is_client_streaming(), method.is_server_streaming()).to_owned(),
            verdict,
            why,
            sources,
            differences,
            unstable: self.tally.unstable().cloned().collect(),
            coverage: coverage.finish(method, fields, *omitted),
            performance,
        }
    }

    /// The differences of all groups by subject.
    fn differences(&self) -> Vec<MethodDifference> {
        let mut all: BTreeMap<(Part, String, &Subject), MethodDifference> = BTreeMap::new();
        let groups = || {
            let differing = self.tally.differing();
            differing.filter_map(|(index, subject, differing)| {
                Some((self.plan.groups.get(index)?, subject, differing))
            })
        };
        // A difference that is also in other groups of messages is not about the decoding of requests.
        let elsewhere: BTreeSet<_> = groups()
            .filter(|(group, ..)| {
                !is_about_decoding(group) && !matches!(group.group, Group::Wire(_))
            })
            .map(|(_, it, _)| it)
            .collect();
        for (group, subject, differing) in groups() {
            let about = is_about_decoding(group) && !elsewhere.contains(subject);
            let about = about.then_some(group.group.name());
            let grade = group.grade();
            let cause = match group.group {
                Group::Wire(_) => cause_below_messages(subject, &differing.difference, grade),
                _ => cause(subject, about, &differing.method),
            };
            let new = MethodDifference {
                subject: subject.to_string(),
                part: subject.part(),
                name: subject.name().map(str::to_owned),
                how: subject.how(),
                cause: cause.clone(),
                judgement: differing.judgement.clone(),
                grade,
                cases: differing.cases,
                example: self.example(group, differing),
            };
            let key = (subject.part(), cause, subject);
            match all.get_mut(&key) {
                None => {
                    all.insert(key, new);
                }
                Some(known) => {
                    let cases = known.cases + new.cases;
                    let is_worse =
                        new.judgement == Judgement::Different && known.judgement != new.judgement;
                    let is_smaller = new.judgement == known.judgement
                        && request_size(&new.example) < request_size(&known.example);
                    let grade = known.grade.min(new.grade);
                    if is_worse || is_smaller {
                        *known = new;
                    }
                    (known.cases, known.grade) = (cases, grade);
                }
            }
        }
        all.into_values().collect()
    }

    fn example(&self, group: &SourcedGroup, differing: &Differing) -> Example {
        let Differing { case, difference, .. } = differing;
        let MethodPlan { peer, method, .. } = self.plan;
        Example {
            trial: format!("{SUITE}/{peer}/{}/{}", method.full_name(), group.name()),
            case: case.name.clone(),
            place: difference.place.clone(),
            reference: difference.reference.clone(),
            candidate: difference.candidate.clone(),
            request: request::shown(case),
            grpcurl: request::grpcurl(case, case.method.as_ref().unwrap_or(method)),
        }
    }
}

fn request_size(example: &Example) -> usize {
    example.request.iter().map(|message| message.len() + 10).sum()
}

/// The differences of a group with one subject as one mismatch.
fn mismatch(differing: &Differing) -> Mismatch {
    let Differing { cases, case, difference, .. } = differing;
    let more = match cases {
        1 => String::new(),
        cases => format!(", and in {} more", cases - 1),
    };
    let what = format!("{} (case {}{more})", difference.place, case.name);
    Mismatch::new(&what, &difference.reference, &difference.candidate)
}

fn kind(client_streams: bool, server_streams: bool) -> &'static str {
    match (client_streams, server_streams) {
        (false, false) => "unary",
        (false, true) => "server-streaming",
        (true, false) => "client-streaming",
        (true, true) => "bidirectional",
    }
}

/// Whether the cases of `group` are about the decoding of requests, which a library does in the same way for every
/// method.
fn is_about_decoding(group: &SourcedGroup) -> bool {
    let name = group.group.name();
    group.source == CaseSource::Generated
        && ["malformed", "nesting", "unknown-fields"].contains(&name)
}

/// What most likely causes a difference with this subject: the same text for differences with the same cause.
/// `requests` is the kind of requests whose decoding may cause it.
pub(crate) fn cause(subject: &Subject, requests: Option<&str>, method: &str) -> String {
    match subject {
        Subject::ResponseField(_, kind) | Subject::DetailsField(_, kind)
            if is_of_library(*kind) =>
        {
            kind.to_string()
        }
        Subject::InitialMetadata(name) if name == "grpc-encoding" => {
            Subject::Compression.to_string()
        }
        Subject::InitialMetadata(_)
        | Subject::TrailingMetadata(_)
        | Subject::StatusMessageEncoding
        | Subject::Encoding(_)
        | Subject::Compression
        | Subject::ContentType => subject.to_string(),
        subject => match requests {
            Some(requests) => format!("{subject} of {requests} requests"),
            None => format!("{subject} in {method}"),
        },
    }
}

/// What most likely causes a difference in the outcome of a probe. No code of a service sees most probes, so the cause
/// is the same in every method. A rule of a library has the same consequence for many probes.
pub(crate) fn cause_below_messages(
    subject: &Subject,
    difference: &Difference,
    grade: Grade,
) -> String {
    match subject {
        Subject::End | Subject::HttpStatus | Subject::Status | Subject::Wire(_) => {
            let Difference { reference, candidate, .. } = difference;
            format!("{subject} of probes: {candidate} instead of {reference}, {grade}")
        }
        Subject::InitialMetadata(_)
        | Subject::TrailingMetadata(_)
        | Subject::StatusMessageEncoding
        | Subject::Compression => subject.to_string(),
        subject => format!("{subject} of probes, {grade}"),
    }
}

/// Whether the protobuf library, rather than the service, most likely makes such a difference.
fn is_of_library(kind: DifferenceKind) -> bool {
    matches!(
        kind,
        DifferenceKind::SignOfZero
            | DifferenceKind::NanPayload
            | DifferenceKind::MissingUnknownField
            | DifferenceKind::AdditionalUnknownField
            | DifferenceKind::ChangedUnknownField
    )
}

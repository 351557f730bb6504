//! Reduces the examples of differences: looks for smaller requests that show the same difference.
//!
//! A difference that only a random case shows is unreadable otherwise. It is only an explanation, so the calls count
//! nowhere, and they end early rather than make a run slow.
//!
//! - [`search`]: which requests are tried
//! - [`tree`], [`number`]: what can be removed from a request, and how numbers become smaller

mod number;
mod search;
mod tree;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::compare::case::Case;
use crate::compare::difference::{Difference, Subject, differences};
use crate::compare::plan::{Group, MethodPlan, SourcedGroup};
use crate::compare::response::CallEnd;
use crate::compare::servers::Servers;
use crate::compare::tally::{Responses, Rules, Tally, ends_call, judged, primary, size};
use crate::outcome::comparison::Judgement;
use crate::process::RunContext;

pub(crate) use search::{Method, smaller};

/// How many differences of a method have their examples reduced.
const DIFFERENCES: usize = 5;

/// How many requests are tried for each of them, with the original.
const TRIES: usize = 60;

/// How long that takes for all differences of a method.
const LIMIT: Duration = Duration::from_secs(2);

/// A difference is given up if one of its calls takes longer.
const SLOW: Duration = Duration::from_millis(200);

/// Requests up to this size, in bytes with the prefixes of the messages, are readable as they are.
const SHORT: usize = 16;

/// The examples of the differences of a method.
pub(crate) struct Examples<'a> {
    pub(crate) plan: &'a MethodPlan,
    /// How long a server may take for a call.
    pub(crate) limit: Duration,
    pub(crate) servers: &'a mut Servers,
    pub(crate) rules: Rules<'a>,
    pub(crate) tally: &'a mut Tally,
    pub(crate) context: &'a RunContext,
}

/// An example that may be reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Example {
    group: usize,
    subject: Subject,
    case: Case,
}

impl Examples<'_> {
    /// Replaces examples by smaller ones, as far as they are found within the limits.
    pub(crate) fn shrink(self) {
        let Self { plan, limit, servers, rules, tally, context } = self;
        let mut calls = Calls { plan, limit, servers, rules, context, end: Instant::now() + LIMIT };
        let input = plan.method.input();
        let method = Method { of: &input, is_client_streaming: plan.method.is_client_streaming() };
        for Example { group, subject, case } in examples(plan, tally) {
            // It may depend on the calls before.
            let ControlFlow::Continue(Some(_)) = calls.difference(group, &subject, &case) else {
                continue;
            };
            let mut last = None;
            let found = smaller(&case, method, TRIES - 1, &mut |case| {
                let found = calls.difference(group, &subject, case)?;
                let shows = found.is_some();
                last = found.or(last.take());
                ControlFlow::Continue(shows)
            });
            if let (Some(case), Some(difference)) = (found, last) {
                tally.set_example(group, rules.method, case, difference);
            }
        }
        // The latency of these calls is none of a case.
        drop(calls.servers.take_performance());
    }
}

/// The examples to reduce: those that a report shows first, then from the most severe difference.
fn examples(plan: &MethodPlan, tally: &Tally) -> Vec<Example> {
    // The findings show the smallest example of each subject.
    let mut by_subject: BTreeMap<&Subject, Vec<(usize, &Case)>> = BTreeMap::new();
    for (group, subject, differing) in tally.differing() {
        let is_of_method = differing.method == plan.method.full_name();
        if is_of_method && differing.judgement == Judgement::Different && *subject != Subject::End {
            by_subject.entry(subject).or_default().push((group, &differing.case));
        }
    }
    let mut examples = Vec::new();
    for (subject, mut of_subject) in by_subject {
        of_subject.sort_by_key(|(group, case)| (size(case), *group));
        let ranked = of_subject.into_iter().enumerate();
        let large = ranked.filter(|(_, (group, case))| {
            plan.groups.get(*group).is_some_and(|group| is_reducible(group, case))
        });
        examples.extend(large.map(|(rank, (group, case))| {
            (rank, Example { group, subject: subject.clone(), case: case.clone() })
        }));
    }
    // Subjects are in the order of their severity.
    examples.sort_by_key(|(rank, _)| *rank);
    examples.into_iter().map(|(_, example)| example).take(DIFFERENCES).collect()
}

/// Whether the case of this group may have more than is needed.
fn is_reducible(SourcedGroup { group, .. }: &SourcedGroup, case: &Case) -> bool {
    let Group::Cases(group) = group else { return false };
    let is_random = ["random", "random-cases"].contains(&&group.name[..]);
    let is_fast = case.deadline.is_none_or(|deadline| deadline < LIMIT);
    is_fast && case.probe.is_none() && (is_random || size(case) > SHORT)
}

/// Makes the calls at all servers.
struct Calls<'a> {
    plan: &'a MethodPlan,
    limit: Duration,
    servers: &'a mut Servers,
    rules: Rules<'a>,
    context: &'a RunContext,
    /// When no further call is made.
    end: Instant,
}

impl Calls<'_> {
    /// The difference with this subject in the responses to `case`, if there is one that counts. A break if the
    /// example cannot be reduced any further.
    fn difference(
        &mut self,
        group: usize,
        subject: &Subject,
        case: &Case,
    ) -> ControlFlow<(), Option<Difference>> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return ControlFlow::Break(());
        }
        let Some(responses) = self.call(case, self.limit.min(left)) else {
            self.end = Instant::now();
            return ControlFlow::Break(());
        };
        if responses.all().any(|response| response.duration > SLOW) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(difference(group, subject, &responses, &self.rules))
    }

    /// The responses to `case`; `None` if a server does not end the call, for example because it exits.
    fn call(&mut self, case: &Case, limit: Duration) -> Option<Responses> {
        let Self { plan, servers, context, .. } = self;
        let failure = servers.prepare(&plan.setup, self.limit, context).ok()?;
        if failure.is_some() {
            return None;
        }
        let responses = servers.call(&plan.path(), case, limit, context).ok()?;
        let is_ended = |end: &CallEnd| matches!(end, CallEnd::EndStream | CallEnd::Reset(_));
        let all_ended = responses.all().all(|response| is_ended(&response.end));
        all_ended.then_some(responses)
    }
}

/// The difference with this subject, unless the reference is unstable in it or it is accepted.
pub(crate) fn difference(
    group: usize,
    subject: &Subject,
    responses: &Responses,
    rules: &Rules<'_>,
) -> Option<Difference> {
    let Responses { reference, again, candidate } = responses;
    let is_unstable = again.as_ref().is_some_and(|again| {
        let unstable = differences(rules.types, reference, again);
        unstable.iter().any(|it| it.subject == *subject || ends_call(&it.subject))
    });
    let mut found = primary(differences(rules.types, reference, candidate)).into_iter();
    let found = found.find(|it| it.subject == *subject)?;
    (!is_unstable && judged(group, &found, rules) == Judgement::Different).then_some(found)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::compare::case::CaseGroup;
    use crate::compare::difference::ResponseTypes;
    use crate::compare::ignored::Ignored;
    use crate::compare::message::Encoding;
    use crate::compare::response::Response;
    use crate::compare::tally::Strict;
    use crate::compare::test_service;
    use crate::config::CaseSource;
    use crate::http2::Stream;

    fn rules<'a>(types: &'a ResponseTypes, ignored: &'a Ignored) -> Rules<'a> {
        Rules {
            peer: "rust",
            method: "shop.Shop.Get",
            groups: &[],
            types,
            ignored,
            strict: Strict::default(),
        }
    }

    fn plan(groups: &[&str]) -> MethodPlan {
        let group = |name: &&str| SourcedGroup {
            source: CaseSource::Generated,
            group: Group::Cases(CaseGroup::new(*name, std::iter::empty)),
        };
        MethodPlan {
            peer: "rust".to_owned(),
            method: test_service::method("Get"),
            types: test_service::response_types(),
            setup: Vec::new(),
            groups: groups.iter().map(group).collect(),
            fields: Vec::new(),
            omitted: 0,
        }
    }

    /// A case whose request has this size without the prefix.
    fn case(size: usize) -> Case {
        Case { messages: vec![Bytes::from(vec![0; size])], ..Case::default() }
    }

    /// The groups and subjects of the examples in the order in which they are reduced.
    fn chosen(groups: &[&str], found: &[(usize, Case, Subject)]) -> Vec<(usize, Subject)> {
        let (types, ignored) = (test_service::response_types(), Ignored::new(Vec::new()));
        let mut tally = Tally::default();
        for (group, case, subject) in found {
            let subject = subject.clone();
            let (reference, candidate) = ("1".to_owned(), "2".to_owned());
            let difference = Difference { subject, place: String::new(), reference, candidate };
            tally.add_differences(*group, case, vec![difference], &rules(&types, &ignored));
        }
        let examples = examples(&plan(groups), &tally).into_iter();
        examples.map(|example| (example.group, example.subject)).collect()
    }

    #[test]
    fn large_and_random_examples_are_reduced() {
        let name = |name: &str| Subject::TrailingMetadata(name.to_owned());
        let found = [
            (0, case(3), name("b")),
            (1, case(30), Subject::StatusMessage),
            (2, case(3), Subject::MessageCount),
            // The findings show the example of the other group.
            (1, case(40), Subject::MessageCount),
            (1, case(50), name("a")),
            (2, case(50), Subject::Encoding(Encoding::Duplicates)),
            (0, case(50), Subject::End),
            (1, Case { deadline: Some(LIMIT), ..case(50) }, name("c")),
            (3, Case { probe: Some("".into()), ..case(50) }, name("d")),
        ];
        let expected = [
            (1, Subject::StatusMessage),
            (1, name("a")),
            (0, name("b")),
            (1, Subject::MessageCount),
        ];
        assert_eq!(chosen(&["random", "all-fields", "price", "other"], &found), expected);
    }

    #[test]
    fn few_examples_are_reduced() {
        let name = |number| Subject::TrailingMetadata(format!("m-{number}"));
        let found: Vec<_> = (0..9).map(|number| (0, case(30), name(number))).collect();
        let expected: Vec<_> = (0..DIFFERENCES).map(|number| (0, name(number))).collect();
        assert_eq!(chosen(&["all-fields"], &found), expected);
    }

    /// A response with this status and this trailing metadata.
    fn response((status, value): (&str, &str)) -> Response {
        let field = |name: &str, value: &str| (name.into(), value.into());
        let blocks = vec![Vec::new(), vec![field("grpc-status", status), field("m", value)]];
        Response::new(Stream { blocks, received_end: true, ..Stream::default() }, None)
    }

    #[test]
    fn a_difference_counts_only_if_the_reference_is_stable() {
        let (types, ignored) = (test_service::response_types(), Ignored::new(Vec::new()));
        let subject = Subject::TrailingMetadata("m".to_owned());
        let found = |again: (&str, &str), candidate: (&str, &str)| {
            let responses = Responses {
                reference: response(("0", "1")),
                again: Some(response(again)),
                candidate: response(candidate),
            };
            difference(0, &subject, &responses, &rules(&types, &ignored)).map(|it| it.candidate)
        };
        assert_eq!(found(("0", "1"), ("0", "2")).as_deref(), Some("\"2\""));
        assert_eq!(found(("0", "1"), ("0", "1")), None);
        assert_eq!(found(("0", "3"), ("0", "2")), None, "the metadata is unstable");
        assert_eq!(found(("5", "1"), ("0", "2")), None, "the status is unstable");
        assert_eq!(found(("0", "1"), ("5", "2")), None, "the status differs, not the metadata");
    }

    #[test]
    fn a_new_example_changes_no_count() {
        let (types, ignored) = (test_service::response_types(), Ignored::new(Vec::new()));
        let rules = rules(&types, &ignored);
        let difference = |candidate: &str| Difference {
            subject: Subject::StatusMessage,
            place: String::new(),
            reference: "1".to_owned(),
            candidate: candidate.to_owned(),
        };
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.add_differences(0, &case(30), vec![difference("2")], &rules);
        }
        tally.set_example(0, rules.method, case(3), difference("3"));
        let (_, _, differing) = tally.differing().next().expect("there is one");
        assert_eq!((&differing.case, &*differing.difference.candidate), (&case(3), "3"));
        assert_eq!((differing.cases, tally.counts(0).different), (2, 2));
    }
}

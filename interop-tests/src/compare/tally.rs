//! Collects the differences of all cases of one method.
//!
//! What is unstable at the reference is known only after the last case. So differences are kept until then, but only
//! one example for each subject: the memory does not grow with the number of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::compare::case::Case;
use crate::compare::difference::{Difference, RESPONDS, ResponseTypes, Subject, differences};
use crate::compare::ignored::{Ignored, entry_for};
use crate::compare::response::Response;
use crate::outcome::Grade;
use crate::outcome::comparison::{CaseCounts, Judgement, Unstable};

/// A response is slow if it takes this many times as long as that of the reference, and this much longer.
const SLOW_FACTOR: u32 = 5;
const SLOW: Duration = Duration::from_millis(100);

/// A method is slow if this many cases are, or all of them. A single slow response may have waited for a processor.
const SLOW_CASES: u64 = 3;

/// A difference in so few cases is rare.
const RARE: u64 = 5;

/// The responses to one case.
pub(crate) struct Responses {
    pub(crate) reference: Response,
    /// The response of the second instance of the reference, if there is one.
    pub(crate) again: Option<Response>,
    pub(crate) candidate: Response,
}

impl Responses {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Response> {
        [&self.reference].into_iter().chain(&self.again).chain([&self.candidate])
    }
}

/// How differences are judged.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) peer: &'a str,
    pub(crate) method: &'a str,
    /// The last part of the name of the trial of each group, and who can send its cases.
    pub(crate) groups: &'a [(String, Grade)],
    pub(crate) types: &'a ResponseTypes,
    pub(crate) ignored: &'a Ignored,
    pub(crate) strict: Strict,
}

/// What is a difference only on request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strict {
    /// Other bytes for equal values.
    pub(crate) bytes: bool,
    /// Other responses to requests that no conforming client sends.
    pub(crate) edge: bool,
}

/// The differences of a method so far.
#[derive(Default)]
pub(crate) struct Tally {
    /// What is unstable in each method that was called.
    unstable: BTreeMap<(String, Subject), Unstable>,
    /// How calls end may depend on time in a few cases, such as those with a short deadline. So it is unstable only in
    /// the groups of these cases.
    unstable_ends: BTreeSet<(usize, Subject)>,
    /// What is unstable at the reference in the case of a probe only, because it depends on timing.
    unstable_in: BTreeMap<(usize, Subject), Unstable>,
    /// The differences with each subject in each group and method.
    differing: BTreeMap<(usize, String, Subject), Differing>,
    /// How many cases of each group and method have exactly these differences.
    sets: BTreeMap<(usize, String, Found), u64>,
    /// How many cases the candidate answered slowly, and how many cases there were.
    slow: u64,
    cases: u64,
}

/// The differences of one case.
type Found = BTreeSet<(Subject, Kind)>;

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Reported,
    Edge,
    Accepted,
    Different,
}

/// The differences with one subject.
#[derive(Clone, Debug)]
pub(crate) struct Differing {
    /// The method that was called.
    pub(crate) method: String,
    pub(crate) judgement: Judgement,
    pub(crate) cases: u64,
    /// The smallest case, which may be shrunk, and what differs in it.
    pub(crate) case: Case,
    pub(crate) difference: Difference,
}

impl Tally {
    /// Adds the responses to a case of `group`.
    pub(crate) fn add(
        &mut self,
        group: usize,
        case: &Case,
        responses: &Responses,
        rules: &Rules<'_>,
    ) {
        self.add_with(group, case, responses, Vec::new(), rules);
    }

    /// Adds the responses to a case of `group`, and `own` differences, which do not follow from the responses alone.
    pub(crate) fn add_with(
        &mut self,
        group: usize,
        case: &Case,
        responses: &Responses,
        own: Vec<Difference>,
        rules: &Rules<'_>,
    ) {
        let Responses { reference, again, candidate } = responses;
        self.cases += 1;
        if let Some(again) = again {
            self.add_repetition(group, case, [reference, again], rules);
        }
        let mut differences = primary(differences(rules.types, reference, candidate));
        if is_slow(responses) {
            self.slow += 1;
            differences.push(slowness(reference, candidate));
        }
        differences.extend(own);
        self.add_differences(group, case, differences, rules);
    }

    /// Adds the differences of a probe, which is the case of `group`, and what was unstable at the reference.
    pub(crate) fn add_probe(
        &mut self,
        group: usize,
        case: &Case,
        unstable: Vec<Difference>,
        differences: Vec<Difference>,
        rules: &Rules<'_>,
    ) {
        for difference in unstable {
            if is_in_every_case(&difference.subject) {
                self.add_unstable(case, difference, rules);
            } else {
                let Difference { subject, reference, candidate, .. } = difference;
                rules.ignored.use_for(rules.peer, rules.method, &subject);
                let unstable = Unstable {
                    subject: format!("{subject} in the case {}", case.name),
                    values: [reference, candidate],
                    case: case.name.clone(),
                    entry: None,
                };
                self.unstable_in.insert((group, subject), unstable);
            }
        }
        self.add_differences(group, case, differences, rules);
    }

    /// Adds the differences of a case of `group`.
    pub(crate) fn add_differences(
        &mut self,
        group: usize,
        case: &Case,
        differences: Vec<Difference>,
        rules: &Rules<'_>,
    ) {
        let mut found = Found::new();
        for difference in differences {
            let judgement = judged(group, &difference, rules);
            let kind = match judgement {
                Judgement::Different => Kind::Different,
                Judgement::Accepted { .. } => Kind::Accepted,
                Judgement::Reported if is_reported(&difference.subject) => Kind::Reported,
                Judgement::Reported => Kind::Edge,
            };
            found.insert((difference.subject.clone(), kind));
            let key = (group, rules.method.to_owned(), difference.subject.clone());
            let new = || Differing {
                method: rules.method.to_owned(),
                judgement: judgement.clone(),
                cases: 0,
                case: case.clone(),
                difference: difference.clone(),
            };
            let differing = self.differing.entry(key).or_insert_with(new);
            differing.cases += 1;
            // An entry may accept some of the values only.
            let is_worse = judgement == Judgement::Different && differing.judgement != judgement;
            if is_worse || differing.judgement == judgement && size(case) < size(&differing.case) {
                *differing = Differing { cases: differing.cases, ..new() };
            }
        }
        *self.sets.entry((group, rules.method.to_owned(), found)).or_default() += 1;
    }

    /// The cases whose differences may be due to chance, because they are rare: the two instances of the reference may
    /// have agreed by chance, for example in the order of two map entries.
    pub(crate) fn doubtful(&self) -> Vec<(usize, Case)> {
        let is_rare = |method: &str, subject: &Subject| {
            let all = self.differing();
            let of_subject = all.filter(|(_, it, of)| *it == subject && of.method == method);
            of_subject.map(|(_, _, differing)| differing.cases).sum::<u64>() <= RARE
        };
        let mut cases: Vec<(usize, Case)> = Vec::new();
        for (group, subject, differing) in self.differing() {
            let counts = differing.judgement == Judgement::Different && *subject != Subject::End;
            let case = (group, differing.case.clone());
            if counts && is_rare(&differing.method, subject) && !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }

    /// Adds the responses of both instances of the reference to a case of `group`.
    pub(crate) fn add_repetition(
        &mut self,
        group: usize,
        case: &Case,
        [reference, again]: [&Response; 2],
        rules: &Rules<'_>,
    ) {
        for difference in primary(differences(rules.types, reference, again)) {
            if ends_call(&difference.subject) {
                self.unstable_ends.insert((group, difference.subject.clone()));
            }
            self.add_unstable(case, difference, rules);
        }
    }

    /// Adds a difference between two instances of the reference.
    pub(crate) fn add_unstable(&mut self, case: &Case, difference: Difference, rules: &Rules<'_>) {
        let Difference { subject, reference, candidate, .. } = difference;
        rules.ignored.use_for(rules.peer, rules.method, &subject);
        let key = (rules.method.to_owned(), subject);
        self.unstable.entry(key).or_insert_with_key(|(_, subject)| Unstable {
            subject: subject.to_string(),
            values: [reference, candidate],
            case: case.name.clone(),
            entry: entry_for(subject, rules.method),
        });
    }

    /// The differences that are not unstable at the reference, by group.
    pub(crate) fn differing(&self) -> impl Iterator<Item = (usize, &Subject, &Differing)> {
        self.differing
            .iter()
            .filter(|((group, method, subject), _)| !self.is_left_out(*group, method, subject))
            .map(|((group, _, subject), differing)| (*group, subject, differing))
    }

    /// Replaces the example of the differences with one subject in a group and method by a smaller one.
    pub(crate) fn set_example(
        &mut self,
        group: usize,
        method: &str,
        case: Case,
        difference: Difference,
    ) {
        let key = (group, method.to_owned(), difference.subject.clone());
        if let Some(differing) = self.differing.get_mut(&key) {
            *differing = Differing { case, difference, ..differing.clone() };
        }
    }

    /// Whether differences of `method` with this subject do not count.
    fn is_left_out(&self, group: usize, method: &str, subject: &Subject) -> bool {
        if self.unstable_in.contains_key(&(group, subject.clone())) {
            return true;
        }
        match subject {
            Subject::Latency => self.slow < SLOW_CASES.min(self.cases),
            subject if ends_call(subject) => self.unstable_ends.contains(&(group, subject.clone())),
            subject => self.unstable.contains_key(&(method.to_owned(), subject.clone())),
        }
    }

    /// The number of cases of `group` by their result.
    pub(crate) fn counts(&self, group: usize) -> CaseCounts {
        let mut counts = CaseCounts::default();
        for ((_, method, found), number) in self.sets.iter().filter(|((of, ..), _)| *of == group) {
            let stable =
                found.iter().filter(|(subject, _)| !self.is_left_out(group, method, subject));
            let worst =
                stable.filter(|(subject, _)| *subject != Subject::Latency).map(|(_, kind)| kind);
            match worst.max() {
                None => counts.same += number,
                Some(Kind::Reported) => counts.same_value += number,
                Some(Kind::Edge) => counts.edge += number,
                Some(Kind::Accepted) => counts.accepted += number,
                Some(Kind::Different) => counts.different += number,
            }
        }
        counts
    }

    /// What is unstable at the reference.
    pub(crate) fn unstable(&self) -> impl Iterator<Item = &Unstable> {
        self.unstable.values().chain(self.unstable_in.values())
    }
}

/// Whether what is unstable with this subject in one probe is unstable in every case: then it is the content of the
/// response, not its timing.
pub(crate) fn is_in_every_case(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::ResponseField(..)
            | Subject::DetailsField(..)
            | Subject::InitialMetadata(_)
            | Subject::TrailingMetadata(_)
            | Subject::Encoding(_)
    )
}

/// Whether it is how the call ended.
pub(crate) fn ends_call(subject: &Subject) -> bool {
    matches!(subject, Subject::End | Subject::HttpStatus | Subject::Status)
}

/// The differences without the consequences of others: if the status differs, so do the messages.
pub(crate) fn primary(mut differences: Vec<Difference>) -> Vec<Difference> {
    let has = |subject: Subject| differences.iter().any(|it| it.subject == subject);
    let cause =
        [Subject::End, Subject::HttpStatus, Subject::Status].into_iter().find(|it| has(it.clone()));
    if let Some(cause) = cause {
        differences.retain(|it| it.subject == cause);
    } else if has(Subject::MessageCount) {
        // A response without messages may have no initial metadata of its own.
        let is_of_library = |subject: &Subject| matches!(subject, Subject::InitialMetadata(name) if name.starts_with("grpc-"));
        differences.retain(|it| !is_of_library(&it.subject));
        differences
            .retain(|it| !matches!(it.subject, Subject::ResponseField(..) | Subject::Encoding(_)));
    }
    differences
}

/// Whether a difference with this subject is by default only reported.
fn is_reported(subject: &Subject) -> bool {
    *subject == Subject::Latency || subject.is_encoding()
}

/// What a difference in a case of `group` means.
pub(crate) fn judged(group: usize, difference: &Difference, rules: &Rules<'_>) -> Judgement {
    let Rules { peer, method, groups, ignored, strict, .. } = rules;
    let (cases, grade) =
        groups.get(group).map_or(("", Grade::default()), |(name, grade)| (name, *grade));
    let subject = &difference.subject;
    if is_reported(subject) && !(strict.bytes && subject.is_encoding()) {
        return Judgement::Reported;
    }
    // A server that exits fails the calls of all clients.
    let is_fatal = difference.reference == RESPONDS;
    match ignored.reason(peer, method, cases, difference) {
        Some(reason) => Judgement::Accepted { reason: reason.to_owned() },
        None if grade == Grade::Edge && !strict.edge && !is_fatal => Judgement::Reported,
        None => Judgement::Different,
    }
}

fn is_slow(responses: &Responses) -> bool {
    let Responses { reference, again, candidate } = responses;
    let reference = again.iter().map(|it| it.duration).fold(reference.duration, Duration::max);
    candidate.duration > reference * SLOW_FACTOR && candidate.duration > reference + SLOW
}

fn slowness(reference: &Response, candidate: &Response) -> Difference {
    let text = |response: &Response| format!("{:.1} ms", response.duration.as_secs_f64() * 1000.0);
    let subject = Subject::Latency;
    let (place, reference, candidate) = (subject.to_string(), text(reference), text(candidate));
    Difference { subject, place, reference, candidate }
}

/// The size of the request in bytes.
pub(crate) fn size(case: &Case) -> usize {
    case.messages.iter().map(|message| message.len() + 5).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::suite::response_types;
    use crate::compare::test_service;
    use crate::config::{Ignore, IgnoredPart};
    use crate::http2::Stream;

    /// A response with this message and these trailers.
    fn response(message: &[u8], trailers: &[(&str, &str)]) -> Response {
        let length = u32::try_from(message.len()).expect("it is short").to_be_bytes();
        let field = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
        let trailers = [("grpc-status", "0")].iter().chain(trailers).map(field).collect();
        let data = [&[0], &length[..], message].concat();
        let blocks = vec![Vec::new(), trailers];
        Response::new(Stream { blocks, data, received_end: true, ..Stream::default() }, None)
    }

    const PEN: &[u8] = b"\x0a\x03pen";
    const CUP: &[u8] = b"\x0a\x03cup";

    struct Test {
        tally: Tally,
        types: ResponseTypes,
        ignored: Ignored,
        strict: Strict,
    }

    impl Test {
        fn new(ignored: &[(&str, Option<&str>)]) -> Self {
            let entry = |(field, pattern): &(&str, Option<&str>)| Ignore {
                cases: None,
                what: IgnoredPart::Field((*field).to_owned()),
                method: None,
                peer: None,
                pattern: pattern.map(|it| regex_lite::Regex::new(it).expect("it is valid")),
                reason: "known".to_owned(),
                place: String::new(),
            };
            let method = test_service::method("Get");
            Self {
                tally: Tally::default(),
                types: response_types(&method, &test_service::pool()).expect("they exist"),
                ignored: Ignored::new(ignored.iter().map(entry).collect()),
                strict: Strict::default(),
            }
        }

        fn add(&mut self, name: &str, responses: [Response; 3]) {
            let [reference, again, candidate] = responses;
            let responses = Responses { reference, again: Some(again), candidate };
            let case = Case { name: name.to_owned(), ..Case::default() };
            let rules = Rules {
                groups: &[],
                peer: "rust",
                method: "shop.Shop.Get",
                types: &self.types,
                ignored: &self.ignored,
                strict: self.strict,
            };
            self.tally.add(0, &case, &responses, &rules);
        }

        fn counts(&self) -> [u64; 4] {
            let CaseCounts { same, same_value, accepted, different, .. } = self.tally.counts(0);
            [same, same_value, accepted, different]
        }
    }

    fn all(reference: &[u8], again: &[u8], candidate: &[u8]) -> [Response; 3] {
        [reference, again, candidate].map(|message| response(message, &[]))
    }

    #[test]
    fn a_difference_counts_if_the_reference_is_stable() {
        let mut test = Test::new(&[]);
        test.add("same", all(PEN, PEN, PEN));
        test.add("different", all(PEN, PEN, CUP));
        assert_eq!(test.counts(), [1, 0, 0, 1]);
        // Only now it turns out that the reference varies.
        test.add("unstable", all(PEN, CUP, PEN));
        assert_eq!(test.counts(), [3, 0, 0, 0]);
        assert_eq!(test.tally.differing().count(), 0);
        let unstable: Vec<_> = test.tally.unstable().collect();
        assert_eq!((unstable.len(), &*unstable[0].subject), (1, "name (value)"));
        assert_eq!(unstable[0].values, ["\"pen\"", "\"cup\""]);
    }

    #[test]
    fn a_rare_difference_is_doubtful_until_it_is_frequent() {
        let mut test = Test::new(&[]);
        test.add("first", all(PEN, PEN, CUP));
        assert_eq!(test.tally.doubtful().len(), 1);
        for _ in 0..RARE {
            test.add("more", all(PEN, PEN, CUP));
        }
        assert!(test.tally.doubtful().is_empty());
        assert_eq!(test.counts(), [0, 0, 0, RARE + 1]);
    }

    #[test]
    fn a_repetition_shows_what_is_unstable() {
        let mut test = Test::new(&[]);
        test.add("by-chance", all(PEN, PEN, CUP));
        let [reference, again, _] = all(PEN, CUP, PEN);
        let rules = Rules {
            groups: &[],
            peer: "rust",
            method: "shop.Shop.Get",
            types: &test.types,
            ignored: &test.ignored,
            strict: Strict::default(),
        };
        test.tally.add_repetition(0, &Case::default(), [&reference, &again], &rules);
        assert_eq!(test.counts(), [1, 0, 0, 0]);
        assert!(test.tally.doubtful().is_empty());
    }

    #[test]
    fn an_entry_accepts_some_values_only() {
        let mut test = Test::new(&[("name", Some("pen|cup"))]);
        test.add("accepted", all(PEN, PEN, CUP));
        assert_eq!(test.counts(), [0, 0, 1, 0]);
        test.add("different", all(PEN, PEN, b"\x0a\x03hat"));
        assert_eq!(test.counts(), [0, 0, 1, 1]);
        let (_, _, differing) = test.tally.differing().next().expect("there is one");
        assert_eq!((differing.judgement.clone(), differing.cases), (Judgement::Different, 2));
        assert_eq!(differing.case.name, "different", "the example is the worst case");
    }

    #[test]
    fn other_bytes_are_reported_unless_they_matter() {
        let one = b"\x0a\x03pen\x18\x01";
        let other = b"\x18\x01\x0a\x03pen";
        let mut test = Test::new(&[]);
        test.add("encoding", all(one, one, other));
        assert_eq!(test.counts(), [0, 1, 0, 0]);
        let mut test = Test { strict: Strict { bytes: true, edge: false }, ..Test::new(&[]) };
        test.add("encoding", all(one, one, other));
        assert_eq!(test.counts(), [0, 0, 0, 1]);
    }

    #[test]
    fn consequences_of_a_difference_are_no_differences() {
        let failed = response(b"", &[("grpc-message", "no")]);
        let failed = Response { status: "5".to_owned(), messages: Vec::new(), ..failed };
        let mut test = Test::new(&[]);
        test.add("fails", [response(PEN, &[]), response(PEN, &[]), failed]);
        let subjects: Vec<_> =
            test.tally.differing().map(|(_, subject, _)| subject.clone()).collect();
        assert_eq!(subjects, [Subject::Status]);
    }

    #[test]
    fn a_request_that_no_conforming_client_sends_is_only_reported() {
        let test = Test::new(&[]);
        let groups =
            [("wire.a".to_owned(), Grade::ClientVisible), ("wire.b".to_owned(), Grade::Edge)];
        let judged = |group, reference: &str, edge| {
            let rules = Rules {
                groups: &groups,
                peer: "rust",
                method: "shop.Shop.Get",
                types: &test.types,
                ignored: &test.ignored,
                strict: Strict { bytes: false, edge },
            };
            let (subject, place) = (Subject::End, Subject::End.to_string());
            let candidate = "the server exited with status 1".to_owned();
            let difference =
                Difference { subject, place, reference: reference.to_owned(), candidate };
            judged(group, &difference, &rules)
        };
        assert_eq!(judged(0, "END_STREAM", false), Judgement::Different);
        assert_eq!(judged(1, "END_STREAM", false), Judgement::Reported);
        assert_eq!(judged(1, "END_STREAM", true), Judgement::Different);
        assert_eq!(judged(1, RESPONDS, false), Judgement::Different);
    }

    #[test]
    fn a_slow_response_counts_only_if_it_is_not_the_only_one() {
        let slow = || Response { duration: Duration::from_secs(1), ..response(PEN, &[]) };
        let mut test = Test::new(&[]);
        for _ in 0..10 {
            test.add("fast", all(PEN, PEN, PEN));
        }
        test.add("slow", [response(PEN, &[]), response(PEN, &[]), slow()]);
        assert_eq!((test.tally.differing().count(), test.counts()), (0, [11, 0, 0, 0]));
        for _ in 0..2 {
            test.add("slow", [response(PEN, &[]), response(PEN, &[]), slow()]);
        }
        let (_, subject, differing) = test.tally.differing().next().expect("it is slow");
        assert_eq!((subject, &differing.judgement), (&Subject::Latency, &Judgement::Reported));
        assert_eq!(test.counts(), [13, 0, 0, 0]);
    }
}

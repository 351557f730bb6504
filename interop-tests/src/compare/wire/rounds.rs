//! Decides from several rounds of the same probe which differences are stable.
//!
//! Some responses depend on timing, at every server. How a response ends then has a few alternatives, and a candidate
//! that has one of them does not differ. Other parts, such as a time, can have any number of values, so they are not
//! compared once they vary at the reference.

use std::collections::BTreeMap;

use crate::compare::difference::{Difference, ResponseTypes, Subject};
use crate::compare::wire::outcome::{Ending, Outcome, RESPONSES};
use crate::probe::table::Probe;

/// How often a probe is sent while its outcomes differ.
const ROUNDS: usize = 3;

/// How often it is sent if it is unstable at the reference.
const ROUNDS_IF_UNSTABLE: usize = 6;

/// The outcomes of a probe at the reference and at one other server.
#[derive(Default)]
pub(super) struct Rounds {
    references: Vec<Outcome>,
    candidates: Vec<Outcome>,
}

/// What the outcomes have in common.
#[derive(Debug, Default)]
pub(super) struct Stable {
    /// What differs between outcomes of the reference.
    pub(super) unstable: Vec<Difference>,
    /// What differs at the candidate in all rounds.
    pub(super) differences: Vec<Difference>,
}

impl Rounds {
    /// Adds the outcomes of one round at the reference, at its second instance and at the candidate.
    pub(super) fn add(&mut self, reference: Outcome, again: Option<Outcome>, candidate: Outcome) {
        self.references.push(reference);
        self.references.extend(again);
        self.candidates.push(candidate);
    }

    /// Whether no round has been added.
    pub(super) fn are_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Whether another round of `probe` could show that its differences are not stable.
    pub(super) fn need_another(&self, probe: &Probe, types: &ResponseTypes) -> bool {
        if self.candidates.len() >= ROUNDS_IF_UNSTABLE {
            return false;
        }
        let Stable { unstable, differences } = self.stable(probe, types);
        let is_unstable = probe.unstable().is_some() || !unstable.is_empty();
        !differences.is_empty() && (is_unstable || self.candidates.len() < ROUNDS)
    }

    /// What is unstable at the reference, and what differs at the candidate.
    pub(super) fn stable(&self, probe: &Probe, types: &ResponseTypes) -> Stable {
        let mut unstable = BTreeMap::new();
        if let Some((first, others)) = self.references.split_first() {
            for difference in others.iter().flat_map(|it| first.differences(it, types)) {
                unstable.entry(difference.subject.clone()).or_insert(difference);
            }
        }
        let is_compared =
            |it: &Difference| has_alternatives(&it.subject) || !unstable.contains_key(&it.subject);
        // The reference outcome to which the candidate is most similar.
        let nearest = |candidate: &Outcome| {
            let of = |it: &Outcome| {
                it.differences(candidate, types).into_iter().filter(is_compared).collect::<Vec<_>>()
            };
            self.references.iter().map(of).min_by_key(Vec::len).unwrap_or_default()
        };
        let alternatives = self.alternatives(probe);
        let mut rounds = self.candidates.iter().map(|it| {
            if it.ending().is_some_and(|ending| alternatives.contains(ending)) {
                Vec::new()
            } else {
                nearest(it)
            }
        });
        let mut differences = rounds.next().unwrap_or_default();
        for round in rounds {
            differences.retain(|it| round.iter().any(|other| other.subject == it.subject));
        }
        if let Some(exited) = self.candidates.iter().find(|it| it.has_exited()) {
            // A server that exits only sometimes is no replacement for one that never does.
            differences = nearest(exited);
        }
        // A part that differs from all alternatives is a difference.
        for it in &differences {
            unstable.remove(&it.subject);
        }
        Stable { unstable: unstable.into_values().collect(), differences }
    }

    /// The endings of `probe` that its entry lists, if the reference has no others.
    fn alternatives(&self, probe: &Probe) -> Vec<Ending> {
        let listed: Vec<_> = probe.also().iter().filter_map(Ending::listed).collect();
        let is_listed = |it: &Outcome| it.ending().is_some_and(|ending| listed.contains(ending));
        if self.references.iter().all(is_listed) { listed } else { Vec::new() }
    }
}

/// Whether a part that varies has few alternatives.
fn has_alternatives(subject: &Subject) -> bool {
    match subject {
        Subject::End | Subject::HttpStatus | Subject::Status => true,
        Subject::Wire(what) => what != RESPONSES,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;
    use crate::http2::Field;
    use crate::http2::Stream;
    use crate::probe::table::from_entry;

    const RACE: &str = "unstable = 'a race'\nalso = ['''\nstream 1: grpc-status = 0\nstream 1: end = END_STREAM\n''',\n'''\nstream 1: grpc-status = 4\nstream 1: end = END_STREAM\n''']\n";

    fn probe(rest: &str) -> Probe {
        from_entry(&format!("[[probe]]\nname = 'x'\ngrade = 'edge'\n{rest}")).expect("it is valid")
    }

    fn outcome(status: &str, text: &str) -> Outcome {
        let fields = [(":status", "200"), ("grpc-status", status), ("grpc-message", text)];
        let field = |(name, value): (&str, &str)| -> Field { (name.into(), value.into()) };
        let blocks = vec![fields.map(field).to_vec()];
        Outcome::of_stream(Stream { blocks, received_end: true, ..Stream::default() }, "0")
    }

    /// The rounds with these statuses and texts of the reference, its second instance and the candidate.
    fn rounds(of: &[[(&str, &str); 3]]) -> Rounds {
        let mut rounds = Rounds::default();
        for [reference, again, candidate] in of {
            let [reference, again, candidate] =
                [reference, again, candidate].map(|(status, text)| outcome(status, text));
            rounds.add(reference, Some(again), candidate);
        }
        rounds
    }

    fn found(rest: &str, of: &[[(&str, &str); 3]]) -> (Vec<String>, Vec<String>) {
        let subjects = |differences: Vec<Difference>| {
            differences.iter().map(|it| it.subject.to_string()).collect::<Vec<_>>()
        };
        let Stable { unstable, differences } =
            rounds(of).stable(&probe(rest), &test_service::response_types());
        (subjects(unstable), subjects(differences))
    }

    #[test]
    fn only_what_differs_in_every_round_is_a_difference() {
        let (same, other) = (("5", "a"), ("6", "a"));
        assert_eq!(found("", &[[same; 3]]), (vec![], vec![]));
        let stable = [same, same, other];
        assert_eq!(found("", &[stable, stable]), (vec![], vec!["status".to_owned()]));
        assert_eq!(found("", &[stable, [same; 3]]), (vec![], vec![]));
    }

    #[test]
    fn an_alternative_of_the_reference_is_no_difference() {
        let (one, other) = (("5", "a"), ("6", "a"));
        assert_eq!(found("", &[[one, other, other]]).1, Vec::<String>::new());
        let third = ("7", "a");
        assert_eq!(found("", &[[one, other, third]]), (vec![], vec!["status".to_owned()]));
    }

    #[test]
    fn a_text_that_varies_is_not_compared() {
        let of = [("5", "1"), ("5", "2"), ("5", "3")];
        assert_eq!(found("", &[of]), (vec!["status message".to_owned()], vec![]));
    }

    #[test]
    fn an_alternative_in_the_table_is_no_difference() {
        let of = |candidate| [[("4", ""), ("4", ""), (candidate, "")]];
        assert_eq!(found("", &of("0")).1.len(), 1);
        assert_eq!(found(RACE, &of("0")).1.len(), 0);
        assert_eq!(found(RACE, &of("5")).1.len(), 1);
        let of_another_reference = [[("13", ""), ("13", ""), ("0", "")]];
        assert_eq!(found(RACE, &of_another_reference).1.len(), 1);
    }

    #[test]
    fn an_exit_is_a_difference_even_if_it_is_not_repeated() {
        let mut rounds = rounds(&[[("5", ""); 3]]);
        let (reference, again) = (outcome("5", ""), outcome("5", ""));
        rounds.add(reference, Some(again), Outcome::exited("with status 1"));
        rounds.add(outcome("5", ""), None, outcome("5", ""));
        let found = rounds.stable(&probe(""), &test_service::response_types()).differences;
        let [difference] = &found[..] else { panic!("{found:?}") };
        assert_eq!(difference.candidate, "the server exited with status 1");
    }

    #[test]
    fn unstable_probes_have_more_rounds() {
        let (types, stable) = (test_service::response_types(), [("5", ""), ("5", ""), ("6", "")]);
        let need =
            |rest: &str, count| rounds(&vec![stable; count]).need_another(&probe(rest), &types);
        assert!(need("", 2) && !need("", 3));
        assert!(need(RACE, 5) && !need(RACE, 6));
        assert!(!rounds(&[[("5", ""); 3]]).need_another(&probe(RACE), &types));
    }
}

//! The findings of the suite `compare`: all differences with one cause, with an example and a remedy.
//!
//! One library can cause a difference in every method. A list of all differences would hide the few that the code of
//! the service causes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::outcome::Grade;
use crate::outcome::comparison::{Example, Judgement, MethodDifference, Part};
use crate::report::record::Record;
use crate::report::remedy;

/// All differences of a peer with one cause.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding<'a> {
    pub(crate) peer: &'a str,
    /// What differs, in the most severe of the differences.
    pub(crate) subject: &'a str,
    /// How many more subjects differ for the same cause.
    pub(crate) more_subjects: usize,
    pub(crate) judgement: &'a Judgement,
    pub(crate) part: Part,
    pub(crate) grade: Grade,
    pub(crate) cases: u64,
    pub(crate) methods: Vec<&'a str>,
    /// The smallest case.
    pub(crate) example: &'a Example,
    /// What most likely causes it, and what to do.
    pub(crate) remedy: String,
    /// The command that runs only the trial of the example.
    pub(crate) run_again: &'a str,
}

/// The findings of all peers: differences first, then those that are accepted or only reported. Of each of these, those
/// that a conforming client can cause come first, and of these the most severe ones.
pub(crate) fn findings(record: &Record) -> Vec<Finding<'_>> {
    let mut causes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for method in &record.methods {
        for difference in &method.differences {
            let key = (&*method.peer, order(&difference.judgement), &*difference.cause);
            causes.entry(key).or_default().push((&*method.method, difference));
        }
    }
    let mut findings: Vec<_> =
        causes.into_iter().filter_map(|((peer, ..), all)| finding(record, peer, &all)).collect();
    findings.sort_by(|one, other| {
        let key = |of: &Finding<'_>| {
            (of.peer.to_owned(), order(of.judgement), of.grade == Grade::Edge, of.part)
        };
        key(one).cmp(&key(other)).then(other.cases.cmp(&one.cases))
    });
    findings
}

/// The finding for all these differences, each with its method.
fn finding<'a>(
    record: &'a Record,
    peer: &'a str,
    all: &[(&'a str, &'a MethodDifference)],
) -> Option<Finding<'a>> {
    let finding = of_cause(peer, all)?;
    let trial = record.trials().find(|trial| trial.name == finding.example.trial);
    Some(Finding { run_again: trial.map_or("", |trial| &trial.run_again), ..finding })
}

/// The finding for all these differences, each with its method, without the command that repeats it.
pub(crate) fn of_cause<'a>(
    peer: &'a str,
    all: &[(&'a str, &'a MethodDifference)],
) -> Option<Finding<'a>> {
    let size = |example: &Example| example.request.iter().map(String::len).sum::<usize>();
    let (_, worst) = all.iter().min_by_key(|(_, it)| (it.grade, it.part, size(&it.example)))?;
    let mut methods: Vec<_> = all.iter().map(|(method, _)| *method).collect();
    methods.sort_unstable();
    methods.dedup();
    let mut subjects: Vec<_> = all.iter().map(|(_, difference)| &difference.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    Some(Finding {
        peer,
        subject: &worst.subject,
        more_subjects: subjects.len() - 1,
        judgement: &worst.judgement,
        part: worst.part,
        grade: worst.grade,
        cases: all.iter().map(|(_, difference)| difference.cases).sum(),
        methods,
        example: &worst.example,
        remedy: remedy::of(worst),
        run_again: "",
    })
}

fn order(judgement: &Judgement) -> u8 {
    match judgement {
        Judgement::Different => 0,
        Judgement::Accepted { .. } => 1,
        Judgement::Reported => 2,
    }
}

impl Finding<'_> {
    /// What differs, and in how many cases and methods.
    pub(crate) fn title(&self) -> String {
        let s = |number: usize| if number == 1 { "" } else { "s" };
        let more = match self.more_subjects {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let methods = match &self.methods[..] {
            [method] => (*method).to_owned(),
            methods => format!("{} methods", methods.len()),
        };
        let cases = usize::try_from(self.cases).unwrap_or(usize::MAX);
        format!("{}{more}: {cases} case{} of {methods}", self.subject, s(cases))
    }

    /// Why it does not make the run fail, if it does not.
    pub(crate) fn note(&self) -> Option<String> {
        match self.judgement {
            Judgement::Different => None,
            Judgement::Accepted { reason } => Some(format!("accepted: {reason}")),
            Judgement::Reported if self.part == Part::Encoding => {
                Some("equal values in other bytes; --strict-bytes makes it a difference".to_owned())
            }
            Judgement::Reported if self.grade == Grade::Edge => Some(
                "no conforming client, proxy or load balancer causes it; --strict-edge makes it a difference"
                    .to_owned(),
            ),
            Judgement::Reported => Some("reported only".to_owned()),
        }
    }
}

//! The suite `calls` with a proxy between client and server: separates what the proxy does from what the server does.
//!
//! A proxy changes some calls, whatever the server: it limits sizes, or ends a call with another status. That must not
//! fail a server, and must not hide a fault of one. So an outcome behind the proxy that is not as expected is compared
//! with others of the same case and the same client:
//!
//! 1. with the same server without the proxy. If that is not as expected either, the trial is judged by it: the fault is
//!    not the proxy's.
//! 2. with the server of the reference behind the same proxy. If it has the same differences, the proxy makes them.
//!    Otherwise only this server does, and the trial fails. What a proxy does may depend on timing, so the reference has
//!    several attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::calls::case_run::{self, Session};
use crate::calls::scenario::Scenario;
use crate::config::Variant;
use crate::outcome::{Evidence, Finding, Mismatch, Report};

/// How often a case runs at the server of the reference, until it differs from the expectation in the same way.
const ATTEMPTS: usize = 10;

/// The server of the reference behind a proxy, and what it did.
#[derive(Debug)]
pub(crate) struct ReferenceBehindProxy {
    /// The name of the reference.
    pub(crate) peer: String,
    seen: Mutex<BTreeMap<ClientAndCase, Arc<Mutex<Seen>>>>,
}

/// The names of a client and of a case.
type ClientAndCase = (String, String);

/// What was seen of a case.
#[derive(Debug, Default)]
struct Seen {
    attempts: usize,
    differences: BTreeSet<Essence>,
    /// Why the last attempt had no outcome, if so.
    failure: Option<Finding>,
}

/// A server behind a proxy, and the one that it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct BehindProxy {
    /// The name of the proxy.
    pub(crate) proxy: String,
    /// The server behind the proxy.
    pub(crate) session: Session,
    /// The server of the reference behind the same proxy; `None` if it does not take part.
    pub(crate) reference: Option<(Session, Arc<ReferenceBehindProxy>)>,
    pub(crate) is_reference: bool,
    /// The name of the client.
    pub(crate) client: String,
}

impl ReferenceBehindProxy {
    pub(crate) fn new(peer: &str) -> Self {
        Self { peer: peer.to_owned(), seen: Mutex::default() }
    }

    fn seen(&self, client: &str, case: &str) -> Arc<Mutex<Seen>> {
        let key = (client.to_owned(), case.to_owned());
        Arc::clone(self.seen.lock().entry(key).or_default())
    }
}

impl Seen {
    fn add(&mut self, finding: Finding) {
        self.attempts += 1;
        self.failure = None;
        match finding {
            Finding::Match => {}
            Finding::Mismatches(mismatches) => self.differences.extend(essence(&mismatches)),
            failure => self.failure = Some(failure),
        }
    }

    /// Whether all `differences` were seen. Calls `run` for more attempts.
    fn has(&mut self, differences: &BTreeSet<Essence>, run: impl Fn() -> Finding) -> bool {
        while !differences.is_subset(&self.differences) {
            if self.attempts >= ATTEMPTS || self.failure.is_some() {
                return false;
            }
            self.add(run());
        }
        true
    }

    /// What the server of the reference did, for the reader of a failure.
    fn shown(&self) -> String {
        if let Some(failure) = &self.failure {
            return format!("could not be compared: {failure:?}");
        }
        let attempts = self.attempts;
        if self.differences.is_empty() {
            return format!("is as expected in {attempts} attempts");
        }
        let all: Vec<_> =
            self.differences.iter().map(|(what, it)| format!("{what} = {it}")).collect();
        format!("differs in another way in {attempts} attempts: {}", all.join("; "))
    }
}

impl BehindProxy {
    /// Runs `scenario` behind the proxy.
    pub(crate) fn run(&self, scenario: &Scenario, variant: Variant) -> Report {
        if let Some(why) = scenario.needs_direct_connection(variant) {
            let why = format!("the case needs a direct connection to the server: {why}");
            return Report { finding: Finding::NotSupported(why), evidence: Evidence::default() };
        }
        let mut report = case_run::run(&self.session, scenario, variant);
        if let Finding::Mismatches(mismatches) = &report.finding {
            let (finding, note) = self.separate(mismatches, scenario, variant);
            report.finding = finding;
            let about = report.evidence.about.take();
            report.evidence.about =
                Some(about.map_or_else(|| note.clone(), |about| format!("{about}\n{note}")));
        }
        report
    }

    /// The finding for these differences behind the proxy, and what else was observed.
    fn separate(
        &self,
        mismatches: &[Mismatch],
        scenario: &Scenario,
        variant: Variant,
    ) -> (Finding, String) {
        let Self { proxy, session, reference, is_reference, client } = self;
        let differences = || mismatches.to_vec();
        let direct = Session { proxy: None, ..session.clone() };
        let finding = case_run::run(&direct, scenario, variant).finding;
        if !matches!(finding, Finding::Match) {
            let note = format!(
                "without {proxy}, the outcome is not as expected either, and the trial is judged by that outcome"
            );
            return (finding, note);
        }
        let without = format!("without {proxy}, the outcome is as expected");
        let Some((session, of_reference)) = reference else {
            let note = format!(
                "{without}; the reference does not take part, so it is not known whether {proxy} does this to every server"
            );
            return (Finding::Mismatches(differences()), note);
        };
        let peer = &of_reference.peer;
        let seen = of_reference.seen(client, &variant.name_of(scenario.name()));
        let mut seen = seen.lock();
        if *is_reference {
            seen.add(Finding::Mismatches(differences()));
        }
        let run = || case_run::run(session, scenario, variant).finding;
        if seen.has(&essence(mismatches), run) {
            let reason =
                format!("{proxy} changes these calls in the same way for the {peer} server");
            return (Finding::OfProxy(differences(), reason), without);
        }
        let note = format!("{without}; behind {proxy}, the {peer} server {}", seen.shown());
        (Finding::Mismatches(differences()), note)
    }
}

/// What two servers must have in common of a difference: what differs, and the observed value.
type Essence = (String, String);

/// What another server must have in common with one that has these differences.
fn essence(mismatches: &[Mismatch]) -> BTreeSet<Essence> {
    let essences = mismatches.iter().filter_map(essence_of_one);
    // How many responses arrive before a call ends in another way depends on timing.
    let ends_otherwise = mismatches.iter().any(|it| it.what.ends_with("status"));
    essences.filter(|(what, _)| !(ends_otherwise && what.ends_with("replies"))).collect()
}

fn essence_of_one(mismatch: &Mismatch) -> Option<Essence> {
    let Mismatch { what, expected, observed, .. } = mismatch;
    // What depends on timing may happen to another of the calls that are made at once.
    let is_call =
        |part: &&str| part.strip_prefix("call ").is_some_and(|it| it.parse::<u32>().is_ok());
    let parts: Vec<_> = what.split(": ").filter(|part| !is_call(part)).collect();
    let what = parts.join(": ");
    // It explains an unexpected status, with addresses and texts of the client's library.
    if what.ends_with("message") && expected == "any" {
        return None;
    }
    // Times are never the same.
    let is_time = what.ends_with("elapsed") || what.ends_with("observed deadline");
    Some((what, if is_time { "another time".to_owned() } else { observed.clone() }))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn status(observed: &str, message: &str) -> Vec<Mismatch> {
        vec![Mismatch::new("status", "OK", observed), Mismatch::new("message", "any", message)]
    }

    fn are_same(mismatches: &[Mismatch], others: &[Mismatch]) -> bool {
        essence(mismatches) == essence(others)
    }

    #[test]
    fn two_servers_differ_in_the_same_way_if_all_but_texts_of_libraries_and_times_are_equal() {
        let of = |observed| status(observed, "ipv4:127.0.0.1:1: closed");
        assert!(are_same(&of("UNKNOWN"), &status("UNKNOWN", "ipv4:127.0.0.1:2: closed")));
        assert!(!are_same(&of("UNKNOWN"), &of("CANCELLED")));
        assert!(!are_same(&of("UNKNOWN"), &[]));
        let stated = |text| vec![Mismatch::new("message", "\"too large\"", text)];
        assert!(!are_same(&stated("\"a\""), &stated("\"b\"")), "a message that the case states");
        let replies = |observed| vec![Mismatch::new("replies", "2: 4.0, 3.0", observed)];
        assert!(!are_same(&replies("none"), &replies("1: 4.0")));
        let ended = |observed| [replies(observed), of("CANCELLED")].concat();
        assert!(are_same(&ended("none"), &ended("1: 4.0")), "until the call ended");
        let late = |what, ms: &str| vec![Mismatch::new(what, "10 to 20 ms", ms)];
        assert!(are_same(&late("call 1: elapsed", "25.1 ms"), &late("call 2: elapsed", "26.2 ms")));
        assert!(!are_same(&late("step 1: elapsed", "25.1 ms"), &late("step 2: elapsed", "1 ms")));
    }

    #[test]
    fn the_reference_has_several_attempts() {
        let attempts = Cell::new(0);
        let third = || {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 3 { status("CANCELLED", "").into() } else { Finding::Match }
        };
        let mut seen = Seen::default();
        assert!(seen.has(&essence(&status("CANCELLED", "x")), third));
        assert_eq!(attempts.get(), 3);
        assert!(seen.has(&essence(&status("CANCELLED", "y")), third), "it is known");
        assert_eq!(attempts.get(), 3);
        assert!(!seen.has(&essence(&status("UNKNOWN", "")), third));
        assert_eq!(attempts.get(), ATTEMPTS);
        assert_eq!(seen.shown(), "differs in another way in 10 attempts: status = CANCELLED");
    }

    #[test]
    fn a_reference_without_an_outcome_excuses_nothing() {
        let mut seen = Seen::default();
        let broken = || Finding::Broken("it exited".to_owned());
        assert!(!seen.has(&essence(&status("CANCELLED", "")), broken));
        assert_eq!(seen.shown(), "could not be compared: Broken(\"it exited\")");
        assert!(!Seen::default().has(&essence(&status("UNKNOWN", "")), || Finding::Match));
    }
}

//! The assessment of a run: whether a peer is ready to replace the reference.
//!
//! The assessment is strict, because users rely on it when they replace a server. A peer is not ready if a case
//! is not supported, and is not judged if trials were skipped or the reference itself failed.

use crate::calls::programs::NO_SERVER;
use crate::outcome::{Grade, MethodVerdict, VerdictKind};
use crate::report::record::format::{Answer, Readiness, Record};
use crate::report::record::participant::{Participant, Role};
use crate::report::record::trial::TrialRecord;

/// Assesses every peer of `record` with `parity`, in each of its roles.
pub(crate) fn of(record: &Record) -> Vec<Readiness> {
    let Some(reference) = record.peers.iter().find(|peer| peer.reference) else {
        return Vec::new();
    };
    let candidates = record.peers.iter().filter(|peer| peer.parity && !peer.reference);
    let assessed = |peer: &Participant, role| Readiness {
        peer: peer.name.clone(),
        role,
        reference: reference.name.clone(),
        answer: answer(record, &peer.name, role, &reference.name),
    };
    candidates.flat_map(|peer| peer.roles.iter().map(move |role| assessed(peer, *role))).collect()
}

fn answer(record: &Record, peer: &str, role: Role, reference: &str) -> Answer {
    // If no peer has a side, the tool itself plays it.
    let is_measure =
        |side: Option<&str>| side.is_none_or(|name| [reference, NO_SERVER].contains(&name));
    let of_peer = |trial: &&TrialRecord| sides(trial, role).0 == Some(peer);
    let trials = || record.trials();
    // If a third peer is on the other side, a case that is not supported may be that peer's limitation.
    let counts = |trial: &&TrialRecord| {
        let (_, other) = sides(trial, role);
        trial.verdict.is_failure()
            || trial.verdict == VerdictKind::NotSupported
                // The proxy is the obstacle, not the peer.
                && trial.via.is_none()
                && (is_measure(other) || other == Some(peer))
    };
    let against: Vec<_> = trials().filter(of_peer).filter(counts).collect();
    if let Some(worst) = against.iter().max_by_key(|trial| severity(trial)) {
        let (trials, why) = (against.len(), worst.in_short());
        return Answer::NotReady { trials, worst: worst.name.clone(), why };
    }
    if let Some(warning) = record.warning() {
        return Answer::NotJudged { why: warning };
    }
    if !record.is_whole() {
        let (chosen, all) = (record.selection.chosen, record.selection.all);
        return Answer::NotJudged { why: format!("only {chosen} of {all} trials ran") };
    }
    if trials().all(|trial| trial.via.is_some()) {
        let why = "only calls through a proxy were made; a run without --via judges it".to_owned();
        return Answer::NotJudged { why };
    }
    if !trials().filter(of_peer).any(|trial| is_measure(sides(trial, role).1)) {
        return Answer::NotJudged { why: format!("no trial compared it with {reference}") };
    }
    let own = |trial: &&TrialRecord| {
        let (one, other) = sides(trial, role);
        is_measure(one) && is_measure(other)
    };
    if let Some(failed) = trials().filter(own).find(|trial| trial.verdict.is_failure()) {
        let why = format!("{reference} itself failed in {}: {}", failed.name, failed.in_short());
        return Answer::NotJudged { why };
    }
    let untested = record.methods.iter().find(|method| {
        role == Role::Server && method.peer == peer && method.verdict == MethodVerdict::Untested
    });
    if let Some(method) = untested.filter(|_| !record.problems.is_empty()) {
        let why = method.why.as_deref().unwrap_or_default();
        return Answer::NotJudged { why: format!("{} is untested: {why}", method.method) };
    }
    let mut skipped =
        trials().filter(of_peer).filter(|trial| trial.verdict == VerdictKind::Skipped);
    if let Some(skipped) = skipped.next() {
        let why = skipped.why.clone().unwrap_or_default();
        let why = format!("trials were skipped, for example {} ({why})", skipped.name);
        return Answer::NotJudged { why };
    }
    // With a third peer on the other side, it may be that peer that deviates, as it does with the reference.
    let is_of_third_peer = |trial: &&TrialRecord| {
        let (_, other) = sides(trial, role);
        let is_same = |it: &TrialRecord| {
            sides(it, role) == (Some(reference), other)
                && (&it.suite, &it.case, &it.why) == (&trial.suite, &trial.case, &trial.why)
                && it.verdict == VerdictKind::KnownDeviation
        };
        !is_measure(other) && other != Some(peer) && trials().any(is_same)
    };
    let is_known = |trial: &&TrialRecord| trial.verdict == VerdictKind::KnownDeviation;
    let known: Vec<_> =
        trials().filter(of_peer).filter(is_known).filter(|it| !is_of_third_peer(it)).collect();
    let visible = |trial: &&&TrialRecord| trial.grade != Some(Grade::Edge);
    Answer::Ready { deviations: known.len(), client_visible: known.iter().filter(visible).count() }
}

/// The peer with this `role` in `trial`, and the peer with the other role; `None` if the tool plays it.
fn sides(trial: &TrialRecord, role: Role) -> (Option<&str>, Option<&str>) {
    let (server, client) = (trial.server.as_deref(), trial.client.as_deref());
    match role {
        Role::Server => (server, client),
        Role::Client => (client, server),
    }
}

/// How severe the verdict of `trial` is; higher is worse.
fn severity(trial: &TrialRecord) -> (VerdictKind, bool) {
    (trial.verdict, trial.grade != Some(Grade::Edge))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::record::format::{FORMAT, VERSION};

    fn trial(suite: &str, peers: [Option<&str>; 2], baseline: &str, verdict: &str) -> Value {
        let mut trial = json!({
            "name": format!("{suite}/{}/case", peers.iter().flatten().copied().collect::<String>()),
            "suite": suite, "baseline": baseline, "case": "case", "verdict": verdict,
            "mismatches": [], "duration_ms": 1.0, "sent": [], "expectation": [],
            "observation": [], "logs": [], "run_again": "make interop",
        });
        for (key, peer) in ["server", "client"].into_iter().zip(peers) {
            if let Some(peer) = peer {
                trial[key] = peer.into();
            }
        }
        trial
    }

    /// The assessment of the server of `rust`.
    fn assessed(trials: &[Value]) -> Answer {
        let peer = |name: &str, reference: bool| {
            json!({ "name": name, "language": name, "reference": reference, "parity": true,
                    "roles": ["server"], "versions": [] })
        };
        let record = json!({
            "format": FORMAT, "version": VERSION, "state": "finished",
            "began": "2026-01-01T00:00:00Z", "duration_ms": 1.0, "arguments": [],
            "machine": { "os": "linux", "architecture": "x86_64", "processors": 1 },
            "peers": [peer("python", true), peer("rust", false)], "goldens": [],
            "selection": { "all": trials.len(), "chosen": trials.len(), "names": "0",
                           "shard": null },
            "counts": { "passed": 0, "failed": 0, "set_up_errors": 0, "known_deviations": 0,
                        "not_supported": 0, "skipped": 0 },
            "readiness": [], "notes": [], "trials": trials,
        });
        let record: Record = serde_json::from_value(record).expect("the record is invalid");
        let [Readiness { answer, .. }] = &of(&record)[..] else { panic!("one peer") };
        answer.clone()
    }

    #[test]
    fn a_deviation_of_a_third_peer_is_not_that_of_the_candidate() {
        let with_go = |server| [Some(server), Some("go")];
        let known = |server| trial("calls", with_go(server), "stated", "known-deviation");
        let compared = trial("server-parity", [Some("rust"), None], "live", "passed");
        let passed = trial("calls", with_go("python"), "stated", "passed");
        let deviations = |trials: &[Value]| match assessed(trials) {
            Answer::Ready { deviations, .. } => deviations,
            other => panic!("{other:?}"),
        };
        assert_eq!(deviations(&[compared.clone(), known("rust"), known("python")]), 0);
        assert_eq!(deviations(&[compared, known("rust"), passed]), 1);
    }

    #[test]
    fn a_peer_is_assessed_by_its_own_trials() {
        let (rust, other) = ([Some("rust"), None], [None, Some("rust")]);
        let passed = trial("server-parity", rust, "live", "passed");
        let ready = |trials: &[Value]| matches!(assessed(trials), Answer::Ready { .. });
        assert!(ready(std::slice::from_ref(&passed)));
        assert!(!ready(&[trial("server-parity", rust, "golden", "failed")]));
        assert!(ready(&[passed.clone(), trial("client-parity", other, "live", "failed")]));
        assert!(!ready(&[trial("calls", [Some("rust"), Some("other")], "stated", "passed")]));
        assert!(!ready(&[]));
        assert!(!ready(&[trial("server-parity", rust, "live", "not-supported")]));
        assert!(!ready(&[trial("server-parity", rust, "live", "skipped")]));
    }

    #[test]
    fn trials_that_a_third_peer_does_not_support_do_not_count() {
        let of = |client| trial("calls", [Some("rust"), Some(client)], "stated", "not-supported");
        let passed = trial("server-parity", [Some("rust"), None], "live", "passed");
        assert!(matches!(assessed(&[passed, of("go")]), Answer::Ready { .. }));
        assert!(matches!(assessed(&[of("python")]), Answer::NotReady { .. }));
        assert!(matches!(assessed(&[of("rust")]), Answer::NotReady { .. }));
    }

    #[test]
    fn calls_through_a_proxy_can_only_speak_against_a_peer() {
        let behind = |verdict| {
            let mut trial =
                trial("calls-via-nginx", [Some("rust"), Some("python")], "stated", verdict);
            trial["via"] = "nginx".into();
            trial
        };
        let judged = |verdict| assessed(&[behind("passed"), behind(verdict)]);
        assert!(matches!(judged("passed"), Answer::NotJudged { .. }));
        assert!(matches!(judged("not-supported"), Answer::NotJudged { .. }));
        assert!(matches!(judged("known-deviation"), Answer::NotJudged { .. }));
        assert!(matches!(judged("failed"), Answer::NotReady { trials: 1, .. }));
    }

    #[test]
    fn a_failing_reference_is_not_a_baseline() {
        let failed = trial("server-parity", [Some("python"), None], "golden", "failed");
        let passed = trial("server-parity", [Some("rust"), None], "live", "passed");
        assert!(matches!(assessed(&[failed, passed]), Answer::NotJudged { .. }));
    }

    #[test]
    fn known_deviations_are_counted() {
        let known = trial("server-parity", [Some("rust"), None], "live", "known-deviation");
        let ready = Answer::Ready { deviations: 1, client_visible: 1 };
        assert_eq!(assessed(&[known]), ready);
    }
}

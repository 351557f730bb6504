//! Records of format version 1, in which a baseline had the place of a peer.
//!
//! They are read because two runs are compared by the names of their trials, also across the change of
//! those names.

use serde_json::{Map, Value};

use crate::outcome::{BaselineKind, TrialName};

/// The version of the format that is upgraded here.
pub(crate) const VERSION: u32 = 1;

/// Gives the trials of `record` the names and the keys of the current format. The version stays.
pub(crate) fn upgrade(record: &mut Value) {
    let is_reference = |peer: &&Value| peer.get("reference") == Some(&Value::Bool(true));
    let peers = record.get("peers").and_then(Value::as_array);
    let reference = peers.and_then(|peers| peers.iter().find(is_reference));
    let reference = reference.and_then(|peer| peer.get("name")?.as_str()).map(str::to_owned);
    let trials = record.get_mut("trials").and_then(Value::as_array_mut);
    for trial in trials.into_iter().flatten().filter_map(Value::as_object_mut) {
        let baseline = upgrade_trial(trial, reference.as_deref()).unwrap_or(BaselineKind::Stated);
        trial.insert("baseline".to_owned(), baseline.to_string().into());
    }
}

/// Gives a trial that compares its new name; returns what it is compared with.
fn upgrade_trial(trial: &mut Map<String, Value>, reference: Option<&str>) -> Option<BaselineKind> {
    let text = |key: &str| trial.get(key).and_then(Value::as_str).map(str::to_owned);
    let (suite, peer, other) = match &text("suite")?[..] {
        "server-parity" => ("server-parity", "server", "client"),
        "client-parity" => ("client-parity", "client", "server"),
        _ => return None,
    };
    let is_golden = text(other)? == "golden";
    let baseline = if is_golden { BaselineKind::Golden } else { BaselineKind::Live };
    let name = TrialName {
        suite,
        server: text("server").filter(|_| peer == "server"),
        client: text("client").filter(|_| peer == "client"),
        baseline,
        reference: reference.map(str::to_owned),
        case: text("case")?,
    };
    let name = name.to_string();
    let run_again = text("run_again")?.replace(&text("name")?, &name);
    trial.remove(other);
    trial.insert("name".to_owned(), name.into());
    trial.insert("run_again".to_owned(), run_again.into());
    Some(baseline)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upgraded(suite: &str, server: &str, client: &str) -> Value {
        let name = format!("{suite}/{server}/{client}/case");
        let mut record = json!({
            "version": 1,
            "peers": [{ "name": "rust" }, { "name": "python", "reference": true }],
            "trials": [{
                "name": name, "suite": suite, "server": server, "client": client, "case": "case",
                "run_again": format!("make interop ARGS='--exact {name}'"),
            }],
        });
        upgrade(&mut record);
        record["trials"][0].take()
    }

    #[test]
    fn a_trial_gets_its_new_name() {
        for (suite, server, client, name, baseline) in [
            ("calls", "python", "rust", "calls/python/rust/case", "stated"),
            ("programs", "nobody", "rust", "programs/nobody/rust/case", "stated"),
            ("server-parity", "rust", "python", "server-parity/rust/case", "live"),
            ("server-parity", "rust", "golden", "server-parity/rust/case", "golden"),
            ("server-parity", "python", "python", "server-parity/python/live/case", "live"),
            ("server-parity", "python", "golden", "server-parity/python/golden/case", "golden"),
            ("client-parity", "python", "rust", "client-parity/rust/case", "live"),
            ("client-parity", "golden", "rust", "client-parity/rust/case", "golden"),
            ("client-parity", "python", "python", "client-parity/python/live/case", "live"),
            ("client-parity", "golden", "python", "client-parity/python/golden/case", "golden"),
        ] {
            let trial = upgraded(suite, server, client);
            assert_eq!(trial["name"], name);
            assert_eq!(trial["baseline"], baseline, "{name}");
            assert_eq!(trial["run_again"], format!("make interop ARGS='--exact {name}'"));
        }
    }

    #[test]
    fn a_baseline_is_no_peer_any_more() {
        let trial = upgraded("client-parity", "golden", "rust");
        assert_eq!((trial.get("server"), &trial["client"]), (None, &json!("rust")));
        let trial = upgraded("server-parity", "rust", "python");
        assert_eq!((&trial["server"], trial.get("client")), (&json!("rust"), None));
        let trial = upgraded("calls", "rust", "python");
        assert_eq!((&trial["server"], &trial["client"]), (&json!("rust"), &json!("python")));
    }
}

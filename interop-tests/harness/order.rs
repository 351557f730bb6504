//! The order in which trials are begun.
//!
//! libtest-mimic begins them in the order that it is given, so who shares the machine with whom is
//! decided here.

use std::collections::VecDeque;

use super::suites::{client_parity, server_parity};
use super::trial::{Trial, TrialName};

/// Whether the trials of `suite` mostly wait for what does not come, so that many of them fit side by
/// side.
pub(crate) fn waits(suite: &str) -> bool {
    [server_parity::SUITE, client_parity::SUITE].contains(&suite)
}

/// Takes one trial of each pairing in turn: the trials of one pairing wait for each other, so
/// neighbours in the order should be of different ones.
///
/// The suites that wait come last, because the reference of `server-parity` keeps the document's port from its first trial
/// to its last. A trial of `programs` between the two would wait for the port with a thread of the
/// few that there are, and as soon as all of them did that, nobody could give it back.
pub(crate) fn side_by_side(trials: Vec<Trial>) -> Vec<Trial> {
    let (last, first): (Vec<_>, Vec<_>) =
        trials.into_iter().partition(|trial| waits(trial.name.suite));
    [first, last].into_iter().flat_map(in_turn).collect()
}

fn in_turn(trials: Vec<Trial>) -> Vec<Trial> {
    let lane = |name: &TrialName| match name.suite {
        "programs" => (name.suite, String::new(), String::new()),
        suite => (suite, name.server.clone(), name.client.clone()),
    };
    let mut lanes: Vec<(_, VecDeque<Trial>)> = Vec::new();
    for trial in trials {
        let key = lane(&trial.name);
        match lanes.iter_mut().find(|(other, _)| *other == key) {
            Some((_, lane)) => lane.push_back(trial),
            None => lanes.push((key, [trial].into())),
        }
    }
    let mut order = Vec::new();
    while !lanes.is_empty() {
        order.extend(lanes.iter_mut().filter_map(|(_, lane)| lane.pop_front()));
        lanes.retain(|(_, lane)| !lane.is_empty());
    }
    order
}

//! The order in which trials are begun.
//!
//! libtest-mimic begins them in the order that it is given, so who shares the machine with whom, and
//! who has the document's port when, is decided here.

use std::collections::VecDeque;

use super::behaviour::programs::case::PREFIX;
use super::suites::{client_parity, programs, server_parity};
use super::trial::{Trial, TrialName};

/// Takes one trial of each pairing in turn: the trials of one pairing wait for each other, so
/// neighbours in the order should be of different ones.
///
/// Three times somebody has the document's port: each trial of `programs`, the client programs of
/// `client-parity` from the first to the last, and the reference of `server-parity` from the first to
/// the last. Those that share it are begun one after the other, all of them before any of the next. So
/// whoever waits for the port waits for trials that have a thread already, and never for one that has
/// none because all threads wait.
pub(crate) fn side_by_side(trials: Vec<Trial>) -> Vec<Trial> {
    let mut turns: [Vec<Trial>; 3] = Default::default();
    for trial in trials {
        turns[turn(trial.name.suite)].push(trial);
    }
    turns.into_iter().flat_map(in_turn).collect()
}

fn turn(suite: &str) -> usize {
    match suite {
        client_parity::SUITE => 1,
        server_parity::SUITE => 2,
        _ => 0,
    }
}

fn in_turn(trials: Vec<Trial>) -> Vec<Trial> {
    let lane = |name: &TrialName| match name.suite {
        programs::SUITE => (name.suite, false, String::new(), String::new()),
        suite => {
            let is_program = name.case.starts_with(PREFIX);
            (suite, is_program, name.server.clone(), name.client.clone())
        }
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

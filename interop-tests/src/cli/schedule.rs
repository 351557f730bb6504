//! The order in which trials are begun.
//!
//! libtest-mimic begins them in the order that it is given, so who shares the machine with whom, and
//! who has the document's port when, is decided here.

use crate::calls::programs;
use crate::outcome::trial::Trial;
use crate::parity::client::suite;
use crate::parity::client::table::PROGRAM_PREFIX;

/// How many trials are begun before one of them has ended: most of them wait, for time or for each
/// other, and those that keep a processor busy pass a gate.
pub(crate) const BEGUN_AT_ONCE: usize = 40;

/// Spreads the trials of each pairing evenly over the whole: they wait for each other, so neighbours in
/// the order should be of different ones. So are those that mostly wait, lest all that have been begun
/// are such, and the processors idle.
///
/// Three times somebody has the document's port: each trial of `programs`, the client programs of
/// `client-parity` from the first to the last, and the reference of `server-parity` from the first to
/// the last. Those that share it are begun one after the other, all of them before any of the next. So
/// whoever waits for the port waits for trials that have a thread already, and never for one that has
/// none because all threads wait. `calls` has no part in that, and fills what `server-parity` leaves
/// idle.
pub(crate) fn side_by_side(trials: Vec<Trial>) -> Vec<Trial> {
    let mut turns: [Vec<Trial>; 3] = Default::default();
    for trial in trials {
        turns[turn(trial.name.suite)].push(trial);
    }
    turns.into_iter().flat_map(spread).collect()
}

fn turn(suite: &str) -> usize {
    match suite {
        programs::SUITE => 0,
        suite::SUITE => 1,
        _ => 2,
    }
}

fn spread(trials: Vec<Trial>) -> Vec<Trial> {
    let lane = |trial: &Trial| {
        let name = &trial.name;
        let is_program = name.case.starts_with(PROGRAM_PREFIX);
        (name.group(), name.baseline, is_program, trial.waits)
    };
    let mut lanes: Vec<(_, Vec<Trial>)> = Vec::new();
    for trial in trials {
        let key = lane(&trial);
        match lanes.iter_mut().find(|(other, _)| *other == key) {
            Some((_, lane)) => lane.push(trial),
            None => lanes.push((key, vec![trial])),
        }
    }
    let mut placed: Vec<_> = lanes.into_iter().flat_map(|(_, lane)| places(lane)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, trial)| trial).collect()
}

/// Each trial with its place on the way from 0 to `WAY`.
fn places(lane: Vec<Trial>) -> impl Iterator<Item = (usize, Trial)> {
    const WAY: usize = 1 << 24;
    let count = lane.len();
    let place = move |index| (2 * index + 1) * WAY / (2 * count);
    lane.into_iter().enumerate().map(move |(index, trial)| (place(index), trial))
}

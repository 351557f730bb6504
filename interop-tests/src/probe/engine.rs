//! Sends many probes at once to the same servers.
//!
//! If a server exits while many probes run, any of those in flight may have caused it. So these are sent again, one
//! after the other. A server can also exit after it has responded, so if none of them ends it again, the others follow. An
//! exit that no probe repeats counts for all that it interrupted.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::probe::pool;
use crate::probe::table::Probe;

/// Servers that receive the same probes.
pub(crate) trait Servers {
    /// A server that is ready for probes.
    type Ready: Sync;
    /// What a server did in response to a probe.
    type Observed: Observed;
    /// Why no more probes can be sent.
    type Unavailable;

    /// Sends a probe to a server.
    fn observe(server: &Self::Ready, probe: &Probe) -> Self::Observed;

    /// How each server exited, if it has.
    fn exits(&mut self) -> Vec<Option<String>>;

    /// Makes all servers ready after one of them has exited.
    fn restart(&mut self) -> Result<Vec<Self::Ready>, Self::Unavailable>;
}

/// What a server did in response to a probe.
pub(crate) trait Observed: Send {
    /// The probe could not be completed, for this reason.
    fn failed(why: String) -> Self;

    /// The probe ended the server process; `how` is its status or signal.
    fn exited(how: &str) -> Self;

    /// Whether the server accepted no connection, so that it has not received the probe.
    fn is_refused(&self) -> bool;

    /// Whether the end of the server may have interrupted the probe.
    fn is_interrupted(&self) -> bool;
}

/// What all servers did in response to a probe.
pub(crate) struct Round<O> {
    /// In the order of the servers.
    pub(crate) observed: Vec<O>,
    pub(crate) duration: Duration,
}

/// Whether a probe is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Again,
    Done,
}

/// Sends probes to servers.
pub(crate) struct Engine<'a, S: Servers> {
    pub(crate) servers: &'a mut S,
    pub(crate) ready: Vec<S::Ready>,
    /// How many probes are sent at once.
    pub(crate) at_once: usize,
}

/// A probe and its index.
type Numbered<'a> = (usize, &'a Probe);

impl<S: Servers> Engine<'_, S> {
    /// Sends all `probes`. `add` receives the index of a probe and what the servers did, and decides whether the probe is
    /// sent again. A probe that ended a server is not sent again. The error is why some probes could not be sent.
    pub(crate) fn run(
        mut self,
        probes: &[Arc<Probe>],
        add: &mut impl FnMut(usize, Round<S::Observed>) -> Next,
    ) -> Result<(), S::Unavailable> {
        let queue = |is_burst| {
            let all = probes.iter().enumerate();
            let meant = all.filter(move |(_, probe)| probe.is_burst() == is_burst);
            meant.map(|(index, probe)| (index, &**probe)).collect()
        };
        self.run_queue(queue(false), self.at_once, add)?;
        // A burst runs alone, because it would affect the responses to other probes.
        self.run_queue(queue(true), 1, add)
    }

    fn run_queue(
        &mut self,
        mut queue: Vec<Numbered<'_>>,
        at_once: usize,
        add: &mut impl FnMut(usize, Round<S::Observed>) -> Next,
    ) -> Result<(), S::Unavailable> {
        while !queue.is_empty() {
            let rounds = pool::map(&queue, at_once, |(_, probe)| round::<S>(&self.ready, probe));
            let exits = self.servers.exits();
            let has_exited = exits.iter().any(Option::is_some);
            let Sorted { mut again, interrupted, complete } = sorted::<S>(queue, rounds, &exits);
            if has_exited {
                self.ready = self.servers.restart()?;
            }
            let mut is_found = !has_exited;
            for numbered in &interrupted {
                is_found |= self.run_alone(*numbered, &mut again, add)?;
            }
            let last = complete.iter().rev().take(at_once).map(|(numbered, _)| *numbered);
            let last: Vec<_> = last.collect();
            for (numbered, round) in complete {
                if !is_found {
                    // A server can also exit after it has responded.
                    is_found = self.run_alone(numbered, &mut again, add)?;
                } else if add(numbered.0, round) == Next::Again {
                    again.push(numbered);
                }
            }
            if !is_found {
                // It did not exit again, but an exit must not go unnoticed.
                let blamed = if interrupted.is_empty() { &last } else { &interrupted };
                for (index, probe) in blamed {
                    let mut round = round::<S>(&self.ready, probe);
                    round.mark(&exits);
                    let _ = add(*index, round);
                }
            }
            queue = again;
        }
        Ok(())
    }

    /// Sends a probe that may end a server. Returns whether it has ended one.
    fn run_alone<'p>(
        &mut self,
        (index, probe): Numbered<'p>,
        again: &mut Vec<Numbered<'p>>,
        add: &mut impl FnMut(usize, Round<S::Observed>) -> Next,
    ) -> Result<bool, S::Unavailable> {
        let mut round = round::<S>(&self.ready, probe);
        let exits = self.servers.exits();
        round.mark(&exits);
        let next = add(index, round);
        let has_ended_server = exits.iter().any(Option::is_some);
        if has_ended_server {
            self.ready = self.servers.restart()?;
        } else if next == Next::Again {
            again.push((index, probe));
        }
        Ok(has_ended_server)
    }
}

impl<O: Observed> Round<O> {
    /// Replaces what the servers did that exited.
    fn mark(&mut self, exits: &[Option<String>]) {
        for (observed, exit) in self.observed.iter_mut().zip(exits) {
            if let Some(how) = exit {
                *observed = Observed::exited(how);
            }
        }
    }
}

/// Probes that were sent at once, by what the servers did that exited meanwhile.
struct Sorted<'p, O> {
    /// The server had already exited.
    again: Vec<Numbered<'p>>,
    interrupted: Vec<Numbered<'p>>,
    /// All others, also those of servers that are alive.
    complete: Vec<(Numbered<'p>, Round<O>)>,
}

fn sorted<'p, S: Servers>(
    queue: Vec<Numbered<'p>>,
    rounds: Vec<Option<Round<S::Observed>>>,
    exits: &[Option<String>],
) -> Sorted<'p, S::Observed> {
    let of_exited = |round: &Round<S::Observed>, has: fn(&S::Observed) -> bool| {
        let mut all = round.observed.iter().zip(exits);
        all.any(|(observed, exit)| exit.is_some() && has(observed))
    };
    let mut sorted = Sorted { again: Vec::new(), interrupted: Vec::new(), complete: Vec::new() };
    for (numbered, round) in queue.into_iter().zip(rounds) {
        let Some(round) = round else { continue };
        if of_exited(&round, Observed::is_refused) {
            sorted.again.push(numbered);
        } else if of_exited(&round, Observed::is_interrupted) {
            sorted.interrupted.push(numbered);
        } else {
            sorted.complete.push((numbered, round));
        }
    }
    sorted
}

fn round<S: Servers>(servers: &[S::Ready], probe: &Probe) -> Round<S::Observed> {
    let began = Instant::now();
    let observed = observe::<S>(servers, probe);
    Round { observed, duration: began.elapsed() }
}

/// Sends a probe to all `servers` at once.
pub(crate) fn observe<S: Servers>(servers: &[S::Ready], probe: &Probe) -> Vec<S::Observed> {
    if let [server] = servers {
        return vec![S::observe(server, probe)];
    }
    thread::scope(|scope| {
        let threads: Vec<_> =
            servers.iter().map(|server| scope.spawn(move || S::observe(server, probe))).collect();
        let panicked =
            |_| S::Observed::failed("the probe panicked, which is a bug in interop".to_owned());
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::probe::table::from_entry;

    /// Two servers, of which the second exits when it receives the probe `fatal`, after it has responded to the probe
    /// `fatal-later`, and once when it receives the probe `fatal-once`.
    #[derive(Default)]
    struct Fake {
        process: Arc<Process>,
        restarts: usize,
    }

    #[derive(Default)]
    struct Process {
        has_exited: AtomicBool,
        /// Whether `fatal-once` has ended it.
        has_exited_once: AtomicBool,
    }

    /// The process of a server, if it can exit.
    type Ready = Option<Arc<Process>>;

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Did {
        Respond,
        Refuse,
        Fail(String),
    }

    impl Observed for Did {
        fn failed(why: String) -> Self {
            Self::Fail(why)
        }

        fn exited(how: &str) -> Self {
            Self::Fail(format!("exited {how}"))
        }

        fn is_refused(&self) -> bool {
            *self == Self::Refuse
        }

        fn is_interrupted(&self) -> bool {
            matches!(self, Self::Fail(_))
        }
    }

    impl Servers for Fake {
        type Ready = Ready;
        type Observed = Did;
        type Unavailable = &'static str;

        fn observe(server: &Ready, probe: &Probe) -> Did {
            let Some(process) = server else { return Did::Respond };
            if process.has_exited.load(Ordering::SeqCst) {
                // As seen by a probe that was in flight, or by one that came later.
                return if probe.name() < "fatal" {
                    Did::Fail("interrupted".to_owned())
                } else {
                    Did::Refuse
                };
            }
            let is_fatal = match probe.name() {
                "fatal-once" => !process.has_exited_once.swap(true, Ordering::SeqCst),
                name => name.starts_with("fatal"),
            };
            process.has_exited.store(is_fatal, Ordering::SeqCst);
            let is_late = probe.name() == "fatal-later";
            if is_fatal && !is_late { Did::Fail("closed".to_owned()) } else { Did::Respond }
        }

        fn exits(&mut self) -> Vec<Option<String>> {
            let has_exited = self.process.has_exited.load(Ordering::SeqCst);
            vec![None, has_exited.then(|| "with status 1".to_owned())]
        }

        fn restart(&mut self) -> Result<Vec<Ready>, &'static str> {
            if self.restarts == 2 {
                return Err("it exits too often");
            }
            self.restarts += 1;
            self.process.has_exited.store(false, Ordering::SeqCst);
            Ok(vec![None, Some(Arc::clone(&self.process))])
        }
    }

    /// What the servers did in response to probes with these names, in the last round of each.
    fn run(names: &[&str]) -> (Vec<Vec<Did>>, Result<(), &'static str>) {
        let probe = |name: &&str| {
            let entry = format!("[[probe]]\nname = '{name}'\ngrade = 'edge'\n");
            Arc::new(from_entry(&entry).expect("the entry is valid"))
        };
        let probes: Vec<_> = names.iter().map(probe).collect();
        let mut rounds = vec![Vec::new(); names.len()];
        let mut add = |index: usize, round: Round<Did>| {
            rounds[index] = round.observed;
            Next::Done
        };
        let mut servers = Fake::default();
        let ready = vec![None, Some(Arc::clone(&servers.process))];
        let result = Engine { servers: &mut servers, ready, at_once: 1 }.run(&probes, &mut add);
        (rounds, result)
    }

    fn responded() -> Vec<Did> {
        vec![Did::Respond, Did::Respond]
    }

    fn exited() -> Vec<Did> {
        vec![Did::Respond, Did::Fail("exited with status 1".to_owned())]
    }

    #[test]
    fn the_probe_that_ends_a_server_is_found() {
        for fatal in ["fatal", "fatal-later"] {
            for others in [["b", "z"], ["y", "z"], ["b", "c"]] {
                let (rounds, result) = run(&["a", fatal, others[0], others[1]]);
                assert_eq!(result, Ok(()));
                assert_eq!(rounds, [responded(), exited(), responded(), responded()], "{fatal}");
            }
        }
    }

    #[test]
    fn an_exit_that_is_not_repeated_is_the_fault_of_all_probes_in_flight() {
        let (rounds, result) = run(&["a", "fatal-once", "b", "z"]);
        assert_eq!(result, Ok(()));
        assert_eq!(rounds, [responded(), exited(), exited(), responded()]);
    }

    #[test]
    fn no_more_probes_are_sent_to_a_server_that_does_not_start_again() {
        let (rounds, result) = run(&["fatal", "fatal", "z"]);
        assert_eq!(result, Err("it exits too often"));
        assert_eq!(rounds, [exited(), vec![], vec![]]);
    }
}

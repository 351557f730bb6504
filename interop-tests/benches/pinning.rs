//! Which cores a program may run on.
//!
//! On one core a server says what a call costs; on all of them it shares the machine with the load, as it
//! does with other programs where it is deployed.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The cores of a server. The load generator has another one, or all as well.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cores {
    One,
    All,
}

impl Cores {
    /// What there is to choose from: on a machine with one core that is one thing.
    pub(crate) fn of_this_machine() -> &'static [Self] {
        if allowed().len() > 1 { &[Self::One, Self::All] } else { &[Self::One] }
    }
}

/// The cores that this program was given.
pub(crate) fn allowed() -> Vec<usize> {
    static ALLOWED: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
    let read = || {
        let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
    };
    ALLOWED.get_or_init(read).clone()
}

fn pin(cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    // A system that refuses runs everything everywhere, which the spread of the figures shows.
    let _ = sched_setaffinity(None, &set);
}

fn while_pinned<T>(cores: &[usize], act: impl FnOnce() -> T) -> T {
    pin(cores);
    let result = act();
    pin(&allowed());
    result
}

/// Does what starts a server, which inherits the cores of the thread that starts it.
pub(crate) fn on<T>(cores: Cores, start: impl FnOnce() -> T) -> T {
    let allowed = allowed();
    match cores {
        Cores::One => while_pinned(&allowed[..allowed.len().min(1)], start),
        Cores::All => start(),
    }
}

/// Does what is a load on a server that has `cores`.
pub(crate) fn beside<T>(cores: Cores, load: impl FnOnce() -> T) -> T {
    let allowed = allowed();
    match cores {
        Cores::One => while_pinned(&allowed[allowed.len().saturating_sub(1)..], load),
        Cores::All => load(),
    }
}

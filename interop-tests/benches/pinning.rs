//! The cores on which a program may run.
//!
//! On one core, the throughput of a server shows the cost of a call. On all cores, it shares the machine with the
//! load generator, as it does with other programs in production.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The cores of a server. The load generator uses another core, or all cores too.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cores {
    One,
    All,
}

impl Cores {
    /// The possible choices on this machine. With one core there is only one.
    pub(crate) fn of_this_machine() -> &'static [Self] {
        if allowed().len() > 1 { &[Self::One, Self::All] } else { &[Self::One] }
    }
}

/// The cores on which this program may run.
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
    // If the system refuses, everything runs on all cores, and the spread of the results is larger.
    let _ = sched_setaffinity(None, &set);
}

fn while_pinned<T>(cores: &[usize], act: impl FnOnce() -> T) -> T {
    pin(cores);
    let result = act();
    pin(&allowed());
    result
}

/// Runs `start`, which starts a server on `cores`. The server inherits the cores of this thread.
pub(crate) fn on<T>(cores: Cores, start: impl FnOnce() -> T) -> T {
    let allowed = allowed();
    match cores {
        Cores::One => while_pinned(&allowed[..allowed.len().min(1)], start),
        Cores::All => start(),
    }
}

/// Runs `load` on a core that a server with `cores` does not use, if there is one.
pub(crate) fn off_the_server<T>(cores: Cores, load: impl FnOnce() -> T) -> T {
    let allowed = allowed();
    match cores {
        Cores::One => while_pinned(&allowed[allowed.len().saturating_sub(1)..], load),
        Cores::All => load(),
    }
}

//! The processes of a group, and how much memory they use.
//!
//! A server or a client program may have started others, so that whatever is asked of one has to be asked of
//! its whole group. Only Linux tells, in `/proc`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Pid;

/// How often the memory is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// The processes of the groups with these leaders, each with its leader.
#[cfg(target_os = "linux")]
pub(crate) fn members(leaders: &[Pid]) -> impl Iterator<Item = (Pid, procfs::process::Process)> {
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    processes.filter_map(|process| {
        let group = Pid::from_raw(process.stat().ok()?.pgrp)?;
        leaders.contains(&group).then_some((group, process))
    })
}

/// Does `something` and returns by how many MiB the resident memory of the group of `leader` has grown
/// meanwhile at the most; `None` when this system does not tell.
pub(crate) fn memory_growth_during<T>(
    leader: Pid,
    something: impl FnOnce() -> T,
) -> (T, Option<f64>) {
    let Some(before) = resident_bytes(leader) else { return (something(), None) };
    let (most, has_ended) = (AtomicU64::new(before), AtomicBool::new(false));
    let sample = || {
        most.fetch_max(resident_bytes(leader).unwrap_or(0), Ordering::Relaxed);
    };
    let result = thread::scope(|scope| {
        let _ends = EndsOnDrop(&has_ended);
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                sample();
                thread::sleep(INTERVAL);
            }
        });
        let result = something();
        sample();
        result
    });
    #[expect(clippy::cast_precision_loss, reason = "a few GiB are exact")]
    let growth = (most.load(Ordering::Relaxed) - before) as f64 / BYTES_PER_MIB;
    (result, Some(growth))
}

/// Ends the sampling also when what is sampled panics: the scope waits for its threads.
struct EndsOnDrop<'a>(&'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(target_os = "linux")]
fn resident_bytes(leader: Pid) -> Option<u64> {
    let of_process = |(_, process): (_, procfs::process::Process)| {
        Some(process.stat().ok()?.rss * procfs::page_size())
    };
    members(&[leader]).filter_map(of_process).reduce(|sum, bytes| sum + bytes)
}

#[cfg(not(target_os = "linux"))]
fn resident_bytes(_leader: Pid) -> Option<u64> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_meanwhile_is_measured() {
        let group = rustix::process::getpgrp();
        let (length, growth) = memory_growth_during(group, || {
            let bytes = std::hint::black_box(vec![1_u8; 64 << 20]);
            thread::sleep(3 * INTERVAL);
            bytes.len()
        });
        assert_eq!(length, 64 << 20);
        assert!(growth.is_some_and(|growth| growth > 32.0), "{growth:?}");
    }
}

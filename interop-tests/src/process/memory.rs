//! How much memory a server uses while something happens.
//!
//! Resident memory of all processes of its group, from `/proc`: a server may have started others, and
//! there is no other number that every language has.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Pid;

/// How often the memory is looked at.
const EVERY: Duration = Duration::from_millis(20);

const KIB_PER_MIB: f64 = 1024.0;

/// Does `something` and tells by how many MiB the group of `leader` has grown at the most meanwhile;
/// `None` when this system does not tell.
pub(crate) fn growth_during<T>(leader: Pid, something: impl FnOnce() -> T) -> (T, Option<f64>) {
    let Some(before) = resident(leader) else { return (something(), None) };
    let (most, has_ended) = (AtomicU64::new(before), AtomicBool::new(false));
    let look = || {
        most.fetch_max(resident(leader).unwrap_or(0), Ordering::Relaxed);
    };
    let result = thread::scope(|scope| {
        let _ends = EndsOnDrop(&has_ended);
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                look();
                thread::sleep(EVERY);
            }
        });
        let result = something();
        look();
        result
    });
    #[expect(clippy::cast_precision_loss, reason = "a few GiB are told exactly")]
    let growth = (most.load(Ordering::Relaxed) - before) as f64 / KIB_PER_MIB;
    (result, Some(growth))
}

/// Ends the sampling also when what is sampled panics: the scope waits for its threads.
struct EndsOnDrop<'a>(&'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// KiB that the processes of the group of `leader` have in memory.
fn resident(leader: Pid) -> Option<u64> {
    let processes = fs::read_dir("/proc").ok()?;
    let of_group = processes.filter_map(|process| of_process(&process.ok()?.path(), leader));
    let each: Vec<u64> = of_group.collect();
    (!each.is_empty()).then(|| each.iter().sum())
}

/// The memory of a process, if it is in this group.
fn of_process(folder: &Path, leader: Pid) -> Option<u64> {
    folder.file_name()?.to_str()?.parse::<u32>().ok()?;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()
    };
    let group: i32 = number("NSpgid:")?.parse().ok()?;
    (Pid::from_raw(group)? == leader).then(|| number("VmRSS:")?.parse().ok()).flatten()
}

//! Process groups: their members, memory and use of processors.
//!
//! A server or a client program may start other processes, which belong to its group. They are found only on Linux,
//! in `/proc`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// How often the memory and the use of processors are measured.
const INTERVAL: Duration = Duration::from_millis(20);

/// A group that uses a processor for less than this time in one interval is idle: timers of an idle server use less.
const IDLE: Duration = Duration::from_millis(1);

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// The processes of the groups with these `leaders`, each with its leader.
#[cfg(target_os = "linux")]
pub(crate) fn members(leaders: &[Pid]) -> impl Iterator<Item = (Pid, procfs::process::Process)> {
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    processes.filter_map(|process| {
        let group = Pid::from_raw(process.stat().ok()?.pgrp)?;
        leaders.contains(&group).then_some((group, process))
    })
}

/// Runs `work` and returns the maximum growth of the group's resident memory in MiB during that time; `None` on
/// systems other than Linux.
pub(crate) fn memory_growth_during<T>(leader: Pid, work: impl FnOnce() -> T) -> (T, Option<f64>) {
    let Some(before) = resident_bytes(leader) else { return (work(), None) };
    let most = AtomicU64::new(before);
    let sample = || {
        most.fetch_max(resident_bytes(leader).unwrap_or(0), Ordering::Relaxed);
    };
    // The thread ends when `_running` is dropped, even on a panic: otherwise the scope would wait forever.
    let (running, has_ended) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        let _running = running;
        scope.spawn(move || {
            while has_ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                sample();
            }
        });
        let result = work();
        sample();
        result
    });
    #[expect(clippy::cast_precision_loss, reason = "a few GiB are exact")]
    let growth = (most.load(Ordering::Relaxed) - before) as f64 / BYTES_PER_MIB;
    (result, Some(growth))
}

/// How long the threads of a group have used a processor or waited for a free one; zero on systems other than Linux.
/// Threads that have ended do not count.
#[cfg(target_os = "linux")]
pub(crate) fn processor_demand(leader: Pid) -> Duration {
    let leaders = [leader];
    let threads = members(&leaders).filter_map(|(_, process)| process.tasks().ok()).flatten();
    let of_thread = |thread: procfs::ProcResult<procfs::process::Task>| {
        let stat = thread.ok()?.schedstat().ok()?;
        Some(Duration::from_nanos(stat.sum_exec_runtime + stat.run_delay))
    };
    threads.filter_map(of_thread).sum()
}

/// Zero, because it is not known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_demand(_leader: Pid) -> Duration {
    Duration::ZERO
}

/// The sum of the largest resident memory of each process of a group so far, in MiB; `None` on systems other than Linux.
#[cfg(target_os = "linux")]
pub fn peak_memory_mib(leader: Pid) -> Option<f64> {
    let leaders = [leader];
    let peaks = members(&leaders).filter_map(|(_, process)| process.status().ok()?.vmhwm);
    let kib: u64 = peaks.reduce(|sum, kib| sum + kib)?;
    #[expect(clippy::cast_precision_loss, reason = "a few TiB are exact")]
    let mib = kib as f64 / 1024.0;
    Some(mib)
}

/// `None`, because it is not known.
#[cfg(not(target_os = "linux"))]
pub fn peak_memory_mib(_leader: Pid) -> Option<f64> {
    None
}

/// Waits until a group has not used a processor, or waited for one, in two intervals one after the other, or until
/// `limit` has passed. On systems other than Linux it waits for two intervals.
pub(crate) fn wait_until_idle(leader: Pid, limit: Duration) {
    let deadline = Instant::now() + limit;
    let (mut before, mut idle) = (processor_demand(leader), 0);
    while idle < 2 && Instant::now() < deadline {
        thread::sleep(INTERVAL);
        let demand = processor_demand(leader);
        idle = if demand.saturating_sub(before) < IDLE { idle + 1 } else { 0 };
        before = demand;
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
    use crate::config::CommandLine;
    use crate::process::child::{Exit, Logs, Process};

    #[test]
    fn memory_growth_is_measured() {
        let folder = tempfile::tempdir().expect("cannot create a folder for logs");
        let script = "read line; text=$(head -c 50331648 /dev/zero | tr '\\0' a)";
        let shell = CommandLine::of_tool("sh", ["-c", script].map(str::to_owned).to_vec());
        let mut shell =
            Process::start(&shell.expect("the shell did not start"), Logs::at(folder.path()))
                .expect("it did not start");
        let (exit, growth) = memory_growth_during(shell.pid(), || {
            shell.write(b"\n".to_vec());
            shell.wait(Duration::from_secs(20), &mut String::new())
        });
        assert_eq!(exit, Some(Exit::Status(0)));
        assert!(growth.is_some_and(|growth| growth > 32.0), "{growth:?}");
    }

    #[test]
    fn processor_demand_is_that_of_the_group() {
        let folder = tempfile::tempdir().expect("a folder for logs");
        // The child uses the processor, and the shell waits for it.
        let script = "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; read line'";
        let shell = CommandLine::of_tool("sh", ["-c", script].map(str::to_owned).to_vec());
        let mut shell =
            Process::start(&shell.expect("a shell"), Logs::at(folder.path())).expect("it starts");
        let begun = Instant::now();
        while processor_demand(shell.pid()) < Duration::from_millis(100) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the child is not counted");
            thread::sleep(INTERVAL);
        }
        shell.write(b"\n".to_vec());
        assert!(shell.wait(Duration::from_secs(20), &mut String::new()).is_some(), "it ends");
    }

    #[test]
    fn a_group_is_idle_when_it_no_longer_uses_a_processor() {
        let folder = tempfile::tempdir().expect("a folder for logs");
        let file = folder.path().join("is-idle");
        let script = format!(
            "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; touch '{}'; read line",
            file.display()
        );
        let shell = CommandLine::of_tool("sh", ["-c".to_owned(), script].to_vec());
        let shell =
            Process::start(&shell.expect("a shell"), Logs::at(folder.path())).expect("it starts");
        wait_until_idle(shell.pid(), Duration::from_secs(20));
        assert!(file.exists(), "it still uses a processor");
    }
}

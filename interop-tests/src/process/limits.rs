//! The limits of the system that a run could exceed, checked before it begins: a trial that fails for lack of files says
//! nothing about a peer.
//!
//! Child processes inherit the raised limit. It is not raised above what the tool needs, because some programs close all
//! files that they could have open before they start, which takes minutes if the limit is a billion.

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};

/// The most that the limit on open files is raised to: the tool holds ports of two ranges of 10,000.
const WANTED: u64 = 65_536;

/// How many sockets hold a port.
const SOCKETS: u64 = 2;

/// The open files of a run without its ports: pipes, logs and connections of what runs at once.
const BASE: u64 = 256;

/// A limit on processes and threads that is enough for what runs at once.
const PROCESSES: u64 = 1024;

/// With fewer, the threads of the tool alone may not fit.
const FEWEST_PROCESSES: u64 = 64;

/// Raises the soft limits on open files and processes where that is needed. Returns a notice for each limit that may not
/// be enough for `ports` ports; the error is a limit with which nothing can run.
pub(crate) fn prepare(ports: usize) -> anyhow::Result<Vec<String>> {
    let files = raise(Resource::Nofile, WANTED);
    let sockets = u64::try_from(ports).unwrap_or(WANTED).saturating_mul(SOCKETS);
    let needed = BASE + sockets.min(WANTED - BASE);
    let mut notices = Vec::new();
    if let Some(files) = files.filter(|files| *files < needed) {
        anyhow::ensure!(files >= BASE, "{}", open_files_notice(files, needed));
        notices.push(open_files_notice(files, needed));
    }
    // The system does not limit root.
    let processes = raise(Resource::Nproc, PROCESSES).filter(|_| !geteuid().is_root());
    if let Some(processes) = processes.filter(|processes| *processes < PROCESSES) {
        let notice = format!(
            "this user may have only {processes} processes and threads, and a run may need {PROCESSES}; raise the limit \
             with `ulimit -u {PROCESSES}`, or in /etc/security/limits.conf"
        );
        anyhow::ensure!(processes >= FEWEST_PROCESSES, "{notice}");
        notices.push(notice);
    }
    Ok(notices)
}

fn open_files_notice(files: u64, needed: u64) -> String {
    format!(
        "a process may have only {files} files open, and this run may need {needed}; raise the limit with `ulimit -n \
         {needed}`, or in /etc/security/limits.conf, or run parts of it with --shard"
    )
}

/// Raises a soft limit to `wanted`, or as far as the hard limit permits; returns the new limit, `None` if there is none.
fn raise(resource: Resource, wanted: u64) -> Option<u64> {
    let limit = getrlimit(resource);
    let current = limit.current?;
    let possible = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if current >= possible {
        return Some(current);
    }
    let raised = Rlimit { current: Some(possible), ..limit };
    // If the system refuses, the limit stays, and the caller reports it.
    Some(if setrlimit(resource, raised).is_ok() { possible } else { current })
}

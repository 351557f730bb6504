//! The register of live child processes, so that none outlives the tool.
//!
//! A child leads a process group of its own: Ctrl-C in a terminal does not reach it before the tool has
//! handled it, and what it started itself ends with it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};

/// The status of a process that Ctrl-C has ended, as shells report it.
const INTERRUPTED: i32 = 130;

/// Leaders of the groups that have not been ended yet. Held while a process is started, so that an
/// interrupt finds every process.
static LIVE: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Starts `command` as the leader of a new process group and registers it.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut live = LIVE.lock();
    let child = command.process_group(0).spawn()?;
    live.push(Pid::from_child(&child));
    Ok(child)
}

/// Kills the child's whole group and reaps the child.
///
/// The child must not have been reaped before: until then its ID cannot have become another's.
pub(crate) fn end(child: &mut Child) {
    let mut live = LIVE.lock();
    let group = Pid::from_child(child);
    // An empty group is fine: the child has exited and started nothing.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    live.retain(|other| *other != group);
}

/// On SIGINT, SIGTERM and SIGHUP, and when the process that started the tool dies: calls `first`, ends all
/// children, calls `last` with the result of `first`, and exits.
pub fn end_all_on_signals<T>(
    first: impl Fn() -> T + Send + 'static,
    last: impl Fn(T) + Send + 'static,
) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        let result = first();
        let live = LIVE.lock();
        for group in &*live {
            let _ = kill_process_group(*group, Signal::KILL);
            let _ = waitpid(Some(*group), WaitOptions::empty());
        }
        eprintln!("\ninterrupted: {} processes of the run have been ended", live.len());
        last(result);
        // The lock is still held: nothing can be started any more.
        std::process::exit(INTERRUPTED);
    })?;
    #[cfg(target_os = "linux")]
    {
        // `make` and `cargo` do not forward SIGTERM.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    }
    Ok(())
}

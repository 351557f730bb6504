//! Registers all live child processes, so that none outlives the tool.
//!
//! Each child has its own process group. So Ctrl-C in a terminal reaches only the tool, and the processes that a
//! child started are killed together with it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use crate::output::err;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};

use crate::process::{end_signals::on_end_signal, supervisor::Supervisor};

/// The exit status after a signal, as shells report it for SIGINT.
const INTERRUPTED: i32 = 130;

/// All live groups. Locked while a process is started, so that a signal handler finds every process.
static LIVE: Mutex<Live> = Mutex::new(Live { groups: Vec::new(), supervisor: None });

/// All live groups, by their leaders, and the supervisor that knows of them.
struct Live {
    groups: Vec<Pid>,
    supervisor: Option<Supervisor>,
}

/// Starts `command` as the leader of a new process group and registers it.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut live = LIVE.lock();
    let child = command.process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    live.groups.push(group);
    live.supervisor.iter_mut().for_each(|supervisor| supervisor.add(group));
    Ok(child)
}

/// Kills the process group of `child` and reaps the child.
///
/// The child must not have been reaped before, because then its ID could belong to another process.
pub(crate) fn end(child: &mut Child) {
    let mut live = LIVE.lock();
    let group = Pid::from_child(child);
    // An error means that the group is empty: the child has exited and left no other process.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    live.groups.retain(|other| *other != group);
    live.supervisor.iter_mut().for_each(|supervisor| supervisor.remove(group));
}

/// Starts the [supervisor](super::supervisor) of this process. The program must have its subcommand.
pub fn start_supervisor() -> io::Result<()> {
    LIVE.lock().supervisor = Some(Supervisor::start()?);
    Ok(())
}

/// Installs a handler for SIGINT, SIGTERM and SIGHUP, unless they are ignored, and for the exit of the parent process: it
/// calls `first`, kills all children, calls `last` with the result of `first`, and exits the process.
pub fn end_all_on_signals<T>(
    first: impl FnOnce() -> T + Send + 'static,
    last: impl FnOnce(T) + Send + 'static,
) -> io::Result<()> {
    on_end_signal(move || {
        let result = first();
        let live = LIVE.lock();
        for group in &live.groups {
            let _ = kill_process_group(*group, Signal::KILL);
            let _ = waitpid(Some(*group), WaitOptions::empty());
        }
        err!("\ninterop: interrupted; killed {} child processes", live.groups.len());
        last(result);
        // The lock is still held, so no new process can be started.
        std::process::exit(INTERRUPTED);
    })?;
    #[cfg(target_os = "linux")]
    {
        // `make` and `cargo` do not forward SIGTERM.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    }
    Ok(())
}

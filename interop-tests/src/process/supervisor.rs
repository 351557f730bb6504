//! A process that kills the children of the tool if the tool itself is killed.
//!
//! The tool ends its children on every path, but it cannot react to SIGKILL. It writes the process groups that begin and
//! end to a pipe, and its supervisor kills those that are left when the pipe is closed. This includes the processes that
//! a child has started, which a signal for the death of the parent would not reach.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// The subcommand that makes a program the supervisor of the process that has started it.
pub const SUBCOMMAND: &str = "supervise";

/// The name of its process, so that a command such as `pkill -9 interop` does not kill it, too.
const NAME: &std::ffi::CStr = c"supervisor";

/// The running supervisor of this process. It ends when this process does, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Supervisor {
    _child: Child,
    changes: ChildStdin,
}

impl Supervisor {
    /// Starts this program again, as the supervisor.
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Signals of the terminal, and those for the group of the tool, do not reach it.
        let mut child = command.process_group(0).spawn()?;
        let changes = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { _child: child, changes })
    }

    /// A process group begins.
    pub(crate) fn add(&mut self, group: Pid) {
        self.tell('+', group);
    }

    /// A process group has been killed.
    pub(crate) fn remove(&mut self, group: Pid) {
        self.tell('-', group);
    }

    fn tell(&mut self, change: char, group: Pid) {
        // An error means that the supervisor was killed. The tool still ends its children itself.
        let _ = writeln!(self.changes, "{change}{}", group.as_raw_nonzero());
    }
}

/// Supervises the process that writes to stdin.
pub fn supervise() {
    #[cfg(target_os = "linux")]
    {
        // Without it, only the name is different.
        let _ = rustix::thread::set_name(NAME);
    }
    for group in left_over(io::stdin().lock()).into_iter().filter_map(Pid::from_raw) {
        // An error means that the group is empty.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The process groups that have begun and not ended when `changes` does.
fn left_over(changes: impl BufRead) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    for line in changes.lines().map_while(Result::ok) {
        if let Some(group) = line.strip_prefix('+').and_then(|group| group.parse::<i32>().ok()) {
            groups.insert(group);
        } else if let Some(group) = line.strip_prefix('-').and_then(|group| group.parse().ok()) {
            groups.remove(&group);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::left_over;

    #[test]
    fn only_groups_that_have_not_ended_are_left_over() {
        let left = |changes: &str| left_over(changes.as_bytes()).into_iter().collect::<Vec<_>>();
        assert_eq!(left(""), Vec::<i32>::new());
        assert_eq!(left("+12\n+345\n-12\n+6\n"), [6, 345]);
        assert_eq!(left("+12\n-12\n+12\n"), [12]);
    }
}

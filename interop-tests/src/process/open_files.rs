//! The limit on open files of a process, which also limits connections.
//!
//! On many systems the default limit is 1,024, and a process can raise it. Not all servers raise it, so who needs many
//! connections does it before it starts them, and they inherit the limit.

use std::io;

use rustix::process::{Pid, Resource, getrlimit, setrlimit};

/// Raises the limit of this process, and of the processes that it starts, to the hard limit.
pub fn allow_many() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If the system refuses, fewer connections can be made, and that is reported when they fail.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Limits how many files a running process can have open. An error on systems other than Linux.
#[cfg(target_os = "linux")]
pub fn limit(process: Pid, files: u64) -> io::Result<()> {
    use rustix::process::{Rlimit, prlimit};

    let limit = Rlimit { current: Some(files), maximum: Some(files) };
    prlimit(Some(process), Resource::Nofile, limit)?;
    Ok(())
}

/// An error, because the system cannot do it.
#[cfg(not(target_os = "linux"))]
pub fn limit(_process: Pid, _files: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

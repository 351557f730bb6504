//! The limit on open files of a process, which also limits connections.
//!
//! On many systems the default limit is 1,024, and a process can raise it. The servers do not raise it, so the
//! benchmark does it before it starts them, and they inherit the limit.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of this process, and of the processes that it starts, to the hard limit.
pub(crate) fn allow_many() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If the system refuses, fewer connections can be made, and that is reported when they fail.
    let _ = setrlimit(Resource::Nofile, limit);
}

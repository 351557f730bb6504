//! How many files a process may have open: a connection is one.
//!
//! Many systems let a process have 1,024 at first and more when it asks. A server asks for none, so it is
//! done here, before the servers are started, which inherit it.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process and those that it starts have as many as it may allow itself.
pub(crate) fn allow_many() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A system that refuses lets fewer connections be made, which is told where they are.
    let _ = setrlimit(Resource::Nofile, limit);
}

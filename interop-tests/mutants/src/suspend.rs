//! Suspends the tool, as Ctrl-Z or a sleeping machine do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getppid, kill_process};

/// Longer than the tool tolerates.
const TIME: Duration = Duration::from_secs(3);

/// Stops the tool, which has started this process, for a while.
pub(crate) fn suspend_the_tool() {
    let tool = getppid().expect("a parent");
    kill_process(tool, Signal::STOP).expect("cannot stop the tool");
    // This is the duration of the suspension, which nothing else ends.
    std::thread::sleep(TIME);
    kill_process(tool, Signal::CONT).expect("cannot continue the tool");
}

/// The same, at the first call in this process. Returns whether it was the first.
pub(crate) fn suspend_the_tool_once() -> bool {
    static HAS_SUSPENDED: AtomicBool = AtomicBool::new(false);
    let is_first = !HAS_SUSPENDED.swap(true, Ordering::Relaxed);
    if is_first {
        suspend_the_tool();
    }
    is_first
}

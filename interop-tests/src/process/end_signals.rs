//! The signals that end the tool: SIGINT, SIGTERM and SIGHUP, unless they were ignored when it started.
//!
//! `nohup` makes a program ignore SIGHUP, and a script that starts it with `&` makes it ignore SIGINT. A handler would
//! replace that, and the run would end with the terminal, or with a Ctrl-C that is meant for another program.

use std::io;
use std::task::Poll;
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Calls `handle` on a thread of its own when the first of the signals arrives.
pub(crate) fn on_end_signal(handle: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let ignored = ignored_signals();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let handled = kinds.into_iter().filter(|kind| !has(ignored, kind.as_raw_value()));
    let mut signals: Vec<Signal> = {
        let _entered = runtime.enter();
        handled.map(signal).collect::<io::Result<_>>()?
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(std::future::poll_fn(|cx| {
            let has_arrived = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if has_arrived { Poll::Ready(()) } else { Poll::Pending }
        }));
        handle();
    })?;
    Ok(())
}

/// The signals that this process ignores, each as a bit. Only Linux tells; elsewhere none counts as ignored.
fn ignored_signals() -> u64 {
    #[cfg(target_os = "linux")]
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    #[cfg(target_os = "linux")]
    return status.map_or(0, |status| status.sigign);
    #[cfg(not(target_os = "linux"))]
    return 0;
}

/// Whether `signal` is one of `signals`.
fn has(signals: u64, signal: i32) -> bool {
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    bit.is_some_and(|bit| signals & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_a_signal() {
        let ignored: Vec<_> = (-1..70).filter(|signal| has(0x1002, *signal)).collect();
        assert_eq!(ignored, [2, 13]);
    }
}

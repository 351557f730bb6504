//! Servers that the user has started: the tool connects to them and never ends them.
//!
//! Such a server may be stopped in a debugger. So a server that accepts connections and sends nothing
//! counts as alive.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::config::{Address, Peer, Places};
use crate::process::liveness;
use crate::process::net::tutorial_port;

/// Checks that the attached servers of all `peers` are alive, except those of the peers that are left
/// out, and prints how the tool would have started them.
pub(crate) fn check_all(
    peers: &[Peer],
    places: &Places,
    left_out: &BTreeSet<String>,
) -> anyhow::Result<()> {
    for peer in peers.iter().filter(|peer| !left_out.contains(peer.name())) {
        let Some(address) = peer.attached_server() else { continue };
        let (name, mut commands) = (peer.name(), String::new());
        for (suite, line) in peer.ways_to_start(places) {
            let _ = write!(commands, "\n  for {suite}: {line}");
        }
        let if_any = |text| if commands.is_empty() { "" } else { text };
        if let Err(error) = check(address) {
            let how = if_any("; the tool would have started it so:");
            anyhow::bail!(
                "the server of `{name}` is not there: nobody answers at {address} ({error}): start \
                 it and run again, or leave the peer out with --without {name}{how}{commands}"
            );
        }
        let how = if_any("; the tool would have started it");
        println!("interop: the server of {name} is attached at {address}{how}{commands}");
    }
    Ok(())
}

/// Whether an attached server of `peers` has `port` of this machine.
pub(crate) fn any_holds(port: u16, peers: &[Peer]) -> bool {
    let addresses = || peers.iter().filter_map(Peer::attached_server);
    addresses().any(|address| address.port() == Some(port))
        && !tutorial_port::holders(port).is_empty()
}

/// Checks that the server at `address` is alive.
pub(crate) fn check(address: &Address) -> Result<(), String> {
    liveness::check(&address.to_string(), false).map_err(|error| error.to_string())
}

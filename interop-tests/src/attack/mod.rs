//! Attacks on a server, and what another client of the server notices of them.
//!
//! An attack is an entry of a table: what a hostile client sends when its connection begins, and what it then repeats.
//! It states no bounds, because an attack is the same for every server and the bounds are not: who runs it knows how
//! much memory the server may use.
//!
//! - [`table`]: the entries
//! - `connection`: a connection of the attacker
//! - `witness`: the calls of the other client

mod connection;
pub mod table;
mod witness;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Builder;

pub use table::Attack;

use connection::Sent;
use witness::{Reach, Witness};

/// The longest time that a call of the other client may take. Only a call that is never answered exceeds it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What happened during an attack, and after it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many connections the attacker opened.
    pub connections: usize,
    /// How many bytes the attacker sent.
    pub sent: u64,
    /// How many connections the server ended, by the code of its GOAWAY if it sent one.
    pub ended: BTreeMap<Option<u32>, usize>,
    /// How many calls of the other client were answered correctly.
    pub calls: usize,
    /// The longest time that one of these calls took.
    pub slowest: Duration,
    /// What was wrong with the other calls of that client.
    pub failures: Vec<String>,
}

/// Attacks the server at `address` for this time, while another client makes one call after the other.
///
/// The other client uses one connection for all its calls, and a second one for each call unless the attack exhausts the
/// server's open files. After the attack, it makes a call on a new connection. The error says that the attack could not
/// be run.
pub fn run(attack: &Attack, address: SocketAddr, duration: Duration) -> io::Result<Outcome> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut outcome = Outcome::default();
    // Connects before the attack, which may leave nothing for new connections.
    let kept = Witness::start(address, Reach::OneConnection)?;
    let new = match attack.open_files {
        None => Some(Witness::start(address, Reach::NewConnections)?),
        Some(_) => None,
    };
    let Sent { connections, bytes, ended } =
        runtime.block_on(connection::attack(attack, address, duration));
    drop(runtime);
    outcome.connections = connections;
    outcome.sent = bytes;
    outcome.ended = ended;
    for witness in [Some(kept), new].into_iter().flatten() {
        witness.stop(&mut outcome);
    }
    outcome.failures.extend(
        witness::call_once(address).err().map(|error| format!("after the attack: {error}")),
    );
    Ok(outcome)
}

//! A server that somebody else has started: where it listens, and whether it still does.
//!
//! The harness connects to it and does nothing else to it. It may sit in a debugger, so one that takes
//! connections and says nothing is there, and one that went away may come back.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::address::Address;
use serde::Deserialize;

use crate::config::axes::Transport;
use crate::process::liveness;
use crate::process::net::port;

/// See the module; clones are the same server.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct AttachedServer {
    address: Address,
    went_away: Arc<AtomicBool>,
}

impl FromStr for AttachedServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.parse::<Address>().map_err(|error| error.to_string())?;
        let address = match address {
            // Clients run elsewhere.
            Address::Unix(path) => Address::Unix(
                std::path::absolute::<PathBuf>(path)
                    .map_err(|error| format!("`{text}` names no place: {error}"))?,
            ),
            tcp @ Address::Tcp(_) => tcp,
        };
        Ok(Self { address, went_away: Arc::default() })
    }
}

impl TryFrom<String> for AttachedServer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for AttachedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl AttachedServer {
    /// The one way in which it is reached.
    pub fn transport(&self) -> Transport {
        match self.address {
            Address::Tcp(_) => Transport::Plain,
            Address::Unix(_) => Transport::Unix,
        }
    }

    /// Whether a server on this machine has `port` for itself, and it is this one.
    pub fn has(&self, port: u16) -> bool {
        let Address::Tcp(authority) = &self.address else { return false };
        authority.port_u16() == Some(port) && !port::holders(port).is_empty()
    }

    /// Whether it is there now; the error says what came instead of a server's first word.
    pub fn is_there(&self) -> Result<(), String> {
        liveness::wait(&self.to_string(), false).map_err(|error| error.to_string())
    }

    /// Where it is. It is only looked for when it was missing: every connection may stop a debugger.
    pub fn address(&self) -> Result<String, String> {
        if self.went_away.load(Ordering::Relaxed) {
            self.is_there().map_err(|error| {
                format!(
                    "the server that was attached at {self} went away in an earlier case and has \
                     not come back ({error}): start it again"
                )
            })?;
            self.went_away.store(false, Ordering::Relaxed);
        }
        Ok(self.to_string())
    }

    /// How it ended, if it is gone.
    pub fn is_gone(&self) -> Option<String> {
        let error = self.is_there().err()?;
        self.went_away.store(true, Ordering::Relaxed);
        Some(format!("and nobody answers at {self}, where it was attached: {error}"))
    }
}

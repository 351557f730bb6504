//! `--attach`: a server that somebody else has started, in a debugger for example.
//!
//! Without a peer it is a server that no entry of `peers.toml` describes, so it is expected to have the
//! service of the tutorial and nothing else.

use std::str::FromStr;

use crate::config::address::{Address, AddressError};

/// `ADDRESS` or `PEER=ADDRESS`.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The peer whose entry describes it, if there is one.
    pub peer: Option<String>,
    pub server: Address,
    /// The value of the option.
    pub text: String,
}

impl FromStr for Attachment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A path can have any character, and no name begins like one.
        let named = text.split_once('=').filter(|_| !text.starts_with("unix:"));
        let (peer, address) = named.map_or((None, text), |(peer, address)| (Some(peer), address));
        if peer.is_some_and(str::is_empty) {
            return Err("no peer is named before `=`".to_owned());
        }
        let (peer, text) = (peer.map(str::to_owned), text.to_owned());
        let server = address.parse().map_err(|error: AddressError| error.to_string())?;
        Ok(Self { peer, server, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_stand_before_the_address() {
        let attachment = |text: &str| {
            let Attachment { peer, server, .. } = text.parse().unwrap();
            (peer, server.to_string())
        };
        assert_eq!(attachment("rust=[::1]:1"), (Some("rust".to_owned()), "[::1]:1".to_owned()));
        assert_eq!(attachment("localhost:1"), (None, "localhost:1".to_owned()));
        assert_eq!(attachment("unix:/a=b"), (None, "unix:/a=b".to_owned()));
        assert!("=localhost:1".parse::<Attachment>().unwrap_err().starts_with("no peer"));
        assert!("rust=localhost".parse::<Attachment>().unwrap_err().contains("'localhost' is not"));
    }
}

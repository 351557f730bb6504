//! `--attach`: whose server is not to be started, because it already listens somewhere.
//!
//! A bare address is a server that no entry of `peers.toml` describes, so all that is expected of it
//! is the document's contract.

use std::str::FromStr;

use crate::process::attached::AttachedServer;

/// `ADDRESS` or `PEER=ADDRESS`.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Whose entry describes it, if one does.
    pub peer: Option<String>,
    pub server: AttachedServer,
    /// As it was written.
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
        Ok(Self { peer, server: address.parse()?, text })
    }
}

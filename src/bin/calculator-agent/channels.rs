//! The channels of a request, which the next request with the same settings may use again.
//!
//! A channel that is kept keeps its connection, which some scenarios test.

use std::collections::HashMap;
use std::time::Duration;

use calculator::grpcio::address::Address;
use calculator::grpcio::client::tls::{Identity, Tls, TlsFiles};
use calculator::grpcio::client::{self, GrpcioChannel, Keepalive, Options};
use calculator::service;

use grpc_interop_protocol::{self as protocol, Request};

/// The settings of the channels of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    address: Address,
    count: usize,
    tls: Option<TlsFiles>,
    keepalive: Option<Keepalive>,
}

impl Key {
    /// The error says what the agent cannot do.
    pub(crate) fn of(request: &Request) -> Result<Self, String> {
        if request.channels == 0 {
            return Err("a call needs a channel".to_owned());
        }
        Ok(Self {
            address: request.address.parse().map_err(|error| format!("address: {error}"))?,
            count: request.channels,
            tls: request.tls.clone().map(files).transpose()?,
            keepalive: request.keepalive.map(keepalive),
        })
    }

    fn open(&self) -> Result<Vec<GrpcioChannel>, String> {
        let tls = self.tls.as_ref().map(Tls::from_files).transpose();
        let tls = tls.map_err(|error| format!("tls: {error}"))?;
        let options = Options { keepalive: self.keepalive, tls, ..Options::default() };
        Ok((0..self.count)
            .map(|_| client::channel(&self.address, service::methods(), options.clone()))
            .collect())
    }
}

fn files(tls: protocol::Tls) -> Result<TlsFiles, String> {
    let protocol::Tls { ca, name, certificate, key } = tls;
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        _ => return Err("tls: certificate and key come together".to_owned()),
    };
    let name = name.map(|name| name.parse()).transpose();
    let name = name.map_err(|error| format!("tls: {error}"))?;
    Ok(TlsFiles { ca: Some(ca), identity, name })
}

fn keepalive(keepalive: protocol::Keepalive) -> Keepalive {
    let protocol::Keepalive { interval_ms, timeout_ms } = keepalive;
    let interval = Duration::from_millis(interval_ms);
    Keepalive {
        timeout: Duration::from_millis(timeout_ms),
        // The agents in Python send any number, too.
        max_pings_without_data: 0,
        ..Keepalive::new(interval)
    }
}

/// The channels that are kept.
#[derive(Default)]
pub(crate) struct Channels(HashMap<Key, Vec<GrpcioChannel>>);

impl Channels {
    /// The channels that were kept, or new ones; the error is why there are none.
    pub(crate) fn take(&mut self, key: &Key) -> Result<Vec<GrpcioChannel>, String> {
        self.0.remove(key).map_or_else(|| key.open(), Ok)
    }

    pub(crate) fn keep(&mut self, key: Key, channels: Vec<GrpcioChannel>) {
        self.0.insert(key, channels);
    }
}

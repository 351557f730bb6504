//! What a scenario varies over beside server and client: the transport and the compression.
//!
//! Data and not code, so that a case is written once and a new axis value reaches all that name it.

use std::fmt;

use grpc_interop_protocol::Encoding;
use serde::Deserialize;

/// How a client reaches a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP without encryption.
    #[default]
    Plain,
    /// TLS, where the server has a certificate.
    Tls,
    /// TLS, where the client has one too.
    Mtls,
    /// A Unix domain socket without encryption.
    Unix,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
            Self::Unix => "unix",
        }
    }

    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Mtls)
    }
}

/// How the messages of both directions are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Deflate,
}

impl Compression {
    /// The encoding of the messages; `None` when nothing is compressed.
    pub fn encoding(self) -> Option<Encoding> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Encoding::Gzip),
            Self::Deflate => Some(Encoding::Deflate),
        }
    }
}

/// One point on the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    pub transport: Transport,
    pub compression: Compression,
}

impl Variant {
    /// The name of `case` at this point: `tls+gzip/case`, with what is not as usual before it.
    pub fn name_of(self, case: &str) -> String {
        let transport = (self.transport != Transport::Plain).then(|| self.transport.name());
        let unusual: Vec<_> =
            transport.into_iter().chain(self.compression.encoding().map(Encoding::name)).collect();
        if unusual.is_empty() { case.to_owned() } else { format!("{}/{case}", unusual.join("+")) }
    }
}

/// The values of the axes that a scenario is run with; an axis that is missing has its usual value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    transport: Option<Vec<Transport>>,
    compression: Option<Vec<Compression>>,
}

impl Vary {
    /// This, with the axes that it does not name from `file`.
    pub fn or(&self, file: &Self) -> Self {
        Self {
            transport: self.transport.clone().or_else(|| file.transport.clone()),
            compression: self.compression.clone().or_else(|| file.compression.clone()),
        }
    }

    /// Every value of the one axis with every value of the other.
    pub fn variants(&self) -> Vec<Variant> {
        let transports = self.transport.clone().unwrap_or_else(|| vec![Transport::Plain]);
        let compressions = self.compression.clone().unwrap_or_else(|| vec![Compression::None]);
        let at = |transport| {
            compressions
                .iter()
                .map(move |compression| Variant { transport, compression: *compression })
        };
        transports.into_iter().flat_map(at).collect()
    }

    pub fn check(&self) -> Result<(), String> {
        fn is_good<T: PartialEq>(axis: Option<&Vec<T>>) -> bool {
            axis.is_none_or(|values| {
                let is_new = |(index, value)| !values[..index].contains(value);
                !values.is_empty() && values.iter().enumerate().all(is_new)
            })
        }
        if is_good(self.transport.as_ref()) && is_good(self.compression.as_ref()) {
            Ok(())
        } else {
            Err("vary: an axis has at least one value, and each only once".to_owned())
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding().map_or("identity", Encoding::name))
    }
}

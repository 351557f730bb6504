//! What a scenario varies over beside server and client: the transport and the compression.
//!
//! Data and not code, so that a case is written once and a new axis value reaches all that name it.

use std::fmt;

use serde::Deserialize;

/// How a client reaches a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
            Self::Unix => "unix",
        }
    }

    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Mtls)
    }
}

/// How the messages of both directions are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
    Deflate,
}

impl Compression {
    /// The name in `grpc-encoding`; `None` when nothing is compressed.
    pub(crate) fn encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
        }
    }
}

/// One point on the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) transport: Transport,
    pub(crate) compression: Compression,
}

impl Variant {
    /// The name of `case` at this point: `tls+gzip/case`, with what is not as usual before it.
    pub(crate) fn name_of(self, case: &str) -> String {
        let transport = (self.transport != Transport::Plain).then(|| self.transport.name());
        let unusual: Vec<_> = transport.into_iter().chain(self.compression.encoding()).collect();
        if unusual.is_empty() { case.to_owned() } else { format!("{}/{case}", unusual.join("+")) }
    }
}

/// The values of the axes that a scenario is run with; an axis that is missing has its usual value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vary {
    transport: Option<Vec<Transport>>,
    compression: Option<Vec<Compression>>,
}

impl Vary {
    /// This, with the axes that it does not name from `file`.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            transport: self.transport.clone().or_else(|| file.transport.clone()),
            compression: self.compression.clone().or_else(|| file.compression.clone()),
        }
    }

    /// Every value of the one axis with every value of the other.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        let transports = self.transport.clone().unwrap_or_else(|| vec![Transport::Plain]);
        let compressions = self.compression.clone().unwrap_or_else(|| vec![Compression::None]);
        let at = |transport| {
            compressions
                .iter()
                .map(move |compression| Variant { transport, compression: *compression })
        };
        transports.into_iter().flat_map(at).collect()
    }

    pub(crate) fn check(&self) -> Result<(), String> {
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
        f.write_str(self.encoding().unwrap_or("identity"))
    }
}

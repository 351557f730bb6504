//! The axes of a scenario: the transport and the compression.
//!
//! A scenario is written once and runs at every point of the axes that it names.

use std::collections::BTreeSet;
use std::fmt;

use grpc_interop_protocol::Encoding;
use serde::Deserialize;

/// How a client reaches a server.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Transport {
    /// TCP without encryption.
    #[default]
    Plain,
    /// TLS with a certificate of the server.
    Tls,
    /// TLS with a certificate of the client as well.
    Mtls,
    /// A Unix domain socket without encryption.
    Unix,
}

impl Transport {
    pub fn name(self) -> &'static str {
        self.into()
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
    /// The name of `case` at this point, such as `tls+gzip/case`; the default values have no name.
    pub fn name_of(self, case: &str) -> String {
        let transport = (self.transport != Transport::Plain).then(|| self.transport.name());
        let unusual: Vec<_> =
            transport.into_iter().chain(self.compression.encoding().map(Encoding::name)).collect();
        if unusual.is_empty() { case.to_owned() } else { format!("{}/{case}", unusual.join("+")) }
    }
}

/// The values of the axes at which a scenario is run; without an axis, its default value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    transport: Option<Vec<Transport>>,
    compression: Option<Vec<Compression>>,
}

impl Vary {
    /// These axes, and those of `file` that they do not name.
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
            compressions.iter().map(move |&compression| Variant { transport, compression })
        };
        transports.into_iter().flat_map(at).collect()
    }

    pub fn check(&self) -> Result<(), String> {
        fn is_valid<T: Ord>(axis: Option<&Vec<T>>) -> bool {
            axis.is_none_or(|values| {
                !values.is_empty() && BTreeSet::from_iter(values).len() == values.len()
            })
        }
        if is_valid(self.transport.as_ref()) && is_valid(self.compression.as_ref()) {
            return Ok(());
        }
        Err("vary: an axis has at least one value, and each only once".to_owned())
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding().map_or("identity", Encoding::name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary(table: &str) -> Vary {
        toml::from_str(table).unwrap()
    }

    fn names(vary: &Vary) -> Vec<String> {
        vary.variants().iter().map(|variant| variant.name_of("case")).collect()
    }

    #[test]
    fn every_value_of_an_axis_is_combined_with_every_value_of_the_other() {
        let both = vary("transport = [\"plain\", \"mtls\"]\ncompression = [\"none\", \"deflate\"]");
        assert_eq!(names(&both), ["case", "deflate/case", "mtls/case", "mtls+deflate/case"]);
        assert_eq!(names(&Vary::default()), ["case"]);
    }

    #[test]
    fn an_axis_that_is_not_named_is_that_of_the_file() {
        let file = vary("transport = [\"unix\"]\ncompression = [\"gzip\"]");
        assert_eq!(names(&vary("transport = [\"tls\"]").or(&file)), ["tls+gzip/case"]);
        assert_eq!(names(&Vary::default().or(&file)), ["unix+gzip/case"]);
    }

    #[test]
    fn an_axis_has_values_and_each_once() {
        assert_eq!(vary("transport = [\"tls\", \"unix\"]").check(), Ok(()));
        assert!(vary("transport = []").check().is_err());
        assert!(vary("compression = [\"gzip\", \"gzip\"]").check().is_err());
        assert!(toml::from_str::<Vary>("transport = [\"pigeon\"]").is_err());
    }
}

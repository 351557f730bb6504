//! Methods: their paths and their kinds.
//!
//! grpcio looks up a method by its whole path, byte by byte, before it reads a message: a query, a
//! trailing slash or an escaped letter makes a different path.

use std::sync::Arc;

/// How many messages each side of a call sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// One request, one response.
    Unary,
    /// A stream of requests, one response.
    ClientStreaming,
    /// One request, a stream of responses.
    ServerStreaming,
    /// A stream of requests, a stream of responses.
    Bidirectional,
}

impl MethodKind {
    /// Whether the client sends any number of messages rather than exactly one.
    #[must_use]
    pub const fn streams_requests(self) -> bool {
        matches!(self, Self::ClientStreaming | Self::Bidirectional)
    }

    /// Whether the server sends any number of messages rather than exactly one.
    #[must_use]
    pub const fn streams_responses(self) -> bool {
        matches!(self, Self::ServerStreaming | Self::Bidirectional)
    }
}

/// The methods of a server by path, `/package.Service/Method`. Clones share them.
///
/// A list, because comparing a dozen paths is cheaper than hashing one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods(Arc<[(String, MethodKind)]>);

impl Methods {
    /// Collects methods from their paths and kinds.
    pub fn new<P: Into<String>>(methods: impl IntoIterator<Item = (P, MethodKind)>) -> Self {
        Self(methods.into_iter().map(|(path, kind)| (path.into(), kind)).collect())
    }

    /// These methods and `others`.
    #[must_use]
    pub fn and<P: Into<String>>(&self, others: impl IntoIterator<Item = (P, MethodKind)>) -> Self {
        let others = others.into_iter().map(|(path, kind)| (path.into(), kind));
        Self(self.0.iter().cloned().chain(others).collect())
    }

    /// The paths and kinds of all methods.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MethodKind)> {
        self.0.iter().map(|(path, kind)| (path.as_str(), *kind))
    }

    /// The kind of the method at `path`, or `None` if there is no such method.
    #[must_use]
    pub fn kind_at(&self, path: &str) -> Option<MethodKind> {
        self.0.iter().find(|(known, _)| known == path).map(|(_, kind)| *kind)
    }

    /// The kind of the method at `uri`, or `None` if there is no such method.
    ///
    /// Probes: `path-*`, `unknown-method`, `unknown-service`, `*-in-lower-case`.
    #[must_use]
    pub fn kind(&self, uri: &http::Uri) -> Option<MethodKind> {
        self.find(uri).map(|(_, kind)| kind)
    }

    /// The position and the kind of the method at `uri`.
    pub(crate) fn find(&self, uri: &http::Uri) -> Option<(usize, MethodKind)> {
        let path = uri.path_and_query()?.as_str();
        let position = self.0.iter().position(|(known, _)| known == path)?;
        self.0.get(position).map(|(_, kind)| (position, *kind))
    }
}

#[cfg(test)]
mod tests {
    use super::{MethodKind, Methods};

    #[test]
    fn only_the_exact_path_names_a_method() {
        let methods = Methods::new([("/a.B/C", MethodKind::ServerStreaming)]);
        let kind = |path: &str| methods.kind(&path.parse().expect("a path"));
        assert_eq!(kind("/a.B/C"), Some(MethodKind::ServerStreaming));
        assert_eq!(kind("http://host/a.B/C"), Some(MethodKind::ServerStreaming));
        for other in ["/a.B/c", "/a.B/C/", "/a.B/C?", "/a.B/C?d", "/a.B/%43", "//a.B/C", "/", "*"] {
            assert_eq!(kind(other), None, "{other}");
        }
    }
}

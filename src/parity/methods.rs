//! The methods that a server has.
//!
//! grpcio looks a method up by its whole path before it reads a message, and compares bytes: a
//! query, a trailing slash or an escaped letter makes another method.

use std::sync::Arc;

use tonic::Status;

/// How many messages go which way in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// One request, one answer.
    Unary,
    /// A stream of requests, one answer.
    ClientStreaming,
    /// One request, a stream of answers.
    ServerStreaming,
    /// A stream of requests, a stream of answers.
    Bidirectional,
}

impl MethodKind {
    /// Whether the client sends any number of messages, instead of exactly one.
    #[must_use]
    pub const fn streams_requests(self) -> bool {
        matches!(self, Self::ClientStreaming | Self::Bidirectional)
    }

    /// Whether the server answers with any number of messages, instead of exactly one.
    #[must_use]
    pub const fn streams_answers(self) -> bool {
        matches!(self, Self::ServerStreaming | Self::Bidirectional)
    }
}

/// The status of a call of a method that there is not.
pub(crate) fn not_found() -> Status {
    Status::unimplemented("Method not found!")
}

/// The methods by path, `/package.Service/Method`; clones share them.
///
/// A list, because to compare a dozen paths costs less than to hash one.
#[derive(Clone, Debug, Default)]
pub struct Methods(Arc<[(String, MethodKind)]>);

impl Methods {
    /// From paths with their kinds.
    pub fn new<'a>(methods: impl IntoIterator<Item = (&'a str, MethodKind)>) -> Self {
        let methods = methods.into_iter().map(|(path, kind)| (path.to_owned(), kind));
        Self(methods.collect())
    }

    /// What the method called by `uri` is; `None` when there is no such method.
    ///
    /// Probes: `path-*`, `unknown-method`, `unknown-service`, `*-in-lower-case`.
    #[must_use]
    pub fn kind(&self, uri: &http::Uri) -> Option<MethodKind> {
        let called = uri.path_and_query()?.as_str();
        self.0.iter().find(|(path, _)| path == called).map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::{MethodKind, Methods};

    #[test]
    fn a_method_is_called_by_its_whole_path_alone() {
        let methods = Methods::new([("/a.B/C", MethodKind::ServerStreaming)]);
        let kind = |path: &str| methods.kind(&path.parse().expect("a path"));
        assert_eq!(kind("/a.B/C"), Some(MethodKind::ServerStreaming));
        assert_eq!(kind("http://host/a.B/C"), Some(MethodKind::ServerStreaming));
        for other in ["/a.B/c", "/a.B/C/", "/a.B/C?", "/a.B/C?d", "/a.B/%43", "//a.B/C", "/", "*"] {
            assert_eq!(kind(other), None, "{other}");
        }
    }
}

//! The methods that a server has.
//!
//! grpcio looks a method up by its whole path before it reads a message, and compares bytes: a
//! query, a trailing slash or an escaped letter makes another method.

use std::collections::HashMap;
use std::sync::Arc;

/// Whether a client sends one message or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Exactly one message: a unary or a server-streaming method.
    Unary,
    /// Any number of messages: a client-streaming or a bidirectional method.
    Streaming,
}

/// The methods by path, `/package.Service/Method`; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Methods(Arc<HashMap<String, RequestKind>>);

impl Methods {
    /// From paths with their kinds.
    pub fn new<'a>(methods: impl IntoIterator<Item = (&'a str, RequestKind)>) -> Self {
        let methods = methods.into_iter().map(|(path, kind)| (path.to_owned(), kind));
        Self(Arc::new(methods.collect()))
    }

    /// What the method called by `uri` is; `None` when there is no such method.
    ///
    /// Probes: `path-*`, `unknown-method`, `unknown-service`, `*-in-lower-case`.
    #[must_use]
    pub fn kind(&self, uri: &http::Uri) -> Option<RequestKind> {
        self.0.get(uri.path_and_query()?.as_str()).copied()
    }
}

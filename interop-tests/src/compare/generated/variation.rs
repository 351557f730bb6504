//! A named value, from which a case is made.
//!
//! Its bytes are made when they are needed, because a list of all values of a field would otherwise hold several long
//! ones at once.

use std::borrow::Cow;
use std::fmt;

/// A value of a field, or the content of the message around it. The functions that return it say which.
pub(super) struct Variation {
    /// Such as `minimum`.
    pub(super) name: Cow<'static, str>,
    /// The name of another field of the same message that it sets.
    pub(super) also: Option<String>,
    bytes: Box<dyn Fn() -> Vec<u8>>,
}

impl Variation {
    /// A short value.
    pub(super) fn new(name: impl Into<Cow<'static, str>>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::lazy(name, move || bytes.clone())
    }

    /// A value that may be long.
    pub(super) fn lazy(
        name: impl Into<Cow<'static, str>>,
        bytes: impl Fn() -> Vec<u8> + 'static,
    ) -> Self {
        Self { name: name.into(), also: None, bytes: Box::new(bytes) }
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        (self.bytes)()
    }

    /// This value with other bytes.
    pub(super) fn map(self, change: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> Self {
        let Self { name, also, bytes } = self;
        Self { name, also, bytes: Box::new(move || change(bytes())) }
    }

    /// This value with another name.
    pub(super) fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..self }
    }
}

impl fmt::Debug for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variation").field("name", &self.name).finish_non_exhaustive()
    }
}

//! How many cases are generated.

/// The limits of what is generated for one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many levels of messages in the request have cases of their fields. With 0, only the request itself.
    pub(crate) depth: usize,
    /// How many fields have a group of cases.
    pub(crate) groups: usize,
    /// The number of cases with two fields.
    pub(crate) pairs: usize,
    /// The number of elements of a long list, entries of a large map and messages of a long stream.
    pub(crate) many: usize,
    /// The bytes of a long string.
    pub(crate) long: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { depth: 3, groups: 300, pairs: 100, many: 100, long: 64 << 10 }
    }
}

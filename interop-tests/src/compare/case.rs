//! A case of the suite `compare`: a call that is made to every server.
//!
//! A group produces its cases one at a time, so the memory of a run does not grow with their number.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost_reflect::MethodDescriptor;

/// A call that is made to every server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// Unique in its group, such as `minimum`.
    pub(crate) name: String,
    /// The encoded request messages, in order.
    pub(crate) messages: Vec<Bytes>,
    /// Metadata in addition to that of every gRPC call: names in lower case, values as on the wire.
    pub(crate) metadata: Vec<(String, Vec<u8>)>,
    pub(crate) deadline: Option<Duration>,
    /// The paths of the request fields that it sets, such as `order.items.price`, for the coverage.
    pub(crate) fields: Vec<String>,
    /// The method, if it may be another one than the method that is compared.
    pub(crate) method: Option<MethodDescriptor>,
    /// The entry of the probe that is sent instead of an ordinary call.
    pub(crate) probe: Option<Arc<str>>,
}

/// Cases about one subject, such as one field of the request.
pub(crate) struct CaseGroup {
    /// Unique among the groups of its source and method, such as `order.price`.
    pub(crate) name: String,
    cases: Box<dyn Fn() -> Box<dyn Iterator<Item = Case>> + Send + Sync>,
}

impl CaseGroup {
    /// A group that produces the cases of `cases`, the same each time.
    pub(crate) fn new<I>(
        name: impl Into<String>,
        cases: impl Fn() -> I + Send + Sync + 'static,
    ) -> Self
    where
        I: Iterator<Item = Case> + 'static,
    {
        Self { name: name.into(), cases: Box::new(move || Box::new(cases())) }
    }

    /// Its cases, in the same order each time.
    pub(crate) fn cases(&self) -> impl Iterator<Item = Case> {
        (self.cases)()
    }
}

impl fmt::Debug for CaseGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseGroup").field("name", &self.name).finish_non_exhaustive()
    }
}

//! What is compared: a method, and its groups of cases.

use std::sync::Arc;

use prost_reflect::MethodDescriptor;

use crate::compare::case::CaseGroup;
use crate::compare::difference::ResponseTypes;
use crate::compare::user::{Setup, UserCase};
use crate::compare::wire::selection::WireGroup;
use crate::config::CaseSource;
use crate::outcome::Grade;

/// A group of cases and its source.
#[derive(Debug)]
pub(crate) struct SourcedGroup {
    pub(crate) source: CaseSource,
    pub(crate) group: Group,
}

/// What a trial runs.
#[derive(Debug)]
pub(crate) enum Group {
    /// Calls that do not depend on responses.
    Cases(CaseGroup),
    /// The calls of a case file's case.
    User(Arc<UserCase>),
    /// A probe, which differs from an ordinary call below the level of messages.
    Wire(WireGroup),
}

impl Group {
    /// Unique among the groups of its source and method.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User(case) => &case.name,
            Self::Cases(group) | Self::Wire(WireGroup { group, .. }) => &group.name,
        }
    }
}

impl SourcedGroup {
    /// Whether a conforming peer, proxy or load balancer can send its cases.
    pub(crate) fn grade(&self) -> Grade {
        match &self.group {
            Group::Cases(_) | Group::User(_) => Grade::ClientVisible,
            Group::Wire(WireGroup { probe, .. }) => probe.grade,
        }
    }

    /// The last part of the name of its trial.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.source, self.group.name())
    }
}

/// A method, and the cases in which it is compared.
pub(crate) struct MethodPlan {
    /// The peer that is compared.
    pub(crate) peer: String,
    pub(crate) method: MethodDescriptor,
    pub(crate) types: ResponseTypes,
    /// The calls that are made first, each time a server has started.
    pub(crate) setup: Vec<Arc<Setup>>,
    pub(crate) groups: Vec<SourcedGroup>,
    /// The request fields that have cases.
    pub(crate) fields: Vec<String>,
    /// How many request fields have none.
    pub(crate) omitted: usize,
}

impl MethodPlan {
    /// The value of `:path`.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }
}

//! The scenarios of the suite `calls`: what is asked and what is right, as data.
//!
//! An expectation stands here, once for all languages; it is what grpcio does, because that is what
//! callers of the Python server rely on.
//!
//! - [`table`]: the files
//! - [`step`], [`call`], [`script`], [`message`], [`method`]: what happens
//! - [`axes`], [`security`], [`needs`]: what it varies over, and what it needs of the peers

pub(crate) mod call;
pub(crate) mod message;
pub(crate) mod method;
pub(crate) mod script;
pub(crate) mod step;
pub(crate) mod table;

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use crate::calls::expectation::Expectation;
use crate::calls::expectation::wire::Wire;
use crate::calls::scenario::call::Call;
use crate::calls::scenario::step::Step;
use crate::config::axes::{Transport, Variant, Vary};
use crate::config::server_options::{Offering, ServerNeeds};

pub(crate) use crate::calls::scenario::table::read_all;

/// One `[[scenario]]`: a call with its expectation, or steps of which each is one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    name: Spanned<String>,
    /// What it is about, where the name does not say it.
    pub(crate) about: Option<String>,
    /// What it varies over; what is missing is as the file says.
    #[serde(default)]
    vary: Vary,
    call: Option<Call>,
    expect: Option<Expectation>,
    #[serde(default)]
    calls: Vec<Call>,
    #[serde(default)]
    steps: Vec<Step>,
    /// How the server is started, where that is not as usual.
    pub(crate) server: Option<ServerNeeds>,
    /// What is seen between client and server.
    pub(crate) wire: Option<Wire>,
}

impl Scenario {
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// What happens, in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        if self.steps.is_empty() {
            let (call, calls) = (self.call.clone(), self.calls.clone());
            vec![Step::of_calls(call, calls, self.expect.clone())]
        } else {
            self.steps.clone()
        }
    }

    /// The points on the axes that it is run at.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        self.vary.variants()
    }

    /// What a server has to have for it at this point of the axes.
    pub(crate) fn offerings(&self, variant: Variant) -> BTreeSet<Offering> {
        let of_step = |step: &Step| {
            let calls = step.calls().into_iter();
            calls.flat_map(|(call, _)| call.offerings(variant)).collect::<Vec<_>>()
        };
        self.steps().iter().flat_map(of_step).collect()
    }

    /// Whether a server has to be started for this scenario alone, because it will be killed or
    /// measured.
    pub(crate) fn needs_own_server(&self) -> bool {
        self.steps.iter().any(Step::needs_own_server)
    }

    /// Whether it mostly waits, so that many such fit side by side.
    pub(crate) fn waits(&self) -> bool {
        self.steps().iter().any(Step::waits)
    }

    fn check(&self) -> Result<(), String> {
        if self.name().is_empty() || self.name().contains(['/', '*', ' ']) {
            return Err("a name is a part of a path: not empty, no `/`, `*` or space".to_owned());
        }
        let has_calls = self.call.is_some() && self.expect.is_some() || !self.calls.is_empty();
        if has_calls != self.steps.is_empty() || self.call.is_some() != self.expect.is_some() {
            return Err("a scenario has `call` and `expect`, `calls`, or `steps`".to_owned());
        }
        for step in self.steps() {
            step.check()?;
        }
        self.vary.check()?;
        let only = |right: fn(Transport) -> bool| {
            self.variants().iter().all(|variant| right(variant.transport))
        };
        let has_tls = |step: &Step| step.leader().is_some_and(|call| call.tls.is_some());
        if self.steps().iter().any(has_tls) && !only(Transport::is_encrypted) {
            return Err("tls: vary.transport is `tls` or `mtls` then, and nothing else".to_owned());
        }
        if self.wire.is_some() && !only(|transport| transport == Transport::Plain) {
            return Err("wire: only the transport `plain` can be looked into".to_owned());
        }
        self.wire.as_ref().map_or(Ok(()), Wire::check)?;
        match &self.server {
            Some(server) => server.check(only(Transport::is_encrypted)),
            None => Ok(()),
        }
    }
}

//! The details of a status: a `google.rpc.Status` with a `BadRequest` in `grpc-status-details-bin`.

use serde::Deserialize;

use crate::calls::expectation::status;
use crate::outcome::finding::Mismatch;
use grpc_interop_protocol::{CallOutcome, Details};

/// The metadata that carries them.
pub(crate) const KEY: &str = "grpc-status-details-bin";

/// What they say; code and message are those of the call's status, unless given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedDetails {
    code: Option<i32>,
    message: Option<String>,
    /// Fields, each with the description of what is wrong with it.
    #[serde(default)]
    violations: Vec<(String, String)>,
}

impl ExpectedDetails {
    /// In what those of a call differ whose status has this code and message.
    pub(crate) fn mismatch(
        &self,
        code: usize,
        message: Option<&str>,
        outcome: &CallOutcome,
    ) -> Option<Mismatch> {
        let expected = self.of_status(code, message);
        if outcome.details.as_ref() == Some(&expected) {
            return None;
        }
        let observed = outcome.details.as_ref().map_or("none".to_owned(), shown);
        Some(Mismatch::new("details", shown(&expected), observed))
    }

    /// Those of a call whose status is called so and has this message.
    pub(crate) fn shown(&self, status: &str, message: Option<&str>) -> String {
        shown(&self.of_status(status::code(status).unwrap_or_default(), message))
    }

    fn of_status(&self, code: usize, message: Option<&str>) -> Details {
        Details {
            code: self.code.or_else(|| i32::try_from(code).ok()).unwrap_or_default(),
            message: self.message.as_deref().or(message).unwrap_or_default().to_owned(),
            violations: self.violations.clone(),
        }
    }
}

pub(crate) fn shown(details: &Details) -> String {
    let violation = |(field, description): &(String, String)| format!("{field}: {description}");
    let violations: Vec<_> = details.violations.iter().map(violation).collect();
    format!("code {}, {:?}, [{}]", details.code, details.message, violations.join(", "))
}

//! The status of a call: its code, its message, and the details in `grpc-status-details-bin`.

use serde::Deserialize;

use grpc_interop_protocol::Details;

use crate::outcome::status;

/// The metadata key of the details.
pub(crate) const DETAILS_KEY: &str = "grpc-status-details-bin";

/// The number of the status code called `name`.
pub(crate) fn code(name: &str) -> Result<i32, String> {
    let code = status::code(name).and_then(|code| i32::try_from(code).ok());
    code.ok_or_else(|| {
        let names = status::NAMES.join(", ");
        format!("status: `{name}` is not a gRPC status code; use one of: {names}")
    })
}

/// The expected details: a `google.rpc.Status` with a `BadRequest`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedDetails {
    /// The default is the code of the call's status.
    code: Option<i32>,
    /// The default is the message of the call's status.
    message: Option<String>,
    /// The fields with their descriptions.
    #[serde(default)]
    violations: Vec<(String, String)>,
}

impl ExpectedDetails {
    /// The expected details of a call with this status.
    pub(crate) fn of_status(&self, status: &str, message: Option<&str>) -> Details {
        Details {
            code: self.code.or(code(status).ok()).unwrap_or_default(),
            message: self.message.as_deref().or(message).unwrap_or_default().to_owned(),
            violations: self.violations.clone(),
        }
    }
}

/// The details as text for people.
pub(crate) fn shown(details: &Details) -> String {
    let violation = |(field, description): &(String, String)| format!("{field}: {description}");
    let violations: Vec<_> = details.violations.iter().map(violation).collect();
    format!("code {}, {:?}, [{}]", details.code, details.message, violations.join(", "))
}

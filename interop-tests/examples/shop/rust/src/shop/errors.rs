//! Statuses of failed calls, with details for programs.
//!
//! The message repeats the most important detail, because most clients show only the message.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, PreconditionFailure,
    PreconditionViolation, QuotaFailure, ResourceInfo, StatusExt,
};

use super::call::Locale;

const DOMAIN: &str = "shop.example";

/// Why a call fails.
#[derive(Debug)]
pub(crate) enum ShopError {
    /// Fields of a request are invalid.
    InvalidRequest(Vec<FieldViolation>),
    /// There is no resource of a kind with this name.
    NotFound { kind: &'static str, name: String },
    /// There is a resource of a kind with this name already.
    AlreadyExists { kind: &'static str, name: String },
    /// The product was changed after the client had read it.
    RevisionMismatch { name: String, expected: u64, stored: u64 },
    /// Products cannot be ordered.
    CannotOrder(Vec<PreconditionViolation>),
    /// Money cannot express the total of an order.
    TotalTooLarge,
    /// A search has found more than the client wants.
    TooManyResults { limit: usize, found: usize },
}

impl ShopError {
    /// The status of the call, in a language.
    pub(crate) fn status(self, locale: Locale) -> Status {
        let (code, message, mut details) = self.parts();
        let localized = match locale {
            Locale::De => Some("Die Anfrage ist fehlgeschlagen."),
            Locale::En => None,
            Locale::Fr => Some("La requête a échoué."),
        };
        if let Some(text) = localized {
            details.push(LocalizedMessage::new(locale.name(), text).into());
        }
        Status::with_error_details_vec(code, message, details)
    }

    fn parts(self) -> (Code, String, Vec<ErrorDetail>) {
        match self {
            Self::InvalidRequest(violations) => {
                let message = violation_texts(&violations);
                (Code::InvalidArgument, message, vec![BadRequest::new(violations).into()])
            }
            Self::NotFound { kind, name } => {
                let message = format!("there is no {kind} {name}");
                (Code::NotFound, message, vec![ResourceInfo::new(kind, name, "", "").into()])
            }
            Self::AlreadyExists { kind, name } => {
                let message = format!("the {kind} {name} exists");
                let advice = "update it or delete it first";
                let resource = ResourceInfo::new(kind, name, "", advice);
                (Code::AlreadyExists, message, vec![resource.into()])
            }
            Self::RevisionMismatch { name, expected, stored } => {
                let message = format!("the revision of {name} is {stored}, not {expected}");
                let metadata = [("expected", expected), ("stored", stored)]
                    .map(|(key, revision)| (key.to_owned(), revision.to_string()));
                let info = ErrorInfo::new("REVISION_MISMATCH", DOMAIN, HashMap::from(metadata));
                let resource = ResourceInfo::new("product", name, "", "");
                (Code::Aborted, message, vec![info.into(), resource.into()])
            }
            Self::CannotOrder(violations) => {
                let texts = violations.iter();
                let texts = texts.map(|it| format!("{} {}", it.subject, it.description));
                let message = texts.collect::<Vec<_>>().join("; ");
                let failure = PreconditionFailure::new(violations);
                (Code::FailedPrecondition, message, vec![failure.into()])
            }
            Self::TotalTooLarge => {
                let info = ErrorInfo::new("TOTAL_TOO_LARGE", DOMAIN, HashMap::new());
                (Code::OutOfRange, "the total is too large".to_owned(), vec![info.into()])
            }
            Self::TooManyResults { limit, found } => {
                let message = format!("there are more than {limit} results");
                let failure = QuotaFailure::with_violation("limit", format!("{found} were found"));
                (Code::ResourceExhausted, message, vec![failure.into()])
            }
        }
    }
}

/// The fields, and what is wrong with them.
pub(crate) fn violation_texts(violations: &[FieldViolation]) -> String {
    let texts = violations.iter().map(|it| format!("{} {}", it.field, it.description));
    texts.collect::<Vec<_>>().join("; ")
}

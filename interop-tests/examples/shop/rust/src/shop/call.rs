//! The metadata of requests.

use tonic::Request;
use tonic::metadata::{BinaryMetadataValue, MetadataMap};

const REQUEST_ID: &str = "shop-request-id-bin";

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locale {
    De,
    En,
    Fr,
}

impl Locale {
    /// As it appears in metadata.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

/// What the metadata of a call says.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The language of the response.
    pub(crate) locale: Locale,
    request_id: Option<BinaryMetadataValue>,
}

impl Call {
    /// Divides a request into its metadata and its message.
    pub(crate) fn split<T>(request: Request<T>) -> (Self, T) {
        let (metadata, _, message) = request.into_parts();
        let requested = metadata.get("shop-locale").and_then(|locale| locale.to_str().ok());
        let locale = match requested {
            Some("de") => Locale::De,
            Some("fr") => Locale::Fr,
            _ => Locale::En,
        };
        (Self { locale, request_id: metadata.get_bin(REQUEST_ID).cloned() }, message)
    }

    /// Adds the language to initial metadata.
    pub(crate) fn return_locale(&self, metadata: &mut MetadataMap) {
        if let Ok(locale) = self.locale.name().parse() {
            metadata.insert("shop-locale", locale);
        }
    }

    /// Adds the id of the request to initial metadata, if it has one.
    pub(crate) fn return_request_id(self, metadata: &mut MetadataMap) {
        if let Some(request_id) = self.request_id {
            metadata.insert_bin(REQUEST_ID, request_id);
        }
    }
}

//! Trailing metadata of calls that succeed.
//!
//! tonic sends trailing metadata only with an error. A method stores it in the extensions of its response, and the
//! layer adds it to the trailers of the body.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use tonic::body::Body;
use tower::util::MapResponseLayer;

/// Trailing metadata, which may be set until the response ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrailingMetadata(Arc<OnceLock<HeaderMap>>);

impl TrailingMetadata {
    /// Sets it once. A value that metadata cannot contain is not sent.
    pub(crate) fn set(&self, key: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.get_or_init(|| HeaderMap::from_iter([(HeaderName::from_static(key), value)]));
        }
    }

    /// The response with this metadata.
    pub(crate) fn with<T>(self, message: T) -> tonic::Response<T> {
        let mut response = tonic::Response::new(message);
        response.extensions_mut().insert(self);
        response
    }
}

/// Sends the trailing metadata of responses.
pub(crate) type Send = fn(http::Response<Body>) -> http::Response<Body>;

/// The layer that sends the trailing metadata of responses.
pub(crate) fn layer() -> MapResponseLayer<Send> {
    MapResponseLayer::new(send)
}

fn send(mut response: http::Response<Body>) -> http::Response<Body> {
    let Some(metadata) = response.extensions_mut().remove::<TrailingMetadata>() else {
        return response;
    };
    response
        .map(|body| Body::new(body.with_trailers(async move { metadata.0.get().cloned().map(Ok) })))
}

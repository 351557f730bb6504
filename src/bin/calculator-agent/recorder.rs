//! A channel that records the header fields of a response.
//!
//! It is below the generated stub, which is what is tested, because a stub does not report initial and
//! trailing metadata separately.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use calculator::grpcio::client::GrpcioChannel;
use http::HeaderMap;
use http_body::Frame;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service};

/// The header fields of one response.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) initial: HeaderMap,
    pub(crate) trailing: HeaderMap,
}

/// Forwards one call to a channel and records the response.
#[derive(Clone)]
pub(crate) struct Recorder {
    channel: GrpcioChannel,
    recorded: Arc<Mutex<Recorded>>,
}

impl Recorder {
    pub(crate) fn new(channel: GrpcioChannel) -> Self {
        Self { channel, recorded: Arc::default() }
    }

    pub(crate) fn recorded(&self) -> MutexGuard<'_, Recorded> {
        lock(&self.recorded)
    }
}

fn lock(recorded: &Mutex<Recorded>) -> MutexGuard<'_, Recorded> {
    recorded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service<http::Request<Body>> for Recorder {
    type Response = http::Response<Body>;
    type Error = <GrpcioChannel as Service<http::Request<Body>>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let response = self.channel.call(request);
        let recorded = Arc::clone(&self.recorded);
        Box::pin(async move {
            let response = response.await?;
            let headers = response.headers().clone();
            // A Trailers-Only response has no initial metadata.
            if headers.contains_key("grpc-status") {
                lock(&recorded).trailing = headers;
            } else {
                lock(&recorded).initial = headers;
            }
            Ok(response.map(|body| Body::new(RecordedBody { body, recorded })))
        })
    }
}

struct RecordedBody {
    body: Body,
    recorded: Arc<Mutex<Recorded>>,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            lock(&self.recorded).trailing = trailers.clone();
        }
        polled
    }
}

//! Calls through the generated stubs, as a program makes them.
//!
//! The messages of a script are bytes: they are decoded for the stub, and its responses are encoded
//! again.

use calculator::Number;
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::rpc::streaming_calculator_client::StreamingCalculatorClient;
use calculator::rpc::{ExchangeRequest, RepeatedRootsRequest};
use futures_util::{Stream, StreamExt};
use prost::{DecodeError, Message};
use tonic::{Request, Response, Status};

use crate::open_call::{Replies, Requests, one};
use crate::recorder::Recorder;
use grpc_interop_protocol::Kind;

/// A method with a generated stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    SquareRoot,
    RepeatedRoots,
    RootMeanSquare,
    RootOfEach,
    Exchange,
}

impl Method {
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/Calculator/SquareRoot" => Self::SquareRoot,
            "/StreamingCalculator/RepeatedRoots" => Self::RepeatedRoots,
            "/StreamingCalculator/RootMeanSquare" => Self::RootMeanSquare,
            "/StreamingCalculator/RootOfEach" => Self::RootOfEach,
            "/StreamingCalculator/Exchange" => Self::Exchange,
            _ => return None,
        })
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::SquareRoot | Self::Exchange => Kind::Unary,
            Self::RepeatedRoots => Kind::ServerStreaming,
            Self::RootMeanSquare => Kind::ClientStreaming,
            Self::RootOfEach => Kind::Bidirectional,
        }
    }

    /// Whether the bytes are a request of this method.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), DecodeError> {
        match self {
            Self::SquareRoot | Self::RootMeanSquare | Self::RootOfEach => {
                Number::decode(bytes).map(drop)
            }
            Self::RepeatedRoots => RepeatedRootsRequest::decode(bytes).map(drop),
            Self::Exchange => ExchangeRequest::decode(bytes).map(drop),
        }
    }

    /// Begins a call whose requests have been checked.
    pub(crate) async fn begin(
        self,
        recorder: Recorder,
        request: Request<Requests>,
    ) -> Result<Replies, Status> {
        let mut calculator = CalculatorClient::new(recorder.clone());
        let mut streaming = StreamingCalculatorClient::new(recorder);
        match self {
            Self::SquareRoot => calculator.square_root(first(request).await?).await.map(encoded),
            Self::Exchange => streaming.exchange(first(request).await?).await.map(encoded),
            Self::RepeatedRoots => {
                streaming.repeated_roots(first(request).await?).await.map(all_encoded)
            }
            Self::RootMeanSquare => {
                streaming.root_mean_square(request.map(decoded)).await.map(encoded)
            }
            Self::RootOfEach => streaming.root_of_each(request.map(decoded)).await.map(all_encoded),
        }
    }
}

/// The request with its only message.
async fn first<M: Message + Default + 'static>(
    request: Request<Requests>,
) -> Result<Request<M>, Status> {
    let (metadata, extensions, requests) = request.into_parts();
    let message = decoded(requests).next().await;
    let message = message.ok_or_else(|| Status::internal("no request was sent"))?;
    Ok(Request::from_parts(metadata, extensions, message))
}

fn decoded<M: Message + Default + 'static>(
    requests: Requests,
) -> impl Stream<Item = M> + Send + 'static {
    requests.filter_map(|bytes| std::future::ready(M::decode(bytes).ok()))
}

fn encoded<M: Message>(response: Response<M>) -> Replies {
    one(response.map(|message| message.encode_to_vec().into()))
}

fn all_encoded<M: Message + 'static>(response: Response<tonic::Streaming<M>>) -> Replies {
    Box::pin(response.into_inner().map(|reply| reply.map(|message| message.encode_to_vec().into())))
}

#[cfg(test)]
mod tests {
    use super::Method;
    use calculator::rpc::DESCRIPTORS;
    use prost_reflect::DescriptorPool;

    #[test]
    fn every_method_of_the_contract_has_its_stub_and_its_kind() {
        let pool = DescriptorPool::decode(DESCRIPTORS).expect("our own");
        let methods: Vec<_> =
            pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
        assert!(methods.len() >= 5, "{methods:?}");
        for method in methods {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let kind = Method::at(&path).expect(&path).kind();
            assert_eq!(kind.has_many_requests(), method.is_client_streaming(), "{path}");
            assert_eq!(kind.has_many_replies(), method.is_server_streaming(), "{path}");
        }
    }
}

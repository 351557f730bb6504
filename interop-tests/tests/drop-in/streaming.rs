//! `calculator-server --streaming` serves `StreamingCalculator`, which `server.py` does not have.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use calculator::grpcio::Methods;
use calculator::grpcio::client::{self, GrpcioChannel, Options};
use calculator::rpc::streaming_calculator_client::StreamingCalculatorClient;
use calculator::rpc::{DESCRIPTORS, ExchangeRequest};
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ListServiceResponse, ServerReflectionRequest};

use crate::support::Server;

fn start(arguments: &[&str]) -> Server {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    Server::ready(command.args(["--address", "127.0.0.1:0", "--reflection"]).args(arguments))
}

fn channel(server: &Server) -> GrpcioChannel {
    let methods = Methods::from_descriptors(DESCRIPTORS, &["StreamingCalculator"]);
    let address = server.address.to_string().parse().expect("it is an address");
    client::channel(&address, methods.expect("the service is described"), Options::default())
}

async fn exchange(server: &Server) -> Result<usize, tonic::Status> {
    let request = ExchangeRequest { payload: Vec::new(), response_size: 100_000 };
    let response = StreamingCalculatorClient::new(channel(server)).exchange(request).await?;
    Ok(response.into_inner().payload.len())
}

/// The names of the services that reflection lists.
async fn listed(server: &Server) -> Vec<String> {
    let endpoint = tonic::transport::Endpoint::new(format!("http://{}", server.address));
    let channel = endpoint.expect("it is a URI").connect().await.expect("cannot connect");
    let list = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let call = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await;
    let response = call.expect("the call failed").into_inner().message().await;
    let response = response.expect("the call failed").expect("there is no response");
    match response.message_response {
        Some(MessageResponse::ListServicesResponse(ListServiceResponse { service })) => {
            service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_the_option_the_service_is_unknown() {
    let server = start(&[]);
    let status = exchange(&server).await.expect_err("it should be unknown");
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "Method not found!"));
    let listed = listed(&server).await;
    assert!(listed.contains(&"Calculator".to_owned()), "{listed:?}");
    assert!(!listed.iter().any(|name| name.contains("Streaming")), "{listed:?}");
}

#[tokio::test]
async fn with_the_option_it_is_served() {
    let server = start(&["--streaming"]);
    assert_eq!(exchange(&server).await.expect("it should be served"), 100_000);
    assert!(listed(&server).await.contains(&"StreamingCalculator".to_owned()));
}

//! Servers with one fault each.
//!
//! They answer through tonic's stub with the library's own square root, so that the fault is all
//! that tells them from the real server.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use calculator::Number;
use calculator::arithmetic::square_root;
use calculator::rpc::calculator_server::{Calculator, CalculatorServer};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// As plain prost does.
    DropsTheSignOfZero,
    /// The last bit of the root of 2.
    OneWrongAnswer,
    /// Takes calls and answers none.
    NeverAnswers,
    /// Ends when it is asked for the root of 3.
    DiesHalfWay,
    /// Has HTML for every error.
    SpeaksHtml,
}

/// What would be seen if a page took it for a part of itself.
const HTML: &str = "</script><img src=x onerror=document.title='taken'>";

pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    eprintln!("pid {}", std::process::id());
    let fault = match arguments.next().as_deref() {
        Some("drops-the-sign-of-zero") => Fault::DropsTheSignOfZero,
        Some("one-wrong-answer") => Fault::OneWrongAnswer,
        Some("never-answers") => Fault::NeverAnswers,
        Some("dies-half-way") => Fault::DiesHalfWay,
        Some("speaks-html") => Fault::SpeaksHtml,
        Some("never-listens") => loop {
            std::thread::park();
        },
        Some("exits-at-once") => {
            eprintln!("no calculator today");
            return ExitCode::from(7);
        }
        other => panic!("no such fault: {other:?}"),
    };
    let address = arguments.next().expect("an address");
    serve(fault, address.parse().expect("an address"));
    ExitCode::SUCCESS
}

#[tokio::main(flavor = "current_thread")]
async fn serve(fault: Fault, address: SocketAddr) {
    let incoming = TcpIncoming::bind(address).expect("a free port");
    let address = incoming.local_addr().expect("bound");
    println!("Listening on {address}");
    std::io::stdout().flush().expect("somebody listens");
    Server::builder()
        .add_service(CalculatorServer::new(Mutant(fault)))
        .serve_with_incoming(incoming)
        .await
        .expect("the transport works");
}

struct Mutant(Fault);

#[tonic::async_trait]
impl Calculator for Mutant {
    async fn square_root(&self, request: Request<Number>) -> Result<Response<Number>, Status> {
        let asked = request.get_ref().value;
        let html = |status| match self.0 {
            Fault::SpeaksHtml => Status::unknown(HTML),
            _ => Status::from(status),
        };
        let mut value = square_root(asked).map_err(html)?;
        match self.0 {
            // Adding +0.0 leaves every number as it is but for -0.0.
            Fault::DropsTheSignOfZero if value == 0.0 => value += 0.0,
            Fault::OneWrongAnswer if asked.to_bits() == 2_f32.to_bits() => {
                value = f32::from_bits(value.to_bits() + 1);
            }
            Fault::NeverAnswers => std::future::pending().await,
            Fault::DiesHalfWay if asked.to_bits() == 3_f32.to_bits() => std::process::exit(3),
            _ => {}
        }
        Ok(Response::new(Number { value }))
    }
}

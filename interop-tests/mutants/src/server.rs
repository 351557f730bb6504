//! Servers with one fault each.
//!
//! They use tonic's stub and the square root of the library, so the fault is the only difference from the real
//! server.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use calculator::Number;
use calculator::arithmetic::square_root;
use calculator::rpc::calculator_server::{Calculator, CalculatorServer};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::suspend::suspend_the_tool_once;

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Responds with 0.0 instead of -0.0, like plain prost.
    DropsTheSignOfZero,
    /// The last bit of the square root of 2 is wrong.
    OneWrongAnswer,
    /// Accepts calls but never responds.
    NeverAnswers,
    /// Exits on a request for the square root of 3 or of a tenth.
    DiesHalfWay,
    /// Responds with 0 to calls that a proxy has forwarded.
    ConfusedByAProxy,
    /// The status message of every error is HTML.
    SpeaksHtml,
    /// Suspends the tool during the first call, and responds wrongly to it.
    SuspendsOnce,
}

/// A status message that changes the title of a page that does not escape it.
const HTML: &str = "</script><img src=x onerror=document.title='taken'>";

/// Runs the server with the fault of the first argument.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    eprintln!("pid {}", std::process::id());
    let fault = match arguments.next().as_deref() {
        Some("drops-the-sign-of-zero") => Fault::DropsTheSignOfZero,
        Some("one-wrong-answer") => Fault::OneWrongAnswer,
        Some("never-answers") => Fault::NeverAnswers,
        Some("dies-half-way") => Fault::DiesHalfWay,
        Some("suspends-once") => Fault::SuspendsOnce,
        Some("confused-by-a-proxy") => Fault::ConfusedByAProxy,
        Some("speaks-html") => Fault::SpeaksHtml,
        Some("never-listens") => loop {
            std::thread::park();
        },
        Some("exits-at-once") => {
            eprintln!("no calculator today");
            return ExitCode::from(7);
        }
        other => panic!("unknown fault of a server: {other:?}"),
    };
    let address = arguments.next().expect("the address is missing");
    serve(fault, address.parse().expect("the address is invalid"));
    ExitCode::SUCCESS
}

#[tokio::main(flavor = "current_thread")]
async fn serve(fault: Fault, address: SocketAddr) {
    let incoming = TcpIncoming::bind(address).expect("cannot listen");
    let address = incoming.local_addr().expect("the address of the listener is unknown");
    println!("Listening on {address}");
    std::io::stdout().flush().expect("cannot write to stdout");
    Server::builder()
        .add_service(CalculatorServer::new(Mutant(fault)))
        .serve_with_incoming(incoming)
        .await
        .expect("the server failed");
}

/// The calculator with a fault.
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
            // Adding +0.0 changes only -0.0.
            Fault::DropsTheSignOfZero if value == 0.0 => value += 0.0,
            Fault::OneWrongAnswer if asked.to_bits() == 2_f32.to_bits() => {
                value = f32::from_bits(value.to_bits() + 1);
            }
            Fault::SuspendsOnce if suspend_the_tool_once() => {
                return Err(Status::deadline_exceeded("suspended"));
            }
            Fault::ConfusedByAProxy if request.metadata().contains_key("via") => value = 0.0,
            Fault::NeverAnswers => std::future::pending().await,
            Fault::DiesHalfWay if [3.0, 0.1].contains(&asked) => std::process::exit(3),
            _ => {}
        }
        Ok(Response::new(Number { value }))
    }
}

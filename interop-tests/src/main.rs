//! The command `interop`: runs every gRPC client against every server and compares them.

use std::process::ExitCode;

fn main() -> ExitCode {
    grpc_interop::main()
}

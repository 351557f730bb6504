//! `calculator-server --max-connection-age` closes old connections without interrupting calls.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;

use crate::half_sent_call::HalfSentCall;
use crate::raw_call::FOUR;
use crate::support::Server;
use crate::support::client_of;

#[test]
fn an_old_connection_is_closed_after_its_call() {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let server = Server::ready(
        command.args(["--address", "127.0.0.1:0"]).args(["--max-connection-age", "0.2"]),
    );
    let mut call = HalfSentCall::start(server.address);
    call.wait_for_goaway();
    assert_eq!(call.finish().message, FOUR);
    call.wait_until_closed();
    client_of(server.address).assert().success().stdout("4.0\n");
}

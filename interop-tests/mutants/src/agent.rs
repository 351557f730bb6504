//! Agents with one fault each.
//!
//! A mutant lets the real agent make the calls and falsifies the reported outcome, so that only the report is wrong.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use grpc_interop_protocol::{CallOutcome, Outcome, Request};

use crate::suspend::{suspend_the_tool, suspend_the_tool_once};

/// Forwards requests to the real agent, and its outcomes with the fault of the first argument.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    eprintln!("pid {}", std::process::id());
    let fault = arguments.next().unwrap_or_default();
    let mut agent = Command::new(crate::sibling("calculator-agent"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cannot start calculator-agent");
    eprintln!("pid {}", agent.id());
    let mut to_agent = agent.stdin.take().expect("a pipe");
    let mut from_agent = BufReader::new(agent.stdout.take().expect("a pipe"));
    let (mut stdin, mut stdout) = (std::io::stdin().lock(), std::io::stdout());
    while let Some(request) = Request::read(&mut stdin).expect("cannot read from the tool") {
        let request = request.write(true).expect("a request can be serialized");
        to_agent.write_all(&request).expect("cannot write to calculator-agent");
        let mut line = Vec::new();
        from_agent.read_until(b'\n', &mut line).expect("cannot read from calculator-agent");
        let mut outcome =
            Outcome::read(&line, &mut from_agent).expect("calculator-agent printed no outcome");
        match fault.as_str() {
            "hangs" => loop {
                std::thread::park();
            },
            "dies" => {
                eprintln!("out of luck");
                // The real agent keeps running; the tool must end the whole process group.
                std::process::exit(3);
            }
            "prints-rubbish" => println!("DEBUG about to answer"),
            "skips-a-call" => {
                outcome.calls.pop().expect("an outcome without calls");
            }
            "tells-late" => std::thread::sleep(std::time::Duration::from_secs(3)),
            "suspends-once" if suspend_the_tool_once() => {
                outcome.calls.iter_mut().for_each(no_value);
            }
            "suspends-once" => {}
            "suspends-once-and-fails" => {
                suspend_the_tool_once();
                outcome.calls.iter_mut().for_each(no_value);
            }
            "suspends-always" => {
                suspend_the_tool();
                outcome.calls.iter_mut().for_each(no_value);
            }
            "cannot" => outcome = Outcome::not_supported("no calls on Sundays".to_owned()),
            fault => falsify(fault, &mut outcome),
        }
        let outcome = outcome.write().expect("an outcome can be serialized");
        stdout.write_all(&outcome).and_then(|()| stdout.flush()).expect("cannot write to the tool");
    }
    agent.wait().expect("cannot wait for calculator-agent");
    ExitCode::SUCCESS
}

fn no_value(call: &mut CallOutcome) {
    call.value = None;
}

/// Falsifies the outcome of each call.
fn falsify(fault: &str, outcome: &mut Outcome) {
    // An outcome that is not supported has no calls.
    for call in &mut outcome.calls {
        let value = call.value.as_deref();
        match fault {
            "drops-the-sign-of-zero" if value == Some("80000000") => {
                call.value = Some("00000000".to_owned());
            }
            "one-wrong-answer" if value == Some("3fb504f3") => {
                call.value = Some("3fb504f4".to_owned());
            }
            "says-unknown" if call.status == "UNAVAILABLE" => {
                "UNKNOWN".clone_into(&mut call.status);
            }
            "drops-trailers" => call.trailing_metadata.clear(),
            "drops-the-sign-of-zero" | "one-wrong-answer" | "says-unknown" => {}
            fault => panic!("unknown fault of an agent: {fault:?}"),
        }
    }
}

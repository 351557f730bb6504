//! Agents with one fault each.
//!
//! A mutant lets the real agent make the calls and falsifies the reported outcome, so that only the report is wrong.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};

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
    let mut from_agent = BufReader::new(agent.stdout.take().expect("a pipe")).lines();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("cannot read a request from the tool");
        writeln!(to_agent, "{line}").expect("cannot write to calculator-agent");
        let outcome = from_agent
            .next()
            .expect("calculator-agent printed no outcome")
            .expect("cannot read from calculator-agent");
        let mut outcome: Value =
            serde_json::from_str(&outcome).expect("calculator-agent printed no JSON");
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
                outcome["calls"].as_array_mut().expect("an outcome without calls").pop();
            }
            "tells-late" => std::thread::sleep(std::time::Duration::from_secs(3)),
            "cannot" => outcome = json!({ "not_supported": "no calls on Sundays" }),
            fault => falsify(fault, &mut outcome),
        }
        println!("{outcome}");
    }
    agent.wait().expect("cannot wait for calculator-agent");
    ExitCode::SUCCESS
}

/// Falsifies the outcome of each call.
fn falsify(fault: &str, outcome: &mut Value) {
    // An outcome that is not supported has no calls.
    for call in outcome["calls"].as_array_mut().into_iter().flatten() {
        match fault {
            "drops-the-sign-of-zero" if call["value"] == "80000000" => {
                call["value"] = json!("00000000");
            }
            "one-wrong-answer" if call["value"] == "3fb504f3" => call["value"] = json!("3fb504f4"),
            "says-unknown" if call["status"] == "UNAVAILABLE" => call["status"] = json!("UNKNOWN"),
            "drops-trailers" => call["trailing_metadata"] = json!([]),
            "drops-the-sign-of-zero" | "one-wrong-answer" | "says-unknown" => {}
            fault => panic!("unknown fault of an agent: {fault:?}"),
        }
    }
}

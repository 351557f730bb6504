//! Agents with one fault each.
//!
//! A mutant lets the real agent make the calls and spoils what it says, so that a fault of the
//! report is told from a fault of the calls.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};

pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    eprintln!("pid {}", std::process::id());
    let fault = arguments.next().unwrap_or_default();
    let mut agent = Command::new(crate::sibling("calculator-agent"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the real agent");
    eprintln!("pid {}", agent.id());
    let mut to_agent = agent.stdin.take().expect("a pipe");
    let mut from_agent = BufReader::new(agent.stdout.take().expect("a pipe")).lines();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line from the tool");
        writeln!(to_agent, "{line}").expect("the real agent listens");
        let outcome = from_agent.next().expect("an outcome").expect("a line");
        let mut outcome: Value = serde_json::from_str(&outcome).expect("JSON");
        match fault.as_str() {
            "hangs" => loop {
                std::thread::park();
            },
            "dies" => {
                eprintln!("out of luck");
                // The real agent is left to the tool, which ends the whole group.
                std::process::exit(3);
            }
            "prints-rubbish" => println!("DEBUG about to answer"),
            "skips-a-call" => {
                outcome["calls"].as_array_mut().expect("calls").pop();
            }
            "tells-late" => std::thread::sleep(std::time::Duration::from_secs(3)),
            "cannot" => outcome = json!({ "not_supported": "no calls on Sundays" }),
            fault => spoil(fault, &mut outcome),
        }
        println!("{outcome}");
    }
    agent.wait().expect("the real agent ends");
    ExitCode::SUCCESS
}

/// Changes what is said of each call.
fn spoil(fault: &str, outcome: &mut Value) {
    // What the real agent cannot do has no calls.
    for call in outcome["calls"].as_array_mut().into_iter().flatten() {
        match fault {
            "drops-the-sign-of-zero" if call["value"] == "80000000" => {
                call["value"] = json!("00000000");
            }
            "one-wrong-answer" if call["value"] == "3fb504f3" => call["value"] = json!("3fb504f4"),
            "says-unknown" if call["status"] == "UNAVAILABLE" => call["status"] = json!("UNKNOWN"),
            "drops-trailers" => call["trailing_metadata"] = json!([]),
            "drops-the-sign-of-zero" | "one-wrong-answer" | "says-unknown" => {}
            fault => panic!("no such fault: {fault}"),
        }
    }
}

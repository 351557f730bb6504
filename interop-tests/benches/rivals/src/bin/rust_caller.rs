//! Makes calls without pause with this project's client, for the comparison with `python -m interop.caller`.
//!
//! Both do the same and print the same JSON line. The first third of the time is a warm-up and is not counted.

use std::cell::Cell;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use calculator::Number;
use calculator::grpcio::address::Address;
use calculator::grpcio::client::{self, GrpcioChannel};
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::service;
use clap::Parser;
use futures_util::future::try_join_all;

/// The requests are the squares of these numbers, so every response is exact, and consecutive responses differ.
const ROOTS: u16 = 4096;

/// Call a calculator server for some time, and print the number of calls.
#[derive(Debug, Parser)]
struct Options {
    #[arg(long)]
    address: Address,
    /// The number of calls in flight.
    #[arg(long)]
    in_flight: usize,
    /// The duration of the measurement.
    #[arg(long)]
    seconds: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rust-caller: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), String> {
    let time = Duration::try_from_secs_f64(options.seconds).map_err(|error| error.to_string())?;
    let channel = client::channel(&options.address, service::methods(), client::Options::default());
    let stub = CalculatorClient::new(channel);
    call_for(time / 3, options.in_flight, &stub).await?;
    let (begun, cpu_before) = (Instant::now(), cpu_time());
    let calls = call_for(time, options.in_flight, &stub).await?;
    let (seconds, cpu_after) = (begun.elapsed().as_secs_f64(), cpu_time());
    let cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let cpu = cpu.map_or_else(|| "null".to_owned(), |cpu| cpu.as_secs_f64().to_string());
    println!(r#"{{"calls":{calls},"seconds":{seconds},"cpu_seconds":{cpu}}}"#);
    Ok(())
}

type Stub = CalculatorClient<GrpcioChannel>;

/// Makes calls for `time`; returns their number.
async fn call_for(time: Duration, in_flight: usize, stub: &Stub) -> Result<u64, String> {
    let (end, root) = (Instant::now() + time, Cell::new(0));
    let callers = (0..in_flight).map(|_| call_until(end, stub.clone(), &root));
    Ok(try_join_all(callers).await?.into_iter().sum())
}

/// Makes calls one after the other until `end`; returns their number. `last` is the last root that was requested.
async fn call_until(end: Instant, mut stub: Stub, last: &Cell<u16>) -> Result<u64, String> {
    let mut calls = 0;
    while Instant::now() < end {
        let root = last.get() % ROOTS + 1;
        last.set(root);
        let root = f32::from(root);
        let answer = stub.square_root(client::request(Number { value: root * root }, None)).await;
        let answer = answer.map_err(|status| status.to_string())?.into_inner().value;
        if answer.to_bits() != root.to_bits() {
            return Err(format!("wrong response: {answer} instead of {root}"));
        }
        calls += 1;
    }
    Ok(calls)
}

/// The CPU time of this process; available only on Linux.
fn cpu_time() -> Option<Duration> {
    let of_thread = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    Some(fs::read_dir("/proc/self/task").ok()?.flatten().filter_map(of_thread).sum())
}

//! Calls without a pause with this project's own client: what `python -m interop.caller` is measured
//! against.
//!
//! Both do the same and say it in the same words, a line of JSON. A third of the time goes by before
//! anything is counted, so that neither is measured while it starts.

use std::cell::Cell;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use calculator::Number;
use calculator::grpcio::address::Address;
use calculator::grpcio::client::{self, GrpcioChannel};
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::service::methods;
use clap::Parser;
use futures_util::future::try_join_all;

/// The numbers whose squares are asked for: every answer is exact, and none is like the last.
const ROOTS: u16 = 4096;

/// Call a calculator server for a while, and tell how often.
#[derive(Debug, Parser)]
struct Options {
    #[arg(long)]
    address: Address,
    /// How many calls wait for their answers at any time.
    #[arg(long)]
    in_flight: usize,
    /// How long calls are counted.
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
    let channel = client::channel(&options.address, methods::kind, client::Options::default());
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

/// Calls until `time` is over; how often.
async fn call_for(time: Duration, in_flight: usize, stub: &Stub) -> Result<u64, String> {
    let (end, root) = (Instant::now() + time, Cell::new(0));
    let callers = (0..in_flight).map(|_| call_until(end, stub.clone(), &root));
    Ok(try_join_all(callers).await?.into_iter().sum())
}

/// Calls one after the other; how often. `last` is the root that was asked for last.
async fn call_until(end: Instant, mut stub: Stub, last: &Cell<u16>) -> Result<u64, String> {
    let mut calls = 0;
    while Instant::now() < end {
        let root = last.get() % ROOTS + 1;
        last.set(root);
        let root = f32::from(root);
        let answer = stub.square_root(client::request(Number { value: root * root }, None)).await;
        let answer = answer.map_err(|status| status.to_string())?.into_inner().value;
        if answer.to_bits() != root.to_bits() {
            return Err(format!("wrong answer: {answer} for {root}"));
        }
        calls += 1;
    }
    Ok(calls)
}

/// For how long the threads of this process have been running; nothing but Linux tells it in files.
fn cpu_time() -> Option<Duration> {
    let of_thread = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    Some(fs::read_dir("/proc/self/task").ok()?.flatten().filter_map(of_thread).sum())
}

//! Attacks on a server, and what another client of the server notices of them.
//!
//! An attack is an entry of a table: what a hostile client sends when its connection begins, and what it then repeats.
//! It states no bounds, because an attack is the same for every server and the bounds are not: who runs it knows how
//! much memory the server may use.
//!
//! - [`table`]: the entries
//! - `connection`: a connection of the attacker
//! - `witness`: the calls of the other client

mod connection;
pub mod table;
mod witness;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Builder;

pub use table::Attack;

use connection::Sent;
use witness::{Reach, Witness};

/// The longest time that a call of the other client may take. Only a call that is never answered exceeds it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What happened during an attack, and after it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many connections the attacker opened.
    pub connections: usize,
    /// How many bytes the attacker sent.
    pub sent: u64,
    /// How many connections the server ended, by the code of its GOAWAY if it sent one.
    pub ended: BTreeMap<Option<u32>, usize>,
    /// How many calls of the other client were answered correctly.
    pub calls: usize,
    /// The longest time that one of these calls took.
    pub slowest: Duration,
    /// What was wrong with the other calls of that client.
    pub failures: Vec<String>,
}

/// Attacks the server at `address` for this time, while another client makes one call after the other.
///
/// The other client uses one connection for all its calls, and a second one for each call unless the attack exhausts the
/// server's open files. After the attack, it makes a call on a new connection. The error says that the attack could not
/// be run.
pub fn run(attack: &Attack, address: SocketAddr, duration: Duration) -> io::Result<Outcome> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut outcome = Outcome::default();
    // Connects before the attack, which may leave nothing for new connections.
    let kept = Witness::start(address, Reach::OneConnection)?;
    let new = match attack.open_files {
        None => Some(Witness::start(address, Reach::NewConnections)?),
        Some(_) => None,
    };
    let Sent { connections, bytes, ended } =
        runtime.block_on(connection::attack(attack, address, duration));
    drop(runtime);
    outcome.connections = connections;
    outcome.sent = bytes;
    outcome.ended = ended;
    for witness in [Some(kept), new].into_iter().flatten() {
        witness.stop(&mut outcome);
    }
    outcome.failures.extend(
        witness::call_once(address).err().map(|error| format!("after the attack: {error}")),
    );
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Attack, Outcome, run};
    use crate::http2::frame::{flag, kind};
    use crate::http2::frame_socket::Observers;
    use crate::http2::{Activity, Endpoint, Frame, Role, Timeout, header_block};

    const STATUS_OK: &[(&[u8], &[u8])] = &[(b":status", b"200")];

    /// Responds to each call with `message`, and closes the connection of the call number `last`.
    fn serve(listener: &TcpListener, message: &[u8], last: usize) {
        let calls = AtomicUsize::new(0);
        thread::scope(|scope| {
            while let Ok((socket, _)) = listener.accept() {
                let calls = &calls;
                scope.spawn(move || {
                    let observers = Observers::none();
                    let activity = Activity::default();
                    let mut endpoint =
                        Endpoint::new(Role::Server, socket, observers, activity).unwrap();
                    endpoint.send_preface(&[]);
                    let block = |fields: &[(&[u8], &[u8])]| {
                        let fields = fields.iter().map(|(n, v)| (n.to_vec(), v.to_vec()));
                        header_block::encode(&fields.collect::<Vec<_>>())
                    };
                    for stream in (1..).step_by(2) {
                        let timeout = Timeout::At(Instant::now() + Duration::from_secs(10));
                        let has_come = endpoint.process_until(timeout, |endpoint| {
                            endpoint.streams.get(&stream).is_some_and(|call| call.received_end)
                        });
                        if !has_come || calls.fetch_add(1, Ordering::Relaxed) + 1 >= last {
                            return;
                        }
                        let (end_headers, end) = (flag::END_HEADERS, flag::END_STREAM);
                        endpoint.send(&Frame::new(
                            kind::HEADERS,
                            end_headers,
                            stream,
                            block(STATUS_OK),
                        ));
                        endpoint.send(&Frame::new(kind::DATA, 0, stream, message));
                        let trailers = block(&[(b"grpc-status", b"0")]);
                        endpoint.send(&Frame::new(
                            kind::HEADERS,
                            end_headers | end,
                            stream,
                            trailers,
                        ));
                        endpoint.flush();
                    }
                });
            }
        });
    }

    /// Attacks such a server.
    fn attacked(message: &'static [u8], last: usize) -> std::io::Result<Outcome> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        // It ends with the process of the tests.
        thread::spawn(move || serve(&listener, message, last));
        let attack: Attack = toml::from_str("name = 'a'\nabout = 'b'\npreface = ''").unwrap();
        run(&attack, address, Duration::from_millis(100))
    }

    const FOUR: &[u8] = &[0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x40];

    #[test]
    fn a_server_that_answers_all_calls_withstands() {
        let outcome = attacked(FOUR, usize::MAX).unwrap();
        assert!(outcome.failures.is_empty() && outcome.calls > 1, "{outcome:?}");
    }

    #[test]
    fn a_call_that_is_not_answered_is_a_failure() {
        let outcome = attacked(FOUR, 6).unwrap();
        let all = outcome.failures.join("\n");
        assert!(all.contains("failed after"), "{all}");
        assert!(all.contains("after the attack: the server closed the connection"), "{all}");
    }

    #[test]
    fn a_wrong_answer_is_an_error_before_the_attack() {
        let error = attacked(b"\0\0\0\0\0", usize::MAX).unwrap_err().to_string();
        assert_eq!(error, "before the attack: grpc-status 0, message [00, 00, 00, 00, 00] ");
    }
}

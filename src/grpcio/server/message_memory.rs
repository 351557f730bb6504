//! The messages of all clients together use a limited amount of memory.
//!
//! Flow control limits only what a client may send at once and what is sent to it. It limits neither
//! the messages that are received in part, of which each call may have one, nor the responses that
//! handlers have returned to a client that does not read. grpcio limits neither, too.
//!
//! Messages of more than 4 KiB are counted: a request from its first part until its handler has
//! responded, and a response until it is sent. A connection may hold as much as it leaves free: alone
//! it gets half of the memory, and with `n` greedy connections the next one still finds an
//! `n + 1`th part of it. Smaller messages cost only one comparison: they are counted with their
//! calls, see `open_calls`.
//!
//! - A request waits before it is received further, and a call waits before its handler starts.
//!   After 20 seconds it fails with RESOURCE_EXHAUSTED. So do further requests at once while many
//!   wait, because up to a flow-control window of each of them has arrived already.
//! - A stream of responses waits before its next response as long as the client does not read.
//! - The size of a response is known only when the handler has returned it. Until then it is
//!   expected to be as large as earlier responses of the method, and memory for that is reserved.
//!   Calls of methods whose responses are small never wait.
//! - A response is counted even beyond the limit. A connection that holds nothing may start a
//!   handler until twice the limit is in use, so that busy clients do not stop the others.
//!
//! Handlers that run at the same time, and return much more than the method has before, can therefore
//! exceed the limit by one response each.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::connection_limits::{MAX_WAITING_MESSAGES, STREAM_WINDOW};
use crate::grpcio::wire::message::MAX_MESSAGE_SIZE;

/// The largest message that is not counted, in bytes.
pub(super) const SMALL: usize = 4 * 1024;

/// How long a call waits for memory.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(20);

/// The memory for messages of the servers that share it, usually one for each process. Clones share
/// it.
#[derive(Clone, Debug)]
pub struct MessageMemory(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    limit: usize,
    used: Used,
    /// How many messages wait for memory.
    waiting_messages: AtomicUsize,
    queue: Mutex<Queue>,
    /// The expected size of a response of each method in bytes; 0 before the first response. Methods
    /// at the same position modulo the length share it.
    responses: [AtomicUsize; METHODS],
}

/// How many bytes are in use. Changed only while the queue is locked, and read without the lock by
/// every call.
#[derive(Debug, Default)]
struct Used {
    messages: AtomicUsize,
    calls: AtomicUsize,
}

impl Used {
    fn of(&self, account: Account) -> &AtomicUsize {
        match account {
            Account::Messages => &self.messages,
            Account::Calls => &self.calls,
        }
    }
}

/// For how many methods the sizes of responses are known.
const METHODS: usize = 64;

/// What waits for memory, in the order of arrival.
#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiting: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    connection: ConnectionMemory,
    demand: Demand,
    grant: oneshot::Sender<Charge>,
}

/// What needs memory, and how many bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Demand {
    /// A message that is being received.
    Message(usize),
    /// A response of an expected size.
    Response(usize),
    /// A call or its header fields.
    Call(usize),
}

/// What memory is used for. Calls have half as much memory as messages, in addition, so that small
/// calls continue while messages use all of theirs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Account {
    Messages,
    Calls,
}

impl Memory {
    /// The limit in bytes.
    fn limit(&self, account: Account) -> usize {
        match account {
            Account::Messages => self.limit,
            Account::Calls => self.limit / 2,
        }
    }

    fn is_scarce(&self, account: Account) -> bool {
        self.used.of(account).load(Relaxed) > self.limit(account) / 2
    }
}

impl MessageMemory {
    /// The default limit in bytes: 256 MiB.
    pub const DEFAULT: usize = 256 * 1024 * 1024;

    /// The smallest limit in bytes: 8 MiB. With less, a message of 4 MiB could never be received.
    pub const MIN: usize = 2 * MAX_MESSAGE_SIZE;

    /// Memory for `limit` bytes of messages, and at least [`MIN`](Self::MIN).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(Self::MIN);
        Self(Arc::new(Memory {
            limit,
            used: Used::default(),
            waiting_messages: AtomicUsize::new(0),
            queue: Mutex::default(),
            responses: [const { AtomicUsize::new(0) }; METHODS],
        }))
    }

    /// The memory of a new connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionMemory {
        ConnectionMemory(Arc::new(Connection {
            memory: Arc::clone(&self.0),
            used: Used::default(),
            waiting_messages: AtomicUsize::new(0),
            refuses_calls: AtomicBool::new(false),
        }))
    }
}

impl Default for MessageMemory {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

/// What one connection holds of the [`MessageMemory`]. Clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionMemory(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    memory: Arc<Memory>,
    used: Used,
    waiting_messages: AtomicUsize,
    /// Whether there is no memory for the call that has just begun.
    refuses_calls: AtomicBool,
}

impl Default for ConnectionMemory {
    /// A connection that shares its memory with no other.
    fn default() -> Self {
        MessageMemory::default().connection()
    }
}

impl ConnectionMemory {
    /// Whether responses of this method have been small, so that its handler may start.
    #[inline]
    pub(super) fn returns_little(&self, method: usize) -> bool {
        (1..=SMALL).contains(&self.response(method).load(Relaxed))
    }

    /// Whether less than half of the memory is free. Otherwise every connection is within its share.
    pub(in crate::grpcio) fn is_scarce(&self) -> bool {
        let memory = &self.0.memory;
        memory.is_scarce(Account::Messages) || memory.is_scarce(Account::Calls)
    }

    /// Memory for the next response of this method, or a place in the queue. `max_wait` is without
    /// limit if it is `None`.
    pub(super) fn expect_response(
        &self,
        method: usize,
        max_wait: Option<Duration>,
    ) -> Result<Charge, Box<Waiting>> {
        self.acquire(Demand::Response(self.response(method).load(Relaxed)), max_wait)
    }

    /// Expects responses like this one. After a large response, small ones lower the expectation
    /// step by step.
    pub(super) fn learn(&self, method: usize, size: usize) {
        let response = self.response(method);
        let expected = response.load(Relaxed);
        response.store(size.max(expected - expected / 8).max(1), Relaxed);
    }

    fn response(&self, method: usize) -> &AtomicUsize {
        &self.0.memory.responses[method % METHODS]
    }

    /// Memory for the rest of a message, or a place in the queue. An error if the waiting messages
    /// would exhaust the flow-control window of the connection, or what has arrived of all of them
    /// would exceed the limit again.
    pub(super) fn receive(&self, bytes: usize) -> Result<Result<Charge, Box<Waiting>>, Status> {
        let Memory { limit, waiting_messages, .. } = &*self.0.memory;
        let max_waiting = limit / STREAM_WINDOW as usize;
        let why = if self.0.waiting_messages.load(Relaxed) >= MAX_WAITING_MESSAGES {
            format!("{MAX_WAITING_MESSAGES} messages of the connection already wait")
        } else if waiting_messages.load(Relaxed) >= max_waiting {
            format!("{max_waiting} messages already wait")
        } else {
            return Ok(self.acquire(Demand::Message(bytes), Some(MAX_WAIT)));
        };
        Err(self.exhausted(Demand::Message(bytes), &why))
    }

    fn acquire(&self, demand: Demand, max_wait: Option<Duration>) -> Result<Charge, Box<Waiting>> {
        let mut queue = self.lock();
        let is_behind =
            matches!(demand, Demand::Message(_)) && self.0.waiting_messages.load(Relaxed) > 0;
        if !is_behind && self.fits(demand) {
            return Ok(self.add(Account::Messages, demand.bytes()));
        }
        let (grant, granted) = oneshot::channel();
        let id = queue.next;
        queue.next += 1;
        queue.waiting.insert(id, Waiter { connection: self.clone(), demand, grant });
        if let Demand::Message(_) = demand {
            self.0.waiting_messages.fetch_add(1, Relaxed);
            self.0.memory.waiting_messages.fetch_add(1, Relaxed);
        }
        drop(queue);
        let limit = max_wait.map(|max_wait| Box::pin(sleep(max_wait)));
        Err(Box::new(Waiting { connection: self.clone(), id, demand, granted, limit }))
    }

    /// Counts a response as long as it is not sent, even beyond the limit.
    pub(in crate::grpcio) fn charge_response(&self, data: Bytes) -> Bytes {
        self.charge(Account::Messages, data.len()).hold(data)
    }

    /// Whether a call waits for memory, of any connection.
    pub(super) fn is_awaited(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Memory for calls if there is enough.
    pub(super) fn charge_for_calls(&self, bytes: usize) -> Option<Charge> {
        let _queue = self.lock();
        self.fits(Demand::Call(bytes)).then(|| self.add(Account::Calls, bytes))
    }

    /// Memory that is in use in any case, even beyond the limit.
    pub(super) fn charge(&self, account: Account, bytes: usize) -> Charge {
        let _queue = self.lock();
        self.add(account, bytes)
    }

    /// Whether there is no memory for the call that has just begun.
    #[inline]
    pub(super) fn refuses_calls(&self) -> bool {
        self.0.refuses_calls.load(Relaxed)
    }

    /// Sets whether there is no memory for the call that has just begun.
    pub(super) fn refuse_calls(&self, refuses: bool) {
        self.0.refuses_calls.store(refuses, Relaxed);
    }

    fn fits(&self, demand: Demand) -> bool {
        let account = demand.account();
        let limit = self.0.memory.limit(account);
        let used = self.0.memory.used.of(account).load(Relaxed);
        let own = self.0.used.of(account).load(Relaxed);
        let free = limit.checked_sub(used.saturating_add(demand.bytes()));
        let is_within_share = free.is_some_and(|free| own.saturating_add(demand.bytes()) <= free);
        let is_first = matches!(demand, Demand::Response(_)) && own == 0;
        is_within_share || is_first && used / 2 <= limit
    }

    /// Counts bytes while the queue is locked.
    fn add(&self, account: Account, bytes: usize) -> Charge {
        self.0.memory.used.of(account).fetch_add(bytes, Relaxed);
        self.0.used.of(account).fetch_add(bytes, Relaxed);
        Charge { connection: self.clone(), account, bytes }
    }

    /// Returns bytes, and grants them to what waits.
    fn release(&self, account: Account, bytes: usize) {
        let mut granted = Vec::new();
        let mut queue = self.lock();
        self.0.memory.used.of(account).fetch_sub(bytes, Relaxed);
        self.0.used.of(account).fetch_sub(bytes, Relaxed);
        for (id, Waiter { connection, demand, grant }) in &queue.waiting {
            if !grant.is_closed() && connection.fits(*demand) {
                granted.push((*id, connection.add(Account::Messages, demand.bytes())));
            }
        }
        let granted: Vec<_> =
            granted.into_iter().map(|(id, charge)| (queue.waiting.remove(&id), charge)).collect();
        drop(queue);
        for (waiter, charge) in granted {
            // A call that has ended returns the bytes.
            let _ = waiter.map(|waiter| waiter.grant.send(charge));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.memory.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The status of a call that gets no memory.
    pub(super) fn exhausted(&self, demand: Demand, why: &str) -> Status {
        let mib = self.0.memory.limit / (1024 * 1024);
        let wanted = match demand {
            Demand::Message(bytes) => format!("a message of {bytes} bytes"),
            Demand::Response(_) => "the response".to_owned(),
            Demand::Call(_) => "another call".to_owned(),
        };
        Status::resource_exhausted(format!(
            "SERVER: No memory for {wanted}: {why} (--message-memory is {mib} MiB)"
        ))
    }
}

impl Demand {
    fn bytes(self) -> usize {
        let (Self::Message(bytes) | Self::Response(bytes) | Self::Call(bytes)) = self;
        bytes
    }

    fn account(self) -> Account {
        match self {
            Self::Message(_) | Self::Response(_) => Account::Messages,
            Self::Call(_) => Account::Calls,
        }
    }
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    connection: ConnectionMemory,
    account: Account,
    bytes: usize,
}

impl Charge {
    /// How many bytes are counted.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts what `other` counts, too.
    pub(super) fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Counts only this many bytes from now on.
    pub(super) fn reduce(&mut self, bytes: usize) {
        if let Some(less @ 1..) = self.bytes.checked_sub(bytes) {
            self.bytes = bytes;
            self.connection.release(self.account, less);
        }
    }

    /// Makes the charge last as long as `data`.
    pub(super) fn hold(self, data: Bytes) -> Bytes {
        Bytes::from_owner(Charged { data, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.connection.release(self.account, self.bytes);
        }
    }
}

#[derive(Debug)]
struct Charged {
    data: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

/// A place in the queue: resolves to the memory, or to RESOURCE_EXHAUSTED after the longest wait.
#[derive(Debug)]
pub(super) struct Waiting {
    connection: ConnectionMemory,
    id: u64,
    demand: Demand,
    granted: oneshot::Receiver<Charge>,
    limit: Option<Pin<Box<Sleep>>>,
}

impl Future for Waiting {
    type Output = Result<Charge, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(Ok(charge)) = Pin::new(&mut self.granted).poll(cx) {
            return Poll::Ready(Ok(charge));
        }
        let Some(limit) = &mut self.limit else { return Poll::Pending };
        ready!(limit.as_mut().poll(cx));
        let why = format!("other calls have used all of it for {} s", MAX_WAIT.as_secs());
        Poll::Ready(Err(self.connection.exhausted(self.demand, &why)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Demand::Message(_) = self.demand {
            self.connection.0.waiting_messages.fetch_sub(1, Relaxed);
            self.connection.0.memory.waiting_messages.fetch_sub(1, Relaxed);
        }
        let left = self.connection.lock().waiting.remove(&self.id);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Charge, ConnectionMemory, MAX_WAIT, MessageMemory, SMALL};
    use crate::grpcio::server::connection_limits::MAX_WAITING_MESSAGES;
    use bytes::Bytes;
    use futures_util::FutureExt;
    use tokio::time::Instant;
    use tonic::Code;

    const MIB: usize = 1024 * 1024;

    fn held(connection: &ConnectionMemory, mib: usize) -> Option<Charge> {
        connection.receive(mib * MIB).expect("few messages wait").ok()
    }

    /// Messages of 1 MiB until the connection gets no more.
    fn greedy(connection: &ConnectionMemory) -> Vec<Charge> {
        std::iter::from_fn(|| held(connection, 1)).take(100).collect()
    }

    #[tokio::test]
    async fn a_connection_gets_as_much_as_it_leaves_free() {
        let memory = MessageMemory::new(60 * MIB);
        let connections: Vec<_> = (0..5).map(|_| memory.connection()).collect();
        let held: Vec<_> = connections.iter().map(greedy).collect();
        let counts: Vec<_> = held.iter().map(Vec::len).collect();
        assert_eq!(counts, [30, 15, 7, 4, 2]);
        drop(held);
        assert_eq!(greedy(&connections[4]).len(), 30, "the rest was returned");
    }

    #[tokio::test]
    async fn only_so_many_messages_wait() {
        let memory = MessageMemory::new(8 * MIB);
        let _all = memory.connection().charge(Account::Messages, 8 * MIB);
        let waiting: Vec<_> = (0..8)
            .map(|_| memory.connection().receive(MIB).expect("it waits").expect_err("no memory"))
            .collect();
        let status = memory.connection().receive(MIB).expect_err("too many wait");
        assert!(status.message().contains("8 messages already wait"), "{status}");
        drop(waiting);
        assert!(memory.connection().receive(MIB).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_messages_are_served_in_order_or_fail_after_the_longest_wait() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let first = held(&connection, 4).expect("4 of 8 MiB");
        let mut second = connection.receive(4 * MIB).expect("a place").expect_err("full");
        let mut third = connection.receive(4 * MIB).expect("a place").expect_err("full");
        let start = Instant::now();
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        let second = second.now_or_never().expect("it is its turn").expect("memory");
        assert!((&mut third).now_or_never().is_none());
        let status = third.await.expect_err("still full");
        assert_eq!((status.code(), start.elapsed()), (Code::ResourceExhausted, MAX_WAIT));
        let text = "SERVER: No memory for a message of 4194304 bytes: other calls have used all of \
                    it for 20 s (--message-memory is 8 MiB)";
        assert_eq!(status.message(), text);
        drop(second);
        assert!(held(&connection, 4).is_some(), "a call that has failed left the queue");
    }

    #[tokio::test]
    async fn messages_that_would_exhaust_the_window_fail_at_once() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let _first = held(&connection, 4).expect("4 of 8 MiB");
        let mut waiting: Vec<_> = (0..MAX_WAITING_MESSAGES)
            .map(|_| connection.receive(MIB).expect("a place").expect_err("full"))
            .collect();
        let status = connection.receive(MIB).expect_err("too many wait");
        assert!(status.message().contains("3 messages of the connection already wait"));
        waiting.pop();
        assert!(connection.receive(MIB).expect("a place").is_err());
    }

    #[tokio::test]
    async fn a_response_counts_until_it_is_dropped_and_delays_the_next() {
        const METHOD: usize = 65;
        let memory = MessageMemory::new(8 * MIB);
        let (busy, other) = (memory.connection(), memory.connection());
        let response = || {
            busy.learn(METHOD, 6 * MIB);
            busy.charge_response(Bytes::from(vec![0; 6 * MIB]))
        };
        drop(busy.expect_response(METHOD, None).expect("nothing is known"));
        let (first, second) = (response(), response());
        assert!(busy.is_scarce());
        let next = busy.expect_response(METHOD, Some(MAX_WAIT)).expect_err("over its share");
        assert!(other.expect_response(METHOD, None).is_ok(), "the other one holds nothing");
        let third = response();
        assert!(other.expect_response(METHOD, None).is_err(), "twice the limit is in use");
        drop((first, second.slice(1..), second));
        assert!(next.now_or_never().is_none());
        drop(third);
        assert!(busy.expect_response(METHOD, None).is_ok());
    }

    #[test]
    fn small_responses_lower_the_expectation_step_by_step() {
        let connection = MessageMemory::default().connection();
        assert!(!connection.returns_little(0), "nothing is known yet");
        connection.learn(0, 10);
        assert!(connection.returns_little(0) && !connection.returns_little(1));
        connection.learn(0, 4 * SMALL);
        let steps = (0..).take_while(|_| {
            connection.learn(0, 0);
            !connection.returns_little(0)
        });
        assert_eq!(steps.count(), 10);
    }

    #[test]
    fn the_limit_suffices_for_the_largest_message() {
        let connection = MessageMemory::new(0).connection();
        assert!(held(&connection, 4).is_some());
    }
}

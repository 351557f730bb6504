//! Generates a random case: a probe of the suite with a few mutations, determined by the seed and the case number.
//!
//! The generated probe is written as an entry and read back, so that the request that is sent is exactly the one that
//! is printed.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use strum::VariantArray;

use crate::http2::{Action, End, Field, body};
use crate::outcome::Grade;
use crate::probe::class::Class;
use crate::probe::mutation::{
    body as body_mutation, frames, headers, random::Random, requests::Requests,
};
use crate::probe::table::{self, Acknowledge, Probe, entry_named};

/// Generates cases from probes.
#[derive(Debug)]
pub(crate) struct Generator {
    bases: Vec<Probe>,
    requests: Requests,
    /// Whether cases may violate the protocol.
    pub(crate) edge: bool,
}

/// How many attempts to generate a case that may be sent.
const DRAWS: usize = 200;

/// Of the requests that make a server wait or are slow to send, one in this number is kept.
const SLOW: usize = 8;

/// The initial flow-control window. A longer body is not sent at once, so the outcome of an early response would
/// depend on timing.
const WINDOW: usize = 65_535;

/// The sizes of metadata in bytes at which the reference rejects calls at random.
const REJECTED_AT_RANDOM: RangeInclusive<usize> = 8_193..=16_384;

impl Generator {
    /// Uses all `probes` except bursts and those with varying responses, because their mutations have the same
    /// properties. The probes and `requests` are those of one method.
    pub(crate) fn new(
        probes: impl IntoIterator<Item = Probe>,
        requests: Requests,
        edge: bool,
    ) -> Self {
        let mut generator = Self { bases: Vec::new(), requests, edge };
        let is_base =
            |probe: &Probe| probe.also().is_empty() && !probe.is_burst() && generator.allows(probe);
        generator.bases = probes.into_iter().filter(is_base).collect();
        generator
    }

    /// Whether there is a probe from which cases can be generated.
    pub(crate) fn has_bases(&self) -> bool {
        !self.bases.is_empty()
    }

    /// Whether `probe` may be sent.
    pub(crate) fn allows(&self, probe: &Probe) -> bool {
        let forbidden = if self.edge { &[] } else { Class::VARIANTS };
        (self.edge || probe.grade == Grade::ClientVisible)
            && !forbidden.iter().any(|class| class.contains(probe))
            && !is_answered_at_random(probe)
            && !races_with_its_deadline(probe)
            && !is_changed_by_libraries(&probe.header_list())
            && body::bytes(&probe.body).len() * probe.times <= WINDOW
    }

    /// Generates a case with this name.
    pub(crate) fn draw(&self, random: &mut Random, name: &str) -> Result<Probe, String> {
        for _ in 0..DRAWS {
            let probe = self
                .mutated(random)
                .ok_or("fuzz: there are no probes to mutate in scenarios/server-parity")?;
            if self.allows(&probe)
                && (!is_slow(&probe) || (probe.times == 1 && random.one_in(SLOW)))
            {
                let entry = entry_named(&probe, name)?;
                let read = table::from_entry(&entry);
                return read.map_err(|error| {
                    format!("fuzz: {name} is not a valid probe: {error}\n{entry}")
                });
            }
        }
        Err(format!("fuzz: {name}: {DRAWS} attempts generated no request that may be sent"))
    }

    fn mutated(&self, random: &mut Random) -> Option<Probe> {
        let base = self.bases.get(random.below(self.bases.len()))?;
        let other = self.bases.get(random.below(self.bases.len()))?;
        let mut probe = base.clone();
        for _ in 0..=random.size(4) {
            match random.below(5) {
                0 | 1 => {
                    headers::mutate(&mut probe.headers, &other.headers, &self.requests, random);
                }
                2 | 3 => body_mutation::mutate(&mut probe, &other.body, &self.requests, random),
                _ => frames::mutate(&mut probe, random),
            }
        }
        Some(probe)
    }
}

/// Whether the response of the reference varies at random.
fn is_answered_at_random(probe: &Probe) -> bool {
    /// What HTTP/2 adds to the size of each field (RFC 9113, section 6.5.2).
    const OVERHEAD: usize = 32;
    let fields = probe.header_list();
    // Binary values count with their decoded size: between three quarters and all of their length.
    let size = |(name, value): &Field| OVERHEAD + name.len() + value.len();
    let decoded = |(name, value): &Field| if name.ends_with(b"-bin") { value.len() / 4 } else { 0 };
    let most: usize = fields.iter().map(size).sum();
    let least = most - fields.iter().map(decoded).sum::<usize>();
    let is_large = most >= *REJECTED_AT_RANDOM.start();
    let is_unknown_flag = body::bytes(&probe.body).first().is_some_and(|flag| *flag > 1);
    // The response may arrive before the client resets the stream.
    probe.has(|action| matches!(action, Action::Reset(_)))
        // The response to too much metadata contains the remaining time.
        || is_large && fields.iter().any(|(name, _)| name == b"grpc-timeout")
        // A message with an unknown flag may arrive separately from the headers.
        || is_unknown_flag && probe.actions.len() > 2
        // If the limit is acknowledged, metadata near it is rejected at random.
        || probe.acknowledge_settings == Acknowledge::Before
            && is_large
            && least <= *REJECTED_AT_RANDOM.end()
}

/// Whether the response and the deadline come at about the same time, so that the outcome varies.
fn races_with_its_deadline(probe: &Probe) -> bool {
    /// Longer than any response on a busy machine, in nanoseconds.
    const LONG: u64 = 2_000_000_000;
    let is_short = |value: &[u8]| {
        let text = String::from_utf8_lossy(value);
        let text = text.trim();
        let (digits, unit) = text.split_at(text.trim_end_matches(|c| !char::is_numeric(c)).len());
        let nanoseconds = match unit.trim() {
            "n" => 1,
            "u" => 1_000,
            "m" => 1_000_000,
            _ => 1_000_000_000,
        };
        let number = digits.parse::<u64>().unwrap_or(u64::MAX);
        number > 0 && number.saturating_mul(nanoseconds) < LONG
    };
    let waits_for_more = probe.end == End::Never && probe.body.is_empty();
    let is_short = |(name, value): &Field| name == b"grpc-timeout" && is_short(value);
    !waits_for_more && probe.header_list().iter().any(is_short)
}

/// Whether a Rust server cannot see the fields as they were sent.
fn is_changed_by_libraries(fields: &[Field]) -> bool {
    // The http crate groups fields by name, so the order of different invalid fields is lost.
    let groups = fields.chunk_by(|one, other| one.0 == other.0).count();
    let names: BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
    // Without an authority, hyper drops the scheme, whose length appears in one status message.
    let has_authority = names.contains(&b":authority".to_vec());
    let is_https = fields.iter().any(|(name, value)| name == b":scheme" && value != b"http");
    groups > names.len() || (is_https && !has_authority)
}

/// Whether servers may wait for more data or for a thread before they respond, or may not respond at all.
pub(crate) fn is_slow(probe: &Probe) -> bool {
    let closes_window =
        |action: &Action| matches!(action, Action::Settings(s) if s.contains(&(4, 0)));
    probe.end == End::Never
        || probe.preface.is_some()
        || probe.ends_connection()
        || !probe.has(|action| matches!(action, Action::Body))
        || probe.has(closes_window)
        || !probe.header_list().contains(&(b":method".to_vec(), b"POST".to_vec()))
}
